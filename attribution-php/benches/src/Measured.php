<?php

declare(strict_types=1);

namespace Attribution\Benches;

use JsonSerializable;

/** What one comparison came to. */
final class Measured implements JsonSerializable
{
    /** @param list<string> $disagreements */
    public function __construct(
        public readonly string $name,
        public readonly float $phpMilliseconds,
        public readonly float $nativeMilliseconds,
        public readonly ?float $target,
        public readonly array $disagreements,
    ) {
    }

    public function ratio(): float
    {
        return $this->phpMilliseconds / max($this->nativeMilliseconds, 1e-6);
    }

    /** @param array<string, mixed> $fields */
    public static function fromFields(array $fields): self
    {
        return new self(
            $fields['name'],
            (float) $fields['phpMilliseconds'],
            (float) $fields['nativeMilliseconds'],
            isset($fields['target']) ? (float) $fields['target'] : null,
            $fields['disagreements'],
        );
    }

    /** @return array<string, mixed> */
    public function jsonSerialize(): array
    {
        return get_object_vars($this);
    }
}
