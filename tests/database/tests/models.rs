//! The commands that list, make, change and delete models and read their snapshots back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::Cursor;
use std::sync::OnceLock;

use attribution_database_tests::database::Database;
use attribution_database_tests::generate::{self, START, Shape, USERS};
use attribution_database_tests::host::Collation;
use attribution_database_tests::server::{Server, ServerOptions};
use calamine::Reader;
use serde_json::Value;

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&ServerOptions::default()))
}

/// Two users, 1 and 2, without models.
fn two_users() -> Database<'static> {
    let database = Database::new(server(), Collation::UnicodeCi);
    database.execute("INSERT INTO 202_users (user_id, user_name) VALUES (1, 'one'), (2, 'two')");
    database
}

fn row(database: &Database<'_>, slug: &str) -> String {
    let query = format!(
        "SELECT CONCAT_WS('|', user_id, model_name, model_type, COALESCE(weighting_config, 'NULL'), \
         is_active, is_default) FROM 202_attribution_models WHERE model_slug = '{slug}'"
    );
    database.texts(&query).concat()
}

fn audits(database: &Database<'_>, action: &str) -> i64 {
    database
        .number(&format!("SELECT COUNT(*) FROM 202_attribution_audit WHERE action = '{action}'"))
}

/// Runs something that has to be refused, and nothing has changed.
#[track_caller]
fn refused(database: &Database<'_>, arguments: &[&str]) -> String {
    let before = database.contents().without(&["202_attribution_runs"]);
    let ended = database.run_words(arguments).expect(2);
    let after = database.contents().without(&["202_attribution_runs"]);
    after.assert_equal(&before, &arguments.join(" "));
    assert!(!ended.stderr.trim().is_empty(), "{ended}");
    ended.stderr
}

#[test]
fn models_are_made() {
    let database = two_users();
    database
        .run_words(&["model", "create", "--user", "1", "--name", "My Model", "--spec", "linear"])
        .expect(0);
    assert_eq!(row(&database, "my-model"), "1|My Model|linear|NULL|1|0");
    let spec = "time_decay:half_life_hours=48";
    let arguments = ["model", "create", "--user", "1", "--name", "Two days", "--spec", spec];
    database.run_words(&[&arguments[..], &["--inactive", "--default"]].concat()).expect(0);
    let found = row(&database, "two-days");
    assert!(found.starts_with("1|Two days|time_decay|{"), "{found}");
    assert!(found.ends_with("}|0|1"), "{found}");
    let config = database
        .texts("SELECT weighting_config FROM 202_attribution_models WHERE model_slug = 'two-days'");
    let config: Value = serde_json::from_str(&config[0]).unwrap();
    assert_eq!(config["half_life_hours"], 48);
    assert_eq!(audits(&database, "model_create"), 2);
    let metadata = database.texts("SELECT metadata FROM 202_attribution_audit");
    assert!(metadata.iter().all(|text| serde_json::from_str::<Value>(text).unwrap().is_object()));

    // One name more than once, of one user and of two; slugs that are given.
    for user in ["1", "1", "2"] {
        let arguments =
            ["model", "create", "--user", user, "--name", "My Model", "--spec", "linear"];
        database.run_words(&arguments).expect(0);
    }
    assert_eq!(row(&database, "my-model-2"), "1|My Model|linear|NULL|1|0");
    assert_eq!(row(&database, "my-model-3"), "1|My Model|linear|NULL|1|0");
    let count = "SELECT COUNT(*) FROM 202_attribution_models WHERE model_slug = 'my-model'";
    assert_eq!(database.number(count), 2);
    let name = "Ünïcode 名前 'quoted' \"twice\" \\ back";
    let arguments = ["model", "create", "--user", "2", "--name", name, "--spec", "assisted"];
    database.run_words(&[&arguments[..], &["--slug", "odd"]].concat()).expect(0);
    assert_eq!(row(&database, "odd"), format!("2|{name}|assisted|NULL|1|0"));

    // As JSON, each user's own.
    let list = database.run("model list --user 1 --json").expect(0).json().to_string();
    for slug in ["my-model", "my-model-2", "my-model-3", "two-days"] {
        assert!(list.contains(&format!("\"{slug}\"")), "{slug}: {list}");
    }
    assert!(!list.contains("\"odd\""), "{list}");
    let list = database.run("model list --user 2").expect(0).out();
    assert!(list.contains("odd") && !list.contains("two-days"), "{list}");
}

