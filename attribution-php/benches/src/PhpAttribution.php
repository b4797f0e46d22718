<?php

declare(strict_types=1);

namespace Attribution\Benches;

/**
 * The strategies in plain PHP: loops over arrays, credits as floats, totals keyed by hour.
 *
 * It is what the extension is measured against: it puts journeys in order, takes each click once and adds the
 * converting click, as the rules have it, but validates nothing, and rounds credits one by one. It can be told
 * that journeys are in order already, which is as little as PHP can do.
 */
final class PhpAttribution
{
    private readonly string $type;
    private readonly float $halfLifeSeconds;
    private readonly float $firstTouchWeight;
    private readonly float $lastTouchWeight;

    /** @param array<string, mixed> $model */
    public function __construct(array $model, private readonly bool $inOrder = false)
    {
        $config = $model['weighting_config'] ?? [];
        $this->type = (string) $model['type'];
        $this->halfLifeSeconds = 3600.0 * (float) ($config['half_life_hours'] ?? 1);
        $this->firstTouchWeight = (float) ($config['first_touch_weight'] ?? 0);
        $this->lastTouchWeight = (float) ($config['last_touch_weight'] ?? 0);
    }

    /**
     * A conversion's touches in order, each click once, its own among them.
     *
     * @param array<string, mixed> $conversion
     * @return list<array<string, int>>
     */
    private function journey(array $conversion): array
    {
        if ($this->inOrder) {
            return $conversion['journey'];
        }
        $touches = [];
        foreach ($conversion['journey'] as $touch) {
            $id = $touch['click_id'];
            if (!isset($touches[$id]) || $touch['click_time'] < $touches[$id]['click_time']) {
                $touches[$id] = $touch;
            }
        }
        $touches[$conversion['click_id']] ??= [
            'click_id' => $conversion['click_id'],
            'click_time' => $conversion['click_time'],
        ];
        usort(
            $touches,
            fn (array $one, array $other): int => [$one['click_time'], $one['click_id']]
                <=> [$other['click_time'], $other['click_id']],
        );
        return $touches;
    }

    /**
     * The credits of one conversion's touches, which add up to 1.
     *
     * @param array<string, mixed> $conversion
     * @return list<float>
     */
    public function credits(array $conversion): array
    {
        $journey = $conversion['journey'];
        return match ($this->type) {
            'last_touch' => $this->lastTouch($journey, $conversion['click_id']),
            'first_touch' => $this->firstTouch(count($journey)),
            'linear' => array_fill(0, count($journey), 1.0 / count($journey)),
            'time_decay' => $this->timeDecay($journey, $conversion['conv_time']),
            'position_based' => $this->positionBased(count($journey)),
            'assisted' => $this->assisted(count($journey)),
        };
    }

    /**
     * Hourly totals alone. Each touch's credit is worked out for them all the same.
     *
     * @param list<array<string, mixed>> $conversions
     * @return list<array<string, mixed>>
     */
    public function snapshots(array $conversions): array
    {
        $hours = [];
        foreach ($conversions as $conversion) {
            $conversion['journey'] = $this->journey($conversion);
            $hour = $conversion['conv_time'] - $conversion['conv_time'] % 3600;
            $payout = (float) $conversion['payout'];
            $cost = (float) $conversion['cost'];
            $clicks = 0;
            $credited = $revenue = $spent = 0.0;
            foreach ($this->credits($conversion) as $credit) {
                if ($credit > 0.0) {
                    $clicks++;
                    $credited += $credit;
                    $revenue += $payout * $credit;
                    $spent += $cost * $credit;
                }
            }
            $hours[$hour] ??= [0, 0, 0.0, 0.0, 0.0];
            $hours[$hour][0] += $clicks;
            $hours[$hour][1]++;
            $hours[$hour][2] += $revenue;
            $hours[$hour][3] += $spent;
            $hours[$hour][4] += $credited;
        }
        return $this->snapshotRows($hours);
    }

