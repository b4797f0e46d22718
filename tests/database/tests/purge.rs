//! What a purge removes and what it leaves: afterwards the tables are those of an account that never
//! had the subject, and nobody else's rows have changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use attribution_core::{
    BackfillOptions, Error, JourneyKey, JourneyOptions, MysqlStore, Phase, PurgeOptions,
    PurgeReport, PurgeTarget, RebuildOptions, RetentionLimits, ScopeSet, ScopeType, Window,
};
use attribution_database_tests::account::Accounts;
use attribution_database_tests::command;
use attribution_database_tests::database::Database;
use attribution_database_tests::expected::{self, Asked};
use attribution_database_tests::generate::{self, DELETED_USER, START, Shape, USERS};
use attribution_database_tests::host::Collation;
use attribution_database_tests::random::Random;
use attribution_database_tests::server::{Server, ServerOptions};
use attribution_database_tests::tables::{self, RECORDS, Results};
use attribution_database_tests::torn_reader::{Hours, TornReader};
use mysql::prelude::Queryable;

const DAY: u32 = 86_400;
/// All hours that made-up conversions are in.
const ALL: (u32, u32) = (START - 10 * DAY, START + 20 * DAY);

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&ServerOptions::default()))
}

fn store(database: &Database<'_>) -> MysqlStore {
    MysqlStore::open(&database.url()).unwrap()
}

fn now() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as u32
}

fn asked(journeys: JourneyOptions) -> Asked {
    Asked {
        key: journeys.key,
        lookback_seconds: journeys.lookback_seconds,
        max_touches: journeys.max_touches,
        ..Asked::of(ALL)
    }
}

fn window() -> Window {
    Window::new(ALL.0, ALL.1).unwrap()
}

/// Both jobs for everyone.
fn settle(database: &Database<'_>, journeys: JourneyOptions) {
    let store = store(database);
    let backfill = BackfillOptions { journeys, ..BackfillOptions::new(window()) };
    for outcome in store.backfill_all(&backfill, &()).unwrap() {
        outcome.result.unwrap();
    }
    for outcome in store.rebuild_all(&RebuildOptions::new(window()), &()).unwrap() {
        outcome.result.unwrap();
    }
}

/// Accounts without what earlier runs left, which no run would make again.
fn fresh(seed: u64) -> Accounts {
    let mut accounts = generate::accounts(Shape::small(seed));
    accounts.snapshots.clear();
    accounts.touches.clear();
    for model in accounts.models.iter_mut().filter(|model| model.slug == "inactive") {
        model.active = true;
    }
    accounts
}

fn results(database: &Database<'_>) -> Results {
    tables::results(&mut database.connect())
}

/// A database that is settled, in which one model has been switched off since.
fn settled(accounts: &Accounts, journeys: JourneyOptions) -> Database<'static> {
    let database = Database::with(server(), Collation::GeneralCi, accounts);
    settle(&database, journeys);
    database
        .execute("UPDATE 202_attribution_models SET is_active = 0 WHERE model_slug = 'inactive'");
    database
}

/// Accounts that never had a subject.
fn without(
    accounts: &Accounts,
    user_id: u64,
    clicks: &BTreeSet<u64>,
    conversions: &BTreeSet<u64>,
) -> Accounts {
    let mut less = accounts.clone();
    less.clicks.retain(|row| row.user_id != user_id || !clicks.contains(&row.click_id));
    let others: BTreeSet<u64> = less.clicks.iter().map(|row| row.click_id).collect();
    less.visitors.retain(|row| !clicks.contains(&row.click_id) || others.contains(&row.click_id));
    less.conversions.retain(|row| {
        row.user_id != user_id
            || !(clicks.contains(&row.click_id) || conversions.contains(&row.conversion_id))
    });
    less
}

/// Every row that is another owner's, in all tables.
fn of_others(database: &Database<'_>, user_id: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut connection = database.connect();
    for (table, condition) in [
        ("202_clicks", "user_id <> ?"),
        ("202_clicks_advance", "click_id IN (SELECT click_id FROM 202_clicks WHERE user_id <> ?)"),
        ("202_conversion_logs", "user_id <> ?"),
        (
            "202_conversion_touchpoints",
            "conv_id IN (SELECT conv_id FROM 202_conversion_logs WHERE user_id <> ?)",
        ),
        ("202_attribution_models", "user_id <> ?"),
        ("202_attribution_settings", "user_id <> ?"),
        ("202_attribution_snapshots", "user_id <> ?"),
        (
            "202_attribution_touchpoints",
            "snapshot_id IN (SELECT snapshot_id FROM 202_attribution_snapshots WHERE user_id <> ?)",
        ),
        ("202_attribution_generations", "user_id <> ?"),
        ("202_attribution_exports", "user_id <> ?"),
        ("202_attribution_audit", "user_id <> ?"),
        ("202_attribution_runs", "user_id <> ?"),
        ("202_aff_campaigns", "user_id <> ?"),
        ("202_ppc_accounts", "user_id <> ?"),
        ("202_users", "user_id <> ?"),
    ] {
        let query = format!("SELECT * FROM {table} WHERE {condition}");
        let rows: Vec<mysql::Row> = connection.exec(query, (user_id,)).unwrap();
        lines.extend(rows.into_iter().map(|row| format!("{table}: {:?}", row.unwrap())));
    }
    lines.sort_unstable();
    lines
}

