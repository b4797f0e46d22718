//! The generation of each model's snapshots: a number that only rises, and rises in the very transaction
//! that changes them.

use std::collections::BTreeSet;

use mysql::Value;

use super::connection::{Connection, now};
use super::values::Fields;
use crate::ground::error::Error;

/// Raises the generations of an owner's models, within the caller's transaction. To be called wherever
/// rows of `202_attribution_snapshots` are inserted, changed or deleted, for the models they are of.
pub(super) fn raise(
    connection: &mut Connection,
    owner: u64,
    model_ids: impl IntoIterator<Item = u64>,
) -> Result<(), Error> {
    let mut ids: Vec<u64> = model_ids.into_iter().collect();
    // All who raise several lock them in the same order.
    ids.sort_unstable();
    ids.dedup();
    for model_id in ids {
        // Never a number that was there before, even where the row had been deleted: the server's
        // clock goes on meanwhile.
        // Snapshots may say that they are of another owner's model, or of one that is gone. Nobody
        // ever reads them, so that generation is left alone.
        connection.run(
            "raising a model's generation",
            "INSERT INTO 202_attribution_generations (model_id, user_id, generation, updated_at) \
             SELECT m.model_id, m.user_id, CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS UNSIGNED), ? \
             FROM 202_attribution_models m WHERE m.model_id = ? AND m.user_id = ? \
             ON DUPLICATE KEY UPDATE \
             `202_attribution_generations`.user_id = VALUES(user_id), \
             `202_attribution_generations`.updated_at = VALUES(updated_at), \
             generation = GREATEST(generation + 1, VALUES(generation))",
            (now(), model_id, owner),
        )?;
    }
    Ok(())
}

/// The models that snapshots are of.
pub(super) fn models_of(
    connection: &mut Connection,
    snapshot_ids: &[u64],
) -> Result<BTreeSet<u64>, Error> {
    let mut models = BTreeSet::new();
    connection.each_of(
        "reading the models of snapshots",
        "SELECT DISTINCT model_id FROM 202_attribution_snapshots WHERE snapshot_id IN {ids}",
        &[],
        snapshot_ids,
        &mut |row| {
            models.insert(Fields::new(row, "202_attribution_snapshots").number(0)?);
            Ok(())
        },
    )?;
    Ok(models)
}

/// Gives a generation to every model that has none, as those have that were made before there were
/// generations.
pub(super) fn begin(connection: &mut Connection) -> Result<(), Error> {
    connection
        .run(
            "giving models a generation",
            "INSERT IGNORE INTO 202_attribution_generations \
             (model_id, user_id, generation, updated_at) \
             SELECT model_id, user_id, CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS UNSIGNED), ? \
             FROM 202_attribution_models",
            (now(),),
        )
        .map(|_| ())
}

/// Removes the generation of a model that is deleted, within the caller's transaction.
pub(super) fn forget(connection: &mut Connection, owner: u64, model_id: u64) -> Result<u64, Error> {
    connection.run(
        "deleting a model's generation",
        "DELETE FROM 202_attribution_generations WHERE model_id = ? AND user_id = ?",
        vec![Value::UInt(model_id), Value::UInt(owner)],
    )
}
