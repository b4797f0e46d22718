--TEST--
attribution_calculate() gives each kind's snapshots and credits
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
// Touches 2 hours, 1 hour and nothing before the newest; the middle one converts. 7 is paid, 0.00001 spent.
$conversion = [
    'conv_id' => 1, 'click_id' => 11, 'conv_time' => HOUR + 7200, 'click_time' => HOUR + 3600,
    'payout' => 7, 'cost' => '0.00001',
    'journey' => [
        ['click_id' => 12, 'click_time' => HOUR + 7200],
        ['click_id' => 10, 'click_time' => HOUR],
    ],
];
foreach ([
    ['type' => 'last_touch'],
    ['type' => 'first_touch'],
    ['type' => 'linear'],
    ['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 1]],
    ['type' => 'position_based', 'weighting_config' => ['first_touch_weight' => 0.4, 'last_touch_weight' => 0.4]],
    ['type' => 'assisted'],
] as $model) {
    echo $model['type'], "\n";
    $result = attribution_calculate($model, [$conversion]);
    show($result['snapshots']);
    show($result['touchpoints']);
}
echo "one touch\n";
$one = ['journey' => null] + $conversion;
foreach (['last_touch', 'assisted'] as $kind) {
    show(attribution_calculate(['type' => $kind], [$one])['touchpoints']);
}
echo "a refund, and two conversions in an hour\n";
$refund = ['conv_id' => 2, 'payout' => -10] + $conversion;
$result = attribution_calculate(['type' => 'linear'], [$refund, $conversion, ['conv_time' => 0, 'conv_id' => 3] + $one]);
show($result['snapshots']);
show($result['touchpoints']);
echo "nothing\n";
var_dump(attribution_calculate(['type' => 'linear'], []) === ['snapshots' => [], 'touchpoints' => []]);
echo "types\n";
$result = attribution_calculate(['type' => 'linear'], [conversion()]);
var_dump(array_keys($result), array_is_list($result['snapshots']), array_is_list($result['touchpoints']));
var_dump($result['snapshots'][0], $result['touchpoints'][0]);
?>
--EXPECT--
last_touch
global null 1717239600 1 1 7.00000 0.00001 1.00000
1 1717239600 11 1 1.0 1.0 1.00000 7.00000 0.00001
first_touch
global null 1717239600 1 1 7.00000 0.00001 1.00000
1 1717239600 10 0 1.0 1.0 1.00000 7.00000 0.00001
linear
global null 1717239600 3 1 7.00000 0.00001 1.00000
1 1717239600 10 0 0.3333333333333333 0.3333333333333333 0.33334 2.33334 0.00001
1 1717239600 11 1 0.3333333333333333 0.3333333333333333 0.33333 2.33333 0.00000
1 1717239600 12 2 0.3333333333333333 0.3333333333333333 0.33333 2.33333 0.00000
time_decay
global null 1717239600 3 1 7.00000 0.00001 1.00000
1 1717239600 10 0 0.14285714285714285 0.14285714285714285 0.14286 1.00000 0.00000
1 1717239600 11 1 0.2857142857142857 0.2857142857142857 0.28571 2.00000 0.00000
1 1717239600 12 2 0.5714285714285714 0.5714285714285714 0.57143 4.00000 0.00001
position_based
global null 1717239600 3 1 7.00000 0.00001 1.00000
1 1717239600 10 0 0.4 0.4 0.40000 2.80000 0.00001
1 1717239600 11 1 0.2 0.2 0.20000 1.40000 0.00000
1 1717239600 12 2 0.4 0.4 0.40000 2.80000 0.00000
assisted
global null 1717239600 2 1 7.00000 0.00001 1.00000
1 1717239600 10 0 0.5 0.5 0.50000 3.50000 0.00001
1 1717239600 11 1 0.5 0.5 0.50000 3.50000 0.00000
one touch
1 1717239600 11 0 1.0 1.0 1.00000 7.00000 0.00001
1 1717239600 11 0 1.0 1.0 1.00000 7.00000 0.00001
a refund, and two conversions in an hour
global null 0 1 1 7.00000 0.00001 1.00000
global null 1717239600 6 2 -3.00000 0.00002 2.00000
2 1717239600 10 0 0.3333333333333333 0.3333333333333333 0.33334 -3.33334 0.00001
2 1717239600 11 1 0.3333333333333333 0.3333333333333333 0.33333 -3.33333 0.00000
2 1717239600 12 2 0.3333333333333333 0.3333333333333333 0.33333 -3.33333 0.00000
1 1717239600 10 0 0.3333333333333333 0.3333333333333333 0.33334 2.33334 0.00001
1 1717239600 11 1 0.3333333333333333 0.3333333333333333 0.33333 2.33333 0.00000
1 1717239600 12 2 0.3333333333333333 0.3333333333333333 0.33333 2.33333 0.00000
3 0 11 0 1.0 1.0 1.00000 7.00000 0.00001
nothing
bool(true)
types
array(2) {
  [0]=>
  string(9) "snapshots"
  [1]=>
  string(11) "touchpoints"
}
bool(true)
bool(true)
array(8) {
  ["scope_type"]=>
  string(6) "global"
  ["scope_id"]=>
  NULL
  ["date_hour"]=>
  int(1717232400)
  ["attributed_clicks"]=>
  int(3)
  ["attributed_conversions"]=>
  int(1)
  ["attributed_revenue"]=>
  string(8) "10.00000"
  ["attributed_cost"]=>
  string(7) "1.00000"
  ["credited_conversions"]=>
  string(7) "1.00000"
}
array(9) {
  ["conv_id"]=>
  int(1)
  ["date_hour"]=>
  int(1717232400)
  ["click_id"]=>
  int(10)
  ["position"]=>
  int(0)
  ["credit"]=>
  float(0.3333333333333333)
  ["weight"]=>
  float(0.3333333333333333)
  ["stored_credit"]=>
  string(7) "0.33334"
  ["revenue"]=>
  string(7) "3.33334"
  ["cost"]=>
  string(7) "0.33334"
}
