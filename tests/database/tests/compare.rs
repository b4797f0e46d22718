//! The comparison of models over stored conversions: what a rebuild would store, and nothing written.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use attribution_core::{
    BackfillOptions, Clicks, CompareOptions, Comparison, Conversions, Dataset, Dimensions,
    ErrorCode, JourneyKey, MemoryStore, Model, ModelChange, MysqlStore, Phase, RebuildOptions,
    Scope, ScopeType, Window, compare,
};
use attribution_database_tests::database::Database;
use attribution_database_tests::generate::{self, START, Shape, USERS};
use attribution_database_tests::host::Collation;
use attribution_database_tests::server::{Server, ServerOptions};

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&ServerOptions::default()))
}

const SHAPE: Shape = Shape { seed: 11, clicks: 1_200, conversions: 400, hours: 20 };

fn window() -> Window {
    Window::new(START, SHAPE.end()).unwrap()
}

/// Owners with everything that is wrong in real ones, their journeys stored.
fn database() -> (Database<'static>, MysqlStore) {
    let accounts = generate::accounts(SHAPE);
    let database = Database::with(server(), Collation::GeneralCi, &accounts);
    let store = MysqlStore::open(&database.url()).unwrap();
    for user_id in USERS {
        store.backfill(user_id, &BackfillOptions::new(window()), &()).unwrap();
    }
    (database, store)
}

fn slugs(store: &MysqlStore, user_id: u64) -> Vec<String> {
    let models = store.models(user_id).unwrap().into_iter();
    models
        .filter(|model| model.is_active && model.problem.is_none())
        .map(|model| model.slug)
        .collect()
}

fn options(window: Window, scope_type: ScopeType, resamples: u32) -> CompareOptions {
    CompareOptions { scope_type, resamples, ..CompareOptions::new(Some(window)) }
}

/// What is stored of each model's scope, and what a comparison finds, money as counts of 0.00001: clicks,
/// conversions, revenue, cost.
type Figures = BTreeMap<(String, Option<u64>), (u64, u64, i64, i64)>;

fn stored(
    store: &MysqlStore,
    user_id: u64,
    slugs: &[String],
    of: Window,
    kind: ScopeType,
) -> Figures {
    let mut figures = Figures::new();
    for slug in slugs {
        let mut query = attribution_core::SnapshotQuery::new(slug, of);
        query.scope_type = Some(kind);
        store
            .snapshots(user_id, &query, &mut |row| {
                let sum = figures.entry((slug.clone(), row.scope.id())).or_default();
                sum.0 += row.attributed_clicks;
                sum.1 += row.attributed_conversions;
                sum.2 += row.revenue.units();
                sum.3 += row.cost.units();
                Ok(())
            })
            .unwrap();
    }
    figures
}

fn compared(comparison: &Comparison, map: impl Fn(i64) -> i64) -> Figures {
    let rows = comparison.rows.iter().filter(|row| row.attributed_clicks > 0);
    rows.map(|row| {
        let money = (map(row.revenue.units()), map(row.cost.units()));
        let counts = (row.attributed_clicks, row.attributed_conversions);
        ((row.model.clone(), row.scope_id), (counts.0, counts.1, money.0, money.1))
    })
    .collect()
}

/// To 4 decimals, half to even, as a column rounds.
fn rounded(units: i64) -> i64 {
    let (tens, rest) = (units.div_euclid(10), units.rem_euclid(10));
    let up = rest > 5 || (rest == 5 && tens % 2 != 0);
    (tens + i64::from(up)) * 10
}

