use std::io::{self, Write};

use ring::digest;
use zeroize::Zeroizing;

use super::{CHUNK_BYTES, Chunks, FileId, Place, finish_digest, header};
use crate::crypto::{Sha256, TAG_BYTES, random, sha256};
use crate::{Secret, VaultError};

/// What was sealed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct SealedInfo {
    /// Plaintext bytes.
    pub bytes: u64,
    /// Bytes of the sealed file.
    pub sealed_bytes: u64,
    /// Digest of the plaintext. Publish only as a salted commitment.
    pub plain_sha256: Sha256,
    /// Digest of the sealed file.
    pub sealed_sha256: Sha256,
}

/// Seals what is written to it. Only [`SealWriter::finish`] writes the last chunk: a file without it does not open.
///
/// After any error the writer refuses everything, so that no nonce can be used twice.
pub struct SealWriter<W: Write> {
    inner: W,
    chunks: Chunks,
    /// Plaintext of the chunk being filled; encrypted in place.
    buffer: Zeroizing<Vec<u8>>,
    plain: digest::Context,
    sealed: digest::Context,
    bytes: u64,
    sealed_bytes: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Failed,
}

impl<W: Write> SealWriter<W> {
    /// Starts a sealed file called `name` and writes its header.
    ///
    /// # Errors
    /// [`VaultError::BadName`], [`VaultError::WrongPurpose`] and what the inner writer gives.
    pub fn new(inner: W, secret: &Secret, name: &str) -> Result<Self, VaultError> {
        Self::with_file_id(inner, secret, name, random()?)
    }

    pub(super) fn with_file_id(
        inner: W,
        secret: &Secret,
        name: &str,
        file_id: FileId,
    ) -> Result<Self, VaultError> {
        let mut writer = Self {
            inner,
            chunks: Chunks::new(secret, name, file_id)?,
            buffer: Zeroizing::new(Vec::with_capacity(CHUNK_BYTES + TAG_BYTES)),
            plain: sha256(),
            sealed: sha256(),
            bytes: 0,
            sealed_bytes: 0,
            state: State::Open,
        };
        let header = header(&file_id);
        writer.sealed.update(&header);
        writer.sealed_bytes = header.len() as u64;
        writer
            .inner
            .write_all(&header)
            .map_err(VaultError::stream("write the sealed file"))?;
        Ok(writer)
    }

    /// Writes the last chunk and flushes the inner writer.
    ///
    /// # Errors
    /// [`VaultError::StreamFailed`] after an earlier error, and what the inner writer gives.
    pub fn finish(mut self) -> Result<SealedInfo, VaultError> {
        self.check_open()?;
        self.seal_buffer(Place::Last)?;
        self.inner
            .flush()
            .map_err(VaultError::stream("write the sealed file"))?;
        Ok(SealedInfo {
            bytes: self.bytes,
            sealed_bytes: self.sealed_bytes,
            plain_sha256: finish_digest(&mut self.plain),
            sealed_sha256: finish_digest(&mut self.sealed),
        })
    }

    fn check_open(&self) -> Result<(), VaultError> {
        match self.state {
            State::Open => Ok(()),
            State::Failed => Err(VaultError::StreamFailed),
        }
    }

    fn seal_buffer(&mut self, place: Place) -> Result<(), VaultError> {
        // Failed until it has worked.
        self.state = State::Failed;
        self.plain.update(&self.buffer);
        self.bytes += self.buffer.len() as u64;
        let tag = self.chunks.seal(place, &mut self.buffer)?;
        self.buffer.extend_from_slice(&tag);
        self.sealed.update(&self.buffer);
        self.sealed_bytes += self.buffer.len() as u64;
        self.inner
            .write_all(&self.buffer)
            .map_err(VaultError::stream("write the sealed file"))?;
        self.buffer.clear();
        self.state = State::Open;
        Ok(())
    }
}

impl<W: Write> Write for SealWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.check_open().map_err(VaultError::into_io)?;
        if data.is_empty() {
            return Ok(0);
        }
        // A full chunk waits until it is known not to be the last.
        if self.buffer.len() == CHUNK_BYTES {
            self.seal_buffer(Place::Middle)
                .map_err(VaultError::into_io)?;
        }
        let room = CHUNK_BYTES - self.buffer.len();
        let taken = data.get(..room).unwrap_or(data);
        self.buffer.extend_from_slice(taken);
        Ok(taken.len())
    }

    /// Flushes the inner writer; the unfinished chunk stays here, since only whole chunks are sealed.
    fn flush(&mut self) -> io::Result<()> {
        self.check_open().map_err(VaultError::into_io)?;
        self.inner.flush()
    }
}
