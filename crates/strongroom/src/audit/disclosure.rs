//! `strongroom audit disclosure`: attacks what was released, as a reader of all of it could.

use std::path::PathBuf;
use std::process::ExitCode;

use disclosure::difference::{Isolated, Recovered, Release, attack_history};
use serde::Serialize;

use crate::check::releases::Releases;
use crate::files::{PoliciesArgs, disclosure_policy};
use crate::form::JsonArgs;
use crate::problem::{Problem, REFUSED, say};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder of releases, as `strongroom check --record DIR` keeps them.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Disclosure policy whose minimum counts, instead of the site's: a file, or the name of a preset.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How many of the newest tables are attacked, each with all that were released before it.
    #[arg(long, value_name = "N", default_value_t = 100)]
    newest: usize,
    #[command(flatten)]
    policies: PoliciesArgs,
    #[command(flatten)]
    _form: JsonArgs,
}

/// What the attack found. It names groups of few people: it is for the auditor.
#[derive(Debug, Serialize)]
struct Said {
    /// Released tables, and how many of them were attacked.
    tables: usize,
    attacked: usize,
    minimum: u64,
    /// Groups of one among the isolated.
    singled_out: usize,
    /// Cells that were asked again under fresh noise.
    averaged: usize,
    /// Small groups that no released number counts and whose size follows all the same.
    reconstructed: usize,
    isolated: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Group {
    release: String,
    date: String,
    how: &'static str,
    people: u32,
    detail: String,
}

/// Attacks the releases of a folder and prints what it recovers as JSON. Exit code 1 if it recovers anything.
///
/// # Errors
/// If the folder is not there or a file of it is damaged.
pub(super) fn run(args: &Args) -> Result<ExitCode, Problem> {
    if !args.folder.is_dir() {
        return Err(Problem::could_not(format!(
            "there is no folder {}",
            args.folder.display()
        )));
    }
    let policies = args.policies.load()?;
    let own = args.policy.as_deref().map(disclosure_policy).transpose()?;
    let policy = own.as_ref().unwrap_or(&policies.disclosure);
    let minimum = policy.differencing().unwrap_or(policy.minimum());
    let mut history = Vec::new();
    Releases::open(&args.folder)?.each(|release| history.push(release))?;
    let least = u32::try_from(minimum).unwrap_or(u32::MAX);
    let found = attack_history(&history, least, args.newest);
    let said = said(&history, &found, minimum);
    let is_clean = said.isolated.is_empty() && said.reconstructed == 0 && said.averaged == 0;
    say(&serde_json::to_string(&said)?)?;
    Ok(match is_clean {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(REFUSED),
    })
}

fn said(history: &[Release], found: &Recovered, minimum: u64) -> Said {
    let isolated = found.isolated.iter().filter_map(|(place, isolation)| {
        let about = history.get(*place)?.about();
        Some(Group {
            release: about.name.clone(),
            date: about.date.clone(),
            how: how(isolation.how),
            people: isolation.people,
            detail: isolation.sentence.clone(),
        })
    });
    Said {
        tables: history.len(),
        attacked: found.tables,
        minimum,
        singled_out: found.singled_out,
        averaged: found.averaged,
        reconstructed: found.reconstructed,
        isolated: isolated.collect(),
    }
}

fn how(how: Isolated) -> &'static str {
    match how {
        Isolated::Exactly => "subtraction",
        Isolated::Within => "subtraction of rounded numbers",
        Isolated::Bounded => "bounds",
        Isolated::Near => "nearly the same people",
        Isolated::Again => "averaging",
    }
}

#[cfg(test)]
mod tests {
    use disclosure::difference::{About, CellPeople, Treatment};

    use super::*;

    fn release(name: &str, people: std::ops::Range<u32>) -> Release {
        let about = About {
            name: name.into(),
            date: "2026-05-03".into(),
            measure: "people".into(),
            data_version: String::new(),
            treatment: Treatment::Exact,
        };
        let cell = CellPeople {
            key: "n".into(),
            value: Some(f64::from(people.end - people.start)),
            people: people.collect(),
        };
        Release::new(about, 100, vec![cell]).unwrap()
    }

    #[test]
    fn what_two_releases_give_away_is_told_with_the_later_one() {
        let history = [release("release 1", 0..50), release("release 2", 0..47)];
        let said = said(&history, &attack_history(&history, 10, 100), 10);
        assert_eq!((said.tables, said.singled_out), (2, 0));
        let [group] = said.isolated.as_slice() else {
            panic!("{said:?}");
        };
        assert_eq!(
            (group.release.as_str(), group.how, group.people),
            ("release 2", "subtraction", 3)
        );
        let far = [release("release 1", 0..50), release("release 2", 0..30)];
        let found = attack_history(&far, 10, 100);
        assert!(super::said(&far, &found, 10).isolated.is_empty());
    }
}
