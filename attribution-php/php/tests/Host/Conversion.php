<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests\Host;

final class Conversion
{
    /**
     * @param list<Touch> $journey
     */
    public function __construct(
        public readonly int $conversionId,
        public readonly int $clickId,
        public readonly int $convTime,
        public readonly ?int $clickTime,
        public readonly float $clickPayout,
        public readonly ?float $clickCost = 0.0,
        private readonly array $journey = [],
        public readonly int $userId = 3,
        public readonly ?int $campaignId = 11,
        public readonly ?int $ppcAccountId = 12,
    ) {
    }

    /**
     * @return list<Touch>
     */
    public function getJourney(): array
    {
        return $this->journey;
    }
}
