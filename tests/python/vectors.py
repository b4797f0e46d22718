#!/usr/bin/env python3
"""The worked cases of tests/vectors through the C ABI, as a caller in another language has it.

    python3 tests/python/vectors.py [--library PATH] [--command PATH] [--venv DIR]

Every case goes in row by row, as columns, ungrouped and through Arrow, and has to come out the same from all of them:
the vectors' numbers, and for vectors/small the same bytes as the command writes. pyarrow is the other side of the Arrow
interfaces; DuckDB and Polars make batches and read results, too. Needs Python 3.11 or later, and a release build of
attribution-ffi and attribution-cli; Python libraries are installed into a virtual environment of the script's own.

Prints a line for each group of checks, and how many passed and failed on the last. The exit status is 1 where any
failed.
"""

import argparse
import csv
import ctypes
import gc
import io
import json
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import venv
from decimal import Decimal
from pathlib import Path

PINNED = ["pyarrow==26.0.1", "duckdb==2.0.0", "polars==2.1.0"]
ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors"
SPECS = ["assisted", "first_touch", "last_touch", "linear",
         "position_based:first_touch_weight=0.4,last_touch_weight=0.4", "time_decay:half_life_hours=48"]
SMALL_SCOPES = ["global", "campaign", "account", "landing_page"]
DIMENSIONS = ["campaign", "account", "landing_page", "advertiser", "traffic_source", "adgroup"]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    release = ROOT / "target" / "release"
    parser.add_argument("--library", type=Path, default=release / "libattribution.so")
    parser.add_argument("--command", type=Path, default=release / "attribution")
    parser.add_argument("--venv", type=Path, default=ROOT / "target" / "python-tests" / "venv")
    arguments = parser.parse_args()
    for path in (arguments.library, arguments.command):
        if not path.exists():
            parser.error(f"{path} does not exist; cargo build --release -p attribution-ffi -p attribution-cli")
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


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    ARGUMENTS = parse_arguments()
    enter_venv(ARGUMENTS.venv)

import duckdb  # noqa: E402
import polars as pl  # noqa: E402
import pyarrow as pa  # noqa: E402

import attribution_c as c  # noqa: E402


class Tally:
    """Counts checks; says at once what failed."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, holds, what):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"  failed: {what}", flush=True)

    def equal(self, found, expected, what):
        self.check(found == expected, f"{what}: found {shown(found)}, expected {shown(expected)}")

    def group(self, title, body, *arguments):
        before, start = self.passed + self.failed, time.perf_counter()
        try:
            body(*arguments)
        except Exception:
            traceback.print_exc(file=sys.stdout)
            self.check(False, f"{title}: stopped by an exception")
        gc.collect()
        seconds = time.perf_counter() - start
        print(f"{title}: {self.passed + self.failed - before} checks in {seconds:.1f} s", flush=True)


def shown(value):
    text = repr(value)
    return text if len(text) < 400 else f"{text[:400]}..."


TALLY = Tally()
check, equal = TALLY.check, TALLY.equal


def units(text):
    """Money or stored credit as a count of 0.00001."""
    return int(Decimal(text).scaleb(5).to_integral_exact())


def bits(number):
    return struct.pack("<d", number)


# ---------------------------------------------------------------- Arrow's structs on their way


class Lent:
    """Something of pyarrow's in Arrow's C structs, which counts how often each is released, and passes that on."""

    kept = []  # Callbacks of arrays that are still out there must not be collected.

    def __init__(self):
        self.released = {}

    def hook(self, struct, what):
        kind = type(struct)
        signature = ctypes.CFUNCTYPE(None, ctypes.POINTER(kind))
        original = signature(struct.release)
        self.released[what] = 0

        def release(pointer):
            self.released[what] += 1
            original(pointer)

        callback = signature(release)
        Lent.kept.append(callback)
        struct.release = ctypes.cast(callback, ctypes.c_void_p).value
        return struct

    @classmethod
    def of_array(cls, value):
        """A record batch, or an array of any type, as the two structs."""
        lent = cls()
        lent.array, lent.schema = c.ArrowArray(), c.ArrowSchema()
        value._export_to_c(ctypes.addressof(lent.array), ctypes.addressof(lent.schema))
        lent.hook(lent.array, "array")
        lent.hook(lent.schema, "schema")
        return lent

    @classmethod
    def of_stream(cls, reader):
        lent = cls()
        lent.stream = c.ArrowArrayStream()
        reader._export_to_c(ctypes.addressof(lent.stream))
        lent.hook(lent.stream, "stream")
        return lent


def batch_of(library, value):
    """A batch from a record batch or a struct array of pyarrow's; the caller's structs are released afterwards."""
    lent = Lent.of_array(value)
    batch = library.batch_from_arrow(lent.array, lent.schema)
    assert lent.array.release is None and lent.schema.release is None, "the caller's structs were left unreleased"
    batch.lent = lent
    return batch


def batch_of_reader(library, reader):
    lent = Lent.of_stream(reader)
    batch = library.batch_from_stream(ctypes.byref(lent.stream))
    assert lent.stream.release is None, "the caller's stream was left unreleased"
    batch.lent = lent
    return batch


def batch_of_capsule(library, producer):
    """A batch from whatever has the PyCapsule interface; the library takes over what is in the capsule."""
    capsule = producer.__arrow_c_stream__()
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    pointer = ctypes.cast(get(capsule, b"arrow_array_stream"), ctypes.POINTER(c.ArrowArrayStream))
    batch = library.batch_from_stream(pointer)
    assert pointer.contents.release is None, "the capsule's stream was left unreleased"
    return batch


def arrow_of(library, function, *arguments):
    """A record batch of pyarrow's from a function that gives an array and its schema."""
    array, schema = c.ArrowArray(), c.ArrowSchema()
    library.call(function, *arguments, ctypes.byref(array), ctypes.byref(schema))
    imported = pa.RecordBatch._import_from_c(ctypes.addressof(array), ctypes.addressof(schema))
    imported.validate(full=True)
    return imported


class ResultStream:
    """Results for whoever reads the PyCapsule interface; each reading makes a stream of its own."""

    def __init__(self, library, result, kind):
        self.library, self.result, self.kind = library, result, kind

    def __arrow_c_stream__(self, requested_schema=None):
        # Left there until the process ends: a capsule without a destructor points to it.
        stream = c.ArrowArrayStream()
        Lent.kept.append(stream)
        self.library.call(f"attribution_result_{self.kind}_stream", self.result.pointer, ctypes.byref(stream))
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return new(ctypes.addressof(stream), b"arrow_array_stream", None)


def table_of(library, result, kind):
    """All that a result's stream gives, through the C stream interface."""
    stream = c.ArrowArrayStream()
    library.call(f"attribution_result_{kind}_stream", result.pointer, ctypes.byref(stream))
    table = pa.RecordBatchReader._import_from_c(ctypes.addressof(stream)).read_all()
    table.validate(full=True)
    return table


# ---------------------------------------------------------------- a batch as lists of numbers


