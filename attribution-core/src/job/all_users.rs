//! A job for every account owner, one after the other.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use super::tables::Tables;
use crate::ground::error::{Error, ErrorCode};

/// What came of a job for one account owner.
///
/// ```
/// use attribution_core::{Error, UserOutcome};
/// let outcome: UserOutcome<()> = UserOutcome { user_id: 7, result: Err(Error::Cancelled) };
/// assert!(outcome.result.is_err());
/// ```
#[derive(Debug)]
pub struct UserOutcome<R> {
    /// The account owner.
    pub user_id: u64,
    /// The job's report, or why it failed.
    pub result: Result<R, Error>,
}

impl<R: Serialize> Serialize for UserOutcome<R> {
    /// The user's id, and either the report or the error's code and message.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Failure {
            code: &'static str,
            message: String,
        }
        let mut fields = serializer.serialize_struct("UserOutcome", 2)?;
        fields.serialize_field("user_id", &self.user_id)?;
        match &self.result {
            Ok(report) => fields.serialize_field("report", report)?,
            Err(error) => {
                let failure = Failure { code: error.code().as_str(), message: error.to_string() };
                fields.serialize_field("error", &failure)?;
            }
        }
        fields.end()
    }
}

/// What came of a job for one or more account owners, as a report for machines.
///
/// ```
/// use attribution_core::{Error, JobReport, UserOutcome};
/// let users: [UserOutcome<()>; 1] = [UserOutcome { user_id: 7, result: Err(Error::Cancelled) }];
/// let json = JobReport { job: "rebuild", users: &users }.to_json()?;
/// assert!(json.starts_with("{\n  \"job\": \"rebuild\","));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct JobReport<'a, R> {
    /// The job's name: `backfill`, `rebuild` or `purge`.
    pub job: &'static str,
    /// What came of it for each user.
    pub users: &'a [UserOutcome<R>],
}

impl<R: Serialize> JobReport<'_, R> {
    /// The report as a JSON object of several lines, with the version of the engine.
    ///
    /// # Errors
    /// [`Error::Internal`] for a report that has no JSON form, which none of this crate's is.
    ///
    /// ```
    /// use attribution_core::JobReport;
    /// let json = JobReport::<()> { job: "backfill", users: &[] }.to_json()?;
    /// assert!(json.contains("\"engine_version\""));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn to_json(&self) -> Result<String, Error> {
        #[derive(Serialize)]
        struct Report<'a, R> {
            job: &'static str,
            engine_version: &'static str,
            users: &'a [UserOutcome<R>],
        }
        let Self { job, users } = self;
        let report = Report { job, engine_version: env!("CARGO_PKG_VERSION"), users };
        serde_json::to_string_pretty(&report)
            .map_err(|error| Error::Internal(format!("a report has no JSON form: {error}")))
    }
}

/// Does a job for every owner that is not deleted. One's failure does not stop the others; being asked
/// to stop does.
pub(crate) fn for_all_users<T: Tables, R>(
    tables: &T,
    mut job: impl FnMut(u64) -> Result<R, Error>,
) -> Result<Vec<UserOutcome<R>>, Error> {
    let mut outcomes = Vec::new();
    for user_id in tables.owners()? {
        let result = job(user_id);
        if matches!(&result, Err(error) if error.code() == ErrorCode::Cancelled) {
            return Err(Error::Cancelled);
        }
        outcomes.push(UserOutcome { user_id, result });
    }
    Ok(outcomes)
}
