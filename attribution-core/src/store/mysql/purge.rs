//! What a purge finds and deletes.

use super::MysqlStore;
use crate::ground::error::Error;
use crate::job::progress::Progress;
use crate::job::purge::{PurgeOptions, PurgeReport};

impl MysqlStore {
    /// Erases what is an owner's, a data subject's or old, and verifies that nothing of it is left.
    ///
    /// A subject's clicks, conversions, touches and credits go; journeys of others that held its clicks
    /// become what a backfill would store without them; and each affected hour is rebuilt in the same
    /// transaction, for the models that have snapshots of it. A purge that was stopped at any point is
    /// finished by running it again. In the end an audit row (`purge`) tells the counts, and nothing
    /// of whom they were.
    ///
    /// # Errors
    /// [`Error::Input`] for an unknown user or options that are not allowed, with nothing written;
    /// [`Error::Locked`] where another run holds the owner's lock for longer than is waited, or took it
    /// over; [`Error::Database`]; [`Error::Io`] for an export file that cannot be removed;
    /// [`Error::Limit`] where something is left after all; [`Error::Cancelled`] when `progress` asks to
    /// stop.
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{PurgeOptions, PurgeTarget};
    /// let report = store.purge(1, &PurgeOptions::new(PurgeTarget::Visitor(9_001)), &())?;
    /// assert!(report.tables.iter().all(|table| table.left == 0));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn purge(
        &self,
        user_id: u64,
        options: &PurgeOptions,
        progress: &dyn Progress,
    ) -> Result<PurgeReport, Error> {
        let _ = (user_id, options, progress);
        Err(Error::Internal("the purge is not there yet".into()))
    }
}
