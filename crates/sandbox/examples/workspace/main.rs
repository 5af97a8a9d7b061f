//! What the walls around a workspace cost: `cargo xtask bench workspace`.
//!
//! `workspace WORKER PLAIN WALLS PROFILE [PART]` measures the sealed worker beside a plain DuckDB process
//! (`examples/plain` of the engine's crate) in one run, taking turns, and prints a ratio for each goal: of all parts,
//! or of `start`, `queries`, `pour`, `rows`, `others` or `idle` alone.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a benchmark: what it prints is the result, and a panic a failed run"
)]

mod plain;
mod queries;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use protocol::frame::Up;
use protocol::job::{FileTable, Format, Job, Order, Query, Source};
use protocol::limits::Limits;
use sandbox::{Input, Launch, Profile, Running, Spare};

use plain::Plain;

/// Starts of each kind, of which the middle one counts.
const STARTS: usize = 31;
/// Sessions that wait.
const IDLE: usize = 50;
/// Bytes that one worker sends.
const POURED: u64 = 4 << 30;

struct Bench {
    worker: PathBuf,
    plain: PathBuf,
    walls: PathBuf,
    profile: Profile,
    folder: tempfile::TempDir,
}

fn main() {
    let mut words: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let part = if words.len() == 5 { words.pop() } else { None };
    let [worker, plain, walls, profile]: [PathBuf; 4] =
        words.try_into().expect("WORKER PLAIN WALLS PROFILE [PART]");
    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path());
    let bench = Bench {
        worker,
        plain,
        walls,
        profile: Profile::parse(&std::fs::read_to_string(profile).unwrap()).unwrap(),
        folder,
    };
    println!(
        "{:44} {:>10} {:>10} {:>8}  goal",
        "", "sealed", "plain", "ratio"
    );
    type Part = (&'static str, fn(&Bench));
    let parts: [Part; 6] = [
        ("start", Bench::start),
        ("queries", Bench::queries),
        ("pour", Bench::pour),
        ("rows", Bench::rows),
        ("others", Bench::beside_others),
        ("idle", Bench::idle),
    ];
    for (name, run) in parts {
        if part.as_ref().is_none_or(|part| part.as_os_str() == name) {
            // What rows and others read is made with the queries.
            if part.is_some() && matches!(name, "rows" | "others" | "idle") {
                bench.furnish();
            }
            run(&bench);
        }
    }
}

/// Workers are users of their own.
fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn row(name: &str, sealed: f64, plain: f64, unit: &str, goal: &str) {
    println!(
        "{name:44} {sealed:>7.1} {unit:2} {plain:>7.1} {unit:2} {:>7.2}x  {goal}",
        sealed / plain
    );
}

