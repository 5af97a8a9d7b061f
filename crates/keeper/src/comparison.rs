//! What a worker is given that compares: neither payload nor identifiers, but ordinals of people.

use std::io;

use governance::ProjectId;
use protocol::compare::{ELSEWHERE, EVIDENCE, ORDINALS, REGISTER, RENDERINGS, SCREENS, TABLES};
use protocol::job::PEOPLE;
use protocol::keeper::Refused;
use sandbox::Input;
use vault::{PseudonymKey, RECORD_IN_BYTES};

use crate::custody::Custody;
use crate::halt::Halt;
use crate::mounts::{Entries, Keyed, person_key};
use crate::rooms::Rooms;
use crate::seal::{InTurn, Sealed};

/// Record ordinal to spine ordinal; a worker sees whose pseudonym has which ordinal only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Links(pub(crate) Sealed);
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
        project: ProjectId,
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
                project,
                evidence,
                people,
                links,
                seen,
            } => {
                let people = match people {
                    Some(people) => stream(PEOPLE, &people.0)?,
                    None => text(PEOPLE, String::new()),
                };
                let files = links.iter().map(|links| links.0.clone()).collect();
                let links = InTurn::new(files, custody, rooms, halt)?;
                let ordinals = Keyed::new(links, OfSpine(person_key(custody, project)?));
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

/// Links become pseudonyms with ordinals: which record somebody had is left out.
struct OfSpine(PseudonymKey);

impl Entries for OfSpine {
    const BYTES: usize = RECORD_IN_BYTES;

    fn made(&self, entries: &[u8]) -> io::Result<Vec<u8>> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the links are damaged");
        let (entries, rest) = entries.as_chunks::<RECORD_IN_BYTES>();
        if !rest.is_empty() {
            return Err(damaged());
        }
        let mut made = Vec::with_capacity(entries.len() * 20);
        for [_, _, _, _, _, _, _, _, spine @ .., _band] in entries {
            let spine = u64::from_le_bytes(*spine);
            let ordinal = u32::try_from(spine).map_err(|_| damaged())?;
            made.extend(self.0.pseudonym(spine));
            made.extend(ordinal.to_le_bytes());
        }
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use vault::Purpose;

    use super::*;
    use crate::mounts::PSEUDONYMS;

    /// Record, spine and band become pseudonym and ordinal, whatever the size of a block.
    #[test]
    fn links_become_pseudonyms_with_ordinals() {
        let folder = tempfile::tempdir().unwrap();
        let root = vault::Root::open_or_create(&folder.path().join("root")).unwrap();
        let mut secrets = vault::Secrets::open(&folder.path().join("keys"), root).unwrap();
        let secret = secrets.get_or_create("prj_a", Purpose::Pseudonym).unwrap();
        let key = || PseudonymKey::derive(&secret, PSEUDONYMS, "person").unwrap();
        let entry = |spine: u64| [7, spine].map(u64::to_le_bytes).concat();
        let links = |spines: &[u64]| -> Vec<u8> {
            let entries = spines.iter().map(|spine| [entry(*spine), vec![3]].concat());
            entries.flatten().collect()
        };
        let spines: Vec<u64> = (0..5000).map(|n| n * 3 % 4999).collect();
        let (links_of_all, mut made) = (links(&spines), Vec::new());
        Keyed::new(links_of_all.as_slice(), OfSpine(key()))
            .read_to_end(&mut made)
            .unwrap();
        let wanted = spines.iter().flat_map(|spine| {
            let ordinal = u32::try_from(*spine).unwrap().to_le_bytes();
            [key().pseudonym(*spine).to_vec(), ordinal.to_vec()].concat()
        });
        assert_eq!(made, wanted.collect::<Vec<u8>>());
        for damaged in [links_of_all[..30].to_vec(), links(&[1 << 32])] {
            let mut keyed = Keyed::new(damaged.as_slice(), OfSpine(key()));
            assert!(keyed.read(&mut [0; 64]).is_err());
        }
    }
}
