//! The library itself, as the system's loader has it.

use std::ffi::c_void;

/// Lets the library stay in memory when PHP takes leave of it at its end: a thread may still look up a name then.
pub(crate) fn stay() {
    // SAFETY: the address is one of this library's own; what the loader tells of it is there as long as the library.
    unsafe {
        let mut information: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(stay as fn() as *const c_void, &raw mut information) != 0
            && !information.dli_fname.is_null()
        {
            // The handle is left open, too; where the loader refuses, all is as before.
            libc::dlopen(
                information.dli_fname,
                libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE,
            );
        }
    }
}
