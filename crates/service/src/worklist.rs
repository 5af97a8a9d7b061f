//! One worklist for everybody: what needs them, what waits for others, what is done. Found by ties and ages
//! alone, all lists in one statement, with one policy decision for each kind of case, so that it stays quick
//! in a full house.

mod desk;
mod lists;

use std::collections::{BTreeMap, BTreeSet};

use governance::{ProjectId, Timestamp};
use serde::Serialize;
use store::Brief;

use self::desk::Desk;
use crate::error::ServiceError;
use crate::views::state_of;
use crate::{Caller, Service};

/// One thing on a worklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// `project`, `output`, `measurement`, `recovery` or `dataset`.
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

/// A thing with what is asked about it.
struct Found {
    kind: &'static str,
    brief: Brief,
    action: &'static str,
}

impl Service {
    /// What there is to do for the caller.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn worklist(&self, caller: &Caller) -> Result<Worklist, ServiceError> {
        let datasets = self.datasets_of(caller, |_, _| true).await?;
        let desk = Desk::new(self, caller, &datasets)?;
        let lists = desk.lists().await?;
        let titles = self.own_titles(caller, &lists).await?;
        let [needs_you, waiting, done] = lists.map(|found| items(found, &titles));
        Ok(Worklist {
            needs_you: needs_you?,
            waiting: waiting?,
            done: done?,
        })
    }

    /// Titles of the caller's own drafts that were never submitted.
    async fn own_titles(
        &self,
        caller: &Caller,
        lists: &[Vec<Found>; 3],
    ) -> Result<BTreeMap<String, String>, ServiceError> {
        let untitled = lists.iter().flatten().filter(|found| {
            found.brief.title.is_empty() && found.brief.author.as_ref() == Some(caller.id())
        });
        let drafts: BTreeSet<ProjectId> = untitled
            .filter_map(|found| ProjectId::try_from(found.brief.id.clone()).ok())
            .collect();
        self.draft_titles(&drafts).await
    }
}

fn items(found: Vec<Found>, titles: &BTreeMap<String, String>) -> Result<Vec<Item>, ServiceError> {
    let item = |Found {
                    kind,
                    brief,
                    action,
                }: Found| {
        let draft = titles.get(&brief.id).filter(|_| brief.title.is_empty());
        Ok(Item {
            kind,
            title: draft.cloned().unwrap_or(brief.title),
            id: brief.id,
            organisation: brief.organisation,
            state: state_of(kind, &brief.state).ok_or(ServiceError::NotFound("state"))?,
            action,
            since: brief.since,
        })
    };
    found.into_iter().map(item).collect()
}
