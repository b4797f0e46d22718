//! The comparison of files: exact sums, the same bytes in any order, and intervals that cover the truth.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use attribution_core::{
    Clicks, CompareOptions, Comparison, ComparisonRow, Conversions, Dataset, Dimensions, ErrorCode,
    Interval, JourneyKey, JourneyOptions, MemoryStore, Model, Phase, RunOptions, ScopeSet,
    ScopeType, Window, compare, run,
};

const START: u32 = 1_717_200_000;

/// Numbers that are the same for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = (self.0 ^ (self.0 >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        word ^ (word >> 29)
    }

    fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(count)) >> 64) as u64
    }

    /// Between 0 and 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn poisson(&mut self, mean: f64) -> u64 {
        let (mut count, mut product) = (0, self.fraction());
        while product > (-mean).exp() {
            count += 1;
            product *= self.fraction();
        }
        count
    }
}

fn models() -> [Model; 4] {
    [
        "last_touch",
        "linear",
        "decay=time_decay:half_life_hours=12",
        "ends=position_based:first_touch_weight=0.4,last_touch_weight=0.3",
    ]
    .map(|spec| Model::from_spec(spec).unwrap())
}

struct Made {
    clicks: Clicks,
    conversions: Conversions,
    campaigns: Vec<u64>,
}

impl Made {
    fn new() -> Self {
        Self {
            clicks: Clicks::default(),
            conversions: Conversions::default(),
            campaigns: Vec::new(),
        }
    }

    fn click(&mut self, time: u32, visitor: u64, campaign: u64, cost: i64) -> u64 {
        let click_id = self.clicks.click_ids.len() as u64 + 1;
        self.clicks.click_ids.push(click_id);
        self.clicks.click_times.push(time);
        self.clicks.visitors.push(visitor.into());
        self.clicks.costs.push(cost);
        self.clicks.filtered.push(false);
        self.campaigns.push(campaign);
        click_id
    }

    fn conversion(&mut self, click_id: u64, time: u32, payout: i64) {
        let conversions = &mut self.conversions;
        conversions.conversion_ids.push(conversions.conversion_ids.len() as u64 + 1);
        conversions.click_ids.push(click_id);
        conversions.conversion_times.push(time);
        conversions.payouts.push(payout);
        conversions.costs.push(None);
        conversions.campaign_ids.push(None);
        conversions.click_times.push(None);
    }

    fn dataset(self) -> Dataset {
        let mut clicks = self.clicks;
        clicks.dimensions = Dimensions::default().with(ScopeType::Campaign, self.campaigns);
        Dataset { clicks, conversions: self.conversions }
    }
}

/// Conversions of two days with journeys of 1 to 6 touches in 5 campaigns and none, some without their
/// click, some refunds.
fn dataset(seed: u64, conversions: u64) -> Dataset {
    let mut random = Random(seed);
    let mut made = Made::new();
    for visitor in 1..=conversions {
        let end = START + random.below(48 * 3_600) as u32;
        let mut click_id = 0;
        for _ in 0..=random.below(6) {
            let time = end - random.below(200_000) as u32;
            let cost = random.below(90_000) as i64;
            click_id = made.click(time, visitor, random.below(6), cost);
        }
        if random.below(20) == 0 {
            click_id = 1_000_000 + visitor;
        }
        let payout = random.below(9_000_000) as i64 - 500_000;
        made.conversion(click_id, end, payout);
    }
    made.dataset()
}

fn options(scope_type: ScopeType) -> CompareOptions {
    let journeys = JourneyOptions { key: JourneyKey::Visitor, ..JourneyOptions::default() };
    CompareOptions { scope_type, journeys, ..CompareOptions::new(None) }
}

fn compared(dataset: &Dataset, models: &[Model], options: &CompareOptions) -> Comparison {
    compare(&mut MemoryStore::new(dataset.clone()), models, options, &()).unwrap()
}

