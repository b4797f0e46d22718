<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * The same credit to each touch.
 */
final class LinearStrategy extends Strategy
{
    public function kind(): string
    {
        return 'linear';
    }
}
