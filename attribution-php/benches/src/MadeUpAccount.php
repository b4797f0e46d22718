<?php

declare(strict_types=1);

namespace Attribution\Benches;

use mysqli;

/** One account owner's rows in the host's tables. */
final class MadeUpAccount
{
    public const USER_ID = 1;

    private const MODELS = [
        ['decay', 'time_decay', '{"half_life_hours": 48}'],
        ['position', 'position_based', '{"first_touch_weight": 0.4, "last_touch_weight": 0.4}'],
    ];

    public function __construct(private readonly mysqli $connection, private readonly string $socket)
    {
    }

    /**
     * Makes a database with these conversions, their journeys and two models.
     *
     * @param list<array<string, mixed>> $conversions
     */
    public function create(string $database, array $conversions): void
    {
        $this->createTables($database);
        $userId = self::USER_ID;
        $this->connection->begin_transaction();
        $this->insert('202_users (user_id, user_name)', ["{$userId},'user'"]);
        $campaigns = array_map(fn (int $id): string => "{$id},{$userId},1,'campaign {$id}'", range(1, 20));
        $this->insert(
            '202_aff_campaigns (aff_campaign_id, user_id, aff_network_id, aff_campaign_name)',
            $campaigns,
        );
        $models = [];
        foreach (self::MODELS as [$slug, $type, $config]) {
            $models[] = "{$userId},'{$slug}','{$slug}','{$type}','{$config}',1,1";
        }
        $this->insert(
            '202_attribution_models (user_id, model_name, model_slug, model_type, weighting_config, created_at,
             updated_at)',
            $models,
        );
        $clicks = $visitors = $logs = $touches = [];
        foreach ($conversions as $conversion) {
            $id = $conversion['conv_id'];
            $campaignId = 1 + $id % 20;
            foreach ($conversion['journey'] as $position => ['click_id' => $clickId, 'click_time' => $time]) {
                $cost = $clickId === $conversion['click_id'] ? $conversion['cost'] : '0.01000';
                $clicks[] = "{$clickId},{$userId},{$campaignId},{$cost},{$time}";
                $visitors[] = "{$clickId},{$id}";
                $touches[] = "{$id},{$clickId},{$time},{$position},1";
            }
            $logs[] = "{$id},{$conversion['click_id']},'{$id}',{$campaignId},{$conversion['payout']},{$userId},"
                . "{$conversion['click_time']},{$conversion['conv_time']},'','agent'";
        }
        $this->insert('202_clicks (click_id, user_id, aff_campaign_id, click_cpc, click_time)', $clicks);
        $this->insert('202_clicks_advance (click_id, ip_id)', $visitors);
        $this->insert(
            '202_conversion_logs (conv_id, click_id, transaction_id, campaign_id, click_payout, user_id,
             click_time, conv_time, time_difference, user_agent)',
            $logs,
        );
        $this->insert(
            '202_conversion_touchpoints (conv_id, click_id, click_time, position, created_at)',
            $touches,
        );
        $this->connection->commit();
        $this->analyze();
    }

    /** Makes a database that has what another has. */
    public function copy(string $from, string $to): void
    {
        $this->createTables($to);
        $this->connection->begin_transaction();
        foreach ($this->tables() as $table) {
            $this->connection->query("INSERT INTO {$table} SELECT * FROM {$from}.{$table}");
        }
        $this->connection->commit();
        $this->analyze();
    }

    private function createTables(string $database): void
    {
        $this->connection->query("CREATE DATABASE {$database} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci");
        $this->connection->select_db($database);
        $file = __DIR__ . '/../../../tests/database/src/host_schema.sql';
        $this->connection->multi_query((string) file_get_contents($file));
        while ($this->connection->more_results()) {
            $this->connection->next_result();
        }
        // The tables of attribution are the engine's to make.
        $command = (string) getenv('ATTRIBUTION_TEST_COMMAND') ?: __DIR__ . '/../../../target/release/attribution';
        $url = sprintf('mysql://%s:%s@localhost/%s?socket=%s', DatabaseServer::USER, DatabaseServer::PASSWORD, $database, $this->socket);
        exec('ATTRIBUTION_DATABASE_URL=' . escapeshellarg($url) . ' ' . escapeshellarg($command) . ' install', $said, $status);
        if ($status !== 0) {
            throw new \RuntimeException('attribution install: ' . implode("\n", $said));
        }
    }

    /** So that neither side is the one to read with old statistics. */
    private function analyze(): void
    {
        $this->connection->query('ANALYZE TABLE ' . implode(', ', $this->tables()));
    }

    /** @return list<string> */
    private function tables(): array
    {
        return array_column($this->connection->query('SHOW TABLES')->fetch_all(), 0);
    }

    /** @param list<string> $rows */
    private function insert(string $into, array $rows): void
    {
        foreach (array_chunk($rows, 5_000) as $some) {
            $this->connection->query("INSERT INTO {$into} VALUES (" . implode('),(', $some) . ')');
        }
    }
}
