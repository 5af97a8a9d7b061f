//! `strongroom audit disclosure`: attacks what was released, as a reader of all of it could.

use std::path::PathBuf;
use std::process::ExitCode;

use disclosure::difference::Attacked;

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
    let found = Attacked::new(&history, least, args.newest);
    say(&serde_json::to_string(&found)?)?;
    Ok(match found.is_clean() {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(REFUSED),
    })
}

#[cfg(test)]
mod tests {
    use disclosure::difference::{About, CellPeople, Release, Treatment};

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
        let said = Attacked::new(&history, 10, 100);
        assert!(!said.is_clean());
        assert_eq!((said.tables, said.singled_out), (2, 0));
        let [group] = said.isolated.as_slice() else {
            panic!("{said:?}");
        };
        assert_eq!(
            (group.release.as_str(), group.how, group.people),
            ("release 2", "subtraction", 3)
        );
        let far = [release("release 1", 0..50), release("release 2", 0..30)];
        assert!(Attacked::new(&far, 10, 100).is_clean());
    }
}
