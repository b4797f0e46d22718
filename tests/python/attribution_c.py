"""The C ABI of the attribution engine for ctypes, declared by hand from include/attribution.h.

By hand on purpose: whoever calls the library from another language has the header to go by and nothing else. What is
declared wrongly here is found by vectors.py, which holds the sizes against what the library accepts.
"""

import ctypes
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_bool, c_char_p, c_double, c_int32, c_int64, c_size_t,
                    c_uint8, c_uint32, c_uint64, c_void_p)

MISSING_CLICK = 4294967295
ABI_VERSION = 1
STATUS = {"ok": 0, "invalid_model": 1, "invalid_input": 2, "limit": 3, "io": 4, "database": 5, "locked": 6,
          "cancelled": 7, "internal": 8, "invalid_argument": 9, "panic": 10}
KIND = {"last_touch": 1, "first_touch": 2, "linear": 3, "time_decay": 4, "position_based": 5, "assisted": 6,
        "algorithmic": 7}
SCOPE_NAMES = ["global", "campaign", "account", "advertiser", "traffic_source", "landing_page", "adgroup"]
SCOPES = {name: 1 << bit for bit, name in enumerate(SCOPE_NAMES)}
JOURNEY_KEY = {"visitor_campaign": 0, "visitor": 1, "campaign": 2, "none": 3}
FORMAT = {"csv": 1, "xlsx": 2, "jsonl": 3}


# ---------------------------------------------------------------- Arrow's structs


class ArrowSchema(Structure):
    pass


ArrowSchema._fields_ = [
    ("format", c_char_p), ("name", c_char_p), ("metadata", c_void_p), ("flags", c_int64), ("n_children", c_int64),
    ("children", POINTER(POINTER(ArrowSchema))), ("dictionary", POINTER(ArrowSchema)), ("release", c_void_p),
    ("private_data", c_void_p)]


class ArrowArray(Structure):
    pass


ArrowArray._fields_ = [
    ("length", c_int64), ("null_count", c_int64), ("offset", c_int64), ("n_buffers", c_int64), ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)), ("children", POINTER(POINTER(ArrowArray))), ("dictionary", POINTER(ArrowArray)),
    ("release", c_void_p), ("private_data", c_void_p)]


class ArrowArrayStream(Structure):
    _fields_ = [("get_schema", c_void_p), ("get_next", c_void_p), ("get_last_error", c_void_p), ("release", c_void_p),
                ("private_data", c_void_p)]


# ---------------------------------------------------------------- structs of the header


def slice_of(number, name):
    return type(name, (Structure,), {"_fields_": [("data", POINTER(number)), ("length", c_size_t)]})


U64Slice = slice_of(c_uint64, "attribution_u64_slice")
U32Slice = slice_of(c_uint32, "attribution_u32_slice")
I64Slice = slice_of(c_int64, "attribution_i64_slice")
SizeSlice = slice_of(c_size_t, "attribution_size_slice")
U8Slice = slice_of(c_uint8, "attribution_u8_slice")
SLICES = {U64Slice: c_uint64, U32Slice: c_uint32, I64Slice: c_int64, SizeSlice: c_size_t, U8Slice: c_uint8}


class Touch(Structure):
    """attribution_touch"""
    _fields_ = [("click_id", c_uint64), ("click_time", c_uint32), ("campaign_id", c_uint64), ("account_id", c_uint64),
                ("landing_page_id", c_uint64), ("advertiser_id", c_uint64), ("traffic_source_id", c_uint64),
                ("adgroup_id", c_uint64)]


class Conversion(Structure):
    """attribution_conversion"""
    _fields_ = [("conversion_id", c_uint64), ("conversion_time", c_uint32), ("payout", c_int64), ("cost", c_int64),
                ("click", Touch)]


