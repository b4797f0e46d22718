//! The snapshot cache before a real database, with real servers that come to harm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use attribution_core::{
    CacheOptions, CacheServer as Address, CacheStatistics, CachedSnapshots, ErrorCode, Model,
    MysqlStore, PurgeOptions, PurgeTarget, RebuildOptions, RetentionLimits, Scope, SnapshotQuery,
    SnapshotRecord, Window,
};
use attribution_database_tests::cache_server::{CacheServer, Kind};
use attribution_database_tests::database::Database;
use attribution_database_tests::host::Collation;
use attribution_database_tests::random::Random;
use attribution_database_tests::server::{Server, ServerOptions};

const HOUR: u32 = 1_717_200_000;
/// What each conversion pays, in counts of 0.00001.
const PAYOUT: u64 = 1_000_000;

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&ServerOptions::default()))
}

fn window() -> Window {
    Window::new(HOUR, HOUR + 24 * 3_600).unwrap()
}

fn query() -> SnapshotQuery {
    SnapshotQuery::new("linear", window())
}

fn convert(database: &Database<'_>, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let time = u64::from(HOUR) + number % 24 * 3_600;
        database.execute(&format!(
            "INSERT INTO 202_clicks (click_id, user_id, aff_campaign_id, click_cpc, click_time) \
             VALUES ({number}, 1, 7, 0.5, {time})"
        ));
        database.execute(&format!(
            "INSERT INTO 202_conversion_logs (conv_id, click_id, campaign_id, click_payout, \
             user_id, click_time, conv_time, time_difference, user_agent) \
             VALUES ({number}, {number}, 7, 10, 1, {time}, {time} + 60, '', '')"
        ));
    }
}

fn rebuild(store: &MysqlStore) -> u64 {
    store.rebuild(1, &RebuildOptions::new(window()), &()).unwrap().rows_written
}

/// User 1 with 30 conversions in 24 hours and two models, and user 2 with nothing.
fn database() -> (Database<'static>, MysqlStore) {
    let database = Database::new(server(), Collation::GeneralCi);
    database.execute("INSERT INTO 202_users (user_id, user_name) VALUES (1, 'one'), (2, 'two')");
    database.execute(
        "INSERT INTO 202_aff_campaigns (aff_campaign_id, user_id, aff_network_id, aff_campaign_name) \
         VALUES (7, 1, 3, 'seven')",
    );
    convert(&database, 1..31);
    let store = MysqlStore::open(&database.url()).unwrap();
    for spec in ["linear", "first_touch"] {
        store.create_model(1, &Model::from_spec(spec).unwrap(), true, false).unwrap();
    }
    rebuild(&store);
    (database, store)
}

fn plain(store: &MysqlStore, query: &SnapshotQuery) -> Vec<SnapshotRecord> {
    let mut rows = Vec::new();
    store
        .snapshots(1, query, &mut |row| {
            rows.push(row);
            Ok(())
        })
        .unwrap();
    rows
}

/// With so much time for the server that a busy machine does not decide a test.
fn patient(url: Option<&str>, capacity: usize) -> CacheOptions {
    CacheOptions {
        server: url.map(|url| Address::from_url(url).unwrap()),
        capacity,
        timeout: Duration::from_secs(10),
        ..CacheOptions::default()
    }
}

const HIDE: &str = "RENAME TABLE 202_attribution_snapshots TO hidden";
const SHOW: &str = "RENAME TABLE hidden TO 202_attribution_snapshots";

