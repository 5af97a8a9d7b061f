//! Hostile bytes from both ends. A fixed sample with every test run; with `STRONGROOM_LONG=1` half an hour
//! of processor for each direction, from a seed that is printed.
//!
//! Structure-aware: whole conversations are taken apart into frames, their lengths, kinds and JSON are
//! bent, and put together again. What is asked of each case: no panic; nothing is asked for beyond what a
//! frame's kind may hold; what was heard obeys the limits, counted anew here; what was heard can be said
//! again and is heard as the same; and no complaint quotes the bytes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests panic, and a long run says its seed"
)]

mod fuzz {
    pub(crate) mod bend;
    pub(crate) mod seeds;
}

use std::io::{self, Read};
use std::time::{Duration, Instant};

use fuzz::bend::Bender;
use fuzz::seeds;
use protocol::frame::{
    Down, ERROR_MAX, FILE_BYTES_MAX, FrameError, Inbox, STATEMENTS_MAX, Up, is_file_name,
    read_down, write_down, write_up,
};
use serde_json::Value;

/// In every text of the seeds; in no complaint.
const SECRET: &str = "Zzyzx";
/// Cases of each direction in a usual run.
const SAMPLE: u64 = 4_000;
/// Time of each direction in a long run: together one hour of one processor.
const LONG: Duration = Duration::from_secs(1_790);
/// The largest buffer that any reader may offer at once: what serves a whole frame at its cap.
const BUFFER_MAX: usize = 128 << 20;

/// Gives a few bytes at a time, and notes the largest buffer that it was offered.
struct Drip<'a> {
    bytes: &'a [u8],
    step: usize,
    offered: usize,
}

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.offered = self.offered.max(buffer.len());
        let length = buffer.len().min(self.step).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.bytes = later;
        Ok(length)
    }
}

/// What an inbox hears, and its complaint.
fn hear(bytes: &[u8], step: usize) -> (Vec<Up>, Option<String>) {
    let mut inbox = Inbox::new(
        Drip {
            bytes,
            step,
            offered: 0,
        },
        seeds::limits(),
    );
    let mut heard = Vec::new();
    let complaint = loop {
        match inbox.next_frame() {
            Ok(Some(frame)) => heard.push(frame),
            Ok(None) => break None,
            Err(error) => break Some(complaint(&error)),
        }
    };
    let offered = inbox.get_mut().offered;
    // What is offered grows with what has arrived, whatever length was claimed.
    assert!(offered <= 2 * bytes.len().max(64 << 10), "{offered}");
    (heard, complaint)
}

fn complaint(error: &FrameError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &error.to_string();
        cause = error.source();
    }
    assert!(!text.contains(SECRET), "{text}");
    text
}

/// The order of a conversation and the limits of its job, counted without the code under test.
fn obeys(heard: &[Up]) {
    let limits = seeds::limits();
    let mut next = 0;
    let mut file = None;
    let mut files = 0;
    for (at, frame) in heard.iter().enumerate() {
        let last = at + 1 == heard.len();
        match frame {
            Up::MountReady { wanted } => {
                assert_eq!(at, 0);
                assert!(wanted.iter().all(|name| is_file_name(name)));
            }
            Up::Ready(_) => assert_eq!(at, 1),
            Up::Refused(_) => assert!(last && at <= 1),
            Up::Failed(failure) => assert!(last && failure.message.len() <= ERROR_MAX),
            Up::Report(_) => assert!(last && at > 1 && file.is_none()),
            Up::Progress(_) => assert!(at > 1),
            Up::Statement(result) => {
                assert!(at > 1 && file.is_none());
                assert!(result.statement >= next && result.statement < STATEMENTS_MAX);
                next = result.statement + 1;
                let ends = [
                    result.result.is_some(),
                    result.error.is_some(),
                    result.killed.is_some(),
                ];
                assert_eq!(ends.iter().filter(|end| **end).count(), 1);
                for cells in result.result.iter().flat_map(|rows| &rows.rows) {
                    assert!(cells.len() <= limits.columns as usize);
                    assert!(cells.iter().all(|cell| match cell {
                        Value::String(text) => text.len() <= limits.cell_bytes as usize,
                        Value::Array(_) | Value::Object(_) => false,
                        Value::Null | Value::Bool(_) | Value::Number(_) => true,
                    }));
                }
                let rows = result.result.as_ref().map_or(0, |rows| rows.rows.len());
                assert!(rows <= limits.rows as usize);
            }
            Up::FileStart { name } => {
                files += 1;
                assert!(at > 1 && file.is_none() && files <= 16 && is_file_name(name));
                file = Some(0);
            }
            Up::FileBytes(piece) => {
                let sum = file.unwrap() + piece.len();
                assert!(piece.len() <= FILE_BYTES_MAX && sum <= (limits.file_mib as usize) << 20);
                file = Some(sum);
            }
            Up::FileEnd { bytes } => assert_eq!(file.take(), Some(*bytes as usize)),
        }
    }
}

