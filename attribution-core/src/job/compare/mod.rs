//! The comparison: models side by side on the same conversions, with nothing written.

mod bootstrap;
mod report;
mod rows;
#[cfg(feature = "mysql")]
pub(crate) mod stored;
mod tally;

pub use report::{
    CompareOptions, Comparison, ComparisonRow, Difference, DifferenceIntervals, FigureIntervals,
    Interval,
};

use self::tally::Tally;
use super::progress::{Phase, Progress, go_on};
use super::run::check_unique;
use super::store::Source;
use crate::domain::clicks::MISSING_CLICK;
use crate::domain::journey::Journeys;
use crate::domain::model::Model;
use crate::ground::error::{Error, quoted};
use crate::ground::scope::ScopeSet;
use crate::ground::time::Window;

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
    let baseline = check_models(models, options)?;
    let mut data = source.read(progress)?;
    data.conversions.sort_by_id()?;
    check_unique(&data.conversions)?;
    if let Some(window) = options.window {
        data.conversions
            .retain(|row, conversions| window.contains(conversions.conversion_times[row]));
    }
    let total = data.conversions.len() as u64;
    go_on(progress, Phase::Assembling, 0, total)?;
    let journeys = Journeys::assemble(&data.clicks, &data.conversions, &options.journeys)?;
    go_on(progress, Phase::Assembling, total, total)?;
    let missing = |row: &usize| journeys.rows(*row).contains(&MISSING_CLICK);
    let missing_clicks = (0..journeys.len()).filter(missing).count() as u64;
    let scopes = ScopeSet::NONE.with(options.scope_type);
    let batch = journeys.into_batch(&data.conversions, &data.clicks, scopes)?;
    // The touches have all that is needed of the clicks.
    drop(data);
    let tally = Tally::new(models, options, options.threads.unwrap_or(0));
    let mut done = 0;
    tally.add(&batch.batch(), |rows| {
        done += rows as u64;
        go_on(progress, Phase::Calculating, done, total)
    })?;
    finish(tally, models, baseline, options, missing_clicks)
}

/// The place of the baseline, if the models and it can be.
pub(crate) fn check_models(models: &[Model], options: &CompareOptions) -> Result<usize, Error> {
    if models.is_empty() {
        return Err(Error::input("model", "found none", "one or more"));
    }
    let mut names: Vec<&str> = models.iter().map(Model::name).collect();
    let Some(baseline) = &options.baseline else {
        names.sort_unstable();
        return unique(&names).map(|()| 0);
    };
    let place = names.iter().position(|name| name == baseline);
    let Some(place) = place else {
        return Err(Error::input(
            "baseline",
            format!("found {}, which is none of the models", quoted(baseline)),
            names.join(", "),
        ));
    };
    names.sort_unstable();
    unique(&names).map(|()| place)
}

fn unique(sorted: &[&str]) -> Result<(), Error> {
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::input(
            "model",
            format!("found two models named {}", quoted(pair[0])),
            "a name of its own for each (name=kind:...)",
        )),
        None => Ok(()),
    }
}

fn finish(
    tally: Tally<'_>,
    models: &[Model],
    baseline: usize,
    options: &CompareOptions,
    missing_clicks: u64,
) -> Result<Comparison, Error> {
    let tallied = tally.finish()?;
    let counts = tallied.counts;
    let mut comparison = Comparison {
        start: options.window.map(Window::start),
        end: options.window.map(Window::end),
        scope_type: options.scope_type.name().to_owned(),
        scope_id: options.scope_id,
        baseline: models[baseline].name().to_owned(),
        resamples: options.resamples,
        conversions: counts.conversions,
        touches: counts.touches,
        multi_touch_journeys: counts.multi_touch,
        missing_clicks,
        rows: Vec::new(),
    };
    rows::fill(&mut comparison, &tallied, models, baseline, options.scope_type);
    Ok(comparison)
}
