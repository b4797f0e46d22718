//! The host's rule of what is out of the ordinary.

use serde::Serialize;

use super::report::OverviewHour;
use crate::ground::money::{UNITS_PER_ONE, divide_half_even, write_decimal};
use crate::ground::percent::Percent;

/// From so many percent on a change is out of the ordinary.
const WARNING: i128 = 25;
/// From so many percent on it is critical.
const CRITICAL: i128 = 50;

/// What is out of the ordinary.
///
/// ```
/// use attribution_core::AnomalyMetric;
/// assert_ne!(AnomalyMetric::Conversions, AnomalyMetric::Revenue);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyMetric {
    /// The attributed conversions.
    Conversions,
    /// The attributed revenue.
    Revenue,
}

/// How far out of the ordinary it is.
///
/// ```
/// use attribution_core::AnomalySeverity;
/// assert!(AnomalySeverity::Critical > AnomalySeverity::Warning);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalySeverity {
    /// A change of 25 % or more.
    Warning,
    /// A change of 50 % or more.
    Critical,
}

/// Which way it went.
///
/// ```
/// use attribution_core::AnomalyDirection;
/// assert_ne!(AnomalyDirection::Up, AnomalyDirection::Down);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyDirection {
    /// Above the mean.
    Up,
    /// Below the mean.
    Down,
}

/// The latest hour of a page, far from the mean of the earlier ones.
///
/// ```no_run
/// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
/// # use attribution_core::{OverviewOptions, Window};
/// # let options = OverviewOptions::new("linear", Window::new(1_717_200_000, 1_717_286_400)?);
/// for anomaly in store.overview(1, &options)?.anomalies {
///     println!("{}", anomaly.message);
/// }
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Anomaly {
    /// Of what.
    pub metric: AnomalyMetric,
    /// How far.
    pub severity: AnomalySeverity,
    /// Which way.
    pub direction: AnomalyDirection,
    /// The change, (latest - mean) / mean * 100, 2 decimals half to even, negative for down.
    pub change_percent: Percent,
    /// The latest hour's value: a count, or money with 5 decimals.
    pub latest: String,
    /// The mean of the earlier hours, rounded half to even: with 2 decimals for a count, with 5 for money.
    pub mean: String,
    /// The latest hour.
    pub date_hour: u32,
    /// All that in a sentence.
    pub message: String,
}

/// What is out of the ordinary in the last of some hours, which are in the order of time.
pub(super) fn find(hours: &[OverviewHour]) -> Vec<Anomaly> {
    let Some((latest, earlier)) = hours.split_last() else { return Vec::new() };
    let one = i128::from(UNITS_PER_ONE);
    let conversions = |hour: &OverviewHour| i128::from(hour.attributed_conversions) * one;
    let revenue = |hour: &OverviewHour| i128::from(hour.revenue.units());
    let sum = |of: &dyn Fn(&OverviewHour) -> i128| earlier.iter().map(of).sum::<i128>();
    [
        (AnomalyMetric::Conversions, conversions(latest), sum(&conversions)),
        (AnomalyMetric::Revenue, revenue(latest), sum(&revenue)),
    ]
    .into_iter()
    .filter_map(|(metric, value, sum)| {
        Values { metric, latest: value, sum, hours: earlier.len() }.judge(latest.date_hour)
    })
    .collect()
}

/// What is judged; values as counts of 0.00001.
struct Values {
    metric: AnomalyMetric,
    latest: i128,
    /// Of the earlier hours.
    sum: i128,
    hours: usize,
}

impl Values {
    fn judge(&self, date_hour: u32) -> Option<Anomaly> {
        let hours = self.hours as i128;
        if self.sum <= 0 {
            return None;
        }
        // (latest - sum / hours) / (sum / hours), without a rounding before the decision.
        let change = self.latest * hours - self.sum;
        let at_least = |percent: i128| change.abs() * 100 >= self.sum * percent;
        if !at_least(WARNING) {
            return None;
        }
        let severity =
            if at_least(CRITICAL) { AnomalySeverity::Critical } else { AnomalySeverity::Warning };
        let direction = if change < 0 { AnomalyDirection::Down } else { AnomalyDirection::Up };
        let change_percent = Percent::of(change, self.sum)?;
        let (latest, mean) = self.texts(hours);
        let (what, went) = match (self.metric, direction) {
            (AnomalyMetric::Conversions, AnomalyDirection::Up) => ("Conversions", "rose"),
            (AnomalyMetric::Conversions, AnomalyDirection::Down) => ("Conversions", "fell"),
            (AnomalyMetric::Revenue, AnomalyDirection::Up) => ("Revenue", "rose"),
            (AnomalyMetric::Revenue, AnomalyDirection::Down) => ("Revenue", "fell"),
        };
        let percent = Percent::from_hundredths(change_percent.hundredths().abs());
        let hour = jiff::Timestamp::from_second(date_hour.into())
            .map_or_else(|_| date_hour.to_string(), |hour| hour.to_string());
        let before = match self.hours {
            1 => format!("{mean} in the hour before it"),
            hours => format!("a mean of {mean} in the {hours} hours before it"),
        };
        Some(Anomaly {
            metric: self.metric,
            severity,
            direction,
            change_percent,
            message: format!(
                "{what} {went} by {percent} %: {latest} in the hour from {hour}, against {before}."
            ),
            latest,
            mean,
            date_hour,
        })
    }

