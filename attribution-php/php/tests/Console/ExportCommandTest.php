<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests\Console;

use PHPUnit\Framework\TestCase;
use Prosper202\AttributionNative\Console\ExportCommand;
use Prosper202\AttributionNative\Tests\FakeEngine;

/**
 * The export script, with an engine that is not there.
 */
final class ExportCommandTest extends TestCase
{
    private const URL = 'mysql://me:secret@host/tracker';
    private const ARGUMENTS = ['--directory=/exports', '--database=' . self::URL];

    private const REPORT = [
        'jobs' => [],
        'completed' => 2,
        'failed' => 0,
        'put_back' => 0,
        'rows_exported' => 240,
        'webhooks_delivered' => 1,
        'webhooks_waiting' => 0,
        'webhooks_given_up' => 0,
        'duration_ms' => 7,
    ];

    public function testARunIsSummedUp(): void
    {
        $engine = new FakeEngine(self::REPORT);
        self::assertRun(0, '2 files made, 240 rows, 1 webhook delivered in #', '', $engine, self::ARGUMENTS);
        $options = ['directory' => '/exports', 'jobs' => 5];
        self::assertSame([['runExports', [self::URL, $options]]], $engine->calls);
    }

    public function testEachExportThatDidNotComeToItsEndIsTold(): void
    {
        $jobs = [
            ['export_id' => 4, 'status' => 'failed', 'error' => "no such\n model"],
            ['export_id' => 5, 'status' => 'completed', 'error' => null],
            ['export_id' => 6, 'status' => 'completed', 'error' => 'the receiver answered 500'],
        ];
        $told = "export 4: no such; model\nexport 6: the receiver answered 500\n";
        $report = ['jobs' => $jobs, 'failed' => 1, 'webhooks_waiting' => 1] + self::REPORT;
        $summary = '2 files made, 240 rows, 1 webhook delivered, 1 webhook waiting in #, 1 export failed';
        self::assertRun(1, $summary, $told, new FakeEngine($report), self::ARGUMENTS);
    }

    public function testEachKindOfFailureCounts(): void
    {
        $kinds = [
            'failed' => '2 exports failed',
            'put_back' => '2 exports put back',
            'webhooks_given_up' => '2 webhooks given up',
        ];
        foreach ($kinds as $kind => $text) {
            $engine = new FakeEngine([$kind => 2] + self::REPORT);
            $summary = "2 files made, 240 rows, 1 webhook delivered in #, $text";
            self::assertRun(1, $summary, '', $engine, self::ARGUMENTS);
        }
        // One that is sent again has not failed yet.
        $engine = new FakeEngine(['webhooks_waiting' => 3] + self::REPORT);
        $summary = '2 files made, 240 rows, 1 webhook delivered, 3 webhooks waiting in #';
        self::assertRun(0, $summary, '', $engine, self::ARGUMENTS);
    }

    public function testOptionsReachTheEngine(): void
    {
        $engine = new FakeEngine(self::REPORT);
        self::perform($engine, [
            '--jobs', '3', '--allow-network=10.0.0.0/8,fc00::/7', '--download-base=https://host/x',
            '--root-certificates=/roots.pem',
        ], ['ATTRIBUTION_DATABASE_URL' => self::URL, 'ATTRIBUTION_EXPORT_DIRECTORY' => '/exports']);
        self::assertSame([['runExports', [self::URL, [
            'directory' => '/exports',
            'jobs' => 3,
            'allow_networks' => ['10.0.0.0/8', 'fc00::/7'],
            'download_base' => 'https://host/x',
            'root_certificates' => '/roots.pem',
        ]]]], $engine->calls);
    }

    public function testAFailureOfTheRunIsTold(): void
    {
        $failure = new class ('the server has gone away') extends \RuntimeException {
            public string $errorCode = 'database';
        };
        $engine = new FakeEngine($failure);
        $expected = [1, '', "attribution-export: the server has gone away [database]\n"];
        self::assertSame($expected, self::perform($engine, self::ARGUMENTS));
    }

    public function testWrongUseIsTold(): void
    {
        $uses = [
            'no folder: give --directory or the variable ATTRIBUTION_EXPORT_DIRECTORY' => ['--database=' . self::URL],
            'no database: give --database, --config or the variable ATTRIBUTION_DATABASE_URL' => ['--directory=/'],
            '--jobs needs a whole number' => ['--jobs=all', ...self::ARGUMENTS],
            'there is no option --user' => ['--user=7', ...self::ARGUMENTS],
        ];
        foreach ($uses as $message => $arguments) {
            $engine = new FakeEngine(self::REPORT);
            $expected = [1, '', "attribution-export: $message (--help tells the options)\n"];
            self::assertSame($expected, self::perform($engine, $arguments));
            self::assertSame([], $engine->calls);
        }
    }

    /**
     * @param string       $summary   with a # for the time
     * @param list<string> $arguments
     */
    private static function assertRun(
        int $status,
        string $summary,
        string $errors,
        FakeEngine $engine,
        array $arguments,
    ): void {
        [$actualStatus, $output, $actualErrors] = self::perform($engine, $arguments);
        self::assertSame($errors, $actualErrors);
        $pattern = str_replace('\\#', '\d+\.\d s', preg_quote($summary, '/'));
        self::assertMatchesRegularExpression("/^attribution-export: $pattern\\n$/D", $output);
        self::assertSame($status, $actualStatus);
        self::assertStringNotContainsString('secret', $output . $actualErrors);
    }

    /**
     * @param list<string>          $arguments
     * @param array<string, string> $environment
     *
     * @return array{int, string, string}
     */
    private static function perform(FakeEngine $engine, array $arguments, array $environment = []): array
    {
        $output = fopen('php://memory', 'w+');
        $errors = fopen('php://memory', 'w+');
        self::assertIsResource($output);
        self::assertIsResource($errors);
        $status = (new ExportCommand($engine))->run($arguments, $environment, $output, $errors);
        rewind($output);
        rewind($errors);

        return [$status, (string) stream_get_contents($output), (string) stream_get_contents($errors)];
    }
}
