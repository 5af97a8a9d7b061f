//! Compares a new table with a thousand earlier ones over a million people, and says what it took to read
//! them and to compare.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    reason = "a measuring program speaks on standard output and may stop"
)]

use disclosure::difference::{About, CellPeople, Comparison, Isolated, Release, Treatment};

struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }
}

/// A table that cuts `population` people by some of their attributes.
fn table(name: &str, attributes: &[Vec<u8>], by: &[usize], left_out: &[u32]) -> Release {
    let population = attributes[0].len();
    let mut cells: std::collections::BTreeMap<Vec<u8>, Vec<u32>> = Default::default();
    let mut out = left_out.iter().peekable();
    for person in 0..population {
        if out.next_if(|p| **p as usize == person).is_some() {
            continue;
        }
        let value = |attribute: &usize| attributes[*attribute][person];
        let key: Vec<u8> = by.iter().map(value).collect();
        cells.entry(key).or_default().push(person as u32);
    }
    let cells = cells
        .into_iter()
        .map(|(key, people)| CellPeople {
            key: format!("{key:?}"),
            value: Some(people.len() as f64),
            people,
        })
        .collect();
    let about = About {
        name: name.to_owned(),
        date: String::new(),
        measure: "people".to_owned(),
        data_version: "1".to_owned(),
        treatment: Treatment::Exact,
    };
    Release::new(about, population, cells).unwrap()
}

fn cpu_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse().ok())
        .collect();
    ticks.iter().sum::<f64>() / 100.0
}

fn main() {
    let args: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|a| a.parse().ok())
        .collect();
    let (tables, population) = match args.as_slice() {
        [tables, population] => (*tables, *population),
        _ => (1_000, 1_000_000),
    };
    println!(
        "{:26} {:>7} {:>9} {:>6} {:>8} {:>10} {:>11} {:>9} {:>5}",
        "attributes",
        "tables",
        "people",
        "cells",
        "read",
        "compare",
        "both, CPU s",
        "isolated",
        "near"
    );
    for (name, sizes) in [
        (
            "20 by 10, independent",
            &[20_u64, 10, 14, 14, 25, 8, 12, 16][..],
        ),
        ("5 by 4, independent", &[5, 4, 3, 6, 2, 7, 4, 5]),
    ] {
        let mut dice = Dice(7);
        let attributes: Vec<Vec<u8>> = sizes
            .iter()
            .map(|n| (0..population).map(|_| dice.below(*n) as u8).collect())
            .collect();
        // Everybody but three.
        let new = table("this", &attributes, &[0, 1], &[5, 6, 7]);
        // Forty tables that come round again: made once, compared each time.
        let pool: Vec<Release> = (0..40.min(tables))
            .map(|_| {
                let a = dice.below(4) as usize * 2;
                let left_out: Vec<u32> = (0..dice.below(3) * 20)
                    .map(|p| p as u32 * 11 + 100)
                    .collect();
                table("old", &attributes, &[a, a + 1], &left_out)
            })
            .collect();
        let bytes: Vec<Vec<u8>> = pool.iter().map(Release::to_bytes).collect();
        let start = cpu_s();
        for bytes in &bytes {
            Release::from_bytes(bytes).unwrap();
        }
        let reading = (cpu_s() - start) * tables as f64 / pool.len() as f64;
        let mut comparison = Comparison::new(&new, 10);
        let start = cpu_s();
        for number in 0..tables {
            comparison.add(&pool[number % pool.len()]);
        }
        let found = comparison.finish();
        let comparing = cpu_s() - start;
        let count = |how| found.iter().filter(|f| f.how == how).count();
        println!(
            "{name:26} {tables:>7} {population:>9} {:>6} {reading:>8.2} {comparing:>10.2} {:>11.2} {:>9} {:>5}",
            new.cells().len(),
            reading + comparing,
            count(Isolated::Exactly),
            count(Isolated::Near),
        );
    }
}
