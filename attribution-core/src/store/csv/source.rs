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
        if let (Some(clicks), Some(conversions)) = (&clicks, &conversions) {
            check_converting_clicks(clicks, conversions, &self.conversions, &mut defects);
        }
        defects.into_result()?;
        match (clicks, conversions) {
            (Some(clicks), Some(conversions)) => {
                Ok(Dataset { clicks: clicks.data, conversions: conversions.data })
            }
            _ => Err(Error::Internal("a file was refused without a defect".into())),
        }
    }
}

/// What was read of a file.
struct Read<T> {
    data: T,
    lines: LineMap,
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
        rows.complete &= id.is_some();
        // A row without an id keeps its place, so that the columns stay in step; the defect that
        // was noted for it keeps anything from being made of it.
        rows.clicks.click_ids.push(id.unwrap_or(0));
        rows.clicks.click_times.push(row.time(1));
        rows.names.extend_from_slice(row.bytes(2));
        rows.name_ends.push(rows.names.len());
        rows.clicks.costs.push(row.cost(3));
        rows.clicks.filtered.push(row.flag(4));
        for (column, kept) in &self.dimensions {
            let id = row.optional_id(*column).unwrap_or(0);
            if let Some(ids) = kept.and_then(|place| rows.clicks.dimensions.0[place].as_mut()) {
                ids.push(id);
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
) -> Result<Option<Read<Clicks>>, Error> {
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
    let index = if complete {
        index_ids(&clicks.click_ids, "click_id", path, &lines, defects)
    } else {
        IdIndex::build(&[], |_, _| {})
    };
    Ok(Some(Read { data: clicks, lines, index, complete }))
}

/// Reads rows of conversions; the flag says whether every row's ids could be read.
struct ConversionReader;

impl RowReader<(Conversions, bool)> for ConversionReader {
    fn begin(&self) -> (Conversions, bool) {
        (Conversions::default(), true)
    }

    fn rows(&self, (conversions, _): &(Conversions, bool)) -> usize {
        conversions.len()
    }

    fn skip(&self, (_, complete): &mut (Conversions, bool)) {
        *complete = false;
    }

    fn read(&self, (conversions, complete): &mut (Conversions, bool), row: &mut Row<'_>) {
        let (id, click_id) = (row.id(0), row.id(1));
        *complete &= id.is_some() && click_id.is_some();
        conversions.conversion_ids.push(id.unwrap_or(0));
        conversions.click_ids.push(click_id.unwrap_or(0));
        conversions.conversion_times.push(row.time(2));
        conversions.payouts.push(row.money(3));
        conversions.campaign_ids.push(row.optional_id(4));
        conversions.costs.push(row.optional_cost(5));
        conversions.click_times.push(None);
    }
}

fn read_conversions(
    path: &Path,
    threads: usize,
    defects: &mut Defects,
    report: &dyn Fn(u64) -> Result<(), Error>,
) -> Result<Option<Read<Conversions>>, Error> {
    let Some(table) = Table::open(path, CONVERSION_COLUMNS, &[], defects)? else {
        return Ok(None);
    };
    let (mut conversions, mut complete) = ConversionReader.begin();
    let mut lines = LineMap::default();
    report(0)?;
    table.read_rows(&ConversionReader, threads, defects, |rows| {
        lines.append(&rows.lines, conversions.len(), rows.first_line);
        let (mut more, more_complete) = rows.data;
        complete &= more_complete;
        conversions.append(&mut more);
        report(rows.end)
    })?;
    let index = if complete {
        index_ids(&conversions.conversion_ids, "conv_id", path, &lines, defects)
    } else {
        IdIndex::build(&[], |_, _| {})
    };
    Ok(Some(Read { data: conversions, lines, index, complete }))
}

/// Notes each conversion whose click is not among the clicks. Where some rows could not be read,
/// nothing can be said.
fn check_converting_clicks(
    clicks: &Read<Clicks>,
    conversions: &Read<Conversions>,
    path: &Path,
    defects: &mut Defects,
) {
    if !clicks.complete || !conversions.complete {
        return;
    }
    for (row, id) in conversions.data.click_ids.iter().enumerate() {
        if clicks.index.row(*id, &clicks.data.click_ids).is_none() {
            defects.push(Defect::new(
                format!("{}:{}: click_id", path.display(), conversions.lines.line(row)),
                format!("found click {id}, which is unknown"),
                "a click_id of the clicks",
            ));
        }
    }
}
