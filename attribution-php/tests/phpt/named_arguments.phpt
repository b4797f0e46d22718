--TEST--
Every function takes its arguments by name
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$path = __DIR__ . '/named_arguments.jsonl';
$nowhere = 'mysql://user@127.0.0.1:1/database';
echo attribution_validate_model(model: ['type' => 'linear'])['type'], "\n";
$result = attribution_calculate(options: ['touchpoints' => false], conversions: [conversion()], model: ['type' => 'linear']);
show($result['snapshots']);
var_dump(attribution_calculate(conversions: [conversion()], model: ['type' => 'linear'])['snapshots'] === $result['snapshots']);
var_dump(count(attribution_calculate_columns(columns: columns(), options: [], models: [['type' => 'linear']])));
var_dump(attribution_journeys(options: ['max_touches' => 1], conversions: [], clicks: []));
var_dump(attribution_export(format: 'jsonl', path: $path, result: $result));
told_field(static fn () => attribution_backfill(options: ['wait' => -1], database: $nowhere));
told_field(static fn () => attribution_rebuild(options: ['credits' => 2], database: $nowhere));
told_field(static fn () => attribution_snapshots(query: [], database: $nowhere));
told_field(static fn () => attribution_compare(options: ['user' => 1], database: $nowhere));
told_field(static fn () => attribution_overview(options: ['user' => 1], database: $nowhere));
told_field(static fn () => attribution_export_schedule(options: ['user' => 1], database: $nowhere));
told_field(static fn () => attribution_export_run(options: [], database: $nowhere));
told_field(static fn () => attribution_exports(options: [], database: $nowhere));
told_field(static fn () => attribution_purge(options: ['user' => 1], database: $nowhere));
told_field(static fn () => attribution_check(database: $nowhere));
show((new Attribution\Engine(options: ['scopes' => 'global']))->calculate(conversions: [conversion()], model: new Attribution\Model(model: ['type' => 'linear']))->snapshots);
var_dump(count((new Attribution\Engine())->calculateColumns(columns: columns(), models: [Attribution\Model::fromSpec(spec: 'linear')])));
told(static fn () => attribution_calculate(model: ['type' => 'linear'], rows: []));
told(static fn () => attribution_calculate(model: ['type' => 'linear']));
?>
--CLEAN--
<?php
@unlink(__DIR__ . '/named_arguments.jsonl');
?>
--EXPECTF--
linear
global null 1717232400 3 1 10.00000 1.00000 1.00000
bool(true)
int(1)
array(0) {
}
int(1)
InvalidInputException options.wait
InvalidInputException options.credits
InvalidInputException query.user
InvalidInputException options.models
InvalidInputException options.model
InvalidInputException options.model
InvalidInputException options.directory
InvalidInputException options.user
InvalidInputException options.target
DatabaseException no field
global null 1717232400 3 1 10.00000 1.00000 1.00000
int(1)
Error Unknown named parameter $rows
ArgumentCountError attribution_calculate()%s
