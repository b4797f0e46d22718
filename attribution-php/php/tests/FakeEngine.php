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
