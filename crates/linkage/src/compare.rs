//! Comparing two records: for each field one ordered level, packed four bits a field into a pattern.

#![allow(
    clippy::indexing_slicing,
    reason = "rows and codes come from the files being compared; levels fit their tables"
)]

use crate::chi;
use crate::jaro_winkler::jaro_winkler;
use crate::prepared::{Prepared, Side};
use crate::random;

/// What is compared. The order is the order of the bits in a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Comparison {
    Forename,
    Surname,
    DateOfBirth,
    Sex,
    Residence,
    Chi,
    NhsNumber,
    Telephone,
    Email,
}

/// Number of comparisons.
pub(crate) const COMPARISONS: usize = 9;
/// Most levels a comparison has.
pub(crate) const LEVELS_MAX: usize = 8;

/// A level's place in the order of its comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Worth at least as much as the level before it.
    Ordered,
    /// Outside the order: it says something of another field too.
    Apart,
}

/// A level and what is believed of it before any data are seen.
pub(crate) struct Level {
    pub(crate) label: &'static str,
    /// Share among pairs that are one person.
    pub(crate) m: f64,
    /// Share among pairs that are two.
    pub(crate) u: f64,
    pub(crate) order: Order,
}

const fn level(label: &'static str, m: f64, u: f64) -> Level {
    Level {
        label,
        m,
        u,
        order: Order::Ordered,
    }
}

pub(crate) mod forename {
    pub(crate) const DIFFERS: u8 = 0;
    pub(crate) const JW_70: u8 = 1;
    pub(crate) const INITIAL: u8 = 2;
    pub(crate) const JW_88: u8 = 3;
    pub(crate) const JW_92: u8 = 4;
    pub(crate) const VARIANT: u8 = 5;
    pub(crate) const EXACT: u8 = 6;
    pub(crate) const EXCHANGED: u8 = 7;
}
pub(crate) mod surname {
    pub(crate) const JW_88: u8 = 2;
    pub(crate) const EXACT: u8 = 4;
}
pub(crate) mod birth {
    pub(crate) const DIFFERS: u8 = 0;
    pub(crate) const ONE_EDIT: u8 = 3;
    pub(crate) const EXACT: u8 = 4;
}
pub(crate) mod residence {
    pub(crate) const POSTCODE: u8 = 3;
    pub(crate) const POSTCODE_ONLY: u8 = 4;
    pub(crate) const ADDRESS: u8 = 5;
}
pub(crate) mod number {
    pub(crate) const EXACT: u8 = 2;
}

const FORENAME: &[Level] = &[
    level("differs", 0.02, 0.93),
    level("jaro-winkler 0.7", 0.01, 0.03),
    level("initial", 0.01, 0.01),
    level("jaro-winkler 0.88", 0.01, 0.003),
    level("jaro-winkler 0.92", 0.02, 0.003),
    level("variant", 0.04, 0.008),
    level("exact", 0.88, 0.016),
    Level {
        label: "exchanged with surname",
        m: 0.01,
        u: 1e-6,
        order: Order::Apart,
    },
];
const SURNAME: &[Level] = &[
    level("differs", 0.06, 0.95),
    level("jaro-winkler 0.7", 0.01, 0.039),
    level("jaro-winkler 0.88", 0.01, 0.004),
    level("jaro-winkler 0.92", 0.02, 0.003),
    level("exact", 0.9, 0.004),
];
const DATE_OF_BIRTH: &[Level] = &[
    level("differs", 0.005, 0.9599),
    level("same year, or same day and month", 0.005, 0.0385),
    level("same year and month", 0.01, 0.001),
    level("one edit", 0.03, 0.00055),
    level("exact", 0.95, 0.00005),
];
const SEX: &[Level] = &[level("differs", 0.01, 0.5), level("exact", 0.99, 0.5)];
const RESIDENCE: &[Level] = &[
    level("differs", 0.12, 0.98),
    level("district", 0.04, 0.018),
    level("sector", 0.03, 0.0019),
    level("postcode, address differs", 0.1, 0.00008),
    level("postcode, address missing", 0.1, 0.00001),
    level("postcode and address", 0.61, 0.00001),
];
const CHI: &[Level] = &[
    level("differs", 0.01, 0.999_999),
    level("one edit", 0.02, 9e-7),
    level("exact", 0.97, 1e-7),
];
const NHS_NUMBER: &[Level] = CHI;
const TELEPHONE: &[Level] = &[level("differs", 0.3, 0.999_99), level("exact", 0.7, 1e-5)];
const EMAIL: &[Level] = &[level("differs", 0.3, 0.999_99), level("exact", 0.7, 1e-5)];

