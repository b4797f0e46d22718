--TEST--
Where PHP's own memory ends while columns or journeys are made, the script ends as any other
--EXTENSIONS--
attribution
--INI--
memory_limit=40M
--FILE--
<?php
$php = escapeshellarg(PHP_BINARY) . ' ' . getenv('TEST_PHP_EXTRA_ARGS') . ' -d memory_limit=24M -d display_errors=1 -r ';
$columns = <<<'CODE'
register_shutdown_function(function () { echo "shut down\n"; });
$n = 250000;
$c = ["conversion_ids" => pack("Q*", ...range(1, $n)), "converting_click_ids" => str_repeat(pack("Q", 1), $n),
    "conversion_times" => str_repeat(pack("L", 900000), $n), "payout_units" => str_repeat(pack("q", 7), $n),
    "cost_units" => str_repeat(pack("q", 0), $n), "offsets" => pack("Q*", ...range(0, $n)),
    "click_ids" => str_repeat(pack("Q", 1), $n), "click_times" => str_repeat(pack("L", 1), $n)];
attribution_calculate_columns([["type" => "linear"]], $c);
echo "not reached\n";
CODE;
$journeys = <<<'CODE'
register_shutdown_function(function () { echo "shut down\n"; });
$clicks = [];
for ($i = 1; $i <= 400; $i++) $clicks[] = ["click_id" => $i, "click_time" => $i, "visitor_id" => 1, "campaign_id" => 1];
$conversion = ["conv_id" => 1, "click_id" => 400, "conv_time" => 500, "payout" => 1];
attribution_journeys($clicks, array_fill(0, 2000, $conversion), ["max_touches" => 65535]);
echo "not reached\n";
CODE;
foreach ([$columns, $journeys] as $code) {
    exec($php . escapeshellarg($code), $said, $status);
    echo $status, ' ', preg_match('/Allowed memory size/', implode($said)), ' ', end($said), "\n";
}
?>
--EXPECT--
255 1 shut down
255 1 shut down
