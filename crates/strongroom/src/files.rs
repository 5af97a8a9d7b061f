//! The files, statements and policies that a command is given, and the worker beside it.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use governance::dataset::plain;
use protocol::job::{FileTable, Format, RequestLimits, Source};
use sandbox::{Input, Profile};
use service::Policies;

use crate::problem::Problem;

/// Most bytes of a text file that a command reads whole.
const TEXT_MAX: u64 = 1 << 20;
/// Walls and limits of the keeper's own jobs, and of researchers' statements; the workers stand in the same order in
/// [`workers`].
pub(crate) const PROFILES: [&str; 2] = ["sandbox/job.toml", "sandbox/sql.toml"];
/// Settings of the linkage engine.
pub(crate) const LINKAGE: &str = "linkage/standard.toml";
/// Limits of requests for differentially private statistics.
pub(crate) const REQUEST: &str = "privacy/request.toml";
/// The program that does every job of a sealed worker, the one that takes statements alone, and the one that judges
/// what they gathered.
const WORKER: &str = "strongroom-worker";
const QUERY_WORKER: &str = "strongroom-query";
const JUDGE_WORKER: &str = "strongroom-judge";

/// The data that a command works on.
#[derive(Debug, clap::Args)]
pub(crate) struct DataArgs {
    /// CSV or Parquet file; the table is called NAME or as the file without its ending. May be repeated.
    #[arg(long = "data", value_name = "[NAME=]FILE", required = true, num_args = 1..)]
    data: Vec<OsString>,
}

/// The statements that a command runs.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct SqlTextArgs {
    /// The SQL text.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    sql: Option<String>,
    /// A file that holds the SQL text.
    #[arg(long, value_name = "FILE")]
    sql_file: Option<PathBuf>,
}

/// A folder that replaces the shipped policies.
#[derive(Debug, clap::Args)]
pub(crate) struct PoliciesArgs {
    /// Folder with the site's policies, laid out as the shipped `policies/`. Default: the shipped ones.
    #[arg(long, value_name = "DIR")]
    policies: Option<PathBuf>,
}

/// One file and the table that it becomes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DataFile {
    name: String,
    path: PathBuf,
    format: Format,
}

/// The files of a job, each with a table name of its own.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DataFiles(Vec<DataFile>);

impl DataArgs {
    /// Finds the files.
    ///
    /// # Errors
    /// If one is missing, is neither CSV nor Parquet by its ending, or has no usable table name.
    pub(crate) fn files(&self) -> Result<DataFiles, Problem> {
        DataFiles::find(&self.data)
    }
}

impl DataFiles {
    /// Finds files, each as FILE or NAME=FILE.
    ///
    /// # Errors
    /// As [`DataArgs::files`].
    pub(crate) fn find(arguments: &[OsString]) -> Result<Self, Problem> {
        let files = arguments
            .iter()
            .map(|argument| DataFile::find(argument))
            .collect::<Result<Vec<_>, _>>()?;
        let mut names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        names.sort_unstable();
        if let Some([name, _]) = names.windows(2).find(|pair| pair.first() == pair.last()) {
            return Err(Problem::could_not(format!(
                "two files would become the table {name}; write NAME=FILE to tell them apart"
            )));
        }
        Ok(Self(files))
    }
}

impl DataFile {
    fn find(argument: &OsStr) -> Result<Self, Problem> {
        let (name, path) = split(argument);
        let shown = path.display();
        let format = match path.extension().and_then(|ending| ending.to_str()) {
            Some(ending) if ending.eq_ignore_ascii_case("csv") => Format::Csv,
            Some(ending) if ending.eq_ignore_ascii_case("parquet") => Format::Parquet,
            Some(_) | None => {
                return Err(Problem::could_not(format!(
                    "{shown} is neither a .csv nor a .parquet file"
                )));
            }
        };
        let meta = fs::metadata(&path)
            .map_err(|error| Problem::could_not(format!("{shown} cannot be read: {error}")))?;
        if !meta.is_file() {
            return Err(Problem::could_not(format!("{shown} is not a regular file")));
        }
        let name = match name {
            Some(name) => name,
            None => path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
                .unwrap_or_default(),
        };
        if !plain(&name) {
            return Err(Problem::could_not(format!(
                "the table name {name:?} cannot be used: a name begins with a small letter and has small letters, digits and _, at most 63; write NAME={shown}"
            )));
        }
        Ok(Self { name, path, format })
    }

