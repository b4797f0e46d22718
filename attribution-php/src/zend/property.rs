//! Classes with typed, readonly properties of PHP's own.

use ext_php_rs::ffi::{
    _ZEND_TYPE_NAME_BIT, zend_object, zend_property_info, zend_string, zend_type, zval,
};
use ext_php_rs::flags::PropertyFlags;
use ext_php_rs::types::{ZendObject, ZendStr, Zval};
use ext_php_rs::zend::ClassEntry;

unsafe extern "C" {
    fn zend_declare_typed_property(
        class: *mut ClassEntry,
        name: *mut zend_string,
        default: *mut zval,
        flags: i32,
        docs: *mut zend_string,
        type_: zend_type,
    ) -> *mut zend_property_info;
    fn zend_update_property_ex(
        scope: *mut ClassEntry,
        object: *mut zend_object,
        name: *mut zend_string,
        value: *mut zval,
    );
}

/// The type of a property: by its mask, or a class.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PropertyType {
    Mask(u32),
    Class(&'static str),
}

pub(crate) const TEXT: PropertyType = PropertyType::Mask(1 << 6);
pub(crate) const TEXT_OR_NULL: PropertyType = PropertyType::Mask(1 << 6 | 1 << 1);
pub(crate) const ID_OR_NULL: PropertyType = PropertyType::Mask(1 << 4 | 1 << 6 | 1 << 1);
pub(crate) const ARRAY: PropertyType = PropertyType::Mask(1 << 7);
/// A property that is set once.
const READONLY: u32 = 1 << 7;

/// Declares a public readonly property. Only for the module's startup.
pub(crate) fn declare_readonly(class: &ClassEntry, name: &str, kind: PropertyType) {
    // SAFETY: all zeros is the undefined value, which owns nothing.
    let mut undefined: Zval = unsafe { std::mem::zeroed() };
    let type_ = match kind {
        PropertyType::Mask(type_mask) => zend_type { ptr: std::ptr::null_mut(), type_mask },
        PropertyType::Class(name) => zend_type {
            ptr: ZendStr::new_interned(name, true).into_raw().cast(),
            type_mask: _ZEND_TYPE_NAME_BIT,
        },
    };
    let flags = PropertyFlags::Public.bits() | READONLY;
    // SAFETY: an interned name that PHP keeps; a readonly property begins undefined.
    unsafe {
        zend_declare_typed_property(
            std::ptr::from_ref(class).cast_mut(),
            ZendStr::new_interned(name, true).into_raw(),
            &raw mut undefined,
            flags as i32,
            std::ptr::null_mut(),
            type_,
        );
    }
}

/// Sets a property of an object, whoever may see it; one that is readonly for the first time.
pub(crate) fn set_property(
    object: &mut ZendObject,
    class: &ClassEntry,
    name: &str,
    mut value: Zval,
) {
    let name = ZendStr::new(name, false);
    // SAFETY: an object of the class or a child of it; the value is copied.
    unsafe {
        zend_update_property_ex(
            std::ptr::from_ref(class).cast_mut(),
            object,
            name.as_ptr().cast_mut(),
            &raw mut value,
        );
    }
}
