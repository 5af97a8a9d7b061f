//! Lists against what they stand for: every search gives what a walk over all states and events gives.

use std::collections::{BTreeMap, BTreeSet};

use governance::dataset::{ColumnKind, Dataset, Dictionary, Purpose, Unmatched, Variable};
use governance::person::Person;
use governance::project::{PanelVerdict, Project, SignatureVerdict};
use governance::request::{
    Commercial, DatasetRequest, EventPseudonym, Request, TierPolicy, Transform, VariableRequest,
    View,
};
use governance::{
    Batch, Change, DatasetId, Lifecycle, PersonId, ProjectId, Refusal, Sha256, TieKind, Timestamp,
};
use proptest::prelude::*;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::{adding, at, begin, beside, day, just, opened, per, run};
use crate::{Filter, List, Order, Search, Store, ties};

fn dataset() -> Dataset {
    let dictionary = Dictionary {
        title: "Admissions".into(),
        table: "admissions".into(),
        purpose: Purpose::Payload,
        record: "record_no".into(),
        identifiers: BTreeMap::from([("chi".into(), "chi".into())]),
        event: None,
        variables: vec![Variable {
            name: "ward".into(),
            kind: ColumnKind::Text,
            required: false,
            description: String::new(),
        }],
        unmatched: Unmatched::Refuse,
    };
    let id: DatasetId = "dst_a".parse().unwrap();
    let register = Dataset::register(id, per(9), per(10), per(11), dictionary, &per(12), at(0));
    register.unwrap().to().clone()
}

fn request(author: u32) -> Request {
    Request {
        title: "Stays".into(),
        lay_summary: "How long people stay.".into(),
        public_benefit: "Shorter stays.".into(),
        people: BTreeSet::from([per(author), per(author % 3)]),
        datasets: vec![DatasetRequest {
            dataset: dataset().id,
            variables: vec![VariableRequest {
                name: "ward".into(),
                source: None,
                transform: Transform::Keep,
                why: "to answer the question".into(),
            }],
            event: EventPseudonym::Absent,
            rows: Vec::new(),
        }],
        start: day("2026-01-01"),
        end: day("2026-06-30"),
        minimum_cell: 10,
        commercial: Commercial::None,
        view: View::Aggregates,
        outputs: String::new(),
        controls: String::new(),
    }
}

fn tiers() -> TierPolicy {
    TierPolicy {
        quorum_one: 3,
        quorum_two: 3,
        controllers_max: 2,
        months_max: 12,
    }
}

/// Which project, which act, by whom.
type Step = (u8, u8, u32);

fn act(project: Project, (_, act, who): Step, at: Timestamp) -> Result<Change<Project>, Refusal> {
    let sets = BTreeMap::from([(dataset().id, dataset())]);
    let version = Sha256::try_from("a".repeat(64)).unwrap();
    let author = project.core().author.clone();
    let by = per(who);
    match act {
        0 | 1 => {
            let number: u32 = author.as_str().trim_start_matches("per_").parse().unwrap();
            project.submit(request(number), version, &sets, &tiers(), &author, at)
        }
        2..=5 => {
            let verdict = [PanelVerdict::Approve, PanelVerdict::Return][usize::from(act % 2)];
            project.vote(&version, verdict, Vec::new(), &sets, &by, at)
        }
        6 => project.sign(&dataset(), &version, SignatureVerdict::Signed, &per(9), at),
        7 => project.declare_interest(&by, at),
        8 => project.approve(&tiers(), &by, at),
        9 => project.return_(&tiers(), &by, at),
        _ => project.withdraw(&author, at),
    }
}

/// What is known of a project beside its state.
#[derive(Clone, Debug)]
struct Known {
    since: Timestamp,
    acted: BTreeSet<PersonId>,
}

async fn play(store: &Store, steps: &[Step]) -> BTreeMap<String, Known> {
    let mut known = BTreeMap::new();
    for number in 0..8_u32 {
        let id: ProjectId = format!("prj_{number}").parse().unwrap();
        let begun = at(i64::from(number % 3));
        let change = Project::start(id.clone(), &per(number % 4), begun);
        store
            .record(just(Batch::new().begin(change).unwrap()))
            .await
            .unwrap();
        let acted = BTreeSet::from([per(number % 4)]);
        known.insert(
            id.to_string(),
            Known {
                since: begun,
                acted,
            },
        );
    }
    for (second, step) in (10..).zip(steps) {
        let id = format!("prj_{}", step.0);
        let held = store.load::<Project>(&id).await.unwrap().unwrap();
        let before = held.value.state();
        let Ok(change) = act(held.value, *step, at(second)) else {
            continue;
        };
        let entry = known.get_mut(&id).unwrap();
        if change.to().state() != before {
            entry.since = at(second);
        }
        if let governance::By::Person(by) = change.event().by() {
            entry.acted.insert(by.clone());
        }
        let batch = Batch::new().change(held.version, change).unwrap();
        store.record(just(batch)).await.unwrap();
    }
    known
}

