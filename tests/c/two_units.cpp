/* The unit in C++: the header twice, and after others. Nothing that it defines may be there twice. */
#include <cstdint>
#include <string>

#include <attribution.h>
#include <attribution.h>

#include "check.h"
#include "two_units.h"

int main() {
    attribution_model *model = model_of_other_unit();
    CHECK(model != nullptr);
    CHECK_NUMBER(attribution_model_kind(model), ATTRIBUTION_KIND_LINEAR);
    CHECK(std::string(attribution_model_name(model)) == "linear");
    attribution_model_free(&model);
    CHECK(model == nullptr);
    CHECK_NUMBER(double_of_linear_kind(), 2 * ATTRIBUTION_KIND_LINEAR);
    return checks_done("two_units");
}
