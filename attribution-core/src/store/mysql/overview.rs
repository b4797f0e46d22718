//! The overview of a model and scope, from stored snapshots and credits.

use super::MysqlStore;
use crate::ground::error::Error;
use crate::job::overview::{Overview, OverviewOptions};

impl MysqlStore {
    /// What a dashboard shows of one of a user's models and a scope: totals and ROI of the whole window, a
    /// page of hours, the mix of touches by their place in their journeys, and anomalies.
    ///
    /// # Errors
    /// [`Error::Input`] for an unknown user, model or options that cannot be, and for tables that are not as
    /// they have to be; [`Error::Limit`] for sums out of range; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{OverviewOptions, Window};
    /// let options = OverviewOptions::new("linear", Window::new(1_717_200_000, 1_717_286_400)?);
    /// let overview = store.overview(1, &options)?;
    /// println!("{} in {} hours", overview.totals.revenue, overview.totals.hours);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn overview(&self, user_id: u64, options: &OverviewOptions) -> Result<Overview, Error> {
        let _ = (user_id, options.check()?);
        Err(Error::Internal("not there yet".into()))
    }
}
