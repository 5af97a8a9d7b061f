//! Limits of a job. Each has a name, and a refusal names it.

use serde::{Deserialize, Serialize};

/// Limits of one worker, from `policies/sandbox/*.toml`. All of them apply; none has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory that the engine may use, in MiB. The process may use about twice that and 256 MiB more.
    pub memory_mib: u32,
    /// Threads of the engine.
    pub threads: u32,
    /// Wall-clock time of one statement or of a whole job, in seconds.
    pub time_s: u32,
    /// CPU time of the worker, in seconds.
    pub cpu_s: u32,
    /// Scratch space, in MiB.
    pub scratch_mib: u32,
    /// Rows of one result.
    pub rows: u32,
    /// Columns of one result.
    pub columns: u32,
    /// Bytes of one cell.
    pub cell_bytes: u32,
    /// Bytes of one result.
    pub result_bytes: u32,
    /// Bytes of the statement text.
    pub statement_bytes: u32,
    /// Bytes of one file that the worker sends back, in MiB.
    pub file_mib: u32,
}

/// The limit that stopped a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Killed {
    /// More memory than allowed.
    Memory,
    /// Longer than allowed.
    Time,
    /// More CPU than allowed.
    Cpu,
    /// More scratch space than allowed.
    Disk,
}

impl From<Killed> for Limit {
    fn from(killed: Killed) -> Self {
        match killed {
            Killed::Memory => Self::MemoryMib,
            Killed::Time => Self::TimeS,
            Killed::Cpu => Self::CpuS,
            Killed::Disk => Self::ScratchMib,
        }
    }
}

/// The limit that a statement met, by its name in [`Limits`] and in `policies/sandbox/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// It needed more memory.
    MemoryMib,
    /// It took longer.
    TimeS,
    /// It took more CPU.
    CpuS,
    /// It needed more scratch space.
    ScratchMib,
    /// Its result is wider.
    Columns,
    /// A cell of its result is longer.
    CellBytes,
    /// Its result is larger.
    ResultBytes,
}

impl Limit {
    /// Every limit that can end a statement.
    pub const ALL: [Self; 7] = [
        Self::MemoryMib,
        Self::TimeS,
        Self::CpuS,
        Self::ScratchMib,
        Self::Columns,
        Self::CellBytes,
        Self::ResultBytes,
    ];

    /// The name that a policy file and a refusal use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MemoryMib => "memory_mib",
            Self::TimeS => "time_s",
            Self::CpuS => "cpu_s",
            Self::ScratchMib => "scratch_mib",
            Self::Columns => "columns",
            Self::CellBytes => "cell_bytes",
            Self::ResultBytes => "result_bytes",
        }
    }

    /// How far it goes.
    #[must_use]
    pub fn value(self, limits: &Limits) -> u32 {
        match self {
            Self::MemoryMib => limits.memory_mib,
            Self::TimeS => limits.time_s,
            Self::CpuS => limits.cpu_s,
            Self::ScratchMib => limits.scratch_mib,
            Self::Columns => limits.columns,
            Self::CellBytes => limits.cell_bytes,
            Self::ResultBytes => limits.result_bytes,
        }
    }

    /// What the author of the statement can do.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::MemoryMib => {
                "keep fewer rows or columns, and aggregate before you sort, join or collect"
            }
            Self::TimeS => {
                "try it on a sample (using sample 1%), filter before you join, and give every join a condition"
            }
            Self::CpuS => "run fewer statements at once, and try each on a sample first",
            Self::ScratchMib => {
                "keep fewer rows or columns before you sort or join, and drop temporary tables that you no longer need"
            }
            Self::Columns => "name the columns that you need instead of selecting all of them",
            Self::CellBytes => {
                "shorten the value (left(text, 100)), or unnest a list into rows instead of collecting one"
            }
            Self::ResultBytes => "select fewer or shorter columns",
        }
    }
}
