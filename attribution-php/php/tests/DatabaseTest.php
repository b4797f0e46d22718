<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests;

use PHPUnit\Framework\TestCase;
use Prosper202\AttributionNative\Extension;
use Prosper202\AttributionNative\NativeJobRunner;
use Prosper202\AttributionNative\NativeJourneyRepository;

/**
 * The runner, the repository and the scripts on a real server.
 */
final class DatabaseTest extends TestCase
{
    private const START = Database::HOUR;
    private const END = Database::HOUR + 7_200;

    private const JOURNEYS = 'SELECT conv_id, position, click_id FROM 202_conversion_touchpoints ORDER BY 1, 2';
    private const BOTH_JOURNEYS = [['1', '0', '1'], ['1', '1', '2'], ['1', '2', '3'], ['2', '0', '4']];

    private const CREDITS = 'SELECT s.user_id, m.model_slug, s.date_hour - ' . Database::HOUR . ','
        . ' s.attributed_revenue, t.conv_id, t.click_id, t.position, t.credit'
        . ' FROM 202_attribution_snapshots s JOIN 202_attribution_models m USING (model_id)'
        . " JOIN 202_attribution_touchpoints t USING (snapshot_id) WHERE s.scope_type = 'global'"
        . ' ORDER BY 1, 2, 3, 5, 7';

    private ?Database $database = null;

    protected function setUp(): void
    {
        $absence = Extension::isLoaded() ? Database::absence() : 'the extension is not loaded';
        if ($absence !== null) {
            self::markTestSkipped($absence);
        }
        $this->database = new Database();
    }

    protected function tearDown(): void
    {
        $this->database?->remove();
    }

    public function testJourneysAreStoredAndRemoved(): void
    {
        $repository = new NativeJourneyRepository($this->database()->url());
        self::assertSame(4, $repository->hydrateScope(1, Host\ScopeType::GLOBAL, null, self::START, self::END));
        self::assertSame(self::BOTH_JOURNEYS, $this->texts(self::JOURNEYS));

        self::assertSame(0, $repository->purgeByScope(2, 'global', null));
        self::assertSame(3, $repository->purgeByScope(1, 'global', null, self::START, self::START + 3_600));
        self::assertSame([['2', '0', '4']], $this->texts(self::JOURNEYS));

        self::assertSame(3, $repository->persistJourney(1, self::START + 600, 11));
        self::assertSame(self::BOTH_JOURNEYS, $this->texts(self::JOURNEYS));
        self::assertSame(3, $repository->persistJourney(1, self::START + 3_599));
        self::assertSame(self::BOTH_JOURNEYS, $this->texts(self::JOURNEYS));

        self::assertSame(0, $repository->purgeByScope(1, 'campaign', 12));
        self::assertSame(4, $repository->purgeByScope(1, 'advertiser', 5));
        self::assertSame([], $this->texts(self::JOURNEYS));
    }

    public function testTheRepositoryPassesItsOptionsOn(): void
    {
        $repository = new NativeJourneyRepository($this->database()->parts(), ['journey_key' => 'campaign']);
        self::assertSame(8, $repository->hydrateScope(1, 'campaign', 11, self::START, self::END));
    }

    public function testTheRunnerRebuildsOneUser(): void
    {
        $this->journeys();
        $phases = [];
        $progress = static function (string $phase, int $done, int $total) use (&$phases): void {
            $phases[$phase] = [$done, $total];
        };
        $runner = new NativeJobRunner($this->database()->url(), ['progress' => $progress]);
        $runner->runForUser(1, self::START + 900, self::END - 900);
        $expected = [
            ['1', 'last', '0', '10.0000', '1', '3', '2', '1.00000'],
            ['1', 'last', '3600', '5.0000', '2', '4', '0', '1.00000'],
            ['1', 'linear', '0', '10.0000', '1', '1', '0', '0.33334'],
            ['1', 'linear', '0', '10.0000', '1', '2', '1', '0.33333'],
            ['1', 'linear', '0', '10.0000', '1', '3', '2', '0.33333'],
            ['1', 'linear', '3600', '5.0000', '2', '4', '0', '1.00000'],
        ];
        self::assertSame($expected, $this->texts(self::CREDITS));
        self::assertArrayHasKey('writing', $phases);

        $runner->runForUser(1, self::START, self::END);
        self::assertSame($expected, $this->texts(self::CREDITS));
    }