class Flat:
    """Conversions with their touches as lists, of which columns of any type can be made."""

    def __init__(self, conversion_ids, converting_click_ids, conversion_times, payouts, costs, offsets, click_ids,
                 click_times, dimensions):
        self.conversion_ids, self.converting_click_ids = conversion_ids, converting_click_ids
        self.conversion_times, self.payouts, self.costs = conversion_times, payouts, costs
        self.offsets, self.click_ids, self.click_times = offsets, click_ids, click_times
        self.dimensions = dimensions

    @classmethod
    def of_arrow(cls, batch):
        """Of a record batch that attribution_batch_to_arrow gave."""
        lists = batch.column("touches")
        touches = lists.values
        money = {name: [units(value) for value in batch.column(name).to_pylist()] for name in ("payout", "cost")}
        ids = {name: [value or 0 for value in touches.field(f"{name}_id").to_pylist()]
               for name in DIMENSIONS if touches.type.get_field_index(f"{name}_id") >= 0}
        return cls(batch.column("conversion_id").to_pylist(), batch.column("converting_click_id").to_pylist(),
                   batch.column("conversion_time").to_pylist(), money["payout"], money["cost"],
                   lists.offsets.to_pylist(), touches.field("click_id").to_pylist(),
                   touches.field("click_time").to_pylist(), ids)

    def columns(self):
        return c.Columns.of_lists(
            conversion_ids=self.conversion_ids, converting_click_ids=self.converting_click_ids,
            conversion_times=self.conversion_times, payouts=self.payouts, costs=self.costs, offsets=self.offsets,
            click_ids=self.click_ids, click_times=self.click_times,
            **{f"{name}_ids": ids for name, ids in self.dimensions.items()})

    def rows(self):
        """Each conversion with its touches, as the structs of attribution_batch_append."""
        for row, conversion_id in enumerate(self.conversion_ids):
            touches = []
            for at in range(self.offsets[row], self.offsets[row + 1]):
                ids = {f"{name}_id": ids[at] for name, ids in self.dimensions.items()}
                touches.append(c.Touch(click_id=self.click_ids[at], click_time=self.click_times[at], **ids))
            click = next(touch for touch in touches if touch.click_id == self.converting_click_ids[row])
            yield c.Conversion(conversion_id, self.conversion_times[row], self.payouts[row], self.costs[row],
                               click), touches

    def ungrouped(self, shuffle):
        """The structs of attribution_calculate_ungrouped, the touches in another order."""
        owners = [conversion_id for row, conversion_id in enumerate(self.conversion_ids)
                  for _ in range(self.offsets[row], self.offsets[row + 1])]
        order = list(range(len(owners)))
        shuffle(order)
        pick = lambda values: [values[at] for at in order]  # noqa: E731
        conversions = c.ConversionColumns.of_lists(
            conversion_ids=self.conversion_ids, converting_click_ids=self.converting_click_ids,
            conversion_times=self.conversion_times, payouts=self.payouts, costs=self.costs)
        touches = c.TouchColumns.of_lists(
            conversion_ids=pick(owners), click_ids=pick(self.click_ids), click_times=pick(self.click_times),
            **{f"{name}_ids": pick(ids) for name, ids in self.dimensions.items()})
        return conversions, touches

    def touch_structs(self, ids=pa.uint64(), times=pa.uint32(), none=None, junk=None):
        """The touches as a struct array; `junk` is put before and after each column's values, and sliced off."""
        fields = {"click_id": numbers(self.click_ids, ids, junk), "click_time": numbers(self.click_times, times, junk)}
        for name, values in self.dimensions.items():
            values = [value if value else none for value in values]
            fields[f"{name}_id"] = numbers(values, ids, junk)
        return pa.StructArray.from_arrays(list(fields.values()), names=list(fields))

    def arrow(self, ids=pa.uint64(), times=pa.uint32(), money=pa.decimal128(19, 5), lists=pa.large_list, none=None,
              junk=None):
        """The whole batch as a record batch."""
        touches = self.touch_structs(ids, times, none, junk)
        if junk:
            # Some items before the first list and after the last, which are in none.
            touches = pa.concat_arrays([touches.slice(0, 2), touches, touches.slice(0, 3)])
        start = 2 if junk else 0
        offset_type = pa.int64() if lists is pa.large_list else pa.int32()
        offsets = pa.array([offset + start for offset in self.offsets], offset_type)
        made = (pa.LargeListArray if lists is pa.large_list else pa.ListArray).from_arrays(offsets, touches)
        return pa.RecordBatch.from_arrays(
            [numbers(self.conversion_ids, ids, junk), numbers(self.converting_click_ids, ids, junk),
             numbers(self.conversion_times, times, junk), decimals(self.payouts, money, junk),
             decimals(self.costs, money, junk), made],
            names=["conversion_id", "converting_click_id", "conversion_time", "payout", "cost", "touches"])


UNITS_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
JUNK_LENGTHS = iter(range(1, 10**9))


def with_junk(values, kind, junk, bad):
    """A column that is a slice of a longer one, by another offset each time."""
    if not junk:
        return pa.array(values, kind)
    before = next(JUNK_LENGTHS) % 13 + 1
    return pa.array([bad, None] * before + values + [None, bad], kind).slice(2 * before, len(values))


def numbers(values, kind, junk=None):
    if pa.types.is_timestamp(kind):
        values = [value * UNITS_A_SECOND[kind.unit] for value in values]
    # What is sliced off would be refused.
    bad = -1 if kind in (pa.int64(), pa.int32()) or pa.types.is_timestamp(kind) else 0
    return with_junk(values, kind, junk, bad)


def decimals(values, kind, junk=None):
    return with_junk([Decimal(value).scaleb(-5) for value in values], kind, junk, Decimal(-1))


# ---------------------------------------------------------------- the command's formats


def money_text(count):
    return f"{'-' if count < 0 else ''}{abs(count) // 100_000}.{abs(count) % 100_000:05}"


def csv_text(header, rows):
    return (header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)).encode()


SNAPSHOT_HEADER = "model,scope_type,scope_id,date_hour,attributed_clicks,attributed_conversions,attributed_revenue," \
                  "attributed_cost"
TOUCHPOINT_HEADER = "model,conv_id,click_id,position,credit,revenue,cost"


def files_of_columns(library, result, conversion_ids):
    """snapshots.csv and touchpoints.csv from a result's own columns."""
    snapshots, touchpoints = [], []
    for model, name in enumerate(library.result_models(result)):
        for scope, scope_id, hour, clicks, conversions, _, revenue, cost in library.snapshots(result, model):
            snapshots.append((name, c.SCOPE_NAMES[scope], scope_id if scope else "", hour, clicks, conversions,
                              money_text(revenue), money_text(cost)))
        for row, click, position, _, stored, revenue, cost in library.touchpoints(result, model):
            touchpoints.append((name, conversion_ids[row], click, position, money_text(stored), money_text(revenue),
                                money_text(cost)))
    return csv_text(SNAPSHOT_HEADER, snapshots), csv_text(TOUCHPOINT_HEADER, touchpoints)


def files_of_tables(snapshots, touchpoints):
    """The same two files from Arrow tables."""
    def rows(table, names):
        columns = []
        for name in names:
            values = table.column(name).to_pylist()
            if pa.types.is_decimal(table.schema.field(name).type):
                values = [format(value, "f") for value in values]
            columns.append(["" if value is None else value for value in values])
        return zip(*columns)
    return (csv_text(SNAPSHOT_HEADER, rows(snapshots, SNAPSHOT_HEADER.split(","))),
            csv_text(TOUCHPOINT_HEADER, rows(touchpoints, ["model", "conversion_id", "click_id", "position",
                                                           "stored_credit", "revenue", "cost"])))


def files_of_streams(library, result):
    return files_of_tables(*(table_of(library, result, kind) for kind in ("snapshots", "touchpoints")))


# ---------------------------------------------------------------- group: layouts


