//! One thread's connections to read an owner's clicks, conversions and journeys with.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashSet;
use mysql::{Row, Value};

use super::connection::{Connection, Fault, fault};
use super::run::{MOST_ATTEMPTS, Servers};
use super::values::Fields;
use crate::domain::journey::JourneyKey;
use crate::ground::error::Error;
use crate::ground::time::Window;
use crate::job::settings::StoredSetting;
use crate::job::tables::{
    CandidateClick, Parents, Reader, StoredClick, StoredConversion, StoredTouch, Take, Visitors,
};

/// Reads from a replica where there is one.
pub(crate) struct MysqlReader {
    pub(super) primary: Connection,
    pub(super) replica: Option<Connection>,
    pub(super) owner: u64,
    /// While the primary has a transaction, a lost connection is the transaction's to deal with.
    pub(super) in_transaction: bool,
    /// Whether all clicks are this owner's, once that is known.
    is_sole_owner: Option<bool>,
    /// How often something was read again, counted for the run.
    retries: Arc<AtomicU64>,
}

impl MysqlReader {
    pub(super) fn open(
        servers: &Servers,
        owner: u64,
        retries: Arc<AtomicU64>,
    ) -> Result<Self, Error> {
        let primary = Connection::open(&servers.primary)?;
        let replica = servers.replica.as_ref().map(Connection::open).transpose()?;
        let (in_transaction, is_sole_owner) = (false, None);
        Ok(Self { primary, replica, owner, in_transaction, is_sole_owner, retries })
    }

    /// Makes lost connections anew.
    pub(super) fn reconnect(&mut self) -> Result<(), Error> {
        if !self.primary.is_alive() {
            self.primary.reopen()?;
        }
        if let Some(replica) = &mut self.replica
            && !replica.is_alive()
        {
            replica.reopen()?;
        }
        Ok(())
    }

