//! What the store may be made to say, and what the keeper says to it. No worker starts in any of these: the
//! one that is configured is no program, so a job that is let through ends as `internal`.

use std::future::pending;

use governance::dataset::Dataset;
use governance::extract::Extract;
use governance::job::{Authority, Job, Task};
use governance::output::Output;
use governance::person::Person;
use governance::project::Project;
use governance::workspace::Workspace;
use governance::{By, JobId};
use protocol::keeper::{Door, Refused, RefusedCode};

use crate::progress::Teller;

use super::{DAY, STATEMENT, Told, World, hash_of, id, instructed, keeper, query, sealed};

async fn refused(world: &World, job: &str) -> Refused {
    let door = world.door(job).await;
    world
        .keeper
        .run(door, job, pending(), &Teller::default())
        .await
        .unwrap_err()
}

pub(super) fn index(n: &str) -> Task {
    Task::Index { indexing: id(n) }
}

pub(super) fn extract(n: &str) -> Task {
    Task::Extract { extract: id(n) }
}

pub(super) fn check(n: &str) -> Task {
    Task::Check { output: id(n) }
}

pub(super) async fn open_load(world: &World, job: &str) {
    let dataset: Dataset = world.get("dst_stays").await;
    let delivery =
        governance::delivery::Delivery::open(id("del_new"), &dataset, &id("per_ids"), world.now());
    world.begin(delivery.unwrap()).await;
    let task = Task::LoadIdentifiers {
        delivery: id("del_new"),
        upload: job.into(),
        format: "csv".into(),
    };
    world.queue(job, task, instructed("dst_stays")).await;
}

/// A name, what is made of an honest world with a queued job, and what the refusal says.
#[derive(Debug, Clone, Copy)]
enum Lie {
    Cancelled,
    DeadlinePassed,
    Expired,
    ClockBehindLog,
    ClockBackwards,
    Revoked,
    OtherManifest,
    IndexedAlready,
    SealedAlready,
    NotStaged,
    AnothersIndexing,
    AnothersExtract,
    AnothersWorkspace,
    AnothersOutput,
    FileOfAnotherKind,
    ExtractOfNobody,
    Suspended,
    Retired,
    NotAMember,
    UnknownStatement,
    InstructionForAProject,
    ManifestForALoad,
    SpineWithoutInstruction,
    StateEdited,
    JobEdited,
    IntentRewritten,
    IntentOfAnotherJob,
    NoJob,
    NoId,
}

