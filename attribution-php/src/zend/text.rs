//! PHP's strings.

use std::sync::atomic::{AtomicPtr, Ordering};

use ext_php_rs::ffi::{ext_php_rs_zend_string_init, zend_string};
use ext_php_rs::types::ZendStr;

/// The name of a field, as a string of PHP's that lives as long as the module.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    string: AtomicPtr<zend_string>,
}

impl Key {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, string: AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// Makes the string. Only for the module's startup.
    pub(crate) fn intern(&self) {
        let string = ZendStr::new_interned(self.name, true).into_raw();
        self.string.store(string, Ordering::Release);
    }

    /// The string, which PHP never frees while the module is there.
    pub(crate) fn string(&self) -> *mut zend_string {
        self.string.load(Ordering::Acquire)
    }
}

/// A new string of PHP's.
pub(crate) fn new_string(bytes: &[u8]) -> *mut zend_string {
    // SAFETY: as many bytes as are said are there to be copied.
    unsafe { ext_php_rs_zend_string_init(bytes.as_ptr().cast(), bytes.len(), false) }
}
