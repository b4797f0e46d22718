//! Comparisons as CSV.

use std::io::Write;

use super::csv::{failed, harmless};
use crate::ground::error::Error;
use crate::job::compare::{Comparison, ComparisonRow, Interval};

/// The columns before the figures.
const COLUMNS: [&str; 6] = [
    "model",
    "scope_type",
    "scope_id",
    "attributed_clicks",
    "attributed_conversions",
    "multi_touch_journeys",
];
const FIGURES: [&str; 5] = ["credited_conversions", "revenue", "cost", "profit", "roi_percent"];

impl Comparison {
    /// Writes the rows as CSV with a header: figures, their intervals (`_low`, `_high`), differences
    /// (`_difference`) and theirs (`_difference_low`, `_difference_high`), and the hints joined by `; `.
    /// What there is not is empty. Text that a spreadsheet would take for a formula gets an apostrophe in
    /// front.
    ///
    /// # Errors
    /// [`Error::Io`] where writing fails.
    ///
    /// ```
    /// let mut csv = Vec::new();
    /// attribution_core::Comparison::default().write_csv(&mut csv)?;
    /// assert!(csv.starts_with(b"model,scope_type,scope_id,"));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn write_csv(&self, writer: impl Write) -> Result<(), Error> {
        let mut writer = csv::Writer::from_writer(writer);
        let mut header: Vec<String> = COLUMNS.map(str::to_owned).into();
        for figure in FIGURES {
            header.push(figure.to_owned());
            for more in ["low", "high", "difference", "difference_low", "difference_high"] {
                header.push(format!("{figure}_{more}"));
            }
        }
        header.push("hints".to_owned());
        writer.write_record(&header).map_err(failed)?;
        for row in &self.rows {
            writer.write_record(self.record(row)).map_err(failed)?;
        }
        writer.flush().map_err(Error::io("export"))
    }

    fn record(&self, row: &ComparisonRow) -> Vec<String> {
        let mut record = vec![
            harmless(&row.model).into_owned(),
            self.scope_type.clone(),
            row.scope_id.map(|id| id.to_string()).unwrap_or_default(),
            row.attributed_clicks.to_string(),
            row.attributed_conversions.to_string(),
            row.multi_touch_journeys.to_string(),
        ];
        let (own, more) = (row.intervals, row.difference);
        let of_more = more.and_then(|more| more.intervals);
        let mut push = |value: Option<String>, own: [String; 2], more: Option<String>, of_more| {
            record.push(value.unwrap_or_default());
            record.extend(own);
            record.push(more.unwrap_or_default());
            record.extend::<[String; 2]>(of_more);
        };
        macro_rules! figure {
            ($name:ident) => {
                push(
                    Some(row.$name.to_string()),
                    ends(own.map(|own| own.$name)),
                    more.map(|more| more.$name.to_string()),
                    ends(of_more.map(|of_more| of_more.$name)),
                );
            };
        }
        figure!(credited_conversions);
        figure!(revenue);
        figure!(cost);
        figure!(profit);
        push(
            row.roi_percent.map(|roi| roi.to_string()),
            ends(own.and_then(|own| own.roi_percent)),
            more.and_then(|more| more.roi_percent).map(|roi| roi.to_string()),
            ends(of_more.and_then(|of_more| of_more.roi_percent)),
        );
        record.push(row.hints.join("; "));
        record
    }
}

fn ends<T: ToString>(interval: Option<Interval<T>>) -> [String; 2] {
    interval.map(|Interval { low, high }| [low.to_string(), high.to_string()]).unwrap_or_default()
}
