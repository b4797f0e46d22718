/*
 * More of what surface.c looks at, down to the last number: every model, scope, option and column, exports that fail
 * at each call, streams of the caller's own, arrays that outlive what they were made from. The journey of
 * two_columns() and what the models give of it are those of the case "three touches an hour apart" in
 * tests/vectors/credits.json.
 */
#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700
#endif
#include "check.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static attribution_error *error;

static attribution_model *model_of(const char *spec) {
    attribution_model *model = NULL;
    OK(attribution_model_from_spec(spec, &model, error));
    return model;
}

/* ---------------------------------------------------------------- versions, statuses, errors */

static void versions(void) {
    char text[64];
    CHECK_NUMBER(attribution_abi_version(), ATTRIBUTION_ABI_VERSION);
    CHECK_NUMBER(attribution_version_number(), ATTRIBUTION_VERSION_NUMBER);
    CHECK_NUMBER(attribution_version_number() / 1000000, ATTRIBUTION_VERSION_MAJOR);
    CHECK_NUMBER(attribution_version_number() / 1000 % 1000, ATTRIBUTION_VERSION_MINOR);
    CHECK_NUMBER(attribution_version_number() % 1000, ATTRIBUTION_VERSION_PATCH);
    CHECK_NUMBER(ATTRIBUTION_VERSION_NUMBER, ATTRIBUTION_VERSION_MAJOR * 1000000 + ATTRIBUTION_VERSION_MINOR * 1000 +
                                                 ATTRIBUTION_VERSION_PATCH);
    CHECK_TEXT(attribution_version_string(), ATTRIBUTION_VERSION_STRING);
    snprintf(text, sizeof text, "%d.%d.%d", ATTRIBUTION_VERSION_MAJOR, ATTRIBUTION_VERSION_MINOR,
             ATTRIBUTION_VERSION_PATCH);
    CHECK_TEXT(attribution_version_string(), text);
}

static void statuses(void) {
    static const char *const names[] = {"ok",        "invalid_model", "invalid_input", "limit",
                                        "io",        "database",      "locked",        "cancelled",
                                        "internal",  "invalid_argument", "panic"};
    uint32_t number;
    CHECK_NUMBER(LENGTH(names), ATTRIBUTION_STATUS_PANIC + 1);
    for (number = 0; number < LENGTH(names); number++) {
        CHECK_TEXT(attribution_status_name(number), names[number]);
    }
    CHECK_TEXT(attribution_status_name((uint32_t)LENGTH(names)), "unknown");
    CHECK_TEXT(attribution_status_name(UINT32_MAX), "unknown");
    /* The numbers that programs were built with. */
    CHECK_NUMBER(ATTRIBUTION_STATUS_OK, 0);
    CHECK_NUMBER(ATTRIBUTION_STATUS_INVALID_ARGUMENT, 9);
    CHECK_NUMBER(ATTRIBUTION_KIND_LAST_TOUCH, 1);
    CHECK_NUMBER(ATTRIBUTION_KIND_ALGORITHMIC, 7);
    CHECK_NUMBER(ATTRIBUTION_SCOPE_ADGROUP, 6);
    CHECK_NUMBER(ATTRIBUTION_SCOPE_ANY, 255);
    CHECK_NUMBER(ATTRIBUTION_FORMAT_CSV, 1);
    CHECK_NUMBER(ATTRIBUTION_FORMAT_JSON_LINES, 3);
    CHECK_NUMBER(ATTRIBUTION_JOURNEY_KEY_NONE, 3);
    CHECK_NUMBER(ATTRIBUTION_MISSING_CLICK, UINT32_MAX);
    CHECK_NUMBER(ATTRIBUTION_SCOPES_ALL, 2147483648);
}

static void errors(void) {
    attribution_error *own = attribution_error_new();
    attribution_model *model = NULL;
    const char *place = NULL, *found = NULL, *allowed = NULL;
    CHECK(own != NULL);
    /* A new one says that nothing went wrong. */
    CHECK_NUMBER(attribution_error_code(own), ATTRIBUTION_STATUS_OK);
    CHECK_TEXT(attribution_error_message(own), "");
    CHECK_TEXT(attribution_error_place(own), "");
    CHECK_NUMBER(attribution_error_defects(own), 0);
    CHECK(!attribution_error_defect(own, 0, &place, &found, &allowed));
    CHECK_TEXT(place, "");
    CHECK_TEXT(found, "");
    CHECK_TEXT(allowed, "");
    /* One that was told something says it, and after a call that succeeds nothing. */
    CHECK_NUMBER(attribution_model_from_spec("time_decay:half_life_hours=0", &model, own),
                 ATTRIBUTION_STATUS_INVALID_MODEL);
    CHECK(model == NULL);
    CHECK_NUMBER(attribution_error_code(own), ATTRIBUTION_STATUS_INVALID_MODEL);
    CHECK_TEXT(attribution_error_place(own), "half_life_hours");
    CHECK(strstr(attribution_error_message(own), "half_life_hours") != NULL);
    CHECK_NUMBER(attribution_error_defects(own), 1);
    CHECK(attribution_error_defect(own, 0, &place, &found, &allowed));
    CHECK_TEXT(place, "half_life_hours");
    CHECK(strchr(found, '0') != NULL);
    CHECK(allowed[0] != 0);
    CHECK(attribution_error_defect(own, 0, NULL, NULL, NULL));
    CHECK_NUMBER(attribution_model_from_spec("linear", &model, own), ATTRIBUTION_STATUS_OK);
    CHECK_NUMBER(attribution_error_code(own), ATTRIBUTION_STATUS_OK);
    CHECK_TEXT(attribution_error_message(own), "");
    CHECK_TEXT(attribution_error_place(own), "");
    CHECK_NUMBER(attribution_error_defects(own), 0);
    attribution_model_free(&model);
    attribution_error_free(&own);
    CHECK(own == NULL);
    attribution_error_free(&own);
    CHECK(own == NULL);
}

/* ---------------------------------------------------------------- models */

static void models(void) {
    attribution_model_fields fields = ATTRIBUTION_MODEL_FIELDS_INIT;
    attribution_model *model = NULL, *again = NULL;
    static const char *const kinds[] = {"last_touch", "first_touch", "linear", NULL, NULL, "assisted"};
    uint32_t kind;

    for (kind = 1; kind <= LENGTH(kinds); kind++) {
        if (kinds[kind - 1] == NULL) {
            continue;
        }
        model = model_of(kinds[kind - 1]);
        CHECK_NUMBER(attribution_model_kind(model), kind);
        CHECK_TEXT(attribution_model_name(model), kinds[kind - 1]);
        fields.kind = kind;
        OK(attribution_model_from_fields(&fields, &again, error));
        CHECK_TEXT(attribution_model_json(again), attribution_model_json(model));
        attribution_model_free(&model);
        attribution_model_free(&again);
    }

    OK(attribution_model_from_json("{\"type\": \"time_decay\", \"weighting_config\": {\"half_life_hours\": \"48\"},"
                                   " \"name\": \"Two days\"}",
                                   &model, error));
    CHECK_NUMBER(attribution_model_kind(model), ATTRIBUTION_KIND_TIME_DECAY);
    CHECK_TEXT(attribution_model_name(model), "Two days");
    CHECK_TEXT(attribution_model_slug(model), "two-days");
    OK(attribution_model_from_json(attribution_model_json(model), &again, error));
    CHECK_TEXT(attribution_model_json(again), attribution_model_json(model));
    attribution_model_free(&again);
    again = model_of("Two days=time_decay:half_life_hours=48");
    CHECK_TEXT(attribution_model_json(again), attribution_model_json(model));
    attribution_model_free(&again);
    fields.kind = ATTRIBUTION_KIND_TIME_DECAY;
    fields.half_life_hours = 48;
    fields.name = "Two days";
    OK(attribution_model_from_fields(&fields, &again, error));
    CHECK_TEXT(attribution_model_json(again), attribution_model_json(model));
    attribution_model_free(&again);
    attribution_model_free(&model);

    fields.half_life_hours = 0;
    fields.kind = ATTRIBUTION_KIND_POSITION_BASED;
    fields.first_touch_weight = 0.1;
    fields.last_touch_weight = 0.7;
    fields.name = "Ends \xc3\xa9";
    fields.slug = "the_ends-1";
    OK(attribution_model_from_fields(&fields, &model, error));
    CHECK_NUMBER(attribution_model_kind(model), ATTRIBUTION_KIND_POSITION_BASED);
    CHECK_TEXT(attribution_model_name(model), "Ends \xc3\xa9");
    CHECK_TEXT(attribution_model_slug(model), "the_ends-1");
    /* Shares are the decimals that they are written as, not what lies nearest to them in binary. */
    CHECK(strstr(attribution_model_json(model), "0.1") != NULL);
    CHECK(strstr(attribution_model_json(model), "0.1000000000000000055") == NULL);
    attribution_model_free(&model);
    CHECK(model == NULL);
}

