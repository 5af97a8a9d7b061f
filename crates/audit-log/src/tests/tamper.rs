//! Whatever is changed in a published log, the verifier must say so.

use super::{ORIGIN, entries, log_key, log_of, write_log};
use crate::{
    LogKey, MemoryTiles, Note, Outcome, Tiles, Verdict, VerifyOptions, WitnessKey, bundle_start,
    encode_bundle, leaf_hash, publish, publish_checkpoint, verify_log,
};

fn given_key() -> VerifyOptions {
    VerifyOptions {
        vkey: Some(log_key().vkey().clone()),
        ..VerifyOptions::default()
    }
}

fn assert_ok(verdict: &Verdict) {
    assert_eq!(verdict.verdict, Outcome::Ok, "{}", verdict.reason);
    assert_eq!(verdict.first_bad, None);
}

fn assert_bad(verdict: &Verdict, reason: &str) {
    assert_eq!(verdict.verdict, Outcome::Bad, "{}", verdict.reason);
    assert!(verdict.reason.contains(reason), "{}", verdict.reason);
}

fn rewrite(tiles: &MemoryTiles, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = tiles.read(path).unwrap().unwrap();
    change(&mut bytes);
    tiles.write(path, &bytes).unwrap();
}

/// A log that grew from 2 to 4 entries, so that superseded partial files lie about.
fn grown_log() -> MemoryTiles {
    let tiles = log_of(2);
    write_log(&tiles, &entries(4));
    tiles
}

#[test]
fn every_flipped_bit_in_every_file_is_bad() {
    let tiles = grown_log();
    assert_eq!(tiles.paths().len(), 6);
    assert_ok(&verify_log(&tiles, &given_key()));
    let mut flips = 0;
    for path in tiles.paths() {
        let bytes = tiles.read(&path).unwrap().unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            tiles.write(&path, &changed).unwrap();
            let verdict = verify_log(&tiles, &given_key());
            assert_eq!(verdict.verdict, Outcome::Bad, "bit {bit} of {path}");
            flips += 1;
        }
        tiles.write(&path, &bytes).unwrap();
    }
    assert!(flips > 10_000, "{flips}");
    assert_ok(&verify_log(&tiles, &given_key()));
}

#[test]
fn every_flipped_bit_of_key_and_checkpoint_is_bad_when_the_key_comes_from_the_log() {
    let tiles = grown_log();
    let own_key = VerifyOptions::default();
    assert_ok(&verify_log(&tiles, &own_key));
    for path in ["vkey", "checkpoint"] {
        let bytes = tiles.read(path).unwrap().unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            tiles.write(path, &changed).unwrap();
            let verdict = verify_log(&tiles, &own_key);
            assert_eq!(verdict.verdict, Outcome::Bad, "bit {bit} of {path}");
        }
        tiles.write(path, &bytes).unwrap();
    }
}

#[test]
fn every_shorter_or_longer_file_is_bad() {
    let tiles = grown_log();
    for path in tiles.paths() {
        let bytes = tiles.read(&path).unwrap().unwrap();
        for length in 0..bytes.len() {
            tiles.write(&path, &bytes[..length]).unwrap();
            let verdict = verify_log(&tiles, &given_key());
            assert_eq!(verdict.verdict, Outcome::Bad, "{path} cut to {length}");
        }
        for more in [&b"\n"[..], b"x", &[0; 32]] {
            tiles.write(&path, &[&bytes, more].concat()).unwrap();
            assert_eq!(
                verify_log(&tiles, &given_key()).verdict,
                Outcome::Bad,
                "{path} longer"
            );
        }
        tiles.write(&path, &bytes).unwrap();
    }
}

