//! `attribution models`

use attribution_core::{Error, ModelKind};

use crate::screen;

pub(crate) fn models() -> Result<(), Error> {
    let mut text = String::new();
    for kind in ModelKind::ALL {
        text.push_str(&format!("{}\n    {}\n", screen::heading(kind.name()), summary(kind)));
        match kind.config_fields() {
            [] => text.push_str("    no config\n"),
            fields => {
                for (field, allowed) in fields {
                    text.push_str(&format!("    {field}: {allowed}\n"));
                }
            }
        }
        match kind.example_spec() {
            Some(spec) => text.push_str(&format!("    --model {spec}\n")),
            None => text.push_str("    not yet available\n"),
        }
    }
    screen::print(&text)
}

const fn summary(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::LastTouch => "all credit to the converting click",
        ModelKind::FirstTouch => "all credit to the first touch",
        ModelKind::Linear => "the same credit to every touch",
        ModelKind::TimeDecay => "credit halves with each half-life before the newest touch",
        ModelKind::PositionBased => "fixed shares to the first and last touch, the rest between",
        ModelKind::Assisted => "the same credit to every touch but the last",
        _ => "weights learned from the journeys themselves",
    }
}