def layouts(library):
    """The structs of attribution_c.py against the header's own checks and against what the library accepts."""
    equal(library.c.attribution_abi_version(), c.ABI_VERSION, "the ABI's version")
    header = (ROOT / "include" / "attribution.h").read_text()
    structs = {"attribution_touch": c.Touch, "attribution_conversion": c.Conversion}
    structs |= {"attribution_" + re.sub("(?<!^)([A-Z])", r"_\1", kind.__name__).lower(): kind
                for kind in c.Growing.__subclasses__()}
    structs["attribution_u64_slice"] = c.U64Slice
    for name, kind in structs.items():
        sizes = re.findall(rf"sizeof\({name}\) == (\d+)", header)
        equal(sizes, [str(ctypes.sizeof(kind))], f"the size of {name} in the header")
        for field, offset in re.findall(rf"offsetof\({name}, (\w+)\) == (\d+)", header):
            equal(getattr(kind, field).offset, int(offset), f"where {name}.{field} is in the header")
        body = re.search(rf"typedef struct {name} \{{(.*?)\n\}} {name};", header, re.DOTALL).group(1)
        body = re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL)
        fields = re.findall(r"(\w+)(?:\[\d+\])?;", body)
        equal([field for field, _ in kind._fields_], fields, f"the fields of {name}")

    # The library says the least size that it takes; one less is refused by it.
    model = library.model_from_spec("linear")
    models = (ctypes.c_void_p * 1)(model.pointer.value)
    batch = library.make("batch", "attribution_batch_new")
    library.append(batch, c.Conversion(1, 10, 100, 0, c.Touch(1, 10)), [])
    result = library.calculate([model], batch)
    clicks, conversions = c.Clicks(), c.Conversions()
    journeys = library.make("journeys", "attribution_journeys_assemble", ctypes.byref(clicks),
                            ctypes.byref(conversions), None)
    out = c.Handle(library, "result")
    by = ctypes.byref
    calls = {
        c.Columns: lambda s: ("attribution_calculate_columns", models, 1, by(s), None, out.out()),
        c.EngineOptions: lambda s: ("attribution_calculate", models, 1, batch.pointer, by(s), out.out()),
        c.ConversionColumns: lambda s: ("attribution_calculate_ungrouped", models, 1, by(s), by(c.TouchColumns()), None,
                                        out.out()),
        c.TouchColumns: lambda s: ("attribution_calculate_ungrouped", models, 1, by(c.ConversionColumns()), by(s), None,
                                   out.out()),
        c.Clicks: lambda s: ("attribution_journeys_assemble", by(s), by(conversions), None, out.out()),
        c.Conversions: lambda s: ("attribution_journeys_assemble", by(clicks), by(s), None, out.out()),
        c.JourneyOptions: lambda s: ("attribution_journeys_assemble", by(clicks), by(conversions), by(s), out.out()),
        c.JourneyColumns: lambda s: ("attribution_journeys_columns", journeys.pointer, by(s)),
        c.ModelFields: lambda s: ("attribution_model_from_fields", by(s), out.out()),
        c.Snapshots: lambda s: ("attribution_result_snapshots", result.pointer, 0, by(s)),
        c.Touchpoints: lambda s: ("attribution_result_touchpoints", result.pointer, 0, by(s)),
    }
    equal(set(calls), set(c.Growing.__subclasses__()), "the structs that are tried")
    for kind, arguments in calls.items():
        for size in (0, ctypes.sizeof(kind) - 1):
            wrong = kind()
            wrong.size = size
            try:
                library.call(*arguments(wrong))
                check(False, f"{kind.__doc__} of size {size} was taken")
            except c.AttributionError as error:
                least = re.search(r"at least (\d+)", error.message)
                equal((error.status, error.place), ("invalid_argument", f"{kind.__doc__}.size"), "a wrong size")
                equal(int(least.group(1)), ctypes.sizeof(kind), f"the size of {kind.__doc__} that the library takes")
    for kind in (c.JourneyColumns, c.Snapshots, c.Touchpoints):
        library.call(*calls[kind](kind()))
        # A later header's struct is longer; what this library does not know of it is 0 afterwards.
        longer = type("Longer", (ctypes.Structure,), {"_fields_": [("known", kind), ("later", ctypes.c_uint64)]})()
        longer.known.size, longer.later = ctypes.sizeof(longer), 7
        name, *arguments = calls[kind](longer.known)
        library.call(name, *arguments)
        equal((longer.known.size, longer.later), (ctypes.sizeof(longer), 0), f"a longer {kind.__doc__}")
    for handle in (journeys, result, batch, model):
        handle.free()
        handle.free()


# ---------------------------------------------------------------- group: credits.json


def flat_of_case(case):
    """A case's journey by the ordering rule: by (time, id), a click twice is once, the converting click is there."""
    conversion = case["conversion"]
    times = {}
    for touch in case["journey"]:
        click_id = touch["click_id"]
        times[click_id] = min(times.get(click_id, touch["click_time"]), touch["click_time"])
    times.setdefault(conversion["click_id"], conversion["click_time"])
    ordered = sorted((click_time, click_id) for click_id, click_time in times.items())
    return Flat([conversion["conv_id"]], [conversion["click_id"]], [conversion["conv_time"]],
                [units(conversion["payout"])], [units(conversion["cost"])], [0, len(ordered)],
                [click_id for _, click_id in ordered], [click_time for click_time, _ in ordered], {})


def touchpoints_of_arrow(batch):
    names = ["click_id", "position", "credit", "stored_credit", "revenue", "cost"]
    columns = [batch.column(name).to_pylist() for name in names]
    columns[3:] = [[units(value) for value in column] for column in columns[3:]]
    return list(zip(*columns))


def credit_case(library, case):
    name, conversion, ordered = case["name"], case["conversion"], case["ordered"]
    flat = flat_of_case(case)
    expected = [(row["click_id"], row["position"], row["credit"], units(row["stored_credit"]), units(row["revenue"]),
                 units(row["cost"])) for row in case["credits"]]
    with library.model_from_json(json.dumps(case["model"])) as model:
        config = case["model"]["weighting_config"]
        fields = {key: int(value) if key == "half_life_hours" else float(value) for key, value in config.items()}
        with library.model_from_fields(kind=c.KIND[case["model"]["type"]], **fields) as other:
            equal(library.c.attribution_model_json(other.pointer), library.c.attribution_model_json(model.pointer),
                  f"{name}: the model from fields")
        ways, journeys, all_credits = {}, {}, {}

        def take(way, result, also=()):
            ways[way] = [row[1:] for row in library.touchpoints(result, 0)]
            for other, stream in also:
                ways[other] = touchpoints_of_arrow(stream())

        options = {"scopes": c.SCOPES["global"], "threads": 1, "touchpoints": 1}

        batch = library.make("batch", "attribution_batch_new")
        click = c.Touch(conversion["click_id"], conversion["click_time"])
        touches = [c.Touch(touch["click_id"], touch["click_time"]) for touch in case["journey"]]
        library.append(batch, c.Conversion(conversion["conv_id"], conversion["conv_time"], units(conversion["payout"]),
                                           units(conversion["cost"]), click), touches)
        with batch, library.calculate([model], batch, **options) as result:
            take("rows", result)
            all_credits["rows"] = library.credits(model, batch)
            arrow = arrow_of(library, "attribution_batch_to_arrow", batch.pointer)
            journeys["rows"] = arrow.column("touches").to_pylist()[0]

        columns = flat.columns()
        with library.calculate_columns([model], columns, **options) as result:
            take("columns", result)
            all_credits["columns"] = library.credits_columns(model, columns)

        conversions = c.ConversionColumns.of_lists(
            conversion_ids=flat.conversion_ids, converting_click_ids=flat.converting_click_ids,
            conversion_times=flat.conversion_times, payouts=flat.payouts, costs=flat.costs,
            converting_click_times=[conversion["click_time"]])
        touches = c.TouchColumns.of_lists(
            conversion_ids=[conversion["conv_id"]] * len(case["journey"]),
            click_ids=[touch["click_id"] for touch in case["journey"]],
            click_times=[touch["click_time"] for touch in case["journey"]])
        with library.calculate_ungrouped([model], conversions, touches, **options) as result:
            take("ungrouped", result)

        batch = batch_of(library, flat.arrow(lists=pa.list_))
        result = library.calculate([model], batch, **options)
        all_credits["arrow"] = library.credits(model, batch)
        arrow = arrow_of(library, "attribution_batch_to_arrow", batch.pointer)
        journeys["arrow"] = arrow.column("touches").to_pylist()[0]
        batch.free()
        equal(batch.lent.released, {"array": 1, "schema": 1}, f"{name}: releases of what was lent")
        take("arrow batch, result columns", result, [
            ("arrow", lambda: arrow_of(library, "attribution_result_touchpoints_arrow", result.pointer, 0)),
            ("arrow stream", lambda: table_of(library, result, "touchpoints"))])
        result.free()

    for way, journey in journeys.items():
        equal([touch["click_id"] for touch in journey], ordered, f"{name}: the ordered journey by {way}")
        equal([touch["click_time"] for touch in journey], flat.click_times, f"{name}: its times by {way}")
    for way, found in ways.items():
        exact = [row[:2] + row[3:] for row in found]
        equal(exact, [row[:2] + row[3:] for row in expected], f"{name}: touchpoints by {way}")
        near = all(abs(row[2] - want[2]) <= 1e-12 for row, want in zip(found, expected))
        check(near and len(found) == len(expected), f"{name}: credits by {way} are not within 1e-12")
        equal([bits(row[2]) for row in found], [bits(row[2]) for row in ways["rows"]],
              f"{name}: the bits of the credits by {way}")
    full = [0.0] * len(ordered)
    for row in ways["rows"]:
        full[row[1]] = row[2]
    for way, credits in all_credits.items():
        equal([bits(credit) for credit in credits], [bits(credit) for credit in full], f"{name}: all credits by {way}")


def every_credit_case(library):
    for case in json.loads((VECTORS / "credits.json").read_text()):
        credit_case(library, case)


# ---------------------------------------------------------------- group: journeys.json


