//! A batch out of an Arrow array: columns as they lie where their types are the engine's, copies where
//! they are not.

use std::sync::Arc;

use attribution_core::ScopeType;

use super::layout::{Format, Node};
use super::{ArrowArray, ArrowSchema};
use crate::batch::{Column, KeptColumns, Owner};
use crate::border::{Failure, refused};

impl Owner for ArrowArray {}

const ROOT: &str = "\"+s\", a struct of the batch's columns";
const IDS: &str = "uint64 (\"L\"), int64 (\"l\"), uint32 (\"I\") or int32 (\"i\")";
const TIMES: &str = "uint32 (\"I\"), int64 (\"l\"), uint64 (\"L\"), int32 (\"i\") or a timestamp (\"tss:\", \"tsm:\", \
     \"tsu:\" or \"tsn:\")";
const MONEY: &str = "decimal128 with 0 to 5 decimals, such as \"d:19,5\"";
const LISTS: &str = "a list (\"+l\") or large list (\"+L\") of structs";
const TOUCH: &str = "\"+s\", a struct of a touch's columns";

const DIMENSIONS: [(&str, ScopeType); 6] = [
    ("campaign_id", ScopeType::Campaign),
    ("account_id", ScopeType::Account),
    ("landing_page_id", ScopeType::LandingPage),
    ("advertiser_id", ScopeType::Advertiser),
    ("traffic_source_id", ScopeType::TrafficSource),
    ("adgroup_id", ScopeType::Adgroup),
];

/// Some rows of a struct.
struct Table<'a> {
    node: Node<'a>,
    /// What the places of its fields begin with.
    prefix: &'static str,
    start: usize,
    count: usize,
}

impl<'a> Table<'a> {
    fn new(
        node: Node<'a>,
        prefix: &'static str,
        start: usize,
        count: usize,
    ) -> Result<Self, Failure> {
        node.check_range(start, count)?;
        node.all_present(start, count)?;
        // Its fields are counted from before its own offset.
        let start = node.offset() + start;
        Ok(Self { node, prefix, start, count })
    }

    fn place(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn optional(
        &self,
        name: &str,
        allowed: impl Fn(Format) -> bool,
        names: &str,
    ) -> Result<Option<Node<'a>>, Failure> {
        let place = self.place(name);
        let Some((array, schema)) = self.node.field(name, &place)? else { return Ok(None) };
        let node = Node::new(array, schema, place, allowed, names)?;
        node.check_range(self.start, self.count)?;
        Ok(Some(node))
    }

    fn required(
        &self,
        name: &str,
        allowed: impl Fn(Format) -> bool,
        names: &str,
    ) -> Result<Node<'a>, Failure> {
        let node = self
            .optional(name, allowed, names)?
            .ok_or_else(|| refused(self.place(name), "found no such column", names))?;
        node.all_present(self.start, self.count)?;
        Ok(node)
    }

    fn ids(&self, name: &str) -> Result<Column<u64>, Failure> {
        let node = self.required(name, is_ids, IDS)?;
        // SAFETY: the batch keeps the array for as long as its columns.
        unsafe { read_ids(&node, self.start, self.count) }
    }

    fn times(&self, name: &str) -> Result<Column<u32>, Failure> {
        let node = self.required(name, is_times, TIMES)?;
        // SAFETY: the batch keeps the array for as long as its columns.
        unsafe { read_times(&node, self.start, self.count) }
    }

    fn money(&self, name: &str) -> Result<Column<i64>, Failure> {
        let is_money = |format| matches!(format, Format::Decimal128(0..=5));
        let node = self.required(name, is_money, MONEY)?;
        read_money(&node, self.start, self.count)
    }
}

const fn is_ids(format: Format) -> bool {
    matches!(format, Format::UInt64 | Format::Int64 | Format::UInt32 | Format::Int32)
}

const fn is_times(format: Format) -> bool {
    is_ids(format) || matches!(format, Format::Timestamp(_))
}

fn out_of_range(node: &Node<'_>, row: usize, found: i128, allowed: &str) -> Failure {
    refused(format!("{}[{row}]", node.place), format!("found {found}"), allowed)
}

const ID_RANGE: &str = "an id from 0 to 18446744073709551615";
const TIME_RANGE: &str = "unix seconds from 0 to 4294967295";

/// Something of each value, in a column of its own.
fn converted<T, U>(
    values: impl ExactSizeIterator<Item = T>,
    convert: impl Fn(usize, T) -> Result<U, Failure>,
) -> Result<Column<U>, Failure> {
    let mut column = Vec::with_capacity(values.len());
    for (row, value) in values.enumerate() {
        column.push(convert(row, value)?);
    }
    Ok(Column::Owned(column))
}

