//! The accounts of privacy loss from a published log alone: no server, no store, no word of the operator's.

use std::process::ExitCode;

use audit_log::{Entry, Outcome, read_entries};
use governance::measure::{Fault, Replay};
use serde_json::{Value, json};

use super::{VerifyArgs, checkpoint, damaged, tiles, verify};
use crate::problem::{Problem, REFUSED, say};

/// Verifies the log, then adds up what its leaves book, each against the cap that an earlier leaf set.
///
/// # Errors
/// If the log cannot be read or does not verify.
pub(super) fn accounts(args: &VerifyArgs) -> Result<ExitCode, Problem> {
    let verdict = verify(args)?;
    if verdict.verdict == Outcome::Bad {
        return Err(Problem::refused(
            "the log does not verify, so nothing is added up: run `strongroom audit verify`",
        ));
    }
    let tiles = tiles(&args.log)?;
    let (_, checkpoint) = checkpoint(&tiles)?;
    let mut replay = Replay::default();
    for (leaf, bytes) in (0..).zip(read_entries(&tiles, checkpoint.size, 0..checkpoint.size)) {
        let entry = bytes
            .and_then(|bytes| Entry::decode(&bytes))
            .map_err(|error| damaged(&error))?;
        replay.entry(leaf, &entry.action, &entry.object, &entry.details);
    }
    say(&serde_json::to_string(&told(checkpoint.size, &replay))?)?;
    Ok(if replay.faults().is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}

fn told(leaves: u64, replay: &Replay) -> Value {
    let accounts: Vec<Value> = replay
        .balances()
        .iter()
        .map(|(account, balance)| {
            json!({
                "account": account,
                "held": balance.held,
                "spent": balance.spent,
            })
        })
        .collect();
    let faults: Vec<String> = replay.faults().iter().map(Fault::to_string).collect();
    json!({ "leaves": leaves, "accounts": accounts, "faults": faults })
}
