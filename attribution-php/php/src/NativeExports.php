<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * The export queue, in the database.
 *
 * @phpstan-import-type ExportRun from Engine
 */
final class NativeExports
{
    private readonly Jobs $jobs;

    /**
     * @param string|array<string, mixed> $database mysql://user:password@host:port/database, or an array with host,
     *                                              port, user, password, database, socket
     * @param array<string, mixed>        $options  of attribution_export_run(), such as allow_networks, download_base,
     *                                              root_certificates, progress; allow_networks goes for scheduling, too
     *
     * @throws ExtensionMissing where no engine is given and PHP runs without the extension
     */
    public function __construct(
        #[\SensitiveParameter] string|array $database,
        #[\SensitiveParameter] array $options = [],
        ?Engine $engine = null,
    ) {
        $this->jobs = new Jobs($database, $options, $engine);
    }

    /**
     * Puts an export of a model's snapshots into the queue.
     *
     * @param string|\BackedEnum    $scopeType      such as campaign
     * @param int|null              $scopeId        null for global
     * @param string                $format         csv, xls or xlsx
     * @param string|null           $webhookUrl     where the finished file is posted to
     * @param string|null           $webhookSecret  what that is signed with
     * @param array<string, string> $webhookHeaders by their names
     *
     * @return array<string, mixed> the job, as attribution_exports() lists it
     *
     * @throws \Attribution\Exception for what is not allowed, with nothing written
     */
    public function schedule(
        int $userId,
        string $modelSlug,
        string|\BackedEnum $scopeType,
        ?int $scopeId,
        int $startTime,
        int $endTime,
        string $format = 'csv',
        #[\SensitiveParameter] ?string $webhookUrl = null,
        #[\SensitiveParameter] ?string $webhookSecret = null,
        #[\SensitiveParameter] array $webhookHeaders = [],
    ): array {
        return $this->jobs->scheduleExport(
            [
                'model' => $modelSlug,
                'format' => $format,
                'webhook_url' => $webhookUrl,
                'webhook_secret' => $webhookSecret,
                'webhook_headers' => $webhookHeaders === [] ? null : $webhookHeaders,
            ] + Jobs::scoped($userId, $scopeType, $scopeId, $startTime, $endTime),
        );
    }

    /**
     * Makes the files of jobs that wait, the oldest first, and sends the webhooks that are due.
     *
     * @param string $directory the folder that gets the files
     * @param int    $jobs      how many files at most
     *
     * @return ExportRun
     *
     * @throws \Attribution\Exception where no job can be worked on; one job's failure is in the report
     */
    public function run(string $directory, int $jobs = 5): array
    {
        return $this->jobs->runExports(['directory' => $directory, 'jobs' => $jobs]);
    }

    /**
     * A user's jobs, the newest first.
     *
     * @param string|null $status pending, processing, completed or failed; null for all
     *
     * @return list<array<string, mixed>>
     *
     * @throws \Attribution\Exception where the reading fails
     */
    public function jobs(int $userId, ?string $status = null, int $limit = 100, int $offset = 0): array
    {
        return $this->jobs->exports([
            'user' => Jobs::oneUser($userId),
            'status' => $status,
            'limit' => $limit,
            'offset' => $offset,
        ]);
    }
}
