//! `strongroom doctor`: every layer of the sandbox, tried now, and what else a safe haven needs of its machine.

mod machine;
mod print;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use keeper::PinnedLibrary;
use protocol::posture::{Layer, LayerState, Requirement};
use sandbox::LayerReport;
use serde::{Deserialize, Serialize};
use service::Policies;

use crate::files::{PROFILES, PoliciesArgs, profile, worker, workers};
use crate::form::Form;
use crate::problem::{Problem, REFUSED, say};
use crate::users::User;
use machine::{Library, Machine, Modes, Owners, Place, Swap};

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
    /// Only try the layers and print them as JSON: how the keeper's own user is asked.
    #[arg(long, hide = true)]
    layers: bool,
    /// Require what real data needs, not only what a rehearsal does.
    #[arg(long)]
    production: bool,
    /// How the findings are printed.
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    library: Vec<PinnedLibrary>,
}

/// Tries, and prints what was found.
///
/// # Errors
/// If a policy cannot be used, the worker is missing, of another build or cannot be started at all.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    if args.layers {
        say(&serde_json::to_string(&try_layers(args)?)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let purpose = if args.production {
        Purpose::Production
    } else {
        Purpose::Rehearsal
    };
    let machine = machine::look(&worker()?, &pinned()?, args.data_dir.as_deref())?;
    // The walls are those that the keeper's workers get, so whoever runs the keeper must try them.
    let profiles = match machine.keeper_elsewhere() {
        Some(keeper) => layers_of(keeper, args)?,
        None => try_layers(args)?,
    };
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

fn try_layers(args: &Args) -> Result<Vec<Tried>, Problem> {
    let policies = args.policies.load()?;
    let mut profiles = Vec::new();
    for (name, worker) in PROFILES.into_iter().zip(workers()?) {
        let profile = profile(&policies, name)?;
        profiles.push(Tried {
            layers: sandbox::doctor(&worker, &profile)?,
            profile: profile.name,
        });
    }
    Ok(profiles)
}

/// Tries every wall under both profiles, each in its own program, now.
///
/// # Errors
/// If a worker is missing. The first required wall that does not stand, in one sentence.
pub(crate) fn must_hold(policies: &Policies) -> Result<(), Problem> {
    for (name, worker) in PROFILES.into_iter().zip(workers()?) {
        let profile = profile(policies, name)?;
        for report in sandbox::doctor(&worker, &profile)? {
            if let (Requirement::Required, LayerState::Missing { why, remedy }) =
                (report.requirement, report.state)
            {
                return Err(Problem::could_not(format!(
                    "the wall {} does not stand for the profile {}: {why}; without it {}; {remedy}",
                    report.layer,
                    profile.name,
                    report.layer.without_it()
                )));
            }
        }
    }
    Ok(())
}

/// The layers as they stand for the keeper's user, tried by this program in its place.
fn layers_of(keeper: User, args: &Args) -> Result<Vec<Tried>, Problem> {
    let cannot = || {
        Problem::could_not(
            "the layers cannot be tried as the keeper's user; can it read and start this program and the worker?",
        )
    };
    let me = std::env::current_exe().map_err(|_| cannot())?;
    let mut command = Command::new(me);
    command
        .args(crate::users::run_as(keeper, &[]))
        .args(["doctor", "--layers"])
        .env_clear();
    if let Some(policies) = args.policies.folder() {
        command.arg("--policies").arg(policies);
    }
    let output = command.output().map_err(|_| cannot())?;
    if !output.status.success() {
        return Err(cannot());
    }
    serde_json::from_slice(&output.stdout).map_err(|_| cannot())
}

/// The libraries that the workspace image pins.
///
/// # Errors
/// If the image's text cannot be used.
pub(crate) fn pinned() -> Result<Vec<PinnedLibrary>, Problem> {
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
    let apart = [
        Layer::UserNamespace,
        Layer::PidNamespace,
        Layer::LandlockScopes,
        Layer::Seccomp,
    ];
    if let Some(Place {
        owners: Owners::Apart { keeper, .. },
        ..
    }) = &machine.place
        && apart.into_iter().all(|layer| stands(profiles, layer))
    {
        return met(
            NAME,
            Need::Production,
            format!(
                "workers share user id {} with the keeper and with nobody else; namespaces, Landlock and seccomp keep them from it",
                keeper.uid
            ),
        );
    }
    not_met(
        NAME,
        Need::Production,
        format!("{me}, and workers share a user id with what starts them"),
        "start `serve` as root with [users], so that the keeper has a user of its own",
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
            match place.owners {
                Owners::One(_) => format!(
                    "{looked_at} folders and key files are for their owner alone (0700 and 0600)"
                ),
                Owners::Apart { .. } => format!(
                    "{looked_at} folders and key files are for their own users (docs/how-to/production.md)"
                ),
            },
        ),
        Modes::Wrong(what) => not_met(
            NAME,
            Need::Required,
            what.clone(),
            "stop it, see to owner and mode, and ask who could read it until now",
        ),
    }
}

/// Whether a front that is taken over is kept from the keys by the kernel.
fn users(place: Option<&Place>) -> Condition {
    const NAME: &str = "users of front and keeper";
    const REMEDY: &str = "start `serve --config FILE` as root with [users]";
    match place.map(|place| &place.owners) {
        None => not_met(
            NAME,
            Need::Production,
            "no data folder was looked at".into(),
            "give --data-dir",
        ),
        Some(Owners::One(uid)) => not_met(
            NAME,
            Need::Production,
            format!("front and keeper share user id {uid}"),
            REMEDY,
        ),
        Some(Owners::Apart {
            front,
            indexing,
            keeper,
        }) => met(
            NAME,
            Need::Production,
            format!(
                "front, indexing desk and keeper have user ids {front}, {indexing} and {}",
                keeper.uid
            ),
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
            "move it away and name it under [root_key], as a credential, a file elsewhere or a passphrase",
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
        users(place),
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
