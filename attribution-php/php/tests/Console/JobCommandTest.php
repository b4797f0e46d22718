<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests\Console;

use PHPUnit\Framework\TestCase;
use Prosper202\AttributionNative\Console\BackfillCommand;
use Prosper202\AttributionNative\Console\JobCommand;
use Prosper202\AttributionNative\Console\RebuildCommand;
use Prosper202\AttributionNative\Tests\FakeEngine;

/**
 * Both scripts, with an engine that is not there.
 */
final class JobCommandTest extends TestCase
{
    private const URL = 'mysql://me:secret@host/tracker';

    private const REBUILT = [
        'conversions' => 10,
        'rows_written' => 50,
        'models' => [['slug' => 'a', 'hours' => 3], ['slug' => 'b', 'hours' => 2]],
        'invalid_models' => [],
    ];

    /** @var list<string> */
    private array $files = [];

    protected function tearDown(): void
    {
        array_map(unlink(...), $this->files);
    }

    public function testARebuildIsSummedUp(): void
    {
        $engine = self::answering(
            ['user_id' => 1, 'report' => self::REBUILT],
            ['user_id' => 2, 'report' => ['conversions' => 1, 'rows_written' => 0, 'models' => []] + self::REBUILT],
        );
        self::assertRun(
            0,
            '/^attribution-rebuild: 2 users, 2 models, 5 model hours, 11 conversions, 50 rows written'
                . ' in \d+\.\d s\n$/D',
            '',
            new RebuildCommand($engine),
            ['--database=' . self::URL],
        );
        self::assertSame([['rebuild', [self::URL, []]]], $engine->calls);
    }

    public function testABackfillIsSummedUp(): void
    {
        $engine = self::answering(
            ['user_id' => 1, 'report' => ['conversions' => 1, 'touches' => 1, 'rows_written' => 1]],
        );
        self::assertRun(
            0,
            '/^backfill-conversion-journeys: 1 user, 1 conversion, 1 touch, 1 row written in \d+\.\d s\n$/D',
            '',
            new BackfillCommand($engine),
            ['--database', self::URL],
        );
        self::assertSame([['backfill', [self::URL, []]]], $engine->calls);
    }

    public function testEachUsersFailureIsTold(): void
    {
        $engine = self::answering(
            ['user_id' => 1, 'error' => ['code' => 'locked', 'message' => 'another run goes on']],
            ['user_id' => 2, 'report' => self::REBUILT],
            ['user_id' => 3, 'error' => ['code' => 'invalid_input', 'message' => "payout: too large\n  and so on"]],
        );
        self::assertRun(
            1,
            '/^attribution-rebuild: 1 user, .* s, 2 users failed\n$/D',
            "user 1: another run goes on [locked]\nuser 3: payout: too large; and so on [invalid_input]\n",
            new RebuildCommand($engine),
            ['--database=' . self::URL],
        );
    }

    public function testTheOnlyUsersFailureIsToldAlike(): void
    {
        $failure = new class ('another run goes on') extends \RuntimeException {
            public readonly string $errorCode;

            public function __construct(string $message)
            {
                parent::__construct($message);
                $this->errorCode = 'locked';
            }
        };
        $engine = new FakeEngine($failure);
        foreach ([new RebuildCommand($engine), new BackfillCommand($engine)] as $job) {
            self::assertRun(
                1,
                '/^[a-z-]+: 0 users, .* s, 1 user failed\n$/D',
                "user 7: another run goes on [locked]\n",
                $job,
                ['--user=7', '--database=' . self::URL],
            );
        }
    }

    public function testAFailureBeforeAnyUserIsTold(): void
    {
        self::assertRun(
            1,
            '/^$/D',
            "attribution-rebuild: the server has gone away\n",
            new RebuildCommand(new FakeEngine(new \RuntimeException('the server has gone away'))),
            ['--database=' . self::URL],
        );
    }

    public function testModelsThatAreLeftOutAreAWarning(): void
    {
        $invalid = [['model_id' => 4, 'slug' => 'odd', 'problem' => 'type: found "x"']];
        $engine = self::answering(['user_id' => 2, 'report' => ['invalid_models' => $invalid] + self::REBUILT]);
        self::assertRun(
            0,
            '/^attribution-rebuild: 1 user, .* s\n$/D',
            "user 2: warning: model odd was left out: type: found \"x\"\n",
            new RebuildCommand($engine),
            ['--database=' . self::URL],
        );
    }

    public function testOptionsReachTheEngine(): void
    {
        $engine = self::answering();
        $common = [
            '--user=7', '--start', '3600', '--end=7200', '--batch-size=500', '--wait=3', '--connections=4',
            '--replica=mysql://replica/tracker', '--database=' . self::URL,
        ];
        self::perform(new RebuildCommand($engine), [...$common, '--scopes=global,campaign']);
        self::perform(new BackfillCommand($engine), [...$common, '--journey-key=visitor', '--lookback=7d']);
        self::perform(new BackfillCommand($engine), ['--lookback=86400', '--max-touches=5', '--database=' . self::URL]);
        $options = [
            'user' => 7, 'start' => 3_600, 'end' => 7_200, 'wait' => 3, 'connections' => 4,
            'replica' => 'mysql://replica/tracker',
        ];
        self::assertSame([
            ['rebuild', [self::URL, $options + ['scopes' => 'global,campaign']]],
            ['backfill', [self::URL, $options + ['journey_key' => 'visitor', 'lookback' => '7d']]],
            ['backfill', [self::URL, ['lookback' => 86_400, 'max_touches' => 5]]],
        ], $engine->calls);
    }

