//! One thread's connections, and the statements that read and write an owner's rows.

use std::collections::BTreeSet;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;
use std::thread;

use hashbrown::HashSet;
use mysql::{Row, Value};

use super::connection::{Connection, Fault, backoff, fault, now};
use super::generations;
use super::models::read_models_locked;
use super::reader::{JOURNEYS, MysqlReader, Stretch, collect, each_stored_touch, uint};
use super::run::{MOST_ATTEMPTS, RunState};
use super::values::{Fields, decimal_4, decimal_5};
use crate::domain::journey::JourneyKey;
use crate::ground::error::Error;
use crate::ground::scope::{ScopeSet, ScopeType};
use crate::ground::time::Window;
use crate::job::settings::StoredSetting;
use crate::job::tables::{
    CandidateClick, Checkpoint, CreditValues, JourneyValues, ModelRow, Parents, Reader,
    ResultTable, SnapshotKey, SnapshotTotals, StoredClick, StoredConversion, StoredSnapshot,
    StoredTouch, Take, Visitors, Worker,
};

/// Reads from a replica where there is one, and writes to the primary.
pub(crate) struct MysqlWorker {
    run: Arc<RunState>,
    pub(super) reader: MysqlReader,
    /// What is noted with the snapshots that are written, where it is not the run's.
    pub(super) window: Option<Window>,
    /// The models whose snapshots this transaction has changed.
    changed: BTreeSet<u64>,
}

impl MysqlWorker {
    pub(super) const fn new(run: Arc<RunState>, reader: MysqlReader) -> Self {
        Self { run, reader, window: None, changed: BTreeSet::new() }
    }

    /// After a lost connection, waits for as long as it takes until what it had sent to be committed is
    /// there or gone for good.
    fn await_commits(&mut self) -> Result<(), Error> {
        let run = Arc::clone(&self.run);
        let mut attempt = 0;
        loop {
            let Err(error) = run.await_commits(&mut self.reader.primary) else { return Ok(()) };
            attempt += 1;
            match fault(&error) {
                Fault::Final => return Err(error),
                _ if attempt >= MOST_ATTEMPTS => return Err(error),
                Fault::Undone => thread::sleep(backoff(attempt)),
                Fault::Lost => self.reader.reconnect()?,
            }
        }
    }

    fn attempt(
        &mut self,
        models: &[ModelRow],
        work: &mut dyn FnMut(&mut Self) -> Result<Checkpoint, Error>,
    ) -> Result<(), Error> {
        self.run.verify()?;
        self.reader.primary.run_text("beginning a transaction", "START TRANSACTION")?;
        self.changed.clear();
        let checkpoint = work(self)?;
        if checkpoint.rows_written == 0 {
            return self.reader.primary.run_text("ending a transaction", "ROLLBACK");
        }
        check_models(&mut self.reader.primary, self.reader.owner, models)?;
        self.run.pass_fence(&mut self.reader.primary, checkpoint)?;
        // Behind the fence the run's transactions come one after the other, so that they cannot hold up
        // each other here.
        let changed = self.changed.iter().copied();
        generations::raise(&mut self.reader.primary, self.reader.owner, changed)?;
        self.reader.primary.run_text("committing", "COMMIT")
    }
}

/// Fails where a model was changed or deleted since it was read; until the transaction ends, none can be.
fn check_models(connection: &mut Connection, owner: u64, models: &[ModelRow]) -> Result<(), Error> {
    if models.is_empty() {
        return Ok(());
    }
    let found = read_models_locked(connection, owner)?;
    for model in models {
        let same = found.iter().any(|other| {
            (other.model_id, &other.kind, &other.config, other.active)
                == (model.model_id, &model.kind, &model.config, model.active)
        });
        if !same {
            return Err(Error::input(
                format!("model {}", model.slug),
                "changed or deleted while the run went on",
                "a model that stays as it is; run again",
            ));
        }
    }
    Ok(())
}

const SNAPSHOTS: &str = "202_attribution_snapshots";
const CREDITS: &str = "202_attribution_touchpoints";

impl Reader for MysqlWorker {
    fn conversions(
        &mut self,
        window: Window,
        take: Take<'_, StoredConversion>,
    ) -> Result<(), Error> {
        self.reader.conversions(window, take)
    }

    fn settings(&mut self) -> Result<Vec<StoredSetting>, Error> {
        self.reader.settings()
    }

    fn parents(&mut self) -> Result<Parents, Error> {
        self.reader.parents()
    }

    fn candidates(
        &mut self,
        times: RangeInclusive<u32>,
        key: JourneyKey,
        take: Take<'_, CandidateClick>,
    ) -> Result<(), Error> {
        self.reader.candidates(times, key, take)
    }

