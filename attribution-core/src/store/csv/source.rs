//! The two input files: clicks and conversions.

use std::path::{Path, PathBuf};

use super::row::{Column, LineMap, Row};
use super::table::{RowReader, Table};
use super::visitors::Visitors;
use crate::domain::clicks::{Clicks, Conversions};
use crate::domain::id_index::IdIndex;
use crate::engine::calculate::resolve_threads;
use crate::ground::error::{Defect, Defects, Error};
use crate::ground::scope::{ScopeSet, ScopeType};
use crate::job::progress::{Phase, Progress, go_on};
use crate::job::store::{Dataset, Source};

const fn required(name: &'static str) -> Column {
    Column { name, required: true }
}

const fn optional(name: &'static str) -> Column {
    Column { name, required: false }
}

const CLICK_COLUMNS: &[Column] = &[
    required("click_id"),
    required("click_time"),
    required("visitor_id"),
    required("cost"),
    optional("filtered"),
    required("campaign_id"),
    required("ppc_account_id"),
    required("landing_page_id"),
    optional("advertiser_id"),
    optional("traffic_source_id"),
    optional("adgroup_id"),
];
/// The dimensions from the sixth click column on.
const CLICK_DIMENSIONS: [(usize, ScopeType); 6] = [
    (5, ScopeType::Campaign),
    (6, ScopeType::Account),
    (7, ScopeType::LandingPage),
    (8, ScopeType::Advertiser),
    (9, ScopeType::TrafficSource),
    (10, ScopeType::Adgroup),
];

const CONVERSION_COLUMNS: &[Column] = &[
    required("conv_id"),
    required("click_id"),
    required("conv_time"),
    required("payout"),
    optional("campaign_id"),
    optional("cost"),
];

/// Clicks and conversions in two CSV files, plain or gzip, their columns found by the header:
///
/// - clicks: `click_id`, `click_time`, `visitor_id`, `campaign_id`, `ppc_account_id`,
///   `landing_page_id`, `cost`; optional `filtered`, `advertiser_id`, `traffic_source_id`,
///   `adgroup_id`
/// - conversions: `conv_id`, `click_id`, `conv_time`, `payout`; optional `campaign_id`, `cost`
///
/// Times are unix seconds or RFC 3339. Reading finds every defect of both files.
///
/// ```
/// use attribution_core::{CsvSource, Source};
/// let error = CsvSource::new("no-clicks.csv", "no-conversions.csv").read(&()).unwrap_err();
/// assert!(error.to_string().starts_with("no-clicks.csv: the file cannot be opened"));
/// ```
#[derive(Debug, Clone)]
pub struct CsvSource {
    clicks: PathBuf,
    conversions: PathBuf,
    scopes: ScopeSet,
    threads: usize,
}

impl CsvSource {
    /// The two files, opened when they are read.
    ///
    /// ```
    /// let source = attribution_core::CsvSource::new("clicks.csv", "conversions.csv.gz");
    /// ```
    pub fn new(clicks: impl Into<PathBuf>, conversions: impl Into<PathBuf>) -> Self {
        Self {
            clicks: clicks.into(),
            conversions: conversions.into(),
            scopes: ScopeSet::GLOBAL,
            threads: 0,
        }
    }

    /// The scopes that snapshots are wanted for: their columns are required, and the columns of
    /// the others are checked but not kept.
    ///
    /// ```
    /// use attribution_core::{CsvSource, ScopeSet};
    /// let source = CsvSource::new("clicks.csv", "conversions.csv")
    ///     .scopes("global,advertiser".parse::<ScopeSet>()?);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    #[must_use]
    pub const fn scopes(mut self, scopes: ScopeSet) -> Self {
        self.scopes = scopes;
        self
    }

    /// On how many threads plain files are read; 0, the default, means one for each processor.
    ///
    /// ```
    /// let source = attribution_core::CsvSource::new("clicks.csv", "conversions.csv").threads(1);
    /// ```
    #[must_use]
    pub const fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }
}

