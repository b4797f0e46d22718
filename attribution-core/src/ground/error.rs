//! What can go wrong, each with a stable code, a message for a person, and its source.

use std::fmt;

use thiserror::Error;

/// The stable name of a class of errors, the same through every face of the library.
///
/// ```
/// use attribution_core::{ErrorCode, Model};
/// let error = Model::from_spec("time_decay").unwrap_err();
/// assert_eq!(error.code(), ErrorCode::InvalidModel);
/// assert_eq!(error.code().as_str(), "invalid_model");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// A model's kind, name, slug or weighting config is not allowed.
    InvalidModel,
    /// Clicks, conversions, a batch or an option are not allowed.
    InvalidInput,
    /// A number or a size is beyond what can be held exactly.
    Limit,
    /// A file could not be read or written.
    Io,
    /// The database refused, failed or could not be reached.
    Database,
    /// Another run holds the lock, or has taken it over.
    Locked,
    /// The caller asked to stop.
    Cancelled,
    /// The library broke a promise to itself: a defect to report.
    Internal,
}

impl ErrorCode {
    /// The code as text, never renamed.
    ///
    /// ```
    /// assert_eq!(attribution_core::ErrorCode::Cancelled.as_str(), "cancelled");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidModel => "invalid_model",
            Self::InvalidInput => "invalid_input",
            Self::Limit => "limit",
            Self::Io => "io",
            Self::Database => "database",
            Self::Locked => "locked",
            Self::Cancelled => "cancelled",
            Self::Internal => "internal",
        }
    }
}

/// A model that is not allowed: the field, what was given, and what is allowed.
///
/// ```
/// use attribution_core::{Error, Model};
/// let Err(Error::Model(error)) = Model::from_stored("time_decay", Some(r#"{"half_life_hours": 0}"#)) else {
///     unreachable!()
/// };
/// assert_eq!(error.field, "half_life_hours");
/// assert_eq!(
///     error.to_string(),
///     "half_life_hours: 0 was given; allowed: a whole number from 1 to 4294967295"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {given}; allowed: {allowed}")]
pub struct ModelError {
    /// The field at fault, such as `half_life_hours`, `type` or `slug`.
    pub field: String,
    /// What was found there, as a clause ("0 was given").
    pub given: String,
    /// What may stand there.
    pub allowed: String,
}

impl ModelError {
    pub(crate) fn new(
        field: impl Into<String>,
        given: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self { field: field.into(), given: given.into(), allowed: allowed.into() }
    }
}

/// One thing wrong with an input: where, what was found, what is allowed.
///
/// Shown as `place: found, allowed`, for a file `clicks.csv:12: cost: "-1" is negative, allowed: ...`.
///
/// ```
/// let defect = attribution_core::Defect::new("clicks.csv:2: cost", "found \"x\"", "a decimal");
/// assert_eq!(defect.to_string(), "clicks.csv:2: cost: found \"x\", allowed: a decimal");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defect {
    /// The place: `file:line: column`, or the name and index of a column of a batch.
    pub place: String,
    /// What was found there.
    pub found: String,
    /// What is allowed there.
    pub allowed: String,
}

impl Defect {
    /// Notes a defect.
    ///
    /// ```
    /// let defect = attribution_core::Defect::new("offsets[0]", "found 1", "0");
    /// assert_eq!(defect.place, "offsets[0]");
    /// ```
    pub fn new(
        place: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self { place: place.into(), found: found.into(), allowed: allowed.into() }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, allowed: {}", self.place, self.found, self.allowed)
    }
}

/// Every defect of an input: the first [`Defects::SHOWN`] in full, the rest as a count.
///
/// ```
/// use attribution_core::{Defect, Defects};
/// let mut defects = Defects::default();
/// for line in 1..=25 {
///     defects.push(Defect::new(format!("clicks.csv:{line}"), "found 3 fields", "7 fields"));
/// }
/// assert_eq!((defects.shown().len(), defects.total()), (20, 25));
/// assert!(defects.to_string().ends_with("and 5 more"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Defects {
    shown: Vec<Defect>,
    total: u64,
}

impl Defects {
    /// How many defects are kept in full.
    ///
    /// ```
    /// assert_eq!(attribution_core::Defects::SHOWN, 20);
    /// ```
    pub const SHOWN: usize = 20;

