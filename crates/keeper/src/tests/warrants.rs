//! What a job that is let through mounts and orders.

use std::collections::BTreeSet;

use governance::dataset::Dataset;
use governance::extract::Extract;
use governance::indexing::Indexing;
use governance::output::Output;
use protocol::compare::Goal;
use protocol::job::{ColumnKind, Job as Order, Presence, RowFilter, Transform};
use vault::Purpose;

use super::lies::{check, extract, index, open_load};
use super::{STATEMENT, World, id, query, sealed};
use crate::checks::Judging;
use crate::comparison::{Comparison, Links};
use crate::mounts::Mounts;
use crate::seal::{KeptAs, Room, Sealed};

/// Names, keys, payload and numbers of one delivery share a secret: the name alone tells them apart.
#[test]
fn a_file_opens_only_as_what_it_was_made() {
    for (name, as_payload) in [
        ("del_a.payload.job_1", true),
        ("del_a.identifiers.job_1", false),
        ("del_a.records.job_1", false),
        ("del_a.events.job_1", false),
        ("del_b.payload.job_1", false),
        ("del_a.payload", false),
        ("del_a.payload.", false),
        ("del_a.payload.identifiers.job_1", false),
        ("del_a.payload.job_1.events", false),
        ("", false),
    ] {
        let kept_as = KeptAs::new("del_a", &["payload"]);
        let kept = Sealed::kept(&sealed(name), kept_as, "del_a", Purpose::Delivery);
        assert_eq!(kept.is_ok(), as_payload, "{name}");
    }
}

#[tokio::test]
async fn a_warrant_mounts_what_was_approved_and_nothing_else() {
    let world = World::honest().await;
    let ours = world.under("prj_a").await;
    for (job, task) in [
        ("job_q", query()),
        ("job_c", check("out_a")),
        ("job_i", index("idx_a2")),
        ("job_e", extract("ext_a2")),
    ] {
        world.queue(job, task, ours.clone()).await;
    }
    open_load(&world, "job_l").await;
    let warrant = async |job| world.keeper.desk().unwrap().warrant(job).await.unwrap();

    for job in ["job_q", "job_c"] {
        let warrant = warrant(job).await;
        let (Mounts::Query { extract } | Mounts::Check { extract }) = warrant.mounts else {
            panic!("an extract");
        };
        assert_eq!(extract.0.name, "ext_a.extract.job_e1");
        assert_eq!(
            (extract.0.owner.as_str(), extract.0.purpose),
            ("prj_a", Purpose::Extract)
        );
        let Order::Check(check) = warrant.order else {
            panic!("the screen is an output");
        };
        assert_eq!(
            (check.sql.as_str(), check.unit.as_str()),
            (STATEMENT, "person")
        );
    }

    let link = warrant("job_i").await;
    let Mounts::Link {
        identifiers,
        spine,
        objections: None,
        pairs: None,
    } = link.mounts
    else {
        panic!("identifiers");
    };
    assert_eq!(identifiers.0.name, "del_stays.identifiers.job_l1");
    assert_eq!(spine.0.name, "del_spine.identifiers.job_l1");

    let cut = warrant("job_e").await;
    let Mounts::Extract { tables, .. } = cut.mounts else {
        panic!("payload");
    };
    let [table] = tables.as_slice() else {
        panic!("one table");
    };
    assert_eq!(table.payload.0.name, "del_stays.payload.job_l2");
    assert_eq!(table.map.0.name, "idx_a.map.job_i1");
    assert_eq!(
        table.events.as_ref().unwrap().0.name,
        "del_stays.events.job_l2"
    );
    let Order::Extract(plan) = cut.order else {
        panic!("an extract");
    };
    let [plan] = plan.tables.as_slice() else {
        panic!("one table");
    };
    assert_eq!(plan.name, "stays");
    let columns: Vec<_> = plan
        .columns
        .iter()
        .map(|c| (&*c.name, &*c.source))
        .collect();
    assert_eq!(columns, [("sex", "sex"), ("age", "born")]);
    let date = "admitted".to_owned();
    assert_eq!(plan.columns[1].transform, Transform::AgeAt { date });
    let values = vec!["F".to_owned(), "M".to_owned()];
    let column = "sex".to_owned();
    assert_eq!(plan.rows, [RowFilter::In { column, values }]);

    let load = warrant("job_l").await;
    let Mounts::LoadIdentifiers { delivery } = load.mounts else {
        panic!("an upload");
    };
    assert_eq!(
        (delivery.0.room, &*delivery.0.name),
        (Room::Uploads, "job_l")
    );
    let Order::LoadIdentifiers(order) = load.order else {
        panic!("identifiers");
    };
    assert_eq!(order.roles["fore"], "forename");
}

