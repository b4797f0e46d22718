/*
 * The jobs on a database: tests/database/tests/c_abi.rs starts the server and gives its address.
 *
 *     database jobs START END USER MODEL
 *                                      installs, checks, backfills and rebuilds for all users, and prints what
 *                                      the library says of it, a heading before each
 *     database cancel USER START END   a rebuild that is stopped while it writes
 *     database fails STATUS USER START END
 *                                      a rebuild of a user, or of all for 0, that ends with the status of this name
 */
#include "check.h"

#include <pthread.h>

static attribution_error *error;
static pthread_t own_thread;

struct told {
    int calls;
    int elsewhere;
    int backwards;
    uint64_t last_done;
    uint32_t last_phase;
    uint32_t stop_in;
};

static int32_t tell(uint32_t phase, uint64_t done, uint64_t total, void *context) {
    struct told *told = (struct told *)context;
    (void)total;
    told->calls++;
    told->elsewhere += !pthread_equal(pthread_self(), own_thread);
    told->backwards += phase == told->last_phase && phase == ATTRIBUTION_PHASE_WRITING && done < told->last_done &&
                       done != 0;
    told->last_phase = phase;
    told->last_done = done;
    return phase == told->stop_in ? 1 : 0;
}

static void check_report(const attribution_report *report, int rebuilt) {
    size_t at, model;
    CHECK(attribution_report_users(report) > 1);
    for (at = 0; at < attribution_report_users(report); at++) {
        attribution_user_report user = ATTRIBUTION_USER_REPORT_INIT;
        OK(attribution_report_user(report, at, &user, error));
        CHECK_NUMBER(user.status, ATTRIBUTION_STATUS_OK);
        CHECK_TEXT(user.message, "");
        CHECK(user.start % 3600 == 0 && user.end % 3600 == 0 && user.start < user.end);
        if (!rebuilt) {
            attribution_model_report none = ATTRIBUTION_MODEL_REPORT_INIT;
            CHECK_NUMBER(user.models, 0);
            CHECK_STATUS(attribution_report_model(report, at, 0, &none, error), ATTRIBUTION_STATUS_INVALID_ARGUMENT);
            continue;
        }
        for (model = 0; model < user.models; model++) {
            attribution_model_report fields = ATTRIBUTION_MODEL_REPORT_INIT;
            OK(attribution_report_model(report, at, model, &fields, error));
            CHECK_NUMBER(fields.conversions, user.conversions);
            printf("model %" PRIu64 " %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 "\n", fields.model_id,
                   fields.slug, fields.hours, fields.snapshots, fields.clicks, fields.revenue, fields.cost);
        }
        for (model = 0; model < user.invalid_models; model++) {
            attribution_invalid_model fields = ATTRIBUTION_INVALID_MODEL_INIT;
            OK(attribution_report_invalid_model(report, at, model, &fields, error));
            CHECK(fields.model_id > 0 && *fields.slug && *fields.problem);
        }
        {
            attribution_model_report beyond = ATTRIBUTION_MODEL_REPORT_INIT;
            attribution_invalid_model none = ATTRIBUTION_INVALID_MODEL_INIT;
            CHECK_STATUS(attribution_report_model(report, at, user.models, &beyond, error),
                         ATTRIBUTION_STATUS_INVALID_ARGUMENT);
            CHECK_STATUS(attribution_report_invalid_model(report, at, user.invalid_models, &none, error),
                         ATTRIBUTION_STATUS_INVALID_ARGUMENT);
        }
    }
    {
        attribution_user_report beyond = ATTRIBUTION_USER_REPORT_INIT;
        CHECK_STATUS(attribution_report_user(report, at, &beyond, error), ATTRIBUTION_STATUS_INVALID_ARGUMENT);
    }
}

static void print_snapshots(const attribution_store *store, uint64_t user, const char *slug, uint32_t start,
                            uint32_t end) {
    attribution_snapshot_query query = ATTRIBUTION_SNAPSHOT_QUERY_INIT;
    attribution_stored_snapshots *stored = NULL, *page = NULL;
    attribution_stored_snapshot_columns rows = ATTRIBUTION_STORED_SNAPSHOT_COLUMNS_INIT;
    attribution_stored_snapshot_columns some = ATTRIBUTION_STORED_SNAPSHOT_COLUMNS_INIT;
    size_t row;
    query.user_id = user;
    query.model = slug;
    query.start = start;
    query.end = end;
    OK(attribution_store_snapshots(store, &query, &stored, error));
    OK(attribution_stored_snapshots_columns(stored, &rows, error));
    for (row = 0; row < rows.length; row++) {
        printf("snapshot %" PRIu64 " %u %" PRIu64 " %u %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 "\n",
               rows.snapshot_ids[row], rows.scope_types[row], rows.scope_ids[row], rows.date_hours[row],
               rows.attributed_clicks[row], rows.attributed_conversions[row], rows.revenues[row], rows.costs[row]);
    }
    /* A page of one scope alone. */
    query.scope_type = ATTRIBUTION_SCOPE_GLOBAL;
    query.limit = 2;
    query.offset = 1;
    OK(attribution_store_snapshots(store, &query, &page, error));
    OK(attribution_stored_snapshots_columns(page, &some, error));
    CHECK_NUMBER(some.length, 2);
    for (row = 0; row < some.length; row++) {
        CHECK_NUMBER(some.scope_types[row], ATTRIBUTION_SCOPE_GLOBAL);
        CHECK_NUMBER(some.scope_ids[row], 0);
    }
    attribution_stored_snapshots_free(&page);
    attribution_stored_snapshots_free(&stored);
    query.model = "no-such-model";
    CHECK_STATUS(attribution_store_snapshots(store, &query, &stored, error), ATTRIBUTION_STATUS_INVALID_INPUT);
    CHECK_TEXT(attribution_error_place(error), "model");
}

