//! Faults in the middle of a write, and a process that is killed.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use governance::{Batch, person::Person};

use super::{adding, begin, beside, document, just, opened, run, whole};
use crate::{Store, StoreError};

const CRASH_DIR: &str = "STORE_TEST_CRASH_DIR";

#[tokio::test]
async fn a_fault_in_any_table_leaves_nothing_of_the_act() {
    for (fault, healed) in [
        (
            "create trigger fault before insert on leaves begin select raise(abort, 'fault'); end",
            "drop trigger fault",
        ),
        (
            "create trigger fault before insert on nodes begin select raise(abort, 'fault'); end",
            "drop trigger fault",
        ),
        (
            "create trigger fault before insert on events begin select raise(abort, 'fault'); end",
            "drop trigger fault",
        ),
        (
            "create trigger fault before insert on states begin select raise(abort, 'fault'); end",
            "drop trigger fault",
        ),
        (
            "create trigger fault before insert on documents begin select raise(fail, 'fault'); end",
            "drop trigger fault",
        ),
        // Takes the whole transaction back, as a full disk does.
        (
            "create trigger fault before insert on events begin select raise(rollback, 'fault'); end",
            "drop trigger fault",
        ),
    ] {
        let (dir, store) = opened().await;
        store.record(begin(0)).await.unwrap();
        let before = whole(&store).await;
        let mut connection = beside(&dir).await;
        run(&mut connection, fault).await;
        let mut record = begin(1);
        record.documents = vec![document("letter", b"Dear")];
        let refused = store.record(record.clone()).await.unwrap_err();
        assert!(
            matches!(
                refused,
                StoreError::Database(_) | StoreError::NotRecorded(_)
            ),
            "{fault}: {refused}"
        );
        assert_eq!(whole(&store).await, before, "{fault}");
        assert_eq!(
            store.load::<Person>("per_1").await.unwrap(),
            None,
            "{fault}"
        );
        run(&mut connection, healed).await;
        assert_eq!(store.record(record).await.unwrap().first_leaf, 1, "{fault}");
        whole(&store).await;
    }
}

/// Not a test: what the test below starts and kills.
#[tokio::test]
async fn child_that_is_killed() {
    let Some(dir) = std::env::var_os(CRASH_DIR) else {
        return;
    };
    let store = Store::open(&PathBuf::from(dir)).await.unwrap();
    for n in 0..10_000 {
        let batch = Batch::new()
            .begin(adding(2 * n))
            .unwrap()
            .begin(adding(2 * n + 1))
            .unwrap();
        let mut record = just(batch);
        record.documents = vec![document("letter", format!("letter {n}").as_bytes())];
        let receipt = store.record(record).await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nacked {}", receipt.first_leaf + receipt.leaves).unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_and_nothing_is_half_there() {
    for acknowledged in [1, 12, 40] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "tests::crash::child_that_is_killed",
                "--nocapture",
            ])
            .env(CRASH_DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut last, mut seen) = (0_u64, 0);
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            if let Some(size) = line.unwrap().strip_prefix("acked ") {
                last = size.parse().unwrap();
                seen += 1;
                if seen == acknowledged {
                    // Signal 9. What it still said before it died is read too.
                    child.kill().unwrap();
                }
            }
        }
        child.wait().unwrap();
        assert!(seen >= acknowledged);
        let store = Store::open(dir.path()).await.unwrap();
        let (size, _) = whole(&store).await;
        assert!(size >= last, "{size} leaves, {last} were acknowledged");
        assert_eq!(size % 2, 0, "batches of two are there or not");
        for leaf in (0..size).step_by(2) {
            let attached = store.attachments(leaf).await.unwrap();
            assert!(store.document(&attached[0].1).await.unwrap().is_some());
        }
        assert_eq!(store.record(begin(99_999)).await.unwrap().first_leaf, size);
    }
}
