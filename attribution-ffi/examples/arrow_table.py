#!/usr/bin/env python3
"""The kernel on an Arrow table, from Python by ctypes: no copy of the ids, no file between.

    pip install pyarrow
    python arrow_table.py [PATH OF libattribution.so]
"""

import ctypes
import sys
from decimal import Decimal

import pyarrow as pa

lib = ctypes.CDLL(sys.argv[1] if len(sys.argv) > 1 else "libattribution.so.1")
lib.attribution_error_new.restype = ctypes.c_void_p
lib.attribution_error_message.restype = ctypes.c_char_p
lib.attribution_error_message.argtypes = [ctypes.c_void_p]
error = ctypes.c_void_p(lib.attribution_error_new())


class Options(ctypes.Structure):
    """attribution_engine_options"""

    _fields_ = [
        ("size", ctypes.c_size_t),
        ("scopes", ctypes.c_uint32),
        ("threads", ctypes.c_uint32),
        ("touchpoints", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8 * 7),
    ]


class Stream(ctypes.Structure):
    """struct ArrowArrayStream: five pointers."""

    _fields_ = [("pointers", ctypes.c_void_p * 5)]


def call(function, *arguments):
    """A call that raises what went wrong."""
    if function(*arguments, error) != 0:
        raise RuntimeError(lib.attribution_error_message(error).decode())


# Conversions with their journeys, as Parquet, DuckDB, Polars or Spark give them.
touch = pa.struct([("click_id", pa.uint64()), ("click_time", pa.uint32()), ("campaign_id", pa.uint64())])
table = pa.table(
    {
        "conversion_id": pa.array([1, 2], pa.uint64()),
        "converting_click_id": pa.array([12, 21], pa.uint64()),
        "conversion_time": pa.array([1717232400, 1717236000], pa.uint32()),
        "payout": pa.array([Decimal("35.00000"), Decimal("10.00000")], pa.decimal128(19, 5)),
        "cost": pa.array([Decimal("0.00000"), Decimal("0.25000")], pa.decimal128(19, 5)),
        "touches": pa.array(
            [
                [
                    {"click_id": 10, "click_time": 1717059600, "campaign_id": 7},
                    {"click_id": 11, "click_time": 1717146000, "campaign_id": 8},
                    {"click_id": 12, "click_time": 1717232400, "campaign_id": 7},
                ],
                [
                    {"click_id": 20, "click_time": 1717200000, "campaign_id": 8},
                    {"click_id": 21, "click_time": 1717235000, "campaign_id": None},
                ],
            ],
            pa.large_list(touch),
        ),
    }
)

model, batch, result = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
incoming, outgoing = Stream(), Stream()
options = Options(ctypes.sizeof(Options), scopes=1 | 2, threads=1, touchpoints=1)  # global, campaign

call(lib.attribution_model_from_spec, b"time_decay:half_life_hours=48", ctypes.byref(model))
table.to_reader()._export_to_c(ctypes.addressof(incoming))
call(lib.attribution_batch_from_arrow_stream, ctypes.byref(incoming), ctypes.byref(batch))
call(
    lib.attribution_calculate,
    (ctypes.c_void_p * 1)(model),
    ctypes.c_size_t(1),
    batch,
    ctypes.byref(options),
    ctypes.byref(result),
)
for function in (lib.attribution_result_touchpoints_stream, lib.attribution_result_snapshots_stream):
    call(function, result, ctypes.byref(outgoing))
    print(pa.RecordBatchReader._import_from_c(ctypes.addressof(outgoing)).read_all().to_pylist())

lib.attribution_result_free(ctypes.byref(result))
lib.attribution_batch_free(ctypes.byref(batch))
lib.attribution_model_free(ctypes.byref(model))
lib.attribution_error_free(ctypes.byref(error))
