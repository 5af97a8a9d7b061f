//! Namespaces and mounts: a user id, a world of its own, `/in` and `/spill`.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libc::c_int;
use protocol::frame::{InputPlan, Setup, Up, write_up};
use protocol::limits::Limits;
use protocol::posture::Layer;

use super::walls::Walls;
use super::{SealError, raw};
use crate::sys;

/// First of the user ids that no account uses; the worker's process number is added.
const FIRST_UID: u32 = 0x7000_0000;
/// What the worker is inside its user namespace: nobody in particular, and not root.
const INSIDE_ID: u32 = 1000;
/// Most files in the scratch space.
pub(super) const SCRATCH_FILES: u32 = 4096;

const SETTLE_TRIES: u32 = 200;
const SETTLE_WAIT: Duration = Duration::from_millis(10);

const USERNS_REMEDY: &str = "allow user namespaces (sysctl user.max_user_namespaces above 0, and kernel.apparmor_restrict_unprivileged_userns=0 where that exists) or start the keeper as root";
const KERNEL_REMEDY: &str =
    "use a Linux 6.7 or later kernel with namespaces, outside a container that blocks them";

/// The mounts that are made but not in place.
pub(super) struct Worlds {
    inputs: OwnedFd,
    spill: OwnedFd,
    binds: Vec<(String, OwnedFd)>,
}

/// Whether the mounts are made before the worker gives up root.
enum Moment {
    AsRoot { uid: u32 },
    Inside,
}

impl Worlds {
    /// Takes a user id, a user and a mount namespace, and makes the mounts. Root makes them before it
    /// becomes somebody else: only then they can be kept from swap and own files of root be bound.
    pub(super) fn open(setup: &Setup, walls: &mut Walls) -> Result<Self, SealError> {
        let uid = free_uid();
        let swap = swap_is_on();
        let early = uid.and_then(|uid| Self::make(setup, &Moment::AsRoot { uid }).ok());
        match (&early, swap) {
            (Some(_), _) => walls
                .posture
                .present(Layer::NoSwap, "mounts are never swapped"),
            (None, Swap::Off) => walls
                .posture
                .present(Layer::NoSwap, "this machine has no swap"),
            (None, Swap::On) => walls.lacks(
                Layer::NoSwap,
                "only root may keep a mount from swap".into(),
                "turn swap off, encrypt it, or start the keeper as root",
            )?,
        }
        walls.raise(
            Layer::SeparateUser,
            "start the keeper as root",
            || match uid {
                Some(uid) => sys::become_user(uid).map(|()| format!("user id {uid}")),
                None => Err(io::Error::other(
                    "the worker was not started by root, so it shares its user id",
                )),
            },
        )?;
        walls.raise(Layer::UserNamespace, USERNS_REMEDY, enter_user_namespace)?;
        let mut made = early;
        walls.raise(Layer::MountNamespace, USERNS_REMEDY, || {
            let seen = enter("mnt", libc::CLONE_NEWNS)?;
            if made.is_none() {
                made = Some(Self::make(setup, &Moment::Inside)?);
            }
            Ok(seen)
        })?;
        let made = made.ok_or_else(|| io::Error::other("no mounts were made"))?;
        Ok(made)
    }

    fn make(setup: &Setup, moment: &Moment) -> io::Result<Self> {
        let megabytes = u64::from(setup.limits.scratch_mib);
        let size = CString::new(format!("{megabytes}m"))?;
        let files = CString::new(SCRATCH_FILES.to_string())?;
        let caps = [(c"size", size.as_c_str()), (c"nr_inodes", files.as_c_str())];
        let (inputs, spill) = match moment {
            Moment::AsRoot { uid } => {
                let id = CString::new(uid.to_string())?;
                let owner = [(c"uid", id.as_c_str()), (c"gid", id.as_c_str())];
                let inputs: Vec<_> = owner.iter().chain(&[(c"mode", c"755")]).copied().collect();
                let spill: Vec<_> = caps
                    .iter()
                    .chain(&owner)
                    .chain(&[(c"mode", c"700")])
                    .copied()
                    .collect();
                (
                    sys::detached_tmpfs(&inputs, &[c"noswap"])?,
                    sys::detached_tmpfs(&spill, &[c"noswap"])?,
                )
            }
            Moment::Inside => {
                let spill: Vec<_> = caps.iter().chain(&[(c"mode", c"700")]).copied().collect();
                (
                    sys::detached_tmpfs(&[(c"mode", c"755")], &[])?,
                    sys::detached_tmpfs(&spill, &[])?,
                )
            }
        };
        let mut binds = Vec::new();
        for plan in &setup.inputs {
            match plan {
                InputPlan::Stream { .. } => {}
                // One that cannot be bound is copied: the keeper is asked for its bytes.
                InputPlan::Bind { name, path } => {
                    if let Ok(bind) = bind(path) {
                        binds.push((name.clone(), bind));
                    }
                }
            }
        }
        Ok(Self {
            inputs,
            spill,
            binds,
        })
    }

