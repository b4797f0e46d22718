--TEST--
Attribution\Model
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
use Attribution\Model;
use Attribution\ModelKind;

$model = new Model(['type' => ModelKind::TimeDecay, 'weighting_config' => ['half_life_hours' => '48'], 'model_id' => 7, 'slug' => 'a', 'name' => 'Mine']);
var_dump($model->kind, $model->name, $model->slug, $model->modelId, $model->weightingConfig);
echo json_encode($model), "\n";
var_dump($model->toArray() === attribution_validate_model($model->toArray()), $model instanceof JsonSerializable);
var_dump(isset($model->name), isset($model->nothing));
echo "defaults\n";
$plain = new Model(['type' => 'linear']);
var_dump($plain->kind === ModelKind::Linear, $plain->name, $plain->slug, $plain->modelId, $plain->weightingConfig);
echo json_encode($plain->toArray()), "\n";
echo "specs\n";
foreach (['linear', 'time_decay:half_life_hours=48', 'Mine=position_based:first_touch_weight=0.4,last_touch_weight=0.25'] as $spec) {
    echo json_encode(Model::fromSpec($spec)), "\n";
}
echo "errors\n";
told(static fn () => new Model([]));
told(static fn () => new Model(['type' => 'time_decay']));
told(static fn () => Model::fromSpec(''));
told(static fn () => Model::fromSpec("linear\0"));
told(static fn () => Model::fromSpec('linear:colour=red'));
told(static fn () => Model::fromSpec('time_decay:half_life_hours'));
echo "they cannot be changed, extended or stored\n";
$before = json_encode($model);
foreach ([
    static function () use ($model): void {
        $model->name = 'Other';
    },
    static function () use ($model): void {
        $model->weightingConfig = [];
    },
    static function () use ($model): void {
        unset($model->kind);
    },
] as $change) {
    try {
        $change();
        echo "changed\n";
    } catch (Throwable) {
        echo "refused\n";
    }
}
$config = $model->weightingConfig;
$config['half_life_hours'] = 1;
var_dump(json_encode($model) === $before);
var_dump((new ReflectionClass(Model::class))->isFinal());
foreach ([static fn () => serialize($model), static fn () => unserialize('O:17:"Attribution\Model":0:{}')] as $store) {
    told($store);
}
echo "a copy\n";
$copy = clone $model;
unset($model);
echo json_encode($copy), "\n";
?>
--EXPECT--
enum(Attribution\ModelKind::TimeDecay)
string(4) "Mine"
string(1) "a"
int(7)
array(1) {
  ["half_life_hours"]=>
  int(48)
}
{"type":"time_decay","weighting_config":{"half_life_hours":48},"model_id":7,"slug":"a","name":"Mine"}
bool(true)
bool(true)
bool(true)
bool(false)
defaults
bool(true)
string(6) "linear"
string(6) "linear"
NULL
array(0) {
}
{"type":"linear","weighting_config":[],"slug":"linear","name":"linear"}
specs
{"type":"linear","weighting_config":[],"slug":"linear","name":"linear"}
{"type":"time_decay","weighting_config":{"half_life_hours":48},"slug":"time-decay","name":"time_decay"}
{"type":"position_based","weighting_config":{"first_touch_weight":0.4,"last_touch_weight":0.25},"slug":"mine","name":"Mine"}
errors
InvalidModelException type: nothing was given; allowed: last_touch, first_touch, linear, time_decay, position_based, assisted
InvalidModelException half_life_hours: nothing was given; allowed: a whole number from 1 to 4294967295
InvalidModelException type: "" was given; allowed: last_touch, first_touch, linear, time_decay, position_based, assisted
InvalidModelException type: "linear\0" was given; allowed: last_touch, first_touch, linear, time_decay, position_based, assisted
InvalidModelException colour: an unknown field was given; allowed: no config for linear
InvalidModelException weighting_config: "half_life_hours" was given; allowed: key=value,key=value after the colon
they cannot be changed, extended or stored
refused
refused
refused
bool(true)
bool(true)
Exception Serialization of 'Attribution\Model' is not allowed
Exception Unserialization of 'Attribution\Model' is not allowed
a copy
{"type":"time_decay","weighting_config":{"half_life_hours":48},"model_id":7,"slug":"a","name":"Mine"}
