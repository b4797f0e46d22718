<?php

declare(strict_types=1);

namespace Prosper202\AttributionNative\Tests;

/**
 * A database of its own on the tests' server, with the host's tables and those of attribution, and some rows.
 *
 * User 1 has two conversions of two visitors in two hours, and three active models, of which one is not valid. User 2
 * has one conversion; user 3 is deleted.
 */
final class Database
{
    public const VARIABLE = 'ATTRIBUTION_TEST_DATABASE_URL';
    public const HOUR = 1_717_232_400;

    private const HOST_SCHEMA = __DIR__ . '/../../../tests/database/src/host_schema.sql';
    private const COMMAND = __DIR__ . '/../../../target/release/attribution';

    private readonly \mysqli $connection;
    private readonly string $name;

    /** @var array{host?: string, port?: int, user?: string, pass?: string} */
    private readonly array $parts;
    private readonly string $socket;

    /**
     * Why there can be none, or null.
     */
    public static function absence(): ?string
    {
        if ((string) getenv(self::VARIABLE) === '') {
            return self::VARIABLE . ' names no server: mysql://user:password@host:port/';
        }

        return is_file(self::HOST_SCHEMA) ? null : 'the schema of the host\'s tables is not here';
    }

    /**
     * The path of the command.
     */
    public static function command(): string
    {
        return (string) getenv('ATTRIBUTION_TEST_COMMAND') ?: self::COMMAND;
    }

    public function __construct()
    {
        $url = (string) getenv(self::VARIABLE);
        $parts = parse_url($url);
        if ($parts === false) {
            throw new \RuntimeException(self::VARIABLE . ' is not a URL');
        }
        parse_str($parts['query'] ?? '', $query);
        $socket = $query['socket'] ?? '';
        $this->socket = is_string($socket) ? $socket : '';
        $this->parts = $parts;
        $this->name = 'attribution_library_' . bin2hex(random_bytes(6));

        mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
        $this->connection = new \mysqli(
            $parts['host'] ?? 'localhost',
            rawurldecode($parts['user'] ?? ''),
            rawurldecode($parts['pass'] ?? ''),
            '',
            $parts['port'] ?? 3306,
            $this->socket === '' ? null : $this->socket,
        );
        $this->run("CREATE DATABASE {$this->name} CHARACTER SET utf8mb4");
        $this->run("USE {$this->name}");
        foreach (explode(';', (string) file_get_contents(self::HOST_SCHEMA)) as $statement) {
            if (trim($statement) !== '') {
                $this->run($statement);
            }
        }
        // The tables of attribution are the engine's to make.
        [$status, , $error] = Process::runProgram([self::command(), 'install'], ['ATTRIBUTION_DATABASE_URL' => $this->url()]);
        if ($status !== 0) {
            throw new \RuntimeException('attribution install: ' . $error);
        }
        $this->fill();
    }

    /**
     * Where it is, as the engine is told.
     */
    public function url(?string $password = null): string
    {
        return 'mysql://' . ($this->parts['user'] ?? '') . ':' . ($password ?? $this->parts['pass'] ?? '')
            . '@' . ($this->parts['host'] ?? 'localhost') . ':' . ($this->parts['port'] ?? 3306) . '/' . $this->name
            . ($this->socket === '' ? '' : '?socket=' . rawurlencode($this->socket));
    }

    /**
     * The same as an array.
     *
     * @return array<string, string|int>
     */
    public function parts(): array
    {
        return [
            'host' => $this->parts['host'] ?? 'localhost',
            'port' => $this->parts['port'] ?? 3306,
            'user' => rawurldecode($this->parts['user'] ?? ''),
            'password' => rawurldecode($this->parts['pass'] ?? ''),
            'database' => $this->name,
        ] + ($this->socket === '' ? [] : ['socket' => $this->socket]);
    }

    public function run(string $statement): void
    {
        $this->connection->query($statement);
    }

    /**
     * @return list<list<mixed>>
     */
    public function rows(string $query): array
    {
        $result = $this->connection->query($query);

        return $result instanceof \mysqli_result ? array_values($result->fetch_all()) : [];
    }

    public function remove(): void
    {
        $this->run("DROP DATABASE {$this->name}");
        $this->connection->close();
    }

    /**
     * More revenue in one hour of user 2's than its column can hold.
     */
    public function overflow(): void
    {
        $rows = [];
        for ($place = 0; $place < 101; $place++) {
            $rows[] = "(10, 't$place', 12, 999999.99999, 2, 0, " . self::HOUR . ", '', '')";
        }
        $this->run('INSERT INTO 202_conversion_logs (click_id, transaction_id, campaign_id, click_payout, user_id,'
            . ' click_time, conv_time, time_difference, user_agent) VALUES ' . implode(', ', $rows));
    }

    private function fill(): void
    {
        $hour = self::HOUR;
        $this->run("INSERT INTO 202_users VALUES (1, 'one', 0), (2, 'two', 0), (3, 'gone', 1)");
        $this->run("INSERT INTO 202_aff_campaigns (aff_campaign_id, user_id, aff_network_id, aff_campaign_name) VALUES
            (11, 1, 5, 'a'), (12, 2, 6, 'b')");
        $this->run("INSERT INTO 202_clicks (click_id, user_id, aff_campaign_id, click_cpc, click_time) VALUES
            (1, 1, 11, 0.10000, $hour - 7200), (2, 1, 11, 0.20000, $hour - 3600), (3, 1, 11, 0.30000, $hour - 60),
            (4, 1, 11, 0.40000, $hour - 50), (10, 2, 12, 0.50000, $hour - 40)");
        $this->run('INSERT INTO 202_clicks_advance (click_id, ip_id) VALUES
            (1, 100), (2, 100), (3, 100), (4, 200), (10, 300)');
        $this->run("INSERT INTO 202_conversion_logs (conv_id, click_id, campaign_id, click_payout, user_id, click_time,
            conv_time, time_difference, user_agent) VALUES
            (1, 3, 11, 10.00000, 1, $hour - 60, $hour + 600, '', ''),
            (2, 4, 11, 5.00000, 1, $hour - 50, $hour + 4000, '', ''),
            (3, 10, 12, 7.00000, 2, $hour - 40, $hour + 10, '', '')");
        $this->run("INSERT INTO 202_attribution_models (model_id, user_id, model_name, model_slug, model_type,
            weighting_config, created_at, updated_at) VALUES
            (1, 1, 'Linear', 'linear', 'linear', NULL, 0, 0),
            (2, 1, 'Last', 'last', 'last_touch', '{}', 0, 0),
            (3, 1, 'Odd', 'odd', 'no_such_type', NULL, 0, 0),
            (4, 2, 'Linear', 'linear', 'linear', NULL, 0, 0)");
    }
}
