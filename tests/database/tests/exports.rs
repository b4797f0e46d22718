//! The export queue: what is put into it, who makes the files, and what is in them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use attribution_core::{
    ErrorCode, ExportJob, ExportQuery, ExportRequest, ExportRunOptions, ExportRunReport,
    ExportStatus, Model, MysqlStore, Phase, Scope, ScopeType, SnapshotQuery, SnapshotRecord,
    WebhookPolicy, WebhookRequest, Window,
};
use attribution_database_tests::command;
use attribution_database_tests::database::Database;
use attribution_database_tests::host::Collation;
use attribution_database_tests::server::{Server, ServerOptions};
use calamine::{Data, Reader};
use serde_json::Value;
use tempfile::TempDir;

const HOUR: u32 = 1_717_200_000;
/// What must be seen nowhere.
const HUSH: &str = "hush-hush-4711";

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| Server::start(&ServerOptions::default()))
}

/// A database of two users with a model each, `linear` (1) and `linear` (2), the first with so many hours
/// of snapshots: global ones, and every other of campaign 7.
struct House {
    database: Database<'static>,
    store: MysqlStore,
    folder: TempDir,
    hours: u32,
}

impl House {
    fn new(hours: u32) -> Self {
        let database = Database::new(server(), Collation::GeneralCi);
        database
            .execute("INSERT INTO 202_users (user_id, user_name) VALUES (1, 'one'), (2, 'two')");
        let store = MysqlStore::open(&database.url()).unwrap();
        for user in [1, 2] {
            let model = Model::from_spec("Linear, or =so=linear").unwrap();
            let model = model.with_slug("linear").unwrap();
            store.create_model(user, &model, true, false).unwrap();
        }
        let rows: Vec<String> = (0..hours)
            .flat_map(|hour| {
                let time = HOUR + hour * 3_600;
                let amounts = format!(
                    "{}.{:04}, {}.{:04}",
                    hour * 3,
                    hour * 17 % 10_000,
                    if hour % 5 == 0 { 0 } else { hour },
                    hour * 29 % 10_000
                );
                let global =
                    format!("(1, 1, 'global', NULL, {time}, 0, 0, {hour}, 2, {amounts}, 0)");
                let campaign =
                    format!("(1, 1, 'campaign', 7, {time}, 0, 0, {hour}, 1, {amounts}, 0)");
                std::iter::once(global).chain((hour % 2 == 0).then_some(campaign))
            })
            .collect();
        for rows in rows.chunks(1_000) {
            database.execute(&format!(
                "INSERT INTO 202_attribution_snapshots (model_id, user_id, scope_type, scope_id, \
                 date_hour, lookback_start, lookback_end, attributed_clicks, \
                 attributed_conversions, attributed_revenue, attributed_cost, created_at) VALUES {}",
                rows.join(",")
            ));
        }
        Self { database, store, folder: tempfile::tempdir().unwrap(), hours }
    }

    fn window(&self) -> Window {
        Window::new(HOUR, HOUR + self.hours * 3_600).unwrap()
    }

    fn request(&self, format: &str) -> ExportRequest {
        let format = format.to_owned();
        ExportRequest { format, ..ExportRequest::new("linear", self.window()) }
    }

    fn schedule(&self, request: &ExportRequest) -> ExportJob {
        self.store.schedule_export(1, request, &loopback()).unwrap()
    }

    fn run(&self) -> ExportRunReport {
        self.store.run_exports(&self.options(), &()).unwrap()
    }

    fn options(&self) -> ExportRunOptions {
        ExportRunOptions { webhooks: loopback(), ..ExportRunOptions::new(self.folder.path()) }
    }

    fn jobs(&self) -> Vec<ExportJob> {
        self.store.exports(1, &ExportQuery::new()).unwrap()
    }

    fn job(&self, export_id: u64) -> ExportJob {
        self.jobs().into_iter().find(|job| job.export_id == export_id).unwrap()
    }

