//! What the browser tests need: Debian's chromium, Node.js, and the two packages that
//! `tests/browser/package-lock.json` pins.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::fault::Fault;
use crate::place::Place;
use crate::{machine, run};

/// The browser of Debian's package.
const CHROMIUM: &str = "chromium";
/// The test runner's package, whose version must be the pinned one.
const DRIVER: &str = "playwright-core";

/// Installs what is missing where it may, and says exactly what to install where it may not.
pub(crate) fn setup(place: &Place) -> Result<(), Fault> {
    let lacking: Vec<&str> = [("node", "nodejs"), ("npm", "npm"), (CHROMIUM, "chromium")]
        .into_iter()
        .filter(|(program, _)| !machine::has(program))
        .map(|(_, package)| package)
        .collect();
    if !lacking.is_empty() {
        machine::install(&lacking, "the browser tests run in it")?;
    }
    let folder = place.root.join("tests/browser");
    if pinned(&folder) {
        return Ok(());
    }
    run::must(
        Command::new("npm")
            .args([
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--silent",
            ])
            .current_dir(&folder),
    )
}

/// Whether the installed driver is the one that the lock file names.
fn pinned(folder: &Path) -> bool {
    let version = |file: &Path, before: &str| {
        let text = fs::read_to_string(file).ok()?;
        let at = text.find(before)? + before.len();
        let rest = text.get(at..)?;
        let rest = rest.get(rest.find("\"version\": \"")? + 12..)?;
        rest.get(..rest.find('"')?).map(ToOwned::to_owned)
    };
    let wanted = version(
        &folder.join("package-lock.json"),
        &format!("\"node_modules/{DRIVER}\": {{"),
    );
    let installed = version(
        &folder
            .join("node_modules")
            .join(DRIVER)
            .join("package.json"),
        &format!("\"name\": \"{DRIVER}\""),
    );
    wanted.is_some() && wanted == installed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_than_the_pinned_one_is_installed_again() {
        let folder = std::env::temp_dir().join(format!("xtask-browser-{}", std::process::id()));
        let package = folder.join("node_modules/playwright-core");
        fs::create_dir_all(&package).unwrap();
        let lock = r#"{"packages": {"node_modules/playwright-core": {
            "version": "1.65.1"}}}"#;
        fs::write(folder.join("package-lock.json"), lock).unwrap();
        for (installed, good) in [("1.65.1", true), ("1.60.0", false)] {
            let text = format!(r#"{{"name": "playwright-core", "version": "{installed}"}}"#);
            fs::write(package.join("package.json"), text).unwrap();
            assert_eq!(pinned(&folder), good, "{installed}");
        }
        fs::remove_dir_all(&package).unwrap();
        assert!(!pinned(&folder));
        fs::remove_dir_all(&folder).unwrap();
    }
}