#[test]
fn models_that_are_none_are_refused() {
    let database = two_users();
    for spec in [
        "",
        "crystal_ball",
        "time_decay",
        "time_decay:half_life_hours=0",
        "linear:x=1",
        "algorithmic",
    ] {
        refused(&database, &["model", "create", "--user", "1", "--name", "n", "--spec", spec]);
    }
    let long = "x".repeat(256);
    refused(&database, &["model", "create", "--user", "1", "--name", &long, "--spec", "linear"]);
    refused(&database, &["model", "create", "--user", "1", "--name", "", "--spec", "linear"]);
    refused(&database, &["model", "create", "--user", "3", "--name", "n", "--spec", "linear"]);
    refused(&database, &["model", "create", "--name", "n", "--spec", "linear"]);
    refused(&database, &["model", "update", "--user", "1", "--model", "none", "--name", "n"]);
    refused(&database, &["model", "delete", "--user", "1", "--model", "none"]);
    refused(&database, &["model", "default", "--user", "1", "--model", "none"]);
    refused(&database, &["snapshots", "--user", "1", "--model", "none"]);
}

#[test]
fn models_are_changed_by_their_owners_alone() {
    let database = two_users();
    for (user, name) in [("1", "mine"), ("1", "other"), ("2", "theirs")] {
        let arguments = ["model", "create", "--user", user, "--name", name, "--spec", "linear"];
        database.run_words(&[&arguments[..], &["--default"]].concat()).expect(0);
    }
    let defaults = "SELECT GROUP_CONCAT(model_slug ORDER BY model_slug) FROM 202_attribution_models \
                    WHERE is_default = 1";
    assert_eq!(database.texts(defaults), ["other,theirs"]);
    database.run("model default --user 1 --model mine").expect(0);
    assert_eq!(database.texts(defaults), ["mine,theirs"]);

    database.run("model update --user 1 --model mine --active false").expect(0);
    assert_eq!(row(&database, "mine"), "1|mine|linear|NULL|0|1");
    let spec = "position_based:first_touch_weight=0.4,last_touch_weight=0.4";
    database
        .run(&format!("model update --user 1 --model mine --active true --spec {spec}"))
        .expect(0);
    let found = row(&database, "mine");
    assert!(found.starts_with("1|mine|position_based|{") && found.ends_with("|1|1"), "{found}");
    let named = ["model", "update", "--user", "1", "--model", "mine", "--name", "A new name"];
    database.run_words(&named).expect(0);
    assert!(row(&database, "mine").starts_with("1|A new name|position_based|{"));
    database.run("model update --user 1 --model mine --spec linear").expect(0);
    assert_eq!(row(&database, "mine"), "1|A new name|linear|NULL|1|1");
    assert!(audits(&database, "model_update") >= 4);

    for action in ["update", "delete", "default"] {
        let mut arguments = vec!["model", action, "--user", "2", "--model", "mine"];
        if action == "update" {
            arguments.extend(["--active", "false"]);
        }
        let said = refused(&database, &arguments);
        assert!(!said.contains("A new name") && !said.contains("other"), "of another user: {said}");
    }
    refused(&database, &["snapshots", "--user", "2", "--model", "mine"]);
    refused(&database, &["model", "update", "--user", "1", "--model", "mine", "--spec", "none"]);
}

