//! The names of the fields of all arrays that come in or go out.

use crate::zend::text::Key;

macro_rules! keys {
    ($($name:ident = $text:literal,)*) => {
        $(pub(crate) static $name: Key = Key::new($text);)*

        const ALL: &[&Key] = &[$(&$name,)*];
    };
}

keys! {
    ACCOUNT_IDS = "account_ids",
    ADGROUP_ID = "adgroup_id",
    ADGROUP_IDS = "adgroup_ids",
    ADVERTISER_ID = "advertiser_id",
    ADVERTISER_IDS = "advertiser_ids",
    ATTRIBUTED_CLICKS = "attributed_clicks",
    ATTRIBUTED_CONVERSIONS = "attributed_conversions",
    ATTRIBUTED_COST = "attributed_cost",
    ATTRIBUTED_REVENUE = "attributed_revenue",
    CAMPAIGN_ID = "campaign_id",
    CAMPAIGN_IDS = "campaign_ids",
    CLICK_ID = "click_id",
    CLICK_IDS = "click_ids",
    CLICK_TIME = "click_time",
    CLICK_TIMES = "click_times",
    CONVERSIONS = "conversions",
    CONVERSION_IDS = "conversion_ids",
    CONVERSION_TIMES = "conversion_times",
    CONVERTING_CLICK_IDS = "converting_click_ids",
    CONV_ID = "conv_id",
    CONV_TIME = "conv_time",
    COST = "cost",
    COSTS = "costs",
    COST_UNITS = "cost_units",
    CREDIT = "credit",
    CREDITED_CONVERSIONS = "credited_conversions",
    CREDITED_UNITS = "credited_units",
    CREDITS = "credits",
    DATE_HOUR = "date_hour",
    DATE_HOURS = "date_hours",
    FILTERED = "filtered",
    JOURNEY = "journey",
    LANDING_PAGE_ID = "landing_page_id",
    LANDING_PAGE_IDS = "landing_page_ids",
    MODEL = "model",
    MODEL_ID = "model_id",
    NAME = "name",
    OFFSETS = "offsets",
    PAYOUT = "payout",
    PAYOUTS = "payouts",
    PAYOUT_UNITS = "payout_units",
    POSITION = "position",
    POSITIONS = "positions",
    PPC_ACCOUNT_ID = "ppc_account_id",
    REVENUE = "revenue",
    REVENUE_UNITS = "revenue_units",
    SCOPE_ID = "scope_id",
    SCOPE_IDS = "scope_ids",
    SCOPE_TYPE = "scope_type",
    SCOPE_TYPES = "scope_types",
    SLUG = "slug",
    SNAPSHOTS = "snapshots",
    SNAPSHOT_ID = "snapshot_id",
    STORED_CREDIT = "stored_credit",
    STORED_CREDIT_UNITS = "stored_credit_units",
    TOUCHPOINTS = "touchpoints",
    TRAFFIC_SOURCE_ID = "traffic_source_id",
    TRAFFIC_SOURCE_IDS = "traffic_source_ids",
    TYPE = "type",
    VISITOR_ID = "visitor_id",
    WEIGHT = "weight",
    WEIGHTING_CONFIG = "weighting_config",
    // The scope types, as values.
    GLOBAL = "global",
    CAMPAIGN = "campaign",
    ACCOUNT = "account",
    ADVERTISER = "advertiser",
    TRAFFIC_SOURCE = "traffic_source",
    LANDING_PAGE = "landing_page",
    ADGROUP = "adgroup",
}

/// Makes the keys' strings. Only for the module's startup.
pub(crate) fn intern() {
    for key in ALL {
        key.intern();
    }
}