static void jobs(const attribution_store *store, uint32_t start, uint32_t end, uint64_t user, const char *slug) {
    attribution_backfill_options backfill = ATTRIBUTION_BACKFILL_OPTIONS_INIT;
    attribution_rebuild_options rebuild = ATTRIBUTION_REBUILD_OPTIONS_INIT;
    attribution_report *report = NULL;
    attribution_findings *findings = NULL;
    struct told told = {0, 0, 0, 0, 0, UINT32_MAX};
    size_t at;
    OK(attribution_store_install(store, error));
    OK(attribution_store_install(store, error));
    OK(attribution_store_check(store, &findings, error));
    CHECK(attribution_findings_count(findings) > 3);
    for (at = 0; at < attribution_findings_count(findings); at++) {
        attribution_finding finding = ATTRIBUTION_FINDING_INIT;
        OK(attribution_findings_get(findings, at, &finding, error));
        CHECK(finding.severity <= ATTRIBUTION_SEVERITY_ERROR && *finding.subject && *finding.found);
    }
    printf("== findings\n%s\n", attribution_findings_json(findings));
    attribution_findings_free(&findings);

    backfill.start = rebuild.start = start;
    backfill.end = rebuild.end = end;
    OK(attribution_store_backfill(store, &backfill, tell, &told, &report, error));
    check_report(report, 0);
    printf("== backfill\n%s\n", attribution_report_json(report));
    attribution_report_free(&report);
    printf("== models\n");
    OK(attribution_store_rebuild(store, &rebuild, tell, &told, &report, error));
    check_report(report, 1);
    printf("== rebuild\n%s\n", report == NULL ? "" : attribution_report_json(report));
    attribution_report_free(&report);
    CHECK(told.calls > 10);
    CHECK_NUMBER(told.elsewhere, 0);
    CHECK_NUMBER(told.backwards, 0);
    /* No one need be told. */
    OK(attribution_store_rebuild(store, &rebuild, NULL, NULL, &report, error));
    attribution_report_free(&report);
    printf("== snapshots\n");
    print_snapshots(store, user, slug, start, end);
}

int main(int count, char **words) {
    const char *url = getenv("ATTRIBUTION_DATABASE_URL");
    const char *what = count > 1 ? words[1] : "";
    attribution_store *store = NULL;
    attribution_report *report = NULL;
    attribution_rebuild_options rebuild = ATTRIBUTION_REBUILD_OPTIONS_INIT;
    error = attribution_error_new();
    own_thread = pthread_self();
    if (!OK(attribution_store_open(url == NULL ? "" : url, NULL, &store, error))) return 1;
    if (strcmp(what, "jobs") == 0 && count == 6) {
        jobs(store, (uint32_t)strtoul(words[2], NULL, 10), (uint32_t)strtoul(words[3], NULL, 10),
             strtoull(words[4], NULL, 10), words[5]);
    } else if (strcmp(what, "cancel") == 0 && count == 5) {
        struct told told = {0, 0, 0, 0, 0, ATTRIBUTION_PHASE_WRITING};
        rebuild.user_id = strtoull(words[2], NULL, 10);
        rebuild.start = (uint32_t)strtoul(words[3], NULL, 10);
        rebuild.end = (uint32_t)strtoul(words[4], NULL, 10);
        CHECK_STATUS(attribution_store_rebuild(store, &rebuild, tell, &told, &report, error),
                     ATTRIBUTION_STATUS_CANCELLED);
        CHECK(report == NULL);
        CHECK_NUMBER(told.last_phase, ATTRIBUTION_PHASE_WRITING);
    } else if (strcmp(what, "fails") == 0 && count == 6) {
        attribution_status status;
        rebuild.user_id = strtoull(words[3], NULL, 10);
        rebuild.start = (uint32_t)strtoul(words[4], NULL, 10);
        rebuild.end = (uint32_t)strtoul(words[5], NULL, 10);
        status = attribution_store_rebuild(store, &rebuild, NULL, NULL, &report, error);
        CHECK_TEXT(attribution_status_name(status), words[2]);
        CHECK((report != NULL) == (rebuild.user_id == 0));
        printf("place %s\nmessage %s\n", attribution_error_place(error), attribution_error_message(error));
        if (report != NULL) {
            size_t at;
            for (at = 0; at < attribution_report_users(report); at++) {
                attribution_user_report user = ATTRIBUTION_USER_REPORT_INIT;
                OK(attribution_report_user(report, at, &user, error));
                CHECK((user.status == ATTRIBUTION_STATUS_OK) == (*user.message == 0));
                printf("user %" PRIu64 " %s\n", user.user_id, attribution_status_name(user.status));
            }
        }
        attribution_report_free(&report);
    } else {
        fprintf(stderr, "see the top of database.c\n");
        return 2;
    }
    attribution_store_free(&store);
    attribution_error_free(&error);
    return checks_done("database");
}
