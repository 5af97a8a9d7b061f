//! Acts of controllers on their budgets, and who spent what.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use governance::dataset::Dataset;
use governance::measure::{Account, Balance, Budget, Caps, Family, Level, Loss};
use governance::project::Project;
use governance::{
    Action, Batch, BudgetId, DatasetId, Lifecycle, OutputId, PersonId, ProjectId, Refusal,
    Timestamp,
};
use serde::Serialize;
use store::Held;

use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service};

/// Version of what was just begun.
const FIRST: i64 = 1;

/// One account: what is held, what is spent, what is left of its cap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountView {
    /// People, project or researcher.
    pub level: Level,
    /// Which project or researcher; none for the people.
    pub whose: Option<String>,
    /// The cap that is in force now.
    pub cap: Loss,
    /// Held for questions that wait or run.
    pub held: Loss,
    /// Spent for good.
    pub spent: Loss,
    /// What is left.
    pub left: Loss,
}

/// What is left to ask a question with, over all accounts that it is charged to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remaining {
    /// The budget.
    pub budget: BudgetId,
    /// The people's account, the project's and the researcher's.
    pub accounts: Vec<AccountView>,
    /// Whether an exact release ended the statement of differential privacy for these people.
    pub void_by: Option<OutputId>,
}

/// A privacy budget as those see it who may.
#[derive(Debug, Clone, Serialize)]
pub struct BudgetView {
    /// The budget, where the accounts are: of a copy, that of the first dataset.
    pub budget: BudgetId,
    /// Name of the state.
    pub state: &'static str,
    /// The dataset that was asked about.
    pub dataset: DatasetId,
    /// The dataset that opened the budget.
    pub of: DatasetId,
    /// Who answers for it.
    pub controller: PersonId,
    /// What may be learnt.
    pub caps: Caps,
    /// The exact release that ended the statement, if one did.
    pub void_by: Option<OutputId>,
    /// When it did.
    pub void_since: Option<Timestamp>,
    /// Accounts that were ever used, the people's first, then those that spent most; at most a page.
    pub accounts: Vec<AccountView>,
}

fn view(caps: &Caps, account: &Account, balance: Balance) -> AccountView {
    let cap = caps.of(account);
    let whose = match account {
        Account::People { .. } => None,
        Account::Project { project, .. } => Some(project.to_string()),
        Account::Researcher { person, .. } => Some(person.to_string()),
    };
    AccountView {
        level: account.level(),
        whose,
        cap,
        held: balance.held,
        spent: balance.spent,
        left: balance.used().unwrap_or(cap).left_of(cap),
    }
}

fn object(dataset: &Dataset) -> Object {
    Object::new(Budget::KIND).controllers([dataset.controller.clone()])
}

impl Service {
    /// Opens the privacy budget of a dataset.
    ///
    /// # Errors
    /// If the caller is not its controller, it is open already, or a cap is out of range.
    pub async fn open_budget(
        &self,
        caller: &Caller,
        dataset: &DatasetId,
        caps: Caps,
    ) -> Result<BudgetId, ServiceError> {
        let now = self.now()?;
        let dataset = self.load::<Dataset>(dataset.as_str()).await?.value;
        self.authorise(caller, Action::OpenBudget, &object(&dataset), now)?;
        let open = Budget::open(&dataset, caps, caller.id(), now)?;
        let opened = open.to().clone();
        let id = opened.budget().clone();
        let mut batch = Batch::new().begin(open)?;
        let _until_recorded = self.statements.lock().await;
        if let Some(output) = self.exact_release(&dataset.id).await? {
            batch = batch.change(FIRST, opened.void(&output, now)?)?;
        }
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(id)
    }

    /// Lets a dataset that is a copy share the budget of another, for good.
    ///
    /// # Errors
    /// If the caller is not the controller of both, or the copy has a budget already.
    pub async fn join_budget(
        &self,
        caller: &Caller,
        dataset: &DatasetId,
        other: &DatasetId,
    ) -> Result<BudgetId, ServiceError> {
        let now = self.now()?;
        let dataset = self.load::<Dataset>(dataset.as_str()).await?.value;
        self.authorise(caller, Action::JoinBudget, &object(&dataset), now)?;
        let _until_recorded = self.statements.lock().await;
        let other = self.load::<Budget>(BudgetId::of(other).as_str()).await?;
        let join = Budget::join(&dataset, &other.value, caller.id(), now)?;
        let id = other.value.budget().clone();
        let mut batch = Batch::new().begin(join)?;
        // What left of the copy was over the same people.
        if let Some(output) = self.exact_release(&dataset.id).await?
            && other.value.void_by().is_none()
        {
            batch = batch.change(other.version, other.value.void(&output, now)?)?;
        }
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(id)
    }

