<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests\Host;

final class CalculationResult
{
    /**
     * @param array<int, Snapshot>         $snapshotsByHour
     * @param array<int, list<Touchpoint>> $touchpointsByHour
     */
    public function __construct(
        public readonly array $snapshotsByHour,
        public readonly array $touchpointsByHour,
    ) {
    }
}
