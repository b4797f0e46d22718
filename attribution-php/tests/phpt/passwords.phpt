--TEST--
No trace shows a database's address
--EXTENSIONS--
attribution
--INI--
zend.exception_ignore_args=0
zend.exception_string_param_max_len=1000
--FILE--
<?php
$url = 'mysql://user:pa55word@127.0.0.1:1/none';
$parts = ['host' => '127.0.0.1', 'port' => 1, 'user' => 'user', 'password' => 'pa55word', 'database' => 'none'];
$window = ['start' => 0, 'end' => 3600];
$calls = [
    fn (string|array $to) => attribution_check($to),
    fn (string|array $to) => attribution_rebuild($to, $window),
    fn (string|array $to) => attribution_backfill('mysql://user@127.0.0.1:1/none', $window + ['replica' => $to]),
    fn (string|array $to) => attribution_snapshots($to, ['user' => 1, 'model' => 'm'] + $window),
];
foreach ($calls as $call) {
    foreach ([$url, $parts] as $to) {
        try {
            $call($to);
        } catch (Attribution\DatabaseException $exception) {
            // What is this extension's: the frames below are the test's own.
            $frame = $exception->getTrace()[0];
            echo $frame['function'], ' ', get_class($frame['args'][0]), ' ';
            var_dump(str_contains(json_encode($frame) . $exception->getMessage(), 'pa55word'));
        }
    }
}
?>
--EXPECT--
attribution_check SensitiveParameterValue bool(false)
attribution_check SensitiveParameterValue bool(false)
attribution_rebuild SensitiveParameterValue bool(false)
attribution_rebuild SensitiveParameterValue bool(false)
attribution_backfill SensitiveParameterValue bool(false)
attribution_backfill SensitiveParameterValue bool(false)
attribution_snapshots SensitiveParameterValue bool(false)
attribution_snapshots SensitiveParameterValue bool(false)
