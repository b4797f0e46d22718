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
