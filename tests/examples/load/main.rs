//! What the pages take: a full house (10,000 applications, a million log entries) is made once, then
//! `strongroom serve` is asked for worklists and applications at a steady rate from this second process.
//!
//! `cargo xtask bench pages [--applications N] [--entries N] [--rate PER_SECOND] [--seconds N]`
//!
//! The house is kept beside the built programs (`target/debug/bench-houses`) for the next run; remove its folder
//! to have it filled again. Latency counts from the moment at which a request was due, not from when a client got round to sending
//! it, so that a server that stands still is seen. The rate of durable acts is measured beside the disk's own
//! rate of 4 KiB writes each followed by `fdatasync`, in the same folder, one after the other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark: what goes wrong ends it, and it speaks on standard output"
)]

mod house;
mod http;
mod measure;

use std::time::Duration;

/// What is asked for.
struct Ask {
    applications: usize,
    entries: u64,
    rate: u32,
    seconds: u32,
}

/// Seconds in which nothing is counted, while statements are prepared and the first pages read.
const WARM_UP_S: u32 = 5;

fn main() {
    let ask = ask();
    println!(
        "{} applications, {} log entries, {} requests a second for {} s",
        ask.applications, ask.entries, ask.rate, ask.seconds
    );
    let full = house::open(ask.applications, ask.entries);
    println!(
        "a house of {} applications and {} log entries; {} people with sessions",
        full.projects.len(),
        full.entries,
        full.sessions.len()
    );
    let serving = house::serve(&full.folder);
    let fsyncs = measure::fsyncs(&full.folder, Duration::from_secs(5));
    for (what, paths) in [
        ("worklist", house::worklists(&full)),
        ("application", house::applications(&full)),
    ] {
        measure::steady(serving.port, &paths, ask.rate, WARM_UP_S);
        let before = measure::cpu(serving.child.id());
        let times = measure::steady(serving.port, &paths, ask.rate, ask.seconds);
        let cpu = measure::cpu(serving.child.id()) - before;
        println!(
            "{what:<12} {times}; {:.2} ms of CPU each",
            cpu.as_secs_f64() * 1_000.0 / f64::from(ask.rate * ask.seconds)
        );
        for (role, times) in times.by_role() {
            println!("  {:<14} {times}", role.word());
        }
    }
    let acts = measure::acts(&serving.socket, &full.researchers, Duration::from_secs(10));
    println!(
        "durable acts {acts:.0} a second from 64 clients at once; the disk alone: {fsyncs:.0} fdatasync a second, one after the other"
    );
}

fn ask() -> Ask {
    let mut ask = Ask {
        applications: 10_000,
        entries: 1_000_000,
        rate: 200,
        seconds: 30,
    };
    let args: Vec<String> = std::env::args().skip(1).collect();
    for pair in args.chunks(2) {
        let number = |text: &String| text.parse::<u64>().expect("a whole number");
        match pair {
            [flag, n] if flag == "--applications" => ask.applications = number(n) as usize,
            [flag, n] if flag == "--entries" => ask.entries = number(n),
            [flag, n] if flag == "--rate" => ask.rate = number(n) as u32,
            [flag, n] if flag == "--seconds" => ask.seconds = number(n) as u32,
            _ => panic!("load [--applications N] [--entries N] [--rate N] [--seconds N]"),
        }
    }
    ask
}
