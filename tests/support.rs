//! What every test of the house needs: where things are, and pages that tests write.
#![allow(dead_code, reason = "a kit: not every test uses every tool")]

use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
pub(crate) fn root() -> PathBuf {
    // At run time: a kept target folder may have been built from another clone.
    PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs the tests"))
        .parent()
        .expect("tests/ is in the repository")
        .to_owned()
}

/// A file of the shared folder (`STRONGROOM_SHARED`, else `../shared` beside the repository), or none
/// with a printed reason, so that the test can return.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("STRONGROOM_SHARED")
        .map_or_else(|| root().join("../shared"), PathBuf::from);
    let file = folder.join(path);
    if file.exists() {
        return Some(file);
    }
    println!("left out: the shared folder has no {path} (set STRONGROOM_SHARED to the folder)");
    None
}

/// A program of ours that the build put beside this test, or in the folder `STRONGROOM_BIN_DIR`.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let beside = test
        .parent()
        .and_then(Path::parent)
        .expect("a test is in TARGET/debug/deps");
    let built = std::env::var_os("STRONGROOM_BIN_DIR").map_or(beside.to_owned(), PathBuf::from);
    let program = built.join(name);
    assert!(
        program.exists(),
        "{name} is not built: run `cargo xtask test`, or `cargo build --workspace --all-targets` first"
    );
    program
}

/// Whether this is a long run (`cargo xtask test --long`).
pub(crate) fn long() -> bool {
    std::env::var_os("STRONGROOM_LONG").is_some()
}

/// A page of `docs/reference/` must hold this text. `cargo xtask docs` writes it instead.
pub(crate) fn reference_page(name: &str, text: &str) {
    let path = root().join("docs/reference").join(name);
    if std::env::var_os("STRONGROOM_WRITE_PAGES").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("docs/reference can be made");
        fs::write(&path, text).expect("the page can be written");
    }
    page_must_hold(&path, text);
}

fn page_must_hold(path: &Path, text: &str) {
    let page = fs::read_to_string(path).unwrap_or_default();
    let differing = page
        .lines()
        .zip(text.lines())
        .position(|(page, text)| page != text)
        .unwrap_or_else(|| page.lines().count().min(text.lines().count()));
    assert!(
        page == text,
        "{} is out of date from line {} on: run `cargo xtask docs`",
        path.display(),
        differing + 1
    );
}

/// A text file of the repository.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Path from the repository's root, with `/`.
    pub(crate) path: String,
    /// All of it.
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }
}

/// Every text file under these folders of the repository that has one of these endings, by path.
pub(crate) fn sources(folders: &[&str], endings: &[&str]) -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    for folder in folders {
        walk(&root, &root.join(folder), endings, &mut found);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(root: &Path, folder: &Path, endings: &[&str], found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a folder can be listed").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !["target", "__pycache__", "node_modules"].contains(&name.as_ref()) {
                walk(root, &path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let inside = path.strip_prefix(root).expect("under the root");
            let text = fs::read_to_string(&path)
                .unwrap_or_else(|why| panic!("{}: {why}", inside.display()));
            found.push(Source {
                path: inside.to_string_lossy().into_owned(),
                text,
            });
        }
    }
}

#[test]
#[should_panic(expected = "is out of date from line 2 on: run `cargo xtask docs`")]
fn a_page_that_differs_is_found() {
    let page = tempfile::NamedTempFile::new().unwrap();
    fs::write(page.path(), "one\ntwo\n").unwrap();
    page_must_hold(page.path(), "one\nthree\n");
}
