//! What a purge finds and deletes.

use std::ops::RangeInclusive;
use std::sync::Arc;

use mysql::{Row, Value};

use super::connection::{Connection, now};
use super::reader::{MysqlReader, read_conversion};
use super::run::Servers;
use super::values::Fields;
use super::worker::{MysqlWorker, read_snapshot};
use super::{MysqlStore, check_known, schema};
use crate::ground::error::Error;
use crate::ground::time::{SECONDS_PER_HOUR, Window};
use crate::job::all_users::{UserOutcome, for_all_users};
use crate::job::progress::Progress;
use crate::job::purge::tables::{
    By, FoundCredit, FoundExport, FoundTouch, PurgeReader, PurgeTable, PurgeWorker, SnapshotHour,
};
use crate::job::purge::{self, PurgeOptions, PurgeReport, PurgeTarget};
use crate::job::rebuild::hours::WrittenBy;
use crate::job::tables::{ResultTable, StoredConversion, StoredSnapshot};

/// So many rows are deleted in one transaction, where they need not go together.
const MOST: u64 = 5_000;
/// So many conversions are purged at a time, a journey having up to some dozen rows.
const CONVERSIONS: u64 = 200;
/// So many clicks are purged at a time.
const CLICKS: u64 = 1_000;
/// So many hours are looked at together.
const HOURS: u64 = 100;

impl MysqlStore {
    /// Erases what is an owner's, a data subject's or old, and verifies that nothing of it is left.
    ///
    /// A subject's clicks, conversions, touches and credits go; journeys of others that held its clicks
    /// become what a backfill would store without them; and each affected hour is rebuilt in the same
    /// transaction, for the models that have snapshots of it, in the scopes that it was calculated in.
    /// What a model that is gone or not valid has of such an hour is removed, as no engine can make
    /// it right. A purge that was stopped at any point is
    /// finished by running it again. In the end an audit row (`purge`) tells the counts, and nothing
    /// of whom they were.
    ///
    /// Ids of another owner's are counted as not found and nothing of theirs is touched. Exports that
    /// are being made and those whose file may not be removed are left and reported. Text that the
    /// engine did not write (webhooks' answers, custom headers) is not searched.
    ///
    /// # Errors
    /// [`Error::Input`] for an unknown user or options that are not allowed, with nothing written;
    /// [`Error::Locked`] where another run holds the owner's lock for longer than is waited, or took it
    /// over, and where rows came in while the purge went on, so that it has to run again;
    /// [`Error::Database`]; [`Error::Io`] for an export file that cannot be removed;
    /// [`Error::Cancelled`] when `progress` asks to stop.
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{PurgeOptions, PurgeTarget};
    /// let report = store.purge(1, &PurgeOptions::new(PurgeTarget::Visitor(9_001)), &())?;
    /// assert!(report.tables.iter().all(|table| table.left == 0));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn purge(
        &self,
        user_id: u64,
        options: &PurgeOptions,
        progress: &dyn Progress,
    ) -> Result<PurgeReport, Error> {
        purge::check_options(options)?;
        let mut connection = self.connect()?;
        schema::require(&mut connection, schema::FOR_PURGE)?;
        // What is left of an owner whose row is gone can still be purged.
        if options.target != PurgeTarget::Owner {
            check_known(&mut connection, user_id)?;
        }
        if options.dry_run {
            let primary = Servers { replica: None, ..self.servers.clone() };
            let mut reader = MysqlReader::open(&primary, user_id, Arc::default())?;
            return purge::look(&mut reader, user_id, options, now());
        }
        drop(connection);
        purge::purge(self, user_id, options, now(), progress)
    }
}

impl MysqlStore {
    /// Erases what is old ([`PurgeTarget::Age`]) for every user that is not deleted; one's failure does
    /// not stop the others.
    ///
    /// # Errors
    /// [`Error::Input`] for another target and for options that no user's purge could have,
    /// [`Error::Database`] where the users cannot be read, and [`Error::Cancelled`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{PurgeOptions, PurgeTarget, RetentionLimits};
    /// let limits = RetentionLimits { journeys: Some(90 * 86_400), ..Default::default() };
    /// let outcomes = store.purge_all(&PurgeOptions::new(PurgeTarget::Age(limits)), &())?;
    /// assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn purge_all(
        &self,
        options: &PurgeOptions,
        progress: &dyn Progress,
    ) -> Result<Vec<UserOutcome<PurgeReport>>, Error> {
        purge::check_options(options)?;
        if !matches!(options.target, PurgeTarget::Age(_)) {
            let found = format!("found {}", options.target.name());
            return Err(Error::input("target", found, "age, where it is for every user"));
        }
        for_all_users(self, |user_id| self.purge(user_id, options, progress))
    }
}

