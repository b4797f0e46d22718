//! Runs of numbers that the caller lends.

use crate::border::{Failure, slice};

/// Bytes that the caller lends for the time of a call. `data` may be NULL where `length` is 0.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_u8_slice {
    /// The first entry.
    pub data: *const u8,
    /// How many entries there are.
    pub length: usize,
}

/// Numbers that the caller lends for the time of a call. `data` is aligned for its type, and may be NULL
/// where `length` is 0.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_u32_slice {
    /// The first entry.
    pub data: *const u32,
    /// How many entries there are.
    pub length: usize,
}

/// Numbers that the caller lends for the time of a call. `data` is aligned for its type, and may be NULL
/// where `length` is 0.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_u64_slice {
    /// The first entry.
    pub data: *const u64,
    /// How many entries there are.
    pub length: usize,
}

/// Numbers that the caller lends for the time of a call. `data` is aligned for its type, and may be NULL
/// where `length` is 0.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_i64_slice {
    /// The first entry.
    pub data: *const i64,
    /// How many entries there are.
    pub length: usize,
}

/// Numbers that the caller lends for the time of a call. `data` is aligned for its type, and may be NULL
/// where `length` is 0.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct attribution_size_slice {
    /// The first entry.
    pub data: *const usize,
    /// How many entries there are.
    pub length: usize,
}

/// What the slices of the header have in common.
pub(crate) trait Lent: Copy {
    /// The type of the entries.
    type Entry: 'static;

    /// The first entry and the number of entries.
    fn parts(self) -> (*const Self::Entry, usize);

    /// The entries.
    ///
    /// # Safety
    /// As many as it says can be read there for `'a`, and nothing writes to them.
    unsafe fn entries<'a>(self, place: &str) -> Result<&'a [Self::Entry], Failure> {
        let (data, length) = self.parts();
        // SAFETY: the caller's promise.
        unsafe { slice(data, length, place) }
    }

    /// The entries of a column that there need not be: NULL with a length of 0 means that there is none,
    /// unless there are no rows at all.
    ///
    /// # Safety
    /// As [`Lent::entries`].
    unsafe fn optional<'a>(
        self,
        rows: usize,
        place: &str,
    ) -> Result<Option<&'a [Self::Entry]>, Failure> {
        let (data, length) = self.parts();
        if data.is_null() && length == 0 && rows > 0 {
            return Ok(None);
        }
        // SAFETY: the caller's promise.
        unsafe { self.entries(place) }.map(Some)
    }
}

macro_rules! lent {
    ($($slice:ident of $entry:ty),*) => {
        $(impl Lent for $slice {
            type Entry = $entry;

            fn parts(self) -> (*const $entry, usize) {
                (self.data, self.length)
            }
        })*
    };
}
lent!(
    attribution_u8_slice of u8,
    attribution_u32_slice of u32,
    attribution_u64_slice of u64,
    attribution_i64_slice of i64,
    attribution_size_slice of usize
);
