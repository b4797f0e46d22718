--TEST--
Files are read, written and removed where open_basedir allows, and from PHP's own working folder
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
$nowhere = 'mysql://user@127.0.0.1:1/database';
foreach ([$folder, '..', "$folder/inside/../other"] as $path) {
    told(static fn () => attribution_export_run($nowhere, ['directory' => $path]));
}
told(static fn () => attribution_export_run($nowhere, ['directory' => '.', 'root_certificates' => '../roots.pem']));
told(static fn () => attribution_purge($nowhere, ['user' => 1, 'target' => 'owner', 'export_directory' => $folder]));
told_field(static fn () => attribution_export_run($nowhere, ['directory' => '.']));
unlink("$folder/inside/here.csv");
?>
--EXPECT--
int(1)
bool(true)
path: found a path outside of open_basedir, allowed: a path within it
path: found a path outside of open_basedir, allowed: a path within it
InvalidInputException options.directory: found a path outside of open_basedir, allowed: a path within it
InvalidInputException options.directory: found a path outside of open_basedir, allowed: a path within it
InvalidInputException options.directory: found a path outside of open_basedir, allowed: a path within it
InvalidInputException options.root_certificates: found a path outside of open_basedir, allowed: a path within it
InvalidInputException options.export_directory: found a path outside of open_basedir, allowed: a path within it
DatabaseException no field
