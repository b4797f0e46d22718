//! A second implementation of semantics.md, slow and obvious, that shares nothing with the crate:
//! rows in place of columns, maps in place of tables, 128 bits in place of care.
#![allow(dead_code)]

pub(crate) mod data_sets;

use std::collections::{BTreeMap, BTreeSet};

/// The dimensions in the order of their names.
pub(crate) const DIMENSIONS: [&str; 6] =
    ["account", "adgroup", "advertiser", "campaign", "landing_page", "traffic_source"];

/// The ids of a click by dimension; 0 for none.
pub(crate) type Ids = BTreeMap<&'static str, u64>;

#[derive(Debug, Clone)]
pub(crate) struct Click {
    pub(crate) id: u64,
    pub(crate) time: u32,
    /// 0 for unknown.
    pub(crate) visitor: u64,
    pub(crate) cost: i64,
    pub(crate) filtered: bool,
    pub(crate) ids: Ids,
}

#[derive(Debug, Clone)]
pub(crate) struct Conversion {
    pub(crate) id: u64,
    pub(crate) click_id: u64,
    pub(crate) time: u32,
    pub(crate) payout: i64,
    pub(crate) cost: Option<i64>,
    pub(crate) campaign: Option<u64>,
    /// The converting click's time, for where the click is missing.
    pub(crate) click_time: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    VisitorCampaign,
    Visitor,
    Campaign,
    None,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Assembly {
    pub(crate) key: Key,
    pub(crate) lookback_seconds: u32,
    pub(crate) max_touches: u32,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    LastTouch,
    FirstTouch,
    Linear,
    TimeDecay { half_life_hours: u32 },
    PositionBased { first_millionths: u64, last_millionths: u64 },
    Assisted,
}

#[derive(Debug, Clone)]
pub(crate) struct Touch {
    pub(crate) click_id: u64,
    pub(crate) click_time: u32,
    pub(crate) ids: Ids,
}

#[derive(Debug, Clone)]
pub(crate) struct Journey {
    pub(crate) conversion_id: u64,
    pub(crate) conversion_time: u32,
    pub(crate) payout: i64,
    pub(crate) cost: i64,
    pub(crate) converting_click_id: u64,
    /// Whether the converting click is not among the clicks.
    pub(crate) click_missing: bool,
    pub(crate) touches: Vec<Touch>,
}

impl Journey {
    pub(crate) fn converting_position(&self) -> usize {
        let converting = |touch: &Touch| touch.click_id == self.converting_click_id;
        self.touches.iter().position(converting).expect("a journey has its converting click")
    }

