//! `strongroom audit`: reads a published log, or a folder of releases, without a server.

mod accounts;
mod disclosure;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use audit_log::{
    AuditError, Checkpoint, FileTiles, InclusionProof, KeyKind, Note, Outcome, TileNodes, Tiles,
    Verdict, VerifyOptions, Vkey, read_entries, verify_log,
};
use serde_json::json;

use crate::files::read_text;
use crate::form::{FormArgs, JsonArgs};
use crate::problem::{Problem, REFUSED, say};

/// Verifies a published log, proves an entry, prints the checkpoint, or attacks what was released. Needs the
/// folder of the log, or of the releases, only.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Hashes every entry again and prints the verdict as JSON. Exit code 0 for ok, 1 for bad, 2 if it
    /// could not be tried.
    Verify(VerifyArgs),
    /// Adds up every account of privacy loss from a log that verifies, and prints them as JSON. Exit code 1 if a
    /// leaf books what no cap allowed, or settles what was not reserved.
    Accounts(VerifyArgs),
    /// Attacks the outputs that `strongroom check --record DIR` kept as released: differencing, bounds by linear
    /// programmes, averaging, singling out. Prints what a reader of all of them recovers, as JSON. Exit code 1 if
    /// that is anything.
    Disclosure(disclosure::Args),
    /// Prints an offline proof (C2SP tlog-proof) that an entry is in the log under its checkpoint.
    Prove(ProveArgs),
    /// Prints the signed checkpoint, to remember it or to hand it to somebody who does.
    Checkpoint(CheckpointArgs),
}

#[derive(Debug, clap::Args)]
struct LogArgs {
    /// Folder of the published log.
    #[arg(long, value_name = "DIR")]
    log: PathBuf,
}

#[derive(Debug, clap::Args)]
struct VerifyArgs {
    #[command(flatten)]
    log: LogArgs,
    /// The log's verifier key, or a file with it, from a source other than the log.
    #[arg(long, value_name = "KEY")]
    vkey: Option<String>,
    /// A checkpoint kept from before, or a file with it: the log must extend it.
    #[arg(long, value_name = "CHECKPOINT")]
    remembered: Option<String>,
    /// Verifier key of a witness, or a file with it. May be repeated.
    #[arg(long = "witness", value_name = "VKEY", num_args = 1..)]
    witnesses: Vec<String>,
    /// How many of the witnesses must have cosigned. Default: all that are given.
    #[arg(long, value_name = "N")]
    quorum: Option<usize>,
    #[command(flatten)]
    _form: JsonArgs,
}

#[derive(Debug, clap::Args)]
struct ProveArgs {
    #[command(flatten)]
    log: LogArgs,
    /// Number of the entry, from 0.
    #[arg(long, value_name = "N")]
    leaf: u64,
    #[command(flatten)]
    form: FormArgs,
}

#[derive(Debug, clap::Args)]
struct CheckpointArgs {
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    form: FormArgs,
}

