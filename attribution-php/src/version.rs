//! What the extension is.

use ext_php_rs::zend::ModuleEntry;
use ext_php_rs::{info_table_end, info_table_row, info_table_start};

use crate::database::cache;
use crate::memory;
use crate::options;
use crate::zend::globals::show_settings;

/// The version of the engine.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The page of the extension in `phpinfo()` and `php --ri attribution`.
pub(crate) extern "C" fn info(module: *mut ModuleEntry) {
    let threads = match options::default_threads() {
        Ok(0) | Err(_) => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        Ok(threads) => threads,
    };
    info_table_start!();
    info_table_row!("Attribution", "enabled");
    info_table_row!("Version", VERSION);
    info_table_row!(
        "Features",
        "rows, columns, journeys, exports (CSV, XLSX, JSON Lines), webhooks, MySQL and MariaDB with TLS, \
         caches (process, Redis, Memcached)"
    );
    info_table_row!("Threads of a call", threads.to_string());
    info_table_row!("Native memory in use", format!("{} KiB", memory::in_use() / 1024));
    let (caches, reads) = cache::state();
    info_table_row!(
        "Caches of snapshots",
        format!("{caches}, {} entries, {} KiB", reads.entries, reads.bytes.div_ceil(1024))
    );
    info_table_row!(
        "Cached reads",
        format!(
            "{}, {} from memory, {} from servers",
            reads.reads, reads.memory_hits, reads.server_hits
        )
    );
    info_table_end!();
    show_settings(module);
}
