//! Texts as models: whatever is taken splits exactly and comes back the same from its own JSON.
#![no_main]

use std::sync::LazyLock;

use attribution_core::{BatchBuilder, Conversion, Engine, Model, ModelKind, Money, Touch};
use attribution_fuzz::outcome::{Outcome, assert_exact};
use libfuzzer_sys::fuzz_target;

const PAYOUT: i64 = -1_000_003;
const COST: i64 = 77_777;

static BATCH: LazyLock<BatchBuilder> = LazyLock::new(|| {
    let touch = |at: u32| Touch {
        click_id: u64::from(at) + 1,
        click_time: at * at * 3_601,
        ..Touch::default()
    };
    let mut batch = BatchBuilder::new();
    for touches in [0, 1, 2, 6, 40] {
        let conversion = Conversion {
            conversion_id: u64::from(touches),
            conversion_time: 1_000_000_000,
            payout: Money::from_units(PAYOUT),
            cost: Money::from_units(COST),
            click: touch(touches),
        };
        let touches: Vec<Touch> = (0..touches).map(touch).collect();
        batch.push(&conversion, &touches).expect("a good conversion");
    }
    batch
});

fn check(model: &Model) {
    let json = model.to_json().expect("a model has JSON");
    assert_eq!(Model::from_json(&json).as_ref().ok(), Some(model), "{json}");
    assert!(!model.name().is_empty() && !model.slug().is_empty());
    let batch = BATCH.batch();
    let engine = Engine::new().touchpoints(true);
    let results = engine.calculate(std::slice::from_ref(model), &batch).expect("a good batch");
    assert_exact(&Outcome::from(&results[0]), &[PAYOUT; 5], &[COST; 5]);
}

fuzz_target!(|text: &str| {
    if let Ok(model) = Model::from_json(text) {
        check(&model);
    }
    if let Ok(model) = Model::from_spec(text) {
        check(&model);
    }
    if let Some((kind, config)) = text.split_once('\n')
        && let Ok(model) = Model::from_stored(kind, Some(config))
    {
        check(&model);
    }
    for kind in [ModelKind::TimeDecay, ModelKind::PositionBased, ModelKind::Linear] {
        if let Ok(model) = Model::from_stored(kind.name(), Some(text)) {
            check(&model);
        }
    }
});
