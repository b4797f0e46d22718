<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests;

use Prosper202\AttributionNative\Engine;

/**
 * Remembers how it was called, and answers as it was told to.
 */
final class FakeEngine implements Engine
{
    /** @var list<array{string, list<mixed>}> */
    public array $calls = [];

    /**
     * @param array<string, mixed>|\Throwable $answer
     */
    public function __construct(private readonly array|\Throwable $answer)
    {
    }

    public function calculate(array $model, array $conversions, array $options = []): array
    {
        return $this->answer('calculate', func_get_args());
    }

    public function rebuild(string|array $database, array $options = []): array
    {
        return $this->answer('rebuild', func_get_args());
    }

    public function backfill(string|array $database, array $options = []): array
    {
        return $this->answer('backfill', func_get_args());
    }

    public function snapshots(string|array $database, array $query): array
    {
        return $this->answer('snapshots', func_get_args());
    }

    public function compare(string|array $database, array $options): array
    {
        return $this->answer('compare', func_get_args());
    }

    public function overview(string|array $database, array $options): array
    {
        return $this->answer('overview', func_get_args());
    }

    public function scheduleExport(string|array $database, array $options): array
    {
        return $this->answer('scheduleExport', func_get_args());
    }

    public function runExports(string|array $database, array $options): array
    {
        return $this->answer('runExports', func_get_args());
    }

    public function exports(string|array $database, array $options): array
    {
        return $this->answer('exports', func_get_args());
    }

    public function purge(string|array $database, array $options): array
    {
        return $this->answer('purge', func_get_args());
    }

    /**
     * @param list<mixed> $arguments
     */
    private function answer(string $function, array $arguments): mixed
    {
        $this->calls[] = [$function, $arguments];
        $answer = $this->answer;

        return $answer instanceof \Throwable ? throw $answer : $answer;
    }
}
