<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Console;

use Prosper202\AttributionNative\Engine;

/**
 * backfill-conversion-journeys.php
 */
final class BackfillCommand extends JobCommand
{
    protected function name(): string
    {
        return 'backfill-conversion-journeys';
    }

    protected function purpose(): string
    {
        return 'Assembles the journeys of conversions from clicks and stores them.';
    }

    protected function ownOptions(): array
    {
        return [
            'journey-key' => ['KEY', 'visitor_campaign (default), visitor, campaign or none'],
            'lookback' => ['TIME', 'how long before its conversion a click may be, like 3600 or 7d (default: 30d)'],
            'max-touches' => ['NUMBER', 'how many clicks a journey may have, besides the converting one (default: 25)'],
        ];
    }

    protected function engineOptions(Arguments $arguments): array
    {
        $lookback = $arguments->text('lookback');
        $digits = $lookback !== null && preg_match('/^[0-9]+$/D', $lookback) === 1;

        return [
            'journey_key' => $arguments->text('journey-key'),
            'lookback' => $digits ? $arguments->number('lookback') : $lookback,
            'max_touches' => $arguments->number('max-touches'),
        ];
    }

    protected function perform(
        Engine $engine,
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array {
        return $engine->backfill($database, $options);
    }

    protected function summary(array $reports): string
    {
        return implode(', ', [
            self::count(self::sum($reports, 'conversions'), 'conversion'),
            self::count(self::sum($reports, 'touches'), 'touch', 'touches'),
            self::count(self::sum($reports, 'rows_written'), 'row') . ' written',
        ]);
    }
}
