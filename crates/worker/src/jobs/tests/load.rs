//! Deliveries.

use super::*;

#[track_caller]
fn refuses(job: Job, file: &str, message: &str, place: (Option<u64>, Option<&str>)) {
    let done = Desk::with("delivery", file)
        .and("records", "r1\nr2\nr3\n")
        .run(job);
    let failure = done.report.expect_err("must be refused");
    assert_eq!(failure.message, message);
    assert_eq!((failure.row, failure.column.as_deref()), place);
    assert!(!format!("{failure:?}").contains("SECRET"));
    assert!(done.files.is_empty(), "a refused delivery leaves nothing");
}

#[test]
fn identifiers_are_sorted_by_record_number() {
    let file =
        "last,rec,first,born,chi\nReid,b2,Ann,1950-01-01,\nBain,a10,Ewan,,\nMuir,a9,,1960-02-02,\n";
    let done = Desk::with("delivery", file).run(identifiers_job(&PEOPLE));
    let Ok(Report::LoadIdentifiers { records, missing }) = done.report else {
        panic!("{:?}", done.report)
    };
    assert_eq!(records, 3);
    let counts = [("born", 1), ("chi", 3), ("first", 1), ("last", 0)];
    assert_eq!(missing, counts.iter().map(|(c, n)| (text(c), *n)).collect());
    assert_eq!(done.files["records"], b"a10\na9\nb2\n");
    let desk = Desk::with("t.parquet", &done.files["identifiers.parquet"]);
    let table =
        frames::parquet::read(&desk.rooms.inputs.join("t.parquet"), &file_limits(&LIMITS)).unwrap();
    let names: Vec<&str> = table
        .columns
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        ["record", "chi", "date_of_birth", "forename", "surname"]
    );
    assert!(
        table
            .ordinals("record")
            .unwrap()
            .iter()
            .eq([Some(0), Some(1), Some(2)])
    );
    assert!(
        table
            .text("surname")
            .unwrap()
            .iter()
            .eq([Some("Bain"), Some("Muir"), Some("Reid")])
    );
}

#[test]
fn identifiers_that_are_not_fit_are_refused_with_their_place() {
    let job = || identifiers_job(&[("first", "forename")]);
    let at = |row| (Some(row), Some("rec"));
    refuses(
        job(),
        "rec,first\nr1,SECRET\n,x\n",
        "row 2, column rec: the record number is missing",
        at(2),
    );
    refuses(
        job(),
        "rec,first\nr1,a\nSECRET é,b\n",
        "row 2, column rec: a record number is at most 64 printable ASCII characters without spaces",
        at(2),
    );
    refuses(
        job(),
        "rec,first\nSECRET,a\nr2,b\nSECRET,c\n",
        "row 3, column rec: the record number was used before, in row 1",
        at(3),
    );
    let chi = (101_500_000_u64..)
        .map(|n| format!("{n:010}"))
        .find(|n| linkage::is_valid_chi(n))
        .unwrap();
    refuses(
        job(),
        &format!("rec,first\nr1,a\n{chi},b\n"),
        "row 2, column rec: the record number is a valid CHI number: record numbers are made up for each delivery",
        at(2),
    );
    refuses(
        job(),
        "rec,first\n9434765919,b\n",
        "row 1, column rec: the record number is a valid NHS number: record numbers are made up for each delivery",
        at(1),
    );
    refuses(
        job(),
        "rec,first\nr1,SECR",
        "row 1 is the last and has no line break at its end, so it may be cut off: end it with a line break if it is whole",
        (Some(1), None),
    );
    // Without a header line a name would be a value.
    refuses(
        job(),
        "r1,SECRET\nr2,\"x\n",
        "the header names none of the declared columns: is the header line missing",
        (None, None),
    );
    refuses(
        job(),
        "rec,first\n",
        "the file has a header line and no rows",
        (None, None),
    );
    refuses(
        job(),
        "rec,last\nr1,x\n",
        "column first is missing from the header",
        (None, Some("first")),
    );
    refuses(
        job(),
        "rec,first,more\nr1,x,y\n",
        "column 3 of the header is not declared for this delivery",
        (None, None),
    );
    refuses(
        identifiers_job(&[("first", "shoe_size")]),
        "rec,first\nr1,x\n",
        "column first has no known linkage role",
        (None, None),
    );
}

