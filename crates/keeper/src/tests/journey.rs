//! Real workers, from two delivered files to the evidence behind a table. Runs where those of this build lie beside
//! the tests or beside the one that `STRONGROOM_WORKER` names; says so where not.

use std::fmt::Write as _;
use std::future::pending;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use governance::dataset::Dataset;
use governance::delivery::{Delivery, SealedFile};
use governance::extract::Extract;
use governance::indexing::{Counts, Indexing};
use governance::job::{Job, Screen, Statement, Task};
use governance::workspace::Workspace;
use governance::{Batch, By, Sha256};
use protocol::compare::Behind;
use protocol::keeper::{File, Outcome, Refused, RefusedCode};
use store::Document;

use crate::progress::Teller;
use crate::spares::Whose;

use super::{Told, World, hash_of, id, instructed};

const PEOPLE: usize = 400;

fn worker() -> Option<PathBuf> {
    let named = std::env::var_os("STRONGROOM_WORKER").map(PathBuf::from);
    let beside = std::env::current_exe().ok().and_then(|tests| {
        let folder = tests.parent()?.parent()?;
        Some(folder.join("strongroom-worker"))
    });
    [named, beside].into_iter().flatten().find(|w| w.is_file())
}

fn chi(n: usize) -> Option<String> {
    let digits = format!(
        "{:02}{:02}{:02}{:03}",
        1 + n % 28,
        1 + n % 12,
        50 + n % 40,
        n % 1000
    );
    let sum: u32 = digits
        .chars()
        .zip((2..=10).rev())
        .map(|(c, weight)| c.to_digit(10).unwrap() * weight)
        .sum();
    match (11 - sum % 11) % 11 {
        10 => None,
        check => Some(format!("{digits}{check}")),
    }
}

fn people() -> Vec<(String, String, String, String)> {
    let fores = ["Isla", "Angus", "Morag", "Ewan", "Fiona", "Hamish", "Ailsa"];
    (0..)
        .filter_map(|n| {
            let chi = chi(n)?;
            let born = format!("19{}-{:02}-{:02}", 50 + n % 40, 1 + n % 12, 1 + n % 28);
            let sur = format!("Unmistakable{}", char::from(b'a' + (n % 26) as u8));
            Some((chi, fores[n % 7].to_owned(), sur, born))
        })
        .take(PEOPLE)
        .collect()
}

fn spine() -> String {
    let mut csv = "upi,chi,fore,sur,dob\n".to_owned();
    for (n, (chi, fore, sur, born)) in people().into_iter().enumerate() {
        writeln!(csv, "u{n:05},{chi},{fore},{sur},{born}").unwrap();
    }
    csv
}

fn identifiers() -> String {
    let mut csv = "rec,fore,sur,dob,chi\n".to_owned();
    for (n, (chi, fore, sur, born)) in people().into_iter().enumerate().take(300) {
        writeln!(csv, "r{n:05},{fore},{sur},{born},{chi}").unwrap();
    }
    csv
}

fn payload(sex: &str) -> String {
    let mut csv = "rec,stay,sex,born,admitted\n".to_owned();
    for (n, (_, _, _, born)) in people().into_iter().enumerate().take(300) {
        for stay in 0..2 {
            let sex = if n % 2 == 0 { "F" } else { sex };
            writeln!(
                csv,
                "r{n:05},s{n}-{stay},{sex},{born},2025-0{}-11",
                1 + stay
            )
            .unwrap();
        }
    }
    csv
}

fn record(file: &File) -> SealedFile {
    SealedFile {
        name: file.name.clone(),
        sha256: Sha256::try_from(file.sha256.clone()).unwrap(),
        bytes: file.bytes,
    }
}

async fn run(world: &World, job: &str) -> Result<Outcome, Refused> {
    let door = world.door(job).await;
    let done = world
        .keeper
        .run(door, job, pending(), &Teller::default())
        .await?;
    done.made.keep();
    Ok(done.outcome)
}

