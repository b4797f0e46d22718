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
    fn (string|array $to) => attribution_snapshots($to, ['user' => 1, 'model' => 'm', 'cache' => 'redis://:pa55word@127.0.0.1:1/'] + $window),
    fn (string|array $to) => attribution_compare($to, ['user' => 1, 'models' => ['linear']] + $window),
    fn (string|array $to) => attribution_compare('mysql://user@127.0.0.1:1/none', ['user' => 1, 'models' => ['linear'], 'replica' => $to] + $window),
    fn (string|array $to) => attribution_overview($to, ['user' => 1, 'model' => 'm'] + $window),
    fn (string|array $to) => attribution_export_schedule($to, ['user' => 1, 'model' => 'm', 'webhook_url' => 'https://example.com/pa55word',
        'webhook_secret' => 'pa55word', 'webhook_headers' => ['X-Key' => 'pa55word']] + $window),
    fn (string|array $to) => attribution_export_run($to, ['directory' => sys_get_temp_dir(), 'download_base' => 'https://example.com/?pa55word=']),
    fn (string|array $to) => attribution_exports($to, ['user' => 1]),
    fn (string|array $to) => attribution_purge($to, ['user' => 1, 'target' => 'owner']),
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
attribution_snapshots SensitiveParameterValue bool(false)
attribution_snapshots SensitiveParameterValue bool(false)
attribution_compare SensitiveParameterValue bool(false)
attribution_compare SensitiveParameterValue bool(false)
attribution_compare SensitiveParameterValue bool(false)
attribution_compare SensitiveParameterValue bool(false)
attribution_overview SensitiveParameterValue bool(false)
attribution_overview SensitiveParameterValue bool(false)
attribution_export_schedule SensitiveParameterValue bool(false)
attribution_export_schedule SensitiveParameterValue bool(false)
attribution_export_run SensitiveParameterValue bool(false)
attribution_export_run SensitiveParameterValue bool(false)
attribution_exports SensitiveParameterValue bool(false)
attribution_exports SensitiveParameterValue bool(false)
attribution_purge SensitiveParameterValue bool(false)
attribution_purge SensitiveParameterValue bool(false)
