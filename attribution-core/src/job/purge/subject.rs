//! A data subject: some clicks with what hangs on them, or some conversions.
//!
//! First go rows that hang on nothing. Then each affected hour is done in a transaction of its own: the
//! subject's conversions of that hour go with their journeys, journeys of others that held its clicks
//! are made anew without them, and the hour is rebuilt from what is then there. Last of all go the
//! clicks, by which the rest is found.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::{HashMap, HashSet};

use super::report::{PurgeOptions, PurgeReport, PurgeTarget, PurgedTable};
use super::tables::{By, FoundCredit, FoundTouch, PurgeReader, PurgeTable, PurgeWorker};
use crate::ground::error::Error;
use crate::ground::scope::ScopeSet;
use crate::ground::time::{SECONDS_PER_HOUR, Window, hour_of};
use crate::job::backfill::journeys_without;
use crate::job::difference::difference;
use crate::job::progress::{Phase, Progress, go_on};
use crate::job::rebuild::hours::{HourConversions, HourRebuild};
use crate::job::spool::Spool;
use crate::job::tables::{Checkpoint, JourneyValues, ResultTable, Run, StoredConversion, Worker};

/// So many ids are deleted at a time.
const MOST: usize = 1_000;

/// Who or what is to go.
pub(super) struct Subject<'a> {
    options: &'a PurgeOptions,
}

/// All rows of a subject.
#[derive(Debug, Default)]
struct Found {
    click_ids: Vec<u64>,
    click_rows: u64,
    /// Clicks whose visitor is to go too: not those that another owner also has.
    visitors: Vec<u64>,
    conversions: Vec<StoredConversion>,
    touches: Vec<FoundTouch>,
    credits: Vec<FoundCredit>,
    /// Runs whose error names one of the ids.
    run_ids: Vec<u64>,
    /// Ids that were given and that no row has.
    not_found: u64,
}

impl Found {
    fn counts(&self) -> [(PurgeTable, u64); 6] {
        [
            (PurgeTable::Clicks, self.click_rows),
            (PurgeTable::Visitors, self.visitors.len() as u64),
            (PurgeTable::Conversions, self.conversions.len() as u64),
            (PurgeTable::Journeys, self.touches.len() as u64),
            (PurgeTable::Credits, self.credits.len() as u64),
            // Of these the error goes and the row stays.
            (PurgeTable::Runs, self.run_ids.len() as u64),
        ]
    }

    fn conversion_ids(&self) -> HashSet<u64> {
        self.conversions.iter().map(|row| row.conversion_id).collect()
    }

    /// The owner's other conversions that the subject's clicks are touches of.
    fn others(&self) -> Vec<u64> {
        let own = self.conversion_ids();
        let touches = self.touches.iter().filter(|touch| !touch.is_orphan);
        let ids: BTreeSet<u64> = touches.map(|touch| touch.conversion_id).collect();
        ids.into_iter().filter(|id| !own.contains(id)).collect()
    }

    fn hours(&self, others: &[StoredConversion]) -> BTreeSet<u32> {
        let conversions = self.conversions.iter().chain(others);
        let times = conversions.map(|row| row.conversion_time);
        times.chain(self.credits.iter().filter_map(|credit| credit.hour)).map(hour_of).collect()
    }
}

/// What is done in an hour.
#[derive(Default)]
struct HourPlan {
    conversion_ids: Vec<u64>,
    /// Conversions whose journeys are made anew.
    others: Vec<u64>,
    /// Conversions that lost their journeys to their age, though their credits know of more than
    /// one touch: for the rebuild they have them again.
    aged: Vec<u64>,
    /// Credits of the subject, wherever they hang.
    credit_ids: Vec<u64>,
}

impl<'a> Subject<'a> {
    pub(super) const fn of(options: &'a PurgeOptions) -> Self {
        Self { options }
    }

