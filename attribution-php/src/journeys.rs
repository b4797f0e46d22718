//! Journeys assembled from clicks that are given as rows.

use std::collections::HashMap;

use attribution_core::{
    Clicks, Conversions, Dimensions, JourneyKey, JourneyOptions, Journeys, ScopeSet, ScopeType,
};
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::BailoutGuard;

use crate::failure::{Failure, refused};
use crate::input::{self, Refusal, shown};
use crate::job::without_signals;
use crate::keys;
use crate::memory;
use crate::options::Options;
use crate::output::decimal;
use crate::rows::{
    BETWEEN_LOOKS, DIMENSIONS, DimensionFields, each_row, given, money_not_negative, required,
};
use crate::zend::globals;
use crate::zend::table::{Field, Made, NewList, NewRow, NewValue, Value, value_of};

const CLICKS: &str = "clicks";
const CONVERSIONS: &str = "conversions";

/// Reads the options of journeys, where they are among others.
pub(crate) fn journey_options(options: Options<'_>) -> Result<JourneyOptions, Failure> {
    let defaults = JourneyOptions::default();
    let key = match options.text("journey_key")? {
        None => defaults.key,
        Some(name) => name.parse::<JourneyKey>().map_err(|_| {
            let allowed = JourneyKey::ALL.map(JourneyKey::name).join(", ");
            refused(
                options.place("journey_key"),
                format!("found {}", shown(name.as_bytes())),
                allowed,
            )
        })?,
    };
    Ok(JourneyOptions {
        key,
        lookback_seconds: options.duration("lookback")?.unwrap_or(defaults.lookback_seconds),
        max_touches: options
            .bounded("max_touches", 1, 65_535)?
            .map_or(defaults.max_touches, |touches| touches as u32),
    })
}

/// Numbers for visitors, whose ids may be any text; 0 is nobody.
#[derive(Debug, Default)]
struct Visitors(HashMap<Vec<u8>, u128>);

impl Visitors {
    /// The number of a visitor: an integer is its own number, as is a text that is one; others come
    /// after these.
    fn number(&mut self, value: Option<&Zval>) -> Result<u128, Refusal> {
        const BEYOND_INTEGERS: u128 = 1 << 64;
        let Some(value) = value else { return Ok(0) };
        match value_of(value) {
            Value::Text(b"") => Ok(0),
            Value::Int(number) if number >= 0 => Ok(number as u128),
            Value::Text(bytes) => {
                if let Ok(number) = input::id(value)
                    && (bytes == b"0" || bytes.first() != Some(&b'0'))
                {
                    return Ok(number.into());
                }
                let next = BEYOND_INTEGERS + self.0.len() as u128;
                Ok(*self.0.entry(bytes.to_vec()).or_insert(next))
            }
            _ => Err(Refusal::new(value, "text or a whole number that is not negative")),
        }
    }
}

fn flag(value: &Zval) -> Result<bool, Refusal> {
    match value_of(value) {
        Value::Bool(value) => Ok(value),
        Value::Int(0) | Value::Text(b"0") => Ok(false),
        Value::Int(1) | Value::Text(b"1") => Ok(true),
        _ => Err(Refusal::new(value, "true, false, 0 or 1")),
    }
}

fn read_clicks(rows: &ZendHashTable) -> Result<Clicks, Failure> {
    let click_id = Field::new(&keys::CLICK_ID);
    let click_time = Field::new(&keys::CLICK_TIME);
    let visitor = Field::new(&keys::VISITOR_ID);
    let cost = Field::new(&keys::COST);
    let filtered = Field::new(&keys::FILTERED);
    let dimensions = DimensionFields::of(ScopeType::DIMENSIONS.into_iter().collect());
    let mut visitors = Visitors::default();
    let mut clicks = Clicks::default();
    let mut columns: Vec<(ScopeType, Vec<u64>)> =
        dimensions.iter().map(|(scope_type, _)| (scope_type, Vec::new())).collect();
    each_row(rows, CLICKS, |at, row| {
        let place = || format!("{CLICKS}[{at}]");
        clicks.click_ids.push(required(row, &click_id, input::id, place)?);
        clicks.click_times.push(required(row, &click_time, input::time, place)?);
        let number = visitors.number(crate::rows::optional(row, &visitor));
        clicks
            .visitors
            .push(number.map_err(|refusal| refusal.at(format!("{}.visitor_id", place())))?);
        clicks.costs.push(given(row, &cost, money_not_negative, place)?.unwrap_or(0));
        clicks.filtered.push(given(row, &filtered, flag, place)?.unwrap_or(false));
        for ((_, field), (_, column)) in dimensions.iter().zip(&mut columns) {
            column.push(given(row, field, input::id, place)?.unwrap_or(0));
        }
        Ok(())
    })?;
    clicks.dimensions = columns
        .into_iter()
        .fold(Dimensions::default(), |all, (scope_type, column)| all.with(scope_type, column));
    Ok(clicks)
}

