//! The reading of statements against a small hospital of 200 people.

mod corpus;
mod groups;
mod joined;
mod names;
mod odd;
mod ordinary;
mod reference;
mod request;
mod rules;
mod wider;

use disclosure::{Class, Evidence, Policy, Report, Verdict, check};

use super::{EvidenceError, Limits, gather_raw};

pub(super) const LIMITS: Limits = Limits {
    max_cells: 10_000,
    memory_mib: 1024,
};

/// 200 people, two stays each, by simple arithmetic so that counts can be worked out.
pub(super) fn hospital() -> duckdb::Connection {
    let conn = duckdb::Connection::open_in_memory().unwrap();
    conn.execute_batch(
        "create table admissions as select p as person, 1000 + 2 * p + e as event, e as encounter_order,
           case p % 3 when 0 then 'A' when 1 then 'B' else null end as race,
           '[' || (p % 4) * 10 || ')' as age, (p % 20) as discharge_disposition_id,
           (p * 7 % 100)::double as cost, (p % 10)::integer as ward,
           date '2020-01-01' + (p % 50)::integer as admitted, p % 2 = 0 as urgent
         from range(200) people(p), range(2) stays(e);
         create table outcomes as select person, event,
           case person % 4 when 0 then 'None' when 1 then '>8' when 2 then '>7' else 'Norm' end as a1cresult,
           case person % 8 when 1 then 'Ch' else 'No' end as change,
           case when person % 5 = 0 then '<30' when person % 5 = 1 then null else 'NO' end as readmitted
         from admissions;
         create table wards as select w as ward, 'ward ' || w % 2 as site from range(10) t(w);
         create table stays as select ward, 1 as n from wards union all select ward, 2 from wards;",
    )
    .unwrap();
    conn
}

pub(super) fn gather_in(conn: &duckdb::Connection, sql: &str) -> Result<Evidence, EvidenceError> {
    gather_raw(conn, "person", sql, LIMITS)
}

pub(super) fn policy(minimum: u64, zero: &str) -> Policy {
    Policy::parse(&format!(
        "name = \"t\"\n[threshold]\nminimum = {minimum}\nzero = \"{zero}\"\n"
    ))
    .unwrap()
}

pub(super) fn judged(conn: &duckdb::Connection, sql: &str) -> Report {
    check(&gather_in(conn, sql).unwrap(), &policy(10, "safe"))
}

/// People per cell as `key…|column=people`, in the order of the result.
pub(super) fn picture(evidence: &Evidence) -> Vec<String> {
    let mut lines = Vec::new();
    for group in &evidence.groups {
        let key: Vec<&str> = group.key.iter().map(|d| d.text().unwrap_or("-")).collect();
        for ((name, _), behind) in evidence.measures().zip(&group.behind) {
            lines.push(format!("{}|{name}={}", key.join(","), behind.people));
        }
    }
    lines
}

#[track_caller]
pub(super) fn reason(evidence: &Evidence) -> &str {
    match &evidence.class {
        Class::Untraceable { reason } => reason,
        Class::Table | Class::Rows => panic!("traced: {}", evidence.generated),
    }
}

