//! What a worker may be given: one arm for each task, and none with both identifiers and payload.

use std::io::{self, Read};

use governance::ProjectId;
use governance::delivery::SealedFile;
use governance::indexing::Core;
use protocol::keeper::Refused;
use sandbox::Input;
use vault::{EVENT_BYTES, EventKey, PseudonymKey, Purpose, stream_pseudonymise_events};

use crate::custody::Custody;
use crate::error::by_vault;
use crate::halt::Halt;
use crate::rooms::Rooms;
use crate::seal::{Checked, KeptAs, Sealed};

/// Version of the pseudonym keys that extracts are made with.
pub(crate) const PSEUDONYMS: u32 = 1;
/// Entries that are read at a time.
pub(crate) const BLOCK: usize = 4096;

/// A file of identifiers, which only load and link workers see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identifiers(pub(crate) Sealed);
/// Pairs of records for people to judge: identifiers too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pairs(pub(crate) Sealed);
/// Record numbers without identifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Records(pub(crate) Sealed);
/// A file of payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payload(pub(crate) Sealed);
/// Event ids in row order; a worker sees their pseudonyms only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Events(pub(crate) Sealed);
/// Record ordinal to pseudonym.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Map(pub(crate) Sealed);
impl Map {
    /// The file that the keeper made when the records were indexed.
    pub(crate) fn of(indexing: &Core, file: &SealedFile) -> Result<Self, Refused> {
        let kept_as = KeptAs::new(indexing.id.as_str(), &["map"]);
        Sealed::kept(file, kept_as, indexing.project.as_str(), Purpose::Extract).map(Self)
    }
}

/// The database of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Database(pub(crate) Sealed);

/// The sealed files of one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mounts {
    LoadIdentifiers {
        delivery: Identifiers,
    },
    LoadPayload {
        delivery: Payload,
        records: Records,
    },
    Link {
        identifiers: Identifiers,
        spine: Identifiers,
        objections: Option<Identifiers>,
        pairs: Option<Pairs>,
    },
    Extract {
        project: ProjectId,
        tables: Vec<Table>,
    },
    Query {
        extract: Database,
    },
    Check {
        extract: Database,
    },
    Measure {
        extract: Database,
    },
}

/// The files of one table of an extract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) payload: Payload,
    pub(crate) map: Map,
    pub(crate) events: Option<Events>,
}

/// Names of a table's files under `/in`.
pub(crate) fn payload_name(table: usize) -> String {
    format!("payload-{table}.parquet")
}
pub(crate) fn map_name(table: usize) -> String {
    format!("map-{table}")
}
pub(crate) fn events_name(table: usize) -> String {
    format!("events-{table}")
}

impl Mounts {
    /// Opens every file as a stream into the worker's memory.
    pub(crate) fn open(
        &self,
        custody: &Custody,
        rooms: &Rooms,
        halt: &Halt,
    ) -> Result<Vec<Input>, Refused> {
        let checked = |sealed: &Sealed| sealed.open(custody, &rooms.uploads, &rooms.sealed, halt);
        let stream = |name: &str, sealed: &Sealed| -> Result<Input, Refused> {
            Ok(Input::Stream {
                name: name.to_owned(),
                reader: Box::new(checked(sealed)?),
            })
        };
        match self {
            Self::LoadIdentifiers { delivery } => Ok(vec![stream("delivery", &delivery.0)?]),
            Self::LoadPayload { delivery, records } => Ok(vec![
                stream("delivery", &delivery.0)?,
                stream("records", &records.0)?,
            ]),
            Self::Link {
                identifiers,
                spine,
                objections,
                pairs,
            } => {
                let mut inputs = vec![
                    stream("identifiers.parquet", &identifiers.0)?,
                    stream("spine.parquet", &spine.0)?,
                ];
                if let Some(objections) = objections {
                    inputs.push(stream("objections.parquet", &objections.0)?);
                }
                if let Some(pairs) = pairs {
                    inputs.push(stream(protocol::pairs::NAME, &pairs.0)?);
                }
                Ok(inputs)
            }
            Self::Extract { project, tables } => {
                let mut inputs = Vec::new();
                for (n, table) in tables.iter().enumerate() {
                    inputs.push(stream(&payload_name(n), &table.payload.0)?);
                    inputs.push(stream(&map_name(n), &table.map.0)?);
                    if let Some(events) = &table.events {
                        let key = event_key(custody, project)?;
                        let reader = Box::new(Keyed::new(checked(&events.0)?, key));
                        let name = events_name(n);
                        inputs.push(Input::Stream { name, reader });
                    }
                }
                Ok(inputs)
            }
            Self::Query { extract } | Self::Check { extract } | Self::Measure { extract } => {
                Ok(vec![stream("extract.duckdb", &extract.0)?])
            }
        }
    }
}

