<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests\Host;

final class Snapshot
{
    public function __construct(
        public readonly ?int $snapshotId,
        public readonly int $modelId,
        public readonly int $userId,
        public readonly ScopeType $scopeType,
        public readonly ?int $scopeId,
        public readonly int $dateHour,
        public readonly int $lookbackStart,
        public readonly int $lookbackEnd,
        public readonly int $attributedClicks,
        public readonly int $attributedConversions,
        public readonly float $attributedRevenue,
        public readonly float $attributedCost,
        public readonly int $createdAt,
    ) {
    }
}
