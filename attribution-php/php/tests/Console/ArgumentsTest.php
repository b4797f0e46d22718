<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests\Console;

use PHPUnit\Framework\TestCase;
use Prosper202\AttributionNative\Console\Arguments;
use Prosper202\AttributionNative\Console\Usage;

final class ArgumentsTest extends TestCase
{
    public function testOptionsAreReadInBothForms(): void
    {
        $given = ['--user=7', '--start', '3600', '--user=8', '--end=a=b'];
        $arguments = Arguments::parse($given, ['user', 'start', 'end']);
        self::assertSame(8, $arguments->number('user'));
        self::assertSame(3_600, $arguments->number('start'));
        self::assertSame('a=b', $arguments->text('end'));
        self::assertNull($arguments->text('other'));
        self::assertNull($arguments->number('other'));
        self::assertFalse($arguments->help);
    }

    public function testHelpIsAlwaysThere(): void
    {
        self::assertTrue(Arguments::parse(['--help'], [])->help);
        self::assertTrue(Arguments::parse(['-h'], [])->help);
    }

    /**
     * @return iterable<string, array{list<string>, string}>
     */
    public function wrong(): iterable
    {
        yield 'no option' => [['--user=7', 'mysql://me:secret@host/db'], 'argument 2 is not an option'];
        yield 'short' => [['-u'], 'argument 1 is not an option'];
        yield 'empty' => [[''], 'argument 1 is not an option'];
        yield 'end of options' => [['--'], 'argument 1 is not an option'];
        yield 'unknown' => [['--databse=mysql://me:secret@host/db'], 'there is no option --databse'];
        yield 'no value' => [['--user'], '--user needs a value'];
        yield 'empty value' => [['--user='], '--user needs a value'];
        yield 'option as value' => [['--user', '--help'], '--user needs a value'];
    }

    /**
     * @param list<string> $arguments
     *
     * @dataProvider wrong
     */
    public function testWhatIsNotUnderstoodIsNamedWithoutItsValue(array $arguments, string $message): void
    {
        try {
            Arguments::parse($arguments, ['user', 'database']);
            self::fail('this was understood');
        } catch (Usage $usage) {
            self::assertSame($message, $usage->getMessage());
        }
    }

    public function testNumbersAreWholeAndNotNegative(): void
    {
        foreach (['-1', '1.5', '1e3', '0x1', ' 1', "1\n", 'x', '9999999999999999999'] as $value) {
            $arguments = Arguments::parse(["--user=$value"], ['user']);
            try {
                $arguments->number('user');
                self::fail("$value was taken");
            } catch (Usage $usage) {
                self::assertSame('--user needs a whole number', $usage->getMessage());
            }
        }
    }
}
