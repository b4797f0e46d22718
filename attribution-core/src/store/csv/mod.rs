//! Clicks and conversions from CSV files, results into CSV files.

mod decimal_text;
mod row;
mod sink;
mod source;
mod table;
mod visitors;

pub use sink::{CsvSink, TouchpointLines};
pub use source::CsvSource;
