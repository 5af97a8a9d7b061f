//! What the two doors let in, and what they refuse.

use std::collections::BTreeMap;

use audit_log::{Entry, LogKey, commit, sha256};
use governance::person::Person;
use governance::{Action, Batch, By, Fact, JobId, Lifecycle, ProjectId, Sha256, Timestamp};

use super::{adding, at, begin, beside, document, just, opened, per, run, standing, whole};
use crate::{
    DOCUMENT_BYTES_MAX, EventFilter, Filter, Order, Progress, Receipt, Record, Store, StoreError,
    TOKENS_PER_PERSON_MAX,
};

#[tokio::test]
async fn a_change_is_read_back_as_state_event_and_leaf() {
    let (_dir, store) = opened().await;
    let person = adding(1).to().clone();
    let batch = Batch::new().begin(adding(1)).unwrap();
    let batch = batch.change(1, standing(person).unwrap()).unwrap();
    let policies = BTreeMap::from([("access".to_owned(), "0f".repeat(32))]);
    let session = Some("ses_1".to_owned());
    let record = Record {
        batch,
        policies: policies.clone(),
        session,
        ..Record::default()
    };
    let receipt = store.record(record).await.unwrap();
    let versions = BTreeMap::from([("per_1".to_owned(), 2)]);
    assert_eq!(
        receipt,
        Receipt {
            first_leaf: 0,
            leaves: 2,
            versions
        }
    );

    let held = store.load::<Person>("per_1").await.unwrap().unwrap();
    assert_eq!(
        (held.version, held.leaf, held.value.name.as_str()),
        (2, 1, "Ada")
    );
    let told = store.events(EventFilter {
        object: Some("per_1"),
        ..Default::default()
    });
    let told = told.await.unwrap();
    assert_eq!(told.len(), 2);
    assert_eq!(
        (told[0].action, &told[0].by, told[0].at),
        (Action::AddPerson, &By::System, at(0))
    );
    assert_eq!(
        told[0].facts["roles"],
        Fact::Words(vec!["researcher".into()])
    );
    assert_eq!(told[1].by, By::Person("per_coordinator".parse().unwrap()));

    let leaves = store.leaves(0, 9).await.unwrap();
    let entry = Entry::decode(&leaves[1].1).unwrap();
    assert_eq!(
        (entry.actor.as_str(), entry.policy_sha256),
        ("per_coordinator", policies)
    );
    assert_eq!(entry.details["session"], "ses_1");
    let text = String::from_utf8(leaves[0].1.clone()).unwrap();
    assert!(!text.contains("Ada"), "a name is no part of the log");
    whole(&store).await;
}

#[tokio::test]
async fn documents_lie_beside_the_log_and_can_go() {
    let (dir, store) = opened().await;
    let mut record = begin(1);
    record.batch = record.batch.begin(adding(2)).unwrap();
    record.documents = vec![
        document("statement", b"select 1"),
        document("letter", b"Dear"),
    ];
    store.record(record).await.unwrap();
    let mut again = begin(3);
    again.documents = vec![document("statement", b"select 1")];
    store.record(again).await.unwrap();

    let key = Sha256::try_from(hex::encode(sha256(b"select 1"))).unwrap();
    assert_eq!(
        store.document(&key).await.unwrap().as_deref(),
        Some(b"select 1".as_slice())
    );
    let attached = store.attachments(0).await.unwrap();
    assert_eq!(attached.len(), 2);
    assert_eq!(
        store.attachments(1).await.unwrap(),
        [],
        "only the first change carries them"
    );
    let (kind, sha, salt) = &attached[1];
    assert_eq!((kind.as_str(), sha), ("statement", &key));
    assert_ne!(
        *salt,
        store.attachments(2).await.unwrap()[0].2,
        "a salt for each commitment"
    );
    let leaves = store.leaves(0, 1).await.unwrap();
    let entry = Entry::decode(&leaves[0].1).unwrap();
    assert_eq!(
        entry.commitments["statement"],
        hex::encode(commit(salt, b"select 1"))
    );

    let before = whole(&store).await;
    run(
        &mut beside(&dir).await,
        "delete from documents; delete from attachments",
    )
    .await;
    assert_eq!(store.document(&key).await.unwrap(), None);
    assert_eq!(whole(&store).await, before);
}

