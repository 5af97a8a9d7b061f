//! What a step costs: CPU and memory of this process, the keeper and its workers, from /proc.

/// Clock ticks a second, as /proc counts CPU time on Linux.
const TICKS: f64 = 100.0;

/// CPU seconds of a process and of the children it has waited for.
pub(crate) fn cpu_s(pid: &str) -> f64 {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return 0.0;
    };
    // The name in parentheses may hold spaces.
    let Some((_, rest)) = stat.rsplit_once(')') else {
        return 0.0;
    };
    let ticks: u64 = rest
        .split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    u32::try_from(ticks).map_or(0.0, f64::from) / TICKS
}

/// Lets the peak of a process count from now on. Where the kernel refuses, it goes on from its start.
pub(crate) fn forget_peak(pid: &str) {
    let _ = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
}

/// Peak resident memory of a process, in MB.
pub(crate) fn peak_mb(pid: &str) -> f64 {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/status")) else {
        return 0.0;
    };
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|kib| kib.trim().parse::<u32>().ok())
        .map_or(0.0, |kib| f64::from(kib) * 1024.0 / 1e6)
}
