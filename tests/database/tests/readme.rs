//! What README.md says of the database, run as it stands there, and what others see of a command meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use attribution_database_tests::command::{DATABASE_VARIABLE, binary, start_with};
use attribution_database_tests::database::Database;
use attribution_database_tests::host::Collation;
use attribution_database_tests::server::{PASSWORD, PASSWORD_IN_URL, Server, ServerOptions};
use mysql::prelude::Queryable;

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&ServerOptions::default()))
}

/// A user with two clicks of one visitor in a campaign, the later of which converted an hour ago.
fn database() -> Database<'static> {
    let database = Database::new(server(), Collation::UnicodeCi);
    for statement in [
        "INSERT INTO 202_users (user_id, user_name) VALUES (1, 'one')",
        "INSERT INTO 202_aff_campaigns (aff_campaign_id, user_id, aff_network_id, aff_campaign_name) \
         VALUES (7, 1, 3, 'seven')",
        "INSERT INTO 202_clicks (click_id, user_id, aff_campaign_id, click_cpc, click_time) VALUES \
         (10, 1, 7, 0.25, UNIX_TIMESTAMP() - 9000), (11, 1, 7, 0.5, UNIX_TIMESTAMP() - 7200)",
        "INSERT INTO 202_clicks_advance (click_id, ip_id) VALUES (10, 5), (11, 5)",
        "INSERT INTO 202_conversion_logs (click_id, campaign_id, click_payout, user_id, click_time, \
         conv_time, time_difference, user_agent) \
         VALUES (11, 7, 35, 1, UNIX_TIMESTAMP() - 7200, UNIX_TIMESTAMP() - 3600, '', '')",
    ] {
        database.execute(statement);
    }
    database
}

/// The lines of the block that is marked so, less the one that says where the database is.
fn block(readme: &str, mark: &str) -> String {
    let begin = format!("```{mark}\n");
    let start = readme.find(&begin).expect("README.md has the block") + begin.len();
    let length = readme[start..].find("\n```").expect("the block ends");
    let lines = readme[start..start + length].lines();
    let address = format!("export {DATABASE_VARIABLE}=");
    lines.filter(|line| !line.starts_with(&address)).collect::<Vec<_>>().join("\n")
}

/// Runs commands in an empty folder, with the command at hand, and gives what they print.
fn run(database: &Database<'_>, commands: &str) -> String {
    let path =
        format!("{}:{}", binary().parent().unwrap().display(), std::env::var("PATH").unwrap());
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", commands])
        .current_dir(folder.path())
        .env("PATH", path)
        .env(DATABASE_VARIABLE, database.url())
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{out}\n{errors}");
    out
}

fn readme() -> String {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(repository.join("README.md")).unwrap()
}

#[test]
fn the_commands_of_the_readme_do_what_they_say() {
    let database = database();
    let out = run(&database, &block(&readme(), "sh database"));
    assert!(out.contains("user 1: 1 conversions, 2 touches, 2 rows written"), "{out}");
    assert!(out.contains(",Two days,campaign,7,2,1,,35.0000,0.5000,34.5000,6900.00"), "{out}");
    // Switched off at the end, which takes the journeys away.
    assert_eq!(database.number("SELECT COUNT(*) FROM 202_conversion_touchpoints"), 0);
}

#[test]
fn the_commands_of_the_readme_serve_the_results() {
    let database = database();
    run(
        &database,
        "attribution install && attribution model create --user 1 --name 'Two days' \
         --spec time_decay:half_life_hours=48 && attribution backfill && attribution rebuild",
    );
    let out = run(&database, &block(&readme(), "sh serving"));
    for said in ["6900.00", "few conversions: 1, fewer than 100", "1 rows in", "completed"] {
        assert!(out.contains(said), "{said}: {out}");
    }
    assert_eq!(database.number("SELECT rows_exported FROM 202_attribution_exports"), 1);
    // The subject was all there was.
    for table in [
        "202_clicks",
        "202_conversion_logs",
        "202_attribution_snapshots",
        "202_attribution_touchpoints",
    ] {
        assert_eq!(database.number(&format!("SELECT COUNT(*) FROM {table}")), 0, "{table}");
    }
}

#[test]
fn a_password_among_the_arguments_is_not_to_be_seen() {
    let database = database();
    let url = database.url();
    assert!(url.contains(PASSWORD_IN_URL));
    let mut holder = database.connect();
    let lock =
        "SELECT GET_LOCK(CONCAT('attribution.', LEFT(SHA2(DATABASE(), 256), 16), '.', 1), 0)";
    assert_eq!(holder.query_first::<u8, _>(lock).unwrap(), Some(1));
    for arguments in [
        vec!["rebuild".to_owned(), "--database".to_owned(), url.clone()],
        vec!["rebuild".to_owned(), format!("--database={url}")],
    ] {
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        arguments.extend(["--user", "1", "--wait", "20"]);
        let mut running = start_with(&arguments, &[], None);
        let waiting = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%GET_LOCK(%' \
             AND ID <> CONNECTION_ID()";
        let start = Instant::now();
        while database.number(waiting) == 0 {
            assert!(!running.has_ended(), "it ended before it waited for the lock");
            assert!(start.elapsed() < Duration::from_secs(30), "it never waited for the lock");
            sleep(Duration::from_millis(20));
        }
        let seen = fs::read(format!("/proc/{}/cmdline", running.id())).unwrap();
        let seen = String::from_utf8_lossy(&seen).into_owned();
        assert!(seen.contains("rebuild") && seen.contains("--user"), "{seen}");
        assert!(!seen.contains(PASSWORD) && !seen.contains(PASSWORD_IN_URL), "{seen}");
        running.kill();
        let start = Instant::now();
        while database.number(waiting) > 0 {
            assert!(start.elapsed() < Duration::from_secs(30), "the server did not notice its end");
            sleep(Duration::from_millis(20));
        }
    }
}