def journey_case(library, case):
    conversion, rows = case["conversion"], case["clicks"]
    options = c.JourneyOptions(key=c.JOURNEY_KEY[case["options"]["journey"]],
                               lookback_seconds=case["options"]["lookback_seconds"],
                               max_touches=case["options"]["max_touches"])
    known = {}
    visitors = [known.setdefault(row["visitor_id"], len(known) + 1) if row["visitor_id"] else 0 for row in rows]
    common = {"click_ids": [row["click_id"] for row in rows], "click_times": [row["click_time"] for row in rows],
              "filtered": [row["filtered"] for row in rows], "campaign_ids": [row["campaign_id"] for row in rows]}
    own_campaign, own_time = conversion.get("campaign_id"), conversion.get("click_time")
    conversions = c.Conversions.of_lists(
        conversion_ids=[conversion["conv_id"]], click_ids=[conversion["click_id"]],
        conversion_times=[conversion["conv_time"]], payouts=[0], campaign_ids=[own_campaign or 0],
        campaign_ids_present=[int(own_campaign is not None)], click_times=[own_time or 0],
        click_times_present=[int(own_time is not None)])
    # The visitor as a number of 64 bits, and of 128 of which the upper half alone tells them apart.
    for half, numbers_of in {"low": {"visitors": visitors},
                             "high": {"visitors": [0] * len(rows), "visitors_high": visitors}}.items():
        clicks = c.Clicks.of_lists(**common, **numbers_of)
        name = f"{case['name']} ({half})"
        with library.make("journeys", "attribution_journeys_assemble", ctypes.byref(clicks), ctypes.byref(conversions),
                          ctypes.byref(options)) as journeys:
            columns = c.JourneyColumns()
            library.call("attribution_journeys_columns", journeys.pointer, ctypes.byref(columns))
            found = [conversion["click_id"] if row == c.MISSING_CLICK else rows[row]["click_id"]
                     for row in columns.rows[:columns.touches]]
            equal(found, case["journey"], f"{name}: the journey")
            equal((columns.conversions, columns.offsets[:2]), (1, [0, len(found)]), f"{name}: the offsets")
            batch = library.make("batch", "attribution_journeys_batch", journeys.pointer, c.SCOPES["campaign"])
        with batch:
            flat = Flat.of_arrow(arrow_of(library, "attribution_batch_to_arrow", batch.pointer))
            equal(flat.click_ids, case["journey"], f"{name}: the batch's journey")
            of_click = {row["click_id"]: row for row in rows}
            known_clicks = [at for at, click_id in enumerate(flat.click_ids) if click_id in of_click]
            equal([(flat.click_times[at], flat.dimensions["campaign"][at]) for at in known_clicks],
                  [(of_click[flat.click_ids[at]]["click_time"], of_click[flat.click_ids[at]]["campaign_id"])
                   for at in known_clicks], f"{name}: the batch's times and campaigns")


def every_journey_case(library):
    for case in json.loads((VECTORS / "journeys.json").read_text()):
        journey_case(library, case)


# ---------------------------------------------------------------- group: small


class Small:
    """vectors/small: the files as the command has them, and a batch of the journeys as lists."""

    def __init__(self, library):
        self.library = library
        self.expected = tuple((VECTORS / "small" / "expected" / f"{name}.csv").read_bytes()
                              for name in ("snapshots", "touchpoints"))
        self.models = [library.model_from_spec(spec) for spec in SPECS]
        with self.journeys() as journeys:
            scopes = sum(c.SCOPES[scope] for scope in SMALL_SCOPES)
            self.batch = library.make("batch", "attribution_journeys_batch", journeys.pointer, scopes)
        self.flat = Flat.of_arrow(arrow_of(library, "attribution_batch_to_arrow", self.batch.pointer))

    def journeys(self):
        def rows(name):
            with (VECTORS / "small" / name).open(newline="") as file:
                return list(csv.DictReader(file))
        clicks, conversions = rows("clicks.csv"), rows("conversions.csv")
        # The command's results are ordered by the conversions' ids.
        conversions.sort(key=lambda row: int(row["conv_id"]))
        # The order of clicks means nothing.
        random.Random(7).shuffle(clicks)
        visitors = {"": 0}
        for row in clicks:
            visitors.setdefault(row["visitor_id"], len(visitors))
        whole = lambda table, name: [int(row[name] or 0) for row in table]  # noqa: E731
        click_columns = c.Clicks.of_lists(
            click_ids=whole(clicks, "click_id"), click_times=whole(clicks, "click_time"),
            visitors=[visitors[row["visitor_id"]] for row in clicks], costs=[units(row["cost"]) for row in clicks],
            filtered=whole(clicks, "filtered"), campaign_ids=whole(clicks, "campaign_id"),
            account_ids=whole(clicks, "ppc_account_id"), landing_page_ids=whole(clicks, "landing_page_id"))
        conversion_columns = c.Conversions.of_lists(
            conversion_ids=whole(conversions, "conv_id"), click_ids=whole(conversions, "click_id"),
            conversion_times=whole(conversions, "conv_time"), payouts=[units(row["payout"]) for row in conversions],
            campaign_ids=whole(conversions, "campaign_id"),
            campaign_ids_present=[int(row["campaign_id"] != "") for row in conversions])
        return self.library.make("journeys", "attribution_journeys_assemble", ctypes.byref(click_columns),
                                 ctypes.byref(conversion_columns), ctypes.byref(self.options()))

    @staticmethod
    def options():
        return c.JourneyOptions(key=c.JOURNEY_KEY["visitor_campaign"], lookback_seconds=30 * 86400, max_touches=25)

    def engine(self, threads=1):
        return {"scopes": sum(c.SCOPES[scope] for scope in SMALL_SCOPES), "threads": threads, "touchpoints": 1}

    def calculate(self, batch, threads=1):
        return self.library.calculate(self.models, batch, **self.engine(threads))

    def holds(self, batch, what):
        """What a batch gives is what the command writes, by columns and by Arrow; the batch is freed."""
        with batch, self.calculate(batch) as result:
            files = files_of_columns(self.library, result, self.flat.conversion_ids)
            equal(files, self.expected, f"{what}: the result's columns")
            equal(files_of_streams(self.library, result), self.expected, f"{what}: the result's streams")

    def close(self):
        for handle in (self.batch, *self.models):
            handle.free()


def run_command(folder, export):
    small = VECTORS / "small"
    command = [ARGUMENTS.command.resolve(), "run", "--clicks", small / "clicks.csv", "--conversions",
               small / "conversions.csv", "--journey", "visitor_campaign", "--scopes", ",".join(SMALL_SCOPES),
               "--export", export, "--out", folder]
    # In another order than they are written in.
    for spec in reversed(SPECS):
        command += ["--model", spec]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def small_by_columns(small, exports):
    library, flat = small.library, small.flat
    for export, files in exports.items():
        equal(tuple(files[name] for name in ("snapshots.csv", "touchpoints.csv")), small.expected,
              f"the command's files beside its {export}")
    for threads in (1, 2, 0):
        with small.calculate(small.batch, threads) as result:
            equal(files_of_columns(library, result, flat.conversion_ids), small.expected,
                  f"journeys on {threads} threads")
    columns = flat.columns()
    small.holds(library.batch_from_columns(columns), "a batch from columns")
    with library.calculate_columns(small.models, columns, **small.engine()) as result:
        equal(files_of_columns(library, result, flat.conversion_ids), small.expected, "columns that are lent")
    conversions, touches = flat.ungrouped(random.Random(8).shuffle)
    with library.calculate_ungrouped(small.models, conversions, touches, **small.engine()) as result:
        equal(files_of_columns(library, result, flat.conversion_ids), small.expected, "ungrouped touches")
    rows = library.make("batch", "attribution_batch_new")
    for conversion, own in flat.rows():
        random.Random(9).shuffle(own)
        library.append(rows, conversion, own)
    small.holds(rows, "rows")


def small_exports(small, exports, folder):
    library = small.library
    with small.calculate(small.batch) as result:
        for export, files in exports.items():
            path, rows = folder / f"own.{export}", ctypes.c_uint64(99)
            library.call("attribution_result_export_file", result.pointer, c.FORMAT[export], str(path).encode(),
                         ctypes.byref(rows))
            theirs = files[f"export.{export}"]
            equal(path.read_bytes(), theirs, f"the {export} file")
            equal(rows.value, small.expected[0].count(b"\n") - 1, f"the number of rows of the {export} file")
            written = io.BytesIO()

            def write(data, length, _):
                written.write(ctypes.string_at(data, length))
                return 0

            library.call("attribution_result_export", result.pointer, c.FORMAT[export], c.Write(write), None,
                         ctypes.byref(rows))
            equal(written.getvalue(), theirs, f"the {export} through a function")


def sliced_chunks(batch, lengths):
    """A record batch as several, by these lengths and the rest."""
    chunks, start = [], 0
    for length in lengths:
        chunks.append(batch.slice(start, length))
        start += length
    return [*chunks, batch.slice(start)]


