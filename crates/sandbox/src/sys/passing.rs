//! Passing descriptors over a socket.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_int, c_long, c_uint};

use super::check;

const CONTROL_WORDS: usize = 64;

/// Passes descriptors with one byte.
pub(crate) fn send_fds(socket: BorrowedFd<'_>, fds: &[RawFd]) -> io::Result<()> {
    let bytes = std::mem::size_of_val(fds);
    let mut control = [0_u64; CONTROL_WORDS];
    let mut byte = [0_u8; 1];
    let mut data = libc::iovec {
        iov_base: byte.as_mut_ptr().cast(),
        iov_len: 1,
    };
    let length = c_uint::try_from(bytes).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))?;
    // SAFETY: `msghdr` is plain numbers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut data;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: computes a size.
    let space = unsafe { libc::CMSG_SPACE(length) } as usize;
    if space > std::mem::size_of_val(&control) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    message.msg_controllen = space as _;
    // SAFETY: the control buffer is aligned and has room for one header with `length` bytes, as
    // checked above, so the first header exists and its data may be written.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(length) as _;
        std::ptr::copy_nonoverlapping(fds.as_ptr().cast::<u8>(), libc::CMSG_DATA(header), bytes);
        check(libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) as c_long)?;
    }
    Ok(())
}

/// Takes descriptors that came with one byte; each is closed on exec.
pub(crate) fn receive_fds(socket: BorrowedFd<'_>) -> io::Result<Vec<OwnedFd>> {
    let mut control = [0_u64; CONTROL_WORDS];
    let mut byte = [0_u8; 1];
    let mut data = libc::iovec {
        iov_base: byte.as_mut_ptr().cast(),
        iov_len: 1,
    };
    // SAFETY: `msghdr` is plain numbers and pointers, for which zero is a value.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut data;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = std::mem::size_of_val(&control) as _;
    // SAFETY: the message points to buffers that live through the call.
    let got = check(unsafe {
        libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) as c_long
    })?;
    let mut fds = Vec::new();
    // SAFETY: the kernel has filled the control buffer; the macros walk its headers, and each
    // descriptor in a rights message is new and owned by nobody else.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let bytes =
                    ((*header).cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
                let first = libc::CMSG_DATA(header).cast::<c_int>();
                for at in 0..bytes / size_of::<c_int>() {
                    fds.push(OwnedFd::from_raw_fd(first.add(at).read_unaligned()));
                }
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    if got == 0 || message.msg_flags & libc::MSG_CTRUNC != 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    Ok(fds)
}
