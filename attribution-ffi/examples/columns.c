/* Two conversions as columns under two models: what each touch gets, and the totals by campaign and hour. */
#include <attribution.h>
#include <inttypes.h>
#include <stdio.h>

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define SLICE(array) {array, LENGTH(array)}

static const uint64_t conversion_ids[] = {1, 2};
static const uint64_t converting_click_ids[] = {12, 21};
static const uint32_t conversion_times[] = {1717232400, 1717236000};
static const int64_t payouts[] = {3500000, 1000000}; /* 35.00 and 10.00, in 0.00001 */
static const int64_t costs[] = {0, 25000};
static const size_t offsets[] = {0, 3, 5}; /* touches 0 to 2 are of the first, 3 and 4 of the second */
static const uint64_t click_ids[] = {10, 11, 12, 20, 21};
static const uint32_t click_times[] = {1717059600, 1717146000, 1717232400, 1717200000, 1717235000};
static const uint64_t campaign_ids[] = {7, 8, 7, 8, 8};

static int failed(const attribution_error *error) {
    fprintf(stderr, "%s\n", attribution_error_message(error));
    return 1;
}

int main(void) {
    attribution_error *error = attribution_error_new();
    attribution_model *models[2] = {NULL, NULL};
    attribution_result *result = NULL;
    attribution_columns columns = ATTRIBUTION_COLUMNS_INIT;
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    int status = 0;

    columns.conversion_ids = (attribution_u64_slice)SLICE(conversion_ids);
    columns.converting_click_ids = (attribution_u64_slice)SLICE(converting_click_ids);
    columns.conversion_times = (attribution_u32_slice)SLICE(conversion_times);
    columns.payouts = (attribution_i64_slice)SLICE(payouts);
    columns.costs = (attribution_i64_slice)SLICE(costs);
    columns.offsets = (attribution_size_slice)SLICE(offsets);
    columns.click_ids = (attribution_u64_slice)SLICE(click_ids);
    columns.click_times = (attribution_u32_slice)SLICE(click_times);
    columns.campaign_ids = (attribution_u64_slice)SLICE(campaign_ids);
    options.scopes = ATTRIBUTION_SCOPES_CAMPAIGN;
    options.touchpoints = 1;

    if (attribution_model_from_spec("linear", &models[0], error) ||
        attribution_model_from_spec("time_decay:half_life_hours=48", &models[1], error) ||
        attribution_calculate_columns((const attribution_model *const *)models, 2, &columns, &options, &result,
                                      error)) {
        status = failed(error);
    }
    for (size_t model = 0; status == 0 && model < attribution_result_models(result); model++) {
        attribution_touchpoints touchpoints = ATTRIBUTION_TOUCHPOINTS_INIT;
        attribution_snapshots snapshots = ATTRIBUTION_SNAPSHOTS_INIT;
        if (attribution_result_touchpoints(result, model, &touchpoints, error) ||
            attribution_result_snapshots(result, model, &snapshots, error)) {
            status = failed(error);
            break;
        }
        printf("%s\n", attribution_result_model_name(result, model));
        for (size_t row = 0; row < touchpoints.length; row++) {
            printf("  conversion %" PRIu64 ", click %" PRIu64 ": credit %.5f, revenue %" PRId64 "\n",
                   conversion_ids[touchpoints.conversions[row]], touchpoints.click_ids[row],
                   touchpoints.credits[row], touchpoints.revenues[row]);
        }
        for (size_t row = 0; row < snapshots.length; row++) {
            printf("  campaign %" PRIu64 ", hour %" PRIu32 ": clicks %" PRIu64 ", revenue %" PRId64 "\n",
                   snapshots.scope_ids[row], snapshots.date_hours[row], snapshots.attributed_clicks[row],
                   snapshots.revenues[row]);
        }
    }
    attribution_result_free(&result);
    attribution_model_free(&models[0]);
    attribution_model_free(&models[1]);
    attribution_error_free(&error);
    return status;
}
