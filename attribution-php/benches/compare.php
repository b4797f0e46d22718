<?php

declare(strict_types=1);

/*
 * Compares the extension with the same work in plain PHP under opcache and its JIT.
 *
 *     php benches/compare.php [--extension=PATH] [--only=NAME,...] [--runs=N] [--conversions=N]
 *                             [--rebuild-runs=N] [--quick]
 *
 * The rebuild is measured on a MariaDB that is started for it. --quick is a smoke test: small, no targets.
 * Exit status 1 where something failed or both sides disagree; a target that is not met is only told.
 */

namespace Attribution\Benches;

// A warning here is a mistake of the bench or of the extension.
set_error_handler(function (int $level, string $message, string $file, int $line): bool {
    if ((error_reporting() & $level) === 0) {
        return false;
    }
    throw new \ErrorException($message, 0, $level, $file, $line);
});
spl_autoload_register(function (string $class): void {
    $file = __DIR__ . '/src/' . substr($class, strlen(__NAMESPACE__) + 1) . '.php';
    if (str_starts_with($class, __NAMESPACE__ . '\\') && is_file($file)) {
        require $file;
    }
});

exit(Comparison::main(array_slice($argv, 1), __FILE__));
