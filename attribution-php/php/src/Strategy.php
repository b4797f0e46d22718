<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * Credits of one kind of model, in the host's shapes.
 *
 * Amounts and credits are floats, as the host has them, each the nearest to an exact decimal of the engine's. A
 * touchpoint's credit and weight both have the 5 decimals that the host's columns store, so that the stored credits of
 * a conversion add up to exactly 1. Nothing is stored here, so no snapshot or touchpoint has an id.
 *
 * @phpstan-import-type Result from Engine
 * @phpstan-import-type TouchpointRow from Engine
 */
abstract class Strategy
{
    private readonly Engine $engine;

    /** @var \Closure(): int */
    private readonly \Closure $clock;

    /**
     * @param (callable(): int)|null $clock the time that createdAt tells; the system's where left out
     *
     * @throws ExtensionMissing where no engine is given and PHP runs without the extension
     */
    final public function __construct(
        private readonly ResultClasses $classes,
        ?Engine $engine = null,
        ?callable $clock = null,
    ) {
        $this->engine = $engine ?? new ExtensionEngine();
        $this->clock = ($clock ?? time(...))(...);
    }

    /**
     * The kind of models that this strategy calculates.
     */
    abstract public function kind(): string;

    /**
     * @param object $model has modelId, type (a string-backed enum) and weightingConfig (an array or null)
     * @param object $batch has userId, startTime, endTime and conversions, which each have conversionId, clickId,
     *                      userId, campaignId, ppcAccountId, convTime, clickTime, clickPayout, clickCost and
     *                      getJourney(), which gives objects with clickId and clickTime. A clickTime, clickCost,
     *                      campaignId or ppcAccountId that is null is not known: then the click's time is the
     *                      conversion's and the cost is 0. A clickTime of 0 is a time as any other.
     *
     * @return object of the class for results, keyed by the first second of each hour in which something converted
     *
     * @throws WrongKind    for a model of another kind
     * @throws InvalidShape for an object that lacks one of these
     */
    final public function calculate(object $model, object $batch): object
    {
        // Many rows live until the result is there and none of them is garbage, so that PHP's search for cycles among
        // them, again and again, would take longer than all the rest.
        $collecting = gc_enabled();
        gc_disable();
        try {
            return $this->calculated($model, $batch);
        } finally {
            if ($collecting) {
                gc_enable();
            }
        }
    }

    /**
     * The position that a touchpoint is given.
     *
     * @param TouchpointRow $row
     */
    protected function position(array $row): int
    {
        return $row['position'];
    }

    private function calculated(object $model, object $batch): object
    {
        $modelId = Shape::integer($model, 'modelId', 'the model');
        $result = $this->engine->calculate(
            [
                'type' => $this->checkedKind($model, $modelId),
                'weighting_config' => Shape::nullable($model, 'weightingConfig', 'the model'),
                'model_id' => $modelId,
            ],
            ConversionReader::read($batch),
            ['scopes' => 'global'],
        );

        return $this->build($result, $modelId, $batch);
    }

    private function checkedKind(object $model, int $modelId): string
    {
        $type = Shape::value($model, 'type', 'the model');
        if (!$type instanceof \BackedEnum || !is_string($type->value)) {
            throw Shape::wrong($model, 'type', 'the model', $type, 'a string-backed enum');
        }
        if ($type->value !== $this->kind()) {
            throw new WrongKind(sprintf(
                '%s is for models of the kind %s, and model %d is of the kind %s',
                static::class,
                $this->kind(),
                $modelId,
                $type->value,
            ));
        }

        return $type->value;
    }

    /**
     * @param Result $result
     */
    private function build(array $result, int $modelId, object $batch): object
    {
        $userId = Shape::integer($batch, 'userId', 'the batch');
        $start = Shape::integer($batch, 'startTime', 'the batch');
        $end = Shape::integer($batch, 'endTime', 'the batch');
        $snapshot = $this->classes->snapshot;
        $touchpoint = $this->classes->touchpoint;
        $now = ($this->clock)();

        $snapshotsByHour = [];
        $touchpointsByHour = [];
        foreach ($result['snapshots'] as $row) {
            $hour = $row['date_hour'];
            $touchpointsByHour[$hour] = [];
            $snapshotsByHour[$hour] = new $snapshot(
                snapshotId: null,
                modelId: $modelId,
                userId: $userId,
                scopeType: $this->classes->globalScope,
                scopeId: null,
                dateHour: $hour,
                lookbackStart: $start,
                lookbackEnd: $end,
                attributedClicks: $row['attributed_clicks'],
                attributedConversions: $row['attributed_conversions'],
                attributedRevenue: (float) $row['attributed_revenue'],
                attributedCost: (float) $row['attributed_cost'],
                createdAt: $now,
            );
        }
        foreach ($result['touchpoints'] as $row) {
            $credit = (float) $row['stored_credit'];
            $touchpointsByHour[$row['date_hour']][] = new $touchpoint(
                touchpointId: null,
                snapshotId: null,
                conversionId: $row['conv_id'],
                clickId: $row['click_id'],
                position: $this->position($row),
                credit: $credit,
                weight: $credit,
                createdAt: $now,
            );
        }

        return new ($this->classes->calculationResult)(
            snapshotsByHour: $snapshotsByHour,
            touchpointsByHour: $touchpointsByHour,
        );
    }
}
