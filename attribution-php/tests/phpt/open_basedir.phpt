--TEST--
Files are written where open_basedir allows, and from PHP's own working folder
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$folder = sys_get_temp_dir() . '/attribution-' . bin2hex(random_bytes(6));
mkdir("$folder/inside", 0700, true);
chdir("$folder/inside");
ini_set('open_basedir', "$folder/inside");
$result = attribution_calculate(['type' => 'linear'], [conversion()]);
var_dump(attribution_export($result, 'here.csv', 'csv'), is_file("$folder/inside/here.csv"));
foreach (["$folder/outside.csv", '../outside.csv'] as $path) {
    try {
        attribution_export($result, $path, 'csv');
    } catch (Attribution\InvalidInputException $exception) {
        echo $exception->getMessage(), "\n";
    }
}
unlink("$folder/inside/here.csv");
?>
--EXPECT--
int(1)
bool(true)
path: found a path outside of open_basedir, allowed: a path within it
path: found a path outside of open_basedir, allowed: a path within it