#[test]
fn a_model_goes_with_all_that_is_its() {
    let shape = Shape::small(500);
    let database = Database::with(server(), Collation::GeneralCi, &generate::accounts(shape));
    let window = format!("--start {START} --end {}", shape.end());
    database.run(&format!("rebuild {window}")).expect(0);
    let user = USERS[0];
    let id = database.number(&format!(
        "SELECT model_id FROM 202_attribution_models WHERE model_slug = 'linear' AND user_id = {user}"
    ));
    for owner in [user, USERS[1]] {
        database.execute(&format!(
            "INSERT INTO 202_attribution_exports (user_id, model_id, scope_type, start_hour, end_hour, \
             requested_format, status, queued_at, created_at, updated_at) \
             VALUES ({owner}, IF({owner} = {user}, {id}, 999), 'global', 1, 2, 'csv', 'pending', 1, 1, 1)"
        ));
    }
    let others = format!(
        "SELECT CONCAT_WS(',', s.snapshot_id, s.model_id, t.touchpoint_id) AS line \
         FROM 202_attribution_snapshots s LEFT JOIN 202_attribution_touchpoints t \
         USING (snapshot_id) WHERE s.model_id <> {id} ORDER BY line"
    );
    let before = database.texts(&others);
    database.run(&format!("model delete --user {user} --model linear")).expect(0);
    assert!(database.texts(&others) == before, "other models' rows changed");
    for query in [
        format!("SELECT COUNT(*) FROM 202_attribution_models WHERE model_id = {id}"),
        format!("SELECT COUNT(*) FROM 202_attribution_snapshots WHERE model_id = {id}"),
        format!("SELECT COUNT(*) FROM 202_attribution_exports WHERE model_id = {id}"),
        "SELECT COUNT(*) FROM 202_attribution_touchpoints t LEFT JOIN 202_attribution_snapshots s \
         USING (snapshot_id) WHERE s.snapshot_id IS NULL"
            .to_owned(),
    ] {
        assert_eq!(database.number(&query), 0, "{query}");
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM 202_attribution_exports"), 1);
    assert_eq!(audits(&database, "model_delete"), 1);
}

/// The rows of an export as (scope type, scope id, hour, clicks).
fn lines(csv: &str) -> Vec<&str> {
    csv.lines().skip(1).collect()
}

#[test]
fn snapshots_are_read_back_whole() {
    // More rows than any page holds.
    let accounts = generate::large(3_000, 400, 8);
    let database = Database::with(server(), Collation::GeneralCi, &accounts);
    let end = START + 400 * 3_600;
    let all = format!("--start {START} --end {end}");
    database.run(&format!("rebuild {all}")).expect(0);
    let count = |condition: &str| {
        database.number(&format!(
            "SELECT COUNT(*) FROM 202_attribution_snapshots WHERE model_id = 1 AND {condition}"
        )) as usize
    };
    assert!(count("1") > 2_000);

    let export = |more: &str| {
        let arguments = format!("snapshots --user 1 --model linear {more}");
        database.run(&arguments).expect(0)
    };
    let csv = export(&format!("{all} --export csv")).out();
    assert_eq!(lines(&csv).len(), count("1"));
    let json = export(&format!("{all} --export jsonl")).out();
    assert_eq!(json.lines().count(), count("1"));
    for line in json.lines() {
        assert!(serde_json::from_str::<Value>(line).unwrap().is_object(), "{line}");
    }
    let xlsx = export(&format!("{all} --export xlsx"));
    let mut book = calamine::Xlsx::new(Cursor::new(xlsx.stdout)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    assert_eq!(sheet.height(), count("1") + 1);

    for (more, condition) in [
        ("--scope global", "scope_type = 'global'"),
        ("--scope campaign", "scope_type = 'campaign'"),
        ("--scope campaign:3", "scope_type = 'campaign' AND scope_id = 3"),
        ("--scope traffic_source:1", "scope_type = 'traffic_source' AND scope_id = 1"),
        ("--scope campaign:12345", "0"),
    ] {
        let found = export(&format!("{all} {more} --export csv")).out();
        assert_eq!(lines(&found).len(), count(condition), "{more}");
    }
    let part = format!("--start {} --end {}", START + 7_200, START + 4 * 3_600);
    let found = export(&format!("{part} --export csv")).out();
    let condition = format!("date_hour >= {} AND date_hour < {}", START + 7_200, START + 4 * 3_600);
    assert_eq!(lines(&found).len(), count(&condition));
    assert!(!export(&all).out().is_empty());

    refused(&database, &["snapshots", "--user", "1", "--model", "linear", "--scope", "planet"]);
    refused(&database, &["snapshots", "--user", "1", "--model", "linear", "--scope", "campaign:x"]);
    refused(&database, &["snapshots", "--user", "1", "--model", "linear", "--export", "pdf"]);
}

#[test]
fn the_numbers_of_an_export_are_those_of_the_table() {
    let shape = Shape::small(510);
    let database = Database::with(server(), Collation::Bin, &generate::accounts(shape));
    let all = format!("--start {START} --end {}", shape.end());
    database.run(&format!("backfill {all}")).expect(0);
    database.run(&format!("rebuild {all}")).expect(0);
    let user = USERS[1];
    let arguments = format!("snapshots --user {user} --model position {all} --export jsonl");
    let mut clicks = 0;
    let mut conversions = 0;
    for line in database.run(&arguments).expect(0).out().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        clicks += row["attributed_clicks"].as_i64().unwrap();
        conversions += row["attributed_conversions"].as_i64().unwrap();
    }
    let sum = |column: &str| {
        database.number(&format!(
            "SELECT CAST(SUM({column}) AS SIGNED) FROM 202_attribution_snapshots s \
             JOIN 202_attribution_models m USING (model_id) WHERE m.model_slug = 'position' \
             AND s.user_id = {user} AND date_hour >= {START} AND date_hour < {}",
            shape.end()
        ))
    };
    assert_eq!(clicks, sum("attributed_clicks"));
    assert_eq!(conversions, sum("attributed_conversions"));
}