#[test]
fn the_first_stay_of_each_person_by_test_result_is_traced() {
    let conn = hospital();
    let evidence = gather_in(
        &conn,
        "with first as (select * from admissions qualify row_number() over (partition by person order by encounter_order) = 1) select case when o.a1cresult = 'None' then 'not measured' when o.a1cresult = '>8' and o.change = 'Ch' then 'high, changed' when o.a1cresult='>8' then 'high, not changed' else 'normal' end as hba1c, count(*) as people, count(*) filter (where o.readmitted = '<30') as readmitted from first f join outcomes o on o.event = f.event and o.person = f.person where f.discharge_disposition_id not in (11,13,14,19,20,21) group by 1 order by 1",
    )
    .unwrap();
    assert_eq!(evidence.class, Class::Table, "{evidence:?}");
    // Of 200 people those with person % 20 in 11, 13, 14, 19 are left out: 160 remain,
    // and those of remainder 13 all had '>8'.
    assert_eq!(
        picture(&evidence),
        [
            "high, changed|people=20",
            "high, changed|readmitted=5",
            "high, not changed|people=20",
            "high, not changed|readmitted=5",
            "normal|people=70",
            "normal|readmitted=20",
            "not measured|people=50",
            "not measured|readmitted=10",
        ]
    );
    let report = check(&evidence, &policy(10, "unsafe"));
    assert_eq!(report.verdict, Verdict::Treat);
    assert_eq!(
        String::from_utf8(disclosure::to_csv(
            &report.outputs[0].columns,
            &report.outputs[0].rows
        ))
        .unwrap(),
        "hba1c,people,readmitted\n\"high, changed\",20,5\n\"high, not changed\",20,5\nnormal,70,20\nnot measured,50,10\n"
    );
    assert_eq!(
        check(&evidence, &policy(5, "unsafe")).verdict,
        Verdict::Pass
    );
}

#[test]
fn more_rows_than_the_memory_holds_are_not_counted() {
    let none = Limits {
        memory_mib: 0,
        ..LIMITS
    };
    let sql = "select ward, count(*) from admissions group by 1";
    let Class::Untraceable { reason } = gather_raw(&hospital(), "person", sql, none).unwrap().class
    else {
        panic!("counted without memory");
    };
    assert!(reason.contains("memory_mib, 0"), "{reason}");
}

#[test]
fn too_many_cells_are_refused_in_words() {
    let conn = hospital();
    let few = Limits {
        max_cells: 20,
        ..LIMITS
    };
    for sql in [
        "select event, count(*) from admissions group by 1",
        "select ward, age, count(*) from admissions group by all",
    ] {
        let said = gather_raw(&conn, "person", sql, few)
            .unwrap_err()
            .to_string();
        assert_eq!(
            said,
            "the table has more than 20 cells; group more coarsely"
        );
    }
}

#[test]
fn errors_hold_no_data() {
    let conn = hospital();
    let said = gather_in(
        &conn,
        "select cast(a1cresult as integer) as x, count(*) from outcomes group by 1",
    )
    .unwrap_err()
    .to_string();
    assert_eq!(said, "the statement failed while it ran: Conversion Error");
    let said = gather_in(&conn, "select count(*) from nowhere")
        .unwrap_err()
        .to_string();
    assert_eq!(said, "there is no table named nowhere");
    let said = gather_in(&conn, "selec count(*)").unwrap_err().to_string();
    assert!(said.starts_with("the statement cannot be parsed"), "{said}");
    let long = format!("select {} 1", "1,".repeat(40_000));
    assert!(matches!(
        gather_in(&conn, &long),
        Err(EvidenceError::TooLong)
    ));
}

#[test]
fn an_attached_extract_is_read_through_a_locked_connection() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("extract.duckdb");
    duckdb::Connection::open(&file)
        .unwrap()
        .execute_batch("create table a as select p as person, p % 2 as \"Odd\" from range(30) t(p)")
        .unwrap();
    let conn = duckdb::Connection::open_in_memory().unwrap();
    conn.execute_batch(&format!(
        "attach '{}' as extract (read_only); set search_path = 'memory.main,extract.main';
         set enable_external_access = false; set lock_configuration = true;",
        file.display()
    ))
    .unwrap();
    let sql = "select odd, count(*) as n from main.A group by 1 order by 1";
    assert_eq!(
        picture(&gather_in(&conn, sql).unwrap()),
        ["0|n=15", "1|n=15"]
    );
    // Two tables of one name: which is meant is not for us to guess.
    conn.execute_batch("create table a (person integer)")
        .unwrap();
    let evidence = gather_in(&conn, sql).unwrap();
    assert_eq!(reason(&evidence), "there are several tables named A");
}

