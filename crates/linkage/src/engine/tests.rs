use super::*;
use crate::observer::Quiet;
use crate::{ColumnSpec, FileSpec, Holds, Intake, LinkError, Role};
use std::num::NonZeroUsize;
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
    Spec::new(link_type, (0..files).map(file).collect())
}

fn intake(spec: Spec, files: &[String]) -> Intake {
    let mut intake = Intake::new(spec).unwrap();
    for (place, csv) in files.iter().enumerate() {
        for line in csv.lines().skip(1) {
            let values: Vec<Option<&str>> = line
                .split(',')
                .skip(1)
                .map(|value| Some(value).filter(|value| !value.is_empty()))
                .collect();
            intake.push(place, &values).unwrap();
        }
    }
    intake
}

/// As [`intake`], each file on a thread of its own.
fn intake_in_parts(spec: Spec, files: &[String]) -> Intake {
    let mut whole = Intake::new(spec.clone()).unwrap();
    let parts: Vec<Intake> = std::thread::scope(|scope| {
        let start = |(place, _): (usize, &String)| {
            let spec = spec.clone();
            scope.spawn(move || {
                let mut alone = vec![String::new(); files.len()];
                alone[place].clone_from(&files[place]);
                intake(spec, &alone)
            })
        };
        let threads: Vec<_> = files.iter().enumerate().map(start).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    for (place, part) in parts.into_iter().enumerate() {
        whole.take_over(place, part).unwrap();
    }
    whole
}

fn resources(threads: usize, memory_bytes: u64) -> Resources {
    Resources {
        threads: NonZeroUsize::new(threads).unwrap(),
        memory_bytes,
    }
}

/// A register, and a delivery about it.
fn files(people: usize) -> Vec<String> {
    let population = People::generate(people, 5);
    let everyone: Vec<usize> = (0..people).collect();
    let delivery = population.identifier_rows(&everyone, 6, &ErrorProfile::typical());
    vec![delivery.csv, population.register_rows()]
}

fn bits(linkage: &Linkage) -> String {
    let joins: Vec<(u32, u32, u64)> = linkage
        .joins
        .iter()
        .map(|join| (join.row_l, join.row_r, join.match_weight.to_bits()))
        .collect();
    let model = serde_json::to_string(&linkage.model).unwrap();
    let report = serde_json::to_string(&linkage.report).unwrap();
    format!("{joins:?} {:?} {model} {report}", linkage.persons)
}

#[test]
fn neither_threads_nor_memory_change_a_bit() {
    let files = files(3_000);
    // From all records, and from a sample.
    for training_pairs_max in [1_000_000, 20_000] {
        let try_run = |threads, memory| {
            let mut spec = spec(LinkType::Link, 2);
            spec.settings.training_pairs_max = training_pairs_max;
            intake(spec, &files).link(resources(threads, memory), &mut Quiet)
        };
        let run = |threads, memory| bits(&try_run(threads, memory).unwrap());
        let whole = run(1, u64::MAX);
        for threads in [2, 3, 7] {
            assert!(whole == run(threads, u64::MAX), "{threads} threads");
        }
        for threads in [1, 2, 7] {
            // Only just enough, so that it works in slices.
            let Some(LinkError::Memory { needed, .. }) = try_run(threads, 1).err() else {
                panic!("one byte is too little")
            };
            assert!(whole == run(threads, needed), "{threads} threads in slices");
        }
    }
}

#[test]
fn files_read_apart_are_as_if_read_one_after_the_other() {
    let two = files(1_500);
    // The third file repeats words of the others and brings its own.
    let three = vec![two[0].clone(), two[1].clone(), files(1_900)[0].clone()];
    let mut spec = spec(LinkType::Link, 3);
    for (file, role) in [(0, Role::Field), (2, Role::Field)] {
        // An address as a field besides: a column of texts.
        spec.files[file].columns[6].role = role;
    }
    let run = |intake: Intake| bits(&intake.link(resources(2, u64::MAX), &mut Quiet).unwrap());
    let whole = run(intake(spec.clone(), &three));
    assert!(whole == run(intake_in_parts(spec, &three)));
}

/// Without the rivals of its records a sample taught that look-alikes are matches.
#[test]
fn a_sample_and_its_rivals_teach_what_all_records_do() {
    let files = files(6_000);
    let run = |training_pairs_max| {
        let mut spec = spec(LinkType::Link, 2);
        spec.settings.training_pairs_max = training_pairs_max;
        let linkage = intake(spec, &files)
            .link(resources(1, u64::MAX), &mut Quiet)
            .unwrap();
        let joins = linkage.joins.iter().filter(|j| j.match_probability >= 0.95);
        let joins: std::collections::BTreeSet<(u32, u32)> =
            joins.map(|join| (join.row_l, join.row_r)).collect();
        joins
    };
    let (all, some) = (run(100_000_000), run(20_000));
    let apart = all.symmetric_difference(&some).count();
    assert!(all.len() > 5_800 && apart < 60, "{} {apart}", all.len());
}

#[test]
fn too_little_memory_is_refused_in_words() {
    let files = files(300);
    let refused = intake(spec(LinkType::Link, 2), &files).link(resources(1, 1_000_000), &mut Quiet);
    assert!(matches!(
        refused.err(),
        Some(LinkError::Memory {
            allowed: 1_000_000,
            ..
        })
    ));
}

struct After(usize);

impl Observer for After {
    fn cancelled(&mut self) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 == 0
    }
}

#[test]
fn cancelling_ends_the_linkage() {
    let files = files(300);
    for after in 1..4 {
        let ended =
            intake(spec(LinkType::Link, 2), &files).link(resources(1, u64::MAX), &mut After(after));
        assert_eq!(ended.err(), Some(LinkError::Cancelled));
    }
}

#[test]
fn a_register_is_known_as_one_and_no_person_has_two_of_its_records() {
    let files = files(2_000);
    let linkage = intake(spec(LinkType::Link, 2), &files)
        .link(resources(1, u64::MAX), &mut Quiet)
        .unwrap();
    assert_eq!(linkage.report.files[1].holds, Holds::One);
    let mut register = linkage.persons[1].clone();
    register.sort_unstable();
    register.dedup();
    assert_eq!(register.len(), linkage.persons[1].len());
}

#[test]
fn three_files_are_joined_to_persons() {
    let two = files(800);
    let three = vec![two[0].clone(), two[1].clone(), two[1].clone()];
    let linkage = intake(spec(LinkType::Link, 3), &three)
        .link(resources(1, u64::MAX), &mut Quiet)
        .unwrap();
    // The second and the third file are the same register.
    let same = linkage.persons[1]
        .iter()
        .zip(&linkage.persons[2])
        .filter(|(a, b)| a == b)
        .count();
    assert!(same >= 790, "{same}");
}

#[test]
fn repeats_within_one_file_are_found() {
    let two = files(1_000);
    let mut one = two[1].clone();
    one.push_str(&two[0].lines().skip(1).collect::<Vec<_>>().join("\n"));
    let linkage = intake(spec(LinkType::Dedupe, 1), &[one])
        .link(resources(1, u64::MAX), &mut Quiet)
        .unwrap();
    let joined = linkage
        .joins
        .iter()
        .filter(|join| join.row_l < 1_000 && join.row_r >= 1_000);
    assert!(joined.count() >= 900);
    assert!(linkage.joins.iter().all(|join| join.row_l < join.row_r));
}

#[test]
fn a_report_counts_what_it_says() {
    let files = files(1_500);
    let linkage = intake(spec(LinkType::Link, 2), &files)
        .link(resources(1, u64::MAX), &mut Quiet)
        .unwrap();
    let report = &linkage.report;
    let threshold = report.threshold_probability;
    let sure = linkage
        .joins
        .iter()
        .filter(|join| join.match_probability >= threshold)
        .count() as u64;
    assert_eq!(report.joins_by_step.values().sum::<u64>(), sure);
    assert_eq!(
        report.joins_below_threshold + sure,
        linkage.joins.len() as u64
    );
    for (place, file) in report.files.iter().enumerate() {
        let groups = report
            .groups
            .iter()
            .filter(|g| g.by == "sex" && g.file == file.name);
        assert_eq!(groups.map(|group| group.records).sum::<u64>(), file.records);
        assert_eq!(linkage.persons[place].len() as u64, file.records);
    }
    let pair = &report.pairs[0];
    let new: u64 = pair.blocking.iter().map(|rule| rule.new_pairs).sum();
    assert_eq!(new, pair.candidate_pairs);
    assert!(pair.candidate_recall > 0.9);
    let example = &report.examples[0];
    let sum: f64 = example.steps.iter().map(|(_, _, bits)| bits).sum();
    assert!((sum - example.match_weight).abs() < 1e-6);
    let sizes: u64 = report
        .clusters
        .sizes
        .iter()
        .map(|(size, count)| size * count)
        .sum();
    assert_eq!(
        sizes,
        report.files.iter().map(|file| file.records).sum::<u64>()
    );
}