fn read_conversions(rows: &ZendHashTable) -> Result<Conversions, Failure> {
    let conversion_id = Field::new(&keys::CONV_ID);
    let click_id = Field::new(&keys::CLICK_ID);
    let conversion_time = Field::new(&keys::CONV_TIME);
    let payout = Field::new(&keys::PAYOUT);
    let cost = Field::new(&keys::COST);
    let campaign = Field::new(&keys::CAMPAIGN_ID);
    let click_time = Field::new(&keys::CLICK_TIME);
    let mut conversions = Conversions::default();
    each_row(rows, CONVERSIONS, |at, row| {
        let place = || format!("{CONVERSIONS}[{at}]");
        conversions.conversion_ids.push(required(row, &conversion_id, input::id, place)?);
        conversions.click_ids.push(required(row, &click_id, input::id, place)?);
        conversions.conversion_times.push(required(row, &conversion_time, input::time, place)?);
        conversions.payouts.push(required(row, &payout, input::money, place)?);
        conversions.costs.push(given(row, &cost, money_not_negative, place)?);
        conversions.campaign_ids.push(given(row, &campaign, input::id, place)?);
        conversions.click_times.push(given(row, &click_time, input::time, place)?);
        Ok(())
    })?;
    Ok(conversions)
}

/// Journeys with what they were assembled from, kept by a guard while rows are made.
#[derive(Debug)]
struct Assembled {
    journeys: Journeys,
    clicks: Clicks,
    conversions: Conversions,
}

fn read(
    clicks: &ZendHashTable,
    conversions: &ZendHashTable,
    options: Option<&ZendHashTable>,
) -> Result<Assembled, Failure> {
    let options = match options {
        Some(options) => {
            let known = ["journey_key", "lookback", "max_touches"];
            journey_options(Options::new(options, "options", &known)?)?
        }
        None => JourneyOptions::default(),
    };
    let clicks = read_clicks(clicks)?;
    let conversions = read_conversions(conversions)?;
    // Grouping holds some numbers for each click and conversion. How many touches come of it is known afterwards.
    memory::check(CLICKS, (clicks.len() + conversions.len()).saturating_mul(64))?;
    let journeys = without_signals(|| Journeys::assemble(&clicks, &conversions, &options))?;
    memory::check(CONVERSIONS, journeys.touches().saturating_mul(64))?;
    globals::poll()?;
    Ok(Assembled { journeys, clicks, conversions })
}

/// The assembled batch and what was read, as rows.
fn to_rows(assembled: Assembled) -> Result<Made, Failure> {
    let scopes: ScopeSet = ScopeType::DIMENSIONS.into_iter().collect();
    let Assembled { journeys, clicks, conversions } = assembled;
    let batch = journeys.into_batch(&conversions, &clicks, scopes)?;
    drop((clicks, conversions));
    let guarded = BailoutGuard::new(batch);
    let batch = guarded.get().batch();
    let columns = batch.columns();
    let mut rows = NewList::with_capacity(batch.conversions());
    let entry = |column: &[u64], at: usize| column.get(at).copied().unwrap_or_default();
    let mut looked = 0;
    for (at, bounds) in columns.offsets.windows(2).enumerate() {
        let [start, end] = bounds else { continue };
        if at == 0 || end - looked > BETWEEN_LOOKS {
            looked = *end;
            globals::poll()?;
        }
        let converting = entry(columns.converting_click_ids, at);
        let time = columns.conversion_times.get(at).copied().unwrap_or_default();
        let mut click_time = time;
        let mut journey = NewList::with_capacity(end - start);
        for touch in *start..*end {
            let touch_time = columns.click_times.get(touch).copied().unwrap_or_default();
            let click_id = entry(columns.click_ids, touch);
            let mut row = NewRow::new(8);
            row.set(&keys::CLICK_ID, NewValue::unsigned(click_id));
            row.set(&keys::CLICK_TIME, NewValue::int(touch_time.into()));
            for (scope_type, key) in DIMENSIONS {
                let id =
                    columns.dimensions.get(scope_type).map_or(0, |column| entry(column, touch));
                if id != 0 {
                    row.set(key, NewValue::unsigned(id));
                }
            }
            if click_id == converting {
                click_time = touch_time;
            }
            journey.push(row.into_new_value());
        }
        let mut row = NewRow::new(8);
        row.set(&keys::CONV_ID, NewValue::unsigned(entry(columns.conversion_ids, at)));
        row.set(&keys::CLICK_ID, NewValue::unsigned(converting));
        row.set(&keys::CONV_TIME, NewValue::int(time.into()));
        row.set(&keys::CLICK_TIME, NewValue::int(click_time.into()));
        row.set(&keys::PAYOUT, decimal(columns.payouts.get(at).copied().unwrap_or_default()));
        row.set(&keys::COST, decimal(columns.costs.get(at).copied().unwrap_or_default()));
        row.set(&keys::JOURNEY, journey.into_new_value());
        rows.push(row.into_new_value());
    }
    Ok(rows.into_made())
}

/// What `attribution_journeys` gives.
pub(crate) fn assemble(
    clicks: &ZendHashTable,
    conversions: &ZendHashTable,
    options: Option<&ZendHashTable>,
) -> Result<Made, Failure> {
    read(clicks, conversions, options).and_then(to_rows)
}
