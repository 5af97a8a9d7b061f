//! Encodings: records that can be linked without being read, made at each site under one key.
//!
//! Each field becomes a Bloom filter of its pieces (Schnell, Bachteler and Reiher 2009), hardened as far as it goes
//! without losing matches: every piece is hashed on its own with a keyed function of the field (random hashing, no
//! double hashing), names and postcode under parts of the birth date as salts (Niedermeyer et al. 2014; against graphs
//! of similar records Chen et al. 2022), and the two halves of a filter are folded onto each other by exclusive or
//! (Schnell and Borgs 2016), so that no bit stands for a piece any more. Each name has a second salt of its own, so
//! that one mistyped part of a date costs one name and not both. Blocking keys are keyed hashes of several fields together. The key is for one linkage; who
//! holds the encodings must not hold it. [`Encoder`] attacks what it made by frequency before it is given away: an
//! attacker who knows how often every value of this very file occurs, under this very salt, but not the key, sorts
//! filters and values by how common they are and matches them up.

#![allow(
    clippy::indexing_slicing,
    reason = "rows and codes are those that the tables were made of; bits are masked to the filter"
)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::coded::{Coded, Row};
use crate::dates::exchanged;
use crate::keys::soundex;
use crate::outcome::ColumnReport;
use crate::standardise::{district, sector};

/// Bytes of a filter.
pub const FILTER_BYTES: usize = 32;
/// Bits of a filter before it is folded.
const BITS: usize = FILTER_BYTES * 16;
/// Bits that a piece sets.
const BITS_A_PIECE: usize = 16;

/// Layout of encodings: those of another version cannot be compared.
pub const ENCODING_VERSION: u32 = 2;

/// What the birth date does to names and postcodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncodeSalt {
    /// One name gives another filter in each year of birth, and a second time in each day or month: a forename by the
    /// lesser of both numbers, a surname by the greater, which are the same where day and month are exchanged. A
    /// postcode goes by the year alone. Records whose year differs no longer match by any of them, those whose day or
    /// month differs by one name or the other, and records without a birth date have none.
    BirthDate,
    /// One name gives another filter in each year of birth. Records whose year differs no longer match by name, and
    /// records without a birth date have no names.
    BirthYear,
    /// One name gives one filter, and a common name a common filter.
    None,
}

/// What is asked of an encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncodeSpec {
    /// The linkage that the encodings are for; the keys are of it alone.
    pub linkage: String,
    /// What the birth date does.
    pub salt: EncodeSalt,
}

impl EncodeSalt {
    /// What is hashed with the pieces of a field, by its place, of a record born on a day; nothing where the field is
    /// salted and the day is unknown. Day and month exchanged give the same.
    fn of(self, field: usize, born: u32) -> Option<u32> {
        if self == Self::None || !SALTED[field] {
            return Some(0);
        }
        if born == 0 {
            return None;
        }
        let (year, month, day) = (born / 10_000, born / 100 % 100, born % 100);
        Some(match (self, field) {
            (Self::BirthDate, FORENAME) => year * 100 + month.min(day),
            (Self::BirthDate, SURNAME) => year * 100 + month.max(day),
            _ => year,
        })
    }
}

/// Place of a field.
const FORENAME: usize = 0;
const SURNAME: usize = 1;

/// By field, whether it has a salt: a birth date would be one itself, and of numbers every one is rare.
const SALTED: [bool; ENCODED_FIELDS.len()] = [true, true, false, true, false];

/// The fields that are encoded, in order. Sex is not: with two values, no key hides which is which.
pub const ENCODED_FIELDS: [&str; 5] = ["forename", "surname", "date_of_birth", "postcode", "chi"];
/// Blocking keys of a record, in order.
pub const ENCODED_KEYS: [&str; 5] = ["key_1", "key_2", "key_3", "key_4", "key_5"];

/// A keyed function, HMAC-SHA-256 under a key of the purpose: a field, a blocking key, or the order of records.
pub trait Keyed {
    /// Of a message, under the key of a purpose.
    fn hash(&self, purpose: &str, message: &[u8]) -> [u8; 32];
}

/// A record, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// By field of [`ENCODED_FIELDS`]; nothing where the value is missing.
    pub filters: [Option<[u8; FILTER_BYTES]>; ENCODED_FIELDS.len()],
    /// By key of [`ENCODED_KEYS`]; nothing where a part is missing.
    pub keys: [Option<u64>; ENCODED_KEYS.len()],
}

/// How an attack on one field or key went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attacked {
    /// The field or blocking key.
    pub field: String,
    /// Records that have it.
    pub records: u64,
    /// Of these, records whose value the attacker guessed.
    pub found: u64,
}

impl Attacked {
    /// Share of the records whose value the attacker guessed.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.found as f64 / self.records.max(1) as f64
    }
}

/// Records of one file, standardised and ready to be encoded.
pub struct Encoder {
    coded: Coded,
    salt: EncodeSalt,
    attacks: Vec<Attack>,
}