/* ---------------------------------------------------------------- batches and results */

static void touchpoints_are(const attribution_result *result, size_t model, size_t from, size_t count,
                            const uint64_t *click_ids, const double *credits, const uint32_t *stored,
                            const int64_t *revenues, const int64_t *costs) {
    attribution_touchpoints touchpoints = ATTRIBUTION_TOUCHPOINTS_INIT;
    size_t row;
    OK(attribution_result_touchpoints(result, model, &touchpoints, error));
    CHECK_NUMBER(touchpoints.size, sizeof touchpoints);
    if (!CHECK(touchpoints.length >= from + count)) {
        return;
    }
    for (row = 0; row < count; row++) {
        CHECK_NUMBER(touchpoints.click_ids[from + row], click_ids[row]);
        CHECK_REAL(touchpoints.credits[from + row], credits[row]);
        CHECK_NUMBER(touchpoints.stored_credits[from + row], stored[row]);
        CHECK_NUMBER(touchpoints.revenues[from + row], revenues[row]);
        CHECK_NUMBER(touchpoints.costs[from + row], costs[row]);
    }
}

typedef struct snapshot {
    uint32_t scope_type;
    uint64_t scope_id;
    uint32_t date_hour;
    uint64_t clicks, conversions, credited;
    int64_t revenue, cost;
} snapshot;

static void snapshots_are(const attribution_result *result, size_t model, const snapshot *expected, size_t count) {
    attribution_snapshots snapshots = ATTRIBUTION_SNAPSHOTS_INIT;
    size_t row;
    OK(attribution_result_snapshots(result, model, &snapshots, error));
    CHECK_NUMBER(snapshots.size, sizeof snapshots);
    if (!CHECK_NUMBER(snapshots.length, count)) {
        return;
    }
    for (row = 0; row < count; row++) {
        CHECK_NUMBER(snapshots.scope_types[row], expected[row].scope_type);
        CHECK_NUMBER(snapshots.scope_ids[row], expected[row].scope_id);
        CHECK_NUMBER(snapshots.date_hours[row], expected[row].date_hour);
        CHECK_NUMBER(snapshots.attributed_clicks[row], expected[row].clicks);
        CHECK_NUMBER(snapshots.attributed_conversions[row], expected[row].conversions);
        CHECK_NUMBER(snapshots.credited_conversions[row], expected[row].credited);
        CHECK_NUMBER(snapshots.revenues[row], expected[row].revenue);
        CHECK_NUMBER(snapshots.costs[row], expected[row].cost);
    }
}

/* Two results have the same columns, bit by bit. */
static void same_results(const attribution_result *left, const attribution_result *right) {
    size_t model;
    CHECK_NUMBER(attribution_result_models(left), attribution_result_models(right));
    for (model = 0; model < attribution_result_models(left); model++) {
        attribution_snapshots a = ATTRIBUTION_SNAPSHOTS_INIT, b = ATTRIBUTION_SNAPSHOTS_INIT;
        attribution_touchpoints c = ATTRIBUTION_TOUCHPOINTS_INIT, d = ATTRIBUTION_TOUCHPOINTS_INIT;
        CHECK_TEXT(attribution_result_model_name(left, model), attribution_result_model_name(right, model));
        OK(attribution_result_snapshots(left, model, &a, error));
        OK(attribution_result_snapshots(right, model, &b, error));
        OK(attribution_result_touchpoints(left, model, &c, error));
        OK(attribution_result_touchpoints(right, model, &d, error));
        if (!CHECK_NUMBER(a.length, b.length) || !CHECK_NUMBER(c.length, d.length)) {
            continue;
        }
#define SAME(one, other, rows) CHECK((rows) == 0 || memcmp((one), (other), (rows) * sizeof *(one)) == 0)
        SAME(a.scope_types, b.scope_types, a.length);
        SAME(a.scope_ids, b.scope_ids, a.length);
        SAME(a.date_hours, b.date_hours, a.length);
        SAME(a.attributed_clicks, b.attributed_clicks, a.length);
        SAME(a.attributed_conversions, b.attributed_conversions, a.length);
        SAME(a.credited_conversions, b.credited_conversions, a.length);
        SAME(a.revenues, b.revenues, a.length);
        SAME(a.costs, b.costs, a.length);
        SAME(c.conversions, d.conversions, c.length);
        SAME(c.click_ids, d.click_ids, c.length);
        SAME(c.positions, d.positions, c.length);
        SAME(c.credits, d.credits, c.length);
        SAME(c.stored_credits, d.stored_credits, c.length);
        SAME(c.revenues, d.revenues, c.length);
        SAME(c.costs, d.costs, c.length);
    }
}

static const snapshot linear_snapshots[] = {
    {ATTRIBUTION_SCOPE_CAMPAIGN, 7, 1717232400, 2, 1, 66667, 2333333, 466667},
    {ATTRIBUTION_SCOPE_CAMPAIGN, 8, 1717232400, 1, 1, 33333, 1166667, 233333},
    {ATTRIBUTION_SCOPE_CAMPAIGN, 8, 1717236000, 1, 1, 50000, -500000, 12500},
    {ATTRIBUTION_SCOPE_GLOBAL, 0, 1717232400, 3, 1, 100000, 3500000, 700000},
    {ATTRIBUTION_SCOPE_GLOBAL, 0, 1717236000, 2, 1, 100000, -1000000, 25000},
};

static void rows(void) {
    attribution_batch *batch = NULL;
    attribution_conversion conversion;
    attribution_touch touches[4];
    attribution_model *linear = model_of("linear");
    const attribution_model *models[1];
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    attribution_result *result = NULL;
    double credits[3] = {-1, -1, -1};
    static const uint64_t ids[] = {5, 6, 9};
    static const double third[] = {1.0 / 3, 1.0 / 3, 1.0 / 3};
    static const uint32_t stored[] = {33334, 33333, 33333};
    static const int64_t revenues[] = {333334, 333333, 333333};
    static const int64_t costs[] = {1, 1, 0};
    attribution_touchpoints touchpoints = ATTRIBUTION_TOUCHPOINTS_INIT;
    attribution_snapshots snapshots = ATTRIBUTION_SNAPSHOTS_INIT;

    models[0] = linear;
    options.touchpoints = 1;
    OK(attribution_batch_new(&batch, error));
    CHECK_NUMBER(attribution_batch_conversions(batch), 0);
    CHECK_NUMBER(attribution_batch_touches(batch), 0);
    /* Of no conversions there is nothing. */
    OK(attribution_calculate(models, 1, batch, &options, &result, error));
    CHECK_NUMBER(attribution_result_models(result), 1);
    OK(attribution_result_snapshots(result, 0, &snapshots, error));
    OK(attribution_result_touchpoints(result, 0, &touchpoints, error));
    CHECK_NUMBER(snapshots.length, 0);
    CHECK_NUMBER(touchpoints.length, 0);
    CHECK(snapshots.scope_types == NULL && snapshots.scope_ids == NULL && snapshots.costs == NULL);
    CHECK(touchpoints.conversions == NULL && touchpoints.credits == NULL && touchpoints.costs == NULL);
    attribution_result_free(&result);
    OK(attribution_credits(linear, batch, 1, NULL, 0, error));

    memset(&conversion, 0, sizeof conversion);
    memset(touches, 0, sizeof touches);
    /* Out of order, one of them twice, and without the converting click. */
    conversion.conversion_id = 1;
    conversion.conversion_time = 1000;
    conversion.payout = 1000000;
    conversion.cost = 2;
    conversion.click.click_id = 9;
    conversion.click.click_time = 900;
    touches[0].click_id = 6;
    touches[0].click_time = 800;
    touches[1].click_id = 5;
    touches[1].click_time = 700;
    touches[2] = touches[0];
    OK(attribution_batch_append(batch, &conversion, touches, 3, error));
    CHECK_NUMBER(attribution_batch_conversions(batch), 1);
    CHECK_NUMBER(attribution_batch_touches(batch), 3);
    OK(attribution_calculate(models, 1, batch, &options, &result, error));
    touchpoints_are(result, 0, 0, 3, ids, third, stored, revenues, costs);
    attribution_result_free(&result);
    OK(attribution_credits(linear, batch, 0, credits, 3, error));
    CHECK_REAL(credits[0], 1.0 / 3);
    CHECK_REAL(credits[2], 1.0 / 3);

    /* No touches at all: the converting click is the journey. */
    conversion.conversion_id = 2;
    OK(attribution_batch_append(batch, &conversion, NULL, 0, error));
    CHECK_NUMBER(attribution_batch_conversions(batch), 2);
    CHECK_NUMBER(attribution_batch_touches(batch), 4);
    attribution_batch_free(&batch);
    CHECK(batch == NULL);
    attribution_model_free(&linear);
}