    fn repeated_click_ids(&mut self, ids: RangeInclusive<u64>) -> Result<Vec<u64>, Error> {
        self.reader.repeated_click_ids(ids)
    }

    fn clicks(&mut self, click_ids: &[u64], visitors: Visitors) -> Result<Vec<StoredClick>, Error> {
        self.reader.clicks(click_ids, visitors)
    }

    fn clicks_of(&mut self, conversions: &[StoredConversion]) -> Result<Vec<StoredClick>, Error> {
        self.reader.clicks_of(conversions)
    }

    fn existing_clicks(&mut self, click_ids: &[u64]) -> Result<HashSet<u64>, Error> {
        self.reader.existing_clicks(click_ids)
    }

    fn journeys(&mut self, conversion_ids: &[u64]) -> Result<Vec<StoredTouch>, Error> {
        self.reader.journeys(conversion_ids)
    }
}

impl Worker for MysqlWorker {
    fn transaction(
        &mut self,
        models: &[ModelRow],
        work: &mut dyn FnMut(&mut Self) -> Result<Checkpoint, Error>,
    ) -> Result<(), Error> {
        let run = Arc::clone(&self.run);
        let mut attempt = 0;
        loop {
            self.reader.in_transaction = true;
            let outcome = self.attempt(models, work);
            self.reader.in_transaction = false;
            let Err(error) = outcome else { return Ok(()) };
            let what = fault(&error);
            // A connection that is lost undoes what it had begun, once the server notices.
            let _ = self.reader.primary.run_text("rolling back", "ROLLBACK");
            attempt += 1;
            if what == Fault::Final || attempt >= MOST_ATTEMPTS {
                return Err(error);
            }
            run.count_retry();
            thread::sleep(backoff(attempt));
            if what == Fault::Lost {
                self.reader.reconnect()?;
                self.await_commits()?;
            }
        }
    }

    fn scopes_in_use(
        &mut self,
        model_ids: &[u64],
        window: Window,
        scopes: ScopeSet,
    ) -> Result<Vec<(u64, ScopeType)>, Error> {
        let names: Vec<String> = scopes.iter().map(|scope| format!("'{scope}'")).collect();
        // The models are the owner's, and without another condition the index has all it takes.
        let query = format!(
            "SELECT DISTINCT model_id, scope_type FROM 202_attribution_snapshots \
             WHERE date_hour >= ? AND date_hour < ? AND scope_type IN ({}) AND model_id IN {{ids}}",
            names.join(", ")
        );
        let values = [uint(window.start()), uint(window.end())];
        let rows = collect(
            &mut self.reader.primary,
            "reading snapshots",
            &query,
            &values,
            model_ids,
            |row| {
                let fields = Fields::new(row, SNAPSHOTS);
                Ok((fields.number(0)?, scope_type(&fields.text(1)?)))
            },
        )?;
        Ok(rows.into_iter().filter_map(|(id, scope_type)| Some((id, scope_type?))).collect())
    }

    fn snapshots(
        &mut self,
        model_ids: &[u64],
        hours: Range<u64>,
    ) -> Result<Vec<StoredSnapshot>, Error> {
        let what = "reading snapshots";
        let of_models = "FROM 202_attribution_snapshots \
             WHERE date_hour >= ? AND date_hour < ? AND model_id IN {ids}";
        let hours = [uint(hours.start), uint(hours.end)];
        let stretch = Stretch::of_rows(
            &mut self.reader.primary,
            what,
            &format!("SELECT 0, COUNT(*), MIN(snapshot_id), MAX(snapshot_id) {of_models}"),
            &hours,
            model_ids,
        )?;
        let [start, end] = hours;
        let (from, values) = if stretch.is_dense() {
            let bounds = vec![uint(stretch.first), uint(stretch.last), start, end];
            let from = "FROM 202_attribution_snapshots FORCE INDEX (PRIMARY) \
                 WHERE snapshot_id BETWEEN ? AND ? AND date_hour >= ? AND date_hour < ? \
                 AND model_id IN {ids}";
            (from, bounds)
        } else if stretch.count == 0 {
            return Ok(Vec::new());
        } else {
            (of_models, vec![start, end])
        };
        let query = format!(
            "SELECT snapshot_id, model_id, scope_type, scope_id, date_hour, attributed_clicks, \
             attributed_conversions, attributed_revenue, attributed_cost, user_id {from}"
        );
        let owner = self.reader.owner;
        let rows = collect(&mut self.reader.primary, what, &query, &values, model_ids, |row| {
            Ok((read_snapshot(row)?, Fields::new(row, SNAPSHOTS).number(9)?))
        })?;
        Ok(rows.into_iter().filter(|(_, user_id)| *user_id == owner).map(|(row, _)| row).collect())
    }

