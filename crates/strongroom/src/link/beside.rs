//! The files of a linkage, as the worker is told of them and as they are mounted.

use std::fs;
use std::path::{Path, PathBuf};

use protocol::job::{Format, LinkFiles, LinkedFile, TruthFile};
use sandbox::Input;

use super::Args;
use super::spec::{self, Asked};
use crate::problem::Problem;

/// A file that goes into a linkage beside its inputs.
pub(super) struct More {
    path: PathBuf,
    format: Format,
}

impl More {
    fn find(path: &Path) -> Result<Self, Problem> {
        let format = spec::format(path).ok_or_else(|| {
            Problem::could_not(format!(
                "{} is neither a .csv nor a .parquet file",
                path.display()
            ))
        })?;
        let path = path.to_owned();
        Ok(Self { path, format })
    }
}

/// All of these, in the order in which they are mounted after the inputs.
pub(super) struct Beside {
    truth: Option<More>,
    labels: Option<More>,
    decisions: Vec<More>,
    frequencies: Vec<More>,
}

impl Beside {
    pub(super) fn of(args: &Args, asked: &Asked) -> Result<Self, Problem> {
        let all = |paths: &[PathBuf]| -> Result<Vec<More>, Problem> {
            paths.iter().map(|path| More::find(path)).collect()
        };
        Ok(Self {
            truth: args.truth.as_deref().map(More::find).transpose()?,
            labels: asked.labels.as_deref().map(More::find).transpose()?,
            decisions: all(&args.decisions)?,
            frequencies: all(&asked.frequencies)?,
        })
    }

    fn all(&self) -> impl Iterator<Item = &More> {
        let one = self.truth.iter().chain(&self.labels);
        one.chain(&self.decisions).chain(&self.frequencies)
    }
}

/// Names of the files within the worker, by place.
pub(super) fn inside(at: usize, format: Format) -> String {
    match format {
        Format::Csv => format!("{at}.csv"),
        Format::Parquet => format!("{at}.parquet"),
    }
}

pub(super) fn job(asked: &Asked, beside: &Beside, review: u32) -> Result<LinkFiles, Problem> {
    let file = |(at, input): (usize, &spec::AskedInput)| LinkedFile {
        file: inside(at, input.format),
        format: input.format,
        id: input.id.clone(),
    };
    let mut at = asked.inputs.len();
    let mut next = |more: &More| {
        at += 1;
        TruthFile {
            file: inside(at - 1, more.format),
            format: more.format,
        }
    };
    Ok(LinkFiles {
        spec: serde_json::to_string(&asked.spec)?,
        files: asked.inputs.iter().enumerate().map(file).collect(),
        // In the order of `Beside::all`.
        truth: beside.truth.as_ref().map(&mut next),
        labels: beside.labels.as_ref().map(&mut next),
        decisions: beside.decisions.iter().map(&mut next).collect(),
        frequencies: beside.frequencies.iter().map(&mut next).collect(),
        review,
    })
}

pub(super) fn inputs(asked: &Asked, beside: &Beside) -> Result<Vec<Input>, Problem> {
    let files = asked.inputs.iter().map(|input| (&input.path, input.format));
    let files = files.chain(beside.all().map(|more| (&more.path, more.format)));
    files
        .enumerate()
        .map(|(at, (path, format))| {
            let shown = path.display();
            let meta = fs::metadata(path)
                .map_err(|error| Problem::could_not(format!("{shown} cannot be read: {error}")))?;
            if !meta.is_file() {
                return Err(Problem::could_not(format!("{shown} is not a regular file")));
            }
            Ok(Input::HostFile {
                name: inside(at, format),
                path: path.clone(),
            })
        })
        .collect()
}
