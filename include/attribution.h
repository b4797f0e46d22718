/*
 * attribution.h - exact multi-touch attribution.
 *
 * Made from attribution-ffi by cbindgen; do not edit. C11 or later, C++17 or later.
 *
 * Statuses. Every function that can fail returns an attribution_status, and tells an attribution_error,
 * where it is given one, what went wrong and where. There is no hidden state: no last error, no global
 * settings, no threads that outlive a call (but for the look-up of a cache server's or webhook's name, where
 * the system takes longer over it than the call may). No function unwinds, and none ends the process: a panic
 * inside becomes ATTRIBUTION_STATUS_PANIC, and Rust prints its text to standard error. (Where the system has no
 * memory left, Rust ends the process all the same.) What a call that fails was to fill is as it was, or zeros.
 *
 * Handles. A pointer to a struct that is only named here is a handle. Whoever has it made owns it, and frees
 * it with the function of its name, by the address of the variable that holds it: that is set to NULL, and
 * freeing it again does nothing. A function that makes a handle sets the variable to NULL first, so that
 * after a failure it is NULL, which every function refuses or, where it frees, leaves alone. A handle that
 * was freed, or of another kind, is refused where it can be told by looking at it.
 *
 * All other structs are the caller's: they are read or filled during a call, and not kept, so threads may share
 * one that no call fills. Where a column may be left out, a slice of NULL and 0 leaves it out. What the caller's pointers in them point to is lent for the time of the call. What
 * pointers point to that the library filled in belongs to the handle that was asked, until that is freed.
 *
 * Threads. Handles may be passed from thread to thread. A handle may be used by several at once while none of
 * them changes or frees it; attribution_error and attribution_batch_append change what they are given.
 * After fork, a child may go on using handles, but for an attribution_cache.
 *
 * Callbacks. No function that the caller gives, be it a write, a progress or one of Arrow's (release, get_schema,
 * get_next, get_last_error), may unwind or jump out, or free what the call that runs was given.
 *
 * Signals. The library sets no handlers. While it talks to a database or another server, SIGPIPE is held back on the calling
 * thread, during the progress callback, too, so that a lost connection is a status even in a program that
 * has not switched it off.
 *
 * Structs with a `size` may grow at their end in later versions. Begin them with their _INIT, and an older or
 * newer library will understand them. All others never change.
 *
 * Money and stored credit are counts of 0.00001, percentages counts of 0.01 %. Times are unix seconds, UTC. Texts are UTF-8 and end with
 * a NUL.
 */

#ifndef ATTRIBUTION_H
#define ATTRIBUTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* As Arrow gives them: https://arrow.apache.org/docs/format/CDataInterface.html */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*);
  void* private_data;
};

#endif  /* ARROW_C_DATA_INTERFACE */

/* As Arrow gives it: https://arrow.apache.org/docs/format/CStreamInterface.html */
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
  int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
  const char* (*get_last_error)(struct ArrowArrayStream*);
  void (*release)(struct ArrowArrayStream*);
  void* private_data;
};

#endif  /* ARROW_C_STREAM_INTERFACE */

#ifdef __cplusplus
}  /* extern "C" */
#endif

/**
 * In `rows` of attribution_journey_columns: a converting click that is not among the clicks.
 */
#define ATTRIBUTION_MISSING_CLICK 4294967295

/**
 * In a set of scopes: none, for credits without snapshots.
 */
#define ATTRIBUTION_SCOPES_NONE 0

/**
 * In a set of scopes: global. Sets are joined by |.
 */
#define ATTRIBUTION_SCOPES_GLOBAL 1

/**
 * In a set of scopes: campaigns.
 */
#define ATTRIBUTION_SCOPES_CAMPAIGN 2

/**
 * In a set of scopes: accounts.
 */
#define ATTRIBUTION_SCOPES_ACCOUNT 4

/**
 * In a set of scopes: advertisers.
 */
#define ATTRIBUTION_SCOPES_ADVERTISER 8

/**
 * In a set of scopes: traffic sources.
 */
#define ATTRIBUTION_SCOPES_TRAFFIC_SOURCE 16

/**
 * In a set of scopes: landing pages.
 */
#define ATTRIBUTION_SCOPES_LANDING_PAGE 32

/**
 * In a set of scopes: ad groups.
 */
#define ATTRIBUTION_SCOPES_ADGROUP 64

/**
 * For a rebuild: all scopes that the tables have ids for.
 */
#define ATTRIBUTION_SCOPES_ALL 2147483648

/**
 * The version of the ABI. It rises when a program that was built with an older header could break, and
 * is the number in the library's SONAME.
 */
#define ATTRIBUTION_ABI_VERSION 1

/**
 * The library's major version.
 */
#define ATTRIBUTION_VERSION_MAJOR 0

/**
 * The library's minor version.
 */
#define ATTRIBUTION_VERSION_MINOR 1

/**
 * The library's patch version.
 */
#define ATTRIBUTION_VERSION_PATCH 0

/**
 * The library's version as one number, major * 1000000 + minor * 1000 + patch.
 */
#define ATTRIBUTION_VERSION_NUMBER 1000

/**
 * What came of a call. The numbers are never changed or used again; later versions may add some, so
 * take one that you do not know for a failure.
 */
enum attribution_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Done.
     */
    ATTRIBUTION_STATUS_OK = 0,
    /**
     * A model's kind, name, slug or weighting config is not allowed.
     */
    ATTRIBUTION_STATUS_INVALID_MODEL = 1,
    /**
     * Clicks, conversions, a batch or an option are not allowed.
     */
    ATTRIBUTION_STATUS_INVALID_INPUT = 2,
    /**
     * A number or a size is beyond what can be held exactly.
     */
    ATTRIBUTION_STATUS_LIMIT = 3,
    /**
     * A file could not be read or written, or a write callback failed.
     */
    ATTRIBUTION_STATUS_IO = 4,
    /**
     * The database refused, failed or could not be reached.
     */
    ATTRIBUTION_STATUS_DATABASE = 5,
    /**
     * Another run holds the lock, or has taken it over.
     */
    ATTRIBUTION_STATUS_LOCKED = 6,
    /**
     * A progress callback asked to stop. Nothing is left half done.
     */
    ATTRIBUTION_STATUS_CANCELLED = 7,
    /**
     * The library broke a promise to itself: a defect of it, to report.
     */
    ATTRIBUTION_STATUS_INTERNAL = 8,
    /**
     * An argument is not what the function takes: NULL, a misaligned pointer, text that is no UTF-8, a
     * handle of another kind, a struct without its size, an index out of range.
     */
    ATTRIBUTION_STATUS_INVALID_ARGUMENT = 9,
    /**
     * The library panicked inside, which was contained: a defect of it, to report. What the call was to
     * give was not given.
     */
    ATTRIBUTION_STATUS_PANIC = 10,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum attribution_status attribution_status;
#else
typedef uint32_t attribution_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The kind of a model.
 */
enum attribution_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * All credit to the converting click.
     */
    ATTRIBUTION_KIND_LAST_TOUCH = 1,
    /**
     * All credit to the first touch.
     */
    ATTRIBUTION_KIND_FIRST_TOUCH = 2,
    /**
     * The same credit to every touch.
     */
    ATTRIBUTION_KIND_LINEAR = 3,
    /**
     * Credit that halves with each half-life before the newest touch. Takes half_life_hours.
     */
    ATTRIBUTION_KIND_TIME_DECAY = 4,
    /**
     * Fixed shares to the first and last touch, the rest between. Takes first_touch_weight and
     * last_touch_weight.
     */
    ATTRIBUTION_KIND_POSITION_BASED = 5,
    /**
     * The same credit to every touch but the last.
     */
    ATTRIBUTION_KIND_ASSISTED = 6,
    /**
     * Data-driven. Known, and refused: it is not yet available.
     */
    ATTRIBUTION_KIND_ALGORITHMIC = 7,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum attribution_kind attribution_kind;
#else
typedef uint32_t attribution_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The slice that a snapshot covers.
 */
enum attribution_scope
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Everything; it has no id.
     */
    ATTRIBUTION_SCOPE_GLOBAL = 0,
    /**
     * A campaign.
     */
    ATTRIBUTION_SCOPE_CAMPAIGN = 1,
    /**
     * A traffic-source account.
     */
    ATTRIBUTION_SCOPE_ACCOUNT = 2,
    /**
     * An advertiser.
     */
    ATTRIBUTION_SCOPE_ADVERTISER = 3,
    /**
     * A traffic source.
     */
    ATTRIBUTION_SCOPE_TRAFFIC_SOURCE = 4,
    /**
     * A landing page.
     */
    ATTRIBUTION_SCOPE_LANDING_PAGE = 5,
    /**
     * An ad group.
     */
    ATTRIBUTION_SCOPE_ADGROUP = 6,
    /**
     * Not a scope: in a query, all of them.
     */
    ATTRIBUTION_SCOPE_ANY = 255,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum attribution_scope attribution_scope;
#else
typedef uint32_t attribution_scope;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Which clicks can be touches of a conversion.
 */
enum attribution_journey_key
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Those of the converting click's visitor in the conversion's campaign.
     */
    ATTRIBUTION_JOURNEY_KEY_VISITOR_CAMPAIGN = 0,
    /**
     * Those of the converting click's visitor in any campaign.
     */
    ATTRIBUTION_JOURNEY_KEY_VISITOR = 1,
    /**
     * Those of any visitor in the conversion's campaign.
     */
    ATTRIBUTION_JOURNEY_KEY_CAMPAIGN = 2,
    /**
     * The converting click alone.
     */
    ATTRIBUTION_JOURNEY_KEY_NONE = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum attribution_journey_key attribution_journey_key;
#else
typedef uint32_t attribution_journey_key;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The format of an export.
 */
enum attribution_format
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * CSV.
     */
    ATTRIBUTION_FORMAT_CSV = 1,
    /**
     * A workbook for spreadsheets.
     */
    ATTRIBUTION_FORMAT_XLSX = 2,
    /**
     * A JSON object a line.
     */
    ATTRIBUTION_FORMAT_JSON_LINES = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum attribution_format attribution_format;
#else
typedef uint32_t attribution_format;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a job is doing.
 */
enum attribution_phase
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Something that this header does not know.
     */
    ATTRIBUTION_PHASE_OTHER = 0,
    /**
     * Reading clicks and conversions; counted in rows, the total 0 where it is not known.
     */
    ATTRIBUTION_PHASE_READING = 1,
    /**
     * Assembling journeys; counted in conversions.
     */
    ATTRIBUTION_PHASE_ASSEMBLING = 2,
    /**
     * Calculating; counted in conversions.
     */
    ATTRIBUTION_PHASE_CALCULATING = 3,
    /**
     * Making stored rows right; counted in conversions.
     */
    ATTRIBUTION_PHASE_WRITING = 4,
    /**
     * Waiting for another run to end; not counted.
     */
    ATTRIBUTION_PHASE_WAITING = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum attribution_phase attribution_phase;
#else
typedef uint32_t attribution_phase;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How bad a finding is.
 */
enum attribution_severity
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * As it should be.
     */
    ATTRIBUTION_SEVERITY_GOOD = 0,
    /**
     * Could be better.
     */
    ATTRIBUTION_SEVERITY_NOTE = 1,
    /**
     * Should be looked at.
     */
    ATTRIBUTION_SEVERITY_WARNING = 2,
    /**
     * Keeps the jobs from being done.
     */
    ATTRIBUTION_SEVERITY_ERROR = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum attribution_severity attribution_severity;
#else
typedef uint32_t attribution_severity;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The place of a touch in its own journey.
 */
enum attribution_place
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The oldest of several touches.
     */
    ATTRIBUTION_PLACE_FIRST = 1,
    /**
     * Neither the oldest nor the newest.
     */
    ATTRIBUTION_PLACE_ASSIST = 2,
    /**
     * The newest of several touches.
     */
    ATTRIBUTION_PLACE_LAST = 3,
    /**
     * The only touch.
     */
    ATTRIBUTION_PLACE_SINGLE = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum attribution_place attribution_place;
#else
typedef uint32_t attribution_place;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What is out of the ordinary.
 */
enum attribution_metric
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * The attributed conversions.
     */
    ATTRIBUTION_METRIC_CONVERSIONS = 1,
    /**
     * The attributed revenue.
     */
    ATTRIBUTION_METRIC_REVENUE = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum attribution_metric attribution_metric;
#else
typedef uint32_t attribution_metric;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How far out of the ordinary it is.
 */
enum attribution_anomaly_severity
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * A change of 25 % or more.
     */
    ATTRIBUTION_ANOMALY_WARNING = 1,
    /**
     * A change of 50 % or more.
     */
    ATTRIBUTION_ANOMALY_CRITICAL = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum attribution_anomaly_severity attribution_anomaly_severity;
#else
typedef uint32_t attribution_anomaly_severity;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * How far an export has come.
 */
enum attribution_export_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * Something that this header does not know; in a query, any.
     */
    ATTRIBUTION_EXPORT_OTHER = 0,
    /**
     * It waits for a worker.
     */
    ATTRIBUTION_EXPORT_PENDING = 1,
    /**
     * A worker makes its file.
     */
    ATTRIBUTION_EXPORT_PROCESSING = 2,
    /**
     * Its file is there.
     */
    ATTRIBUTION_EXPORT_COMPLETED = 3,
    /**
     * It has no file, and will not be tried again.
     */
    ATTRIBUTION_EXPORT_FAILED = 4,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum attribution_export_status attribution_export_status;
#else
typedef uint32_t attribution_export_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What became of an export's webhook so far.
 */
enum attribution_webhook_state
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * There is none, the file is not there yet, or another program looks after it.
     */
    ATTRIBUTION_WEBHOOK_NONE = 0,
    /**
     * It is to be sent, for the first time or again.
     */
    ATTRIBUTION_WEBHOOK_WAITING = 1,
    /**
     * The receiver took it.
     */
    ATTRIBUTION_WEBHOOK_DELIVERED = 2,
    /**
     * It was not taken and is not sent again; the job's `last_error` says why.
     */
    ATTRIBUTION_WEBHOOK_GIVEN_UP = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum attribution_webhook_state attribution_webhook_state;
#else
typedef uint32_t attribution_webhook_state;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What of an account owner is to go.
 */
enum attribution_purge_target
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * All that the owner has; the owner's own row, campaigns and accounts stay.
     */
    ATTRIBUTION_PURGE_OWNER = 1,
    /**
     * The clicks of `ids`, the conversions that hang on them, and every touch and credit of theirs.
     */
    ATTRIBUTION_PURGE_CLICKS = 2,
    /**
     * The conversions of `ids` with their journeys and credits. Their clicks stay.
     */
    ATTRIBUTION_PURGE_CONVERSIONS = 3,
    /**
     * All clicks of the visitor that is the one entry of `ids`, as with ATTRIBUTION_PURGE_CLICKS.
     */
    ATTRIBUTION_PURGE_VISITOR = 4,
    /**
     * What is older than its table's limit.
     */
    ATTRIBUTION_PURGE_AGE = 5,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum attribution_purge_target attribution_purge_target;
#else
typedef uint32_t attribution_purge_target;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Conversions with their journeys, owned by the library.
 *
 * Made empty by attribution_batch_new and filled row by row, or made whole from columns, Arrow or
 * journeys. Owned by the caller and freed with attribution_batch_free. While no thread appends to it or
 * frees it, threads may share it.
 */
