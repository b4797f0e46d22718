//! Made-up accounts, the same for the same seed, with all that is wrong in real ones.

use std::collections::BTreeSet;

use crate::account::{
    Accounts, ClickRow, ConversionRow, ModelRow, OldSnapshot, SettingRow, TouchRow, VisitorRow,
};
use crate::random::Random;

/// The first second of the hours in which made-up conversions are.
pub const START: u32 = 1_717_200_000;

const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;
/// The user that was deleted.
pub const DELETED_USER: u64 = 40;
/// The user that has nothing but a row.
pub const IDLE_USER: u64 = 50;
/// The users with everything.
pub const USERS: [u64; 3] = [7, 8, 16_000_000];

/// What accounts are made of.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The seed.
    pub seed: u64,
    /// Clicks of each user.
    pub clicks: u64,
    /// Conversions of each user.
    pub conversions: u64,
    /// Over how many hours conversions are spread.
    pub hours: u64,
}

impl Shape {
    /// Small enough for many runs.
    pub const fn small(seed: u64) -> Self {
        Self { seed, clicks: 500, conversions: 110, hours: 30 }
    }

    /// The second after the last hour.
    pub const fn end(self) -> u32 {
        START + (self.hours * HOUR) as u32
    }
}

/// Several owners with everything that a host has, and twins, gaps and remains of every kind.
pub fn accounts(shape: Shape) -> Accounts {
    let mut maker = Maker {
        random: Random::new(shape.seed),
        shape,
        accounts: Accounts::default(),
        next_click: 1,
        next_snapshot: 1,
    };
    for (place, user_id) in USERS.into_iter().chain([DELETED_USER]).enumerate() {
        maker.accounts.users.push((user_id, user_id == DELETED_USER));
        maker.user(user_id, place as u64);
    }
    maker.accounts.users.push((IDLE_USER, false));
    maker.strangers();
    let Maker { mut accounts, mut random, .. } = maker;
    random.shuffle(&mut accounts.clicks);
    random.shuffle(&mut accounts.visitors);
    accounts
}

struct Maker {
    random: Random,
    shape: Shape,
    accounts: Accounts,
    next_click: u64,
    next_snapshot: u64,
}

/// Ids of one user's things.
struct Things {
    user_id: u64,
    campaigns: Vec<u64>,
    accounts: Vec<u64>,
    first_conversion: u64,
    first_model: u64,
}

impl Maker {
    fn user(&mut self, user_id: u64, place: u64) {
        let base = 100 * (place + 1);
        let things = Things {
            user_id,
            campaigns: (base..base + 6).chain([0]).collect(),
            accounts: (base..base + 4).chain([0]).collect(),
            // The last user's are beyond what a signed number holds.
            first_conversion: if place == 2 { 4_000_000_000 } else { 1 + 100_000 * place },
            first_model: 1 + 20 * place,
        };
        // The last campaign and account have no row of their own; advertisers and traffic sources
        // have the same numbers for every user.
        for (number, id) in things.campaigns[..5].iter().enumerate() {
            self.accounts.campaigns.push((*id, user_id, number as u64 / 2));
        }
        for (number, id) in things.accounts[..3].iter().enumerate() {
            self.accounts.ppc_accounts.push((*id, user_id, number as u64));
        }
        self.clicks(&things);
        self.conversions(&things);
        self.touches(&things);
        self.models(&things);
        self.settings(&things);
        self.snapshots(&things);
    }