fn list(ids: &BTreeSet<u64>) -> String {
    let ids: Vec<String> = ids.iter().chain([&u64::MAX]).map(u64::to_string).collect();
    ids.join(",")
}

/// How many rows of an owner, or of nobody, have these ids, in all columns of ids.
#[track_caller]
fn assert_gone(
    database: &Database<'_>,
    user_id: u64,
    clicks: &BTreeSet<u64>,
    conversions: &BTreeSet<u64>,
) {
    let (clicks, conversions) = (list(clicks), list(conversions));
    let either = format!("(t.click_id IN ({clicks}) OR t.conv_id IN ({conversions}))");
    for query in [
        format!("202_clicks WHERE user_id = {user_id} AND click_id IN ({clicks})"),
        format!(
            "202_clicks_advance WHERE click_id IN ({clicks}) AND click_id NOT IN \
             (SELECT click_id FROM 202_clicks WHERE user_id <> {user_id})"
        ),
        format!("202_conversion_logs t WHERE user_id = {user_id} AND {either}"),
        format!(
            "202_conversion_touchpoints t LEFT JOIN 202_conversion_logs c USING (conv_id) \
             WHERE COALESCE(c.user_id, {user_id}) = {user_id} \
             AND (t.click_id IN ({clicks}) OR conv_id IN ({conversions}))"
        ),
        format!(
            "202_attribution_touchpoints t LEFT JOIN 202_attribution_snapshots s \
             USING (snapshot_id) WHERE COALESCE(s.user_id, {user_id}) = {user_id} AND {either}"
        ),
    ] {
        assert_eq!(database.number(&format!("SELECT COUNT(*) FROM {query}")), 0, "{query}");
    }
}

fn counts(report: &PurgeReport) -> Vec<(&'static str, u64, u64, u64)> {
    report.tables.iter().map(|row| (row.table, row.found, row.removed, row.left)).collect()
}

/// Purges a subject of settled accounts and compares all with accounts that never had it.
fn purge_and_compare(
    database: &Database<'_>,
    accounts: &Accounts,
    user_id: u64,
    target: PurgeTarget,
    clicks: &BTreeSet<u64>,
    conversions: &BTreeSet<u64>,
    journeys: JourneyOptions,
) -> Accounts {
    let when = format!("{target:?} of {user_id}, {journeys:?}");
    let options = PurgeOptions { journeys, ..PurgeOptions::new(target) };
    let others = of_others(database, user_id);
    let before = database.contents();
    let look = PurgeOptions { dry_run: true, ..options.clone() };
    let looked = store(database).purge(user_id, &look, &()).unwrap();
    database.contents().assert_equal(&before, &format!("{when}, dry"));

    let report = store(database).purge(user_id, &options, &()).unwrap();
    for (table, looked) in counts(&report).into_iter().zip(counts(&looked)) {
        assert_eq!(table, (looked.0, looked.1, looked.1, 0), "{when}: {looked:?}");
    }
    assert_eq!((report.hours_rebuilt, report.not_found), (looked.hours_rebuilt, looked.not_found));
    assert_eq!(report.not_found > 0, report.target != "visitor", "{when}: {report:?}");
    let less = without(accounts, user_id, clicks, conversions);
    results(database).assert_equal(&expected::after_both(&less, &asked(journeys)), &when);
    assert_gone(database, user_id, clicks, conversions);
    assert_eq!(of_others(database, user_id), others, "{when}");

    // The host's tables, and all of the owner's that no purge of a subject has to do with.
    let clean = Database::with(server(), Collation::GeneralCi, &less);
    clean.execute("UPDATE 202_attribution_models SET is_active = 0 WHERE model_slug = 'inactive'");
    let made = [
        "202_conversion_touchpoints",
        "202_attribution_snapshots",
        "202_attribution_touchpoints",
        "202_attribution_generations",
    ];
    let rest = |database: &Database<'_>| database.contents().without(&RECORDS).without(&made);
    rest(database).assert_equal(&rest(&clean), &when);

    let proof = "SELECT metadata FROM 202_attribution_audit WHERE action = 'purge' \
                 ORDER BY audit_id DESC LIMIT 1";
    let proof = database.texts(proof).remove(0);
    assert!(proof.contains(&format!("\"target\":\"{}\"", report.target)), "{proof}");
    let proof: serde_json::Value = serde_json::from_str(&proof).unwrap();
    assert_eq!(proof["tables"], serde_json::to_value(&report.tables).unwrap());

    let after = database.contents().without(&RECORDS);
    let again = store(database).purge(user_id, &options, &()).unwrap();
    assert!(again.tables.iter().all(|table| table.found == 0), "{when}: {again:?}");
    database.contents().without(&RECORDS).assert_equal(&after, &format!("{when}, again"));
    less
}