class Growing(Structure):
    """A struct that begins with its size, which its making sets, as the header's _INIT does."""

    def __init__(self, **fields):
        super().__init__(size=ctypes.sizeof(self), **fields)

    @classmethod
    def of_lists(cls, **columns):
        """A struct of slices out of lists of numbers. The struct keeps the memory that the slices point to."""
        kinds = dict(cls._fields_)
        made, kept = {}, []
        for name, numbers in columns.items():
            slice_type = kinds[name]
            memory = (SLICES[slice_type] * len(numbers))(*numbers)
            kept.append(memory)
            made[name] = slice_type(ctypes.cast(memory, POINTER(SLICES[slice_type])), len(numbers))
        struct = cls(**made)
        struct.kept = kept
        return struct


class Columns(Growing):
    """attribution_columns"""
    _fields_ = [("size", c_size_t), ("conversion_ids", U64Slice), ("converting_click_ids", U64Slice),
                ("conversion_times", U32Slice), ("payouts", I64Slice), ("costs", I64Slice), ("offsets", SizeSlice),
                ("click_ids", U64Slice), ("click_times", U32Slice), ("campaign_ids", U64Slice),
                ("account_ids", U64Slice), ("landing_page_ids", U64Slice), ("advertiser_ids", U64Slice),
                ("traffic_source_ids", U64Slice), ("adgroup_ids", U64Slice)]


class EngineOptions(Growing):
    """attribution_engine_options"""
    _fields_ = [("size", c_size_t), ("scopes", c_uint32), ("threads", c_uint32), ("touchpoints", c_uint8),
                ("reserved", c_uint8 * 7)]


class ConversionColumns(Growing):
    """attribution_conversion_columns"""
    _fields_ = [("size", c_size_t), ("conversion_ids", U64Slice), ("converting_click_ids", U64Slice),
                ("conversion_times", U32Slice), ("payouts", I64Slice), ("costs", I64Slice),
                ("converting_click_times", U32Slice)]


class TouchColumns(Growing):
    """attribution_touch_columns"""
    _fields_ = [("size", c_size_t), ("conversion_ids", U64Slice), ("click_ids", U64Slice), ("click_times", U32Slice),
                ("campaign_ids", U64Slice), ("account_ids", U64Slice), ("landing_page_ids", U64Slice),
                ("advertiser_ids", U64Slice), ("traffic_source_ids", U64Slice), ("adgroup_ids", U64Slice)]


class Clicks(Growing):
    """attribution_clicks"""
    _fields_ = [("size", c_size_t), ("click_ids", U64Slice), ("click_times", U32Slice), ("visitors", U64Slice),
                ("visitors_high", U64Slice), ("costs", I64Slice), ("filtered", U8Slice), ("campaign_ids", U64Slice),
                ("account_ids", U64Slice), ("landing_page_ids", U64Slice), ("advertiser_ids", U64Slice),
                ("traffic_source_ids", U64Slice), ("adgroup_ids", U64Slice)]


class Conversions(Growing):
    """attribution_conversions"""
    _fields_ = [("size", c_size_t), ("conversion_ids", U64Slice), ("click_ids", U64Slice),
                ("conversion_times", U32Slice), ("payouts", I64Slice), ("costs", I64Slice), ("costs_present", U8Slice),
                ("campaign_ids", U64Slice), ("campaign_ids_present", U8Slice), ("click_times", U32Slice),
                ("click_times_present", U8Slice)]


class JourneyOptions(Growing):
    """attribution_journey_options"""
    _fields_ = [("size", c_size_t), ("key", c_uint32), ("lookback_seconds", c_uint32), ("max_touches", c_uint32),
                ("reserved", c_uint8 * 4)]


class JourneyColumns(Growing):
    """attribution_journey_columns"""
    _fields_ = [("size", c_size_t), ("conversions", c_size_t), ("touches", c_size_t), ("offsets", POINTER(c_size_t)),
                ("rows", POINTER(c_uint32))]


class ModelFields(Growing):
    """attribution_model_fields"""
    _fields_ = [("size", c_size_t), ("kind", c_uint32), ("half_life_hours", c_uint64), ("first_touch_weight", c_double),
                ("last_touch_weight", c_double), ("name", c_char_p), ("slug", c_char_p)]


