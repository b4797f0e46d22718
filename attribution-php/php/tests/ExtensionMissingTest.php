<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests;

use PHPUnit\Framework\TestCase;
use Prosper202\AttributionNative\Extension;

/**
 * What happens where PHP runs without the extension, which takes a PHP of its own, without its settings.
 */
final class ExtensionMissingTest extends TestCase
{
    private const MESSAGE = 'the PHP extension "attribution" is not loaded: install it with attribution-php/install, or'
        . ' add the line "extension=attribution" to php.ini, or run'
        . ' "php -d extension=/path/to/libattribution_php.so"';

    public function testItIsKnownWhetherTheExtensionIsLoaded(): void
    {
        self::assertSame(extension_loaded('attribution'), Extension::isLoaded());
    }

    /**
     * @return iterable<string, array{string}>
     */
    public function code(): iterable
    {
        $classes = 'new ResultClasses(ArrayObject::class, ArrayObject::class, ArrayObject::class, Scope::class)';
        yield 'strategy' => ["new LinearStrategy($classes)"];
        yield 'strategies' => ["Strategies::all($classes)"];
        yield 'runner' => ['new NativeJobRunner("mysql://host/database")'];
        yield 'repository' => ['new NativeJourneyRepository("mysql://host/database")'];
        yield 'reports' => ['new NativeReports("mysql://host/database")'];
        yield 'exports' => ['new NativeExports("mysql://host/database")'];
        yield 'purger' => ['new NativePurger("mysql://host/database")'];
        yield 'engine' => ['new ExtensionEngine()'];
        yield 'check' => ['Extension::require()'];
    }

    /**
     * @dataProvider code
     */
    public function testTheExceptionSaysHowToLoadIt(string $code): void
    {
        $autoload = var_export(dirname(__DIR__) . '/src/autoload.php', true);
        $program = "namespace Prosper202\\AttributionNative; use ArrayObject; require $autoload;"
            . ' enum Scope: string { case GLOBAL = "global"; }'
            . " try { $code; } catch (ExtensionMissing \$missing) { echo \$missing->getMessage(); }";
        [$status, $output, $errors] = Process::run(['-n', '-r', $program]);
        self::assertSame([0, self::MESSAGE, ''], [$status, $output, $errors]);
    }

    /**
     * @return iterable<string, array{string, string, list<string>}> the script, one of its options, and all of their
     *                                                               names
     */
    public function scripts(): iterable
    {
        $options = ['--database', '--config'];
        $job = [...$options, '--user', '--start', '--end', '--batch-size'];
        yield 'rebuild' => ['attribution-rebuild', '--user=7', [...$job, '--scopes']];
        yield 'backfill' => ['backfill-conversion-journeys', '--user=7', [...$job, '--journey-key']];
        yield 'export' => [
            'attribution-export',
            '--directory=/',
            [...$options, '--directory', '--jobs', '--allow-network', '--download-base', '--root-certificates'],
        ];
    }

    /**
     * @dataProvider scripts
     */
    public function testTheScriptsSaySoToo(string $script, string $option): void
    {
        $file = dirname(__DIR__) . "/bin/$script.php";
        $expected = [1, '', "$script: " . self::MESSAGE . "\n"];
        $environment = ['ATTRIBUTION_EXPORT_DIRECTORY' => '/'];
        self::assertSame($expected, Process::run(['-n', $file, '--database=mysql://host/database'], $environment));
        self::assertSame($expected, Process::run(['-n', $file, '--database=mysql://host/database', $option]));
    }

    /**
     * @dataProvider scripts
     *
     * @param list<string> $options
     */
    public function testHelpNeedsNoExtension(string $script, string $option, array $options): void
    {
        [$status, $output, $errors] = Process::run(['-n', dirname(__DIR__) . "/bin/$script.php", '--help']);
        self::assertSame([0, ''], [$status, $errors]);
        self::assertStringStartsWith("Usage: php $script.php [options]\n", $output);
        self::assertStringContainsString('  ' . strtok($option, '='), $output);
        foreach ($options as $name) {
            self::assertStringContainsString("  $name ", $output);
        }
    }
}
