//! `audit/verify.py`, the second verifier, must agree with this crate.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{entries, log_key, repository, write_log};
use crate::{
    FileTiles, LogKey, Note, Tiles, VerifyOptions, WitnessKey, publish, publish_checkpoint,
    verify_log,
};

fn python_is_here() -> bool {
    let run = Command::new("python3")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    let here = run.is_ok_and(|status| status.success());
    if !here {
        eprintln!("skipped: python3 is not on this machine");
    }
    here
}

/// Runs both verifiers; verdict, size and first bad entry must be the same.
fn agree(log: &Path, options: &VerifyOptions) -> String {
    let mut command = Command::new("python3");
    command.arg(repository().join("audit/verify.py")).arg(log);
    if let Some(vkey) = &options.vkey {
        command.args(["--vkey", &vkey.to_string()]);
    }
    let note = tempfile::NamedTempFile::new().unwrap();
    if let Some(remembered) = &options.remembered {
        fs::write(note.path(), remembered).unwrap();
        command.arg("--remembered").arg(note.path());
    }
    for witness in &options.witnesses {
        command.args(["--witness", &witness.to_string()]);
    }
    command.args(["--quorum", &options.quorum.to_string()]);
    let output = command.output().unwrap();
    let python: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        panic!("no verdict: {}", String::from_utf8_lossy(&output.stderr));
    });
    let rust = verify_log(&FileTiles::new(log), options);
    let ours = serde_json::to_value(&rust).unwrap();
    for key in ["verdict", "size", "first_bad"] {
        assert_eq!(
            python[key], ours[key],
            "{key}: {} / {}",
            python["reason"], rust.reason
        );
    }
    assert_eq!(
        output.status.code(),
        Some(i32::from(ours["verdict"] == "bad"))
    );
    ours["verdict"].as_str().unwrap().to_owned()
}

fn given_key() -> VerifyOptions {
    VerifyOptions {
        vkey: Some(log_key().vkey().clone()),
        ..VerifyOptions::default()
    }
}

#[test]
fn whole_and_changed_logs() {
    if !python_is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tiles = FileTiles::new(folder.path());
    write_log(&tiles, &entries(5));
    write_log(&tiles, &entries(300));
    write_log(&tiles, &entries(310));
    assert_eq!(agree(folder.path(), &given_key()), "ok");
    assert_eq!(agree(folder.path(), &VerifyOptions::default()), "ok");
    let mut ran = 0;
    let paths = [
        "checkpoint",
        "vkey",
        "tile/0/000",
        "tile/0/001.p/54",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/54",
        "tile/entries/001.p/44",
    ];
    for path in paths {
        let whole = tiles.read(path).unwrap().unwrap();
        let mut flipped = whole.clone();
        flipped[whole.len() / 2] ^= 4;
        for bytes in [&flipped[..], &whole[..whole.len() - 1], &[]] {
            tiles.write(path, bytes).unwrap();
            assert_eq!(agree(folder.path(), &given_key()), "bad", "{path}");
            ran += 1;
        }
        tiles.write(path, &whole).unwrap();
    }
    for path in [
        "checkpoint",
        "tile/0/000",
        "tile/1/000.p/1",
        "tile/entries/001.p/54",
    ] {
        let whole = tiles.read(path).unwrap().unwrap();
        tiles.remove(path).unwrap();
        assert_eq!(agree(folder.path(), &given_key()), "bad", "{path}");
        tiles.write(path, &whole).unwrap();
        ran += 1;
    }
    assert_eq!(ran, 9 * 3 + 4);
    assert_eq!(agree(folder.path(), &given_key()), "ok");
}

