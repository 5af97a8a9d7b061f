//! The worker's side: raising the walls, one by one, before anything is read.
//!
//! ```no_run
//! let sealed = sandbox::inside::seal()?;   // never returns in the guard process
//! # Ok::<(), sandbox::inside::SealError>(())
//! ```

mod attack;
mod fence;
mod memory;
mod walls;
mod worlds;

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use protocol::frame::{Down, FrameError, Ready, Refused, Setup, Up, read_down, write_up};
use protocol::limits::Limits;
use protocol::posture::{Layer, MissingLayer, Posture, Requirement};
use protocol::report::{Failure, FailureCode};

pub use attack::{Strangers, attack};
pub use memory::FailFast;

use crate::sys::{self, Forked, Seen};
pub(crate) use fence::data_bytes;
use walls::Walls;
use worlds::Worlds;

/// Exit code of a guard whose worker used up its CPU time.
pub(crate) const EXIT_CPU: i32 = 200;
/// Exit code of a worker that could not get memory.
pub(crate) const EXIT_MEMORY: i32 = 201;
/// Added to the number of the signal that ended the worker.
pub(crate) const EXIT_SIGNAL: i32 = 128;

/// CPU time that this process used so far, all its threads together; zero if the kernel does not tell.
#[must_use]
pub fn cpu_used() -> Duration {
    sys::used().map_or(Duration::ZERO, |(cpu, _)| cpu)
}

/// The most memory of this process that was resident at once, in KiB.
#[must_use]
pub fn peak_kib() -> u64 {
    sys::used().map_or(0, |(_, peak)| peak)
}

/// A worker behind its walls.
#[derive(Debug)]
pub struct Sealed {
    /// The socket to the keeper: plain reads and writes work, socket calls do not.
    pub socket: File,
    /// The limits that are set.
    pub limits: Limits,
    /// The walls that stand.
    pub posture: Posture,
    /// Processes outside, for [`attack`].
    pub strangers: Strangers,
}

