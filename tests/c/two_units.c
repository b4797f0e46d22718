/* The unit in C: the header twice, and before any other. */
#include <attribution.h>
#include <attribution.h>

#include "two_units.h"

attribution_model *model_of_other_unit(void) {
    attribution_model *model = NULL;
    attribution_model_from_spec("linear", &model, NULL);
    return model;
}

int32_t double_of_linear_kind(void) {
    return 2 * ATTRIBUTION_KIND_LINEAR;
}
