//! `strongroom doctor`: every layer of the sandbox, tried now, and what else a safe haven needs of its machine.

mod machine;
mod print;

use std::path::PathBuf;
use std::process::ExitCode;

use protocol::posture::{Layer, LayerState, Requirement};
use sandbox::LayerReport;
use serde::Serialize;

use crate::files::{PoliciesArgs, profile, worker};
use crate::problem::{Problem, REFUSED, say};
use machine::{Library, Machine, Modes, Place, Swap};

/// What runs inside a workspace, with the hash of its engine.
const IMAGE: &str = include_str!("../../../workspace-images/sql/image.toml");

/// Tries every layer of the sandbox on this machine, now, by workers that attack their own walls.
///
/// The exit code is 0 if everything required is there, 1 if something is missing, 2 if it could not be tried.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    policies: PoliciesArgs,
    /// Folder of a safe haven whose modes are looked at too.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Require what real data needs, not only what a rehearsal does.
    #[arg(long)]
    production: bool,
    /// How the findings are printed.
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// A table for people.
    Text,
    /// One JSON document.
    Json,
}

/// What the machine is to be fit for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Purpose {
    /// Generated data, or one's own files.
    Rehearsal,
    /// Real people's data.
    Production,
}

/// What a condition is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Need {
    /// Always.
    Required,
    /// For real people's data.
    Production,
}

/// Whether a condition is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Met,
    NotMet,
    /// No program on this machine can tell.
    CannotBeTried,
}

/// A condition besides the layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Condition {
    name: &'static str,
    need: Need,
    state: State,
    detail: String,
    /// How to meet it; empty if it is met.
    remedy: &'static str,
}

/// The layers under one profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Tried {
    profile: String,
    layers: Vec<LayerReport>,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Findings {
    fit: bool,
    purpose: Purpose,
    build: &'static str,
    profiles: Vec<Tried>,
    conditions: Vec<Condition>,
}

#[derive(serde::Deserialize)]
struct Image {
    library: Vec<Pinned>,
}

/// A library as the image pins it.
#[derive(Debug, Clone, serde::Deserialize)]
struct Pinned {
    file: String,
    sha256: String,
}

/// Tries, and prints what was found.
///
/// # Errors
/// If a policy cannot be used, the worker is missing, of another build or cannot be started at all.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    let policies = args.policies.load()?;
    let worker = worker()?;
    let mut profiles = Vec::new();
    for name in ["sandbox/job.toml", "sandbox/sql.toml"] {
        let profile = profile(&policies, name)?;
        profiles.push(Tried {
            layers: sandbox::doctor(&worker, &profile)?,
            profile: profile.name,
        });
    }
    let purpose = if args.production {
        Purpose::Production
    } else {
        Purpose::Rehearsal
    };
    let machine = machine::look(&worker, &pinned()?, args.data_dir.as_deref())?;
    let findings = judge(profiles, &machine, purpose);
    match args.format {
        Form::Text => say(&print::table(&findings))?,
        Form::Json => say(&serde_json::to_string(&findings)?)?,
    }
    Ok(if findings.fit {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(REFUSED)
    })
}

fn pinned() -> Result<Vec<Pinned>, Problem> {
    toml::from_str::<Image>(IMAGE)
        .map(|image| image.library)
        .map_err(|error| {
            Problem::could_not(format!(
                "workspace-images/sql/image.toml cannot be used: {}",
                error.message()
            ))
        })
}

fn judge(profiles: Vec<Tried>, machine: &Machine, purpose: Purpose) -> Findings {
    let mut conditions: Vec<Condition> = machine.libraries.iter().map(library).collect();
    conditions.push(user(machine, &profiles));
    conditions.push(swap(machine, &profiles));
    if let Some(place) = &machine.place {
        conditions.push(modes(place));
    }
    match purpose {
        Purpose::Rehearsal => {}
        Purpose::Production => conditions.extend(production(machine.place.as_ref())),
    }
    let layers = profiles.iter().flat_map(|tried| &tried.layers);
    let walls = layers.clone().count() > 0 && layers.clone().all(|layer| !lacks(layer));
    let fit = walls && conditions.iter().all(|condition| holds(condition, purpose));
    Findings {
        fit,
        purpose,
        build: protocol::build_id(),
        profiles,
        conditions,
    }
}

/// Whether a required layer is missing.
fn lacks(report: &LayerReport) -> bool {
    match (&report.state, report.requirement) {
        (LayerState::Missing { .. }, Requirement::Required) => true,
        (LayerState::Missing { .. }, Requirement::Wanted) | (LayerState::Present { .. }, _) => {
            false
        }
    }
}

fn holds(condition: &Condition, purpose: Purpose) -> bool {
    match (condition.state, condition.need, purpose) {
        (State::Met | State::CannotBeTried, _, _)
        | (State::NotMet, Need::Production, Purpose::Rehearsal) => true,
        (State::NotMet, Need::Required, _)
        | (State::NotMet, Need::Production, Purpose::Production) => false,
    }
}

