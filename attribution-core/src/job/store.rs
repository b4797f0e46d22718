//! What a job needs of a store: somewhere to read from, somewhere to write to.

use super::progress::Progress;
use crate::domain::clicks::{Clicks, Conversions};
use crate::domain::model::Model;
use crate::engine::snapshot::Snapshot;
use crate::engine::touchpoints::Touchpoints;
use crate::ground::error::Error;

/// Clicks and the conversions that came of some of them.
///
/// ```
/// assert!(attribution_core::Dataset::default().clicks.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dataset {
    /// The clicks.
    pub clicks: Clicks,
    /// The conversions.
    pub conversions: Conversions,
}

/// Somewhere that clicks and conversions can be read from.
///
/// ```
/// use attribution_core::{Dataset, MemoryStore, Source};
/// let dataset = MemoryStore::new(Dataset::default()).read(&())?;
/// assert!(dataset.conversions.is_empty());
/// # Ok::<(), attribution_core::Error>(())
/// ```
pub trait Source {
    /// Reads everything.
    ///
    /// # Errors
    /// [`Error::Input`] with the defects of what was read, [`Error::Io`] where it could not be, and
    /// [`Error::Cancelled`] when `progress` asks to stop.
    fn read(&mut self, progress: &dyn Progress) -> Result<Dataset, Error>;
}

/// Somewhere that results can be written to. What is written is not to be seen before
/// [`ResultSink::commit`], and is to be gone where that never comes.
///
/// The calls come in order: `begin`; for each model `begin_model`, `touchpoints` any number of
/// times, `snapshots`; then `commit`.
///
/// ```
/// use attribution_core::{MemoryStore, Model, ResultSink, RowEncoder, Touchpoints};
/// let mut sink = MemoryStore::default();
/// sink.begin()?;
/// let encoder = sink.begin_model(&Model::from_spec("linear")?)?;
/// sink.touchpoints(encoder.encode(&[], &Touchpoints::default()))?;
/// sink.snapshots(&Model::from_spec("linear")?, &[])?;
/// sink.commit()?;
/// assert_eq!(sink.results().len(), 1);
/// # Ok::<(), attribution_core::Error>(())
/// ```
pub trait ResultSink {
    /// What turns touchpoints into what is written, on any thread.
    type Encoder: RowEncoder;

    /// Prepares for results.
    ///
    /// # Errors
    /// Whatever keeps the sink from taking results.
    fn begin(&mut self) -> Result<(), Error>;

    /// Prepares for a model's results.
    ///
    /// # Errors
    /// Whatever keeps the sink from taking results.
    fn begin_model(&mut self, model: &Model) -> Result<Self::Encoder, Error>;

    /// Takes some of the model's touchpoints, in order.
    ///
    /// # Errors
    /// Whatever keeps the sink from taking results.
    fn touchpoints(&mut self, encoded: <Self::Encoder as RowEncoder>::Encoded)
    -> Result<(), Error>;

    /// Takes all of the model's snapshots, ordered by scope type, scope id and hour.
    ///
    /// # Errors
    /// Whatever keeps the sink from taking results.
    fn snapshots(&mut self, model: &Model, snapshots: &[Snapshot]) -> Result<(), Error>;

    /// Makes everything taken since `begin` visible.
    ///
    /// # Errors
    /// Whatever keeps the sink from doing so.
    fn commit(&mut self) -> Result<(), Error>;
}

/// Turns touchpoints into what a sink writes; several threads do so at once.
///
/// ```
/// use attribution_core::{MemoryStore, Model, ResultSink, RowEncoder, Touchpoints};
/// let mut sink = MemoryStore::default();
/// let encoder = sink.begin_model(&Model::from_spec("linear")?)?;
/// let encoded = encoder.encode(&[], &Touchpoints::default());
/// sink.touchpoints(encoded)?;
/// # Ok::<(), attribution_core::Error>(())
/// ```
pub trait RowEncoder: Sync {
    /// What is written.
    type Encoded: Send;

    /// Encodes some touchpoints, whose conversions are rows of `conversion_ids`.
    fn encode(&self, conversion_ids: &[u64], touchpoints: &Touchpoints) -> Self::Encoded;
}
