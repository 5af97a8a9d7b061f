//! Starting a worker: its process, its inputs, its posture, its order.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use protocol::frame::{
    Down, INPUTS_MAX, Inbox, InputPlan, NAME_MAX, Ready, Setup, Up, is_file_name, write_down,
};
use protocol::job::{Job, Order};
use protocol::limits::Limits;
use protocol::posture::{Layer, LayerState, MissingLayer, Posture, Requirement};

use crate::cgroup::Group;
use crate::running::{Pace, Running, Watch};
use crate::{Profile, SandboxError, sys};

/// A worker may take this long to raise its walls; measured: 6 ms.
const READY_S: u64 = 30;
/// Bytes of an input that are copied at a time.
const PIECE: usize = 256 * 1024;

/// What to start.
#[derive(Debug)]
pub struct Launch {
    /// The worker's program: `strongroom-worker`, or for statements `strongroom-query`.
    pub worker: PathBuf,
    /// What it is to do.
    pub order: Order,
    /// The files that it finds under `/in`.
    pub inputs: Vec<Input>,
    /// The walls that must stand.
    pub profile: Profile,
}

/// A file under `/in`.
pub enum Input {
    /// Bytes that the keeper makes, such as a sealed file that it opens. They have no path on the host.
    Stream {
        /// Name under `/in`; see [`protocol::frame::is_file_name`].
        name: String,
        /// Where the bytes come from.
        reader: Box<dyn Read + Send>,
    },
    /// A file of the caller: bound read-only where the worker's user may read it, copied elsewhere.
    HostFile {
        /// Name under `/in`; see [`protocol::frame::is_file_name`].
        name: String,
        /// Where it lies.
        path: PathBuf,
    },
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Input").field(&self.name()).finish()
    }
}

impl Input {
    /// Its name under `/in`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Stream { name, .. } | Self::HostFile { name, .. } => name,
        }
    }

    fn plan(&self) -> Result<InputPlan, SandboxError> {
        match self {
            Self::Stream { name, .. } => Ok(InputPlan::Stream { name: name.clone() }),
            Self::HostFile { name, path } => {
                let failed = |source| SandboxError::Input {
                    name: name.clone(),
                    source,
                };
                // Opening proves that the caller may read it; the worker gets no more than that.
                open_regular(path).map_err(failed)?;
                let path = path.canonicalize().map_err(failed)?;
                match path.to_str() {
                    Some(_) => Ok(InputPlan::Bind {
                        name: name.clone(),
                        path,
                    }),
                    // JSON carries no other path; it is copied instead.
                    None => Ok(InputPlan::Stream { name: name.clone() }),
                }
            }
        }
    }

    fn open(self) -> io::Result<Box<dyn Read + Send>> {
        match self {
            Self::Stream { reader, .. } => Ok(reader),
            Self::HostFile { path, .. } => Ok(Box::new(open_regular(&path)?)),
        }
    }
}

/// Opens a regular file. A named pipe without a writer is refused instead of waited for.
fn open_regular(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is not a regular file"))
    }
}

/// Starts a worker: walls, inputs, posture, order. Returns when the job has begun.
///
/// Blocks for as long as the inputs take to be read. Safe to call from any thread.
///
/// # Errors
/// If the order is not fit, an input cannot be read, a required wall is missing, or the worker does
/// not get ready. No worker is left behind.
pub fn spawn(launch: Launch) -> Result<Running, SandboxError> {
    let Launch {
        worker,
        order,
        inputs,
        profile,
    } = launch;
    check(&order.limits, sql(&order.job), &inputs, &profile)?;
    let sealed = start(&worker, &profile, &order.limits, inputs)?;
    sealed.begin(order, &profile)
}

/// The statement of a job, if it has one.
fn sql(job: &Job) -> &str {
    job.statement().map_or("", |(_, sql)| sql)
}

