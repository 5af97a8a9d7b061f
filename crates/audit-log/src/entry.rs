//! The bytes of one leaf.
//!
//! An entry is compact JSON. What is hashed is the stored bytes, so nobody
//! needs to agree on a canonical JSON. An entry holds ids, numbers and hashes:
//! prose, statements and anything that must be erasable stay outside and enter
//! as salted commitments (see [`commit`]).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::AuditError,
    hash::{Hash, digest},
    unique,
};

/// Longest entry: what a two-byte length prefix can say.
pub const ENTRY_BYTES_MAX: usize = 65_535;

const VERSION: u64 = 1;
const ID_BYTES_MAX: usize = 256;
const DETAILS_DEPTH_MAX: usize = 8;

/// One act as the log book records it. Its place in the log is not part of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When, RFC 3339 (`2026-01-31T09:30:00Z`).
    pub time: String,
    /// Id of who acted.
    pub actor: String,
    /// What was done, the name of the act.
    pub action: String,
    /// Id of what it was done to.
    pub object: String,
    /// Id of the project it belongs to, if any.
    pub project: Option<String>,
    /// Policy name to the SHA-256 (hex) of each policy file that decided.
    pub policy_sha256: BTreeMap<String, String>,
    /// An object of ids, numbers and hashes. No prose: strings hold no white space.
    pub details: Value,
    /// Name to commitment (hex): SHA-256(32-byte salt || bytes).
    pub commitments: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Out<'a> {
    v: u64,
    time: &'a str,
    actor: &'a str,
    action: &'a str,
    object: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    policy_sha256: &'a BTreeMap<String, String>,
    details: &'a Value,
    commitments: &'a BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct In {
    #[serde(rename = "v")]
    _version: u64,
    time: String,
    actor: String,
    action: String,
    object: String,
    project: Option<String>,
    #[serde(deserialize_with = "unique::texts")]
    policy_sha256: BTreeMap<String, String>,
    #[serde(deserialize_with = "unique::value")]
    details: Value,
    #[serde(deserialize_with = "unique::texts")]
    commitments: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u64,
}

impl Entry {
    /// The bytes of the leaf.
    ///
    /// # Errors
    /// [`AuditError::EntryField`] when a field breaks its rule,
    /// [`AuditError::EntryTooLong`] over 65,535 bytes.
    pub fn encode(&self) -> Result<Vec<u8>, AuditError> {
        self.check()?;
        let out = Out {
            v: VERSION,
            time: &self.time,
            actor: &self.actor,
            action: &self.action,
            object: &self.object,
            project: self.project.as_deref(),
            policy_sha256: &self.policy_sha256,
            details: &self.details,
            commitments: &self.commitments,
        };
        let bytes = serde_json::to_vec(&out).map_err(|_| AuditError::EntryUnreadable)?;
        check_length(bytes.len())?;
        Ok(bytes)
    }

    /// Reads the bytes of a leaf back.
    ///
    /// # Errors
    /// [`AuditError::EntryUnreadable`], [`AuditError::EntryVersion`],
    /// [`AuditError::EntryField`] or [`AuditError::EntryTooLong`].
    pub fn decode(bytes: &[u8]) -> Result<Self, AuditError> {
        check_length(bytes.len())?;
        let version: VersionOnly =
            serde_json::from_slice(bytes).map_err(|_| AuditError::EntryUnreadable)?;
        if version.v != VERSION {
            return Err(AuditError::EntryVersion(version.v));
        }
        let In {
            _version,
            time,
            actor,
            action,
            object,
            project,
            policy_sha256,
            details,
            commitments,
        } = serde_json::from_slice(bytes).map_err(|_| AuditError::EntryUnreadable)?;
        let entry = Self {
            time,
            actor,
            action,
            object,
            project,
            policy_sha256,
            details,
            commitments,
        };
        entry.check()?;
        Ok(entry)
    }

