--TEST--
Comparison, overview, exports, purges and cached snapshots: what is refused, and that no secret is told
--EXTENSIONS--
attribution
--FILE--
<?php
require __DIR__ . '/common.inc';
$secret = 's3cr3t';
$url = "mysql://user:$secret@127.0.0.1:1/database";
$messages = '';
$places = static function (string $function, array $all, array $variants) use ($url, &$messages): void {
    echo "$function\n";
    foreach ($variants as $variant) {
        try {
            $function($url, $variant + $all);
            echo "  no exception\n";
        } catch (Attribution\DatabaseException $exception) {
            echo "  the server\n";
            $messages .= $exception->getMessage() . "\n";
        } catch (Attribution\Exception $exception) {
            echo '  ', $exception->field, "\n";
            $messages .= $exception->getMessage() . "\n";
        }
    }
};
$user = ['user' => 1];
$window = $user + ['start' => '2024-06-01T00:00:00Z', 'end' => '2024-06-02T00:00:00Z'];
$bad_windows = [['start' => 'yesterday'], ['end' => -1], ['start' => 20, 'end' => 10]];
$bad_scopes = [['scope_type' => 'planet'], ['scope_id' => -1]];
$places('attribution_compare', $window + ['models' => ['linear', 'Mine=time_decay:half_life_hours=48']], [
    [], ['user' => null], ['user' => 'me'], ['models' => null], ['models' => 'linear'], ['models' => [5]], ['models' => ["a\0"]], ['models' => ["\xff"]],
    ['models' => ['a' => 'linear']], ...$bad_windows, ...$bad_scopes, ['scope_id' => 5], ['baseline' => 5], ['resamples' => 1], ['resamples' => -1],
    ['resamples' => 10001], ['resamples' => 0], ['threads' => 1025], ['replica' => 5], ['replica' => "http://x:$secret@y/z"], ['progress' => 'no_such_function'],
    ['colour' => 'red'], [5 => 5],
]);
$places('attribution_overview', $window + ['model' => 'linear'], [
    [], ['user' => null], ['model' => null], ['model' => 5], ...$bad_windows, ...$bad_scopes, ['scope_type' => 'campaign'], ['scope_id' => 5],
    ['limit' => 0], ['limit' => 10001], ['limit' => 'x'], ['offset' => -1], ['progress' => 'strlen'],
]);
$webhook = ['webhook_url' => 'https://example.com/hook'];
$places('attribution_export_schedule', $window + ['model' => 'linear'], [
    [], ['user' => null], ['model' => null], ...$bad_windows, ...$bad_scopes, ['scope_type' => 'campaign'], ['format' => 'doc'], ['format' => 5],
    ['webhook_url' => 5], ['webhook_url' => "ftp://user:$secret@example.com/"], ['webhook_url' => "http://127.0.0.1/$secret"],
    ['webhook_url' => 'http://127.0.0.1/', 'allow_networks' => ['127.0.0.0/8']], ['webhook_url' => 'http://[::1]/', 'allow_networks' => ['127.0.0.0/8']],
    ['webhook_url' => 'https://example.com/' . str_repeat('x', 500)], ['webhook_secret' => $secret], ['webhook_headers' => ['X-Key' => $secret]],
    $webhook + ['webhook_secret' => ''], $webhook + ['webhook_secret' => [$secret]], $webhook + ['webhook_secret' => "$secret\0"],
    $webhook + ['webhook_secret' => str_repeat($secret, 100)], $webhook + ['webhook_headers' => $secret], $webhook + ['webhook_headers' => [$secret]],
    $webhook + ['webhook_headers' => ['X-Key' => [$secret]]], $webhook + ['webhook_headers' => ['X-Key' => "$secret\r\nX-Other: 1"]],
    $webhook + ['webhook_headers' => ['Host' => $secret]], $webhook + ['webhook_headers' => ['X-Prosper202-Signature' => $secret]],
    $webhook + ['webhook_headers' => ["\xff" => $secret]], $webhook + ['webhook_headers' => ['X-Key' => 'a', 'x-key' => $secret]],
    ['allow_networks' => '10.0.0.0/8'], ['allow_networks' => ['10.0.0.0/33']], ['allow_networks' => [10]], ['colour' => 'red'],
]);
$folder = sys_get_temp_dir();
$places('attribution_export_run', ['directory' => $folder], [
    [], ['directory' => null], ['directory' => ''], ['directory' => 5], ['directory' => "$folder\0"], ['jobs' => 0], ['jobs' => 10001], ['jobs' => '5 '],
    ['allow_networks' => ['x']], ['download_base' => 'here'], ['download_base' => 5], ['root_certificates' => ''], ['root_certificates' => 5],
    ['progress' => 5], ['user' => 1],
]);
$places('attribution_exports', $user, [[], ['user' => null], ['user' => -1], ['status' => 'lost'], ['status' => 5], ['limit' => -1], ['offset' => 'x'], ['model' => 'linear']]);
$places('attribution_purge', $user, [
    [], ['target' => 5], ['target' => 'everything'], ['target' => 'owner', 'user' => null], ['target' => 'owner', 'user' => 0], ['target' => 'owner', 'ids' => [1]],
    ['target' => 'owner', 'visitor' => 1], ['target' => 'owner', 'limits' => ['audit' => 1]], ['target' => 'clicks'], ['target' => 'clicks', 'ids' => 5],
    ['target' => 'clicks', 'ids' => [1, 'x']], ['target' => 'clicks', 'ids' => ['a' => 1]], ['target' => 'clicks', 'ids' => [1], 'visitor' => 1],
    ['target' => 'clicks', 'ids' => []], ['target' => 'clicks', 'ids' => [1]], ['target' => 'conversions'], ['target' => 'conversions', 'ids' => [-1]],
    ['target' => 'conversions', 'ids' => ['18446744073709551615']], ['target' => 'visitor'], ['target' => 'visitor', 'visitor' => 'me'],
    ['target' => 'visitor', 'ids' => [1]], ['target' => 'age'], ['target' => 'age', 'limits' => 90], ['target' => 'age', 'limits' => []],
    ['target' => 'age', 'limits' => ['clicks' => 90]], ['target' => 'age', 'limits' => ['audit' => '90 days']], ['target' => 'age', 'limits' => ['audit' => '90d']],
    ['target' => 'age', 'limits' => ['credits' => '90d', 'snapshots' => '9d']], ['target' => 'age', 'limits' => ['audit' => 90], 'user' => 0],
    ['target' => 'age', 'limits' => ['audit' => 90], 'user' => null], ['target' => 'owner', 'dry_run' => 'yes'], ['target' => 'owner', 'wait' => -1],
    ['target' => 'owner', 'export_directory' => ''], ['target' => 'owner', 'export_directory' => []], ['target' => 'owner', 'journey_key' => 'day'],
    ['target' => 'owner', 'lookback' => 'long'], ['target' => 'owner', 'max_touches' => 0], ['target' => 'owner', 'progress' => 'no_such_function'],
    ['target' => 'owner', 'colour' => 'red'],
]);
$places('attribution_snapshots', $window + ['model' => 'linear'], [
    ['cache' => false], ['cache' => true], ['cache' => 5], ['cache' => ''], ['cache' => "http://user:$secret@example.com/"], ['cache' => "redis://:$secret@host:port/"],
    ['cache' => "redis://:$secret@127.0.0.1:1/\0"], ['cache' => "redis://:$secret@127.0.0.1:1/"], ['cache' => 'memcached://127.0.0.1:1'],
    ['cache' => ['server' => [$secret]]], ['cache' => ['expiry' => 0]], ['cache' => ['expiry' => '2d']], ['cache' => ['expiry' => 'long']],
    ['cache' => ['timeout_ms' => 0]], ['cache' => ['timeout_ms' => 10001]], ['cache' => ['capacity' => -1]], ['cache' => ['capacity' => '1M']],
    ['cache' => ['colour' => 'red']], ['cache' => [$secret]], ['cache' => true, 'replica' => $url], ['cache' => []],
]);
var_dump(str_contains($messages, $secret), strlen($messages) > 10000);
echo "arguments\n";
foreach (['compare', 'overview', 'export_schedule', 'export_run', 'exports', 'purge'] as $name) {
    $function = "attribution_$name";
    told(static fn () => $function(5, []));
    told(static fn () => $function($url, 'owner'));
    told(static fn () => $function($url));
}
echo "messages\n";
told(static fn () => attribution_compare($url, ['models' => ['linear'], 'resamples' => 1] + $window));
told(static fn () => attribution_compare($url, ['model' => 'linear'] + $window));
told(static fn () => attribution_export_schedule($url, ['model' => 'linear', 'webhook_url' => 'http://127.0.0.1/'] + $window));
told(static fn () => attribution_export_schedule($url, ['model' => 'linear', 'webhook_secret' => 'x'] + $window));
told(static fn () => attribution_export_run($url, ['directory' => '/no/such/folder']));
told(static fn () => attribution_purge($url, ['target' => 'owner', 'ids' => [1]] + $user));
told(static fn () => attribution_purge($url, ['target' => 'owner']));
told(static fn () => attribution_snapshots($url, ['model' => 'linear', 'cache' => true, 'replica' => $url] + $window));
?>
--EXPECT--
attribution_compare
  the server
  options.user
  options.user
  options.models
  options.models
  options.models[0]
  options.models[0]
  options.models[0]
  options.models
  options.start
  options.end
  options.start
  options.scope_type
  options.scope_id
  options.scope_id
  options.baseline
  options.resamples
  options.resamples
  options.resamples
  the server
  options.threads
  options.replica
  options.replica
  options.progress
  options
  options
