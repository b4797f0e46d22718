//! The functions of the extension. Their documentation for PHP is in the stub, attribution.stub.php.

use ext_php_rs::prelude::*;
use ext_php_rs::types::{ZendHashTable, Zval};

use crate::calculate::calculate_rows;
use crate::columns::calculate_all;
use crate::database::address::check_address;
use crate::database::{exports, figures, jobs, purge, read};
use crate::export::export_to;
use crate::failure::{Failure, array_argument, settle, text_argument};
use crate::journeys::assemble;
use crate::model::read_model;
use crate::version::VERSION;
use crate::zend::argument::{self, ARRAY, TEXT, TEXT_OR_ARRAY};
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
        .function(wrap_function!(attribution_compare))
        .function(wrap_function!(attribution_overview))
        .function(wrap_function!(attribution_export_schedule))
        .function(wrap_function!(attribution_export_run))
        .function(wrap_function!(attribution_exports))
        .function(wrap_function!(attribution_purge))
        .function(wrap_function!(attribution_check))
        .function(wrap_function!(attribution_export))
}

/// Describes the arguments, of which the macros know nothing: their types are looked at here, so that what is wrong
/// is told in PHP's own words. Only for the module's startup.
pub(crate) fn describe() {
    const NONE: Option<&std::ffi::CStr> = Some(c"[]");
    argument::describe(&[
        ("attribution_validate_model", 0, ARRAY, None),
        ("attribution_calculate", 0, ARRAY, None),
        ("attribution_calculate", 1, ARRAY, None),
        ("attribution_calculate", 2, ARRAY, NONE),
        ("attribution_calculate_columns", 0, ARRAY, None),
        ("attribution_calculate_columns", 1, ARRAY, None),
        ("attribution_calculate_columns", 2, ARRAY, NONE),
        ("attribution_journeys", 0, ARRAY, None),
        ("attribution_journeys", 1, ARRAY, None),
        ("attribution_journeys", 2, ARRAY, NONE),
        ("attribution_backfill", 0, TEXT_OR_ARRAY, None),
        ("attribution_backfill", 1, ARRAY, NONE),
        ("attribution_rebuild", 0, TEXT_OR_ARRAY, None),
        ("attribution_rebuild", 1, ARRAY, NONE),
        ("attribution_snapshots", 0, TEXT_OR_ARRAY, None),
        ("attribution_snapshots", 1, ARRAY, None),
        ("attribution_compare", 0, TEXT_OR_ARRAY, None),
        ("attribution_compare", 1, ARRAY, None),
        ("attribution_overview", 0, TEXT_OR_ARRAY, None),
        ("attribution_overview", 1, ARRAY, None),
        ("attribution_export_schedule", 0, TEXT_OR_ARRAY, None),
        ("attribution_export_schedule", 1, ARRAY, None),
        ("attribution_export_run", 0, TEXT_OR_ARRAY, None),
        ("attribution_export_run", 1, ARRAY, None),
        ("attribution_exports", 0, TEXT_OR_ARRAY, None),
        ("attribution_exports", 1, ARRAY, None),
        ("attribution_purge", 0, TEXT_OR_ARRAY, None),
        ("attribution_purge", 1, ARRAY, None),
        ("attribution_check", 0, TEXT_OR_ARRAY, None),
        ("attribution_export", 0, ARRAY, None),
        ("attribution_export", 1, TEXT, None),
        ("attribution_export", 2, TEXT, None),
    ]);
    // Where a password or a webhook's secret may be.
    argument::hide_in_traces(&[
        ("attribution_backfill", 0),
        ("attribution_backfill", 1),
        ("attribution_rebuild", 0),
        ("attribution_rebuild", 1),
        ("attribution_snapshots", 0),
        ("attribution_snapshots", 1),
        ("attribution_compare", 0),
        ("attribution_compare", 1),
        ("attribution_overview", 0),
        ("attribution_overview", 1),
        ("attribution_export_schedule", 0),
        ("attribution_export_schedule", 1),
        ("attribution_export_run", 0),
        ("attribution_export_run", 1),
        ("attribution_exports", 0),
        ("attribution_exports", 1),
        ("attribution_purge", 0),
        ("attribution_purge", 1),
        ("attribution_check", 0),
    ]);
}

