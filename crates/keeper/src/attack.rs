//! The attack on the register: what a reader of everything that left recovers, and what the people of a project do who
//! saw its screens as well. What is found got past the comparisons.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use governance::{DeliveryId, Lifecycle, ProjectId, Timestamp};
use protocol::compare::Attack;
use protocol::frame::Up;
use protocol::job::Job;
use protocol::keeper::{Refused, Reply};
use protocol::report::Report;
use serde_json::{Value, json};
use tokio::net::UnixStream;

use crate::books::Books;
use crate::checks::cells;
use crate::comparison::{Cells, Comparison};
use crate::error::{by_sandbox, by_worker};
use crate::hear::strange;
use crate::register::{must_fit, start};
use crate::server::{Keeper, noted};
use crate::wire::write_reply;

/// How many of the newest tables are attacked, each with all before it.
const NEWEST: u32 = 100;

/// Something that was seen, and when; it is not known of what left long ago.
#[derive(Clone)]
struct Entry {
    at: Option<Timestamp>,
    cells: Cells,
    bytes: u64,
}

/// What was seen of the people of one spine.
#[derive(Default)]
struct History {
    outputs: Vec<Entry>,
    screens: BTreeMap<ProjectId, Vec<Entry>>,
}

impl History {
    /// What the people of a project may know, in the order in which it was seen.
    fn of(&self, screens: &[Entry]) -> Vec<Entry> {
        let mut all = [&self.outputs, screens].concat();
        all.sort_by_key(|entry| entry.at);
        all
    }
}

impl Books {
    /// What was seen by spine, and how many outputs have none.
    async fn histories(&self) -> Result<(BTreeMap<DeliveryId, History>, u64), Refused> {
        let (mut by_spine, mut unknown) = (BTreeMap::<DeliveryId, History>::new(), 0_u64);
        for output in self.all_that_left().await? {
            let Some(kept) = output.kept_people() else {
                unknown = unknown.saturating_add(1);
                continue;
            };
            let history = by_spine.entry(kept.spine.clone()).or_default();
            history.outputs.push(Entry {
                at: output.left_at(),
                cells: cells(output.id(), &kept.spine, &kept.file)?,
                bytes: kept.file.bytes,
            });
        }
        for job in self.all_shown(None).await? {
            let (Some(shown), Some(project)) = (job.shown(), job.project()) else {
                continue;
            };
            let kept = &shown.people;
            let history = by_spine.entry(kept.spine.clone()).or_default();
            let screens = history.screens.entry(project.clone()).or_default();
            screens.push(Entry {
                at: Some(shown.at),
                cells: cells(job.core().task.object(), &kept.spine, &kept.file)?,
                bytes: kept.file.bytes,
            });
        }
        Ok((by_spine, unknown))
    }
}

impl Keeper {
    /// Attacks everything that left, spine by spine, and again with the screens of each project: counts of what is
    /// recovered.
    pub(crate) async fn attack(self: &Arc<Self>) -> Result<String, Refused> {
        let (by_spine, unknown) = self.books.histories().await?;
        let mut spines = Vec::new();
        for (spine, history) in by_spine {
            let mut projects = Vec::new();
            for (project, screens) in &history.screens {
                let recovered = self.recovered(history.of(screens)).await?;
                projects.push(json!({
                    "project": project, "screens": screens.len(), "recovered": recovered,
                }));
            }
            let outputs = history.outputs.len();
            let recovered = self.recovered(history.outputs).await?;
            spines.push(json!({
                "spine": spine, "outputs": outputs, "recovered": recovered, "projects": projects,
            }));
        }
        Ok(json!({ "spines": spines, "unknown": unknown }).to_string())
    }

    async fn recovered(self: &Arc<Self>, history: Vec<Entry>) -> Result<Value, Refused> {
        let bytes = history.iter().map(|entry| entry.bytes).sum();
        must_fit(bytes, self.disclosure.register_mib)?;
        let order = Job::Attack(Attack {
            policy: self.disclosure.policy.clone(),
            newest: NEWEST,
        });
        let history = history.into_iter().map(|entry| entry.cells).collect();
        let mounts = Comparison::Attack { history };
        let keeper = Arc::clone(self);
        let recovered = self
            .in_place_of_a_query(move || recovered(&keeper, order, &mounts))
            .await?;
        serde_json::from_str(&recovered).map_err(|_| strange())
    }
}

/// Answers a desk that has what left attacked.
pub(crate) async fn answer(keeper: &Arc<Keeper>, stream: &mut UnixStream) -> io::Result<()> {
    let attacked = keeper.unless_closing(keeper.attack()).await;
    let attacked = attacked.map(|recovered| Reply::Attacked { recovered });
    let reply = noted(keeper, attacked, "attack", "");
    write_reply(stream, &reply).await.map(drop)
}

fn recovered(keeper: &Keeper, order: Job, mounts: &Comparison) -> Result<String, Refused> {
    let mut running = start(keeper, order, mounts)?;
    let mut said = None;
    while let Some(up) = running.next().map_err(by_sandbox)? {
        match up {
            Up::Progress(_) => {}
            Up::Report(Report::Attack { recovered }) => said = Some(recovered),
            Up::Failed(failure) => return Err(by_worker(failure)),
            _ => return Err(strange()),
        }
    }
    said.ok_or_else(strange)
}
