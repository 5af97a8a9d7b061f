//! A worker without a data engine, and a keeper that starts it, to try the walls.
//!
//! Without arguments it is the worker. `walls doctor PROFILE` prints what `sandbox::doctor` finds;
//! `walls run PROFILE JOB [FILE]` starts one worker and prints how it ended. `walls without CALL ERRNO`
//! before either makes a system call fail, as on a machine that lacks it.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test program: what it prints is the result, and a panic a failed test"
)]

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use protocol::frame::{Down, Hatch, Up, read_down};
use protocol::job::{Job, Order, Query, Source};
use protocol::posture::Layer;
use protocol::report::{Report, Rows, StatementResult};
use sandbox::{Input, Launch, Profile, SandboxError};

#[global_allocator]
static MEMORY: sandbox::inside::FailFast = sandbox::inside::FailFast;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    obey(&words)
}

fn obey(words: &[&str]) -> ExitCode {
    match words {
        [] => worker(),
        ["without", call, errno, rest @ ..] => {
            take_away(call.parse().unwrap(), errno.parse().unwrap());
            obey(rest)
        }
        ["doctor", profile] => {
            let me = std::env::current_exe().unwrap();
            match sandbox::doctor(&me, &read(profile)) {
                Ok(layers) => println!("{}", serde_json::to_string(&layers).unwrap()),
                Err(error) => println!("error: {error}"),
            }
            ExitCode::SUCCESS
        }
        ["run", profile, job] => keeper(&read(profile), job, None),
        ["run", profile, job, file] => keeper(&read(profile), job, Some(file)),
        _ => panic!("unknown words"),
    }
}

/// Takes a system call away from this process and all that it starts.
fn take_away(call: i64, errno: u32) {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};
    let filter: BpfProgram = SeccompFilter::new(
        [(call, vec![])].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(errno),
        std::env::consts::ARCH.try_into().unwrap(),
    )
    .unwrap()
    .try_into()
    .unwrap();
    seccompiler::apply_filter(&filter).unwrap();
}

fn read(profile: &str) -> Profile {
    Profile::parse(&std::fs::read_to_string(profile).unwrap()).unwrap()
}

/// Runs one job and prints a line for each frame, then how it ended.
fn keeper(profile: &Profile, job: &str, file: Option<&str>) -> ExitCode {
    let mut inputs = vec![Input::Stream {
        name: "stream".into(),
        reader: Box::new(&b"sealed bytes"[..]),
    }];
    inputs.extend(file.map(|path| Input::HostFile {
        name: "file".into(),
        path: PathBuf::from(path),
    }));
    let launch = Launch {
        worker: std::env::current_exe().unwrap(),
        order: Order {
            job: Job::Query(Query {
                source: Source::Extract,
                sql: job.into(),
                skip: 0,
            }),
            limits: profile.limits.clone(),
        },
        inputs,
        profile: profile.clone(),
    };
    let began = Instant::now();
    let mut running = match sandbox::spawn(launch) {
        Ok(running) => running,
        Err(error) => {
            println!("not started: {error}");
            return ExitCode::SUCCESS;
        }
    };
    println!("ready in {} ms", began.elapsed().as_millis());
    println!("{:?}", running.posture().state(Layer::ReadOnlyInputs));
    if job == "orphan" {
        // The keeper ends without a word; the worker must not outlive it.
        println!("guard {}", running_children());
        std::process::abort();
    }
    if job == "kill" {
        running.killer().kill();
    }
    if job == "cancel" {
        running.cancel().unwrap();
    }
    if job == "overtaken" {
        // The worker reads the first and leaves the second in its socket.
        running.cancel().unwrap();
        running.cancel().unwrap();
    }
    loop {
        match running.next() {
            Ok(Some(Up::Statement(result))) => println!("said {:?}", result.result.map(|r| r.rows)),
            Ok(Some(Up::FileBytes(bytes))) => println!("bytes {}", bytes.len()),
            Ok(Some(Up::Failed(failure))) => println!("failed: {failure}"),
            Ok(Some(frame)) => println!("{frame:?}"),
            Ok(None) => break,
            Err(error @ SandboxError::Hostile(_)) => {
                println!("ended: {error}: {:?}", std::error::Error::source(&error));
                break;
            }
            Err(error) => {
                println!("ended: {error}");
                break;
            }
        }
    }
    if let Some(usage) = running.usage() {
        println!("used {} ms, {} KiB", usage.cpu_ms, usage.peak_kib);
    }
    ExitCode::SUCCESS
}

/// Process numbers of the children of this process.
fn running_children() -> String {
    let me = std::process::id();
    std::fs::read_to_string(format!("/proc/{me}/task/{me}/children")).unwrap()
}

