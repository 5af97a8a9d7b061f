//! A folder is one log's: another log is refused before anything is written, and nothing that
//! witnesses added is lost.

use super::{ORIGIN, entries, log_key, log_of};
use crate::{
    AuditError, LogKey, MemoryTiles, Note, Outcome, Tiles, Trust, VerifyOptions, Vkey, WitnessKey,
    bundle_start, publish, publish_checkpoint, published_before, read_entries, verify_log,
};

fn files(tiles: &MemoryTiles) -> Vec<(String, Vec<u8>)> {
    tiles
        .paths()
        .into_iter()
        .map(|path| {
            let bytes = tiles.read(&path).unwrap().unwrap();
            (path, bytes)
        })
        .collect()
}

fn tells(result: Result<impl std::fmt::Debug, AuditError>) -> &'static str {
    match result {
        Err(AuditError::OtherLog { path }) => path,
        other => panic!("{other:?}"),
    }
}

/// The same name with another key, and another name with the same key.
fn others() -> [LogKey; 2] {
    [
        LogKey::from_seed(ORIGIN, &[8; 32]).unwrap(),
        LogKey::from_seed("other.example/log", &[7; 32]).unwrap(),
    ]
}

#[test]
fn another_log_s_folder_is_not_touched() {
    for key in others() {
        let list = entries(300);
        let signed = {
            let elsewhere = MemoryTiles::new();
            let published = publish(&elsewhere, key.vkey(), 0, &list).unwrap();
            key.sign_checkpoint(published.size, published.root).unwrap()
        };
        // Told by key and checkpoint, by the key alone (nothing signed yet), by the checkpoint alone.
        for (absent, path) in [
            (None, "checkpoint"),
            (Some("checkpoint"), "vkey"),
            (Some("vkey"), "checkpoint"),
        ] {
            let tiles = log_of(5);
            if let Some(absent) = absent {
                tiles.remove(absent).unwrap();
            }
            let before = files(&tiles);
            assert_eq!(tells(publish(&tiles, key.vkey(), 0, &list)), path);
            assert_eq!(tells(publish_checkpoint(&tiles, key.vkey(), &signed)), path);
            if absent != Some("checkpoint") {
                assert_eq!(tells(published_before(&tiles, key.vkey(), &signed)), path);
            }
            assert_eq!(files(&tiles), before);
        }
    }
}

#[test]
fn a_checkpoint_of_another_log_is_not_put_in_place() {
    let tiles = log_of(5);
    let before = files(&tiles);
    for key in others() {
        let signed = key.sign_checkpoint(6, [1; 32]).unwrap();
        assert!(matches!(
            publish_checkpoint(&tiles, log_key().vkey(), &signed),
            Err(AuditError::NotSigned)
        ));
    }
    let origin =
        log_key().sign_note("other.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n");
    assert!(matches!(
        publish_checkpoint(&tiles, log_key().vkey(), &origin.unwrap().to_string()),
        Err(AuditError::OtherOrigin)
    ));
    // Nor does a witness's key make a log.
    let witness = WitnessKey::from_seed(ORIGIN, &[7; 32]).unwrap();
    assert!(publish(&tiles, witness.vkey(), 0, entries(6)).is_err());
    assert_eq!(files(&tiles), before);
}

#[test]
fn a_lost_or_damaged_key_file_is_written_again_where_the_checkpoint_tells() {
    let key = log_key();
    for damage in [None, Some(&b""[..]), Some(b"\xff"), Some(b"no key\n")] {
        let tiles = log_of(5);
        let whole = files(&tiles);
        match damage {
            None => tiles.remove("vkey").unwrap(),
            Some(bytes) => tiles.write("vkey", bytes).unwrap(),
        }
        publish(&tiles, key.vkey(), 0, entries(5)).unwrap();
        assert_eq!(files(&tiles), whole);
        // Without a checkpoint nothing tells whose log it is.
        if let Some(bytes) = damage {
            tiles.write("vkey", bytes).unwrap();
            tiles.remove("checkpoint").unwrap();
            assert!(matches!(
                publish(&tiles, key.vkey(), 0, entries(5)),
                Err(AuditError::Damaged { .. })
            ));
        }
    }
    // A signature that fails under the log's own key is damage, not another log.
    let tiles = log_of(5);
    let text = String::from_utf8(tiles.read("checkpoint").unwrap().unwrap()).unwrap();
    tiles
        .write("checkpoint", text.replacen("\n5\n", "\n6\n", 1).as_bytes())
        .unwrap();
    assert!(matches!(
        publish(&tiles, key.vkey(), 0, entries(5)),
        Err(AuditError::Damaged { .. })
    ));
}

