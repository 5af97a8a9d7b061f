//! Publishing: the log's files for entries that the store already holds.
//!
//! Tiles are derived after the act's own transaction. Publishing the same
//! entries again writes the same bytes, so whatever a crash left undone is
//! repaired by publishing again, from the last bundle or from 0.

use crate::{
    checkpoint::Checkpoint,
    cosignature::Trust,
    error::AuditError,
    hash::{Hash, leaf_hash},
    note::{Note, NoteSignature, Vkey},
    tile::{TILE_WIDTH, TilePath, push_entry, tiles_at},
    tiles::{Tiles, read_hashes},
    tree::{Frontier, TREE_SIZE_MAX, root_of_leaf_hashes},
};

const VKEY: &str = "vkey";
const CHECKPOINT: &str = "checkpoint";

/// What the published tiles now hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Entries in the tree.
    pub size: u64,
    /// Root of the tree, computed from the tiles. It must equal the store's own before a
    /// checkpoint is published; if not, publish again from 0.
    pub root: Hash,
}

/// First entry of the bundle in which a log of this size goes on growing.
#[must_use]
pub fn bundle_start(size: u64) -> u64 {
    size - size % TILE_WIDTH
}

struct Growth<'a> {
    tiles: &'a dyn Tiles,
    frontier: Frontier,
    // Hashes of the unfinished tile at levels 1, 2, ...
    upper: Vec<Vec<Hash>>,
}

impl<'a> Growth<'a> {
    fn load(tiles: &'a dyn Tiles, start: u64) -> Result<Self, AuditError> {
        if start > TREE_SIZE_MAX {
            return Err(AuditError::TreeTooLarge { size: start });
        }
        if !start.is_multiple_of(TILE_WIDTH) {
            return Err(AuditError::StartMisplaced { start });
        }
        let mut upper = Vec::new();
        for level in 1_u8..8 {
            let (index, width) = tiles_at(start, level);
            let hashes = match width {
                0 => Vec::new(),
                width => read_hashes(
                    tiles,
                    TilePath::Hashes {
                        level,
                        index,
                        width,
                    },
                )?,
            };
            upper.push(hashes);
        }
        let mut frontier = Frontier::new();
        for (level, hashes) in (1_u32..8).zip(&upper).rev() {
            for hash in hashes {
                frontier.append_subtree(8 * level, *hash)?;
            }
        }
        Ok(Self {
            tiles,
            frontier,
            upper,
        })
    }

    fn write_hashes(&self, tile: TilePath, hashes: &[Hash]) -> Result<(), AuditError> {
        self.tiles.write(&tile.to_string(), hashes.as_flattened())?;
        self.prune(tile)
    }

    /// The partial files of a tile go once the full one is there, as the format allows.
    fn prune(&self, tile: TilePath) -> Result<(), AuditError> {
        if tile.width() != 256 {
            return Ok(());
        }
        for width in self.tiles.partials(tile)? {
            self.tiles.remove(&tile.with_width(width).to_string())?;
        }
        Ok(())
    }

    /// Writes one bundle with its level-0 tile and, when full, what it completes above.
    fn bundle(&mut self, bundle: &[u8], hashes: &[Hash]) -> Result<(), AuditError> {
        let index = self.frontier.size() / TILE_WIDTH;
        let width = hashes.len() as u16;
        let entries = TilePath::Entries { index, width };
        self.tiles.write(&entries.to_string(), bundle)?;
        self.prune(entries)?;
        self.write_hashes(
            TilePath::Hashes {
                level: 0,
                index,
                width,
            },
            hashes,
        )?;
        for hash in hashes {
            self.frontier.append(*hash)?;
        }
        if width == 256 {
            self.carry(root_of_leaf_hashes(hashes))?;
        }
        Ok(())
    }

    fn carry(&mut self, completed: Hash) -> Result<(), AuditError> {
        let mut hash = completed;
        let size = self.frontier.size();
        for level in 1_u8..8 {
            let Some(hashes) = self.upper.get_mut(usize::from(level) - 1) else {
                break;
            };
            hashes.push(hash);
            if hashes.len() < 256 {
                break;
            }
            let hashes = std::mem::take(hashes);
            hash = root_of_leaf_hashes(&hashes);
            let (full, _) = tiles_at(size, level);
            let index = full.saturating_sub(1);
            self.write_hashes(
                TilePath::Hashes {
                    level,
                    index,
                    width: 256,
                },
                &hashes,
            )?;
        }
        Ok(())
    }

    fn finish(self) -> Result<Published, AuditError> {
        let size = self.frontier.size();
        for (level, hashes) in (1_u8..8).zip(&self.upper) {
            let (index, width) = tiles_at(size, level);
            if width != 0 {
                self.write_hashes(
                    TilePath::Hashes {
                        level,
                        index,
                        width,
                    },
                    hashes,
                )?;
            }
        }
        Ok(Published {
            size,
            root: self.frontier.root(),
        })
    }
}

