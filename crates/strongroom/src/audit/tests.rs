use std::fs;

use audit_log::{LogKey, Trust, WitnessKey, publish, publish_checkpoint};
use clap::Parser;
use tempfile::TempDir;

use super::*;

const ORIGIN: &str = "test.example/log";

fn log_key() -> LogKey {
    LogKey::from_seed(ORIGIN, &[7; 32]).unwrap()
}

fn witness() -> WitnessKey {
    WitnessKey::from_seed("witness.example", &[8; 32]).unwrap()
}

fn entries(count: u64) -> Vec<Vec<u8>> {
    (0..count)
        .map(|n| format!("entry {n}").into_bytes())
        .collect()
}

/// A published log of `count` entries, cosigned by one witness.
fn log(count: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    grow(folder.path(), count);
    folder
}

fn grow(folder: &Path, count: u64) {
    let tiles = FileTiles::new(folder);
    let key = log_key();
    let published = publish(&tiles, key.vkey(), 0, entries(count)).unwrap();
    let signed = key.sign_checkpoint(count, published.root).unwrap();
    let note = Note::parse(&signed).unwrap();
    let line = witness().cosign(note.text(), 1_700_000_000).unwrap();
    let cosigned = note.with_signature(line).unwrap().to_string();
    publish_checkpoint(&tiles, key.vkey(), &cosigned).unwrap();
}

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn act(folder: &Path, words: &[&str]) -> Act {
    let folder = folder.to_str().unwrap();
    let words = [&["x", words[0], "--log", folder], &words[1..]].concat();
    Line::try_parse_from(words).unwrap().args.act
}

fn verdict(folder: &Path, words: &[&str]) -> Result<Verdict, Problem> {
    let Act::Verify(args) = act(folder, &[&["verify"], words].concat()) else {
        panic!("not verify")
    };
    verify(&args)
}

fn proof(folder: &Path, leaf: u64) -> Result<String, Problem> {
    let Act::Prove(args) = act(folder, &["prove", "--leaf", &leaf.to_string()]) else {
        panic!("not prove")
    };
    prove(&args)
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, Problem>, code: u8, words: &str) {
    let problem = answer.unwrap_err();
    assert!(problem.text.contains(words), "{problem}");
    assert_eq!(problem.code, code, "{problem}");
}

