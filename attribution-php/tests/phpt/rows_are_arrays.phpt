--TEST--
Rows of results are arrays as any other
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$result = attribution_calculate(['type' => 'linear'], [conversion()]);
$before = json_encode($result);
$row = $result['touchpoints'][1];
echo implode(' ', array_keys($row)), "\n";
var_dump(isset($row['credit'], $row['cost']), isset($row['nothing']), array_key_exists('weight', $row), $row['rev' . 'enue']);
// Changed, grown, cut and sorted, it is a copy.
$row['conv_id'] = 9;
$row['one'] = 1;
$row[] = 2;
unset($row['credit'], $row['weight']);
foreach ($row as &$value) {
    $value .= '!';
}
unset($value);
echo json_encode($row), "\n";
for ($more = 0; $more < 50; $more++) {
    $row["more$more"] = $more;
}
var_dump(count($row), $row['more49'], $row['click_id'], isset($row['credit']));
ksort($row);
echo array_key_first($row), ' ', array_key_last($row), "\n";
echo json_encode(array_merge($result['snapshots'][0], ['scope_id' => 5])), "\n";
echo json_encode(array_flip(['x' => 'y'] + array_filter($result['snapshots'][0], is_string(...)))), "\n";
var_dump(unserialize(serialize($result)) === $result, eval('return ' . var_export($result, true) . ';') === $result);
// A list of rows grows and shrinks.
$rows = $result['touchpoints'];
$rows[] = $rows[0];
array_shift($rows);
unset($rows[0]);
usort($rows, static fn (array $one, array $other): int => $one['click_id'] <=> $other['click_id']);
echo implode(' ', array_column($rows, 'click_id')), ' ', implode(' ', array_column($rows, 'stored_credit', 'click_id')), "\n";
var_dump(json_encode($result) === $before);
// Rows go in again, with what was put to them.
$conversions = attribution_journeys([['click_id' => 1, 'click_time' => 5], ['click_id' => 12, 'click_time' => 6]], [conversion()]);
$conversions[0]['payout'] = 4;
$conversions[0]['journey'][] = ['click_id' => 3, 'click_time' => 7];
show(attribution_calculate(['type' => 'linear'], $conversions)['touchpoints']);
[$columns] = attribution_calculate_columns([['type' => 'linear']], columns());
$columns['touchpoints']['click_ids'][] = 99;
echo json_encode($columns['touchpoints']['click_ids']), "\n";
?>
--EXPECT--
conv_id date_hour click_id position credit weight stored_credit revenue cost
bool(true)
bool(false)
bool(true)
string(7) "3.33333"
{"conv_id":"9!","date_hour":"1717232400!","click_id":"11!","position":"1!","stored_credit":"0.33333!","revenue":"3.33333!","cost":"0.33333!","one":"1!","0":"2!"}
int(59)
int(49)
string(3) "11!"
bool(false)
0 stored_credit
{"scope_type":"global","scope_id":5,"date_hour":1717232400,"attributed_clicks":3,"attributed_conversions":1,"attributed_revenue":"10.00000","attributed_cost":"1.00000","credited_conversions":"1.00000"}
{"y":"x","global":"scope_type","10.00000":"attributed_revenue","1.00000":"credited_conversions"}
bool(true)
bool(true)
10 12 0.33334 0.33333
bool(true)
1 1717232400 12 0 0.5 0.5 0.50000 2.00000 0.50000
1 1717232400 3 1 0.5 0.5 0.50000 2.00000 0.50000
[10,11,12,99]
