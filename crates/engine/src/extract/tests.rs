use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// One payload row as text; `None` is missing. Days are ISO dates.
#[derive(Debug, Clone)]
struct Row {
    record: Option<u64>,
    born: Option<String>,
    seen: Option<String>,
    code: Option<String>,
    postcode: Option<String>,
    stay: Option<i64>,
}

const KINDS: [(&str, Kind); 5] = [
    ("born", Kind::DateOfBirth),
    ("seen", Kind::Date),
    ("code", Kind::Text),
    ("postcode", Kind::Postcode),
    ("stay", Kind::Integer),
];

fn settings(folder: &Path) -> Settings {
    Settings {
        memory_mib: 256,
        threads: 2,
        spill: folder.join("spill"),
        spill_mib: 64,
    }
}

fn write_payload(path: &Path, rows: &[Row]) {
    let db = duckdb::Connection::open_in_memory().unwrap();
    db.execute_batch("create table p (record ubigint, born date, seen date, code varchar, postcode varchar, stay bigint)")
        .unwrap();
    for r in rows {
        db.execute(
            "insert into p values (?, ?, ?, ?, ?, ?)",
            duckdb::params![r.record, r.born, r.seen, r.code, r.postcode, r.stay],
        )
        .unwrap();
    }
    db.execute_batch(&format!(
        "copy p to {} (format parquet)",
        quote::path(path).unwrap()
    ))
    .unwrap();
}

/// Record `r` belongs to person `r / 2`; person 0 has no link.
fn pseudonym(record: u64) -> Option<[u8; 16]> {
    let person = record / 2;
    (person > 0).then(|| [(200 - person * 7) as u8; 16])
}

fn write_map(path: &Path, records: u64) {
    let mut bytes = Vec::new();
    for record in 0..records {
        if let Some(person) = pseudonym(record) {
            bytes.extend_from_slice(&record.to_le_bytes());
            bytes.extend_from_slice(&person);
            bytes.push(3);
        }
    }
    std::fs::write(path, bytes).unwrap();
}

fn plan_for(folder: &Path, columns: &[(&str, &str, Transform)], rows: Vec<RowFilter>) -> TablePlan {
    TablePlan {
        name: "stays".into(),
        payload: folder.join("payload.parquet"),
        kinds: KINDS
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), *kind))
            .collect(),
        map: folder.join("map"),
        events: None,
        columns: columns
            .iter()
            .map(|(name, source, transform)| ColumnPlan {
                name: (*name).into(),
                source: (*source).into(),
                transform: transform.clone(),
            })
            .collect(),
        rows,
    }
}

fn age_at() -> Transform {
    Transform::AgeAt {
        date: "seen".into(),
    }
}

fn all_columns() -> Vec<(&'static str, &'static str, Transform)> {
    vec![
        ("age", "born", age_at()),
        ("month", "seen", Transform::YearMonth),
        ("year", "born", Transform::Year),
        ("district", "postcode", Transform::PostcodeDistrict),
        ("area", "postcode", Transform::PostcodeArea),
        ("nth", "seen", Transform::Order),
        ("stay", "stay", Transform::Keep),
    ]
}

fn read(target: &Path, table: &str) -> Vec<Vec<Option<String>>> {
    let config = duckdb::Config::default()
        .access_mode(duckdb::AccessMode::ReadOnly)
        .unwrap();
    let db = duckdb::Connection::open_with_flags(target, config).unwrap();
    let mut statement = db
        .prepare(&format!("select columns(*)::varchar from {table}"))
        .unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut out = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let width = row.as_ref().column_count();
        out.push(
            (0..width)
                .map(|i| row.get::<_, Option<String>>(i).unwrap())
                .collect(),
        );
    }
    out
}

fn ymd(date: &str) -> (i32, i32, i32) {
    let n: Vec<i32> = date.split('-').map(|p| p.parse().unwrap()).collect();
    (n[0], n[1], n[2])
}

