--TEST--
attribution_calculate() with the option scopes
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
use Attribution\ScopeType;

// 9 paid and 3 spent over three touches: 3 and 1 each. What the conversion's row tells is the converting click's.
$conversion = conversion([
    'payout' => 9, 'cost' => 3, 'campaign_id' => 3, 'ppc_account_id' => '5',
    'journey' => [
        ['click_id' => 10, 'click_time' => HOUR - 86400, 'campaign_id' => 4, 'landing_page_id' => 8, 'traffic_source_id' => 0],
        ['click_id' => 11, 'click_time' => HOUR - 7200, 'adgroup_id' => 6, 'advertiser_id' => 7, 'traffic_source_id' => 9, 'campaign_id' => null],
    ],
]);
$later = ['conv_id' => 2, 'conv_time' => HOUR + 3600] + $conversion;
$linear = ['type' => 'linear'];
echo "all\n";
show(attribution_calculate($linear, [$later, $conversion], ['scopes' => 'all', 'touchpoints' => false])['snapshots']);
foreach ([
    'campaign',
    'campaign,global',
    ' global , account ',
    [],
    ['landing_page'],
    ['global', ScopeType::Advertiser],
    ScopeType::TrafficSource,
    null,
] as $scopes) {
    echo json_encode($scopes), ': ';
    $result = attribution_calculate($linear, [$conversion], ['scopes' => $scopes]);
    echo implode(' ', array_map(static fn (array $row): string => $row['scope_type'] . ':' . $row['scope_id'], $result['snapshots']));
    echo ' ', count($result['touchpoints']), "\n";
}
echo "last touch alone\n";
show(attribution_calculate(['type' => 'last_touch'], [$conversion], ['scopes' => ['campaign', 'global', 'adgroup']])['snapshots']);
?>
--EXPECT--
all
account 5 1717232400 1 1 3.00000 1.00000 0.33333
account 5 1717236000 1 1 3.00000 1.00000 0.33333
adgroup 6 1717232400 1 1 3.00000 1.00000 0.33333
adgroup 6 1717236000 1 1 3.00000 1.00000 0.33333
advertiser 7 1717232400 1 1 3.00000 1.00000 0.33333
advertiser 7 1717236000 1 1 3.00000 1.00000 0.33333
campaign 3 1717232400 1 1 3.00000 1.00000 0.33333
campaign 3 1717236000 1 1 3.00000 1.00000 0.33333
campaign 4 1717232400 1 1 3.00000 1.00000 0.33334
campaign 4 1717236000 1 1 3.00000 1.00000 0.33334
global null 1717232400 3 1 9.00000 3.00000 1.00000
global null 1717236000 3 1 9.00000 3.00000 1.00000
landing_page 8 1717232400 1 1 3.00000 1.00000 0.33334
landing_page 8 1717236000 1 1 3.00000 1.00000 0.33334
traffic_source 9 1717232400 1 1 3.00000 1.00000 0.33333
traffic_source 9 1717236000 1 1 3.00000 1.00000 0.33333
"campaign": campaign:3 campaign:4 3
"campaign,global": campaign:3 campaign:4 global: 3
" global , account ": account:5 global: 3
[]:  3
["landing_page"]: landing_page:8 3
["global","advertiser"]: advertiser:7 global: 3
"traffic_source": traffic_source:9 3
null: global: 3
last touch alone
campaign 3 1717232400 1 1 9.00000 3.00000 1.00000
global null 1717232400 1 1 9.00000 3.00000 1.00000
