--TEST--
The same input gives the same bytes, whatever the order of rows and the number of threads
--EXTENSIONS--
attribution
--INI--
memory_limit=512M
--FILE--
<?php
require __DIR__ . '/common.inc';
mt_srand(42);
$rows = [];
foreach (range(1, 12000) as $id) {
    $time = HOUR + mt_rand(0, 50 * 3600);
    $journey = [];
    foreach (range(1, mt_rand(1, 9)) as $ignored) {
        $journey[] = ['click_id' => mt_rand(1, 100000), 'click_time' => $time - mt_rand(0, 30 * 86400), 'campaign_id' => mt_rand(0, 20)];
    }
    $rows[] = [
        'conv_id' => $id, 'click_id' => mt_rand(1, 100000), 'conv_time' => $time, 'campaign_id' => mt_rand(1, 20),
        'payout' => sprintf('%d.%05d', mt_rand(-10, 100), mt_rand(0, 99999)), 'cost' => mt_rand(0, 100) / 100, 'journey' => $journey,
    ];
}
$model = ['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 48]];
$calculate = static function (array $rows, int $threads) use ($model): array {
    $result = attribution_calculate($model, $rows, ['scopes' => 'global,campaign', 'threads' => $threads]);
    // Touchpoints come in the order of the rows.
    usort($result['touchpoints'], static fn (array $one, array $other): int => [$one['conv_id'], $one['position']] <=> [$other['conv_id'], $other['position']]);

    return $result;
};
$expected = json_encode($calculate($rows, 1));
echo strlen($expected) > 1000000 ? "large\n" : "small\n";
foreach ([2, 3, 8, 0] as $threads) {
    echo $threads, ' ', json_encode(json_encode($calculate($rows, $threads)) === $expected), "\n";
}
$shuffled = $rows;
shuffle($shuffled);
foreach ($shuffled as &$row) {
    shuffle($row['journey']);
    $row = array_reverse($row, true);
}
unset($row);
foreach ([1, 2, 5] as $threads) {
    echo 'shuffled ', $threads, ' ', json_encode(json_encode($calculate($shuffled, $threads)) === $expected), "\n";
}
$engine = new Attribution\Engine(['scopes' => ['campaign', 'global'], 'threads' => 2]);
$result = $engine->calculate(new Attribution\Model($model), $rows);
$plain = attribution_calculate($model, $rows, ['scopes' => 'global,campaign', 'threads' => 1]);
var_dump($result->snapshots === $plain['snapshots'], $result->touchpoints === $plain['touchpoints']);
// What is split adds up to what there was.
$sum = static fn (array $values): int => array_sum(array_map(static fn (string $value): int => (int) round((float) $value * 100000), $values));
var_dump($sum(array_column($rows, 'payout')) === $sum(array_column($plain['touchpoints'], 'revenue')));
var_dump(array_sum(array_map(static fn (array $row): int => $row['scope_type'] === 'global' ? $row['attributed_conversions'] : 0, $plain['snapshots'])));
?>
--EXPECT--
large
2 true
3 true
8 true
0 true
shuffled 1 true
shuffled 2 true
shuffled 5 true
bool(true)
bool(true)
bool(true)
int(12000)
