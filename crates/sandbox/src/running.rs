//! A worker at work: its frames, its clock, its end.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use protocol::frame::{Down, FrameError, Inbox, Up};
use protocol::job::Order;
use protocol::limits::{Killed, Limits};
use protocol::posture::Posture;

use crate::cgroup::Group;
use crate::inside::{EXIT_CPU, EXIT_MEMORY, EXIT_SIGNAL};
use crate::launch::{Ears, say};
use crate::sys::Ended;
use crate::{SandboxError, sys};

/// A worker that has said its last word may take this long to leave.
const LEAVE: Duration = Duration::from_secs(5);

/// A worker interrupts its own statement when the time is over; one that cannot is ended so much later.
const GRACE: Duration = Duration::from_secs(2);

/// What the time limit covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Each statement anew.
    Statement,
    /// The whole job.
    Whole,
}

/// What a worker used, as the kernel counts it for its guard and the sealed process together. The worker
/// has no say in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// CPU milliseconds, user and system. Without those of a sealed process whose guard had to be killed.
    pub cpu_ms: u64,
    /// The most resident memory of one of the two, in KiB; scratch files not counted. Linux counts from
    /// before the program is started, so it is never below what the caller held for itself at that moment.
    pub peak_kib: u64,
}

/// A worker that has an order. Dropping it ends the worker.
#[derive(Debug)]
pub struct Running {
    child: Child,
    ended: Option<Ended>,
    watch: Arc<Watch>,
    inbox: Ears,
    /// Whether its report, failure or refusal has come.
    heard_out: bool,
    /// Whether it has said that its tables are loaded.
    loaded: bool,
    limits: Limits,
    pace: Pace,
    posture: Posture,
    // Dropped after the worker has been ended.
    group: Option<Group>,
}

/// Ends a worker from another thread.
#[derive(Debug, Clone)]
pub struct Killer(Arc<Watch>);

impl Killer {
    /// Ends the worker at once.
    pub fn kill(&self) {
        self.0.end(Why::Asked);
    }
}

impl Running {
    pub(crate) fn new(child: Child, watch: Arc<Watch>, socket: UnixStream, limits: Limits) -> Self {
        Self {
            child,
            ended: None,
            watch,
            inbox: Inbox::new(socket, limits.clone()),
            heard_out: false,
            loaded: false,
            limits,
            pace: Pace::Whole,
            posture: Posture::default(),
            group: None,
        }
    }

    /// The walls that stand around this worker.
    #[must_use]
    pub fn posture(&self) -> &Posture {
        &self.posture
    }

