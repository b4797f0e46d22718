<?php

declare(strict_types=1);

/*
 * Snapshots that PHP's processes keep: read again, after a fork, where memory runs short, and with servers that come and
 * go. Each part in a process of its own, on a real server.
 *
 *     ATTRIBUTION_TEST_DATABASE_URL=... php -d extension=PATH tests/php/caching.php COMMAND [--without-servers]
 *
 * Needs redis-server and memcached, unless it is told to do without. The last line tells how many passed and failed; exit status 1 where any failed.
 */

const NAME = 'attribution_caching';
const START = 1_717_200_000;
const HOURS = 168;
const QUERY = ['user' => 1, 'model' => 'linear', 'start' => START, 'end' => START + HOURS * 3_600, 'scope_type' => 'global'];
const WIDE = ['scope_type' => null] + QUERY;
const WINDOW = ['user' => 1, 'start' => START, 'end' => START + HOURS * 3_600];

$url = str_replace('/?', '/' . NAME . '?', (string) getenv('ATTRIBUTION_TEST_DATABASE_URL'));
parse_str((string) parse_url($url, PHP_URL_QUERY), $settings);

if (($argv[1] ?? null) === '--child') {
    echo json_encode(child($argv[2], $url, $argv[3] ?? '')), "\n";
    exit(0);
}

/** What the page of the extension tells. */
function told(string $line): string
{
    ob_start();
    (new ReflectionExtension('attribution'))->info();
    preg_match("/^$line => (.*)$/m", (string) ob_get_clean(), $found);
    return $found[1] ?? 'nothing';
}

function read(string $url, mixed $cache = true, array $query = QUERY): array
{
    return attribution_snapshots($url, ['cache' => $cache] + $query);
}

/** Says where it is, and waits until whoever listens has looked. */
function pause(string $where): void
{
    echo $where, "\n";
    fgets(STDIN);
}

/** A part, and what it found. */
function child(string $part, string $url, string $server): mixed
{
    $plain = attribution_snapshots($url, QUERY);
    switch ($part) {
        case 'twice':
            return [read($url) === $plain, read($url) === $plain, told('Cached reads')];
        case 'others':
            // Each is another cache, and the first have made room for the last.
            for ($seconds = 10; $seconds < 20; $seconds++) {
                read($url, ['expiry' => $seconds]);
            }
            return [told('Caches of snapshots'), read($url, ['expiry' => 19]) === $plain, told('Cached reads')];
        case 'fork':
            $same = [read($url) === $plain];
            pause('read');
            $child = pcntl_fork();
            if ($child === 0) {
                $nothing = str_starts_with(told('Caches of snapshots'), '0, ');
                exit($nothing && read($url) === $plain && read($url) === $plain && told('Cached reads') === '2, 1 from memory, 0 from servers' ? 0 : 1);
            }
            pcntl_waitpid($child, $status);
            $same[] = pcntl_wexitstatus($status) === 0;
            pause('forked');
            // What is kept is of an older generation now, so that the connection has to answer.
            $same[] = read($url) !== $plain && read($url) === attribution_snapshots($url, QUERY);
            pause('again');
            return $same;
        case 'memory':
            $wide = read($url, true, WIDE);
            $held = told('Caches of snapshots');
            $ids = pack('Q*', ...range(1, 100_000));
            $times = pack('L*', ...array_fill(0, 100_000, START));
            $columns = ['conversion_ids' => $ids, 'converting_click_ids' => $ids, 'click_ids' => $ids, 'conversion_times' => $times,
                'click_times' => $times, 'offsets' => pack('Q*', ...range(0, 100_000)), 'payouts' => $money = pack('d*', ...array_fill(0, 100_000, 1.0)), 'costs' => $money];
            try {
                $kept = count(attribution_calculate_columns([['type' => 'linear'], ['type' => 'last_touch']], $columns, ['binary' => true, 'threads' => 1]));
            } catch (Attribution\LimitException $exception) {
                $kept = $exception->field;
            }
            return [count($wide), $held, $kept, told('Caches of snapshots'), read($url, true, WIDE) === $wide];
        case 'server':
            $start = hrtime(true);
            $same = read($url, ['server' => $server, 'timeout_ms' => 500]) === $plain;
            return [$same, told('Cached reads'), (hrtime(true) - $start) / 1e6 < 5_000];
        case 'time limit':
            set_time_limit(1);
            // Time is the processor's, of which waiting takes none.
            for ($until = hrtime(true) + 950_000_000; hrtime(true) < $until;) {
            }
            while (true) {
                read($url);
            }
        case 'speed':
            read($url);
            $times = [];
            foreach ([false, true] as $cache) {
                for ($round = 0; $round < 50; $round++) {
                    $start = hrtime(true);
                    read($url, $cache);
                    $times[(int) $cache][] = (hrtime(true) - $start) / 1e3;
                }
            }
            return array_map(min(...), $times);
    }
    return null;
}

