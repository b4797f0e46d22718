//! The jobs as C programs call them: the very results, reports and refusals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use attribution_database_tests::c_program::{program, run, section, valgrind};
use attribution_database_tests::database::Database;
use attribution_database_tests::expected::{self, Asked};
use attribution_database_tests::generate::{self, START, Shape, USERS};
use attribution_database_tests::host::Collation;
use attribution_database_tests::server::{Server, ServerOptions};
use attribution_database_tests::tables;
use mysql::prelude::Queryable;
use serde_json::Value;

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&ServerOptions::default()))
}

fn database_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| program("tests/c/database.c"))
}

#[track_caller]
fn run_well(database: &Database<'_>, words: &str) -> String {
    let program = database_program();
    let (ended, text) = run(Command::new(program).args(words.split(' ')), database);
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{words}: {}\n{said}\n{text}", ended.status);
    text
}

/// A report without what no two runs have in common.
fn comparable(mut report: Value) -> Value {
    for user in report["users"].as_array_mut().unwrap() {
        if let Some(report) = user.get_mut("report") {
            for field in ["duration_ms", "retries", "batches"] {
                assert!(report.as_object_mut().unwrap().remove(field).is_some(), "{field}");
            }
        }
    }
    report
}

#[test]
fn the_jobs_do_what_the_command_does() {
    let shape = Shape::small(900);
    let accounts = generate::accounts(shape);
    let (start, end, user) = (START, shape.end(), USERS[0]);
    let by_c = Database::with(server(), Collation::GeneralCi, &accounts);
    let by_command = Database::with(server(), Collation::GeneralCi, &accounts);
    let slugs = by_c.texts(&format!(
        "SELECT model_slug FROM 202_attribution_models WHERE user_id = {user} AND is_active = 1 \
         AND model_type = 'linear' ORDER BY model_id"
    ));
    let slug = &slugs[0];
    let check = by_command.run("check --json").json();
    let window = format!("--start {start} --end {end}");
    let backfilled = by_command.run(&format!("backfill {window} --json")).expect(0).json();
    let rebuilt = by_command.run(&format!("rebuild {window} --json")).expect(0).json();

    let text = run_well(&by_c, &format!("jobs {start} {end} {user} {slug}"));
    assert_eq!(serde_json::from_str::<Value>(section(&text, "findings")).unwrap(), check);
    let json = |name| serde_json::from_str(section(&text, name)).unwrap();
    assert_eq!(comparable(json("backfill")), comparable(backfilled));
    let report = comparable(json("rebuild"));
    assert_eq!(report, comparable(rebuilt));
    // What the fields say is what the JSON says.
    let mut models = Vec::new();
    for user in report["users"].as_array().unwrap() {
        for model in user["report"]["models"].as_array().unwrap() {
            let units = |field: &str| model[field].as_str().unwrap().replace('.', "");
            let number = |text: String| text.parse::<i64>().unwrap();
            models.push(format!(
                "model {} {} {} {} {} {} {}",
                model["model_id"],
                model["slug"].as_str().unwrap(),
                model["hours"],
                model["snapshots"],
                model["clicks"],
                number(units("revenue")),
                number(units("cost"))
            ));
        }
    }
    assert_eq!(section(&text, "models").lines().collect::<Vec<_>>(), models);
    assert!(models.len() > 3);

    let asked = Asked::of((start, end));
    tables::results(&mut by_c.connect())
        .assert_equal(&expected::after_both(&accounts, &asked), "by C");

    let stored = by_c.texts(&format!(
        "SELECT CONCAT_WS(' ', 'snapshot', s.snapshot_id, ELT(FIND_IN_SET(s.scope_type, \
         'global,campaign,account,advertiser,traffic_source,landing_page'), 0, 1, 2, 3, 4, 5), \
         COALESCE(s.scope_id, 0), s.date_hour, s.attributed_clicks, s.attributed_conversions, \
         CAST(s.attributed_revenue * 100000 AS SIGNED), CAST(s.attributed_cost * 100000 AS SIGNED)) \
         FROM 202_attribution_snapshots s JOIN 202_attribution_models m USING (model_id) \
         WHERE s.user_id = {user} AND m.model_slug = '{slug}' AND s.date_hour >= {start} \
         AND s.date_hour < {end} ORDER BY s.scope_type, s.scope_id, s.date_hour, s.snapshot_id"
    ));
    let read = section(&text, "snapshots").lines().filter(|line| line.starts_with("snapshot "));
    assert_eq!(read.collect::<Vec<_>>(), stored);
    assert!(stored.len() > 20);
}

