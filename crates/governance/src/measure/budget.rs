//! Budgets: how much a controller lets be learnt of a dataset's people, for life.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::loss::{ATTO_DELTA_MAX, Loss, NANO_RHO_MAX};
use crate::action::Action;
use crate::change::{By, Change, Lifecycle, Tie, TieKind};
use crate::dataset::{Dataset, Purpose};
use crate::ids::{BudgetId, DatasetId, OutputId, PersonId, ProjectId};
use crate::refusal::Refusal;

/// Most projects with a cap of their own.
pub const PROJECTS_MAX: usize = 1_000;

/// Caps of the three levels. Nothing refills them: a cap is for life, and only its controller moves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caps {
    /// What may be learnt of the people by all projects together.
    pub people: Loss,
    /// What any one project may learn.
    pub project: Loss,
    /// What any one researcher may learn, in all their projects.
    pub researcher: Loss,
    /// Projects with a cap of their own instead.
    #[serde(default)]
    pub projects: BTreeMap<ProjectId, Loss>,
}

impl Caps {
    fn validate(&self) -> Result<(), Refusal> {
        let named = self.projects.values();
        let all = [&self.people, &self.project, &self.researcher];
        if !all.into_iter().chain(named).all(|loss| loss.sane()) {
            return Err(Refusal::Invalid(format!(
                "a cap is at most {NANO_RHO_MAX} billionths of rho and a delta of {ATTO_DELTA_MAX} units of 10^-18"
            )));
        }
        if self.projects.len() > PROJECTS_MAX {
            return Err(Refusal::Invalid(format!(
                "at most {PROJECTS_MAX} projects have a cap of their own"
            )));
        }
        Ok(())
    }

    /// The cap of an account.
    #[must_use]
    pub fn of(&self, account: &Account) -> Loss {
        match account {
            Account::People { .. } => self.people,
            Account::Project { project, .. } => {
                self.projects.get(project).copied().unwrap_or(self.project)
            }
            Account::Researcher { .. } => self.researcher,
        }
    }
}

/// The privacy budget of a dataset family.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Budget {
    /// The statement of differential privacy stands for the family's people.
    Open {
        /// Id, from the dataset's.
        id: BudgetId,
        /// The dataset.
        dataset: DatasetId,
        /// Who answers for it.
        controller: PersonId,
        /// What may be learnt.
        caps: Caps,
    },
    /// Something exact about the same people left: the accounts go on, the statement does not stand any more.
    Void {
        /// Id, from the dataset's.
        id: BudgetId,
        /// The dataset.
        dataset: DatasetId,
        /// Who answers for it.
        controller: PersonId,
        /// What may be learnt.
        caps: Caps,
        /// The exact release.
        by: OutputId,
        /// When.
        since: Timestamp,
    },
    /// A copy of another dataset: its people have their account there, for good.
    Joined {
        /// Id, from the dataset's.
        id: BudgetId,
        /// The dataset.
        dataset: DatasetId,
        /// Who answers for it.
        controller: PersonId,
        /// The budget that it shares.
        to: BudgetId,
    },
}

impl Lifecycle for Budget {
    const KIND: &'static str = "budget";
    fn id(&self) -> &str {
        self.budget().as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        None
    }
    fn state(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Void { .. } => "void",
            Self::Joined { .. } => "joined",
        }
    }
    fn ties(&self) -> BTreeSet<Tie> {
        let mut ties = BTreeSet::from([
            Tie::new(TieKind::On, self.controller()),
            Tie::new(TieKind::Of, self.dataset()),
        ]);
        if let Self::Joined { to, .. } = self {
            ties.insert(Tie::new(TieKind::Of, to));
        }
        ties
    }
}

impl Budget {
    /// Its id.
    #[must_use]
    pub fn budget(&self) -> &BudgetId {
        match self {
            Self::Open { id, .. } | Self::Void { id, .. } | Self::Joined { id, .. } => id,
        }
    }

    /// Who answers for it.
    #[must_use]
    pub fn controller(&self) -> &PersonId {
        match self {
            Self::Open { controller, .. }
            | Self::Void { controller, .. }
            | Self::Joined { controller, .. } => controller,
        }
    }

    /// The dataset.
    #[must_use]
    pub fn dataset(&self) -> &DatasetId {
        match self {
            Self::Open { dataset, .. }
            | Self::Void { dataset, .. }
            | Self::Joined { dataset, .. } => dataset,
        }
    }

    /// What may be learnt; none of a copy, which has no accounts of its own.
    #[must_use]
    pub fn caps(&self) -> Option<&Caps> {
        match self {
            Self::Open { caps, .. } | Self::Void { caps, .. } => Some(caps),
            Self::Joined { .. } => None,
        }
    }

    /// The budget that a copy shares.
    #[must_use]
    pub fn shared(&self) -> Option<&BudgetId> {
        match self {
            Self::Joined { to, .. } => Some(to),
            Self::Open { .. } | Self::Void { .. } => None,
        }
    }

    /// The exact release that ended the statement, if one did.
    #[must_use]
    pub fn void_by(&self) -> Option<&OutputId> {
        match self {
            Self::Void { by, .. } => Some(by),
            Self::Open { .. } | Self::Joined { .. } => None,
        }
    }

