//! The walls around workers as they were just tried, and which policies, builds and keys are in force.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use service::{AttackOutcome, HousePosture, LayerState, Requirement, Tried, Wall};

use super::session::Visitor;
use super::shell::{Reply, Shell, page};
use crate::answer::to_the_end;
use crate::{Front, Ready};

/// The page of the posture.
pub(crate) fn routes() -> Router<Front> {
    Router::new().route("/posture", get(show))
}

#[derive(Template)]
#[template(path = "posture.html")]
struct Page {
    shell: Shell,
    profiles: Vec<Profile>,
    policies: Vec<(String, String)>,
    builds: Vec<(&'static str, String)>,
    same_build: bool,
}

/// One sandbox profile.
struct Profile {
    name: String,
    /// Required walls that are missing.
    lacking: usize,
    walls: Vec<Row>,
}

/// One wall.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: String,
    required: bool,
    standing: Standing,
    /// Version or numbers, or what the machine answered.
    detail: String,
    /// What its absence means and how to get it; empty if it stands.
    remedy: String,
    /// How many attacks it held.
    attacks: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Yes,
    Lacking,
    /// Missing, and not required.
    Without,
}

impl Row {
    /// Class and words of its tag.
    fn tag(&self) -> (&'static str, &'static str) {
        match self.standing {
            Standing::Yes => ("govuk-tag--green", "Stands"),
            Standing::Lacking => ("govuk-tag--red", "Missing"),
            Standing::Without => ("govuk-tag--grey", "Not there"),
        }
    }

    fn need(&self) -> &'static str {
        if self.required { "Required" } else { "Wanted" }
    }
}

async fn show(State(front): Ready, visitor: Visitor) -> Reply {
    let caller = visitor.caller.clone();
    let service = front.service.clone();
    let posture = to_the_end(async move { service.posture(&caller).await }).await?;
    page(&of(Shell::of(&visitor, "Posture"), posture))
}

fn of(shell: Shell, posture: HousePosture) -> Page {
    Page {
        shell,
        same_build: posture.front_build == posture.keeper_build,
        profiles: posture.tried.into_iter().map(Profile::of).collect(),
        policies: posture.policies.into_iter().collect(),
        builds: vec![
            ("Build of the front", posture.front_build.to_owned()),
            ("Build of the keeper and its workers", posture.keeper_build),
            ("Key of the log", posture.log_vkey),
            ("Key of manifests", posture.manifest_vkey),
        ],
    }
}

impl Profile {
    fn of(tried: Tried) -> Self {
        let walls: Vec<Row> = tried.walls.into_iter().map(Row::of).collect();
        let lacking = walls.iter().filter(|row| row.standing == Standing::Lacking);
        Self {
            name: tried.profile,
            lacking: lacking.count(),
            walls,
        }
    }
}

impl Row {
    fn of(wall: Wall) -> Self {
        let required = match wall.requirement {
            Requirement::Required => true,
            Requirement::Wanted => false,
        };
        let held = wall
            .proof
            .iter()
            .filter(|p| p.outcome == AttackOutcome::Held)
            .count();
        let attacks = match wall.proof.len() {
            0 => "None tried".to_owned(),
            tried => format!("{held} of {tried} held"),
        };
        let (standing, detail, remedy) = match wall.state {
            LayerState::Present { detail } => (Standing::Yes, detail, String::new()),
            LayerState::Missing { why, remedy } => (
                if required {
                    Standing::Lacking
                } else {
                    Standing::Without
                },
                why,
                format!("Without it {}. {remedy}", wall.layer.without_it()),
            ),
        };
        Self {
            name: wall.layer.name().replace('_', " "),
            required,
            standing,
            detail,
            remedy,
            attacks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(json: &str) -> Row {
        Row::of(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_missing_wall_is_lacking_only_if_it_is_required() {
        let missing =
            r#""state":{"state":"missing","why":"no kernel support","remedy":"update"},"proof":[]"#;
        for (requirement, expected) in [("required", "Missing"), ("wanted", "Not there")] {
            let row = wall(&format!(
                r#"{{"layer":"landlock_scopes","requirement":"{requirement}",{missing}}}"#
            ));
            assert_eq!(row.tag().1, expected);
            assert_eq!(row.name, "landlock scopes");
            assert!(
                row.remedy.contains("Without it one wall fewer"),
                "{}",
                row.remedy
            );
            assert_eq!(row.attacks, "None tried");
        }
    }

    #[test]
    fn a_wall_that_stands_says_how_many_attacks_it_held() {
        let row = wall(
            r#"{"layer":"seccomp","requirement":"required","state":{"state":"present","detail":"40 calls"},
                "proof":[{"layer":"seccomp","attempt":"socket","outcome":"held","happened":"EPERM"},
                         {"layer":"seccomp","attempt":"fork","outcome":"held","happened":"EPERM"}]}"#,
        );
        assert_eq!(
            (row.tag().1, row.attacks.as_str()),
            ("Stands", "2 of 2 held")
        );
    }
}