    /// The names of the files in the folder, hidden ones too.
    fn files(&self) -> BTreeSet<PathBuf> {
        let folder = fs::canonicalize(self.folder.path()).unwrap();
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    fn snapshots(&self, scope: Scope) -> Vec<SnapshotRecord> {
        let mut query = SnapshotQuery::new("linear", self.window());
        query.scope_type = Some(scope.scope_type());
        query.scope_id = scope.id();
        let mut rows = Vec::new();
        let take = &mut |row| {
            rows.push(row);
            Ok(())
        };
        self.store.snapshots(1, &query, take).unwrap();
        rows
    }
}

/// Webhooks may go to receivers of the tests' own.
fn loopback() -> WebhookPolicy {
    WebhookPolicy { allow: vec!["127.0.0.0/8".parse().unwrap()], ..WebhookPolicy::default() }
}

fn webhook(url: &str) -> WebhookRequest {
    WebhookRequest {
        url: url.to_owned(),
        secret: Some(HUSH.to_owned()),
        headers: vec![("X-Key".to_owned(), format!("key {HUSH}"))],
    }
}

#[test]
fn what_is_scheduled_is_stored_with_its_audit_row() {
    let house = House::new(24);
    let request = ExportRequest {
        scope: Scope::new(ScopeType::Campaign, Some(7)).unwrap(),
        window: Window::new(HOUR + 1, HOUR + 3_601).unwrap(),
        webhook: Some(webhook("https://203.0.113.1/hook?a=b")),
        ..house.request("xlsx")
    };
    // An address that documents are written with is not public.
    let policy = WebhookPolicy {
        allow: vec!["203.0.113.0/24".parse().unwrap()],
        ..WebhookPolicy::default()
    };
    let job = house.store.schedule_export(1, &request, &policy).unwrap();
    assert_eq!((job.user_id, job.model_id, &job.scope_type[..]), (1, 1, "campaign"));
    assert_eq!(
        (job.scope_id, job.start_hour, job.end_hour),
        (Some(7), HOUR.into(), u64::from(HOUR) + 7_200)
    );
    assert_eq!((&job.format[..], &job.status[..]), ("xls", "pending"));
    assert_eq!((job.started_at, job.completed_at, job.failed_at), (None, None, None));
    assert!(job.webhook_signed && job.webhook_headers == ["X-Key"] && job.queued_at > 0);
    assert_eq!(house.jobs(), std::slice::from_ref(&job));

    let row = "SELECT CONCAT_WS('|', requested_format, webhook_url, webhook_secret, webhook_headers, \
               queued_at = created_at AND created_at = updated_at, COALESCE(options, 'none')) \
               FROM 202_attribution_exports";
    let expected =
        format!("xls|https://203.0.113.1/hook?a=b|{HUSH}|{{\"X-Key\":\"key {HUSH}\"}}|1|none");
    assert_eq!(house.database.texts(row), [expected]);

    let audit = "SELECT CONCAT_WS('|', user_id, model_id, action) FROM 202_attribution_audit \
                 WHERE action = 'export_scheduled'";
    assert_eq!(house.database.texts(audit), ["1|1|export_scheduled"]);
    let metadata = house
        .database
        .texts("SELECT metadata FROM 202_attribution_audit WHERE action = 'export_scheduled'");
    let audit: Value = serde_json::from_str(&metadata[0]).unwrap();
    assert_eq!(audit["export_id"], job.export_id);
    assert_eq!((&audit["scope_type"], &audit["scope_id"]), (&"campaign".into(), &7.into()));

    // Nothing that people or programs get has the secret or the headers' values.
    for text in [
        serde_json::to_string(&house.jobs()).unwrap(),
        format!("{:?} {request:?}", house.jobs()),
        metadata.concat(),
        house.database.run("export list --user 1 --json").expect(0).out(),
        house.database.run("export list --user 1").expect(0).out(),
    ] {
        assert!(text.contains("campaign") && !text.contains(HUSH), "{text}");
    }
    // Another user's list is another's.
    assert_eq!(house.store.exports(2, &ExportQuery::new()).unwrap(), []);
    assert!(house.store.exports(3, &ExportQuery::new()).is_err());
    let failed = ExportQuery { status: Some(ExportStatus::Failed), ..ExportQuery::new() };
    assert_eq!(house.store.exports(1, &failed).unwrap(), []);
}

#[test]
fn what_is_not_allowed_is_refused_and_nothing_is_written() {
    let house = House::new(1);
    let good = || ExportRequest {
        webhook: Some(webhook("https://127.0.0.1/hook")),
        ..house.request("csv")
    };
    let with = |change: &dyn Fn(&mut ExportRequest)| {
        let mut request = good();
        change(&mut request);
        request
    };
    let hook = |change: &dyn Fn(&mut WebhookRequest)| {
        with(&|request| change(request.webhook.as_mut().unwrap()))
    };
    let url = |url: &str| hook(&|webhook| url.clone_into(&mut webhook.url));
    let headers = |headers: &[(&str, &str)]| {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        hook(&|webhook| webhook.headers.clone_from(&headers))
    };
    let long = format!("https://127.0.0.1/{}", "x".repeat(483));
    let before = house.database.contents();
    for (what, request) in [
        ("model", with(&|request| request.model = "none".to_owned())),
        ("format", with(&|request| request.format = "pdf".to_owned())),
        ("format", with(&|request| request.format = "CSV".to_owned())),
        ("format", with(&|request| request.format = String::new())),
        ("window", with(&|request| request.window = Window::new(0, u32::MAX).unwrap())),
        (
            "scope_id",
            with(&|request| request.scope = Scope::new(ScopeType::Account, Some(1 << 63)).unwrap()),
        ),
        ("webhook_url", url(&long)),
        ("webhook_secret", hook(&|webhook| webhook.secret = Some("x".repeat(256)))),
        ("header", headers(&[("X-Key", HUSH), ("x-key", "b")])),
        ("header", headers(&[("X-Key", &HUSH.repeat(5_000))])),
        ("", url("ftp://127.0.0.1/hook")),
        ("", url("https:///hook")),
        ("", url("http://10.0.0.1/hook")),
        ("", headers(&[("Host", HUSH)])),
        ("", headers(&[("X-Prosper202-Signature", HUSH)])),
        ("", headers(&[("X-Key", &format!("{HUSH}\r\nX-More: b"))])),
    ] {
        let error = house.store.schedule_export(1, &request, &loopback()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error.code(), ErrorCode::InvalidInput | ErrorCode::Limit), "{text}");
        assert!(text.contains(what) && !text.contains(HUSH), "{what}: {text}");
    }
    // Without the allowance, loopback is not public.
    assert!(house.store.schedule_export(1, &good(), &WebhookPolicy::default()).is_err());
    assert!(house.store.schedule_export(3, &good(), &loopback()).is_err());

