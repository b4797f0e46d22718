<?php

declare(strict_types=1);

/*
 * The worked cases of tests/vectors through the extension: the vectors' numbers, and for vectors/small the same bytes
 * as the command writes.
 *
 *     php -d extension=PATH tests/php/vectors.php COMMAND
 *
 * The last line tells how many passed and failed; exit status 1 where any failed.
 */

const VECTORS = __DIR__ . '/../vectors';
const SMALL_MODELS = [
    'assisted' => [],
    'first_touch' => [],
    'last_touch' => [],
    'linear' => [],
    'position_based' => ['first_touch_weight' => 0.4, 'last_touch_weight' => 0.4],
    'time_decay' => ['half_life_hours' => 48],
];
const SMALL_SCOPES = ['global', 'campaign', 'account', 'landing_page'];

final class Tally
{
    public int $passed = 0;
    public int $failed = 0;

    public function equal(mixed $found, mixed $expected, string $what): void
    {
        if ($found === $expected) {
            $this->passed++;
            return;
        }
        $this->failed++;
        $shown = fn (mixed $value): string => substr((string) json_encode($value), 0, 400);
        echo "failed: $what: found {$shown($found)}, expected {$shown($expected)}\n";
    }
}

/** @return list<array<string, mixed>> */
function read_json(string $file): array
{
    return json_decode((string) file_get_contents(VECTORS . "/$file"), true, 512, JSON_THROW_ON_ERROR);
}

/**
 * The rows of a CSV file; empty fields are left out.
 *
 * @return list<array<string, string>>
 */
function read_csv(string $path): array
{
    $lines = explode("\n", trim((string) file_get_contents($path)));
    $names = str_getcsv(array_shift($lines), ',', '"', '');
    $row = fn (string $line): array => array_filter(
        array_combine($names, str_getcsv($line, ',', '"', '')),
        fn (string $field): bool => $field !== '',
    );
    return array_map($row, $lines);
}

/**
 * The same conversions as columns: packed arrays, and binary strings.
 *
 * @param list<array<string, mixed>> $conversions with their journeys in order
 * @return array{array<string, list<int>>, array<string, string>}
 */
function columns_of(array $conversions): array
{
    $units = fn (mixed $amount): int => (int) str_replace('.', '', (string) $amount);
    $columns = ['conversion_ids' => [], 'converting_click_ids' => [], 'conversion_times' => [], 'payout_units' => [],
        'cost_units' => [], 'offsets' => [0], 'click_ids' => [], 'click_times' => [], 'campaign_ids' => [],
        'account_ids' => [], 'landing_page_ids' => []];
    foreach ($conversions as $conversion) {
        $columns['conversion_ids'][] = $conversion['conv_id'];
        $columns['converting_click_ids'][] = $conversion['click_id'];
        $columns['conversion_times'][] = $conversion['conv_time'];
        $columns['payout_units'][] = $units($conversion['payout']);
        $columns['cost_units'][] = $units($conversion['cost']);
        foreach ($conversion['journey'] as $touch) {
            $columns['click_ids'][] = $touch['click_id'];
            $columns['click_times'][] = $touch['click_time'];
            $columns['campaign_ids'][] = $touch['campaign_id'] ?? 0;
            $columns['account_ids'][] = $touch['ppc_account_id'] ?? 0;
            $columns['landing_page_ids'][] = $touch['landing_page_id'] ?? 0;
        }
        $columns['offsets'][] = count($columns['click_ids']);
    }
    $binary = [];
    foreach ($columns as $name => $numbers) {
        $format = str_ends_with($name, '_times') ? 'L*' : (str_ends_with($name, '_units') ? 'q*' : 'Q*');
        $binary[$name] = pack($format, ...$numbers);
    }
    return [$columns, $binary];
}

function decimal(int $units): string
{
    return sprintf('%s%d.%05d', $units < 0 ? '-' : '', intdiv(abs($units), 100_000), abs($units) % 100_000);
}

/** @param list<list<mixed>> $rows */
function csv(string $header, array $rows): string
{
    return $header . "\n" . implode('', array_map(fn (array $row): string => implode(',', $row) . "\n", $rows));
}

