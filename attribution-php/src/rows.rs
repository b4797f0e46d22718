//! Conversions and clicks as rows: arrays with names as their keys.

use attribution_core::{
    BatchBuilder, Conversion, Error, MAX_TOUCHES, Money, ScopeSet, ScopeType, Touch,
};
use ext_php_rs::types::{ZendHashTable, Zval};

use crate::failure::{Failure, refused};
use crate::input::{self, Refusal, described};
use crate::keys;
use crate::memory;
use crate::zend::globals;
use crate::zend::table::{Field, Table, Value, value_of};
use crate::zend::text::Key;

/// How many rows are read between two looks at the clock and at the memory.
pub(crate) const BETWEEN_LOOKS: usize = 4096;

/// How many touches are read at most between two such looks, where journeys are long.
const TOUCHES_BETWEEN_LOOKS: usize = 32_768;

/// A list of rows on its way in.
pub(crate) fn each_row(
    rows: &ZendHashTable,
    place: &'static str,
    mut take: impl FnMut(usize, Table<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    input::list_of(Table(rows), || place.to_owned())?.each(|row, value| {
        if row % BETWEEN_LOOKS == 0 {
            globals::poll()?;
            memory::check(place, 0)?;
        }
        match value_of(value) {
            Value::Table(table) => take(row, table),
            _ => Err(no_row(format!("{place}[{row}]"), value)),
        }
    })
}

#[cold]
pub(crate) fn no_row(place: String, value: &Zval) -> Failure {
    refused(place, described(value), "an array with names as keys")
}

/// The value of a field; null is nothing.
#[inline]
pub(crate) fn optional<'a>(row: Table<'a>, field: &Field) -> Option<&'a Zval> {
    row.field(field).filter(|value| !matches!(value_of(value), Value::Null))
}

/// Reads a field that has to be there.
pub(crate) fn required<T>(
    row: Table<'_>,
    field: &Field,
    read: impl FnOnce(&Zval) -> Result<T, Refusal>,
    place: impl FnOnce() -> String,
) -> Result<T, Failure> {
    match row.field(field) {
        Some(value) => read(value).map_err(|refusal| refusal.at(named(&place(), field))),
        None => Err(missing(named(&place(), field))),
    }
}

/// Reads a field where it is there.
#[inline]
pub(crate) fn given<T>(
    row: Table<'_>,
    field: &Field,
    read: impl FnOnce(&Zval) -> Result<T, Refusal>,
    place: impl FnOnce() -> String,
) -> Result<Option<T>, Failure> {
    match optional(row, field) {
        Some(value) => read(value).map(Some).map_err(|refusal| refusal.at(named(&place(), field))),
        None => Ok(None),
    }
}

/// Reads an id that has to be there.
#[inline(always)]
fn required_id(
    row: Table<'_>,
    field: &Field,
    place: impl FnOnce() -> String,
) -> Result<u64, Failure> {
    match row.likely_integer(field) {
        Some(id) if id >= 0 => Ok(id as u64),
        _ => required(row, field, input::id, place),
    }
}

/// Reads a time that has to be there.
#[inline(always)]
fn required_time(
    row: Table<'_>,
    field: &Field,
    place: impl FnOnce() -> String,
) -> Result<u32, Failure> {
    match row.likely_integer(field).map(u32::try_from) {
        Some(Ok(time)) => Ok(time),
        _ => required(row, field, input::time, place),
    }
}

#[cold]
fn named(place: &str, field: &Field) -> String {
    format!("{place}.{}", field.key.name)
}

#[cold]
fn missing(place: String) -> Failure {
    refused(place, "found nothing", "a value")
}

/// The dimensions of clicks, touches and conversions by the names that their rows have for them.
pub(crate) const DIMENSIONS: [(ScopeType, &Key); 6] = [
    (ScopeType::Campaign, &keys::CAMPAIGN_ID),
    (ScopeType::Account, &keys::PPC_ACCOUNT_ID),
    (ScopeType::LandingPage, &keys::LANDING_PAGE_ID),
    (ScopeType::Advertiser, &keys::ADVERTISER_ID),
    (ScopeType::TrafficSource, &keys::TRAFFIC_SOURCE_ID),
    (ScopeType::Adgroup, &keys::ADGROUP_ID),
];

/// Some of the dimensions, each with its field.
#[derive(Debug)]
pub(crate) struct DimensionFields(Vec<(ScopeType, Field)>);