    /// Finds all rows. `known` are conversions that were the subject's, which may be gone.
    fn find(
        &self,
        reader: &mut impl PurgeReader,
        known: &[StoredConversion],
    ) -> Result<Found, Error> {
        let unique = |ids: &[u64]| ids.iter().copied().collect::<BTreeSet<u64>>();
        let (click_ids, asked) = match &self.options.target {
            PurgeTarget::Clicks(ids) => (unique(ids), BTreeSet::new()),
            PurgeTarget::Visitor(visitor) => {
                (unique(&reader.clicks_of_visitor(*visitor)?), BTreeSet::new())
            }
            PurgeTarget::Conversions(ids) => (BTreeSet::new(), unique(ids)),
            PurgeTarget::Owner | PurgeTarget::Age(_) => {
                return Err(Error::Internal("this target is no subject".into()));
            }
        };
        let click_ids: Vec<u64> = click_ids.into_iter().collect();
        let asked: Vec<u64> = asked.into_iter().collect();
        let conversions = if asked.is_empty() {
            reader.conversions_by(By::Click, &click_ids)?
        } else {
            reader.conversions_by(By::Conversion, &asked)?
        };
        let mut all: BTreeMap<u64, StoredConversion> =
            known.iter().map(|row| (row.conversion_id, *row)).collect();
        all.extend(conversions.iter().map(|row| (row.conversion_id, *row)));
        let all_ids: Vec<u64> = all.keys().copied().chain(asked.iter().copied()).collect();

        let mut touches = reader.touches_by(By::Click, &click_ids)?;
        touches.append(&mut reader.touches_by(By::Conversion, &all_ids)?);
        touches.sort_unstable_by_key(|touch| touch.touch_id);
        touches.dedup_by_key(|touch| touch.touch_id);

        let mut credits = reader.credits_by_click(&click_ids)?;
        let own_clicks: Vec<u64> = all.values().map(|row| row.click_id).collect();
        let of_own = reader.credits_by_click(&own_clicks)?;
        credits.extend(of_own.into_iter().filter(|credit| all.contains_key(&credit.conversion_id)));
        let mut hours: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
        for row in all.values() {
            hours.entry(hour_of(row.conversion_time)).or_default().insert(row.conversion_id);
        }
        for (hour, ids) in hours {
            let (Some(first), Some(last)) = (ids.first(), ids.last()) else { continue };
            let of_hour = reader.credits_of_hour(hour, *first..=*last)?;
            credits.extend(of_hour.into_iter().filter(|row| ids.contains(&row.conversion_id)));
        }
        credits.sort_unstable_by_key(|credit| credit.credit_id);
        credits.dedup_by_key(|credit| credit.credit_id);

        // What hangs on nothing is nobody's, but where its click is only another owner's.
        let mut looked_up = click_ids.clone();
        looked_up.extend(touches.iter().filter(|row| row.is_orphan).map(|row| row.click_id));
        let rows = reader.click_rows(&looked_up)?;
        let others: HashSet<u64> = rows.iter().filter(|(_, own)| !own).map(|(id, _)| *id).collect();
        touches.retain(|row| !row.is_orphan || !others.contains(&row.click_id));
        credits.retain(|row| {
            row.hour.is_some()
                || all.contains_key(&row.conversion_id)
                || !others.contains(&row.click_id)
        });
        let mut visitors = reader.visitor_rows(&click_ids)?;
        visitors.retain(|id| !others.contains(id));

        let mut named: HashSet<u64> = click_ids.iter().chain(&all_ids).copied().collect();
        if let PurgeTarget::Visitor(visitor) = &self.options.target {
            named.insert(*visitor);
        }
        let errors = reader.run_errors()?;
        let run_ids = errors.iter().filter(|(_, error)| names_any(error, &named));
        let run_ids = run_ids.map(|(id, _)| *id).collect();

        let asked_clicks: HashSet<u64> = click_ids.iter().copied().collect();
        let own = rows.iter().filter(|(id, own)| *own && asked_clicks.contains(id));
        let own: Vec<u64> = own.map(|(id, _)| *id).collect();
        let mut found = Found {
            click_rows: own.len() as u64,
            click_ids,
            visitors,
            conversions,
            touches,
            credits,
            run_ids,
            not_found: 0,
        };
        let there: HashSet<u64> = if asked.is_empty() {
            let ids = own.into_iter().chain(found.visitors.iter().copied());
            let ids = ids.chain(found.conversions.iter().map(|row| row.click_id));
            let ids = ids.chain(found.touches.iter().map(|row| row.click_id));
            ids.chain(found.credits.iter().map(|row| row.click_id)).collect()
        } else {
            let ids = found.touches.iter().map(|row| row.conversion_id);
            ids.chain(found.conversions.iter().map(|row| row.conversion_id)).collect()
        };
        found.not_found = if let PurgeTarget::Visitor(_) = &self.options.target {
            u64::from(there.is_empty())
        } else {
            let ids = if asked.is_empty() { &found.click_ids } else { &asked };
            ids.iter().filter(|id| !there.contains(*id)).count() as u64
        };
        Ok(found)
    }

