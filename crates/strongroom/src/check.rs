//! `strongroom check`: may the result of this statement leave?

mod finished;
mod model;
pub(crate) mod releases;
mod session;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use disclosure::{
    Beside, CellPeople, Evidence, Policy, Report as Judged, Traced, Verdict, as_one, by_statement,
    check_together,
};
use protocol::frame::Up;
use protocol::job::{Check, Job, Order, PEOPLE, People};
use protocol::report::Report;
use sandbox::{Launch, spawn};

use service::Policies;

use crate::files::{
    DataFiles, PoliciesArgs, SqlTextArgs, disclosure_policy, profile, query_worker,
};
use crate::form::JsonArgs;
use crate::problem::{Problem, REFUSED, say};

use releases::Releases;

/// Checks whether the results of SQL statements may leave, and prints the report as JSON.
///
/// Several statements are one request: what leaves of each must be safe beside what leaves of the others.
/// A sealed worker counts the people behind every cell from the data; the rules are applied outside it.
/// The report holds counts under the threshold: it is for an output checker.
///
/// With --model it fits a regression there, and judges its degrees of freedom, the greatest leverage of a person and
/// the tables behind it; or it draws a Kaplan-Meier curve, with steps of so many people that none of them is seen.
///
/// With FILE and without --data it looks through finished files of any kind, in the sealed worker: identifiers, a
/// row a person, small counts, what is hidden in them. Who is behind a finished number cannot be counted, so no
/// file passes.
///
/// The exit code is 0 for pass, 1 for treat, review and fail, 2 if it could not be checked.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Finished files to look through instead of checking a statement.
    #[arg(value_name = "FILE", conflicts_with_all = ["data", "unit", "sql", "sql_file", "model", "record", "against"])]
    finished: Vec<PathBuf>,
    /// CSV or Parquet file; the table is called NAME or as the file without its ending. May be repeated.
    #[arg(long, value_name = "[NAME=]FILE", required_unless_present = "finished", num_args = 1..)]
    data: Vec<OsString>,
    /// Column that tells people apart, in every table that has it.
    #[arg(long, value_name = "COLUMN", required_unless_present = "finished")]
    unit: Option<String>,
    /// The SQL text.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true,
          required_unless_present_any = ["finished", "sql_file", "model"], conflicts_with = "sql_file")]
    sql: Option<String>,
    /// A file that holds the SQL text.
    #[arg(long, value_name = "FILE")]
    sql_file: Option<PathBuf>,
    /// A model to check instead of a statement: a file of family (linear, logistic), table, outcome and terms, or of
    /// family (kaplan_meier), table, time, event and strata.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["sql", "sql_file"])]
    model: Option<PathBuf>,
    /// Disclosure policy to apply instead of the site's: a file, or the name of a preset (acro, opensafely,
    /// uk-llc, nhs-england, ons-srs, strict).
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Keep the output as released in this folder, if it may leave as it is or treated.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Compare the output with everything released in this folder: few people between two releases are refused.
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// Write the answer as a session of acro as well, which SACRO Viewer opens, into a new folder.
    #[arg(long, value_name = "DIR", conflicts_with = "finished")]
    session: Option<PathBuf>,
    #[command(flatten)]
    policies: PoliciesArgs,
    #[command(flatten)]
    _form: JsonArgs,
}

/// Checks the statements, or looks through the files.
///
/// # Errors
/// If a file, the text or a policy cannot be used, no worker can be sealed, or a limit stopped it.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    let policies = args.policies.load()?;
    let own = args.policy.as_deref().map(disclosure_policy).transpose()?;
    let policy = own.as_ref().unwrap_or(&policies.disclosure);
    let report = match args.finished.as_slice() {
        [] => of_statements(args, policy, &policies)?,
        files => {
            let seen = finished::seen(files, policy.limits().files, &policies)?;
            disclosure::inspect::inspect(&seen, policy)
        }
    };
    if let Some(folder) = &args.session {
        let now = jiff::Timestamp::now().to_string();
        session::write(folder, &report, policy, &now)?;
    }
    say(&serde_json::to_string(&report)?)?;
    Ok(exit(report.verdict))
}

