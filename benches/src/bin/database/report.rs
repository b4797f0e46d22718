//! The lines that are printed: measurements, and ratios beside their targets.

use std::time::Duration;

/// A time with what it was for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    pub(crate) rows: u64,
    pub(crate) duration: Duration,
}

impl Measured {
    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { rows: self.rows + other.rows, duration: self.duration + other.duration }
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
    println!("{:<54}{:>11}{:>10}{:>8}{:>8}", "", "rows", "seconds", "ratio", "target");
}

pub(crate) fn measured(what: &str, measured: Measured) {
    let seconds = measured.duration.as_secs_f64();
    println!("{what:<54}{:>11}{seconds:>10.3}", thousands(measured.rows));
}

/// A measurement against another: at most so many times as long.
pub(crate) fn ratio(against: &str, this: Measured, other: Measured, target: f64) {
    let ratio = this.duration.as_secs_f64() / other.duration.as_secs_f64();
    let met = if ratio <= target { "met" } else { "NOT MET" };
    let seconds = other.duration.as_secs_f64();
    let against = format!("    against {against}");
    println!("{against:<54}{:>11}{seconds:>10.3}{ratio:>8.3}{target:>8.3}  {met}", "");
}