fn has(project: &Project, known: &Known, (tie, who): (TieKind, &str)) -> bool {
    if tie == TieKind::Acted {
        return known.acted.iter().any(|by| by.as_str() == who);
    }
    project.ties().iter().any(|t| t.kind == tie && t.who == who)
}

/// The search as a walk over everything.
fn walked(
    all: &[Project],
    known: &BTreeMap<String, Known>,
    search: &Search<'_>,
) -> Vec<(String, Timestamp)> {
    let mut found: Vec<(Timestamp, String)> = all
        .iter()
        .filter(|p| search.states.contains(&p.state()))
        .filter(|p| {
            let known = &known[p.id()];
            (search.tied.is_empty() || search.tied.iter().any(|t| has(p, known, *t)))
                && !search.untied.iter().any(|t| has(p, known, *t))
                && !search.project_untied.iter().any(|t| has(p, known, *t))
                && (search.project_tied.is_empty()
                    || search.project_tied.iter().any(|t| has(p, known, *t)))
        })
        .map(|p| (known[p.id()].since, p.id().to_owned()))
        .collect();
    found.sort();
    if search.order == Order::NewestFirst {
        found.reverse();
    }
    if let Some(after) = search.after {
        let edge = (known[after].since, after.to_owned());
        found.retain(|one| match search.order {
            Order::OldestFirst => *one > edge,
            Order::NewestFirst => *one < edge,
        });
    }
    found.truncate(search.limit as usize);
    found.into_iter().map(|(since, id)| (id, since)).collect()
}

const STATES: [&[&str]; 4] = [
    &[],
    &["submitted"],
    &["draft", "returned"],
    &["draft", "submitted", "returned", "approved", "withdrawn"],
];

async fn every_search_is_right(store: &Store, known: &BTreeMap<String, Known>) -> usize {
    let all = store.list::<Project>(Filter::default()).await.unwrap();
    let all: Vec<Project> = all.into_iter().map(|held| held.value).collect();
    let tied: [&[(TieKind, &str)]; 7] = [
        &[],
        &[(TieKind::On, "per_1")],
        &[(TieKind::Acted, "per_5")],
        &[
            (TieKind::On, "per_0"),
            (TieKind::Acted, "per_0"),
            (TieKind::Spoke, "per_6"),
        ],
        &[(TieKind::Unsigned, "dst_a")],
        &[(TieKind::Signed, "dst_a")],
        &[(TieKind::Ready, "-"), (TieKind::Due, "per_2")],
    ];
    let untied: [&[(TieKind, &str)]; 3] = [
        &[],
        &[(TieKind::Spoke, "per_5")],
        &[(TieKind::On, "per_0"), (TieKind::Asks, "dst_a")],
    ];
    let (mut found, mut asked) = (0, Vec::new());
    for states in STATES {
        for tied in tied {
            for untied in untied {
                for order in [Order::OldestFirst, Order::NewestFirst] {
                    for (limit, after) in [(1000, None), (2, None), (1000, Some("prj_4"))] {
                        let search = Search {
                            states,
                            tied,
                            untied,
                            project_tied: if after.is_some() { tied } else { &[] },
                            project_untied: if limit == 2 { untied } else { &[] },
                            order,
                            limit,
                            after,
                        };
                        let briefs = store.search::<Project>(search).await.unwrap();
                        found += briefs.len();
                        asked.push((search, briefs.clone()));
                        let got: Vec<_> = briefs.into_iter().map(|b| (b.id, b.since)).collect();
                        assert_eq!(got, walked(&all, known, &search), "{search:?}");
                    }
                }
            }
        }
    }
    // Asked together, some across the most ranges of one statement, they are the same lists.
    for some in asked.chunks(31) {
        let lists: Vec<List> = some.iter().map(|(s, _)| List::of::<Project>(*s)).collect();
        let together = store.search_all(&lists).await.unwrap();
        let alone: Vec<_> = some.iter().map(|(_, briefs)| briefs.clone()).collect();
        assert_eq!(together, alone);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_search_gives_what_a_walk_over_everything_gives(
        steps in prop::collection::vec((0_u8..8, 0_u8..11, 3_u32..8), 20..80),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_dir, store) = opened().await;
            let known = play(&store, &steps).await;
            assert!(every_search_is_right(&store, &known).await > 0);
        });
    }
}