    /// Sets the caps of a dataset's budget anew.
    ///
    /// # Errors
    /// If the caller is not its controller, it is a copy, or a cap is out of range.
    pub async fn set_caps(
        &self,
        caller: &Caller,
        dataset: &DatasetId,
        caps: Caps,
    ) -> Result<BudgetId, ServiceError> {
        let now = self.now()?;
        let held = self.load::<Budget>(BudgetId::of(dataset).as_str()).await?;
        let controller = held.value.controller().clone();
        let object = Object::of(&held.value).controllers([controller]);
        self.authorise(caller, Action::SetCaps, &object, now)?;
        let id = held.value.budget().clone();
        let change = held.value.set_caps(caps, caller.id(), now)?;
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(id)
    }

    /// The privacy budget of a dataset: caps, and who spent what.
    ///
    /// # Errors
    /// If the caller is neither its controller nor an auditor, or there is none.
    pub async fn budget(
        &self,
        caller: &Caller,
        dataset: &DatasetId,
    ) -> Result<BudgetView, ServiceError> {
        let now = self.now()?;
        let family = self.family(dataset).await?;
        let budget = family.budget();
        let object = Object::of(budget).controllers([budget.controller().clone()]);
        self.authorise(caller, Action::ViewBudget, &object, now)?;
        let caps = budget
            .caps()
            .cloned()
            .ok_or(ServiceError::NotFound("budget"))?;
        let accounts = self.every_account(budget.budget()).await?;
        let mut accounts: Vec<AccountView> = accounts
            .into_iter()
            .map(|(account, balance)| view(&caps, &account, balance))
            .collect();
        accounts.sort_by(|a, b| (a.level, b.spent.nano_rho).cmp(&(b.level, a.spent.nano_rho)));
        accounts.truncate(usize::try_from(self.policies.limits.page).unwrap_or(usize::MAX));
        Ok(BudgetView {
            budget: budget.budget().clone(),
            state: budget.state(),
            dataset: dataset.clone(),
            of: budget.dataset().clone(),
            controller: budget.controller().clone(),
            void_by: budget.void_by().cloned(),
            void_since: match budget {
                Budget::Void { since, .. } => Some(*since),
                Budget::Open { .. } | Budget::Joined { .. } => None,
            },
            caps,
            accounts,
        })
    }

    async fn every_account(
        &self,
        budget: &BudgetId,
    ) -> Result<Vec<(Account, Balance)>, ServiceError> {
        let mut all: Vec<(Account, Balance)> = Vec::new();
        loop {
            let after = all.last().map(|(account, _)| account.clone());
            let page = self.store.accounts(budget, after.as_ref()).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// What is left to the caller in a project, for each family of its datasets that has a budget.
    ///
    /// # Errors
    /// If the caller is not on the project.
    pub async fn meter(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<Vec<Remaining>, ServiceError> {
        let now = self.now()?;
        let project = self.load::<Project>(id.as_str()).await?.value;
        self.authorise_project(caller, Action::ViewProject, &project, now)
            .await?;
        if !project.people().contains(caller.id()) {
            return Err(Refusal::NotAMember.into());
        }
        let asked = project.manifest().map(|m| m.datasets.clone());
        let mut meter: BTreeMap<BudgetId, Remaining> = BTreeMap::new();
        for asked in asked.unwrap_or_default() {
            let family = match self.family(&asked.dataset).await {
                Ok(family) => family,
                // Nobody measures it, so there is nothing to read off.
                Err(ServiceError::Refused(Refusal::NoBudget(_))) => continue,
                Err(error) => return Err(error),
            };
            let budget = family.budget().budget().clone();
            if let Entry::Vacant(free) = meter.entry(budget) {
                free.insert(self.remaining(&family, id, caller.id()).await?);
            }
        }
        Ok(meter.into_values().collect())
    }

    /// The family of a dataset, as it is now.
    pub(crate) async fn family(&self, dataset: &DatasetId) -> Result<Family, ServiceError> {
        let own = BudgetId::of(dataset);
        let own: Option<Held<Budget>> = self.store.load(own.as_str()).await?;
        let shared = match own.as_ref().and_then(|held| held.value.shared()) {
            Some(to) => self.store.load::<Budget>(to.as_str()).await?,
            None => None,
        };
        let part = |held: Held<Budget>| (held.value, held.version);
        Ok(Family::of(dataset, own.map(part), shared.map(part))?)
    }

    /// What is left in the accounts that a question of this person in this project is charged to.
    pub(crate) async fn remaining(
        &self,
        family: &Family,
        project: &ProjectId,
        person: &PersonId,
    ) -> Result<Remaining, ServiceError> {
        let budget = family.budget();
        let id = budget.budget().clone();
        let caps = budget
            .caps()
            .cloned()
            .ok_or(ServiceError::NotFound("budget"))?;
        let mut accounts = Vec::new();
        for account in [
            Account::People { budget: id.clone() },
            Account::Project {
                budget: id.clone(),
                project: project.clone(),
            },
            Account::Researcher {
                budget: id.clone(),
                person: person.clone(),
            },
        ] {
            let balance = self.store.balance(&account).await?;
            accounts.push(view(&caps, &account, balance));
        }
        Ok(Remaining {
            budget: id,
            accounts,
            void_by: budget.void_by().cloned(),
        })
    }
}
