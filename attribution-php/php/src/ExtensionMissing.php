<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * The native engine is needed, and PHP runs without it.
 */
final class ExtensionMissing extends \RuntimeException
{
    public function __construct()
    {
        $settings = php_ini_loaded_file();
        parent::__construct(
            'the PHP extension "' . Extension::NAME . '" is not loaded: install it with attribution-php/install, '
            . 'or add the line "extension=' . Extension::NAME . '" to '
            . ($settings === false ? 'php.ini' : $settings)
            . ', or run "php -d extension=/path/to/libattribution_php.so"',
        );
    }
}
