<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests;

use PHPUnit\Framework\TestCase;
use Prosper202\AttributionNative\NativeExports;
use Prosper202\AttributionNative\NativeJobRunner;
use Prosper202\AttributionNative\NativeJourneyRepository;
use Prosper202\AttributionNative\NativePurger;
use Prosper202\AttributionNative\NativeReports;

/**
 * What the classes on a database ask of the engine, with an engine that is not there.
 */
final class JobsTest extends TestCase
{
    private const URL = 'mysql://me:secret@host/tracker';

    private const ANSWER = [
        'job' => 'backfill',
        'engine_version' => '0.1.0',
        'users' => [['user_id' => 7, 'report' => ['touches' => 12, 'rows_written' => 5]]],
    ];

    public function testTheRunnerRebuildsOneUsersWindow(): void
    {
        $engine = new FakeEngine(self::ANSWER);
        $runner = new NativeJobRunner(self::URL, ['wait' => 5], $engine);
        $runner->runForUser(7, 3_600, 7_200);
        $options = ['user' => 7, 'start' => 3_600, 'end' => 7_200, 'wait' => 5];
        self::assertSame([['rebuild', [self::URL, $options]]], $engine->calls);
    }

    public function testTheRunnerRebuildsEveryUsersWindow(): void
    {
        $engine = new FakeEngine(self::ANSWER);
        $runner = new NativeJobRunner(['host' => 'h', 'database' => 'd'], engine: $engine);
        self::assertSame(self::ANSWER, $runner->runForAll(3_600, 7_200));
        $options = ['user' => 0, 'start' => 3_600, 'end' => 7_200];
        self::assertSame([['rebuild', [['host' => 'h', 'database' => 'd'], $options]]], $engine->calls);
    }

    public function testOptionsOfTheRunWinOverThoseOfEachRun(): void
    {
        $engine = new FakeEngine(self::ANSWER);
        (new NativeJobRunner(self::URL, ['user' => 1, 'start' => 1], $engine))->runForUser(7, 3_600, 7_200);
        self::assertSame(['user' => 7, 'start' => 3_600, 'end' => 7_200], $engine->calls[0][1][1]);
    }

    public function testNoUserIsNotEveryUser(): void
    {
        $engine = new FakeEngine(self::ANSWER);
        $runner = new NativeJobRunner(self::URL, [], $engine);
        $repository = new NativeJourneyRepository(self::URL, [], $engine);
        $purger = new NativePurger(self::URL, [], $engine);
        $reports = new NativeReports(self::URL, [], $engine);
        $exports = new NativeExports(self::URL, [], $engine);
        $runs = [
            static fn () => $runner->runForUser(0, 0, 1),
            static fn () => $repository->persistJourney(0, 1),
            static fn () => $repository->hydrateScope(0, 'global', null, 0, 1),
            static fn () => $repository->purgeByScope(-1, 'global', null),
            static fn () => $purger->owner(0),
            static fn () => $purger->olderThan(['audit' => 1], 0),
            static fn () => $reports->overview(0, 'linear', 0, 1),
            static fn () => $exports->jobs(0),
            static fn () => $exports->schedule(-1, 'linear', 'global', null, 0, 1),
        ];
        foreach ($runs as $run) {
            try {
                $run();
                self::fail('every user was meant');
            } catch (\InvalidArgumentException $refusal) {
                self::assertStringEndsWith('and a number above 0 is needed', $refusal->getMessage());
            }
        }
        self::assertSame([], $engine->calls);
    }

    public function testWhatTheEngineThrowsIsThrown(): void
    {
        $failure = new \RuntimeException('locked');
        $this->expectExceptionObject($failure);
        (new NativeJobRunner(self::URL, [], new FakeEngine($failure)))->runForUser(7, 0, 1);
    }

