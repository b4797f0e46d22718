//! The overview: totals and pages of stored snapshots, the mix of touches, and anomalies.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::OnceLock;
use std::time::Duration;

use attribution_core::{
    AnomalySeverity, BackfillOptions, Credit, ErrorCode, Model, MysqlStore, Overview,
    OverviewOptions, RebuildOptions, Scope, ScopeType, TouchPlace, Window,
};
use attribution_database_tests::database::Database;
use attribution_database_tests::host::Collation;
use attribution_database_tests::server::{Server, ServerOptions};

const HOUR: u32 = 1_717_200_000;

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&ServerOptions::default()))
}

fn window() -> Window {
    Window::new(HOUR, HOUR + 24 * 3_600).unwrap()
}

/// User 1. In hour `h` from 0 to 5 there are `h + 1` conversions of 10 each; the conversion `number` has
/// `number % 4 + 1` touches, all in campaign 7 but the last, which is in campaign 8. A click costs 0.5.
fn database() -> (Database<'static>, MysqlStore) {
    let database = Database::new(server(), Collation::GeneralCi);
    database.execute("INSERT INTO 202_users (user_id, user_name) VALUES (1, 'one'), (2, 'two')");
    database.execute(
        "INSERT INTO 202_aff_campaigns (aff_campaign_id, user_id, aff_network_id, aff_campaign_name) \
         VALUES (7, 1, 3, 'seven'), (8, 1, 4, 'eight')",
    );
    let (mut number, mut click_id) = (0_u32, 0);
    for hour in 0..6_u32 {
        for _ in 0..=hour {
            number += 1;
            let touches = number % 4 + 1;
            let time = HOUR + hour * 3_600 + number;
            for at in 0..touches {
                click_id += 1;
                let campaign = if at + 1 == touches { 8 } else { 7 };
                database.execute(&format!(
                    "INSERT INTO 202_clicks (click_id, user_id, aff_campaign_id, click_cpc, click_time) \
                     VALUES ({click_id}, 1, {campaign}, 0.5, {time} - {touches} + {at})"
                ));
                database.execute(&format!(
                    "INSERT INTO 202_clicks_advance (click_id, ip_id) VALUES ({click_id}, {number})"
                ));
            }
            database.execute(&format!(
                "INSERT INTO 202_conversion_logs (conv_id, click_id, campaign_id, click_payout, user_id, \
                 click_time, conv_time, time_difference, user_agent) \
                 VALUES ({number}, {click_id}, 8, 10, 1, {time} - 1, {time}, '', '')"
            ));
        }
    }
    let store = MysqlStore::open(&database.url()).unwrap();
    for spec in ["linear", "last_touch"] {
        store.create_model(1, &Model::from_spec(spec).unwrap(), true, false).unwrap();
    }
    let journeys = attribution_core::JourneyOptions {
        key: attribution_core::JourneyKey::Visitor,
        ..attribution_core::JourneyOptions::default()
    };
    store
        .backfill(1, &BackfillOptions { journeys, ..BackfillOptions::new(window()) }, &())
        .unwrap();
    store.rebuild(1, &RebuildOptions::new(window()), &()).unwrap();
    (database, store)
}

fn mix(overview: &Overview) -> Vec<(TouchPlace, u64, u64, String)> {
    overview
        .touchpoint_mix
        .iter()
        .map(|share| {
            let percent = share.share_percent.map_or(String::new(), |percent| percent.to_string());
            (share.place, share.touches, share.credit.units(), percent)
        })
        .collect()
}

