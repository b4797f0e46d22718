/*
 * Several threads at once with the same models, batch and result: each finds the same bytes. Arrow arrays are
 * released on another thread than the one that made them.
 */
#include "check.h"

#include <pthread.h>

enum { THREADS = 4, ROUNDS = 40, CONVERSIONS = 6000 };

static attribution_model *shared_models[2];
static attribution_batch *shared_batch;
static attribution_result *shared_result;
static bytes expected;

/* What a thread hands to the next. */
static struct ArrowArrayStream streams[THREADS];

/* What went wrong on a thread: 0, or a line. */
static int outcome[THREADS];

#define NEED(condition)      \
    do {                     \
        if (!(condition)) {  \
            return __LINE__; \
        }                    \
    } while (0)

static int same_export(const attribution_result *result) {
    bytes taken = {NULL, 0, 0, 0, 0};
    int same;
    NEED(attribution_result_export(result, ATTRIBUTION_FORMAT_CSV, take_bytes, &taken, NULL, NULL) == 0);
    same = taken.length == expected.length && memcmp(taken.data, expected.data, taken.length) == 0;
    free(taken.data);
    NEED(same);
    return 0;
}

static int round_of(int thread, int round) {
    attribution_error *error = attribution_error_new();
    attribution_result *result = NULL;
    attribution_model *model = NULL;
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    attribution_touchpoints mine = ATTRIBUTION_TOUCHPOINTS_INIT, theirs = ATTRIBUTION_TOUCHPOINTS_INIT;
    int failed;
    options.scopes = ATTRIBUTION_SCOPES_GLOBAL | ATTRIBUTION_SCOPES_CAMPAIGN;
    options.touchpoints = 1;
    options.threads = (uint32_t)(1 + round % 2);
    NEED(attribution_model_from_spec("time_decay:half_life_hours=0", &model, error) ==
         ATTRIBUTION_STATUS_INVALID_MODEL);
    NEED(strcmp(attribution_error_place(error), "half_life_hours") == 0);
    NEED(attribution_calculate((const attribution_model *const *)shared_models, 2, shared_batch, &options, &result,
                               error) == 0);
    failed = same_export(result);
    NEED(failed == 0);
    failed = same_export(shared_result);
    NEED(failed == 0);
    NEED(attribution_result_touchpoints(result, 1, &mine, error) == 0);
    NEED(attribution_result_touchpoints(shared_result, 1, &theirs, error) == 0);
    NEED(mine.length == theirs.length);
    NEED(memcmp(mine.credits, theirs.credits, mine.length * sizeof *mine.credits) == 0);
    attribution_result_free(&result);
    if (round == ROUNDS - 1) {
        NEED(attribution_result_touchpoints_stream(shared_result, &streams[thread], error) == 0);
    }
    attribution_error_free(&error);
    return 0;
}

static void *work(void *argument) {
    const int thread = *(const int *)argument;
    int round;
    for (round = 0; round < ROUNDS && outcome[thread] == 0; round++) {
        outcome[thread] = round_of(thread, round);
    }
    return NULL;
}

static int drain(struct ArrowArrayStream *stream) {
    struct ArrowArray array;
    int64_t length = 0;
    for (;;) {
        NEED(stream->get_next(stream, &array) == 0);
        if (array.release == NULL) break;
        length += array.length;
        array.release(&array);
    }
    stream->release(stream);
    NEED(length == 2 * 2 * CONVERSIONS);
    return 0;
}

static void *release(void *argument) {
    const int thread = *(const int *)argument;
    outcome[thread] = drain(&streams[(thread + 1) % THREADS]);
    return NULL;
}

static void on_all(void *(*job)(void *)) {
    pthread_t threads[THREADS];
    static int numbers[THREADS];
    int at;
    for (at = 0; at < THREADS; at++) {
        numbers[at] = at;
        outcome[at] = 0;
        CHECK(pthread_create(&threads[at], NULL, job, &numbers[at]) == 0);
    }
    for (at = 0; at < THREADS; at++) {
        CHECK(pthread_join(threads[at], NULL) == 0);
    }
    for (at = 0; at < THREADS; at++) {
        CHECK_NUMBER(outcome[at], 0);
    }
}

int main(void) {
    attribution_error *error = attribution_error_new();
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    uint64_t id;
    OK(attribution_model_from_spec("linear", &shared_models[0], error));
    OK(attribution_model_from_spec("time_decay:half_life_hours=7", &shared_models[1], error));
    OK(attribution_batch_new(&shared_batch, error));
    for (id = 1; id <= CONVERSIONS; id++) {
        attribution_conversion conversion;
        attribution_touch touch;
        memset(&conversion, 0, sizeof conversion);
        memset(&touch, 0, sizeof touch);
        conversion.conversion_id = id;
        conversion.conversion_time = 1717200000 + (uint32_t)(id * 37 % 90000);
        conversion.payout = (int64_t)(id * 7919 % 1000003);
        conversion.cost = (int64_t)(id % 11);
        conversion.click.click_id = 2 * id;
        conversion.click.click_time = conversion.conversion_time;
        conversion.click.campaign_id = id % 17;
        touch.click_id = 2 * id + 1;
        touch.click_time = conversion.conversion_time - (uint32_t)(id * 101 % 100000);
        touch.campaign_id = id % 13;
        OK(attribution_batch_append(shared_batch, &conversion, &touch, 1, error));
    }
    options.scopes = ATTRIBUTION_SCOPES_GLOBAL | ATTRIBUTION_SCOPES_CAMPAIGN;
    options.touchpoints = 1;
    OK(attribution_calculate((const attribution_model *const *)shared_models, 2, shared_batch, &options,
                             &shared_result, error));
    OK(attribution_result_export(shared_result, ATTRIBUTION_FORMAT_CSV, take_bytes, &expected, NULL, error));
    on_all(work);
    /* The streams go on without the result. */
    attribution_result_free(&shared_result);
    on_all(release);
    attribution_batch_free(&shared_batch);
    attribution_model_free(&shared_models[0]);
    attribution_model_free(&shared_models[1]);
    attribution_error_free(&error);
    free(expected.data);
    return checks_done("threads");
}
