<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests;

use PHPUnit\Framework\TestCase;
use Prosper202\AttributionNative\AssistedStrategy;
use Prosper202\AttributionNative\Extension;
use Prosper202\AttributionNative\FirstTouchStrategy;
use Prosper202\AttributionNative\LastTouchStrategy;
use Prosper202\AttributionNative\LinearStrategy;
use Prosper202\AttributionNative\PositionBasedStrategy;
use Prosper202\AttributionNative\Strategies;
use Prosper202\AttributionNative\Strategy;
use Prosper202\AttributionNative\TimeDecayStrategy;

/**
 * Every kind with the native engine, against numbers that were worked out by hand.
 */
final class StrategyTest extends TestCase
{
    private const HOUR = 1_717_232_400;
    private const NOW = 1_717_300_000;

    protected function setUp(): void
    {
        if (!Extension::isLoaded()) {
            self::markTestSkipped('the extension is not loaded');
        }
    }

    /**
     * Four touches: the converting click is the third. Each list is of click, position and credit.
     *
     * @return iterable<string, array{class-string<Strategy>, Host\Model, list<array{int, int, float}>}>
     */
    public function kinds(): iterable
    {
        yield 'last touch' => [LastTouchStrategy::class, new Host\Model(Host\ModelType::LAST_TOUCH), [[3, 0, 1.0]]];
        yield 'first touch' => [FirstTouchStrategy::class, new Host\Model(Host\ModelType::FIRST_TOUCH), [[1, 0, 1.0]]];
        yield 'linear' => [LinearStrategy::class, new Host\Model(Host\ModelType::LINEAR), [
            [1, 0, 0.25], [2, 1, 0.25], [3, 2, 0.25], [4, 3, 0.25],
        ]];
        // Ages of 3, 2, 1 and 0 half-lives: weights of 1, 2, 4 and 8 of 15. Rounded down to 0.06666, 0.13333,
        // 0.26666 and 0.53333, they leave 0.00002, for the remainders of 2/3.
        $config = ['half_life_hours' => 2];
        yield 'time decay' => [TimeDecayStrategy::class, new Host\Model(Host\ModelType::TIME_DECAY, $config), [
            [1, 0, 0.06667], [2, 1, 0.13333], [3, 2, 0.26667], [4, 3, 0.53333],
        ]];
        $config = ['first_touch_weight' => 0.5, 'last_touch_weight' => '0.3'];
        yield 'position' => [PositionBasedStrategy::class, new Host\Model(Host\ModelType::POSITION_BASED, $config), [
            [1, 0, 0.5], [2, 1, 0.1], [3, 2, 0.1], [4, 3, 0.3],
        ]];
        yield 'assisted' => [AssistedStrategy::class, new Host\Model(Host\ModelType::ASSISTED, []), [
            [1, 0, 0.33334], [2, 1, 0.33333], [3, 2, 0.33333],
        ]];
    }

    /**
     * @param class-string<Strategy>        $strategy
     * @param list<array{int, int, float}> $credits
     *
     * @dataProvider kinds
     */
    public function testEachKindHasItsCredits(string $strategy, Host\Model $model, array $credits): void
    {
        $conversion = new Host\Conversion(9, 3, self::HOUR + 600, self::HOUR - 7_200, 10.0, 0.7, [
            new Host\Touch(1, self::HOUR - 21_600),
            new Host\Touch(2, self::HOUR - 14_400),
            new Host\Touch(3, self::HOUR - 7_200),
            new Host\Touch(4, self::HOUR),
        ]);
        $result = self::calculate($strategy, $model, new Host\Batch([$conversion]));
        $touchpoints = array_map(
            static fn (array $credit): Host\Touchpoint
                => new Host\Touchpoint(null, null, 9, $credit[0], $credit[1], $credit[2], $credit[2], self::NOW),
            $credits,
        );
        $snapshot = self::snapshot(self::HOUR, count($credits), 1, 10.0, 0.7);
        self::assertEquals(
            new Host\CalculationResult([self::HOUR => $snapshot], [self::HOUR => $touchpoints]),
            $result,
        );
    }

