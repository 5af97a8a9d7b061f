//! The libraries that a worker loads: those beside it must be the pinned ones.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ring::digest::{Context, SHA256};

use crate::error::KeeperError;

/// Most bytes of a library.
const LIBRARY_MAX: u64 = 1 << 30;

/// A library as the workspace image pins it.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct PinnedLibrary {
    /// Name of the file, which lies beside the worker.
    pub file: String,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

impl PinnedLibrary {
    /// The SHA-256 (hex) of the file beside the worker, as it is now.
    ///
    /// # Errors
    /// If it cannot be read or is over 1 GiB.
    pub fn found(&self, worker: &Path) -> io::Result<String> {
        let mut file = File::open(worker.with_file_name(&self.file))?.take(LIBRARY_MAX + 1);
        let mut hash = Context::new(&SHA256);
        let mut piece = vec![0; 1 << 16];
        let mut bytes = 0;
        loop {
            let read = match file.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                break;
            }
            bytes += read as u64;
            hash.update(piece.get(..read).unwrap_or_default());
        }
        if bytes > LIBRARY_MAX {
            return Err(io::Error::other("it is longer than a library can be"));
        }
        Ok(hex::encode(hash.finish()))
    }
}

/// Refuses a worker that would load another library than the pinned one. Asked once, at the start: whoever can
/// replace the library later can replace the worker too.
pub(crate) fn check(worker: &Path, libraries: &[PinnedLibrary]) -> Result<(), KeeperError> {
    for library in libraries {
        let path = || worker.with_file_name(&library.file);
        let found = library
            .found(worker)
            .map_err(|source| KeeperError::LibraryUnread {
                path: path(),
                source,
            })?;
        if found != library.sha256 {
            return Err(KeeperError::OtherLibrary {
                path: path(),
                found,
                pinned: library.sha256.clone(),
            });
        }
    }
    Ok(())
}
