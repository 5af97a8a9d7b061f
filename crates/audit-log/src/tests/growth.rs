//! Publishing in steps, after crashes, and into a folder.

use std::fs;

use proptest::prelude::*;

use super::{entries, log_key, log_of, write_log};
use crate::{
    AuditError, FileTiles, MemoryTiles, Outcome, TileNodes, Tiles, VerifyOptions, bundle_start,
    inclusion_proof, leaf_hash, publish, publish_checkpoint, tree_root, verify_inclusion,
    verify_log,
};

fn assert_whole(tiles: &dyn Tiles, size: u64) {
    let vkey = Some(log_key().vkey().clone());
    let verdict = verify_log(
        tiles,
        &VerifyOptions {
            vkey,
            ..VerifyOptions::default()
        },
    );
    assert_eq!(verdict.verdict, Outcome::Ok, "{}", verdict.reason);
    assert_eq!(verdict.size, Some(size));
}

fn grow(tiles: &dyn Tiles, from: u64, to: &[Vec<u8>]) {
    let start = bundle_start(from);
    let published = publish(tiles, log_key().vkey(), start, &to[start as usize..]).unwrap();
    let signed = log_key()
        .sign_checkpoint(published.size, published.root)
        .unwrap();
    publish_checkpoint(tiles, log_key().vkey(), &signed).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn steps_and_one_go_write_the_same_files(steps in prop::collection::vec(0_u64..200, 1..6)) {
        let total: u64 = steps.iter().sum();
        let all = entries(total);
        let tiles = MemoryTiles::new();
        let mut size = 0;
        for step in steps {
            grow(&tiles, size, &all[..(size + step) as usize]);
            size += step;
            assert_whole(&tiles, size);
        }
        let once = MemoryTiles::new();
        write_log(&once, &all);
        for path in once.paths().into_iter().filter(|path| path != "vkey") {
            prop_assert_eq!(tiles.read(&path).unwrap(), once.read(&path).unwrap());
        }
        let nodes = TileNodes::new(&tiles, total);
        let root = tree_root(&nodes, total).unwrap();
        for index in (0..total).step_by(37) {
            let proof = inclusion_proof(&nodes, index, total).unwrap();
            let leaf = leaf_hash(&all[index as usize]);
            verify_inclusion(&leaf, index, total, &proof, &root).unwrap();
        }
    }
}

#[test]
fn partial_files_go_when_the_full_one_is_there() {
    let all = entries(700);
    let tiles = MemoryTiles::new();
    for (from, to) in [(0, 5), (5, 200), (200, 256), (256, 300), (300, 700)] {
        grow(&tiles, from, &all[..to]);
        assert_whole(&tiles, to as u64);
    }
    let paths: Vec<String> = tiles.paths();
    let expected = [
        "checkpoint",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/188",
        "tile/1/000.p/1",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/188",
        "vkey",
    ];
    assert_eq!(paths, expected);
}

#[test]
fn publishing_again_repairs_whatever_a_crash_left() {
    let all = entries(520);
    let whole = log_of(520);
    for path in whole
        .paths()
        .into_iter()
        .filter(|path| path.starts_with("tile/"))
    {
        let tiles = log_of(520);
        let bytes = tiles.read(&path).unwrap().unwrap();
        for damage in [None, Some(&bytes[..bytes.len() / 2]), Some(&[1; 32][..])] {
            match damage {
                None => tiles.remove(&path).unwrap(),
                Some(bytes) => tiles.write(&path, bytes).unwrap(),
            }
            publish(&tiles, log_key().vkey(), 0, &all).unwrap();
            assert_whole(&tiles, 520);
        }
    }
}

#[test]
fn tiles_ahead_of_the_checkpoint_do_no_harm() {
    // A crash after the tiles and before the checkpoint, at each kind of boundary.
    let all = entries(600);
    for (size, ahead) in [
        (3, 5),
        (3, 255),
        (3, 256),
        (3, 300),
        (255, 256),
        (256, 257),
        (300, 600),
    ] {
        let tiles = log_of(size);
        let start = bundle_start(size);
        publish(&tiles, log_key().vkey(), start, &all[start as usize..ahead]).unwrap();
        assert_whole(&tiles, size);
        let signed = tiles.read("checkpoint").unwrap();
        assert!(
            String::from_utf8(signed.unwrap())
                .unwrap()
                .contains(&format!("\n{size}\n"))
        );
    }
}

#[test]
fn a_checkpoint_never_takes_back_what_was_published() {
    let tiles = log_of(5);
    let key = log_key();
    let smaller = key.sign_checkpoint(4, [1; 32]).unwrap();
    let other = key.sign_checkpoint(5, [1; 32]).unwrap();
    for signed in [smaller, other] {
        let refused = publish_checkpoint(&tiles, key.vkey(), &signed);
        assert!(matches!(
            refused,
            Err(AuditError::TakesBack { published: 5, .. })
        ));
    }
    assert_whole(&tiles, 5);
    assert!(publish_checkpoint(&tiles, key.vkey(), "no note").is_err());
    // What the one in place published cannot be told, so nothing takes its place.
    let larger = key.sign_checkpoint(6, [1; 32]).unwrap();
    for damaged in [&b"no note"[..], b"\xff", b""] {
        tiles.write("checkpoint", damaged).unwrap();
        let refused = publish_checkpoint(&tiles, key.vkey(), &larger).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "checkpoint is damaged: it is not a signed checkpoint"
        );
        assert_eq!(tiles.read("checkpoint").unwrap().unwrap(), damaged);
    }
}