    /**
     * Hourly totals, and a row for each credited touch.
     *
     * @param list<array<string, mixed>> $conversions
     * @param bool $decimals whether a row's stored credit and money are decimal strings, as the extension
     *     gives them, or rounded floats, which takes PHP less time
     * @return array{snapshots: list<array<string, mixed>>, touchpoints: list<array<string, mixed>>}
     */
    public function calculate(array $conversions, bool $decimals): array
    {
        $hours = [];
        $touchpoints = [];
        foreach ($conversions as $conversion) {
            $conversionId = $conversion['conv_id'];
            $journey = $conversion['journey'] = $this->journey($conversion);
            $hour = $conversion['conv_time'] - $conversion['conv_time'] % 3600;
            $payout = (float) $conversion['payout'];
            $cost = (float) $conversion['cost'];
            $clicks = 0;
            $credited = $revenue = $spent = 0.0;
            foreach ($this->credits($conversion) as $position => $credit) {
                if ($credit > 0.0) {
                    $clicks++;
                    $credited += $credit;
                    $revenue += $payout * $credit;
                    $spent += $cost * $credit;
                    $touchpoints[] = [
                        'conv_id' => $conversionId,
                        'date_hour' => $hour,
                        'click_id' => $journey[$position]['click_id'],
                        'position' => $position,
                        'credit' => $credit,
                        'weight' => $credit,
                        'stored_credit' => $decimals ? sprintf('%.5F', $credit) : round($credit, 5),
                        'revenue' => $decimals ? sprintf('%.5F', $payout * $credit) : round($payout * $credit, 5),
                        'cost' => $decimals ? sprintf('%.5F', $cost * $credit) : round($cost * $credit, 5),
                    ];
                }
            }
            $hours[$hour] ??= [0, 0, 0.0, 0.0, 0.0];
            $hours[$hour][0] += $clicks;
            $hours[$hour][1]++;
            $hours[$hour][2] += $revenue;
            $hours[$hour][3] += $spent;
            $hours[$hour][4] += $credited;
        }
        return ['snapshots' => $this->snapshotRows($hours), 'touchpoints' => $touchpoints];
    }

    /**
     * @param array<int, array{int, int, float, float, float}> $hours
     * @return list<array<string, mixed>>
     */
    private function snapshotRows(array $hours): array
    {
        ksort($hours);
        $rows = [];
        foreach ($hours as $hour => [$clicks, $conversions, $revenue, $cost, $credited]) {
            $rows[] = [
                'scope_type' => 'global',
                'scope_id' => null,
                'date_hour' => $hour,
                'attributed_clicks' => $clicks,
                'attributed_conversions' => $conversions,
                'attributed_revenue' => sprintf('%.5F', $revenue),
                'attributed_cost' => sprintf('%.5F', $cost),
                'credited_conversions' => sprintf('%.5F', $credited),
            ];
        }
        return $rows;
    }

    /**
     * @param list<array<string, int>> $journey
     * @return list<float>
     */
    private function lastTouch(array $journey, int $convertingClickId): array
    {
        $credits = [];
        foreach ($journey as $touch) {
            $credits[] = $touch['click_id'] === $convertingClickId ? 1.0 : 0.0;
        }
        return $credits;
    }

    /** @return list<float> */
    private function firstTouch(int $touches): array
    {
        $credits = array_fill(0, $touches, 0.0);
        $credits[0] = 1.0;
        return $credits;
    }

    /**
     * @param list<array<string, int>> $journey
     * @return list<float>
     */
    private function timeDecay(array $journey, int $conversionTime): array
    {
        $weights = [];
        $sum = 0.0;
        foreach ($journey as $touch) {
            $age = $conversionTime - $touch['click_time'];
            $weight = 2 ** (-($age > 0 ? $age : 0) / $this->halfLifeSeconds);
            $weights[] = $weight;
            $sum += $weight;
        }
        foreach ($weights as $position => $weight) {
            $weights[$position] = $weight / $sum;
        }
        return $weights;
    }

    /** @return list<float> */
    private function positionBased(int $touches): array
    {
        $first = $this->firstTouchWeight;
        $last = $this->lastTouchWeight;
        if ($touches === 1) {
            return [1.0];
        }
        if ($touches === 2) {
            $sum = $first + $last;
            return $sum > 0.0 ? [$first / $sum, $last / $sum] : [0.5, 0.5];
        }
        $credits = array_fill(0, $touches, (1.0 - $first - $last) / ($touches - 2));
        $credits[0] = $first;
        $credits[$touches - 1] = $last;
        return $credits;
    }

    /** @return list<float> */
    private function assisted(int $touches): array
    {
        if ($touches === 1) {
            return [1.0];
        }
        $credits = array_fill(0, $touches, 1.0 / ($touches - 1));
        $credits[$touches - 1] = 0.0;
        return $credits;
    }
}