    public function testStoredCreditsAddUpTo1(): void
    {
        $conversion = new Host\Conversion(9, 3, self::HOUR, self::HOUR, 10.0, 0.0, [
            new Host\Touch(1, self::HOUR - 2),
            new Host\Touch(2, self::HOUR - 1),
            new Host\Touch(3, self::HOUR),
        ]);
        $result = self::linear($conversion);
        self::assertSame([0.33334, 0.33333, 0.33333], self::credits($result, self::HOUR));
        self::assertSame(10.0, $result->snapshotsByHour[self::HOUR]->attributedRevenue);
    }

    /**
     * Cases that were worked out by an implementation of its own.
     */
    public function testWorkedCases(): void
    {
        $file = __DIR__ . '/../../../tests/vectors/credits.json';
        if (!is_file($file)) {
            self::markTestSkipped('the worked cases are not here');
        }
        $strategies = Strategies::all(Classes::all());
        /**
         * @var list<array{
         *     name: string,
         *     model: array{type: string, weighting_config: array<string, mixed>},
         *     conversion: array{
         *         conv_id: int, click_id: int, conv_time: int, click_time: int, payout: string, cost: string
         *     },
         *     journey: list<array{click_id: int, click_time: int}>,
         *     credits: list<array{click_id: int, position: int, stored_credit: string}>
         * }> $cases
         */
        $cases = json_decode((string) file_get_contents($file), true, 512, JSON_THROW_ON_ERROR);
        $calculated = 0;
        foreach ($cases as $case) {
            $kind = $case['model']['type'];
            if (!isset($strategies[$kind])) {
                continue;
            }
            $calculated++;
            $given = $case['conversion'];
            $conversion = new Host\Conversion(
                $given['conv_id'],
                $given['click_id'],
                $given['conv_time'],
                $given['click_time'],
                (float) $given['payout'],
                (float) $given['cost'],
                array_map(
                    static fn (array $touch): Host\Touch => new Host\Touch($touch['click_id'], $touch['click_time']),
                    $case['journey'],
                ),
            );
            $model = new Host\Model(Host\ModelType::from($kind), $case['model']['weighting_config']);
            $result = $strategies[$kind]->calculate($model, new Host\Batch([$conversion]));
            self::assertInstanceOf(Host\CalculationResult::class, $result);

            $hour = $given['conv_time'] - $given['conv_time'] % 3_600;
            self::assertSame(array_map(
                static fn (array $credit): array => [
                    $credit['click_id'],
                    $kind === 'last_touch' ? 0 : $credit['position'],
                    (float) $credit['stored_credit'],
                ],
                $case['credits'],
            ), array_map(
                static fn (Host\Touchpoint $touchpoint): array
                    => [$touchpoint->clickId, $touchpoint->position, $touchpoint->credit],
                $result->touchpointsByHour[$hour],
            ), $case['name']);
            $snapshot = $result->snapshotsByHour[$hour];
            self::assertSame((float) $given['payout'], $snapshot->attributedRevenue, $case['name']);
            self::assertSame((float) $given['cost'], $snapshot->attributedCost, $case['name']);
            self::assertSame(count($case['credits']), $snapshot->attributedClicks, $case['name']);
        }
        self::assertGreaterThan(100, $calculated);
    }

    public function testHoursAreKeptApartAndInOrder(): void
    {
        $result = self::linear(
            new Host\Conversion(3, 30, self::HOUR + 3_600, self::HOUR, 0.1, 0.0, [
                new Host\Touch(29, self::HOUR - 5),
                new Host\Touch(30, self::HOUR),
            ]),
            new Host\Conversion(2, 20, self::HOUR + 3_599, self::HOUR, 0.2, 0.02),
            new Host\Conversion(1, 10, self::HOUR, self::HOUR, 0.1, 0.01),
        );
        self::assertEquals([
            self::HOUR => self::snapshot(self::HOUR, 2, 2, 0.3, 0.03),
            self::HOUR + 3_600 => self::snapshot(self::HOUR + 3_600, 2, 1, 0.1, 0.0),
        ], $result->snapshotsByHour);
        self::assertSame([self::HOUR, self::HOUR + 3_600], array_keys($result->snapshotsByHour));
        self::assertSame([self::HOUR, self::HOUR + 3_600], array_keys($result->touchpointsByHour));
        $conversions = array_map(
            static fn (array $touchpoints): array
                => array_map(static fn (Host\Touchpoint $touchpoint): int => $touchpoint->conversionId, $touchpoints),
            $result->touchpointsByHour,
        );
        self::assertSame([self::HOUR => [2, 1], self::HOUR + 3_600 => [3, 3]], $conversions);
        // Sums are exact before they are floats: 0.1 + 0.2 is 0.3.
        self::assertSame(0.3, $result->snapshotsByHour[self::HOUR]->attributedRevenue);
    }

