<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * Every strategy at once, for hosts that look them up by kind.
 */
final class Strategies
{
    private const ALL = [
        LastTouchStrategy::class,
        FirstTouchStrategy::class,
        LinearStrategy::class,
        TimeDecayStrategy::class,
        PositionBasedStrategy::class,
        AssistedStrategy::class,
    ];

    /**
     * @param (callable(): int)|null $clock the time that createdAt tells; the system's where left out
     *
     * @return array<string, Strategy> by kind
     *
     * @throws ExtensionMissing where no engine is given and PHP runs without the extension
     */
    public static function all(ResultClasses $classes, ?Engine $engine = null, ?callable $clock = null): array
    {
        $engine ??= new ExtensionEngine();
        $strategies = [];
        foreach (self::ALL as $class) {
            $strategy = new $class($classes, $engine, $clock);
            $strategies[$strategy->kind()] = $strategy;
        }

        return $strategies;
    }

    private function __construct()
    {
    }
}