typedef struct attribution_batch attribution_batch;

/**
 * The snapshot reads of a store, cached in the process and, where one is given, in a server.
 *
 * Made by attribution_cache_open, owned by the caller and freed with attribution_cache_free. It does not
 * need the store that it was made of. Threads may share it. It keeps connections, which it makes anew when
 * they are lost; a child after fork may not use it, nor free it.
 */
typedef struct attribution_cache attribution_cache;

/**
 * Models side by side on the same conversions.
 *
 * Made by attribution_store_compare, owned by the caller and freed with attribution_comparison_free. It
 * never changes; threads may share it. The texts that it gives are its own and stay until it is freed.
 */
typedef struct attribution_comparison attribution_comparison;

/**
 * What went wrong, told by the call that it was given to.
 *
 * The caller makes it with attribution_error_new, owns it, may use it for any number of calls, and
 * frees it. Each call that takes one says in it how that call went. Wherever one is taken, NULL may
 * be given instead; what can be told to be no error object is left alone as NULL is. The texts that it gives are its own, and stay until the next call that it is
 * given to. Threads may not share one.
 */
typedef struct attribution_error attribution_error;

/**
 * What came of a run of the export queue.
 *
 * Made by attribution_store_run_exports, owned by the caller and freed with attribution_export_run_free. It
 * never changes; threads may share it. The texts that it gives are its own and stay until it is freed.
 */
typedef struct attribution_export_run attribution_export_run;

/**
 * Exports as the queue holds them. None has its webhook's secret or the values of its headers.
 *
 * Made by attribution_store_schedule_export or attribution_store_exports, owned by the caller and freed with
 * attribution_exports_free. It never changes; threads may share it. The texts that it gives are its own and
 * stay until it is freed.
 */
typedef struct attribution_exports attribution_exports;

/**
 * What a check found, finding by finding.
 *
 * Made by attribution_store_check, owned by the caller and freed with attribution_findings_free. It never
 * changes; threads may share it. The texts that it gives are its own and stay until it is freed.
 */
typedef struct attribution_findings attribution_findings;

/**
 * Journeys assembled from clicks, with a copy of these and of the conversions.
 *
 * Made by attribution_journeys_assemble, owned by the caller and freed with attribution_journeys_free.
 * It never changes; threads may share it.
 */
typedef struct attribution_journeys attribution_journeys;

/**
 * A model: a kind with its weighting config, checked, and a name and slug.
 *
 * Made by one of the attribution_model_from_ functions, owned by the caller and freed with
 * attribution_model_free. It never changes; threads may share it. The texts that it gives are its own
 * and stay until it is freed.
 */
typedef struct attribution_model attribution_model;

/**
 * What a dashboard shows of one model and scope.
 *
 * Made by attribution_store_overview, owned by the caller and freed with attribution_overview_free. It
 * never changes; threads may share it. The columns and texts that it gives are its own and stay until it is
 * freed.
 */
typedef struct attribution_overview attribution_overview;

/**
 * What a job did for each account owner.
 *
 * Made by attribution_store_backfill, attribution_store_rebuild or attribution_store_purge, owned by the caller
 * and freed with attribution_report_free. It never changes; threads may share it. The texts that it gives are
 * its own and stay until it is freed.
 */
typedef struct attribution_report attribution_report;

/**
 * What a calculation gave: for each model, in the order they were given, its snapshots and, where
 * asked for, its credited touches.
 *
 * Made by one of the attribution_calculate functions, owned by the caller and freed with
 * attribution_result_free. It never changes; threads may share it. The columns and texts that it gives
 * are its own and stay until it is freed. Arrow arrays that were made from it may outlive it.
 */
typedef struct attribution_result attribution_result;

/**
 * The tables of a Prosper202 installation in MySQL 8.0 or newer or MariaDB 10.6 or newer.
 *
 * Made by attribution_store_open, owned by the caller and freed with attribution_store_free. Each call
 * connects anew and closes its connections before it returns. Threads may share it.
 */
typedef struct attribution_store attribution_store;

/**
 * Snapshots that were read from a database.
 *
 * Made by attribution_store_snapshots or attribution_cache_snapshots, owned by the caller and freed with
 * attribution_stored_snapshots_free. It never changes; threads may share it.
 */
typedef struct attribution_stored_snapshots attribution_stored_snapshots;

/**
 * Numbers that the caller lends for the time of a call. `data` is aligned for its type, and may be NULL
 * where `length` is 0.
 */
typedef struct attribution_u64_slice {
    /**
     * The first entry.
     */
    const uint64_t *data;
    /**
     * How many entries there are.
     */
    size_t length;
} attribution_u64_slice;

/**
 * Numbers that the caller lends for the time of a call. `data` is aligned for its type, and may be NULL
 * where `length` is 0.
 */
typedef struct attribution_u32_slice {
    /**
     * The first entry.
     */
    const uint32_t *data;
    /**
     * How many entries there are.
     */
    size_t length;
} attribution_u32_slice;

/**
 * Numbers that the caller lends for the time of a call. `data` is aligned for its type, and may be NULL
 * where `length` is 0.
 */
typedef struct attribution_i64_slice {
    /**
     * The first entry.
     */
    const int64_t *data;
    /**
     * How many entries there are.
     */
    size_t length;
} attribution_i64_slice;

/**
 * Numbers that the caller lends for the time of a call. `data` is aligned for its type, and may be NULL
 * where `length` is 0.
 */
typedef struct attribution_size_slice {
    /**
     * The first entry.
     */
    const size_t *data;
    /**
     * How many entries there are.
     */
    size_t length;
} attribution_size_slice;

/**
 * The columns of a batch, which the caller lends for the time of a call and which nothing may write to
 * meanwhile. To be begun with ATTRIBUTION_COLUMNS_INIT.
 *
 * Each conversion's touches are one run of the touch columns, cut by `offsets`. Every journey is
 * ordered by (click time, click id), names no click twice, and holds its converting click. All of this
 * is checked; what is wrong is refused with ATTRIBUTION_STATUS_INVALID_INPUT by column and row.
 */
typedef struct attribution_columns {
    /**
     * sizeof(attribution_columns)
     */
    size_t size;
    /**
     * Per conversion: its id.
     */
    struct attribution_u64_slice conversion_ids;
    /**
     * Per conversion: its converting click's id.
     */
    struct attribution_u64_slice converting_click_ids;
    /**
     * Per conversion: its time in unix seconds, UTC.
     */
    struct attribution_u32_slice conversion_times;
    /**
     * Per conversion: its payout as a count of 0.00001; negative for a refund.
     */
    struct attribution_i64_slice payouts;
    /**
     * Per conversion: its cost as a count of 0.00001; not negative.
     */
    struct attribution_i64_slice costs;
    /**
     * Where each conversion's touches begin, and at last where they end: one entry more than there are
     * conversions, from 0 to the number of touches, each above the one before.
     */
    struct attribution_size_slice offsets;
    /**
     * Per touch: its click's id.
     */
    struct attribution_u64_slice click_ids;
    /**
     * Per touch: its click's time in unix seconds, UTC.
     */
    struct attribution_u32_slice click_times;
    /**
     * Per touch: its campaign, 0 for none. This and the columns below may be left out where no scope
     * that is asked for needs them.
     */
    struct attribution_u64_slice campaign_ids;
    /**
     * Per touch: its traffic-source account, 0 for none.
     */
    struct attribution_u64_slice account_ids;
    /**
     * Per touch: its landing page, 0 for none.
     */
    struct attribution_u64_slice landing_page_ids;
    /**
     * Per touch: its advertiser, 0 for none.
     */
    struct attribution_u64_slice advertiser_ids;
    /**
     * Per touch: its traffic source, 0 for none.
     */
    struct attribution_u64_slice traffic_source_ids;
    /**
     * Per touch: its ad group, 0 for none.
     */
    struct attribution_u64_slice adgroup_ids;
} attribution_columns;

/**
 * A click seen as a step on the way to a conversion. An id of 0 in a dimension means none. Its layout
 * never changes.
 */
typedef struct attribution_touch {
    /**
     * The click's id.
     */
    uint64_t click_id;
    /**
     * The click's time in unix seconds, UTC.
     */
    uint32_t click_time;
    /**
     * The campaign.
     */
    uint64_t campaign_id;
    /**
     * The traffic-source account.
     */
    uint64_t account_id;
    /**
     * The landing page.
     */
    uint64_t landing_page_id;
    /**
     * The advertiser.
     */
    uint64_t advertiser_id;
    /**
     * The traffic source.
     */
    uint64_t traffic_source_id;
    /**
     * The ad group.
     */
    uint64_t adgroup_id;
} attribution_touch;

/**
 * A payout posted back for one click. Its layout never changes.
 */
typedef struct attribution_conversion {
    /**
     * The conversion's id.
     */
    uint64_t conversion_id;
    /**
     * The conversion's time in unix seconds, UTC.
     */
    uint32_t conversion_time;
    /**
     * What it paid, as a count of 0.00001; negative for a refund.
     */
    int64_t payout;
    /**
     * What it cost, as a count of 0.00001; not negative.
     */
    int64_t cost;
    /**
     * The converting click, which is added to the journey where the journey lacks it.
     */
    struct attribution_touch click;
} attribution_conversion;

/**
 * How to calculate. To be begun with ATTRIBUTION_ENGINE_OPTIONS_INIT, which has the defaults: global
 * snapshots, no touchpoints, one thread. The results are the same bytes for any number of threads.
 */
typedef struct attribution_engine_options {
    /**
     * sizeof(attribution_engine_options)
     */
    size_t size;
    /**
     * Which snapshots to make: ATTRIBUTION_SCOPES_ bits joined by |. The batch needs a column for each
     * but global.
     */
    uint32_t scopes;
    /**
     * On how many threads, which live for the call alone; 0 means one for each processor.
     */
    uint32_t threads;
    /**
     * 1 to have the credited touches, too, else 0.
     */
    uint8_t touchpoints;
    /**
     * Nothing but zeros.
     */
    uint8_t reserved[7];
} attribution_engine_options;

/**
 * Conversions whose touches stand elsewhere, as columns that are lent for the time of a call. To be begun
 * with ATTRIBUTION_CONVERSION_COLUMNS_INIT.
 */
typedef struct attribution_conversion_columns {
    /**
     * sizeof(attribution_conversion_columns)
     */
    size_t size;
    /**
     * Per conversion: its id, each once.
     */
    struct attribution_u64_slice conversion_ids;
    /**
     * Per conversion: its converting click's id.
     */
    struct attribution_u64_slice converting_click_ids;
    /**
     * Per conversion: its time in unix seconds, UTC.
     */
    struct attribution_u32_slice conversion_times;
    /**
     * Per conversion: its payout as a count of 0.00001; negative for a refund.
     */
    struct attribution_i64_slice payouts;
    /**
     * Per conversion: its cost as a count of 0.00001; not negative.
     */
    struct attribution_i64_slice costs;
    /**
     * Per conversion: its converting click's time, for where that is not among its touches; may be left
     * out where it always is.
     */
    struct attribution_u32_slice converting_click_times;
} attribution_conversion_columns;

/**
 * Touches in any order, each with its conversion, as columns that are lent for the time of a call. To be
 * begun with ATTRIBUTION_TOUCH_COLUMNS_INIT.
 */
typedef struct attribution_touch_columns {
    /**
     * sizeof(attribution_touch_columns)
     */
    size_t size;
    /**
     * Per touch: its conversion's id.
     */
    struct attribution_u64_slice conversion_ids;
    /**
     * Per touch: its click's id.
     */
    struct attribution_u64_slice click_ids;
    /**
     * Per touch: its click's time in unix seconds, UTC.
     */
    struct attribution_u32_slice click_times;
    /**
     * Per touch: its campaign, 0 for none. This and the columns below may be left out where no scope
     * that is asked for needs them.
     */
    struct attribution_u64_slice campaign_ids;
    /**
     * Per touch: its traffic-source account, 0 for none.
     */
    struct attribution_u64_slice account_ids;
    /**
     * Per touch: its landing page, 0 for none.
     */
    struct attribution_u64_slice landing_page_ids;
    /**
     * Per touch: its advertiser, 0 for none.
     */
    struct attribution_u64_slice advertiser_ids;
    /**
     * Per touch: its traffic source, 0 for none.
     */
    struct attribution_u64_slice traffic_source_ids;
    /**
     * Per touch: its ad group, 0 for none.
     */
    struct attribution_u64_slice adgroup_ids;
} attribution_touch_columns;

/**
 * How snapshots are cached. To be begun with ATTRIBUTION_CACHE_OPTIONS_INIT, which has the defaults.
 */
typedef struct attribution_cache_options {
    /**
     * sizeof(attribution_cache_options)
     */
    size_t size;
    /**
     * How long a value is given again at most, in seconds, 1 to 86400. Even an expired value is never a
     * wrong one: this bounds what changes that went around the library can leave behind.
     */
    uint32_t expiry_seconds;
    /**
     * The server that processes share: `redis://user:password@host:port/database`,
     * `redis+unix:///path?db=N`, `memcached://host:port` or `memcached+unix:///path`; NULL for none. It has
     * to be trusted as the database is.
     */
    const char *server_url;
    /**
     * How many bytes are held in the process at most; 0 holds none.
     */
    size_t capacity;
    /**
     * What the server may cost a read in all, in milliseconds, 1 to 10000.
     */
    uint32_t timeout_ms;
} attribution_cache_options;

/**
 * Which stored snapshots to read. To be begun with ATTRIBUTION_SNAPSHOT_QUERY_INIT, which asks for all
 * scopes; the user, the model and the window are to be set.
 */
typedef struct attribution_snapshot_query {
    /**
     * sizeof(attribution_snapshot_query)
     */
    size_t size;
    /**
     * The account owner.
     */
    uint64_t user_id;
    /**
     * The model's slug.
     */
    const char *model;
    /**
     * The first second of the window, in unix time; it falls to its hour.
     */
    uint32_t start;
    /**
     * The second after the window's last; it rises to the next whole hour unless it is on one.
     */
    uint32_t end;
    /**
     * One of the ATTRIBUTION_SCOPE_ numbers, or ATTRIBUTION_SCOPE_ANY.
     */
    uint32_t scope_type;
    /**
     * The scope's id; 0 for any.
     */
    uint64_t scope_id;
    /**
     * The most snapshots to read; 0 for all.
     */
    uint64_t limit;
    /**
     * How many to pass over first.
     */
    uint64_t offset;
} attribution_snapshot_query;

/**
 * What became of the reads of a cache, and what it holds. To be begun with ATTRIBUTION_CACHE_COUNTS_INIT.
 */
typedef struct attribution_cache_counts {
    /**
     * sizeof(attribution_cache_counts)
     */
    size_t size;
    /**
     * Reads that were asked for.
     */
    uint64_t reads;
    /**
     * Reads that the process's own values answered.
     */
    uint64_t memory_hits;
    /**
     * Reads that the server's values answered.
     */
    uint64_t server_hits;
    /**
     * Reads that another thread's reading of the same answered.
     */
    uint64_t shared;
    /**
     * Readings of rows from the database.
     */
    uint64_t loads;
    /**
     * Those that were made before the value expired.
     */
    uint64_t early_refreshes;
    /**
     * Those that were not stored as the model changed meanwhile, or has no generation yet.
     */
    uint64_t not_stored;
    /**
     * Failures of the server: down, slow, or not understood.
     */
    uint64_t server_failures;
    /**
     * Reads that left the server alone as it had failed shortly before.
     */
    uint64_t server_skips;
    /**
     * Values that the server refused to store, or that are too large for it.
     */
    uint64_t server_refusals;
    /**
     * Values of the server that were damaged or of another kind.
     */
    uint64_t server_rejections;
    /**
     * Connections to the database made anew after one was lost.
     */
    uint64_t reconnections;
    /**
     * Values held in the process.
     */
    uint64_t entries;
    /**
     * The bytes they take.
     */
    uint64_t bytes;
} attribution_cache_counts;