/// Who can be asked for an owner's rows.
pub(super) trait Ask {
    fn owner(&self) -> u64;
    /// Reads from the primary, again after a lost connection.
    fn ask<T>(&mut self, work: impl Fn(&mut Connection) -> Result<T, Error>) -> Result<T, Error>;
}

/// Reads without a run.
impl Ask for MysqlReader {
    fn owner(&self) -> u64 {
        self.owner
    }

    fn ask<T>(&mut self, work: impl Fn(&mut Connection) -> Result<T, Error>) -> Result<T, Error> {
        self.read(work)
    }
}

impl Ask for MysqlWorker {
    fn owner(&self) -> u64 {
        self.reader.owner
    }

    fn ask<T>(&mut self, work: impl Fn(&mut Connection) -> Result<T, Error>) -> Result<T, Error> {
        self.reader.read(work)
    }
}

fn uint(value: u64) -> Value {
    Value::UInt(value)
}

/// The rows that a query with a list of ids gives, each id once.
fn listed<T>(
    asked: &mut impl Ask,
    what: &str,
    query: &str,
    before: &[Value],
    ids: &[u64],
    row: impl Fn(&Row) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    asked.ask(|connection| {
        let mut rows = Vec::new();
        connection.each_of(what, query, before, &ids, &mut |found| {
            rows.push(row(found)?);
            Ok(())
        })?;
        Ok(rows)
    })
}

/// The rows that a query gives.
fn rows<T>(
    asked: &mut impl Ask,
    what: &str,
    query: &str,
    values: &[Value],
    row: impl Fn(&Row) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    asked.ask(|connection| {
        let mut rows = Vec::new();
        connection.each(what, query, values.to_vec(), &mut |found| {
            rows.push(row(found)?);
            Ok(())
        })?;
        Ok(rows)
    })
}

fn first_number(row: &Row, table: &'static str) -> Result<u64, Error> {
    Fields::new(row, table).number(0)
}

/// A time that a column has to be below, where there is one.
fn below(column: &str, before: Option<u32>, values: &mut Vec<Value>) -> String {
    let Some(before) = before else { return String::new() };
    values.push(uint(before.into()));
    format!(" AND {column} < ?")
}

/// The rows of a table that are an owner's, as the end of a SELECT or a DELETE.
fn of_owner(table: PurgeTable, owner: u64, before: Option<u32>) -> (String, Vec<Value>) {
    let mut values = vec![uint(owner)];
    let (from, time) = match table {
        PurgeTable::Clicks => ("202_clicks WHERE user_id = ?", "click_time"),
        PurgeTable::Conversions => ("202_conversion_logs WHERE user_id = ?", "conv_time"),
        // Of a click that others have too the visitor is theirs as well.
        PurgeTable::Visitors => (
            "202_clicks_advance a WHERE a.click_id IN \
             (SELECT click_id FROM 202_clicks WHERE user_id = ?) AND NOT EXISTS \
             (SELECT 1 FROM 202_clicks o WHERE o.click_id = a.click_id AND o.user_id <> ?)",
            "",
        ),
        PurgeTable::Journeys => (
            "202_conversion_logs c JOIN 202_conversion_touchpoints t ON t.conv_id = c.conv_id \
             WHERE c.user_id = ?",
            "c.conv_time",
        ),
        PurgeTable::Snapshots => ("202_attribution_snapshots WHERE user_id = ?", "date_hour"),
        PurgeTable::Credits => (
            "202_attribution_snapshots s JOIN 202_attribution_touchpoints t \
             ON t.snapshot_id = s.snapshot_id WHERE s.user_id = ?",
            "s.date_hour",
        ),
        PurgeTable::Exports => ("202_attribution_exports WHERE user_id = ?", "created_at"),
        PurgeTable::Models => ("202_attribution_models WHERE user_id = ?", "created_at"),
        PurgeTable::Generations => ("202_attribution_generations WHERE user_id = ?", "updated_at"),
        PurgeTable::Settings => ("202_attribution_settings WHERE user_id = ?", "created_at"),
        // That something was purged is to be known for good.
        PurgeTable::Audit => {
            ("202_attribution_audit WHERE user_id = ? AND action <> 'purge'", "created_at")
        }
        // So is when it was, but not what earlier purges failed with, which may name rows.
        PurgeTable::Runs => (
            "202_attribution_runs WHERE user_id = ? AND status <> 'running' \
             AND (job <> 'purge' OR last_error IS NOT NULL)",
            "started_at",
        ),
    };
    if table == PurgeTable::Visitors {
        values.push(uint(owner));
        return (from.to_owned(), values);
    }
    let limit = below(time, before, &mut values);
    (from.to_owned() + &limit, values)
}

