/*
 * Whatever a caller can do wrong that can be told: a status, the place, and nothing given.
 */
#include "check.h"

static attribution_error *error;

#define REFUSED(call) CHECK_STATUS(call, ATTRIBUTION_STATUS_INVALID_ARGUMENT)
#define PLACE(text) CHECK_TEXT(attribution_error_place(error), text)

static attribution_model *linear(void) {
    attribution_model *model = NULL;
    OK(attribution_model_from_spec("linear", &model, error));
    return model;
}

static attribution_result *calculated(void) {
    attribution_model *model = linear();
    const attribution_model *models[1];
    attribution_result *result = NULL;
    attribution_columns columns = two_columns();
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    options.touchpoints = 1;
    models[0] = model;
    OK(attribution_calculate_columns(models, 1, &columns, &options, &result, error));
    attribution_model_free(&model);
    return result;
}

static void models(void) {
    attribution_model *model = (attribution_model *)&error;
    attribution_model_fields fields = ATTRIBUTION_MODEL_FIELDS_INIT;
    size_t at;
    static const struct {
        const char *json, *place;
    } refused[] = {
        {"{\"type\": \"time_decay\"}", "half_life_hours"},
        {"{\"type\": \"time_decay\", \"weighting_config\": {\"half_life_hours\": 0}}", "half_life_hours"},
        {"{\"type\": \"linear\", \"colour\": 1}", "colour"},
        {"{\"type\": \"linear\", \"slug\": \"A\"}", "slug"},
        {"{\"type\": \"algorithmic\"}", "type"},
        {"{", "model"},
    };
    for (at = 0; at < LENGTH(refused); at++) {
        /* Set to NULL first, whatever was there. */
        model = (attribution_model *)&error;
        CHECK_STATUS(attribution_model_from_json(refused[at].json, &model, error), ATTRIBUTION_STATUS_INVALID_MODEL);
        PLACE(refused[at].place);
        CHECK(model == NULL);
    }
    REFUSED(attribution_model_from_json(NULL, &model, error));
    PLACE("json");
    REFUSED(attribution_model_from_json("{}", NULL, error));
    PLACE("model");
    REFUSED(attribution_model_from_json("\xff{}", &model, error));
    PLACE("json");
    REFUSED(attribution_model_from_spec("lin\xc3", &model, error));
    PLACE("spec");
    REFUSED(attribution_model_from_fields(NULL, &model, error));
    PLACE("attribution_model_fields");
    REFUSED(attribution_model_from_fields(&fields, &model, error));
    PLACE("kind");
    fields.kind = 8;
    REFUSED(attribution_model_from_fields(&fields, &model, error));
    fields.kind = ATTRIBUTION_KIND_LINEAR;
    fields.half_life_hours = 1;
    CHECK_STATUS(attribution_model_from_fields(&fields, &model, error), ATTRIBUTION_STATUS_INVALID_MODEL);
    PLACE("half_life_hours");
    fields.half_life_hours = 0;
    fields.last_touch_weight = -0.5;
    CHECK_STATUS(attribution_model_from_fields(&fields, &model, error), ATTRIBUTION_STATUS_INVALID_MODEL);
    fields.last_touch_weight = 0;
    fields.name = "\xfe";
    REFUSED(attribution_model_from_fields(&fields, &model, error));
    PLACE("name");
    fields.name = NULL;
    fields.kind = ATTRIBUTION_KIND_POSITION_BASED;
    fields.first_touch_weight = 1e308 * 10;
    CHECK_STATUS(attribution_model_from_fields(&fields, &model, error), ATTRIBUTION_STATUS_INVALID_MODEL);
    PLACE("first_touch_weight");
    CHECK(attribution_model_name(NULL) == NULL && attribution_model_slug(NULL) == NULL);
    CHECK(attribution_model_json(NULL) == NULL && attribution_model_kind(NULL) == 0);
}

/* A struct as a later header might have it. */
struct longer {
    attribution_model_fields known;
    uint64_t later;
};

static void sizes(void) {
    attribution_model *model = NULL;
    struct longer longer;
    attribution_model_fields fields = ATTRIBUTION_MODEL_FIELDS_INIT;
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    attribution_columns columns = two_columns();
    const attribution_model *models[1];
    attribution_result *result = NULL;
    static const size_t wrong[] = {0, 8, sizeof fields - 1, 4097, SIZE_MAX};
    size_t at;
    for (at = 0; at < LENGTH(wrong); at++) {
        fields.size = wrong[at];
        REFUSED(attribution_model_from_fields(&fields, &model, error));
        PLACE("attribution_model_fields.size");
    }
    memset(&longer, 0, sizeof longer);
    longer.known.size = sizeof longer;
    longer.known.kind = ATTRIBUTION_KIND_LINEAR;
    OK(attribution_model_from_fields(&longer.known, &model, error));
    attribution_model_free(&model);
    longer.later = 1;
    REFUSED(attribution_model_from_fields(&longer.known, &model, error));
    PLACE("attribution_model_fields");
    CHECK(model == NULL);

    model = linear();
    models[0] = model;
    options.touchpoints = 2;
    REFUSED(attribution_calculate_columns(models, 1, &columns, &options, &result, error));
    PLACE("touchpoints");
    options.touchpoints = 0;
    options.scopes = 128;
    REFUSED(attribution_calculate_columns(models, 1, &columns, &options, &result, error));
    PLACE("scopes");
    options.scopes = ATTRIBUTION_SCOPES_ALL;
    REFUSED(attribution_calculate_columns(models, 1, &columns, &options, &result, error));
    columns.size = 0;
    REFUSED(attribution_calculate_columns(models, 1, &columns, NULL, &result, error));
    PLACE("attribution_columns.size");
    CHECK(result == NULL);
    attribution_model_free(&model);
}

