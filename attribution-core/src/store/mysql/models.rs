//! An owner's models: read, made, changed, deleted, each change with its audit row.

use std::thread;

use mysql::{Row, Value};
use serde::Serialize;

use super::connection::{Connection, Fault, backoff, fault, has_code, now};
use super::generations;
use super::run::{MOST_ATTEMPTS, write_audit};
use super::values::Fields;
use crate::domain::model::Model;
use crate::ground::error::{Error, quoted};
use crate::job::tables::{AuditRow, ModelRow};

/// A model as it is stored.
///
/// ```
/// let model = attribution_core::StoredModel::default();
/// assert!(model.problem.is_none());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StoredModel {
    /// The model's id.
    pub model_id: u64,
    /// The name that people see.
    pub name: String,
    /// The name in addresses and commands, which no other model of the owner has.
    pub slug: String,
    /// The kind, as it is stored.
    #[serde(rename = "type")]
    pub kind: String,
    /// The config, as it is stored: a JSON object, or none.
    pub weighting_config: Option<String>,
    /// Whether a rebuild runs it.
    pub is_active: bool,
    /// Whether it is the owner's default.
    pub is_default: bool,
    /// Why it cannot be run, where it cannot.
    pub problem: Option<String>,
}

/// What is to be changed of a model; what is none stays.
///
/// ```
/// let change = attribution_core::ModelChange { active: Some(false), ..Default::default() };
/// assert!(change.name.is_none());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelChange {
    /// A new name. The slug stays.
    pub name: Option<String>,
    /// A new slug.
    pub slug: Option<String>,
    /// A new kind and config; the name of this model is not looked at.
    pub weighting: Option<Model>,
    /// Whether a rebuild is to run it.
    pub active: Option<bool>,
}

/// What went with a model that was deleted.
///
/// ```
/// assert_eq!(attribution_core::DeletedModel::default().snapshots, 0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeletedModel {
    /// Its snapshots.
    pub snapshots: u64,
    /// Its credits.
    pub credits: u64,
    /// Its exports.
    pub exports: u64,
}

impl From<ModelRow> for StoredModel {
    fn from(row: ModelRow) -> Self {
        let problem = Model::from_stored(&row.kind, row.config.as_deref()).err();
        Self {
            model_id: row.model_id,
            name: row.name,
            slug: row.slug,
            kind: row.kind,
            weighting_config: row.config,
            is_active: row.active,
            is_default: row.default,
            problem: problem.map(|problem| problem.to_string()),
        }
    }
}

const CHANGING: &str = "changing models";
const COLUMNS: &str =
    "model_id, model_name, model_slug, model_type, weighting_config, is_active, is_default";

fn read(connection: &mut Connection, owner: u64, end: &str) -> Result<Vec<ModelRow>, Error> {
    let mut models = Vec::new();
    connection.each(
        "reading models",
        &format!(
            "SELECT {COLUMNS} FROM 202_attribution_models WHERE user_id = ? \
             ORDER BY model_id {end}"
        ),
        (owner,),
        &mut |row: &Row| {
            let fields = Fields::new(row, "202_attribution_models");
            models.push(ModelRow {
                model_id: fields.number(0)?,
                name: fields.text(1)?,
                slug: fields.text(2)?,
                kind: fields.text(3)?,
                config: fields.text_or_null(4)?,
                active: fields.number(5)? != 0,
                default: fields.number(6)? != 0,
            });
            Ok(())
        },
    )?;
    Ok(models)
}

/// An owner's models in the order of their ids.
pub(super) fn read_models(connection: &mut Connection, owner: u64) -> Result<Vec<ModelRow>, Error> {
    read(connection, owner, "")
}

/// As [`read_models`], and nobody can change them until the transaction ends.
pub(super) fn read_models_locked(
    connection: &mut Connection,
    owner: u64,
) -> Result<Vec<ModelRow>, Error> {
    read(connection, owner, "LOCK IN SHARE MODE")
}

/// One of the owner's models by its slug.
pub(super) fn find(connection: &mut Connection, owner: u64, slug: &str) -> Result<ModelRow, Error> {
    find_among(read_models(connection, owner)?, owner, slug)
}

/// The owner's models, which nobody else can read to change until the transaction ends.
fn read_to_change(connection: &mut Connection, owner: u64) -> Result<Vec<ModelRow>, Error> {
    read(connection, owner, "FOR UPDATE")
}

/// As [`find`] among models that were read.
pub(super) fn find_among(models: Vec<ModelRow>, owner: u64, slug: &str) -> Result<ModelRow, Error> {
    let slugs: Vec<&str> = models.iter().map(|model| model.slug.as_str()).collect();
    let allowed = match &slugs[..] {
        [] => "a model's slug; the user has no models".to_owned(),
        slugs => slugs.join(", "),
    };
    models.into_iter().find(|model| model.slug == slug).ok_or_else(|| {
        Error::input("model", format!("found no model {} of user {owner}", quoted(slug)), allowed)
    })
}

