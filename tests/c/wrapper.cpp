/*
 * attribution.hpp: what C++ sees is what C sees, handles free themselves, failures are exceptions, and an
 * exception of a callback's comes back out of the call.
 */
#include <attribution.hpp>

#include "check.h"

#include <ostream>
#include <sstream>
#include <streambuf>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using attribution::Batch;
using attribution::Error;
using attribution::Model;
using attribution::Result;
using attribution::Store;
using attribution::View;

static_assert(std::is_nothrow_move_constructible<Model>::value, "moved");
static_assert(!std::is_copy_constructible<Batch>::value, "not copied");

/* A stream that throws at its second write. */
class Throwing : public std::streambuf {
public:
    int writes = 0;

protected:
    std::streamsize xsputn(const char *, std::streamsize count) override {
        if (++writes == 2) {
            throw std::string("full");
        }
        return count;
    }
};

template <class Call>
static Error thrown_by(Call call) {
    try {
        call();
    } catch (const Error &error) {
        return error;
    }
    return Error(ATTRIBUTION_STATUS_OK, "nothing was thrown", "");
}

static void models() {
    Model model = Model::from_spec("U=position_based:first_touch_weight=0.4,last_touch_weight=0.4");
    CHECK(model.name() == "U" && model.slug() == "u");
    CHECK(Model::from_json(model.json()).json() == model.json());
    attribution_model_fields fields = ATTRIBUTION_MODEL_FIELDS_INIT;
    fields.kind = ATTRIBUTION_KIND_TIME_DECAY;
    const Error error = thrown_by([&] { Model::from_fields(fields); });
    CHECK(error.status() == ATTRIBUTION_STATUS_INVALID_MODEL);
    CHECK(error.place() == "half_life_hours");
    CHECK(std::string(error.what()).find("0 was given") != std::string::npos);

    Model moved = std::move(model);
    CHECK(model.get() == nullptr && model.name().empty() && moved.name() == "U");
    const std::string with_nul("linear\0x", 8);
    CHECK(thrown_by([&] { Model::from_spec(with_nul); }).status() == ATTRIBUTION_STATUS_INVALID_ARGUMENT);
    moved = Model::from_spec("linear");
    CHECK(moved.name() == "linear");
    Model &same = moved;
    moved = std::move(same);
    CHECK(moved.name() == "linear");
}

static void results() {
    std::vector<Model> models;
    models.push_back(Model::from_spec("linear"));
    models.push_back(Model::from_spec("last_touch"));
    const attribution_columns columns = two_columns();
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    options.touchpoints = 1;
    options.scopes = ATTRIBUTION_SCOPES_GLOBAL | ATTRIBUTION_SCOPES_CAMPAIGN;

    const Batch batch(columns);
    CHECK_NUMBER(batch.conversions(), 2);
    CHECK_NUMBER(batch.touches(), 5);
    const Result result = attribution::calculate(models, batch, options);
    const Result of_columns = attribution::calculate(models, columns, options);
    CHECK_NUMBER(result.models(), 2);
    for (std::size_t model = 0; model < result.models(); ++model) {
        const attribution_touchpoints rows = result.touchpoints(model);
        const attribution_touchpoints same = of_columns.touchpoints(model);
        CHECK_NUMBER(rows.length, same.length);
        CHECK(memcmp(rows.credits, same.credits, rows.length * sizeof *rows.credits) == 0);
        std::int64_t sum = 0;
        for (const std::int64_t revenue : View(rows.revenues, rows.length)) {
            sum += revenue;
        }
        CHECK_NUMBER(sum, two_payouts[0] + two_payouts[1]);
    }
    CHECK_NUMBER(result.snapshots(0).length, 5);
    const std::vector<double> credits = attribution::credits(models[0], batch);
    CHECK_NUMBER(credits.size(), 5);
    CHECK_REAL(credits[3], 0.5);

    const Error beyond = thrown_by([&] { result.snapshots(2); });
    CHECK(beyond.status() == ATTRIBUTION_STATUS_INVALID_ARGUMENT && beyond.place() == "model");

    std::ostringstream text;
    /* The converting click of the second has no campaign: 5 of linear, 3 of last touch. */
    CHECK_NUMBER(result.export_to(ATTRIBUTION_FORMAT_CSV, text), 8);
    CHECK(text.str().rfind("Date (UTC),Model,", 0) == 0);
    /* What was put into the stream's buffer throws, and the exception itself comes back. */
    Throwing buffer;
    std::ostream throwing(&buffer);
    throwing.exceptions(std::ios::badbit);
    bool caught = false;
    try {
        buffer.writes = 1;
        result.export_to(ATTRIBUTION_FORMAT_CSV, throwing);
    } catch (const std::string &what) {
        caught = what == "full";
    }
    CHECK(caught);
    std::ostream failing(nullptr);
    CHECK(thrown_by([&] { result.export_to(ATTRIBUTION_FORMAT_CSV, failing); }).status() == ATTRIBUTION_STATUS_IO);
    CHECK(thrown_by([&] { result.export_file(ATTRIBUTION_FORMAT_CSV, "/no/such/folder/x.csv"); }).status() ==
          ATTRIBUTION_STATUS_IO);
}

