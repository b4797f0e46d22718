<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Console;

use Prosper202\AttributionNative\Engine;
use Prosper202\AttributionNative\ExtensionEngine;
use Prosper202\AttributionNative\ExtensionMissing;

/**
 * A job for one user or all, as the host's cron lines call it: one summary line on standard output, each failure on
 * standard error, and 0 or 1 as the exit status.
 *
 * @phpstan-import-type JobReport from Engine
 */
abstract class JobCommand
{
    private const DONE = 0;
    private const FAILED = 1;

    private const DATABASE_VARIABLE = 'ATTRIBUTION_DATABASE_URL';
    private const REPLICA_VARIABLE = 'ATTRIBUTION_REPLICA_URL';

    private const OPTIONS = [
        'user', 'start', 'end', 'batch-size', 'database', 'replica', 'config', 'wait', 'connections',
    ];

    /**
     * @param Engine|null $engine the extension where left out
     */
    final public function __construct(private readonly ?Engine $engine = null)
    {
    }

    /**
     * The script's name, without its ending.
     */
    abstract protected function name(): string;

    /**
     * What the script does, for --help.
     */
    abstract protected function purpose(): string;

    /**
     * The options that this job has besides the common ones, each with what it takes, and its line of --help.
     *
     * @return array<string, array{string, string}>
     */
    abstract protected function ownOptions(): array;

    /**
     * The engine's options that these options mean.
     *
     * @return array<string, mixed>
     *
     * @throws Usage
     */
    abstract protected function engineOptions(Arguments $arguments): array;

