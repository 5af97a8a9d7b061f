//! System calls in a safe form. Every function here checks what the kernel answers.

mod mounts;
mod passing;
mod probes;
mod processes;

use std::ffi::{CStr, CString};
use std::io;
use std::mem::zeroed;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null;

use libc::{c_int, c_uint, c_ulong};

pub(crate) use mounts::{
    create_below, detached_bind, detached_tmpfs, make_read_only, mount, move_mount, pivot_here,
};
pub(crate) use passing::{receive_fds, send_fds};
pub(crate) use probes::{attempt, host_name, try_make_executable, try_map};
pub(crate) use processes::{
    Ended, Forked, Seen, exit_now, fork, pidfd_kill, pidfd_open, pipe, prefer_huge_pages, used,
    wait_child, wait_for,
};

/// Turns a kernel answer into a result.
pub(crate) fn check(answer: impl Into<i64>) -> io::Result<i64> {
    match answer.into() {
        negative if negative < 0 => Err(io::Error::last_os_error()),
        fine => Ok(fine),
    }
}

/// The name of an error number, such as `EPERM`, for reports.
pub(crate) fn errno_name(error: &io::Error) -> String {
    let name = match error.raw_os_error() {
        Some(libc::EPERM) => "EPERM",
        Some(libc::ENOENT) => "ENOENT",
        Some(libc::ESRCH) => "ESRCH",
        Some(libc::EACCES) => "EACCES",
        Some(libc::EAGAIN) => "EAGAIN",
        Some(libc::ENOMEM) => "ENOMEM",
        Some(libc::EBUSY) => "EBUSY",
        Some(libc::EEXIST) => "EEXIST",
        Some(libc::EXDEV) => "EXDEV",
        Some(libc::EINVAL) => "EINVAL",
        Some(libc::EMFILE) => "EMFILE",
        Some(libc::EFBIG) => "EFBIG",
        Some(libc::ENOSPC) => "ENOSPC",
        Some(libc::EROFS) => "EROFS",
        Some(libc::ENOSYS) => "ENOSYS",
        Some(libc::EOPNOTSUPP) => "EOPNOTSUPP",
        Some(libc::EUSERS) => "EUSERS",
        Some(libc::EFAULT) => "EFAULT",
        Some(libc::EBADF) => "EBADF",
        Some(number) => return format!("errno {number}"),
        None => return error.kind().to_string(),
    };
    name.to_owned()
}

fn path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
}

fn own(fd: i64) -> io::Result<OwnedFd> {
    let fd = RawFd::try_from(fd).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
    // SAFETY: the kernel has just made this descriptor for the caller, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Takes the socket that the keeper put at descriptor 3, and closes every later descriptor.
pub(crate) fn take_socket() -> io::Result<OwnedFd> {
    let mut status: libc::stat = zeroed_stat();
    // SAFETY: `status` is a valid place for the answer.
    check(unsafe { libc::fstat(protocol::SOCKET_FD, &raw mut status) })?;
    if status.st_mode & libc::S_IFMT != libc::S_IFSOCK {
        return Err(io::Error::from_raw_os_error(libc::ENOTSOCK));
    }
    close_after_socket()?;
    own(i64::from(protocol::SOCKET_FD))
}

/// Whether a descriptor is open and is not a copy of the socket.
pub(crate) fn is_other_file(fd: RawFd) -> bool {
    let mut socket = zeroed_stat();
    let mut other = zeroed_stat();
    // SAFETY: two valid places for the answers; a descriptor that is not open is an error.
    let (known, open) = unsafe {
        (
            libc::fstat(protocol::SOCKET_FD, &raw mut socket),
            libc::fstat(fd, &raw mut other),
        )
    };
    let same = (socket.st_dev, socket.st_ino) == (other.st_dev, other.st_ino);
    open == 0 && (known != 0 || !same)
}

fn zeroed_stat() -> libc::stat {
    // SAFETY: `stat` is plain numbers, for which zero is a value.
    unsafe { zeroed() }
}

/// Closes every descriptor after the socket. Only while nothing that is still used owns one.
pub(crate) fn close_after_socket() -> io::Result<()> {
    // SAFETY: plain numbers. The caller holds no descriptor above the socket.
    check(unsafe { libc::syscall(libc::SYS_close_range, 4 as c_uint, c_uint::MAX, 0 as c_uint) })?;
    Ok(())
}

/// In a child before exec: puts `socket` at descriptor 3 and lets no other survive exec.
/// Async-signal-safe: system calls only.
pub(crate) fn place_socket(socket: RawFd) -> io::Result<()> {
    // SAFETY: plain numbers; these calls are allowed between fork and exec.
    unsafe {
        check(libc::dup2(socket, protocol::SOCKET_FD))?;
        check(libc::fcntl(protocol::SOCKET_FD, libc::F_SETFD, 0))?;
        // CLOSE_RANGE_CLOEXEC: std still needs its own pipe until exec.
        check(libc::syscall(
            libc::SYS_close_range,
            4 as c_uint,
            c_uint::MAX,
            4 as c_uint,
        ))?;
    }
    Ok(())
}

/// Lets a command run [`place_socket`] between fork and exec.
pub(crate) fn hand_socket(command: &mut std::process::Command, socket: RawFd) {
    use std::os::unix::process::CommandExt;
    // SAFETY: the closure makes system calls only and allocates nothing.
    unsafe {
        command.pre_exec(move || place_socket(socket));
    }
}

/// Lets a command step into a control group between fork and exec. Whether it did is seen from outside.
pub(crate) fn step_into(command: &mut std::process::Command, tasks: RawFd) {
    use std::os::unix::process::CommandExt;
    // SAFETY: the closure makes one system call over a static byte and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            libc::write(tasks, b"0".as_ptr().cast(), 1);
            Ok(())
        });
    }
}

