//! What can go wrong, and how PHP hears of it.

use std::ffi::CString;
use std::sync::atomic::{AtomicPtr, Ordering};

use attribution_core::{Defect, Defects, Error, ErrorCode};
use ext_php_rs::builders::ClassBuilder;
use ext_php_rs::convert::IntoZval;
use ext_php_rs::exception::PhpException;
use ext_php_rs::flags::ClassFlags;
use ext_php_rs::types::{ZendHashTable, ZendObject, Zval};
use ext_php_rs::zend::{ClassEntry, ExecutorGlobals, ce};

use crate::zend::argument::type_name;
use crate::zend::globals::{self, Stop};
use crate::zend::property::{TEXT, TEXT_OR_NULL, declare_readonly, set_property};
use crate::zend::table::{Table, Value, value_of};

/// Why a call fails.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The core's refusal or failure, or one in its form.
    Engine(Error),
    /// An argument is not of a type that is allowed: its number, its name, and what is wrong.
    Argument(u32, &'static str, String),
    /// PHP wants the call to end.
    Stopped(Stop),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop)
    }
}

/// An input that is not allowed.
pub(crate) fn refused(
    place: impl Into<String>,
    found: impl Into<String>,
    allowed: impl Into<String>,
) -> Failure {
    let mut defects = Defects::default();
    defects.push(Defect::new(place, found, allowed));
    Failure::Engine(Error::Input(defects))
}

/// Something beyond a limit.
pub(crate) fn too_large(
    place: impl Into<String>,
    found: impl Into<String>,
    allowed: impl Into<String>,
) -> Failure {
    Failure::Engine(Error::Limit(Defect::new(place, found, allowed)))
}

unsafe extern "C" {
    static spl_ce_InvalidArgumentException: *mut ClassEntry;
    static spl_ce_LogicException: *mut ClassEntry;
    static spl_ce_OverflowException: *mut ClassEntry;
    static spl_ce_RuntimeException: *mut ClassEntry;
}

fn spl(class: *mut ClassEntry) -> &'static ClassEntry {
    // SAFETY: PHP's own class, which is there before any extension starts and until all have ended.
    unsafe { class.as_ref() }.unwrap_or_else(|| ce::exception())
}

fn invalid_argument_exception() -> &'static ClassEntry {
    // SAFETY: PHP's own variable, set before extensions start.
    spl(unsafe { spl_ce_InvalidArgumentException })
}

fn logic_exception() -> &'static ClassEntry {
    // SAFETY: as above.
    spl(unsafe { spl_ce_LogicException })
}

fn overflow_exception() -> &'static ClassEntry {
    // SAFETY: as above.
    spl(unsafe { spl_ce_OverflowException })
}

fn runtime_exception() -> &'static ClassEntry {
    // SAFETY: as above.
    spl(unsafe { spl_ce_RuntimeException })
}

/// The interface of all exceptions, once it is made: classes cannot be looked up by name at startup.
static MARKER_CLASS: AtomicPtr<ClassEntry> = AtomicPtr::new(std::ptr::null_mut());

fn marker() -> &'static ClassEntry {
    // SAFETY: NULL, or the class that PHP keeps as long as the module.
    unsafe { MARKER_CLASS.load(Ordering::Acquire).as_ref() }.unwrap_or_else(|| ce::throwable())
}

/// The interface of all exceptions of the extension.
const MARKER: &str = "Attribution\\Exception";
/// Its properties: the error's code, and the field, row or column in question.
const ERROR_CODE: &str = "errorCode";
const FIELD: &str = "field";