fn of_statements(args: &Args, policy: &Policy, policies: &Policies) -> Result<Judged, Problem> {
    let unit = args.unit.clone().filter(|unit| !unit.is_empty());
    let unit = unit.ok_or_else(|| Problem::could_not("--unit names no column"))?;
    if let Some(file) = &args.model {
        return model::of_model(file, args, unit, policy, policies);
    }
    let files = DataFiles::find(&args.data)?;
    let text = SqlTextArgs::of(args.sql.clone(), args.sql_file.clone());
    let profile = profile(policies, "sandbox/sql.toml")?;
    let check = Check {
        source: files.source(),
        unit,
        sql: text.text(profile.limits.statement_bytes)?,
        statements: u32::try_from(policy.limits().statements).unwrap_or(u32::MAX),
        people: match args.record.is_some() || args.against.is_some() {
            true => People::Listed,
            false => People::Counted,
        },
    };
    let gathered = gather(Launch {
        worker: query_worker()?,
        order: Order {
            job: Job::Check(check),
            limits: profile.limits.clone(),
        },
        inputs: files.inputs(),
        profile,
    })?;
    judge(&gathered, policy, Folders::of(args))
}

/// Folders of releases.
#[derive(Debug, Clone, Copy, Default)]
struct Folders<'a> {
    /// To compare with.
    against: Option<&'a Path>,
    /// To keep what may leave in.
    record: Option<&'a Path>,
}

impl<'a> Folders<'a> {
    fn of(args: &'a Args) -> Self {
        Self {
            against: args.against.as_deref(),
            record: args.record.as_deref(),
        }
    }
}

/// What the worker wrote: the evidence as JSON, and who is behind each cell.
struct Gathered {
    evidence: String,
    people: Vec<u8>,
}

fn gather(launch: Launch) -> Result<Gathered, Problem> {
    let mut running = spawn(launch)?;
    let (mut found, mut people) = (None, Vec::new());
    while let Some(frame) = running.next()? {
        match frame {
            Up::Report(Report::Check { evidence }) => found = Some(evidence),
            Up::Failed(failure) => return Err(failure.into()),
            Up::FileStart { name } if name != PEOPLE => {
                return Err(Problem::could_not(
                    "the worker sent a file that was not asked for",
                ));
            }
            Up::FileBytes(bytes) => people.extend(bytes),
            Up::MountReady { .. }
            | Up::Ready(_)
            | Up::Refused(_)
            | Up::Progress(_)
            | Up::Statement(_)
            | Up::FileStart { .. }
            | Up::FileEnd { .. }
            | Up::Report(_) => {}
        }
    }
    let evidence = found.ok_or_else(|| Problem::could_not("the worker sent no evidence"))?;
    Ok(Gathered { evidence, people })
}

/// The rules, then earlier releases, then the record.
fn judge(gathered: &Gathered, policy: &Policy, folders: Folders<'_>) -> Result<Judged, Problem> {
    let evidence = read(&gathered.evidence)?;
    if let ([only], None, None) = (evidence.as_slice(), folders.against, folders.record)
        && only.further.is_empty()
    {
        return Ok(disclosure::check(only, policy));
    }
    let mut against = folders
        .against
        .map(|folder| earlier(folder, folders))
        .transpose()?;
    let (request, population) = match &mut against {
        Some(releases) => {
            let ordinal = |unit| releases.ordinal(unit);
            let request = traced(&evidence, &gathered.people, ordinal)?;
            (request, releases.population())
        }
        None => {
            let mut ordinals: HashMap<u64, u32> = HashMap::new();
            let ordinal = |unit| {
                let next = u32::try_from(ordinals.len()).map_err(|_| releases::strange())?;
                Ok(*ordinals.entry(unit).or_insert(next))
            };
            let request = traced(&evidence, &gathered.people, ordinal)?;
            (request, ordinals.len())
        }
    };
    let mut reports = check_together(&request, population, policy);
    if let Some(releases) = &against {
        for (one, report) in request.iter().zip(&mut reports) {
            let cells = one.cells(report);
            compare(report, &cells, releases, policy)?;
        }
    }
    let report = as_one(by_statement(&evidence, reports.clone(), policy), policy);
    if let Some(folder) = folders.record
        && matches!(report.verdict, Verdict::Pass | Verdict::Treat)
    {
        let mut releases = match against.take() {
            // It stayed open since it was compared with: no other output came between.
            Some(releases) if folders.against == folders.record => releases,
            other => {
                drop(other);
                Releases::open(folder)?
            }
        };
        let ordinal = |unit| releases.ordinal(unit);
        let request = traced(&evidence, &gathered.people, ordinal)?;
        for (one, report) in request.iter().zip(&reports) {
            releases.record(&one.evidence.statement, &one.cells(report), policy)?;
        }
    }
    Ok(report)
}

