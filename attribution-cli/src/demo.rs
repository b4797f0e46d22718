//! `attribution demo`: a sample, a run of all models on it, and how they differ.

use std::collections::BTreeMap;

use attribution_core::{
    CsvSource, Error, JourneyKey, JourneyOptions, MemoryStore, Model, ModelKind, RunOptions,
    ScopeSet, ScopeType, run,
};
use tempfile::TempDir;

use crate::progress::Bar;
use crate::{sample, screen};

const VISITORS: u64 = 20_000;
const SEED: u64 = 1;
const CAMPAIGNS_SHOWN: usize = 10;

pub(crate) fn demo() -> Result<(), Error> {
    let failed = |source| Error::Io { what: "a temporary folder".to_owned(), source };
    let folder = TempDir::with_prefix("attribution-demo.").map_err(failed)?;
    let bar = Bar::new()?;
    let stop = || bar.asked_to_stop();
    let written = sample::write(folder.path(), VISITORS, SEED, &stop).map_err(failed)?;
    written.ok_or(Error::Cancelled)?;

    let specs = ModelKind::ALL.into_iter().filter_map(ModelKind::example_spec);
    let models: Vec<Model> = specs.map(Model::from_spec).collect::<Result<_, _>>()?;
    let scopes = ScopeSet::GLOBAL.with(ScopeType::Campaign);
    let (clicks, conversions) =
        (folder.path().join("clicks.csv"), folder.path().join("conversions.csv"));
    let mut source = CsvSource::new(clicks, conversions).scopes(scopes);
    let mut sink = MemoryStore::default();
    // Touches of any campaign count, so that campaigns share credit.
    let journeys = JourneyOptions { key: JourneyKey::Visitor, ..JourneyOptions::default() };
    let options = RunOptions { journeys, scopes, ..RunOptions::default() };
    let outcome = run(&mut source, &mut sink, &models, &options, &bar);
    bar.finish();
    let report = outcome?;

    // Revenue by campaign, one column for each model, in the order the kinds are listed.
    let mut revenues: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
    let mut totals = vec![0; models.len()];
    for (column, model) in models.iter().enumerate() {
        let result = sink.results().iter().find(|(of, _)| of.name() == model.name());
        for snapshot in result.iter().flat_map(|(_, result)| &result.snapshots) {
            match snapshot.scope.id() {
                None => totals[column] += snapshot.revenue.units(),
                Some(campaign) => {
                    let row = revenues.entry(campaign).or_insert_with(|| vec![0; models.len()]);
                    row[column] += snapshot.revenue.units();
                }
            }
        }
    }
    let mut campaigns: Vec<(u64, Vec<i64>)> = revenues.into_iter().collect();
    campaigns.sort_by_key(|(campaign, revenues)| (std::cmp::Reverse(revenues[0]), *campaign));
    let others = campaigns.split_off(campaigns.len().min(CAMPAIGNS_SHOWN));
    let mut rest = vec![0; models.len()];
    for (_, revenues) in &others {
        for (sum, revenue) in rest.iter_mut().zip(revenues) {
            *sum += revenue;
        }
    }

    let line = |name: String, revenues: &[i64]| {
        let mut row = vec![name];
        row.extend(revenues.iter().map(|revenue| screen::whole_amount(*revenue)));
        row
    };
    let mut rows: Vec<Vec<String>> =
        campaigns.iter().map(|(campaign, revenues)| line(campaign.to_string(), revenues)).collect();
    rows.push(line(format!("{} more", others.len()), &rest));
    rows.push(line("all".to_owned(), &totals));
    let titles: Vec<String> = std::iter::once("campaign".to_owned())
        .chain(models.iter().map(|model| model.name().replace('_', " ")))
        .collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    screen::print(&format!(
        "{}\n{} clicks of {} visitors, {} conversions, {} touches.\n\
         Revenue by campaign, in whole units, journeys by visitor:\n\n{}\n\
         Every model hands out the same {} to the last cent, to different clicks.\n\
         Next: attribution sample, attribution run, attribution models (each has --help)\n",
        screen::heading("A sample under every model"),
        screen::thousands(report.clicks),
        screen::thousands(VISITORS),
        screen::thousands(report.conversions),
        screen::thousands(report.touches),
        screen::table(&titles, &rows, 1),
        screen::amount(totals[0]),
    ))
}
