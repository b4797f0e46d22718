//! How long a read of a week's snapshots (168 hours) takes from the cache and from the database.
//!
//! ```sh
//! cargo run --release -p attribution-benches --bin cache
//! ```
//!
//! Starts MariaDB, Redis and memcached of its own, on loopback. One model, 90 days of hourly snapshots of
//! the global scope and 20 campaigns; what is read is a week's global ones. Each line is the median of
//! many reads, all kinds in turns in one run:
//!
//! - *connecting anew*: `MysqlStore::snapshots`, as a PHP page or the command reads without the cache. It
//!   connects, looks at the schema, the user and the models, and reads the rows.
//! - *kept connection*: the query of the rows alone, prepared, on a connection that is kept, with neither
//!   owner nor model looked up: the least that a database can be asked for them.
//! - *cached*: `CachedSnapshots::snapshots`, each of which asks the database for the model's generation on
//!   a kept connection. *Generation alone* is that query by itself: no cached read can be faster.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use attribution_core::{
    CacheOptions, CacheServer as Address, CachedSnapshots, Model, MysqlStore, Scope, SnapshotQuery,
    Window,
};
use attribution_database_tests::cache_server::{CacheServer, Kind};
use attribution_database_tests::host::{self, Collation};
use attribution_database_tests::server::{Server, ServerOptions};
use mysql::prelude::Queryable;
use mysql::{Conn, Opts, Row};

type Outcome<T> = Result<T, Box<dyn Error>>;

const START: u64 = 1_717_200_000;
const HOURS: u64 = 90 * 24;
const CAMPAIGNS: u64 = 20;
const READ: u64 = 168;
const TARGET: f64 = 10.0;

fn fill(connection: &mut Conn) -> Outcome<()> {
    for hour in 0..HOURS {
        let rows: Vec<String> = (0..=CAMPAIGNS)
            .map(|campaign| {
                let scope = match campaign {
                    0 => "'global', NULL".to_owned(),
                    id => format!("'campaign', {id}"),
                };
                let time = START + hour * 3_600;
                format!("(1, 1, {scope}, {time}, {time}, {time}, 40, 10, 123.4500, 67.8900, 0)")
            })
            .collect();
        connection.query_drop(format!(
            "INSERT INTO 202_attribution_snapshots (model_id, user_id, scope_type, scope_id, \
             date_hour, lookback_start, lookback_end, attributed_clicks, attributed_conversions, \
             attributed_revenue, attributed_cost, created_at) VALUES {}",
            rows.join(",")
        ))?;
    }
    connection.query_drop("ANALYZE TABLE 202_attribution_snapshots")?;
    Ok(())
}

struct Line<'a> {
    what: String,
    read: Box<dyn FnMut() -> Outcome<usize> + 'a>,
    times: Vec<Duration>,
}

fn line<'a>(what: &str, read: impl FnMut() -> Outcome<usize> + 'a) -> Line<'a> {
    Line { what: what.to_owned(), read: Box::new(read), times: Vec::new() }
}

