//! An output as those see it who may.

use std::cmp::Reverse;

use governance::output::{Download, Output, Rendering, ReviewVote, Verdict};
use governance::{Action, BudgetId, Lifecycle, OutputId, PersonId, ProjectId, Sha256, WorkspaceId};
use protocol::compare::Renderings;
use protocol::keeper::Part;
use serde::Serialize;
use serde_json::Value;
use store::Held;

use super::compare::is_by_hand;
use crate::error::ServiceError;
use crate::{Caller, Service};

/// An output as a person may see it.
#[derive(Debug, Clone, Serialize)]
pub struct OutputView {
    /// The output.
    pub output: OutputId,
    /// Name of the state.
    pub state: &'static str,
    /// Of which project.
    pub project: ProjectId,
    /// Title of the project.
    pub title: String,
    /// From which workspace.
    pub workspace: WorkspaceId,
    /// Who wants it out.
    pub author: PersonId,
    /// What the machine said, once it has.
    pub verdict: Option<Verdict>,
    /// Hash of the disclosure policy that was applied, once it was.
    pub policy: Option<Sha256>,
    /// Versions that its author may submit now.
    pub offered: Vec<Rendering>,
    /// Version under review.
    pub rendering: Option<Rendering>,
    /// Whether the single download was used, once it is released.
    pub download: Option<Download>,
    /// The statement that made it.
    pub statement: String,
    /// What its author says of it.
    pub context: String,
    /// The checker's rendering for an output checker, the researcher's for its project.
    pub report: Value,
    /// Hash of the bytes under review or released.
    pub bytes: Option<Sha256>,
    /// Votes that the person may see; blind until both are in.
    pub votes: Vec<ReviewVote>,
    /// With how many outputs that had left the machine compared it, or tried to, once it has.
    pub compared_with: Option<u64>,
    /// With how many screens that had shown something, of all projects, it was compared as well. For people who are not
    /// on its project.
    pub compared_with_screens: Option<u64>,
    /// Outputs that left and of which the machine cannot tell whether few people lie between them and this one,
    /// the last that changed first: output checkers compare these by hand. For people of its project those of the
    /// project itself.
    pub compare_by_hand: Vec<OutputId>,
    /// Privacy budgets whose statement of differential privacy its release would end, for people over whom
    /// something was measured or may be.
    pub ends_statement: Vec<BudgetId>,
}

