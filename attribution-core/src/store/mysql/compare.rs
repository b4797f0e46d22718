//! The comparison of models over stored conversions, which only reads.

use super::MysqlStore;
use crate::ground::error::Error;
use crate::job::compare::{CompareOptions, Comparison};
use crate::job::progress::Progress;

impl MysqlStore {
    /// Compares models over a user's stored conversions and journeys, as [`compare`](crate::compare) does
    /// over files. Each model is the slug of one of the user's, active or not, or a SPEC; where a text could
    /// be both, it is the slug. Nothing is written and no lock is taken, so runs go on meanwhile.
    ///
    /// # Errors
    /// As [`compare`](crate::compare); [`Error::Input`] for an unknown user, no window, a model that is
    /// neither, and tables that are not as they have to be; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{CompareOptions, Window};
    /// let options = CompareOptions::new(Some(Window::new(1_717_200_000, 1_717_286_400)?));
    /// let models = ["linear".to_owned(), "time_decay:half_life_hours=48".to_owned()];
    /// for row in store.compare(1, &models, &options, &())?.rows {
    ///     println!("{}: {}", row.model, row.revenue);
    /// }
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn compare(
        &self,
        user_id: u64,
        models: &[String],
        options: &CompareOptions,
        progress: &dyn Progress,
    ) -> Result<Comparison, Error> {
        options.check()?;
        let _ = (user_id, models, progress);
        Err(Error::Internal("not there yet".into()))
    }
}