#[test]
fn an_absent_file_is_bad_with_its_name() {
    for path in ["checkpoint", "tile/0/000.p/4", "tile/entries/000.p/4"] {
        let tiles = grown_log();
        tiles.remove(path).unwrap();
        assert_bad(&verify_log(&tiles, &given_key()), path);
    }
    // Superseded files may go, and so may the key when the reader brings one.
    for path in ["vkey", "tile/0/000.p/2", "tile/entries/000.p/2"] {
        let tiles = grown_log();
        tiles.remove(path).unwrap();
        assert_ok(&verify_log(&tiles, &given_key()));
    }
    let empty = verify_log(&MemoryTiles::new(), &given_key());
    assert_bad(&empty, "no checkpoint");
    assert_eq!(empty.size, None);
}

#[test]
fn sampled_flips_in_a_log_of_several_tiles_are_bad() {
    let tiles = log_of(600);
    assert_ok(&verify_log(&tiles, &given_key()));
    let mut flips = 0;
    for path in tiles.paths() {
        let bytes = tiles.read(&path).unwrap().unwrap();
        for sample in 0..16 {
            let bit = (sample * 7919 + 13) % (bytes.len() * 8);
            rewrite(&tiles, &path, |b| b[bit / 8] ^= 1 << (bit % 8));
            let verdict = verify_log(&tiles, &given_key());
            assert_eq!(verdict.verdict, Outcome::Bad, "bit {bit} of {path}");
            tiles.write(&path, &bytes).unwrap();
            flips += 1;
        }
    }
    assert_eq!(flips, 9 * 16);
}

#[test]
fn the_first_bad_entry_is_named() {
    let list = entries(600);
    for bad in [0_u64, 1, 255, 256, 300, 511, 512, 599] {
        let start = bundle_start(bad);
        let width = (600 - start).min(256);
        let mut part = list[start as usize..(start + width) as usize].to_vec();
        *part[(bad - start) as usize].last_mut().unwrap() ^= 1;
        let name = format!("{:03}", start / 256);
        let name = if width == 256 {
            name
        } else {
            format!("{name}.p/{width}")
        };

        let tiles = log_of(600);
        tiles
            .write(
                &format!("tile/entries/{name}"),
                &encode_bundle(&part).unwrap(),
            )
            .unwrap();
        let verdict = verify_log(&tiles, &given_key());
        assert_bad(&verdict, "do not give the root");
        assert_eq!(verdict.first_bad, Some(bad));

        // The same place wrong in the hash tile: the entries are then shown to be whole.
        let tiles = log_of(600);
        rewrite(&tiles, &format!("tile/0/{name}"), |b| {
            b[(bad - start) as usize * 32] ^= 1
        });
        let verdict = verify_log(&tiles, &given_key());
        assert_bad(&verdict, "still give the signed root");
        assert_eq!(verdict.first_bad, Some(bad));

        // Entry and hash changed together: only root or upper tile can show it.
        let tiles = log_of(600);
        tiles
            .write(
                &format!("tile/entries/{name}"),
                &encode_bundle(&part).unwrap(),
            )
            .unwrap();
        let changed = leaf_hash(&part[(bad - start) as usize]);
        rewrite(&tiles, &format!("tile/0/{name}"), |b| {
            b[(bad - start) as usize * 32..][..32].copy_from_slice(&changed);
        });
        let verdict = verify_log(&tiles, &given_key());
        assert_bad(&verdict, "root");
        assert_eq!(verdict.first_bad, None);
    }
}

#[test]
fn a_cut_bundle_names_its_first_lost_entry() {
    let tiles = log_of(4);
    let whole: usize = entries(2).iter().map(|entry| entry.len() + 2).sum();
    for (length, bad) in [
        (whole, 2),
        (whole + 1, 2),
        (whole + 9, 2),
        (whole - 1, 1),
        (0, 0),
    ] {
        let bytes = tiles.read("tile/entries/000.p/4").unwrap().unwrap();
        tiles
            .write("tile/entries/000.p/4", &bytes[..length])
            .unwrap();
        let verdict = verify_log(&tiles, &given_key());
        assert_bad(&verdict, "tile/entries/000.p/4");
        assert_eq!(verdict.first_bad, Some(bad));
        tiles.write("tile/entries/000.p/4", &bytes).unwrap();
    }
}

fn signed(size: u64) -> String {
    String::from_utf8(log_of(size).read("checkpoint").unwrap().unwrap()).unwrap()
}

