/*
 * What is read out of a database: tests/database/tests/c_serving.rs starts the server and gives its address.
 * Each prints what the library says, a heading before each part.
 *
 *     serving compare USER START END MODEL...        of campaigns, with 40 resamples
 *     serving overview USER START END MODEL
 *     serving exports USER START END MODEL FOLDER    schedules two, makes the files, and lists them
 *     serving cache USER START END MODEL [SERVER]    reads twice, rebuilds, and reads again
 *     serving purge USER VISITOR                     a dry run, and for good
 *     serving age SECONDS                            snapshots, of all users
 */
#include "check.h"

static attribution_error *error;
static const attribution_store *store;
static uint64_t user;
static uint32_t start, end;

static int32_t count(uint32_t phase, uint64_t done, uint64_t total, void *context) {
    (void)phase, (void)done, (void)total;
    ++*(int *)context;
    return 0;
}

static int32_t stop(uint32_t phase, uint64_t done, uint64_t total, void *context) {
    (void)phase, (void)done, (void)total, (void)context;
    return 1;
}

static const char *or_none(const char *text) { return text == NULL ? "-" : text; }

static void print_figures(const attribution_figures *figures) {
    printf(" | %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " ", figures->credited_conversions, figures->revenue,
           figures->cost, figures->profit);
    if (figures->has_roi) {
        printf("%" PRId64, figures->roi_percent);
    } else {
        CHECK_NUMBER(figures->roi_percent, 0);
        printf("-");
    }
}

