<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Console;

use Prosper202\AttributionNative\Engine;

/**
 * attribution-rebuild.php
 */
final class RebuildCommand extends JobCommand
{
    protected function name(): string
    {
        return 'attribution-rebuild';
    }

    protected function purpose(): string
    {
        return 'Rebuilds attribution snapshots and credits of every active model.';
    }

    protected function ownOptions(): array
    {
        return ['scopes' => ['LIST', 'all, or some, like global,campaign (default: all that are stored)']];
    }

    protected function engineOptions(Arguments $arguments): array
    {
        return ['scopes' => $arguments->text('scopes')];
    }

    protected function perform(
        Engine $engine,
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array {
        return $engine->rebuild($database, $options);
    }

    protected function summary(array $reports): string
    {
        $models = [];
        foreach ($reports as $report) {
            $models = [...$models, ...self::rows($report, 'models')];
        }

        return implode(', ', [
            self::count(count($models), 'model'),
            self::count(self::sum($models, 'hours'), 'model hour'),
            self::count(self::sum($reports, 'conversions'), 'conversion'),
            self::count(self::sum($reports, 'rows_written'), 'row') . ' written',
        ]);
    }

    protected function warnings(array $report): array
    {
        $warnings = [];
        foreach (self::rows($report, 'invalid_models') as $model) {
            $slug = $model['slug'] ?? null;
            $problem = $model['problem'] ?? null;
            if (is_string($slug) && is_string($problem)) {
                $warnings[] = "warning: model $slug was left out: $problem";
            }
        }

        return $warnings;
    }

    /**
     * @param array<string, mixed> $report
     *
     * @return list<array<string, mixed>>
     */
    private static function rows(array $report, string $key): array
    {
        $rows = $report[$key] ?? [];

        /** @var list<array<string, mixed>> */
        return is_array($rows) ? array_values(array_filter($rows, is_array(...))) : [];
    }
}
