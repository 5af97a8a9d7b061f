//! A ledger as bytes: each step after its length and before a hash of it and of all steps before it.
//!
//! The hash is the caller's, so that this room needs none of its own. A step that was cut short by a kill is the last
//! thing in the file; it was never acknowledged, and is left out and named. Anything else that does not fit is refused.

use super::{Entry, Reason, Step};
use crate::error::LinkError;

/// A hash of bytes, such as SHA-256.
pub type Digest = fn(&[u8]) -> [u8; 32];

/// First bytes of a ledger's first hash.
const CONTEXT: &[u8] = b"strongroom spine ledger 1";

/// A ledger that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// The whole steps.
    pub steps: Vec<Step>,
    /// Bytes of these.
    pub bytes: usize,
    /// The hash of the last step, or of nothing: what the next one goes on from.
    pub head: [u8; 32],
    /// What was cut short behind them.
    pub torn: Option<Torn>,
}

/// A step that was not written to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Torn {
    /// Number of the step, from 0.
    pub step: u64,
    /// Bytes there are of it.
    pub bytes: usize,
}

/// Most bytes of one step: one entry for each of a hundred million records.
const STEP_BYTES_MAX: u64 = 4 << 30;

/// A step as it is written behind a ledger whose last hash is `head`.
#[must_use]
pub fn sealed_step(head: [u8; 32], step: &Step, digest: Digest) -> Vec<u8> {
    let mut body = Vec::new();
    put(&mut body, u64::from_ne_bytes(step.time_ms.to_ne_bytes()));
    put(
        &mut body,
        match step.reason {
            Reason::Start => 0,
            Reason::Delivery => 1,
        },
    );
    put(&mut body, step.segment_bytes);
    put(&mut body, step.entries.len() as u64);
    for entry in &step.entries {
        put_entry(&mut body, entry);
    }
    let mut sealed = (body.len() as u64).to_le_bytes().to_vec();
    sealed.extend_from_slice(&body);
    sealed.extend_from_slice(&chained(head, &body, digest));
    sealed
}

/// How far a ledger goes: what can be told without a hash of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// Whole steps.
    pub steps: u64,
    /// Bytes of these.
    pub bytes: usize,
    /// Time of the last, in milliseconds of Unix time.
    pub time_ms: i64,
    /// Bytes of the spine's segments up to it.
    pub segment_bytes: u64,
    /// What was cut short behind them.
    pub torn: Option<Torn>,
}

/// Measures a ledger, without looking at its entries or proving that it was not changed.
///
/// # Errors
/// Bytes that are no ledger.
pub fn measure_ledger(bytes: &[u8]) -> Result<Measured, LinkError> {
    let mut measured = Measured {
        steps: 0,
        bytes: 0,
        time_ms: i64::MIN,
        segment_bytes: 0,
        torn: None,
    };
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((mut body, _, after)) = frame(rest)? else {
            measured.torn = Some(Torn {
                step: measured.steps,
                bytes: rest.len(),
            });
            return Ok(measured);
        };
        let header = header(&mut body)?;
        measured.time_ms = header.time_ms;
        measured.segment_bytes = header.segment_bytes;
        measured.steps += 1;
        measured.bytes += rest.len() - after.len();
        rest = after;
    }
    Ok(measured)
}

fn chained(head: [u8; 32], body: &[u8], digest: Digest) -> [u8; 32] {
    let inner = digest(body);
    let mut all = [0; 64];
    let (first, second) = all.split_at_mut(32);
    first.copy_from_slice(&head);
    second.copy_from_slice(&inner);
    digest(&all)
}

/// Reads a ledger.
///
/// # Errors
/// Bytes that are no ledger, or were changed.
pub fn read_ledger(bytes: &[u8], digest: Digest) -> Result<Read, LinkError> {
    let mut read = Read {
        steps: Vec::new(),
        bytes: 0,
        head: digest(CONTEXT),
        torn: None,
    };
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((body, hash, after)) = frame(rest)? else {
            read.torn = Some(Torn {
                step: read.steps.len() as u64,
                bytes: rest.len(),
            });
            return Ok(read);
        };
        let expected = chained(read.head, body, digest);
        if expected != hash {
            return Err(broken(
                "a step of its ledger does not have the hash that it had",
            ));
        }
        read.steps.push(step(body)?);
        read.head = hash;
        read.bytes += rest.len() - after.len();
        rest = after;
    }
    Ok(read)
}

