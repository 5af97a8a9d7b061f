//! Exact and measured releases over the same people: the exact one ends the statement of differential privacy,
//! and the record says so in the same transaction.

use std::collections::{BTreeMap, BTreeSet};

use governance::measure::{Budget, Fault};
use governance::output::Output;
use governance::project::Project;
use governance::{Action, Batch, BudgetId, DatasetId, OutputId, Refusal, Timestamp};
use serde::Serialize;
use store::{Filter, Held};

use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service};

/// What a check of the accounts against the log found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountsVerdict {
    /// Leaves that were read: all of them.
    pub leaves: u64,
    /// Accounts that the leaves tell of.
    pub accounts: u64,
    /// What is wrong, in words; nothing, in a store that nobody meddled with.
    pub faults: Vec<String>,
}

impl Service {
    /// Adds, to the release of an exact table over these datasets, the end of every statement that it ends.
    pub(crate) async fn void_statements(
        &self,
        mut batch: Batch,
        datasets: Vec<DatasetId>,
        output: &OutputId,
        now: Timestamp,
    ) -> Result<Batch, ServiceError> {
        let mut open: BTreeMap<BudgetId, (Budget, i64)> = BTreeMap::new();
        for dataset in datasets {
            let own = BudgetId::of(&dataset);
            let own: Option<Held<Budget>> = self.store.load(own.as_str()).await?;
            let Some(own) = own else { continue };
            let held = match own.value.shared() {
                Some(to) => self.load::<Budget>(to.as_str()).await?,
                None => own,
            };
            open.insert(held.value.budget().clone(), (held.value, held.version));
        }
        for (budget, version) in open.into_values() {
            match budget.void(output, now) {
                Ok(change) => batch = batch.change(version, change)?,
                // It was ended before.
                Err(Refusal::WrongState { .. }) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok(batch)
    }

    /// Budgets over a project's data whose statement stands: the release of an exact table would end it.
    pub(crate) async fn standing_statements(
        &self,
        project: &Project,
    ) -> Result<Vec<BudgetId>, ServiceError> {
        let asked = project.manifest().map(|m| m.datasets.clone());
        let mut standing = BTreeSet::new();
        for asked in asked.unwrap_or_default() {
            match self.family(&asked.dataset).await {
                Ok(family) if family.budget().void_by().is_none() => {
                    standing.insert(family.budget().budget().clone());
                }
                // Ended before, or never measured.
                Ok(_) | Err(ServiceError::Refused(Refusal::NoBudget(_))) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(standing.into_iter().collect())
    }

    /// An exact table over the people of a dataset that has left, whether or not it was called back since. The
    /// statement of a budget that is opened after it does not stand from the start.
    pub(crate) async fn exact_release(
        &self,
        dataset: &DatasetId,
    ) -> Result<Option<OutputId>, ServiceError> {
        let mut after: Option<String> = None;
        loop {
            let filter = Filter {
                states: &["released", "recalled"],
                limit: self.policies.limits.page,
                after: after.as_deref(),
                ..Filter::default()
            };
            let page = self.store.list::<Output>(filter).await?;
            let Some(last) = page.last() else {
                return Ok(None);
            };
            after = Some(last.value.core().id.to_string());
            let ids: BTreeSet<String> = page
                .iter()
                .map(|held| held.value.core().project.to_string())
                .collect();
            let projects = ids.iter().map(String::as_str);
            let projects = self.store.load_all::<Project>(projects).await?;
            for held in page {
                let core = held.value.core();
                let project = projects.get(core.project.as_str());
                let manifest = project.and_then(|p| p.value.manifest());
                // Of a destroyed project the manifest may be gone: then it may have been over anybody.
                let over =
                    manifest.is_none_or(|m| m.datasets.iter().any(|d| d.dataset == *dataset));
                if over {
                    return Ok(Some(core.id.clone()));
                }
            }
        }
    }

    /// Recomputes every account of privacy loss from the log alone and holds the store's table against it.
    ///
    /// # Errors
    /// If the caller may not read the log, or a leaf cannot be read.
    pub async fn check_accounts(&self, caller: &Caller) -> Result<AccountsVerdict, ServiceError> {
        self.authorise(caller, Action::ViewLog, &Object::new("log"), self.now()?)?;
        let check = self.store.check_accounts().await?;
        Ok(AccountsVerdict {
            leaves: check.leaves,
            accounts: u64::try_from(check.told.len()).unwrap_or(u64::MAX),
            faults: check.faults.iter().map(Fault::to_string).collect(),
        })
    }
}
