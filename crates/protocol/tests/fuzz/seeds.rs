//! The corpus: a few conversations that hold every kind of frame.

use std::collections::BTreeMap;

use protocol::frame::{Down, InputPlan, Progress, Ready, Refused, Setup, Up, write_down, write_up};
use protocol::job::{Check, FileTable, Format, Job, Order, People, Query, Source};
use protocol::limits::{Limit, Limits};
use protocol::posture::{Layer, MissingLayer, Posture, Requirement};
use protocol::report::{Failure, FailureCode, Report, Rows, StatementResult};
use serde_json::{Value, json};

pub(crate) fn limits() -> Limits {
    Limits {
        memory_mib: 256,
        threads: 2,
        time_s: 10,
        cpu_s: 10,
        scratch_mib: 16,
        rows: 20,
        columns: 6,
        cell_bytes: 200,
        result_bytes: 20_000,
        statement_bytes: 1_000,
        file_mib: 1,
    }
}

fn ready() -> Up {
    let mut posture = Posture::default();
    posture.present(Layer::Seccomp, "Zzyzx");
    posture.missing(Layer::NoSwap, "Zzyzx", "none");
    Up::Ready(Ready {
        posture,
        build: protocol::build_id().into(),
    })
}

fn statement(at: u32, result: Option<Rows>, error: Option<&str>, killed: Option<Limit>) -> Up {
    Up::Statement(StatementResult {
        statement: at,
        result,
        error: error.map(str::to_owned),
        killed,
        ms: 3,
    })
}

fn rows() -> Option<Rows> {
    let row = |n: i64| {
        vec![
            json!(n),
            json!(0.5),
            json!(true),
            Value::Null,
            json!("Zzyzx \u{1F600}\n"),
        ]
    };
    Some(Rows {
        columns: ["a", "b", "c", "d", "Zzyzx"].map(str::to_owned).into(),
        types: ["BIGINT", "DOUBLE", "BOOLEAN", "INTEGER", "VARCHAR"]
            .map(str::to_owned)
            .into(),
        rows: (0..20).map(row).collect(),
        truncated: true,
    })
}

/// What workers say.
pub(crate) fn from_worker() -> Vec<Vec<u8>> {
    let start = |wanted: &[&str]| Up::MountReady {
        wanted: wanted.iter().map(|name| (*name).to_owned()).collect(),
    };
    let progress = Up::Progress(Progress {
        done: 1,
        total: 2,
        stage: "Zzyzx".into(),
    });
    let failed = Up::Failed(Failure {
        code: FailureCode::Limit,
        message: "Zzyzx".into(),
        row: Some(3),
        column: Some("Zzyzx".into()),
    });
    let query = vec![
        start(&[]),
        ready(),
        progress.clone(),
        statement(0, rows(), None, None),
        statement(1, None, Some("Binder Error: Zzyzx"), None),
        statement(7, None, None, Some(Limit::CellBytes)),
        Up::Report(Report::Query { statements: 8 }),
    ];
    let file = vec![
        start(&["payload.parquet", "records"]),
        ready(),
        Up::FileStart {
            name: "x.bin".into(),
        },
        Up::FileBytes(vec![0; 700]),
        progress,
        Up::FileBytes(b"Zzyzx".to_vec()),
        Up::FileEnd { bytes: 705 },
        Up::Report(Report::LoadIdentifiers {
            records: 3,
            missing: BTreeMap::from([("Zzyzx".to_owned(), 1)]),
        }),
    ];
    let refused = vec![
        start(&[]),
        Up::Refused(Refused {
            posture: Posture::default(),
            missing: MissingLayer {
                layer: Layer::Landlock,
                why: "Zzyzx".into(),
                remedy: "none".into(),
            },
        }),
    ];
    let check = vec![
        start(&[]),
        ready(),
        Up::Report(Report::Check {
            evidence: "{\"Zzyzx\": [[[1]]]}".into(),
        }),
    ];
    [
        query,
        file,
        refused,
        check,
        vec![start(&[]), ready(), failed],
    ]
    .iter()
    .map(|frames| {
        let mut bytes = Vec::new();
        for frame in frames {
            write_up(&mut bytes, frame, &limits()).unwrap();
        }
        bytes
    })
    .collect()
}

/// What keepers say.
pub(crate) fn from_keeper() -> Vec<Vec<u8>> {
    let files = Source::Files {
        tables: vec![FileTable {
            name: "Zzyzx".into(),
            file: "0.csv".into(),
            format: Format::Csv,
        }],
    };
    let setup = Down::Setup(Setup {
        limits: limits(),
        layers: BTreeMap::from([(Layer::Seccomp, Requirement::Required)]),
        inputs: vec![
            InputPlan::Stream { name: "a".into() },
            InputPlan::Bind {
                name: "b".into(),
                path: "/Zzyzx".into(),
            },
        ],
    });
    let order = |job| {
        Down::Order(Box::new(Order {
            job,
            limits: limits(),
        }))
    };
    let query = order(Job::Query(Query {
        source: files.clone(),
        sql: "select 'Zzyzx'".into(),
        skip: 1,
    }));
    let check = order(Job::Check(Check {
        source: Source::Extract,
        unit: "person".into(),
        sql: "select 'Zzyzx'".into(),
        statements: 1,
        people: People::Listed,
    }));
    [
        vec![setup.clone(), Down::Go, query, Down::Cancel],
        vec![
            setup.clone(),
            Down::Go,
            Down::Open(Box::new(files)),
            check,
            Down::Stop,
        ],
        vec![setup, Down::Go, order(Job::SelfTest), Down::Stop],
    ]
    .iter()
    .map(|frames| {
        let mut bytes = Vec::new();
        for frame in frames {
            write_down(&mut bytes, frame).unwrap();
        }
        bytes
    })
    .collect()
}
