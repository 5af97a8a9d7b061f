//! Ordinary statements, so that the share of those that a person must look at is known and does not grow.

use std::collections::BTreeMap;

use disclosure::{Policy, Verdict};

use super::joined::judged_as_a_whole;

const STATEMENTS: &str = include_str!("../../../../../tests/corpus/ordinary.sql");
const DEFAULT: &str = include_str!("../../../../../policies/disclosure/default.toml");

const ENCOUNTERS: &str = include_str!("../../../../../tests/corpus/encounters.sql");

/// The most statements that go to a person: what was measured.
const REVIEWED_MAX: usize = 2;
const ENCOUNTERS_REVIEWED_MAX: usize = 1;

/// 3,000 people with about two admissions and four tests each, by arithmetic.
fn register() -> duckdb::Connection {
    let conn = duckdb::Connection::open_in_memory().unwrap();
    conn.execute_batch(
        "create table patients as select p as person, case when p * 7919 % 100 < 52 then 'F' else 'M' end as sex,
           'R' || (p * 104729 % 6) as region, 18 + (p * 15485863 % 75)::integer as age,
           p * 1299709 % 10 < 3 as smoker, 1 + (p * 611953 % 5)::integer as deprivation,
           case when p * 86028121 % 20 = 0 then null when p % 40 = 1 then 'C' when p % 8 = 1 then 'B' else 'A' end as ethnicity,
           case when p % 25 = 3 then null else 17 + (p * 32452843 % 2300) / 100.0 end as bmi
         from range(1, 3001) t(p);
         create table admissions as select p as person, date '2021-01-01' + (p * 49979687 % 300 + e * 270)::integer as admitted,
           'S' || (p * (e + 3) * 7907 % 7) as specialty, (p + e) % 3 = 0 as emergency, (p * (e + 1) * 6037 % 20)::integer as days,
           100.0 + p * (e + 1) * 4001 % 9000 as cost, p % 23 = 0 and e = 2 as died
         from range(1, 3001) t(p), range(4) s(e) where e <= p % 4;
         create table tests as select p as person, case k when 0 then 'hba1c' when 1 then 'egfr' else 'ldl' end as test,
           (p * (k + 2) * 3571 % 1000) / 10.0 as value
         from range(1, 3001) t(p), range(3) s(k) where (p + k) % 5 > 0;",
    )
    .unwrap();
    conn
}

#[test]
fn few_ordinary_statements_go_to_a_person() {
    few_go_to_a_person(&register(), "person", STATEMENTS, REVIEWED_MAX);
}

/// The published encounters, as the table `encounters`, and the meanings of their admission types.
#[test]
fn few_ordinary_statements_over_real_encounters_go_to_a_person() {
    let shared =
        std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../../shared");
    let folder = shared.join("data/diabetes130");
    if !folder.exists() {
        eprintln!("skipped: the shared data folder is absent");
        return;
    }
    let conn = duckdb::Connection::open_in_memory().unwrap();
    conn.execute_batch(&format!(
        "create table encounters as from read_csv('{0}/encounters.csv.gz', sample_size = -1);
         create table admission_types as select column0::bigint as admission_type_id, column1 as description
         from read_csv('{0}/id_mappings.csv', header = false, names = ['column0', 'column1'], skip = 1, all_varchar = true, null_padding = true)
         limit 8;",
        folder.display()
    ))
    .unwrap();
    few_go_to_a_person(&conn, "patient_nbr", ENCOUNTERS, ENCOUNTERS_REVIEWED_MAX);
}

#[expect(
    clippy::print_stdout,
    reason = "the share is shown to whoever asks for it"
)]
fn few_go_to_a_person(conn: &duckdb::Connection, unit: &str, statements: &str, most: usize) {
    let policy = Policy::parse(DEFAULT).unwrap();
    let statements = statements.lines().filter(|line| !line.starts_with("--"));
    let (mut verdicts, mut all) = (BTreeMap::<String, usize>::new(), 0);
    let mut reviewed = Vec::new();
    for sql in statements {
        all += 1;
        let (_, report) = judged_as_a_whole(conn, unit, sql, &policy);
        *verdicts.entry(format!("{:?}", report.verdict)).or_default() += 1;
        if report.verdict == Verdict::Review {
            let cells = report.outputs.iter().flat_map(|output| &output.cells);
            let findings = cells.flat_map(|cell| &cell.findings);
            let mut why = report.findings.iter().chain(findings);
            let why = why.next().map(|finding| finding.detail.as_str());
            reviewed.push(format!("{sql}\n    {}", why.unwrap_or_default()));
        }
    }
    let share = 100.0 * reviewed.len() as f64 / f64::from(all);
    println!("{all} statements, {verdicts:?}, {share:.1} % to a person");
    println!("{}", reviewed.join("\n"));
    assert!(all >= 25);
    assert!(reviewed.len() <= most, "{}", reviewed.join("\n"));
}