impl Encoder {
    pub(crate) fn new(mut coded: Coded, salt: EncodeSalt) -> Self {
        coded.finish();
        let named = ENCODED_FIELDS.into_iter().chain(ENCODED_KEYS);
        Self {
            coded,
            salt,
            attacks: named.map(Attack::new).collect(),
        }
    }

    /// Records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.coded.files.first().map_or(0, |file| file.rows.len())
    }

    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was found in the columns.
    #[must_use]
    pub fn columns(&self) -> &[ColumnReport] {
        self.coded.files.first().map_or(&[], |file| &file.columns)
    }

    /// Encodes a record. Rows are under [`Encoder::len`].
    pub fn encode(&mut self, row: usize, keyed: &dyn Keyed) -> Encoded {
        let record = self.coded.files[0].rows[row];
        let mut out = Encoded {
            filters: [None; ENCODED_FIELDS.len()],
            keys: [None; ENCODED_KEYS.len()],
        };
        let pieces = [
            self.name(record.fore[0]),
            self.name(record.sur[0]),
            birth(record.born),
            postcode(record.postcode),
            number(record.chi),
        ];
        for (at, pieces) in pieces.into_iter().enumerate() {
            let (Some(salt), false) = (self.salt.of(at, record.born), pieces.is_empty()) else {
                continue;
            };
            let filter = filter(ENCODED_FIELDS[at], salt, &pieces, keyed);
            out.filters[at] = Some(filter);
            self.attacks[at].see(&filter, salt, &pieces);
        }
        for (at, parts) in self.key_parts(&record).into_iter().enumerate() {
            let Some(parts) = parts else { continue };
            let hash = keyed.hash(ENCODED_KEYS[at], &parts);
            let mut key = [0; 8];
            key.copy_from_slice(&hash[..8]);
            out.keys[at] = Some(u64::from_be_bytes(key));
            self.attacks[ENCODED_FIELDS.len() + at].see(&hash, 0, &[parts]);
        }
        out
    }

    /// Attacks what was encoded so far, by field and key.
    #[must_use]
    pub fn attack(&self) -> Vec<Attacked> {
        self.attacks.iter().map(Attack::run).collect()
    }

    /// Pairs of neighbouring letters, the ends marked.
    fn name(&self, code: u32) -> Vec<Vec<u8>> {
        let name = self.coded.names.get(code);
        if name.is_empty() {
            return Vec::new();
        }
        let mut padded = vec![b'_'];
        padded.extend_from_slice(name);
        padded.push(b'_');
        let mut pieces: Vec<Vec<u8>> = padded.windows(2).map(<[u8]>::to_vec).collect();
        pieces.sort_unstable();
        // A second "NN" is a piece of its own.
        for at in 1..pieces.len() {
            if pieces[at][..2] == pieces[at - 1][..2] {
                let before = pieces[at - 1].get(2).copied().unwrap_or(0);
                pieces[at].push(before + 1);
            }
        }
        pieces
    }

    /// Parts of the blocking keys, each a few fields together.
    fn key_parts(&self, row: &Row) -> [Option<Vec<u8>>; ENCODED_KEYS.len()] {
        let born = row.born.min(exchanged(row.born));
        let year = row.born / 10_000;
        let first = if row.fore[1] == 0 {
            row.fore[0]
        } else {
            row.fore[1]
        };
        let sound = soundex(self.coded.names.get(row.sur[0]));
        let initial = self.coded.names.get(row.fore[0]).first().copied();
        let root = match self.coded.variants[first as usize].first() {
            Some(set) => format!("set {set}").into_bytes(),
            None => self.coded.names.get(first).to_vec(),
        };
        let whole = |there: bool, parts: &[&[u8]]| there.then(|| parts.join(&b'|'));
        let dated = row.born != 0;
        [
            whole(
                dated && sound != 0,
                &[&sound.to_be_bytes(), &born.to_be_bytes()],
            ),
            whole(dated && !root.is_empty(), &[&root, &born.to_be_bytes()]),
            whole(
                dated && row.sur[0] != 0 && row.fore[0] != 0,
                &[
                    self.coded.names.get(row.sur[0]),
                    &[initial.unwrap_or(0)],
                    &year.to_be_bytes(),
                ],
            ),
            whole(
                dated && row.postcode != 0,
                &[&row.postcode.to_be_bytes(), &year.to_be_bytes()],
            ),
            whole(row.chi != 0, &[&row.chi.to_be_bytes()]),
        ]
    }
}

/// Digits with their places, and the three parts.
fn birth(born: u32) -> Vec<Vec<u8>> {
    if born == 0 {
        return Vec::new();
    }
    let mut pieces = digits(&format!("{born:08}"));
    pieces.push(format!("year {}", born / 10_000).into_bytes());
    pieces.push(format!("month {}", born / 100 % 100).into_bytes());
    pieces.push(format!("day {}", born % 100).into_bytes());
    pieces
}