fn remembering(checkpoint: String) -> VerifyOptions {
    VerifyOptions {
        remembered: Some(checkpoint),
        ..given_key()
    }
}

#[test]
fn a_rewrite_by_the_operator_shows_only_against_a_remembered_checkpoint() {
    // The operator holds the key: changes entry 2, adds three, signs again.
    let mut forged = entries(8);
    forged[2] = entries(100)[99].clone();
    let tiles = MemoryTiles::new();
    write_log(&tiles, &forged);
    let alone = verify_log(&tiles, &given_key());
    assert_ok(&alone);
    assert!(alone.reason.contains("a rewrite would not show"));
    assert_bad(&verify_log(&tiles, &remembering(signed(5))), "rewritten");
    assert_bad(&verify_log(&tiles, &remembering(signed(8))), "rewritten");
    // What was remembered before entry 2 existed cannot show it.
    assert_ok(&verify_log(&tiles, &remembering(signed(2))));
}

#[test]
fn a_rollback_shows_only_against_a_remembered_checkpoint() {
    let tiles = log_of(3);
    assert_ok(&verify_log(&tiles, &given_key()));
    assert_bad(&verify_log(&tiles, &remembering(signed(5))), "rolled back");
    let honest = log_of(300);
    for size in [1, 3, 255, 256, 257, 299, 300] {
        let verdict = verify_log(&honest, &remembering(signed(size)));
        assert_ok(&verdict);
        assert!(verdict.reason.contains("extends the remembered checkpoint"));
    }
}

#[test]
fn what_is_remembered_must_itself_be_sound() {
    let tiles = log_of(5);
    let bare = signed(3).split_once("\n\n").unwrap().0.to_owned() + "\n";
    for text in [&bare, bare.trim_end(), signed(3).trim_end()] {
        assert_ok(&verify_log(&tiles, &remembering(text.to_owned())));
    }
    let other = LogKey::from_seed(ORIGIN, &[8; 32]).unwrap();
    let by_other = other.sign_checkpoint(3, [0; 32]).unwrap();
    assert_bad(
        &verify_log(&tiles, &remembering(by_other)),
        "remembered checkpoint is refused",
    );
    let elsewhere = signed(3)
        .split_once("\n\n")
        .unwrap()
        .0
        .replace(ORIGIN, "x.example")
        + "\n";
    assert_bad(&verify_log(&tiles, &remembering(elsewhere)), "another log");
    assert_bad(
        &verify_log(&tiles, &remembering("3\n".to_owned())),
        "remembered",
    );
    assert_bad(
        &verify_log(&tiles, &remembering(String::new())),
        "remembered",
    );
    let empty = verify_log(&tiles, &remembering(signed(0)));
    assert!(empty.reason.contains("shows nothing"), "{}", empty.reason);
    let false_empty = format!("{ORIGIN}\n0\n{}\n", crate::hash::base64_of(&[0; 32]));
    assert_bad(&verify_log(&tiles, &remembering(false_empty)), "empty log");
}

