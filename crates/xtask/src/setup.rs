//! The prebuilt DuckDB: fetched once, checked every time (`docs/adr/0003-prebuilt-duckdb.md`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fault::Fault;
use crate::place::Place;
use crate::{machine, run};

/// The library's file name.
pub(crate) const LIBRARY: &str = "libduckdb.so";
/// The package that carries it: DuckDB 1.5.6 for Linux on x86-64.
const PACKAGE: &str = "@duckdb/node-bindings-linux-x64@1.5.6-r.1";
/// The official release archive, where the package cannot be had.
const ARCHIVE: &str =
    "https://github.com/duckdb/duckdb/releases/download/v1.5.6/libduckdb-linux-amd64.zip";
/// The only bytes we link.
const SHA256: &str = "3f4962cdd266eab2b479a5b5a4a6d063d279b2954ae814ed00385d553b747633";

/// Puts the library in place, or says why not.
pub(crate) fn setup(place: &Place) -> Result<(), Fault> {
    machine::check()?;
    if !machine::has_openssl() {
        machine::install(
            &["libssl-dev", "pkg-config"],
            "the system's OpenSSL, from which OpenDP draws its noise",
        )?;
    }
    let folder = place.duckdb();
    let library = folder.join(LIBRARY);
    fs::create_dir_all(&folder).map_err(|why| Fault::file(&folder, why))?;
    if library.exists() {
        match must_be(&library, SHA256) {
            Ok(()) => return beside(place, &library),
            Err(fault) => eprintln!("xtask: {fault}; fetching it again"),
        }
    }
    let temporary = folder.join(format!("fetch-{}", std::process::id()));
    fs::create_dir_all(&temporary).map_err(|why| Fault::file(&temporary, why))?;
    let fetched = fetch(&temporary)
        .and_then(|found| fs::rename(&found, &library).map_err(|why| Fault::file(&library, why)));
    fs::remove_dir_all(&temporary).map_err(|why| Fault::file(&temporary, why))?;
    fetched?;
    beside(place, &library)
}

/// From the package, else from the archive; checked before it is handed on.
fn fetch(folder: &Path) -> Result<PathBuf, Fault> {
    let mut tried = Vec::new();
    for (program, from) in [
        ("npm", from_package as fn(&Path) -> Result<PathBuf, Fault>),
        ("curl", from_archive),
    ] {
        if !machine::has(program) {
            tried.push(format!("`{program}` is not installed"));
            continue;
        }
        eprintln!("xtask: fetching the prebuilt DuckDB with {program} (about 25 MB)");
        match from(folder).and_then(|found| must_be(&found, SHA256).map(|()| found)) {
            Ok(found) => return Ok(found),
            Err(fault) => tried.push(format!("{program}: {fault}")),
        }
    }
    Err(Fault::Plain(format!(
        "cannot fetch the prebuilt DuckDB ({}); install npm or curl (on Debian: apt-get install npm) with \
         a network, or put {LIBRARY} of DuckDB 1.5.6 into .duckdb/ yourself (SHA-256 {SHA256})",
        tried.join("; ")
    )))
}

fn from_package(folder: &Path) -> Result<PathBuf, Fault> {
    let packed = run::said(
        Command::new("npm")
            .args(["pack", "--silent", PACKAGE])
            .current_dir(folder),
    )?;
    let name = packed.lines().last().unwrap_or_default().trim();
    let member = format!("package/{LIBRARY}");
    run::said(
        Command::new("tar")
            .args(["-xzf", name, &member])
            .current_dir(folder),
    )?;
    Ok(folder.join(member))
}

