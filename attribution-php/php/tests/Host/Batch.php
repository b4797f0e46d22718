<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests\Host;

final class Batch
{
    /**
     * @param list<Conversion> $conversions
     */
    public function __construct(
        public readonly array $conversions,
        public readonly int $userId = 3,
        public readonly int $startTime = 1_717_200_000,
        public readonly int $endTime = 1_717_286_400,
    ) {
    }
}
