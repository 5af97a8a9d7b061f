//! What differentially private statistics cost and how exact they are: counts, sums, means and standard
//! deviations by group, over visits of people in four of twelve groups each. `cargo xtask bench privacy` runs
//! it beside smartnoise-sql over the same file.
//!
//! `privacy make ROWS FILE` writes the data; `privacy run FILE` measures and prints JSON: CPU seconds of the
//! process for each statement, one-off preparation apart, and mean absolute errors over groups and draws. A safe
//! haven prepares nothing: each statement is measured there from an extract too, opened and cut anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark: what goes wrong ends it, and it speaks on standard output"
)]

#[path = "../../src/jobs/measure/plan.rs"]
mod plan;

mod extract;

use std::fmt::Write as _;
use std::path::Path;

use engine::extract::PERSON;
use engine::measure::{Prepared, prepare};
use engine::{Caps, Connection, FileFormat, FileTable, Outcome, Settings, Tables};
use privacy::{Limits, Noisy, Part, Priced, Request, price, release};
use serde_json::{Value, json};

const GROUPS: usize = 12;
/// Groups of one person; one visit in each.
const VISITS: usize = 4;
/// The whole budget of one request, as both sides spend it.
const EPSILON: f64 = 1.0;
const DRAWS: u32 = 40;
const TIMES: u32 = 25;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["make", rows, file] => make(rows.parse().unwrap(), Path::new(file)),
        ["run", file] => println!("{}", run(Path::new(file))),
        _ => panic!("privacy make ROWS FILE | privacy run FILE"),
    }
}

/// Ages around the middle of life, spread by a small generator (Steele, Lea and Flood 2014).
fn make(rows: usize, file: &Path) {
    let mut seed = 1_u64;
    let mut roll = |faces: u64| {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % faces
    };
    let mut text = String::from("who,g,x\n");
    for person in 0..rows / VISITS {
        let first = roll(GROUPS as u64) as usize;
        for visit in 0..VISITS {
            // Four different groups, evenly.
            let group = (first + visit * (GROUPS / VISITS)) % GROUPS;
            let age = 18 + roll(25) + roll(25) + roll(25);
            writeln!(text, "{person},g{group:02},{age}").unwrap();
        }
    }
    std::fs::write(file, text).unwrap();
}

fn limits() -> Limits {
    let policy = include_str!("../../../../policies/privacy/request.toml");
    let number = |name: &str| -> f64 {
        let line = policy
            .lines()
            .find(|line| line.starts_with(&format!("{name} = ")));
        line.unwrap().split(" = ").nth(1).unwrap().parse().unwrap()
    };
    let whole = |name: &str| number(name) as u32;
    plan::limits(&protocol::job::RequestLimits {
        statistics: whole("statistics"),
        keys: whole("keys"),
        groups: whole("groups"),
        conditions: whole("conditions"),
        features: whole("features"),
        joins: whole("joins"),
        bins: whole("bins"),
        cells: whole("cells"),
        rows: whole("rows"),
        rho_max: number("rho_max"),
        rho_min: number("rho_min"),
        delta_max: number("delta_max"),
        report_delta: number("report_delta"),
        draws: whole("draws"),
        reply_ms: whole("reply_ms"),
    })
}

/// A request for these statistics that costs the whole epsilon, at delta 10^-6 where it has one.
fn priced(statistics: &str) -> Priced {
    let groups: Vec<String> = (0..GROUPS).map(|g| format!("\"g{g:02}\"")).collect();
    let text = format!(
        r#"{{"table": "visits", "group_by": [{{"column": "g", "values": [{}]}}], "l0": {VISITS}, "linf": 1, "epsilon": {EPSILON}, "statistics": [{statistics}]}}"#,
        groups.join(", ")
    );
    price(Request::parse(&text, &limits()).unwrap(), &limits()).unwrap()
}

/// CPU seconds of this process so far, all threads.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after = stat.rsplit(')').next().unwrap();
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

fn timed<T>(times: u32, mut work: impl FnMut() -> T) -> (f64, T) {
    let began = cpu();
    let mut done = work();
    for _ in 1..times {
        done = work();
    }
    ((cpu() - began) / f64::from(times), done)
}

/// The cells of a request, out of those prepared for several.
fn cells(prepared: &Prepared<'_>, of: &Priced, parts: &[Part]) -> Vec<Vec<i64>> {
    of.components
        .iter()
        .map(|component| {
            let at = parts.iter().position(|part| *part == component.part);
            prepared.cells(at.unwrap()).unwrap()
        })
        .collect()
}

/// As many releases of a request.
fn answers(prepared: &Prepared<'_>, of: &Priced, parts: &[Part], draws: u32) -> Vec<Value> {
    let groups = of.request.groups();
    of.draw(&cells(prepared, of, parts), draws)
        .unwrap()
        .into_iter()
        .map(|cells| {
            let noisy = Noisy {
                cells,
                people: None,
            };
            release(of, &groups, &noisy).unwrap()
        })
        .collect()
}

const COLUMN: &str = r#""column": "x", "bounds": [0, 100]"#;