/**
 * What to compare. To be begun with ATTRIBUTION_COMPARE_OPTIONS_INIT, which has the defaults of all but the
 * user, the models and the window.
 */
typedef struct attribution_compare_options {
    /**
     * sizeof(attribution_compare_options)
     */
    size_t size;
    /**
     * The account owner.
     */
    uint64_t user_id;
    /**
     * The models, each by the slug of a stored one or as a text that attribution_model_from_spec takes.
     * What could be both is the slug.
     */
    const char *const *models;
    /**
     * How many there are.
     */
    size_t model_count;
    /**
     * The model that the others are compared to, by its slug or name; NULL for the first.
     */
    const char *baseline;
    /**
     * The first second of the window, in unix time; it falls to its hour.
     */
    uint32_t start;
    /**
     * The second after the window's last; it rises to the next whole hour unless it is on one.
     */
    uint32_t end;
    /**
     * What the totals are of, one of the ATTRIBUTION_SCOPE_ numbers: everything, or each id of its kind.
     */
    uint32_t scope_type;
    /**
     * Of this id alone; 0 for all.
     */
    uint64_t scope_id;
    /**
     * From how many resamples the intervals are taken, 40 to 10000; 0 for no intervals.
     */
    uint32_t resamples;
    /**
     * On how many threads; 0 for one for each processor. The results are the same for any number.
     */
    uint32_t threads;
} attribution_compare_options;

/**
 * Is told now and then how far a job has come: its phase (one of the ATTRIBUTION_PHASE_ numbers), how much
 * of it is done, and of how much. Gives 0 to go on, or another number to end the job at the next safe
 * point with ATTRIBUTION_STATUS_CANCELLED; until then it may be called again, whatever it gives.
 *
 * It is called on the thread that called the job, during that call alone. It must not unwind or jump out,
 * and may call the library, though not for the same user's jobs.
 */
typedef int32_t (*attribution_progress)(uint32_t phase, uint64_t done, uint64_t total, void *context);

/**
 * What was compared. Its text is the comparison's, and stays until that is freed. To be begun with
 * ATTRIBUTION_COMPARISON_FIELDS_INIT.
 */
typedef struct attribution_comparison_fields {
    /**
     * sizeof(attribution_comparison_fields)
     */
    size_t size;
    /**
     * The window's first second.
     */
    uint64_t start;
    /**
     * The second after the window's last.
     */
    uint64_t end;
    /**
     * What the totals are of, one of the ATTRIBUTION_SCOPE_ numbers.
     */
    uint32_t scope_type;
    /**
     * The one id that was asked for; 0 for all.
     */
    uint64_t scope_id;
    /**
     * The name of the model that the others are compared to.
     */
    const char *baseline;
    /**
     * How many resamples the intervals are taken from; 0 for no intervals.
     */
    uint32_t resamples;
    /**
     * Conversions in the window.
     */
    uint64_t conversions;
    /**
     * Touches of all their journeys together.
     */
    uint64_t touches;
    /**
     * Conversions whose journeys have more than one touch.
     */
    uint64_t multi_touch_journeys;
    /**
     * Conversions whose converting click is missing.
     */
    uint64_t missing_clicks;
    /**
     * For each scope id in order, a row for each model in the order given: how many rows.
     */
    size_t rows;
} attribution_comparison_fields;

/**
 * What a model brought, what it brought more than another, or one end of an interval of either. Its layout
 * never changes.
 */
typedef struct attribution_figures {
    /**
     * The sum of the stored credits, as a count of 0.00001.
     */
    int64_t credited_conversions;
    /**
     * The revenue, as a count of 0.00001.
     */
    int64_t revenue;
    /**
     * The cost, as a count of 0.00001.
     */
    int64_t cost;
    /**
     * Revenue less cost, as a count of 0.00001.
     */
    int64_t profit;
    /**
     * The return on the cost as a count of 0.01 %, or of 0.01 percentage points; 0 where there is none.
     * Of what is beyond 64 bits, the nearest that they hold.
     */
    int64_t roi_percent;
    /**
     * 1 where there is a return on the cost, 0 where there is none, as without a cost.
     */
    uint8_t has_roi;
} attribution_figures;

/**
 * One model and scope id. Its texts are the comparison's, and stay until that is freed. To be begun with
 * ATTRIBUTION_COMPARISON_ROW_INIT.
 */
typedef struct attribution_comparison_row {
    /**
     * sizeof(attribution_comparison_row)
     */
    size_t size;
    /**
     * The model: a stored one's slug, or the name of another.
     */
    const char *model;
    /**
     * The scope's id; 0 for global.
     */
    uint64_t scope_id;
    /**
     * Credited touches in the scope.
     */
    uint64_t attributed_clicks;
    /**
     * Conversions with at least one credited touch in the scope.
     */
    uint64_t attributed_conversions;
    /**
     * Those of them whose journeys have more than one touch.
     */
    uint64_t multi_touch_journeys;
    /**
     * The figures, exact.
     */
    struct attribution_figures figures;
    /**
     * What is more than the baseline's in the same scope; zeros for the baseline.
     */
    struct attribution_figures difference;
    /**
     * The lower ends of the figures' 95 % intervals; zeros without intervals.
     */
    struct attribution_figures figures_low;
    /**
     * The upper ends.
     */
    struct attribution_figures figures_high;
    /**
     * The lower ends of the differences' 95 % intervals.
     */
    struct attribution_figures difference_low;
    /**
     * The upper ends.
     */
    struct attribution_figures difference_high;
    /**
     * What to mind when reading the row, each with its rule; NULL where there is nothing.
     */
    const char *const *hints;
    /**
     * How many hints there are.
     */
    size_t hint_count;
    /**
     * 1 where there are intervals, else 0.
     */
    uint8_t has_intervals;
    /**
     * 1 where there is a difference, 0 for the baseline.
     */
    uint8_t has_difference;
} attribution_comparison_row;

/**
 * How a run works on the queue. To be begun with ATTRIBUTION_EXPORT_RUN_OPTIONS_INIT; the directory is to be
 * set.
 */
typedef struct attribution_export_run_options {
    /**
     * sizeof(attribution_export_run_options)
     */
    size_t size;
    /**
     * The folder that gets the files. It is there already, and its path is stored with each job.
     */
    const char *directory;
    /**
     * How many files a run makes at most; it sends at most twice as many webhooks.
     */
    uint32_t limit;
} attribution_export_run_options;

/**
 * Where webhooks may go, and within which bounds. To be begun with ATTRIBUTION_WEBHOOK_POLICY_INIT: to public
 * addresses alone, 15 seconds, files of up to 10 MB.
 */
typedef struct attribution_webhook_policy {
    /**
     * sizeof(attribution_webhook_policy)
     */
    size_t size;
    /**
     * Networks that may be reached although they are not public, such as "10.1.2.0/24"; may be NULL where
     * there are none.
     */
    const char *const *allow;
    /**
     * How many there are.
     */
    size_t allow_count;
    /**
     * A PEM file of root certificates that receivers' certificates are to be signed by; NULL for those of
     * Mozilla's list.
     */
    const char *root_certificates;
    /**
     * The address that finished files can be fetched under, which webhooks tell; NULL for none.
     */
    const char *download_base;
    /**
     * The time that a delivery may take in all, in milliseconds.
     */
    uint32_t timeout_ms;
    /**
     * The size in bytes of the largest file that is sent.
     */
    uint64_t largest_file;
} attribution_webhook_policy;

/**
 * What a run of the queue did in all. To be begun with ATTRIBUTION_EXPORT_RUN_FIELDS_INIT.
 */
typedef struct attribution_export_run_fields {
    /**
     * sizeof(attribution_export_run_fields)
     */
    size_t size;
    /**
     * 1 where no job failed, none was put back and no webhook was given up, else 0.
     */
    uint8_t succeeded;
    /**
     * How many jobs were worked on.
     */
    size_t jobs;
    /**
     * How many files were made.
     */
    uint64_t completed;
    /**
     * How many jobs failed.
     */
    uint64_t failed;
    /**
     * How many jobs were put back, as the database was lost while their files were made.
     */
    uint64_t put_back;
    /**
     * How many rows the files have together.
     */
    uint64_t rows_exported;
    /**
     * How many webhooks were taken by their receivers.
     */
    uint64_t webhooks_delivered;
    /**
     * How many webhooks are to be sent again.
     */
    uint64_t webhooks_waiting;
    /**
     * How many webhooks were given up.
     */
    uint64_t webhooks_given_up;
    /**
     * How long it took, in milliseconds.
     */
    uint64_t duration_ms;
} attribution_export_run_fields;

/**
 * What a run did with one job: made its file, sent its webhook, or both. Its texts are NULL where there is
 * none, are the run's, and stay until that is freed. To be begun with ATTRIBUTION_EXPORT_OUTCOME_INIT.
 */
typedef struct attribution_export_outcome {
    /**
     * sizeof(attribution_export_outcome)
     */
    size_t size;
    /**
     * The export's id.
     */
    uint64_t export_id;
    /**
     * The account owner.
     */
    uint64_t user_id;
    /**
     * The export's status now, one of the ATTRIBUTION_EXPORT_ numbers.
     */
    uint32_t status;
    /**
     * What the webhook's state is now, one of the ATTRIBUTION_WEBHOOK_ numbers.
     */
    uint32_t webhook_state;
    /**
     * How many rows its file has.
     */
    uint64_t rows_exported;
    /**
     * The status code of the receiver's response, where this run got one, else 0.
     */
    uint32_t webhook_status_code;
    /**
     * The file's full path.
     */
    const char *file_path;
    /**
     * What went wrong in this run.
     */
    const char *error;
} attribution_export_outcome;

/**
 * A header of a request. Its layout never changes.
 */
typedef struct attribution_header {
    /**
     * The name.
     */
    const char *name;
    /**
     * The value.
     */
    const char *value;
} attribution_header;

/**
 * An export to be put into the queue. To be begun with ATTRIBUTION_EXPORT_REQUEST_INIT, which asks for the
 * global snapshots as CSV and tells no one; the user, the model and the window are to be set.
 */
typedef struct attribution_export_request {
    /**
     * sizeof(attribution_export_request)
     */
    size_t size;
    /**
     * The account owner.
     */
    uint64_t user_id;
    /**
     * The model's slug.
     */
    const char *model;
    /**
     * The first second of the window, in unix time; it falls to its hour.
     */
    uint32_t start;
    /**
     * The second after the window's last; it rises to the next whole hour unless it is on one.
     */
    uint32_t end;
    /**
     * The scope whose snapshots are exported, one of the ATTRIBUTION_SCOPE_ numbers.
     */
    uint32_t scope_type;
    /**
     * ATTRIBUTION_FORMAT_CSV or ATTRIBUTION_FORMAT_XLSX.
     */
    uint32_t format;
    /**
     * The scope's id, which all but global need.
     */
    uint64_t scope_id;
    /**
     * Where the finished file is posted to, an http or https URL; NULL for nowhere.
     */
    const char *webhook_url;
    /**
     * The key that posts are signed under; NULL for none. It is never given back.
     */
    const char *webhook_secret;
    /**
     * Headers of the posts beside the library's own; may be NULL where there are none.
     */
    const struct attribution_header *webhook_headers;
    /**
     * How many there are.
     */
    size_t webhook_header_count;
} attribution_export_request;

/**
 * Which exports to list, the newest first. To be begun with ATTRIBUTION_EXPORT_QUERY_INIT, which asks for the
 * newest 100; the user is to be set.
 */
typedef struct attribution_export_query {
    /**
     * sizeof(attribution_export_query)
     */
    size_t size;
    /**
     * The account owner.
     */
    uint64_t user_id;
    /**
     * Of this status alone, one of the ATTRIBUTION_EXPORT_ numbers; 0 for any.
     */
    uint32_t status;
    /**
     * The most exports to list.
     */
    uint64_t limit;
    /**
     * How many to pass over first.
     */
    uint64_t offset;
} attribution_export_query;

/**
 * An export as the queue holds it. Times are unix seconds, 0 where there is none; texts are NULL where there
 * is none, are those of the attribution_exports, and stay until that is freed. To be begun with
 * ATTRIBUTION_EXPORT_FIELDS_INIT.
 */
typedef struct attribution_export_fields {
    /**
     * sizeof(attribution_export_fields)
     */
    size_t size;
    /**
     * The export's id.
     */
    uint64_t export_id;
    /**
     * The account owner.
     */
    uint64_t user_id;
    /**
     * The model.
     */
    uint64_t model_id;
    /**
     * The scope, one of the ATTRIBUTION_SCOPE_ numbers.
     */
    uint32_t scope_type;
    /**
     * How far it has come, one of the ATTRIBUTION_EXPORT_ numbers.
     */
    uint32_t status;
    /**
     * The scope's id; 0 for global.
     */
    uint64_t scope_id;
    /**
     * The window's first second.
     */
    uint64_t start_hour;
    /**
     * The second after the window's last.
     */
    uint64_t end_hour;
    /**
     * "csv", or "xls" for a workbook.
     */
    const char *format;
    /**
     * The webhook's URL.
     */
    const char *webhook_url;
    /**
     * The names of the webhook's own headers.
     */
    const char *const *webhook_headers;
    /**
     * How many there are.
     */
    size_t webhook_header_count;
    /**
     * 1 where the webhook is signed with a secret, else 0.
     */
    uint8_t webhook_signed;
    /**
     * What became of the webhook, one of the ATTRIBUTION_WEBHOOK_ numbers.
     */
    uint32_t webhook_state;
    /**
     * How often the webhook was sent.
     */
    uint64_t webhook_attempts;
    /**
     * When the webhook is due, where it is waiting.
     */
    uint64_t webhook_due_at;
    /**
     * When the webhook was last sent.
     */
    uint64_t webhook_attempted_at;
    /**
     * The status code of the receiver's last response; 0 where there was none.
     */
    uint64_t webhook_status_code;
    /**
     * The file's full path.
     */
    const char *file_path;
    /**
     * How many rows the file has; 0 where there is none.
     */
    uint64_t rows_exported;
    /**
     * When it was put into the queue.
     */
    uint64_t queued_at;
    /**
     * When a worker last took it.
     */
    uint64_t started_at;
    /**
     * When its file was there.
     */
    uint64_t completed_at;
    /**
     * When it failed.
     */
    uint64_t failed_at;
    /**
     * What went wrong last, with the export or with its webhook.
     */
    const char *last_error;
} attribution_export_fields;

/**
 * One finding. Its texts are those of the attribution_findings, and stay until that is freed. To be begun with
 * ATTRIBUTION_FINDING_INIT.
 */
typedef struct attribution_finding {
    /**
     * sizeof(attribution_finding)
     */
    size_t size;
    /**
     * How bad it is, one of the ATTRIBUTION_SEVERITY_ numbers.
     */
    uint32_t severity;
    /**
     * What was looked at.
     */
    const char *subject;
    /**
     * What was found.
     */
    const char *found;
    /**
     * What to do about it; empty where nothing is to be done.
     */
    const char *remedy;
} attribution_finding;