    /// Counts what there is.
    pub(super) fn look(
        &self,
        reader: &mut impl PurgeReader,
        report: &mut PurgeReport,
    ) -> Result<(), Error> {
        let found = self.find(reader, &[])?;
        let others = reader.conversions_by(By::Conversion, &found.others())?;
        let mut hours = BTreeSet::new();
        for hour in found.hours(&others) {
            if !reader.snapshots_of_hour(hour)?.is_empty() {
                hours.insert(hour);
            }
        }
        report.not_found = found.not_found;
        report.tables = found
            .counts()
            .map(|(table, rows)| PurgedTable {
                table: table.name(),
                found: rows,
                removed: 0,
                left: rows,
            })
            .into();
        report.hours_rebuilt = hours.len() as u64;
        report.exports_of_rebuilt_hours = covering(reader, &hours)?;
        Ok(())
    }

    pub(super) fn purge<R: Run>(
        &self,
        run: &R,
        worker: &mut R::Worker,
        feedable: ScopeSet,
        progress: &dyn Progress,
        report: &mut PurgeReport,
    ) -> Result<(), Error>
    where
        R::Worker: PurgeWorker,
    {
        go_on(progress, Phase::Reading, 0, 0)?;
        let found = self.find(worker, &[])?;
        // At first, while it is known which conversions were the subject's.
        for part in found.run_ids.chunks(MOST) {
            worker.transaction(&[], &mut |worker| {
                let rows_written = worker.clear_run_errors(part)?;
                Ok(Checkpoint { done: 0, rows_written })
            })?;
        }
        // While there are the conversions by whose clicks their credits are found.
        purge_orphans(worker, &found, progress, report)?;
        let rebuilt = self.purge_hours(run, worker, feedable, &found, progress, report)?;
        purge_clicks(worker, &found, progress, report)?;

        report.not_found = found.not_found;
        report.hours_rebuilt = rebuilt.len() as u64;
        report.exports_of_rebuilt_hours = covering(worker, &rebuilt)?;
        let left = self.find(worker, &found.conversions)?;
        report.tables = found
            .counts()
            .into_iter()
            .zip(left.counts())
            .map(|((table, found), (_, left))| PurgedTable {
                table: table.name(),
                found,
                removed: found.saturating_sub(left),
                left,
            })
            .collect();
        Ok(())
    }

