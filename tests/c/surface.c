/*
 * Every function but those of the database on what it is for, with the numbers that semantics.md gives.
 */
#include "check.h"

static attribution_error *error;

static attribution_model *model_of(const char *spec) {
    attribution_model *model = NULL;
    OK(attribution_model_from_spec(spec, &model, error));
    return model;
}

static void versions(void) {
    char text[64];
    CHECK_NUMBER(attribution_abi_version(), ATTRIBUTION_ABI_VERSION);
    CHECK_NUMBER(attribution_version_number(), ATTRIBUTION_VERSION_NUMBER);
    CHECK_TEXT(attribution_version_string(), ATTRIBUTION_VERSION_STRING);
    CHECK_NUMBER(ATTRIBUTION_VERSION_NUMBER, ATTRIBUTION_VERSION_MAJOR * 1000000 + ATTRIBUTION_VERSION_MINOR * 1000 +
                                                 ATTRIBUTION_VERSION_PATCH);
    snprintf(text, sizeof text, "%d.%d.%d", (int)ATTRIBUTION_VERSION_MAJOR, (int)ATTRIBUTION_VERSION_MINOR,
             (int)ATTRIBUTION_VERSION_PATCH);
    CHECK_TEXT(text, ATTRIBUTION_VERSION_STRING);
}

static void models(void) {
    static const struct {
        const char *spec;
        uint32_t kind;
    } kinds[] = {
        {"last_touch", ATTRIBUTION_KIND_LAST_TOUCH},
        {"first_touch", ATTRIBUTION_KIND_FIRST_TOUCH},
        {"linear", ATTRIBUTION_KIND_LINEAR},
        {"time_decay:half_life_hours=48", ATTRIBUTION_KIND_TIME_DECAY},
        {"position_based:first_touch_weight=0.4,last_touch_weight=0.2", ATTRIBUTION_KIND_POSITION_BASED},
        {"assisted", ATTRIBUTION_KIND_ASSISTED},
    };
    attribution_model *model, *again = NULL;
    size_t at;
    for (at = 0; at < LENGTH(kinds); at++) {
        attribution_model_fields fields = ATTRIBUTION_MODEL_FIELDS_INIT;
        model = model_of(kinds[at].spec);
        CHECK_NUMBER(attribution_model_kind(model), kinds[at].kind);
        OK(attribution_model_from_json(attribution_model_json(model), &again, error));
        CHECK_TEXT(attribution_model_json(again), attribution_model_json(model));
        attribution_model_free(&again);
        fields.kind = kinds[at].kind;
        if (fields.kind == ATTRIBUTION_KIND_TIME_DECAY) fields.half_life_hours = 48;
        if (fields.kind == ATTRIBUTION_KIND_POSITION_BASED) {
            fields.first_touch_weight = 0.4;
            fields.last_touch_weight = 0.2;
        }
        OK(attribution_model_from_fields(&fields, &again, error));
        CHECK_TEXT(attribution_model_json(again), attribution_model_json(model));
        attribution_model_free(&again);
        fields.name = "A \xc3\xa9tat";
        OK(attribution_model_from_fields(&fields, &again, error));
        CHECK_TEXT(attribution_model_name(again), "A \xc3\xa9tat");
        CHECK_TEXT(attribution_model_slug(again), "a-tat");
        attribution_model_free(&again);
        fields.slug = "other";
        OK(attribution_model_from_fields(&fields, &again, error));
        CHECK_TEXT(attribution_model_slug(again), "other");
        attribution_model_free(&again);
        attribution_model_free(&model);
    }
}

