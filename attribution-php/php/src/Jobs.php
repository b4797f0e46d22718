<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * The native jobs on one database, with options that go for each run.
 *
 * @internal
 *
 * @phpstan-import-type ExportRun from Engine
 * @phpstan-import-type JobReport from Engine
 */
final class Jobs
{
    private readonly Engine $engine;

    /** Both hold passwords, which are to be in no dump and no trace. */
    private readonly \SensitiveParameterValue $database;
    private readonly \SensitiveParameterValue $options;

    /**
     * @param string|array<string, mixed> $database
     * @param array<string, mixed>        $options
     *
     * @throws ExtensionMissing where no engine is given and PHP runs without the extension
     */
    public function __construct(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
        ?Engine $engine,
    ) {
        $this->engine = $engine ?? new ExtensionEngine();
        $this->database = new \SensitiveParameterValue($database);
        $this->options = new \SensitiveParameterValue($options);
    }

    /**
     * @param array<string, mixed> $options
     *
     * @return JobReport
     */
    public function rebuild(array $options): array
    {
        return $this->engine->rebuild($this->database(), $options + $this->options());
    }

    /**
     * @param array<string, mixed> $options
     *
     * @return JobReport
     */
    public function backfill(array $options): array
    {
        return $this->engine->backfill($this->database(), $options + $this->options());
    }

    /**
     * @param array<string, mixed> $options
     *
     * @return JobReport
     */
    public function purge(#[\SensitiveParameter] array $options): array
    {
        return $this->engine->purge($this->database(), $options + $this->options());
    }

    /**
     * @param array<string, mixed> $options
     *
     * @return ExportRun
     */
    public function runExports(#[\SensitiveParameter] array $options): array
    {
        return $this->engine->runExports($this->database(), $options + $this->options());
    }

    /**
     * @param array<string, mixed> $options
     *
     * @return array<string, mixed>
     */
    public function scheduleExport(#[\SensitiveParameter] array $options): array
    {
        return $this->engine->scheduleExport($this->database(), $options + $this->options(['allow_networks']));
    }

    /**
     * @param array<string, mixed> $options
     *
     * @return list<array<string, mixed>>
     */
    public function exports(#[\SensitiveParameter] array $options): array
    {
        return $this->engine->exports($this->database(), $options);
    }

    /**
     * @param array<string, mixed> $options
     *
     * @return list<array<string, mixed>>
     */
    public function snapshots(#[\SensitiveParameter] array $options): array
    {
        return $this->engine->snapshots($this->database(), $options + $this->options(['cache']));
    }

    /**
     * @param array<string, mixed> $options
     *
     * @return array<string, mixed>
     */
    public function compare(#[\SensitiveParameter] array $options): array
    {
        return $this->engine->compare($this->database(), $options + $this->options(['replica', 'threads', 'progress']));
    }

    /**
     * @param array<string, mixed> $options
     *
     * @return array<string, mixed>
     */
    public function overview(#[\SensitiveParameter] array $options): array
    {
        return $this->engine->overview($this->database(), $options);
    }

    /**
     * The id as it is, unless it is one that would mean every user.
     */
    public static function oneUser(int $userId): int
    {
        if ($userId < 1) {
            throw new \InvalidArgumentException("userId: found $userId, and a number above 0 is needed");
        }

        return $userId;
    }

    /**
     * A user's scope and window as the engine takes them; what is null is left out.
     *
     * @return array<string, mixed>
     */
    public static function scoped(
        int $userId,
        string|\BackedEnum|null $scopeType,
        ?int $scopeId,
        int $startTime,
        int $endTime,
    ): array {
        $scope = [
            'scope_type' => $scopeType instanceof \BackedEnum ? (string) $scopeType->value : $scopeType,
            'scope_id' => $scopeId,
        ];

        return ['user' => self::oneUser($userId), 'start' => $startTime, 'end' => $endTime]
            + array_filter($scope, static fn (mixed $value): bool => $value !== null);
    }

    /**
     * A number of the report on the only user.
     *
     * @param JobReport $report
     */
    public static function number(array $report, string $key): int
    {
        $number = $report['users'][0]['report'][$key] ?? null;
        if (!is_int($number)) {
            throw new \UnexpectedValueException("the engine's report has no number \"$key\"");
        }

        return $number;
    }

    /**
     * @return string|array<string, mixed>
     */
    private function database(): string|array
    {
        /** @var string|array<string, mixed> $database */
        $database = $this->database->getValue();

        return $database;
    }

    /**
     * @param list<string>|null $names of the options that a function takes, null for all
     *
     * @return array<string, mixed>
     */
    private function options(?array $names = null): array
    {
        /** @var array<string, mixed> $options */
        $options = $this->options->getValue();

        return $names === null ? $options : array_intersect_key($options, array_flip($names));
    }
}