/// Body, hash and what follows; nothing where the bytes end before.
type Frame<'a> = Option<(&'a [u8], [u8; 32], &'a [u8])>;

fn frame(bytes: &[u8]) -> Result<Frame<'_>, LinkError> {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Ok(None);
    };
    let length = u64::from_le_bytes(*length);
    if length > STEP_BYTES_MAX {
        return Err(broken("a step of its ledger has no possible length"));
    }
    let Some((body, rest)) = rest.split_at_checked(length as usize) else {
        return Ok(None);
    };
    Ok(rest
        .split_first_chunk::<32>()
        .map(|(hash, after)| (body, *hash, after)))
}

const fn broken(what: &'static str) -> LinkError {
    LinkError::BrokenSpine { what }
}

/// Seven bits a byte, the lowest first, the eighth set on all but the last (LEB128).
fn put(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn take(from: &mut &[u8]) -> Result<u64, LinkError> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = from
            .split_first()
            .ok_or(broken("a step of its ledger ends too early"))?;
        *from = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(broken("a number of its ledger is too long"))
}

fn put_record(to: &mut Vec<u8>, (file, row): (u16, u32)) {
    put(to, u64::from(file));
    put(to, u64::from(row));
}

fn put_entry(to: &mut Vec<u8>, entry: &Entry) {
    match entry {
        Entry::Assign { record, person } => {
            to.push(0);
            put_record(to, *record);
            put(to, *person);
        }
        Entry::Merge { from, into } => {
            to.push(1);
            put(to, *from);
            put(to, *into);
        }
        Entry::Split {
            from,
            to: new,
            records,
        } => {
            to.push(2);
            put(to, *from);
            put(to, *new);
            put(to, records.len() as u64);
            records.iter().for_each(|record| put_record(to, *record));
        }
    }
}

fn take_record(from: &mut &[u8]) -> Result<(u16, u32), LinkError> {
    let wrong = |_| broken("a record of its ledger is none");
    let file = u16::try_from(take(from)?).map_err(wrong)?;
    Ok((file, u32::try_from(take(from)?).map_err(wrong)?))
}

fn take_entry(from: &mut &[u8]) -> Result<Entry, LinkError> {
    Ok(match take(from)? {
        0 => Entry::Assign {
            record: take_record(from)?,
            person: take(from)?,
        },
        1 => Entry::Merge {
            from: take(from)?,
            into: take(from)?,
        },
        2 => {
            let (person, to) = (take(from)?, take(from)?);
            let mut records = Vec::new();
            for _ in 0..take(from)? {
                records.push(take_record(from)?);
            }
            Entry::Split {
                from: person,
                to,
                records,
            }
        }
        _ => return Err(broken("an entry of its ledger is of no known kind")),
    })
}

/// A step before its entries are read.
fn header(from: &mut &[u8]) -> Result<Step, LinkError> {
    let time_ms = i64::from_ne_bytes(take(from)?.to_ne_bytes());
    let reason = match take(from)? {
        0 => Reason::Start,
        1 => Reason::Delivery,
        _ => return Err(broken("a step of its ledger has no known reason")),
    };
    Ok(Step {
        time_ms,
        reason,
        segment_bytes: take(from)?,
        entries: Vec::new(),
    })
}

fn step(mut body: &[u8]) -> Result<Step, LinkError> {
    let from = &mut body;
    let mut step = header(from)?;
    for _ in 0..take(from)? {
        step.entries.push(take_entry(from)?);
    }
    if from.is_empty() {
        Ok(step)
    } else {
        Err(broken("a step of its ledger holds more than it says"))
    }
}
