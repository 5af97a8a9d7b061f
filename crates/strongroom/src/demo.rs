//! `strongroom demo`: the whole journey on people who do not exist, told step by step.

mod cast;
pub(crate) mod cost;
mod ending;
mod forms;
mod pages;
mod story;
mod strack;
mod teller;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::config::{Listen, Settings};
use crate::files;
use crate::house::House;
use crate::keeping::Logs;
use crate::places::Places;
use crate::problem::Problem;

use cast::Cast;
use teller::Teller;

/// Name of the demo's log.
pub(crate) const ORIGIN: &str = "strongroom.example/demo";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// How many people to make up, at least 3,000: with fewer, hardly a cell of the demo's table is safe.
    #[arg(long, default_value_t = 20_000, value_parser = at_least_3000)]
    people: usize,
    /// Seed of the made-up people: the same seed makes the same people.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Take the real file "Diabetes 130-US hospitals" (CSV, may be gzipped) through the whole product instead.
    #[arg(long)]
    strack: Option<PathBuf>,
    /// Keep the safe haven in this empty folder; without it, it is deleted at the end.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Afterwards keep the pages open on this machine, with everybody of the story to sign in as. The project of
    /// the story then stays in force, so that there is a workspace to look at.
    #[arg(long)]
    serve: bool,
    /// Write each step's CPU, wall-clock time and peak memory to this file as JSON.
    #[arg(long)]
    report: Option<PathBuf>,
}

fn at_least_3000(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(people @ 3_000..=5_000_000) => Ok(people),
        Ok(_) | Err(_) => Err("the demo takes 3000 to 5000000 people".into()),
    }
}

/// Runs the journey. Ends with exit code 0 only if every step came out as it must, log verified.
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Problem> {
    let kept;
    let temporary;
    let root = match &args.data_dir {
        Some(folder) => {
            kept = folder.clone();
            let begun = std::fs::read_dir(&kept).is_ok_and(|mut entries| entries.next().is_some());
            if begun {
                return Err(Problem::could_not("the folder for the demo must be empty"));
            }
            kept.as_path()
        }
        None => {
            temporary = tempfile::tempdir()
                .map_err(|_| Problem::could_not("no temporary folder can be made"))?;
            temporary.path()
        }
    };
    let mut teller = Teller::new();
    teller.opening(args)?;
    walls(&mut teller)?;
    let places = Places::new(root);
    let settings = settings(root);
    let house = House::start(&settings, Logs::Faults).await?;
    teller.watch(house.keeper_pid());
    let told = tell(args, &house, &mut teller).await;
    house.stop().await;
    // What the keeper used is now counted among the children of this process.
    teller.watch(None);
    let cast = told?;
    ending::tell(&mut teller, &places, cast.remembered())?;
    teller.closing(args.report.as_deref())?;
    if args.serve {
        pages::keep_open(root, &cast).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Without pages, on a folder of its own.
fn settings(root: &Path) -> Settings {
    Settings {
        origin: ORIGIN.to_owned(),
        listen: Listen::Nowhere,
        indexing_listen: Listen::Nowhere,
        ..Settings::of_folder(root)
    }
}

/// Which walls stand around a worker on this machine; without the required ones nothing can run.
fn walls(teller: &mut Teller) -> Result<(), Problem> {
    let policies = files::load_policies(None)?;
    let profile = files::profile(&policies, "sandbox/sql.toml")?;
    let worker = files::query_worker()?;
    let layers = sandbox::doctor(&worker, &profile)
        .map_err(|e| Problem::could_not(format!("the sandbox cannot be tried: {e}")))?;
    teller.step("The walls", "every layer of the sandbox, tried now")?;
    let mut missing = Vec::new();
    let mut standing = 0_usize;
    for layer in &layers {
        match (&layer.state, layer.requirement) {
            (protocol::posture::LayerState::Present { .. }, _) => standing += 1,
            (
                protocol::posture::LayerState::Missing { why, remedy },
                protocol::posture::Requirement::Required,
            ) => missing.push(format!("{}: {why}; {remedy}", layer.layer.name())),
            (protocol::posture::LayerState::Missing { .. }, _) => {
                teller.say(&format!("wanted, not here: {}", layer.layer.name()))?;
            }
        }
    }
    teller.say(&format!("{standing} layers stand around each worker"))?;
    if missing.is_empty() {
        return teller.done();
    }
    Err(Problem::could_not(format!(
        "this machine lacks a wall that is required, so nothing touches data here: {}",
        missing.join("; ")
    )))
}

async fn tell(args: &Args, house: &House, teller: &mut Teller) -> Result<Cast, Problem> {
    let cast = Cast::gather(house, teller).await?;
    match &args.strack {
        Some(file) => strack::tell(cast, teller, file, args.seed).await,
        None => story::tell(cast, teller, args.people, args.seed, args.serve).await,
    }
}
