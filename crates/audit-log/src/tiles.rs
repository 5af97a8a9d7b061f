//! Where the log's files live: one small trait, a folder, and memory.

mod files;
mod memory;

pub use files::FileTiles;
pub use memory::MemoryTiles;

use crate::{
    error::AuditError,
    hash::Hash,
    tile::{TILE_WIDTH, TilePath, split_hashes, tiles_at},
    tree::{Nodes, root_of_leaf_hashes},
};

/// Largest file of a log: a bundle of 256 entries of 65,535 bytes with their lengths.
pub(crate) const FILE_BYTES_MAX: usize = 256 * (65_535 + 2);

/// Storage of a published log. Paths are the log's own: `checkpoint`, `vkey` and
/// tile paths; anything else is refused.
pub trait Tiles: Send + Sync {
    /// The file's bytes; `None` when there is no such file.
    ///
    /// # Errors
    /// [`AuditError::PathRefused`], [`AuditError::Damaged`] over the size limit,
    /// [`AuditError::Storage`].
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, AuditError>;

    /// Writes or replaces a file. When it returns, the bytes survive a power cut, and
    /// at no time can a reader see half of them.
    ///
    /// # Errors
    /// [`AuditError::PathRefused`], [`AuditError::Storage`].
    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), AuditError>;

    /// Widths of the partial files kept for a tile, ascending.
    ///
    /// # Errors
    /// [`AuditError::Storage`].
    fn partials(&self, tile: TilePath) -> Result<Vec<u16>, AuditError>;

    /// Removes a file; no error when there is none.
    ///
    /// # Errors
    /// [`AuditError::PathRefused`], [`AuditError::Storage`].
    fn remove(&self, path: &str) -> Result<(), AuditError>;
}

/// Only names of the log itself pass, so no path can lead out of its folder.
pub(crate) fn check_path(path: &str) -> Result<(), AuditError> {
    match path {
        "checkpoint" | "vkey" => Ok(()),
        other => TilePath::parse(other).map(|_| ()),
    }
}

/// A tile's bytes at its width or, when that file is gone, the full tile's.
pub(crate) fn read_tile(
    tiles: &dyn Tiles,
    tile: TilePath,
) -> Result<Option<(TilePath, Vec<u8>)>, AuditError> {
    if let Some(bytes) = tiles.read(&tile.to_string())? {
        return Ok(Some((tile, bytes)));
    }
    let full = tile.with_width(256);
    if full == tile {
        return Ok(None);
    }
    Ok(tiles.read(&full.to_string())?.map(|bytes| (full, bytes)))
}

/// The hashes of a tile at its width, from its own file or the full one.
pub(crate) fn read_hashes(tiles: &dyn Tiles, tile: TilePath) -> Result<Vec<Hash>, AuditError> {
    let (found, bytes) = read_tile(tiles, tile)?.ok_or_else(|| AuditError::Absent {
        path: tile.to_string(),
    })?;
    let mut hashes = split_hashes(&bytes)
        .filter(|hashes| hashes.len() == usize::from(found.width()))
        .ok_or_else(|| AuditError::Damaged {
            path: found.to_string(),
            why: "its length is not 32 bytes for each hash",
        })?;
    hashes.truncate(usize::from(tile.width()));
    Ok(hashes)
}

/// Published hash tiles as a source of subtree hashes, for proofs without the entries.
/// What it gives is only as good as the tiles: a proof made from it must be verified.
pub struct TileNodes<'a> {
    tiles: &'a dyn Tiles,
    size: u64,
}

impl<'a> TileNodes<'a> {
    /// The tiles of a log of this many entries.
    #[must_use]
    pub fn new(tiles: &'a dyn Tiles, size: u64) -> Self {
        Self { tiles, size }
    }
}

impl Nodes for TileNodes<'_> {
    fn node(&self, level: u32, index: u64) -> Result<Hash, AuditError> {
        let outside = || AuditError::IndexOutside {
            index,
            size: self.size,
        };
        // Within a tile, one hash at `level` is the root over 2^below of the tile's own.
        let below = level % 8;
        let tile_level = u8::try_from(level / 8).map_err(|_| outside())?;
        let first = index.checked_mul(1 << below).ok_or_else(outside)?;
        let (full, partial) = tiles_at(self.size, tile_level);
        let place = first / TILE_WIDTH;
        let width = if place < full { 256 } else { partial };
        if place > full || width == 0 {
            return Err(outside());
        }
        let tile = TilePath::Hashes {
            level: tile_level,
            index: place,
            width,
        };
        let hashes = read_hashes(self.tiles, tile)?;
        let start = (first % TILE_WIDTH) as usize;
        let range = hashes
            .get(start..start + (1 << below))
            .ok_or_else(outside)?;
        Ok(root_of_leaf_hashes(range))
    }
}
