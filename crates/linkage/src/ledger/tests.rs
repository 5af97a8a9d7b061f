use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::random::Random;

fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    for (place, part) in digest.chunks_exact_mut(8).enumerate() {
        let salted = [bytes, &[place as u8]].concat();
        part.copy_from_slice(&crate::text::hash_bytes(&salted).to_le_bytes());
    }
    digest
}

fn step(time_ms: i64, reason: Reason, entries: Vec<Entry>) -> Step {
    Step {
        time_ms,
        reason,
        segment_bytes: 0,
        entries,
    }
}

const fn assign(row: u32, person: Person) -> Entry {
    Entry::Assign {
        record: (0, row),
        person,
    }
}

fn ledger(entries: Vec<Entry>) -> Result<Ledger, Contradiction> {
    Ledger::new().apply(&step(0, Reason::Start, entries))
}

#[test]
fn a_merged_number_leads_to_who_stayed_and_is_never_given_again() {
    let start = vec![assign(0, 0), assign(1, 1), assign(2, 2)];
    let merges = vec![
        Entry::Merge { from: 2, into: 1 },
        Entry::Merge { from: 1, into: 0 },
    ];
    let ledger = ledger(start).unwrap();
    let ledger = ledger.apply(&step(5, Reason::Delivery, merges)).unwrap();
    assert_eq!([0, 1, 2].map(|p| ledger.survivor(p)), [Some(0); 3]);
    assert_eq!(ledger.survivor(3), None);
    assert_eq!(ledger.persons(), 1);
    let reused = step(6, Reason::Delivery, vec![assign(3, 2)]);
    assert_eq!(ledger.clone().apply(&reused), Err(Contradiction::Person));
    assert!(
        ledger
            .apply(&step(6, Reason::Delivery, vec![assign(3, 3)]))
            .is_ok()
    );
}

#[test]
fn what_contradicts_the_ledger_is_refused() {
    use Contradiction as C;
    let start = || vec![assign(0, 0), assign(1, 0), assign(2, 1)];
    let split = |from, to, records: &[Record]| Entry::Split {
        from,
        to,
        records: records.to_vec(),
    };
    for (entry, why) in [
        (assign(2, 1), C::Record),
        (assign(4, 1), C::Record),
        (assign(3, 3), C::Person),
        (Entry::Merge { from: 1, into: 1 }, C::Person),
        (Entry::Merge { from: 1, into: 2 }, C::Person),
        (Entry::Merge { from: 2, into: 1 }, C::Person),
        (split(0, 3, &[(0, 0)]), C::Person),
        (split(0, 1, &[(0, 0)]), C::Person),
        (split(0, 2, &[]), C::Split),
        (split(0, 2, &[(0, 0), (0, 0)]), C::Split),
        (split(0, 2, &[(0, 0), (0, 1)]), C::Split),
        (split(0, 2, &[(0, 2)]), C::Split),
        (split(0, 2, &[(0, 9)]), C::Split),
        (split(0, 2, &[(7, 0)]), C::Split),
        (split(9, 2, &[(0, 0)]), C::Split),
    ] {
        let ledger = ledger(start()).unwrap();
        let refused = ledger.apply(&step(1, Reason::Delivery, vec![entry.clone()]));
        assert_eq!(refused, Err(why), "{entry:?}");
    }
    let again = ledger(start())
        .unwrap()
        .apply(&step(1, Reason::Start, Vec::new()));
    assert_eq!(again, Err(C::Start));
    let early = ledger(start())
        .unwrap()
        .apply(&step(-1, Reason::Delivery, Vec::new()));
    assert_eq!(early, Err(C::Time));
    assert_eq!(
        Ledger::new().apply(&step(0, Reason::Delivery, Vec::new())),
        Err(C::Start)
    );
    let mut long = step(1, Reason::Delivery, Vec::new());
    long.segment_bytes = 9;
    let ledger = ledger(start()).unwrap().apply(&long).unwrap();
    assert_eq!(
        ledger.apply(&step(2, Reason::Delivery, Vec::new())),
        Err(C::Segments)
    );
}

/// Groups of records as they might be after one delivery after the other: old records move about, new ones come.
fn partitions(seed: u64, steps: usize) -> Vec<Vec<Vec<Record>>> {
    let mut random = Random::new(seed);
    let mut of = Vec::<u64>::new();
    (0..steps)
        .map(|_| {
            for person in &mut of {
                if random.below(4) == 0 {
                    *person = random.below(8);
                }
            }
            for _ in 0..random.below(6) {
                of.push(random.below(8));
            }
            let mut groups = BTreeMap::<u64, Vec<Record>>::new();
            for (row, person) in of.iter().enumerate() {
                // Two files, each filled in its order.
                let record = ((row % 2) as u16, (row / 2) as u32);
                groups.entry(*person).or_default().push(record);
            }
            groups.into_values().collect()
        })
        .collect()
}