    /// The latest value and the mean.
    fn texts(&self, hours: i128) -> (String, String) {
        let (mut latest, mut mean) = (String::new(), String::new());
        match self.metric {
            AnomalyMetric::Conversions => {
                latest = (self.latest / i128::from(UNITS_PER_ONE)).to_string();
                let hundredths = i128::from(UNITS_PER_ONE) / 100;
                write_decimal(&mut mean, divide_half_even(self.sum, hours * hundredths), 2);
            }
            AnomalyMetric::Revenue => {
                write_decimal(&mut latest, self.latest, 5);
                write_decimal(&mut mean, divide_half_even(self.sum, hours), 5);
            }
        }
        (latest, mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::money::Money;

    fn hours(values: &[(u64, i64)]) -> Vec<OverviewHour> {
        let hour = |(place, (conversions, revenue)): (usize, &(u64, i64))| OverviewHour {
            date_hour: 1_717_200_000 + place as u32 * 3_600,
            attributed_conversions: *conversions,
            revenue: Money::from_units(*revenue),
            ..OverviewHour::default()
        };
        values.iter().enumerate().map(hour).collect()
    }

    fn of_conversions(earlier: &[u64], latest: u64) -> Option<(AnomalySeverity, String)> {
        let mut values: Vec<(u64, i64)> = earlier.iter().map(|count| (*count, 0)).collect();
        values.push((latest, 0));
        let found = find(&hours(&values));
        assert!(found.len() <= 1);
        let anomaly = found.into_iter().next()?;
        assert_eq!(anomaly.metric, AnomalyMetric::Conversions);
        assert_eq!(
            anomaly.direction == AnomalyDirection::Up,
            anomaly.change_percent > Percent::default()
        );
        Some((anomaly.severity, anomaly.change_percent.to_string()))
    }

    #[test]
    fn the_edges_of_the_rule_are_exact() {
        use AnomalySeverity::{Critical, Warning};
        let found = |severity, percent: &str| Some((severity, percent.to_owned()));
        assert_eq!(of_conversions(&[100, 100], 124), None);
        assert_eq!(of_conversions(&[100, 100], 125), found(Warning, "25.00"));
        assert_eq!(of_conversions(&[100, 100], 149), found(Warning, "49.00"));
        assert_eq!(of_conversions(&[100, 100], 150), found(Critical, "50.00"));
        assert_eq!(of_conversions(&[100, 100], 76), None);
        assert_eq!(of_conversions(&[100, 100], 75), found(Warning, "-25.00"));
        assert_eq!(of_conversions(&[100, 100], 50), found(Critical, "-50.00"));
        assert_eq!(of_conversions(&[100, 100], 0), found(Critical, "-100.00"));
        // 25 % less a trifle is shown as 25.00 and yet is less.
        assert_eq!(of_conversions(&[100_001], 125_001), None);
        assert_eq!(of_conversions(&[1, 2, 0], 3), found(Critical, "200.00"));
        assert_eq!(of_conversions(&[0, 0], 5), None);
        assert_eq!(of_conversions(&[], 5), None);
        assert!(find(&[]).is_empty());
    }

    #[test]
    fn a_loss_has_no_change_in_percent() {
        assert!(find(&hours(&[(1, -500), (1, 900)])).is_empty());
        assert!(find(&hours(&[(1, -500), (1, 500), (1, 900)])).is_empty());
    }

    #[test]
    fn the_sentence_says_it_all() {
        let found = find(&hours(&[(10, 1_000_000), (11, 3_000_000), (4, 2_600_000)]));
        let messages: Vec<&str> = found.iter().map(|anomaly| &*anomaly.message).collect();
        assert_eq!(
            messages,
            [
                "Conversions fell by 61.90 %: 4 in the hour from 2024-06-01T02:00:00Z, against a mean \
                 of 10.50 in the 2 hours before it.",
                "Revenue rose by 30.00 %: 26.00000 in the hour from 2024-06-01T02:00:00Z, against a \
                 mean of 20.00000 in the 2 hours before it."
            ]
        );
        let found = find(&hours(&[(1, 0), (2, 0)]));
        assert_eq!(
            found[0].message,
            "Conversions rose by 100.00 %: 2 in the hour from 2024-06-01T01:00:00Z, against 1.00 in \
             the hour before it."
        );
    }
}
