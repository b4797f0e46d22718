//! `attribution sample`: made-up clicks and conversions that behave like real ones.
//!
//! Everything is drawn in whole numbers, so that the same seed gives the same bytes everywhere.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use attribution_core::{Error, Money};
use tempfile::TempDir;

use crate::arguments::SampleArguments;
use crate::progress::Bar;
use crate::screen;

/// The first second of the sample: 2024-06-01 00:00 UTC.
const START: u64 = 1_717_200_000;
const DAY: u64 = 86_400;
/// Days of clicks.
const DAYS: u64 = 60;
const CAMPAIGNS: u64 = 40;

pub(crate) fn sample(arguments: &SampleArguments) -> Result<(), Error> {
    let out = &arguments.out;
    let what = out.display().to_string();
    let failed = |source| Error::Io { what: what.clone(), source };
    std::fs::create_dir_all(out).map_err(failed)?;
    let aside = TempDir::with_prefix_in(".sample.", out).map_err(failed)?;
    let bar = Bar::new()?;
    let stop = || bar.asked_to_stop();
    let written = write(aside.path(), arguments.visitors, arguments.seed, &stop).map_err(failed)?;
    let written = written.ok_or(Error::Cancelled)?;
    for name in ["clicks.csv", "conversions.csv"] {
        std::fs::rename(aside.path().join(name), out.join(name)).map_err(failed)?;
    }
    screen::print(&format!(
        "{} clicks, {} conversions\nwritten to {}\n",
        screen::thousands(written.clicks),
        screen::thousands(written.conversions),
        out.display()
    ))
}

/// How much was written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) clicks: u64,
    pub(crate) conversions: u64,
}

/// A stream of numbers from a seed: `SplitMix64`.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below a limit.
    fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    /// True so many times in a thousand.
    fn happens(&mut self, in_a_thousand: u64) -> bool {
        self.below(1_000) < in_a_thousand
    }

    /// Small numbers more often than large ones: the smaller of two draws.
    fn low(&mut self, limit: u64) -> u64 {
        self.below(limit).min(self.below(limit))
    }
}

struct Click {
    time: u64,
    visitor: u64,
    known: bool,
    campaign: u64,
    account: u64,
    landing_page: u64,
    cost: Money,
    filtered: bool,
}

struct Conversion {
    /// The place of its click among the clicks as they were made.
    click: usize,
    time: u64,
    campaign: u64,
    payout: Money,
    own_cost: bool,
}

/// 60 days of visitors, each with a campaign or two, who click now and then and convert more often
/// the more they have clicked. Some clicks are filtered, some visitors unknown; a few conversions
/// are of another campaign, paid back, or have a cost of their own.
fn make_up(visitors: u64, seed: u64, stop: &dyn Fn() -> bool) -> (Vec<Click>, Vec<Conversion>) {
    let mut numbers = Numbers(seed);
    let (mut clicks, mut conversions) = (Vec::new(), Vec::new());
    for visitor in 1..=visitors {
        if stop() {
            break;
        }
        let favourite = 1 + numbers.low(CAMPAIGNS);
        let other = 1 + numbers.low(CAMPAIGNS);
        let known = !numbers.happens(30);
        let mut time = START + numbers.below(DAYS * DAY);
        let mut seen = 0;
        loop {
            seen += 1;
            let campaign = if numbers.happens(800) { favourite } else { other };
            let filtered = numbers.happens(25);
            if !filtered && numbers.happens(40 + 30 * seen) {
                let list_price = 500 * (1 + campaign % 9);
                let payout = 1_000 * (list_price + numbers.below(1_000)) as i64 + 5;
                conversions.push(Conversion {
                    click: clicks.len(),
                    time: time + 30 + numbers.low(2 * DAY),
                    campaign: if numbers.happens(20) { other } else { campaign },
                    payout: Money::from_units(if numbers.happens(10) { -payout } else { payout }),
                    own_cost: numbers.happens(20),
                });
            }
            clicks.push(Click {
                time,
                visitor,
                known,
                campaign,
                account: 1 + numbers.low(20),
                landing_page: numbers.below(13),
                cost: Money::from_units(1_000 + 100 * numbers.low(1_500) as i64),
                filtered,
            });
            if !numbers.happens(720) {
                break;
            }
            time += 60 + numbers.low(4) * numbers.below(2 * DAY);
        }
    }
    (clicks, conversions)
}

/// Writes `clicks.csv` and `conversions.csv` into a folder, both numbered in the order of their
/// times, as a tracker numbers them. None where `stop` asked to stop.
pub(crate) fn write(
    folder: &Path,
    visitors: u64,
    seed: u64,
    stop: &dyn Fn() -> bool,
) -> std::io::Result<Option<Written>> {
    let (clicks, mut conversions) = make_up(visitors, seed, stop);
    let mut order: Vec<usize> = (0..clicks.len()).collect();
    order.sort_by_key(|click| clicks[*click].time);
    let mut ids = vec![0; clicks.len()];
    for (place, click) in order.iter().enumerate() {
        ids[*click] = place + 1;
    }
    conversions.sort_by_key(|conversion| conversion.time);

    let file =
        |name| File::create(folder.join(name)).map(|file| BufWriter::with_capacity(1 << 20, file));
    let mut out = file("clicks.csv")?;
    writeln!(
        out,
        "click_id,click_time,visitor_id,campaign_id,ppc_account_id,landing_page_id,cost,filtered,\
         advertiser_id,traffic_source_id"
    )?;
    for (place, click) in order.into_iter().enumerate() {
        if stop() {
            return Ok(None);
        }
        let Click { time, visitor, campaign, account, landing_page, cost, .. } = clicks[click];
        let name = if clicks[click].known { format!("v{visitor}") } else { String::new() };
        let filtered = u8::from(clicks[click].filtered);
        let (id, advertiser, source) = (place + 1, 1 + campaign % 7, 1 + account % 5);
        writeln!(
            out,
            "{id},{time},{name},{campaign},{account},{landing_page},{cost},{filtered},\
             {advertiser},{source}"
        )?;
    }
    out.flush()?;
    let mut out = file("conversions.csv")?;
    writeln!(out, "conv_id,click_id,campaign_id,conv_time,payout,cost")?;
    for (place, conversion) in conversions.iter().enumerate() {
        let Conversion { click, time, campaign, payout, own_cost } = conversion;
        let (id, click) = (place + 1, ids[*click]);
        let cost = if *own_cost { "0.25" } else { "" };
        writeln!(out, "{id},{click},{campaign},{time},{payout},{cost}")?;
    }
    out.flush()?;
    let written = Written { clicks: clicks.len() as u64, conversions: conversions.len() as u64 };
    Ok((!stop()).then_some(written))
}
