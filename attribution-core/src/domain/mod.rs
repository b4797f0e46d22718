//! Models, journeys, and the columns that carry them.
pub(crate) mod batch;
pub(crate) mod clicks;
pub(crate) mod config;
pub(crate) mod dimensions;
pub(crate) mod id_index;
pub(crate) mod journey;
pub(crate) mod key_filter;
pub(crate) mod model;
