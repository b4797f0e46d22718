/*
 * Arrow's own declarations first, then attribution.h, as where a program includes Arrow's C++ library or
 * nanoarrow. What Arrow declares is what the library's functions take, and the layout is the one that a unit
 * with attribution.h alone has.
 */
#include "arrow_abi.h"

#include <attribution.h>

#include "after_arrow.h"
#include "check.h"

int main(void) {
    attribution_error *error = attribution_error_new();
    attribution_batch *batch = NULL, *again = NULL;
    struct ArrowArray array;
    struct ArrowSchema schema;
    const attribution_columns columns = two_columns();
    size_t ours[ARROW_LAYOUT_LENGTH], theirs[ARROW_LAYOUT_LENGTH], at;

    layout_of_attribution(ours);
    ARROW_LAYOUT(theirs);
    for (at = 0; at < ARROW_LAYOUT_LENGTH; at++) {
        CHECK_NUMBER(ours[at], theirs[at]);
    }
    OK(attribution_batch_from_columns(&columns, &batch, error));
    OK(attribution_batch_to_arrow(batch, &array, &schema, error));
    CHECK_NUMBER(array.length, 2);
    CHECK_TEXT(schema.format, "+s");
    OK(attribution_batch_from_arrow(&array, &schema, &again, error));
    CHECK_NUMBER(attribution_batch_touches(again), 5);
    attribution_batch_free(&again);
    attribution_batch_free(&batch);
    attribution_error_free(&error);
    return checks_done("after_arrow");
}
