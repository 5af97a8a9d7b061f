//! The verifier: reads a published log and says whether it is whole.
//!
//! Every entry is hashed again from the stored bytes, every hash tile is compared,
//! and the root must be the signed one. Bundles are read one at a time. Whatever
//! is absent, cut short or malformed gives a `bad` verdict with its reason.

mod scan;

use serde::Serialize;

use crate::{
    checkpoint::Checkpoint,
    cosignature::Trust,
    error::AuditError,
    hash::empty_root,
    note::{Note, Verified, Vkey},
    tiles::Tiles,
};
use scan::{Fault, Scan, scan};

/// What the reader brings along. Each thing they bring makes the verdict say more.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// The log's key, from a source other than the log. Without it the `vkey` file in the
    /// log is used, and the verdict says so.
    pub vkey: Option<Vkey>,
    /// A checkpoint kept from before: the signed note, or its three lines alone; the last
    /// newline may be lost.
    pub remembered: Option<String>,
    /// Keys of witnesses outside the operator.
    pub witnesses: Vec<Vkey>,
    /// How many of them must have cosigned.
    pub quorum: usize,
}

/// Whether the log is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Everything asked for was checked and agrees.
    Ok,
    /// Something disagrees, is absent, or could not be checked.
    Bad,
}

/// The verifier's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Ok or bad.
    pub verdict: Outcome,
    /// Entries that the checkpoint in the log claims; none when it could not be read.
    pub size: Option<u64>,
    /// One sentence for a person.
    pub reason: String,
    /// First entry whose hash disagrees with the stored hash tile, or that cannot be read;
    /// none when unknown.
    pub first_bad: Option<u64>,
}

impl Verdict {
    fn bad(size: Option<u64>, reason: String, first_bad: Option<u64>) -> Self {
        Self {
            verdict: Outcome::Bad,
            size,
            reason,
            first_bad,
        }
    }
}

enum KeySource {
    Given,
    LogFolder,
    Absent,
}

struct Head {
    checkpoint: Checkpoint,
    remembered: Option<Checkpoint>,
    key_source: KeySource,
    witnesses: usize,
}

/// Verifies a published log.
#[must_use]
pub fn verify_log(tiles: &dyn Tiles, options: &VerifyOptions) -> Verdict {
    let (claimed, signed) = match read_checkpoint(tiles) {
        Ok(read) => read,
        Err(reason) => return Verdict::bad(None, reason, None),
    };
    let size = Some(claimed.size);
    // A checkpoint that is not the log's says nothing about how many entries to read.
    let head = match open_head(tiles, options, claimed, &signed) {
        Ok(head) => head,
        Err(reason) => return Verdict::bad(size, reason, None),
    };
    if let Some(remembered) = &head.remembered
        && let Err(reason) = compare_sizes(&head.checkpoint, remembered)
    {
        return Verdict::bad(size, reason, None);
    }
    let scanned = match scan(tiles, &head.checkpoint, head.remembered.as_ref()) {
        Ok(scanned) => scanned,
        Err(fault) => return Verdict::bad(size, fault.reason, fault.first_bad),
    };
    judge(&head, scanned)
}

fn read_text(tiles: &dyn Tiles, path: &str) -> Result<Option<String>, String> {
    match tiles.read(path) {
        Err(error) => Err(error.to_string()),
        Ok(None) => Ok(None),
        Ok(Some(bytes)) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| format!("{path} is not UTF-8 text")),
    }
}

fn read_checkpoint(tiles: &dyn Tiles) -> Result<(Checkpoint, String), String> {
    let signed = read_text(tiles, "checkpoint")?
        .ok_or_else(|| "the log has no checkpoint file".to_owned())?;
    let claimed = Note::parse(&signed).and_then(|note| Checkpoint::parse(note.text()));
    let claimed = claimed.map_err(|error| format!("the checkpoint file is {error}"))?;
    Ok((claimed, signed))
}

fn choose_key(
    tiles: &dyn Tiles,
    given: Option<&Vkey>,
) -> Result<(Option<Vkey>, KeySource), String> {
    let published = match read_text(tiles, "vkey")? {
        None => None,
        Some(text) => {
            let line = text
                .strip_suffix('\n')
                .ok_or("the vkey file is not one line")?;
            let vkey = Vkey::parse(line).map_err(|error| format!("the vkey file is {error}"))?;
            Some(vkey)
        }
    };
    match (given, published) {
        (Some(given), Some(published)) if *given != published => {
            Err("the vkey file in the log is not the key given".to_owned())
        }
        (Some(given), _) => Ok((Some(given.clone()), KeySource::Given)),
        (None, Some(published)) => Ok((Some(published), KeySource::LogFolder)),
        (None, None) => Ok((None, KeySource::Absent)),
    }
}

