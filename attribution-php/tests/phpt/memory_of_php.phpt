--TEST--
Where PHP's own memory ends while results are made, the script ends as any other
--EXTENSIONS--
attribution
--INI--
memory_limit=24M
--FILE--
<?php
require __DIR__ . '/common.inc';
register_shutdown_function(static function (): void {
    // The extension is still there.
    show(attribution_calculate(['type' => 'linear'], [conversion()])['snapshots']);
});
$rows = array_fill(0, 50000, conversion());
echo count(attribution_calculate(['type' => 'linear'], $rows, ['touchpoints' => false])['snapshots']), "\n";
$result = attribution_calculate(['type' => 'linear'], $rows);
echo "not reached\n";
?>
--EXPECTF--
1

Fatal error: Allowed memory size of %d bytes exhausted%s in %s on line %d
global null 1717232400 3 1 10.00000 1.00000 1.00000