static void compare(const char *const *models, size_t model_count) {
    attribution_compare_options options = ATTRIBUTION_COMPARE_OPTIONS_INIT;
    attribution_comparison_fields fields = ATTRIBUTION_COMPARISON_FIELDS_INIT;
    attribution_comparison_row row = ATTRIBUTION_COMPARISON_ROW_INIT;
    attribution_comparison *comparison = NULL, *none = NULL;
    int calls = 0;
    size_t at, hint;
    options.user_id = user;
    options.start = start;
    options.end = end;
    options.models = models;
    options.model_count = model_count;
    options.baseline = models[model_count - 1];
    options.scope_type = ATTRIBUTION_SCOPE_CAMPAIGN;
    options.resamples = 40;
    options.threads = 2;
    OK(attribution_store_compare(store, &options, count, &calls, &comparison, error));
    CHECK(calls > 0);
    printf("== json\n%s\n== fields\n", attribution_comparison_json(comparison));
    OK(attribution_comparison_get(comparison, &fields, error));
    CHECK_NUMBER(fields.scope_type, ATTRIBUTION_SCOPE_CAMPAIGN);
    CHECK_NUMBER(fields.scope_id, 0);
    printf("%" PRIu64 " %" PRIu64 " %s %u %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", fields.start, fields.end,
           fields.baseline, fields.resamples, fields.conversions, fields.touches, fields.multi_touch_journeys,
           fields.missing_clicks);
    for (at = 0; at < fields.rows; at++) {
        OK(attribution_comparison_row_get(comparison, at, &row, error));
        CHECK_NUMBER(row.has_intervals, 1);
        printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, row.model, row.scope_id, row.attributed_clicks,
               row.attributed_conversions, row.multi_touch_journeys);
        print_figures(&row.figures);
        print_figures(&row.figures_low);
        print_figures(&row.figures_high);
        if (row.has_difference) {
            print_figures(&row.difference);
            print_figures(&row.difference_low);
            print_figures(&row.difference_high);
        }
        for (hint = 0; hint < row.hint_count; hint++) printf(" | %s", row.hints[hint]);
        printf("\n");
    }
    CHECK_STATUS(attribution_comparison_row_get(comparison, at, &row, error), ATTRIBUTION_STATUS_INVALID_ARGUMENT);
    CHECK_TEXT(attribution_error_place(error), "index");
    attribution_comparison_free(&comparison);
    CHECK(comparison == NULL);
    CHECK_STATUS(attribution_store_compare(store, &options, stop, NULL, &none, error), ATTRIBUTION_STATUS_CANCELLED);
    options.user_id = 999999;
    CHECK_STATUS(attribution_store_compare(store, &options, NULL, NULL, &none, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    CHECK(none == NULL);
}

static void overview(const char *model) {
    attribution_overview_options options = ATTRIBUTION_OVERVIEW_OPTIONS_INIT;
    attribution_overview_fields fields = ATTRIBUTION_OVERVIEW_FIELDS_INIT;
    attribution_hour_columns hours = ATTRIBUTION_HOUR_COLUMNS_INIT;
    attribution_mix_columns mix = ATTRIBUTION_MIX_COLUMNS_INIT;
    attribution_anomaly anomaly = ATTRIBUTION_ANOMALY_INIT;
    attribution_overview *seen = NULL;
    size_t at;
    options.user_id = user;
    options.start = start;
    options.end = end;
    options.model = model;
    OK(attribution_store_overview(store, &options, &seen, error));
    printf("== json\n%s\n== fields\n", attribution_overview_json(seen));
    OK(attribution_overview_get(seen, &fields, error));
    CHECK_TEXT(fields.model, model);
    CHECK_NUMBER(fields.scope_type, ATTRIBUTION_SCOPE_GLOBAL);
    CHECK_NUMBER(fields.user_id, user);
    CHECK_NUMBER(fields.start, start);
    printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", fields.hours,
           fields.attributed_clicks, fields.attributed_conversions, fields.revenue, fields.cost, fields.profit,
           fields.has_roi ? fields.roi_percent : -1);
    OK(attribution_overview_hours(seen, &hours, error));
    for (at = 0; at < hours.length; at++) {
        printf("hour %u %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", hours.date_hours[at],
               hours.attributed_clicks[at], hours.attributed_conversions[at], hours.revenues[at], hours.costs[at],
               hours.profits[at], hours.roi_present[at] ? hours.roi_percents[at] : -1);
    }
    OK(attribution_overview_mix(seen, &mix, error));
    CHECK_NUMBER(mix.length, 4);
    for (at = 0; at < mix.length; at++) {
        CHECK_NUMBER(mix.places[at], ATTRIBUTION_PLACE_FIRST + at);
        printf("place %" PRIu64 " %" PRIu64 " %" PRId64 "\n", mix.touches[at], mix.credits[at],
               mix.share_present[at] ? mix.share_percents[at] : -1);
    }
    for (at = 0; at < fields.anomalies; at++) {
        OK(attribution_overview_anomaly(seen, at, &anomaly, error));
        printf("anomaly %s %s %" PRId64 " %u %s %s %s\n",
               anomaly.metric == ATTRIBUTION_METRIC_REVENUE ? "Revenue" : "Conversions",
               anomaly.severity == ATTRIBUTION_ANOMALY_CRITICAL ? "Critical" : "Warning", anomaly.change_percent,
               anomaly.date_hour, anomaly.latest, anomaly.mean, anomaly.message);
    }
    CHECK_STATUS(attribution_overview_anomaly(seen, at, &anomaly, error), ATTRIBUTION_STATUS_INVALID_ARGUMENT);
    attribution_overview_free(&seen);
    options.model = "no-such-model";
    CHECK_STATUS(attribution_store_overview(store, &options, &seen, error), ATTRIBUTION_STATUS_INVALID_INPUT);
    CHECK(seen == NULL);
}

static void list(uint32_t status) {
    attribution_export_query query = ATTRIBUTION_EXPORT_QUERY_INIT;
    attribution_export_fields fields = ATTRIBUTION_EXPORT_FIELDS_INIT;
    attribution_exports *exports = NULL;
    size_t at;
    query.user_id = user;
    query.status = status;
    OK(attribution_store_exports(store, &query, &exports, error));
    for (at = 0; at < attribution_exports_count(exports); at++) {
        OK(attribution_exports_get(exports, at, &fields, error));
        CHECK(status == 0 || fields.status == status);
        CHECK(fields.queued_at > 0 && fields.user_id == user && fields.start_hour == start);
        printf("%" PRIu64 " %u %u %" PRIu64 " %s %s %" PRIu64 " %s %u %u %s %s\n", fields.export_id, fields.status,
               fields.scope_type, fields.scope_id, fields.format, or_none(fields.file_path), fields.rows_exported,
               or_none(fields.webhook_url), fields.webhook_signed, fields.webhook_state,
               fields.webhook_header_count == 0 ? "-" : fields.webhook_headers[fields.webhook_header_count - 1],
               fields.webhook_attempted_at == 0 ? "-" : "attempted");
    }
    CHECK_STATUS(attribution_exports_get(exports, at, &fields, error), ATTRIBUTION_STATUS_INVALID_ARGUMENT);
    printf("== json of %u\n%s\n", status, attribution_exports_json(exports));
    attribution_exports_free(&exports);
}

