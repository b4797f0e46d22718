<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * Whether the native engine is there.
 */
final class Extension
{
    public const NAME = 'attribution';

    public static function isLoaded(): bool
    {
        return extension_loaded(self::NAME);
    }

    /**
     * @throws ExtensionMissing where PHP runs without the extension
     */
    public static function require(): void
    {
        if (!self::isLoaded()) {
            throw new ExtensionMissing();
        }
    }

    private function __construct()
    {
    }
}
