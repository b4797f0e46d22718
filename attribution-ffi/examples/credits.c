/* The credits of one journey. */
#include <attribution.h>
#include <stdio.h>

int main(void) {
    attribution_error *error = attribution_error_new();
    attribution_model *model = NULL;
    attribution_batch *batch = NULL;
    attribution_touch touches[] = {{.click_id = 10, .click_time = 1717059600}, {.click_id = 11, .click_time = 1717146000}};
    attribution_conversion conversion = {.conversion_id = 1, .conversion_time = 1717232400, .payout = 3500000,
                                         .click = {.click_id = 12, .click_time = 1717232400}};
    double credits[3];
    int failed = attribution_model_from_spec("time_decay:half_life_hours=48", &model, error) ||
                 attribution_batch_new(&batch, error) ||
                 attribution_batch_append(batch, &conversion, touches, 2, error) ||
                 attribution_credits(model, batch, 1, credits, 3, error);
    if (failed) fprintf(stderr, "%s\n", attribution_error_message(error));
    else printf("%.5f %.5f %.5f\n", credits[0], credits[1], credits[2]);
    attribution_batch_free(&batch), attribution_model_free(&model), attribution_error_free(&error);
    return failed;
}
