//! `attribution run`

use attribution_core::{
    CsvSink, CsvSource, Error, JourneyOptions, RunOptions, RunReport, run as run_job,
};

use crate::arguments::RunArguments;
use crate::progress::Bar;
use crate::screen;

pub(crate) fn run(arguments: &RunArguments) -> Result<(), Error> {
    let threads = arguments.threads.map_or(0, usize::from);
    let mut source = CsvSource::new(&arguments.clicks, &arguments.conversions)
        .scopes(arguments.scopes)
        .threads(threads);
    let mut sink = CsvSink::new(&arguments.out, arguments.export);
    let options = RunOptions {
        journeys: JourneyOptions {
            key: arguments.journey,
            lookback_seconds: arguments.lookback,
            max_touches: arguments.max_touches,
        },
        scopes: arguments.scopes,
        threads,
    };
    let bar = Bar::new()?;
    let outcome = run_job(&mut source, &mut sink, &arguments.models, &options, &bar);
    bar.finish();
    // Whatever was written aside is removed with the sink, before anything is said.
    drop(sink);
    screen::print(&summary(&outcome?, &arguments.out.display().to_string()))
}

/// What a run did, in a few lines.
pub(crate) fn summary(report: &RunReport, out: &str) -> String {
    let rows: Vec<Vec<String>> = report
        .models
        .iter()
        .map(|model| {
            vec![
                model.name.clone(),
                screen::thousands(model.touchpoints),
                screen::thousands(model.snapshots),
                screen::amount(model.revenue.units()),
                screen::amount(model.cost.units()),
            ]
        })
        .collect();
    let titles = ["model", "touchpoints", "snapshots", "revenue", "cost"];
    format!(
        "{} clicks, {} conversions, {} touches\n{}written to {out}\n",
        screen::thousands(report.clicks),
        screen::thousands(report.conversions),
        screen::thousands(report.touches),
        screen::table(&titles, &rows, 1),
    )
}
