use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use super::*;
use crate::keys::Keys;
use crate::ledger::{Ledger, Reason, Step};
use crate::observer::Quiet;
use crate::random::Random;
use crate::{ColumnSpec, FileSpec, Intake, Role};
use testkit::people::{ErrorProfile, People};

const ROLES: [Role; 7] = [
    Role::Chi,
    Role::Forename,
    Role::Surname,
    Role::DateOfBirth,
    Role::Sex,
    Role::Postcode,
    Role::Address1,
];

/// An id and its values.
type Line = (String, Vec<Option<String>>);

fn spec(link_type: LinkType, files: usize) -> Spec {
    let columns = ROLES.iter().map(|role| ColumnSpec {
        role: *role,
        name: role.to_string(),
    });
    let columns: Vec<ColumnSpec> = columns.collect();
    let file = |place: usize| FileSpec {
        name: place.to_string(),
        columns: columns.clone(),
        holds: Holds::Estimated,
    };
    let mut spec = Spec::new(link_type, (0..files).map(file).collect());
    // More joins than a linkage keeps, so that more is compared.
    spec.settings.keep_probability = 0.01;
    spec
}

fn lines(csv: &str, name: &str) -> Vec<Line> {
    let cell = |value: &str| Some(value.to_owned()).filter(|value| !value.is_empty());
    let of = |(row, line): (usize, &str)| {
        let values = line.split(',').skip(1).map(cell).collect();
        (format!("{name}{row}"), values)
    };
    csv.lines().skip(1).enumerate().map(of).collect()
}

/// A delivery and a register, with as many errors as there can be.
fn files(people: usize, seed: u64) -> Vec<Vec<Line>> {
    let population = People::generate(people, seed);
    let everyone: Vec<usize> = (0..people).chain(0..people / 5).collect();
    let delivery = population.identifier_rows(&everyone, seed + 1, &ErrorProfile::hard());
    vec![
        lines(&delivery.csv, "d"),
        lines(&population.register_rows(), "r"),
    ]
}

fn resources() -> Resources {
    Resources {
        threads: NonZeroUsize::MIN,
        memory_bytes: u64::MAX,
    }
}

fn values(line: &Line) -> Vec<Option<&str>> {
    line.1.iter().map(Option::as_deref).collect()
}

fn intake(spec: Spec, files: &[Vec<Line>]) -> (Intake, Vec<Vec<String>>) {
    let mut intake = Intake::new(spec).unwrap();
    for (file, lines) in files.iter().enumerate() {
        for line in lines {
            intake.push(file, &values(line)).unwrap();
        }
    }
    let ids = |lines: &Vec<Line>| lines.iter().map(|line| line.0.clone()).collect();
    (intake, files.iter().map(ids).collect())
}

fn keep(spec: Spec, files: &[Vec<Line>]) -> (Linkage, KeptSpine) {
    let (intake, ids) = intake(spec, files);
    let id = |(file, row): Record| Some(ids[usize::from(file)][row as usize].clone());
    intake.link_and_keep(&id, resources(), &mut Quiet).unwrap()
}

fn deliver(kept: &mut KeptSpine, lines: &[(usize, &Line)]) -> Delivered {
    for (file, line) in lines {
        let limits = Settings::standard();
        kept.push(*file, &line.0, &values(line), &limits).unwrap();
    }
    kept.link(&Settings::standard(), resources(), &mut Quiet)
        .unwrap()
}

/// Joins by the ids of their records: bits of the weight, and the step.
type Joins = BTreeMap<(String, String), (u64, JoinStep)>;

fn pair(kept: &KeptSpine, join: &Join) -> (String, String) {
    let id = |record| kept.id(record).unwrap().to_owned();
    let (a, b) = (id((join.file_l, join.row_l)), id((join.file_r, join.row_r)));
    if a < b { (a, b) } else { (b, a) }
}

fn by_id(kept: &KeptSpine, joins: &[Join]) -> Joins {
    joins
        .iter()
        .map(|join| (pair(kept, join), (join.match_weight.to_bits(), join.step)))
        .collect()
}

/// All joins and all persons, worked out at once.
fn whole(kept: &KeptSpine) -> (Joins, BTreeSet<Vec<String>>) {
    let joins = kept.whole();
    let threshold = kept.threshold_probability();
    let persons = cluster::grouped(&kept.rows(), &kept.one, &joins, threshold);
    let mut groups = vec![Vec::new(); persons.count as usize];
    for (file, rows) in persons.of.iter().enumerate() {
        for (row, person) in rows.iter().enumerate() {
            let id = kept.id((file as u16, row as u32)).unwrap();
            groups[*person as usize].push(id.to_owned());
        }
    }
    let groups = groups.into_iter().map(|mut group| {
        group.sort_unstable();
        group
    });
    (by_id(kept, &joins), groups.collect())
}

