--TEST--
attribution_export() writes results as CSV, JSON Lines and XLSX, whole or not at all
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$folder = __DIR__ . '/export_folder';
mkdir($folder);
$path = "$folder/snapshots";
$result = attribution_calculate(['type' => 'linear'], [conversion(['campaign_id' => 3])], ['scopes' => 'global,campaign']);
var_dump(attribution_export($result, $path, 'csv'));
echo file_get_contents($path);
echo "replaced\n";
var_dump(attribution_export(['model' => 'Mine, "mine"'] + $result, $path, 'jsonl'));
echo file_get_contents($path);
echo "several, by their names\n";
$free = attribution_calculate(['type' => 'last_touch'], [conversion(['cost' => null])]);
var_dump(attribution_export(['first' => $free, '=1+1' => $free, 'second' => ['model' => 'Third'] + $free, 4 => $free], $path, 'csv'));
echo file_get_contents($path);
echo "a workbook\n";
var_dump(attribution_export(['a' => $result, 'b' => $free], $path, 'xlsx'));
echo substr(file_get_contents($path), 0, 2), "\n";
echo "nothing\n";
var_dump(attribution_export([], $path, 'jsonl'), file_get_contents($path));
var_dump(attribution_export(['snapshots' => []], $path, 'csv'));
echo file_get_contents($path);
echo "a failure leaves the file that is there, and no other\n";
file_put_contents($path, 'before');
told_field(static fn () => attribution_export(['a' => $result, 'b' => 5], $path, 'csv'));
told_field(static fn () => attribution_export(['a' => $result, 'b' => ['snapshots' => [[]]]], $path, 'xlsx'));
echo file_get_contents($path), "\n";
echo implode(' ', scandir($folder)), "\n";
echo "money of any kind, a case for a scope\n";
$row = ['scope_type' => Attribution\ScopeType::Account, 'scope_id' => '18446744073709551615', 'date_hour' => '0', 'attributed_clicks' => 2, 'attributed_conversions' => '1', 'attributed_revenue' => -2.5, 'attributed_cost' => 4, 'credited_conversions' => '0.00005'];
attribution_export(['snapshots' => [$row]], $path, 'jsonl');
echo file_get_contents($path);
?>
--CLEAN--
<?php
foreach (scandir(__DIR__ . '/export_folder') ?: [] as $name) {
    @unlink(__DIR__ . "/export_folder/$name");
}
@rmdir(__DIR__ . '/export_folder');
?>
--EXPECT--
int(2)
Date (UTC),Model,Scope,Scope id,Attributed clicks,Attributed conversions,Credited conversions,Revenue,Cost,Profit,ROI %
2024-06-01 09:00:00,,campaign,3,1,1,0.3333,3.3333,0.3333,3.0000,900.01
2024-06-01 09:00:00,,global,,3,1,1.0000,10.0000,1.0000,9.0000,900.00
replaced
int(2)
{"date_utc":"2024-06-01T09:00:00Z","model":"Mine, \"mine\"","scope":"campaign","scope_id":3,"attributed_clicks":1,"attributed_conversions":1,"credited_conversions":0.3333,"revenue":3.3333,"cost":0.3333,"profit":3.0000,"roi_percent":900.01}
{"date_utc":"2024-06-01T09:00:00Z","model":"Mine, \"mine\"","scope":"global","scope_id":null,"attributed_clicks":3,"attributed_conversions":1,"credited_conversions":1.0000,"revenue":10.0000,"cost":1.0000,"profit":9.0000,"roi_percent":900.00}
several, by their names
int(4)
Date (UTC),Model,Scope,Scope id,Attributed clicks,Attributed conversions,Credited conversions,Revenue,Cost,Profit,ROI %
2024-06-01 09:00:00,first,global,,1,1,1.0000,10.0000,0.0000,10.0000,
2024-06-01 09:00:00,'=1+1,global,,1,1,1.0000,10.0000,0.0000,10.0000,
2024-06-01 09:00:00,Third,global,,1,1,1.0000,10.0000,0.0000,10.0000,
2024-06-01 09:00:00,4,global,,1,1,1.0000,10.0000,0.0000,10.0000,
a workbook
int(3)
PK
nothing
int(0)
string(0) ""
int(0)
Date (UTC),Model,Scope,Scope id,Attributed clicks,Attributed conversions,Credited conversions,Revenue,Cost,Profit,ROI %
a failure leaves the file that is there, and no other
InvalidInputException result[b]
InvalidInputException result[b].snapshots[0].scope_type
before
. .. snapshots
money of any kind, a case for a scope
{"date_utc":"1970-01-01T00:00:00Z","model":"","scope":"account","scope_id":18446744073709551615,"attributed_clicks":2,"attributed_conversions":1,"credited_conversions":0.0000,"revenue":-2.5000,"cost":4.0000,"profit":-6.5000,"roi_percent":-162.50}
