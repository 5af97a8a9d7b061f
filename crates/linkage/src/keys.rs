//! Parts of records that blocking keys are made of.

#![allow(
    clippy::indexing_slicing,
    reason = "codes come from the dictionaries the tables were made of"
)]

use std::ops::Range;

use crate::coded::{Coded, File, Row};
use crate::column::Role;
use crate::dates::exchanged;
use crate::error::LinkError;
use crate::random::mix;
use crate::spec::BlockingRule;
use crate::standardise::{district, sector};

/// A part of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Forename,
    /// The forename that this one is short for, else itself; first word.
    ForenameRoot,
    ForenameInitial,
    Surname,
    /// Soundex.
    SurnameSound,
    SurnameInitial,
    /// Forename and surname, whichever is which.
    Names,
    /// Birth date, day and month in either order.
    Birth,
    BirthYear,
    /// Day and month in either order.
    BirthDay,
    Sex,
    Postcode,
    Sector,
    District,
    /// House number and street.
    Address,
    Street,
    Town,
    Chi,
    Extra(usize),
}

/// Names of the parts of a blocking rule; `field:NAME` besides.
pub const KEY_PARTS: [&str; 22] = [
    "forename",
    "forename_root",
    "forename_initial",
    "surname",
    "surname_sound",
    "surname_initial",
    "names",
    "date_of_birth",
    "birth_year",
    "birth_day",
    "sex",
    "postcode",
    "postcode_sector",
    "postcode_district",
    "address_1",
    "street",
    "locality",
    "chi",
    "nhs_number",
    "telephone",
    "email",
    "region",
];

const FIXED: [Part; 18] = [
    Part::Forename,
    Part::ForenameRoot,
    Part::ForenameInitial,
    Part::Surname,
    Part::SurnameSound,
    Part::SurnameInitial,
    Part::Names,
    Part::Birth,
    Part::BirthYear,
    Part::BirthDay,
    Part::Sex,
    Part::Postcode,
    Part::Sector,
    Part::District,
    Part::Address,
    Part::Street,
    Part::Town,
    Part::Chi,
];

/// Rows that are asked for; nothing for all.
pub(crate) type Wanted<'a> = Option<&'a (dyn Fn(usize) -> bool + Sync)>;

/// What each distinct name comes down to.
pub(crate) struct Keys<'a> {
    coded: &'a Coded,
    root: Vec<u32>,
    sound: Vec<u32>,
    initial: Vec<u8>,
}

impl<'a> Keys<'a> {
    pub(crate) fn new(coded: &'a Coded) -> Self {
        let names = (0..coded.names.len() as u32).map(|code| coded.names.get(code));
        Self {
            coded,
            root: (0..coded.names.len() as u32)
                .map(|code| match coded.variants[code as usize].first() {
                    // Apart from every code.
                    Some(set) => u32::MAX - set,
                    None => code,
                })
                .collect(),
            sound: names.clone().map(soundex).collect(),
            initial: names
                .map(|name| name.first().copied().unwrap_or(0))
                .collect(),
        }
    }

    /// The name of a part.
    pub(crate) fn name(&self, part: Part) -> String {
        if let Part::Extra(extra) = part {
            let extra = &self.coded.extras[extra];
            return match extra.role {
                Role::Field => format!("field:{}", extra.name),
                _ => extra.name.clone(),
            };
        }
        FIXED
            .iter()
            .position(|fixed| *fixed == part)
            .map_or_else(String::new, |at| KEY_PARTS[at].to_owned())
    }

    /// A rule as it was asked for.
    pub(crate) fn rule(&self, rule: &BlockingRule) -> Result<Vec<Part>, LinkError> {
        let parts: Vec<Part> = rule
            .parts
            .iter()
            .map(|name| {
                let fixed = KEY_PARTS.iter().position(|known| known == name);
                fixed.and_then(|at| FIXED.get(at).copied()).or_else(|| {
                    let of = |e: usize| self.name(Part::Extra(e)) == *name;
                    (0..self.coded.extras.len())
                        .find(|e| of(*e))
                        .map(Part::Extra)
                })
            })
            .collect::<Option<_>>()
            .ok_or(LinkError::UnknownKeyPart)?;
        if parts.is_empty() {
            return Err(LinkError::UnknownKeyPart);
        }
        Ok(parts)
    }

