//! What every call goes through on its way in and out.

use std::any::Any;
use std::ffi::{CStr, CString, c_char};
use std::mem::{MaybeUninit, size_of};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use attribution_core::{Defect, Defects, Error};

use crate::error::{attribution_error, attribution_status};

/// Why a call failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine refused or failed.
    Engine(Error),
    /// The engine failed for one of several account owners.
    #[cfg(feature = "mysql")]
    OfUser { user_id: u64, code: attribution_core::ErrorCode, message: String },
    /// An argument is not what the function takes, whatever the engine would say of it.
    Argument(Defect),
    /// The library panicked: a defect of it.
    Panic(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl Failure {
    pub(crate) fn argument(
        place: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Argument(Defect::new(place, found, allowed))
    }
}

impl Failure {
    /// An index that is beyond the end.
    #[cfg(feature = "mysql")]
    pub(crate) fn index(index: usize, count: usize, what: &str) -> Self {
        let allowed = format!("an index below {count}, the number of {what}");
        Self::argument("index", format!("found {index}"), allowed)
    }

    /// The same with places that begin with this.
    pub(crate) fn within(self, prefix: &str) -> Self {
        let Self::Engine(Error::Input(defects)) = self else { return self };
        let mut placed = Defects::default();
        for defect in defects.shown() {
            let place = format!("{prefix}{}", defect.place);
            placed.push(Defect::new(place, &defect.found, &defect.allowed));
        }
        Self::Engine(Error::Input(placed))
    }
}

/// A column or row that is not allowed, as the engine says it.
pub(crate) fn refused(
    place: impl Into<String>,
    found: impl Into<String>,
    allowed: impl Into<String>,
) -> Failure {
    let mut defects = Defects::default();
    defects.push(Defect::new(place, found, allowed));
    Failure::Engine(Error::Input(defects))
}

/// Runs the body of a function: a panic becomes a status, and whatever is wrong is told to the
/// caller's error object, where there is one. What is none is left alone, as NULL is: the status is
/// what came of the call all the same.
pub(crate) fn guard(
    error: *mut attribution_error,
    body: impl FnOnce() -> Result<(), Failure>,
) -> attribution_status {
    let outcome = contained(body).and_then(|outcome| outcome);
    let told = contained(|| attribution_error::tell(error, &outcome));
    told.unwrap_or(attribution_status::ATTRIBUTION_STATUS_PANIC)
}

/// Runs the body of a function that gives a value and has no error object.
pub(crate) fn value_or<T>(otherwise: T, body: impl FnOnce() -> Result<T, Failure>) -> T {
    contained(body).and_then(|outcome| outcome).unwrap_or(otherwise)
}

fn contained<T>(body: impl FnOnce() -> T) -> Result<T, Failure> {
    // What a panic leaves torn is not used again: handles are made when all is done, and those that
    // a call changes are changed by the core, which leaves them as they were where it fails.
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let text = panic_text(payload.as_ref());
        // A payload may panic as it is dropped, too.
        let _ = catch_unwind(AssertUnwindSafe(move || drop(payload)));
        Failure::Panic(text)
    })
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a text".to_owned())
}

// ---------------------------------------------------------------- pointers

fn null(place: &str) -> Failure {
    Failure::argument(place, "found NULL", "a pointer")
}

/// Refuses NULL and what is not aligned for its type.
pub(crate) fn check_pointer<T>(pointer: *const T, place: &str) -> Result<(), Failure> {
    if pointer.is_null() {
        return Err(null(place));
    }
    if !pointer.is_aligned() {
        let allowed = format!("an address that is a multiple of {}", align_of::<T>());
        return Err(Failure::argument(place, "found a misaligned pointer", allowed));
    }
    Ok(())
}

/// Whether there are entries at a pointer, which may be NULL where there are none.
fn check_entries<T>(data: *const T, length: usize, place: &str) -> Result<bool, Failure> {
    if length == 0 {
        return Ok(false);
    }
    if data.is_null() {
        let found = format!("found NULL with a length of {length}");
        return Err(Failure::argument(place, found, "a pointer, or a length of 0"));
    }
    check_pointer(data, place)?;
    check_length::<T>(length, place)?;
    Ok(true)
}