    let arguments = "export schedule --user 1 --model linear --start 1717200000 --end 1717203600";
    for more in [
        "--scope campaign",
        "--scope campaign:0",
        "--scope global:1",
        "--scope planet:1",
        "--format pdf",
        "--start 1717203600",
        "--webhook-header X-Key:b",
        "--webhook http://10.0.0.1/",
        "--webhook https://example.com/ --webhook-header none",
        "--webhook https://example.com/ --webhook-secret hush",
    ] {
        house.database.run(&format!("{arguments} {more}")).expect(2);
    }
    house.database.run("export list --user 1 --status done").expect(2);
    house.database.run("export run --directory /tmp --jobs 0").expect(2);
    house.database.run("export run --directory /no/such/folder").expect(1);
    house.database.contents().assert_equal(&before, "refused");

    // What fits just so.
    house.schedule(&url(&format!("https://127.0.0.1/{}", "x".repeat(482))));
    house.schedule(&hook(&|webhook| webhook.secret = Some("ü".repeat(255))));
    assert_eq!(house.jobs().len(), 2);
}

#[test]
fn the_secret_comes_from_a_file_or_the_environment() {
    let house = House::new(1);
    let file = house.folder.path().join("secret");
    fs::write(&file, format!("{HUSH}\n")).unwrap();
    let arguments = [
        "export",
        "schedule",
        "--user",
        "1",
        "--model",
        "linear",
        "--start",
        "1717200000",
        "--end",
        "1717203600",
        "--allow-network",
        "127.0.0.0/8",
        "--webhook",
        "http://127.0.0.1:1/",
        "--webhook-header",
        "X-Key: a b: c",
    ];
    let of_file = ["--webhook-secret-file", file.to_str().unwrap(), "--json"];
    let shown = house.database.run_words(&[&arguments[..], &of_file].concat()).expect(0);
    assert!(!shown.out().contains(HUSH) && shown.json()["webhook_signed"] == true);
    let url = house.database.url();
    let variables = [("ATTRIBUTION_WEBHOOK_SECRET", HUSH)];
    command::start_with(&arguments, &variables, Some(&url)).wait().expect(0);
    command::start_with(&arguments, &[], Some(&url)).wait().expect(0);
    let secrets = house.database.texts(
        "SELECT CONCAT(COALESCE(webhook_secret, 'none'), webhook_headers) \
         FROM 202_attribution_exports ORDER BY export_id",
    );
    let headers = r#"{"X-Key":"a b: c"}"#;
    let expected = [HUSH, HUSH, "none"].map(|secret| format!("{secret}{headers}"));
    assert_eq!(secrets, expected);
}

