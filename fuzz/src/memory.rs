//! Memory of an exact size, so that the sanitizer sees the first byte that is read beyond it.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};

/// As the widest number that an Arrow buffer has.
const ALIGNMENT: usize = 16;

/// Some bytes at an address that is a multiple of 16.
#[derive(Debug)]
pub struct Memory {
    address: *mut u8,
    layout: Layout,
    length: usize,
}

impl Memory {
    /// As many zeros.
    pub fn zeros(length: usize) -> Self {
        let layout = Layout::from_size_align(length.max(1), ALIGNMENT).expect("a small length");
        // SAFETY: the layout has a size.
        let address = unsafe { alloc_zeroed(layout) };
        if address.is_null() {
            handle_alloc_error(layout);
        }
        Self { address, layout, length }
    }

    /// The bytes.
    pub fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: all of them are set, and owned by this.
        unsafe { std::slice::from_raw_parts_mut(self.address, self.length) }
    }

    /// Where they are, which stays so when this is moved.
    pub fn address(&self) -> *mut u8 {
        self.address
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { dealloc(self.address, self.layout) };
    }
}
