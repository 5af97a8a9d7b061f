//! A log in a folder. Any web server can serve it and any backup can keep it.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

use super::{FILE_BYTES_MAX, Tiles, check_path};
use crate::{checkpoint::parse_decimal, error::AuditError, tile::TilePath};

/// A folder that holds a published log. One process writes; any number read.
#[derive(Debug)]
pub struct FileTiles {
    folder: PathBuf,
}

impl FileTiles {
    /// The log in this folder. Nothing is touched until the first read or write.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    fn place(&self, path: &str) -> Result<PathBuf, AuditError> {
        check_path(path)?;
        Ok(self.folder.join(path))
    }
}

fn storage(path: &str) -> impl Fn(io::Error) -> AuditError {
    move |source| AuditError::Storage {
        path: path.to_owned(),
        source,
    }
}

// A path below a plain file gives NotADirectory; for a reader that is just absence.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Makes the folder and its parents, each one durable before it is used.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    make_folder(parent)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(parent),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Makes a file that is there already survive a power cut.
fn flush(place: &Path) -> io::Result<()> {
    File::open(place)?.sync_all()?;
    sync_folder(place.parent().ok_or(ErrorKind::InvalidInput)?)
}

fn write_durably(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let parent = place.parent().ok_or(ErrorKind::InvalidInput)?;
    make_folder(parent)?;
    // The log has one writer, so one fixed name is enough, and a leftover of a crash is
    // overwritten. No file of the log starts with a dot.
    let fresh = parent.join(".new");
    let mut file = File::create(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&fresh, place)?;
    sync_folder(parent)
}

impl Tiles for FileTiles {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, AuditError> {
        let place = self.place(path)?;
        // A pipe or a device would hang or never end, and opening is already too late.
        match fs::metadata(&place) {
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(storage(path)(error)),
            Ok(data) if !data.is_file() => {
                return Err(AuditError::Damaged {
                    path: path.to_owned(),
                    why: "it is not a plain file",
                });
            }
            Ok(_) => {}
        }
        let mut bytes = Vec::new();
        File::open(&place)
            .and_then(|file| file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes))
            .map_err(storage(path))?;
        if bytes.len() > FILE_BYTES_MAX {
            let why = "it is larger than any file of a log";
            return Err(AuditError::Damaged {
                path: path.to_owned(),
                why,
            });
        }
        Ok(Some(bytes))
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), AuditError> {
        let place = self.place(path)?;
        // Publishing again writes the same bytes: no need to, but a kill may have come
        // between the rename and the flush of the folder.
        let same = self
            .read(path)
            .is_ok_and(|old| old.as_deref() == Some(bytes));
        let written = if same {
            flush(&place)
        } else {
            write_durably(&place, bytes)
        };
        written.map_err(storage(path))
    }

    fn partials(&self, tile: TilePath) -> Result<Vec<u16>, AuditError> {
        let folder = tile.partial_folder();
        let names = match fs::read_dir(self.folder.join(&folder)) {
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            other => other.map_err(storage(&folder))?,
        };
        let mut widths = Vec::new();
        for name in names {
            let name = name.map_err(storage(&folder))?.file_name();
            let width = name.to_str().and_then(parse_decimal);
            // Files that are not the log's are nobody's business here.
            if let Some(width) = width.and_then(|w| u16::try_from(w).ok())
                && (1..256).contains(&width)
            {
                widths.push(width);
            }
        }
        widths.sort_unstable();
        Ok(widths)
    }

    fn remove(&self, path: &str) -> Result<(), AuditError> {
        match fs::remove_file(self.place(path)?) {
            Err(error) if !is_absent(&error) => Err(storage(path)(error)),
            _ => Ok(()),
        }
    }
}
