//! Types of arguments that the macros have no word for.

use std::ffi::{CStr, c_void};

use ext_php_rs::ffi::{ext_php_rs_compiler_globals, zend_function, zend_string};
use ext_php_rs::flags::DataType;
use ext_php_rs::types::{ZendHashTable, ZendStr};

/// array, string and string|array, as a type's mask has them.
pub(crate) const ARRAY: u32 = 1 << 7;
pub(crate) const TEXT: u32 = 1 << 6;
pub(crate) const TEXT_OR_ARRAY: u32 = 1 << 6 | 1 << 7;

/// An argument of a function: its place from 0, its type's mask, and its default, where it has one.
pub(crate) type Argument = (&'static str, usize, u32, Option<&'static CStr>);

/// Says of arguments of functions what type they have, where the macros say something wider. Only for the
/// module's startup, when the functions are registered and nobody runs yet.
pub(crate) fn describe(arguments: &[Argument]) {
    // SAFETY: PHP's own globals, on the one thread that starts modules.
    let functions = unsafe { (*ext_php_rs_compiler_globals()).function_table.as_ref() };
    let Some(functions) = functions else { return };
    for (name, place, mask, default) in arguments {
        // SAFETY: the table of functions holds functions, and these are internal ones with that many arguments
        // at least; their descriptions are this module's own.
        unsafe {
            let function = functions.get(*name).and_then(|entry| entry.ptr::<zend_function>());
            let Some(function) = function.and_then(|pointer| pointer.as_mut()) else { continue };
            if let Some(info) = function.internal_function.arg_info.add(*place).as_mut() {
                info.type_.type_mask = info.type_.type_mask & !ANY_TYPE | mask;
                info.default_value = default.map_or(std::ptr::null(), CStr::as_ptr);
            }
        }
    }
}

/// Says of arguments of functions that PHP's traces are not to show them. Only for the module's startup.
pub(crate) fn hide_in_traces(arguments: &[(&str, u32)]) {
    unsafe extern "C" {
        fn zend_add_attribute(
            attributes: *mut *mut ZendHashTable,
            name: *mut zend_string,
            count: u32,
            flags: u32,
            offset: u32,
            line: u32,
        ) -> *mut c_void;
    }
    /// An attribute that lives as long as the module.
    const PERSISTENT: u32 = 1;
    // SAFETY: PHP's own globals, on the one thread that starts modules.
    let functions = unsafe { (*ext_php_rs_compiler_globals()).function_table.as_ref() };
    let Some(functions) = functions else { return };
    for (name, place) in arguments {
        // SAFETY: as in `describe`; the offset of an argument is its number.
        unsafe {
            let function = functions.get(*name).and_then(|entry| entry.ptr::<zend_function>());
            let Some(function) = function.and_then(|pointer| pointer.as_mut()) else { continue };
            let name = ZendStr::new_interned("SensitiveParameter", true).into_raw();
            let attributes = (&raw mut function.internal_function.attributes).cast();
            zend_add_attribute(attributes, name, 0, PERSISTENT, place + 1, 0);
        }
    }
}

/// All types that are bits of a mask.
const ANY_TYPE: u32 = (1 << 10) - 1;

/// The name of a type in PHP's own messages.
pub(crate) fn type_name(kind: DataType) -> &'static str {
    match kind {
        DataType::Null | DataType::Undef => "null",
        DataType::Bool | DataType::True | DataType::False => "bool",
        DataType::Long => "int",
        DataType::Double => "float",
        DataType::String => "string",
        DataType::Array => "array",
        DataType::Object(_) => "object",
        _ => "resource",
    }
}