/// Does work and its audit row in one transaction, again where a deadlock or a lock wait undid it. After
/// a commit whose answer was lost, the audit row is looked for: it is there if the commit came through.
pub(super) fn audited<T>(
    connection: &mut Connection,
    what: &str,
    owner: u64,
    mut work: impl FnMut(&mut Connection) -> Result<(T, AuditRow), Error>,
) -> Result<T, Error> {
    let mut attempt = 0;
    loop {
        let mut done = None;
        let mut attempt_once = || {
            connection.run_text(what, "START TRANSACTION")?;
            let (result, audit) = work(connection)?;
            write_audit(connection, owner, std::slice::from_ref(&audit))?;
            done = Some((result, connection.last_insert_id()));
            connection.run_text(what, "COMMIT")
        };
        let outcome = attempt_once();
        let Err(error) = outcome else {
            return done
                .map(|(result, _)| result)
                .ok_or_else(|| Error::Internal("a commit without work".into()));
        };
        attempt += 1;
        let fault = if has_code(&error, 1062) { Fault::Undone } else { fault(&error) };
        let _ = connection.run_text(what, "ROLLBACK");
        if fault == Fault::Final || attempt >= MOST_ATTEMPTS {
            return Err(error);
        }
        thread::sleep(backoff(attempt));
        if fault == Fault::Lost {
            connection.reopen()?;
            if let Some((result, audit_id)) = done {
                let mut committed = false;
                connection.each(
                    what,
                    // Waits for a commit that is still under way.
                    "SELECT audit_id FROM 202_attribution_audit \
                     WHERE audit_id = ? AND user_id = ? FOR UPDATE",
                    (audit_id, owner),
                    &mut |_| {
                        committed = true;
                        Ok(())
                    },
                )?;
                if committed {
                    return Ok(result);
                }
            }
        }
    }
}

fn audit(action: &'static str, model: &ModelRow) -> AuditRow {
    #[derive(Serialize)]
    struct Metadata<'a> {
        model_name: &'a str,
        model_slug: &'a str,
        model_type: &'a str,
        weighting_config: Option<&'a str>,
        is_active: bool,
        is_default: bool,
    }
    let metadata = serde_json::to_string(&Metadata {
        model_name: &model.name,
        model_slug: &model.slug,
        model_type: &model.kind,
        weighting_config: model.config.as_deref(),
        is_active: model.active,
        is_default: model.default,
    });
    AuditRow {
        model_id: Some(model.model_id),
        action,
        // Text and flags always have a JSON form.
        metadata: metadata.unwrap_or_default(),
    }
}

/// A model's config as it is stored.
fn stored_config(model: &Model) -> Result<Option<String>, Error> {
    let json = serde_json::to_string(&model.weighting())
        .map_err(|error| Error::Internal(format!("a config has no JSON form: {error}")))?;
    Ok(Some(json).filter(|json| json != "{}"))
}

/// The slug, or the first of slug-2, slug-3, ... that none of the owner's models has.
fn free_slug(slug: &str, taken: &[ModelRow]) -> String {
    let is_free = |slug: &str| !taken.iter().any(|row| row.slug.eq_ignore_ascii_case(slug));
    let mut candidate = slug.to_owned();
    for number in 2_u64.. {
        if is_free(&candidate) {
            break;
        }
        let suffix = format!("-{number}");
        // Slugs are ASCII.
        let head = &slug[..slug.len().min(Model::LONGEST_SLUG - suffix.len())];
        candidate = format!("{}{suffix}", head.trim_end_matches(['-', '_']));
    }
    candidate
}

/// Makes a model. Where its slug is taken it gets a number.
pub(super) fn create(
    connection: &mut Connection,
    owner: u64,
    model: &Model,
    active: bool,
    default: bool,
) -> Result<StoredModel, Error> {
    let config = stored_config(model)?;
    audited(connection, CHANGING, owner, |connection| {
        let others = read_to_change(connection, owner)?;
        let slug = free_slug(model.slug(), &others);
        if default {
            clear_default(connection, owner)?;
        }
        let time = now();
        connection.run(
            "writing a model",
            "INSERT INTO 202_attribution_models (user_id, model_name, model_slug, model_type, \
             weighting_config, is_active, is_default, created_at, updated_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (owner, model.name(), &slug, model.kind().name(), &config, active, default, time, time),
        )?;
        let row = ModelRow {
            model_id: connection.last_insert_id(),
            name: model.name().to_owned(),
            slug,
            kind: model.kind().name().to_owned(),
            config: config.clone(),
            active,
            default,
        };
        generations::raise(connection, owner, [row.model_id])?;
        let audit = audit("model_create", &row);
        Ok((row.into(), audit))
    })
}

