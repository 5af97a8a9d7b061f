use super::*;
use crate::FILE_NAME;
use governance::Batch;

use crate::tests::{adding, begin, beside, just, opened, run, whole};

async fn writer(dir: &tempfile::TempDir) -> Writer {
    let options = SqliteConnectOptions::new().filename(dir.path().join(FILE_NAME));
    let connection = options.connect().await.unwrap();
    let (_, inbox) = mpsc::channel(1);
    Writer::new(options, connection, inbox)
}

#[tokio::test]
async fn one_refusal_takes_back_only_its_own_savepoint() {
    let (dir, store) = opened().await;
    let mut writer = writer(&dir).await;
    // The third gets as far as a leaf for person 4 before its second change is refused.
    let half = Batch::new().begin(adding(4)).unwrap();
    let half = just(half.begin(adding(1)).unwrap());
    let tasks = [begin(1), begin(2), half, begin(3)]
        .map(Task::Record)
        .into();
    let results = writer.commit(tasks).await.unwrap();
    let leaves: Vec<Option<u64>> = results
        .into_iter()
        .map(|result| match result {
            Ok(Outcome::Recorded(receipt)) => Some(receipt.first_leaf),
            Ok(Outcome::Noted(_)) => panic!("not a note"),
            Err(error) => {
                assert!(matches!(error, StoreError::Stale { .. }), "{error}");
                None
            }
        })
        .collect();
    assert_eq!(leaves, [Some(0), Some(1), None, Some(2)]);
    assert_eq!(whole(&store).await.0, 3);
}

#[tokio::test]
async fn when_the_transaction_is_lost_nobody_is_told_otherwise() {
    let (dir, store) = opened().await;
    run(
        &mut beside(&dir).await,
        "create trigger fault before insert on events when new.object = 'per_2'
         begin select raise(rollback, 'fault'); end",
    )
    .await;
    let mut writer = writer(&dir).await;
    let (mut tasks, mut answers, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
    for n in 1..=3 {
        let (answer, wait) = oneshot::channel();
        tasks.push(Task::Record(begin(n)));
        answers.push(answer);
        waiting.push(wait);
    }
    writer.settle(tasks, answers).await;
    for wait in waiting {
        assert!(matches!(
            wait.await.unwrap(),
            Err(StoreError::NotRecorded(_))
        ));
    }
    assert_eq!(whole(&store).await.0, 0);
    // A new connection and the stored right edge: the next act is the first leaf.
    let results = writer.commit(vec![Task::Record(begin(1))]).await.unwrap();
    assert!(matches!(&results[0], Ok(Outcome::Recorded(receipt)) if receipt.first_leaf == 0));
    whole(&store).await;
}

#[tokio::test]
async fn two_writers_by_mistake_still_number_densely() {
    let (dir, store) = opened().await;
    let mut other = writer(&dir).await;
    for n in 0..6 {
        if n % 2 == 0 {
            store.record(begin(n)).await.unwrap();
        } else {
            other
                .commit(vec![Task::Record(begin(n))])
                .await
                .unwrap()
                .remove(0)
                .unwrap();
        }
    }
    assert_eq!(whole(&store).await.0, 6);
}