    /// Makes the input files, and hands those that the keeper is to write to it.
    pub(super) fn fill(&self, setup: &Setup, socket: &mut File) -> Result<(), SealError> {
        let mut wanted = Vec::new();
        let mut files = Vec::new();
        for plan in &setup.inputs {
            let file = sys::create_below(self.inputs.as_fd(), plan.name())?;
            if !self.binds.iter().any(|(name, _)| name == plan.name()) {
                wanted.push(plan.name().to_owned());
                files.push(file);
            }
        }
        write_up(socket, &Up::MountReady { wanted }, &setup.limits)?;
        if !files.is_empty() {
            sys::send_fds(socket.as_fd(), &raw(&files))?;
        }
        Ok(())
    }

    /// Closes the world: inputs read-only, the remaining namespaces, the new root.
    pub(super) fn close(self, limits: &Limits, walls: &mut Walls) -> Result<(), SealError> {
        for (layer, name, flag) in [
            (Layer::PidNamespace, "pid_for_children", libc::CLONE_NEWPID),
            (Layer::NetworkNamespace, "net", libc::CLONE_NEWNET),
            (Layer::IpcNamespace, "ipc", libc::CLONE_NEWIPC),
            (Layer::UtsNamespace, "uts", libc::CLONE_NEWUTS),
            (Layer::CgroupNamespace, "cgroup", libc::CLONE_NEWCGROUP),
        ] {
            walls.raise(layer, KERNEL_REMEDY, || {
                let seen = enter(name, flag)?;
                if layer == Layer::UtsNamespace {
                    sys::set_host_name(c"worker")?;
                }
                Ok(seen)
            })?;
        }
        walls.raise(Layer::ReadOnlyInputs, KERNEL_REMEDY, || {
            settle(|| sys::make_read_only(self.inputs.as_fd()))?;
            Ok(format!("detached mount, {} bound", self.binds.len()))
        })?;
        let base = base()?;
        walls.raise(Layer::EmptyRoot, KERNEL_REMEDY, || {
            self.furnish(&base)?;
            std::env::set_current_dir(&base)?;
            sys::pivot_here()?;
            let flags = libc::MS_REMOUNT
                | libc::MS_BIND
                | libc::MS_RDONLY
                | libc::MS_NOSUID
                | libc::MS_NODEV
                | libc::MS_NOEXEC;
            sys::mount(c"", Path::new("/"), c"", flags, c"")?;
            only_rooms()
        })?;
        walls.raise(Layer::Scratch, KERNEL_REMEDY, || {
            fs::metadata(protocol::SCRATCH)?;
            Ok(format!("{} MiB, {SCRATCH_FILES} files", limits.scratch_mib))
        })?;
        Ok(())
    }

    fn furnish(&self, base: &Path) -> io::Result<()> {
        let flags = libc::MS_REC | libc::MS_PRIVATE;
        sys::mount(c"", Path::new("/"), c"", flags, c"")?;
        let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC;
        sys::mount(
            c"tmpfs",
            base,
            c"tmpfs",
            flags,
            c"size=64k,nr_inodes=16,mode=755",
        )?;
        for (room, mount) in [
            (protocol::INPUTS, &self.inputs),
            (protocol::SCRATCH, &self.spill),
        ] {
            let at = below(base, room);
            fs::create_dir(&at)?;
            // The mask of the process may have taken rights away.
            fs::set_permissions(&at, fs::Permissions::from_mode(0o755))?;
            sys::move_mount(mount.as_fd(), &at)?;
        }
        for (name, mount) in &self.binds {
            sys::make_read_only(mount.as_fd())?;
            sys::move_mount(mount.as_fd(), &below(base, protocol::INPUTS).join(name))?;
        }
        Ok(())
    }
}

