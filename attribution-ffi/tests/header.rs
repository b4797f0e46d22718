//! `include/attribution.h` is what cbindgen makes of this crate, and the symbols are those it declares.
//!
//! `ATTRIBUTION_WRITE_HEADER=1 cargo test -p attribution-ffi --test header` writes both anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::mem::{align_of, offset_of, size_of};
use std::path::{Path, PathBuf};

use attribution::arrow::{ArrowArray, ArrowArrayStream, ArrowSchema};
use attribution::batch::{attribution_columns, attribution_conversion, attribution_touch};
use attribution::calculate::{
    attribution_conversion_columns, attribution_engine_options, attribution_touch_columns,
};
use attribution::columns::{
    attribution_i64_slice, attribution_size_slice, attribution_u8_slice, attribution_u32_slice,
    attribution_u64_slice,
};
use attribution::database::findings::attribution_finding;
use attribution::database::jobs::{attribution_backfill_options, attribution_rebuild_options};
use attribution::database::report::{
    attribution_invalid_model, attribution_model_report, attribution_user_report,
};
use attribution::database::snapshots::{
    attribution_snapshot_query, attribution_stored_snapshot_columns,
};
use attribution::journeys::{
    attribution_clicks, attribution_conversions, attribution_journey_columns,
    attribution_journey_options,
};
use attribution::model::attribution_model_fields;
use attribution::result::{attribution_snapshots, attribution_touchpoints};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The size of a struct, and where some of its fields are, the last among them.
macro_rules! layouts {
    ($text:ident: $($name:ident { $($field:ident),+ $(,)? })+) => {
        $(
            layout($text, stringify!($name), size_of::<$name>(), align_of::<$name>(), &[
                $((stringify!($field), offset_of!($name, $field))),+
            ]);
        )+
    };
}

fn layout(text: &mut String, name: &str, size: usize, align: usize, fields: &[(&str, usize)]) {
    let (open, close) = ("ATTRIBUTION_STATIC_ASSERT(", ", \"attribution.h: layout\");");
    // Arrow's have no other name in C.
    let name = &if name.starts_with("Arrow") { format!("struct {name}") } else { name.to_owned() };
    writeln!(text, "{open}sizeof({name}) == {size}{close}").unwrap();
    writeln!(text, "{open}ATTRIBUTION_ALIGN_OF({name}) == {align}{close}").unwrap();
    for (field, offset) in fields {
        writeln!(text, "{open}offsetof({name}, {field}) == {offset}{close}").unwrap();
    }
}