class Snapshots(Growing):
    """attribution_snapshots"""
    _fields_ = [("size", c_size_t), ("length", c_size_t), ("scope_types", POINTER(c_uint32)),
                ("scope_ids", POINTER(c_uint64)), ("date_hours", POINTER(c_uint32)),
                ("attributed_clicks", POINTER(c_uint64)), ("attributed_conversions", POINTER(c_uint64)),
                ("credited_conversions", POINTER(c_uint64)), ("revenues", POINTER(c_int64)),
                ("costs", POINTER(c_int64))]


class Touchpoints(Growing):
    """attribution_touchpoints"""
    _fields_ = [("size", c_size_t), ("length", c_size_t), ("conversions", POINTER(c_uint32)),
                ("click_ids", POINTER(c_uint64)), ("positions", POINTER(c_uint32)), ("credits", POINTER(c_double)),
                ("stored_credits", POINTER(c_uint32)), ("revenues", POINTER(c_int64)), ("costs", POINTER(c_int64))]


Write = CFUNCTYPE(c_int32, POINTER(c_uint8), c_size_t, c_void_p)

# Handles are pointers that are looked at by nobody; out-parameters are addresses of such.
HANDLE, OUT = c_void_p, POINTER(c_void_p)
STATUS_TYPE = c_uint32

