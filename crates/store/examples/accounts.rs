//! How long a start takes to hold the accounts of privacy loss against the whole log.
//!
//! `accounts DIR` reads the store in DIR (never changes it) and prints one line of JSON: leaves, accounts, faults,
//! seconds.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark: what goes wrong ends it, and it speaks on standard output"
)]

use std::path::PathBuf;
use std::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let dir = PathBuf::from(std::env::args_os().nth(1).unwrap());
    let store = store::Store::open(&dir).await.unwrap();
    for _ in 0..2 {
        let began = Instant::now();
        let check = store.check_accounts().await.unwrap();
        println!(
            "{{\"leaves\": {}, \"accounts\": {}, \"faults\": {}, \"seconds\": {:.2}}}",
            check.leaves,
            check.told.len(),
            check.faults.len(),
            began.elapsed().as_secs_f64()
        );
    }
    store.close().await;
}
