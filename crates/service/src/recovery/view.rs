//! What people see of recoveries, and what one that is open gives to the two who opened it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use governance::output::Output;
use governance::person::Person;
use governance::project::InForce;
use governance::recovery::Recovery;
use governance::{Action, Lifecycle, OutputId, PersonId, RecoveryId, Timestamp, WorkspaceId};
use serde::Serialize;
use store::{Filter, Held, Order, Saved, Search, Seen};

use super::Case;
use crate::error::ServiceError;
use crate::saved::SavedView;
use crate::views::{Named, states_of};
use crate::{Caller, Service};

/// A recovery as those see it who may.
#[derive(Debug, Clone, Serialize)]
pub struct RecoveryView {
    /// The recovery.
    pub recovery: RecoveryId,
    /// Of which workspace.
    pub workspace: WorkspaceId,
    /// Title of its project.
    pub title: String,
    /// Name of its state; one whose time is over and that was not swept yet is `ended` already.
    pub state: &'static str,
    /// Why it was asked for; empty once that text was erased.
    pub reason: String,
    /// The administrator who asked.
    pub asked_by: Named,
    /// When.
    pub asked_at: Timestamp,
    /// Minutes for which it is open once it is confirmed.
    pub minutes: u32,
    /// Who confirmed it.
    pub confirmed_by: Option<Named>,
    /// Since when it was open.
    pub since: Option<Timestamp>,
    /// When it ended, or will at the latest.
    pub until: Option<Timestamp>,
}

/// What an open recovery gives.
#[derive(Debug, Clone, Serialize)]
pub struct Recovered {
    /// Everything that is saved in the workspace, shared or not.
    pub statements: Vec<SavedView>,
    /// Its outputs that their authors have something left to do with.
    pub outputs: Vec<RecoveredOutput>,
    /// People of the project.
    pub people: Vec<RecoveredPerson>,
}

/// An output of the workspace: that it is there, not what it says.
#[derive(Debug, Clone, Serialize)]
pub struct RecoveredOutput {
    /// The output.
    pub output: OutputId,
    /// Name of its state.
    pub state: &'static str,
    /// Whose it is.
    pub author: Named,
}

/// Somebody of the project.
#[derive(Debug, Clone, Serialize)]
pub struct RecoveredPerson {
    /// Who.
    pub person: Named,
    /// Whether they may work in it now: then what is theirs stays, and others' can be handed to them.
    pub here: bool,
}

