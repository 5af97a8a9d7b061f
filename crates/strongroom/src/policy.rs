//! `strongroom policy`: are the site's policies usable, and what do they say?

use std::path::PathBuf;
use std::process::ExitCode;

use governance::request::TierPolicy;
use protocol::limits::Limits;
use protocol::posture::{Layer, Requirement};
use sandbox::Profile;
use serde_json::json;
use service::Policies;
use service::policies::FrontLimits;

use crate::files::{PROFILES, PoliciesArgs, disclosure_policy, profile};
use crate::form::FormArgs;
use crate::problem::Problem;

/// Checks the site's policies, or says in words what they mean.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    #[command(flatten)]
    policies: PoliciesArgs,
    #[command(flatten)]
    form: FormArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Loads every policy strictly and prints each file with its SHA-256, as log entries carry it.
    Check(CheckArgs),
    /// Says what the policies enforce and what is off. Exit code 2 if one cannot be used.
    Explain(ExplainArgs),
}

#[derive(Debug, clap::Args)]
struct ExplainArgs {
    #[command(flatten)]
    policies: PoliciesArgs,
    /// Explain this disclosure policy alone.
    #[arg(long, value_name = "FILE", conflicts_with = "policies")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    form: FormArgs,
}

/// Checks or explains.
///
/// # Errors
/// The file that cannot be used, and why.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    match &args.act {
        Act::Check(args) => {
            let policies = args.policies.load()?;
            let hashes = policies.hashes();
            let files = hashes.iter();
            let files = files.map(|(name, sha256)| json!({"file": name, "sha256": sha256}));
            let value = json!({"policies": files.collect::<Vec<_>>()});
            args.form.print(&check(&policies), &value)?;
        }
        Act::Explain(args) => {
            let mut text = match args.policy.as_deref() {
                Some(path) => disclosure_policy(path)?.explain(),
                None => explain(&args.policies.load()?)?,
            };
            let value = json!({"lines": text.lines().collect::<Vec<_>>()});
            text.push('\n');
            args.form.print(&text, &value)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Each file as `sha256sum` prints it.
fn check(policies: &Policies) -> String {
    let lines: Vec<String> = policies
        .hashes()
        .iter()
        .map(|(name, sha256)| format!("{sha256}  {name}\n"))
        .collect();
    lines.concat()
}

/// Everything in words.
fn explain(policies: &Policies) -> Result<String, Problem> {
    let mut parts = vec![
        format!("Disclosure control\n{}", policies.disclosure.explain()),
        tiers(&policies.tiers),
        front(&policies.limits),
    ];
    for name in PROFILES {
        parts.push(walls(&profile(policies, name)?));
    }
    Ok(parts.join("\n\n"))
}

fn tiers(policy: &TierPolicy) -> String {
    let TierPolicy {
        quorum_one,
        quorum_two,
        controllers_max,
        months_max,
    } = policy;
    format!(
        "Tiers of applications\n\
         An application is tier two if it asks for the data of more than {controllers_max} controller(s), for more than {months_max} months, for a pseudonym for events, or has a commercial partner; otherwise tier one.\n\
         Tier one needs {quorum_one} votes, tier two {quorum_two}; whoever is on the project has none, and no site may ask for fewer than {} votes.",
        TierPolicy::QUORUM_MIN
    )
}

fn front(limits: &FrontLimits) -> String {
    let FrontLimits {
        delivery_mib,
        statement_bytes,
        document_bytes,
        query_s,
        job_s,
        lease_s,
        job_attempts,
        statements_at_once,
        statements_asked,
        queue_s,
        project_at_once,
        project_asked,
        project_per_minute,
        jobs_at_once,
        spares,
        spare_mib,
        spare_idle_s,
        keeper_connections,
        fetches_at_once,
        register_mib,
        screens_mib,
        project_screens_mib,
        request_bytes,
        keeper_starts,
        review_pairs,
        page,
        worklist,
        comments,
        recovery_minutes,
        recovery_ask_s,
        sign_in_failures,
        sign_in_lock_s,
        session_idle_s,
        session_s,
        invitation_s,
        requests_per_minute,
        sign_ins_per_minute,
    } = limits;
    format!(
        "Limits of the front office and of the keeper's workers\n\
         A delivered file has at most {delivery_mib} MiB, a statement {statement_bytes} bytes, a document {document_bytes} bytes.\n\
         A query or check waits {queue_s} s at most and is stopped after it ran for {query_s} s, any other job after {job_s} s.\n\
         At most {statements_at_once} queries, checks and measurements run at once, {project_at_once} of one project; at most {statements_asked} run or wait, {project_asked} of one project, which asks at most {project_per_minute} in a minute. Of loads, indexings and extracts {jobs_at_once} run at once.\n\
         At most {spares} spare workers wait, each on an extract of at most {spare_mib} MiB and for {spare_idle_s} s.\n\
         A job whose front or keeper ended is taken up after at most {lease_s} s, and an indexing, extract or check is tried {job_attempts} times. A keeper that dies is started at most {keeper_starts} times a minute; it answers {keeper_connections} connections of a desk at once, holds {fetches_at_once} files of outputs, has an output or a screen compared with at most {register_mib} MiB of what left and was shown ({screens_mib} MiB by screens, {project_screens_mib} MiB by those of one project) and reads requests of at most {request_bytes} bytes.\n\
         A page of a list has at most {page} entries, each part of a worklist {worklist}, an application or output {comments} comments.\n\
         A clerical review has at most {review_pairs} pairs. A recovery lapses after {recovery_ask_s} s without a second person and is open for at most {recovery_minutes} minutes.\n\
         After {sign_in_failures} failed attempts to sign in a name is locked for {sign_in_lock_s} s. A session ends after {session_idle_s} s without a request and after {session_s} s at the latest; the token of a new person after {invitation_s} s.\n\
         The pages answer one visitor {requests_per_minute} requests a minute and everybody together {sign_ins_per_minute} attempts to sign in."
    )
}

fn walls(profile: &Profile) -> String {
    let wanted: Vec<&str> = Layer::ALL
        .into_iter()
        .filter(|layer| profile.layers.get(layer) == Some(&Requirement::Wanted))
        .map(Layer::name)
        .collect();
    let may_lack = match wanted.as_slice() {
        [] => "every layer is required".to_owned(),
        wanted => format!(
            "every layer is required but these, which are used where the machine has them: {}",
            wanted.join(", ")
        ),
    };
    let Limits {
        memory_mib,
        threads,
        time_s,
        cpu_s,
        scratch_mib,
        rows,
        columns,
        cell_bytes,
        result_bytes,
        statement_bytes,
        file_mib,
    } = &profile.limits;
    format!(
        "Sandbox profile {}\n\
         No worker starts without its walls; {may_lack}.\n\
         A worker has {memory_mib} MiB of memory for its engine, {threads} threads, {time_s} s of time, {cpu_s} s of CPU and {scratch_mib} MiB of scratch space.\n\
         A result has at most {rows} rows, {columns} columns, {cell_bytes} bytes a cell and {result_bytes} bytes; a statement {statement_bytes} bytes; a file that is sent back {file_mib} MiB.",
        profile.name
    )
}

#[cfg(test)]
mod tests;
