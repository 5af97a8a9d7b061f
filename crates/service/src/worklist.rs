//! One worklist for everybody: what needs them, what waits for others, what is done. Found by ties and ages
//! alone, with one policy decision for each kind of case, so that it stays quick in a full house.

mod desk;

use std::collections::{BTreeMap, BTreeSet};

use governance::dataset::Dataset;
use governance::{PersonId, Timestamp};
use serde::Serialize;
use store::Brief;

use crate::cases::Cases;
use crate::error::ServiceError;
use crate::views::{Named, state_of};
use crate::{Caller, Service};

/// One thing on a worklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// `project`, `output` or `dataset`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// What it is called; an output has the title of its project.
    pub title: String,
    /// Organisation of whoever made it; of a dataset, of its controller.
    pub organisation: String,
    /// Name of its state.
    pub state: &'static str,
    /// The act that is asked; empty when others are to act, or nobody.
    pub action: &'static str,
    /// Since when it is in this state.
    pub since: Timestamp,
}

/// What there is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Worklist {
    /// Oldest first.
    pub needs_you: Vec<Item>,
    /// Others act; newest first.
    pub waiting: Vec<Item>,
    /// Ended; newest first.
    pub done: Vec<Item>,
}

/// States in which something may still be asked of somebody.
const LIVE_PROJECTS: &[&str] = &["draft", "submitted", "returned", "approved", "in_force"];
const LIVE_OUTPUTS: &[&str] = &[
    "staged",
    "checked",
    "under_review",
    "changes_requested",
    "approved",
];
const ENDED_PROJECTS: &[&str] = &[
    "refused",
    "withdrawn",
    "expired",
    "revoked",
    "closed",
    "destroyed",
];
const ENDED_OUTPUTS: &[&str] = &[
    "uncheckable",
    "released",
    "refused",
    "withdrawn",
    "recalled",
];

/// A thing with what is asked about it.
struct Found {
    kind: &'static str,
    brief: Brief,
    action: &'static str,
}

struct Desk<'a> {
    service: &'a Service,
    caller: &'a Caller,
    cases: Cases<'a>,
    now: Timestamp,
    limit: u32,
    /// Datasets with which the caller has to do.
    datasets: Vec<Dataset>,
    needs: Vec<Found>,
}

impl Service {
    /// What there is to do for the caller.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn worklist(&self, caller: &Caller) -> Result<Worklist, ServiceError> {
        let now = self.now()?;
        let limits = &self.policies.limits;
        let mut desk = Desk {
            service: self,
            caller,
            cases: Cases::new(self, caller, now),
            now,
            limit: limits.worklist.min(limits.page),
            datasets: self.datasets_of(caller, |_, _| true).await?,
            needs: Vec::new(),
        };
        desk.due().await?;
        desk.panel().await?;
        desk.rooms().await?;
        desk.review().await?;
        desk.deliveries().await?;
        let mut needs = std::mem::take(&mut desk.needs);
        needs.sort_by(|a, b| (a.brief.since, &a.brief.id).cmp(&(b.brief.since, &b.brief.id)));
        let asked: BTreeSet<String> = needs.iter().map(|f| f.brief.id.clone()).collect();
        let waiting = desk.mine(LIVE_PROJECTS, LIVE_OUTPUTS, &asked).await?;
        let done = desk.mine(ENDED_PROJECTS, ENDED_OUTPUTS, &asked).await?;
        let most = usize::try_from(desk.limit).unwrap_or(usize::MAX);
        let mut seen = BTreeSet::new();
        needs.retain(|found| seen.insert((found.kind, found.brief.id.clone())));
        needs.truncate(most);
        let names = self.authors(caller, [&needs, &waiting, &done]).await?;
        let mut lists = Vec::with_capacity(3);
        for found in [needs, waiting, done] {
            lists.push(self.items(caller, found, &names).await?);
        }
        let mut lists = lists.into_iter();
        let mut next = || lists.next().unwrap_or_default();
        Ok(Worklist {
            needs_you: next(),
            waiting: next(),
            done: next(),
        })
    }

    async fn authors(
        &self,
        caller: &Caller,
        lists: [&Vec<Found>; 3],
    ) -> Result<BTreeMap<PersonId, Named>, ServiceError> {
        let found = lists.into_iter().flatten();
        let authors = found.filter_map(|found| found.brief.author.clone());
        self.names(caller, authors).await
    }

    async fn items(
        &self,
        caller: &Caller,
        found: Vec<Found>,
        names: &BTreeMap<PersonId, Named>,
    ) -> Result<Vec<Item>, ServiceError> {
        let mut items = Vec::with_capacity(found.len());
        for Found {
            kind,
            brief,
            action,
        } in found
        {
            let own = brief.author.as_ref() == Some(caller.id());
            let title = match governance::ProjectId::try_from(brief.id.clone()) {
                Ok(id) if own && brief.title.is_empty() => self.draft_title(&id).await?,
                Ok(_) | Err(_) => brief.title,
            };
            let author = brief.author.and_then(|author| names.get(&author));
            items.push(Item {
                kind,
                id: brief.id,
                title,
                organisation: author.map(|n| n.organisation.clone()).unwrap_or_default(),
                state: state_of(kind, &brief.state).ok_or(ServiceError::NotFound("state"))?,
                action,
                since: brief.since,
            });
        }
        Ok(items)
    }
}