#[test]
fn remembered_checkpoints_and_witnesses() {
    if !python_is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tiles = FileTiles::new(folder.path());
    write_log(&tiles, &entries(5));
    let remembered = fs::read_to_string(folder.path().join("checkpoint")).unwrap();
    write_log(&tiles, &entries(9));
    let with = |text: &str| VerifyOptions {
        remembered: Some(text.to_owned()),
        ..given_key()
    };
    assert_eq!(agree(folder.path(), &with(&remembered)), "ok");
    // Its three lines alone, and either with the last newline lost.
    let bare = remembered.split_once("\n\n").unwrap().0.to_owned() + "\n";
    for text in [&bare, bare.trim_end(), remembered.trim_end()] {
        assert_eq!(agree(folder.path(), &with(text)), "ok");
    }
    for text in ["", "\n", bare.trim_end().rsplit_once('\n').unwrap().0] {
        assert_eq!(agree(folder.path(), &with(text)), "bad");
    }
    let later = log_key().sign_checkpoint(12, [0; 32]).unwrap();
    assert_eq!(agree(folder.path(), &with(&later)), "bad");
    let rewritten = log_key().sign_checkpoint(5, [0; 32]).unwrap();
    assert_eq!(agree(folder.path(), &with(&rewritten)), "bad");
    let other = LogKey::from_seed(log_key().vkey().name(), &[1; 32]).unwrap();
    assert_eq!(
        agree(
            folder.path(),
            &with(&other.sign_checkpoint(0, [0; 32]).unwrap())
        ),
        "bad"
    );

    let witness = WitnessKey::from_seed("witness.example", &[5; 32]).unwrap();
    let asking = VerifyOptions {
        witnesses: vec![witness.vkey().clone()],
        quorum: 1,
        ..given_key()
    };
    assert_eq!(agree(folder.path(), &asking), "bad");
    let signed = fs::read_to_string(folder.path().join("checkpoint")).unwrap();
    let note = Note::parse(&signed).unwrap();
    let line = witness.cosign(note.text(), 1_772_000_000).unwrap();
    let cosigned = note.with_signature(line).unwrap().to_string();
    publish_checkpoint(&tiles, log_key().vkey(), &cosigned).unwrap();
    assert_eq!(agree(folder.path(), &asking), "ok");
}

#[test]
fn tiles_ahead_and_an_empty_log() {
    if !python_is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tiles = FileTiles::new(folder.path());
    write_log(&tiles, &[]);
    assert_eq!(agree(folder.path(), &given_key()), "ok");
    write_log(&tiles, &entries(3));
    // A superseded file that is listed and then gone, as while the log grows.
    for path in ["tile/0/000.p/2", "tile/entries/000.p/2"] {
        std::os::unix::fs::symlink("gone", folder.path().join(path)).unwrap();
    }
    assert_eq!(agree(folder.path(), &given_key()), "ok");
    publish(&tiles, log_key().vkey(), 0, entries(300)).unwrap();
    assert_eq!(agree(folder.path(), &given_key()), "ok");
}

#[test]
fn a_flood_of_signature_bytes_is_refused_by_both() {
    if !python_is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let tiles = FileTiles::new(folder.path());
    write_log(&tiles, &entries(3));
    let signed = fs::read_to_string(folder.path().join("checkpoint")).unwrap();
    // Ignored while it is short, since nobody knows the key; refused over 256 KiB.
    for (length, verdict) in [(100, "ok"), (256 * 1024, "bad")] {
        let line = format!("— stranger.example {}\n", "A".repeat(length));
        tiles
            .write("checkpoint", format!("{signed}{line}").as_bytes())
            .unwrap();
        assert_eq!(agree(folder.path(), &given_key()), verdict, "{length}");
    }
}

#[test]
fn a_single_proof_without_the_log() {
    if !python_is_here() {
        return;
    }
    let vector = |name: &str| -> Value {
        let path = repository().join("audit/vectors").join(name);
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    let (proofs, notes, list) = (
        vector("proof.json"),
        vector("note.json"),
        vector("entry.json"),
    );
    let folder = tempfile::tempdir().unwrap();
    let (proof, entry) = (folder.path().join("p"), folder.path().join("e"));
    let check = |text: &str, utf8: &str| {
        fs::write(&proof, text).unwrap();
        fs::write(&entry, utf8).unwrap();
        let mut command = Command::new("python3");
        command.arg(repository().join("audit/verify.py"));
        command
            .arg("--proof")
            .arg(&proof)
            .arg("--entry")
            .arg(&entry);
        // Without --quorum every witness named must have signed.
        command.args(["--vkey", notes["log"]["vkey"].as_str().unwrap()]);
        for witness in notes["witnesses"].as_array().unwrap() {
            command.args(["--witness", witness["vkey"].as_str().unwrap()]);
        }
        let output = command.output().unwrap();
        let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            output.status.code(),
            Some(i32::from(verdict["verdict"] == "bad"))
        );
        verdict["verdict"].as_str().unwrap().to_owned()
    };
    let text = proofs["proofs"][1]["proof"].as_str().unwrap();
    let utf8 = |n: usize| list["entries"][n]["utf8"].as_str().unwrap();
    assert_eq!(check(text, utf8(1)), "ok");
    assert_eq!(check(text, utf8(2)), "bad");
    assert_eq!(
        check(&text.replace("index 1\n", "index 3\n"), utf8(1)),
        "bad"
    );
    assert_eq!(check(&text.replace("\n300\n", "\n301\n"), utf8(1)), "bad");
    assert_eq!(check(text.split_once("\n\n").unwrap().0, utf8(1)), "bad");
    let (one_witness, _) = text.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(check(&format!("{one_witness}\n"), utf8(1)), "bad");
}