#[test]
fn payload_is_typed_and_loses_the_order_of_delivery() {
    let file = format!(
        "{HEADER}r3,s1,1950-01-01,2020-01-01,3,0.5,eh164sa,a\nzz,s2,1960-01-01,,,,,\nr1,s3,1970-01-01,2020-01-02,1,,G1 1AA,b\nr3,s4,1950-01-01,2019-01-01,,,,\n"
    );
    let done = Desk::with("delivery", file)
        .and("records", RECORDS)
        .run(Job::LoadPayload(payload_job(Unmatched::Keep)));
    let Ok(Report::LoadPayload {
        rows,
        unmatched,
        records,
        missing,
    }) = &done.report
    else {
        panic!("{:?}", done.report)
    };
    assert_eq!(
        (
            *rows,
            *unmatched,
            *records,
            missing["seen"],
            missing["stay"]
        ),
        (4, 1, 2, 1, 0)
    );
    let desk = Desk::with("p.parquet", &done.files["payload.parquet"]);
    let table =
        frames::parquet::read(&desk.rooms.inputs.join("p.parquet"), &file_limits(&LIMITS)).unwrap();
    assert!(
        table
            .ordinals("record")
            .unwrap()
            .iter()
            .eq([Some(0), Some(2), Some(2), None])
    );
    assert!(
        table
            .text("home")
            .unwrap()
            .iter()
            .eq([Some("G1 1AA"), Some("EH16 4SA"), None, None])
    );
    assert!(
        table
            .columns
            .iter()
            .all(|(name, _)| name != "stay" && name != "rec")
    );
    let hash = |event: &str| {
        ring::digest::digest(&ring::digest::SHA256, event.as_bytes()).as_ref()[..16].to_vec()
    };
    assert_eq!(
        done.files["events"],
        [hash("s3"), hash("s1"), hash("s4"), hash("s2")].concat()
    );
}

#[test]
fn payload_that_is_not_fit_is_refused_with_its_place() {
    let job = || Job::LoadPayload(payload_job(Unmatched::Refuse));
    let good = "r1,s1,1950-01-01,2020-01-01,3,0.5,EH16 4SA,a\n";
    for (row, message, column) in [
        (
            "SECRET,s2,1950-01-01,,,,,",
            "the record number is not among the identifiers",
            "rec",
        ),
        (",s2,1950-01-01,,,,,", "the record number is missing", "rec"),
        ("r2,,1950-01-01,,,,,", "the event number is missing", "stay"),
        ("r2,s2,,,,,,", "a value is required", "born"),
        (
            "r2,s2,1950-02-30,,,,,",
            "the value is not a date written YYYY-MM-DD",
            "born",
        ),
        (
            "r2,s2,1950-01-01,SECRET,,,,",
            "the value is not a date written YYYY-MM-DD",
            "seen",
        ),
        (
            "r2,s2,1950-01-01,,SECRET,,,",
            "the value is not a whole number",
            "days",
        ),
        (
            "r2,s2,1950-01-01,,,NaN,,",
            "the value is not a finite number",
            "score",
        ),
        (
            "r2,s2,1950-01-01,,,,SECRET,",
            "the value is not a UK postcode",
            "home",
        ),
    ] {
        refuses(
            job(),
            &format!("{HEADER}{good}{row}\n"),
            &format!("row 2, column {column}: {message}"),
            (Some(2), Some(column)),
        );
    }
    let chi: Vec<String> = (101_500_000_u64..)
        .map(|n| format!("{n:010}"))
        .filter(|n| linkage::is_valid_chi(n))
        .take(3)
        .collect();
    let rows: String = chi
        .iter()
        .map(|n| format!("r1,s1,1950-01-01,,,,,{n}\n"))
        .collect();
    refuses(
        job(),
        &format!("{HEADER}{rows}"),
        "column code holds values that are valid CHI numbers",
        (None, Some("code")),
    );
    let mut numbers = payload_job(Unmatched::Refuse);
    numbers.columns[2].kind = ColumnKind::Number;
    let rows: String = chi
        .iter()
        .map(|n| format!("r1,s1,1950-01-01,,{}.0,,,\n", n.trim_start_matches('0')))
        .collect();
    refuses(
        Job::LoadPayload(numbers),
        &format!("{HEADER}{rows}"),
        "column days holds values that are valid CHI numbers",
        (None, Some("days")),
    );
    for name in ["Record", "file_row_number"] {
        let mut own = payload_job(Unmatched::Refuse);
        own.columns
            .push(column(name, ColumnKind::Text, Presence::Optional));
        refuses(
            Job::LoadPayload(own),
            HEADER,
            &format!(
                "column {name} has a name that is kept for the record number and the order of rows"
            ),
            (None, None),
        );
    }
    let mut named = payload_job(Unmatched::Refuse);
    named
        .columns
        .push(column("nhs_number", ColumnKind::Text, Presence::Optional));
    refuses(
        Job::LoadPayload(named),
        HEADER,
        "column nhs_number is named like an identifier: identifiers are delivered apart from the payload",
        (None, Some("nhs_number")),
    );
}
