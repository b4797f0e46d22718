//! Attribution\Engine.

use ext_php_rs::boxed::ZBox;
use ext_php_rs::flags::ClassFlags;
use ext_php_rs::prelude::*;
use ext_php_rs::types::{ZendClassObject, ZendHashTable};

use super::model::Model;
use super::result::{Columns, Result};
use crate::calculate::{Task, calculate, to_lists};
use crate::columns::{calculate as calculate_columns, to_columns};
use crate::failure::{Failure, refused, settle};
use crate::input::{self, described};
use crate::zend::table::{Kept, Made, NewList, NewValue, Table};

/// How to calculate: the options of `attribution_calculate()`, checked once.
#[php_class]
#[php(name = "Attribution\\Engine")]
#[php(flags = ClassFlags::Final)]
#[derive(Debug, Clone, Copy)]
pub struct Engine {
    task: Task,
}

#[php_impl]
impl Engine {
    /// Takes the options of `attribution_calculate()`.
    #[php(optional = options)]
    pub fn __construct(options: Option<&ZendHashTable>) -> PhpResult<Self> {
        settle(Task::of(options).map(|task| Self { task }))
    }

    /// The snapshots and credits of conversions under one model.
    pub fn calculate(
        &self,
        model: &Model,
        conversions: &ZendHashTable,
    ) -> PhpResult<ZBox<ZendClassObject<Result>>> {
        settle(self.run(model, conversions))?.into_object()
    }

    /// The snapshots and credits of conversions under several models, as columns.
    pub fn calculate_columns(
        &self,
        models: &ZendHashTable,
        columns: &ZendHashTable,
    ) -> PhpResult<Made> {
        let results = settle(self.run_columns(models, columns))?;
        let mut list = NewList::with_capacity(results.len());
        for columns in results {
            list.push(NewValue::object(columns.into_object()?));
        }
        Ok(list.into_made())
    }
}

impl Engine {
    fn run(
        &self,
        model: &Model,
        conversions: &ZendHashTable,
    ) -> std::result::Result<Result, Failure> {
        // Its own copy, for the object may be changed meanwhile by a handler of a signal.
        let model = model.given.model.clone();
        let (snapshots, touchpoints) = to_lists(calculate(&model, conversions, self.task)?)?;
        Ok(Result {
            model: model.name().to_owned(),
            snapshots: Kept::new(snapshots.into_made()),
            touchpoints: Kept::new(touchpoints.into_made()),
        })
    }

    fn run_columns(
        &self,
        models: &ZendHashTable,
        columns: &ZendHashTable,
    ) -> std::result::Result<Vec<Columns>, Failure> {
        let list = input::list_of(Table(models), || "models".to_owned())?;
        let mut given = Vec::new();
        list.each(|place, value| {
            let model = value.object().and_then(ZendClassObject::<Model>::from_zend_obj);
            let Some(model) = model else {
                let place = format!("models[{place}]");
                return Err(refused(place, described(value), "an Attribution\\Model"));
            };
            given.push(model.given.model.clone());
            Ok(())
        })?;
        let calculated = calculate_columns(&given, columns, self.task)?;
        let columns = to_columns(calculated, false)?;
        let mut results = Vec::new();
        for (model, (snapshots, touchpoints)) in given.iter().zip(columns) {
            let columns = Columns {
                model: model.name().to_owned(),
                snapshots: Kept::new(snapshots.into_made()),
                touchpoints: Kept::new(touchpoints.into_made()),
            };
            results.push(columns);
        }
        Ok(results)
    }
}