fn event_key(custody: &Custody, project: &ProjectId) -> Result<EventKey, Refused> {
    let secret = custody.make(project.as_str(), Purpose::Pseudonym)?;
    EventKey::derive(&secret, PSEUDONYMS).map_err(by_vault)
}

/// The key of a project's people.
pub(crate) fn person_key(custody: &Custody, project: &ProjectId) -> Result<PseudonymKey, Refused> {
    let secret = custody.make(project.as_str(), Purpose::Pseudonym)?;
    PseudonymKey::derive(&secret, PSEUDONYMS, "person").map_err(by_vault)
}

/// What becomes of a block of entries of fixed width on its way into a worker.
pub(crate) trait Entries {
    /// Bytes of an entry.
    const BYTES: usize;
    fn made(&self, entries: &[u8]) -> io::Result<Vec<u8>>;
}

/// Event ids become event pseudonyms.
impl Entries for EventKey {
    const BYTES: usize = EVENT_BYTES;

    fn made(&self, entries: &[u8]) -> io::Result<Vec<u8>> {
        let mut made = Vec::with_capacity(entries.len());
        stream_pseudonymise_events(entries, &mut made, self).map_err(io::Error::other)?;
        Ok(made)
    }
}

/// Entries read as what they become, a block at a time.
pub(crate) struct Keyed<R, K> {
    inner: R,
    key: K,
    made: io::Cursor<Vec<u8>>,
}

impl<R, K> Keyed<R, K> {
    pub(crate) fn new(inner: R, key: K) -> Self {
        Self {
            inner,
            key,
            made: io::Cursor::new(Vec::new()),
        }
    }
}

impl<R: Read, K: Entries> Read for Keyed<R, K> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.made.position() >= self.made.get_ref().len() as u64 {
            let block = BLOCK * K::BYTES;
            let mut entries = Vec::with_capacity(block);
            (&mut self.inner)
                .take(block as u64)
                .read_to_end(&mut entries)?;
            self.made = io::Cursor::new(self.key.made(&entries)?);
        }
        self.made.read(to)
    }
}

// `Checked` is the only reader of kept files; a stream that is cut short must not look like its end.
const _: fn() = || {
    fn sends<T: Send>() {}
    sends::<Keyed<Checked, EventKey>>();
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyed_stream_is_the_events_under_the_key_in_any_piece_size() {
        let folder = tempfile::tempdir().unwrap();
        let root = vault::Root::open_or_create(&folder.path().join("root")).unwrap();
        let mut secrets = vault::Secrets::open(&folder.path().join("keys"), root).unwrap();
        let secret = secrets.get_or_create("prj_a", Purpose::Pseudonym).unwrap();
        let key = || EventKey::derive(&secret, PSEUDONYMS).unwrap();
        for events in [0_usize, 1, 4095, 4096, 4097, 9000] {
            let ids: Vec<u8> = (0..events).flat_map(|n| [(n % 251) as u8; 16]).collect();
            let mut whole = Vec::new();
            stream_pseudonymise_events(ids.as_slice(), &mut whole, &key()).unwrap();
            let mut read = Vec::new();
            let mut keyed = Keyed::new(ids.as_slice(), key());
            let mut piece = [0; 777];
            loop {
                let n = keyed.read(&mut piece).unwrap();
                if n == 0 {
                    break;
                }
                read.extend_from_slice(&piece[..n]);
            }
            assert_eq!(read, whole);
        }
        let mut cut = Keyed::new([1_u8; 33].as_slice(), key());
        assert!(cut.read(&mut [0; 64]).is_err());
    }
}
