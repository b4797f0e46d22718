//! `include/attribution.h` is what cbindgen makes of this crate, and the symbols are those it declares.
//!
//! `ATTRIBUTION_WRITE_HEADER=1 cargo test -p attribution-ffi --test header` writes both anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::mem::{align_of, offset_of, size_of};
use std::path::{Path, PathBuf};

use attribution_core::{
    CacheOptions, CompareOptions, ExportQuery, ExportRunOptions, JourneyOptions, OverviewOptions,
    WebhookPolicy, Window,
};

use attribution::arrow::{ArrowArray, ArrowArrayStream, ArrowSchema};
use attribution::batch::{attribution_columns, attribution_conversion, attribution_touch};
use attribution::calculate::{
    attribution_conversion_columns, attribution_engine_options, attribution_touch_columns,
};
use attribution::columns::{
    attribution_i64_slice, attribution_size_slice, attribution_u8_slice, attribution_u32_slice,
    attribution_u64_slice,
};
use attribution::database::cache::{attribution_cache_counts, attribution_cache_options};
use attribution::database::compare::{
    attribution_compare_options, attribution_comparison_fields, attribution_comparison_row,
};
use attribution::database::export_run::{
    attribution_export_outcome, attribution_export_run_fields, attribution_export_run_options,
};
use attribution::database::exports::{
    attribution_export_fields, attribution_export_query, attribution_export_request,
};
use attribution::database::figures::attribution_figures;
use attribution::database::findings::attribution_finding;
use attribution::database::jobs::{attribution_backfill_options, attribution_rebuild_options};
use attribution::database::overview::{
    attribution_anomaly, attribution_hour_columns, attribution_mix_columns,
    attribution_overview_fields, attribution_overview_options,
};
use attribution::database::purge::{
    attribution_left_file, attribution_purge_options, attribution_purge_report,
    attribution_purged_table,
};
use attribution::database::report::{
    attribution_invalid_model, attribution_model_report, attribution_user_report,
};
use attribution::database::snapshots::{
    attribution_snapshot_query, attribution_stored_snapshot_columns,
};
use attribution::database::webhook::{attribution_header, attribution_webhook_policy};
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
        attribution_figures { credited_conversions, revenue, cost, profit, roi_percent, has_roi }
        attribution_compare_options {
            size,
            user_id,
            models,
            model_count,
            baseline,
            start,
            end,
            scope_type,
            scope_id,
            resamples,
            threads,
        }
        attribution_comparison_fields {
            size,
            start,
            end,
            scope_type,
            scope_id,
            baseline,
            resamples,
            conversions,
            touches,
            multi_touch_journeys,
            missing_clicks,
            rows,
        }
        attribution_comparison_row {
            size,
            model,
            scope_id,
            attributed_clicks,
            attributed_conversions,
            multi_touch_journeys,
            figures,
            difference,
            figures_low,
            figures_high,
            difference_low,
            difference_high,
            hints,
            hint_count,
            has_intervals,
            has_difference,
        }
        attribution_overview_options {
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
        attribution_overview_fields {
            size,
            user_id,
            model,
            start,
            end,
            scope_type,
            scope_id,
            hours,
            attributed_clicks,
            attributed_conversions,
            revenue,
            cost,
            profit,
            roi_percent,
            has_roi,
            anomalies,
        }
        attribution_hour_columns {
            size,
            length,
            date_hours,
            attributed_clicks,
            attributed_conversions,
            revenues,
            costs,
            profits,
            roi_percents,
            roi_present,
        }
        attribution_mix_columns {
            size,
            length,
            places,
            touches,
            credits,
            share_percents,
            share_present,
        }
        attribution_anomaly {
            size,
            metric,
            severity,
            change_percent,
            date_hour,
            latest,
            mean,
            message,
        }
        attribution_header { name, value }
        attribution_webhook_policy {
            size,
            allow,
            allow_count,
            root_certificates,
            download_base,
            timeout_ms,
            largest_file,
        }
        attribution_export_request {
            size,
            user_id,
            model,
            start,
            end,
            scope_type,
            format,
            scope_id,
            webhook_url,
            webhook_secret,
            webhook_headers,
            webhook_header_count,
        }
        attribution_export_query { size, user_id, status, limit, offset }
        attribution_export_fields {
            size,
            export_id,
            user_id,
            model_id,
            scope_type,
            status,
            scope_id,
            start_hour,
            end_hour,
            format,
            webhook_url,
            webhook_headers,
            webhook_header_count,
            webhook_signed,
            webhook_state,
            webhook_attempts,
            webhook_due_at,
            webhook_attempted_at,
            webhook_status_code,
            file_path,
            rows_exported,
            queued_at,
            started_at,
            completed_at,
            failed_at,
            last_error,
        }
        attribution_export_run_options { size, directory, limit }
        attribution_export_run_fields {
            size,
            succeeded,
            jobs,
            completed,
            failed,
            put_back,
            rows_exported,
            webhooks_delivered,
            webhooks_waiting,
            webhooks_given_up,
            duration_ms,
        }
        attribution_export_outcome {
            size,
            export_id,
            user_id,
            status,
            webhook_state,
            rows_exported,
            webhook_status_code,
            file_path,
            error,
        }
        attribution_purge_options {
            size,
            user_id,
            target,
            dry_run,
            ids,
            keep_journeys_seconds,
            keep_credits_seconds,
            keep_snapshots_seconds,
            keep_exports_seconds,
            keep_audit_seconds,
            wait_seconds,
            export_directory,
            journey_key,
            lookback_seconds,
            max_touches,
        }
        attribution_purge_report {
            size,
            target,
            dry_run,
            not_found,
            tables,
            hours_rebuilt,
            files_removed,
            files_missing,
            files_left,
            exports_in_progress,
            exports_of_rebuilt_hours,
        }
        attribution_purged_table { size, table, found, removed, left }
        attribution_left_file { size, export_id, problem }
        attribution_cache_options { size, expiry_seconds, server_url, capacity, timeout_ms }
        attribution_cache_counts {
            size,
            reads,
            memory_hits,
            server_hits,
            shared,
            loads,
            early_refreshes,
            not_stored,
            server_failures,
            server_skips,
            server_refusals,
            server_rejections,
            reconnections,
            entries,
            bytes,
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

#[test]
fn the_defaults_of_the_header_are_those_of_the_core() {
    let header = made().replace("\\\n", " ");
    let words = header.split_whitespace().collect::<Vec<_>>().join(" ");
    let window = Window::new(0, 1).unwrap();
    let compare = CompareOptions::new(Some(window));
    let overview = OverviewOptions::new("linear", window);
    let (run, list) = (ExportRunOptions::new("."), ExportQuery::new());
    let (policy, cache) = (WebhookPolicy::default(), CacheOptions::default());
    let journeys = JourneyOptions::default();
    for init in [
        format!(
            "compare_options), 0, NULL, 0, NULL, 0, 0, ATTRIBUTION_SCOPE_GLOBAL, 0, {}, 0}}",
            compare.resamples
        ),
        format!(
            "overview_options), 0, NULL, 0, 0, ATTRIBUTION_SCOPE_GLOBAL, 0, {}, {}}}",
            overview.limit, overview.offset
        ),
        format!("export_run_options), NULL, {}}}", run.limit),
        format!("export_query), 0, 0, {}, {}}}", list.limit, list.offset),
        format!(
            "webhook_policy), NULL, 0, NULL, NULL, {}, {}}}",
            policy.timeout.as_millis(),
            policy.largest_file
        ),
        format!(
            "cache_options), {}, NULL, {}, {}}}",
            cache.expiry.as_secs(),
            cache.capacity,
            cache.timeout.as_millis()
        ),
        format!(
            "NULL, ATTRIBUTION_JOURNEY_KEY_VISITOR_CAMPAIGN, {}, {}}}",
            journeys.lookback_seconds, journeys.max_touches
        ),
    ] {
        assert!(words.contains(&init), "{init}");
    }
}
