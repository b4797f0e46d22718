--TEST--
attribution_journeys() assembles journeys that attribution_calculate() takes
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$click = static fn (int $id, int $time, int|string|null $visitor, ?int $campaign, array $more = []): array => $more + [
    'click_id' => $id, 'click_time' => $time, 'visitor_id' => $visitor, 'campaign_id' => $campaign,
];
$clicks = [
    $click(6, 500, 'a', 1, ['cost' => '0.6', 'landing_page_id' => 8]),
    $click(1, 100, 'a', 1, ['cost' => 9]),
    $click(2, 200, 'a', 1),
    $click(3, 250, 'b', 1),
    $click(4, 300, 'a', 2),
    $click(5, 400, 'a', 1, ['filtered' => true]),
    $click(7, 450, null, 1),
    $click(8, 460, '', 1),
];
$conversion = ['conv_id' => 1, 'click_id' => 6, 'conv_time' => 600, 'payout' => 5];
echo "rows\n";
foreach (attribution_journeys($clicks, [$conversion, ['conv_id' => 2, 'click_id' => 99, 'conv_time' => 700, 'payout' => '0.5', 'cost' => 2, 'click_time' => 650]]) as $row) {
    echo json_encode($row), "\n";
}
$assemble = static function (array $fields, array $options = []) use ($clicks, $conversion): void {
    [$row] = attribution_journeys($clicks, [$fields + $conversion], $options);
    echo json_encode($options), ' ', implode(' ', array_column($row['journey'], 'click_id')), "\n";
};
echo "keys\n";
foreach (['visitor_campaign', 'visitor', 'campaign', 'none', null] as $key) {
    $assemble([], ['journey_key' => $key]);
}
echo "the conversion's campaign goes before the click's\n";
$assemble(['campaign_id' => 2]);
$assemble(['campaign_id' => 2], ['journey_key' => 'visitor']);
echo "lookback, both ends included\n";
foreach ([0, 100, 399, 400, '400', '400s', '10m', '1h', '30d', null] as $lookback) {
    $assemble([], ['lookback' => $lookback]);
}
echo "the newest touches, and the converting click\n";
foreach ([1, 2, 3, 65535, null] as $most) {
    $assemble([], ['max_touches' => $most]);
    $assemble(['click_id' => 1], ['max_touches' => $most]);
}
echo "a converting click that is filtered\n";
$assemble(['click_id' => 5]);
echo "visitors that are not known have the converting click alone\n";
$assemble(['click_id' => 7]);
$assemble(['click_id' => 8], ['journey_key' => 'visitor']);
$assemble(['click_id' => 7], ['journey_key' => 'campaign']);
echo "a visitor's number, as int and as text\n";
$numbered = [$click(1, 10, 7, 1), $click(2, 20, '7', 1), $click(3, 30, '07', 1), $click(4, 40, "7\0", 1), $click(5, 50, 7, 1)];
[$row] = attribution_journeys($numbered, [['conv_id' => 1, 'click_id' => 5, 'conv_time' => 60, 'payout' => 0]]);
echo implode(' ', array_column($row['journey'], 'click_id')), "\n";
echo "calculated\n";
show(attribution_calculate(['type' => 'linear'], attribution_journeys($clicks, [$conversion]), ['scopes' => 'all'])['snapshots']);
echo "nothing\n";
var_dump(attribution_journeys($clicks, []));
show(attribution_journeys([], [$conversion])[0]['journey']);
?>
--EXPECT--
rows
{"conv_id":1,"click_id":6,"conv_time":600,"click_time":500,"payout":"5.00000","cost":"0.60000","journey":[{"click_id":1,"click_time":100,"campaign_id":1},{"click_id":2,"click_time":200,"campaign_id":1},{"click_id":6,"click_time":500,"campaign_id":1,"landing_page_id":8}]}
{"conv_id":2,"click_id":99,"conv_time":700,"click_time":650,"payout":"0.50000","cost":"2.00000","journey":[{"click_id":99,"click_time":650}]}
keys
{"journey_key":"visitor_campaign"} 1 2 6
{"journey_key":"visitor"} 1 2 4 6
{"journey_key":"campaign"} 1 2 3 7 8 6
{"journey_key":"none"} 6
{"journey_key":null} 1 2 6
the conversion's campaign goes before the click's
[] 4 6
{"journey_key":"visitor"} 1 2 4 6
lookback, both ends included
{"lookback":0} 6
{"lookback":100} 6
{"lookback":399} 6
{"lookback":400} 2 6
{"lookback":"400"} 2 6
{"lookback":"400s"} 2 6
{"lookback":"10m"} 1 2 6
{"lookback":"1h"} 1 2 6
{"lookback":"30d"} 1 2 6
{"lookback":null} 1 2 6
the newest touches, and the converting click
{"max_touches":1} 6
{"max_touches":1} 1 6
{"max_touches":2} 2 6
{"max_touches":2} 1 2 6
{"max_touches":3} 1 2 6
{"max_touches":3} 1 2 6
{"max_touches":65535} 1 2 6
{"max_touches":65535} 1 2 6
{"max_touches":null} 1 2 6
{"max_touches":null} 1 2 6
a converting click that is filtered
[] 1 2 5 6
visitors that are not known have the converting click alone
[] 7
{"journey_key":"visitor"} 8
{"journey_key":"campaign"} 1 2 3 7 8 6
a visitor's number, as int and as text
1 2 5
calculated
campaign 1 0 3 1 5.00000 0.60000 1.00000
global null 0 3 1 5.00000 0.60000 1.00000
landing_page 8 0 1 1 1.66666 0.20000 0.33333
nothing
array(0) {
}
6 600
