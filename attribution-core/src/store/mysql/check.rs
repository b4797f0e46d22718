//! What may be wrong with a server, its settings, the schema or the data.

use mysql::Row;
use serde::Serialize;

use super::connection::{Connection, now};
use super::models::StoredModel;
use super::schema;
use crate::ground::error::Error;
use crate::ground::time::SECONDS_PER_HOUR;
use crate::job::tables::ModelRow;

/// How bad a finding is.
///
/// ```
/// use attribution_core::Severity;
/// assert!(Severity::Error > Severity::Warning);
/// assert_eq!(Severity::Note.name(), "note");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Good,
    /// Could be better.
    Note,
    /// Wants looking after: something is stale, slow or superfluous.
    Warning,
    /// Jobs will fail or their results be wrong.
    Error,
}

impl Severity {
    /// The severity in a word.
    ///
    /// ```
    /// assert_eq!(attribution_core::Severity::Good.name(), "good");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something that was looked at.
///
/// ```
/// use attribution_core::{Finding, Severity};
/// let finding = Finding {
///     severity: Severity::Warning,
///     subject: "last run",
///     found: "never".to_owned(),
///     remedy: "run `attribution rebuild` every hour".to_owned(),
/// };
/// assert_eq!(finding.severity.name(), "warning");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was looked at.
    pub subject: &'static str,
    /// What was found.
    pub found: String,
    /// What to do about it; empty where nothing is to be done.
    pub remedy: String,
}

impl Finding {
    /// Findings as a JSON list of several lines.
    ///
    /// # Errors
    /// [`Error::Internal`] for what has no JSON form, which no finding is.
    ///
    /// ```
    /// assert_eq!(attribution_core::Finding::to_json(&[])?, "[]");
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn to_json(findings: &[Self]) -> Result<String, Error> {
        serde_json::to_string_pretty(findings)
            .map_err(|error| Error::Internal(format!("a finding has no JSON form: {error}")))
    }
}

/// Keys that jobs need to be quick, by the columns they begin with, and what each is for.
const NEEDED_KEYS: [(&str, &[&str]); 8] = [
    ("202_clicks", &["click_id"]),
    ("202_clicks", &["user_id", "click_time"]),
    ("202_clicks_advance", &["click_id"]),
    ("202_conversion_logs", &["conv_id"]),
    ("202_conversion_logs", &["user_id"]),
    ("202_conversion_touchpoints", &["conv_id"]),
    ("202_attribution_snapshots", &["model_id", "date_hour"]),
    ("202_attribution_touchpoints", &["snapshot_id", "conv_id"]),
];
/// A key that the host does not have and that makes short windows of large accounts quicker.
const HELPFUL_KEY: (&str, &[&str]) = ("202_conversion_logs", &["user_id", "conv_time"]);

struct Check<'a> {
    connection: &'a mut Connection,
    findings: Vec<Finding>,
}

pub(super) fn check(connection: &mut Connection) -> Result<Vec<Finding>, Error> {
    let mut check = Check { connection, findings: Vec::new() };
    check.server()?;
    check.privileges()?;
    if check.schema()? {
        check.keys()?;
        check.last_run()?;
        check.data()?;
    }
    Ok(check.findings)
}