#[test]
fn a_comparison_is_what_a_rebuild_stores_to_the_last_digit() {
    let (database, store) = database();
    let mut compared_rows = 0;
    for user_id in [USERS[0], USERS[2]] {
        let slugs = slugs(&store, user_id);
        assert!(slugs.len() > 1);
        // The exact sums of a whole window are those of the rebuild's report.
        let report = store.rebuild(user_id, &RebuildOptions::new(window()), &()).unwrap();
        let global =
            store.compare(user_id, &slugs, &options(window(), ScopeType::Global, 0), &()).unwrap();
        assert_eq!(global.conversions, report.conversions);
        assert_eq!(global.touches, report.touches);
        for model in &report.models {
            let row = global.rows.iter().find(|row| row.model == model.slug).unwrap();
            assert_eq!(row.attributed_clicks, model.clicks);
            assert_eq!(row.attributed_conversions, model.conversions);
            assert_eq!(row.credited_conversions.units(), model.conversions * 100_000);
            assert_eq!((row.revenue, row.cost), (model.revenue, model.cost));
        }
        // Those of one hour, rounded once, are the stored rows.
        for scope_type in [
            ScopeType::Global,
            ScopeType::Campaign,
            ScopeType::Advertiser,
            ScopeType::Account,
            ScopeType::TrafficSource,
            ScopeType::LandingPage,
        ] {
            for hour in [3, 19] {
                let start = START + hour * 3_600;
                let hour = Window::new(start, start + 1).unwrap();
                let comparison =
                    store.compare(user_id, &slugs, &options(hour, scope_type, 0), &()).unwrap();
                let expected = stored(&store, user_id, &slugs, hour, scope_type);
                assert_eq!(compared(&comparison, rounded), expected, "{user_id} {scope_type}");
                compared_rows += expected.len();
            }
        }
    }
    assert!(compared_rows > 60, "{compared_rows}");
    drop(database);
}

