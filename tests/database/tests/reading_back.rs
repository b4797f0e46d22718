//! What the library reads back: snapshots in pages, credits, settings; and stopping when asked to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::time::Duration;

use attribution_core::{
    BackfillOptions, Credit, CreditQuery, ErrorCode, Model, MysqlStore, Phase, RebuildOptions,
    Scope, ScopeType, SnapshotQuery, SnapshotRecord, Window,
};
use attribution_database_tests::database::Database;
use attribution_database_tests::host::Collation;
use attribution_database_tests::server::{Server, ServerOptions};

const HOUR: u32 = 1_717_200_000;

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&ServerOptions::default()))
}

fn window() -> Window {
    Window::new(HOUR, HOUR + 24 * 3_600).unwrap()
}

/// User 1 with conversions in three hours, of two touches each in campaigns 7 and 8 of advertiser 3,
/// and user 2 with nothing.
fn database() -> (Database<'static>, MysqlStore) {
    let database = Database::new(server(), Collation::GeneralCi);
    database.execute("INSERT INTO 202_users (user_id, user_name) VALUES (1, 'one'), (2, 'two')");
    database.execute(
        "INSERT INTO 202_aff_campaigns (aff_campaign_id, user_id, aff_network_id, aff_campaign_name) \
         VALUES (7, 1, 3, 'seven'), (8, 1, 3, 'eight'), (9, 1, 4, 'nine')",
    );
    for number in 0..6_u32 {
        let (first, second) = (10 + number * 2, 11 + number * 2);
        let time = HOUR + number / 2 * 3_600;
        let campaign = 7 + number % 2;
        database.execute(&format!(
            "INSERT INTO 202_clicks (click_id, user_id, aff_campaign_id, click_cpc, click_time) \
             VALUES ({first}, 1, {campaign}, 0.25, {time}), ({second}, 1, {campaign}, 0.5, {time} + 60)"
        ));
        database.execute(&format!(
            "INSERT INTO 202_clicks_advance (click_id, ip_id) VALUES ({first}, {second}), ({second}, {second})"
        ));
        database.execute(&format!(
            "INSERT INTO 202_conversion_logs (conv_id, click_id, campaign_id, click_payout, user_id, \
             click_time, conv_time, time_difference, user_agent) \
             VALUES ({number} + 1, {second}, {campaign}, 10, 1, {time} + 60, {time} + 600, '', '')"
        ));
    }
    let store = MysqlStore::open(&database.url()).unwrap();
    for spec in ["linear", "first_touch"] {
        store.create_model(1, &Model::from_spec(spec).unwrap(), true, false).unwrap();
    }
    (database, store)
}

fn rebuilt() -> (Database<'static>, MysqlStore) {
    let (database, store) = database();
    store.backfill(1, &BackfillOptions::new(window()), &()).unwrap();
    store.rebuild(1, &RebuildOptions::new(window()), &()).unwrap();
    (database, store)
}

fn read(store: &MysqlStore, query: &SnapshotQuery) -> Vec<SnapshotRecord> {
    let mut rows = Vec::new();
    store
        .snapshots(1, query, &mut |row| {
            rows.push(row);
            Ok(())
        })
        .unwrap();
    rows
}

#[test]
fn pages_of_snapshots_meet_and_filters_hold() {
    let (_database, store) = rebuilt();
    let mut query = SnapshotQuery::new("linear", window());
    let all = read(&store, &query);
    // Three hours of global and advertiser, two campaigns in each; no accounts, no landing pages.
    assert_eq!(all.len(), 3 + 3 + 6);
    let key = |row: &SnapshotRecord| (row.scope, row.date_hour);
    assert!(all.windows(2).all(|pair| key(&pair[0]) < key(&pair[1])));
    assert!(all.iter().all(|row| row.attributed_clicks == row.attributed_conversions * 2));

    query.limit = 5;
    let mut pages = Vec::new();
    loop {
        let page = read(&store, &query);
        query.offset += 5;
        pages.extend_from_slice(&page);
        if page.len() < 5 {
            break;
        }
    }
    assert_eq!(pages, all);

    let mut query = SnapshotQuery::new("linear", Window::new(HOUR + 3_600, HOUR + 3_601).unwrap());
    query.scope_type = Some(ScopeType::Campaign);
    query.scope_id = Some(8);
    let rows = read(&store, &query);
    let campaign = Scope::new(ScopeType::Campaign, Some(8)).unwrap();
    assert_eq!(rows.iter().map(key).collect::<Vec<_>>(), [(campaign, HOUR + 3_600)]);
    assert_eq!(rows[0].revenue, "10".parse().unwrap());
}