fn subjects(seed: u64, journeys: JourneyOptions) {
    let mut random = Random::new(seed);
    let accounts = fresh(seed);
    let database = settled(&accounts, journeys);
    let first = results(&database);
    first.assert_equal(&expected::after_both(&accounts, &asked(journeys)), "settled");
    let none = BTreeSet::new();
    let [first_user, second_user, third_user] = USERS;

    // A visitor with conversions, who also is a visitor of others.
    let of_visitor = |ip_id: u64| -> BTreeSet<u64> {
        let rows = accounts.visitors.iter().filter(|row| row.ip_id == ip_id);
        rows.map(|row| row.click_id).collect()
    };
    let converts = |ip_id: &u64| {
        let clicks = of_visitor(*ip_id);
        let mut own = accounts.conversions.iter().filter(|row| row.user_id == first_user);
        *ip_id > 0 && own.any(|row| clicks.contains(&row.click_id))
    };
    let visitors: BTreeSet<u64> = accounts.visitors.iter().map(|row| row.ip_id).collect();
    let mut visitors: Vec<u64> = visitors.into_iter().filter(converts).collect();
    random.shuffle(&mut visitors);
    let shared = visitors.iter().copied().skip(1).find(|ip_id| *ip_id > 1 << 40);
    let mut accounts_left = accounts.clone();
    for visitor in visitors.iter().copied().take(1).chain(shared) {
        let clicks = of_visitor(visitor);
        let target = PurgeTarget::Visitor(visitor);
        accounts_left = purge_and_compare(
            &database,
            &accounts_left,
            first_user,
            target,
            &clicks,
            &none,
            journeys,
        );
    }

    // Clicks that begin others' journeys, that convert, that are another owner's, and that nobody has.
    let is_second =
        |row: &&attribution_database_tests::account::ConversionRow| row.user_id == second_user;
    let own: BTreeSet<u64> =
        accounts.conversions.iter().filter(is_second).map(|row| row.conversion_id).collect();
    let long: Vec<u64> = first
        .journeys
        .iter()
        .filter(|row| own.contains(&row.conversion_id) && row.position == 1)
        .map(|row| row.conversion_id)
        .collect();
    let some = journeys.key != JourneyKey::None && journeys.max_touches > 1;
    assert!(!some || long.len() > 3, "journeys of more than one touch");
    let begin = first.journeys.iter().filter(|row| row.position == 0);
    let begin = begin.filter(|row| long.contains(&row.conversion_id)).map(|row| row.click_id);
    let mut clicks: BTreeSet<u64> = begin.take(4).collect();
    clicks.extend(accounts.conversions.iter().filter(is_second).take(4).map(|row| row.click_id));
    let foreign = accounts.clicks.iter().filter(|row| row.user_id == third_user).take(3);
    clicks.extend(foreign.map(|row| row.click_id));
    let twins = accounts.clicks.iter().filter(|row| {
        row.user_id == second_user
            && accounts.clicks.iter().filter(|other| other.click_id == row.click_id).count() > 1
    });
    clicks.extend(twins.take(4).map(|row| row.click_id));
    clicks.insert(999_999_999);
    let target = PurgeTarget::Clicks(clicks.iter().copied().collect());
    accounts_left =
        purge_and_compare(&database, &accounts_left, second_user, target, &clicks, &none, journeys);

    // Conversions, some of them another's.
    let mut conversions: BTreeSet<u64> = BTreeSet::new();
    let mut ids = BTreeSet::from([3_999_999_999]);
    for row in &accounts.conversions {
        if row.user_id == third_user && random.percent(15) {
            conversions.insert(row.conversion_id);
            ids.insert(row.conversion_id);
        } else if row.user_id == first_user && random.percent(3) {
            ids.insert(row.conversion_id);
        }
    }
    let target = PurgeTarget::Conversions(ids.into_iter().collect());
    purge_and_compare(&database, &accounts_left, third_user, target, &none, &conversions, journeys);
}

#[test]
fn a_subject_that_never_was() {
    subjects(1, JourneyOptions::default());
}

#[test]
fn journeys_that_were_cut_get_older_clicks() {
    let journeys = JourneyOptions { max_touches: 2, ..JourneyOptions::default() };
    subjects(2, JourneyOptions { key: JourneyKey::Visitor, ..journeys });
    subjects(3, JourneyOptions { key: JourneyKey::Campaign, max_touches: 3, ..journeys });
}

#[test]
#[ignore = "takes minutes; tests/run --long"]
fn many_subjects_that_never_were() {
    for seed in 100..140 {
        let key = JourneyKey::ALL[seed as usize % 4];
        let max_touches = [1, 2, 5, 25][seed as usize / 4 % 4];
        subjects(seed, JourneyOptions { key, max_touches, ..JourneyOptions::default() });
    }
}