static void calculation(void) {
    const attribution_columns columns = two_columns();
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    attribution_batch *batch = NULL;
    attribution_result *result = NULL, *again = NULL;
    attribution_model *own[8];
    const attribution_model *models[8];
    attribution_touchpoints touchpoints = ATTRIBUTION_TOUCHPOINTS_INIT;
    attribution_snapshots snapshots = ATTRIBUTION_SNAPSHOTS_INIT;
    double credits[5];
    size_t at;
    static const char *const specs[] = {"linear",
                                        "hour=time_decay:half_life_hours=1",
                                        "time_decay:half_life_hours=48",
                                        "position_based:first_touch_weight=0.4,last_touch_weight=0.4",
                                        "ends=position_based:first_touch_weight=0.1234567,last_touch_weight=0.8765433",
                                        "last_touch",
                                        "first_touch",
                                        "assisted"};
    static const uint64_t all[] = {2001, 2002, 2003};
    static const uint64_t second[] = {20, 21};
    static const uint64_t ends[] = {2001, 2003};

    for (at = 0; at < LENGTH(specs); at++) {
        models[at] = own[at] = model_of(specs[at]);
    }
    OK(attribution_batch_from_columns(&columns, &batch, error));
    CHECK_NUMBER(attribution_batch_conversions(batch), 2);
    CHECK_NUMBER(attribution_batch_touches(batch), 5);
    options.scopes = ATTRIBUTION_SCOPES_CAMPAIGN | ATTRIBUTION_SCOPES_GLOBAL;
    options.touchpoints = 1;
    OK(attribution_calculate(models, LENGTH(models), batch, &options, &result, error));
    CHECK_NUMBER(attribution_result_models(result), LENGTH(models));
    CHECK_TEXT(attribution_result_model_name(result, 0), "linear");
    CHECK_TEXT(attribution_result_model_name(result, 1), "hour");
    CHECK(attribution_result_model_name(result, LENGTH(models)) == NULL);
    {
        static const double of_all[] = {0.3333333333333333, 0.3333333333333333, 0.3333333333333333};
        static const uint32_t stored[] = {33334, 33333, 33333};
        static const int64_t revenues[] = {1166667, 1166667, 1166666}, costs[] = {233334, 233333, 233333};
        static const double half[] = {0.5, 0.5};
        static const uint32_t stored_half[] = {50000, 50000};
        static const int64_t refunds[] = {-500000, -500000}, half_costs[] = {12500, 12500};
        touchpoints_are(result, 0, 0, 3, all, of_all, stored, revenues, costs);
        touchpoints_are(result, 0, 3, 2, second, half, stored_half, refunds, half_costs);
        OK(attribution_result_touchpoints(result, 0, &touchpoints, error));
        CHECK_NUMBER(touchpoints.length, 5);
        CHECK_NUMBER(touchpoints.conversions[2], 0);
        CHECK_NUMBER(touchpoints.conversions[3], 1);
        CHECK_NUMBER(touchpoints.positions[2], 2);
        CHECK_NUMBER(touchpoints.positions[3], 0);
    }
    {
        static const double of_all[] = {0.14285714285714285, 0.2857142857142857, 0.5714285714285714};
        static const uint32_t stored[] = {14286, 28571, 57143};
        static const int64_t revenues[] = {500000, 1000000, 2000000}, costs[] = {100000, 200000, 400000};
        touchpoints_are(result, 1, 0, 3, all, of_all, stored, revenues, costs);
    }
    {
        static const double of_all[] = {0.32853156292599245, 0.33331016454629936, 0.3381582725277082};
        static const uint32_t stored[] = {32853, 33331, 33816};
        static const int64_t revenues[] = {1149860, 1166586, 1183554}, costs[] = {229972, 233317, 236711};
        touchpoints_are(result, 2, 0, 3, all, of_all, stored, revenues, costs);
    }
    {
        static const double of_all[] = {0.4, 0.2, 0.4};
        static const uint32_t stored[] = {40000, 20000, 40000};
        static const int64_t revenues[] = {1400000, 700000, 1400000}, costs[] = {280000, 140000, 280000};
        touchpoints_are(result, 3, 0, 3, all, of_all, stored, revenues, costs);
    }
    {
        static const double of_ends[] = {0.123457, 0.876543};
        static const uint32_t stored[] = {12346, 87654};
        static const int64_t revenues[] = {432100, 3067900}, costs[] = {86420, 613580};
        touchpoints_are(result, 4, 0, 2, ends, of_ends, stored, revenues, costs);
        OK(attribution_result_touchpoints(result, 4, &touchpoints, error));
        CHECK_NUMBER(touchpoints.positions[1], 2);
        CHECK_NUMBER(touchpoints.conversions[1], 0);
    }
    {
        static const double whole[] = {1.0};
        static const uint32_t stored[] = {100000};
        static const int64_t revenues[] = {3500000}, costs[] = {700000};
        touchpoints_are(result, 5, 0, 1, all + 2, whole, stored, revenues, costs);
        touchpoints_are(result, 6, 0, 1, all, whole, stored, revenues, costs);
    }
    {
        static const double half[] = {0.5, 0.5};
        static const uint32_t stored[] = {50000, 50000};
        static const int64_t revenues[] = {1750000, 1750000}, costs[] = {350000, 350000};
        touchpoints_are(result, 7, 0, 2, all, half, stored, revenues, costs);
    }
    snapshots_are(result, 0, linear_snapshots, LENGTH(linear_snapshots));

    /* The same from columns as they lie, and on several threads. */
    OK(attribution_calculate_columns(models, LENGTH(models), &columns, &options, &again, error));
    same_results(result, again);
    attribution_result_free(&again);
    options.threads = 3;
    OK(attribution_calculate(models, LENGTH(models), batch, &options, &again, error));
    same_results(result, again);
    attribution_result_free(&again);
    options.threads = 0;
    OK(attribution_calculate(models, LENGTH(models), batch, &options, &again, error));
    same_results(result, again);
    attribution_result_free(&again);
    attribution_result_free(&result);

    /* Each scope has its own column. */
    {
        static const struct {
            uint32_t bit, scope_type;
            uint64_t id;
        } scopes[] = {
            {ATTRIBUTION_SCOPES_ACCOUNT, ATTRIBUTION_SCOPE_ACCOUNT, 31},
            {ATTRIBUTION_SCOPES_LANDING_PAGE, ATTRIBUTION_SCOPE_LANDING_PAGE, 41},
            {ATTRIBUTION_SCOPES_ADVERTISER, ATTRIBUTION_SCOPE_ADVERTISER, 51},
            {ATTRIBUTION_SCOPES_TRAFFIC_SOURCE, ATTRIBUTION_SCOPE_TRAFFIC_SOURCE, 61},
            {ATTRIBUTION_SCOPES_ADGROUP, ATTRIBUTION_SCOPE_ADGROUP, 71},
        };
        for (at = 0; at < LENGTH(scopes); at++) {
            options.scopes = scopes[at].bit;
            options.touchpoints = 0;
            OK(attribution_calculate(models, 1, batch, &options, &result, error));
            OK(attribution_result_snapshots(result, 0, &snapshots, error));
            if (CHECK_NUMBER(snapshots.length, 2)) {
                CHECK_NUMBER(snapshots.scope_types[0], scopes[at].scope_type);
                CHECK_NUMBER(snapshots.scope_ids[0], scopes[at].id);
                CHECK_NUMBER(snapshots.revenues[0], 3500000);
            }
            attribution_result_free(&result);
        }
        options.scopes = ATTRIBUTION_SCOPES_NONE;
        options.touchpoints = 1;
        OK(attribution_calculate(models, 1, batch, &options, &result, error));
        OK(attribution_result_snapshots(result, 0, &snapshots, error));
        OK(attribution_result_touchpoints(result, 0, &touchpoints, error));
        CHECK_NUMBER(snapshots.length, 0);
        CHECK_NUMBER(touchpoints.length, 5);
        attribution_result_free(&result);
    }

    /* No model: a result without any. */
    OK(attribution_calculate(NULL, 0, batch, NULL, &result, error));
    CHECK_NUMBER(attribution_result_models(result), 0);
    attribution_result_free(&result);

    /* Credits: one for each touch, 0 where there is no weight. */
    OK(attribution_credits(models[1], batch, 2, credits, 5, error));
    CHECK_REAL(credits[0], 0.14285714285714285);
    CHECK_REAL(credits[2], 0.5714285714285714);
    OK(attribution_credits_columns(models[7], &columns, 1, credits, 5, error));
    CHECK_REAL(credits[0], 0.5);
    CHECK_REAL(credits[2], 0.0);
    CHECK_REAL(credits[3], 1.0);
    CHECK_REAL(credits[4], 0.0);

    attribution_batch_free(&batch);
    for (at = 0; at < LENGTH(specs); at++) {
        attribution_model_free(&own[at]);
    }
}