    /// Those of these conversions that are the owner's and not deleted.
    pub(super) fn conversions_of(&mut self, ids: &[u64]) -> Result<Vec<StoredConversion>, Error> {
        let wanted = format!("{CONVERSIONS} WHERE user_id = ? AND COALESCE(deleted, 0) <> 1");
        let owner = uint(self.owner);
        let Some(range) = dense_range(ids) else {
            let query = format!("{wanted} AND conv_id IN {{ids}}");
            return self.read(|connection| {
                let owner = std::slice::from_ref(&owner);
                collect(connection, "reading conversions", &query, owner, ids, read_conversion)
            });
        };
        let query = format!("{wanted} AND conv_id BETWEEN ? AND ?");
        let values = [owner, uint(*range.start()), uint(*range.end())];
        // What the range has besides is dropped here, unread, as it may be bad.
        let found = self.rows("reading conversions", &query, &values, |row| {
            let id = Fields::new(row, "202_conversion_logs").number(0)?;
            ids.binary_search(&id).is_ok().then(|| read_conversion(row)).transpose()
        })?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Reads, again after a lost connection. Within a transaction that is the transaction's to do.
    pub(super) fn read<T>(
        &mut self,
        work: impl Fn(&mut Connection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut attempt = 0;
        loop {
            let error = match work(self.replica.as_mut().unwrap_or(&mut self.primary)) {
                Err(error) if fault(&error) == Fault::Lost && !self.in_transaction => error,
                outcome => return outcome,
            };
            attempt += 1;
            if attempt >= MOST_ATTEMPTS {
                return Err(error);
            }
            self.retries.fetch_add(1, Ordering::Relaxed);
            self.reconnect()?;
        }
    }

    fn rows<T>(
        &mut self,
        what: &str,
        query: &str,
        values: &[Value],
        row: impl Fn(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.read(|connection| {
            let mut rows = Vec::new();
            connection.each(what, query, values.to_vec(), &mut |found: &Row| {
                rows.push(row(found)?);
                Ok(())
            })?;
            Ok(rows)
        })
    }
}

pub(super) fn collect<T>(
    connection: &mut Connection,
    what: &str,
    query: &str,
    values: &[Value],
    ids: &[u64],
    row: impl Fn(&Row) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut rows = Vec::new();
    connection.each_of(what, query, values, ids, &mut |found: &Row| {
        rows.push(row(found)?);
        Ok(())
    })?;
    Ok(rows)
}

pub(super) const fn uint(value: u64) -> Value {
    Value::UInt(value)
}

pub(super) const JOURNEYS: &str = "202_conversion_touchpoints";

/// Where rows of a table lie by their primary key. Rows that were written together lie together, and
/// a scan of their stretch costs far less than a look-up of each from another index.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) count: u64,
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Stretch {
    const NONE: Self = Self { count: 0, first: u64::MAX, last: 0 };

    /// Whether most rows of the stretch are wanted.
    pub(super) const fn is_dense(&self) -> bool {
        self.count > 0 && self.last - self.first < self.count * 3
    }

    /// From a query that answers with something, a count, and the first and last id, which an index
    /// alone has to be enough for.
    pub(super) fn of_rows(
        connection: &mut Connection,
        what: &str,
        query: &str,
        values: &[Value],
        ids: &[u64],
    ) -> Result<Self, Error> {
        let mut stretch = Self::NONE;
        connection.each_of(what, query, values, ids, &mut |row| stretch.extend(row))?;
        Ok(stretch)
    }

    /// Adds what a row of such an answer says.
    fn extend(&mut self, row: &Row) -> Result<(), Error> {
        let fields = Fields::new(row, "stretch");
        let count = fields.number(1)?;
        if count > 0 {
            self.count += count;
            self.first = self.first.min(fields.number(2)?);
            self.last = self.last.max(fields.number(3)?);
        }
        Ok(())
    }
}

/// The rows of the stored journeys of conversions, which are the owner's: each row's id, its conversion's,
/// and these columns.
pub(super) fn each_stored_touch(
    connection: &mut Connection,
    columns: &str,
    conversion_ids: &[u64],
    take: &mut dyn FnMut(&Row) -> Result<(), Error>,
) -> Result<(), Error> {
    let most = connection.most_ids();
    let may_be_stretch = conversion_ids.len() > most && dense_range(conversion_ids).is_some();
    if may_be_stretch
        && each_touch_of_part(connection, columns, conversion_ids, Otherwise::LeaveIt, take)?
    {
        return Ok(());
    }
    for ids in conversion_ids.chunks(most) {
        each_touch_of_part(connection, columns, ids, Otherwise::LookUp, take)?;
    }
    Ok(())
}

/// What to do with rows that do not lie together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Otherwise {
    LookUp,
    LeaveIt,
}

/// Says whether the rows were given to `take`.
fn each_touch_of_part(
    connection: &mut Connection,
    columns: &str,
    ids: &[u64],
    otherwise: Otherwise,
    take: &mut dyn FnMut(&Row) -> Result<(), Error>,
) -> Result<bool, Error> {
    let what = "reading journeys";
    // A range is compared to faster than a list; what it has besides is dropped here.
    let range = dense_range(ids);
    let (wanted, values) = match &range {
        Some(range) => ("conv_id BETWEEN ? AND ?", vec![uint(*range.start()), uint(*range.end())]),
        None => ("conv_id IN {ids}", vec![]),
    };
    let listed = range.is_none().then_some(ids);
    let mut take = |row: &Row| {
        if range.is_some() && ids.binary_search(&Fields::new(row, JOURNEYS).number(1)?).is_err() {
            return Ok(());
        }
        take(row)
    };
    let mut stretch = Stretch::NONE;
    let query = format!(
        "SELECT 0, COUNT(*), MIN(touchpoint_id), MAX(touchpoint_id) FROM {JOURNEYS} WHERE {wanted}"
    );
    each_wanted(connection, what, &query, &values, listed, &mut |row| stretch.extend(row))?;
    if stretch.is_dense() {
        let query = format!(
            "SELECT touchpoint_id, conv_id, {columns} FROM {JOURNEYS} FORCE INDEX (PRIMARY) \
             WHERE touchpoint_id BETWEEN ? AND ? AND {wanted}"
        );
        let mut bounds = vec![uint(stretch.first), uint(stretch.last)];
        bounds.extend(values);
        each_wanted(connection, what, &query, &bounds, listed, &mut take)?;
    } else if stretch.count > 0 {
        if otherwise == Otherwise::LeaveIt {
            return Ok(false);
        }
        let query =
            format!("SELECT touchpoint_id, conv_id, {columns} FROM {JOURNEYS} WHERE {wanted}");
        each_wanted(connection, what, &query, &values, listed, &mut take)?;
    }
    Ok(true)
}

/// The rows of a query that has a list of ids, or none.
fn each_wanted(
    connection: &mut Connection,
    what: &str,
    query: &str,
    values: &[Value],
    ids: Option<&[u64]>,
    take: &mut dyn FnMut(&Row) -> Result<(), Error>,
) -> Result<(), Error> {
    match ids {
        Some(ids) => connection.each_of(what, query, values, ids, take),
        None => connection.each(what, query, values.to_vec(), take),
    }
}

/// From the first to the last of ids that are in order and leave out few of those between.
fn dense_range(ids: &[u64]) -> Option<RangeInclusive<u64>> {
    let (first, last) = (*ids.first()?, *ids.last()?);
    let is_dense = last.checked_sub(first)? < ids.len() as u64 * 2;
    (is_dense && ids.is_sorted()).then_some(first..=last)
}

const CONVERSIONS: &str = "SELECT conv_id, click_id, campaign_id, click_payout, click_time, \
    conv_time, deleted FROM 202_conversion_logs";

pub(super) fn read_conversion(row: &Row) -> Result<StoredConversion, Error> {
    let fields = Fields::new(row, "202_conversion_logs");
    Ok(StoredConversion {
        conversion_id: fields.number(0)?,
        click_id: fields.number(1)?,
        campaign_id: fields.number_or_null(2)?,
        payout: fields.amount(3)?,
        click_time: fields.time_if_any(4),
        conversion_time: fields.time(5)?,
        deleted: fields.is_one(6)?,
    })
}

/// A click's columns, all but its visitor's.
const CLICK: &str = "c.click_id, c.click_time, c.click_cpc, c.aff_campaign_id, c.ppc_account_id, \
    c.landing_page_id, c.click_filtered, c.click_bot";

/// From a row of [`CLICK`] and the visitor.
fn read_click(row: &Row) -> Result<StoredClick, Error> {
    let fields = Fields::new(row, "202_clicks");
    Ok(StoredClick {
        click_id: fields.number(0)?,
        click_time: fields.time(1)?,
        cost: fields.cost(2)?,
        campaign_id: fields.number(3)?,
        account_id: fields.number(4)?,
        landing_page_id: fields.number(5)?,
        filtered: fields.is_one(6)? || fields.is_one(7)?,
        visitor: fields.number(8)?,
    })
}

impl Reader for MysqlReader {
    fn conversions(
        &mut self,
        window: Window,
        take: Take<'_, StoredConversion>,
    ) -> Result<(), Error> {
        let connection = self.replica.as_mut().unwrap_or(&mut self.primary);
        connection.each(
            "reading conversions",
            &format!("{CONVERSIONS} WHERE user_id = ? AND conv_time >= ? AND conv_time < ?"),
            (self.owner, window.start(), window.end()),
            &mut |row| take(read_conversion(row)?),
        )
    }

    fn settings(&mut self) -> Result<Vec<StoredSetting>, Error> {
        // A replica that lags would not know of a change that has just been made.
        super::settings::read_settings(&mut self.primary, self.owner)
    }

    fn parents(&mut self) -> Result<Parents, Error> {
        let pair = |table| {
            move |row: &Row| {
                let fields = Fields::new(row, table);
                Ok((fields.number(0)?, fields.number(1)?))
            }
        };
        let owner = [uint(self.owner)];
        let advertisers = self.rows(
            "reading campaigns",
            "SELECT aff_campaign_id, aff_network_id FROM 202_aff_campaigns WHERE user_id = ?",
            &owner,
            pair("202_aff_campaigns"),
        )?;
        let traffic_sources = self.rows(
            "reading accounts",
            "SELECT ppc_account_id, ppc_network_id FROM 202_ppc_accounts WHERE user_id = ?",
            &owner,
            pair("202_ppc_accounts"),
        )?;
        Ok(Parents {
            advertisers: advertisers.into_iter().collect(),
            traffic_sources: traffic_sources.into_iter().collect(),
        })
    }

    fn candidates(
        &mut self,
        times: RangeInclusive<u32>,
        key: JourneyKey,
        take: Take<'_, CandidateClick>,
    ) -> Result<(), Error> {
        let (visitor, join) = if key == JourneyKey::Campaign {
            ("0", "")
        } else {
            ("a.ip_id", "JOIN 202_clicks_advance a ON a.click_id = c.click_id AND a.ip_id <> 0")
        };
        let query = format!(
            "SELECT c.click_id, c.click_time, c.aff_campaign_id, {visitor} \
             FROM 202_clicks c {join} \
             WHERE c.user_id = ? AND c.click_time >= ? AND c.click_time <= ? \
             AND COALESCE(c.click_filtered, 0) <> 1 AND COALESCE(c.click_bot, 0) <> 1"
        );
        let connection = self.replica.as_mut().unwrap_or(&mut self.primary);
        connection.each(
            "reading clicks",
            &query,
            (self.owner, *times.start(), *times.end()),
            &mut |row| {
                let fields = Fields::new(row, "202_clicks");
                take(CandidateClick {
                    click_id: fields.number(0)?,
                    click_time: fields.time(1)?,
                    campaign_id: fields.number(2)?,
                    visitor: fields.number(3)?,
                })
            },
        )
    }

    fn repeated_click_ids(&mut self, ids: RangeInclusive<u64>) -> Result<Vec<u64>, Error> {
        // From the index alone; whose rows they are is looked up for the few that are found.
        self.rows(
            "looking for repeated clicks",
            "SELECT click_id FROM 202_clicks WHERE click_id BETWEEN ? AND ? \
             GROUP BY click_id HAVING COUNT(*) > 1",
            &[uint(*ids.start()), uint(*ids.end())],
            |row| Fields::new(row, "202_clicks").number(0),
        )
    }

    fn clicks(&mut self, click_ids: &[u64], visitors: Visitors) -> Result<Vec<StoredClick>, Error> {
        let mut ids = click_ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let (visitor, join) = match visitors {
            Visitors::Read => {
                ("a.ip_id", "LEFT JOIN 202_clicks_advance a ON a.click_id = c.click_id")
            }
            Visitors::Skipped => ("0", ""),
        };
        let query = format!(
            "SELECT {CLICK}, {visitor} FROM 202_clicks c {join} \
             WHERE c.user_id = ? AND c.click_id IN {{ids}}"
        );
        let owner = [uint(self.owner)];
        self.read(|connection| {
            collect(connection, "reading clicks", &query, &owner, &ids, read_click)
        })
    }

    fn clicks_of(&mut self, conversions: &[StoredConversion]) -> Result<Vec<StoredClick>, Error> {
        let ids: Vec<u64> = conversions.iter().map(|one| one.conversion_id).collect();
        let mut open: Vec<u64> = conversions.iter().map(|one| one.click_id).collect();
        open.sort_unstable();
        let mut rows = Vec::new();
        if let Some(range) = dense_range(&ids) {
            // A join costs less than a list; what it has besides is dropped here.
            let query = format!(
                "SELECT {CLICK}, 0 FROM 202_conversion_logs v FORCE INDEX (PRIMARY) \
                 STRAIGHT_JOIN 202_clicks c ON c.click_id = v.click_id AND c.user_id = ? \
                 WHERE v.conv_id BETWEEN ? AND ? AND v.user_id = ? AND COALESCE(v.deleted, 0) <> 1"
            );
            let owner = uint(self.owner);
            let values = [owner.clone(), uint(*range.start()), uint(*range.end()), owner];
            let found = self.rows("reading clicks", &query, &values, |row| {
                let click_id = Fields::new(row, "202_clicks").number(0)?;
                open.binary_search(&click_id).is_ok().then(|| read_click(row)).transpose()
            })?;
            rows.extend(found.into_iter().flatten());
            // Left are those that were changed since the conversions were read, and those there are no
            // clicks of.
            let mut found: Vec<u64> = rows.iter().map(|click| click.click_id).collect();
            found.sort_unstable();
            open.retain(|click_id| found.binary_search(click_id).is_err());
        }
        if !open.is_empty() {
            rows.extend(self.clicks(&open, Visitors::Skipped)?);
        }
        Ok(rows)
    }

    fn existing_clicks(&mut self, click_ids: &[u64]) -> Result<HashSet<u64>, Error> {
        let owner = self.owner;
        let is_sole = match self.is_sole_owner {
            Some(is_sole) => is_sole,
            None => self.read(|connection| is_sole_owner(connection, owner))?,
        };
        self.is_sole_owner = Some(is_sole);
        let mut ids = click_ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        // Where all clicks are the owner's, the index of their ids is enough.
        let (condition, values) =
            if is_sole { ("", vec![]) } else { ("user_id = ? AND", vec![uint(owner)]) };
        let query =
            format!("SELECT click_id FROM 202_clicks WHERE {condition} click_id IN {{ids}}");
        let found = self.read(|connection| {
            collect(connection, "reading clicks", &query, &values, &ids, |row| {
                Fields::new(row, "202_clicks").number(0)
            })
        })?;
        Ok(found.into_iter().collect())
    }

    fn journeys(&mut self, conversion_ids: &[u64]) -> Result<Vec<StoredTouch>, Error> {
        if conversion_ids.is_empty() {
            return Ok(Vec::new());
        }
        // Rows that are stored anew between looking where they lie and reading them lie elsewhere. Who writes
        // has the owner's lock, so that nobody else does.
        let needs_view = self.replica.is_some() || !self.in_transaction;
        self.read(|connection| {
            let mut touches = Vec::new();
            let mut take = |row: &Row| {
                let fields = Fields::new(row, JOURNEYS);
                touches.push(StoredTouch {
                    conversion_id: fields.number(1)?,
                    click_id: fields.number(2)?,
                    click_time: fields.time(3)?,
                });
                Ok(())
            };
            let columns = "click_id, click_time";
            if needs_view {
                connection.in_view(|connection| {
                    each_stored_touch(connection, columns, conversion_ids, &mut take)
                })?;
            } else {
                each_stored_touch(connection, columns, conversion_ids, &mut take)?;
            }
            Ok(touches)
        })
    }
}

fn is_sole_owner(connection: &mut Connection, owner: u64) -> Result<bool, Error> {
    let mut others = false;
    connection.each(
        "reading clicks",
        "(SELECT 1 FROM 202_clicks WHERE user_id < ? LIMIT 1) \
         UNION ALL (SELECT 1 FROM 202_clicks WHERE user_id > ? LIMIT 1)",
        (owner, owner),
        &mut |_| {
            others = true;
            Ok(())
        },
    )?;
    Ok(!others)
}
