//! A sealed worker that waits for its order with its tables open, so that nobody waits for its start.
//!
//! A spare is bound to its inputs and tables: it never serves another extract. Whoever keeps spares must
//! not give one to another person or project, and must drop it when the access that it was made for ends.

use std::path::Path;
use std::time::Duration;

use protocol::frame::{Down, Up};
use protocol::job::{Job, Order, Source};
use protocol::limits::Limits;
use protocol::posture::Posture;

use crate::launch::{Input, Standing, check, start};
use crate::running::Running;
use crate::{Profile, SandboxError};

/// A worker behind its walls, with its tables open and without an order. Dropping it ends the worker.
#[derive(Debug)]
pub struct Spare {
    standing: Standing,
    limits: Limits,
    profile: Profile,
    source: Source,
}

impl Spare {
    /// Starts a worker, seals it, hands over its inputs and has it open its tables.
    ///
    /// # Errors
    /// As [`crate::spawn`], and if the tables cannot be opened.
    pub fn start(
        worker: &Path,
        profile: Profile,
        limits: Limits,
        inputs: Vec<Input>,
        source: Source,
    ) -> Result<Self, SandboxError> {
        check(&limits, "", &inputs, &profile)?;
        let mut standing = start(worker, &profile, &limits, inputs)?;
        standing.must_satisfy(&profile)?;
        let running = &mut standing.running;
        running.allow(Duration::from_secs(limits.time_s.into()));
        running.send(&Down::Open(Box::new(source.clone())))?;
        match running.next()? {
            Some(Up::Progress(_)) => {}
            Some(Up::Failed(failure)) => return Err(SandboxError::BadOrder(failure.message)),
            Some(_) | None => {
                running.kill();
                return Err(SandboxError::Crashed("it did not open its tables".into()));
            }
        }
        // It may wait for as long as its keeper likes.
        running.allow_any();
        Ok(Self {
            standing,
            limits,
            profile,
            source,
        })
    }

    /// The walls that stand around it.
    #[must_use]
    pub fn posture(&self) -> &Posture {
        self.standing.posture()
    }

    /// Gives it its order.
    ///
    /// # Errors
    /// If the job is over other tables or not fit, or the worker is gone.
    pub fn begin(self, job: Job) -> Result<Running, SandboxError> {
        let Some((source, sql)) = job.statement() else {
            return Err(SandboxError::BadOrder(
                "this job has no spare worker".into(),
            ));
        };
        if *source != self.source {
            return Err(SandboxError::BadOrder(
                "the spare worker was opened over other tables".into(),
            ));
        }
        check(&self.limits, sql, &[], &self.profile)?;
        let order = Order {
            job,
            limits: self.limits,
        };
        self.standing.begin(order, &self.profile)
    }
}
