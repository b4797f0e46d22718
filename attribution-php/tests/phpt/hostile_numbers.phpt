--TEST--
Numbers that are not finite, out of range or not exact
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$linear = ['type' => 'last_touch'];
$pay = static fn (mixed $payout): string => attribution_calculate($linear, [conversion(['payout' => $payout])])['snapshots'][0]['attributed_revenue'];
echo "money\n";
foreach ([
    0, -0.0, '-0', '007', '.5', '5.', 1, 1.5, '1.50000', -2, '-0.00001', 0.1, 1e-5,
    // Rounded to 5 decimals, halves to the even one.
    1.000005, 1.000015, -1.000005, 0.1 + 0.2, 12.123456, 0.000004, 1e-300,
    92233720368547, '92233720368547.75807', '-92233720368547.75807', -92233720368547,
] as $payout) {
    echo var_export($payout, true), ' ', $pay($payout), "\n";
}
echo "no money\n";
foreach ([
    NAN, INF, -INF, 1e15, -1e300, PHP_INT_MAX, PHP_INT_MIN, 92233720368548, '92233720368547.75808', '99999999999999999999999999',
    '1.123456', '0.000001', '1.000000', '', ' ', '.', '-', '--1', '+1', '1e3', '1,5', '0x1A', '1 ', ' 1', "1\n", 'NaN', 'INF', '١',
] as $payout) {
    try {
        $text = $pay($payout);
        echo var_export($payout, true), " $text\n";
    } catch (Attribution\InvalidInputException $exception) {
        if ($exception->field !== 'conversions[0].payout') {
            echo $exception->getMessage(), "\n";
        }
    }
}
told(static fn () => $pay(NAN));
told(static fn () => $pay(INF));
told(static fn () => $pay('0.123456'));
told(static fn () => $pay(PHP_INT_MAX));
told(static fn () => $pay('abc'));
echo "cost\n";
foreach ([-1, -0.00001, '-0.00001', NAN, INF] as $cost) {
    told_field(static fn () => attribution_calculate($linear, [conversion(['cost' => $cost])]));
}
told(static fn () => attribution_calculate($linear, [conversion(['cost' => -1])]));
echo "sums\n";
$most = conversion(['payout' => '92233720368547.75807']);
told_field(static fn () => attribution_calculate($linear, [$most, conversion(['payout' => '0.00001'])]));
echo "ids\n";
foreach ([0, 1, PHP_INT_MAX, '0', '9223372036854775808', '18446744073709551615', '0012'] as $id) {
    echo var_export($id, true), ' ', var_export(attribution_calculate($linear, [conversion(['conv_id' => $id])])['touchpoints'][0]['conv_id'], true), "\n";
}
foreach ([-1, PHP_INT_MIN, 1.0, 1e18, NAN, '18446744073709551616', '99999999999999999999', '-1', '+1', '1.0', '1e3', '', ' 1', '1 '] as $id) {
    told_field(static fn () => attribution_calculate($linear, [conversion(['conv_id' => $id])]));
}
echo "times\n";
foreach ([0, 4294967295, '4294967295', '0'] as $time) {
    echo attribution_calculate($linear, [conversion(['conv_time' => $time])])['snapshots'][0]['date_hour'], "\n";
}
foreach ([-1, 4294967296, PHP_INT_MAX, 1.5, NAN, '4294967296', '2024-06-01'] as $time) {
    told_field(static fn () => attribution_calculate($linear, [conversion(['conv_time' => $time])]));
}
?>
--EXPECT--
money
0 0.00000
-0.0 0.00000
'-0' 0.00000
'007' 7.00000
'.5' 0.50000
'5.' 5.00000
1 1.00000
1.5 1.50000
'1.50000' 1.50000
-2 -2.00000
'-0.00001' -0.00001
0.1 0.10000
1.0E-5 0.00001
1.000005 1.00000
1.000015 1.00002
-1.000005 -1.00000
0.30000000000000004 0.30000
12.123456 12.12346
4.0E-6 0.00000
1.0E-300 0.00000
92233720368547 92233720368547.00000
'92233720368547.75807' 92233720368547.75807
'-92233720368547.75807' -92233720368547.75807
-92233720368547 -92233720368547.00000
no money
InvalidInputException conversions[0].payout: found NaN, allowed: an amount with at most 5 decimals as int, float or decimal string, from -92233720368547.75808 to 92233720368547.75807
InvalidInputException conversions[0].payout: found inf, allowed: an amount with at most 5 decimals as int, float or decimal string, from -92233720368547.75808 to 92233720368547.75807
InvalidInputException conversions[0].payout: "0.123456" has too many decimals, allowed: an amount with at most 5 decimals as int, float or decimal string, from -92233720368547.75808 to 92233720368547.75807
InvalidInputException conversions[0].payout: found 9223372036854775807, allowed: an amount with at most 5 decimals as int, float or decimal string, from -92233720368547.75808 to 92233720368547.75807
InvalidInputException conversions[0].payout: "abc" is not a number, allowed: an amount with at most 5 decimals as int, float or decimal string, from -92233720368547.75808 to 92233720368547.75807
cost
InvalidInputException conversions[0].cost
InvalidInputException conversions[0].cost
InvalidInputException conversions[0].cost
InvalidInputException conversions[0].cost
InvalidInputException conversions[0].cost
InvalidInputException conversions[0].cost: found -1, allowed: 0 or more
sums
LimitException payout of conversion 1
ids
0 0
1 1
9223372036854775807 9223372036854775807
'0' 0
'9223372036854775808' '9223372036854775808'
'18446744073709551615' '18446744073709551615'
'0012' 12
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].conv_id
InvalidInputException conversions[0].conv_id
times
0
4294965600
4294965600
0
InvalidInputException conversions[0].conv_time
InvalidInputException conversions[0].conv_time
InvalidInputException conversions[0].conv_time
InvalidInputException conversions[0].conv_time
InvalidInputException conversions[0].conv_time
InvalidInputException conversions[0].conv_time
InvalidInputException conversions[0].conv_time