/// Queues a load job, sends its file and runs it.
async fn load(
    world: &World,
    job: &str,
    task: Task,
    set: &str,
    csv: &str,
) -> Result<Outcome, Refused> {
    world.queue(job, task, instructed(set)).await;
    let mut body = Vec::new();
    for piece in csv.as_bytes().chunks(10_000).chain([&b""[..]]) {
        body.extend_from_slice(&(piece.len() as u32).to_le_bytes());
        body.extend_from_slice(piece);
    }
    world.keeper.upload(job, &mut body.as_slice()).await?;
    run(world, job).await
}

async fn deliver(world: &World, delivery: &str, set: &str, csv: &str) {
    let dataset: Dataset = world.get(set).await;
    let opened = Delivery::open(id(delivery), &dataset, &id("per_ids"), world.now());
    world.begin(opened.unwrap()).await;
    let job = format!("job_i-{}", &delivery[4..]);
    let task = Task::LoadIdentifiers {
        delivery: id(delivery),
        upload: job.clone(),
        format: "csv".into(),
    };
    let Outcome::LoadIdentifiers {
        file,
        records_file,
        records,
        ..
    } = load(world, &job, task, set, csv).await.unwrap()
    else {
        panic!("identifiers");
    };
    assert_eq!(records as usize, csv.lines().count() - 1);
    let at = world.now();
    world
        .change::<Delivery>(delivery, |d| {
            d.keep_identifiers(&dataset, record(&file), record(&records_file), records, at)
        })
        .await;
}

fn payload_task(job: &str) -> Task {
    Task::LoadPayload {
        delivery: id("del_m"),
        upload: job.into(),
        format: "csv".into(),
    }
}

/// Files in the keeper's folder of this name.
fn files(world: &World, folder: &str) -> Vec<String> {
    crate::rooms::names(&world.rooms().join(folder)).unwrap()
}

async fn deliver_payload(world: &World) {
    let (dataset, at) = (world.get::<Dataset>("dst_stays").await, world.now());
    world
        .change::<Delivery>("del_m", |d| d.open_payload(&dataset, &id("per_pay"), at))
        .await;
    // A file with a fault: refused by row and column, and nothing of it is kept.
    let before = files(world, "sealed");
    let fault = payload("").replacen("2025-01-11", "11/01/2025", 1);
    let refused = load(
        world,
        "job_bad",
        payload_task("job_bad"),
        "dst_stays",
        &fault,
    )
    .await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code, RefusedCode::BadInput, "{refused:?}");
    assert!(
        refused.row.is_some() && refused.column.is_some(),
        "{refused:?}"
    );
    assert!(!refused.message.contains("11/01/2025"), "{refused:?}");
    assert_eq!(files(world, "sealed"), before);
    assert_eq!(files(world, "uploads"), Vec::<String>::new());

    let csv = payload("M");
    let done = load(world, "job_p", payload_task("job_p"), "dst_stays", &csv).await;
    let Outcome::LoadPayload {
        file,
        events_file,
        rows,
        unmatched,
        ..
    } = done.unwrap()
    else {
        panic!("payload");
    };
    assert_eq!((rows, unmatched), (600, 0));
    let events = record(&events_file.unwrap());
    assert_eq!(events.bytes, 600 * 16);
    world
        .change::<Delivery>("del_m", |d| {
            d.keep_payload(record(&file), Some(events), rows, unmatched, at)
        })
        .await;
    assert_eq!(files(world, "uploads"), Vec::<String>::new());
}