/// A decimal as a count of 0.00001.
fn units(text: &str) -> i64 {
    text.parse::<attribution_core::Money>().unwrap().units()
}

#[test]
fn the_files_have_the_rows_of_the_table() {
    let house = House::new(5_000);
    let campaign = Scope::new(ScopeType::Campaign, Some(7)).unwrap();
    for format in ["csv", "xls", "xlsx"] {
        for scope in [Scope::GLOBAL, campaign] {
            house.schedule(&ExportRequest { scope, ..house.request(format) });
        }
    }
    let mut options = house.options();
    options.limit = 6;
    let report = house.store.run_exports(&options, &()).unwrap();
    assert!(report.succeeded(), "{report:?}");
    assert_eq!((report.completed, report.rows_exported), (6, 3 * (5_000 + 2_500)));
    assert_eq!(house.files().len(), 6);
    assert_eq!(house.run().jobs, []);
    assert_eq!(house.database.number("SELECT COUNT(*) FROM 202_cronjob_logs WHERE id = 3"), 1);

    for job in house.jobs() {
        let scope_type: ScopeType = job.scope_type.parse().unwrap();
        let rows = house.snapshots(Scope::new(scope_type, job.scope_id).unwrap());
        assert_eq!((&job.status[..], job.rows_exported), ("completed", Some(rows.len() as u64)));
        assert!(job.started_at.is_some() && job.completed_at.is_some() && job.last_error.is_none());
        let path = PathBuf::from(job.file_path.unwrap());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        // 128 bits in hex.
        let stem = path.file_stem().unwrap().to_str().unwrap();
        assert_eq!(stem.rsplit_once('-').unwrap().1.len(), 32, "{stem}");
        let extension = path.extension().unwrap();
        if job.format == "csv" {
            assert_eq!(extension, "csv");
            check_csv(&path, &rows);
        } else {
            assert_eq!(extension, "xlsx");
            check_workbook(&path, &rows);
        }
    }
}

fn check_csv(path: &Path, rows: &[SnapshotRecord]) {
    let text = fs::read_to_string(path).unwrap();
    let mut lines = text.lines().skip(1);
    for row in rows {
        let line = lines.next().unwrap();
        let rest = line.split_once("\"Linear, or =so\",").unwrap().1;
        let fields: Vec<&str> = rest.split(',').collect();
        assert_eq!(fields[0], row.scope.scope_type().name());
        assert_eq!(fields[1], row.scope.id().map(|id| id.to_string()).unwrap_or_default());
        assert_eq!(fields[2], row.attributed_clicks.to_string());
        assert_eq!(fields[3], row.attributed_conversions.to_string());
        assert_eq!(units(fields[5]), row.revenue.units(), "{line}");
        assert_eq!(units(fields[6]), row.cost.units(), "{line}");
        assert_eq!(units(fields[7]), row.revenue.units() - row.cost.units(), "{line}");
    }
    assert_eq!(lines.next(), None);
}