fn worker() -> ExitCode {
    let sealed = match sandbox::inside::seal() {
        Ok(sealed) => sealed,
        Err(_) => return ExitCode::from(2),
    };
    let mut socket = sealed.socket;
    let Ok(Some(Down::Order(order))) = read_down(&mut socket) else {
        return ExitCode::from(3);
    };
    let mut raw = socket.try_clone().unwrap();
    let mut ears = socket.try_clone().unwrap();
    let mut hatch = Hatch::new(socket, sealed.limits.clone());
    let flag = hatch.cancel_flag();
    let listener = std::thread::spawn(move || {
        if let Ok(Some(Down::Cancel)) = read_down(&mut ears) {
            flag.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
    drop(listener);
    let report = match &order.job {
        Job::SelfTest => Report::SelfTest {
            probes: sandbox::inside::attack(&sealed.limits, sealed.strangers),
        },
        Job::Query(query) => match query.sql.as_str() {
            "shout" => {
                let piece = [b'x'; 4096];
                while raw.write_all(&piece).is_ok() {}
                return ExitCode::SUCCESS;
            }
            "leave" => return ExitCode::from(7),
            "cancel" => {
                let failure = loop {
                    std::thread::sleep(Duration::from_millis(10));
                    if let Err(failure) = hatch.progress(0, 0, "waiting") {
                        break failure;
                    }
                };
                hatch.fail(failure).unwrap();
                return ExitCode::SUCCESS;
            }
            word => {
                act(word, &mut hatch);
                Report::Query { statements: 1 }
            }
        },
        _ => return ExitCode::from(4),
    };
    hatch.report(report).unwrap();
    ExitCode::SUCCESS
}

fn act(word: &str, hatch: &mut Hatch<'_>) {
    if let Some(bytes) = word.strip_prefix("pour ") {
        let mut zeros = std::io::repeat(0).take(bytes.parse().unwrap());
        hatch.send_file("zeros", &mut zeros).unwrap();
        return;
    }
    match word {
        "report" => {}
        "read" => say(hatch, 0, &look()),
        "env" => {
            let all: Vec<_> = std::env::vars().collect();
            say(hatch, 0, &[format!("{all:?}")]);
        }
        "threads" => say(hatch, 0, &[threads()]),
        "file" => {
            let file = vec![1_u8; 300_000];
            hatch.send_file("out.bin", &mut file.as_slice()).unwrap();
        }
        "overtaken" => {
            while hatch.progress(0, 0, "waiting").is_ok() {
                std::thread::sleep(Duration::from_millis(10));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        "spin" => loop {
            std::hint::black_box(0);
        },
        "sleep" | "orphan" | "kill" => std::thread::sleep(Duration::from_secs(600)),
        // Each statement starts the clock anew: three of them outlast one limit.
        "slowly" => {
            for at in 0..3 {
                std::thread::sleep(Duration::from_millis(1600));
                say(hatch, at, &[at.to_string()]);
            }
        }
        "eat" => {
            let mut all: Vec<Vec<u8>> = Vec::new();
            loop {
                all.push(vec![1; 1 << 20]);
            }
        }
        // 200 MiB that are touched, then 300 ms of one processor.
        "toil" => {
            std::hint::black_box(vec![1_u8; 200 << 20]);
            let mut spent = Duration::ZERO;
            let mut last = Instant::now();
            while spent < Duration::from_millis(300) {
                // A gap is time in which others had the processor.
                spent += last.elapsed().min(Duration::from_micros(100));
                last = Instant::now();
            }
        }
        "crash" => std::process::abort(),
        other => panic!("unknown job {other}"),
    }
}

fn say(hatch: &mut Hatch<'_>, statement: u32, words: &[String]) {
    hatch
        .send_statement(StatementResult {
            statement,
            result: Some(Rows {
                columns: vec!["word".into()],
                types: vec!["VARCHAR".into()],
                rows: words.iter().map(|w| vec![w.clone().into()]).collect(),
                truncated: false,
            }),
            error: None,
            killed: None,
            ms: 0,
        })
        .unwrap();
}

/// The names and contents of the inputs.
fn look() -> Vec<String> {
    let mut found: Vec<String> = std::fs::read_dir("/in")
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path);
            format!("{} = {:?}", path.display(), text.map_err(|e| e.kind()))
        })
        .collect();
    found.sort();
    found
}

fn threads() -> String {
    let threads: Vec<_> = (0..8_u64)
        .map(|n| std::thread::spawn(move || n * n))
        .collect();
    let sum: u64 = threads.into_iter().map(|t| t.join().unwrap()).sum();
    sum.to_string()
}
