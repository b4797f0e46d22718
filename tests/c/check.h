/*
 * What the programs here have in common: checks that are counted, and some data.
 *
 * Every program is compiled as C11 and as C++17, so there are no compound literals and no conversions from
 * void * in any of them. Checks are made on the main thread alone.
 */
#ifndef CHECK_H
#define CHECK_H

#include <attribution.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__)
#define MAYBE_UNUSED __attribute__((unused))
#else
#define MAYBE_UNUSED
#endif

static int checks_passed;
static int checks_failed;

MAYBE_UNUSED static int check_outcome(int good, const char *what, const char *file, int line) {
    if (good) {
        checks_passed++;
    } else {
        checks_failed++;
        fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    }
    return good;
}

MAYBE_UNUSED static int check_number(long long found, long long expected, const char *what, const char *file,
                                     int line) {
    if (!check_outcome(found == expected, what, file, line)) {
        fprintf(stderr, "    found %lld, expected %lld\n", found, expected);
    }
    return found == expected;
}

/* Bit by bit the same: credits are told exactly. */
MAYBE_UNUSED static int check_real(double found, double expected, const char *what, const char *file, int line) {
    const int same = memcmp(&found, &expected, sizeof found) == 0;
    if (!check_outcome(same, what, file, line)) {
        fprintf(stderr, "    found %.17g, expected %.17g\n", found, expected);
    }
    return same;
}

MAYBE_UNUSED static int check_text(const char *found, const char *expected, const char *what, const char *file,
                                   int line) {
    const int same = found != NULL && strcmp(found, expected) == 0;
    if (!check_outcome(same, what, file, line)) {
        fprintf(stderr, "    found %s, expected %s\n", found == NULL ? "NULL" : found, expected);
    }
    return same;
}

MAYBE_UNUSED static int check_status(attribution_status found, attribution_status expected,
                                     const attribution_error *error, const char *what, const char *file, int line) {
    if (!check_outcome(found == expected, what, file, line)) {
        fprintf(stderr, "    found %s, expected %s: %s\n", attribution_status_name(found),
                attribution_status_name(expected), attribution_error_message(error));
    }
    return found == expected;
}

#define CHECK(condition) check_outcome((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_NUMBER(found, expected) \
    check_number((long long)(found), (long long)(expected), #found, __FILE__, __LINE__)
#define CHECK_REAL(found, expected) check_real((found), (expected), #found, __FILE__, __LINE__)
#define CHECK_TEXT(found, expected) check_text((found), (expected), #found, __FILE__, __LINE__)
#define CHECK_STATUS(call, expected) check_status((call), (expected), error, #call, __FILE__, __LINE__)
/* A call that is to succeed. `error` is the name of the error object everywhere here. */
#define OK(call) check_status((call), ATTRIBUTION_STATUS_OK, error, #call, __FILE__, __LINE__)

/* The program's last line and exit status. */
MAYBE_UNUSED static int checks_done(const char *program) {
    printf("%s: %d passed, %d failed\n", program, checks_passed, checks_failed);
    return checks_failed == 0 && checks_passed > 0 ? 0 : 1;
}

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define LEND(slice, array) ((slice).data = (array), (slice).length = LENGTH(array))

/* ---------------------------------------------------------------- two conversions of five touches */

/* The first has the journey "three touches an hour apart" of tests/vectors/credits.json. */
static const uint64_t two_conversion_ids[] = {1, 2};
static const uint64_t two_converting_click_ids[] = {2003, 21};
static const uint32_t two_conversion_times[] = {1717232400, 1717236059};
static const int64_t two_payouts[] = {3500000, -1000000};
static const int64_t two_costs[] = {700000, 25000};
static const size_t two_offsets[] = {0, 3, 5};
static const uint64_t two_click_ids[] = {2001, 2002, 2003, 20, 21};
static const uint32_t two_click_times[] = {1717225200, 1717228800, 1717232400, 1717200000, 1717235000};
static const uint64_t two_campaign_ids[] = {7, 8, 7, 8, 0};
/* For the other dimensions: each has a number of its own. */
static const uint64_t two_account_ids[] = {31, 31, 31, 31, 31};
static const uint64_t two_landing_page_ids[] = {41, 41, 41, 41, 41};
static const uint64_t two_advertiser_ids[] = {51, 51, 51, 51, 51};
static const uint64_t two_traffic_source_ids[] = {61, 61, 61, 61, 61};
static const uint64_t two_adgroup_ids[] = {71, 71, 71, 71, 71};

MAYBE_UNUSED static attribution_columns two_columns(void) {
    attribution_columns columns = ATTRIBUTION_COLUMNS_INIT;
    LEND(columns.conversion_ids, two_conversion_ids);
    LEND(columns.converting_click_ids, two_converting_click_ids);
    LEND(columns.conversion_times, two_conversion_times);
    LEND(columns.payouts, two_payouts);
    LEND(columns.costs, two_costs);
    LEND(columns.offsets, two_offsets);
    LEND(columns.click_ids, two_click_ids);
    LEND(columns.click_times, two_click_times);
    LEND(columns.campaign_ids, two_campaign_ids);
    LEND(columns.account_ids, two_account_ids);
    LEND(columns.landing_page_ids, two_landing_page_ids);
    LEND(columns.advertiser_ids, two_advertiser_ids);
    LEND(columns.traffic_source_ids, two_traffic_source_ids);
    LEND(columns.adgroup_ids, two_adgroup_ids);
    return columns;
}

/* ---------------------------------------------------------------- bytes of an export */

typedef struct bytes {
    uint8_t *data;
    size_t length;
    size_t room;
    int calls;
    /* Which call is to fail, from 1; 0 for none. */
    int fails_at;
} bytes;

MAYBE_UNUSED static int32_t take_bytes(const uint8_t *data, size_t length, void *context) {
    bytes *taken = (bytes *)context;
    taken->calls++;
    if (taken->calls == taken->fails_at) {
        return -7;
    }
    if (taken->room - taken->length < length + 1) {
        taken->room = 2 * (taken->room + length + 1);
        taken->data = (uint8_t *)realloc(taken->data, taken->room);
        if (taken->data == NULL) {
            abort();
        }
    }
    memcpy(taken->data + taken->length, data, length);
    taken->length += length;
    /* So that it can be looked at as text. */
    taken->data[taken->length] = 0;
    return 0;
}

#endif