/// The class of an error, its parent, and the number that its exceptions have as their code, which is the
/// status of the C ABI.
type Class = (&'static str, fn() -> &'static ClassEntry, &'static str, i32);

const fn class_of(code: ErrorCode) -> Class {
    const INVALID_ARGUMENT: &str = "InvalidArgumentException";
    const RUNTIME: &str = "RuntimeException";
    match code {
        ErrorCode::InvalidModel => {
            ("Attribution\\InvalidModelException", invalid_argument_exception, INVALID_ARGUMENT, 1)
        }
        ErrorCode::InvalidInput => {
            ("Attribution\\InvalidInputException", invalid_argument_exception, INVALID_ARGUMENT, 2)
        }
        ErrorCode::Limit => {
            ("Attribution\\LimitException", overflow_exception, "OverflowException", 3)
        }
        ErrorCode::Io => ("Attribution\\IoException", runtime_exception, RUNTIME, 4),
        ErrorCode::Database => ("Attribution\\DatabaseException", runtime_exception, RUNTIME, 5),
        ErrorCode::Locked => ("Attribution\\LockedException", runtime_exception, RUNTIME, 6),
        ErrorCode::Cancelled => ("Attribution\\CancelledException", runtime_exception, RUNTIME, 7),
        _ => ("Attribution\\InternalException", logic_exception, "LogicException", 8),
    }
}

const CODES: [ErrorCode; 8] = [
    ErrorCode::InvalidModel,
    ErrorCode::InvalidInput,
    ErrorCode::Limit,
    ErrorCode::Io,
    ErrorCode::Database,
    ErrorCode::Locked,
    ErrorCode::Cancelled,
    ErrorCode::Internal,
];

/// Makes the exceptions' classes: PHP's own objects, so that they have their file, line and trace. Only for
/// the module's startup.
pub(crate) fn register_classes() -> ext_php_rs::error::Result<()> {
    ClassBuilder::new(MARKER)
        .flags(ClassFlags::Interface)
        .implements((ce::throwable, "\\Throwable"))
        .registration(|class, tables| {
            std::mem::forget(tables);
            MARKER_CLASS.store(class, Ordering::Release);
        })
        .register()?;
    for code in CODES {
        let (name, parent, parent_name, _) = class_of(code);
        ClassBuilder::new(name)
            .extends((parent, parent_name))
            .implements((marker, MARKER))
            .registration(|class, tables| {
                std::mem::forget(tables);
                declare_readonly(class, ERROR_CODE, TEXT);
                declare_readonly(class, FIELD, TEXT_OR_NULL);
            })
            .register()?;
    }
    Ok(())
}

/// The field, row or column in question.
fn field_of(error: &Error) -> Option<&str> {
    match error {
        Error::Model(error) => Some(&error.field),
        Error::Input(defects) => defects.shown().first().map(|defect| defect.place.as_str()),
        Error::Limit(defect) => Some(&defect.place),
        _ => None,
    }
}

/// An exception for an error of the engine.
fn exception(error: &Error) -> Option<Zval> {
    let (name, _, _, number) = class_of(error.code());
    let class = ClassEntry::try_find(name)?;
    let mut object = ZendObject::new(class);
    let exception = ce::exception();
    set_property(&mut object, exception, "message", error.to_string().into_zval(false).ok()?);
    set_property(&mut object, exception, "code", number.into_zval(false).ok()?);
    set_property(&mut object, class, ERROR_CODE, error.code().as_str().into_zval(false).ok()?);
    set_property(&mut object, class, FIELD, field_of(error).into_zval(false).ok()?);
    object.into_zval(false).ok()
}

/// What a function of PHP's comes to: its value, or its exception. Where PHP wants the call to end, this
/// does not return: nothing of the caller's may be left to drop.
pub(crate) fn settle<T>(outcome: Result<T, Failure>) -> Result<T, PhpException> {
    let failure = match outcome {
        Ok(value) => return Ok(value),
        Err(failure) => failure,
    };
    Err(match failure {
        Failure::Engine(error) => {
            let plain = PhpException::from_message(error.to_string());
            match exception(&error) {
                Some(object) => plain.with_object(object),
                None => plain,
            }
        }
        Failure::Argument(number, name, wrong) => {
            let function = current_function();
            PhpException::new(
                format!("{function}(): Argument #{number} (${name}) {wrong}"),
                0,
                ce::type_error(),
            )
        }
        Failure::Stopped(Stop::TimedOut) => globals::end_timed_out(),
        Failure::Stopped(Stop::Bailout) => globals::end_bailed_out(),
        Failure::Stopped(Stop::OutOfMemory) => {
            globals::end_out_of_memory();
            PhpException::from_message("memory_limit is reached".to_owned())
        }
        // An exception is on its way, which this one gives way to.
        Failure::Stopped(Stop::Thrown) => PhpException::from_message(String::new()),
    })
}

/// The name of the function of this extension that runs.
fn current_function() -> String {
    let globals = ExecutorGlobals::get();
    // SAFETY: the frame of the call that this runs in; a function's name is a string or NULL.
    unsafe {
        let name = globals
            .current_execute_data
            .as_ref()
            .and_then(|frame| frame.func.as_ref())
            .and_then(|function| function.common.function_name.as_ref());
        name.map_or_else(String::new, |name| String::from_utf8_lossy(name.as_bytes()).into_owned())
    }
}

/// The array that an argument has to be.
pub(crate) fn array_argument<'a>(
    value: &'a Zval,
    number: u32,
    name: &'static str,
) -> Result<&'a ZendHashTable, Failure> {
    match value_of(value) {
        Value::Table(Table(table)) => Ok(table),
        _ => Err(wrong_type(value, number, name, "array")),
    }
}

/// The text that an argument has to be.
pub(crate) fn text_argument<'a>(
    value: &'a Zval,
    number: u32,
    name: &'static str,
) -> Result<&'a str, Failure> {
    let Value::Text(bytes) = value_of(value) else {
        return Err(wrong_type(value, number, name, "string"));
    };
    std::str::from_utf8(bytes).map_err(|_| refused(name, "found bytes", "text in UTF-8"))
}

/// An argument of a type that is not allowed, in PHP's own words.
pub(crate) fn wrong_type(value: &Zval, number: u32, name: &'static str, allowed: &str) -> Failure {
    let given = match value_of(value) {
        Value::Other(value) => value.object().and_then(|object| object.get_class_name().ok()),
        _ => None,
    };
    let given = given.unwrap_or_else(|| type_name(value.dereference().get_type()).to_owned());
    Failure::Argument(number, name, format!("must be of type {allowed}, {given} given"))
}

/// A text for C.
pub(crate) fn c_text(text: &str, place: &str) -> Result<CString, Failure> {
    CString::new(text).map_err(|_| refused(place, "found a NUL byte", "text without one"))
}
