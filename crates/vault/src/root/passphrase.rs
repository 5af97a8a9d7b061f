//! A root key under a passphrase: a random key, wrapped under what Argon2id (RFC 9106) makes of the passphrase.
//!
//! `root.passphrase` is JSON: the cost, the salt, a nonce and the wrapped key. The cost stands in the file, so that it can
//! be raised for new files without locking anybody out; the bounds keep a file that somebody put there from taking all
//! memory or no work at all.

use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Root;
use crate::VaultError;
use crate::crypto::{Cipher, KEY_BYTES, KeyBytes, NONCE_BYTES, TAG_BYTES, random, random_key};
use crate::files::{create_folder, open_plain, read_small, remove_staging, write_atomically};

/// Name of the file of a root key under a passphrase.
pub const FILE: &str = "root.passphrase";
const FILE_MAX: usize = 1024;
const SCHEMA: &str = "strongroom/root-passphrase/1";
const SALT_BYTES: usize = 16;
/// Fewest characters of a passphrase: five words of a list of 7,776 have about 25, and less than 12 can be tried out.
pub const PASSPHRASE_CHARS_MIN: usize = 12;
/// Most bytes of a passphrase.
pub const PASSPHRASE_BYTES_MAX: usize = 1024;
/// RFC 9106, section 4, second recommended option: 64 MiB, three passes, four lanes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// What a file may ask for: never less than the above, never more than 1 GiB or 64 passes.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 64;
const LANES_MAX: u32 = 64;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    schema: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    nonce: String,
    key: String,
    tag: String,
}

impl Root {
    /// The key in `folder/root.passphrase`, opened with the passphrase; made at random (mode 0600) when the file is not
    /// there.
    ///
    /// A lost passphrase loses every secret, as a lost key file does.
    ///
    /// # Errors
    /// [`VaultError::WeakPassphrase`] when it is to be made, [`VaultError::WrongPassphrase`], a file that others can read
    /// or that is not one of ours, and failures of the disk.
    pub fn from_passphrase(folder: &Path, passphrase: &str) -> Result<Self, VaultError> {
        create_folder(folder)?;
        remove_staging(folder)?;
        let path = folder.join(FILE);
        if let Some(file) = open_plain(&path)? {
            Self::must_be_private(&file, &path, 0o600)?;
            let bytes = read_small(&file, &path, FILE_MAX)?;
            return open(&bytes, passphrase, &path);
        }
        let chars = passphrase.chars().count();
        if chars < PASSPHRASE_CHARS_MIN || passphrase.len() > PASSPHRASE_BYTES_MAX {
            return Err(VaultError::WeakPassphrase {
                chars_min: PASSPHRASE_CHARS_MIN,
                bytes_max: PASSPHRASE_BYTES_MAX,
            });
        }
        let (key, text) = make(passphrase)?;
        match write_atomically(folder, FILE, &text) {
            Ok(()) => Ok(Self(key)),
            // Somebody else was first: theirs is the key.
            Err(VaultError::Exists { .. }) => Self::from_passphrase(folder, passphrase),
            Err(error) => Err(error),
        }
    }
}

fn make(passphrase: &str) -> Result<(KeyBytes, Vec<u8>), VaultError> {
    let key = random_key()?;
    let salt = random::<SALT_BYTES>()?;
    let nonce = random::<NONCE_BYTES>()?;
    let wrapping = stretch(passphrase, &salt, MEMORY_KIB, PASSES, LANES)?;
    let mut data = Zeroizing::new(*key);
    let tag = Cipher::new(&wrapping).seal(&nonce, SCHEMA.as_bytes(), data.as_mut_slice())?;
    let wrapped = Wrapped {
        schema: SCHEMA.to_owned(),
        memory_kib: MEMORY_KIB,
        passes: PASSES,
        lanes: LANES,
        salt: hex::encode(salt),
        nonce: hex::encode(nonce),
        key: hex::encode(data.as_slice()),
        tag: hex::encode(tag),
    };
    let text = serde_json::to_vec_pretty(&wrapped).map_err(|_| VaultError::Crypto)?;
    Ok((key, text))
}