/// The entries at a pointer.
///
/// # Safety
/// Where it is not NULL, `length` entries can be read there for `'a`, and nothing writes to them.
pub(crate) unsafe fn slice<'a, T>(
    data: *const T,
    length: usize,
    place: &str,
) -> Result<&'a [T], Failure> {
    if !check_entries(data, length, place)? {
        return Ok(&[]);
    }
    // SAFETY: not NULL, aligned, no longer than memory can be; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data, length) })
}

/// As [`slice`], to be written to.
///
/// # Safety
/// Where it is not NULL, `length` entries can be read and written there for `'a`, by no one else.
pub(crate) unsafe fn slice_mut<'a, T>(
    data: *mut T,
    length: usize,
    place: &str,
) -> Result<&'a mut [T], Failure> {
    if !check_entries(data.cast_const(), length, place)? {
        return Ok(&mut []);
    }
    // SAFETY: not NULL, aligned, no longer than memory can be; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts_mut(data, length) })
}

/// Refuses a number of entries that no memory can hold.
pub(crate) fn check_length<T>(length: usize, place: &str) -> Result<(), Failure> {
    let most = isize::MAX as usize / size_of::<T>().max(1);
    if length <= most {
        return Ok(());
    }
    Err(Failure::argument(place, format!("found a length of {length}"), format!("at most {most}")))
}

/// Refuses an out-parameter that cannot be written to, and sets it to nothing until there is
/// something.
///
/// # Safety
/// Where it is not NULL, a pointer can be written there.
pub(crate) unsafe fn clear<H>(out: *mut *mut H, place: &str) -> Result<(), Failure> {
    check_pointer(out.cast_const(), place)?;
    // SAFETY: not NULL and aligned; the rest is the caller's promise.
    unsafe { out.write(ptr::null_mut()) };
    Ok(())
}

// ---------------------------------------------------------------- text

/// The text at a pointer.
///
/// # Safety
/// Where it is not NULL, bytes up to and with a NUL can be read there for `'a`.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, place: &str) -> Result<&'a str, Failure> {
    if pointer.is_null() {
        return Err(null(place));
    }
    // SAFETY: not NULL; the rest is the caller's promise.
    let bytes = unsafe { CStr::from_ptr(pointer) };
    bytes.to_str().map_err(|error| {
        let found = format!("found a byte that is no UTF-8 at {}", error.valid_up_to());
        Failure::argument(place, found, "text in UTF-8")
    })
}

/// As [`text`], where NULL means that there is none.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn text_or_none<'a>(
    pointer: *const c_char,
    place: &str,
) -> Result<Option<&'a str>, Failure> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    unsafe { text(pointer, place) }.map(Some)
}

/// The texts of an array of them.
///
/// # Safety
/// Where it is not NULL, `length` pointers can be read there, each as [`text`] wants it.
#[cfg(feature = "mysql")]
pub(crate) unsafe fn texts<'a>(
    pointers: *const *const c_char,
    length: usize,
    place: &str,
) -> Result<Vec<&'a str>, Failure> {
    // SAFETY: the caller's promise.
    let pointers = unsafe { slice(pointers, length, place) }?;
    let text_at = |(at, pointer): (usize, &*const c_char)| {
        // SAFETY: the caller's promise.
        unsafe { text(*pointer, &format!("{place}[{at}]")) }
    };
    pointers.iter().enumerate().map(text_at).collect()
}

/// Text for C, in which a NUL would be the end.
pub(crate) fn c_text(text: &str) -> CString {
    let bytes: Vec<u8> = text.bytes().map(|byte| if byte == 0 { b' ' } else { byte }).collect();
    CString::new(bytes).unwrap_or_default()
}

/// Texts that C reads as an array of pointers.
#[cfg(feature = "mysql")]
#[derive(Debug, Default)]
pub(crate) struct CTexts {
    /// Where the pointers point to.
    _texts: Vec<CString>,
    pointers: Vec<*const c_char>,
}

#[cfg(feature = "mysql")]
impl CTexts {
    pub(crate) fn new(texts: &[String]) -> Self {
        let texts: Vec<CString> = texts.iter().map(|text| c_text(text)).collect();
        Self { pointers: texts.iter().map(|text| text.as_ptr()).collect(), _texts: texts }
    }

