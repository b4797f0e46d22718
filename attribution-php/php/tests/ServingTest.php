<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests;

use PHPUnit\Framework\TestCase;
use Prosper202\AttributionNative\Extension;
use Prosper202\AttributionNative\NativeExports;
use Prosper202\AttributionNative\NativeJobRunner;
use Prosper202\AttributionNative\NativeJourneyRepository;
use Prosper202\AttributionNative\NativePurger;
use Prosper202\AttributionNative\NativeReports;

/**
 * Reports, exports and purges on a real server.
 */
final class ServingTest extends TestCase
{
    private const START = Database::HOUR;
    private const END = Database::HOUR + 7_200;

    private ?Database $database = null;

    /** @var list<string> */
    private array $folders = [];

    protected function setUp(): void
    {
        $absence = Extension::isLoaded() ? Database::absence() : 'the extension is not loaded';
        if ($absence !== null) {
            self::markTestSkipped($absence);
        }
        $this->database = new Database();
        $url = $this->database->url();
        (new NativeJourneyRepository($url))->hydrateScope(1, 'global', null, self::START, self::END);
        (new NativeJobRunner($url))->runForUser(1, self::START, self::END);
    }

    protected function tearDown(): void
    {
        $this->database?->remove();
        foreach ($this->folders as $folder) {
            array_map(unlink(...), glob("$folder/*") ?: []);
            rmdir($folder);
        }
    }

    public function testAComparisonIsTheCommands(): void
    {
        $models = ['linear', 'last', 'Short=time_decay:half_life_hours=1'];
        $phases = [];
        $reports = new NativeReports($this->database()->url(), ['threads' => 1, 'progress' => static function (
            string $phase,
        ) use (&$phases): void {
            $phases[$phase] = true;
        }]);
        $comparison = $reports->compare(1, $models, self::START, self::END, resamples: 50);
        self::assertSame($this->command([
            'compare', '--user=1', '--model=linear', '--model=last', "--model=$models[2]", '--start=' . self::START,
            '--end=' . self::END, '--resamples=50', '--format=json',
        ]), $comparison);
        self::assertSame([2, 3], [$comparison['conversions'], count($comparison['rows'])]);
        self::assertArrayHasKey('reading', $phases);

        $campaigns = $reports->compare(
            1,
            ['last', 'linear'],
            self::START,
            self::END,
            scopeType: Host\ScopeType::CAMPAIGN,
            baseline: 'linear',
            resamples: 0,
        );
        self::assertSame($this->command([
            'compare', '--user=1', '--model=last', '--model=linear', '--start=' . self::START, '--end=' . self::END,
            '--scope=campaign', '--baseline=linear', '--resamples=0', '--format=json',
        ]), $campaigns);
        self::assertSame('linear', $campaigns['baseline']);
        self::assertSame([11], array_values(array_unique(array_column($campaigns['rows'], 'scope_id'))));
    }

    public function testAComparisonStopsWhereItIsToldTo(): void
    {
        $reports = new NativeReports($this->database()->url(), ['progress' => static fn (): bool => false]);
        $this->expectException(\Attribution\CancelledException::class);
        $reports->compare(1, ['linear', 'last'], self::START, self::END);
    }

    public function testAnOverviewIsTheCommands(): void
    {
        $reports = new NativeReports($this->database()->parts());
        $overview = $reports->overview(1, 'linear', self::START, self::END, limit: 1);
        self::assertSame($this->command([
            'overview', '--user=1', '--model=linear', '--start=' . self::START, '--end=' . self::END, '--limit=1',
            '--json',
        ]), $overview);
        self::assertSame([2, '15.00000'], [$overview['totals']['hours'], $overview['totals']['revenue']]);
        self::assertCount(1, $overview['hours']);

        $overview = $reports->overview(1, 'last', self::START, self::END, 'campaign', 11, offset: 1);
        self::assertSame($this->command([
            'overview', '--user=1', '--model=last', '--start=' . self::START, '--end=' . self::END,
            '--scope=campaign:11', '--offset=1', '--json',
        ]), $overview);
    }

    public function testCachedSnapshotsAreThoseOfTheDatabase(): void
    {
        $url = $this->database()->url();
        $query = ['user' => 1, 'model' => 'linear', 'start' => self::START, 'end' => self::END];
        $reports = new NativeReports($url);
        $read = static fn (): array => $reports->snapshots(1, 'linear', self::START, self::END);
        $first = attribution_snapshots($url, $query);
        self::assertSame([$first, $first], [$read(), $read()]);
        $global = array_values(array_filter($first, static fn (array $row): bool => $row['scope_type'] === 'global'));
        self::assertSame($global, $reports->snapshots(1, 'linear', self::START, self::END, 'global'));
        self::assertSame([$global[1]], $reports->snapshots(1, 'linear', self::START, self::END, 'global', null, 1, 1));

        $this->database()->run('UPDATE 202_conversion_logs SET click_payout = 3 WHERE conv_id = 1');
        (new NativeJobRunner($url))->runForUser(1, self::START, self::END);
        $second = attribution_snapshots($url, $query);
        self::assertNotSame($first, $second);
        self::assertSame([$second, $second], [$read(), $read()]);
    }