#[test]
fn totals_are_of_the_window_and_pages_of_the_newest_hours() {
    let (database, store) = database();
    let mut options = OverviewOptions::new("linear", window());
    options.limit = 4;
    let overview = store.overview(1, &options).unwrap();
    let totals = &overview.totals;
    assert_eq!((totals.hours, totals.attributed_conversions), (6, 21));
    assert_eq!(totals.revenue.to_string(), "210.00000");
    assert_eq!(totals.cost.to_string(), "10.50000");
    assert_eq!(totals.profit.to_string(), "199.50000");
    assert_eq!(totals.roi_percent.unwrap().to_string(), "1900.00");
    let hours = |overview: &Overview| -> Vec<(u32, u64)> {
        let row = |hour: &attribution_core::OverviewHour| {
            ((hour.date_hour - HOUR) / 3_600, hour.attributed_conversions)
        };
        overview.hours.iter().map(row).collect()
    };
    assert_eq!(hours(&overview), [(2, 3), (3, 4), (4, 5), (5, 6)]);
    options.offset = 4;
    let earlier = store.overview(1, &options).unwrap();
    assert_eq!(hours(&earlier), [(0, 1), (1, 2)]);
    assert_eq!(&earlier.totals, totals);

    // The latest of the first page has 6 against a mean of 4; of the second 2 against 1.
    let severities = |overview: &Overview| -> Vec<AnomalySeverity> {
        overview.anomalies.iter().map(|anomaly| anomaly.severity).collect()
    };
    assert_eq!(severities(&overview), [AnomalySeverity::Critical; 2]);
    assert_eq!(overview.anomalies[0].change_percent.to_string(), "50.00");
    assert_eq!(
        overview.anomalies[1].message,
        "Revenue rose by 50.00 %: 60.00000 in the hour from 2024-06-01T05:00:00Z, against a mean of \
         40.00000 in the 3 hours before it."
    );
    assert_eq!(severities(&earlier), [AnomalySeverity::Critical; 2]);

    // A twin, which a rebuild would heal, counts once.
    database.execute(
        "INSERT INTO 202_attribution_snapshots (model_id, user_id, scope_type, scope_id, date_hour, \
         lookback_start, lookback_end, attributed_clicks, attributed_conversions, attributed_revenue, \
         attributed_cost, created_at) SELECT model_id, user_id, scope_type, scope_id, date_hour, 1, 2, \
         9, 9, 9, 9, 1 FROM 202_attribution_snapshots WHERE scope_type = 'global'",
    );
    options.offset = 0;
    assert_eq!(store.overview(1, &options).unwrap(), overview);
    // A narrower window, to its whole hours.
    let narrow = Window::new(HOUR + 3_601, HOUR + 3_602).unwrap();
    let narrow = store.overview(1, &OverviewOptions::new("linear", narrow)).unwrap();
    assert_eq!(hours(&narrow), [(1, 2)]);
    assert_eq!(narrow.anomalies, []);
    assert_eq!(
        narrow.touchpoint_mix.iter().map(|share| share.credit.units()).sum::<u64>(),
        200_000
    );
}

#[test]
fn touches_are_placed_by_the_length_of_their_own_journeys() {
    let (database, store) = database();
    let of = |model: &str, scope: Scope| {
        let mut options = OverviewOptions::new(model, window());
        (options.scope_type, options.scope_id) = (scope.scope_type(), scope.id());
        store.overview(1, &options).unwrap()
    };
    let campaign = |id| Scope::new(ScopeType::Campaign, Some(id)).unwrap();
    // Of 21 conversions, 5 have one touch, 6 two, 5 three and 5 four.
    let linear = of("linear", Scope::GLOBAL);
    // A third of 1.00000 is 0.33334 for the first touch and 0.33333 for the others.
    let (first, assist, last) = (
        6 * 50_000 + 5 * 33_334 + 5 * 25_000,
        5 * 33_333 + 5 * 2 * 25_000,
        6 * 50_000 + 5 * 33_333 + 5 * 25_000,
    );
    assert_eq!(first + assist + last + 5 * 100_000, 2_100_000);
    assert_eq!(
        mix(&linear),
        [
            (TouchPlace::First, 16, first, "28.17".to_owned()),
            (TouchPlace::Assist, 15, assist, "19.84".to_owned()),
            (TouchPlace::Last, 16, last, "28.17".to_owned()),
            (TouchPlace::Single, 5, 500_000, "23.81".to_owned()),
        ]
    );
    // A last touch is the last of its journey, though it is its only credit.
    let last_touch = of("last-touch", Scope::GLOBAL);
    assert_eq!(
        mix(&last_touch),
        [
            (TouchPlace::First, 0, 0, "0.00".to_owned()),
            (TouchPlace::Assist, 0, 0, "0.00".to_owned()),
            (TouchPlace::Last, 16, 1_600_000, "76.19".to_owned()),
            (TouchPlace::Single, 5, 500_000, "23.81".to_owned()),
        ]
    );
    // Of a campaign, the touches whose own click is of it.
    let seven = mix(&of("linear", campaign(7)));
    assert_eq!(seven[0], (TouchPlace::First, 16, first, "58.68".to_owned()));
    assert_eq!(seven[1].1, 15);
    assert_eq!((seven[2].1, seven[3].1), (0, 0));
    let eight = mix(&of("linear", campaign(8)));
    assert_eq!((eight[0].1, eight[1].1, eight[2].1, eight[3].1), (0, 0, 16, 5));
    let advertiser = Scope::new(ScopeType::Advertiser, Some(3)).unwrap();
    assert_eq!(mix(&of("linear", advertiser)), seven);
    let nothing = of("linear", campaign(99));
    assert!(nothing.hours.is_empty() && nothing.totals.roi_percent.is_none());
    assert_eq!(nothing.touchpoint_mix[0].share_percent, None);

    // With multi-touch off, all that is stored is single touches.
    store.set_multi_touch(1, campaign(8), false, Duration::ZERO, &()).unwrap();
    store.rebuild(1, &RebuildOptions::new(window()), &()).unwrap();
    let off = of("linear", Scope::GLOBAL);
    assert_eq!(off.touchpoint_mix[3].touches, 21);
    assert_eq!(off.touchpoint_mix[3].credit, Credit::from_units(2_100_000));

    // What a conversion that is gone had been given stands until the next rebuild, by its positions.
    database.execute("UPDATE 202_conversion_logs SET deleted = 1");
    assert_eq!(mix(&of("linear", Scope::GLOBAL)), mix(&off));
}

