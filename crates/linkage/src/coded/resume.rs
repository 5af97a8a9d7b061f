//! Going on: more records for files that were finished before.

#![allow(
    clippy::indexing_slicing,
    reason = "files are those that were made with the codes"
)]

use super::{Coded, File, Was};
use crate::dates::{self, Order};
use crate::levels::Face;
use crate::nicknames;
use crate::text::Dictionary;

impl File {
    /// True if its dates are taken to be written with the month first.
    pub(crate) fn months_first(&self) -> bool {
        self.order
            .iter()
            .any(|seen| seen.order() == Order::MonthFirst)
    }
}

impl Coded {
    /// Ready for more records. What was seen of the columns so far is forgotten; their codes are not.
    pub(crate) fn resume(&mut self) {
        self.raw_names = Dictionary::new();
        self.raw_parts = vec![([0; 3], Was::Missing)];
        for file in &mut self.files {
            file.order.fill(dates::Seen::default());
            for column in &mut file.columns {
                column.usable = 0;
                column.missing = 0;
                column.stand_ins = 0;
                column.invalid = 0;
            }
        }
    }

    /// After the last of some more records, each file's from a row on. Dates are read in the order that the first
    /// records of the file showed, so that a delivery of a few is read as all of them would be.
    pub(crate) fn finish_more(&mut self, from: &[usize], months_first: &[bool]) {
        self.raw_names = Dictionary::new();
        self.raw_parts = Vec::new();
        self.look_at_words();
        for ((file, from), months_first) in self.files.iter_mut().zip(from).zip(months_first) {
            for row in &mut file.rows[*from..] {
                row.born = dates::settle(row.born, *months_first);
            }
        }
    }

    /// Learns of words that came since the last time what their comparison asks first: nicknames and faces.
    pub(crate) fn look_at_words(&mut self) {
        let names = &self.names;
        let new = self.variants.len() as u32..names.len() as u32;
        let variants =
            nicknames::sets_of(new.map(|code| std::str::from_utf8(names.get(code)).unwrap_or("")));
        self.variants.extend(variants);
        if self.encoded {
            return;
        }
        let known = self.name_faces.len();
        for (faces, words) in [
            (&mut self.name_faces, &self.names),
            (&mut self.text_faces, &self.texts),
        ] {
            let new = faces.len() as u32..words.len() as u32;
            faces.extend(new.map(|code| Face::of(words.get(code))));
        }
        let names = self.name_faces.iter_mut().zip(&self.variants);
        for (face, sets) in names.skip(known) {
            face.varies = sets.first().is_some();
        }
    }
}