    public function testAnExportIsMadeAndItsWebhookSigned(): void
    {
        [$receiver, $pipes, $port] = $this->receiver();
        $exports = new NativeExports($this->database()->url(), ['allow_networks' => ['127.0.0.0/8']]);
        $job = $exports->schedule(
            userId: 1,
            modelSlug: 'linear',
            scopeType: Host\ScopeType::GLOBAL,
            scopeId: null,
            startTime: self::START,
            endTime: self::END,
            format: 'csv',
            webhookUrl: "http://127.0.0.1:$port/hook",
            webhookSecret: 'hu5h',
            webhookHeaders: ['X-Key' => 'k3y'],
        );
        self::assertSame('pending', $job['status']);
        self::assertSame([true, ['X-Key']], [$job['webhook_signed'], $job['webhook_headers']]);
        self::assertStringNotContainsString('hu5h', print_r($job, true));
        self::assertSame([$job], $exports->jobs(1, 'pending'));
        self::assertSame([[], []], [$exports->jobs(1, 'failed'), $exports->jobs(2)]);
        $listed = $this->command(['export', 'list', '--user=1', '--json']);
        self::assertSame($exports->jobs(1), $listed);

        $folder = $this->folder();
        [$status, $output, $errors] = $this->script(["--directory=$folder", '--allow-network=127.0.0.0/8,10.0.0.0/8']);
        self::assertSame('', $errors);
        self::assertMatchesRegularExpression(
            '/^attribution-export: 1 file made, \d+ rows, 1 webhook delivered in \d+\.\d s\n$/D',
            $output,
        );
        self::assertSame(0, $status);

        $received = json_decode((string) stream_get_contents($pipes[1]), true, flags: JSON_THROW_ON_ERROR);
        self::assertSame(0, proc_close($receiver));
        self::assertIsArray($received);
        self::assertSame('POST /hook HTTP/1.1', $received['request']);
        self::assertSame('application/json', $received['headers']['content-type']);
        self::assertSame('k3y', $received['headers']['x-key']);
        self::assertSame(
            hash_hmac('sha256', $received['body'], 'hu5h'),
            $received['headers']['x-prosper202-signature'],
        );
        $notice = json_decode($received['body'], true, flags: JSON_THROW_ON_ERROR);
        self::assertSame([$job['export_id'], 1, 'completed', 'csv', 'global', null], [
            $notice['export_id'], $notice['model_id'], $notice['status'], $notice['format'], $notice['scope_type'],
            $notice['scope_id'],
        ]);

        [$done] = $exports->jobs(1, 'completed');
        self::assertSame(['delivered', 200], [$done['webhook_state'], $done['webhook_status_code']]);
        $path = $done['file_path'];
        self::assertSame(realpath($folder), dirname($path));
        self::assertSame(0600, fileperms($path) & 0777);
        self::assertSame(file_get_contents($path), base64_decode($notice['file_contents'], true));
        self::assertSame($done['rows_exported'] + 1, count(file($path) ?: []));
        $recorded = 'SELECT last_execution_time > ' . (time() - 600) . ' FROM 202_cronjob_logs WHERE id = 3';
        self::assertSame('1', (string) $this->database()->rows($recorded)[0][0]);

        [$status, $output] = $this->script([], ['ATTRIBUTION_EXPORT_DIRECTORY' => $folder]);
        self::assertStringStartsWith('attribution-export: 0 files made, 0 rows, 0 webhooks delivered in ', $output);
        self::assertSame(0, $status);
    }

    public function testNoMoreJobsThanAskedFor(): void
    {
        $exports = new NativeExports($this->database()->url());
        for ($number = 0; $number < 7; $number++) {
            $exports->schedule(1, 'last', 'campaign', 11, self::START, self::END, 'xlsx');
        }
        $folder = $this->folder();
        self::assertSame(2, $exports->run($folder, 2)['completed']);
        [$status, $output, $errors] = $this->script(["--directory=$folder"]);
        self::assertStringStartsWith('attribution-export: 5 files made, ', $output);
        self::assertSame([0, ''], [$status, $errors]);
        self::assertCount(7, glob("$folder/*") ?: []);
    }

