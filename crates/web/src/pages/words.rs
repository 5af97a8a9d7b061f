//! Words for people: states, roles, requests, dates. One word for each thing, on every page.

use std::borrow::Borrow;

use governance::person::Role;
use governance::{Date, Timestamp};

/// A state as a page says it.
pub(crate) fn state(word: &str) -> &str {
    match word {
        "draft" => "Draft",
        "submitted" => "Submitted",
        "returned" => "Returned",
        "refused" => "Refused",
        "withdrawn" => "Withdrawn",
        "approved" => "Approved",
        "in_force" => "In force",
        "expired" => "Expired",
        "revoked" => "Revoked",
        "closed" => "Closed",
        "destroyed" => "Destroyed",
        "ordered" => "Ordered",
        "settled" => "Settled",
        "indexed" => "Indexed",
        "sealed" => "Sealed",
        "failed" => "Failed",
        "asked" => "Asked for",
        "ended" => "Ended",
        "lapsed" => "Lapsed",
        "open" => "Open",
        "suspended" => "Suspended",
        "staged" => "Being checked",
        "checked" => "Checked",
        "uncheckable" => "Could not be checked",
        "under_review" => "Under review",
        "changes_requested" => "Changes requested",
        "released" => "Released",
        "recalled" => "Recalled",
        "registered" => "Registered",
        "instructed" => "Instructed",
        "opened" => "Opened",
        "identified" => "Identifiers kept",
        "reading" => "Being read",
        "complete" => "Complete",
        "active" => "Active",
        "retired" => "Retired",
        "queued" => "Queued",
        "done" => "Done",
        "shown" => "Shown",
        "cancelled" => "Cancelled",
        "signed" => "Signed",
        "declined" => "Declined",
        "waiting" => "Waiting",
        "reserved" => "Reserved",
        "running" => "Running",
        "withheld" => "Kept back",
        "forfeited" => "Charged, no answer",
        "freed" => "Given back",
        "void" => "Statement ended",
        "pass" => "Safe",
        "treat" => "Some cells unsafe",
        "review" => "For people to judge",
        "fail" => "Unsafe",
        other => other,
    }
}

/// The colour of a state's tag.
pub(crate) fn colour(word: &str) -> &'static str {
    match word {
        "approved" | "in_force" | "sealed" | "released" | "complete" | "indexed" | "open"
        | "pass" | "instructed" | "active" | "done" | "signed" => "govuk-tag--green",
        "refused" | "revoked" | "failed" | "recalled" | "uncheckable" | "destroyed" | "fail"
        | "declined" => "govuk-tag--red",
        "returned" | "changes_requested" | "suspended" | "treat" | "review" | "withheld" => {
            "govuk-tag--orange"
        }
        "withdrawn" | "expired" | "closed" | "retired" | "cancelled" | "ended" | "lapsed" => {
            "govuk-tag--grey"
        }
        _ => "govuk-tag--blue",
    }
}

/// A role as a page says it.
pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::Researcher => "researcher",
        Role::Coordinator => "research coordinator",
        Role::PanelMember => "panel member",
        Role::PanelChair => "panel chair",
        Role::Controller => "controller",
        Role::Provider => "provider",
        Role::Indexer => "indexing service",
        Role::DataSteward => "data steward",
        Role::OutputChecker => "output checker",
        Role::Auditor => "auditor",
        Role::Administrator => "administrator",
    }
}

/// What a worklist asks somebody to do.
pub(crate) fn ask(action: &str) -> &'static str {
    match action {
        "submit_application" => "Finish and submit",
        "sign_for_dataset" => "Sign or decline for your dataset",
        "vote_on_application" => "Read and vote",
        "approve_application" | "return_application" | "refuse_application" => "Close the decision",
        "commence_project" => "Put it in force",
        "order_indexing" => "Index its records",
        "begin_review" => "Judge pairs of records",
        "order_extract" => "Cut the extract",
        "open_workspace" => "Open the workspace",
        "confirm_recovery" => "Confirm or refuse the recovery",
        "run_query" => "Query the workspace",
        "submit_output" => "Decide what to submit",
        "vote_on_output" => "Review blind",
        "release_output" => "Release",
        "release_labels" => "Look at the labels that were found",
        "download_output" => "Download, once",
        "withdraw_output" => "Withdraw it: no version can be submitted",
        "give_instruction" => "Give a standing instruction",
        "deliver_identifiers" => "Deliver identifiers",
        "deliver_payload" => "Deliver the payload",
        _ => "",
    }
}

