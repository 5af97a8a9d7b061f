//! Files as codes: every record a packed row of codes, its rarer columns beside it.

#![allow(
    clippy::indexing_slicing,
    reason = "codes index the dictionaries that issued them; columns were counted"
)]

use crate::column::Role;
use crate::dates;
use crate::encode;
use crate::levels::Face;
use crate::nicknames::Sets;
use crate::outcome::ColumnReport;
use crate::spec::Spec;
use crate::standardise::{self, Standard};
use crate::text::{Dictionary, hash_bytes};
use crate::told::Told;

mod join;
mod resume;

/// What most comparisons read of a record: one cache line. 0 is a missing value everywhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct Row {
    /// Whole forename, its first word and its last where it has several.
    pub(crate) fore: [u32; 3],
    /// Whole surname, and its parts or further surnames.
    pub(crate) sur: [u32; 3],
    /// Year * 10000 + month * 100 + day.
    pub(crate) born: u32,
    /// Hash of the house numbers of the address line.
    pub(crate) number: u32,
    /// Words of the address line.
    pub(crate) street: u32,
    /// Town.
    pub(crate) town: u32,
    /// See [`standardise::pack_postcode`].
    pub(crate) postcode: u64,
    pub(crate) chi: u64,
    /// 1 male, 2 female.
    pub(crate) sex: u8,
}

/// A column outside [`Row`], by role and (for fields) name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Extra {
    pub(crate) role: Role,
    pub(crate) name: String,
}

/// One file, coded.
pub(crate) struct File {
    pub(crate) rows: Vec<Row>,
    /// By extra: a number, or a code of the dictionary of texts; empty where the file lacks it.
    pub(crate) extras: Vec<Vec<u64>>,
    pub(crate) columns: Vec<ColumnReport>,
    /// Where each column goes.
    places: Vec<Place>,
    order: Vec<dates::Seen>,
}

impl File {
    /// Some rows, with what stands beside them; nothing is known of the columns that they came in.
    pub(crate) fn of_rows(&self, rows: &[usize]) -> Self {
        let value = |column: &[u64], row: usize| column.get(row).copied().unwrap_or(0);
        let of = |column: &Vec<u64>| match column.as_slice() {
            [] => Vec::new(),
            column => rows.iter().map(|row| value(column, *row)).collect(),
        };
        Self {
            rows: rows.iter().map(|row| self.rows[*row]).collect(),
            extras: self.extras.iter().map(of).collect(),
            columns: Vec::new(),
            places: Vec::new(),
            order: Vec::new(),
        }
    }
}

#[derive(Clone, Copy)]
enum Place {
    Row(Role),
    Extra(usize, Role),
}

/// All files and the dictionaries they share.
pub(crate) struct Coded {
    pub(crate) files: Vec<File>,
    pub(crate) extras: Vec<Extra>,
    pub(crate) names: Dictionary,
    pub(crate) variants: Vec<Sets>,
    /// Towns, address lines, electronic mail addresses, fields.
    pub(crate) texts: Dictionary,
    raw_names: Dictionary,
    /// By raw name: the parts, and what it was.
    raw_parts: Vec<([u32; 3], Was)>,
    buffer: Vec<u8>,
    /// By code of a name and of a text, once all are in; none of filters.
    pub(crate) name_faces: Vec<Face>,
    pub(crate) text_faces: Vec<Face>,
    /// Bits of a pattern that are compared; see [`crate::overrides`].
    pub(crate) compared: u64,
    /// Names and texts are filters, not words; see [`crate::encode`].
    pub(crate) encoded: bool,
    /// What was said beside the records.
    pub(crate) told: Told,
}

/// What a value was, for the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Was {
    Usable,
    Missing,
    StandIn,
    Invalid,
}

/// Most comparisons outside [`Row`].
pub(crate) const EXTRAS_MAX: usize = 8;

impl Coded {
    /// Empty files of a specification that was checked.
    pub(crate) fn new(spec: &Spec) -> Self {
        let mut extras = Vec::<Extra>::new();
        let mut files = Vec::new();
        for file in &spec.files {
            let mut places = Vec::new();
            let mut columns = Vec::new();
            for column in &file.columns {
                places.push(match column.role {
                    Role::Address2
                    | Role::Region
                    | Role::NhsNumber
                    | Role::Telephone
                    | Role::Email
                    | Role::Field => Place::Extra(extra(&mut extras, column), column.role),
                    role => Place::Row(role),
                });
                columns.push(ColumnReport {
                    name: column.name.clone(),
                    role: column.role.as_str().to_owned(),
                    usable: 0,
                    missing: 0,
                    stand_ins: 0,
                    invalid: 0,
                });
            }
            files.push(File {
                rows: Vec::new(),
                extras: Vec::new(),
                order: vec![dates::Seen::default(); columns.len()],
                columns,
                places,
            });
        }
        for file in &mut files {
            file.extras = vec![Vec::new(); extras.len()];
        }
        Self {
            files,
            extras,
            names: Dictionary::new(),
            variants: Vec::new(),
            texts: Dictionary::new(),
            raw_names: Dictionary::new(),
            raw_parts: vec![([0; 3], Was::Missing)],
            buffer: Vec::new(),
            name_faces: Vec::new(),
            text_faces: Vec::new(),
            compared: u64::MAX,
            encoded: spec.encoded,
            told: Told::default(),
        }
    }

