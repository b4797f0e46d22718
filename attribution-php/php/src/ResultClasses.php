<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * The host's classes of which results are made, by their names.
 */
final class ResultClasses
{
    /** @var class-string */
    public readonly string $calculationResult;

    /** @var class-string */
    public readonly string $snapshot;

    /** @var class-string */
    public readonly string $touchpoint;

    /** The host's enum case of the global scope. */
    public readonly \UnitEnum $globalScope;

    /**
     * @param string $calculationResult takes snapshotsByHour and touchpointsByHour
     * @param string $snapshot          takes snapshotId, modelId, userId, scopeType, scopeId, dateHour, lookbackStart,
     *                                  lookbackEnd, attributedClicks, attributedConversions, attributedRevenue,
     *                                  attributedCost and createdAt
     * @param string $touchpoint        takes touchpointId, snapshotId, conversionId, clickId, position, credit, weight
     *                                  and createdAt
     * @param string $scopeType         an enum with the case GLOBAL
     *
     * @throws InvalidShape for a class that does not exist
     */
    public function __construct(
        string $calculationResult,
        string $snapshot,
        string $touchpoint,
        string $scopeType,
    ) {
        $this->calculationResult = self::existing($calculationResult, 'calculationResult');
        $this->snapshot = self::existing($snapshot, 'snapshot');
        $this->touchpoint = self::existing($touchpoint, 'touchpoint');
        $global = enum_exists($scopeType) && defined("$scopeType::GLOBAL") ? constant("$scopeType::GLOBAL") : null;
        if (!$global instanceof \UnitEnum) {
            throw new InvalidShape("scopeType: \"$scopeType\" is not an enum with a case GLOBAL");
        }
        $this->globalScope = $global;
    }

    /**
     * @return class-string
     */
    private static function existing(string $class, string $parameter): string
    {
        if (!class_exists($class)) {
            throw new InvalidShape("$parameter: there is no class \"$class\"");
        }

        return $class;
    }
}
