//! Reading several files at a time.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread::{Builder, ScopedJoinHandle, scope};

use linkage::{FileSpec, Intake, Spec};
use protocol::frame::Hatch;
use protocol::job::{LinkFiles, LinkedFile};
use protocol::limits::Limits;
use protocol::report::Failure;

use super::ids::Ids;
use super::{Unread, internal, read};
use crate::jobs::Rooms;

/// What was read of a file, or why it was not.
type Read = Result<(Ids, Intake), Unread>;

/// A file to be read.
struct Reading<'a> {
    at: usize,
    path: PathBuf,
    file: &'a LinkedFile,
    told: &'a FileSpec,
    limits: &'a Limits,
}

impl Reading<'_> {
    fn read_into(&self, intake: &mut Intake) -> Result<Ids, Unread> {
        let push = |_: &str, row: &[Option<&str>]| intake.push(self.at, row);
        read(&self.path, self.file, self.told, self.limits, push)?.judged(self.told)
    }

    /// Into an intake of its own.
    fn apart(&self, mut intake: Intake) -> Read {
        let ids = self.read_into(&mut intake)?;
        Ok((ids, intake))
    }
}

/// Reads the files into an intake, as many at a time as there are threads, and keeps their ids. Of several files that
/// cannot be read the first is told.
pub(super) fn read_all(
    rooms: &Rooms,
    job: &LinkFiles,
    spec: &Spec,
    limits: &Limits,
    intake: &mut Intake,
    hatch: &mut Hatch<'_>,
) -> Result<Vec<Ids>, Failure> {
    let mut files = Vec::with_capacity(job.files.len());
    for (at, (file, told)) in job.files.iter().zip(&spec.files).enumerate() {
        files.push(Reading {
            at,
            path: rooms.input(&file.file)?,
            file,
            told,
            limits,
        });
    }
    let mut ids = Vec::with_capacity(files.len());
    for some in files.chunks(limits.threads.max(1) as usize) {
        hatch.progress(ids.len() as u64, files.len() as u64, "reading")?;
        let parts: Option<Vec<Intake>> = some.iter().map(|_| intake.part()).collect();
        let of = |reading: &Reading<'_>, error: Unread| error.of_input(&reading.told.name, spec);
        let Some(parts) = parts.filter(|parts| parts.len() > 1) else {
            for reading in some {
                let read = reading.read_into(intake);
                ids.push(read.map_err(|error| of(reading, error))?);
            }
            continue;
        };
        for (reading, read) in some.iter().zip(side_by_side(some, parts)?) {
            let (of_file, part) = read.map_err(|error| of(reading, error))?;
            intake
                .take_over(reading.at, part)
                .map_err(|error| of(reading, Unread::Engine(error)))?;
            ids.push(of_file);
        }
    }
    Ok(ids)
}

/// Reads files at once, each on a thread and into an intake of its own.
fn side_by_side(files: &[Reading<'_>], parts: Vec<Intake>) -> Result<Vec<Read>, Failure> {
    scope(|scope| {
        let start = |(reading, part)| {
            let reading: &Reading<'_> = reading;
            Builder::new().spawn_scoped(scope, move || reading.apart(part))
        };
        let threads: Result<Vec<ScopedJoinHandle<'_, _>>, _> =
            files.iter().zip(parts).map(start).collect();
        let threads = threads.map_err(|_| internal("a thread could not be started"))?;
        let read = threads.into_iter().map(|thread| match thread.join() {
            Ok(read) => read,
            Err(panic) => resume_unwind(panic),
        });
        Ok(read.collect())
    })
}