/// What was just done, by the word in an address. Only these words, so that no link can put others there.
pub(crate) fn done(word: &str) -> Option<&'static str> {
    Some(match word {
        "signed_out" => "You are signed out.",
        "sessions_ended" => "Every session of yours has ended.",
        "draft_saved" => "The draft is saved.",
        "submitted" => "It is submitted. Its bytes are frozen and hashed.",
        "withdrawn" => "It is withdrawn.",
        "closed" => "It is closed.",
        "signed" => "Your signature is recorded.",
        "declined" => "Your refusal is recorded.",
        "voted" => "Your vote is recorded.",
        "interest_declared" => "Your interest is declared; you take no part in this decision.",
        "approved" => "It is approved.",
        "returned" => "It is returned to its author.",
        "refused" => "It is refused.",
        "in_force" => "The project is in force. Its manifest is signed.",
        "papers_renewed" => "The papers are filed.",
        "revoked" => "It is revoked. Running queries end and access stops.",
        "commented" => "Your comment is recorded.",
        "indexed" => "The records are indexed.",
        "pairs_chosen" => {
            "The pairs to judge are chosen. There are no links before two indexers have judged them."
        }
        "review_begun" => "You have begun. Your answers count once you hand them in.",
        "answers_saved" => "Your answers are saved.",
        "review_finished" => "Your answers are handed in.",
        "review_ended" => "The review is ended. Nothing is linked.",
        "extract_sealed" => "The extract is cut and sealed.",
        "workspace_opened" => "The workspace is open.",
        "workspace_changed" => "The workspace is changed.",
        "query_saved" => "The statement is saved. Others select from it by its name.",
        "query_forgotten" => "The saved statement is removed.",
        "recovery_asked" => "The recovery is asked for. A second person confirms it.",
        "recovery_confirmed" => "The recovery is open. The people of the project see it.",
        "recovery_refused" => "The recovery is refused.",
        "recovery_ended" => "The recovery has ended.",
        "statements_handed_over" => "The statements are handed over.",
        "output_handed_over" => "The output is handed over. Review goes on as before.",
        "output_staged" => {
            "The result is kept and checked. Nobody else sees it until you submit it."
        }
        "output_submitted" => "It is before output checkers.",
        "released" => "The reviewed bytes are released.",
        "labels_released" => "The answer is released.",
        "labels_withheld" => "The answer is kept back. Its author reads why.",
        "recalled" => "The release is called back.",
        "person_added" => "The person is added.",
        "standing_recorded" => "The standing is recorded.",
        "their_sessions_ended" => "Every session and token of the person has ended.",
        "person_retired" => "Every right of the person has ended.",
        "instructed" => "The standing instruction is recorded.",
        "budget_opened" => "The privacy budget is open.",
        "caps_set" => "The caps are set.",
        "instruction_withdrawn" => "The standing instruction is withdrawn.",
        "counts_allowed" => "Counts of people are allowed.",
        "counts_ended" => "No more counts are allowed.",
        "log_published" => "The log is published up to now.",
        "attacked" => "What left was attacked.",
        "audited" => "The measuring lane was audited.",
        "job_cancelled" => "The job is cancelled.",
        "destroyed" => "The project's secrets are destroyed. The certificate is in the log.",
        _ => return None,
    })
}

/// Where the page of a thing is.
pub(crate) fn href(kind: &str, id: &str) -> String {
    match kind {
        "project" => format!("/projects/{id}"),
        "output" => format!("/outputs/{id}"),
        "workspace" => format!("/workspaces/{id}"),
        "dataset" => format!("/catalogue/{id}"),
        "recovery" => format!("/recoveries/{id}"),
        "measurement" => format!("/measurements/{id}"),
        _ => "/".into(),
    }
}

/// A day, such as 22 November 2026.
pub(crate) fn day(day: impl Borrow<Date>) -> String {
    day.borrow().strftime("%-d %B %Y").to_string()
}

/// A moment in UTC, such as 22 November 2026, 02:14.
pub(crate) fn moment(at: impl Borrow<Timestamp>) -> String {
    at.borrow().strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// How long ago something was, in its largest unit.
pub(crate) fn age(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(since.as_second()).max(0);
    let (count, unit) = match seconds {
        0..60 => return "less than a minute".into(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `service::worklist` asks of anybody.
    #[test]
    fn every_row_of_a_worklist_says_what_to_do() {
        for action in [
            "submit_application",
            "sign_for_dataset",
            "vote_on_application",
            "approve_application",
            "return_application",
            "refuse_application",
            "commence_project",
            "order_indexing",
            "begin_review",
            "order_extract",
            "open_workspace",
            "confirm_recovery",
            "submit_output",
            "withdraw_output",
            "vote_on_output",
            "release_output",
            "release_labels",
            "download_output",
            "give_instruction",
            "deliver_identifiers",
            "deliver_payload",
        ] {
            assert_ne!(ask(action), "", "{action}");
        }
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (seconds, text) in [
            (-5, "less than a minute"),
            (59, "less than a minute"),
            (60, "1 minute"),
            (3_599, "59 minutes"),
            (7_200, "2 hours"),
            (86_399, "23 hours"),
            (86_400, "1 day"),
            (1_000_000, "11 days"),
        ] {
            assert_eq!(age(at(1_000), at(1_000 + seconds)), text, "{seconds}");
        }
    }
}
