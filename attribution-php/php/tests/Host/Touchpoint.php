<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests\Host;

final class Touchpoint
{
    public function __construct(
        public readonly ?int $touchpointId,
        public readonly ?int $snapshotId,
        public readonly int $conversionId,
        public readonly int $clickId,
        public readonly int $position,
        public readonly float $credit,
        public readonly float $weight,
        public readonly int $createdAt,
    ) {
    }
}
