//! CSV that a spreadsheet opens without running any of it.

use std::borrow::Cow;
use std::io::{self, Write};

use super::{COLUMNS, Credited, SnapshotRow};
use crate::ground::error::Error;

#[derive(Debug)]
pub(super) struct CsvExport<W: Write> {
    writer: csv::Writer<W>,
}

pub(super) fn failed(error: csv::Error) -> Error {
    Error::io("export")(error.into())
}

/// Text that a spreadsheet would take for a formula gets an apostrophe in front, which spreadsheets
/// show or hide but never run.
pub(super) fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

impl<W: Write> CsvExport<W> {
    pub(super) fn new(writer: W) -> Result<Self, Error> {
        let mut writer = csv::Writer::from_writer(writer);
        writer.write_record(COLUMNS).map_err(failed)?;
        Ok(Self { writer })
    }

    pub(super) fn write(
        &mut self,
        row: &SnapshotRow<'_>,
        credited_is: Credited,
    ) -> Result<(), Error> {
        let snapshot = &row.snapshot;
        let [credited, revenue, cost, profit] = row.amount_texts();
        let scope_id = snapshot.scope.id().map(|id| id.to_string()).unwrap_or_default();
        let record = [
            row.hour("%Y-%m-%d %H:%M:%S")?.into(),
            harmless(row.model),
            harmless(snapshot.scope.scope_type().name()),
            scope_id.into(),
            snapshot.attributed_clicks.to_string().into(),
            snapshot.attributed_conversions.to_string().into(),
            if credited_is == Credited::Known { credited.into() } else { "".into() },
            revenue.into(),
            cost.into(),
            profit.into(),
            Cow::Owned(row.roi_percent().unwrap_or_default()),
        ];
        self.writer.write_record(record.iter().map(|field| field.as_bytes())).map_err(failed)
    }

    pub(super) fn finish(self) -> Result<W, Error> {
        self.writer.into_inner().map_err(|error| {
            let error = error.error();
            Error::io("export")(io::Error::new(error.kind(), error.to_string()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_disarmed_and_other_text_is_left() {
        for text in ["=1+1", "+1", "-1", "@x", "\tx", "\rx"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["", "linear", "a=b", " =x", "'x"] {
            assert_eq!(harmless(text), text);
        }
    }
}
