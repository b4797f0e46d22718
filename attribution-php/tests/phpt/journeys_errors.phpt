--TEST--
attribution_journeys() refuses rows and options by their names
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$click = ['click_id' => 1, 'click_time' => 5];
$conversion = ['conv_id' => 1, 'click_id' => 1, 'conv_time' => 6, 'payout' => 1];
foreach ([
    ['click_id' => null], ['click_id' => -1], ['click_id' => '1 '], ['click_time' => 'now'], ['click_time' => 4294967296],
    ['visitor_id' => 1.5], ['visitor_id' => -1], ['visitor_id' => []], ['visitor_id' => true], ['visitor_id' => new stdClass()],
    ['cost' => -1], ['cost' => NAN], ['filtered' => 2], ['filtered' => 'yes'], ['filtered' => []],
    ['campaign_id' => -4], ['ppc_account_id' => 'x'], ['landing_page_id' => 1.0], ['advertiser_id' => []],
    ['traffic_source_id' => false], ['adgroup_id' => INF],
] as $fields) {
    told_field(static fn () => attribution_journeys([$click, $fields + ['click_id' => 2] + $click], []));
}
foreach ([
    ['conv_id' => null], ['click_id' => '0x1'], ['conv_time' => -1], ['payout' => 'x'], ['payout' => null],
    ['cost' => -1], ['campaign_id' => 'x'], ['click_time' => 1.5],
] as $fields) {
    told_field(static fn () => attribution_journeys([$click], [$fields + $conversion]));
}
told_field(static fn () => attribution_journeys([1 => $click], []));
told_field(static fn () => attribution_journeys(['x'], []));
told_field(static fn () => attribution_journeys([$click], [new ArrayObject()]));
told_field(static fn () => attribution_journeys([[]], []));
told_field(static fn () => attribution_journeys([], [[]]));
foreach ([
    ['journey_key' => 'day'], ['journey_key' => 5], ['journey_key' => "none\0"], ['lookback' => '30x'], ['lookback' => 'd'],
    ['lookback' => -1], ['lookback' => 1.5], ['lookback' => '9999999d'], ['max_touches' => 0], ['max_touches' => 65536],
    ['max_touches' => '1.5'], ['scopes' => 'all'],
] as $options) {
    told_field(static fn () => attribution_journeys([], [], $options));
}
told(static fn () => attribution_journeys([], [], ['journey_key' => 'day']));
told(static fn () => attribution_journeys([], [], ['lookback' => '30x']));
told(static fn () => attribution_journeys([], [], ['colour' => 'red']));
// One click cannot be two.
told_field(static fn () => attribution_journeys([$click, $click], [$conversion]) ?: 0);
?>
--EXPECTF--
InvalidInputException clicks[1].click_id
InvalidInputException clicks[1].click_id
InvalidInputException clicks[1].click_id
InvalidInputException clicks[1].click_time
InvalidInputException clicks[1].click_time
InvalidInputException clicks[1].visitor_id
InvalidInputException clicks[1].visitor_id
InvalidInputException clicks[1].visitor_id
InvalidInputException clicks[1].visitor_id
InvalidInputException clicks[1].visitor_id
InvalidInputException clicks[1].cost
InvalidInputException clicks[1].cost
InvalidInputException clicks[1].filtered
InvalidInputException clicks[1].filtered
InvalidInputException clicks[1].filtered
InvalidInputException clicks[1].campaign_id
InvalidInputException clicks[1].ppc_account_id
InvalidInputException clicks[1].landing_page_id
InvalidInputException clicks[1].advertiser_id
InvalidInputException clicks[1].traffic_source_id
InvalidInputException clicks[1].adgroup_id
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].click_id
InvalidInputException conversions[0].conv_time
InvalidInputException conversions[0].payout
InvalidInputException conversions[0].payout
InvalidInputException conversions[0].cost
InvalidInputException conversions[0].campaign_id
InvalidInputException conversions[0].click_time
InvalidInputException clicks
InvalidInputException clicks[0]
InvalidInputException conversions[0]
InvalidInputException clicks[0].click_id
InvalidInputException conversions[0].conv_id
InvalidInputException options.journey_key
InvalidInputException options.journey_key
InvalidInputException options.journey_key
InvalidInputException options.lookback
InvalidInputException options.lookback
InvalidInputException options.lookback
InvalidInputException options.lookback
InvalidInputException options.lookback
InvalidInputException options.max_touches
InvalidInputException options.max_touches
InvalidInputException options.max_touches
InvalidInputException options
InvalidInputException options.journey_key: found "day", allowed: visitor_campaign, visitor, campaign, none
InvalidInputException options.lookback: found "30x", allowed: seconds, or text such as 30d or 12h
InvalidInputException options: found an unknown key "colour", allowed: journey_key, lookback, max_touches
InvalidInputException clicks%S[1]%S
