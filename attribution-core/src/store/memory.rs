//! A store in memory, for programs that have their data there already, and for tests.

use crate::domain::model::Model;
use crate::engine::calculate::ModelResult;
use crate::engine::snapshot::Snapshot;
use crate::engine::touchpoints::Touchpoints;
use crate::ground::error::Error;
use crate::job::progress::Progress;
use crate::job::store::{Dataset, ResultSink, RowEncoder, Source};

/// Clicks and conversions to read, and results as they were written.
///
/// ```
/// use attribution_core::{Dataset, MemoryStore};
/// let store = MemoryStore::new(Dataset::default());
/// assert!(store.results().is_empty());
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    dataset: Dataset,
    results: Vec<(Model, ModelResult)>,
    pending: Vec<(Model, ModelResult)>,
}

impl MemoryStore {
    /// A store that has this to read.
    ///
    /// ```
    /// use attribution_core::{Dataset, MemoryStore, Source};
    /// assert!(MemoryStore::new(Dataset::default()).read(&()).is_ok());
    /// ```
    pub fn new(dataset: Dataset) -> Self {
        Self { dataset, ..Self::default() }
    }

    /// The results that have been committed, each model with its own; the touchpoints' conversions
    /// are rows of the conversions sorted by id.
    ///
    /// ```
    /// assert!(attribution_core::MemoryStore::default().results().is_empty());
    /// ```
    pub fn results(&self) -> &[(Model, ModelResult)] {
        &self.results
    }

    fn pending(&mut self) -> Result<&mut ModelResult, Error> {
        let last = self.pending.last_mut().map(|(_, result)| result);
        last.ok_or_else(|| Error::Internal("results came before their model".into()))
    }
}

impl Source for MemoryStore {
    fn read(&mut self, _: &dyn Progress) -> Result<Dataset, Error> {
        Ok(self.dataset.clone())
    }
}

/// Hands touchpoints on as they are.
///
/// ```
/// use attribution_core::{MemoryStore, Model, ResultSink};
/// let encoder = MemoryStore::default().begin_model(&Model::from_spec("linear")?)?;
/// assert_eq!(format!("{encoder:?}"), "AsColumns");
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct AsColumns;

impl RowEncoder for AsColumns {
    type Encoded = Touchpoints;

    fn encode(&self, _: &[u64], touchpoints: &Touchpoints) -> Touchpoints {
        touchpoints.clone()
    }
}

impl ResultSink for MemoryStore {
    type Encoder = AsColumns;

    fn begin(&mut self) -> Result<(), Error> {
        self.pending.clear();
        Ok(())
    }

    fn begin_model(&mut self, model: &Model) -> Result<AsColumns, Error> {
        self.pending.push((model.clone(), ModelResult::default()));
        Ok(AsColumns)
    }

    fn touchpoints(&mut self, encoded: Touchpoints) -> Result<(), Error> {
        self.pending()?.touchpoints.append(&encoded);
        Ok(())
    }

    fn snapshots(&mut self, _: &Model, snapshots: &[Snapshot]) -> Result<(), Error> {
        snapshots.clone_into(&mut self.pending()?.snapshots);
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.results = std::mem::take(&mut self.pending);
        Ok(())
    }
}