fn open_head(
    tiles: &dyn Tiles,
    options: &VerifyOptions,
    claimed: Checkpoint,
    signed: &str,
) -> Result<Head, String> {
    let (key, key_source) = choose_key(tiles, options.vkey.as_ref())?;
    let Some(key) = key else {
        let remembered = options.remembered.as_deref().map(|text| recall(text, None));
        let remembered = remembered.transpose()?;
        return Ok(Head {
            checkpoint: claimed,
            remembered,
            key_source,
            witnesses: 0,
        });
    };
    let trust = Trust::new(key.clone(), &options.witnesses, options.quorum)
        .map_err(|error| error.to_string())?;
    let opened = trust.open(signed).map_err(|error| match error {
        AuditError::NotSigned => "the checkpoint is not signed by the log's key".to_owned(),
        error => format!("the checkpoint is refused: {error}"),
    })?;
    let witnesses = opened.verified.iter().filter(|v| is_witness(v)).count();
    // Witnesses vouch for today's checkpoint; the remembered one needs the log's word only.
    let alone = Trust::new(key, &[], 0).map_err(|error| error.to_string())?;
    let remembered = options
        .remembered
        .as_deref()
        .map(|text| recall(text, Some(&alone)));
    let remembered = remembered.transpose()?;
    Ok(Head {
        checkpoint: opened.checkpoint,
        remembered,
        key_source,
        witnesses,
    })
}

fn is_witness(verified: &Verified<'_>) -> bool {
    verified.time.is_some()
}

/// A remembered checkpoint: signed, or the bare three lines someone wrote down.
fn recall(text: &str, trust: Option<&Trust>) -> Result<Checkpoint, String> {
    let refused = |error: AuditError| format!("the remembered checkpoint is refused: {error}");
    // Shells and editors drop the last newline of what they pass on.
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let text = &format!("{text}{end}");
    if !text.contains("\n\n") {
        return Checkpoint::parse(text).map_err(refused);
    }
    match trust {
        Some(trust) => trust
            .open(text)
            .map(|opened| opened.checkpoint)
            .map_err(refused),
        None => Note::parse(text)
            .and_then(|note| Checkpoint::parse(note.text()))
            .map_err(refused),
    }
}

fn compare_sizes(now: &Checkpoint, remembered: &Checkpoint) -> Result<(), String> {
    if now.origin != remembered.origin {
        return Err("the remembered checkpoint is of another log".to_owned());
    }
    if now.size < remembered.size {
        return Err(format!(
            "the log was rolled back: it has {} entries, the remembered checkpoint {}",
            now.size, remembered.size
        ));
    }
    if remembered.size == 0 && remembered.root != empty_root() {
        return Err("the remembered checkpoint is refused: an empty log has another root".into());
    }
    Ok(())
}

fn judge(head: &Head, scanned: Scan) -> Verdict {
    let size = head.checkpoint.size;
    let entries_give_root = scanned.root == head.checkpoint.root;
    if let Some(Fault { reason, first_bad }) = scanned.fault {
        let more = if entries_give_root {
            "; the entries still give the signed root, so it is that file which changed"
        } else {
            "; the entries do not give the root in the checkpoint"
        };
        return Verdict::bad(Some(size), reason + more, first_bad);
    }
    if !entries_give_root {
        let reason = "the entries and tiles do not give the root in the checkpoint".to_owned();
        return Verdict::bad(Some(size), reason, None);
    }
    if let Some(remembered) = &head.remembered
        && scanned.root_at_remembered != Some(remembered.root)
    {
        let reason = format!(
            "the log was rewritten: its first {} entries do not give the remembered root",
            remembered.size
        );
        return Verdict::bad(Some(size), reason, None);
    }
    if matches!(head.key_source, KeySource::Absent) {
        let reason = "no key was given and the log has no vkey file, so the signature was not \
                      checked; entries, tiles and root agree with each other";
        return Verdict::bad(Some(size), reason.to_owned(), None);
    }
    let reason = praise(head, scanned.unreadable);
    Verdict {
        verdict: Outcome::Ok,
        size: Some(size),
        reason,
        first_bad: None,
    }
}

fn praise(head: &Head, unreadable: u64) -> String {
    let mut reason = match head.key_source {
        KeySource::Given => "signature, entries, tiles and root agree".to_owned(),
        KeySource::LogFolder | KeySource::Absent => {
            "signature, entries, tiles and root agree; the key came from the log itself, so \
             this does not show whose log it is"
                .to_owned()
        }
    };
    match &head.remembered {
        Some(remembered) if remembered.size > 0 => reason.push_str(&format!(
            "; it extends the remembered checkpoint of {} entries",
            remembered.size
        )),
        Some(_) => reason.push_str("; the remembered checkpoint is empty and shows nothing"),
        None => reason.push_str("; no checkpoint was remembered, so a rewrite would not show"),
    }
    match head.witnesses {
        0 => {}
        1 => reason.push_str("; 1 witness cosigned"),
        n => reason.push_str(&format!("; {n} witnesses cosigned")),
    }
    if unreadable > 0 {
        reason.push_str(&format!(
            "; {unreadable} of the entries are not in the format of this version"
        ));
    }
    reason
}