/**
 * How to backfill. To be begun with ATTRIBUTION_BACKFILL_OPTIONS_INIT, which has the defaults of all but
 * the window.
 */
typedef struct attribution_backfill_options {
    /**
     * sizeof(attribution_backfill_options)
     */
    size_t size;
    /**
     * The account owner; 0 for all that are not deleted.
     */
    uint64_t user_id;
    /**
     * The first second of the window, in unix time; it falls to its hour.
     */
    uint32_t start;
    /**
     * The second after the window's last; it rises to the next whole hour unless it is on one.
     */
    uint32_t end;
    /**
     * How touches are found, one of the ATTRIBUTION_JOURNEY_KEY_ numbers.
     */
    uint32_t journey_key;
    /**
     * How long before the conversion a touch may be, in seconds.
     */
    uint32_t lookback_seconds;
    /**
     * How many of the newest touches are kept, from 1 to 65535.
     */
    uint32_t max_touches;
    /**
     * Which conversions: ATTRIBUTION_SCOPE_GLOBAL for all, or those of a campaign or an advertiser.
     */
    uint32_t scope_type;
    /**
     * The id of that campaign or advertiser.
     */
    uint64_t scope_id;
    /**
     * How long to wait for another run of the same owner to end, in seconds.
     */
    uint32_t wait_seconds;
    /**
     * On how many connections rows are written, from 1 to 64.
     */
    uint32_t connections;
} attribution_backfill_options;

/**
 * How to rebuild. To be begun with ATTRIBUTION_REBUILD_OPTIONS_INIT, which has the defaults of all but the
 * window.
 */
typedef struct attribution_rebuild_options {
    /**
     * sizeof(attribution_rebuild_options)
     */
    size_t size;
    /**
     * The account owner; 0 for all that are not deleted.
     */
    uint64_t user_id;
    /**
     * The first second of the window, in unix time; it falls to its hour.
     */
    uint32_t start;
    /**
     * The second after the window's last; it rises to the next whole hour unless it is on one.
     */
    uint32_t end;
    /**
     * Which snapshots are made: ATTRIBUTION_SCOPES_ bits joined by |, or ATTRIBUTION_SCOPES_ALL. Global
     * ones always are, and those of scopes that a model already has snapshots of in the window.
     */
    uint32_t scopes;
    /**
     * 1 to store snapshots alone and remove the credits of the window, else 0.
     */
    uint8_t without_credits;
    /**
     * How long to wait for another run of the same owner to end, in seconds.
     */
    uint32_t wait_seconds;
    /**
     * On how many connections rows are read and written, from 1 to 64.
     */
    uint32_t connections;
} attribution_rebuild_options;

/**
 * What to give an overview of. To be begun with ATTRIBUTION_OVERVIEW_OPTIONS_INIT, which asks for the newest
 * 24 hours of everything; the user, the model and the window are to be set.
 */
typedef struct attribution_overview_options {
    /**
     * sizeof(attribution_overview_options)
     */
    size_t size;
    /**
     * The account owner.
     */
    uint64_t user_id;
    /**
     * The model's slug.
     */
    const char *model;
    /**
     * The first second of the window, in unix time; it falls to its hour.
     */
    uint32_t start;
    /**
     * The second after the window's last; it rises to the next whole hour unless it is on one.
     */
    uint32_t end;
    /**
     * One of the ATTRIBUTION_SCOPE_ numbers.
     */
    uint32_t scope_type;
    /**
     * The scope's id, which all but global need.
     */
    uint64_t scope_id;
    /**
     * How many hours a page has, 1 to 10000.
     */
    uint64_t limit;
    /**
     * How many of the newest hours come before the page's: 0 for the newest page.
     */
    uint64_t offset;
} attribution_overview_options;

/**
 * The totals of the whole window, as they are stored: money with 4 decimals. Its text is the overview's, and
 * stays until that is freed. To be begun with ATTRIBUTION_OVERVIEW_FIELDS_INIT.
 */
typedef struct attribution_overview_fields {
    /**
     * sizeof(attribution_overview_fields)
     */
    size_t size;
    /**
     * The account owner.
     */
    uint64_t user_id;
    /**
     * The model's slug.
     */
    const char *model;
    /**
     * The window's first second.
     */
    uint64_t start;
    /**
     * The second after the window's last.
     */
    uint64_t end;
    /**
     * The scope, one of the ATTRIBUTION_SCOPE_ numbers.
     */
    uint32_t scope_type;
    /**
     * The scope's id; 0 for global.
     */
    uint64_t scope_id;
    /**
     * Hours that have a snapshot.
     */
    uint64_t hours;
    /**
     * Credited touches.
     */
    uint64_t attributed_clicks;
    /**
     * Conversions with at least one credited touch in the scope.
     */
    uint64_t attributed_conversions;
    /**
     * The sum of the stored revenues, as a count of 0.00001.
     */
    int64_t revenue;
    /**
     * The sum of the stored costs, as a count of 0.00001.
     */
    int64_t cost;
    /**
     * Revenue less cost, as a count of 0.00001.
     */
    int64_t profit;
    /**
     * The return on the cost as a count of 0.01 %; 0 where there is no cost.
     */
    int64_t roi_percent;
    /**
     * 1 where there is a cost, else 0.
     */
    uint8_t has_roi;
    /**
     * How many anomalies there are in the page's latest hour.
     */
    size_t anomalies;
} attribution_overview_fields;

/**
 * A page of hours that have a snapshot, counted from the newest and listed from the oldest; each pointer is
 * to `length` entries, or NULL where there are none. The entries are the overview's, never change, and stay
 * until it is freed. To be begun with ATTRIBUTION_HOUR_COLUMNS_INIT.
 */
typedef struct attribution_hour_columns {
    /**
     * sizeof(attribution_hour_columns)
     */
    size_t size;
    /**
     * The number of hours.
     */
    size_t length;
    /**
     * The unix second at which the hour begins, UTC.
     */
    const uint32_t *date_hours;
    /**
     * Credited touches.
     */
    const uint64_t *attributed_clicks;
    /**
     * Conversions with at least one credited touch in the scope.
     */
    const uint64_t *attributed_conversions;
    /**
     * The stored revenue, as a count of 0.00001.
     */
    const int64_t *revenues;
    /**
     * The stored cost, as a count of 0.00001.
     */
    const int64_t *costs;
    /**
     * Revenue less cost, as a count of 0.00001.
     */
    const int64_t *profits;
    /**
     * The return on the cost as a count of 0.01 %; 0 where there is no cost.
     */
    const int64_t *roi_percents;
    /**
     * 1 where there is a cost, else 0.
     */
    const uint8_t *roi_present;
} attribution_hour_columns;

/**
 * The stored credits of the whole window by the places of their touches: first, assist, last, single; each
 * pointer is to `length` entries, or NULL where there are none. The entries are the overview's, never change,
 * and stay until it is freed. To be begun with ATTRIBUTION_MIX_COLUMNS_INIT.
 */
typedef struct attribution_mix_columns {
    /**
     * sizeof(attribution_mix_columns)
     */
    size_t size;
    /**
     * The number of places.
     */
    size_t length;
    /**
     * The place, one of the ATTRIBUTION_PLACE_ numbers.
     */
    const uint32_t *places;
    /**
     * Credited touches.
     */
    const uint64_t *touches;
    /**
     * The sum of their stored credits, as a count of 0.00001.
     */
    const uint64_t *credits;
    /**
     * Their share of the credit of all places as a count of 0.01 %, each rounded on its own; 0 where there
     * is no credit at all.
     */
    const int64_t *share_percents;
    /**
     * 1 where there is any credit, else 0.
     */
    const uint8_t *share_present;
} attribution_mix_columns;

/**
 * The latest hour of a page, far from the mean of the earlier ones. Its texts are the overview's, and stay
 * until that is freed. To be begun with ATTRIBUTION_ANOMALY_INIT.
 */
typedef struct attribution_anomaly {
    /**
     * sizeof(attribution_anomaly)
     */
    size_t size;
    /**
     * Of what, one of the ATTRIBUTION_METRIC_ numbers.
     */
    uint32_t metric;
    /**
     * How far, one of the ATTRIBUTION_ANOMALY_ numbers.
     */
    uint32_t severity;
    /**
     * The change, (latest - mean) / mean, as a count of 0.01 %; negative where it went down.
     */
    int64_t change_percent;
    /**
     * The latest hour, as the unix second at which it begins, UTC.
     */
    uint32_t date_hour;
    /**
     * The latest hour's value: a count, or money with 5 decimals.
     */
    const char *latest;
    /**
     * The mean of the earlier hours: with 2 decimals for a count, with 5 for money.
     */
    const char *mean;
    /**
     * All that in a sentence.
     */
    const char *message;
} attribution_anomaly;

/**
 * What to purge and how. To be begun with ATTRIBUTION_PURGE_OPTIONS_INIT; the user and the target, with
 * what it takes, are to be set. What a target does not take has to be nothing.
 */
typedef struct attribution_purge_options {
    /**
     * sizeof(attribution_purge_options)
     */
    size_t size;
    /**
     * The account owner; 0, under ATTRIBUTION_PURGE_AGE alone, for all that are not deleted.
     */
    uint64_t user_id;
    /**
     * One of the ATTRIBUTION_PURGE_ numbers.
     */
    uint32_t target;
    /**
     * 1 to count what would go and write nothing, else 0.
     */
    uint8_t dry_run;
    /**
     * The clicks, the conversions or the one visitor.
     */
    struct attribution_u64_slice ids;
    /**
     * For how many seconds journeys are kept under ATTRIBUTION_PURGE_AGE. Here and below 0 leaves the table
     * alone, and the moment that lies so long back falls to its hour.
     */
    uint32_t keep_journeys_seconds;
    /**
     * The same for credits; at most what snapshots are kept for.
     */
    uint32_t keep_credits_seconds;
    /**
     * The same for snapshots, which take their credits along.
     */
    uint32_t keep_snapshots_seconds;
    /**
     * The same for exports with their files.
     */
    uint32_t keep_exports_seconds;
    /**
     * The same for the audit, but for the proofs of purges.
     */
    uint32_t keep_audit_seconds;
    /**
     * How long to wait for another run of the same owner to end, in seconds.
     */
    uint32_t wait_seconds;
    /**
     * The folder of the export files, needed where exports that are to go have files; else it may be NULL.
     * No file outside it is ever removed.
     */
    const char *export_directory;
    /**
     * How journeys that lose a click are assembled anew, as the backfills of this owner do: one of the
     * ATTRIBUTION_JOURNEY_KEY_ numbers.
     */
    uint32_t journey_key;
    /**
     * How long before the conversion a touch may be, in seconds.
     */
    uint32_t lookback_seconds;
    /**
     * How many of the newest touches are kept, from 1 to 65535.
     */
    uint32_t max_touches;
} attribution_purge_options;

/**
 * What a purge of one account owner did, or would do; attribution_user_report has the owner, the transactions
 * and the time. To be begun with ATTRIBUTION_PURGE_REPORT_INIT.
 */
typedef struct attribution_purge_report {
    /**
     * sizeof(attribution_purge_report)
     */
    size_t size;
    /**
     * What was to go, one of the ATTRIBUTION_PURGE_ numbers.
     */
    uint32_t target;
    /**
     * 1 where nothing was written.
     */
    uint8_t dry_run;
    /**
     * Ids that were given and that no row of this owner has.
     */
    uint64_t not_found;
    /**
     * The number of tables that were looked at.
     */
    size_t tables;
    /**
     * Hours whose snapshots and credits were made right again.
     */
    uint64_t hours_rebuilt;
    /**
     * Export files that were removed.
     */
    uint64_t files_removed;
    /**
     * Export files that were gone already.
     */
    uint64_t files_missing;
    /**
     * Export files that were left, each with its row: their number.
     */
    size_t files_left;
    /**
     * Exports that are being made, which were left.
     */
    uint64_t exports_in_progress;
    /**
     * Finished exports that cover hours that were rebuilt, which were left. They hold totals alone.
     */
    uint64_t exports_of_rebuilt_hours;
} attribution_purge_report;

/**
 * What a purge did in one table. Its text is the report's, and stays until that is freed. To be begun with
 * ATTRIBUTION_PURGED_TABLE_INIT.
 */
typedef struct attribution_purged_table {
    /**
     * sizeof(attribution_purged_table)
     */
    size_t size;
    /**
     * The table's name.
     */
    const char *table;
    /**
     * Rows that were to go.
     */
    uint64_t found;
    /**
     * Rows that went.
     */
    uint64_t removed;
    /**
     * Rows that were to go and were still there when they were counted again in the end.
     */
    uint64_t left;
} attribution_purged_table;

/**
 * An export's file that was not removed. Its text is the report's, and stays until that is freed. To be
 * begun with ATTRIBUTION_LEFT_FILE_INIT.
 */
typedef struct attribution_left_file {
    /**
     * sizeof(attribution_left_file)
     */
    size_t size;
    /**
     * The export whose file it is; its row is left too.
     */
    uint64_t export_id;
    /**
     * Why, for a person.
     */
    const char *problem;
} attribution_left_file;

/**
 * What came of a job for one account owner; what a purge counted is in attribution_purge_report. Its text is the
 * report's, and stays until that is freed. To be begun with ATTRIBUTION_USER_REPORT_INIT.
 */
typedef struct attribution_user_report {
    /**
     * sizeof(attribution_user_report)
     */
    size_t size;
    /**
     * The account owner.
     */
    uint64_t user_id;
    /**
     * What came of the run: ATTRIBUTION_STATUS_OK or why it failed.
     */
    uint32_t status;
    /**
     * Why it failed, for a person; empty where it did not.
     */
    const char *message;
    /**
     * The window's first second; 0 of a purge, which has none.
     */
    uint64_t start;
    /**
     * The second after the window's last.
     */
    uint64_t end;
    /**
     * Conversions in the window that are not deleted.
     */
    uint64_t conversions;
    /**
     * Touches of all their journeys together.
     */
    uint64_t touches;
    /**
     * Of a backfill: conversions whose click is not there. Of a rebuild: touches whose click is not.
     */
    uint64_t missing_clicks;
    /**
     * Of a backfill: clicks read as candidates.
     */
    uint64_t clicks;
    /**
     * Of a backfill: deleted conversions, whose journeys are removed.
     */
    uint64_t deleted_conversions;
    /**
     * Of a backfill: conversions whose multi-touch is off, whose journeys are removed.
     */
    uint64_t single_touch_conversions;
    /**
     * Transactions.
     */
    uint64_t batches;
    /**
     * Rows inserted, changed or deleted.
     */
    uint64_t rows_written;
    /**
     * How often something was done again after a deadlock, a lock wait or a lost connection.
     */
    uint64_t retries;
    /**
     * How long it took, in milliseconds.
     */
    uint64_t duration_ms;
    /**
     * Of a rebuild: the number of models that were rebuilt.
     */
    size_t models;
    /**
     * Of a rebuild: the number of active models that are not valid and were left alone.
     */
    size_t invalid_models;
} attribution_user_report;

/**
 * What a rebuild did for one model. Its text is the report's, and stays until that is freed. To be begun with
 * ATTRIBUTION_MODEL_REPORT_INIT.
 */