fn check_workbook(path: &Path, rows: &[SnapshotRecord]) {
    let mut book: calamine::Xlsx<_> = calamine::open_workbook(path).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    assert_eq!(sheet.height(), rows.len() + 1);
    for (cells, row) in sheet.rows().skip(1).zip(rows) {
        let number = |column: usize| match &cells[column] {
            Data::Float(number) => (number * 100_000.0).round() as i64,
            Data::Int(number) => number * 100_000,
            other => panic!("{other:?}"),
        };
        assert_eq!(cells[1], Data::String("Linear, or =so".to_owned()));
        assert_eq!(cells[2], Data::String(row.scope.scope_type().name().to_owned()));
        match row.scope.id() {
            None => assert_eq!(cells[3], Data::Empty),
            Some(id) => assert_eq!(number(3), id as i64 * 100_000),
        }
        assert_eq!(number(4), row.attributed_clicks as i64 * 100_000);
        assert_eq!(number(7), row.revenue.units());
        assert_eq!(number(8), row.cost.units());
    }
}

#[test]
fn a_job_that_cannot_be_done_fails_and_the_others_are_done() {
    let house = House::new(10);
    let ids: Vec<u64> = (0..5).map(|_| house.schedule(&house.request("csv")).export_id).collect();
    let spoil = |id: u64, change: &str| {
        let statement = "UPDATE 202_attribution_exports SET";
        house.database.execute(&format!("{statement} {change} WHERE export_id = {id}"));
    };
    spoil(ids[0], "model_id = 2");
    spoil(ids[1], "end_hour = start_hour, options = '[\"host\"]'");
    spoil(ids[2], "requested_format = 'pdf'");
    spoil(ids[3], "scope_type = 'campaign'");
    let report = house.run();
    assert_eq!((report.completed, report.failed), (1, 4));
    assert!(!report.succeeded());
    assert_eq!(house.database.number("SELECT COUNT(*) FROM 202_cronjob_logs WHERE id = 3"), 0);
    for (id, reason) in ids.iter().zip(["model", "window", "format", "scope_id"]) {
        let job = house.job(*id);
        assert_eq!(job.status, "failed");
        let error = job.last_error.unwrap();
        assert!(error.contains(reason), "{reason}: {error}");
        assert!(job.failed_at.is_some() && job.file_path.is_none() && job.completed_at.is_none());
    }
    assert_eq!(house.files().len(), 1);
    let failed = ExportQuery { status: Some(ExportStatus::Failed), ..ExportQuery::new() };
    assert_eq!(house.store.exports(1, &failed).unwrap().len(), 4);
    // As a command: a failure is told by the exit status.
    house.schedule(&house.request("csv"));
    house.database.execute("UPDATE 202_users SET user_deleted = 1 WHERE user_id = 1");
    let folder = house.folder.path().display();
    let ended = house.database.run(&format!("export run --directory {folder} --json")).expect(1);
    assert_eq!(ended.json()["failed"], 1);
    let ended = house.database.run(&format!("export run --directory {folder}")).expect(0);
    assert_eq!(ended.out(), "nothing to do\n");
}

#[test]
fn who_asks_to_stop_leaves_the_job_to_others() {
    let house = House::new(10_000);
    let job = house.schedule(&house.request("csv"));
    house.database.execute("UPDATE 202_attribution_exports SET options = '{\"host\": [1, 2]}'");
    let stop = |phase: Phase, done: u64, _: u64| {
        if phase == Phase::Writing && done > 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    for _ in 0..7 {
        let error = house.store.run_exports(&house.options(), &stop).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Cancelled);
        let job = house.job(job.export_id);
        assert_eq!((&job.status[..], job.started_at, job.last_error), ("pending", None, None));
        assert!(house.files().is_empty());
    }
    assert_eq!(house.run().completed, 1);
    let options: Value = serde_json::from_str(
        &house.database.texts("SELECT options FROM 202_attribution_exports").concat(),
    )
    .unwrap();
    assert_eq!(options["host"], serde_json::json!([1, 2]));
    assert_eq!(options["attribution"]["claims"], 1);
}