    fn credits(
        &mut self,
        snapshot_ids: &[u64],
        conversion_ids: RangeInclusive<u64>,
    ) -> Result<Vec<(CreditValues, u64)>, Error> {
        let what = "reading credits";
        let (mut values, mut conversions) = (Vec::new(), "");
        if conversion_ids != (0..=u64::MAX) {
            values = vec![uint(*conversion_ids.start()), uint(*conversion_ids.end())];
            conversions = "conv_id BETWEEN ? AND ? AND";
        }
        let of_snapshots =
            format!("FROM 202_attribution_touchpoints WHERE {conversions} snapshot_id IN {{ids}}");
        let columns = "touchpoint_id, snapshot_id, conv_id, click_id, position, credit, weight";
        let mut rows = Vec::new();
        let mut take = |row: &Row| {
            let fields = Fields::new(row, CREDITS);
            let values = CreditValues {
                snapshot_id: fields.number(1)?,
                conversion_id: fields.number(2)?,
                click_id: fields.number(3)?,
                position: fields.number(4)? as u32,
                credit: fields.amount(5)?,
                weight: fields.amount(6)?,
            };
            rows.push((values, fields.number(0)?));
            Ok(())
        };
        for ids in snapshot_ids.chunks(self.reader.primary.most_ids()) {
            let stretch = Stretch::of_rows(
                &mut self.reader.primary,
                what,
                &format!(
                    "SELECT 0, COUNT(*), MIN(touchpoint_id), MAX(touchpoint_id) {of_snapshots}"
                ),
                &values,
                ids,
            )?;
            if stretch.is_dense() {
                let mut values = values.clone();
                values.splice(0..0, [uint(stretch.first), uint(stretch.last)]);
                let query = format!(
                    "SELECT {columns} FROM 202_attribution_touchpoints FORCE INDEX (PRIMARY) \
                     WHERE touchpoint_id BETWEEN ? AND ? AND {conversions} snapshot_id IN {{ids}}"
                );
                self.reader.primary.each_of(what, &query, &values, ids, &mut take)?;
            } else if stretch.count > 0 {
                let query = format!("SELECT {columns} {of_snapshots}");
                self.reader.primary.each_of(what, &query, &values, ids, &mut take)?;
            }
        }
        Ok(rows)
    }

    fn delete_credits_under(&mut self, snapshot_ids: &[u64]) -> Result<u64, Error> {
        self.reader.primary.run_of(
            "deleting credits",
            "DELETE FROM 202_attribution_touchpoints WHERE snapshot_id IN {ids}",
            &[],
            snapshot_ids,
        )
    }

    fn journey_rows(&mut self, conversion_ids: &[u64]) -> Result<Vec<(JourneyValues, u64)>, Error> {
        let mut rows = Vec::new();
        let columns = "click_id, click_time, position";
        each_stored_touch(&mut self.reader.primary, columns, conversion_ids, &mut |row| {
            let fields = Fields::new(row, JOURNEYS);
            let values = JourneyValues {
                conversion_id: fields.number(1)?,
                click_id: fields.number(2)?,
                click_time: fields.time(3)?,
                position: fields.number(4)? as u32,
            };
            rows.push((values, fields.number(0)?));
            Ok(())
        })?;
        Ok(rows)
    }

    fn insert_snapshots(&mut self, rows: &[(SnapshotKey, SnapshotTotals)]) -> Result<(), Error> {
        let (owner, window, time) = (self.reader.owner, self.noted_window(), now());
        self.changed.extend(rows.iter().map(|(key, _)| key.model_id));
        self.reader.primary.insert(
            "writing snapshots",
            "INSERT INTO 202_attribution_snapshots (model_id, user_id, scope_type, scope_id, \
             date_hour, lookback_start, lookback_end, attributed_clicks, attributed_conversions, \
             attributed_revenue, attributed_cost, created_at)",
            rows,
            140,
            |(key, totals), values| {
                values.push(uint(key.model_id));
                values.push(uint(owner));
                values.push(Value::from(key.scope.scope_type().name()));
                values.push(key.scope.id().map_or(Value::NULL, Value::UInt));
                values.push(uint(key.hour.into()));
                values.push(uint(window.start()));
                values.push(uint(last_second(window)));
                values.push(uint(totals.clicks));
                values.push(uint(totals.conversions));
                values.push(decimal_4(totals.revenue));
                values.push(decimal_4(totals.cost));
                values.push(uint(time));
            },
        )
    }

