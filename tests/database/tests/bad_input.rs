//! Bad input and broken databases: a clear error, the right exit status, and nothing changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::net::TcpListener;
use std::sync::OnceLock;

use attribution_database_tests::account::{Accounts, insert_conversions};
use attribution_database_tests::command::{self, Ended};
use attribution_database_tests::database::Database;
use attribution_database_tests::generate::{self, START, Shape, USERS};
use attribution_database_tests::host::Collation;
use attribution_database_tests::server::{PASSWORD_IN_URL, Server, ServerOptions, USER};

const SHAPE: Shape = Shape { seed: 1, clicks: 60, conversions: 20, hours: 12 };

/// What is said is not to depend on how strict the server is.
fn servers() -> [&'static Server; 2] {
    static SERVERS: OnceLock<[Server; 2]> = OnceLock::new();
    let servers = SERVERS.get_or_init(|| {
        ["--sql-mode=STRICT_ALL_TABLES", "--sql-mode="]
            .map(|mode| Server::start(&ServerOptions::with([mode])))
    });
    [&servers[0], &servers[1]]
}

fn accounts() -> Accounts {
    generate::accounts(SHAPE)
}

fn database(server: &'static Server) -> Database<'static> {
    Database::with(server, Collation::GeneralCi, &accounts())
}

fn window() -> String {
    format!("--start {START} --end {}", SHAPE.end())
}

/// Runs something that has to fail, and nothing has changed but the record of runs.
#[track_caller]
fn refused(database: &Database<'_>, arguments: &str, status: i32) -> Ended {
    let before = database.contents().without(&["202_attribution_runs"]);
    let ended = database.run(arguments).expect(status);
    let after = database.contents().without(&["202_attribution_runs"]);
    after.assert_equal(&before, arguments);
    assert!(!ended.stderr.trim().is_empty(), "{ended}");
    ended
}

#[test]
fn a_server_that_does_not_let_in() {
    let database = database(servers()[0]);
    let port = servers()[0].port();
    let name = database.name();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    for (url, part) in [
        (format!("mysql://{USER}:sesame77@127.0.0.1:{port}/{name}"), "denied"),
        (format!("mysql://nobody:sesame77@127.0.0.1:{port}/{name}"), "denied"),
        (format!("mysql://{USER}:{PASSWORD_IN_URL}@127.0.0.1:{port}/no_such"), "no_such"),
        (format!("mysql://{USER}:sesame77@127.0.0.1:{free}/{name}"), "127.0.0.1"),
        (format!("mysql://{USER}:sesame77@localhost/{name}?socket=/nowhere/socket"), "/nowhere"),
    ] {
        for arguments in ["backfill", "rebuild", "check", "install", "model list --user 7"] {
            let ended = command::run(&url, arguments).expect(1).says(&[part]);
            assert!(!ended.stderr.contains("sesame77"), "{ended}");
            assert!(!ended.out().contains("sesame77"), "{ended}");
        }
    }
}

#[test]
fn addresses_that_are_none() {
    for url in [
        "postgres://user:sesame77@127.0.0.1/db",
        "user:sesame77@127.0.0.1/db",
        "mysql://user:sesame77@127.0.0.1:notaport/db",
        "mysql://user:sesame77@127.0.0.1:3306",
        "mysql://user:sesame77@127.0.0.1:3306/db?no_such_option=1",
        "",
    ] {
        let ended = command::run(url, "rebuild").expect(2);
        assert!(!ended.stderr.contains("sesame77"), "{ended}");
    }
    let ended = command::start_with(&["rebuild"], &[], None).wait().expect(2);
    assert!(ended.stderr.contains("--database"), "{ended}");
}

#[test]
fn a_password_is_not_among_the_processes() {
    let database = database(servers()[0]);
    // The run has to wait, so that it can be looked at.
    let url = database.url();
    let running = command::start_with(&["rebuild"], &[(command::DATABASE_VARIABLE, &url)], None);
    let shown = std::fs::read(format!("/proc/{}/cmdline", running.id())).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&shown).contains(PASSWORD_IN_URL));
    running.wait();
}