    pub(crate) fn pointers(&self) -> &[*const c_char] {
        &self.pointers
    }
}

/// Text that there need not be, which is NULL then.
#[cfg(feature = "mysql")]
pub(crate) fn pointer_or_null(text: Option<&CString>) -> *const c_char {
    text.map_or(ptr::null(), |text| text.as_ptr())
}

// ---------------------------------------------------------------- handles

/// What C knows by a pointer alone: a noun of the header, with what is behind it.
pub(crate) trait Handle: Sized {
    /// What is behind it.
    type Value;
    /// Its name in messages.
    const NAME: &'static str;
    /// A number that no other kind of handle has.
    const TAG: u64;
}

/// What is at the address that C holds. The tag tells a live handle of its kind from another kind
/// and, mostly, from one that was freed.
#[repr(C)]
struct Held<T> {
    tag: u64,
    value: T,
}

fn is_live<H: Handle>(handle: *const H) -> bool {
    let held = handle.cast::<Held<H::Value>>();
    if held.is_null() || !held.is_aligned() {
        return false;
    }
    // SAFETY: not NULL and aligned for a number; a caller may give nothing but handles of this
    // library, each of which begins with its tag.
    unsafe { handle.cast::<u64>().read() == H::TAG }
}

fn check_handle<H: Handle>(handle: *const H) -> Result<(), Failure> {
    if handle.is_null() {
        return Err(null(H::NAME));
    }
    if !is_live(handle) {
        let allowed = format!("an {} that was not freed", H::NAME);
        return Err(Failure::argument(H::NAME, "found something else", allowed));
    }
    Ok(())
}

/// Gives a value to C, which is to free it.
///
/// # Safety
/// `out` was passed to [`clear`].
pub(crate) unsafe fn give<H: Handle>(out: *mut *mut H, value: H::Value) {
    // SAFETY: `clear` has written there before.
    unsafe { out.write(new_handle(value)) };
}

/// A handle for C to free.
pub(crate) fn new_handle<H: Handle>(value: H::Value) -> *mut H {
    Box::into_raw(Box::new(Held { tag: H::TAG, value })).cast()
}

/// What is behind a handle.
///
/// # Safety
/// Where it is not NULL it is a handle of this library; it is not freed or changed during `'a`.
pub(crate) unsafe fn borrow<'a, H: Handle>(handle: *const H) -> Result<&'a H::Value, Failure>
where
    H::Value: 'a,
{
    check_handle(handle)?;
    // SAFETY: its tag says that `new_handle` made it of this very type.
    Ok(unsafe { &(*handle.cast::<Held<H::Value>>()).value })
}

/// What is behind a handle, to be changed.
///
/// # Safety
/// Where it is not NULL it is a handle of this library; no one else uses it during `'a`.
pub(crate) unsafe fn borrow_mut<'a, H: Handle>(handle: *mut H) -> Result<&'a mut H::Value, Failure>
where
    H::Value: 'a,
{
    check_handle(handle.cast_const())?;
    // SAFETY: its tag says that `new_handle` made it of this very type.
    Ok(unsafe { &mut (*handle.cast::<Held<H::Value>>()).value })
}

/// Frees what a variable of C's holds, and sets the variable to NULL, so that freeing it again does
/// nothing. NULL, a variable that is NULL, and a handle of another kind are left alone.
///
/// # Safety
/// Where they are not NULL, `variable` can be read and written, and it holds a handle of this
/// library that no one else uses.
pub(crate) unsafe fn free<H: Handle>(variable: *mut *mut H) {
    value_or((), || {
        check_pointer(variable.cast_const(), H::NAME)?;
        // SAFETY: not NULL and aligned; the rest is the caller's promise.
        let handle = unsafe { variable.read() };
        check_handle(handle.cast_const())?;
        // SAFETY: as above.
        unsafe { variable.write(ptr::null_mut()) };
        // SAFETY: its tag says that `new_handle` made it of this very type, and it is given back once:
        // the tag is gone with it.
        let mut held = unsafe { Box::from_raw(handle.cast::<Held<H::Value>>()) };
        // The memory is not C's any more, but a copy of the pointer may be: let it find no tag there.
        // Volatile, since no one is known to read it.
        // SAFETY: a field of a box that is owned here.
        unsafe { (&raw mut held.tag).write_volatile(0) };
        drop(held);
        Ok(())
    });
}

