//! Cases that were found by looking for them: each was wrong once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use attribution_core::{
    BackfillOptions, ErrorCode, Model, ModelChange, MysqlStore, RebuildOptions, Scope, Window,
};
use attribution_database_tests::command::run_words;
use attribution_database_tests::database::Database;
use attribution_database_tests::host::Collation;
use attribution_database_tests::server::{Server, ServerOptions};
use mysql::prelude::Queryable;

const HOUR: u32 = 1_717_200_000;

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&ServerOptions::default()))
}

/// User 1 with a linear model and one conversion a row of `payouts`, all in one hour, each of a click
/// and a visitor of its own.
fn database_on<'a>(server: &'a Server, payouts: &[i64]) -> (Database<'a>, MysqlStore) {
    let database = Database::new(server, Collation::GeneralCi);
    database.execute("INSERT INTO 202_users (user_id, user_name) VALUES (1, 'one')");
    let mut rows = [const { Vec::<String>::new() }; 3];
    for (number, payout) in payouts.iter().enumerate() {
        let id = number + 1;
        rows[0].push(format!("({id}, 1, 7, 0, {HOUR})"));
        rows[1].push(format!("({id}, {id})"));
        rows[2].push(format!("({id}, {id}, 7, {payout}, 1, {HOUR}, {HOUR} + 60, '', '')"));
    }
    for (table, rows) in [
        "202_clicks (click_id, user_id, aff_campaign_id, click_cpc, click_time)",
        "202_clicks_advance (click_id, ip_id)",
        "202_conversion_logs (conv_id, click_id, campaign_id, click_payout, user_id, click_time, \
         conv_time, time_difference, user_agent)",
    ]
    .into_iter()
    .zip(rows)
    {
        for part in rows.chunks(5_000) {
            database.execute(&format!("INSERT INTO {table} VALUES {}", part.join(", ")));
        }
    }
    let store = MysqlStore::open(&database.url()).unwrap();
    store.create_model(1, &Model::from_spec("linear").unwrap(), true, true).unwrap();
    (database, store)
}

fn database(payouts: &[i64]) -> (Database<'static>, MysqlStore) {
    database_on(server(), payouts)
}

fn window() -> Window {
    Window::new(HOUR, HOUR + 3_600).unwrap()
}

#[test]
fn an_hour_that_fits_as_a_whole_is_written_though_a_part_of_it_would_not_fit() {
    let payout = |number| match number {
        0..200 => 999_999,
        9_800..10_000 => -999_999,
        _ => 1,
    };
    let payouts: Vec<i64> = (0..10_000).map(payout).collect();
    let (database, store) = database(&payouts);
    let report = store.rebuild(1, &RebuildOptions::new(window()), &()).unwrap();
    assert_eq!(report.models[0].revenue, "9600".parse().unwrap());
    let revenue = "SELECT CAST(attributed_revenue AS SIGNED) FROM 202_attribution_snapshots \
                   WHERE scope_type = 'global'";
    assert_eq!(database.number(revenue), 9_600);
    assert_eq!(database.number("SELECT COUNT(*) FROM 202_attribution_touchpoints"), 10_000);
    assert_eq!(store.rebuild(1, &RebuildOptions::new(window()), &()).unwrap().rows_written, 0);
}

#[test]
fn a_servers_limit_on_results_cuts_none_short() {
    let server = Server::start(&ServerOptions::default());
    let (database, store) = database_on(&server, &[1; 100]);
    database.execute("SET GLOBAL sql_select_limit = 30");
    assert_eq!(store.rebuild(1, &RebuildOptions::new(window()), &()).unwrap().conversions, 100);
    assert_eq!(database.number("SELECT COUNT(*) FROM 202_attribution_touchpoints"), 100);
}

