use std::io::{self, Read};

use ring::digest;
use zeroize::Zeroizing;

use super::{CHUNK_BYTES, Chunks, HEADER_BYTES, MAX_CHUNKS, Place, file_id, finish_digest};
use crate::crypto::{Sha256, TAG_BYTES, sha256};
use crate::files::read_full;
use crate::{Secret, VaultError};

const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;

/// What was opened, known at the end only.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OpenedInfo {
    /// Plaintext bytes.
    pub bytes: u64,
    /// Digest of the sealed file; compare it with the one on record to be sure of the *version*.
    pub sealed_sha256: Sha256,
}

/// Opens a sealed file as it is read. Each chunk is checked before a byte of it is given out.
///
/// A file is whole only when a read has returned 0 (or [`OpenReader::finish`] has succeeded): throw away what was read
/// before an error. After an error every read fails.
pub struct OpenReader<R: Read> {
    inner: R,
    chunks: Chunks,
    /// One sealed chunk and one byte more, which tells whether the chunk is the last.
    buffer: Zeroizing<Vec<u8>>,
    /// Plaintext of the chunk in `buffer`, and how much of it was given out.
    plain_bytes: usize,
    given: usize,
    sealed: digest::Context,
    bytes: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    /// The byte after the current chunk is in the buffer.
    Middle,
    Last,
    Failed,
}

impl<R: Read> OpenReader<R> {
    /// Reads the header of a file sealed as `name`.
    ///
    /// # Errors
    /// [`VaultError::NotSealed`], [`VaultError::BadName`], [`VaultError::WrongPurpose`] and what the reader gives.
    pub fn new(mut inner: R, secret: &Secret, name: &str) -> Result<Self, VaultError> {
        let mut header = [0; HEADER_BYTES];
        let length = read_full(&mut inner, &mut header)
            .map_err(VaultError::stream("read the sealed file"))?;
        if length < HEADER_BYTES {
            return Err(VaultError::NotSealed);
        }
        let file_id = file_id(&header).ok_or(VaultError::NotSealed)?;
        let mut sealed = sha256();
        sealed.update(&header);
        Ok(Self {
            inner,
            chunks: Chunks::new(secret, name, file_id)?,
            buffer: Zeroizing::new(vec![0; SEALED_CHUNK_BYTES + 1]),
            plain_bytes: 0,
            given: 0,
            sealed,
            bytes: 0,
            state: State::Start,
        })
    }

    /// The summary, once everything was read.
    ///
    /// # Errors
    /// [`VaultError::NotReadToEnd`] when plaintext is left or the end was not yet seen; [`VaultError::StreamFailed`].
    pub fn finish(mut self) -> Result<OpenedInfo, VaultError> {
        match self.state {
            State::Last if self.given == self.plain_bytes => Ok(OpenedInfo {
                bytes: self.bytes,
                sealed_sha256: finish_digest(&mut self.sealed),
            }),
            State::Start | State::Middle | State::Last => Err(VaultError::NotReadToEnd),
            State::Failed => Err(VaultError::StreamFailed),
        }
    }

    /// Reads and checks the next chunk.
    fn next_chunk(&mut self) -> Result<(), VaultError> {
        let carried = match self.state {
            State::Start => 0,
            State::Middle => {
                self.buffer.copy_within(SEALED_CHUNK_BYTES.., 0);
                1
            }
            State::Last => return Ok(()),
            State::Failed => return Err(VaultError::StreamFailed),
        };
        // Failed until it has worked; and no plaintext is left to give.
        self.state = State::Failed;
        (self.plain_bytes, self.given) = (0, 0);

        let room = self.buffer.get_mut(carried..).unwrap_or_default();
        let held = carried
            + read_full(&mut self.inner, room)
                .map_err(VaultError::stream("read the sealed file"))?;
        let (place, length) = if held > SEALED_CHUNK_BYTES {
            (Place::Middle, SEALED_CHUNK_BYTES)
        } else {
            (Place::Last, held)
        };
        let chunk = self.chunks.next;
        let refused = VaultError::NotAuthentic { chunk };
        let Some((data, tag)) = self
            .buffer
            .get_mut(..length)
            .and_then(|sealed| sealed.split_last_chunk_mut::<TAG_BYTES>())
        else {
            return Err(refused);
        };
        // An empty chunk stands only for an empty file, so that a plaintext has one sealed form.
        if (data.is_empty() && chunk > 0) || chunk >= MAX_CHUNKS {
            return Err(refused);
        }
        self.sealed.update(data);
        self.sealed.update(tag);
        self.chunks.open(place, data, tag)?;
        self.plain_bytes = data.len();
        self.bytes += data.len() as u64;
        self.state = match place {
            Place::Middle => State::Middle,
            Place::Last => State::Last,
        };
        Ok(())
    }
}

impl<R: Read> Read for OpenReader<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        if self.given == self.plain_bytes {
            self.next_chunk().map_err(VaultError::into_io)?;
        }
        let from = self
            .buffer
            .get(self.given..self.plain_bytes)
            .unwrap_or_default();
        let count = from.len().min(to.len());
        if let (Some(to), Some(from)) = (to.get_mut(..count), from.get(..count)) {
            to.copy_from_slice(from);
        }
        self.given += count;
        Ok(count)
    }
}
