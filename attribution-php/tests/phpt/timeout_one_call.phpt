--TEST--
max_execution_time ends one long call at a safe point
--EXTENSIONS--
attribution
--SKIPIF--
<?php
if (getenv('SKIP_SLOW_TESTS')) {
    die('skip slow');
}
?>
--INI--
max_execution_time=1
memory_limit=1G
attribution.memory_limit=16G
--FILE--
<?php
require __DIR__ . '/common.inc';
register_shutdown_function(static function (): void {
    show(attribution_calculate(['type' => 'linear'], [conversion()])['snapshots']);
});
// Thirty million rows for the extension, one for PHP.
$rows = array_fill(0, 30000000, conversion());
attribution_calculate(['type' => 'linear'], $rows, ['touchpoints' => false]);
echo "not reached\n";
?>
--EXPECTF--
Fatal error: Maximum execution time of 1 second exceeded in %s on line %d
global null 1717232400 3 1 10.00000 1.00000 1.00000