// ---------------------------------------------------------------- structs that can grow

/// A struct of the header whose first field is its size, as the caller's header has it. Later
/// versions add fields at its end, for which nothing but zeros means what was before.
///
/// # Safety
/// It is `repr(C)`, begins with a `usize`, and any bytes are a value of it.
pub(crate) unsafe trait Growing: Copy {
    /// Its name in messages.
    const NAME: &'static str;
    /// Its size in the first version that had it.
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// No struct is ever so long; a larger size was never set.
const LONGEST: usize = 4_096;

/// Checks the struct at a pointer; gives its size as the caller has it.
///
/// # Safety
/// Where it is not NULL, the size that its first field tells can be read there.
unsafe fn check_growing<T: Growing>(pointer: *const T) -> Result<usize, Failure> {
    check_pointer(pointer, T::NAME)?;
    // SAFETY: not NULL and aligned; the first field is a size.
    let size = unsafe { pointer.cast::<usize>().read() };
    if (T::FIRST_SIZE..=LONGEST).contains(&size) {
        return Ok(size);
    }
    let allowed = format!("the struct's size, at least {}, set by its _INIT", T::FIRST_SIZE);
    Err(Failure::argument(format!("{}.size", T::NAME), format!("found {size}"), allowed))
}

/// Reads a struct that an older or newer header may have laid out.
///
/// # Safety
/// Where it is not NULL, as many bytes as its first field tells can be read there.
pub(crate) unsafe fn read_growing<T: Growing>(pointer: *const T) -> Result<T, Failure> {
    // SAFETY: the caller's promise.
    let size = unsafe { check_growing(pointer)? };
    let known = size.min(size_of::<T>());
    // SAFETY: the caller's promise: so many bytes are there.
    let beyond =
        unsafe { std::slice::from_raw_parts(pointer.cast::<u8>().add(known), size - known) };
    if beyond.iter().any(|byte| *byte != 0) {
        let allowed = "nothing but zeros in fields that this version of the library lacks";
        return Err(Failure::argument(T::NAME, "found a field that is not known", allowed));
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: both are at least `known` long, and one was made here.
    unsafe { ptr::copy_nonoverlapping(pointer.cast::<u8>(), value.as_mut_ptr().cast(), known) };
    // SAFETY: all bytes are set, and any bytes are a value.
    Ok(unsafe { value.assume_init() })
}

/// As [`read_growing`], where NULL means the defaults.
///
/// # Safety
/// As [`read_growing`].
pub(crate) unsafe fn read_growing_or<T: Growing>(
    pointer: *const T,
    defaults: T,
) -> Result<T, Failure> {
    if pointer.is_null() {
        return Ok(defaults);
    }
    // SAFETY: the caller's promise.
    unsafe { read_growing(pointer) }
}

/// Fills a struct that an older or newer header may have laid out; its size stays as it is.
///
/// # Safety
/// Where it is not NULL, as many bytes as its first field tells can be read and written there.
pub(crate) unsafe fn fill_growing<T: Growing>(pointer: *mut T, value: T) -> Result<(), Failure> {
    // SAFETY: the caller's promise.
    let size = unsafe { check_growing(pointer.cast_const())? };
    let known = size.min(size_of::<T>());
    let bytes = pointer.cast::<u8>();
    // SAFETY: both are at least `known` long; what is beyond is the caller's, too.
    unsafe {
        ptr::copy_nonoverlapping((&raw const value).cast::<u8>(), bytes, known);
        ptr::write_bytes(bytes.add(known), 0, size - known);
        pointer.cast::<usize>().write(size);
    }
    Ok(())
}

/// Refuses anything in what a later version may give a meaning to.
pub(crate) fn check_reserved(bytes: &[u8]) -> Result<(), Failure> {
    match bytes.iter().find(|byte| **byte != 0) {
        None => Ok(()),
        Some(byte) => {
            Err(Failure::argument("reserved", format!("found {byte}"), "nothing but zeros"))
        }
    }
}

/// A switch of such a struct.
pub(crate) fn switch(value: u8, place: &str) -> Result<bool, Failure> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(Failure::argument(place, format!("found {other}"), "0 or 1")),
    }
}