attribution_overview
  the server
  options.user
  options.model
  options.model
  options.start
  options.end
  options.start
  options.scope_type
  options.scope_id
  options.scope_id
  options.scope_id
  options.limit
  options.limit
  options.limit
  options.offset
  options
attribution_export_schedule
  the server
  options.user
  options.model
  options.start
  options.end
  options.start
  options.scope_type
  options.scope_id
  options.scope_id
  options.format
  options.format
  options.webhook_url
  options.webhook_url
  options.webhook_url
  the server
  options.webhook_url
  options.webhook_url
  options.webhook_url
  options.webhook_url
  options.webhook_secret
  options.webhook_secret
  options.webhook_secret
  options.webhook_secret
  options.webhook_headers
  options.webhook_headers
  options.webhook_headers["X-Key"]
  options.webhook_headers["X-Key"]
  options.webhook_headers["Host"]
  options.webhook_headers["X-Prosper202-Signature"]
  options.webhook_headers["�"]
  options.webhook_headers["x-key"]
  options.allow_networks
  options.allow_networks[0]
  options.allow_networks[0]
  options
attribution_export_run
  the server
  options.directory
  options.directory
  options.directory
  options.directory
  options.jobs
  options.jobs
  options.jobs
  options.allow_networks[0]
  options.download_base
  options.download_base
  options.root_certificates
  options.root_certificates
  options.progress
  options