function credits(Tally $tally): void
{
    foreach (read_json('credits.json') as $case) {
        $conversion = $case['conversion'] + ['journey' => $case['journey']];
        $result = attribution_calculate($case['model'], [$conversion]);
        $found = array_map(fn (array $row): array => [
            'click_id' => $row['click_id'],
            'position' => $row['position'],
            'credit' => $row['credit'],
            'stored_credit' => $row['stored_credit'],
            'revenue' => $row['revenue'],
            'cost' => $row['cost'],
        ], $result['touchpoints']);
        // JSON has 1.0 as 1.
        $expected = array_map(fn (array $row): array => ['credit' => (float) $row['credit']] + $row, $case['credits']);
        $expected = array_map(fn (array $row): array => array_replace(array_flip(array_keys($found[0])), $row), $expected);
        $tally->equal($found, $expected, $case['name']);
        shuffle($conversion['journey']);
        $again = attribution_calculate($case['model'], [$conversion]);
        $tally->equal($again === $result, true, "{$case['name']}, shuffled");
    }
}

function journeys(Tally $tally): void
{
    foreach (read_json('journeys.json') as $case) {
        $options = ['journey_key' => $case['options']['journey']] + array_filter([
            'lookback' => $case['options']['lookback_seconds'] ?? null,
            'max_touches' => $case['options']['max_touches'] ?? null,
        ]);
        $conversions = attribution_journeys($case['clicks'], [$case['conversion'] + ['payout' => 0]], $options);
        $tally->equal(array_column($conversions[0]['journey'], 'click_id'), $case['journey'], $case['name']);
    }
}

function small(Tally $tally, string $command): void
{
    $conversions = attribution_journeys(
        read_csv(VECTORS . '/small/clicks.csv'),
        read_csv(VECTORS . '/small/conversions.csv'),
    );
    $results = [];
    $models = [];
    foreach (SMALL_MODELS as $kind => $config) {
        $models[] = $model = ['type' => $kind, 'weighting_config' => $config];
        $results[$kind] = attribution_calculate($model, $conversions, ['scopes' => SMALL_SCOPES]);
    }
    $snapshots = $touchpoints = [];
    foreach ($results as $name => $result) {
        foreach ($result['snapshots'] as $row) {
            $snapshots[] = [$name, $row['scope_type'], $row['scope_id'] ?? '', $row['date_hour'],
                $row['attributed_clicks'], $row['attributed_conversions'], $row['attributed_revenue'],
                $row['attributed_cost']];
        }
        foreach ($result['touchpoints'] as $row) {
            $touchpoints[] = [$name, $row['conv_id'], $row['click_id'], $row['position'], $row['stored_credit'],
                $row['revenue'], $row['cost']];
        }
    }
    $folder = sys_get_temp_dir() . '/attribution-' . bin2hex(random_bytes(6));
    $arguments = ['run', '--clicks', VECTORS . '/small/clicks.csv', '--conversions',
        VECTORS . '/small/conversions.csv', '--scopes', implode(',', SMALL_SCOPES), '--export', 'csv', '--out', $folder];
    foreach (SMALL_MODELS as $kind => $config) {
        $pairs = array_map(fn (string $key, mixed $value): string => "$key=$value", array_keys($config), $config);
        array_push($arguments, '--model', $kind . ($pairs === [] ? '' : ':' . implode(',', $pairs)));
    }
    exec(escapeshellarg($command) . ' ' . implode(' ', array_map('escapeshellarg', $arguments)) . ' 2>&1', $said, $status);
    $tally->equal($status, 0, 'the command: ' . implode("\n", $said));
    $header = 'model,scope_type,scope_id,date_hour,attributed_clicks,attributed_conversions,attributed_revenue,'
        . 'attributed_cost';
    $files = [
        'snapshots.csv' => csv($header, $snapshots),
        'touchpoints.csv' => csv('model,conv_id,click_id,position,credit,revenue,cost', $touchpoints),
    ];
    foreach ($files as $file => $text) {
        $tally->equal(md5($text), md5_file(VECTORS . "/small/expected/$file"), "small: $file, expected");
        $tally->equal(md5($text), md5_file("$folder/$file"), "small: $file, the command's");
    }
    $exported = attribution_export($results, "$folder/php.csv", 'csv');
    $tally->equal($exported, count($snapshots), 'small: rows exported');
    $tally->equal(md5_file("$folder/php.csv"), md5_file("$folder/export.csv"), 'small: export.csv');
    array_map('unlink', glob("$folder/*") ?: []);
    rmdir($folder);
    same_as_columns($tally, $models, $conversions, array_values($results));
}