    fn update_snapshot(
        &mut self,
        model_id: u64,
        snapshot_id: u64,
        totals: &SnapshotTotals,
    ) -> Result<(), Error> {
        let window = self.noted_window();
        self.changed.insert(model_id);
        self.reader
            .primary
            .run(
                "writing snapshots",
                "UPDATE 202_attribution_snapshots SET lookback_start = ?, lookback_end = ?, \
                 attributed_clicks = ?, attributed_conversions = ?, attributed_revenue = ?, \
                 attributed_cost = ? WHERE snapshot_id = ? AND user_id = ?",
                vec![
                    uint(window.start()),
                    uint(last_second(window)),
                    uint(totals.clicks),
                    uint(totals.conversions),
                    decimal_4(totals.revenue),
                    decimal_4(totals.cost),
                    uint(snapshot_id),
                    uint(self.reader.owner),
                ],
            )
            .map(|_| ())
    }

    fn insert_credits(&mut self, rows: &[CreditValues]) -> Result<(), Error> {
        let time = now();
        self.reader.primary.insert(
            "writing credits",
            "INSERT INTO 202_attribution_touchpoints \
             (snapshot_id, conv_id, click_id, position, credit, weight, created_at)",
            rows,
            72,
            |row, values| {
                values.push(uint(row.snapshot_id));
                values.push(uint(row.conversion_id));
                values.push(uint(row.click_id));
                values.push(uint(row.position.into()));
                values.push(decimal_5(row.credit));
                values.push(decimal_5(row.weight));
                values.push(uint(time));
            },
        )
    }

    fn insert_journey_rows(&mut self, rows: &[JourneyValues]) -> Result<(), Error> {
        let time = now();
        self.reader.primary.insert(
            "writing journeys",
            "INSERT INTO 202_conversion_touchpoints \
             (conv_id, click_id, click_time, position, created_at)",
            rows,
            45,
            |row, values| {
                values.push(uint(row.conversion_id));
                values.push(uint(row.click_id));
                values.push(uint(row.click_time.into()));
                values.push(uint(row.position.into()));
                values.push(uint(time));
            },
        )
    }

    fn delete(&mut self, table: ResultTable, ids: &[u64]) -> Result<(), Error> {
        self.delete_by_id(table, ids).map(|_| ())
    }
}

impl MysqlWorker {
    fn noted_window(&self) -> Window {
        self.window.unwrap_or(self.run.window())
    }

    /// Says how many rows there were.
    pub(super) fn delete_by_id(&mut self, table: ResultTable, ids: &[u64]) -> Result<u64, Error> {
        if table == ResultTable::Snapshots {
            let models = generations::models_of(&mut self.reader.primary, ids)?;
            self.changed.extend(models);
        }
        let statement = match table {
            ResultTable::Snapshots => {
                "DELETE FROM 202_attribution_snapshots WHERE snapshot_id IN {ids}"
            }
            ResultTable::Credits => {
                "DELETE FROM 202_attribution_touchpoints WHERE touchpoint_id IN {ids}"
            }
            ResultTable::Journeys => {
                "DELETE FROM 202_conversion_touchpoints WHERE touchpoint_id IN {ids}"
            }
        };
        self.reader.primary.run_of("deleting rows", statement, &[], ids)
    }
}

/// The end of a window as it fits its column.
fn last_second(window: Window) -> u64 {
    window.end().min(u32::MAX.into())
}

/// A stored scope type, whose letters a collation may not tell apart.
pub(super) fn scope_type(text: &str) -> Option<ScopeType> {
    // As it is written nearly always.
    let exact = ScopeType::ALL.into_iter().find(|scope_type| scope_type.name() == text);
    exact.or_else(|| text.trim_end().to_ascii_lowercase().parse().ok())
}

/// A row of the snapshots, its columns in the order of their table less those of its run.
pub(super) fn read_snapshot(row: &Row) -> Result<StoredSnapshot, Error> {
    let fields = Fields::new(row, SNAPSHOTS);
    Ok(StoredSnapshot {
        snapshot_id: fields.number(0)?,
        model_id: fields.number(1)?,
        scope_type: match fields.text_as_it_is(2) {
            Some(text) => scope_type(text),
            None => scope_type(&fields.text(2)?),
        },
        scope_id: fields.number_or_null(3)?,
        hour: fields.time(4)?,
        totals: SnapshotTotals {
            clicks: fields.number(5)?,
            conversions: fields.number(6)?,
            revenue: fields.rounded_amount(7)?,
            cost: fields.rounded_amount(8)?,
        },
    })
}
