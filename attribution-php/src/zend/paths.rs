//! Paths as PHP takes them: from its own working folder, and where `open_basedir` allows.

use std::ffi::{CStr, c_char, c_int};

use ext_php_rs::alloc::efree;

use crate::failure::{Failure, c_text, refused};

unsafe extern "C" {
    fn expand_filepath(path: *const c_char, real_path: *mut c_char) -> *mut c_char;
    fn php_check_open_basedir_ex(path: *const c_char, warn: c_int) -> c_int;
}

/// The whole path of a file, where PHP may have it.
pub(crate) fn allowed(path: &str, place: &str) -> Result<String, Failure> {
    let text = c_text(path, place)?;
    // SAFETY: text that ends with a NUL; what is given is NULL or such a text of PHP's memory, which is freed.
    let whole = unsafe {
        let expanded = expand_filepath(text.as_ptr(), std::ptr::null_mut());
        if expanded.is_null() {
            None
        } else {
            let whole = CStr::from_ptr(expanded).to_str().map(str::to_owned).ok();
            efree(expanded.cast());
            whole
        }
    };
    let Some(whole) = whole else {
        return Err(refused(place, "found what is no path", "the path of a file"));
    };
    let checked = c_text(&whole, place)?;
    // SAFETY: text that ends with a NUL.
    if unsafe { php_check_open_basedir_ex(checked.as_ptr(), 0) } != 0 {
        return Err(refused(place, "found a path outside of open_basedir", "a path within it"));
    }
    Ok(whole)
}