async fn link(world: &World) {
    let (at, in_force) = (world.now(), world.in_force("prj_a").await);
    let (stays, spine) = (world.get("del_m").await, world.get("del_s").await);
    let order = Indexing::order(
        id("idx_r"),
        &in_force,
        &stays,
        &spine,
        None,
        &id("per_idx"),
        at,
    );
    world.begin(order.unwrap()).await;
    let ours = world.under("prj_a").await;
    let task = Task::Index {
        indexing: id("idx_r"),
    };
    world.queue("job_x", task, ours).await;
    let Outcome::Index {
        links,
        map,
        records,
        linked,
        ..
    } = run(world, "job_x").await.unwrap()
    else {
        panic!("an indexing");
    };
    let sum: u64 = linked.values().sum();
    assert_eq!((records, sum), (300, 300), "{linked:?}");
    assert_eq!((links.bytes, map.bytes), (300 * 17, 300 * 25));
    let counts = Counts {
        records,
        linked: sum,
        withheld: 0,
        objected: 0,
        review: None,
    };
    world
        .change::<Indexing>("idx_r", |i| {
            i.complete(record(&links), record(&map), counts, at)
        })
        .await;
}

async fn cut(world: &World) {
    let (at, in_force) = (world.now(), world.in_force("prj_a").await);
    let chosen = [(id("dst_stays"), world.get::<Indexing>("idx_r").await)];
    let order = Extract::order(id("ext_r"), &in_force, &chosen, &id("per_std"), at);
    world.begin(order.unwrap()).await;
    let ours = world.under("prj_a").await;
    let task = Task::Extract {
        extract: id("ext_r"),
    };
    world.queue("job_e", task, ours).await;
    let Outcome::Extract { file, tables } = run(world, "job_e").await.unwrap() else {
        panic!("an extract");
    };
    assert_eq!(tables.len(), 1);
    assert_eq!((tables[0].rows, tables[0].people), (600, 300));
    assert_eq!(tables[0].name, "stays");
    world
        .change::<Extract>("ext_r", |e| e.seal(record(&file), vec![], at))
        .await;
    let extract: Extract = world.get("ext_r").await;
    let place = Workspace::open(id("wsp_r"), &in_force, &extract, &id("per_std"), at);
    world.begin(place.unwrap()).await;
}

async fn queue_query(world: &World, job: &str, sql: &str) {
    queue_screen(world, job, sql, Screen::default()).await;
}