fn reference_age(born: &str, seen: &str) -> Option<i32> {
    let (b, s) = (ymd(born), ymd(seen));
    if s < b {
        return None;
    }
    let years = s.0 - b.0 - i32::from((s.1, s.2) < (b.1, b.2));
    Some(years.min(90))
}

/// The same cut in plain Rust; also counts (unlinked, filtered).
fn reference(rows: &[Row], keep: impl Fn(&Row) -> bool) -> (Vec<Vec<Option<String>>>, u64, u64) {
    let (mut unlinked, mut filtered) = (0, 0);
    let mut by_person: BTreeMap<String, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        match row.record.and_then(pseudonym) {
            None => unlinked += 1,
            Some(_) if !keep(row) => filtered += 1,
            Some(person) => by_person.entry(hex(&person)).or_default().push(row),
        }
    }
    let mut out = Vec::new();
    for (person, rows) in by_person {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|&i| (rows[i].seen.is_none(), rows[i].seen.clone(), i));
        for (index, row) in rows.iter().enumerate() {
            let nth = order.iter().position(|&i| i == index).unwrap() + 1;
            let age = row
                .born
                .as_ref()
                .zip(row.seen.as_ref())
                .and_then(|(b, s)| reference_age(b, s));
            let district = row
                .postcode
                .as_ref()
                .map(|p| p.split(' ').next().unwrap().to_owned());
            out.push(vec![
                Some(person.clone()),
                age.map(|a| a.to_string()),
                row.seen.as_ref().map(|s| format!("{}-01", &s[..7])),
                row.born.as_ref().map(|b| ymd(b).0.to_string()),
                district.clone(),
                district.map(|d| d.chars().take_while(char::is_ascii_alphabetic).collect()),
                Some(nth.to_string()),
                row.stay.map(|s| s.to_string()),
            ]);
        }
    }
    (out, unlinked, filtered)
}

fn date() -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(
        0.9,
        (1905..2025_i32, 1..=12_i32, 1..=31_i32).prop_map(|(y, m, d)| {
            let leap = y % 4 == 0;
            let last = match m {
                2 if leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            format!("{y:04}-{m:02}-{:02}", d.min(last))
        }),
    )
}

