//! Starting, watching and ending processes.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr::null;
use std::time::Duration;

use libc::{c_int, c_uint};

use super::{check, own};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forked {
    Parent(i32),
    Child,
}

/// Forks. Only while the process has one thread.
pub(crate) fn fork() -> io::Result<Forked> {
    // SAFETY: the caller has one thread, so the child finds every lock free.
    match check(unsafe { libc::fork() })? {
        0 => Ok(Forked::Child),
        child => Ok(Forked::Parent(child as i32)),
    }
}

/// Ends the process at once, without destructors.
pub(crate) fn exit_now(code: i32) -> ! {
    // SAFETY: does not return.
    unsafe { libc::_exit(code) }
}

/// Advises the kernel to back a block with huge pages. Where it has none, nothing changes.
pub(crate) fn prefer_huge_pages(start: usize, size: usize) {
    const PAGE: usize = 4096;
    let first = start.next_multiple_of(PAGE);
    let bytes = (start + size).saturating_sub(first) / PAGE * PAGE;
    // SAFETY: advice about pages changes no byte of them.
    unsafe { libc::madvise(first as *mut libc::c_void, bytes, libc::MADV_HUGEPAGE) };
}

pub(crate) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: two places for two descriptors.
    check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) })?;
    let [read, write] = ends;
    Ok((own(i64::from(read))?, own(i64::from(write))?))
}

pub(crate) fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: numbers.
    own(check(unsafe {
        libc::syscall(libc::SYS_pidfd_open, pid, 0 as c_uint)
    })?)
}

pub(crate) fn pidfd_kill(pidfd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: a descriptor, a number and no further information.
    check(unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd.as_raw_fd(),
            libc::SIGKILL,
            null::<libc::siginfo_t>(),
            0 as c_uint,
        )
    })
    .map(drop)
}

/// What [`wait_for`] saw of each descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Nothing,
    Readable,
    HungUp,
}

/// Waits until `ready` can be read or the other end of `line` is gone.
pub(crate) fn wait_for(
    ready: Option<BorrowedFd<'_>>,
    line: BorrowedFd<'_>,
    timeout: Option<Duration>,
) -> io::Result<(Seen, Seen)> {
    let watch = |fd: RawFd, events| libc::pollfd {
        fd,
        events,
        revents: 0,
    };
    let mut fds = [
        // A negative descriptor is skipped.
        watch(ready.map_or(-1, |fd| fd.as_raw_fd()), libc::POLLIN),
        watch(line.as_raw_fd(), 0),
    ];
    let timeout = timeout.map_or(-1, |time| {
        c_int::try_from(time.as_millis()).unwrap_or(c_int::MAX)
    });
    loop {
        // SAFETY: an array with its length.
        match check(unsafe { libc::poll(fds.as_mut_ptr(), 2, timeout) }) {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let seen = |revents: i16| match revents {
        0 => Seen::Nothing,
        some if some & libc::POLLIN != 0 => Seen::Readable,
        _ => Seen::HungUp,
    };
    let [first, second] = fds;
    Ok((seen(first.revents), seen(second.revents)))
}

/// How a child ended, and what it and the children that it waited for used.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    pub(crate) exit: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) cpu: Duration,
    /// The most memory that was resident in one of them.
    pub(crate) peak_kib: u64,
}

/// What this process used so far: CPU time of all its threads, and the most resident memory in KiB.
pub(crate) fn used() -> io::Result<(Duration, u64)> {
    // SAFETY: `rusage` is plain numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { zeroed() };
    // SAFETY: a valid place for the answer.
    check(unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) })?;
    let cpu = span(usage.ru_utime) + span(usage.ru_stime);
    Ok((cpu, u64::try_from(usage.ru_maxrss).unwrap_or(0)))
}

fn span(time: libc::timeval) -> Duration {
    Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0))
        + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
}

pub(crate) fn wait_child(pid: i32) -> io::Result<Ended> {
    let mut status = 0;
    // SAFETY: `rusage` is plain numbers, for which zero is a value.
    let mut usage: libc::rusage = unsafe { zeroed() };
    loop {
        // SAFETY: two valid places for the answers.
        match check(unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) }) {
            Ok(_) => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Ended {
        exit: libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status)),
        signal: libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status)),
        cpu: span(usage.ru_utime) + span(usage.ru_stime),
        peak_kib: u64::try_from(usage.ru_maxrss).unwrap_or(0),
    })
}
