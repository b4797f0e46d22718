//! What is in the tables: as rows that can be compared with what they should be, and whole.

use std::collections::BTreeMap;

use mysql::prelude::Queryable;
use mysql::{Conn, Row, Value};

/// A row of the snapshots, its id and `created_at` and the run's window aside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapshotRow {
    /// The account owner.
    pub user_id: u64,
    /// The model.
    pub model_id: u64,
    /// The hour.
    pub hour: u64,
    /// The scope type as it is stored.
    pub scope_type: String,
    /// The scope's id.
    pub scope_id: Option<u64>,
    /// `attributed_clicks`.
    pub clicks: u64,
    /// `attributed_conversions`.
    pub conversions: u64,
    /// `attributed_revenue` as a count of 0.0001.
    pub revenue: i64,
    /// `attributed_cost` as a count of 0.0001.
    pub cost: i64,
}

/// A row of the credits with the snapshot it hangs on, ids and `created_at` aside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CreditRow {
    /// The snapshot's model.
    pub model_id: u64,
    /// The snapshot's hour.
    pub hour: u64,
    /// The conversion.
    pub conversion_id: u64,
    /// The touch's place in the journey.
    pub position: u64,
    /// The touch.
    pub click_id: u64,
    /// The credit as a count of 0.00001.
    pub credit: i64,
    /// The weight as a count of 0.00001.
    pub weight: i64,
    /// The snapshot's scope type.
    pub scope_type: String,
}

/// A row of the stored journeys, its id and `created_at` aside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct JourneyRow {
    /// The conversion.
    pub conversion_id: u64,
    /// The touch's place.
    pub position: u64,
    /// The touch.
    pub click_id: u64,
    /// When that was.
    pub click_time: u64,
}

/// The rows of the three tables that the jobs write, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Results {
    /// The snapshots.
    pub snapshots: Vec<SnapshotRow>,
    /// The credits.
    pub credits: Vec<CreditRow>,
    /// The stored journeys.
    pub journeys: Vec<JourneyRow>,
}

/// The places in which rows differ, some of each.
fn differences<T: Ord + std::fmt::Debug>(what: &str, found: &[T], expected: &[T]) -> Vec<String> {
    let (mut lines, mut left, mut right) = (Vec::new(), 0, 0);
    loop {
        let order = match (found.get(left), expected.get(right)) {
            (None, None) => break,
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some(left), Some(right)) => left.cmp(right),
        };
        if order.is_lt() {
            lines.push(format!("{what}: found    {:?}", found[left]));
        } else if order.is_gt() {
            lines.push(format!("{what}: expected {:?}", expected[right]));
        }
        left += usize::from(order.is_le());
        right += usize::from(order.is_ge());
    }
    let many = lines.len();
    if many > 12 {
        lines.truncate(12);
        lines.push(format!("{what}: {many} differences in all"));
    }
    lines
}

impl Results {
    /// Puts the rows in order.
    pub fn sort(&mut self) {
        self.snapshots.sort_unstable();
        self.credits.sort_unstable();
        self.journeys.sort_unstable();
    }

    /// Panics with the rows that differ.
    #[track_caller]
    pub fn assert_equal(&self, expected: &Self, when: &str) {
        let mut lines = differences("snapshot", &self.snapshots, &expected.snapshots);
        lines.append(&mut differences("credit", &self.credits, &expected.credits));
        lines.append(&mut differences("journey", &self.journeys, &expected.journeys));
        assert!(lines.is_empty(), "{when}:\n{}", lines.join("\n"));
    }

    /// Only what is of these models, and all journeys.
    #[must_use]
    pub fn of_models(&self, models: impl Fn(u64) -> bool) -> Self {
        let mut some = self.clone();
        some.snapshots.retain(|row| models(row.model_id));
        some.credits.retain(|row| models(row.model_id));
        some
    }
}

