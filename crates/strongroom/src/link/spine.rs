//! The folder of a kept spine, and `strongroom spine`: what its ledger says.
//!
//! `records` holds the segments one after the other, `ledger` the steps. A step counts once it is written to its end,
//! and says how long `records` is with it: so that a run which is killed leaves the spine as it was before. What such a
//! run wrote is dropped, by name, when the folder is next opened.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use linkage::{
    Entry, LedgerStep, LinkType, Measured, Spec, SpineSpec, measure_ledger, read_ledger,
};
use protocol::job::{Job, LinkFiles, Order};
use sandbox::{Input, Launch};
use serde_json::{Value, json};

use super::{Folder, listen};
use crate::files::{PoliciesArgs, profile, worker};
use crate::form::{FormArgs, JsonArgs};
use crate::places::lock_file;
use crate::problem::{Problem, say};

const RECORDS: &str = "records";
const LEDGER: &str = "ledger";
const STEP: &str = "step";
const MODEL: &str = "model.json";
const LOCK: &str = "lock";
/// What `spine as-of` writes.
const PERSONS: &str = "persons.parquet";

/// Now, in milliseconds of Unix time.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// The folder of a kept spine, for this process alone.
pub(super) struct SpineFolder {
    path: PathBuf,
    _lock: File,
    measured: Measured,
    new_files: Folder,
}

impl SpineFolder {
    /// A new one, in a folder that is empty or not there.
    pub(super) fn create(path: &Path) -> Result<Self, Problem> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| unusable(path, &error))?;
        let lock = lock(path)?;
        let ours = [LOCK, MODEL, RECORDS];
        for entry in fs::read_dir(path).map_err(|error| unusable(path, &error))? {
            let name = entry.map_err(|error| unusable(path, &error))?.file_name();
            if name == LEDGER {
                return Err(Problem::could_not(format!(
                    "{} holds a spine already; new records go to it with --spine",
                    path.display()
                )));
            }
            // What a run that did not come to its end left behind.
            let left = ours.iter().any(|ours| name == *ours);
            if !left && !name.to_string_lossy().ends_with(super::UNFINISHED) {
                return Err(Problem::could_not(format!(
                    "{} is not empty: a spine is kept in a folder of its own",
                    path.display()
                )));
            }
        }
        Self::with(path, lock, &[])
    }

    /// One that is there. What a run that did not come to its end wrote is dropped, and named on standard error.
    pub(super) fn open(path: &Path) -> Result<Self, Problem> {
        let ledger = path.join(LEDGER);
        if !ledger.is_file() {
            return Err(Problem::could_not(format!(
                "{} holds no spine: `strongroom link --keep-spine` makes one",
                path.display()
            )));
        }
        let lock = lock(path)?;
        let bytes = fs::read(&ledger).map_err(|error| unusable(&ledger, &error))?;
        let spine = Self::with(path, lock, &bytes)?;
        if spine.measured.steps == 0 {
            return Err(Problem::could_not(format!(
                "{} was not kept to its end: remove it and keep the spine again",
                path.display()
            )));
        }
        spine.repair()?;
        Ok(spine)
    }

    fn with(path: &Path, lock: File, ledger: &[u8]) -> Result<Self, Problem> {
        let measured = measure_ledger(ledger)
            .map_err(|error| Problem::could_not(format!("{}: {error}", path.display())))?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
            measured,
            new_files: Folder::open(path, vec![RECORDS, STEP])?,
        })
    }

    fn repair(&self) -> Result<(), Problem> {
        if let Some(torn) = self.measured.torn {
            cut(&self.path.join(LEDGER), self.measured.bytes as u64)?;
            warn(&format!(
                "{}: step {} of the ledger was not written to its end; {} bytes of it are dropped",
                self.path.display(),
                torn.step,
                torn.bytes
            ));
        }
        let records = self.path.join(RECORDS);
        let length = fs::metadata(&records).map_err(|error| unusable(&records, &error))?;
        let (found, kept) = (length.len(), self.measured.segment_bytes);
        if found < kept {
            return Err(Problem::could_not(format!(
                "{} has {found} bytes and the ledger speaks of {kept}: it is not the spine that was kept",
                records.display()
            )));
        }
        if found > kept {
            cut(&records, kept)?;
            warn(&format!(
                "{}: {} bytes of a delivery that was not finished are dropped",
                records.display(),
                found - kept
            ));
        }
        Ok(())
    }

    /// Where the worker's files go until the run is at its end.
    pub(super) const fn new_files(&self) -> &Folder {
        &self.new_files
    }

    /// What a worker reads of it.
    pub(super) fn inputs(&self) -> [Input; 2] {
        [RECORDS, LEDGER].map(|name| Input::HostFile {
            name: name.to_owned(),
            path: self.path.join(name),
        })
    }

    /// Keeps the model for people to read; the exact one is among the records.
    pub(super) fn keep_model(&self, model: &[u8]) -> Result<(), Problem> {
        let path = self.path.join(MODEL);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| unusable(&path, &error))?;
        file.write_all(model)
            .map_err(|error| unusable(&path, &error))
    }

    /// Goes on by what the worker made: the records first, then the step that says so.
    pub(super) fn commit(self) -> Result<(), Problem> {
        let step = self.new_files.read(STEP)?;
        let records = self.new_files.unfinished(RECORDS);
        let new = fs::metadata(&records).map_err(|error| unusable(&records, &error))?;
        let told = measure_ledger(&step).ok().filter(|told| {
            told.steps == 1
                && told.torn.is_none()
                && told.time_ms >= self.measured.time_ms
                && told.segment_bytes == self.measured.segment_bytes + new.len()
        });
        if told.is_none() {
            return Err(Problem::could_not(
                "the worker's step does not go on from the spine's ledger",
            ));
        }
        let mut from = File::open(&records).map_err(|error| unusable(&records, &error))?;
        let (all, ledger) = (self.path.join(RECORDS), self.path.join(LEDGER));
        append(&all, self.measured.segment_bytes, &mut from)
            .map_err(|error| unusable(&all, &error))?;
        append(&ledger, self.measured.bytes as u64, &mut step.as_slice())
            .map_err(|error| unusable(&ledger, &error))?;
        File::open(&self.path)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| unusable(&self.path, &error))
    }
}