#[test]
fn publishing_refuses_what_it_cannot_do() {
    let tiles = MemoryTiles::new();
    let start = publish(&tiles, log_key().vkey(), 5, entries(1));
    assert!(matches!(
        start,
        Err(AuditError::StartMisplaced { start: 5 })
    ));
    let gap = publish(&tiles, log_key().vkey(), 256, entries(1));
    assert!(matches!(gap, Err(AuditError::Absent { .. })));
    assert!(publish(&tiles, log_key().vkey(), u64::MAX - 255, entries(1)).is_err());
    let long = publish(&tiles, log_key().vkey(), 0, [vec![b'x'; 65_536]]);
    assert!(matches!(
        long,
        Err(AuditError::EntryTooLong { bytes: 65_536 })
    ));
    assert_eq!(tiles.paths(), ["vkey"]);
    publish(&tiles, log_key().vkey(), 0, [vec![b'x'; 65_535]]).unwrap();
    assert_eq!(
        tiles.read("tile/entries/000.p/1").unwrap().unwrap().len(),
        65_537
    );
}

#[test]
fn a_folder_holds_the_same_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("deep/log");
    let tiles = FileTiles::new(&log);
    assert!(tiles.read("checkpoint").unwrap().is_none());
    let all = entries(300);
    grow(&tiles, 0, &all[..5]);
    grow(&tiles, 5, &all[..200]);
    assert_eq!(
        tiles
            .partials(crate::TilePath::parse("tile/0/000").unwrap())
            .unwrap(),
        [5, 200]
    );
    grow(&tiles, 200, &all);
    assert_whole(&tiles, 300);
    let memory = log_of(300);
    for path in memory.paths().into_iter().filter(|path| path != "vkey") {
        assert_eq!(
            tiles.read(&path).unwrap(),
            memory.read(&path).unwrap(),
            "{path}"
        );
    }
    assert!(!log.join("tile/0/000.p/5").exists());
    tiles.remove("tile/0/000.p/5").unwrap();
    // Nothing half-written is left behind.
    assert!(!log.join(".new").exists() && !log.join("tile/0/.new").exists());
}

#[test]
fn no_path_leads_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let tiles = FileTiles::new(&folder.path().join("log"));
    let paths = [
        "../secret",
        "/etc/passwd",
        "tile/../../secret",
        "tile/0/../000",
        "",
        ".",
        "..",
        "checkpoint/../x",
        "Checkpoint",
        "tile/0/000/../001",
        "tile/entries/000.p/../1",
        "tile//000",
        "tile/0/000\0",
        "tile\\0\\000",
        "log.json",
        "tile/0/000.p/5/",
    ];
    for path in paths {
        assert!(
            matches!(tiles.write(path, b"x"), Err(AuditError::PathRefused(_))),
            "{path}"
        );
        assert!(
            matches!(tiles.read(path), Err(AuditError::PathRefused(_))),
            "{path}"
        );
        assert!(
            matches!(tiles.remove(path), Err(AuditError::PathRefused(_))),
            "{path}"
        );
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_superseded_file_that_goes_while_the_log_is_read_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let tiles = FileTiles::new(folder.path());
    write_log(&tiles, &entries(4));
    // A name that is listed and then not there.
    for path in ["tile/0/000.p/2", "tile/entries/000.p/2"] {
        std::os::unix::fs::symlink("gone", folder.path().join(path)).unwrap();
    }
    let tile = crate::TilePath::parse("tile/0/000").unwrap();
    assert_eq!(tiles.partials(tile).unwrap(), [2, 4]);
    assert_whole(&tiles, 4);
}

#[test]
fn odd_things_in_the_folder_give_errors_not_panics() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().to_owned();
    let tiles = FileTiles::new(&log);
    write_log(&tiles, &entries(5));
    assert_whole(&tiles, 5);
    // Files that are not the log's do not matter.
    fs::write(log.join("tile/0/000.p/notes.txt"), b"x").unwrap();
    fs::write(log.join("README"), b"x").unwrap();
    assert_whole(&tiles, 5);
    // A folder where a file should be, a file where a folder should be, a vast file.
    fs::remove_file(log.join("tile/0/000.p/5")).unwrap();
    fs::create_dir(log.join("tile/0/000.p/5")).unwrap();
    let verdict = verify_log(&tiles, &VerifyOptions::default());
    assert_eq!(verdict.verdict, Outcome::Bad);
    assert!(
        verdict.reason.contains("not a plain file"),
        "{}",
        verdict.reason
    );
    fs::remove_dir_all(log.join("tile")).unwrap();
    fs::write(log.join("tile"), b"x").unwrap();
    assert_eq!(
        verify_log(&tiles, &VerifyOptions::default()).verdict,
        Outcome::Bad
    );
    let vast = fs::File::create(log.join("checkpoint")).unwrap();
    vast.set_len(64 << 20).unwrap();
    let verdict = verify_log(&tiles, &VerifyOptions::default());
    assert!(
        verdict.reason.contains("larger than any file"),
        "{}",
        verdict.reason
    );
}
