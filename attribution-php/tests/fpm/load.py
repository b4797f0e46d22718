#!/usr/bin/env python3
"""Fires requests of every kind at php-fpm with the extension, many at once, and looks for crashes, wrong
answers and growth.

    python3 tests/fpm/load.py [--seconds N] [--concurrency N] [--extension PATH] [--php-fpm PATH]

php-fpm and a MariaDB are started for it, on sockets in a temporary folder, and stopped by their ids.
Python 3.11's standard library is all it needs. The last line says `N passed, N failed`; exit status 1
where any failed.
"""

from __future__ import annotations

import argparse
import collections
import collections.abc
import getpass
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
HOST_TABLES = ROOT / "tests/database/src/host_schema.sql"
COMMAND = ROOT / "target/release/attribution"
REQUEST = HERE / "request.php"

START = 1_717_200_000
HOURS = 24
USERS = (1, 2, 3, 4)
CONVERSIONS = 150
TOUCHES = 5
CHILDREN = 8

# How often each kind is asked for. Each that runs into its time limit takes a second of processor time.
KINDS = {
    "calculate": 40,
    "columns": 20,
    "rebuild": 20,
    "snapshots": 20,
    "invalid": 10,
    "cancel": 3,
    "throw": 3,
    "timeout_php": 1,
    "timeout_native": 1,
    "timeout_progress": 1,
    "abort": 2,
}
TIMEOUT = re.compile(r"^Maximum execution time of 1 second exceeded")


class Checks:
    """Counts what passed and what failed; each failure is told, of one kind only the first few."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self.told: collections.Counter[str] = collections.Counter()
        self.lock = threading.Lock()

    def check(self, what: str, passed: bool, found: object = "") -> None:
        with self.lock:
            if passed:
                self.passed += 1
                return
            self.failed += 1
            self.told[what] += 1
            if self.told[what] <= 3:
                print(f"FAILED: {what}: {found}", flush=True)


# ---------------------------------------------------------------- FastCGI

BEGIN_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT, STDERR = 1, 3, 4, 5, 6, 7
RESPONDER = 1


def record(kind: int, content: bytes) -> bytes:
    return struct.pack("!BBHHBx", 1, kind, 1, len(content), 0) + content


def length(number: int) -> bytes:
    return struct.pack("!B", number) if number < 128 else struct.pack("!I", number | 1 << 31)


def receive(connection: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        more = connection.recv(count - len(content))
        if not more:
            raise ConnectionError("php-fpm closed the connection within an answer")
        content += more
    return content


def leave(path: str, parameters: dict[str, str], timeout: float) -> None:
    """Sends one request and goes away as soon as the answer begins."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(path)
        send(connection, parameters)
        receive(connection, 1)


def send(connection: socket.socket, parameters: dict[str, str]) -> None:
    pairs = b""
    for name, value in parameters.items():
        raw_name, raw_value = name.encode(), value.encode()
        pairs += length(len(raw_name)) + length(len(raw_value)) + raw_name + raw_value
    connection.sendall(
        record(BEGIN_REQUEST, struct.pack("!HB5x", RESPONDER, 0))
        + record(PARAMS, pairs)
        + record(PARAMS, b"")
        + record(STDIN, b"")
    )


