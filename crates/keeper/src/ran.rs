//! Which jobs were started: a job is started once, also across restarts.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use governance::JobId;
use protocol::keeper::Refused;

use crate::error::{internal, not_permitted};
use crate::rooms::sync_folder;

pub(crate) struct Ran {
    folder: PathBuf,
    // Beside the files, so that a file that somebody removes changes nothing while the keeper lives.
    seen: Mutex<BTreeSet<JobId>>,
}

impl Ran {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            seen: Mutex::default(),
        }
    }

    /// Whether the job was started before.
    pub(crate) fn must_be_new(&self, job: &JobId) -> Result<(), Refused> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.contains(job) || self.folder.join(job.as_str()).exists() {
            Err(ran_before())
        } else {
            Ok(())
        }
    }

    /// Marks the job as started, for good, before it is. Only the first to ask may start it.
    pub(crate) fn claim(&self, job: &JobId) -> Result<(), Refused> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.insert(job.clone()) {
            return Err(ran_before());
        }
        let marked = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.folder.join(job.as_str()))
            .and_then(|file| file.sync_all())
            .and_then(|()| sync_folder(&self.folder));
        match marked {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(ran_before()),
            Err(error) => {
                tracing::error!(job = %job, error = %error, "the start of a job could not be marked");
                Err(internal("the keeper cannot mark the job as started"))
            }
        }
    }
}

fn ran_before() -> Refused {
    not_permitted("this job was started before; queue a new one")
}
