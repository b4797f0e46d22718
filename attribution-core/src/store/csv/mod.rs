//! Clicks and conversions from CSV files, results into CSV files.

mod reader;
mod sink;
mod source;

pub use sink::{CsvSink, TouchpointLines};
pub use source::CsvSource;