pub(crate) fn check(
    limits: &Limits,
    sql: &str,
    inputs: &[Input],
    profile: &Profile,
) -> Result<(), SandboxError> {
    let bad = |message: String| Err(SandboxError::BadOrder(message));
    if let Some(name) = profile.exceeded(limits) {
        return bad(format!(
            "the limit {name} of the order is above that of the sandbox profile {}",
            profile.name
        ));
    }
    let most = limits.statement_bytes;
    if sql.len() as u64 > u64::from(most) {
        return bad(format!(
            "the statement is longer than the limit statement_bytes of {most}"
        ));
    }
    if inputs.len() > INPUTS_MAX {
        return bad(format!("a worker takes at most {INPUTS_MAX} input files"));
    }
    let mut names: Vec<&str> = inputs.iter().map(Input::name).collect();
    names.sort_unstable();
    if names.iter().any(|name| !is_file_name(name)) {
        return bad(format!(
            "the name of an input file has letters, digits, '.', '_' and '-', does not begin with a dot and is at most {NAME_MAX} long"
        ));
    }
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return bad("two input files have one name".into());
    }
    Ok(())
}

/// A worker behind its walls that has no order yet.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) running: Running,
}

impl Standing {
    pub(crate) fn posture(&self) -> &Posture {
        self.running.posture()
    }

    pub(crate) fn must_satisfy(&self, profile: &Profile) -> Result<(), SandboxError> {
        let posture = self.running.posture();
        posture
            .satisfies(&profile.layers)
            .map_err(|missing| SandboxError::MissingLayer {
                missing,
                posture: posture.clone(),
            })
    }

    /// Checks the posture and gives the order.
    pub(crate) fn begin(
        mut self,
        order: Order,
        profile: &Profile,
    ) -> Result<Running, SandboxError> {
        self.must_satisfy(profile)?;
        let pace = match order.job {
            Job::Query(_) => Pace::Statement,
            Job::LoadIdentifiers(_)
            | Job::LoadPayload(_)
            | Job::Link(_)
            | Job::LinkFiles(_)
            | Job::Extract(_)
            | Job::Check(_)
            | Job::Model(_)
            | Job::Inspect(_)
            | Job::Price(_)
            | Job::Measure(_)
            | Job::Dummy(_)
            | Job::Practice(_)
            | Job::SelfAudit(_)
            | Job::Judge(_)
            | Job::Again(_)
            | Job::Attack(_)
            | Job::SelfTest => Pace::Whole,
        };
        self.running.begin(order, pace)?;
        Ok(self.running)
    }
}

/// Starts a worker up to its `Ready`.
pub(crate) fn start(
    worker: &Path,
    profile: &Profile,
    limits: &Limits,
    inputs: Vec<Input>,
) -> Result<Standing, SandboxError> {
    let plans = inputs.iter().map(Input::plan).collect::<Result<_, _>>()?;
    let (ours, theirs) = UnixStream::pair()?;
    let group = Group::make(limits);
    let door = group.as_ref().ok().and_then(Group::door);
    let mut child = exec(worker, &theirs, door.as_ref())?;
    drop(theirs);
    let watch = match Watch::over(&child) {
        Ok(watch) => watch,
        Err(error) => {
            // It may be gone already; waiting takes its number back.
            let _ = child.kill();
            let _ = child.wait();
            return Err(error.into());
        }
    };
    // From here on the worker ends when `running` is dropped.
    let mut running = Running::new(child, watch, ours, limits.clone());
    running.allow(Duration::from_secs(READY_S));
    // The worker cannot see its own group from inside, so the keeper answers for it.
    let group = group.and_then(|group| group.take_in(running.pid()));
    let mut outside = Posture::default();
    note_group(&mut outside, &group);
    let mut layers = profile.layers.clone();
    let need = layers.insert(Layer::MemoryCgroup, Requirement::Wanted);
    running.enclose(group.ok());
    if let Some(Requirement::Required) = need
        && let LayerState::Missing { why, remedy } = outside.state(Layer::MemoryCgroup)
    {
        return Err(SandboxError::MissingLayer {
            missing: MissingLayer {
                layer: Layer::MemoryCgroup,
                why,
                remedy,
            },
            posture: outside,
        });
    }
    running.send(&Down::Setup(Setup {
        limits: limits.clone(),
        layers,
        inputs: plans,
    }))?;
    hand_over(&mut running, inputs)?;
    running.send(&Down::Go)?;
    let mut posture = match running.hear_start(READY_S)? {
        Up::Ready(Ready { posture, build }) => {
            if build != protocol::build_id() {
                return Err(SandboxError::OtherBuild {
                    worker: build
                        .chars()
                        .filter(char::is_ascii_alphanumeric)
                        .take(32)
                        .collect(),
                    here: protocol::build_id(),
                });
            }
            posture
        }
        other => return Err(refused(other, &mut running)),
    };
    posture.0.append(&mut outside.0);
    running.furnish(posture);
    Ok(Standing { running })
}

