<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests\Host;

final class Model
{
    /**
     * @param array<string, mixed>|null $weightingConfig
     */
    public function __construct(
        public readonly ModelType $type,
        public readonly ?array $weightingConfig = null,
        public readonly int $modelId = 7,
    ) {
    }
}