#[tokio::test]
async fn a_changed_document_is_not_given_out() {
    let (dir, store) = opened().await;
    let mut record = begin(1);
    record.documents = vec![document("letter", b"Dear")];
    store.record(record).await.unwrap();
    run(
        &mut beside(&dir).await,
        "update documents set bytes = x'00'",
    )
    .await;
    let key = Sha256::try_from(hex::encode(sha256(b"Dear"))).unwrap();
    assert!(matches!(
        store.document(&key).await,
        Err(StoreError::Unreadable("document"))
    ));
}

#[tokio::test]
async fn limits_and_bad_documents_are_refused_before_anything_is_written() {
    let (_dir, store) = opened().await;
    assert!(matches!(
        store.record(just(Batch::new())).await,
        Err(StoreError::Empty)
    ));
    for kinds in [vec!["state"], vec!["a b"], vec![""], vec!["a", "a"]] {
        let documents = kinds.iter().map(|kind| document(kind, b"x")).collect();
        let refused = store
            .record(Record {
                documents,
                ..begin(1)
            })
            .await;
        assert!(
            matches!(refused, Err(StoreError::DocumentKind)),
            "{kinds:?}"
        );
    }
    let documents = vec![document("big", &vec![0; DOCUMENT_BYTES_MAX + 1])];
    let refused = store
        .record(Record {
            documents,
            ..begin(1)
        })
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::TooMuch {
            found: 4_194_305,
            ..
        })
    ));
    let session = Some("not an id".to_owned());
    let refused = store
        .record(Record {
            session,
            ..begin(1)
        })
        .await;
    assert!(matches!(refused, Err(StoreError::Log(_))));
    assert_eq!(whole(&store).await.0, 0);
}

#[tokio::test]
async fn a_version_that_is_not_held_is_stale() {
    let (_dir, store) = opened().await;
    let stale = |result| matches!(result, Err(StoreError::Stale { .. }));
    let change = || standing(adding(1).to().clone()).unwrap();
    let at_version = |version| just(Batch::new().change(version, change()).unwrap());
    assert!(
        stale(store.record(at_version(1)).await),
        "it does not exist"
    );
    store.record(begin(1)).await.unwrap();
    assert!(stale(store.record(begin(1)).await), "it exists");
    assert!(stale(store.record(at_version(2)).await), "ahead");
    store.record(at_version(1)).await.unwrap();
    assert!(stale(store.record(at_version(1)).await), "behind");
    let half = Batch::new()
        .begin(adding(2))
        .unwrap()
        .begin(adding(1))
        .unwrap();
    assert!(stale(store.record(just(half)).await));
    assert_eq!(
        store.load::<Person>("per_2").await.unwrap(),
        None,
        "all or nothing"
    );
    assert_eq!(whole(&store).await.0, 2);
}

#[tokio::test]
async fn a_state_that_its_leaf_does_not_vouch_for_is_not_used() {
    for sql in [
        "update states set json = replace(json, 'researcher', 'administrator')",
        "update states set version = 1, leaf = 0",
        "update states set leaf = 2 where id = 'per_1'",
        "update states set salt = zeroblob(32)",
        "update states set state = 'retired'",
        "update states set id = 'per_9' where id = 'per_1'",
    ] {
        let (dir, store) = opened().await;
        store.record(begin(1)).await.unwrap();
        let change = standing(adding(1).to().clone()).unwrap();
        store
            .record(just(Batch::new().change(1, change).unwrap()))
            .await
            .unwrap();
        // A free leaf, for the row that claims another object's.
        let mut intruder = beside(&dir).await;
        run(
            &mut intruder,
            "insert into leaves values (2, (select entry from leaves), zeroblob(32))",
        )
        .await;
        run(&mut intruder, sql).await;
        let refused = match store.load::<Person>("per_1").await {
            Ok(None) => store.load::<Person>("per_9").await,
            given => given,
        };
        assert!(matches!(refused, Err(StoreError::Unlogged { .. })), "{sql}");
    }
}

