<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests\Host;

final class Touch
{
    public function __construct(public readonly int $clickId, public readonly int $clickTime)
    {
    }
}
