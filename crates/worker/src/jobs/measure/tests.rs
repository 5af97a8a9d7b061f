use engine::{FileTable, Settings, Tables};

use super::*;

/// Two fresh folders in place of `/in` and `/spill`.
pub(super) fn rooms() -> (tempfile::TempDir, Rooms) {
    let folder = tempfile::tempdir().unwrap();
    let rooms = Rooms::at(folder.path().join("in"), folder.path().join("spill"));
    std::fs::create_dir(&rooms.inputs).unwrap();
    std::fs::create_dir(&rooms.scratch).unwrap();
    (folder, rooms)
}

pub(super) fn limits() -> Limits {
    super::super::tests::LIMITS
}

pub(super) fn policy() -> RequestLimits {
    RequestLimits {
        statistics: 20,
        keys: 4,
        groups: 1_000,
        conditions: 20,
        features: 20,
        joins: 4,
        bins: 1_000,
        cells: 100_000,
        rows: 1_000,
        rho_max: 100.0,
        rho_min: 1e-6,
        delta_max: 1e-6,
        report_delta: 1e-6,
        draws: 100_000,
        reply_ms: 1,
    }
}

/// An engine over text files, as the job opens it.
struct Data {
    _folder: tempfile::TempDir,
    connection: Connection,
}

impl Data {
    fn of(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tables = files
            .iter()
            .map(|(name, text)| {
                let path = folder.path().join(format!("{name}.csv"));
                std::fs::write(&path, text).unwrap();
                FileTable {
                    name: (*name).to_owned(),
                    path,
                    format: FileFormat::CsvText,
                }
            })
            .collect();
        let settings = Settings {
            memory_mib: 256,
            threads: 1,
            spill: folder.path().join("spill"),
            spill_mib: 64,
        };
        let connection = Connection::open(&settings, &Tables::Files(tables)).unwrap();
        Self {
            _folder: folder,
            connection,
        }
    }

    fn release(&self, request: &str) -> Value {
        let priced = priced(request, &policy()).unwrap();
        let plan = plan::plan(&priced, "who", [1; 32]);
        let prepared = prepare(&self.connection, &plan).unwrap();
        let mut released = None;
        Draw::of(&prepared, &priced, 1_000)
            .unwrap()
            .each(1, |_, value| {
                released = Some(value);
                Ok(())
            })
            .unwrap();
        released.unwrap()
    }

    /// Cells of every component, without noise.
    fn cells(&self, request: &str) -> (Priced, Vec<Vec<i64>>) {
        let priced = priced(request, &policy()).unwrap();
        let plan = plan::plan(&priced, "who", [1; 32]);
        let prepared = prepare(&self.connection, &plan).unwrap();
        let cells = (0..priced.components.len())
            .map(|part| prepared.cells(part).unwrap())
            .collect();
        (priced, cells)
    }
}

/// Everything at once, for enough budget that the noise is small.
const RICH: &str = r#"{"table": "visits", "group_by": [{"column": "g", "values": ["n", "s"]}], "l0": 2, "linf": 2, "rho": 10, "totals": true,
    "statistics": ["count", "people", {"statistic": "mean", "column": "x", "bounds": [0, 10]}, {"statistic": "sd", "column": "x", "bounds": [0, 10]},
      {"statistic": "median", "column": "x", "bounds": [0, 10], "step": 1}, {"statistic": "histogram", "column": "x", "edges": [0, 5, 10]}]}"#;

fn visits(people: usize) -> String {
    let mut text = "who,g,x\n".to_owned();
    for at in 0..people {
        let g = ["n", "s", "elsewhere"][at % 3];
        text.push_str(&format!("p{at},{g},{}\n", at % 11));
    }
    text
}

#[test]
fn with_a_large_budget_the_answer_is_near_the_truth() {
    let data = Data::of(&[("visits", &visits(3_300))]);
    let release = data.release(RICH);
    let north = &release["rows"][0]["values"];
    let near = |value: &Value, truth: f64, by: f64| {
        let value = value["value"].as_f64().unwrap();
        assert!((value - truth).abs() <= by, "{value} {truth}");
    };
    near(&north["count"], 1_100.0, 8.0);
    near(&north["people"], 1_100.0, 8.0);
    near(&north["mean_x"], 5.0, 0.1);
    near(&north["standard_deviation_x"], 10_f64.sqrt(), 0.1);
    near(&north["median_x"], 5.0, 0.0);
    near(&release["totals"][0]["values"]["count"], 2_200.0, 16.0);
    assert_eq!(release["rows"].as_array().unwrap().len(), 2);
}

#[test]
fn the_priced_bound_is_what_one_person_can_do_in_the_engine() {
    // A person with as many rows as counted, at either bound, in every group.
    for (x, low) in [
        ("10", false),
        ("0", true),
        ("-1e9", true),
        ("1e9", false),
        ("5", false),
    ] {
        let rows: String = (0..4).map(|_| format!("p,n,{x}\np,s,{x}\n")).collect();
        let data = Data::of(&[("visits", &format!("who,g,x\n{rows}"))]);
        let request = RICH.replace(
            r#""count","#,
            r#""count", {"statistic": "sum", "column": "x", "bounds": [-3, 10]},"#,
        );
        let (priced, cells) = data.cells(&request);
        let mut met = 0;
        for (component, cells) in priced.components.iter().zip(&cells) {
            for group in cells.chunks(component.part.width()) {
                let change: i64 = group.iter().map(|cell| cell.abs()).sum();
                assert!(change <= component.per_group, "{component:?} {change}");
                met += usize::from(change == component.per_group);
            }
        }
        // Counts meet theirs in any case, sums at the bounds.
        assert!(
            met >= if low || x.ends_with('0') || x.contains('e') {
                8
            } else {
                6
            },
            "{x} {met}"
        );
    }
}

