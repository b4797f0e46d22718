<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests;

use PHPUnit\Framework\TestCase;
use Prosper202\AttributionNative\InvalidShape;
use Prosper202\AttributionNative\LastTouchStrategy;
use Prosper202\AttributionNative\LinearStrategy;
use Prosper202\AttributionNative\ResultClasses;
use Prosper202\AttributionNative\Strategies;
use Prosper202\AttributionNative\Strategy;
use Prosper202\AttributionNative\TimeDecayStrategy;
use Prosper202\AttributionNative\WrongKind;

/**
 * What strategies ask of the engine and make of its answer, with an engine that is not there.
 */
final class StrategyShapeTest extends TestCase
{
    private const HOUR = 1_717_232_400;

    private const ANSWER = [
        'snapshots' => [
            [
                'scope_type' => 'global', 'scope_id' => null, 'date_hour' => self::HOUR,
                'attributed_clicks' => 2, 'attributed_conversions' => 1,
                'attributed_revenue' => '10.00000', 'attributed_cost' => '0.50000',
                'credited_conversions' => '1.00000',
            ],
        ],
        'touchpoints' => [
            [
                'conv_id' => 1, 'date_hour' => self::HOUR, 'click_id' => 20, 'position' => 4,
                'credit' => 1 / 3, 'weight' => 1 / 3,
                'stored_credit' => '0.33333', 'revenue' => '3.33333', 'cost' => '0.16667',
            ],
        ],
    ];

    private const NOTHING = ['snapshots' => [], 'touchpoints' => []];

    public function testTheEngineIsAskedWithWhatTheHostHas(): void
    {
        $engine = new FakeEngine(self::NOTHING);
        $strategy = new LinearStrategy(Classes::all(), $engine);
        $strategy->calculate(
            new Host\Model(Host\ModelType::LINEAR),
            new Host\Batch([
                new Host\Conversion(1, 21, self::HOUR, 5, 10.0, 0.5, [new Host\Touch(20, 4), new Host\Touch(21, 5)]),
            ]),
        );
        $conversion = [
            'conv_id' => 1,
            'click_id' => 21,
            'conv_time' => self::HOUR,
            'payout' => 10.0,
            'journey' => [['click_id' => 20, 'click_time' => 4], ['click_id' => 21, 'click_time' => 5]],
            'click_time' => 5,
            'cost' => 0.5,
            'campaign_id' => 11,
            'ppc_account_id' => 12,
        ];
        $model = ['type' => 'linear', 'weighting_config' => null, 'model_id' => 7];
        self::assertSame([['calculate', [$model, [$conversion], ['scopes' => 'global']]]], $engine->calls);
    }

    public function testWhatIsNotKnownIsLeftOut(): void
    {
        $engine = new FakeEngine(self::NOTHING);
        $strategy = new LinearStrategy(Classes::all(), $engine);
        $conversion = new Host\Conversion(
            1,
            21,
            self::HOUR,
            clickTime: null,
            clickPayout: 10.0,
            clickCost: null,
            campaignId: null,
            ppcAccountId: null,
        );
        $strategy->calculate(new Host\Model(Host\ModelType::LINEAR), new Host\Batch([$conversion]));
        self::assertSame(
            [['conv_id' => 1, 'click_id' => 21, 'conv_time' => self::HOUR, 'payout' => 10.0, 'journey' => []]],
            $engine->calls[0][1][1],
        );
    }

    public function testTheAnswerIsMadeOfTheHostsClasses(): void
    {
        $clock = static fn (): int => 99;
        $strategy = new LinearStrategy(Classes::all(), new FakeEngine(self::ANSWER), $clock);
        $result = $strategy->calculate(new Host\Model(Host\ModelType::LINEAR), new Host\Batch([]));
        $expected = new Host\CalculationResult(
            [
                self::HOUR => new Host\Snapshot(
                    snapshotId: null,
                    modelId: 7,
                    userId: 3,
                    scopeType: Host\ScopeType::GLOBAL,
                    scopeId: null,
                    dateHour: self::HOUR,
                    lookbackStart: 1_717_200_000,
                    lookbackEnd: 1_717_286_400,
                    attributedClicks: 2,
                    attributedConversions: 1,
                    attributedRevenue: 10.0,
                    attributedCost: 0.5,
                    createdAt: 99,
                ),
            ],
            [self::HOUR => [new Host\Touchpoint(null, null, 1, 20, 4, 0.33333, 0.33333, 99)]],
        );
        self::assertEquals($expected, $result);
    }

