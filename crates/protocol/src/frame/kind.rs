//! Kinds of frames and how long each may be.

use super::FILE_BYTES_MAX;
use crate::limits::Limits;

const SETUP_MAX: u64 = 1 << 20;
const ORDER_MAX: u64 = 16 << 20;
const SMALL_MAX: u64 = 256 << 10;
const REPORT_MAX: u64 = 64 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Setup = 1,
    Go = 2,
    Order = 3,
    Cancel = 4,
    Stop = 5,
    Open = 6,
    MountReady = 16,
    Ready = 17,
    Refused = 18,
    Progress = 19,
    Statement = 20,
    FileStart = 21,
    FileBytes = 22,
    FileEnd = 23,
    Report = 24,
    Failed = 25,
}

impl Kind {
    const ALL: [Self; 16] = [
        Self::Setup,
        Self::Go,
        Self::Order,
        Self::Cancel,
        Self::Stop,
        Self::Open,
        Self::MountReady,
        Self::Ready,
        Self::Refused,
        Self::Progress,
        Self::Statement,
        Self::FileStart,
        Self::FileBytes,
        Self::FileEnd,
        Self::Report,
        Self::Failed,
    ];

    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Go => "go",
            Self::Order => "order",
            Self::Cancel => "cancel",
            Self::Stop => "stop",
            Self::Open => "open",
            Self::MountReady => "mount_ready",
            Self::Ready => "ready",
            Self::Refused => "refused",
            Self::Progress => "progress",
            Self::Statement => "statement",
            Self::FileStart => "file_start",
            Self::FileBytes => "file_bytes",
            Self::FileEnd => "file_end",
            Self::Report => "report",
            Self::Failed => "failed",
        }
    }

    /// Most bytes of a frame of this kind under the job's limits.
    pub(super) fn max(self, limits: Option<&Limits>) -> u64 {
        match self {
            Self::Setup => SETUP_MAX,
            Self::Order => ORDER_MAX,
            Self::Go | Self::Cancel | Self::Stop => 0,
            // Cells take less than the JSON that they are counted as. Names and types of columns come on top.
            Self::Statement => limits.map_or(SMALL_MAX, |limits| {
                u64::from(limits.result_bytes) * 2 + SMALL_MAX
            }),
            Self::FileBytes => FILE_BYTES_MAX as u64,
            Self::Report => REPORT_MAX,
            Self::Open
            | Self::MountReady
            | Self::Ready
            | Self::Refused
            | Self::Progress
            | Self::FileStart
            | Self::FileEnd
            | Self::Failed => SMALL_MAX,
        }
    }
}