#[test]
fn what_was_read_is_given_again_without_a_look_at_the_snapshots() {
    let (database, store) = database();
    let redis = CacheServer::start(Kind::Redis);
    let memcached = CacheServer::start(Kind::Memcached);
    let socket = format!("redis+unix://{}?db=3", redis.socket().display());
    let queries = [
        query(),
        SnapshotQuery { limit: 5, offset: 3, ..query() },
        SnapshotQuery { scope_type: Some(Scope::GLOBAL.scope_type()), ..query() },
        SnapshotQuery { model: "first-touch".to_owned(), ..query() },
        SnapshotQuery { window: Window::new(0, 1).unwrap(), ..query() },
    ];
    let expected: Vec<_> = queries.iter().map(|query| plain(&store, query)).collect();
    assert!(expected[0].len() > 48 && expected[4].is_empty());
    let memory = CachedSnapshots::new(store.clone(), CacheOptions::default()).unwrap();
    for (query, expected) in queries.iter().zip(&expected) {
        assert_eq!(&memory.snapshots(1, query).unwrap()[..], expected);
    }
    let urls = [redis.url(), memcached.url(), socket];
    for url in &urls {
        let writer = CachedSnapshots::new(store.clone(), patient(Some(url), 0)).unwrap();
        for query in &queries {
            writer.snapshots(1, query).unwrap();
        }
        let counts = writer.statistics();
        assert_eq!((counts.loads, counts.server_failures, counts.entries), (5, 0, 0), "{url}");
    }
    database.execute(HIDE);
    for (query, expected) in queries.iter().zip(&expected) {
        assert_eq!(&memory.snapshots(1, query).unwrap()[..], expected);
    }
    assert_eq!(memory.statistics().memory_hits, 5);
    for url in &urls {
        // Another process, as it were.
        let reader = CachedSnapshots::new(store.clone(), patient(Some(url), 1 << 20)).unwrap();
        for (query, expected) in queries.iter().zip(&expected).chain(queries.iter().zip(&expected))
        {
            assert_eq!(&reader.snapshots(1, query).unwrap()[..], expected);
        }
        let counts = reader.statistics();
        assert_eq!((counts.server_hits, counts.memory_hits, counts.loads), (5, 5, 0), "{url}");
    }
    database.execute(SHOW);
    // One more conversion, and nothing of that is given again.
    convert(&database, 31..32);
    assert!(rebuild(&store) > 0);
    for url in urls.iter().map(|url| Some(url.as_str())).chain([None]) {
        let reader = CachedSnapshots::new(store.clone(), patient(url, 1 << 20)).unwrap();
        for reader in [&reader, &memory] {
            assert_eq!(reader.snapshots(1, &query()).unwrap()[..], plain(&store, &query()));
        }
    }
}

#[test]
fn generations_rise_with_each_change_of_the_snapshots_and_no_other() {
    let (database, store) = database();
    let generations = || -> Vec<(u64, u64)> {
        use mysql::prelude::Queryable;
        database
            .connect()
            .query("SELECT model_id, generation FROM 202_attribution_generations ORDER BY model_id")
            .unwrap()
    };
    let first = generations();
    assert_eq!(first.len(), 2);
    assert_eq!(rebuild(&store), 0);
    assert_eq!(generations(), first, "nothing was written");
    // A row inserted, changed and deleted, each of one model alone.
    for damage in [
        "DELETE FROM 202_attribution_snapshots WHERE model_id = 2 AND scope_type = 'campaign' LIMIT 1",
        "UPDATE 202_attribution_snapshots SET attributed_clicks = 99 \
         WHERE model_id = 2 AND scope_type = 'campaign' LIMIT 1",
        "INSERT INTO 202_attribution_snapshots (model_id, user_id, scope_type, scope_id, date_hour, \
         lookback_start, lookback_end, created_at) VALUES (2, 1, 'campaign', 99, 1717200000, 0, 0, 0)",
    ] {
        let before = generations();
        database.execute(damage);
        assert_eq!(rebuild(&store), 1, "{damage}");
        let after = generations();
        assert_eq!(after[0], before[0], "{damage}");
        assert!(after[1].1 > before[1].1, "{damage}");
    }
    let before = generations();
    store.delete_model(1, "first-touch", Duration::ZERO).unwrap();
    assert_eq!(generations(), before[..1]);
    let again = store.create_model(1, &Model::from_spec("first_touch").unwrap(), true, false);
    let again = again.unwrap().model_id;
    let after = generations();
    assert!(after[1].0 == again && after[1].1 > before[1].1);
    // Where the clock is behind what is there, the number rises by one.
    database.execute("UPDATE 202_attribution_generations SET generation = 1 << 60");
    convert(&database, 40..41);
    rebuild(&store);
    assert!(generations().iter().all(|(_, generation)| *generation == (1 << 60) + 1));
}

