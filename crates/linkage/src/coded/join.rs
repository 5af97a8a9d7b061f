//! Files that were coded apart, each with dictionaries of its own, as if they had been coded one after the other.

#![allow(
    clippy::indexing_slicing,
    reason = "codes index the dictionaries that issued them"
)]

use super::{Coded, File};
use crate::column::Role;
use crate::text::Dictionary;

impl Coded {
    /// Takes over a file from where it was coded alone. A word has the code that it would have had here: words that are
    /// new come in the order in which the file brought them.
    pub(crate) fn take_over(&mut self, file: usize, from: Self) {
        let names = codes(&from.names, &mut self.names);
        let texts = codes(&from.texts, &mut self.texts);
        let Some(mut taken) = from.files.into_iter().nth(file) else {
            return;
        };
        let File { rows, extras, .. } = &mut taken;
        for row in rows {
            for name in row.fore.iter_mut().chain(&mut row.sur) {
                *name = names[*name as usize];
            }
            row.street = texts[row.street as usize];
            row.town = texts[row.town as usize];
        }
        for (column, extra) in extras.iter_mut().zip(&self.extras) {
            if !matches!(extra.role, Role::NhsNumber | Role::Telephone) {
                for code in column {
                    *code = u64::from(texts[*code as usize]);
                }
            }
        }
        self.files[file] = taken;
    }
}

/// By code of one dictionary, the code of the same word in another, which learns the words that it lacks.
fn codes(from: &Dictionary, to: &mut Dictionary) -> Vec<u32> {
    // 0 is nothing in both.
    let words = (1..from.len() as u32).map(|code| to.code(from.get(code)).0);
    std::iter::once(0).chain(words).collect()
}