    public function testAStrategyIsHadByItsKind(): void
    {
        $strategy = Strategies::of('time_decay', Classes::all(), new FakeEngine(self::ANSWER));
        self::assertInstanceOf(TimeDecayStrategy::class, $strategy);
        $this->expectException(WrongKind::class);
        $this->expectExceptionMessage('"algorithmic"');
        Strategies::of('algorithmic', Classes::all(), new FakeEngine(self::ANSWER));
    }

    public function testLastTouchAloneHasPosition0(): void
    {
        foreach (Strategies::all(Classes::all(), new FakeEngine(self::ANSWER)) as $kind => $strategy) {
            $result = $strategy->calculate(new Host\Model(Host\ModelType::from($kind)), new Host\Batch([]));
            self::assertInstanceOf(Host\CalculationResult::class, $result);
            $position = $result->touchpointsByHour[self::HOUR][0]->position;
            self::assertSame($kind === 'last_touch' ? 0 : 4, $position, $kind);
        }
    }

    public function testThereIsAStrategyForEachKind(): void
    {
        $kinds = ['last_touch', 'first_touch', 'linear', 'time_decay', 'position_based', 'assisted'];
        $strategies = Strategies::all(Classes::all(), new FakeEngine(self::NOTHING));
        self::assertSame($kinds, array_keys($strategies));
        self::assertSame($kinds, array_map(static fn (Strategy $strategy): string => $strategy->kind(), array_values(
            $strategies,
        )));
    }

    public function testTheCollectorOfCyclesIsLeftAsItWas(): void
    {
        $strategy = new LinearStrategy(Classes::all(), new FakeEngine(self::NOTHING));
        $failing = new LinearStrategy(Classes::all(), new FakeEngine(new \RuntimeException('failed')));
        $model = new Host\Model(Host\ModelType::LINEAR);
        try {
            foreach ([gc_disable(...), gc_enable(...)] as $switch) {
                $switch();
                $before = gc_enabled();
                $strategy->calculate($model, new Host\Batch([]));
                self::assertSame($before, gc_enabled());
                try {
                    $failing->calculate($model, new Host\Batch([]));
                    self::fail('the engine failed');
                } catch (\RuntimeException) {
                    self::assertSame($before, gc_enabled());
                }
            }
        } finally {
            gc_enable();
        }
    }

    public function testTheClockIsTheSystemsUnlessGiven(): void
    {
        $before = time();
        $strategy = new LinearStrategy(Classes::all(), new FakeEngine(self::ANSWER));
        $result = $strategy->calculate(new Host\Model(Host\ModelType::LINEAR), new Host\Batch([]));
        self::assertInstanceOf(Host\CalculationResult::class, $result);
        self::assertGreaterThanOrEqual($before, $result->snapshotsByHour[self::HOUR]->createdAt);
        self::assertLessThanOrEqual(time(), $result->snapshotsByHour[self::HOUR]->createdAt);
    }

    public function testAModelOfAnotherKindIsRefused(): void
    {
        $engine = new FakeEngine(self::NOTHING);
        $strategy = new LastTouchStrategy(Classes::all(), $engine);
        try {
            $strategy->calculate(new Host\Model(Host\ModelType::ALGORITHMIC), new Host\Batch([]));
            self::fail('another kind was taken');
        } catch (WrongKind $refusal) {
            self::assertSame(
                LastTouchStrategy::class
                    . ' is for models of the kind last_touch, and model 7 is of the kind algorithmic',
                $refusal->getMessage(),
            );
        }
        self::assertSame([], $engine->calls);
    }

