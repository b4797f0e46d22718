//! The tests' own tools.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use attribution_core::JourneyKey;
use attribution_database_tests::account::Accounts;
use attribution_database_tests::expected::{self, Asked};
use attribution_database_tests::generate::{self, START, Shape};
use attribution_database_tests::host::{self, Collation};
use attribution_database_tests::proxy::{Fault, Proxy};
use attribution_database_tests::server::{PASSWORD, Server, ServerOptions, USER};
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};

fn through(port: u16) -> Result<Conn, mysql::Error> {
    Conn::new(
        OptsBuilder::new()
            .ip_or_hostname(Some("127.0.0.1"))
            .tcp_port(port)
            .prefer_socket(false)
            .user(Some(USER))
            .pass(Some(PASSWORD))
            .read_timeout(Some(Duration::from_secs(20))),
    )
}

#[test]
fn a_server_keeps_its_data_when_it_is_killed() {
    let server = Server::start(&ServerOptions::default());
    let mut connection = server.connect(None);
    host::create(&mut connection, "some", Collation::Bin);
    connection.query_drop("INSERT INTO 202_cronjob_logs VALUES (2, 3)").unwrap();
    server.kill();
    assert!(server.try_connect(None).is_err());
    server.restart();
    let time: Option<u32> = server
        .connect(Some("some"))
        .query_first("SELECT last_execution_time FROM 202_cronjob_logs")
        .unwrap();
    assert_eq!(time, Some(3));
    let opts = mysql::Opts::from_url(&server.url("some")).unwrap();
    assert!(Conn::new(opts).is_ok(), "the address is right");
}

#[test]
fn a_proxy_does_what_it_is_told() {
    let server = Server::start(&ServerOptions::default());
    let mut direct = server.connect(None);
    direct.query_drop("CREATE DATABASE p").unwrap();
    direct.query_drop("CREATE TABLE p.t (id INT)").unwrap();
    let count =
        |direct: &mut Conn| direct.query_first::<u64, _>("SELECT COUNT(*) FROM p.t").unwrap();

    let insert = |connection: &mut Conn| -> Result<(), mysql::Error> {
        connection.query_drop("START TRANSACTION")?;
        connection.query_drop("INSERT INTO p.t VALUES (1)")?;
        connection.query_drop("COMMIT")
    };
    let proxy = Proxy::start(server.port(), Fault::None, 1);
    insert(&mut through(proxy.port()).unwrap()).unwrap();
    assert_eq!(count(&mut direct), Some(1));
    let passed = proxy.passed();
    assert_eq!((passed.connections, passed.commits, passed.faults), (1, 1, 0));
    assert!(passed.from_client > 50 && passed.from_server > 50);
    drop(proxy);

    let proxy = Proxy::start(server.port(), Fault::DropCommitReply(2), 1);
    let mut connection = through(proxy.port()).unwrap();
    insert(&mut connection).unwrap();
    assert!(insert(&mut connection).is_err());
    assert_eq!(count(&mut direct), Some(3), "the COMMIT came through");
    insert(&mut through(proxy.port()).unwrap()).unwrap();
    assert_eq!(proxy.passed().faults, 1);
    drop(proxy);

    let proxy = Proxy::start(server.port(), Fault::CutBeforeCommit(1), 1);
    assert!(insert(&mut through(proxy.port()).unwrap()).is_err());
    assert_eq!(count(&mut direct), Some(4), "the COMMIT did not come through");
    drop(proxy);

    for fault in [Fault::CutClient(20), Fault::CutServer(20), Fault::CutAllAfter(Duration::ZERO)] {
        let proxy = Proxy::start(server.port(), fault, 1);
        let Ok(mut cut) = through(proxy.port()) else { continue };
        std::thread::sleep(Duration::from_millis(50));
        assert!(insert(&mut cut).is_err(), "{fault:?}");
    }
    assert_eq!(count(&mut direct), Some(4));

    let proxy = Proxy::start(server.port(), Fault::Delay(Duration::from_millis(2)), 1);
    let mut slow = through(proxy.port()).unwrap();
    for _ in 0..100 {
        slow.query_drop("DO 1").unwrap();
    }
    assert!(proxy.passed().faults > 0);
}

/// That the accounts have what they are made for; a property of one seed would be no property.
#[test]
fn accounts_have_everything() {
    for seed in 1..=3 {
        let shape = Shape::small(seed);
        let accounts = generate::accounts(shape);
        assert_eq!(accounts, generate::accounts(shape), "the same for the same seed");
        let has = |what: &str, any: bool| assert!(any, "seed {seed} has no {what}");
        has("refund", accounts.conversions.iter().any(|row| row.deleted));
        has("negative payout", accounts.conversions.iter().any(|row| row.payout < 0));
        has("unknown visitor", accounts.visitors.iter().any(|row| row.ip_id == 0));
        has("large id", accounts.clicks.iter().any(|row| row.click_id > i64::MAX as u64));
        let mut by_id: Vec<_> =
            accounts.clicks.iter().map(|row| (row.click_id, row.user_id)).collect();
        by_id.sort_unstable();
        has("twin", by_id.windows(2).any(|pair| pair[0] == pair[1]));
        has("shared click", by_id.windows(2).any(|p| p[0].0 == p[1].0 && p[0].1 != p[1].1));
        has("missing click", {
            let missing = |id: &u64| by_id.binary_search_by_key(id, |row| row.0).is_err();
            accounts.conversions.iter().any(|row| missing(&row.click_id))
        });
        for key in JourneyKey::ALL {
            let asked = Asked { key, ..Asked::of((START, shape.end())) };
            let results = expected::after_both(&accounts, &asked);
            let hours = u64::from(START)..u64::from(shape.end());
            let runs = |id: u64, hour: u64| {
                (1..=7).contains(&(id % 20)) && id < 60 && hours.contains(&hour)
            };
            expected::check_sums(&results, runs);
            let long = results.journeys.iter().filter(|row| row.position > 2).count();
            has("long journey", long > 0 || key == JourneyKey::None);
        }
    }
}

#[test]
fn accounts_go_in_under_every_collation() {
    let server = Server::start(&ServerOptions::with(["--sql-mode=STRICT_ALL_TABLES"]));
    let mut accounts = generate::accounts(Shape::small(9));
    // The engine's tables are not there.
    accounts.models.clear();
    accounts.settings.clear();
    accounts.snapshots.clear();
    accounts.touches.clear();
    for (number, collation) in Collation::ALL.into_iter().enumerate() {
        let mut connection = server.connect(None);
        host::create(&mut connection, &format!("c{number}"), collation);
        let Accounts { clicks, .. } = &accounts;
        accounts.insert(&mut connection);
        let count: Option<usize> =
            connection.query_first("SELECT COUNT(*) FROM 202_clicks").unwrap();
        assert_eq!(count, Some(clicks.len()));
    }
}