/// What earlier runs left holds the subject in places that no rebuild looks at.
#[test]
fn remains_go_too() {
    let accounts = generate::accounts(Shape::small(7));
    let database = Database::with(server(), Collation::GeneralCi, &accounts);
    for user_id in [USERS[0], DELETED_USER] {
        let own = accounts.conversions.iter().filter(|row| row.user_id == user_id);
        let own: BTreeSet<u64> = own.map(|row| row.conversion_id).collect();
        let touches = accounts.touches.iter().filter(|row| own.contains(&row.conversion_id));
        let credits = accounts.snapshots.iter().filter(|row| row.user_id == user_id);
        let credits = credits.flat_map(|row| row.credits.iter().map(|credit| credit.1));
        let clicks: BTreeSet<u64> =
            touches.map(|row| row.click_id).step_by(3).chain(credits.step_by(5)).collect();
        let orphan = clicks.iter().find(|id| **id > 7_000_000_000).unwrap();
        for statement in [
            "INSERT INTO 202_conversion_touchpoints (conv_id, click_id, click_time, position, \
             created_at) VALUES (77777, ?, 1, 0, 1)",
            "INSERT INTO 202_attribution_touchpoints (snapshot_id, conv_id, click_id, position, \
             credit, weight, created_at) VALUES (88888888, 77777, ?, 0, 1, 1, 1)",
            "INSERT INTO 202_attribution_runs (user_id, job, status, window_start, window_end, \
             started_at, updated_at, last_error) VALUES (?, 'rebuild', 'failed', 0, 1, 1, \
             UNIX_TIMESTAMP(), CONCAT('click ', ?, ': found a cost below 0'))",
        ] {
            let mut connection = database.connect();
            if statement.contains("runs") {
                connection.exec_drop(statement, (user_id, orphan)).unwrap();
            } else {
                connection.exec_drop(statement, (orphan,)).unwrap();
            }
        }
        let others = of_others(&database, user_id);
        let target = PurgeTarget::Clicks(clicks.iter().copied().collect());
        let report = store(&database).purge(user_id, &PurgeOptions::new(target), &()).unwrap();
        assert!(report.tables.iter().all(|row| row.found > 0 && row.left == 0), "{report:?}");
        let errors = "SELECT COUNT(*) FROM 202_attribution_runs WHERE last_error IS NOT NULL";
        assert_eq!(database.number(errors), 0);
        let converted = accounts.conversions.iter();
        let converted =
            converted.filter(|row| row.user_id == user_id && clicks.contains(&row.click_id));
        let converted = converted.map(|row| row.conversion_id).collect();
        assert_gone(&database, user_id, &clicks, &converted);
        assert_eq!(of_others(&database, user_id), others);
    }
}

