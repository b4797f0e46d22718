<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Console;

/**
 * attribution-export.php: one summary line on standard output, each export that did not come to its end on standard
 * error, and 0 or 1 as the exit status.
 */
final class ExportCommand extends Command
{
    private const DIRECTORY_VARIABLE = 'ATTRIBUTION_EXPORT_DIRECTORY';
    private const JOBS = 5;

    protected function name(): string
    {
        return 'attribution-export';
    }

    protected function purpose(): string
    {
        return 'Makes the files of exports that wait, and sends the webhooks that are due.';
    }

    protected function options(): array
    {
        return ['directory', 'jobs', 'allow-network', 'download-base', 'root-certificates', 'database', 'config'];
    }

    protected function carryOut(
        Arguments $arguments,
        #[\SensitiveParameter] array $environment,
        ?ProgressBar $bar,
        $output,
        $errors,
    ): int {
        $start = hrtime(true);
        $directory = $arguments->text('directory') ?? $environment[self::DIRECTORY_VARIABLE] ?? '';
        if ($directory === '') {
            throw new Usage('no folder: give --directory or the variable ' . self::DIRECTORY_VARIABLE);
        }
        $networks = $arguments->text('allow-network');
        $options = [
            'directory' => $directory,
            'jobs' => $arguments->number('jobs') ?? self::JOBS,
            'allow_networks' => $networks === null ? null : explode(',', $networks),
            'download_base' => $arguments->text('download-base'),
            'root_certificates' => $arguments->text('root-certificates'),
            'progress' => $bar,
        ];
        $options = array_filter($options, static fn (mixed $value): bool => $value !== null);
        $report = $this->engine()->runExports($this->database($arguments, $environment), $options);
        $bar?->clear();

        foreach ($report['jobs'] as $job) {
            if ($job['error'] !== null) {
                fwrite($errors, "export {$job['export_id']}: " . self::text($job['error'], null) . "\n");
            }
        }
        $parts = [
            self::count($report['completed'], 'file') . ' made',
            self::count($report['rows_exported'], 'row'),
            self::count($report['webhooks_delivered'], 'webhook') . ' delivered',
        ];
        if ($report['webhooks_waiting'] > 0) {
            $parts[] = self::count($report['webhooks_waiting'], 'webhook') . ' waiting';
        }
        $faults = [];
        foreach ([
            self::count($report['failed'], 'export') . ' failed' => $report['failed'],
            self::count($report['put_back'], 'export') . ' put back' => $report['put_back'],
            self::count($report['webhooks_given_up'], 'webhook') . ' given up' => $report['webhooks_given_up'],
        ] as $text => $number) {
            if ($number > 0) {
                $faults[] = ", $text";
            }
        }
        fwrite($output, sprintf(
            "%s: %s in %.1f s%s\n",
            $this->name(),
            implode(', ', $parts),
            (hrtime(true) - $start) / 1e9,
            implode('', $faults),
        ));

        return $faults === [] ? self::DONE : self::FAILED;
    }

    protected function help(): string
    {
        return $this->helpOf(
            [
                'directory PATH' => 'the folder that gets the files (default: ' . self::DIRECTORY_VARIABLE . ')',
                'jobs NUMBER' => 'how many files to make at most (default: ' . self::JOBS . ')',
                'allow-network LIST' => 'networks beside the public ones that webhooks may reach, like 10.0.0.0/8',
                'download-base URL' => 'where the folder\'s files can be fetched, for the webhooks\' download_url',
                'root-certificates FILE' => 'PEM certificates that webhooks\' servers may have besides the public ones',
                'database URL' => 'mysql://user:password@host:port/database (default: ' . self::DATABASE_VARIABLE . ')',
                'config FILE' => 'a PHP file that returns the database\'s URL, or an array of its parts',
            ],
            "Any number of runs may go on at once. A password is best given in the environment or a file.\n"
            . 'Exit status: 0 done, 1 if an export failed, a webhook was given up or the options are wrong.',
        );
    }
}