    public function testTheDatabaseMayStandInTheEnvironment(): void
    {
        $engine = self::answering();
        $environment = [
            'ATTRIBUTION_DATABASE_URL' => self::URL,
            'ATTRIBUTION_REPLICA_URL' => 'mysql://replica/tracker',
        ];
        self::perform(new RebuildCommand($engine), [], $environment);
        self::perform(new RebuildCommand($engine), ['--database=mysql://other/tracker'], $environment);
        self::assertSame([
            ['rebuild', [self::URL, ['replica' => 'mysql://replica/tracker']]],
            ['rebuild', ['mysql://other/tracker', ['replica' => 'mysql://replica/tracker']]],
        ], $engine->calls);
    }

    public function testTheDatabaseMayStandInAFile(): void
    {
        $engine = self::answering();
        $url = $this->file("<?php\n\$url = 'mysql://file/tracker';\nreturn \$url;\n");
        $array = $this->file("noise <?php return ['host' => 'h', 'database' => 'd'];");
        self::perform(new RebuildCommand($engine), ["--config=$url"], ['ATTRIBUTION_DATABASE_URL' => self::URL]);
        [, $output] = self::perform(new RebuildCommand($engine), ["--config=$array"]);
        self::assertStringNotContainsString('noise', $output);
        self::assertSame([
            ['rebuild', ['mysql://file/tracker', []]],
            ['rebuild', [['host' => 'h', 'database' => 'd'], []]],
        ], $engine->calls);
    }

    public function testFilesThatAreNoSettingsAreNamed(): void
    {
        $neither = 'returns neither a URL nor an array with a host, a user and so on';
        $cases = [
            [$this->file('<?php return 5;'), $neither],
            [$this->file('<?php return "";'), $neither],
            [$this->file('<?php return [];'), $neither],
            [$this->file('<?php return ["secret"];'), $neither],
            [$this->file('<?php $no = 5;'), $neither],
        ];
        foreach ($cases as [$file, $problem]) {
            self::assertUsage("--config: \"$file\" $problem", ["--config=$file"]);
        }
        $broken = $this->file("<?php\n return 'mysql://' 'secret';");
        self::assertUsage("--config: ParseError in \"$broken\", line 2", ["--config=$broken"]);
        $throwing = $this->file('<?php throw new LogicException("secret");');
        self::assertUsage("--config: LogicException in \"$throwing\", line 1", ["--config=$throwing"]);
        self::assertUsage('--config: "/none.php" is not a file that can be read', ['--config=/none.php']);
        self::assertUsage('--config: "/" is not a file that can be read', ['--config=/']);
    }

    public function testWrongUseIsTold(): void
    {
        self::assertUsage('no database: give --database, --config or the variable ATTRIBUTION_DATABASE_URL', []);
        self::assertUsage(
            '--database and --config are two ways to name one database',
            ['--config=/none.php', '--database=' . self::URL],
        );
        self::assertUsage('--user needs a whole number', ['--user=me', '--database=' . self::URL]);
        self::assertUsage('--batch-size needs a whole number', ['--batch-size=x', '--database=' . self::URL]);
        self::assertUsage('there is no option --lookback', ['--lookback=3', '--database=' . self::URL]);
        self::assertUsage('argument 1 is not an option', [self::URL]);
    }

    public function testThereIsNoBarWhereThereIsNoTerminal(): void
    {
        $engine = self::answering();
        self::perform(new RebuildCommand($engine), ['--database=' . self::URL]);
        self::assertArrayNotHasKey('progress', $engine->calls[0][1][1]);
    }

    /**
     * @param array<string, mixed> ...$users
     */
    private static function answering(array ...$users): FakeEngine
    {
        return new FakeEngine(['job' => '', 'engine_version' => '0.1.0', 'users' => $users]);
    }

    /**
     * @param list<string> $arguments
     */
    private static function assertUsage(string $message, array $arguments): void
    {
        $engine = self::answering();
        $expected = "attribution-rebuild: $message (--help tells the options)\n";
        self::assertRun(1, '/^$/D', $expected, new RebuildCommand($engine), $arguments);
        self::assertSame([], $engine->calls);
    }

    /**
     * @param list<string> $arguments
     */
    private static function assertRun(
        int $status,
        string $output,
        string $errors,
        JobCommand $command,
        array $arguments,
    ): void {
        [$actualStatus, $actualOutput, $actualErrors] = self::perform($command, $arguments);
        self::assertSame($errors, $actualErrors);
        self::assertMatchesRegularExpression($output, $actualOutput);
        self::assertSame($status, $actualStatus);
        self::assertStringNotContainsString('secret', $actualOutput . $actualErrors);
    }

    /**
     * @param list<string>          $arguments
     * @param array<string, string> $environment
     *
     * @return array{int, string, string}
     */
    private static function perform(JobCommand $command, array $arguments, array $environment = []): array
    {
        $output = fopen('php://memory', 'w+');
        $errors = fopen('php://memory', 'w+');
        self::assertIsResource($output);
        self::assertIsResource($errors);
        $status = $command->run($arguments, $environment, $output, $errors);
        rewind($output);
        rewind($errors);

        return [$status, (string) stream_get_contents($output), (string) stream_get_contents($errors)];
    }

    private function file(string $text): string
    {
        $file = (string) tempnam(sys_get_temp_dir(), 'attribution');
        $this->files[] = $file;
        file_put_contents($file, $text);

        return $file;
    }
}