/// What a reader knows who hears of changes only.
#[derive(Default)]
struct Reader {
    joins: Joins,
    ledger: Ledger,
}

impl Reader {
    fn start(linkage: &Linkage, kept: &KeptSpine) -> Self {
        let mut reader = Self {
            joins: by_id(kept, &linkage.joins),
            ledger: Ledger::new(),
        };
        let mut groups = vec![Vec::new(); linkage.persons_count as usize];
        for (file, rows) in linkage.persons.iter().enumerate() {
            for (row, person) in rows.iter().enumerate() {
                groups[*person as usize].push((file as u16, row as u32));
            }
        }
        reader.take(&groups, Reason::Start);
        reader
    }

    fn take(&mut self, groups: &[Vec<Record>], reason: Reason) {
        let step = Step {
            time_ms: 0,
            reason,
            segment_bytes: 0,
            entries: self.ledger.entries(groups),
        };
        self.ledger = std::mem::take(&mut self.ledger).apply(&step).unwrap();
    }

    fn hear(&mut self, kept: &KeptSpine, delivered: &Delivered) {
        for moved in &delivered.joins {
            assert_ne!(moved.before, moved.after);
            if let Some(before) = &moved.before {
                let known = self.joins.remove(&pair(kept, before));
                assert_eq!(known, Some((before.match_weight.to_bits(), before.step)));
            }
            if let Some(after) = &moved.after {
                let told = (after.match_weight.to_bits(), after.step);
                assert_eq!(self.joins.insert(pair(kept, after), told), None);
            }
        }
        self.take(&delivered.persons, Reason::Delivery);
    }

    fn persons(&self, kept: &KeptSpine) -> BTreeSet<Vec<String>> {
        let mut groups = BTreeMap::<u64, Vec<String>>::new();
        for (file, rows) in kept.rows().into_iter().enumerate() {
            for row in 0..rows {
                let record = (file as u16, row as u32);
                let person = self.ledger.person(record).unwrap();
                let id = kept.id(record).unwrap().to_owned();
                groups.entry(person).or_default().push(id);
            }
        }
        assert_eq!(self.ledger.persons(), groups.len() as u64);
        let groups = groups.into_values().map(|mut group| {
            group.sort_unstable();
            group
        });
        groups.collect()
    }
}

/// A spine of the same model and names that holds no record.
fn bare(segment: &[u8]) -> KeptSpine {
    let mut bare = KeptSpine::read(segment).unwrap();
    for file in &mut bare.coded.files {
        file.rows.clear();
        file.extras.iter_mut().for_each(Vec::clear);
    }
    bare.ids.iter_mut().for_each(|ids| *ids = Ids::default());
    bare.fits.iter_mut().for_each(|fit| fit.edges.clear());
    bare.before.rows.fill(0);
    bare
}

fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for at in (1..items.len()).rev() {
        items.swap(at, random.below(at as u64 + 1) as usize);
    }
}

