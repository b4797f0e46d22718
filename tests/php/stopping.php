<?php

declare(strict_types=1);

/*
 * Rebuilds that are stopped in every way PHP knows, each in a process of its own, on a real server: afterwards no hour
 * of a model is half written, and the next rebuild makes all right.
 *
 *     ATTRIBUTION_TEST_DATABASE_URL=... php -d extension=PATH tests/php/stopping.php COMMAND
 *
 * The last line tells how many passed and failed; exit status 1 where any failed.
 */

const NAME = 'attribution_stopping';
const START = 1_717_200_000;
const CLICKS = 20_000;
const WINDOW = ['user' => 1, 'start' => START, 'end' => START + CLICKS + 1];

$url = str_replace('/?', '/' . NAME . '?', (string) getenv('ATTRIBUTION_TEST_DATABASE_URL'));
parse_str((string) parse_url($url, PHP_URL_QUERY), $settings);

if (($argv[1] ?? null) === '--child') {
    stopped($argv[2], $url);
    exit(0);
}

/** What is done in a process of its own, and how it stops. */
function stopped(string $how, string $url): void
{
    $in_writing = fn (callable $do): callable => function (string $phase) use ($do): void {
        if ($phase === 'writing') {
            $do();
        }
    };
    // A handler that is asked for keeps what PHP prints about an error of its own off the output.
    ini_set('display_errors', 'stderr');
    switch ($how) {
        case 'time limit':
            set_time_limit(1);
            // Time is the processor's: nothing is left of it after the first, whichever is running.
            for ($until = hrtime(true) + 950_000_000; hrtime(true) < $until;) {
            }
            while (true) {
                attribution_rebuild($url, WINDOW + ['connections' => 1]);
            }
        case 'exit':
            attribution_rebuild($url, WINDOW + ['progress' => $in_writing(fn () => exit(3))]);
            break;
        case 'fatal error':
            ini_set('memory_limit', '32M');
            attribution_rebuild($url, WINDOW + ['progress' => $in_writing(fn () => str_repeat('x', 100 << 20))]);
            break;
        case 'exception':
            try {
                attribution_rebuild($url, WINDOW + ['progress' => $in_writing(fn () => throw new DomainException())]);
            } catch (DomainException) {
                exit(4);
            }
            break;
        case 'false':
            try {
                attribution_rebuild($url, WINDOW + ['progress' => fn (string $phase): bool => $phase !== 'writing']);
            } catch (Attribution\CancelledException $exception) {
                exit($exception->errorCode === 'cancelled' ? 5 : 1);
            }
            break;
        case 'signal':
            pcntl_async_signals(true);
            pcntl_signal(SIGALRM, fn () => throw new DomainException());
            pcntl_alarm(1);
            try {
                attribution_rebuild($url, WINDOW + ['progress' => $in_writing(fn () => usleep(300_000))]);
            } catch (DomainException) {
                exit(6);
            }
            break;
        case 'memory':
            try {
                attribution_rebuild($url, WINDOW);
            } catch (Attribution\LimitException) {
                exit(7);
            }
            break;
    }
    echo "not stopped\n";
}

const WAYS = [
    'time limit' => 255,
    'exit' => 3,
    'fatal error' => 255,
    'exception' => 4,
    'false' => 5,
    'signal' => 6,
    'memory' => 7,
];

function fill(mysqli $database): void
{
    foreach (explode(';', (string) file_get_contents(__DIR__ . '/../database/src/host_schema.sql')) as $statement) {
        if (trim($statement) !== '') {
            $database->query($statement);
        }
    }
    $database->query("INSERT INTO 202_users (user_id, user_name, user_deleted) VALUES (1, 'one', 0)");
    $rows = [];
    for ($click = 1; $click <= CLICKS; $click++) {
        $time = START + $click;
        $visitor = $click % 2_000 + 1;
        $rows['202_clicks (click_id, user_id, aff_campaign_id, ppc_account_id, click_cpc, click_payout, click_time)'][]
            = "($click, 1, 1, 0, 0.5, 1, $time)";
        $rows['202_clicks_advance (click_id, ip_id)'][] = "($click, $visitor)";
        if ($click % 2 === 0) {
            $rows['202_conversion_logs (conv_id, click_id, campaign_id, click_payout, user_id, click_time, conv_time,
                time_difference, user_agent)'][] = "($click, $click, 1, 10.00001, 1, $time, $time, '', '')";
        }
    }
    $database->begin_transaction();
    foreach ($rows as $table => $values) {
        foreach (array_chunk($values, 2_000) as $some) {
            $database->query("INSERT INTO $table VALUES " . implode(',', $some));
        }
    }
    $database->commit();
}

