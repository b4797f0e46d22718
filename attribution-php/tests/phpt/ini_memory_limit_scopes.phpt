--TEST--
The cap holds for totals of many hours and scopes, too
--EXTENSIONS--
attribution
--INI--
memory_limit=512M
attribution.memory_limit=64M
--FILE--
<?php
require __DIR__ . '/common.inc';
$n = 200000;
$ids = pack('Q*', ...range(1, $n));
$columns = [
    'conversion_ids' => $ids,
    'converting_click_ids' => $ids,
    'conversion_times' => pack('L*', ...range(0, ($n - 1) * 3600, 3600)),
    'payout_units' => str_repeat(pack('q', 100), $n),
    'cost_units' => str_repeat(pack('q', 0), $n),
    'offsets' => pack('Q*', ...range(0, $n)),
    'click_ids' => $ids,
    'click_times' => str_repeat(pack('L', 0), $n),
];
foreach (['campaign', 'account', 'landing_page', 'advertiser', 'traffic_source', 'adgroup'] as $dimension) {
    $columns["{$dimension}_ids"] = $ids;
}
$resident = static function (): int {
    preg_match('/^VmHWM:\s+(\d+) kB/m', (string) file_get_contents('/proc/self/status'), $found);

    return (int) ($found[1] ?? 0);
};
$before = $resident();
told_field(static fn () => attribution_calculate_columns(
    array_fill(0, 4, ['type' => 'linear']),
    $columns,
    ['scopes' => 'all', 'touchpoints' => false],
));
// The cap, and what is taken between two looks at it while tables grow; without it these are 4 GiB.
var_dump($resident() - $before < 640 * 1024);
?>
--EXPECT--
LimitException columns
bool(true)
