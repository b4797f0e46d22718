<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Console;

use Prosper202\AttributionNative\Engine;
use Prosper202\AttributionNative\ExtensionMissing;

/**
 * A job for one user or all, as the host's cron lines call it: one summary line on standard output, each failure on
 * standard error, and 0 or 1 as the exit status.
 *
 * @phpstan-import-type JobReport from Engine
 */
abstract class JobCommand extends Command
{
    private const REPLICA_VARIABLE = 'ATTRIBUTION_REPLICA_URL';

    private const OPTIONS = [
        'user', 'start', 'end', 'batch-size', 'database', 'replica', 'config', 'wait', 'connections',
    ];

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

    final protected function options(): array
    {
        return [...self::OPTIONS, ...array_keys($this->ownOptions())];
    }

    final protected function carryOut(
        Arguments $arguments,
        #[\SensitiveParameter] array $environment,
        ?ProgressBar $bar,
        $output,
        $errors,
    ): int {
        $start = hrtime(true);
        $options = $this->jobOptions($arguments, $environment) + ($bar === null ? [] : ['progress' => $bar]);
        $users = $this->users($this->engine(), $this->database($arguments, $environment), $options);
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
    private function jobOptions(Arguments $arguments, #[\SensitiveParameter] array $environment): array
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

    final protected function help(): string
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
        ];

        return $this->helpOf(
            $lines,
            "The whole hours that the window touches are done. A password is best given in the environment"
            . " or\na file. Exit status: 0 done, 1 if any user's run failed or the options are wrong.",
        );
    }
}
