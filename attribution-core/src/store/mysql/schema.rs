//! The tables: which columns the jobs need, and how those of attribution are created.

use std::collections::HashMap;

use super::connection::Connection;
use super::generations;
use crate::ground::error::{Defect, Defects, Error};

/// A table with the columns that are read or written.
pub(super) type Needed = (&'static str, &'static [&'static str]);

pub(super) const RUNS: Needed = (
    "202_attribution_runs",
    &[
        "run_id",
        "user_id",
        "job",
        "status",
        "window_start",
        "window_end",
        "done",
        "rows_written",
        "started_at",
        "updated_at",
        "finished_at",
        "last_error",
    ],
);
const USERS: Needed = ("202_users", &["user_id", "user_deleted"]);
const CLICKS: Needed = (
    "202_clicks",
    &[
        "click_id",
        "user_id",
        "aff_campaign_id",
        "landing_page_id",
        "ppc_account_id",
        "click_cpc",
        "click_filtered",
        "click_bot",
        "click_time",
    ],
);
const CLICKS_ADVANCE: Needed = ("202_clicks_advance", &["click_id", "ip_id"]);
const CONVERSIONS: Needed = (
    "202_conversion_logs",
    &[
        "conv_id",
        "click_id",
        "campaign_id",
        "click_payout",
        "user_id",
        "click_time",
        "conv_time",
        "deleted",
    ],
);
const JOURNEYS: Needed = (
    "202_conversion_touchpoints",
    &["touchpoint_id", "conv_id", "click_id", "click_time", "position", "created_at"],
);
const SETTINGS: Needed = (
    "202_attribution_settings",
    &[
        "setting_id",
        "user_id",
        "scope_type",
        "scope_id",
        "model_id",
        "multi_touch_enabled",
        "multi_touch_enabled_at",
        "multi_touch_disabled_at",
        "effective_at",
        "created_at",
        "updated_at",
    ],
);
const CAMPAIGNS: Needed = (
    "202_aff_campaigns",
    &["aff_campaign_id", "user_id", "aff_network_id", "attribution_model_id"],
);
const ACCOUNTS: Needed = ("202_ppc_accounts", &["ppc_account_id", "user_id", "ppc_network_id"]);
const MODELS: Needed = (
    "202_attribution_models",
    &[
        "model_id",
        "user_id",
        "model_name",
        "model_slug",
        "model_type",
        "weighting_config",
        "is_active",
        "is_default",
        "created_at",
        "updated_at",
    ],
);
const SNAPSHOTS: Needed = (
    "202_attribution_snapshots",
    &[
        "snapshot_id",
        "model_id",
        "user_id",
        "scope_type",
        "scope_id",
        "date_hour",
        "lookback_start",
        "lookback_end",
        "attributed_clicks",
        "attributed_conversions",
        "attributed_revenue",
        "attributed_cost",
        "created_at",
    ],
);
const CREDITS: Needed = (
    "202_attribution_touchpoints",
    &[
        "touchpoint_id",
        "snapshot_id",
        "conv_id",
        "click_id",
        "position",
        "credit",
        "weight",
        "created_at",
    ],
);
const GENERATIONS: Needed =
    ("202_attribution_generations", &["model_id", "user_id", "generation", "updated_at"]);
const AUDIT: Needed = (
    "202_attribution_audit",
    &["audit_id", "user_id", "model_id", "action", "metadata", "created_at"],
);
const EXPORTS: Needed = ("202_attribution_exports", &["export_id", "user_id", "model_id"]);
#[cfg(feature = "exports")]
const EXPORT_QUEUE: Needed = (
    EXPORTS.0,
    &[
        "export_id",
        "user_id",
        "model_id",
        "scope_type",
        "scope_id",
        "start_hour",
        "end_hour",
        "requested_format",
        "status",
        "options",
        "webhook_url",
        "webhook_secret",
        "webhook_headers",
        "file_path",
        "rows_exported",
        "queued_at",
        "started_at",
        "completed_at",
        "failed_at",
        "last_error",
        "webhook_attempted_at",
        "webhook_status_code",
        "webhook_response_body",
        "created_at",
        "updated_at",
    ],
);
const PURGED_EXPORTS: Needed = (
    EXPORTS.0,
    &["export_id", "user_id", "start_hour", "end_hour", "status", "file_path", "created_at"],
);
const CRON_LOGS: Needed = ("202_cronjob_logs", &["id", "last_execution_time"]);

/// What the backfill needs.
pub(super) const FOR_BACKFILL: &[Needed] =
    &[RUNS, USERS, CLICKS, CLICKS_ADVANCE, CONVERSIONS, JOURNEYS, SETTINGS, CAMPAIGNS, ACCOUNTS];
/// What the rebuild needs.
pub(super) const FOR_REBUILD: &[Needed] = &[
    RUNS,
    USERS,
    CLICKS,
    CLICKS_ADVANCE,
    CONVERSIONS,
    JOURNEYS,
    SETTINGS,
    CAMPAIGNS,
    ACCOUNTS,
    MODELS,
    SNAPSHOTS,
    CREDITS,
    GENERATIONS,
    AUDIT,
    CRON_LOGS,
];
/// What a purge needs.
pub(super) const FOR_PURGE: &[Needed] = &[
    RUNS,
    USERS,
    CLICKS,
    CLICKS_ADVANCE,
    CONVERSIONS,
    JOURNEYS,
    SETTINGS,
    CAMPAIGNS,
    ACCOUNTS,
    MODELS,
    SNAPSHOTS,
    CREDITS,
    GENERATIONS,
    AUDIT,
    PURGED_EXPORTS,
];
/// What the changing of models needs.
pub(super) const FOR_MODELS: &[Needed] =
    &[RUNS, USERS, CAMPAIGNS, MODELS, SNAPSHOTS, CREDITS, GENERATIONS, AUDIT, EXPORTS];
/// What the export queue needs.
#[cfg(feature = "exports")]
pub(super) const FOR_EXPORTS: &[Needed] =
    &[USERS, MODELS, SNAPSHOTS, AUDIT, EXPORT_QUEUE, CRON_LOGS];
/// What the changing of settings needs, besides the backfill.
pub(super) const FOR_SETTINGS: &[Needed] = &[USERS, SETTINGS, CAMPAIGNS];

/// What of these tables and columns there is not.
pub(super) fn missing(
    connection: &mut Connection,
    needed: &[Needed],
) -> Result<Vec<Defect>, Error> {
    let mut columns: HashMap<String, Vec<String>> = HashMap::new();
    connection.each(
        "reading the schema",
        "SELECT TABLE_NAME, COLUMN_NAME FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = DATABASE()",
        (),
        &mut |row| {
            if let (Some(Ok(table)), Some(Ok(column))) =
                (row.get_opt::<String, _>(0), row.get_opt::<String, _>(1))
            {
                columns.entry(table.to_lowercase()).or_default().push(column.to_lowercase());
            }
            Ok(())
        },
    )?;
    let mut defects = Vec::new();
    for (table, wanted) in needed {
        let Some(there) = columns.get(*table) else {
            let remedy = if created(table) { "`attribution install` creates it" } else { HOST };
            defects.push(Defect::new(*table, "found no such table", remedy));
            continue;
        };
        for column in wanted.iter().filter(|wanted| !there.iter().any(|column| column == *wanted)) {
            let place = format!("{table}.{column}");
            defects.push(Defect::new(place, "found no such column", HOST));
        }
    }
    Ok(defects)
}

const HOST: &str = "the host's schema";

/// Refuses a database that lacks what is needed.
pub(super) fn require(connection: &mut Connection, needed: &[Needed]) -> Result<(), Error> {
    let mut defects = Defects::default();
    missing(connection, needed)?.into_iter().for_each(|defect| defects.push(defect));
    defects.into_result()
}

fn created(table: &str) -> bool {
    CREATED.iter().any(|(name, _)| *name == table)
}

/// The tables that are created where they are missing.
pub(super) const CREATED: [(&str, &str); 9] = [
    (
        MODELS.0,
        "model_id bigint unsigned NOT NULL AUTO_INCREMENT,
        user_id mediumint unsigned NOT NULL,
        model_name varchar(255) NOT NULL,
        model_slug varchar(191) NOT NULL,
        model_type varchar(50) NOT NULL,
        weighting_config longtext,
        is_active tinyint NOT NULL DEFAULT 1,
        is_default tinyint NOT NULL DEFAULT 0,
        created_at int unsigned NOT NULL,
        updated_at int unsigned NOT NULL,
        PRIMARY KEY (model_id),
        UNIQUE KEY user_slug (user_id, model_slug),
        KEY user_default (user_id, is_default)",
    ),
    (
        SNAPSHOTS.0,
        "snapshot_id bigint unsigned NOT NULL AUTO_INCREMENT,
        model_id bigint unsigned NOT NULL,
        user_id mediumint unsigned NOT NULL,
        scope_type varchar(50) NOT NULL,
        scope_id bigint unsigned DEFAULT NULL,
        date_hour int unsigned NOT NULL,
        lookback_start int unsigned NOT NULL,
        lookback_end int unsigned NOT NULL,
        attributed_clicks int unsigned NOT NULL DEFAULT 0,
        attributed_conversions int unsigned NOT NULL DEFAULT 0,
        attributed_revenue decimal(12,4) NOT NULL DEFAULT 0,
        attributed_cost decimal(12,4) NOT NULL DEFAULT 0,
        created_at int unsigned NOT NULL,
        PRIMARY KEY (snapshot_id),
        KEY model_hour_scope (model_id, date_hour, scope_type, scope_id),
        KEY user_hour (user_id, date_hour)",
    ),
    (
        CREDITS.0,
        "touchpoint_id bigint unsigned NOT NULL AUTO_INCREMENT,
        snapshot_id bigint unsigned NOT NULL,
        conv_id int unsigned NOT NULL,
        click_id bigint unsigned NOT NULL,
        position smallint unsigned NOT NULL,
        credit decimal(10,5) NOT NULL,
        weight decimal(10,5) NOT NULL,
        created_at int unsigned NOT NULL,
        PRIMARY KEY (touchpoint_id),
        KEY snapshot_conversion (snapshot_id, conv_id),
        KEY click_id (click_id)",
    ),
    (
        GENERATIONS.0,
        "model_id bigint unsigned NOT NULL,
        user_id mediumint unsigned NOT NULL,
        generation bigint unsigned NOT NULL,
        updated_at int unsigned NOT NULL,
        PRIMARY KEY (model_id),
        KEY user_id (user_id)",
    ),
    (
        SETTINGS.0,
        "setting_id bigint unsigned NOT NULL AUTO_INCREMENT,
        user_id mediumint unsigned NOT NULL,
        scope_type varchar(50) NOT NULL,
        scope_id bigint unsigned DEFAULT NULL,
        model_id bigint unsigned NOT NULL DEFAULT 0,
        multi_touch_enabled tinyint NOT NULL DEFAULT 1,
        multi_touch_enabled_at int unsigned DEFAULT NULL,
        multi_touch_disabled_at int unsigned DEFAULT NULL,
        effective_at int unsigned NOT NULL DEFAULT 0,
        created_at int unsigned NOT NULL,
        updated_at int unsigned NOT NULL,
        PRIMARY KEY (setting_id),
        UNIQUE KEY user_scope (user_id, scope_type, scope_id),
        UNIQUE KEY user_scope_model (user_id, scope_type, scope_id, model_id),
        UNIQUE KEY user_scope_enabled (user_id, scope_type, scope_id, multi_touch_enabled),
        KEY model_id (model_id)",
    ),
    (
        AUDIT.0,
        "audit_id bigint unsigned NOT NULL AUTO_INCREMENT,
        user_id mediumint unsigned NOT NULL,
        model_id bigint unsigned DEFAULT NULL,
        action varchar(50) NOT NULL,
        metadata longtext NOT NULL,
        created_at int unsigned NOT NULL,
        PRIMARY KEY (audit_id)",
    ),
    (
        EXPORTS.0,
        "export_id bigint unsigned NOT NULL AUTO_INCREMENT,
        user_id mediumint unsigned NOT NULL,
        model_id int unsigned NOT NULL,
        scope_type varchar(32) NOT NULL,
        scope_id bigint unsigned DEFAULT NULL,
        start_hour int unsigned NOT NULL,
        end_hour int unsigned NOT NULL,
        requested_format varchar(16) NOT NULL,
        status varchar(20) NOT NULL DEFAULT 'pending',
        options longtext,
        webhook_url varchar(500) DEFAULT NULL,
        webhook_secret varchar(255) DEFAULT NULL,
        webhook_headers text,
        file_path varchar(500) DEFAULT NULL,
        rows_exported int unsigned DEFAULT NULL,
        queued_at int unsigned NOT NULL,
        started_at int unsigned DEFAULT NULL,
        completed_at int unsigned DEFAULT NULL,
        failed_at int unsigned DEFAULT NULL,
        last_error text,
        webhook_attempted_at int unsigned DEFAULT NULL,
        webhook_status_code int DEFAULT NULL,
        webhook_response_body mediumtext,
        created_at int unsigned NOT NULL,
        updated_at int unsigned NOT NULL,
        PRIMARY KEY (export_id),
        KEY model_status (model_id, status),
        KEY user_status (user_id, status),
        KEY queued_at (queued_at)",
    ),
    (
        JOURNEYS.0,
        "touchpoint_id bigint unsigned NOT NULL AUTO_INCREMENT,
        conv_id int unsigned NOT NULL,
        click_id bigint unsigned NOT NULL,
        click_time int unsigned NOT NULL,
        position smallint unsigned NOT NULL,
        created_at int unsigned NOT NULL,
        PRIMARY KEY (touchpoint_id),
        KEY conv_id (conv_id),
        KEY click_id (click_id)",
    ),
    (
        RUNS.0,
        "run_id bigint unsigned NOT NULL AUTO_INCREMENT,
        user_id mediumint unsigned NOT NULL,
        job varchar(20) NOT NULL,
        status varchar(20) NOT NULL,
        window_start bigint unsigned NOT NULL,
        window_end bigint unsigned NOT NULL,
        done bigint unsigned NOT NULL DEFAULT 0,
        rows_written bigint unsigned NOT NULL DEFAULT 0,
        started_at int unsigned NOT NULL,
        updated_at int unsigned NOT NULL,
        finished_at int unsigned DEFAULT NULL,
        last_error text,
        PRIMARY KEY (run_id),
        KEY user_status (user_id, status)",
    ),
];

/// Creates what is missing and changes nothing that is there; says which tables were created.
pub(super) fn install(connection: &mut Connection) -> Result<Vec<&'static str>, Error> {
    let wanted: Vec<Needed> = CREATED.iter().map(|(table, _)| (*table, &[][..])).collect();
    let absent = missing(connection, &wanted)?;
    let mut tables = Vec::new();
    for (table, columns) in CREATED {
        if absent.iter().any(|defect| defect.place == table) {
            connection.run_text(
                &format!("creating {table}"),
                &format!(
                    "CREATE TABLE IF NOT EXISTS {table} ({columns}) \
                     ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
                ),
            )?;
            tables.push(table);
        }
    }
    if tables.contains(&GENERATIONS.0) {
        generations::begin(connection)?;
    }
    Ok(tables)
}