$passed = $failed = 0;
$check = function (bool $holds, string $what, mixed $found) use (&$passed, &$failed): void {
    $holds ? $passed++ : $failed++;
    if (!$holds) {
        echo "failed: $what: ", json_encode($found), "\n";
    }
};
preg_match('/extension=[^\0]*attribution[^\0]*/', (string) file_get_contents('/proc/self/cmdline'), $loaded);
$start = function (array $arguments, string ...$more) use ($loaded): array {
    $command = [PHP_BINARY, '-d', $loaded[0] ?? 'extension=attribution', '-d', 'memory_limit=1G', ...$more, __FILE__, '--child', ...$arguments];
    $process = proc_open($command, [['pipe', 'r'], ['pipe', 'w'], STDERR], $pipes);
    return [$process, $pipes];
};
$part = function (array $arguments, string ...$more) use ($start): mixed {
    [$process, $pipes] = $start($arguments, ...$more);
    $output = (string) stream_get_contents($pipes[1]);
    return [proc_close($process), json_decode($output, true) ?? $output];
};

$database = new mysqli('localhost', 'root', '', '', 0, (string) $settings['socket']);
$database->query('CREATE DATABASE ' . NAME);
$database->select_db(NAME);
foreach (explode(';', (string) file_get_contents(__DIR__ . '/../database/src/host_schema.sql')) as $statement) {
    if (trim($statement) !== '') {
        $database->query($statement);
    }
}
putenv("ATTRIBUTION_DATABASE_URL=$url");
exec(escapeshellarg($argv[1] ?? 'attribution') . ' install', $said, $status);
$check($status === 0, 'install', $said);
$database->query("INSERT INTO 202_users (user_id, user_name, user_deleted) VALUES (1, 'one', 0)");
$database->query("INSERT INTO 202_attribution_models (user_id, model_name, model_slug, model_type, weighting_config,
    is_active, is_default, created_at, updated_at) VALUES (1, 'Linear', 'linear', 'linear', NULL, 1, 1, 0, 0)");
$clicks = $conversions = [];
for ($id = 1; $id <= HOURS; $id++) {
    $time = START + ($id - 1) * 3_600 + 60;
    $clicks[] = "($id, 1, 1, 0, 0.5, 1, $time)";
    $conversions[] = "($id, $id, 1, 10.00001, 1, $time, $time, '', '')";
}
$database->query('INSERT INTO 202_clicks (click_id, user_id, aff_campaign_id, ppc_account_id, click_cpc, click_payout, click_time) VALUES ' . implode(',', $clicks));
$database->query('INSERT INTO 202_conversion_logs (conv_id, click_id, campaign_id, click_payout, user_id, click_time, conv_time,
    time_difference, user_agent) VALUES ' . implode(',', $conversions));
attribution_backfill($url, WINDOW);
attribution_rebuild($url, WINDOW);

[$status, $found] = $part(['twice']);
$check([$status, $found] === [0, [true, true, '2, 1 from memory, 0 from servers']], 'the second read is from memory', [$status, $found]);
[$status, $found] = $part(['others']);
$check($status === 0 && str_starts_with($found[0], '4, ') && array_slice($found, 1) === [true, '5, 1 from memory, 0 from servers'], 'four caches are kept', [$status, $found]);

