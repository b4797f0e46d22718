//! What the server itself needs for the same rows: plain reads and plain loads.

use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use mysql::{Conn, Params, Row, Value};

use crate::Outcome;
use crate::clock::{Clock, await_quiet};
use crate::report::Measured;

/// How many rows an INSERT of a plain load has.
const STATEMENT: usize = 1_000;
/// How many rows a transaction of a plain load has.
const TRANSACTION: usize = 50_000;

pub(crate) const CLICKS: &str = "SELECT c.click_id, c.click_time, c.aff_campaign_id, a.ip_id \
    FROM 202_clicks c LEFT JOIN 202_clicks_advance a ON a.click_id = c.click_id";
pub(crate) const CONVERSIONS: &str = "SELECT conv_id, click_id, campaign_id, click_payout, \
    click_time, conv_time, deleted FROM 202_conversion_logs";
pub(crate) const JOURNEYS: &str =
    "SELECT conv_id, click_id, click_time, position FROM 202_conversion_touchpoints";
/// What a rebuild cannot do without: a touch's cost and dimensions are its click's.
pub(crate) const JOURNEYS_WITH_CLICKS: &str = "SELECT t.conv_id, t.click_id, t.click_time, t.position, c.click_time, c.click_cpc, \
     c.aff_campaign_id, c.ppc_account_id, c.landing_page_id FROM 202_conversion_touchpoints t \
     LEFT JOIN 202_clicks c ON c.click_id = t.click_id";

/// A table of results, and the columns that are written.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    key: &'static str,
    columns: &'static str,
}

pub(crate) const STORED_JOURNEYS: Table = Table {
    name: "202_conversion_touchpoints",
    key: "touchpoint_id",
    columns: "conv_id, click_id, click_time, position, created_at",
};
pub(crate) const SNAPSHOTS: Table = Table {
    name: "202_attribution_snapshots",
    key: "snapshot_id",
    columns: "model_id, user_id, scope_type, scope_id, date_hour, lookback_start, lookback_end, \
              attributed_clicks, attributed_conversions, attributed_revenue, attributed_cost, \
              created_at",
};
pub(crate) const CREDITS: Table = Table {
    name: "202_attribution_touchpoints",
    key: "touchpoint_id",
    columns: "snapshot_id, conv_id, click_id, position, credit, weight, created_at",
};

/// Streams the rows of a query by the binary protocol and drops them.
pub(crate) fn read(connection: &mut Conn, query: &str) -> Outcome<Measured> {
    let clock = Clock::start();
    let mut rows = 0;
    for row in connection.exec_iter(query, ())? {
        drop(row?);
        rows += 1;
    }
    Ok(clock.stop(rows))
}

/// Loads the rows of a table, in the order in which they were written, into an empty copy of it. Reading
/// them into memory, a statement's values together, takes no part in the time.
pub(crate) fn load(connection: &mut Conn, table: &Table) -> Outcome<Measured> {
    let Table { name, key, columns } = table;
    let width = columns.split(',').count();
    let (mut rows, mut statements, mut values) = (0, Vec::new(), Vec::new());
    let query = format!("SELECT {columns} FROM {name} ORDER BY {key}");
    for row in connection.exec_iter(query, ())? {
        let row: Row = row?;
        values.extend(row.unwrap());
        rows += 1;
        if values.len() == STATEMENT * width {
            statements.push(std::mem::take(&mut values));
        }
    }
    connection.query_drop("DROP TABLE IF EXISTS plain_copy")?;
    connection.query_drop(format!("CREATE TABLE plain_copy LIKE {name}"))?;
    settle(connection)?;

    let clock = Clock::start();
    let insert = |rows: usize| {
        let one = format!("({}?)", "?,".repeat(width - 1));
        let all = vec![one; rows].join(",");
        format!("INSERT INTO plain_copy ({columns}) VALUES {all}")
    };
    let full = connection.prep(insert(STATEMENT))?;
    for part in chunks(statements, TRANSACTION / STATEMENT) {
        connection.query_drop("START TRANSACTION")?;
        for values in part {
            connection.exec_drop(&full, Params::Positional(values))?;
        }
        connection.query_drop("COMMIT")?;
    }
    if !values.is_empty() {
        let last = connection.prep(insert(values.len() / width))?;
        connection.exec_drop(&last, Params::Positional(values))?;
    }
    let measured = clock.stop(rows);
    let found: Option<u64> = connection.query_first("SELECT COUNT(*) FROM plain_copy")?;
    if found != Some(rows) {
        return Err(format!("{name}: {found:?} of {rows} rows were loaded").into());
    }
    connection.query_drop("DROP TABLE plain_copy")?;
    Ok(measured)
}

fn chunks(statements: Vec<Vec<Value>>, size: usize) -> impl Iterator<Item = Vec<Vec<Value>>> {
    let mut rest = statements.into_iter();
    std::iter::from_fn(move || {
        let part: Vec<_> = rest.by_ref().take(size).collect();
        Some(part).filter(|part| !part.is_empty())
    })
}

/// Waits until the server has written what it still has in memory and has cleaned up, so that no
/// measurement pays for the one before it; and for a quiet moment.
pub(crate) fn settle(connection: &mut Conn) -> Outcome<()> {
    let names = ["innodb_max_dirty_pages_pct", "innodb_max_dirty_pages_pct_lwm"];
    let before: Vec<f64> = names
        .iter()
        .map(|name| Ok(connection.query_first(format!("SELECT @@GLOBAL.{name}"))?.unwrap_or(0.0)))
        .collect::<Outcome<_>>()?;
    for (name, value) in names.iter().zip([0.0, 0.0]).rev() {
        connection.query_drop(format!("SET GLOBAL {name} = {value}"))?;
    }
    let until = Instant::now() + Duration::from_secs(120);
    while Instant::now() < until {
        let dirty: Option<(String, u64)> =
            connection.query_first("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'")?;
        if dirty.is_none_or(|(_, pages)| pages < 100) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    for (name, value) in names.iter().zip(before) {
        connection.query_drop(format!("SET GLOBAL {name} = {value}"))?;
    }
    await_quiet();
    Ok(())
}
