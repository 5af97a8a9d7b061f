//! The keeper's end: bytes of a worker that was taken over.
#![no_main]

#[path = "../../crates/protocol/tests/fuzz/cases.rs"]
#[allow(dead_code)]
mod cases;
#[path = "../../crates/protocol/tests/fuzz/seeds.rs"]
#[allow(dead_code)]
mod seeds;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cases::from_worker(bytes, 7));