#[test]
fn only_files_of_the_folder_are_sent() {
    let house = House::new(2);
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.csv");
    fs::write(&secret, HUSH).unwrap();
    symlink(&secret, house.folder.path().join("link.csv")).unwrap();
    // Nobody listens there; what is refused before never gets so far.
    let request =
        || ExportRequest { webhook: Some(webhook("http://127.0.0.1:1/")), ..house.request("csv") };
    let folder = house.folder.path().display().to_string();
    for path in [
        secret.display().to_string(),
        format!("{folder}/link.csv"),
        format!("{folder}/../{}/secret.csv", outside.path().file_name().unwrap().display()),
        "../secret.csv".to_owned(),
        "/etc/passwd".to_owned(),
    ] {
        let job = house.schedule(&request());
        let mut options = house.options();
        // Makes the file and leaves its webhook to the next run.
        options.webhooks.allow.clear();
        house.database.execute(&format!(
            "UPDATE 202_attribution_exports SET status = 'completed', file_path = '{path}', options = \
             '{{\"attribution\":{{\"webhook\":\"waiting\",\"webhook_due_at\":1}}}}' \
             WHERE export_id = {}",
            job.export_id
        ));
        let report = house.run();
        assert_eq!((report.webhooks_given_up, report.completed), (1, 0), "{path}: {report:?}");
        let job = house.job(job.export_id);
        assert_eq!((&job.status[..], job.webhook_attempted_at), ("completed", None));
        let error = job.last_error.unwrap();
        assert!(error.contains("a file in the export directory"), "{path}: {error}");
    }
    assert_eq!(fs::read(&secret).unwrap(), HUSH.as_bytes());
}

/// Waits for something of the database, which is near.
#[track_caller]
fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        sleep(Duration::from_millis(1));
    }
}

/// Workers as processes over so many jobs, some of them killed.
fn many_workers(jobs: usize, hours: u32) {
    let house = House::new(hours);
    for number in 0..jobs {
        house.schedule(&house.request(if number % 4 == 0 { "xls" } else { "csv" }));
    }
    let url = house.database.url();
    let folder = house.folder.path().to_str().unwrap().to_owned();
    let start = || command::start(&url, &format!("export run --directory {folder} --jobs 1000"));
    let count = |status: &str| {
        house.database.number(&format!(
            "SELECT COUNT(*) FROM 202_attribution_exports WHERE status = '{status}'"
        )) as usize
    };
    // One is killed at its work, so that a job and part of a file stay behind.
    loop {
        let mut worker = start();
        await_that("a worker at work", || {
            house.files().iter().any(|file| file.extension().unwrap() == "partial")
                || worker.has_ended()
        });
        assert!(!worker.has_ended(), "all is done and none was killed at its work");
        assert_eq!(worker.kill().status, None);
        if count("processing") > 0 {
            break;
        }
    }
    assert!(count("pending") > jobs / 2);
    // Two go on, and a third is killed beside them.
    let workers = [start(), start()];
    let third = start();
    await_that("the third at work", || count("processing") >= 3 || count("pending") == 0);
    third.kill();
    for worker in workers {
        worker.wait().expect(0);
    }
    // What the third left, if the others were done before.
    start().wait().expect(0);

    assert_eq!(count("completed"), jobs);
    let paths: BTreeSet<PathBuf> = house
        .database
        .texts("SELECT file_path FROM 202_attribution_exports")
        .iter()
        .map(PathBuf::from)
        .collect();
    assert_eq!(paths.len(), jobs);
    assert_eq!(house.files(), paths, "leftovers, or files that are not there");
    let rows = house.snapshots(Scope::GLOBAL);
    for path in &paths {
        match path.extension().unwrap().to_str().unwrap() {
            "csv" => check_csv(path, &rows),
            _ => check_workbook(path, &rows),
        }
    }
    // Each was made by one worker, but for those that were killed at it.
    let again = "SELECT COALESCE(SUM(options NOT LIKE '%\"claims\":1,%' \
                 AND options NOT LIKE '%\"claims\":1}%'), 0) FROM 202_attribution_exports";
    let again = house.database.number(again);
    assert!((1..=3).contains(&again), "{again} jobs were begun more than once");
}

#[test]
fn workers_share_the_queue_and_one_takes_over_from_the_dead() {
    many_workers(30, 1_500);
}

#[test]
#[ignore = "takes minutes; tests/run --long"]
fn workers_share_a_long_queue_and_one_takes_over_from_the_dead() {
    many_workers(200, 5_000);
}

