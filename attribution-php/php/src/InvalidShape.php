<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * A class or an object of the host's lacks something that is needed of it; the message names both.
 */
final class InvalidShape extends \InvalidArgumentException
{
}
