//! Calls that a sealed worker makes to try its own walls.

use std::io;
use std::mem::zeroed;
use std::ptr::null_mut;

use libc::{c_int, c_long};

use super::check;

/// A raw system call for the attacks that a worker makes on its own walls.
pub(crate) fn attempt(number: c_long, arguments: [u64; 6]) -> io::Result<i64> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the attacks pass numbers, null, or pointers to constants that outlive the call; none
    // maps over memory in use.
    check(unsafe { libc::syscall(number, a, b, c, d, e, f) })
}

/// Maps memory that is private or shared, with the given protection, and gives it back.
pub(crate) fn try_map(bytes: usize, kind: c_int, protection: c_int) -> io::Result<()> {
    // SAFETY: a new mapping at a place that the kernel chooses.
    let at = unsafe {
        libc::mmap(
            null_mut(),
            bytes,
            protection,
            kind | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if at == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the mapping made above, which nothing uses.
    check(unsafe { libc::munmap(at, bytes) }).map(drop)
}

/// Makes a page of own data executable, if allowed, and puts it back.
pub(crate) fn try_make_executable() -> io::Result<()> {
    // SAFETY: a new mapping at a place that the kernel chooses; protection changes of it alone.
    unsafe {
        let page = libc::mmap(
            null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let answer = check(libc::mprotect(
            page,
            4096,
            libc::PROT_READ | libc::PROT_EXEC,
        ));
        libc::munmap(page, 4096);
        answer.map(drop)
    }
}

/// The host name that this process sees.
pub(crate) fn host_name() -> io::Result<String> {
    // SAFETY: `utsname` is plain bytes, for which zero is a value.
    let mut names: libc::utsname = unsafe { zeroed() };
    // SAFETY: a valid place for the answer.
    check(unsafe { libc::uname(&raw mut names) })?;
    let bytes: Vec<u8> = names
        .nodename
        .iter()
        .take_while(|byte| **byte != 0)
        .map(|byte| *byte as u8)
        .collect();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
