//! Both files as codes: each distinct standardised value once in a dictionary, each record a row of codes.

#![allow(
    clippy::indexing_slicing,
    reason = "codes index the dictionaries that issued them"
)]

use std::collections::{BTreeMap, HashMap};

use crate::column::{Column, Records, Role};
use crate::error::LinkError;
use crate::nicknames::{self, Sets};
use crate::settings::Settings;
use crate::standardise::{self, Standard};

/// Codes of one file, row by row. Code 0 is a missing value everywhere.
pub(crate) struct Side {
    pub(crate) rows: usize,
    pub(crate) forename: Vec<u32>,
    pub(crate) surname: Vec<u32>,
    /// Packed, see [`standardise::date`].
    pub(crate) birth: Vec<u32>,
    pub(crate) sex: Vec<u8>,
    pub(crate) postcode: Vec<u32>,
    pub(crate) address: Vec<u32>,
    /// Ten digits, valid or not.
    pub(crate) chi: Vec<u64>,
    pub(crate) nhs: Vec<u64>,
    pub(crate) telephone: Vec<u32>,
    pub(crate) email: Vec<u32>,
    pub(crate) defaults: BTreeMap<Role, u64>,
    pub(crate) invalid: BTreeMap<Role, u64>,
}

/// Distinct values of one kind, numbered from 1 in order of first appearance.
#[derive(Default)]
pub(crate) struct Dictionary {
    codes: HashMap<String, u32>,
    pub(crate) values: Vec<String>,
}

impl Dictionary {
    fn code(&mut self, value: String) -> u32 {
        if self.values.is_empty() {
            // Code 0 stands for a missing value.
            self.values.push(String::new());
        }
        if let Some(code) = self.codes.get(&value) {
            return *code;
        }
        // Two columns of two files of under 2^30 records cannot hold 2^32 values.
        let code = u32::try_from(self.values.len()).unwrap_or(0);
        self.codes.insert(value.clone(), code);
        self.values.push(value);
        code
    }

    /// Number of codes, the missing one included.
    pub(crate) const fn len(&self) -> usize {
        self.values.len()
    }
}

/// Both files and what is known of each distinct value.
pub(crate) struct Prepared {
    pub(crate) left: Side,
    pub(crate) spine: Side,
    /// Forenames and surnames share one dictionary, so that exchanged names have equal codes.
    pub(crate) names: Dictionary,
    pub(crate) variants: Vec<Sets>,
    pub(crate) postcodes: Dictionary,
    /// Code of the sector (all but the last two letters) and district (all but the last three) by postcode.
    pub(crate) sector: Vec<u32>,
    pub(crate) district: Vec<u32>,
    pub(crate) addresses: Dictionary,
}

#[derive(Default)]
struct Dictionaries {
    names: Dictionary,
    postcodes: Dictionary,
    addresses: Dictionary,
    contacts: Dictionary,
}

/// Checks both files against the limits and codes them.
pub(crate) fn prepare(
    left: &Records,
    spine: &Records,
    settings: &Settings,
) -> Result<Prepared, LinkError> {
    check_file("file", left, settings)?;
    check_file("spine", spine, settings)?;
    let mut dictionaries = Dictionaries::default();
    let left = side(left, &mut dictionaries);
    let spine = side(spine, &mut dictionaries);
    let Dictionaries {
        names,
        postcodes,
        addresses,
        ..
    } = dictionaries;
    let variants = nicknames::sets_of(names.values.iter().map(String::as_str));
    let sector = prefix_codes(&postcodes, 2);
    let district = prefix_codes(&postcodes, 3);
    Ok(Prepared {
        left,
        spine,
        names,
        variants,
        postcodes,
        sector,
        district,
        addresses,
    })
}

