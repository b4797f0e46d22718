--TEST--
Objects are refused by the field's name and none of their methods runs
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
final class Hostile implements ArrayAccess, IteratorAggregate, Countable, JsonSerializable
{
    public int $click_id = 5;

    public function __toString(): string
    {
        throw new LogicException('__toString() ran');
    }

    public function __get(string $name): mixed
    {
        throw new LogicException('__get() ran');
    }

    public function __invoke(): never
    {
        throw new LogicException('__invoke() ran');
    }

    public function offsetExists(mixed $offset): bool
    {
        throw new LogicException('offsetExists() ran');
    }

    public function offsetGet(mixed $offset): mixed
    {
        throw new LogicException('offsetGet() ran');
    }

    public function offsetSet(mixed $offset, mixed $value): void
    {
        throw new LogicException('offsetSet() ran');
    }

    public function offsetUnset(mixed $offset): void
    {
        throw new LogicException('offsetUnset() ran');
    }

    public function getIterator(): Iterator
    {
        throw new LogicException('getIterator() ran');
    }

    public function count(): int
    {
        throw new LogicException('count() ran');
    }

    public function jsonSerialize(): mixed
    {
        throw new LogicException('jsonSerialize() ran');
    }
}
enum Fake: string
{
    case Linear = 'linear';
    case Global = 'global';
}
$linear = ['type' => 'linear'];
$path = __DIR__ . '/hostile_objects.csv';
$nowhere = 'mysql://user@127.0.0.1:1/database';
foreach ([new Hostile(), static fn () => 5, fopen('php://memory', 'r'), Fake::Linear, new SplFixedArray(3), new DateTimeImmutable()] as $bad) {
    echo get_debug_type($bad), "\n";
    $places = [];
    foreach ([
        static fn () => attribution_calculate($linear, [$bad]),
        static fn () => attribution_calculate($linear, [conversion(['conv_id' => $bad])]),
        static fn () => attribution_calculate($linear, [conversion(['conv_time' => $bad])]),
        static fn () => attribution_calculate($linear, [conversion(['payout' => $bad])]),
        static fn () => attribution_calculate($linear, [conversion(['cost' => $bad])]),
        static fn () => attribution_calculate($linear, [conversion(['journey' => $bad])]),
        static fn () => attribution_calculate($linear, [conversion(['journey' => [$bad]])]),
        static fn () => attribution_calculate($linear, [], ['scopes' => $bad]),
        static fn () => attribution_calculate($linear, [], ['scopes' => [$bad]]),
        static fn () => attribution_calculate($linear, [], ['touchpoints' => $bad]),
        static fn () => attribution_calculate($linear, [], ['threads' => $bad]),
        static fn () => attribution_calculate(['type' => $bad], []),
        static fn () => attribution_calculate($linear + ['weighting_config' => $bad], []),
        static fn () => attribution_calculate($linear + ['name' => $bad], []),
        static fn () => attribution_calculate($linear + ['slug' => $bad], []),
        static fn () => attribution_calculate($linear + ['model_id' => $bad], []),
        static fn () => attribution_validate_model(['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => $bad]]),
        static fn () => attribution_calculate_columns([$bad], columns()),
        static fn () => attribution_calculate_columns([$linear], columns(['click_ids' => $bad])),
        static fn () => attribution_calculate_columns([$linear], columns(['click_ids' => [10, $bad, 12]])),
        static fn () => attribution_calculate_columns([$linear], columns(['payouts' => [$bad]])),
        static fn () => attribution_journeys([['click_id' => 1, 'click_time' => 1, 'visitor_id' => $bad]], []),
        static fn () => attribution_journeys([['click_id' => 1, 'click_time' => 1, 'filtered' => $bad]], []),
        static fn () => attribution_journeys([], [], ['journey_key' => $bad]),
        static fn () => attribution_journeys([], [], ['lookback' => $bad]),
        static fn () => attribution_export(['a' => $bad], $path, 'csv'),
        static fn () => attribution_export(['snapshots' => $bad], $path, 'csv'),
        static fn () => attribution_export(['snapshots' => [$bad]], $path, 'csv'),
        static fn () => attribution_export(['snapshots' => [], 'model' => $bad], $path, 'csv'),
        static fn () => attribution_check(['database' => $bad]),
        static fn () => attribution_check(['database' => 'd', 'user' => 'u', 'password' => $bad]),
        static fn () => attribution_rebuild($nowhere, ['user' => $bad]),
        static fn () => attribution_rebuild($nowhere, ['start' => $bad]),
        static fn () => attribution_rebuild($nowhere, ['replica' => $bad]),
        static fn () => attribution_snapshots($nowhere, ['user' => 1, 'model' => $bad, 'start' => 1, 'end' => 2]),
    ] as $call) {
        try {
            $call();
            $places[] = 'no exception';
        } catch (Attribution\InvalidModelException | Attribution\InvalidInputException $exception) {
            $places[] = $exception->field;
        } catch (Throwable $exception) {
            $places[] = $exception::class . ' ' . $exception->getMessage();
        }
    }
    $expected ??= $places;
    echo $places === $expected ? "the same\n" : json_encode(array_diff_assoc($places, $expected)) . "\n";
}
echo implode("\n", $expected), "\n";
told(static fn () => attribution_calculate($linear, [conversion(['payout' => new Hostile()])]));
told(static fn () => attribution_calculate(['type' => Fake::Linear], []));
// A closure may tell what happens, and nothing else may.
told_field(static fn () => attribution_rebuild($nowhere, ['progress' => new stdClass()]));
told_field(static fn () => attribution_rebuild($nowhere, ['progress' => 'no_such_function']));
told_field(static fn () => attribution_rebuild($nowhere, ['progress' => static fn () => true]));
?>
--EXPECT--
Hostile
the same
Closure
the same
resource (stream)
the same
Fake
the same
SplFixedArray
the same
DateTimeImmutable
the same
conversions[0]
conversions[0].conv_id
conversions[0].conv_time
conversions[0].payout
conversions[0].cost
conversions[0].journey
conversions[0].journey[0]
options.scopes
options.scopes[0]
options.touchpoints
options.threads
type
weighting_config
name
slug
model_id
half_life_hours
models[0]
click_ids
click_ids[1]
payouts[0]
clicks[0].visitor_id
clicks[0].filtered
options.journey_key
options.lookback
result[a]
result.snapshots
result.snapshots[0]
result.model
database.database
database.password
options.user
options.start
options.replica
query.model
InvalidInputException conversions[0].payout: found an object of the class Hostile, allowed: an amount with at most 5 decimals as int, float or decimal string, from -92233720368547.75808 to 92233720368547.75807
InvalidModelException type: an object of the class Fake was given; allowed: text in UTF-8
InvalidInputException options.progress
InvalidInputException options.progress
DatabaseException no field
