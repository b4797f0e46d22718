<?php

declare(strict_types=1);

namespace Attribution\Benches;

use mysqli;
use mysqli_sql_exception;
use RuntimeException;

/** A MariaDB of this bench alone, with its defaults, on a socket in a temporary folder. */
final class DatabaseServer
{
    public const USER = 'attribution';
    public const PASSWORD = 'attribution';

    private const STARTS_WITHIN_SECONDS = 60;

    private readonly string $folder;
    /** @var resource|null */
    private $process = null;

    private function __construct()
    {
        // Not the temporary folder's own path at length: a socket's path has to fit in some 100 bytes.
        $this->folder = sprintf('%s/compare-%d-%s', sys_get_temp_dir(), getmypid(), bin2hex(random_bytes(3)));
        if (!mkdir($this->folder, 0700)) {
            throw new RuntimeException("cannot make {$this->folder}");
        }
    }

    public static function start(): self
    {
        $server = new self();
        // Also where the script ends by exit() or an error.
        register_shutdown_function($server->stop(...));
        $server->prepare();
        $server->launch();
        return $server;
    }

    public function socket(): string
    {
        return "{$this->folder}/socket";
    }

    public function stop(): void
    {
        if ($this->process !== null) {
            proc_terminate($this->process, SIGTERM);
            $until = microtime(true) + 30.0;
            while (proc_get_status($this->process)['running']) {
                if (microtime(true) > $until) {
                    proc_terminate($this->process, SIGKILL);
                }
                usleep(20_000);
            }
            proc_close($this->process);
            $this->process = null;
        }
        self::remove($this->folder);
    }

    private function prepare(): void
    {
        $command = [
            self::program('mariadb-install-db'),
            '--no-defaults',
            "--datadir={$this->folder}/data",
            '--auth-root-authentication-method=normal',
            '--skip-test-db',
            '--skip-name-resolve',
            ...self::asThisUser(),
        ];
        $log = ['file', "{$this->folder}/install.log", 'w'];
        $process = proc_open($command, [['file', '/dev/null', 'r'], $log, $log], $pipes);
        if ($process === false || proc_close($process) !== 0) {
            throw new RuntimeException('mariadb-install-db: ' . file_get_contents("{$this->folder}/install.log"));
        }
        file_put_contents("{$this->folder}/user.sql", sprintf(
            "CREATE USER '%1\$s'@'localhost' IDENTIFIED BY '%2\$s';\nGRANT ALL ON *.* TO '%1\$s'@'localhost';\n",
            self::USER,
            self::PASSWORD,
        ));
    }

    private function launch(): void
    {
        $command = [
            self::program('mariadbd'),
            '--no-defaults',
            "--datadir={$this->folder}/data",
            "--socket={$this->socket()}",
            "--pid-file={$this->folder}/server.pid",
            "--log-error={$this->folder}/server.log",
            "--tmpdir={$this->folder}",
            "--init-file={$this->folder}/user.sql",
            '--skip-networking',
            ...self::asThisUser(),
        ];
        $nothing = ['file', '/dev/null', 'r+'];
        $process = proc_open($command, [$nothing, $nothing, $nothing], $pipes);
        if ($process === false) {
            throw new RuntimeException('mariadbd does not start');
        }
        $this->process = $process;
        $until = microtime(true) + self::STARTS_WITHIN_SECONDS;
        while (true) {
            try {
                (new mysqli('localhost', self::USER, self::PASSWORD, null, 0, $this->socket()))->close();
                return;
            } catch (mysqli_sql_exception $exception) {
                if (!proc_get_status($process)['running'] || microtime(true) > $until) {
                    $log = (string) @file_get_contents("{$this->folder}/server.log");
                    throw new RuntimeException("mariadbd: {$exception->getMessage()}\n{$log}");
                }
                usleep(50_000);
            }
        }
    }

    private static function program(string $name): string
    {
        // Debian has servers where the path of an ordinary user does not lead.
        $folders = [...explode(':', (string) getenv('PATH')), '/usr/sbin', '/usr/local/sbin', '/usr/bin'];
        foreach ($folders as $folder) {
            if (is_executable("{$folder}/{$name}")) {
                return "{$folder}/{$name}";
            }
        }
        throw new RuntimeException("{$name} is not there; please install mariadb-server");
    }

    /** @return list<string> */
    private static function asThisUser(): array
    {
        return posix_geteuid() === 0 ? ['--user=root'] : [];
    }

    private static function remove(string $path): void
    {
        if (is_dir($path) && !is_link($path)) {
            foreach (array_diff(scandir($path) ?: [], ['.', '..']) as $name) {
                self::remove("{$path}/{$name}");
            }
            rmdir($path);
        } elseif (file_exists($path) || is_link($path)) {
            unlink($path);
        }
    }
}
