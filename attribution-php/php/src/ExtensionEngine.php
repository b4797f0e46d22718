<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * The native engine, by the functions of the extension.
 */
final class ExtensionEngine implements Engine
{
    /**
     * @throws ExtensionMissing where PHP runs without the extension
     */
    public function __construct()
    {
        Extension::require();
    }

    public function calculate(array $model, array $conversions, array $options = []): array
    {
        return \attribution_calculate($model, $conversions, $options);
    }

    public function rebuild(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options = [],
    ): array {
        return \attribution_rebuild($database, $options);
    }

    public function backfill(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options = [],
    ): array {
        return \attribution_backfill($database, $options);
    }

    public function snapshots(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $query,
    ): array {
        return \attribution_snapshots($database, $query);
    }

    public function compare(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array {
        return \attribution_compare($database, $options);
    }

    public function overview(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array {
        return \attribution_overview($database, $options);
    }

    public function scheduleExport(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array {
        return \attribution_export_schedule($database, $options);
    }

    public function runExports(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array {
        return \attribution_export_run($database, $options);
    }

    public function exports(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array {
        return \attribution_exports($database, $options);
    }

    public function purge(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options,
    ): array {
        return \attribution_purge($database, $options);
    }
}