/// A decimal of so many places as a count of its smallest unit.
fn units(text: &str, places: usize) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert_eq!(fraction.len(), places, "{text}");
    format!("{whole}{fraction}").parse().unwrap()
}

/// Reads the three tables.
pub fn results(connection: &mut Conn) -> Results {
    let mut results = Results {
        snapshots: connection
            .query_map(
                "SELECT user_id, model_id, date_hour, scope_type, scope_id, attributed_clicks, \
                 attributed_conversions, attributed_revenue, attributed_cost \
                 FROM 202_attribution_snapshots",
                |row: (u64, u64, u64, String, Option<u64>, u64, u64, String, String)| SnapshotRow {
                    user_id: row.0,
                    model_id: row.1,
                    hour: row.2,
                    scope_type: row.3,
                    scope_id: row.4,
                    clicks: row.5,
                    conversions: row.6,
                    revenue: units(&row.7, 4),
                    cost: units(&row.8, 4),
                },
            )
            .unwrap(),
        credits: connection
            .query_map(
                "SELECT COALESCE(s.model_id, 0), COALESCE(s.date_hour, 0), t.conv_id, t.position, \
                 t.click_id, t.credit, t.weight, COALESCE(s.scope_type, 'none') \
                 FROM 202_attribution_touchpoints t \
                 LEFT JOIN 202_attribution_snapshots s USING (snapshot_id)",
                |row: (u64, u64, u64, u64, u64, String, String, String)| CreditRow {
                    model_id: row.0,
                    hour: row.1,
                    conversion_id: row.2,
                    position: row.3,
                    click_id: row.4,
                    credit: units(&row.5, 5),
                    weight: units(&row.6, 5),
                    scope_type: row.7,
                },
            )
            .unwrap(),
        journeys: connection
            .query_map(
                "SELECT conv_id, position, click_id, click_time FROM 202_conversion_touchpoints",
                |row: (u64, u64, u64, u64)| JourneyRow {
                    conversion_id: row.0,
                    position: row.1,
                    click_id: row.2,
                    click_time: row.3,
                },
            )
            .unwrap(),
    };
    results.sort();
    results
}

/// Every row of every table as text, sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents(BTreeMap<String, Vec<String>>);

/// The tables that tell what runs did; they grow with each.
pub const RECORDS: [&str; 3] =
    ["202_attribution_audit", "202_attribution_runs", "202_cronjob_logs"];

fn text(value: &Value) -> String {
    match value {
        Value::Bytes(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        value => value.as_sql(true),
    }
}

/// Reads every table of the connection's database, ids and times included.
pub fn contents(connection: &mut Conn) -> Contents {
    let names: Vec<String> = connection.query("SHOW TABLES").unwrap();
    let read = |name: String| {
        let rows: Vec<Row> = connection.query(format!("SELECT * FROM `{name}`")).unwrap();
        let line = |row: Row| row.unwrap().iter().map(text).collect::<Vec<_>>().join(",");
        let mut lines: Vec<String> = rows.into_iter().map(line).collect();
        lines.sort_unstable();
        (name, lines)
    };
    Contents(names.into_iter().map(read).collect())
}

impl Contents {
    /// These without some tables.
    #[must_use]
    pub fn without(&self, tables: &[&str]) -> Self {
        let mut less = self.clone();
        less.0.retain(|name, _| !tables.contains(&name.as_str()));
        less
    }

    /// The rows of a table.
    pub fn of(&self, table: &str) -> &[String] {
        self.0.get(table).map_or(&[], Vec::as_slice)
    }

    /// Panics with the rows that differ.
    #[track_caller]
    pub fn assert_equal(&self, before: &Self, when: &str) {
        let mut lines = Vec::new();
        for name in self.0.keys().chain(before.0.keys().filter(|name| !self.0.contains_key(*name)))
        {
            lines.append(&mut differences(name, self.of(name), before.of(name)));
        }
        assert!(lines.is_empty(), "{when}:\n{}", lines.join("\n"));
    }
}
