//! The end of the story: the log verified without the server, and what becomes of three ways to cheat.

use std::path::Path;

use audit_log::{
    FileTiles, LogKey, Note, Outcome, Tiles, Verdict, VerifyOptions, Vkey, verify_log,
};
use vault::{Purpose, Root, Secrets};

use super::ORIGIN;
use super::teller::Teller;
use crate::places::Places;
use crate::problem::Problem;

pub(crate) fn tell(
    teller: &mut Teller,
    places: &Places,
    remembered: Option<&str>,
) -> Result<(), Problem> {
    teller.step(
        "The log",
        "front and keeper are stopped; anybody can verify the published folder without them",
    )?;
    let log = places.log();
    let vkey = vkey(&log)?;
    let remembered = remembered.map(ToOwned::to_owned);
    let whole = judge(&log, &vkey, remembered.clone());
    say(teller, "as published, with a remembered checkpoint", &whole)?;
    expect(&whole, Outcome::Ok)?;

    let changed = copy(&log)?;
    change_a_leaf(changed.path())?;
    let verdict = judge(changed.path(), &vkey, None);
    say(
        teller,
        "a copy in which one byte of one entry was changed",
        &verdict,
    )?;
    expect(&verdict, Outcome::Bad)?;

    let rolled = copy(&log)?;
    let size = roll_back(rolled.path(), places)?;
    teller.say(&format!(
        "now the operator itself cheats: the last entries are cut off and {size} entries are signed again with the real key"
    ))?;
    let verdict = judge(rolled.path(), &vkey, None);
    say(
        teller,
        "that copy, to somebody who remembers nothing",
        &verdict,
    )?;
    expect(&verdict, Outcome::Ok)?;
    let verdict = judge(rolled.path(), &vkey, remembered);
    say(
        teller,
        "the same copy, to somebody who kept a checkpoint",
        &verdict,
    )?;
    expect(&verdict, Outcome::Bad)?;
    teller.say("this is why checkpoints go to witnesses outside the operator")?;
    teller.done()
}

fn vkey(log: &Path) -> Result<Vkey, Problem> {
    let text = std::fs::read_to_string(log.join("vkey"))
        .map_err(|_| Problem::could_not("the log has no verifier key"))?;
    Vkey::parse(text.trim()).map_err(|e| Problem::could_not(e.to_string()))
}

fn judge(log: &Path, vkey: &Vkey, remembered: Option<String>) -> Verdict {
    let options = VerifyOptions {
        vkey: Some(vkey.clone()),
        remembered,
        witnesses: Vec::new(),
        quorum: 0,
    };
    verify_log(&FileTiles::new(log), &options)
}

fn say(teller: &Teller, what: &str, verdict: &Verdict) -> Result<(), Problem> {
    let word = match verdict.verdict {
        Outcome::Ok => "ok ",
        Outcome::Bad => "BAD",
    };
    teller.say(&format!("{word} {what}\n    -> {}", verdict.reason))
}

fn expect(verdict: &Verdict, outcome: Outcome) -> Result<(), Problem> {
    if verdict.verdict == outcome {
        Ok(())
    } else {
        Err(Problem::refused(format!(
            "the verifier should have said otherwise: {}",
            verdict.reason
        )))
    }
}

fn copy(log: &Path) -> Result<tempfile::TempDir, Problem> {
    let failed = |_| Problem::could_not("the log cannot be copied");
    let to = tempfile::tempdir().map_err(failed)?;
    let mut folders = vec![log.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let inside = path
                .strip_prefix(log)
                .map_err(|_| Problem::could_not("the log cannot be copied"))?;
            let target = to.path().join(inside);
            if path.is_dir() {
                std::fs::create_dir_all(&target).map_err(failed)?;
                folders.push(path);
            } else {
                std::fs::copy(&path, &target).map_err(failed)?;
            }
        }
    }
    Ok(to)
}

/// Changes one byte in the middle of the last bundle of entries.
fn change_a_leaf(log: &Path) -> Result<(), Problem> {
    let failed = |_| Problem::could_not("the copy cannot be changed");
    let mut bundle = None;
    let mut folders = vec![log.join("tile").join("entries")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                bundle = bundle.max(Some(path));
            }
        }
    }
    let bundle = bundle.ok_or_else(|| Problem::could_not("the log has no entries"))?;
    let mut bytes = std::fs::read(&bundle).map_err(failed)?;
    let middle = bytes.len() / 2;
    if let Some(byte) = bytes.get_mut(middle) {
        *byte ^= 1;
    }
    std::fs::write(&bundle, bytes).map_err(failed)
}

/// Cuts the log to a third and signs that with the keeper's own key, which only the operator has.
fn roll_back(log: &Path, places: &Places) -> Result<u64, Problem> {
    let failed = |e: audit_log::AuditError| Problem::could_not(e.to_string());
    let tiles = FileTiles::new(log);
    let note = tiles
        .read("checkpoint")
        .map_err(failed)?
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| Problem::could_not("the log has no checkpoint"))?;
    let checkpoint =
        audit_log::Checkpoint::parse(Note::parse(&note).map_err(failed)?.text()).map_err(failed)?;
    let size = checkpoint.size / 3;
    let entries: Vec<Vec<u8>> = audit_log::read_entries(&tiles, checkpoint.size, 0..size)
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    let vkey = vkey(log)?;
    std::fs::remove_dir_all(log.join("tile"))
        .and_then(|()| std::fs::remove_file(log.join("checkpoint")))
        .map_err(|_| Problem::could_not("the copy cannot be changed"))?;
    let published = audit_log::publish(&tiles, &vkey, 0, &entries).map_err(failed)?;
    let signed = with_log_key(places, |key| key.sign_checkpoint(size, published.root))?;
    audit_log::publish_checkpoint(&tiles, &vkey, &signed).map_err(failed)?;
    Ok(size)
}

fn with_log_key<T>(
    places: &Places,
    sign: impl FnOnce(&LogKey) -> Result<T, audit_log::AuditError>,
) -> Result<T, Problem> {
    let failed = |e: vault::VaultError| Problem::could_not(e.to_string());
    let root = Root::open_or_create(&places.keeper()).map_err(failed)?;
    let secrets = Secrets::open(&places.keeper().join("keys"), root).map_err(failed)?;
    let secret = secrets.get("log", Purpose::LogSigning).map_err(failed)?;
    secret
        .with_log_seed(|seed| LogKey::from_seed(ORIGIN, seed).and_then(|key| sign(&key)))
        .map_err(failed)?
        .map_err(|e| Problem::could_not(e.to_string()))
}
