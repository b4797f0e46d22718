/* The library's version as text. */
#define ATTRIBUTION_VERSION_STRING "@VERSION@"

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
@LAYOUTS@
#endif
