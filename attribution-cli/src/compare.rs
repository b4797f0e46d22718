//! `attribution compare`

use attribution_core::{
    CompareOptions, Comparison, ComparisonRow, CsvSource, Error, JourneyOptions, Model, ScopeSet,
    compare as compare_files,
};

use crate::arguments::{CompareArguments, ComparisonFormat, DatabaseArguments, WindowArguments};
use crate::database::{open, window};
use crate::progress::Bar;
use crate::screen;

pub(crate) fn compare(arguments: &CompareArguments) -> Result<(), Error> {
    let times = WindowArguments { start: arguments.start, end: arguments.end };
    let mut options = CompareOptions::new(None);
    options.scope_type = arguments.scope.scope_type;
    options.scope_id = arguments.scope.scope_id;
    options.baseline.clone_from(&arguments.baseline);
    options.resamples = arguments.resamples;
    options.threads = arguments.threads.map(usize::from);
    let comparison = match (&arguments.clicks, &arguments.conversions) {
        (Some(clicks), Some(conversions)) => {
            if arguments.start.is_some() || arguments.end.is_some() {
                let start = arguments.start.unwrap_or(0);
                let end = arguments.end.unwrap_or(u32::MAX);
                options.window = Some(attribution_core::Window::new(start, end)?);
            }
            options.journeys = JourneyOptions {
                key: arguments.journey,
                lookback_seconds: arguments.lookback,
                max_touches: arguments.max_touches,
            };
            let models: Result<Vec<Model>, Error> =
                arguments.models.iter().map(|spec| Model::from_spec(spec)).collect();
            let models = models?;
            let mut source = CsvSource::new(clicks, conversions)
                .scopes(ScopeSet::NONE.with(options.scope_type))
                .threads(options.threads.unwrap_or(0));
            let bar = Bar::new()?;
            let outcome = compare_files(&mut source, &models, &options, &bar);
            bar.finish();
            outcome?
        }
        _ => {
            let (Some(database), Some(user)) = (arguments.database.clone(), arguments.user) else {
                return Err(Error::Model(attribution_core::ModelError {
                    field: "--database".to_owned(),
                    given: "nothing was given".to_owned(),
                    allowed: "a database, or --clicks and --conversions".to_owned(),
                }));
            };
            options.window = Some(window(&times)?);
            let store = open(&DatabaseArguments { database, replica: arguments.replica.clone() })?;
            let bar = Bar::new()?;
            let outcome = store.compare(user, &arguments.models, &options, &bar);
            bar.finish();
            outcome?
        }
    };
    match arguments.format {
        ComparisonFormat::Table => screen::print(&table(&comparison)),
        ComparisonFormat::Json => screen::print(&(comparison.to_json()? + "\n")),
        ComparisonFormat::Csv => {
            let mut csv = Vec::new();
            comparison.write_csv(&mut csv)?;
            screen::print(&String::from_utf8_lossy(&csv))
        }
    }
}

/// What a row of the table is of.
fn label(comparison: &Comparison, row: &ComparisonRow) -> String {
    match row.scope_id {
        Some(id) => format!("{} {id}: {}", comparison.scope_type, row.model),
        None => row.model.clone(),
    }
}

fn table(comparison: &Comparison) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let amount = |money: attribution_core::Money| screen::amount(money.units());
    let credit = |units: u64| screen::amount(i64::try_from(units).unwrap_or(i64::MAX));
    let percent = |percent: Option<attribution_core::Percent>| {
        percent.map_or_else(|| "-".to_owned(), |percent| percent.to_string())
    };
    for row in &comparison.rows {
        rows.push(vec![
            label(comparison, row),
            credit(row.credited_conversions.units()),
            amount(row.revenue),
            amount(row.cost),
            amount(row.profit),
            percent(row.roi_percent),
        ]);
        if let Some(of) = &row.intervals {
            rows.push(vec![
                "  from".to_owned(),
                credit(of.credited_conversions.low.units()),
                amount(of.revenue.low),
                amount(of.cost.low),
                amount(of.profit.low),
                percent(of.roi_percent.map(|roi| roi.low)),
            ]);
            rows.push(vec![
                "  to".to_owned(),
                credit(of.credited_conversions.high.units()),
                amount(of.revenue.high),
                amount(of.cost.high),
                amount(of.profit.high),
                percent(of.roi_percent.map(|roi| roi.high)),
            ]);
        }
        let Some(difference) = &row.difference else { continue };
        rows.push(vec![
            "  difference".to_owned(),
            screen::amount(difference.credited_conversions.units()),
            amount(difference.revenue),
            amount(difference.cost),
            amount(difference.profit),
            percent(difference.roi_percent),
        ]);
        if let Some(of) = &difference.intervals {
            rows.push(vec![
                "    from".to_owned(),
                screen::amount(of.credited_conversions.low.units()),
                amount(of.revenue.low),
                amount(of.cost.low),
                amount(of.profit.low),
                percent(of.roi_percent.map(|roi| roi.low)),
            ]);
            rows.push(vec![
                "    to".to_owned(),
                screen::amount(of.credited_conversions.high.units()),
                amount(of.revenue.high),
                amount(of.cost.high),
                amount(of.profit.high),
                percent(of.roi_percent.map(|roi| roi.high)),
            ]);
        }
    }
    let mut text = format!(
        "{} conversions, {} with several touches; compared to {}",
        screen::thousands(comparison.conversions),
        screen::thousands(comparison.multi_touch_journeys),
        comparison.baseline,
    );
    if comparison.resamples > 0 {
        text += &format!(
            "; 95 % intervals of {} resamples",
            screen::thousands(comparison.resamples.into())
        );
    }
    text.push('\n');
    if comparison.missing_clicks > 0 {
        let missing = screen::thousands(comparison.missing_clicks);
        text += &format!("{missing} conversions lack their click\n");
    }
    let titles = ["model", "credited", "revenue", "cost", "profit", "ROI %"];
    text += &screen::table(&titles, &rows, 1);
    for row in &comparison.rows {
        for hint in &row.hints {
            text += &format!("{}: {hint}\n", label(comparison, row));
        }
    }
    text
}