static void columns_of_every_wrong_kind(void) {
    attribution_model *model = linear();
    const attribution_model *models[2];
    attribution_columns columns = two_columns();
    attribution_batch *batch = NULL;
    attribution_result *result = NULL;
    double credits[5];
    uint64_t many_ids[40];
    static const size_t descending[] = {0, 3, 2}, beyond[] = {0, 3, 6}, late[] = {1, 3, 5},
                        huge[] = {0, SIZE_MAX, 5};
    static const int64_t negative[] = {0, -1};
    static const uint64_t strangers[] = {2003, 99};
    static const uint32_t unordered[] = {1717228800, 1717225200, 1717232400, 1717200000, 1717235000};
    size_t at;
    models[0] = model;
    models[1] = NULL;

#define WRONG(set, status, place)                                                            \
    do {                                                                                     \
        columns = two_columns();                                                             \
        set;                                                                                 \
        result = (attribution_result *)&model;                                               \
        CHECK_STATUS(attribution_calculate_columns(models, 1, &columns, NULL, &result, error), status); \
        PLACE(place);                                                                        \
        CHECK(result == NULL);                                                               \
        CHECK_STATUS(attribution_batch_from_columns(&columns, &batch, error), status);       \
        PLACE(place);                                                                        \
        CHECK(batch == NULL);                                                                \
        CHECK_STATUS(attribution_credits_columns(model, &columns, 1, credits, 5, error), status); \
        PLACE(place);                                                                        \
    } while (0)
#define ARGUMENT ATTRIBUTION_STATUS_INVALID_ARGUMENT
#define INPUT ATTRIBUTION_STATUS_INVALID_INPUT

    WRONG(columns.conversion_ids.data = NULL, ARGUMENT, "conversion_ids");
    WRONG(columns.payouts.data = NULL, ARGUMENT, "payouts");
    WRONG(columns.offsets.data = NULL, ARGUMENT, "offsets");
    WRONG(columns.campaign_ids.data = NULL, ARGUMENT, "campaign_ids");
    WRONG(columns.click_ids.data = (const uint64_t *)((uintptr_t)two_click_ids + 1), ARGUMENT, "click_ids");
    WRONG(columns.click_times.data = (const uint32_t *)((uintptr_t)two_click_times + 2), ARGUMENT, "click_times");
    WRONG(columns.adgroup_ids.data = (const uint64_t *)((uintptr_t)two_adgroup_ids + 4), ARGUMENT, "adgroup_ids");
    WRONG(columns.costs.length = SIZE_MAX, ARGUMENT, "costs");
    WRONG(columns.costs.length = (size_t)1 << 60, ARGUMENT, "costs");
    WRONG(columns.costs.length = 1, INPUT, "costs");
    WRONG(columns.conversion_ids.length = 1, INPUT, "converting_click_ids");
    WRONG(columns.offsets.length = 2, INPUT, "offsets");
    WRONG(columns.offsets.length = 0, INPUT, "offsets");
    WRONG(columns.click_times.length = 4, INPUT, "click_times");
    WRONG(columns.account_ids.length = 4, INPUT, "account_ids");
    WRONG(columns.account_ids.length = 0, INPUT, "account_ids");
    WRONG(LEND(columns.offsets, descending), INPUT, "offsets[2]");
    WRONG(LEND(columns.offsets, beyond), INPUT, "offsets[2]");
    WRONG(LEND(columns.offsets, late), INPUT, "offsets[0]");
    WRONG(LEND(columns.offsets, huge), INPUT, "offsets[1]");
    WRONG(LEND(columns.costs, negative), INPUT, "costs[1]");
    WRONG(LEND(columns.converting_click_ids, strangers), INPUT, "converting_click_ids[1]");
    WRONG(LEND(columns.click_times, unordered), INPUT, "click_times[1]");

    /* Left out, a column is no fault until it is asked for. */
    columns = two_columns();
    columns.campaign_ids.data = NULL;
    columns.campaign_ids.length = 0;
    OK(attribution_calculate_columns(models, 1, &columns, NULL, &result, error));
    attribution_result_free(&result);
    {
        attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
        options.scopes = ATTRIBUTION_SCOPES_CAMPAIGN;
        CHECK_STATUS(attribution_calculate_columns(models, 1, &columns, &options, &result, error), INPUT);
        PLACE("campaign_ids");
    }
    columns = two_columns();
    REFUSED(attribution_calculate_columns(NULL, 1, &columns, NULL, &result, error));
    PLACE("models");
    REFUSED(attribution_calculate_columns(models, 2, &columns, NULL, &result, error));
    PLACE("attribution_model");
    REFUSED(attribution_calculate_columns(models, 1, NULL, NULL, &result, error));
    PLACE("attribution_columns");
    REFUSED(attribution_calculate_columns(models, 1, &columns, NULL, NULL, error));
    PLACE("result");
    REFUSED(attribution_calculate_columns(models, (size_t)1 << 61, &columns, NULL, &result, error));
    PLACE("models");
    REFUSED(attribution_credits_columns(NULL, &columns, 1, credits, 5, error));
    REFUSED(attribution_credits_columns(model, &columns, 1, NULL, 5, error));
    PLACE("credits");
    CHECK_STATUS(attribution_credits_columns(model, &columns, 1, credits, 4, error), INPUT);
    PLACE("credits");
    REFUSED(attribution_credits_columns(model, &columns, 1, (double *)((uintptr_t)credits + 4), 4, error));

    /* Every defect is counted, and 20 are told. */
    for (at = 0; at < LENGTH(many_ids); at++) many_ids[at] = 7;
    {
        attribution_conversion_columns conversions = ATTRIBUTION_CONVERSION_COLUMNS_INIT;
        attribution_touch_columns touches = ATTRIBUTION_TOUCH_COLUMNS_INIT;
        uint32_t times[40] = {0};
        const char *place, *found, *allowed;
        LEND(touches.conversion_ids, many_ids);
        LEND(touches.click_ids, many_ids);
        LEND(touches.click_times, times);
        CHECK_STATUS(attribution_calculate_ungrouped(models, 1, &conversions, &touches, NULL, &result, error), INPUT);
        CHECK_NUMBER(attribution_error_defects(error), 40);
        CHECK(attribution_error_defect(error, 19, &place, &found, &allowed) && *place && *found && *allowed);
        CHECK(attribution_error_defect(error, 0, NULL, NULL, NULL));
        CHECK(!attribution_error_defect(error, 20, &place, &found, &allowed));
        CHECK_TEXT(place, "");
        REFUSED(attribution_calculate_ungrouped(models, 1, NULL, &touches, NULL, &result, error));
        REFUSED(attribution_calculate_ungrouped(models, 1, &conversions, NULL, NULL, &result, error));
    }
    attribution_model_free(&model);
}

