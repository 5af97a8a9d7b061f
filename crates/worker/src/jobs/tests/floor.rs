//! Extract, query and check.

use super::*;

fn plan(columns: &[(&str, &str, Transform)]) -> TablePlan {
    TablePlan {
        name: text("stays"),
        payload: text("payload.parquet"),
        map: text("map"),
        events: Some(text("events")),
        columns: columns
            .iter()
            .map(|(name, source, transform)| ColumnPlan {
                name: text(name),
                source: text(source),
                transform: transform.clone(),
            })
            .collect(),
        rows: vec![RowFilter::Between {
            column: text("seen"),
            from: text("2019-06-01"),
            to: text("2020-12-31"),
        }],
    }
}

/// Payload loaded, and a map in which r1 and r3 are two people.
fn payload_desk() -> Desk {
    let file = format!(
        "{HEADER}r3,s1,1950-01-01,2020-01-01,3,0.5,EH16 4SA,a\nr1,s3,1925-01-01,2020-01-02,1,,G1 1AA,b\nr3,s4,1950-01-01,2019-01-01,,,,\nr2,s5,1950-01-01,2020-01-01,,,,\n"
    );
    let done = Desk::with("delivery", file)
        .and("records", RECORDS)
        .run(Job::LoadPayload(payload_job(Unmatched::Refuse)));
    assert!(done.report.is_ok(), "{:?}", done.report);
    let mut map = Vec::new();
    for (record, person) in [(0_u64, 0xBB_u8), (2, 0xAA)] {
        map.extend_from_slice(&record.to_le_bytes());
        map.extend_from_slice(&[person; 16]);
        map.push(4);
    }
    Desk::with("payload.parquet", &done.files["payload.parquet"])
        .and("events", &done.files["events"])
        .and("map", map)
}

fn extracted() -> Done {
    let table = plan(&[
        ("age", "born", Transform::AgeAt { date: text("seen") }),
        ("district", "home", Transform::PostcodeDistrict),
        ("code", "code", Transform::Keep),
    ]);
    payload_desk().run(Job::Extract(Extract {
        tables: vec![table],
    }))
}

#[test]
fn an_extract_is_cut_and_can_be_queried() {
    let done = extracted();
    let Ok(Report::Extract { tables }) = &done.report else {
        panic!("{:?}", done.report)
    };
    let table = &tables[0];
    assert_eq!(
        table.columns,
        ["person", "event", "age", "district", "code"]
    );
    assert_eq!(
        (table.rows, table.people, table.unlinked, table.filtered),
        (2, 2, 1, 1)
    );
    let desk = Desk::with("extract.duckdb", &done.files["extract.duckdb"]);
    let done = desk.run(Job::Query(Query {
        source: Source::Extract,
        sql: text("select person, age, district, code from stays order by all; select nothing; select 1 as one;"),
        skip: 0,
    }));
    assert_eq!(done.report, Ok(Report::Query { statements: 3 }));
    let rows = done.statements[0].result.as_ref().unwrap();
    assert_eq!(
        serde_json::to_value(&rows.rows).unwrap(),
        serde_json::json!([
            ["aa".repeat(16), 70, "EH16", "a"],
            ["bb".repeat(16), 90, "G1", "b"]
        ])
    );
    assert!(
        done.statements[1]
            .error
            .as_ref()
            .unwrap()
            .contains("nothing")
    );
    assert_eq!(done.statements[2].statement, 2);
}

#[test]
fn a_date_of_birth_is_never_kept() {
    for (source, message) in [
        (
            "born",
            "table stays: column c: a date of birth is never kept as it is",
        ),
        (
            "home",
            "table stays: column c: a postcode is never kept as it is",
        ),
    ] {
        let done = payload_desk().run(Job::Extract(Extract {
            tables: vec![plan(&[("c", source, Transform::Keep)])],
        }));
        assert_eq!(done.report.unwrap_err().message, message);
        assert!(done.files.is_empty());
    }
}

#[test]
fn a_payload_that_does_not_say_its_kinds_is_not_cut() {
    let desk = payload_desk();
    let path = desk.rooms.inputs.join("payload.parquet");
    let mut table = frames::parquet::read(&path, &file_limits(&LIMITS)).unwrap();
    table.notes.clear();
    std::fs::remove_file(&path).unwrap();
    frames::parquet::write(&path, table).unwrap();
    let done = desk.run(Job::Extract(Extract {
        tables: vec![plan(&[("c", "code", Transform::Keep)])],
    }));
    assert_eq!(
        done.report.unwrap_err().message,
        "the payload of table stays does not say what its columns are"
    );
}