/// Does what is asked of a log.
///
/// # Errors
/// If the folder is not there, a key cannot be read, or the log does not hold what is asked for.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    match &args.act {
        Act::Verify(args) => {
            let verdict = verify(args)?;
            say(&serde_json::to_string(&verdict)?)?;
            Ok(match verdict.verdict {
                Outcome::Ok => ExitCode::SUCCESS,
                Outcome::Bad => ExitCode::from(REFUSED),
            })
        }
        Act::Accounts(args) => accounts::accounts(args),
        Act::Disclosure(args) => disclosure::run(args),
        Act::Prove(args) => {
            let proof = prove(args)?;
            args.form.print(&proof, &json!({ "proof": proof }))?;
            Ok(ExitCode::SUCCESS)
        }
        Act::Checkpoint(args) => {
            let (signed, _) = checkpoint(&tiles(&args.log)?)?;
            let value = json!({ "checkpoint": signed });
            args.form.print(&signed, &value)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn tiles(args: &LogArgs) -> Result<FileTiles, Problem> {
    if args.log.is_dir() {
        return Ok(FileTiles::new(&args.log));
    }
    Err(Problem::could_not(format!(
        "there is no log folder {}",
        args.log.display()
    )))
}

fn verify(args: &VerifyArgs) -> Result<Verdict, Problem> {
    let tiles = tiles(&args.log)?;
    let witnesses = args
        .witnesses
        .iter()
        .map(|given| key("--witness", given, KeyKind::Cosignature))
        .collect::<Result<Vec<_>, _>>()?;
    let quorum = args.quorum.unwrap_or(witnesses.len());
    if quorum > witnesses.len() {
        return Err(Problem::could_not(format!(
            "--quorum asks for {quorum} witnesses and {} are given with --witness",
            witnesses.len()
        )));
    }
    let options = VerifyOptions {
        vkey: args
            .vkey
            .as_ref()
            .map(|given| key("--vkey", given, KeyKind::Ed25519))
            .transpose()?,
        remembered: args.remembered.as_deref().map(recall).transpose()?,
        witnesses,
        quorum,
    };
    Ok(verify_log(&tiles, &options))
}

/// A verifier key, or a file that holds one.
pub(crate) fn key(option: &str, given: &str, kind: KeyKind) -> Result<Vkey, Problem> {
    let path = Path::new(given);
    let text = if path.is_file() {
        read_text(path)?
    } else {
        given.to_owned()
    };
    let vkey = Vkey::parse(text.trim()).map_err(|error| {
        Problem::could_not(format!(
            "{option} is neither a file nor a verifier key: {error}"
        ))
    })?;
    match (kind, vkey.kind()) {
        (KeyKind::Ed25519, KeyKind::Ed25519) | (KeyKind::Cosignature, KeyKind::Cosignature) => {
            Ok(vkey)
        }
        (KeyKind::Ed25519, KeyKind::Cosignature) => Err(Problem::could_not(format!(
            "{option} is the key of a witness, not of a log"
        ))),
        (KeyKind::Cosignature, KeyKind::Ed25519) => Err(Problem::could_not(format!(
            "{option} is the key of a log, not of a witness"
        ))),
    }
}

/// A checkpoint kept from before, or a file that holds one.
fn recall(given: &str) -> Result<String, Problem> {
    let path = Path::new(given);
    if path.is_file() {
        return read_text(path);
    }
    if !given.contains('\n') {
        return Err(Problem::could_not(format!(
            "--remembered is neither a file nor a checkpoint of three lines or more: {given}"
        )));
    }
    Ok(given.to_owned())
}

/// The signed checkpoint of a log, as it lies there.
fn checkpoint(tiles: &FileTiles) -> Result<(String, Checkpoint), Problem> {
    let bytes = tiles
        .read("checkpoint")?
        .ok_or_else(|| Problem::could_not("the log has no checkpoint file"))?;
    let signed = String::from_utf8(bytes)
        .map_err(|_| Problem::could_not("the checkpoint file is not UTF-8 text"))?;
    let checkpoint = Note::parse(&signed)
        .and_then(|note| Checkpoint::parse(note.text()))
        .map_err(|error| Problem::could_not(format!("the checkpoint file is {error}")))?;
    Ok((signed, checkpoint))
}

fn prove(args: &ProveArgs) -> Result<String, Problem> {
    let tiles = tiles(&args.log)?;
    let (signed, checkpoint) = checkpoint(&tiles)?;
    let size = checkpoint.size;
    if args.leaf >= size {
        return Err(Problem::could_not(format!(
            "entry {} is not in the log: its checkpoint has {size} entries, counted from 0",
            args.leaf
        )));
    }
    let nodes = TileNodes::new(&tiles, size);
    read_entries(&tiles, size, args.leaf..args.leaf + 1)
        .next()
        .unwrap_or(Err(AuditError::IndexOutside {
            index: args.leaf,
            size,
        }))
        .and_then(|entry| InclusionProof::make(&nodes, args.leaf, &entry, &signed))
        .map(|proof| proof.to_string())
        .map_err(|error| damaged(&error))
}

/// A log that does not hold what its checkpoint says was found out, not merely not tried.
fn damaged(error: &AuditError) -> Problem {
    Problem::refused(format!(
        "the published files give no proof, run `strongroom audit verify`: {error}"
    ))
}

#[cfg(test)]
mod tests;