#[test]
fn a_job_whose_workers_always_die_is_given_up() {
    let house = House::new(2);
    let job = house.schedule(&house.request("csv"));
    let claim = "00112233445566778899aabbccddeeff";
    // As the fifth worker left it.
    house.database.execute(&format!(
        "UPDATE 202_attribution_exports SET status = 'processing', started_at = 1, \
         options = '{{\"attribution\":{{\"claim\":\"{claim}\",\"claims\":5}}}}'"
    ));
    let left = format!(".attribution-export-{}-{claim}.csv.partial", job.export_id);
    fs::write(house.folder.path().join(left), "part").unwrap();
    let report = house.run();
    assert_eq!((report.failed, report.completed), (1, 0), "{report:?}");
    assert!(house.job(job.export_id).last_error.unwrap().contains("beginnings"));
    assert!(house.files().is_empty());
}

#[test]
fn a_job_of_the_hosts_own_worker_is_left_to_it() {
    let house = House::new(2);
    house.schedule(&house.request("csv"));
    house.database.execute(
        "UPDATE 202_attribution_exports SET status = 'processing', started_at = UNIX_TIMESTAMP()",
    );
    assert_eq!(house.run().jobs, []);
    // Until it has been at it for hours.
    house.database.execute("UPDATE 202_attribution_exports SET started_at = started_at - 30000");
    assert_eq!(house.run().completed, 1);
}

/// A receiver on loopback that answers as it is told, one answer after the other, and keeps what it got.
struct Receiver {
    url: String,
    thread: std::thread::JoinHandle<Vec<(String, Vec<u8>)>>,
}

impl Receiver {
    fn start(answers: &'static [&'static str]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            answers.iter().map(|answer| receive(&listener, answer)).collect()
        });
        Self { url, thread }
    }

    /// What it got, head and body, after its last answer.
    fn received(self) -> Vec<(String, Vec<u8>)> {
        self.thread.join().unwrap()
    }
}

fn receive(listener: &std::net::TcpListener, answer: &str) -> (String, Vec<u8>) {
    use std::io::{BufRead, BufReader, Read, Write};
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let length = head
        .to_lowercase()
        .lines()
        .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
        .unwrap_or_else(|| panic!("no length: {head}"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    write!(stream, "HTTP/1.1 {answer}\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody")
        .unwrap();
    (head, body)
}

/// Makes the webhooks that wait due now.
fn hurry(house: &House) {
    house.database.execute(
        "UPDATE 202_attribution_exports SET options = \
         REGEXP_REPLACE(options, '\"webhook_due_at\":[0-9]+', '\"webhook_due_at\":1')",
    );
}

#[test]
fn a_webhook_that_is_not_taken_is_sent_again_by_later_runs() {
    let house = House::new(50);
    let receiver = Receiver::start(&["500 No", "429 Slow down\r\nRetry-After: 7000", "200 OK"]);
    let request = ExportRequest { webhook: Some(webhook(&receiver.url)), ..house.request("csv") };
    let id = house.schedule(&request).export_id;

    let report = house.run();
    assert_eq!((report.completed, report.webhooks_waiting), (1, 1), "{report:?}");
    assert!(report.succeeded());
    let job = house.job(id);
    assert_eq!((&job.status[..], job.webhook_status_code), ("completed", Some(500)));
    let attempted_at = job.webhook_attempted_at.unwrap();
    let wait = job.webhook_due_at.unwrap() - attempted_at;
    assert!((45..=80).contains(&wait), "{wait} s");
    assert!(job.last_error.unwrap().contains("attempt 1 of 5"));
    // It is not due yet.
    assert_eq!(house.run().jobs, []);

    hurry(&house);
    let report = house.run();
    assert_eq!((report.completed, report.webhooks_waiting), (0, 1), "{report:?}");
    let job = house.job(id);
    let wait = job.webhook_due_at.unwrap() - job.webhook_attempted_at.unwrap();
    assert!((7_000..=7_900).contains(&wait), "{wait} s");

    hurry(&house);
    let folder = house.folder.path().display();
    let ended = house
        .database
        .run(&format!("export run --directory {folder} --allow-network 127.0.0.0/8 --json"))
        .expect(0);
    assert_eq!(ended.json()["webhooks_delivered"], 1);
    assert!(!ended.out().contains(HUSH) && !ended.stderr.contains(HUSH));
    let job = house.job(id);
    assert_eq!((job.webhook_status_code, job.webhook_attempts), (Some(200), 3));
    assert_eq!((job.webhook_due_at, job.last_error), (None, None));
    let body = "SELECT webhook_response_body FROM 202_attribution_exports";
    assert_eq!(house.database.texts(body), ["body"]);
    hurry(&house);
    assert_eq!(house.run().jobs, []);

    let received = receiver.received();
    assert_eq!(received.len(), 3);
    let path = PathBuf::from(job.file_path.unwrap());
    for (head, body) in received {
        let head = head.to_lowercase();
        assert!(head.contains(&format!("x-key: key {HUSH}\r\n")), "{head}");
        assert!(head.contains("x-prosper202-signature: "), "{head}");
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["export_id"], &body["rows_exported"]), (&id.into(), &50.into()));
        assert_eq!(body["file_name"], path.file_name().unwrap().to_str().unwrap());
        assert_eq!(
            (&body["file_mime"], &body["status"]),
            (&"text/csv".into(), &"completed".into())
        );
        assert!(body["file_contents"].as_str().unwrap().len() > 1_000);
    }
}