impl<A: Ask> PurgeReader for A {
    fn clicks_of_visitor(&mut self, visitor: u64) -> Result<Vec<u64>, Error> {
        rows(
            self,
            "reading a visitor's clicks",
            "SELECT click_id FROM 202_clicks_advance WHERE ip_id = ? ORDER BY click_id",
            &[uint(visitor)],
            |row| first_number(row, "202_clicks_advance"),
        )
    }

    fn click_rows(&mut self, click_ids: &[u64]) -> Result<Vec<(u64, bool)>, Error> {
        let owner = self.owner();
        listed(
            self,
            "reading clicks",
            "SELECT click_id, user_id FROM 202_clicks WHERE click_id IN {ids}",
            &[],
            click_ids,
            |row| {
                let fields = Fields::new(row, "202_clicks");
                Ok((fields.number(0)?, fields.number(1)? == owner))
            },
        )
    }

    fn visitor_rows(&mut self, click_ids: &[u64]) -> Result<Vec<u64>, Error> {
        listed(
            self,
            "reading visitors",
            "SELECT click_id FROM 202_clicks_advance WHERE click_id IN {ids}",
            &[],
            click_ids,
            |row| first_number(row, "202_clicks_advance"),
        )
    }

    fn conversions_by(&mut self, by: By, ids: &[u64]) -> Result<Vec<StoredConversion>, Error> {
        let column = match by {
            By::Click => "click_id",
            By::Conversion => "conv_id",
        };
        let query = format!(
            "SELECT conv_id, click_id, campaign_id, click_payout, click_time, conv_time, deleted \
             FROM 202_conversion_logs WHERE user_id = ? AND {column} IN {{ids}}"
        );
        let owner = [uint(self.owner())];
        listed(self, "reading conversions", &query, &owner, ids, read_conversion)
    }

    fn touches_by(&mut self, by: By, ids: &[u64]) -> Result<Vec<FoundTouch>, Error> {
        let column = match by {
            By::Click => "click_id",
            By::Conversion => "conv_id",
        };
        let query = format!(
            "SELECT t.touchpoint_id, t.conv_id, t.click_id, c.user_id \
             FROM 202_conversion_touchpoints t \
             LEFT JOIN 202_conversion_logs c ON c.conv_id = t.conv_id WHERE t.{column} IN {{ids}}"
        );
        let owner = self.owner();
        let touches = listed(self, "reading journeys", &query, &[], ids, |row| {
            let fields = Fields::new(row, "202_conversion_touchpoints");
            let of = fields.number_or_null(3)?;
            let touch = FoundTouch {
                touch_id: fields.number(0)?,
                conversion_id: fields.number(1)?,
                click_id: fields.number(2)?,
                is_orphan: of.is_none(),
            };
            Ok(Some(touch).filter(|_| of.is_none_or(|of| of == owner)))
        })?;
        Ok(touches.into_iter().flatten().collect())
    }

    fn credits_by_click(&mut self, click_ids: &[u64]) -> Result<Vec<FoundCredit>, Error> {
        let owner = self.owner();
        let credits = listed(
            self,
            "reading credits",
            "SELECT t.touchpoint_id, t.conv_id, t.click_id, s.date_hour, s.user_id \
             FROM 202_attribution_touchpoints t LEFT JOIN 202_attribution_snapshots s \
             ON s.snapshot_id = t.snapshot_id WHERE t.click_id IN {ids}",
            &[],
            click_ids,
            |row| {
                let of = Fields::new(row, "202_attribution_touchpoints").number_or_null(4)?;
                let credit = read_found_credit(row)?;
                Ok(Some(credit).filter(|_| of.is_none_or(|of| of == owner)))
            },
        )?;
        Ok(credits.into_iter().flatten().collect())
    }

