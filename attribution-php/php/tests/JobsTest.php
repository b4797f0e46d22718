<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests;

use PHPUnit\Framework\TestCase;
use Prosper202\AttributionNative\NativeJobRunner;
use Prosper202\AttributionNative\NativeJourneyRepository;

/**
 * What the runner and the repository ask of the engine, with an engine that is not there.
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
        $runs = [
            static fn () => $runner->runForUser(0, 0, 1),
            static fn () => $repository->persistJourney(0, 1),
            static fn () => $repository->hydrateScope(0, 'global', null, 0, 1),
            static fn () => $repository->purgeByScope(-1, 'global', null),
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
            new NativeJourneyRepository(self::URL, ['replica' => self::URL], $engine)] as $object
        ) {
            self::assertStringNotContainsString('secret', print_r($object, true));
            self::assertStringNotContainsString('secret', print_r((array) $object, true));
        }
    }
}
