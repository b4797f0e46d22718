<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * Fixed shares to the first and the last touch, the rest spread evenly between them.
 */
final class PositionBasedStrategy extends Strategy
{
    public function kind(): string
    {
        return 'position_based';
    }
}