/// Writes bundles and hash tiles for the entries from `start` on, into a folder of the log of `vkey`.
///
/// `start` is a multiple of 256 ([`bundle_start`] of the size published so far) and
/// `entries` yields every entry from there, so that partial files are never read back.
/// Tiles above level 0 are read when `start` is not 0; publishing from 0 reads nothing
/// and repairs everything. At most one bundle (16 MiB) is in memory. The key is put in place
/// first, so that a folder belongs to one log from its first file on.
///
/// # Errors
/// [`AuditError::OtherLog`] before any tile is written; [`AuditError::Damaged`] when key or
/// checkpoint in place do not tell whose log it is; [`AuditError::StartMisplaced`],
/// [`AuditError::EntryTooLong`], a tile that is absent or damaged, or what the storage gives.
pub fn publish<I, E>(
    tiles: &dyn Tiles,
    vkey: &Vkey,
    start: u64,
    entries: I,
) -> Result<Published, AuditError>
where
    I: IntoIterator<Item = E>,
    E: AsRef<[u8]>,
{
    let mut growth = Growth::load(tiles, start)?;
    claim(tiles, vkey)?;
    let mut bundle = Vec::new();
    let mut hashes: Vec<Hash> = Vec::new();
    for entry in entries {
        push_entry(&mut bundle, entry.as_ref())?;
        hashes.push(leaf_hash(entry.as_ref()));
        if hashes.len() == 256 {
            growth.bundle(&bundle, &hashes)?;
            bundle.clear();
            hashes.clear();
        }
    }
    if !hashes.is_empty() {
        growth.bundle(&bundle, &hashes)?;
    }
    growth.finish()
}

/// The checkpoint in place, if a signed one may follow it: to be asked before tiles are written.
///
/// # Errors
/// As [`publish_checkpoint`], but nothing is written.
pub fn published_before(
    tiles: &dyn Tiles,
    vkey: &Vkey,
    signed: &str,
) -> Result<Option<Checkpoint>, AuditError> {
    let new = Trust::new(vkey.clone(), &[], 0)?.open(signed)?.checkpoint;
    let Some((old, _)) = published_checkpoint(tiles, vkey)? else {
        return Ok(None);
    };
    let same_size_other_root = old.size == new.size && old.root != new.root;
    if old.size > new.size || same_size_other_root {
        return Err(AuditError::TakesBack {
            published: old.size,
            new: new.size,
        });
    }
    Ok(Some(old))
}

/// Puts a signed checkpoint in place, after the tiles it needs, and gives what lies there then.
///
/// Over the same text the signature lines in place stay, so that publishing again takes no
/// witness's line away; a line of the same key gives way to the new one.
///
/// # Errors
/// Formats; [`AuditError::NotSigned`], [`AuditError::BadSignature`] or
/// [`AuditError::OtherOrigin`] for a checkpoint that is not the log's; [`AuditError::OtherLog`]
/// when the folder is another log's.
/// [`AuditError::TakesBack`] when the one in place is larger, or as large with
/// another root: that is a log restored from an old copy, and a person must look.
/// [`AuditError::Damaged`] when the one in place cannot be read, so that this cannot be told.
pub fn publish_checkpoint(
    tiles: &dyn Tiles,
    vkey: &Vkey,
    signed: &str,
) -> Result<String, AuditError> {
    published_before(tiles, vkey, signed)?;
    let mut note = Note::parse(signed)?;
    if let Some((_, in_place)) = claim(tiles, vkey)?
        && in_place.text() == note.text()
    {
        note = with_kept_lines(note, &in_place)?;
    }
    let text = note.to_string();
    tiles.write("checkpoint", text.as_bytes())?;
    Ok(text)
}

/// The note with the lines in place whose keys have no line in it.
fn with_kept_lines(note: Note, in_place: &Note) -> Result<Note, AuditError> {
    let same_key = |a: &NoteSignature, b: &NoteSignature| a.name == b.name && a.key_id == b.key_id;
    let kept: Vec<NoteSignature> = in_place
        .signatures()
        .iter()
        .filter(|old| !note.signatures().iter().any(|new| same_key(old, new)))
        .cloned()
        .collect();
    kept.into_iter().try_fold(note, Note::with_signature)
}

/// Puts the log's key, one line, into a folder that is nobody's or this log's already, and gives
/// the checkpoint in place.
fn claim(tiles: &dyn Tiles, vkey: &Vkey) -> Result<Option<(Checkpoint, Note)>, AuditError> {
    let published = published_checkpoint(tiles, vkey)?;
    let line = format!("{vkey}\n");
    match tiles.read(VKEY)? {
        Some(bytes) if bytes == line.as_bytes() => return Ok(published),
        Some(bytes) if is_vkey(&bytes) => return Err(AuditError::OtherLog { path: VKEY }),
        // The signature of the checkpoint in place tells whose log this is.
        Some(_) if published.is_some() => {}
        Some(_) => {
            return Err(AuditError::Damaged {
                path: VKEY.to_owned(),
                why: "it is not a verifier key",
            });
        }
        None => {}
    }
    tiles.write(VKEY, line.as_bytes())?;
    Ok(published)
}

fn is_vkey(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| Vkey::parse(text.trim_end()).is_ok())
}

/// The checkpoint in place, if there is one; it must be this log's.
fn published_checkpoint(
    tiles: &dyn Tiles,
    vkey: &Vkey,
) -> Result<Option<(Checkpoint, Note)>, AuditError> {
    let Some(bytes) = tiles.read(CHECKPOINT)? else {
        return Ok(None);
    };
    let damaged = |why| AuditError::Damaged {
        path: CHECKPOINT.to_owned(),
        why,
    };
    let unread = || damaged("it is not a signed checkpoint");
    let text = String::from_utf8(bytes).map_err(|_| unread())?;
    let note = Note::parse(&text).map_err(|_| unread())?;
    match Trust::new(vkey.clone(), &[], 0)?.open(&text) {
        Ok(opened) => Ok(Some((opened.checkpoint, note))),
        Err(AuditError::NotSigned | AuditError::OtherOrigin) => {
            Err(AuditError::OtherLog { path: CHECKPOINT })
        }
        Err(AuditError::BadSignature { .. }) => {
            Err(damaged("its signature under the log's key does not verify"))
        }
        Err(_) => Err(unread()),
    }
}
