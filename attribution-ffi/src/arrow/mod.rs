//! Batches and results through the Arrow C data and stream interfaces, so that whoever has their data in
//! Arrow's layout calls the engine without copying columns.
//!
//! See <https://arrow.apache.org/docs/format/CDataInterface.html> and `CStreamInterface.html` beside it.

pub mod batch;
pub mod result;

mod build;
mod layout;
mod read;

use std::ffi::{c_char, c_int, c_void};

use crate::border::{Failure, check_pointer};

/// `struct ArrowSchema` of Arrow's C data interface.
#[repr(C)]
#[derive(Debug)]
pub struct ArrowSchema {
    /// The type, in Arrow's format strings.
    pub format: *const c_char,
    /// The field's name.
    pub name: *const c_char,
    /// Not looked at here.
    pub metadata: *const c_char,
    /// Whether nulls are allowed, and others.
    pub flags: i64,
    /// The number of child types.
    pub n_children: i64,
    /// The child types.
    pub children: *mut *mut ArrowSchema,
    /// The type of a dictionary's values.
    pub dictionary: *mut ArrowSchema,
    /// Frees what it has; none once it is released.
    pub release: Option<unsafe extern "C" fn(*mut ArrowSchema)>,
    /// The producer's own.
    pub private_data: *mut c_void,
}

/// `struct ArrowArray` of Arrow's C data interface.
#[repr(C)]
#[derive(Debug)]
pub struct ArrowArray {
    /// The number of entries.
    pub length: i64,
    /// The number of nulls; -1 where it is not known.
    pub null_count: i64,
    /// How many entries of the buffers come before the first.
    pub offset: i64,
    /// The number of buffers.
    pub n_buffers: i64,
    /// The number of child arrays.
    pub n_children: i64,
    /// The buffers.
    pub buffers: *mut *const c_void,
    /// The child arrays.
    pub children: *mut *mut ArrowArray,
    /// A dictionary's values.
    pub dictionary: *mut ArrowArray,
    /// Frees what it has; none once it is released.
    pub release: Option<unsafe extern "C" fn(*mut ArrowArray)>,
    /// The producer's own.
    pub private_data: *mut c_void,
}

/// `struct ArrowArrayStream` of Arrow's C stream interface.
#[repr(C)]
#[derive(Debug)]
pub struct ArrowArrayStream {
    /// Gives the type of all arrays.
    pub get_schema: Option<unsafe extern "C" fn(*mut ArrowArrayStream, *mut ArrowSchema) -> c_int>,
    /// Gives the next array, or one that is released at the end.
    pub get_next: Option<unsafe extern "C" fn(*mut ArrowArrayStream, *mut ArrowArray) -> c_int>,
    /// Says what was wrong with the last call.
    pub get_last_error: Option<unsafe extern "C" fn(*mut ArrowArrayStream) -> *const c_char>,
    /// Frees what it has; none once it is released.
    pub release: Option<unsafe extern "C" fn(*mut ArrowArrayStream)>,
    /// The producer's own.
    pub private_data: *mut c_void,
}

/// An Arrow struct that is owned here. It may be moved, as Arrow says, but not copied, and is released when
/// it is dropped.
pub(crate) trait Releasable: Sized {
    /// One that is released.
    const RELEASED: Self;
    /// Releases it, if it is not.
    fn release(&mut self);
    /// Whether it is.
    fn is_released(&self) -> bool;
}

macro_rules! releasable {
    ($name:ident { $($field:ident: $nothing:expr),* }) => {
        impl Releasable for $name {
            const RELEASED: Self = Self { $($field: $nothing),* };

            fn release(&mut self) {
                if let Some(release) = self.release {
                    // SAFETY: the producer's own function for this very struct, which is not released.
                    unsafe { release(self) };
                    // Arrow has producers do so; one that forgets is not called again.
                    self.release = None;
                }
            }

            fn is_released(&self) -> bool {
                self.release.is_none()
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                self.release();
            }
        }

        // SAFETY: Arrow has arrays, schemas and streams be used and released on any thread, one at a time;
        // what they point to does not change.
        unsafe impl Send for $name {}
        // SAFETY: through a shared reference they are read alone.
        unsafe impl Sync for $name {}
    };
}

use std::ptr::{null, null_mut};

releasable!(ArrowSchema {
    format: null(),
    name: null(),
    metadata: null(),
    flags: 0,
    n_children: 0,
    children: null_mut(),
    dictionary: null_mut(),
    release: None,
    private_data: null_mut()
});
releasable!(ArrowArray {
    length: 0,
    null_count: 0,
    offset: 0,
    n_buffers: 0,
    n_children: 0,
    buffers: null_mut(),
    children: null_mut(),
    dictionary: null_mut(),
    release: None,
    private_data: null_mut()
});
releasable!(ArrowArrayStream {
    get_schema: None,
    get_next: None,
    get_last_error: None,
    release: None,
    private_data: null_mut()
});

/// Takes a struct out of the caller's, which is then released.
///
/// # Safety
/// `from` can be read and written.
pub(crate) unsafe fn take<T: Releasable>(from: *mut T) -> T {
    // SAFETY: the caller's promise; what is put there owns nothing.
    unsafe { from.replace(T::RELEASED) }
}

/// As [`take`], of a pointer that may be of no use.
///
/// # Safety
/// Where it is not NULL and aligned, `from` can be read and written.
pub(crate) unsafe fn take_checked<T: Releasable>(from: *mut T, place: &str) -> Result<T, Failure> {
    check_pointer(from.cast_const(), place)?;
    // SAFETY: not NULL and aligned; the rest is the caller's promise.
    Ok(unsafe { take(from) })
}

/// Makes what is to be filled a released one, whatever was there, which is not released. Nothing is done to
/// a pointer that is of no use, which is then refused.
///
/// # Safety
/// Where it is not NULL and aligned, `to` can be written.
pub(crate) unsafe fn clear_struct<T: Releasable>(to: *mut T, place: &str) -> Result<(), Failure> {
    check_pointer(to.cast_const(), place)?;
    // SAFETY: not NULL and aligned; the rest is the caller's promise.
    unsafe { put(to, T::RELEASED) };
    Ok(())
}

/// Puts a struct into the caller's, whatever was there, which is not released.
///
/// # Safety
/// `to` can be written.
pub(crate) unsafe fn put<T>(to: *mut T, value: T) {
    // SAFETY: the caller's promise. Nothing is dropped there: it may be uninitialised.
    unsafe { to.write(value) };
}
