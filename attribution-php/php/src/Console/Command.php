<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Console;

use Prosper202\AttributionNative\Engine;
use Prosper202\AttributionNative\ExtensionEngine;

/**
 * A script on one database, as the host's cron lines call it: what came of it on standard output, each failure on
 * standard error, and 0 or 1 as the exit status.
 */
abstract class Command
{
    protected const DONE = 0;
    protected const FAILED = 1;

    protected const DATABASE_VARIABLE = 'ATTRIBUTION_DATABASE_URL';

    /**
     * @param Engine|null $engine the extension where left out
     */
    final public function __construct(private readonly ?Engine $engine = null)
    {
    }

    /**
     * The script's name, without its ending.
     */
    abstract protected function name(): string;

    /**
     * What the script does, for --help.
     */
    abstract protected function purpose(): string;

    /**
     * The options that there are, besides --help.
     *
     * @return list<string>
     */
    abstract protected function options(): array;

    /**
     * The text of --help.
     */
    abstract protected function help(): string;

    /**
     * Does the work and tells what came of it.
     *
     * @param array<string, string> $environment
     * @param ProgressBar|null      $bar         on a terminal, to be cleared before anything is told
     * @param resource              $output
     * @param resource              $errors
     *
     * @return int the exit status
     *
     * @throws Usage
     */
    abstract protected function carryOut(
        Arguments $arguments,
        #[\SensitiveParameter] array $environment,
        ?ProgressBar $bar,
        $output,
        $errors,
    ): int;

    /**
     * @param list<string>          $arguments   without the script's name
     * @param array<string, string> $environment
     * @param resource              $output
     * @param resource              $errors
     *
     * @return int the exit status
     */
    final public function run(
        #[\SensitiveParameter] array $arguments,
        #[\SensitiveParameter] array $environment,
        $output,
        $errors,
    ): int {
        $bar = stream_isatty($errors) ? new ProgressBar($errors) : null;
        try {
            $parsed = Arguments::parse($arguments, $this->options());
            if ($parsed->help) {
                fwrite($output, $this->help());

                return self::DONE;
            }

            return $this->carryOut($parsed, $environment, $bar, $output, $errors);
        } catch (Usage $usage) {
            $this->complain($errors, $usage->getMessage() . ' (--help tells the options)');

            return self::FAILED;
        } catch (\Throwable $problem) {
            $bar?->clear();
            $this->complain($errors, self::text($problem->getMessage(), self::code($problem)));

            return self::FAILED;
        }
    }

    final protected function engine(): Engine
    {
        return $this->engine ?? new ExtensionEngine();
    }

    /**
     * @param array<string, string> $lines what each option with its value means
     */
    final protected function helpOf(array $lines, string $end): string
    {
        $text = "Usage: php {$this->name()}.php [options]\n\n{$this->purpose()}\n\n";
        $lines['help'] = 'show this and exit';
        $width = max(array_map(strlen(...), array_keys($lines))) + 1;
        foreach ($lines as $option => $meaning) {
            $text .= sprintf("  --%-{$width}s %s\n", $option, $meaning);
        }

        return $text . "\n$end\n";
    }

    /**
     * A number with its noun.
     */
    final protected static function count(int $number, string $noun, ?string $plural = null): string
    {
        return $number . ' ' . ($number === 1 ? $noun : $plural ?? $noun . 's');
    }

    /**
     * Where the database is, by --database, --config or the environment.
     *
     * @param array<string, string> $environment
     *
     * @return string|array<string, mixed>
     *
     * @throws Usage
     */
    final protected function database(Arguments $arguments, #[\SensitiveParameter] array $environment): string|array
    {
        $url = $arguments->text('database');
        $file = $arguments->text('config');
        if ($url !== null && $file !== null) {
            throw new Usage('--database and --config are two ways to name one database');
        }
        if ($url !== null || $arguments->text('replica') !== null) {
            // From here on the list of processes, which everyone on the machine can read, shows no password.
            @cli_set_process_title($this->name());
        }
        if ($file !== null) {
            return self::configured($file);
        }
        $url ??= $environment[self::DATABASE_VARIABLE] ?? '';
        if ($url === '') {
            throw new Usage('no database: give --database, --config or the variable ' . self::DATABASE_VARIABLE);
        }

        return $url;
    }

    /**
     * @return string|array<string, mixed>
     *
     * @throws Usage
     */
    private static function configured(string $file): string|array
    {
        $path = realpath($file);
        if ($path === false || !is_file($path) || !is_readable($path)) {
            throw new Usage("--config: \"$file\" is not a file that can be read");
        }
        ob_start();
        try {
            $database = (static fn (): mixed => require $path)();
        } catch (\Throwable $problem) {
            // Its message is not repeated: that of a syntax error may quote a password.
            throw new Usage('--config: ' . get_debug_type($problem) . " in \"$file\", line " . $problem->getLine());
        } finally {
            ob_end_clean();
        }
        if (is_string($database) && $database !== '') {
            return $database;
        }
        if (!is_array($database) || $database === [] || array_is_list($database)) {
            throw new Usage("--config: \"$file\" returns neither a URL nor an array with a host, a user and so on");
        }

        /** @var array<string, mixed> $database */
        return $database;
    }

    /**
     * @param resource $errors
     */
    private function complain($errors, string $message): void
    {
        fwrite($errors, $this->name() . ': ' . $message . "\n");
    }

    /**
     * A failure on one line.
     */
    final protected static function text(string $message, ?string $code): string
    {
        $line = preg_replace('/\s*[\r\n]+\s*/', '; ', trim($message)) ?? $message;

        return $line . ($code === null ? '' : " [$code]");
    }

    final protected static function code(\Throwable $problem): ?string
    {
        // The extension's exceptions have it, and an interface, as theirs is, cannot tell so.
        $code = get_object_vars($problem)['errorCode'] ?? null;

        return is_string($code) ? $code : null;
    }
}
