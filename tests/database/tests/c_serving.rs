//! Comparison, overview, exports, purge and cached snapshots as C programs have them: the very results of
//! the core, as fields and as JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use attribution_core::{
    BackfillOptions, CompareOptions, Comparison, Credit, ExportQuery, Interval, Money, MysqlStore,
    OverviewOptions, Percent, PurgeOptions, PurgeTarget, RebuildOptions, ScopeType, Window,
};
use attribution_database_tests::c_program::{program, run, section, valgrind};
use attribution_database_tests::database::Database;
use attribution_database_tests::generate::{self, START, Shape, USERS};
use attribution_database_tests::host::Collation;
use attribution_database_tests::server::{Server, ServerOptions};
use serde_json::Value;

const USER: u64 = USERS[0];

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&ServerOptions::default()))
}

fn serving() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| program("tests/c/serving.c"))
}

/// A database with journeys, snapshots and credits.
struct House {
    database: Database<'static>,
    store: MysqlStore,
    window: Window,
    /// The slug of an active linear model of the user's.
    linear: String,
}

impl House {
    fn new(seed: u64) -> Self {
        let shape = Shape::small(seed);
        let accounts = generate::accounts(shape);
        let database = Database::with(server(), Collation::GeneralCi, &accounts);
        let store = MysqlStore::open(&database.url()).unwrap();
        let window = Window::new(START, shape.end()).unwrap();
        for outcome in store.backfill_all(&BackfillOptions::new(window), &()).unwrap() {
            outcome.result.unwrap();
        }
        for outcome in store.rebuild_all(&RebuildOptions::new(window), &()).unwrap() {
            outcome.result.unwrap();
        }
        let linear = database.texts(&format!(
            "SELECT model_slug FROM 202_attribution_models WHERE user_id = {USER} \
             AND is_active = 1 AND model_type = 'linear' ORDER BY model_id"
        ));
        Self { store, window, linear: linear[0].clone(), database }
    }

    /// The words that most of the program's parts begin with.
    fn words(&self, part: &str) -> Vec<String> {
        let (start, end) = (self.window.start(), self.window.end());
        [part.to_owned(), USER.to_string(), start.to_string(), end.to_string()].into()
    }

    #[track_caller]
    fn run(&self, words: &[String]) -> String {
        let (ended, text) = run(Command::new(serving()).args(words), &self.database);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{words:?}: {}\n{said}\n{text}", ended.status);
        text
    }
}

/// The JSON under a heading, without what follows it.
fn json(text: &str, heading: &str) -> Value {
    let text = section(text, heading);
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    values.next().unwrap().unwrap()
}

fn roi(percent: Option<Percent>) -> String {
    percent.map_or("-".to_owned(), |percent| percent.hundredths().to_string())
}

fn figures(credits: i64, money: [Money; 3], percent: Option<Percent>) -> String {
    let [revenue, cost, profit] = money.map(Money::units);
    format!(" | {credits} {revenue} {cost} {profit} {}", roi(percent))
}

fn ends<T: Copy>(interval: Interval<T>) -> [T; 2] {
    [interval.low, interval.high]
}

/// A comparison in the words of serving.c.
fn shown(comparison: &Comparison) -> Vec<String> {
    let mut lines = vec![format!(
        "{} {} {} {} {} {} {} {}",
        comparison.start.unwrap(),
        comparison.end.unwrap(),
        comparison.baseline,
        comparison.resamples,
        comparison.conversions,
        comparison.touches,
        comparison.multi_touch_journeys,
        comparison.missing_clicks
    )];
    for row in &comparison.rows {
        let mut line = format!(
            "{} {} {} {} {}",
            row.model,
            row.scope_id.unwrap(),
            row.attributed_clicks,
            row.attributed_conversions,
            row.multi_touch_journeys
        );
        let credits = |credit: Credit| credit.units() as i64;
        let money = [row.revenue, row.cost, row.profit];
        line += &figures(credits(row.credited_conversions), money, row.roi_percent);
        let intervals = row.intervals.unwrap();
        for end in 0..2 {
            line += &figures(
                credits(ends(intervals.credited_conversions)[end]),
                [intervals.revenue, intervals.cost, intervals.profit].map(|it| ends(it)[end]),
                intervals.roi_percent.map(|it| ends(it)[end]),
            );
        }
        if let Some(difference) = &row.difference {
            line += &figures(
                difference.credited_conversions.units(),
                [difference.revenue, difference.cost, difference.profit],
                difference.roi_percent,
            );
            let intervals = difference.intervals.unwrap();
            for end in 0..2 {
                line += &figures(
                    ends(intervals.credited_conversions)[end].units(),
                    [intervals.revenue, intervals.cost, intervals.profit].map(|it| ends(it)[end]),
                    intervals.roi_percent.map(|it| ends(it)[end]),
                );
            }
        }
        for hint in &row.hints {
            line += " | ";
            line += hint;
        }
        lines.push(line);
    }
    lines
}

