//! `strongroom dp verify`: a release record, checked without a server, a store or the network.

use std::path::PathBuf;
use std::process::ExitCode;

use audit_log::{Entry, InclusionProof, KeyKind, Trust, sha256};
use governance::Action;
use serde::Deserialize;
use serde_json::{Value, json};
use service::RELEASE_RECORD;

use crate::audit::key;
use crate::files::read_text;
use crate::form::JsonArgs;
use crate::problem::{Problem, REFUSED, say};

#[derive(Debug, clap::Args)]
pub(super) struct VerifyArgs {
    /// The record, as a safe haven gave it.
    #[arg(value_name = "RECORD.json")]
    record: PathBuf,
    /// The log's verifier key, or a file with it, from a source other than the record.
    #[arg(long, value_name = "KEY")]
    vkey: String,
    /// Verifier key of a witness, or a file with it. May be repeated; all must have cosigned.
    #[arg(long = "witness", value_name = "VKEY", num_args = 1..)]
    witnesses: Vec<String>,
    #[command(flatten)]
    _form: JsonArgs,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    form: String,
    measurement: String,
    #[serde(rename = "request")]
    _request: String,
    answer: String,
    entry: String,
    proof: String,
}

/// What of an answer the leaf vouches for too.
#[derive(Debug, Deserialize)]
struct Answer {
    request_sha256: String,
    nano_rho: u64,
    atto_delta: u64,
    words: String,
}

/// Holds answer, leaf and proof against one another and the log's key, and prints the verdict as JSON.
///
/// # Errors
/// If the record or a key cannot be read.
pub(super) fn verify(args: &VerifyArgs) -> Result<ExitCode, Problem> {
    let text = read_text(&args.record)?;
    let record: Record = serde_json::from_str(&text)
        .map_err(|error| Problem::could_not(format!("the file is no release record: {error}")))?;
    if record.form != RELEASE_RECORD {
        return Err(Problem::could_not(format!(
            "the record has another form than {RELEASE_RECORD}"
        )));
    }
    let log = key("--vkey", &args.vkey, KeyKind::Ed25519)?;
    let witnesses = args
        .witnesses
        .iter()
        .map(|given| key("--witness", given, KeyKind::Cosignature))
        .collect::<Result<Vec<_>, _>>()?;
    let trust = Trust::new(log, &witnesses, witnesses.len())
        .map_err(|error| Problem::could_not(format!("the keys cannot be used: {error}")))?;
    let (told, code) = match held(&record, &trust) {
        Ok(told) => (told, ExitCode::SUCCESS),
        Err(reason) => (
            json!({ "verdict": "bad", "measurement": record.measurement, "reason": reason }),
            ExitCode::from(REFUSED),
        ),
    };
    say(&told.to_string())?;
    Ok(code)
}

/// What the record proves, or the first thing that does not hold.
fn held(record: &Record, trust: &Trust) -> Result<Value, String> {
    let proof = InclusionProof::parse(&record.proof).map_err(|error| error.to_string())?;
    let opened = proof
        .verify(record.entry.as_bytes(), trust)
        .map_err(|error| format!("the log does not hold the leaf of the release: {error}"))?;
    let entry = Entry::decode(record.entry.as_bytes()).map_err(|error| error.to_string())?;
    let released = [Action::ReleaseMeasurement, Action::ReleaseLabels].map(Action::word);
    if !released.contains(&entry.action.as_str()) || entry.object != record.measurement {
        return Err("the leaf is not the release of this measurement".into());
    }
    let facts = entry.details.get("facts").unwrap_or(&Value::Null);
    let fact = |name: &str| facts.get(name).unwrap_or(&Value::Null);
    if *fact("bytes") != json!(hex::encode(sha256(record.answer.as_bytes()))) {
        return Err("the answer is not the one that was released".into());
    }
    let answer: Answer = serde_json::from_str(&record.answer)
        .map_err(|_| "the answer is no answer of a measurement".to_owned())?;
    if *fact("request") != json!(answer.request_sha256)
        || *fact("nano_rho") != json!(answer.nano_rho)
        || *fact("atto_delta") != json!(answer.atto_delta)
    {
        return Err("the answer names another request or price than the leaf".into());
    }
    let void = fact("void").as_array().is_some_and(|void| !void.is_empty());
    Ok(json!({
        "verdict": "ok",
        "measurement": record.measurement,
        "released_at": entry.time,
        "leaf": proof.index,
        "log_size": opened.checkpoint.size,
        "snapshot": fact("snapshot"),
        "request_sha256": answer.request_sha256,
        "answer_sha256": fact("bytes"),
        "charged": { "nano_rho": answer.nano_rho, "atto_delta": answer.atto_delta, "accounts": fact("accounts") },
        "words": answer.words,
        "statement": match void {
            false => "the statement of differential privacy held when this was released",
            true => "an exact table over the same people had been released: the statement of differential privacy did not hold for them",
        },
    }))
}

#[cfg(test)]
mod tests;
