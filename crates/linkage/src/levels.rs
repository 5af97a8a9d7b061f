//! Comparing two records: for each field one ordered level, packed four bits a field into a pattern.

#![allow(
    clippy::indexing_slicing,
    reason = "codes come from the files being compared; levels fit their tables"
)]

use crate::chi;
use crate::coded::{Coded, Extra, File, Row};
use crate::column::Role;
use crate::dates::exchanged;
use crate::encode::dice_level;
use crate::jaro_winkler::jaro_winkler;
use crate::random;
use crate::standardise::{district, one_edit_postcode, sector};

use tables::{ADDRESS, BIRTH, CHI, CONTACT, FORENAME, NUMBER, POSTCODE, SEX, SURNAME, TEXT, TOWN};

mod faces;
mod tables;

pub(crate) use faces::Face;
use faces::{ALIKE, NEARLY, NEARLY_EQUAL, SIMILAR, differ};

/// A level and what is believed of it before any data are seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Level {
    pub(crate) label: &'static str,
    /// Share among pairs that are one person and agree in this field but for errors.
    pub(crate) m: f64,
    /// Share among random pairs.
    pub(crate) u: f64,
}

/// Most levels a comparison has.
pub(crate) const LEVELS_MAX: usize = 8;

/// Place of the comparisons that every linkage may have; those of other columns follow.
pub(crate) mod at {
    pub(crate) const FORENAME: usize = 0;
    pub(crate) const SURNAME: usize = 1;
    pub(crate) const BIRTH: usize = 2;
    pub(crate) const SEX: usize = 3;
    pub(crate) const POSTCODE: usize = 4;
    pub(crate) const ADDRESS: usize = 5;
    pub(crate) const TOWN: usize = 6;
    pub(crate) const CHI: usize = 7;
    pub(crate) const EXTRAS: usize = 8;
}

pub(crate) mod forename {
    pub(crate) const TYPO: u8 = 3;
    pub(crate) const VARIANT: u8 = 4;
    pub(crate) const EXACT: u8 = 6;
    pub(crate) const EXCHANGED: u8 = 7;
}
pub(crate) mod surname {
    pub(crate) const TYPO: u8 = 2;
    pub(crate) const PART: u8 = 3;
    pub(crate) const EXACT: u8 = 4;
}
pub(crate) mod birth {
    pub(crate) const DIFFERS: u8 = 0;
    pub(crate) const ONE_EDIT: u8 = 3;
    pub(crate) const EXACT: u8 = 4;
}
/// Exact level of a CHI.
pub(crate) const CHI_EXACT: u8 = 3;
/// Exact level of a postcode and of an address line.
pub(crate) const HOME_EXACT: u8 = 4;

/// One comparison.
pub(crate) struct Comparison {
    pub(crate) name: String,
    pub(crate) levels: &'static [Level],
}

/// The comparisons of a linkage, in the order of the bits of a pattern.
pub(crate) fn comparisons(extras: &[Extra]) -> Vec<Comparison> {
    let fixed: [(&str, &'static [Level]); at::EXTRAS] = [
        ("forename", FORENAME),
        ("surname", SURNAME),
        ("date_of_birth", BIRTH),
        ("sex", SEX),
        ("postcode", POSTCODE),
        ("address_1", ADDRESS),
        ("locality", TOWN),
        ("chi", CHI),
    ];
    fixed
        .into_iter()
        .map(|(name, levels)| Comparison {
            name: name.to_owned(),
            levels,
        })
        .chain(extras.iter().map(|extra| Comparison {
            name: match extra.role {
                Role::Field => format!("field:{}", extra.name),
                _ => extra.name.clone(),
            },
            levels: match extra.role {
                Role::NhsNumber => NUMBER,
                Role::Telephone | Role::Email => CONTACT,
                _ => TEXT,
            },
        }))
        .collect()
}

/// The levels of all comparisons of one pair: four bits each, 0 for missing, else the level plus one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub(crate) struct Pattern(pub(crate) u64);

impl Pattern {
    pub(crate) const fn with(self, comparison: usize, level: Option<u8>) -> Self {
        match level {
            Some(level) => Self(self.0 | (level as u64 + 1) << (4 * comparison)),
            None => self,
        }
    }

    /// 0 for missing, else the level plus one.
    pub(crate) const fn slot(self, comparison: usize) -> usize {
        (self.0 >> (4 * comparison) & 0xf) as usize
    }

    pub(crate) const fn level(self, comparison: usize) -> Option<u8> {
        match self.slot(comparison) {
            0 => None,
            slot => Some((slot - 1) as u8),
        }
    }
}

/// Compares records, remembering how alike two names are.
pub(crate) struct Comparer<'a> {
    coded: &'a Coded,
    forenames: Memo,
    surnames: Memo,
    texts: Memo,
    towns: Memo,
    fields: Memo,
}