#[test]
fn a_comparison_is_the_cores() {
    let house = House::new(910);
    let models = [&house.linear, "time_decay:half_life_hours=48", "last_touch"];
    let models = models.map(str::to_owned);
    let text = house.run(&[house.words("compare"), models.to_vec()].concat());
    let options = CompareOptions {
        scope_type: ScopeType::Campaign,
        baseline: Some("last_touch".to_owned()),
        resamples: 40,
        ..CompareOptions::new(Some(house.window))
    };
    let comparison = house.store.compare(USER, &models, &options, &()).unwrap();
    assert_eq!(section(&text, "json"), comparison.to_json().unwrap());
    let fields: Vec<&str> = section(&text, "fields").lines().collect();
    let (last, fields) = fields.split_last().unwrap();
    assert!(last.starts_with("serving: "), "{last}");
    assert_eq!(fields, shown(&comparison));
    assert!(comparison.rows.len() > 6 && comparison.rows.iter().any(|row| !row.hints.is_empty()));
}

#[test]
fn an_overview_is_the_cores() {
    let house = House::new(911);
    let text = house.run(&[house.words("overview"), vec![house.linear.clone()]].concat());
    let options = OverviewOptions::new(&house.linear, house.window);
    let overview = house.store.overview(USER, &options).unwrap();
    assert_eq!(section(&text, "json"), overview.to_json().unwrap());

    let percent = |percent: Option<Percent>| percent.map_or(-1, Percent::hundredths);
    let totals = &overview.totals;
    let mut lines = vec![format!(
        "{} {} {} {} {} {} {}",
        totals.hours,
        totals.attributed_clicks,
        totals.attributed_conversions,
        totals.revenue.units(),
        totals.cost.units(),
        totals.profit.units(),
        percent(totals.roi_percent)
    )];
    lines.extend(overview.hours.iter().map(|hour| {
        format!(
            "hour {} {} {} {} {} {} {}",
            hour.date_hour,
            hour.attributed_clicks,
            hour.attributed_conversions,
            hour.revenue.units(),
            hour.cost.units(),
            hour.profit.units(),
            percent(hour.roi_percent)
        )
    }));
    lines.extend(overview.touchpoint_mix.iter().map(|share| {
        format!("place {} {} {}", share.touches, share.credit.units(), percent(share.share_percent))
    }));
    lines.extend(overview.anomalies.iter().map(|anomaly| {
        format!(
            "anomaly {:?} {:?} {} {} {} {} {}",
            anomaly.metric,
            anomaly.severity,
            anomaly.change_percent.hundredths(),
            anomaly.date_hour,
            anomaly.latest,
            anomaly.mean,
            anomaly.message
        )
    }));
    let fields: Vec<&str> = section(&text, "fields").lines().collect();
    assert_eq!(fields[..fields.len() - 1], lines);
    assert!(overview.hours.len() > 3 && !overview.anomalies.is_empty());
}

#[test]
fn exports_are_scheduled_made_and_listed() {
    let house = House::new(912);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let rest = vec![house.linear.clone(), folder.to_str().unwrap().to_owned()];
    let text = house.run(&[house.words("exports"), rest].concat());
    assert!(!text.contains("hush"), "{text}");

    let jobs = house.store.exports(USER, &ExportQuery::new()).unwrap();
    assert_eq!(json(&text, "json of 0"), serde_json::to_value(&jobs).unwrap());
    let [webhook, plain] = &jobs[..] else { panic!("{jobs:?}") };
    let lines: Vec<&str> = section(&text, "all").lines().collect();
    let expected = [
        format!(
            "{} 3 1 1 xls {} {} http://127.0.0.1:9/ 1 1 X-Two attempted",
            webhook.export_id,
            webhook.file_path.as_ref().unwrap(),
            webhook.rows_exported.unwrap()
        ),
        format!(
            "{} 3 0 0 csv {} {} - 0 0 - -",
            plain.export_id,
            plain.file_path.as_ref().unwrap(),
            plain.rows_exported.unwrap()
        ),
    ];
    assert_eq!(lines, expected);
    assert_eq!(section(&text, "pending").lines().count(), 2);
    assert_eq!(json(&text, "scheduled")["export_id"], plain.export_id);
    assert_eq!(json(&text, "scheduled")["status"], "pending");
    let report = json(&text, "json of the run");
    assert_eq!((&report["completed"], &report["webhooks_waiting"]), (&2.into(), &1.into()));

    // The file has the very snapshots.
    let rows = section(&text, "run").lines().next().unwrap();
    let expected =
        [plain.export_id.to_string(), plain.rows_exported.unwrap().to_string()].join(" ");
    assert_eq!(rows, format!("{expected} {}", plain.file_path.as_ref().unwrap()));
    let file = std::fs::read_to_string(plain.file_path.as_ref().unwrap()).unwrap();
    assert_eq!(file.lines().count() as u64, 1 + plain.rows_exported.unwrap());
    let stored = house.database.number(&format!(
        "SELECT COUNT(*) FROM 202_attribution_snapshots s JOIN 202_attribution_models m \
         USING (model_id) WHERE m.user_id = {USER} AND m.model_slug = '{}' \
         AND s.scope_type = 'global' AND s.date_hour >= {} AND s.date_hour < {}",
        house.linear,
        house.window.start(),
        house.window.end()
    ));
    assert_eq!(plain.rows_exported.unwrap() as i64, stored);
    assert!(stored > 3);
}