#[test]
fn it_writes_nothing_waits_for_nobody_and_gives_the_same_bytes_for_any_threads() {
    let (database, store) = database();
    let user_id = USERS[0];
    let models = slugs(&store, user_id);
    let before = database.contents();
    // Another run holds the owner's lock all the while.
    let mut other = database.connect();
    let held: Option<i64> = mysql::prelude::Queryable::query_first(
        &mut other,
        format!(
            "SELECT GET_LOCK(CONCAT('attribution.', LEFT(SHA2(DATABASE(), 256), 16), '.{user_id}'), 0)"
        ),
    )
    .unwrap();
    assert_eq!(held, Some(1));
    let mut options = options(window(), ScopeType::Campaign, 60);
    let mut texts = Vec::new();
    for threads in [None, Some(1), Some(2), Some(5)] {
        options.threads = threads;
        texts.push(store.compare(user_id, &models, &options, &()).unwrap().to_json().unwrap());
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(texts[0].contains("\"low\""));
    database.contents().assert_equal(&before, "after comparing");
}

/// More conversions than one thread takes at a time, on one connection and on several.
#[test]
fn many_conversions_are_shared_by_threads() {
    let accounts = generate::large(9_000, 48, 3);
    let user_id = accounts.users[0].0;
    let database = Database::with(server(), Collation::GeneralCi, &accounts);
    let store = MysqlStore::open(&database.url()).unwrap();
    let window = Window::new(START, START + 48 * 3_600).unwrap();
    store.backfill(user_id, &BackfillOptions::new(window), &()).unwrap();
    let models = ["last_touch", "linear"].map(str::to_owned);
    let of = |threads| {
        let options =
            CompareOptions { threads: Some(threads), ..options(window, ScopeType::Campaign, 40) };
        store.compare(user_id, &models, &options, &()).unwrap()
    };
    let one = of(1);
    assert_eq!(one.conversions, 9_000);
    assert!(one.multi_touch_journeys > 4_000, "{}", one.multi_touch_journeys);
    assert_eq!(one, of(4));

    let stop = |phase: Phase, done: u64, _: u64| {
        if phase == Phase::Calculating && done > 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let options = options(window, ScopeType::Global, 0);
    let error = store.compare(user_id, &models, &options, &stop).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled);
}

/// How many conversions [`many`] makes: as requests double, there is one of more than 512 among them.
const MANY: u32 = 2_600;

/// Conversions of user 1, in the order of their ids: each of two touches, in campaigns 7 and 8, and with
/// everything around them that has to be left out: deleted ones, those of another user, clicks of another
/// user with the same id, and rows that share a `click_id`.
fn many() -> (Database<'static>, MysqlStore) {
    let database = Database::new(server(), Collation::GeneralCi);
    database.execute("INSERT INTO 202_users (user_id, user_name) VALUES (1, 'one'), (2, 'two')");
    let ids = format!("FROM seq_1_to_{MANY}");
    for statement in [
        // The converting click of conversion n is 2n, the touch before it 2n - 1. Two conversions share one.
        format!(
            "INSERT INTO 202_clicks (click_id, user_id, aff_campaign_id, click_cpc, click_time) \
             SELECT seq * 2 - 1, 1, 7, 0.25, {START} {ids} \
             UNION ALL SELECT seq * 2, IF(seq % 7 = 3, 2, 1), 8, 0.5, {START} + 60 {ids} \
             UNION ALL SELECT seq * 2, 1, 8, 0.125, {START} + 60 {ids} WHERE seq % 5 = 2 \
             UNION ALL SELECT seq * 2, 1, 8, 0.01, {START} + 61 {ids} WHERE seq % 5 = 3 \
             UNION ALL SELECT seq * 2, 2, 8, 0.03, {START} {ids} WHERE seq % 5 = 4"
        ),
        "DELETE FROM 202_clicks WHERE click_id % 2 = 0 AND click_id % 22 = 0".to_owned(),
        format!(
            "INSERT INTO 202_conversion_logs (conv_id, click_id, campaign_id, click_payout, user_id, \
             click_time, conv_time, time_difference, user_agent, deleted) \
             SELECT seq, IF(seq % 50 = 9, seq - 1, seq) * 2, 8, IF(seq % 13 = 0, -1.5, 10), \
             IF(seq % 17 = 5, 2, 1), {START} + 60, {START} + 600 + seq DIV 4, '', '', seq % 19 = 1 {ids}"
        ),
        format!(
            "INSERT INTO 202_conversion_touchpoints (conv_id, click_id, click_time, position, created_at) \
             SELECT seq, seq * 2 - 1, {START}, 0, 1 {ids} \
             UNION ALL SELECT seq, IF(seq % 50 = 9, seq - 1, seq) * 2, {START} + 60, 1, 1 {ids} ORDER BY 1, 4"
        ),
    ] {
        database.execute(&statement);
    }
    let store = MysqlStore::open(&database.url()).unwrap();
    store.create_model(1, &Model::from_spec("linear").unwrap(), true, false).unwrap();
    (database, store)
}

#[test]
fn journeys_that_lie_far_apart_are_all_read() {
    let (database, store) = many();
    let window = Window::new(START, START + 3_600).unwrap();
    let models = ["linear".to_owned()];
    let compare = |scope_type| {
        let options = options(window, scope_type, 40);
        store.compare(1, &models, &options, &()).unwrap()
    };
    // What is wanted of the conversions, by statements of the server's own.
    let is_wanted = "v.user_id = 1 AND v.deleted = 0";
    let conversions =
        database.number(&format!("SELECT COUNT(*) FROM 202_conversion_logs v WHERE {is_wanted}"));
    let payouts = database.number(&format!(
        "SELECT CAST(SUM(v.click_payout) * 100000 AS SIGNED) FROM 202_conversion_logs v WHERE {is_wanted}"
    ));
    // Of rows with one id the earliest, then the cheapest.
    let cost = "(SELECT c.click_cpc FROM 202_clicks c WHERE c.user_id = 1 AND c.click_id = v.click_id \
        ORDER BY c.click_time, c.click_cpc LIMIT 1)";
    let costs = database.number(&format!(
        "SELECT CAST(SUM(COALESCE({cost}, 0)) * 100000 AS SIGNED) FROM 202_conversion_logs v \
         WHERE {is_wanted}"
    ));
    let missing = database.number(&format!(
        "SELECT COUNT(*) FROM 202_conversion_logs v WHERE {is_wanted} AND {cost} IS NULL"
    ));
    assert!(conversions > 2_000 && missing > 100, "{conversions} {missing}");

    let together = (compare(ScopeType::Global), compare(ScopeType::Campaign));
    let global = &together.0;
    assert_eq!(global.conversions, conversions as u64);
    assert_eq!(global.multi_touch_journeys, conversions as u64);
    assert_eq!(global.missing_clicks, missing as u64);
    assert_eq!(global.rows[0].revenue.units(), payouts);
    assert_eq!(global.rows[0].cost.units(), costs);
    let campaigns: Vec<i64> = together.1.rows.iter().map(|row| row.revenue.units()).collect();
    assert_eq!(campaigns, [payouts / 2, payouts / 2]);
    let report = store.rebuild(1, &RebuildOptions::new(window), &()).unwrap();
    assert_eq!(report.models[0].revenue.units(), payouts);
    assert_eq!(report.models[0].cost.units(), costs);

    // Every third journey is stored anew, far from the others.
    database.execute(
        "UPDATE 202_conversion_touchpoints SET touchpoint_id = touchpoint_id + 1000000 \
         WHERE conv_id % 3 = 0",
    );
    assert_eq!((compare(ScopeType::Global), compare(ScopeType::Campaign)), together);
    // Some are scattered over all that an id can be, and some are not there.
    database.execute(
        "UPDATE 202_conversion_touchpoints SET touchpoint_id = touchpoint_id + 4000000000 \
         WHERE conv_id % 9 = 0",
    );
    assert_eq!((compare(ScopeType::Global), compare(ScopeType::Campaign)), together);
    database.execute("DELETE FROM 202_conversion_touchpoints WHERE conv_id % 3 = 1");
    let single = database.number(&format!(
        "SELECT COUNT(*) FROM 202_conversion_logs v WHERE {is_wanted} AND conv_id % 3 = 1"
    ));
    assert_eq!(compare(ScopeType::Global).multi_touch_journeys, (conversions - single) as u64);
}

/// Who stores journeys anew removes the old rows and adds new ones elsewhere, all in one transaction.
#[test]
fn journeys_that_are_stored_anew_meanwhile_are_read_whole() {
    let (database, store) = many();
    let window = Window::new(START, START + 3_600).unwrap();
    let models = ["linear".to_owned()];
    let is_over = AtomicBool::new(false);
    let (database, is_over) = (&database, &is_over);
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let mut connection = database.connect();
            let mut rounds = 0;
            while !is_over.load(Ordering::Relaxed) {
                for statement in [
                    "START TRANSACTION",
                    "CREATE TEMPORARY TABLE kept SELECT conv_id, click_id, click_time, position \
                     FROM 202_conversion_touchpoints WHERE conv_id <= 900",
                    "DELETE FROM 202_conversion_touchpoints WHERE conv_id <= 900",
                    "INSERT INTO 202_conversion_touchpoints \
                     (conv_id, click_id, click_time, position, created_at) \
                     SELECT conv_id, click_id, click_time, position, 1 FROM kept ORDER BY 1, 4",
                    "COMMIT",
                    "DROP TEMPORARY TABLE kept",
                ] {
                    mysql::prelude::Queryable::query_drop(&mut connection, statement).unwrap();
                }
                rounds += 1;
            }
            rounds
        });
        let counts: Vec<(u64, u64)> = (0..60)
            .map(|_| {
                let options = options(window, ScopeType::Global, 0);
                let found = store.compare(1, &models, &options, &()).unwrap();
                (found.conversions, found.multi_touch_journeys)
            })
            .collect();
        is_over.store(true, Ordering::Relaxed);
        assert!(writer.join().unwrap() > 3);
        assert!(counts.iter().all(|(all, several)| all == several), "{counts:?}");
    });
}

