//! The attack on everything that left, for auditors: how much a reader of all of it recovers.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use serde_json::Value;
use service::AttackView;

use super::form::Posted;
use super::home::Done;
use super::session::Visitor;
use super::shell::{Reply, Shell, page, see};
use super::words;
use crate::answer::to_the_end;
use crate::{Front, Ready};

/// Where it is.
const HERE: &str = "/log/attack";

/// The page of the attack.
pub(crate) fn routes() -> Router<Front> {
    Router::new().route(HERE, get(show).post(run))
}

#[derive(Template)]
#[template(path = "attack.html")]
struct Page {
    shell: Shell,
    attack: Option<Attack>,
}

/// What was recovered.
struct Attack {
    at: String,
    holds: bool,
    unknown: u64,
    spines: Vec<Spine>,
}

/// What was recovered of the people of one spine.
#[derive(Debug, PartialEq, Eq)]
struct Spine {
    spine: String,
    outputs: u64,
    tables: u64,
    attacked: u64,
    minimum: u64,
    isolated: u64,
    singled_out: u64,
    averaged: u64,
    reconstructed: u64,
}

async fn show(State(front): Ready, visitor: Visitor, Query(ask): Query<Done>) -> Reply {
    let last = front.service.last_attack(&visitor.caller).await?;
    page(&Page {
        shell: Shell::of(&visitor, "Attack on what left").done(ask.done.as_deref()),
        attack: last.map(told),
    })
}

async fn run(State(front): Ready, posted: Posted) -> Reply {
    let caller = posted.visitor.caller.clone();
    to_the_end(async move { front.service.attack(&caller).await }).await?;
    Ok(see(HERE, "attacked"))
}

fn told(view: AttackView) -> Attack {
    let spines = view.found.get("spines").and_then(Value::as_array);
    let spines = spines.map_or(&[][..], Vec::as_slice);
    Attack {
        at: words::moment(view.at),
        holds: view.holds,
        unknown: number(&view.found, "/unknown"),
        spines: spines.iter().map(spine).collect(),
    }
}

fn spine(of: &Value) -> Spine {
    let recovered = |name: &str| number(of, &format!("/recovered/{name}"));
    let named = of.get("spine").and_then(Value::as_str);
    Spine {
        spine: named.unwrap_or_default().to_owned(),
        outputs: number(of, "/outputs"),
        tables: recovered("tables"),
        attacked: recovered("attacked"),
        minimum: recovered("minimum"),
        isolated: recovered("isolated"),
        singled_out: recovered("singled_out"),
        averaged: recovered("averaged"),
        reconstructed: recovered("reconstructed"),
    }
}

/// A count that the service has read already.
fn number(of: &Value, at: &str) -> u64 {
    of.pointer(at).and_then(Value::as_u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spine_reads_as_its_counts() {
        let of = serde_json::json!({ "spine": "del_a", "outputs": 3, "recovered": {
            "tables": 4, "attacked": 4, "minimum": 10, "isolated": 2, "singled_out": 1, "averaged": 0,
            "reconstructed": 5 } });
        let told = spine(&of);
        assert_eq!(
            (told.spine.as_str(), told.outputs, told.tables),
            ("del_a", 3, 4)
        );
        assert_eq!(
            (told.isolated, told.singled_out, told.reconstructed),
            (2, 1, 5)
        );
        assert_eq!(told.minimum, 10);
    }
}
