//! The two input files: clicks and conversions.

use std::hash::BuildHasher;
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::reader::{Column, LineMap, Table};
use crate::domain::clicks::{Clicks, Conversions};
use crate::domain::id_index::IdIndex;
use crate::ground::error::{Defect, Defects, Error};
use crate::ground::scope::{ScopeSet, ScopeType};
use crate::job::progress::{Phase, Progress, go_on};
use crate::store::{Dataset, Source};

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

/// Rows between two looks at the progress.
const ROWS_BETWEEN_REPORTS: usize = 1 << 14;

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
}

impl CsvSource {
    /// The two files, opened when they are read.
    ///
    /// ```
    /// let source = attribution_core::CsvSource::new("clicks.csv", "conversions.csv.gz");
    /// ```
    pub fn new(clicks: impl Into<PathBuf>, conversions: impl Into<PathBuf>) -> Self {
        Self { clicks: clicks.into(), conversions: conversions.into(), scopes: ScopeSet::GLOBAL }
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
}

impl Source for CsvSource {
    fn read(&mut self, progress: &dyn Progress) -> Result<Dataset, Error> {
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let total = size(&self.clicks) + size(&self.conversions);
        let mut defects = Defects::default();
        let clicks = read_clicks(&self.clicks, self.scopes, &mut defects, &|bytes| {
            go_on(progress, Phase::Reading, bytes, total)
        })?;
        let before = size(&self.clicks);
        let conversions = read_conversions(&self.conversions, &mut defects, &|bytes| {
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

fn read_clicks(
    path: &Path,
    scopes: ScopeSet,
    defects: &mut Defects,
    report: &dyn Fn(u64) -> Result<(), Error>,
) -> Result<Option<Read<Clicks>>, Error> {
    let names: Vec<&str> = CLICK_DIMENSIONS
        .into_iter()
        .filter(|(_, scope_type)| scopes.contains(*scope_type))
        .map(|(column, _)| CLICK_COLUMNS[column].name)
        .collect();
    let Some(mut table) = Table::open(path, CLICK_COLUMNS, &names, defects)? else {
        return Ok(None);
    };
    let mut clicks = Clicks::default();
    // Journeys need the campaign whatever the scopes.
    for scope_type in scopes.with(ScopeType::Campaign).iter() {
        clicks.dimensions = clicks.dimensions.with(scope_type, Vec::new());
    }
    let dimensions: Vec<(usize, Option<usize>)> = CLICK_DIMENSIONS
        .into_iter()
        .filter(|(column, _)| table.has(*column))
        .map(|(column, scope_type)| {
            let kept = scope_type.dimension();
            (column, kept.filter(|place| clicks.dimensions.0[*place].is_some()))
        })
        .collect();
    let mut visitors = Visitors::default();
    let (mut lines, mut complete) = (LineMap::default(), true);
    let mut record = ByteRecord::new();
    let mut rows = 0;
    loop {
        if rows % ROWS_BETWEEN_REPORTS == 0 {
            report(table.bytes())?;
        }
        rows += 1;
        let Some(mut row) = table.next(&mut record, defects)? else { break };
        if !row.is_sound() {
            complete = false;
            continue;
        }
        let id = row.id(0);
        let time = row.time(1);
        let visitor = visitors.number(row.bytes(2));
        let cost = row.cost(3);
        let filtered = row.flag(4);
        for (column, kept) in &dimensions {
            let id = row.optional_id(*column).unwrap_or(0);
            if let Some(ids) = kept.and_then(|place| clicks.dimensions.0[place].as_mut()) {
                ids.push(id);
            }
        }
        if id.is_none() {
            complete = false;
        }
        // A row without an id keeps its place, so that the columns stay in step; the defect that
        // was noted for it keeps anything from being made of it.
        lines.note(clicks.click_ids.len(), row.line());
        clicks.click_ids.push(id.unwrap_or(0));
        clicks.click_times.push(time);
        clicks.visitors.push(visitor);
        clicks.costs.push(cost);
        clicks.filtered.push(filtered);
    }
    report(table.bytes())?;
    let index = if complete {
        index_ids(&clicks.click_ids, "click_id", path, &lines, defects)
    } else {
        IdIndex::build(&[], |_, _| {})
    };
    Ok(Some(Read { data: clicks, lines, index, complete }))
}

fn read_conversions(
    path: &Path,
    defects: &mut Defects,
    report: &dyn Fn(u64) -> Result<(), Error>,
) -> Result<Option<Read<Conversions>>, Error> {
    let Some(mut table) = Table::open(path, CONVERSION_COLUMNS, &[], defects)? else {
        return Ok(None);
    };
    let mut conversions = Conversions::default();
    let (mut lines, mut complete) = (LineMap::default(), true);
    let mut record = ByteRecord::new();
    let mut rows = 0;
    loop {
        if rows % ROWS_BETWEEN_REPORTS == 0 {
            report(table.bytes())?;
        }
        rows += 1;
        let Some(mut row) = table.next(&mut record, defects)? else { break };
        if !row.is_sound() {
            complete = false;
            continue;
        }
        let (id, click_id) = (row.id(0), row.id(1));
        if id.is_none() || click_id.is_none() {
            complete = false;
        }
        lines.note(conversions.conversion_ids.len(), row.line());
        conversions.conversion_ids.push(id.unwrap_or(0));
        conversions.click_ids.push(click_id.unwrap_or(0));
        conversions.conversion_times.push(row.time(2));
        conversions.payouts.push(row.money(3));
        conversions.campaign_ids.push(row.optional_id(4));
        conversions.costs.push(row.optional_cost(5));
        conversions.click_times.push(None);
    }
    report(table.bytes())?;
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

/// Visitors, any text each, numbered from 1 as they come; 0 is the unknown one.
#[derive(Default)]
struct Visitors {
    hasher: DefaultHashBuilder,
    numbers: HashTable<u32>,
    text: Vec<u8>,
    /// Where each visitor's text ends.
    ends: Vec<usize>,
}

impl Visitors {
    fn number(&mut self, visitor: &[u8]) -> u64 {
        if visitor.is_empty() {
            return 0;
        }
        let Self { hasher, numbers, text, ends } = self;
        let text_of = |text: &[u8], ends: &[usize], number: u32| {
            let number = number as usize;
            let start = number.checked_sub(1).map_or(0, |before| ends[before]);
            start..ends[number].min(text.len())
        };
        let hash = hasher.hash_one(visitor);
        let same = |number: &u32| text[text_of(text, ends, *number)] == *visitor;
        if let Some(number) = numbers.find(hash, same) {
            return u64::from(*number) + 1;
        }
        let number = ends.len() as u32;
        text.extend_from_slice(visitor);
        ends.push(text.len());
        numbers.insert_unique(hash, number, |number| {
            hasher.hash_one(&text[text_of(text, ends, *number)])
        });
        u64::from(number) + 1
    }
}
