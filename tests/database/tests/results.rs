//! What backfill and rebuild leave in the tables is what the engine says, row for row.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use attribution_core::{JourneyKey, ScopeType};
use attribution_database_tests::account::{
    Accounts, ClickRow, ConversionRow, ModelRow, TouchRow, VisitorRow, insert_conversions,
};
use attribution_database_tests::command;
use attribution_database_tests::database::Database;
use attribution_database_tests::expected::{self, Asked};
use attribution_database_tests::generate::{self, IDLE_USER, START, Shape, USERS};
use attribution_database_tests::host::Collation;
use attribution_database_tests::server::{Server, ServerOptions};
use attribution_database_tests::tables::{self, RECORDS, Results};
use serde_json::Value;

fn strict() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    let modes = "--sql-mode=STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,\
                 ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_BACKSLASH_ESCAPES";
    SERVER.get_or_init(|| Server::start(&ServerOptions::with([modes])))
}

fn lenient() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        // Ids that are handed out in steps, as replicating servers do, and another isolation level.
        Server::start(&ServerOptions::with([
            "--sql-mode=",
            "--auto-increment-increment=3",
            "--auto-increment-offset=2",
            "--transaction-isolation=READ-COMMITTED",
        ]))
    })
}

fn window(asked: &Asked) -> String {
    let user = asked.users.as_ref().map_or(String::new(), |users| format!(" --user {}", users[0]));
    format!("--start {} --end {}{user}", asked.window.0, asked.window.1)
}

fn backfill(database: &Database<'_>, asked: &Asked) {
    let arguments = format!(
        "backfill {} --journey {} --lookback {}s --max-touches {}",
        window(asked),
        asked.key,
        asked.lookback_seconds,
        asked.max_touches
    );
    database.run(&arguments).expect(0);
}

fn rebuild_arguments(asked: &Asked) -> String {
    let scopes = asked.scopes.as_ref().map_or(String::new(), |scopes| {
        let names: Vec<_> = scopes.iter().map(|scope| scope.name()).collect();
        format!(" --scopes {}", names.join(","))
    });
    let credits = if asked.credits { "" } else { " --credits none" };
    format!("rebuild {}{scopes}{credits}", window(asked))
}

fn rebuild(database: &Database<'_>, asked: &Asked) {
    database.run(&rebuild_arguments(asked)).expect(0);
}

fn results(database: &Database<'_>) -> Results {
    tables::results(&mut database.connect())
}