    /// Gives the hours that had snapshots.
    fn purge_hours<R: Run>(
        &self,
        run: &R,
        worker: &mut R::Worker,
        feedable: ScopeSet,
        found: &Found,
        progress: &dyn Progress,
        report: &mut PurgeReport,
    ) -> Result<BTreeSet<u32>, Error>
    where
        R::Worker: PurgeWorker,
    {
        let mut others = worker.conversions_by(By::Conversion, &found.others())?;
        let hours = found.hours(&others);
        let mut plans: BTreeMap<u32, HourPlan> =
            hours.iter().map(|hour| (*hour, HourPlan::default())).collect();
        let mut plan = |time: u32, change: &mut dyn FnMut(&mut HourPlan)| {
            change(plans.entry(hour_of(time)).or_default());
        };
        for row in &found.conversions {
            plan(row.conversion_time, &mut |plan| plan.conversion_ids.push(row.conversion_id));
        }
        for row in &others {
            plan(row.conversion_time, &mut |plan| plan.others.push(row.conversion_id));
        }
        for row in &found.credits {
            if let Some(hour) = row.hour {
                plan(hour, &mut |plan| plan.credit_ids.push(row.credit_id));
            }
        }

        let mut rebuild = HourRebuild::new(run, worker, feedable)?;
        let left_out = found.conversion_ids();
        let mut conversions = HourConversions::read(worker, &hours, &left_out, progress)?;
        let mut each = conversions.hours()?;
        for (hour, plan) in &mut plans {
            go_on(progress, Phase::Reading, 0, 0)?;
            let aged = without_journeys(worker, &rebuild, *hour, &mut each.of(*hour)?)?;
            plan.aged = aged.iter().map(|row| row.conversion_id).collect();
            others.extend(aged);
        }
        let clicks: HashSet<u64> = found.click_ids.iter().copied().collect();
        let journeys =
            journeys_without(run, worker, self.options.journeys, &mut others, &clicks, progress)?;

        let (mut rebuilt, total) = (BTreeSet::new(), plans.len() as u64);
        let mut each = conversions.hours()?;
        for (done, (hour, plan)) in plans.iter().enumerate() {
            go_on(progress, Phase::Writing, done as u64, total)?;
            let mut of_hour = each.of(*hour)?;
            if purge_hour(worker, &mut rebuild, *hour, plan, &journeys, &mut of_hour)? {
                rebuilt.insert(*hour);
            }
            report.batches += 1;
        }
        Ok(rebuilt)
    }
}

/// Whether a text has one of these numbers.
fn names_any(text: &str, ids: &HashSet<u64>) -> bool {
    let numbers = text.split(|letter: char| !letter.is_ascii_digit());
    numbers.filter_map(|number| number.parse().ok()).any(|number: u64| ids.contains(&number))
}

/// Those of an hour's conversions that have no stored journey, though their credits, which are of a
/// journey, name other clicks than their own.
fn without_journeys<W: PurgeWorker>(
    worker: &mut W,
    rebuild: &HourRebuild,
    hour: u32,
    conversions: &mut Spool<StoredConversion>,
) -> Result<Vec<StoredConversion>, Error> {
    let mut rows = HashMap::new();
    let mut reader = conversions.read()?;
    while let Some(row) = reader.next()? {
        if row.campaign_id.is_none_or(|id| rebuild.is_on(id)) {
            rows.insert(row.conversion_id, row);
        }
    }
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids = BTreeSet::new();
    for credit in worker.credits_of_hour(hour, 0..=u64::MAX)? {
        if rows.get(&credit.conversion_id).is_some_and(|row| row.click_id != credit.click_id) {
            ids.insert(credit.conversion_id);
        }
    }
    let ids: Vec<u64> = ids.into_iter().collect();
    for touch in worker.journeys(&ids)? {
        rows.remove(&touch.conversion_id);
    }
    Ok(ids.iter().filter_map(|id| rows.get(id).copied()).collect())
}

