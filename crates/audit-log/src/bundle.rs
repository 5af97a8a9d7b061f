//! Entries read back from a published log: a bundle holds what its name says, or is refused.

use std::ops::Range;

use crate::{
    error::AuditError,
    tile::{TILE_WIDTH, TilePath, bundle_entries},
    tiles::{Tiles, read_tile},
};

/// How a bundle differs from its name.
pub(crate) enum Misfit {
    /// The entry at this place of the bundle is cut short.
    CutShort(usize),
    /// There are bytes after the last entry.
    TooMany,
    /// It ends before the entry at this place.
    TooFew(usize),
}

/// The entries of a bundle, exactly as many as its name says.
pub(crate) fn split_bundle(bundle: TilePath, bytes: &[u8]) -> Result<Vec<&[u8]>, Misfit> {
    let width = usize::from(bundle.width());
    let mut entries = Vec::with_capacity(width);
    for entry in bundle_entries(bytes) {
        let entry = entry.ok_or(Misfit::CutShort(entries.len()))?;
        if entries.len() == width {
            return Err(Misfit::TooMany);
        }
        entries.push(entry);
    }
    if entries.len() < width {
        return Err(Misfit::TooFew(entries.len()));
    }
    Ok(entries)
}

/// Entries of a published log of `size` entries, in order, one bundle (16 MiB) in memory.
///
/// Nothing is hashed: what they are worth is for [`crate::verify_log`] or a proof to say. Reading
/// is over at the first error.
///
/// # Errors
/// In place of the entries: [`AuditError::IndexOutside`] for a range that passes `size`,
/// [`AuditError::Absent`] or [`AuditError::Damaged`] for a bundle, or what the storage gives.
pub fn read_entries(
    tiles: &dyn Tiles,
    size: u64,
    range: Range<u64>,
) -> impl Iterator<Item = Result<Vec<u8>, AuditError>> {
    let outside = (range.end > size).then(|| AuditError::IndexOutside {
        index: range.end.saturating_sub(1),
        size,
    });
    let bundles = match outside {
        Some(_) => 0..0,
        None => range.start / TILE_WIDTH..range.end.div_ceil(TILE_WIDTH),
    };
    let within = bundles.flat_map(move |index| match read_bundle(tiles, size, index) {
        Err(error) => vec![Err(error)],
        Ok(entries) => (index * TILE_WIDTH..)
            .zip(entries)
            .filter(|(place, _)| range.contains(place))
            .map(|(_, entry)| Ok(entry))
            .collect(),
    });
    outside.map(Err).into_iter().chain(within)
}

fn read_bundle(tiles: &dyn Tiles, size: u64, index: u64) -> Result<Vec<Vec<u8>>, AuditError> {
    let width = size
        .saturating_sub(index.saturating_mul(TILE_WIDTH))
        .min(TILE_WIDTH) as u16;
    let bundle = TilePath::Entries { index, width };
    let (found, bytes) = read_tile(tiles, bundle)?.ok_or_else(|| AuditError::Absent {
        path: bundle.to_string(),
    })?;
    let entries = split_bundle(found, &bytes).map_err(|misfit| AuditError::Damaged {
        path: found.to_string(),
        why: match misfit {
            Misfit::CutShort(_) => "an entry is cut short",
            Misfit::TooMany => "it holds more entries than its name says",
            Misfit::TooFew(_) => "it holds fewer entries than its name says",
        },
    })?;
    Ok(entries
        .into_iter()
        .take(usize::from(width))
        .map(<[u8]>::to_vec)
        .collect())
}
