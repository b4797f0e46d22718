//! `attribution overview`

use attribution_core::{AnomalySeverity, Error, Overview, OverviewOptions, Percent, TouchPlace};

use super::{open, window};
use crate::arguments::OverviewArguments;
use crate::screen;

pub(crate) fn overview(arguments: &OverviewArguments) -> Result<(), Error> {
    let store = open(&arguments.user.database)?;
    let options = OverviewOptions {
        scope_type: arguments.scope.scope_type,
        scope_id: arguments.scope.scope_id,
        limit: arguments.limit,
        offset: arguments.offset,
        ..OverviewOptions::new(&arguments.model, window(&arguments.window)?)
    };
    let overview = store.overview(arguments.user.user, &options)?;
    if arguments.json {
        return screen::print(&(overview.to_json()? + "\n"));
    }
    screen::print(&show(&overview))
}

fn percent(percent: Option<Percent>) -> String {
    percent.map_or_else(|| "-".to_owned(), |percent| percent.to_string())
}

fn show(overview: &Overview) -> String {
    let totals = &overview.totals;
    let mut text = format!(
        "{} hours, {} clicks, {} conversions\n\
         revenue {}, cost {}, profit {}, ROI {} %\n\n",
        screen::thousands(totals.hours),
        screen::thousands(totals.attributed_clicks),
        screen::thousands(totals.attributed_conversions),
        screen::amount(totals.revenue.units()),
        screen::amount(totals.cost.units()),
        screen::amount(totals.profit.units()),
        percent(totals.roi_percent),
    );
    let rows: Vec<Vec<String>> = overview
        .hours
        .iter()
        .map(|hour| {
            let time = jiff::Timestamp::from_second(hour.date_hour.into());
            vec![
                time.map_or_else(|_| hour.date_hour.to_string(), |time| time.to_string()),
                screen::thousands(hour.attributed_clicks),
                screen::thousands(hour.attributed_conversions),
                screen::amount(hour.revenue.units()),
                screen::amount(hour.cost.units()),
                percent(hour.roi_percent),
            ]
        })
        .collect();
    let titles = ["hour (UTC)", "clicks", "conversions", "revenue", "cost", "ROI %"];
    text += &screen::table(&titles, &rows, 1);
    let shown = overview.offset.saturating_add(overview.hours.len() as u64);
    if shown < totals.hours {
        text.extend(["earlier ones with --offset ", &shown.to_string(), "\n"]);
    }
    text.push('\n');
    let rows: Vec<Vec<String>> = overview
        .touchpoint_mix
        .iter()
        .map(|share| {
            let place = match share.place {
                TouchPlace::First => "first",
                TouchPlace::Assist => "assist",
                TouchPlace::Last => "last",
                TouchPlace::Single => "single",
            };
            vec![
                place.to_owned(),
                screen::thousands(share.touches),
                screen::amount(i64::try_from(share.credit.units()).unwrap_or(i64::MAX)),
                percent(share.share_percent),
            ]
        })
        .collect();
    text += &screen::table(&["place", "touches", "credit", "share %"], &rows, 1);
    if !overview.anomalies.is_empty() {
        text.push('\n');
    }
    for anomaly in &overview.anomalies {
        let severity = match anomaly.severity {
            AnomalySeverity::Warning => "warning",
            AnomalySeverity::Critical => "critical",
        };
        text.extend([severity, ": ", &anomaly.message, "\n"]);
    }
    text
}