# What each function gives and takes.
FUNCTIONS = {
    "attribution_abi_version": (c_uint32, []),
    "attribution_version_number": (c_uint32, []),
    "attribution_version_string": (c_char_p, []),
    "attribution_status_name": (c_char_p, [c_uint32]),
    "attribution_error_new": (HANDLE, []),
    "attribution_error_free": (None, [OUT]),
    "attribution_error_code": (STATUS_TYPE, [HANDLE]),
    "attribution_error_message": (c_char_p, [HANDLE]),
    "attribution_error_place": (c_char_p, [HANDLE]),
    "attribution_error_defects": (c_uint64, [HANDLE]),
    "attribution_error_defect": (c_bool, [HANDLE, c_size_t, POINTER(c_char_p), POINTER(c_char_p), POINTER(c_char_p)]),
    "attribution_model_from_json": (STATUS_TYPE, [c_char_p, OUT, HANDLE]),
    "attribution_model_from_spec": (STATUS_TYPE, [c_char_p, OUT, HANDLE]),
    "attribution_model_from_fields": (STATUS_TYPE, [POINTER(ModelFields), OUT, HANDLE]),
    "attribution_model_kind": (c_uint32, [HANDLE]),
    "attribution_model_name": (c_char_p, [HANDLE]),
    "attribution_model_slug": (c_char_p, [HANDLE]),
    "attribution_model_json": (c_char_p, [HANDLE]),
    "attribution_model_free": (None, [OUT]),
    "attribution_batch_new": (STATUS_TYPE, [OUT, HANDLE]),
    "attribution_batch_from_columns": (STATUS_TYPE, [POINTER(Columns), OUT, HANDLE]),
    "attribution_batch_append": (STATUS_TYPE, [HANDLE, POINTER(Conversion), POINTER(Touch), c_size_t, HANDLE]),
    "attribution_batch_conversions": (c_size_t, [HANDLE]),
    "attribution_batch_touches": (c_size_t, [HANDLE]),
    "attribution_batch_free": (None, [OUT]),
    "attribution_batch_from_arrow": (STATUS_TYPE, [POINTER(ArrowArray), POINTER(ArrowSchema), OUT, HANDLE]),
    "attribution_batch_from_arrow_stream": (STATUS_TYPE, [POINTER(ArrowArrayStream), OUT, HANDLE]),
    "attribution_batch_to_arrow": (STATUS_TYPE, [HANDLE, POINTER(ArrowArray), POINTER(ArrowSchema), HANDLE]),
    "attribution_journeys_assemble": (STATUS_TYPE, [POINTER(Clicks), POINTER(Conversions), POINTER(JourneyOptions),
                                                    OUT, HANDLE]),
    "attribution_journeys_columns": (STATUS_TYPE, [HANDLE, POINTER(JourneyColumns), HANDLE]),
    "attribution_journeys_batch": (STATUS_TYPE, [HANDLE, c_uint32, OUT, HANDLE]),
    "attribution_journeys_free": (None, [OUT]),
    "attribution_calculate": (STATUS_TYPE, [OUT, c_size_t, HANDLE, POINTER(EngineOptions), OUT, HANDLE]),
    "attribution_calculate_columns": (STATUS_TYPE, [OUT, c_size_t, POINTER(Columns), POINTER(EngineOptions), OUT,
                                                    HANDLE]),
    "attribution_calculate_ungrouped": (STATUS_TYPE, [OUT, c_size_t, POINTER(ConversionColumns), POINTER(TouchColumns),
                                                      POINTER(EngineOptions), OUT, HANDLE]),
    "attribution_credits": (STATUS_TYPE, [HANDLE, HANDLE, c_uint32, POINTER(c_double), c_size_t, HANDLE]),
    "attribution_credits_columns": (STATUS_TYPE, [HANDLE, POINTER(Columns), c_uint32, POINTER(c_double), c_size_t,
                                                  HANDLE]),
    "attribution_result_models": (c_size_t, [HANDLE]),
    "attribution_result_model_name": (c_char_p, [HANDLE, c_size_t]),
    "attribution_result_snapshots": (STATUS_TYPE, [HANDLE, c_size_t, POINTER(Snapshots), HANDLE]),
    "attribution_result_touchpoints": (STATUS_TYPE, [HANDLE, c_size_t, POINTER(Touchpoints), HANDLE]),
    "attribution_result_snapshots_arrow": (STATUS_TYPE, [HANDLE, c_size_t, POINTER(ArrowArray), POINTER(ArrowSchema),
                                                         HANDLE]),
    "attribution_result_touchpoints_arrow": (STATUS_TYPE, [HANDLE, c_size_t, POINTER(ArrowArray), POINTER(ArrowSchema),
                                                           HANDLE]),
    "attribution_result_snapshots_stream": (STATUS_TYPE, [HANDLE, POINTER(ArrowArrayStream), HANDLE]),
    "attribution_result_touchpoints_stream": (STATUS_TYPE, [HANDLE, POINTER(ArrowArrayStream), HANDLE]),
    "attribution_result_export_file": (STATUS_TYPE, [HANDLE, c_uint32, c_char_p, POINTER(c_uint64), HANDLE]),
    "attribution_result_export": (STATUS_TYPE, [HANDLE, c_uint32, Write, c_void_p, POINTER(c_uint64), HANDLE]),
    "attribution_result_free": (None, [OUT]),
}


class AttributionError(Exception):
    """What the library said of a call that failed."""

    def __init__(self, status, place, message, defects):
        super().__init__(f"{status}: {message}")
        self.status, self.place, self.message, self.defects = status, place, message, defects


class Handle:
    """A handle that is freed at the end of a `with`, at the latest."""

    def __init__(self, library, noun):
        self.library, self.noun, self.pointer = library, noun, c_void_p()

    def out(self):
        return byref(self.pointer)

    def free(self):
        getattr(self.library.c, f"attribution_{self.noun}_free")(byref(self.pointer))
        assert self.pointer.value is None, f"attribution_{self.noun}_free left its variable set"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.free()


