//! Mounts that have no place until they are given one.

use std::ffi::CStr;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::ptr::null;

use libc::{c_char, c_int, c_uint, c_ulong};

use super::{check, own, path};

/// The empty path: the descriptor beside it is meant.
const EMPTY: &CStr = c"";
/// `FSOPEN_CLOEXEC`, `FSMOUNT_CLOEXEC`.
const MOUNT_FD_CLOEXEC: c_uint = 1;
const FSCONFIG_SET_FLAG: c_uint = 0;
const FSCONFIG_SET_STRING: c_uint = 1;
const FSCONFIG_CMD_CREATE: c_uint = 6;
const OPEN_TREE_CLONE: c_uint = 1;
const MOVE_MOUNT_F_EMPTY_PATH: c_uint = 4;
const MOUNT_ATTR_RDONLY: u64 = 1;
const MOUNT_ATTR_NOSUID: u64 = 2;
const MOUNT_ATTR_NODEV: u64 = 4;
const MOUNT_ATTR_NOEXEC: u64 = 8;

#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns: u64,
}

pub(crate) fn mount(
    source: &CStr,
    target: &Path,
    kind: &CStr,
    flags: c_ulong,
    data: &CStr,
) -> io::Result<()> {
    let target = path(target)?;
    // SAFETY: five arguments that live through the call.
    check(unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            flags,
            data.as_ptr().cast(),
        )
    })
    .map(drop)
}

/// A new tmpfs that is mounted nowhere yet.
pub(crate) fn detached_tmpfs(options: &[(&CStr, &CStr)], flags: &[&CStr]) -> io::Result<OwnedFd> {
    // SAFETY: a C string and a number.
    let context = own(check(unsafe {
        libc::syscall(libc::SYS_fsopen, c"tmpfs".as_ptr(), MOUNT_FD_CLOEXEC)
    })?)?;
    let config = |command: c_uint, key: *const c_char, value: *const c_char| {
        // SAFETY: `key` and `value` are null or C strings that live through the call.
        check(unsafe {
            libc::syscall(
                libc::SYS_fsconfig,
                context.as_raw_fd(),
                command,
                key,
                value,
                0 as c_int,
            )
        })
    };
    for (key, value) in options {
        config(FSCONFIG_SET_STRING, key.as_ptr(), value.as_ptr())?;
    }
    for flag in flags {
        config(FSCONFIG_SET_FLAG, flag.as_ptr(), null())?;
    }
    config(FSCONFIG_CMD_CREATE, null(), null())?;
    let attributes = (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC) as c_uint;
    // SAFETY: a descriptor and numbers.
    own(check(unsafe {
        libc::syscall(
            libc::SYS_fsmount,
            context.as_raw_fd(),
            MOUNT_FD_CLOEXEC,
            attributes,
        )
    })?)
}

/// A detached copy of the mount below one path: a bind that has no place yet.
pub(crate) fn detached_bind(source: &Path) -> io::Result<OwnedFd> {
    let source = path(source)?;
    let flags = OPEN_TREE_CLONE | libc::O_CLOEXEC as c_uint;
    // SAFETY: a C string that lives through the call and numbers.
    own(check(unsafe {
        libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, source.as_ptr(), flags)
    })?)
}

/// Makes a detached mount read-only, without set-id programs, devices and execution.
pub(crate) fn make_read_only(mount: BorrowedFd<'_>) -> io::Result<()> {
    let attributes = MountAttr {
        set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
        clear: 0,
        propagation: 0,
        userns: 0,
    };
    // SAFETY: the structure lives through the call and its size goes with it.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            EMPTY.as_ptr(),
            libc::AT_EMPTY_PATH as c_uint,
            &raw const attributes,
            size_of::<MountAttr>(),
        )
    })
    .map(drop)
}

/// Gives a detached mount its place.
pub(crate) fn move_mount(mount: BorrowedFd<'_>, target: &Path) -> io::Result<()> {
    let target = path(target)?;
    // SAFETY: C strings that live through the call, a descriptor and numbers.
    check(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            mount.as_raw_fd(),
            EMPTY.as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH,
        )
    })
    .map(drop)
}

/// Makes a new, empty file below a mount and opens it for writing; everyone may read it.
pub(crate) fn create_below(mount: BorrowedFd<'_>, name: &str) -> io::Result<OwnedFd> {
    let name = path(Path::new(name))?;
    let flags = libc::O_CREAT | libc::O_EXCL | libc::O_WRONLY | libc::O_CLOEXEC | libc::O_NOFOLLOW;
    // SAFETY: a C string that lives through the call and numbers.
    let file = own(check(unsafe {
        libc::openat(mount.as_raw_fd(), name.as_ptr(), flags, 0o444 as c_uint)
    })?)?;
    // The mask of the process may have taken rights away.
    // SAFETY: an open descriptor and a number.
    check(unsafe { libc::fchmod(file.as_raw_fd(), 0o444) })?;
    Ok(file)
}

/// Makes the folder that is the working folder the root, and lets go of the old one.
pub(crate) fn pivot_here() -> io::Result<()> {
    let here = c".".as_ptr();
    // SAFETY: constant C strings.
    unsafe {
        check(libc::syscall(libc::SYS_pivot_root, here, here))?;
        // The old root lies on top of the new one now: this takes it away.
        check(libc::umount2(here, libc::MNT_DETACH))?;
        check(libc::chdir(c"/".as_ptr()))?;
    }
    Ok(())
}
