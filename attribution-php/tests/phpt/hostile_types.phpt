--TEST--
Arguments and values of wrong types are refused by their names
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$linear = ['type' => 'linear'];
$path = __DIR__ . '/hostile_types.csv';
// A TypeError, as PHP's own functions have it, with the argument's name.
$argument = static function (string $name, Closure $call): void {
    try {
        $call();
        echo "$name: no exception\n";
    } catch (TypeError $error) {
        echo $name, ' ', $error::class, str_contains($error->getMessage(), $name) ? '' : ': ' . $error->getMessage(), "\n";
    }
};
foreach ([5, null, 'linear', (object) $linear, true] as $bad) {
    $argument('model', static fn () => attribution_calculate($bad, []));
}
$argument('conversions', static fn () => attribution_calculate($linear, 'rows'));
$argument('conversions', static fn () => attribution_calculate($linear, new ArrayIterator([])));
$argument('options', static fn () => attribution_calculate($linear, [], 'all'));
$argument('model', static fn () => attribution_validate_model('linear'));
$argument('models', static fn () => attribution_calculate_columns('linear', []));
$argument('columns', static fn () => attribution_calculate_columns([], 5));
$argument('options', static fn () => attribution_calculate_columns([], columns(), 5));
$argument('clicks', static fn () => attribution_journeys(5, []));
$argument('conversions', static fn () => attribution_journeys([], 5));
$argument('options', static fn () => attribution_journeys([], [], 5));
$argument('result', static fn () => attribution_export(5, $path, 'csv'));
$argument('path', static fn () => attribution_export([], [], 'csv'));
$argument('format', static fn () => attribution_export([], $path, []));
foreach ([5, 1.5, null, true, new stdClass()] as $bad) {
    $argument('database', static fn () => attribution_check($bad));
}
$argument('database', static fn () => attribution_rebuild(5));
$argument('options', static fn () => attribution_rebuild('mysql://u@127.0.0.1:1/d', 5));
$argument('database', static fn () => attribution_backfill(null));
$argument('options', static fn () => attribution_backfill('mysql://u@127.0.0.1:1/d', 'x'));
$argument('database', static fn () => attribution_snapshots(1, ['user' => 1, 'model' => 'm', 'start' => 0, 'end' => 1]));
$argument('query', static fn () => attribution_snapshots('mysql://u@127.0.0.1:1/d', 'x'));
$argument('options', static fn () => new Attribution\Engine('all'));
$argument('model', static fn () => new Attribution\Model('linear'));
$argument('spec', static fn () => Attribution\Model::fromSpec([]));
echo "fields\n";
$file = fopen('php://memory', 'r');
foreach ([null, true, 1.5, 'x', [], new stdClass(), static fn () => 1, $file] as $bad) {
    echo get_debug_type($bad), ':';
    foreach (['conv_id', 'click_id', 'conv_time', 'click_time', 'payout', 'cost', 'journey', 'campaign_id', 'ppc_account_id', 'landing_page_id'] as $field) {
        try {
            attribution_calculate($linear, [conversion([$field => $bad])], ['scopes' => 'all']);
            echo " ($field)";
        } catch (Attribution\InvalidInputException $exception) {
            echo $exception->field === "conversions[0].$field" ? " $field" : " $field: {$exception->getMessage()}";
        }
    }
    echo "\n";
}
echo "touches\n";
foreach ([
    [['click_id' => 1]],
    [['click_time' => 1]],
    [['click_id' => 1, 'click_time' => 1], 5],
    [['click_id' => null, 'click_time' => 1]],
    [['click_id' => 1, 'click_time' => 1.0]],
    [['click_id' => 1, 'click_time' => 1, 'campaign_id' => 'x']],
    [['click_id' => 1, 'click_time' => 1, 'adgroup_id' => -1]],
    [(object) ['click_id' => 1, 'click_time' => 1]],
    [null],
] as $journey) {
    told_field(static fn () => attribution_calculate($linear, [conversion(), conversion(['journey' => $journey])], ['scopes' => 'all']));
}
echo "missing\n";
foreach (array_keys(conversion()) as $field) {
    $row = conversion();
    unset($row[$field]);
    told_field(static fn () => attribution_calculate($linear, [$row]));
}
echo "messages\n";
told(static fn () => attribution_calculate($linear, [conversion(['conv_id' => $file])]));
told(static fn () => attribution_calculate($linear, [conversion(['click_id' => []])]));
told(static fn () => attribution_calculate($linear, [conversion(['conv_time' => new ArrayObject()])]));
told(static fn () => attribution_calculate($linear, [conversion(['journey' => 5])]));
told(static fn () => attribution_calculate($linear, [5]));
told(static fn () => attribution_calculate($linear, [[]]));
?>
--EXPECT--
model TypeError
model TypeError
model TypeError
model TypeError
model TypeError
conversions TypeError
conversions TypeError
options TypeError
model TypeError
models TypeError
columns TypeError
options TypeError
clicks TypeError
conversions TypeError
options TypeError
result TypeError
path TypeError
format TypeError
database TypeError
database TypeError
database TypeError
database TypeError
database TypeError
database TypeError
options TypeError
database TypeError
options TypeError
database TypeError
query TypeError
options TypeError
model TypeError
spec TypeError
fields
null: conv_id click_id conv_time (click_time) payout (cost) (journey) (campaign_id) (ppc_account_id) (landing_page_id)
bool: conv_id click_id conv_time click_time payout cost journey campaign_id ppc_account_id landing_page_id
float: conv_id click_id conv_time click_time (payout) (cost) journey campaign_id ppc_account_id landing_page_id
string: conv_id click_id conv_time click_time payout cost journey campaign_id ppc_account_id landing_page_id
array: conv_id click_id conv_time click_time payout cost (journey) campaign_id ppc_account_id landing_page_id
stdClass: conv_id click_id conv_time click_time payout cost journey campaign_id ppc_account_id landing_page_id
Closure: conv_id click_id conv_time click_time payout cost journey campaign_id ppc_account_id landing_page_id
resource (stream): conv_id click_id conv_time click_time payout cost journey campaign_id ppc_account_id landing_page_id
touches
InvalidInputException conversions[1].journey[0].click_time
InvalidInputException conversions[1].journey[0].click_id
InvalidInputException conversions[1].journey[1]
InvalidInputException conversions[1].journey[0].click_id
InvalidInputException conversions[1].journey[0].click_time
InvalidInputException conversions[1].journey[0].campaign_id
InvalidInputException conversions[1].journey[0].adgroup_id
InvalidInputException conversions[1].journey[0]
InvalidInputException conversions[1].journey[0]
missing
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].click_id
InvalidInputException conversions[0].conv_time
no exception
InvalidInputException conversions[0].payout
no exception
no exception
messages
InvalidInputException conversions[0].conv_id: found a resource, allowed: a whole number from 0 to 18446744073709551615
InvalidInputException conversions[0].click_id: found an array, allowed: a whole number from 0 to 18446744073709551615
InvalidInputException conversions[0].conv_time: found an object of the class ArrayObject, allowed: a whole number of seconds from 0 to 4294967295
InvalidInputException conversions[0].journey: found 5, allowed: a list
InvalidInputException conversions[0]: found 5, allowed: an array with names as keys
InvalidInputException conversions[0].conv_time: found nothing, allowed: a value
