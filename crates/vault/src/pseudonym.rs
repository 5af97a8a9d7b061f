//! Pseudonyms: HMAC-SHA-256 over the spine id, cut to 128 bits, under a key that only the project's secret gives.
//!
//! Over the spine id and not over a CHI number, so that renumbering and merging change nothing; under a random secret,
//! because every CHI number can be tried in seconds against an unkeyed hash. At 128 bits five million people collide with
//! a probability below 10^-25.
//!
//! The keeper streams whole records here: fixed width, no parser, no payload.

use std::io::{Read, Write};

use ring::hmac;
use zeroize::Zeroizing;

use crate::crypto::derive_key;
use crate::files::read_full;
use crate::secrets::is_plain_word;
use crate::{Purpose, Secret, VaultError};

/// Bytes of an input record: record (u64 LE), spine id (u64 LE), band of link quality (u8).
pub const RECORD_IN_BYTES: usize = 17;
/// Bytes of an output record: record (u64 LE), pseudonym (16), band of link quality (u8).
pub const RECORD_OUT_BYTES: usize = 25;
/// Bytes of an event record, in and out: an event id, its pseudonym.
pub const EVENT_BYTES: usize = 16;

const PSEUDONYM_BYTES: usize = 16;
const BLOCK_RECORDS: usize = 4096;
/// Most records in one run: a thousand for each of five million people, rounded up.
const MAX_RECORDS: u64 = 1 << 33;

/// The label of event keys, which no [`PseudonymKey`] has.
const EVENT: &str = "event";

/// The key for the people of one project, at one version, for one purpose such as `person`.
pub struct PseudonymKey(hmac::Key);

/// The key for the events of one project at one version. Another type than [`PseudonymKey`], so that people and events
/// cannot come under one key.
pub struct EventKey(hmac::Key);

impl PseudonymKey {
    /// HKDF-SHA-256 of a [`Purpose::Pseudonym`] secret with info `strongroom/pseudonym/v{version}/{purpose}`.
    ///
    /// # Errors
    /// [`VaultError::WrongPurpose`] for another secret; [`VaultError::BadLabel`] unless `purpose` is `[a-z0-9_-]{1,64}` and
    /// not `event`, the label of [`EventKey`].
    pub fn derive(secret: &Secret, version: u32, purpose: &str) -> Result<Self, VaultError> {
        if !is_plain_word(purpose) || purpose == EVENT {
            return Err(VaultError::BadLabel);
        }
        derive(secret, version, purpose).map(Self)
    }

    /// The first 16 bytes of HMAC-SHA-256 over the 8 big-endian bytes of `spine_id`.
    #[must_use]
    pub fn pseudonym(&self, spine_id: u64) -> [u8; 16] {
        first_half(&self.0, &spine_id.to_be_bytes())
    }
}

impl EventKey {
    /// HKDF-SHA-256 of a [`Purpose::Pseudonym`] secret with info `strongroom/pseudonym/v{version}/event`.
    ///
    /// # Errors
    /// [`VaultError::WrongPurpose`] for another secret.
    pub fn derive(secret: &Secret, version: u32) -> Result<Self, VaultError> {
        derive(secret, version, EVENT).map(Self)
    }

    /// The first 16 bytes of HMAC-SHA-256 over the 16 bytes of `event`, as they are.
    #[must_use]
    pub fn pseudonym(&self, event: &[u8; EVENT_BYTES]) -> [u8; 16] {
        first_half(&self.0, event)
    }
}

fn derive(secret: &Secret, version: u32, purpose: &str) -> Result<hmac::Key, VaultError> {
    match secret.purpose() {
        Purpose::Pseudonym => {}
        other @ (Purpose::Delivery
        | Purpose::Linkage
        | Purpose::Extract
        | Purpose::Output
        | Purpose::LogSigning) => {
            return Err(VaultError::WrongPurpose {
                purpose: other,
                wanted: "make pseudonyms",
            });
        }
    }
    let info = format!("strongroom/pseudonym/v{version}/{purpose}");
    let key = derive_key(&[], secret.bytes(), &[info.as_bytes()])?;
    Ok(hmac_key(key.as_slice()))
}