def small_by_arrow(small):
    library, flat = small.library, small.flat
    own = arrow_of(library, "attribution_batch_to_arrow", small.batch.pointer)
    small.holds(batch_of(library, own), "the library's own batch")
    small.holds(batch_of(library, own.to_struct_array()), "the library's own batch as a struct array")
    utc, s, ms, us, ns = "UTC", *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns"))
    kinds = {
        "uint64 ids": {}, "int64 ids": {"ids": pa.int64()}, "uint32 ids": {"ids": pa.uint32()},
        "int32 ids": {"ids": pa.int32()}, "int64 times": {"times": pa.int64()}, "uint64 times": {"times": pa.uint64()},
        "int32 times": {"times": pa.int32()}, "seconds": {"times": s}, "milliseconds": {"times": ms},
        "microseconds in UTC": {"times": pa.timestamp("us", utc)}, "microseconds": {"times": us},
        "nanoseconds": {"times": ns}, "wide decimals": {"money": pa.decimal128(38, 5)},
        "narrow decimals": {"money": pa.decimal128(12, 5)}, "zeros for nulls": {"none": 0},
    }
    for name, kind in kinds.items():
        for lists in (pa.list_, pa.large_list):
            for junk in (None, True):
                what = f"{name}, {lists.__name__}{', columns sliced' if junk else ''}"
                batch = flat.arrow(lists=lists, junk=junk, **kind)
                small.holds(batch_of(library, batch), what)

    for lists in (pa.list_, pa.large_list):
        for junk in (None, True):
            batch = flat.arrow(lists=lists, junk=junk)
            length = batch.num_rows
            what = f"{lists.__name__}{', columns sliced' if junk else ''}"
            # Sliced at the root: rows around it which would be refused for nulls and for journeys there twice.
            rows = batch.to_struct_array()
            around = pa.concat_arrays([rows.slice(0, 5), pa.array([None] * 3, rows.type), rows,
                                       pa.array([None] * 2, rows.type)])
            small.holds(batch_of(library, around.slice(8, length)), f"{what}: a sliced struct array")
            small.holds(batch_of(library, pa.RecordBatch.from_struct_array(around.slice(8, length))),
                        f"{what}: a record batch of a sliced struct array")
            # Columns in another order among others that mean nothing, of types that are not known.
            names = list(reversed(batch.schema.names))
            mixed = batch.select(names).append_column("note", pa.array(["x"] * length, pa.string_view()))
            mixed = mixed.append_column("code", pa.array(["y"] * length).dictionary_encode())
            small.holds(batch_of(library, mixed), f"{what}: other columns, another order")

            for chunks in ([], [length], [0, 1, 0, 40, 7], [1] * (length - 1)):
                reader = pa.RecordBatchReader.from_batches(batch.schema, sliced_chunks(batch, chunks))
                small.holds(batch_of_reader(library, reader), f"{what}: a stream cut at {chunks[:5]}")
            around = pa.RecordBatch.from_struct_array(around.slice(8, length))
            reader = pa.RecordBatchReader.from_batches(around.schema, sliced_chunks(around, [3, 60]))
            small.holds(batch_of_reader(library, reader), f"{what}: a stream of slices of slices")
            small.holds(batch_of_capsule(library, pa.Table.from_batches(sliced_chunks(batch, [50]))),
                        f"{what}: a table's capsule")

    # The empty ones: no row, no chunk.
    empty = flat.arrow().slice(0, 0)
    empties = {"no rows": batch_of(library, empty)}
    for what, chunks in {"no chunks": [], "an empty chunk": [empty], "two empty chunks": [empty, empty]}.items():
        empties[what] = batch_of_reader(library, pa.RecordBatchReader.from_batches(empty.schema, chunks))
    for what, batch in empties.items():
        with batch:
            equal((library.c.attribution_batch_conversions(batch.pointer),
                   library.c.attribution_batch_touches(batch.pointer)), (0, 0), what)
            try:
                with small.calculate(batch) as result:
                    equal(files_of_streams(library, result), (csv_text(SNAPSHOT_HEADER, []),
                                                              csv_text(TOUCHPOINT_HEADER, [])), f"{what}: its results")
            except c.AttributionError as error:
                check(False, f"{what}: {error.message!r}")
            back = arrow_of(library, "attribution_batch_to_arrow", batch.pointer)
            equal(back.num_rows, 0, f"{what}: back in Arrow")

    # Money with fewer decimals, a refund, and the ends of what 64 bits hold.
    money = Flat([1, 2, 3], [1, 2, 3], [50, 60, 70], [-12_300_000, 0, 4_500_000], [100_000, 0, 7_000_000], [0, 1, 2, 3],
                 [1, 2, 3], [50, 60, 70], {})
    for kind in (pa.decimal128(5, 0), pa.decimal128(9, 2), pa.decimal128(38, 4)):
        with batch_of(library, money.arrow(money=kind)) as batch:
            back = Flat.of_arrow(arrow_of(library, "attribution_batch_to_arrow", batch.pointer))
            equal((back.payouts, back.costs), (money.payouts, money.costs), f"money as {kind}")
    most = 2**64 - 1
    ends = Flat([most, 0], [most, 0], [2**32 - 1, 0], [2**63 - 1, -2**63], [2**63 - 1, 0], [0, 1, 2], [most, 0],
                [2**32 - 1, 0], {"campaign": [most, 0]})
    with batch_of(library, ends.arrow(money=pa.decimal128(38, 5))) as batch:
        back = Flat.of_arrow(arrow_of(library, "attribution_batch_to_arrow", batch.pointer))
        equal(vars(back), vars(ends), "the ends of 64 bits")

    with small.calculate(small.batch) as result:
        for model, name in enumerate(library.result_models(result)):
            points = arrow_of(library, "attribution_result_touchpoints_arrow", result.pointer, model)
            columns = c.Touchpoints()
            library.call("attribution_result_touchpoints", result.pointer, model, ctypes.byref(columns))
            lent = (columns.click_ids, columns.positions, columns.credits)
            equal([points.column(column).buffers()[1].address for column in ("click_id", "position", "credit")],
                  [ctypes.addressof(column.contents) for column in lent],
                  f"{name}: the addresses of what is not copied")
            equal(set(points.column("model").to_pylist()), {name}, f"{name}: its name in Arrow")
            snapshots = arrow_of(library, "attribution_result_snapshots_arrow", result.pointer, model)
            equal([units(value) for value in snapshots.column("credited_conversions").to_pylist()],
                  [row[5] for row in library.snapshots(result, model)], f"{name}: credited conversions in Arrow")


# ---------------------------------------------------------------- group: DuckDB and Polars


def flat_tables(flat):
    """Conversions and touches as two tables, the touches shuffled, each with its conversion."""
    owners = [row for row in range(len(flat.conversion_ids)) for _ in range(flat.offsets[row], flat.offsets[row + 1])]
    order = list(range(len(owners)))
    random.Random(10).shuffle(order)
    touches = {"conversion_id": [flat.conversion_ids[owners[at]] for at in order]}
    touches |= {"click_id": [flat.click_ids[at] for at in order], "click_time": [flat.click_times[at] for at in order]}
    for name, ids in flat.dimensions.items():
        touches[f"{name}_id"] = [ids[at] or None for at in order]
    kinds = {name: pa.uint32() if name == "click_time" else pa.uint64() for name in touches}
    conversions = flat.arrow().drop_columns(["touches"])
    return pa.Table.from_batches([conversions]), pa.table({name: pa.array(values, kinds[name])
                                                           for name, values in touches.items()})


def grouped_by_duckdb(connection, flat, ids, times):
    """A query that groups touches by conversion, with ids and times as these types of SQL."""
    conversions, touches = flat_tables(flat)
    connection.register("conversions", conversions)
    connection.register("touches", touches)
    time_of = (lambda column: f"make_timestamp({column}::bigint * 1000000)") if times == "timestamp" else \
        (lambda column: f"{column}::{times}")
    fields = ", ".join(f"{name}: {name}::{ids}" for name in touches.column_names if name.endswith("_id")
                       and name != "conversion_id")
    return connection.sql(f"""
        select conversion_id::{ids} as conversion_id, converting_click_id::{ids} as converting_click_id,
               {time_of('conversion_time')} as conversion_time, payout, cost, touches, 'a note' as note
        from conversions join (
            select conversion_id, list({{{fields}, click_time: {time_of('click_time')}}}
                                       order by touches.click_time, touches.click_id) as touches
            from touches group by all) using (conversion_id)
        order by conversion_id""")