#[test]
fn what_was_purged_is_given_no_more() {
    let (database, store) = database();
    let redis = CacheServer::start(Kind::Redis);
    let url = redis.url();
    let caches = [(None, 1 << 20), (Some(url.as_str()), 0), (Some(url.as_str()), 1 << 20)]
        .map(|(url, bytes)| CachedSnapshots::new(store.clone(), patient(url, bytes)).unwrap());
    let mut last = Vec::new();
    let mut is_as_stored = |what: &str| {
        let expected = plain(&store, &query());
        assert_ne!(expected, last, "{what}");
        for cached in &caches {
            for _ in 0..2 {
                assert_eq!(cached.snapshots(1, &query()).unwrap()[..], expected, "{what}");
            }
        }
        last = expected;
    };
    is_as_stored("at first");
    let purge = |target| store.purge(1, &PurgeOptions::new(target), &()).unwrap();
    purge(PurgeTarget::Clicks(vec![3, 4]));
    is_as_stored("without two clicks");
    purge(PurgeTarget::Conversions(vec![5]));
    is_as_stored("without a conversion");
    let snapshots = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as u32
        - (HOUR + 12 * 3_600);
    let limits = RetentionLimits { snapshots: Some(snapshots), ..RetentionLimits::default() };
    assert!(purge(PurgeTarget::Age(limits)).tables.iter().any(|table| table.removed > 0));
    is_as_stored("without the older half");
    purge(PurgeTarget::Owner);
    for cached in &caches {
        assert_eq!(cached.snapshots(1, &query()).unwrap_err().code(), ErrorCode::InvalidInput);
    }
    // Even where a model gets the id and the slug of one that was purged.
    database.execute("ALTER TABLE 202_attribution_models AUTO_INCREMENT = 1");
    let model = store.create_model(1, &Model::from_spec("linear").unwrap(), true, false).unwrap();
    assert_eq!((model.model_id, model.slug.as_str()), (1, "linear"));
    is_as_stored("a new model");
    convert(&database, 3..5);
    rebuild(&store);
    is_as_stored("with rows of its own");
}

#[test]
fn databases_share_a_server_without_taking_one_for_the_other() {
    let redis = CacheServer::start(Kind::Redis);
    let (one, two) = (database(), database());
    convert(&two.0, 40..41);
    rebuild(&two.1);
    for (database, _) in [&one, &two] {
        database.execute("UPDATE 202_attribution_generations SET generation = 5");
    }
    for _ in 0..2 {
        for (_, store) in [&one, &two] {
            let options = patient(Some(&redis.url()), 0);
            let cached = CachedSnapshots::new(store.clone(), options).unwrap();
            let expected = plain(store, &query());
            for _ in 0..2 {
                assert_eq!(cached.snapshots(1, &query()).unwrap()[..], expected);
            }
            assert!(cached.statistics().server_hits > 0);
        }
    }
    assert_ne!(plain(&one.1, &query()), plain(&two.1, &query()));
}

#[test]
fn models_that_are_not_the_owners_or_gone_are_refused_and_old_installations_served() {
    let (database, store) = database();
    let cached = CachedSnapshots::new(store.clone(), CacheOptions::default()).unwrap();
    let expected = plain(&store, &query());
    for _ in 0..2 {
        assert_eq!(cached.snapshots(1, &query()).unwrap()[..], expected);
    }
    let refused = |user: u64, query: &SnapshotQuery, part: &str| {
        let error = cached.snapshots(user, query).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
        assert!(error.to_string().contains(part), "{error}");
    };
    refused(2, &query(), "found no model \"linear\" of user 2");
    refused(3, &query(), "found no user 3");
    refused(1, &SnapshotQuery { model: "Linear".into(), ..query() }, "found no model \"Linear\"");
    database.execute("UPDATE 202_users SET user_deleted = 1 WHERE user_id = 1");
    refused(1, &query(), "who is deleted");
    database.execute("UPDATE 202_users SET user_deleted = 0 WHERE user_id = 1");
    // Without a generation, as before the table was there, rows are read and nothing is stored.
    database.execute("DELETE FROM 202_attribution_generations");
    for _ in 0..2 {
        assert_eq!(cached.snapshots(1, &query()).unwrap()[..], expected);
    }
    assert_eq!(cached.statistics().not_stored, 2);
    database.execute("DROP TABLE 202_attribution_generations");
    refused(1, &query(), "202_attribution_generations");
    refused(1, &query(), "`attribution install` creates it");
    let ended = database.run("check").expect(2);
    assert!(ended.out().contains("202_attribution_generations"), "{ended}");
    assert_eq!(store.install().unwrap(), ["202_attribution_generations"]);
    for _ in 0..2 {
        assert_eq!(cached.snapshots(1, &query()).unwrap()[..], expected);
    }
    assert_eq!(cached.statistics().not_stored, 2);
    store.delete_model(1, "linear", Duration::ZERO).unwrap();
    refused(1, &query(), "found no model \"linear\"");
    assert_eq!(database.number("SELECT COUNT(*) FROM 202_attribution_generations"), 1);
}

#[test]
fn lost_connections_are_made_anew() {
    let (database, store) = database();
    let cached = CachedSnapshots::new(store.clone(), CacheOptions::default()).unwrap();
    let expected = plain(&store, &query());
    for round in 1..=3 {
        assert_eq!(cached.snapshots(1, &query()).unwrap()[..], expected);
        let name = database.name();
        for id in database.texts(&format!(
            "SELECT CAST(ID AS CHAR) FROM information_schema.PROCESSLIST \
             WHERE DB = '{name}' AND ID <> CONNECTION_ID()"
        )) {
            database.execute(&format!("KILL {id}"));
        }
        if round == 2 {
            cached.clear();
        }
        assert_eq!(cached.snapshots(1, &query()).unwrap()[..], expected);
        assert_eq!(cached.statistics().reconnections, round);
    }
}