#[test]
fn a_comparison_is_separate_runs_to_the_last_digit() {
    let dataset = dataset(1, 5_000);
    let window = Window::new(START + 7_200, START + 90_000).unwrap();
    for scope_type in [ScopeType::Global, ScopeType::Campaign] {
        let mut options = options(scope_type);
        options.window = Some(window);
        options.resamples = 0;
        let comparison = compared(&dataset, &models(), &options);
        let mut of_window = dataset.clone();
        let conversions = &mut of_window.conversions;
        let kept: Vec<bool> =
            conversions.conversion_times.iter().map(|time| window.contains(*time)).collect();
        let kept_of = |column: &mut Vec<u64>| {
            let mut at = kept.iter();
            column.retain(|_| *at.next().unwrap());
        };
        kept_of(&mut conversions.conversion_ids);
        kept_of(&mut conversions.click_ids);
        let mut at = kept.iter();
        conversions.conversion_times.retain(|_| *at.next().unwrap());
        let mut at = kept.iter();
        conversions.payouts.retain(|_| *at.next().unwrap());
        let count = conversions.conversion_ids.len();
        conversions.costs.truncate(count);
        conversions.campaign_ids.truncate(count);
        conversions.click_times.truncate(count);
        assert_eq!(comparison.conversions, count as u64);
        assert!(comparison.missing_clicks > 0);

        for model in models() {
            let mut sink = MemoryStore::default();
            let run_options = RunOptions {
                journeys: options.journeys,
                scopes: ScopeSet::NONE.with(scope_type),
                threads: 1,
            };
            let report = run(
                &mut MemoryStore::new(of_window.clone()),
                &mut sink,
                std::slice::from_ref(&model),
                &run_options,
                &(),
            )
            .unwrap();
            let mut sums: BTreeMap<Option<u64>, (u64, u64, u64, i64, i64)> = BTreeMap::new();
            for snapshot in &sink.results()[0].1.snapshots {
                let sum = sums.entry(snapshot.scope.id()).or_default();
                sum.0 += snapshot.attributed_clicks;
                sum.1 += snapshot.attributed_conversions;
                sum.2 += snapshot.credited_conversions.units();
                sum.3 += snapshot.revenue.units();
                sum.4 += snapshot.cost.units();
            }
            let found: BTreeMap<_, _> = comparison
                .rows
                .iter()
                .filter(|row| row.model == model.name())
                .map(|row| {
                    assert_eq!(row.profit.units(), row.revenue.units() - row.cost.units());
                    let credit = row.credited_conversions.units();
                    let (revenue, cost) = (row.revenue.units(), row.cost.units());
                    let counts = (row.attributed_clicks, row.attributed_conversions);
                    (row.scope_id, (counts.0, counts.1, credit, revenue, cost))
                })
                .collect();
            assert_eq!(found, sums);
            if scope_type == ScopeType::Global {
                let row = comparison.rows.iter().find(|row| row.model == model.name()).unwrap();
                let of_report = &report.models[0];
                assert_eq!(row.revenue, of_report.revenue);
                assert_eq!(row.cost, of_report.cost);
                assert_eq!(row.credited_conversions, of_report.credited_conversions);
            }
        }
    }
}

#[test]
fn differences_and_their_intervals_are_to_the_baseline() {
    let dataset = dataset(2, 600);
    let mut options = options(ScopeType::Campaign);
    options.baseline = Some("linear".to_owned());
    let comparison = compared(&dataset, &models(), &options);
    assert_eq!(comparison.baseline, "linear");
    assert_eq!(comparison.rows.len(), 5 * 4);
    for rows in comparison.rows.chunks(4) {
        let names: Vec<&str> = rows.iter().map(|row| &*row.model).collect();
        assert_eq!(names, ["last_touch", "linear", "decay", "ends"]);
        let base = &rows[1];
        assert!(base.difference.is_none());
        for row in rows.iter().filter(|row| row.model != "linear") {
            let difference = row.difference.unwrap();
            assert_eq!(difference.revenue.units(), row.revenue.units() - base.revenue.units());
            assert_eq!(difference.profit.units(), row.profit.units() - base.profit.units());
            let intervals = difference.intervals.unwrap();
            assert!(intervals.revenue.low <= intervals.revenue.high);
            let own = row.intervals.unwrap();
            assert!(own.revenue.low < row.revenue && row.revenue < own.revenue.high);
            // What models agree on cancels out in each resample, so that differences vary less.
            let width = |interval: Interval<attribution_core::Money>| {
                interval.high.units() - interval.low.units()
            };
            assert!(width(intervals.revenue) < width(own.revenue));
        }
    }
    // One id alone gives the same rows.
    options.scope_id = Some(3);
    let one = compared(&dataset, &models(), &options);
    let of_three: Vec<&ComparisonRow> =
        comparison.rows.iter().filter(|row| row.scope_id == Some(3)).collect();
    assert_eq!(one.rows.iter().collect::<Vec<_>>(), of_three);
}

