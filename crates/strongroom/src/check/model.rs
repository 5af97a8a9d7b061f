//! `strongroom check --model`: may a regression leave?

use std::path::Path;

use disclosure::model::{Design, Spec};
use disclosure::{Evidence, Policy, Report as Judged, Verdict};
use protocol::job::{Job, Order};
use protocol::model::Model;
use sandbox::Launch;
use serde::Deserialize;
use service::Policies;

use super::{Args, Folders, Gathered, gather, judge};
use crate::files::{DataFiles, profile, query_worker, read_text};
use crate::problem::Problem;

/// What the worker tells of a model.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    design: Design,
    tables: Vec<Evidence>,
}

/// Has a model fitted, and judges its design and the tables behind it.
///
/// # Errors
/// If the file, the model or a column cannot be used, no worker can be sealed, or a limit stopped it.
pub(super) fn of_model(
    file: &Path,
    args: &Args,
    unit: String,
    policy: &Policy,
    policies: &Policies,
) -> Result<Judged, Problem> {
    let files = DataFiles::find(&args.data)?;
    let spec = Spec::parse(&read_text(file)?)
        .map_err(|why| Problem::could_not(format!("{}: {why}", file.display())))?;
    let profile = profile(policies, "sandbox/sql.toml")?;
    let model = Model {
        source: files.source(),
        unit,
        spec: serde_json::to_string(&spec)?,
        parameters: u32::try_from(policy.limits().parameters).unwrap_or(u32::MAX),
    };
    let gathered = gather(Launch {
        worker: query_worker()?,
        order: Order {
            job: Job::Model(model),
            limits: profile.limits.clone(),
        },
        inputs: files.inputs(),
        profile,
    })?;
    let told: Told = serde_json::from_str(&gathered.evidence)
        .map_err(|_| Problem::could_not("the worker's evidence cannot be read"))?;
    let behind = Gathered {
        evidence: serde_json::to_string(&told.tables)?,
        people: gathered.people,
    };
    let folders = Folders::of(args);
    let alone = Folders {
        record: None,
        ..folders
    };
    let tables = judge(&behind, policy, alone)?;
    let report = disclosure::model::judge(&told.design, tables, policy);
    // Its tables are kept as released where all of it may leave, and as they are: a model is not treated.
    if folders.record.is_some() && report.verdict == Verdict::Pass {
        judge(&behind, policy, folders)?;
    }
    Ok(report)
}
