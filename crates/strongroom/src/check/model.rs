//! `strongroom check --model`: may a regression or a survival curve leave?

use std::path::Path;

use disclosure::model::{Asked, Fitted};
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
    fitted: Fitted,
    tables: Vec<Evidence>,
}

/// Has a model fitted, and judges what was found of it and the tables behind it.
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
    let asked = Asked::parse(&read_text(file)?, policy)
        .map_err(|why| Problem::could_not(format!("{}: {why}", file.display())))?;
    let profile = profile(policies, "sandbox/sql.toml")?;
    let model = Model {
        source: files.source(),
        unit,
        asked: serde_json::to_string(&asked)?,
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
    if !told.fitted.answers(&asked) {
        return Err(Problem::could_not(
            "the worker answered about another model",
        ));
    }
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
    let report = told.fitted.judge(tables, policy);
    // The tables are of what leaves alone: of a curve, those of the strata that do.
    if folders.record.is_some() && matches!(report.verdict, Verdict::Pass | Verdict::Treat) {
        judge(&behind, policy, folders)?;
    }
    Ok(report)
}
