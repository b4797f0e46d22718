#!/usr/bin/env python3
"""Time the Rust engine beside DuckDB and Polars on the same data, and check that all three agree.

    python3 benches/side_by_side.py [--only A|B] [--touches N] [--conversions N] [--clicks-visitors N]
                                    [--repeat R] [--work DIR] [--engine PATH] [--kernel PATH]

Comparison A, "ungrouped touches to hourly totals": columns in memory, touches in random order, one model (time_decay,
half-life 48 hours), totals for each campaign and hour. Loading is not timed, the finished result is. Each engine tries
several plans; the fastest counts.

Comparison B, "CSV files end to end": clicks.csv and conversions.csv in, journeys assembled (key visitor_campaign, lookback
30 days, newest 25 touches). The Rust engine computes six models and writes everything, timed as a whole process. DuckDB
and Polars compute time_decay alone, timed without the start of the interpreter and the imports, in a new process each time.

Every engine has 2 threads. Seconds are the best of R runs. The exit status is 1 where the engines disagree; a ratio below
its target is printed as "not met" and does not fail. Libraries are installed into a virtual environment of the script's
own; needs Python 3.11 or later, and cargo where the binaries are not built yet.
"""

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

PINNED = ["duckdb==2.0.0", "polars==2.1.0", "numpy==2.4.6"]
ROOT = Path(__file__).resolve().parent.parent
THREADS = 2
HOUR, DAY = 3600, 86400
HALF_LIFE_HOURS = 48
DECAY_PER_SECOND = math.log(2) / (HALF_LIFE_HOURS * HOUR)
LOOKBACK = 30 * DAY
MAX_TOUCHES = 25
UNIT = 0.00001  # money and stored credit are whole counts of this
DATA_START = 1_717_200_000  # 2024-06-01 00:00 UTC, a whole hour
MODELS = ["last_touch", "first_touch", "linear", "assisted", f"time_decay:half_life_hours={HALF_LIFE_HOURS}",
          "position_based:first_touch_weight=0.4,last_touch_weight=0.4"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["A", "B"])
    parser.add_argument("--touches", type=int, default=5_000_000, help="size of comparison A")
    parser.add_argument("--conversions", type=int, default=1_000_000, help="size of comparison A")
    parser.add_argument("--clicks-visitors", type=int, default=1_000_000, help="visitors in the sample of comparison B")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--work", type=Path, default=ROOT / "target" / "side-by-side", help="folder for venv and data")
    parser.add_argument("--engine", type=Path, help="the attribution binary; built if not given")
    parser.add_argument("--kernel", type=Path, help="the hourly_totals binary; built if not given")
    parser.add_argument("--target-a", type=float, default=4.0, help="wanted: fastest plan's seconds / Rust seconds")
    parser.add_argument("--target-b", type=float, default=1.0, help="wanted: DuckDB's hourly totals / Rust seconds")
    parser.add_argument("--child", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.conversions < 1 or arguments.touches < arguments.conversions or arguments.repeat < 1:
        parser.error("needs at least 1 run, 1 conversion, and a touch for each conversion")
    arguments.work = arguments.work.resolve()
    return arguments


def enter_venv(folder):
    """Go on inside the script's own virtual environment, made and filled on first use."""
    if Path(sys.prefix).resolve() == folder.resolve():
        return
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != "\n".join(PINNED):
        print("installing", *PINNED, flush=True)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PINNED], check=True)
        stamp.write_text("\n".join(PINNED))
    os.execv(python, [str(python), str(Path(__file__).resolve()), *sys.argv[1:]])


def run_process(command):
    """Run to the end; return stdout, wall-clock seconds and peak memory in MiB of that process alone.

    Linux counts a process's peak from its parent's peak on, so whatever needs much memory is left to children."""
    start = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, text=True,
                               env=os.environ | {"POLARS_MAX_THREADS": str(THREADS)})
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        sys.exit(f"failed with status {process.returncode}: {' '.join(map(str, command))}")
    return output, seconds, usage.ru_maxrss / 1024


def run_child(*words):
    """Run one engine in a process of its own: its answer, and its peak memory."""
    output, _, memory = run_process([sys.executable, Path(__file__).resolve(), "--child", *words])
    return json.loads(output.splitlines()[-1]), memory


def binary(given, package, name):
    path = given or ROOT / "target" / "release" / name
    if not path.exists():
        if given:
            sys.exit(f"{path} does not exist")
        subprocess.run(["cargo", "build", "--release", "-p", package, "--bin", name], cwd=ROOT, check=True)
    return path.resolve()