def grouped_by_polars(flat, ids, times):
    """The same by Polars."""
    conversions, touches = (pl.from_arrow(table) for table in flat_tables(flat))

    def cast(frame):
        names = [name for name in frame.columns if name.endswith("_id")]
        time_names = [name for name in frame.columns if name.endswith("_time")]
        in_time = [pl.from_epoch(pl.col(name), time_unit="s").cast(times) if isinstance(times, pl.Datetime)
                   else pl.col(name).cast(times) for name in time_names]
        return frame.with_columns([pl.col(name).cast(ids) for name in names] + in_time)

    conversions, touches = cast(conversions), cast(touches.sort("click_time", "click_id"))
    fields = [name for name in touches.columns if name != "conversion_id"]
    grouped = touches.group_by("conversion_id", maintain_order=True).agg(pl.struct(fields).alias("touches"))
    return conversions.join(grouped, on="conversion_id").sort("conversion_id").with_columns(note=pl.lit("a note"))


def expected_totals(small, result):
    """By model: the global snapshots' clicks, credited conversions, revenue and cost, and the touchpoints' sums."""
    totals = {}
    for model, name in enumerate(small.library.result_models(result)):
        snapshots = [row for row in small.library.snapshots(result, model) if row[0] == 0]
        points = small.library.touchpoints(result, model)
        totals[name] = tuple(sum(row[at] for row in snapshots) for at in (3, 5, 6, 7)) + (
            len(points), *(sum(row[at] for row in points) for at in (4, 5, 6)))
    return totals


def duckdb_and_polars(small):
    library, flat = small.library, small.flat
    connection = duckdb.connect()
    connection.execute("set threads = 2")
    for ids, times in (("ubigint", "uinteger"), ("bigint", "timestamp"), ("integer", "bigint")):
        query = grouped_by_duckdb(connection, flat, ids, times)
        small.holds(batch_of_reader(library, query.to_arrow_reader(25)), f"DuckDB's reader, {ids} and {times}")
        query = grouped_by_duckdb(connection, flat, ids, times)
        small.holds(batch_of_capsule(library, query), f"DuckDB's capsule, {ids} and {times}")
    for ids, times in ((pl.UInt64, pl.UInt32), (pl.Int64, pl.Datetime("us")), (pl.Int32, pl.Datetime("ms", "UTC"))):
        frame = grouped_by_polars(flat, ids, times)
        small.holds(batch_of_capsule(library, frame), f"Polars' capsule, {ids} and {times}")
        chunked = pl.concat([frame[:40], frame[40:41], frame[41:]], rechunk=False)
        small.holds(batch_of_capsule(library, chunked), f"Polars' capsule of chunks, {ids} and {times}")
        small.holds(batch_of_reader(library, frame.to_arrow().to_reader()), f"Polars' table, {ids} and {times}")

    with batch_of_capsule(library, grouped_by_polars(flat, pl.UInt64, pl.UInt32)) as batch:
        result = small.calculate(batch)
    expected = expected_totals(small, result)
    for name, totals in expected.items():
        count = len(flat.conversion_ids) * 100_000
        wanted = (totals[4], count, sum(flat.payouts), sum(flat.costs))
        equal(totals, wanted * 2, f"{name}: totals against the batch's")
    snapshots, points = (ResultStream(library, result, kind) for kind in ("snapshots", "touchpoints"))

    # DuckDB reads what it scans more than once, so each stream goes into a table first.
    connection.execute("create table s as select * from snapshots")
    connection.execute("create table p as select * from points")
    found = connection.execute("""
        select model, s.*, p.* from
            (select model::varchar as model, sum(attributed_clicks), sum(credited_conversions), sum(attributed_revenue),
                    sum(attributed_cost) from s where scope_type = 'global' group by 1) s
        join (select model::varchar as model, count(*), sum(stored_credit), sum(revenue), sum(cost) from p group by 1) p
            using (model)""").fetchall()
    equal(totals_of(found), expected, "totals by DuckDB")
    # The campaigns' snapshots anew, out of touchpoints and touches.
    difference = connection.execute("""
        with again as (
            select p.model::varchar as model, t.campaign_id as scope_id,
                   (c.conversion_time - c.conversion_time % 3600)::bigint as date_hour, count(*)::ubigint as clicks,
                   count(distinct p.conversion_id)::ubigint as conversions, sum(stored_credit) as credited,
                   sum(revenue) as revenue, sum(p.cost) as cost
            from p join touches t using (conversion_id, click_id) join conversions c using (conversion_id)
            where t.campaign_id is not null group by all),
        given as (select model::varchar, scope_id, date_hour, attributed_clicks, attributed_conversions,
                         credited_conversions, attributed_revenue, attributed_cost from s where scope_type = 'campaign')
        select (select count(*) from given), (select count(*) from (select * from again except select * from given)),
               (select count(*) from (select * from given except select * from again))""").fetchone()
    check(difference[0] > 100 and difference[1:] == (0, 0), f"the campaigns' snapshots by DuckDB: {difference}")
    connection.close()

    frame = pl.DataFrame(snapshots).filter(pl.col("scope_type").cast(pl.String) == "global").group_by("model").agg(
        pl.col("attributed_clicks", "credited_conversions", "attributed_revenue", "attributed_cost").sum())
    other = pl.DataFrame(points).group_by("model").agg(pl.len(), pl.col("stored_credit", "revenue", "cost").sum())
    joined = [frame.with_columns(pl.col("model").cast(pl.String)), other.with_columns(pl.col("model").cast(pl.String))]
    rows = joined[0].join(joined[1], on="model").rows()
    equal(totals_of([(row[0], row[0], *row[1:5], row[0], *row[5:]) for row in rows]), expected, "totals by Polars")
    tables = [pl.DataFrame(stream).to_arrow() for stream in (snapshots, points)]
    equal(files_of_tables(*tables), small.expected, "the files of Polars' frames")
    result.free()


def totals_of(rows):
    """Rows of model, then (model, clicks, credited, revenue, cost), then (model, count, credit, revenue, cost)."""
    return {row[0]: (int(row[2]), *(units(value) for value in row[3:6]), row[7], *(units(value) for value in row[8:11]))
            for row in rows}


# ---------------------------------------------------------------- group: refusals


def tiny():
    """Three conversions with two touches each."""
    return Flat([1, 2, 3], [12, 22, 32], [100, 200, 300], [100_000] * 3, [0] * 3, [0, 2, 4, 6],
                [11, 12, 21, 22, 31, 32], [90, 100, 190, 200, 290, 300], {"campaign": [5, 6, 5, 6, 5, 6]})


def replaced(batch, name, column):
    return batch.set_column(batch.schema.get_field_index(name), pa.field(name, column.type), column)


def with_touches(batch, change):
    """The batch with the touches' fields changed: `change` takes them by name."""
    values = batch.column("touches").values
    fields = {values.type.field(at).name: values.field(at) for at in range(values.type.num_fields)}
    made = pa.StructArray.from_arrays(list((changed := change(fields)).values()), names=list(changed))
    return replaced(batch, "touches", pa.LargeListArray.from_arrays(batch.column("touches").offsets, made))


def refused(library, what, value, place, found, status="invalid_input"):
    """The library refuses this, at this place, for what it found there; and all that it was lent is released."""
    lent = Lent.of_stream(value) if isinstance(value, pa.RecordBatchReader) else Lent.of_array(value)
    try:
        with (library.batch_from_stream(ctypes.byref(lent.stream)) if hasattr(lent, "stream") else
              library.batch_from_arrow(lent.array, lent.schema)):
            check(False, f"{what}: taken")
    except c.AttributionError as error:
        equal((error.status, error.place), (status, place), f"{what}: {error.message!r}")
        check(found in error.message, f"{what}: no {found!r} in {error.message!r}")
        equal(error.defects[0][0], place, f"{what}: the first defect's place")
        check(all(error.defects[0][1:]), f"{what}: an empty part of {error.defects[0]}")
    check(all(count == 1 for count in lent.released.values()), f"{what}: released {lent.released}")
    structs = [lent.stream] if hasattr(lent, "stream") else [lent.array, lent.schema]
    check(all(struct.release is None for struct in structs), f"{what}: left unreleased")