/// User 1 with two conversions, each of two touches in campaigns 7 and 8.
fn small() -> (Database<'static>, MysqlStore) {
    let database = Database::new(server(), Collation::GeneralCi);
    database.execute("INSERT INTO 202_users (user_id, user_name) VALUES (1, 'one'), (2, 'two')");
    for number in 0..2_u32 {
        let (first, second) = (10 + number * 2, 11 + number * 2);
        database.execute(&format!(
            "INSERT INTO 202_clicks (click_id, user_id, aff_campaign_id, click_cpc, click_time) \
             VALUES ({first}, 1, 7, 0.25, {START}), ({second}, 1, 8, 0.5, {START} + 60)"
        ));
        database.execute(&format!(
            "INSERT INTO 202_conversion_logs (conv_id, click_id, campaign_id, click_payout, user_id, \
             click_time, conv_time, time_difference, user_agent) \
             VALUES ({number} + 1, {second}, 8, 10, 1, {START} + 60, {START} + 600, '', '')"
        ));
        database.execute(&format!(
            "INSERT INTO 202_conversion_touchpoints (conv_id, click_id, click_time, position, created_at) \
             VALUES ({number} + 1, {first}, {START}, 0, 1), ({number} + 1, {second}, {START} + 60, 1, 1)"
        ));
    }
    let store = MysqlStore::open(&database.url()).unwrap();
    (database, store)
}