/* 35.00 and 7.00 over three touches an hour apart; -10.00 and 0.25 over two. */
static void check_linear(const attribution_result *result, size_t at) {
    static const int64_t revenues[] = {1166667, 1166667, 1166666, -500000, -500000};
    static const int64_t costs[] = {233334, 233333, 233333, 12500, 12500};
    static const uint32_t stored[] = {33334, 33333, 33333, 50000, 50000};
    static const uint32_t positions[] = {0, 1, 2, 0, 1};
    attribution_touchpoints rows = ATTRIBUTION_TOUCHPOINTS_INIT;
    size_t row;
    OK(attribution_result_touchpoints(result, at, &rows, error));
    if (!CHECK(rows.length == 5)) return;
    for (row = 0; row < 5; row++) {
        CHECK_NUMBER(rows.conversions[row], row < 3 ? 0 : 1);
        CHECK_NUMBER(rows.click_ids[row], two_click_ids[row]);
        CHECK_NUMBER(rows.positions[row], positions[row]);
        CHECK_REAL(rows.credits[row], row < 3 ? 1.0 / 3.0 : 0.5);
        CHECK_NUMBER(rows.stored_credits[row], stored[row]);
        CHECK_NUMBER(rows.revenues[row], revenues[row]);
        CHECK_NUMBER(rows.costs[row], costs[row]);
    }
}

static void check_snapshots(const attribution_result *result, size_t at) {
    attribution_snapshots rows = ATTRIBUTION_SNAPSHOTS_INIT;
    OK(attribution_result_snapshots(result, at, &rows, error));
    if (!CHECK(rows.length == 5)) return;
    /* By the names of the scopes: campaign before global. */
    CHECK_NUMBER(rows.scope_types[0], ATTRIBUTION_SCOPE_CAMPAIGN);
    CHECK_NUMBER(rows.scope_ids[0], 7);
    CHECK_NUMBER(rows.date_hours[0], 1717232400);
    CHECK_NUMBER(rows.attributed_clicks[0], 2);
    CHECK_NUMBER(rows.attributed_conversions[0], 1);
    CHECK_NUMBER(rows.credited_conversions[0], 66667);
    CHECK_NUMBER(rows.revenues[0], 2333333);
    CHECK_NUMBER(rows.costs[0], 466667);
    CHECK_NUMBER(rows.scope_types[4], ATTRIBUTION_SCOPE_GLOBAL);
    CHECK_NUMBER(rows.scope_ids[4], 0);
    CHECK_NUMBER(rows.date_hours[4], 1717236000);
    CHECK_NUMBER(rows.credited_conversions[4], 100000);
    CHECK_NUMBER(rows.revenues[4], -1000000);
}

static attribution_result *calculated(void) {
    attribution_model *models[2];
    attribution_columns columns = two_columns();
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    attribution_result *result = NULL;
    models[0] = model_of("linear");
    models[1] = model_of("U=position_based:first_touch_weight=0.4,last_touch_weight=0.4");
    options.scopes = ATTRIBUTION_SCOPES_GLOBAL | ATTRIBUTION_SCOPES_CAMPAIGN;
    options.touchpoints = 1;
    options.threads = 2;
    OK(attribution_calculate_columns((const attribution_model *const *)models, 2, &columns, &options, &result, error));
    attribution_model_free(&models[0]);
    attribution_model_free(&models[1]);
    return result;
}

