//! A log in memory, for tests and for building before writing.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Tiles, check_path};
use crate::{error::AuditError, tile::TilePath};

/// Files of a log in a map.
#[derive(Default)]
pub struct MemoryTiles {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl MemoryTiles {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names of all files, in order.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        self.files().keys().cloned().collect()
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        // Each change is one map operation, so a poisoned map is still whole.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tiles for MemoryTiles {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, AuditError> {
        check_path(path)?;
        Ok(self.files().get(path).cloned())
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), AuditError> {
        check_path(path)?;
        self.files().insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn partials(&self, tile: TilePath) -> Result<Vec<u16>, AuditError> {
        let files = self.files();
        let kept = |width: &u16| files.contains_key(&tile.with_width(*width).to_string());
        Ok((1..256).filter(kept).collect())
    }

    fn remove(&self, path: &str) -> Result<(), AuditError> {
        check_path(path)?;
        self.files().remove(path);
        Ok(())
    }
}
