//! Ordinary statements, so that the share of those that a person must look at is known and does not grow.

use std::collections::BTreeMap;

use disclosure::{Policy, Verdict, check};

use super::{LIMITS, gather_raw};

const STATEMENTS: &str = include_str!("../../../../../tests/corpus/ordinary.sql");
const DEFAULT: &str = include_str!("../../../../../policies/disclosure/default.toml");

/// The most statements that go to a person: what was measured, 2 of 68 (2.9 %).
const REVIEWED_MAX: usize = 2;

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
#[expect(
    clippy::print_stdout,
    reason = "the share is shown to whoever asks for it"
)]
fn few_ordinary_statements_go_to_a_person() {
    let conn = register();
    let policy = Policy::parse(DEFAULT).unwrap();
    let statements: Vec<&str> = STATEMENTS
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect();
    assert!(statements.len() >= 60);
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    let mut reviewed = Vec::new();
    for sql in &statements {
        let evidence = gather_raw(&conn, "person", sql, LIMITS);
        let report = check(&evidence.unwrap_or_else(|e| panic!("{sql}: {e}")), &policy);
        *verdicts.entry(format!("{:?}", report.verdict)).or_default() += 1;
        if report.verdict == Verdict::Review {
            let cells = report.outputs.iter().flat_map(|output| &output.cells);
            let why = report
                .findings
                .iter()
                .chain(cells.flat_map(|cell| &cell.findings));
            let why = why.map(|finding| finding.detail.as_str()).next();
            reviewed.push(format!("{sql}\n    {}", why.unwrap_or_default()));
        }
    }
    let share = 100.0 * reviewed.len() as f64 / statements.len() as f64;
    println!(
        "{} statements, {verdicts:?}, {share:.1} % to a person",
        statements.len()
    );
    println!("{}", reviewed.join("\n"));
    assert!(reviewed.len() <= REVIEWED_MAX, "{}", reviewed.join("\n"));
}
