use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::job::{Job, Query, Source};
use crate::limits::Limit;
use crate::report::{FailureCode, Rows};

fn limits() -> Limits {
    Limits {
        memory_mib: 256,
        threads: 2,
        time_s: 10,
        cpu_s: 10,
        scratch_mib: 16,
        rows: 10,
        columns: 4,
        cell_bytes: 100,
        result_bytes: 10_000,
        statement_bytes: 1_000,
        file_mib: 1,
    }
}

fn ready() -> Up {
    Up::Ready(Ready {
        posture: Posture::default(),
        build: crate::build_id().into(),
    })
}

fn open() -> Vec<Up> {
    vec![Up::MountReady { wanted: vec![] }, ready()]
}

fn bytes(frames: &[Up]) -> Vec<u8> {
    let mut out = Vec::new();
    for frame in frames {
        write_up(&mut out, frame, &limits()).unwrap();
    }
    out
}

/// Reads a conversation to its end: the frames, or the first complaint.
fn hear(bytes: &[u8]) -> Result<Vec<Up>, FrameError> {
    let mut inbox = Inbox::new(bytes, limits());
    let mut frames = Vec::new();
    while let Some(frame) = inbox.next_frame()? {
        frames.push(frame);
    }
    Ok(frames)
}

fn complaint(frames: Vec<Up>) -> String {
    let mut all = open();
    all.extend(frames);
    hear(&bytes(&all)).unwrap_err().to_string()
}

fn statement(result: Option<Rows>, error: Option<String>, killed: Option<Limit>) -> Up {
    Up::Statement(StatementResult {
        statement: 0,
        result,
        error,
        killed,
        ms: 1,
    })
}

fn rows(columns: usize, rows: Vec<Vec<serde_json::Value>>) -> Option<Rows> {
    Some(Rows {
        columns: vec!["n".into(); columns],
        types: vec!["BIGINT".into(); columns],
        rows,
        truncated: false,
    })
}

#[test]
fn a_whole_conversation_is_heard_as_it_was_said() {
    let mut said = open();
    said.extend([
        Up::Progress(Progress {
            done: 1,
            total: 2,
            stage: "reading".into(),
        }),
        statement(rows(2, vec![vec![json!(1), json!("a")]]), None, None),
        Up::FileStart {
            name: "links.parquet".into(),
        },
        Up::FileBytes(vec![7; 300]),
        Up::FileBytes(vec![8; FILE_BYTES_MAX]),
        Up::FileEnd {
            bytes: 300 + FILE_BYTES_MAX as u64,
        },
        Up::Report(Report::Query { statements: 1 }),
    ]);
    assert_eq!(hear(&bytes(&said)).unwrap(), said);
}

#[test]
fn an_order_survives_the_trip() {
    let order = Down::Order(Box::new(Order {
        job: Job::Query(Query {
            source: Source::Extract,
            sql: "select 1".into(),
            skip: 0,
        }),
        limits: limits(),
    }));
    let self_test = Down::Order(Box::new(Order {
        job: Job::SelfTest,
        limits: limits(),
    }));
    let mut wire = Vec::new();
    for frame in [&order, &self_test, &Down::Cancel, &Down::Stop, &Down::Go] {
        write_down(&mut wire, frame).unwrap();
    }
    let mut from = wire.as_slice();
    assert_eq!(read_down(&mut from).unwrap(), Some(order));
    assert_eq!(read_down(&mut from).unwrap(), Some(self_test));
    assert_eq!(read_down(&mut from).unwrap(), Some(Down::Cancel));
    assert_eq!(read_down(&mut from).unwrap(), Some(Down::Stop));
    assert_eq!(read_down(&mut from).unwrap(), Some(Down::Go));
    assert_eq!(read_down(&mut from).unwrap(), None);
}

#[test]
fn a_claimed_length_is_neither_believed_nor_allocated() {
    // 4 GiB of a statement, and 60 MiB of a report of which nothing follows.
    let huge = [0xff, 0xff, 0xff, 0xff, Kind::Statement as u8];
    assert!(matches!(hear(&huge), Err(FrameError::TooLong { .. })));
    let mut cut = bytes(&open());
    cut.extend((60_u32 << 20).to_le_bytes());
    cut.push(Kind::Report as u8);
    assert!(matches!(hear(&cut), Err(FrameError::Cut)));
}

#[test]
fn out_of_turn_is_refused() {
    let report = Up::Report(Report::Query { statements: 0 });
    assert!(hear(&bytes(std::slice::from_ref(&report))).is_err());
    assert_eq!(
        complaint(vec![report.clone(), report.clone()]),
        "a report frame came where none may"
    );
    assert_eq!(
        complaint(vec![Up::FileBytes(vec![1])]),
        "a file_bytes frame came where none may"
    );
    assert_eq!(
        complaint(vec![Up::FileStart { name: "a".into() }, report]),
        "a report frame came where none may"
    );
    assert_eq!(
        complaint(vec![ready()]),
        "a ready frame came where none may"
    );
    let same = statement(rows(0, vec![]), None, None);
    assert_eq!(
        complaint(vec![same.clone(), same]),
        "a statement frame came where none may"
    );
}

