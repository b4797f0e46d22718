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