impl Comparison {
    pub(crate) const ALL: [Self; COMPARISONS] = [
        Self::Forename,
        Self::Surname,
        Self::DateOfBirth,
        Self::Sex,
        Self::Residence,
        Self::Chi,
        Self::NhsNumber,
        Self::Telephone,
        Self::Email,
    ];

    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Forename => "forename",
            Self::Surname => "surname",
            Self::DateOfBirth => "date_of_birth",
            Self::Sex => "sex",
            Self::Residence => "residence",
            Self::Chi => "chi",
            Self::NhsNumber => "nhs_number",
            Self::Telephone => "telephone",
            Self::Email => "email",
        }
    }

    /// The levels, weakest first.
    pub(crate) const fn levels(self) -> &'static [Level] {
        match self {
            Self::Forename => FORENAME,
            Self::Surname => SURNAME,
            Self::DateOfBirth => DATE_OF_BIRTH,
            Self::Sex => SEX,
            Self::Residence => RESIDENCE,
            Self::Chi => CHI,
            Self::NhsNumber => NHS_NUMBER,
            Self::Telephone => TELEPHONE,
            Self::Email => EMAIL,
        }
    }
}

/// The levels of all comparisons of one pair: four bits each, 0 for missing, else the level plus one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Pattern(pub(crate) u64);

impl Pattern {
    pub(crate) const fn with(self, comparison: Comparison, level: Option<u8>) -> Self {
        match level {
            Some(level) => Self(self.0 | (level as u64 + 1) << (4 * comparison.index())),
            None => self,
        }
    }

    /// 0 for missing, else the level plus one.
    pub(crate) const fn slot(self, comparison: usize) -> usize {
        (self.0 >> (4 * comparison) & 0xf) as usize
    }

    pub(crate) const fn level(self, comparison: Comparison) -> Option<u8> {
        match self.slot(comparison.index()) {
            0 => None,
            slot => Some((slot - 1) as u8),
        }
    }
}

/// Compares records of two sides, remembering how alike two names are.
pub(crate) struct Comparer<'a> {
    prepared: &'a Prepared,
    forenames: Memo,
    surnames: Memo,
    addresses: Memo,
}

impl<'a> Comparer<'a> {
    pub(crate) fn new(prepared: &'a Prepared) -> Self {
        Self {
            prepared,
            forenames: Memo::new(),
            surnames: Memo::new(),
            addresses: Memo::new(),
        }
    }

    /// The pattern of two records.
    pub(crate) fn pattern(&mut self, left: &Side, l: usize, right: &Side, r: usize) -> Pattern {
        let (forename, surname) = self.names(left, l, right, r);
        Pattern::default()
            .with(Comparison::Forename, forename)
            .with(Comparison::Surname, surname)
            .with(
                Comparison::DateOfBirth,
                birth_level(left.birth[l], right.birth[r]),
            )
            .with(
                Comparison::Sex,
                equality(u32::from(left.sex[l]), u32::from(right.sex[r])),
            )
            .with(Comparison::Residence, self.residence(left, l, right, r))
            .with(Comparison::Chi, number_level(left.chi[l], right.chi[r]))
            .with(
                Comparison::NhsNumber,
                number_level(left.nhs[l], right.nhs[r]),
            )
            .with(
                Comparison::Telephone,
                equality(left.telephone[l], right.telephone[r]),
            )
            .with(Comparison::Email, equality(left.email[l], right.email[r]))
    }

    fn names(&mut self, left: &Side, l: usize, right: &Side, r: usize) -> (Option<u8>, Option<u8>) {
        let (lf, ls) = (left.forename[l], left.surname[l]);
        let (rf, rs) = (right.forename[r], right.surname[r]);
        let all = lf != 0 && ls != 0 && rf != 0 && rs != 0;
        if all && lf == rs && ls == rf && lf != ls {
            // The surname is left out: its evidence is in this level.
            return (Some(forename::EXCHANGED), None);
        }
        let prepared = self.prepared;
        let names = &prepared.names.values;
        let forename = (lf != 0 && rf != 0).then(|| {
            self.forenames.get(lf, rf, || {
                forename_level(
                    (names[lf as usize].as_bytes(), names[rf as usize].as_bytes()),
                    prepared.variants[lf as usize].meet(prepared.variants[rf as usize]),
                )
            })
        });
        let surname = (ls != 0 && rs != 0).then(|| {
            self.surnames.get(ls, rs, || {
                surname_level(names[ls as usize].as_bytes(), names[rs as usize].as_bytes())
            })
        });
        (forename, surname)
    }