def fetch(path: str, parameters: dict[str, str], timeout: float) -> tuple[int, str, str]:
    """Sends one request; gives the status, the body and what came as errors."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(path)
        send(connection, parameters)
        output, errors = b"", b""
        while True:
            _, kind, _, size, padding = struct.unpack("!BBHHBx", receive(connection, 8))
            content = receive(connection, size)
            receive(connection, padding)
            if kind == STDOUT:
                output += content
            elif kind == STDERR:
                errors += content
            elif kind == END_REQUEST:
                break
    head, _, body = output.decode(errors="replace").partition("\r\n\r\n")
    status = re.search(r"^Status: (\d+)", head, re.MULTILINE)
    return int(status[1]) if status else 200, body, errors.decode(errors="replace")


# ---------------------------------------------------------------- what is started


def find(name: str) -> str:
    # Debian has servers where the path of an ordinary user does not lead.
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/usr/bin"])
    found = shutil.which(name, path=path)
    if found is None:
        sys.exit(f"{name} is not there; please install it")
    return found


def stop(process: subprocess.Popen[bytes]) -> int | None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


class Database:
    """A MariaDB with several account owners' rows."""

    USER = "attribution"
    PASSWORD = "attribution"
    NAME = "host"

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.socket = folder / "database.sock"
        self.log = folder / "database.log"
        self.client = find("mariadb")
        as_this_user = ["--user=root"] if os.geteuid() == 0 else []
        data = f"--datadir={folder / 'data'}"
        subprocess.run(
            [find("mariadb-install-db"), "--no-defaults", data, "--skip-test-db", "--skip-name-resolve",
             "--auth-root-authentication-method=normal", *as_this_user],
            check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )
        start = folder / "user.sql"
        start.write_text(
            f"CREATE USER '{self.USER}'@'localhost' IDENTIFIED BY '{self.PASSWORD}';\n"
            f"GRANT ALL ON *.* TO '{self.USER}'@'localhost';\n"
        )
        self.process = subprocess.Popen(
            [find("mariadbd"), "--no-defaults", data, f"--socket={self.socket}", "--skip-networking",
             f"--pid-file={folder / 'database.pid'}", f"--log-error={self.log}", f"--tmpdir={folder}",
             f"--init-file={start}", *as_this_user],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )

    def wait(self) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                self.run("SELECT 1", database="")
                return
            except subprocess.CalledProcessError as problem:
                if self.process.poll() is not None or time.monotonic() > until:
                    log = self.log.read_text(errors="replace") if self.log.exists() else ""
                    raise RuntimeError(f"mariadbd does not start: {problem.stderr}\n{log}") from None
                time.sleep(0.1)

    def run(self, statements: str, database: str = NAME) -> str:
        answer = subprocess.run(
            [self.client, "--no-defaults", f"--socket={self.socket}", f"--user={self.USER}",
             f"--password={self.PASSWORD}", "--batch", "--skip-column-names", *([database] if database else [])],
            input=statements, capture_output=True, text=True, check=True,
        )
        return answer.stdout

    def url(self) -> str:
        return f"mysql://{self.USER}:{self.PASSWORD}@localhost/{self.NAME}?socket={self.socket}"

    def fill(self) -> dict[int, dict[str, object]]:
        """Loads the accounts; gives what a rebuild of each has to report."""
        self.run(f"CREATE DATABASE {self.NAME} CHARACTER SET utf8mb4", database="")
        self.run(HOST_TABLES.read_text())
        # The tables of attribution are the engine's to make.
        command = os.environ.get("ATTRIBUTION_TEST_COMMAND", str(COMMAND))
        environment = os.environ | {"ATTRIBUTION_DATABASE_URL": self.url()}
        subprocess.run([command, "install"], env=environment, stdout=subprocess.DEVNULL, check=True)
        rows: dict[str, list[str]] = collections.defaultdict(list)
        expected: dict[int, dict[str, object]] = {}
        numbers = random.Random(202)
        click = conversion = 0
        for user in USERS:
            rows["202_users (user_id, user_name)"].append(f"{user},'user {user}'")
            rows["202_aff_campaigns (aff_campaign_id, user_id, aff_network_id, aff_campaign_name)"].append(
                f"{user},{user},1,'campaign'"
            )
            for slug, kind, config in (
                ("decay", "time_decay", '{"half_life_hours": 48}'),
                ("linear", "linear", "{}"),
            ):
                rows["202_attribution_models (user_id, model_name, model_slug, model_type, weighting_config, "
                     "created_at, updated_at)"].append(f"{user},'{slug}','{slug}','{kind}','{config}',1,1")
            hours, revenue = set(), 0
            for _ in range(CONVERSIONS):
                conversion += 1
                at = START + numbers.randrange(HOURS * 3600)
                payout = numbers.randrange(1, 5_000_000)
                hours.add(at // 3600)
                revenue += payout
                times = sorted(at - numbers.randrange(1, 20 * 86_400) for _ in range(TOUCHES))
                for position, seen in enumerate(times):
                    click += 1
                    rows["202_clicks (click_id, user_id, aff_campaign_id, landing_page_id, click_cpc, "
                         "click_time)"].append(f"{click},{user},{user},{position},0.05000,{seen}")
                    rows["202_clicks_advance (click_id, ip_id)"].append(f"{click},{conversion}")
                    rows["202_conversion_touchpoints (conv_id, click_id, click_time, position, "
                         "created_at)"].append(f"{conversion},{click},{seen},{position},1")
                rows["202_conversion_logs (conv_id, click_id, campaign_id, click_payout, user_id, click_time, "
                     "conv_time, time_difference, user_agent)"].append(
                    f"{conversion},{click},{user},{decimal(payout)},{user},{times[-1]},{at},'','agent'"
                )
            model = [len(hours), CONVERSIONS * TOUCHES, CONVERSIONS, decimal(revenue)]
            expected[user] = {
                "conversions": CONVERSIONS,
                "touches": CONVERSIONS * TOUCHES,
                "models": {"decay": model, "linear": model},
            }
        statements = [f"INSERT INTO {into} VALUES ({'),('.join(some)});" for into, some in rows.items()]
        self.run("START TRANSACTION;\n" + "\n".join(statements) + "\nCOMMIT;")
        return expected


def decimal(units: int) -> str:
    return f"{units // 100_000}.{units % 100_000:05}"


class Fpm:
    """php-fpm in the foreground with a configuration of its own."""

    def __init__(self, folder: pathlib.Path, program: str, extension: pathlib.Path, database: Database) -> None:
        self.socket = str(folder / "fpm.sock")
        self.log = folder / "fpm.log"
        self.folder = folder
        self.marks = itertools.count()
        self.database = database
        settings = folder / "php.ini"
        settings.write_text(
            "display_errors = 0\nlog_errors = 1\nerror_reporting = -1\nmemory_limit = 256M\n"
            "max_execution_time = 60\nopcache.enable = 1\nopcache.jit_buffer_size = 32M\n"
            f"extension = {extension}\n"
        )
        user = getpass.getuser()
        configuration = folder / "fpm.conf"
        configuration.write_text(
            f"[global]\nerror_log = {self.log}\nlog_level = notice\npid = {folder / 'fpm.pid'}\n"
            f"[load]\nuser = {user}\nlisten = {self.socket}\nlisten.backlog = 511\npm = static\n"
            f"pm.max_children = {CHILDREN}\ncatch_workers_output = yes\ndecorate_workers_output = no\n"
            # A backtrace where a panic should ever be.
            "env[RUST_BACKTRACE] = 1\n"
        )
        command = [program, "--nodaemonize", "--fpm-config", str(configuration), "-c", str(settings),
                   # On the command line, since a distribution's own files may say otherwise after php.ini.
                   "-d", "opcache.jit=tracing"]
        if os.geteuid() == 0:
            command.append("--allow-to-run-as-root")
        with open(folder / "fpm.output", "wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self.output = folder / "fpm.output"

    def wait(self) -> None:
        until = time.monotonic() + 20
        while not os.path.exists(self.socket) or len(self.children()) < CHILDREN:
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"php-fpm does not start\n{self.logged()}")
            time.sleep(0.05)

    def logged(self) -> str:
        files = (self.log, self.output)
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def children(self) -> list[int]:
        pid = self.process.pid
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def request(self, kind: str, user: int, timeout: float = 90) -> tuple[int, dict[str, object]]:
        mark = self.folder / f"mark-{next(self.marks)}"
        parameters = {
            "ATTRIBUTION_MARK": str(mark),
            "GATEWAY_INTERFACE": "CGI/1.1",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REQUEST_METHOD": "GET",
            "SCRIPT_FILENAME": str(REQUEST),
            "SCRIPT_NAME": "/request.php",
            "REQUEST_URI": "/request.php",
            "QUERY_STRING": f"case={kind}&user={user}",
            "ATTRIBUTION_DATABASE": self.database.url(),
            "ATTRIBUTION_START": str(START),
            "ATTRIBUTION_END": str(START + HOURS * 3600),
        }
        if kind == "abort":
            leave(self.socket, parameters, timeout)
            # No answer can come; the worker leaves word of how the request ended.
            until = time.monotonic() + timeout
            while not mark.exists() and time.monotonic() < until:
                time.sleep(0.01)
            return 0, json.loads(mark.read_text()) if mark.exists() else {}
        status, body, errors = fetch(self.socket, parameters, timeout)
        try:
            answer = json.loads(body)
        except ValueError:
            answer = {"body": body[:500], "errors": errors[:500]}
        return status, answer


# ---------------------------------------------------------------- the load


def run_all(functions: list[collections.abc.Callable[[], object]]) -> None:
    """Runs functions at once, each on a thread of its own, to their ends."""
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Load:
    def __init__(self, fpm: Fpm, checks: Checks, expected: dict[int, dict[str, object]]) -> None:
        self.fpm = fpm
        self.checks = checks
        self.expected = expected
        self.hashes: dict[str, str] = {}
        self.counts: collections.Counter[str] = collections.Counter()
        self.lock = threading.Lock()

    def one(self, kind: str, user: int) -> int:
        """Sends one request and checks its answer; gives the worker's process id."""
        try:
            status, answer = self.fpm.request(kind, user)
        except OSError as problem:
            self.checks.check(f"{kind} is answered", False, problem)
            time.sleep(0.2)
            return 0
        with self.lock:
            self.counts[kind] += 1
        self.checks.check(f"{kind} is right", self.is_right(kind, user, status, answer), (status, answer))
        return int(answer.get("pid") or 0)

    def is_right(self, kind: str, user: int, status: int, answer: dict[str, object]) -> bool:
        if kind in ("calculate", "columns"):
            with self.lock:
                known = self.hashes.setdefault(kind, str(answer.get("sha256")))
            return status == 200 and answer.get("exact") is True and answer.get("sha256") == known
        if kind == "rebuild":
            return status == 200 and self.expected[user].items() <= answer.items()
        if kind == "snapshots":
            return status == 200 and answer.get("same") is True
        if kind == "abort":
            return answer.get("aborted") is True and answer.get("returned") is False
        if kind.startswith("timeout"):
            return status == 500 and bool(TIMEOUT.match(str(answer.get("fatal"))))
        exception, code = {
            "invalid": ("Attribution\\InvalidModelException", "invalid_model"),
            "cancel": ("Attribution\\CancelledException", "cancelled"),
            "throw": ("DomainException", None),
        }[kind]
        return status == 200 and answer.get("exception") == exception and answer.get("code") == code

    def every_kind(self) -> None:
        """As many of each kind at once as there are workers, so that each worker has seen it."""
        for kind in KINDS:
            self.together([(kind, USERS[number % len(USERS)]) for number in range(CHILDREN)])

    def together(self, requests: list[tuple[str, int]]) -> None:
        run_all([lambda kind=kind, user=user: self.one(kind, user) for kind, user in requests])

    def fire(self, seconds: float, concurrency: int) -> None:
        """Keeps so many requests under way for so long; all of the first are sent at once."""
        kinds, weights = list(KINDS), list(KINDS.values())
        together = threading.Barrier(concurrency)
        until = time.monotonic() + seconds

        def client(number: int) -> None:
            numbers = random.Random(number + 1000 * int(seconds))
            together.wait()
            while True:
                self.one(numbers.choices(kinds, weights)[0], numbers.choice(USERS))
                if time.monotonic() > until:
                    return

        run_all([lambda number=number: client(number) for number in range(concurrency)])

    def settle(self) -> None:
        """Small requests until each worker had some, so that all are measured in the same state: PHP keeps
        memory of a large request for the next ones, and gives it back by and by."""
        served: collections.Counter[int] = collections.Counter()
        lock = threading.Lock()
        until = time.monotonic() + 30

        def client() -> None:
            while time.monotonic() < until:
                pid = self.one("calculate", USERS[0])
                with lock:
                    served[pid] += 1
                    if all(served[child] >= 20 for child in self.fpm.children()):
                        return

        run_all([client] * (2 * CHILDREN))


def resident(pid: int) -> int:
    """The resident memory of a process in KiB."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return 0
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) if found else 0


def check_tables(database: Database, checks: Checks, expected: dict[int, dict[str, object]]) -> None:
    """What is stored after all those rebuilds, interrupted ones among them."""
    for user in USERS:
        found = database.run(
            "SELECT COUNT(*), COUNT(DISTINCT s.model_id, s.date_hour), SUM(s.attributed_conversions) "
            f"FROM 202_attribution_snapshots s WHERE s.user_id = {user} AND s.scope_type = 'global'"
        ).split()
        hours = 2 * expected[user]["models"]["decay"][0]  # type: ignore[index]
        checks.check(f"snapshots of user {user}", found == [str(hours)] * 2 + [str(2 * CONVERSIONS)], found)
        found = database.run(
            "SELECT COUNT(*), SUM(t.credit) FROM 202_attribution_touchpoints t "
            f"JOIN 202_attribution_snapshots s USING (snapshot_id) WHERE s.user_id = {user}"
        ).split()
        wanted = [str(2 * CONVERSIONS * TOUCHES), f"{2 * CONVERSIONS}.00000"]
        checks.check(f"credits of user {user}", found == wanted, found)
    found = database.run("SELECT COUNT(*) FROM 202_attribution_runs WHERE finished_at IS NULL").split()
    print(f"runs without an end in the table: {found[0]}")


def run(arguments: argparse.Namespace, folder: pathlib.Path, checks: Checks) -> None:
    database: Database | None = None
    fpm: Fpm | None = None
    try:
        database = Database(folder)
        database.wait()
        expected = database.fill()
        fpm = Fpm(folder, find(arguments.php_fpm), arguments.extension, database)
        fpm.wait()
        workers = sorted(fpm.children())
        load = Load(fpm, checks, expected)
        if arguments.quick:
            load.together([(kind, USERS[place % len(USERS)]) for place, kind in enumerate(KINDS)]
                          + [("rebuild", user) for user in USERS])
        else:
            # Workers grow until each has seen all kinds: that is no leak.
            load.every_kind()
            load.fire(arguments.warm_up, arguments.concurrency)
            load.settle()
        before = {pid: resident(pid) for pid in workers}
        load.counts.clear()
        started = time.monotonic()
        load.fire(arguments.seconds, arguments.concurrency)
        took = time.monotonic() - started
        counts = dict(sorted(load.counts.items()))
        if not arguments.quick:
            load.settle()
        after = {pid: resident(pid) for pid in workers}
        print(f"{sum(counts.values())} requests in {took:.1f} s: {counts}")
        for pid in workers:
            growth = after[pid] - before[pid]
            print(f"worker {pid}: {before[pid]} KiB after the warm-up, {after[pid]} KiB at the end")
            if not arguments.quick:
                checks.check(f"worker {pid} grows by at most {arguments.growth} MiB",
                             growth <= 1024 * arguments.growth, f"{growth} KiB")
        checks.check("the workers are those of the start", sorted(fpm.children()) == workers, fpm.children())
        log = fpm.logged()
        for sign in ("exited on signal", "SIGSEGV", "SIGABRT", "exited with code", "core dumped", "panicked"):
            lines = [line for line in log.splitlines() if sign in line]
            checks.check(f"no '{sign}' in the log", not lines, lines[:3])
        check_tables(database, checks, expected)
    finally:
        if fpm is not None:
            status = stop(fpm.process)
            checks.check("php-fpm ends as it should", status == 0, status)
            if checks.failed and arguments.keep_log:
                shutil.copy(fpm.log, arguments.keep_log)
        if database is not None:
            stop(database.process)


def main() -> int:
    parser = argparse.ArgumentParser(description="A load test of the extension under php-fpm.")
    parser.add_argument("--seconds", type=float, default=5, help="how long the measured load lasts (5)")
    parser.add_argument("--warm-up", type=float, default=5, help="how long the load before that lasts (5)")
    parser.add_argument("--concurrency", type=int, default=50, help="requests under way at once (50)")
    parser.add_argument("--quick", action="store_true", help="each kind once before, and no look at growth")
    parser.add_argument("--growth", type=float, default=4, help="MiB by which a worker may grow (4)")
    parser.add_argument("--extension", type=pathlib.Path,
                        default=ROOT / "target/release/libattribution_php.so", help="the extension's library")
    parser.add_argument("--php-fpm", default="php-fpm8.2", help="the program (php-fpm8.2)")
    parser.add_argument("--keep-log", help="a file for php-fpm's log where something failed")
    arguments = parser.parse_args()
    if not arguments.extension.is_file():
        parser.error(f"{arguments.extension}: no such extension; build it or give --extension")
    arguments.extension = arguments.extension.resolve()
    # So that what was started is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="fpm-") as folder:
        try:
            run(arguments, pathlib.Path(folder), checks)
        except (RuntimeError, OSError, subprocess.CalledProcessError) as problem:
            checks.check("the test runs to its end", False, f"{problem} {getattr(problem, 'stderr', '')}")
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