static void rows() {
    Batch batch;
    attribution_conversion conversion = {};
    conversion.conversion_id = 1;
    conversion.payout = 100000;
    conversion.click.click_id = 5;
    batch.append(conversion, {});
    conversion.cost = -1;
    const Error error = thrown_by([&] { batch.append(conversion, {}); });
    CHECK(error.status() == ATTRIBUTION_STATUS_INVALID_INPUT && error.place() == "costs[1]");
    CHECK_NUMBER(batch.conversions(), 1);
}

static void journeys() {
    const std::vector<std::uint64_t> click_ids = {1, 2};
    const std::vector<std::uint32_t> click_times = {100, 200};
    const std::vector<std::uint64_t> visitors = {9, 9};
    const std::vector<std::uint64_t> campaigns = {3, 3};
    const std::vector<std::uint64_t> conversion_ids = {1};
    const std::vector<std::uint64_t> converting = {2};
    const std::vector<std::uint32_t> times = {300};
    const std::vector<std::int64_t> payouts = {100000};
    attribution_clicks clicks = ATTRIBUTION_CLICKS_INIT;
    clicks.click_ids = attribution::slice(click_ids);
    clicks.click_times = attribution::slice(click_times);
    clicks.visitors = attribution::slice(visitors);
    clicks.campaign_ids = attribution::slice(campaigns);
    attribution_conversions conversions = ATTRIBUTION_CONVERSIONS_INIT;
    conversions.conversion_ids = attribution::slice(conversion_ids);
    conversions.click_ids = attribution::slice(converting);
    conversions.conversion_times = attribution::slice(times);
    conversions.payouts = attribution::slice(payouts);
    const attribution::Journeys assembled(clicks, conversions);
    CHECK_NUMBER(assembled.columns().touches, 2);
    CHECK_NUMBER(assembled.batch(ATTRIBUTION_SCOPES_CAMPAIGN).touches(), 2);
}

static void store() {
    const Error wrong = thrown_by([] { Store("nonsense"); });
    CHECK(wrong.status() == ATTRIBUTION_STATUS_INVALID_INPUT);
    const Store store("mysql://app:hush@127.0.0.1:1/none");
    attribution_rebuild_options options = ATTRIBUTION_REBUILD_OPTIONS_INIT;
    options.user_id = 1;
    options.end = 3600;
    const Error away = thrown_by([&] { store.rebuild(options, [](auto, auto, auto) { return true; }); });
    CHECK(away.status() == ATTRIBUTION_STATUS_DATABASE);
    CHECK(std::string(away.what()).find("hush") == std::string::npos);

    attribution_compare_options compared = ATTRIBUTION_COMPARE_OPTIONS_INIT;
    compared.user_id = 1;
    compared.end = 3600;
    CHECK(thrown_by([&] { store.compare({"linear"}, compared); }).status() == ATTRIBUTION_STATUS_DATABASE);
    compared.resamples = 1;
    CHECK(thrown_by([&] { store.compare({"linear"}, compared); }).place() == "resamples");
    attribution_overview_options seen = ATTRIBUTION_OVERVIEW_OPTIONS_INIT;
    seen.end = 3600;
    seen.model = "linear";
    CHECK(thrown_by([&] { store.overview(seen); }).status() == ATTRIBUTION_STATUS_DATABASE);
    attribution_purge_options purged = ATTRIBUTION_PURGE_OPTIONS_INIT;
    CHECK(thrown_by([&] { store.purge(purged); }).place() == "target");
    const attribution::Comparison none(nullptr);
    CHECK(thrown_by([&] { none.row(0); }).status() == ATTRIBUTION_STATUS_INVALID_ARGUMENT);
    const attribution::Overview nothing(nullptr);
    CHECK(thrown_by([&] { nothing.fields(); }).status() == ATTRIBUTION_STATUS_INVALID_ARGUMENT);
}

int main() {
    models();
    results();
    rows();
    journeys();
    store();
    return checks_done("wrapper");
}