/// Every value of a field, wherever in the report it is.
fn values<'a>(json: &'a Value, field: &str, found: &mut Vec<&'a Value>) {
    match json {
        Value::Object(fields) => {
            found.extend(fields.get(field));
            fields.values().for_each(|value| values(value, field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| values(item, field, found)),
        _ => {}
    }
}

fn numbers(json: &Value, field: &str) -> Vec<u64> {
    let mut found = Vec::new();
    values(json, field, &mut found);
    found.into_iter().filter_map(Value::as_u64).collect()
}

fn whole(shape: Shape) -> (u32, u32) {
    (START, shape.end())
}

/// Both jobs, compared with the engine; then both again, which write nothing.
fn both_jobs(server: &Server, collation: Collation, seed: u64, asked: &Asked) {
    let when = format!("seed {seed}, {}, {asked:?}", collation.name());
    let accounts = generate::accounts(Shape::small(seed));
    let database = Database::with(server, collation, &accounts);
    let before = database.contents();
    backfill(&database, asked);
    rebuild(&database, asked);
    let expected = expected::after_both(&accounts, asked);
    results(&database).assert_equal(&expected, &when);
    let after = database.contents();
    for table in attribution_database_tests::host::READ_ONLY {
        assert_eq!(after.of(table), before.of(table), "{when}: {table} is only read");
    }

    let settled = after.without(&RECORDS);
    backfill(&database, asked);
    rebuild(&database, asked);
    let again = format!("the second run writes nothing; {when}");
    database.contents().without(&RECORDS).assert_equal(&settled, &again);
}

fn every_key(server: &Server, first_seed: u64, collations: [Collation; 4]) {
    for (number, key) in JourneyKey::ALL.into_iter().enumerate() {
        let seed = first_seed + number as u64;
        let asked = Asked { key, ..Asked::of(whole(Shape::small(seed))) };
        both_jobs(server, collations[number], seed, &asked);
    }
}

#[test]
fn as_the_engine_under_strict_modes() {
    use Collation::{Bin, GeneralCi, UnicodeCi};
    every_key(strict(), 100, [GeneralCi, UnicodeCi, Bin, GeneralCi]);
}

#[test]
fn as_the_engine_without_strict_modes() {
    use Collation::{Bin, GeneralCi, UnicodeCi};
    every_key(lenient(), 200, [UnicodeCi, Bin, GeneralCi, UnicodeCi]);
}

#[test]
fn short_lookbacks_and_few_touches() {
    let shape = Shape::small(300);
    let asked = Asked {
        key: JourneyKey::Visitor,
        lookback_seconds: 3 * 86_400,
        max_touches: 2,
        ..Asked::of(whole(shape))
    };
    both_jobs(strict(), Collation::GeneralCi, 300, &asked);
    let asked = Asked { key: JourneyKey::Campaign, lookback_seconds: 3_600, ..asked };
    both_jobs(lenient(), Collation::GeneralCi, 301, &asked);
}

#[test]
fn a_window_that_begins_and_ends_inside_an_hour() {
    let shape = Shape::small(310);
    let (start, end) = whole(shape);
    let asked = Asked::of((start + 5 * 3_600 + 1_800, end - 7 * 3_600 + 1));
    both_jobs(strict(), Collation::GeneralCi, 310, &asked);
    // The last second of an hour is that hour.
    let asked = Asked::of((start + 7_199, start + 7_200));
    both_jobs(strict(), Collation::GeneralCi, 311, &asked);
}

#[test]
fn times_as_rfc_3339() {
    let accounts = generate::accounts(Shape::small(320));
    let database = Database::with(strict(), Collation::GeneralCi, &accounts);
    // START is 2024-06-01T00:00:00Z.
    for job in ["backfill", "rebuild"] {
        let window = "--start 2024-06-01T00:30:00Z --end 2024-06-01T09:00:00+02:00";
        database.run(&format!("{job} {window}")).expect(0);
    }
    let asked = Asked::of((START, START + 7 * 3_600));
    results(&database).assert_equal(&expected::after_both(&accounts, &asked), "RFC 3339");
}

#[test]
fn one_user_alone() {
    for (number, user) in [USERS[1], USERS[2], IDLE_USER].into_iter().enumerate() {
        let seed = 330 + number as u64;
        let asked = Asked { users: Some(vec![user]), ..Asked::of(whole(Shape::small(seed))) };
        both_jobs(strict(), Collation::GeneralCi, seed, &asked);
    }
}

#[test]
fn snapshots_alone_and_credits_again() {
    let shape = Shape::small(340);
    let accounts = generate::accounts(shape);
    let database = Database::with(strict(), Collation::GeneralCi, &accounts);
    let with = Asked::of(whole(shape));
    let without = Asked { credits: false, ..with.clone() };
    backfill(&database, &with);
    // From what was there, from snapshots alone, from credits.
    for asked in [&without, &without, &with, &without, &with] {
        rebuild(&database, asked);
        let when = format!("credits {}", asked.credits);
        results(&database).assert_equal(&expected::after_both(&accounts, asked), &when);
    }
}

#[test]
fn the_scopes_asked_for_and_those_that_are_there() {
    use ScopeType::{Account, Advertiser, Campaign, Global, LandingPage, TrafficSource};
    let lists = [
        vec![Global],
        vec![Campaign],
        vec![Global, Account, TrafficSource],
        vec![Advertiser, LandingPage],
    ];
    for (number, scopes) in lists.into_iter().enumerate() {
        let seed = 350 + number as u64;
        let asked = Asked { scopes: Some(scopes), ..Asked::of(whole(Shape::small(seed))) };
        both_jobs(if number % 2 == 0 { strict() } else { lenient() }, Collation::Bin, seed, &asked);
    }

    // All scopes first; then a list, after which the others are still right when things change.
    let shape = Shape::small(355);
    let mut accounts = generate::accounts(shape);
    let database = Database::with(strict(), Collation::GeneralCi, &accounts);
    let asked = Asked::of(whole(shape));
    backfill(&database, &asked);
    rebuild(&database, &asked);
    refund(&mut accounts, &database, |row| row.conversion_id % 2 == 0);
    backfill(&database, &asked);
    rebuild(&database, &Asked { scopes: Some(vec![Global]), ..asked.clone() });
    // Which of the other scopes there were for a model was everything.
    let expected = expected::after_both(&accounts, &asked);
    results(&database).assert_equal(&expected, "a list after all scopes");
}

fn refund(
    accounts: &mut Accounts,
    database: &Database<'_>,
    which: impl Fn(&ConversionRow) -> bool,
) {
    let mut ids = Vec::new();
    for row in accounts.conversions.iter_mut().filter(|row| which(row)) {
        row.deleted = true;
        ids.push(row.conversion_id.to_string());
    }
    let ids = ids.join(",");
    database
        .execute(&format!("UPDATE 202_conversion_logs SET deleted = 1 WHERE conv_id IN ({ids})"));
}

#[test]
fn refunds_leave_nothing_behind() {
    let shape = Shape::small(360);
    let mut accounts = generate::accounts(shape);
    let database = Database::with(lenient(), Collation::GeneralCi, &accounts);
    let asked = Asked::of(whole(shape));
    backfill(&database, &asked);
    rebuild(&database, &asked);

    // Some everywhere, and all of a day.
    let day = START + 6 * 3_600..START + 18 * 3_600;
    refund(&mut accounts, &database, |row| row.conversion_id % 5 == 0 || day.contains(&row.time));
    backfill(&database, &asked);
    rebuild(&database, &asked);
    results(&database).assert_equal(&expected::after_both(&accounts, &asked), "after refunds");
    let emptied = format!(
        "SELECT COUNT(*) FROM 202_attribution_snapshots s JOIN 202_attribution_models m \
         USING (model_id) WHERE m.model_slug = 'linear' AND s.user_id = {} \
         AND s.date_hour >= {} AND s.date_hour < {}",
        USERS[0], day.start, day.end
    );
    assert_eq!(database.number(&emptied), 0);

    // All of them, without a backfill.
    refund(&mut accounts, &database, |_| true);
    rebuild(&database, &asked);
    let nothing = expected::after_both(&accounts, &asked);
    let found = results(&database);
    assert_eq!((found.snapshots, found.credits), (nothing.snapshots, nothing.credits));
}

#[test]
fn a_rebuild_reads_the_journeys_that_are_stored() {
    // They are wrong, doubled, of clicks that are gone, and of conversions that have none any more.
    for (seed, server) in [(370, strict()), (371, lenient())] {
        let shape = Shape::small(seed);
        let accounts = generate::accounts(shape);
        let database = Database::with(server, Collation::GeneralCi, &accounts);
        let asked = Asked::of(whole(shape));
        rebuild(&database, &asked);
        let expected = expected::after_rebuild(&accounts, &asked);
        results(&database).assert_equal(&expected, &format!("seed {seed}"));
    }
}

#[test]
fn clicks_that_are_gone_keep_their_credit() {
    let shape = Shape::small(380);
    let mut accounts = generate::accounts(shape);
    let database = Database::with(strict(), Collation::GeneralCi, &accounts);
    let asked = Asked { key: JourneyKey::Visitor, ..Asked::of(whole(shape)) };
    backfill(&database, &asked);
    accounts.touches = results(&database)
        .journeys
        .into_iter()
        .map(|row| TouchRow {
            conversion_id: row.conversion_id,
            click_id: row.click_id,
            click_time: row.click_time as u32,
            position: row.position as u32,
        })
        .collect();
    accounts.clicks.retain(|row| row.click_id % 7 != 0);
    database.execute("DELETE FROM 202_clicks WHERE click_id % 7 = 0");
    let ended = database.run(&format!("{} --json", rebuild_arguments(&asked))).expect(0);
    let expected = expected::after_rebuild(&accounts, &asked);
    results(&database).assert_equal(&expected, "clicks gone");
    let missing: u64 = numbers(&ended.json(), "missing_clicks").into_iter().sum();
    assert_eq!(missing, expected::missing_touches(&accounts, &asked), "{ended}");

    // So it is where no other scope is asked for or there.
    database.execute("DELETE FROM 202_attribution_snapshots");
    database.execute("DELETE FROM 202_attribution_touchpoints");
    let global = Asked { scopes: Some(vec![ScopeType::Global]), ..asked.clone() };
    accounts.snapshots.clear();
    let ended = database.run(&format!("{} --json", rebuild_arguments(&global))).expect(0);
    let expected = expected::after_rebuild(&accounts, &global);
    results(&database).assert_equal(&expected, "clicks gone, the global scope alone");
    let missing: u64 = numbers(&ended.json(), "missing_clicks").into_iter().sum();
    assert_eq!(missing, expected::missing_touches(&accounts, &global), "{ended}");
}

#[test]
fn one_new_conversion_touches_its_hour_only() {
    let shape = Shape::small(390);
    let mut accounts = generate::accounts(shape);
    let database = Database::with(strict(), Collation::GeneralCi, &accounts);
    let asked = Asked::of(whole(shape));
    backfill(&database, &asked);
    rebuild(&database, &asked);

    let hour = START + 10 * 3_600;
    let click = *accounts.clicks.iter().find(|row| row.user_id == USERS[0]).unwrap();
    let conversion = ConversionRow {
        conversion_id: 90_000,
        click_id: click.click_id,
        transaction: true,
        campaign_id: click.campaign_id,
        payout: 1_234_567,
        user_id: USERS[0],
        click_time: click.time,
        time: hour + 30,
        deleted: false,
    };
    let others = format!(
        "SELECT CONCAT_WS(',', s.snapshot_id, s.model_id, s.scope_type, s.scope_id, s.date_hour, \
         s.lookback_start, s.lookback_end, s.attributed_clicks, s.attributed_revenue, s.created_at, \
         t.touchpoint_id, t.conv_id, t.click_id, t.credit, t.created_at) AS line \
         FROM 202_attribution_snapshots s LEFT JOIN 202_attribution_touchpoints t \
         USING (snapshot_id) WHERE s.date_hour <> {hour} OR s.user_id <> {} ORDER BY line",
        USERS[0]
    );
    let journeys = "SELECT CONCAT_WS(',', touchpoint_id, conv_id, click_id, position, created_at) \
                    AS line FROM 202_conversion_touchpoints WHERE conv_id <> 90000 ORDER BY line";
    let before = (database.texts(&others), database.texts(journeys));
    insert_conversions(&mut database.connect(), &[conversion]);
    accounts.conversions.push(conversion);
    backfill(&database, &asked);
    rebuild(&database, &asked);
    results(&database).assert_equal(&expected::after_both(&accounts, &asked), "one more");
    assert!(before == (database.texts(&others), database.texts(journeys)), "other rows changed");
}

#[test]
fn settings_that_change_between_runs() {
    let shape = Shape::small(400);
    let mut accounts = generate::accounts(shape);
    let database = Database::with(strict(), Collation::UnicodeCi, &accounts);
    let asked = Asked::of(whole(shape));
    backfill(&database, &asked);
    for enabled in [false, true] {
        accounts.settings.iter_mut().for_each(|row| row.enabled = enabled);
        database.execute("DELETE FROM 202_attribution_settings");
        let only = Accounts { settings: accounts.settings.clone(), ..Accounts::default() };
        only.insert(&mut database.connect());
        backfill(&database, &asked);
        rebuild(&database, &asked);
        let when = format!("everything {enabled}");
        results(&database).assert_equal(&expected::after_both(&accounts, &asked), &when);
    }
}

/// A click with a conversion of it.
fn pair(id: u64, time: u32) -> (ClickRow, ConversionRow) {
    let click = ClickRow {
        click_id: id,
        user_id: 1,
        campaign_id: 5,
        landing_page_id: 0,
        account_id: 0,
        cost: 150_000,
        filtered: false,
        bot: false,
        time: time - 60,
    };
    let conversion = ConversionRow {
        conversion_id: id,
        click_id: id,
        transaction: false,
        campaign_id: 5,
        payout: 1_000_005,
        user_id: 1,
        click_time: time - 60,
        time,
        deleted: false,
    };
    (click, conversion)
}

/// One user with conversions at these times and one model.
fn simple(times: &[u32]) -> Accounts {
    let (clicks, conversions): (Vec<_>, Vec<_>) =
        times.iter().enumerate().map(|(number, time)| pair(number as u64 + 1, *time)).unzip();
    let visitors = clicks
        .iter()
        .map(|row| VisitorRow { click_id: row.click_id, ip_id: row.click_id })
        .collect();
    Accounts {
        users: vec![(1, false)],
        campaigns: vec![(5, 1, 3)],
        clicks,
        visitors,
        conversions,
        models: vec![ModelRow {
            model_id: 1,
            user_id: 1,
            slug: "linear".to_owned(),
            kind: "linear".to_owned(),
            config: None,
            active: true,
        }],
        ..Accounts::default()
    }
}

fn now() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as u32
}

