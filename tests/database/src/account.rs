//! Accounts of the host as rows of its tables.

use std::fmt::Write;

use mysql::Conn;
use mysql::prelude::Queryable;

/// A row of `202_clicks`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClickRow {
    /// The click.
    pub click_id: u64,
    /// The account owner.
    pub user_id: u64,
    /// The campaign.
    pub campaign_id: u64,
    /// The landing page.
    pub landing_page_id: u64,
    /// The traffic-source account.
    pub account_id: u64,
    /// The cost as a count of 0.00001.
    pub cost: i64,
    /// `click_filtered`.
    pub filtered: bool,
    /// `click_bot`.
    pub bot: bool,
    /// When that was.
    pub time: u32,
}

/// A row of `202_clicks_advance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisitorRow {
    /// The click.
    pub click_id: u64,
    /// The visitor; 0 for unknown.
    pub ip_id: u64,
}

/// A row of `202_conversion_logs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversionRow {
    /// The conversion.
    pub conversion_id: u64,
    /// Its click.
    pub click_id: u64,
    /// Whether it has a transaction id.
    pub transaction: bool,
    /// Its campaign.
    pub campaign_id: u64,
    /// The payout as a count of 0.00001.
    pub payout: i64,
    /// The account owner.
    pub user_id: u64,
    /// What it says of its click's time.
    pub click_time: u32,
    /// When it was.
    pub time: u32,
    /// Whether it was refunded or removed.
    pub deleted: bool,
}

/// A row of `202_conversion_touchpoints`, as it stands there before a backfill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TouchRow {
    /// The conversion.
    pub conversion_id: u64,
    /// The touch.
    pub click_id: u64,
    /// When that was.
    pub click_time: u32,
    /// Its place.
    pub position: u32,
}

/// A row of `202_attribution_models`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRow {
    /// The model.
    pub model_id: u64,
    /// The account owner.
    pub user_id: u64,
    /// The slug, which is the name too.
    pub slug: String,
    /// The kind's name.
    pub kind: String,
    /// The weighting config.
    pub config: Option<String>,
    /// Whether it is active.
    pub active: bool,
}

/// A row of `202_attribution_settings`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingRow {
    /// The account owner.
    pub user_id: u64,
    /// The scope type.
    pub scope_type: &'static str,
    /// The scope's id.
    pub scope_id: Option<u64>,
    /// Whether multi-touch is on.
    pub enabled: bool,
    /// When it was changed.
    pub updated_at: u32,
}

/// A row of `202_attribution_snapshots` with credits under it, as they stand there before a rebuild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldSnapshot {
    /// The snapshot.
    pub snapshot_id: u64,
    /// The model.
    pub model_id: u64,
    /// The account owner.
    pub user_id: u64,
    /// The scope type.
    pub scope_type: &'static str,
    /// The scope's id.
    pub scope_id: Option<u64>,
    /// The hour.
    pub hour: u32,
    /// Credits under it: conversion, click, position, credit as a count of 0.00001.
    pub credits: Vec<(u64, u64, u32, i64)>,
}

/// All rows of some accounts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accounts {
    /// The account owners; those deleted with true.
    pub users: Vec<(u64, bool)>,
    /// Campaigns with their owners and advertisers.
    pub campaigns: Vec<(u64, u64, u64)>,
    /// Traffic-source accounts with their owners and traffic sources.
    pub ppc_accounts: Vec<(u64, u64, u64)>,
    /// The clicks.
    pub clicks: Vec<ClickRow>,
    /// Their visitors.
    pub visitors: Vec<VisitorRow>,
    /// The conversions.
    pub conversions: Vec<ConversionRow>,
    /// Stored journeys.
    pub touches: Vec<TouchRow>,
    /// The models.
    pub models: Vec<ModelRow>,
    /// The multi-touch settings.
    pub settings: Vec<SettingRow>,
    /// Snapshots and credits.
    pub snapshots: Vec<OldSnapshot>,
}

/// A count of 0.00001 as SQL writes it.
pub fn decimal(units: i64) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let units = units.unsigned_abs();
    format!("{sign}{}.{:05}", units / 100_000, units % 100_000)
}

fn nullable<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or("NULL".to_owned(), |value| value.to_string())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Inserts rows, each the values between its parentheses.
pub fn insert_rows(
    connection: &mut Conn,
    table: &str,
    columns: &str,
    rows: impl IntoIterator<Item = String>,
) {
    let mut statement = String::new();
    let mut flush = |statement: &mut String| {
        if !statement.is_empty() {
            connection
                .query_drop(&*statement)
                .unwrap_or_else(|error| panic!("inserting into {table}: {error}"));
            statement.clear();
        }
    };
    for row in rows {
        if statement.is_empty() {
            write!(statement, "INSERT INTO {table} ({columns}) VALUES ({row})").unwrap();
        } else {
            write!(statement, ",({row})").unwrap();
        }
        if statement.len() > 400_000 {
            flush(&mut statement);
        }
    }
    flush(&mut statement);
}