/* What an _INIT begins with means what NULL means. */
static void defaults(void) {
    const attribution_columns columns = two_columns();
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    attribution_model *linear = model_of("linear");
    const attribution_model *models[1];
    attribution_result *with = NULL, *without = NULL;
    attribution_touchpoints touchpoints = ATTRIBUTION_TOUCHPOINTS_INIT;
    models[0] = linear;
    CHECK_NUMBER(options.size, sizeof options);
    CHECK_NUMBER(options.scopes, ATTRIBUTION_SCOPES_GLOBAL);
    CHECK_NUMBER(options.threads, 1);
    CHECK_NUMBER(options.touchpoints, 0);
    OK(attribution_calculate_columns(models, 1, &columns, &options, &with, error));
    OK(attribution_calculate_columns(models, 1, &columns, NULL, &without, error));
    same_results(with, without);
    snapshots_are(without, 0, linear_snapshots + 3, 2);
    OK(attribution_result_touchpoints(without, 0, &touchpoints, error));
    CHECK_NUMBER(touchpoints.length, 0);
    attribution_result_free(&with);
    attribution_result_free(&without);
    attribution_model_free(&linear);
}

static void ungrouped(void) {
    /* The touches of two_columns(), shuffled; click 21 is left out and known by its time alone. */
    static const uint64_t conversion_ids[] = {2, 1, 1, 1};
    static const uint64_t click_ids[] = {20, 2003, 2001, 2002};
    static const uint32_t click_times[] = {1717200000, 1717232400, 1717225200, 1717228800};
    static const uint64_t campaign_ids[] = {8, 7, 7, 8};
    static const uint32_t converting_click_times[] = {0, 1717235000};
    attribution_conversion_columns conversions = ATTRIBUTION_CONVERSION_COLUMNS_INIT;
    attribution_touch_columns touches = ATTRIBUTION_TOUCH_COLUMNS_INIT;
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    const attribution_columns columns = two_columns();
    attribution_model *own[2];
    const attribution_model *models[2];
    attribution_result *grouped = NULL, *result = NULL;

    models[0] = own[0] = model_of("linear");
    models[1] = own[1] = model_of("time_decay:half_life_hours=48");
    LEND(conversions.conversion_ids, two_conversion_ids);
    LEND(conversions.converting_click_ids, two_converting_click_ids);
    LEND(conversions.conversion_times, two_conversion_times);
    LEND(conversions.payouts, two_payouts);
    LEND(conversions.costs, two_costs);
    LEND(conversions.converting_click_times, converting_click_times);
    LEND(touches.conversion_ids, conversion_ids);
    LEND(touches.click_ids, click_ids);
    LEND(touches.click_times, click_times);
    LEND(touches.campaign_ids, campaign_ids);
    options.scopes = ATTRIBUTION_SCOPES_CAMPAIGN | ATTRIBUTION_SCOPES_GLOBAL;
    options.touchpoints = 1;
    options.threads = 2;
    OK(attribution_calculate_columns(models, 2, &columns, &options, &grouped, error));
    OK(attribution_calculate_ungrouped(models, 2, &conversions, &touches, &options, &result, error));
    same_results(grouped, result);
    snapshots_are(result, 0, linear_snapshots, LENGTH(linear_snapshots));
    attribution_result_free(&result);
    attribution_result_free(&grouped);
    attribution_model_free(&own[0]);
    attribution_model_free(&own[1]);
}

static void journeys(void) {
    /* Visitors 5 and 5 + 2^64 differ in the upper half alone. Click 14 is filtered. */
    static const uint64_t click_ids[] = {11, 12, 13, 14, 15, 16};
    static const uint32_t click_times[] = {1000, 2000, 3000, 3500, 4000, 4500};
    static const uint64_t visitors[] = {5, 5, 5, 5, 5, 5};
    static const uint64_t visitors_high[] = {0, 0, 0, 0, 0, 1};
    static const int64_t click_costs[] = {10, 20, 30, 40, 50, 60};
    static const uint8_t filtered[] = {0, 0, 0, 1, 0, 0};
    static const uint64_t campaign_ids[] = {7, 7, 8, 7, 7, 7};
    /* The second has a campaign and a cost of its own; the third's click is not among the clicks. */
    static const uint64_t conversion_ids[] = {1, 2, 3};
    static const uint64_t converting_ids[] = {15, 15, 99};
    static const uint32_t conversion_times[] = {5000, 5000, 5000};
    static const int64_t payouts[] = {300000, 100000, 70000};
    static const int64_t costs[] = {0, 9, 0};
    static const uint8_t costs_present[] = {0, 1, 0};
    static const uint64_t own_campaigns[] = {0, 8, 0};
    static const uint8_t own_campaigns_present[] = {0, 1, 0};
    static const uint32_t own_times[] = {0, 0, 4444};
    static const uint8_t own_times_present[] = {0, 0, 1};
    static const size_t offsets[] = {0, 3, 5, 6};
    static const uint32_t expected[] = {0, 1, 4, 2, 4, ATTRIBUTION_MISSING_CLICK};
    attribution_clicks clicks = ATTRIBUTION_CLICKS_INIT;
    attribution_conversions conversions = ATTRIBUTION_CONVERSIONS_INIT;
    attribution_journey_options options = ATTRIBUTION_JOURNEY_OPTIONS_INIT;
    attribution_journeys *assembled = NULL;
    attribution_journey_columns columns = ATTRIBUTION_JOURNEY_COLUMNS_INIT;
    attribution_batch *batch = NULL;
    attribution_model *linear = model_of("linear");
    const attribution_model *models[1];
    attribution_engine_options engine = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    attribution_result *result = NULL;
    int with_options;
    size_t row;

    LEND(clicks.click_ids, click_ids);
    LEND(clicks.click_times, click_times);
    LEND(clicks.visitors, visitors);
    LEND(clicks.visitors_high, visitors_high);
    LEND(clicks.costs, click_costs);
    LEND(clicks.filtered, filtered);
    LEND(clicks.campaign_ids, campaign_ids);
    LEND(conversions.conversion_ids, conversion_ids);
    LEND(conversions.click_ids, converting_ids);
    LEND(conversions.conversion_times, conversion_times);
    LEND(conversions.payouts, payouts);
    LEND(conversions.costs, costs);
    LEND(conversions.costs_present, costs_present);
    LEND(conversions.campaign_ids, own_campaigns);
    LEND(conversions.campaign_ids_present, own_campaigns_present);
    LEND(conversions.click_times, own_times);
    LEND(conversions.click_times_present, own_times_present);
    CHECK_NUMBER(options.key, ATTRIBUTION_JOURNEY_KEY_VISITOR_CAMPAIGN);
    CHECK_NUMBER(options.lookback_seconds, 2592000);
    CHECK_NUMBER(options.max_touches, 25);
    /* The defaults of its _INIT are those of NULL. */
    for (with_options = 0; with_options < 2; with_options++) {
        attribution_journeys_free(&assembled);
        OK(attribution_journeys_assemble(&clicks, &conversions, with_options ? &options : NULL, &assembled, error));
        OK(attribution_journeys_columns(assembled, &columns, error));
        CHECK_NUMBER(columns.size, sizeof columns);
        CHECK_NUMBER(columns.conversions, 3);
        if (CHECK_NUMBER(columns.touches, LENGTH(expected))) {
            for (row = 0; row < LENGTH(expected); row++) {
                CHECK_NUMBER(columns.rows[row], expected[row]);
            }
            for (row = 0; row < LENGTH(offsets); row++) {
                CHECK_NUMBER(columns.offsets[row], offsets[row]);
            }
        }
    }
    OK(attribution_journeys_batch(assembled, ATTRIBUTION_SCOPES_CAMPAIGN, &batch, error));
    attribution_journeys_free(&assembled);
    CHECK(assembled == NULL);
    CHECK_NUMBER(attribution_batch_conversions(batch), 3);
    CHECK_NUMBER(attribution_batch_touches(batch), 6);
    models[0] = linear;
    engine.touchpoints = 1;
    engine.scopes = ATTRIBUTION_SCOPES_CAMPAIGN;
    OK(attribution_calculate(models, 1, batch, &engine, &result, error));
    {
        static const uint64_t first[] = {11, 12, 15}, second[] = {13, 15}, third[] = {99};
        static const double thirds[] = {1.0 / 3, 1.0 / 3, 1.0 / 3}, halves[] = {0.5, 0.5}, whole[] = {1};
        static const uint32_t stored[] = {33334, 33333, 33333}, half[] = {50000, 50000}, all[] = {100000};
        static const int64_t revenues[] = {100000, 100000, 100000}, second_revenues[] = {50000, 50000},
                             third_revenues[] = {70000};
        /* 50 of click 15, 9 of the conversion's own, and nothing where neither is known. */
        static const int64_t first_costs[] = {17, 17, 16}, second_costs[] = {5, 4}, third_costs[] = {0};
        touchpoints_are(result, 0, 0, 3, first, thirds, stored, revenues, first_costs);
        touchpoints_are(result, 0, 3, 2, second, halves, half, second_revenues, second_costs);
        touchpoints_are(result, 0, 5, 1, third, whole, all, third_revenues, third_costs);
    }
    attribution_result_free(&result);
    attribution_batch_free(&batch);

    /* Other options have other journeys. */
    options.key = ATTRIBUTION_JOURNEY_KEY_NONE;
    OK(attribution_journeys_assemble(&clicks, &conversions, &options, &assembled, error));
    OK(attribution_journeys_columns(assembled, &columns, error));
    CHECK_NUMBER(columns.touches, 3);
    attribution_journeys_free(&assembled);
    options.key = ATTRIBUTION_JOURNEY_KEY_VISITOR;
    options.max_touches = 2;
    OK(attribution_journeys_assemble(&clicks, &conversions, &options, &assembled, error));
    OK(attribution_journeys_columns(assembled, &columns, error));
    if (CHECK_NUMBER(columns.touches, 5)) {
        CHECK_NUMBER(columns.rows[0], 2);
        CHECK_NUMBER(columns.rows[1], 4);
    }
    attribution_journeys_free(&assembled);
    options.key = ATTRIBUTION_JOURNEY_KEY_CAMPAIGN;
    options.max_touches = 25;
    options.lookback_seconds = 1000;
    OK(attribution_journeys_assemble(&clicks, &conversions, &options, &assembled, error));
    OK(attribution_journeys_columns(assembled, &columns, error));
    if (CHECK(columns.touches >= 2)) {
        CHECK_NUMBER(columns.rows[0], 4);
        CHECK_NUMBER(columns.rows[1], 5);
        CHECK_NUMBER(columns.offsets[1], 2);
    }
    attribution_journeys_free(&assembled);

    /* Nothing of nothing. */
    {
        attribution_clicks no_clicks = ATTRIBUTION_CLICKS_INIT;
        attribution_conversions none = ATTRIBUTION_CONVERSIONS_INIT;
        OK(attribution_journeys_assemble(&no_clicks, &none, NULL, &assembled, error));
        OK(attribution_journeys_columns(assembled, &columns, error));
        CHECK_NUMBER(columns.conversions, 0);
        CHECK_NUMBER(columns.touches, 0);
        CHECK(columns.rows == NULL);
        CHECK(columns.offsets != NULL && columns.offsets[0] == 0);
        attribution_journeys_free(&assembled);
    }
    attribution_model_free(&linear);
}

