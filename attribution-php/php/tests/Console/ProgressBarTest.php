<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests\Console;

use PHPUnit\Framework\TestCase;
use Prosper202\AttributionNative\Console\ProgressBar;

final class ProgressBarTest extends TestCase
{
    public function testItShowsPhaseAndShare(): void
    {
        $stream = fopen('php://memory', 'w+');
        self::assertIsResource($stream);
        $bar = new ProgressBar($stream);
        $bar->clear();
        $bar('reading', 5, 0);
        $bar('writing', 0, 30);
        $bar('writing', 15, 30);
        $bar('writing', 15, 30);
        $bar('writing', 31, 30);
        $bar->clear();
        $bar->clear();
        rewind($stream);
        self::assertSame(
            "\rreading    5\e[K"
            . "\rwriting    [" . str_repeat('.', 30) . "]   0 %\e[K"
            . "\rwriting    [" . str_repeat('#', 15) . str_repeat('.', 15) . "]  50 %\e[K"
            . "\rwriting    [" . str_repeat('#', 30) . "] 100 %\e[K"
            . "\r\e[K",
            stream_get_contents($stream),
        );
    }
}
