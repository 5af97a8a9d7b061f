//! A measurement: one canonical request on one snapshot, from its reservation to its answer.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::account::{Account, Posting, Step};
use super::budget::Family;
use super::loss::Loss;
use super::state::{Answer, Core, Lost, Measurement};
use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::extract::Extract;
use crate::ids::{BudgetId, ExtractId, JobId, MeasurementId, PersonId, ProjectId, Sha256};
use crate::project::Permit;
use crate::refusal::Refusal;
use crate::workspace::Workspace;

/// Most datasets that one question may touch.
pub const DATASETS_MAX: usize = 8;
/// Longest time that a reservation is held before it runs, in seconds.
pub const RESERVED_S_MAX: i64 = 3_600;

/// A question, priced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Hash of the canonical request: every spelling of the question has this one.
    pub request: Sha256,
    /// Hash of the request as it was sent, a key into the documents.
    pub text: Sha256,
    /// Its price, rounded up.
    pub price: Loss,
    /// The reservation is given back unless it runs by then.
    pub until: Timestamp,
}

/// Where a question is put.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Under which permit.
    pub permit: &'a Permit,
    /// In which workspace.
    pub workspace: &'a Workspace,
    /// To which extract.
    pub extract: &'a Extract,
}

impl Measurement {
    /// What it knows.
    #[must_use]
    pub fn core(&self) -> &Core {
        match self {
            Self::Reserved { core, .. }
            | Self::Running { core, .. }
            | Self::UnderReview { core, .. }
            | Self::Released { core, .. }
            | Self::Withheld { core, .. }
            | Self::Forfeited { core, .. }
            | Self::Freed { core } => core,
        }
    }

    /// Reserves the price of a question that was never put to this snapshot, in three accounts of every family
    /// that it touches. `families` has one for each dataset that the question reads.
    ///
    /// # Errors
    /// If the permit is another person's or has ended, the workspace is not open, the extract is not its own
    /// and sealed under the permit's manifest, the price is out of range, or there is no family.
    pub fn reserve(
        ask: &Ask,
        place: Place<'_>,
        families: &[Family],
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let action = Action::ReserveMeasurement;
        begin(ask, place, families, action, 1, by, at)
    }

    /// Reserves it once more, after it ended without an answer. Whoever asks now is its author now.
    ///
    /// # Errors
    /// As [`Measurement::reserve`]; [`Refusal::Measuring`] and [`Refusal::Measured`] while it is under way or
    /// answered; if it is another question with the same id.
    pub fn reserve_again(
        self,
        ask: &Ask,
        place: Place<'_>,
        families: &[Family],
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let action = Action::ReserveMeasurementAgain;
        let (Self::Freed { core } | Self::Forfeited { core, .. }) = &self else {
            return Err(action.wrong_state(Self::KIND, self.state()));
        };
        let round = core.round.saturating_add(1);
        let change = begin(ask, place, families, action, round, by, at)?;
        let next = change.to().core();
        if next.request != core.request
            || next.snapshot != core.snapshot
            || next.project != core.project
        {
            return Err(Refusal::Elsewhere("this measurement"));
        }
        Ok(change)
    }

    /// Whether this is the answer to a question of a project; then it costs nothing.
    ///
    /// # Errors
    /// [`Refusal::Measuring`] while it is under way; [`Refusal::LabelsUnderReview`] and
    /// [`Refusal::LabelsWithheld`] where an output checker has yet to look at the labels, or kept them;
    /// [`Refusal::Elsewhere`] for another question or project.
    pub fn answers(
        &self,
        request: &Sha256,
        snapshot: &Sha256,
        project: &ProjectId,
    ) -> Result<Option<&Answer>, Refusal> {
        let core = self.core();
        if core.request != *request || core.snapshot != *snapshot || core.project != *project {
            return Err(Refusal::Elsewhere("this measurement"));
        }
        match self {
            Self::Released { answer, .. } => Ok(Some(answer)),
            Self::Reserved { .. } | Self::Running { .. } => Err(Refusal::Measuring),
            Self::UnderReview { .. } => Err(Refusal::LabelsUnderReview),
            Self::Withheld { .. } => Err(Refusal::LabelsWithheld),
            Self::Forfeited { .. } | Self::Freed { .. } => Ok(None),
        }
    }

    /// Has it run under a job. From here on data counts as read.
    ///
    /// # Errors
    /// If it is not reserved, somebody else asks, the permit does not cover it, the moment is not within the
    /// reservation (a clock moved), or the extract is not the snapshot that was priced.
    pub fn run(
        self,
        job: JobId,
        permit: &Permit,
        extract: &Extract,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Reserved { core, since, until } = self else {
            return Err(Action::RunMeasurement.wrong_state(Self::KIND, state));
        };
        permit.must_cover_measuring(&core.price, by, at)?;
        if permit.counts() != core.feasibility.as_ref() {
            return Err(Refusal::Elsewhere("this measurement"));
        }
        if *by != core.author {
            return Err(Refusal::NotTheAuthor("measurement"));
        }
        if *permit.project() != core.project {
            return Err(Refusal::Elsewhere("this measurement"));
        }
        if at < since || at > until {
            return Err(Refusal::Lapsed);
        }
        if snapshot(extract, permit)? != (&core.extract, &core.snapshot) {
            return Err(Refusal::NotApproved("the snapshot of this measurement"));
        }
        let word = job.to_string();
        let to = Self::Running { core, job };
        let by = By::Person(by.clone());
        Ok(Change::new(to, Action::RunMeasurement, &by, at).fact("job", &word))
    }