#[test]
fn tables_and_columns_that_are_missing() {
    for (statement, parts) in [
        ("DROP TABLE 202_conversion_logs", &["202_conversion_logs"][..]),
        ("DROP TABLE 202_clicks", &["202_clicks"]),
        ("DROP TABLE 202_clicks_advance", &["202_clicks_advance"]),
        ("DROP TABLE 202_aff_campaigns", &["202_aff_campaigns"]),
        ("DROP TABLE 202_conversion_touchpoints", &["202_conversion_touchpoints"]),
        ("DROP TABLE 202_attribution_settings", &["202_attribution_settings"]),
        ("DROP TABLE 202_users", &["202_users"]),
        ("ALTER TABLE 202_conversion_logs DROP COLUMN conv_time", &["conv_time"]),
        ("ALTER TABLE 202_clicks DROP COLUMN click_cpc", &["click_cpc"]),
        ("ALTER TABLE 202_clicks_advance DROP COLUMN ip_id", &["ip_id"]),
    ] {
        let database = database(servers()[0]);
        database.execute(statement);
        let mut failed = 0;
        for job in ["backfill", "rebuild"] {
            let before = database.contents().without(&["202_attribution_runs"]);
            let ended = database.run(&format!("{job} --user {} {}", USERS[0], window()));
            if ended.status == Some(0) {
                // This job does not need it.
                continue;
            }
            failed += 1;
            ended.expect(2).says(parts);
            let after = database.contents().without(&["202_attribution_runs"]);
            after.assert_equal(&before, statement);
        }
        assert!(failed > 0, "{statement}: both jobs went well");
    }
}

#[test]
fn results_tables_that_are_missing() {
    for (table, jobs) in [
        ("202_attribution_snapshots", &["rebuild"][..]),
        ("202_attribution_touchpoints", &["rebuild"]),
        ("202_attribution_models", &["rebuild"]),
        ("202_attribution_audit", &["rebuild"]),
        ("202_cronjob_logs", &["rebuild"]),
    ] {
        let database = database(servers()[1]);
        database.execute(&format!("DROP TABLE {table}"));
        for job in jobs {
            database
                .run(&format!("{job} --user {} {}", USERS[0], window()))
                .expect(2)
                .says(&[table]);
        }
    }
}

#[test]
fn the_table_of_runs_that_is_missing() {
    for server in servers() {
        let database = database(server);
        database.execute("DROP TABLE 202_attribution_runs");
        for job in ["backfill", "rebuild"] {
            let ended = refused(&database, &format!("{job} --user {} {}", USERS[0], window()), 2);
            ended.says(&["202_attribution_runs", "install"]);
        }
        database.run("install").expect(0);
        database.run(&format!("rebuild {}", window())).expect(0);
    }
}

#[test]
fn models_that_are_none_are_reported_and_the_others_run() {
    let database = database(servers()[1]);
    let rows = "SELECT COUNT(*) FROM 202_attribution_snapshots s JOIN 202_attribution_models m \
                USING (model_id) WHERE m.model_slug = 'first'";
    assert_eq!(database.number(rows), 0);
    let inactive = "SELECT COUNT(*) FROM 202_attribution_snapshots s JOIN 202_attribution_models m \
                    USING (model_id) WHERE m.model_slug IN ('inactive', 'broken')";
    let before = database.number(inactive);
    let ended = database.run(&format!("rebuild --user {} {}", USERS[0], window())).expect(0);
    let ended = ended.says(&["broken", "empty", "unknown", "learning", "wrong"]);
    assert!(!ended.stderr.contains("inactive"), "{ended}");
    assert!(database.number(rows) > 0);
    assert_eq!(database.number(inactive), before);
    database.execute("UPDATE 202_attribution_models SET weighting_config = '{'");
    let ended = refused_models(&database);
    ended.says(&["linear", "decay", "last"]);
}

/// Runs with no model that is valid, after which snapshots and credits are as they were.
fn refused_models(database: &Database<'_>) -> Ended {
    let all = database.contents();
    let ended = database.run(&format!("rebuild {}", window())).expect(0);
    let after = database.contents();
    for table in ["202_attribution_snapshots", "202_attribution_touchpoints"] {
        assert_eq!(after.of(table), all.of(table));
    }
    ended
}