/// The evidence of one statement, or a list of several.
fn read(evidence: &str) -> Result<Vec<Evidence>, Problem> {
    let read = match evidence.starts_with('[') {
        true => serde_json::from_str(evidence),
        false => serde_json::from_str(evidence).map(|one| vec![one]),
    };
    read.map_err(|_| Problem::could_not("the worker's evidence cannot be read"))
}

/// A folder of releases to compare with.
fn earlier(folder: &Path, folders: Folders<'_>) -> Result<Releases, Problem> {
    // A mistyped name must not read as "nothing was released before"; the first record makes its folder.
    if !folder.is_dir() && folders.record != Some(folder) {
        return Err(Problem::could_not(format!(
            "{} is no folder of releases to compare with; `--record` makes one",
            folder.display()
        )));
    }
    Releases::open(folder)
}

/// The evidence with the people that the worker listed, under the ordinals of a folder or of this check.
fn traced(
    evidence: &[Evidence],
    listed: &[u8],
    mut ordinal: impl FnMut(u64) -> Result<u32, Problem>,
) -> Result<Vec<Traced>, Problem> {
    let traced = disclosure::traced(evidence, listed, |unit| ordinal(unit).ok());
    traced.map_err(|_| releases::strange())
}

/// Compares with everything that was released, one table at a time.
fn compare(
    report: &mut Judged,
    cells: &[CellPeople],
    releases: &Releases,
    policy: &Policy,
) -> Result<(), Problem> {
    let new = match disclosure::outgoing("this output", "", cells, releases.population(), policy) {
        Ok(new) => new,
        Err(error) => {
            disclosure::cannot_compare(report, &error);
            return Ok(());
        }
    };
    let mut beside = Beside::new(&new, policy);
    releases.each(|release| beside.add(&release))?;
    beside.finish(report, cells);
    Ok(())
}