#[test]
fn the_bytes_are_the_same_for_any_threads_and_order_of_rows() {
    let dataset = dataset(3, 13_000);
    let mut shuffled = Made::new();
    let mut random = Random(4);
    let mut order: Vec<usize> = (0..dataset.conversions.len()).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, random.below(at as u64 + 1) as usize);
    }
    for row in order {
        let from = &dataset.conversions;
        let to = &mut shuffled.conversions;
        to.conversion_ids.push(from.conversion_ids[row]);
        to.click_ids.push(from.click_ids[row]);
        to.conversion_times.push(from.conversion_times[row]);
        to.payouts.push(from.payouts[row]);
        to.costs.push(from.costs[row]);
        to.campaign_ids.push(from.campaign_ids[row]);
        to.click_times.push(from.click_times[row]);
    }
    let campaigns = dataset.clicks.dimensions.get(ScopeType::Campaign).unwrap();
    for row in (0..dataset.clicks.len()).rev() {
        shuffled.clicks.click_ids.push(dataset.clicks.click_ids[row]);
        shuffled.clicks.click_times.push(dataset.clicks.click_times[row]);
        shuffled.clicks.visitors.push(dataset.clicks.visitors[row]);
        shuffled.clicks.costs.push(dataset.clicks.costs[row]);
        shuffled.clicks.filtered.push(false);
        shuffled.campaigns.push(campaigns[row]);
    }
    let shuffled = shuffled.dataset();
    let mut options = options(ScopeType::Campaign);
    options.resamples = 41;
    options.threads = Some(1);
    let models = &models()[..2];
    let expected = compared(&dataset, models, &options);
    let csv = |comparison: &Comparison| {
        let mut csv = Vec::new();
        comparison.write_csv(&mut csv).unwrap();
        csv
    };
    for threads in [1, 2, 3, 7] {
        options.threads = Some(threads);
        let found = compared(&shuffled, models, &options);
        assert_eq!(found.to_json().unwrap(), expected.to_json().unwrap());
        assert_eq!(csv(&found), csv(&expected));
    }
}

#[test]
fn hints_say_what_to_mind_and_by_what_rule() {
    let mut made = Made::new();
    for visitor in 1..=120 {
        let time = START + visitor * 60;
        if visitor <= 20 {
            made.click(time - 30, visitor.into(), 2, 100);
        }
        let click_id = made.click(time, visitor.into(), 1, 100);
        made.conversion(click_id, time, 1_000_000);
    }
    let dataset = made.dataset();
    let specs = ["last_touch", "linear"].map(|spec| Model::from_spec(spec).unwrap());
    let hints = |scope_type| -> Vec<(String, Option<u64>, Vec<String>)> {
        let rows = compared(&dataset, &specs, &options(scope_type)).rows;
        rows.into_iter().map(|row| (row.model, row.scope_id, row.hints)).collect()
    };
    let few = "few multi-touch journeys: 20, fewer than 30".to_owned();
    let global = hints(ScopeType::Global);
    assert_eq!(global[0], ("last_touch".to_owned(), None, vec![few.clone()]));
    let none = "no difference to last_touch".to_owned();
    assert_eq!(global[1], ("linear".to_owned(), None, vec![few.clone(), none]));
    let campaigns = hints(ScopeType::Campaign);
    assert_eq!(campaigns[1], ("linear".to_owned(), Some(1), vec![few.clone()]));
    assert_eq!(
        campaigns[2].2,
        ["few conversions: 0, fewer than 100", "few multi-touch journeys: 0, fewer than 30"]
    );
    assert_eq!(campaigns[3].2, ["few conversions: 20, fewer than 100".to_owned(), few]);

    // Two campaigns that take turns: linear gives one as much as the other, more or less.
    let mut made = Made::new();
    for visitor in 1..=500_u32 {
        let time = START + visitor * 60;
        made.click(time - 30, visitor.into(), u64::from(1 + visitor % 2), 100);
        let click_id = made.click(time, visitor.into(), u64::from(2 - visitor % 2), 100);
        made.conversion(click_id, time, 1_000_000);
    }
    let rows = compared(&made.dataset(), &specs, &options(ScopeType::Campaign)).rows;
    assert_eq!(
        rows[1].hints,
        ["the interval of the difference spans zero: credited conversions, revenue, cost, profit"]
    );
}

