//! The lines that are printed: measurements, and ratios beside their targets.

use std::time::Duration;

/// A time with what it was for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) rows: u64,
    pub(crate) duration: Duration,
    /// The share of the processors that others used meanwhile.
    pub(crate) others: f64,
}

impl Measured {
    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        let duration = self.duration + other.duration;
        let (left, right) = (self.duration.as_secs_f64(), other.duration.as_secs_f64());
        let others = (self.others * left + other.others * right) / (left + right).max(1e-9);
        Self { rows: self.rows + other.rows, duration, others }
    }

    /// The faster of two runs of the same.
    pub(crate) fn best(self, other: Option<Self>) -> Self {
        other.filter(|other| other.duration < self.duration).unwrap_or(self)
    }
}

/// A number with commas.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(crate) fn title() {
    println!(
        "{:<50}{:>10}{:>9}{:>7}{:>8}{:>7}",
        "", "rows", "seconds", "others", "ratio", "target"
    );
}

fn line(what: &str, rows: &str, measured: Measured) -> String {
    let (seconds, others) = (measured.duration.as_secs_f64(), measured.others * 100.0);
    format!("{what:<50}{rows:>10}{seconds:>9.3}{others:>5.0} %")
}

pub(crate) fn measured(what: &str, measured: Measured) {
    println!("{}", line(what, &thousands(measured.rows), measured));
}

/// A measurement against another: at most so many times as long.
pub(crate) fn ratio(against: &str, this: Measured, other: Measured, target: f64) {
    let ratio = this.duration.as_secs_f64() / other.duration.as_secs_f64();
    let met = if ratio <= target { "met" } else { "NOT MET" };
    let against = line(&format!("  against {against}"), "", other);
    println!("{against}{ratio:>8.3}{target:>7.2}  {met}");
}