static void calculation(void) {
    attribution_result *result = calculated(), *again = NULL;
    attribution_touchpoints rows = ATTRIBUTION_TOUCHPOINTS_INIT;
    attribution_model *model = model_of("linear");
    const attribution_model *models[1];
    attribution_batch *batch = NULL;
    attribution_columns columns = two_columns();
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    double credits[5];
    size_t at;
    models[0] = model;
    CHECK_NUMBER(attribution_result_models(result), 2);
    CHECK_TEXT(attribution_result_model_name(result, 0), "linear");
    CHECK_TEXT(attribution_result_model_name(result, 1), "U");
    check_linear(result, 0);
    check_snapshots(result, 0);
    OK(attribution_result_touchpoints(result, 1, &rows, error));
    CHECK_REAL(rows.credits[0], 0.4);
    CHECK_REAL(rows.credits[1], 0.2);
    CHECK_NUMBER(rows.revenues[1], 700000);

    /* A batch of columns, and the same by rows, in any order and without the converting click. */
    options.scopes = ATTRIBUTION_SCOPES_GLOBAL | ATTRIBUTION_SCOPES_CAMPAIGN;
    options.touchpoints = 1;
    OK(attribution_batch_from_columns(&columns, &batch, error));
    CHECK_NUMBER(attribution_batch_conversions(batch), 2);
    CHECK_NUMBER(attribution_batch_touches(batch), 5);
    OK(attribution_calculate(models, 1, batch, &options, &again, error));
    check_linear(again, 0);
    attribution_result_free(&again);
    OK(attribution_credits(model, batch, 1, credits, 5, error));
    CHECK_REAL(credits[2], 1.0 / 3.0);
    OK(attribution_credits_columns(model, &columns, 0, credits, 5, error));
    CHECK_REAL(credits[4], 0.5);
    attribution_batch_free(&batch);
    OK(attribution_batch_new(&batch, error));
    for (at = 0; at < 2; at++) {
        attribution_conversion conversion;
        attribution_touch touches[2];
        size_t touch, count = two_offsets[at + 1] - two_offsets[at] - 1;
        memset(&conversion, 0, sizeof conversion);
        memset(touches, 0, sizeof touches);
        conversion.conversion_id = two_conversion_ids[at];
        conversion.conversion_time = two_conversion_times[at];
        conversion.payout = two_payouts[at];
        conversion.cost = two_costs[at];
        conversion.click.click_id = two_converting_click_ids[at];
        conversion.click.click_time = two_click_times[two_offsets[at + 1] - 1];
        conversion.click.campaign_id = two_campaign_ids[two_offsets[at + 1] - 1];
        for (touch = 0; touch < count; touch++) {
            const size_t from = two_offsets[at] + touch, to = count - 1 - touch;
            touches[to].click_id = two_click_ids[from];
            touches[to].click_time = two_click_times[from];
            touches[to].campaign_id = two_campaign_ids[from];
        }
        OK(attribution_batch_append(batch, &conversion, touches, count, error));
    }
    OK(attribution_calculate(models, 1, batch, &options, &again, error));
    check_linear(again, 0);
    check_snapshots(again, 0);
    attribution_result_free(&again);
    /* NULL means what _INIT has. */
    {
        attribution_result *defaults = NULL;
        attribution_engine_options init = ATTRIBUTION_ENGINE_OPTIONS_INIT;
        attribution_snapshots left = ATTRIBUTION_SNAPSHOTS_INIT, right = ATTRIBUTION_SNAPSHOTS_INIT;
        OK(attribution_calculate(models, 1, batch, NULL, &defaults, error));
        OK(attribution_calculate(models, 1, batch, &init, &again, error));
        OK(attribution_result_snapshots(defaults, 0, &left, error));
        OK(attribution_result_snapshots(again, 0, &right, error));
        CHECK_NUMBER(left.length, 2);
        CHECK_NUMBER(right.length, 2);
        CHECK_NUMBER(left.revenues[0], right.revenues[0]);
        OK(attribution_result_touchpoints(defaults, 0, &rows, error));
        CHECK(rows.length == 0 && rows.credits == NULL);
        attribution_result_free(&defaults);
        attribution_result_free(&again);
    }
    attribution_batch_free(&batch);

    /* No conversions at all. */
    {
        static const size_t start[] = {0};
        attribution_columns none = ATTRIBUTION_COLUMNS_INIT;
        LEND(none.offsets, start);
        OK(attribution_calculate_columns(models, 1, &none, &options, &again, error));
        OK(attribution_result_touchpoints(again, 0, &rows, error));
        CHECK_NUMBER(rows.length, 0);
        attribution_result_free(&again);
    }
    attribution_result_free(&result);
    attribution_model_free(&model);
}