class Library:
    """The functions of the library, those that can fail with an error object of this class's own."""

    def __init__(self, path):
        self.c = ctypes.CDLL(str(path))
        for name, (gives, takes) in FUNCTIONS.items():
            function = getattr(self.c, name)
            function.restype, function.argtypes = gives, takes
        self.error = c_void_p(self.c.attribution_error_new())

    def call(self, name, *arguments):
        """Call what gives a status; raises where that is not OK, with all that the error object has."""
        status = getattr(self.c, name)(*arguments, self.error)
        told = self.c.attribution_error_code(self.error)
        assert told == status, f"{name} gave {status} and told its error object {told}"
        if status == STATUS["ok"]:
            return
        defects = []
        for index in range(min(self.c.attribution_error_defects(self.error), 20)):
            texts = [c_char_p(), c_char_p(), c_char_p()]
            assert self.c.attribution_error_defect(self.error, index, *(byref(text) for text in texts))
            defects.append(tuple(text.value.decode() for text in texts))
        raise AttributionError(self.c.attribution_status_name(status).decode(),
                               self.c.attribution_error_place(self.error).decode(),
                               self.c.attribution_error_message(self.error).decode(), defects)

    def make(self, noun, name, *arguments):
        """Call what makes a handle, whose place is the last before the error object."""
        handle = Handle(self, noun)
        self.call(name, *arguments, handle.out())
        return handle

    # ---- what the tests call over and over

    def model_from_json(self, text):
        return self.make("model", "attribution_model_from_json", text.encode())

    def model_from_spec(self, text):
        return self.make("model", "attribution_model_from_spec", text.encode())

    def model_from_fields(self, **fields):
        return self.make("model", "attribution_model_from_fields", byref(ModelFields(**fields)))

    def batch_from_columns(self, columns):
        return self.make("batch", "attribution_batch_from_columns", byref(columns))

    def batch_from_arrow(self, array, schema):
        return self.make("batch", "attribution_batch_from_arrow", byref(array), byref(schema))

    def batch_from_stream(self, stream):
        return self.make("batch", "attribution_batch_from_arrow_stream", stream)

    def append(self, batch, conversion, touches):
        memory = (Touch * len(touches))(*touches) if touches else None
        self.call("attribution_batch_append", batch.pointer, byref(conversion), memory, len(touches))

    @staticmethod
    def _models(models):
        return (c_void_p * len(models))(*(model.pointer.value for model in models)), len(models)

    def calculate(self, models, batch, **options):
        return self.make("result", "attribution_calculate", *self._models(models), batch.pointer,
                         byref(EngineOptions(**options)))

    def calculate_columns(self, models, columns, **options):
        return self.make("result", "attribution_calculate_columns", *self._models(models), byref(columns),
                         byref(EngineOptions(**options)))

    def calculate_ungrouped(self, models, conversions, touches, **options):
        return self.make("result", "attribution_calculate_ungrouped", *self._models(models), byref(conversions),
                         byref(touches), byref(EngineOptions(**options)))

    def credits(self, model, batch, threads=1):
        count = self.c.attribution_batch_touches(batch.pointer)
        credits = (c_double * count)(*[float("nan")] * count)
        self.call("attribution_credits", model.pointer, batch.pointer, threads, credits, count)
        return list(credits)

    def credits_columns(self, model, columns, threads=1):
        count = columns.click_ids.length
        credits = (c_double * count)(*[float("nan")] * count)
        self.call("attribution_credits_columns", model.pointer, byref(columns), threads, credits, count)
        return list(credits)

    def result_models(self, result):
        count = self.c.attribution_result_models(result.pointer)
        return [self.c.attribution_result_model_name(result.pointer, at).decode() for at in range(count)]

    def _rows(self, function, struct, result, model):
        self.call(function, result.pointer, model, byref(struct))
        names = [name for name, _ in struct._fields_[2:]]
        if struct.length == 0:
            assert not any(getattr(struct, name) for name in names), f"{function}: a pointer to no entries"
            return []
        return list(zip(*(getattr(struct, name)[:struct.length] for name in names)))

    def snapshots(self, result, model):
        """Tuples in the order of Snapshots' fields."""
        return self._rows("attribution_result_snapshots", Snapshots(), result, model)

    def touchpoints(self, result, model):
        """Tuples in the order of Touchpoints' fields."""
        return self._rows("attribution_result_touchpoints", Touchpoints(), result, model)
