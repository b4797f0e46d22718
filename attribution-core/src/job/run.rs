//! The main job: from a source of clicks and conversions to a sink of credits and snapshots.

use super::progress::{Phase, Progress, go_on};
use super::store::{ResultSink, RowEncoder, Source};
use crate::domain::clicks::{Conversions, MISSING_CLICK};
use crate::domain::journey::{JourneyOptions, Journeys};
use crate::domain::model::Model;
use crate::engine::calculate::{Chunked, Engine};
use crate::engine::snapshot::SnapshotTable;
use crate::ground::error::{Defect, Defects, Error, quoted};
use crate::ground::money::{Credit, Money};
use crate::ground::scope::{ScopeSet, ScopeType};

/// How to run.
///
/// ```
/// let options = attribution_core::RunOptions::default();
/// assert_eq!(options.threads, 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunOptions {
    /// How journeys are assembled.
    pub journeys: JourneyOptions,
    /// Which snapshots are made.
    pub scopes: ScopeSet,
    /// On how many threads; 0 means one for each processor.
    pub threads: usize,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { journeys: JourneyOptions::default(), scopes: ScopeSet::GLOBAL, threads: 0 }
    }
}

/// What a run did.
///
/// ```
/// let report = attribution_core::RunReport::default();
/// assert_eq!(report.conversions, 0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunReport {
    /// Clicks read.
    pub clicks: u64,
    /// Conversions read.
    pub conversions: u64,
    /// Touches of all journeys together.
    pub touches: u64,
    /// Conversions whose converting click is not among the clicks.
    pub missing_clicks: u64,
    /// Each model in the order of their names.
    pub models: Vec<ModelReport>,
}

/// What a run did for one model.
///
/// ```
/// let report = attribution_core::ModelReport::default();
/// assert_eq!(report.touchpoints, 0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelReport {
    /// The model's name.
    pub name: String,
    /// Credited touches written.
    pub touchpoints: u64,
    /// Snapshots written.
    pub snapshots: u64,
    /// The sum of the stored credits: as many as there are conversions.
    pub credited_conversions: Credit,
    /// The sum of the payouts.
    pub revenue: Money,
    /// The sum of the costs.
    pub cost: Money,
}

/// Runs models over all that a source has, and gives the results to a sink: for each model, in the
/// order of their names, its credited touches by conversion id and position, then its snapshots.
/// Nothing reaches the sink before the input has been read and found good.
///
/// # Errors
/// [`Error::Input`] for two models of one name, a conversion id that is there twice, and whatever
/// the source finds; [`Error::Cancelled`] when `progress` asks to stop; and whatever the sink fails
/// with. The sink is told to commit only when everything has been written.
///
/// ```
/// use attribution_core::{run, Clicks, Conversions, Dataset, MemoryStore, Model, RunOptions};
/// let mut source = MemoryStore::new(Dataset::default());
/// let mut sink = MemoryStore::default();
/// let models = [Model::from_spec("linear")?];
/// let report = run(&mut source, &mut sink, &models, &RunOptions::default(), &())?;
/// assert_eq!(report.models[0].name, "linear");
/// # Ok::<(), attribution_core::Error>(())
/// ```
pub fn run<S: ResultSink>(
    source: &mut impl Source,
    sink: &mut S,
    models: &[Model],
    options: &RunOptions,
    progress: &dyn Progress,
) -> Result<RunReport, Error> {
    options.journeys.check()?;
    let mut models: Vec<&Model> = models.iter().collect();
    models.sort_by_key(|model| model.name());
    if let Some(pair) = models.windows(2).find(|pair| pair[0].name() == pair[1].name()) {
        return Err(Error::input(
            "model",
            format!("found two models named {}", quoted(pair[0].name())),
            "a name of its own for each (name=kind:...)",
        ));
    }

    let mut data = source.read(progress)?;
    data.conversions.sort_by_id()?;
    check_unique(&data.conversions)?;
    let conversions = data.conversions.len() as u64;
    go_on(progress, Phase::Assembling, 0, conversions)?;
    let journeys = Journeys::assemble(&data.clicks, &data.conversions, &options.journeys)?;
    go_on(progress, Phase::Assembling, conversions, conversions)?;
    let missing = |row: &usize| journeys.rows(*row).contains(&MISSING_CLICK);
    let mut report = RunReport {
        clicks: data.clicks.len() as u64,
        conversions,
        touches: journeys.touches() as u64,
        missing_clicks: (0..journeys.len()).filter(missing).count() as u64,
        models: Vec::with_capacity(models.len()),
    };
    let batch = journeys.into_batch(&data.conversions, &data.clicks, options.scopes)?;
    // The touches have all that is needed of the clicks.
    drop(data);
    let batch = batch.batch();
    batch.check(options.scopes)?;

    // The global totals of the report are made whether or not they were asked for.
    let scopes = options.scopes.with(ScopeType::Global);
    let engine = Engine::new().scopes(scopes).touchpoints(true).threads(options.threads);
    let total = conversions * models.len() as u64;
    let mut done = 0;
    sink.begin()?;
    for model in models {
        let encoder = sink.begin_model(model)?;
        let mut touchpoints = 0;
        let tables = engine.stream(
            std::slice::from_ref(model),
            &batch,
            |rows, parts| {
                let count = parts.first().map_or(0, |part| part.len() as u64);
                let ids = batch.columns.conversion_ids;
                let encoded = parts.first().map(|part| encoder.encode(ids, part));
                Ok((rows.len() as u64, count, encoded))
            },
            |(rows, count, encoded)| {
                touchpoints += count;
                done += rows;
                go_on(progress, Phase::Calculating, done, total)?;
                encoded.map_or(Ok(()), |encoded| sink.touchpoints(encoded))
            },
        )?;
        let mut model_report =
            ModelReport { name: model.name().to_owned(), touchpoints, ..ModelReport::default() };
        let mut snapshots: Vec<_> =
            tables.into_iter().flat_map(SnapshotTable::into_snapshots).collect();
        let (mut credit, mut revenue, mut cost) = (0, 0, 0);
        for global in snapshots.iter().filter(|snapshot| snapshot.scope.id().is_none()) {
            credit += global.credited_conversions.units();
            revenue += global.revenue.units();
            cost += global.cost.units();
        }
        model_report.credited_conversions = Credit::from_units(credit);
        model_report.revenue = Money::from_units(revenue);
        model_report.cost = Money::from_units(cost);
        if !options.scopes.contains(ScopeType::Global) {
            snapshots.retain(|snapshot| snapshot.scope.id().is_some());
        }
        model_report.snapshots = snapshots.len() as u64;
        sink.snapshots(model, &snapshots)?;
        report.models.push(model_report);
    }
    go_on(progress, Phase::Calculating, total, total)?;
    sink.commit()?;
    Ok(report)
}

pub(super) fn check_unique(sorted: &Conversions) -> Result<(), Error> {
    let mut defects = Defects::default();
    for pair in sorted.conversion_ids.windows(2).filter(|pair| pair[0] == pair[1]) {
        defects.push(Defect::new(
            "conversions.conversion_ids",
            format!("found conversion {} again", pair[1]),
            "each conversion once",
        ));
    }
    defects.into_result()
}