fn exit(verdict: Verdict) -> ExitCode {
    match verdict {
        Verdict::Pass => ExitCode::SUCCESS,
        Verdict::Treat | Verdict::Review | Verdict::Fail => ExitCode::from(REFUSED),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn policy() -> disclosure::Policy {
        disclosure::Policy::parse("name = \"x\"\n[threshold]\nminimum = 5\n").unwrap()
    }

    fn judged(evidence: &str) -> Result<Judged, Problem> {
        let words = ["x", "--data", "a.csv", "--sql", "select 1", "--unit", "id"];
        let gathered = Gathered {
            evidence: evidence.to_owned(),
            people: Vec::new(),
        };
        judge(
            &gathered,
            &policy(),
            Folders::of(&Line::try_parse_from(words).unwrap().args),
        )
    }

    #[test]
    fn the_unit_is_needed() {
        let words = ["x", "--data", "a.csv", "--sql", "select 1"];
        assert!(Line::try_parse_from(words).is_err());
        let line = Line::try_parse_from([&words[..], &["--unit", "id"]].concat()).unwrap();
        assert_eq!(line.args.unit.as_deref(), Some("id"));
    }

    #[test]
    fn finished_files_need_nothing_else_and_stand_beside_no_data() {
        let line = Line::try_parse_from(["x", "table.csv", "plot.svg"]).unwrap();
        assert_eq!(line.args.finished.len(), 2);
        assert!(line.args.data.is_empty() && line.args.sql.is_none());
        assert!(Line::try_parse_from(["x", "table.csv", "--unit", "id"]).is_err());
        assert!(Line::try_parse_from(["x", "table.csv", "--data", "a.csv"]).is_err());
        assert!(Line::try_parse_from(["x"]).is_err());
    }

    #[test]
    fn evidence_is_judged_under_the_given_policy() {
        let evidence = Evidence::untraceable("select 1", "it has no table");
        let report = judged(&serde_json::to_string(&evidence).unwrap()).unwrap();
        assert_eq!(report.verdict, Verdict::Review);
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["verdict"], "review");
        assert_eq!(json["policy"]["sha256"], policy().sha256());
        let rows = Evidence::rows("select * from a");
        let report = judged(&serde_json::to_string(&rows).unwrap()).unwrap();
        assert_eq!(report.verdict, Verdict::Fail);
    }

    /// Ten women and ten men, then the women without one: which of them it is nobody may learn.
    #[test]
    fn statements_of_one_text_are_safe_together_or_treated() {
        let count = |groups: &[(&str, u64)]| {
            let mut evidence = Evidence::untraceable("s", "");
            evidence.class = disclosure::Class::Table;
            evidence.keys = vec!["sex".into()];
            evidence.sets = vec![vec![0]];
            let column = |name: &str, role| disclosure::Column {
                name: name.into(),
                role,
                across: false,
            };
            evidence.columns = vec![
                column("sex", disclosure::Role::Key(0)),
                column("n", disclosure::Role::Measure(disclosure::Kind::Count)),
            ];
            for (sex, people) in groups {
                let people = *people;
                let key = vec![disclosure::Datum::Text((*sex).into())];
                evidence.groups.push(disclosure::Group {
                    values: vec![
                        key[0].clone(),
                        disclosure::Datum::Number(people.to_string()),
                    ],
                    key,
                    set: 0,
                    visible: disclosure::Visible::Shown,
                    people,
                    rows: people,
                    behind: vec![disclosure::Behind {
                        people,
                        rows: people,
                    }],
                    magnitudes: vec![],
                    row_atoms: vec![],
                    person_atoms: vec![],
                });
            }
            evidence
        };
        let request = [
            count(&[("F", 10), ("M", 10)]),
            count(&[("F", 9), ("M", 10)]),
        ];
        let mut people = Vec::new();
        for cell in [0..10_u64, 10..20, 1..10, 10..20] {
            people.extend(u32::try_from(cell.end - cell.start).unwrap().to_le_bytes());
            people.extend(cell.flat_map(u64::to_le_bytes));
        }
        let gathered = Gathered {
            evidence: serde_json::to_string(&request).unwrap(),
            people,
        };
        let words = ["x", "--data", "a.csv", "--sql", "select 1", "--unit", "id"];
        let args = Line::try_parse_from(words).unwrap().args;
        let report = judge(&gathered, &policy(), Folders::of(&args)).unwrap();
        assert_eq!(report.verdict, Verdict::Treat);
        let numbers = |output: &disclosure::Output| {
            let rows = output.treated_rows.iter();
            rows.filter(|row| row[1] != disclosure::Datum::Missing)
                .count()
        };
        let left: Vec<usize> = report.outputs.iter().map(numbers).collect();
        assert_eq!(left, [2, 1], "{report:?}");
        let cell = &report.outputs[1].cells[0];
        assert_eq!(cell.findings[0].rule, disclosure::Rule::Differencing);
        assert!(cell.findings[0].detail.contains("1 person"), "{report:?}");
        let without_people = Gathered {
            people: Vec::new(),
            ..gathered
        };
        assert!(judge(&without_people, &policy(), Folders::of(&args)).is_err());
    }

    #[test]
    fn what_is_no_evidence_blocks_and_is_not_quoted() {
        let problem = judged("{\"name\": \"Morag\"}").unwrap_err();
        assert_eq!(
            (problem.code, problem.text.as_str()),
            (2, "the worker's evidence cannot be read")
        );
    }
}
