//! The attack on everything that left, and on what screens showed, for auditors: how much a reader of it recovers.

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
    readers: Vec<Reader>,
}

/// What somebody recovers of the people of one spine.
#[derive(Debug, PartialEq, Eq)]
struct Reader {
    spine: String,
    /// The project whose screens they saw; none for a reader of what left.
    project: Option<String>,
    /// Outputs for a reader of what left, and else screens.
    seen: u64,
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
        readers: spines.iter().flat_map(readers).collect(),
    }
}

/// Whoever reads what left, and then the people of each project.
fn readers(spine: &Value) -> Vec<Reader> {
    let named = word(spine, "spine").unwrap_or_default();
    let projects = spine.get("projects").and_then(Value::as_array);
    let projects = projects.map_or(&[][..], Vec::as_slice);
    let everybody = std::iter::once((spine, "/outputs"));
    everybody
        .chain(projects.iter().map(|project| (project, "/screens")))
        .map(|(of, seen)| reader(&named, of, number(of, seen)))
        .collect()
}

fn reader(spine: &str, of: &Value, seen: u64) -> Reader {
    let recovered = |name: &str| number(of, &format!("/recovered/{name}"));
    Reader {
        spine: spine.to_owned(),
        project: word(of, "project"),
        seen,
        tables: recovered("tables"),
        attacked: recovered("attacked"),
        minimum: recovered("minimum"),
        isolated: recovered("isolated"),
        singled_out: recovered("singled_out"),
        averaged: recovered("averaged"),
        reconstructed: recovered("reconstructed"),
    }
}

fn word(of: &Value, name: &str) -> Option<String> {
    of.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// A count that the service has read already.
fn number(of: &Value, at: &str) -> u64 {
    of.pointer(at).and_then(Value::as_u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spine_reads_as_its_counts_for_every_reader() {
        let of = serde_json::json!({ "spine": "del_a", "outputs": 3, "recovered": {
            "tables": 4, "attacked": 4, "minimum": 10, "isolated": 2, "singled_out": 1, "averaged": 0,
            "reconstructed": 5 }, "projects": [{ "project": "prj_a", "screens": 2, "recovered": {
            "tables": 6, "attacked": 6, "minimum": 10, "isolated": 7 } }] });
        let readers = readers(&of);
        let [told, project] = &readers[..] else {
            panic!("{readers:?}");
        };
        assert_eq!(
            (told.spine.as_str(), told.seen, told.tables),
            ("del_a", 3, 4)
        );
        assert_eq!(told.project, None);
        assert_eq!(project.project.as_deref(), Some("prj_a"));
        assert_eq!((project.seen, project.tables, project.isolated), (2, 6, 7));
        assert_eq!(
            (told.isolated, told.singled_out, told.reconstructed),
            (2, 1, 5)
        );
        assert_eq!(told.minimum, 10);
    }
}