/// Stopped between its steps, a purge of conversions still finds all when it is run again, though the
/// conversions by which it does are gone by then.
#[test]
fn stopped_between_its_steps() {
    let accounts = fresh(11);
    let database = settled(&accounts, JourneyOptions::default());
    let user_id = USERS[0];
    let own = accounts.conversions.iter().filter(|row| row.user_id == user_id).step_by(7);
    let own: Vec<_> = own.map(|row| (row.conversion_id, row.click_id)).collect();
    assert!(own.len() > 9);
    for (conversion_id, click_id) in &own {
        let credit = "INSERT INTO 202_attribution_touchpoints (snapshot_id, conv_id, click_id, \
                      position, credit, weight, created_at) VALUES (88888888, ?, ?, 0, 1, 1, 1)";
        database.connect().exec_drop(credit, (conversion_id, click_id)).unwrap();
    }
    let dangling = "SELECT COUNT(*) FROM 202_attribution_touchpoints WHERE snapshot_id = 88888888";
    for (place, part) in own.chunks(own.len().div_ceil(3)).enumerate() {
        let ids: BTreeSet<u64> = part.iter().map(|row| row.0).collect();
        let target = PurgeTarget::Conversions(ids.iter().copied().collect());
        let options = PurgeOptions::new(target);
        let stop = |phase: Phase, done: u64, total: u64| {
            let is_here = match place {
                // Before what hangs on nothing goes, in the middle of the hours, and at their end.
                0 => total == 0,
                1 => done > 0 && done == total / 2,
                _ => total > 0 && done + 1 == total,
            };
            if phase == Phase::Writing && is_here {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let stopped = store(&database).purge(user_id, &options, &stop);
        assert!(matches!(stopped, Err(Error::Cancelled)), "{place}: {stopped:?}");
        store(&database).purge(user_id, &options, &()).unwrap();
        assert_gone(&database, user_id, &BTreeSet::new(), &ids);
    }
    assert_eq!(database.number(dangling), 0);
}

/// A conversion of a click that is posted back while that goes is no success.
#[test]
fn rows_that_come_in_meanwhile_are_told_of() {
    let accounts = fresh(14);
    let database = settled(&accounts, JourneyOptions::default());
    let user_id = USERS[0];
    let click = accounts.conversions.iter().find(|row| row.user_id == user_id).unwrap().click_id;
    let options = PurgeOptions::new(PurgeTarget::Clicks(vec![click]));
    let has_come = AtomicBool::new(false);
    let post = |phase: Phase, _: u64, _: u64| {
        if phase == Phase::Writing && !has_come.swap(true, Ordering::SeqCst) {
            let insert = "INSERT INTO 202_conversion_logs (conv_id, click_id, campaign_id, \
                 click_payout, user_id, click_time, conv_time, time_difference, user_agent) \
                 VALUES (77777, ?, 1, 1, ?, ?, ?, '', '')";
            let mut connection = database.connect();
            connection.exec_drop(insert, (click, user_id, START, START)).unwrap();
        }
        ControlFlow::Continue(())
    };
    let error = store(&database).purge(user_id, &options, &post).unwrap_err();
    assert!(matches!(error, Error::Locked(_)), "{error}");
    assert!(error.to_string().contains("1 rows of 202_conversion_logs are left"), "{error}");
    let proofs = "SELECT COUNT(*) FROM 202_attribution_audit WHERE action = 'purge'";
    assert_eq!(database.number(proofs), 0);
    store(&database).purge(user_id, &options, &()).unwrap();
    assert_gone(&database, user_id, &BTreeSet::from([click]), &BTreeSet::from([77_777]));
    assert_eq!(database.number(proofs), 1);
}

/// Snapshots that name another owner's model are the owner's to lose, and the model is not touched.
#[test]
fn snapshots_of_anothers_model() {
    let accounts = fresh(12);
    let database = settled(&accounts, JourneyOptions::default());
    let user_id = USERS[0];
    let foreign = accounts.models.iter().find(|row| row.user_id == USERS[1]).unwrap().model_id;
    let row = accounts.conversions.iter().find(|row| row.user_id == user_id).unwrap();
    let insert = "INSERT INTO 202_attribution_snapshots (model_id, user_id, scope_type, date_hour, \
         lookback_start, lookback_end, attributed_clicks, attributed_conversions, \
         attributed_revenue, attributed_cost, created_at) SELECT ?, ?, 'global', \
         conv_time - conv_time % 3600, 0, 1, 1, 1, 1, 1, 1 FROM 202_conversion_logs WHERE conv_id = ?";
    let mut connection = database.connect();
    connection.exec_drop(insert, (foreign, user_id, row.conversion_id)).unwrap();
    let others = of_others(&database, user_id);
    let options = PurgeOptions::new(PurgeTarget::Conversions(vec![row.conversion_id]));
    store(&database).purge(user_id, &options, &()).unwrap();
    assert_eq!(of_others(&database, user_id), others);
    let left = format!(
        "SELECT COUNT(*) FROM 202_attribution_snapshots \
         WHERE user_id = {user_id} AND model_id = {foreign}"
    );
    assert_eq!(database.number(&left), 0);
    connection
        .exec_drop(
            insert,
            (
                foreign,
                user_id,
                accounts
                    .conversions
                    .iter()
                    .find(|other| {
                        other.user_id == user_id && other.conversion_id != row.conversion_id
                    })
                    .unwrap()
                    .conversion_id,
            ),
        )
        .unwrap();
    store(&database).purge(user_id, &PurgeOptions::new(PurgeTarget::Owner), &()).unwrap();
    assert_eq!(of_others(&database, user_id), others);
}

/// Hours get no scope and no credits that the runs that wrote them did not calculate, and lose none.
#[test]
fn scopes_and_credits_differ_from_time_to_time() {
    let journeys =
        JourneyOptions { key: JourneyKey::Visitor, max_touches: 2, ..JourneyOptions::default() };
    let accounts = fresh(13);
    let make = |accounts: &Accounts| {
        let database = Database::with(server(), Collation::GeneralCi, accounts);
        let backfill = BackfillOptions { journeys, ..BackfillOptions::new(window()) };
        let store = store(&database);
        for outcome in store.backfill_all(&backfill, &()).unwrap() {
            outcome.result.unwrap();
        }
        let campaigns = ScopeSet::GLOBAL.with(ScopeType::Campaign);
        for (start, end, scopes, credits) in [
            (ALL.0, START + 8 * 3_600, Some(campaigns), true),
            (START + 8 * 3_600, START + 16 * 3_600, None, true),
            (START + 16 * 3_600, START + 24 * 3_600, Some(ScopeSet::GLOBAL), true),
            (START + 24 * 3_600, ALL.1, None, false),
        ] {
            let window = Window::new(start, end).unwrap();
            let options = RebuildOptions { scopes, credits, ..RebuildOptions::new(window) };
            for outcome in store.rebuild_all(&options, &()).unwrap() {
                outcome.result.unwrap();
            }
        }
        database
    };
    let database = make(&accounts);
    let user_id = USERS[0];
    let own = accounts.clicks.iter().filter(|row| row.user_id == user_id);
    let clicks: BTreeSet<u64> = own.map(|row| row.click_id).step_by(6).collect();
    let target = PurgeTarget::Clicks(clicks.iter().copied().collect());
    let options = PurgeOptions { journeys, ..PurgeOptions::new(target) };
    let report = store(&database).purge(user_id, &options, &()).unwrap();
    assert!(report.hours_rebuilt > 20, "{report:?}");
    let clean = make(&without(&accounts, user_id, &clicks, &BTreeSet::new()));
    results(&database).assert_equal(&results(&clean), "scopes by time");
}

/// Hours whose journeys went by age keep the totals of all who stay.
#[test]
fn a_subject_after_journeys_went_by_age() {
    let journeys = JourneyOptions { key: JourneyKey::Campaign, ..JourneyOptions::default() };
    let accounts = fresh(4);
    let database = settled(&accounts, journeys);
    let user_id = USERS[0];
    let limits =
        RetentionLimits { journeys: Some(now() - START - 20 * DAY), ..RetentionLimits::default() };
    let aged =
        store(&database).purge(user_id, &PurgeOptions::new(PurgeTarget::Age(limits)), &()).unwrap();
    assert_eq!(counts(&aged).len(), 1);
    assert!(aged.tables[0].removed > 100 && aged.tables[0].left == 0, "{aged:?}");
    let own = accounts.conversions.iter().filter(|row| row.user_id == user_id);
    let own_ids: BTreeSet<u64> = own.clone().map(|row| row.conversion_id).collect();
    let clicks: BTreeSet<u64> = own.map(|row| row.click_id).step_by(9).collect();
    let target = PurgeTarget::Clicks(clicks.iter().copied().collect());
    let options = PurgeOptions { journeys, ..PurgeOptions::new(target) };
    let report = store(&database).purge(user_id, &options, &()).unwrap();
    assert!(report.hours_rebuilt > 3, "{report:?}");
    let less = without(&accounts, user_id, &clicks, &BTreeSet::new());
    let mut wanted = expected::after_both(&less, &asked(journeys));
    wanted.journeys.retain(|row| !own_ids.contains(&row.conversion_id));
    results(&database).assert_equal(&wanted, "journeys gone by age");
}

fn insert_export(database: &Database<'_>, user_id: u64, status: &str, path: Option<&str>, at: u32) {
    database
        .connect()
        .exec_drop(
            "INSERT INTO 202_attribution_exports (user_id, model_id, scope_type, start_hour, \
             end_hour, requested_format, status, file_path, queued_at, created_at, updated_at) \
             VALUES (?, 1, 'global', ?, ?, 'csv', ?, ?, ?, ?, ?)",
            (user_id, START, START + DAY, status, path, at, at, at),
        )
        .unwrap();
}

fn write(path: &Path) -> String {
    std::fs::write(path, "rows").unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn an_owner_leaves_nothing_but_the_proof() {
    let accounts = generate::accounts(Shape::small(5));
    let database = Database::with(server(), Collation::GeneralCi, &accounts);
    settle(&database, JourneyOptions::default());
    let user_id = USERS[2];
    database.execute(&format!(
        "UPDATE 202_aff_campaigns SET attribution_model_id = 41 WHERE user_id = {user_id}"
    ));
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("exports");
    std::fs::create_dir(&directory).unwrap();
    let (own, outside) = (write(&directory.join("own.csv")), write(&folder.path().join("no.csv")));
    let other = write(&directory.join("other.csv"));
    insert_export(&database, user_id, "completed", Some(&own), 5);
    insert_export(&database, user_id, "completed", Some("gone.csv"), 5);
    insert_export(&database, user_id, "completed", Some(&outside), 5);
    insert_export(&database, user_id, "pending", None, 5);
    insert_export(&database, user_id, "processing", None, 5);
    insert_export(&database, USERS[0], "completed", Some(&other), 5);
    let others = of_others(&database, user_id);

    let options = PurgeOptions::new(PurgeTarget::Owner);
    let before = database.contents();
    let refused = store(&database).purge(user_id, &options, &()).unwrap_err();
    assert!(refused.to_string().contains("export_directory"), "{refused}");
    database.contents().without(&RECORDS).assert_equal(&before.without(&RECORDS), "refused");

    let id = user_id.to_string();
    let directory_name = directory.to_str().unwrap();
    let mut words = vec!["purge", "owner", "--user", &id, "--export-directory", directory_name];
    database.run_words(&words).expect(2).says(&["confirm"]);
    words.extend(["--confirm", "7"]);
    database.run_words(&words).expect(2).says(&["confirm"]);
    database.contents().without(&RECORDS).assert_equal(&before.without(&RECORDS), "unconfirmed");
    *words.last_mut().unwrap() = &id;
    words.push("--json");
    // What may not be removed is left and told.
    let ended = database.run_words(&words).expect(1);
    let report = ended.json()["users"][0]["report"].clone();
    assert_eq!((&report["files_removed"], &report["files_missing"]), (&1.into(), &1.into()));
    assert_eq!(report["exports_in_progress"], 1);
    assert_eq!(report["files_left"].as_array().unwrap().len(), 1);
    assert!(!Path::new(&own).exists() && Path::new(&outside).exists());
    database.execute("UPDATE 202_attribution_exports SET status = 'failed', file_path = NULL");
    let ended = database.run_words(&words).expect(0);
    let found = |table: &serde_json::Value| table["found"].as_u64().unwrap();
    let tables = ended.json()["users"][0]["report"]["tables"].as_array().unwrap().clone();
    assert_eq!(tables.iter().map(found).sum::<u64>(), 2, "{tables:?}");

    let others_now = of_others(&database, user_id);
    // Changed by the test itself.
    let same = |lines: &[String]| -> Vec<String> {
        lines.iter().filter(|line| !line.starts_with("202_attribution_exports")).cloned().collect()
    };
    assert_eq!(same(&others_now), same(&others));
    assert!(Path::new(&other).exists());
    for table in database.texts(
        "SELECT TABLE_NAME FROM information_schema.COLUMNS \
         WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME = 'user_id'",
    ) {
        let left = match table.as_str() {
            "202_users" | "202_aff_campaigns" | "202_ppc_accounts" => continue,
            "202_attribution_audit" => "AND action <> 'purge'",
            "202_attribution_runs" => "AND (job <> 'purge' OR last_error IS NOT NULL)",
            _ => "",
        };
        let query = format!("SELECT COUNT(*) FROM {table} WHERE user_id = {user_id} {left}");
        assert_eq!(database.number(&query), 0, "{query}");
    }
    let clicks = accounts.clicks.iter().filter(|row| row.user_id == user_id);
    let clicks = clicks.map(|row| row.click_id).collect();
    let conversions = accounts.conversions.iter().filter(|row| row.user_id == user_id);
    let conversions = conversions.map(|row| row.conversion_id).collect();
    assert_gone(&database, user_id, &clicks, &conversions);
    let dangling = "SELECT COUNT(*) FROM 202_aff_campaigns WHERE attribution_model_id IS NOT NULL";
    assert_eq!(database.number(dangling), 0);
    // What an owner left whose row is gone, or who was deleted, can be purged too. What hangs on
    // nothing is counted before.
    database.execute(&format!("DELETE FROM 202_users WHERE user_id = {DELETED_USER}"));
    for table in ["conversion_touchpoints", "attribution_touchpoints"] {
        let parent = if table.starts_with('c') { "" } else { "snapshot_id, credit, weight, " };
        let values = if table.starts_with('c') { "click_time, " } else { "88888888, 1, 1, " };
        let time = if table.starts_with('c') { "click_time, " } else { "" };
        database.execute(&format!(
            "INSERT INTO 202_{table} ({parent}{time}conv_id, click_id, position, created_at) \
             SELECT {values}77777, click_id, 0, 1 FROM 202_clicks \
             WHERE user_id = {DELETED_USER} LIMIT 20"
        ));
    }
    let dry = PurgeOptions { dry_run: true, ..options.clone() };
    let looked = store(&database).purge(DELETED_USER, &dry, &()).unwrap();
    let report = store(&database).purge(DELETED_USER, &options, &()).unwrap();
    let found = |report: &PurgeReport| -> Vec<_> {
        report.tables.iter().map(|row| (row.table, row.found)).collect()
    };
    assert_eq!(found(&report), found(&looked));
    assert!(report.tables.iter().all(|table| table.found == table.removed), "{report:?}");
    assert!(report.tables.iter().all(|table| table.left == 0), "{report:?}");
    let rows = format!("SELECT COUNT(*) FROM 202_clicks WHERE user_id = {DELETED_USER}");
    assert_eq!(database.number(&rows), 0);
}

#[test]
fn each_table_has_its_own_age() {
    let accounts = fresh(6);
    let database = settled(&accounts, JourneyOptions::default());
    let user_id = USERS[0];
    let others = of_others(&database, user_id);
    let folder = tempfile::tempdir().unwrap();
    let old = write(&folder.path().join("old.csv"));
    let new = write(&folder.path().join("new.csv"));
    let time = now();
    insert_export(&database, user_id, "completed", Some(&old), time - 40 * DAY);
    insert_export(&database, user_id, "processing", None, time - 40 * DAY);
    insert_export(&database, user_id, "completed", Some(&new), time - 20 * DAY);
    for (action, at) in [("model_create", 40), ("purge", 40), ("model_update", 20)] {
        database.execute(&format!(
            "INSERT INTO 202_attribution_audit (user_id, action, metadata, created_at) \
             VALUES ({user_id}, '{action}', '{{}}', {})",
            time - at * DAY
        ));
    }
    // Within an hour: what is cut off falls to the whole hour.
    let cut = |hours: u32| START + hours * 3_600;
    let limit = |hours: u32| Some(time - cut(hours) - 1_000);
    let limits = RetentionLimits {
        journeys: limit(20),
        credits: limit(15),
        snapshots: limit(8),
        exports: Some(30 * DAY),
        audit: Some(30 * DAY),
    };
    let mut options = PurgeOptions::new(PurgeTarget::Age(limits));
    options.export_directory = Some(folder.path().to_owned());
    let mut wanted = results(&database);
    let before = database.contents();
    let looked = PurgeOptions { dry_run: true, ..options.clone() };
    let looked = store(&database).purge(user_id, &looked, &()).unwrap();
    database.contents().assert_equal(&before, "dry");
    let report = store(&database).purge(user_id, &options, &()).unwrap();
    assert_eq!((report.files_removed, report.exports_in_progress), (1, 1));
    assert_eq!((looked.files_removed, looked.exports_in_progress), (1, 1));
    for (found, looked) in counts(&report).iter().zip(counts(&looked)) {
        let left = u64::from(found.0 == "202_attribution_exports");
        assert_eq!(*found, (looked.0, looked.1, looked.1 - left, left));
        assert!(found.2 > 0, "{found:?}");
    }
    assert!(!Path::new(&old).exists() && Path::new(&new).exists());

    let own_models: BTreeSet<u64> = accounts
        .models
        .iter()
        .filter(|row| row.user_id == user_id)
        .map(|row| row.model_id)
        .collect();
    let early: BTreeSet<u64> = accounts
        .conversions
        .iter()
        .filter(|row| row.user_id == user_id && row.time < cut(20))
        .map(|row| row.conversion_id)
        .collect();
    wanted.journeys.retain(|row| !early.contains(&row.conversion_id));
    wanted.credits.retain(|row| !own_models.contains(&row.model_id) || row.hour >= cut(15).into());
    wanted.snapshots.retain(|row| row.user_id != user_id || row.hour >= cut(8).into());
    results(&database).assert_equal(&wanted, "by age");
    assert_eq!(of_others(&database, user_id), others);
    let actions = format!(
        "SELECT action FROM 202_attribution_audit WHERE user_id = {user_id} \
         AND action <> 'snapshot_rebuild' ORDER BY audit_id"
    );
    assert_eq!(database.texts(&actions), ["purge", "model_update", "purge"]);

    // For everyone, from the command line.
    let seconds = time - cut(25);
    let ended = database.run(&format!("purge age --journeys {seconds}s --json")).expect(0);
    assert_eq!(ended.json()["users"].as_array().unwrap().len(), 4);
}

#[test]
fn refusals_and_locks() {
    let accounts = fresh(8);
    let database = Database::with(server(), Collation::GeneralCi, &accounts);
    let before = database.contents();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "1\n\nx\n").unwrap();
    let from_file = format!("purge clicks --user 7 --ids-from {}", file.path().display());
    for (arguments, says) in [
        ("purge visitor --user 7 --visitor 0", "visitor"),
        ("purge visitor --user 99 --visitor 5", "99"),
        ("purge clicks --user 7", "--ids"),
        ("purge clicks --user 7 --ids 1,x", "x"),
        ("purge clicks --user 7 --ids 1,0", "found the id 0"),
        ("purge conversions --user 7 --ids 0", "found the id 0"),
        (from_file.as_str(), ":3"),
        ("purge clicks --user 7 --ids 1 --max-touches 0", "max-touches"),
        ("purge age --user 7", "--journeys"),
        ("purge age --user 7 --credits 9d --snapshots 8d", "credits"),
        ("purge age --user 7 --credits 9", "9"),
        ("purge owner --user 7", "confirm"),
    ] {
        database.run(arguments).expect(2).says(&[says]);
    }
    let all = PurgeOptions::new(PurgeTarget::Owner);
    assert!(matches!(store(&database).purge_all(&all, &()), Err(Error::Input(_))));
    database.contents().assert_equal(&before, "refused");

    let mut holder = database.connect();
    let lock = "SELECT GET_LOCK(CONCAT('attribution.', LEFT(SHA2(DATABASE(), 256), 16), '.7'), 1)";
    assert_eq!(holder.query_first::<u64, _>(lock).unwrap(), Some(1));
    database.run("purge visitor --user 7 --visitor 3 --wait 0").expect(1).says(&["lock"]);
    database.contents().assert_equal(&before, "locked");
    database.run("purge visitor --user 7 --visitor 3 --dry-run").expect(0);
    database.run("purge visitor --user 8 --visitor 3 --wait 0").expect(0);
}

/// Killed at any point: nobody sees a torn hour, and a second run ends where an undisturbed one does.
fn killed(times: u64, conversions: u64) {
    let accounts = generate::large(conversions, 24, 9);
    let clicks: BTreeSet<u64> = accounts.clicks.iter().map(|row| row.click_id).step_by(5).collect();
    let less = without(&accounts, 1, &clicks, &BTreeSet::new());
    let journeys = JourneyOptions::default();
    let clean = Database::with(server(), Collation::GeneralCi, &less);
    settle(&clean, journeys);
    let after = Hours::of(&clean);
    let wanted = results(&clean);
    let made = [
        "202_conversion_touchpoints",
        "202_attribution_snapshots",
        "202_attribution_touchpoints",
        "202_attribution_generations",
    ];
    let rest = |database: &Database<'_>| database.contents().without(&RECORDS).without(&made);
    let wanted_rest = rest(&clean);
    let file = tempfile::NamedTempFile::new().unwrap();
    let ids: Vec<String> = clicks.iter().map(u64::to_string).collect();
    std::fs::write(file.path(), ids.join("\n")).unwrap();
    let arguments = format!("purge clicks --user 1 --ids-from {}", file.path().display());
    let mut usual = Duration::from_millis(1_500);
    let mut random = Random::new(times);
    for time in 0..=times {
        let database = Database::with(server(), Collation::GeneralCi, &accounts);
        settle(&database, journeys);
        let reader = TornReader::start(&database, Hours::of(&database), after.clone());
        let begin = Instant::now();
        let running = command::start(&database.url(), &arguments);
        if time == 0 {
            running.wait().expect(0);
            usual = begin.elapsed();
        } else {
            sleep(usual.mul_f64(
                (time * 1_000 + random.below(1_000)) as f64 / (times * 1_000) as f64 * 0.95,
            ));
            running.kill();
            database.run(&arguments).expect(0);
        }
        results(&database).assert_equal(&wanted, &format!("killed, {time}"));
        rest(&database).assert_equal(&wanted_rest, &format!("killed, {time}"));
        assert!(reader.finish() > 0);
    }

    // All of the owner, the same way.
    for time in 0..times.div_ceil(2) {
        let database = Database::with(server(), Collation::GeneralCi, &accounts);
        settle(&database, journeys);
        let reader = TornReader::start(&database, Hours::of(&database), Hours::default());
        let running = command::start(&database.url(), "purge owner --user 1 --confirm 1");
        sleep(usual.mul_f64(random.below(1_000) as f64 / 1_000.0));
        running.kill();
        database.run("purge owner --user 1 --confirm 1").expect(0);
        assert!(reader.finish() > 0);
        for table in
            made.into_iter().chain(["202_clicks", "202_clicks_advance", "202_conversion_logs"])
        {
            assert!(database.contents().of(table).is_empty(), "{time}: {table}");
        }
    }
}

#[test]
fn killed_and_run_again() {
    killed(2, 400);
}

#[test]
#[ignore = "takes minutes; tests/run --long"]
fn killed_often_and_run_again() {
    killed(30, 4_000);
}