    /// Postcode and address line together: they move together, so they count once.
    fn residence(&mut self, left: &Side, l: usize, right: &Side, r: usize) -> Option<u8> {
        let prepared = self.prepared;
        let (a, b) = (left.postcode[l], right.postcode[r]);
        if a == 0 || b == 0 {
            return None;
        }
        if a != b {
            let same = |codes: &[u32]| codes[a as usize] == codes[b as usize];
            return Some(if same(&prepared.sector) {
                2
            } else if same(&prepared.district) {
                1
            } else {
                0
            });
        }
        let (x, y) = (left.address[l], right.address[r]);
        if x == 0 || y == 0 {
            return Some(residence::POSTCODE_ONLY);
        }
        let lines = &prepared.addresses.values;
        Some(self.addresses.get(x, y, || {
            if same_address(&lines[x as usize], &lines[y as usize]) {
                residence::ADDRESS
            } else {
                residence::POSTCODE
            }
        }))
    }
}

fn equality(left: u32, right: u32) -> Option<u8> {
    (left != 0 && right != 0).then_some(u8::from(left == right))
}

fn forename_level((left, right): (&[u8], &[u8]), variants: bool) -> u8 {
    if left == right {
        return forename::EXACT;
    }
    if variants {
        return forename::VARIANT;
    }
    if left.len().min(right.len()) == 1 && left.first() == right.first() {
        return forename::INITIAL;
    }
    let similarity = jaro_winkler(left, right);
    if similarity >= 0.92 {
        forename::JW_92
    } else if similarity >= 0.88 {
        forename::JW_88
    } else if similarity >= 0.7 {
        forename::JW_70
    } else {
        forename::DIFFERS
    }
}

fn surname_level(left: &[u8], right: &[u8]) -> u8 {
    if left == right {
        return surname::EXACT;
    }
    let similarity = jaro_winkler(left, right);
    if similarity >= 0.92 {
        3
    } else if similarity >= 0.88 {
        surname::JW_88
    } else if similarity >= 0.7 {
        1
    } else {
        0
    }
}

/// Levels of two packed dates; 0 is a missing date.
fn birth_level(left: u32, right: u32) -> Option<u8> {
    if left == 0 || right == 0 {
        return None;
    }
    if left == right {
        return Some(birth::EXACT);
    }
    let exchanged = |date: u32| date / 10_000 * 10_000 + date % 100 * 100 + date / 100 % 100;
    if exchanged(left) == right || chi::one_edit_digits(&digits(left), &digits(right)) {
        return Some(birth::ONE_EDIT);
    }
    Some(if left / 100 == right / 100 {
        2
    } else if left / 10_000 == right / 10_000 || left % 10_000 == right % 10_000 {
        1
    } else {
        birth::DIFFERS
    })
}

fn digits(mut date: u32) -> [u8; 8] {
    let mut digits = [0; 8];
    for digit in digits.iter_mut().rev() {
        *digit = (date % 10) as u8;
        date /= 10;
    }
    digits
}

fn number_level(left: u64, right: u64) -> Option<u8> {
    if left == 0 || right == 0 {
        return None;
    }
    Some(if left == right {
        number::EXACT
    } else if chi::one_edit(left, right) {
        1
    } else {
        0
    })
}

/// The same line, or the same house number on a street of nearly the same name.
fn same_address(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    let numbers = |line: &str| -> Vec<String> {
        line.split(' ')
            .filter(|word| {
                word.bytes()
                    .next()
                    .is_some_and(|byte| byte.is_ascii_digit())
            })
            .map(str::to_owned)
            .collect()
    };
    numbers(left) == numbers(right) && jaro_winkler(left.as_bytes(), right.as_bytes()) >= 0.9
}

/// A bounded memory of levels by pair of codes: one slot a hash, the newer pair takes it.
/// What it forgets is worked out again, so the answer never depends on it.
struct Memo {
    keys: Vec<u64>,
    levels: Vec<u8>,
}

const MEMO_BITS: u32 = 18;

impl Memo {
    fn new() -> Self {
        Self {
            // No pair has the key 0: codes start at 1.
            keys: vec![0; 1 << MEMO_BITS],
            levels: vec![0; 1 << MEMO_BITS],
        }
    }

    fn get(&mut self, left: u32, right: u32, level: impl FnOnce() -> u8) -> u8 {
        let key = u64::from(left) << 32 | u64::from(right);
        let slot = (random::mix(key) >> (64 - MEMO_BITS)) as usize;
        if self.keys[slot] != key {
            self.levels[slot] = level();
            self.keys[slot] = key;
        }
        self.levels[slot]
    }
}

#[cfg(test)]
mod tests;