typedef struct attribution_model_report {
    /**
     * sizeof(attribution_model_report)
     */
    size_t size;
    /**
     * The model's id.
     */
    uint64_t model_id;
    /**
     * The model's slug.
     */
    const char *slug;
    /**
     * Hours in which something converted.
     */
    uint64_t hours;
    /**
     * Snapshots of all scopes.
     */
    uint64_t snapshots;
    /**
     * Credited touches.
     */
    uint64_t clicks;
    /**
     * Conversions.
     */
    uint64_t conversions;
    /**
     * The sum of the payouts, as a count of 0.00001.
     */
    int64_t revenue;
    /**
     * The sum of the costs, as a count of 0.00001.
     */
    int64_t cost;
    /**
     * Rows inserted, changed or deleted.
     */
    uint64_t rows_written;
} attribution_model_report;

/**
 * An active model that is not valid and was left alone. Its texts are the report's, and stay until that is
 * freed. To be begun with ATTRIBUTION_INVALID_MODEL_INIT.
 */
typedef struct attribution_invalid_model {
    /**
     * sizeof(attribution_invalid_model)
     */
    size_t size;
    /**
     * The model's id.
     */
    uint64_t model_id;
    /**
     * The model's slug.
     */
    const char *slug;
    /**
     * What is wrong with it, for a person.
     */
    const char *problem;
} attribution_invalid_model;

/**
 * Stored snapshots, ordered by scope, id and hour; each pointer is to `length` entries, or NULL where
 * there are none. The entries are those of the attribution_stored_snapshots, never change, and stay until it is
 * freed. To be begun with ATTRIBUTION_STORED_SNAPSHOT_COLUMNS_INIT.
 */
typedef struct attribution_stored_snapshot_columns {
    /**
     * sizeof(attribution_stored_snapshot_columns)
     */
    size_t size;
    /**
     * The number of snapshots.
     */
    size_t length;
    /**
     * The row's id.
     */
    const uint64_t *snapshot_ids;
    /**
     * The scope, one of the ATTRIBUTION_SCOPE_ numbers.
     */
    const uint32_t *scope_types;
    /**
     * The scope's id; 0 for global.
     */
    const uint64_t *scope_ids;
    /**
     * The unix second at which the conversions' hour begins, UTC.
     */
    const uint32_t *date_hours;
    /**
     * Credited touches in the scope.
     */
    const uint64_t *attributed_clicks;
    /**
     * Conversions with at least one credited touch in the scope.
     */
    const uint64_t *attributed_conversions;
    /**
     * Revenue as a count of 0.00001; the tables have it with 4 decimals.
     */
    const int64_t *revenues;
    /**
     * Cost as a count of 0.00001; the tables have it with 4 decimals.
     */
    const int64_t *costs;
} attribution_stored_snapshot_columns;

/**
 * Takes some bytes of an export, in order; gives 0, or another number to end the export with
 * ATTRIBUTION_STATUS_IO. It is called on the thread that exports, during that call alone, must not
 * unwind or jump out, and may call the library.
 */
typedef int32_t (*attribution_write)(const uint8_t *data, size_t length, void *context);

/**
 * Bytes that the caller lends for the time of a call. `data` may be NULL where `length` is 0.
 */
typedef struct attribution_u8_slice {
    /**
     * The first entry.
     */
    const uint8_t *data;
    /**
     * How many entries there are.
     */
    size_t length;
} attribution_u8_slice;

/**
 * Clicks as columns, which the caller lends for the time of a call. To be begun with
 * ATTRIBUTION_CLICKS_INIT.
 */
typedef struct attribution_clicks {
    /**
     * sizeof(attribution_clicks)
     */
    size_t size;
    /**
     * Per click: its id, each once.
     */
    struct attribution_u64_slice click_ids;
    /**
     * Per click: its time in unix seconds, UTC.
     */
    struct attribution_u32_slice click_times;
    /**
     * Per click: its visitor as a number of the caller's, 0 for unknown.
     */
    struct attribution_u64_slice visitors;
    /**
     * Per click: the upper half of the visitor's number, where it has 128 bits; may be left out.
     */
    struct attribution_u64_slice visitors_high;
    /**
     * Per click: its cost as a count of 0.00001, not negative; may be left out for 0.
     */
    struct attribution_i64_slice costs;
    /**
     * Per click: 1 where it is filtered and no candidate, else 0; may be left out for 0.
     */
    struct attribution_u8_slice filtered;
    /**
     * Per click: its campaign, 0 for none. This and the columns below may be left out where neither the
     * key nor a scope that is asked for needs them.
     */
    struct attribution_u64_slice campaign_ids;
    /**
     * Per click: its traffic-source account, 0 for none.
     */
    struct attribution_u64_slice account_ids;
    /**
     * Per click: its landing page, 0 for none.
     */
    struct attribution_u64_slice landing_page_ids;
    /**
     * Per click: its advertiser, 0 for none.
     */
    struct attribution_u64_slice advertiser_ids;
    /**
     * Per click: its traffic source, 0 for none.
     */
    struct attribution_u64_slice traffic_source_ids;
    /**
     * Per click: its ad group, 0 for none.
     */
    struct attribution_u64_slice adgroup_ids;
} attribution_clicks;

/**
 * Conversions as columns, which the caller lends for the time of a call. To be begun with
 * ATTRIBUTION_CONVERSIONS_INIT.
 *
 * A column `x` that need not say something of every row has another, `x_present`, of 1 where it does
 * and 0 where it does not. Where that is left out, it does everywhere.
 */
typedef struct attribution_conversions {
    /**
     * sizeof(attribution_conversions)
     */
    size_t size;
    /**
     * Per conversion: its id.
     */
    struct attribution_u64_slice conversion_ids;
    /**
     * Per conversion: its converting click's id, which need not be among the clicks.
     */
    struct attribution_u64_slice click_ids;
    /**
     * Per conversion: its time in unix seconds, UTC.
     */
    struct attribution_u32_slice conversion_times;
    /**
     * Per conversion: its payout as a count of 0.00001; negative for a refund.
     */
    struct attribution_i64_slice payouts;
    /**
     * Per conversion: its own cost as a count of 0.00001, not negative; where it has none, or this is left
     * out, its converting click's.
     */
    struct attribution_i64_slice costs;
    /**
     * Per conversion: whether it has a cost of its own.
     */
    struct attribution_u8_slice costs_present;
    /**
     * Per conversion: its own campaign, of which 0 is one like any other; where it has none, or this is
     * left out, its converting click's.
     */
    struct attribution_u64_slice campaign_ids;
    /**
     * Per conversion: whether it has a campaign of its own.
     */
    struct attribution_u8_slice campaign_ids_present;
    /**
     * Per conversion: the time of its converting click where that is not among the clicks; where it is not
     * known, or this is left out, the conversion's time.
     */
    struct attribution_u32_slice click_times;
    /**
     * Per conversion: whether that time is known.
     */
    struct attribution_u8_slice click_times_present;
} attribution_conversions;

/**
 * How journeys are assembled. To be begun with ATTRIBUTION_JOURNEY_OPTIONS_INIT, which has the defaults.
 */
typedef struct attribution_journey_options {
    /**
     * sizeof(attribution_journey_options)
     */
    size_t size;
    /**
     * One of the ATTRIBUTION_JOURNEY_KEY_ numbers.
     */
    uint32_t key;
    /**
     * How long before the conversion a touch may be, in seconds.
     */
    uint32_t lookback_seconds;
    /**
     * How many of the newest touches are kept, from 1 to 65535; a converting click that is not among
     * them comes on top.
     */
    uint32_t max_touches;
    /**
     * Nothing but zeros.
     */
    uint8_t reserved[4];
} attribution_journey_options;

/**
 * The journeys as columns, which are those of the attribution_journeys, never change, and stay until it is
 * freed. To be begun with ATTRIBUTION_JOURNEY_COLUMNS_INIT.
 */
typedef struct attribution_journey_columns {
    /**
     * sizeof(attribution_journey_columns)
     */
    size_t size;
    /**
     * The number of conversions.
     */
    size_t conversions;
    /**
     * The number of touches of all journeys.
     */
    size_t touches;
    /**
     * Where each conversion's touches begin, and at last where they end: `conversions` + 1 entries.
     */
    const size_t *offsets;
    /**
     * Per touch: its row among the clicks, or ATTRIBUTION_MISSING_CLICK; NULL where there are none.
     */
    const uint32_t *rows;
} attribution_journey_columns;

/**
 * A model as fields. To be begun with ATTRIBUTION_MODEL_FIELDS_INIT. What a kind does not take has to
 * be 0.
 */
typedef struct attribution_model_fields {
    /**
     * sizeof(attribution_model_fields)
     */
    size_t size;
    /**
     * One of the ATTRIBUTION_KIND_ numbers.
     */
    uint32_t kind;
    /**
     * The half-life of ATTRIBUTION_KIND_TIME_DECAY in hours, from 1 to 4294967295.
     */
    uint64_t half_life_hours;
    /**
     * The first touch's share under ATTRIBUTION_KIND_POSITION_BASED, from 0 to 1.
     */
    double first_touch_weight;
    /**
     * The last touch's share under ATTRIBUTION_KIND_POSITION_BASED, from 0 to 1; the two together are
     * at most 1.
     */
    double last_touch_weight;
    /**
     * The name, 1 to 255 characters; NULL for that of the kind.
     */
    const char *name;
    /**
     * The slug, 1 to 191 of a-z, 0-9, - and _; NULL for one that is made from the name.
     */
    const char *slug;
} attribution_model_fields;

/**
 * The snapshots of one model, ordered by the names of their scopes, scope id and hour; each pointer is to
 * `length` entries, or NULL where there are none. The entries are the result's, never change, and stay until it
 * is freed. To be begun with ATTRIBUTION_SNAPSHOTS_INIT.
 */
typedef struct attribution_snapshots {
    /**
     * sizeof(attribution_snapshots)
     */
    size_t size;
    /**
     * The number of snapshots.
     */
    size_t length;
    /**
     * The scope, one of the ATTRIBUTION_SCOPE_ numbers.
     */
    const uint32_t *scope_types;
    /**
     * The scope's id; 0 for global.
     */
    const uint64_t *scope_ids;
    /**
     * The unix second at which the conversions' hour begins, UTC.
     */
    const uint32_t *date_hours;
    /**
     * Credited touches in the scope.
     */
    const uint64_t *attributed_clicks;
    /**
     * Conversions with at least one credited touch in the scope.
     */
    const uint64_t *attributed_conversions;
    /**
     * The sum of the stored credits, as a count of 0.00001.
     */
    const uint64_t *credited_conversions;
    /**
     * The sum of the touches' shares of payouts, as a count of 0.00001.
     */
    const int64_t *revenues;
    /**
     * The sum of the touches' shares of costs, as a count of 0.00001.
     */
    const int64_t *costs;
} attribution_snapshots;

/**
 * The credited touches of one model, ordered by conversion as in the batch, then by position; each pointer
 * is to `length` entries, or NULL where there are none. A touch without credit is not among them. The entries
 * are the result's, never change, and stay until it is freed. To be begun with ATTRIBUTION_TOUCHPOINTS_INIT.
 */
typedef struct attribution_touchpoints {
    /**
     * sizeof(attribution_touchpoints)
     */
    size_t size;
    /**
     * The number of credited touches.
     */
    size_t length;
    /**
     * The row of the conversion in the batch.
     */
    const uint32_t *conversions;
    /**
     * The touch's click.
     */
    const uint64_t *click_ids;
    /**
     * The place in the journey, from 0 for the oldest touch.
     */
    const uint32_t *positions;
    /**
     * The credit, weight over the sum of weights, in 0..1.
     */
    const double *credits;
    /**
     * The stored credit as a count of 0.00001; a conversion's add up to 100000.
     */
    const uint32_t *stored_credits;
    /**
     * The share of the payout as a count of 0.00001; a conversion's add up to its payout.
     */
    const int64_t *revenues;
    /**
     * The share of the cost as a count of 0.00001; a conversion's add up to its cost.
     */
    const int64_t *costs;
} attribution_touchpoints;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * A batch from an Arrow array: a struct of
 *
 *     conversion_id, converting_click_id   uint64, int64, uint32 or int32
 *     conversion_time                      uint32, int64, uint64, int32 or timestamp, in UTC
 *     payout, cost                         decimal128 with at most 5 decimals
 *     touches                              list or large_list of struct:
 *         click_id                         as the ids above
 *         click_time                       as the time above
 *         campaign_id, account_id, landing_page_id, advertiser_id, traffic_source_id, adgroup_id
 *                                          as the ids above, or null; each may be left out
 *
 * Other columns are not looked at. Nulls are refused elsewhere, and so is any other type, by the column's
 * name and the type's. Journeys are checked as those of attribution_columns. Ids of 64 bits, times of
 * uint32 and the offsets of a large_list that begins at 0 are used where they lie; the rest is copied.
 *
 * Both structs are taken over, whatever the status: the caller's are then released, and the batch releases
 * the array when it is freed, on the thread that frees it. What an array says of the lengths of its buffers
 * cannot be checked.
 */
attribution_status attribution_batch_from_arrow(struct ArrowArray *array,
                                                struct ArrowSchema *schema,
                                                struct attribution_batch **batch,
                                                struct attribution_error *error);

/**
 * As attribution_batch_from_arrow, of all arrays of a stream, one after the other. Where there is one alone,
 * it is used as it lies; several are copied together, and what is refused while they are read has a place
 * such as "arrays[2].payout[7]". The stream is taken over,
 * whatever the status, and read to its end.
 */
attribution_status attribution_batch_from_arrow_stream(struct ArrowArrayStream *stream,
                                                       struct attribution_batch **batch,
                                                       struct attribution_error *error);

/**
 * A copy of a batch as an Arrow array, of the columns that attribution_batch_from_arrow takes. Whatever was
 * in the caller's structs is overwritten, and not released. Where the call fails, they are released.
 */
attribution_status attribution_batch_to_arrow(const struct attribution_batch *batch,
                                              struct ArrowArray *array,
                                              struct ArrowSchema *schema,
                                              struct attribution_error *error);

/**
 * The snapshots of the model at an index as an Arrow array: a struct of
 *
 *     model                    dictionary of utf8
 *     scope_type               dictionary of utf8
 *     scope_id                 uint64, null for global
 *     date_hour                int64, unix seconds in UTC
 *     attributed_clicks        uint64
 *     attributed_conversions   uint64
 *     credited_conversions     decimal128(19, 5)
 *     attributed_revenue       decimal128(19, 5)
 *     attributed_cost          decimal128(19, 5)
 *
 * The array keeps what it needs of the result, which may be freed before it. Whatever was in the caller's
 * structs is overwritten, and not released. Where the call fails, they are released.
 */
attribution_status attribution_result_snapshots_arrow(const struct attribution_result *result,
                                                      size_t model,
                                                      struct ArrowArray *array,
                                                      struct ArrowSchema *schema,
                                                      struct attribution_error *error);

/**
 * The credited touches of the model at an index as an Arrow array: a struct of
 *
 *     model           dictionary of utf8
 *     conversion_id   uint64
 *     click_id        uint64
 *     position        uint32, from 0 for the oldest touch
 *     credit          float64
 *     stored_credit   decimal128(19, 5)
 *     revenue         decimal128(19, 5)
 *     cost            decimal128(19, 5)
 *
 * Click ids, positions and credits are not copied. Otherwise as attribution_result_snapshots_arrow.
 */
