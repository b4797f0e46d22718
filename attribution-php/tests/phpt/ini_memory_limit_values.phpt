--TEST--
What the setting attribution.memory_limit may be
--EXTENSIONS--
attribution
--FILE--
<?php
$php = escapeshellarg(PHP_BINARY) . ' ' . getenv('TEST_PHP_EXTRA_ARGS');
$script = 'try { echo count(attribution_calculate(["type" => "linear"], [["conv_id" => 1, "click_id" => 1, "conv_time" => 5, "payout" => 1]])["snapshots"]); }'
    . ' catch (Attribution\Exception $exception) { echo substr($exception::class, 12), " ", $exception->field; }';
foreach (['64m', '1G', '65536K', '67108864', '-1', '0', '', 'lots', '1T', '-2', '1.5M', '99999999999G'] as $value) {
    $command = $php . ' -d ' . escapeshellarg("attribution.memory_limit=$value") . ' -r ' . escapeshellarg($script);
    echo $value, ': ', shell_exec($command), "\n";
}
?>
--EXPECT--
64m: 1
1G: 1
65536K: 1
67108864: 1
-1: 1
0: LimitException conversions
: InvalidInputException attribution.memory_limit
lots: InvalidInputException attribution.memory_limit
1T: InvalidInputException attribution.memory_limit
-2: InvalidInputException attribution.memory_limit
1.5M: InvalidInputException attribution.memory_limit
99999999999G: InvalidInputException attribution.memory_limit
