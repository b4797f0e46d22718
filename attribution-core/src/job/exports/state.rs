//! What the engine has to remember of a job and the host's table has no column for.

/// The engine's part of the column `options`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct State {}