#[test]
fn an_impostor_key_is_bad() {
    let tiles = MemoryTiles::new();
    let impostor = LogKey::from_seed(ORIGIN, &[8; 32]).unwrap();
    let published = publish(&tiles, impostor.vkey(), 0, entries(5)).unwrap();
    let text = impostor
        .sign_checkpoint(published.size, published.root)
        .unwrap();
    publish_checkpoint(&tiles, impostor.vkey(), &text).unwrap();
    let vkey = tiles.read("vkey").unwrap().unwrap();
    tiles.remove("vkey").unwrap();
    assert_bad(
        &verify_log(&tiles, &given_key()),
        "not signed by the log's key",
    );
    // Without any key the tree is checked, and that is not enough.
    assert_bad(
        &verify_log(&tiles, &VerifyOptions::default()),
        "signature was not checked",
    );
    // A key found in the log shows that somebody signed; what was remembered shows who.
    tiles.write("vkey", &vkey).unwrap();
    let own = verify_log(&tiles, &VerifyOptions::default());
    assert_ok(&own);
    assert!(own.reason.contains("key came from the log itself"));
    assert_bad(&verify_log(&tiles, &given_key()), "not the key given");
    let options = VerifyOptions {
        remembered: Some(signed(5)),
        ..VerifyOptions::default()
    };
    assert_bad(
        &verify_log(&tiles, &options),
        "remembered checkpoint is refused",
    );
    // The right key under another origin is another log.
    let tiles = log_of(5);
    let text =
        log_key().sign_note("other.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
    tiles
        .write("checkpoint", text.unwrap().to_string().as_bytes())
        .unwrap();
    assert_bad(&verify_log(&tiles, &given_key()), "origin");
}

#[test]
fn witnesses_and_their_quorum() {
    let keys: Vec<WitnessKey> = (1..=3)
        .map(|n| WitnessKey::from_seed(&format!("witness.example/{n}"), &[n; 32]).unwrap())
        .collect();
    let witnesses: Vec<_> = keys.iter().map(|key| key.vkey().clone()).collect();
    let tiles = log_of(5);
    let mut note = Note::parse(&signed(5)).unwrap();
    for key in &keys[..2] {
        let line = key.cosign(note.text(), 1_772_000_000).unwrap();
        note = note.with_signature(line).unwrap();
    }
    publish_checkpoint(&tiles, log_key().vkey(), &note.to_string()).unwrap();
    let ask = |quorum| VerifyOptions {
        witnesses: witnesses.clone(),
        quorum,
        ..given_key()
    };
    let two = verify_log(&tiles, &ask(2));
    assert_ok(&two);
    assert!(two.reason.contains("2 witnesses cosigned"));
    assert_bad(
        &verify_log(&tiles, &ask(3)),
        "2 of the 3 required witnesses",
    );
    assert_bad(&verify_log(&tiles, &ask(4)), "quorum is larger");
    // A known witness whose line fails spoils the checkpoint, whatever the quorum.
    let mut line = keys[2].cosign(note.text(), 1_772_000_000).unwrap();
    line.bytes[7] ^= 1;
    publish_checkpoint(
        &tiles,
        log_key().vkey(),
        &note.with_signature(line).unwrap().to_string(),
    )
    .unwrap();
    assert_bad(&verify_log(&tiles, &ask(0)), "witness.example/3");
    // One secret under two names, or the log's own, is no second pair of eyes.
    let twin = WitnessKey::from_seed("witness.example/twin", &[1; 32]).unwrap();
    let own = WitnessKey::from_seed("witness.example/own", &[7; 32]).unwrap();
    for extra in [twin.vkey(), own.vkey(), log_key().vkey()] {
        let witnesses = vec![witnesses[0].clone(), extra.clone()];
        let options = VerifyOptions {
            witnesses,
            ..given_key()
        };
        assert_bad(&verify_log(&tiles, &options), "do not fit together");
    }
}

#[test]
fn entries_of_another_format_are_counted_not_refused() {
    let tiles = MemoryTiles::new();
    let mut list = entries(3);
    list.push(b"not json".to_vec());
    write_log(&tiles, &list);
    let verdict = verify_log(&tiles, &given_key());
    assert_ok(&verdict);
    assert!(
        verdict
            .reason
            .contains("1 of the entries are not in the format")
    );
}

#[test]
fn the_verdict_as_json() {
    let ok = serde_json::to_value(verify_log(&log_of(5), &given_key())).unwrap();
    assert_eq!(ok["verdict"], "ok");
    assert_eq!(ok["size"], 5);
    assert_eq!(ok["first_bad"], serde_json::Value::Null);
    assert_eq!(ok.as_object().unwrap().len(), 4);
    let bad = verify_log(&MemoryTiles::new(), &given_key());
    let text = serde_json::to_string(&bad).unwrap();
    let expected = r#"{"verdict":"bad","size":null,"reason":"the log has no checkpoint file","first_bad":null}"#;
    assert_eq!(text, expected);
}