fn row() -> impl Strategy<Value = Row> {
    (
        prop::option::weighted(0.9, 0..12_u64),
        date(),
        date(),
        prop::option::of(prop::sample::select(vec!["a", "b", "it's"])),
        prop::option::of(prop::sample::select(vec!["EH16 4SA", "G1 1AA", "SW1A 2AA"])),
        prop::option::of(-3..20_i64),
    )
        .prop_map(|(record, born, seen, code, postcode, stay)| Row {
            record,
            born,
            seen,
            code: code.map(str::to_owned),
            postcode: postcode.map(str::to_owned),
            stay,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn the_extract_is_what_plain_code_would_cut(rows in prop::collection::vec(row(), 1..60)) {
        let folder = tempfile::tempdir().unwrap();
        write_payload(&folder.path().join("payload.parquet"), &rows);
        write_map(&folder.path().join("map"), 12);
        let filters = vec![
            RowFilter::In { column: "code".into(), values: vec!["a".into(), "it's".into()] },
            RowFilter::Between { column: "stay".into(), from: "0".into(), to: "15".into() },
        ];
        for (name, filters) in [("all", Vec::new()), ("some", filters)] {
            let wanted = !filters.is_empty();
            let keep = |row: &Row| !wanted || (
                matches!(row.code.as_deref(), Some("a" | "it's")) && row.stay.is_some_and(|s| (0..=15).contains(&s))
            );
            let target = folder.path().join(format!("{name}.duckdb"));
            let plan = plan_for(folder.path(), &all_columns(), filters);
            let cuts = cut(&settings(folder.path()), &target, &[plan]).unwrap();
            let (want, unlinked, filtered) = reference(&rows, keep);
            prop_assert_eq!(cuts[0].rows, want.len() as u64);
            prop_assert_eq!((cuts[0].unlinked, cuts[0].filtered), (unlinked, filtered));
            let people: std::collections::BTreeSet<_> = want.iter().map(|r| r[0].clone()).collect();
            prop_assert_eq!(cuts[0].people, people.len() as u64);
            prop_assert_eq!(read(&target, "stays"), want);
        }
    }
}

#[test]
fn ages_across_birthdays_leap_days_and_the_top() {
    for (born, seen, age) in [
        ("1980-06-15", "2020-06-14", Some(39)),
        ("1980-06-15", "2020-06-15", Some(40)),
        ("2000-02-29", "2001-02-28", Some(0)),
        ("2000-02-29", "2001-03-01", Some(1)),
        ("2000-02-29", "2004-02-28", Some(3)),
        ("2000-02-29", "2004-02-29", Some(4)),
        ("2000-01-31", "2001-01-30", Some(0)),
        ("2020-12-31", "2020-12-31", Some(0)),
        ("2020-12-31", "2020-12-30", None),
        ("1930-01-02", "2020-01-01", Some(89)),
        ("1930-01-02", "2020-01-02", Some(90)),
        ("1905-01-01", "2020-01-01", Some(90)),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let row = Row {
            record: Some(2),
            born: Some(born.into()),
            seen: Some(seen.into()),
            code: None,
            postcode: None,
            stay: None,
        };
        write_payload(&folder.path().join("payload.parquet"), &[row]);
        write_map(&folder.path().join("map"), 12);
        let plan = plan_for(folder.path(), &[("age", "born", age_at())], Vec::new());
        let target = folder.path().join("e.duckdb");
        cut(&settings(folder.path()), &target, &[plan]).unwrap();
        let text = age.map(|a: i32| a.to_string());
        assert_eq!(read(&target, "stays")[0][1], text, "{born} {seen}");
        assert_eq!(reference_age(born, seen), age);
    }
}

fn small(folder: &Path) {
    let row = |record, stay| Row {
        record,
        born: Some("1980-01-01".into()),
        seen: Some("2020-01-01".into()),
        code: Some("SECRETCODE".into()),
        postcode: Some("EH16 4SA".into()),
        stay: Some(stay),
    };
    write_payload(
        &folder.join("payload.parquet"),
        &[row(Some(3), 30), row(Some(2), 20), row(None, 1)],
    );
    write_map(&folder.join("map"), 12);
}

#[test]
fn events_stay_with_their_rows_and_nothing_else_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path());
    let events: Vec<u8> = (1..=3_u8).flat_map(|n| [n; 16]).collect();
    std::fs::write(folder.path().join("events"), events).unwrap();
    let mut plan = plan_for(
        folder.path(),
        &[("stay", "stay", Transform::Keep)],
        Vec::new(),
    );
    plan.events = Some(folder.path().join("events"));
    let target = folder.path().join("e.duckdb");
    let cuts = cut(&settings(folder.path()), &target, &[plan]).unwrap();
    assert_eq!(cuts[0].columns, ["person", "event", "stay"]);
    let person = hex(&pseudonym(2).unwrap());
    let got: Vec<Vec<String>> = read(&target, "stays")
        .into_iter()
        .map(|r| r.into_iter().flatten().collect())
        .collect();
    assert_eq!(
        got,
        [
            [person.clone(), "01".repeat(16), "30".into()],
            [person, "02".repeat(16), "20".into()]
        ]
    );
    let bytes = std::fs::read(&target).unwrap();
    assert!(
        !bytes.windows(10).any(|w| w == b"SECRETCODE"),
        "columns that are not approved stay out"
    );
    assert!(!bytes.windows(7).any(|w| w == b"EH16 4S"));
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().ends_with(".wal")),
        "{left:?}"
    );
}

