--TEST--
Addresses, options and servers that are refused, without a password in any message
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$secret = 's3cr3t';
$messages = '';
$try = static function (Closure $call) use (&$messages): void {
    try {
        $call();
        echo "no exception\n";
    } catch (Attribution\Exception $exception) {
        echo substr($exception::class, strlen('Attribution\\')), ' ', $exception->field ?? 'no field', "\n";
        $messages .= $exception->getMessage() . "\n";
        // Neither a trace that PHP keeps without arguments, nor what came before.
        $messages .= $exception->getPrevious()?->getMessage() ?? '';
    }
};
$url = "mysql://user:$secret@127.0.0.1:1/database";
echo "URLs\n";
foreach ([
    '', 'nonsense', $secret, "http://user:$secret@127.0.0.1/database", "mysql://user:$secret@127.0.0.1:1", "mysql://user:$secret@127.0.0.1:1/",
    "mysql://user:$secret@127.0.0.1:99999/database", "mysql://user:$secret@127.0.0.1:port/database", "mysql://user:$secret@/database?colour=red",
    "$url?colour=$secret", "$url?tls=maybe", "$url\0", "$url\xff",
] as $bad) {
    $try(static fn () => attribution_check($bad));
}
echo "parts\n";
$parts = ['host' => '127.0.0.1', 'port' => 1, 'user' => 'user', 'password' => $secret, 'database' => 'database'];
foreach ([
    [], ['host' => 'localhost'], ['database' => ''] + $parts, ['database' => 5] + $parts, ['host' => "a b"] + $parts, ['host' => '127.0.0.1/x'] + $parts,
    ['host' => 5] + $parts, ['port' => 0] + $parts, ['port' => 65536] + $parts, ['port' => 'mysql'] + $parts, ['user' => []] + $parts,
    ['password' => [$secret]] + $parts, ['password' => "$secret\0"] + $parts, ['socket' => "/tmp/x\0"] + $parts, ['tls' => 'yes'] + $parts,
    ['root_cert_path' => 5] + $parts, ['colour' => 'red'] + $parts, [$secret] + $parts, [$url],
] as $bad) {
    $try(static fn () => attribution_check($bad));
}
echo "servers that are not there\n";
foreach ([
    $url,
    "mysql://user:$secret@127.0.0.1:1/database?socket=/no/such/socket",
    "mysql://user:$secret@no-such-host.invalid/database",
    $parts,
    ['socket' => '/no/such/socket'] + $parts,
    ['port' => '1', 'tls' => true] + $parts,
    ['user' => 'u:s@e/r?&#%', 'password' => "$secret@:/?&#%"] + $parts,
] as $address) {
    $try(static fn () => attribution_check($address));
    $try(static fn () => attribution_rebuild($address));
    $try(static fn () => attribution_backfill($address, ['user' => 1]));
    $try(static fn () => attribution_snapshots($address, ['user' => 1, 'model' => 'm', 'start' => 1, 'end' => 2]));
}
echo "options of both jobs\n";
foreach ([
    ['user' => -1], ['user' => 'me'], ['user' => 1.5], ['start' => 'yesterday'], ['start' => -1], ['end' => 4294967296], ['end' => []],
    ['start' => 10, 'end' => 10], ['start' => 20, 'end' => 10], ['wait' => -1], ['wait' => 1.5], ['wait' => '1m'], ['connections' => 0], ['connections' => 65],
    ['progress' => 'no_such_function'], ['progress' => 5], ['progress' => ['x', 'y']], ['colour' => 'red'], [1 => 1],
] as $options) {
    $places = [];
    foreach (['attribution_rebuild', 'attribution_backfill'] as $job) {
        try {
            $job($url, $options);
        } catch (Attribution\InvalidInputException $exception) {
            $places[] = $exception->field;
            $messages .= $exception->getMessage() . "\n";
        }
    }
    echo implode(' ', array_unique($places)), ' ', count($places), "\n";
}
echo "options of one\n";
foreach ([['scopes' => 'planet'], ['scopes' => []], ['credits' => 'no'], ['journey_key' => 'visitor']] as $options) {
    $try(static fn () => attribution_rebuild($url, $options));
}
foreach ([
    ['journey_key' => 'day'], ['lookback' => '30'], ['lookback' => '30 days'], ['max_touches' => 0], ['scope_type' => 'planet'], ['remove' => 'yes'], ['credits' => true],
] as $options) {
    $try(static fn () => attribution_backfill($url, $options));
}
echo "queries\n";
$query = ['user' => 1, 'model' => 'm', 'start' => '2024-06-01T00:00:00Z', 'end' => '2024-06-02T00:00:00Z'];
foreach (array_keys($query) as $name) {
    $rest = $query;
    unset($rest[$name]);
    $try(static fn () => attribution_snapshots($url, $rest));
}
foreach ([
    ['user' => 'me'], ['model' => 5], ['model' => "m\0"], ['start' => '2024-06-01'], ['end' => 0, 'start' => 0], ['scope_type' => 'planet'], ['scope_id' => -1],
    ['limit' => -1], ['offset' => 'x'], ['colour' => 'red'], [],
] as $more) {
    $try(static fn () => attribution_snapshots($url, $more + $query));
}
var_dump(str_contains($messages, $secret), strlen($messages) > 1000);
echo "messages\n";
told(static fn () => attribution_check($url));
told(static fn () => attribution_check("http://user:$secret@127.0.0.1/database"));
told(static fn () => attribution_check(['port' => 0] + $parts));
told(static fn () => attribution_rebuild($url, ['connections' => 65]));
told(static fn () => attribution_rebuild($url, ['start' => 'yesterday']));
?>
--EXPECTF--
URLs
InvalidInputException database
InvalidInputException database
InvalidInputException database
InvalidInputException database
InvalidInputException database
InvalidInputException database
InvalidInputException database
InvalidInputException database
InvalidInputException database
InvalidInputException database
InvalidInputException database
InvalidInputException database
InvalidInputException database
parts
InvalidInputException database.database
InvalidInputException database.database
InvalidInputException database.database
InvalidInputException database.database
InvalidInputException database.host
InvalidInputException database.host
InvalidInputException database.host
InvalidInputException database.port
InvalidInputException database.port
InvalidInputException database.port
InvalidInputException database.user
InvalidInputException database.password
InvalidInputException database.password
InvalidInputException database.socket
InvalidInputException database.tls
InvalidInputException database.root_cert_path
InvalidInputException database
InvalidInputException database
InvalidInputException database
servers that are not there
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
DatabaseException no field
options of both jobs
options.user 2
options.user 2
options.user 2
options.start 2
options.start 2
options.end 2
options.end 2
options.start 2
options.start 2
options.wait 2
options.wait 2
options.wait 2
options.connections 2
options.connections 2
options.progress 2
options.progress 2
options.progress 2
options 2
options 2
options of one
InvalidInputException options.scopes
DatabaseException no field
InvalidInputException options.credits
InvalidInputException options
InvalidInputException options.journey_key
DatabaseException no field
InvalidInputException options.lookback
InvalidInputException options.max_touches
InvalidInputException options.scope_type
InvalidInputException options.remove
InvalidInputException options
queries
InvalidInputException query.user
InvalidInputException query.model
InvalidInputException query.start
InvalidInputException query.end
InvalidInputException query.user
InvalidInputException query.model
InvalidInputException query.model
InvalidInputException query.start
InvalidInputException query.start
InvalidInputException query.scope_type
InvalidInputException query.scope_id
InvalidInputException query.limit
InvalidInputException query.offset
InvalidInputException query
DatabaseException no field
bool(false)
bool(true)
messages
DatabaseException connecting to user@127.0.0.1:1/database: %s
InvalidInputException database: found a URL of another kind, allowed: a URL such as mysql://user:password@host:3306/database%s
InvalidInputException database.port: found 0, allowed: a whole number from 1 to 65535
InvalidInputException options.connections: found 65, allowed: a whole number from 1 to 64
InvalidInputException options.start: found "yesterday", allowed: unix seconds, or a time such as 2024-06-01T00:00:00Z