attribution_status attribution_result_touchpoints_arrow(const struct attribution_result *result,
                                                        size_t model,
                                                        struct ArrowArray *array,
                                                        struct ArrowSchema *schema,
                                                        struct attribution_error *error);

/**
 * The snapshots of all models as an Arrow stream, in arrays of the columns that
 * attribution_result_snapshots_arrow has. The stream and its arrays keep what they need of the result,
 * which may be freed before them.
 */
attribution_status attribution_result_snapshots_stream(const struct attribution_result *result,
                                                       struct ArrowArrayStream *stream,
                                                       struct attribution_error *error);

/**
 * The credited touches of all models as an Arrow stream, in arrays of the columns that
 * attribution_result_touchpoints_arrow has. The stream and its arrays keep what they need of the result,
 * which may be freed before them.
 */
attribution_status attribution_result_touchpoints_stream(const struct attribution_result *result,
                                                         struct ArrowArrayStream *stream,
                                                         struct attribution_error *error);

/**
 * A new, empty batch, to be filled with attribution_batch_append and freed with attribution_batch_free.
 */
attribution_status attribution_batch_new(struct attribution_batch **batch, struct attribution_error *error);

/**
 * A batch from columns, which are checked and copied; they are not needed afterwards. For a single
 * calculation, attribution_calculate_columns spares the copy.
 */
attribution_status attribution_batch_from_columns(const struct attribution_columns *columns,
                                                  struct attribution_batch **batch,
                                                  struct attribution_error *error);

/**
 * Adds a conversion with its touches, which may come in any order and lack the converting click: they
 * are ordered, merged where a click is there twice, and completed. Where it fails, the batch is as it
 * was before.
 *
 * Refuses a negative cost, a journey of more than 65536 touches, and a batch that was made whole.
 */
attribution_status attribution_batch_append(struct attribution_batch *batch,
                                            const struct attribution_conversion *conversion,
                                            const struct attribution_touch *touches,
                                            size_t touch_count,
                                            struct attribution_error *error);

/**
 * The number of conversions; 0 for what is no batch.
 */
size_t attribution_batch_conversions(const struct attribution_batch *batch);

/**
 * The number of touches; 0 for what is no batch.
 */
size_t attribution_batch_touches(const struct attribution_batch *batch);

/**
 * Frees a batch and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
 * Results do not need the batch that they were calculated from.
 */
void attribution_batch_free(struct attribution_batch **batch);

/**
 * Calculates models over a batch. `models` are `model_count` pointers to models; the result has theirs
 * in that order, and none where there are none. `options` may be NULL for the defaults.
 */
attribution_status attribution_calculate(const struct attribution_model *const *models,
                                         size_t model_count,
                                         const struct attribution_batch *batch,
                                         const struct attribution_engine_options *options,
                                         struct attribution_result **result,
                                         struct attribution_error *error);

/**
 * As attribution_calculate, of columns that are lent for the time of the call, which are checked and not
 * copied.
 */
attribution_status attribution_calculate_columns(const struct attribution_model *const *models,
                                                 size_t model_count,
                                                 const struct attribution_columns *columns,
                                                 const struct attribution_engine_options *options,
                                                 struct attribution_result **result,
                                                 struct attribution_error *error);

/**
 * As attribution_calculate, of touches that are not yet grouped by conversion: they may come in any
 * order, and are grouped, ordered and merged on the way.
 */
attribution_status attribution_calculate_ungrouped(const struct attribution_model *const *models,
                                                   size_t model_count,
                                                   const struct attribution_conversion_columns *conversions,
                                                   const struct attribution_touch_columns *touches,
                                                   const struct attribution_engine_options *options,
                                                   struct attribution_result **result,
                                                   struct attribution_error *error);

/**
 * Writes each touch's credit under one model, weight over the sum of weights, 0 for a touch without
 * weight, to `credits`, which has `credit_count` places: as many as the batch has touches. `threads` 0
 * means one for each processor.
 */
attribution_status attribution_credits(const struct attribution_model *model,
                                       const struct attribution_batch *batch,
                                       uint32_t threads,
                                       double *credits,
                                       size_t credit_count,
                                       struct attribution_error *error);

/**
 * As attribution_credits, of columns that are lent for the time of the call, which are checked and not
 * copied. `credits` must not be one of them.
 */
attribution_status attribution_credits_columns(const struct attribution_model *model,
                                               const struct attribution_columns *columns,
                                               uint32_t threads,
                                               double *credits,
                                               size_t credit_count,
                                               struct attribution_error *error);

/**
 * A cache before a store. NULL for the options means what their _INIT has. Nothing is connected to yet.
 * Errors do not repeat the server's URL, which may hold a password.
 */
attribution_status attribution_cache_open(const struct attribution_store *store,
                                          const struct attribution_cache_options *options,
                                          struct attribution_cache **cache,
                                          struct attribution_error *error);

/**
 * As attribution_store_snapshots gives them, of what was read before where that is what the database still
 * has. A read that begins after a rebuild has ended gives its rows, whatever becomes of the server; and the
 * server's failure is none of the call's.
 */
attribution_status attribution_cache_snapshots(const struct attribution_cache *cache,
                                               const struct attribution_snapshot_query *query,
                                               struct attribution_stored_snapshots **snapshots,
                                               struct attribution_error *error);

/**
 * What became of the reads so far, and what is held.
 */
attribution_status attribution_cache_statistics(const struct attribution_cache *cache,
                                                struct attribution_cache_counts *counts,
                                                struct attribution_error *error);

/**
 * Forgets what is held in the process, and leaves a server as it is.
 */
attribution_status attribution_cache_clear(const struct attribution_cache *cache,
                                           struct attribution_error *error);

/**
 * Frees a cache, closes its connections and sets the variable to NULL. NULL, and a variable that is NULL,
 * are left alone.
 */
void attribution_cache_free(struct attribution_cache **cache);

/**
 * Compares models over a user's stored conversions and journeys: exact totals, their differences to a
 * baseline, and 95 % intervals of both by a bootstrap over conversions. Nothing is written and no lock is
 * taken. `progress` may be NULL; `context` is given to it.
 */
attribution_status attribution_store_compare(const struct attribution_store *store,
                                             const struct attribution_compare_options *options,
                                             attribution_progress progress,
                                             void *context,
                                             struct attribution_comparison **comparison,
                                             struct attribution_error *error);

/**
 * What was compared.
 */
attribution_status attribution_comparison_get(const struct attribution_comparison *comparison,
                                              struct attribution_comparison_fields *fields,
                                              struct attribution_error *error);

/**
 * The row at an index.
 */
attribution_status attribution_comparison_row_get(const struct attribution_comparison *comparison,
                                                  size_t index,
                                                  struct attribution_comparison_row *row,
                                                  struct attribution_error *error);

/**
 * The comparison as a JSON object, as the command's compare --json prints it; NULL for what is none.
 */
const char *attribution_comparison_json(const struct attribution_comparison *comparison);

/**
 * Frees a comparison and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
 */
void attribution_comparison_free(struct attribution_comparison **comparison);

/**
 * Works on the queue of all users: makes the files of pending jobs, the oldest first, and of those whose
 * worker died, and sends the webhooks that are due. Any number of workers may run at once. `policy` says
 * where webhooks may go, NULL the defaults. `progress` may be NULL; `context` is given to it.
 *
 * A job that fails does not stop the others, and the status is ATTRIBUTION_STATUS_OK all the same: what came
 * of each is in the run, and whether all is well in its `succeeded`.
 */
attribution_status attribution_store_run_exports(const struct attribution_store *store,
                                                 const struct attribution_export_run_options *options,
                                                 const struct attribution_webhook_policy *policy,
                                                 attribution_progress progress,
                                                 void *context,
                                                 struct attribution_export_run **run,
                                                 struct attribution_error *error);

/**
 * What was done in all.
 */
attribution_status attribution_export_run_get(const struct attribution_export_run *run,
                                              struct attribution_export_run_fields *fields,
                                              struct attribution_error *error);

/**
 * What was done with the job at an index, in the order in which they were taken.
 */
attribution_status attribution_export_run_job(const struct attribution_export_run *run,
                                              size_t index,
                                              struct attribution_export_outcome *outcome,
                                              struct attribution_error *error);

/**
 * The run as a JSON object, as the command's export run --json prints it; NULL for what is none.
 */
const char *attribution_export_run_json(const struct attribution_export_run *run);

/**
 * Frees a run and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
 */
void attribution_export_run_free(struct attribution_export_run **run);

/**
 * Puts an export of a user's model into the queue, with an audit row. Nothing is written where anything is
 * not allowed. `policy` says where webhooks may go, NULL the defaults. `exports` gets the one export.
 */
attribution_status attribution_store_schedule_export(const struct attribution_store *store,
                                                     const struct attribution_export_request *request,
                                                     const struct attribution_webhook_policy *policy,
                                                     struct attribution_exports **exports,
                                                     struct attribution_error *error);

/**
 * Lists a user's exports, the newest first.
 */
attribution_status attribution_store_exports(const struct attribution_store *store,
                                             const struct attribution_export_query *query,
                                             struct attribution_exports **exports,
                                             struct attribution_error *error);

/**
 * The number of exports; 0 for what is none.
 */
size_t attribution_exports_count(const struct attribution_exports *exports);

/**
 * The export at an index.
 */
attribution_status attribution_exports_get(const struct attribution_exports *exports,
                                           size_t index,
                                           struct attribution_export_fields *fields,
                                           struct attribution_error *error);

/**
 * As the command's --json prints it: a JSON list of exports, or the one object of an export that was
 * scheduled. NULL for what is none.
 */
const char *attribution_exports_json(const struct attribution_exports *exports);

/**
 * Frees exports and sets the variable to NULL; the exports themselves stay in the queue. NULL, and a variable
 * that is NULL, are left alone.
 */
void attribution_exports_free(struct attribution_exports **exports);

/**
 * Looks at the server, its settings, the schema and the data, and tells what is wrong or could be better,
 * each with its remedy. Changes nothing. Whatever is found, the status is ATTRIBUTION_STATUS_OK.
 */
attribution_status attribution_store_check(const struct attribution_store *store,
                                           struct attribution_findings **findings,
                                           struct attribution_error *error);

/**
 * The number of findings; 0 for what is none.
 */
size_t attribution_findings_count(const struct attribution_findings *findings);

/**
 * The finding at an index.
 */
attribution_status attribution_findings_get(const struct attribution_findings *findings,
                                            size_t index,
                                            struct attribution_finding *finding,
                                            struct attribution_error *error);

/**
 * The findings as a JSON list, as the command's check --json prints it; NULL for what is none.
 */
const char *attribution_findings_json(const struct attribution_findings *findings);

/**
 * Frees findings and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
 */
void attribution_findings_free(struct attribution_findings **findings);

/**
 * Assembles and stores the journeys of the conversions in a window, and removes those of conversions that
 * are deleted or whose multi-touch is off. `progress` may be NULL; `context` is given to it.
 *
 * Of all users, the failure of one does not stop the others: the status is then that of the first which
 * failed, and `report` is set and says what came of each. Where the one user's job fails, or what is wrong is
 * so for all, `report` is NULL. After
 * any failure each conversion has its old journey or its new one; run again.
 */
attribution_status attribution_store_backfill(const struct attribution_store *store,
                                              const struct attribution_backfill_options *options,
                                              attribution_progress progress,
                                              void *context,
                                              struct attribution_report **report,
                                              struct attribution_error *error);

/**
 * Makes the snapshots and credits of the active models right for a window of hours. Rows that are right are
 * not written. Models that are not valid are reported and left alone. `progress` may be NULL; `context` is
 * given to it.
 *
 * Of all users, the failure of one does not stop the others: the status is then that of the first which
 * failed, and `report` is set and says what came of each. Where the one user's job fails, or what is wrong is
 * so for all, `report` is NULL. After
 * any failure each model and hour has its old rows or its new ones; run again.
 */
attribution_status attribution_store_rebuild(const struct attribution_store *store,
                                             const struct attribution_rebuild_options *options,
                                             attribution_progress progress,
                                             void *context,
                                             struct attribution_report **report,
                                             struct attribution_error *error);

/**
 * What a dashboard shows of one of a user's models and a scope, from what is stored: totals of the window, a
 * page of hours, the mix of touches by their places in their journeys, and anomalies.
 */
attribution_status attribution_store_overview(const struct attribution_store *store,
                                              const struct attribution_overview_options *options,
                                              struct attribution_overview **overview,
                                              struct attribution_error *error);

/**
 * The totals.
 */
attribution_status attribution_overview_get(const struct attribution_overview *overview,
                                            struct attribution_overview_fields *fields,
                                            struct attribution_error *error);

/**
 * The page of hours as columns, valid until the overview is freed.
 */
attribution_status attribution_overview_hours(const struct attribution_overview *overview,
                                              struct attribution_hour_columns *columns,
                                              struct attribution_error *error);

/**
 * The mix of touches as columns, valid until the overview is freed.
 */
attribution_status attribution_overview_mix(const struct attribution_overview *overview,
                                            struct attribution_mix_columns *columns,
                                            struct attribution_error *error);

/**
 * The anomaly at an index.
 */
attribution_status attribution_overview_anomaly(const struct attribution_overview *overview,
                                                size_t index,
                                                struct attribution_anomaly *anomaly,
                                                struct attribution_error *error);

/**
 * The overview as a JSON object, as the command's overview --json prints it; NULL for what is none.
 */
const char *attribution_overview_json(const struct attribution_overview *overview);

/**
 * Frees an overview and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
 */
void attribution_overview_free(struct attribution_overview **overview);

/**
 * Erases what is an owner's, a data subject's or old, makes the affected hours right again, and verifies that
 * nothing is left. `progress` may be NULL; `context` is given to it. After any failure, run it again: what
 * is gone is gone, and the rest goes then.
 *
 * Of all users, the failure of one does not stop the others: the status is then that of the first which
 * failed, and `report` is set and says what came of each. Where the one user's purge fails, or what is wrong
 * is so for all, `report` is NULL.
 */
attribution_status attribution_store_purge(const struct attribution_store *store,
                                           const struct attribution_purge_options *options,
                                           attribution_progress progress,
                                           void *context,
                                           struct attribution_report **report,
                                           struct attribution_error *error);

/**
 * What a purge did for the account owner at an index.
 */
attribution_status attribution_report_purge(const struct attribution_report *report,
                                            size_t user,
                                            struct attribution_purge_report *fields,
                                            struct attribution_error *error);

/**
 * What a purge did in the table at an index, of the account owner at another.
 */
attribution_status attribution_report_purged_table(const struct attribution_report *report,
                                                   size_t user,
                                                   size_t index,
                                                   struct attribution_purged_table *table,
                                                   struct attribution_error *error);

/**
 * The export's file that a purge left at an index, of the account owner at another.
 */
attribution_status attribution_report_left_file(const struct attribution_report *report,
                                                size_t user,
                                                size_t index,
                                                struct attribution_left_file *file,
                                                struct attribution_error *error);

/**
 * The number of account owners; 0 for what is no report.
 */
size_t attribution_report_users(const struct attribution_report *report);

/**
 * What came of the job for the account owner at an index.
 */
attribution_status attribution_report_user(const struct attribution_report *report,
                                           size_t user,
                                           struct attribution_user_report *fields,
                                           struct attribution_error *error);

