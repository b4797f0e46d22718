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

    /**
     * The strategy of one kind.
     *
     * @param (callable(): int)|null $clock as for all()
     *
     * @throws WrongKind where there is none of that kind, algorithmic being one of those
     * @throws ExtensionMissing as for all()
     */
    public static function of(
        string $kind,
        ResultClasses $classes,
        ?Engine $engine = null,
        ?callable $clock = null,
    ): Strategy {
        $all = self::all($classes, $engine, $clock);

        return $all[$kind] ?? throw new WrongKind(
            sprintf('there is no strategy of the kind "%s"; there are %s', $kind, implode(', ', array_keys($all))),
        );
    }

    private function __construct()
    {
    }
}