/// A rebuild that commits while an overview is read.
#[test]
fn totals_and_mix_are_of_one_moment() {
    let (database, store) = database();
    let options = OverviewOptions::new("linear", window());
    let before = store.overview(1, &options).unwrap();
    // Campaigns are read after the snapshots and before the credits; there the overview has to wait.
    let mut holder = database.connect();
    let mut hold =
        |statement| mysql::prelude::Queryable::query_drop(&mut holder, statement).unwrap();
    hold("LOCK TABLES 202_aff_campaigns WRITE");
    let between = std::thread::scope(|scope| {
        let reading = scope.spawn(|| store.overview(1, &options).unwrap());
        let waiting = format!(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{}' \
             AND state LIKE 'Waiting for table metadata lock%'",
            database.name()
        );
        while database.number(&waiting) == 0 && !reading.is_finished() {
            std::thread::yield_now();
        }
        database.execute("DELETE FROM 202_attribution_touchpoints");
        database.execute("DELETE FROM 202_attribution_snapshots");
        hold("UNLOCK TABLES");
        reading.join().unwrap()
    });
    assert_eq!(between, before);
    assert_eq!(store.overview(1, &options).unwrap().totals.hours, 0);
}

/// The host's own engine stores position 0 for every last touch.
#[test]
fn a_touch_has_the_place_of_its_journey_whatever_position_was_stored() {
    let (database, store) = database();
    let of = || mix(&store.overview(1, &OverviewOptions::new("last-touch", window())).unwrap());
    let before = of();
    assert_eq!((before[0].1, before[2].1, before[3].1), (0, 16, 5));
    database.execute(
        "UPDATE 202_attribution_touchpoints t JOIN 202_attribution_snapshots s USING (snapshot_id) \
         JOIN 202_attribution_models m USING (model_id) SET t.position = 0 \
         WHERE m.model_slug = 'last-touch'",
    );
    assert_eq!(of(), before);
}

/// Journeys go by their age before credits do; what clicks are of is known still.
#[test]
fn the_mix_of_a_scope_outlives_the_journeys() {
    let (database, store) = database();
    let of = |id| {
        let mut options = OverviewOptions::new("linear", window());
        (options.scope_type, options.scope_id) = (ScopeType::Campaign, Some(id));
        mix(&store.overview(1, &options).unwrap())
    };
    let before = (of(7), of(8));
    assert_eq!((before.0[0].1, before.0[1].1), (16, 15));
    database.execute("DELETE FROM 202_conversion_touchpoints");
    assert_eq!((of(7), of(8)), before);
    // Nor does a conversion that is gone take from the mix what the snapshots have.
    database.execute("UPDATE 202_conversion_logs SET deleted = 1 WHERE conv_id % 2 = 0");
    assert_eq!((of(7), of(8)), before);
}

#[test]
fn what_cannot_be_shown_is_refused() {
    let (database, store) = database();
    let before = database.contents();
    let refused = |user_id, change: &dyn Fn(&mut OverviewOptions)| {
        let mut options = OverviewOptions::new("linear", window());
        change(&mut options);
        let error = store.overview(user_id, &options).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
        error.to_string()
    };
    assert!(refused(1, &|options| options.model = "none".to_owned()).contains("no model \"none\""));
    assert!(refused(2, &|_| ()).contains("no model \"linear\" of user 2"));
    assert!(refused(9, &|_| ()).contains("no user 9"));
    assert_eq!(
        refused(1, &|options| options.limit = 0),
        "limit: found 0, allowed: 1 to 10000 hours"
    );
    assert!(refused(1, &|options| options.limit = 10_001).starts_with("limit: found 10001"));
    assert!(refused(1, &|options| options.scope_type = ScopeType::Campaign).contains("scope_id"));
    database.contents().assert_equal(&before, "after overviews");
}

#[test]
fn the_command_shows_it() {
    let (database, store) = database();
    let end = HOUR + 24 * 3_600;
    let arguments = format!("overview --user 1 --model linear --start {HOUR} --end {end}");
    let text = database.run(&arguments).expect(0).out();
    assert!(text.starts_with("6 hours, 52 clicks, 21 conversions\nrevenue 210.00, "), "{text}");
    assert!(text.contains("critical: Conversions rose by "), "{text}");
    assert!(text.contains("assist"), "{text}");
    let mut tables = text.lines().filter(|line| !line.starts_with("critical: "));
    assert!(tables.all(|line| line.chars().count() <= 80), "{text}");
    let short = database.run(&format!("{arguments} --limit 2")).expect(0).out();
    assert!(short.contains("earlier ones with --offset 2\n"), "{short}");
    let json = database.run(&format!("{arguments} --json")).expect(0).out();
    let expected = store.overview(1, &OverviewOptions::new("linear", window())).unwrap();
    assert_eq!(json, expected.to_json().unwrap() + "\n");
    database.run("overview --user 1 --model none").expect(2);
}
