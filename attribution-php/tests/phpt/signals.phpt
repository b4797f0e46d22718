--TEST--
A signal's handler that throws ends a long call
--EXTENSIONS--
attribution
pcntl
--INI--
memory_limit=1G
attribution.memory_limit=16G
--FILE--
<?php
require __DIR__ . '/common.inc';
pcntl_async_signals(true);
$handled = 0;
pcntl_signal(SIGALRM, static function () use (&$handled): void {
    $handled++;
    throw new RuntimeException('time is up');
});
$rows = array_fill(0, 30000000, conversion());
pcntl_alarm(1);
try {
    attribution_calculate(['type' => 'linear'], $rows, ['touchpoints' => false]);
    echo "not reached\n";
} catch (RuntimeException $exception) {
    echo $exception::class, ' ', $exception->getMessage(), ' ', $handled, "\n";
}
show(attribution_calculate(['type' => 'linear'], [conversion()])['snapshots']);
?>
--EXPECT--
RuntimeException time is up 1
global null 1717232400 3 1 10.00000 1.00000 1.00000