/** Hours of a model whose credits do not add up to their snapshot, or that are there twice. */
function torn(mysqli $database): array
{
    return $database->query(
        "SELECT s.model_id, s.date_hour, COUNT(DISTINCT s.snapshot_id), MAX(s.attributed_conversions), SUM(t.credit)
         FROM 202_attribution_snapshots s LEFT JOIN 202_attribution_touchpoints t USING (snapshot_id)
         WHERE s.scope_type = 'global' GROUP BY s.model_id, s.date_hour
         HAVING COUNT(DISTINCT s.snapshot_id) <> 1 OR MAX(s.attributed_conversions) <> SUM(t.credit)",
    )->fetch_all();
}

function checksum(mysqli $database): string
{
    $rows = $database->query(
        "SELECT s.model_id, s.date_hour, s.scope_type, s.scope_id, s.attributed_clicks, s.attributed_conversions,
         s.attributed_revenue, s.attributed_cost, COUNT(t.touchpoint_id), SUM(t.credit), SUM(t.credit * t.click_id)
         FROM 202_attribution_snapshots s LEFT JOIN 202_attribution_touchpoints t USING (snapshot_id)
         GROUP BY s.snapshot_id ORDER BY 1, 2, 3, 4",
    )->fetch_all();
    return count($rows) . ' rows, ' . md5((string) json_encode($rows));
}

$passed = $failed = 0;
$check = function (bool $holds, string $what, mixed $found) use (&$passed, &$failed): void {
    $holds ? $passed++ : $failed++;
    if (!$holds) {
        echo "failed: $what: ", json_encode($found), "\n";
    }
};

$database = new mysqli('localhost', 'root', '', '', 0, (string) $settings['socket']);
$database->query('CREATE DATABASE ' . NAME);
$database->select_db(NAME);
fill($database);
putenv("ATTRIBUTION_DATABASE_URL=$url");
exec(escapeshellarg($argv[1] ?? 'attribution') . ' install', $said, $status);
$check($status === 0, 'install', $said);
$database->query("INSERT INTO 202_attribution_models (user_id, model_name, model_slug, model_type, weighting_config,
    is_active, is_default, created_at, updated_at) VALUES (1, 'Linear', 'linear', 'linear', NULL, 1, 1, 0, 0),
    (1, 'Decay', 'decay', 'time_decay', '{\"half_life_hours\":1}', 1, 0, 0, 0)");
attribution_backfill($url, WINDOW);
attribution_rebuild($url, WINDOW);
$whole = checksum($database);
preg_match('/extension=[^\0]*attribution[^\0]*/', (string) file_get_contents('/proc/self/cmdline'), $loaded);
foreach (WAYS as $how => $expected) {
    // Half of what is there is wrong, and the other half is not there.
    $database->query("UPDATE 202_attribution_snapshots SET attributed_clicks = 1 WHERE model_id = 1");
    $database->query('DELETE t FROM 202_attribution_touchpoints t JOIN 202_attribution_snapshots s USING (snapshot_id) WHERE model_id = 2');
    $database->query('DELETE FROM 202_attribution_snapshots WHERE model_id = 2');
    $command = [PHP_BINARY, '-d', $loaded[0] ?? 'extension=attribution'];
    array_push($command, '-d', 'attribution.memory_limit=' . ($how === 'memory' ? '1M' : '1G'));
    array_push($command, __FILE__, '--child', $how);
    $process = proc_open($command, [['file', '/dev/null', 'r'], ['pipe', 'w'], ['pipe', 'w']], $pipes);
    [$output, $errors] = [stream_get_contents($pipes[1]), stream_get_contents($pipes[2])];
    $status = proc_close($process);
    $check($status === $expected && $output === '', "stopped by $how", [$status, $output, $errors]);
    $check(torn($database) === [], "nothing torn by $how", torn($database));
    attribution_rebuild($url, WINDOW + ['wait' => 30]);
    $check(checksum($database) === $whole, "made right after $how", checksum($database));
}
echo "$passed passed, $failed failed\n";
exit($failed === 0 ? 0 : 1);
