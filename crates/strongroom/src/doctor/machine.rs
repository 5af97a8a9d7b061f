//! What can be read of this machine.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::problem::Problem;

use super::Pinned;

/// Most bytes of a library.
const LIBRARY_MAX: u64 = 1 << 30;
/// Most key files that are looked at.
const KEYS_MAX: usize = 1_000_000;
/// Folders of a safe haven below its own, each with whether it must be there.
const FOLDERS: [(&str, Presence); 6] = [
    ("front", Presence::MayBeAbsent),
    ("log", Presence::MayBeAbsent),
    ("keeper", Presence::Needed),
    ("keeper/keys", Presence::Needed),
    ("keeper/sealed", Presence::MayBeAbsent),
    ("keeper/uploads", Presence::MayBeAbsent),
];
const ROOT_KEY: &str = "keeper/root.key";
const KEYS: &str = "keeper/keys";

#[derive(Clone, Copy)]
enum Presence {
    Needed,
    MayBeAbsent,
}

/// What was read.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    /// Effective user id; none if the kernel does not say.
    pub(super) uid: Option<u32>,
    pub(super) swap: Swap,
    /// Each pinned library beside the worker.
    pub(super) libraries: Vec<(String, Library)>,
    /// The data folder, if one was given.
    pub(super) place: Option<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swap {
    /// Also where the kernel does not say.
    On,
    Off,
}

/// A library beside the worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Library {
    AsPinned(String),
    Other { found: String, pinned: String },
    Unread(String),
}

/// A data folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) modes: Modes,
    /// The root key, if it lies in the data folder.
    pub(super) root_key: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Modes {
    Private {
        looked_at: usize,
    },
    /// The first that is not, in a sentence.
    Wrong(String),
}

/// Reads the machine.
pub(super) fn look(
    worker: &Path,
    pinned: &[Pinned],
    data_dir: Option<&Path>,
) -> Result<Machine, Problem> {
    let place = match data_dir {
        None => None,
        Some(folder) if folder.is_dir() => Some(place(folder)),
        Some(folder) => {
            return Err(Problem::could_not(format!(
                "the data folder {} is not there or cannot be read",
                folder.display()
            )));
        }
    };
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    Ok(Machine {
        uid: effective_uid(&status),
        swap: swap(fs::read_to_string("/proc/swaps").ok().as_deref()),
        libraries: pinned
            .iter()
            .map(|pinned| (pinned.file.clone(), library(worker, pinned)))
            .collect(),
        place,
    })
}

/// From the lines of `/proc/self/status`.
pub(super) fn effective_uid(status: &str) -> Option<u32> {
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    ids.split_whitespace().nth(1)?.parse().ok()
}

/// From the lines of `/proc/swaps`, of which the first is a heading.
pub(super) fn swap(text: Option<&str>) -> Swap {
    match text {
        Some(text) if text.lines().count() <= 1 => Swap::Off,
        Some(_) | None => Swap::On,
    }
}

pub(super) fn library(worker: &Path, pinned: &Pinned) -> Library {
    match sha256(&worker.with_file_name(&pinned.file)) {
        Ok(found) if found == pinned.sha256 => Library::AsPinned(found),
        Ok(found) => Library::Other {
            found,
            pinned: pinned.sha256.clone(),
        },
        Err(error) => Library::Unread(error.to_string()),
    }
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LIBRARY_MAX + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LIBRARY_MAX {
        return Err(io::Error::other("it is longer than a library can be"));
    }
    Ok(hex::encode(audit_log::sha256(&bytes)))
}

/// The modes of a data folder and whether the root key lies in it.
pub(super) fn place(data_dir: &Path) -> Place {
    let root_key = data_dir.join(ROOT_KEY);
    Place {
        modes: match modes(data_dir) {
            Ok(looked_at) => Modes::Private { looked_at },
            Err(what) => Modes::Wrong(what),
        },
        root_key: root_key.symlink_metadata().is_ok().then_some(root_key),
    }
}

/// How many folders and key files are for their owner alone.
fn modes(data_dir: &Path) -> Result<usize, String> {
    // The folder that was named may be reached over a link; nothing below it may.
    let named = fs::metadata(data_dir).map_err(|error| unread(data_dir, &error))?;
    folder(data_dir, &named)?;
    let mut looked_at = 1;
    for (name, presence) in FOLDERS {
        let path = data_dir.join(name);
        match (path.symlink_metadata(), presence) {
            (Ok(meta), _) => {
                folder(&path, &meta)?;
                looked_at += 1;
            }
            (Err(error), Presence::MayBeAbsent) if error.kind() == io::ErrorKind::NotFound => {}
            (Err(error), _) => return Err(unread(&path, &error)),
        }
    }
    let root_key = data_dir.join(ROOT_KEY);
    if let Ok(meta) = root_key.symlink_metadata() {
        file(&root_key, &meta)?;
        looked_at += 1;
    }
    let keys = data_dir.join(KEYS);
    let entries = fs::read_dir(&keys).map_err(|error| unread(&keys, &error))?;
    for (at, entry) in entries.enumerate() {
        if at >= KEYS_MAX {
            return Err(format!(
                "{} holds more than {KEYS_MAX} files, and not all were looked at",
                keys.display()
            ));
        }
        let path = entry.map_err(|error| unread(&keys, &error))?.path();
        let meta = path
            .symlink_metadata()
            .map_err(|error| unread(&path, &error))?;
        if meta.is_dir() {
            folder(&path, &meta)?;
        } else {
            file(&path, &meta)?;
        }
        looked_at += 1;
    }
    Ok(looked_at)
}

fn unread(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be looked at: {error}", path.display())
}

fn folder(path: &Path, meta: &Metadata) -> Result<(), String> {
    if !meta.is_dir() {
        return Err(format!("{} is not a folder", path.display()));
    }
    private(path, meta, 0o700)
}

fn file(path: &Path, meta: &Metadata) -> Result<(), String> {
    if !meta.is_file() {
        return Err(format!("{} is not a regular file", path.display()));
    }
    private(path, meta, 0o600)
}

fn private(path: &Path, meta: &Metadata, widest: u32) -> Result<(), String> {
    let mode = meta.permissions().mode() & 0o7777;
    if mode & !widest == 0 {
        return Ok(());
    }
    Err(format!(
        "{} has mode {mode:04o}; it must be {widest:04o}",
        path.display()
    ))
}