    fn clicks(&mut self, things: &Things) {
        let visitors = self.shape.clicks / 8;
        for _ in 0..self.shape.clicks {
            // Every third click has an id that no signed number holds.
            let click_id =
                self.next_click + if self.next_click.is_multiple_of(3) { 1 << 63 } else { 0 };
            self.next_click += 1;
            let visitor = self.random.between(1, visitors);
            let favourite = things.campaigns[visitor as usize % things.campaigns.len()];
            let campaign_id = if self.random.percent(75) {
                favourite
            } else {
                self.random.pick(&things.campaigns)
            };
            let before = self.random.pick(&[HOUR, DAY, 10 * DAY, 40 * DAY]);
            let earliest = u64::from(START) - before;
            let mut time = self.random.between(earliest, u64::from(self.shape.end()));
            if self.random.percent(30) {
                // Many clicks within the same second.
                time -= time % 600;
            }
            let row = ClickRow {
                click_id,
                user_id: things.user_id,
                campaign_id,
                landing_page_id: self.random.below(4),
                account_id: self.random.pick(&things.accounts),
                cost: self.cost(),
                filtered: self.random.percent(4),
                bot: self.random.percent(3),
                time: time as u32,
            };
            self.accounts.clicks.push(row);
            if self.random.percent(4) {
                self.twin(row, things);
            }
            let ip_id = match self.random.below(20) {
                0 => continue,
                1 => 0,
                // Owners share visitors.
                _ if visitor.is_multiple_of(5) => u64::MAX - visitor,
                _ => visitor,
            };
            self.accounts.visitors.push(VisitorRow { click_id, ip_id });
        }
    }

    fn cost(&mut self) -> i64 {
        match self.random.below(20) {
            0 => 0,
            1 => 9_999_999,
            2 => 1,
            _ => self.random.below(200_000) as i64,
        }
    }

    /// One or two more rows of a click.
    fn twin(&mut self, row: ClickRow, things: &Things) {
        for _ in 0..self.random.between(1, 2) {
            let mut twin = row;
            match self.random.below(6) {
                0 => twin.time -= self.random.between(1, 3 * DAY) as u32,
                1 => twin.time += self.random.between(1, 3 * DAY) as u32,
                2 => twin.cost = self.cost(),
                3 => twin.campaign_id = self.random.pick(&things.campaigns),
                4 => twin.filtered = !twin.filtered,
                _ => {
                    twin.account_id = self.random.pick(&things.accounts);
                    twin.landing_page_id = self.random.below(4);
                }
            }
            self.accounts.clicks.push(twin);
        }
    }

    /// Rows of some users' clicks that are other users'.
    fn strangers(&mut self) {
        for number in 0..self.accounts.clicks.len() {
            if self.random.percent(1) {
                let mut row = self.accounts.clicks[number];
                row.user_id = self.random.pick(&USERS);
                row.time -= 60;
                self.accounts.clicks.push(row);
            }
        }
    }

    fn conversions(&mut self, things: &Things) {
        let user_id = things.user_id;
        let own: Vec<ClickRow> =
            self.accounts.clicks.iter().copied().filter(|row| row.user_id == user_id).collect();
        let (start, end) = (u64::from(START), u64::from(self.shape.end()));
        for number in 0..self.shape.conversions {
            let click = self.random.pick(&own);
            let (mut click_id, mut click_time) = (click.click_id, click.time);
            match self.random.below(30) {
                0 => click_id = 5_000_000_000 + number,
                // A click of the first user, mostly.
                1 => click_id = self.random.between(1, self.next_click - 1),
                2 => click_time = START - 5,
                _ => {}
            }
            let later = self.random.pick(&[60, HOUR, DAY, 10 * DAY]);
            let mut time = u64::from(click.time) + self.random.below(later);
            if time < start || time >= end || self.random.percent(20) {
                time = self.random.between(start, end - 1);
            }
            match self.random.below(40) {
                0 | 1 => time -= time % HOUR,
                2 => time = time - time % HOUR + HOUR - 1,
                3 => time = start - self.random.between(1, 2 * DAY),
                4 => time = end + self.random.below(DAY),
                _ => {}
            }
            let payout = match self.random.below(24) {
                0 => 0,
                1 | 2 => -(self.random.below(9_000_000) as i64),
                3 => 99_999_999_999,
                4 => 1,
                _ => self.random.below(9_000_000) as i64,
            };
            self.accounts.conversions.push(ConversionRow {
                conversion_id: things.first_conversion + number,
                click_id,
                transaction: self.random.percent(60),
                campaign_id: match self.random.below(10) {
                    0 => self.random.pick(&things.campaigns),
                    _ => click.campaign_id,
                },
                payout,
                user_id,
                click_time,
                time: time as u32,
                deleted: self.random.percent(8),
            });
        }
    }

