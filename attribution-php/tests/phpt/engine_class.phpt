--TEST--
Attribution\Engine
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
use Attribution\Columns;
use Attribution\Engine;
use Attribution\Model;
use Attribution\Result;
use Attribution\ScopeType;

$linear = new Model(['type' => 'linear', 'name' => 'Mine']);
$options = ['scopes' => ['global', ScopeType::Campaign], 'threads' => 2];
$rows = [conversion(['campaign_id' => 3])];
$engine = new Engine($options);
$result = $engine->calculate($linear, $rows);
var_dump($result instanceof Result, $result->model);
var_dump(['snapshots' => $result->snapshots, 'touchpoints' => $result->touchpoints] === attribution_calculate($linear->toArray(), $rows, $options));
show($engine->calculate(Model::fromSpec('last_touch'), $rows)->snapshots);
echo "without options\n";
show((new Engine())->calculate($linear, $rows)->snapshots);
show((new Engine(['touchpoints' => false]))->calculate($linear, $rows)->touchpoints);
echo "columns\n";
$columns = columns(['campaign_ids' => [0, 0, 3]]);
$all = $engine->calculateColumns([$linear, Model::fromSpec('last_touch')], $columns);
var_dump(count($all), $all[0] instanceof Columns, $all[0]->model, $all[1]->model);
$expected = attribution_calculate_columns([['type' => 'linear'], ['type' => 'last_touch']], $columns, $options);
var_dump($all[0]->snapshots === $expected[0]['snapshots'], $all[1]->touchpoints === $expected[1]['touchpoints']);
var_dump($engine->calculateColumns([], $columns));
echo "errors\n";
told(static fn () => new Engine(['threads' => -1]));
told(static fn () => new Engine(['binary' => true]));
told(static fn () => $engine->calculate($linear, [conversion(['payout' => 'x'])]) && false);
told(static fn () => $engine->calculateColumns([['type' => 'linear']], $columns));
told(static fn () => $engine->calculateColumns(['a' => $linear], $columns));
told(static fn () => $engine->calculateColumns([$linear, new Engine()], $columns));
told(static fn () => $engine->calculateColumns([$linear], columns()));
told_field(static fn () => $engine->calculate(['type' => 'linear'], $rows));
told_field(static fn () => $engine->calculate(new Engine(), $rows));
told_field(static fn () => $engine->calculate($linear));
?>
--EXPECT--
bool(true)
string(4) "Mine"
bool(true)
campaign 3 1717232400 1 1 10.00000 1.00000 1.00000
global null 1717232400 1 1 10.00000 1.00000 1.00000
without options
global null 1717232400 3 1 10.00000 1.00000 1.00000
columns
int(2)
bool(true)
string(4) "Mine"
string(10) "last_touch"
bool(true)
bool(true)
array(0) {
}
errors
InvalidInputException options.threads: found -1, allowed: a whole number from 0 to 1024
InvalidInputException options: found an unknown key "binary", allowed: scopes, touchpoints, threads
InvalidInputException conversions[0].payout: "x" is not a number, allowed: an amount with at most 5 decimals as int, float or decimal string, from -92233720368547.75808 to 92233720368547.75807
InvalidInputException models[0]: found an array, allowed: an Attribution\Model
InvalidInputException models: found the key "a", allowed: a list: the keys 0, 1, 2 and so on, as array_values() gives them
InvalidInputException models[1]: found an object of the class Attribution\Engine, allowed: an Attribution\Model
InvalidInputException campaign_ids: found no such column, allowed: a column for each scope asked for
TypeError
TypeError
ArgumentCountError