    fn credits_of_hour(
        &mut self,
        hour: u32,
        conversion_ids: RangeInclusive<u64>,
    ) -> Result<Vec<FoundCredit>, Error> {
        let hour = u64::from(hour);
        let values = [
            uint(self.owner()),
            uint(hour),
            uint(hour + u64::from(SECONDS_PER_HOUR)),
            uint(*conversion_ids.start()),
            uint(*conversion_ids.end()),
        ];
        rows(
            self,
            "reading credits",
            "SELECT t.touchpoint_id, t.conv_id, t.click_id, s.date_hour \
             FROM 202_attribution_snapshots s JOIN 202_attribution_touchpoints t \
             ON t.snapshot_id = s.snapshot_id WHERE s.user_id = ? AND s.date_hour >= ? \
             AND s.date_hour < ? AND t.conv_id >= ? AND t.conv_id <= ?",
            &values,
            read_found_credit,
        )
    }

    fn snapshots_of_hour(&mut self, hour: u32) -> Result<Vec<StoredSnapshot>, Error> {
        let hour = u64::from(hour);
        let values = [uint(self.owner()), uint(hour), uint(hour + u64::from(SECONDS_PER_HOUR))];
        rows(
            self,
            "reading snapshots",
            "SELECT snapshot_id, model_id, scope_type, scope_id, date_hour, attributed_clicks, \
             attributed_conversions, attributed_revenue, attributed_cost \
             FROM 202_attribution_snapshots \
             WHERE user_id = ? AND date_hour >= ? AND date_hour < ?",
            &values,
            read_snapshot,
        )
    }

    fn finished_exports(&mut self) -> Result<Vec<(u64, u64)>, Error> {
        let owner = [uint(self.owner())];
        rows(
            self,
            "reading exports",
            "SELECT start_hour, end_hour FROM 202_attribution_exports \
             WHERE user_id = ? AND status = 'completed'",
            &owner,
            |row| {
                let fields = Fields::new(row, "202_attribution_exports");
                Ok((fields.number(0)?, fields.number(1)?))
            },
        )
    }

    fn run_errors(&mut self) -> Result<Vec<(u64, String)>, Error> {
        let owner = [uint(self.owner())];
        rows(
            self,
            "reading runs",
            "SELECT run_id, last_error FROM 202_attribution_runs \
             WHERE user_id = ? AND status <> 'running' AND last_error IS NOT NULL",
            &owner,
            |row| {
                let fields = Fields::new(row, "202_attribution_runs");
                Ok((fields.number(0)?, fields.text(1)?))
            },
        )
    }

    fn count(&mut self, table: PurgeTable, before: Option<u32>) -> Result<u64, Error> {
        let (from, values) = of_owner(table, self.owner(), before);
        let query = format!("SELECT COUNT(*) FROM {from}");
        let counts =
            rows(self, "counting rows", &query, &values, |row| first_number(row, table.name()))?;
        Ok(counts.first().copied().unwrap_or(0))
    }

    fn count_orphans(&mut self, table: PurgeTable) -> Result<u64, Error> {
        let (parents, parent_id) = match table {
            PurgeTable::Journeys => ("202_conversion_logs", "conv_id"),
            PurgeTable::Credits => ("202_attribution_snapshots", "snapshot_id"),
            _ => return Ok(0),
        };
        let name = table.name();
        // A click may have several rows.
        let query = format!(
            "SELECT COUNT(DISTINCT t.touchpoint_id) FROM 202_clicks k \
             JOIN {name} t ON t.click_id = k.click_id \
             LEFT JOIN {parents} p ON p.{parent_id} = t.{parent_id} \
             WHERE k.user_id = ? AND p.{parent_id} IS NULL AND NOT EXISTS \
             (SELECT 1 FROM 202_clicks o WHERE o.click_id = k.click_id AND o.user_id <> ?)"
        );
        let owner = uint(self.owner());
        let counts = rows(self, "counting rows", &query, &[owner.clone(), owner], |row| {
            first_number(row, name)
        })?;
        Ok(counts.first().copied().unwrap_or(0))
    }