static void exports(const char *model, const char *folder) {
    attribution_export_request request = ATTRIBUTION_EXPORT_REQUEST_INIT;
    attribution_export_run_options options = ATTRIBUTION_EXPORT_RUN_OPTIONS_INIT;
    attribution_webhook_policy policy = ATTRIBUTION_WEBHOOK_POLICY_INIT;
    attribution_export_fields fields = ATTRIBUTION_EXPORT_FIELDS_INIT;
    attribution_export_run_fields run_fields = ATTRIBUTION_EXPORT_RUN_FIELDS_INIT;
    attribution_export_outcome outcome = ATTRIBUTION_EXPORT_OUTCOME_INIT;
    attribution_exports *scheduled = NULL;
    attribution_export_run *run = NULL;
    attribution_header headers[2];
    /* No one listens there. */
    static const char *const networks[] = {"127.0.0.1/32"};
    size_t at;
    request.user_id = user;
    request.start = start;
    request.end = end;
    request.model = model;
    OK(attribution_store_schedule_export(store, &request, NULL, &scheduled, error));
    CHECK_NUMBER(attribution_exports_count(scheduled), 1);
    OK(attribution_exports_get(scheduled, 0, &fields, error));
    CHECK_NUMBER(fields.status, ATTRIBUTION_EXPORT_PENDING);
    CHECK(fields.file_path == NULL && fields.webhook_url == NULL && fields.last_error == NULL);
    CHECK_TEXT(fields.format, "csv");
    printf("== scheduled\n%s\n", attribution_exports_json(scheduled));
    attribution_exports_free(&scheduled);

    headers[0].name = "X-One";
    headers[0].value = "hush";
    headers[1].name = "X-Two";
    headers[1].value = "hush";
    policy.allow = networks;
    request.format = ATTRIBUTION_FORMAT_XLSX;
    request.scope_type = ATTRIBUTION_SCOPE_CAMPAIGN;
    request.scope_id = 1;
    request.webhook_url = "http://127.0.0.1:9/";
    request.webhook_secret = "hush";
    request.webhook_headers = headers;
    request.webhook_header_count = LENGTH(headers);
    CHECK_STATUS(attribution_store_schedule_export(store, &request, &policy, &scheduled, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    CHECK(scheduled == NULL);
    policy.allow_count = 1;
    OK(attribution_store_schedule_export(store, &request, &policy, &scheduled, error));
    attribution_exports_free(&scheduled);
    printf("== pending\n");
    list(ATTRIBUTION_EXPORT_PENDING);

    options.directory = folder;
    CHECK_STATUS(attribution_store_run_exports(store, &options, &policy, stop, NULL, &run, error),
                 ATTRIBUTION_STATUS_CANCELLED);
    CHECK(run == NULL);
    OK(attribution_store_run_exports(store, &options, &policy, NULL, NULL, &run, error));
    OK(attribution_export_run_get(run, &run_fields, error));
    CHECK_NUMBER(run_fields.jobs, 2);
    CHECK_NUMBER(run_fields.completed, 2);
    CHECK_NUMBER(run_fields.webhooks_waiting, 1);
    CHECK_NUMBER(run_fields.succeeded, 1);
    printf("== run\n");
    for (at = 0; at < run_fields.jobs; at++) {
        OK(attribution_export_run_job(run, at, &outcome, error));
        CHECK_NUMBER(outcome.status, ATTRIBUTION_EXPORT_COMPLETED);
        CHECK_NUMBER(outcome.webhook_state, at == 0 ? ATTRIBUTION_WEBHOOK_NONE : ATTRIBUTION_WEBHOOK_WAITING);
        CHECK((outcome.error == NULL) == (at == 0));
        CHECK_NUMBER(outcome.webhook_status_code, 0);
        printf("%" PRIu64 " %" PRIu64 " %s\n", outcome.export_id, outcome.rows_exported, or_none(outcome.file_path));
    }
    CHECK_STATUS(attribution_export_run_job(run, at, &outcome, error), ATTRIBUTION_STATUS_INVALID_ARGUMENT);
    printf("== json of the run\n%s\n", attribution_export_run_json(run));
    attribution_export_run_free(&run);
    CHECK(run == NULL);
    printf("== all\n");
    list(0);
}

static int same_columns(const attribution_stored_snapshot_columns *left,
                        const attribution_stored_snapshot_columns *right) {
#define SAME(column) (memcmp(left->column, right->column, left->length * sizeof *left->column) == 0)
    return left->length == right->length && SAME(snapshot_ids) && SAME(scope_types) && SAME(scope_ids) &&
           SAME(date_hours) && SAME(attributed_clicks) && SAME(attributed_conversions) && SAME(revenues) && SAME(costs);
}

static void cache(const char *model, const char *server) {
    attribution_cache_options options = ATTRIBUTION_CACHE_OPTIONS_INIT;
    attribution_cache_counts counts = ATTRIBUTION_CACHE_COUNTS_INIT;
    attribution_snapshot_query query = ATTRIBUTION_SNAPSHOT_QUERY_INIT;
    attribution_rebuild_options rebuild = ATTRIBUTION_REBUILD_OPTIONS_INIT;
    attribution_report *report = NULL;
    attribution_cache *cached = NULL;
    attribution_store *own = NULL;
    size_t at;
    query.user_id = user;
    query.start = start;
    query.end = end;
    query.model = model;
    rebuild.user_id = user;
    rebuild.start = start;
    rebuild.end = end;
    rebuild.scopes = ATTRIBUTION_SCOPES_GLOBAL;
    options.server_url = server;
    /* The cache needs no store of its maker's. */
    OK(attribution_store_open(getenv("ATTRIBUTION_DATABASE_URL"), NULL, &own, error));
    OK(attribution_cache_open(own, &options, &cached, error));
    attribution_store_free(&own);
    for (at = 0; at < 3; at++) {
        attribution_stored_snapshots *stored = NULL, *plain = NULL;
        attribution_stored_snapshot_columns left = ATTRIBUTION_STORED_SNAPSHOT_COLUMNS_INIT;
        attribution_stored_snapshot_columns right = ATTRIBUTION_STORED_SNAPSHOT_COLUMNS_INIT;
        OK(attribution_cache_snapshots(cached, &query, &stored, error));
        OK(attribution_store_snapshots(store, &query, &plain, error));
        OK(attribution_stored_snapshots_columns(stored, &left, error));
        OK(attribution_stored_snapshots_columns(plain, &right, error));
        CHECK(left.length > 3 && same_columns(&left, &right));
        attribution_stored_snapshots_free(&stored);
        attribution_stored_snapshots_free(&plain);
        OK(attribution_cache_statistics(cached, &counts, error));
        CHECK_NUMBER(counts.reads, at + 1);
        CHECK_NUMBER(counts.memory_hits, at == 0 ? 0 : 1);
        CHECK_NUMBER(counts.loads, at == 2 ? 2 : 1);
        if (at == 1) {
            CHECK_NUMBER(counts.entries, 1);
            CHECK(counts.bytes > 0);
            /* The test has made a row wrong; what becomes right is seen at once. */
            OK(attribution_store_rebuild(store, &rebuild, NULL, NULL, &report, error));
            attribution_report_free(&report);
        }
    }
    OK(attribution_cache_clear(cached, error));
    OK(attribution_cache_statistics(cached, &counts, error));
    CHECK_NUMBER(counts.entries, 0);
    printf("== server failures\n%" PRIu64 "\n", counts.server_failures);
    attribution_cache_free(&cached);
}

static void print_purge(const attribution_report *report, size_t at) {
    attribution_purge_report purge = ATTRIBUTION_PURGE_REPORT_INIT;
    attribution_purged_table table = ATTRIBUTION_PURGED_TABLE_INIT;
    attribution_left_file file = ATTRIBUTION_LEFT_FILE_INIT;
    attribution_user_report fields = ATTRIBUTION_USER_REPORT_INIT;
    attribution_model_report model = ATTRIBUTION_MODEL_REPORT_INIT;
    size_t index;
    OK(attribution_report_user(report, at, &fields, error));
    CHECK_NUMBER(fields.status, ATTRIBUTION_STATUS_OK);
    OK(attribution_report_purge(report, at, &purge, error));
    printf("user %" PRIu64 " %u %u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", fields.user_id, purge.target, purge.dry_run,
           purge.not_found, purge.hours_rebuilt, purge.exports_of_rebuilt_hours);
    for (index = 0; index < purge.tables; index++) {
        OK(attribution_report_purged_table(report, at, index, &table, error));
        printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", table.table, table.found, table.removed, table.left);
    }
    CHECK_STATUS(attribution_report_purged_table(report, at, index, &table, error),
                 ATTRIBUTION_STATUS_INVALID_ARGUMENT);
    CHECK_STATUS(attribution_report_left_file(report, at, purge.files_left, &file, error),
                 ATTRIBUTION_STATUS_INVALID_ARGUMENT);
    CHECK_STATUS(attribution_report_model(report, at, 0, &model, error), ATTRIBUTION_STATUS_INVALID_ARGUMENT);
}

static void purge(uint64_t visitor) {
    attribution_purge_options options = ATTRIBUTION_PURGE_OPTIONS_INIT;
    attribution_purge_report fields = ATTRIBUTION_PURGE_REPORT_INIT;
    attribution_rebuild_options rebuild = ATTRIBUTION_REBUILD_OPTIONS_INIT;
    attribution_report *report = NULL;
    int calls = 0;
    options.user_id = user;
    options.target = ATTRIBUTION_PURGE_VISITOR;
    options.ids.data = &visitor;
    options.ids.length = 1;
    for (options.dry_run = 1; options.dry_run < 2; options.dry_run--) {
        OK(attribution_store_purge(store, &options, count, &calls, &report, error));
        CHECK(options.dry_run == 1 || calls > 0);
        printf("== fields %u\n", options.dry_run);
        CHECK_NUMBER(attribution_report_users(report), 1);
        print_purge(report, 0);
        printf("== json %u\n%s\n", options.dry_run, attribution_report_json(report));
        attribution_report_free(&report);
    }
    /* Another job's report has nothing of the kind. */
    rebuild.user_id = user;
    rebuild.end = 3600;
    OK(attribution_store_rebuild(store, &rebuild, NULL, NULL, &report, error));
    CHECK_STATUS(attribution_report_purge(report, 0, &fields, error), ATTRIBUTION_STATUS_INVALID_ARGUMENT);
    CHECK_TEXT(attribution_error_place(error), "report");
    attribution_report_free(&report);
}

static void age(uint32_t seconds) {
    attribution_purge_options options = ATTRIBUTION_PURGE_OPTIONS_INIT;
    attribution_report *report = NULL;
    size_t at;
    options.target = ATTRIBUTION_PURGE_AGE;
    CHECK_STATUS(attribution_store_purge(store, &options, NULL, NULL, &report, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    CHECK(report == NULL);
    options.keep_snapshots_seconds = seconds;
    OK(attribution_store_purge(store, &options, NULL, NULL, &report, error));
    CHECK(attribution_report_users(report) > 1);
    for (at = 0; at < attribution_report_users(report); at++) print_purge(report, at);
    attribution_report_free(&report);
}

int main(int words, char **word) {
    const char *url = getenv("ATTRIBUTION_DATABASE_URL");
    const char *what = words > 1 ? word[1] : "";
    attribution_store *opened = NULL;
    error = attribution_error_new();
    if (!OK(attribution_store_open(url == NULL ? "" : url, NULL, &opened, error))) return 1;
    store = opened;
    if (words > 2) user = strtoull(word[2], NULL, 10);
    if (words > 4) {
        start = (uint32_t)strtoul(word[3], NULL, 10);
        end = (uint32_t)strtoul(word[4], NULL, 10);
    }
    if (strcmp(what, "compare") == 0 && words > 6) {
        compare((const char *const *)word + 5, (size_t)words - 5);
    } else if (strcmp(what, "overview") == 0 && words == 6) {
        overview(word[5]);
    } else if (strcmp(what, "exports") == 0 && words == 7) {
        exports(word[5], word[6]);
    } else if (strcmp(what, "cache") == 0 && (words == 6 || words == 7)) {
        cache(word[5], words == 7 ? word[6] : NULL);
    } else if (strcmp(what, "purge") == 0 && words == 4) {
        purge(strtoull(word[3], NULL, 10));
    } else if (strcmp(what, "age") == 0 && words == 3) {
        age((uint32_t)user);
    } else {
        fprintf(stderr, "see the top of serving.c\n");
        return 2;
    }
    attribution_store_free(&opened);
    attribution_error_free(&error);
    return checks_done("serving");
}