static void ungrouped(void) {
    static const uint64_t of[] = {2, 1, 1, 2, 1}, clicks[] = {21, 2003, 2001, 20, 2002}, campaigns[] = {0, 7, 7, 8, 8};
    static const uint32_t times[] = {1717235000, 1717232400, 1717225200, 1717200000, 1717228800};
    attribution_conversion_columns conversions = ATTRIBUTION_CONVERSION_COLUMNS_INIT;
    attribution_touch_columns touches = ATTRIBUTION_TOUCH_COLUMNS_INIT;
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    attribution_model *model = model_of("linear");
    const attribution_model *models[1];
    attribution_result *result = NULL;
    models[0] = model;
    LEND(conversions.conversion_ids, two_conversion_ids);
    LEND(conversions.converting_click_ids, two_converting_click_ids);
    LEND(conversions.conversion_times, two_conversion_times);
    LEND(conversions.payouts, two_payouts);
    LEND(conversions.costs, two_costs);
    LEND(touches.conversion_ids, of);
    LEND(touches.click_ids, clicks);
    LEND(touches.click_times, times);
    LEND(touches.campaign_ids, campaigns);
    options.scopes = ATTRIBUTION_SCOPES_GLOBAL | ATTRIBUTION_SCOPES_CAMPAIGN;
    options.touchpoints = 1;
    OK(attribution_calculate_ungrouped(models, 1, &conversions, &touches, &options, &result, error));
    check_linear(result, 0);
    check_snapshots(result, 0);
    attribution_result_free(&result);
    attribution_model_free(&model);
}

static void journeys(void) {
    static const uint64_t clicks[] = {1, 2, 3, 4}, visitors[] = {9, 9, 9, 8}, high[] = {1, 1, 0, 1};
    static const uint64_t campaigns[] = {5, 5, 5, 5};
    static const uint32_t times[] = {100, 200, 250, 260};
    static const int64_t costs[] = {1, 2, 3, 4};
    static const uint64_t ids[] = {1, 2}, converting[] = {2, 77};
    static const uint32_t conversion_times[] = {300, 400}, click_times[] = {0, 350};
    static const uint8_t known[] = {0, 1};
    static const int64_t payouts[] = {10, 20};
    attribution_clicks all = ATTRIBUTION_CLICKS_INIT;
    attribution_conversions conversions = ATTRIBUTION_CONVERSIONS_INIT;
    attribution_journey_options options = ATTRIBUTION_JOURNEY_OPTIONS_INIT;
    attribution_journey_columns columns = ATTRIBUTION_JOURNEY_COLUMNS_INIT;
    attribution_journeys *assembled = NULL;
    attribution_batch *batch = NULL;
    LEND(all.click_ids, clicks);
    LEND(all.click_times, times);
    LEND(all.visitors, visitors);
    LEND(all.visitors_high, high);
    LEND(all.costs, costs);
    LEND(all.campaign_ids, campaigns);
    LEND(conversions.conversion_ids, ids);
    LEND(conversions.click_ids, converting);
    LEND(conversions.conversion_times, conversion_times);
    LEND(conversions.payouts, payouts);
    LEND(conversions.click_times, click_times);
    LEND(conversions.click_times_present, known);
    OK(attribution_journeys_assemble(&all, &conversions, NULL, &assembled, error));
    OK(attribution_journeys_columns(assembled, &columns, error));
    /* The third click's visitor has another upper half. */
    CHECK_NUMBER(columns.conversions, 2);
    CHECK_NUMBER(columns.touches, 3);
    CHECK_NUMBER(columns.offsets[1], 2);
    CHECK_NUMBER(columns.offsets[2], 3);
    CHECK_NUMBER(columns.rows[0], 0);
    CHECK_NUMBER(columns.rows[1], 1);
    CHECK_NUMBER(columns.rows[2], ATTRIBUTION_MISSING_CLICK);
    OK(attribution_journeys_batch(assembled, ATTRIBUTION_SCOPES_CAMPAIGN, &batch, error));
    CHECK_NUMBER(attribution_batch_touches(batch), 3);
    attribution_journeys_free(&assembled);
    CHECK_NUMBER(attribution_batch_conversions(batch), 2);
    attribution_batch_free(&batch);
    options.max_touches = 1;
    options.lookback_seconds = 50;
    options.key = ATTRIBUTION_JOURNEY_KEY_CAMPAIGN;
    OK(attribution_journeys_assemble(&all, &conversions, &options, &assembled, error));
    OK(attribution_journeys_columns(assembled, &columns, error));
    CHECK_NUMBER(columns.touches, 3);
    attribution_journeys_free(&assembled);
}