attribution_exports
  the server
  options.user
  options.user
  options.status
  options.status
  options.limit
  options.offset
  options
attribution_purge
  options.target
  options.target
  options.target
  options.user
  options.user
  options.ids
  options.visitor
  options.limits
  options.ids
  options.ids
  options.ids[1]
  options.ids
  options.visitor
  options.ids
  the server
  options.ids
  options.ids[0]
  the server
  options.visitor
  options.visitor
  options.ids
  options.limits
  options.limits
  options.limits
  options.limits
  options.limits.audit
  the server
  options.limits.credits
  the server
  options.user
  options.dry_run
  options.wait
  options.export_directory
  options.export_directory
  options.journey_key
  options.lookback
  options.max_touches
  options.progress
  options
attribution_snapshots
  the server
  the server
  query.cache
  query.cache.server
  query.cache.server
  query.cache.server
  query.cache
  the server
  the server
  query.cache.server
  query.cache.expiry
  query.cache.expiry
  query.cache.expiry
  query.cache.timeout_ms
  query.cache.timeout_ms
  query.cache.capacity
  query.cache.capacity
  query.cache
  query.cache
  query.replica
  the server
bool(false)
bool(true)
arguments
TypeError attribution_compare(): Argument #1 ($database) must be of type array|string, int given
TypeError attribution_compare(): Argument #2 ($options) must be of type array, string given
ArgumentCountError attribution_compare() expects exactly 2 arguments, 1 given
TypeError attribution_overview(): Argument #1 ($database) must be of type array|string, int given
TypeError attribution_overview(): Argument #2 ($options) must be of type array, string given
ArgumentCountError attribution_overview() expects exactly 2 arguments, 1 given
TypeError attribution_export_schedule(): Argument #1 ($database) must be of type array|string, int given
TypeError attribution_export_schedule(): Argument #2 ($options) must be of type array, string given
ArgumentCountError attribution_export_schedule() expects exactly 2 arguments, 1 given
TypeError attribution_export_run(): Argument #1 ($database) must be of type array|string, int given
TypeError attribution_export_run(): Argument #2 ($options) must be of type array, string given
ArgumentCountError attribution_export_run() expects exactly 2 arguments, 1 given
TypeError attribution_exports(): Argument #1 ($database) must be of type array|string, int given
TypeError attribution_exports(): Argument #2 ($options) must be of type array, string given
ArgumentCountError attribution_exports() expects exactly 2 arguments, 1 given
TypeError attribution_purge(): Argument #1 ($database) must be of type array|string, int given
TypeError attribution_purge(): Argument #2 ($options) must be of type array, string given
ArgumentCountError attribution_purge() expects exactly 2 arguments, 1 given
messages
InvalidInputException options.resamples: found 1, allowed: 0 for no intervals, or 40 to 10000
InvalidInputException options: found an unknown key "model", allowed: user, models, start, end, scope_type, scope_id, baseline, resamples, threads, replica, progress
InvalidInputException options.webhook_url: 127.0.0.1 is a loopback address, allowed: public addresses, and those of networks that are allowed explicitly
InvalidInputException options.webhook_url: found nothing, allowed: a URL, where there is a secret or a header
IoException the export directory /no/such/folder: No such file or directory (os error 2)
InvalidInputException options.ids: found one beside the target owner, allowed: none for that target
InvalidInputException options.user: found nothing, allowed: an id, but for the target age
InvalidInputException query.replica: found one, allowed: none beside a cache, which reads from the database itself
