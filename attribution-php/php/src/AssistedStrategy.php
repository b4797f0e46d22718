<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * The same credit to each touch but the last.
 */
final class AssistedStrategy extends Strategy
{
    public function kind(): string
    {
        return 'assisted';
    }
}
