--TEST--
12,400 calls, good and bad, leave no memory behind
--EXTENSIONS--
attribution
--INI--
memory_limit=512M
--FILE--
<?php
require __DIR__ . '/common.inc';
$linear = ['type' => 'linear'];
$path = __DIR__ . '/leaks.csv';
$click = ['click_id' => 1, 'click_time' => 5, 'visitor_id' => 'someone', 'campaign_id' => 3];
$binary = [];
foreach (['conversion_ids' => 'Q', 'converting_click_ids' => 'Q', 'conversion_times' => 'L', 'payouts' => 'd', 'costs' => 'd', 'offsets' => 'Q', 'click_ids' => 'Q', 'click_times' => 'L'] as $name => $type) {
    $binary[$name] = pack("$type*", ...columns()[$name]);
}
$engine = new Attribution\Engine(['scopes' => 'all', 'threads' => 1]);
$model = Attribution\Model::fromSpec('Mine=time_decay:half_life_hours=48');
$nowhere = 'mysql://user:password@127.0.0.1:1/database';
$calls = [
    static fn () => attribution_version(),
    static fn () => attribution_validate_model(['type' => 'time_decay', 'weighting_config' => '{"half_life_hours": 48}', 'slug' => 's', 'model_id' => '18446744073709551615']),
    static fn () => attribution_calculate($linear, [conversion(['campaign_id' => 3]), conversion(['conv_id' => '18446744073709551615'])], ['scopes' => 'all']),
    static fn () => attribution_calculate($linear, [], ['scopes' => ['global', Attribution\ScopeType::Campaign], 'touchpoints' => false]),
    static fn () => attribution_calculate_columns([$linear, ['type' => 'assisted']], columns()),
    static fn () => attribution_calculate_columns([$linear], $binary, ['binary' => true]),
    static fn () => attribution_journeys([$click, ['click_id' => 2] + $click], [['conv_id' => 1, 'click_id' => 2, 'conv_time' => 9, 'payout' => '1.5']]),
    static fn () => attribution_export(attribution_calculate($linear, [conversion()]), $path, 'csv'),
    static fn () => json_encode([$model, $model->kind, $model->name, $model->weightingConfig, $model->toArray(), clone $model]),
    static function () use ($engine, $model): void {
        $result = $engine->calculate($model, [conversion(['campaign_id' => 3])]);
        count($result);
        foreach ($result as $row) {
            $row['scope_type'] = 'changed';
        }
        json_encode([$result, $result->toArray(), $result->snapshots, $result->touchpoints]);
    },
    static function () use ($model): void {
        $engine = new Attribution\Engine();
        [$columns] = $engine->calculateColumns([$model], columns());
        foreach ($columns as $group) {
            $group['click_ids'] = [];
        }
        json_encode([$columns, $columns->snapshots]);
    },
    static fn () => attribution_validate_model(['type' => 'linear', 'colour' => 'red']),
    static fn () => attribution_validate_model(['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 'many']]),
    static fn () => attribution_calculate($linear, [conversion(), conversion(['journey' => [['click_id' => 1, 'click_time' => NAN]]])]),
    static fn () => attribution_calculate($linear, [conversion(['payout' => str_repeat('x', 1000)])]),
    static fn () => attribution_calculate($linear, [conversion()], ['scopes' => ['global', 'planet']]),
    static fn () => attribution_calculate_columns([$linear], columns(['click_times' => [3, 2, 1]])),
    static fn () => attribution_calculate('linear', []),
    static fn () => attribution_journeys([$click, ['filtered' => 'x'] + $click], []),
    static fn () => attribution_export(['snapshots' => [[]]], $path, 'xlsx'),
    static fn () => $engine->calculateColumns([$model, $engine], columns()),
    static fn () => new Attribution\Engine(['colour' => 'red']),
    static fn () => new Attribution\Model(['type' => 'x']),
    static fn () => attribution_check('http://user:password@host/database'),
    static fn () => attribution_rebuild($nowhere, ['progress' => 5]),
    static fn () => attribution_compare($nowhere, ['user' => 1, 'models' => ['linear', 'x' => 5]]),
    static fn () => attribution_export_schedule($nowhere, ['user' => 1, 'model' => 'm', 'webhook_url' => 'https://example.com/', 'webhook_secret' => 's',
        'webhook_headers' => ['X-One' => '1', 'Host' => 'h'], 'allow_networks' => ['10.0.0.0/8']]),
    static fn () => attribution_export_run($nowhere, ['directory' => '/no/such/folder', 'root_certificates' => 'x', 'allow_networks' => ['fc00::/7']]),
    static fn () => attribution_purge($nowhere, ['user' => 1, 'target' => 'clicks', 'ids' => ['18446744073709551615', 1, -1]]),
    static fn () => attribution_purge($nowhere, ['user' => 1, 'target' => 'age', 'limits' => ['audit' => '90d', 'credits' => 'x']]),
    static fn () => attribution_snapshots($nowhere, ['user' => 1, 'model' => 'm', 'start' => 0, 'end' => 1, 'cache' => ['server' => 'redis://127.0.0.1:1', 'expiry' => '2d']]),
];
$failed = 0;
$run = static function (int $times) use ($calls, &$failed): void {
    for ($time = 0; $time < $times; $time++) {
        foreach ($calls as $call) {
            try {
                $call();
            } catch (Throwable) {
                $failed++;
            }
        }
    }
};
$resident = static function (): int {
    preg_match('/^VmRSS:\s+(\d+) kB/m', (string) @file_get_contents('/proc/self/status'), $found);

    return (int) ($found[1] ?? 0);
};
$native = static function (): int {
    ob_start();
    (new ReflectionExtension('attribution'))->info();
    preg_match('/^Native memory in use => (\d+) KiB$/m', (string) ob_get_clean(), $found);

    return (int) $found[1];
};
$run(20);
gc_collect_cycles();
$failed = 0;
[$php_before, $native_before, $resident_before] = [memory_get_usage(), $native(), $resident()];
$run(400);
gc_collect_cycles();
[$php_after, $native_after, $resident_after] = [memory_get_usage(), $native(), $resident()];
echo 400 * count($calls), " calls, $failed exceptions\n";
// A string of a few bytes for each call would be more.
echo $php_after - $php_before < 4096 ? "PHP's memory is as before\n" : "PHP's memory: $php_before, $php_after\n";
echo $native_after - $native_before < 64 ? "native memory is as before\n" : "native memory: $native_before KiB, $native_after KiB\n";
echo $resident_after - $resident_before < 2048 ? "resident memory is as before\n" : "resident memory: $resident_before KiB, $resident_after KiB\n";
?>
--CLEAN--
<?php
@unlink(__DIR__ . '/leaks.csv');
?>
--EXPECT--
12400 calls, 8000 exceptions
PHP's memory is as before
native memory is as before
resident memory is as before
