//! Rows go to a screen only where the approval says so, the workspace was opened so, the log holds the intent, and
//! the desktop is in the keeper's own list, whatever the front recorded.

use governance::desktop::DesktopNetworks;
use governance::job::{Screen, Task};
use protocol::job::Job;
use protocol::keeper::RefusedCode;

use super::{STATEMENT, Told, World, hash_of, id};

/// A screen at an address that somebody's list admits.
fn screen(address: &str) -> Screen {
    let anybody = ["10.20.0.0/16", "203.0.113.0/24"].map(String::from);
    let anybody = DesktopNetworks::parse(&anybody).unwrap();
    Screen::Rows {
        desktop: anybody.admit(address.parse().unwrap()).unwrap(),
    }
}

/// Project `prj_a` with its extract and an open workspace.
async fn open(told: Told) -> World {
    let world = World::with(told).await;
    world.extract("prj_a", "a").await;
    world
}

fn query(screen: Screen) -> Task {
    Task::Query {
        workspace: id("wsp_a"),
        person: id("per_a"),
        statement: hash_of(STATEMENT.as_bytes()),
        screen,
    }
}

#[tokio::test]
async fn the_keeper_gives_rows_where_approval_and_its_own_list_say_so_and_nowhere_else() {
    for told in [Told::Truth, Told::Rows] {
        let world = open(told).await;
        for (n, (screen, inside)) in [
            (Screen::default(), true),
            (screen("10.20.3.4"), true),
            (screen("203.0.113.9"), false),
        ]
        .into_iter()
        .enumerate()
        {
            let (job, rows) = (format!("job_{n}"), screen != Screen::default());
            // The front queues what it likes: governance is not asked.
            world
                .queue(&job, query(screen), world.under("prj_a").await)
                .await;
            let warrant = world.keeper.desk().unwrap().warrant(&job).await;
            let may = !rows || (told == Told::Rows && inside);
            match warrant {
                Ok(warrant) => {
                    assert!(may, "{told:?} {job}");
                    // Which of the two it is, is the order's kind.
                    assert_eq!(matches!(warrant.order, Job::Query(_)), rows);
                    assert_eq!(matches!(warrant.order, Job::Check(_)), !rows);
                }
                Err(refused) => {
                    assert!(!may, "{told:?} {job}: {}", refused.message);
                    assert_eq!(refused.code, RefusedCode::NotPermitted);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_workspace_that_was_opened_for_checked_results_shows_no_rows() {
    let world = open(Told::Rows).await;
    world
        .queue(
            "job_1",
            query(screen("10.20.3.4")),
            world.under("prj_a").await,
        )
        .await;
    assert!(world.keeper.desk().unwrap().warrant("job_1").await.is_ok());
    world
        .intrude(
            "update states set json = replace(json, '\"view\":\"rows\"', '\"view\":\"aggregates\"')
             where kind = 'workspace'",
        )
        .await;
    assert!(world.keeper.desk().unwrap().warrant("job_1").await.is_err());
}

#[tokio::test]
async fn a_query_that_is_made_one_for_rows_afterwards_does_not_run() {
    let world = open(Told::Rows).await;
    world
        .queue(
            "job_1",
            query(Screen::default()),
            world.under("prj_a").await,
        )
        .await;
    assert!(world.keeper.desk().unwrap().warrant("job_1").await.is_ok());
    let rows = serde_json::to_string(&screen("10.20.3.4")).unwrap();
    let sql = format!(
        "update states set json = replace(json, '\"statement\":', '\"screen\":{rows},\"statement\":')
         where kind = 'job'"
    );
    world.intrude(sql.leak()).await;
    let refused = world.keeper.desk().unwrap().warrant("job_1").await;
    assert_eq!(refused.unwrap_err().code, RefusedCode::NotPermitted);
}
