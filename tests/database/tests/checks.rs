//! The tables that `install` makes and what `check` finds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::OnceLock;

use attribution_database_tests::command;
use attribution_database_tests::database::Database;
use attribution_database_tests::generate::{self, START, Shape};
use attribution_database_tests::host::Collation;
use attribution_database_tests::server::{Server, ServerOptions};

fn servers() -> [&'static Server; 2] {
    static SERVERS: OnceLock<[Server; 2]> = OnceLock::new();
    let servers = SERVERS.get_or_init(|| {
        ["--sql-mode=STRICT_ALL_TABLES,NO_ZERO_DATE,ANSI_QUOTES,PIPES_AS_CONCAT", "--sql-mode="]
            .map(|mode| Server::start(&ServerOptions::with([mode])))
    });
    [&servers[0], &servers[1]]
}

/// Each table with its columns as the host describes them: names, types, and whether NULL is allowed.
const TABLES: [(&str, &str); 7] = [
    (
        "202_conversion_touchpoints",
        "touchpoint_id bigint unsigned, conv_id int unsigned, click_id bigint unsigned, \
         click_time int unsigned, position smallint unsigned, created_at int unsigned",
    ),
    (
        "202_attribution_models",
        "model_id bigint unsigned, user_id mediumint unsigned, model_name varchar(255), \
         model_slug varchar(191), model_type varchar(50), weighting_config longtext null, \
         is_active tinyint, is_default tinyint, created_at int, updated_at int",
    ),
    (
        "202_attribution_snapshots",
        "snapshot_id bigint unsigned, model_id bigint unsigned, user_id mediumint unsigned, \
         scope_type varchar(50), scope_id bigint unsigned null, date_hour int unsigned, \
         lookback_start int unsigned, lookback_end int unsigned, attributed_clicks int unsigned, \
         attributed_conversions int unsigned, attributed_revenue decimal(12,4), \
         attributed_cost decimal(12,4), created_at int",
    ),
    (
        "202_attribution_touchpoints",
        "touchpoint_id bigint unsigned, snapshot_id bigint unsigned, conv_id int unsigned, \
         click_id bigint unsigned, position smallint unsigned, credit decimal(10,5), \
         weight decimal(10,5), created_at int",
    ),
    (
        "202_attribution_settings",
        "setting_id bigint, user_id mediumint, scope_type varchar(50), scope_id bigint null, \
         model_id bigint, multi_touch_enabled tinyint, multi_touch_enabled_at int null, \
         multi_touch_disabled_at int null, effective_at int, created_at int, updated_at int",
    ),
    (
        "202_attribution_audit",
        "audit_id bigint, user_id mediumint, model_id bigint null, action varchar(50), \
         metadata longtext, created_at int",
    ),
    (
        "202_attribution_exports",
        "export_id bigint, user_id mediumint, model_id int, scope_type varchar(32), \
         scope_id bigint null, start_hour int, end_hour int, requested_format varchar(16), \
         status varchar(20), options longtext null, webhook_url varchar(500) null, \
         webhook_secret varchar(255) null, webhook_headers text null, file_path varchar(500) null, \
         rows_exported int null, queued_at int, started_at int null, completed_at int null, \
         failed_at int null, last_error text null, webhook_attempted_at int null, \
         webhook_status_code int null, webhook_response_body mediumtext null, created_at int, \
         updated_at int",
    ),
];

