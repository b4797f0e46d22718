<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * Turns the host's conversions into the engine's rows.
 *
 * @internal
 */
final class ConversionReader
{
    /**
     * @return list<array<string, mixed>>
     *
     * @throws InvalidShape
     */
    public static function read(object $batch): array
    {
        $conversions = Shape::value($batch, 'conversions', 'the batch');
        if (!is_iterable($conversions)) {
            throw Shape::wrong($batch, 'conversions', 'the batch', $conversions, 'an array');
        }
        $rows = [];
        foreach ($conversions as $conversion) {
            $what = 'conversion ' . count($rows) . ' of the batch';
            if (!is_object($conversion)) {
                throw new InvalidShape("$what is of the type " . get_debug_type($conversion)
                    . ', and an object is needed');
            }
            $rows[] = self::row($conversion, $what);
        }

        return $rows;
    }

    /**
     * @return array<string, mixed>
     */
    private static function row(object $conversion, string $what): array
    {
        $row = [
            'conv_id' => Shape::value($conversion, 'conversionId', $what),
            'click_id' => Shape::value($conversion, 'clickId', $what),
            'conv_time' => Shape::value($conversion, 'convTime', $what),
            'payout' => Shape::value($conversion, 'clickPayout', $what),
            'journey' => self::journey($conversion, $what),
        ];
        // What is not known is left out: then the time is the conversion's, the cost 0, the ids none.
        $optional = [
            'click_time' => 'clickTime',
            'cost' => 'clickCost',
            'campaign_id' => 'campaignId',
            'ppc_account_id' => 'ppcAccountId',
        ];
        foreach ($optional as $key => $property) {
            $value = Shape::nullable($conversion, $property, $what);
            if ($value !== null) {
                $row[$key] = $value;
            }
        }

        return $row;
    }

    /**
     * @return list<array{click_id: mixed, click_time: mixed}>
     */
    private static function journey(object $conversion, string $what): array
    {
        if (!is_callable([$conversion, 'getJourney'])) {
            throw new InvalidShape("$what (" . get_debug_type($conversion) . ') has no public method "getJourney"');
        }
        $journey = $conversion->getJourney();
        if (!is_iterable($journey)) {
            throw new InvalidShape("$what (" . get_debug_type($conversion) . '): getJourney() returned '
                . get_debug_type($journey) . ', and an array is needed');
        }
        $touches = [];
        foreach ($journey as $touch) {
            if (!is_object($touch)) {
                throw new InvalidShape('touch ' . count($touches) . " of $what is of the type "
                    . get_debug_type($touch) . ', and an object is needed');
            }
            // Batches have many more touches than conversions, so the names of what is missing are
            // put together only where something is.
            $touches[] = [
                'click_id' => $touch->clickId
                    ?? throw Shape::missing($touch, 'clickId', 'touch ' . count($touches) . " of $what"),
                'click_time' => $touch->clickTime
                    ?? throw Shape::missing($touch, 'clickTime', 'touch ' . count($touches) . " of $what"),
            ];
        }

        return $touches;
    }

    private function __construct()
    {
    }
}
