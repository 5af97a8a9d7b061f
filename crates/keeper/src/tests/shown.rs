//! Screens in the register: what each comparison is given of them, what stays, and what there is no room for.

use governance::delivery::SealedFile;
use governance::job::{Comparison, Job, Outcome, Task};
use governance::output::KeptPeople;
use governance::{InRegister, ProjectId};
use protocol::compare::{Behind, Judged, Renderings};
use protocol::keeper::{ComparedWith, File, Outcome as Ended, Refused, RefusedCode};
use serde_json::json;

use super::{World, hash_of, id, query, sealed};
use crate::comparison::Cells;
use crate::sweep;

const MIB: u64 = 1 << 20;

/// A query of a project ends, and its screen shows something of these people.
async fn show(world: &World, (job, project): (&str, &str), spine: &str, file: SealedFile) {
    let authority = world.under(project).await;
    world.queue(job, query(), authority).await;
    let outcome = Outcome {
        verdict: Some("pass".into()),
        bytes: Some(hash_of(b"report")),
        rows: None,
    };
    let with = InRegister::default();
    let people = Some(KeptPeople {
        spine: id(spine),
        file,
    });
    let (compared, at) = (Comparison { with, people }, world.now());
    world
        .change::<Job>(job, |queued| queued.show(outcome, compared, with, at))
        .await;
}

fn of(job: &str) -> SealedFile {
    sealed(&format!("wsp_a.people.{job}"))
}

fn names(cells: &[Cells]) -> Vec<&str> {
    cells.iter().map(|cells| cells.0.name.as_str()).collect()
}

#[tokio::test]
async fn a_screen_is_given_those_of_its_project_and_an_output_those_of_all() {
    let world = World::honest().await;
    for (job, project, spine) in [
        ("job_s1", "prj_a", "del_spine"),
        ("job_s2", "prj_b", "del_spine"),
        ("job_s3", "prj_a", "del_other"),
    ] {
        show(&world, (job, project), spine, of(job)).await;
    }
    let books = &world.keeper.books;
    let (spine, project) = (id("del_spine"), id::<ProjectId>("prj_a"));
    let before = books.before_screen(&spine, &project).await.unwrap();
    assert_eq!(before.entries.screens, 2, "those of the project");
    assert_eq!(names(&before.seen.screens), ["wsp_a.people.job_s1"]);
    assert!(before.seen.elsewhere.is_empty());

    let before = books.before_output(Some(&spine), &project).await.unwrap();
    assert_eq!(before.entries.screens, 3, "all of the house");
    assert_eq!(names(&before.seen.screens), ["wsp_a.people.job_s1"]);
    assert_eq!(names(&before.seen.elsewhere), ["wsp_a.people.job_s2"]);
    assert_eq!(before.unknown, 0, "nobody looks at a screen any more");
    // People of several spines are compared with nobody.
    let before = books.before_output(None, &project).await.unwrap();
    assert_eq!(before.entries.screens, 3);
    assert!(before.seen.is_empty());
}

/// The store is the desk's: a record that names another file opens nothing.
#[tokio::test]
async fn a_screen_that_names_another_file_stops_every_comparison() {
    for name in [
        "wsp_a.listed.job_s1",
        "wsp_b.people.job_s1",
        "out_a.people.job_c",
    ] {
        let world = World::honest().await;
        show(&world, ("job_s1", "prj_a"), "del_spine", sealed(name)).await;
        let (spine, project) = (id("del_spine"), id::<ProjectId>("prj_a"));
        let refused = world.keeper.books.before_screen(&spine, &project).await;
        assert_eq!(
            refused.unwrap_err().code,
            RefusedCode::NotPermitted,
            "{name}"
        );
    }
}