/// The keys that the host describes: whether unique, and the columns.
const KEYS: [(&str, &str); 19] = [
    ("202_conversion_touchpoints", "unique touchpoint_id"),
    ("202_conversion_touchpoints", "conv_id"),
    ("202_conversion_touchpoints", "click_id"),
    ("202_attribution_models", "unique model_id"),
    ("202_attribution_models", "unique user_id,model_slug"),
    ("202_attribution_models", "user_id,is_default"),
    ("202_attribution_snapshots", "unique snapshot_id"),
    ("202_attribution_snapshots", "model_id,date_hour,scope_type,scope_id"),
    ("202_attribution_snapshots", "user_id,date_hour"),
    ("202_attribution_touchpoints", "unique touchpoint_id"),
    ("202_attribution_touchpoints", "snapshot_id,conv_id"),
    ("202_attribution_touchpoints", "click_id"),
    ("202_attribution_settings", "unique user_id,scope_type,scope_id"),
    ("202_attribution_settings", "unique user_id,scope_type,scope_id,model_id"),
    ("202_attribution_settings", "unique user_id,scope_type,scope_id,multi_touch_enabled"),
    ("202_attribution_settings", "model_id"),
    ("202_attribution_exports", "model_id,status"),
    ("202_attribution_exports", "user_id,status"),
    ("202_attribution_exports", "queued_at"),
];

#[test]
fn install_makes_what_is_missing() {
    for (server, collation) in servers().into_iter().zip([Collation::UnicodeCi, Collation::Bin]) {
        let database = Database::without_install(server, collation);
        let host = database.texts("SHOW TABLES");
        database.run("install").expect(0);
        let tables = database.texts("SHOW TABLES");
        assert_eq!(tables.len(), host.len() + 9, "{tables:?}");
        let own = ["202_attribution_runs", "202_attribution_generations"];
        for name in TABLES.iter().map(|table| table.0).chain(own) {
            assert!(tables.iter().any(|table| table == name), "{name}");
        }
        let mut others = Vec::new();
        for (table, columns) in TABLES {
            let found = database.texts(&format!(
                "SELECT CONCAT(COLUMN_NAME, ' ', COLUMN_TYPE, IF(IS_NULLABLE = 'YES', ' null', '')) \
                 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() \
                 AND TABLE_NAME = '{table}' ORDER BY ORDINAL_POSITION"
            ));
            // The comma of decimal(12,4) has no space behind it. Display widths do not matter, nor
            // does an unsigned where the host does not say.
            for column in columns.split(", ") {
                let (name, kind) = column.split_once(' ').unwrap();
                let row = found.iter().find(|row| row.starts_with(&format!("{name} ")));
                let row = row.unwrap_or_else(|| panic!("{table} lacks {column}: {found:?}"));
                let plain = without_widths(&row[name.len() + 1..]);
                let same = plain == kind || plain.replace(" unsigned", "") == kind;
                if !same {
                    others.push(format!("{table}: {row} instead of {column}"));
                }
            }
            assert_eq!(found.len(), columns.split(", ").count(), "{table}: {found:?}");
        }
        assert!(others.is_empty(), "{}", others.join("\n"));
        for (table, key) in KEYS {
            let found = database.texts(&format!(
                "SELECT CONCAT(IF(NON_UNIQUE = 0, 'unique ', ''), \
                 GROUP_CONCAT(COLUMN_NAME ORDER BY SEQ_IN_INDEX)) FROM information_schema.STATISTICS \
                 WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{table}' \
                 GROUP BY INDEX_NAME, NON_UNIQUE"
            ));
            assert!(found.iter().any(|found| found == key), "{table} has no {key}: {found:?}");
        }
        let others = "SELECT COUNT(*) FROM information_schema.TABLES \
                      WHERE TABLE_SCHEMA = DATABASE() AND ENGINE <> 'InnoDB'";
        assert_eq!(database.number(others), 0);
        let collations = "SELECT COUNT(*) FROM information_schema.TABLES \
                          WHERE TABLE_SCHEMA = DATABASE() AND TABLE_COLLATION NOT LIKE 'utf8mb4%'";
        assert_eq!(database.number(collations), 0);
    }
}

/// `int(10) unsigned` as `int unsigned`.
fn without_widths(kind: &str) -> String {
    for whole in ["tinyint", "smallint", "mediumint", "bigint", "int"] {
        if let Some(rest) = kind.strip_prefix(whole)
            && let Some((width, rest)) = rest.split_once(')')
            && width.starts_with('(')
        {
            return format!("{whole}{rest}");
        }
    }
    kind.to_owned()
}

