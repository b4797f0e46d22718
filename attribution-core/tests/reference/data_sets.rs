//! Generated data sets, full of the cases that go wrong: equal times, unknown visitors, missing
//! converting clicks, clicks after their conversion, amounts up to the limit.

use attribution_core::{
    Clicks, Conversions, Dataset, Dimensions, JourneyKey, JourneyOptions, Model,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::FileFailurePersistence;

use super::{Assembly, Click, Conversion, DIMENSIONS, Key, Kind};

/// So many cases, unless `PROPTEST_CASES` says otherwise. Failures are kept beside the test file.
pub(crate) fn cases(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource(
            "proptest-regressions",
        ))),
        ..ProptestConfig::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    config
}

#[derive(Debug, Clone)]
pub(crate) struct DataSet {
    pub(crate) clicks: Vec<Click>,
    pub(crate) conversions: Vec<Conversion>,
}

/// How far apart the times of one data set are: 58 days, so that the default lookback cuts some.
const SPAN: u32 = 5_000_000;

/// Seconds from the start of a data set: anywhere, on the hour, or all at once.
fn offset() -> impl Strategy<Value = u32> {
    prop_oneof![0..SPAN, (0..SPAN / 3_600).prop_map(|hour| hour * 3_600), 0..3_u32]
}

fn id() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..200_u64, 1 => any::<u64>()]
}

/// An amount that leaves room for a hundred like it.
pub(crate) fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0), 0..10_i64, 0..100_000_000_i64, 0..1_i64 << 56]
}

fn dimension_id() -> impl Strategy<Value = u64> {
    prop_oneof![9 => 0..4_u64, 1 => Just(u64::MAX)]
}

fn click(id: u64, start: u32) -> impl Strategy<Value = Click> {
    let filtered = prop::bool::weighted(0.1);
    (offset(), 0..4_u64, amount(), filtered, prop::array::uniform6(dimension_id())).prop_map(
        move |(offset, visitor, cost, filtered, ids)| Click {
            id,
            time: start + offset,
            visitor,
            cost,
            filtered,
            ids: DIMENSIONS.into_iter().zip(ids).collect(),
        },
    )
}

/// What is drawn for a conversion before its click is known.
#[derive(Debug, Clone)]
struct Draft {
    click: Option<Index>,
    missing_click_id: u64,
    /// Seconds after the click, below 0 too; none for a time that has nothing to do with it.
    delay: Option<i64>,
    offset: u32,
    payout: i64,
    cost: Option<i64>,
    campaign: Option<u64>,
    click_time: Option<u32>,
}

fn draft() -> impl Strategy<Value = Draft> {
    let delay = prop_oneof![8 => 0..2_000_000_i64, 2 => Just(0_i64), 1 => -100_000..0_i64];
    (
        prop::option::weighted(0.9, any::<Index>()),
        id(),
        prop::option::weighted(0.9, delay),
        offset(),
        (amount(), any::<bool>()),
        prop::option::of(amount()),
        prop::option::of(dimension_id()),
        prop::option::of(offset()),
    )
        .prop_map(
            |(click, missing_click_id, delay, offset, payout, cost, campaign, click_time)| {
                let payout = if payout.1 { payout.0 } else { -payout.0 };
                Draft { click, missing_click_id, delay, offset, payout, cost, campaign, click_time }
            },
        )
}

/// Takes an amount so far that the magnitudes of all add up to the limit.
fn fill_up(amounts: &mut [&mut i64], at: Index, negative: bool) {
    if amounts.is_empty() {
        return;
    }
    let at = at.index(amounts.len());
    *amounts[at] = 0;
    let rest = i64::MAX - amounts.iter().map(|amount| amount.abs()).sum::<i64>();
    *amounts[at] = if negative { -rest } else { rest };
}

pub(crate) fn data_set() -> impl Strategy<Value = DataSet> {
    let start = select(vec![0, 1_717_200_000, u32::MAX - 2 * SPAN]);
    let ids = prop::collection::btree_set(id(), 0..60);
    let clicks = (start, ids).prop_flat_map(|(start, ids)| {
        let clicks: Vec<_> = ids.into_iter().map(|id| click(id, start)).collect();
        (Just(start), clicks.prop_shuffle())
    });
    let conversions = prop::collection::btree_map(id(), draft(), 0..20)
        .prop_map(|drafts| drafts.into_iter().collect::<Vec<_>>())
        .prop_shuffle();
    let at_the_limit = prop::option::weighted(0.2, (any::<Index>(), any::<bool>()));
    (clicks, conversions, at_the_limit).prop_map(|((start, clicks), drafts, at_the_limit)| {
        let mut conversions: Vec<Conversion> = drafts
            .into_iter()
            .map(|(id, draft)| {
                let index = draft.click.filter(|_| !clicks.is_empty());
                let click = index.map(|index| index.get(&clicks));
                let time = match (click, draft.delay) {
                    (Some(click), Some(delay)) => i64::from(click.time) + delay,
                    _ => i64::from(start + draft.offset),
                };
                Conversion {
                    id,
                    click_id: click.map_or(draft.missing_click_id, |click| click.id),
                    time: time.clamp(0, i64::from(u32::MAX)) as u32,
                    payout: draft.payout,
                    cost: draft.cost,
                    campaign: draft.campaign,
                    click_time: draft.click_time.map(|offset| start + offset),
                }
            })
            .collect();
        if let Some((at, negative)) = at_the_limit {
            let mut payouts: Vec<_> =
                conversions.iter_mut().map(|conversion| &mut conversion.payout).collect();
            fill_up(&mut payouts, at, negative);
            for conversion in &mut conversions {
                conversion.cost = conversion.cost.or(Some(1));
            }
            let mut costs: Vec<_> =
                conversions.iter_mut().filter_map(|conversion| conversion.cost.as_mut()).collect();
            fill_up(&mut costs, at, false);
        }
        DataSet { clicks, conversions }
    })
}