/// The options, where there are any.
fn options_argument(value: Option<&Zval>, number: u32) -> Result<Option<&ZendHashTable>, Failure> {
    value.map(|value| array_argument(value, number, "options")).transpose()
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
fn attribution_validate_model(model: &Zval) -> PhpResult<Made> {
    settle(
        array_argument(model, 1, "model")
            .and_then(|model| read_model(Table(model), None))
            .and_then(|model| model.to_row())
            .map(NewRow::into_made),
    )
}

/// The snapshots and credits of conversions under one model.
#[php_function]
#[php(name = "attribution_calculate", optional = options)]
fn attribution_calculate(
    model: &Zval,
    conversions: &Zval,
    options: Option<&Zval>,
) -> PhpResult<Made> {
    settle((|| {
        let model = array_argument(model, 1, "model")?;
        let conversions = array_argument(conversions, 2, "conversions")?;
        calculate_rows(model, conversions, options_argument(options, 3)?)
    })())
}

/// The snapshots and credits of conversions under several models, in and out as columns.
#[php_function]
#[php(name = "attribution_calculate_columns", optional = options)]
fn attribution_calculate_columns(
    models: &Zval,
    columns: &Zval,
    options: Option<&Zval>,
) -> PhpResult<Made> {
    settle((|| {
        let models = array_argument(models, 1, "models")?;
        let columns = array_argument(columns, 2, "columns")?;
        calculate_all(models, columns, options_argument(options, 3)?)
    })())
}

/// Conversions with their journeys, as `attribution_calculate` takes them.
#[php_function]
#[php(name = "attribution_journeys", optional = options)]
fn attribution_journeys(
    clicks: &Zval,
    conversions: &Zval,
    options: Option<&Zval>,
) -> PhpResult<Made> {
    settle((|| {
        let clicks = array_argument(clicks, 1, "clicks")?;
        let conversions = array_argument(conversions, 2, "conversions")?;
        assemble(clicks, conversions, options_argument(options, 3)?)
    })())
}

/// Assembles and stores the journeys of the conversions in a window.
#[php_function]
#[php(name = "attribution_backfill", optional = options)]
fn attribution_backfill(database: &Zval, options: Option<&Zval>) -> PhpResult<Made> {
    settle(
        check_address(database)
            .and_then(|()| jobs::backfill(database, options_argument(options, 2)?)),
    )
}

/// Makes the snapshots and credits of the active models right for a window of hours.
#[php_function]
#[php(name = "attribution_rebuild", optional = options)]
fn attribution_rebuild(database: &Zval, options: Option<&Zval>) -> PhpResult<Made> {
    settle(
        check_address(database)
            .and_then(|()| jobs::rebuild(database, options_argument(options, 2)?)),
    )
}

/// The stored snapshots of a user's model, ordered by scope type, scope id and hour.
#[php_function]
#[php(name = "attribution_snapshots")]
fn attribution_snapshots(database: &Zval, query: &Zval) -> PhpResult<Made> {
    settle(
        check_address(database)
            .and_then(|()| read::snapshots(database, array_argument(query, 2, "query")?)),
    )
}

/// Models side by side on the same conversions, with nothing written.
#[php_function]
#[php(name = "attribution_compare")]
fn attribution_compare(database: &Zval, options: &Zval) -> PhpResult<Made> {
    settle(
        check_address(database)
            .and_then(|()| figures::compare(database, array_argument(options, 2, "options")?)),
    )
}

/// What is stored of one model and scope: totals, a page of hours, the mix of touches, anomalies.
#[php_function]
#[php(name = "attribution_overview")]
fn attribution_overview(database: &Zval, options: &Zval) -> PhpResult<Made> {
    settle(
        check_address(database)
            .and_then(|()| figures::overview(database, array_argument(options, 2, "options")?)),
    )
}

/// Puts an export of a model's snapshots into the queue.
#[php_function]
#[php(name = "attribution_export_schedule")]
fn attribution_export_schedule(database: &Zval, options: &Zval) -> PhpResult<Made> {
    settle(
        check_address(database)
            .and_then(|()| exports::schedule(database, array_argument(options, 2, "options")?)),
    )
}

/// Makes the files of exports that wait, and sends the webhooks that are due.
#[php_function]
#[php(name = "attribution_export_run")]
fn attribution_export_run(database: &Zval, options: &Zval) -> PhpResult<Made> {
    settle(
        check_address(database)
            .and_then(|()| exports::run(database, array_argument(options, 2, "options")?)),
    )
}

/// A user's exports, the newest first.
#[php_function]
#[php(name = "attribution_exports")]
fn attribution_exports(database: &Zval, options: &Zval) -> PhpResult<Made> {
    settle(
        check_address(database)
            .and_then(|()| exports::exports(database, array_argument(options, 2, "options")?)),
    )
}

/// Removes what is old, or all of a data subject or an account owner.
#[php_function]
#[php(name = "attribution_purge")]
fn attribution_purge(database: &Zval, options: &Zval) -> PhpResult<Made> {
    settle(
        check_address(database)
            .and_then(|()| purge::purge(database, array_argument(options, 2, "options")?)),
    )
}

/// What is wrong with the tables.
#[php_function]
#[php(name = "attribution_check")]
fn attribution_check(database: &Zval) -> PhpResult<Made> {
    settle(check_address(database).and_then(|()| read::check(database)))
}

/// Writes the snapshots of a result to a file, whole or not at all, and gives the number of rows.
#[php_function]
#[php(name = "attribution_export")]
fn attribution_export(result: &Zval, path: &Zval, format: &Zval) -> PhpResult<i64> {
    settle((|| {
        let result = array_argument(result, 1, "result")?;
        export_to(result, text_argument(path, 2, "path")?, text_argument(format, 3, "format")?)
    })())
}
