//! Sealed files: chunked AES-256-GCM, read and written as streams.
//!
//! ```text
//! header   magic "SRSEALED" (8) | version 1 (1) | file id, random (16) | chunk size, big-endian (4)
//! chunk    ciphertext (65,536 bytes; the last 1 to 65,536, or 0 in an empty file) | tag (16)
//!
//! key      HKDF-SHA-256(secret, salt = file id,
//!          info = "strongroom/sealed/v1" | length of purpose (8) | purpose | length of name (8) | name)
//! nonce    000000 (3) | chunk number (8, big-endian) | 1 for the last chunk, else 0 (1)
//! aad      file id (16) | chunk number (8, big-endian) | 1 for the last chunk, else 0 (1)
//! ```
//! The key is fresh for each file, so a nonce is never repeated under it. Chunk number and last-chunk flag in the nonce
//! make truncation, reordering and appended bytes fail; file id and name in the key make a chunk or a file moved
//! elsewhere fail. Nothing of a chunk is given out before its tag is checked. An *older* sealed file of the same
//! name is genuine: compare [`OpenedInfo::sealed_sha256`] with the digest on record.

mod reader;
mod writer;

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::crypto::{Cipher, NONCE_BYTES, NotAuthentic, Sha256, TAG_BYTES, derive_key};
use crate::files::{create_new, is_staging, open_plain, publish, staging_path};
use crate::{Purpose, Secret, VaultError};

pub use reader::{OpenReader, OpenedInfo};
pub use writer::{SealWriter, SealedInfo};

/// Plaintext bytes in every chunk but the last.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// 16 TiB a file; GCM itself would allow far more under one key.
const MAX_CHUNKS: u64 = 1 << 28;

const MAGIC: &[u8; 8] = b"SRSEALED";
const VERSION: u8 = 1;
const FILE_ID_BYTES: usize = 16;
const HEADER_BYTES: usize = 8 + 1 + FILE_ID_BYTES + 4;
const LABEL: &[u8] = b"strongroom/sealed/v1";

type FileId = [u8; FILE_ID_BYTES];

fn header(file_id: &FileId) -> Vec<u8> {
    let size = (CHUNK_BYTES as u32).to_be_bytes();
    [MAGIC.as_slice(), &[VERSION], file_id, &size].concat()
}

/// The file id, if these are the bytes that [`header`] would write for it.
fn file_id(bytes: &[u8; HEADER_BYTES]) -> Option<FileId> {
    let file_id = *bytes.get(9..)?.first_chunk()?;
    (header(&file_id) == bytes).then_some(file_id)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Middle,
    Last,
}

/// The file's key and the number of the next chunk.
struct Chunks {
    cipher: Cipher,
    file_id: FileId,
    next: u64,
}

impl Chunks {
    fn new(secret: &Secret, name: &str, file_id: FileId) -> Result<Self, VaultError> {
        let purpose = match secret.purpose() {
            sealing @ (Purpose::Delivery
            | Purpose::Linkage
            | Purpose::Extract
            | Purpose::Output) => sealing.as_str(),
            other @ (Purpose::Pseudonym | Purpose::LogSigning) => {
                return Err(VaultError::WrongPurpose {
                    purpose: other,
                    wanted: "seal files",
                });
            }
        };
        check_name(name)?;
        let length = |text: &str| (text.len() as u64).to_be_bytes();
        let info = [
            LABEL,
            &length(purpose),
            purpose.as_bytes(),
            &length(name),
            name.as_bytes(),
        ];
        let key = derive_key(&file_id, secret.bytes(), &info)?;
        Ok(Self {
            cipher: Cipher::new(&key),
            file_id,
            next: 0,
        })
    }

