//! Frames: a length (u32, little endian), a kind (u8) and that many bytes.
//!
//! Order of a conversation, keeper on the left:
//!
//! ```text
//! Setup          ->                 limits, names of inputs, layers
//!                <- MountReady      one descriptor for each wanted input follows the frame
//! (fills them)
//! Go             ->                 the worker seals itself
//!                <- Ready | Refused posture and build id
//! Open           ->                 for a spare worker only: these tables
//!                <- Progress | Failed
//! Order          ->                 checked posture first
//!                <- Progress, Statement, FileStart FileBytes* FileEnd, in any number
//!                <- Report | Failed
//! Cancel, Stop   ->                 at any time after Order
//! ```
//!
//! [`Inbox`] holds the worker to it. Nothing is allocated beyond what has arrived, and nothing beyond
//! the cap of the frame's kind is read.

mod cells;
mod kind;

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use crate::hatch::Hatch;
pub use crate::inbox::{Inbox, check_statement};
use crate::job::{Order, Source};
use crate::limits::Limits;
use crate::posture::{Layer, MissingLayer, Posture, Requirement};
use crate::report::{Failure, Report, StatementResult};
pub(crate) use kind::Kind;

/// Most bytes of one piece of a file.
pub const FILE_BYTES_MAX: usize = 256 * 1024;
/// Most files that a worker may send.
pub const FILES_MAX: u32 = 16;
/// Most input files of a worker; a message passes at most 253 descriptors.
pub const INPUTS_MAX: usize = 64;
/// Longest name of an input or output file, in bytes.
pub const NAME_MAX: usize = 128;
/// Longest name of a stage, in bytes.
pub const STAGE_MAX: usize = 64;
/// Longest error text of the engine or of a failure, in bytes.
pub const ERROR_MAX: usize = 16 * 1024;
/// Most statements of one order.
pub const STATEMENTS_MAX: u32 = 10_000;

/// What a worker needs to raise its walls, before it is given an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// Limits to set.
    pub limits: Limits,
    /// Which layers must stand.
    pub layers: std::collections::BTreeMap<Layer, Requirement>,
    /// Input files, by name under `/in`.
    pub inputs: Vec<InputPlan>,
}

/// How an input file gets under `/in`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
pub enum InputPlan {
    /// The keeper writes its bytes into the detached mount.
    Stream {
        /// Name under `/in`.
        name: String,
    },
    /// A read-only bind of a file that the caller owns.
    Bind {
        /// Name under `/in`.
        name: String,
        /// Path on the host.
        path: std::path::PathBuf,
    },
}

impl InputPlan {
    /// Name under `/in`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Stream { name } | Self::Bind { name, .. } => name,
        }
    }
}

/// From the keeper to the worker.
#[derive(Debug, Clone, PartialEq)]
pub enum Down {
    /// Raise these walls.
    Setup(Setup),
    /// The inputs are in place: seal.
    Go,
    /// Open these tables now; the order, which must name the same, comes later.
    Open(Box<Source>),
    /// The job.
    Order(Box<Order>),
    /// Stop the job at the next chance and say so.
    Cancel,
    /// Leave.
    Stop,
}

/// From the worker to the keeper.
#[derive(Debug, Clone, PartialEq)]
pub enum Up {
    /// The input mount is there; the descriptors of these files follow, in this order.
    MountReady {
        /// Names of the inputs that the keeper is to write.
        wanted: Vec<String>,
    },
    /// Sealed.
    Ready(Ready),
    /// A required layer is missing.
    Refused(Refused),
    /// How far the job is.
    Progress(Progress),
    /// The result of one statement.
    Statement(StatementResult),
    /// A file begins.
    FileStart {
        /// Its name.
        name: String,
    },
    /// The next bytes of the file.
    FileBytes(Vec<u8>),
    /// The file is whole.
    FileEnd {
        /// Bytes sent.
        bytes: u64,
    },
    /// The job is done.
    Report(Report),
    /// The job is not done.
    Failed(Failure),
}

/// A sealed worker presents itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ready {
    /// The walls that stand.
    pub posture: Posture,
    /// See [`crate::build_id`].
    pub build: String,
}

/// A worker that did not seal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// What was tried.
    pub posture: Posture,
    /// The first required layer that is missing.
    pub missing: MissingLayer,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all; 0 if not known.
    pub total: u64,
    /// What is being done, in a few words.
    pub stage: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    wanted: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bytes {
    bytes: u64,
}