fn middle(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn query(source: Source, sql: &str) -> Job {
    Job::Query(Query {
        source,
        sql: sql.into(),
        skip: 0,
    })
}

/// Waits for the next answer, which must be one.
fn answer(running: &mut Running) {
    loop {
        match running.next().unwrap() {
            Some(Up::Statement(result)) => {
                assert!(
                    result.result.is_some(),
                    "{:?} {:?}",
                    result.error,
                    result.killed
                );
                return;
            }
            Some(Up::Progress(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

impl Bench {
    fn limits(&self) -> Limits {
        self.profile.limits.clone()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn spawn(&self, job: Job, inputs: Vec<Input>) -> Running {
        sandbox::spawn(Launch {
            worker: self.worker.clone(),
            order: Order {
                job,
                limits: self.limits(),
            },
            inputs,
            profile: self.profile.clone(),
        })
        .unwrap()
    }

    fn extract(&self) -> Vec<Input> {
        vec![Input::HostFile {
            name: "extract.duckdb".into(),
            path: self.file("extract.duckdb"),
        }]
    }

    fn start(&self) {
        let file = self.file("t.csv");
        std::fs::write(&file, "a,b\n1,x\n2,y\n3,x\n").unwrap();
        let csv = || {
            (
                Source::Files {
                    tables: vec![FileTable {
                        name: "t".into(),
                        file: "0.csv".into(),
                        format: Format::Csv,
                    }],
                },
                vec![Input::HostFile {
                    name: "0.csv".into(),
                    path: file.clone(),
                }],
            )
        };
        let sql = "select sum(a) as s from t";
        let (mut sealed, mut plain, mut spare) = (Vec::new(), Vec::new(), Vec::new());
        let mut walls = Vec::new();
        for _ in 0..STARTS {
            let begun = Instant::now();
            let (source, inputs) = csv();
            let mut running = self.spawn(query(source, sql), inputs);
            walls.push(ms(begun.elapsed()));
            answer(&mut running);
            sealed.push(ms(begun.elapsed()));
            drop(running);

            let begun = Instant::now();
            let mut other = Plain::start(&self.plain, &self.limits(), "memory", Some(("t", &file)));
            other.run(sql);
            plain.push(ms(begun.elapsed()));
            drop(other);

            let (source, inputs) = csv();
            let limits = self.limits();
            let waiting = Spare::start(
                &self.worker,
                self.profile.clone(),
                limits,
                inputs,
                source.clone(),
            )
            .unwrap();
            let begun = Instant::now();
            let mut running = waiting.begin(query(source, sql)).unwrap();
            answer(&mut running);
            spare.push(ms(begun.elapsed()));
        }
        let plain = middle(plain);
        row(
            "start to first row, a small file",
            middle(sealed),
            plain,
            "ms",
            "at most 1.3x",
        );
        println!(
            "{:44} {:>7.1} ms",
            "  of which the process and its walls",
            middle(walls)
        );
        row(
            "the same with a spare worker",
            middle(spare),
            plain,
            "ms",
            "under 15 ms",
        );
    }

    /// Makes the extract.
    fn furnish(&self) -> PathBuf {
        let database = self.file("extract.duckdb");
        let mut plain = Plain::start(&self.plain, &self.limits(), "memory", None);
        for sql in queries::tables(&database) {
            plain.run(&sql);
        }
        drop(plain);
        open_to_all(&database);
        database
    }

    fn queries(&self) {
        let database = self.furnish();
        let text: Vec<&str> = queries::ALL.iter().map(|(_, sql)| *sql).collect();
        let rounds = [text.join(";"), text.join(";"), text.join(";")].join(";");
        let mut running = self.spawn(query(Source::Extract, &rounds), self.extract());
        // The worker pauses when its socket is full, and each answer is small: its clock is the keeper's.
        let place = database.display().to_string();
        let mut plain = Plain::start(&self.plain, &self.limits(), &place, None);
        let (mut sealed, mut others) = (vec![f64::MAX; text.len()], vec![f64::MAX; text.len()]);
        // One after the other, so that neither takes processors from the other.
        for _ in 0..3 {
            for best in &mut sealed {
                let begun = Instant::now();
                answer(&mut running);
                *best = best.min(ms(begun.elapsed()));
            }
        }
        drop(running);
        for _ in 0..3 {
            for (best, sql) in others.iter_mut().zip(&text) {
                let begun = Instant::now();
                plain.run(sql);
                *best = best.min(ms(begun.elapsed()));
            }
        }
        for (((name, _), sealed), plain) in queries::ALL.iter().zip(&sealed).zip(&others) {
            row(&format!("query: {name}"), *sealed, *plain, "ms", "");
        }
        let sum = |all: &[f64]| all.iter().sum::<f64>();
        row(
            "all queries",
            sum(&sealed),
            sum(&others),
            "ms",
            "at most 1.05x",
        );
    }

    /// Bytes of a file from a worker to its keeper.
    fn pour(&self) {
        let mut profile = self.profile.clone();
        profile.limits.file_mib = 1 << 20;
        let limits = profile.limits.clone();
        let mut running = sandbox::spawn(Launch {
            worker: self.walls.clone(),
            order: Order {
                job: query(Source::Extract, &format!("pour {POURED}")),
                limits,
            },
            inputs: Vec::new(),
            profile,
        })
        .unwrap();
        let begun = Instant::now();
        let mut bytes = 0;
        while let Some(frame) = running.next().unwrap() {
            if let Up::FileBytes(piece) = frame {
                bytes += piece.len() as u64;
            }
        }
        assert_eq!(bytes, POURED);
        let rate = bytes as f64 / begun.elapsed().as_secs_f64() / 1e9;
        println!(
            "{:44} {rate:>6.2} GB/s {:>22}  at least 1 GB/s",
            "bytes from worker to keeper", ""
        );
    }

    /// Results of a full page, as JSON text.
    fn rows(&self) {
        let page = "select range as a, range * 1.5 as b, 'some text of a row ' || range as c from range(1000)";
        let pages = 500;
        let sql = vec![page; pages].join(";");
        let mut running = self.spawn(query(Source::Extract, &sql), self.extract());
        let begun = Instant::now();
        for _ in 0..pages {
            answer(&mut running);
        }
        let rate = (pages * 1000) as f64 / begun.elapsed().as_secs_f64();
        println!(
            "{:44} {:>6.2} million rows/s",
            "rows of full pages, each its own statement",
            rate / 1e6
        );
    }

    /// What a person waits while two others take every processor and all the memory that they may.
    fn beside_others(&self) {
        let greedy = [
            "select count(*) from range(1000000) a, range(1000000) b where hash(a.range, b.range) = 1",
            "select count(*) from (select distinct repeat(range::varchar, 30) from range(1000000000))",
        ];
        let others: Vec<Running> = greedy
            .iter()
            .map(|sql| self.spawn(query(Source::Extract, sql), self.extract()))
            .collect();
        let mut waits = Vec::new();
        for _ in 0..15 {
            let begun = Instant::now();
            let job = query(Source::Extract, "select 1");
            let mut running = self.spawn(job, self.extract());
            answer(&mut running);
            waits.push(ms(begun.elapsed()));
        }
        drop(others);
        let longest = waits.iter().copied().fold(0.0, f64::max);
        println!(
            "{:44} {:>7.0} ms, longest {longest:.0} ms {:>5}  under 1000 ms",
            "select 1 from a new worker beside two greedy",
            middle(waits),
            ""
        );
    }

    fn idle(&self) {
        let before = available_kib();
        let spares: Vec<Spare> = (0..IDLE)
            .map(|_| {
                let limits = self.limits();
                let inputs = self.extract();
                Spare::start(
                    &self.worker,
                    self.profile.clone(),
                    limits,
                    inputs,
                    Source::Extract,
                )
                .unwrap()
            })
            .collect();
        let taken = before.saturating_sub(available_kib()) / 1024;
        println!(
            "{:44} {taken:>7} MB {:>22}  under 3000 MB",
            format!("{} idle sessions together", spares.len()),
            ""
        );
    }
}

/// Memory that the machine could still give, in KiB.
fn available_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    text.lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .expect("MemAvailable in /proc/meminfo")
}