    /// True unless a comparison, by its place in a pattern, is left out.
    pub(crate) const fn compares(&self, comparison: usize) -> bool {
        self.compared >> (4 * comparison) & 0xf != 0
    }

    /// Codes one record. The file and the number of values were checked.
    pub(crate) fn push(&mut self, file: usize, values: &[Option<&str>]) {
        let mut row = Row::default();
        let at = self.files[file].rows.len();
        for (place, value) in values.iter().enumerate() {
            let raw = value.unwrap_or_default();
            let was = match self.files[file].places[place] {
                _ if raw.is_empty() => Was::Missing,
                Place::Row(role) => self.code_row(file, place, role, raw, &mut row),
                Place::Extra(extra, role) => {
                    let (code, was) = self.code_extra(role, raw);
                    let column = &mut self.files[file].extras[extra];
                    column.resize(at, 0);
                    column.push(code);
                    was
                }
            };
            let counts = &mut self.files[file].columns[place];
            *match was {
                Was::Usable => &mut counts.usable,
                Was::Missing => &mut counts.missing,
                Was::StandIn => &mut counts.stand_ins,
                Was::Invalid => &mut counts.invalid,
            } += 1;
        }
        self.files[file].rows.push(row);
    }

    fn code_row(&mut self, file: usize, place: usize, role: Role, raw: &str, row: &mut Row) -> Was {
        match role {
            Role::Forename => {
                let (parts, was) = self.name(raw, NameOf::Forename);
                add_name(&mut row.fore, parts);
                was
            }
            Role::Surname => {
                let (parts, was) = self.name(raw, NameOf::Surname);
                add_name(&mut row.sur, parts);
                was
            }
            Role::DateOfBirth => {
                let (born, was) = split(dates::read(raw, &mut self.files[file].order[place]));
                keep_first(&mut row.born, born);
                was
            }
            Role::Sex => {
                let (sex, was) = split(standardise::sex(raw));
                row.sex = sex;
                was
            }
            Role::Postcode => {
                let (postcode, was) = split(standardise::pack_postcode(raw));
                if row.postcode == 0 {
                    row.postcode = postcode;
                }
                was
            }
            Role::Address1 => self.address(raw, row),
            Role::Locality => {
                let (code, was) = self.text(raw);
                keep_first(&mut row.town, code);
                was
            }
            Role::Chi => {
                let (chi, was) = split(standardise::identity_number(raw));
                row.chi = chi;
                was
            }
            Role::Address2
            | Role::Region
            | Role::NhsNumber
            | Role::Telephone
            | Role::Email
            | Role::Field => Was::Invalid,
        }
    }

    fn code_extra(&mut self, role: Role, raw: &str) -> (u64, Was) {
        match role {
            Role::NhsNumber => split(standardise::identity_number(raw)),
            Role::Telephone => match standardise::telephone(raw) {
                // Digits; a leading 1 keeps leading zeros apart.
                Standard::Value(digits) => (format!("1{digits}").parse().unwrap_or(0), Was::Usable),
                other => (0, was(&other)),
            },
            Role::Email => match standardise::email(raw) {
                Standard::Value(text) => {
                    (u64::from(self.texts.code(text.as_bytes()).0), Was::Usable)
                }
                other => (0, was(&other)),
            },
            _ => {
                let (code, was) = self.text(raw);
                (u64::from(code), was)
            }
        }
    }

    fn name(&mut self, raw: &str, of: NameOf) -> ([u32; 3], Was) {
        self.buffer.clear();
        self.buffer.push(of as u8);
        self.buffer.extend_from_slice(raw.as_bytes());
        let (code, new) = self.raw_names.code(&self.buffer);
        if !new {
            return self.raw_parts[code as usize];
        }
        let parts = if self.encoded {
            match encode::decode(raw) {
                Some(filter) => ([self.names.code(&filter).0, 0, 0], Was::Usable),
                None => ([0; 3], Was::Invalid),
            }
        } else {
            self.name_of(raw, of)
        };
        self.raw_parts.push(parts);
        parts
    }

    fn name_of(&mut self, raw: &str, of: NameOf) -> ([u32; 3], Was) {
        match standardise::name_parts(raw, of == NameOf::Surname) {
            Standard::Value((whole, first, last)) => {
                let mut code = |text: &str| self.names.code(text.as_bytes()).0;
                ([code(&whole), code(&first), code(&last)], Was::Usable)
            }
            other => ([0; 3], was(&other)),
        }
    }

