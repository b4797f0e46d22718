<?php

declare(strict_types=1);

namespace Attribution\Benches;

use Closure;
use mysqli;

/** The comparisons, each measured in a process of its own. */
final class Cases
{
    public const NAMES = [
        'walk',
        'snapshots',
        'rows',
        'rows_floats',
        'snapshots_in_order',
        'rows_in_order',
        'columns_packed_snapshots',
        'columns_binary_snapshots',
        'columns_packed',
        'columns_binary',
        'rebuild',
    ];

    private const MODEL = ['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 48]];
    private const TOUCHES = 8;
    /** The rebuild has one of so many of the conversions. */
    private const REBUILT = 8;

    /** Enough to have all compiled that is hot, and too few for PHP's collector of cycles to notice. */
    private const WARM_UP_CONVERSIONS = 500;
    private const WARM_UP_RUNS = 3;

    /**
     * @param int $runs how often both sides do the same after the first time; by and by PHP's collector of
     *     cycles learns that there is nothing to collect, and looks no more
     */
    public function __construct(
        private readonly int $conversions,
        private readonly bool $nativeFirst,
        private readonly int $runs,
        private readonly int $rebuildRuns,
        private readonly ?string $socket,
    ) {
    }

    /** @return list<Measured> */
    public function run(string $name): array
    {
        return match ($name) {
            'walk' => [$this->walk()],
            'snapshots' => [$this->snapshots('snapshots', 10.0)],
            'rows' => [$this->rows('rows', true)],
            'rows_floats' => [$this->rows('rows_floats', false)],
            'rows_in_order' => [$this->rows('rows_in_order', true, true)],
            'snapshots_in_order' => [$this->snapshots('snapshots_in_order', null, true)],
            'columns_packed_snapshots' => [$this->columns($name, false, false)],
            'columns_binary_snapshots' => [$this->columns($name, true, false)],
            'columns_packed' => [$this->columns($name, false, true)],
            'columns_binary' => [$this->columns($name, true, true)],
            'rebuild' => $this->rebuild(),
        };
    }

    /** What PHP takes merely to look at each conversion and touch, beside all of the extension's work on them. */
    private function walk(): Measured
    {
        $walk = function (array $conversions): array {
            $sum = 0;
            foreach ($conversions as $conversion) {
                foreach ($conversion['journey'] as $touch) {
                    $sum += $touch['click_id'] + $touch['click_time'];
                }
            }
            return [$sum];
        };
        $sides = fn (array $conversions): array => [
            fn (): array => $walk($conversions),
            fn (): array => attribution_calculate(self::MODEL, $conversions, ['touchpoints' => false]),
        ];
        $check = fn (array $php, array $native): array => $php[0] > 0 && $native['snapshots'] !== [] ? [] : ['nothing'];
        return $this->measure('walk', null, $sides, $check);
    }

    /** Hourly totals alone, from rows. */
    private function snapshots(string $name, ?float $target, bool $inOrder = false): Measured
    {
        $attribution = new PhpAttribution(self::MODEL, $inOrder);
        $sides = fn (array $conversions): array => [
            fn (): array => $attribution->snapshots($conversions),
            fn (): array => attribution_calculate(self::MODEL, $conversions, ['touchpoints' => false]),
        ];
        $check = function (array $php, array $native): array {
            $agreement = new Agreement();
            $agreement->snapshots($php, $native['snapshots']);
            $agreement->same('touchpoints', [], $native['touchpoints']);
            return $agreement->disagreements();
        };
        return $this->measure($name, $target, $sides, $check);
    }

    /** Hourly totals and a row for each touch, from rows. */
    private function rows(string $name, bool $decimals, bool $inOrder = false): Measured
    {
        $attribution = new PhpAttribution(self::MODEL, $inOrder);
        $sides = fn (array $conversions): array => [
            fn (): array => $attribution->calculate($conversions, $decimals),
            fn (): array => attribution_calculate(self::MODEL, $conversions),
        ];
        $check = function (array $php, array $native): array {
            $agreement = new Agreement();
            $agreement->snapshots($php['snapshots'], $native['snapshots']);
            $agreement->touchpoints($php['touchpoints'], $native['touchpoints']);
            return $agreement->disagreements();
        };
        return $this->measure($name, $name === 'rows' ? 2.5 : null, $sides, $check);
    }

    /** The same from columns, against PHP on rows, where it is at its best. */
    private function columns(string $name, bool $binary, bool $credits): Measured
    {
        $options = ['touchpoints' => $credits, 'binary' => $binary];
        $attribution = new PhpAttribution(self::MODEL);
        $sides = function (array $conversions) use ($attribution, $binary, $credits, $options): array {
            $columns = MadeUpData::columns($conversions);
            if ($binary) {
                $columns = MadeUpData::binaryColumns($columns);
            }
            return [
                $credits
                    ? fn (): array => $attribution->calculate($conversions, false)
                    : fn (): array => ['snapshots' => $attribution->snapshots($conversions), 'touchpoints' => []],
                fn (): array => attribution_calculate_columns([self::MODEL], $columns, $options),
            ];
        };
        $check = function (array $php, array $native, array $conversions): array {
            $agreement = new Agreement();
            $agreement->same('models', 1, count($native));
            $snapshots = self::snapshotRows($native[0]['snapshots'], count($php['snapshots']));
            $agreement->snapshots($php['snapshots'], $snapshots);
            $touchpoints = self::touchpointRows(
                $native[0]['touchpoints'],
                count($php['touchpoints']),
                $conversions,
            );
            $agreement->touchpoints($php['touchpoints'], $touchpoints);
            return $agreement->disagreements();
        };
        return $this->measure($name, 60.0, $sides, $check);
    }

    /**
     * The rebuild of a window, once where nothing is stored and once more where all is.
     *
     * @return list<Measured>
     */
    private function rebuild(): array
    {
        $user = DatabaseServer::USER;
        $password = DatabaseServer::PASSWORD;
        $setup = new mysqli('localhost', $user, $password, null, 0, $this->socket);
        $account = new MadeUpAccount($setup, (string) $this->socket);
        // A row that is a transaction of its own takes long enough with these.
        $conversions = intdiv($this->conversions, self::REBUILT);
        $account->create('compare_php', MadeUpData::conversions($conversions, self::TOUCHES));
        $account->copy('compare_php', 'compare_native');
        $start = MadeUpData::START;
        $end = $start + MadeUpData::HOURS * 3_600;
        $php = fn (bool $inTransactions): Closure => function () use ($inTransactions, $user, $password, $start, $end): array {
            $connection = new mysqli('localhost', $user, $password, 'compare_php', 0, $this->socket);
            (new PhpRebuild($connection, $inTransactions))->run(MadeUpAccount::USER_ID, $start, $end);
            $connection->close();
            return [];
        };
        $native = fn (): array => attribution_rebuild(
            ['user' => $user, 'password' => $password, 'database' => 'compare_native', 'socket' => $this->socket],
            ['user' => MadeUpAccount::USER_ID, 'start' => $start, 'end' => $end, 'scopes' => 'global'],
        );
        // A native rebuild writes only what differs, so both sides start from nothing each time.
        $clear = function () use ($setup): void {
            foreach (['compare_php', 'compare_native'] as $database) {
                $setup->query("TRUNCATE {$database}.202_attribution_snapshots");
                $setup->query("TRUNCATE {$database}.202_attribution_touchpoints");
            }
        };
        $check = fn (): array => $this->compareTables($setup);
        return [
            $this->measureRebuild('rebuild', 7.0, $php(false), $native, $check, $this->rebuildRuns, $clear),
            $this->measureRebuild('rebuild_again', null, $php(false), $native, $check, 1, fn () => null),
            $this->measureRebuild('rebuild_in_transactions', null, $php(true), $native, $check, $this->rebuildRuns, $clear),
        ];
    }

    /** @return list<string> */
    private function compareTables(mysqli $connection): array
    {
        $agreement = new Agreement();
        $read = function (string $database) use ($connection): array {
            $rows = $connection->query(
                "SELECT s.model_id, s.date_hour, s.scope_type, s.scope_id, s.attributed_clicks,
                 s.attributed_conversions, s.attributed_revenue, s.attributed_cost, COUNT(t.touchpoint_id) AS credits,
                 COUNT(DISTINCT t.conv_id) AS credited, SUM(t.credit) AS credit,
                 SUM(t.credit * t.conv_id) AS by_conversion, SUM(t.credit * t.click_id) AS by_click,
                 SUM(t.position) AS positions
                 FROM {$database}.202_attribution_snapshots s
                 LEFT JOIN {$database}.202_attribution_touchpoints t USING (snapshot_id)
                 GROUP BY s.snapshot_id ORDER BY s.model_id, s.date_hour, s.scope_type, s.scope_id",
            )->fetch_all(MYSQLI_ASSOC);
            return $rows;
        };
        $php = $read('compare_php');
        $native = $read('compare_native');
        $agreement->same('any snapshots', true, $php !== []);
        $agreement->same('snapshots', count($php), count($native));
        foreach (array_slice($php, 0, count($native)) as $place => $row) {
            $other = $native[$place];
            $hour = "model {$row['model_id']} hour {$row['date_hour']}";
            foreach (['model_id', 'date_hour', 'scope_type', 'scope_id', 'credits', 'credited', 'positions'] as $name) {
                $agreement->same("{$hour} {$name}", $row[$name], $other[$name]);
            }
            $agreement->hour($hour, $row, $other);
            // PHP rounds credits one by one, so theirs may be off by half a unit for each.
            $off = 0.000_01 * (int) $row['credits'];
            $agreement->near("{$hour} credit", (float) $row['credit'], (float) $other['credit'], $off);
            $agreement->near("{$hour} credit's rows", (float) $row['credited'], (float) $other['credit'], 1e-9);
            foreach (['by_conversion', 'by_click'] as $name) {
                $near = 1e-4 * (float) $row[$name];
                $agreement->near("{$hour} {$name}", (float) $row[$name], (float) $other[$name], $near);
            }
        }
        return $agreement->disagreements();
    }

    /**
     * Measures the first time of both sides, as a request meets it (what is hot is compiled, the data is new,
     * and PHP's collector of cycles is as a request has it), and the best of many.
     *
     * @param Closure(list<array<string, mixed>>): array{Closure(): array<mixed>, Closure(): array<mixed>} $sides
     *     PHP's and the extension's calculation of some conversions
     * @param Closure(array<mixed>, array<mixed>, list<array<string, mixed>>): list<string> $check
     */
    private function measure(string $name, ?float $target, Closure $sides, Closure $check): Measured
    {
        [$php, $native] = $sides(MadeUpData::conversions(self::WARM_UP_CONVERSIONS, self::TOUCHES));
        for ($run = 0; $run < self::WARM_UP_RUNS; $run++) {
            $php();
            $native();
        }
        $conversions = MadeUpData::conversions($this->conversions, self::TOUCHES);
        [$php, $native] = $sides($conversions);
        // Whoever is first has to get memory of the system, so both are first in turns.
        $order = $this->nativeFirst ? ['native' => $native, 'php' => $php] : ['php' => $php, 'native' => $native];
        $first = $best = [];
        foreach ($order as $side => $call) {
            $first[$side] = self::time($call);
        }
        for ($run = 0; $run < $this->runs; $run++) {
            foreach ($order as $side => $call) {
                $best[$side] = min($best[$side] ?? INF, self::time($call));
            }
        }
        return new Measured(
            $name,
            $best['php'] ?? null,
            $best['native'] ?? null,
            $first['php'],
            $first['native'],
            $target,
            $check($php(), $native(), $conversions),
        );
    }

    /**
     * @param Closure(): array<mixed> $php
     * @param Closure(): array<mixed> $native
     * @param Closure(): list<string> $check
     * @param Closure(): mixed $before what comes before each run of both
     */
    private function measureRebuild(
        string $name,
        ?float $target,
        Closure $php,
        Closure $native,
        Closure $check,
        int $runs,
        Closure $before,
    ): Measured {
        $bestPhp = $bestNative = INF;
        $disagreements = [];
        for ($run = 0; $run < $runs; $run++) {
            $before();
            $bestPhp = min($bestPhp, self::time($php));
            $bestNative = min($bestNative, self::time($native));
            $disagreements = $disagreements ?: $check();
        }
        return new Measured($name, $bestPhp, $bestNative, null, null, $target, $disagreements);
    }

    /**
     * How many milliseconds a call takes, freeing what it gives not counted.
     *
     * @param Closure(): array<mixed> $call
     */
    private static function time(Closure $call): float
    {
        $start = hrtime(true);
        $result = $call();
        $end = hrtime(true);
        unset($result);
        return ($end - $start) / 1e6;
    }

    /**
     * A column's numbers, whether it is an array or a string of numbers of whatever width.
     *
     * @param list<int|float>|string $column
     * @return list<int|float>
     */
    private static function numbers(array|string $column, int $count, bool $floats = false): array
    {
        if (is_array($column)) {
            return $column;
        }
        $width = $count > 0 ? intdiv(strlen($column), $count) : 0;
        $format = match ($width) {
            1 => 'C*',
            2 => 'S*',
            4 => 'L*',
            8 => $floats ? 'd*' : 'q*',
            default => null,
        };
        return $format === null ? [] : array_values((array) unpack($format, $column));
    }

    /**
     * @param array<string, mixed> $columns
     * @return list<array<string, mixed>>
     */
    private static function snapshotRows(array $columns, int $count): array
    {
        $hours = self::numbers($columns['date_hours'], $count);
        $clicks = self::numbers($columns['attributed_clicks'], $count);
        $conversions = self::numbers($columns['attributed_conversions'], $count);
        $credited = self::numbers($columns['credited_units'], $count);
        $revenue = self::numbers($columns['revenue_units'], $count);
        $cost = self::numbers($columns['cost_units'], $count);
        $rows = [];
        foreach ($hours as $place => $hour) {
            $rows[] = [
                // Global ones were asked for, and how a column says so is not what is measured here.
                'scope_type' => 'global',
                'scope_id' => null,
                'date_hour' => $hour,
                'attributed_clicks' => $clicks[$place],
                'attributed_conversions' => $conversions[$place],
                'attributed_revenue' => $revenue[$place] / 1e5,
                'attributed_cost' => $cost[$place] / 1e5,
                'credited_conversions' => $credited[$place] / 1e5,
            ];
        }
        return $rows;
    }

    /**
     * @param array<string, mixed> $columns
     * @param list<array<string, mixed>> $conversions
     * @return list<array<string, mixed>>
     */
    private static function touchpointRows(array $columns, int $count, array $conversions): array
    {
        if ($count === 0) {
            return [];
        }
        $places = self::numbers($columns['conversions'], $count);
        $clickIds = self::numbers($columns['click_ids'], $count);
        $positions = self::numbers($columns['positions'], $count);
        $credits = self::numbers($columns['credits'], $count, true);
        $stored = self::numbers($columns['stored_credit_units'], $count);
        $revenue = self::numbers($columns['revenue_units'], $count);
        $cost = self::numbers($columns['cost_units'], $count);
        $rows = [];
        foreach ($places as $place => $number) {
            $time = $conversions[$number]['conv_time'];
            $rows[] = [
                'conv_id' => $conversions[$number]['conv_id'],
                'date_hour' => $time - $time % 3600,
                'click_id' => $clickIds[$place],
                'position' => $positions[$place],
                'credit' => $credits[$place],
                'weight' => $credits[$place],
                'stored_credit' => $stored[$place] / 1e5,
                'revenue' => $revenue[$place] / 1e5,
                'cost' => $cost[$place] / 1e5,
            ];
        }
        return $rows;
    }
}