def duckdb_connection():
    import duckdb
    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}")
    connection.execute("SET preserve_insertion_order = false")
    return connection


# ---------------------------------------------------------------- comparison A

DTYPES = {"u64": "<u8", "u32": "<u4", "i64": "<i8"}


def child_columns(folder, conversions, touches):
    """Write the two tables as raw little-endian column files. Ids have gaps; rows of both tables are in random order."""
    import numpy as np
    folder, conversions, touches = Path(folder), int(conversions), int(touches)
    print("{}")
    stamp, sizes = folder / "sizes.txt", f"{conversions} conversions, {touches} touches"
    if stamp.exists() and stamp.read_text() == sizes:
        return
    folder.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    random = np.random.default_rng(7)
    conv_id = random.permutation(np.cumsum(random.integers(1, 4, conversions)))
    conv_time = DATA_START + LOOKBACK + random.integers(0, 30 * DAY, conversions)
    # One touch for each conversion, the others given out at random.
    owner = np.concatenate([np.arange(conversions), random.integers(0, conversions, touches - conversions)])
    random.shuffle(owner)
    click_time = conv_time[owner] - random.integers(0, LOOKBACK + 1, touches)
    click_id = random.permutation(touches) + 1
    order = np.lexsort((click_id, click_time, owner))
    last = order[np.cumsum(np.bincount(owner, minlength=conversions)) - 1]
    columns = {
        "conversions.conv_id.u64": conv_id,
        "conversions.click_id.u64": click_id[last],
        "conversions.conv_time.u32": conv_time,
        "conversions.payout.i64": random.integers(100_000, 20_000_000, conversions),
        "conversions.cost.i64": random.integers(0, 1_000_000, conversions),
        "touches.conv_id.u64": conv_id[owner],
        "touches.click_id.u64": click_id,
        "touches.click_time.u32": click_time,
        "touches.campaign_id.u64": random.integers(1, 201, touches),
    }
    for name, column in columns.items():
        column.astype(DTYPES[name[-3:]]).tofile(folder / name)
    stamp.write_text(sizes)


def read_columns(folder, table):
    import numpy as np
    return {path.name.split(".")[1]: np.fromfile(path, dtype=DTYPES[path.name[-3:]])
            for path in sorted(Path(folder).glob(f"{table}.*"))}


