--TEST--
The setting attribution.memory_limit caps native memory, and a script cannot lift it
--EXTENSIONS--
attribution
--INI--
attribution.memory_limit=4M
memory_limit=1G
--FILE--
<?php
require __DIR__ . '/common.inc';
var_dump(ini_get('attribution.memory_limit'), ini_set('attribution.memory_limit', '-1'), ini_get('attribution.memory_limit'));
$linear = ['type' => 'linear'];
var_dump(count(attribution_calculate($linear, array_fill(0, 1000, conversion()))['touchpoints']));
$rows = array_fill(0, 100000, conversion());
$engine = new Attribution\Engine();
$model = new Attribution\Model($linear);
$clicks = array_map(static fn (int $id): array => ['click_id' => $id, 'click_time' => $id], range(1, 200000));
$integers = range(1, 600000);
$columns = ['conversion_ids' => $integers] + columns();
foreach ([
    static fn () => attribution_calculate($linear, $rows),
    static fn () => $engine->calculate($model, $rows),
    static fn () => attribution_calculate_columns([$linear], $columns),
    static fn () => $engine->calculateColumns([$model], $columns),
    static fn () => attribution_journeys($clicks, []),
    static fn () => attribution_journeys([], $rows),
] as $call) {
    told($call);
}
// Many models make much of few touches.
$wide = static fn (array $options) => attribution_calculate_columns(array_fill(0, 500, $linear), [
    'conversion_ids' => range(1, 1000), 'converting_click_ids' => range(1, 1000), 'conversion_times' => range(1, 1000),
    'payout_units' => range(1, 1000), 'cost_units' => range(1, 1000), 'offsets' => range(0, 1000),
    'click_ids' => range(1, 1000), 'click_times' => range(1, 1000),
], $options);
told(static fn () => $wide([]));
var_dump(count($wide(['touchpoints' => false])));
// What failed left nothing behind.
var_dump(count(attribution_calculate($linear, array_fill(0, 1000, conversion()))['touchpoints']));
?>
--EXPECTF--
string(2) "4M"
bool(false)
string(2) "4M"
int(3000)
LimitException conversions: found a need of %d MiB of native memory, allowed: 4 MiB, the setting attribution.memory_limit
LimitException conversions: found a need of %d MiB of native memory, allowed: 4 MiB, the setting attribution.memory_limit
LimitException conversion_ids: found a need of 5 MiB of native memory, allowed: 4 MiB, the setting attribution.memory_limit
LimitException conversion_ids: found a need of 5 MiB of native memory, allowed: 4 MiB, the setting attribution.memory_limit
LimitException clicks: found a need of %d MiB of native memory, allowed: 4 MiB, the setting attribution.memory_limit
LimitException conversions: found a need of %d MiB of native memory, allowed: 4 MiB, the setting attribution.memory_limit
LimitException columns: found a need of %d MiB of native memory, allowed: 4 MiB, the setting attribution.memory_limit
int(500)
int(3000)