impl Service {
    /// A recovery, for those who may read it.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn recovery(
        &self,
        caller: &Caller,
        id: &RecoveryId,
    ) -> Result<RecoveryView, ServiceError> {
        let (case, _) = self.recovery_for(caller, id, Action::ViewRecovery).await?;
        let views = self.recovery_views(caller, vec![case]).await?;
        views
            .into_iter()
            .next()
            .ok_or(ServiceError::NotFound(Recovery::KIND))
    }

    /// What the caller may do with a recovery as it stands.
    ///
    /// # Errors
    /// If the caller may not read it.
    pub async fn possible_with_recovery(
        &self,
        caller: &Caller,
        id: &RecoveryId,
    ) -> Result<BTreeSet<Action>, ServiceError> {
        let (case, now) = self.recovery_for(caller, id, Action::ViewRecovery).await?;
        let state = case.held.value.state();
        let placed = (Recovery::KIND, state);
        let mut possible = self.possible_to(caller, &case.object(), placed, now);
        let confirmed = case.held.value.opening().map(|o| o.confirmed_by.clone());
        let asked_by = &case.held.value.core().asked_by;
        // It is of two people, not of everybody in their roles.
        if asked_by != caller.id() && confirmed.as_ref() != Some(caller.id()) {
            possible.remove(&Action::ReadRecovery);
        }
        Ok(possible)
    }

    /// Recoveries that the caller may read, newest in their state first, a page at most.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn recoveries(&self, caller: &Caller) -> Result<Vec<RecoveryView>, ServiceError> {
        let states: Vec<&str> = states_of(Recovery::KIND).collect();
        let search = Search {
            states: &states,
            order: Order::NewestFirst,
            limit: self.policies.limits.page,
            ..Search::default()
        };
        let found = self.store.search::<Recovery>(search).await?;
        let ids = found.iter().map(|brief| brief.id.as_str());
        let mut held = self.store.load_all::<Recovery>(ids).await?;
        let in_order = found.iter().filter_map(|brief| held.remove(&brief.id));
        self.readable(caller, in_order.collect()).await
    }

    /// Every recovery of a workspace that the caller may read, newest first: its people see each.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn recoveries_of(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
    ) -> Result<Vec<RecoveryView>, ServiceError> {
        let mut held = self.recoveries_at(workspace).await?;
        held.sort_by_key(|held| Reverse(held.value.core().asked_at));
        self.readable(caller, held).await
    }

    pub(super) async fn recovered(
        &self,
        caller: &Caller,
        project: &InForce,
        (workspace, saved): (&WorkspaceId, Vec<Saved>),
        now: Timestamp,
    ) -> Result<Recovered, ServiceError> {
        let states = Action::HandOverOutput.row().states;
        let filter = Filter {
            project: Some(&project.core.id),
            states,
            ..Filter::default()
        };
        let mut outputs = self.every::<Output>(filter).await?;
        outputs.retain(|held| held.value.core().workspace == *workspace);
        let mut people = project.manifest.people.clone();
        people.extend(saved.iter().map(|saved| saved.person.clone()));
        let ids = people.iter().map(PersonId::as_str);
        let known = self.store.load_all::<Person>(ids).await?;
        people.extend(outputs.iter().map(|held| held.value.core().author.clone()));
        let names = self.names(caller, people).await?;
        let here = |id: &PersonId| {
            let person = known.get(id.as_str()).map(|held| &held.value);
            person.is_some_and(|person| project.permit(person, now).is_ok())
        };
        Ok(Recovered {
            statements: saved.into_iter().map(|s| saved_view(s, &names)).collect(),
            outputs: outputs
                .iter()
                .map(|held| RecoveredOutput {
                    output: held.value.core().id.clone(),
                    state: held.value.state(),
                    author: Named::of(&names, &held.value.core().author),
                })
                .collect(),
            people: project
                .manifest
                .people
                .iter()
                .map(|id| RecoveredPerson {
                    person: Named::of(&names, id),
                    here: here(id),
                })
                .collect(),
        })
    }

    /// Those that the caller may read, in this order.
    async fn readable(
        &self,
        caller: &Caller,
        held: Vec<Held<Recovery>>,
    ) -> Result<Vec<RecoveryView>, ServiceError> {
        let now = self.now()?;
        let mut cases = Vec::with_capacity(held.len());
        for held in held {
            let case = self.case(held).await?;
            let seen = self.authorise(caller, Action::ViewRecovery, &case.object(), now);
            if seen.is_ok() {
                cases.push(case);
            }
        }
        self.recovery_views(caller, cases).await
    }

    async fn recovery_views(
        &self,
        caller: &Caller,
        cases: Vec<Case>,
    ) -> Result<Vec<RecoveryView>, ServiceError> {
        let now = self.now()?;
        let mut people = BTreeSet::new();
        for case in &cases {
            people.insert(case.held.value.core().asked_by.clone());
            people.extend(case.held.value.opening().map(|o| o.confirmed_by.clone()));
        }
        let names = self.names(caller, people).await?;
        let reasons = cases.iter().map(|case| &case.held.value.core().reason);
        let reasons = self.store.documents(reasons).await?;
        let views = cases.into_iter().map(|case| {
            let recovery = &case.held.value;
            let (core, opening) = (recovery.core(), recovery.opening());
            let over = opening.is_some_and(|opening| now >= opening.until);
            let reason = reasons.get(&core.reason).cloned().unwrap_or_default();
            RecoveryView {
                recovery: core.id.clone(),
                workspace: core.workspace.clone(),
                title: case.project.title().to_owned(),
                state: if over { "ended" } else { recovery.state() },
                reason: String::from_utf8(reason).unwrap_or_default(),
                asked_by: Named::of(&names, &core.asked_by),
                asked_at: core.asked_at,
                minutes: core.minutes,
                confirmed_by: opening.map(|o| Named::of(&names, &o.confirmed_by)),
                since: opening.map(|o| o.since),
                until: match recovery {
                    Recovery::Ended { opening, at, .. } => Some((*at).min(opening.until)),
                    Recovery::Open { opening, .. } => Some(opening.until),
                    Recovery::Asked { .. } | Recovery::Refused { .. } | Recovery::Lapsed { .. } => {
                        None
                    }
                },
            }
        });
        Ok(views.collect())
    }
}

fn saved_view(saved: Saved, names: &BTreeMap<PersonId, Named>) -> SavedView {
    SavedView {
        author: Named::of(names, &saved.person),
        own: false,
        shared: saved.seen == Seen::ByAll,
        name: saved.name,
        sql: saved.sql,
        at: saved.at,
    }
}
