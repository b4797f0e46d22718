<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * Removes what is old, or all of a data subject or an account owner, and tells per table what was found, removed and
 * left.
 *
 * @phpstan-import-type JobReport from Engine
 */
final class NativePurger
{
    private readonly Jobs $jobs;

    /**
     * @param string|array<string, mixed> $database mysql://user:password@host:port/database, or an array with host,
     *                                              port, user, password, database, socket
     * @param array<string, mixed>        $options  of attribution_purge(), such as dry_run, wait, export_directory,
     *                                              journey_key, lookback, max_touches, progress
     *
     * @throws ExtensionMissing where no engine is given and PHP runs without the extension
     */
    public function __construct(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options = [],
        ?Engine $engine = null,
    ) {
        $this->jobs = new Jobs($database, $options, $engine);
    }

    /**
     * All that an account owner has. The owner's own row, campaigns and accounts stay.
     *
     * @return array<string, mixed> the report
     *
     * @throws \Attribution\Exception where the purge fails; what was committed until then stays removed
     */
    public function owner(int $userId): array
    {
        return $this->one($userId, ['target' => 'owner']);
    }

    /**
     * Clicks, the conversions that hang on them, and every touch and credit of theirs.
     *
     * @param list<int|numeric-string> $clickIds
     *
     * @return array<string, mixed> the report
     *
     * @throws \Attribution\Exception where the purge fails; what was committed until then stays removed
     */
    public function clicks(int $userId, array $clickIds): array
    {
        return $this->one($userId, ['target' => 'clicks', 'ids' => $clickIds]);
    }

    /**
     * Conversions with their journeys and credits. Their clicks stay.
     *
     * @param list<int|numeric-string> $conversionIds
     *
     * @return array<string, mixed> the report
     *
     * @throws \Attribution\Exception where the purge fails; what was committed until then stays removed
     */
    public function conversions(int $userId, array $conversionIds): array
    {
        return $this->one($userId, ['target' => 'conversions', 'ids' => $conversionIds]);
    }

    /**
     * All clicks of a visitor, as clicks() does it.
     *
     * @param int|numeric-string $visitorId an ip_id
     *
     * @return array<string, mixed> the report
     *
     * @throws \Attribution\Exception where the purge fails; what was committed until then stays removed
     */
    public function visitor(int $userId, int|string $visitorId): array
    {
        return $this->one($userId, ['target' => 'visitor', 'visitor' => $visitorId]);
    }

    /**
     * What is older than its table's limit, of one user or, for null, of every user that is not deleted.
     *
     * @param array<string, int|string> $limits for some of journeys, credits, snapshots, exports and audit, in seconds
     *                                          or as text such as 90d
     *
     * @return JobReport with a report for each user or, where all were asked for, an error
     *
     * @throws \Attribution\Exception where no user's purge can start, or the only one's fails
     */
    public function olderThan(array $limits, ?int $userId = null): array
    {
        $user = $userId === null ? 0 : Jobs::oneUser($userId);

        return $this->jobs->purge(['user' => $user, 'target' => 'age', 'limits' => $limits]);
    }

    /**
     * @param array<string, mixed> $options
     *
     * @return array<string, mixed>
     */
    private function one(int $userId, array $options): array
    {
        $report = $this->jobs->purge(['user' => Jobs::oneUser($userId)] + $options);

        return $report['users'][0]['report'] ?? throw new \UnexpectedValueException('the engine gave no report');
    }
}