/// Names as both sides print them, names in a release, statements of the exact answer, requests.
fn statistics() -> [(&'static str, &'static str, &'static str, String); 4] {
    [
        ("count", "count", "count(*)", r#""count""#.to_owned()),
        (
            "sum",
            "sum_x",
            "sum(x)",
            format!(r#"{{"statistic": "sum", {COLUMN}}}"#),
        ),
        (
            "mean",
            "mean_x",
            "avg(x)",
            format!(r#"{{"statistic": "mean", {COLUMN}}}"#),
        ),
        (
            "stddev",
            "standard_deviation_x",
            "stddev_samp(x)",
            format!(r#"{{"statistic": "standard_deviation", {COLUMN}}}"#),
        ),
    ]
}

/// Exact answers by group, in order.
fn exact(connection: &Connection, of: &str) -> Vec<f64> {
    let caps = Caps {
        rows: 100,
        columns: 2,
        cell_bytes: 100,
        result_bytes: 100_000,
    };
    let sql = format!("select cast({of} as double) from visits group by g order by g");
    match connection.run(&sql, &caps) {
        Outcome::Rows(answer) => answer
            .rows
            .iter()
            .map(|row| row[0].as_f64().unwrap())
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// Mean absolute error over groups and draws.
fn error(releases: &[Value], name: &str, exact: &[f64]) -> f64 {
    let errors: Vec<f64> = releases
        .iter()
        .flat_map(|release| {
            release["rows"]
                .as_array()
                .unwrap()
                .iter()
                .zip(exact)
                .map(|(row, exact)| (row["values"][name]["value"].as_f64().unwrap() - exact).abs())
                .collect::<Vec<_>>()
        })
        .collect();
    errors.iter().sum::<f64>() / errors.len() as f64
}

/// One answer from the rows, nothing prepared.
fn from_rows(connection: &Connection, own: &Priced, unit: &str) -> Vec<Value> {
    let parts: Vec<Part> = own.components.iter().map(|c| c.part.clone()).collect();
    let prepared = prepare(connection, &plan::plan(own, unit, [3; 32])).unwrap();
    answers(&prepared, own, &parts, 1)
}

/// CPU seconds of each request as a safe haven's worker answers it: the extract opened, cells cut, noise drawn.
/// What the keeper does before, to decrypt the extract and start the worker, is not among them.
fn in_a_haven<const N: usize>(file: &Path, settings: &Settings, of: &[Priced; N]) -> [f64; N] {
    let folder = tempfile::tempdir().unwrap();
    let extract = extract::of(file, folder.path(), settings);
    of.each_ref().map(|own| {
        timed(3, || {
            let tables = Tables::Extract(extract.clone());
            let connection = Connection::open(settings, &tables).unwrap();
            from_rows(&connection, own, PERSON)
        })
        .0
    })
}

fn run(file: &Path) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        memory_mib: 2_000,
        threads: 1,
        spill: folder.path().join("spill"),
        spill_mib: 1_000,
    };
    let table = FileTable {
        name: "visits".into(),
        path: file.to_owned(),
        format: FileFormat::Csv,
    };
    let (load, connection) = timed(1, || {
        Connection::open(&settings, &Tables::Files(vec![table.clone()])).unwrap()
    });
    let statistics = statistics();
    let together = priced(&statistics.each_ref().map(|s| s.3.clone()).join(", "));
    let alone = statistics.each_ref().map(|s| priced(&s.3));
    // One cell table for all of them.
    let mut cut = plan::plan(&together, "who", [3; 32]);
    let mut parts: Vec<Part> = together.components.iter().map(|c| c.part.clone()).collect();
    for own in &alone {
        let of_own = plan::plan(own, "who", [3; 32]).parts;
        for (component, part) in own.components.iter().zip(of_own) {
            if !parts.contains(&component.part) {
                parts.push(component.part.clone());
                cut.parts.push(part);
            }
        }
    }
    // The whole way for each statistic first: it uses the same tables.
    let whole = alone
        .each_ref()
        .map(|own| timed(3, || from_rows(&connection, own, "who")).0);
    let haven = in_a_haven(file, &settings, &alone);
    // The mean of three, as of the peer.
    let (preparation, prepared) = timed(3, || prepare(&connection, &cut).unwrap());
    let all_together = answers(&prepared, &together, &parts, DRAWS);
    let mut told = Vec::new();
    for (at, (name, released_as, sql, _)) in statistics.iter().enumerate() {
        let own = &alone[at];
        let (over, _) = timed(TIMES, || answers(&prepared, own, &parts, 1));
        let exact = exact(&connection, sql);
        told.push(json!({
            "statistic": name,
            "cpu_s": over,
            "cpu_whole_s": whole[at],
            "cpu_haven_s": haven[at],
            "noise": own.shape,
            "rho": own.nano_rho as f64 / 1e9,
            "error_alone": error(&answers(&prepared, own, &parts, DRAWS), released_as, &exact),
            "error_together": error(&all_together, released_as, &exact),
        }));
    }
    json!({
        "load_cpu_s": load,
        "preparation_cpu_s": preparation,
        "noise": together.shape,
        "rho": together.nano_rho as f64 / 1e9,
        "statistics": told,
    })
}