#[test]
fn files_and_a_database_with_the_same_rows_compare_the_same() {
    let (database, store) = small();
    // A refund, which takes back more than the other brought.
    database.execute("UPDATE 202_conversion_logs SET click_payout = -30.00001 WHERE conv_id = 2");
    let (first, last) = (START, START + 60);
    let clicks = Clicks {
        click_ids: vec![10, 11, 12, 13],
        click_times: vec![first, last, first, last],
        visitors: [1_u64, 1, 2, 2].map(Into::into).into(),
        costs: vec![25_000, 50_000, 25_000, 50_000],
        filtered: vec![false; 4],
        dimensions: Dimensions::default().with(ScopeType::Campaign, vec![7, 8, 7, 8]),
    };
    let conversions = Conversions {
        conversion_ids: vec![1, 2],
        click_ids: vec![11, 13],
        conversion_times: vec![START + 600; 2],
        payouts: vec![1_000_000, -3_000_001],
        costs: vec![None; 2],
        campaign_ids: vec![Some(8); 2],
        click_times: vec![None; 2],
    };
    let mut files = MemoryStore::new(Dataset { clicks, conversions });
    let specs = ["last_touch", "linear", "decay=time_decay:half_life_hours=1", "even=linear"];
    let models = specs.map(|spec| Model::from_spec(spec).unwrap());
    let hour = Window::new(START, START + 3_600).unwrap();
    for scope_type in [ScopeType::Global, ScopeType::Campaign] {
        for resamples in [0, 40, 41, 10_000] {
            let mut options = options(hour, scope_type, resamples);
            options.baseline = Some("linear".to_owned());
            options.journeys.key = JourneyKey::Visitor;
            let of_files = compare(&mut files, &models, &options, &()).unwrap();
            let of_database = store.compare(1, &specs.map(str::to_owned), &options, &()).unwrap();
            assert_eq!(of_files, of_database);
            assert_eq!(
                of_files.rows.iter().filter(|row| row.difference.is_none()).count() * 4,
                of_files.rows.len()
            );
            let even = of_files.rows.iter().find(|row| row.model == "even").unwrap();
            assert!(even.hints.contains(&"no difference to linear".to_owned()), "{:?}", even.hints);
        }
    }
}