#[test]
fn install_changes_nothing_that_is_there() {
    let database = Database::without_install(servers()[0], Collation::GeneralCi);
    // Made by the host, in another way.
    database.execute(
        "CREATE TABLE 202_attribution_audit (audit_id int PRIMARY KEY, other text) ENGINE=InnoDB",
    );
    database.execute("INSERT INTO 202_attribution_audit VALUES (1, 'kept')");
    let create = "SHOW CREATE TABLE 202_attribution_audit";
    let shown = |database: &Database<'_>| {
        let mut connection = database.connect();
        let row: Option<(String, String)> =
            mysql::prelude::Queryable::query_first(&mut connection, create).unwrap();
        row.unwrap().1
    };
    let before = shown(&database);
    database.run("install").expect(0);
    assert_eq!(shown(&database), before);
    assert_eq!(database.texts("SELECT other FROM 202_attribution_audit"), ["kept"]);
    let contents = database.contents();
    database.run("install").expect(0);
    database.contents().assert_equal(&contents, "a second install");
}

#[test]
fn check_says_what_is_wrong_and_changes_nothing() {
    let shape = Shape::small(600);
    let database = Database::with(servers()[0], Collation::GeneralCi, &generate::accounts(shape));
    let before = database.contents();
    let ended = database.run("check");
    let found = ended.out();
    database.contents().assert_equal(&before, "check");
    assert_eq!(ended.status, Some(1), "there is something to be looked after: {ended}");
    let version = database.texts("SELECT SUBSTRING_INDEX(VERSION(), '-', 1)").concat();
    for word in ["twins", "broken", "learning", "max_allowed_packet", "sql_mode", &version] {
        assert!(found.contains(word), "{word}: {ended}");
    }

    // A run heals the twins of its window.
    let window = format!("--start {} --end {}", START - 100 * 3_600, shape.end() + 100 * 3_600);
    database.execute(
        "DELETE FROM 202_attribution_models WHERE model_slug IN \
                      ('broken', 'empty', 'unknown', 'learning', 'wrong', 'inactive')",
    );
    database.execute(
        "DELETE s FROM 202_attribution_snapshots s LEFT JOIN 202_attribution_models m \
                      USING (model_id) WHERE m.model_id IS NULL",
    );
    database.execute(
        "DELETE t FROM 202_attribution_touchpoints t LEFT JOIN \
                      202_attribution_snapshots s USING (snapshot_id) WHERE s.snapshot_id IS NULL",
    );
    database.execute("UPDATE 202_users SET user_deleted = 0");
    database.run(&format!("backfill {window}")).expect(0);
    database.run(&format!("rebuild {window}")).expect(0);
    let ended = database.run("check").expect(0);
    assert!(!ended.out().contains("snapshots that have twins"), "{ended}");
}

#[test]
fn check_finds_orphans() {
    let database = Database::new(servers()[1], Collation::GeneralCi);
    database.execute("INSERT INTO 202_cronjob_logs VALUES (2, UNIX_TIMESTAMP())");
    database.run("check").expect(0);
    for statement in [
        "INSERT INTO 202_attribution_touchpoints (snapshot_id, conv_id, click_id, position, credit, \
         weight, created_at) VALUES (99, 1, 1, 0, 1, 1, 1)",
        "INSERT INTO 202_attribution_snapshots (model_id, user_id, scope_type, date_hour, \
         lookback_start, lookback_end, created_at) VALUES (99, 1, 'global', 3600, 1, 2, 1)",
        "INSERT INTO 202_conversion_touchpoints (conv_id, click_id, click_time, position, created_at) \
         VALUES (99, 1, 1, 0, 1)",
    ] {
        let healthy = database.contents();
        database.execute(statement);
        let ended = database.run("check").expect(1);
        let out = ended.out();
        // The remedy is the very statement.
        let begin = out.find("DELETE ").unwrap_or_else(|| panic!("no remedy: {ended}"));
        let json = database.run("check --json").json();
        let text = json.to_string();
        assert!(text.contains("DELETE "), "{} {text}", &out[begin..]);
        let mut remedies = Vec::new();
        collect(&json, &mut remedies);
        let remedy = remedies.iter().find(|remedy| remedy.starts_with("DELETE ")).unwrap();
        database.execute(remedy);
        database.run("check").expect(0);
        database.contents().assert_equal(&healthy, remedy);
    }
}

