<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative;

/**
 * Rebuilds snapshots and credits of every active model, in the database.
 *
 * @phpstan-import-type JobReport from Engine
 */
final class NativeJobRunner
{
    private readonly Jobs $jobs;

    /**
     * @param string|array<string, mixed> $database mysql://user:password@host:port/database, or an array with host,
     *                                              port, user, password, database, socket
     * @param array<string, mixed>        $options  of attribution_rebuild(), such as wait, connections, scopes,
     *                                              progress, replica
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
     * Rebuilds the hours that the window touches.
     *
     * @throws \Attribution\Exception where the run fails; what was committed until then stays, and is right
     */
    public function runForUser(int $userId, int $startTime, int $endTime): void
    {
        $this->jobs->rebuild(['user' => Jobs::oneUser($userId), 'start' => $startTime, 'end' => $endTime]);
    }

    /**
     * Rebuilds the hours that the window touches for every user that is not deleted. One that fails does not stop the
     * others, and has an error in place of a report.
     *
     * @return JobReport
     *
     * @throws \Attribution\Exception where no user's run can start, or progress asks to stop
     */
    public function runForAll(int $startTime, int $endTime): array
    {
        return $this->jobs->rebuild(['user' => 0, 'start' => $startTime, 'end' => $endTime]);
    }
}