#[test]
fn a_whole_log_is_ok_and_the_verdict_has_the_documented_keys() {
    let folder = log(300);
    let vkey = log_key().vkey().to_string();
    let verdict = verdict(folder.path(), &["--vkey", &vkey]).unwrap();
    assert_eq!((verdict.verdict, verdict.size), (Outcome::Ok, Some(300)));
    let json = serde_json::to_string(&verdict).unwrap();
    assert!(
        json.starts_with(r#"{"verdict":"ok","size":300,"reason":""#)
            && json.ends_with(r#","first_bad":null}"#),
        "{json}"
    );
}

#[test]
fn a_changed_entry_is_bad_and_named() {
    let folder = log(300);
    let bundle = folder.path().join("tile/entries/000");
    let mut bytes = fs::read(&bundle).unwrap();
    // Ten entries of 2 + 7 bytes come first.
    bytes[10 * 9 + 2] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    let verdict = verdict(folder.path(), &[]).unwrap();
    assert_eq!(
        (verdict.verdict, verdict.first_bad),
        (Outcome::Bad, Some(10))
    );
    refused(proof(folder.path(), 10), 1, "run `strongroom audit verify`");
    // Its neighbour is as it was.
    assert!(proof(folder.path(), 11).is_ok());
}

#[test]
fn a_key_and_a_remembered_checkpoint_may_be_text_or_a_file() {
    let folder = log(5);
    let kept = fs::read_to_string(folder.path().join("checkpoint")).unwrap();
    grow(folder.path(), 300);
    let other = tempfile::tempdir().unwrap();
    let path = |name: &str, text: &str| {
        let path = other.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let vkey = path("vkey", &format!("{}\n", log_key().vkey()));
    let text = kept.trim_end().to_owned();
    let bare = kept.split_once("\n\n").unwrap().0.to_owned();
    let files = [
        path("kept", &kept),
        path("cut", &text),
        path("bare", &bare),
        path("line", &format!("{bare}\n")),
    ];
    for remembered in [&text, &bare].into_iter().chain(&files) {
        let verdict = verdict(
            folder.path(),
            &["--vkey", &vkey, "--remembered", remembered],
        );
        let verdict = verdict.unwrap();
        assert_eq!(verdict.verdict, Outcome::Ok, "{}", verdict.reason);
        assert!(
            verdict
                .reason
                .contains("extends the remembered checkpoint of 5 entries")
        );
    }
    // The same log taken back.
    let shorter = log(4);
    let verdict = verdict(shorter.path(), &["--remembered", &text]).unwrap();
    assert_eq!(verdict.verdict, Outcome::Bad);
    assert!(verdict.reason.contains("rolled back"), "{}", verdict.reason);
}

#[test]
fn every_witness_that_is_given_must_have_cosigned_unless_a_quorum_says_less() {
    let folder = log(3);
    let there = witness().vkey().to_string();
    let other = WitnessKey::from_seed("other.example", &[9; 32]).unwrap();
    let other = other.vkey().to_string();
    let outcome = |words: &[&str]| verdict(folder.path(), words).unwrap().verdict;
    assert_eq!(outcome(&["--witness", &there]), Outcome::Ok);
    let both = ["--witness", &there, "--witness", &other];
    assert_eq!(outcome(&both), Outcome::Bad);
    assert_eq!(
        outcome(&[&both[..], &["--quorum", "1"]].concat()),
        Outcome::Ok
    );
}

#[test]
fn what_cannot_be_tried_is_told_apart_from_a_bad_log() {
    let folder = log(3);
    let at = folder.path();
    refused(
        verdict(&at.join("absent"), &[]),
        2,
        "there is no log folder",
    );
    refused(
        verdict(at, &["--vkey", "nothing"]),
        2,
        "neither a file nor a verifier key",
    );
    let witness = witness().vkey().to_string();
    refused(
        verdict(at, &["--vkey", &witness]),
        2,
        "the key of a witness",
    );
    let log = log_key().vkey().to_string();
    refused(verdict(at, &["--witness", &log]), 2, "the key of a log");
    refused(
        verdict(at, &["--witness", &witness, "--quorum", "2"]),
        2,
        "1 are given",
    );
    refused(
        verdict(at, &["--remembered", "absent"]),
        2,
        "neither a file nor a checkpoint",
    );
    refused(
        proof(at, 3),
        2,
        "entry 3 is not in the log: its checkpoint has 3 entries",
    );
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(verdict(empty.path(), &[]).unwrap().verdict, Outcome::Bad);
    refused(proof(empty.path(), 0), 2, "no checkpoint file");
}

#[test]
fn a_proof_holds_offline_for_its_entry_alone() {
    let trust = Trust::new(log_key().vkey().clone(), &[witness().vkey().clone()], 1).unwrap();
    for (size, leaf) in [(1, 0), (256, 255), (300, 3), (300, 299), (600, 256)] {
        let folder = log(size);
        let proof = InclusionProof::parse(&proof(folder.path(), leaf).unwrap()).unwrap();
        let entries = entries(size);
        assert_eq!(proof.index, leaf);
        assert!(proof.verify(&entries[leaf as usize], &trust).is_ok());
        assert!(proof.verify(b"another entry", &trust).is_err());
    }
}

#[test]
fn the_checkpoint_is_printed_as_it_lies_there() {
    let folder = log(3);
    let tiles = FileTiles::new(folder.path());
    let (signed, checkpoint) = checkpoint(&tiles).unwrap();
    assert_eq!(
        signed,
        fs::read_to_string(folder.path().join("checkpoint")).unwrap()
    );
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), (ORIGIN, 3));
    fs::write(folder.path().join("checkpoint"), "no note").unwrap();
    refused(
        super::checkpoint(&tiles),
        2,
        "the checkpoint file is not a signed note",
    );
}
