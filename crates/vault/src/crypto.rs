//! The primitives, each behind one function, so that the known answers test the very code that runs.

use std::fmt;

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hkdf};
use zeroize::Zeroizing;

use crate::VaultError;

pub(crate) const KEY_BYTES: usize = 32;
pub(crate) const NONCE_BYTES: usize = 12;
pub(crate) const TAG_BYTES: usize = 16;

/// Key material, wiped when dropped.
pub(crate) type KeyBytes = Zeroizing<[u8; KEY_BYTES]>;

/// A SHA-256 digest; shown and serialised as 64 hexadecimal digits.
///
/// The digest of a *plaintext* lets anyone who can guess the whole content confirm the guess: publish it only as a
/// salted commitment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// Ends `context`.
    pub(crate) fn finish(context: digest::Context) -> Self {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Sha256 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

pub(crate) fn sha256() -> digest::Context {
    digest::Context::new(&digest::SHA256)
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| VaultError::Random)?;
    Ok(bytes)
}

pub(crate) fn random_key() -> Result<KeyBytes, VaultError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    SystemRandom::new()
        .fill(key.as_mut_slice())
        .map_err(|_| VaultError::Random)?;
    Ok(key)
}

struct OutputBytes(usize);

impl hkdf::KeyType for OutputBytes {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-SHA-256 (RFC 5869), extract then expand; `info` is the concatenation of its parts.
pub(crate) fn hkdf_sha256(
    salt: &[u8],
    input: &[u8],
    info: &[&[u8]],
    output: &mut [u8],
) -> Result<(), VaultError> {
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(input);
    let expanded = extracted
        .expand(info, OutputBytes(output.len()))
        .map_err(|_| VaultError::Crypto)?;
    expanded.fill(output).map_err(|_| VaultError::Crypto)
}

pub(crate) fn derive_key(
    salt: &[u8],
    input: &[u8; KEY_BYTES],
    info: &[&[u8]],
) -> Result<KeyBytes, VaultError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    hkdf_sha256(salt, input, info, key.as_mut_slice())?;
    Ok(key)
}

/// The ciphertext, its nonce or its associated data is not what was sealed.
pub(crate) struct NotAuthentic;

/// AES-256-GCM with 96-bit nonces and full tags. The caller never repeats a nonce under one key.
pub(crate) struct Cipher(Aes256Gcm);

impl Cipher {
    pub(crate) fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// Encrypts in place and returns the tag.
    pub(crate) fn seal(
        &self,
        nonce: &[u8; NONCE_BYTES],
        associated: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], VaultError> {
        self.0
            .encrypt_inout_detached(nonce.into(), associated, InOutBuf::from(data))
            .map(Into::into)
            .map_err(|_| VaultError::Crypto)
    }

    /// Checks the tag, then decrypts in place; on failure `data` is still the ciphertext.
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE_BYTES],
        associated: &[u8],
        data: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), NotAuthentic> {
        self.0
            .decrypt_inout_detached(nonce.into(), associated, InOutBuf::from(data), tag.into())
            .map_err(|_| NotAuthentic)
    }
}

#[cfg(test)]
mod tests;
