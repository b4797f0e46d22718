//! What the engine is for, written against the store traits.
pub(crate) mod progress;
pub(crate) mod run;
pub(crate) mod store;
