//! Snapshot reads on connections that are kept.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::connection::{Connection, Fault, fault, has_code};
use super::values::Fields;
use super::{MysqlStore, SnapshotQuery, check_user, models, schema, snapshots};
use crate::cache::reads::{SnapshotSource, Stamp};
use crate::ground::error::Error;
use crate::job::tables::SnapshotRecord;

/// So many connections are kept while they are not needed.
const MOST_IDLE: usize = 4;
/// The server's code for a table that is not there.
const NO_SUCH_TABLE: u16 = 1146;

/// A store whose snapshots are read on kept connections to the primary. Each read has one to itself, so
/// that none waits for another.
pub(crate) struct KeptConnections {
    store: MysqlStore,
    idle: Mutex<Vec<Connection>>,
    reconnections: AtomicU64,
}

impl KeptConnections {
    pub(crate) const fn new(store: MysqlStore) -> Self {
        Self { store, idle: Mutex::new(Vec::new()), reconnections: AtomicU64::new(0) }
    }

    pub(crate) const fn store(&self) -> &MysqlStore {
        &self.store
    }

    /// How often a connection was lost and made anew.
    pub(crate) fn reconnections(&self) -> u64 {
        self.reconnections.load(Ordering::Relaxed)
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads on a connection. One that was kept may have been lost since: then the read is done again
    /// on a new one.
    fn with_connection<T>(
        &self,
        read: impl Fn(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let kept = self.idle().pop();
        if let Some(connection) = kept {
            match self.read_on(connection, &read) {
                Err(error) if fault(&error) == Fault::Lost => {
                    // The server was started anew, most likely; then all of them are.
                    self.idle().clear();
                    self.reconnections.fetch_add(1, Ordering::Relaxed);
                }
                outcome => return outcome,
            }
        }
        self.read_on(self.store.connect()?, &read)
    }

    fn read_on<T>(
        &self,
        mut connection: Connection,
        read: impl Fn(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let outcome = read(&mut connection);
        // What failed midway may have left a transaction behind.
        let is_clean =
            outcome.is_ok() || connection.run_text("ending a transaction", "ROLLBACK").is_ok();
        if is_clean {
            let mut idle = self.idle();
            if idle.len() < MOST_IDLE {
                idle.push(connection);
            }
        }
        outcome
    }
}

impl SnapshotSource for KeptConnections {
    fn stamp(&self, owner: u64, slug: &str) -> Result<Stamp, Error> {
        self.with_connection(|connection| stamp(connection, owner, slug))
    }

    fn load(
        &self,
        owner: u64,
        query: &SnapshotQuery,
    ) -> Result<(Stamp, Vec<SnapshotRecord>), Error> {
        self.with_connection(|connection| {
            connection.in_view(|connection| {
                let stamp = stamp(connection, owner, &query.model)?;
                let mut rows = Vec::new();
                snapshots::read(connection, owner, stamp.model_id, query, &mut |row| {
                    rows.push(row);
                    Ok(())
                })?;
                Ok((stamp, rows))
            })
        })
    }
}

/// The owner's model and its generation, in one query where they are there.
fn stamp(connection: &mut Connection, owner: u64, slug: &str) -> Result<Stamp, Error> {
    let mut found = None;
    let outcome = connection.each(
        "reading a model's generation",
        "SELECT m.model_id, m.model_slug, g.generation FROM 202_users u \
         JOIN 202_attribution_models m ON m.user_id = u.user_id \
         LEFT JOIN 202_attribution_generations g ON g.model_id = m.model_id \
         WHERE u.user_id = ? AND COALESCE(u.user_deleted, 0) = 0 AND m.model_slug = ?",
        (owner, slug),
        &mut |row| {
            let fields = Fields::new(row, "202_attribution_generations");
            // A collation may not tell letters apart that a slug does.
            if fields.text(1)? == slug {
                found = Some((fields.number(0)?, fields.number_or_null(2)?));
            }
            Ok(())
        },
    );
    if let Err(error) = outcome {
        if has_code(&error, NO_SUCH_TABLE) {
            schema::require(connection, schema::FOR_MODELS)?;
        }
        return Err(error);
    }
    let (model_id, generation) = if let Some(found) = found {
        found
    } else {
        // Says what is missing.
        check_user(connection, owner)?;
        (models::find(connection, owner, slug)?.model_id, None)
    };
    Ok(Stamp { database: Arc::clone(connection.database()), model_id, generation })
}
