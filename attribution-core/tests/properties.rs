//! What holds for any input: exact sums, and results that depend on nothing but the rows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod reference;

use std::collections::BTreeMap;

use attribution_core::{
    Batch, BatchBuilder, BatchColumns, Conversion, ConversionColumns, Credit, Dimensions, Engine,
    ErrorCode, MAX_TOUCHES, MemoryStore, Model, ModelResult, Money, RunOptions, RunReport,
    SECONDS_PER_HOUR, Scope, ScopeSet, ScopeType, Snapshot, Touch, TouchColumns, apportion,
    hour_of, order_touches, run,
};
use proptest::prelude::*;
use proptest::sample::select;

use reference::data_sets::{DataSet, amount, assembly, cases, data_set, kinds};
use reference::{Assembly, Kind};

const START: u32 = 1_717_200_000;

fn all_scopes() -> ScopeSet {
    ScopeType::ALL.into_iter().collect()
}

fn models() -> impl Strategy<Value = Vec<Model>> {
    kinds().prop_map(|kinds| kinds.into_iter().map(Kind::model).collect())
}

fn touch() -> impl Strategy<Value = Touch> {
    let time = prop_oneof![0..3_u32, 0..3_000_000_u32];
    (0..120_u64, time, prop::array::uniform6(0..4_u64)).prop_map(|(click_id, time, ids)| Touch {
        click_id,
        click_time: START + time,
        campaign_id: ids[0],
        account_id: ids[1],
        landing_page_id: ids[2],
        advertiser_id: ids[3],
        traffic_source_id: ids[4],
        adgroup_id: ids[5],
    })
}

/// Touches of one journey in any order, one click perhaps several times.
fn touches() -> impl Strategy<Value = Vec<Touch>> {
    prop_oneof![
        4 => prop::collection::vec(touch(), 0..8),
        1 => prop::collection::vec(touch(), 30..36),
        1 => prop::collection::vec(touch(), 60..200),
    ]
}

/// A conversion and its touches; the converting click is among them or not, and has no dimension
/// where it is not, as in the columns of ungrouped touches.
fn journey() -> impl Strategy<Value = (Conversion, Vec<Touch>)> {
    let converting = (any::<prop::sample::Index>(), prop::bool::weighted(0.8));
    let payout = (amount(), any::<bool>())
        .prop_map(|(units, negative)| if negative { -units } else { units });
    (touches(), converting, touch(), 0..4_000_000_u32, payout, amount()).prop_map(
        |(touches, (at, among), other, time, payout, cost)| {
            let click = if among && !touches.is_empty() {
                *at.get(&touches)
            } else {
                Touch { click_id: 1_000, click_time: other.click_time, ..Touch::default() }
            };
            let conversion = Conversion {
                conversion_id: 0,
                conversion_time: START + time,
                payout: Money::from_units(payout),
                cost: Money::from_units(cost),
                click,
            };
            (conversion, touches)
        },
    )
}

type Journeys = Vec<(Conversion, Vec<Touch>)>;

fn journeys() -> impl Strategy<Value = Journeys> {
    prop::collection::vec(journey(), 0..12).prop_map(|mut journeys| {
        for (row, (conversion, _)) in journeys.iter_mut().enumerate() {
            conversion.conversion_id = 500 - 7 * row as u64;
        }
        journeys
    })
}

fn batch_of(journeys: &[(Conversion, Vec<Touch>)]) -> BatchBuilder {
    let mut builder = BatchBuilder::new();
    for (conversion, touches) in journeys {
        builder.push(conversion, touches).unwrap();
    }
    builder
}

fn with_touchpoints() -> Engine {
    Engine::new().scopes(all_scopes()).touchpoints(true)
}

/// Snapshots of several batches added up.
fn merged(parts: &[Vec<Snapshot>]) -> Vec<Snapshot> {
    let mut totals: BTreeMap<(Scope, u32), Snapshot> = BTreeMap::new();
    for snapshot in parts.iter().flatten() {
        totals
            .entry((snapshot.scope, snapshot.date_hour))
            .and_modify(|total| {
                total.attributed_clicks += snapshot.attributed_clicks;
                total.attributed_conversions += snapshot.attributed_conversions;
                let credit =
                    total.credited_conversions.units() + snapshot.credited_conversions.units();
                total.credited_conversions = Credit::from_units(credit);
                total.revenue = Money::from_units(total.revenue.units() + snapshot.revenue.units());
                total.cost = Money::from_units(total.cost.units() + snapshot.cost.units());
            })
            .or_insert(*snapshot);
    }
    totals.into_values().collect()
}

