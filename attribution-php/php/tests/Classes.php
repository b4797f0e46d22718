<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests;

use Prosper202\AttributionNative\ResultClasses;

/**
 * The stand-ins of which results are made.
 */
final class Classes
{
    public static function all(): ResultClasses
    {
        return new ResultClasses(
            calculationResult: Host\CalculationResult::class,
            snapshot: Host\Snapshot::class,
            touchpoint: Host\Touchpoint::class,
            scopeType: Host\ScopeType::class,
        );
    }
}