/// Whoever judges is given ordinals, what left and what was shown: no extract, no payload, no identifiers.
#[tokio::test]
async fn an_output_and_a_screen_are_judged_with_the_links_of_their_people_and_without_rows() {
    let world = World::honest().await;
    let ours = world.under("prj_a").await;
    for (job, task) in [("job_q", query()), ("job_c", check("out_a"))] {
        world.queue(job, task, ours.clone()).await;
    }
    let judging = async |job| {
        let desk = world.keeper.desk().unwrap();
        let warrant = desk.warrant(job).await.unwrap();
        desk.judging(&warrant).await.unwrap()
    };
    let given = |judging: &Judging, people| match judging.mounts("{}".into(), people) {
        Comparison::Judge { links, seen, .. } => (links, seen),
        other => panic!("{other:?}"),
    };
    let kept_as = KeptAs::new("job_q", &["listed"]);
    let listed = Sealed::kept(
        &sealed("job_q.listed.job_q"),
        kept_as,
        "prj_a",
        Purpose::Extract,
    );
    let listed = listed.unwrap();
    for (job, goal, name) in [
        ("job_c", Goal::Output, "output out_a"),
        ("job_q", Goal::Screen, "a screen of this project"),
    ] {
        let judging = judging(job).await;
        let (links, _) = given(&judging, None);
        assert!(links.is_empty(), "nobody is listed");
        let (links, seen) = given(&judging, Some(listed.clone()));
        let names = |links: &Links| [links.spine.name.clone(), links.map.0.name.clone()];
        let names: Vec<[String; 2]> = links.iter().map(names).collect();
        assert_eq!(names, [["idx_a.links.job_i1", "idx_a.map.job_i1"]]);
        assert_eq!(links[0].spine.purpose, Purpose::Linkage);
        assert!(seen.is_empty(), "nothing has left and nothing was shown");
        let beside = &judging.order.beside;
        assert_eq!((beside.goal, &*beside.name), (goal, name));
        assert!(beside.has_ordinals);
        assert_eq!(judging.spine, Some(id("del_spine")));
    }
}

#[tokio::test]
async fn a_payload_order_is_the_data_dictionary() {
    let world = World::honest().await;
    let dataset: Dataset = world.get("dst_stays").await;
    let Order::LoadPayload(order) =
        crate::orders::load_payload(&dataset.dictionary, protocol::job::Format::Csv)
    else {
        panic!("payload");
    };
    let columns: BTreeSet<_> = order
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.presence == Presence::Required))
        .collect();
    let expected = [("admitted", false), ("born", false), ("sex", true)];
    assert_eq!(columns, BTreeSet::from(expected));
    assert_eq!(order.columns[1].kind, ColumnKind::DateOfBirth);
    assert_eq!(order.event.as_deref(), Some("stay"));
}

#[tokio::test]
async fn objects_of_the_rehearsal_are_what_the_lies_need() {
    // If the world were broken, everything would be refused and the table above would prove nothing.
    let world = World::honest().await;
    assert!(matches!(
        world.get("idx_a2").await,
        Indexing::Ordered { .. }
    ));
    assert!(matches!(world.get("ext_a2").await, Extract::Ordered { .. }));
    assert!(matches!(world.get("out_a").await, Output::Staged { .. }));
}
