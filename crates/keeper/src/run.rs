//! Runs a job under its warrant, and stops it when its right ends.

use std::future::{Future, pending};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use governance::JobId;
use governance::job::Task;
use protocol::keeper::{Door, Refused, RefusedCode};
use protocol::limits::Limit;
use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::Capacity;
use crate::authority::{Desk, Warrant};
use crate::error::{internal, no, not_permitted};
use crate::halt::{Halt, StopOnDrop};
use crate::named::plain_id;
use crate::progress::Teller;
use crate::queue::Queue;
use crate::rooms::remove;
use crate::server::Keeper;
use crate::spares::Whose;
use crate::work::{Finished, Tools, work};

/// How often a running job's right is asked for again.
const AGAIN: Duration = Duration::from_secs(1);

impl Keeper {
    /// Asks the store as of now.
    pub(crate) fn desk(&self) -> Result<Desk<'_>, Refused> {
        Ok(Desk {
            books: &self.books,
            trusted: self.custody.trusted(),
            linkage_settings: &self.linkage_settings,
            request_limits: &self.request_limits,
            disclosure: &self.disclosure,
            desktops: &self.desktops,
            now: self.now()?,
        })
    }

    /// Does a queued job, once. `gone` is ready when whoever asked no longer waits.
    pub(crate) async fn run(
        self: &Arc<Self>,
        door: Door,
        job: &str,
        gone: impl Future<Output = ()>,
        tell: &Teller,
    ) -> Result<Finished, Refused> {
        let warrant = match self.begin(door, job).await {
            Ok(warrant) => warrant,
            Err(refused) => {
                self.note_refusal(&refused, "run", &plain_id(job));
                return Err(refused);
            }
        };
        let finished = self.run_claimed(&warrant, gone, tell).await;
        if loads(&warrant) {
            // Kept or refused, nothing of the file as it was delivered stays.
            remove(&self.rooms.uploads, warrant.job.as_str());
        }
        finished
    }

    /// Whether the job may run now, at this door; then it is marked as started.
    async fn begin(&self, door: Door, job: &str) -> Result<Warrant, Refused> {
        let warrant = match self.desk()?.warrant(job).await {
            Ok(warrant) => at_its_door(door, warrant)?,
            Err(refused) => {
                self.forget_upload(job, &refused);
                return Err(refused);
            }
        };
        self.ran.claim(&warrant.job)?;
        Ok(warrant)
    }

    async fn run_claimed(
        self: &Arc<Self>,
        warrant: &Warrant,
        gone: impl Future<Output = ()>,
        tell: &Teller,
    ) -> Result<Finished, Refused> {
        let ended = async {
            tokio::select! {
                () = gone => internal("whoever asked for the job is gone"),
                () = self.closing() => internal("the keeper is closing"),
                refused = self.lapse(warrant) => refused,
            }
        };
        tokio::pin!(ended);
        let (places, ..) = self.place(warrant);
        let patience = Patience::of(warrant, &self.capacity);
        // Whose share of the places it takes.
        let share = warrant.core.authority.project().cloned();
        let waiting = places.enter(share, |number| tell.waiting(number));
        let place = tokio::select! {
            refused = &mut ended => return Err(refused),
            refused = patience.wait() => return Err(refused),
            place = waiting => place,
        };
        let ended = async {
            tokio::select! {
                refused = &mut ended => refused,
                refused = patience.run() => refused,
            }
        };
        tokio::pin!(ended);
        let halt = Halt::default();
        // Whoever stops waiting for the job stops it; its place is free once its worker is gone.
        let _stop = StopOnDrop(halt.clone());
        let (keeper, its_warrant, its_halt) = (Arc::clone(self), warrant.clone(), halt.clone());
        let tell = tell.clone();
        let spare = Whose::of(warrant).and_then(|whose| self.spares.take(&whose));
        let waiting_for = Handle::current();
        let mut task = tokio::task::spawn_blocking(move || {
            let _place = place;
            let (_, profile, worker) = keeper.place(&its_warrant);
            let judging =
                || waiting_for.block_on(async { keeper.desk()?.judging(&its_warrant).await });
            let tools = Tools {
                spare,
                custody: &keeper.custody,
                rooms: &keeper.rooms,
                worker: worker.to_owned(),
                judge: keeper.judge_worker.clone(),
                judging: &judging,
                profile: profile.clone(),
                tell,
            };
            work(tools, &its_warrant, &its_halt)
        });
        let finished = tokio::select! {
            done = &mut task => done.map_err(|_| internal("the job broke off"))??,
            refused = &mut ended => {
                halt.stop();
                // What it made is deleted when it is dropped here.
                drop(task.await);
                return Err(refused);
            }
        };
        self.must_have_room(warrant, &finished.outcome).await?;
        // The right may have ended with the last row: then nothing of it is given out.
        self.desk()?.still(warrant).await?;
        self.provide(warrant);
        Ok(finished)
    }

    /// Ready when the job's right has ended, with the reason.
    async fn lapse(&self, warrant: &Warrant) -> Refused {
        let mut tick = interval(AGAIN);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let still = match self.desk() {
                Ok(desk) => desk.still(warrant).await,
                Err(refused) => Err(refused),
            };
            if let Err(refused) = still {
                return refused;
            }
        }
    }

    /// Where a job waits for its turn, under which walls it runs, and in which program.
    fn place(&self, warrant: &Warrant) -> (&Arc<Queue>, &sandbox::Profile, &Path) {
        match &warrant.core.task {
            Task::Query { .. } | Task::Check { .. } => {
                (&self.query_places, &self.query_profile, &self.query_worker)
            }
            // Somebody waits for it; it may take what a job takes.
            Task::Measure { .. } => (&self.query_places, &self.job_profile, &self.worker),
            Task::LoadIdentifiers { .. }
            | Task::LoadPayload { .. }
            | Task::Index { .. }
            | Task::Extract { .. } => (&self.job_places, &self.job_profile, &self.worker),
        }
    }

    /// A file whose job may not run is not kept either.
    fn forget_upload(&self, job: &str, refused: &Refused) {
        if refused.code == RefusedCode::NotPermitted
            && let Ok(job) = job.parse::<JobId>()
            && self.ran.must_be_new(&job).is_ok()
        {
            remove(&self.rooms.uploads, job.as_str());
        }
    }
}

