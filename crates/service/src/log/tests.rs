//! Publishing from a real store into a folder, whatever state that is in.

use std::fs;
use std::path::Path;

use audit_log::{FileTiles, LogKey, Note, Outcome, Tiles, VerifyOptions, WitnessKey, verify_log};
use governance::person::{Person, Role};
use governance::{Batch, By, Timestamp};
use store::{Record, Store};
use tempfile::TempDir;

use super::publish::{Written, publish_signed};
use crate::ServiceError;

struct Book {
    dir: TempDir,
    store: Store,
    key: LogKey,
}

impl Book {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("store");
        fs::create_dir(&place).unwrap();
        let store = Store::open(&place).await.unwrap();
        Self {
            dir,
            store,
            key: LogKey::from_seed("strongroom.example/log", &[7; 32]).unwrap(),
        }
    }

    fn folder(&self) -> std::path::PathBuf {
        self.dir.path().join("log")
    }

    /// Acts until the log has so many entries.
    async fn grow(&self, size: u64) {
        let mut at = self.store.log_size().await.unwrap();
        while at < size {
            let to = size.min(at + 200);
            let batch = (at..to).fold(Batch::new(), |batch, n| {
                let person = Person::add(
                    format!("per_{n}").parse().unwrap(),
                    "Ada".into(),
                    "A".into(),
                    [Role::Researcher].into(),
                    &By::System,
                    Timestamp::from_second(1_767_225_600).unwrap(),
                );
                batch.begin(person.unwrap()).unwrap()
            });
            let record = Record {
                batch,
                ..Record::default()
            };
            self.store.record(record).await.unwrap();
            at = to;
        }
        assert_eq!(self.store.log_size().await.unwrap(), size);
    }

    async fn signed(&self) -> String {
        let size = self.store.log_size().await.unwrap();
        let root = self.store.root_at(size).await.unwrap();
        self.key.sign_checkpoint(size, root).unwrap()
    }

    async fn publish(&self, written: Written) -> Result<String, ServiceError> {
        let (tiles, note) = (FileTiles::new(&self.folder()), self.signed().await);
        let state = publish_signed(&self.store, &tiles, self.key.vkey(), &note, written).await?;
        assert_eq!(state.size, self.store.log_size().await.unwrap());
        Ok(state.checkpoint)
    }

    #[track_caller]
    fn whole(&self, size: u64) {
        let options = VerifyOptions {
            vkey: Some(self.key.vkey().clone()),
            ..VerifyOptions::default()
        };
        let verdict = verify_log(&FileTiles::new(&self.folder()), &options);
        assert_eq!(verdict.verdict, Outcome::Ok, "{}", verdict.reason);
        assert_eq!(verdict.size, Some(size));
    }
}

/// Every file below, with what it holds and which file it is on the disk: a file that is written again is another.
fn listing(folder: &Path) -> Vec<(String, Vec<u8>, u64)> {
    use std::os::unix::fs::MetadataExt;
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let inode = fs::metadata(&path).unwrap().ino();
                files.push((path.display().to_string(), fs::read(&path).unwrap(), inode));
            }
        }
    }
    files.sort();
    files
}

#[tokio::test]
async fn an_empty_log_and_every_edge_are_published() {
    let book = Book::new().await;
    for size in [0, 1, 255, 256, 257, 512, 1_024, 1_300] {
        book.grow(size).await;
        for written in [Written::Whole, Written::Nothing, Written::Whole] {
            book.publish(written).await.unwrap();
            book.whole(size);
        }
    }
}

#[tokio::test]
async fn whatever_is_damaged_is_written_again() {
    let book = Book::new().await;
    book.grow(600).await;
    book.publish(Written::Nothing).await.unwrap();
    let files = listing(&book.folder());
    let tiles: Vec<_> = files
        .iter()
        .filter(|file| file.0.contains("/tile/"))
        .collect();
    assert_eq!(tiles.len(), 7);
    for (path, bytes, _) in tiles {
        for damage in [None, Some(&bytes[..bytes.len() / 2]), Some(&[1; 32][..])] {
            match damage {
                None => fs::remove_file(path).unwrap(),
                Some(damage) => fs::write(path, damage).unwrap(),
            }
            // The tile that growth reads is repaired at once, any other at the first publication of a process.
            if path.contains("/tile/1/") {
                book.publish(Written::Whole).await.unwrap();
            } else {
                book.publish(Written::Nothing).await.unwrap();
            }
            assert_eq!(fs::read(path).unwrap(), *bytes);
            book.whole(600);
        }
    }
    // And so it is when the log has grown meanwhile.
    fs::remove_dir_all(book.folder().join("tile")).unwrap();
    book.grow(700).await;
    book.publish(Written::Whole).await.unwrap();
    book.whole(700);
}

#[tokio::test]
async fn a_full_bundle_with_nothing_new_is_not_written_again() {
    let book = Book::new().await;
    book.grow(512).await;
    book.publish(Written::Nothing).await.unwrap();
    // A file that only writing from 0 would bring back.
    let bundle = book.folder().join("tile/entries/000");
    fs::remove_file(&bundle).unwrap();
    let before = listing(&book.folder());
    book.publish(Written::Whole).await.unwrap();
    assert_eq!(listing(&book.folder()), before);
    assert!(!bundle.exists());
}

#[tokio::test]
async fn another_log_s_folder_is_left_as_it_is() {
    let book = Book::new().await;
    book.grow(300).await;
    book.publish(Written::Nothing).await.unwrap();
    let before = listing(&book.folder());
    for (origin, seed) in [("strongroom.example/log", 8), ("other.example/log", 7)] {
        let other = Book {
            key: LogKey::from_seed(origin, &[seed; 32]).unwrap(),
            ..Book::new().await
        };
        other.grow(400).await;
        let (tiles, note) = (FileTiles::new(&book.folder()), other.signed().await);
        let refused = publish_signed(
            &other.store,
            &tiles,
            other.key.vkey(),
            &note,
            Written::Nothing,
        )
        .await;
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("holds another log"), "{text}");
        assert_eq!(listing(&book.folder()), before);
    }
    // The same log restored from an old copy of the store: nothing is taken back.
    let old = Book::new().await;
    old.grow(200).await;
    let tiles = FileTiles::new(&book.folder());
    let note = old.signed().await;
    let refused = publish_signed(&old.store, &tiles, old.key.vkey(), &note, Written::Nothing).await;
    let text = refused.unwrap_err().to_string();
    assert!(text.contains("would take back"), "{text}");
    assert_eq!(listing(&book.folder()), before);
}

#[tokio::test]
async fn a_witness_s_line_outlives_the_next_publication() {
    let book = Book::new().await;
    book.grow(3).await;
    let bare = book.publish(Written::Nothing).await.unwrap();
    let witness = WitnessKey::from_seed("witness.example", &[8; 32]).unwrap();
    let note = Note::parse(&bare).unwrap();
    let line = witness.cosign(note.text(), 1_772_000_000).unwrap();
    let cosigned = note.with_signature(line).unwrap().to_string();
    let tiles = FileTiles::new(&book.folder());
    tiles.write("checkpoint", cosigned.as_bytes()).unwrap();
    assert_eq!(book.publish(Written::Whole).await.unwrap(), cosigned);
    assert_eq!(super::published_note(&tiles).unwrap(), cosigned);
}
