//! Switching multi-touch on and off, for a user, an advertiser or a campaign.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use attribution_database_tests::account::{Accounts, ClickRow, ConversionRow, VisitorRow};
use attribution_database_tests::database::Database;
use attribution_database_tests::host::Collation;
use attribution_database_tests::server::{Server, ServerOptions};

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&ServerOptions::default()))
}

const DAY: u32 = 86_400;

fn now() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as u32
}

/// Users 1 and 2 with campaigns 11 and 12 of advertiser 5 and 13 of advertiser 6, and 21 of 5; one
/// conversion of two touches in each, 5 days ago.
fn database() -> Database<'static> {
    let mut accounts = Accounts {
        users: vec![(1, false), (2, false)],
        campaigns: vec![(11, 1, 5), (12, 1, 5), (13, 1, 6), (21, 2, 5)],
        ..Accounts::default()
    };
    for (campaign_id, user_id, _) in accounts.campaigns.clone() {
        let time = now() - 5 * DAY;
        for place in [1, 2] {
            let click_id = campaign_id * 10 + place;
            accounts.clicks.push(ClickRow {
                click_id,
                user_id,
                campaign_id,
                landing_page_id: 0,
                account_id: 0,
                cost: 0,
                filtered: false,
                bot: false,
                time: time - 3_600 * place as u32,
            });
            accounts.visitors.push(VisitorRow { click_id, ip_id: 77 });
        }
        accounts.conversions.push(ConversionRow {
            conversion_id: campaign_id,
            click_id: campaign_id * 10 + 1,
            transaction: false,
            campaign_id,
            payout: 100_000,
            user_id,
            click_time: time - 3_600,
            time,
            deleted: false,
        });
    }
    let database = Database::with(server(), Collation::GeneralCi, &accounts);
    backfill(&database);
    assert_eq!(stored(&database), [11, 12, 13, 21]);
    database
}

fn backfill(database: &Database<'_>) {
    database.run(&format!("backfill --start {} --end {}", now() - 20 * DAY, now())).expect(0);
}

/// The conversions that have a stored journey of two touches.
fn stored(database: &Database<'_>) -> Vec<i64> {
    let query = "SELECT conv_id FROM 202_conversion_touchpoints GROUP BY conv_id HAVING COUNT(*) = 2 \
                 ORDER BY conv_id";
    let ids = database.texts(query).iter().map(|id| id.parse().unwrap()).collect();
    assert_eq!(
        database.number("SELECT COUNT(DISTINCT conv_id) FROM 202_conversion_touchpoints"),
        Vec::<i64>::len(&ids) as i64
    );
    ids
}

/// Switches, and sees that a backfill has nothing to add.
#[track_caller]
fn switch(database: &Database<'_>, arguments: &str, expected: &[i64]) {
    database.run(&format!("multi-touch {arguments}")).expect(0);
    assert_eq!(stored(database), expected, "after multi-touch {arguments}");
    let before = database.contents();
    backfill(database);
    for table in ["202_conversion_touchpoints", "202_attribution_settings"] {
        assert_eq!(database.contents().of(table), before.of(table), "backfill after {arguments}");
    }
}

#[test]
fn the_nearest_setting_counts() {
    let database = database();
    switch(&database, "off --user 1", &[21]);
    switch(&database, "on --user 1", &[11, 12, 13, 21]);
    switch(&database, "off --user 1 --advertiser 5", &[13, 21]);
    switch(&database, "on --user 1 --campaign 11", &[11, 13, 21]);
    switch(&database, "off --user 1", &[11, 21]);
    switch(&database, "on --user 1 --advertiser 6", &[11, 13, 21]);
    switch(&database, "off --user 1 --campaign 13", &[11, 21]);
    switch(&database, "on --user 1", &[11, 21]);
    switch(&database, "on --user 1 --advertiser 5", &[11, 12, 21]);
    switch(&database, "on --user 1 --campaign 13", &[11, 12, 13, 21]);
    switch(&database, "off --user 2", &[11, 12, 13]);
}

#[test]
fn a_setting_is_one_row_that_says_when() {
    let database = database();
    let before = now();
    let row = "SELECT CONCAT_WS('|', user_id, scope_type, COALESCE(scope_id, 'NULL'), \
               multi_touch_enabled, multi_touch_disabled_at >= {t}, effective_at >= {t}, \
               created_at >= {t}, updated_at >= {t}) FROM 202_attribution_settings"
        .replace("{t}", &before.to_string());
    for _ in 0..2 {
        database.run("multi-touch off --user 1").expect(0);
        assert_eq!(database.texts(&row), ["1|global|NULL|0|1|1|1|1"]);
    }
    database.run("multi-touch on --user 1").expect(0);
    let on = "SELECT CONCAT_WS('|', multi_touch_enabled, multi_touch_enabled_at >= {t}) \
              FROM 202_attribution_settings"
        .replace("{t}", &before.to_string());
    assert_eq!(database.texts(&on), ["1|1"]);
    database.run("multi-touch off --user 1 --campaign 11").expect(0);
    let count = "SELECT COUNT(*) FROM 202_attribution_settings WHERE scope_type = 'campaign' \
                 AND scope_id = 11 AND user_id = 1";
    assert_eq!(database.number(count), 1);
}

#[test]
fn twins_of_a_setting_are_switched_together() {
    let database = database();
    for enabled in [1, 0, 1] {
        database.execute(&format!(
            "INSERT INTO 202_attribution_settings (user_id, scope_type, scope_id, model_id, \
             multi_touch_enabled, effective_at, created_at, updated_at) \
             VALUES (1, 'global', NULL, 0, {enabled}, 1, 1, {enabled})"
        ));
    }
    switch(&database, "off --user 1", &[21]);
    switch(&database, "on --user 1", &[11, 12, 13, 21]);
}

#[test]
fn what_is_older_than_30_days_is_not_backfilled_and_may_not_be_left_when_off() {
    let database = database();
    for table in
        ["202_conversion_logs SET conv_time = conv_time", "202_clicks SET click_time = click_time"]
    {
        database.execute(&format!("UPDATE {table} - {}", 40 * DAY));
    }
    database.execute("DELETE FROM 202_conversion_touchpoints");
    database.run("multi-touch on --user 1").expect(0);
    assert_eq!(database.number("SELECT COUNT(*) FROM 202_conversion_touchpoints"), 0);
    database.run(&format!("backfill --start {} --end {}", now() - 60 * DAY, now())).expect(0);
    assert_eq!(stored(&database), [11, 12, 13, 21]);
    database.run("multi-touch off --user 1").expect(0);
    assert_eq!(stored(&database), [21]);
}

#[test]
fn what_is_not_ones_own_is_refused() {
    let database = database();
    for arguments in [
        "off --user 1 --campaign 21",
        "off --user 1 --campaign 999",
        "off --user 1 --advertiser 999",
        "off --user 2 --advertiser 6",
        "off --user 9",
        "off",
        "off --user 1 --campaign 0",
    ] {
        let before = database.contents().without(&["202_attribution_runs"]);
        let ended = database.run(&format!("multi-touch {arguments}")).expect(2);
        assert!(!ended.stderr.trim().is_empty(), "{ended}");
        let after = database.contents().without(&["202_attribution_runs"]);
        after.assert_equal(&before, arguments);
    }
}