#[test]
fn plans_that_do_not_fit_are_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path());
    let said = |change: &dyn Fn(&mut TablePlan)| {
        let mut plan = plan_for(folder.path(), &[("c", "stay", Transform::Keep)], Vec::new());
        change(&mut plan);
        let target = folder.path().join("refused.duckdb");
        let error = cut(&settings(folder.path()), &target, &[plan])
            .unwrap_err()
            .to_string();
        drop(std::fs::remove_file(&target));
        assert!(!error.contains("SECRET"), "{error}");
        error
    };
    let source = |name: &'static str, transform: Transform| {
        move |plan: &mut TablePlan| {
            plan.columns[0].source = name.into();
            plan.columns[0].transform = transform.clone();
        }
    };
    for (change, sentence) in [
        (
            &source("born", Transform::Keep) as &dyn Fn(&mut TablePlan),
            "table stays: column c: a date of birth is never kept as it is",
        ),
        (
            &source("postcode", Transform::Keep),
            "table stays: column c: a postcode is never kept as it is",
        ),
        (
            &source("record", Transform::Keep),
            "table stays: its payload has no column record",
        ),
        (
            &source("stay", Transform::Year),
            "table stays: column c: its transform needs a date",
        ),
        (
            &source("code", Transform::PostcodeArea),
            "table stays: column c: its transform needs a postcode",
        ),
        (
            &|p: &mut TablePlan| p.columns[0].name = "Person".into(),
            "table stays: column Person is planned twice",
        ),
        (
            &|p: &mut TablePlan| {
                p.rows.push(RowFilter::In {
                    column: "stay".into(),
                    values: vec!["1 or 1=1".into()],
                })
            },
            "table stays: the condition on column stay has a value that is not of its type",
        ),
        (
            &|p: &mut TablePlan| {
                p.rows.push(RowFilter::In {
                    column: "stay".into(),
                    values: vec![],
                })
            },
            "table stays: the condition on column stay names no value",
        ),
        (
            &|p: &mut TablePlan| p.events = Some(p.map.clone()),
            "table stays: a file of pseudonyms is cut off",
        ),
    ] {
        assert_eq!(said(change), sentence);
    }
    let bytes = std::fs::read(folder.path().join("map")).unwrap();
    std::fs::write(folder.path().join("short"), &bytes[..30]).unwrap();
    std::fs::write(folder.path().join("twice"), [bytes.clone(), bytes].concat()).unwrap();
    std::fs::write(folder.path().join("few"), [0; 32]).unwrap();
    let named = |name: &str| folder.path().join(name);
    assert_eq!(
        said(&|p| p.map = named("short")),
        "table stays: a file of pseudonyms is cut off"
    );
    assert_eq!(
        said(&|p| p.map = named("twice")),
        "table stays: its map gives one record two pseudonyms"
    );
    assert_eq!(
        said(&|p| p.events = Some(named("few"))),
        "table stays: it has not one event pseudonym for each payload row"
    );
}

#[test]
fn two_tables_never_have_one_name() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path());
    let plan = plan_for(folder.path(), &[("c", "stay", Transform::Keep)], Vec::new());
    let mut other = plan.clone();
    other.name = "STAYS".into();
    let target = folder.path().join("e.duckdb");
    let error = cut(&settings(folder.path()), &target, &[plan, other]).unwrap_err();
    assert_eq!(error.to_string(), "table STAYS: it is planned twice");
    assert!(!target.exists());
}

#[test]
fn an_existing_file_is_never_written_to() {
    let folder = tempfile::tempdir().unwrap();
    small(folder.path());
    let target = folder.path().join("e.duckdb");
    std::fs::write(&target, "").unwrap();
    let plan = plan_for(folder.path(), &[("c", "stay", Transform::Keep)], Vec::new());
    assert!(cut(&settings(folder.path()), &target, &[plan]).is_err());
}
