/*
 * Models side by side on a user's stored conversions, campaign by campaign; nothing is written.
 *
 *     ATTRIBUTION_DATABASE_URL=mysql://user:password@127.0.0.1/prosper202 ./comparison USER START END MODEL...
 */
#include <attribution.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int main(int words, char **word) {
    const char *url = getenv("ATTRIBUTION_DATABASE_URL");
    attribution_error *error = attribution_error_new();
    attribution_store *store = NULL;
    attribution_comparison *comparison = NULL;
    attribution_compare_options options = ATTRIBUTION_COMPARE_OPTIONS_INIT;
    attribution_comparison_fields fields = ATTRIBUTION_COMPARISON_FIELDS_INIT;
    attribution_status status;

    if (words < 5) return 2;
    options.user_id = strtoull(word[1], NULL, 10);
    options.start = (uint32_t)strtoul(word[2], NULL, 10);
    options.end = (uint32_t)strtoul(word[3], NULL, 10);
    options.models = (const char *const *)word + 4; /* a stored model's slug, or "time_decay:half_life_hours=48" */
    options.model_count = (size_t)words - 4;
    options.scope_type = ATTRIBUTION_SCOPE_CAMPAIGN;
    status = attribution_store_open(url ? url : "", NULL, &store, error);
    if (!status) status = attribution_store_compare(store, &options, NULL, NULL, &comparison, error);
    if (!status) status = attribution_comparison_get(comparison, &fields, error);
    for (size_t at = 0; !status && at < fields.rows; at++) {
        attribution_comparison_row row = ATTRIBUTION_COMPARISON_ROW_INIT;
        status = attribution_comparison_row_get(comparison, at, &row, error);
        if (status) break;
        printf("%6" PRIu64 " %-24s %12.2f  95 %%: %.2f to %.2f\n", row.scope_id, row.model, row.figures.revenue / 1e5,
               row.figures_low.revenue / 1e5, row.figures_high.revenue / 1e5);
    }
    if (status) fprintf(stderr, "%s: %s\n", attribution_status_name(status), attribution_error_message(error));
    attribution_comparison_free(&comparison);
    attribution_store_free(&store);
    attribution_error_free(&error);
    return status ? 1 : 0;
}