pub(crate) fn euid() -> u32 {
    // SAFETY: cannot fail.
    unsafe { libc::geteuid() }
}

pub(crate) fn egid() -> u32 {
    // SAFETY: cannot fail.
    unsafe { libc::getegid() }
}

pub(crate) fn getpid() -> i32 {
    // SAFETY: cannot fail.
    unsafe { libc::getpid() }
}

pub(crate) fn getppid() -> i32 {
    // SAFETY: cannot fail.
    unsafe { libc::getppid() }
}

/// Becomes user and group `id` for good, without any other group.
pub(crate) fn become_user(id: u32) -> io::Result<()> {
    // SAFETY: plain numbers and an empty list.
    unsafe {
        check(libc::setgroups(0, null()))?;
        check(libc::setresgid(id, id, id))?;
        check(libc::setresuid(id, id, id))?;
    }
    // The change of user made /proc/self root's own; the id maps must be written once more.
    set_dumpable(1)
}

pub(crate) fn set_dumpable(value: c_ulong) -> io::Result<()> {
    prctl(libc::PR_SET_DUMPABLE, value).map(drop)
}

pub(crate) fn prctl(option: c_int, value: c_ulong) -> io::Result<i64> {
    // SAFETY: the options used here take numbers only.
    check(unsafe { libc::prctl(option, value, 0, 0, 0) })
}

pub(crate) fn unshare(flags: c_int) -> io::Result<()> {
    // SAFETY: a number.
    check(unsafe { libc::unshare(flags) }).map(drop)
}

pub(crate) fn set_host_name(name: &CStr) -> io::Result<()> {
    let length = name.to_bytes().len();
    // SAFETY: the length is that of the string.
    unsafe {
        check(libc::sethostname(name.as_ptr(), length))?;
        check(libc::setdomainname(name.as_ptr(), length))?;
    }
    Ok(())
}

/// Gives up every capability in every set, for this process and what it might run.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    prctl(
        libc::PR_CAP_AMBIENT,
        libc::PR_CAP_AMBIENT_CLEAR_ALL as c_ulong,
    )?;
    for capability in 0..64 {
        match prctl(libc::PR_CAPBSET_DROP, capability) {
            Ok(_) => {}
            // Beyond the last capability of this kernel.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => break,
            Err(error) => return Err(error),
        }
    }
    let header: [u32; 2] = [0x2008_0522, 0];
    let none = [0_u32; 6];
    // SAFETY: version 3 takes an 8-byte header and two 12-byte sets, which live through the call.
    check(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) })?;
    if capabilities()? != 0 {
        return Err(io::Error::other("capabilities remain"));
    }
    Ok(())
}

/// All capabilities of this process, of every set, as one number that is 0 without any.
pub(crate) fn capabilities() -> io::Result<u64> {
    let mut header: [u32; 2] = [0x2008_0522, 0];
    let mut sets = [0_u32; 6];
    // SAFETY: version 3 takes an 8-byte header and two 12-byte sets, which live through the call.
    check(unsafe { libc::syscall(libc::SYS_capget, header.as_mut_ptr(), sets.as_mut_ptr()) })?;
    Ok(sets.iter().fold(0, |all, set| all | u64::from(*set)))
}

/// Sets both the soft and the hard limit, where the hard one is not lower already.
pub(crate) fn set_limit(resource: libc::__rlimit_resource_t, most: u64) -> io::Result<()> {
    let (_, hard) = limit(resource)?;
    let value = most.min(hard);
    let limit = libc::rlimit {
        rlim_cur: value,
        rlim_max: value,
    };
    // SAFETY: the structure lives through the call.
    check(unsafe { libc::setrlimit(resource, &raw const limit) }).map(drop)
}

/// The soft and the hard limit.
pub(crate) fn limit(resource: libc::__rlimit_resource_t) -> io::Result<(u64, u64)> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a valid place for the answer.
    check(unsafe { libc::getrlimit(resource, &raw mut limit) })?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

/// The Landlock version of this kernel.
pub(crate) fn landlock_abi() -> io::Result<i64> {
    // SAFETY: asks for the version only: no structure, size 0, flag 1.
    check(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            null::<u8>(),
            0_usize,
            1 as c_uint,
        )
    })
}

/// Clears the personality: one bit of it would make all readable memory executable.
pub(crate) fn clear_personality() -> io::Result<()> {
    // SAFETY: a number.
    check(unsafe { libc::personality(0) }).map(drop)
}

/// Sets a variable of the environment. Only while the process has one thread.
pub(crate) fn set_env(name: &CStr, value: &CStr) -> io::Result<()> {
    // SAFETY: two C strings, which are copied; no other thread reads the environment.
    check(unsafe { libc::setenv(name.as_ptr(), value.as_ptr(), 1) }).map(drop)
}