fn collect(json: &serde_json::Value, remedies: &mut Vec<String>) {
    match json {
        serde_json::Value::Object(fields) => {
            if let Some(remedy) = fields.get("remedy").and_then(serde_json::Value::as_str) {
                remedies.push(remedy.to_owned());
            }
            fields.values().for_each(|value| collect(value, remedies));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, remedies)),
        _ => {}
    }
}

#[test]
fn check_gives_the_statement_for_a_key_that_helps() {
    let database = Database::new(servers()[1], Collation::GeneralCi);
    let statement = |database: &Database<'_>| {
        let mut remedies = Vec::new();
        collect(&database.run("check --json").json(), &mut remedies);
        remedies.into_iter().find(|remedy| remedy.contains("ADD KEY"))
    };
    let helpful = statement(&database).unwrap();
    assert!(helpful.contains("202_conversion_logs"), "{helpful}");
    database.execute(&helpful);
    assert_eq!(statement(&database), None);

    database.execute("ALTER TABLE 202_conversion_touchpoints DROP KEY conv_id");
    let needed = statement(&database).unwrap();
    assert!(needed.contains("202_conversion_touchpoints"), "{needed}");
    database.execute(&needed);
    assert_eq!(statement(&database), None);
}

#[test]
fn check_of_what_is_not_whole() {
    let database = Database::without_install(servers()[0], Collation::GeneralCi);
    let ended = database.run("check").expect(2);
    assert!(ended.out().contains("202_attribution_runs"), "{ended}");
    assert!(ended.out().contains("install"), "{ended}");
    database.run("install").expect(0);
    database.execute("ALTER TABLE 202_clicks DROP COLUMN click_cpc");
    let ended = database.run("check").expect(2);
    assert!(ended.out().contains("click_cpc"), "{ended}");
    let ended = command::run(&database.server().url("no_such_database"), "check").expect(1);
    assert!(ended.stderr.contains("no_such_database"), "{ended}");
}

#[test]
fn check_of_a_user_who_may_do_little() {
    let database = Database::new(servers()[1], Collation::GeneralCi);
    database.execute("CREATE USER 'reader'@'%' IDENTIFIED BY 'x'");
    database.execute(&format!("GRANT SELECT ON {}.* TO 'reader'@'%'", database.name()));
    let port = database.server().port();
    let url = format!("mysql://reader:x@127.0.0.1:{port}/{}", database.name());
    let ended = command::run(&url, "check").expect(2);
    assert!(ended.out().contains("INSERT"), "{ended}");
    let ended = command::run(&url, "rebuild").expect(1);
    assert!(ended.stderr.contains("denied"), "{ended}");
}

#[test]
fn check_says_how_long_ago_the_last_run_was() {
    let database = Database::new(servers()[0], Collation::GeneralCi);
    let ended = database.run("check").expect(1);
    assert!(ended.out().contains("last run"), "{ended}");
    database.execute("INSERT INTO 202_cronjob_logs VALUES (2, UNIX_TIMESTAMP() - 30 * 3600)");
    let ended = database.run("check").expect(1);
    assert!(ended.out().contains("30 hours"), "{ended}");
    database.execute("UPDATE 202_cronjob_logs SET last_execution_time = UNIX_TIMESTAMP() - 60");
    database.run("check").expect(0);
}
