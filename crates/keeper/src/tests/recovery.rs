//! An output that changed hands, and what the store may be made to say of it.

use governance::output::{HandedOver, Output};
use governance::person::{Person, Role};
use governance::recovery::Recovery;
use governance::workspace::Workspace;
use governance::{By, Timestamp};

use super::{World, hash_of, id};

/// An administrator asks and a steward confirms, for an hour.
async fn recovery(world: &World, number: &str, workspace: &str, project: &str) {
    let (at, in_force) = (world.now(), world.in_force(project).await);
    let place: Workspace = world.get(workspace).await;
    let asker: Person = world.get("per_adm").await;
    let why = (hash_of(b"why"), 60);
    let asked = Recovery::ask(id(number), &place, &in_force, why, &asker, at);
    world.begin(asked.unwrap()).await;
    let steward: Person = world.get("per_std").await;
    world
        .change::<Recovery>(number, |r| {
            r.confirm(&in_force, &[].into(), &asker, &steward, at)
        })
        .await;
}

async fn world() -> World {
    let world = World::honest().await;
    let roles = [Role::Administrator].into();
    let (name, at) = (id("per_adm"), world.now());
    let added = Person::add(name, "N".into(), "O".into(), roles, &By::System, at);
    world.begin(added.unwrap()).await;
    recovery(&world, "rec_a", "wsp_a", "prj_a").await;
    recovery(&world, "rec_b", "wsp_b", "prj_b").await;
    world
}

/// The output as it would stand after it changed hands.
async fn handed(world: &World, recovery: &str, at: Timestamp) -> (Output, HandedOver) {
    let mut output: Output = world.get("out_a").await;
    let handed = HandedOver {
        recovery: id(recovery),
        from: id("per_b"),
        at,
    };
    if let Output::Staged { core } = &mut output {
        core.handed_over = Some(handed.clone());
    }
    (output, handed)
}

async fn says(world: &World, (output, handed): &(Output, HandedOver)) -> String {
    let books = &world.keeper.books;
    match books.may_have_changed_hands(output, handed).await {
        Ok(()) => "yes".into(),
        Err(refused) => refused.message,
    }
}

#[tokio::test]
async fn an_output_that_changed_hands_is_held_against_both_peoples_records() {
    let world = world().await;
    let (now, minute) = (world.now(), std::time::Duration::from_secs(60));
    let of = async |recovery: &str, at| says(&world, &handed(&world, recovery, at).await).await;
    assert_eq!(of("rec_a", now).await, "yes");
    let late = now.checked_add(61 * minute).unwrap();
    let early = now.checked_sub(minute).unwrap();
    for at in [late, early] {
        assert!(of("rec_a", at).await.starts_with("the recovery ended at"));
    }
    assert_eq!(
        of("rec_b", now).await,
        "the recovery of this output belongs to something else"
    );
    assert_eq!(of("rec_none", now).await, "there is no such recovery");
    // Whoever it came to must be on the project.
    let (mut output, by) = handed(&world, "rec_a", now).await;
    if let Output::Staged { core } = &mut output {
        core.author = id("per_b");
    }
    let told = says(&world, &(output, by)).await;
    assert_eq!(told, "only a member of the project may do that");
    // What was ended early gives nothing for later.
    world.pass(60);
    let end = world.now();
    world
        .change::<Recovery>("rec_a", |r| r.end(&id("per_std"), end))
        .await;
    assert_eq!(of("rec_a", now).await, "yes");
    let after = end.checked_add(minute).unwrap();
    assert!(
        of("rec_a", after)
            .await
            .starts_with("the recovery ended at")
    );
}

#[tokio::test]
async fn a_recovery_that_was_only_asked_for_or_was_edited_changes_no_hands() {
    let world = world().await;
    let (at, in_force) = (world.now(), world.in_force("prj_a").await);
    let place: Workspace = world.get("wsp_a").await;
    let asker: Person = world.get("per_adm").await;
    let why = (hash_of(b"why"), 60);
    let asked = Recovery::ask(id("rec_c"), &place, &in_force, why, &asker, at);
    world.begin(asked.unwrap()).await;
    let told = says(&world, &handed(&world, "rec_c", at).await).await;
    assert_eq!(told, "the recovery of this output is not what was approved");
    world
        .intrude(
            "update states set json = replace(json, 'per_std', 'per_adm')
             where kind = 'recovery' and id = 'rec_a'",
        )
        .await;
    let told = says(&world, &handed(&world, "rec_a", at).await).await;
    assert!(told.contains("is not as the log tells it"), "{told}");
}
