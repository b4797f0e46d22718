--TEST--
attribution_calculate_columns() refuses columns by their names and rows
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$models = [['type' => 'linear']];
$calculate = static fn (array $columns, array $options = []) => attribution_calculate_columns($models, $columns + columns(), $options);
echo "missing\n";
foreach (array_keys(columns()) as $name) {
    $columns = columns();
    unset($columns[$name]);
    told_field(static fn () => attribution_calculate_columns($models, $columns));
}
told(static fn () => $calculate([], ['scopes' => 'account']));
echo "types\n";
told(static fn () => $calculate(['click_ids' => 5]));
told(static fn () => $calculate(['click_ids' => new ArrayObject([10, 11, 12])]));
told(static fn () => $calculate(['click_ids' => null]));
told(static fn () => $calculate(['campaign_ids' => true]));
told(static fn () => $calculate(['payouts' => 1.5]));
echo "entries\n";
foreach ([
    ['conversion_ids' => [-1]],
    ['conversion_ids' => [null]],
    ['conversion_times' => [4294967296]],
    ['conversion_times' => [1.0]],
    ['click_ids' => [10, '11x', 12]],
    ['click_ids' => [10, 11, [12]]],
    ['click_times' => [5, 6, '']],
    ['payouts' => [NAN]],
    ['payouts' => [true]],
    ['costs' => ['-0.00001']],
    ['costs' => [null]],
    ['offsets' => [0, -3]],
    ['offsets' => [0, 3.0]],
    ['campaign_ids' => [1, 2, -3]],
] as $columns) {
    told_field(static fn () => $calculate($columns));
}
echo "lists\n";
foreach ([
    ['conversion_ids' => [1 => 1]],
    ['payouts' => ['x' => 1]],
    ['click_ids' => [0 => 10, 2 => 12, 1 => 11]],
] as $columns) {
    told(static fn () => $calculate($columns));
}
echo "the two of a pair\n";
told(static fn () => $calculate(['payout_units' => [5]]));
$columns = columns();
unset($columns['payouts']);
told(static fn () => attribution_calculate_columns($models, ['payout_units' => [1.5]] + $columns));
told(static fn () => attribution_calculate_columns($models, ['payout_units' => ['5']] + $columns));
echo "shapes\n";
told(static fn () => $calculate(['colour' => [1]]));
told(static fn () => $calculate([5]));
told(static fn () => $calculate(['payouts' => [1, 2]]));
told(static fn () => $calculate(['click_times' => [5]]));
told(static fn () => $calculate(['campaign_ids' => [5]]));
told(static fn () => $calculate(['offsets' => [0]]));
told(static fn () => $calculate(['offsets' => [1, 3]]));
told(static fn () => $calculate(['offsets' => [0, 2]]));
told(static fn () => $calculate(['offsets' => [0, 0]]));
told(static fn () => $calculate(['click_times' => [5, 7, 6]]));
told(static fn () => $calculate(['click_ids' => [12, 11, 12]]));
told(static fn () => $calculate(['converting_click_ids' => [13]]));
echo "models\n";
told_field(static fn () => attribution_calculate_columns(['a' => ['type' => 'linear']], columns()));
told_field(static fn () => attribution_calculate_columns([['type' => 'linear'], 'linear'], columns()));
told_field(static fn () => attribution_calculate_columns([['type' => 'linear'], ['type' => 'x']], columns()));
told_field(static fn () => attribution_calculate_columns([['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 0]]], columns()));
told_field(static fn () => attribution_calculate_columns([new Attribution\Model(['type' => 'linear'])], columns()));
echo "options\n";
told(static fn () => $calculate([], ['binary' => 'yes']));
told(static fn () => $calculate([], ['colour' => 'red']));
?>
--EXPECT--
missing
InvalidInputException conversion_ids
InvalidInputException converting_click_ids
InvalidInputException conversion_times
InvalidInputException payouts
InvalidInputException costs
InvalidInputException offsets
InvalidInputException click_ids
InvalidInputException click_times
InvalidInputException account_ids: found no such column, allowed: a column for each scope asked for
types
InvalidInputException click_ids: found 5, allowed: a list or a binary string
InvalidInputException click_ids: found an object of the class ArrayObject, allowed: a list or a binary string
InvalidInputException click_ids: found no such column, allowed: a list or a binary string
InvalidInputException campaign_ids: found true, allowed: a list or a binary string
InvalidInputException payouts: found 1.5, allowed: a list or a binary string
entries
InvalidInputException conversion_ids[0]
InvalidInputException conversion_ids[0]
InvalidInputException conversion_times[0]
InvalidInputException conversion_times[0]
InvalidInputException click_ids[1]
InvalidInputException click_ids[2]
InvalidInputException click_times[2]
InvalidInputException payouts[0]
InvalidInputException payouts[0]
InvalidInputException costs[0]
InvalidInputException costs[0]
InvalidInputException offsets[1]
InvalidInputException offsets[1]
InvalidInputException campaign_ids[2]
lists
InvalidInputException conversion_ids: found the key 1 out of place, allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
InvalidInputException payouts: found the key "x", allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
InvalidInputException click_ids: found the key 2 out of place, allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
the two of a pair
InvalidInputException payouts: found payouts and payout_units, allowed: one of the two
InvalidInputException payout_units[0]: found 1.5, allowed: a whole number, a count of 0.00001
InvalidInputException payout_units[0]: found "5", allowed: a whole number, a count of 0.00001
shapes
InvalidInputException columns: found an unknown key "colour", allowed: conversion_ids, converting_click_ids, conversion_times, payouts, payout_units, costs, cost_units, offsets, click_ids, click_times, campaign_ids, account_ids, landing_page_ids, advertiser_ids, traffic_source_ids, adgroup_ids
InvalidInputException columns: found an unknown key 0, allowed: conversion_ids, converting_click_ids, conversion_times, payouts, payout_units, costs, cost_units, offsets, click_ids, click_times, campaign_ids, account_ids, landing_page_ids, advertiser_ids, traffic_source_ids, adgroup_ids
InvalidInputException payouts: found 2 entries, allowed: 1, one for each of conversion_ids
InvalidInputException click_times: found 1 entries, allowed: 3, one for each of click_ids
InvalidInputException campaign_ids: found 1 entries, allowed: 3, one for each of click_ids
InvalidInputException offsets: found 1 entries, allowed: 2, one more than conversion_ids
InvalidInputException offsets[0]: found 1, allowed: 0
InvalidInputException offsets[1]: found 2 at the end, allowed: 3, the number of click_ids
InvalidInputException offsets[1]: found 0 after 0, allowed: a higher offset: no journey is empty
offsets[1]: found 0 at the end, allowed: 3, the number of click_ids
InvalidInputException click_times[2]: found click 12 at 6 out of order, allowed: each journey ordered by (click time, click id)
InvalidInputException click_ids[0..3]: found click 12 twice in one journey, allowed: each click once
InvalidInputException converting_click_ids[0]: found click 13, which its journey lacks, allowed: one of the journey's click ids
models
InvalidInputException models
InvalidInputException models[1]
InvalidModelException models[1].type
InvalidModelException models[0].half_life_hours
InvalidInputException models[0]
options
InvalidInputException options.binary: found "yes", allowed: true or false
InvalidInputException options: found an unknown key "colour", allowed: scopes, touchpoints, threads, binary