fn hmac_key(key: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key)
}

fn first_half(key: &hmac::Key, message: &[u8]) -> [u8; PSEUDONYM_BYTES] {
    let tag = hmac::sign(key, message);
    let mut pseudonym = [0; PSEUDONYM_BYTES];
    for (to, from) in pseudonym.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    pseudonym
}

/// What a run did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Pseudonymised {
    /// Records written.
    pub records: u64,
}

/// Maps records of [`RECORD_IN_BYTES`] to records of [`RECORD_OUT_BYTES`], in the order they come.
///
/// The order is the input's: whoever writes rows that leave sorts them by pseudonym. Memory is constant.
///
/// # Errors
/// [`VaultError::PartialRecord`] when the input ends inside a record (whole records before it were written: throw the
/// output away), [`VaultError::TooManyRecords`], and what reader and writer give.
pub fn stream_pseudonymise<R: Read, W: Write>(
    reader: R,
    writer: W,
    key: &PseudonymKey,
) -> Result<Pseudonymised, VaultError> {
    let run = Run {
        read: "read the record map",
        write: "write the pseudonyms",
        record_out_bytes: RECORD_OUT_BYTES,
    };
    let map = |record: &[u8; RECORD_IN_BYTES], output: &mut Vec<u8>| {
        let [r0, r1, r2, r3, r4, r5, r6, r7, spine @ .., band] = record;
        output.extend_from_slice(&[*r0, *r1, *r2, *r3, *r4, *r5, *r6, *r7]);
        output.extend_from_slice(&key.pseudonym(u64::from_le_bytes(*spine)));
        output.push(*band);
    };
    stream(reader, writer, &run, map)
}

/// Maps event ids of [`EVENT_BYTES`] to pseudonyms of as many bytes, one for one, in the order they come.
///
/// Memory is constant.
///
/// # Errors
/// As [`stream_pseudonymise`].
pub fn stream_pseudonymise_events<R: Read, W: Write>(
    reader: R,
    writer: W,
    key: &EventKey,
) -> Result<Pseudonymised, VaultError> {
    let run = Run {
        read: "read the event ids",
        write: "write the event pseudonyms",
        record_out_bytes: EVENT_BYTES,
    };
    let map = |event: &[u8; EVENT_BYTES], output: &mut Vec<u8>| {
        output.extend_from_slice(&key.pseudonym(event));
    };
    stream(reader, writer, &run, map)
}

/// What an error says was being done, and the size of what is made.
struct Run {
    read: &'static str,
    write: &'static str,
    record_out_bytes: usize,
}

/// Maps records of `IN` bytes a block at a time; `map` adds what a record gives.
fn stream<const IN: usize, R: Read, W: Write>(
    mut reader: R,
    mut writer: W,
    run: &Run,
    map: impl Fn(&[u8; IN], &mut Vec<u8>),
) -> Result<Pseudonymised, VaultError> {
    let mut input = Zeroizing::new(vec![0; IN * BLOCK_RECORDS]);
    let mut output = Zeroizing::new(Vec::with_capacity(run.record_out_bytes * BLOCK_RECORDS));
    let mut records = 0_u64;
    loop {
        let length = read_full(&mut reader, &mut input).map_err(VaultError::stream(run.read))?;
        let (block, rest) = input
            .split_at_checked(length)
            .ok_or(VaultError::Crypto)?
            .0
            .as_chunks::<IN>();
        if !rest.is_empty() {
            return Err(VaultError::PartialRecord { record_bytes: IN });
        }
        records += block.len() as u64;
        if records > MAX_RECORDS {
            return Err(VaultError::TooManyRecords { limit: MAX_RECORDS });
        }
        output.clear();
        for record in block {
            map(record, &mut output);
        }
        writer
            .write_all(&output)
            .map_err(VaultError::stream(run.write))?;
        if block.len() < BLOCK_RECORDS {
            writer.flush().map_err(VaultError::stream(run.write))?;
            return Ok(Pseudonymised { records });
        }
    }
}

#[cfg(test)]
mod tests;