/// Prints the medians, and how many times as fast as the database's reads each is.
fn show(lines: &mut [Line<'_>]) {
    println!("{:<46}{:>10}{:>12}{:>12}", "", "ms", "anew /", "rows alone /");
    let medians: Vec<f64> = lines
        .iter_mut()
        .map(|line| {
            line.times.sort_unstable();
            line.times[line.times.len() / 2].as_secs_f64() * 1e3
        })
        .collect();
    for (line, median) in lines.iter().zip(&medians) {
        let ratio = |of: f64| format!("{:.1}", of / median);
        let met = match (line.what.starts_with("cached"), medians[0] / median >= TARGET) {
            (false, _) => "",
            (true, true) => "  10 times: met",
            (true, false) => "  10 times: NOT MET",
        };
        let what = &line.what;
        let (anew, alone) = (ratio(medians[0]), ratio(medians[1]));
        println!("{what:<46}{median:>10.3}{anew:>12}{alone:>12}{met}");
    }
}

fn main() -> Outcome<()> {
    let repeat: usize = std::env::args().nth(1).map_or(Ok(500), |count| count.parse())?;
    let server = Server::start(&ServerOptions::default());
    host::create(&mut server.connect(None), "bench", Collation::GeneralCi);
    let url = server.url("bench");
    let store = MysqlStore::open(&url)?;
    store.install()?;
    let mut connection = Conn::new(Opts::from_url(&url)?)?;
    connection.query_drop("INSERT INTO 202_users (user_id, user_name) VALUES (1, 'one')")?;
    store.create_model(1, &Model::from_spec("linear")?, true, false)?;
    fill(&mut connection)?;
    let servers = [CacheServer::start(Kind::Redis), CacheServer::start(Kind::Memcached)];
    let end = START + HOURS * 3_600;
    let window = Window::new((end - READ * 3_600) as u32, end as u32)?;
    let query = SnapshotQuery {
        scope_type: Some(Scope::GLOBAL.scope_type()),
        ..SnapshotQuery::new("linear", window)
    };
    let cache = |url: Option<String>, capacity| -> Outcome<CachedSnapshots> {
        let options = CacheOptions {
            server: url.map(|url| Address::from_url(&url)).transpose()?,
            capacity,
            timeout: Duration::from_secs(1),
            ..CacheOptions::default()
        };
        Ok(CachedSnapshots::new(store.clone(), options)?)
    };
    let memory = cache(None, 1 << 20)?;
    let none = cache(None, 0)?;
    let redis = cache(Some(servers[0].url()), 0)?;
    let redis_socket = cache(Some(format!("redis+unix://{}", servers[0].socket().display())), 0)?;
    let memcached = cache(Some(servers[1].url()), 0)?;
    let cached = |cache: &CachedSnapshots| -> Outcome<usize> {
        Ok(black_box(cache.snapshots(1, &query)?).len())
    };

    let rows_query = connection.prep(
        "SELECT snapshot_id, scope_type, scope_id, date_hour, attributed_clicks, \
         attributed_conversions, attributed_revenue, attributed_cost \
         FROM 202_attribution_snapshots WHERE user_id = ? AND model_id = ? AND date_hour >= ? \
         AND date_hour < ? AND scope_type = 'global' \
         ORDER BY scope_type, scope_id, date_hour, snapshot_id LIMIT ? OFFSET ?",
    )?;
    let mut other = Conn::new(Opts::from_url(&url)?)?;
    let generation = other.prep(
        "SELECT m.model_id, m.model_slug, g.generation FROM 202_users u \
         JOIN 202_attribution_models m ON m.user_id = u.user_id \
         LEFT JOIN 202_attribution_generations g ON g.model_id = m.model_id \
         WHERE u.user_id = ? AND COALESCE(u.user_deleted, 0) = 0 AND m.model_slug = ?",
    )?;
    let mut lines = [
        line("database: connecting anew", || {
            let mut rows = Vec::new();
            store.snapshots(1, &query, &mut |row| {
                rows.push(row);
                Ok(())
            })?;
            Ok(black_box(rows).len())
        }),
        line("database: kept connection, rows alone", || {
            let values = (1, 1, window.start(), window.end(), 1_000_000_u64, 0_u64);
            let rows: Vec<Row> = connection.exec(&rows_query, values)?;
            Ok(black_box(rows).len())
        }),
        line("database: kept connection, generation alone", || {
            let rows: Vec<Row> = other.exec(&generation, (1, "linear"))?;
            Ok(black_box(rows).len() * READ as usize)
        }),
        line("not in the cache, nor kept in it", || cached(&none)),
        line("cached: in the process", || cached(&memory)),
        line("cached: Redis, TCP", || cached(&redis)),
        line("cached: Redis, socket", || cached(&redis_socket)),
        line("cached: memcached, TCP", || cached(&memcached)),
    ];
    for round in 0..repeat + 10 {
        for line in &mut lines {
            let start = Instant::now();
            let rows = (line.read)()?;
            let took = start.elapsed();
            if rows as u64 != READ {
                return Err(format!("{}: {rows} rows", line.what).into());
            }
            // The first fill the caches.
            if round >= 10 {
                line.times.push(took);
            }
        }
    }
    println!("{}, {} reads of each, medians", server.version(), repeat);
    show(&mut lines);
    drop(lines);
    for cache in [&memory, &redis, &redis_socket, &memcached] {
        let counts = cache.statistics();
        if counts.loads > 1 || counts.server_failures > 0 {
            println!("not all were cached: {counts:?}");
        }
    }
    Ok(())
}