#[tokio::test]
async fn lists_are_filtered_counted_and_paged() {
    let (_dir, store) = opened().await;
    for n in 1..=5 {
        store.record(begin(n)).await.unwrap();
    }
    let gone = adding(2).to().clone().retire(&per(9), at(1)).unwrap();
    store
        .record(just(Batch::new().change(1, gone).unwrap()))
        .await
        .unwrap();
    let ids = async |filter: Filter<'_>| -> Vec<String> {
        let held = store.list::<Person>(filter).await.unwrap();
        held.iter().map(|held| held.value.id().to_owned()).collect()
    };
    let active = Filter {
        states: &["active"],
        limit: 2,
        ..Default::default()
    };
    assert_eq!(ids(active).await, ["per_1", "per_3"]);
    assert_eq!(
        ids(Filter {
            after: Some("per_3"),
            ..active
        })
        .await,
        ["per_4", "per_5"]
    );
    let both = Filter {
        states: &["active", "retired"],
        ..Default::default()
    };
    assert_eq!(ids(both).await.len(), 5);
    let project: ProjectId = "prj_1".parse().unwrap();
    let of_project = Filter {
        project: Some(&project),
        ..Default::default()
    };
    assert_eq!(ids(of_project).await, Vec::<String>::new());
    let counts = store.count_by_state::<Person>().await.unwrap();
    assert_eq!(
        counts,
        BTreeMap::from([("active".into(), 4), ("retired".into(), 1)])
    );
    let page = EventFilter {
        after_leaf: Some(3),
        limit: 1,
        ..Default::default()
    };
    let page: Vec<u64> = store
        .events(page)
        .await
        .unwrap()
        .iter()
        .map(|t| t.leaf)
        .collect();
    assert_eq!(page, [4]);
    let leaves = async |filter: EventFilter<'_>| {
        let told = store.events(filter).await.unwrap();
        told.iter().map(|t| t.leaf).collect::<Vec<u64>>()
    };
    let newest = EventFilter {
        order: Order::NewestFirst,
        limit: 2,
        ..Default::default()
    };
    assert_eq!(leaves(newest).await, [5, 4]);
    let before = EventFilter {
        before_leaf: Some(4),
        ..newest
    };
    assert_eq!(leaves(before).await, [3, 2]);
    let retired = EventFilter {
        actions: &[Action::RetirePerson],
        ..Default::default()
    };
    assert_eq!(leaves(retired).await.len(), 1, "one person was retired");
}

#[tokio::test]
async fn tokens_say_who_until_they_expire_or_are_revoked() {
    let (_dir, store) = opened().await;
    let who = async |hash: u8, now: Timestamp| {
        let token = store.token([hash; 32], now).await.unwrap();
        token.map(|token| token.person)
    };
    store
        .add_token([1; 32], &per(1), "laptop", at(10))
        .await
        .unwrap();
    store
        .add_token([2; 32], &per(2), "laptop", at(10))
        .await
        .unwrap();
    assert_eq!(who(1, at(9)).await, Some(per(1)));
    assert_eq!(who(1, at(10)).await, None, "expired at its moment");
    assert_eq!(who(3, at(9)).await, None, "unknown");
    assert!(
        store
            .add_token([1; 32], &per(2), "theft", at(99))
            .await
            .is_err()
    );
    assert_eq!(store.revoke_tokens(&per(1)).await.unwrap(), 1);
    assert_eq!(
        (who(1, at(9)).await, who(2, at(9)).await),
        (None, Some(per(2)))
    );
    for n in 0..=TOKENS_PER_PERSON_MAX {
        let mut hash = [9; 32];
        hash[0] = n as u8;
        store
            .add_token(hash, &per(3), "many", at(100 + i64::from(n)))
            .await
            .unwrap();
    }
    assert_eq!(
        store.revoke_tokens(&per(3)).await.unwrap(),
        u64::from(TOKENS_PER_PERSON_MAX)
    );
    assert_eq!(store.log_size().await.unwrap(), 0, "notes have no leaf");
}

