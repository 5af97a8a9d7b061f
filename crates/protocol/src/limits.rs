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
