<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests;

/**
 * Runs PHP, or another program, in a process of its own.
 */
final class Process
{
    /** @var list<string>|null */
    private static ?array $withExtension = null;

    /**
     * @param list<string>          $arguments
     * @param array<string, string> $environment
     *
     * @return array{int, string, string} exit status, standard output, standard error
     */
    public static function run(array $arguments, array $environment = []): array
    {
        return self::runProgram([PHP_BINARY, ...$arguments], $environment);
    }

    /**
     * As run(), of any program.
     *
     * @param non-empty-list<string> $command
     * @param array<string, string>  $environment
     *
     * @return array{int, string, string}
     */
    public static function runProgram(array $command, array $environment = []): array
    {
        $pipes = [];
        $errors = tmpfile();
        if ($errors === false) {
            throw new \RuntimeException('there is no place for temporary files');
        }
        $process = proc_open(
            $command,
            [['file', '/dev/null', 'r'], ['pipe', 'w'], $errors],
            $pipes,
            null,
            $environment + array_diff_key(
                getenv(),
                ['ATTRIBUTION_DATABASE_URL' => null, 'ATTRIBUTION_REPLICA_URL' => null],
            ),
        );
        if ($process === false) {
            throw new \RuntimeException($command[0] . ' cannot be started');
        }
        $output = (string) stream_get_contents($pipes[1]);
        $status = proc_close($process);
        rewind($errors);

        return [$status, $output, (string) stream_get_contents($errors)];
    }

    /**
     * The arguments that load the extension as it is loaded here, where php.ini does not.
     *
     * @return list<string>
     */
    public static function withExtension(): array
    {
        return self::$withExtension ??= self::extensionArguments();
    }

    /**
     * @return list<string>
     */
    private static function extensionArguments(): array
    {
        $line = @file_get_contents('/proc/self/cmdline');
        foreach (explode("\0", (string) $line) as $argument) {
            if (preg_match('/^(?:-d)?(extension=.*attribution.*)$/D', $argument, $found) === 1) {
                return ['-d', $found[1]];
            }
        }

        return [];
    }
}
