<?php

declare(strict_types=1);

namespace Attribution\Benches;

use JsonSerializable;

/** What one comparison came to. */
final class Measured implements JsonSerializable
{
    /**
     * @param ?float $steadyPhp what the same takes once it was done many times, where that was measured
     * @param ?float $steadyNative likewise
     * @param list<string> $disagreements
     */
    public function __construct(
        public readonly string $name,
        public readonly float $php,
        public readonly float $native,
        public readonly ?float $steadyPhp,
        public readonly ?float $steadyNative,
        public readonly ?float $target,
        public readonly array $disagreements,
    ) {
    }

    public function ratio(): float
    {
        return $this->php / max($this->native, 1e-6);
    }

    /** The best of both in each, and all that was disagreed on. */
    public function with(self $other): self
    {
        $least = fn (?float $one, ?float $two): ?float => $one === null || $two === null ? $one ?? $two : min($one, $two);
        return new self(
            $this->name,
            min($this->php, $other->php),
            min($this->native, $other->native),
            $least($this->steadyPhp, $other->steadyPhp),
            $least($this->steadyNative, $other->steadyNative),
            $this->target,
            $this->disagreements ?: $other->disagreements,
        );
    }

    /** @param array<string, mixed> $fields */
    public static function fromFields(array $fields): self
    {
        $number = fn (string $name): ?float => isset($fields[$name]) ? (float) $fields[$name] : null;
        return new self(
            $fields['name'],
            (float) $fields['php'],
            (float) $fields['native'],
            $number('steadyPhp'),
            $number('steadyNative'),
            $number('target'),
            $fields['disagreements'],
        );
    }

    /** @return array<string, mixed> */
    public function jsonSerialize(): array
    {
        return get_object_vars($this);
    }
}
