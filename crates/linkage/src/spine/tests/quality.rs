//! How well made-up people are linked, without labels.

use super::*;
use testkit::people::{Delivery, ErrorProfile, People, Population};

/// A CSV of identifiers without its record numbers; the ordinal is the row.
fn read(csv: &str) -> Records {
    let lines: Vec<&str> = csv
        .lines()
        .skip(1)
        .map(|line| line.split_once(',').unwrap().1)
        .collect();
    let mut records = file(&lines);
    records.ids = (0..lines.len() as u64).collect();
    records
}

struct Quality {
    precision: f64,
    recall: f64,
    f1: f64,
    false_links: u64,
}

/// The register's ordinal is the person, so the truth is at hand.
fn quality(links: &[Link], delivery: &Delivery, in_spine: &dyn Fn(usize) -> bool) -> Quality {
    let right = links
        .iter()
        .filter(|link| delivery.held[link.left as usize].person as u64 == link.spine)
        .count() as f64;
    let there = delivery
        .held
        .iter()
        .filter(|held| in_spine(held.person))
        .count() as f64;
    let (precision, recall) = (right / links.len() as f64, right / there);
    Quality {
        precision,
        recall,
        f1: 2.0 * precision * recall / (precision + recall),
        false_links: links.len() as u64 - right as u64,
    }
}

fn run(population: &Population, delivery: &Delivery, settings: &Settings) -> (Linked, Quality) {
    let (left, spine) = (read(&delivery.csv), read(&population.register_rows()));
    let start = std::time::Instant::now();
    let linked = link(&left, &spine, settings).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let quality = quality(&linked.links, delivery, &|_| true);
    println!(
        "{} x {}: precision {:.4} recall {:.4} F1 {:.4}, false links {}, {} pairs, {:?}, {seconds:.2} s",
        delivery.held.len(),
        population.people.len(),
        quality.precision,
        quality.recall,
        quality.f1,
        quality.false_links,
        linked
            .report
            .engine
            .as_ref()
            .map_or(0, |r| r.pairs[0].candidate_pairs),
        linked.report.links,
    );
    (linked, quality)
}

fn five_thousand() -> (Population, Vec<usize>) {
    (People::generate(5_000, 42), (0..5_000).collect())
}

#[test]
fn a_typical_delivery() {
    let (population, everyone) = five_thousand();
    let delivery = population.identifier_rows(&everyone, 7, &ErrorProfile::typical());
    let (linked, quality) = run(&population, &delivery, &Settings::standard());
    assert!(quality.f1 >= 0.97, "{:?}", linked.report);
    assert!(quality.precision >= 0.998, "{:?}", linked.report);
    // The same again, to the last bit.
    let (again, _) = run(&population, &delivery, &Settings::standard());
    assert_eq!(linked, again);
}

#[test]
fn no_numbers_at_all() {
    let (population, everyone) = five_thousand();
    let profile = ErrorProfile {
        chi_missing: 1.0,
        ..ErrorProfile::typical()
    };
    let delivery = population.identifier_rows(&everyone, 8, &profile);
    for left_file in [LeftFile::ManyPerPerson, LeftFile::OnePerPerson] {
        let settings = Settings {
            left_file,
            ..Settings::standard()
        };
        let (linked, quality) = run(&population, &delivery, &settings);
        assert_eq!(linked.report.links[&Step::ChiVerified], 0);
        assert!(
            quality.f1 >= 0.95 && quality.precision >= 0.995,
            "{:?}",
            linked.report
        );
    }
}

#[test]
fn clean_and_hard_deliveries() {
    let (population, everyone) = five_thousand();
    let delivery = population.identifier_rows(&everyone, 9, &ErrorProfile::clean());
    let (_, clean) = run(&population, &delivery, &Settings::standard());
    assert!(clean.f1 >= 0.98 && clean.precision >= 0.998);
    let delivery = population.identifier_rows(&everyone, 10, &ErrorProfile::hard());
    let (linked, hard) = run(&population, &delivery, &Settings::standard());
    assert!(
        hard.precision >= 0.99 && hard.recall >= 0.85,
        "{:?}",
        linked.report
    );
}

#[test]
fn people_who_are_not_in_the_spine_stay_unlinked() {
    let (population, everyone) = five_thousand();
    // Half of the people, taken one by one, so that families are split.
    let spine_people: Vec<usize> = everyone
        .iter()
        .copied()
        .filter(|who| who % 2 == 0)
        .collect();
    let delivery = population.identifier_rows(&everyone, 11, &ErrorProfile::typical());
    let register = population.register_rows();
    let mut lines = vec![register.lines().next().unwrap()];
    lines.extend(register.lines().skip(1).step_by(2));
    let mut spine = read(&lines.join("\n"));
    spine.ids = spine_people.iter().map(|who| *who as u64).collect();
    let linked = link(&read(&delivery.csv), &spine, &Settings::standard()).unwrap();
    let quality = quality(&linked.links, &delivery, &|who| who % 2 == 0);
    println!(
        "half in the spine: precision {:.4} recall {:.4}, false links {}",
        quality.precision, quality.recall, quality.false_links
    );
    assert!(quality.precision >= 0.995 && quality.recall >= 0.95);
}