    fn exports(&mut self, before: Option<u32>) -> Result<Vec<FoundExport>, Error> {
        let (from, values) = of_owner(PurgeTable::Exports, self.owner(), before);
        let query = format!("SELECT export_id, status, file_path FROM {from} ORDER BY export_id");
        rows(self, "reading exports", &query, &values, |row| {
            let fields = Fields::new(row, "202_attribution_exports");
            Ok(FoundExport {
                export_id: fields.number(0)?,
                is_in_progress: fields.text(1)?.trim_end().eq_ignore_ascii_case("processing"),
                file_path: fields.text_or_null(2)?.filter(|path| !path.is_empty()),
            })
        })
    }
}

fn read_found_credit(row: &Row) -> Result<FoundCredit, Error> {
    let fields = Fields::new(row, "202_attribution_touchpoints");
    Ok(FoundCredit {
        credit_id: fields.number(0)?,
        conversion_id: fields.number(1)?,
        click_id: fields.number(2)?,
        hour: fields.time_or_null(3)?,
    })
}

impl PurgeWorker for MysqlWorker {
    fn work_on(&mut self, window: Window) {
        self.reader.replica = None;
        self.window = Some(window);
    }

    fn written_by(&mut self, hour: u32) -> Result<Vec<WrittenBy>, Error> {
        let hour = u64::from(hour);
        let values =
            [uint(self.reader.owner), uint(hour), uint(hour + u64::from(SECONDS_PER_HOUR))];
        rows(
            self,
            "reading snapshots",
            "SELECT model_id, MIN(lookback_start), MAX(lookback_end) \
             FROM 202_attribution_snapshots \
             WHERE user_id = ? AND date_hour >= ? AND date_hour < ? GROUP BY model_id",
            &values,
            |row| {
                let fields = Fields::new(row, "202_attribution_snapshots");
                Ok(WrittenBy {
                    model_id: fields.number(0)?,
                    start: fields.time(1)?,
                    end: fields.time(2)?,
                })
            },
        )
    }

    fn with_credits(&mut self, snapshot_ids: &[u64]) -> Result<Vec<u64>, Error> {
        listed(
            self,
            "reading credits",
            "SELECT DISTINCT snapshot_id FROM 202_attribution_touchpoints \
             WHERE snapshot_id IN {ids}",
            &[],
            snapshot_ids,
            |row| first_number(row, "202_attribution_touchpoints"),
        )
    }

    fn snapshot_hours(
        &mut self,
        after: Option<u32>,
        before: Option<u32>,
    ) -> Result<Vec<SnapshotHour>, Error> {
        let mut values = vec![uint(self.reader.owner), uint(self.reader.owner)];
        let mut limits = below("date_hour", before, &mut values);
        if let Some(after) = after {
            limits.push_str(" AND date_hour > ?");
            values.push(uint(after.into()));
        }
        let query = format!(
            "SELECT h.date_hour, h.snapshots, (SELECT COUNT(*) \
             FROM 202_attribution_snapshots s JOIN 202_attribution_touchpoints t \
             ON t.snapshot_id = s.snapshot_id WHERE s.user_id = ? AND s.date_hour = h.date_hour) \
             FROM (SELECT date_hour, COUNT(*) snapshots FROM 202_attribution_snapshots \
             WHERE user_id = ?{limits} GROUP BY date_hour ORDER BY date_hour LIMIT {HOURS}) h \
             ORDER BY h.date_hour"
        );
        rows(self, "reading snapshots", &query, &values, |row| {
            let fields = Fields::new(row, "202_attribution_snapshots");
            Ok(SnapshotHour {
                hour: fields.time(0)?,
                snapshots: fields.number(1)?,
                credits: fields.number(2)?,
            })
        })
    }

    fn next_conversions(&mut self, after: u64, before: Option<u32>) -> Result<Vec<u64>, Error> {
        let mut values = vec![uint(self.reader.owner), uint(after)];
        let mut limits = below("conv_time", before, &mut values);
        if before.is_some() {
            // A subquery that no optimizer turns into a join of whole tables.
            limits.push_str(
                " AND (SELECT COUNT(*) FROM 202_conversion_touchpoints t \
                 WHERE t.conv_id = c.conv_id) > 0",
            );
        }
        let query = format!(
            "SELECT conv_id FROM 202_conversion_logs c WHERE user_id = ? AND conv_id > ?{limits} \
             ORDER BY conv_id LIMIT {CONVERSIONS}"
        );
        rows(self, "reading conversions", &query, &values, |row| {
            first_number(row, "202_conversion_logs")
        })
    }