fn check_file(file: &'static str, records: &Records, settings: &Settings) -> Result<(), LinkError> {
    let expected = records.ids.len();
    if expected > settings.records_max {
        return Err(LinkError::TooManyRecords {
            file,
            found: expected,
            limit: settings.records_max,
        });
    }
    let mut ids = records.ids.clone();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(LinkError::RepeatedId { file });
    }
    for (role, column) in &records.columns {
        if column.len() != expected {
            return Err(LinkError::ColumnLength {
                file,
                role: *role,
                found: column.len(),
                expected,
            });
        }
        let limit = settings.value_bytes_max;
        if column.iter().flatten().any(|value| value.len() > limit) {
            return Err(LinkError::ValueTooLong {
                file,
                role: *role,
                limit,
            });
        }
    }
    Ok(())
}

fn side(records: &Records, dictionaries: &mut Dictionaries) -> Side {
    let mut reader = Reader {
        records,
        defaults: BTreeMap::new(),
        invalid: BTreeMap::new(),
    };
    let names = &mut dictionaries.names;
    let forename = reader.column(Role::Forename, |raw| coded(standardise::name(raw), names));
    let surname = reader.column(Role::Surname, |raw| coded(standardise::name(raw), names));
    let birth = reader.column(Role::DateOfBirth, standardise::date);
    let sex = reader.column(Role::Sex, standardise::sex);
    let postcodes = &mut dictionaries.postcodes;
    let postcode = reader.column(Role::Postcode, |raw| {
        coded(standardise::postcode(raw), postcodes)
    });
    let addresses = &mut dictionaries.addresses;
    let address = reader.column(Role::Address1, |raw| {
        coded(standardise::address(raw), addresses)
    });
    let chi = reader.column(Role::Chi, standardise::identity_number);
    let nhs = reader.column(Role::NhsNumber, standardise::identity_number);
    let contacts = &mut dictionaries.contacts;
    let telephone = reader.column(Role::Telephone, |raw| {
        coded(standardise::telephone(raw), contacts)
    });
    let email = reader.column(Role::Email, |raw| coded(standardise::email(raw), contacts));
    Side {
        rows: records.ids.len(),
        forename,
        surname,
        birth,
        sex,
        postcode,
        address,
        chi,
        nhs,
        telephone,
        email,
        defaults: reader.defaults,
        invalid: reader.invalid,
    }
}

fn coded(standard: Standard<String>, dictionary: &mut Dictionary) -> Standard<u32> {
    match standard {
        Standard::Value(value) => Standard::Value(dictionary.code(value)),
        Standard::Missing => Standard::Missing,
        Standard::Default => Standard::Default,
        Standard::Invalid => Standard::Invalid,
    }
}

struct Reader<'a> {
    records: &'a Records,
    defaults: BTreeMap<Role, u64>,
    invalid: BTreeMap<Role, u64>,
}

impl Reader<'_> {
    /// Standardises each distinct raw value once. A column that is absent is all missing.
    fn column<T: Copy + Default>(
        &mut self,
        role: Role,
        mut standard: impl FnMut(&str) -> Standard<T>,
    ) -> Vec<T> {
        let empty = Column::new();
        let column = self.records.columns.get(&role).unwrap_or(&empty);
        let mut known = HashMap::<&str, Standard<T>>::new();
        let mut codes = vec![T::default(); self.records.ids.len()];
        for (code, raw) in codes.iter_mut().zip(column.iter()) {
            let Some(raw) = raw else { continue };
            match *known.entry(raw).or_insert_with(|| standard(raw)) {
                Standard::Value(value) => *code = value,
                Standard::Missing => {}
                Standard::Default => *self.defaults.entry(role).or_default() += 1,
                Standard::Invalid => *self.invalid.entry(role).or_default() += 1,
            }
        }
        codes
    }
}

/// For each postcode, a code of what is left when its last bytes are cut off.
fn prefix_codes(postcodes: &Dictionary, cut: usize) -> Vec<u32> {
    let mut prefixes = Dictionary::default();
    postcodes
        .values
        .iter()
        .enumerate()
        .map(|(code, value)| match code {
            0 => 0,
            _ => {
                let kept = value.len().saturating_sub(cut);
                prefixes.code(value.chars().take(kept).collect())
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
