//! `strongroom link`: links files, or finds the duplicates of one, in the sealed worker.

mod beside;
mod delivery;
pub(crate) mod encode;
mod outcome;
mod page;
mod plot;
mod spec;
pub(crate) mod spine;

use std::fs::{self, File};
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use linkage::SpineSpec;
use protocol::frame::{Progress, Up};
use protocol::job::{Job, Order};
use protocol::limits::Limits;
use protocol::linked::{Review, Scores, StageCost};
use protocol::report::Report;
use sandbox::{Launch, Usage, spawn};

use crate::files::{LINKAGE, PoliciesArgs, profile, worker};
use crate::form::Form;
use crate::problem::{Problem, say, say_raw};
use beside::{Beside, inputs, job};
use outcome::Outcome;
use spine::SpineFolder;

/// Files that the worker sends.
const MADE: [&str; 3] = ["links.parquet", "clusters.parquet", "model.json"];
/// Files that it sends where pairs are chosen for review.
const CHOSEN: [&str; 2] = ["review.csv", "review-key.csv"];
/// Files that this side writes.
const REPORT: &str = "report.json";
const PAGE: &str = "report.html";

/// Links files of records of people, or finds the duplicates of one file.
///
/// SPEC.toml says which files and what their columns hold; that is enough:
///
///   link_type = "link"              # or "dedupe", with one input
///
///   [[input]]
///   name = "register"
///   path = "register.csv"           # CSV or Parquet, from the folder of SPEC.toml
///   id = "id"                       # the column that names a record
///   [input.columns]                 # column = role
///   first_name = "forename"
///   born = "date_of_birth"
///
/// Roles: forename, surname, date_of_birth, sex, postcode, address_1, address_2, locality, region, chi,
/// nhs_number, telephone, email, field (anything else that tells people apart). Several columns may have
/// one role. An input may say holds = "one" (a register) or "many". Optional: blocking, [[comparisons]],
/// [thresholds], [settings], splink (a saved Splink model), [[term_frequency]], labels; see
/// docs/how-to/linkage.md.
///
/// Writes into the folder DIR:
///
///   links.parquet     source_l, id_l, source_r, id_r, match_weight, match_probability, step
///   clusters.parquet  source, id, person
///   model.json        every parameter
///   report.json       counts, costs, estimates; scores with --truth
///   report.html       the same with plots, to read offline
///   review.csv        with --review N: pairs for people to judge, blind; review-key.csv has their scores
///
/// With --keep-spine SPINE records and model are kept. With --spine SPINE the inputs are new records of inputs of
/// these names, linked under the kept model; then links.parquet has the pairs that changed, and clusters.parquet
/// the records that are new or of another person, whose numbers stay. See docs/how-to/linkage.md.
///
/// The exit code is 0 if the files were linked, 2 if they could not be.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The specification.
    #[arg(value_name = "SPEC.toml")]
    spec: PathBuf,
    /// Folder for the results; files of these names there are replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// CSV or Parquet of source, id and person: who is who. The report then has scores.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Choose N pairs for clerical review, from every band of probability and most near the threshold.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=100_000))]
    review: u32,
    /// A reviewer's filled-in review.csv; given for each reviewer, two of whom must agree. Pairs are joined or
    /// kept apart as they said.
    #[arg(long, value_name = "FILE")]
    decisions: Vec<PathBuf>,
    /// Keep records and model in this new folder, so that later records can be linked to them. It holds identifiers.
    #[arg(long, value_name = "SPINE", conflicts_with_all = ["spine", "decisions"])]
    keep_spine: Option<PathBuf>,
    /// Link the inputs as new records of a kept spine, without linking everything again.
    #[arg(long, value_name = "SPINE", conflicts_with_all = ["truth", "review", "decisions"])]
    spine: Option<PathBuf>,
    /// Threads that the worker may use; matching works on one. The results do not depend on it. Default: as many as the machine has and policy allows.
    #[arg(long, value_name = "N")]
    threads: Option<u32>,
    /// Memory that the worker may use, such as 800M or 4G. Default: what policy allows.
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// What to print when done.
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
    #[command(flatten)]
    policies: PoliciesArgs,
}

