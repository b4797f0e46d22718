<?php

declare(strict_types=1);

namespace Attribution\Benches;

use InvalidArgumentException;
use RuntimeException;
use Throwable;

/** The command: starts a process for each comparison and tells what came of it. */
final class Comparison
{
    private const USAGE = 'usage: compare.php [--extension=PATH] [--only=NAME,...] [--runs=N] [--conversions=N]'
        . ' [--rebuild-runs=N] [--quick]';
    private const PROCESSES = 4;
    private const OPCACHE = [
        'opcache.enable' => '1',
        'opcache.enable_cli' => '1',
        'opcache.jit' => 'tracing',
        'opcache.jit_buffer_size' => '128M',
    ];

    /** @param array<string, string> $options */
    private function __construct(private readonly array $options, private readonly string $script)
    {
    }

    /** @param list<string> $arguments */
    public static function main(array $arguments, string $script): int
    {
        try {
            $comparison = new self(self::parse($arguments), $script);
            return isset($comparison->options['measure']) ? $comparison->measure() : $comparison->compare();
        } catch (InvalidArgumentException $exception) {
            fwrite(STDERR, $exception->getMessage() . "\n" . self::USAGE . "\n");
            return 2;
        } catch (Throwable $exception) {
            fwrite(STDERR, get_class($exception) . ": {$exception->getMessage()}\n{$exception->getTraceAsString()}\n");
            return 1;
        }
    }

    private function compare(): int
    {
        $quick = isset($this->options['quick']);
        $extension = $this->options['extension']
            ?? dirname($this->script) . '/../../target/release/libattribution_php.so';
        $path = realpath($extension);
        if ($path === false) {
            throw new InvalidArgumentException("{$extension}: no such extension; build it or give --extension");
        }
        $names = isset($this->options['only']) ? explode(',', $this->options['only']) : Cases::NAMES;
        if (function_exists('pcntl_async_signals')) {
            // So that the database server is stopped on the way out.
            pcntl_async_signals(true);
            foreach ([SIGINT, SIGTERM, SIGHUP] as $signal) {
                pcntl_signal($signal, fn () => exit(1));
            }
        }
        printf(
            "PHP %s, JIT on; %d conversions of 8 touches, time decay; best of %d runs\n",
            PHP_VERSION,
            $this->conversions(),
            $this->runs(),
        );
        $met = $missed = $agreed = 0;
        $failed = [];
        foreach ($names as $name) {
            try {
                foreach ($this->inOwnProcesses($name, $path) as $measured) {
                    if ($measured->disagreements !== []) {
                        $failed[] = $measured->name;
                    } else {
                        $agreed++;
                    }
                    $judged = $measured->target !== null && !$quick;
                    $isMet = $measured->ratio() >= $measured->target;
                    $met += (int) ($judged && $isMet);
                    $missed += (int) ($judged && !$isMet);
                    self::tell($measured, $judged);
                }
            } catch (RuntimeException $exception) {
                $failed[] = $name;
                echo "{$name}: FAILED: {$exception->getMessage()}\n";
            }
        }
        $summary = "{$agreed} agreed, " . count($failed) . ' failed';
        echo $quick ? "{$summary}; quick, no targets judged\n" : "{$summary}; {$met} targets met, {$missed} not met\n";
        return $failed === [] ? 0 : 1;
    }

    private static function tell(Measured $measured, bool $judged): void
    {
        $isMet = $measured->ratio() >= $measured->target ? 'met' : 'not met';
        printf(
            "%s: php %.2f ms, native %.3f ms, ratio %.1f%s\n",
            $measured->name,
            $measured->php,
            $measured->native,
            $measured->ratio(),
            $judged ? sprintf(', target %s: %s', $measured->target, $isMet) : ', no target',
        );
        if ($measured->firstPhp !== null && $measured->firstNative !== null) {
            printf(
                "  as the first in a process: php %.2f ms, native %.3f ms, ratio %.1f\n",
                $measured->firstPhp,
                $measured->firstNative,
                $measured->firstPhp / max($measured->firstNative, 1e-6),
            );
        }
        foreach ($measured->disagreements as $disagreement) {
            echo "  DISAGREE: {$disagreement}\n";
        }
    }

    /**
     * Measures many runs in one process, and the first in several.
     *
     * @return list<Measured>
     */
    private function inOwnProcesses(string $name, string $extension): array
    {
        if ($name === 'rebuild') {
            $server = DatabaseServer::start();
            try {
                return $this->inOwnProcess($name, $extension, ["--socket={$server->socket()}"]);
            } finally {
                $server->stop();
            }
        }
        $best = null;
        $processes = isset($this->options['quick']) ? 2 : self::PROCESSES;
        for ($process = 0; $process < $processes; $process++) {
            $more = $process % 2 === 0 ? [] : ['--native-first'];
            if ($process === 0) {
                $more[] = "--runs={$this->runs()}";
            }
            [$measured] = $this->inOwnProcess($name, $extension, $more);
            $best = $best === null ? $measured : $best->with($measured);
        }
        return [$best];
    }

