<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * All credit to the oldest touch.
 */
final class FirstTouchStrategy extends Strategy
{
    public function kind(): string
    {
        return 'first_touch';
    }
}
