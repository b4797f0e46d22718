//! A JSON object a line; amounts are numbers written with all their decimals.

use std::io::Write;

use serde::Serialize;
use serde_json::value::RawValue;

use super::{Credited, SnapshotRow};
use crate::ground::error::Error;

#[derive(Debug)]
pub(super) struct JsonLinesExport<W: Write> {
    writer: W,
    line: Vec<u8>,
}

#[derive(Serialize)]
struct Line<'a> {
    date_utc: String,
    model: &'a str,
    scope: &'static str,
    scope_id: Option<u64>,
    attributed_clicks: u64,
    attributed_conversions: u64,
    credited_conversions: Option<Box<RawValue>>,
    revenue: Box<RawValue>,
    cost: Box<RawValue>,
    profit: Box<RawValue>,
    roi_percent: Option<Box<RawValue>>,
}

fn number(text: String) -> Result<Box<RawValue>, Error> {
    RawValue::from_string(text)
        .map_err(|error| Error::Internal(format!("a number is no JSON: {error}")))
}

impl<W: Write> JsonLinesExport<W> {
    pub(super) const fn new(writer: W) -> Self {
        Self { writer, line: Vec::new() }
    }

    pub(super) fn write(
        &mut self,
        row: &SnapshotRow<'_>,
        credited_is: Credited,
    ) -> Result<(), Error> {
        let snapshot = &row.snapshot;
        let [credited, revenue, cost, profit] = row.amount_texts();
        let line = Line {
            date_utc: row.hour("%Y-%m-%dT%H:%M:%SZ")?,
            model: row.model,
            scope: snapshot.scope.scope_type().name(),
            scope_id: snapshot.scope.id(),
            attributed_clicks: snapshot.attributed_clicks,
            attributed_conversions: snapshot.attributed_conversions,
            credited_conversions: Some(credited)
                .filter(|_| credited_is == Credited::Known)
                .map(number)
                .transpose()?,
            revenue: number(revenue)?,
            cost: number(cost)?,
            profit: number(profit)?,
            roi_percent: row.roi_percent().map(number).transpose()?,
        };
        self.line.clear();
        serde_json::to_writer(&mut self.line, &line)
            .map_err(|error| Error::Internal(format!("a row is no JSON: {error}")))?;
        self.line.push(b'\n');
        self.writer.write_all(&self.line).map_err(Error::io("export"))
    }

    pub(super) fn finish(mut self) -> Result<W, Error> {
        self.writer.flush().map_err(Error::io("export"))?;
        Ok(self.writer)
    }
}