#[test]
fn file_names_and_sizes_are_held() {
    for name in [
        "",
        ".",
        "..",
        "../x",
        "/etc/passwd",
        "a/b",
        ".hidden",
        "a b",
        "a\0",
    ] {
        assert_eq!(
            complaint(vec![Up::FileStart { name: name.into() }]),
            "a file_start frame does not hold what it should",
            "{name:?}"
        );
    }
    let mut large = vec![Up::FileStart { name: "a".into() }];
    large.extend(vec![Up::FileBytes(vec![0; FILE_BYTES_MAX]); 5]);
    assert_eq!(
        complaint(large),
        "the limit file_mib is exceeded in a file_bytes frame"
    );
    assert_eq!(
        complaint(vec![
            Up::FileStart { name: "a".into() },
            Up::FileBytes(vec![0; 3]),
            Up::FileEnd { bytes: 4 },
        ]),
        "a file_end frame does not hold what it should"
    );
    let many: Vec<Up> = (0..=FILES_MAX)
        .flat_map(|_| [Up::FileStart { name: "a".into() }, Up::FileEnd { bytes: 0 }])
        .collect();
    assert_eq!(
        complaint(many),
        "the limit files is exceeded in a file_start frame"
    );
}

#[test]
fn results_are_tables_of_scalars_within_limits() {
    let cases = [
        (statement(None, None, None), "does not hold what it should"),
        (
            statement(rows(0, vec![]), Some("e".into()), None),
            "does not hold what it should",
        ),
        (statement(rows(5, vec![]), None, None), "limit columns"),
        (
            statement(rows(0, vec![vec![]; 11]), None, None),
            "limit rows",
        ),
        (
            statement(rows(1, vec![vec![json!("x".repeat(101))]]), None, None),
            "limit cell_bytes",
        ),
        (
            statement(rows(1, vec![vec![json!([1])]]), None, None),
            "does not hold what it should",
        ),
        (
            statement(rows(2, vec![vec![json!(1)]]), None, None),
            "does not hold what it should",
        ),
    ];
    for (frame, expected) in cases {
        let said = complaint(vec![frame]);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn cells_are_heard_as_they_were_said_to_the_last_digit() {
    let number = |x: f64| serde_json::Value::Number(serde_json::Number::from_f64(x).unwrap());
    let cells = vec![
        vec![json!(null), json!(true), json!(false), json!("é\n\u{0}")],
        vec![json!(i64::MIN), json!(u64::MAX), json!(0), json!("")],
        // A reader of JSON that is not exact gives another number for the first.
        vec![
            number(0.1 + 0.2),
            number(f64::MIN_POSITIVE),
            number(-0.0),
            number(f64::MAX),
        ],
    ];
    let said = statement(rows(4, cells), None, None);
    let mut all = open();
    all.push(said.clone());
    assert_eq!(hear(&bytes(&all)).unwrap().pop(), Some(said));
}

proptest! {
    #[test]
    fn every_finite_number_is_carried_exactly(bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        let said = statement(rows(1, vec![vec![json!(number)]]), None, None);
        let mut all = open();
        all.push(said.clone());
        prop_assert_eq!(hear(&bytes(&all)).unwrap().pop(), Some(said));
    }
}

#[test]
fn a_row_that_promises_more_cells_than_come_is_refused() {
    let mut all = open();
    all.push(statement(rows(1, vec![vec![json!("abc")]]), None, None));
    let whole = bytes(&all);
    let start = bytes(&open()).len();
    for cut in 1..=8 {
        let mut wire = whole.clone();
        wire.truncate(whole.len() - cut);
        let length = (wire.len() - start - 5) as u32;
        wire[start..start + 4].copy_from_slice(&length.to_le_bytes());
        let error = hear(&wire).unwrap_err().to_string();
        assert_eq!(error, "a statement frame does not hold what it should");
    }
    let mut wire = whole;
    wire.push(0);
    let length = (wire.len() - start - 5) as u32;
    wire[start..start + 4].copy_from_slice(&length.to_le_bytes());
    assert!(hear(&wire).is_err(), "a byte too many");
}

#[test]
fn a_refusal_names_no_value() {
    let mut wire = bytes(&open());
    let body = br#"{"kind":"query","statements":"SECRET-4711"}"#;
    wire.extend((body.len() as u32).to_le_bytes());
    wire.push(Kind::Report as u8);
    wire.extend(body);
    let error = hear(&wire).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("4711"));
}

#[test]
fn the_hatch_says_only_what_the_inbox_accepts() {
    let mut wire = bytes(&open());
    let mut hatch = Hatch::new(&mut wire, limits());
    hatch.progress(0, 2, &"é".repeat(60)).unwrap();
    hatch.progress(1, 2, "skipped: too soon").unwrap();
    hatch.progress(2, 2, "last").unwrap();
    let file = vec![5_u8; 600_000];
    assert_eq!(
        hatch.send_file("a.bin", &mut file.as_slice()).unwrap(),
        600_000
    );
    hatch
        .send_statement(StatementResult {
            statement: 3,
            result: None,
            error: Some("é".repeat(ERROR_MAX)),
            killed: None,
            ms: 0,
        })
        .unwrap();
    let mut long = std::io::repeat(1).take(2 << 20);
    drop(hatch);
    let frames = hear(&wire).unwrap();
    let sent: usize = frames
        .iter()
        .map(|frame| match frame {
            Up::FileBytes(piece) => piece.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(sent, 600_000);
    let progress = frames
        .iter()
        .filter(|f| matches!(f, Up::Progress(_)))
        .count();
    assert_eq!(progress, 2);

    let mut wire = bytes(&open());
    let mut hatch = Hatch::new(&mut wire, limits());
    let refused = hatch.send_file("b.bin", &mut long).unwrap_err();
    assert_eq!(refused.code, FailureCode::Limit);
    hatch.fail(refused.clone()).unwrap();
    drop(hatch);
    assert_eq!(hear(&wire).unwrap().pop(), Some(Up::Failed(refused)));
}

#[test]
fn the_hatch_stops_when_cancelled() {
    let mut hatch = Hatch::new(std::io::sink(), limits());
    hatch.progress(0, 0, "a").unwrap();
    hatch
        .cancel_flag()
        .store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(hatch.cancelled());
    assert_eq!(
        hatch.progress(0, 0, "b").unwrap_err().message,
        "the job was cancelled"
    );
}

#[test]
fn a_posture_without_a_word_on_a_layer_lacks_it() {
    let mut posture = Posture::default();
    for layer in Layer::ALL {
        posture.present(layer, "");
    }
    let needs = Layer::ALL
        .map(|layer| (layer, Requirement::Required))
        .into();
    posture.satisfies(&needs).unwrap();
    posture.0.remove(&Layer::Seccomp);
    let missing = posture.satisfies(&needs).unwrap_err();
    assert_eq!(missing.layer, Layer::Seccomp);
    // A profile that is silent on a layer requires it.
    assert!(
        posture
            .satisfies(&std::collections::BTreeMap::new())
            .is_err()
    );
    let mut relaxed: std::collections::BTreeMap<_, _> = needs;
    relaxed.insert(Layer::Seccomp, Requirement::Wanted);
    posture.satisfies(&relaxed).unwrap();
}

fn cell() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        "\\PC{0,20}".prop_map(serde_json::Value::from),
    ]
}

fn any_up() -> impl Strategy<Value = Vec<Up>> {
    let table = (0..4_usize).prop_flat_map(|columns| {
        proptest::collection::vec(proptest::collection::vec(cell(), columns), 0..10)
            .prop_map(move |cells| vec![statement(rows(columns, cells), None, None)])
    });
    let file = (
        "[a-z]{1,10}",
        proptest::collection::vec(any::<u8>(), 0..500),
    )
        .prop_map(|(name, piece)| {
            let bytes = piece.len() as u64;
            vec![
                Up::FileStart { name },
                Up::FileBytes(piece),
                Up::FileEnd { bytes },
            ]
        });
    let progress = (any::<u64>(), any::<u64>(), "\\PC{0,15}")
        .prop_map(|(done, total, stage)| vec![Up::Progress(Progress { done, total, stage })]);
    let failed = ("\\PC{0,50}", any::<Option<u64>>()).prop_map(|(message, row)| {
        vec![Up::Failed(Failure {
            code: FailureCode::BadInput,
            message,
            row,
            column: None,
        })]
    });
    prop_oneof![table, file, progress, failed]
}

proptest! {
    #[test]
    fn what_is_written_is_read(frames in any_up()) {
        let mut said = open();
        said.extend(frames);
        prop_assert_eq!(hear(&bytes(&said)).unwrap(), said);
    }

    #[test]
    fn random_bytes_end_in_an_answer(noise in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = hear(&noise);
        let _ = read_down(&mut noise.as_slice());
        let mut after = bytes(&open());
        after.extend(&noise);
        let _ = hear(&after);
    }

    #[test]
    fn a_flipped_bit_or_a_cut_never_panics(frames in any_up(), at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut said = open();
        said.extend(frames);
        let mut wire = bytes(&said);
        let at = at.index(wire.len());
        wire[at] ^= 1 << bit;
        let _ = hear(&wire);
        let _ = hear(&wire[..at]);
    }
}