if (function_exists('pcntl_fork')) {
    $connections = fn (): array => array_column($database->query("SELECT id FROM information_schema.processlist
        WHERE db = '" . NAME . "' AND id <> CONNECTION_ID() ORDER BY id")->fetch_all(), 0);
    // A connection that was ended is there for a moment.
    $settled = function (array $expected) use ($connections): array {
        for ($try = 0; $try < 100 && ($there = $connections()) !== $expected; $try++) {
            usleep(20_000);
        }
        return $there;
    };
    [$process, $pipes] = $start(['fork']);
    fgets($pipes[1]);
    for ($try = 0; $try < 100 && count($kept = $connections()) !== 1; $try++) {
        usleep(20_000);
    }
    $check(count($kept) === 1, 'a cache keeps a connection', $kept);
    fwrite($pipes[0], "\n");
    fgets($pipes[1]);
    $check($settled($kept) === $kept, 'the end of a child leaves its parent the connection', [$kept, $connections()]);
    $database->query('UPDATE 202_conversion_logs SET click_payout = 3 WHERE conv_id = 1');
    attribution_rebuild($url, WINDOW);
    fwrite($pipes[0], "\n");
    fgets($pipes[1]);
    $check($settled($kept) === $kept, 'the parent goes on with it', [$kept, $connections()]);
    fwrite($pipes[0], "\n");
    $found = [json_decode((string) stream_get_contents($pipes[1]), true), proc_close($process)];
    $check($found === [[true, true, true], 0], 'reads before, in and after a fork', $found);
    $check($settled([]) === [], 'connections end with their process', $connections());
}

$rows = [];
for ($id = 1; $id <= 20_000; $id++) {
    $rows[] = "(1, 1, 'campaign', $id, " . START . ", 0, 0, 1, 1, 1, 1, 0)";
}
foreach (array_chunk($rows, 5_000) as $some) {
    $database->query('INSERT INTO 202_attribution_snapshots (model_id, user_id, scope_type, scope_id, date_hour, lookback_start, lookback_end,
        attributed_clicks, attributed_conversions, attributed_revenue, attributed_cost, created_at) VALUES ' . implode(',', $some));
}
[$status, $found] = $part(['memory'], '-d', 'attribution.memory_limit=64M');
$check($status === 0 && is_array($found) && $found[0] > 20_000 && preg_match('/^1, 1 entries, [1-9]\d{3} KiB$/D', $found[1]) === 1 && $found[2] === 2
    && str_starts_with($found[3], '1, 1 ') && $found[4], 'a cache holds rows where there is room', [$status, $found]);
[$status, $found] = $part(['memory'], '-d', 'attribution.memory_limit=20M');
$check($status === 0 && is_array($found) && $found[0] > 20_000 && $found[3] === '1, 0 entries, 0 KiB' && $found[4], 'a cache gives back its rows before memory is refused', [$status, $found]);

$folder = sys_get_temp_dir() . '/attribution_caching_' . bin2hex(random_bytes(6));
mkdir($folder, 0700);
foreach (($argv[2] ?? null) === '--without-servers' ? [] : [
    'redis+unix' => ['redis-server', '--port', '0', '--unixsocket', "$folder/redis+unix", '--save', '', '--appendonly', 'no', '--dir', $folder],
    'memcached+unix' => ['memcached', '-s', "$folder/memcached+unix", '-a', '700', '-u', 'root'],
] as $scheme => $command) {
    $server = proc_open($command, [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'], STDERR], $pipes);
    for ($try = 0; $try < 500 && !file_exists("$folder/$scheme"); $try++) {
        usleep(20_000);
    }
    $address = "$scheme://$folder/$scheme";
    $found = $part(['server', $address]);
    $check($found === [0, [true, '1, 0 from memory, 0 from servers', true]], "$command[0] is filled", $found);
    $found = $part(['server', $address]);
    $check($found === [0, [true, '1, 0 from memory, 1 from servers', true]], "$command[0] answers another process", $found);
    proc_terminate($server, 9);
    proc_close($server);
    $found = $part(['server', $address]);
    $check($found === [0, [true, '1, 0 from memory, 0 from servers', true]], "without $command[0] the database answers", $found);
    @unlink("$folder/$scheme");
}
array_map(unlink(...), glob("$folder/*") ?: []);
rmdir($folder);

[$status, $found] = $part(['time limit'], '-d', 'display_errors=stderr', '-d', 'error_log=/dev/null', '-d', 'display_errors=0');
$check([$status, $found] === [255, ''], 'a time limit ends reads', [$status, $found]);
[$status, [$plain, $cached]] = $part(['speed']);
printf("%d hours: %.0f microseconds from the database, %.0f from the process, %.1f times as fast\n", HOURS, $plain, $cached, $plain / $cached);
$check($status === 0 && $cached < $plain, 'a cached read is faster', [$plain, $cached]);
echo "$passed passed, $failed failed\n";
exit($failed === 0 ? 0 : 1);
