//! The keeper's folders and how files in them are called.
//!
//! `keys/` wrapped secrets, `sealed/` what is kept, `uploads/` delivered files until their job ends,
//! `ran/` one empty file for each job that was started, `destroyed/` what each destruction was to destroy,
//! `signed` the log as last signed.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use protocol::keeper::Part;

use crate::checkpoint;
use crate::error::KeeperError;

/// The folders.
#[derive(Debug, Clone)]
pub(crate) struct Rooms {
    pub(crate) keys: PathBuf,
    pub(crate) sealed: PathBuf,
    pub(crate) uploads: PathBuf,
    pub(crate) ran: PathBuf,
    pub(crate) destroyed: PathBuf,
    pub(crate) signed: PathBuf,
}

impl Rooms {
    /// Makes what is missing (mode 0700).
    pub(crate) fn open(data_dir: &Path) -> Result<Self, KeeperError> {
        let rooms = Self {
            keys: data_dir.join("keys"),
            sealed: data_dir.join("sealed"),
            uploads: data_dir.join("uploads"),
            ran: data_dir.join("ran"),
            destroyed: data_dir.join("destroyed"),
            signed: data_dir.join("signed"),
        };
        for folder in [
            &rooms.keys,
            &rooms.sealed,
            &rooms.uploads,
            &rooms.ran,
            &rooms.destroyed,
        ] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .map_err(KeeperError::folder(folder))?;
        }
        // A folder that a power cut takes back takes what lies in it along. The folder above is another user's
        // where each process has its own.
        File::open(data_dir)
            .and_then(|folder| folder.sync_all())
            .map_err(KeeperError::folder(data_dir))?;
        Ok(rooms)
    }

    /// Removes what interrupted writes left behind. Only for who holds the lock of the secrets.
    pub(crate) fn remove_staging(&self) -> Result<(), KeeperError> {
        for folder in [&self.sealed, &self.uploads, &self.destroyed] {
            vault::remove_staging(folder)?;
        }
        Ok(())
    }

    /// Whether secrets were ever kept here.
    pub(crate) fn has_secrets(&self) -> Result<bool, KeeperError> {
        let names = names(&self.keys).map_err(KeeperError::folder(&self.keys))?;
        Ok(names.iter().any(|name| name.starts_with("epoch-")))
    }

    /// A file that only a keeper with keys leaves behind, if there is one. `signed` with nothing signed counts
    /// only for a folder that has no secrets: a first start may be cut short between that record and the keys.
    pub(crate) fn made_with_keys(&self, secrets: Keys) -> Result<Option<PathBuf>, KeeperError> {
        let counts = match secrets {
            Keys::New => self.signed.symlink_metadata().is_ok(),
            Keys::There => checkpoint::has_signed(&self.signed),
        };
        if counts {
            return Ok(Some(self.signed.clone()));
        }
        for folder in [&self.sealed, &self.uploads, &self.ran, &self.destroyed] {
            let names = names(folder).map_err(KeeperError::folder(folder))?;
            if let Some(name) = names.first() {
                return Ok(Some(folder.join(name)));
            }
        }
        Ok(None)
    }
}

/// Whether the folder of secrets is new.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keys {
    New,
    There,
}

/// Stands in place of a job's id in the name of a file that a later comparison made.
pub(crate) const AGAIN_PREFIX: &str = "cmp-";

/// `OBJECT.WORD.JOB`: ids hold no dot.
pub(crate) fn made_name(object: &str, word: &str, job: &str) -> String {
    format!("{object}.{word}.{job}")
}

/// `OUTPUT.PART.JOB`: another check of the output makes other files.
pub(crate) fn part_name(output: &str, part: Part, job: &str) -> String {
    let word = match part {
        Part::Exact => "exact",
        Part::Treated => "treated",
        Part::Report => "report",
        Part::Reviewed => "reviewed",
    };
    made_name(output, word, job)
}

/// Under which words a part is kept; what was reviewed is one of the two tables.
pub(crate) const fn part_words(part: Part) -> &'static [&'static str] {
    match part {
        Part::Exact => &["exact"],
        Part::Treated => &["treated"],
        Part::Report => &["report"],
        Part::Reviewed => &["exact", "treated"],
    }
}

pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Names in a folder; those that are no UTF-8 are none of ours.
pub(crate) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Ok(name) = entry?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Removes a file that may be gone already.
pub(crate) fn remove(folder: &Path, name: &str) {
    match fs::remove_file(folder.join(name)) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::error!(file = name, error = %error, "a file could not be removed"),
    }
}