/* ---------------------------------------------------------------- exports */

static attribution_result *two_results(uint32_t scopes, uint8_t touchpoints) {
    const attribution_columns columns = two_columns();
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    attribution_model *own[2];
    const attribution_model *models[2];
    attribution_result *result = NULL;
    models[0] = own[0] = model_of("linear");
    models[1] = own[1] = model_of("last_touch");
    options.scopes = scopes;
    options.touchpoints = touchpoints;
    OK(attribution_calculate_columns(models, 2, &columns, &options, &result, error));
    /* Results do not need the models. */
    attribution_model_free(&own[0]);
    attribution_model_free(&own[1]);
    return result;
}

static size_t files_in(const char *folder) {
    DIR *opened = opendir(folder);
    size_t count = 0;
    struct dirent *entry;
    if (!CHECK(opened != NULL)) {
        return 0;
    }
    while ((entry = readdir(opened)) != NULL) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(opened);
    return count;
}

static int has_bytes(const char *path, const bytes *expected) {
    FILE *file = fopen(path, "rb");
    uint8_t *found = (uint8_t *)malloc(expected->length + 2);
    size_t length;
    int same;
    if (file == NULL || found == NULL) {
        if (file != NULL) {
            fclose(file);
        }
        free(found);
        return 0;
    }
    length = fread(found, 1, expected->length + 2, file);
    same = length == expected->length && memcmp(found, expected->data, length) == 0;
    fclose(file);
    free(found);
    return same;
}

static const char csv_export[] =
    "Date (UTC),Model,Scope,Scope id,Attributed clicks,Attributed conversions,Credited conversions,Revenue,Cost,"
    "Profit,ROI %\n"
    "2024-06-01 09:00:00,linear,campaign,7,2,1,0.6667,23.3333,4.6667,18.6667,400.00\n"
    "2024-06-01 09:00:00,linear,campaign,8,1,1,0.3333,11.6667,2.3333,9.3333,400.00\n"
    "2024-06-01 10:00:00,linear,campaign,8,1,1,0.5000,-5.0000,0.1250,-5.1250,-4100.00\n"
    "2024-06-01 09:00:00,linear,global,,3,1,1.0000,35.0000,7.0000,28.0000,400.00\n"
    "2024-06-01 10:00:00,linear,global,,2,1,1.0000,-10.0000,0.2500,-10.2500,-4100.00\n"
    "2024-06-01 09:00:00,last_touch,campaign,7,1,1,1.0000,35.0000,7.0000,28.0000,400.00\n"
    "2024-06-01 09:00:00,last_touch,global,,1,1,1.0000,35.0000,7.0000,28.0000,400.00\n"
    "2024-06-01 10:00:00,last_touch,global,,1,1,1.0000,-10.0000,0.2500,-10.2500,-4100.00\n";

static void exports(const char *folder) {
    static const uint32_t formats[] = {ATTRIBUTION_FORMAT_CSV, ATTRIBUTION_FORMAT_XLSX, ATTRIBUTION_FORMAT_JSON_LINES};
    attribution_result *result =
        two_results(ATTRIBUTION_SCOPES_CAMPAIGN | ATTRIBUTION_SCOPES_GLOBAL, 0);
    char path[512], blocked[600];
    size_t at;
    struct stat about;

    for (at = 0; at < LENGTH(formats); at++) {
        bytes whole = {NULL, 0, 0, 0, 0};
        uint64_t count = 99;
        OK(attribution_result_export(result, formats[at], take_bytes, &whole, &count, error));
        CHECK_NUMBER(count, 8);
        CHECK(whole.length > 0);
        if (formats[at] == ATTRIBUTION_FORMAT_XLSX) {
            CHECK(whole.length > 2 && memcmp(whole.data, "PK", 2) == 0);
        } else {
            const char *text = (const char *)whole.data, *line = text;
            size_t lines = 0;
            while ((line = strchr(line, '\n')) != NULL) {
                lines++, line++;
            }
            CHECK_NUMBER(lines, formats[at] == ATTRIBUTION_FORMAT_CSV ? 9 : 8);
            if (formats[at] == ATTRIBUTION_FORMAT_CSV) {
                CHECK_TEXT(text, csv_export);
            }
        }
        snprintf(path, sizeof path, "%s/export-%zu", folder, at);
        if (formats[at] != ATTRIBUTION_FORMAT_XLSX) {
            OK(attribution_result_export_file(result, formats[at], path, NULL, error));
            CHECK(has_bytes(path, &whole));
            /* Over what is there. */
            count = 99;
            OK(attribution_result_export_file(result, formats[at], path, &count, error));
            CHECK_NUMBER(count, 8);
            CHECK(has_bytes(path, &whole));
        } else {
            /* Two workbooks may differ in the time that they were made at. */
            OK(attribution_result_export_file(result, formats[at], path, &count, error));
            CHECK_NUMBER(count, 8);
            CHECK(stat(path, &about) == 0 && about.st_size > 1000);
        }
        CHECK(stat(path, &about) == 0 && S_ISREG(about.st_mode));
        /* Nothing is left beside it. */
        CHECK_NUMBER(files_in(folder), at + 1);
        free(whole.data);
    }

    /* What fails leaves what was there, and nothing else. */
    for (at = 0; at < LENGTH(formats); at++) {
        uint64_t count = 99;
        snprintf(blocked, sizeof blocked, "%s/export-0/below-a-file", folder);
        CHECK_STATUS(attribution_result_export_file(result, formats[at], blocked, &count, error),
                     ATTRIBUTION_STATUS_IO);
        CHECK_NUMBER(count, 0);
        CHECK(strstr(attribution_error_message(error), "export-0/below-a-file") != NULL);
        CHECK_STATUS(attribution_result_export_file(result, formats[at], folder, NULL, error), ATTRIBUTION_STATUS_IO);
        snprintf(blocked, sizeof blocked, "%s/no-such-folder/export", folder);
        CHECK_STATUS(attribution_result_export_file(result, formats[at], blocked, NULL, error), ATTRIBUTION_STATUS_IO);
        CHECK_STATUS(attribution_result_export_file(result, formats[at], "/", NULL, error), ATTRIBUTION_STATUS_IO);
        /* A path without a name of a file. */
        CHECK_STATUS(attribution_result_export_file(result, formats[at], "", NULL, error),
                     ATTRIBUTION_STATUS_INVALID_INPUT);
        CHECK_TEXT(attribution_error_place(error), "path");
        CHECK_NUMBER(files_in(folder), LENGTH(formats));
    }

    /* A name without a folder is in the folder that the process is in. */
    {
        char before[4096];
        if (CHECK(getcwd(before, sizeof before) != NULL) && CHECK(chdir(folder) == 0)) {
            OK(attribution_result_export_file(result, ATTRIBUTION_FORMAT_CSV, "relative", NULL, error));
            CHECK_NUMBER(files_in("."), LENGTH(formats) + 1);
            CHECK(unlink("relative") == 0);
            CHECK(chdir(before) == 0);
        }
    }
    for (at = 0; at < LENGTH(formats); at++) {
        snprintf(path, sizeof path, "%s/export-%zu", folder, at);
        CHECK(unlink(path) == 0);
    }
    attribution_result_free(&result);
}