/// Characters with their places, the sector and the district.
fn postcode(packed: u64) -> Vec<Vec<u8>> {
    if packed == 0 {
        return Vec::new();
    }
    let mut pieces: Vec<Vec<u8>> = (0..10_u8)
        .map(|place| (place, (packed >> (6 * place) & 63) as u8))
        .filter(|(_, character)| *character != 0)
        .map(|(place, character)| vec![place, character])
        .collect();
    pieces.push(format!("sector {}", sector(packed)).into_bytes());
    pieces.push(format!("district {}", district(packed)).into_bytes());
    pieces
}

/// Digits of a number with their places.
fn number(chi: u64) -> Vec<Vec<u8>> {
    if chi == 0 {
        return Vec::new();
    }
    digits(&format!("{chi:010}"))
}

fn digits(text: &str) -> Vec<Vec<u8>> {
    text.bytes()
        .enumerate()
        .map(|(place, digit)| vec![place as u8, digit])
        .collect()
}

/// The folded filter of some pieces.
fn filter(field: &str, salt: u32, pieces: &[Vec<u8>], keyed: &dyn Keyed) -> [u8; FILTER_BYTES] {
    let mut bits = [0_u8; BITS / 8];
    for piece in pieces {
        let mut message = salt.to_be_bytes().to_vec();
        message.extend_from_slice(piece);
        let hash = keyed.hash(field, &message);
        // 65 536 is a multiple of the bits, so each is as likely as any other.
        for word in hash.chunks_exact(2).take(BITS_A_PIECE) {
            let bit = usize::from(u16::from_be_bytes([word[0], word[1]])) % BITS;
            bits[bit / 8] |= 1 << (bit % 8);
        }
    }
    let mut folded = [0; FILTER_BYTES];
    for (at, byte) in folded.iter_mut().enumerate() {
        *byte = bits[at] ^ bits[at + FILTER_BYTES];
    }
    folded
}

/// How alike two filters are: Dice's coefficient (1945), 0 to 1.
pub(crate) fn dice(left: &[u8], right: &[u8]) -> f64 {
    let ones = |bytes: &[u8]| bytes.iter().map(|byte| byte.count_ones()).sum::<u32>();
    let both: u32 = left
        .iter()
        .zip(right)
        .map(|(a, b)| (a & b).count_ones())
        .sum();
    f64::from(2 * both) / f64::from((ones(left) + ones(right)).max(1))
}

/// Dice's coefficient of two filters as a level under exact: 2 close, 1 similar, 0 not. Two names of seven letters
/// with one letter changed share five of eight pieces, about .65 after folding; two names with nothing in common
/// have about .4.
pub(crate) fn dice_level(left: &[u8], right: &[u8]) -> u8 {
    const CLOSE: f64 = 0.65;
    const SIMILAR: f64 = 0.55;
    let dice = dice(left, right);
    u8::from(dice >= SIMILAR) + u8::from(dice >= CLOSE)
}

/// The bytes of a filter or key that is written in hexadecimal digits.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.is_empty() || !digits.len().is_multiple_of(2) || digits.len() > 2 * FILTER_BYTES {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    digits
        .chunks_exact(2)
        .map(|two| Some(value(two[0])? << 4 | value(two[1])?))
        .collect()
}

/// What an attacker sees of one field, and what he knows of its values.
struct Attack {
    field: String,
    /// Filters: how often, and the value behind.
    seen: BTreeMap<[u8; 32], (u64, u64)>,
    /// Values, by a hash: how often.
    known: BTreeMap<u64, u64>,
}

impl Attack {
    fn new(field: &str) -> Self {
        Self {
            field: field.to_owned(),
            seen: BTreeMap::new(),
            known: BTreeMap::new(),
        }
    }

    fn see(&mut self, filter: &[u8; 32], salt: u32, pieces: &[Vec<u8>]) {
        let value = pieces.iter().fold(u64::from(salt), |hash, piece| {
            crate::random::mix(hash ^ crate::text::hash_bytes(piece))
        });
        self.seen.entry(*filter).or_insert((0, value)).0 += 1;
        *self.known.entry(value).or_insert(0) += 1;
    }

    /// Sorts both by how common they are and matches them up.
    fn run(&self) -> Attacked {
        let mut seen: Vec<(u64, u64)> = self.seen.values().copied().collect();
        // Stable: filters of one count stay in an order that says nothing of their value.
        seen.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let mut known: Vec<(u64, u64)> = self.known.iter().map(|(v, n)| (*n, *v)).collect();
        known.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
        let right = seen
            .iter()
            .zip(&known)
            .filter(|(seen, known)| seen.1 == known.1);
        Attacked {
            field: self.field.clone(),
            records: seen.iter().map(|(count, _)| count).sum(),
            found: right.map(|(seen, _)| seen.0).sum(),
        }
    }
}

#[cfg(test)]
mod tests;
