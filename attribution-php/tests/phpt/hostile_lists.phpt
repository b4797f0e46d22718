--TEST--
Lists with holes, keys out of place, references and recursion
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$linear = ['type' => 'linear'];
$count = static fn (array $rows): int => attribution_calculate($linear, $rows)['snapshots'][0]['attributed_conversions'];
$rows = [conversion(['conv_id' => 1]), conversion(['conv_id' => 2]), conversion(['conv_id' => 3])];
echo "lists all the same\n";
$cut = $rows;
unset($cut[2]);
$popped = $rows;
array_pop($popped);
// Not packed any more: a key of text came and went.
$hashed = ['x' => 1] + $rows;
unset($hashed['x']);
$reversed = array_reverse($rows);
echo $count($cut), $count($popped), $count($hashed), $count($reversed), $count(array_fill(0, 5, $rows[0])), "\n";
echo "no lists\n";
$hole = $rows;
unset($hole[1]);
$headless = $rows;
unset($headless[0]);
foreach ([$hole, $headless, [1 => $rows[0]], [-1 => $rows[0]], ['a' => $rows[0]], [1 => $rows[0], 0 => $rows[1]], [0 => $rows[0], 'x' => $rows[1]], ["\0" => $rows[0]]] as $list) {
    told(static fn () => $count($list));
}
$journey = $rows[0]['journey'];
unset($journey[0]);
told(static fn () => $count([conversion(['journey' => $journey])]));
told(static fn () => attribution_calculate_columns([1 => $linear], columns()));
$ids = [10, 11, 12, 13];
unset($ids[2]);
told(static fn () => attribution_calculate_columns([$linear], columns(['click_ids' => $ids])));
// A column whose hole is at its end, or that has keys of a hash, is one all the same.
unset($ids);
$ids = [10, 11, 12, 13];
unset($ids[3]);
$times = ['x' => 0, 0 => 5, 1 => 6, 2 => 7];
unset($times['x']);
var_dump(attribution_calculate_columns([$linear], columns(['click_ids' => $ids, 'click_times' => $times]))[0]['touchpoints']['click_ids']);
echo "fields in any order, and rows with holes\n";
$row = array_reverse($rows[0], true);
$sparse = ['a' => 1, 'b' => 2] + $rows[1];
unset($sparse['a'], $sparse['cost'], $sparse['b']);
echo $count([$rows[0], $row, $sparse, ['x' => 1, 5 => 2] + $rows[2]]), "\n";
echo "references\n";
$payout = '2.5';
$id = 12;
$touch = ['click_id' => 7, 'click_time' => 5];
$touches = [&$touch];
$referring = ['payout' => &$payout, 'click_id' => &$id, 'journey' => &$touches] + conversion();
$list = [&$referring];
$model = ['type' => 'linear'];
$model_reference = &$model;
$scopes = ['global'];
$options = ['scopes' => &$scopes];
show(attribution_calculate($model_reference, $list, $options)['snapshots']);
$type = 'time_decay';
$hours = 1;
$config = ['half_life_hours' => &$hours];
echo json_encode(attribution_validate_model(['type' => &$type, 'weighting_config' => &$config])), "\n";
$ids = [10, 11, 12];
foreach ($ids as &$one) {
    // Each entry is a reference now.
}
echo json_encode(attribution_calculate_columns([$linear], columns(['click_ids' => &$ids]))[0]['touchpoints']['click_ids']), "\n";
echo "references to what is bad\n";
$payout = 'much';
told_field(static fn () => attribution_calculate($linear, $list));
$payout = 1;
$touch['click_time'] = -1;
told_field(static fn () => attribution_calculate($linear, $list));
$touches = 5;
told_field(static fn () => attribution_calculate($linear, $list));
$referring = 5;
told_field(static fn () => attribution_calculate($linear, $list));
$one = 'x';
told_field(static fn () => attribution_calculate_columns([$linear], columns(['click_ids' => $ids])));
$scopes = [[]];
told_field(static fn () => attribution_calculate($linear, [], $options));
$hours = 0;
told_field(static fn () => attribution_validate_model(['type' => 'time_decay', 'weighting_config' => $config]));
echo "recursion\n";
$rows = [];
$rows[0] = &$rows;
told_field(static fn () => attribution_calculate($linear, $rows));
$journey = [];
$journey[0] = &$journey;
told_field(static fn () => attribution_calculate($linear, [conversion(['journey' => $journey])]));
$row = conversion();
$row['payout'] = &$row;
told_field(static fn () => attribution_calculate($linear, [$row]));
$model = ['type' => 'time_decay'];
$model['weighting_config']['half_life_hours'] = &$model;
told_field(static fn () => attribution_validate_model($model));
$model = ['type' => 'linear'];
$model['weighting_config'] = &$model;
told_field(static fn () => attribution_validate_model($model));
$models = [];
$models[0] = &$models;
told_field(static fn () => attribution_calculate_columns($models, columns()));
$columns = columns();
$columns['click_ids'][1] = &$columns;
told_field(static fn () => attribution_calculate_columns([$linear], $columns));
$options = [];
$options['scopes'] = [&$options];
told_field(static fn () => attribution_calculate($linear, [], $options));
$result = ['snapshots' => []];
$result['snapshots'][0] = &$result;
told_field(static fn () => attribution_export($result, __DIR__ . '/hostile_lists.csv', 'csv'));
$results = [];
$results['a'] = &$results;
told_field(static fn () => attribution_export($results, __DIR__ . '/hostile_lists.csv', 'csv'));
$database = ['database' => 'd'];
$database['host'] = &$database;
told_field(static fn () => attribution_check($database));
told_field(static fn () => attribution_calculate($linear, $GLOBALS));
?>
--EXPECT--
lists all the same
22335
no lists
InvalidInputException conversions: found the key 2 out of place, allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
InvalidInputException conversions: found the key 1 out of place, allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
InvalidInputException conversions: found the key 1 out of place, allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
InvalidInputException conversions: found the key -1 out of place, allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
InvalidInputException conversions: found the key "a", allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
InvalidInputException conversions: found the key 1 out of place, allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
InvalidInputException conversions: found the key "x", allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
InvalidInputException conversions: found the key "\0", allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
InvalidInputException conversions[0].journey: found the key 1 out of place, allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
InvalidInputException models: found the key 1 out of place, allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
InvalidInputException click_ids: found the key 3 out of place, allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
array(3) {
  [0]=>
  int(10)
  [1]=>
  int(11)
  [2]=>
  int(12)
}
fields in any order, and rows with holes
4
references
global null 1717232400 2 1 2.50000 1.00000 1.00000
{"type":"time_decay","weighting_config":{"half_life_hours":1},"slug":"time-decay","name":"time_decay"}
[10,11,12]
references to what is bad
InvalidInputException conversions[0].payout
InvalidInputException conversions[0].journey[0].click_time
InvalidInputException conversions[0].journey
InvalidInputException conversions[0]
InvalidInputException click_ids[2]
InvalidInputException options.scopes[0]
InvalidModelException half_life_hours
recursion
InvalidInputException conversions[0].conv_time
InvalidInputException conversions[0].journey[0].click_id
InvalidInputException conversions[0].payout
InvalidModelException half_life_hours
InvalidModelException type
InvalidModelException models[0].0
InvalidInputException click_ids[1]
InvalidInputException options.scopes[0]
InvalidInputException result.snapshots[0].scope_type
InvalidInputException result[a].snapshots
InvalidInputException database.host
InvalidInputException conversions
