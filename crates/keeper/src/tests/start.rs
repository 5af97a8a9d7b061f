//! What a keeper finds missing when it starts, and does not make anew.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use store::Store;
use tokio::sync::watch;

use super::{START, World, config};
use crate::server::Keeper;
use crate::{Config, KeeperError, PinnedLibrary};

const LOG_SECRET: &str = "keeper/keys/epoch-1/log.log-signing.secret";
const MANIFEST_SECRET: &str = "keeper/keys/epoch-1/manifest.log-signing.secret";

async fn start(config: Config) -> Result<Keeper, KeeperError> {
    let (_close, closing) = watch::channel(false);
    Keeper::open(config, closing).await
}

/// Started and closed again; the log's key, or why not.
async fn tried(dir: &Path, time: &Arc<AtomicI64>) -> Result<String, KeeperError> {
    let keeper = start(config(dir, time)).await?;
    Ok(keeper.custody.log.vkey().to_string())
}

#[track_caller]
fn keys_lost(tried: Result<String, KeeperError>, found: &str) {
    match tried {
        Err(error @ KeeperError::KeysLost { .. }) => {
            let text = error.to_string();
            assert!(text.contains(found) && !text.contains('\n'), "{text}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn lost_secrets_are_asked_for_and_not_made_anew() {
    let World {
        dir,
        keeper,
        time,
        store: _store,
        _close,
    } = World::honest().await;
    let vkey = keeper.custody.log.vkey().to_string();
    keeper.sign_checkpoint().await.unwrap();
    drop(keeper);
    let (keys, away) = (dir.path().join("keeper/keys"), dir.path().join("away"));
    let (signed, hidden) = (dir.path().join("keeper/signed"), dir.path().join("hidden"));
    fs::rename(&keys, &away).unwrap();
    // The same each time: nothing is made that the next start could take for keys.
    for _ in 0..2 {
        keys_lost(tried(dir.path(), &time).await, "/signed was made with them");
    }
    // Any kept file tells as well.
    fs::rename(&signed, &hidden).unwrap();
    fs::write(dir.path().join("keeper/sealed/kept"), b"x").unwrap();
    for _ in 0..2 {
        keys_lost(tried(dir.path(), &time).await, "/sealed/");
    }
    assert_eq!(fs::read_dir(&keys).unwrap().count(), 0);
    fs::remove_file(dir.path().join("keeper/sealed/kept")).unwrap();
    // Nor is a log key made in a folder of other secrets.
    fs::rename(&hidden, &signed).unwrap();
    fs::remove_dir(&keys).unwrap();
    fs::rename(&away, &keys).unwrap();
    let (log, kept) = (dir.path().join(LOG_SECRET), dir.path().join("log.secret"));
    fs::rename(&log, &kept).unwrap();
    keys_lost(tried(dir.path(), &time).await, "/signed was made with them");
    assert!(!log.exists());
    fs::rename(&kept, &log).unwrap();
    assert_eq!(tried(dir.path(), &time).await.unwrap(), vkey);
    // Where the log has a key, manifests had one too.
    fs::remove_file(dir.path().join(MANIFEST_SECRET)).unwrap();
    let error = tried(dir.path(), &time).await.unwrap_err();
    assert_eq!(error.to_string(), "manifest has no log-signing secret");
}

#[tokio::test]
async fn a_lost_root_key_is_asked_for_and_not_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicI64::new(START));
    drop(Store::open(dir.path()).await.unwrap());
    let vkey = tried(dir.path(), &time).await.unwrap();
    let root = dir.path().join("root").join(vault::ROOT_FILE);
    let away = dir.path().join("safe");
    fs::rename(&root, &away).unwrap();
    for _ in 0..2 {
        let error = tried(dir.path(), &time).await.unwrap_err();
        assert!(matches!(error, KeeperError::RootLost { .. }), "{error}");
        assert!(!root.exists());
    }
    fs::rename(&away, &root).unwrap();
    assert_eq!(tried(dir.path(), &time).await.unwrap(), vkey);
}

#[tokio::test]
async fn a_second_keeper_leaves_what_the_first_is_writing() {
    let dir = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicI64::new(START));
    drop(Store::open(dir.path()).await.unwrap());
    let first = start(config(dir.path(), &time)).await.unwrap();
    let writing = dir.path().join("keeper/sealed/staging-1");
    fs::write(&writing, b"half").unwrap();
    assert!(
        tried(dir.path(), &time).await.is_err(),
        "the folder is in use"
    );
    assert!(writing.exists());
    drop(first);
    tried(dir.path(), &time).await.unwrap();
    assert!(!writing.exists());
}

#[tokio::test]
async fn a_first_start_that_was_cut_short_is_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicI64::new(START));
    drop(Store::open(dir.path()).await.unwrap());
    tried(dir.path(), &time).await.unwrap();
    // Before the log's key, and before both keys: the record says that nothing was signed.
    for lost in [&[LOG_SECRET][..], &[LOG_SECRET, MANIFEST_SECRET]] {
        for name in lost {
            fs::remove_file(dir.path().join(name)).unwrap();
        }
        tried(dir.path(), &time).await.unwrap();
        assert!(lost.iter().all(|name| dir.path().join(name).exists()));
    }
    // The whole folder gone is no such start.
    fs::remove_dir_all(dir.path().join("keeper/keys")).unwrap();
    for _ in 0..2 {
        keys_lost(tried(dir.path(), &time).await, "/signed was made with them");
    }
}

#[tokio::test]
async fn a_worker_beside_another_library_is_not_started_with() {
    let dir = tempfile::tempdir().unwrap();
    let time = Arc::new(AtomicI64::new(START));
    drop(Store::open(dir.path()).await.unwrap());
    let pinned = || Config {
        // FIPS 180-2, appendix B.1: the SHA-256 of "abc".
        libraries: vec![PinnedLibrary {
            file: "lib.so".into(),
            sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into(),
        }],
        ..config(dir.path(), &time)
    };
    let library = dir.path().join("lib.so");
    assert!(matches!(
        start(pinned()).await.err(),
        Some(KeeperError::LibraryUnread { .. })
    ));
    fs::write(&library, b"abd").unwrap();
    let error = start(pinned()).await.err().unwrap();
    assert!(matches!(error, KeeperError::OtherLibrary { .. }));
    assert!(!error.to_string().contains('\n'), "{error}");
    // Refused before anything is made.
    assert!(!dir.path().join("keeper").exists());
    fs::write(&library, b"abc").unwrap();
    assert!(start(pinned()).await.is_ok());
}