    public function testPersistingAJourneyFillsItsHour(): void
    {
        $engine = new FakeEngine(self::ANSWER);
        $repository = new NativeJourneyRepository(self::URL, ['journey_key' => 'visitor'], $engine);
        self::assertSame(12, $repository->persistJourney(7, 7_199));
        self::assertSame(12, $repository->persistJourney(7, 7_200, 0));
        self::assertSame(12, $repository->persistJourney(userId: 7, conversionTime: 4_294_967_295, campaignId: 11));
        self::assertSame([
            ['user' => 7, 'start' => 3_600, 'end' => 7_200, 'scope_type' => 'global', 'journey_key' => 'visitor'],
            ['user' => 7, 'start' => 7_200, 'end' => 10_800, 'scope_type' => 'global', 'journey_key' => 'visitor'],
            [
                'user' => 7, 'start' => 4_294_965_600, 'end' => 4_294_967_295, 'scope_type' => 'campaign',
                'scope_id' => 11, 'journey_key' => 'visitor',
            ],
        ], array_map(static fn (array $call): mixed => $call[1][1], $engine->calls));
    }

    public function testReportsAreAskedFor(): void
    {
        $engine = new FakeEngine(['figures' => 1]);
        $options = ['cache' => 'redis://host/', 'replica' => 'mysql://replica/tracker', 'threads' => 2];
        $reports = new NativeReports(self::URL, $options, $engine);
        self::assertSame(['figures' => 1], $reports->snapshots(7, 'linear', 0, 3_600));
        $reports->snapshots(7, 'linear', 0, 3_600, Host\ScopeType::ADVERTISER, 4, 10, 20);
        $reports->overview(7, 'linear', 0, 3_600, 'campaign', 11, offset: 24);
        $reports->compare(7, ['linear', 'last_touch'], 0, 3_600, baseline: 'last_touch');
        (new NativeReports(self::URL, engine: $engine))->snapshots(7, 'linear', 0, 3_600);
        $window = ['user' => 7, 'start' => 0, 'end' => 3_600];
        self::assertEquals([
            ['snapshots', $window + [
                'model' => 'linear', 'limit' => null, 'offset' => 0, 'cache' => 'redis://host/',
            ]],
            ['snapshots', $window + [
                'model' => 'linear', 'scope_type' => 'advertiser', 'scope_id' => 4, 'limit' => 10, 'offset' => 20,
                'cache' => 'redis://host/',
            ]],
            ['overview', $window + [
                'model' => 'linear', 'scope_type' => 'campaign', 'scope_id' => 11, 'limit' => 24, 'offset' => 24,
            ]],
            ['compare', $window + [
                'models' => ['linear', 'last_touch'], 'scope_type' => 'global', 'baseline' => 'last_touch',
                'resamples' => 200, 'replica' => 'mysql://replica/tracker', 'threads' => 2,
            ]],
            ['snapshots', $window + ['model' => 'linear', 'limit' => null, 'offset' => 0, 'cache' => true]],
        ], self::asked($engine));
    }

    public function testExportsAreScheduledListedAndMade(): void
    {
        $engine = new FakeEngine(['jobs' => []]);
        $options = ['allow_networks' => ['10.0.0.0/8'], 'download_base' => 'https://host/exports'];
        $exports = new NativeExports(self::URL, $options, $engine);
        $exports->schedule(7, 'linear', Host\ScopeType::GLOBAL, null, 0, 3_600);
        $exports->schedule(7, 'linear', 'campaign', 11, 0, 3_600, 'xlsx', 'https://r/', 'secret', ['X-Key' => 'k']);
        $exports->run('/exports');
        $exports->jobs(7, 'failed');
        $window = ['user' => 7, 'start' => 0, 'end' => 3_600, 'model' => 'linear', 'allow_networks' => ['10.0.0.0/8']];
        self::assertEquals([
            ['scheduleExport', $window + [
                'scope_type' => 'global', 'format' => 'csv', 'webhook_url' => null, 'webhook_secret' => null,
                'webhook_headers' => null,
            ]],
            ['scheduleExport', $window + [
                'scope_type' => 'campaign', 'scope_id' => 11, 'format' => 'xlsx', 'webhook_url' => 'https://r/',
                'webhook_secret' => 'secret', 'webhook_headers' => ['X-Key' => 'k'],
            ]],
            ['runExports', $options + ['directory' => '/exports', 'jobs' => 5]],
            ['exports', ['user' => 7, 'status' => 'failed', 'limit' => 100, 'offset' => 0]],
        ], self::asked($engine));
    }

