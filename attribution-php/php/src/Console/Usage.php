<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Console;

/**
 * A script was called in a way that it does not understand.
 */
final class Usage extends \InvalidArgumentException
{
}
