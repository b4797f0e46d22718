<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Console;

/**
 * One line on a terminal that tells how far a job is.
 */
final class ProgressBar
{
    private const WIDTH = 30;

    private string $shown = '';

    /**
     * @param resource $terminal
     */
    public function __construct(private $terminal)
    {
    }

    public function __invoke(string $phase, int $done, int $total): void
    {
        if ($total > 0) {
            $share = max(0, min(1, $done / $total));
            $filled = (int) ($share * self::WIDTH);
            $bar = str_repeat('#', $filled) . str_repeat('.', self::WIDTH - $filled);
            $line = sprintf('%-10s [%s] %3d %%', $phase, $bar, (int) ($share * 100));
        } else {
            // How much there is to read is not known before all is read.
            $line = sprintf('%-10s %d', $phase, $done);
        }
        if ($line !== $this->shown) {
            fwrite($this->terminal, "\r$line\e[K");
            $this->shown = $line;
        }
    }

    /**
     * Takes the line away, so that others can be written in its place.
     */
    public function clear(): void
    {
        if ($this->shown !== '') {
            fwrite($this->terminal, "\r\e[K");
            $this->shown = '';
        }
    }
}