    /// Its name inside the worker.
    fn inside(&self, at: usize) -> String {
        match self.format {
            Format::Csv => format!("{at}.csv"),
            Format::Parquet => format!("{at}.parquet"),
        }
    }
}

/// `NAME=FILE` or `FILE`. What stands before the sign is a name only if it cannot be a folder.
fn split(argument: &OsStr) -> (Option<String>, PathBuf) {
    match argument.to_str().and_then(|text| text.split_once('=')) {
        Some((name, path)) if !name.contains(['/', '.']) => {
            (Some(name.to_owned()), PathBuf::from(path))
        }
        Some(_) | None => (None, PathBuf::from(argument)),
    }
}

impl DataFiles {
    /// The tables, as the worker is told of them.
    pub(crate) fn source(&self) -> Source {
        let table = |(at, file): (usize, &DataFile)| FileTable {
            name: file.name.clone(),
            file: file.inside(at),
            format: file.format,
        };
        Source::Files {
            tables: self.0.iter().enumerate().map(table).collect(),
        }
    }

    /// The files, as they are mounted.
    pub(crate) fn inputs(&self) -> Vec<Input> {
        let input = |(at, file): (usize, &DataFile)| Input::HostFile {
            name: file.inside(at),
            path: file.path.clone(),
        };
        self.0.iter().enumerate().map(input).collect()
    }
}

impl SqlTextArgs {
    /// The same, of a command that can do without.
    pub(crate) fn of(sql: Option<String>, sql_file: Option<PathBuf>) -> Self {
        Self { sql, sql_file }
    }

    /// The text.
    ///
    /// # Errors
    /// If the file cannot be read, the text is not UTF-8, has nothing in it or is longer than `most` bytes.
    pub(crate) fn text(&self, most: u32) -> Result<String, Problem> {
        let text = match (&self.sql, &self.sql_file) {
            (Some(text), _) => text.clone(),
            (None, Some(path)) => read_text(path)?,
            (None, None) => String::new(),
        };
        if text.trim().is_empty() {
            return Err(Problem::could_not("there is no statement in the SQL text"));
        }
        if text.len() as u64 > u64::from(most) {
            return Err(Problem::could_not(format!(
                "the SQL text is longer than the limit statement_bytes of {most}"
            )));
        }
        Ok(text)
    }
}

impl PoliciesArgs {
    /// The folder that was named.
    pub(crate) fn folder(&self) -> Option<&Path> {
        self.policies.as_deref()
    }

    /// Loads every policy strictly.
    ///
    /// # Errors
    /// The file that cannot be used, and why.
    pub(crate) fn load(&self) -> Result<Policies, Problem> {
        load_policies(self.policies.as_deref())
    }
}

/// Every policy of a folder, or the shipped ones, strictly: also those that only the keeper uses.
///
/// # Errors
/// The file that cannot be used, and why.
pub(crate) fn load_policies(folder: Option<&Path>) -> Result<Policies, Problem> {
    if let Some(folder) = folder
        && !folder.is_dir()
    {
        return Err(Problem::could_not(format!(
            "the policies folder {} is not there",
            folder.display()
        )));
    }
    // Also what a rule refuses in a policy file is a file that cannot be used.
    let policies =
        Policies::load(folder).map_err(|error| Problem::could_not(Problem::from(error).text))?;
    for name in PROFILES {
        profile(&policies, name)?;
    }
    linkage_settings(&policies)?;
    request_limits(&policies)?;
    Ok(policies)
}

/// The limits in `policies/privacy/request.toml`.
///
/// # Errors
/// If a key is unknown, missing or its value of another kind, or a bound on rho or delta is none.
pub(crate) fn request_limits(policies: &Policies) -> Result<RequestLimits, Problem> {
    let limits: RequestLimits = toml::from_str(policies.text(REQUEST)).map_err(|error| {
        Problem::could_not(format!(
            "policies/{REQUEST} cannot be used: {}",
            error.message()
        ))
    })?;
    let shares = [limits.delta_max, limits.report_delta];
    let usable = limits.rho_min > 0.0
        && limits.rho_min <= limits.rho_max
        && limits.rho_max <= 1e9
        && shares.iter().all(|delta| *delta > 0.0 && *delta < 1.0);
    if !usable {
        return Err(Problem::could_not(format!(
            "policies/{REQUEST} cannot be used: rho_min is above 0 and at most rho_max, which is at most a thousand million; deltas are above 0 and below 1"
        )));
    }
    Ok(limits)
}