async fn queue_screen(world: &World, job: &str, sql: &str, screen: Screen) {
    let (at, in_force) = (world.now(), world.in_force("prj_a").await);
    let permit = in_force.permit(&world.get("per_a").await, at).unwrap();
    let place: Workspace = world.get("wsp_r").await;
    let deadline = at.checked_add(Duration::from_secs(600)).unwrap();
    let statement = Statement {
        sha256: hash_of(sql.as_bytes()),
        screen,
    };
    let by = id("per_a");
    let queued = Job::query(id(job), &permit, &place, statement, deadline, &by, at);
    let document = Document {
        kind: "statement".into(),
        bytes: sql.into(),
    };
    let batch = Batch::new().begin(queued.unwrap()).unwrap();
    world.record(batch, vec![document]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_deliveries_become_the_evidence_behind_a_table() {
    let Some(worker) = worker() else {
        eprintln!("not run: there is no strongroom-worker of this build beside the tests");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let beside = |name| worker.with_file_name(name);
    for (program, name) in [
        (beside("strongroom-query"), "query-worker"),
        (beside("strongroom-judge"), "judge-worker"),
        (worker, "worker"),
    ] {
        std::os::unix::fs::symlink(program, dir.path().join(name)).unwrap();
    }
    let world = World::within(dir, Told::Rows).await;
    deliver(&world, "del_s", "dst_spine", &spine()).await;
    deliver(&world, "del_m", "dst_stays", &identifiers()).await;
    deliver_payload(&world).await;
    link(&world).await;
    cut(&world).await;
    queue_query(
        &world,
        "job_q1",
        "select sex, count(distinct person) as n from stays group by sex",
    )
    .await;
    judged_beside(&world, "job_q1", 0).await;
    assert!(!super::doors::holds(world.dir.path(), b"Unmistakable"));
    a_spare_does_the_next(&world).await;
    a_locked_desktop_sees_rows(&world).await;

    // A statement that runs for long ends within seconds of its right.
    queue_query(
        &world,
        "job_q2",
        "select a.sex, count(distinct a.person) as n from stays a, stays b, stays c, stays d
         where a.age + b.age + c.age + d.age > 3 group by a.sex",
    )
    .await;
    let running = run(&world, "job_q2");
    let cancelling = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (by, at) = (By::Person(id("per_a")), world.now());
        world.change::<Job>("job_q2", |j| j.cancel(&by, at)).await;
        Instant::now()
    };
    let (ended, cancelled) = tokio::join!(running, cancelling);
    assert!(cancelled.elapsed() < Duration::from_secs(5));
    assert!(
        ended
            .unwrap_err()
            .message
            .contains("while the job is cancelled")
    );
}

/// A query is judged by the worker without rows, and who is behind its cells comes with it.
async fn judged_beside(world: &World, job: &str, screens: u64) {
    let Outcome::Judged { judged, compared } = run(world, job).await.unwrap() else {
        panic!("judged");
    };
    assert_eq!(judged.verdict, "pass");
    assert!(judged.exact.contains("150"), "{}", judged.exact);
    assert_eq!((compared.releases, compared.screens), (0, screens));
    assert_eq!(compared.behind, Behind::Sent);
    let (spine, file) = compared.people.expect("who is behind it");
    assert_eq!(spine, "del_s");
    assert_eq!(file.name, format!("wsp_r.people.{job}"));
}

/// Rows reach the screen of a locked desktop, one statement at a time; what went wrong is told to its author alone.
async fn a_locked_desktop_sees_rows(world: &World) {
    let desktop = world.keeper.desktops.admit("10.20.3.4".parse().unwrap());
    let desktop = desktop.unwrap();
    let look = async |job: &str, sql: &str| {
        queue_screen(world, job, sql, Screen::Rows { desktop }).await;
        run(world, job).await
    };
    let rows = "select person, sex from stays order by person limit 3";
    let Outcome::Statement { result } = look("job_r1", rows).await.unwrap() else {
        panic!("rows");
    };
    let shown = result.result.unwrap();
    assert_eq!((shown.columns.len(), shown.rows.len()), (2, 3));
    let wrong = "select error(sex) from stays";
    let Outcome::Statement { result } = look("job_r2", wrong).await.unwrap() else {
        panic!("what went wrong");
    };
    assert!(result.result.is_none() && result.error.is_some());
    let two = look("job_r3", "select 1; select 2").await.unwrap_err();
    assert_eq!(two.code, RefusedCode::BadInput);
    assert!(
        two.message.contains("one statement at a time"),
        "{}",
        two.message
    );
}

/// A spare waits after a query, answers the next one alike, and ends with the right that it was made under.
async fn a_spare_does_the_next(world: &World) {
    let waits = async || {
        for _ in 0..200 {
            if world.keeper.spares.count() > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no spare was started");
    };
    waits().await;
    let sql = "select sex, count(distinct person) as n from stays where age >= 0 group by sex";
    queue_query(world, "job_q3", sql).await;
    let warrant = world.keeper.desk().unwrap().warrant("job_q3").await;
    let whose = Whose::of(&warrant.unwrap()).unwrap();
    assert!(world.keeper.spares.has(&whose));
    judged_beside(world, "job_q3", 0).await;
    waits().await;
    world.keeper.tend_spares().await;
    assert_eq!(world.keeper.spares.count(), 1, "its right still stands");
    let (steward, at) = (id("per_std"), world.now());
    let closed = |place: Workspace| place.suspend(&steward, at);
    world.change::<Workspace>("wsp_r", closed).await;
    world.keeper.tend_spares().await;
    assert_eq!(world.keeper.spares.count(), 0, "the workspace is suspended");
    let in_force = world.in_force("prj_a").await;
    let opened = |place: Workspace| place.resume(&in_force, &steward, at);
    world.change::<Workspace>("wsp_r", opened).await;
}
