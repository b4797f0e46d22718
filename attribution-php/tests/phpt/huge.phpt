--TEST--
More rows than the memory allows, and long journeys
--EXTENSIONS--
attribution
--INI--
attribution.memory_limit=32M
memory_limit=1G
--FILE--
<?php
require __DIR__ . '/common.inc';
$linear = ['type' => 'linear'];
echo "rows\n";
// A million conversions that are one for PHP.
told_field(static fn () => attribution_calculate($linear, array_fill(0, 1000000, conversion())));
told_field(static fn () => attribution_journeys(array_fill(0, 2000000, ['click_id' => 1, 'click_time' => 1]), []));
told_field(static fn () => attribution_calculate_columns([$linear], ['click_ids' => range(1, 5000000)] + columns()));
$resident = static function (): int {
    preg_match('/^VmHWM:\s+(\d+) kB/m', (string) @file_get_contents('/proc/self/status'), $found);

    return (int) ($found[1] ?? 0);
};
echo "one journey\n";
$journey = [];
foreach (range(1, 65535) as $id) {
    $journey[] = ['click_id' => $id + 100, 'click_time' => $id];
}
$result = attribution_calculate($linear, [conversion(['journey' => $journey, 'payout' => 65536])], ['touchpoints' => false]);
show($result['snapshots']);
$journey[] = ['click_id' => 70000, 'click_time' => 1];
told(static fn () => attribution_calculate($linear, [conversion(['journey' => $journey])]));
echo "many of them\n";
array_pop($journey);
$before = $resident();
told_field(static fn () => attribution_calculate($linear, array_fill(0, 400, conversion(['journey' => $journey]))));
// The cap and room for what was read before it was noticed.
var_dump($resident() - $before < 96 * 1024);
echo "an empty calculation goes on\n";
var_dump(attribution_calculate($linear, []) === ['snapshots' => [], 'touchpoints' => []]);
?>
--EXPECT--
rows
LimitException conversions
LimitException clicks
LimitException click_ids
one journey
global null 1717232400 65536 1 65536.00000 1.00000 1.00000
InvalidInputException conversions[0].journey: found 65537 touches, allowed: at most 65536
many of them
LimitException conversions
bool(true)
an empty calculation goes on
bool(true)