    /// Its answer is released: what was held is spent. `void` are the families whose statement has ended by now.
    ///
    /// # Errors
    /// If it does not run, or under another job; if groups in the answer were found in the data.
    pub fn release(
        self,
        job: &JobId,
        sha256: Sha256,
        void: &BTreeSet<BudgetId>,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let action = Action::ReleaseMeasurement;
        let (core, answer) = self.answered(job, sha256, void, action, at)?;
        if core.finds_labels() {
            return Err(Refusal::LabelsUnderReview);
        }
        let (facts, told) = (core.clone(), answer.clone());
        let to = Self::Released {
            core,
            answer,
            labels_checked_by: None,
        };
        Ok(spent(to, action, &facts, &told))
    }

    /// Its answer waits for an output checker: what was held is spent. `void` as in [`Measurement::release`].
    ///
    /// # Errors
    /// If it does not run, or under another job; if every group in the answer was named in the request.
    pub fn hold(
        self,
        job: &JobId,
        sha256: Sha256,
        void: &BTreeSet<BudgetId>,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let action = Action::HoldMeasurement;
        let (core, answer) = self.answered(job, sha256, void, action, at)?;
        if !core.finds_labels() {
            return Err(Refusal::Invalid(
                "this answer has no labels that were found in the data".into(),
            ));
        }
        let (facts, told) = (core.clone(), answer.clone());
        let to = Self::UnderReview { core, answer };
        Ok(spent(to, action, &facts, &told))
    }

    fn answered(
        self,
        job: &JobId,
        sha256: Sha256,
        void: &BTreeSet<BudgetId>,
        action: Action,
        at: Timestamp,
    ) -> Result<(Core, Answer), Refusal> {
        let core = self.running(Some(job), action)?;
        let void = core.void.union(void).cloned().collect();
        let answer = Answer { sha256, void, at };
        Ok((core, answer))
    }

    /// It ended without an answer: what was held is spent.
    ///
    /// # Errors
    /// If it does not run.
    pub fn forfeit(self, lost: Lost, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let core = self.running(None, Action::ForfeitMeasurement)?;
        let postings = postings(&core, Step::Spend);
        let facts = core.clone();
        let to = Self::Forfeited { core, lost };
        let change = Change::new(to, Action::ForfeitMeasurement, &By::System, at);
        Ok(tell(change, &facts)
            .fact("lost", lost.word())
            .book(postings))
    }

    /// Its author takes the reservation back before it ran.
    ///
    /// # Errors
    /// If it is not reserved, or somebody else does.
    pub fn withdraw(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        if let Self::Reserved { core, .. } = &self
            && core.author != *by
        {
            return Err(Refusal::NotTheAuthor("measurement"));
        }
        self.free(Action::WithdrawMeasurement, &By::Person(by.clone()), at)
    }

    /// Gives a reservation back that was not used in time.
    ///
    /// # Errors
    /// If it is not reserved, or still has time.
    pub fn expire(self, at: Timestamp) -> Result<Change<Self>, Refusal> {
        if let Self::Reserved { until, .. } = &self
            && at <= *until
        {
            return Err(Refusal::Invalid(format!(
                "the reservation is held until {until}"
            )));
        }
        self.free(Action::ExpireMeasurement, &By::System, at)
    }

    fn free(self, action: Action, by: &By, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Reserved { core, .. } = self else {
            return Err(action.wrong_state(Self::KIND, state));
        };
        let postings = postings(&core, Step::Free);
        let facts = core.clone();
        let change = Change::new(Self::Freed { core }, action, by, at);
        Ok(tell(change, &facts).book(postings))
    }

    fn running(self, job: Option<&JobId>, action: Action) -> Result<Core, Refusal> {
        let state = self.state();
        match self {
            Self::Running { core, job: its } => match job {
                Some(job) if *job != its => Err(Refusal::Elsewhere("this job")),
                Some(_) | None => Ok(core),
            },
            Self::Reserved { .. }
            | Self::UnderReview { .. }
            | Self::Released { .. }
            | Self::Withheld { .. }
            | Self::Forfeited { .. }
            | Self::Freed { .. } => Err(action.wrong_state(Self::KIND, state)),
        }
    }
}

