//! An allocator for the worker: where memory ends, the worker ends with a code that says so, and large blocks are
//! asked for in huge pages.

use std::alloc::{GlobalAlloc, Layout, System};

use super::EXIT_MEMORY;
use crate::sys;

/// The system's allocator, but a refusal ends the process with a code that the keeper reads as the
/// memory limit. std would abort, which cannot be told from a crash.
#[derive(Debug, Clone, Copy, Default)]
pub struct FailFast;

/// Blocks from this size on lie in huge pages where the kernel has them: a table of a million rows that is read at
/// random misses the processor's page table with nearly every read otherwise.
const LARGE: usize = 4 << 20;

fn or_end(at: *mut u8, size: usize) -> *mut u8 {
    if at.is_null() {
        sys::exit_now(EXIT_MEMORY);
    }
    if size >= LARGE {
        sys::prefer_huge_pages(at as usize, size);
    }
    at
}

// SAFETY: every call goes to the system's allocator with what the caller promised for it; null, the
// only answer that is changed, never returns.
unsafe impl GlobalAlloc for FailFast {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout`.
        or_end(unsafe { System.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout`.
        or_end(unsafe { System.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise about `at` and `layout`.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise about `at`, `layout` and `size`.
        or_end(unsafe { System.realloc(at, layout, size) }, size)
    }
}
