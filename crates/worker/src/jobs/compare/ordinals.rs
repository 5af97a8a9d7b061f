//! Evidence lists people by the engine's hash of their pseudonyms; what is compared has them by ordinal.

use std::collections::HashMap;
use std::io::BufRead;

use disclosure::{Evidence, Traced, traced};
use protocol::report::Failure;

use super::unreadable;
use crate::jobs::internal;

/// Bytes of a pseudonym.
const PSEUDONYM: usize = 16;

/// Leading bits of a hash by which [`Known`] is entered.
const LEADING: u32 = 16;

/// The ordinal of everybody, by the hash under which evidence lists them: in the order of the hashes, entered by their
/// leading bits. A hash table of a nation misses the cache at every step, and is made for each screen.
pub(super) struct Known {
    people: Vec<(u64, u32)>,
    /// Where the people begin whose hashes lead with a number, and where the last ones end.
    begins: Vec<usize>,
}

impl Known {
    /// Everybody once, however often they are listed.
    fn of(mut people: Vec<(u64, u32)>) -> Result<Self, Failure> {
        people.sort_unstable();
        people.dedup();
        if people.is_sorted_by(|one, next| one.0 < next.0) {
            let leading = |person: &(u64, u32)| person.0 >> (u64::BITS - LEADING);
            let mut begins = vec![0; (1 << LEADING) + 1];
            for person in &people {
                if let Some(ends) = begins.get_mut(leading(person) as usize + 1) {
                    *ends += 1;
                }
            }
            let mut before = 0;
            for begin in &mut begins {
                before += *begin;
                *begin = before;
            }
            return Ok(Self { people, begins });
        }
        Err(internal(
            "two people have one hash and cannot be told apart",
        ))
    }

    fn ordinal(&self, hash: u64) -> Option<u32> {
        let leading = (hash >> (u64::BITS - LEADING)) as usize;
        let (begin, end) = (self.begins.get(leading)?, self.begins.get(leading + 1)?);
        let near = self.people.get(*begin..*end)?;
        let place = near.binary_search_by_key(&hash, |person| person.0).ok()?;
        near.get(place).map(|person| person.1)
    }

    /// Ordinals lie below it.
    fn population(&self) -> usize {
        let last = self.people.iter().map(|person| person.1).max();
        last.map_or(0, |last| last as usize + 1)
    }
}

/// What people go by.
pub(super) enum Ordinals {
    /// By the ordinals of their spine.
    Given(Known),
    /// In the order in which they are listed.
    InTurn(HashMap<u64, u32>),
}

impl Ordinals {
    /// Pseudonyms with their ordinals, one behind the other; somebody may stand there for each of their records.
    ///
    /// # Errors
    /// If they are cut short, or two people cannot be told apart.
    pub(super) fn given(mut listed: impl BufRead) -> Result<Self, Failure> {
        let mut people = Vec::new();
        while !listed.fill_buf().map_err(|_| unreadable())?.is_empty() {
            let (mut pseudonym, mut ordinal) = ([0; PSEUDONYM], [0; 4]);
            listed
                .read_exact(&mut pseudonym)
                .map_err(|_| unreadable())?;
            listed.read_exact(&mut ordinal).map_err(|_| unreadable())?;
            // As a pseudonym stands in an extract.
            let mut text = [0; 2 * PSEUDONYM];
            hex::encode_to_slice(pseudonym, &mut text).map_err(|_| unreadable())?;
            people.push((engine::hash(&text), u32::from_le_bytes(ordinal)));
        }
        Known::of(people).map(Self::Given)
    }

    /// Nobody is known yet.
    pub(super) fn in_turn() -> Self {
        Self::InTurn(HashMap::new())
    }

    /// The request under these ordinals, and how many there are.
    ///
    /// # Errors
    /// If the list does not fit the evidence, or somebody on it is not known.
    pub(super) fn of(
        self,
        evidence: &[Evidence],
        listed: &[u8],
    ) -> Result<(Vec<Traced>, usize), Failure> {
        let (traced, population) = match self {
            Self::Given(known) => {
                let ordinal = |unit: u64| known.ordinal(unit);
                (traced(evidence, listed, ordinal), known.population())
            }
            Self::InTurn(mut met) => {
                let ordinal = |unit| {
                    let next = u32::try_from(met.len()).ok()?;
                    Some(*met.entry(unit).or_insert(next))
                };
                let traced = traced(evidence, listed, ordinal);
                (traced, met.len())
            }
        };
        let traced = traced.map_err(|error| internal(error.to_string()))?;
        Ok((traced, population))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(pseudonym: u8, ordinal: u32) -> Vec<u8> {
        [[pseudonym; PSEUDONYM].as_slice(), &ordinal.to_le_bytes()].concat()
    }

    fn known(listed: &[u8]) -> Option<Known> {
        match Ordinals::given(listed) {
            Ok(Ordinals::Given(known)) => Some(known),
            Ok(Ordinals::InTurn(_)) | Err(_) => None,
        }
    }

    #[test]
    fn people_are_found_by_the_hash_of_their_pseudonym_however_often_they_are_listed() {
        let listed: Vec<u8> = (0..=u8::MAX)
            .chain(100..200)
            .flat_map(|person| entry(person, u32::from(person) * 3))
            .collect();
        let known = known(&listed).unwrap();
        let hash = |person: u8| engine::hash(format!("{person:02x}").repeat(PSEUDONYM).as_bytes());
        for person in 0..=u8::MAX {
            let found = known.ordinal(hash(person));
            assert_eq!(found, Some(u32::from(person) * 3));
            assert_eq!(known.ordinal(hash(person) ^ 1), None);
        }
        assert_eq!((known.people.len(), known.population()), (256, 766));
    }

    #[test]
    fn people_at_either_end_of_the_hashes_are_found() {
        let people = [(u64::MAX, 1), (0, 2), (1 << 48, 3), ((1 << 48) - 1, 4)];
        let known = Known::of(people.to_vec()).unwrap();
        for (hash, ordinal) in people {
            assert_eq!(known.ordinal(hash), Some(ordinal));
        }
        let nobody = Known::of(Vec::new()).unwrap();
        assert_eq!((nobody.ordinal(0), nobody.population()), (None, 0));
    }

    #[test]
    fn a_list_that_is_cut_or_gives_somebody_two_ordinals_is_refused() {
        let listed = [entry(1, 1), entry(2, 2)].concat();
        for cut in (1..listed.len()).filter(|cut| *cut != listed.len() / 2) {
            assert!(known(&listed[..cut]).is_none(), "{cut}");
        }
        assert!(known(&[entry(1, 1), entry(1, 2)].concat()).is_none());
    }
}
