--TEST--
Attribution\Result and Attribution\Columns
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
use Attribution\Columns;
use Attribution\Engine;
use Attribution\Model;
use Attribution\Result;

$engine = new Engine(['scopes' => 'global,campaign']);
$rows = [conversion(['campaign_id' => 3])];
$result = $engine->calculate(Model::fromSpec('Mine=linear'), $rows);
var_dump($result instanceof Countable, $result instanceof IteratorAggregate, $result instanceof JsonSerializable);
var_dump(count($result), $result->model, array_keys($result->toArray()));
foreach ($result as $place => $row) {
    echo "$place $row[scope_type]\n";
}
show(iterator_to_array($result));
show($result->touchpoints);
var_dump(json_encode($result) === json_encode(['model' => 'Mine', 'snapshots' => $result->snapshots, 'touchpoints' => $result->touchpoints]));
echo "what is read stays what it was\n";
$copy = $result->snapshots;
$copy[0]['scope_id'] = 99;
$array = $result->toArray();
$array['snapshots'] = [];
show([[$result->snapshots[0]['scope_id'], count($result), count($result->snapshots)]]);
$refused = static function (Closure $change): void {
    try {
        $change();
        echo "changed\n";
    } catch (Throwable) {
        echo "refused\n";
    }
};
$refused(static function () use ($result): void {
    $result->snapshots = [];
});
$refused(static function () use ($result): void {
    $result->model = '';
});
$refused(static function () use ($result): void {
    unset($result->touchpoints);
});
$refused(static fn () => new Result());
$refused(static fn () => new Columns());
$refused(static fn () => serialize($result));
$refused(static fn () => unserialize('O:18:"Attribution\Result":0:{}'));
$refused(static fn () => clone $result);
var_dump((new ReflectionClass(Result::class))->isFinal(), (new ReflectionClass(Columns::class))->isFinal());
echo "export\n";
$path = __DIR__ . '/result_class.csv';
var_dump($result->export($path, 'csv'));
echo file_get_contents($path);
told(static fn () => $result->export($path, 'pdf'));
told(static fn () => $result->export("$path\0", 'csv'));
told_field(static fn () => $result->export(__DIR__ . '/no/such/folder.csv', 'csv'));
var_dump(attribution_export($result->toArray(), $path, 'jsonl'));
echo "the object is gone, what it gave stays\n";
$iterator = $result->getIterator();
$snapshots = $result->snapshots;
unset($result);
echo count($iterator), ' ', count($snapshots), ' ', $iterator[1]['attributed_revenue'], "\n";
echo "columns\n";
[$columns] = $engine->calculateColumns([Model::fromSpec('Mine=linear')], columns(['campaign_ids' => [0, 0, 3]]));
var_dump($columns instanceof Countable, $columns instanceof IteratorAggregate, $columns instanceof JsonSerializable);
var_dump(count($columns), $columns->model, array_keys($columns->toArray()));
foreach ($columns as $name => $group) {
    echo "$name ", json_encode($group), "\n";
}
var_dump(json_encode($columns) === json_encode(['snapshots' => $columns->snapshots, 'touchpoints' => $columns->touchpoints]));
$refused(static function () use ($columns): void {
    $columns->snapshots = [];
});
?>
--CLEAN--
<?php
@unlink(__DIR__ . '/result_class.csv');
?>
--EXPECT--
bool(true)
bool(true)
bool(true)
int(2)
string(4) "Mine"
array(3) {
  [0]=>
  string(5) "model"
  [1]=>
  string(9) "snapshots"
  [2]=>
  string(11) "touchpoints"
}
0 campaign
1 global
campaign 3 1717232400 1 1 3.33333 0.33333 0.33333
global null 1717232400 3 1 10.00000 1.00000 1.00000
1 1717232400 10 0 0.3333333333333333 0.3333333333333333 0.33334 3.33334 0.33334
1 1717232400 11 1 0.3333333333333333 0.3333333333333333 0.33333 3.33333 0.33333
1 1717232400 12 2 0.3333333333333333 0.3333333333333333 0.33333 3.33333 0.33333
bool(true)
what is read stays what it was
3 2 2
refused
refused
refused
refused
refused
refused
refused
refused
bool(true)
bool(true)
export
int(2)
Date (UTC),Model,Scope,Scope id,Attributed clicks,Attributed conversions,Credited conversions,Revenue,Cost,Profit,ROI %
2024-06-01 09:00:00,Mine,campaign,3,1,1,0.3333,3.3333,0.3333,3.0000,900.01
2024-06-01 09:00:00,Mine,global,,3,1,1.0000,10.0000,1.0000,9.0000,900.00
InvalidInputException format: found "pdf", allowed: csv, xlsx or jsonl
InvalidInputException path: found a NUL byte, allowed: text without one
IoException no field
int(2)
the object is gone, what it gave stays
2 2 10.00000
columns
bool(true)
bool(true)
bool(true)
int(2)
string(4) "Mine"
array(2) {
  [0]=>
  string(9) "snapshots"
  [1]=>
  string(11) "touchpoints"
}
snapshots {"scope_types":["campaign","global"],"scope_ids":[3,0],"date_hours":[1717232400,1717232400],"attributed_clicks":[1,3],"attributed_conversions":[1,1],"credited_units":[33333,100000],"revenue_units":[333333,1000000],"cost_units":[33333,100000]}
touchpoints {"conversions":[0,0,0],"click_ids":[10,11,12],"positions":[0,1,2],"credits":[0.3333333333333333,0.3333333333333333,0.3333333333333333],"stored_credit_units":[33334,33333,33333],"revenue_units":[333334,333333,333333],"cost_units":[33334,33333,33333]}
bool(true)
refused