impl Lie {
    const ALL: [(Self, &'static str); 29] = [
        (Self::Cancelled, "while the job is cancelled"),
        (Self::DeadlinePassed, "within its deadline"),
        (Self::Expired, "approval ended on 2026-02-10"),
        (Self::ClockBehindLog, "clock stands behind the log"),
        (Self::ClockBackwards, "clock stands behind the log"),
        (Self::Revoked, "while the project is revoked"),
        (
            Self::OtherManifest,
            "the manifest of this job is not what was approved",
        ),
        (Self::IndexedAlready, "while the indexing is indexed"),
        (Self::SealedAlready, "while the extract is sealed"),
        (Self::NotStaged, "while the output is uncheckable"),
        (
            Self::AnothersIndexing,
            "the indexing belongs to something else",
        ),
        (
            Self::AnothersExtract,
            "the extract belongs to something else",
        ),
        (
            Self::AnothersWorkspace,
            "the workspace belongs to something else",
        ),
        (Self::AnothersOutput, "the output belongs to something else"),
        (
            Self::FileOfAnotherKind,
            "a file on record is not of the kind that is asked for",
        ),
        (Self::ExtractOfNobody, "there is no such extract"),
        (Self::Suspended, "while the workspace is suspended"),
        (Self::Retired, "no active account"),
        (Self::NotAMember, "only a member of the project"),
        (Self::UnknownStatement, "the statement is not on file"),
        (Self::InstructionForAProject, "needs another authority"),
        (Self::ManifestForALoad, "needs another authority"),
        (
            Self::SpineWithoutInstruction,
            "no standing instruction that is in force",
        ),
        (Self::StateEdited, "is not as the log tells it"),
        (Self::JobEdited, "is not as the log tells it"),
        (Self::IntentRewritten, "does not hold the intent"),
        (Self::IntentOfAnotherJob, "is not as the log tells it"),
        (Self::NoJob, "there is no such job"),
        (Self::NoId, "not a valid job id"),
    ];

    /// Tells the lie; gives the job to run.
    async fn tell(self, world: &World) -> &'static str {
        let (at, ours) = (world.now(), world.under("prj_a").await);
        let queue = async |task| world.queue("job_1", task, ours.clone()).await;
        match self {
            Self::Cancelled => {
                queue(query()).await;
                let by = By::Person(id("per_a"));
                world.change::<Job>("job_1", |j| j.cancel(&by, at)).await;
            }
            Self::DeadlinePassed => {
                queue(query()).await;
                world.pass(3601);
            }
            Self::Expired => {
                world.pass(32 * DAY);
                queue(query()).await;
            }
            // A keeper that was started with its clock set back, to when an approval did not run out yet.
            Self::ClockBehindLog => {
                queue(query()).await;
                world.pass(-6 * DAY);
            }
            Self::ClockBackwards => {
                queue(query()).await;
                world.keeper.now().unwrap();
                world.pass(-10);
            }
            Self::Revoked => {
                queue(query()).await;
                world
                    .change::<Project>("prj_a", |p| p.revoke(None, &id("per_p1"), at))
                    .await;
            }
            Self::OtherManifest => {
                let Authority::Manifest { project, .. } = ours.clone() else {
                    panic!("a manifest");
                };
                let sha256 = hash_of(b"another");
                world
                    .queue("job_1", query(), Authority::Manifest { project, sha256 })
                    .await;
            }
            Self::IndexedAlready => queue(index("idx_a")).await,
            Self::SealedAlready => queue(extract("ext_a")).await,
            Self::NotStaged => {
                queue(check("out_a")).await;
                world.change::<Output>("out_a", |o| o.fail_check(at)).await;
            }
            Self::AnothersIndexing => queue(index("idx_b2")).await,
            Self::AnothersExtract => queue(extract("ext_b2")).await,
            Self::AnothersWorkspace => {
                let (workspace, person) = (id("wsp_b"), id("per_a"));
                let statement = hash_of(STATEMENT.as_bytes());
                queue(Task::Query {
                    workspace,
                    person,
                    statement,
                    screen: governance::job::Screen::default(),
                })
                .await;
            }
            Self::AnothersOutput => queue(check("out_b")).await,
            Self::FileOfAnotherKind => {
                world
                    .change::<Extract>("ext_a2", |e| e.seal(sealed("idx_a.map.job_i1"), vec![], at))
                    .await;
                let (project, extract) = (world.get("prj_a").await, world.get("ext_a2").await);
                let Project::InForce(project) = project else {
                    panic!("in force");
                };
                let place = Workspace::open(id("wsp_new"), &project, &extract, &id("per_std"), at);
                world.begin(place.unwrap()).await;
                queue(Task::Query {
                    workspace: id("wsp_new"),
                    person: id("per_a"),
                    statement: hash_of(STATEMENT.as_bytes()),
                    screen: governance::job::Screen::default(),
                })
                .await;
            }
            Self::ExtractOfNobody => queue(extract("ext_none")).await,
            Self::Suspended => {
                queue(query()).await;
                world
                    .change::<Workspace>("wsp_a", |w| w.suspend(&id("per_std"), at))
                    .await;
            }
            Self::Retired => {
                queue(check("out_a")).await;
                world
                    .change::<Person>("per_a", |p| p.retire(&id("per_coord"), at))
                    .await;
            }
            Self::NotAMember => {
                let (workspace, person) = (id("wsp_a"), id("per_b"));
                let statement = hash_of(STATEMENT.as_bytes());
                queue(Task::Query {
                    workspace,
                    person,
                    statement,
                    screen: governance::job::Screen::default(),
                })
                .await;
            }
            Self::UnknownStatement => {
                let (workspace, person) = (id("wsp_a"), id("per_a"));
                let statement = hash_of(b"select 1");
                queue(Task::Query {
                    workspace,
                    person,
                    statement,
                    screen: governance::job::Screen::default(),
                })
                .await;
            }
            Self::InstructionForAProject => {
                world
                    .queue("job_1", extract("ext_a2"), instructed("dst_stays"))
                    .await;
            }
            Self::ManifestForALoad => {
                let (delivery, upload) = (id("del_stays"), "job_1".into());
                let format = "csv".into();
                queue(Task::LoadPayload {
                    delivery,
                    upload,
                    format,
                })
                .await;
            }
            Self::SpineWithoutInstruction => {
                queue(index("idx_a2")).await;
                world
                    .change::<Dataset>("dst_spine", |d| d.withdraw_instruction(&id("per_ctl"), at))
                    .await;
            }
            Self::StateEdited => {
                queue(query()).await;
                world
                    .intrude(
                        "update states set json = replace(json, '2026-02-10', '2027-02-10')
                         where kind = 'project' and id = 'prj_a'",
                    )
                    .await;
            }
            Self::JobEdited => {
                queue(query()).await;
                world
                    .intrude(
                        "update states set json = replace(json, 'wsp_a', 'wsp_b')
                         where kind = 'job'",
                    )
                    .await;
            }
            Self::IntentRewritten => {
                queue(query()).await;
                world
                    .intrude(
                        "drop trigger leaves_stay;
                         update leaves set entry = cast(replace(
                             cast(entry as text), 'queue_job', 'cancel_job') as blob)
                         where idx = (select leaf from states where kind = 'job')",
                    )
                    .await;
            }
            Self::IntentOfAnotherJob => {
                queue(query()).await;
                world.queue("job_2", query(), ours.clone()).await;
                world
                    .intrude(
                        "update states set leaf = leaf + 1000000 where id = 'job_2';
                         update states set leaf = leaf + 1 where id = 'job_1'",
                    )
                    .await;
            }
            Self::NoJob => return "job_none",
            Self::NoId => return "../keys/lock",
        }
        "job_1"
    }
}

