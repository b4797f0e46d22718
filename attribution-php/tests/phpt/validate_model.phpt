--TEST--
attribution_validate_model() gives the normal form of a model
--EXTENSIONS--
attribution
--FILE--
<?php
foreach ([
    ['type' => 'linear'],
    ['type' => 'last_touch', 'weighting_config' => null],
    ['type' => 'first_touch', 'weighting_config' => []],
    ['type' => 'assisted', 'weighting_config' => 'null'],
    ['type' => 'assisted', 'weighting_config' => '{}'],
    ['type' => 'assisted', 'weighting_config' => '[]'],
    ['type' => Attribution\ModelKind::TimeDecay, 'weighting_config' => ['half_life_hours' => '48']],
    ['type' => 'time_decay', 'weighting_config' => '{"half_life_hours": 48.0}'],
    ['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 4294967295]],
    // 0.3333335 and 0.3333325 are halves at 6 places: both go to the even neighbour.
    ['type' => 'position_based', 'weighting_config' => ['first_touch_weight' => '0.3333335', 'last_touch_weight' => '0.3333325']],
    ['type' => 'position_based', 'weighting_config' => ['last_touch_weight' => 0.25, 'first_touch_weight' => 0]],
    ['type' => 'linear', 'name' => ' Élan  & Co. 2 '],
    ['type' => 'linear', 'model_id' => 7, 'name' => 'Mine', 'slug' => 'my_own-1'],
    ['type' => 'linear', 'model_id' => '18446744073709551615'],
    ['type' => 'linear', 'model_id' => null, 'name' => null, 'slug' => null],
    ['type' => 'linear', 'name' => str_repeat('x', 255), 'slug' => 's'],
] as $model) {
    echo json_encode(attribution_validate_model($model), JSON_UNESCAPED_UNICODE), "\n";
}
$normal = attribution_validate_model(['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => '2'], 'model_id' => '5', 'slug' => 'x']);
var_dump($normal);
var_dump(attribution_validate_model($normal) === $normal);
?>
--EXPECTF--
{"type":"linear","weighting_config":[],"slug":"linear","name":"linear"}
{"type":"last_touch","weighting_config":[],"slug":"last-touch","name":"last_touch"}
{"type":"first_touch","weighting_config":[],"slug":"first-touch","name":"first_touch"}
{"type":"assisted","weighting_config":[],"slug":"assisted","name":"assisted"}
{"type":"assisted","weighting_config":[],"slug":"assisted","name":"assisted"}
{"type":"assisted","weighting_config":[],"slug":"assisted","name":"assisted"}
{"type":"time_decay","weighting_config":{"half_life_hours":48},"slug":"time-decay","name":"time_decay"}
{"type":"time_decay","weighting_config":{"half_life_hours":48},"slug":"time-decay","name":"time_decay"}
{"type":"time_decay","weighting_config":{"half_life_hours":4294967295},"slug":"time-decay","name":"time_decay"}
{"type":"position_based","weighting_config":{"first_touch_weight":0.333334,"last_touch_weight":0.333332},"slug":"position-based","name":"position_based"}
{"type":"position_based","weighting_config":{"first_touch_weight":0%S,"last_touch_weight":0.25},"slug":"position-based","name":"position_based"}
{"type":"linear","weighting_config":[],"slug":"lan-co-2","name":"Élan  & Co. 2"}
{"type":"linear","weighting_config":[],"model_id":7,"slug":"my_own-1","name":"Mine"}
{"type":"linear","weighting_config":[],"model_id":"18446744073709551615","slug":"linear","name":"linear"}
{"type":"linear","weighting_config":[],"slug":"linear","name":"linear"}
{"type":"linear","weighting_config":[],"slug":"s","name":"%s"}
array(5) {
  ["type"]=>
  string(10) "time_decay"
  ["weighting_config"]=>
  array(1) {
    ["half_life_hours"]=>
    int(2)
  }
  ["model_id"]=>
  int(5)
  ["slug"]=>
  string(1) "x"
  ["name"]=>
  string(10) "time_decay"
}
bool(true)
