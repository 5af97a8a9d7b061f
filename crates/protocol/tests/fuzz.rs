//! Hostile bytes from both ends. A fixed sample with every test run; with `STRONGROOM_LONG=1` half an hour
//! of processor for each direction, from a seed that is printed.
//!
//! Structure-aware: whole conversations are taken apart into frames, their lengths, kinds and JSON are
//! bent, and put together again. What is asked of each case: no panic; nothing is asked for beyond what a
//! frame's kind may hold; what was heard obeys the limits, counted anew here; what was heard can be said
//! again and is heard as the same; and no complaint quotes the bytes. The same is asked by the targets of
//! cargo-fuzz in `fuzz/`.

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
    pub(crate) mod cases;
    pub(crate) mod seeds;
}

use std::time::Duration;

use fuzz::bend::Bender;
use fuzz::cases::{from_keeper, from_worker, hear};
use fuzz::seeds;

/// Cases of each direction in a usual run.
const SAMPLE: u64 = 4_000;
/// Processor time of each direction in a long run: together one hour, however busy the machine is.
const LONG: Duration = Duration::from_secs(1_790);
/// The largest buffer that any reader may offer at once: what serves a whole frame at its cap.
const BUFFER_MAX: usize = 128 << 20;

fn run(seeds: &[Vec<u8>], mut case: impl FnMut(&[u8], usize)) {
    let long = std::env::var_os("STRONGROOM_LONG").is_some();
    let seed = if long {
        u64::from(std::process::id())
    } else {
        1
    };
    let mut bender = Bender::new(seed);
    let mut cases = 0_u64;
    let mut spent = processor_time();
    while if long { spent < LONG } else { cases < SAMPLE } {
        let bytes = bender.bent(seeds);
        assert!(bytes.len() < BUFFER_MAX);
        let step = 1 + bender.below(4_096);
        case(&bytes, step);
        cases += 1;
        if cases.is_multiple_of(SAMPLE) {
            spent = processor_time();
        }
    }
    println!(
        "{cases} cases from seed {seed} in {} s of processor",
        spent.as_secs()
    );
}

/// What this thread has had of a processor; the first figure of its `schedstat`, in nanoseconds.
fn processor_time() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
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
