//! The comparison: models side by side on the same conversions, with nothing written.

mod report;

pub use report::{
    CompareOptions, Comparison, ComparisonRow, Difference, DifferenceIntervals, FigureIntervals,
    Interval,
};

use super::progress::Progress;
use super::store::Source;
use crate::domain::model::Model;
use crate::ground::error::Error;

/// Compares models over what a source has, writing nothing: for each model and scope id the exact sums
/// that a run of the model alone gives, and, where resamples are asked for, 95 % intervals of these and
/// of their differences to the baseline.
///
/// The intervals are of a Poisson bootstrap over conversions: in each resample a conversion counts as
/// often as its draw from Poisson(1) says, which depends on nothing but its id and the resample's
/// number. So the same data gives the same intervals, whatever the order of rows or the threads.
///
/// # Errors
/// [`Error::Input`] for no model, two of one name, an unknown baseline, a scope id without a scope, a
/// conversion id that is there twice, and whatever the source finds; [`Error::Limit`] for sums out of
/// range, and for more scope ids than resampled sums fit in memory for; [`Error::Cancelled`] when
/// `progress` asks to stop.
///
/// ```
/// use attribution_core::{compare, CompareOptions, Dataset, MemoryStore, Model};
/// let mut source = MemoryStore::new(Dataset::default());
/// let models = [Model::from_spec("linear")?, Model::from_spec("last_touch")?];
/// let comparison = compare(&mut source, &models, &CompareOptions::new(None), &())?;
/// assert_eq!(comparison.baseline, "linear");
/// # Ok::<(), attribution_core::Error>(())
/// ```
pub fn compare(
    source: &mut impl Source,
    models: &[Model],
    options: &CompareOptions,
    progress: &dyn Progress,
) -> Result<Comparison, Error> {
    options.check()?;
    let _ = (source, models, progress);
    Err(Error::Internal("not there yet".into()))
}