    pub(crate) fn click_times(&self) -> Vec<u32> {
        self.touches.iter().map(|touch| touch.click_time).collect()
    }
}

/// The journey of a conversion, by looking at every click.
pub(crate) fn assemble(clicks: &[Click], conversion: &Conversion, assembly: Assembly) -> Journey {
    let converting = clicks.iter().find(|click| click.id == conversion.click_id);
    let campaign_of_click = converting.map_or(0, |click| click.ids["campaign"]);
    let campaign = conversion.campaign.unwrap_or(campaign_of_click);
    let visitor = converting.map_or(0, |click| click.visitor);

    let same_visitor = |click: &Click| visitor != 0 && click.visitor == visitor;
    let same_campaign = |click: &Click| click.ids["campaign"] == campaign;
    let same_key = |click: &Click| match assembly.key {
        Key::VisitorCampaign => same_visitor(click) && same_campaign(click),
        Key::Visitor => same_visitor(click),
        Key::Campaign => same_campaign(click),
        Key::None => false,
    };
    let oldest = i64::from(conversion.time) - i64::from(assembly.lookback_seconds);
    let in_lookback =
        |click: &Click| i64::from(click.time) >= oldest && click.time <= conversion.time;
    let touch = |click: &Click| Touch {
        click_id: click.id,
        click_time: click.time,
        ids: click.ids.clone(),
    };
    let mut touches: Vec<Touch> = clicks
        .iter()
        .filter(|click| same_key(click) && in_lookback(click) && !click.filtered)
        .map(touch)
        .collect();
    sort(&mut touches);
    let too_many = touches.len().saturating_sub(assembly.max_touches as usize);
    touches.drain(..too_many);
    if !touches.iter().any(|touch| touch.click_id == conversion.click_id) {
        touches.push(converting.map_or_else(
            || {
                Touch {
                    click_id: conversion.click_id,
                    click_time: conversion.click_time.unwrap_or(conversion.time),
                    ids: DIMENSIONS
                        .into_iter()
                        .map(|name| (name, if name == "campaign" { campaign } else { 0 }))
                        .collect(),
                }
            },
            touch,
        ));
        sort(&mut touches);
    }
    Journey {
        conversion_id: conversion.id,
        conversion_time: conversion.time,
        payout: conversion.payout,
        cost: conversion.cost.unwrap_or(converting.map_or(0, |click| click.cost)),
        converting_click_id: conversion.click_id,
        click_missing: converting.is_none(),
        touches,
    }
}

fn sort(touches: &mut [Touch]) {
    touches.sort_by_key(|touch| (touch.click_time, touch.click_id));
}

/// The integer weights of a journey. Those of time decay can be off by one, since the system's
/// power of two is not the project's.
pub(crate) fn weights(kind: Kind, journey: &Journey) -> Vec<u64> {
    let count = journey.touches.len();
    match kind {
        Kind::LastTouch => {
            let at = journey.converting_position();
            (0..count).map(|touch| u64::from(touch == at)).collect()
        }
        Kind::FirstTouch => (0..count).map(|touch| u64::from(touch == 0)).collect(),
        Kind::Linear => vec![1; count],
        Kind::Assisted if count == 1 => vec![1],
        Kind::Assisted => (0..count).map(|touch| u64::from(touch + 1 < count)).collect(),
        Kind::PositionBased { first_millionths: first, last_millionths: last } => match count {
            1 => vec![1],
            2 if first == 0 && last == 0 => vec![1, 1],
            2 => vec![first, last],
            _ => {
                let between = count as u64 - 2;
                let mut weights = vec![1_000_000 - first - last; count];
                weights[0] = first * between;
                weights[count - 1] = last * between;
                weights
            }
        },
        Kind::TimeDecay { half_life_hours } => {
            let age = |touch: &Touch| {
                (i64::from(journey.conversion_time) - i64::from(touch.click_time)).max(0) as f64
            };
            let newest = age(&journey.touches[count - 1]);
            let half_life = f64::from(half_life_hours) * 3_600.0;
            let weight = |touch: &Touch| {
                let exponent = -((age(touch) - newest) / half_life);
                (2.0_f64.powi(46) * exponent.exp2()).round_ties_even() as u64
            };
            journey.touches.iter().map(weight).collect()
        }
    }
}

/// Splits a total over weights by largest remainder.
pub(crate) fn apportion(total: i64, weights: &[u64]) -> Vec<i64> {
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let magnitude = u128::from(total.unsigned_abs());
    let product = |weight: &u64| magnitude * u128::from(*weight);
    let mut parts: Vec<u128> = weights.iter().map(|weight| product(weight) / sum).collect();
    let mut by_remainder: Vec<usize> = (0..weights.len()).collect();
    // The sort is stable, so the earlier position stays first.
    by_remainder.sort_by_key(|at| std::cmp::Reverse(product(&weights[*at]) % sum));
    let left_over = magnitude - parts.iter().sum::<u128>();
    for at in by_remainder.into_iter().take(left_over as usize) {
        parts[at] += 1;
    }
    let sign = if total < 0 { -1 } else { 1 };
    parts.into_iter().map(|part| i64::try_from(sign * part as i128).expect("fits")).collect()
}

/// A touch's share of a conversion.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) conversion_id: u64,
    pub(crate) click_id: u64,
    pub(crate) position: u32,
    pub(crate) credit: f64,
    pub(crate) stored_credit: i64,
    pub(crate) revenue: i64,
    pub(crate) cost: i64,
}

/// Scope type, scope id and hour.
pub(crate) type Slice = (&'static str, Option<u64>, u32);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) clicks: u64,
    pub(crate) conversions: u64,
    pub(crate) credit: i128,
    pub(crate) revenue: i128,
    pub(crate) cost: i128,
}

#[derive(Debug, Default)]
pub(crate) struct Results {
    /// By conversion id and position.
    pub(crate) rows: Vec<Row>,
    pub(crate) totals: BTreeMap<Slice, Totals>,
}

/// The credits and totals of journeys under the weights given for each, for these scope types.
pub(crate) fn attribute(journeys: &[(Journey, Vec<u64>)], scope_types: &[&'static str]) -> Results {
    let mut results = Results::default();
    for (journey, weights) in journeys {
        let stored_credits = apportion(100_000, weights);
        let revenues = apportion(journey.payout, weights);
        let costs = apportion(journey.cost, weights);
        let sum: u64 = weights.iter().sum();
        let hour = journey.conversion_time - journey.conversion_time % 3_600;
        let mut slices: BTreeSet<Slice> = BTreeSet::new();
        for (position, touch) in journey.touches.iter().enumerate() {
            if weights[position] == 0 {
                continue;
            }
            results.rows.push(Row {
                conversion_id: journey.conversion_id,
                click_id: touch.click_id,
                position: position as u32,
                credit: weights[position] as f64 / sum as f64,
                stored_credit: stored_credits[position],
                revenue: revenues[position],
                cost: costs[position],
            });
            for scope_type in scope_types {
                let slice = match touch.ids.get(scope_type) {
                    None => ("global", None, hour),
                    Some(0) => continue,
                    Some(id) => (*scope_type, Some(*id), hour),
                };
                slices.insert(slice);
                let totals = results.totals.entry(slice).or_default();
                totals.clicks += 1;
                totals.credit += i128::from(stored_credits[position]);
                totals.revenue += i128::from(revenues[position]);
                totals.cost += i128::from(costs[position]);
            }
        }
        for slice in slices {
            results.totals.entry(slice).or_default().conversions += 1;
        }
    }
    results.rows.sort_by_key(|row| (row.conversion_id, row.position));
    results
}