    fn nonce_and_associated(&self, place: Place) -> ([u8; NONCE_BYTES], Vec<u8>) {
        let last = match place {
            Place::Middle => 0,
            Place::Last => 1,
        };
        let [a, b, c, d, e, f, g, h] = self.next.to_be_bytes();
        let associated = [self.file_id.as_slice(), &[a, b, c, d, e, f, g, h, last]].concat();
        ([0, 0, 0, a, b, c, d, e, f, g, h, last], associated)
    }

    fn seal(&mut self, place: Place, data: &mut [u8]) -> Result<[u8; TAG_BYTES], VaultError> {
        if self.next >= MAX_CHUNKS {
            return Err(VaultError::TooLarge {
                limit: MAX_CHUNKS * CHUNK_BYTES as u64,
            });
        }
        let (nonce, associated) = self.nonce_and_associated(place);
        let tag = self.cipher.seal(&nonce, &associated, data)?;
        self.next += 1;
        Ok(tag)
    }

    fn open(
        &mut self,
        place: Place,
        data: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), VaultError> {
        let (nonce, associated) = self.nonce_and_associated(place);
        let opened = self.cipher.open(&nonce, &associated, data, tag);
        let chunk = self.next;
        opened.map_err(|NotAuthentic| VaultError::NotAuthentic { chunk })?;
        self.next += 1;
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), VaultError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let fits = (1..=128).contains(&name.len()) && name.bytes().all(plain);
    if fits && !name.starts_with('.') && !is_staging(name) {
        Ok(())
    } else {
        Err(VaultError::BadName)
    }
}

/// Seals what `fill` writes as `folder/name` (mode 0600): staged, flushed, put in place, folder flushed. The folder must
/// exist. On any error nothing is left but, after a crash, a staging file that [`crate::remove_staging`] removes.
///
/// # Errors
/// [`VaultError::Exists`] when the name is taken (a sealed file is never replaced), [`VaultError::BadName`],
/// [`VaultError::WrongPurpose`], failures of the disk, and whatever `fill` gives.
pub fn seal_file_atomically<F>(
    folder: &Path,
    name: &str,
    secret: &Secret,
    fill: F,
) -> Result<SealedInfo, VaultError>
where
    F: FnOnce(&mut SealWriter<&File>) -> io::Result<()>,
{
    check_name(name)?;
    let staging = staging_path(folder)?;
    let file = create_new(&staging)?;
    let sealed = fill_staging(&file, &staging, name, secret, fill);
    match sealed {
        Ok(info) => publish(folder, &staging, name).map(|()| info),
        Err(error) => {
            // The first error is the one to tell; what cannot be removed now goes at the next start.
            let _ = fs::remove_file(&staging);
            Err(error)
        }
    }
}

fn fill_staging<F>(
    file: &File,
    staging: &Path,
    name: &str,
    secret: &Secret,
    fill: F,
) -> Result<SealedInfo, VaultError>
where
    F: FnOnce(&mut SealWriter<&File>) -> io::Result<()>,
{
    let mut writer = SealWriter::new(file, secret, name)?;
    fill(&mut writer).map_err(VaultError::stream("write the sealed file"))?;
    let info = writer.finish()?;
    file.sync_all().map_err(VaultError::io("flush", staging))?;
    Ok(info)
}

/// Opens `folder/name` for reading under the secret and the name it was sealed with.
///
/// # Errors
/// [`VaultError::Missing`], [`VaultError::NotSealed`], [`VaultError::BadName`], [`VaultError::WrongPurpose`]. Whether the
/// secret is the right one shows at the first read.
pub fn open_file(
    folder: &Path,
    name: &str,
    secret: &Secret,
) -> Result<OpenReader<File>, VaultError> {
    check_name(name)?;
    let path = folder.join(name);
    let file = open_plain(&path)?.ok_or(VaultError::Missing { path })?;
    OpenReader::new(file, secret, name)
}

/// A digest over the sealed bytes as they pass.
fn finish_digest(digest: &mut ring::digest::Context) -> Sha256 {
    Sha256::finish(std::mem::replace(digest, crate::crypto::sha256()))
}

#[cfg(test)]
mod tests;