    /// Opens the budget of a dataset.
    ///
    /// # Errors
    /// If somebody else than its controller does, it holds identifiers only, or a cap is out of range.
    pub fn open(
        dataset: &Dataset,
        caps: Caps,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        dataset.must_control(by)?;
        must_hold_payload(dataset)?;
        caps.validate()?;
        let said = caps.clone();
        let to = Self::Open {
            id: BudgetId::of(&dataset.id),
            dataset: dataset.id.clone(),
            controller: dataset.controller.clone(),
            caps,
        };
        let by = By::Person(by.clone());
        let change = Change::new(to, Action::OpenBudget, &by, at).fact("dataset", &dataset.id);
        Ok(tell(change, &said))
    }

    /// Lets a copy of a dataset (a re-delivery under a new name, a part of it) share the budget of the first.
    /// It cannot be undone: the people have one account for life.
    ///
    /// # Errors
    /// If the two have not the same controller, the controller does not ask, or the other is a copy itself.
    pub fn join(
        dataset: &Dataset,
        other: &Self,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        dataset.must_control(by)?;
        must_hold_payload(dataset)?;
        if other.controller() != by {
            return Err(Refusal::NotTheController(other.dataset().clone()));
        }
        if other.caps().is_none() || other.dataset() == &dataset.id {
            return Err(Action::JoinBudget.wrong_state(Self::KIND, other.state()));
        }
        let to = Self::Joined {
            id: BudgetId::of(&dataset.id),
            dataset: dataset.id.clone(),
            controller: dataset.controller.clone(),
            to: other.budget().clone(),
        };
        let by = By::Person(by.clone());
        Ok(Change::new(to, Action::JoinBudget, &by, at)
            .fact("dataset", &dataset.id)
            .fact("to", other.budget()))
    }

    /// Sets the caps anew, higher or lower. What is spent stays spent: a cap below it stops every further
    /// question.
    ///
    /// # Errors
    /// If somebody else than the controller does, it is a copy, or a cap is out of range.
    pub fn set_caps(
        self,
        caps: Caps,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        if by != self.controller() {
            return Err(Refusal::NotTheController(self.dataset().clone()));
        }
        caps.validate()?;
        let said = caps.clone();
        let mut to = self;
        let state = to.state();
        match &mut to {
            Self::Open { caps: held, .. } | Self::Void { caps: held, .. } => *held = caps,
            Self::Joined { .. } => return Err(Action::SetCaps.wrong_state(Self::KIND, state)),
        }
        let change = Change::new(to, Action::SetCaps, &By::Person(by.clone()), at);
        Ok(tell(change, &said))
    }

    /// An exact table over the same people was released.
    ///
    /// # Errors
    /// If one was before, or it is a copy.
    pub fn void(self, by: &OutputId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Open {
            id,
            dataset,
            controller,
            caps,
        } = self
        else {
            return Err(Action::VoidStatement.wrong_state(Self::KIND, state));
        };
        let to = Self::Void {
            id,
            dataset,
            controller,
            caps,
            by: by.clone(),
            since: at,
        };
        Ok(Change::new(to, Action::VoidStatement, &By::System, at).fact("output", by))
    }
}

/// The family of a dataset: the budget where its people have their account, at the version that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Family {
    pub(super) dataset: DatasetId,
    pub(super) budget: Budget,
    pub(super) version: i64,
}

impl Family {
    /// The family of a dataset, from its own budget and, for a copy, from the one that it shares.
    ///
    /// # Errors
    /// [`Refusal::NoBudget`] if the dataset has none, or what was found does not belong together.
    pub fn of(
        dataset: &DatasetId,
        own: Option<(Budget, i64)>,
        shared: Option<(Budget, i64)>,
    ) -> Result<Self, Refusal> {
        let none = || Refusal::NoBudget(dataset.clone());
        let (own, version) = own.ok_or_else(none)?;
        if own.dataset() != dataset {
            return Err(none());
        }
        let (budget, version) = match own.shared() {
            None => (own, version),
            Some(to) => shared
                .filter(|(budget, _)| budget.budget() == to)
                .ok_or_else(none)?,
        };
        if budget.caps().is_none() {
            return Err(none());
        }
        Ok(Self {
            dataset: dataset.clone(),
            budget,
            version,
        })
    }

    /// The budget.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }
}

fn must_hold_payload(dataset: &Dataset) -> Result<(), Refusal> {
    match dataset.dictionary.purpose {
        Purpose::Payload => Ok(()),
        Purpose::Spine | Purpose::Objections => Err(Refusal::Invalid(
            "a register of identifiers is never measured and has no privacy budget".into(),
        )),
    }
}

/// Tells every cap, so that the log alone says what was allowed when.
fn tell(change: Change<Budget>, caps: &Caps) -> Change<Budget> {
    let projects: Vec<String> = caps
        .projects
        .iter()
        .map(|(project, cap)| format!("{project}:{}:{}", cap.nano_rho, cap.atto_delta))
        .collect();
    change
        .fact("people_nano_rho", caps.people.nano_rho)
        .fact("people_atto_delta", caps.people.atto_delta)
        .fact("project_nano_rho", caps.project.nano_rho)
        .fact("project_atto_delta", caps.project.atto_delta)
        .fact("researcher_nano_rho", caps.researcher.nano_rho)
        .fact("researcher_atto_delta", caps.researcher.atto_delta)
        .fact("projects", projects)
}
