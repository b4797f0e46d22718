--TEST--
Journeys are ordered, clicks named twice merged, the converting click added
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$positions = static function (array $journey, array $fields = []): void {
    $touchpoints = attribution_calculate(['type' => 'linear'], [['journey' => $journey] + $fields + conversion()])['touchpoints'];
    echo implode(' ', array_column($touchpoints, 'click_id')), "\n";
};
$touch = static fn (int|string $id, int|string $time): array => ['click_id' => $id, 'click_time' => $time];
// By time, then by id as a number; the converting click 12 at HOUR - 60.
$positions([$touch('10', 5), $touch(9, 5), $touch(100, 4)]);
// The earlier time of a click that is there twice stays.
$positions([$touch(8, 30), $touch(7, 20), $touch(8, 10)]);
// The converting click has the earlier of its times, too.
$positions([$touch(7, 20), $touch(12, 10)]);
$positions([$touch(7, 20)], ['click_time' => 10]);
// A touch after the conversion is one all the same.
$positions([$touch(7, 4294967295)]);
// Without a time of its own the converting click has the conversion's.
$positions([$touch(7, HOUR + 59), $touch(13, HOUR + 61)], ['click_time' => null]);
// Ids beyond PHP's integers compare as numbers, and come back as strings.
$positions([$touch('18446744073709551615', 5), $touch('9223372036854775808', 5), $touch(PHP_INT_MAX, 5)]);
$row = attribution_calculate(['type' => 'first_touch'], [conversion(['journey' => [$touch('9223372036854775808', 5)], 'conv_id' => '18446744073709551615'])])['touchpoints'][0];
var_dump($row['conv_id'], $row['click_id']);
$positions([]);
?>
--EXPECT--
100 9 10 12
8 7 12
12 7
12 7
12 7
7 12 13
9223372036854775807 9223372036854775808 18446744073709551615 12
string(20) "18446744073709551615"
string(19) "9223372036854775808"
12