    fn some_clicks(&mut self) -> Result<Vec<u64>, Error> {
        let query = format!("SELECT click_id FROM 202_clicks WHERE user_id = ? LIMIT {CLICKS}");
        let owner = [uint(self.reader.owner)];
        rows(self, "reading clicks", &query, &owner, |row| first_number(row, "202_clicks"))
    }

    fn clear_run_errors(&mut self, run_ids: &[u64]) -> Result<u64, Error> {
        self.reader.primary.run_of(
            "clearing errors of runs",
            "UPDATE 202_attribution_runs SET last_error = NULL \
             WHERE user_id = ? AND run_id IN {ids}",
            &[uint(self.reader.owner)],
            run_ids,
        )
    }

    fn delete_conversions(&mut self, conversion_ids: &[u64]) -> Result<u64, Error> {
        self.reader.primary.run_of(
            "deleting conversions",
            "DELETE FROM 202_conversion_logs WHERE user_id = ? AND conv_id IN {ids}",
            &[uint(self.reader.owner)],
            conversion_ids,
        )
    }

    fn delete_journeys_of(&mut self, conversion_ids: &[u64]) -> Result<u64, Error> {
        self.reader.primary.run_of(
            "deleting journeys",
            "DELETE FROM 202_conversion_touchpoints WHERE conv_id IN {ids}",
            &[],
            conversion_ids,
        )
    }

    fn delete_clicks(&mut self, click_ids: &[u64]) -> Result<u64, Error> {
        self.reader.primary.run_of(
            "deleting clicks",
            "DELETE FROM 202_clicks WHERE user_id = ? AND click_id IN {ids}",
            &[uint(self.reader.owner)],
            click_ids,
        )
    }

    fn delete_visitors(&mut self, click_ids: &[u64]) -> Result<u64, Error> {
        self.reader.primary.run_of(
            "deleting visitors",
            "DELETE FROM 202_clicks_advance WHERE click_id IN {ids}",
            &[],
            click_ids,
        )
    }

    fn delete_ids(&mut self, table: ResultTable, ids: &[u64]) -> Result<u64, Error> {
        self.delete_by_id(table, ids)
    }

    fn delete_hours(
        &mut self,
        hours: RangeInclusive<u32>,
        snapshots: bool,
    ) -> Result<(u64, u64), Error> {
        let bounds =
            [uint(self.reader.owner), uint((*hours.start()).into()), uint((*hours.end()).into())];
        let mut ids = Vec::new();
        self.reader.primary.each(
            "reading snapshots",
            "SELECT snapshot_id FROM 202_attribution_snapshots \
             WHERE user_id = ? AND date_hour >= ? AND date_hour <= ?",
            bounds.to_vec(),
            &mut |row| {
                ids.push(first_number(row, "202_attribution_snapshots")?);
                Ok(())
            },
        )?;
        let credits = self.reader.primary.run_of(
            "deleting credits",
            "DELETE FROM 202_attribution_touchpoints WHERE snapshot_id IN {ids}",
            &[],
            &ids,
        )?;
        let gone = if snapshots { self.delete_by_id(ResultTable::Snapshots, &ids)? } else { 0 };
        Ok((credits, gone))
    }

    fn delete_export(&mut self, export: &FoundExport) -> Result<u64, Error> {
        self.reader.primary.run(
            "deleting an export",
            "DELETE FROM 202_attribution_exports WHERE export_id = ? AND user_id = ? \
             AND status <> 'processing' AND COALESCE(file_path, '') = ?",
            (export.export_id, self.reader.owner, export.file_path.as_deref().unwrap_or("")),
        )
    }

    fn delete_some(&mut self, table: PurgeTable, before: Option<u32>) -> Result<u64, Error> {
        if table == PurgeTable::Models {
            self.reader.primary.run(
                "deleting models",
                "UPDATE 202_aff_campaigns SET attribution_model_id = NULL \
                 WHERE user_id = ? AND attribution_model_id IS NOT NULL",
                (self.reader.owner,),
            )?;
        }
        let (from, values) = of_owner(table, self.reader.owner, before);
        let statement = format!("DELETE FROM {from} LIMIT {MOST}");
        self.reader.primary.run("deleting rows", &statement, values)
    }
}
