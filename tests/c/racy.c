/*
 * Wrong on purpose: two threads append to one batch at once. Where the library is watched for threads this has to be
 * found, or finding nothing in threads.c would say nothing.
 */
#include "check.h"

#include <pthread.h>

static attribution_batch *batch;

static void *work(void *argument) {
    attribution_conversion conversion;
    int round;
    (void)argument;
    memset(&conversion, 0, sizeof conversion);
    for (round = 0; round < 200; round++) {
        attribution_batch_append(batch, &conversion, NULL, 0, NULL);
    }
    return NULL;
}

int main(void) {
    pthread_t threads[2];
    CHECK(attribution_batch_new(&batch, NULL) == ATTRIBUTION_STATUS_OK);
    CHECK(pthread_create(&threads[0], NULL, work, NULL) == 0);
    CHECK(pthread_create(&threads[1], NULL, work, NULL) == 0);
    CHECK(pthread_join(threads[0], NULL) == 0);
    CHECK(pthread_join(threads[1], NULL) == 0);
    /* Not freed: what the race has made of it is not known. */
    return checks_done("racy");
}