pub(super) fn update(
    connection: &mut Connection,
    owner: u64,
    slug: &str,
    change: &ModelChange,
) -> Result<StoredModel, Error> {
    // Any model will do to check a name and a slug with.
    let any = Model::from_stored("linear", None)?;
    let name = match &change.name {
        Some(name) => Some(any.clone().with_name(name)?.name().to_owned()),
        None => None,
    };
    let new_slug = match &change.slug {
        Some(slug) => Some(any.with_slug(slug)?.slug().to_owned()),
        None => None,
    };
    audited(connection, CHANGING, owner, |connection| {
        let others = read_to_change(connection, owner)?;
        let mut row = find_among(others.clone(), owner, slug)?;
        if let Some(new_slug) = &new_slug {
            let taken = |other: &ModelRow| {
                other.model_id != row.model_id && other.slug.eq_ignore_ascii_case(new_slug)
            };
            if others.iter().any(taken) {
                return Err(Error::input(
                    "slug",
                    format!("found {}, which another model has", quoted(new_slug)),
                    "a slug that none of the user's models has",
                ));
            }
            row.slug.clone_from(new_slug);
        }
        if let Some(name) = &name {
            row.name.clone_from(name);
        }
        if let Some(model) = &change.weighting {
            model.kind().name().clone_into(&mut row.kind);
            row.config = stored_config(model)?;
        }
        row.active = change.active.unwrap_or(row.active);
        write(connection, owner, &row)?;
        let audit = audit("model_update", &row);
        Ok((row.into(), audit))
    })
}

fn write(connection: &mut Connection, owner: u64, row: &ModelRow) -> Result<(), Error> {
    connection
        .run(
            "writing a model",
            "UPDATE 202_attribution_models SET model_name = ?, model_slug = ?, model_type = ?, \
             weighting_config = ?, is_active = ?, is_default = ?, updated_at = ? \
             WHERE model_id = ? AND user_id = ?",
            (
                &row.name,
                &row.slug,
                &row.kind,
                &row.config,
                row.active,
                row.default,
                now(),
                row.model_id,
                owner,
            ),
        )
        .map(|_| ())
}

fn clear_default(connection: &mut Connection, owner: u64) -> Result<(), Error> {
    connection
        .run(
            "writing a model",
            "UPDATE 202_attribution_models SET is_default = 0, updated_at = ? \
             WHERE user_id = ? AND is_default <> 0",
            (now(), owner),
        )
        .map(|_| ())
}

pub(super) fn set_default(
    connection: &mut Connection,
    owner: u64,
    slug: &str,
) -> Result<StoredModel, Error> {
    audited(connection, CHANGING, owner, |connection| {
        let mut row = find_among(read_to_change(connection, owner)?, owner, slug)?;
        clear_default(connection, owner)?;
        row.default = true;
        write(connection, owner, &row)?;
        let audit = audit("model_update", &row);
        Ok((row.into(), audit))
    })
}

/// Deletes a model with all that is its, in one transaction. The caller holds the owner's lock.
pub(super) fn delete(
    connection: &mut Connection,
    owner: u64,
    slug: &str,
) -> Result<DeletedModel, Error> {
    audited(connection, CHANGING, owner, |connection| {
        let row = find_among(read_to_change(connection, owner)?, owner, slug)?;
        let mut snapshot_ids = Vec::new();
        connection.each(
            "reading snapshots",
            "SELECT snapshot_id FROM 202_attribution_snapshots WHERE model_id = ? AND user_id = ?",
            (row.model_id, owner),
            &mut |row| {
                snapshot_ids.push(Fields::new(row, "202_attribution_snapshots").number(0)?);
                Ok(())
            },
        )?;
        let of_model = [Value::UInt(row.model_id), Value::UInt(owner)];
        let what = "deleting a model";
        let deleted = DeletedModel {
            credits: connection.run_of(
                what,
                "DELETE FROM 202_attribution_touchpoints WHERE snapshot_id IN {ids}",
                &[],
                &snapshot_ids,
            )?,
            snapshots: connection.run(
                what,
                "DELETE FROM 202_attribution_snapshots WHERE model_id = ? AND user_id = ?",
                of_model.to_vec(),
            )?,
            exports: connection.run(
                what,
                "DELETE FROM 202_attribution_exports WHERE model_id = ? AND user_id = ?",
                of_model.to_vec(),
            )?,
        };
        for statement in [
            "UPDATE 202_aff_campaigns SET attribution_model_id = NULL \
             WHERE attribution_model_id = ? AND user_id = ?",
            "DELETE FROM 202_attribution_models WHERE model_id = ? AND user_id = ?",
        ] {
            connection.run(what, statement, of_model.to_vec())?;
        }
        generations::forget(connection, owner, row.model_id)?;
        Ok((deleted, audit("model_delete", &row)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_slug_gets_a_number_and_stays_short_enough() {
        let row = |slug: &str| ModelRow {
            model_id: 1,
            name: String::new(),
            slug: slug.to_owned(),
            kind: String::new(),
            config: None,
            active: true,
            default: false,
        };
        assert_eq!(free_slug("linear", &[]), "linear");
        assert_eq!(free_slug("linear", &[row("Linear"), row("linear-2")]), "linear-3");
        let long = "x".repeat(Model::LONGEST_SLUG);
        let numbered = free_slug(&long, &[row(&long)]);
        assert_eq!((numbered.len(), &numbered[189..]), (Model::LONGEST_SLUG, "-2"));
    }
}
