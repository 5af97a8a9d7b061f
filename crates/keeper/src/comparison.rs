//! What a worker is given that compares: neither payload nor identifiers, but ordinals of people.

use std::io::{self, Read};

use protocol::compare::{ELSEWHERE, EVIDENCE, ORDINALS, REGISTER, RENDERINGS, SCREENS, TABLES};
use protocol::job::PEOPLE;
use protocol::keeper::Refused;
use sandbox::Input;
use vault::{RECORD_IN_BYTES, RECORD_OUT_BYTES};

use crate::custody::Custody;
use crate::halt::Halt;
use crate::mounts::{BLOCK, Map};
use crate::rooms::Rooms;
use crate::seal::{InTurn, Sealed};

/// Bytes of a pseudonym with its ordinal.
const ORDINAL_BYTES: usize = 20;

/// Record ordinal to spine ordinal, and to pseudonym; a worker sees whose pseudonym has which ordinal only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Links {
    pub(crate) spine: Sealed,
    pub(crate) map: Map,
}
/// Who is behind the cells of an output or of a screen, by spine ordinal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cells(pub(crate) Sealed);
/// What was gathered of a statement's people and what was said of it: no rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gathered(pub(crate) Sealed);
/// What the register holds of the people of one spine, in the order in which it was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// What left.
    pub(crate) left: Vec<Cells>,
    /// What screens of the project showed that compares.
    pub(crate) screens: Vec<Cells>,
    /// What screens of other projects showed, where that matters.
    pub(crate) elsewhere: Vec<Cells>,
}

impl Seen {
    pub(crate) fn is_empty(&self) -> bool {
        self.left.is_empty() && self.screens.is_empty() && self.elsewhere.is_empty()
    }
}

/// The files of one worker that compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// What was gathered, beside what was seen.
    Judge {
        evidence: String,
        people: Option<Gathered>,
        /// None where people have no ordinals.
        links: Vec<Links>,
        seen: Seen,
    },
    /// An output as it was judged, beside what was seen.
    Again {
        cells: Cells,
        renderings: Gathered,
        seen: Seen,
    },
    /// What a reader may know.
    Attack { history: Vec<Cells> },
}

impl Comparison {
    /// Opens every file as a stream into the worker's memory.
    pub(crate) fn open(
        &self,
        custody: &Custody,
        rooms: &Rooms,
        halt: &Halt,
    ) -> Result<Vec<Input>, Refused> {
        let in_turn = |name: &str, tables: &[Cells]| -> Result<Input, Refused> {
            let files = tables.iter().map(|cells| cells.0.clone()).collect();
            Ok(Input::Stream {
                name: name.to_owned(),
                reader: Box::new(InTurn::new(files, custody, rooms, halt)?),
            })
        };
        let stream = |name: &str, sealed: &Sealed| -> Result<Input, Refused> {
            Ok(Input::Stream {
                name: name.to_owned(),
                reader: Box::new(sealed.open(custody, &rooms.uploads, &rooms.sealed, halt)?),
            })
        };
        match self {
            Self::Judge {
                evidence,
                people,
                links,
                seen,
            } => {
                let people = match people {
                    Some(people) => stream(PEOPLE, &people.0)?,
                    None => text(PEOPLE, String::new()),
                };
                let spines = links.iter().map(|links| links.spine.clone()).collect();
                let maps = links.iter().map(|links| links.map.0.clone()).collect();
                let ordinals = Joined::new(
                    InTurn::new(spines, custody, rooms, halt)?,
                    InTurn::new(maps, custody, rooms, halt)?,
                );
                Ok(vec![
                    text(EVIDENCE, evidence.clone()),
                    people,
                    Input::Stream {
                        name: ORDINALS.to_owned(),
                        reader: Box::new(ordinals),
                    },
                    in_turn(REGISTER, &seen.left)?,
                    in_turn(SCREENS, &seen.screens)?,
                    in_turn(ELSEWHERE, &seen.elsewhere)?,
                ])
            }
            Self::Again {
                cells,
                renderings,
                seen,
            } => Ok(vec![
                stream(TABLES, &cells.0)?,
                stream(RENDERINGS, &renderings.0)?,
                in_turn(REGISTER, &seen.left)?,
                in_turn(SCREENS, &seen.screens)?,
                in_turn(ELSEWHERE, &seen.elsewhere)?,
            ]),
            Self::Attack { history } => Ok(vec![in_turn(REGISTER, history)?]),
        }
    }
}