    /**
     * @return iterable<string, array{object, object, string}>
     */
    public function shapes(): iterable
    {
        $model = new Host\Model(Host\ModelType::LINEAR);
        $batch = new Host\Batch([]);
        $touch = new class {
            /** @var int|null */
            public $clickTime = 5;
        };
        $whole = [
            'conversionId' => 1, 'clickId' => 2, 'userId' => 3, 'campaignId' => 4, 'ppcAccountId' => 5,
            'convTime' => 6, 'clickTime' => 6, 'clickPayout' => 1.0, 'clickCost' => 0.0,
        ];

        yield 'model without id' => [(object) ['type' => Host\ModelType::LINEAR], $batch,
            'the model (stdClass) has no value in a public property "modelId"'];
        yield 'id of another type' => [(object) ['modelId' => '7'], $batch,
            'the model (stdClass): the property "modelId" is of the type string, and an int is needed'];
        yield 'model without type' => [(object) ['modelId' => 7], $batch,
            'the model (stdClass) has no value in a public property "type"'];
        yield 'type as text' => [(object) ['modelId' => 7, 'type' => 'linear'], $batch,
            'the model (stdClass): the property "type" is of the type string, and a string-backed enum is needed'];
        yield 'model without config' => [(object) ['modelId' => 7, 'type' => Host\ModelType::LINEAR], $batch,
            'the model (stdClass) has no value in a public property "weightingConfig"'];
        yield 'batch without conversions' => [$model, (object) ['userId' => 3],
            'the batch (stdClass) has no value in a public property "conversions"'];
        yield 'conversions as text' => [$model, (object) ['conversions' => 'x'],
            'the batch (stdClass): the property "conversions" is of the type string, and an array is needed'];
        foreach (['userId', 'startTime', 'endTime'] as $property) {
            $parts = ['userId' => 3, 'startTime' => 0, 'endTime' => 1, 'conversions' => []];
            unset($parts[$property]);
            yield "batch without $property" => [$model, (object) $parts,
                "the batch (stdClass) has no value in a public property \"$property\""];
        }
        yield 'conversion as array' => [$model, (object) ['conversions' => [$whole]],
            'conversion 0 of the batch is of the type array, and an object is needed'];
        yield 'no journey' => [$model, (object) ['conversions' => [(object) $whole]],
            'conversion 0 of the batch (stdClass) has no public method "getJourney"'];
        yield 'journey as text' => [$model, (object) ['conversions' => [HostileConversion::with($whole, 'x')]],
            'conversion 0 of the batch (' . HostileConversion::class . '): getJourney() returned string,'
                . ' and an array is needed'];
        yield 'touch as number' => [$model, (object) ['conversions' => [HostileConversion::with($whole, [9])]],
            'touch 0 of conversion 0 of the batch is of the type int, and an object is needed'];
        yield 'touch without id' => [$model, (object) ['conversions' => [
            new Host\Conversion(1, 2, 6, 6, 1.0),
            HostileConversion::with($whole, [new Host\Touch(1, 2), $touch]),
        ]], 'touch 1 of conversion 1 of the batch (class@anonymous) has no value in a public property "clickId"'];
        yield 'touch without time' => [$model, (object) ['conversions' => [
            HostileConversion::with($whole, [(object) ['clickId' => 1, 'clickTime' => null]]),
        ]], 'touch 0 of conversion 0 of the batch (stdClass) has no value in a public property "clickTime"'];
        foreach (array_keys($whole) as $property) {
            // A batch is one user's, so nothing is read from the conversion's.
            if ($property !== 'userId') {
                $parts = $whole;
                unset($parts[$property]);
                yield "conversion without $property" => [
                    $model,
                    (object) ['conversions' => [HostileConversion::with($parts, [])]],
                    'conversion 0 of the batch (' . HostileConversion::class . ') has no value in a public property "'
                        . $property . '"',
                ];
            }
        }
    }

    /**
     * @dataProvider shapes
     */
    public function testWhatIsMissingIsNamed(object $model, object $batch, string $message): void
    {
        $strategy = new LinearStrategy(Classes::all(), new FakeEngine(self::NOTHING));
        $this->expectException(InvalidShape::class);
        $this->expectExceptionMessage($message);
        $strategy->calculate($model, $batch);
    }

    /**
     * @return iterable<string, array{array<string, string>, string}>
     */
    public function wrongClasses(): iterable
    {
        yield 'result' => [['calculationResult' => 'None'], 'calculationResult: there is no class "None"'];
        yield 'snapshot' => [['snapshot' => 'None'], 'snapshot: there is no class "None"'];
        yield 'touchpoint' => [['touchpoint' => 'None'], 'touchpoint: there is no class "None"'];
        yield 'no enum' => [['scopeType' => 'None'], 'scopeType: "None" is not an enum with a case GLOBAL'];
        yield 'no case' => [['scopeType' => Host\ModelType::class],
            'scopeType: "' . Host\ModelType::class . '" is not an enum with a case GLOBAL'];
        yield 'class' => [['scopeType' => Host\Model::class],
            'scopeType: "' . Host\Model::class . '" is not an enum with a case GLOBAL'];
    }

    /**
     * @param array<string, string> $wrong
     *
     * @dataProvider wrongClasses
     */
    public function testClassesThatAreNotThereAreNamed(array $wrong, string $message): void
    {
        $this->expectException(InvalidShape::class);
        $this->expectExceptionMessage($message);
        new ResultClasses(...$wrong + [
            'calculationResult' => Host\CalculationResult::class,
            'snapshot' => Host\Snapshot::class,
            'touchpoint' => Host\Touchpoint::class,
            'scopeType' => Host\ScopeType::class,
        ]);
    }
}
