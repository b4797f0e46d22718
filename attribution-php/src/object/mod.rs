//! The classes in the namespace Attribution, for those who prefer objects.

use ext_php_rs::builders::ClassBuilder;
use ext_php_rs::class::RegisteredClass;
use ext_php_rs::error::Result;

use crate::zend::property::{PropertyType, declare_readonly};

pub(crate) mod engine;
pub(crate) mod kinds;
pub(crate) mod model;
pub(crate) mod result;

/// Makes the enums and classes known. Only for the module's startup.
pub(crate) fn register() -> Result<()> {
    kinds::register()?;
    register_class::<model::Model>(&model::PROPERTIES)?;
    register_class::<result::Result>(&result::PROPERTIES)?;
    register_class::<result::Columns>(&result::PROPERTIES)?;
    register_class::<engine::Engine>(&[])
}

/// Registers a class as the module would, but with properties that are readonly and have a type.
fn register_class<T: RegisteredClass>(readonly: &[(&str, PropertyType)]) -> Result<()> {
    let methods = T::method_builders().into_iter();
    let mut class = methods.fold(ClassBuilder::new(T::CLASS_NAME), |class, (method, flags)| {
        class.method(method, flags)
    });
    for interface in T::IMPLEMENTS {
        class = class.implements(*interface);
    }
    class
        .flags(T::FLAGS)
        .object_override::<T>()
        .registration(|class, tables| {
            T::get_metadata().set_ce(class);
            T::get_metadata().set_arg_info(tables);
        })
        .register()?;
    // SAFETY: a class that was just made, on the one thread that starts modules.
    unsafe {
        let class = std::ptr::from_ref(T::get_metadata().ce()).cast_mut();
        (*class).ce_flags |= ext_php_rs::ffi::ZEND_ACC_NO_DYNAMIC_PROPERTIES;
    }
    for (name, kind) in readonly {
        declare_readonly(T::get_metadata().ce(), name, *kind);
    }
    Ok(())
}