/// Inserts conversions.
pub fn insert_conversions(connection: &mut Conn, conversions: &[ConversionRow]) {
    let rows = conversions.iter().map(|row| {
        let transaction =
            row.transaction.then(|| quoted(&format!("transaction {}", row.conversion_id)));
        format!(
            "{},{},{},{},{},{},{},{},{},'','agent'",
            row.conversion_id,
            row.click_id,
            nullable(transaction),
            row.campaign_id,
            decimal(row.payout),
            row.user_id,
            row.click_time,
            row.time,
            u8::from(row.deleted)
        )
    });
    insert_rows(
        connection,
        "202_conversion_logs",
        "conv_id,click_id,transaction_id,campaign_id,click_payout,user_id,click_time,conv_time,\
         deleted,time_difference,user_agent",
        rows,
    );
}

/// Inserts clicks.
pub fn insert_clicks(connection: &mut Conn, clicks: &[ClickRow]) {
    let rows = clicks.iter().map(|row| {
        format!(
            "{},{},{},{},{},{},{},{},{}",
            row.click_id,
            row.user_id,
            row.campaign_id,
            row.landing_page_id,
            row.account_id,
            decimal(row.cost),
            u8::from(row.filtered),
            u8::from(row.bot),
            row.time
        )
    });
    insert_rows(
        connection,
        "202_clicks",
        "click_id,user_id,aff_campaign_id,landing_page_id,ppc_account_id,click_cpc,\
         click_filtered,click_bot,click_time",
        rows,
    );
}

/// Inserts models.
pub fn insert_models(connection: &mut Conn, models: &[ModelRow]) {
    let rows = models.iter().map(|row| {
        let slug = quoted(&row.slug);
        format!(
            "{},{},{slug},{slug},{},{},{},0,1,1",
            row.model_id,
            row.user_id,
            quoted(&row.kind),
            nullable(row.config.as_deref().map(quoted)),
            u8::from(row.active)
        )
    });
    insert_rows(
        connection,
        "202_attribution_models",
        "model_id,user_id,model_name,model_slug,model_type,weighting_config,is_active,is_default,\
         created_at,updated_at",
        rows,
    );
}

impl Accounts {
    /// Inserts everything.
    pub fn insert(&self, connection: &mut Conn) {
        connection.query_drop("START TRANSACTION").unwrap();
        self.insert_host(connection);
        self.insert_attribution(connection);
        connection.query_drop("COMMIT").unwrap();
    }

    fn insert_host(&self, connection: &mut Conn) {
        let rows = self.users.iter().map(|(id, deleted)| format!("{id},'user {id}',{deleted}"));
        insert_rows(connection, "202_users", "user_id,user_name,user_deleted", rows);
        let rows = self.campaigns.iter();
        let rows = rows.map(|(id, user, network)| format!("{id},{user},{network},'campaign {id}'"));
        let columns = "aff_campaign_id,user_id,aff_network_id,aff_campaign_name";
        insert_rows(connection, "202_aff_campaigns", columns, rows);
        let rows = self.ppc_accounts.iter();
        let rows = rows.map(|(id, user, network)| format!("{id},{user},{network},'account {id}'"));
        let columns = "ppc_account_id,user_id,ppc_network_id,ppc_account_name";
        insert_rows(connection, "202_ppc_accounts", columns, rows);
        insert_clicks(connection, &self.clicks);
        let rows = self.visitors.iter().map(|row| format!("{},{}", row.click_id, row.ip_id));
        insert_rows(connection, "202_clicks_advance", "click_id,ip_id", rows);
        insert_conversions(connection, &self.conversions);
    }

    fn insert_attribution(&self, connection: &mut Conn) {
        let rows = self.touches.iter().map(|row| {
            format!("{},{},{},{},1", row.conversion_id, row.click_id, row.click_time, row.position)
        });
        let columns = "conv_id,click_id,click_time,position,created_at";
        insert_rows(connection, "202_conversion_touchpoints", columns, rows);
        insert_models(connection, &self.models);
        let rows = self.settings.iter().map(|row| {
            let (user, at) = (row.user_id, row.updated_at);
            let (scope_type, scope_id) = (quoted(row.scope_type), nullable(row.scope_id));
            format!("{user},{scope_type},{scope_id},0,{},{at},{at},{at}", u8::from(row.enabled))
        });
        insert_rows(
            connection,
            "202_attribution_settings",
            "user_id,scope_type,scope_id,model_id,multi_touch_enabled,effective_at,created_at,\
             updated_at",
            rows,
        );
        let rows = self.snapshots.iter().map(|row| {
            format!(
                "{},{},{},{},{},{},1,2,{},1,12.5000,0.2500,1",
                row.snapshot_id,
                row.model_id,
                row.user_id,
                quoted(row.scope_type),
                nullable(row.scope_id),
                row.hour,
                row.credits.len()
            )
        });
        insert_rows(
            connection,
            "202_attribution_snapshots",
            "snapshot_id,model_id,user_id,scope_type,scope_id,date_hour,lookback_start,\
             lookback_end,attributed_clicks,attributed_conversions,attributed_revenue,\
             attributed_cost,created_at",
            rows,
        );
        let rows = self.snapshots.iter().flat_map(|snapshot| {
            snapshot.credits.iter().map(|(conversion, click, position, credit)| {
                let credit = decimal(*credit);
                let id = snapshot.snapshot_id;
                format!("{id},{conversion},{click},{position},{credit},{credit},1")
            })
        });
        insert_rows(
            connection,
            "202_attribution_touchpoints",
            "snapshot_id,conv_id,click_id,position,credit,weight,created_at",
            rows,
        );
    }
}
