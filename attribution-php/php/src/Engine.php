<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * What the library needs of the native engine. ExtensionEngine is the one to use; others are for tests.
 *
 * @phpstan-type SnapshotRow array{
 *     date_hour: int,
 *     attributed_clicks: int,
 *     attributed_conversions: int,
 *     attributed_revenue: string,
 *     attributed_cost: string,
 *     ...
 * }
 * @phpstan-type TouchpointRow array{
 *     conv_id: int,
 *     date_hour: int,
 *     click_id: int,
 *     position: int,
 *     stored_credit: string,
 *     ...
 * }
 * @phpstan-type Result array{snapshots: list<SnapshotRow>, touchpoints: list<TouchpointRow>}
 * @phpstan-type Outcome array{
 *     user_id: int,
 *     report?: array<string, mixed>,
 *     error?: array{code: string, message: string}
 * }
 * @phpstan-type JobReport array{job: string, engine_version: string, users: list<Outcome>}
 * @phpstan-type ExportOutcome array{export_id: int, status: string, error: string|null, ...}
 * @phpstan-type ExportRun array{
 *     jobs: list<ExportOutcome>,
 *     completed: int,
 *     failed: int,
 *     put_back: int,
 *     rows_exported: int,
 *     webhooks_delivered: int,
 *     webhooks_waiting: int,
 *     webhooks_given_up: int,
 *     ...
 * }
 */
interface Engine
{
    /**
     * @param array<string, mixed>       $model
     * @param list<array<string, mixed>> $conversions
     * @param array<string, mixed>       $options
     *
     * @return Result
     */
    public function calculate(array $model, array $conversions, array $options = []): array;

    /**
     * @param string|array<string, mixed> $database
     * @param array<string, mixed>        $options
     *
     * @return JobReport
     */
    public function rebuild(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options = [],
    ): array;

    /**
     * @param string|array<string, mixed> $database
     * @param array<string, mixed>        $options
     *
     * @return JobReport
     */
    public function backfill(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options = [],
    ): array;

    /**
     * @param string|array<string, mixed> $database
     * @param array<string, mixed>        $query
     *
     * @return list<array<string, mixed>>
     */
    public function snapshots(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $query,
    ): array;

    /**
     * @param string|array<string, mixed> $database
     * @param array<string, mixed>        $options
     *
     * @return array<string, mixed>
     */
    public function compare(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array;

    /**
     * @param string|array<string, mixed> $database
     * @param array<string, mixed>        $options
     *
     * @return array<string, mixed>
     */
    public function overview(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array;

    /**
     * @param string|array<string, mixed> $database
     * @param array<string, mixed>        $options
     *
     * @return array<string, mixed>
     */
    public function scheduleExport(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array;

    /**
     * @param string|array<string, mixed> $database
     * @param array<string, mixed>        $options
     *
     * @return ExportRun
     */
    public function runExports(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array;

    /**
     * @param string|array<string, mixed> $database
     * @param array<string, mixed>        $options
     *
     * @return list<array<string, mixed>>
     */
    public function exports(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array;

    /**
     * @param string|array<string, mixed> $database
     * @param array<string, mixed>        $options
     *
     * @return JobReport
     */
    public function purge(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array;
}