/// Records are linked for the indexing desk only, everything else is done for the research desk only.
fn at_its_door(door: Door, warrant: Warrant) -> Result<Warrant, Refused> {
    match (door, &warrant.core.task) {
        (Door::Indexing, Task::Index { .. })
        | (
            Door::Research,
            Task::LoadIdentifiers { .. }
            | Task::LoadPayload { .. }
            | Task::Extract { .. }
            | Task::Query { .. }
            | Task::Check { .. }
            | Task::Measure { .. },
        ) => Ok(warrant),
        (Door::Research, Task::Index { .. }) => Err(not_permitted(
            "records are linked for the indexing desk only",
        )),
        (
            Door::Indexing,
            Task::LoadIdentifiers { .. }
            | Task::LoadPayload { .. }
            | Task::Extract { .. }
            | Task::Query { .. }
            | Task::Check { .. }
            | Task::Measure { .. },
        ) => Err(not_permitted("the indexing desk asks for indexing only")),
    }
}

/// How long somebody's statement may wait and run. Other jobs have a deadline and nothing else; what a
/// measurement costs is spent once it runs, so it is not stopped for waiting either.
pub(crate) struct Patience(Option<Capacity>);

impl Patience {
    pub(crate) fn of(warrant: &Warrant, capacity: &Capacity) -> Self {
        Self(match &warrant.core.task {
            Task::Query { .. } | Task::Check { .. } => Some(*capacity),
            Task::LoadIdentifiers { .. }
            | Task::LoadPayload { .. }
            | Task::Index { .. }
            | Task::Extract { .. }
            | Task::Measure { .. } => None,
        })
    }

    /// Ready when it has waited long enough in the queue.
    async fn wait(&self) -> Refused {
        let Some(Capacity { queue_s, .. }) = self.0 else {
            return pending().await;
        };
        sleep(Duration::from_secs(queue_s)).await;
        let why = format!(
            "the statement waited {queue_s} s in the queue and did not run (queue_s in policies/limits.toml): ask again when fewer run"
        );
        no(RefusedCode::Limit, why)
    }

    /// Ready when it has run long enough: a second later than it might, so that a worker whose own limit is as
    /// long stops first, and says where it was.
    pub(crate) async fn run(&self) -> Refused {
        let Some(Capacity { query_s, .. }) = self.0 else {
            return pending().await;
        };
        sleep(Duration::from_secs(query_s.saturating_add(1))).await;
        let why = format!(
            "the statement ran for {query_s} s (query_s in policies/limits.toml): {}",
            Limit::TimeS.remedy()
        );
        no(RefusedCode::Limit, why)
    }
}

fn loads(warrant: &Warrant) -> bool {
    match &warrant.core.task {
        Task::LoadIdentifiers { .. } | Task::LoadPayload { .. } => true,
        Task::Index { .. }
        | Task::Extract { .. }
        | Task::Query { .. }
        | Task::Check { .. }
        | Task::Measure { .. } => false,
    }
}