impl Check<'_> {
    fn add(
        &mut self,
        severity: Severity,
        subject: &'static str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (found, remedy) = (found.into(), remedy.into());
        self.findings.push(Finding { severity, subject, found, remedy });
    }

    fn rows<T>(&mut self, query: &str, row: impl Fn(&Row) -> Option<T>) -> Result<Vec<T>, Error> {
        let mut rows = Vec::new();
        self.connection.each("checking", query, (), &mut |found| {
            rows.extend(row(found));
            Ok(())
        })?;
        Ok(rows)
    }

    fn text(&mut self, query: &str) -> Result<String, Error> {
        let rows = self.rows(query, |row| {
            row.get_opt::<Option<String>, _>(0).and_then(Result::ok).flatten()
        })?;
        Ok(rows.into_iter().next().unwrap_or_default())
    }

    fn count(&mut self, query: &str) -> Result<u64, Error> {
        let rows = self.rows(query, |row| row.get_opt::<u64, _>(0).and_then(Result::ok))?;
        Ok(rows.first().copied().unwrap_or(0))
    }

    fn server(&mut self) -> Result<(), Error> {
        let version = self.text("SELECT VERSION()")?;
        let mut numbers = version.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
        let number = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        let (name, least) =
            if version.contains("MariaDB") { ("MariaDB", (10, 6)) } else { ("MySQL", (8, 0)) };
        if number >= least {
            self.add(Severity::Good, "server", format!("{name} {version}"), "");
        } else {
            let remedy = format!("update to {name} {}.{} or newer", least.0, least.1);
            self.add(Severity::Error, "server", format!("{name} {version}"), remedy);
        }

        let mode = self.text("SELECT @@GLOBAL.sql_mode")?;
        let strict = mode.contains("STRICT_TRANS_TABLES") || mode.contains("STRICT_ALL_TABLES");
        if strict {
            self.add(Severity::Good, "sql_mode", mode, "");
        } else {
            self.add(
                Severity::Note,
                "sql_mode",
                "not strict: what the host writes is clipped in silence where it does not fit; what the \
                 jobs write is not",
                "SET GLOBAL sql_mode = CONCAT(@@GLOBAL.sql_mode, ',STRICT_TRANS_TABLES')",
            );
        }

        let packet = self.count("SELECT @@max_allowed_packet")?;
        let found = format!("{packet} bytes: below 1 MiB rows are written a few at a time");
        let found = if packet >= 1 << 20 { format!("{packet} bytes") } else { found };
        if packet >= 1 << 20 {
            self.add(Severity::Good, "max_allowed_packet", found, "");
        } else {
            let remedy = "SET GLOBAL max_allowed_packet = 16777216";
            self.add(Severity::Warning, "max_allowed_packet", found, remedy);
        }

        let logged = self.text("SELECT CONCAT(@@log_bin, ' ', @@GLOBAL.binlog_format)");
        // Servers from MySQL 9 on have no such choice.
        if logged.is_ok_and(|logged| logged == "1 STATEMENT") {
            self.add(
                Severity::Error,
                "binlog_format",
                "STATEMENT, with which the server refuses what the jobs write",
                "SET GLOBAL binlog_format = 'ROW'",
            );
        }
        Ok(())
    }

    fn privileges(&mut self) -> Result<(), Error> {
        let held = self.rows(
            "SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES WHERE REPLACE(GRANTEE, \
             '''', '') = CURRENT_USER() \
             UNION SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES \
             WHERE REPLACE(GRANTEE, '''', '') = CURRENT_USER() AND DATABASE() LIKE TABLE_SCHEMA",
            |row| row.get_opt::<String, _>(0).and_then(Result::ok),
        )?;
        let lacking = |wanted: &[&'static str]| -> Vec<&'static str> {
            wanted.iter().copied().filter(|name| !held.iter().any(|held| held == name)).collect()
        };
        let jobs = lacking(&["SELECT", "INSERT", "UPDATE", "DELETE"]);
        if !jobs.is_empty() {
            let list = jobs.join(", ");
            self.add(
                Severity::Error,
                "privileges",
                format!("no sign of {list} on the whole database, unless a role grants it"),
                format!("GRANT {list} ON the database TO this user"),
            );
        } else if !lacking(&["CREATE"]).is_empty() {
            let remedy = "GRANT CREATE while `attribution install` runs";
            self.add(Severity::Note, "privileges", "enough for the jobs, not to install", remedy);
        } else {
            self.add(Severity::Good, "privileges", "enough for the jobs and to install", "");
        }
        Ok(())
    }

    /// Whether the schema is whole.
    fn schema(&mut self) -> Result<bool, Error> {
        let mut missing = Vec::new();
        for needed in [
            schema::FOR_BACKFILL,
            schema::FOR_REBUILD,
            schema::FOR_MODELS,
            #[cfg(feature = "exports")]
            schema::FOR_EXPORTS,
        ] {
            for defect in schema::missing(self.connection, needed)? {
                if !missing.contains(&defect) {
                    missing.push(defect);
                }
            }
        }
        for defect in &missing {
            let found = format!("{}: {}", defect.place, defect.found);
            self.add(Severity::Error, "schema", found, &defect.allowed);
        }
        let others = self.rows(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() \
             AND ENGINE <> 'InnoDB' AND (TABLE_NAME LIKE '202\\_attribution\\_%' \
             OR TABLE_NAME IN ('202_conversion_touchpoints', '202_conversion_logs', '202_clicks'))",
            |row| row.get_opt::<String, _>(0).and_then(Result::ok),
        )?;
        for table in others {
            self.add(
                Severity::Error,
                "schema",
                format!("{table} has no transactions"),
                format!("ALTER TABLE {table} ENGINE=InnoDB"),
            );
        }
        if missing.is_empty() {
            self.add(Severity::Good, "schema", "every table and column is there", "");
        }
        Ok(missing.is_empty())
    }

    fn keys(&mut self) -> Result<(), Error> {
        let keys = self.rows(
            "SELECT TABLE_NAME, GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX) \
             FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() \
             GROUP BY TABLE_NAME, INDEX_NAME",
            |row| {
                let text = |place| row.get_opt::<String, _>(place).and_then(Result::ok);
                Some((text(0)?.to_lowercase(), text(1)?.to_lowercase()))
            },
        )?;
        let there = |table: &str, columns: &[&str]| {
            let wanted = columns.join(",");
            keys.iter().any(|(name, key)| {
                name == table && (*key == wanted || key.starts_with(&format!("{wanted},")))
            })
        };
        let statement = |table: &str, columns: &[&str]| {
            format!("ALTER TABLE {table} ADD KEY ({})", columns.join(", "))
        };
        let mut whole = true;
        for (table, columns) in NEEDED_KEYS {
            if !there(table, columns) {
                whole = false;
                let found = format!("{table} has no key on ({})", columns.join(", "));
                self.add(Severity::Warning, "indexes", found, statement(table, columns));
            }
        }
        if whole {
            self.add(Severity::Good, "indexes", "every key that the jobs need is there", "");
        }
        let (table, columns) = HELPFUL_KEY;
        if !there(table, columns) {
            self.add(
                Severity::Note,
                "indexes",
                format!("with a key on ({}) short windows are quicker", columns.join(", ")),
                statement(table, columns),
            );
        }
        Ok(())
    }

    fn last_run(&mut self) -> Result<(), Error> {
        let last = self.count("SELECT last_execution_time FROM 202_cronjob_logs WHERE id = 2")?;
        let remedy = "run `attribution rebuild` every hour";
        let hours = now().saturating_sub(last) / u64::from(SECONDS_PER_HOUR);
        match (last, hours) {
            (0, _) => self.add(Severity::Warning, "last run", "none has succeeded yet", remedy),
            (_, 25..) => {
                self.add(Severity::Warning, "last run", format!("{hours} hours ago"), remedy);
            }
            (_, 3..) => self.add(Severity::Note, "last run", format!("{hours} hours ago"), remedy),
            _ => self.add(Severity::Good, "last run", format!("{hours} hours ago"), ""),
        }
        let stuck = self.count(
            "SELECT COUNT(*) FROM 202_attribution_runs WHERE status = 'running' \
             AND updated_at < UNIX_TIMESTAMP() - 86400",
        )?;
        if stuck > 0 {
            self.add(
                Severity::Note,
                "runs",
                format!("{stuck} began and never ended"),
                "nothing: the next run of the same user marks them as lost",
            );
        }
        Ok(())
    }

    fn data(&mut self) -> Result<(), Error> {
        // Each with what it counts, the query, what is wrong with that, and what helps.
        let counted: [(&str, &str, &str); 11] = [
            (
                "SELECT COUNT(*) FROM (SELECT 1 FROM 202_attribution_snapshots \
                 GROUP BY model_id, user_id, date_hour, scope_type, COALESCE(scope_id, 0) \
                 HAVING COUNT(*) > 1) twins",
                "snapshots that have twins",
                "a rebuild of their hours heals them",
            ),
            (
                "SELECT COUNT(*) FROM 202_attribution_snapshots s \
                 LEFT JOIN 202_attribution_models m ON m.model_id = s.model_id \
                 WHERE m.model_id IS NULL",
                "snapshots of models that are gone",
                "DELETE s, t FROM 202_attribution_snapshots s LEFT JOIN 202_attribution_touchpoints t \
                 ON t.snapshot_id = s.snapshot_id LEFT JOIN 202_attribution_models m \
                 ON m.model_id = s.model_id WHERE m.model_id IS NULL",
            ),
            (
                "SELECT COUNT(*) FROM (SELECT DISTINCT snapshot_id \
                 FROM 202_attribution_touchpoints) t LEFT JOIN 202_attribution_snapshots s \
                 ON s.snapshot_id = t.snapshot_id WHERE s.snapshot_id IS NULL",
                "snapshots that are gone and have credits",
                "DELETE t FROM 202_attribution_touchpoints t LEFT JOIN 202_attribution_snapshots s \
                 ON s.snapshot_id = t.snapshot_id WHERE s.snapshot_id IS NULL",
            ),
            (
                "SELECT COUNT(*) FROM (SELECT DISTINCT snapshot_id \
                 FROM 202_attribution_touchpoints) t JOIN 202_attribution_snapshots s \
                 ON s.snapshot_id = t.snapshot_id WHERE s.scope_type <> 'global'",
                "snapshots that are not global and have credits",
                "DELETE t FROM 202_attribution_touchpoints t JOIN 202_attribution_snapshots s \
                 ON s.snapshot_id = t.snapshot_id WHERE s.scope_type <> 'global'",
            ),
            (
                "SELECT COUNT(*) FROM 202_attribution_snapshots s JOIN 202_attribution_models m \
                 ON m.model_id = s.model_id WHERE m.user_id <> s.user_id",
                "snapshots of another user than their model",
                "DELETE s, t FROM 202_attribution_snapshots s LEFT JOIN 202_attribution_touchpoints t \
                 ON t.snapshot_id = s.snapshot_id JOIN 202_attribution_models m \
                 ON m.model_id = s.model_id WHERE m.user_id <> s.user_id",
            ),
            (
                "SELECT COUNT(*) FROM 202_attribution_snapshots WHERE date_hour % 3600 <> 0 \
                 OR (scope_type = 'global') = (COALESCE(scope_id, 0) <> 0)",
                "snapshots off the hour, or of a scope with an id that it cannot have",
                "a rebuild of their hours removes them",
            ),
            (
                "SELECT COUNT(*) FROM (SELECT snapshot_id, COUNT(*) AS credits \
                 FROM 202_attribution_touchpoints GROUP BY snapshot_id) t \
                 JOIN 202_attribution_snapshots s ON s.snapshot_id = t.snapshot_id \
                 WHERE s.scope_type = 'global' AND s.attributed_clicks <> t.credits",
                "global snapshots whose clicks are not as many as their credits",
                "a rebuild of their hours makes them right",
            ),
            (
                "SELECT COUNT(*) FROM (SELECT 1 FROM 202_conversion_touchpoints \
                 GROUP BY conv_id, click_id HAVING COUNT(*) > 1) twins",
                "touches that are stored twice in a journey",
                "a backfill of their conversions heals them; until then each counts once",
            ),
            (
                "SELECT COUNT(*) FROM (SELECT DISTINCT conv_id FROM 202_conversion_touchpoints) t \
                 LEFT JOIN 202_conversion_logs l ON l.conv_id = t.conv_id WHERE l.conv_id IS NULL",
                "conversions that are gone and have journeys",
                "DELETE t FROM 202_conversion_touchpoints t LEFT JOIN 202_conversion_logs l \
                 ON l.conv_id = t.conv_id WHERE l.conv_id IS NULL",
            ),
            (
                "SELECT COUNT(*) FROM (SELECT 1 FROM 202_attribution_settings \
                 GROUP BY user_id, scope_type, COALESCE(scope_id, 0) HAVING COUNT(*) > 1) twins",
                "settings that have twins",
                "nothing: the one changed last counts, and switching sets them all",
            ),
            (
                "SELECT COUNT(*) FROM (SELECT 1 FROM 202_clicks GROUP BY click_id \
                 HAVING COUNT(*) > 1) twins",
                "clicks that have several rows",
                "nothing: the earliest row counts",
            ),
        ];
        let mut clean = true;
        for (place, (query, what, remedy)) in counted.into_iter().enumerate() {
            let count = self.count(query)?;
            if count > 0 {
                clean = false;
                // The last two are put up with.
                let severity = if place >= 9 { Severity::Note } else { Severity::Warning };
                self.add(severity, "data", format!("{count} {what}"), remedy);
            }
        }
        clean &= self.models()?;
        if clean {
            self.add(Severity::Good, "data", "no twins, no orphans, no invalid models", "");
        }
        Ok(())
    }

    /// Whether all active models can be run.
    fn models(&mut self) -> Result<bool, Error> {
        let models = self.rows(
            "SELECT model_id, user_id, model_slug, model_type, weighting_config \
             FROM 202_attribution_models WHERE is_active <> 0 ORDER BY model_id",
            |row| {
                let text = |place| row.get_opt::<Option<String>, _>(place).and_then(Result::ok);
                let user_id = row.get_opt::<u64, _>(1).and_then(Result::ok)?;
                let model = StoredModel::from(ModelRow {
                    model_id: row.get_opt::<u64, _>(0).and_then(Result::ok)?,
                    name: String::new(),
                    slug: text(2)??,
                    kind: text(3)??,
                    config: text(4)?,
                    active: true,
                    default: false,
                });
                Some((user_id, model.slug, model.problem?))
            },
        )?;
        let good = models.is_empty();
        for (user_id, slug, problem) in models {
            self.add(
                Severity::Warning,
                "models",
                format!("model {slug} of user {user_id}: {problem}"),
                format!(
                    "attribution model update --user {user_id} --model {slug} with a --spec, \
                     or --active false"
                ),
            );
        }
        Ok(good)
    }
}
