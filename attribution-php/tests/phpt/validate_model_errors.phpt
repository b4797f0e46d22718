--TEST--
attribution_validate_model() refuses what is no model, and names the field
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$time_decay = static fn (mixed $hours): array => ['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => $hours]];
$position = static fn (mixed $first, mixed $last): array => ['type' => 'position_based', 'weighting_config' => ['first_touch_weight' => $first, 'last_touch_weight' => $last]];
foreach ([
    [],
    ['type' => null],
    ['type' => 5],
    ['type' => ''],
    ['type' => 'first'],
    ['type' => "linear\0"],
    ['type' => 'algorithmic'],
    ['type' => Attribution\ModelKind::Algorithmic],
    ['type' => Attribution\ScopeType::Global],
    ['type' => 'linear', 'model_id' => -1],
    ['type' => 'linear', 'model_id' => 1.0],
    ['type' => 'linear', 'slug' => 'No Slug'],
    ['type' => 'linear', 'slug' => ''],
    ['type' => 'linear', 'slug' => 5],
    ['type' => 'linear', 'name' => ' '],
    ['type' => 'linear', 'name' => "a\0b"],
    ['type' => 'linear', 'name' => str_repeat('é', 256)],
    ['type' => 'linear', 'weighting_config' => ['half_life_hours' => 1]],
    ['type' => 'linear', 'weighting_config' => [1]],
    ['type' => 'linear', 'weighting_config' => 5],
    ['type' => 'linear', 'weighting_config' => true],
    ['type' => 'linear', 'weighting_config' => '5'],
    ['type' => 'linear', 'weighting_config' => '"x"'],
    ['type' => 'time_decay'],
    $time_decay(null),
    $time_decay(true),
    $time_decay(0),
    $time_decay(-1),
    $time_decay(1.5),
    $time_decay('1.5'),
    $time_decay('48h'),
    $time_decay(''),
    $time_decay(4294967296),
    $time_decay(NAN),
    $time_decay(INF),
    $time_decay([48]),
    $time_decay(['hours' => 48]),
    ['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 1, 'days' => 1]],
    ['type' => 'time_decay', 'weighting_config' => '{"half_life_hours": 1, "half_life_hours": 2}'],
    $position(0.6, 0.6),
    $position(-0.1, 0.5),
    $position(0.5, 1.1),
    $position(NAN, 0),
    $position(0, -INF),
    $position('a', 0),
    ['type' => 'position_based', 'weighting_config' => ['first_touch_weight' => 0.4]],
] as $model) {
    told(static fn () => attribution_validate_model($model));
}
// What comes with a name that is not known, or with what is no JSON, has its wording elsewhere.
told_field(static fn () => attribution_validate_model(['type' => 'linear', 'weighting_config' => '{']));
told_field(static fn () => attribution_validate_model(['type' => 'linear', 'weighting_config' => '']));
told_field(static fn () => attribution_validate_model(['linear']));
?>
--EXPECT--
InvalidModelException type: nothing was given; allowed: last_touch, first_touch, linear, time_decay, position_based, assisted
InvalidModelException type: null was given; allowed: text in UTF-8
InvalidModelException type: 5 was given; allowed: text in UTF-8
InvalidModelException type: "" was given; allowed: last_touch, first_touch, linear, time_decay, position_based, assisted
InvalidModelException type: "first" was given; allowed: last_touch, first_touch, linear, time_decay, position_based, assisted
InvalidModelException type: "linear\0" was given; allowed: last_touch, first_touch, linear, time_decay, position_based, assisted
InvalidModelException type: "algorithmic" was given, which is not yet available; allowed: last_touch, first_touch, linear, time_decay, position_based, assisted
InvalidModelException type: "algorithmic" was given, which is not yet available; allowed: last_touch, first_touch, linear, time_decay, position_based, assisted
InvalidModelException type: an object of the class Attribution\ScopeType was given; allowed: text in UTF-8
InvalidModelException model_id: -1 was given; allowed: a whole number from 0 to 18446744073709551615
InvalidModelException model_id: 1.0 was given; allowed: a whole number from 0 to 18446744073709551615
InvalidModelException slug: "No Slug" was given; allowed: 1 to 191 of a-z, 0-9, - and _, beginning and ending with a letter or digit
InvalidModelException slug: "" was given; allowed: 1 to 191 of a-z, 0-9, - and _, beginning and ending with a letter or digit
InvalidModelException slug: 5 was given; allowed: text in UTF-8
InvalidModelException name: an empty name was given; allowed: 1 to 255 characters, none of them a control character
InvalidModelException name: "a\0b" was given; allowed: 1 to 255 characters, none of them a control character
InvalidModelException name: 256 characters were given; allowed: 1 to 255 characters, none of them a control character
InvalidModelException half_life_hours: an unknown field was given; allowed: no config for linear
InvalidModelException weighting_config: a list with entries was given; allowed: an array with names as keys, or JSON of one
InvalidModelException weighting_config: 5 was given; allowed: an array with names as keys, or JSON of one
InvalidModelException weighting_config: true was given; allowed: an array with names as keys, or JSON of one
InvalidModelException weighting_config: a number was given; allowed: a JSON object, or null, {} or [] for no config
InvalidModelException weighting_config: text was given; allowed: a JSON object, or null, {} or [] for no config
InvalidModelException half_life_hours: nothing was given; allowed: a whole number from 1 to 4294967295
InvalidModelException half_life_hours: null was given; allowed: a whole number from 1 to 4294967295
InvalidModelException half_life_hours: true was given; allowed: a whole number from 1 to 4294967295
InvalidModelException half_life_hours: 0 was given; allowed: a whole number from 1 to 4294967295
InvalidModelException half_life_hours: -1 was given; allowed: a whole number from 1 to 4294967295
InvalidModelException half_life_hours: 1.5 was given; allowed: a whole number from 1 to 4294967295
InvalidModelException half_life_hours: "1.5" was given; allowed: a whole number from 1 to 4294967295
InvalidModelException half_life_hours: "48h" was given; allowed: a whole number from 1 to 4294967295
InvalidModelException half_life_hours: "" was given; allowed: a whole number from 1 to 4294967295
InvalidModelException half_life_hours: 4294967296 was given; allowed: a whole number from 1 to 4294967295
InvalidModelException half_life_hours: NaN was given; allowed: a whole number from 1 to 4294967295
InvalidModelException half_life_hours: inf was given; allowed: a whole number from 1 to 4294967295
InvalidModelException half_life_hours: a list was given; allowed: a whole number from 1 to 4294967295
InvalidModelException half_life_hours: an object was given; allowed: a whole number from 1 to 4294967295
InvalidModelException days: an unknown field was given; allowed: half_life_hours for time_decay
InvalidModelException half_life_hours: the field was given twice; allowed: each field once
InvalidModelException first_touch_weight + last_touch_weight: 1.200000 was given; allowed: at most 1
InvalidModelException first_touch_weight: -0.1 was given; allowed: a decimal from 0 to 1, the two together at most 1
InvalidModelException last_touch_weight: 1.1 was given; allowed: a decimal from 0 to 1, the two together at most 1
InvalidModelException first_touch_weight: NaN was given; allowed: a decimal from 0 to 1, the two together at most 1
InvalidModelException last_touch_weight: -inf was given; allowed: a decimal from 0 to 1, the two together at most 1
InvalidModelException first_touch_weight: "a" was given; allowed: a decimal from 0 to 1, the two together at most 1
InvalidModelException last_touch_weight: nothing was given; allowed: a decimal from 0 to 1, the two together at most 1
InvalidModelException weighting_config
InvalidModelException weighting_config
InvalidModelException 0