/// The settings in `policies/linkage/standard.toml`, as JSON text for the worker. Ranges are checked by the
/// engine when it links.
///
/// # Errors
/// If a key is unknown or its value of another kind.
pub(crate) fn linkage_settings(policies: &Policies) -> Result<String, Problem> {
    let settings: linkage::Settings = toml::from_str(policies.text(LINKAGE)).map_err(|error| {
        Problem::could_not(format!(
            "policies/{LINKAGE} cannot be used: {}",
            error.message()
        ))
    })?;
    Ok(serde_json::to_string(&settings)?)
}

/// The walls and limits in `policies/sandbox/`.
///
/// # Errors
/// If the profile cannot be used.
pub(crate) fn profile(policies: &Policies, name: &str) -> Result<Profile, Problem> {
    Profile::parse(policies.text(name))
        .map_err(|error| Problem::could_not(format!("policies/{name}: {error}")))
}

/// The published rules of others, by name.
const PRESETS: [(&str, &str); 6] = [
    (
        "acro",
        include_str!("../../../policies/disclosure/acro.toml"),
    ),
    (
        "opensafely",
        include_str!("../../../policies/disclosure/opensafely.toml"),
    ),
    (
        "uk-llc",
        include_str!("../../../policies/disclosure/uk-llc.toml"),
    ),
    (
        "nhs-england",
        include_str!("../../../policies/disclosure/nhs-england.toml"),
    ),
    (
        "ons-srs",
        include_str!("../../../policies/disclosure/ons-srs.toml"),
    ),
    (
        "strict",
        include_str!("../../../policies/disclosure/strict.toml"),
    ),
];

/// A disclosure policy: a file, or a preset by its name.
///
/// # Errors
/// If the file cannot be read or used.
pub(crate) fn disclosure_policy(path: &Path) -> Result<disclosure::Policy, Problem> {
    let preset = PRESETS.iter().find(|(name, _)| path == Path::new(name));
    let text = match preset {
        Some((_, text)) if !path.exists() => (*text).to_owned(),
        Some(_) | None => read_text(path)?,
    };
    disclosure::Policy::parse(&text)
        .map_err(|error| Problem::could_not(format!("{}: {error}", path.display())))
}

/// A text file of at most a mebibyte.
///
/// # Errors
/// If it cannot be read, is longer or is not UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String, Problem> {
    let shown = path.display();
    let unread =
        |error: std::io::Error| Problem::could_not(format!("{shown} cannot be read: {error}"));
    let file = File::open(path).map_err(unread)?;
    let mut bytes = Vec::new();
    file.take(TEXT_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(unread)?;
    if bytes.len() as u64 > TEXT_MAX {
        return Err(Problem::could_not(format!(
            "{shown} is longer than {TEXT_MAX} bytes"
        )));
    }
    String::from_utf8(bytes).map_err(|_| Problem::could_not(format!("{shown} is not UTF-8 text")))
}

/// The worker beside this program.
///
/// # Errors
/// If it is not there.
pub(crate) fn worker() -> Result<PathBuf, Problem> {
    beside_me(WORKER)
}

/// The worker for statements beside this program.
///
/// # Errors
/// If it is not there.
pub(crate) fn query_worker() -> Result<PathBuf, Problem> {
    beside_me(QUERY_WORKER)
}

/// The worker that judges, beside this program.
///
/// # Errors
/// If it is not there.
pub(crate) fn judge_worker() -> Result<PathBuf, Problem> {
    beside_me(JUDGE_WORKER)
}

/// The worker of each of [`PROFILES`].
///
/// # Errors
/// If one is not there.
pub(crate) fn workers() -> Result<[PathBuf; 2], Problem> {
    Ok([worker()?, query_worker()?])
}

fn beside_me(name: &str) -> Result<PathBuf, Problem> {
    let here = std::env::current_exe().map_err(|error| {
        Problem::could_not(format!("this program cannot tell where it lies: {error}"))
    })?;
    beside(&here, name)
}

fn beside(program: &Path, name: &str) -> Result<PathBuf, Problem> {
    let found = program.with_file_name(name);
    if found.is_file() {
        return Ok(found);
    }
    Err(Problem::could_not(format!(
        "the program {name} is not beside {}; install both from one build",
        program.display()
    )))
}

#[cfg(test)]
mod tests;