#[test]
fn models_are_slugs_first_and_then_specs() {
    let (_database, store) = small();
    let create = |spec: &str, slug: &str, active| {
        let model = Model::from_spec(spec).unwrap().with_slug(slug).unwrap();
        store.create_model(1, &model, active, false).unwrap();
    };
    // A slug that is the name of another kind: what is stored wins.
    create("first_touch", "linear", true);
    create("last_touch", "resting", true);
    let change = ModelChange { active: Some(false), ..ModelChange::default() };
    store.update_model(1, "resting", &change).unwrap();
    let hour = Window::new(START, START + 3_600).unwrap();
    let compare = |user_id, models: &[&str], options: &CompareOptions| {
        let models: Vec<String> = models.iter().map(|model| (*model).to_owned()).collect();
        store.compare(user_id, &models, options, &())
    };
    let campaign = options(hour, ScopeType::Campaign, 0);
    let found = compare(1, &["linear", "resting", "even=linear"], &campaign).unwrap();
    let revenues: Vec<(&str, Option<u64>, String)> =
        found.rows.iter().map(|row| (&*row.model, row.scope_id, row.revenue.to_string())).collect();
    let expected = [
        ("linear", Some(7), "20.00000"),
        ("resting", Some(7), "0.00000"),
        ("even", Some(7), "10.00000"),
        ("linear", Some(8), "0.00000"),
        ("resting", Some(8), "20.00000"),
        ("even", Some(8), "10.00000"),
    ];
    assert_eq!(revenues, expected.map(|(model, id, revenue)| (model, id, revenue.to_owned())));
    // Of another user they are SPECs.
    let other = compare(2, &["linear"], &options(hour, ScopeType::Global, 0)).unwrap();
    assert_eq!((other.rows[0].model.as_str(), other.conversions), ("linear", 0));

    let refused = |user_id, models: &[&str], options: &CompareOptions| {
        let error = compare(user_id, models, options).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput, "{error}");
        error.to_string()
    };
    assert_eq!(
        refused(1, &["lniear"], &campaign),
        "model: found \"lniear\", allowed: linear, resting, or a SPEC such as linear"
    );
    assert!(refused(1, &["resting", "resting"], &campaign).contains("two models named"));
    assert!(refused(3, &["linear"], &campaign).starts_with("user: found no user 3"));
    assert!(refused(1, &["linear"], &CompareOptions::new(None)).starts_with("window: found none"));
    let adgroup = options(hour, ScopeType::Adgroup, 0);
    assert!(refused(1, &["linear"], &adgroup).starts_with("scope: found adgroup"));
    assert!(compare(1, &["time_decay:half_life_hours=0"], &campaign).is_err());
}

#[test]
fn a_setting_since_then_and_a_missing_click_count_as_they_are_now() {
    let (database, store) = small();
    let hour = Window::new(START, START + 3_600).unwrap();
    let models = ["linear".to_owned()];
    let revenue = |id| {
        let options =
            CompareOptions { scope_id: Some(id), ..options(hour, ScopeType::Campaign, 0) };
        store.compare(1, &models, &options, &()).unwrap().rows[0].revenue.to_string()
    };
    assert_eq!(revenue(7), "10.00000");
    database.execute("DELETE FROM 202_clicks WHERE click_id = 11");
    let global = options(hour, ScopeType::Global, 0);
    let found = store.compare(1, &models, &global, &()).unwrap();
    assert_eq!((found.missing_clicks, found.multi_touch_journeys), (1, 2));
    assert_eq!(found.rows[0].cost.to_string(), "0.50000");
    database.execute(
        "INSERT INTO 202_aff_campaigns (aff_campaign_id, user_id, aff_network_id, aff_campaign_name) \
         VALUES (8, 1, 3, 'eight')",
    );
    let campaign = Scope::new(ScopeType::Campaign, Some(8)).unwrap();
    store.set_multi_touch(1, campaign, false, std::time::Duration::ZERO, &()).unwrap();
    assert_eq!(revenue(7), "0.00000");
    assert_eq!(revenue(8), "20.00000");
    database.execute("UPDATE 202_conversion_logs SET deleted = 1 WHERE conv_id = 1");
    assert_eq!(revenue(8), "10.00000");
}

#[test]
fn the_command_compares_as_the_library_does() {
    let (database, store) = small();
    let end = START + 3_600;
    let json = database
        .run(&format!(
            "compare --user 1 --model first_touch --model linear --scope campaign --start {START} \
             --end {end} --format json"
        ))
        .expect(0);
    let models = ["first_touch", "linear"].map(str::to_owned);
    let hour = Window::new(START, end).unwrap();
    let expected =
        store.compare(1, &models, &options(hour, ScopeType::Campaign, 200), &()).unwrap();
    assert_eq!(json.out(), expected.to_json().unwrap() + "\n");
    let table = database
        .run(&format!("compare --user 1 --model first_touch --start {START} --end {end}"))
        .expect(0);
    assert!(table.out().contains("2 conversions, 2 with several touches"), "{table}");
    let refused = database.run("compare --user 1 --model lniear").expect(2);
    assert!(refused.stderr.starts_with("model: found \"lniear\""), "{refused}");
}
