<?php

declare(strict_types=1);

/*
 * A little of everything, good and bad, short enough for valgrind: whatever the extension takes of the system it gives
 * back. Exit status 1 where an answer is wrong.
 */

$model = ['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 48]];
$conversions = attribution_journeys(
    [
        ['click_id' => 1, 'click_time' => 1717059600, 'visitor_id' => 'a', 'campaign_id' => 7],
        ['click_id' => 2, 'click_time' => 1717146000, 'visitor_id' => 'a', 'campaign_id' => 7],
        ['click_id' => 3, 'click_time' => 1717232400, 'visitor_id' => 'a', 'campaign_id' => 7, 'cost' => 0.5],
    ],
    [['conv_id' => 1, 'click_id' => 3, 'conv_time' => 1717232400, 'payout' => '35.00']],
);
$columns = [
    'conversion_ids' => [1],
    'converting_click_ids' => [3],
    'conversion_times' => pack('L', 1717232400),
    'payouts' => ['35.00'],
    'cost_units' => pack('q', 50_000),
    'offsets' => [0, 3],
    'click_ids' => pack('Q*', 1, 2, 3),
    'click_times' => [1717059600, 1717146000, 1717232400],
];
$bad = [
    fn () => attribution_calculate(['type' => 'none'], $conversions),
    fn () => attribution_calculate($model, [['conv_id' => new ArrayObject()]]),
    fn () => attribution_calculate($model, [3 => []]),
    fn () => attribution_calculate_columns([$model], ['offsets' => 'odd'] + $columns),
    fn () => attribution_journeys([['click_id' => NAN]], []),
    fn () => attribution_export(['snapshots' => [[]]], '/nowhere/at/all', 'csv'),
    fn () => attribution_check('mysql://nobody@127.0.0.1:1/none'),
    fn () => new Attribution\Model(['type' => 'linear', 'colour' => 'red']),
];
for ($round = 0; $round < 3; $round++) {
    $result = attribution_calculate($model, $conversions, ['scopes' => 'all']);
    $credits = array_column($result['touchpoints'], 'stored_credit');
    if ($credits !== ['0.22654', '0.32038', '0.45308']) {
        exit(1);
    }
    foreach ([false, true] as $binary) {
        attribution_calculate_columns([$model, ['type' => 'linear']], $columns, ['binary' => $binary]);
    }
    $file = tempnam(sys_get_temp_dir(), 'attribution');
    foreach (['csv', 'xlsx', 'jsonl'] as $format) {
        attribution_export(['decay' => $result], $file, $format);
    }
    unlink($file);
    $object = (new Attribution\Engine())->calculate(new Attribution\Model($model), $conversions);
    json_encode([$object, iterator_to_array($object), count($object), $object->toArray()], JSON_THROW_ON_ERROR);
    foreach ($bad as $call) {
        try {
            $call();
            exit(1);
        } catch (Attribution\Exception) {
        }
    }
}