fn open(bytes: &[u8], passphrase: &str, path: &Path) -> Result<Root, VaultError> {
    let bad = || VaultError::Damaged { path: path.into() };
    let wrapped: Wrapped = serde_json::from_slice(bytes).map_err(|_| bad())?;
    let within = wrapped.schema == SCHEMA
        && (MEMORY_KIB..=MEMORY_KIB_MAX).contains(&wrapped.memory_kib)
        && (PASSES..=PASSES_MAX).contains(&wrapped.passes)
        && (1..=LANES_MAX).contains(&wrapped.lanes);
    if !within {
        return Err(bad());
    }
    let mut salt = [0; SALT_BYTES];
    let mut nonce = [0; NONCE_BYTES];
    let mut tag = [0; TAG_BYTES];
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    hex::decode_to_slice(&wrapped.salt, &mut salt).map_err(|_| bad())?;
    hex::decode_to_slice(&wrapped.nonce, &mut nonce).map_err(|_| bad())?;
    hex::decode_to_slice(&wrapped.tag, &mut tag).map_err(|_| bad())?;
    hex::decode_to_slice(&wrapped.key, key.as_mut_slice()).map_err(|_| bad())?;
    let wrapping = stretch(
        passphrase,
        &salt,
        wrapped.memory_kib,
        wrapped.passes,
        wrapped.lanes,
    )?;
    Cipher::new(&wrapping)
        .open(&nonce, SCHEMA.as_bytes(), key.as_mut_slice(), &tag)
        .map_err(|_| VaultError::WrongPassphrase { path: path.into() })?;
    Ok(Root(key))
}

fn stretch(
    passphrase: &str,
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
) -> Result<KeyBytes, VaultError> {
    let params =
        Params::new(memory_kib, passes, lanes, Some(KEY_BYTES)).map_err(|_| VaultError::Crypto)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut_slice())
        .map_err(|_| VaultError::Crypto)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const WORDS: &str = "correct horse battery staple";

    #[test]
    fn a_passphrase_gives_the_same_random_key_again_and_another_gives_none() {
        let folder = tempfile::tempdir().unwrap();
        let key = Root::from_passphrase(folder.path(), WORDS).unwrap();
        let again = Root::from_passphrase(folder.path(), WORDS).unwrap();
        assert_eq!(key.bytes(), again.bytes());
        assert!(matches!(
            Root::from_passphrase(folder.path(), "correct horse battery stable"),
            Err(VaultError::WrongPassphrase { .. })
        ));
        let elsewhere = tempfile::tempdir().unwrap();
        let other = Root::from_passphrase(elsewhere.path(), WORDS).unwrap();
        assert_ne!(key.bytes(), other.bytes());
        let file = folder.path().join(FILE);
        let mode = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains(&hex::encode(key.bytes())));
        assert!(text.contains("\"memory_kib\": 65536"), "{text}");
    }

    #[test]
    fn a_short_passphrase_makes_no_key() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            Root::from_passphrase(folder.path(), "eleven char"),
            Err(VaultError::WeakPassphrase { .. })
        ));
        assert!(!folder.path().join(FILE).exists());
    }

    #[test]
    fn a_file_that_asks_for_less_work_or_all_memory_is_refused_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        drop(Root::from_passphrase(folder.path(), WORDS).unwrap());
        let file = folder.path().join(FILE);
        let good = fs::read_to_string(&file).unwrap();
        for (from, to) in [
            ("\"memory_kib\": 65536", "\"memory_kib\": 8"),
            ("\"memory_kib\": 65536", "\"memory_kib\": 4294967295"),
            ("\"passes\": 3", "\"passes\": 1"),
            ("\"lanes\": 4", "\"lanes\": 0"),
            ("passphrase/1", "passphrase/2"),
            ("\"salt\": \"", "\"salt\": \"zz"),
            ("{", "{\"more\": 1,"),
        ] {
            let bad = good.replacen(from, to, 1);
            assert_ne!(bad, good, "{from}");
            fs::write(&file, &bad).unwrap();
            assert!(matches!(
                Root::from_passphrase(folder.path(), WORDS),
                Err(VaultError::Damaged { .. })
            ));
            assert_eq!(fs::read_to_string(&file).unwrap(), bad);
        }
        fs::write(&file, &good).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(
            Root::from_passphrase(folder.path(), WORDS),
            Err(VaultError::WideMode { .. })
        ));
    }

    /// The vector of RFC 9106, section 5.3, has a secret and associated data, which are not used here; this one is of the
    /// reference implementation (test.c): "password" and "somesalt" at m = 65536, t = 2, p = 1.
    #[test]
    fn argon2id_is_the_one_of_the_reference_implementation() {
        let key = stretch("password", b"somesalt", 65536, 2, 1).unwrap();
        assert_eq!(
            hex::encode(key.as_slice()),
            "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"
        );
    }
}