    /// Adds a defect; beyond the first twenty only their number is kept.
    ///
    /// ```
    /// let mut defects = attribution_core::Defects::default();
    /// defects.push(attribution_core::Defect::new("payouts[3]", "found 2", "1"));
    /// assert_eq!(defects.total(), 1);
    /// ```
    pub fn push(&mut self, defect: Defect) {
        if self.shown.len() < Self::SHOWN {
            self.shown.push(defect);
        }
        self.total += 1;
    }

    /// Counts defects that are not kept in full.
    pub(crate) fn count_more(&mut self, more: u64) {
        self.total += more;
    }

    /// Adds others behind these.
    pub(crate) fn append(&mut self, more: Self) {
        let untold = more.total - more.shown.len() as u64;
        for defect in more.shown {
            self.push(defect);
        }
        self.count_more(untold);
    }

    /// The defects kept in full, in the order found.
    ///
    /// ```
    /// assert!(attribution_core::Defects::default().shown().is_empty());
    /// ```
    pub fn shown(&self) -> &[Defect] {
        &self.shown
    }

    /// How many there are in all.
    ///
    /// ```
    /// assert_eq!(attribution_core::Defects::default().total(), 0);
    /// ```
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// Nothing wrong, or an error that holds all of it.
    ///
    /// # Errors
    /// [`Error::Input`] when there is at least one defect.
    ///
    /// ```
    /// assert!(attribution_core::Defects::default().into_result().is_ok());
    /// ```
    pub fn into_result(self) -> Result<(), Error> {
        if self.total == 0 { Ok(()) } else { Err(Error::Input(self)) }
    }
}

impl fmt::Display for Defects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, defect) in self.shown.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            defect.fmt(f)?;
        }
        match self.total - self.shown.len() as u64 {
            0 => Ok(()),
            rest => write!(f, "\nand {rest} more"),
        }
    }
}

/// Anything the library can fail with.
///
/// ```
/// use attribution_core::{Error, Money};
/// let error = "1.234567".parse::<Money>().unwrap_err();
/// assert_eq!(error.code().as_str(), "invalid_input");
/// assert!(error.to_string().contains("at most 5 decimals"));
/// ```
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A model is not allowed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An input is not allowed.
    #[error("{0}")]
    Input(Defects),
    /// A number or a size is beyond what can be held exactly.
    #[error("{0}")]
    Limit(Defect),
    /// A file could not be read or written.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, naming the file.
        what: String,
        /// What the system answered.
        source: std::io::Error,
    },
    /// The database refused, failed or could not be reached.
    #[error("{what}: {source}")]
    Database {
        /// What was being done.
        what: String,
        /// What the database or its driver answered.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another run holds the lock, or has taken it over.
    #[error("{0}")]
    Locked(String),
    /// The caller asked to stop; nothing was left half done.
    #[error("stopped as asked; nothing was left half done")]
    Cancelled,
    /// A promise of the library was broken: a defect of the library to report.
    #[error("internal error: {0}; please report it")]
    Internal(String),
}

impl Error {
    /// The stable class of the error.
    ///
    /// ```
    /// assert_eq!(attribution_core::Error::Cancelled.code().as_str(), "cancelled");
    /// ```
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Model(_) => ErrorCode::InvalidModel,
            Self::Input(_) => ErrorCode::InvalidInput,
            Self::Limit(_) => ErrorCode::Limit,
            Self::Io { .. } => ErrorCode::Io,
            Self::Database { .. } => ErrorCode::Database,
            Self::Locked(_) => ErrorCode::Locked,
            Self::Cancelled => ErrorCode::Cancelled,
            Self::Internal(_) => ErrorCode::Internal,
        }
    }

    pub(crate) fn input(
        place: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        let mut defects = Defects::default();
        defects.push(Defect::new(place, found, allowed));
        Self::Input(defects)
    }

    pub(crate) fn limit(
        place: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self::Limit(Defect::new(place, found, allowed))
    }

    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// Text from outside, quoted for a message and cut when long.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() > LONGEST {
        let head: String = text.chars().take(LONGEST).collect();
        format!("{head:?}...")
    } else {
        format!("{text:?}")
    }
}