#[test]
fn servers_that_are_full_paused_locked_or_gone_cost_little_and_change_nothing() {
    let (database, store) = database();
    let expected = plain(&store, &query());
    let read = |cached: &CachedSnapshots| {
        let begin = Instant::now();
        assert_eq!(cached.snapshots(1, &query()).unwrap()[..], expected);
        // Far above the time limit, for machines that are busy; far below any wait for a server.
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
        cached.statistics()
    };
    for kind in [Kind::Redis, Kind::Memcached] {
        let server = CacheServer::start(kind);
        let url = server.url();
        let options =
            || CacheOptions { timeout: CacheOptions::default().timeout, ..patient(Some(&url), 0) };
        let quick = || CachedSnapshots::new(store.clone(), options()).unwrap();
        server.fill();
        let counts = read(&CachedSnapshots::new(store.clone(), patient(Some(&url), 0)).unwrap());
        assert_eq!((counts.loads, counts.server_failures), (1, 0));
        assert!(kind == Kind::Memcached || counts.server_refusals == 1, "{counts:?}");
        server.flush();
        server.pause();
        let cached = quick();
        for reads in 1..=3 {
            let counts = read(&cached);
            assert_eq!((counts.loads, counts.server_failures), (reads, 1));
        }
        server.resume();
        server.kill();
        let counts = read(&quick());
        assert_eq!((counts.loads, counts.server_failures), (1, 1));
        server.restart();
        // A connection that was kept is closed by a server that was started anew.
        let cached = CachedSnapshots::new(store.clone(), patient(Some(&url), 0)).unwrap();
        read(&cached);
        server.restart();
        read(&cached);
        let counts = read(&cached);
        assert_eq!((counts.loads, counts.server_hits, counts.server_failures), (2, 1, 0));
    }
    let locked = CacheServer::start_with(Kind::Redis, &["--requirepass", "p@ss"]);
    let port = locked.port();
    for (login, failures, hits) in [("", 1, 0), (":wrong@", 1, 0), (":p%40ss@", 0, 1)] {
        let url = format!("redis://{login}localhost:{port}/1");
        let cached = CachedSnapshots::new(store.clone(), patient(Some(&url), 0)).unwrap();
        read(&cached);
        let counts = read(&cached);
        assert_eq!((counts.server_failures, counts.server_hits), (failures, hits), "{login}");
        assert!(!format!("{cached:?}").contains("p@ss"));
    }
    drop(database);
}

#[test]
fn the_command_reads_by_way_of_a_server() {
    let (database, store) = database();
    let redis = CacheServer::start(Kind::Redis);
    let (start, end) = (HOUR.to_string(), (HOUR + 24 * 3_600).to_string());
    let words = |more: &[&str]| {
        let mut words = vec!["snapshots", "--user", "1", "--model", "linear"];
        words.extend(["--start", &start, "--end", &end]);
        words.extend(more);
        database.run_words(&words)
    };
    let plain_rows = words(&["--export", "csv"]).expect(0).out();
    assert!(plain_rows.lines().count() > 48);
    let url = redis.url();
    for _ in 0..2 {
        assert_eq!(words(&["--export", "csv", "--cache", &url]).expect(0).out(), plain_rows);
    }
    let screen = words(&[]).expect(0).out();
    assert_eq!(words(&["--cache", &url]).expect(0).out(), screen);
    assert_eq!(words(&["--cache", "memcached://127.0.0.1:1"]).expect(0).out(), screen);
    assert!(redis.say(b"DBSIZE\r\n").starts_with(":2"), "an export and a screen");
    let ended = words(&["--cache", "redis://:geheim@host/x"]).expect(2);
    assert!(ended.stderr.contains("cache") && !ended.stderr.contains("geheim"), "{ended}");
    drop(store);
}

/// A value that threads only ever see rise.
#[derive(Default)]
struct Floor(AtomicU64);

