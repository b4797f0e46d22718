/* attribution.h first, then Arrow's own declarations: they leave those of the header in place. */
#include <attribution.h>

#include "arrow_abi.h"

#include "after_arrow.h"

void layout_of_attribution(size_t *layout) {
    ARROW_LAYOUT(layout);
}
