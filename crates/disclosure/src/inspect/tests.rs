use super::*;

fn column(values: u64, distinct: u64) -> ColumnShape {
    ColumnShape {
        number: 1,
        values,
        distinct,
        can_name: true,
        small: [0; 9],
        identifiers: Vec::new(),
    }
}

fn part() -> Seen {
    Seen {
        part: String::new(),
        kind: "csv".into(),
        table: None,
        identifiers: Vec::new(),
        hidden: Vec::new(),
        closed: None,
    }
}

fn judged(part: Seen) -> (Verdict, String) {
    let policy = Policy::parse("name = \"t\"\n[threshold]\nminimum = 5").unwrap();
    let report = inspect(&[("out".into(), vec![part])], &policy);
    let details: Vec<String> = report.findings.into_iter().map(|f| f.detail).collect();
    (report.verdict, details.join("\n"))
}

fn table(rows: u64, column: ColumnShape) -> (Verdict, String) {
    let columns = vec![column];
    judged(Seen {
        table: Some(Table { rows, columns }),
        ..part()
    })
}

#[test]
fn no_file_passes_and_what_was_not_looked_through_says_so() {
    let (verdict, said) = table(4, column(4, 4));
    assert_eq!(verdict, Verdict::Review);
    assert!(said.contains("who is behind its numbers"), "{said}");
    let (verdict, said) = judged(Seen {
        closed: Some("it is locked".into()),
        ..part()
    });
    assert_eq!(verdict, Verdict::Review);
    assert!(said.contains("out (csv): it is locked"), "{said}");
    assert_eq!(
        inspect(&[], &Policy::parse("name = \"t\"").unwrap()).verdict,
        Verdict::Review
    );
}

#[test]
fn identifiers_fail_and_a_few_that_look_alike_are_shown() {
    let with = |what, times, of| {
        let mut one = column(100, 90);
        one.identifiers = vec![Hits { what, times, of }];
        table(100, one)
    };
    assert_eq!(with(Identifier::Email, 50, 100).0, Verdict::Fail);
    let (verdict, said) = with(Identifier::Email, 3, 100);
    assert!(
        verdict == Verdict::Review && said.contains("3 of 100 values"),
        "{said}"
    );
    assert_eq!(with(Identifier::HealthNumber, 100, 100).0, Verdict::Fail);
    assert_eq!(with(Identifier::HealthNumber, 1, 1).0, Verdict::Fail);
    let (verdict, said) = with(Identifier::HealthNumber, 9, 100);
    assert!(
        verdict == Verdict::Review && !said.contains("check digit"),
        "by chance: {said}"
    );
}

#[test]
fn a_row_a_person_small_counts_and_what_is_not_seen_are_named() {
    let (_, said) = table(80, column(80, 80));
    assert!(said.contains("one row a person"), "{said}");
    let mut counts = column(12, 12);
    counts.small = [1, 0, 0, 2, 7, 0, 0, 0, 0];
    let (_, said) = table(12, counts);
    assert!(
        said.contains("3 values of column 1 are whole numbers from 1 to 4"),
        "{said}"
    );
    assert!(!said.contains("one row a person"), "{said}");
    let (_, said) = judged(Seen {
        hidden: vec![Hidden {
            what: "hidden sheets".into(),
            times: 2,
        }],
        ..part()
    });
    assert!(said.contains("2 hidden sheets"), "{said}");
}
