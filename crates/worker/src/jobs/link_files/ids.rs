//! The ids of a file: packed, unique, and found again.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::OnceLock;

use frames::Strings;

/// Ids in the order of the file's rows.
pub(super) struct Ids {
    ids: Strings,
    /// Made when the first id is looked for, if not before.
    slots: OnceLock<Slots>,
}

/// Rows by the hash of their id, one more than the row; 0 is free. A power of two long.
type Slots = Vec<u32>;

/// A number for a text, the same in every run.
pub(super) fn hashed(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}

impl Ids {
    /// Refuses an id that comes twice, with both rows from 1.
    pub(super) fn of(ids: Strings) -> Result<Self, (u64, u64)> {
        let slots = OnceLock::new();
        if !are_rising(&ids) {
            let _ = slots.set(slots_of(&ids)?);
        }
        Ok(Self { ids, slots })
    }

    pub(super) fn get(&self, row: u32) -> Option<&str> {
        self.ids.get(row as usize)
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    /// The row of an id.
    pub(super) fn find(&self, id: &str) -> Option<usize> {
        // Rising ids come once, so that the table cannot be refused.
        let slots = self
            .slots
            .get_or_init(|| slots_of(&self.ids).unwrap_or_default());
        for slot in probe(id, slots.len()) {
            let row = slots.get(slot)?.checked_sub(1)? as usize;
            if self.ids.get(row) == Some(id) {
                return Some(row);
            }
        }
        None
    }

    /// About what is held, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        // Ids of up to 20 letters, their ends and the slots.
        (self.ids.len() * 24 + size(&self.ids) * 4) as u64
    }
}

/// Each id is longer than the one before it, or as long and later in order: as numbers rise, and as most systems
/// export.
fn are_rising(ids: &Strings) -> bool {
    ids.iter().is_sorted_by(|a, b| order(*a) < order(*b))
}

fn order(id: Option<&str>) -> (usize, &str) {
    let id = id.unwrap_or("");
    (id.len(), id)
}

fn size(ids: &Strings) -> usize {
    (ids.len() * 2).next_power_of_two()
}

/// The table of ids, or the rows of an id that comes twice.
fn slots_of(ids: &Strings) -> Result<Slots, (u64, u64)> {
    let size = size(ids);
    let mut slots = vec![0_u32; size];
    for (row, id) in ids.iter().enumerate() {
        let id = id.unwrap_or("");
        for slot in probe(id, size) {
            let Some(held) = slots.get_mut(slot) else {
                break;
            };
            match held.checked_sub(1) {
                None => {
                    *held = row as u32 + 1;
                    break;
                }
                Some(other) if ids.get(other as usize) == Some(id) => {
                    return Err((u64::from(other) + 1, row as u64 + 1));
                }
                Some(_) => {}
            }
        }
    }
    Ok(slots)
}

/// The slots in which an id may be, from the first; at least half of all are free.
fn probe(id: &str, size: usize) -> impl Iterator<Item = usize> {
    let first = hashed(id) as usize;
    (0..size).map(move |step| first.wrapping_add(step) & (size - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ids: &[&str]) -> Result<Ids, (u64, u64)> {
        Ids::of(Strings::of(ids.iter().copied().map(Some)).unwrap())
    }

    #[test]
    fn every_id_is_found_at_its_row_and_no_other() {
        let names: Vec<String> = (0..1000).map(|n| format!("r{n}")).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        for rising in [true, false] {
            if !rising {
                names.swap(3, 990);
            }
            let ids = of(&names).ok().unwrap();
            assert_eq!(ids.slots.get().is_none(), rising, "made only where needed");
            for (row, name) in names.iter().enumerate() {
                assert_eq!(ids.find(name), Some(row));
                assert_eq!(ids.get(row as u32), Some(*name));
            }
            assert_eq!(ids.find("r1000"), None);
        }
        assert_eq!(of(&[]).ok().unwrap().find("r1"), None);
    }

    #[test]
    fn an_id_that_comes_twice_is_refused_with_both_rows() {
        assert_eq!(of(&["a", "b", "c", "b"]).err(), Some((2, 4)));
        assert_eq!(of(&["a", "b", "b", "c"]).err(), Some((2, 3)));
    }
}