static void failing_callbacks(void) {
    /* Enough rows for several calls: a snapshot for each of many hours. */
    enum { HOURS = 3000 };
    static const uint32_t formats[] = {ATTRIBUTION_FORMAT_CSV, ATTRIBUTION_FORMAT_XLSX, ATTRIBUTION_FORMAT_JSON_LINES};
    attribution_batch *batch = NULL;
    attribution_conversion conversion;
    attribution_model *linear = model_of("linear");
    const attribution_model *models[1];
    attribution_result *result = NULL;
    size_t at;
    uint32_t hour;
    memset(&conversion, 0, sizeof conversion);
    OK(attribution_batch_new(&batch, error));
    for (hour = 0; hour < HOURS; hour++) {
        conversion.conversion_id = hour + 1;
        conversion.conversion_time = hour * 3600;
        conversion.payout = 123456789;
        conversion.click.click_id = hour + 1;
        if (attribution_batch_append(batch, &conversion, NULL, 0, error) != ATTRIBUTION_STATUS_OK) {
            CHECK(!"append");
        }
    }
    models[0] = linear;
    OK(attribution_calculate(models, 1, batch, NULL, &result, error));
    for (at = 0; at < LENGTH(formats); at++) {
        bytes whole = {NULL, 0, 0, 0, 0};
        int call;
        uint64_t count = 0;
        OK(attribution_result_export(result, formats[at], take_bytes, &whole, &count, error));
        CHECK_NUMBER(count, HOURS);
        CHECK(whole.calls > 1);
        for (call = 1; call <= whole.calls; call += call < 4 ? 1 : (whole.calls + 3) / 4) {
            bytes part = {NULL, 0, 0, 0, 0};
            part.fails_at = call;
            count = 99;
            CHECK_STATUS(attribution_result_export(result, formats[at], take_bytes, &part, &count, error),
                         ATTRIBUTION_STATUS_IO);
            /* It is not called again, and what it took is where the whole begins. */
            CHECK_NUMBER(part.calls, call);
            CHECK_NUMBER(count, 0);
            CHECK(strstr(attribution_error_message(error), "-7") != NULL);
            if (formats[at] != ATTRIBUTION_FORMAT_XLSX && part.length > 0) {
                CHECK(part.length < whole.length && memcmp(part.data, whole.data, part.length) == 0);
            }
            free(part.data);
        }
        /* The last call may fail, too: what comes late is not lost. */
        {
            bytes part = {NULL, 0, 0, 0, 0};
            part.fails_at = whole.calls;
            CHECK_STATUS(attribution_result_export(result, formats[at], take_bytes, &part, NULL, error),
                         ATTRIBUTION_STATUS_IO);
            CHECK_NUMBER(part.calls, whole.calls);
            free(part.data);
        }
        free(whole.data);
    }
    attribution_result_free(&result);
    attribution_batch_free(&batch);
    attribution_model_free(&linear);
}

/* ---------------------------------------------------------------- Arrow */

static const struct ArrowSchema *child_named(const struct ArrowSchema *schema, const char *name, int64_t *at) {
    for (*at = 0; *at < schema->n_children; ++*at) {
        if (strcmp(schema->children[*at]->name, name) == 0) {
            return schema->children[*at];
        }
    }
    return NULL;
}

/* The column of a name, whose format is as told. */
static const struct ArrowArray *column_of(const struct ArrowSchema *schema, const struct ArrowArray *array,
                                          const char *name, const char *format) {
    int64_t at;
    const struct ArrowSchema *child = child_named(schema, name, &at);
    if (!CHECK(child != NULL)) {
        fprintf(stderr, "    no column %s\n", name);
        return NULL;
    }
    CHECK_TEXT(child->format, format);
    CHECK_NUMBER(array->n_children, schema->n_children);
    CHECK(child->release != NULL && array->children[at]->release != NULL);
    CHECK_NUMBER(array->children[at]->offset, 0);
    return array->children[at];
}

static uint64_t u64_at(const struct ArrowArray *column, int64_t row) {
    return ((const uint64_t *)column->buffers[1])[column->offset + row];
}

/* The lower half of a decimal, whose upper half is to be its sign. */
static int64_t decimal_at(const struct ArrowArray *column, int64_t row) {
    int64_t halves[2];
    memcpy(halves, (const char *)column->buffers[1] + 16 * (column->offset + row), sizeof halves);
    CHECK_NUMBER(halves[1], halves[0] < 0 ? -1 : 0);
    return halves[0];
}

static int is_null(const struct ArrowArray *column, int64_t row) {
    const uint8_t *bitmap = (const uint8_t *)column->buffers[0];
    row += column->offset;
    return bitmap != NULL && !(bitmap[row / 8] >> (row % 8) & 1);
}

static void dictionary_text_is(const struct ArrowArray *column, int64_t row, const char *expected) {
    const struct ArrowArray *values = column->dictionary;
    if (!CHECK(values != NULL)) {
        return;
    }
    {
        const int32_t at = ((const int32_t *)column->buffers[1])[column->offset + row];
        const int32_t *offsets = (const int32_t *)values->buffers[1];
        const char *text = (const char *)values->buffers[2] + offsets[at];
        const size_t length = (size_t)(offsets[at + 1] - offsets[at]);
        CHECK_NUMBER(values->n_buffers, 3);
        CHECK(at >= 0 && at < values->length);
        CHECK(length == strlen(expected) && memcmp(text, expected, length) == 0);
    }
}

static void released(const struct ArrowArray *array, const struct ArrowSchema *schema) {
    CHECK(array->release == NULL);
    CHECK(schema->release == NULL);
}

