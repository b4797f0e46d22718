//! `attribution compare`

use std::path::Path;

use attribution_core::{
    CompareOptions, Comparison, ComparisonRow, CreditDifference, CsvSource, Error, Interval,
    JourneyOptions, Model, ModelError, Money, Percent, ScopeSet, Window, compare as compare_files,
};

use crate::arguments::{CompareArguments, ComparisonFormat, DatabaseArguments, WindowArguments};
use crate::database::{open, window};
use crate::progress::Bar;
use crate::screen;

pub(crate) fn compare(arguments: &CompareArguments) -> Result<(), Error> {
    let mut options = CompareOptions::new(None);
    options.scope_type = arguments.scope.scope_type;
    options.scope_id = arguments.scope.scope_id;
    options.baseline.clone_from(&arguments.baseline);
    options.resamples = arguments.resamples;
    options.threads = arguments.threads.map(usize::from);
    let comparison = match (&arguments.clicks, &arguments.conversions) {
        (Some(clicks), Some(conversions)) => of_files(clicks, conversions, arguments, options),
        _ => of_database(arguments, options),
    }?;
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

fn of_files(
    clicks: &Path,
    conversions: &Path,
    arguments: &CompareArguments,
    mut options: CompareOptions,
) -> Result<Comparison, Error> {
    if arguments.start.is_some() || arguments.end.is_some() {
        let (start, end) = (arguments.start.unwrap_or(0), arguments.end.unwrap_or(u32::MAX));
        options.window = Some(Window::new(start, end)?);
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
    outcome
}

fn of_database(
    arguments: &CompareArguments,
    mut options: CompareOptions,
) -> Result<Comparison, Error> {
    let (Some(database), Some(user)) = (arguments.database.clone(), arguments.user) else {
        return Err(Error::Model(ModelError {
            field: "--database".to_owned(),
            given: "nothing was given".to_owned(),
            allowed: "a database, or --clicks and --conversions".to_owned(),
        }));
    };
    let times = WindowArguments { start: arguments.start, end: arguments.end };
    options.window = Some(window(&times)?);
    let store = open(&DatabaseArguments { database, replica: arguments.replica.clone() })?;
    let bar = Bar::new()?;
    let outcome = store.compare(user, &arguments.models, &options, &bar);
    bar.finish();
    outcome
}

/// What a row of the table is of.
fn label(comparison: &Comparison, row: &ComparisonRow) -> String {
    match row.scope_id {
        Some(id) => format!("{} {id}: {}", comparison.scope_type, row.model),
        None => row.model.clone(),
    }
}

/// A line of the table.
fn line(label: String, credit: String, money: [Money; 3], roi: Option<Percent>) -> Vec<String> {
    let mut line = vec![label, credit];
    line.extend(money.map(|money| screen::amount(money.units())));
    line.push(roi.map_or_else(|| "-".to_owned(), |roi| roi.to_string()));
    line
}

fn credit(credit: attribution_core::Credit) -> String {
    screen::amount(i64::try_from(credit.units()).unwrap_or(i64::MAX))
}

fn credit_difference(difference: CreditDifference) -> String {
    screen::amount(difference.units())
}

/// The lines of a row: its figures, their intervals, and the same of its difference.
fn lines(label: String, row: &ComparisonRow) -> Vec<Vec<String>> {
    fn low<T>(interval: Interval<T>) -> T {
        interval.low
    }
    fn high<T>(interval: Interval<T>) -> T {
        interval.high
    }
    let money = [row.revenue, row.cost, row.profit];
    let mut lines = vec![line(label, credit(row.credited_conversions), money, row.roi_percent)];
    if let Some(of) = row.intervals {
        let money = [of.revenue, of.cost, of.profit];
        let (credits, roi) = (of.credited_conversions, of.roi_percent);
        let (from, to) = ("  from".to_owned(), "  to".to_owned());
        lines.push(line(from, credit(credits.low), money.map(low), roi.map(low)));
        lines.push(line(to, credit(credits.high), money.map(high), roi.map(high)));
    }
    let Some(difference) = &row.difference else { return lines };
    let money = [difference.revenue, difference.cost, difference.profit];
    let credits = credit_difference(difference.credited_conversions);
    lines.push(line("  difference".to_owned(), credits, money, difference.roi_percent));
    if let Some(of) = difference.intervals {
        let money = [of.revenue, of.cost, of.profit];
        let (credits, roi) = (of.credited_conversions, of.roi_percent);
        let (from, to) = ("    from".to_owned(), "    to".to_owned());
        lines.push(line(from, credit_difference(credits.low), money.map(low), roi.map(low)));
        lines.push(line(to, credit_difference(credits.high), money.map(high), roi.map(high)));
    }
    lines
}

fn table(comparison: &Comparison) -> String {
    let mut head = vec![format!(
        "{} conversions, {} with several touches",
        screen::thousands(comparison.conversions),
        screen::thousands(comparison.multi_touch_journeys),
    )];
    if comparison.missing_clicks > 0 {
        let missing = screen::thousands(comparison.missing_clicks);
        head.push(format!("{missing} conversions lack their click"));
    }
    head.push(format!("difference: to {}", comparison.baseline));
    if comparison.resamples > 0 {
        let resamples = screen::thousands(comparison.resamples.into());
        head.push(format!("from, to: 95 % interval, of {resamples} resamples"));
    }
    let rows: Vec<Vec<String>> =
        comparison.rows.iter().flat_map(|row| lines(label(comparison, row), row)).collect();
    let titles = ["model", "credited", "revenue", "cost", "profit", "ROI %"];
    let mut text = head.join("\n") + "\n\n" + &screen::table(&titles, &rows, 1);
    for row in &comparison.rows {
        for hint in &row.hints {
            let label = label(comparison, row);
            text.extend([&label, ": ", hint, "\n"]);
        }
    }
    text
}