/// As [`converted`], of whole numbers of any width.
///
/// # Safety
/// The array's format is one of ids or times.
unsafe fn converted_numbers<U>(
    node: &Node<'_>,
    start: usize,
    count: usize,
    convert: impl Fn(usize, i128) -> Result<U, Failure>,
) -> Result<Column<U>, Failure> {
    fn wide<T: Copy + Into<i128>>(values: &[T]) -> impl ExactSizeIterator<Item = i128> {
        values.iter().map(|value| (*value).into())
    }
    // SAFETY: the buffer's type is the format's.
    unsafe {
        match node.format {
            Format::UInt64 => converted(wide(node.slice::<u64>(start, count)?), convert),
            Format::UInt32 => converted(wide(node.slice::<u32>(start, count)?), convert),
            Format::Int32 => converted(wide(node.slice::<i32>(start, count)?), convert),
            _ => converted(wide(node.slice::<i64>(start, count)?), convert),
        }
    }
}

fn id_of(node: &Node<'_>, row: usize, value: i128) -> Result<u64, Failure> {
    u64::try_from(value).map_err(|_| out_of_range(node, row, value, ID_RANGE))
}

/// Ids, none of which is null.
///
/// # Safety
/// The array outlives the column.
unsafe fn read_ids(node: &Node<'_>, start: usize, count: usize) -> Result<Column<u64>, Failure> {
    // SAFETY: the buffer's type is the format's; the rest is the caller's promise.
    unsafe {
        match node.format {
            Format::UInt64 => Ok(Column::Lent(node.slice::<u64>(start, count)?)),
            Format::Int64 => {
                let ids = node.slice::<i64>(start, count)?;
                for (row, id) in ids.iter().enumerate().filter(|(_, id)| **id < 0) {
                    id_of(node, row, (*id).into())?;
                }
                // Not negative, they are the same bytes.
                Ok(Column::Lent(node.slice::<u64>(start, count)?))
            }
            _ => converted_numbers(node, start, count, |row, value| id_of(node, row, value)),
        }
    }
}

/// Ids of a dimension, where null is none.
///
/// # Safety
/// The array outlives the column.
unsafe fn read_dimension(
    node: &Node<'_>,
    start: usize,
    count: usize,
) -> Result<Column<u64>, Failure> {
    let Some(present) = node.present(start, count) else {
        // SAFETY: the caller's promise.
        return unsafe { read_ids(node, start, count) };
    };
    // What lies where a null is may be anything.
    let here = |row, value| if present(row) { id_of(node, row, value) } else { Ok(0) };
    // SAFETY: the format is one of ids.
    unsafe { converted_numbers(node, start, count, here) }
}

/// Times, none of which is null.
///
/// # Safety
/// The array outlives the column.
unsafe fn read_times(node: &Node<'_>, start: usize, count: usize) -> Result<Column<u32>, Failure> {
    if node.format == Format::UInt32 {
        // SAFETY: the buffer's type is the format's; the rest is the caller's promise.
        return Ok(Column::Lent(unsafe { node.slice::<u32>(start, count)? }));
    }
    let units = match node.format {
        Format::Timestamp(units) => i128::from(units),
        _ => 1,
    };
    let time = |row, value: i128| {
        if value % units != 0 {
            let found = format!("found {value}, which has a fraction of a second");
            return Err(refused(format!("{}[{row}]", node.place), found, "whole seconds"));
        }
        let seconds = value / units;
        u32::try_from(seconds).map_err(|_| out_of_range(node, row, seconds, TIME_RANGE))
    };
    // SAFETY: the format is one of times.
    unsafe { converted_numbers(node, start, count, time) }
}

/// Money, none of which is null, as counts of 0.00001.
fn read_money(node: &Node<'_>, start: usize, count: usize) -> Result<Column<i64>, Failure> {
    let Format::Decimal128(scale @ 0..=5) = node.format else {
        return Err(refused(node.place.clone(), "found another type", MONEY));
    };
    let factor = 10_i128.pow(5 - scale);
    // SAFETY: the buffer's type is the format's.
    let values = unsafe { node.wide(start, count)? };
    converted(values, |row, value| {
        let units = value.checked_mul(factor).and_then(|units| i64::try_from(units).ok());
        units.ok_or_else(|| {
            let found = format!("found {value} with {scale} decimals");
            let allowed = "at most 92,233,720,368,547.75807 either way";
            refused(format!("{}[{row}]", node.place), found, allowed)
        })
    })
}

