//! One pass over the entries: leaf hashes, tiles at every level, the root.

use crate::{
    bundle::{Misfit, split_bundle},
    checkpoint::Checkpoint,
    entry::Entry,
    error::AuditError,
    hash::{Hash, leaf_hash},
    tile::{TILE_WIDTH, TilePath, split_hashes, tiles_at},
    tiles::{Tiles, read_hashes, read_tile},
    tree::{Frontier, root_of_leaf_hashes},
};

/// Something that disagrees, and the first entry it concerns if that is known.
pub(super) struct Fault {
    pub(super) reason: String,
    pub(super) first_bad: Option<u64>,
}

impl From<AuditError> for Fault {
    fn from(error: AuditError) -> Self {
        Self {
            reason: error.to_string(),
            first_bad: None,
        }
    }
}

/// What a whole pass found.
pub(super) struct Scan {
    pub(super) root: Hash,
    pub(super) root_at_remembered: Option<Hash>,
    /// Entries that are not in the format of this version. They count as bytes like all.
    pub(super) unreadable: u64,
    /// The first hash tile or superseded file that disagrees with the entries.
    pub(super) fault: Option<Fault>,
}

struct Pass<'a> {
    tiles: &'a dyn Tiles,
    remembered_size: Option<u64>,
    frontier: Frontier,
    upper: Vec<Vec<Hash>>,
    found: Scan,
}

/// Reads the log once. `Err` when the entries cannot be read to the end.
pub(super) fn scan(
    tiles: &dyn Tiles,
    checkpoint: &Checkpoint,
    remembered: Option<&Checkpoint>,
) -> Result<Scan, Fault> {
    let frontier = Frontier::new();
    let found = Scan {
        root: frontier.root(),
        root_at_remembered: None,
        unreadable: 0,
        fault: None,
    };
    let remembered_size = remembered.map(|remembered| remembered.size);
    let mut pass = Pass {
        tiles,
        remembered_size,
        frontier,
        upper: vec![Vec::new(); 7],
        found,
    };
    pass.remember();
    let (full, partial) = tiles_at(checkpoint.size, 0);
    for index in 0..full {
        pass.bundle(index, 256)?;
    }
    if partial > 0 {
        pass.bundle(full, partial)?;
    }
    pass.finish(checkpoint.size)
}

