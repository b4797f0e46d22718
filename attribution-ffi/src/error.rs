//! Statuses, and the object that a caller may have an error told to.

use std::ffi::{CString, c_char};
use std::ptr;

use attribution_core::{Defect, Error, ErrorCode};

use crate::border::{Failure, Handle, borrow, borrow_mut, c_text, free, new_handle, value_or};

/// What came of a call. The numbers are never changed or used again; later versions may add some, so
/// take one that you do not know for a failure.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum attribution_status {
    /// Done.
    ATTRIBUTION_STATUS_OK = 0,
    /// A model's kind, name, slug or weighting config is not allowed.
    ATTRIBUTION_STATUS_INVALID_MODEL = 1,
    /// Clicks, conversions, a batch or an option are not allowed.
    ATTRIBUTION_STATUS_INVALID_INPUT = 2,
    /// A number or a size is beyond what can be held exactly.
    ATTRIBUTION_STATUS_LIMIT = 3,
    /// A file could not be read or written, or a write callback failed.
    ATTRIBUTION_STATUS_IO = 4,
    /// The database refused, failed or could not be reached.
    ATTRIBUTION_STATUS_DATABASE = 5,
    /// Another run holds the lock, or has taken it over.
    ATTRIBUTION_STATUS_LOCKED = 6,
    /// A progress callback asked to stop. Nothing is left half done.
    ATTRIBUTION_STATUS_CANCELLED = 7,
    /// The library broke a promise to itself: a defect of it, to report.
    ATTRIBUTION_STATUS_INTERNAL = 8,
    /// An argument is not what the function takes: NULL, a misaligned pointer, text that is no UTF-8, a
    /// handle of another kind, a struct without its size, an index out of range.
    ATTRIBUTION_STATUS_INVALID_ARGUMENT = 9,
    /// The library panicked inside, which was contained: a defect of it, to report. What the call was to
    /// give was not given.
    ATTRIBUTION_STATUS_PANIC = 10,
}

impl From<ErrorCode> for attribution_status {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::InvalidModel => Self::ATTRIBUTION_STATUS_INVALID_MODEL,
            ErrorCode::InvalidInput => Self::ATTRIBUTION_STATUS_INVALID_INPUT,
            ErrorCode::Limit => Self::ATTRIBUTION_STATUS_LIMIT,
            ErrorCode::Io => Self::ATTRIBUTION_STATUS_IO,
            ErrorCode::Database => Self::ATTRIBUTION_STATUS_DATABASE,
            ErrorCode::Locked => Self::ATTRIBUTION_STATUS_LOCKED,
            ErrorCode::Cancelled => Self::ATTRIBUTION_STATUS_CANCELLED,
            // A code that the core has and this list does not yet is a defect of this list.
            _ => Self::ATTRIBUTION_STATUS_INTERNAL,
        }
    }
}

/// What went wrong, told by the call that it was given to.
///
/// The caller makes it with attribution_error_new, owns it, may use it for any number of calls, and
/// frees it. Each call that takes one says in it how that call went. Wherever one is taken, NULL may
/// be given instead; what can be told to be no error object is left alone as NULL is. The texts that it gives are its own, and stay until the next call that it is
/// given to. Threads may not share one.
pub struct attribution_error {
    _private: (),
}

/// What an error object says.
#[derive(Debug)]
pub(crate) struct Told {
    code: attribution_status,
    message: CString,
    defects: Vec<ToldDefect>,
    /// All of them, those that are not kept in full among them.
    total: u64,
}

#[derive(Debug)]
struct ToldDefect {
    place: CString,
    found: CString,
    allowed: CString,
}

impl From<&Defect> for ToldDefect {
    fn from(defect: &Defect) -> Self {
        Self {
            place: c_text(&defect.place),
            found: c_text(&defect.found),
            allowed: c_text(&defect.allowed),
        }
    }
}

impl Handle for attribution_error {
    type Value = Told;
    const NAME: &'static str = "attribution_error";
    const TAG: u64 = u64::from_le_bytes(*b"attr:err");
}

impl Told {
    fn nothing() -> Self {
        Self {
            code: attribution_status::ATTRIBUTION_STATUS_OK,
            message: CString::default(),
            defects: Vec::new(),
            total: 0,
        }
    }

    fn of(failure: &Failure) -> Self {
        let (message, defects, total) = match failure {
            Failure::Engine(error) => {
                let (defects, total) = defects_of(error);
                (error.to_string(), defects, total)
            }
            #[cfg(feature = "mysql")]
            Failure::OfUser { user_id, message, .. } => {
                let defect = Defect::new(format!("user {user_id}"), message, "");
                (format!("user {user_id}: {message}"), vec![(&defect).into()], 1)
            }
            Failure::Argument(defect) => (defect.to_string(), vec![defect.into()], 1),
            Failure::Panic(text) => {
                (format!("the library panicked: {text}; please report it"), Vec::new(), 0)
            }
        };
        Self { code: status_of(failure), message: c_text(&message), defects, total }
    }
}

fn defects_of(error: &Error) -> (Vec<ToldDefect>, u64) {
    match error {
        Error::Input(defects) => {
            (defects.shown().iter().map(ToldDefect::from).collect(), defects.total())
        }
        Error::Limit(defect) => (vec![defect.into()], 1),
        Error::Model(error) => {
            let defect = Defect::new(&error.field, &error.given, &error.allowed);
            (vec![(&defect).into()], 1)
        }
        Error::Io { what, .. } => {
            let defect = Defect::new(what, "", "");
            (vec![(&defect).into()], 1)
        }
        _ => (Vec::new(), 0),
    }
}