#[test]
fn a_replica_that_lags_does_not_keep_a_setting_from_being_heeded() {
    let (database, store) = database(&[1; 3]);
    store.backfill(1, &BackfillOptions::new(window()), &()).unwrap();
    // As it was before the setting, and stays.
    let (replica, _) = self::database(&[1; 3]);
    let store = store.with_replica(&replica.url()).unwrap();
    let report = store.set_multi_touch(1, Scope::GLOBAL, false, Duration::ZERO, &()).unwrap();
    assert_eq!((report.single_touch_conversions, report.rows_written), (3, 3));
    assert_eq!(database.number("SELECT COUNT(*) FROM 202_conversion_touchpoints"), 0);
}

#[test]
fn a_setting_is_not_changed_while_another_run_holds_the_lock() {
    let (database, store) = database(&[1]);
    let mut holder = database.connect();
    let lock =
        "SELECT GET_LOCK(CONCAT('attribution.', LEFT(SHA2(DATABASE(), 256), 16), '.', 1), 0)";
    assert_eq!(holder.query_first::<u8, _>(lock).unwrap(), Some(1));
    let error = store.set_multi_touch(1, Scope::GLOBAL, false, Duration::ZERO, &()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Locked);
    assert_eq!(database.number("SELECT COUNT(*) FROM 202_attribution_settings"), 0);

    // Who waits can be stopped.
    let url = database.url();
    let start = Instant::now();
    let words = ["rebuild", "--user", "1", "--wait", "60"];
    let waiting = attribution_database_tests::command::start_with(&words, &[], Some(&url));
    sleep(Duration::from_secs(2));
    waiting.signal("INT");
    waiting.wait().expect(1).says(&["stopped as asked"]);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_row_that_another_session_holds_delays_a_run_and_no_more() {
    let (database, store) = database(&[1]);
    database.execute(
        "INSERT INTO 202_attribution_runs (user_id, job, status, window_start, window_end, \
         started_at, updated_at) VALUES (1, 'rebuild', 'running', 0, 1, 0, 0)",
    );
    let mut holder = database.connect();
    holder.query_drop("BEGIN").unwrap();
    holder.query_drop("SELECT * FROM 202_attribution_runs WHERE user_id = 1 FOR UPDATE").unwrap();
    database.execute("SET GLOBAL innodb_lock_wait_timeout = 1");
    std::thread::scope(|scope| {
        let run = scope.spawn(|| store.rebuild(1, &RebuildOptions::new(window()), &()));
        sleep(Duration::from_secs(3));
        holder.query_drop("ROLLBACK").unwrap();
        assert_eq!(run.join().unwrap().unwrap().conversions, 1);
    });
    database.execute("SET GLOBAL innodb_lock_wait_timeout = 50");
}

#[test]
fn two_who_change_models_at_once_lose_nothing() {
    let (database, store) = database(&[1]);
    store.create_model(1, &Model::from_spec("assisted").unwrap(), true, false).unwrap();
    let mut session = database.connect();
    session.query_drop("BEGIN").unwrap();
    session
        .query_drop("UPDATE 202_attribution_models SET is_default = (model_slug = 'assisted')")
        .unwrap();
    std::thread::scope(|scope| {
        let renamed = scope.spawn(|| {
            let change = ModelChange { name: Some("Foo".to_owned()), ..ModelChange::default() };
            store.update_model(1, "linear", &change)
        });
        sleep(Duration::from_secs(1));
        session.query_drop("COMMIT").unwrap();
        assert_eq!(renamed.join().unwrap().unwrap().name, "Foo");
    });
    let defaults = database.texts("SELECT model_slug FROM 202_attribution_models WHERE is_default");
    assert_eq!(defaults, ["assisted"]);
}

#[test]
fn a_url_in_the_wrong_place_is_not_repeated() {
    let database = Database::without_install(server(), Collation::GeneralCi);
    for words in [
        vec!["rebuild", "mysql://me:hush@127.0.0.1/db"],
        vec!["check", "--database", "mysql://me:12/hush@127.0.0.1/db"],
        vec!["rebuild", "--user", "1", "--start", "mysql://me:hush@127.0.0.1/db"],
    ] {
        let ended = run_words(&database.url(), &words).expect(2);
        assert!(!ended.stderr.contains("hush"), "{}", ended.stderr);
    }
}
