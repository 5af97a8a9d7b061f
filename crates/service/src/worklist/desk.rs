//! What is asked of the caller, desk by desk, and what concerns them beside it.

use std::collections::BTreeSet;

use governance::dataset::Dataset;
use governance::delivery::Delivery;
use governance::indexing::Indexing;
use governance::measure::Measurement;
use governance::output::{Output, Verdict};
use governance::project::Project;
use governance::recovery::Recovery;
use governance::{Action, Lifecycle, TieKind, Timestamp};
use protocol::keeper::Door;
use store::Brief;

use super::Found;
use super::lists::{self, Answer, Purpose, Tied, Wanted};
use crate::cases::{Cases, Standing};
use crate::error::ServiceError;
use crate::{Caller, Service};

/// The state of an application that is decided on: each of its datasets is signed for or unsigned.
const SUBMITTED: &str = "submitted";
/// States in which something may still be asked of somebody.
const LIVE_PROJECTS: &[&str] = &["draft", SUBMITTED, "returned", "approved", "in_force"];
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
/// States in which a delivery of identifiers is under way or kept.
const LIVE_DELIVERIES: &[&str] = &["opened", "identified", "reading", "complete"];

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
/// So many of them are read at once.
const CHAIR_LOOKS: usize = 50;

pub(super) struct Desk<'a> {
    service: &'a Service,
    caller: &'a Caller,
    me: &'a str,
    cases: Cases<'a>,
    now: Timestamp,
    limit: u32,
    /// Datasets with which the caller has to do.
    datasets: &'a [Dataset],
    wanted: Vec<Wanted<'a>>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(
        service: &'a Service,
        caller: &'a Caller,
        datasets: &'a [Dataset],
    ) -> Result<Self, ServiceError> {
        let now = service.now()?;
        let limits = &service.policies.limits;
        Ok(Self {
            service,
            caller,
            me: caller.id().as_str(),
            cases: Cases::new(service, caller, now),
            now,
            limit: limits.worklist.min(limits.page),
            datasets,
            wanted: Vec::new(),
        })
    }

    /// What needs the caller, oldest first; what waits for others and what is done, newest first.
    pub(super) async fn lists(mut self) -> Result<[Vec<Found>; 3], ServiceError> {
        self.due();
        self.panel();
        self.review();
        self.labels();
        self.pairs();
        self.recoveries();
        self.deliveries();
        self.mine();
        let answers = lists::ask(&self.service.store, &self.wanted).await?;
        let mut needs = self.rooms().await?;
        needs.extend(self.asked_of_datasets(&answers).await?);
        let (mut waiting, mut done) = (Vec::new(), Vec::new());
        for answer in answers {
            match answer.purpose {
                Purpose::Ask(Action::SubmitOutput) => {
                    needs.extend(self.to_submit(answer.briefs).await?);
                }
                Purpose::Ask(action) => needs.extend(asked(answer.kind, answer.briefs, action)),
                Purpose::Decide => needs.extend(self.to_decide(answer.briefs).await?),
                Purpose::Wait => waiting.extend(unasked(answer)),
                Purpose::Done => done.extend(unasked(answer)),
                Purpose::Datasets | Purpose::Identified(_) | Purpose::Live(_) => {}
            }
        }
        needs.sort_by(|a, b| (a.brief.since, &a.brief.id).cmp(&(b.brief.since, &b.brief.id)));
        let asked: BTreeSet<String> = needs.iter().map(|f| f.brief.id.clone()).collect();
        let mut seen = BTreeSet::new();
        needs.retain(|found| seen.insert((found.kind, found.brief.id.clone())));
        for list in [&mut waiting, &mut done] {
            list.retain(|f| !asked.contains(&f.brief.id));
            list.sort_by(|a, b| (b.brief.since, &b.brief.id).cmp(&(a.brief.since, &a.brief.id)));
            list.dedup_by(|a, b| a.brief.id == b.brief.id);
        }
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        Ok([needs, waiting, done].map(|mut list| {
            list.truncate(most);
            list
        }))
    }

    fn want<S: Lifecycle>(&self, purpose: Purpose, states: &[&'a str]) -> Wanted<'a> {
        Wanted::of::<S>(purpose, states, self.limit)
    }

    /// Datasets for which the caller answers.
    fn controlled(&self) -> impl Iterator<Item = &'a Dataset> + use<'a> {
        let me = self.me;
        let mine = self.datasets.iter();
        mine.filter(move |d| d.controller.as_str() == me)
    }

    /// Things whose next step is the caller's alone.
    fn due(&mut self) {
        for (kind, state, action) in DUE {
            if !self.cases.may(*action, state, Standing::Author) {
                continue;
            }
            let (purpose, states) = (Purpose::Ask(*action), [*state]);
            let wanted = if *kind == Project::KIND {
                self.want::<Project>(purpose, &states)
            } else {
                self.want::<Output>(purpose, &states)
            };
            self.wanted.push(wanted.tied([(TieKind::Due, self.me)]));
        }
    }

    /// Applications: the panel's votes, the controllers' signatures, the chair's and coordinator's acts.
    fn panel(&mut self) {
        let (off, spoke) = ((TieKind::On, self.me), (TieKind::Spoke, self.me));
        let submitted = [SUBMITTED];
        let votes = Action::VoteOnApplication;
        if self.cases.may(votes, SUBMITTED, Standing::Apart) {
            // A controller signs and does not vote as well.
            let signs = self.controlled().map(|d| (TieKind::Asks, d.id.as_str()));
            let wanted = self.want::<Project>(Purpose::Ask(votes), &submitted);
            let wanted = wanted.untied([off, spoke]).untied(signs);
            self.wanted.push(wanted);
        }
        let signs = Action::SignForDataset;
        let mut unsigned = self
            .controlled()
            .map(|d| (TieKind::Unsigned, d.id.as_str()));
        if let Some(first) = unsigned.next()
            && self.cases.may(signs, SUBMITTED, Standing::Controller)
        {
            let wanted = self.want::<Project>(Purpose::Ask(signs), &submitted);
            let wanted = wanted.tied([first]).tied(unsigned).untied([off]);
            self.wanted.push(wanted);
        }
        let closes = Action::ApproveApplication;
        if self.cases.may(closes, SUBMITTED, Standing::Apart) {
            let wanted = Wanted::of::<Project>(Purpose::Decide, &submitted, CHAIR_LOOKS_MAX);
            let wanted = wanted.tied([(TieKind::Ready, "-")]).untied([off]);
            self.wanted.push(wanted);
        }
        let commences = Action::CommenceProject;
        if self.cases.may(commences, "approved", Standing::Apart) {
            let wanted = self.want::<Project>(Purpose::Ask(commences), &["approved"]);
            self.wanted.push(wanted.untied([off]));
        }
    }

    /// Outputs that wait for a vote or for their release.
    fn review(&mut self) {
        let (on, spoke) = ((TieKind::On, self.me), (TieKind::Spoke, self.me));
        let both = [on, spoke];
        for (action, state, untied) in [
            (Action::VoteOnOutput, "under_review", &both[..]),
            (Action::ReleaseOutput, "approved", &both[..1]),
        ] {
            if self.cases.may(action, state, Standing::Apart) {
                let wanted = self.want::<Output>(Purpose::Ask(action), &[state]);
                let wanted = wanted.untied(untied.iter().copied()).project_untied([on]);
                self.wanted.push(wanted);
            }
        }
    }

    /// Answers with labels that were found in the data and wait to be looked at.
    fn labels(&mut self) {
        let looks = Action::ReleaseLabels;
        let (on, waits) = ([(TieKind::On, self.me)], ["under_review"]);
        if self.cases.may(looks, "under_review", Standing::Apart) {
            let wanted = self.want::<Measurement>(Purpose::Ask(looks), &waits);
            self.wanted.push(wanted.untied(on).project_untied(on));
        }
        let wanted = self.want::<Measurement>(Purpose::Wait, &waits);
        self.wanted.push(wanted.newest().tied(on));
    }

    /// Pairs of records that wait to be judged: only the indexing desk shows them.
    fn pairs(&mut self) {
        let (begins, state) = (Action::BeginReview, "under_review");
        if self.service.desk == Door::Indexing && self.cases.may(begins, state, Standing::Apart) {
            let me = self.me;
            let wanted = self.want::<Indexing>(Purpose::Ask(begins), &[state]);
            let wanted = wanted.untied([(TieKind::Spoke, me)]);
            self.wanted.push(wanted.project_untied([(TieKind::On, me)]));
        }
    }

    /// Recoveries that wait for their second person: any for whoever confirms all, of a controller those of projects
    /// that have a dataset of theirs.
    fn recoveries(&mut self) {
        let confirms = Action::ConfirmRecovery;
        let wanted = self.want::<Recovery>(Purpose::Ask(confirms), &["asked"]);
        let wanted = wanted.project_untied([(TieKind::On, self.me)]);
        if self.cases.may(confirms, "asked", Standing::Apart) {
            self.wanted.push(wanted);
        } else if self.controlled().next().is_some()
            && self.cases.may(confirms, "asked", Standing::Controller)
        {
            let theirs = self.controlled().map(|d| (TieKind::Asks, d.id.as_str()));
            self.wanted.push(wanted.project_tied(theirs));
        }
    }

    /// The caller's datasets, and what was delivered of those that they deliver.
    fn deliveries(&mut self) {
        if self.datasets.is_empty() {
            return;
        }
        let states = ["registered", "instructed"];
        let most = u32::try_from(self.datasets.len()).unwrap_or(u32::MAX);
        let mine = Wanted::of::<Dataset>(Purpose::Datasets, &states, most);
        self.wanted.push(mine.tied([(TieKind::On, self.me)]));
        for (number, dataset) in self.datasets.iter().enumerate() {
            if dataset.instructed_at(self.now).is_err() {
                continue;
            }
            let mut want = |purpose, states: &[&'a str]| {
                let wanted = Wanted::of::<Delivery>(purpose, states, 1);
                let wanted = wanted.tied([(TieKind::Of, dataset.id.as_str())]);
                self.wanted.push(wanted);
            };
            if dataset.payload_from.as_str() == self.me {
                want(Purpose::Identified(number), &["identified"]);
            }
            if dataset.identifiers_from.as_str() == self.me {
                want(Purpose::Live(number), LIVE_DELIVERIES);
            }
        }
    }

    /// Things that the caller is on or has acted on, and of which nothing is asked now.
    fn mine(&mut self) {
        for (purpose, projects, outputs) in [
            (Purpose::Wait, LIVE_PROJECTS, LIVE_OUTPUTS),
            (Purpose::Done, ENDED_PROJECTS, ENDED_OUTPUTS),
        ] {
            self.concerning::<Project>(purpose, Action::ViewProject, projects);
            self.concerning::<Output>(purpose, Action::ViewOutput, outputs);
        }
    }

    fn concerning<S: Lifecycle>(
        &mut self,
        purpose: Purpose,
        view: Action,
        states: &[&'static str],
    ) {
        let (on, acted) = ((TieKind::On, self.me), (TieKind::Acted, self.me));
        let due = (TieKind::Due, self.me);
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
        // A controller follows what is asked of its datasets; what it has yet to sign is asked.
        let under = |tie: TieKind| {
            let ids = self.controlled().map(|d| d.id.as_str());
            ids.map(move |id| (tie, id)).collect::<Vec<Tied<'a>>>()
        };
        let asks = under(TieKind::Asks);
        let as_controller = match asks.as_slice() {
            [] => Vec::new(),
            _ => self.cases.states(view, states, Standing::Controller),
        };
        let (signing, signed): (Vec<&str>, Vec<&str>) =
            as_controller.into_iter().partition(|s| *s == SUBMITTED);
        let newest = |states: &[&'a str]| self.want::<S>(purpose, states).newest();
        let lists = [
            newest(&asked).tied([on]).untied([due]),
            newest(&unasked).tied([on]),
            newest(&as_other).tied([acted]).untied([on]),
            newest(&signing)
                .tied(under(TieKind::Signed))
                .untied(under(TieKind::Unsigned))
                .untied([on]),
            newest(&signed).tied(asks).untied([on]),
        ];
        self.wanted.extend(lists);
    }

    /// Projects in force that wait for indexing, an extract or a workspace.
    async fn rooms(&self) -> Result<Vec<Found>, ServiceError> {
        let mut needs = Vec::new();
        for (action, next) in [
            (Action::OrderIndexing, store::Next::Indexing),
            (Action::OrderExtract, store::Next::Extract),
            (Action::OpenWorkspace, store::Next::Workspace),
        ] {
            if self.cases.may(action, "-", Standing::Apart) {
                let store = &self.service.store;
                let briefs = store.projects_without(next, self.me, self.limit).await?;
                needs.extend(asked(Project::KIND, briefs, action));
            }
        }
        Ok(needs)
    }

    /// Outputs to put before output checkers; one that no version of can be submitted is to be withdrawn.
    async fn to_submit(&self, briefs: Vec<Brief>) -> Result<Vec<Found>, ServiceError> {
        let ids = briefs.iter().map(|b| b.id.as_str());
        let held = self.service.store.load_all::<Output>(ids).await?;
        let failed = |brief: &Brief| {
            matches!(
                held.get(&brief.id).map(|h| &h.value),
                Some(Output::Checked { checked, .. }) if checked.verdict == Verdict::Fail
            )
        };
        let (hopeless, fit) = briefs.into_iter().partition(failed);
        let mut found = asked(Output::KIND, fit, Action::SubmitOutput);
        found.extend(asked(Output::KIND, hopeless, Action::WithdrawOutput));
        Ok(found)
    }

    /// Applications that the chair can close, each with the decision that its votes carry.
    async fn to_decide(&self, briefs: Vec<Brief>) -> Result<Vec<Found>, ServiceError> {
        let (store, tiers) = (&self.service.store, &self.service.policies.tiers);
        let me = self.caller.id();
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        for some in briefs.chunks(CHAIR_LOOKS) {
            let ids = some.iter().map(|b| b.id.as_str());
            let mut held = store.load_all::<Project>(ids).await?;
            for brief in some {
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
                found.extend(asked(Project::KIND, vec![brief.clone()], action));
                if found.len() == most {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// Datasets that wait for an instruction or a delivery, each with its controller's organisation.
    async fn asked_of_datasets(&self, answers: &[Answer]) -> Result<Vec<Found>, ServiceError> {
        let mut waiting = Vec::new();
        for (number, dataset) in self.datasets.iter().enumerate() {
            if let Some(action) = self.asked_of_dataset(number, dataset, answers) {
                waiting.push((dataset, action));
            }
        }
        let controllers = waiting.iter().map(|(d, _)| d.controller.clone());
        let names = self.service.names(self.caller, controllers).await?;
        let mine = answers.iter().find(|a| a.purpose == Purpose::Datasets);
        let mut needs = Vec::new();
        for (dataset, action) in waiting {
            let mut briefs = mine.into_iter().flat_map(|answer| &answer.briefs);
            if let Some(brief) = briefs.find(|brief| brief.id == dataset.id.as_str()) {
                let mut brief = brief.clone();
                if let Some(controller) = names.get(&dataset.controller) {
                    brief.organisation.clone_from(&controller.organisation);
                }
                needs.extend(asked(Dataset::KIND, vec![brief], action));
            }
        }
        Ok(needs)
    }

    fn asked_of_dataset(
        &self,
        number: usize,
        dataset: &Dataset,
        answers: &[Answer],
    ) -> Option<Action> {
        let of = |purpose| answers.iter().find(|answer| answer.purpose == purpose);
        let instructs = Action::GiveInstruction;
        if dataset.instructed_at(self.now).is_err() {
            let state = dataset.state();
            let may = dataset.controller.as_str() == self.me
                && self.cases.may(instructs, state, Standing::Controller);
            may.then_some(instructs)
        } else if of(Purpose::Identified(number)).is_some_and(|a| !a.briefs.is_empty()) {
            Some(Action::DeliverPayload)
        } else if of(Purpose::Live(number)).is_some_and(|a| a.briefs.is_empty()) {
            Some(Action::DeliverIdentifiers)
        } else {
            None
        }
    }
}

fn asked(kind: &'static str, briefs: Vec<Brief>, action: Action) -> Vec<Found> {
    let briefs = briefs.into_iter();
    briefs
        .map(|brief| Found {
            kind,
            brief,
            action: action.word(),
        })
        .collect()
}

fn unasked(answer: Answer) -> impl Iterator<Item = Found> {
    let kind = answer.kind;
    answer.briefs.into_iter().map(move |brief| Found {
        kind,
        brief,
        action: "",
    })
}