fn status_of(failure: &Failure) -> attribution_status {
    match failure {
        Failure::Engine(error) => error.code().into(),
        #[cfg(feature = "mysql")]
        Failure::OfUser { code, .. } => (*code).into(),
        Failure::Argument(_) => attribution_status::ATTRIBUTION_STATUS_INVALID_ARGUMENT,
        Failure::Panic(_) => attribution_status::ATTRIBUTION_STATUS_PANIC,
    }
}

impl attribution_error {
    /// Tells how a call went, to an object or to no one.
    pub(crate) fn tell(error: *mut Self, outcome: &Result<(), Failure>) -> attribution_status {
        let status =
            outcome.as_ref().err().map_or(attribution_status::ATTRIBUTION_STATUS_OK, status_of);
        // SAFETY: NULL, or the caller's own object, which no one else uses.
        if let Ok(told) = unsafe { borrow_mut(error) } {
            *told = outcome.as_ref().err().map_or_else(Told::nothing, Told::of);
        }
        status
    }
}

/// A new error object, which says that nothing went wrong. To be freed with attribution_error_free.
/// NULL where there is no memory for it.
#[unsafe(no_mangle)]
pub extern "C" fn attribution_error_new() -> *mut attribution_error {
    value_or(ptr::null_mut(), || Ok(new_handle(Told::nothing())))
}

/// Frees an error object and sets the variable to NULL. NULL, and a variable that is NULL, are left
/// alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_error_free(error: *mut *mut attribution_error) {
    // SAFETY: the caller's promise.
    unsafe { free(error) }
}

/// The status that the call returned; ATTRIBUTION_STATUS_INVALID_ARGUMENT for what is no error object.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_error_code(
    error: *const attribution_error,
) -> attribution_status {
    let otherwise = attribution_status::ATTRIBUTION_STATUS_INVALID_ARGUMENT;
    // SAFETY: the caller's promise.
    value_or(otherwise, || Ok(unsafe { borrow(error)? }.code))
}

/// What went wrong, for a person: what was found, what is allowed, where; a line for each of several
/// defects. Empty where nothing went wrong or there is no error object. Never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_error_message(
    error: *const attribution_error,
) -> *const c_char {
    // SAFETY: the caller's promise.
    value_or(c"".as_ptr(), || Ok(unsafe { borrow(error)? }.message.as_ptr()))
}

/// The field or row that is at fault, such as "half_life_hours", "costs[7]" or "clicks.csv:12: cost";
/// of several, the first. Empty where there is none. Never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_error_place(error: *const attribution_error) -> *const c_char {
    value_or(c"".as_ptr(), || {
        // SAFETY: the caller's promise.
        let told = unsafe { borrow(error)? };
        Ok(told.defects.first().map_or(c"".as_ptr(), |defect| defect.place.as_ptr()))
    })
}

/// How many defects there are in all. The first 20 can be had one by one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_error_defects(error: *const attribution_error) -> u64 {
    // SAFETY: the caller's promise.
    value_or(0, || Ok(unsafe { borrow(error)? }.total))
}

/// One defect: where it is, what was found there, what is allowed. Each of the three may be NULL where
/// it is not wanted. Gives false, and sets empty texts, where there is no defect of that index or it is
/// beyond the first 20.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_error_defect(
    error: *const attribution_error,
    index: usize,
    place: *mut *const c_char,
    found: *mut *const c_char,
    allowed: *mut *const c_char,
) -> bool {
    value_or(false, || {
        // SAFETY: the caller's promise.
        let told = unsafe { borrow(error) }.ok();
        let defect = told.and_then(|told| told.defects.get(index));
        let empty = c"".as_ptr();
        let texts = defect.map_or([empty; 3], |defect| {
            [defect.place.as_ptr(), defect.found.as_ptr(), defect.allowed.as_ptr()]
        });
        for (out, text) in [place, found, allowed].into_iter().zip(texts) {
            if !out.is_null() && out.is_aligned() {
                // SAFETY: not NULL and aligned; the rest is the caller's promise.
                unsafe { out.write(text) };
            }
        }
        Ok(defect.is_some())
    })
}

/// The name of a status, such as "invalid_model"; "unknown" for a number that is none. Never NULL; it is
/// the library's own and stays for ever.
#[unsafe(no_mangle)]
pub extern "C" fn attribution_status_name(status: u32) -> *const c_char {
    let name = match status {
        0 => c"ok",
        1 => c"invalid_model",
        2 => c"invalid_input",
        3 => c"limit",
        4 => c"io",
        5 => c"database",
        6 => c"locked",
        7 => c"cancelled",
        8 => c"internal",
        9 => c"invalid_argument",
        10 => c"panic",
        _ => c"unknown",
    };
    name.as_ptr()
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn every_code_of_the_core_has_the_status_of_its_name() {
        for code in [
            ErrorCode::InvalidModel,
            ErrorCode::InvalidInput,
            ErrorCode::Limit,
            ErrorCode::Io,
            ErrorCode::Database,
            ErrorCode::Locked,
            ErrorCode::Cancelled,
            ErrorCode::Internal,
        ] {
            let status = attribution_status::from(code) as u32;
            // SAFETY: the text is the library's own.
            let name = unsafe { CStr::from_ptr(attribution_status_name(status)) };
            assert_eq!(name.to_str().unwrap(), code.as_str());
        }
    }
}