    /// The limits of its job.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What it used; `None` until [`Running::next`] has returned its end.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.ended.map(|ended| Usage {
            cpu_ms: u64::try_from(ended.cpu.as_millis()).unwrap_or(u64::MAX),
            peak_kib: ended.peak_kib,
        })
    }

    /// What the worker says next; `None` once it has sent its report or failure and has left.
    ///
    /// Blocks, but never beyond the time limit of the job. Every frame has been checked against the
    /// limits. A file is complete only with its [`Up::FileEnd`].
    ///
    /// # Errors
    /// [`SandboxError::Killed`] if a limit ended the worker, [`SandboxError::Ended`] if
    /// [`Running::kill`] did, [`SandboxError::Hostile`] if it sent what it may not, and
    /// [`SandboxError::Crashed`] otherwise.
    #[expect(
        clippy::should_implement_trait,
        reason = "it is fallible and ends with None"
    )]
    pub fn next(&mut self) -> Result<Option<Up>, SandboxError> {
        match self.inbox.next_frame() {
            Ok(Some(frame)) => {
                if self.inbox.is_over() {
                    self.heard_out = true;
                    self.watch.allow(LEAVE);
                } else if self.begins_anew(&frame) {
                    self.watch.allow(self.time());
                }
                Ok(Some(frame))
            }
            // One that leaves a cancellation unread resets the socket instead of closing it.
            Ok(None) | Err(FrameError::Io(_)) if self.heard_out => {
                self.wait()?;
                Ok(None)
            }
            // A worker that is killed while it writes cuts its last frame.
            Ok(None) | Err(FrameError::Cut | FrameError::Io(_)) => Err(self.death()),
            Err(error) => {
                self.watch.end(Why::Asked);
                Err(SandboxError::Hostile(error))
            }
        }
    }

    /// Asks the job to stop at its next chance. One that does not is ended by its time limit or by
    /// [`Running::kill`].
    ///
    /// # Errors
    /// If the worker is gone.
    pub fn cancel(&mut self) -> Result<(), SandboxError> {
        self.send(&Down::Cancel)
    }

    /// Ends the worker at once.
    pub fn kill(&mut self) {
        self.watch.end(Why::Asked);
    }

    /// A handle that ends this worker from another thread.
    #[must_use]
    pub fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.watch))
    }

    pub(crate) fn begin(&mut self, order: Order, pace: Pace) -> Result<(), SandboxError> {
        self.pace = pace;
        self.watch.allow(self.time());
        self.send(&Down::Order(Box::new(order)))
    }

    /// Holds the worker's group until the worker has been ended.
    pub(crate) fn enclose(&mut self, group: Option<Group>) {
        self.group = group;
    }

    pub(crate) fn furnish(&mut self, posture: Posture) {
        self.posture = posture;
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn allow(&self, time: Duration) {
        self.watch.allow(time);
    }

    pub(crate) fn allow_any(&self) {
        self.watch.set(None);
    }

    pub(crate) fn socket(&mut self) -> &UnixStream {
        self.inbox.get_mut()
    }

    pub(crate) fn send(&mut self, frame: &Down) -> Result<(), SandboxError> {
        // A worker that does not read is ended by the clock, and the write then fails.
        match say(self.inbox.get_mut(), frame) {
            Err(SandboxError::Hostile(FrameError::Io(_))) => Err(self.death()),
            other => other,
        }
    }

    /// The next frame before the order is given.
    pub(crate) fn hear_start(&mut self, seconds: u64) -> Result<Up, SandboxError> {
        match self.next() {
            Ok(Some(frame)) => Ok(frame),
            Ok(None) => Err(SandboxError::Crashed("it left before it was ready".into())),
            Err(SandboxError::Killed(Killed::Time)) => Err(SandboxError::NotReady(seconds)),
            Err(error) => Err(error),
        }
    }

    /// Whether the clock of a statement starts with this frame: the first note of progress says that the
    /// tables are loaded, and each answer is followed by the next statement.
    fn begins_anew(&mut self, frame: &Up) -> bool {
        match (frame, self.pace) {
            (Up::Statement(_), Pace::Statement) => true,
            (Up::Progress(_), Pace::Statement) => !std::mem::replace(&mut self.loaded, true),
            _ => false,
        }
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.limits.time_s.into()) + GRACE
    }

    /// Waits for the guard, which has waited for the sealed process. `Child::wait` keeps no usage.
    fn wait(&mut self) -> io::Result<Ended> {
        if let Some(ended) = self.ended {
            return Ok(ended);
        }
        let pid = i32::try_from(self.child.id()).map_err(io::Error::other)?;
        let ended = sys::wait_child(pid)?;
        self.ended = Some(ended);
        Ok(ended)
    }

    /// Why the worker is gone.
    fn death(&mut self) -> SandboxError {
        // Asked before the guard gets its time to leave, the end of which is no limit of the job.
        let why = self.watch.why();
        self.watch.allow(LEAVE);
        let ended = match self.wait() {
            Ok(ended) => ended,
            Err(error) => return SandboxError::Io(error),
        };
        match why {
            Some(Why::Clock) => return SandboxError::Killed(Killed::Time),
            Some(Why::Asked) => return SandboxError::Ended,
            None => {}
        }
        let oom = self.group.as_ref().map_or(0, Group::out_of_memory_kills) > 0;
        match ended.exit {
            Some(EXIT_CPU) => SandboxError::Killed(Killed::Cpu),
            Some(EXIT_MEMORY) => SandboxError::Killed(Killed::Memory),
            // Nobody but the kernel, short of memory, kills a worker without a word.
            Some(code) if oom || code == EXIT_SIGNAL + libc::SIGKILL => {
                SandboxError::Killed(Killed::Memory)
            }
            Some(code) if code == EXIT_SIGNAL + libc::SIGXFSZ => SandboxError::Killed(Killed::Disk),
            Some(code) if code > EXIT_SIGNAL => {
                SandboxError::Crashed(format!("signal {}", code - EXIT_SIGNAL))
            }
            Some(code) => SandboxError::Crashed(format!("exit code {code}")),
            None if oom => SandboxError::Killed(Killed::Memory),
            None => SandboxError::Crashed("its guard was killed".into()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.watch.end(Why::Asked);
        let _ = self.wait();
        self.watch.stop();
        self.group = None;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The time limit.
    Clock,
    /// The caller.
    Asked,
}

/// The clock of one worker: a thread that ends it when its time is up.
#[derive(Debug)]
pub(crate) struct Watch {
    pidfd: OwnedFd,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    deadline: Option<Instant>,
    why: Option<Why>,
    over: bool,
}

impl Watch {
    /// Watches a child that has not been waited for, so that its number is still its own.
    pub(crate) fn over(child: &Child) -> io::Result<Arc<Self>> {
        let pid = i32::try_from(child.id()).map_err(io::Error::other)?;
        let watch = Arc::new(Self {
            pidfd: sys::pidfd_open(pid)?,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let clock = Arc::clone(&watch);
        thread::Builder::new()
            .name("worker-clock".into())
            .spawn(move || clock.run())?;
        Ok(watch)
    }

    fn run(&self) {
        let mut state = self.lock();
        while !state.over {
            state = match state.deadline {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        state.deadline = None;
                        self.strike(&mut state, Why::Clock);
                        state
                    } else {
                        self.changed
                            .wait_timeout(state, left)
                            .unwrap_or_else(PoisonError::into_inner)
                            .0
                    }
                }
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, deadline: Option<Instant>) {
        self.lock().deadline = deadline;
        self.changed.notify_all();
    }

    fn allow(&self, time: Duration) {
        self.set(Instant::now().checked_add(time));
    }

    fn end(&self, why: Why) {
        let mut state = self.lock();
        self.strike(&mut state, why);
    }

    /// Kills the guard; the kernel kills the sealed process with it. The first reason stays.
    fn strike(&self, state: &mut State, why: Why) {
        // ESRCH: it has left and been waited for, which is no kill.
        if sys::pidfd_kill(self.pidfd.as_fd()).is_ok() {
            state.why.get_or_insert(why);
        }
    }

    fn why(&self) -> Option<Why> {
        self.lock().why
    }

    fn stop(&self) {
        self.lock().over = true;
        self.changed.notify_all();
    }
}