impl Floor {
    fn raise(&self, to: u64) {
        self.0.fetch_max(to, Ordering::SeqCst);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

fn add(total: &mut CacheStatistics, counts: CacheStatistics) {
    total.reads += counts.reads;
    total.memory_hits += counts.memory_hits;
    total.server_hits += counts.server_hits;
    total.shared += counts.shared;
    total.loads += counts.loads;
    total.not_stored += counts.not_stored;
    total.server_failures += counts.server_failures;
    total.server_skips += counts.server_skips;
    total.server_refusals += counts.server_refusals;
    total.server_rejections += counts.server_rejections;
}

/// Pauses, empties, kills and fills servers, one after the other, until it is told to stop.
fn harm(servers: &[CacheServer; 2], stop: &AtomicBool) {
    let mut random = Random::new(1);
    for round in 0.. {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let server = &servers[round % 2];
        match round / 2 % 4 {
            0 => {
                server.pause();
                sleep(Duration::from_millis(30 + random.below(100)));
                server.resume();
            }
            1 => server.flush(),
            2 => {
                server.kill();
                sleep(Duration::from_millis(random.below(50)));
                server.restart();
            }
            _ => {
                server.fill();
                sleep(Duration::from_millis(100));
                server.flush();
            }
        }
        sleep(Duration::from_millis(150 + random.below(200)));
    }
}

/// Rebuilds, whose totals only grow, while threads read through caches whose servers come to harm. A
/// read never gives less than what was there when it began: what rebuilds had committed, and what any
/// other read had given.
fn race(lasts: Duration) {
    let (database, store) = database();
    let servers = [CacheServer::start(Kind::Redis), CacheServer::start(Kind::Memcached)];
    let (floor, stop) = (Floor::default(), AtomicBool::new(false));
    let rounds = AtomicU64::new(0);
    let total = |rows: &[SnapshotRecord]| -> u64 {
        let global = rows.iter().filter(|row| row.scope == Scope::GLOBAL);
        global.map(|row| row.revenue.units() as u64).sum()
    };
    floor.raise(30 * PAYOUT);
    // Each with a breaker of its own, and made anew now and then, so that it is closed again.
    let make = |server: Option<&CacheServer>, capacity| {
        let options = CacheOptions {
            server: server.map(|server| Address::from_url(&server.url()).unwrap()),
            capacity,
            expiry: Duration::from_secs(1),
            timeout: Duration::from_millis(20),
        };
        CachedSnapshots::new(store.clone(), options).unwrap()
    };
    let read_on = |kind: usize| {
        let mut counts = CacheStatistics::default();
        while !stop.load(Ordering::SeqCst) {
            let cached = match kind {
                0 => make(None, 1 << 20),
                1 | 2 => make(Some(&servers[kind - 1]), 0),
                _ => make(Some(&servers[kind - 3]), 1 << 20),
            };
            scope(|threads| {
                for _ in 0..2 {
                    threads.spawn(|| {
                        for _ in 0..100 {
                            let before = floor.get();
                            let rows = cached.snapshots(1, &query()).unwrap();
                            let found = total(&rows);
                            if found < before {
                                stop.store(true, Ordering::SeqCst);
                                panic!("cache {kind} gave {found} after {before}: {cached:?}");
                            }
                            floor.raise(found);
                        }
                    });
                }
            });
            add(&mut counts, cached.statistics());
        }
        counts
    };
    let counts: Vec<CacheStatistics> = scope(|threads| {
        threads.spawn(|| {
            let mut next = 31;
            while !stop.load(Ordering::SeqCst) {
                convert(&database, next..next + 1);
                assert!(rebuild(&store) > 0);
                floor.raise(next * PAYOUT);
                next += 1;
                rounds.fetch_add(1, Ordering::SeqCst);
            }
        });
        threads.spawn(|| harm(&servers, &stop));
        let read_on = &read_on;
        let readers: Vec<_> = (0..5).map(|kind| threads.spawn(move || read_on(kind))).collect();
        sleep(lasts);
        stop.store(true, Ordering::SeqCst);
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    println!("{} rebuilds", rounds.load(Ordering::SeqCst));
    for (kind, counts) in counts.iter().enumerate() {
        println!("{kind}: {counts:?}");
        assert!(counts.reads >= 100 && counts.loads > 0, "{kind}: {counts:?}");
        assert_eq!(counts.server_rejections, 0);
        match kind {
            0 => assert!(counts.memory_hits > 0, "{counts:?}"),
            _ => assert!(counts.server_hits > 0, "{kind}: {counts:?}"),
        }
    }
    assert!(counts.iter().any(|counts| counts.server_failures > 0), "nothing came to harm");
    assert!(rounds.load(Ordering::SeqCst) >= 3);
}

#[test]
fn no_read_goes_back_in_time_while_rebuilds_go_on() {
    race(Duration::from_secs(5));
}

#[test]
#[ignore = "takes minutes; tests/run --long"]
fn no_read_goes_back_in_time_for_a_minute() {
    race(Duration::from_secs(60));
}