#[test]
#[ignore = "a minute; tests/run --long runs it"]
fn nothing_is_lost_or_misread_while_the_jobs_run() {
    let shape = Shape { clicks: 100, conversions: 20, ..Shape::small(904) };
    let database = Database::with(server(), Collation::GeneralCi, &generate::accounts(shape));
    let slug = &database.texts(&format!(
        "SELECT model_slug FROM 202_attribution_models WHERE user_id = {} AND is_active = 1 \
         AND model_type = 'linear' ORDER BY model_id",
        USERS[0]
    ))[0];
    let mut valgrind = valgrind();
    valgrind.arg(database_program()).args([
        "jobs",
        &START.to_string(),
        &shape.end().to_string(),
        &USERS[0].to_string(),
        slug,
    ]);
    let (ended, text) = run(&mut valgrind, &database);
    assert!(ended.status.success(), "{}\n{text}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn a_callback_stops_a_job_and_nothing_is_half_done() {
    let shape = Shape::small(901);
    let accounts = generate::accounts(shape);
    let database = Database::with(server(), Collation::GeneralCi, &accounts);
    let window = format!("{START} {}", shape.end());
    let command_window = format!("--start {START} --end {}", shape.end());
    database.run(&format!("backfill {command_window}")).expect(0);
    run_well(&database, &format!("cancel {} {window}", USERS[0]));
    let status =
        database.texts("SELECT status FROM 202_attribution_runs ORDER BY run_id DESC LIMIT 1");
    assert_eq!(status, ["cancelled"]);
    database.run(&format!("rebuild {command_window}")).expect(0);
    let asked = Asked::of((START, shape.end()));
    tables::results(&mut database.connect())
        .assert_equal(&expected::after_both(&accounts, &asked), "after the next run");
}

#[test]
fn failures_have_their_status_place_and_report() {
    let shape = Shape::small(902);
    let accounts = generate::accounts(shape);
    let database = Database::with(server(), Collation::GeneralCi, &accounts);
    let window = format!("{START} {}", shape.end());
    let text = run_well(&database, &format!("fails invalid_input 999999 {window}"));
    assert!(text.starts_with("place user\nmessage user: found no user 999999"), "{text}");

    // Another session has the lock, by the name that runs have for it.
    let mut holder = database.connect();
    let name = "CONCAT('attribution.', LEFT(SHA2(DATABASE(), 256), 16), '.', ";
    let query = format!("SELECT GET_LOCK({name}{}), 0)", USERS[0]);
    assert_eq!(holder.query_first::<u8, _>(query).unwrap(), Some(1));
    let text = run_well(&database, &format!("fails locked {} {window}", USERS[0]));
    assert!(text.contains("lock"), "{text}");
    drop(holder);

    // A payout that no snapshot can hold: of all users, one fails and the others are done.
    database.execute(&format!(
        "UPDATE 202_conversion_logs SET click_payout = 999999.99999, deleted = 0 WHERE user_id = {}",
        USERS[1]
    ));
    database.execute("ALTER TABLE 202_conversion_logs MODIFY click_payout DECIMAL(20,5)");
    database.execute(&format!(
        "UPDATE 202_conversion_logs SET click_payout = 99999999999.0 WHERE user_id = {}",
        USERS[1]
    ));
    let text = run_well(&database, &format!("fails limit 0 {window}"));
    let failed = format!("place user {}\nmessage user {}: ", USERS[1], USERS[1]);
    assert!(text.starts_with(&failed), "{text}");
    for (user, status) in [(USERS[0], "ok"), (USERS[1], "limit"), (USERS[2], "ok")] {
        assert!(text.contains(&format!("\nuser {user} {status}\n")), "{text}");
    }
}

#[test]
fn the_example_in_c_rebuilds() {
    let database =
        Database::with(server(), Collation::GeneralCi, &generate::accounts(Shape::small(903)));
    let (ended, text) =
        run(&mut Command::new(program("attribution-ffi/examples/rebuild.c")), &database);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    // The backfill's line and the rebuild's, for each user that is not deleted.
    assert_eq!(text.lines().count(), 2 * (USERS.len() + 1), "{text}");
    assert!(text.lines().all(|line| line.contains(" conversions, ")), "{text}");
}