fn run_memory(
    data: &DataSet,
    models: &[Model],
    assembly: Assembly,
    threads: usize,
) -> (RunReport, Vec<(Model, ModelResult)>) {
    let mut source = MemoryStore::new(data.columns());
    let mut sink = MemoryStore::default();
    let options = RunOptions { journeys: assembly.into(), scopes: all_scopes(), threads };
    let report = run(&mut source, &mut sink, models, &options, &()).unwrap();
    (report, sink.results().to_vec())
}

fn shuffled_data() -> impl Strategy<Value = (DataSet, DataSet)> {
    data_set().prop_flat_map(|data| {
        let clicks = Just(data.clicks.clone()).prop_shuffle();
        let conversions = Just(data.conversions.clone()).prop_shuffle();
        let shuffled =
            (clicks, conversions).prop_map(|(clicks, conversions)| DataSet { clicks, conversions });
        (Just(data), shuffled)
    })
}

/// The columns of [`Engine::calculate_ungrouped`], each touch in a row of its own.
#[derive(Debug, Clone, Default)]
struct Ungrouped {
    conversion_ids: Vec<u64>,
    converting_click_ids: Vec<u64>,
    conversion_times: Vec<u32>,
    payouts: Vec<i64>,
    costs: Vec<i64>,
    converting_click_times: Vec<u32>,
    /// The touches, each with its conversion.
    touches: Vec<(u64, Touch)>,
}

impl Ungrouped {
    fn of(journeys: &[(Conversion, Vec<Touch>)]) -> Self {
        let mut columns = Self::default();
        for (conversion, touches) in journeys {
            columns.conversion_ids.push(conversion.conversion_id);
            columns.converting_click_ids.push(conversion.click.click_id);
            columns.conversion_times.push(conversion.conversion_time);
            columns.payouts.push(conversion.payout.units());
            columns.costs.push(conversion.cost.units());
            columns.converting_click_times.push(conversion.click.click_time);
            columns.touches.extend(touches.iter().map(|touch| (conversion.conversion_id, *touch)));
        }
        columns
    }

    fn conversions(&self) -> ConversionColumns<'_> {
        ConversionColumns {
            conversion_ids: &self.conversion_ids,
            converting_click_ids: &self.converting_click_ids,
            conversion_times: &self.conversion_times,
            payouts: &self.payouts,
            costs: &self.costs,
            converting_click_times: Some(&self.converting_click_times),
        }
    }

    fn calculate(
        &self,
        engine: &Engine,
        models: &[Model],
    ) -> Result<Vec<ModelResult>, attribution_core::Error> {
        let ids: Vec<u64> = self.touches.iter().map(|(conversion, _)| *conversion).collect();
        let click_ids: Vec<u64> = self.touches.iter().map(|(_, touch)| touch.click_id).collect();
        let click_times: Vec<u32> =
            self.touches.iter().map(|(_, touch)| touch.click_time).collect();
        let columns = ScopeType::DIMENSIONS.map(|scope| {
            self.touches.iter().map(|(_, touch)| touch.dimension(scope)).collect::<Vec<u64>>()
        });
        let mut dimensions = Dimensions::default();
        for (scope, column) in ScopeType::DIMENSIONS.into_iter().zip(&columns) {
            dimensions = dimensions.with(scope, column.as_slice());
        }
        let touches = TouchColumns {
            conversion_ids: &ids,
            click_ids: &click_ids,
            click_times: &click_times,
            dimensions,
        };
        engine.calculate_ungrouped(models, &self.conversions(), &touches)
    }
}

