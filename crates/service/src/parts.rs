//! What belongs to a project or a dataset, in lists, each as far as the caller may see it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use governance::dataset::Dataset;
use governance::delivery::Delivery;
use governance::extract::Extract;
use governance::indexing::Indexing;
use governance::output::Output;
use governance::workspace::Workspace;
use governance::{Action, DatasetId, Lifecycle, OutputId, ProjectId, TieKind, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use store::{Filter, Held};

use crate::cases::{Cases, Standing};
use crate::error::ServiceError;
use crate::{Caller, ProjectReading, Service};

/// A thing that belongs to a project or a dataset, in a list.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Id.
    pub id: String,
    /// Name of the state.
    pub state: &'static str,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// Counts, hashes, ids of what it is made of.
    pub detail: BTreeMap<String, Value>,
}

impl Service {
    /// Deliveries of a dataset, newest in their state first.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn deliveries_of(
        &self,
        caller: &Caller,
        id: &DatasetId,
    ) -> Result<Vec<Summary>, ServiceError> {
        let now = self.now()?;
        let dataset = self.load::<Dataset>(id.as_str()).await?.value;
        let object = crate::deliveries::of(&dataset).as_kind("delivery");
        self.authorise(caller, Action::ViewDelivery, &object, now)?;
        let held = self
            .store
            .tied::<Delivery>(TieKind::Of, id.as_str())
            .await?;
        self.summaries(held, |delivery| {
            let mut detail = BTreeMap::new();
            if let Some(kept) = delivery.identifiers() {
                detail.insert("records".to_owned(), json!(kept.records));
                detail.insert("identifiers_sha256".to_owned(), json!(kept.file.sha256));
            }
            if let Some(kept) = delivery.payload() {
                detail.insert("rows".to_owned(), json!(kept.rows));
                detail.insert("unmatched".to_owned(), json!(kept.unmatched));
                detail.insert("payload_sha256".to_owned(), json!(kept.file.sha256));
            }
            Some(detail)
        })
        .await
    }

    /// Outputs of a project that the caller may read.
    ///
    /// # Errors
    /// If the caller may not read the project.
    pub async fn outputs_of(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<Vec<Summary>, ServiceError> {
        self.read_project(caller, id).await?.outputs().await
    }

    /// Indexings of a project. Who is on the project reads no count of objections.
    ///
    /// # Errors
    /// If the caller may not read the project.
    pub async fn indexings_of(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<Vec<Summary>, ServiceError> {
        self.read_project(caller, id).await?.indexings().await
    }

    /// What left an output's project before it, called back or not, newest in its state first: what output checkers
    /// compare it with.
    ///
    /// # Errors
    /// If the caller may not read the output.
    pub async fn left_before(
        &self,
        caller: &Caller,
        id: &OutputId,
    ) -> Result<Vec<Summary>, ServiceError> {
        let (held, _) = self.output_for(caller, id, Action::ViewOutput).await?;
        let left = self.others_that_left(&held.value).await?;
        self.summaries(left, |output| {
            let file = match output {
                Output::Released(released) => &released.file,
                Output::Recalled { file, .. } => file,
                Output::Staged { .. }
                | Output::Checked { .. }
                | Output::Uncheckable { .. }
                | Output::UnderReview(_)
                | Output::ChangesRequested { .. }
                | Output::Approved(_)
                | Output::Refused { .. }
                | Output::Withdrawn { .. } => return None,
            };
            Some(detail([("bytes", json!(file.sha256))]))
        })
        .await
    }

    /// What belongs to a project, the last that changed first, up to a page.
    pub(crate) async fn belonging<S: Lifecycle>(
        &self,
        id: &ProjectId,
    ) -> Result<Vec<Held<S>>, ServiceError> {
        let filter = Filter {
            project: Some(id),
            ..Filter::default()
        };
        let mut held = self.every::<S>(filter).await?;
        held.sort_by_key(|held| Reverse(held.leaf));
        held.truncate(usize::try_from(self.policies.limits.page).unwrap_or(usize::MAX));
        Ok(held)
    }

    /// Things as a list shows them, newest in their state first; one without detail is left out.
    async fn summaries<S: Lifecycle>(
        &self,
        held: Vec<Held<S>>,
        mut detail: impl FnMut(&S) -> Option<BTreeMap<String, Value>>,
    ) -> Result<Vec<Summary>, ServiceError> {
        let ids: Vec<String> = held.iter().map(|h| h.value.id().to_owned()).collect();
        let since: BTreeMap<String, Timestamp> = self
            .store
            .briefs::<S>(&ids)
            .await?
            .into_iter()
            .map(|brief| (brief.id, brief.since))
            .collect();
        let mut summaries: Vec<Summary> = held
            .iter()
            .filter_map(|h| {
                let id = h.value.id().to_owned();
                Some(Summary {
                    since: *since.get(&id)?,
                    id,
                    state: h.value.state(),
                    detail: detail(&h.value)?,
                })
            })
            .collect();
        summaries.sort_by(|a, b| (b.since, &b.id).cmp(&(a.since, &a.id)));
        Ok(summaries)
    }
}

impl ProjectReading<'_> {
    /// Workspaces of a project.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn workspaces(&self) -> Result<Vec<Summary>, ServiceError> {
        let held = self
            .service
            .belonging::<Workspace>(&self.project.core().id)
            .await?;
        self.service
            .summaries(held, |workspace| {
                Some(detail([("extract", json!(workspace.core().extract))]))
            })
            .await
    }

    /// Outputs of a project that the caller may read.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn outputs(&self) -> Result<Vec<Summary>, ServiceError> {
        let standing = if self.project.people().contains(self.caller.id()) {
            Standing::Member
        } else {
            Standing::Apart
        };
        let cases = Cases::new(self.service, self.caller, self.service.now()?);
        let held = self
            .service
            .belonging::<Output>(&self.project.core().id)
            .await?;
        self.service
            .summaries(held, |output| {
                if !cases.may(Action::ViewOutput, output.state(), standing) {
                    return None;
                }
                let core = output.core();
                let mut detail = detail([
                    ("author", json!(core.author)),
                    ("workspace", json!(core.workspace)),
                    ("extract", json!(core.extract)),
                ]);
                match output {
                    Output::Checked { checked, .. } | Output::ChangesRequested { checked, .. } => {
                        detail.insert("verdict".into(), json!(checked.verdict));
                    }
                    Output::UnderReview(u) => {
                        detail.insert("verdict".into(), json!(u.checked.verdict));
                        detail.insert("rendering".into(), json!(u.rendering));
                        detail.insert("votes".into(), json!(u.votes.len()));
                    }
                    Output::Approved(a) => {
                        detail.insert("verdict".into(), json!(a.checked.verdict));
                    }
                    Output::Released(r) => {
                        detail.insert("bytes".into(), json!(r.file.sha256));
                        detail.insert("download".into(), json!(r.download));
                    }
                    Output::Recalled { file, .. } => {
                        detail.insert("bytes".into(), json!(file.sha256));
                    }
                    Output::Staged { .. }
                    | Output::Uncheckable { .. }
                    | Output::Refused { .. }
                    | Output::Withdrawn { .. } => {}
                }
                Some(detail)
            })
            .await
    }

    /// Indexings of a project. Who is on the project reads no count of objections.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn indexings(&self) -> Result<Vec<Summary>, ServiceError> {
        let on = self.project.people().contains(self.caller.id());
        let held = self
            .service
            .belonging::<Indexing>(&self.project.core().id)
            .await?;
        let deliveries: BTreeSet<String> = held
            .iter()
            .map(|h| h.value.core().delivery.to_string())
            .collect();
        let deliveries = self
            .service
            .store
            .load_all::<Delivery>(deliveries.iter().map(String::as_str))
            .await?;
        self.service
            .summaries(held, |indexing| {
                let core = indexing.core();
                let mut detail = detail([("delivery", json!(core.delivery))]);
                if let Some(delivery) = deliveries.get(core.delivery.as_str()) {
                    detail.insert("dataset".into(), json!(delivery.value.core().dataset));
                }
                if let Indexing::UnderReview { review, .. } = indexing {
                    detail.insert("pairs".into(), json!(review.count));
                    detail.insert("finished".into(), json!(review.finished.len()));
                }
                if let Indexing::Indexed { counts, .. } = indexing {
                    if let Some(review) = &counts.review {
                        detail.insert("review".into(), json!(review));
                    }
                    detail.insert("records".into(), json!(counts.records));
                    detail.insert("linked".into(), json!(counts.linked));
                    if !on {
                        detail.insert("withheld".into(), json!(counts.withheld));
                        detail.insert("objected".into(), json!(counts.objected));
                    }
                }
                Some(detail)
            })
            .await
    }

    /// Extracts of a project.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn extracts(&self) -> Result<Vec<Summary>, ServiceError> {
        let held = self
            .service
            .belonging::<Extract>(&self.project.core().id)
            .await?;
        self.service
            .summaries(held, |extract| {
                let mut detail = detail([("indexings", json!(extract.core().indexings))]);
                if let Extract::Sealed { file, tables, .. } = extract {
                    detail.insert("sha256".into(), json!(file.sha256));
                    detail.insert("bytes".into(), json!(file.bytes));
                    detail.insert("tables".into(), json!(tables));
                }
                Some(detail)
            })
            .await
    }
}

fn detail<const N: usize>(parts: [(&str, Value); N]) -> BTreeMap<String, Value> {
    parts.map(|(name, value)| (name.to_owned(), value)).into()
}
