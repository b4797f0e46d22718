--TEST--
set_time_limit() ends a row of long calls
--EXTENSIONS--
attribution
--SKIPIF--
<?php
if (getenv('SKIP_SLOW_TESTS')) {
    die('skip slow');
}
?>
--INI--
memory_limit=512M
--FILE--
<?php
require __DIR__ . '/common.inc';
register_shutdown_function(static function (): void {
    // The extension is still there.
    show(attribution_calculate(['type' => 'linear'], [conversion()])['snapshots']);
});
$rows = array_fill(0, 200000, conversion());
set_time_limit(1);
while (true) {
    attribution_calculate(['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 5]], $rows, ['touchpoints' => false, 'threads' => 2]);
}
?>
--EXPECTF--
Fatal error: Maximum execution time of 1 second exceeded in %s on line %d
global null 1717232400 3 1 10.00000 1.00000 1.00000
