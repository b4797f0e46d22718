--TEST--
attribution_calculate_columns() with columns as binary strings, in and out
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
const IN = [
    'conversion_ids' => 'Q*', 'converting_click_ids' => 'Q*', 'conversion_times' => 'L*', 'payouts' => 'd*',
    'payout_units' => 'q*', 'costs' => 'd*', 'cost_units' => 'q*', 'offsets' => 'Q*', 'click_ids' => 'Q*',
    'click_times' => 'L*', 'campaign_ids' => 'Q*',
];
const OUT = [
    'scope_ids' => 'Q*', 'date_hours' => 'Q*', 'attributed_clicks' => 'Q*', 'attributed_conversions' => 'Q*',
    'credited_units' => 'Q*', 'revenue_units' => 'q*', 'cost_units' => 'q*',
    'conversions' => 'L*', 'click_ids' => 'Q*', 'positions' => 'L*', 'credits' => 'd*', 'stored_credit_units' => 'L*',
];
$models = [['type' => 'linear'], ['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 24]]];
$lists = columns([
    'conversion_ids' => [1, 2], 'converting_click_ids' => [12, 13], 'conversion_times' => [HOUR, HOUR + 3600],
    'payouts' => [10.5, -0.00001], 'costs' => [1.0, 0.0], 'offsets' => [0, 3, 4],
    'click_ids' => [10, 11, 12, 13], 'click_times' => [5, 6, 7, 8], 'campaign_ids' => [4, 0, 3, 3],
]);
$binary = [];
foreach ($lists as $name => $list) {
    $binary[$name] = pack(IN[$name], ...$list);
}
$expected = attribution_calculate_columns($models, $lists, ['scopes' => 'global,campaign']);
echo "in: ";
var_dump(attribution_calculate_columns($models, $binary, ['scopes' => 'global,campaign']) === $expected);
echo "in, units: ";
$units = ['payout_units' => pack('q*', 1050000, -1), 'cost_units' => pack('q*', 100000, 0)] + $binary;
unset($units['payouts'], $units['costs']);
var_dump(attribution_calculate_columns($models, $units, ['scopes' => 'global,campaign']) === $expected);
echo "some of each: ";
var_dump(attribution_calculate_columns($models, ['offsets' => [0, 3, 4]] + $binary, ['scopes' => 'global,campaign']) === $expected);
echo "out: ";
$results = attribution_calculate_columns($models, $binary, ['scopes' => 'global,campaign', 'binary' => true]);
foreach ($results as &$groups) {
    foreach ($groups as &$columns) {
        foreach ($columns as $name => &$column) {
            if ($name !== 'scope_types') {
                $column = array_values(unpack(OUT[$name], $column));
            }
        }
        unset($column);
    }
    unset($columns);
}
unset($groups);
var_dump($results === $expected);
echo "lengths: ";
[$groups] = attribution_calculate_columns($models, columns(), ['binary' => 1]);
foreach ($groups as $columns) {
    foreach ($columns as $name => $column) {
        echo $name, ' ', is_array($column) ? json_encode($column) : strlen($column), '; ';
    }
}
echo "\nnot aligned: ";
// A string within a string begins anywhere.
$shifted = array_map(static fn (string $column): string => substr("x$column", 1), $binary);
var_dump(attribution_calculate_columns($models, $shifted, ['scopes' => 'global,campaign']) === $expected);
echo "not whole:\n";
foreach (['conversion_ids', 'conversion_times', 'payouts', 'offsets', 'campaign_ids'] as $name) {
    told(static fn () => attribution_calculate_columns($models, [$name => $binary[$name] . 'x'] + $binary));
}
told(static fn () => attribution_calculate_columns($models, ['cost_units' => 'abc'] + $units));
echo "no amounts:\n";
told_field(static fn () => attribution_calculate_columns($models, ['payouts' => pack('d*', 1, NAN)] + $binary));
told_field(static fn () => attribution_calculate_columns($models, ['payouts' => pack('d*', INF, 1)] + $binary));
told_field(static fn () => attribution_calculate_columns($models, ['payouts' => pack('d*', 1e15, 1)] + $binary));
told_field(static fn () => attribution_calculate_columns($models, ['costs' => pack('d*', 1, -1)] + $binary));
told_field(static fn () => attribution_calculate_columns($models, ['cost_units' => pack('q*', 1, -1)] + $units));
echo "offsets beyond:\n";
told_field(static fn () => attribution_calculate_columns($models, ['offsets' => pack('Q*', 0, -1, 4)] + $binary));
told_field(static fn () => attribution_calculate_columns($models, ['offsets' => pack('Q*', 0, 3, -1)] + $binary));
?>
--EXPECT--
in: bool(true)
in, units: bool(true)
some of each: bool(true)
out: bool(true)
lengths: scope_types ["global"]; scope_ids 8; date_hours 8; attributed_clicks 8; attributed_conversions 8; credited_units 8; revenue_units 8; cost_units 8; conversions 12; click_ids 24; positions 12; credits 24; stored_credit_units 12; revenue_units 24; cost_units 24; 
not aligned: bool(true)
not whole:
InvalidInputException conversion_ids: found a string of 17 bytes, allowed: unsigned 64-bit integers of 8 bytes each, or an array
InvalidInputException conversion_times: found a string of 9 bytes, allowed: unsigned 32-bit integers of 4 bytes each, or an array
InvalidInputException payouts: found a string of 17 bytes, allowed: doubles of 8 bytes each, or an array
InvalidInputException offsets: found a string of 25 bytes, allowed: unsigned 64-bit integers of 8 bytes each, or an array
InvalidInputException campaign_ids: found a string of 33 bytes, allowed: unsigned 64-bit integers of 8 bytes each, or an array
InvalidInputException cost_units: found a string of 3 bytes, allowed: signed 64-bit integers of 8 bytes each, or an array
no amounts:
InvalidInputException payouts[1]
InvalidInputException payouts[0]
InvalidInputException payouts[0]
InvalidInputException costs[1]
InvalidInputException costs[1]
offsets beyond:
InvalidInputException offsets[1]
InvalidInputException offsets[2]