/// Why a worker did not seal. The keeper was told, if it is there.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// There is no keeper at descriptor 3.
    #[error("this program is started by strongroom and does nothing on its own")]
    NoKeeper(#[source] io::Error),
    /// The keeper left or sent something else.
    #[error("the keeper did not say what to do")]
    Keeper(#[from] FrameError),
    /// A required wall is missing.
    #[error(transparent)]
    Missing(#[from] MissingLayer),
    /// The kernel refused something that is no wall.
    #[error("the worker could not be prepared")]
    Io(#[from] io::Error),
}

/// Raises every wall and says so to the keeper. Call it first in `main`, before any thread starts.
///
/// The process that calls it becomes the guard of the sealed one and never returns: it waits for the
/// end of the sealed process or of the keeper, and ends both with it.
///
/// # Errors
/// If a required wall is missing, or the keeper is not there.
pub fn seal() -> Result<Sealed, SealError> {
    let socket = sys::take_socket().map_err(SealError::NoKeeper)?;
    let mut socket = File::from(socket);
    let Some(Down::Setup(setup)) = read_down(&mut socket)? else {
        return Err(FrameError::OutOfTurn("setup").into());
    };
    let mut walls = Walls::new(setup.layers.clone());
    match raise(&setup, &mut socket, &mut walls) {
        Ok(strangers) => {
            let ready = Up::Ready(Ready {
                posture: walls.posture.clone(),
                build: protocol::build_id().into(),
            });
            write_up(&mut socket, &ready, &setup.limits)?;
            Ok(Sealed {
                socket,
                limits: setup.limits,
                posture: walls.posture,
                strangers,
            })
        }
        Err(SealError::Missing(missing)) => {
            let refused = Up::Refused(Refused {
                posture: walls.posture,
                missing: missing.clone(),
            });
            write_up(&mut socket, &refused, &setup.limits)?;
            Err(missing.into())
        }
        Err(error) => {
            let failed = Up::Failed(Failure {
                code: FailureCode::Internal,
                message: match &error {
                    SealError::Io(error) => {
                        format!("the worker could not be prepared: {}", walls::reason(error))
                    }
                    other => other.to_string(),
                },
                row: None,
                column: None,
            });
            // The keeper may be what failed.
            let _ = write_up(&mut socket, &failed, &setup.limits);
            Err(error)
        }
    }
}

fn raise(setup: &Setup, socket: &mut File, walls: &mut Walls) -> Result<Strangers, SealError> {
    walls.raise(
        Layer::CleanStart,
        "start the worker through strongroom",
        || {
            if std::env::vars_os().next().is_some() {
                return Err(io::Error::other("the environment is not empty"));
            }
            Ok("environment empty, descriptors 0 to 3 only".into())
        },
    )?;
    let strangers = Strangers {
        guard: sys::getpid(),
        keeper: sys::getppid(),
    };
    sys::clear_personality()?;
    let worlds = Worlds::open(setup, walls)?;
    worlds.fill(setup, socket)?;
    let Some(Down::Go) = read_down(socket)? else {
        return Err(FrameError::OutOfTurn("go").into());
    };
    worlds.close(&setup.limits, walls)?;
    fence::capabilities(walls)?;
    fence::landlock(walls)?;
    let (line, held) = sys::pipe()?;
    sys::set_dumpable(0)?;
    match sys::fork()? {
        Forked::Parent(child) => {
            drop(line);
            guard(child, socket, held, &setup.limits)
        }
        Forked::Child => {
            drop(held);
            inner(setup, walls, line)?;
            Ok(strangers)
        }
    }
}

/// What the sealed process does to itself after it has split off the guard.
fn inner(setup: &Setup, walls: &mut Walls, line: OwnedFd) -> Result<(), SealError> {
    fence::limits(&setup.limits, walls)?;
    walls.raise(Layer::Guarded, "use Linux 5.4 or later", || {
        sys::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong)?;
        sys::set_dumpable(0)?;
        // The guard may have ended before the line above.
        let (_, seen) = sys::wait_for(None, line.as_fd(), Some(Duration::ZERO))?;
        if seen != Seen::Nothing {
            sys::exit_now(1);
        }
        Ok("ends with its guard; not dumpable".into())
    })?;
    drop(line);
    sys::close_after_socket()?;
    let threads = std::ffi::CString::new(setup.limits.threads.to_string())
        .map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    // Thread pools size themselves by the machine; there is no /proc to ask, and NPROC would stop them.
    for name in [c"POLARS_MAX_THREADS", c"RAYON_NUM_THREADS"] {
        sys::set_env(name, &threads)?;
    }
    sys::set_env(c"TZ", c"UTC")?;
    fence::seccomp(walls)?;
    walls.posture.satisfies(&walls.needs)?;
    Ok(())
}

/// Waits for the end of the sealed process or of the keeper. Holds the socket open until then, so that
/// the keeper sees its end only when the sealed process is gone.
fn guard(child: i32, socket: &File, held: OwnedFd, limits: &Limits) -> ! {
    let watched = sys::pidfd_open(child).and_then(|pidfd| {
        sys::wait_for(Some(pidfd.as_fd()), socket.as_fd(), None).map(|s| (pidfd, s))
    });
    match watched {
        Ok((_, (Seen::Readable, _))) => {}
        // The keeper is gone, or watching failed: the worker must not go on alone.
        Ok((pidfd, _)) if sys::pidfd_kill(pidfd.as_fd()).is_ok() => {}
        // The kernel ends the sealed process with its guard.
        Ok(_) | Err(_) => sys::exit_now(1),
    }
    let code = match sys::wait_child(child) {
        Ok(ended) => {
            // The kernel counts CPU for its limit by ticks, which on a busy machine runs ahead of the usage
            // that it reports.
            let limit = Duration::from_secs(limits.cpu_s.into());
            let spent = ended.cpu + limit / 4;
            match (ended.exit, ended.signal) {
                (_, Some(libc::SIGXCPU)) => EXIT_CPU,
                (_, Some(libc::SIGKILL)) if spent >= limit => EXIT_CPU,
                // Code that does not ask whether it got memory breaks on the first that it did not get: past the
                // limit of the job that is what ended it.
                (_, Some(libc::SIGSEGV | libc::SIGBUS | libc::SIGABRT))
                    if ended.peak_kib > u64::from(limits.memory_mib) * 1024 =>
                {
                    EXIT_MEMORY
                }
                (_, Some(signal)) => EXIT_SIGNAL + signal,
                (Some(code), None) => code,
                (None, None) => 1,
            }
        }
        Err(_) => 1,
    };
    drop(held);
    sys::exit_now(code)
}

/// Descriptors as numbers, for passing.
fn raw(fds: &[OwnedFd]) -> Vec<i32> {
    fds.iter().map(AsRawFd::as_raw_fd).collect()
}

type Needs = BTreeMap<Layer, Requirement>;