async fn rows(connection: &mut SqliteConnection) -> Vec<(String, String, String, String, String)> {
    sqlx::query_as("select who, tie, kind, state, id from ties order by who, tie, kind, state, id")
        .fetch_all(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_lists_are_made_of_can_be_derived_again() {
    let (dir, store) = opened().await;
    let steps: Vec<Step> = (0..8)
        .flat_map(|n| {
            [
                (n, 0, 3),
                (n, 2, 5),
                (n, 7, 6),
                (n, 6, 3),
                (n, 2, 7),
                (n, 2, 4),
            ]
        })
        .collect();
    play(&store, &steps).await;
    store
        .record(just(Batch::new().begin(adding(1)).unwrap()))
        .await
        .unwrap();
    let mut other = beside(&dir).await;
    let before = rows(&mut other).await;
    assert!(before.len() > 40);
    run(
        &mut other,
        "delete from ties; update states set title = '', author = null",
    )
    .await;
    assert_ne!(rows(&mut other).await, before);
    ties::derive(&mut other).await.unwrap();
    assert_eq!(rows(&mut other).await, before);
    let ids = ["prj_0".to_owned()];
    let brief = store.briefs::<Project>(&ids).await.unwrap().remove(0);
    assert_eq!(
        (brief.title.as_str(), brief.author),
        ("Stays", Some(per(0)))
    );
}

/// As in a file of the version that did not tie what is signed.
#[tokio::test]
async fn what_is_signed_is_tied_when_an_older_file_is_opened() {
    let (dir, store) = opened().await;
    let submit = (0..8).map(|n| (n, 0, 3));
    let steps: Vec<Step> = submit.chain((0..4).map(|n| (n, 6, 3))).collect();
    play(&store, &steps).await;
    let mut other = beside(&dir).await;
    let before = rows(&mut other).await;
    let signed = |rows: &[(String, String, String, String, String)]| {
        rows.iter().filter(|(_, tie, ..)| tie == "signed").count()
    };
    assert!(signed(&before) > 0 && before.iter().any(|(_, tie, ..)| tie == "unsigned"));
    run(&mut other, "delete from ties where tie = 'signed'").await;
    let migration = include_str!("../../migrations/0005_signed.sql");
    sqlx::raw_sql(migration).execute(&mut other).await.unwrap();
    assert_eq!(rows(&mut other).await, before);
}

/// A file of the first version, as the program of its day wrote it.
#[tokio::test]
async fn an_older_file_gets_its_lists_when_it_is_opened() {
    let (dir, store) = opened().await;
    store
        .record(just(Batch::new().begin(adding(1)).unwrap()))
        .await
        .unwrap();
    store.close().await;
    let old = tempfile::tempdir().unwrap();
    let mut file = SqliteConnectOptions::new()
        .filename(old.path().join(crate::FILE_NAME))
        .create_if_missing(true)
        .connect()
        .await
        .unwrap();
    let first = include_str!("../../migrations/0001_filing_room.sql");
    sqlx::raw_sql(first).execute(&mut file).await.unwrap();
    let newer = dir.path().join(crate::FILE_NAME);
    sqlx::query("attach database $1 as newer")
        .bind(newer.to_str().unwrap())
        .execute(&mut file)
        .await
        .unwrap();
    run(
        &mut file,
        "insert into leaves select * from newer.leaves;
         insert into nodes select * from newer.nodes;
         insert into events select * from newer.events;
         insert into states select kind, id, project, state, json, salt, version, leaf, updated_at
           from newer.states;
         pragma user_version = 1;",
    )
    .await;
    file.close().await.unwrap();
    let store = Store::open(old.path()).await.unwrap();
    let brief = store
        .briefs::<governance::person::Person>(&["per_1".into()])
        .await
        .unwrap()
        .remove(0);
    assert_eq!((brief.title.as_str(), brief.since), ("Ada", at(0)));
}

#[tokio::test]
async fn a_count_is_that_of_every_page_of_the_list() {
    let (_dir, store) = opened().await;
    for n in 1..=5 {
        store.record(begin(n)).await.unwrap();
    }
    let gone = adding(2).to().clone().retire(&per(9), at(1)).unwrap();
    let batch = Batch::new().change(1, gone).unwrap();
    store.record(just(batch)).await.unwrap();
    let of_all = [
        (&["active"][..], 4),
        (&["retired"], 1),
        (&[], 5),
        (&["odd"], 0),
    ];
    for (states, all) in of_all {
        // A page is no limit to what is counted.
        let filter = Filter {
            states,
            limit: 2,
            ..Default::default()
        };
        assert_eq!(
            store.count::<Person>(filter).await.unwrap(),
            all,
            "{states:?}"
        );
    }
}
