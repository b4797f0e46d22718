<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * All credit to the converting click.
 */
final class LastTouchStrategy extends Strategy
{
    public function kind(): string
    {
        return 'last_touch';
    }

    /**
     * The host's own strategy gives 0, the place among the credited touches, and its readers go by that; the rebuild
     * stores the place in the journey.
     */
    protected function position(array $row): int
    {
        return 0;
    }
}