#[tokio::test]
async fn of_screens_what_was_shown_stays_and_everything_else_is_swept_away() {
    let world = World::honest().await;
    show(&world, ("job_s1", "prj_a"), "del_spine", of("job_s1")).await;
    // Shown again: nothing of it is new.
    let authority = world.under("prj_a").await;
    for job in ["job_s2", "job_s3"] {
        world.queue(job, query(), authority.clone()).await;
    }
    let at = world.now();
    world
        .change::<Job>("job_s2", |job| job.finish(Outcome::default(), at))
        .await;
    let folder = &world.keeper.rooms.sealed;
    for (name, stays) in [
        ("wsp_a.people.job_s1", true),
        ("wsp_a.listed.job_s1", false),
        ("wsp_a.people.job_s2", false),
        // Queued: its record may be on its way.
        ("wsp_a.people.job_s3", true),
    ] {
        std::fs::write(folder.join(name), b"sealed").unwrap();
        sweep::sweep(&world.keeper.rooms, &world.keeper.books, at)
            .await
            .unwrap();
        assert_eq!(folder.join(name).exists(), stays, "{name}");
    }
}

fn judged(spine: &str, bytes: u64) -> Ended {
    let renderings = Renderings {
        checker: json!({}),
        researcher: json!({}),
    };
    Ended::Judged {
        judged: Judged {
            verdict: "pass".into(),
            policy: String::new(),
            renderings,
            exact: String::new(),
            treated: None,
        },
        compared: ComparedWith {
            releases: 0,
            screens: 0,
            unknown: 0,
            behind: Behind::Sent,
            people: Some((
                spine.to_owned(),
                File {
                    name: "wsp_a.people.job_q".into(),
                    sha256: String::new(),
                    bytes,
                },
            )),
        },
    }
}

/// Of a house with 16 MiB for a project and 32 for all.
#[tokio::test]
async fn screens_take_their_part_of_the_register_and_no_more() {
    let world = World::honest().await;
    let large = |job: &str, mib: u64| SealedFile {
        bytes: mib * MIB,
        ..of(job)
    };
    show(
        &world,
        ("job_s1", "prj_a"),
        "del_spine",
        large("job_s1", 15),
    )
    .await;
    show(
        &world,
        ("job_s2", "prj_b"),
        "del_spine",
        large("job_s2", 14),
    )
    .await;
    show(&world, ("job_s3", "prj_b"), "del_other", large("job_s3", 9)).await;
    for (job, project, place) in [("job_q", "prj_a", "wsp_a"), ("job_r", "prj_b", "wsp_b")] {
        let authority = world.under(project).await;
        let Task::Query {
            person,
            statement,
            screen,
            ..
        } = query()
        else {
            panic!("a query");
        };
        let task = Task::Query {
            workspace: id(place),
            person,
            statement,
            screen,
        };
        world.queue(job, task, authority).await;
    }
    let room = async |job: &str, spine: &str, mib: u64| -> Result<(), Refused> {
        let warrant = world.keeper.desk().unwrap().warrant(job).await.unwrap();
        let ended = judged(spine, mib * MIB);
        world.keeper.must_have_room(&warrant, &ended).await
    };
    assert!(room("job_q", "del_spine", 1).await.is_ok());
    let full = room("job_q", "del_spine", 2).await.unwrap_err();
    assert_eq!(full.code, RefusedCode::Limit);
    for told in [
        "more than 16 MiB",
        "project_screens_mib in policies/limits.toml",
        "again",
    ] {
        assert!(full.message.contains(told), "{told}: {}", full.message);
    }
    assert!(room("job_q", "del_other", 16).await.is_ok(), "other people");
    assert!(room("job_q", "del_other", 17).await.is_err());
    // What others need.
    show(&world, ("job_s4", "prj_a"), "del_spine", large("job_s4", 1)).await;
    assert!(room("job_r", "del_spine", 2).await.is_ok());
    show(&world, ("job_s5", "prj_a"), "del_spine", large("job_s5", 1)).await;
    let full = room("job_r", "del_spine", 2).await.unwrap_err();
    assert!(full.message.contains("(screens_mib in"), "{}", full.message);
}