impl Source for CsvSource {
    fn read(&mut self, progress: &dyn Progress) -> Result<Dataset, Error> {
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let total = size(&self.clicks) + size(&self.conversions);
        let mut defects = Defects::default();
        let threads = resolve_threads(self.threads);
        let clicks = read_clicks(&self.clicks, self.scopes, threads, &mut defects, &|bytes| {
            go_on(progress, Phase::Reading, bytes, total)
        })?;
        let before = size(&self.clicks);
        let conversions = read_conversions(&self.conversions, threads, &mut defects, &|bytes| {
            go_on(progress, Phase::Reading, before + bytes, total)
        })?;
        if let (Some(read), Some((conversions, lines))) = (&clicks, &conversions) {
            check_converting_clicks(read, conversions, lines, &self.conversions, &mut defects);
        }
        defects.into_result()?;
        match (clicks, conversions) {
            (Some(read), Some((conversions, _))) => {
                Ok(Dataset { clicks: read.clicks, conversions })
            }
            _ => Err(Error::Internal("a file was refused without a defect".into())),
        }
    }
}

/// What was read of the clicks.
struct ReadClicks {
    clicks: Clicks,
    index: IdIndex,
    /// Whether every row's id could be read.
    complete: bool,
}

/// Notes each id that is there again, and indexes the column.
fn index_ids(
    ids: &[u64],
    column: &str,
    path: &Path,
    lines: &LineMap,
    defects: &mut Defects,
) -> IdIndex {
    IdIndex::build(ids, |first, later| {
        let file = path.display();
        defects.push(Defect::new(
            format!("{file}:{}: {column}", lines.line(later as usize)),
            format!("found {} again", ids[later as usize]),
            format!("each id once (it is on line {})", lines.line(first as usize)),
        ));
    })
}

/// Rows of clicks; the visitors are names yet.
#[derive(Default)]
struct ClickRows {
    clicks: Clicks,
    names: Vec<u8>,
    /// Where each row's visitor ends among the names.
    name_ends: Vec<usize>,
    /// Whether every row's id could be read.
    complete: bool,
}

/// Reads rows of clicks.
struct ClickReader {
    /// The columns of the dimensions that the file has, and where they are kept, if they are.
    dimensions: Vec<(usize, Option<usize>)>,
}

impl RowReader<ClickRows> for ClickReader {
    fn begin(&self) -> ClickRows {
        let mut rows = ClickRows { complete: true, ..ClickRows::default() };
        for place in self.dimensions.iter().filter_map(|(_, kept)| *kept) {
            rows.clicks.dimensions.0[place] = Some(Vec::new());
        }
        rows
    }

    fn rows(&self, rows: &ClickRows) -> usize {
        rows.clicks.len()
    }

    fn skip(&self, rows: &mut ClickRows) {
        rows.complete = false;
    }

    fn read(&self, rows: &mut ClickRows, row: &mut Row<'_>) {
        let id = row.id(0);
        let (time, cost, filtered) = (row.time(1), row.cost(3), row.flag(4));
        let mut ids = [0; CLICK_DIMENSIONS.len()];
        for (id, (column, _)) in ids.iter_mut().zip(&self.dimensions) {
            *id = row.optional_id(*column).unwrap_or(0);
        }
        // A row without an id has been noted, and nothing else can be said of it.
        let Some(click_id) = id else {
            rows.complete = false;
            return;
        };
        rows.clicks.click_ids.push(click_id);
        rows.clicks.click_times.push(time);
        rows.names.extend_from_slice(row.bytes(2));
        rows.name_ends.push(rows.names.len());
        rows.clicks.costs.push(cost);
        rows.clicks.filtered.push(filtered);
        for (id, (_, kept)) in ids.into_iter().zip(&self.dimensions) {
            if let Some(column) = kept.and_then(|place| rows.clicks.dimensions.0[place].as_mut()) {
                column.push(id);
            }
        }
    }
}