impl Pass<'_> {
    fn remember(&mut self) {
        if self.remembered_size == Some(self.frontier.size()) {
            self.found.root_at_remembered = Some(self.frontier.root());
        }
    }

    fn note_fault(&mut self, fault: Fault) {
        self.found.fault.get_or_insert(fault);
    }

    fn bundle(&mut self, index: u64, width: u16) -> Result<(), Fault> {
        let tile = TilePath::Entries { index, width };
        let first = index * TILE_WIDTH;
        let unread = |reason: String| Fault {
            reason,
            first_bad: Some(first),
        };
        let (found, bytes) = read_tile(self.tiles, tile)
            .map_err(|error| unread(error.to_string()))?
            .ok_or_else(|| unread(format!("the entry bundle {tile} is absent")))?;
        let mut entries = whole_bundle(found, &bytes, first)?;
        entries.truncate(usize::from(width));
        let unreadable = entries
            .iter()
            .filter(|entry| Entry::decode(entry).is_err())
            .count();
        self.found.unreadable += unreadable as u64;
        let hashes: Vec<Hash> = entries.into_iter().map(leaf_hash).collect();
        self.superseded_bundles(tile, &hashes);
        self.compare(
            TilePath::Hashes {
                level: 0,
                index,
                width,
            },
            &hashes,
        );
        for hash in &hashes {
            self.frontier.append(*hash)?;
            self.remember();
        }
        if width == 256 {
            self.carry(root_of_leaf_hashes(&hashes));
        }
        Ok(())
    }

    fn carry(&mut self, completed: Hash) {
        let mut hash = completed;
        for level in 1_u8..8 {
            let Some(hashes) = self.upper.get_mut(usize::from(level) - 1) else {
                return;
            };
            hashes.push(hash);
            if hashes.len() < 256 {
                return;
            }
            let hashes = std::mem::take(hashes);
            hash = root_of_leaf_hashes(&hashes);
            let (full, _) = tiles_at(self.frontier.size(), level);
            let index = full.saturating_sub(1);
            self.compare(
                TilePath::Hashes {
                    level,
                    index,
                    width: 256,
                },
                &hashes,
            );
        }
    }

    fn finish(mut self, size: u64) -> Result<Scan, Fault> {
        for level in 1_u8..8 {
            let (index, width) = tiles_at(size, level);
            let hashes = self
                .upper
                .get(usize::from(level) - 1)
                .cloned()
                .unwrap_or_default();
            if width != 0 {
                self.compare(
                    TilePath::Hashes {
                        level,
                        index,
                        width,
                    },
                    &hashes,
                );
            }
        }
        self.found.root = self.frontier.root();
        Ok(self.found)
    }

    /// Compares a stored hash tile, and older partial files of it, with what the
    /// entries give.
    fn compare(&mut self, tile: TilePath, expected: &[Hash]) {
        match read_hashes(self.tiles, tile) {
            Err(error) => {
                let reason = format!("the hash tile cannot be read: {error}");
                self.note_fault(Fault {
                    reason,
                    first_bad: None,
                });
            }
            Ok(stored) => self.compare_hashes(tile, &stored, expected),
        }
        for width in self.superseded(tile) {
            let older = tile.with_width(width);
            match read_whole_hashes(self.tiles, older) {
                Err(fault) => self.note_fault(fault),
                Ok(None) => {}
                Ok(Some(stored)) => self.compare_hashes(older, &stored, expected),
            }
        }
    }

    fn compare_hashes(&mut self, tile: TilePath, stored: &[Hash], expected: &[Hash]) {
        let Some(place) = stored.iter().zip(expected).position(|(s, e)| s != e) else {
            return;
        };
        let (reason, first_bad) = match tile {
            TilePath::Hashes {
                level: 0, index, ..
            }
            | TilePath::Entries { index, .. } => {
                let leaf = index * TILE_WIDTH + place as u64;
                (
                    format!("entry {leaf} disagrees with its hash in {tile}"),
                    Some(leaf),
                )
            }
            TilePath::Hashes { .. } => (
                format!("hash {place} of {tile} disagrees with the entries below it"),
                None,
            ),
        };
        self.note_fault(Fault { reason, first_bad });
    }

    /// Widths of other partial files of this tile: older ones, or one ahead of the
    /// checkpoint, of which only the part below the checkpoint can be judged. The log may
    /// grow meanwhile, so any of them may be gone when it is read.
    fn superseded(&mut self, tile: TilePath) -> Vec<u16> {
        match self.tiles.partials(tile) {
            Ok(mut widths) => {
                widths.retain(|width| *width != tile.width());
                widths
            }
            Err(error) => {
                self.note_fault(error.into());
                Vec::new()
            }
        }
    }

    fn superseded_bundles(&mut self, tile: TilePath, expected: &[Hash]) {
        let TilePath::Entries { index, .. } = tile else {
            return;
        };
        for width in self.superseded(tile) {
            let older = tile.with_width(width);
            let bytes = match self.tiles.read(&older.to_string()) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => continue,
                Err(error) => {
                    self.note_fault(error.into());
                    continue;
                }
            };
            match whole_bundle(older, &bytes, index * TILE_WIDTH) {
                Err(fault) => self.note_fault(fault),
                Ok(entries) => {
                    let mut both = entries.into_iter().zip(expected);
                    let Some(place) = both.position(|(entry, hash)| leaf_hash(entry) != *hash)
                    else {
                        continue;
                    };
                    let leaf = index * TILE_WIDTH + place as u64;
                    let reason = format!("entry {leaf} is not the same in {older} and {tile}");
                    self.note_fault(Fault {
                        reason,
                        first_bad: Some(leaf),
                    });
                }
            }
        }
    }
}

/// The entries of a bundle that must hold exactly those its name says; `first` is its first.
fn whole_bundle(tile: TilePath, bytes: &[u8], first: u64) -> Result<Vec<&[u8]>, Fault> {
    split_bundle(tile, bytes).map_err(|misfit| {
        let (reason, place) = match misfit {
            Misfit::CutShort(place) => {
                let leaf = first + place as u64;
                (format!("entry {leaf} is cut short in {tile}"), Some(leaf))
            }
            Misfit::TooMany => {
                let width = tile.width();
                (format!("{tile} holds more than its {width} entries"), None)
            }
            Misfit::TooFew(place) => {
                let leaf = first + place as u64;
                (format!("{tile} ends before entry {leaf}"), Some(leaf))
            }
        };
        Fault {
            reason,
            first_bad: place,
        }
    })
}

/// The hashes of a tile from its own file; nothing when that is gone.
fn read_whole_hashes(tiles: &dyn Tiles, tile: TilePath) -> Result<Option<Vec<Hash>>, Fault> {
    let Some(bytes) = tiles.read(&tile.to_string())? else {
        return Ok(None);
    };
    split_hashes(&bytes)
        .filter(|hashes| hashes.len() == usize::from(tile.width()))
        .map(Some)
        .ok_or_else(|| Fault {
            reason: format!("{tile} is not 32 bytes for each hash"),
            first_bad: None,
        })
}
