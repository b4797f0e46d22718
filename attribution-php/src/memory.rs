//! How much memory the library holds, which PHP's `memory_limit` does not see.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::failure::{Failure, too_large};
use crate::options;

/// The system's allocator with a count of what is in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does all; counting touches no memory of its.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        IN_USE.fetch_add(new_size, Ordering::Relaxed);
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes in use by the library in this process.
pub(crate) fn in_use() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

/// Gives back what can be done without.
static GIVE_BACK: OnceLock<fn()> = OnceLock::new();

/// Says how memory is given back before a call is refused any. Only for the module's startup.
pub(crate) fn on_need(give_back: fn()) {
    // Said once; a module that starts again says the same.
    let _ = GIVE_BACK.set(give_back);
}

const MIB: usize = 1 << 20;

/// Refuses to go on where the library holds more than the setting `attribution.memory_limit` allows, or
/// would with so many bytes more.
pub(crate) fn check(place: &str, more: usize) -> Result<(), Failure> {
    let limit = options::memory_limit()?;
    let mut needed = in_use().saturating_add(more);
    if needed > limit
        && let Some(give_back) = GIVE_BACK.get()
    {
        give_back();
        needed = in_use().saturating_add(more);
    }
    if needed <= limit {
        return Ok(());
    }
    let mib = |bytes: usize| bytes.div_ceil(MIB);
    Err(too_large(
        place,
        format!("found a need of {} MiB of native memory", mib(needed)),
        format!("{} MiB, the setting attribution.memory_limit", limit / MIB),
    ))
}