impl Service {
    /// An output as the caller may see it.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn output(&self, caller: &Caller, id: &OutputId) -> Result<OutputView, ServiceError> {
        let (held, project) = self.output_for(caller, id, Action::ViewOutput).await?;
        let output = held.value;
        let core = output.core().clone();
        let on_project = project.people().contains(caller.id());
        let by_hand = self.to_compare_by_hand(&output, on_project).await?;
        let checked = output.checked();
        let now = self.now()?;
        let may_go = |r: &Rendering| output.clone().submit(*r, &core.author, now).is_ok();
        Ok(OutputView {
            ends_statement: self.standing_statements(&project).await?,
            compared_with: checked
                .and_then(|c| c.compared.as_ref())
                .map(|compared| compared.releases),
            compared_with_screens: checked
                .and_then(|c| c.compared.as_ref())
                .filter(|_| !on_project)
                .map(|compared| compared.screens),
            compare_by_hand: by_hand,
            state: output.state(),
            title: project.core().title.clone(),
            verdict: checked.map(|c| c.verdict),
            policy: checked.map(|c| c.policy.clone()),
            offered: [Rendering::Exact, Rendering::Treated]
                .into_iter()
                .filter(may_go)
                .collect(),
            rendering: rendering(&output),
            download: download(&output),
            statement: self.text(&core.statement).await?,
            context: self.text(&core.context).await?,
            report: self.report_for(&output, on_project).await?,
            bytes: bytes(&output),
            votes: votes(&output, caller.id()),
            output: core.id,
            project: core.project,
            workspace: core.workspace,
            author: core.author,
        })
    }

    /// The bytes under review, for somebody who is not on the project.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn reviewed_bytes(
        &self,
        caller: &Caller,
        id: &OutputId,
    ) -> Result<Vec<u8>, ServiceError> {
        self.output_for(caller, id, Action::VoteOnOutput).await?;
        self.keeper.fetch(id.as_str(), Part::Reviewed).await
    }

    /// What left and the machine cannot compare an output with, before its decision.
    async fn to_compare_by_hand(
        &self,
        output: &Output,
        on_project: bool,
    ) -> Result<Vec<OutputId>, ServiceError> {
        if output.checked().is_none() {
            return Ok(Vec::new());
        }
        let core = output.core();
        let mut left = self.all_that_left().await?;
        left.retain(|other| is_by_hand(output, &other.value));
        left.retain(|other| !on_project || other.value.core().project == core.project);
        left.sort_by_key(|other| Reverse(other.leaf));
        Ok(left
            .into_iter()
            .map(|other| other.value.core().id.clone())
            .collect())
    }

    /// Every other output that an output checker may want to see beside this one: what left the same project, the
    /// last that changed first, and what is to be compared by hand.
    pub(crate) async fn others_that_left(
        &self,
        output: &Output,
    ) -> Result<Vec<Held<Output>>, ServiceError> {
        let core = output.core();
        let mut left = self.all_that_left().await?;
        left.retain(|other| {
            let its = other.value.core();
            let by_hand = output.checked().is_some() && is_by_hand(output, &other.value);
            its.id != core.id && (its.project == core.project || by_hand)
        });
        left.sort_by_key(|other| Reverse(other.leaf));
        Ok(left)
    }

    /// The report in the rendering of whoever reads it; none before the check and after the decision.
    async fn report_for(&self, output: &Output, on_project: bool) -> Result<Value, ServiceError> {
        match output {
            Output::Checked { .. }
            | Output::UnderReview(_)
            | Output::ChangesRequested { .. }
            | Output::Approved(_) => {}
            Output::Staged { .. }
            | Output::Uncheckable { .. }
            | Output::Released(_)
            | Output::Refused { .. }
            | Output::Withdrawn { .. }
            | Output::Recalled { .. } => return Ok(Value::Null),
        }
        let bytes = self.keeper.fetch(output.id(), Part::Report).await?;
        let both: Renderings = serde_json::from_slice(&bytes)?;
        Ok(if on_project {
            both.researcher
        } else {
            both.checker
        })
    }

    async fn text(&self, hash: &Sha256) -> Result<String, ServiceError> {
        let bytes = self
            .store
            .document(hash)
            .await?
            .ok_or(ServiceError::NotFound("document"))?;
        String::from_utf8(bytes).map_err(|_| ServiceError::NotFound("document"))
    }
}

/// Version under review.
fn rendering(output: &Output) -> Option<Rendering> {
    match output {
        Output::UnderReview(review) => Some(review.rendering),
        Output::Staged { .. }
        | Output::Checked { .. }
        | Output::Uncheckable { .. }
        | Output::ChangesRequested { .. }
        | Output::Approved(_)
        | Output::Released(_)
        | Output::Refused { .. }
        | Output::Withdrawn { .. }
        | Output::Recalled { .. } => None,
    }
}

/// Whether the single download was used, once it is released.
fn download(output: &Output) -> Option<Download> {
    match output {
        Output::Released(released) => Some(released.download),
        Output::Staged { .. }
        | Output::Checked { .. }
        | Output::Uncheckable { .. }
        | Output::UnderReview(_)
        | Output::ChangesRequested { .. }
        | Output::Approved(_)
        | Output::Refused { .. }
        | Output::Withdrawn { .. }
        | Output::Recalled { .. } => None,
    }
}

/// Hash of the bytes under review or released.
fn bytes(output: &Output) -> Option<Sha256> {
    let file = match output {
        Output::UnderReview(review) => &review.file,
        Output::Approved(approved) => &approved.file,
        Output::Released(released) => &released.file,
        Output::Staged { .. }
        | Output::Checked { .. }
        | Output::Uncheckable { .. }
        | Output::ChangesRequested { .. }
        | Output::Refused { .. }
        | Output::Withdrawn { .. }
        | Output::Recalled { .. } => return None,
    };
    Some(file.sha256.clone())
}

/// Votes that somebody may see; blind until both are in.
fn votes(output: &Output, reader: &PersonId) -> Vec<ReviewVote> {
    match output {
        Output::UnderReview(review) => review.visible_to(reader).into_iter().cloned().collect(),
        Output::Staged { .. }
        | Output::Checked { .. }
        | Output::Uncheckable { .. }
        | Output::ChangesRequested { .. }
        | Output::Approved(_)
        | Output::Released(_)
        | Output::Refused { .. }
        | Output::Withdrawn { .. }
        | Output::Recalled { .. } => Vec::new(),
    }
}