static void arrow_batches(void) {
    const attribution_columns columns = two_columns();
    attribution_batch *batch = NULL, *again = NULL;
    attribution_model *linear = model_of("linear");
    const attribution_model *models[1];
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    attribution_result *before = NULL, *after = NULL;
    struct ArrowArray array, moved;
    struct ArrowSchema schema;

    models[0] = linear;
    options.scopes = 127;
    options.touchpoints = 1;
    OK(attribution_batch_from_columns(&columns, &batch, error));
    OK(attribution_calculate(models, 1, batch, &options, &before, error));
    /* Whatever is in the structs is overwritten. */
    memset(&array, 0x5a, sizeof array);
    memset(&schema, 0x5a, sizeof schema);
    OK(attribution_batch_to_arrow(batch, &array, &schema, error));
    /* It is a copy. */
    attribution_batch_free(&batch);
    CHECK_TEXT(schema.format, "+s");
    CHECK_NUMBER(array.length, 2);
    CHECK_NUMBER(array.null_count, 0);
    CHECK_NUMBER(array.n_buffers, 1);
    CHECK_NUMBER(schema.n_children, 6);
    {
        const struct ArrowArray *column = column_of(&schema, &array, "conversion_id", "L");
        int64_t at;
        const struct ArrowSchema *touches_schema = child_named(&schema, "touches", &at);
        CHECK_NUMBER(u64_at(column, 0), 1);
        CHECK_NUMBER(u64_at(column, 1), 2);
        column = column_of(&schema, &array, "converting_click_id", "L");
        CHECK_NUMBER(u64_at(column, 1), 21);
        column = column_of(&schema, &array, "conversion_time", "I");
        CHECK_NUMBER(((const uint32_t *)column->buffers[1])[1], 1717236059);
        column = column_of(&schema, &array, "payout", "d:19,5");
        CHECK_NUMBER(decimal_at(column, 0), 3500000);
        CHECK_NUMBER(decimal_at(column, 1), -1000000);
        column = column_of(&schema, &array, "cost", "d:19,5");
        CHECK_NUMBER(decimal_at(column, 1), 25000);
        column = column_of(&schema, &array, "touches", "+L");
        CHECK_NUMBER(((const int64_t *)column->buffers[1])[1], 3);
        CHECK_NUMBER(((const int64_t *)column->buffers[1])[2], 5);
        if (CHECK(touches_schema != NULL && touches_schema->n_children == 1)) {
            const struct ArrowSchema *item_schema = touches_schema->children[0];
            const struct ArrowArray *item = column->children[0];
            CHECK_TEXT(item_schema->format, "+s");
            CHECK_NUMBER(item->length, 5);
            CHECK_NUMBER(item_schema->n_children, 8);
            column = column_of(item_schema, item, "click_id", "L");
            CHECK_NUMBER(u64_at(column, 3), 20);
            column = column_of(item_schema, item, "click_time", "I");
            CHECK_NUMBER(((const uint32_t *)column->buffers[1])[4], 1717235000);
            /* No campaign is null. */
            column = column_of(item_schema, item, "campaign_id", "L");
            CHECK_NUMBER(column->null_count, 1);
            CHECK_NUMBER(u64_at(column, 3), 8);
            CHECK(!is_null(column, 3));
            CHECK(is_null(column, 4));
            column = column_of(item_schema, item, "account_id", "L");
            CHECK_NUMBER(u64_at(column, 0), 31);
            column = column_of(item_schema, item, "landing_page_id", "L");
            CHECK_NUMBER(u64_at(column, 0), 41);
            column = column_of(item_schema, item, "advertiser_id", "L");
            CHECK_NUMBER(u64_at(column, 0), 51);
            column = column_of(item_schema, item, "traffic_source_id", "L");
            CHECK_NUMBER(u64_at(column, 0), 61);
            column = column_of(item_schema, item, "adgroup_id", "L");
            CHECK_NUMBER(u64_at(column, 0), 71);
        }
    }
    /* A struct may be moved, as Arrow says. */
    moved = array;
    array.release = NULL;
    OK(attribution_batch_from_arrow(&moved, &schema, &again, error));
    released(&moved, &schema);
    CHECK_NUMBER(attribution_batch_conversions(again), 2);
    CHECK_NUMBER(attribution_batch_touches(again), 5);
    OK(attribution_calculate(models, 1, again, &options, &after, error));
    same_results(before, after);
    attribution_batch_free(&again);
    attribution_result_free(&after);
    attribution_result_free(&before);
    attribution_model_free(&linear);
}

/* A stream of our own that has some arrays, each made by the library. */
typedef struct own_stream {
    struct ArrowSchema schema;
    struct ArrowArray arrays[3];
    size_t count, next;
    size_t fails_at;
    int *releases;
} own_stream;

static int own_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
    own_stream *own = (own_stream *)stream->private_data;
    *out = own->schema;
    own->schema.release = NULL;
    return 0;
}

static int own_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
    own_stream *own = (own_stream *)stream->private_data;
    if (own->next == own->fails_at) {
        return 42;
    }
    if (own->next == own->count) {
        memset(out, 0, sizeof *out);
        return 0;
    }
    *out = own->arrays[own->next];
    own->arrays[own->next++].release = NULL;
    return 0;
}

static const char *own_get_last_error(struct ArrowArrayStream *stream) {
    (void)stream;
    return "the well is dry";
}

static void own_release(struct ArrowArrayStream *stream) {
    own_stream *own = (own_stream *)stream->private_data;
    size_t at;
    if (own->schema.release != NULL) {
        own->schema.release(&own->schema);
    }
    for (at = 0; at < own->count; at++) {
        if (own->arrays[at].release != NULL) {
            own->arrays[at].release(&own->arrays[at]);
        }
    }
    ++*own->releases;
    free(own);
    stream->release = NULL;
}

static void stream_of(struct ArrowArrayStream *stream, size_t count, size_t fails_at, int *releases) {
    const attribution_columns columns = two_columns();
    own_stream *own = (own_stream *)calloc(1, sizeof *own);
    attribution_batch *batch = NULL;
    size_t at;
    if (own == NULL) {
        abort();
    }
    OK(attribution_batch_from_columns(&columns, &batch, error));
    for (at = 0; at < (count == 0 ? 1 : count); at++) {
        if (own->schema.release != NULL) {
            own->schema.release(&own->schema);
        }
        OK(attribution_batch_to_arrow(batch, &own->arrays[at], &own->schema, error));
    }
    if (count == 0) {
        own->arrays[0].release(&own->arrays[0]);
    }
    attribution_batch_free(&batch);
    own->count = count;
    own->fails_at = fails_at;
    own->releases = releases;
    stream->get_schema = own_get_schema;
    stream->get_next = own_get_next;
    stream->get_last_error = own_get_last_error;
    stream->release = own_release;
    stream->private_data = own;
}

static void arrow_streams_in(void) {
    size_t count;
    for (count = 0; count <= 3; count++) {
        struct ArrowArrayStream stream;
        attribution_batch *batch = NULL;
        int releases = 0;
        stream_of(&stream, count, 9, &releases);
        OK(attribution_batch_from_arrow_stream(&stream, &batch, error));
        CHECK(stream.release == NULL);
        CHECK_NUMBER(releases, 1);
        CHECK_NUMBER(attribution_batch_conversions(batch), 2 * count);
        CHECK_NUMBER(attribution_batch_touches(batch), 5 * count);
        attribution_batch_free(&batch);
    }
    for (count = 0; count < 2; count++) {
        struct ArrowArrayStream stream;
        attribution_batch *batch = NULL;
        int releases = 0;
        stream_of(&stream, 2, count, &releases);
        CHECK_STATUS(attribution_batch_from_arrow_stream(&stream, &batch, error), ATTRIBUTION_STATUS_INVALID_INPUT);
        CHECK(batch == NULL);
        CHECK(stream.release == NULL);
        CHECK_NUMBER(releases, 1);
        CHECK_TEXT(attribution_error_place(error), "stream");
        CHECK(strstr(attribution_error_message(error), "42") != NULL);
        CHECK(strstr(attribution_error_message(error), "the well is dry") != NULL);
    }
}

static void snapshot_columns_are(const struct ArrowSchema *schema, const struct ArrowArray *array,
                                 const char *model, const snapshot *expected, int64_t count) {
    static const char *const scopes[] = {"global",         "campaign",     "account", "advertiser",
                                         "traffic_source", "landing_page", "adgroup"};
    const struct ArrowArray *column;
    int64_t row, at;
    CHECK_TEXT(schema->format, "+s");
    CHECK_NUMBER(schema->n_children, 9);
    if (!CHECK_NUMBER(array->length, count)) {
        return;
    }
    for (row = 0; row < count; row++) {
        column = column_of(schema, array, "model", "i");
        dictionary_text_is(column, row, model);
        column = column_of(schema, array, "scope_type", "i");
        dictionary_text_is(column, row, scopes[expected[row].scope_type]);
        column = column_of(schema, array, "scope_id", "L");
        CHECK_NUMBER(is_null(column, row), expected[row].scope_type == ATTRIBUTION_SCOPE_GLOBAL);
        if (!is_null(column, row)) {
            CHECK_NUMBER(u64_at(column, row), expected[row].scope_id);
        }
        column = column_of(schema, array, "date_hour", "l");
        CHECK_NUMBER(u64_at(column, row), expected[row].date_hour);
        column = column_of(schema, array, "attributed_clicks", "L");
        CHECK_NUMBER(u64_at(column, row), expected[row].clicks);
        column = column_of(schema, array, "attributed_conversions", "L");
        CHECK_NUMBER(u64_at(column, row), expected[row].conversions);
        column = column_of(schema, array, "credited_conversions", "d:19,5");
        CHECK_NUMBER(decimal_at(column, row), expected[row].credited);
        column = column_of(schema, array, "attributed_revenue", "d:19,5");
        CHECK_NUMBER(decimal_at(column, row), expected[row].revenue);
        column = column_of(schema, array, "attributed_cost", "d:19,5");
        CHECK_NUMBER(decimal_at(column, row), expected[row].cost);
    }
    CHECK(child_named(schema, "model", &at) != NULL);
    CHECK(schema->children[at]->dictionary != NULL);
    CHECK_TEXT(schema->children[at]->dictionary->format, "u");
    /* That there may be nulls is said of the column that has them, and of no other. */
    CHECK(child_named(schema, "scope_id", &at) != NULL);
    CHECK_NUMBER(schema->children[at]->flags & ARROW_FLAG_NULLABLE, ARROW_FLAG_NULLABLE);
    CHECK(child_named(schema, "date_hour", &at) != NULL);
    CHECK_NUMBER(schema->children[at]->flags & ARROW_FLAG_NULLABLE, 0);
}

