//! Hourly totals by scope.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::ground::money::{Credit, Money};
use crate::ground::scope::{Scope, ScopeSet, ScopeType};

/// The totals of one model, scope and hour.
///
/// ```
/// use attribution_core::{BatchBuilder, Conversion, Engine, Model, Money, Scope};
/// let mut batch = BatchBuilder::new();
/// let payout = "35".parse::<Money>()?;
/// batch.push(&Conversion { conversion_time: 7_205, payout, ..Conversion::default() }, &[])?;
/// let results = Engine::new().calculate(&[Model::from_spec("linear")?], &batch.batch())?;
/// let snapshot = results[0].snapshots[0];
/// assert_eq!((snapshot.scope, snapshot.date_hour), (Scope::GLOBAL, 7_200));
/// assert_eq!((snapshot.attributed_conversions, snapshot.revenue), (1, payout));
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// The slice that is covered.
    pub scope: Scope,
    /// The unix second at which the conversions' hour begins.
    pub date_hour: u32,
    /// Credited touches in the scope.
    pub attributed_clicks: u64,
    /// Conversions with at least one credited touch in the scope.
    pub attributed_conversions: u64,
    /// The sum of the stored credits.
    pub credited_conversions: Credit,
    /// The sum of the touches' shares of payouts.
    pub revenue: Money,
    /// The sum of the touches' shares of costs.
    pub cost: Money,
}

/// What credited touches add to a snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amounts {
    pub(crate) clicks: u64,
    pub(crate) credit: u64,
    pub(crate) revenue: i64,
    pub(crate) cost: i64,
}

/// Totals as they grow, a cache line each.
#[derive(Debug, Clone, Copy)]
struct Cell {
    id: u64,
    hour: u32,
    clicks: u64,
    conversions: u64,
    credit: u64,
    revenue: i64,
    cost: i64,
    /// The number of the conversion that was counted here last.
    last_conversion: u64,
}

impl Cell {
    #[inline(always)]
    fn add(&mut self, amounts: Amounts, conversion: u64) {
        self.clicks += amounts.clicks;
        self.credit += amounts.credit;
        self.revenue += amounts.revenue;
        self.cost += amounts.cost;
        self.conversions += u64::from(self.last_conversion != conversion);
        self.last_conversion = conversion;
    }
}

/// The growing totals of one scope type, found by hour and id.
#[derive(Debug)]
struct ScopeTable {
    scope_type: ScopeType,
    cells: Vec<Cell>,
    hasher: DefaultHashBuilder,
    numbers: HashTable<u32>,
    /// Cells used lately, at a place that hour and id give: most look-ups end here.
    recent: Vec<u32>,
}

const RECENT: usize = 1 << 12;

impl ScopeTable {
    fn new(scope_type: ScopeType) -> Self {
        Self {
            scope_type,
            cells: Vec::new(),
            hasher: DefaultHashBuilder::default(),
            numbers: HashTable::new(),
            recent: vec![0; RECENT],
        }
    }

    #[inline(always)]
    fn cell(&mut self, hour: u32, id: u64) -> &mut Cell {
        // Fibonacci hashing: the product's high bits depend on every bit of both.
        let mixed = (id ^ u64::from(hour) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = (mixed >> 52) as usize % RECENT;
        let number = self.recent[place] as usize;
        if self.cells.get(number).is_some_and(|cell| cell.id == id && cell.hour == hour) {
            return &mut self.cells[number];
        }
        let number = self.find_or_insert(hour, id);
        self.recent[place] = number as u32;
        &mut self.cells[number]
    }

    #[inline(never)]
    fn find_or_insert(&mut self, hour: u32, id: u64) -> usize {
        let Self { cells, hasher, numbers, .. } = self;
        let hash = hasher.hash_one((hour, id));
        let same = |number: &u32| {
            let cell = &cells[*number as usize];
            cell.id == id && cell.hour == hour
        };
        if let Some(number) = numbers.find(hash, same) {
            return *number as usize;
        }
        let number = cells.len();
        numbers.insert_unique(hash, number as u32, |number| {
            let cell = &cells[*number as usize];
            hasher.hash_one((cell.hour, cell.id))
        });
        cells.push(Cell {
            id,
            hour,
            clicks: 0,
            conversions: 0,
            credit: 0,
            revenue: 0,
            cost: 0,
            last_conversion: u64::MAX,
        });
        number
    }
}

/// The growing totals of one model. Tables of separate conversions merge by adding.
#[derive(Debug)]
pub(crate) struct SnapshotTable {
    scopes: Vec<ScopeTable>,
    conversions: u64,
}

impl SnapshotTable {
    pub(crate) fn new(scopes: ScopeSet) -> Self {
        Self { scopes: scopes.iter().map(ScopeTable::new).collect(), conversions: 0 }
    }

    /// Begins a conversion: every credited touch until the next call belongs to it.
    #[inline(always)]
    pub(crate) fn begin_conversion(&mut self) {
        self.conversions += 1;
    }

    /// The scope types, with their place for [`SnapshotTable::add`].
    pub(crate) fn scope_types(&self) -> impl Iterator<Item = ScopeType> {
        self.scopes.iter().map(|table| table.scope_type)
    }

    /// Adds to the scope at `place`.
    #[inline(always)]
    pub(crate) fn add(&mut self, place: usize, hour: u32, id: u64, amounts: Amounts) {
        let conversion = self.conversions;
        self.scopes[place].cell(hour, id).add(amounts, conversion);
    }

    /// Adds another table's totals, of other conversions but the same scopes.
    pub(crate) fn merge(&mut self, other: Self) {
        for (table, other) in self.scopes.iter_mut().zip(other.scopes) {
            for more in other.cells {
                let number = table.find_or_insert(more.hour, more.id);
                let cell = &mut table.cells[number];
                cell.clicks += more.clicks;
                cell.conversions += more.conversions;
                cell.credit += more.credit;
                cell.revenue += more.revenue;
                cell.cost += more.cost;
            }
        }
    }

    /// The snapshots, ordered by scope type, scope id and hour.
    pub(crate) fn into_snapshots(self) -> Vec<Snapshot> {
        let mut snapshots = Vec::with_capacity(self.scopes.iter().map(|t| t.cells.len()).sum());
        for mut table in self.scopes {
            table.cells.sort_unstable_by_key(|cell| (cell.id, cell.hour));
            snapshots.extend(table.cells.iter().map(|cell| Snapshot {
                scope: match table.scope_type {
                    ScopeType::Global => Scope::GLOBAL,
                    scope_type => Scope::of_dimension(scope_type, cell.id),
                },
                date_hour: cell.hour,
                attributed_clicks: cell.clicks,
                attributed_conversions: cell.conversions,
                credited_conversions: Credit::from_units(cell.credit),
                revenue: Money::from_units(cell.revenue),
                cost: Money::from_units(cell.cost),
            }));
        }
        snapshots
    }
}