    public function testAnEmptyBatchHasAnEmptyResult(): void
    {
        self::assertEquals(new Host\CalculationResult([], []), self::linear());
    }

    public function testWithoutAJourneyTheConvertingClickIsAlone(): void
    {
        $result = self::linear(new Host\Conversion(1, 10, self::HOUR, self::HOUR - 9, 5.0));
        self::assertEquals(
            [self::HOUR => [new Host\Touchpoint(null, null, 1, 10, 0, 1.0, 1.0, self::NOW)]],
            $result->touchpointsByHour,
        );
    }

    public function testAConvertingClickOfUnknownTimeIsTheNewestTouch(): void
    {
        $journey = [new Host\Touch(5, self::HOUR - 50), new Host\Touch(4, self::HOUR - 60)];
        $unknown = self::linear(new Host\Conversion(1, 3, self::HOUR, null, 5.0, null, $journey));
        self::assertSame([4, 5, 3], self::clicks($unknown, self::HOUR));
        $first = self::linear(new Host\Conversion(1, 3, self::HOUR, 0, 5.0, null, $journey));
        self::assertSame([3, 4, 5], self::clicks($first, self::HOUR));
    }

    public function testConfigsThatAreWrongAreRefusedByTheEngine(): void
    {
        $model = new Host\Model(Host\ModelType::TIME_DECAY, ['half_life_hours' => 0]);
        $this->expectException(\Attribution\InvalidModelException::class);
        $this->expectExceptionMessage('half_life_hours');
        self::calculate(TimeDecayStrategy::class, $model, new Host\Batch([]));
    }

    public function testValuesThatAreWrongAreRefusedByTheEngine(): void
    {
        $this->expectException(\Attribution\InvalidInputException::class);
        $this->expectExceptionMessage('conv_time');
        self::linear(new Host\Conversion(1, 3, -5, null, 5.0));
    }

    private static function snapshot(
        int $hour,
        int $clicks,
        int $conversions,
        float $revenue,
        float $cost,
    ): Host\Snapshot {
        return new Host\Snapshot(
            snapshotId: null,
            modelId: 7,
            userId: 3,
            scopeType: Host\ScopeType::GLOBAL,
            scopeId: null,
            dateHour: $hour,
            lookbackStart: 1_717_200_000,
            lookbackEnd: 1_717_286_400,
            attributedClicks: $clicks,
            attributedConversions: $conversions,
            attributedRevenue: $revenue,
            attributedCost: $cost,
            createdAt: self::NOW,
        );
    }

    private static function linear(Host\Conversion ...$conversions): Host\CalculationResult
    {
        $batch = new Host\Batch(array_values($conversions));

        return self::calculate(LinearStrategy::class, new Host\Model(Host\ModelType::LINEAR), $batch);
    }

    /**
     * @param class-string<Strategy> $strategy
     */
    private static function calculate(string $strategy, Host\Model $model, Host\Batch $batch): Host\CalculationResult
    {
        $result = (new $strategy(Classes::all(), clock: static fn (): int => self::NOW))->calculate($model, $batch);
        self::assertInstanceOf(Host\CalculationResult::class, $result);

        return $result;
    }

    /**
     * @return list<float>
     */
    private static function credits(Host\CalculationResult $result, int $hour): array
    {
        return array_map(
            static fn (Host\Touchpoint $touchpoint): float => $touchpoint->credit,
            $result->touchpointsByHour[$hour],
        );
    }

    /**
     * @return list<int>
     */
    private static function clicks(Host\CalculationResult $result, int $hour): array
    {
        return array_map(
            static fn (Host\Touchpoint $touchpoint): int => $touchpoint->clickId,
            $result->touchpointsByHour[$hour],
        );
    }
}
