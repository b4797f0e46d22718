<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * A strategy was given a model of another kind, or there is no strategy of a kind.
 */
final class WrongKind extends \InvalidArgumentException
{
}