impl DimensionFields {
    /// The fields of these scopes.
    pub(crate) fn of(scopes: ScopeSet) -> Self {
        let wanted = DIMENSIONS.into_iter().filter(|(scope_type, _)| scopes.contains(*scope_type));
        Self(wanted.map(|(scope_type, key)| (scope_type, Field::new(key))).collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ScopeType, &Field)> {
        self.0.iter().map(|(scope, field)| (*scope, field))
    }

    /// Reads the dimensions that a row has into a touch.
    #[inline]
    fn read(
        &self,
        row: Table<'_>,
        touch: &mut Touch,
        place: impl Fn() -> String,
    ) -> Result<(), Failure> {
        for (scope_type, field) in self.iter() {
            if let Some(id) = given(row, field, input::id, &place)? {
                *dimension(touch, scope_type) = id;
            }
        }
        Ok(())
    }
}

fn dimension(touch: &mut Touch, scope_type: ScopeType) -> &mut u64 {
    match scope_type {
        ScopeType::Account => &mut touch.account_id,
        ScopeType::LandingPage => &mut touch.landing_page_id,
        ScopeType::Advertiser => &mut touch.advertiser_id,
        ScopeType::TrafficSource => &mut touch.traffic_source_id,
        ScopeType::Adgroup => &mut touch.adgroup_id,
        _ => &mut touch.campaign_id,
    }
}

/// Gives the converting click in its journey what only the conversion's row tells of it.
fn complete_converting_click(click: &Touch, touches: &mut [Touch]) {
    let mut row = *click;
    for touch in touches.iter_mut().filter(|touch| touch.click_id == click.click_id) {
        for scope_type in ScopeType::DIMENSIONS {
            let inside = dimension(touch, scope_type);
            if *inside == 0 {
                *inside = *dimension(&mut row, scope_type);
            }
        }
    }
}

/// Reads conversions with their journeys into a batch that has the dimensions of these scopes.
pub(crate) fn read_conversions(
    conversions: &ZendHashTable,
    scopes: ScopeSet,
) -> Result<BatchBuilder, Failure> {
    const PLACE: &str = "conversions";
    let conversion_id = Field::new(&keys::CONV_ID);
    let click_id = Field::new(&keys::CLICK_ID);
    let conversion_time = Field::new(&keys::CONV_TIME);
    let click_time = Field::new(&keys::CLICK_TIME);
    let payout = Field::new(&keys::PAYOUT);
    let cost = Field::new(&keys::COST);
    let journey = Field::new(&keys::JOURNEY);
    let touch_click_id = Field::new(&keys::CLICK_ID);
    let touch_click_time = Field::new(&keys::CLICK_TIME);
    let dimensions = DimensionFields::of(scopes);
    let touch_dimensions = DimensionFields::of(scopes);
    let mut batch = BatchBuilder::with_dimensions(scopes);
    let mut touches: Vec<Touch> = Vec::new();
    let mut unseen = 0;
    each_row(conversions, PLACE, |at, row| {
        let place = || format!("{PLACE}[{at}]");
        let time = required_time(row, &conversion_time, place)?;
        let mut click = Touch {
            click_id: required_id(row, &click_id, place)?,
            click_time: given(row, &click_time, input::time, place)?.unwrap_or(time),
            ..Touch::default()
        };
        dimensions.read(row, &mut click, place)?;
        let cost = given(row, &cost, money_not_negative, place)?.unwrap_or(0);
        touches.clear();
        if let Some(value) = optional(row, &journey) {
            let journey = || format!("{PLACE}[{at}].journey");
            let list = input::list(value, journey)?;
            if list.len() > MAX_TOUCHES {
                let found = format!("found {} touches", list.len());
                return Err(refused(journey(), found, format!("at most {MAX_TOUCHES}")));
            }
            list.each(|position, value| {
                let place = || format!("{PLACE}[{at}].journey[{position}]");
                let Value::Table(row) = value_of(value) else { return Err(no_row(place(), value)) };
                let mut touch = Touch {
                    click_id: required_id(row, &touch_click_id, place)?,
                    click_time: required_time(row, &touch_click_time, place)?,
                    ..Touch::default()
                };
                // Most touches have no more than these two.
                if row.len() > 2 {
                    touch_dimensions.read(row, &mut touch, place)?;
                }
                touches.push(touch);
                Ok(())
            })?;
        }
        complete_converting_click(&click, &mut touches);
        let conversion = Conversion {
            conversion_id: required_id(row, &conversion_id, place)?,
            conversion_time: time,
            payout: Money::from_units(required(row, &payout, input::money, place)?),
            cost: Money::from_units(cost),
            click,
        };
        unseen += touches.len();
        if unseen > TOUCHES_BETWEEN_LOOKS {
            unseen = 0;
            globals::poll()?;
            memory::check(PLACE, 0)?;
        }
        batch
            .push(&conversion, &touches)
            .map_err(|error| moved(error, || format!("{PLACE}[{at}].journey")))
    })?;
    Ok(batch)
}

/// A cost, which is not negative.
pub(crate) fn money_not_negative(value: &Zval) -> Result<i64, Refusal> {
    match input::money(value)? {
        units if units >= 0 => Ok(units),
        _ => Err(Refusal::new(value, "0 or more")),
    }
}

/// A refusal of the core's, at the place where the input has it.
#[cold]
pub(crate) fn moved(error: Error, place: impl FnOnce() -> String) -> Failure {
    match &error {
        Error::Input(defects) => match defects.shown().first() {
            Some(defect) => refused(place(), &defect.found, &defect.allowed),
            None => Failure::Engine(error),
        },
        _ => Failure::Engine(error),
    }
}
