//! The rows that switch multi-touch on and off.

use mysql::Value;

use super::connection::{Connection, now};
use super::values::Fields;
use super::worker::scope_type;
use crate::ground::error::Error;
use crate::ground::scope::Scope;
use crate::job::settings::StoredSetting;

pub(super) fn read_settings(
    connection: &mut Connection,
    owner: u64,
) -> Result<Vec<StoredSetting>, Error> {
    let mut rows = Vec::new();
    connection.each(
        "reading settings",
        "SELECT setting_id, scope_type, scope_id, multi_touch_enabled, updated_at \
         FROM 202_attribution_settings WHERE user_id = ?",
        (owner,),
        &mut |row| {
            let fields = Fields::new(row, "202_attribution_settings");
            rows.push(StoredSetting {
                setting_id: fields.number(0)?,
                scope_type: scope_type(&fields.text(1)?),
                scope_id: fields.number(2)?,
                enabled: fields.number(3)? != 0,
                updated_at: fields.number(4)?,
            });
            Ok(())
        },
    )?;
    Ok(rows)
}

/// Sets multi-touch for an owner, or one of the owner's advertisers or campaigns. Doing it again
/// changes nothing.
pub(super) fn write_setting(
    connection: &mut Connection,
    owner: u64,
    scope: Scope,
    enabled: bool,
) -> Result<(), Error> {
    let time = Value::UInt(now());
    let changed_at = if enabled { "multi_touch_enabled_at" } else { "multi_touch_disabled_at" };
    let place = [
        Value::UInt(owner),
        Value::from(scope.scope_type().name()),
        scope.id().map_or(Value::NULL, Value::UInt),
    ];
    let [user_id, scope_name, scope_id] = place;
    let what = "writing a setting";
    connection.run_text(what, "START TRANSACTION")?;
    let mut there = false;
    connection.each(
        what,
        "SELECT setting_id FROM 202_attribution_settings \
         WHERE user_id = ? AND scope_type = ? AND COALESCE(scope_id, 0) = COALESCE(?, 0) FOR UPDATE",
        vec![user_id.clone(), scope_name.clone(), scope_id.clone()],
        &mut |_| {
            there = true;
            Ok(())
        },
    )?;
    if there {
        // Twins, which NULL ids allow, are all set, so that it does not matter which is looked at.
        let statement = format!(
            "UPDATE 202_attribution_settings SET multi_touch_enabled = ?, {changed_at} = ?, \
             effective_at = ?, updated_at = ? WHERE user_id = ? AND scope_type = ? \
             AND COALESCE(scope_id, 0) = COALESCE(?, 0)"
        );
        let values = vec![
            Value::from(enabled),
            time.clone(),
            time.clone(),
            time,
            user_id,
            scope_name,
            scope_id,
        ];
        connection.run(what, &statement, values)?;
    } else {
        let statement = format!(
            "INSERT INTO 202_attribution_settings (user_id, scope_type, scope_id, model_id, \
             multi_touch_enabled, {changed_at}, effective_at, created_at, updated_at) \
             VALUES (?, ?, ?, COALESCE((SELECT MIN(model_id) FROM 202_attribution_models \
             WHERE user_id = ? AND is_default = 1), 0), ?, ?, ?, ?, ?)"
        );
        let values = vec![
            user_id.clone(),
            scope_name,
            scope_id,
            user_id,
            Value::from(enabled),
            time.clone(),
            time.clone(),
            time.clone(),
            time,
        ];
        connection.run(what, &statement, values)?;
    }
    connection.run_text(what, "COMMIT")
}
