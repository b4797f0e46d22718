//! `attribution models`

use attribution_core::{Error, ModelKind};

use crate::screen;

pub(crate) fn models() -> Result<(), Error> {
    let mut lines = Vec::new();
    for kind in ModelKind::ALL {
        lines.push(screen::heading(kind.name()));
        lines.push(format!("    {}", summary(kind)));
        let fields = kind.config_fields().iter();
        lines.extend(fields.map(|(field, allowed)| format!("    {field}: {allowed}")));
        lines.push(match kind.example_spec() {
            Some(spec) => format!("    --model {spec}"),
            None => "    not yet available".to_owned(),
        });
    }
    screen::print(&(lines.join("\n") + "\n"))
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