    /// Adds to the outside count of a forename or a surname. False past what a count holds.
    pub(crate) fn count_name(&mut self, surname: bool, raw: &str, count: u32) -> bool {
        let of = if surname {
            NameOf::Surname
        } else {
            NameOf::Forename
        };
        let ([code, ..], _) = self.name(raw, of);
        let counts = &mut self.told.names[usize::from(surname)];
        let known = counts.entry(code).or_insert(0);
        known.checked_add(count).map(|sum| *known = sum).is_some()
    }

    fn text(&mut self, raw: &str) -> (u32, Was) {
        if self.encoded {
            return match encode::decode(raw) {
                Some(filter) => (self.texts.code(&filter).0, Was::Usable),
                None => (0, Was::Invalid),
            };
        }
        match standardise::words(raw, &mut self.buffer) {
            Standard::Value(()) => (self.texts.code(&self.buffer).0, Was::Usable),
            other => (0, was(&other)),
        }
    }

    fn address(&mut self, raw: &str, row: &mut Row) -> Was {
        let read = standardise::words(raw, &mut self.buffer);
        if read != Standard::Value(()) {
            return was(&read);
        }
        if row.street != 0 || row.number != 0 {
            return Was::Usable;
        }
        // House numbers apart from the words.
        let mut street = [0_u8; 96];
        let mut number = [0_u8; 32];
        let (mut s, mut n) = (0, 0);
        for word in self.buffer.split(|byte| *byte == b' ') {
            let (into, at): (&mut [u8], &mut usize) = if word[0].is_ascii_digit() {
                (&mut number, &mut n)
            } else if word == b"FLAT" {
                continue;
            } else {
                (&mut street, &mut s)
            };
            let room = into.len() - *at;
            let len = word.len().min(room.saturating_sub(1));
            into[*at..*at + len].copy_from_slice(&word[..len]);
            if len > 0 {
                into[*at + len] = b' ';
                *at += len + 1;
            }
        }
        if n > 0 {
            row.number = hash_bytes(&number[..n]) as u32 | 1;
        }
        row.street = self.texts.code(&street[..s.saturating_sub(1)]).0;
        Was::Usable
    }

    /// After the last record: what can only be known then.
    pub(crate) fn finish(&mut self) {
        self.raw_names = Dictionary::new();
        self.raw_parts = Vec::new();
        self.look_at_words();
        for file in &mut self.files {
            let months_first = file.months_first();
            for row in &mut file.rows {
                row.born = dates::settle(row.born, months_first);
            }
            let rows = file.rows.len();
            for (place, column) in file.places.iter().zip(&file.columns) {
                if let Place::Extra(extra, _) = place
                    && column.usable > 0
                {
                    file.extras[*extra].resize(rows, 0);
                }
            }
            for column in &mut file.extras {
                if column.iter().all(|code| *code == 0) {
                    *column = Vec::new();
                }
            }
            file.rows.shrink_to_fit();
        }
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        let files: usize = self
            .files
            .iter()
            .map(|file| {
                size_of::<Row>() * file.rows.capacity()
                    + file.extras.iter().map(|e| 8 * e.capacity()).sum::<usize>()
            })
            .sum();
        let faces = self.name_faces.len() + self.text_faces.len();
        files
            + self.names.held()
            + self.texts.held()
            + 16 * self.variants.len()
            + size_of::<Face>() * faces
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NameOf {
    Forename = 1,
    Surname = 2,
}

fn extra(extras: &mut Vec<Extra>, column: &crate::spec::ColumnSpec) -> usize {
    let named = match column.role {
        Role::Field => column.name.clone(),
        role => role.as_str().to_owned(),
    };
    let wanted = Extra {
        role: column.role,
        name: named,
    };
    extras
        .iter()
        .position(|known| *known == wanted)
        .unwrap_or_else(|| {
            extras.push(wanted);
            extras.len() - 1
        })
}

/// The first value fills the row; a later column of the role adds to the parts.
fn add_name(into: &mut [u32; 3], parts: [u32; 3]) {
    if into[0] == 0 {
        *into = parts;
    } else if parts[0] != 0 && !into.contains(&parts[0]) {
        let at = if into[1] == 0 { 1 } else { 2 };
        into[at] = parts[0];
    }
}

fn keep_first(into: &mut u32, value: u32) {
    if *into == 0 {
        *into = value;
    }
}

fn was<T>(value: &Standard<T>) -> Was {
    match value {
        Standard::Value(_) => Was::Usable,
        Standard::Missing => Was::Missing,
        Standard::Default => Was::StandIn,
        Standard::Invalid => Was::Invalid,
    }
}

fn split<T: Default>(value: Standard<T>) -> (T, Was) {
    let was = was(&value);
    match value {
        Standard::Value(value) => (value, was),
        Standard::Missing | Standard::Default | Standard::Invalid => (T::default(), was),
    }
}
