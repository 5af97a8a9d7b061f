//! Sealed files in and out: opened and held against the record, sealed as a worker sends them.

use std::collections::VecDeque;
use std::fs::File as Disk;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use governance::delivery::SealedFile;
use protocol::keeper::{File, Refused};
use ring::digest::{Context, SHA256};
use vault::{OpenReader, Purpose, SealedInfo, Secret};

use crate::custody::Custody;
use crate::error::{by_vault, not_permitted};
use crate::halt::Halt;
use crate::rooms::{Rooms, made_name, remove};

/// A sealed file with whose secret it is sealed and what it must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Folder of the keeper.
    pub(crate) room: Room,
    /// Name in it.
    pub(crate) name: String,
    /// Owner of the secret.
    pub(crate) owner: String,
    /// Purpose of the secret.
    pub(crate) purpose: Purpose,
    /// SHA-256 and length of the plaintext on record; an upload has none yet.
    pub(crate) record: Option<(String, u64)>,
}

/// As what a file was made: for which object, and under which of these words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeptAs<'a> {
    pub(crate) object: &'a str,
    pub(crate) words: &'a [&'a str],
}

impl<'a> KeptAs<'a> {
    pub(crate) fn new(object: &'a str, words: &'a [&'a str]) -> Self {
        Self { object, words }
    }
}

/// Which folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Uploads,
    Sealed,
}

impl Sealed {
    /// Whether the record says that it holds bytes of this hash.
    pub(crate) fn holds(&self, sha256: &str) -> bool {
        self.record.as_ref().is_some_and(|(held, _)| held == sha256)
    }

    /// A kept file as the store records it. Names, payload and keys of one delivery share a secret, and the
    /// store is the desk's: only its name, under which the keeper made it, says what a file is. So a record that
    /// names a file of another object or of another kind opens nothing.
    pub(crate) fn kept(
        file: &SealedFile,
        kept_as: KeptAs<'_>,
        owner: &str,
        purpose: Purpose,
    ) -> Result<Self, Refused> {
        let of_kind = kept_as.words.iter().any(|word| {
            let job = file.name.strip_prefix(&made_name(kept_as.object, word, ""));
            job.is_some_and(|job| !job.is_empty() && !job.contains('.'))
        });
        if !of_kind {
            return Err(not_permitted(
                "a file on record is not of the kind that is asked for",
            ));
        }
        Ok(Self {
            room: Room::Sealed,
            name: file.name.clone(),
            owner: owner.to_owned(),
            purpose,
            record: Some((file.sha256.to_string(), file.bytes)),
        })
    }

    /// A kept file of a delivery, kept under this word.
    pub(crate) fn of_delivery(
        file: &SealedFile,
        word: &str,
        delivery: &str,
    ) -> Result<Self, Refused> {
        let words = [word];
        Self::kept(
            file,
            KeptAs::new(delivery, &words),
            delivery,
            Purpose::Delivery,
        )
    }

    /// The file of a load job.
    pub(crate) fn upload(job: &str, delivery: &str) -> Self {
        Self {
            room: Room::Uploads,
            name: job.to_owned(),
            owner: delivery.to_owned(),
            purpose: Purpose::Delivery,
            record: None,
        }
    }

    /// Opens it for reading; whether it holds what the record says shows at its end.
    pub(crate) fn open(
        &self,
        custody: &Custody,
        uploads: &Path,
        sealed: &Path,
        halt: &Halt,
    ) -> Result<Checked, Refused> {
        let secret = custody.secret(&self.owner, self.purpose)?;
        self.open_with(&secret, uploads, sealed, halt)
    }

    fn open_with(
        &self,
        secret: &Secret,
        uploads: &Path,
        sealed: &Path,
        halt: &Halt,
    ) -> Result<Checked, Refused> {
        let folder = match self.room {
            Room::Uploads => uploads,
            Room::Sealed => sealed,
        };
        let inner = vault::open_file(folder, &self.name, secret).map_err(by_vault)?;
        Ok(Checked {
            inner,
            digest: Context::new(&SHA256),
            bytes: 0,
            record: self.record.clone(),
            halt: halt.clone(),
        })
    }
}

/// Reads a sealed file, stops when the job is stopped, and gives an error instead of the end if the
/// plaintext is not the one on record.
pub(crate) struct Checked {
    inner: OpenReader<Disk>,
    digest: Context,
    bytes: u64,
    record: Option<(String, u64)>,
    halt: Halt,
}

impl Read for Checked {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.halt.is_stopped() {
            return Err(io::Error::other("the job was stopped"));
        }
        let n = self.inner.read(to)?;
        self.digest.update(to.get(..n).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(n as u64);
        if n == 0
            && !to.is_empty()
            && let Some((sha256, bytes)) = &self.record
            && (self.bytes != *bytes || hex::encode(self.digest.clone().finish()) != *sha256)
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the sealed file is not the one on record",
            ));
        }
        Ok(n)
    }
}

/// Sealed files of one owner, read one after the other as if they were one. Each is opened when its turn comes.
pub(crate) struct InTurn {
    rest: VecDeque<Sealed>,
    open: Option<Checked>,
    /// None where there is no file.
    secret: Option<Secret>,
    rooms: Rooms,
    halt: Halt,
}

impl InTurn {
    /// Files under one secret.
    pub(crate) fn new(
        files: Vec<Sealed>,
        custody: &Custody,
        rooms: &Rooms,
        halt: &Halt,
    ) -> Result<Self, Refused> {
        let of = |file: &Sealed| (file.owner.clone(), file.purpose);
        let secret = match files.first() {
            Some(first) if files.iter().any(|file| of(file) != of(first)) => {
                return Err(not_permitted("files of several owners are not read as one"));
            }
            Some(first) => Some(custody.secret(&first.owner, first.purpose)?),
            None => None,
        };
        Ok(Self {
            rest: files.into(),
            open: None,
            secret,
            rooms: rooms.clone(),
            halt: halt.clone(),
        })
    }
}

impl Read for InTurn {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(open) = &mut self.open {
                let n = open.read(to)?;
                if n > 0 || to.is_empty() {
                    return Ok(n);
                }
            }
            let (Some(next), Some(secret)) = (self.rest.pop_front(), &self.secret) else {
                self.open = None;
                return Ok(0);
            };
            let opened =
                next.open_with(secret, &self.rooms.uploads, &self.rooms.sealed, &self.halt);
            self.open = Some(opened.map_err(|refused| io::Error::other(refused.message))?);
        }
    }
}

/// A sealed file as the protocol names it.
pub(crate) fn file(name: &str, info: &SealedInfo) -> File {
    File {
        name: name.to_owned(),
        sha256: info.plain_sha256.to_string(),
        bytes: info.bytes,
    }
}

/// Files of a job. What is not kept is deleted when this is dropped.
#[derive(Debug)]
pub(crate) struct Made {
    folder: PathBuf,
    names: Vec<String>,
}

impl Made {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            names: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, name: &str) {
        self.names.push(name.to_owned());
    }

    /// The files stay.
    pub(crate) fn keep(mut self) {
        self.names.clear();
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for name in &self.names {
            remove(&self.folder, name);
        }
    }
}
