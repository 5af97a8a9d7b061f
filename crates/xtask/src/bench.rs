//! `bench journey`: what each step of the demonstration costs.
//!
//! `strongroom demo --people N --report FILE` writes
//! `{"steps": [{"name": "…", "cpu_s": 1.2, "wall_s": 0.9, "peak_mb": 210.0, "screens": [[0.09, 0.12], …]}, …]}`;
//! of a screen the seconds from question to answer, and the seconds of CPU.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use crate::fault::Fault;
use crate::json::Json;
use crate::place::Place;
use crate::{run, tasks};

const PEOPLE: [u64; 2] = [20_000, 200_000];

/// One line of the table: seconds of CPU, seconds on the wall, megabytes at the highest.
#[derive(Debug, PartialEq)]
struct Step {
    name: String,
    cpu_s: f64,
    wall_s: f64,
    peak_mb: f64,
    screens: Vec<Screen>,
}

/// From a question in a workspace to its answer.
#[derive(Debug, PartialEq)]
struct Screen {
    wall_s: f64,
    cpu_s: f64,
}

pub(crate) fn journey(place: &Place, args: &[String]) -> Result<ExitCode, Fault> {
    let sizes = sizes(args)?;
    tasks::build(place)?;
    for people in sizes {
        let report = place.built.join(format!("journey-{people}.json"));
        let mut command = tasks::product(place);
        command
            .args(["demo", "--people", &people.to_string(), "--report"])
            .arg(&report)
            .stdout(Stdio::null());
        run::must(&mut command)?;
        let steps = read(&report)?;
        print!("\n{people} people\n{}", table(&steps));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a measuring program of a crate's `examples/`.
pub(crate) fn example(
    place: &Place,
    name: &str,
    first: &[&str],
    args: &[String],
) -> Result<ExitCode, Fault> {
    tasks::build(place)?;
    let program = place.program(&format!("examples/{name}"));
    let mut command = std::process::Command::new(program);
    let status = run::status(command.current_dir(&place.root).args(first).args(args))?;
    Ok(tasks::exit(status))
}

/// Fills a house and asks `strongroom serve` for its pages; the program `load` of `tests/` does both.
pub(crate) fn pages(place: &Place, args: &[String]) -> Result<ExitCode, Fault> {
    tasks::build(place)?;
    let status = run::status(
        std::process::Command::new(place.program("examples/load"))
            .current_dir(&place.root)
            .args(args),
    )?;
    Ok(tasks::exit(status))
}

/// The sealed worker beside a plain DuckDB, or one part of it; the program `workspace` of the sandbox's crate
/// measures both.
pub(crate) fn workspace(place: &Place, part: Option<&str>) -> Result<ExitCode, Fault> {
    tasks::build(place)?;
    let mut command = std::process::Command::new(place.program("examples/workspace"));
    for program in ["strongroom-query", "examples/plain", "examples/walls"] {
        command.arg(place.program(program));
    }
    command.arg(place.root.join("policies/sandbox/sql.toml"));
    command.args(part);
    command.env_remove("LD_LIBRARY_PATH");
    Ok(tasks::exit(run::status(&mut command)?))
}

fn sizes(args: &[String]) -> Result<Vec<u64>, Fault> {
    let mut sizes = Vec::new();
    for pair in args.chunks(2) {
        match pair {
            [flag, n] if flag == "--people" => sizes.push(n.parse::<u64>().map_err(|_| {
                Fault::Plain("--people takes a whole number, such as 20000".into())
            })?),
            _ => return Err(Fault::Usage(format!("bench journey {}", args.join(" ")))),
        }
    }
    if sizes.is_empty() {
        sizes.extend(PEOPLE);
    }
    Ok(sizes)
}

fn read(path: &Path) -> Result<Vec<Step>, Fault> {
    let text = fs::read_to_string(path).map_err(|why| Fault::file(path, why))?;
    steps(&text).ok_or_else(|| {
        Fault::file(
            path,
            "not a report: every step needs name, cpu_s, wall_s, peak_mb and screens",
        )
    })
}

fn steps(text: &str) -> Option<Vec<Step>> {
    Json::parse(text)
        .ok()?
        .get("steps")?
        .items()?
        .iter()
        .map(|step| {
            Some(Step {
                name: step.get("name")?.text()?.to_owned(),
                cpu_s: step.get("cpu_s")?.number()?,
                wall_s: step.get("wall_s")?.number()?,
                peak_mb: step.get("peak_mb")?.number()?,
                screens: step
                    .get("screens")?
                    .items()?
                    .iter()
                    .map(screen)
                    .collect::<Option<_>>()?,
            })
        })
        .collect()
}

fn screen(pair: &Json) -> Option<Screen> {
    let [wall_s, cpu_s] = pair.items()? else {
        return None;
    };
    Some(Screen {
        wall_s: wall_s.number()?,
        cpu_s: cpu_s.number()?,
    })
}

fn table(steps: &[Step]) -> String {
    let name = |s: &Step| s.name.chars().count();
    let width = steps.iter().map(name).max().unwrap_or(0).max(10);
    let mut text = format!(
        "{:width$} {:>9} {:>9} {:>9}\n",
        "step", "CPU s", "wall s", "peak MB"
    );
    // Writing to a string cannot fail.
    let mut row = |name: &str, cpu: f64, wall: f64, peak: Option<f64>| {
        let _ = write!(text, "{name:width$} {cpu:>9.2} {wall:>9.2}");
        let _ = match peak {
            Some(peak) => writeln!(text, " {peak:>9.0}"),
            None => writeln!(text),
        };
    };
    for step in steps {
        row(&step.name, step.cpu_s, step.wall_s, Some(step.peak_mb));
        for screen in &step.screens {
            row("  a screen", screen.cpu_s, screen.wall_s, None);
        }
    }
    row(
        "total",
        steps.iter().map(|s| s.cpu_s).sum(),
        steps.iter().map(|s| s.wall_s).sum(),
        Some(steps.iter().map(|s| s.peak_mb).fold(0.0, f64::max)),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_becomes_a_table_with_a_total() {
        let report = r#"{"people": 20000, "steps": [
            {"name": "deliver", "cpu_s": 1.5, "wall_s": 0.75, "peak_mb": 210, "screens": []},
            {"name": "look", "cpu_s": 0.25, "wall_s": 0.25, "peak_mb": 90.4,
             "screens": [[0.12, 0.1]]}]}"#;
        assert_eq!(
            table(&steps(report).unwrap()),
            "step           CPU s    wall s   peak MB\n\
             deliver         1.50      0.75       210\n\
             look            0.25      0.25        90\n\
            \x20 a screen      0.10      0.12\n\
             total           1.75      1.00       210\n"
        );
    }

    #[test]
    fn a_report_without_a_figure_is_refused() {
        assert_eq!(steps(r#"{"steps": [{"name": "link", "cpu_s": 1}]}"#), None);
        assert_eq!(steps(r#"{"people": 1}"#), None);
        assert_eq!(steps("{"), None);
    }

    #[test]
    fn sizes_come_from_the_arguments_or_are_the_usual_two() {
        let words =
            |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
        assert_eq!(sizes(&[]).unwrap(), PEOPLE);
        assert_eq!(sizes(&words("--people 500 --people 7")).unwrap(), [500, 7]);
        assert!(sizes(&words("--people many")).is_err());
        assert!(sizes(&words("--people")).is_err());
        assert!(sizes(&words("--folk 5")).is_err());
    }
}
