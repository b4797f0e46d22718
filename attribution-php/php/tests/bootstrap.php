<?php

declare(strict_types=1);

require __DIR__ . '/../src/autoload.php';

spl_autoload_register(static function (string $class): void {
    $namespace = 'Prosper202\\AttributionNative\\Tests\\';
    if (!str_starts_with($class, $namespace)) {
        return;
    }
    $file = __DIR__ . '/' . str_replace('\\', '/', substr($class, strlen($namespace))) . '.php';
    if (is_file($file)) {
        require $file;
    }
});

// The scripts hide their arguments, and so those of the tests that call them, which are looked at while they are there.
Prosper202\AttributionNative\Tests\Process::withExtension();
