//! What is asked of the caller, desk by desk, and what concerns them beside it.

use std::collections::{BTreeMap, BTreeSet};

use governance::dataset::Dataset;
use governance::output::{Output, Verdict};
use governance::project::Project;
use governance::{Action, Lifecycle, TieKind};
use store::{Brief, Order, Search};

use super::{Desk, Found};
use crate::cases::Standing;
use crate::error::ServiceError;

/// What is asked of the author of a thing that is due.
const DUE: &[(&str, &str, Action)] = &[
    (Project::KIND, "draft", Action::SubmitApplication),
    (Project::KIND, "returned", Action::SubmitApplication),
    (Output::KIND, "checked", Action::SubmitOutput),
    (Output::KIND, "changes_requested", Action::SubmitOutput),
    (Output::KIND, "released", Action::DownloadOutput),
];

/// Most applications that are looked at for the chair's list: ties do not know the site's quorum.
const CHAIR_LOOKS_MAX: u32 = 200;

impl Desk<'_> {
    /// Datasets for which the caller answers.
    fn controlled(&self) -> Vec<Dataset> {
        let mine = self.datasets.iter();
        let mine = mine.filter(|d| d.controller == *self.caller.id());
        mine.cloned().collect()
    }

    fn ask(&mut self, kind: &'static str, briefs: Vec<Brief>, action: Action) {
        self.needs.extend(briefs.into_iter().map(|brief| Found {
            kind,
            brief,
            action: action.word(),
        }));
    }

    /// Things whose next step is the caller's alone.
    pub(super) async fn due(&mut self) -> Result<(), ServiceError> {
        for (kind, state, action) in DUE {
            if !self.cases.may(*action, state, Standing::Author) {
                continue;
            }
            let due = [(TieKind::Due, self.caller.id().as_str())];
            let states = [*state];
            let search = Search {
                states: &states,
                tied: &due,
                limit: self.limit,
                ..Search::default()
            };
            let store = &self.service.store;
            if *kind == Project::KIND {
                let briefs = store.search::<Project>(search).await?;
                self.ask(kind, briefs, *action);
            } else {
                let briefs = store.search::<Output>(search).await?;
                self.ask_about_outputs(briefs, *action).await?;
            }
        }
        Ok(())
    }

    /// An output that no version of can be submitted is to be withdrawn.
    async fn ask_about_outputs(
        &mut self,
        briefs: Vec<Brief>,
        action: Action,
    ) -> Result<(), ServiceError> {
        let ids: Vec<String> = briefs.iter().map(|b| b.id.clone()).collect();
        let held = match action {
            Action::SubmitOutput => {
                let ids = ids.iter().map(String::as_str);
                self.service.store.load_all::<Output>(ids).await?
            }
            _ => BTreeMap::new(),
        };
        let failed = |brief: &Brief| {
            matches!(
                held.get(&brief.id).map(|h| &h.value),
                Some(Output::Checked { checked, .. }) if checked.verdict == Verdict::Fail
            )
        };
        let (hopeless, fit) = briefs.into_iter().partition(failed);
        self.ask(Output::KIND, fit, action);
        self.ask(Output::KIND, hopeless, Action::WithdrawOutput);
        Ok(())
    }

    /// Applications: the panel's votes, the controllers' signatures, the chair's and coordinator's acts.
    pub(super) async fn panel(&mut self) -> Result<(), ServiceError> {
        let service = self.service;
        let me = self.caller.id().as_str();
        let mine = self.controlled();
        let off = (TieKind::On, me);
        let page = Search {
            limit: self.limit,
            ..Search::default()
        };
        let submitted = Search {
            states: &["submitted"],
            ..page
        };
        if self
            .cases
            .may(Action::VoteOnApplication, "submitted", Standing::Apart)
        {
            // A controller signs and does not vote as well.
            let signs = mine.iter().map(|d| (TieKind::Asks, d.id.as_str()));
            let untied: Vec<_> = [off, (TieKind::Spoke, me)]
                .into_iter()
                .chain(signs)
                .collect();
            let search = Search {
                untied: &untied,
                ..submitted
            };
            let briefs = service.store.search::<Project>(search).await?;
            self.ask(Project::KIND, briefs, Action::VoteOnApplication);
        }
        let unsigned: Vec<_> = mine
            .iter()
            .map(|d| (TieKind::Unsigned, d.id.as_str()))
            .collect();
        let signs = self
            .cases
            .may(Action::SignForDataset, "submitted", Standing::Controller);
        if signs && !unsigned.is_empty() {
            let search = Search {
                tied: &unsigned,
                untied: &[off],
                ..submitted
            };
            let briefs = service.store.search::<Project>(search).await?;
            self.ask(Project::KIND, briefs, Action::SignForDataset);
        }
        if self
            .cases
            .may(Action::ApproveApplication, "submitted", Standing::Apart)
        {
            self.chair(submitted).await?;
        }
        if self
            .cases
            .may(Action::CommenceProject, "approved", Standing::Apart)
        {
            let search = Search {
                states: &["approved"],
                untied: &[off],
                ..page
            };
            let briefs = service.store.search::<Project>(search).await?;
            self.ask(Project::KIND, briefs, Action::CommenceProject);
        }
        Ok(())
    }

    /// Applications that the chair can close, each with the decision that its votes carry.
    async fn chair(&mut self, submitted: Search<'_>) -> Result<(), ServiceError> {
        let me = self.caller.id();
        let search = Search {
            tied: &[(TieKind::Ready, "-")],
            untied: &[(TieKind::On, me.as_str())],
            limit: CHAIR_LOOKS_MAX,
            ..submitted
        };
        let store = &self.service.store;
        let briefs = store.search::<Project>(search).await?;
        let mut held = store
            .load_all::<Project>(briefs.iter().map(|b| b.id.as_str()))
            .await?;
        let tiers = &self.service.policies.tiers;
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        for brief in briefs {
            let Some(project) = held.remove(&brief.id).map(|h| h.value) else {
                continue;
            };
            let action = if project.clone().approve(tiers, me, self.now).is_ok() {
                Action::ApproveApplication
            } else if project.clone().refuse(tiers, me, self.now).is_ok() {
                Action::RefuseApplication
            } else if project.return_(tiers, me, self.now).is_ok() {
                Action::ReturnApplication
            } else {
                continue;
            };
            found.push((brief, action));
            if found.len() == most {
                break;
            }
        }
        for (brief, action) in found {
            self.ask(Project::KIND, vec![brief], action);
        }
        Ok(())
    }

    /// Projects in force that wait for indexing, an extract or a workspace.
    pub(super) async fn rooms(&mut self) -> Result<(), ServiceError> {
        let me = self.caller.id().as_str();
        for (action, next) in [
            (Action::OrderIndexing, store::Next::Indexing),
            (Action::OrderExtract, store::Next::Extract),
            (Action::OpenWorkspace, store::Next::Workspace),
        ] {
            if self.cases.may(action, "-", Standing::Apart) {
                let store = &self.service.store;
                let briefs = store.projects_without(next, me, self.limit).await?;
                self.ask(Project::KIND, briefs, action);
            }
        }
        Ok(())
    }

    /// Outputs that wait for a vote or for their release.
    pub(super) async fn review(&mut self) -> Result<(), ServiceError> {
        let me = self.caller.id().as_str();
        let on = [(TieKind::On, me)];
        let spoke = [(TieKind::On, me), (TieKind::Spoke, me)];
        for (action, states, untied) in [
            (Action::VoteOnOutput, &["under_review"], &spoke[..]),
            (Action::ReleaseOutput, &["approved"], &on[..]),
        ] {
            if !self.cases.may(action, states[0], Standing::Apart) {
                continue;
            }
            let search = Search {
                states,
                untied,
                project_untied: &on,
                limit: self.limit,
                ..Search::default()
            };
            let briefs = self.service.store.search::<Output>(search).await?;
            self.ask(Output::KIND, briefs, action);
        }
        Ok(())
    }

    /// Datasets that wait for an instruction or a delivery.
    pub(super) async fn deliveries(&mut self) -> Result<(), ServiceError> {
        let service = self.service;
        let mine = self.datasets.clone();
        let ids: Vec<String> = mine.iter().map(|d| d.id.to_string()).collect();
        let mut briefs: BTreeMap<String, Brief> = service
            .store
            .briefs::<Dataset>(&ids)
            .await?
            .into_iter()
            .map(|brief| (brief.id.clone(), brief))
            .collect();
        for dataset in mine {
            let Some(action) = self.asked_of_dataset(&dataset).await? else {
                continue;
            };
            if let Some(mut brief) = briefs.remove(dataset.id.as_str()) {
                brief.author = Some(dataset.controller);
                self.ask(Dataset::KIND, vec![brief], action);
            }
        }
        Ok(())
    }

    async fn asked_of_dataset(
        &mut self,
        dataset: &Dataset,
    ) -> Result<Option<Action>, ServiceError> {
        let me = self.caller.id();
        if dataset.instructed_at(self.now).is_err() {
            let may = dataset.controller == *me
                && self.cases.may(
                    Action::GiveInstruction,
                    dataset.state(),
                    Standing::Controller,
                );
            return Ok(may.then_some(Action::GiveInstruction));
        }
        let store = &self.service.store;
        let of = [(TieKind::Of, dataset.id.as_str())];
        let search = Search {
            tied: &of,
            limit: 1,
            ..Search::default()
        };
        let in_state = |states| Search { states, ..search };
        if dataset.payload_from == *me {
            let due = store
                .search::<governance::delivery::Delivery>(in_state(&["identified"]))
                .await?;
            if !due.is_empty() {
                return Ok(Some(Action::DeliverPayload));
            }
        }
        if dataset.identifiers_from == *me {
            let live = ["opened", "identified", "reading", "complete"];
            let live = store
                .search::<governance::delivery::Delivery>(in_state(&live))
                .await?;
            if live.is_empty() {
                return Ok(Some(Action::DeliverIdentifiers));
            }
        }
        Ok(None)
    }

    /// Things in these states that the caller is on or has acted on, and of which nothing is asked now.
    pub(super) async fn mine(
        &mut self,
        projects: &[&str],
        outputs: &[&str],
        asked: &BTreeSet<String>,
    ) -> Result<Vec<Found>, ServiceError> {
        let mut found = self
            .concerning::<Project>(Action::ViewProject, projects)
            .await?;
        found.extend(
            self.concerning::<Output>(Action::ViewOutput, outputs)
                .await?,
        );
        found.retain(|f| !asked.contains(&f.brief.id));
        found.sort_by(|a, b| (b.brief.since, &b.brief.id).cmp(&(a.brief.since, &a.brief.id)));
        found.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    async fn concerning<S: Lifecycle>(
        &mut self,
        view: Action,
        states: &[&str],
    ) -> Result<Vec<Found>, ServiceError> {
        let me = self.caller.id().as_str();
        let (on, acted) = ([(TieKind::On, me)], [(TieKind::Acted, me)]);
        let due = [(TieKind::Due, me)];
        let as_member = self.cases.states(view, states, Standing::Member);
        let as_other = self.cases.states(view, states, Standing::Apart);
        // What is due is asked, also past the end of that list; unless the policies keep the author from it,
        // as from a download while their training has lapsed.
        let (asked, unasked): (Vec<&str>, Vec<&str>) = as_member.into_iter().partition(|state| {
            let due = DUE
                .iter()
                .find(|(kind, s, _)| *kind == S::KIND && s == state);
            due.is_some_and(|(_, _, action)| self.cases.may(*action, state, Standing::Author))
        });
        let page = Search {
            order: Order::NewestFirst,
            limit: self.limit,
            ..Search::default()
        };
        // A controller follows what is asked of its datasets; what it has yet to sign is asked.
        let sets = self.controlled();
        let ids = || sets.iter().map(|d| d.id.as_str());
        let asks: Vec<_> = ids().map(|id| (TieKind::Asks, id)).collect();
        let unsigned = ids().map(|id| (TieKind::Unsigned, id));
        let unsigned: Vec<_> = unsigned.chain(on).collect();
        let as_controller = match asks.as_slice() {
            [] => Vec::new(),
            _ => self.cases.states(view, states, Standing::Controller),
        };
        let mut briefs = Vec::new();
        for (states, tied, untied) in [
            (&asked, &on[..], &due[..]),
            (&unasked, &on, &[]),
            (&as_other, &acted, &on),
            (&as_controller, &asks, &unsigned),
        ] {
            let search = Search {
                states,
                tied,
                untied,
                ..page
            };
            briefs.extend(self.service.store.search::<S>(search).await?);
        }
        briefs.sort_by(|a, b| a.id.cmp(&b.id));
        briefs.dedup_by(|a, b| a.id == b.id);
        let found = briefs.into_iter().map(|brief| Found {
            kind: S::KIND,
            brief,
            action: "",
        });
        Ok(found.collect())
    }
}
