//! A memory control group around one worker: wanted, and used where this process may make one.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use protocol::limits::Limits;

use crate::inside::data_bytes;

const ROOT: &str = "/sys/fs/cgroup";
/// Begins the name of a group; the number of its keeper's process and a count follow.
const PREFIX: &str = "strongroom-worker-";
/// Code, stacks and kernel memory on top of what the worker may take itself.
const HEADROOM_MIB: u64 = 256;

/// A group that is removed when dropped.
#[derive(Debug)]
pub(crate) struct Group {
    path: PathBuf,
    version: Version,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Group {
    /// Makes a group with a memory limit, for one process that is yet to start.
    pub(crate) fn make(limits: &Limits) -> io::Result<Self> {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let (base, version) = bases(&own)
            .into_iter()
            .find(|(base, version)| is_usable(base, *version))
            .ok_or_else(|| io::Error::from_raw_os_error(libc::EACCES))?;
        sweep(&base, Path::new("/proc"));
        let (keeper, count) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let path = base.join(format!("{PREFIX}{keeper}-{count}"));
        // Left by a killed keeper that had this number; the kernel refuses if a process is in it.
        let _ = fs::remove_dir(&path);
        fs::create_dir(&path)?;
        let group = Self { path, version };
        group.limit(limits)?;
        Ok(group)
    }

    /// The file through which a process with one thread steps into the group by itself, where there is one.
    /// To move another process the kernel stops every fork and exit on the machine for a grace period: 13 ms
    /// here, a third of a worker's start, against 0.05 ms for this.
    pub(crate) fn door(&self) -> Option<File> {
        match self.version {
            Version::One => {
                let tasks = File::options().write(true).open(self.path.join("tasks"));
                tasks.ok()
            }
            Version::Two => None,
        }
    }

    /// Puts the process into the group, unless it stepped in by itself, and proves that it is there.
    pub(crate) fn take_in(self, pid: u32) -> io::Result<Self> {
        let members = self.path.join("cgroup.procs");
        let is_in = || -> io::Result<bool> {
            let all = fs::read_to_string(&members)?;
            Ok(all.lines().any(|line| line.parse() == Ok(pid)))
        };
        if !is_in()? {
            fs::write(&members, pid.to_string())?;
            if !is_in()? {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
        }
        Ok(self)
    }

    fn limit(&self, limits: &Limits) -> io::Result<()> {
        let mib = (data_bytes(limits) >> 20) + u64::from(limits.scratch_mib) + HEADROOM_MIB;
        let bytes = (mib << 20).to_string();
        match self.version {
            Version::One => {
                fs::write(self.path.join("memory.limit_in_bytes"), &bytes)?;
                // There only where the kernel accounts for swap.
                let _ = fs::write(self.path.join("memory.memsw.limit_in_bytes"), &bytes);
            }
            Version::Two => {
                fs::write(self.path.join("memory.max"), &bytes)?;
                let _ = fs::write(self.path.join("memory.swap.max"), "0");
                let _ = fs::write(self.path.join("memory.oom.group"), "1");
            }
        }
        Ok(())
    }

    /// What the posture says of it.
    pub(crate) fn detail(&self) -> String {
        match self.version {
            Version::One => "cgroup v1".into(),
            Version::Two => "cgroup v2".into(),
        }
    }

    /// Kills counted by the kernel for lack of memory in this group.
    pub(crate) fn out_of_memory_kills(&self) -> u64 {
        let file = match self.version {
            Version::One => "memory.oom_control",
            Version::Two => "memory.events",
        };
        fs::read_to_string(self.path.join(file)).map_or(0, |text| {
            text.lines()
                .filter_map(|line| line.strip_prefix("oom_kill "))
                .find_map(|count| count.trim().parse().ok())
                .unwrap_or(0)
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A killed worker leaves its group a moment after its death.
        for _ in 0..100 {
            match fs::remove_dir(&self.path) {
                Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                    thread::sleep(Duration::from_millis(10));
                }
                Ok(()) | Err(_) => return,
            }
        }
    }
}

/// Removes the groups that keepers which were killed left behind: those whose keeper is gone.
fn sweep(base: &Path, processes: &Path) {
    for entry in fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let numbers = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        let pid = numbers.map(|numbers| numbers.split('-').next().unwrap_or_default());
        if pid.is_some_and(|pid| pid.parse::<u32>().is_ok() && !processes.join(pid).exists()) {
            // Refused by the kernel while any process is in it.
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// Where a group could be made: below the own group, or beside it where it is a leaf of a delegated tree.
fn bases(own: &str) -> Vec<(PathBuf, Version)> {
    let mut bases = Vec::new();
    for line in own.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) =
            (parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let path = path.trim_start_matches('/');
        if controllers.split(',').any(|name| name == "memory") {
            bases.push((Path::new(ROOT).join("memory").join(path), Version::One));
        }
        if number == "0" && controllers.is_empty() {
            let own = Path::new(ROOT).join(path);
            if let Some(parent) = own.parent().filter(|_| !path.is_empty()) {
                bases.push((parent.to_owned(), Version::Two));
            }
            bases.push((own, Version::Two));
        }
    }
    bases
}

fn is_usable(base: &Path, version: Version) -> bool {
    match version {
        Version::One => base.join("memory.limit_in_bytes").exists(),
        Version::Two => {
            let enabled = base.join("cgroup.subtree_control");
            let has = |text: String| text.split_whitespace().any(|name| name == "memory");
            fs::read_to_string(&enabled).is_ok_and(has) || fs::write(&enabled, "+memory").is_ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_looked_for_where_they_may_be_made() {
        let one = "4:memory:/a/b\n3:cpuset:/\n0::/\n";
        assert_eq!(
            bases(one),
            [
                (PathBuf::from("/sys/fs/cgroup/memory/a/b"), Version::One),
                (PathBuf::from("/sys/fs/cgroup/"), Version::Two),
            ]
        );
        let two = "0::/system.slice/strongroom.service/keeper\n";
        assert_eq!(
            bases(two).first(),
            Some(&(
                PathBuf::from("/sys/fs/cgroup/system.slice/strongroom.service"),
                Version::Two
            ))
        );
        assert_eq!(bases("nonsense"), []);
    }

    #[test]
    fn what_killed_keepers_left_is_swept() {
        let base = tempfile::tempdir().unwrap();
        let processes = tempfile::tempdir().unwrap();
        for name in [
            "strongroom-worker-7-0",
            "strongroom-worker-7-12",
            "strongroom-worker-8-0",
            "strongroom-worker-x",
            "other",
        ] {
            fs::create_dir(base.path().join(name)).unwrap();
        }
        fs::create_dir(processes.path().join("8")).unwrap();
        sweep(base.path(), processes.path());
        let mut left: Vec<_> = fs::read_dir(base.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(
            left,
            ["other", "strongroom-worker-8-0", "strongroom-worker-x"]
        );
    }
}