static void batches(void) {
    attribution_batch *batch = NULL, *whole = NULL;
    attribution_columns columns = two_columns();
    attribution_conversion conversion;
    attribution_touch touch;
    attribution_result *result = NULL;
    attribution_model *model = linear();
    const attribution_model *models[1];
    double credit;
    models[0] = model;
    memset(&conversion, 0, sizeof conversion);
    memset(&touch, 0, sizeof touch);
    OK(attribution_batch_new(&batch, error));
    OK(attribution_batch_append(batch, &conversion, NULL, 0, error));
    REFUSED(attribution_batch_append(batch, &conversion, NULL, 1, error));
    PLACE("touches");
    REFUSED(attribution_batch_append(batch, NULL, &touch, 1, error));
    PLACE("conversion");
    REFUSED(attribution_batch_append(NULL, &conversion, &touch, 1, error));
    PLACE("attribution_batch");
    conversion.cost = -1;
    CHECK_STATUS(attribution_batch_append(batch, &conversion, &touch, 1, error), ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("costs[1]");
    CHECK_NUMBER(attribution_batch_conversions(batch), 1);
    conversion.cost = 0;
    OK(attribution_batch_from_columns(&columns, &whole, error));
    REFUSED(attribution_batch_append(whole, &conversion, &touch, 1, error));
    PLACE("attribution_batch");
    REFUSED(attribution_batch_new(NULL, error));
    REFUSED(attribution_batch_from_columns(&columns, NULL, error));
    REFUSED(attribution_calculate(models, 1, NULL, NULL, &result, error));
    PLACE("attribution_batch");
    REFUSED(attribution_credits(model, NULL, 1, &credit, 1, error));
    /* A handle of another kind. */
    REFUSED(attribution_calculate(models, 1, (const attribution_batch *)model, NULL, &result, error));
    PLACE("attribution_batch");
    models[0] = (const attribution_model *)batch;
    REFUSED(attribution_calculate(models, 1, batch, NULL, &result, error));
    PLACE("attribution_model");
    /* No handle at all, and not aligned for one. */
    models[0] = (const attribution_model *)((uintptr_t)model + 4);
    REFUSED(attribution_calculate(models, 1, batch, NULL, &result, error));
    CHECK(result == NULL);
    CHECK_NUMBER(attribution_batch_conversions(NULL), 0);
    CHECK_NUMBER(attribution_batch_touches((const attribution_batch *)model), 0);
    attribution_batch_free(&batch);
    attribution_batch_free(&whole);
    attribution_model_free(&model);
}

static void freeing(void) {
    attribution_model *model = linear(), *other;
    attribution_error *own = attribution_error_new();
    attribution_result *result = calculated();
    attribution_model_free(&model);
    CHECK(model == NULL);
    attribution_model_free(&model);
    attribution_model_free(NULL);
    /* Another kind is left alone. */
    other = (attribution_model *)result;
    attribution_model_free(&other);
    CHECK(other == (attribution_model *)result);
    CHECK_NUMBER(attribution_result_models(result), 1);
    attribution_result_free(&result);
    CHECK(result == NULL);
    attribution_result_free(&result);
    attribution_batch_free(NULL);
    attribution_journeys_free(NULL);
    attribution_report_free(NULL);
    attribution_findings_free(NULL);
    attribution_stored_snapshots_free(NULL);
    attribution_comparison_free(NULL);
    attribution_overview_free(NULL);
    attribution_exports_free(NULL);
    attribution_export_run_free(NULL);
    attribution_cache_free(NULL);
    attribution_store_free(NULL);
    attribution_error_free(NULL);
    attribution_error_free(&own);
    CHECK(own == NULL);
    attribution_error_free(&own);
    /* An error object of another kind is left alone, as NULL is. */
    other = linear();
    model = (attribution_model *)&own;
    CHECK(attribution_model_from_spec("x", &model, (attribution_error *)other) == ATTRIBUTION_STATUS_INVALID_MODEL);
    CHECK(model == NULL);
    CHECK(attribution_model_from_spec("linear", &model, (attribution_error *)other) == ATTRIBUTION_STATUS_OK);
    attribution_model_free(&model);
    CHECK_TEXT(attribution_model_name(other), "linear");
    CHECK_TEXT(attribution_error_message((attribution_error *)other), "");
    attribution_model_free(&other);
}

static void errors(void) {
    attribution_model *model = NULL;
    CHECK_STATUS(attribution_model_from_spec("x", &model, error), ATTRIBUTION_STATUS_INVALID_MODEL);
    CHECK_NUMBER(attribution_error_code(error), ATTRIBUTION_STATUS_INVALID_MODEL);
    CHECK(strstr(attribution_error_message(error), "last_touch") != NULL);
    /* A call that succeeds says so. */
    OK(attribution_model_from_spec("linear", &model, error));
    CHECK_NUMBER(attribution_error_code(error), ATTRIBUTION_STATUS_OK);
    CHECK_TEXT(attribution_error_message(error), "");
    PLACE("");
    CHECK_NUMBER(attribution_error_defects(error), 0);
    attribution_model_free(&model);
    /* No one need be told. */
    CHECK(attribution_model_from_spec("x", &model, NULL) == ATTRIBUTION_STATUS_INVALID_MODEL);
    CHECK(model == NULL);
    CHECK_TEXT(attribution_error_message(NULL), "");
    CHECK_TEXT(attribution_error_place(NULL), "");
    CHECK_NUMBER(attribution_error_code(NULL), ATTRIBUTION_STATUS_INVALID_ARGUMENT);
    CHECK_TEXT(attribution_status_name(ATTRIBUTION_STATUS_PANIC), "panic");
    CHECK_TEXT(attribution_status_name(4711), "unknown");
}

static void results(void) {
    attribution_result *result = calculated();
    attribution_snapshots snapshots = ATTRIBUTION_SNAPSHOTS_INIT;
    attribution_touchpoints touchpoints = ATTRIBUTION_TOUCHPOINTS_INIT;
    struct ArrowArray array;
    struct ArrowSchema schema;
    struct ArrowArrayStream stream;
    bytes taken = {NULL, 0, 0, 0, 1};
    uint64_t rows = 9;
    REFUSED(attribution_result_snapshots(result, 1, &snapshots, error));
    PLACE("model");
    REFUSED(attribution_result_snapshots(NULL, 0, &snapshots, error));
    REFUSED(attribution_result_snapshots(result, 0, NULL, error));
    snapshots.size = 4;
    REFUSED(attribution_result_snapshots(result, 0, &snapshots, error));
    PLACE("attribution_snapshots.size");
    REFUSED(attribution_result_touchpoints(result, SIZE_MAX, &touchpoints, error));
    REFUSED(attribution_result_touchpoints(result, 0, NULL, error));
    CHECK(attribution_result_model_name(result, 1) == NULL && attribution_result_model_name(NULL, 0) == NULL);
    CHECK_NUMBER(attribution_result_models(NULL), 0);

    REFUSED(attribution_result_export_file(result, 0, "/tmp/x", &rows, error));
    PLACE("format");
    CHECK_NUMBER(rows, 0);
    REFUSED(attribution_result_export_file(result, ATTRIBUTION_FORMAT_CSV, NULL, NULL, error));
    PLACE("path");
    CHECK_STATUS(attribution_result_export_file(result, ATTRIBUTION_FORMAT_CSV, "/no/such/folder/x", NULL, error),
                 ATTRIBUTION_STATUS_IO);
    PLACE("/no/such/folder/x");
    CHECK_STATUS(attribution_result_export_file(result, ATTRIBUTION_FORMAT_CSV, "/tmp", NULL, error),
                 ATTRIBUTION_STATUS_IO);
    REFUSED(attribution_result_export(result, ATTRIBUTION_FORMAT_CSV, NULL, NULL, NULL, error));
    PLACE("write");
    CHECK_STATUS(attribution_result_export(result, ATTRIBUTION_FORMAT_CSV, take_bytes, &taken, NULL, error),
                 ATTRIBUTION_STATUS_IO);
    CHECK(strstr(attribution_error_message(error), "-7") != NULL);
    CHECK_NUMBER(taken.calls, 1);
    CHECK_STATUS(attribution_result_export(result, ATTRIBUTION_FORMAT_CSV, take_bytes, &taken, (uint64_t *)1, error),
                 ATTRIBUTION_STATUS_INVALID_ARGUMENT);

    REFUSED(attribution_result_snapshots_arrow(result, 0, NULL, &schema, error));
    PLACE("array");
    REFUSED(attribution_result_snapshots_arrow(result, 0, &array, NULL, error));
    PLACE("schema");
    memset(&array, 0x5a, sizeof array);
    memset(&schema, 0x5a, sizeof schema);
    memset(&stream, 0x5a, sizeof stream);
    REFUSED(attribution_result_touchpoints_arrow(result, 7, &array, &schema, error));
    CHECK(array.release == NULL && schema.release == NULL);
    REFUSED(attribution_result_snapshots_stream(NULL, &stream, error));
    CHECK(stream.release == NULL);
    REFUSED(attribution_result_touchpoints_stream(result, NULL, error));
    attribution_result_free(&result);
    free(taken.data);
}

static void journeys(void) {
    attribution_clicks clicks = ATTRIBUTION_CLICKS_INIT;
    attribution_conversions conversions = ATTRIBUTION_CONVERSIONS_INIT;
    attribution_journey_options options = ATTRIBUTION_JOURNEY_OPTIONS_INIT;
    attribution_journey_columns columns = ATTRIBUTION_JOURNEY_COLUMNS_INIT;
    attribution_journeys *journeys = NULL;
    attribution_batch *batch = NULL;
    static const uint8_t marks[] = {0, 2}, short_marks[] = {1};
    static const uint64_t twice[] = {5, 5}, visitors[] = {1, 1};
    static const uint32_t times[] = {1, 2};
    REFUSED(attribution_journeys_assemble(NULL, &conversions, NULL, &journeys, error));
    PLACE("attribution_clicks");
    REFUSED(attribution_journeys_assemble(&clicks, NULL, NULL, &journeys, error));
    REFUSED(attribution_journeys_assemble(&clicks, &conversions, NULL, NULL, error));
    options.key = 4;
    REFUSED(attribution_journeys_assemble(&clicks, &conversions, &options, &journeys, error));
    PLACE("key");
    options.key = 0;
    options.reserved[3] = 1;
    REFUSED(attribution_journeys_assemble(&clicks, &conversions, &options, &journeys, error));
    PLACE("reserved");
    options.reserved[3] = 0;
    options.max_touches = 0;
    CHECK_STATUS(attribution_journeys_assemble(&clicks, &conversions, &options, &journeys, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("max_touches");
    LEND(clicks.click_ids, twice);
    LEND(clicks.click_times, times);
    LEND(clicks.visitors, visitors);
    CHECK_STATUS(attribution_journeys_assemble(&clicks, &conversions, NULL, &journeys, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("clicks.click_ids[1]");
    LEND(clicks.filtered, marks);
    CHECK_STATUS(attribution_journeys_assemble(&clicks, &conversions, NULL, &journeys, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("clicks.filtered[1]");
    /* A pointer without a length is not what is left out. */
    clicks.filtered.length = 0;
    CHECK_STATUS(attribution_journeys_assemble(&clicks, &conversions, NULL, &journeys, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("clicks.filtered");
    clicks.filtered.data = NULL;
    clicks.visitors.length = 1;
    CHECK_STATUS(attribution_journeys_assemble(&clicks, &conversions, NULL, &journeys, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("clicks.visitors");
    clicks.click_ids.length = clicks.click_times.length = clicks.visitors.length = 0;
    LEND(conversions.conversion_ids, two_conversion_ids);
    LEND(conversions.click_ids, two_converting_click_ids);
    LEND(conversions.conversion_times, two_conversion_times);
    LEND(conversions.payouts, two_payouts);
    LEND(conversions.costs, two_costs);
    LEND(conversions.costs_present, short_marks);
    CHECK_STATUS(attribution_journeys_assemble(&clicks, &conversions, NULL, &journeys, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("conversions.costs_present");
    LEND(conversions.costs_present, marks);
    CHECK_STATUS(attribution_journeys_assemble(&clicks, &conversions, NULL, &journeys, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("conversions.costs_present[1]");
    conversions.costs.data = NULL;
    conversions.costs.length = 0;
    CHECK_STATUS(attribution_journeys_assemble(&clicks, &conversions, NULL, &journeys, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("conversions.costs_present");
    CHECK(journeys == NULL);
    REFUSED(attribution_journeys_columns(NULL, &columns, error));
    REFUSED(attribution_journeys_batch(NULL, 1, &batch, error));
    PLACE("attribution_journeys");
}

static void arrow(void) {
    struct ArrowArray array;
    struct ArrowSchema schema;
    struct ArrowArrayStream stream;
    attribution_batch *batch = NULL;
    memset(&array, 0, sizeof array);
    memset(&schema, 0, sizeof schema);
    memset(&stream, 0, sizeof stream);
    batch = (attribution_batch *)&array;
    REFUSED(attribution_batch_from_arrow(NULL, &schema, &batch, error));
    CHECK(batch == NULL);
    batch = (attribution_batch *)&array;
    REFUSED(attribution_batch_from_arrow_stream(NULL, &batch, error));
    CHECK(batch == NULL);
    {
        /* Whatever is refused, what can be taken over is. */
        attribution_batch *from = NULL;
        attribution_columns columns = two_columns();
        OK(attribution_batch_from_columns(&columns, &from, error));
        OK(attribution_batch_to_arrow(from, &array, &schema, error));
        REFUSED(attribution_batch_from_arrow(&array, NULL, &batch, error));
        CHECK(array.release == NULL && schema.release != NULL);
        REFUSED(attribution_batch_from_arrow(NULL, &schema, &batch, error));
        CHECK(schema.release == NULL);
        memset(&array, 0x5a, sizeof array);
        REFUSED(attribution_batch_to_arrow(from, &array, NULL, error));
        CHECK(array.release == NULL);
        OK(attribution_batch_to_arrow(from, &array, &schema, error));
        REFUSED(attribution_batch_from_arrow(&array, &schema, NULL, error));
        CHECK(array.release == NULL && schema.release == NULL);
        attribution_batch_free(&from);
    }
    REFUSED(attribution_batch_from_arrow(NULL, &schema, &batch, error));
    REFUSED(attribution_batch_from_arrow(&array, NULL, &batch, error));
    REFUSED(attribution_batch_from_arrow((struct ArrowArray *)((uintptr_t)&array + 1), &schema, &batch, error));
    CHECK_STATUS(attribution_batch_from_arrow(&array, &schema, &batch, error), ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("array");
    REFUSED(attribution_batch_from_arrow_stream(NULL, &batch, error));
    CHECK_STATUS(attribution_batch_from_arrow_stream(&stream, &batch, error), ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("stream");
    REFUSED(attribution_batch_to_arrow(NULL, &array, &schema, error));
    CHECK(batch == NULL && array.release == NULL && schema.release == NULL);
}

static int32_t never(uint32_t phase, uint64_t done, uint64_t total, void *context) {
    (void)phase, (void)done, (void)total, (void)context;
    return 1;
}

static void database(void) {
    attribution_store *store = NULL;
    attribution_report *report = (attribution_report *)&error;
    attribution_findings *findings = NULL;
    attribution_stored_snapshots *stored = NULL;
    attribution_backfill_options backfill = ATTRIBUTION_BACKFILL_OPTIONS_INIT;
    attribution_rebuild_options rebuild = ATTRIBUTION_REBUILD_OPTIONS_INIT;
    attribution_snapshot_query query = ATTRIBUTION_SNAPSHOT_QUERY_INIT;
    attribution_user_report user = ATTRIBUTION_USER_REPORT_INIT;
    attribution_model_report model = ATTRIBUTION_MODEL_REPORT_INIT;
    attribution_invalid_model invalid = ATTRIBUTION_INVALID_MODEL_INIT;
    attribution_finding finding = ATTRIBUTION_FINDING_INIT;
    attribution_stored_snapshot_columns columns = ATTRIBUTION_STORED_SNAPSHOT_COLUMNS_INIT;
    CHECK_STATUS(attribution_store_open("mysql://app:hush@/", NULL, &store, error), ATTRIBUTION_STATUS_INVALID_INPUT);
    CHECK(strstr(attribution_error_message(error), "hush") == NULL);
    REFUSED(attribution_store_open(NULL, NULL, &store, error));
    PLACE("url");
    CHECK_STATUS(attribution_store_open("mysql://a:b@127.0.0.1:1/x", "nonsense", &store, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    REFUSED(attribution_store_open("mysql://a:b@127.0.0.1:1/x", "\xff", &store, error));
    PLACE("replica_url");
    OK(attribution_store_open("mysql://app:hush@127.0.0.1:1/none", NULL, &store, error));

    rebuild.end = backfill.end = 3600;
    rebuild.connections = 0;
    CHECK_STATUS(attribution_store_rebuild(store, &rebuild, NULL, NULL, &report, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("connections");
    CHECK(report == NULL);
    rebuild.connections = 2;
    rebuild.without_credits = 2;
    REFUSED(attribution_store_rebuild(store, &rebuild, NULL, NULL, &report, error));
    PLACE("without_credits");
    rebuild.without_credits = 0;
    rebuild.scopes = ATTRIBUTION_SCOPES_ADGROUP;
    CHECK_STATUS(attribution_store_rebuild(store, &rebuild, NULL, NULL, &report, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("scopes");
    rebuild.scopes = ATTRIBUTION_SCOPES_ALL;
    rebuild.end = 0;
    CHECK_STATUS(attribution_store_rebuild(store, &rebuild, NULL, NULL, &report, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("window");
    rebuild.end = 3600;
    rebuild.user_id = backfill.user_id = 1;
    CHECK_STATUS(attribution_store_rebuild(store, &rebuild, never, NULL, &report, error), ATTRIBUTION_STATUS_DATABASE);
    CHECK(strstr(attribution_error_message(error), "hush") == NULL && report == NULL);
    backfill.journey_key = 9;
    REFUSED(attribution_store_backfill(store, &backfill, NULL, NULL, &report, error));
    backfill.journey_key = 0;
    backfill.scope_type = ATTRIBUTION_SCOPE_CAMPAIGN;
    CHECK_STATUS(attribution_store_backfill(store, &backfill, NULL, NULL, &report, error),
                 ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("scope_id");
    backfill.scope_type = ATTRIBUTION_SCOPE_ANY;
    backfill.scope_id = 7;
    REFUSED(attribution_store_backfill(store, &backfill, NULL, NULL, &report, error));
    PLACE("scope_type");
    backfill.scope_type = 200;
    REFUSED(attribution_store_backfill(store, &backfill, NULL, NULL, &report, error));
    PLACE("scope_type");
    REFUSED(attribution_store_backfill(store, NULL, NULL, NULL, &report, error));
    REFUSED(attribution_store_backfill(NULL, &backfill, NULL, NULL, &report, error));
    REFUSED(attribution_store_rebuild(store, &rebuild, NULL, NULL, NULL, error));
    PLACE("report");
    CHECK_STATUS(attribution_store_check(store, &findings, error), ATTRIBUTION_STATUS_DATABASE);
    CHECK_STATUS(attribution_store_install(store, error), ATTRIBUTION_STATUS_DATABASE);
    REFUSED(attribution_store_snapshots(store, &query, &stored, error));
    PLACE("model");
    query.model = "linear";
    CHECK_STATUS(attribution_store_snapshots(store, &query, &stored, error), ATTRIBUTION_STATUS_INVALID_INPUT);
    PLACE("window");
    query.end = 1;
    CHECK_STATUS(attribution_store_snapshots(store, &query, &stored, error), ATTRIBUTION_STATUS_DATABASE);
    CHECK(findings == NULL && stored == NULL);
    REFUSED(attribution_report_user(NULL, 0, &user, error));
    REFUSED(attribution_report_model(NULL, 0, 0, &model, error));
    REFUSED(attribution_report_invalid_model(NULL, 0, 0, &invalid, error));
    REFUSED(attribution_findings_get(NULL, 0, &finding, error));
    REFUSED(attribution_stored_snapshots_columns(NULL, &columns, error));
    CHECK(attribution_report_json(NULL) == NULL && attribution_findings_json(NULL) == NULL);
    CHECK(attribution_report_users(NULL) == 0 && attribution_findings_count(NULL) == 0);
    attribution_store_free(&store);
    CHECK(store == NULL);
}

#define NOT_ALLOWED(call) CHECK_STATUS(call, ATTRIBUTION_STATUS_INVALID_INPUT)
/* What is well asked for ends at the server, which is not there. */
#define NO_SERVER(call) CHECK_STATUS(call, ATTRIBUTION_STATUS_DATABASE)

static void comparisons(const attribution_store *store) {
    static const char *const models[] = {"linear", "last_touch"}, *const torn[] = {"linear", NULL},
                             *const no_text[] = {"\xff"};
    attribution_compare_options options = ATTRIBUTION_COMPARE_OPTIONS_INIT;
    attribution_comparison_fields fields = ATTRIBUTION_COMPARISON_FIELDS_INIT;
    attribution_comparison_row row = ATTRIBUTION_COMPARISON_ROW_INIT;
    attribution_comparison *comparison = (attribution_comparison *)&error;
#define COMPARE attribution_store_compare(store, &options, never, NULL, &comparison, error)
    options.user_id = 1;
    options.end = 3600;
    options.models = models;
    options.model_count = LENGTH(models);
    NO_SERVER(COMPARE);
    CHECK(comparison == NULL && strstr(attribution_error_message(error), "hush") == NULL);
    options.models = torn;
    REFUSED(COMPARE);
    PLACE("models[1]");
    options.models = no_text;
    options.model_count = 1;
    REFUSED(COMPARE);
    PLACE("models[0]");
    options.models = NULL;
    REFUSED(COMPARE);
    PLACE("models");
    options.models = models;
    options.model_count = (size_t)1 << 61;
    REFUSED(COMPARE);
    PLACE("models");
    options.model_count = 2;
    options.baseline = "\xff";
    REFUSED(COMPARE);
    PLACE("baseline");
    options.baseline = NULL;
    options.scope_type = 7;
    REFUSED(COMPARE);
    PLACE("scope_type");
    options.scope_type = ATTRIBUTION_SCOPE_ANY;
    REFUSED(COMPARE);
    PLACE("scope_type");
    options.scope_type = ATTRIBUTION_SCOPE_GLOBAL;
    options.resamples = 39;
    NOT_ALLOWED(COMPARE);
    PLACE("resamples");
    options.resamples = 0;
    options.end = 0;
    NOT_ALLOWED(COMPARE);
    PLACE("window");
    options.size = 9999;
    REFUSED(COMPARE);
    PLACE("attribution_compare_options.size");
    REFUSED(attribution_store_compare(NULL, &options, NULL, NULL, &comparison, error));
    REFUSED(attribution_store_compare(store, NULL, NULL, NULL, &comparison, error));
    REFUSED(attribution_store_compare(store, &options, NULL, NULL, NULL, error));
    PLACE("comparison");
    REFUSED(attribution_comparison_get(NULL, &fields, error));
    REFUSED(attribution_comparison_row_get(NULL, 0, &row, error));
    /* A handle of another kind. */
    REFUSED(attribution_comparison_get((const attribution_comparison *)store, &fields, error));
    PLACE("attribution_comparison");
    CHECK(attribution_comparison_json(NULL) == NULL && comparison == NULL);
}

static void overviews(const attribution_store *store) {
    attribution_overview_options options = ATTRIBUTION_OVERVIEW_OPTIONS_INIT;
    attribution_overview_fields fields = ATTRIBUTION_OVERVIEW_FIELDS_INIT;
    attribution_hour_columns hours = ATTRIBUTION_HOUR_COLUMNS_INIT;
    attribution_mix_columns mix = ATTRIBUTION_MIX_COLUMNS_INIT;
    attribution_anomaly anomaly = ATTRIBUTION_ANOMALY_INIT;
    attribution_overview *overview = (attribution_overview *)&error;
#define OVERVIEW attribution_store_overview(store, &options, &overview, error)
    options.end = 3600;
    REFUSED(OVERVIEW);
    PLACE("model");
    options.model = "linear";
    NO_SERVER(OVERVIEW);
    options.scope_type = ATTRIBUTION_SCOPE_ANY;
    REFUSED(OVERVIEW);
    PLACE("scope_type");
    options.scope_type = ATTRIBUTION_SCOPE_CAMPAIGN;
    NOT_ALLOWED(OVERVIEW);
    PLACE("scope_id");
    options.scope_id = 7;
    options.limit = 0;
    NOT_ALLOWED(OVERVIEW);
    PLACE("limit");
    options.end = 0;
    NOT_ALLOWED(OVERVIEW);
    PLACE("window");
    REFUSED(attribution_store_overview(NULL, &options, &overview, error));
    REFUSED(attribution_store_overview(store, NULL, &overview, error));
    REFUSED(attribution_store_overview(store, &options, NULL, error));
    PLACE("overview");
    REFUSED(attribution_overview_get(NULL, &fields, error));
    REFUSED(attribution_overview_hours(NULL, &hours, error));
    REFUSED(attribution_overview_mix(NULL, &mix, error));
    REFUSED(attribution_overview_anomaly(NULL, 0, &anomaly, error));
    REFUSED(attribution_overview_hours((const attribution_overview *)store, &hours, error));
    PLACE("attribution_overview");
    CHECK(attribution_overview_json(NULL) == NULL && overview == NULL);
}

static void queues(const attribution_store *store) {
    static const char *const networks[] = {"127.0.0.0/8", "intranet"};
    attribution_export_request request = ATTRIBUTION_EXPORT_REQUEST_INIT;
    attribution_export_query query = ATTRIBUTION_EXPORT_QUERY_INIT;
    attribution_export_run_options options = ATTRIBUTION_EXPORT_RUN_OPTIONS_INIT;
    attribution_webhook_policy policy = ATTRIBUTION_WEBHOOK_POLICY_INIT;
    attribution_export_fields fields = ATTRIBUTION_EXPORT_FIELDS_INIT;
    attribution_export_run_fields run_fields = ATTRIBUTION_EXPORT_RUN_FIELDS_INIT;
    attribution_export_outcome outcome = ATTRIBUTION_EXPORT_OUTCOME_INIT;
    attribution_exports *exports = (attribution_exports *)&error;
    attribution_export_run *run = (attribution_export_run *)&error;
    attribution_header headers[2];
#define SCHEDULE attribution_store_schedule_export(store, &request, &policy, &exports, error)
#define RUN attribution_store_run_exports(store, &options, &policy, never, NULL, &run, error)
#define LIST attribution_store_exports(store, &query, &exports, error)
    request.end = 3600;
    REFUSED(SCHEDULE);
    PLACE("model");
    request.model = "linear";
    NO_SERVER(SCHEDULE);
    NO_SERVER(attribution_store_schedule_export(store, &request, NULL, &exports, error));
    request.format = ATTRIBUTION_FORMAT_JSON_LINES;
    NOT_ALLOWED(SCHEDULE);
    PLACE("format");
    request.format = 0;
    REFUSED(SCHEDULE);
    PLACE("format");
    request.format = ATTRIBUTION_FORMAT_XLSX;
    request.scope_type = ATTRIBUTION_SCOPE_ANY;
    REFUSED(SCHEDULE);
    PLACE("scope_type");
    request.scope_type = ATTRIBUTION_SCOPE_CAMPAIGN;
    NOT_ALLOWED(SCHEDULE);
    PLACE("scope_id");
    request.scope_id = 7;
    NO_SERVER(SCHEDULE);
    request.webhook_secret = "hush";
    REFUSED(SCHEDULE);
    PLACE("webhook_url");
    request.webhook_url = "ftp://receiver.example/";
    NOT_ALLOWED(SCHEDULE);
    request.webhook_url = "https://127.0.0.1/";
    NOT_ALLOWED(SCHEDULE);
    CHECK(strstr(attribution_error_message(error), "hush") == NULL);
    policy.allow = networks;
    policy.allow_count = 1;
    NO_SERVER(SCHEDULE);
    policy.allow_count = 2;
    NOT_ALLOWED(SCHEDULE);
    policy.allow = NULL;
    REFUSED(SCHEDULE);
    PLACE("allow");
    policy.allow_count = 0;
    request.webhook_url = "https://receiver.example/";
    headers[0].name = "X-Mine";
    headers[0].value = "1";
    headers[1].name = "X-Signed";
    headers[1].value = NULL;
    request.webhook_headers = headers;
    request.webhook_header_count = 1;
    NO_SERVER(SCHEDULE);
    request.webhook_header_count = 2;
    REFUSED(SCHEDULE);
    PLACE("webhook_headers[1].value");
    headers[0].name = "\xff";
    REFUSED(SCHEDULE);
    PLACE("webhook_headers[0].name");
    headers[0].name = "Content-Length";
    request.webhook_header_count = 1;
    NOT_ALLOWED(SCHEDULE);
    headers[0].name = "X-Mine";
    headers[0].value = "1\r\nX: hush";
    NOT_ALLOWED(SCHEDULE);
    CHECK(strstr(attribution_error_message(error), "hush") == NULL);
    request.webhook_headers = NULL;
    REFUSED(SCHEDULE);
    PLACE("webhook_headers");
    policy.size = 8;
    request.webhook_header_count = 0;
    REFUSED(SCHEDULE);
    PLACE("attribution_webhook_policy.size");
    policy.size = sizeof policy;
    REFUSED(attribution_store_schedule_export(NULL, &request, NULL, &exports, error));
    REFUSED(attribution_store_schedule_export(store, NULL, NULL, &exports, error));
    REFUSED(attribution_store_schedule_export(store, &request, NULL, NULL, error));
    PLACE("exports");
    CHECK(exports == NULL);

    query.user_id = 1;
    NO_SERVER(LIST);
    query.status = 5;
    REFUSED(LIST);
    PLACE("status");
    REFUSED(attribution_store_exports(NULL, &query, &exports, error));
    REFUSED(attribution_store_exports(store, NULL, &exports, error));
    REFUSED(attribution_store_exports(store, &query, NULL, error));
    REFUSED(attribution_exports_get(NULL, 0, &fields, error));
    REFUSED(attribution_exports_get((const attribution_exports *)store, 0, &fields, error));
    PLACE("attribution_exports");
    CHECK_NUMBER(attribution_exports_count(NULL), 0);
    CHECK(attribution_exports_json(NULL) == NULL && exports == NULL);

    REFUSED(RUN);
    PLACE("directory");
    options.directory = "/no/such/folder";
    CHECK(RUN != ATTRIBUTION_STATUS_OK && run == NULL);
    policy.root_certificates = "\xff";
    REFUSED(RUN);
    PLACE("root_certificates");
    policy.root_certificates = NULL;
    policy.download_base = "\xff";
    REFUSED(RUN);
    PLACE("download_base");
    REFUSED(attribution_store_run_exports(NULL, &options, NULL, NULL, NULL, &run, error));
    REFUSED(attribution_store_run_exports(store, NULL, NULL, NULL, NULL, &run, error));
    REFUSED(attribution_store_run_exports(store, &options, NULL, NULL, NULL, NULL, error));
    PLACE("run");
    REFUSED(attribution_export_run_get(NULL, &run_fields, error));
    REFUSED(attribution_export_run_job(NULL, 0, &outcome, error));
    REFUSED(attribution_export_run_get((const attribution_export_run *)store, &run_fields, error));
    PLACE("attribution_export_run");
    CHECK(attribution_export_run_json(NULL) == NULL);
}

static void purges(const attribution_store *store) {
    static const uint64_t ids[] = {8, 9};
    attribution_purge_options options = ATTRIBUTION_PURGE_OPTIONS_INIT;
    attribution_purge_report fields = ATTRIBUTION_PURGE_REPORT_INIT;
    attribution_purged_table table = ATTRIBUTION_PURGED_TABLE_INIT;
    attribution_left_file file = ATTRIBUTION_LEFT_FILE_INIT;
    attribution_report *report = (attribution_report *)&error;
#define PURGE attribution_store_purge(store, &options, never, NULL, &report, error)
    options.user_id = 1;
    /* A target that was forgotten is not all there is. */
    REFUSED(PURGE);
    PLACE("target");
    options.target = 6;
    REFUSED(PURGE);
    PLACE("target");
    options.target = ATTRIBUTION_PURGE_OWNER;
    LEND(options.ids, ids);
    REFUSED(PURGE);
    PLACE("ids");
    options.target = ATTRIBUTION_PURGE_AGE;
    REFUSED(PURGE);
    PLACE("ids");
    options.target = ATTRIBUTION_PURGE_VISITOR;
    REFUSED(PURGE);
    PLACE("ids");
    options.target = ATTRIBUTION_PURGE_CLICKS;
    options.keep_audit_seconds = 1;
    REFUSED(PURGE);
    PLACE("keep_audit_seconds");
    options.keep_audit_seconds = 0;
    NO_SERVER(PURGE);
    options.ids.data = NULL;
    REFUSED(PURGE);
    PLACE("ids");
    options.ids.data = ids;
    options.ids.length = SIZE_MAX;
    REFUSED(PURGE);
    PLACE("ids");
    options.ids.length = 1;
    options.target = ATTRIBUTION_PURGE_CONVERSIONS;
    NO_SERVER(PURGE);
    options.target = ATTRIBUTION_PURGE_VISITOR;
    NO_SERVER(PURGE);
    /* Nobody's visitor is everybody's. */
    options.user_id = 0;
    NOT_ALLOWED(PURGE);
    options.user_id = 1;
    options.dry_run = 2;
    REFUSED(PURGE);
    PLACE("dry_run");
    options.dry_run = 0;
    options.journey_key = 4;
    REFUSED(PURGE);
    PLACE("key");
    options.export_directory = "\xff";
    REFUSED(PURGE);
    PLACE("export_directory");
    REFUSED(attribution_store_purge(NULL, &options, NULL, NULL, &report, error));
    REFUSED(attribution_store_purge(store, NULL, NULL, NULL, &report, error));
    REFUSED(attribution_store_purge(store, &options, NULL, NULL, NULL, error));
    PLACE("report");
    REFUSED(attribution_report_purge(NULL, 0, &fields, error));
    REFUSED(attribution_report_purged_table(NULL, 0, 0, &table, error));
    REFUSED(attribution_report_left_file(NULL, 0, 0, &file, error));
    CHECK(report == NULL);
}

static void caches(const attribution_store *store) {
    attribution_cache_options options = ATTRIBUTION_CACHE_OPTIONS_INIT;
    attribution_cache_counts counts = ATTRIBUTION_CACHE_COUNTS_INIT;
    attribution_snapshot_query query = ATTRIBUTION_SNAPSHOT_QUERY_INIT;
    attribution_stored_snapshots *stored = (attribution_stored_snapshots *)&error;
    attribution_cache *cache = (attribution_cache *)&error, *other;
    options.server_url = "http://:hush@127.0.0.1/";
    NOT_ALLOWED(attribution_cache_open(store, &options, &cache, error));
    CHECK(cache == NULL && strstr(attribution_error_message(error), "hush") == NULL);
    options.server_url = "\xff";
    REFUSED(attribution_cache_open(store, &options, &cache, error));
    PLACE("server_url");
    options.server_url = NULL;
    options.expiry_seconds = 0;
    NOT_ALLOWED(attribution_cache_open(store, &options, &cache, error));
    options.expiry_seconds = 300;
    options.timeout_ms = 0;
    NOT_ALLOWED(attribution_cache_open(store, &options, &cache, error));
    options.size = 1;
    REFUSED(attribution_cache_open(store, &options, &cache, error));
    PLACE("attribution_cache_options.size");
    REFUSED(attribution_cache_open(NULL, NULL, &cache, error));
    REFUSED(attribution_cache_open(store, NULL, NULL, error));
    PLACE("cache");
    OK(attribution_cache_open(store, NULL, &cache, error));
    query.user_id = 1;
    query.end = 3600;
    REFUSED(attribution_cache_snapshots(cache, &query, &stored, error));
    PLACE("model");
    query.model = "linear";
    query.scope_type = 7;
    REFUSED(attribution_cache_snapshots(cache, &query, &stored, error));
    PLACE("scope_type");
    query.scope_type = ATTRIBUTION_SCOPE_ANY;
    NO_SERVER(attribution_cache_snapshots(cache, &query, &stored, error));
    CHECK(stored == NULL);
    REFUSED(attribution_cache_snapshots(NULL, &query, &stored, error));
    REFUSED(attribution_cache_snapshots(cache, NULL, &stored, error));
    REFUSED(attribution_cache_snapshots(cache, &query, NULL, error));
    REFUSED(attribution_cache_snapshots((const attribution_cache *)store, &query, &stored, error));
    PLACE("attribution_cache");
    REFUSED(attribution_cache_statistics(NULL, &counts, error));
    REFUSED(attribution_cache_statistics(cache, NULL, error));
    REFUSED(attribution_cache_clear(NULL, error));
    OK(attribution_cache_clear(cache, error));
    OK(attribution_cache_statistics(cache, &counts, error));
    CHECK_NUMBER(counts.memory_hits, 0);
    CHECK_NUMBER(counts.entries, 0);
    other = (attribution_cache *)error;
    attribution_cache_free(&other);
    CHECK(other == (attribution_cache *)error);
    attribution_cache_free(&cache);
    CHECK(cache == NULL);
    attribution_cache_free(&cache);
}

static void serving(void) {
    attribution_store *store = NULL;
    OK(attribution_store_open("mysql://app:hush@127.0.0.1:1/none", NULL, &store, error));
    comparisons(store);
    overviews(store);
    queues(store);
    purges(store);
    caches(store);
    attribution_store_free(&store);
}

int main(void) {
    error = attribution_error_new();
    models();
    sizes();
    columns_of_every_wrong_kind();
    batches();
    freeing();
    errors();
    results();
    journeys();
    arrow();
    database();
    serving();
    attribution_error_free(&error);
    return checks_done("misuse");
}