#[test]
fn a_webhook_is_given_up_when_it_is_of_no_use() {
    let house = House::new(5);
    let receiver = Receiver::start(&["404 None", "500 No", "500 No", "500 No", "500 No", "500 No"]);
    let request = ExportRequest { webhook: Some(webhook(&receiver.url)), ..house.request("xlsx") };
    // The receiver does not want it.
    let id = house.schedule(&request).export_id;
    let report = house.run();
    assert_eq!((report.webhooks_given_up, report.completed), (1, 1));
    assert!(!report.succeeded());
    assert!(house.job(id).last_error.unwrap().contains("404"));
    // It never works.
    let id = house.schedule(&request).export_id;
    for attempt in 1..=5 {
        let report = house.run();
        assert_eq!(report.webhooks_given_up, u64::from(attempt == 5), "{report:?}");
        hurry(&house);
    }
    assert_eq!(house.run().jobs, []);
    assert_eq!(house.job(id).webhook_attempts, 5);
    assert_eq!(receiver.received().len(), 6);
    // The file is too large, and the address is not allowed.
    let request =
        ExportRequest { webhook: Some(webhook("http://127.0.0.1:1/")), ..house.request("csv") };
    for (reason, change) in [
        (
            "more than the 10 that are sent",
            (|options| options.webhooks.largest_file = 10) as fn(&mut ExportRunOptions),
        ),
        ("127.0.0.1", |options| options.webhooks.allow.clear()),
    ] {
        let id = house.schedule(&request).export_id;
        let mut options = house.options();
        change(&mut options);
        let report = house.store.run_exports(&options, &()).unwrap();
        assert_eq!((report.completed, report.webhooks_given_up), (1, 1));
        let job = house.job(id);
        assert_eq!((&job.status[..], job.webhook_attempts), ("completed", 0));
        let error = job.last_error.unwrap();
        assert!(error.contains(reason), "{reason}: {error}");
    }
}

#[test]
fn a_worker_that_dies_while_it_sends_leaves_the_webhook_to_others() {
    let house = House::new(5);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let request = ExportRequest { webhook: Some(webhook(&url)), ..house.request("csv") };
    let id = house.schedule(&request).export_id;
    let folder = house.folder.path().display();
    let arguments = format!("export run --directory {folder} --allow-network 127.0.0.0/8");
    let worker = command::start(&house.database.url(), &arguments);
    let held = listener.accept().unwrap();
    // While one sends it, no other does, however due it is.
    hurry(&house);
    assert_eq!(house.run().jobs, []);
    assert_eq!(worker.kill().status, None);
    drop(held);
    assert_eq!(house.job(id).webhook_attempts, 1);
    let receiver = std::thread::spawn(move || receive(&listener, "204 Fine"));
    await_that("the webhook is delivered", || house.run().webhooks_delivered == 1);
    receiver.join().unwrap();
    assert_eq!(house.job(id).webhook_attempts, 2);
    assert_eq!(house.files().len(), 1);
}
