//! Statements that find no place: they are told their number, and given up when they waited too long.

use std::future::pending;
use std::sync::Arc;

use protocol::keeper::{Door, Refused, RefusedCode, Reply};

use super::{CAPACITY, World, id, query};
use crate::progress::Teller;

/// What a queued statement comes to, and the last that it is told.
async fn run(world: &World, job: &str) -> (Refused, Option<Reply>) {
    let tell = Teller::default();
    let told = tell.listen();
    let ended = world.keeper.run(Door::Research, job, pending(), &tell);
    let refused = ended.await.err().unwrap();
    let last = told.borrow().clone();
    (refused, last)
}

#[tokio::test]
async fn a_statement_without_a_place_is_told_its_number_and_given_up_in_time() {
    let mut world = World::honest().await;
    Arc::get_mut(&mut world.keeper).unwrap().capacity.queue_s = 0;
    for job in ["job_1", "job_2"] {
        let ours = world.under("prj_a").await;
        world.queue(job, query(), ours).await;
    }
    let places = &world.keeper.query_places;
    let given_up = |(refused, told): (Refused, Option<Reply>)| {
        assert_eq!(refused.code, RefusedCode::Limit);
        let words = "the statement waited 0 s in the queue and did not run (queue_s in policies/limits.toml)";
        assert!(refused.message.starts_with(words), "{}", refused.message);
        assert_eq!(told, Some(Reply::Waiting { position: 1 }));
    };
    let mut taken = Vec::new();
    for _ in 0..CAPACITY.statements_at_once {
        taken.push(places.enter(None, |_| {}).await);
    }
    given_up(run(&world, "job_1").await);
    taken.clear();
    // Half of the places are free, but not for this project.
    for _ in 0..CAPACITY.project_at_once {
        taken.push(places.enter(Some(id("prj_a")), |_| {}).await);
    }
    given_up(run(&world, "job_2").await);
    places
        .enter(Some(id("prj_b")), |_| panic!("nobody is before it"))
        .await;
}

#[tokio::test]
async fn a_statement_that_runs_too_long_is_stopped_with_its_limit() {
    let mut world = World::honest().await;
    Arc::get_mut(&mut world.keeper).unwrap().capacity.query_s = 0;
    let ours = world.under("prj_a").await;
    world.queue("job_1", query(), ours).await;
    let warrant = world.keeper.desk().unwrap().warrant("job_1").await.unwrap();
    let refused = crate::run::Patience::of(&warrant, &world.keeper.capacity)
        .run()
        .await;
    assert_eq!(refused.code, RefusedCode::Limit);
    let words = "the statement ran for 0 s (query_s in policies/limits.toml): try it on a sample";
    assert!(refused.message.starts_with(words), "{}", refused.message);
}
