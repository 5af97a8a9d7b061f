//! `strongroom link SPEC.toml --spine SPINE`: new records against a kept spine.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use linkage::{DeliveryReport, SpineSpec};
use protocol::job::{Job, Order};
use protocol::linked::StageCost;
use sandbox::Launch;
use serde::Serialize;

use super::beside::{Beside, inputs, job};
use super::outcome::Cost;
use super::spine::{SpineFolder, now_ms};
use super::{Args, Folder, MADE, REPORT, limits, listen, spec};
use crate::files::{LINKAGE, profile, worker};
use crate::form::Form;
use crate::problem::{Problem, say, say_raw};

/// Of the layout of `report.json`.
const VERSION: u32 = 1;

/// `report.json`.
#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    #[serde(flatten)]
    cost: Cost,
    stages: &'a [StageCost],
    delivery: &'a DeliveryReport,
}

/// Links the inputs to the spine. The results get their names first and the spine goes on last: a run that is stopped
/// between can be run again.
pub(super) fn run(args: &Args, spine: &Path) -> Result<ExitCode, Problem> {
    let begun = Instant::now();
    let policies = args.policies.load()?;
    let mut asked = spec::delivery(&args.spec, policies.text(LINKAGE))?;
    let profile = profile(&policies, "sandbox/job.toml")?;
    let limits = limits(&profile.limits, args)?;
    let spine = SpineFolder::open(spine)?;
    let time_ms = now_ms();
    asked.spec.spine = Some(SpineSpec::Deliver { time_ms });
    let beside = Beside::of(args, &asked)?;
    let mut files = inputs(&asked, &beside)?;
    files.extend(spine.inputs());
    let folder = Folder::open(&args.out, vec![MADE[0], MADE[1], REPORT])?;
    let launch = Launch {
        worker: worker()?,
        order: Order {
            job: Job::LinkFiles(job(&asked, &beside, 0)?),
            limits,
        },
        inputs: files,
        profile,
    };
    let told = listen(launch, &[Some(&folder), Some(spine.new_files())])?;
    let delivery: DeliveryReport = serde_json::from_str(&told.linkage)
        .map_err(|_| Problem::could_not("the worker's report cannot be read"))?;
    let cost = Cost::of(begun.elapsed(), &told.usage);
    let report = serde_json::to_string_pretty(&Written {
        version: VERSION,
        cost,
        stages: &told.stages,
        delivery: &delivery,
    })?;
    folder.write(REPORT, report.as_bytes())?;
    folder.publish()?;
    spine.commit()?;
    match args.format {
        Form::Json => say(&report)?,
        Form::Text => say_raw(&words(&delivery, cost))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A few lines for the person who waits.
fn words(delivery: &DeliveryReport, cost: Cost) -> String {
    let mut text = String::new();
    let linked: u64 = delivery.linked.values().sum();
    let records: u64 = delivery.records.values().sum();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{linked} of {records} new records linked; {:.1} CPU s, {:.0} MB",
        cost.cpu_s, cost.peak_mb
    );
    let (pairs, persons) = (&delivery.pairs, &delivery.persons);
    let _ = writeln!(
        text,
        "pairs: {} new, {} changed, {} gone",
        pairs.new, pairs.changed, pairs.gone
    );
    let _ = writeln!(
        text,
        "persons: {} new, {} merged, {} split; {} in all",
        persons.new, persons.merged, persons.split, delivery.spine_persons
    );
    text
}
