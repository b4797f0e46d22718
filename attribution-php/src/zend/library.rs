//! The library itself, as the system's loader has it.

use std::ffi::c_void;
use std::sync::Once;

/// Lets the library stay in memory when PHP takes leave of it at its end, for a thread of it may still run then.
pub(crate) fn stay() {
    static STAYS: Once = Once::new();
    STAYS.call_once(|| {
        // SAFETY: the address is one of this library's own; what the loader tells of it is there as long as it is.
        unsafe {
            let mut information: libc::Dl_info = std::mem::zeroed();
            if libc::dladdr(stay as fn() as *const c_void, &raw mut information) != 0
                && !information.dli_fname.is_null()
            {
                // The handle stays open, too; where the loader refuses, all is as before.
                let mode = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
                libc::dlopen(information.dli_fname, mode);
            }
        }
    });
}