def refusals(library):
    batch = tiny().arrow()
    with batch_of(library, batch) as made:
        equal(library.c.attribution_batch_touches(made.pointer), 6, "the batch before it is spoiled")
    array = pa.array

    def column(name, values, kind, place, found):
        refused(library, f"{name} of {kind}", replaced(batch, name, array(values, kind)), place, found)

    def field(name, values, kind, place, found):
        changed = with_touches(batch, lambda fields: fields | {name: array(values, kind)})
        refused(library, f"touches.{name} of {kind}", changed, place, found)

    money = [Decimal(1)] * 3
    column("payout", [1.0, 2.0, 3.0], pa.float64(), "payout", 'found the Arrow format "g"')
    column("cost", [1.0, 2.0, 3.0], pa.float32(), "cost", 'found the Arrow format "f"')
    column("payout", [1, 2, 3], pa.int64(), "payout", 'found the Arrow format "l"')
    column("payout", money, pa.decimal256(19, 5), "payout", 'found the Arrow format "d:19,5,256"')
    column("payout", money, pa.decimal64(9, 5), "payout", 'found the Arrow format "d:9,5,64"')
    column("payout", money, pa.decimal128(19, 6), "payout", 'found the Arrow format "d:19,6"')
    column("cost", [Decimal(100)] * 3, pa.decimal128(19, -2), "cost", 'found the Arrow format "d:19,-2"')
    column("conversion_id", ["1", "2", "3"], pa.string(), "conversion_id", 'found the Arrow format "u"')
    column("conversion_id", [1.0, 2.0, 3.0], pa.float64(), "conversion_id", 'found the Arrow format "g"')
    column("conversion_id", [1, 2, 3], pa.uint16(), "conversion_id", 'found the Arrow format "S"')
    column("conversion_time", [1, 2, 3], pa.date32(), "conversion_time", 'found the Arrow format "tdD"')
    column("conversion_time", ["1", "2", "3"], pa.large_string(), "conversion_time", 'found the Arrow format "U"')
    column("touches", [1, 2, 3], pa.int64(), "touches", 'found the Arrow format "l"')
    field("click_id", ["1"] * 6, pa.string_view(), "touches.click_id", 'found the Arrow format "vu"')
    field("click_time", [1.0] * 6, pa.float64(), "touches.click_time", 'found the Arrow format "g"')
    field("campaign_id", ["1"] * 6, pa.string(), "touches.campaign_id", 'found the Arrow format "u"')
    field("campaign_id", [None] * 6, pa.null(), "touches.campaign_id", 'found the Arrow format "n"')

    # Values where a value of the same type would do.
    column("conversion_id", [1, -2, 3], pa.int64(), "conversion_id[1]", "found -2")
    column("converting_click_id", [12, 22, -1], pa.int32(), "converting_click_id[2]", "found -1")
    field("click_id", [11, 12, 21, 22, -31, 32], pa.int64(), "touches.click_id[4]", "found -31")
    field("campaign_id", [None, 1, 2, -9, 1, 1], pa.int64(), "touches.campaign_id[3]", "found -9")
    column("conversion_time", [100, 200, 2**32], pa.int64(), "conversion_time[2]", "found 4294967296")
    column("conversion_time", [100, -1, 300], pa.int32(), "conversion_time[1]", "found -1")
    column("conversion_time", [100_000, 200_000, 300_001], pa.timestamp("ms"), "conversion_time[2]", "found 300001")
    column("conversion_time", [-1, 200_000, 300_001], pa.timestamp("ms"), "conversion_time[0]", "found -1")
    column("conversion_time", [100 * 10**9, 2 * 10**11 + 1, 3 * 10**11], pa.timestamp("ns", "UTC"),
           "conversion_time[1]", "found 200000000001")
    column("conversion_time", [2**32, 200, 300], pa.timestamp("s"), "conversion_time[0]", "found 4294967296")
    field("click_time", [90_000_000, 100_000_000, 190_000_000, 200_000_007, 290_000_000, 300_000_000],
          pa.timestamp("us"), "touches.click_time[3]", "found 200000007")
    too_much = Decimal("92233720368547.75808")
    column("payout", [Decimal(1), too_much, Decimal(1)], pa.decimal128(38, 5), "payout[1]", "found 9223372036854775808")
    column("payout", [Decimal(1), Decimal(1), Decimal(10)**30], pa.decimal128(38, 2), "payout[2]", "found 1" + "0" * 32)

    # Nulls.
    for name, values, kind in (("conversion_id", [1, None, 3], pa.uint64()),
                               ("converting_click_id", [12, None, 32], pa.int64()),
                               ("conversion_time", [100, None, 300], pa.timestamp("s")),
                               ("payout", [Decimal(1), None, Decimal(1)], pa.decimal128(19, 5)),
                               ("cost", [Decimal(1), None, Decimal(1)], pa.decimal128(19, 2))):
        column(name, values, kind, f"{name}[1]", "found null")
    field("click_id", [11, 12, 21, None, 31, 32], pa.uint64(), "touches.click_id[3]", "found null")
    field("click_time", [90, 100, 190, 200, 290, None], pa.uint32(), "touches.click_time[5]", "found null")
    null_list = pa.LargeListArray.from_arrays(array([0, 2, None, 6], pa.int64()), batch.column("touches").values)
    refused(library, "a null list", replaced(batch, "touches", null_list), "touches[2]", "found null")
    touches = batch.column("touches").values
    null_touch = pa.StructArray.from_arrays([touches.field(at) for at in range(3)], fields=list(touches.type),
                                            mask=array([False] * 4 + [True, False]))
    null_touch = pa.LargeListArray.from_arrays(batch.column("touches").offsets, null_touch)
    lent = Lent.of_array(replaced(batch, "touches", null_touch))
    try:
        library.batch_from_arrow(lent.array, lent.schema)
        check(False, "a null touch: taken")
    except c.AttributionError as error:
        check("[4]" in error.place and "found null" in error.message, f"a null touch: {error.message!r}")
    rows = batch.to_struct_array()
    null_row = pa.concat_arrays([rows.slice(0, 2), array([None], rows.type)])
    lent = Lent.of_array(null_row)
    try:
        library.batch_from_arrow(lent.array, lent.schema)
        check(False, "a null row: taken")
    except c.AttributionError as error:
        check("[2]" in error.place and "found null" in error.message, f"a null row: {error.message!r}")

    # Shapes.
    items = batch.column("touches").values
    refused(library, "a dictionary", replaced(batch, "conversion_id", array([1, 2, 3]).dictionary_encode()),
            "conversion_id", "with a dictionary")
    views = pa.ListViewArray.from_arrays(array([0, 2, 4], pa.int32()), array([2, 2, 2], pa.int32()), items)
    refused(library, "a list view", replaced(batch, "touches", views), "touches", 'found the Arrow format "+vl"')
    views = pa.LargeListViewArray.from_arrays(array([0, 2, 4]), array([2, 2, 2]), items)
    refused(library, "a large list view", replaced(batch, "touches", views), "touches", 'found the Arrow format "+vL"')
    fixed = pa.FixedSizeListArray.from_arrays(items, 2)
    refused(library, "a list of fixed size", replaced(batch, "touches", fixed), "touches",
            'found the Arrow format "+w:2"')
    ids = pa.LargeListArray.from_arrays(batch.column("touches").offsets, array(range(6), pa.uint64()))
    refused(library, "lists of numbers", replaced(batch, "touches", ids), "touches.item",
            'found the Arrow format "L"')
    refused(library, "no struct", array([1, 2, 3]), "array", 'found the Arrow format "l"')
    for name in batch.schema.names:
        refused(library, f"without {name}", batch.drop_columns([name]), name, "found no such column")
    for name in ("click_id", "click_time"):
        less = with_touches(batch, lambda fields: {own: column for own, column in fields.items() if own != name})
        refused(library, f"without touches.{name}", less, f"touches.{name}", "found no such column")
    twice = batch.append_column("payout", batch.column("payout"))
    refused(library, "a column twice", twice, "payout", "found two columns of this name")

    # Rows are those of what was given, not of what it was sliced from.
    column = array([-7, -7, 1, 2, -3], pa.int64()).slice(2)
    refused(library, "a sliced column", replaced(batch, "conversion_id", column), "conversion_id[2]", "found -3")
    column = array([None, None, 1, None, 3], pa.uint64()).slice(2)
    refused(library, "a sliced column with nulls", replaced(batch, "conversion_id", column), "conversion_id[1]", "null")
    bad = replaced(batch, "payout", array([Decimal(1), Decimal(1), None], pa.decimal128(19, 5)))
    refused(library, "a sliced struct", bad.to_struct_array().slice(1), "payout[1]", "found null")
    bad = with_touches(batch, lambda fields: fields | {"click_id": array([11, 12, 21, 22, None, 32], pa.uint64())})
    refused(library, "lists of a sliced struct", bad.to_struct_array().slice(1), "touches.click_id[2]", "found null")

    # Journeys that are not in order, checked as those of columns.
    for what, change in {"a journey out of order": {"click_times": [100, 90, 190, 200, 290, 300]},
                         "a click twice": {"click_ids": [12, 12, 21, 22, 31, 32],
                                           "click_times": [100, 100, 190, 200, 290, 300]},
                         "no converting click": {"click_ids": [11, 12, 21, 23, 31, 32]},
                         "no touches": {"offsets": [0, 2, 2, 6]}, "a negative cost": {"costs": [0, -1, 0]}}.items():
        flat = tiny()
        vars(flat).update(change)
        places = []
        for by in ("columns", "arrow"):
            try:
                with library.batch_from_columns(flat.columns()) if by == "columns" else batch_of(library, flat.arrow()):
                    check(False, f"{what}: taken by {by}")
            except c.AttributionError as error:
                equal(error.status, "invalid_input", f"{what} by {by}")
                places.append((error.place, error.message))
        check(len(places) == 2 and places[0] == places[1] and places[0][0], f"{what}: columns and Arrow say {places}")

    # Streams.
    reader = pa.RecordBatchReader.from_batches(bad.schema, [bad])
    refused(library, "a stream of one", reader, "touches.click_id[4]", "found null")
    wrong = replaced(batch, "payout", array([1.0] * 3))
    for chunks in (2, 1, 0):
        reader = pa.RecordBatchReader.from_batches(wrong.schema, [wrong] * chunks)
        place = "arrays[0].payout" if chunks == 2 else "payout"
        refused(library, f"a stream of {chunks} of a wrong type", reader, place, 'found the Arrow format "g"')
    spoiled = replaced(batch, "payout", array([Decimal(1), None, Decimal(1)], pa.decimal128(19, 5)))
    places = []
    for chunks in ([spoiled, batch, batch], [batch, batch, spoiled]):
        try:
            batch_of_reader(library, pa.RecordBatchReader.from_batches(batch.schema, chunks)).free()
        except c.AttributionError as error:
            places.append(error.place)
    check(len(set(places)) == 2, f"a null in the first of three arrays and in the third: the places are {places}")

    def failing():
        yield batch
        raise ValueError("no more today")

    refused(library, "a stream that fails", pa.RecordBatchReader.from_batches(batch.schema, failing()), "stream",
            "no more today")
    lent = Lent.of_array(batch)
    library.batch_from_arrow(lent.array, lent.schema).free()
    released = ctypes.byref(c.ArrowArrayStream())
    for what, call in {"released structs": lambda: library.batch_from_arrow(lent.array, lent.schema),
                       "a released stream": lambda: library.batch_from_stream(released)}.items():
        try:
            call()
            check(False, f"{what}: taken")
        except c.AttributionError as error:
            check("released" in error.message, f"{what}: {error.message!r}")
    lent = Lent.of_array(batch)
    out = c.Handle(library, "batch")
    try:
        library.call("attribution_batch_from_arrow", ctypes.byref(lent.array), None, out.out())
        check(False, "a schema that is NULL: taken")
    except c.AttributionError as error:
        equal((error.status, error.place), ("invalid_argument", "schema"), "a schema that is NULL")
    equal(lent.released, {"array": 1, "schema": 0}, "what is lent with a NULL is taken over all the same")
    try:
        library.call("attribution_batch_from_arrow", None, ctypes.byref(lent.schema), out.out())
        check(False, "an array that is NULL: taken")
    except c.AttributionError as error:
        equal((error.status, error.place), ("invalid_argument", "array"), "an array that is NULL")
    equal(lent.released, {"array": 1, "schema": 1}, "and so is the other")


