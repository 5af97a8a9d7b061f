//! Pairs of a clerical review: opened for whoever began to judge them, at one door, until they hand in.

use std::io::Write;
use std::path::PathBuf;

use governance::delivery::SealedFile;
use governance::indexing::review::{Answers, Judgement};
use governance::indexing::{Indexing, Registers};
use governance::person::{Person, Role};
use governance::project::Project;
use governance::{Batch, By, PersonId};
use protocol::job::{Job, Objections, ReviewStage, Said};
use protocol::keeper::{Door, RefusedCode, Request};
use store::Document;
use vault::{Purpose, seal_file_atomically};

use super::lies::index;
use super::{World, hash_of, id};
use crate::door::may_ask;
use crate::mounts::Mounts;
use crate::sweep;

const BYTES: &[u8] = b"{\"settings\":\"{}\",\"fields\":[],\"pairs\":0}\n";
const NAME: &str = "idx_p.pairs.job_p1";

/// An indexing of project `prj_a` whose two pairs are sealed; Ida and Ivo are indexers beside `per_idx`.
async fn under_review() -> (World, PathBuf) {
    let world = World::honest().await;
    for name in ["per_ida", "per_ivo"] {
        let roles = [Role::Indexer].into();
        let at = world.now();
        let added = Person::add(id(name), "N".into(), "O".into(), roles, &By::System, at);
        world.begin(added.unwrap()).await;
    }
    let secret = world
        .keeper
        .custody
        .make("prj_a", Purpose::Linkage)
        .unwrap();
    let sealed = world.rooms().join("sealed");
    seal_file_atomically(&sealed, NAME, &secret, |out| out.write_all(BYTES)).unwrap();
    let in_force = world.in_force("prj_a").await;
    let (stays, spine) = (world.get("del_stays").await, world.get("del_spine").await);
    let registers = Registers {
        spine: &spine,
        objections: None,
    };
    let (by, at) = (id("per_idx"), world.now());
    let order =
        Indexing::order_reviewed(id("idx_p"), &in_force, &stays, registers, 5, &by, at).unwrap();
    world.begin(order).await;
    let pairs = SealedFile {
        name: NAME.into(),
        sha256: hash_of(BYTES),
        bytes: BYTES.len() as u64,
    };
    world
        .change::<Indexing>("idx_p", |i| i.open_review(pairs, 2, at))
        .await;
    (world, sealed.join(NAME))
}

async fn begin(world: &World, who: &str) {
    let (in_force, at) = (world.in_force("prj_a").await, world.now());
    let stays = world.get("del_stays").await;
    let by: PersonId = id(who);
    world
        .change::<Indexing>("idx_p", |i| i.begin_review(&in_force, &stays, &by, at))
        .await;
}

/// Hands in one judgement of both pairs, after whoever did so before.
async fn finish(world: &World, who: &str, said: Judgement, earlier: &[Answers]) -> Answers {
    let answers = Answers {
        indexing: id("idx_p"),
        by: id(who),
        pairs: [(1, said), (2, Judgement::Moved)].into(),
    };
    let bytes = serde_json::to_vec(&answers).unwrap();
    let (in_force, at) = (world.in_force("prj_a").await, world.now());
    let stays = world.get("del_stays").await;
    let held = world
        .store
        .load::<Indexing>("idx_p")
        .await
        .unwrap()
        .unwrap();
    let hash = hash_of(&bytes);
    let change = held
        .value
        .finish_review((&in_force, &stays), &answers, hash, earlier, at)
        .unwrap();
    let batch = Batch::new().change(held.version, change).unwrap();
    let kind = "answers".into();
    world.record(batch, vec![Document { kind, bytes }]).await;
    answers
}

async fn shown(world: &World, who: &str) -> bool {
    match world.keeper.pairs("idx_p", who).await {
        Ok(bytes) => {
            assert_eq!(bytes, BYTES);
            true
        }
        Err(refused) => {
            assert_eq!(refused.code, RefusedCode::NotPermitted, "{refused:?}");
            false
        }
    }
}

