//! Where things are: the repository and cargo's target folder.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::fault::Fault;
use crate::json::Json;
use crate::run;

/// The repository and the folder in which cargo builds it.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) root: PathBuf,
    /// `debug/` of the target folder; there is one profile.
    pub(crate) built: PathBuf,
}

impl Place {
    /// Asks cargo, so that `CARGO_TARGET_DIR` and a site's cargo configuration are honoured.
    pub(crate) fn find() -> Result<Self, Fault> {
        // Cargo says at run time where this is: a kept target folder may have been built from another clone.
        let here = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = here
            .ancestors()
            .nth(2)
            .ok_or_else(|| Fault::Plain("the repository's folder cannot be found".into()))?
            .to_owned();
        let said = run::said(run::cargo(&root).args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ]))?;
        let target = Json::parse(&said)
            .ok()
            .and_then(|json| json.get("target_directory")?.text().map(PathBuf::from))
            .ok_or_else(|| Fault::Plain("cargo does not name its target folder".into()))?;
        Ok(Self {
            root,
            built: target.join("debug"),
        })
    }

    pub(crate) fn duckdb(&self) -> PathBuf {
        self.root.join(".duckdb")
    }

    /// A program of ours, built.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.built.join(name)
    }
}

/// The cargo that started us, or the one on the path.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