/// Whether a layer stands under every profile.
fn stands(profiles: &[Tried], layer: Layer) -> bool {
    !profiles.is_empty()
        && profiles.iter().all(|tried| {
            tried.layers.iter().any(|report| {
                report.layer == layer && matches!(report.state, LayerState::Present { .. })
            })
        })
}

fn met(name: &'static str, need: Need, detail: String) -> Condition {
    Condition {
        name,
        need,
        state: State::Met,
        detail,
        remedy: "",
    }
}

fn not_met(name: &'static str, need: Need, detail: String, remedy: &'static str) -> Condition {
    Condition {
        name,
        need,
        state: State::NotMet,
        detail,
        remedy,
    }
}

fn library((file, found): &(String, Library)) -> Condition {
    const NAME: &str = "engine library";
    const REMEDY: &str = "install the library that belongs to this build beside the worker";
    match found {
        Library::AsPinned(sha256) => met(
            NAME,
            Need::Required,
            format!("{file} beside the worker has the pinned SHA-256 {sha256}"),
        ),
        Library::Other { found, pinned } => not_met(
            NAME,
            Need::Required,
            format!("{file} beside the worker has the SHA-256 {found}, not the pinned {pinned}"),
            REMEDY,
        ),
        Library::Unread(why) => not_met(
            NAME,
            Need::Required,
            format!("{file} beside the worker cannot be read: {why}"),
            REMEDY,
        ),
    }
}

fn user(machine: &Machine, profiles: &[Tried]) -> Condition {
    const NAME: &str = "users of workers";
    let me = match machine.uid {
        Some(0) => "this runs as root".to_owned(),
        Some(uid) => format!("this runs as user id {uid}"),
        None => "the user that this runs as cannot be told".to_owned(),
    };
    if stands(profiles, Layer::SeparateUser) {
        return met(
            NAME,
            Need::Production,
            format!("{me}, and each worker has a user id of its own"),
        );
    }
    not_met(
        NAME,
        Need::Production,
        format!("{me}, and workers share a user id with what starts them"),
        "start the keeper as root; it gives each worker a user id of its own",
    )
}

fn swap(machine: &Machine, profiles: &[Tried]) -> Condition {
    const NAME: &str = "swap";
    match (machine.swap, stands(profiles, Layer::NoSwap)) {
        (Swap::Off, _) => met(NAME, Need::Production, "this machine has no swap".into()),
        (Swap::On, true) => met(
            NAME,
            Need::Production,
            "swap is on, and the files of workers are kept from it".into(),
        ),
        (Swap::On, false) => not_met(
            NAME,
            Need::Production,
            "swap is on, and decrypted rows could reach it".into(),
            "turn swap off, or start the keeper as root on a kernel whose tmpfs has noswap",
        ),
    }
}

fn modes(place: &Place) -> Condition {
    const NAME: &str = "modes of the data folder";
    match &place.modes {
        Modes::Private { looked_at } => met(
            NAME,
            Need::Required,
            format!("{looked_at} folders and key files are for their owner alone (0700 and 0600)"),
        ),
        Modes::Wrong(what) => not_met(
            NAME,
            Need::Required,
            what.clone(),
            "chmod folders to 0700 and key files to 0600, and ask who could read them until now",
        ),
    }
}

/// What real data needs besides.
fn production(place: Option<&Place>) -> Vec<Condition> {
    const ROOT: &str = "root key apart";
    let root = match place {
        None => not_met(
            ROOT,
            Need::Production,
            "no data folder was looked at".into(),
            "give --data-dir",
        ),
        Some(Place {
            root_key: Some(path),
            ..
        }) => not_met(
            ROOT,
            Need::Production,
            format!(
                "the root key lies beside what it protects, in {}",
                path.display()
            ),
            "this build has no other place for it; keep real data out until the key is a credential of the service",
        ),
        Some(Place { root_key: None, .. }) => met(
            ROOT,
            Need::Production,
            "there is no root key in the data folder".into(),
        ),
    };
    let stated = |name, detail: &str| Condition {
        name,
        need: Need::Production,
        state: State::CannotBeTried,
        detail: detail.into(),
        remedy: "see to it by arrangement",
    };
    vec![
        root,
        not_met(
            "users of front and keeper",
            Need::Production,
            "front and keeper share one user in this build".into(),
            "keep real data out until they are two",
        ),
        stated(
            "indexing apart",
            "production puts the indexing desk on another host; this cannot be tried from here",
        ),
        stated(
            "somebody outside remembers",
            "a rewritten log shows only against a witness or a checkpoint that somebody else kept; this cannot be tried from here",
        ),
    ]
}

#[cfg(test)]
mod tests;