/// Starts from a part of the files and delivers the rest: at once, in several deliveries of any sizes and order, and
/// everything to the bare model. All three must come to the same bits, whether one looks at it all or heard of the
/// changes alone.
fn try_splits(spec: &Spec, files: &[Vec<Line>], seed: u64) -> (usize, usize) {
    let mut random = Random::new(seed);
    let (mut first, mut rest) = (vec![Vec::new(); files.len()], Vec::new());
    for (file, lines) in files.iter().enumerate() {
        for line in lines {
            if random.below(100) < 70 {
                first[file].push(line.clone());
            } else {
                rest.push((file, line));
            }
        }
    }
    let (linkage, kept) = keep(spec.clone(), &first);
    let segment = kept.segment().unwrap();
    let start = by_id(&kept, &linkage.joins);

    let mut at_once = KeptSpine::read(&segment).unwrap();
    assert_eq!(
        whole(&at_once),
        whole(&kept),
        "what was written is what is read"
    );
    let mut reader = Reader::start(&linkage, &kept);
    let delivered = deliver(&mut at_once, &rest);
    reader.hear(&at_once, &delivered);
    let (joins, persons) = whole(&at_once);
    assert_eq!(reader.joins, joins, "local changes");
    assert_eq!(reader.persons(&at_once), persons);

    let mut all: Vec<(usize, &Line)> = files
        .iter()
        .enumerate()
        .flat_map(|(file, lines)| lines.iter().map(move |line| (file, line)))
        .collect();
    shuffle(&mut all, &mut random);
    let mut batch = bare(&segment);
    let _ = deliver(&mut batch, &all);
    assert_eq!(whole(&batch), (joins.clone(), persons.clone()), "a batch");

    shuffle(&mut rest, &mut random);
    let mut bytes = segment;
    let mut reader = Reader::start(&linkage, &kept);
    while !rest.is_empty() {
        let now = rest.split_off(
            rest.len() - (random.below(rest.len() as u64 / 2 + 2) as usize).min(rest.len()),
        );
        let mut kept = KeptSpine::read(&bytes).unwrap();
        let delivered = deliver(&mut kept, &now);
        reader.hear(&kept, &delivered);
        assert_eq!(reader.joins, whole(&kept).0, "local changes of a part");
        bytes.extend(kept.segment().unwrap());
    }
    let parts = KeptSpine::read(&bytes).unwrap();
    assert_eq!(reader.joins, joins, "in parts");
    assert_eq!(reader.persons(&parts), persons);
    assert_eq!(whole(&parts), (joins.clone(), persons));
    let changed = start
        .iter()
        .filter(|(pair, told)| joins.get(*pair) != Some(*told));
    (joins.len(), changed.count())
}

#[test]
fn however_records_are_delivered_they_come_to_what_a_batch_does() {
    let mut changed = 0;
    for seed in 1..5 {
        let files = files(500, seed);
        let (joins, moved) = try_splits(&spec(LinkType::Link, 2), &files, seed);
        assert!(joins > 400, "{joins}");
        changed += moved;
    }
    assert!(
        changed > 20,
        "rivals that came later changed only {changed} joins"
    );
}

#[test]
fn repeats_within_one_file_come_to_what_a_batch_does() {
    let mut two = files(300, 7);
    let mut one = two.remove(0);
    one.extend(two.remove(0));
    let (joins, _) = try_splits(&spec(LinkType::Dedupe, 1), &[one], 7);
    assert!(joins > 200, "{joins}");
}

#[test]
fn three_files_come_to_what_a_batch_does() {
    let mut three = files(300, 8);
    let again = three[1]
        .iter()
        .map(|line| (format!("s{}", line.0), line.1.clone()));
    three.push(again.collect());
    let (joins, _) = try_splits(&spec(LinkType::Link, 3), &three, 8);
    assert!(joins > 500, "{joins}");
}

/// The engine's own keys are of codes, those of a spine of what values say: both bring the same pairs together.
#[test]
fn a_spine_finds_the_candidates_that_the_engine_finds() {
    let (_, kept) = keep(spec(LinkType::Link, 2), &files(400, 3));
    let keys = Keys::new(&kept.coded);
    let fit = &kept.fits[0];
    let (left, right) = (
        &kept.coded.files[fit.files.0],
        &kept.coded.files[fit.files.1],
    );
    let mut expected = BTreeSet::new();
    for rule in &fit.rules {
        let mut by_key = BTreeMap::<u32, Vec<usize>>::new();
        for row in 0..right.rows.len() {
            by_key
                .entry(keys.key(rule, right, row))
                .or_default()
                .push(row);
        }
        by_key.remove(&0);
        for row in 0..left.rows.len() {
            for other in by_key.get(&keys.key(rule, left, row)).into_iter().flatten() {
                expected.insert((row, *other));
            }
        }
    }
    let mut again = bare(&kept.segment().unwrap());
    std::mem::swap(&mut again.coded, &mut { kept }.coded);
    let says_all = again.candidates(0);
    assert!(expected.len() > 5_000);
    assert_eq!(says_all, expected);
}

#[test]
fn a_fixed_model_says_what_the_linkage_said_that_it_was_learned_in() {
    let files = files(1_500, 4);
    let (linkage, _) = keep(spec(LinkType::Link, 2), &files);
    let (intake, _) = intake(spec(LinkType::Link, 2), &files);
    let learned = intake.link(resources(), &mut Quiet).unwrap();
    let sure = |linkage: &Linkage| -> BTreeMap<(u32, u32), f64> {
        let sure = linkage.joins.iter().filter(|j| j.match_probability >= 0.95);
        sure.map(|j| ((j.row_l, j.row_r), j.match_weight)).collect()
    };
    let (kept, learned) = (sure(&linkage), sure(&learned));
    let apart = kept.keys().filter(|pair| !learned.contains_key(pair));
    let apart = apart.count() + learned.keys().filter(|p| !kept.contains_key(p)).count();
    assert!(
        learned.len() > 1_200 && apart <= 2,
        "{} {apart}",
        learned.len()
    );
    // A learned linkage hears rivals first under parameters that have not settled; with a few pairs more or fewer
    // rivals speak.
    let same = |(pair, weight): &(&(u32, u32), &f64)| {
        learned
            .get(*pair)
            .is_some_and(|other| (*weight - other).abs() < 1e-9)
    };
    let unmoved = kept.iter().filter(same).count();
    assert!(
        unmoved * 100 > kept.len() * 97,
        "{unmoved} of {}",
        kept.len()
    );
}

