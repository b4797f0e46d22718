--TEST--
Options of attribution_calculate(): what is allowed, and what is refused by its name
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$calculate = static fn (array $options): array => attribution_calculate(['type' => 'linear'], [conversion()], $options);
foreach ([null, true, false, 1, 0] as $touchpoints) {
    echo json_encode($touchpoints), ' ', count($calculate(['touchpoints' => $touchpoints])['touchpoints']), "\n";
}
$expected = $calculate([]);
foreach ([null, 0, 1, 2, '3', 1024] as $threads) {
    echo json_encode($threads), ' ', json_encode($calculate(['threads' => $threads]) === $expected), "\n";
}
foreach ([
    ['colour' => 'red'],
    ['Scopes' => 'all'],
    [5],
    ['binary' => true],
    ['touchpoints' => 2],
    ['touchpoints' => 'false'],
    ['touchpoints' => []],
    ['threads' => -1],
    ['threads' => 1025],
    ['threads' => 1.0],
    ['threads' => 'x'],
    ['threads' => true],
    ['scopes' => ''],
    ['scopes' => 'global,'],
    ['scopes' => 'planet'],
    ['scopes' => ['global', 'planet']],
    ['scopes' => ['global', 5]],
    ['scopes' => ['x' => 'global']],
    ['scopes' => [1 => 'global']],
    ['scopes' => [Attribution\ModelKind::Linear]],
    ['scopes' => 5],
    ['scopes' => true],
    ['scopes' => "global\0"],
] as $options) {
    told_field(static fn () => $calculate($options));
}
told(static fn () => $calculate(['colour' => 'red']));
told(static fn () => $calculate(['threads' => 1025]));
told(static fn () => $calculate(['touchpoints' => 'no']));
?>
--EXPECT--
null 3
true 3
false 0
1 3
0 0
null true
0 true
1 true
2 true
"3" true
1024 true
InvalidInputException options
InvalidInputException options
InvalidInputException options
InvalidInputException options
InvalidInputException options.touchpoints
InvalidInputException options.touchpoints
InvalidInputException options.touchpoints
InvalidInputException options.threads
InvalidInputException options.threads
InvalidInputException options.threads
InvalidInputException options.threads
InvalidInputException options.threads
InvalidInputException options.scopes
InvalidInputException options.scopes
InvalidInputException options.scopes
InvalidInputException options.scopes[1]
InvalidInputException options.scopes[1]
InvalidInputException options.scopes
InvalidInputException options.scopes
InvalidInputException options.scopes[0]
InvalidInputException options.scopes
InvalidInputException options.scopes
InvalidInputException options.scopes
InvalidInputException options: found an unknown key "colour", allowed: scopes, touchpoints, threads
InvalidInputException options.threads: found 1025, allowed: a whole number from 0 to 1024
InvalidInputException options.touchpoints: found "no", allowed: true or false
