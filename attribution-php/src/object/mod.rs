//! The classes in the namespace Attribution, for those who prefer objects.

pub(crate) mod engine;
pub(crate) mod kinds;
pub(crate) mod model;
pub(crate) mod result;