def duckdb_plans_a():
    """All weights but the last plan's are taken from one fixed time: it cancels in w / W. (Spans under 5 years fit a double.)"""
    weight = f"exp((click_time::DOUBLE - {DATA_START}) * {DECAY_PER_SECOND!r})"
    hour = "conv_time - conv_time % 3600"
    totals = "count(*) AS touches, sum(weight * per_weight) AS credit, sum(weight * payout_per_weight) AS revenue"

    def sums_and_join(weighted, factors, date_hour=hour):
        return f"""
            WITH weighted AS {weighted} (SELECT conv_id, campaign_id, {weight} AS weight FROM touches),
            sums AS (SELECT conv_id, sum(weight) AS total FROM weighted GROUP BY conv_id),
            factors AS {factors} (SELECT conv_id, {date_hour} AS date_hour, 1 / total AS per_weight,
                payout / total AS payout_per_weight FROM conversions JOIN sums USING (conv_id))"""

    by_campaign_and_hour = f"SELECT campaign_id, date_hour, {totals} FROM weighted JOIN factors USING (conv_id) GROUP BY ALL"
    one_key = f"""SELECT key % 65536 AS campaign_id, key // 65536 * 3600 AS date_hour, touches, credit, revenue FROM (
        SELECT hour_number * 65536 + campaign_id AS key, {totals} FROM weighted JOIN factors USING (conv_id) GROUP BY ALL)"""
    return {
        "sums, join": sums_and_join("NOT MATERIALIZED", "NOT MATERIALIZED") + by_campaign_and_hour,
        "sums, join, weights kept": sums_and_join("MATERIALIZED", "NOT MATERIALIZED") + by_campaign_and_hour,
        "sums, join, weights and factors kept": sums_and_join("MATERIALIZED", "MATERIALIZED") + by_campaign_and_hour,
        "same, one group key (campaign < 65536)":
            sums_and_join("MATERIALIZED", "MATERIALIZED", "conv_time::UBIGINT // 3600").replace("AS date_hour", "AS hour_number")
            + one_key,
        "window, then join": f"""
            SELECT campaign_id, {hour} AS date_hour, count(*) AS touches, sum(share) AS credit, sum(payout * share) AS revenue
            FROM (SELECT conv_id, campaign_id, weight / sum(weight) OVER (PARTITION BY conv_id) AS share
                  FROM (SELECT conv_id, campaign_id, {weight} AS weight FROM touches))
            JOIN conversions USING (conv_id) GROUP BY ALL""",
        "join, then window": f"""
            SELECT campaign_id, date_hour, count(*) AS touches, sum(share) AS credit, sum(payout * share) AS revenue
            FROM (SELECT campaign_id, date_hour, payout, weight / sum(weight) OVER (PARTITION BY conv_id) AS share
                  FROM (SELECT conv_id, campaign_id, {hour} AS date_hour, payout, {weight} AS weight
                        FROM touches JOIN conversions USING (conv_id))) GROUP BY ALL""",
        "lists, unnest": f"""
            WITH lists AS (SELECT conv_id, list(campaign_id) AS campaigns, list(weight) AS weights, sum(weight) AS total
                FROM (SELECT conv_id, campaign_id, {weight} AS weight FROM touches) GROUP BY conv_id)
            SELECT campaign_id, date_hour, {totals} FROM (
                SELECT unnest(campaigns) AS campaign_id, unnest(weights) AS weight, 1 / total AS per_weight,
                    payout / total AS payout_per_weight, {hour} AS date_hour FROM lists JOIN conversions USING (conv_id))
            GROUP BY ALL""",
        "sums, join, age from conv_time": f"""
            WITH weighted AS MATERIALIZED (SELECT conv_id, campaign_id, {hour} AS date_hour, payout,
                exp(-greatest(0, conv_time::BIGINT - click_time::BIGINT) * {DECAY_PER_SECOND!r}) AS weight
                FROM touches JOIN conversions USING (conv_id)),
            sums AS (SELECT conv_id, 1 / sum(weight) AS per_weight FROM weighted GROUP BY conv_id)
            SELECT campaign_id, date_hour, count(*) AS touches, sum(weight * per_weight) AS credit,
                sum(payout * weight * per_weight) AS revenue FROM weighted JOIN sums USING (conv_id) GROUP BY ALL""",
    }


