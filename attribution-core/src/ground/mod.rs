//! The ground everything stands on: numbers, times, scopes and errors.
pub(crate) mod error;
pub(crate) mod money;
pub(crate) mod percent;
pub(crate) mod scope;
pub(crate) mod time;