    /**
     * @param list<string> $more options
     * @return list<Measured>
     */
    private function inOwnProcess(string $name, string $extension, array $more): array
    {
        $command = [PHP_BINARY];
        $settings = self::OPCACHE + [
            'extension' => $extension,
            'memory_limit' => '-1',
            'display_errors' => 'stderr',
            'error_reporting' => (string) E_ALL,
        ];
        foreach ($settings as $setting => $value) {
            array_push($command, '-d', "{$setting}={$value}");
        }
        array_push($command, $this->script, "--measure={$name}");
        foreach (['rebuild-runs', 'conversions'] as $option) {
            if (isset($this->options[$option])) {
                $command[] = "--{$option}={$this->options[$option]}";
            }
        }
        if (isset($this->options['quick'])) {
            $command[] = '--quick';
        }
        return self::collect([...$command, ...$more]);
    }

    /**
     * @param list<string> $command
     * @return list<Measured>
     */
    private static function collect(array $command): array
    {
        $process = proc_open($command, [['file', '/dev/null', 'r'], ['pipe', 'w'], STDERR], $pipes);
        if ($process === false) {
            throw new RuntimeException('PHP does not start');
        }
        $output = (string) stream_get_contents($pipes[1]);
        $status = proc_get_status($process);
        while ($status['running']) {
            usleep(1_000);
            $status = proc_get_status($process);
        }
        proc_close($process);
        if ($status['signaled']) {
            throw new RuntimeException("ended by signal {$status['termsig']}\n{$output}");
        }
        if ($status['exitcode'] !== 0) {
            throw new RuntimeException("exit status {$status['exitcode']}\n{$output}");
        }
        $list = json_decode($output, true);
        if (!is_array($list)) {
            throw new RuntimeException("no result\n{$output}");
        }
        return array_map(Measured::fromFields(...), $list);
    }

    /** What the processes do that compare() starts. */
    private function measure(): int
    {
        if (!extension_loaded('attribution')) {
            throw new RuntimeException('the extension is not loaded');
        }
        // Some extensions switch it off, and then PHP would look slower than it has to be.
        $status = function_exists('opcache_get_status') ? opcache_get_status(false) : false;
        if (($status['jit']['on'] ?? false) !== true) {
            throw new RuntimeException("PHP's JIT is not on");
        }
        $quick = isset($this->options['quick']);
        $cases = new Cases(
            $this->conversions(),
            isset($this->options['native-first']),
            (int) ($this->options['runs'] ?? 0),
            $this->number('rebuild-runs', $quick ? 1 : 2),
            $this->options['socket'] ?? null,
        );
        echo json_encode($cases->run($this->options['measure']), JSON_THROW_ON_ERROR), "\n";
        return 0;
    }

    private function runs(): int
    {
        return $this->number('runs', isset($this->options['quick']) ? 3 : 20);
    }

    private function conversions(): int
    {
        return $this->number('conversions', isset($this->options['quick']) ? 500 : 20_000);
    }

    private function number(string $name, int $default): int
    {
        return (int) ($this->options[$name] ?? $default);
    }

    /**
     * @param list<string> $arguments
     * @return array<string, string>
     */
    private static function parse(array $arguments): array
    {
        $options = [];
        foreach ($arguments as $argument) {
            if (in_array($argument, ['--quick', '--native-first'], true)) {
                $options[substr($argument, 2)] = '1';
                continue;
            }
            $known = 'extension|only|runs|rebuild-runs|conversions|measure|socket';
            if (preg_match("/^--({$known})=(.+)\$/", $argument, $found) !== 1) {
                throw new InvalidArgumentException("{$argument}: no such option");
            }
            $options[$found[1]] = $found[2];
        }
        foreach (['runs', 'rebuild-runs', 'conversions'] as $name) {
            if (isset($options[$name]) && preg_match('/^[1-9]\d{0,6}$/', $options[$name]) !== 1) {
                throw new InvalidArgumentException("--{$name}={$options[$name]}: not a positive number");
            }
        }
        $asked = [...explode(',', $options['only'] ?? ''), $options['measure'] ?? ''];
        foreach (array_diff($asked, Cases::NAMES, ['']) as $name) {
            throw new InvalidArgumentException("{$name}: not one of " . implode(', ', Cases::NAMES));
        }
        return $options;
    }
}