def polars_plans_a(touches, conversions):
    import polars as pl
    col = pl.col
    touches, conversions = touches.lazy(), conversions.lazy()
    weight = ((col("click_time").cast(pl.Float64) - DATA_START) * DECAY_PER_SECOND).exp().alias("weight")
    weighted = touches.select("conv_id", "campaign_id", weight)
    shares = touches.select("conv_id", "campaign_id", (weight / weight.sum().over("conv_id")).alias("share"))
    sums = weighted.group_by("conv_id").agg(col("weight").sum().alias("total"))
    hour = (col("conv_time") - col("conv_time") % HOUR).alias("date_hour")
    key = ((col("conv_time") // HOUR).cast(pl.UInt64) * 65536).alias("key")
    split_key = [(col("key") % 65536).alias("campaign_id"), (col("key") // 65536 * HOUR).alias("date_hour"),
                 "touches", "credit", "revenue"]
    of_shares = [pl.len().alias("touches"), col("share").sum().alias("credit"),
                 (col("share") * col("payout")).sum().alias("revenue")]
    of_weights = [pl.len().alias("touches"), (col("weight") * col("per_weight")).sum().alias("credit"),
                  (col("weight") * col("payout_per_weight")).sum().alias("revenue")]
    factors = [(1 / col("total")).alias("per_weight"), (col("payout") / col("total")).alias("payout_per_weight")]
    by_both, by_key = ["campaign_id", "date_hour"], col("key") + col("campaign_id")
    joined_sums = conversions.join(sums, on="conv_id")
    plans = {
        "sums, join": weighted.join(joined_sums.select("conv_id", hour, *factors), on="conv_id")
            .group_by(by_both).agg(of_weights),
        "over, then join": shares.join(conversions.select("conv_id", hour, "payout"), on="conv_id")
            .group_by(by_both).agg(of_shares),
        "join, then over": touches.join(conversions, on="conv_id").select("conv_id", "campaign_id", hour, "payout", weight)
            .select("campaign_id", "date_hour", "payout", (col("weight") / col("weight").sum().over("conv_id")).alias("share"))
            .group_by(by_both).agg(of_shares),
        "sums, join, one group key (campaign < 65536)": weighted
            .join(joined_sums.select("conv_id", key, *factors), on="conv_id").group_by(by_key).agg(of_weights).select(split_key),
        "over, join, one group key (campaign < 65536)": shares
            .join(conversions.select("conv_id", key, "payout"), on="conv_id").group_by(by_key).agg(of_shares).select(split_key),
    }
    return {f"{name}, {engine}": (plan, engine) for name, plan in plans.items() for engine in ("in-memory", "streaming")}


def child_a(engine, folder, repeat):
    """Load the tables, time every plan, save each plan's totals for the check."""
    import numpy as np
    folder, repeat = Path(folder), int(repeat)
    tables = {table: read_columns(folder, table) for table in ("touches", "conversions")}
    if engine == "duckdb":
        connection = duckdb_connection()
        for table, columns in tables.items():
            connection.execute(f"CREATE TABLE {table} AS SELECT * FROM columns")
        runs = {name: lambda sql=sql: connection.execute(sql).fetchnumpy() for name, sql in duckdb_plans_a().items()}
    else:
        import polars as pl
        plans = polars_plans_a(*(pl.DataFrame(columns) for columns in tables.values()))
        runs = {name: lambda plan=plan, how=how: plan.collect(engine=how) for name, (plan, how) in plans.items()}
    seconds, results = {name: [] for name in runs}, {}
    for _ in range(repeat):  # plans take turns, so that a noisy minute hits them all
        for name, run in runs.items():
            start = time.perf_counter()
            totals = run()
            seconds[name].append(time.perf_counter() - start)
            results[name] = [np.asarray(totals[column]) for column in ("campaign_id", "date_hour", "touches", "credit", "revenue")]
    for number, columns in enumerate(results.values()):
        np.savez(folder / f"{engine}.{number}.npz", *columns)
    print(json.dumps({"seconds": seconds}))


def disagreement_a(ours, campaign, hour, touches, credit, revenue):
    """Why these totals differ from the Rust ones, or None.

    Apportioning moves each touch by less than one unit of 0.00001, so a row of n touches by less than n units; the
    allowance is twice that, which leaves the floats' own error (below 1e-9 a row) far behind."""
    import numpy as np
    order = np.lexsort((hour, campaign))
    theirs = np.stack([campaign, hour, touches]).astype(np.int64)[:, order]
    if not np.array_equal(ours[:, :3].T.astype(np.int64), theirs):
        return "other rows or touch counts"
    allowed = 2 * UNIT * ours[:, 2]
    for name, exact, plain in (("credit", ours[:, 3], credit[order]), ("revenue", ours[:, 4], revenue[order] * UNIT)):
        worst = np.max(np.abs(exact - plain) / allowed)
        if not worst <= 1:
            return f"{name} is {worst:.3g} times the allowed difference away"
    return None


def compare_a(arguments, report):
    import numpy as np
    folder = arguments.work / "columns"
    kernel = binary(arguments.kernel, "attribution-benches", "hourly_totals")
    run_child("columns", folder, arguments.conversions, arguments.touches)
    (folder / "totals.csv").unlink(missing_ok=True)
    answer, _, memory = run_process([kernel, folder, "--threads", THREADS, "--repeat", arguments.repeat,
                                     "--out", folder / "totals.csv"])
    ours = min(json.loads(answer.splitlines()[-1])["seconds"])
    report.title(f"A. Ungrouped touches to hourly totals: {arguments.touches:,} touches, {arguments.conversions:,} conversions")
    report.row("Rust", ours, None, memory)

    totals = np.loadtxt(folder / "totals.csv", delimiter=",", skiprows=1, ndmin=2)
    totals = totals[np.lexsort((totals[:, 1], totals[:, 0]))]
    units = np.rint(totals[:, 3:] / UNIT).astype(np.int64).sum(axis=0)
    report.check("Rust revenue adds up to the payouts exactly", units[1] == read_columns(folder, "conversions")["payout"].sum())
    report.check("Rust credit adds up to the conversions exactly", units[0] == arguments.conversions * 100_000)

    for engine, label in (("duckdb", "DuckDB"), ("polars", "Polars")):
        answer, memory = run_child("a", engine, folder, arguments.repeat)
        best = {name: min(seconds) for name, seconds in answer["seconds"].items()}
        for number, (name, seconds) in enumerate(best.items()):
            report.row(f"{label}: {name}", seconds, seconds / ours, memory)
            with np.load(folder / f"{engine}.{number}.npz") as saved:
                why = disagreement_a(totals, *saved.values())
            report.check(f"{label}, {name}, agrees with Rust", why is None, why)
        fastest = min(best, key=best.get)
        report.target(f"fastest, {label}: {fastest}", best[fastest] / ours, arguments.target_a)


# ---------------------------------------------------------------- comparison B

def duckdb_plan_b(connection, folder, visitor_type, shape):
    """Statements to run first, and a query that gives conv_id, click_id, campaign_id, conv_time, credit, revenue."""
    def csv(name, columns):
        return (f"read_csv('{folder}/{name}', header = true, auto_detect = false, delim = ',', quote = '', escape = '', "
                f"columns = {columns})")

    clicks = "SELECT click_id, click_time, visitor_id, campaign_id, filtered FROM " + csv("clicks.csv", {
        "click_id": "UBIGINT", "click_time": "UINTEGER", "visitor_id": visitor_type, "campaign_id": "UBIGINT",
        "ppc_account_id": "UBIGINT", "landing_page_id": "UBIGINT", "cost": "DOUBLE", "filtered": "UTINYINT",
        "advertiser_id": "UBIGINT", "traffic_source_id": "UBIGINT"})
    conversions = "SELECT * FROM " + csv("conversions.csv", {
        "conv_id": "UBIGINT", "click_id": "UBIGINT", "campaign_id": "UBIGINT", "conv_time": "UINTEGER", "payout": "DOUBLE",
        "cost": "DOUBLE"})
    decay = f"exp(-greatest(0, conv_time::BIGINT - click_time::BIGINT) * {DECAY_PER_SECOND!r}) AS weight"
    steps = {
        "clicks": clicks,
        "converted": f"""
            SELECT v.conv_id, v.conv_time, v.payout, v.click_id, coalesce(v.campaign_id, c.campaign_id) AS key_campaign,
                c.click_time, c.visitor_id, c.campaign_id FROM ({conversions}) v JOIN clicks c USING (click_id)""",
        "candidates": f"""
            SELECT v.conv_id, v.conv_time, v.click_id AS converting, c.click_id, c.click_time, c.campaign_id
            FROM clicks c JOIN converted v ON c.visitor_id = v.visitor_id AND c.campaign_id = v.key_campaign
                AND c.click_time <= v.conv_time AND c.click_time::BIGINT >= v.conv_time::BIGINT - {LOOKBACK}
            WHERE c.filtered = 0""",
        "newest": f"""SELECT * FROM candidates QUALIFY
            row_number() OVER (PARTITION BY conv_id ORDER BY click_time DESC, click_id DESC) <= {MAX_TOUCHES}""",
        "touches": f"""
            SELECT conv_id, click_id, campaign_id, {decay} FROM newest WHERE click_id <> converting
            UNION ALL SELECT conv_id, click_id, campaign_id, {decay} FROM converted""",
        "sums": "SELECT conv_id, sum(weight) AS total FROM touches GROUP BY conv_id",
        "credits": """
            SELECT t.conv_id, t.click_id, t.campaign_id, f.conv_time, weight / total AS credit, payout * (weight / total) AS revenue
            FROM touches t JOIN (SELECT conv_id, total, conv_time, payout FROM sums JOIN converted USING (conv_id)) f
            USING (conv_id)""",
    }
    if shape == "cutoff where needed":  # sort only the journeys that are too long
        steps["newest"] = f"""
            SELECT * FROM candidates ANTI JOIN too_long USING (conv_id) UNION ALL
            SELECT * FROM (SELECT * FROM candidates SEMI JOIN too_long USING (conv_id)) QUALIFY
            row_number() OVER (PARTITION BY conv_id ORDER BY click_time DESC, click_id DESC) <= {MAX_TOUCHES}"""
        names = ["clicks", "converted", "candidates", "too_long", "newest", "touches", "sums", "credits"]
        steps["too_long"] = f"SELECT conv_id FROM candidates GROUP BY conv_id HAVING count(*) > {MAX_TOUCHES}"
        steps = {name: steps[name] for name in names}
    if shape == "window for the sums":
        del steps["sums"]
        steps["credits"] = """
            SELECT t.conv_id, t.click_id, t.campaign_id, f.conv_time, share AS credit, payout * share AS revenue
            FROM (SELECT *, weight / sum(weight) OVER (PARTITION BY conv_id) AS share FROM touches) t
            JOIN converted f USING (conv_id)"""
    if shape == "temporary tables":
        kept = ("clicks", "converted", "touches")
        views = ("candidates", "newest", "sums")
        return [f"CREATE TEMP {'TABLE' if name in kept else 'VIEW'} {name} AS {sql}"
                for name, sql in steps.items() if name in kept + views], steps["credits"]
    kept = ("clicks", "converted", "touches") + (("candidates", "too_long") if "too_long" in steps else ())
    last = steps.pop("credits")
    return [], "WITH " + ", ".join(
        f"{name} AS {'MATERIALIZED' if name in kept else 'NOT MATERIALIZED'} ({sql})" for name, sql in steps.items()) + last


def polars_plan_b(folder, visitor_type, engine):
    """Lazy frame with conv_id, click_id, campaign_id, conv_time, credit, revenue.

    Every shared step is collected: as one lazy plan the same query takes about five times as long."""
    import polars as pl
    col = pl.col

    def kept(frame):
        return frame.collect(engine=engine).lazy()

    clicks = kept(pl.scan_csv(folder / "clicks.csv", quote_char=None, schema={
        "click_id": pl.UInt64, "click_time": pl.Int64, "visitor_id": getattr(pl, visitor_type), "campaign_id": pl.UInt64,
        "ppc_account_id": pl.UInt64, "landing_page_id": pl.UInt64, "cost": pl.Float64, "filtered": pl.UInt8,
        "advertiser_id": pl.UInt64, "traffic_source_id": pl.UInt64,
    }).select("click_id", "click_time", "visitor_id", "campaign_id", "filtered"))
    conversions = pl.scan_csv(folder / "conversions.csv", quote_char=None, schema={
        "conv_id": pl.UInt64, "click_id": pl.UInt64, "campaign_id": pl.UInt64, "conv_time": pl.Int64, "payout": pl.Float64,
        "cost": pl.Float64})
    converted = kept(conversions.rename({"campaign_id": "key_campaign"}).join(clicks.drop("filtered"), on="click_id")
                     .with_columns(pl.coalesce("key_campaign", "campaign_id")))
    candidates = kept(
        clicks.filter(col("filtered") == 0).drop("filtered")
        .join(converted.select("conv_id", "conv_time", "visitor_id", "key_campaign", col("click_id").alias("converting")),
              left_on=["visitor_id", "campaign_id"], right_on=["visitor_id", "key_campaign"])
        .filter(col("click_time") <= col("conv_time"), col("click_time") >= col("conv_time") - LOOKBACK)
        .select("conv_id", "conv_time", "click_id", "click_time", "campaign_id", "converting"))
    too_long = kept(candidates.group_by("conv_id").len().filter(col("len") > MAX_TOUCHES))
    newest = pl.concat([
        candidates.join(too_long, on="conv_id", how="anti"),
        candidates.join(too_long, on="conv_id", how="semi").sort("click_time", "click_id", descending=True)
        .group_by("conv_id", maintain_order=True).head(MAX_TOUCHES).select(candidates.collect_schema().names())])
    weight = (-(col("conv_time") - col("click_time")).clip(lower_bound=0) * DECAY_PER_SECOND).exp().alias("weight")
    columns = ["conv_id", "click_id", "campaign_id", weight]
    touches = kept(pl.concat([newest.filter(col("click_id") != col("converting")).select(columns), converted.select(columns)]))
    sums = touches.group_by("conv_id").agg(col("weight").sum().alias("total"))
    share = (col("weight") / col("total")).alias("credit")
    return (touches.join(converted.select("conv_id", "conv_time", "payout").join(sums, on="conv_id"), on="conv_id")
            .select("conv_id", "click_id", "campaign_id", "conv_time", share, (share * col("payout")).alias("revenue")))


DUCKDB_SHAPES = ["one statement", "window for the sums", "cutoff where needed", "temporary tables"]
OUTPUTS = ["hourly totals", "credits to CSV"]  # CSV: hourly totals and the credits written


def peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def child_b(engine, folder, plan, output, dump):
    """One timed run; afterwards, not timed, the credits for the check go to `dump` ("-" for none)."""
    import numpy as np
    folder, written = Path(folder), f"{folder}/{engine}-credits.csv"
    columns = ["conv_id", "click_id", "credit"]
    if engine == "duckdb":
        import duckdb
        shape, visitor_type = plan.split("/")
        totals = """SELECT campaign_id, conv_time - conv_time % 3600 AS date_hour, count(*) AS touches, sum(credit) AS credit,
            sum(revenue) AS revenue FROM ({}) GROUP BY ALL"""
        start = time.perf_counter()
        connection = duckdb_connection()
        try:
            statements, credits = duckdb_plan_b(connection, folder, visitor_type, shape)
            if output == OUTPUTS[1]:
                statements.append(f"CREATE TEMP TABLE credits AS {credits}")
                statements.append("COPY (SELECT 'time_decay' AS model, conv_id, click_id, round(credit, 5) AS credit, "
                                  f"round(revenue, 5) AS revenue FROM credits) TO '{written}' (FORMAT csv, HEADER)")
                credits = "FROM credits"
            for statement in statements:
                connection.execute(statement)
            result = connection.execute(totals.format(credits)).fetchnumpy()
        except duckdb.ConversionException:
            print(json.dumps({"skipped": f"the visitors do not read as {visitor_type}"}))
            return
        seconds, memory = time.perf_counter() - start, peak_memory()
        revenue = float(result["revenue"].sum())
        if dump != "-":
            rows = connection.execute(f"SELECT {', '.join(columns)} FROM ({credits}) ORDER BY conv_id, click_id").fetchnumpy()
    else:
        import polars as pl
        col = pl.col
        how, visitor_type = plan.split("/")
        start = time.perf_counter()
        try:
            credits = polars_plan_b(folder, visitor_type, how)
        except pl.exceptions.ComputeError:
            print(json.dumps({"skipped": f"the visitors do not read as {visitor_type}"}))
            return
        if output == OUTPUTS[1]:
            credits = credits.collect(engine=how)
            credits.select(pl.lit("time_decay").alias("model"), "conv_id", "click_id", col("credit").round(5),
                           col("revenue").round(5)).write_csv(written)
            credits = credits.lazy()
        result = (credits.group_by("campaign_id", (col("conv_time") - col("conv_time") % HOUR).alias("date_hour"))
                  .agg(pl.len().alias("touches"), col("credit").sum(), col("revenue").sum()).collect(engine=how))
        seconds, memory = time.perf_counter() - start, peak_memory()
        revenue = float(result["revenue"].sum())
        if dump != "-":
            rows = credits.select(columns).sort("conv_id", "click_id").collect()
    if dump != "-":
        np.savez(dump, *[np.asarray(rows[column]) for column in columns])
    print(json.dumps({"seconds": seconds, "memory": memory, "revenue": revenue}))


def read_our_credits(touchpoints):
    rows = duckdb_connection().execute(f"""
        SELECT conv_id, click_id, credit FROM read_csv('{touchpoints}', header = true, all_varchar = false, types = {{
            'conv_id': 'UBIGINT', 'click_id': 'UBIGINT', 'credit': 'DOUBLE'}})
        WHERE model LIKE 'time_decay%' ORDER BY conv_id, click_id""").fetchnumpy()
    return [rows[column] for column in ("conv_id", "click_id", "credit")]


def disagreement_b(ours, theirs):
    """Why the credits differ, or None. A stored credit is within one unit of w / W. A touch whose weight rounds to 0 has no
    row in ours; such a touch has a w / W below 1e-12."""
    import numpy as np
    kept = np.ones(len(theirs[0]), bool)
    if len(ours[0]) != len(theirs[0]):
        pair = [("conv_id", "<u8"), ("click_id", "<u8")]
        keys = [np.rec.fromarrays(columns[:2], dtype=pair) for columns in (ours, theirs)]
        kept = np.isin(keys[1], keys[0])
    if np.any(theirs[2][~kept] >= 1e-12):
        return f"{np.count_nonzero(theirs[2][~kept] >= 1e-12)} touches are missing in the Rust result"
    if not all(np.array_equal(mine, other[kept]) for mine, other in zip(ours[:2], theirs[:2])):
        return "other touches"
    worst = np.max(np.abs(ours[2] - theirs[2][kept]), initial=0.0)
    return None if worst <= UNIT + 1e-9 else f"a credit differs by {worst:.3g}"


def compare_b(arguments, report):
    import numpy as np
    engine = binary(arguments.engine, "attribution-cli", "attribution")
    folder = arguments.work / f"files-{arguments.clicks_visitors}"
    if not (folder / "done.txt").exists():
        folder.mkdir(parents=True, exist_ok=True)
        run_process([engine, "sample", "--visitors", arguments.clicks_visitors, "--seed", 7, "--out", folder])
        (folder / "done.txt").touch()
    clicks, conversions, out = folder / "clicks.csv", folder / "conversions.csv", folder / "out"
    counts = []
    for path in (clicks, conversions):
        with path.open("rb") as lines:
            counts.append(sum(1 for _ in lines) - 1)
    command = [engine, "run", "--clicks", clicks, "--conversions", conversions, "--journey", "visitor_campaign",
               "--scopes", "global,campaign,account,landing_page", "--threads", THREADS, "--out", out]
    for model in MODELS:
        command += ["--model", model]

    # visitor_id is any string by the format; where all are numbers, an integer column is the others' best case.
    plans = [("duckdb", f"{shape}/{visitor}") for visitor in ("VARCHAR", "UBIGINT") for shape in DUCKDB_SHAPES]
    plans += [("polars", f"{how}/{visitor}") for visitor in ("String", "UInt64") for how in ("in-memory", "streaming")]
    plans = [(name, plan, output) for output in OUTPUTS for name, plan in plans]
    runs, answers = [], {plan: [] for plan in plans}
    for turn in range(arguments.repeat):  # in turns, as in A
        shutil.rmtree(out, ignore_errors=True)
        runs.append(run_process(command)[1:])
        for number, plan in enumerate(plans):
            if turn == 0 or "skipped" not in answers[plan][0]:
                dump = folder / f"credits.{number}.npz" if turn == 0 else "-"
                answers[plan].append(run_child("b", plan[0], folder, *plan[1:], dump)[0])

    ours, memory = min(seconds for seconds, _ in runs), max(memory for _, memory in runs)
    report.title(f"B. CSV files end to end: {counts[0]:,} clicks, {counts[1]:,} conversions")
    report.row(f"Rust: {len(MODELS)} models, everything written", ours, None, memory)
    our_credits = read_our_credits(out / "touchpoints.csv")
    payouts = np.loadtxt(conversions, delimiter=",", skiprows=1, usecols=4, ndmin=1).sum()
    best = {}
    for number, (name, plan, output) in enumerate(plans):
        label = f"{'DuckDB' if name == 'duckdb' else 'Polars'}: {plan.replace('/', ', visitor ')}, {output}"
        timed = answers[name, plan, output]
        if "skipped" in timed[0]:
            report.note(f"{label}: skipped, {timed[0]['skipped']}")
            continue
        seconds = min(answer["seconds"] for answer in timed)
        best[name, output] = min(best.get((name, output), (math.inf, "")), (seconds, label))
        report.row(label, seconds, seconds / ours, max(answer["memory"] for answer in timed))
        dump = folder / f"credits.{number}.npz"
        with np.load(dump) as saved:
            why = disagreement_b(our_credits, list(saved.values()))
        dump.unlink()
        report.check(f"{label}, agrees with Rust", why is None, why)
        report.check(f"{label}, revenue adds up", abs(timed[0]["revenue"] - payouts) <= 1e-9 * abs(payouts) + UNIT)
    for (name, output), (seconds, label) in best.items():
        target = arguments.target_b if (name, output) == ("duckdb", OUTPUTS[0]) else None
        report.target(f"fastest, {label}", seconds / ours, target)


# ---------------------------------------------------------------- the report

class Report:
    def __init__(self):
        self.failures = 0
        self.checks = 0

    def title(self, text):
        print(f"\n{text}\n{'':72} {'seconds':>8} {'ratio':>7} {'peak MiB':>9}", flush=True)

    def row(self, label, seconds, ratio, memory):
        print(f"{label:72} {seconds:8.3f} {'' if ratio is None else f'{ratio:.2f}':>7} {memory:9.0f}", flush=True)

    def note(self, text):
        print(text)

    def check(self, what, holds, why=None):
        self.checks += 1
        if not holds:
            self.failures += 1
            print(f"DISAGREES: not so: {what}{f' ({why})' if why else ''}", flush=True)

    def target(self, label, ratio, target):
        verdict = "" if target is None else f" (target {target:g}: {'met' if ratio >= target else 'not met'})"
        print(f"-> {label}: {ratio:.2f} times the Rust seconds{verdict}", flush=True)


def main():
    arguments = parse_arguments()
    if arguments.child:
        {"columns": child_columns, "a": child_a, "b": child_b}[arguments.child[0]](*arguments.child[1:])
        return 0
    enter_venv(arguments.work / "venv")
    print(f"{', '.join(PINNED)}; {THREADS} threads each, {os.cpu_count()} processors, best of {arguments.repeat}")
    print("ratio: seconds / Rust seconds, above 1 where Rust is faster. Peak memory of A is over all of an engine's plans.")
    report = Report()
    if arguments.only != "B":
        compare_a(arguments, report)
    if arguments.only != "A":
        compare_b(arguments, report)
    print(f"\n{report.checks} checks, {report.failures} failed")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
