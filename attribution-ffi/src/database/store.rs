//! The store.

use std::ffi::c_char;

use attribution_core::MysqlStore;

use crate::border::{Handle, borrow, clear, free, give, guard, text, text_or_none};
use crate::error::{attribution_error, attribution_status};
use crate::signals::without_sigpipe;

/// The tables of a Prosper202 installation in MySQL 8.0 or newer or MariaDB 10.6 or newer.
///
/// Made by attribution_store_open, owned by the caller and freed with attribution_store_free. Each call
/// connects anew and closes its connections before it returns. Threads may share it.
pub struct attribution_store {
    _private: (),
}

impl Handle for attribution_store {
    type Value = MysqlStore;
    const NAME: &'static str = "attribution_store";
    const TAG: u64 = u64::from_le_bytes(*b"attr:sto");
}

/// A store at `mysql://user:password@host:port/database`, with special characters of the parts as `%40`.
/// After a `?` there may be `socket=PATH`, `tls=required` and `root_cert_path=PATH`. Clicks, conversions,
/// journeys, campaigns and accounts are read at `replica_url`, where that is not NULL. Nothing is
/// connected to yet. Errors do not repeat the URLs, which may hold passwords.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_store_open(
    url: *const c_char,
    replica_url: *const c_char,
    store: *mut *mut attribution_store,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let (url, replica_url) = unsafe {
            clear(store, "store")?;
            (text(url, "url")?, text_or_none(replica_url, "replica_url")?)
        };
        let mut opened = MysqlStore::open(url)?;
        if let Some(replica_url) = replica_url {
            opened = opened.with_replica(replica_url)?;
        }
        // SAFETY: cleared above.
        unsafe { give(store, opened) };
        Ok(())
    })
}

/// Creates the tables of attribution that are missing; changes none that is there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_store_install(
    store: *const attribution_store,
    error: *mut attribution_error,
) -> attribution_status {
    guard(error, || {
        // SAFETY: the caller's promise.
        let store = unsafe { borrow(store)? };
        without_sigpipe(|| store.install())?;
        Ok(())
    })
}

/// Frees a store and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn attribution_store_free(store: *mut *mut attribution_store) {
    // SAFETY: the caller's promise.
    unsafe { free(store) }
}