    /// The files that the keys are of.
    pub(crate) const fn coded(&self) -> &'a Coded {
        self.coded
    }

    /// The key of one record under a rule: never 0; 0 where a part is missing.
    #[cfg(test)]
    pub(crate) fn key(&self, rule: &[Part], file: &File, row: usize) -> u32 {
        let mut hash = [START];
        for part in rule {
            self.fold(*part, file, row, &mut hash);
        }
        short(hash[0])
    }

    /// The rows of a range that are wanted and have a key under a rule, in their order, as key << 32 | row. Worked out
    /// part after part for some rows at a time, so that parts are told apart once for all of these.
    pub(crate) fn words(
        &self,
        rule: &[Part],
        file: &File,
        rows: Range<usize>,
        wanted: Wanted<'_>,
    ) -> Vec<u64> {
        const ROWS: usize = 512;
        let mut words = Vec::with_capacity(if wanted.is_none() { rows.len() } else { 0 });
        let mut hashes = [0; ROWS];
        for from in rows.clone().step_by(ROWS) {
            let to = rows.end.min(from + ROWS);
            let hashes = &mut hashes[..to - from];
            hashes.fill(START);
            for part in rule {
                self.fold(*part, file, from, hashes);
            }
            for (row, hash) in (from..to).zip(hashes) {
                let key = short(*hash);
                if key != 0 && wanted.is_none_or(|wanted| wanted(row)) {
                    words.push(u64::from(key) << 32 | row as u64);
                }
            }
        }
        words
    }

    /// Joins a part to the hashes of the rows from one on.
    fn fold(&self, part: Part, file: &File, from: usize, hashes: &mut [u64]) {
        let rows = &file.rows[from..];
        let root = |code: u32| u64::from(self.root[code as usize]);
        let sound = |code: u32| u64::from(self.sound[code as usize]);
        let initial = |code: u32| u64::from(self.initial[code as usize]);
        match part {
            Part::Forename => each(hashes, rows, |r| u64::from(r.fore[0])),
            Part::ForenameRoot => each(hashes, rows, |r| {
                let [whole, first, _] = r.fore;
                root(if first == 0 { whole } else { first })
            }),
            Part::ForenameInitial => each(hashes, rows, |r| initial(r.fore[0])),
            Part::Surname => each(hashes, rows, |r| u64::from(r.sur[0])),
            Part::SurnameSound => each(hashes, rows, |r| sound(r.sur[0])),
            Part::SurnameInitial => each(hashes, rows, |r| initial(r.sur[0])),
            Part::Names => each(hashes, rows, |r| {
                let (a, b) = (r.fore[0].min(r.sur[0]), r.fore[0].max(r.sur[0]));
                if a == 0 {
                    0
                } else {
                    u64::from(a) << 32 | u64::from(b)
                }
            }),
            Part::Birth => each(hashes, rows, |r| u64::from(r.born.min(exchanged(r.born)))),
            Part::BirthYear => each(hashes, rows, |r| u64::from(r.born / 10_000)),
            Part::BirthDay => each(hashes, rows, |r| {
                u64::from((r.born % 10_000).min(exchanged(r.born) % 10_000))
            }),
            Part::Sex => each(hashes, rows, |r| u64::from(r.sex)),
            Part::Postcode => each(hashes, rows, |r| r.postcode),
            Part::Sector => each(hashes, rows, |r| sector(r.postcode)),
            Part::District => each(hashes, rows, |r| district(r.postcode)),
            Part::Address => each(hashes, rows, |r| match r.number {
                0 => 0,
                number => u64::from(number) << 32 | u64::from(r.street),
            }),
            Part::Street => each(hashes, rows, |r| u64::from(r.street)),
            Part::Town => each(hashes, rows, |r| u64::from(r.town)),
            Part::Chi => each(hashes, rows, |r| r.chi),
            Part::Extra(extra) => {
                // Rows past the end of a column have no value.
                let column = file.extras[extra].get(from..).unwrap_or_default();
                let values = column.iter().copied().chain(std::iter::repeat(0));
                for (hash, value) in hashes.iter_mut().zip(values) {
                    *hash = join(*hash, value);
                }
            }
        }
    }
}

/// Before any part is joined.
const START: u64 = 0x51_7c_c1_b7_27_22_0a_95;

fn each(hashes: &mut [u64], rows: &[Row], of: impl Fn(&Row) -> u64) {
    for (hash, row) in hashes.iter_mut().zip(rows) {
        *hash = join(*hash, of(row));
    }
}

/// 0 once a part is missing.
const fn join(hash: u64, value: u64) -> u64 {
    if hash == 0 || value == 0 {
        0
    } else {
        mix(hash ^ value)
    }
}

/// 0 for 0 only.
fn short(hash: u64) -> u32 {
    ((hash >> 32) as u32).max(u32::from(hash != 0))
}

/// American Soundex (US National Archives): a letter and three digits, packed; 0 for nothing.
pub(crate) fn soundex(name: &[u8]) -> u32 {
    let digit = |byte: u8| match byte {
        b'B' | b'F' | b'P' | b'V' => 1,
        b'C' | b'G' | b'J' | b'K' | b'Q' | b'S' | b'X' | b'Z' => 2,
        b'D' | b'T' => 3,
        b'L' => 4,
        b'M' | b'N' => 5,
        b'R' => 6,
        _ => 0,
    };
    let Some((first, rest)) = name.split_first() else {
        return 0;
    };
    let (mut code, mut places, mut last) = (u32::from(*first), 0, digit(*first));
    for byte in rest {
        let next = digit(*byte);
        if next != 0 && next != last {
            code = code << 4 | next;
            places += 1;
            if places == 3 {
                break;
            }
        }
        // H and W do not part two letters of one digit; vowels do.
        if !matches!(byte, b'H' | b'W') {
            last = next;
        }
    }
    code << (4 * (3 - places))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soundex_as_the_national_archives_print_it() {
        let code = |letter: u8, digits: u32| u32::from(letter) << 12 | digits;
        for (name, expected) in [
            ("WASHINGTON", code(b'W', 0x252)),
            ("LEE", code(b'L', 0)),
            ("GUTIERREZ", code(b'G', 0x362)),
            ("PFISTER", code(b'P', 0x236)),
            ("JACKSON", code(b'J', 0x250)),
            ("TYMCZAK", code(b'T', 0x522)),
            ("ASHCRAFT", code(b'A', 0x261)),
        ] {
            assert_eq!(soundex(name.as_bytes()), expected, "{name}");
        }
    }
}