#[test]
fn credits_of_a_conversion_and_of_a_snapshot_are_the_owners_alone() {
    let (_database, store) = rebuilt();
    let of_conversion = store.credits(1, CreditQuery::Conversion(3)).unwrap();
    let rows: Vec<_> =
        of_conversion.iter().map(|row| (row.position, row.click_id, row.credit)).collect();
    let half = Credit::from_units(50_000);
    assert_eq!(rows, [(0, 14, half), (1, 15, half), (0, 14, Credit::ONE)]);

    let snapshot_id = of_conversion[0].snapshot_id;
    let of_snapshot = store.credits(1, CreditQuery::Snapshot(snapshot_id)).unwrap();
    // Conversions 3 and 4 are of that hour.
    assert_eq!(of_snapshot.iter().map(|row| row.conversion_id).collect::<Vec<_>>(), [3, 3, 4, 4]);
    assert!(of_snapshot.iter().all(|row| row.snapshot_id == snapshot_id));

    assert_eq!(store.credits(2, CreditQuery::Conversion(3)).unwrap(), []);
    assert_eq!(store.credits(2, CreditQuery::Snapshot(snapshot_id)).unwrap(), []);
    let other = store.snapshots(2, &SnapshotQuery::new("linear", window()), &mut |_| Ok(()));
    assert_eq!(other.unwrap_err().code(), ErrorCode::InvalidInput);
    assert!(store.credits(3, CreditQuery::Conversion(3)).is_err());
}

#[test]
fn the_nearest_setting_is_the_one_that_counts() {
    let (_database, store) = database();
    let set = |scope, on| store.set_multi_touch(1, scope, on, Duration::ZERO, &()).unwrap();
    let is_on = |campaign| store.multi_touch_is_on(1, campaign).unwrap();
    let of = |scope_type, id| Scope::new(scope_type, Some(id)).unwrap();
    assert!(is_on(7));
    set(Scope::GLOBAL, false);
    assert!(!is_on(7) && !is_on(9));
    set(of(ScopeType::Advertiser, 3), true);
    assert!(is_on(7) && is_on(8) && !is_on(9));
    set(of(ScopeType::Campaign, 8), false);
    assert!(is_on(7) && !is_on(8));
    // Another user's settings are another's.
    assert!(store.multi_touch_is_on(2, 7).unwrap());
    let foreign = store.set_multi_touch(2, of(ScopeType::Campaign, 7), false, Duration::ZERO, &());
    assert_eq!(foreign.unwrap_err().code(), ErrorCode::InvalidInput);
}

#[test]
fn a_run_that_is_asked_to_stop_leaves_a_clean_state_and_says_so() {
    let (database, store) = database();
    store.backfill(1, &BackfillOptions::new(window()), &()).unwrap();
    for wanted in [Phase::Reading, Phase::Writing] {
        let stop = |phase: Phase, _: u64, _: u64| {
            if phase == wanted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let error = store.rebuild(1, &RebuildOptions::new(window()), &stop).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Cancelled);
        let states =
            database.texts("SELECT status FROM 202_attribution_runs WHERE job = 'rebuild'");
        assert!(states.iter().all(|state| state == "cancelled"), "{states:?}");
        assert_eq!(database.number("SELECT COUNT(*) FROM 202_cronjob_logs"), 0);
    }
    let report = store.rebuild(1, &RebuildOptions::new(window()), &()).unwrap();
    assert_eq!(report.conversions, 6);
    assert_eq!(database.number("SELECT COUNT(*) FROM 202_cronjob_logs WHERE id = 2"), 1);
    let again = store.rebuild(1, &RebuildOptions::new(window()), &()).unwrap();
    assert_eq!(again.rows_written, 0);
}
