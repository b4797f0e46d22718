//! The engine's part of the side-by-side comparison: from ungrouped touches to hourly totals.
//!
//! Reads raw little-endian columns from a folder, computes the time-decay totals of each campaign
//! and hour so many times, and prints the seconds that each computation took as a line of JSON.

use std::error::Error;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use attribution_core::{
    ConversionColumns, Dimensions, Engine, Model, ScopeSet, ScopeType, TouchColumns,
};

fn column<const SIZE: usize, T>(
    folder: &Path,
    name: &str,
    read: impl Fn([u8; SIZE]) -> T,
) -> Result<Vec<T>, Box<dyn Error>> {
    let bytes = fs::read(folder.join(name))?;
    let (values, rest) = bytes.as_chunks::<SIZE>();
    if rest.is_empty() {
        Ok(values.iter().map(|value| read(*value)).collect())
    } else {
        Err(format!("{name} does not end with a whole value").into())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut folder, mut threads, mut repeat, mut out) = (PathBuf::new(), 2, 5, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--threads" => threads = value()?.parse()?,
            "--repeat" => repeat = value()?.parse()?,
            "--out" => out = Some(PathBuf::from(value()?)),
            _ => folder = argument.into(),
        }
    }

    let conversion_ids = column(&folder, "conversions.conv_id.u64", u64::from_le_bytes)?;
    let converting_click_ids = column(&folder, "conversions.click_id.u64", u64::from_le_bytes)?;
    let conversion_times = column(&folder, "conversions.conv_time.u32", u32::from_le_bytes)?;
    let payouts = column(&folder, "conversions.payout.i64", i64::from_le_bytes)?;
    let costs = column(&folder, "conversions.cost.i64", i64::from_le_bytes)?;
    let touch_conversions = column(&folder, "touches.conv_id.u64", u64::from_le_bytes)?;
    let click_ids = column(&folder, "touches.click_id.u64", u64::from_le_bytes)?;
    let click_times = column(&folder, "touches.click_time.u32", u32::from_le_bytes)?;
    let campaign_ids = column(&folder, "touches.campaign_id.u64", u64::from_le_bytes)?;
    let conversions = ConversionColumns {
        conversion_ids: &conversion_ids,
        converting_click_ids: &converting_click_ids,
        conversion_times: &conversion_times,
        payouts: &payouts,
        costs: &costs,
        converting_click_times: None,
    };
    let touches = TouchColumns {
        conversion_ids: &touch_conversions,
        click_ids: &click_ids,
        click_times: &click_times,
        dimensions: Dimensions::default().with(ScopeType::Campaign, &campaign_ids[..]),
    };

    let models = [Model::from_spec("time_decay:half_life_hours=48")?];
    let scopes = ScopeSet::NONE.with(ScopeType::Campaign);
    let engine = Engine::new().scopes(scopes).threads(threads);
    let mut seconds = Vec::new();
    let mut results = Vec::new();
    for _ in 0..repeat {
        let start = Instant::now();
        results = engine.calculate_ungrouped(&models, &conversions, &touches)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    if let Some(out) = out {
        let mut file = BufWriter::new(fs::File::create(out)?);
        writeln!(file, "campaign_id,date_hour,attributed_clicks,credited_conversions,revenue")?;
        for snapshot in results.iter().flat_map(|result| &result.snapshots) {
            writeln!(
                file,
                "{},{},{},{},{}",
                snapshot.scope.id().unwrap_or(0),
                snapshot.date_hour,
                snapshot.attributed_clicks,
                snapshot.credited_conversions,
                snapshot.revenue
            )?;
        }
        file.flush()?;
    }
    println!("{}", serde_json::json!({ "seconds": seconds, "touches": click_ids.len() }));
    Ok(())
}
