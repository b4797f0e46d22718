//! What PHP wants of a call that takes long: to stop where its time is up, and to let signals through.

use std::ffi::{CStr, c_char, c_int};
use std::panic::AssertUnwindSafe;

use ext_php_rs::ffi::{ext_php_rs_executor_globals, zend_execute_data, zend_module_entry};
use ext_php_rs::zend::{CatchError, ExecutorGlobals, try_catch};

unsafe extern "C" {
    fn zend_timeout() -> !;
    fn zend_ini_long(name: *const c_char, length: usize, original: c_int) -> i64;
    fn zend_ini_string(name: *const c_char, length: usize, original: c_int) -> *const c_char;
    fn display_ini_entries(module: *mut zend_module_entry);
    static zend_interrupt_function: Option<unsafe extern "C" fn(*mut zend_execute_data)>;
}

/// Why PHP wants a call to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// `max_execution_time` is up.
    TimedOut,
    /// An exception is on its way, of a signal's handler or a callback.
    Thrown,
    /// A fatal error, or the end of the script, is on its way.
    Bailout,
    /// `memory_limit` is reached; PHP puts the error off until it is asked for.
    OutOfMemory,
}

/// Whether PHP has put off the error of `memory_limit`.
#[cfg(php_delayed_oom)]
fn is_out_of_memory() -> bool {
    // SAFETY: PHP's own globals, of this thread.
    unsafe {
        let state = (*ext_php_rs_executor_globals()).delayed_oom.state;
        state == ext_php_rs::ffi::_zend_oom_state_ZEND_OOM_STATE_PENDING
    }
}

#[cfg(not(php_delayed_oom))]
const fn is_out_of_memory() -> bool {
    false
}

/// Lets PHP have the error of `memory_limit` that it has put off. May jump as [`end_timed_out`] does.
pub(crate) fn end_out_of_memory() {
    #[cfg(php_delayed_oom)]
    {
        unsafe extern "C" {
            fn zend_handle_delayed_oom();
        }
        // SAFETY: called on PHP's thread, within a call of PHP's, where the error was put off.
        unsafe { zend_handle_delayed_oom() }
    }
}

fn interrupted() -> (bool, bool) {
    // SAFETY: PHP's own globals, of this thread; a signal may write the flags meanwhile, hence volatile.
    unsafe {
        let globals = ext_php_rs_executor_globals();
        let interrupt = (&raw const (*globals).vm_interrupt).cast::<u8>().read_volatile() != 0;
        (interrupt, (&raw const (*globals).timed_out).cast::<u8>().read_volatile() != 0)
    }
}

/// Looks whether PHP wants the call to end, and lets handlers of signals run as between two statements of a
/// script. Only on a thread of PHP's.
pub(crate) fn poll() -> Result<(), Stop> {
    let (interrupt, timed_out) = interrupted();
    if timed_out {
        return Err(Stop::TimedOut);
    }
    if !interrupt {
        return Ok(());
    }
    if is_out_of_memory() {
        return Err(Stop::OutOfMemory);
    }
    // SAFETY: the handler that PHP calls itself, with what it would be given. It jumps out at most to `try_catch`.
    let handled = try_catch(AssertUnwindSafe(|| unsafe {
        let globals = ext_php_rs_executor_globals();
        let Some(handler) = zend_interrupt_function else { return };
        (&raw mut (*globals).vm_interrupt).cast::<u8>().write_volatile(0);
        handler((*globals).current_execute_data);
    }));
    match handled {
        Err(CatchError::Bailout) => Err(Stop::Bailout),
        _ if ExecutorGlobals::has_exception() => Err(Stop::Thrown),
        _ => Ok(()),
    }
}

/// Ends the script as PHP does where its time is up. Jumps over every frame up to PHP's: nothing that has to be
/// dropped may be there.
pub(crate) fn end_timed_out() -> ! {
    // SAFETY: called on PHP's thread, within a call of PHP's.
    unsafe { zend_timeout() }
}

/// Goes on with a fatal error that was held up. Jumps as [`end_timed_out`] does.
pub(crate) fn end_bailed_out() -> ! {
    // SAFETY: called on PHP's thread, within a call of PHP's.
    unsafe { ext_php_rs::ffi::ext_php_rs_zend_bailout() }
}

/// A setting as a number, 0 where it is none.
pub(crate) fn setting_number(name: &CStr) -> i64 {
    // SAFETY: a name with its length.
    unsafe { zend_ini_long(name.as_ptr(), name.count_bytes(), 0) }
}

/// A setting as text.
pub(crate) fn setting_text(name: &CStr) -> String {
    // SAFETY: a name with its length; what is given is NULL or text that is there until the setting changes.
    unsafe {
        let value = zend_ini_string(name.as_ptr(), name.count_bytes(), 0);
        if value.is_null() {
            String::new()
        } else {
            CStr::from_ptr(value).to_string_lossy().into_owned()
        }
    }
}

/// Prints the module's settings, as the page of `phpinfo()` shows them.
pub(crate) fn show_settings(module: *mut zend_module_entry) {
    // SAFETY: the module's own entry, as PHP gave it.
    unsafe { display_ini_entries(module) }
}