impl<'a> Comparer<'a> {
    pub(crate) fn new(coded: &'a Coded) -> Self {
        let none = coded.extras.is_empty();
        Self {
            coded,
            forenames: Memo::new(16),
            surnames: Memo::new(17),
            texts: Memo::new(16),
            towns: Memo::new(12),
            fields: Memo::new(if none { 1 } else { 14 }),
        }
    }

    /// The pattern of two records.
    pub(crate) fn pattern(&mut self, left: &File, l: usize, right: &File, r: usize) -> Pattern {
        self.rows((&left.rows[l], left, l), (&right.rows[r], right, r))
    }

    /// As [`Comparer::pattern`], of rows at hand: each with the file and place it is from, for its other columns.
    pub(crate) fn rows(
        &mut self,
        (a, left, l): (&Row, &File, usize),
        (b, right, r): (&Row, &File, usize),
    ) -> Pattern {
        let (forename, surname) = self.names(a, b);
        let mut pattern = Pattern::default()
            .with(at::FORENAME, forename)
            .with(at::SURNAME, surname)
            .with(at::BIRTH, birth_level(a.born, b.born))
            .with(
                at::SEX,
                both(a.sex != 0, b.sex != 0, || u8::from(a.sex == b.sex)),
            )
            .with(at::POSTCODE, postcode_level(a.postcode, b.postcode))
            .with(at::ADDRESS, self.address(a, b))
            .with(
                at::TOWN,
                both(a.town != 0, b.town != 0, || self.town(a.town, b.town)),
            )
            .with(
                at::CHI,
                chi_level(a.chi, b.chi, birth_level(a.born, b.born)),
            );
        for (place, extra) in self.coded.extras.iter().enumerate() {
            let value = |file: &File, row: usize| file.extras[place].get(row).copied().unwrap_or(0);
            let (x, y) = (value(left, l), value(right, r));
            if x != 0 && y != 0 {
                let level = self.extra(extra.role, x, y);
                pattern = pattern.with(at::EXTRAS + place, Some(level));
            }
        }
        Pattern(pattern.0 & self.coded.compared)
    }

    fn names(&mut self, a: &Row, b: &Row) -> (Option<u8>, Option<u8>) {
        let names = &self.coded.names;
        let forename = both(a.fore[0] != 0, b.fore[0] != 0, || {
            if a.fore[0] == b.fore[0] {
                forename::EXACT
            } else if (a.fore[1] | b.fore[1]) != 0 && shares(&a.fore, &b.fore) {
                5
            } else if faces::forenames_differ(self.coded, a.fore[0], b.fore[0]) {
                0
            } else {
                self.forenames.get(a.fore[0], b.fore[0], || {
                    if self.coded.encoded {
                        return [0, 1, forename::TYPO]
                            [usize::from(dice_level(names.get(a.fore[0]), names.get(b.fore[0])))];
                    }
                    let (x, y) = (a.fore[0] as usize, b.fore[0] as usize);
                    let variants = self.coded.variants[x].meet(self.coded.variants[y]);
                    forename_level(names.get(a.fore[0]), names.get(b.fore[0]), variants)
                })
            }
        });
        let surname = both(a.sur[0] != 0, b.sur[0] != 0, || {
            if a.sur[0] == b.sur[0] {
                surname::EXACT
            } else if (a.sur[1] | b.sur[1]) != 0 && shares(&a.sur, &b.sur) {
                surname::PART
            } else if differ(&self.coded.name_faces, a.sur[0], b.sur[0], &SIMILAR) {
                0
            } else {
                self.surnames.get(a.sur[0], b.sur[0], || {
                    let level = if self.coded.encoded {
                        dice_level
                    } else {
                        surname_level
                    };
                    level(names.get(a.sur[0]), names.get(b.sur[0]))
                })
            }
        });
        let crossed = a.fore[0] == b.sur[0] && a.sur[0] == b.fore[0] && a.fore[0] != a.sur[0];
        let both = self.coded.compares(at::FORENAME) && self.coded.compares(at::SURNAME);
        if crossed && both && a.fore[0] != 0 && a.sur[0] != 0 {
            // The surname is left out: its evidence is in this level.
            return (Some(forename::EXCHANGED), None);
        }
        (forename, surname)
    }

