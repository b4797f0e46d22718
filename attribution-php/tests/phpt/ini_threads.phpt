--TEST--
The setting attribution.threads
--EXTENSIONS--
attribution
--INI--
attribution.threads=1
--FILE--
<?php
require __DIR__ . '/common.inc';
$threads = static function (): string {
    ob_start();
    (new ReflectionExtension('attribution'))->info();
    preg_match('/^Threads of a call => (\d+)$/m', (string) ob_get_clean(), $found);

    return $found[1];
};
$rows = array_map(static fn (int $id): array => conversion(['conv_id' => $id, 'conv_time' => HOUR + $id]), range(1, 20000));
$calculate = static fn (array $options = []) => attribution_calculate(['type' => 'linear'], $rows, $options);
$expected = $calculate();
var_dump(ini_get('attribution.threads'), $threads());
var_dump(ini_set('attribution.threads', '3'), $threads(), $calculate() === $expected);
var_dump(ini_set('attribution.threads', '0'), $threads() >= 1, $calculate() === $expected);
var_dump($calculate(['threads' => 4]) === $expected);
echo "out of range\n";
foreach (['-1', '1025'] as $value) {
    ini_set('attribution.threads', $value);
    told($calculate);
    told_field(static fn () => attribution_calculate_columns([], columns()));
    told_field(static fn () => new Attribution\Engine());
    // What a call says goes before the setting.
    var_dump($calculate(['threads' => 2]) === $expected);
}
ini_set('attribution.threads', '1');
var_dump(ini_get('attribution.threads'), $calculate() === $expected);
?>
--EXPECT--
string(1) "1"
string(1) "1"
string(1) "1"
string(1) "3"
bool(true)
string(1) "3"
bool(true)
bool(true)
bool(true)
out of range
InvalidInputException attribution.threads: found -1, allowed: a whole number from 0 to 1024
InvalidInputException attribution.threads
InvalidInputException attribution.threads
bool(true)
InvalidInputException attribution.threads: found 1025, allowed: a whole number from 0 to 1024
InvalidInputException attribution.threads
InvalidInputException attribution.threads
bool(true)
string(1) "1"
bool(true)
