//! What the fuzz targets share.

pub mod abi;
pub mod arrow;
pub mod memory;
pub mod outcome;
pub mod rows;
