//! C2SP tlog-tiles: names of files, hash tiles and entry bundles.

use std::fmt;

use crate::{checkpoint::parse_decimal, error::AuditError, hash::Hash};

/// Hashes or entries in a full tile.
pub const TILE_WIDTH: u64 = 256;
const LEVEL_MAX: u8 = 63;

/// Name of one immutable file of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TilePath {
    /// `tile/<level>/<index>[.p/<width>]`
    Hashes {
        /// Tile level: its hashes cover 256^level entries each. 0 to 63.
        level: u8,
        /// Place within the level.
        index: u64,
        /// Hashes in it, 1 to 256; 256 is a full tile.
        width: u16,
    },
    /// `tile/entries/<index>[.p/<width>]`
    Entries {
        /// Place of the bundle.
        index: u64,
        /// Entries in it, 1 to 256; 256 is a full bundle.
        width: u16,
    },
}

impl TilePath {
    /// Reads a path in its one canonical spelling.
    ///
    /// # Errors
    /// [`AuditError::PathRefused`].
    pub fn parse(path: &str) -> Result<Self, AuditError> {
        Self::read(path)
            .filter(|tile| tile.to_string() == path)
            .ok_or(AuditError::PathRefused("it names no tile"))
    }

    fn read(path: &str) -> Option<Self> {
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let (index, width) = match rest.split_once(".p/") {
            None => (rest, 256),
            Some((index, width)) => {
                let width = parse_decimal(width)?;
                (
                    index,
                    u16::try_from(width).ok().filter(|w| (1..256).contains(w))?,
                )
            }
        };
        let mut value = 0_u64;
        for group in index.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            value = value.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        if kind == "entries" {
            return Some(Self::Entries {
                index: value,
                width,
            });
        }
        let level = parse_decimal(kind).and_then(|level| u8::try_from(level).ok())?;
        (level <= LEVEL_MAX).then_some(Self::Hashes {
            level,
            index: value,
            width,
        })
    }

    /// Hashes or entries in it.
    #[must_use]
    pub fn width(self) -> u16 {
        match self {
            Self::Hashes { width, .. } | Self::Entries { width, .. } => width,
        }
    }

    /// The same tile at another width.
    #[must_use]
    pub(crate) fn with_width(self, width: u16) -> Self {
        match self {
            Self::Hashes {
                level,
                index,
                width: _,
            } => Self::Hashes {
                level,
                index,
                width,
            },
            Self::Entries { index, width: _ } => Self::Entries { index, width },
        }
    }

    /// The folder that holds the partial files of this tile.
    #[must_use]
    pub(crate) fn partial_folder(self) -> String {
        format!("{}.p", self.with_width(256))
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = match *self {
            Self::Hashes { level, index, .. } => {
                write!(f, "tile/{level}/")?;
                index
            }
            Self::Entries { index, .. } => {
                write!(f, "tile/entries/")?;
                index
            }
        };
        let mut groups = vec![format!("{:03}", index % 1000)];
        let mut rest = index / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        groups.reverse();
        f.write_str(&groups.join("/"))?;
        match self.width() {
            256 => Ok(()),
            width => write!(f, ".p/{width}"),
        }
    }
}

/// Full tiles, and the width of the partial one (0: none), at a level of a tree.
#[must_use]
pub(crate) fn tiles_at(size: u64, level: u8) -> (u64, u16) {
    let nodes = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
    ((nodes / TILE_WIDTH), (nodes % TILE_WIDTH) as u16)
}

/// Cuts a hash tile into its hashes; nothing unless the length is whole.
#[must_use]
pub(crate) fn split_hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.to_vec())
}

/// Adds an entry to a bundle: two bytes of length, then the entry.
pub(crate) fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), AuditError> {
    let length =
        u16::try_from(entry.len()).map_err(|_| AuditError::EntryTooLong { bytes: entry.len() })?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// An entry bundle.
///
/// # Errors
/// [`AuditError::EntryTooLong`]; an entry is refused, never cut.
pub fn encode_bundle<E: AsRef<[u8]>>(entries: &[E]) -> Result<Vec<u8>, AuditError> {
    let mut bundle = Vec::new();
    for entry in entries {
        push_entry(&mut bundle, entry.as_ref())?;
    }
    Ok(bundle)
}

/// The entries of a bundle in order; nothing after the first one that is cut short,
/// whose place holds `None`.
pub fn bundle_entries(bundle: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    let mut rest = Some(bundle);
    std::iter::from_fn(move || {
        let bytes = rest.filter(|bytes| !bytes.is_empty())?;
        let parts = bytes.split_first_chunk::<2>().and_then(|(length, tail)| {
            tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))
        });
        rest = parts.map(|(_, tail)| tail);
        Some(parts.map(|(entry, _)| entry))
    })
}
