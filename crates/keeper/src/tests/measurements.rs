//! An extract is opened for a measurement only while the store holds it as running under that very job.

use governance::dataset::Dataset;
use governance::extract::Extract;
use governance::job::Task;
use governance::measure::{Ask, Budget, Caps, Family, Loss, Lost, Measurement, Place};
use governance::person::Person;
use governance::workspace::Workspace;
use governance::{Batch, Change, Lifecycle, MeasurementId, Timestamp};
use protocol::job::{Job as Order, Reserved};
use protocol::keeper::{Refused, RefusedCode};
use store::Document;

use super::{World, hash_of, id};
use crate::authority::Warrant;
use crate::mounts::Mounts;

const REQUEST: &[u8] = b"{\"table\":\"stays\",\"statistics\":[\"people\"],\"rho\":0.001}";

fn price() -> Loss {
    Loss {
        nano_rho: 1_000_000,
        atto_delta: 0,
    }
}

fn task(measurement: &MeasurementId) -> Task {
    Task::Measure {
        measurement: measurement.clone(),
    }
}

/// Opens a budget and reserves a question of `per_a` in `wsp_a`.
async fn reserved(world: &World) -> MeasurementId {
    let at = world.now();
    let dataset: Dataset = world.get("dst_stays").await;
    let caps = Caps {
        people: price(),
        project: price(),
        researcher: price(),
        projects: [].into(),
    };
    let open = Budget::open(&dataset, caps, &dataset.controller, at).unwrap();
    let budget = open.to().clone();
    world.begin(open).await;
    let (project, person) = (
        world.in_force("prj_a").await,
        world.get::<Person>("per_a").await,
    );
    let ask = Ask {
        request: hash_of(b"canonical"),
        text: hash_of(REQUEST),
        price: price(),
        until: Timestamp::from_second(at.as_second() + 600).unwrap(),
    };
    let place = Place {
        permit: &project.permit(&person, at).unwrap(),
        workspace: &world.get::<Workspace>("wsp_a").await,
        extract: &world.get::<Extract>("ext_a").await,
    };
    let family = Family::of(&dataset.id, Some((budget, 1)), None).unwrap();
    let change = Measurement::reserve(&ask, place, &[family], &person.id, at).unwrap();
    let measurement = change.to().core().id.clone();
    let request = Document {
        kind: "request".into(),
        bytes: REQUEST.to_vec(),
    };
    world
        .record(Batch::new().begin(change).unwrap(), vec![request])
        .await;
    measurement
}

async fn run(world: &World, measurement: &MeasurementId, job: &str) {
    let at = world.now();
    let (project, person) = (
        world.in_force("prj_a").await,
        world.get::<Person>("per_a").await,
    );
    let (permit, extract) = (
        project.permit(&person, at).unwrap(),
        world.get::<Extract>("ext_a").await,
    );
    world
        .change::<Measurement>(measurement.as_str(), |m| {
            m.run(id(job), &permit, &extract, &person.id, at)
        })
        .await;
}

async fn asked(world: &World, job: &str, measurement: &MeasurementId) -> Result<Warrant, Refused> {
    let ours = world.under("prj_a").await;
    world.queue(job, task(measurement), ours).await;
    world.keeper.desk().unwrap().warrant(job).await
}

#[tokio::test]
async fn what_runs_under_its_job_mounts_its_snapshot_and_orders_one_draw_at_its_price() {
    let world = World::honest().await;
    let measurement = reserved(&world).await;
    run(&world, &measurement, "job_m").await;
    let warrant = asked(&world, "job_m", &measurement).await.unwrap();
    let Mounts::Measure { extract } = warrant.mounts else {
        panic!("an extract");
    };
    assert_eq!(extract.0.name, "ext_a.extract.job_e1");
    let Order::Measure(order) = warrant.order else {
        panic!("a measurement");
    };
    let held = Reserved {
        request_sha256: hash_of(b"canonical").to_string(),
        nano_rho: 1_000_000,
        atto_delta: 0,
    };
    assert_eq!((order.reserved, order.draws), (Some(held), 1));
    assert_eq!(
        (order.request.as_bytes(), order.unit.as_str()),
        (REQUEST, "person")
    );
}

/// Each says why, and none has opened anything.
#[tokio::test]
async fn what_is_reserved_ended_or_runs_under_another_job_opens_nothing() {
    type End = fn(Measurement, Timestamp) -> Result<Change<Measurement>, governance::Refusal>;
    let ends: [(&str, End, &str); 2] = [
        (
            "job_1",
            |m, at| m.forfeit(Lost::Failed, at),
            "while the measurement is forfeited",
        ),
        (
            "job_1",
            |m, at| m.release(&id("job_1"), hash_of(b"answer"), &[].into(), at),
            "while the measurement is released",
        ),
    ];
    for (job, end, why) in ends {
        let world = World::honest().await;
        let (measurement, at) = (reserved(&world).await, world.now());
        run(&world, &measurement, job).await;
        world
            .change::<Measurement>(measurement.as_str(), |m| end(m, at))
            .await;
        let refused = asked(&world, job, &measurement).await.unwrap_err();
        assert_eq!(refused.code, RefusedCode::NotPermitted);
        assert!(refused.message.contains(why), "{}", refused.message);
    }
    let world = World::honest().await;
    let measurement = reserved(&world).await;
    let refused = asked(&world, "job_1", &measurement).await.unwrap_err();
    assert!(
        refused
            .message
            .contains("while the measurement is reserved"),
        "{}",
        refused.message
    );
    run(&world, &measurement, "job_2").await;
    let refused = asked(&world, "job_3", &measurement).await.unwrap_err();
    assert!(
        refused.message.contains("belongs to something else"),
        "{}",
        refused.message
    );
    assert_eq!(
        world.get::<Measurement>(measurement.as_str()).await.state(),
        "running"
    );
}