/// Something that is not sealed: what a worker said.
fn text(name: &str, text: String) -> Input {
    Input::Stream {
        name: name.to_owned(),
        reader: Box::new(io::Cursor::new(text.into_bytes())),
    }
}

/// Who has which ordinal, from two files of one order: record to ordinal and record to pseudonym. Which record
/// somebody had is left out.
struct Joined<L, M> {
    links: L,
    map: M,
    made: io::Cursor<Vec<u8>>,
}

impl<L: Read, M: Read> Joined<L, M> {
    fn new(links: L, map: M) -> Self {
        Self {
            links,
            map,
            made: io::Cursor::new(Vec::new()),
        }
    }

    /// The next records.
    fn block(&mut self) -> io::Result<Vec<u8>> {
        let links = whole::<RECORD_IN_BYTES>(&mut self.links)?;
        let map = whole::<RECORD_OUT_BYTES>(&mut self.map)?;
        let (links, map) = (links.as_chunks().0, map.as_chunks().0);
        if links.len() != map.len() {
            return Err(damaged());
        }
        let mut made = Vec::with_capacity(links.len() * ORDINAL_BYTES);
        for (link, keyed) in links.iter().zip(map) {
            let [l0, l1, l2, l3, l4, l5, l6, l7, spine @ .., _band]: &[u8; RECORD_IN_BYTES] = link;
            let [k0, k1, k2, k3, k4, k5, k6, k7, pseudonym @ .., _]: &[u8; RECORD_OUT_BYTES] =
                keyed;
            if [l0, l1, l2, l3, l4, l5, l6, l7] != [k0, k1, k2, k3, k4, k5, k6, k7] {
                return Err(damaged());
            }
            let ordinal = u32::try_from(u64::from_le_bytes(*spine)).map_err(|_| damaged())?;
            made.extend(pseudonym);
            made.extend(ordinal.to_le_bytes());
        }
        Ok(made)
    }
}

impl<L: Read, M: Read> Read for Joined<L, M> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.made.position() >= self.made.get_ref().len() as u64 {
            self.made = io::Cursor::new(self.block()?);
        }
        self.made.read(to)
    }
}

/// Whole entries of `N` bytes; fewer than [`BLOCK`] only at the end.
fn whole<const N: usize>(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut entries = Vec::with_capacity(BLOCK * N);
    file.take((BLOCK * N) as u64).read_to_end(&mut entries)?;
    match entries.len() % N {
        0 => Ok(entries),
        _ => Err(damaged()),
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the links are damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Record, spine, pseudonym and band of a number: all different.
    fn entries(numbers: impl IntoIterator<Item = u64>) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let (mut links, mut map, mut wanted) = (Vec::new(), Vec::new(), Vec::new());
        for number in numbers {
            let (record, spine) = (number + 7, number * 3 % 4999);
            let pseudonym = u128::from(number).wrapping_mul(0xf39c_c060_5ced_c835_1082_276b);
            links.extend(record.to_le_bytes());
            links.extend(spine.to_le_bytes());
            links.push(3);
            map.extend(record.to_le_bytes());
            map.extend(pseudonym.to_be_bytes());
            map.push(3);
            wanted.extend(pseudonym.to_be_bytes());
            wanted.extend(u32::try_from(spine).unwrap().to_le_bytes());
        }
        (links, map, wanted)
    }

    fn joined(links: &[u8], map: &[u8]) -> io::Result<Vec<u8>> {
        let mut made = Vec::new();
        Joined::new(links, map).read_to_end(&mut made)?;
        Ok(made)
    }

    #[test]
    fn links_and_their_pseudonyms_become_pseudonyms_with_ordinals() {
        let block = BLOCK as u64;
        for count in [0, 1, block - 1, block, block + 1, 2 * block + 5] {
            let (links, map, wanted) = entries(0..count);
            assert_eq!(joined(&links, &map).unwrap(), wanted, "{count}");
        }
    }

    #[test]
    fn what_does_not_belong_together_is_damaged() {
        let (links, map, _) = entries(0..5000);
        let (_, others, _) = entries(1..5001);
        let mut past = links.clone();
        past[RECORD_IN_BYTES + 12] = 1;
        for (links, map) in [
            (&links[..links.len() - 1], &map[..]),
            (&links, &map[..map.len() - 1]),
            (&links[..links.len() - RECORD_IN_BYTES], &map),
            (&links, &map[..BLOCK * RECORD_OUT_BYTES]),
            (&links, &others),
            (&past, &map),
        ] {
            assert!(joined(links, map).is_err());
        }
    }
}