/// One case from a worker that was taken over.
fn from_worker(bytes: &[u8], step: usize) {
    let (heard, complaint) = hear(bytes, usize::MAX);
    obeys(&heard);
    let mut again = Vec::new();
    for frame in &heard {
        write_up(&mut again, frame, &seeds::limits()).unwrap();
    }
    assert_eq!(hear(&again, usize::MAX), (heard.clone(), None));
    assert_eq!(hear(bytes, step), (heard, complaint), "in pieces of {step}");
}

/// One case from a keeper that was taken over, or from whoever holds its end.
fn from_keeper(mut bytes: &[u8]) {
    loop {
        match read_down(&mut bytes) {
            Ok(Some(frame)) => {
                let mut again = Vec::new();
                write_down(&mut again, &frame).unwrap();
                let second: Option<Down> = read_down(&mut again.as_slice()).unwrap();
                assert_eq!(second, Some(frame));
            }
            Ok(None) => return,
            Err(error) => {
                complaint(&error);
                return;
            }
        }
    }
}

fn run(seeds: &[Vec<u8>], mut case: impl FnMut(&[u8], usize)) {
    let begun = Instant::now();
    let long = std::env::var_os("STRONGROOM_LONG").is_some();
    let seed = if long {
        u64::from(std::process::id())
    } else {
        1
    };
    let mut bender = Bender::new(seed);
    let mut cases = 0;
    while if long {
        begun.elapsed() < LONG
    } else {
        cases < SAMPLE
    } {
        let bytes = bender.bent(seeds);
        assert!(bytes.len() < BUFFER_MAX);
        let step = 1 + bender.below(4_096);
        case(&bytes, step);
        cases += 1;
    }
    println!(
        "{cases} cases from seed {seed} in {} s",
        begun.elapsed().as_secs()
    );
}

#[test]
fn a_worker_that_was_taken_over_is_heard_without_harm() {
    let seeds = seeds::from_worker();
    for seed in &seeds {
        let (heard, complaint) = hear(seed, usize::MAX);
        assert!(heard.len() > 1 && complaint.is_none(), "{complaint:?}");
    }
    run(&seeds, from_worker);
}

#[test]
fn a_keeper_that_was_taken_over_is_heard_without_harm() {
    let seeds = seeds::from_keeper();
    for seed in &seeds {
        from_keeper(seed);
    }
    run(&seeds, |bytes, _| from_keeper(bytes));
}

/// A fuzzer that never gets past the first frame finds nothing.
#[test]
fn bent_conversations_reach_every_kind_and_every_complaint() {
    let seeds = seeds::from_worker();
    let mut bender = Bender::new(3);
    let (mut kinds, mut complaints) = (
        std::collections::BTreeSet::new(),
        std::collections::BTreeSet::new(),
    );
    for _ in 0..3 * SAMPLE {
        let (heard, complaint) = hear(&bender.bent(&seeds), usize::MAX);
        kinds.extend(heard.iter().map(|frame| {
            let words = format!("{frame:?}");
            words
                .split(|c: char| !c.is_alphanumeric())
                .next()
                .unwrap()
                .to_owned()
        }));
        complaints
            .extend(complaint.map(|text| text.split(' ').take(4).collect::<Vec<_>>().join(" ")));
    }
    assert_eq!(kinds.len(), 10, "{kinds:?}");
    for words in [
        "the stream ended inside",
        "frame kind",
        "the limit",
        "a statement frame",
        "a report frame",
    ] {
        assert!(
            complaints.iter().any(|text| text.starts_with(words)),
            "{words}: {complaints:?}"
        );
    }
}
