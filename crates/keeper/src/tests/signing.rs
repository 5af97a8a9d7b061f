//! Checkpoints and manifests.

use audit_log::{Checkpoint, Note};
use governance::By;
use governance::person::{Person, Role};
use protocol::keeper::{Refused, RefusedCode};

use super::{World, config, id, keeper};
use crate::KeeperError;
use crate::server::Keeper;

async fn act(world: &World, n: u32) {
    let roles = [Role::Auditor].into();
    let person = Person::add(
        id(&format!("per_new{n}")),
        "N".into(),
        "O".into(),
        roles,
        &By::System,
        world.now(),
    );
    world.begin(person.unwrap()).await;
}

fn read(note: &str, keeper: &Keeper) -> Checkpoint {
    let note = Note::parse(note).unwrap();
    note.verify(&[keeper.custody.log.vkey().clone()]).unwrap();
    Checkpoint::parse(note.text()).unwrap()
}

#[tokio::test]
async fn checkpoints_are_signed_as_the_log_grows() {
    let world = World::honest().await;
    let mut last = 0;
    for n in 0..3 {
        let note = world.keeper.sign_checkpoint().await.unwrap();
        let signed = read(&note, &world.keeper);
        assert!(signed.size > last);
        assert_eq!(signed.size, world.store.log_size().await.unwrap());
        assert_eq!(signed.root, world.store.root_at(signed.size).await.unwrap());
        // The store takes it, and so it is one of this log.
        world
            .store
            .save_checkpoint(signed.size, &note)
            .await
            .unwrap();
        last = signed.size;
        act(&world, n).await;
    }
}

fn refused(result: Result<String, Refused>, says: &str) {
    let refused = result.unwrap_err();
    assert_eq!(refused.code, RefusedCode::NotPermitted);
    assert!(refused.message.contains(says), "{refused:?}");
}

const FREE: &str =
    "drop trigger leaves_stay; drop trigger leaves_are_kept; drop trigger nodes_stay;
    drop trigger nodes_are_kept; drop trigger events_are_kept; drop trigger states_are_kept";

#[tokio::test]
async fn a_log_that_was_rolled_back_is_not_signed_by_this_keeper_or_the_next() {
    let world = World::honest().await;
    act(&world, 1).await;
    world.keeper.sign_checkpoint().await.unwrap();
    world.intrude(FREE).await;
    world
        .intrude(
            "create temp table last as select max(idx) as idx from leaves;
             delete from states where leaf = (select idx from last);
             delete from events where leaf = (select idx from last);
             delete from leaves where idx = (select idx from last)",
        )
        .await;
    refused(world.keeper.sign_checkpoint().await, "rolled back");

    let World {
        dir,
        keeper: ours,
        time,
        store: _store,
        _close,
    } = world;
    drop(ours);
    let (next, _close) = keeper(dir.path(), &time).await;
    refused(next.sign_checkpoint().await, "rolled back");
}

#[tokio::test]
async fn a_log_that_was_rewritten_is_not_signed() {
    // An entry alone, then entry and hashes as somebody would who knows how.
    for sql in [
        "update leaves set entry = cast(replace(cast(entry as text), 'per_a', 'per_x') as blob)
         where idx = 0",
        "update leaves set hash = randomblob(32) where idx = 0;
         update nodes set hash = randomblob(32) where idx = 0",
    ] {
        let world = World::honest().await;
        world.keeper.sign_checkpoint().await.unwrap();
        act(&world, 1).await;
        world.intrude(FREE).await;
        world.intrude(sql).await;
        refused(world.keeper.sign_checkpoint().await, "rewritten");
        let World {
            dir,
            keeper: ours,
            time,
            store: _store,
            _close,
        } = world;
        drop(ours);
        let (next, _close) = keeper(dir.path(), &time).await;
        refused(next.sign_checkpoint().await, "rewritten");
    }
}

#[tokio::test]
async fn a_keeper_that_does_not_know_what_it_signed_does_not_start() {
    let world = World::honest().await;
    world.keeper.sign_checkpoint().await.unwrap();
    let World {
        dir,
        keeper: ours,
        time,
        store: _store,
        _close,
    } = world;
    drop(ours);
    let signed = dir.path().join("keeper/signed");
    for damage in [None, Some(&b"{}"[..])] {
        std::fs::remove_file(&signed).unwrap();
        if let Some(bytes) = damage {
            std::fs::write(&signed, bytes).unwrap();
        }
        let (_close, closing) = tokio::sync::watch::channel(false);
        let opened = Keeper::open(config(dir.path(), &time), closing).await;
        assert!(matches!(
            opened.err(),
            Some(KeeperError::SignedRecord { .. })
        ));
        std::fs::write(&signed, b"x").unwrap();
    }
}

#[tokio::test]
async fn keys_outlive_a_restart_and_manifests_need_an_approval() {
    let world = World::honest().await;
    let vkey = world.keeper.custody.log.vkey().clone();
    let manifest = world.keeper.custody.manifest.vkey().clone();
    assert_eq!(vkey.name(), "strongroom.example/test");
    assert_eq!(manifest.name(), "strongroom.example/test/manifest");
    assert_ne!(vkey.public_key(), manifest.public_key());
    // Both projects are in force already, and no other exists.
    for (project, says) in [
        ("prj_a", "while the project is in_force"),
        ("prj_none", "there is no such project"),
        ("per_a", "not a valid project id"),
    ] {
        let refused = world.keeper.sign_manifest(project).await.unwrap_err();
        assert!(refused.message.contains(says), "{refused:?}");
    }
    let in_force = world.in_force("prj_a").await;
    let note = Note::parse(&in_force.signature).unwrap();
    note.verify(std::slice::from_ref(&manifest)).unwrap();
    assert!(note.verify(std::slice::from_ref(&vkey)).is_err());
    let World {
        dir,
        keeper: ours,
        time,
        store: _store,
        _close,
    } = world;
    drop(ours);
    let (next, _close) = keeper(dir.path(), &time).await;
    assert_eq!(*next.custody.log.vkey(), vkey);
    assert_eq!(*next.custody.manifest.vkey(), manifest);
}