    /**
     * @param string|array<string, mixed> $database
     * @param array<string, mixed>        $options
     *
     * @return JobReport
     */
    abstract protected function perform(
        Engine $engine,
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array;

    /**
     * What came of the job, in a few words for the summary.
     *
     * @param list<array<string, mixed>> $reports of the users whose run did not fail
     */
    abstract protected function summary(array $reports): string;

    /**
     * What of a user's report is worth a warning.
     *
     * @param array<string, mixed> $report
     *
     * @return list<string>
     */
    protected function warnings(array $report): array
    {
        return [];
    }

    /**
     * @param list<string>          $arguments   without the script's name
     * @param array<string, string> $environment
     * @param resource              $output
     * @param resource              $errors
     *
     * @return int the exit status
     */
    final public function run(
        #[\SensitiveParameter] array $arguments,
        #[\SensitiveParameter] array $environment,
        $output,
        $errors,
    ): int {
        $start = hrtime(true);
        $bar = stream_isatty($errors) ? new ProgressBar($errors) : null;
        try {
            $parsed = Arguments::parse($arguments, [...self::OPTIONS, ...array_keys($this->ownOptions())]);
            if ($parsed->help) {
                fwrite($output, $this->help());

                return self::DONE;
            }
            $options = $this->options($parsed, $environment) + ($bar === null ? [] : ['progress' => $bar]);
            $engine = $this->engine ?? new ExtensionEngine();
            $users = $this->users($engine, $this->database($parsed, $environment), $options);
        } catch (Usage $usage) {
            $this->complain($errors, $usage->getMessage() . ' (--help tells the options)');

            return self::FAILED;
        } catch (\Throwable $problem) {
            $bar?->clear();
            $this->complain($errors, self::text($problem->getMessage(), self::code($problem)));

            return self::FAILED;
        }
        $bar?->clear();

        $reports = [];
        foreach ($users as ['user_id' => $userId, 'report' => $report, 'failure' => $failure]) {
            if ($report === null) {
                fwrite($errors, "user $userId: $failure\n");
                continue;
            }
            $reports[] = $report;
            foreach ($this->warnings($report) as $warning) {
                fwrite($errors, "user $userId: " . self::text($warning, null) . "\n");
            }
        }
        $failed = count($users) - count($reports);
        fwrite($output, sprintf(
            "%s: %s, %s in %.1f s%s\n",
            $this->name(),
            self::count(count($reports), 'user'),
            $this->summary($reports),
            (hrtime(true) - $start) / 1e9,
            $failed === 0 ? '' : ', ' . self::count($failed, 'user') . ' failed',
        ));

        return $failed === 0 ? self::DONE : self::FAILED;
    }

    /**
     * A number with its noun.
     */
    final protected static function count(int $number, string $noun, ?string $plural = null): string
    {
        return $number . ' ' . ($number === 1 ? $noun : $plural ?? $noun . 's');
    }

    /**
     * The sum of a number that each report has.
     *
     * @param list<array<string, mixed>> $reports
     */
    final protected static function sum(array $reports, string $key): int
    {
        $sum = 0;
        foreach ($reports as $report) {
            $number = $report[$key] ?? 0;
            $sum += is_int($number) ? $number : 0;
        }

        return $sum;
    }

    /**
     * @param array<string, mixed> $options
     * @param string|array<string, mixed> $database
     *
     * @return list<array{user_id: int, report: array<string, mixed>|null, failure: string|null}>
     */
    private function users(
        Engine $engine,
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array {
        try {
            $outcomes = $this->perform($engine, $database, $options)['users'];
        } catch (\Exception $problem) {
            $userId = $options['user'] ?? 0;
            // With every user asked for, what is thrown is no user's failure.
            if (!is_int($userId) || $userId === 0 || $problem instanceof ExtensionMissing) {
                throw $problem;
            }
            $failure = self::text($problem->getMessage(), self::code($problem));

            return [['user_id' => $userId, 'report' => null, 'failure' => $failure]];
        }
        $users = [];
        foreach ($outcomes as $outcome) {
            $error = $outcome['error'] ?? null;
            $users[] = [
                'user_id' => $outcome['user_id'],
                'report' => $error === null ? $outcome['report'] ?? [] : null,
                'failure' => $error === null ? null : self::text($error['message'], $error['code']),
            ];
        }

        return $users;
    }

    /**
     * @param array<string, string> $environment
     *
     * @return array<string, mixed>
     *
     * @throws Usage
     */
    private function options(Arguments $arguments, #[\SensitiveParameter] array $environment): array
    {
        // Accepted, since cron lines have it; the engine sizes its batches by itself.
        $arguments->number('batch-size');
        $replica = $arguments->text('replica') ?? $environment[self::REPLICA_VARIABLE] ?? '';
        $options = [
            'user' => $arguments->number('user'),
            'start' => $arguments->number('start'),
            'end' => $arguments->number('end'),
            'wait' => $arguments->number('wait'),
            'connections' => $arguments->number('connections'),
            'replica' => $replica === '' ? null : $replica,
        ] + $this->engineOptions($arguments);

        return array_filter($options, static fn (mixed $value): bool => $value !== null);
    }

    /**
     * @param array<string, string> $environment
     *
     * @return string|array<string, mixed>
     *
     * @throws Usage
     */
    private function database(Arguments $arguments, #[\SensitiveParameter] array $environment): string|array
    {
        $url = $arguments->text('database');
        $file = $arguments->text('config');
        if ($url !== null && $file !== null) {
            throw new Usage('--database and --config are two ways to name one database');
        }
        if ($url !== null || $arguments->text('replica') !== null) {
            // From here on the list of processes, which everyone on the machine can read, shows no password.
            @cli_set_process_title($this->name());
        }
        if ($file !== null) {
            return self::configured($file);
        }
        $url ??= $environment[self::DATABASE_VARIABLE] ?? '';
        if ($url === '') {
            throw new Usage('no database: give --database, --config or the variable ' . self::DATABASE_VARIABLE);
        }

        return $url;
    }

    /**
     * @return string|array<string, mixed>
     *
     * @throws Usage
     */
    private static function configured(string $file): string|array
    {
        $path = realpath($file);
        if ($path === false || !is_file($path) || !is_readable($path)) {
            throw new Usage("--config: \"$file\" is not a file that can be read");
        }
        ob_start();
        try {
            $database = (static fn (): mixed => require $path)();
        } catch (\Throwable $problem) {
            // Its message is not repeated: that of a syntax error may quote a password.
            throw new Usage('--config: ' . get_debug_type($problem) . " in \"$file\", line " . $problem->getLine());
        } finally {
            ob_end_clean();
        }
        if (is_string($database) && $database !== '') {
            return $database;
        }
        if (!is_array($database) || $database === [] || array_is_list($database)) {
            throw new Usage("--config: \"$file\" returns neither a URL nor an array with a host, a user and so on");
        }

        /** @var array<string, mixed> $database */
        return $database;
    }

    private function help(): string
    {
        $own = [];
        foreach ($this->ownOptions() as $option => [$value, $meaning]) {
            $own["$option $value"] = $meaning;
        }
        $lines = [
            'user NUMBER' => 'this user alone (default, and 0: every user that is not deleted)',
            'start SECONDS' => 'the window\'s first second, in unix time (default: 24 hours before its end)',
            'end SECONDS' => 'the second after the window\'s last, in unix time (default: now)',
            ...$own,
            'database URL' => 'mysql://user:password@host:port/database (default: ' . self::DATABASE_VARIABLE . ')',
            'replica URL' => 'a replica for heavy reads (default: ' . self::REPLICA_VARIABLE . ')',
            'config FILE' => 'a PHP file that returns the database\'s URL, or an array of its parts',
            'wait SECONDS' => 'how long to wait for another run of the same user to end',
            'connections NUMBER' => 'on how many connections to read and write',
            'batch-size NUMBER' => 'accepted and ignored: the engine sizes its batches by itself',
            'help' => 'show this and exit',
        ];
        $text = "Usage: php {$this->name()}.php [options]\n\n{$this->purpose()}\n\n";
        foreach ($lines as $option => $meaning) {
            $text .= sprintf("  --%-19s %s\n", $option, $meaning);
        }

        return $text . "\nThe whole hours that the window touches are done. A password is best given in the environment"
            . " or\na file. Exit status: 0 done, 1 if any user's run failed or the options are wrong.\n";
    }

    /**
     * @param resource $errors
     */
    private function complain($errors, string $message): void
    {
        fwrite($errors, $this->name() . ': ' . $message . "\n");
    }

    /**
     * A failure on one line.
     */
    private static function text(string $message, ?string $code): string
    {
        $line = preg_replace('/\s*[\r\n]+\s*/', '; ', trim($message)) ?? $message;

        return $line . ($code === null ? '' : " [$code]");
    }

    private static function code(\Throwable $problem): ?string
    {
        // The extension's exceptions have it, and an interface, as theirs is, cannot tell so.
        $code = get_object_vars($problem)['errorCode'] ?? null;

        return is_string($code) ? $code : null;
    }
}
