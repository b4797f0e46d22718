//! Batch and models in, credits and snapshots out; the only floor that knows of threads.
pub(crate) mod apportion;
pub(crate) mod calculate;
pub(crate) mod credits;
pub(crate) mod group;
pub(crate) mod lanes;
pub(crate) mod parallel;
pub(crate) mod snapshot;
pub(crate) mod touchpoints;
