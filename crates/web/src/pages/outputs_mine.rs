//! A researcher's own outputs: what the check said, which version to submit, the one download.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::post;
use governance::OutputId;
use governance::output::{Download, Rendering};
use service::{CommentView, OutputView, OwnOutput, ReviewSaid, ServiceError};

use super::form::Posted;
use super::session::Visitor;
use super::shell::{Reply, Shell, page, see};
use super::words;
use super::workspace_report::{Report, sentence};
use crate::{Front, Ready};

#[derive(Template)]
#[template(path = "outputs_mine.html")]
struct List {
    shell: Shell,
    outputs: Vec<OwnOutput>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "output_mine.html")]
struct Page {
    shell: Shell,
    output: OutputView,
    by: String,
    mine: bool,
    report: Option<Report>,
    /// What output checkers said with their votes, once a turn of the review was closed.
    said: Vec<ReviewSaid>,
    comments: Vec<CommentView>,
}

/// What the author of an output does with it. The page of an output belongs to `outputs`.
pub(crate) fn routes() -> Router<Front> {
    Router::new()
        .route("/outputs/{id}/submit", post(submit))
        .route("/outputs/{id}/withdraw", post(withdraw))
        .route("/outputs/{id}/download", post(download))
}

/// A researcher's outputs, newest in their state first.
pub(crate) async fn list(
    front: &Front,
    visitor: &Visitor,
    after: Option<&str>,
    done: Option<&str>,
) -> Reply {
    let outputs = front.service.own_outputs(&visitor.caller, after).await?;
    let full = u32::try_from(outputs.len()) == Ok(front.service.policies().limits.page);
    let last = outputs.last().map(|o| o.output.to_string());
    page(&List {
        shell: Shell::of(visitor, "Your outputs").done(done),
        outputs,
        next: last.filter(|_| full),
    })
}

/// An output as somebody on its project sees it.
pub(crate) async fn show(
    front: &Front,
    visitor: &Visitor,
    mut output: OutputView,
    done: Option<&str>,
) -> Reply {
    let (service, caller) = (&front.service, &visitor.caller);
    let names = service.names(caller, [output.author.clone()]).await?;
    let comments = service.comments_on_output(caller, &output.output).await?;
    let turns = service.review_turns(caller, &output.output).await?;
    let report = Report::read(output.report.take())?;
    page(&Page {
        shell: Shell::of(visitor, format!("Output of {}", output.title)).done(done),
        by: names
            .get(&output.author)
            .map_or_else(|| output.author.to_string(), |named| named.name.clone()),
        mine: output.author == caller.person.id,
        report,
        said: turns.into_iter().flat_map(|turn| turn.said).collect(),
        comments,
        output,
    })
}

impl Page {
    /// The button of a version that may be submitted, and why it is that one.
    fn versions(&self) -> Vec<(&'static str, &'static str, &'static str)> {
        let offered = self.output.offered.iter();
        offered
            .map(|rendering| match rendering {
                Rendering::Exact => (
                    "exact",
                    "Submit the table as it is",
                    "Output checkers see the table as it is.",
                ),
                Rendering::Treated => (
                    "treated",
                    "Submit the treated table",
                    "Rows with unsafe cells are left out of it. The table as it is cannot be submitted.",
                ),
            })
            .collect()
    }

    fn verdict(&self) -> &'static str {
        self.output
            .verdict
            .map_or("", |verdict| sentence(verdict.word()))
    }

    fn may_withdraw(&self) -> bool {
        self.mine
            && governance::Action::WithdrawOutput
                .row()
                .states
                .contains(&self.output.state)
    }

    fn may_download(&self) -> bool {
        self.mine && self.output.download == Some(Download::Waiting)
    }

    /// What happens now, or what has become of it.
    fn state(&self) -> &'static str {
        match self.output.state {
            "staged" => "The machine is checking it. Open this page again in a moment.",
            "checked" if self.output.offered.is_empty() => {
                "No version of it can be submitted. Withdraw it and stage a coarser table."
            }
            "checked" => "Nobody else sees it until you submit it.",
            "uncheckable" => {
                "The check could not be done, so it cannot leave. Run the statement again."
            }
            "under_review" => {
                "Two output checkers look at it, each without knowing the other's vote."
            }
            "changes_requested" if self.output.offered.is_empty() => {
                "Something left meanwhile that it is not safe beside. Read what was found, withdraw it and stage another."
            }
            "changes_requested" => {
                "Output checkers ask for changes, or something left meanwhile that they have to see beside it. Read what they say, then submit it again or withdraw it and stage another."
            }
            "approved" => "Two output checkers approved it. One of them releases it.",
            "released" => match self.output.download {
                Some(Download::Waiting) => "You can download it once.",
                Some(Download::Used) | None => "It was downloaded. It cannot be downloaded again.",
            },
            "refused" => "Output checkers refused it. It stays here.",
            "withdrawn" => "You took it back. It stays here.",
            "recalled" => {
                "It was called back. Do not use or pass on what you downloaded; the safe haven will tell you what to do with it."
            }
            _ => "",
        }
    }
}

pub(crate) async fn submit(State(front): Ready, Path(id): Path<OutputId>, posted: Posted) -> Reply {
    let rendering = match posted.form.one("rendering") {
        "exact" => Rendering::Exact,
        "treated" => Rendering::Treated,
        _ => return Err(ServiceError::BadInput("choose which version to submit".into()).into()),
    };
    let caller = &posted.visitor.caller;
    front.service.submit_output(caller, &id, rendering).await?;
    Ok(see(&format!("/outputs/{id}"), "output_submitted"))
}

pub(crate) async fn withdraw(
    State(front): Ready,
    Path(id): Path<OutputId>,
    posted: Posted,
) -> Reply {
    front
        .service
        .withdraw_output(&posted.visitor.caller, &id)
        .await?;
    Ok(see(&format!("/outputs/{id}"), "withdrawn"))
}

/// The released bytes, as a file, once.
pub(crate) async fn download(
    State(front): Ready,
    Path(id): Path<OutputId>,
    posted: Posted,
) -> Reply {
    let caller = posted.visitor.caller;
    let name = format!("attachment; filename=\"{id}.csv\"");
    let work = async move { front.service.download_output(&caller, &id).await };
    let bytes = crate::answer::to_the_end(work).await?;
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8"),
        (CONTENT_DISPOSITION, name.as_str()),
    ];
    Ok((headers, bytes).into_response())
}