#[test]
fn the_last_day_by_default() {
    let times = [now() - 600, now() - 20 * 3_600, now() - 26 * 3_600, now() - 40 * 86_400];
    let database = Database::with(lenient(), Collation::GeneralCi, &simple(&times));
    database.run("backfill --user 1").expect(0);
    database.run("rebuild --user 1").expect(0);
    let found = results(&database);
    let converted: BTreeSet<u64> = found.credits.iter().map(|row| row.conversion_id).collect();
    assert_eq!(converted, BTreeSet::from([1, 2]));
    let stored: BTreeSet<u64> = found.journeys.iter().map(|row| row.conversion_id).collect();
    assert_eq!(stored, BTreeSet::from([1, 2]));
}

#[test]
fn the_audit_the_log_and_the_window_of_a_run() {
    let database =
        Database::with(strict(), Collation::GeneralCi, &simple(&[START + 60, START + 90]));
    database.execute("INSERT INTO 202_cronjob_logs VALUES (3, 77)");
    database.execute(
        "INSERT INTO 202_attribution_models (user_id, model_name, model_slug, model_type, is_active, \
         is_default, created_at, updated_at) VALUES (1, 'bad', 'bad', 'bad', 1, 0, 1, 1)",
    );
    let window = format!("--start {} --end {}", START + 100, START + 7_300);
    database.run(&format!("backfill {window}")).expect(0);
    let before = now();
    let ended = database.run(&format!("rebuild {window}")).expect(0);
    ended.says(&["bad"]);

    let last = database.number("SELECT last_execution_time FROM 202_cronjob_logs WHERE id = 2");
    assert!((before..=now()).contains(&(last as u32)));
    assert_eq!(
        database.number("SELECT last_execution_time FROM 202_cronjob_logs WHERE id = 3"),
        77
    );
    assert_eq!(database.number("SELECT COUNT(*) FROM 202_cronjob_logs"), 2);

    let audit = "FROM 202_attribution_audit WHERE action = 'snapshot_rebuild'";
    assert_eq!(database.number(&format!("SELECT COUNT(*) {audit}")), 1, "one a model that ran");
    assert_eq!(database.number(&format!("SELECT user_id * 10 + model_id {audit}")), 11);
    let created = database.number(&format!("SELECT created_at {audit}"));
    assert!((before..=now()).contains(&(created as u32)));
    let metadata = &database.texts(&format!("SELECT metadata {audit}"))[0];
    let json: Value = serde_json::from_str(metadata).unwrap();
    for (field, value) in [
        ("lookback_start", u64::from(START)),
        ("lookback_end", u64::from(START) + 3 * 3_600),
        ("hours_processed", 1),
        ("clicks", 2),
        ("conversions", 2),
    ] {
        assert_eq!(json[field], value, "{field} of {metadata}");
    }
    for field in ["batches", "duration_ms", "rows_written"] {
        assert!(json[field].is_u64(), "{field} of {metadata}");
    }
    assert!(json["engine_version"].is_string(), "{metadata}");
    assert_eq!(json["revenue"].as_f64(), Some(20.0001), "{metadata}");
    assert_eq!(json["cost"].as_f64(), Some(3.0), "{metadata}");

    let snapshot = "SELECT CONCAT_WS(' ', lookback_start, lookback_end, attributed_revenue, \
                    attributed_cost) FROM 202_attribution_snapshots WHERE scope_type = 'global'";
    let expected = format!("{START} {} 20.0001 3.0000", START + 3 * 3_600);
    assert_eq!(database.texts(snapshot), [expected]);
}