static void touchpoint_columns_are(const struct ArrowSchema *schema, const struct ArrowArray *array) {
    static const uint64_t click_ids[] = {2001, 2002, 2003, 20, 21};
    static const uint64_t conversion_ids[] = {1, 1, 1, 2, 2};
    static const uint32_t positions[] = {0, 1, 2, 0, 1};
    static const double credits[] = {1.0 / 3, 1.0 / 3, 1.0 / 3, 0.5, 0.5};
    static const int64_t stored[] = {33334, 33333, 33333, 50000, 50000};
    static const int64_t revenues[] = {1166667, 1166667, 1166666, -500000, -500000};
    static const int64_t costs[] = {233334, 233333, 233333, 12500, 12500};
    const struct ArrowArray *column;
    int64_t row;
    CHECK_NUMBER(schema->n_children, 8);
    if (!CHECK_NUMBER(array->length, 5)) {
        return;
    }
    for (row = 0; row < 5; row++) {
        column = column_of(schema, array, "model", "i");
        dictionary_text_is(column, row, "linear");
        column = column_of(schema, array, "conversion_id", "L");
        CHECK_NUMBER(u64_at(column, row), conversion_ids[row]);
        column = column_of(schema, array, "click_id", "L");
        CHECK_NUMBER(u64_at(column, row), click_ids[row]);
        column = column_of(schema, array, "position", "I");
        CHECK_NUMBER(((const uint32_t *)column->buffers[1])[row], positions[row]);
        column = column_of(schema, array, "credit", "g");
        CHECK_REAL(((const double *)column->buffers[1])[row], credits[row]);
        column = column_of(schema, array, "stored_credit", "d:19,5");
        CHECK_NUMBER(decimal_at(column, row), stored[row]);
        column = column_of(schema, array, "revenue", "d:19,5");
        CHECK_NUMBER(decimal_at(column, row), revenues[row]);
        column = column_of(schema, array, "cost", "d:19,5");
        CHECK_NUMBER(decimal_at(column, row), costs[row]);
    }
}

/* The arrays and streams are read after the result was freed. */
static void arrow_results(void) {
    attribution_result *result = two_results(ATTRIBUTION_SCOPES_CAMPAIGN | ATTRIBUTION_SCOPES_GLOBAL, 1);
    struct ArrowArray snapshots, touchpoints, array, child;
    struct ArrowSchema snapshots_schema, touchpoints_schema, schema;
    struct ArrowArrayStream snapshot_stream, touchpoint_stream, unread;
    static const char *const names[] = {"linear", "last_touch"};
    static const int64_t rows[][2] = {{5, 3}, {5, 2}};
    struct ArrowArrayStream *streams[2];
    size_t which;

    memset(&snapshots, 0x5a, sizeof snapshots);
    memset(&snapshots_schema, 0x5a, sizeof snapshots_schema);
    memset(&snapshot_stream, 0x5a, sizeof snapshot_stream);
    OK(attribution_result_snapshots_arrow(result, 0, &snapshots, &snapshots_schema, error));
    OK(attribution_result_touchpoints_arrow(result, 0, &touchpoints, &touchpoints_schema, error));
    OK(attribution_result_snapshots_stream(result, &snapshot_stream, error));
    OK(attribution_result_touchpoints_stream(result, &touchpoint_stream, error));
    OK(attribution_result_snapshots_stream(result, &unread, error));
    attribution_result_free(&result);

    snapshot_columns_are(&snapshots_schema, &snapshots, "linear", linear_snapshots, LENGTH(linear_snapshots));
    touchpoint_columns_are(&touchpoints_schema, &touchpoints);
    /* A child may be moved out and outlive its parent. */
    {
        const struct ArrowArray *credits = column_of(&touchpoints_schema, &touchpoints, "credit", "g");
        int64_t at;
        CHECK(child_named(&touchpoints_schema, "credit", &at) != NULL);
        child = *credits;
        touchpoints.children[at]->release = NULL;
    }
    touchpoints.release(&touchpoints);
    touchpoints_schema.release(&touchpoints_schema);
    released(&touchpoints, &touchpoints_schema);
    CHECK_REAL(((const double *)child.buffers[1])[4], 0.5);
    child.release(&child);
    CHECK(child.release == NULL);
    snapshots.release(&snapshots);
    snapshots_schema.release(&snapshots_schema);
    released(&snapshots, &snapshots_schema);

    streams[0] = &snapshot_stream;
    streams[1] = &touchpoint_stream;
    for (which = 0; which < 2; which++) {
        struct ArrowArrayStream *stream = streams[which];
        size_t model;
        CHECK_NUMBER(stream->get_schema(stream, &schema), 0);
        for (model = 0; model < 2; model++) {
            CHECK_NUMBER(stream->get_next(stream, &array), 0);
            if (!CHECK(array.release != NULL)) {
                break;
            }
            CHECK_NUMBER(array.length, rows[which][model]);
            dictionary_text_is(column_of(&schema, &array, "model", "i"), 0, names[model]);
            if (model == 0 && which == 0) {
                snapshot_columns_are(&schema, &array, "linear", linear_snapshots, LENGTH(linear_snapshots));
            } else if (model == 0) {
                touchpoint_columns_are(&schema, &array);
            }
            if (model == 1) {
                /* The stream may go before its last array. */
                stream->release(stream);
                CHECK(stream->release == NULL);
                CHECK_NUMBER(array.length, rows[which][model]);
                dictionary_text_is(column_of(&schema, &array, "model", "i"), 0, names[model]);
            }
            array.release(&array);
            CHECK(array.release == NULL);
        }
        schema.release(&schema);
        CHECK(schema.release == NULL);
    }

    /* At the end there is an array that is released, again and again, and no error. */
    {
        size_t arrays = 0;
        for (;;) {
            CHECK_NUMBER(unread.get_next(&unread, &array), 0);
            if (array.release == NULL) {
                break;
            }
            arrays++;
            array.release(&array);
        }
        CHECK_NUMBER(arrays, 2);
        CHECK_NUMBER(unread.get_next(&unread, &array), 0);
        CHECK(array.release == NULL);
        CHECK(unread.get_last_error(&unread) == NULL);
        CHECK_NUMBER(unread.get_schema(&unread, &schema), 0);
        CHECK_TEXT(schema.format, "+s");
        schema.release(&schema);
        unread.release(&unread);
        CHECK(unread.release == NULL);
    }

    /* Without touchpoints there are none, and a column for each all the same. */
    result = two_results(ATTRIBUTION_SCOPES_GLOBAL, 0);
    OK(attribution_result_touchpoints_arrow(result, 1, &touchpoints, &touchpoints_schema, error));
    CHECK_NUMBER(touchpoints.length, 0);
    CHECK_NUMBER(touchpoints_schema.n_children, 8);
    touchpoints.release(&touchpoints);
    touchpoints_schema.release(&touchpoints_schema);
    attribution_result_free(&result);
}

int main(void) {
    /* A folder of its own below the one that the program runs in: what is left in it is counted. */
    char folder[] = "exact-XXXXXX";
    error = attribution_error_new();
    versions();
    statuses();
    errors();
    models();
    rows();
    calculation();
    defaults();
    ungrouped();
    journeys();
    if (CHECK(mkdtemp(folder) != NULL)) {
        exports(folder);
        CHECK(rmdir(folder) == 0);
    }
    failing_callbacks();
    arrow_batches();
    arrow_streams_in();
    arrow_results();
    attribution_error_free(&error);
    return checks_done("exact");
}
