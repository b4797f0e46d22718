/* The layout of Arrow's structs as one unit sees it. */
#ifndef AFTER_ARROW_H
#define AFTER_ARROW_H

#include <stddef.h>

#define ARROW_LAYOUT(layout)                                    \
    do {                                                        \
        size_t at = 0;                                          \
        layout[at++] = sizeof(struct ArrowSchema);              \
        layout[at++] = offsetof(struct ArrowSchema, format);    \
        layout[at++] = offsetof(struct ArrowSchema, name);      \
        layout[at++] = offsetof(struct ArrowSchema, metadata);  \
        layout[at++] = offsetof(struct ArrowSchema, flags);     \
        layout[at++] = offsetof(struct ArrowSchema, n_children); \
        layout[at++] = offsetof(struct ArrowSchema, children);  \
        layout[at++] = offsetof(struct ArrowSchema, dictionary); \
        layout[at++] = offsetof(struct ArrowSchema, release);   \
        layout[at++] = offsetof(struct ArrowSchema, private_data); \
        layout[at++] = sizeof(struct ArrowArray);               \
        layout[at++] = offsetof(struct ArrowArray, length);     \
        layout[at++] = offsetof(struct ArrowArray, null_count); \
        layout[at++] = offsetof(struct ArrowArray, offset);     \
        layout[at++] = offsetof(struct ArrowArray, n_buffers);  \
        layout[at++] = offsetof(struct ArrowArray, n_children); \
        layout[at++] = offsetof(struct ArrowArray, buffers);    \
        layout[at++] = offsetof(struct ArrowArray, children);   \
        layout[at++] = offsetof(struct ArrowArray, dictionary); \
        layout[at++] = offsetof(struct ArrowArray, release);    \
        layout[at++] = offsetof(struct ArrowArray, private_data); \
        layout[at++] = sizeof(struct ArrowArrayStream);         \
        layout[at++] = offsetof(struct ArrowArrayStream, get_schema); \
        layout[at++] = offsetof(struct ArrowArrayStream, get_next); \
        layout[at++] = offsetof(struct ArrowArrayStream, get_last_error); \
        layout[at++] = offsetof(struct ArrowArrayStream, release); \
        layout[at++] = offsetof(struct ArrowArrayStream, private_data); \
        layout[at++] = ARROW_FLAG_DICTIONARY_ORDERED;           \
        layout[at++] = ARROW_FLAG_NULLABLE;                     \
        layout[at++] = ARROW_FLAG_MAP_KEYS_SORTED;              \
    } while (0)
#define ARROW_LAYOUT_LENGTH 30

void layout_of_attribution(size_t *layout);

#endif
