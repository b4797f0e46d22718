<?php

declare(strict_types=1);

namespace Attribution\Benches;

/**
 * Whether both sides say the same. PHP's floats and the engine's exact shares may differ by rounding: a
 * unit of the fifth decimal in a share, and that for each touch of an hour in its totals at the most.
 */
final class Agreement
{
    private const AT_MOST = 10;

    /** @var list<string> */
    private array $disagreements = [];

    /** @return list<string> */
    public function disagreements(): array
    {
        return $this->disagreements;
    }

    public function same(string $what, mixed $php, mixed $native): void
    {
        if ($php !== $native) {
            $this->add($what . ': php ' . var_export($php, true) . ', native ' . var_export($native, true));
        }
    }

    public function near(string $what, float $php, float $native, float $difference): void
    {
        // Not the other way round, so that NaN is no agreement.
        if (!(abs($php - $native) <= $difference)) {
            $this->add("{$what}: php {$php}, native {$native}");
        }
    }

    /**
     * @param list<array<string, mixed>> $php
     * @param list<array<string, mixed>> $native
     */
    public function snapshots(array $php, array $native): void
    {
        $this->same('snapshots', count($php), count($native));
        foreach (array_slice($php, 0, count($native)) as $place => $row) {
            $other = $native[$place];
            $hour = "hour {$row['date_hour']}";
            foreach (['scope_type', 'scope_id', 'date_hour'] as $name) {
                $this->same("{$hour} {$name}", $row[$name], $other[$name]);
            }
            $this->hour($hour, $row, $other);
        }
    }

    /**
     * @param array<string, mixed> $php
     * @param array<string, mixed> $native
     */
    public function hour(string $hour, array $php, array $native): void
    {
        foreach (['attributed_clicks', 'attributed_conversions'] as $name) {
            $this->same("{$hour} {$name}", (int) $php[$name], (int) $native[$name]);
        }
        foreach (['attributed_revenue', 'attributed_cost', 'credited_conversions'] as $name) {
            if (isset($php[$name])) {
                $this->near("{$hour} {$name}", (float) $php[$name], (float) $native[$name], 0.001);
            }
        }
    }

    /**
     * @param list<array<string, mixed>> $php
     * @param list<array<string, mixed>> $native
     */
    public function touchpoints(array $php, array $native): void
    {
        $this->same('touchpoints', count($php), count($native));
        foreach (array_slice($php, 0, count($native)) as $place => $row) {
            $other = $native[$place];
            foreach (['conv_id', 'date_hour', 'click_id', 'position'] as $name) {
                $this->same("row {$place} {$name}", $row[$name], $other[$name]);
            }
            foreach (['credit', 'weight'] as $name) {
                $this->near("row {$place} {$name}", $row[$name], $other[$name], 1e-9);
            }
            foreach (['stored_credit', 'revenue', 'cost'] as $name) {
                $this->near("row {$place} {$name}", (float) $row[$name], (float) $other[$name], 2.1e-5);
            }
        }
    }

    private function add(string $disagreement): void
    {
        if (count($this->disagreements) < self::AT_MOST) {
            $this->disagreements[] = $disagreement;
        }
    }
}