#[test]
fn a_macro_that_shadows_count_is_noticed() {
    let conn = hospital();
    conn.execute_batch("create macro countif(x) as 1000")
        .unwrap();
    let evidence = gather_in(&conn, "select count(*) from admissions").unwrap();
    assert_eq!(reason(&evidence), "the connection defines countif anew");
}

#[test]
fn the_rows_are_what_the_statement_gives() {
    let conn = hospital();
    for sql in [
        "select race, count(*) as n, avg(cost) as c from admissions group by 1 order by n desc, race nulls first",
        "select ward % 2 = 0 as even, admitted, count(distinct person) as n from admissions group by all order by all",
        "select a.age, w.site, sum(cost) as s, round(100.0 * count(*) filter (where urgent) / count(*), 1) as pct from admissions a left join wards w using (ward) group by a.age, w.site order by 1, 2 desc limit 3 offset 1",
        "select age, count(*) as n from admissions group by age having count(*) > 99 order by age desc",
    ] {
        let evidence = gather_in(&conn, sql).unwrap();
        assert_eq!(evidence.class, Class::Table, "{sql}: {evidence:?}");
        let columns: Vec<String> = evidence
            .columns
            .iter()
            .map(|c| format!("{}::varchar", c.name))
            .collect();
        let direct = format!("select {} from ({sql})", columns.join(", "));
        let mut statement = conn.prepare(&direct).unwrap();
        let width = columns.len();
        let expected: Vec<Vec<Option<String>>> = statement
            .query_map([], |row| (0..width).map(|i| row.get(i)).collect())
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let report = check(&evidence, &policy(1, "safe"));
        let rows: Vec<Vec<Option<String>>> = report.outputs[0]
            .rows
            .iter()
            .map(|row| row.iter().map(|d| d.text().map(str::to_owned)).collect())
            .collect();
        assert_eq!(rows, expected, "{sql}");
    }
}

/// First stays after which the person lived at home (the selection of Strack and others, 2014).
#[test]
fn first_stays_of_the_real_encounters_are_traced() {
    let shared =
        std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../../shared");
    let file = shared.join("data/diabetes130/encounters.csv.gz");
    if !file.exists() {
        eprintln!("skipped: the shared data folder is absent");
        return;
    }
    let conn = duckdb::Connection::open_in_memory().unwrap();
    conn.execute_batch(&format!(
        "create table admissions as select patient_nbr as person, encounter_id as event, \
           encounter_id as encounter_order, race, discharge_disposition_id, A1Cresult as a1cresult, \
           change, readmitted from read_csv('{}', all_varchar = true);
         create table outcomes as select person, event, a1cresult, change, readmitted from admissions;",
        file.display()
    ))
    .unwrap();
    let core = "from (select * from admissions qualify row_number() over (partition by person order by encounter_order::bigint) = 1) f \
                join outcomes o on o.event = f.event and o.person = f.person \
                where f.discharge_disposition_id::integer not in (11,13,14,19,20,21)";
    let sql = format!(
        "select case when o.a1cresult = 'None' then 'not measured' else 'measured' end as hba1c, count(*) as people, \
         count(*) filter (where o.readmitted = '<30') as readmitted {core} group by 1 order by 1"
    );
    let evidence = gather_in(&conn, &sql).unwrap();
    let direct: Vec<String> = conn
        .prepare(&format!(
            "select (o.a1cresult <> 'None')::varchar || ' ' || count(distinct f.person) || ' ' || \
             count(distinct case when o.readmitted = '<30' then f.person end) {core} group by o.a1cresult <> 'None' order by 1 desc"
        ))
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let counted: Vec<String> = evidence
        .groups
        .iter()
        .zip(["true", "false"])
        .map(|(group, measured)| {
            format!(
                "{measured} {} {}",
                group.behind[0].people, group.behind[1].people
            )
        })
        .collect();
    assert_eq!(counted, direct);
    assert_eq!(
        evidence
            .groups
            .iter()
            .map(|group| group.people)
            .sum::<u64>(),
        69_973
    );
    assert_eq!(
        check(&evidence, &policy(10, "unsafe")).verdict,
        Verdict::Pass
    );
}
