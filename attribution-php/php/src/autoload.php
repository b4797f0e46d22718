<?php

/**
 * Loads the library's classes where Composer does not, so that the scripts work as they are.
 */

declare(strict_types=1);

spl_autoload_register(static function (string $class): void {
    $namespace = 'Prosper202\\AttributionNative\\';
    if (!str_starts_with($class, $namespace)) {
        return;
    }
    $file = __DIR__ . '/' . str_replace('\\', '/', substr($class, strlen($namespace))) . '.php';
    if (is_file($file)) {
        require $file;
    }
});