static void exports(void) {
    attribution_result *result = calculated();
    static const uint32_t formats[] = {ATTRIBUTION_FORMAT_CSV, ATTRIBUTION_FORMAT_XLSX, ATTRIBUTION_FORMAT_JSON_LINES};
    /* In the folder that the program runs in. */
    char path[40];
    size_t at;
    for (at = 0; at < LENGTH(formats); at++) {
        bytes taken = {NULL, 0, 0, 0, 0};
        uint64_t rows = 0, same = 0;
        uint8_t *content;
        long length;
        FILE *file;
        OK(attribution_result_export(result, formats[at], take_bytes, &taken, &rows, error));
        /* 5 of each model: two hours of all, three campaigns and hours. */
        CHECK_NUMBER(rows, 10);
        CHECK(taken.length > 100);
        snprintf(path, sizeof path, "attribution-%zu.export", at);
        OK(attribution_result_export_file(result, formats[at], path, &same, error));
        CHECK_NUMBER(same, rows);
        file = fopen(path, "rb");
        if (!CHECK(file != NULL)) {
            free(taken.data);
            continue;
        }
        fseek(file, 0, SEEK_END);
        length = ftell(file);
        rewind(file);
        content = (uint8_t *)malloc((size_t)length + 1);
        CHECK(content != NULL && fread(content, 1, (size_t)length, file) == taken.length);
        CHECK(content != NULL && (size_t)length == taken.length && memcmp(content, taken.data, taken.length) == 0);
        fclose(file);
        remove(path);
        free(content);
        free(taken.data);
    }
    attribution_result_free(&result);
}

static const struct ArrowSchema *column(const struct ArrowSchema *schema, const char *name, int64_t *at) {
    for (*at = 0; *at < schema->n_children; ++*at) {
        if (strcmp(schema->children[*at]->name, name) == 0) return schema->children[*at];
    }
    return NULL;
}

static void check_column(const struct ArrowSchema *schema, const char *name, const char *format) {
    int64_t at;
    const struct ArrowSchema *found = column(schema, name, &at);
    if (CHECK(found != NULL)) CHECK_TEXT(found->format, format);
}

