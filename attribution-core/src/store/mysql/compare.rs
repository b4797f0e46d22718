//! The comparison of models over stored conversions, which only reads.

use std::sync::Arc;

use super::models::read_models;
use super::reader::MysqlReader;
use super::{MysqlStore, schema};
use crate::domain::model::{Model, ModelKind};
use crate::ground::error::{Error, quoted};
use crate::job::compare::stored::compare_stored;
use crate::job::compare::{CompareOptions, Comparison};
use crate::job::progress::Progress;
use crate::job::tables::{ModelRow, Tables};

impl MysqlStore {
    /// Compares models over a user's stored conversions and journeys, as [`compare`](crate::compare) does
    /// over files. Each model is the slug of one of the user's, active or not, or a SPEC; where a text could
    /// be both, it is the slug. Nothing is written and no lock is taken, so runs go on meanwhile; what they
    /// change while this reads may be in the figures or not, each journey as it was or as it is.
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
        let mut connection = self.connect_for_models(user_id)?;
        schema::require(&mut connection, schema::FOR_BACKFILL)?;
        let stored = read_models(&mut connection, user_id)?;
        drop(connection);
        let models: Result<Vec<Model>, Error> =
            models.iter().map(|text| find_or_read(&stored, text)).collect();
        let retries = Arc::default();
        let open = || MysqlReader::open(&self.servers, user_id, Arc::clone(&retries));
        compare_stored(open, &models?, <Self as Tables>::SCOPES, options, progress)
    }
}

/// The stored model of a slug, named by it, or the model of a SPEC.
fn find_or_read(stored: &[ModelRow], text: &str) -> Result<Model, Error> {
    if let Some(row) = stored.iter().find(|row| row.slug == text) {
        let model = match Model::from_stored(&row.kind, row.config.as_deref()) {
            Err(Error::Model(problem)) => {
                let found = format!("{}: {}", problem.field, problem.given);
                return Err(Error::input(format!("model {text}"), found, problem.allowed));
            }
            outcome => outcome?,
        };
        return model.with_name(text);
    }
    // What has no config and is no kind was meant as a slug.
    let is_spec =
        text.contains([':', '=']) || ModelKind::ALL.iter().any(|kind| kind.name() == text);
    if is_spec {
        return Model::from_spec(text);
    }
    let slugs: Vec<&str> = stored.iter().map(|row| row.slug.as_str()).collect();
    let allowed = match &slugs[..] {
        [] => "a SPEC such as linear; the user has no models".to_owned(),
        slugs => format!("{}, or a SPEC such as linear", slugs.join(", ")),
    };
    Err(Error::input("model", format!("found {}", quoted(text)), allowed))
}
