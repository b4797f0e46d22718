//! The functions of the extension. Their documentation for PHP is in the stub, attribution.stub.php.

use ext_php_rs::prelude::*;
use ext_php_rs::types::{ZendHashTable, Zval};

use crate::calculate::calculate_rows;
use crate::columns::calculate_all;
use crate::database::{jobs, read};
use crate::export::export_to;
use crate::failure::settle;
use crate::journeys::assemble;
use crate::model::read_model;
use crate::version::VERSION;
use crate::zend::argument::{self, ARRAY, TEXT_OR_ARRAY};
use crate::zend::table::{Made, NewRow, Table};

/// Adds the functions to the module.
pub(crate) fn register(module: ModuleBuilder<'_>) -> ModuleBuilder<'_> {
    module
        .function(wrap_function!(attribution_version))
        .function(wrap_function!(attribution_validate_model))
        .function(wrap_function!(attribution_calculate))
        .function(wrap_function!(attribution_calculate_columns))
        .function(wrap_function!(attribution_journeys))
        .function(wrap_function!(attribution_backfill))
        .function(wrap_function!(attribution_rebuild))
        .function(wrap_function!(attribution_snapshots))
        .function(wrap_function!(attribution_check))
        .function(wrap_function!(attribution_export))
}

/// Describes the arguments that the macros have no type for. Only for the module's startup.
pub(crate) fn describe() {
    const NONE: Option<&std::ffi::CStr> = Some(c"[]");
    argument::describe(&[
        ("attribution_calculate", 2, ARRAY, NONE),
        ("attribution_calculate_columns", 2, ARRAY, NONE),
        ("attribution_journeys", 2, ARRAY, NONE),
        ("attribution_backfill", 0, TEXT_OR_ARRAY, None),
        ("attribution_backfill", 1, ARRAY, NONE),
        ("attribution_rebuild", 0, TEXT_OR_ARRAY, None),
        ("attribution_rebuild", 1, ARRAY, NONE),
        ("attribution_snapshots", 0, TEXT_OR_ARRAY, None),
        ("attribution_check", 0, TEXT_OR_ARRAY, None),
    ]);
}

/// The version of the engine, such as 0.1.0.
#[php_function]
#[php(name = "attribution_version")]
fn attribution_version() -> &'static str {
    VERSION
}

/// The model in its normal form, or an exception that names what is wrong with it.
#[php_function]
#[php(name = "attribution_validate_model")]
fn attribution_validate_model(model: &ZendHashTable) -> PhpResult<Made> {
    settle(read_model(Table(model), None).and_then(|model| model.to_row()).map(NewRow::into_made))
}

/// The snapshots and credits of conversions under one model.
#[php_function]
#[php(name = "attribution_calculate", optional = options)]
fn attribution_calculate(
    model: &ZendHashTable,
    conversions: &ZendHashTable,
    options: Option<&ZendHashTable>,
) -> PhpResult<Made> {
    settle(calculate_rows(model, conversions, options))
}

/// The snapshots and credits of conversions under several models, in and out as columns.
#[php_function]
#[php(name = "attribution_calculate_columns", optional = options)]
fn attribution_calculate_columns(
    models: &ZendHashTable,
    columns: &ZendHashTable,
    options: Option<&ZendHashTable>,
) -> PhpResult<Made> {
    settle(calculate_all(models, columns, options))
}

/// Conversions with their journeys, as `attribution_calculate` takes them.
#[php_function]
#[php(name = "attribution_journeys", optional = options)]
fn attribution_journeys(
    clicks: &ZendHashTable,
    conversions: &ZendHashTable,
    options: Option<&ZendHashTable>,
) -> PhpResult<Made> {
    settle(assemble(clicks, conversions, options))
}

/// Assembles and stores the journeys of the conversions in a window.
#[php_function]
#[php(name = "attribution_backfill", optional = options)]
fn attribution_backfill(database: &Zval, options: Option<&ZendHashTable>) -> PhpResult<Made> {
    settle(jobs::backfill(database, options))
}

/// Makes the snapshots and credits of the active models right for a window of hours.
#[php_function]
#[php(name = "attribution_rebuild", optional = options)]
fn attribution_rebuild(database: &Zval, options: Option<&ZendHashTable>) -> PhpResult<Made> {
    settle(jobs::rebuild(database, options))
}

/// The stored snapshots of a user's model, ordered by scope type, scope id and hour.
#[php_function]
#[php(name = "attribution_snapshots")]
fn attribution_snapshots(database: &Zval, query: &ZendHashTable) -> PhpResult<Made> {
    settle(read::snapshots(database, query))
}

/// What is wrong with the tables.
#[php_function]
#[php(name = "attribution_check")]
fn attribution_check(database: &Zval) -> PhpResult<Made> {
    settle(read::check(database))
}

/// Writes the snapshots of a result to a file, whole or not at all, and gives the number of rows.
#[php_function]
#[php(name = "attribution_export")]
fn attribution_export(result: &ZendHashTable, path: &str, format: &str) -> PhpResult<i64> {
    settle(export_to(result, path, format))
}