#[test]
fn cached_snapshots_are_those_of_the_tables() {
    let house = House::new(913);
    // A server that is away costs no answer.
    for server in [None, Some("redis://:hush@127.0.0.1:9".to_owned())] {
        // What the rebuild in between makes right.
        house.database.execute(&format!(
            "UPDATE 202_attribution_snapshots s JOIN 202_attribution_models m USING (model_id) \
             SET s.attributed_clicks = s.attributed_clicks + 1 WHERE m.user_id = {USER} \
             AND m.model_slug = '{}' AND s.date_hour < {}",
            house.linear,
            house.window.end()
        ));
        let is_there = server.is_some();
        let words =
            [house.words("cache"), vec![house.linear.clone()], server.into_iter().collect()];
        let text = house.run(&words.concat());
        let failures = section(&text, "server failures").lines().next().unwrap();
        assert_eq!(failures != "0", is_there, "{failures}");
    }
}

#[test]
fn a_purge_counts_first_and_then_erases() {
    let house = House::new(914);
    let visitor = house.database.number(&format!(
        "SELECT a.ip_id FROM 202_clicks_advance a JOIN 202_clicks c USING (click_id) \
         JOIN 202_conversion_logs l USING (click_id) WHERE c.user_id = {USER} AND l.deleted = 0 \
         AND a.ip_id > 0 ORDER BY a.ip_id LIMIT 1"
    )) as u64;
    let target = PurgeTarget::Visitor(visitor);
    let look = PurgeOptions { dry_run: true, ..PurgeOptions::new(target) };
    let expected = house.store.purge(USER, &look, &()).unwrap();
    let text = house.run(&["purge".to_owned(), USER.to_string(), visitor.to_string()]);

    let fields = |dry_run| section(&text, &format!("fields {dry_run}")).lines();
    let mut lines = vec![format!(
        "user {USER} 4 1 {} {} {}",
        expected.not_found, expected.hours_rebuilt, expected.exports_of_rebuilt_hours
    )];
    let rows = |removed: bool| {
        expected.tables.iter().map(move |table| {
            let (removed, left) = if removed { (table.found, 0) } else { (0, table.found) };
            format!("{} {} {removed} {left}", table.table, table.found)
        })
    };
    lines.extend(rows(false));
    assert_eq!(fields(1).collect::<Vec<_>>(), lines);
    assert_eq!(fields(0).skip(1).collect::<Vec<_>>(), rows(true).collect::<Vec<_>>());
    assert!(expected.tables.iter().filter(|table| table.found > 0).count() > 1);
    for (dry_run, is) in [(1, true), (0, false)] {
        let report = json(&text, &format!("json {dry_run}"));
        assert_eq!(report["job"], "purge");
        assert_eq!(report["users"][0]["report"]["dry_run"], is);
        assert_eq!(report["users"][0]["report"]["target"], "visitor");
    }
    let again = house.store.purge(USER, &look, &()).unwrap();
    assert!(again.tables.iter().all(|table| table.found == 0));

    // What is old goes for everyone.
    let count = "SELECT COUNT(*) FROM 202_attribution_snapshots s JOIN 202_users u USING (user_id) \
                 WHERE u.user_deleted = 0";
    assert!(house.database.number(count) > 0);
    let text = house.run(&["age".to_owned(), "86400".to_owned()]);
    assert!(text.lines().filter(|line| line.starts_with("user ")).count() >= USERS.len());
    assert_eq!(house.database.number(count), 0);
}

#[test]
#[ignore = "a minute; tests/run --long runs it"]
fn nothing_is_lost_or_misread_meanwhile() {
    let house = House::new(916);
    let folder = tempfile::tempdir().unwrap();
    let linear = vec![house.linear.clone()];
    let into = folder.path().to_str().unwrap().to_owned();
    let compared = vec![house.linear.clone(), "last_touch".to_owned()];
    for words in [
        [house.words("compare"), compared].concat(),
        [house.words("overview"), linear.clone()].concat(),
        [house.words("exports"), linear, vec![into]].concat(),
        vec!["purge".to_owned(), USER.to_string(), "1".to_owned()],
    ] {
        let mut valgrind = valgrind();
        let (ended, text) = run(valgrind.arg(serving()).args(&words), &house.database);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{words:?}: {said}\n{text}");
    }
}

#[test]
fn the_example_in_c_compares() {
    let house = House::new(915);
    let compared = program("attribution-ffi/examples/comparison.c");
    let mut example = Command::new(compared);
    example.args(&house.words("")[1..]).args([house.linear.as_str(), "last_touch"]);
    let (ended, text) = run(&mut example, &house.database);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert!(text.lines().count() >= 2 && text.contains(&house.linear), "{text}");
}
