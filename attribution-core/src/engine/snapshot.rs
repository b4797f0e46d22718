//! Hourly totals by scope.

use hashbrown::HashMap;

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

/// Totals as they grow.
#[derive(Debug, Clone, Copy)]
struct Cell {
    /// The scope's id; 0 in global's cell, and in one that is free.
    id: u64,
    clicks: u64,
    conversions: u64,
    credit: u64,
    revenue: i64,
    cost: i64,
    /// The number of the conversion that was counted here last.
    last_conversion: u64,
}

impl Cell {
    const FREE: Self = Self {
        id: 0,
        clicks: 0,
        conversions: 0,
        credit: 0,
        revenue: 0,
        cost: 0,
        last_conversion: 0,
    };

    #[inline(always)]
    fn add(&mut self, amounts: Amounts, conversion: u64) {
        self.clicks += amounts.clicks;
        self.credit += amounts.credit;
        self.revenue += amounts.revenue;
        self.cost += amounts.cost;
        self.conversions += u64::from(self.last_conversion != conversion);
        self.last_conversion = conversion;
    }

    fn merge(&mut self, more: &Self) {
        self.clicks += more.clicks;
        self.conversions += more.conversions;
        self.credit += more.credit;
        self.revenue += more.revenue;
        self.cost += more.cost;
    }
}

/// The cells of one hour and scope type, found by id: open addressing, at most half full, since a
/// look-up for each touch and scope is the engine's hottest step. An hour has few ids, so the
/// cells in use stay in the nearest cache.
#[derive(Debug)]
struct IdCells {
    /// A power of two of them.
    cells: Vec<Cell>,
    used: usize,
    /// What leaves of 64 bits as many as number the cells.
    shift: u32,
}

impl IdCells {
    const SMALLEST: usize = 8;

    fn new() -> Self {
        let shift = 64 - Self::SMALLEST.ilog2();
        Self { cells: vec![Cell::FREE; Self::SMALLEST], used: 0, shift }
    }

    /// Where an id is, or the free cell where it should be.
    #[inline(always)]
    fn place(&self, id: u64) -> usize {
        let last = self.cells.len() - 1;
        // Fibonacci hashing: the product's highest bits depend on all of the id's.
        let mut place = (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize & last;
        while self.cells[place].id != id && self.cells[place].id != 0 {
            place = (place + 1) & last;
        }
        place
    }

    #[inline(always)]
    fn cell(&mut self, id: u64) -> &mut Cell {
        let mut place = self.place(id);
        if self.cells[place].id == 0 {
            place = self.insert(id);
        }
        &mut self.cells[place]
    }

    #[cold]
    #[inline(never)]
    fn insert(&mut self, id: u64) -> usize {
        self.used += 1;
        if self.used * 2 > self.cells.len() {
            let twice = vec![Cell::FREE; self.cells.len() * 2];
            self.shift -= 1;
            for cell in std::mem::replace(&mut self.cells, twice) {
                if cell.id != 0 {
                    let place = self.place(cell.id);
                    self.cells[place] = cell;
                }
            }
        }
        let place = self.place(id);
        self.cells[place].id = id;
        place
    }
}

/// The totals of one hour.
#[derive(Debug)]
struct Hour {
    hour: u32,
    global: Cell,
    /// One for each scope type, global's unused.
    scopes: Vec<IdCells>,
}

/// The growing totals of one model. Tables of separate conversions merge by adding.
#[derive(Debug)]
pub(crate) struct SnapshotTable {
    scopes: Vec<ScopeType>,
    hours: Vec<Hour>,
    /// From an hour to its place among the hours.
    places: HashMap<u32, usize>,
    /// The place of the hour that is being added to.
    current: usize,
    conversions: u64,
}

impl SnapshotTable {
    pub(crate) fn new(scopes: ScopeSet) -> Self {
        Self {
            scopes: scopes.iter().collect(),
            hours: Vec::new(),
            places: HashMap::new(),
            current: 0,
            conversions: 0,
        }
    }

    /// The scope types, in order.
    pub(crate) fn scope_types(&self) -> &[ScopeType] {
        &self.scopes
    }

    /// Begins a conversion of an hour: every credited touch until the next call belongs to it.
    #[inline(always)]
    pub(crate) fn begin_conversion(&mut self, hour: u32) -> ConversionTotals<'_> {
        self.conversions += 1;
        if self.hours.get(self.current).is_none_or(|current| current.hour != hour) {
            self.current = self.place_of(hour);
        }
        ConversionTotals { hour: &mut self.hours[self.current], conversion: self.conversions }
    }

    #[inline(never)]
    fn place_of(&mut self, hour: u32) -> usize {
        *self.places.entry(hour).or_insert_with(|| {
            let scopes = self.scopes.iter().map(|_| IdCells::new()).collect();
            self.hours.push(Hour { hour, global: Cell::FREE, scopes });
            self.hours.len() - 1
        })
    }

    /// Adds another table's totals, of other conversions but the same scopes.
    pub(crate) fn merge(&mut self, other: Self) {
        for more in other.hours {
            let place = self.place_of(more.hour);
            let hour = &mut self.hours[place];
            hour.global.merge(&more.global);
            for (cells, more) in hour.scopes.iter_mut().zip(more.scopes) {
                for more in more.cells.iter().filter(|cell| cell.id != 0) {
                    cells.cell(more.id).merge(more);
                }
            }
        }
    }

    /// The snapshots, ordered by scope type, scope id and hour.
    pub(crate) fn into_snapshots(self) -> Vec<Snapshot> {
        let mut snapshots = Vec::new();
        let mut order: Vec<(u64, u32, &Cell)> = Vec::new();
        for (place, scope_type) in self.scopes.iter().enumerate() {
            order.clear();
            for hour in &self.hours {
                if *scope_type == ScopeType::Global {
                    order.push((0, hour.hour, &hour.global));
                } else {
                    let used = hour.scopes[place].cells.iter().filter(|cell| cell.id != 0);
                    order.extend(used.map(|cell| (cell.id, hour.hour, cell)));
                }
            }
            order.sort_unstable_by_key(|(id, hour, _)| (*id, *hour));
            snapshots.extend(order.iter().map(|(id, hour, cell)| Snapshot {
                scope: match scope_type {
                    ScopeType::Global => Scope::GLOBAL,
                    scope_type => Scope::of_dimension(*scope_type, *id),
                },
                date_hour: *hour,
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

/// Where the credited touches of one conversion are added up.
pub(crate) struct ConversionTotals<'a> {
    hour: &'a mut Hour,
    conversion: u64,
}

impl ConversionTotals<'_> {
    /// Adds the whole conversion to global.
    #[inline(always)]
    pub(crate) fn add_global(&mut self, amounts: Amounts) {
        self.hour.global.add(amounts, self.conversion);
    }

    /// Where touches are added to the scope type at `place`.
    #[inline(always)]
    pub(crate) fn scope(&mut self, place: usize) -> ScopeTotals<'_> {
        ScopeTotals { cells: &mut self.hour.scopes[place], conversion: self.conversion }
    }
}

/// Where the credited touches of one conversion are added up in one scope type.
pub(crate) struct ScopeTotals<'a> {
    cells: &'a mut IdCells,
    conversion: u64,
}

impl ScopeTotals<'_> {
    /// Adds a touch that has the id, which is not 0.
    #[inline(always)]
    pub(crate) fn add(&mut self, id: u64, amounts: Amounts) {
        self.cells.cell(id).add(amounts, self.conversion);
    }
}
