--TEST--
max_execution_time ends a calculation that is long by itself, in good time
--EXTENSIONS--
attribution
--SKIPIF--
<?php
if (getenv('SKIP_SLOW_TESTS')) {
    die('skip slow');
}
?>
--INI--
memory_limit=1G
--FILE--
<?php
// Half a million conversions of three touches under 600 models: many seconds of work on few columns.
$count = 500000;
$columns = [
    'conversion_ids' => pack('Q*', ...range(1, $count)),
    'converting_click_ids' => str_repeat(pack('Q', 3), $count),
    'conversion_times' => str_repeat(pack('L', 7200), $count),
    'payout_units' => str_repeat(pack('q', 7), $count),
    'cost_units' => str_repeat(pack('q', 0), $count),
    'offsets' => pack('Q*', ...range(0, 3 * $count, 3)),
    'click_ids' => str_repeat(pack('Q*', 1, 2, 3), $count),
    'click_times' => str_repeat(pack('L*', 10, 20, 30), $count),
];
$models = array_map(static fn (int $hours): array => ['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => $hours]], range(1, 600));
register_shutdown_function(static function () use (&$start): void {
    $seconds = hrtime(true) / 1e9 - $start;
    echo $seconds < 5 ? "in good time\n" : sprintf("after %.1f s\n", $seconds);
});
$start = hrtime(true) / 1e9;
set_time_limit(1);
attribution_calculate_columns($models, $columns, ['touchpoints' => false]);
echo "not reached\n";
?>
--EXPECTF--
Fatal error: Maximum execution time of 1 second exceeded in %s on line %d
in good time
