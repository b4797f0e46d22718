//! The host's data, made up: the same for the same size, and never in memory as a whole.

use std::io::{self, BufWriter, Write};

use attribution_benches::Numbers;
use attribution_core::{MysqlStore, Window};
use attribution_database_tests::host::{self, Collation};
use attribution_database_tests::server::Server;
use mysql::prelude::Queryable;
use mysql::{Conn, LocalInfileHandler, Opts};

use crate::Outcome;

/// The account owner.
pub(crate) const USER: u64 = 1;

/// 2024-06-01, the first click's day.
const START: u64 = 1_717_200_000;
const DAY: u64 = 86_400;
/// Clicks come in 60 days, conversions in the last 30 of them: all have their whole lookback.
const DAYS: u64 = 60;
/// A conversion comes within so many seconds after its click.
const LATEST: u64 = 7_200;
/// How many touches a journey has before its converting click, on average.
const EARLIER_TOUCHES: u64 = 3;
/// How many rows go in with one statement.
const LOADED: u64 = 200_000;

/// How much data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) conversions: u64,
    pub(crate) clicks: u64,
    pub(crate) campaigns: u64,
}

/// A click and whose it is.
struct Click {
    time: u64,
    visitor: u64,
    campaign: u64,
    account: u64,
    landing_page: u64,
    /// Counts of 0.00001.
    cost: u64,
    filtered: bool,
}

impl Size {
    /// The hours in which conversions come.
    pub(crate) fn window() -> Outcome<Window> {
        Ok(Window::new((START + DAYS / 2 * DAY) as u32, (START + (DAYS * DAY) + LATEST) as u32)?)
    }

    fn accounts(&self) -> u64 {
        (self.campaigns / 4).max(1)
    }

    fn landing_pages(&self) -> u64 {
        (self.campaigns / 2).max(1)
    }

    fn advertisers(&self) -> u64 {
        (self.campaigns / 10).max(1)
    }

    fn traffic_sources(&self) -> u64 {
        (self.campaigns / 20).max(1)
    }

    /// The click of an id, counted from 1 in the order of their times.
    fn click(&self, id: u64) -> Click {
        let mut numbers = Numbers::new(id << 1);
        // Visitors come back to a campaign at random, so often that half of the days bring as many
        // earlier touches as a journey is to have.
        let pairs = (self.clicks / 2 / EARLIER_TOUCHES).max(1);
        let pair = numbers.below(pairs);
        let known = numbers.below(100) > 0;
        Click {
            time: START + (id - 1) * DAYS * DAY / self.clicks,
            visitor: if known { pair / 2 + 1 } else { 0 },
            campaign: 1 + Numbers::new(pair << 1 | 1).below(self.campaigns),
            account: 1 + numbers.below(self.accounts()),
            // 0 is none.
            landing_page: numbers.below(self.landing_pages() + 1),
            cost: numbers.below(50_000),
            filtered: numbers.below(50) == 0,
        }
    }

    fn write_click(&self, id: u64, out: &mut dyn Write) -> io::Result<()> {
        let click = self.click(id);
        writeln!(
            out,
            "{id}\t{USER}\t{}\t{}\t{}\t0.{:05}\t{}\t{}",
            click.campaign,
            click.landing_page,
            click.account,
            click.cost,
            u8::from(click.filtered),
            click.time
        )
    }

    fn write_visitor(&self, id: u64, out: &mut dyn Write) -> io::Result<()> {
        let click = self.click(id);
        writeln!(out, "{id}\t{}\t{}\t{}", id % 5_000, click.visitor, click.visitor % 200)
    }

    fn write_conversion(&self, id: u64, out: &mut dyn Write) -> io::Result<()> {
        let half = self.clicks / 2;
        let click_id = half + 1 + (id - 1) * (self.clicks - half) / self.conversions;
        let click = self.click(click_id);
        let mut numbers = Numbers::new(!id);
        let after = numbers.below(LATEST);
        let payout = 100_000 + numbers.below(5_000_000);
        writeln!(
            out,
            "{id}\t{click_id}\tt{id}\t{}\t{}.{:05}\t{USER}\t{}\t{}\t{after} s\t10.0.0.1\tMozilla/5.0\t{}",
            click.campaign,
            payout / 100_000,
            payout % 100_000,
            click.time,
            click.time + after,
            u8::from(numbers.below(100) == 0)
        )
    }

