--TEST--
Strings with NUL, bytes that are not UTF-8, and long ones
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$linear = ['type' => 'linear'];
$path = __DIR__ . '/hostile_strings.csv';
$nowhere = 'mysql://user@127.0.0.1:1/database';
$long = str_repeat('9', 1000000);
foreach (["1\0", "\0", "\xff1", "1\xc3", $long, "१", str_repeat('x', 1000000)] as $bad) {
    foreach ([
        static fn () => attribution_calculate($linear, [conversion(['conv_id' => $bad])]),
        static fn () => attribution_calculate($linear, [conversion(['conv_time' => $bad])]),
        static fn () => attribution_calculate($linear, [conversion(['payout' => $bad])]),
        static fn () => attribution_calculate($linear, [], ['scopes' => $bad]),
        static fn () => attribution_calculate($linear, [], ['scopes' => [$bad]]),
        static fn () => attribution_calculate($linear, [], [$bad => 1]),
        static fn () => attribution_calculate(['type' => $bad], []),
        static fn () => attribution_calculate(['type' => 'linear', $bad => 1], []),
        static fn () => attribution_calculate($linear + ['slug' => $bad], []),
        static fn () => attribution_validate_model(['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => $bad]]),
        static fn () => attribution_validate_model($linear + ['weighting_config' => $bad]),
        static fn () => attribution_journeys([], [], ['journey_key' => $bad]),
        static fn () => attribution_journeys([], [], ['lookback' => $bad]),
        static fn () => attribution_calculate_columns([$linear], columns([$bad => []])),
        static fn () => attribution_export([], $path, $bad),
        static fn () => attribution_check($bad),
        static fn () => attribution_check(['database' => 'd', 'host' => $bad . ' ']),
        static fn () => attribution_rebuild($nowhere, ['start' => $bad]),
        static fn () => attribution_rebuild($nowhere, ['progress' => $bad]),
    ] as $place => $call) {
        try {
            $call();
            echo bin2hex(substr($bad, 0, 4)), " $place: no exception\n";
        } catch (Attribution\InvalidModelException | Attribution\InvalidInputException $exception) {
            // Messages are short, text, and fit for a log.
            $message = $exception->getMessage();
            if (strlen($message) > 500 || preg_match('/[\0-\x1f]/', $message) || !preg_match('//u', $message)) {
                echo bin2hex(substr($bad, 0, 4)), " $place: ", strlen($message), ' ', substr($message, 0, 100), "\n";
            }
        } catch (TypeError $error) {
            // Text that is no UTF-8 where text is wanted.
        }
    }
}
echo "names\n";
told(static fn () => attribution_validate_model($linear + ['name' => "a\0b"]));
told(static fn () => attribution_validate_model($linear + ['name' => "a\nb"]));
told(static fn () => attribution_validate_model($linear + ['slug' => "a\0"]));
told(static fn () => attribution_validate_model($linear + ['name' => str_repeat('x', 1000000)]));
told_field(static fn () => attribution_validate_model($linear + ['name' => "\xff"]));
echo "paths and formats\n";
told(static fn () => attribution_export([], "$path\0", 'csv'));
told(static fn () => attribution_export([], "\0", 'csv'));
told(static fn () => attribution_export([], $path, "csv\0"));
told(static fn () => attribution_export([], $path, 'csv '));
told_field(static fn () => attribution_export([], str_repeat('x', 100000), 'csv'));
var_dump(file_exists($path));
echo "visitors are any text\n";
$clicks = [];
foreach (["a\0b", "a\0b", "\xff", "\xff", "a\0c", 'é', $long, $long] as $id => $visitor) {
    $clicks[] = ['click_id' => $id + 1, 'click_time' => $id, 'visitor_id' => $visitor];
}
foreach ([2, 4, 5, 6, 8] as $click) {
    $rows = attribution_journeys($clicks, [['conv_id' => 1, 'click_id' => $click, 'conv_time' => 10, 'payout' => 0]]);
    echo implode(' ', array_column($rows[0]['journey'], 'click_id')), "\n";
}
echo "keys of rows\n";
$row = ["\0" => 1, "conv_id\0" => 2, "\xff" => 3, str_repeat('k', 100000) => 4] + conversion();
show(attribution_calculate($linear, [$row])['snapshots']);
?>
--EXPECT--
names
InvalidModelException name: "a\0b" was given; allowed: 1 to 255 characters, none of them a control character
InvalidModelException name: "a\nb" was given; allowed: 1 to 255 characters, none of them a control character
InvalidModelException slug: "a\0" was given; allowed: 1 to 191 of a-z, 0-9, - and _, beginning and ending with a letter or digit
InvalidModelException name: 1000000 characters were given; allowed: 1 to 255 characters, none of them a control character
InvalidModelException name
paths and formats
InvalidInputException path: found a NUL byte, allowed: text without one
InvalidInputException path: found a NUL byte, allowed: text without one
InvalidInputException format: found "csv\0", allowed: csv, xlsx or jsonl
InvalidInputException format: found "csv ", allowed: csv, xlsx or jsonl
InvalidInputException path
bool(false)
visitors are any text
1 2
3 4
5
6
7 8
keys of rows
global null 1717232400 3 1 10.00000 1.00000 1.00000