fn read_clicks(
    path: &Path,
    scopes: ScopeSet,
    threads: usize,
    defects: &mut Defects,
    report: &dyn Fn(u64) -> Result<(), Error>,
) -> Result<Option<ReadClicks>, Error> {
    let names: Vec<&str> = CLICK_DIMENSIONS
        .into_iter()
        .filter(|(_, scope_type)| scopes.contains(*scope_type))
        .map(|(column, _)| CLICK_COLUMNS[column].name)
        .collect();
    let Some(table) = Table::open(path, CLICK_COLUMNS, &names, defects)? else {
        return Ok(None);
    };
    // Journeys need the campaign whatever the scopes.
    let kept = scopes.with(ScopeType::Campaign);
    let reader = ClickReader {
        dimensions: CLICK_DIMENSIONS
            .into_iter()
            .filter(|(column, _)| table.header.has(*column))
            .map(|(column, scope_type)| {
                (column, scope_type.dimension().filter(|_| kept.contains(scope_type)))
            })
            .collect(),
    };
    let ClickRows { mut clicks, mut complete, .. } = reader.begin();
    let mut visitors = Visitors::default();
    let mut lines = LineMap::default();
    report(0)?;
    table.read_rows(&reader, threads, defects, |mut rows| {
        lines.append(&rows.lines, clicks.len(), rows.first_line);
        complete &= rows.data.complete;
        let more = &mut rows.data.clicks;
        clicks.click_ids.append(&mut more.click_ids);
        clicks.click_times.append(&mut more.click_times);
        clicks.costs.append(&mut more.costs);
        clicks.filtered.append(&mut more.filtered);
        for (column, more) in clicks.dimensions.0.iter_mut().zip(&mut more.dimensions.0) {
            if let (Some(column), Some(more)) = (column, more) {
                column.append(more);
            }
        }
        let mut start = 0;
        for end in rows.data.name_ends {
            clicks.visitors.push(visitors.number(&rows.data.names[start..end]));
            start = end;
        }
        report(rows.end)
    })?;
    let index = index_ids(&clicks.click_ids, "click_id", path, &lines, defects);
    Ok(Some(ReadClicks { clicks, index, complete }))
}

/// Reads rows of conversions.
struct ConversionReader;

impl RowReader<Conversions> for ConversionReader {
    fn begin(&self) -> Conversions {
        Conversions::default()
    }

    fn rows(&self, conversions: &Conversions) -> usize {
        conversions.len()
    }

    fn skip(&self, _: &mut Conversions) {}

    fn read(&self, conversions: &mut Conversions, row: &mut Row<'_>) {
        let (id, click_id) = (row.id(0), row.id(1));
        let (time, payout) = (row.time(2), row.money(3));
        let (campaign_id, cost) = (row.optional_id(4), row.optional_cost(5));
        // A row without its ids has been noted, and nothing else can be said of it.
        if let (Some(id), Some(click_id)) = (id, click_id) {
            conversions.conversion_ids.push(id);
            conversions.click_ids.push(click_id);
            conversions.conversion_times.push(time);
            conversions.payouts.push(payout);
            conversions.campaign_ids.push(campaign_id);
            conversions.costs.push(cost);
            conversions.click_times.push(None);
        }
    }
}

fn read_conversions(
    path: &Path,
    threads: usize,
    defects: &mut Defects,
    report: &dyn Fn(u64) -> Result<(), Error>,
) -> Result<Option<(Conversions, LineMap)>, Error> {
    let Some(table) = Table::open(path, CONVERSION_COLUMNS, &[], defects)? else {
        return Ok(None);
    };
    let mut conversions = ConversionReader.begin();
    let mut lines = LineMap::default();
    report(0)?;
    table.read_rows(&ConversionReader, threads, defects, |mut rows| {
        lines.append(&rows.lines, conversions.len(), rows.first_line);
        conversions.append(&mut rows.data);
        report(rows.end)
    })?;
    index_ids(&conversions.conversion_ids, "conv_id", path, &lines, defects);
    Ok(Some((conversions, lines)))
}

/// Notes each conversion whose click is not among the clicks. Where some of the clicks could not be
/// read, nothing can be said.
fn check_converting_clicks(
    read: &ReadClicks,
    conversions: &Conversions,
    lines: &LineMap,
    path: &Path,
    defects: &mut Defects,
) {
    if !read.complete {
        return;
    }
    for (row, id) in conversions.click_ids.iter().enumerate() {
        if read.index.row(*id, &read.clicks.click_ids).is_none() {
            defects.push(Defect::new(
                format!("{}:{}: click_id", path.display(), lines.line(row)),
                format!("found click {id}, which is unknown"),
                "a click_id of the clicks",
            ));
        }
    }
}