/// Writes behind the first `length` bytes of a file, to the disk.
fn append(path: &Path, length: u64, from: &mut impl Read) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    file.set_len(length)?;
    file.seek(io::SeekFrom::End(0))?;
    io::copy(from, &mut file)?;
    file.sync_all()
}

/// Cuts a file down to its first `length` bytes, on the disk.
fn cut(path: &Path, length: u64) -> Result<(), Problem> {
    append(path, length, &mut io::empty()).map_err(|error| unusable(path, &error))
}

fn warn(text: &str) {
    // The work goes on whether anybody hears of it or not.
    let _ = writeln!(io::stderr().lock(), "strongroom: {text}");
}

fn unusable(path: &Path, error: &io::Error) -> Problem {
    Problem::could_not(format!("{} cannot be used: {error}", path.display()))
}

fn lock(folder: &Path) -> Result<File, Problem> {
    let path = folder.join(LOCK);
    let file = lock_file(&path).map_err(|error| unusable(&path, &error))?;
    file.try_lock().map_err(|why| match why {
        fs::TryLockError::WouldBlock => {
            Problem::could_not(format!("another run has {} open", folder.display()))
        }
        fs::TryLockError::Error(error) => unusable(&path, &error),
    })?;
    Ok(file)
}

/// Asks a kept spine who is and was who.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, clap::Subcommand)]
enum Act {
    /// Writes which person each record was at a time: persons.parquet with source, id and person. Numbers of persons
    /// stay: one that was merged is met again before the merge, and none is given twice.
    AsOf(AsOfArgs),
    /// Lists the steps of the ledger: when, why, and how many records were assigned, persons merged and split.
    Ledger(LedgerArgs),
}

#[derive(Debug, clap::Args)]
struct AsOfArgs {
    /// Folder of the spine.
    #[arg(value_name = "SPINE")]
    spine: PathBuf,
    /// The time, such as 2026-11-29T10:00:00Z.
    #[arg(long, value_name = "TIME")]
    time: jiff::Timestamp,
    /// Folder for persons.parquet.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    _form: JsonArgs,
    #[command(flatten)]
    policies: PoliciesArgs,
}