fn begin(
    ask: &Ask,
    place: Place<'_>,
    families: &[Family],
    action: Action,
    round: u32,
    by: &PersonId,
    at: Timestamp,
) -> Result<Change<Measurement>, Refusal> {
    let permit = place.permit;
    permit.must_cover_measuring(&ask.price, by, at)?;
    let (extract, snapshot) = snapshot(place.extract, permit)?;
    let place = place.workspace.must_be_open(action)?;
    if place.project != *permit.project() || place.extract != *extract {
        return Err(Refusal::Elsewhere("this workspace"));
    }
    must_be_priced(ask, at)?;
    if families.is_empty() || families.len() > DATASETS_MAX {
        return Err(Refusal::Invalid(format!(
            "a question reads between 1 and {DATASETS_MAX} datasets"
        )));
    }
    let accounts = accounts(families, &place.project, by);
    let core = Core {
        id: MeasurementId::of(&ask.request, snapshot),
        author: by.clone(),
        project: place.project,
        workspace: place.id,
        extract: extract.clone(),
        snapshot: snapshot.clone(),
        request: ask.request.clone(),
        text: ask.text.clone(),
        price: ask.price,
        accounts: accounts.keys().cloned().collect(),
        void: void(families),
        round,
        feasibility: permit.counts().cloned(),
    };
    let postings = accounts
        .into_iter()
        .map(|(account, (cap, version))| Posting {
            account,
            step: Step::Hold { cap, version },
            loss: ask.price,
        })
        .collect();
    let facts = core.clone();
    let to = Measurement::Reserved {
        core,
        since: at,
        until: ask.until,
    };
    let mut change = Change::new(to, action, &By::Person(by.clone()), at);
    if let Some(dataset) = &facts.feasibility {
        change = change.fact("feasibility", dataset);
    }
    Ok(tell(change, &facts)
        .fact("request", &facts.request)
        .fact("snapshot", &facts.snapshot)
        .fact("extract", &facts.extract)
        .fact("manifest", permit.manifest())
        .fact("round", round)
        .book(postings))
}

/// The sealed extract of the permit's project under the permit's manifest, with its hash.
fn snapshot<'a>(
    extract: &'a Extract,
    permit: &Permit,
) -> Result<(&'a ExtractId, &'a Sha256), Refusal> {
    let Extract::Sealed { core, file, .. } = extract else {
        return Err(Action::RunMeasurement.wrong_state(Extract::KIND, extract.state()));
    };
    if core.project != *permit.project() || core.manifest != *permit.manifest() {
        return Err(Refusal::NotApproved("this extract"));
    }
    Ok((&core.id, &file.sha256))
}

fn must_be_priced(ask: &Ask, at: Timestamp) -> Result<(), Refusal> {
    ask.price.must_be_a_price()?;
    let longest = at
        .checked_add(SignedDuration::from_secs(RESERVED_S_MAX))
        .map_err(|_| Refusal::Lapsed)?;
    if ask.until < at || ask.until > longest {
        return Err(Refusal::Invalid(format!(
            "a reservation is held for at most {RESERVED_S_MAX} seconds"
        )));
    }
    Ok(())
}

/// Three accounts of every family, each once however many of its datasets are read.
fn accounts(
    families: &[Family],
    project: &ProjectId,
    person: &PersonId,
) -> BTreeMap<Account, (Loss, i64)> {
    let mut accounts = BTreeMap::new();
    for family in families {
        let Some(caps) = family.budget.caps() else {
            continue;
        };
        let budget = family.budget.budget();
        for account in [
            Account::People {
                budget: budget.clone(),
            },
            Account::Project {
                budget: budget.clone(),
                project: project.clone(),
            },
            Account::Researcher {
                budget: budget.clone(),
                person: person.clone(),
            },
        ] {
            let cap = caps.of(&account);
            accounts.insert(account, (cap, family.version));
        }
    }
    accounts
}

fn void(families: &[Family]) -> BTreeSet<BudgetId> {
    families
        .iter()
        .filter(|family| family.budget.void_by().is_some())
        .map(|family| family.budget.budget().clone())
        .collect()
}

fn postings(core: &Core, step: Step) -> Vec<Posting> {
    core.accounts
        .iter()
        .map(|account| Posting {
            account: account.clone(),
            step,
            loss: core.price,
        })
        .collect()
}

/// The answer is there: what was held is spent.
fn spent(to: Measurement, action: Action, core: &Core, answer: &Answer) -> Change<Measurement> {
    let change = Change::new(to, action, &By::System, answer.at);
    tell_answer(change, core, answer).book(postings(core, Step::Spend))
}

/// The answer in the facts of the leaf, so that the leaf proves it.
pub(super) fn tell_answer(
    change: Change<Measurement>,
    core: &Core,
    answer: &Answer,
) -> Change<Measurement> {
    let void: Vec<String> = answer.void.iter().map(ToString::to_string).collect();
    tell(change, core)
        .fact("bytes", &answer.sha256)
        .fact("request", &core.request)
        .fact("snapshot", &core.snapshot)
        .fact("void", void)
}

/// What is booked, in the facts of the leaf: with them the log alone gives every account.
pub(super) fn tell(change: Change<Measurement>, core: &Core) -> Change<Measurement> {
    let accounts: Vec<String> = core.accounts.iter().map(ToString::to_string).collect();
    change
        .fact("accounts", accounts)
        .fact("nano_rho", core.price.nano_rho)
        .fact("atto_delta", core.price.atto_delta)
}
