<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * Stores and removes journeys, in the database.
 *
 * The engine finds the touches by itself and works on whole hours: journeys of the other conversions in those hours,
 * which stand there already, are compared and stay as they are.
 */
final class NativeJourneyRepository
{
    private const HOUR = 3_600;
    private const LAST_SECOND = 4_294_967_295;

    private readonly Jobs $jobs;

    /**
     * @param string|array<string, mixed> $database mysql://user:password@host:port/database, or an array with host,
     *                                              port, user, password, database, socket
     * @param array<string, mixed>        $options  of attribution_backfill(), such as journey_key, lookback,
     *                                              max_touches, wait, connections, progress, replica
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
     * Stores the journeys of the hour that a new conversion is in.
     *
     * @param int      $conversionTime of the conversion, which has to be in the database
     * @param int|null $campaignId     stores journeys of this campaign's conversions alone; 0 and null mean all
     *
     * @return int how many touches the journeys of that hour have
     *
     * @throws \Attribution\Exception where the run fails
     */
    public function persistJourney(int $userId, int $conversionTime, ?int $campaignId = null): int
    {
        if ($conversionTime < 0 || $conversionTime > self::LAST_SECOND) {
            throw new \InvalidArgumentException(
                "conversionTime: found $conversionTime, and unix seconds up to " . self::LAST_SECOND . ' are needed',
            );
        }
        $start = $conversionTime - $conversionTime % self::HOUR;
        $campaignId = $campaignId === 0 ? null : $campaignId;

        return $this->hydrateScope(
            userId: $userId,
            scopeType: $campaignId === null ? 'global' : 'campaign',
            scopeId: $campaignId,
            startTime: $start,
            endTime: min($start + self::HOUR, self::LAST_SECOND),
        );
    }

    /**
     * Stores the journeys of a scope's conversions.
     *
     * @param string|\BackedEnum $scopeType global, campaign or advertiser
     * @param int|null           $scopeId   null for global
     *
     * @return int how many touches those journeys have
     *
     * @throws \Attribution\Exception where the run fails
     */
    public function hydrateScope(
        int $userId,
        string|\BackedEnum $scopeType,
        ?int $scopeId,
        int $startTime,
        int $endTime,
    ): int {
        $report = $this->jobs->backfill(Jobs::scoped($userId, $scopeType, $scopeId, $startTime, $endTime));

        return Jobs::number($report, 'touches');
    }

    /**
     * Removes the stored journeys of a scope's conversions.
     *
     * @param string|\BackedEnum $scopeType global, campaign or advertiser
     * @param int|null           $scopeId   null for global
     * @param int|null           $startTime null for the beginning of time
     * @param int|null           $endTime   null for the end of time
     *
     * @return int how many touches were removed
     *
     * @throws \Attribution\Exception where the run fails
     */
    public function purgeByScope(
        int $userId,
        string|\BackedEnum $scopeType,
        ?int $scopeId,
        ?int $startTime = null,
        ?int $endTime = null,
    ): int {
        $options = Jobs::scoped($userId, $scopeType, $scopeId, $startTime ?? 0, $endTime ?? self::LAST_SECOND);
        $report = $this->jobs->backfill($options + ['remove' => true]);

        return Jobs::number($report, 'rows_written');
    }
}