impl DataSet {
    /// As the crate takes it.
    pub(crate) fn columns(&self) -> Dataset {
        let (clicks, conversions) = (&self.clicks, &self.conversions);
        let mut dimensions = Dimensions::default();
        for name in DIMENSIONS {
            let ids = clicks.iter().map(|click| click.ids[name]).collect();
            dimensions = dimensions.with(name.parse().expect("a scope type"), ids);
        }
        Dataset {
            clicks: Clicks {
                click_ids: clicks.iter().map(|click| click.id).collect(),
                click_times: clicks.iter().map(|click| click.time).collect(),
                visitors: clicks.iter().map(|click| click.visitor.into()).collect(),
                costs: clicks.iter().map(|click| click.cost).collect(),
                filtered: clicks.iter().map(|click| click.filtered).collect(),
                dimensions,
            },
            conversions: Conversions {
                conversion_ids: conversions.iter().map(|conversion| conversion.id).collect(),
                click_ids: conversions.iter().map(|conversion| conversion.click_id).collect(),
                conversion_times: conversions.iter().map(|conversion| conversion.time).collect(),
                payouts: conversions.iter().map(|conversion| conversion.payout).collect(),
                costs: conversions.iter().map(|conversion| conversion.cost).collect(),
                campaign_ids: conversions.iter().map(|conversion| conversion.campaign).collect(),
                click_times: conversions.iter().map(|conversion| conversion.click_time).collect(),
            },
        }
    }
}

pub(crate) fn assembly() -> impl Strategy<Value = Assembly> {
    let key = select(vec![Key::VisitorCampaign, Key::Visitor, Key::Campaign, Key::None]);
    let lookback =
        prop_oneof![Just(0), 0..4_u32, Just(3_600), 0..SPAN, Just(2_592_000), Just(u32::MAX)];
    let max_touches = prop_oneof![1..5_u32, Just(25), Just(65_535)];
    (key, lookback, max_touches).prop_map(|(key, lookback_seconds, max_touches)| Assembly {
        key,
        lookback_seconds,
        max_touches,
    })
}

impl From<Assembly> for JourneyOptions {
    fn from(assembly: Assembly) -> Self {
        Self {
            key: match assembly.key {
                Key::VisitorCampaign => JourneyKey::VisitorCampaign,
                Key::Visitor => JourneyKey::Visitor,
                Key::Campaign => JourneyKey::Campaign,
                Key::None => JourneyKey::None,
            },
            lookback_seconds: assembly.lookback_seconds,
            max_touches: assembly.max_touches,
        }
    }
}

/// One model of each kind, with any config.
pub(crate) fn kinds() -> impl Strategy<Value = Vec<Kind>> {
    let half_life = prop_oneof![1..4_u32, 1..1_000_u32, 1..=u32::MAX];
    let share = prop_oneof![Just(0), Just(1_000_000), Just(400_000), 0..=1_000_000_u64];
    (half_life, share.clone(), share).prop_map(|(half_life_hours, first, last)| {
        vec![
            Kind::LastTouch,
            Kind::FirstTouch,
            Kind::Linear,
            Kind::TimeDecay { half_life_hours },
            Kind::PositionBased {
                first_millionths: first,
                last_millionths: last.min(1_000_000 - first),
            },
            Kind::Assisted,
        ]
    })
}

impl Kind {
    pub(crate) fn model(self) -> Model {
        let spec = match self {
            Self::LastTouch => "last_touch".to_owned(),
            Self::FirstTouch => "first_touch".to_owned(),
            Self::Linear => "linear".to_owned(),
            Self::Assisted => "assisted".to_owned(),
            Self::TimeDecay { half_life_hours } => {
                format!("time_decay:half_life_hours={half_life_hours}")
            }
            Self::PositionBased { first_millionths, last_millionths } => {
                let decimal =
                    |share: u64| format!("{}.{:06}", share / 1_000_000, share % 1_000_000);
                let (first, last) = (decimal(first_millionths), decimal(last_millionths));
                format!("position_based:first_touch_weight={first},last_touch_weight={last}")
            }
        };
        Model::from_spec(&spec).expect("a good spec")
    }
}