/**
 * What a rebuild did for the model at an index, of the account owner at another.
 */
attribution_status attribution_report_model(const struct attribution_report *report,
                                            size_t user,
                                            size_t model,
                                            struct attribution_model_report *fields,
                                            struct attribution_error *error);

/**
 * The model that was left alone at an index, of the account owner at another.
 */
attribution_status attribution_report_invalid_model(const struct attribution_report *report,
                                                    size_t user,
                                                    size_t model,
                                                    struct attribution_invalid_model *fields,
                                                    struct attribution_error *error);

/**
 * The report as a JSON object, as the command's --json prints it; NULL for what is no report.
 */
const char *attribution_report_json(const struct attribution_report *report);

/**
 * Frees a report and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
 */
void attribution_report_free(struct attribution_report **report);

/**
 * Reads stored snapshots of a user's model.
 */
attribution_status attribution_store_snapshots(const struct attribution_store *store,
                                               const struct attribution_snapshot_query *query,
                                               struct attribution_stored_snapshots **snapshots,
                                               struct attribution_error *error);

/**
 * The stored snapshots as columns, valid until they are freed.
 */
attribution_status attribution_stored_snapshots_columns(const struct attribution_stored_snapshots *snapshots,
                                                        struct attribution_stored_snapshot_columns *columns,
                                                        struct attribution_error *error);

/**
 * Frees stored snapshots and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
 */
void attribution_stored_snapshots_free(struct attribution_stored_snapshots **snapshots);

/**
 * A store at `mysql://user:password@host:port/database`, with special characters of the parts as `%40`.
 * After a `?` there may be `socket=PATH`, `tls=required` and `root_cert_path=PATH`. Clicks, conversions,
 * journeys, campaigns and accounts are read at `replica_url`, where that is not NULL. Nothing is
 * connected to yet. Errors do not repeat the URLs, which may hold passwords.
 */
attribution_status attribution_store_open(const char *url,
                                          const char *replica_url,
                                          struct attribution_store **store,
                                          struct attribution_error *error);

/**
 * Creates the tables of attribution that are missing; changes none that is there.
 */
attribution_status attribution_store_install(const struct attribution_store *store,
                                             struct attribution_error *error);

/**
 * Frees a store and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
 */
void attribution_store_free(struct attribution_store **store);

/**
 * A new error object, which says that nothing went wrong. To be freed with attribution_error_free.
 * NULL where there is no memory for it.
 */
struct attribution_error *attribution_error_new(void);

/**
 * Frees an error object and sets the variable to NULL. NULL, and a variable that is NULL, are left
 * alone.
 */
void attribution_error_free(struct attribution_error **error);

/**
 * The status that the call returned; ATTRIBUTION_STATUS_INVALID_ARGUMENT for what is no error object.
 */
attribution_status attribution_error_code(const struct attribution_error *error);

/**
 * What went wrong, for a person: what was found, what is allowed, where; a line for each of several
 * defects. Empty where nothing went wrong or there is no error object. Never NULL.
 */
const char *attribution_error_message(const struct attribution_error *error);

/**
 * The field or row that is at fault, such as "half_life_hours", "costs[7]" or "clicks.csv:12: cost";
 * of several, the first. Empty where there is none. Never NULL.
 */
const char *attribution_error_place(const struct attribution_error *error);

/**
 * How many defects there are in all. The first 20 can be had one by one.
 */
uint64_t attribution_error_defects(const struct attribution_error *error);

/**
 * One defect: where it is, what was found there, what is allowed. Each of the three may be NULL where
 * it is not wanted. Gives false, and sets empty texts, where there is no defect of that index or it is
 * beyond the first 20.
 */
bool attribution_error_defect(const struct attribution_error *error,
                              size_t index,
                              const char **place,
                              const char **found,
                              const char **allowed);

/**
 * The name of a status, such as "invalid_model"; "unknown" for a number that is none. Never NULL; it is
 * the library's own and stays for ever.
 */
const char *attribution_status_name(uint32_t status);

/**
 * Writes the snapshots of all models of a result to a file: aside in its folder, renamed over `path` once
 * it is whole and on the disk. `format` is one of the ATTRIBUTION_FORMAT_ numbers. `rows` may be NULL;
 * else the number of rows is written there.
 */
attribution_status attribution_result_export_file(const struct attribution_result *result,
                                                  uint32_t format,
                                                  const char *path,
                                                  uint64_t *rows,
                                                  struct attribution_error *error);

/**
 * As attribution_result_export_file, through a function that takes the bytes, with a pointer of the
 * caller's that it is given each time. Where the export fails, what was given so far is no whole export.
 */
attribution_status attribution_result_export(const struct attribution_result *result,
                                             uint32_t format,
                                             attribution_write write,
                                             void *context,
                                             uint64_t *rows,
                                             struct attribution_error *error);

/**
 * Assembles the journey of each conversion from the clicks. Both are checked and copied; they are not
 * needed afterwards. `options` may be NULL for the defaults.
 */
attribution_status attribution_journeys_assemble(const struct attribution_clicks *clicks,
                                                 const struct attribution_conversions *conversions,
                                                 const struct attribution_journey_options *options,
                                                 struct attribution_journeys **journeys,
                                                 struct attribution_error *error);

/**
 * The journeys as columns, valid until the journeys are freed.
 */
attribution_status attribution_journeys_columns(const struct attribution_journeys *journeys,
                                                struct attribution_journey_columns *columns,
                                                struct attribution_error *error);

/**
 * A batch of the journeys with what the clicks have: their times, and their ids in the dimensions of
 * `scopes`, which are ATTRIBUTION_SCOPES_ bits joined by |. A conversion's cost is its own or its
 * converting click's.
 */
attribution_status attribution_journeys_batch(const struct attribution_journeys *journeys,
                                              uint32_t scopes,
                                              struct attribution_batch **batch,
                                              struct attribution_error *error);

/**
 * Frees journeys and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
 * Batches do not need the journeys that they were made from.
 */
void attribution_journeys_free(struct attribution_journeys **journeys);

/**
 * A model from a JSON object, such as
 *
 *     {"type": "time_decay", "weighting_config": {"half_life_hours": 48}, "name": "Two days"}
 *
 * `weighting_config`, `name` and `slug` may be left out. Numbers are read as the decimals they are
 * written as, and may be strings. A field that is unknown, missing, there twice or out of range is
 * refused with ATTRIBUTION_STATUS_INVALID_MODEL, its name being the error's place.
 */
attribution_status attribution_model_from_json(const char *json,
                                               struct attribution_model **model,
                                               struct attribution_error *error);

/**
 * A model from a short text: `kind` or `kind:key=value,key=value`, optionally `name=kind:...`, such as
 * "time_decay:half_life_hours=48".
 */
attribution_status attribution_model_from_spec(const char *spec,
                                               struct attribution_model **model,
                                               struct attribution_error *error);

/**
 * A model from fields. Shares are taken by their shortest decimal text: 0.4 means 0.4.
 */
attribution_status attribution_model_from_fields(const struct attribution_model_fields *fields,
                                                 struct attribution_model **model,
                                                 struct attribution_error *error);

/**
 * The kind, one of the ATTRIBUTION_KIND_ numbers; 0 for what is no model.
 */
uint32_t attribution_model_kind(const struct attribution_model *model);

/**
 * The name; NULL for what is no model.
 */
const char *attribution_model_name(const struct attribution_model *model);

/**
 * The slug; NULL for what is no model.
 */
const char *attribution_model_slug(const struct attribution_model *model);

/**
 * The model as a JSON object that attribution_model_from_json takes, its config normalised; NULL for
 * what is no model.
 */
const char *attribution_model_json(const struct attribution_model *model);

/**
 * Frees a model and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
 * Results do not need the models that they were calculated with.
 */
void attribution_model_free(struct attribution_model **model);

/**
 * The number of models; 0 for what is no result.
 */
size_t attribution_result_models(const struct attribution_result *result);

/**
 * The name of the model at an index; NULL where there is none.
 */
const char *attribution_result_model_name(const struct attribution_result *result, size_t model);

/**
 * The snapshots of the model at an index, valid until the result is freed.
 */
attribution_status attribution_result_snapshots(const struct attribution_result *result,
                                                size_t model,
                                                struct attribution_snapshots *snapshots,
                                                struct attribution_error *error);

/**
 * The credited touches of the model at an index, valid until the result is freed; none where they were
 * not asked for.
 */
attribution_status attribution_result_touchpoints(const struct attribution_result *result,
                                                  size_t model,
                                                  struct attribution_touchpoints *touchpoints,
                                                  struct attribution_error *error);

/**
 * Frees a result and sets the variable to NULL. NULL, and a variable that is NULL, are left alone.
 */
void attribution_result_free(struct attribution_result **result);

/**
 * The version of the ABI of the library that runs. A program can rely on its header where this equals
 * ATTRIBUTION_ABI_VERSION and attribution_version_number gives ATTRIBUTION_VERSION_NUMBER or more.
 */
uint32_t attribution_abi_version(void);

/**
 * The version of the library that runs, major * 1000000 + minor * 1000 + patch.
 */
uint32_t attribution_version_number(void);

/**
 * The version of the library that runs, as text such as "0.1.0". It is the library's own and stays for
 * ever.
 */