/// Links the files.
///
/// # Errors
/// If the specification, a file or a policy cannot be used, no worker can be sealed, or a limit stopped it.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    if let Some(spine) = &args.spine {
        return delivery::run(args, spine);
    }
    let begun = Instant::now();
    let policies = args.policies.load()?;
    let mut asked = spec::read(&args.spec, policies.text(LINKAGE))?;
    let profile = profile(&policies, "sandbox/job.toml")?;
    let limits = limits(&profile.limits, args)?;
    let beside = Beside::of(args, &asked)?;
    let mut names = [&MADE[..], &[REPORT, PAGE]].concat();
    if args.review > 0 {
        names.extend(CHOSEN);
    }
    let folder = Folder::open(&args.out, names)?;
    let spine = args.keep_spine.as_deref();
    let spine = spine.map(SpineFolder::create).transpose()?;
    if spine.is_some() {
        let time_ms = spine::now_ms();
        asked.spec.spine = Some(SpineSpec::Keep { time_ms });
    }
    let launch = Launch {
        worker: worker()?,
        order: Order {
            job: Job::LinkFiles(job(&asked, &beside, args.review)?),
            limits,
        },
        inputs: inputs(&asked, &beside)?,
        profile,
    };
    let told = listen(
        launch,
        &[Some(&folder), spine.as_ref().map(SpineFolder::new_files)],
    )?;
    let model = folder.read(MADE[2])?;
    if let Some(spine) = &spine {
        spine.keep_model(&model)?;
    }
    let outcome = Outcome::of(told, model, begun.elapsed())?;
    let report = serde_json::to_string_pretty(&outcome.report())?;
    folder.write(REPORT, report.as_bytes())?;
    folder.write(PAGE, page::page(&outcome).as_bytes())?;
    folder.publish()?;
    if let Some(spine) = spine {
        spine.commit()?;
    }
    match args.format {
        Form::Json => say(&report)?,
        Form::Text => say_raw(&outcome.words(&args.out))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The policy's limits, narrowed as asked.
fn limits(most: &Limits, args: &Args) -> Result<Limits, Problem> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let threads = match args.threads {
        Some(0) => return Err(Problem::could_not("--threads is at least 1")),
        Some(threads) if threads > most.threads => {
            return Err(Problem::could_not(format!(
                "--threads {threads} is above the limit threads of {} in policies/sandbox/job.toml",
                most.threads
            )));
        }
        Some(threads) => threads,
        None => most.threads.min(u32::try_from(cores).unwrap_or(1)),
    };
    let memory_mib = match &args.memory {
        None => most.memory_mib,
        Some(size) => engine_mib(mib(size)?, most.memory_mib)?,
    };
    Ok(Limits {
        threads,
        memory_mib,
        ..most.clone()
    })
}

/// A size such as 800M, 4G, 1.5GiB or a number of bytes, in MiB.
fn mib(size: &str) -> Result<u32, Problem> {
    let wrong = || {
        Problem::could_not(format!(
            "--memory {size:?} is not a size such as 800M or 4G"
        ))
    };
    let small = size.trim().to_ascii_lowercase();
    let end = small.find(|letter: char| letter.is_ascii_alphabetic());
    let (number, unit) = small.split_at(end.unwrap_or(small.len()));
    let number: f64 = number.trim().parse().map_err(|_| wrong())?;
    let bytes = match unit {
        "" | "b" => 1.0,
        "k" | "kb" | "kib" => 1024.0,
        "m" | "mb" | "mib" => 1024.0 * 1024.0,
        "g" | "gb" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "t" | "tb" | "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return Err(wrong()),
    } * number;
    let mib = bytes / (1024.0 * 1024.0);
    // A number beyond the range becomes its end, and is refused by the policy.
    if mib >= 1.0 {
        Ok(mib as u32)
    } else {
        Err(wrong())
    }
}

/// The engine's own limit under which the whole process, which may use twice that and 256 MiB more, keeps
/// to `mib`.
fn engine_mib(mib: u32, most: u32) -> Result<u32, Problem> {
    const LEAST: u32 = 320;
    if mib < LEAST {
        return Err(Problem::could_not(format!("--memory is at least {LEAST}M")));
    }
    let engine = (mib - 256) / 2;
    if engine > most {
        return Err(Problem::could_not(format!(
            "--memory of {mib} MiB is above the {} MiB that the limit memory_mib of policies/sandbox/job.toml allows",
            u64::from(most) * 2 + 256
        )));
    }
    Ok(engine)
}

/// What the worker told, and what it used.
struct Told {
    linkage: String,
    stages: Vec<StageCost>,
    scores: Option<Box<Scores>>,
    agreement: Option<Review>,
    usage: Usage,
}

