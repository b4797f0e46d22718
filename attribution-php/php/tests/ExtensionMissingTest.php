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
     * @return iterable<string, array{string}>
     */
    public function scripts(): iterable
    {
        yield 'rebuild' => ['attribution-rebuild'];
        yield 'backfill' => ['backfill-conversion-journeys'];
    }

    /**
     * @dataProvider scripts
     */
    public function testTheScriptsSaySoToo(string $script): void
    {
        $file = dirname(__DIR__) . "/bin/$script.php";
        $expected = [1, '', "$script: " . self::MESSAGE . "\n"];
        self::assertSame($expected, Process::run(['-n', $file, '--database=mysql://host/database']));
        self::assertSame($expected, Process::run(['-n', $file, '--database=mysql://host/database', '--user=7']));
    }

    /**
     * @dataProvider scripts
     */
    public function testHelpNeedsNoExtension(string $script): void
    {
        [$status, $output, $errors] = Process::run(['-n', dirname(__DIR__) . "/bin/$script.php", '--help']);
        self::assertSame([0, ''], [$status, $errors]);
        self::assertStringStartsWith("Usage: php $script.php [options]\n", $output);
        foreach (['--user', '--start', '--end', '--batch-size', '--database', '--config'] as $option) {
            self::assertStringContainsString("  $option ", $output);
        }
    }
}