    public function testTheRunnerRebuildsEveryUser(): void
    {
        $report = (new NativeJobRunner($this->database()->parts()))->runForAll(self::START, self::END);
        self::assertSame('rebuild', $report['job']);
        self::assertSame([1, 2], array_column($report['users'], 'user_id'));
        self::assertSame([2, 1], array_map(
            static fn (array $user): mixed => $user['report']['conversions'] ?? null,
            $report['users'],
        ));
    }

    public function testAFailureIsThrown(): void
    {
        $this->database()->overflow();
        $runner = new NativeJobRunner($this->database()->url());
        try {
            $runner->runForUser(2, self::START, self::END);
            self::fail('the revenue fits no column');
        } catch (\Attribution\Exception $failure) {
            self::assertStringContainsString('attributed_revenue', $failure->getMessage());
        }
        $report = $runner->runForAll(self::START, self::END);
        self::assertArrayHasKey('report', $report['users'][0]);
        self::assertArrayHasKey('error', $report['users'][1]);
    }

    public function testNoMessageOrTraceShowsThePassword(): void
    {
        $runner = new NativeJobRunner($this->database()->url('not-the-pa55word'));
        try {
            $runner->runForUser(1, self::START, self::END);
            self::fail('the password is another');
        } catch (\Attribution\Exception $failure) {
            self::assertStringNotContainsString('pa55word', (string) $failure);
            // What the trace prints is cut short; what it holds is not.
            self::assertStringNotContainsString('pa55word', print_r($this->withoutTests($failure->getTrace()), true));
        }
    }

    /**
     * The frames of the library and the extension.
     *
     * @param list<array<string, mixed>> $trace
     *
     * @return list<array<string, mixed>>
     */
    private function withoutTests(array $trace): array
    {
        $ours = fn (array $frame): bool => str_starts_with((string) $frame['function'], 'attribution_')
            || str_starts_with((string) ($frame['class'] ?? ''), 'Prosper202\\AttributionNative\\Native')
            || str_starts_with((string) ($frame['class'] ?? ''), 'Prosper202\\AttributionNative\\ExtensionEngine');
        $frames = array_values(array_filter($trace, $ours));
        self::assertNotEmpty($frames);

        return $frames;
    }

    public function testATerminalSeesABar(): void
    {
        [$status] = Process::runProgram(['script', '--quiet', '--return', '--command', 'true', '/dev/null']);
        if ($status !== 0) {
            // Where the system has no terminals to give, nothing can be seen on one.
            self::assertFileDoesNotExist('/dev/pts/ptmx');

            return;
        }
        $command = [PHP_BINARY, ...Process::withExtension(), __DIR__ . '/../bin/attribution-rebuild.php',
            '--start=' . self::START, '--end=' . self::END];
        $line = implode(' ', array_map(escapeshellarg(...), $command));
        [$status, $output] = Process::runProgram(
            ['script', '--quiet', '--return', '--command', $line, '/dev/null'],
            ['ATTRIBUTION_DATABASE_URL' => $this->database()->url()],
        );
        self::assertSame(0, $status, $output);
        self::assertMatchesRegularExpression('/\rwriting +\[[#.]{30}\] +\d+ %\e\[K/', $output);
        self::assertStringContainsString('attribution-rebuild: 2 users', $output);
    }

