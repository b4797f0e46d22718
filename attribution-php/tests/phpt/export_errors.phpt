--TEST--
attribution_export() refuses paths, formats and rows by their names
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$result = attribution_calculate(['type' => 'linear'], [conversion()]);
$path = __DIR__ . '/export_errors.csv';
told(static fn () => attribution_export($result, '', 'csv'));
told(static fn () => attribution_export($result, "$path\0.exe", 'csv'));
told(static fn () => attribution_export($result, $path, ''));
told(static fn () => attribution_export($result, $path, 'CSV'));
told(static fn () => attribution_export($result, $path, "csv\0"));
told_field(static fn () => attribution_export($result, __DIR__, 'csv'));
told_field(static fn () => attribution_export($result, __DIR__ . '/no/such/folder.csv', 'csv'));
$row = $result['snapshots'][0];
foreach ([
    ['snapshots' => 5],
    ['snapshots' => null],
    ['snapshots' => [1 => $row]],
    ['snapshots' => ['x' => $row]],
    ['snapshots' => [$row, 5]],
    ['snapshots' => [$row, (object) $row]],
    ['snapshots' => [['scope_type' => 'planet'] + $row]],
    ['snapshots' => [['scope_type' => null] + $row]],
    ['snapshots' => [['scope_type' => 'campaign'] + $row]],
    ['snapshots' => [['scope_type' => 'campaign', 'scope_id' => 0] + $row]],
    ['snapshots' => [['scope_id' => 5] + $row]],
    ['snapshots' => [['date_hour' => -1] + $row]],
    ['snapshots' => [['attributed_clicks' => 1.5] + $row]],
    ['snapshots' => [['attributed_conversions' => null] + $row]],
    ['snapshots' => [['attributed_revenue' => NAN] + $row]],
    ['snapshots' => [['attributed_cost' => '1,5'] + $row]],
    ['snapshots' => [['credited_conversions' => -1] + $row]],
    ['model' => 5] + $result,
    ['model' => "\xff"] + $result,
    ['a' => 5],
    ['a' => []],
    ['a' => ['model' => []] + $result],
    [$result, 'x'],
] as $bad) {
    told_field(static fn () => attribution_export($bad, $path, 'csv'));
}
var_dump(file_exists($path), glob(__DIR__ . '/.export_errors*'));
?>
--EXPECT--
InvalidInputException path: found no text, allowed: the path of a file
InvalidInputException path: found a NUL byte, allowed: text without one
InvalidInputException format: found "", allowed: csv, xlsx or jsonl
InvalidInputException format: found "CSV", allowed: csv, xlsx or jsonl
InvalidInputException format: found "csv\0", allowed: csv, xlsx or jsonl
IoException no field
IoException no field
InvalidInputException result.snapshots
InvalidInputException result.snapshots
InvalidInputException result.snapshots
InvalidInputException result.snapshots
InvalidInputException result.snapshots[1]
InvalidInputException result.snapshots[1]
InvalidInputException result.snapshots[0].scope_type
InvalidInputException result.snapshots[0].scope_type
InvalidInputException result.snapshots[0].scope_id
InvalidInputException result.snapshots[0].scope_id
InvalidInputException result.snapshots[0].scope_id
InvalidInputException result.snapshots[0].date_hour
InvalidInputException result.snapshots[0].attributed_clicks
InvalidInputException result.snapshots[0].attributed_conversions
InvalidInputException result.snapshots[0].attributed_revenue
InvalidInputException result.snapshots[0].attributed_cost
InvalidInputException result.snapshots[0].credited_conversions
InvalidInputException result.model
InvalidInputException result.model
InvalidInputException result[a]
InvalidInputException result[a].snapshots
InvalidInputException result[a].model
InvalidInputException result[1]
bool(false)
array(0) {
}