/// Waits for the last writer: a process that the keeper is just starting holds copies of its
/// descriptors until it runs its program.
fn settle(step: impl Fn() -> io::Result<()>) -> io::Result<()> {
    for _ in 0..SETTLE_TRIES {
        match step() {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                std::thread::sleep(SETTLE_WAIT);
            }
            other => return other,
        }
    }
    step()
}

fn below(base: &Path, room: &str) -> PathBuf {
    base.join(room.trim_start_matches('/'))
}

/// A folder to build the new root on. It is covered in this mount namespace only.
fn base() -> io::Result<PathBuf> {
    ["/tmp", "/run", "/var", "/usr"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| path.is_dir())
        .ok_or_else(|| io::Error::from_raw_os_error(libc::ENOENT))
}

/// The root must hold the two rooms and nothing else.
fn only_rooms() -> io::Result<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir("/")? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    if names == ["in", "spill"] {
        Ok("/in and /spill, nothing else".into())
    } else {
        Err(io::Error::other("the new root holds more than its rooms"))
    }
}

fn bind(path: &Path) -> io::Result<OwnedFd> {
    let metadata = fs::metadata(path)?;
    // Root becomes somebody else before the file is opened again: only what all may read can be bound.
    let readable = sys::euid() != 0 || metadata.permissions().mode() & 0o004 != 0;
    if !metadata.is_file() || !readable {
        return Err(io::Error::from_raw_os_error(libc::EACCES));
    }
    sys::detached_bind(path)
}

/// A user id that nothing else uses, where this process is root and may take it.
fn free_uid() -> Option<u32> {
    if sys::euid() != 0 {
        return None;
    }
    let uid = FIRST_UID.saturating_add(u32::try_from(sys::getpid()).ok()?);
    // Inside a user namespace that maps few ids there is none to take.
    let maps = [
        fs::read_to_string("/proc/self/uid_map").ok()?,
        fs::read_to_string("/proc/self/gid_map").ok()?,
    ];
    maps.iter().all(|map| covers(map, uid)).then_some(uid)
}

fn covers(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let numbers: Vec<u64> = line
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        match numbers.as_slice() {
            [first, _, count] => {
                let id = u64::from(id);
                id >= *first && id - first < *count
            }
            _ => false,
        }
    })
}

enum Swap {
    On,
    Off,
}

fn swap_is_on() -> Swap {
    match fs::read_to_string("/proc/swaps") {
        Ok(text) if text.lines().count() <= 1 => Swap::Off,
        // Not knowing counts as on.
        Ok(_) | Err(_) => Swap::On,
    }
}

fn enter_user_namespace() -> io::Result<String> {
    let (uid, gid) = (sys::euid(), sys::egid());
    let seen = enter("user", libc::CLONE_NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{INSIDE_ID} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{INSIDE_ID} {gid} 1"))?;
    Ok(seen)
}

/// Enters a new namespace and proves by its number that it is new.
fn enter(name: &str, flag: c_int) -> io::Result<String> {
    let link = format!("/proc/self/ns/{name}");
    // `pid_for_children` cannot be read again before the first child; its call must suffice then.
    let before = fs::read_link(&link).ok();
    sys::unshare(flag)?;
    let after = fs::read_link(&link).ok();
    match (before, after) {
        (Some(before), Some(after)) if before == after => {
            Err(io::Error::other("the namespace is still that of the host"))
        }
        (Some(_) | None, Some(after)) => Ok(after.to_string_lossy().into_owned()),
        (Some(_) | None, None) => Ok("new".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn id_maps_are_read() {
        assert!(covers("         0          0 4294967295\n", 0x7000_0001));
        assert!(!covers("         0     100000      65536\n", 0x7000_0001));
        assert!(!covers("0 1000 1\n", 1));
        assert!(covers("0 1000 1\n1 100000 65536\n", 1));
        assert!(!covers("nonsense", 0));
    }
}
