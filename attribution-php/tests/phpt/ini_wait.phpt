--TEST--
The setting attribution.wait
--EXTENSIONS--
attribution
--INI--
attribution.wait=7
--FILE--
<?php
require __DIR__ . '/common.inc';
// Nobody listens there: what comes of it shows that the options were taken.
$nowhere = 'mysql://user@127.0.0.1:1/database';
var_dump(ini_get('attribution.wait'));
told_field(static fn () => attribution_rebuild($nowhere));
var_dump(ini_set('attribution.wait', '-1'));
told(static fn () => attribution_rebuild($nowhere));
told(static fn () => attribution_rebuild($nowhere, []));
told(static fn () => attribution_backfill($nowhere, ['user' => 1]));
// What a call says goes before the setting.
told_field(static fn () => attribution_rebuild($nowhere, ['wait' => 0]));
ini_set('attribution.wait', '4294967296');
told(static fn () => attribution_backfill($nowhere));
ini_set('attribution.wait', '7');
var_dump(ini_get('attribution.wait'));
told_field(static fn () => attribution_backfill($nowhere));
?>
--EXPECT--
string(1) "7"
DatabaseException no field
string(1) "7"
InvalidInputException attribution.wait: found -1, allowed: a whole number from 0 to 4294967295
InvalidInputException attribution.wait: found -1, allowed: a whole number from 0 to 4294967295
InvalidInputException attribution.wait: found -1, allowed: a whole number from 0 to 4294967295
DatabaseException no field
InvalidInputException attribution.wait: found 4294967296, allowed: a whole number from 0 to 4294967295
string(1) "7"
DatabaseException no field