#[test]
fn an_id_that_the_spine_has_is_refused_by_its_place() {
    let files = files(60, 5);
    let (_, kept) = keep(spec(LinkType::Link, 2), &files);
    let segment = kept.segment().unwrap();
    let limits = Settings::standard();
    for known in [files[1][3].0.as_str(), "new"] {
        let mut kept = KeptSpine::read(&segment).unwrap();
        for id in ["new", known] {
            kept.push(1, id, &values(&files[1][3]), &limits).unwrap();
        }
        let refused = kept.link(&limits, resources(), &mut Quiet).unwrap_err();
        assert_eq!(refused, LinkError::KnownId { file: 1, row: 2 });
    }
}

#[test]
fn a_delivery_too_many_is_refused_by_the_name_of_its_limit() {
    let files = files(60, 5);
    let (_, kept) = keep(spec(LinkType::Link, 2), &files);
    let mut bytes = kept.segment().unwrap();
    let limits = Settings {
        deliveries_max: 1,
        ..Settings::standard()
    };
    for (number, expected) in [(0, None), (1, Some(LinkError::Deliveries { limit: 1 }))] {
        let mut kept = KeptSpine::read(&bytes).unwrap();
        let id = format!("n{number}");
        kept.push(0, &id, &values(&files[0][number]), &limits)
            .unwrap();
        let refused = kept.link(&limits, resources(), &mut Quiet).err();
        assert_eq!(refused, expected);
        bytes.extend(kept.segment().unwrap());
    }
}

#[test]
fn more_candidates_than_allowed_are_refused_before_they_are_compared() {
    let files = files(60, 5);
    let (_, kept) = keep(spec(LinkType::Link, 2), &files);
    let mut kept = KeptSpine::read(&kept.segment().unwrap()).unwrap();
    let limits = Settings {
        pairs_max: 1,
        ..Settings::standard()
    };
    for (row, line) in files[0].iter().enumerate() {
        kept.push(0, &format!("n{row}"), &values(line), &limits)
            .unwrap();
    }
    let refused = kept.link(&limits, resources(), &mut Quiet).unwrap_err();
    assert!(matches!(
        refused,
        LinkError::PairBudget { pairs_max: 1, .. }
    ));
}

#[test]
fn little_memory_changes_no_bit() {
    let files = files(400, 6);
    let (linkage, kept) = keep(spec(LinkType::Link, 2), &files);
    let (intake, ids) = intake(spec(LinkType::Link, 2), &files);
    let little = Resources {
        // Room for some of the pairs.
        memory_bytes: (kept.coded.held() + 192 * 880 + (17 << 20) + 200_000) as u64,
        ..resources()
    };
    let id = |(file, row): Record| Some(ids[usize::from(file)][row as usize].clone());
    let (sliced, _) = intake.link_and_keep(&id, little, &mut Quiet).unwrap();
    assert_eq!(by_id(&kept, &sliced.joins), by_id(&kept, &linkage.joins));
}

/// Every byte of a small spine is changed in turn; none is taken for what it was.
#[test]
fn a_changed_byte_is_refused_and_never_a_panic() {
    let (_, kept) = keep(spec(LinkType::Link, 2), &files(20, 9));
    let segment = kept.segment().unwrap();
    let step = segment.len() / 3_000 + 1;
    for at in (0..segment.len()).step_by(step) {
        let mut changed = segment.clone();
        changed[at] ^= 1 << (at % 8);
        let refused = KeptSpine::read(&changed).err();
        assert!(
            matches!(refused, Some(LinkError::BrokenSpine { .. })),
            "{at}"
        );
        let cut = KeptSpine::read(&segment[..at]).err();
        assert!(matches!(cut, Some(LinkError::BrokenSpine { .. })), "{at}");
    }
    let twice = [segment.clone(), segment].concat();
    assert!(KeptSpine::read(&twice).is_err(), "a second start");
}
