<?php

declare(strict_types=1);

namespace Attribution\Benches;

/** Conversions that are the same in every run, as rows and as columns. */
final class MadeUpData
{
    /** The first second of the hours in which conversions are. */
    public const START = 1_717_200_000;
    public const HOURS = 240;

    private const LOOKBACK_SECONDS = 30 * 86_400;

    /**
     * Conversions with journeys in order, the last touch of each being the click that converted. Money is
     * decimal strings, as mysqli gives it.
     *
     * @return list<array<string, mixed>>
     */
    public static function conversions(int $count, int $touches): array
    {
        mt_srand(202);
        $conversions = [];
        $clickId = 1;
        for ($number = 1; $number <= $count; $number++) {
            $time = self::START + mt_rand(0, self::HOURS * 3_600 - 1);
            $clickTimes = [];
            for ($touch = 0; $touch < $touches; $touch++) {
                $clickTimes[] = $time - mt_rand(1, self::LOOKBACK_SECONDS);
            }
            sort($clickTimes);
            $journey = [];
            foreach ($clickTimes as $clickTime) {
                $journey[] = ['click_id' => $clickId++, 'click_time' => $clickTime];
            }
            $conversions[] = [
                'conv_id' => $number,
                'click_id' => $clickId - 1,
                'conv_time' => $time,
                'click_time' => $clickTimes[$touches - 1],
                'payout' => self::decimal(mt_rand(1, 9_000_000)),
                'cost' => self::decimal(mt_rand(0, 200_000)),
                'journey' => $journey,
            ];
        }
        return $conversions;
    }

    /**
     * The same conversions as columns of integers.
     *
     * @param list<array<string, mixed>> $conversions
     * @return array<string, list<int>>
     */
    public static function columns(array $conversions): array
    {
        $columns = [
            'conversion_ids' => [],
            'converting_click_ids' => [],
            'conversion_times' => [],
            'payout_units' => [],
            'cost_units' => [],
            'offsets' => [0],
            'click_ids' => [],
            'click_times' => [],
        ];
        foreach ($conversions as $conversion) {
            $columns['conversion_ids'][] = $conversion['conv_id'];
            $columns['converting_click_ids'][] = $conversion['click_id'];
            $columns['conversion_times'][] = $conversion['conv_time'];
            $columns['payout_units'][] = self::units($conversion['payout']);
            $columns['cost_units'][] = self::units($conversion['cost']);
            foreach ($conversion['journey'] as $touch) {
                $columns['click_ids'][] = $touch['click_id'];
                $columns['click_times'][] = $touch['click_time'];
            }
            $columns['offsets'][] = count($columns['click_ids']);
        }
        return $columns;
    }

    /**
     * The same columns as strings of numbers in the machine's byte order.
     *
     * @param array<string, list<int>> $columns
     * @return array<string, string>
     */
    public static function binaryColumns(array $columns): array
    {
        $binary = [];
        foreach ($columns as $name => $numbers) {
            $format = match ($name) {
                'conversion_times', 'click_times' => 'L*',
                'payout_units', 'cost_units' => 'q*',
                default => 'Q*',
            };
            $binary[$name] = pack($format, ...$numbers);
        }
        return $binary;
    }

    /** A decimal with 5 places as a count of 0.00001. */
    public static function units(string $decimal): int
    {
        return (int) str_replace('.', '', $decimal);
    }

    public static function decimal(int $units): string
    {
        return sprintf('%d.%05d', intdiv($units, 100_000), $units % 100_000);
    }
}