    public function testTheScriptsDoAWindow(): void
    {
        $window = ['--start=' . self::START, '--end=' . self::END, '--batch-size=500'];
        [$status, $output, $errors] = $this->script('backfill-conversion-journeys', $window);
        self::assertSame('', $errors);
        self::assertMatchesRegularExpression('/^backfill-conversion-journeys: 2 users, 3 conversions, 5 touches,'
            . ' 5 rows written in \d+\.\d s\n$/D', $output);
        self::assertSame(0, $status);

        [$status, $output, $errors] = $this->script('attribution-rebuild', $window);
        self::assertStringStartsWith('user 1: warning: model odd was left out: ', $errors);
        self::assertMatchesRegularExpression('/^attribution-rebuild: 2 users, 3 models, 5 model hours, 3 conversions,'
            . ' \d+ rows written in \d+\.\d s\n$/D', $output);
        self::assertSame(0, $status);
        self::assertCount(7, $this->texts(self::CREDITS));
        $recorded = 'SELECT last_execution_time > ' . (time() - 600) . ' FROM 202_cronjob_logs WHERE id = 2';
        self::assertSame([['1']], $this->texts($recorded));

        [$status, $output, $errors] = $this->script('attribution-rebuild', [...$window, '--user', '2']);
        self::assertSame('', $errors);
        self::assertStringContainsString(' 1 user, 1 model, 1 model hour, 1 conversion, 0 rows written ', $output);
        self::assertSame(0, $status);
    }

    public function testAWindowIsNotNeeded(): void
    {
        foreach (['backfill-conversion-journeys', 'attribution-rebuild'] as $script) {
            [$status, $output] = $this->script($script, []);
            self::assertStringStartsWith("$script: 2 users, ", $output);
            self::assertStringContainsString(' 0 conversions, ', $output);
            self::assertSame(0, $status);
        }
    }

    public function testTheScriptsTellFailures(): void
    {
        $this->database()->overflow();
        $window = ['--start=' . self::START, '--end=' . self::END];
        [$status, $output, $errors] = $this->script('attribution-rebuild', $window);
        self::assertMatchesRegularExpression('/^user 2: .* \[[a-z_]+\]\n$/mD', $errors);
        self::assertMatchesRegularExpression('/^attribution-rebuild: 1 user, .*, 1 user failed\n$/D', $output);
        self::assertSame(1, $status);

        [$status, $output, $errors] = $this->script('attribution-rebuild', [...$window, '--user=2']);
        self::assertMatchesRegularExpression('/^user 2: .* \[[a-z_]+\]\n$/D', $errors);
        self::assertMatchesRegularExpression('/^attribution-rebuild: 0 users, .*, 1 user failed\n$/D', $output);
        self::assertSame(1, $status);

        $url = $this->database()->url('not-the-pa55word');
        [$status, $output, $errors] = $this->script('attribution-rebuild', [...$window, "--database=$url"]);
        self::assertMatchesRegularExpression('/^attribution-rebuild: .* \[database\]\n$/D', $errors);
        self::assertStringNotContainsString('pa55word', $errors);
        self::assertSame([1, ''], [$status, $output]);
    }

    private function journeys(): void
    {
        (new NativeJourneyRepository($this->database()->url()))
            ->hydrateScope(1, 'global', null, self::START, self::END);
    }

    private function database(): Database
    {
        return $this->database ?? throw new \LogicException('there is no database');
    }

    /**
     * @return list<list<string>>
     */
    private function texts(string $query): array
    {
        return array_map(
            static fn (array $row): array
                => array_map(static fn (mixed $value): string => is_scalar($value) ? (string) $value : '', $row),
            $this->database()->rows($query),
        );
    }

    /**
     * @param list<string> $arguments
     *
     * @return array{int, string, string}
     */
    private function script(string $name, array $arguments): array
    {
        return Process::run(
            [...Process::withExtension(), dirname(__DIR__) . "/bin/$name.php", ...$arguments],
            ['ATTRIBUTION_DATABASE_URL' => $this->database()->url()],
        );
    }
}
