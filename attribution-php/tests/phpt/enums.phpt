--TEST--
The enums of kinds and scopes
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
use Attribution\ModelKind;
use Attribution\ScopeType;

foreach ([ModelKind::class, ScopeType::class] as $enum) {
    foreach ($enum::cases() as $case) {
        echo $case::class, ' ', $case->name, ' ', $case->value, ' ', json_encode($enum::from($case->value) === $case), "\n";
    }
    var_dump($enum::tryFrom('nothing'), (new ReflectionEnum($enum))->getBackingType()->getName());
    told(static fn () => $enum::from('nothing'));
}
var_dump(ModelKind::TimeDecay, unserialize(serialize(ScopeType::Global)) === ScopeType::Global);
// Kinds are models' types and scopes are scopes, all of them.
foreach (ModelKind::cases() as $kind) {
    $config = match ($kind) {
        ModelKind::TimeDecay => ['half_life_hours' => 1],
        ModelKind::PositionBased => ['first_touch_weight' => 0.4, 'last_touch_weight' => 0.4],
        default => [],
    };
    try {
        echo attribution_validate_model(['type' => $kind, 'weighting_config' => $config])['type'], "\n";
    } catch (Attribution\InvalidModelException $exception) {
        echo $exception->getMessage(), "\n";
    }
}
$fields = ['campaign_id' => 1, 'ppc_account_id' => 1, 'advertiser_id' => 1, 'traffic_source_id' => 1, 'landing_page_id' => 1, 'adgroup_id' => 1];
$result = attribution_calculate(['type' => 'last_touch'], [conversion($fields)], ['scopes' => ScopeType::cases()]);
echo implode(' ', array_column($result['snapshots'], 'scope_type')), "\n";
?>
--EXPECTF--
Attribution\ModelKind LastTouch last_touch true
Attribution\ModelKind FirstTouch first_touch true
Attribution\ModelKind Linear linear true
Attribution\ModelKind TimeDecay time_decay true
Attribution\ModelKind PositionBased position_based true
Attribution\ModelKind Assisted assisted true
Attribution\ModelKind Algorithmic algorithmic true
NULL
string(6) "string"
ValueError "nothing" is not a valid backing value for enum %s
Attribution\ScopeType Global global true
Attribution\ScopeType Campaign campaign true
Attribution\ScopeType Account account true
Attribution\ScopeType Advertiser advertiser true
Attribution\ScopeType TrafficSource traffic_source true
Attribution\ScopeType LandingPage landing_page true
Attribution\ScopeType Adgroup adgroup true
NULL
string(6) "string"
ValueError "nothing" is not a valid backing value for enum %s
enum(Attribution\ModelKind::TimeDecay)
bool(true)
last_touch
first_touch
linear
time_decay
position_based
assisted
type: "algorithmic" was given, which is not yet available; allowed: last_touch, first_touch, linear, time_decay, position_based, assisted
account adgroup advertiser campaign global landing_page traffic_source