    fn check(&self) -> Result<(), AuditError> {
        if !is_rfc3339(&self.time) {
            return Err(AuditError::EntryField {
                field: "time",
                why: "is not an RFC 3339 time",
            });
        }
        check_id("actor", &self.actor)?;
        check_id("action", &self.action)?;
        check_id("object", &self.object)?;
        if let Some(project) = &self.project {
            check_id("project", project)?;
        }
        check_hashes("policy_sha256", &self.policy_sha256)?;
        check_hashes("commitments", &self.commitments)?;
        if !self.details.is_object() {
            return Err(AuditError::EntryField {
                field: "details",
                why: "is not an object",
            });
        }
        check_details(&self.details, DETAILS_DEPTH_MAX)
    }
}

/// Salted commitment to bytes kept elsewhere: SHA-256(salt || bytes). Deleting
/// salt and bytes erases them for good while the log still verifies.
#[must_use]
pub fn commit(salt: &[u8; 32], bytes: &[u8]) -> Hash {
    digest(&[salt, bytes])
}

fn check_length(bytes: usize) -> Result<(), AuditError> {
    if bytes > ENTRY_BYTES_MAX {
        return Err(AuditError::EntryTooLong { bytes });
    }
    Ok(())
}

fn check_id(field: &'static str, text: &str) -> Result<(), AuditError> {
    if text.is_empty() {
        return Err(AuditError::EntryField {
            field,
            why: "has an empty id",
        });
    }
    check_word(field, text)
}

// White space is what tells prose from an id, so refusing it keeps free text out.
fn check_word(field: &'static str, text: &str) -> Result<(), AuditError> {
    if text.len() > ID_BYTES_MAX {
        return Err(AuditError::EntryField {
            field,
            why: "holds a text over 256 bytes",
        });
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(AuditError::EntryField {
            field,
            why: "holds white space, which no id has",
        });
    }
    Ok(())
}

fn check_hashes(field: &'static str, map: &BTreeMap<String, String>) -> Result<(), AuditError> {
    for (name, hash) in map {
        check_id(field, name)?;
        let lower_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if hash.len() != 64 || !hash.bytes().all(lower_hex) {
            let why = "holds a value that is not 64 lower-case hex digits";
            return Err(AuditError::EntryField { field, why });
        }
    }
    Ok(())
}

fn check_details(value: &Value, depth: usize) -> Result<(), AuditError> {
    let field = "details";
    let Some(below) = depth.checked_sub(1) else {
        return Err(AuditError::EntryField {
            field,
            why: "is nested over 8 levels",
        });
    };
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        Value::String(text) => check_word(field, text),
        Value::Array(items) => items.iter().try_for_each(|item| check_details(item, below)),
        Value::Object(map) => map.iter().try_for_each(|(key, item)| {
            check_word(field, key)?;
            check_details(item, below)
        }),
    }
}

/// Days of the month that a text of the shape `0000-00` begins with.
fn days_of_month(text: &str) -> u32 {
    let year: u32 = text.get(..4).and_then(|y| y.parse().ok()).unwrap_or(0);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match text.get(5..7) {
        Some("02") if leap => 29,
        Some("02") => 28,
        Some("04" | "06" | "09" | "11") => 30,
        _ => 31,
    }
}

fn is_rfc3339(text: &str) -> bool {
    let shape = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(t, p)| match p {
                b'0' => t.is_ascii_digit(),
                other => t == other,
            })
    };
    let within = |part: Option<&str>, low: u32, high: u32| {
        part.and_then(|part| part.parse::<u32>().ok())
            .is_some_and(|n| (low..=high).contains(&n))
    };
    let Some((head, tail)) = text.split_at_checked(19) else {
        return false;
    };
    if !shape(head, "0000-00-00T00:00:00")
        || !within(head.get(5..7), 1, 12)
        || !within(head.get(8..10), 1, days_of_month(head))
        || !within(head.get(11..13), 0, 23)
        || !within(head.get(14..16), 0, 59)
        || !within(head.get(17..19), 0, 60)
    {
        return false;
    }
    let zone = match tail.strip_prefix('.') {
        None => tail,
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if !(1..=9).contains(&(fraction.len() - zone.len())) {
                return false;
            }
            zone
        }
    };
    zone == "Z"
        || ((shape(zone, "+00:00") || shape(zone, "-00:00"))
            && within(zone.get(1..3), 0, 23)
            && within(zone.get(4..6), 0, 59))
}
