//! The overview of a model and scope, from stored snapshots and credits.

use std::sync::Arc;

use mysql::Row;

use super::connection::Connection;
use super::reader::MysqlReader;
use super::values::Fields;
use super::worker::read_snapshot;
use super::{MysqlStore, models, schema};
use crate::ground::error::Error;
use crate::ground::scope::Scope;
use crate::ground::time::Window;
use crate::job::overview::{HourTotals, Hours, Mix, Overview, OverviewOptions, PlacedCredit};

impl MysqlStore {
    /// What a dashboard shows of one of a user's models and a scope: totals and ROI of the whole window, a
    /// page of hours, the mix of touches by their place in their journeys, and anomalies.
    ///
    /// # Errors
    /// [`Error::Input`] for an unknown user, model or options that cannot be, and for tables that are not as
    /// they have to be; [`Error::Limit`] for sums out of range; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{OverviewOptions, Window};
    /// let options = OverviewOptions::new("linear", Window::new(1_717_200_000, 1_717_286_400)?);
    /// let overview = store.overview(1, &options)?;
    /// println!("{} in {} hours", overview.totals.revenue, overview.totals.hours);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn overview(&self, user_id: u64, options: &OverviewOptions) -> Result<Overview, Error> {
        let scope = options.check()?;
        let mut connection = self.connect_for_models(user_id)?;
        schema::require(&mut connection, schema::FOR_BACKFILL)?;
        let model_id = models::find(&mut connection, user_id, &options.model)?.model_id;
        // Snapshots and credits of one moment, whatever a rebuild commits meanwhile.
        connection.begin_view()?;
        let mut hours = Hours::new(options);
        let of_model = Snapshots { owner: user_id, model_id, window: options.window };
        // What credits hang on.
        let mut globals = Vec::new();
        of_model.each(&mut connection, scope, &mut |snapshot_id, hour| {
            if scope == Scope::GLOBAL {
                globals.push(snapshot_id);
            }
            hours.add(hour);
            Ok(())
        })?;
        if scope != Scope::GLOBAL {
            of_model.each(&mut connection, Scope::GLOBAL, &mut |snapshot_id, _| {
                globals.push(snapshot_id);
                Ok(())
            })?;
        }
        let mut reader = MysqlReader::open(&self.servers, user_id, Arc::default())?;
        let mut mix = Mix::new(&mut reader, scope)?;
        let mut credits: Vec<PlacedCredit> = Vec::new();
        for part in globals.chunks(SNAPSHOTS_AT_A_TIME) {
            connection.each_of("reading credits", CREDITS, &[], part, &mut |row| {
                let credit = read_credit(row)?;
                let last = credits.last().map(|last| last.conversion_id);
                if credits.len() >= CREDITS_AT_A_TIME && last != Some(credit.conversion_id) {
                    add_credits(&mut mix, &mut reader, &mut credits)?;
                }
                credits.push(credit);
                Ok(())
            })?;
            add_credits(&mut mix, &mut reader, &mut credits)?;
        }
        hours.finish(user_id, options, mix.finish())
    }
}

/// How many snapshots' credits are asked for with one statement.
const SNAPSHOTS_AT_A_TIME: usize = 500;
/// From so many credits on their journeys are looked up.
const CREDITS_AT_A_TIME: usize = 20_000;

/// In the order of the key, so that a conversion's come together.
const CREDITS: &str = "SELECT conv_id, position, click_id, credit \
    FROM 202_attribution_touchpoints WHERE snapshot_id IN {ids} ORDER BY snapshot_id, conv_id";

fn read_credit(row: &Row) -> Result<PlacedCredit, Error> {
    let fields = Fields::new(row, "202_attribution_touchpoints");
    Ok(PlacedCredit {
        conversion_id: fields.number(0)?,
        position: fields.number(1)? as u32,
        click_id: fields.number(2)?,
        credit: fields.amount(3)?.max(0) as u64,
    })
}

fn add_credits(
    mix: &mut Mix,
    reader: &mut MysqlReader,
    credits: &mut Vec<PlacedCredit>,
) -> Result<(), Error> {
    let mut ids: Vec<u64> = credits.iter().map(|credit| credit.conversion_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let conversions = reader.conversions_of(&ids)?;
    mix.add(reader, &conversions, credits)?;
    credits.clear();
    Ok(())
}

/// The stored snapshots of a model.
struct Snapshots {
    owner: u64,
    model_id: u64,
    window: Window,
}

impl Snapshots {
    /// Gives the snapshots of a scope, one for each hour, to `take`, the newest first.
    fn each(
        &self,
        connection: &mut Connection,
        scope: Scope,
        take: &mut dyn FnMut(u64, HourTotals) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut last = None;
        connection.each(
            "reading snapshots",
            "SELECT snapshot_id, model_id, scope_type, scope_id, date_hour, attributed_clicks, \
             attributed_conversions, attributed_revenue, attributed_cost \
             FROM 202_attribution_snapshots \
             WHERE user_id = ? AND model_id = ? AND date_hour >= ? AND date_hour < ? \
             AND scope_type = ? AND scope_id <=> ? ORDER BY date_hour DESC, snapshot_id",
            (
                self.owner,
                self.model_id,
                self.window.start(),
                self.window.end(),
                scope.scope_type().name(),
                scope.id(),
            ),
            &mut |row| {
                let row = read_snapshot(row)?;
                // Of twins the oldest stays, as in a rebuild.
                if last == Some(row.hour) {
                    return Ok(());
                }
                last = Some(row.hour);
                let totals = row.totals;
                take(
                    row.snapshot_id,
                    HourTotals {
                        date_hour: row.hour,
                        clicks: totals.clicks,
                        conversions: totals.conversions,
                        revenue: totals.revenue * 10,
                        cost: totals.cost * 10,
                    },
                )
            },
        )
    }
}
