//! `strongroom check FILE…`: finished files, looked through in the sealed worker.

use std::path::{Path, PathBuf};

use disclosure::inspect::Seen;
use protocol::job::{Inspect, Job, Order};
use protocol::report::Report;
use sandbox::{Input, Launch};
use service::Policies;

use crate::files::{profile, worker};
use crate::problem::Problem;
use crate::sealed::{out_of_turn, report};

/// What is seen of each file, under the name by which it was given.
///
/// # Errors
/// If there are more than `most`, one cannot be read, no worker can be sealed, or a limit stopped it.
pub(super) fn seen(
    files: &[PathBuf],
    most: u64,
    policies: &Policies,
) -> Result<Vec<(String, Vec<Seen>)>, Problem> {
    if files.len() as u64 > most {
        return Err(Problem::could_not(format!(
            "{} files were given; the limit files in the disclosure policy is {most}",
            files.len()
        )));
    }
    files.iter().try_for_each(|file| readable(file))?;
    let profile = profile(policies, "sandbox/sql.toml")?;
    let inside = |at: usize| format!("{at}.file");
    let inputs = files.iter().enumerate().map(|(at, path)| Input::HostFile {
        name: inside(at),
        path: path.clone(),
    });
    let launch = Launch {
        worker: worker()?,
        order: Order {
            job: Job::Inspect(Inspect {
                files: (0..files.len()).map(inside).collect(),
            }),
            limits: profile.limits.clone(),
        },
        inputs: inputs.collect(),
        profile,
    };
    let Report::Inspect { seen } = report(launch, &mut |_| Ok(()))? else {
        return Err(out_of_turn());
    };
    let parts: Vec<Vec<Seen>> = serde_json::from_str(&seen)
        .map_err(|_| Problem::could_not("what the worker saw of the files cannot be read"))?;
    if parts.len() != files.len() {
        return Err(Problem::could_not(
            "the worker did not look through every file",
        ));
    }
    let names = files.iter().map(|path| path.display().to_string());
    Ok(names.zip(parts).collect())
}

fn readable(path: &Path) -> Result<(), Problem> {
    let shown = path.display();
    let meta = std::fs::metadata(path)
        .map_err(|error| Problem::could_not(format!("{shown} cannot be read: {error}")))?;
    match meta.is_file() {
        true => Ok(()),
        false => Err(Problem::could_not(format!("{shown} is not a regular file"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_files_and_what_is_no_file_are_refused_before_a_worker_starts() {
        let policies = Policies::load(None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let said = |files: &[PathBuf]| seen(files, 1, &policies).unwrap_err().text;
        assert!(said(&[folder.path().into()]).contains("not a regular file"));
        assert!(said(&[folder.path().join("none.csv")]).contains("cannot be read"));
        let two = [PathBuf::from("a"), PathBuf::from("b")];
        assert!(said(&two).contains("the limit files in the disclosure policy is 1"));
    }
}