    public function testAFailedExportIsTold(): void
    {
        $exports = new NativeExports($this->database()->url());
        $job = $exports->schedule(1, 'linear', 'global', null, self::START, self::END);
        $exports->schedule(1, 'last', 'global', null, self::START, self::END);
        // Model 4 is another's.
        $this->database()->run("UPDATE 202_attribution_exports SET model_id = 4 WHERE export_id = {$job['export_id']}");
        [$status, $output, $errors] = $this->script(['--directory=' . $this->folder()]);
        self::assertMatchesRegularExpression("/^export {$job['export_id']}: \\S.*\\n$/D", $errors);
        self::assertMatchesRegularExpression(
            '/^attribution-export: 1 file made, \d+ rows, 0 webhooks delivered in \d+\.\d s, 1 export failed\n$/D',
            $output,
        );
        self::assertSame(1, $status);
        self::assertSame([$job['export_id']], array_column($exports->jobs(1, 'failed'), 'export_id'));

        [$status, $output, $errors] = $this->script(['--directory=/no/such/folder']);
        self::assertMatchesRegularExpression('/^attribution-export: .*\/no\/such\/folder.* \[io\]\n$/D', $errors);
        self::assertSame([1, ''], [$status, $output]);
    }

    public function testAPurgeIsTheCommandsAndLeavesNothing(): void
    {
        $url = $this->database()->url();
        $dry = (new NativePurger($url, ['dry_run' => true]))->conversions(1, [1]);
        $told = $this->command(['purge', 'conversions', '--user=1', '--ids=1', '--dry-run', '--json']);
        $timeless = static fn (array $report): array => ['duration_ms' => 0] + $report;
        self::assertEquals($timeless($told['users'][0]['report']), $timeless($dry));
        self::assertTrue($dry['dry_run']);

        $report = (new NativePurger($url, ['wait' => 5]))->conversions(1, [1]);
        self::assertSame(array_column($dry['tables'], 'found'), array_column($report['tables'], 'removed'));
        self::assertSame([0], array_values(array_unique(array_column($report['tables'], 'left'))));
        self::assertSame([['2']], $this->database()->rows('SELECT DISTINCT conv_id FROM 202_conversion_touchpoints'));

        $report = (new NativePurger($url))->visitor(1, 200);
        self::assertSame([0], array_values(array_unique(array_column($report['tables'], 'left'))));
        self::assertSame([], $this->database()->rows('SELECT 1 FROM 202_clicks WHERE click_id = 4'));
        (new NativePurger($url))->clicks(1, [1, '2', 3]);
        self::assertSame([], $this->database()->rows('SELECT 1 FROM 202_clicks WHERE user_id = 1'));

        $report = (new NativePurger($url))->olderThan(['snapshots' => '1d', 'credits' => 86_400, 'audit' => '10w']);
        self::assertSame(['purge', [1, 2]], [$report['job'], array_column($report['users'], 'user_id')]);
        (new NativePurger($url))->owner(1);
        self::assertSame([], $this->database()->rows('SELECT 1 FROM 202_attribution_models WHERE user_id = 1'));
        self::assertCount(1, $this->database()->rows('SELECT 1 FROM 202_attribution_models WHERE user_id = 2'));
    }

    private function database(): Database
    {
        return $this->database ?? throw new \LogicException('there is no database');
    }

    private function folder(): string
    {
        $folder = sys_get_temp_dir() . '/attribution_exports_' . bin2hex(random_bytes(6));
        mkdir($folder, 0700);

        return $this->folders[] = $folder;
    }

    /**
     * @return array{resource, array<int, resource>, int} the process, its pipes, and the port that it listens on
     */
    private function receiver(): array
    {
        $pipes = [];
        $process = proc_open(
            [PHP_BINARY, '-n', __DIR__ . '/receiver.php'],
            [['file', '/dev/null', 'r'], ['pipe', 'w'], STDERR],
            $pipes,
        );
        self::assertIsResource($process);

        return [$process, $pipes, (int) fgets($pipes[1])];
    }

    /**
     * What the command says as JSON.
     *
     * @param list<string> $arguments
     */
    private function command(array $arguments): mixed
    {
        [$status, $output, $errors] = Process::runProgram(
            [Database::command(), ...$arguments],
            ['ATTRIBUTION_DATABASE_URL' => $this->database()->url()],
        );
        self::assertSame(0, $status, $errors);

        return json_decode($output, true, flags: JSON_THROW_ON_ERROR);
    }

    /**
     * @param list<string>          $arguments
     * @param array<string, string> $environment
     *
     * @return array{int, string, string}
     */
    private function script(array $arguments, array $environment = []): array
    {
        return Process::run(
            [...Process::withExtension(), dirname(__DIR__) . '/bin/attribution-export.php', ...$arguments],
            $environment + ['ATTRIBUTION_DATABASE_URL' => $this->database()->url()],
        );
    }
}
