<?php

declare(strict_types=1);

$url = getenv('ATTRIBUTION_DATABASE_URL');
$june = ['user' => 1, 'start' => '2024-06-01T00:00:00Z', 'end' => '2024-07-01T00:00:00Z'];

foreach (attribution_compare($url, ['models' => ['two-days', 'last_touch']] + $june)['rows'] as $row) {
    ['low' => $low, 'high' => $high] = $row['intervals']['revenue'];
    echo "{$row['model']}: {$row['revenue']} ($low to $high)\n";
}
$rows = attribution_snapshots($url, ['model' => 'two-days', 'cache' => true] + $june);
$job = attribution_export_schedule($url, ['model' => 'two-days', 'format' => 'xlsx'] + $june);
$report = attribution_purge($url, ['user' => 1, 'target' => 'visitor', 'visitor' => 5, 'dry_run' => true]);
echo count($rows), " rows; export {$job['export_id']} is {$job['status']}\n";
foreach ($report['users'][0]['report']['tables'] as $table) {
    echo "{$table['table']}: {$table['found']} of the visitor\n";
}