# ---------------------------------------------------------------- group: memory


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory(small):
    library, flat = small.library, small.flat
    expected = small.expected

    # What is lent lives as long as the batch and no longer, whoever else drops it.
    before = pa.total_allocated_bytes()
    value = flat.arrow()
    lent = Lent.of_array(value)
    size = pa.total_allocated_bytes() - before
    batch = library.batch_from_arrow(lent.array, lent.schema)
    del value
    gc.collect()
    equal(lent.released["array"], 0, "the array is kept while the batch is there")
    check(pa.total_allocated_bytes() - before > size // 2, "the columns are kept while the batch is there")
    result = small.calculate(batch)
    batch.free()
    equal(lent.released, {"array": 1, "schema": 1}, "releases once the batch is freed")
    equal(pa.total_allocated_bytes(), before, "pyarrow's memory once the batch is freed")

    # Results outlive the handle, on other threads, too.
    tables = [table_of(library, result, kind) for kind in ("snapshots", "touchpoints")]
    late = c.ArrowArrayStream()
    library.call("attribution_result_touchpoints_stream", result.pointer, ctypes.byref(late))
    unread = c.ArrowArrayStream()
    library.call("attribution_result_snapshots_stream", result.pointer, ctypes.byref(unread))
    views = [arrow_of(library, "attribution_result_touchpoints_arrow", result.pointer, model)
             for model in range(len(SPECS))]
    result.free()
    # Freed memory is soon used again.
    for _ in range(20):
        small.calculate(small.batch).free()
    equal(files_of_tables(*tables), expected, "tables that are read after the result is freed")
    views = pa.Table.from_batches(views)
    equal(files_of_tables(tables[0], views), expected, "arrays that are read after the result is freed")
    read = []

    def elsewhere():
        read.append(pa.RecordBatchReader._import_from_c(ctypes.addressof(late)).read_all())

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    equal(files_of_tables(tables[0], read[0]), expected, "a stream that is read after the result is freed, elsewhere")
    pa.RecordBatchReader._import_from_c(ctypes.addressof(unread)).close()
    del tables, views, read

    batches = [flat.arrow(), flat.arrow(ids=pa.int64(), lists=pa.list_),
               flat.arrow(times=pa.timestamp("ms"), junk=True)]
    spoiled = replaced(batches[0], "payout", pa.array([None] * batches[0].num_rows, pa.decimal128(19, 5)))
    lent = []

    def once():
        for value in batches:
            batch = batch_of(library, value)
            lent.append(batch.lent)
            with batch, small.calculate(batch) as result:
                for kind in ("snapshots", "touchpoints"):
                    table_of(library, result, kind)
                arrow_of(library, "attribution_result_touchpoints_arrow", result.pointer, 0)
                arrow_of(library, "attribution_batch_to_arrow", batch.pointer)
        chunks = sliced_chunks(batches[0], [9, 9])
        batch = batch_of_reader(library, pa.RecordBatchReader.from_batches(batches[0].schema, chunks))
        lent.append(batch.lent)
        batch.free()
        try:
            batch = batch_of(library, spoiled)
            check(False, "a spoiled batch was taken")
        except c.AttributionError:
            pass
        library.call("attribution_result_snapshots_stream", kept.pointer, ctypes.byref(unread))
        pa.RecordBatchReader._import_from_c(ctypes.addressof(unread)).close()

    kept = small.calculate(small.batch)
    for _ in range(20):
        once()
    gc.collect()
    lent.clear()
    Lent.kept.clear()
    before, allocated = resident(), pa.total_allocated_bytes()
    for _ in range(200):
        once()
        check(all(count == 1 for one in lent for count in one.released.values()), "released once each")
        lent.clear()
        Lent.kept.clear()
    gc.collect()
    equal(pa.total_allocated_bytes(), allocated, "pyarrow's memory after 200 repetitions")
    # Each repetition makes more than a megabyte in the library; a leak of a tenth of that would be twenty.
    grown = (resident() - before) / 2**20
    check(grown < 8, f"resident memory grew by {grown:.1f} MiB in 200 repetitions")
    kept.free()


def main():
    library = c.Library(ARGUMENTS.library.resolve())
    TALLY.group("layouts", layouts, library)
    TALLY.group("credits.json by rows, columns, ungrouped and Arrow", every_credit_case, library)
    TALLY.group("journeys.json", every_journey_case, library)
    small = Small(library)
    with tempfile.TemporaryDirectory() as folder:
        exports = {}
        for export in c.FORMAT:
            run_command(Path(folder) / export, export)
            exports[export] = {path.name: path.read_bytes() for path in (Path(folder) / export).iterdir()}
        TALLY.group("small by journeys, columns, ungrouped and rows", small_by_columns, small, exports)
        TALLY.group("small as export files", small_exports, small, exports, Path(folder))
    TALLY.group("small by Arrow", small_by_arrow, small)
    TALLY.group("DuckDB and Polars", duckdb_and_polars, small)
    TALLY.group("refusals", refusals, library)
    TALLY.group("memory", memory, small)
    small.close()
    library.c.attribution_error_free(ctypes.byref(library.error))
    print(f"{TALLY.passed} passed, {TALLY.failed} failed")
    sys.exit(1 if TALLY.failed else 0)


if __name__ == "__main__":
    main()
