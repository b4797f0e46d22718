/* What the two units of two_units tell each other. */
#ifndef TWO_UNITS_H
#define TWO_UNITS_H

#include <attribution.h>

#ifdef __cplusplus
extern "C" {
#endif
attribution_model *model_of_other_unit(void);
int32_t double_of_linear_kind(void);
#ifdef __cplusplus
}
#endif

#endif