#[tokio::test]
async fn drafts_and_progress_keep_the_last_word() {
    let (dir, store) = opened().await;
    let project: ProjectId = "prj_1".parse().unwrap();
    let job: JobId = "job_1".parse().unwrap();
    assert_eq!(store.draft(&project).await.unwrap(), None);
    for text in ["{}", r#"{"title":"x"}"#] {
        store.save_draft(&project, text.to_owned()).await.unwrap();
        assert_eq!(store.draft(&project).await.unwrap().as_deref(), Some(text));
    }
    let huge = "x".repeat(crate::DRAFT_BYTES_MAX + 1);
    assert!(matches!(
        store.save_draft(&project, huge).await,
        Err(StoreError::TooMuch { .. })
    ));
    store.note_progress(&job, 1, 3, "compare").await.unwrap();
    store.note_progress(&job, 2, 3, "cluster").await.unwrap();
    let reader = Store::open_read_only(dir.path()).await.unwrap();
    let seen = reader.progress(&job).await.unwrap();
    assert_eq!(
        seen,
        Some(Progress {
            done: 2,
            total: 3,
            stage: "cluster".into()
        })
    );
}

#[tokio::test]
async fn only_a_checkpoint_of_this_log_is_kept() {
    let (_dir, store) = opened().await;
    let key = LogKey::from_seed("strongroom.example/log", &[7; 32]).unwrap();
    assert_eq!(store.latest_checkpoint().await.unwrap(), None);
    store.record(begin(1)).await.unwrap();
    store.record(begin(2)).await.unwrap();
    for size in [2, 1] {
        let root = store.root_at(size).await.unwrap();
        let note = key.sign_checkpoint(size, root).unwrap();
        store.save_checkpoint(size, &note).await.unwrap();
        assert!(
            store.save_checkpoint(3 - size, &note).await.is_err(),
            "another size"
        );
    }
    let (size, note) = store.latest_checkpoint().await.unwrap().unwrap();
    assert_eq!(size, 2);
    assert!(note.starts_with("strongroom.example/log\n2\n"));
    let forged = key.sign_checkpoint(2, [0; 32]).unwrap();
    let refused = store.save_checkpoint(2, &forged).await;
    assert!(matches!(refused, Err(StoreError::OtherCheckpoint)));
    let ahead = key.sign_checkpoint(3, [0; 32]).unwrap();
    let refused = store.save_checkpoint(3, &ahead).await;
    assert!(matches!(
        refused,
        Err(StoreError::BeyondLog { asked: 3, size: 2 })
    ));
}

#[tokio::test]
async fn a_reader_sees_what_is_written_and_cannot_write() {
    let (dir, store) = opened().await;
    let reader = Store::open_read_only(dir.path()).await.unwrap();
    assert!(matches!(
        reader.record(begin(1)).await,
        Err(StoreError::ReadOnly)
    ));
    store.record(begin(1)).await.unwrap();
    assert_eq!(whole(&reader).await, whole(&store).await);
    store.close().await;
    assert!(matches!(
        store.record(begin(2)).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(store.log_size().await, Err(StoreError::Closed)));
    store.close().await;
    assert_eq!(reader.log_size().await.unwrap(), 1);
}

#[tokio::test]
async fn the_log_cannot_be_edited_by_mistake() {
    let (dir, store) = opened().await;
    for n in 1..=2 {
        store.record(begin(n)).await.unwrap();
    }
    let mut connection = beside(&dir).await;
    for sql in [
        "update leaves set entry = x'00'",
        "delete from leaves",
        "update nodes set hash = zeroblob(32)",
        "delete from nodes",
        "update events set person = 'per_9'",
        "delete from events",
        "delete from states",
        "insert into leaves values (7, x'00', zeroblob(32))",
    ] {
        assert!(
            sqlx::raw_sql(sql).execute(&mut connection).await.is_err(),
            "{sql}"
        );
    }
    whole(&store).await;
}

#[tokio::test]
async fn every_call_can_be_made_from_a_task_of_a_server() {
    fn sendable<T: Send>(call: T) -> T {
        call
    }
    let (_dir, store) = opened().await;
    sendable(store.record(begin(1))).await.unwrap();
    sendable(store.load::<Person>("per_1")).await.unwrap();
    sendable(store.list::<Person>(Filter::default()))
        .await
        .unwrap();
    sendable(store.events(EventFilter::default()))
        .await
        .unwrap();
    sendable(store.inclusion(0, 1)).await.unwrap();
    sendable(store.save_draft(&"prj_1".parse().unwrap(), String::new()))
        .await
        .unwrap();
    sendable(store.close()).await;
}
