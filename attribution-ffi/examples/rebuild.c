/*
 * Backfill and rebuild of the last 24 hours for all users, with a progress bar and Ctrl-C.
 *
 *     ATTRIBUTION_DATABASE_URL=mysql://user:password@127.0.0.1/prosper202 ./rebuild
 */
#include <attribution.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static volatile sig_atomic_t stop;

static void on_interrupt(int number) {
    (void)number;
    stop = 1;
}

/* Called on this thread, between requests to the server. Anything but 0 ends the job at a safe point. */
static int32_t show(uint32_t phase, uint64_t done, uint64_t total, void *context) {
    static const char *const names[] = {"", "reading", "assembling", "calculating", "writing", "waiting"};
    const char *job = context;
    int width = total == 0 ? 0 : (int)(30 * done / total);
    fprintf(stderr, "\r%s: %-11s [%-30.*s]", job, phase <= ATTRIBUTION_PHASE_WAITING ? names[phase] : "", width,
            "##############################");
    return stop;
}

static void print(const attribution_report *report) {
    for (size_t at = 0; at < attribution_report_users(report); at++) {
        attribution_user_report user = ATTRIBUTION_USER_REPORT_INIT;
        if (attribution_report_user(report, at, &user, NULL)) continue;
        if (user.status) {
            printf("user %" PRIu64 ": %s\n", user.user_id, user.message);
        } else {
            printf("user %" PRIu64 ": %" PRIu64 " conversions, %" PRIu64 " touches, %" PRIu64 " rows written\n",
                   user.user_id, user.conversions, user.touches, user.rows_written);
        }
    }
}

int main(void) {
    const char *url = getenv("ATTRIBUTION_DATABASE_URL");
    uint32_t now = (uint32_t)time(NULL);
    attribution_error *error = attribution_error_new();
    attribution_store *store = NULL;
    attribution_report *report = NULL;
    attribution_backfill_options backfill = ATTRIBUTION_BACKFILL_OPTIONS_INIT;
    attribution_rebuild_options rebuild = ATTRIBUTION_REBUILD_OPTIONS_INIT;
    attribution_status status;

    signal(SIGINT, on_interrupt);
    backfill.start = rebuild.start = now - 24 * 3600;
    backfill.end = rebuild.end = now;
    status = attribution_store_open(url ? url : "", NULL, &store, error);
    if (status == ATTRIBUTION_STATUS_OK) {
        status = attribution_store_backfill(store, &backfill, show, (void *)"backfill", &report, error);
        fputc('\n', stderr);
        print(report);
        attribution_report_free(&report);
    }
    if (status == ATTRIBUTION_STATUS_OK) {
        status = attribution_store_rebuild(store, &rebuild, show, (void *)"rebuild", &report, error);
        fputc('\n', stderr);
        print(report);
        attribution_report_free(&report);
    }
    if (status != ATTRIBUTION_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", attribution_status_name(status), attribution_error_message(error));
    }
    attribution_store_free(&store);
    attribution_error_free(&error);
    return status == ATTRIBUTION_STATUS_OK ? 0 : 1;
}
