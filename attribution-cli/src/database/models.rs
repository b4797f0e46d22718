//! `attribution model`

use std::time::Duration;

use attribution_core::{Error, ModelChange, StoredModel};

use super::{open, print_json};
use crate::arguments::ModelAction;
use crate::screen;

pub(crate) fn model(action: &ModelAction) -> Result<(), Error> {
    match action {
        ModelAction::List { user, json } => {
            let models = open(&user.database)?.models(user.user)?;
            if *json { print_json(&models) } else { screen::print(&table(&models)) }
        }
        ModelAction::Create { user, name, spec, slug, inactive, default, json } => {
            let mut model = spec.clone();
            if let Some(name) = name {
                model = model.with_name(name)?;
            }
            if let Some(slug) = slug {
                model = model.with_slug(slug)?;
            }
            let store = open(&user.database)?;
            let stored = store.create_model(user.user, &model, !inactive, *default)?;
            show(&stored, *json)
        }
        ModelAction::Update { user, model, name, spec, slug, active, json } => {
            let change = ModelChange {
                name: name.clone(),
                slug: slug.clone(),
                weighting: spec.clone(),
                active: *active,
            };
            if change == ModelChange::default() {
                return Err(Error::Model(attribution_core::ModelError {
                    field: "change".to_owned(),
                    given: "nothing was given".to_owned(),
                    allowed: "--name, --spec, --slug or --active".to_owned(),
                }));
            }
            show(&open(&user.database)?.update_model(user.user, model, &change)?, *json)
        }
        ModelAction::Delete { user, model, wait } => {
            let wait = Duration::from_secs(*wait);
            let deleted = open(&user.database)?.delete_model(user.user, model, wait)?;
            screen::print(&format!(
                "deleted {model} with {} snapshots, {} credits and {} exports\n",
                screen::thousands(deleted.snapshots),
                screen::thousands(deleted.credits),
                screen::thousands(deleted.exports),
            ))
        }
        ModelAction::Default { user, model } => {
            show(&open(&user.database)?.set_default_model(user.user, model)?, false)
        }
    }
}

fn show(model: &StoredModel, json: bool) -> Result<(), Error> {
    if json { print_json(model) } else { screen::print(&table(std::slice::from_ref(model))) }
}

fn table(models: &[StoredModel]) -> String {
    let rows: Vec<Vec<String>> = models
        .iter()
        .map(|model| {
            let state = match (&model.problem, model.is_active) {
                (Some(problem), _) => problem.as_str(),
                (None, true) => "active",
                (None, false) => "inactive",
            };
            vec![
                model.model_id.to_string(),
                model.slug.clone(),
                model.name.clone(),
                model.kind.clone(),
                model.weighting_config.clone().unwrap_or_default(),
                if model.is_default { "default, ".to_owned() + state } else { state.to_owned() },
            ]
        })
        .collect();
    screen::table(&["id", "slug", "name", "type", "config", "state"], &rows, 6)
}