#[tokio::test]
async fn pairs_are_shown_to_whoever_began_and_to_nobody_else() {
    let (world, _) = under_review().await;
    let everybody = [
        "per_ida",
        "per_ivo",
        "per_idx",
        "per_a",
        "per_std",
        "per_pay",
        "per_ctl",
        "per_nobody",
        "x",
    ];
    for who in everybody {
        assert!(!shown(&world, who).await, "{who} before anybody began");
    }
    begin(&world, "per_ida").await;
    for who in everybody {
        assert_eq!(shown(&world, who).await, who == "per_ida", "{who}");
    }
    finish(&world, "per_ida", Judgement::Moved, &[]).await;
    assert!(!shown(&world, "per_ida").await, "handed in");
    begin(&world, "per_ivo").await;
    assert!(shown(&world, "per_ivo").await);

    // Whoever has lost the role, and everybody once the project has ended.
    let (by, at) = (id("per_coord"), world.now());
    world
        .change::<Person>("per_ivo", |p| p.retire(&by, at))
        .await;
    assert!(!shown(&world, "per_ivo").await, "retired");
    begin(&world, "per_idx").await;
    assert!(shown(&world, "per_idx").await);
    let author = id("per_a");
    world
        .change::<Project>("prj_a", |p| p.close(&author, at))
        .await;
    assert!(!shown(&world, "per_idx").await, "the project has ended");
}

#[tokio::test]
async fn a_state_that_names_a_reviewer_whom_the_log_does_not_opens_nothing() {
    let (world, _) = under_review().await;
    begin(&world, "per_ida").await;
    world
        .intrude(
            "update states set json = replace(json, '\"begun\":[\"per_ida\"]', '\"begun\":[\"per_ivo\"]')
             where kind = 'indexing'",
        )
        .await;
    for who in ["per_ida", "per_ivo"] {
        assert!(world.keeper.pairs("idx_p", who).await.is_err(), "{who}");
    }
}

#[test]
fn the_research_door_is_not_asked_for_pairs() {
    let request = Request::Pairs {
        indexing: "idx_p".into(),
        person: "per_ida".into(),
    };
    assert!(may_ask(Door::Indexing, &request).is_ok());
    let no = may_ask(Door::Research, &request).unwrap_err();
    assert_eq!(no.code, RefusedCode::NotPermitted);
}

#[tokio::test]
async fn records_are_linked_again_with_what_two_said_and_not_before() {
    let (world, _) = under_review().await;
    let ours = world.under("prj_a").await;
    world.queue("job_1", index("idx_p"), ours.clone()).await;
    let warrant = async |job: &str| world.keeper.desk().unwrap().warrant(job).await;
    assert!(warrant("job_1").await.is_err(), "under review");
    begin(&world, "per_ida").await;
    begin(&world, "per_ivo").await;
    let first = finish(&world, "per_ida", Judgement::TooLittle, &[]).await;
    assert!(warrant("job_1").await.is_err(), "one of two");
    finish(&world, "per_ivo", Judgement::Contradicts, &[first]).await;

    let warrant = warrant("job_1").await.unwrap();
    let Mounts::Link {
        pairs: Some(pairs),
        objections: None,
        ..
    } = &warrant.mounts
    else {
        panic!("the pairs are mounted");
    };
    assert_eq!(pairs.0.name, NAME);
    let Job::Link(link) = &warrant.order else {
        panic!("a link");
    };
    assert_eq!(link.objections, Objections::None);
    let said = |both| Said {
        first: both,
        second: both,
        decided: both,
    };
    let expected = ReviewStage::Settled {
        said: vec![said(None), said(Some(true))],
    };
    assert_eq!(link.review, expected);
}

#[tokio::test]
async fn sealed_pairs_stay_until_the_review_is_over_and_go_then() {
    let (world, path) = under_review().await;
    let sweep = async || {
        // The job that chose them has ended.
        sweep::sweep(&world.keeper.rooms, &world.keeper.books, world.now())
            .await
            .unwrap()
    };
    let ours = world.under("prj_a").await;
    world.queue("job_p1", index("idx_p"), ours).await;
    let at = world.now();
    world
        .change::<governance::job::Job>("job_p1", |job| job.finish(Default::default(), at))
        .await;
    sweep().await;
    assert!(path.exists(), "under review");
    let project: Project = world.get("prj_a").await;
    let by = id("per_idx");
    world
        .change::<Indexing>("idx_p", |i| i.end_review(&project, &by, at))
        .await;
    sweep().await;
    assert!(!path.exists(), "ended");
}