fn note_group(posture: &mut Posture, group: &io::Result<Group>) {
    match group {
        Ok(group) => posture.present(Layer::MemoryCgroup, group.detail()),
        Err(error) => posture.missing(
            Layer::MemoryCgroup,
            format!("no group can be made: the kernel answers {}", sys::errno_name(error)),
            "start the keeper as root, or as a service with Delegate=yes and DelegateSubgroup=keeper",
        ),
    }
}

fn exec(worker: &Path, theirs: &UnixStream, door: Option<&File>) -> Result<Child, SandboxError> {
    let mut command = Command::new(worker);
    command
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // First: the socket may take the door's number.
    if let Some(door) = door {
        sys::step_into(&mut command, door.as_raw_fd());
    }
    sys::hand_socket(&mut command, theirs.as_raw_fd());
    command.spawn().map_err(SandboxError::Start)
}

/// Writes the inputs that the worker asks for into the descriptors that it passes.
fn hand_over(running: &mut Running, inputs: Vec<Input>) -> Result<(), SandboxError> {
    let wanted = match running.hear_start(READY_S)? {
        Up::MountReady { wanted } => wanted,
        other => return Err(refused(other, running)),
    };
    if wanted.is_empty() {
        return Ok(());
    }
    let files = sys::receive_fds(running.socket().as_fd())?;
    if files.len() != wanted.len() {
        return Err(SandboxError::Io(io::ErrorKind::InvalidData.into()));
    }
    running.allow_any();
    let mut inputs: Vec<Option<Input>> = inputs.into_iter().map(Some).collect();
    for (name, file) in wanted.iter().zip(files) {
        let input = inputs
            .iter_mut()
            .find(|input| input.as_ref().is_some_and(|input| input.name() == name))
            .and_then(Option::take)
            .ok_or_else(|| SandboxError::Io(io::ErrorKind::InvalidData.into()))?;
        copy(name, input, File::from(file))?;
    }
    running.allow(Duration::from_secs(READY_S));
    Ok(())
}

fn copy(name: &str, input: Input, mut file: File) -> Result<(), SandboxError> {
    let unread = |source| SandboxError::Input {
        name: name.into(),
        source,
    };
    let mut reader = input.open().map_err(unread)?;
    let mut piece = vec![0_u8; PIECE];
    loop {
        let got = match reader.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(got) => got,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unread(error)),
        };
        file.write_all(piece.get(..got).unwrap_or_default())
            .map_err(|source| SandboxError::HandOver {
                name: name.into(),
                source,
            })?;
    }
}

/// Anything but the frame that was due.
fn refused(frame: Up, running: &mut Running) -> SandboxError {
    match frame {
        Up::Refused(refused) => {
            running.kill();
            SandboxError::MissingLayer {
                missing: refused.missing,
                posture: refused.posture,
            }
        }
        Up::Failed(failure) => SandboxError::Crashed(failure.message),
        Up::MountReady { .. }
        | Up::Ready(_)
        | Up::Progress(_)
        | Up::Statement(_)
        | Up::FileStart { .. }
        | Up::FileBytes(_)
        | Up::FileEnd { .. }
        | Up::Report(_) => {
            running.kill();
            SandboxError::Hostile(protocol::frame::FrameError::OutOfTurn("early"))
        }
    }
}

/// Writes a frame to the worker.
pub(crate) fn say(socket: &UnixStream, frame: &Down) -> Result<(), SandboxError> {
    let mut socket = socket;
    write_down(&mut socket, frame).map_err(SandboxError::Hostile)
}

pub(crate) type Ears = Inbox<UnixStream>;