/// Does what is to be done in an hour, in one transaction; says whether it had snapshots.
fn purge_hour<W: PurgeWorker>(
    worker: &mut W,
    rebuild: &mut HourRebuild,
    hour: u32,
    plan: &HourPlan,
    journeys: &HashMap<u64, Vec<JourneyValues>>,
    conversions: &mut Spool<StoredConversion>,
) -> Result<bool, Error> {
    worker.work_on(Window::new(hour, hour.saturating_add(SECONDS_PER_HOUR))?);
    let models = rebuild.model_rows().to_vec();
    let of = |ids: &[u64]| -> Vec<JourneyValues> {
        ids.iter().filter_map(|id| journeys.get(id)).flatten().copied().collect()
    };
    let mut has_snapshots = false;
    worker.transaction(&models, &mut |worker| {
        let mut rows_written = worker.delete_conversions(&plan.conversion_ids)?;
        rows_written += worker.delete_journeys_of(&plan.conversion_ids)?;
        for ids in plan.others.chunks(MOST) {
            let (delete, insert) = difference(worker.journey_rows(ids)?, of(ids));
            rows_written += (delete.len() + insert.len()) as u64;
            let delete: Vec<u64> = delete.into_iter().map(|(_, id)| id).collect();
            worker.delete(ResultTable::Journeys, &delete)?;
            worker.insert_journey_rows(&insert)?;
        }
        let found = worker.snapshots_of_hour(hour)?;
        has_snapshots = !found.is_empty();
        if has_snapshots {
            // Nobody else ever sees these journeys.
            worker.insert_journey_rows(&of(&plan.aged))?;
            let ids: Vec<u64> = found.iter().map(|row| row.snapshot_id).collect();
            let credited = worker.with_credits(&ids)?.into_iter().collect();
            let by = worker.written_by(hour)?;
            rows_written += rebuild.rebuild(worker, hour, &found, &by, &credited, conversions)?;
            worker.delete_journeys_of(&plan.aged)?;
        }
        rows_written += worker.delete_ids(ResultTable::Credits, &plan.credit_ids)?;
        Ok(Checkpoint { done: 1, rows_written })
    })?;
    Ok(has_snapshots)
}

/// Touches and credits that hang on nothing.
fn purge_orphans<W: PurgeWorker>(
    worker: &mut W,
    found: &Found,
    progress: &dyn Progress,
    report: &mut PurgeReport,
) -> Result<(), Error> {
    let touches = found.touches.iter().filter(|touch| touch.is_orphan);
    let touches: Vec<u64> = touches.map(|touch| touch.touch_id).collect();
    let credits = found.credits.iter().filter(|credit| credit.hour.is_none());
    let credits: Vec<u64> = credits.map(|credit| credit.credit_id).collect();
    for (table, ids) in [(ResultTable::Journeys, touches), (ResultTable::Credits, credits)] {
        for part in ids.chunks(MOST) {
            go_on(progress, Phase::Writing, 0, 0)?;
            worker.transaction(&[], &mut |worker| {
                let rows_written = worker.delete_ids(table, part)?;
                Ok(Checkpoint { done: 0, rows_written })
            })?;
            report.batches += 1;
        }
    }
    Ok(())
}

fn purge_clicks<W: PurgeWorker>(
    worker: &mut W,
    found: &Found,
    progress: &dyn Progress,
    report: &mut PurgeReport,
) -> Result<(), Error> {
    let visitors: HashSet<u64> = found.visitors.iter().copied().collect();
    let total = found.click_ids.len() as u64;
    let mut done = 0;
    for part in found.click_ids.chunks(MOST) {
        go_on(progress, Phase::Writing, done, total)?;
        done += part.len() as u64;
        let known: Vec<u64> = part.iter().copied().filter(|id| visitors.contains(id)).collect();
        worker.transaction(&[], &mut |worker| {
            let rows_written = worker.delete_clicks(part)? + worker.delete_visitors(&known)?;
            Ok(Checkpoint { done: 0, rows_written })
        })?;
        report.batches += 1;
    }
    Ok(())
}

/// How many finished exports cover one of these hours.
fn covering(reader: &mut impl PurgeReader, hours: &BTreeSet<u32>) -> Result<u64, Error> {
    if hours.is_empty() {
        return Ok(0);
    }
    let exports = reader.finished_exports()?;
    let covers = |(start, end): &(u64, u64)| {
        let start = u32::try_from(*start).map_or(u32::MAX, hour_of);
        hours.range(start..).next().is_some_and(|hour| u64::from(*hour) < *end)
    };
    Ok(exports.iter().filter(|export| covers(export)).count() as u64)
}
