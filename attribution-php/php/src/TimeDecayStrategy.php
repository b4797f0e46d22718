<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * Credit that halves with each half-life before the newest touch.
 */
final class TimeDecayStrategy extends Strategy
{
    public function kind(): string
    {
        return 'time_decay';
    }
}