#[tokio::test]
async fn every_lie_is_refused_before_a_worker_starts() {
    for (lie, says) in Lie::ALL {
        let world = World::honest().await;
        let job = lie.tell(&world).await;
        let refused = refused(&world, job).await;
        assert_eq!(
            refused.code,
            RefusedCode::NotPermitted,
            "{lie:?}: {refused:?}"
        );
        assert!(
            refused.message.contains(says),
            "{lie:?}: {}",
            refused.message
        );
        // It was not marked as started either.
        if let Ok(job) = job.parse::<JobId>() {
            world.keeper.ran.must_be_new(&job).unwrap();
        }
    }
}

#[tokio::test]
async fn a_manifest_counts_only_as_this_keeper_signed_it() {
    for (told, says) in [
        (Told::OtherHash, "the manifest is not what was approved"),
        (Told::OtherKey, "does not bear the keeper's signature"),
        (Told::OtherNote, "does not bear the keeper's signature"),
    ] {
        let world = World::with(told).await;
        let ours = world.under("prj_a").await;
        world.queue("job_1", extract("ext_a2"), ours).await;
        let refused = refused(&world, "job_1").await;
        assert_eq!(refused.code, RefusedCode::NotPermitted, "{told:?}");
        assert!(
            refused.message.contains(says),
            "{told:?}: {}",
            refused.message
        );
    }
}

#[tokio::test]
async fn an_instruction_that_was_withdrawn_loads_nothing() {
    let world = World::honest().await;
    open_load(&world, "job_1").await;
    assert!(world.keeper.desk().unwrap().warrant("job_1").await.is_ok());
    let at = world.now();
    world
        .change::<Dataset>("dst_stays", |d| d.withdraw_instruction(&id("per_ctl"), at))
        .await;
    let refused = refused(&world, "job_1").await;
    assert!(
        refused.message.contains("no standing instruction"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_job_is_started_once_also_by_the_next_keeper() {
    let world = World::honest().await;
    let ours = world.under("prj_a").await;
    world.queue("job_1", query(), ours.clone()).await;
    world.queue("job_2", query(), ours).await;
    // Let through: what fails is the worker, or the file that this rehearsal does not have.
    let first = refused(&world, "job_1").await;
    assert!(!first.message.contains("started before"), "{first:?}");
    let again = refused(&world, "job_1").await;
    assert!(again.message.contains("started before"), "{again:?}");

    let World {
        dir,
        keeper: ours,
        time,
        store,
        _close,
    } = world;
    drop(ours);
    let (next, _close) = keeper(dir.path(), &time).await;
    let again = next
        .run(Door::Research, "job_1", pending(), &Teller::default())
        .await
        .unwrap_err();
    assert!(again.message.contains("started before"), "{again:?}");
    let other = next
        .run(Door::Research, "job_2", pending(), &Teller::default())
        .await
        .unwrap_err();
    assert!(!other.message.contains("started before"), "{other:?}");
    drop(store);
}

#[tokio::test]
async fn a_running_job_loses_its_warrant_with_its_right() {
    let world = World::honest().await;
    let ours = world.under("prj_a").await;
    world.queue("job_1", query(), ours).await;
    let warrant = world.keeper.desk().unwrap().warrant("job_1").await.unwrap();
    world.keeper.desk().unwrap().still(&warrant).await.unwrap();
    let at = world.now();
    world
        .change::<Project>("prj_a", |p| p.close(&id("per_a"), at))
        .await;
    let ended = world.keeper.desk().unwrap().still(&warrant).await;
    assert!(
        ended
            .unwrap_err()
            .message
            .contains("while the project is closed")
    );
}
