<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * What the host's screens show of attribution, read from the database. Nothing is written.
 */
final class NativeReports
{
    private readonly Jobs $jobs;

    /**
     * @param string|array<string, mixed> $database mysql://user:password@host:port/database, or an array with host,
     *                                              port, user, password, database, socket
     * @param array<string, mixed>        $options  cache for snapshots, as attribution_snapshots() takes it (default:
     *                                              true, in the process); replica, threads and progress for compare
     *
     * @throws ExtensionMissing where no engine is given and PHP runs without the extension
     */
    public function __construct(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options = [],
        ?Engine $engine = null,
    ) {
        $this->jobs = new Jobs($database, $options + ['cache' => true], $engine);
    }

    /**
     * The stored snapshots of a model, ordered by scope type, scope id and hour; what was read before is given again
     * while it is what the database has.
     *
     * @param string|\BackedEnum|null $scopeType null for all
     *
     * @return list<array<string, mixed>>
     *
     * @throws \Attribution\Exception where the reading fails
     */
    public function snapshots(
        int $userId,
        string $modelSlug,
        int $startTime,
        int $endTime,
        string|\BackedEnum|null $scopeType = null,
        ?int $scopeId = null,
        ?int $limit = null,
        int $offset = 0,
    ): array {
        return $this->jobs->snapshots(
            ['model' => $modelSlug, 'limit' => $limit, 'offset' => $offset]
            + Jobs::scoped($userId, $scopeType, $scopeId, $startTime, $endTime),
        );
    }

    /**
     * Totals over the window, a page of its newest hours, the mix of touches by their place, and anomalies.
     *
     * @param string|\BackedEnum $scopeType such as campaign
     * @param int|null           $scopeId   null for global
     *
     * @return array<string, mixed> as attribution_overview() gives it
     *
     * @throws \Attribution\Exception where the reading fails
     */
    public function overview(
        int $userId,
        string $modelSlug,
        int $startTime,
        int $endTime,
        string|\BackedEnum $scopeType = 'global',
        ?int $scopeId = null,
        int $limit = 24,
        int $offset = 0,
    ): array {
        return $this->jobs->overview(
            ['model' => $modelSlug, 'limit' => $limit, 'offset' => $offset]
            + Jobs::scoped($userId, $scopeType, $scopeId, $startTime, $endTime),
        );
    }

    /**
     * Models side by side on the same conversions, with intervals and the difference to a baseline.
     *
     * @param list<string>       $models    slugs, or models such as time_decay:half_life_hours=48
     * @param string|\BackedEnum $scopeType such as campaign
     * @param int|null           $scopeId   null for each of the scope's ids
     * @param string|null        $baseline  null for the first model
     * @param int                $resamples 0 for no intervals
     *
     * @return array<string, mixed> as attribution_compare() gives it
     *
     * @throws \Attribution\Exception where the comparison fails
     */
    public function compare(
        int $userId,
        array $models,
        int $startTime,
        int $endTime,
        string|\BackedEnum $scopeType = 'global',
        ?int $scopeId = null,
        ?string $baseline = null,
        int $resamples = 200,
    ): array {
        return $this->jobs->compare(
            ['models' => $models, 'baseline' => $baseline, 'resamples' => $resamples]
            + Jobs::scoped($userId, $scopeType, $scopeId, $startTime, $endTime),
        );
    }
}