/**
 * Columns of both kinds, in and out, give what rows give.
 *
 * @param list<array<string, mixed>> $models
 * @param list<array<string, mixed>> $conversions
 * @param list<array<string, mixed>> $results
 */
function same_as_columns(Tally $tally, array $models, array $conversions, array $results): void
{
    $formats = ['scope_ids' => 'Q*', 'date_hours' => 'Q*', 'attributed_clicks' => 'Q*', 'attributed_conversions' => 'Q*',
        'credited_units' => 'Q*', 'revenue_units' => 'q*', 'cost_units' => 'q*', 'conversions' => 'L*',
        'click_ids' => 'Q*', 'positions' => 'L*', 'credits' => 'd*', 'stored_credit_units' => 'L*'];
    foreach (columns_of($conversions) as $columns) {
        foreach ([false, true] as $binary) {
            $options = ['scopes' => SMALL_SCOPES, 'binary' => $binary];
            foreach (attribution_calculate_columns($models, $columns, $options) as $place => $found) {
                foreach ($found as &$group) {
                    foreach ($group as $name => &$column) {
                        $column = is_string($column) ? array_values(unpack($formats[$name], $column)) : $column;
                    }
                    unset($column);
                }
                unset($group);
                ['snapshots' => $snapshots, 'touchpoints' => $touchpoints] = $found;
                $rows = [];
                foreach ($snapshots['scope_types'] as $row => $type) {
                    $rows[] = [
                        'scope_type' => $type,
                        'scope_id' => $snapshots['scope_ids'][$row] ?: null,
                        'date_hour' => $snapshots['date_hours'][$row],
                        'attributed_clicks' => $snapshots['attributed_clicks'][$row],
                        'attributed_conversions' => $snapshots['attributed_conversions'][$row],
                        'attributed_revenue' => decimal($snapshots['revenue_units'][$row]),
                        'attributed_cost' => decimal($snapshots['cost_units'][$row]),
                        'credited_conversions' => decimal($snapshots['credited_units'][$row]),
                    ];
                }
                $kind = $models[$place]['type'] . ', ' . gettype(reset($columns)) . ($binary ? ', binary' : '');
                $tally->equal($rows === $results[$place]['snapshots'], true, "small as columns: snapshots, $kind");
                $rows = [];
                foreach ($touchpoints['conversions'] as $row => $conversion) {
                    $rows[] = [
                        'conv_id' => $conversions[$conversion]['conv_id'],
                        'date_hour' => $conversions[$conversion]['conv_time'] - $conversions[$conversion]['conv_time'] % 3600,
                        'click_id' => $touchpoints['click_ids'][$row],
                        'position' => $touchpoints['positions'][$row],
                        'credit' => $touchpoints['credits'][$row],
                        'weight' => $touchpoints['credits'][$row],
                        'stored_credit' => decimal($touchpoints['stored_credit_units'][$row]),
                        'revenue' => decimal($touchpoints['revenue_units'][$row]),
                        'cost' => decimal($touchpoints['cost_units'][$row]),
                    ];
                }
                $tally->equal($rows === $results[$place]['touchpoints'], true, "small as columns: touchpoints, $kind");
            }
        }
    }
}

$command = $argv[1] ?? null;
if ($command === null) {
    fwrite(STDERR, "usage: php -d extension=PATH tests/php/vectors.php COMMAND\n");
    exit(2);
}
$tally = new Tally();
credits($tally);
journeys($tally);
small($tally, $command);
echo "{$tally->passed} passed, {$tally->failed} failed\n";
exit($tally->failed === 0 ? 0 : 1);
