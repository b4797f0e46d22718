<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests;

/**
 * A conversion that has what it is given and no more.
 */
#[\AllowDynamicProperties]
final class HostileConversion
{
    private mixed $journey = null;

    /**
     * @param array<string, mixed> $properties
     */
    public static function with(array $properties, mixed $journey): self
    {
        $conversion = new self();
        foreach ($properties as $name => $value) {
            $conversion->{$name} = $value;
        }
        $conversion->journey = $journey;

        return $conversion;
    }

    public function getJourney(): mixed
    {
        return $this->journey;
    }
}