#[test]
fn totals_that_do_not_fit() {
    for (server, sign) in servers().into_iter().zip([1, -1]) {
        let mut accounts = accounts();
        let user = USERS[1];
        let hour = START + 3 * 3_600;
        let of_user =
            |row: &&attribution_database_tests::account::ConversionRow| row.user_id == user;
        let some = *accounts.conversions.iter().find(of_user).unwrap();
        let many: Vec<_> = (0..101)
            .map(|number| attribution_database_tests::account::ConversionRow {
                conversion_id: 95_000 + number,
                transaction: false,
                payout: sign * 99_999_999_999,
                time: hour + number as u32,
                deleted: false,
                ..some
            })
            .collect();
        accounts.settings.clear();
        let database = Database::with(server, Collation::GeneralCi, &accounts);
        insert_conversions(&mut database.connect(), &many);
        let arguments = format!("rebuild --user {user} {}", window());
        let ended = refused(&database, &arguments, 2);
        ended.says(&["99999999.9999", "attributed_revenue", &hour.to_string()]);
        assert_eq!(database.number("SELECT COUNT(*) FROM 202_cronjob_logs"), 0);

        // The others' runs go on.
        let ended = database.run(&format!("rebuild {}", window())).expect(1);
        ended.says(&["99999999.9999", &user.to_string()]);
        assert_eq!(database.number("SELECT COUNT(*) FROM 202_cronjob_logs"), 0);
        let audits = "SELECT COUNT(DISTINCT user_id) FROM 202_attribution_audit";
        assert_eq!(database.number(audits), 2);
        database
            .execute("DELETE FROM 202_conversion_logs WHERE conv_id >= 95000 AND conv_id < 96000");
        database.run(&format!("rebuild {}", window())).expect(0);
        assert_eq!(database.number("SELECT id FROM 202_cronjob_logs"), 2);
    }
}

#[test]
fn windows_and_options_that_are_none() {
    let database = database(servers()[0]);
    for job in ["backfill", "rebuild"] {
        for window in [
            format!("--start {START} --end {START}"),
            format!("--start {} --end {START}", START + 1),
            "--start yesterday".to_owned(),
            "--start -5".to_owned(),
            "--end 4294967296".to_owned(),
            "--start 2024-13-01T00:00:00Z".to_owned(),
        ] {
            refused(&database, &format!("{job} {window}"), 2);
        }
        refused(&database, &format!("{job} {} --user 123456", window()), 2).says(&["123456"]);
        refused(&database, &format!("{job} {} --user 0", window()), 2);
        refused(&database, &format!("{job} {} --user -1", window()), 2);
        refused(&database, &format!("{job} {} --user me", window()), 2);
    }
    for more in [
        "--journey path",
        "--lookback 30",
        "--lookback 0x",
        "--max-touches 0",
        "--max-touches 65536",
    ] {
        refused(&database, &format!("backfill {} {more}", window()), 2);
    }
    for more in ["--scopes planet", "--scopes global,adgroup", "--credits some", "--wait soon"] {
        refused(&database, &format!("rebuild {} {more}", window()), 2);
    }
    for command in ["model list", "multi-touch off", "snapshots --model linear"] {
        refused(&database, command, 2).says(&["--user"]);
        refused(&database, &format!("{command} --user 123456"), 2).says(&["123456"]);
    }
    refused(&database, "multi-touch maybe --user 7", 2);
    refused(&database, "multi-touch off --user 7 --campaign 100 --advertiser 1", 2);
}

/// Clicks, conversions and journeys whose values no job expects.
#[test]
fn values_out_of_range_in_the_hosts_tables() {
    for (server, statement, part) in [
        (servers()[0], "UPDATE 202_conversion_logs SET conv_time = -5 WHERE conv_id = 3", "3"),
        (servers()[0], "UPDATE 202_clicks SET click_cpc = -1.5", "click"),
    ] {
        let database = database(server);
        database.execute(statement);
        let before = database.contents().without(&["202_attribution_runs"]);
        let ended = database.run(&format!("rebuild --start 0 --end {}", SHAPE.end()));
        // A row that no window holds may be passed over; what is read and wrong may not.
        if ended.status != Some(0) {
            assert!(matches!(ended.status, Some(1 | 2)), "{ended}");
            let ended = ended.says(&[part]);
            assert!(!ended.stderr.contains("internal error"), "{ended}");
            database.contents().without(&["202_attribution_runs"]).assert_equal(&before, statement);
        }
    }
}