    /// Makes a database with the host's tables, the engine's, and all rows but models and results.
    pub(crate) fn load(self, server: &Server, database: &str) -> Outcome<MysqlStore> {
        host::create(&mut server.connect(None), database, Collation::default());
        let store = MysqlStore::open(&server.socket_url(database))?;
        store.install()?;
        let mut connection = connect(server, database)?;
        connection.query_drop("SET GLOBAL local_infile = 1")?;
        connection.query_drop("SET unique_checks = 0, foreign_key_checks = 0")?;
        connection.exec_drop("INSERT INTO 202_users VALUES (?, 'bench', 0)", (USER,))?;
        connection.exec_batch(
            "INSERT INTO 202_aff_campaigns (aff_campaign_id, user_id, aff_network_id, \
             aff_campaign_name) VALUES (?, ?, ?, CONCAT('campaign ', aff_campaign_id))",
            (1..=self.campaigns).map(|id| (id, USER, 1 + id % self.advertisers())),
        )?;
        connection.exec_batch(
            "INSERT INTO 202_ppc_accounts (ppc_account_id, user_id, ppc_network_id, \
             ppc_account_name) VALUES (?, ?, ?, CONCAT('account ', ppc_account_id))",
            (1..=self.accounts()).map(|id| (id, USER, 1 + id % self.traffic_sources())),
        )?;
        load(
            &mut connection,
            "202_clicks (click_id, user_id, aff_campaign_id, landing_page_id, ppc_account_id, \
             click_cpc, click_filtered, click_time)",
            self.clicks,
            move |id, out| self.write_click(id, out),
        )?;
        load(
            &mut connection,
            "202_clicks_advance (click_id, keyword_id, ip_id, country_id)",
            self.clicks,
            move |id, out| self.write_visitor(id, out),
        )?;
        load(
            &mut connection,
            "202_conversion_logs (conv_id, click_id, transaction_id, campaign_id, click_payout, \
             user_id, click_time, conv_time, time_difference, ip, user_agent, deleted)",
            self.conversions,
            move |id, out| self.write_conversion(id, out),
        )?;
        connection.query_drop(
            "ANALYZE TABLE 202_clicks, 202_clicks_advance, 202_conversion_logs, \
             202_aff_campaigns, 202_ppc_accounts",
        )?;
        Ok(store)
    }
}

/// A connection without time limits.
pub(crate) fn connect(server: &Server, database: &str) -> Outcome<Conn> {
    Ok(Conn::new(Opts::from_url(&server.socket_url(database))?)?)
}

/// Streams rows into a table.
fn load(
    connection: &mut Conn,
    table: &str,
    rows: u64,
    write: impl Fn(u64, &mut dyn Write) -> io::Result<()> + Copy + Send + Sync + 'static,
) -> Outcome<()> {
    let mut first = 1;
    while first <= rows {
        let last = (first + LOADED - 1).min(rows);
        connection.set_local_infile_handler(Some(LocalInfileHandler::new(move |_, stream| {
            let mut stream = BufWriter::with_capacity(1 << 16, stream);
            for id in first..=last {
                write(id, &mut stream)?;
            }
            stream.flush()
        })));
        connection.query_drop(format!("LOAD DATA LOCAL INFILE 'rows' INTO TABLE {table}"))?;
        first = last + 1;
    }
    Ok(())
}

/// Adds a conversion of some click in the middle of the window, with its journey. Gives its time.
pub(crate) fn add_conversion(connection: &mut Conn) -> Outcome<u64> {
    let time = START + DAYS * 3 / 4 * DAY;
    let (click_id, click_time, campaign): (u64, u64, u64) = connection
        .exec_first(
            "SELECT click_id, click_time, aff_campaign_id FROM 202_clicks \
             WHERE user_id = ? AND click_time <= ? AND click_filtered = 0 \
             ORDER BY click_time DESC LIMIT 1",
            (USER, time),
        )?
        .ok_or("no click before the middle of the window")?;
    connection.exec_drop(
        "INSERT INTO 202_conversion_logs (click_id, transaction_id, campaign_id, click_payout, \
         user_id, click_time, conv_time, time_difference, user_agent) \
         VALUES (?, UUID(), ?, '12.34567', ?, ?, ?, '', '')",
        (click_id, campaign, USER, click_time, time),
    )?;
    let conversion_id = connection.last_insert_id();
    connection.exec_drop(
        "INSERT INTO 202_conversion_touchpoints (conv_id, click_id, click_time, position, \
         created_at) VALUES (?, ?, ?, 0, ?)",
        (conversion_id, click_id, click_time, time),
    )?;
    Ok(time)
}
