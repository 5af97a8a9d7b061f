//! What pages for those who ask for data read beyond lists: a workspace, what one wants out, what was
//! delivered.

use std::collections::BTreeSet;

use governance::delivery::Delivery;
use governance::extract::{Extract, Table};
use governance::output::Output;
use governance::project::Project;
use governance::request::View;
use governance::workspace::Workspace;
use governance::{Action, DatasetId, Lifecycle, OutputId, TieKind, Timestamp, WorkspaceId};
use serde::Serialize;
use store::{Order, Search};

use crate::access::Object;
use crate::cases::{Cases, Standing};
use crate::error::ServiceError;
use crate::projects::ProjectView;
use crate::{Caller, Service};

/// States in which an output can be.
const OUTPUT_STATES: [&str; 10] = [
    "staged",
    "checked",
    "uncheckable",
    "under_review",
    "changes_requested",
    "approved",
    "released",
    "refused",
    "withdrawn",
    "recalled",
];

/// A workspace with what can be asked of it.
#[derive(Debug, Clone, Serialize)]
pub struct WorkspaceView {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Name of its state.
    pub state: &'static str,
    /// Its project.
    pub project: ProjectView,
    /// Tables of its extract; none when the extract is gone.
    pub tables: Vec<Table>,
    /// Fewest people behind a number that the screen shows, while the project is in force.
    pub minimum: Option<u64>,
    /// What the screen may show the caller, where that is rows on a locked desktop only.
    pub view: View,
}

/// An output in its author's list.
#[derive(Debug, Clone, Serialize)]
pub struct OwnOutput {
    /// The output.
    pub output: OutputId,
    /// Title of its project.
    pub title: String,
    /// Name of its state.
    pub state: &'static str,
    /// Since when it is in this state.
    pub since: Timestamp,
}

impl Service {
    /// A workspace, for those who may read its project. What is in its tables only a query tells.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn workspace(
        &self,
        caller: &Caller,
        id: &WorkspaceId,
    ) -> Result<WorkspaceView, ServiceError> {
        let workspace = self.load::<Workspace>(id.as_str()).await?.value;
        let core = workspace.core();
        let project = self.project(caller, &core.project).await?;
        let extract = self.load::<Extract>(core.extract.as_str()).await?.value;
        let (minimum, view) = match &project.project {
            Project::InForce(in_force) => (
                Some(self.project_policy(in_force)?.minimum()),
                self.level(caller, &workspace, in_force)?,
            ),
            Project::Draft { .. }
            | Project::Submitted(_)
            | Project::Returned { .. }
            | Project::Refused { .. }
            | Project::Withdrawn { .. }
            | Project::Approved(_)
            | Project::Expired { .. }
            | Project::Revoked { .. }
            | Project::Closed { .. }
            | Project::Destroyed { .. } => (None, View::Aggregates),
        };
        Ok(WorkspaceView {
            workspace: core.id.clone(),
            state: workspace.state(),
            project,
            tables: match extract {
                Extract::Sealed { tables, .. } => tables,
                Extract::Ordered { .. } | Extract::Destroyed { .. } | Extract::Failed { .. } => {
                    Vec::new()
                }
            },
            minimum,
            view,
        })
    }

    /// What the caller wants or wanted out, newest in its state first. `after` is the last one of the page
    /// before.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn own_outputs(
        &self,
        caller: &Caller,
        after: Option<&str>,
    ) -> Result<Vec<OwnOutput>, ServiceError> {
        let cases = Cases::new(self, caller, self.now()?);
        let states = cases.states(Action::ViewOutput, &OUTPUT_STATES, Standing::Member);
        let search = Search {
            states: &states,
            tied: &[(TieKind::On, caller.id().as_str())],
            order: Order::NewestFirst,
            limit: self.policies.limits.page,
            after,
            ..Search::default()
        };
        let found = self.store.search::<Output>(search).await?;
        let own = found.into_iter().filter_map(|brief| {
            Some(OwnOutput {
                output: OutputId::try_from(brief.id).ok()?,
                title: brief.title,
                state: OUTPUT_STATES.into_iter().find(|s| *s == brief.state)?,
                since: brief.since,
            })
        });
        Ok(own.collect())
    }

    /// Which of these datasets have at least one complete delivery.
    ///
    /// # Errors
    /// If the caller may not read the catalogue.
    pub async fn delivered(
        &self,
        caller: &Caller,
        datasets: impl IntoIterator<Item = DatasetId>,
    ) -> Result<BTreeSet<DatasetId>, ServiceError> {
        let now = self.now()?;
        let catalogue = Object::new("catalogue");
        self.authorise(caller, Action::ViewCatalogue, &catalogue, now)?;
        let mut delivered = BTreeSet::new();
        for dataset in datasets {
            if self.has_complete_delivery(&dataset).await? {
                delivered.insert(dataset);
            }
        }
        Ok(delivered)
    }

    pub(crate) async fn has_complete_delivery(
        &self,
        dataset: &DatasetId,
    ) -> Result<bool, ServiceError> {
        let search = Search {
            states: &["complete"],
            tied: &[(TieKind::Of, dataset.as_str())],
            limit: 1,
            ..Search::default()
        };
        Ok(!self.store.search::<Delivery>(search).await?.is_empty())
    }
}