fn from_archive(folder: &Path) -> Result<PathBuf, Fault> {
    let curl = ["-fsSL", "--retry", "2", "-o", "duckdb.zip", ARCHIVE];
    run::said(Command::new("curl").args(curl).current_dir(folder))?;
    let (program, args): (_, &[&str]) = if machine::has("unzip") {
        ("unzip", &["-oq", "duckdb.zip", LIBRARY])
    } else {
        ("python3", &["-m", "zipfile", "-e", "duckdb.zip", "."])
    };
    run::said(Command::new(program).args(args).current_dir(folder))?;
    Ok(folder.join(LIBRARY))
}

/// Whether a file has the pinned hash.
fn must_be(path: &Path, sha256: &str) -> Result<(), Fault> {
    let said = run::said(Command::new("sha256sum").arg("--").arg(path))?;
    // A name with odd characters makes sha256sum begin the line with a backslash.
    let found = said
        .trim_start_matches('\\')
        .split_whitespace()
        .next()
        .unwrap_or_default();
    if found == sha256 {
        Ok(())
    } else {
        Err(Fault::file(
            path,
            format!("its SHA-256 is {found} and must be {sha256}"),
        ))
    }
}

/// Puts the library beside the programs and the test programs, where they look for it first: a hard link,
/// or a copy on another file system.
fn beside(place: &Place, library: &Path) -> Result<(), Fault> {
    for folder in [place.built.clone(), place.built.join("deps")] {
        let to = folder.join(LIBRARY);
        if same(library, &to) {
            continue;
        }
        fs::create_dir_all(&folder).map_err(|why| Fault::file(&folder, why))?;
        let temporary = folder.join(format!("{LIBRARY}.{}", std::process::id()));
        fs::hard_link(library, &temporary)
            .or_else(|_| fs::copy(library, &temporary).map(|_| ()))
            .and_then(|()| fs::rename(&temporary, &to))
            .map_err(|why| Fault::file(&to, why))?;
        // Renaming one hard link over another of the same file leaves both.
        if temporary.exists() {
            fs::remove_file(&temporary).map_err(|why| Fault::file(&temporary, why))?;
        }
    }
    Ok(())
}

/// Whether both are one file, or hold the same bytes.
fn same(library: &Path, beside: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (library.metadata(), beside.metadata()) {
        (Ok(a), Ok(b)) => {
            (a.dev() == b.dev() && a.ino() == b.ino())
                || (a.len() == b.len() && same_bytes(library, beside))
        }
        _ => false,
    }
}

fn same_bytes(one: &Path, other: &Path) -> bool {
    match (fs::read(one), fs::read(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn one_changed_byte_is_found() {
        let folder = folder("hash");
        let file = folder.join("abc");
        fs::write(&file, "abc").unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        must_be(&file, abc).unwrap();
        fs::write(&file, "abd").unwrap();
        let fault = must_be(&file, abc).unwrap_err().to_string();
        assert!(fault.contains("and must be ba7816bf"), "{fault}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_library_is_put_beside_the_programs_and_replaced_when_it_changes() {
        let root = folder("beside");
        let place = Place {
            root: root.clone(),
            built: root.join("target/debug"),
        };
        let library = root.join(LIBRARY);
        for bytes in ["one", "two"] {
            let _ = fs::remove_file(&library);
            fs::write(&library, bytes).unwrap();
            beside(&place, &library).unwrap();
            beside(&place, &library).unwrap();
            // A copy of the same length with other bytes is put right.
            let spoilt = root.join("target/debug").join(LIBRARY);
            fs::remove_file(&spoilt).unwrap();
            fs::write(&spoilt, "bad").unwrap();
            beside(&place, &library).unwrap();
            for folder in ["target/debug", "target/debug/deps"] {
                let folder = root.join(folder);
                assert_eq!(fs::read_to_string(folder.join(LIBRARY)).unwrap(), bytes);
                let files = fs::read_dir(folder).unwrap().flatten();
                let files = files.filter(|f| f.file_type().unwrap().is_file()).count();
                assert_eq!(files, 1, "no temporary file is left");
            }
        }
        fs::remove_dir_all(root).unwrap();
    }
}