fn files(sql: &str, skip: u32) -> Job {
    Job::Query(Query {
        source: Source::Files {
            tables: vec![FileTable {
                name: text("t"),
                file: text("t.csv"),
                format: Format::Csv,
            }],
        },
        sql: text(sql),
        skip,
    })
}

#[test]
fn statements_run_one_by_one_within_their_limits() {
    let desk = Desk::with("t.csv", "a,b\n1,x\n2,y\n");
    let sql = "create table mine as select sum(a) s from t; select s from mine; from range(1000); select count(*) from range(1000000000000) where range % 7 = 8; select 'still here'";
    let done = desk.run(files(sql, 0));
    assert_eq!(done.report, Ok(Report::Query { statements: 5 }));
    let rows = |n: usize| done.statements[n].result.as_ref().unwrap();
    assert_eq!(
        serde_json::to_value(&rows(1).rows).unwrap(),
        serde_json::json!([[3]])
    );
    assert_eq!((rows(2).rows.len(), rows(2).truncated), (100, true));
    assert_eq!(done.statements[3].killed, Some(Limit::TimeS));
    assert_eq!(rows(4).rows.len(), 1, "the session lives on");
    let done = desk.run(files("select 1; select 2; select 3", 2));
    assert_eq!(done.report, Ok(Report::Query { statements: 1 }));
    assert_eq!(done.statements[0].statement, 2);
}

#[test]
fn tables_that_were_opened_ahead_serve_their_own_order_only() {
    let mut desk = Desk::with("t.csv", "a,b\n1,x\n2,y\n");
    let Job::Query(query) = files("select sum(a) as s from t", 0) else {
        panic!()
    };
    open_ahead(&mut desk.rooms, query.source.clone(), &LIMITS).unwrap();
    let done = desk.run(Job::Query(query.clone()));
    let rows = &done.statements[0].result.as_ref().unwrap().rows;
    assert_eq!(
        serde_json::to_value(rows).unwrap(),
        serde_json::json!([[3]])
    );
    open_ahead(&mut desk.rooms, query.source, &LIMITS).unwrap();
    let other = Job::Query(Query {
        source: Source::Extract,
        sql: text("select 1"),
        skip: 0,
    });
    let refused = desk.run(other).report.unwrap_err();
    assert_eq!(refused.message, "the worker was opened over other tables");
}

#[test]
fn a_query_that_cannot_start_says_why() {
    let message = |file: &str, job: Job| {
        Desk::with("t.csv", file)
            .run(job)
            .report
            .unwrap_err()
            .message
    };
    assert_eq!(
        message("a\n1\n", files(" ;; -- none", 0)),
        "there is no statement in the text"
    );
    assert_eq!(
        message("a,b\n1\n", files("select 1", 0)),
        "table t: row 1 has 1 field where the header has 2"
    );
    assert_eq!(
        message("a\n1\n", files(&"x".repeat(10_001), 0)),
        "the text is longer than the limit statement_bytes, 10000"
    );
    let outside = Job::Query(Query {
        source: Source::Files {
            tables: vec![FileTable {
                name: text("t"),
                file: text("../etc/passwd"),
                format: Format::Csv,
            }],
        },
        sql: text("select 1"),
        skip: 0,
    });
    assert_eq!(
        message("a\n1\n", outside),
        "an input file of the job has no plain name"
    );
}

#[test]
fn evidence_counts_people() {
    let mut file = text("person,sex\n");
    for n in 0..30 {
        file.push_str(&format!("p{},{}\n", n / 2, if n < 20 { "f" } else { "m" }));
    }
    let done = Desk::with("t.csv", file).run(Job::Check(Check {
        source: Source::Files {
            tables: vec![FileTable {
                name: text("t"),
                file: text("t.csv"),
                format: Format::Csv,
            }],
        },
        unit: text("person"),
        sql: text("select sex, count(*) as n from t group by sex"),
        statements: 1,
        people: protocol::job::People::Listed,
    }));
    let Ok(Report::Check { evidence }) = done.report else {
        panic!("{:?}", done.report)
    };
    let evidence: disclosure::Evidence = serde_json::from_str(&evidence).unwrap();
    assert_eq!(evidence.keys, ["sex"]);
    let mut people: Vec<u64> = evidence.groups.iter().map(|group| group.people).collect();
    people.sort_unstable();
    assert_eq!(people, [5, 10]);
    // Each group has one measure: a number of people, then as many hashes.
    let listed = done.files.get("people.bin").unwrap();
    assert_eq!(listed.len(), 2 * 4 + (5 + 10) * 8);
}
