//! The audit of the measuring lane by itself, for auditors: each claim, and what thousands of draws showed.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use serde::Deserialize;
use serde_json::Value;
use service::SelfAuditView;

use super::form::Posted;
use super::session::Visitor;
use super::shell::{Reply, Shell, page, see};
use super::words;
use crate::answer::to_the_end;
use crate::{Front, Ready};

/// Where it is.
const HERE: &str = "/log/self-audit";

/// The page of the self-audit.
pub(crate) fn routes() -> Router<Front> {
    Router::new().route(HERE, get(show).post(run))
}

#[derive(Template)]
#[template(path = "self_audit.html")]
struct Page {
    shell: Shell,
    audit: Option<Audit>,
}

/// What was found.
struct Audit {
    at: String,
    holds: bool,
    draws: u64,
    cases: Vec<Case>,
}

/// One pair of neighbours.
#[derive(Debug, PartialEq, Eq)]
struct Case {
    name: String,
    tries: String,
    noise: String,
    delta: String,
    claimed: String,
    shown: String,
    holds: bool,
}

/// What `?done=` may say.
#[derive(Deserialize)]
struct Ask {
    done: Option<String>,
}

async fn show(State(front): Ready, visitor: Visitor, Query(ask): Query<Ask>) -> Reply {
    let last = front.service.last_self_audit(&visitor.caller).await?;
    page(&Page {
        shell: Shell::of(&visitor, "Audit of the measuring lane").done(ask.done.as_deref()),
        audit: last.map(told),
    })
}

async fn run(State(front): Ready, posted: Posted) -> Reply {
    let caller = posted.visitor.caller.clone();
    to_the_end(async move { front.service.self_audit(&caller).await }).await?;
    Ok(see(HERE, "audited"))
}

fn told(view: SelfAuditView) -> Audit {
    let cases = view.findings.get("cases").and_then(Value::as_array);
    Audit {
        at: words::moment(view.at),
        holds: view.holds,
        draws: view
            .findings
            .get("draws")
            .and_then(Value::as_u64)
            .unwrap_or(0),
        cases: cases
            .map_or(&[][..], Vec::as_slice)
            .iter()
            .map(case)
            .collect(),
    }
}

fn case(of: &Value) -> Case {
    let text = |name: &str| {
        of.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let number = |name: &str| of.get(name).and_then(Value::as_f64);
    let told =
        |number: Option<f64>| number.map_or_else(|| "unknown".to_owned(), |n| format!("{n:.2}"));
    Case {
        name: text("case"),
        tries: text("tries"),
        noise: text("noise"),
        delta: number("delta").map_or_else(String::new, |delta| delta.to_string()),
        claimed: told(number("claimed_epsilon")),
        shown: told(number("shown_epsilon")),
        holds: of.get("holds").and_then(Value::as_bool).unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_reads_as_claim_and_bound_and_what_is_missing_does_not_hold() {
        let of = serde_json::json!({ "case": "rows", "tries": "thirty rows", "noise": "gaussian", "delta": 0.001,
            "claimed_epsilon": 4.5449, "shown_epsilon": 2.1, "holds": true });
        let told = case(&of);
        assert_eq!(
            (told.claimed.as_str(), told.shown.as_str()),
            ("4.54", "2.10")
        );
        assert!(told.holds);
        let odd = case(&Value::Null);
        assert_eq!((odd.claimed.as_str(), odd.holds), ("unknown", false));
    }
}