static void arrow(void) {
    attribution_result *result = calculated(), *again = NULL;
    attribution_batch *batch = NULL, *back = NULL;
    attribution_columns columns = two_columns();
    attribution_model *model = model_of("linear");
    const attribution_model *models[1];
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    struct ArrowArray array, child;
    struct ArrowSchema schema;
    struct ArrowArrayStream stream;
    attribution_touchpoints rows = ATTRIBUTION_TOUCHPOINTS_INIT;
    int64_t at;
    size_t arrays = 0, length = 0;
    models[0] = model;
    OK(attribution_result_touchpoints(result, 0, &rows, error));
    OK(attribution_result_touchpoints_arrow(result, 0, &array, &schema, error));
    CHECK_TEXT(schema.format, "+s");
    check_column(&schema, "model", "i");
    check_column(&schema, "conversion_id", "L");
    check_column(&schema, "click_id", "L");
    check_column(&schema, "position", "I");
    check_column(&schema, "credit", "g");
    check_column(&schema, "stored_credit", "d:19,5");
    check_column(&schema, "revenue", "d:19,5");
    check_column(&schema, "cost", "d:19,5");
    CHECK_NUMBER(array.length, 5);
    if (CHECK(column(&schema, "credit", &at) != NULL)) {
        /* The very column of the result, which may go first. */
        CHECK(array.children[at]->buffers[1] == rows.credits);
        attribution_result_free(&result);
        CHECK_REAL(((const double *)array.children[at]->buffers[1])[3], 0.5);
        /* A child may be moved away and released by itself, as Arrow has it. */
        child = *array.children[at];
        array.children[at]->release = NULL;
        array.release(&array);
        CHECK(array.release == NULL);
        CHECK_REAL(((const double *)child.buffers[1])[4], 0.5);
        child.release(&child);
    }
    schema.release(&schema);
    CHECK(schema.release == NULL);

    result = calculated();
    OK(attribution_result_snapshots_arrow(result, 1, &array, &schema, error));
    check_column(&schema, "scope_type", "i");
    check_column(&schema, "scope_id", "L");
    check_column(&schema, "date_hour", "l");
    check_column(&schema, "attributed_clicks", "L");
    check_column(&schema, "attributed_conversions", "L");
    check_column(&schema, "credited_conversions", "d:19,5");
    check_column(&schema, "attributed_revenue", "d:19,5");
    check_column(&schema, "attributed_cost", "d:19,5");
    if (CHECK(column(&schema, "scope_id", &at) != NULL)) CHECK_NUMBER(array.children[at]->null_count, 2);
    array.release(&array);
    schema.release(&schema);

    OK(attribution_result_touchpoints_stream(result, &stream, error));
    attribution_result_free(&result);
    CHECK(stream.get_schema(&stream, &schema) == 0);
    CHECK_NUMBER(schema.n_children, 8);
    schema.release(&schema);
    for (;;) {
        CHECK(stream.get_next(&stream, &array) == 0);
        if (array.release == NULL) break;
        arrays++;
        length += (size_t)array.length;
        array.release(&array);
    }
    CHECK_NUMBER(arrays, 2);
    CHECK_NUMBER(length, 10);
    CHECK(stream.get_last_error(&stream) == NULL);
    CHECK(stream.get_next(&stream, &array) == 0 && array.release == NULL);
    CHECK(stream.get_schema(&stream, NULL) != 0);
    stream.release(&stream);
    CHECK(stream.release == NULL);

    OK(attribution_batch_from_columns(&columns, &batch, error));
    OK(attribution_batch_to_arrow(batch, &array, &schema, error));
    attribution_batch_free(&batch);
    OK(attribution_batch_from_arrow(&array, &schema, &back, error));
    CHECK(array.release == NULL && schema.release == NULL);
    options.scopes = ATTRIBUTION_SCOPES_GLOBAL | ATTRIBUTION_SCOPES_CAMPAIGN;
    options.touchpoints = 1;
    OK(attribution_calculate(models, 1, back, &options, &again, error));
    check_linear(again, 0);
    check_snapshots(again, 0);
    attribution_result_free(&again);
    attribution_batch_free(&back);
    attribution_model_free(&model);

    /* A stream of results is no stream of batches. */
    result = calculated();
    OK(attribution_result_snapshots_stream(result, &stream, error));
    CHECK_STATUS(attribution_batch_from_arrow_stream(&stream, &back, error), ATTRIBUTION_STATUS_INVALID_INPUT);
    CHECK(stream.release == NULL && back == NULL);
    attribution_result_free(&result);
}

int main(void) {
    error = attribution_error_new();
    versions();
    models();
    calculation();
    ungrouped();
    journeys();
    exports();
    arrow();
    attribution_error_free(&error);
    return checks_done("surface");
}