fn steps_of(partitions: &[Vec<Vec<Record>>]) -> Vec<Step> {
    let mut ledger = Ledger::new();
    let mut steps = Vec::new();
    for (number, groups) in partitions.iter().enumerate() {
        let reason = if number == 0 {
            Reason::Start
        } else {
            Reason::Delivery
        };
        let step = step(number as i64 * 10, reason, ledger.entries(groups));
        ledger = ledger.apply(&step).unwrap();
        steps.push(step);
    }
    steps
}

/// The person of each record by going through all entries one by one, nothing remembered but a map.
fn brute(steps: &[Step]) -> BTreeMap<Record, Person> {
    let mut of = BTreeMap::new();
    for entry in steps.iter().flat_map(|step| &step.entries) {
        match entry {
            Entry::Assign { record, person } => {
                of.insert(*record, *person);
            }
            Entry::Merge { from, into } => {
                let theirs = of.values_mut().filter(|person| **person == *from);
                theirs.for_each(|person| *person = *into);
            }
            Entry::Split { to, records, .. } => {
                records.iter().for_each(|record| {
                    of.insert(*record, *to);
                });
            }
        }
    }
    of
}

proptest! {
    #[test]
    fn replay_gives_the_groups_that_the_entries_were_made_of(seed: u64, count in 1_usize..12) {
        let partitions = partitions(seed, count);
        let steps = steps_of(&partitions);
        let mut given = BTreeSet::new();
        for (number, groups) in partitions.iter().enumerate() {
            let until = &steps[..=number];
            let ledger = Ledger::replay(until).unwrap();
            let brute = brute(until);
            for (record, person) in &brute {
                prop_assert_eq!(ledger.person(*record), Some(*person));
            }
            let mut persons = BTreeSet::new();
            for group in groups {
                let of: BTreeSet<_> = group.iter().map(|record| ledger.person(*record)).collect();
                prop_assert_eq!(of.len(), 1, "one person a group");
                prop_assert!(persons.insert(of), "and one group a person");
            }
            prop_assert_eq!(ledger.persons(), groups.len() as u64);
            // What was held at any time between two steps is what the first of them came to.
            for time in [number as i64 * 10, number as i64 * 10 + 9] {
                prop_assert_eq!(&Ledger::as_of(&steps, time).unwrap(), &ledger);
            }
            // A number once given leads to somebody for ever.
            given.extend(brute.values().copied());
            for person in &given {
                prop_assert!(ledger.survivor(*person).is_some());
            }
        }
        prop_assert_eq!(Ledger::as_of(&steps, -1).unwrap(), Ledger::new());
    }

    #[test]
    fn most_records_of_a_person_keep_its_number(seed: u64) {
        let partitions = partitions(seed, 6);
        let steps = steps_of(&partitions);
        let before = Ledger::replay(&steps[..5]).unwrap();
        let after = Ledger::replay(&steps).unwrap();
        // Nothing moved where a group only grew by new records.
        for group in &partitions[5] {
            let old: BTreeSet<_> = group.iter().filter_map(|record| before.person(*record)).collect();
            let [person] = Vec::from_iter(old)[..] else { continue };
            let all = partitions[4].iter().flatten();
            let theirs: Vec<&Record> = all.filter(|r| before.person(**r) == Some(person)).collect();
            if theirs.iter().all(|record| group.contains(record)) {
                prop_assert_eq!(after.person(group[0]), Some(person));
            }
        }
    }

    #[test]
    fn bytes_cut_anywhere_give_the_whole_steps_before(seed: u64, count in 1_usize..6) {
        let steps = steps_of(&partitions(seed, count));
        let mut bytes = Vec::new();
        let mut ends = vec![0];
        for step in &steps {
            let head = read_ledger(&bytes, digest).unwrap().head;
            bytes.extend(sealed_step(head, step, digest));
            ends.push(bytes.len());
        }
        for cut in 0..=bytes.len() {
            let read = read_ledger(&bytes[..cut], digest).unwrap();
            let whole = ends.iter().filter(|end| **end <= cut).count() - 1;
            prop_assert_eq!(&read.steps, &steps[..whole]);
            prop_assert_eq!(read.bytes, ends[whole]);
            let torn = (cut > ends[whole]).then(|| Torn {
                step: whole as u64,
                bytes: cut - ends[whole],
            });
            prop_assert_eq!(read.torn, torn);
            let measured = measure_ledger(&bytes[..cut]).unwrap();
            prop_assert_eq!((measured.steps, measured.torn), (whole as u64, torn));
            prop_assert_eq!(measured.bytes, ends[whole]);
            let last = whole.checked_sub(1).map_or(i64::MIN, |last| steps[last].time_ms);
            prop_assert_eq!(measured.time_ms, last);
        }
    }

    #[test]
    fn a_changed_byte_is_refused_or_taken_for_a_torn_step(seed: u64, at: prop::sample::Index, bit in 0_u8..8) {
        let steps = steps_of(&partitions(seed, 3));
        let mut bytes = Vec::new();
        for step in &steps {
            let head = read_ledger(&bytes, digest).unwrap().head;
            bytes.extend(sealed_step(head, step, digest));
        }
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(read) = read_ledger(&bytes, digest) {
            // A length that points past the end: the caller knows how many steps were acknowledged.
            prop_assert!(read.torn.is_some() && read.steps.len() < steps.len());
        }
    }
}
