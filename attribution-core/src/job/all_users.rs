//! A job for every account owner, one after the other.

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