/// What C checks of the layouts where pointers have 64 bits, which is where these were taken.
// A list of every struct and field is as long as they are many.
#[allow(clippy::too_many_lines)]
fn asserts() -> String {
    let mut text = String::new();
    let out = &mut text;
    layouts! { out:
        attribution_u8_slice { data, length }
        attribution_u32_slice { data, length }
        attribution_u64_slice { data, length }
        attribution_i64_slice { data, length }
        attribution_size_slice { data, length }
        attribution_touch {
            click_id,
            click_time,
            campaign_id,
            account_id,
            landing_page_id,
            advertiser_id,
            traffic_source_id,
            adgroup_id,
        }
        attribution_conversion { conversion_id, conversion_time, payout, cost, click }
        attribution_columns {
            size,
            conversion_ids,
            converting_click_ids,
            conversion_times,
            payouts,
            costs,
            offsets,
            click_ids,
            click_times,
            campaign_ids,
            account_ids,
            landing_page_ids,
            advertiser_ids,
            traffic_source_ids,
            adgroup_ids,
        }
        attribution_conversion_columns {
            size,
            conversion_ids,
            converting_click_ids,
            conversion_times,
            payouts,
            costs,
            converting_click_times,
        }
        attribution_touch_columns {
            size,
            conversion_ids,
            click_ids,
            click_times,
            campaign_ids,
            account_ids,
            landing_page_ids,
            advertiser_ids,
            traffic_source_ids,
            adgroup_ids,
        }
        attribution_engine_options { size, scopes, threads, touchpoints, reserved }
        attribution_model_fields {
            size,
            kind,
            half_life_hours,
            first_touch_weight,
            last_touch_weight,
            name,
            slug,
        }
        attribution_journey_options { size, key, lookback_seconds, max_touches, reserved }
        attribution_clicks {
            size,
            click_ids,
            click_times,
            visitors,
            visitors_high,
            costs,
            filtered,
            campaign_ids,
            account_ids,
            landing_page_ids,
            advertiser_ids,
            traffic_source_ids,
            adgroup_ids,
        }
        attribution_conversions {
            size,
            conversion_ids,
            click_ids,
            conversion_times,
            payouts,
            costs,
            costs_present,
            campaign_ids,
            campaign_ids_present,
            click_times,
            click_times_present,
        }
        attribution_journey_columns { size, conversions, touches, offsets, rows }
        attribution_snapshots {
            size,
            length,
            scope_types,
            scope_ids,
            date_hours,
            attributed_clicks,
            attributed_conversions,
            credited_conversions,
            revenues,
            costs,
        }
        attribution_touchpoints {
            size,
            length,
            conversions,
            click_ids,
            positions,
            credits,
            stored_credits,
            revenues,
            costs,
        }
        attribution_backfill_options {
            size,
            user_id,
            start,
            end,
            journey_key,
            lookback_seconds,
            max_touches,
            scope_type,
            scope_id,
            wait_seconds,
            connections,
        }
        attribution_rebuild_options {
            size,
            user_id,
            start,
            end,
            scopes,
            without_credits,
            wait_seconds,
            connections,
        }
        attribution_user_report {
            size,
            user_id,
            status,
            message,
            start,
            end,
            conversions,
            touches,
            missing_clicks,
            clicks,
            deleted_conversions,
            single_touch_conversions,
            batches,
            rows_written,
            retries,
            duration_ms,
            models,
            invalid_models,
        }
        attribution_model_report {
            size,
            model_id,
            slug,
            hours,
            snapshots,
            clicks,
            conversions,
            revenue,
            cost,
            rows_written,
        }
        attribution_invalid_model { size, model_id, slug, problem }
        attribution_finding { size, severity, subject, found, remedy }
        attribution_snapshot_query {
            size,
            user_id,
            model,
            start,
            end,
            scope_type,
            scope_id,
            limit,
            offset,
        }
        attribution_stored_snapshot_columns {
            size,
            length,
            snapshot_ids,
            scope_types,
            scope_ids,
            date_hours,
            attributed_clicks,
            attributed_conversions,
            revenues,
            costs,
        }
        ArrowSchema { format, name, metadata, flags, n_children, children, dictionary, release, private_data }
        ArrowArray {
            length,
            null_count,
            offset,
            n_buffers,
            n_children,
            buffers,
            children,
            dictionary,
            release,
            private_data,
        }
        ArrowArrayStream { get_schema, get_next, get_last_error, release, private_data }
    }
    text
}

/// The header as it should be.
fn made() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let part = |name: &str| fs::read_to_string(folder.join("header").join(name)).unwrap();
    let mut config = cbindgen::Config::from_file(folder.join("cbindgen.toml")).unwrap();
    config.header = Some(part("top.h").trim_end().to_owned());
    config.after_includes = Some(format!("\n{}", part("arrow.h").trim_end()));
    let bottom = part("bottom.h")
        .replace("@VERSION@", attribution::version::ATTRIBUTION_VERSION_STRING)
        .replace("@LAYOUTS@\n", &asserts());
    config.trailer = Some(bottom.trim_end().to_owned());
    let mut header = Vec::new();
    cbindgen::Builder::new()
        .with_crate(folder)
        .with_config(config)
        .generate()
        .expect("cbindgen")
        .write(&mut header);
    String::from_utf8(header).unwrap()
}

/// Every function that a header declares, in order.
fn functions(header: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut comment = false;
    for line in header.lines() {
        comment |= line.trim_start().starts_with("/*");
        let code = !comment;
        comment &= !line.contains("*/");
        if !code || line.starts_with([' ', '#']) || line.starts_with("typedef") {
            continue;
        }
        let Some((before, _)) = line.split_once('(') else { continue };
        let name = before.rsplit([' ', '*']).next().unwrap();
        if name.starts_with("attribution_") {
            names.insert(name.to_owned());
        }
    }
    names
}

fn check(path: &str, made: &str) {
    let path = root().join(path);
    if std::env::var_os("ATTRIBUTION_WRITE_HEADER").is_some() {
        fs::write(&path, made).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differs =
        committed.lines().zip(made.lines()).enumerate().find(|(_, (is, want))| is != want);
    assert!(
        committed == made,
        "{} is not what this crate makes: {differs:?}; write it anew with \
         ATTRIBUTION_WRITE_HEADER=1 cargo test -p attribution-ffi --test header",
        path.display()
    );
}

#[test]
fn the_header_and_its_list_of_symbols_are_those_of_this_crate() {
    let header = made();
    check("include/attribution.h", &header);
    let names: Vec<String> = functions(&header).into_iter().collect();
    assert!(names.len() > 50, "{names:?}");
    check("include/attribution.symbols", &(names.join("\n") + "\n"));
}