const char *attribution_version_string(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ATTRIBUTION_H */

/* The library's version as text. */
#define ATTRIBUTION_VERSION_STRING "0.1.0"

/* How the structs that can grow are begun: by their size and their defaults. */
#define ATTRIBUTION_MODEL_FIELDS_INIT {sizeof(attribution_model_fields), 0, 0, 0.0, 0.0, NULL, NULL}
#define ATTRIBUTION_SLICE_INIT {NULL, 0}
#define ATTRIBUTION_COLUMNS_INIT                                                                          \
    {sizeof(attribution_columns), ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, \
     ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT,      \
     ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT,      \
     ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT}
#define ATTRIBUTION_CONVERSION_COLUMNS_INIT                                                 \
    {sizeof(attribution_conversion_columns), ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, \
     ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT}
#define ATTRIBUTION_TOUCH_COLUMNS_INIT                                                                    \
    {sizeof(attribution_touch_columns), ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT,                   \
     ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT,      \
     ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT}
#define ATTRIBUTION_ENGINE_OPTIONS_INIT \
    {sizeof(attribution_engine_options), ATTRIBUTION_SCOPES_GLOBAL, 1, 0, {0, 0, 0, 0, 0, 0, 0}}
#define ATTRIBUTION_JOURNEY_OPTIONS_INIT \
    {sizeof(attribution_journey_options), ATTRIBUTION_JOURNEY_KEY_VISITOR_CAMPAIGN, 2592000, 25, {0, 0, 0, 0}}
#define ATTRIBUTION_CLICKS_INIT                                                                           \
    {sizeof(attribution_clicks), ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT,  \
     ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT,      \
     ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT,      \
     ATTRIBUTION_SLICE_INIT}
#define ATTRIBUTION_CONVERSIONS_INIT                                                                      \
    {sizeof(attribution_conversions), ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT,                     \
     ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT,      \
     ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT, ATTRIBUTION_SLICE_INIT}
#define ATTRIBUTION_JOURNEY_COLUMNS_INIT {sizeof(attribution_journey_columns), 0, 0, NULL, NULL}
#define ATTRIBUTION_SNAPSHOTS_INIT \
    {sizeof(attribution_snapshots), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL}
#define ATTRIBUTION_TOUCHPOINTS_INIT \
    {sizeof(attribution_touchpoints), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL}
#define ATTRIBUTION_BACKFILL_OPTIONS_INIT                                                               \
    {sizeof(attribution_backfill_options), 0, 0, 0, ATTRIBUTION_JOURNEY_KEY_VISITOR_CAMPAIGN, 2592000, \
     25, ATTRIBUTION_SCOPE_GLOBAL, 0, 0, 2}
#define ATTRIBUTION_REBUILD_OPTIONS_INIT \
    {sizeof(attribution_rebuild_options), 0, 0, 0, ATTRIBUTION_SCOPES_ALL, 0, 0, 2}
#define ATTRIBUTION_USER_REPORT_INIT \
    {sizeof(attribution_user_report), 0, 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
#define ATTRIBUTION_MODEL_REPORT_INIT {sizeof(attribution_model_report), 0, NULL, 0, 0, 0, 0, 0, 0, 0}
#define ATTRIBUTION_INVALID_MODEL_INIT {sizeof(attribution_invalid_model), 0, NULL, NULL}
#define ATTRIBUTION_FINDING_INIT {sizeof(attribution_finding), 0, NULL, NULL, NULL}
#define ATTRIBUTION_SNAPSHOT_QUERY_INIT \
    {sizeof(attribution_snapshot_query), 0, NULL, 0, 0, ATTRIBUTION_SCOPE_ANY, 0, 0, 0}
#define ATTRIBUTION_STORED_SNAPSHOT_COLUMNS_INIT \
    {sizeof(attribution_stored_snapshot_columns), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL}
#define ATTRIBUTION_FIGURES_INIT {0, 0, 0, 0, 0, 0}
#define ATTRIBUTION_COMPARE_OPTIONS_INIT \
    {sizeof(attribution_compare_options), 0, NULL, 0, NULL, 0, 0, ATTRIBUTION_SCOPE_GLOBAL, 0, 200, 0}
#define ATTRIBUTION_COMPARISON_FIELDS_INIT \
    {sizeof(attribution_comparison_fields), 0, 0, 0, 0, NULL, 0, 0, 0, 0, 0, 0}
#define ATTRIBUTION_COMPARISON_ROW_INIT                                              \
    {sizeof(attribution_comparison_row), NULL, 0, 0, 0, 0, ATTRIBUTION_FIGURES_INIT, \
     ATTRIBUTION_FIGURES_INIT, ATTRIBUTION_FIGURES_INIT, ATTRIBUTION_FIGURES_INIT,   \
     ATTRIBUTION_FIGURES_INIT, ATTRIBUTION_FIGURES_INIT, NULL, 0, 0, 0}
#define ATTRIBUTION_OVERVIEW_OPTIONS_INIT \
    {sizeof(attribution_overview_options), 0, NULL, 0, 0, ATTRIBUTION_SCOPE_GLOBAL, 0, 24, 0}
#define ATTRIBUTION_OVERVIEW_FIELDS_INIT \
    {sizeof(attribution_overview_fields), 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
#define ATTRIBUTION_HOUR_COLUMNS_INIT \
    {sizeof(attribution_hour_columns), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL}
#define ATTRIBUTION_MIX_COLUMNS_INIT \
    {sizeof(attribution_mix_columns), 0, NULL, NULL, NULL, NULL, NULL}
#define ATTRIBUTION_ANOMALY_INIT {sizeof(attribution_anomaly), 0, 0, 0, 0, NULL, NULL, NULL}
#define ATTRIBUTION_WEBHOOK_POLICY_INIT \
    {sizeof(attribution_webhook_policy), NULL, 0, NULL, NULL, 15000, 10000000}
#define ATTRIBUTION_EXPORT_REQUEST_INIT                                           \
    {sizeof(attribution_export_request), 0, NULL, 0, 0, ATTRIBUTION_SCOPE_GLOBAL, \
     ATTRIBUTION_FORMAT_CSV, 0, NULL, NULL, NULL, 0}
#define ATTRIBUTION_EXPORT_QUERY_INIT {sizeof(attribution_export_query), 0, 0, 100, 0}
#define ATTRIBUTION_EXPORT_FIELDS_INIT                                                                 \
    {sizeof(attribution_export_fields), 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, \
     NULL, 0, 0, 0, 0, 0, NULL}
#define ATTRIBUTION_EXPORT_RUN_OPTIONS_INIT {sizeof(attribution_export_run_options), NULL, 5}
#define ATTRIBUTION_EXPORT_RUN_FIELDS_INIT \
    {sizeof(attribution_export_run_fields), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
#define ATTRIBUTION_EXPORT_OUTCOME_INIT \
    {sizeof(attribution_export_outcome), 0, 0, 0, 0, 0, 0, NULL, NULL}
#define ATTRIBUTION_PURGE_OPTIONS_INIT                                                           \
    {sizeof(attribution_purge_options), 0, 0, 0, ATTRIBUTION_SLICE_INIT, 0, 0, 0, 0, 0, 0, NULL, \
     ATTRIBUTION_JOURNEY_KEY_VISITOR_CAMPAIGN, 2592000, 25}
#define ATTRIBUTION_PURGE_REPORT_INIT \
    {sizeof(attribution_purge_report), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
#define ATTRIBUTION_PURGED_TABLE_INIT {sizeof(attribution_purged_table), NULL, 0, 0, 0}
#define ATTRIBUTION_LEFT_FILE_INIT {sizeof(attribution_left_file), 0, NULL}
#define ATTRIBUTION_CACHE_OPTIONS_INIT {sizeof(attribution_cache_options), 300, NULL, 33554432, 5}
#define ATTRIBUTION_CACHE_COUNTS_INIT \
    {sizeof(attribution_cache_counts), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

/* The layouts that the library was built with, where pointers have 64 bits. */
#ifdef __cplusplus
#define ATTRIBUTION_STATIC_ASSERT(condition, message) static_assert(condition, message)
#define ATTRIBUTION_ALIGN_OF(type) alignof(type)
#else
#define ATTRIBUTION_STATIC_ASSERT(condition, message) _Static_assert(condition, message)
#define ATTRIBUTION_ALIGN_OF(type) _Alignof(type)
#endif
#if UINTPTR_MAX == UINT64_MAX
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_u8_slice) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_u8_slice) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_u8_slice, data) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_u8_slice, length) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_u32_slice) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_u32_slice) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_u32_slice, data) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_u32_slice, length) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_u64_slice) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_u64_slice) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_u64_slice, data) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_u64_slice, length) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_i64_slice) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_i64_slice) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_i64_slice, data) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_i64_slice, length) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_size_slice) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_size_slice) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_size_slice, data) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_size_slice, length) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_touch) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_touch) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch, click_id) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch, click_time) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch, campaign_id) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch, account_id) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch, landing_page_id) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch, advertiser_id) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch, traffic_source_id) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch, adgroup_id) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_conversion) == 96, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_conversion) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversion, conversion_id) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversion, conversion_time) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversion, payout) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversion, cost) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversion, click) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_columns) == 232, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_columns) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, conversion_ids) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, converting_click_ids) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, conversion_times) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, payouts) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, costs) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, offsets) == 88, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, click_ids) == 104, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, click_times) == 120, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, campaign_ids) == 136, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, account_ids) == 152, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, landing_page_ids) == 168, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, advertiser_ids) == 184, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, traffic_source_ids) == 200, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_columns, adgroup_ids) == 216, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_conversion_columns) == 104, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_conversion_columns) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversion_columns, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversion_columns, conversion_ids) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversion_columns, converting_click_ids) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversion_columns, conversion_times) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversion_columns, payouts) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversion_columns, costs) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversion_columns, converting_click_times) == 88, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_touch_columns) == 152, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_touch_columns) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch_columns, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch_columns, conversion_ids) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch_columns, click_ids) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch_columns, click_times) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch_columns, campaign_ids) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch_columns, account_ids) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch_columns, landing_page_ids) == 88, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch_columns, advertiser_ids) == 104, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch_columns, traffic_source_ids) == 120, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touch_columns, adgroup_ids) == 136, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_engine_options) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_engine_options) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_engine_options, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_engine_options, scopes) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_engine_options, threads) == 12, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_engine_options, touchpoints) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_engine_options, reserved) == 17, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_model_fields) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_model_fields) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_fields, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_fields, kind) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_fields, half_life_hours) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_fields, first_touch_weight) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_fields, last_touch_weight) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_fields, name) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_fields, slug) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_journey_options) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_journey_options) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_journey_options, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_journey_options, key) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_journey_options, lookback_seconds) == 12, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_journey_options, max_touches) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_journey_options, reserved) == 20, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_clicks) == 200, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_clicks) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_clicks, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_clicks, click_ids) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_clicks, click_times) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_clicks, visitors) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_clicks, visitors_high) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_clicks, costs) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_clicks, filtered) == 88, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_clicks, campaign_ids) == 104, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_clicks, account_ids) == 120, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_clicks, landing_page_ids) == 136, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_clicks, advertiser_ids) == 152, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_clicks, traffic_source_ids) == 168, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_clicks, adgroup_ids) == 184, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_conversions) == 168, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_conversions) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversions, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversions, conversion_ids) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversions, click_ids) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversions, conversion_times) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversions, payouts) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversions, costs) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversions, costs_present) == 88, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversions, campaign_ids) == 104, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversions, campaign_ids_present) == 120, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversions, click_times) == 136, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_conversions, click_times_present) == 152, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_journey_columns) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_journey_columns) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_journey_columns, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_journey_columns, conversions) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_journey_columns, touches) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_journey_columns, offsets) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_journey_columns, rows) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_snapshots) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_snapshots) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshots, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshots, length) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshots, scope_types) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshots, scope_ids) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshots, date_hours) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshots, attributed_clicks) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshots, attributed_conversions) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshots, credited_conversions) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshots, revenues) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshots, costs) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_touchpoints) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_touchpoints) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touchpoints, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touchpoints, length) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touchpoints, conversions) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touchpoints, click_ids) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touchpoints, positions) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touchpoints, credits) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touchpoints, stored_credits) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touchpoints, revenues) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_touchpoints, costs) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_backfill_options) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_backfill_options) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_backfill_options, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_backfill_options, user_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_backfill_options, start) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_backfill_options, end) == 20, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_backfill_options, journey_key) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_backfill_options, lookback_seconds) == 28, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_backfill_options, max_touches) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_backfill_options, scope_type) == 36, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_backfill_options, scope_id) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_backfill_options, wait_seconds) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_backfill_options, connections) == 52, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_rebuild_options) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_rebuild_options) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_rebuild_options, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_rebuild_options, user_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_rebuild_options, start) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_rebuild_options, end) == 20, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_rebuild_options, scopes) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_rebuild_options, without_credits) == 28, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_rebuild_options, wait_seconds) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_rebuild_options, connections) == 36, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_user_report) == 144, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_user_report) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, user_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, status) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, message) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, start) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, end) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, conversions) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, touches) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, missing_clicks) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, clicks) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, deleted_conversions) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, single_touch_conversions) == 88, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, batches) == 96, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, rows_written) == 104, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, retries) == 112, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, duration_ms) == 120, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, models) == 128, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_user_report, invalid_models) == 136, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_model_report) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_model_report) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_report, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_report, model_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_report, slug) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_report, hours) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_report, snapshots) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_report, clicks) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_report, conversions) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_report, revenue) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_report, cost) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_model_report, rows_written) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_invalid_model) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_invalid_model) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_invalid_model, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_invalid_model, model_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_invalid_model, slug) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_invalid_model, problem) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_finding) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_finding) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_finding, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_finding, severity) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_finding, subject) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_finding, found) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_finding, remedy) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_snapshot_query) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_snapshot_query) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshot_query, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshot_query, user_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshot_query, model) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshot_query, start) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshot_query, end) == 28, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshot_query, scope_type) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshot_query, scope_id) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshot_query, limit) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_snapshot_query, offset) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_stored_snapshot_columns) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_stored_snapshot_columns) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_stored_snapshot_columns, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_stored_snapshot_columns, length) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_stored_snapshot_columns, snapshot_ids) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_stored_snapshot_columns, scope_types) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_stored_snapshot_columns, scope_ids) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_stored_snapshot_columns, date_hours) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_stored_snapshot_columns, attributed_clicks) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_stored_snapshot_columns, attributed_conversions) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_stored_snapshot_columns, revenues) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_stored_snapshot_columns, costs) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_figures) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_figures) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_figures, credited_conversions) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_figures, revenue) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_figures, cost) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_figures, profit) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_figures, roi_percent) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_figures, has_roi) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_compare_options) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_compare_options) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_compare_options, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_compare_options, user_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_compare_options, models) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_compare_options, model_count) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_compare_options, baseline) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_compare_options, start) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_compare_options, end) == 44, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_compare_options, scope_type) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_compare_options, scope_id) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_compare_options, resamples) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_compare_options, threads) == 68, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_comparison_fields) == 96, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_comparison_fields) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_fields, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_fields, start) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_fields, end) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_fields, scope_type) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_fields, scope_id) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_fields, baseline) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_fields, resamples) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_fields, conversions) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_fields, touches) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_fields, multi_touch_journeys) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_fields, missing_clicks) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_fields, rows) == 88, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_comparison_row) == 360, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_comparison_row) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, model) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, scope_id) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, attributed_clicks) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, attributed_conversions) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, multi_touch_journeys) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, figures) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, difference) == 96, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, figures_low) == 144, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, figures_high) == 192, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, difference_low) == 240, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, difference_high) == 288, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, hints) == 336, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, hint_count) == 344, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, has_intervals) == 352, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_comparison_row, has_difference) == 353, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_overview_options) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_overview_options) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_options, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_options, user_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_options, model) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_options, start) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_options, end) == 28, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_options, scope_type) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_options, scope_id) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_options, limit) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_options, offset) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_overview_fields) == 128, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_overview_fields) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, user_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, model) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, start) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, end) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, scope_type) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, scope_id) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, hours) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, attributed_clicks) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, attributed_conversions) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, revenue) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, cost) == 88, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, profit) == 96, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, roi_percent) == 104, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, has_roi) == 112, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_overview_fields, anomalies) == 120, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_hour_columns) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_hour_columns) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_hour_columns, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_hour_columns, length) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_hour_columns, date_hours) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_hour_columns, attributed_clicks) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_hour_columns, attributed_conversions) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_hour_columns, revenues) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_hour_columns, costs) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_hour_columns, profits) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_hour_columns, roi_percents) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_hour_columns, roi_present) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_mix_columns) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_mix_columns) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_mix_columns, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_mix_columns, length) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_mix_columns, places) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_mix_columns, touches) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_mix_columns, credits) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_mix_columns, share_percents) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_mix_columns, share_present) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_anomaly) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_anomaly) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_anomaly, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_anomaly, metric) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_anomaly, severity) == 12, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_anomaly, change_percent) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_anomaly, date_hour) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_anomaly, latest) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_anomaly, mean) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_anomaly, message) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_header) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_header) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_header, name) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_header, value) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_webhook_policy) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_webhook_policy) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_webhook_policy, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_webhook_policy, allow) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_webhook_policy, allow_count) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_webhook_policy, root_certificates) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_webhook_policy, download_base) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_webhook_policy, timeout_ms) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_webhook_policy, largest_file) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_export_request) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_export_request) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_request, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_request, user_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_request, model) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_request, start) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_request, end) == 28, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_request, scope_type) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_request, format) == 36, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_request, scope_id) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_request, webhook_url) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_request, webhook_secret) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_request, webhook_headers) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_request, webhook_header_count) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_export_query) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_export_query) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_query, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_query, user_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_query, status) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_query, limit) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_query, offset) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_export_fields) == 192, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_export_fields) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, export_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, user_id) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, model_id) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, scope_type) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, status) == 36, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, scope_id) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, start_hour) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, end_hour) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, format) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, webhook_url) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, webhook_headers) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, webhook_header_count) == 88, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, webhook_signed) == 96, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, webhook_state) == 100, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, webhook_attempts) == 104, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, webhook_due_at) == 112, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, webhook_attempted_at) == 120, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, webhook_status_code) == 128, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, file_path) == 136, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, rows_exported) == 144, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, queued_at) == 152, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, started_at) == 160, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, completed_at) == 168, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, failed_at) == 176, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_fields, last_error) == 184, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_export_run_options) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_export_run_options) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_options, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_options, directory) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_options, limit) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_export_run_fields) == 88, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_export_run_fields) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_fields, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_fields, succeeded) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_fields, jobs) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_fields, completed) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_fields, failed) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_fields, put_back) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_fields, rows_exported) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_fields, webhooks_delivered) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_fields, webhooks_waiting) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_fields, webhooks_given_up) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_run_fields, duration_ms) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_export_outcome) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_export_outcome) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_outcome, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_outcome, export_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_outcome, user_id) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_outcome, status) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_outcome, webhook_state) == 28, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_outcome, rows_exported) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_outcome, webhook_status_code) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_outcome, file_path) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_export_outcome, error) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_purge_options) == 88, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_purge_options) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, user_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, target) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, dry_run) == 20, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, ids) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, keep_journeys_seconds) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, keep_credits_seconds) == 44, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, keep_snapshots_seconds) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, keep_exports_seconds) == 52, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, keep_audit_seconds) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, wait_seconds) == 60, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, export_directory) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, journey_key) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, lookback_seconds) == 76, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_options, max_touches) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_purge_report) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_purge_report) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_report, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_report, target) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_report, dry_run) == 12, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_report, not_found) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_report, tables) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_report, hours_rebuilt) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_report, files_removed) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_report, files_missing) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_report, files_left) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_report, exports_in_progress) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purge_report, exports_of_rebuilt_hours) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_purged_table) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_purged_table) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purged_table, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purged_table, table) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purged_table, found) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purged_table, removed) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_purged_table, left) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_left_file) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_left_file) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_left_file, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_left_file, export_id) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_left_file, problem) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_cache_options) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_cache_options) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_options, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_options, expiry_seconds) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_options, server_url) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_options, capacity) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_options, timeout_ms) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(attribution_cache_counts) == 120, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(attribution_cache_counts) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, size) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, reads) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, memory_hits) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, server_hits) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, shared) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, loads) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, early_refreshes) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, not_stored) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, server_failures) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, server_skips) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, server_refusals) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, server_rejections) == 88, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, reconnections) == 96, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, entries) == 104, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(attribution_cache_counts, bytes) == 112, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(struct ArrowSchema) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(struct ArrowSchema) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowSchema, format) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowSchema, name) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowSchema, metadata) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowSchema, flags) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowSchema, n_children) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowSchema, children) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowSchema, dictionary) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowSchema, release) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowSchema, private_data) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(struct ArrowArray) == 80, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(struct ArrowArray) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArray, length) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArray, null_count) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArray, offset) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArray, n_buffers) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArray, n_children) == 32, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArray, buffers) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArray, children) == 48, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArray, dictionary) == 56, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArray, release) == 64, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArray, private_data) == 72, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(sizeof(struct ArrowArrayStream) == 40, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(ATTRIBUTION_ALIGN_OF(struct ArrowArrayStream) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArrayStream, get_schema) == 0, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArrayStream, get_next) == 8, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArrayStream, get_last_error) == 16, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArrayStream, release) == 24, "attribution.h: layout");
ATTRIBUTION_STATIC_ASSERT(offsetof(struct ArrowArrayStream, private_data) == 32, "attribution.h: layout");
#endif