    fn address(&mut self, a: &Row, b: &Row) -> Option<u8> {
        if a.street | a.number == 0 || b.street | b.number == 0 {
            return None;
        }
        let number = a.number == b.number;
        if a.street == b.street {
            return Some(if number {
                HOME_EXACT
            } else if a.number == 0 || b.number == 0 {
                2
            } else {
                1
            });
        }
        let texts = &self.coded.texts;
        let similar = !differ(&self.coded.text_faces, a.street, b.street, &NEARLY_EQUAL)
            && self.texts.get(a.street, b.street, || {
                u8::from(jaro_winkler(texts.get(a.street), texts.get(b.street)) >= NEARLY)
            }) == 1;
        Some(match (similar, number) {
            (true, true) => 3,
            (true, false) if a.number == 0 || b.number == 0 => 2,
            (true, false) => 1,
            (false, _) => 0,
        })
    }

    fn town(&mut self, a: u32, b: u32) -> u8 {
        if a == b {
            return 2;
        }
        let texts = &self.coded.texts;
        self.towns.get(a, b, || {
            u8::from(jaro_winkler(texts.get(a), texts.get(b)) >= NEARLY)
        })
    }

    fn extra(&mut self, role: Role, a: u64, b: u64) -> u8 {
        if a == b {
            return match role {
                Role::NhsNumber | Role::Telephone | Role::Email => 2,
                _ => 3,
            };
        }
        match role {
            Role::NhsNumber => u8::from(chi::one_edit(a, b)),
            Role::Telephone => 0,
            _ => {
                let texts = &self.coded.texts;
                let (a, b) = (a as u32, b as u32);
                // Two levels wide: an electronic mail address has one level under exact.
                let level = self.fields.get(a, b, || {
                    let level = if self.coded.encoded {
                        dice_level
                    } else {
                        text_level
                    };
                    level(texts.get(a), texts.get(b))
                });
                match role {
                    Role::Email => u8::from(level > 0),
                    _ => level,
                }
            }
        }
    }
}

fn both(left: bool, right: bool, level: impl FnOnce() -> u8) -> Option<u8> {
    (left && right).then(level)
}

/// True if any word of one is a word of the other.
fn shares(a: &[u32; 3], b: &[u32; 3]) -> bool {
    a.iter().any(|code| *code != 0 && b.contains(code))
}

fn forename_level(left: &[u8], right: &[u8], variants: bool) -> u8 {
    if variants {
        return forename::VARIANT;
    }
    let (short, long) = if left.len() < right.len() {
        (left, right)
    } else {
        (right, left)
    };
    if short.len() == 1 {
        return if long.first() == short.first() { 2 } else { 0 };
    }
    let similarity = jaro_winkler(left, right);
    if similarity >= 0.92 || one_edit(left, right) && short.len() > 3 {
        forename::TYPO
    } else if short.len() >= 3 && long.starts_with(short) {
        forename::VARIANT
    } else {
        u8::from(similarity >= ALIKE)
    }
}