#[test]
fn publishing_again_keeps_the_lines_of_witnesses() {
    let key = log_key();
    let witness = |n: u8| WitnessKey::from_seed(&format!("witness.example/{n}"), &[n; 32]).unwrap();
    let tiles = log_of(5);
    let bare = String::from_utf8(tiles.read("checkpoint").unwrap().unwrap()).unwrap();
    let text = Note::parse(&bare).unwrap().text().to_owned();
    let with = |lines: &[(u8, u64)]| {
        let note = Note::parse(&bare).unwrap();
        let add = |note: Note, (n, time): &(u8, u64)| {
            note.with_signature(witness(*n).cosign(&text, *time).unwrap())
        };
        lines.iter().try_fold(note, add).unwrap().to_string()
    };
    let put = |signed: &str| publish_checkpoint(&tiles, key.vkey(), signed).unwrap();
    assert_eq!(put(&with(&[(1, 100)])), with(&[(1, 100)]));
    assert_eq!(put(&bare), with(&[(1, 100)]));
    assert_eq!(put(&with(&[(2, 200)])), with(&[(2, 200), (1, 100)]));
    // The newer line of a witness takes the place of its older one.
    let newest = put(&with(&[(1, 300)]));
    assert_eq!(newest, with(&[(1, 300), (2, 200)]));
    assert_eq!(
        tiles.read("checkpoint").unwrap().unwrap(),
        newest.as_bytes()
    );
    let keys: Vec<Vkey> = [1, 2].map(|n| witness(n).vkey().clone()).into();
    let trust = Trust::new(key.vkey().clone(), &keys, 2).unwrap();
    assert_eq!(trust.open(&newest).unwrap().verified.len(), 3);
    // A larger checkpoint is another text: nobody has signed that yet.
    let published = publish(&tiles, key.vkey(), 0, entries(6)).unwrap();
    let larger = key.sign_checkpoint(6, published.root).unwrap();
    assert_eq!(put(&larger), larger);
}

#[test]
fn nothing_new_is_published_from_the_edge() {
    for size in [0, 1, 255, 256, 257, 512] {
        let tiles = log_of(size);
        let before = files(&tiles);
        let start = bundle_start(size);
        let list = entries(size);
        let again = publish(&tiles, log_key().vkey(), start, &list[start as usize..]).unwrap();
        let signed = log_key().sign_checkpoint(again.size, again.root).unwrap();
        publish_checkpoint(&tiles, log_key().vkey(), &signed).unwrap();
        assert_eq!(files(&tiles), before, "{size}");
    }
}

#[test]
fn entries_are_read_back_as_they_were_published() {
    let list = entries(600);
    let tiles = log_of(600);
    let read = |size: u64, range: std::ops::Range<u64>| -> Result<Vec<Vec<u8>>, AuditError> {
        read_entries(&tiles, size, range).collect()
    };
    for (size, from, to) in [
        (600, 0, 600),
        (600, 0, 0),
        (600, 255, 257),
        (600, 256, 512),
        (600, 599, 600),
        (600, 300, 301),
        // As the log stood before: the full bundle holds what the partial one held.
        (300, 250, 300),
        (1, 0, 1),
    ] {
        let expected = &list[from as usize..to as usize];
        assert_eq!(read(size, from..to).unwrap(), expected, "{from}..{to}");
    }
    assert!(matches!(
        read(600, 599..601),
        Err(AuditError::IndexOutside {
            index: 600,
            size: 600
        })
    ));
    assert!(matches!(
        read(600, 0..u64::MAX),
        Err(AuditError::IndexOutside { .. })
    ));
    assert!(matches!(
        read(700, 590..700),
        Err(AuditError::Absent { .. })
    ));
    let bundle = tiles.read("tile/entries/001").unwrap().unwrap();
    for damaged in [
        &bundle[..bundle.len() - 1],
        &[&bundle[..], &[0, 0]].concat(),
        &[],
    ] {
        tiles.write("tile/entries/001", damaged).unwrap();
        assert!(matches!(
            read(600, 255..300),
            Err(AuditError::Damaged { .. })
        ));
        assert_eq!(read(600, 0..256).unwrap(), list[..256]);
    }
    let verdict = verify_log(&tiles, &VerifyOptions::default());
    assert_eq!(verdict.verdict, Outcome::Bad);
}
