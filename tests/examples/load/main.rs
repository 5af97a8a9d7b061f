//! What the pages take: a full house (10,000 applications, a million log entries) is made once, then
//! `strongroom serve` is asked for worklists and applications at a steady rate from this second process.
//!
//! `cargo xtask bench pages [--applications N] [--entries N] [--rate PER_SECOND] [--seconds N]`
//!
//! Latency counts from the moment at which a request was due, not from when a client got round to sending
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

use std::time::{Duration, Instant};

/// What is asked for.
struct Ask {
    applications: usize,
    entries: u64,
    rate: u32,
    seconds: u32,
}

fn main() {
    let ask = ask();
    let folder = tempfile::tempdir().unwrap();
    println!(
        "{} applications, {} log entries, {} requests a second for {} s",
        ask.applications, ask.entries, ask.rate, ask.seconds
    );
    let begun = Instant::now();
    let full = house::fill(folder.path(), ask.applications, ask.entries);
    println!(
        "made in {:.0} s: {} people with sessions",
        begun.elapsed().as_secs_f64(),
        full.sessions.len()
    );
    let serving = house::serve(folder.path());
    let fsyncs = measure::fsyncs(folder.path(), Duration::from_secs(5));
    for (what, paths) in [
        ("worklist", house::worklists(&full)),
        ("application", house::applications(&full)),
    ] {
        let times = measure::steady(serving.port, &paths, ask.rate, ask.seconds);
        println!("{what:<12} {times}");
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