    /// What earlier backfills left: wrong journeys, and rows that are there twice.
    fn touches(&mut self, things: &Things) {
        let conversions: Vec<ConversionRow> = self
            .accounts
            .conversions
            .iter()
            .copied()
            .filter(|row| row.user_id == things.user_id)
            .collect();
        for conversion in conversions {
            if !self.random.percent(25) {
                continue;
            }
            let touches = self.random.between(1, 3) as u32;
            for position in 0..touches {
                let row = TouchRow {
                    conversion_id: conversion.conversion_id,
                    click_id: match self.random.below(3) {
                        0 => conversion.click_id,
                        1 => self.random.pick(&self.accounts.clicks).click_id,
                        _ => 7_000_000_000 + self.random.below(1_000),
                    },
                    click_time: conversion.time - self.random.below(20 * DAY) as u32,
                    position,
                };
                self.accounts.touches.push(row);
                if self.random.percent(20) {
                    self.accounts.touches.push(row);
                }
                if self.random.percent(10) {
                    let click_time = row.click_time + 30;
                    self.accounts.touches.push(TouchRow { click_time, ..row });
                }
            }
        }
    }

    fn models(&mut self, things: &Things) {
        let rows: [(&str, &str, Option<&str>, bool); 13] = [
            ("last", "last_touch", None, true),
            ("first", "first_touch", Some("[]"), true),
            ("linear", "linear", Some("{}"), true),
            ("decay", "time_decay", Some(r#"{"half_life_hours": 36}"#), true),
            ("decay-of-a-form", "time_decay", Some(r#"{"half_life_hours": "168"}"#), true),
            (
                "position",
                "position_based",
                Some(r#"{"first_touch_weight": 0.4, "last_touch_weight": "0.333333"}"#),
                true,
            ),
            ("assisted", "assisted", Some("null"), true),
            ("inactive", "linear", None, false),
            ("broken", "time_decay", Some(r#"{"half_life_hours": "#), true),
            ("empty", "linear", Some(""), true),
            ("unknown", "crystal_ball", None, true),
            ("learning", "algorithmic", Some(r#"{"method": "markov"}"#), true),
            ("wrong", "position_based", Some(r#"{"first_touch_weight": 0.9}"#), true),
        ];
        for (number, (slug, kind, config, active)) in rows.into_iter().enumerate() {
            self.accounts.models.push(ModelRow {
                model_id: things.first_model + number as u64,
                user_id: things.user_id,
                slug: slug.to_owned(),
                kind: kind.to_owned(),
                config: config.map(str::to_owned),
                active,
            });
        }
    }

    fn settings(&mut self, things: &Things) {
        let mut add = |scope_type, scope_id, enabled, updated_at| {
            let user_id = things.user_id;
            self.accounts.settings.push(SettingRow {
                user_id,
                scope_type,
                scope_id,
                enabled,
                updated_at,
            });
        };
        // The second user is off but for some; of twins, the one that was changed last counts.
        let of_second = things.user_id == USERS[1];
        add("global", None, of_second, 100);
        add("global", None, !of_second, 200);
        add("global", None, of_second, 150);
        add("advertiser", Some(1), of_second, 100);
        add("campaign", Some(things.campaigns[2]), !of_second, 100);
        add("campaign", Some(things.campaigns[4]), of_second, 100);
        // Of no campaign of this user.
        add("campaign", Some(9_999), false, 100);
    }

    /// What earlier rebuilds left.
    fn snapshots(&mut self, things: &Things) {
        let conversions: Vec<ConversionRow> = self
            .accounts
            .conversions
            .iter()
            .copied()
            .filter(|row| row.user_id == things.user_id)
            .collect();
        // Every third hour of the window, those before and after it, and hours in which nothing
        // converts.
        let hours: BTreeSet<u32> = (0..self.shape.hours + 4)
            .map(|hour| START - 2 * HOUR as u32 + (hour * HOUR) as u32)
            .filter(|hour| (hour / HOUR as u32).is_multiple_of(3))
            .collect();
        for hour in hours {
            let within = conversions.iter().find(|row| row.time - row.time % HOUR as u32 == hour);
            let click = within.map_or((3, 4), |row| (row.conversion_id, row.click_id));
            for model in [0, 2, 3, 7, 8] {
                let copies = if self.random.percent(30) { 2 } else { 1 };
                let credits = vec![(click.0, click.1, 0, 60_000), (click.0, 9, 1, 40_000)];
                for _ in 0..copies {
                    self.snapshot(things, model, "global", None, hour, credits.clone());
                }
                if model == 2 {
                    self.snapshot(
                        things,
                        model,
                        "campaign",
                        Some(things.campaigns[0]),
                        hour,
                        vec![],
                    );
                    self.snapshot(
                        things,
                        model,
                        "campaign",
                        Some(things.campaigns[0]),
                        hour,
                        vec![],
                    );
                    // Credits under what is no global snapshot, and a scope that nothing feeds.
                    self.snapshot(things, model, "campaign", Some(77), hour, credits);
                    self.snapshot(things, model, "adgroup", Some(5), hour, vec![]);
                }
                if model == 3 {
                    self.snapshot(things, model, "landing_page", Some(2), hour, vec![]);
                }
            }
        }
    }

    fn snapshot(
        &mut self,
        things: &Things,
        model: u64,
        scope_type: &'static str,
        scope_id: Option<u64>,
        hour: u32,
        credits: Vec<(u64, u64, u32, i64)>,
    ) {
        self.accounts.snapshots.push(OldSnapshot {
            snapshot_id: self.next_snapshot,
            model_id: things.first_model + model,
            user_id: things.user_id,
            scope_type,
            scope_id,
            hour,
            credits,
        });
        self.next_snapshot += 1;
    }
}

/// One owner with many conversions and short journeys, clean, for runs that take a while.
pub fn large(conversions: u64, hours: u64, seed: u64) -> Accounts {
    let mut random = Random::new(seed);
    let mut accounts = Accounts {
        users: vec![(1, false)],
        campaigns: (1..=5).map(|id| (id, 1, 1 + id / 3)).collect(),
        ppc_accounts: (1..=3).map(|id| (id, 1, 1 + id / 2)).collect(),
        ..Accounts::default()
    };
    let mut click_id = 0;
    for conversion_id in 1..=conversions {
        let time = u64::from(START) + random.below(hours * HOUR);
        let campaign_id = random.between(1, 5);
        for _ in 0..random.between(1, 3) {
            click_id += 1;
            accounts.clicks.push(ClickRow {
                click_id,
                user_id: 1,
                campaign_id,
                landing_page_id: random.below(3),
                account_id: random.below(4),
                cost: random.below(100_000) as i64,
                filtered: false,
                bot: false,
                time: (time - random.below(20 * DAY)) as u32,
            });
            accounts.visitors.push(VisitorRow { click_id, ip_id: conversion_id });
        }
        accounts.conversions.push(ConversionRow {
            conversion_id,
            click_id,
            transaction: false,
            campaign_id,
            payout: random.below(5_000_000) as i64,
            user_id: 1,
            click_time: START,
            time: time as u32,
            deleted: false,
        });
    }
    for (number, (kind, config)) in
        [("linear", None), ("time_decay", Some(r#"{"half_life_hours": 48}"#))]
            .into_iter()
            .enumerate()
    {
        accounts.models.push(ModelRow {
            model_id: number as u64 + 1,
            user_id: 1,
            slug: kind.replace('_', "-"),
            kind: kind.to_owned(),
            config: config.map(str::to_owned),
            active: true,
        });
    }
    accounts
}