fn surname_level(left: &[u8], right: &[u8]) -> u8 {
    let similarity = jaro_winkler(left, right);
    if similarity >= 0.92 || one_edit(left, right) && left.len().min(right.len()) > 3 {
        surname::TYPO
    } else {
        u8::from(similarity >= ALIKE)
    }
}

fn text_level(left: &[u8], right: &[u8]) -> u8 {
    if one_edit(left, right) {
        2
    } else {
        u8::from(jaro_winkler(left, right) >= 0.88)
    }
}

/// True if one letter was put in, left out or changed, or two neighbours changed places.
pub(crate) fn one_edit(left: &[u8], right: &[u8]) -> bool {
    let (short, long) = if left.len() <= right.len() {
        (left, right)
    } else {
        (right, left)
    };
    if long.len() - short.len() > 1 {
        return false;
    }
    let prefix = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (a, b) = (&short[prefix..], &long[prefix..]);
    if short.len() < long.len() {
        return a == &b[1..];
    }
    match (a, b) {
        ([_, rest @ ..], [_, other @ ..]) if rest == other => true,
        ([a, b, rest @ ..], [c, d, other @ ..]) => a == d && b == c && rest == other,
        _ => false,
    }
}

/// Levels of two packed dates; 0 is a missing date.
pub(crate) fn birth_level(left: u32, right: u32) -> Option<u8> {
    if left == 0 || right == 0 {
        return None;
    }
    if left == right {
        return Some(birth::EXACT);
    }
    let parts = u8::from(left / 10_000 == right / 10_000)
        + u8::from(left / 100 % 100 == right / 100 % 100)
        + u8::from(left % 100 == right % 100);
    // Two equal parts, or neighbours of two parts exchanged, are needed for one edit.
    if parts >= 1 && (exchanged(left) == right || parts == 2 && one_digit_edit(left, right)) {
        return Some(birth::ONE_EDIT);
    }
    Some(match parts {
        2 => 2,
        _ => u8::from(left / 10_000 == right / 10_000),
    })
}

/// One digit changed, or two neighbours exchanged.
fn one_digit_edit(left: u32, right: u32) -> bool {
    let digits = |mut date: u32| {
        let mut digits = [0_u8; 8];
        for digit in digits.iter_mut().rev() {
            *digit = (date % 10) as u8;
            date /= 10;
        }
        digits
    };
    chi::one_edit_digits(&digits(left), &digits(right))
}

fn postcode_level(left: u64, right: u64) -> Option<u8> {
    if left == 0 || right == 0 {
        return None;
    }
    Some(if left == right {
        HOME_EXACT
    } else if one_edit_postcode(left, right) {
        3
    } else if sector(left) == sector(right) {
        2
    } else {
        u8::from(district(left) == district(right))
    })
}

/// A newborn is often entered under its mother's number: one number with birth dates that have nothing in common
/// says nothing of either.
fn chi_level(left: u64, right: u64, born: Option<u8>) -> Option<u8> {
    if left == 0 || right == 0 || left == right && born == Some(birth::DIFFERS) {
        return None;
    }
    Some(if left == right {
        CHI_EXACT
    } else if chi::one_edit(left, right) {
        2
    } else {
        u8::from(left / 10_000 == right / 10_000)
    })
}

/// A bounded memory of levels by pair of codes: one slot a hash, the newer pair takes it.
/// What it forgets is worked out again, so the answer never depends on it.
struct Memo {
    /// Key and level; no pair has the key 0, since codes start at 1.
    slots: Vec<(u64, u8)>,
    shift: u32,
}

impl Memo {
    fn new(bits: u32) -> Self {
        Self {
            slots: vec![(0, 0); 1 << bits],
            shift: 64 - bits,
        }
    }

    fn get(&mut self, left: u32, right: u32, level: impl FnOnce() -> u8) -> u8 {
        let key = u64::from(left) << 32 | u64::from(right);
        let slot = (random::mix(key) >> self.shift) as usize;
        let (known, remembered) = self.slots[slot];
        if known == key {
            return remembered;
        }
        let level = level();
        self.slots[slot] = (key, level);
        level
    }
}

#[cfg(test)]
mod tests;