/// A pointer to the first entry, or NULL where there is none.
pub(crate) const fn first<T>(values: &[T]) -> *const T {
    if values.is_empty() { ptr::null() } else { values.as_ptr() }
}

#[cfg(test)]
mod tests {
    use std::ffi::c_void;

    use super::*;
    use crate::error::{
        attribution_error_code, attribution_error_free, attribution_error_message,
        attribution_error_new,
    };

    #[test]
    fn a_panic_becomes_a_status_with_its_text() {
        let mut error = attribution_error_new();
        let status = guard(error, || panic!("number {}", 7));
        assert_eq!(status, attribution_status::ATTRIBUTION_STATUS_PANIC);
        // SAFETY: the object was made above.
        let (code, message) = unsafe {
            (attribution_error_code(error), CStr::from_ptr(attribution_error_message(error)))
        };
        assert_eq!(code, status);
        assert!(message.to_str().unwrap().contains("number 7"), "{message:?}");
        // SAFETY: as above.
        unsafe { attribution_error_free(&raw mut error) };
        assert_eq!(guard(ptr::null_mut(), || panic!("untold")), status);
        assert_eq!(value_or(3, || panic!("untold")), 3);
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_contained() {
        struct Nasty;
        impl Drop for Nasty {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        let status = guard(ptr::null_mut(), || std::panic::panic_any(Nasty));
        assert_eq!(status, attribution_status::ATTRIBUTION_STATUS_PANIC);
    }

    #[derive(Debug, Clone, Copy, PartialEq)]
    #[repr(C)]
    struct Old {
        size: usize,
        first: u32,
        second: u32,
    }
    #[derive(Debug, Clone, Copy, PartialEq)]
    #[repr(C)]
    struct New {
        size: usize,
        first: u32,
        second: u32,
        third: u64,
    }
    // SAFETY: repr(C), a size first, numbers alone.
    unsafe impl Growing for Old {
        const NAME: &'static str = "old";
    }
    // SAFETY: as above.
    unsafe impl Growing for New {
        const NAME: &'static str = "new";
        const FIRST_SIZE: usize = size_of::<Old>();
    }

    #[test]
    fn structs_of_older_and_newer_headers_are_read_and_filled() {
        let old = Old { size: size_of::<Old>(), first: 1, second: 2 };
        // SAFETY: `New` reads no more than the size tells.
        let read = unsafe { read_growing((&raw const old).cast::<New>()) }.unwrap();
        assert_eq!(read, New { size: size_of::<Old>(), first: 1, second: 2, third: 0 });
        let mut new = New { size: size_of::<New>(), first: 1, second: 2, third: 0 };
        // SAFETY: `New` is as long as its size tells.
        assert_eq!(unsafe { read_growing((&raw const new).cast::<Old>()) }.unwrap().second, 2);
        new.third = 9;
        // SAFETY: as above.
        assert!(unsafe { read_growing((&raw const new).cast::<Old>()) }.is_err());
        let filled = Old { size: 0, first: 5, second: 6 };
        // SAFETY: as above.
        unsafe { fill_growing((&raw mut new).cast::<Old>(), filled) }.unwrap();
        assert_eq!(new, New { size: size_of::<New>(), first: 5, second: 6, third: 0 });
        for size in [0, 15, 4_097, usize::MAX] {
            let wrong = Old { size, first: 0, second: 0 };
            // SAFETY: nothing is read beyond the size itself, which is refused.
            assert!(unsafe { read_growing(&raw const wrong) }.is_err());
        }
    }

    #[test]
    fn slices_are_checked_before_they_are_made() {
        let numbers = [1_u64, 2];
        let address = numbers.as_ptr();
        // SAFETY: what is wrong is refused before anything is read.
        unsafe {
            assert_eq!(slice::<u64>(ptr::null(), 0, "x").unwrap(), &[] as &[u64]);
            assert_eq!(slice(address, 2, "x").unwrap(), numbers);
            assert!(slice::<u64>(ptr::null(), 1, "x").is_err());
            assert!(slice(address, usize::MAX / 8, "x").is_err());
            let misaligned = address.cast::<c_void>().byte_add(1).cast::<u64>();
            assert!(slice(misaligned, 1, "x").is_err());
        }
    }
}
