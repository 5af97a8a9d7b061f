//! The same rows as an extract, cut as every extract is.

use std::path::{Path, PathBuf};

use engine::Settings;
use engine::extract::{ColumnPlan, Kind, TablePlan, Transform, cut};
use frames::{Cells, Strings, Table, Values};

/// Writes the rows of the data file as payload, with a pseudonym for each person, and cuts the extract.
pub(crate) fn of(file: &Path, folder: &Path, settings: &Settings) -> PathBuf {
    let text = std::fs::read_to_string(file).unwrap();
    let rows: Vec<Vec<&str>> = text
        .lines()
        .skip(1)
        .map(|l| l.split(',').collect())
        .collect();
    let people = || rows.iter().map(|row| row[0].parse::<u64>().unwrap());
    let payload = folder.join("payload.parquet");
    let groups = Strings::of(rows.iter().map(|row| Some(row[1]))).unwrap();
    let ages: Cells<i64> = rows.iter().map(|row| row[2].parse().ok()).collect();
    let table = Table {
        columns: vec![
            (
                "record".into(),
                Values::Ordinal(people().map(Some).collect()),
            ),
            ("g".into(), Values::Text(groups)),
            ("x".into(), Values::Integer(ages)),
        ],
        notes: vec![],
    };
    frames::parquet::write(&payload, table).unwrap();
    let map = folder.join("map");
    let entries = (0..=people().max().unwrap())
        .flat_map(entry)
        .collect::<Vec<u8>>();
    std::fs::write(&map, entries).unwrap();
    let kept = |name: &str| ColumnPlan {
        name: name.into(),
        source: name.into(),
        transform: Transform::Keep,
    };
    let extract = folder.join("extract.duckdb");
    let plan = TablePlan {
        name: "visits".into(),
        payload,
        kinds: vec![("g".into(), Kind::Text), ("x".into(), Kind::Integer)],
        map,
        events: None,
        columns: vec![kept("g"), kept("x")],
        rows: vec![],
    };
    cut(settings, &extract, &[plan]).unwrap();
    extract
}

/// Record, a pseudonym as spread as a keyed one, and the band of a sure link.
fn entry(record: u64) -> Vec<u8> {
    let mixed = u128::from(record + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let mut entry = record.to_le_bytes().to_vec();
    entry.extend(mixed.to_be_bytes());
    entry.push(0);
    entry
}