    public function testAPurgeNamesWhatIsToGo(): void
    {
        $engine = new FakeEngine(self::ANSWER);
        $purger = new NativePurger(self::URL, ['dry_run' => true], $engine);
        $report = self::ANSWER['users'][0]['report'];
        self::assertSame([$report, $report], [$purger->owner(7), $purger->clicks(7, [1, '2'])]);
        self::assertSame([$report, $report], [$purger->conversions(7, [3]), $purger->visitor(7, '9')]);
        self::assertSame(self::ANSWER, $purger->olderThan(['audit' => '90d']));
        $purger->olderThan(['audit' => 90], 7);
        self::assertSame([
            ['user' => 7, 'target' => 'owner', 'dry_run' => true],
            ['user' => 7, 'target' => 'clicks', 'ids' => [1, '2'], 'dry_run' => true],
            ['user' => 7, 'target' => 'conversions', 'ids' => [3], 'dry_run' => true],
            ['user' => 7, 'target' => 'visitor', 'visitor' => '9', 'dry_run' => true],
            ['user' => 0, 'target' => 'age', 'limits' => ['audit' => '90d'], 'dry_run' => true],
            ['user' => 7, 'target' => 'age', 'limits' => ['audit' => 90], 'dry_run' => true],
        ], array_column(self::asked($engine), 1));
    }

    public function testAPurgeWithoutAReportIsNoted(): void
    {
        $purger = new NativePurger(self::URL, [], new FakeEngine(['users' => []]));
        $this->expectException(\UnexpectedValueException::class);
        $this->expectExceptionMessage('the engine gave no report');
        $purger->owner(7);
    }

    public function testATimeBeforeTimeIsRefused(): void
    {
        $repository = new NativeJourneyRepository(self::URL, [], new FakeEngine(self::ANSWER));
        $this->expectException(\InvalidArgumentException::class);
        $this->expectExceptionMessage('conversionTime: found -1, and unix seconds up to 4294967295 are needed');
        $repository->persistJourney(7, -1);
    }

    public function testScopesAreHydratedAndPurged(): void
    {
        $engine = new FakeEngine(self::ANSWER);
        $repository = new NativeJourneyRepository(self::URL, [], $engine);
        self::assertSame(12, $repository->hydrateScope(7, Host\ScopeType::ADVERTISER, 4, 0, 3_600));
        self::assertSame(5, $repository->purgeByScope(7, 'campaign', 11));
        self::assertSame(5, $repository->purgeByScope(7, Host\ScopeType::GLOBAL, null, 3_600, 7_200));
        self::assertSame([
            ['user' => 7, 'start' => 0, 'end' => 3_600, 'scope_type' => 'advertiser', 'scope_id' => 4],
            [
                'user' => 7, 'start' => 0, 'end' => 4_294_967_295, 'scope_type' => 'campaign', 'scope_id' => 11,
                'remove' => true,
            ],
            ['user' => 7, 'start' => 3_600, 'end' => 7_200, 'scope_type' => 'global', 'remove' => true],
        ], array_map(static fn (array $call): mixed => $call[1][1], $engine->calls));
    }

    public function testAReportWithoutItsNumberIsNoted(): void
    {
        $repository = new NativeJourneyRepository(self::URL, [], new FakeEngine(['users' => []]));
        $this->expectException(\UnexpectedValueException::class);
        $this->expectExceptionMessage('the engine\'s report has no number "touches"');
        $repository->hydrateScope(7, 'global', null, 0, 1);
    }

    public function testNoDumpShowsAPassword(): void
    {
        $engine = new FakeEngine(self::ANSWER);
        foreach (
            [new NativeJobRunner(self::URL, ['replica' => self::URL], $engine),
            new NativeJourneyRepository(self::URL, ['replica' => self::URL], $engine),
            new NativeReports(self::URL, ['cache' => 'redis://:secret@host/'], $engine),
            new NativeExports(self::URL, [], $engine), new NativePurger(self::URL, [], $engine)] as $object
        ) {
            self::assertStringNotContainsString('secret', print_r($object, true));
            self::assertStringNotContainsString('secret', print_r((array) $object, true));
        }
    }

    /**
     * The functions that were called, with their options.
     *
     * @return list<array{string, mixed}>
     */
    private static function asked(FakeEngine $engine): array
    {
        self::assertSame([self::URL], array_values(array_unique(array_column(array_column($engine->calls, 1), 0))));

        return array_map(static fn (array $call): array => [$call[0], $call[1][1]], $engine->calls);
    }
}
