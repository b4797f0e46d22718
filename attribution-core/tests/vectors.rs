//! The worked cases of `tests/vectors`, made by an implementation that shares nothing with this one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashMap;
use std::path::PathBuf;

use attribution_core::{
    BatchBuilder, Clicks, Conversion, Conversions, Dimensions, Engine, JourneyOptions, Journeys,
    Model, Money, ScopeType, Touch, order_touches,
};
use serde_json::Value;

fn vectors(name: &str) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(name);
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    assert!(!cases.is_empty());
    cases
}

fn whole(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no whole number"))
}

fn time(value: &Value) -> u32 {
    u32::try_from(whole(value)).unwrap()
}

fn money(value: &Value) -> Money {
    value.as_str().unwrap().parse().unwrap()
}

fn touch(value: &Value) -> Touch {
    let (click_id, click_time) = (whole(&value["click_id"]), time(&value["click_time"]));
    Touch { click_id, click_time, ..Touch::default() }
}

#[test]
fn every_case_of_credits_holds() {
    let cases = vectors("credits.json");
    for case in &cases {
        let name = &case["name"];
        let model: Model = serde_json::from_value(case["model"].clone()).unwrap();
        let config = case["model"]["weighting_config"].to_string();
        let stored =
            Model::from_stored(case["model"]["type"].as_str().unwrap(), Some(&config)).unwrap();
        assert_eq!(stored.weighting(), model.weighting(), "{name}");

        let conversion = Conversion {
            conversion_id: whole(&case["conversion"]["conv_id"]),
            conversion_time: time(&case["conversion"]["conv_time"]),
            payout: money(&case["conversion"]["payout"]),
            cost: money(&case["conversion"]["cost"]),
            click: touch(&case["conversion"]),
        };
        let mut journey: Vec<Touch> =
            case["journey"].as_array().unwrap().iter().map(touch).collect();
        let mut batch = BatchBuilder::new();
        batch.push(&conversion, &journey).unwrap();

        order_touches(&mut journey, conversion.click);
        let ordered: Vec<u64> = case["ordered"].as_array().unwrap().iter().map(whole).collect();
        assert_eq!(batch.batch().columns().click_ids, ordered, "{name}");
        let ids: Vec<u64> = journey.iter().map(|touch| touch.click_id).collect();
        assert_eq!(ids, ordered, "{name}");

        let engine = Engine::new().touchpoints(true);
        let result = engine.calculate(std::slice::from_ref(&model), &batch.batch()).unwrap();
        let touchpoints = &result[0].touchpoints;
        let expected = case["credits"].as_array().unwrap();
        assert_eq!(touchpoints.len(), expected.len(), "{name}");
        let mut all_credits = vec![f64::NAN; ordered.len()];
        Engine::new().credits(&model, &batch.batch(), &mut all_credits).unwrap();
        for (row, expected) in expected.iter().enumerate() {
            let position = touchpoints.positions[row];
            assert_eq!(u64::from(position), whole(&expected["position"]), "{name}");
            assert_eq!(touchpoints.click_ids[row], whole(&expected["click_id"]), "{name}");
            let credit = expected["credit"].as_f64().unwrap();
            assert!((touchpoints.credits[row] - credit).abs() <= 1e-12, "{name}");
            assert_eq!(
                all_credits[position as usize].to_bits(),
                touchpoints.credits[row].to_bits()
            );
            let stored = Money::from_units(i64::from(touchpoints.stored_credits[row]));
            assert_eq!(stored, money(&expected["stored_credit"]), "{name}");
            assert_eq!(
                Money::from_units(touchpoints.revenues[row]),
                money(&expected["revenue"]),
                "{name}"
            );
            assert_eq!(
                Money::from_units(touchpoints.costs[row]),
                money(&expected["cost"]),
                "{name}"
            );
        }
        let uncredited = all_credits.iter().filter(|credit| **credit == 0.0).count();
        assert_eq!(uncredited, ordered.len() - expected.len(), "{name}");
    }
}

#[test]
fn every_case_of_journeys_holds() {
    for case in &vectors("journeys.json") {
        let name = &case["name"];
        let options = JourneyOptions {
            key: case["options"]["journey"].as_str().unwrap().parse().unwrap(),
            lookback_seconds: time(&case["options"]["lookback_seconds"]),
            max_touches: time(&case["options"]["max_touches"]),
        };
        let rows = case["clicks"].as_array().unwrap();
        let column = |field: &str| rows.iter().map(|row| whole(&row[field])).collect::<Vec<_>>();
        let mut visitors: HashMap<String, u128> = HashMap::new();
        let visitors = rows.iter().map(|row| match &row["visitor_id"] {
            Value::Null => 0,
            Value::String(visitor) if visitor.is_empty() => 0,
            visitor => {
                let next = visitors.len() as u128 + 1;
                *visitors.entry(visitor.to_string()).or_insert(next)
            }
        });
        let clicks = Clicks {
            click_ids: column("click_id"),
            click_times: rows.iter().map(|row| time(&row["click_time"])).collect(),
            visitors: visitors.collect(),
            costs: vec![0; rows.len()],
            filtered: rows.iter().map(|row| row["filtered"].as_u64() == Some(1)).collect(),
            dimensions: Dimensions::default().with(ScopeType::Campaign, column("campaign_id")),
        };
        let conversion = &case["conversion"];
        let conversions = Conversions {
            conversion_ids: vec![whole(&conversion["conv_id"])],
            click_ids: vec![whole(&conversion["click_id"])],
            conversion_times: vec![time(&conversion["conv_time"])],
            payouts: vec![0],
            costs: vec![None],
            campaign_ids: vec![conversion["campaign_id"].as_u64()],
            click_times: vec![conversion["click_time"].as_u64().map(|time| time as u32)],
        };
        let journeys = Journeys::assemble(&clicks, &conversions, &options).unwrap();
        let found: Vec<u64> = journeys
            .rows(0)
            .iter()
            .map(|row| clicks.click_ids.get(*row as usize).copied())
            .map(|id| id.unwrap_or(conversions.click_ids[0]))
            .collect();
        let expected: Vec<u64> = case["journey"].as_array().unwrap().iter().map(whole).collect();
        assert_eq!(found, expected, "{name}");
    }
}