fn ungrouped() -> impl Strategy<Value = (Journeys, Ungrouped)> {
    journeys().prop_flat_map(|journeys| {
        let columns = Ungrouped::of(&journeys);
        let touches = Just(columns.touches.clone()).prop_shuffle();
        (Just(journeys), touches.prop_map(move |touches| Ungrouped { touches, ..columns.clone() }))
    })
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn every_split_adds_up(journeys in journeys(), models in models()) {
        let builder = batch_of(&journeys);
        let batch = builder.batch();
        let results = with_touchpoints().calculate(&models, &batch).unwrap();
        for (model, result) in models.iter().zip(&results) {
            let touchpoints = &result.touchpoints;
            let mut sums = vec![(0_u64, 0_i64, 0_i64, 0.0_f64); journeys.len()];
            let mut last = None;
            for row in 0..touchpoints.len() {
                let place = (touchpoints.conversions[row], touchpoints.positions[row]);
                prop_assert!(last < Some(place), "rows are ordered");
                last = Some(place);
                let touch = batch.columns().offsets[place.0 as usize] + place.1 as usize;
                prop_assert_eq!(touchpoints.click_ids[row], batch.columns().click_ids[touch]);
                prop_assert!(touchpoints.credits[row] > 0.0 && touchpoints.credits[row] <= 1.0);
                let sum = &mut sums[place.0 as usize];
                sum.0 += u64::from(touchpoints.stored_credits[row]);
                sum.1 += touchpoints.revenues[row];
                sum.2 += touchpoints.costs[row];
                sum.3 += touchpoints.credits[row];
            }
            for ((conversion, _), (credit, revenue, cost, float)) in journeys.iter().zip(sums) {
                prop_assert_eq!(credit, 100_000, "{}", model.name());
                prop_assert_eq!(revenue, conversion.payout.units(), "{}", model.name());
                prop_assert_eq!(cost, conversion.cost.units(), "{}", model.name());
                prop_assert!((float - 1.0).abs() < 1e-12, "{} {}", model.name(), float);
            }
            let mut credits = vec![f64::NAN; batch.touches()];
            Engine::new().threads(3).credits(model, &batch, &mut credits).unwrap();
            for row in 0..touchpoints.len() {
                let touch = batch.columns().offsets[touchpoints.conversions[row] as usize]
                    + touchpoints.positions[row] as usize;
                prop_assert_eq!(credits[touch].to_bits(), touchpoints.credits[row].to_bits());
                credits[touch] = 0.0;
            }
            prop_assert!(credits.iter().all(|credit| *credit == 0.0), "the rest have none");
        }
    }

    #[test]
    fn scopes_add_up_to_global_less_the_touches_without_that_dimension(
        journeys in journeys(),
        models in models(),
    ) {
        let builder = batch_of(&journeys);
        let batch = builder.batch();
        let payouts: i64 = batch.columns().payouts.iter().sum();
        for result in with_touchpoints().calculate(&models, &batch).unwrap() {
            // Clicks, stored credit, revenue and cost by scope type and hour.
            let mut sums: BTreeMap<(ScopeType, u32), [i64; 4]> = BTreeMap::new();
            let mut add = |scope_type, hour, amounts: [i64; 4]| {
                let sum = sums.entry((scope_type, hour)).or_default();
                for (sum, amount) in sum.iter_mut().zip(amounts) {
                    *sum += amount;
                }
            };
            for snapshot in &result.snapshots {
                add(snapshot.scope.scope_type(), snapshot.date_hour, [
                    snapshot.attributed_clicks as i64,
                    snapshot.credited_conversions.units() as i64,
                    snapshot.revenue.units(),
                    snapshot.cost.units(),
                ]);
            }
            let touchpoints = &result.touchpoints;
            for row in 0..touchpoints.len() {
                let conversion = touchpoints.conversions[row] as usize;
                let touch =
                    batch.columns().offsets[conversion] + touchpoints.positions[row] as usize;
                let hour = hour_of(batch.columns().conversion_times[conversion]);
                for scope_type in ScopeType::DIMENSIONS {
                    if batch.columns().dimensions.get(scope_type).unwrap()[touch] == 0 {
                        add(scope_type, hour, [
                            1,
                            i64::from(touchpoints.stored_credits[row]),
                            touchpoints.revenues[row],
                            touchpoints.costs[row],
                        ]);
                    }
                }
            }
            let mut revenue = 0;
            for ((scope_type, hour), sum) in &sums {
                prop_assert_eq!(sum, &sums[&(ScopeType::Global, *hour)], "{}", scope_type);
                if *scope_type == ScopeType::Global {
                    revenue += sum[2];
                }
            }
            prop_assert_eq!(revenue, payouts);
            for snapshot in &result.snapshots {
                let clicks = snapshot.attributed_clicks;
                prop_assert!((1..=clicks).contains(&snapshot.attributed_conversions));
            }
            let place = |snapshot: &Snapshot| {
                (snapshot.scope.scope_type(), snapshot.scope.id(), snapshot.date_hour)
            };
            prop_assert!(result.snapshots.is_sorted_by_key(place));
        }
    }

    #[test]
    fn the_order_of_rows_does_not_matter(
        (data, shuffled) in shuffled_data(),
        models in models(),
        assembly in assembly(),
        threads in 1..=4_usize,
    ) {
        let expected = run_memory(&data, &models, assembly, 1);
        prop_assert_eq!(run_memory(&shuffled, &models, assembly, threads), expected);
    }

    #[test]
    fn a_shift_by_whole_hours_shifts_nothing_but_the_hours(
        data in data_set(),
        models in models(),
        assembly in assembly(),
        backwards in any::<bool>(),
        most_hours in 0..50_000_u32,
    ) {
        let times = data.clicks.iter().map(|click| click.time).chain(
            data.conversions.iter().flat_map(|row| [row.time, row.click_time.unwrap_or(row.time)]),
        );
        let (first, last) = times.fold((u32::MAX, 0), |(first, last), time| {
            (first.min(time), last.max(time))
        });
        let room = if backwards { first.min(last) } else { u32::MAX - last };
        let seconds = most_hours.min(room / SECONDS_PER_HOUR) * SECONDS_PER_HOUR;
        let shift = |time: &mut u32| {
            *time = if backwards { *time - seconds } else { *time + seconds };
        };
        let mut shifted = data.clone();
        for click in &mut shifted.clicks {
            shift(&mut click.time);
        }
        for conversion in &mut shifted.conversions {
            shift(&mut conversion.time);
            conversion.click_time.iter_mut().for_each(shift);
        }
        let (report, mut expected) = run_memory(&data, &models, assembly, 1);
        for (_, result) in &mut expected {
            for snapshot in &mut result.snapshots {
                shift(&mut snapshot.date_hour);
            }
        }
        prop_assert_eq!(run_memory(&shifted, &models, assembly, 1), (report, expected));
    }

    #[test]
    fn the_size_of_batches_does_not_matter(
        journeys in journeys(),
        models in models(),
        size in 1..5_usize,
        threads in 1..=4_usize,
    ) {
        let engine = with_touchpoints();
        let expected = engine.calculate(&models, &batch_of(&journeys).batch()).unwrap();
        let parts: Vec<Vec<ModelResult>> = journeys
            .chunks(size)
            .map(|part| {
                let engine = engine.clone().threads(threads);
                engine.calculate(&models, &batch_of(part).batch()).unwrap()
            })
            .collect();
        for (model, expected) in expected.iter().enumerate() {
            let snapshots: Vec<_> =
                parts.iter().map(|part| part[model].snapshots.clone()).collect();
            prop_assert_eq!(&merged(&snapshots), &expected.snapshots);
            let revenues: Vec<i64> =
                parts.iter().flat_map(|part| part[model].touchpoints.revenues.clone()).collect();
            prop_assert_eq!(&revenues, &expected.touchpoints.revenues);
        }
    }

    #[test]
    fn ungrouped_touches_give_what_grouped_ones_give(
        (journeys, ungrouped) in ungrouped(),
        models in models(),
        threads in 1..=4_usize,
        touchpoints in any::<bool>(),
        scopes in select(vec![ScopeSet::NONE, ScopeSet::GLOBAL, all_scopes()]),
    ) {
        let engine = Engine::new().scopes(scopes).touchpoints(touchpoints);
        let expected = engine.calculate(&models, &batch_of(&journeys).batch()).unwrap();
        let found = ungrouped.calculate(&engine.threads(threads), &models).unwrap();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn ordering_is_idempotent_and_blind_to_the_order_before(
        (touches, shuffled) in touches().prop_flat_map(|touches| {
            (Just(touches.clone()), Just(touches).prop_shuffle())
        }),
        converting in touch(),
    ) {
        let mut ordered = touches.clone();
        order_touches(&mut ordered, converting);
        let mut again = ordered.clone();
        order_touches(&mut again, converting);
        prop_assert_eq!(&again, &ordered);
        let mut other = shuffled;
        order_touches(&mut other, converting);
        prop_assert_eq!(&other, &ordered);

        let place = |touch: &Touch| (touch.click_time, touch.click_id);
        prop_assert!(ordered.windows(2).all(|pair| place(&pair[0]) < place(&pair[1])));
        for touch in &ordered {
            let times = touches.iter().filter(|other| other.click_id == touch.click_id);
            let earliest = times.map(|other| other.click_time).min();
            prop_assert_eq!(touch.click_time, earliest.unwrap_or(converting.click_time));
        }
        prop_assert!(ordered.iter().any(|touch| touch.click_id == converting.click_id));
        let mut ids: Vec<u64> = touches.iter().map(|touch| touch.click_id).collect();
        ids.push(converting.click_id);
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(ordered.len(), ids.len());
    }

    #[test]
    fn parts_are_off_their_share_by_less_than_one(
        total in any::<i64>(),
        weights in prop::collection::vec(prop_oneof![0..5_u64, 0..1_u64 << 46], 1..80),
    ) {
        let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
        prop_assume!(sum > 0);
        let parts = apportion(total, &weights).unwrap();
        prop_assert_eq!(&parts, &reference::apportion(total, &weights));
        let whole: i128 = parts.iter().map(|part| i128::from(*part)).sum();
        prop_assert_eq!(whole, i128::from(total));
        for (part, weight) in parts.iter().zip(&weights) {
            let product = u128::from(total.unsigned_abs()) * u128::from(*weight);
            let part = u128::from(part.unsigned_abs());
            prop_assert!(part == product / sum || (part == product / sum + 1 && product % sum > 0));
        }
    }
}

/// More conversions than one thread takes at a time, so that threads do share the work.
fn many_journeys() -> Journeys {
    let mut state = 1_u64;
    let mut below = move |limit: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    (0..4_500)
        .map(|row| {
            let touches: Vec<Touch> = (0..below(7))
                .map(|_| Touch {
                    click_id: below(40),
                    click_time: START + below(3_000_000) as u32,
                    campaign_id: below(5),
                    account_id: below(300),
                    landing_page_id: below(3),
                    ..Touch::default()
                })
                .collect();
            let click = touches.first().copied().unwrap_or(Touch {
                click_id: 99,
                click_time: START + below(3_000_000) as u32,
                ..Touch::default()
            });
            let conversion = Conversion {
                conversion_id: 20_000 - row,
                conversion_time: START + below(3_000_000) as u32,
                payout: Money::from_units(below(1_000_000_000) as i64 - 10_000),
                cost: Money::from_units(below(10_000) as i64),
                click,
            };
            (conversion, touches)
        })
        .collect()
}

fn six_models() -> Vec<Model> {
    ["last_touch", "first_touch", "linear", "assisted", "time_decay:half_life_hours=48"]
        .into_iter()
        .chain(["position_based:first_touch_weight=0.4,last_touch_weight=0.2"])
        .map(|spec| Model::from_spec(spec).unwrap())
        .collect()
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let journeys = many_journeys();
    let builder = batch_of(&journeys);
    let (batch, models) = (builder.batch(), six_models());
    let ungrouped = Ungrouped::of(&journeys);
    for touchpoints in [true, false] {
        let engine = with_touchpoints().touchpoints(touchpoints);
        let expected = engine.calculate(&models, &batch).unwrap();
        for threads in [0, 2, 3, 4] {
            let engine = engine.clone().threads(threads);
            assert!(engine.calculate(&models, &batch).unwrap() == expected, "{threads} threads");
            let found = ungrouped.calculate(&engine, &models).unwrap();
            assert!(found == expected, "{threads} threads, ungrouped");
        }
    }
    let mut one = vec![0.0; batch.touches()];
    let mut four = vec![1.0; batch.touches()];
    for model in &models {
        Engine::new().credits(model, &batch, &mut one).unwrap();
        Engine::new().threads(4).credits(model, &batch, &mut four).unwrap();
        assert!(one == four, "{}", model.name());
    }
}

#[test]
fn the_longest_journey_is_split_and_a_longer_one_refused() {
    let touch = |at: usize| Touch {
        click_id: at as u64,
        click_time: START + at as u32,
        campaign_id: 1,
        ..Touch::default()
    };
    let touches: Vec<Touch> = (0..=MAX_TOUCHES).map(touch).collect();
    let conversion = Conversion {
        conversion_id: 1,
        conversion_time: START + MAX_TOUCHES as u32,
        payout: Money::from_units(i64::MAX),
        cost: Money::from_units(i64::MAX),
        click: touches[5],
    };
    let mut builder = BatchBuilder::new();
    let error = builder.push(&conversion, &touches).unwrap_err();
    assert_eq!(error.to_string(), "journeys[0]: found 65537 touches, allowed: at most 65536");
    builder.push(&conversion, &touches[..MAX_TOUCHES]).unwrap();

    for result in with_touchpoints().calculate(&six_models(), &builder.batch()).unwrap() {
        let touchpoints = &result.touchpoints;
        assert_eq!(touchpoints.stored_credits.iter().sum::<u32>(), 100_000);
        assert_eq!(touchpoints.revenues.iter().sum::<i64>(), i64::MAX);
        assert_eq!(touchpoints.costs.iter().sum::<i64>(), i64::MAX);
        assert_eq!(result.snapshots.len(), 2);
        let [campaign, global] = [result.snapshots[0], result.snapshots[1]];
        assert_eq!((campaign.revenue, campaign.cost), (global.revenue, global.cost));
        assert_eq!(global.revenue.units(), i64::MAX);
    }

    let row = (conversion, touches);
    let error = Ungrouped::of(&[row]).calculate(&with_touchpoints(), &six_models()).unwrap_err();
    let expected = "conversion_ids[0]: found 65537 touches, allowed: at most 65536";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn amounts_beyond_the_limit_are_refused_and_the_conversion_named() {
    let conversion = |conversion_id, payout, cost| Conversion {
        conversion_id,
        payout: Money::from_units(payout),
        cost: Money::from_units(cost),
        ..Conversion::default()
    };
    let calculate = |conversions: &[Conversion]| {
        let rows: Journeys = conversions.iter().map(|row| (*row, Vec::new())).collect();
        Engine::new().calculate(&six_models(), &batch_of(&rows).batch())
    };
    assert!(calculate(&[conversion(1, i64::MAX - 1, 0), conversion(2, -1, i64::MAX)]).is_ok());
    for (second, place) in [
        (conversion(7, 2, 0), "payout of conversion 7"),
        (conversion(7, -2, 0), "payout of conversion 7"),
        (conversion(7, 0, 2), "cost of conversion 7"),
    ] {
        let error = calculate(&[conversion(1, i64::MAX - 1, i64::MAX - 1), second]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Limit);
        assert!(error.to_string().starts_with(&format!("{place}: ")), "{error}");
    }
}

/// Owned columns of a good batch, for one of them to be spoilt.
#[derive(Clone)]
struct Columns {
    conversion_ids: Vec<u64>,
    converting_click_ids: Vec<u64>,
    conversion_times: Vec<u32>,
    payouts: Vec<i64>,
    costs: Vec<i64>,
    offsets: Vec<usize>,
    click_ids: Vec<u64>,
    click_times: Vec<u32>,
    campaign_ids: Vec<u64>,
}

impl Columns {
    fn good() -> Self {
        Self {
            conversion_ids: vec![1, 2],
            converting_click_ids: vec![11, 12],
            conversion_times: vec![500, 600],
            payouts: vec![100, -100],
            costs: vec![0, 5],
            offsets: vec![0, 2, 5],
            click_ids: vec![10, 11, 10, 12, 13],
            click_times: vec![100, 200, 100, 300, 300],
            campaign_ids: vec![0, 1, 2, 3, 4],
        }
    }

    fn check(&self) -> Result<usize, String> {
        Batch::new(BatchColumns {
            conversion_ids: &self.conversion_ids,
            converting_click_ids: &self.converting_click_ids,
            conversion_times: &self.conversion_times,
            payouts: &self.payouts,
            costs: &self.costs,
            offsets: &self.offsets,
            click_ids: &self.click_ids,
            click_times: &self.click_times,
            dimensions: Dimensions::default()
                .with(ScopeType::Campaign, self.campaign_ids.as_slice()),
        })
        .map(|batch| batch.touches())
        .map_err(|error| {
            assert_eq!(error.code(), ErrorCode::InvalidInput);
            error.to_string()
        })
    }
}

#[test]
#[allow(clippy::too_many_lines)]
fn a_batch_refuses_each_bad_column_and_names_the_place() {
    type Spoil = fn(&mut Columns);
    assert_eq!(Columns::good().check(), Ok(5));
    let spoilt: [(Spoil, &str); 22] = [
        (
            |columns| columns.converting_click_ids.truncate(1),
            "converting_click_ids: found 1 entries, allowed: 2, one for each of conversion_ids",
        ),
        (
            |columns| columns.conversion_times.push(1),
            "conversion_times: found 3 entries, allowed: 2, one for each of conversion_ids",
        ),
        (
            |columns| columns.payouts.clear(),
            "payouts: found 0 entries, allowed: 2, one for each of conversion_ids",
        ),
        (
            |columns| columns.costs.truncate(1),
            "costs: found 1 entries, allowed: 2, one for each of conversion_ids",
        ),
        (
            |columns| columns.offsets.truncate(2),
            "offsets: found 2 entries, allowed: 3, one more than conversion_ids",
        ),
        (
            |columns| columns.offsets.clear(),
            "offsets: found 0 entries, allowed: 3, one more than conversion_ids",
        ),
        (
            |columns| columns.click_times.truncate(4),
            "click_times: found 4 entries, allowed: 5, one for each of click_ids",
        ),
        (
            |columns| columns.campaign_ids.truncate(4),
            "campaign_ids: found 4 entries, allowed: 5, one for each of click_ids",
        ),
        (|columns| columns.offsets[0] = 1, "offsets[0]: found 1, allowed: 0"),
        (
            |columns| columns.offsets[1] = 0,
            "offsets[1]: found 0 after 0, allowed: a higher offset: no journey is empty",
        ),
        (
            |columns| columns.offsets[1] = 6,
            "offsets[2]: found 5 after 6, allowed: a higher offset: no journey is empty",
        ),
        (
            |columns| columns.offsets[1] = usize::MAX,
            "offsets[1]: found 18446744073709551615 after 0, allowed: at most 65536 touches in one \
             journey\noffsets[2]: found 5 after 18446744073709551615, allowed: a higher offset: no \
             journey is empty",
        ),
        (
            |columns| columns.offsets[2] = 4,
            "offsets[2]: found 4 at the end, allowed: 5, the number of click_ids",
        ),
        (
            |columns| columns.offsets[2] = 6,
            "offsets[2]: found 6 at the end, allowed: 5, the number of click_ids",
        ),
        (|columns| columns.costs[1] = -1, "costs[1]: found -1, allowed: 0 or more"),
        (
            |columns| columns.click_times[1] = 99,
            "click_times[1]: found click 11 at 99 out of order, allowed: each journey ordered by \
             (click time, click id)",
        ),
        (
            |columns| columns.click_ids[4] = 11,
            "click_times[4]: found click 11 at 300 out of order, allowed: each journey ordered by \
             (click time, click id)",
        ),
        (
            |columns| columns.click_ids[4] = 12,
            "click_times[4]: found click 12 at 300 out of order, allowed: each journey ordered by \
             (click time, click id)",
        ),
        (
            |columns| columns.click_ids[2] = 13,
            "click_ids[2..5]: found click 13 twice in one journey, allowed: each click once",
        ),
        (
            |columns| columns.converting_click_ids[1] = 11,
            "converting_click_ids[1]: found click 11, which its journey lacks, allowed: one of the \
             journey's click ids",
        ),
        (
            |columns| {
                columns.costs = vec![-1, -2];
            },
            "costs[0]: found -1, allowed: 0 or more\ncosts[1]: found -2, allowed: 0 or more",
        ),
        (
            |columns| {
                columns.payouts.clear();
                columns.campaign_ids.clear();
            },
            "payouts: found 0 entries, allowed: 2, one for each of conversion_ids\ncampaign_ids: \
             found 0 entries, allowed: 5, one for each of click_ids",
        ),
    ];
    for (spoil, expected) in spoilt {
        let mut columns = Columns::good();
        spoil(&mut columns);
        let message = columns.check().expect_err(expected);
        assert!(message.starts_with(expected), "found    {message}\nexpected {expected}");
    }
}

#[test]
fn a_batch_refuses_a_click_that_a_long_journey_has_twice() {
    let mut columns = Columns::good();
    columns.conversion_ids = vec![1];
    columns.converting_click_ids = vec![0];
    columns.conversion_times = vec![500];
    columns.payouts = vec![1];
    columns.costs = vec![1];
    columns.offsets = vec![0, 40];
    columns.click_ids = (0..40).collect();
    columns.click_times = (0..40).collect();
    columns.campaign_ids = vec![0; 40];
    assert_eq!(columns.check(), Ok(40));
    columns.click_ids[39] = 3;
    let expected = "click_ids[0..40]: found click 3 twice in one journey, allowed: each click once";
    assert_eq!(columns.check(), Err(expected.to_owned()));
}

#[test]
fn ungrouped_columns_refuse_each_bad_column_and_name_the_place() {
    let click = Touch { click_id: 5, click_time: START, ..Touch::default() };
    let conversion = |conversion_id| Conversion {
        conversion_id,
        conversion_time: START,
        click,
        ..Conversion::default()
    };
    let good = Ungrouped::of(&[(conversion(1), vec![click]), (conversion(2), vec![click])]);
    let engine = Engine::new();
    let models = six_models();
    assert!(good.calculate(&engine, &models).is_ok());

    let spoilt = |spoil: fn(&mut Ungrouped)| {
        let mut columns = good.clone();
        spoil(&mut columns);
        columns.calculate(&engine, &models).unwrap_err().to_string()
    };
    for (message, expected) in [
        (
            spoilt(|columns| columns.converting_click_ids.truncate(1)),
            "converting_click_ids: found 1 entries, allowed: 2, one for each of conversion_ids",
        ),
        (
            spoilt(|columns| columns.conversion_times.truncate(1)),
            "conversion_times: found 1 entries, allowed: 2, one for each of conversion_ids",
        ),
        (
            spoilt(|columns| columns.payouts.truncate(1)),
            "payouts: found 1 entries, allowed: 2, one for each of conversion_ids",
        ),
        (
            spoilt(|columns| columns.costs.truncate(1)),
            "costs: found 1 entries, allowed: 2, one for each of conversion_ids",
        ),
        (
            spoilt(|columns| columns.converting_click_times.truncate(1)),
            "converting_click_times: found 1 entries, allowed: 2, one for each of conversion_ids",
        ),
        (spoilt(|columns| columns.costs[1] = -4), "costs[1]: found -4, allowed: 0 or more"),
        (
            spoilt(|columns| columns.conversion_ids[1] = 1),
            "conversion_ids[1]: found conversion 1 again, allowed: each conversion once (it is at \
             [0])",
        ),
        (
            spoilt(|columns| columns.touches[1].0 = 3),
            "touches.conversion_ids[1]: found 3, allowed: one of the conversions' ids",
        ),
    ] {
        assert_eq!(message, expected);
    }

    let short = TouchColumns {
        conversion_ids: &[1, 2],
        click_ids: &[5],
        click_times: &[START, START, START],
        dimensions: Dimensions::default().with(ScopeType::Account, &[1_u64][..]),
    };
    let error = engine.calculate_ungrouped(&models, &good.conversions(), &short).unwrap_err();
    assert_eq!(
        error.to_string(),
        "touches.click_ids: found 1 entries, allowed: 2, one for each of touches.conversion_ids\n\
         touches.click_times: found 3 entries, allowed: 2, one for each of \
         touches.conversion_ids\n\
         touches.account_ids: found 1 entries, allowed: 2, one for each of touches.conversion_ids"
    );

    let none = TouchColumns::default();
    let without_times = ConversionColumns { converting_click_times: None, ..good.conversions() };
    let error = engine.calculate_ungrouped(&models, &without_times, &none).unwrap_err();
    assert_eq!(
        error.to_string(),
        "converting_click_ids[0]: found click 5, which is not among the touches, allowed: one of \
         the conversion's touches, or a column converting_click_times"
    );
    let by_account = engine.scopes(ScopeSet::GLOBAL.with(ScopeType::Account));
    let error = by_account.calculate_ungrouped(&models, &good.conversions(), &none).unwrap_err();
    assert_eq!(
        error.to_string(),
        "account_ids: found no such column, allowed: a column for each scope asked for"
    );
}

#[test]
fn every_touch_of_an_unknown_conversion_is_told_whatever_the_threads() {
    let conversions = ConversionColumns {
        conversion_ids: &[1],
        converting_click_ids: &[1],
        conversion_times: &[5],
        payouts: &[1],
        costs: &[0],
        converting_click_times: None,
    };
    let touches = TouchColumns {
        conversion_ids: &[7, 1, 1, 8],
        click_ids: &[4, 1, 2, 3],
        click_times: &[1, 2, 3, 4],
        ..TouchColumns::default()
    };
    let linear = [Model::from_spec("linear").unwrap()];
    let refusal = |threads| {
        let engine = Engine::new().threads(threads);
        engine.calculate_ungrouped(&linear, &conversions, &touches).unwrap_err().to_string()
    };
    let told = "touches.conversion_ids[0]: found 7, allowed: one of the conversions' ids\n\
                touches.conversion_ids[3]: found 8, allowed: one of the conversions' ids";
    assert_eq!([1, 2, 3, 4].map(refusal), [told; 4]);
}

#[test]
fn ids_that_share_their_low_bits_are_told_apart() {
    let mut batch = BatchBuilder::new();
    let touches: Vec<Touch> = (1..=60_000_u64)
        .map(|id| Touch { click_id: id, click_time: 1, campaign_id: id << 48, ..Touch::default() })
        .collect();
    let click = touches[0];
    batch
        .push(
            &Conversion { conversion_id: 1, conversion_time: 9, click, ..Conversion::default() },
            &touches,
        )
        .unwrap();
    let engine = Engine::new().scopes("campaign".parse().unwrap());
    let linear = [Model::from_spec("linear").unwrap()];
    let result = engine.calculate(&linear, &batch.batch()).unwrap();
    let counted: u64 = result[0].snapshots.iter().map(|snapshot| snapshot.attributed_clicks).sum();
    assert_eq!((result[0].snapshots.len(), counted), (60_000, 60_000));
}
