--TEST--
A signal's handler that frees what a long call was given does it no harm
--EXTENSIONS--
attribution
pcntl
--INI--
memory_limit=512M
--FILE--
<?php
$conversions = 60000;
$touches = 10;
$ids = $times = '';
for ($touch = 0; $touch < $touches; $touch++) {
    $ids .= pack('Q', $touch + 1);
    $times .= pack('L', 1700000000 + $touch * 3601);
}
$clickTimes = str_repeat($times, $conversions);
$columns = [
    'conversion_ids' => pack('Q*', ...range(1, $conversions)),
    'converting_click_ids' => str_repeat(pack('Q', $touches), $conversions),
    'conversion_times' => str_repeat(pack('L', 1717400000), $conversions),
    'payout_units' => str_repeat(pack('q', 1234567), $conversions),
    'cost_units' => str_repeat(pack('q', 5), $conversions),
    'offsets' => pack('Q*', ...range(0, $conversions * $touches, $touches)),
    'click_ids' => str_repeat($ids, $conversions),
    'click_times' => &$clickTimes,
];
$model = ['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 3]];
$options = ['touchpoints' => false, 'threads' => 1];
$expected = attribution_calculate_columns([$model], $columns, $options)[0];
pcntl_async_signals(true);
$ran = 0;
pcntl_signal(SIGALRM, function () use (&$clickTimes, &$ran): void {
    $clickTimes = null;
    $ran++;
});
pcntl_alarm(1);
$results = attribution_calculate_columns(array_fill(0, 500, $model), $columns, $options);
var_dump($ran, count($results), count(array_filter($results, fn (array $result): bool => $result !== $expected)));
?>
--EXPECT--
int(1)
int(500)
int(0)