#[test]
fn an_roi_without_a_cost_is_none_and_so_is_its_interval() {
    let mut made = Made::new();
    for visitor in 1..=50_u32 {
        let click_id = made.click(START, visitor.into(), 1, 0);
        made.conversion(click_id, START, 1_000_000);
    }
    let row = &compared(&made.dataset(), &models(), &options(ScopeType::Global)).rows[0];
    assert_eq!(row.roi_percent, None);
    assert_eq!(row.intervals.unwrap().roi_percent, None);
}

#[test]
fn what_is_asked_for_and_not_there_is_a_row_of_nothing() {
    let dataset = Dataset::default();
    let global = compared(&dataset, &models(), &options(ScopeType::Global));
    assert_eq!(global.rows.len(), 4);
    assert!(global.rows.iter().all(|row| row.attributed_clicks == 0 && row.roi_percent.is_none()));
    let campaign = CompareOptions { scope_id: Some(9), ..options(ScopeType::Campaign) };
    let dataset = Made::new().dataset();
    assert_eq!(compared(&dataset, &models(), &campaign).rows[3].scope_id, Some(9));
    assert!(compared(&dataset, &models(), &options(ScopeType::Campaign)).rows.is_empty());
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let refused = |models: &[Model], options: &CompareOptions, dataset: &Dataset| {
        compare(&mut MemoryStore::new(dataset.clone()), models, options, &()).unwrap_err()
    };
    let (models, dataset) = (models(), dataset(5, 10));
    let ok = options(ScopeType::Global);
    let message = |options: CompareOptions| refused(&models, &options, &dataset).to_string();
    assert_eq!(refused(&[], &ok, &dataset).to_string(), "model: found none, allowed: one or more");
    let twice = [models[0].clone(), models[0].clone()];
    assert!(refused(&twice, &ok, &dataset).to_string().contains("two models named \"last_touch\""));
    let baseline = Some("lniear".to_owned());
    assert_eq!(
        message(CompareOptions { baseline, ..ok.clone() }),
        "baseline: found \"lniear\", which is none of the models, allowed: last_touch, linear, \
         decay, ends"
    );
    assert_eq!(
        message(CompareOptions { resamples: 39, ..ok.clone() }),
        "resamples: found 39, allowed: 0 for no intervals, or 40 to 10000"
    );
    assert!(message(CompareOptions { scope_id: Some(1), ..ok.clone() }).contains("for global"));
    assert!(
        message(CompareOptions { scope_type: ScopeType::Account, ..ok.clone() })
            .starts_with("account_ids: found no such column")
    );
    // Sums that resamples might take out of range.
    let mut made = Made::new();
    let click_id = made.click(START, 1, 1, 0);
    made.conversion(click_id, START, i64::MAX / 20);
    let large = made.dataset();
    assert_eq!(refused(&models, &ok, &large).code(), ErrorCode::Limit);
    assert!(
        compared(&large, &models, &CompareOptions { resamples: 0, ..ok.clone() }).rows.len() == 4
    );
    // Asked to stop.
    for wanted in [Phase::Assembling, Phase::Calculating] {
        let stop = |phase: Phase, _: u64, _: u64| {
            if phase == wanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let outcome = compare(&mut MemoryStore::new(dataset.clone()), &models, &ok, &stop);
        assert_eq!(outcome.unwrap_err().code(), ErrorCode::Cancelled);
    }
}

/// What is expected of campaign 1 in one account, made by [`account`], for each conversion: the credit
/// under last touch, and under linear.
const LAST: f64 = 0.4;
const LINEAR: f64 = (0.4 + 0.6 / 2.0 + 0.8 / 3.0) / 3.0;
const CONVERSIONS: f64 = 300.0;
/// Of a payout of 10, 20 or 60, and of a cost below 1, in counts of 0.00001.
const PAYOUT: f64 = 3_000_000.0;
const COST: f64 = 50_000.0;

/// An account whose number of conversions is a draw from Poisson. Each has 1, 2 or 3 touches, the last
/// in campaign 1 with a probability of 0.4, those before with one of 0.2.
fn account(seed: u64) -> Dataset {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut made = Made::new();
    for visitor in 1..=random.poisson(CONVERSIONS) {
        let earlier = random.below(3) as u32;
        for at in 0..earlier {
            let campaign = if random.fraction() < 0.2 { 1 } else { 2 };
            made.click(START + at, visitor, campaign, 0);
        }
        let campaign = if random.fraction() < 0.4 { 1 } else { 2 };
        let cost = random.below(100_001) as i64;
        let click_id = made.click(START + 10, visitor, campaign, cost);
        let payout = [1_000_000, 2_000_000, 6_000_000][random.below(3) as usize];
        made.conversion(click_id, START + 20, payout);
    }
    made.dataset()
}

#[test]
fn intervals_cover_the_truth_in_95_of_100_accounts() {
    const ACCOUNTS: u64 = 500;
    let models = ["last_touch", "linear"].map(|spec| Model::from_spec(spec).unwrap());
    let mut options = options(ScopeType::Campaign);
    options.scope_id = Some(1);
    let names = ["credit", "revenue", "cost", "profit", "ROI", "difference of credit", "of profit"];
    let mut covered = [0_u64; 7];
    for seed in 1..=ACCOUNTS {
        let rows = compared(&account(seed), &models, &options).rows;
        let linear = &rows[1];
        let own = linear.intervals.unwrap();
        let more = linear.difference.unwrap().intervals.unwrap();
        let within = |low: f64, truth: f64, high: f64| u64::from(low <= truth && truth <= high);
        let money = |interval: Interval<attribution_core::Money>, truth: f64| {
            within(interval.low.units() as f64, truth * CONVERSIONS, interval.high.units() as f64)
        };
        let credit = own.credited_conversions;
        covered[0] += within(
            credit.low.units() as f64,
            LINEAR * CONVERSIONS * 100_000.0,
            credit.high.units() as f64,
        );
        covered[1] += money(own.revenue, PAYOUT * LINEAR);
        covered[2] += money(own.cost, COST * LINEAR);
        covered[3] += money(own.profit, (PAYOUT - COST) * LINEAR);
        let roi = own.roi_percent.unwrap();
        covered[4] += within(
            roi.low.hundredths() as f64,
            (PAYOUT - COST) / COST * 10_000.0,
            roi.high.hundredths() as f64,
        );
        let credit = more.credited_conversions;
        covered[5] += within(
            credit.low.units() as f64,
            (LINEAR - LAST) * CONVERSIONS * 100_000.0,
            credit.high.units() as f64,
        );
        covered[6] += money(more.profit, (PAYOUT - COST) * (LINEAR - LAST));
    }
    let shares: Vec<(&str, f64)> = names
        .into_iter()
        .zip(covered.map(|count| count as f64 * 100.0 / ACCOUNTS as f64))
        .collect();
    println!("{shares:?}");
    assert!(shares.iter().all(|(_, share)| (93.0..=97.0).contains(share)), "{shares:?}");
}
