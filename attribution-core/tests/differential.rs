//! Whole runs over generated data sets against the slow, obvious second implementation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod reference;

use attribution_core::{
    Credit, MemoryStore, Model, Money, RunOptions, Scope, ScopeSet, ScopeType, Snapshot, run,
};
use proptest::prelude::*;

use reference::data_sets::{DataSet, assembly, cases, data_set, kinds};
use reference::{Assembly, Journey, Kind, Results, Row, assemble, attribute, weights};

fn scope_sets() -> impl Strategy<Value = Vec<ScopeType>> {
    prop_oneof![
        Just(ScopeType::ALL.to_vec()),
        proptest::sample::subsequence(ScopeType::ALL.to_vec(), 0..=7)
    ]
}

/// The weights of a journey by the reference, except that time decay's are the crate's once they
/// have been found within one unit of the reference's: the system's power of two may differ from
/// the project's in its last bit.
fn agreed_weights(kind: Kind, model: &Model, journey: &Journey) -> Vec<u64> {
    let expected = weights(kind, journey);
    let found = model
        .weights(journey.conversion_time, journey.converting_position(), &journey.click_times())
        .unwrap();
    let allowed = u64::from(matches!(kind, Kind::TimeDecay { .. }));
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert!(found.abs_diff(*expected) <= allowed, "{kind:?}: {found}, expected {expected}");
    }
    found
}

fn snapshots_of(results: &Results) -> Vec<Snapshot> {
    let units = |units: i128| Money::from_units(i64::try_from(units).unwrap());
    let snapshot = |(slice, totals): (&reference::Slice, &reference::Totals)| Snapshot {
        scope: Scope::new(slice.0.parse().unwrap(), slice.1).unwrap(),
        date_hour: slice.2,
        attributed_clicks: totals.clicks,
        attributed_conversions: totals.conversions,
        credited_conversions: Credit::from_units(u64::try_from(totals.credit).unwrap()),
        revenue: units(totals.revenue),
        cost: units(totals.cost),
    };
    results.totals.iter().map(snapshot).collect()
}

fn compare(
    data: &DataSet,
    assembly: Assembly,
    kinds: &[Kind],
    scopes: &[ScopeType],
    threads: usize,
) {
    let models: Vec<Model> = kinds.iter().map(|kind| kind.model()).collect();
    let options = RunOptions {
        journeys: assembly.into(),
        scopes: scopes.iter().copied().collect::<ScopeSet>(),
        threads,
    };
    let mut source = MemoryStore::new(data.columns());
    let mut sink = MemoryStore::default();
    let report = run(&mut source, &mut sink, &models, &options, &()).unwrap();

    let mut journeys: Vec<Journey> = data
        .conversions
        .iter()
        .map(|conversion| assemble(&data.clicks, conversion, assembly))
        .collect();
    journeys.sort_by_key(|journey| journey.conversion_id);
    assert_eq!(report.clicks, data.clicks.len() as u64);
    assert_eq!(report.conversions, data.conversions.len() as u64);
    let touches: usize = journeys.iter().map(|journey| journey.touches.len()).sum();
    assert_eq!(report.touches, touches as u64);
    let missing = journeys.iter().filter(|journey| journey.click_missing).count();
    assert_eq!(report.missing_clicks, missing as u64);

    let ids: Vec<u64> = journeys.iter().map(|journey| journey.conversion_id).collect();
    let names: Vec<&'static str> = scopes.iter().map(|scope| scope.name()).collect();
    let mut by_name: Vec<(&Model, Kind)> = models.iter().zip(kinds.iter().copied()).collect();
    by_name.sort_by_key(|(model, _)| model.name());
    assert_eq!(sink.results().len(), kinds.len());
    let results = sink.results().iter().zip(&report.models);
    for ((model, kind), ((found_model, found), report)) in by_name.into_iter().zip(results) {
        assert_eq!((found_model, report.name.as_str()), (model, model.name()));
        let weighed: Vec<(Journey, Vec<u64>)> = journeys
            .iter()
            .map(|journey| (journey.clone(), agreed_weights(kind, model, journey)))
            .collect();
        let expected = attribute(&weighed, &names);

        let touchpoints = &found.touchpoints;
        let rows: Vec<Row> = (0..touchpoints.len())
            .map(|row| Row {
                conversion_id: ids[touchpoints.conversions[row] as usize],
                click_id: touchpoints.click_ids[row],
                position: touchpoints.positions[row],
                credit: touchpoints.credits[row],
                stored_credit: i64::from(touchpoints.stored_credits[row]),
                revenue: touchpoints.revenues[row],
                cost: touchpoints.costs[row],
            })
            .collect();
        assert_eq!(rows, expected.rows, "{kind:?}");
        assert_eq!(found.snapshots, snapshots_of(&expected), "{kind:?}");

        assert_eq!(report.touchpoints, rows.len() as u64);
        assert_eq!(report.snapshots, expected.totals.len() as u64);
        assert_eq!(report.credited_conversions.units(), 100_000 * ids.len() as u64);
        let payouts = journeys.iter().map(|journey| journey.payout).sum();
        assert_eq!(report.revenue, Money::from_units(payouts));
        let costs = journeys.iter().map(|journey| journey.cost).sum();
        assert_eq!(report.cost, Money::from_units(costs));
    }
}

proptest! {
    #![proptest_config(cases(600))]

    #[test]
    fn a_run_gives_what_the_reference_gives(
        data in data_set(),
        assembly in assembly(),
        kinds in kinds(),
        scopes in scope_sets(),
        threads in 1..=4_usize,
    ) {
        compare(&data, assembly, &kinds, &scopes, threads);
    }
}

/// Where every age is a whole number of half-lives, both powers of two are exact.
#[test]
fn time_decay_is_exact_at_whole_half_lives() {
    let half_life_hours = 3;
    let model = Kind::TimeDecay { half_life_hours }.model();
    let conversion_time = 2_000_000_000;
    let times: Vec<u32> =
        (0..60).rev().map(|age| conversion_time - age * half_life_hours * 3_600).collect();
    let found = model.weights(conversion_time, 0, &times).unwrap();
    let expected: Vec<u64> =
        (0..60_u32).rev().map(|age| if age <= 46 { 1_u64 << (46 - age) } else { 0 }).collect();
    assert_eq!(found, expected);
}