/// Why a frame was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The socket failed.
    #[error("the socket to the worker failed")]
    Io(#[from] io::Error),
    /// The stream ended inside a frame.
    #[error("the stream ended inside a frame")]
    Cut,
    /// No such kind in this direction.
    #[error("frame kind {0} is not known")]
    UnknownKind(u8),
    /// Longer than its kind may be.
    #[error("a {kind} frame of {bytes} bytes is longer than {max}")]
    TooLong {
        /// Its kind.
        kind: &'static str,
        /// Its length.
        bytes: u64,
        /// The cap.
        max: u64,
    },
    /// Not what its kind holds.
    #[error("a {0} frame does not hold what it should")]
    Malformed(&'static str),
    /// Not at this point of the conversation.
    #[error("a {0} frame came where none may")]
    OutOfTurn(&'static str),
    /// A count or size beyond the limits of the job.
    #[error("the limit {limit} is exceeded in a {kind} frame")]
    Limit {
        /// The frame's kind.
        kind: &'static str,
        /// The name of the limit.
        limit: &'static str,
    },
}

/// Writes one frame to a worker.
///
/// # Errors
/// If the frame is longer than its kind may be, or the socket fails.
pub fn write_down(out: &mut dyn Write, frame: &Down) -> Result<(), FrameError> {
    match frame {
        Down::Setup(setup) => write_json(out, Kind::Setup, setup, None),
        Down::Go => write_raw(out, Kind::Go, &[], None),
        Down::Open(source) => write_json(out, Kind::Open, source.as_ref(), None),
        Down::Order(order) => write_json(out, Kind::Order, order.as_ref(), None),
        Down::Cancel => write_raw(out, Kind::Cancel, &[], None),
        Down::Stop => write_raw(out, Kind::Stop, &[], None),
    }
}

/// Reads one frame from the keeper; `None` at the end of the stream.
///
/// # Errors
/// If the bytes are not a frame for a worker.
pub fn read_down(from: &mut dyn Read) -> Result<Option<Down>, FrameError> {
    let Some((kind, bytes)) = read_raw(from, None)? else {
        return Ok(None);
    };
    match kind {
        Kind::Setup => Ok(Some(Down::Setup(parse(kind, &bytes)?))),
        Kind::Go => Ok(Some(Down::Go)),
        Kind::Open => Ok(Some(Down::Open(Box::new(parse(kind, &bytes)?)))),
        Kind::Order => Ok(Some(Down::Order(Box::new(parse(kind, &bytes)?)))),
        Kind::Cancel => Ok(Some(Down::Cancel)),
        Kind::Stop => Ok(Some(Down::Stop)),
        Kind::MountReady
        | Kind::Ready
        | Kind::Refused
        | Kind::Progress
        | Kind::Statement
        | Kind::FileStart
        | Kind::FileBytes
        | Kind::FileEnd
        | Kind::Report
        | Kind::Failed => Err(FrameError::OutOfTurn(kind.name())),
    }
}

/// Writes one frame to the keeper.
///
/// # Errors
/// If the frame is longer than its kind may be under the limits, or the socket fails.
pub fn write_up(out: &mut dyn Write, frame: &Up, limits: &Limits) -> Result<(), FrameError> {
    let limits = Some(limits);
    match frame {
        Up::MountReady { wanted } => write_json(
            out,
            Kind::MountReady,
            &Wanted {
                wanted: wanted.clone(),
            },
            limits,
        ),
        Up::Ready(ready) => write_json(out, Kind::Ready, ready, limits),
        Up::Refused(refused) => write_json(out, Kind::Refused, refused, limits),
        Up::Progress(progress) => write_json(out, Kind::Progress, progress, limits),
        Up::Statement(result) => write_raw(out, Kind::Statement, &cells::encode(result)?, limits),
        Up::FileStart { name } => {
            write_json(out, Kind::FileStart, &Name { name: name.clone() }, limits)
        }
        Up::FileBytes(bytes) => write_raw(out, Kind::FileBytes, bytes, limits),
        Up::FileEnd { bytes } => write_json(out, Kind::FileEnd, &Bytes { bytes: *bytes }, limits),
        Up::Report(report) => write_json(out, Kind::Report, report, limits),
        Up::Failed(failure) => write_json(out, Kind::Failed, failure, limits),
    }
}

/// Reads one frame from a worker; `None` at the end of the stream. [`Inbox`] checks what it says.
pub(crate) fn read_up(from: &mut dyn Read, limits: &Limits) -> Result<Option<Up>, FrameError> {
    let Some((kind, bytes)) = read_raw(from, Some(limits))? else {
        return Ok(None);
    };
    Ok(Some(match kind {
        Kind::MountReady => Up::MountReady {
            wanted: parse::<Wanted>(kind, &bytes)?.wanted,
        },
        Kind::Ready => Up::Ready(parse(kind, &bytes)?),
        Kind::Refused => Up::Refused(parse(kind, &bytes)?),
        Kind::Progress => Up::Progress(parse(kind, &bytes)?),
        Kind::Statement => Up::Statement(cells::decode(&bytes, limits)?),
        Kind::FileStart => Up::FileStart {
            name: parse::<Name>(kind, &bytes)?.name,
        },
        Kind::FileBytes => Up::FileBytes(bytes),
        Kind::FileEnd => Up::FileEnd {
            bytes: parse::<Bytes>(kind, &bytes)?.bytes,
        },
        Kind::Report => Up::Report(parse(kind, &bytes)?),
        Kind::Failed => Up::Failed(parse(kind, &bytes)?),
        Kind::Setup | Kind::Go | Kind::Open | Kind::Order | Kind::Cancel | Kind::Stop => {
            return Err(FrameError::OutOfTurn(kind.name()));
        }
    }))
}

/// Whether a name may stand under `/in` or name a file that a worker sends: 1 to 128 of
/// `A-Z a-z 0-9 . _ -`, not beginning with a dot.
#[must_use]
pub fn is_file_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NAME_MAX
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

// The parser's own words could quote a value, so they are dropped.
fn parse<T: DeserializeOwned>(kind: Kind, bytes: &[u8]) -> Result<T, FrameError> {
    serde_json::from_slice(bytes).map_err(|_| FrameError::Malformed(kind.name()))
}

fn write_json<T: Serialize>(
    out: &mut dyn Write,
    kind: Kind,
    body: &T,
    limits: Option<&Limits>,
) -> Result<(), FrameError> {
    let bytes = serde_json::to_vec(body).map_err(|_| FrameError::Malformed(kind.name()))?;
    write_raw(out, kind, &bytes, limits)
}

pub(crate) fn write_raw(
    out: &mut dyn Write,
    kind: Kind,
    bytes: &[u8],
    limits: Option<&Limits>,
) -> Result<(), FrameError> {
    let too_long = || FrameError::TooLong {
        kind: kind.name(),
        bytes: bytes.len() as u64,
        max: kind.max(limits),
    };
    if bytes.len() as u64 > kind.max(limits) {
        return Err(too_long());
    }
    let length = u32::try_from(bytes.len()).map_err(|_| too_long())?;
    let mut header = [0_u8; 5];
    let (size, tail) = header.split_at_mut(4);
    size.copy_from_slice(&length.to_le_bytes());
    tail.fill(kind as u8);
    out.write_all(&header)?;
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

fn read_raw(
    from: &mut dyn Read,
    limits: Option<&Limits>,
) -> Result<Option<(Kind, Vec<u8>)>, FrameError> {
    let mut header = [0_u8; 5];
    if !fill(from, &mut header)? {
        return Ok(None);
    }
    let [a, b, c, d, kind] = header;
    let kind = Kind::from_byte(kind).ok_or(FrameError::UnknownKind(kind))?;
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    let max = kind.max(limits);
    if length > max {
        return Err(FrameError::TooLong {
            kind: kind.name(),
            bytes: length,
            max,
        });
    }
    // Grows with the bytes that arrive, not with the length that was claimed; one piece of a file fits at once.
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0).min(FILE_BYTES_MAX));
    from.take(length).read_to_end(&mut bytes)?;
    if bytes.len() as u64 != length {
        return Err(FrameError::Cut);
    }
    Ok(Some((kind, bytes)))
}

/// Fills the header; false if the stream ended before its first byte.
fn fill(from: &mut dyn Read, header: &mut [u8; 5]) -> Result<bool, FrameError> {
    let mut got = 0;
    while let Some(rest) = header.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) if got == 0 => return Ok(false),
            Ok(0) => return Err(FrameError::Cut),
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