#[test]
fn a_report_for_machines() {
    let database = Database::with(strict(), Collation::GeneralCi, &simple(&[START + 60]));
    for job in ["backfill", "rebuild"] {
        let arguments = format!("{job} --user 1 --start {START} --end {} --json", START + 3_600);
        let first = database.run(&arguments).expect(0).json();
        assert!(numbers(&first, "rows_written").iter().any(|rows| *rows > 0), "{job}: {first}");
        assert_eq!(numbers(&first, "conversions").iter().max(), Some(&1), "{job}: {first}");
        let second = database.run(&arguments).expect(0).json();
        assert_eq!(numbers(&second, "rows_written").iter().max(), Some(&0), "{job}: {second}");
    }
}

#[test]
fn an_address_in_the_environment_and_a_socket() {
    let database = Database::with(strict(), Collation::GeneralCi, &simple(&[START + 60]));
    let end = (START + 3_600).to_string();
    let start = START.to_string();
    let arguments = ["rebuild", "--start", &start, "--end", &end];
    let url = strict().socket_url(database.name());
    let running = command::start_with(&arguments, &[(command::DATABASE_VARIABLE, &url)], None);
    running.wait().expect(0);
    assert_eq!(database.number("SELECT COUNT(*) FROM 202_attribution_touchpoints"), 1);
    database.run("install").expect(0);
    command::run(&url, "check");
    command::run(&url, &format!("backfill --start {start} --end {end}")).expect(0);
    assert_eq!(database.number("SELECT COUNT(*) FROM 202_conversion_touchpoints"), 1);
}