/// Hears the worker out and keeps its files, each in the first folder that it is meant for.
fn listen(launch: Launch, folders: &[Option<&Folder>]) -> Result<Told, Problem> {
    let mut running = spawn(launch)?;
    let mut screen = Screen::new();
    let mut open: Option<(&Folder, File)> = None;
    let mut report = None;
    let mut failure = None;
    while let Some(frame) = running.next()? {
        match frame {
            Up::Progress(progress) => screen.show(&progress),
            Up::FileStart { name } => {
                let folder = folders
                    .iter()
                    .flatten()
                    .copied()
                    .find(|folder| folder.takes(&name));
                let folder = folder.ok_or_else(|| {
                    Problem::could_not("the worker sent a file that was not asked for")
                })?;
                open = Some((folder, folder.new_file(&name)?));
            }
            Up::FileBytes(bytes) => {
                if let Some((folder, file)) = &mut open {
                    file.write_all(&bytes)
                        .map_err(|error| folder.unwritten(&error))?;
                }
            }
            Up::FileEnd { .. } => open = None,
            Up::Report(Report::LinkFiles {
                linkage,
                stages,
                scores,
                agreement,
            }) => report = Some((linkage, stages, scores, agreement)),
            Up::Failed(why) => failure = Some(why),
            Up::MountReady { .. }
            | Up::Ready(_)
            | Up::Refused(_)
            | Up::Statement(_)
            | Up::Report(_) => {}
        }
    }
    screen.clear();
    if let Some(failure) = failure {
        return Err(failure.into());
    }
    let (linkage, stages, scores, agreement) =
        report.ok_or_else(|| Problem::could_not("the worker sent no report"))?;
    Ok(Told {
        linkage,
        stages,
        scores,
        agreement,
        usage: running.usage().unwrap_or_default(),
    })
}

/// Shows progress on a terminal, from the first second on.
struct Screen {
    begun: Instant,
    shown: bool,
    on: bool,
}

impl Screen {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            shown: false,
            on: std::io::stderr().is_terminal(),
        }
    }

    fn show(&mut self, progress: &Progress) {
        let seconds = self.begun.elapsed().as_secs();
        if self.on && seconds >= 1 {
            self.shown = true;
            // Nothing depends on the screen.
            let _ = write!(
                std::io::stderr().lock(),
                "\r\x1b[K{seconds} s: {}",
                progress.stage
            );
        }
    }

    fn clear(&self) {
        if self.shown {
            let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
        }
    }
}

/// The folder of the results. Files get their names together at the end, so that a run that fails leaves
/// what an earlier one made.
struct Folder {
    path: PathBuf,
    /// Files that come to lie there.
    names: Vec<&'static str>,
}

const UNFINISHED: &str = "unfinished";

impl Folder {
    fn open(path: &Path, names: Vec<&'static str>) -> Result<Self, Problem> {
        let folder = Self {
            path: path.to_owned(),
            names,
        };
        fs::create_dir_all(path).map_err(|error| folder.unwritten(&error))?;
        Ok(folder)
    }

    fn unwritten(&self, error: &std::io::Error) -> Problem {
        Problem::could_not(format!(
            "{} cannot be written: {error}",
            self.path.display()
        ))
    }

    fn unfinished(&self, name: &str) -> PathBuf {
        self.path.join(format!(".{name}.{UNFINISHED}"))
    }

    /// True for a file that the worker makes and that comes to lie here.
    fn takes(&self, name: &str) -> bool {
        self.names.contains(&name) && ![REPORT, PAGE].contains(&name)
    }

    fn new_file(&self, name: &str) -> Result<File, Problem> {
        let path = self.unfinished(name);
        // Links are about people: whoever else may look into the folder does not read them, and what lies in
        // their place, perhaps a link to elsewhere, is not followed.
        let _ = fs::remove_file(&path);
        File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| self.unwritten(&error))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Problem> {
        let mut file = self.new_file(name)?;
        file.write_all(bytes)
            .map_err(|error| self.unwritten(&error))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, Problem> {
        fs::read(self.unfinished(name))
            .map_err(|_| Problem::could_not(format!("the worker did not send {name}")))
    }

    fn publish(&self) -> Result<(), Problem> {
        for name in &self.names {
            fs::rename(self.unfinished(name), self.path.join(name))
                .map_err(|error| self.unwritten(&error))?;
        }
        Ok(())
    }
}

impl Drop for Folder {
    /// What has not got its name is of no use.
    fn drop(&mut self) {
        for name in &self.names {
            let _ = fs::remove_file(self.unfinished(name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_units() {
        for (text, want) in [
            ("800M", 800),
            ("4G", 4096),
            ("1.5GiB", 1536),
            ("1073741824", 1024),
            ("512mb", 512),
        ] {
            assert_eq!(mib(text).unwrap(), want, "{text}");
        }
        for text in ["", "M", "-1G", "4X", "nan", "0"] {
            assert!(mib(text).is_err(), "{text}");
        }
    }

    #[test]
    fn memory_asked_for_is_what_the_process_may_use() {
        assert_eq!(engine_mib(800, 4096).unwrap() * 2 + 256, 800);
        assert!(engine_mib(100, 4096).is_err());
        let refused = engine_mib(9000, 4096).unwrap_err().text;
        assert!(refused.contains("8448 MiB"), "{refused}");
    }
}
