//! Snapshots as files: what is written can be read again, and a writer that fails is an error.
#![no_main]

use std::io::{self, Write};

use arbitrary::{Arbitrary, Unstructured};
use attribution_core::{
    Credit, Error, ExportFormat, Money, Scope, ScopeType, Snapshot, SnapshotExporter, SnapshotRow,
};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input {
    /// How many bytes the writer that fails takes.
    room: u16,
    rows: Vec<Row>,
}

#[derive(Debug, Arbitrary)]
struct Row {
    model: String,
    scope_type: u8,
    scope_id: u64,
    date_hour: u32,
    clicks: u64,
    conversions: u64,
    credited: u64,
    revenue: i64,
    cost: i64,
}

impl Row {
    fn scope(&self) -> Scope {
        let scope_type = ScopeType::ALL[usize::from(self.scope_type) % ScopeType::ALL.len()];
        let id = (scope_type != ScopeType::Global).then_some(self.scope_id.max(1));
        Scope::new(scope_type, id).expect("a scope")
    }

    fn write<W: Write>(&self, exporter: &mut SnapshotExporter<W>) -> Result<(), Error> {
        let snapshot = Snapshot {
            scope: self.scope(),
            date_hour: self.date_hour,
            attributed_clicks: self.clicks,
            attributed_conversions: self.conversions,
            credited_conversions: Credit::from_units(self.credited),
            revenue: Money::from_units(self.revenue),
            cost: Money::from_units(self.cost),
        };
        exporter.write(&SnapshotRow { model: &self.model, snapshot })
    }
}

/// A writer with room for so many bytes.
struct Narrow {
    room: usize,
    taken: Vec<u8>,
}

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.room - self.taken.len();
        if left == 0 && !bytes.is_empty() {
            return Err(io::Error::other("no room"));
        }
        let count = left.min(bytes.len());
        self.taken.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn export<W: Write>(format: ExportFormat, writer: W, rows: &[Row]) -> Result<W, Error> {
    let mut exporter = SnapshotExporter::new(format, writer)?;
    for row in rows {
        row.write(&mut exporter)?;
    }
    assert_eq!(exporter.rows(), rows.len() as u64);
    exporter.finish()
}

fn check_csv(bytes: &[u8], rows: &[Row]) {
    let mut reader = csv::Reader::from_reader(bytes);
    let records: Vec<csv::StringRecord> =
        reader.records().collect::<Result<_, _>>().expect("CSV that can be read");
    assert_eq!(records.len(), rows.len());
    for (record, row) in records.iter().zip(rows) {
        let model = &record[1];
        assert!(model == row.model || model.strip_prefix('\'') == Some(&row.model));
        assert!(!model.starts_with(['=', '+', '-', '@', '\t', '\r']), "a formula: {model:?}");
        assert_eq!(record[4], row.clicks.to_string());
    }
}

fn check_json_lines(bytes: &[u8], rows: &[Row]) {
    let text = std::str::from_utf8(bytes).expect("JSON is UTF-8");
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    assert_eq!(lines.len(), rows.len());
    for (line, row) in lines.iter().zip(rows) {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["model"], row.model);
        assert_eq!(line["attributed_clicks"], row.clicks);
        assert_eq!(line["scope_id"].as_u64(), row.scope().id());
    }
}

/// Workbooks take long, so one input in 256 makes one. Which, no mutation can keep.
fn makes_workbook(bytes: &[u8]) -> bool {
    let mix = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    bytes.iter().fold(0x811c_9dc5, mix) >> 24 == 0
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) else { return };
    let rows = &input.rows;
    for format in ExportFormat::ALL {
        if format == ExportFormat::Xlsx && !makes_workbook(bytes) {
            continue;
        }
        let whole = export(format, Vec::new(), rows);
        let Ok(bytes) = &whole else {
            // A cell of a workbook has at most 32,767 characters.
            assert!(format == ExportFormat::Xlsx, "{:?}", whole.err());
            continue;
        };
        match format {
            ExportFormat::Csv => check_csv(bytes, rows),
            ExportFormat::JsonLines => check_json_lines(bytes, rows),
            ExportFormat::Xlsx => assert!(bytes.starts_with(b"PK")),
        }
        let room = usize::from(input.room);
        let narrow = export(format, Narrow { room, taken: Vec::new() }, rows);
        assert_eq!(narrow.is_ok(), bytes.len() <= room, "{} bytes, room for {room}", bytes.len());
        if let Ok(narrow) = narrow {
            assert_eq!(narrow.taken, *bytes);
        }
    }
});