#[test]
fn no_value_of_one_row_decides_how_another_is_read() {
    // Were the column's type inferred, the last row would turn every number into text, or refuse the file.
    let request = r#"{"table": "visits", "linf": 1, "rho": 1, "statistics": [{"statistic": "sum", "column": "x", "bounds": [0, 10]}, "count"]}"#;
    let with = Data::of(&[("visits", "who,x\na,007\nb,3\nc,x7\n")]);
    let without = Data::of(&[("visits", "who,x\na,007\nb,3\n")]);
    let ((_, with), (_, without)) = (with.cells(request), without.cells(request));
    let difference: Vec<i64> = with
        .iter()
        .zip(&without)
        .map(|(a, b)| a[0] - b[0])
        .collect();
    let mut difference = difference;
    difference.sort_unstable();
    assert_eq!(difference, [0, 1], "one row more, and no other value");
}

#[test]
fn keys_are_found_by_threshold_and_rare_ones_never() {
    let mut text = "who,g\n".to_owned();
    for at in 0..900 {
        text.push_str(&format!("p{at},{}\n", ["north", "south", "west"][at % 3]));
    }
    text.push_str("q,Glenmore Farm\n");
    let data = Data::of(&[("visits", &text)]);
    let request = r#"{"table": "visits", "group_by": ["g"], "l0": 1, "linf": 1, "rho": 0.5, "delta": 1e-9, "statistics": ["people", "count"]}"#;
    for _ in 0..50 {
        let release = data.release(request);
        let found: Vec<&str> = release["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["group"]["g"].as_str().unwrap())
            .collect();
        assert_eq!(found, ["north", "south", "west"]);
    }
}

#[test]
fn an_empty_table_is_answered_like_any_other() {
    let data = Data::of(&[("visits", "who,g,x\n")]);
    let release = data.release(RICH);
    assert_eq!(release["rows"].as_array().unwrap().len(), 2);
    assert!(release["rows"][0]["values"]["count"]["value"].is_i64());
    let found = data.release(
        r#"{"table": "visits", "group_by": ["g"], "l0": 1, "linf": 1, "rho": 0.5, "delta": 1e-9, "statistics": ["people", "count"]}"#,
    );
    assert_eq!(found["rows"], json!([]));
}

#[test]
fn nothing_is_measured_at_another_price_than_was_reserved() {
    let job = |reserved, draws| Measure {
        source: protocol::job::Source::Files { tables: vec![] },
        unit: "who".into(),
        request: RICH.into(),
        limits: policy(),
        reserved,
        draws,
        counts_people_of: None,
    };
    let priced = priced(RICH, &policy()).unwrap();
    let price = Reserved {
        request_sha256: hex::encode(priced.sha256),
        nano_rho: priced.nano_rho,
        atto_delta: priced.atto_delta,
    };
    assert!(reserved(&job(Some(price.clone()), 1), &priced).is_ok());
    assert!(reserved(&job(None, 9), &priced).is_ok());
    for other in [
        Reserved {
            nano_rho: price.nano_rho - 1,
            ..price.clone()
        },
        Reserved {
            atto_delta: 1,
            ..price.clone()
        },
        Reserved {
            request_sha256: "00".into(),
            ..price.clone()
        },
    ] {
        assert!(reserved(&job(Some(other), 1), &priced).is_err());
    }
    // One charge, one draw.
    assert!(reserved(&job(Some(price), 2), &priced).is_err());
}

#[test]
fn where_people_may_be_counted_nothing_else_is_measured() {
    let job = |request: &str, table: Option<&str>| Measure {
        source: protocol::job::Source::Files { tables: vec![] },
        unit: "who".into(),
        request: request.into(),
        limits: policy(),
        reserved: None,
        draws: 1,
        counts_people_of: table.map(Into::into),
    };
    let count = r#"{"table": "visits", "statistics": ["people"], "rho": 0.1}"#;
    let may = |request: &str, table| {
        let priced = priced(request, &policy()).unwrap();
        permitted(&job(request, table), &priced.request).is_ok()
    };
    assert!(may(count, Some("visits")));
    assert!(!may(count, Some("other")));
    assert!(!may(RICH, Some("visits")));
    assert!(may(RICH, None));
}

#[test]
fn what_is_refused_without_data_says_why() {
    let refuse = |request: &str| priced(request, &policy()).unwrap_err();
    let failure = refuse(r#"{"table": "t", "statistics": ["count"], "linf": 1, "rho": 1000}"#);
    assert_eq!(failure.code, FailureCode::Limit);
    assert!(failure.message.contains("rho_max"), "{}", failure.message);
    assert_eq!(refuse("{}").code, FailureCode::BadInput);
}

#[test]
fn answers_come_at_multiples_of_a_fixed_time() {
    for slow_ms in [0, 30, 70] {
        let began = Instant::now();
        std::thread::sleep(Duration::from_millis(slow_ms));
        wait(began, 50);
        let took = began.elapsed().as_millis();
        let wanted = u128::from(slow_ms / 50 + 1) * 50;
        assert!(took >= wanted, "{took} {wanted}");
    }
}
