//! The data steward's acts within a project in force: the extract, and its workspaces.

use axum::extract::{Path, State};
use governance::{Action, ExtractId, IndexingId, ProjectId, WorkspaceId};

use super::decision::unread;
use super::form::Posted;
use super::shell::{Reply, see};
use crate::Ready;
use crate::answer::to_the_end;

/// Cuts the extract from the indexings chosen. It goes on to its end when the browser hangs up.
pub(crate) async fn extract(
    State(front): Ready,
    Path(id): Path<ProjectId>,
    posted: Posted,
) -> Reply {
    let indexings: Vec<IndexingId> = posted
        .form
        .all("indexing")
        .map(|text| text.parse().map_err(|_| unread("the indexing")))
        .collect::<Result<_, _>>()?;
    let back = format!("/projects/{id}");
    let work = async move {
        let caller = &posted.visitor.caller;
        front.service.extract(caller, &id, &indexings).await
    };
    to_the_end(work).await?;
    Ok(see(&back, "extract_sealed"))
}

/// Opens a workspace on a sealed extract.
pub(crate) async fn open_workspace(
    State(front): Ready,
    Path(id): Path<ProjectId>,
    posted: Posted,
) -> Reply {
    let extract: ExtractId = posted
        .form
        .one("extract")
        .parse()
        .map_err(|_| unread("the extract"))?;
    front
        .service
        .open_workspace(&posted.visitor.caller, &id, &extract)
        .await?;
    Ok(see(&format!("/projects/{id}"), "workspace_opened"))
}

/// Suspends, resumes or closes a workspace.
pub(crate) async fn keep_workspace(
    State(front): Ready,
    Path((id, workspace)): Path<(ProjectId, WorkspaceId)>,
    posted: Posted,
) -> Reply {
    let action = match posted.form.one("act") {
        "suspend" => Action::SuspendWorkspace,
        "resume" => Action::ResumeWorkspace,
        "close" => Action::CloseWorkspace,
        _ => return Err(unread("what to do with the workspace").into()),
    };
    front
        .service
        .keep_workspace(&posted.visitor.caller, &workspace, action)
        .await?;
    Ok(see(&format!("/projects/{id}"), "workspace_changed"))
}
