//! What can be read of this machine.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use keeper::PinnedLibrary;

use crate::problem::Problem;
use crate::users::User;

/// Most key files that are looked at.
const KEYS_MAX: usize = 1_000_000;
/// A folder of a safe haven below its own.
struct Folder {
    name: &'static str,
    presence: Presence,
    /// Widest mode where every process has one user, and where each has its own.
    alone: u32,
    apart: u32,
}

const fn folder_of(name: &'static str, presence: Presence, apart: u32) -> Folder {
    Folder {
        name,
        presence,
        alone: 0o700,
        apart,
    }
}

const FOLDERS: [Folder; 11] = [
    folder_of("front", Presence::MayBeAbsent, 0o2775),
    folder_of("log", Presence::MayBeAbsent, 0o700),
    folder_of("doors", Presence::MayBeAbsent, 0o710),
    folder_of("research", Presence::MayBeAbsent, 0o700),
    folder_of("indexing", Presence::MayBeAbsent, 0o700),
    folder_of("keeper", Presence::Needed, 0o700),
    folder_of("keeper/keys", Presence::Needed, 0o700),
    folder_of("keeper/sealed", Presence::MayBeAbsent, 0o700),
    folder_of("keeper/uploads", Presence::MayBeAbsent, 0o700),
    folder_of("keeper/ran", Presence::MayBeAbsent, 0o700),
    folder_of("keeper/destroyed", Presence::MayBeAbsent, 0o700),
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
    pub(super) owners: Owners,
    pub(super) modes: Modes,
    /// The root key, if it lies in the data folder.
    pub(super) root_key: Option<PathBuf>,
}

/// Whose the folders are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owners {
    /// One user for every process.
    One(u32),
    /// A user for each.
    Apart {
        front: u32,
        indexing: u32,
        keeper: User,
    },
}

impl Machine {
    /// The keeper's user, where that is another than the one that looks.
    pub(super) fn keeper_elsewhere(&self) -> Option<User> {
        match &self.place.as_ref()?.owners {
            Owners::Apart { keeper, .. } if self.uid != Some(keeper.uid) => Some(*keeper),
            Owners::Apart { .. } | Owners::One(_) => None,
        }
    }
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
    pinned: &[PinnedLibrary],
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

pub(super) fn library(worker: &Path, pinned: &PinnedLibrary) -> Library {
    match pinned.found(worker) {
        Ok(found) if found == pinned.sha256 => Library::AsPinned(found),
        Ok(found) => Library::Other {
            found,
            pinned: pinned.sha256.clone(),
        },
        Err(error) => Library::Unread(error.to_string()),
    }
}

/// The modes of a data folder and whether the root key lies in it.
pub(super) fn place(data_dir: &Path) -> Place {
    let root_key = data_dir.join(ROOT_KEY);
    let owners = owners(data_dir);
    Place {
        modes: match modes(data_dir, &owners) {
            Ok(looked_at) => Modes::Private { looked_at },
            Err(what) => Modes::Wrong(what),
        },
        root_key: root_key.symlink_metadata().is_ok().then_some(root_key),
        owners,
    }
}

/// Three different owners, none of them root, are three users; anything less is one.
fn owners(data_dir: &Path) -> Owners {
    let of = |name: &str| {
        let meta = data_dir.join(name).symlink_metadata().ok()?;
        Some(User {
            uid: meta.uid(),
            gid: meta.gid(),
        })
    };
    let keeper = of("keeper");
    if let (Some(front), Some(indexing), Some(keeper)) = (of("front"), of("indexing"), keeper) {
        let three = BTreeSet::from([front.uid, indexing.uid, keeper.uid]);
        if three.len() == 3 && !three.contains(&0) {
            return Owners::Apart {
                front: front.uid,
                indexing: indexing.uid,
                keeper,
            };
        }
    }
    Owners::One(keeper.map_or(0, |keeper| keeper.uid))
}

/// How many folders and key files are for their owner alone.
fn modes(data_dir: &Path, owners: &Owners) -> Result<usize, String> {
    // The folder that was named may be reached over a link; nothing below it may.
    let named = fs::metadata(data_dir).map_err(|error| unread(data_dir, &error))?;
    let (root_widest, keeper) = match owners {
        Owners::One(_) => (0o700, None),
        Owners::Apart { keeper, .. } => (0o710, Some(keeper.uid)),
    };
    folder(data_dir, &named, root_widest)?;
    let mut looked_at = 1;
    for wanted in FOLDERS {
        let path = data_dir.join(wanted.name);
        let widest = match owners {
            Owners::One(_) => wanted.alone,
            Owners::Apart { .. } => wanted.apart,
        };
        match (path.symlink_metadata(), wanted.presence) {
            (Ok(meta), _) => {
                folder(&path, &meta, widest)?;
                if wanted.name.starts_with("keeper") {
                    belongs(&path, &meta, keeper)?;
                }
                looked_at += 1;
            }
            (Err(error), Presence::MayBeAbsent) if error.kind() == io::ErrorKind::NotFound => {}
            (Err(error), _) => return Err(unread(&path, &error)),
        }
    }
    let root_key = data_dir.join(ROOT_KEY);
    if let Ok(meta) = root_key.symlink_metadata() {
        file(&root_key, &meta)?;
        belongs(&root_key, &meta, keeper)?;
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
            folder(&path, &meta, 0o700)?;
        } else {
            file(&path, &meta)?;
        }
        belongs(&path, &meta, keeper)?;
        looked_at += 1;
    }
    Ok(looked_at)
}

fn unread(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be looked at: {error}", path.display())
}

/// Whether it is the keeper's, where the keeper has a user of its own.
fn belongs(path: &Path, meta: &Metadata, keeper: Option<u32>) -> Result<(), String> {
    match keeper {
        Some(uid) if meta.uid() != uid => Err(format!(
            "{} belongs to user id {}; it must belong to the keeper's, {uid}",
            path.display(),
            meta.uid()
        )),
        Some(_) | None => Ok(()),
    }
}

fn folder(path: &Path, meta: &Metadata, widest: u32) -> Result<(), String> {
    if !meta.is_dir() {
        return Err(format!("{} is not a folder", path.display()));
    }
    private(path, meta, widest)
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