/// Where each list begins, from 0 on, and the first and last item of all.
///
/// # Safety
/// The array outlives the column.
unsafe fn read_offsets(
    node: &Node<'_>,
    start: usize,
    count: usize,
) -> Result<(Column<usize>, usize, usize), Failure> {
    if count == 0 {
        // Such an array need not have any.
        return Ok((Column::Owned(vec![0]), 0, 0));
    }
    let descends = |row: usize, before: i64, after: i64| {
        let found = format!("found {after} after {before}");
        refused(format!("{}.offsets[{row}]", node.place), found, "offsets that do not descend")
    };
    let check = |offsets: &mut dyn Iterator<Item = i64>| {
        let mut before = 0;
        for (row, after) in offsets.enumerate() {
            if after < before {
                return Err(descends(row, before, after));
            }
            before = after;
        }
        Ok(())
    };
    let rebased = |offsets: &mut dyn Iterator<Item = i64>, first: i64| {
        Column::Owned(offsets.map(|offset| (offset - first) as usize).collect())
    };
    // There is one more than there are lists, which `check_range` of the lists has not looked at.
    // SAFETY: the buffer's type is the format's; the rest is the caller's promise.
    unsafe {
        if node.format == Format::List {
            let offsets = node.slice::<i32>(start, count + 1)?;
            check(&mut offsets.iter().copied().map(i64::from))?;
            let bounds = [offsets.first(), offsets.last()].map(|at| at.copied().unwrap_or(0));
            let first = i64::from(bounds[0]);
            let column = rebased(&mut offsets.iter().copied().map(i64::from), first);
            return Ok((column, bounds[0] as usize, bounds[1] as usize));
        }
        let offsets = node.slice::<i64>(start, count + 1)?;
        check(&mut offsets.iter().copied())?;
        let bounds = [offsets.first(), offsets.last()].map(|at| at.copied().unwrap_or(0));
        let column = if bounds[0] == 0 && size_of::<usize>() == size_of::<i64>() {
            // Not negative, they are the same bytes.
            Column::Lent(node.slice::<usize>(start, count + 1)?)
        } else {
            rebased(&mut offsets.iter().copied(), bounds[0])
        };
        Ok((column, bounds[0] as usize, bounds[1] as usize))
    }
}

/// The columns of a batch. They are lent by the array, which is to be kept for as long.
pub(super) fn read_columns(
    array: &ArrowArray,
    schema: &ArrowSchema,
) -> Result<KeptColumns, Failure> {
    let is_struct = |format| format == Format::Struct;
    let root = Node::new(array, schema, "array".to_owned(), is_struct, ROOT)?;
    let count = root.length();
    let table = Table::new(root, "", 0, count)?;
    let lists = table.required(
        "touches",
        |format| matches!(format, Format::List | Format::LargeList),
        LISTS,
    )?;
    // SAFETY: the batch keeps the array for as long as its columns.
    let (offsets, first, last) = unsafe { read_offsets(&lists, table.start, count)? };
    let (item, item_schema) = lists.item()?;
    let item = Node::new(item, item_schema, "touches.item".to_owned(), is_struct, TOUCH)?;
    let touches = Table::new(item, "touches.", first, last - first)?;
    let mut dimensions = Vec::new();
    for (name, scope_type) in DIMENSIONS {
        if let Some(node) = touches.optional(name, is_ids, IDS)? {
            // SAFETY: the batch keeps the array for as long as its columns.
            let column = unsafe { read_dimension(&node, touches.start, touches.count)? };
            dimensions.push((scope_type, column));
        }
    }
    Ok(KeptColumns {
        conversion_ids: table.ids("conversion_id")?,
        converting_click_ids: table.ids("converting_click_id")?,
        conversion_times: table.times("conversion_time")?,
        payouts: table.money("payout")?,
        costs: table.money("cost")?,
        offsets,
        click_ids: touches.ids("click_id")?,
        click_times: touches.times("click_time")?,
        dimensions,
    })
}

/// Chunks one after the other, copied. A dimension that some of them lack is refused.
pub(super) fn concatenated(chunks: &[KeptColumns]) -> Result<KeptColumns, Failure> {
    fn all<T: Copy>(
        chunks: &[KeptColumns],
        column: impl Fn(&KeptColumns) -> &Column<T>,
    ) -> Column<T> {
        Column::Owned(chunks.iter().flat_map(|chunk| column(chunk).as_slice()).copied().collect())
    }
    let mut offsets = vec![0_usize];
    for chunk in chunks {
        let before = offsets.last().copied().unwrap_or(0);
        let own = chunk.offsets.as_slice().iter().skip(1);
        offsets.extend(own.map(|offset| before + offset));
    }
    let known = chunks.first().map_or(&[][..], |chunk| &chunk.dimensions);
    let mut dimensions = Vec::new();
    for (scope_type, _) in known {
        let mut ids = Vec::new();
        for chunk in chunks {
            let column = chunk.dimensions.iter().find(|(own, _)| own == scope_type);
            let Some((_, column)) = column else {
                let place = format!("touches.{scope_type}_id");
                return Err(refused(place, "found chunks without this column", "one in each"));
            };
            ids.extend_from_slice(column.as_slice());
        }
        dimensions.push((*scope_type, Column::Owned(ids)));
    }
    Ok(KeptColumns {
        conversion_ids: all(chunks, |chunk| &chunk.conversion_ids),
        converting_click_ids: all(chunks, |chunk| &chunk.converting_click_ids),
        conversion_times: all(chunks, |chunk| &chunk.conversion_times),
        payouts: all(chunks, |chunk| &chunk.payouts),
        costs: all(chunks, |chunk| &chunk.costs),
        offsets: Column::Owned(offsets),
        click_ids: all(chunks, |chunk| &chunk.click_ids),
        click_times: all(chunks, |chunk| &chunk.click_times),
        dimensions,
    })
}

/// What a batch of this array keeps.
pub(super) fn owner(array: ArrowArray) -> Vec<Arc<dyn Owner>> {
    vec![Arc::new(array)]
}