#[test]
fn any_number_of_connections_and_a_replica() {
    let accounts = generate::large(5_000, 24, 3);
    let asked = Asked::of((START, START + 24 * 3_600));
    let clean = expected::after_both(&accounts, &asked);
    let replica = |database: &Database<'_>| format!(" --replica {}", database.url());
    for number in [1, 2, 5] {
        let database = Database::with(strict(), Collation::GeneralCi, &accounts);
        let more = if number == 5 { replica(&database) } else { String::new() };
        for job in ["backfill", "rebuild"] {
            let arguments = format!("{job} {} --connections {number}{more}", window(&asked));
            database.run(&arguments).expect(0);
        }
        results(&database).assert_equal(&clean, &format!("{number} connections"));
    }
}

#[test]
fn half_to_even_when_a_total_is_written() {
    // 0.00005 is half a unit of the snapshots' last place.
    for (payouts, written) in [
        (vec![5_i64], "0.0000"),
        (vec![15], "0.0002"),
        (vec![5, 5], "0.0001"),
        (vec![-5], "0.0000"),
        (vec![-15], "-0.0002"),
        (vec![4, 4], "0.0001"),
    ] {
        let mut accounts = simple(&vec![START + 60; payouts.len()]);
        for (row, payout) in accounts.conversions.iter_mut().zip(&payouts) {
            row.payout = *payout;
        }
        let database = Database::with(strict(), Collation::GeneralCi, &accounts);
        rebuild(&database, &Asked::of((START, START + 3_600)));
        let query = "SELECT CAST(attributed_revenue AS CHAR) FROM 202_attribution_snapshots \
                     WHERE scope_type = 'global'";
        assert_eq!(database.texts(query), [written], "{payouts:?}");
    }
}