#[derive(Debug, clap::Args)]
struct LedgerArgs {
    /// Folder of the spine.
    #[arg(value_name = "SPINE")]
    spine: PathBuf,
    #[command(flatten)]
    form: FormArgs,
}

/// Answers.
///
/// # Errors
/// If there is no spine, it is broken, or no worker can be sealed.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    match &args.act {
        Act::AsOf(args) => as_of(args),
        Act::Ledger(args) => ledger(args),
    }
}

fn as_of(args: &AsOfArgs) -> Result<ExitCode, Problem> {
    let policies = args.policies.load()?;
    let profile = profile(&policies, "sandbox/job.toml")?;
    let spine = SpineFolder::open(&args.spine)?;
    let mut spec = Spec::new(LinkType::Link, Vec::new());
    spec.spine = Some(SpineSpec::AsOf {
        time_ms: args.time.as_millisecond(),
    });
    let folder = Folder::open(&args.out, vec![PERSONS])?;
    let launch = Launch {
        worker: worker()?,
        order: Order {
            job: Job::LinkFiles(LinkFiles {
                spec: serde_json::to_string(&spec)?,
                files: Vec::new(),
                truth: None,
                labels: None,
                decisions: Vec::new(),
                frequencies: Vec::new(),
                review: 0,
            }),
            limits: profile.limits.clone(),
        },
        inputs: spine.inputs().into(),
        profile,
    };
    let told = listen(launch, &[Some(&folder)])?;
    folder.publish()?;
    say(&told.linkage)?;
    Ok(ExitCode::SUCCESS)
}

fn ledger(args: &LedgerArgs) -> Result<ExitCode, Problem> {
    let spine = SpineFolder::open(&args.spine)?;
    let path = spine.path.join(LEDGER);
    let bytes = fs::read(&path).map_err(|error| unusable(&path, &error))?;
    let broken = |error: &dyn std::fmt::Display| {
        Problem::could_not(format!("{}: {error}", spine.path.display()))
    };
    let read = read_ledger(&bytes, audit_log::sha256).map_err(|error| broken(&error))?;
    linkage::Ledger::replay(&read.steps).map_err(|error| broken(&error))?;
    let steps: Vec<Value> = read.steps.iter().map(in_full).collect();
    let lines = read.steps.iter().enumerate().map(line);
    args.form
        .print(&lines.collect::<String>(), &Value::Array(steps))?;
    Ok(ExitCode::SUCCESS)
}

fn line((number, step): (usize, &LedgerStep)) -> String {
    let Counts {
        assigned,
        merged,
        split,
    } = counts(step);
    format!(
        "{number} {} {}: {assigned} records assigned, {merged} persons merged, {split} split\n",
        shown(step),
        word(step)
    )
}

fn shown(step: &LedgerStep) -> String {
    jiff::Timestamp::from_millisecond(step.time_ms)
        .map_or_else(|_| step.time_ms.to_string(), |time| time.to_string())
}

const fn word(step: &LedgerStep) -> &'static str {
    match step.reason {
        linkage::Reason::Start => "start",
        linkage::Reason::Delivery => "delivery",
    }
}

/// A step with its merges and splits; who was assigned is asked for with `as-of`.
fn in_full(step: &LedgerStep) -> Value {
    let changes: Vec<Value> = step
        .entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Assign { .. } => None,
            Entry::Merge { from, into } => Some(json!({"merge": {"from": from, "into": into}})),
            Entry::Split { from, to, records } => {
                Some(json!({"split": {"from": from, "to": to, "records": records.len()}}))
            }
        })
        .collect();
    let counts = counts(step);
    json!({
        "time": shown(step),
        "reason": word(step),
        "assigned": counts.assigned,
        "merged": counts.merged,
        "split": counts.split,
        "changes": changes,
    })
}

struct Counts {
    assigned: u64,
    merged: u64,
    split: u64,
}

fn counts(step: &LedgerStep) -> Counts {
    let mut counts = Counts {
        assigned: 0,
        merged: 0,
        split: 0,
    };
    for entry in &step.entries {
        match entry {
            Entry::Assign { .. } => counts.assigned += 1,
            Entry::Merge { .. } => counts.merged += 1,
            Entry::Split { .. } => counts.split += 1,
        }
    }
    counts
}
