--TEST--
attribution_calculate_columns() over packed arrays
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$print = static function (array $results): void {
    foreach ($results as $place => $groups) {
        foreach ($groups as $group => $columns) {
            foreach ($columns as $name => $column) {
                echo "$place $group.$name ", json_encode($column), "\n";
            }
        }
    }
};
$models = [['type' => 'linear'], ['type' => 'last_touch', 'name' => 'Last']];
// A second conversion, an hour later, with a single touch.
$columns = [
    'conversion_ids' => [1, '18446744073709551615'],
    'converting_click_ids' => [12, 13],
    'conversion_times' => [HOUR, '1717236001'],
    'payouts' => ['10', -2.5],
    'costs' => [1, 0],
    'offsets' => [0, 3, 4],
    'click_ids' => [10, 11, 12, 13],
    'click_times' => [5, 6, 7, 8],
    'campaign_ids' => [4, 0, 3, 3],
];
$print(attribution_calculate_columns($models, $columns, ['scopes' => 'global,campaign']));
echo "units for money, no touchpoints\n";
unset($columns['payouts'], $columns['costs']);
$units = attribution_calculate_columns([['type' => 'linear']], $columns + ['payout_units' => [1000000, -250000], 'cost_units' => [100000, 0]], ['touchpoints' => false, 'threads' => 2]);
$print($units);
echo "no models, and no conversions\n";
var_dump(attribution_calculate_columns([], columns()));
$none = array_map(static fn (array $column): array => [], columns());
$print(attribution_calculate_columns([['type' => 'linear']], ['offsets' => [0]] + $none));
echo "the same as rows\n";
$rows = attribution_calculate(['type' => 'linear'], [conversion()]);
[$groups] = attribution_calculate_columns([['type' => 'linear']], columns());
var_dump(array_column($rows['touchpoints'], 'credit') === $groups['touchpoints']['credits']);
var_dump(array_column($rows['touchpoints'], 'click_id') === $groups['touchpoints']['click_ids']);
?>
--EXPECT--
0 snapshots.scope_types ["campaign","campaign","campaign","global","global"]
0 snapshots.scope_ids [3,3,4,0,0]
0 snapshots.date_hours [1717232400,1717236000,1717232400,1717232400,1717236000]
0 snapshots.attributed_clicks [1,1,1,3,1]
0 snapshots.attributed_conversions [1,1,1,1,1]
0 snapshots.credited_units [33333,100000,33334,100000,100000]
0 snapshots.revenue_units [333333,-250000,333334,1000000,-250000]
0 snapshots.cost_units [33333,0,33334,100000,0]
0 touchpoints.conversions [0,0,0,1]
0 touchpoints.click_ids [10,11,12,13]
0 touchpoints.positions [0,1,2,0]
0 touchpoints.credits [0.3333333333333333,0.3333333333333333,0.3333333333333333,1]
0 touchpoints.stored_credit_units [33334,33333,33333,100000]
0 touchpoints.revenue_units [333334,333333,333333,-250000]
0 touchpoints.cost_units [33334,33333,33333,0]
1 snapshots.scope_types ["campaign","campaign","global","global"]
1 snapshots.scope_ids [3,3,0,0]
1 snapshots.date_hours [1717232400,1717236000,1717232400,1717236000]
1 snapshots.attributed_clicks [1,1,1,1]
1 snapshots.attributed_conversions [1,1,1,1]
1 snapshots.credited_units [100000,100000,100000,100000]
1 snapshots.revenue_units [1000000,-250000,1000000,-250000]
1 snapshots.cost_units [100000,0,100000,0]
1 touchpoints.conversions [0,1]
1 touchpoints.click_ids [12,13]
1 touchpoints.positions [2,0]
1 touchpoints.credits [1,1]
1 touchpoints.stored_credit_units [100000,100000]
1 touchpoints.revenue_units [1000000,-250000]
1 touchpoints.cost_units [100000,0]
units for money, no touchpoints
0 snapshots.scope_types ["global","global"]
0 snapshots.scope_ids [0,0]
0 snapshots.date_hours [1717232400,1717236000]
0 snapshots.attributed_clicks [3,1]
0 snapshots.attributed_conversions [1,1]
0 snapshots.credited_units [100000,100000]
0 snapshots.revenue_units [1000000,-250000]
0 snapshots.cost_units [100000,0]
0 touchpoints.conversions []
0 touchpoints.click_ids []
0 touchpoints.positions []
0 touchpoints.credits []
0 touchpoints.stored_credit_units []
0 touchpoints.revenue_units []
0 touchpoints.cost_units []
no models, and no conversions
array(0) {
}
0 snapshots.scope_types []
0 snapshots.scope_ids []
0 snapshots.date_hours []
0 snapshots.attributed_clicks []
0 snapshots.attributed_conversions []
0 snapshots.credited_units []
0 snapshots.revenue_units []
0 snapshots.cost_units []
0 touchpoints.conversions []
0 touchpoints.click_ids []
0 touchpoints.positions []
0 touchpoints.credits []
0 touchpoints.stored_credit_units []
0 touchpoints.revenue_units []
0 touchpoints.cost_units []
the same as rows
bool(true)
bool(true)
