//! What is PHP's own: its tables, strings, globals and functions that ext-php-rs has no safe form of.

pub(crate) mod argument;
pub(crate) mod globals;
pub(crate) mod library;
pub(crate) mod paths;
pub(crate) mod property;
pub(crate) mod table;
pub(crate) mod text;
