<?php

declare(strict_types=1);

namespace Attribution\Benches;

use JsonSerializable;

/** What one comparison came to. */
final class Measured implements JsonSerializable
{
    /**
     * @param ?float $php the best time of many in one process, in milliseconds; null where it was not measured
     * @param ?float $native likewise
     * @param ?float $firstPhp the time of the first in a process, as a request meets it
     * @param ?float $firstNative likewise
     * @param list<string> $disagreements
     */
    public function __construct(
        public readonly string $name,
        public readonly ?float $php,
        public readonly ?float $native,
        public readonly ?float $firstPhp,
        public readonly ?float $firstNative,
        public readonly ?float $target,
        public readonly array $disagreements,
    ) {
    }

    public function ratio(): float
    {
        return ($this->php ?? 0.0) / max($this->native ?? 0.0, 1e-6);
    }

    /** The best of both in each, and all that was disagreed on. */
    public function with(self $other): self
    {
        $least = function (?float $one, ?float $two): ?float {
            return $one === null || $two === null ? $one ?? $two : min($one, $two);
        };
        return new self(
            $this->name,
            $least($this->php, $other->php),
            $least($this->native, $other->native),
            $least($this->firstPhp, $other->firstPhp),
            $least($this->firstNative, $other->firstNative),
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
            $number('php'),
            $number('native'),
            $number('firstPhp'),
            $number('firstNative'),
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
