/*
 * attribution.hpp - attribution.h for C++17: handles that free themselves, failures as exceptions.
 *
 * A thin layer that is compiled into the program: it adds nothing to the ABI. What each function does,
 * takes and gives is said in attribution.h. Each class owns a handle, can be moved and not copied, and gives
 * the handle by get() to whatever of attribution.h has no name here.
 */
#ifndef ATTRIBUTION_HPP
#define ATTRIBUTION_HPP

#include "attribution.h"

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace attribution {

/* A call that failed: what() is for a person, place() the field or row at fault. */
class Error : public std::runtime_error {
public:
    Error(attribution_status status, const std::string &message, std::string place)
        : std::runtime_error(message), status_(status), place_(std::move(place)) {}

    attribution_status status() const noexcept { return status_; }
    const std::string &place() const noexcept { return place_; }

private:
    attribution_status status_;
    std::string place_;
};

namespace detail {

/* A handle that is freed with its owner. */
template <class T, void (*Free)(T **)>
class Handle {
public:
    Handle() = default;
    explicit Handle(T *handle) noexcept : handle_(handle) {}
    Handle(Handle &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Handle &operator=(Handle &&other) noexcept {
        if (this != &other) {
            Free(&handle_);
            handle_ = std::exchange(other.handle_, nullptr);
        }
        return *this;
    }
    Handle(const Handle &) = delete;
    Handle &operator=(const Handle &) = delete;
    ~Handle() { Free(&handle_); }

    T *get() const noexcept { return handle_; }
    T **out() noexcept { return &handle_; }
    T *release() noexcept { return std::exchange(handle_, nullptr); }

private:
    T *handle_ = nullptr;
};

/* Makes a call, and throws what it tells. */
template <class Call>
void call(Call &&make) {
    Handle<attribution_error, attribution_error_free> error(attribution_error_new());
    const attribution_status status = make(error.get());
    if (status != ATTRIBUTION_STATUS_OK) {
        throw Error(status, attribution_error_message(error.get()), attribution_error_place(error.get()));
    }
}

/* A text of the library's; empty where the object was moved away. */
inline std::string text(const char *given) { return given == nullptr ? std::string() : std::string(given); }

/* A text for the library, which would end it at its first NUL. */
inline const char *text(const std::string &given) {
    if (given.find('\0') != std::string::npos) {
        throw Error(ATTRIBUTION_STATUS_INVALID_ARGUMENT, "found a text with a NUL in it, allowed: a text without", "");
    }
    return given.c_str();
}

} // namespace detail

/* Entries that something else owns. */
template <class T>
class View {
public:
    View(const T *data, std::size_t size) noexcept : data_(data), size_(size) {}
    const T *begin() const noexcept { return data_; }
    const T *end() const noexcept { return size_ == 0 ? data_ : data_ + size_; }
    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }
    const T &operator[](std::size_t at) const noexcept { return data_[at]; }

private:
    const T *data_;
    std::size_t size_;
};

/* A vector as a slice, for as long as the vector is there and does not grow. */
inline attribution_u8_slice slice(const std::vector<std::uint8_t> &values) { return {values.data(), values.size()}; }
inline attribution_u32_slice slice(const std::vector<std::uint32_t> &values) { return {values.data(), values.size()}; }
inline attribution_i64_slice slice(const std::vector<std::int64_t> &values) { return {values.data(), values.size()}; }
inline attribution_u64_slice slice(const std::vector<std::uint64_t> &values) { return {values.data(), values.size()}; }
inline attribution_size_slice offsets(const std::vector<std::size_t> &values) { return {values.data(), values.size()}; }
/* One that is gone before the slice is looked at. */
template <class T>
void slice(const std::vector<T> &&values) = delete;
template <class T>
void offsets(const std::vector<T> &&values) = delete;

class Model {
public:
    static Model from_spec(const std::string &spec) {
        Model model;
        detail::call([&](attribution_error *error) {
            return attribution_model_from_spec(detail::text(spec), model.handle_.out(), error);
        });
        return model;
    }
    static Model from_json(const std::string &json) {
        Model model;
        detail::call([&](attribution_error *error) {
            return attribution_model_from_json(detail::text(json), model.handle_.out(), error);
        });
        return model;
    }
    static Model from_fields(const attribution_model_fields &fields) {
        Model model;
        detail::call([&](attribution_error *error) {
            return attribution_model_from_fields(&fields, model.handle_.out(), error);
        });
        return model;
    }

    std::string name() const { return detail::text(attribution_model_name(get())); }
    std::string slug() const { return detail::text(attribution_model_slug(get())); }
    std::string json() const { return detail::text(attribution_model_json(get())); }
    const attribution_model *get() const noexcept { return handle_.get(); }

private:
    Model() = default;
    detail::Handle<attribution_model, attribution_model_free> handle_;
};

class Batch {
public:
    Batch() {
        detail::call([&](attribution_error *error) { return attribution_batch_new(handle_.out(), error); });
    }
    explicit Batch(const attribution_columns &columns) {
        detail::call([&](attribution_error *error) {
            return attribution_batch_from_columns(&columns, handle_.out(), error);
        });
    }
    /* Takes the array and the schema over. */
    Batch(struct ArrowArray *array, struct ArrowSchema *schema) {
        detail::call([&](attribution_error *error) {
            return attribution_batch_from_arrow(array, schema, handle_.out(), error);
        });
    }
    /* Takes the stream over. */
    explicit Batch(struct ArrowArrayStream *stream) {
        detail::call([&](attribution_error *error) {
            return attribution_batch_from_arrow_stream(stream, handle_.out(), error);
        });
    }
    /* Takes a handle over. */
    explicit Batch(attribution_batch *handle) noexcept : handle_(handle) {}

    void append(const attribution_conversion &conversion, const std::vector<attribution_touch> &touches) {
        detail::call([&](attribution_error *error) {
            return attribution_batch_append(handle_.get(), &conversion, touches.data(), touches.size(), error);
        });
    }
    std::size_t conversions() const noexcept { return attribution_batch_conversions(get()); }
    std::size_t touches() const noexcept { return attribution_batch_touches(get()); }
    const attribution_batch *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<attribution_batch, attribution_batch_free> handle_;
};

class Journeys {
public:
    Journeys(const attribution_clicks &clicks, const attribution_conversions &conversions,
             const attribution_journey_options &options = ATTRIBUTION_JOURNEY_OPTIONS_INIT) {
        detail::call([&](attribution_error *error) {
            return attribution_journeys_assemble(&clicks, &conversions, &options, handle_.out(), error);
        });
    }

    /* Valid for as long as the journeys are. */
    attribution_journey_columns columns() const && = delete;
    attribution_journey_columns columns() const & {
        attribution_journey_columns columns = ATTRIBUTION_JOURNEY_COLUMNS_INIT;
        detail::call([&](attribution_error *error) {
            return attribution_journeys_columns(handle_.get(), &columns, error);
        });
        return columns;
    }
    Batch batch(std::uint32_t scopes) const {
        attribution_batch *batch = nullptr;
        detail::call([&](attribution_error *error) {
            return attribution_journeys_batch(handle_.get(), scopes, &batch, error);
        });
        return Batch(batch);
    }

private:
    detail::Handle<attribution_journeys, attribution_journeys_free> handle_;
};

class Result {
public:
    /* Takes a handle over. */
    explicit Result(attribution_result *handle) noexcept : handle_(handle) {}

    std::size_t models() const noexcept { return attribution_result_models(get()); }
    /* Valid for as long as the result is. */
    attribution_snapshots snapshots(std::size_t model) const && = delete;
    attribution_snapshots snapshots(std::size_t model) const & {
        attribution_snapshots snapshots = ATTRIBUTION_SNAPSHOTS_INIT;
        detail::call([&](attribution_error *error) {
            return attribution_result_snapshots(get(), model, &snapshots, error);
        });
        return snapshots;
    }
    /* Valid for as long as the result is. */
    attribution_touchpoints touchpoints(std::size_t model) const && = delete;
    attribution_touchpoints touchpoints(std::size_t model) const & {
        attribution_touchpoints touchpoints = ATTRIBUTION_TOUCHPOINTS_INIT;
        detail::call([&](attribution_error *error) {
            return attribution_result_touchpoints(get(), model, &touchpoints, error);
        });
        return touchpoints;
    }
    std::uint64_t export_file(attribution_format format, const std::string &path) const {
        std::uint64_t rows = 0;
        detail::call([&](attribution_error *error) {
            return attribution_result_export_file(get(), format, detail::text(path), &rows, error);
        });
        return rows;
    }
    std::uint64_t export_to(attribution_format format, std::ostream &out) const {
        std::uint64_t rows = 0;
        Writing writing{out, nullptr};
        const auto exported = [&](attribution_error *error) {
            return attribution_result_export(get(), format, write, &writing, &rows, error);
        };
        try {
            detail::call(exported);
        } catch (const Error &) {
            if (writing.thrown) {
                std::rethrow_exception(writing.thrown);
            }
            throw;
        }
        return rows;
    }
    const attribution_result *get() const noexcept { return handle_.get(); }

private:
    struct Writing {
        std::ostream &out;
        std::exception_ptr thrown;
    };
    /* An exception may not pass through the library: it waits on this side. */
    static std::int32_t write(const std::uint8_t *data, std::size_t length, void *context) noexcept {
        auto &writing = *static_cast<Writing *>(context);
        try {
            writing.out.write(reinterpret_cast<const char *>(data), static_cast<std::streamsize>(length));
            return writing.out.good() ? 0 : 1;
        } catch (...) {
            writing.thrown = std::current_exception();
            return 1;
        }
    }
    detail::Handle<attribution_result, attribution_result_free> handle_;
};

namespace detail {

/* Calculates with the handles of models, which are all there meanwhile. */
template <class Models, class Calculate>
Result calculate(const Models &models, Calculate &&make) {
    std::vector<const attribution_model *> handles;
    for (const Model &model : models) {
        handles.push_back(model.get());
    }
    attribution_result *result = nullptr;
    call([&](attribution_error *error) { return make(handles.data(), handles.size(), &result, error); });
    return Result(result);
}

} // namespace detail

/* `models` is a container of Model, such as a vector. */
template <class Models>
Result calculate(const Models &models, const Batch &batch,
                 const attribution_engine_options &options = ATTRIBUTION_ENGINE_OPTIONS_INIT) {
    return detail::calculate(models, [&](auto handles, auto count, auto result, auto error) {
        return attribution_calculate(handles, count, batch.get(), &options, result, error);
    });
}
template <class Models>
Result calculate(const Models &models, const attribution_columns &columns,
                 const attribution_engine_options &options = ATTRIBUTION_ENGINE_OPTIONS_INIT) {
    return detail::calculate(models, [&](auto handles, auto count, auto result, auto error) {
        return attribution_calculate_columns(handles, count, &columns, &options, result, error);
    });
}
template <class Models>
Result calculate(const Models &models, const attribution_conversion_columns &conversions,
                 const attribution_touch_columns &touches,
                 const attribution_engine_options &options = ATTRIBUTION_ENGINE_OPTIONS_INIT) {
    return detail::calculate(models, [&](auto handles, auto count, auto result, auto error) {
        return attribution_calculate_ungrouped(handles, count, &conversions, &touches, &options, result, error);
    });
}

/* Each touch's credit under one model. */
inline std::vector<double> credits(const Model &model, const Batch &batch, std::uint32_t threads = 1) {
    std::vector<double> credits(batch.touches());
    detail::call([&](attribution_error *error) {
        return attribution_credits(model.get(), batch.get(), threads, credits.data(), credits.size(), error);
    });
    return credits;
}

class Report {
public:
    /* Takes a handle over. */
    explicit Report(attribution_report *handle) noexcept : handle_(handle) {}

    std::size_t users() const noexcept { return attribution_report_users(get()); }
    /* Its texts are valid for as long as the report is. */
    attribution_user_report user(std::size_t index) const && = delete;
    attribution_user_report user(std::size_t index) const & {
        attribution_user_report fields = ATTRIBUTION_USER_REPORT_INIT;
        detail::call([&](attribution_error *error) {
            return attribution_report_user(get(), index, &fields, error);
        });
        return fields;
    }
    std::string json() const { return detail::text(attribution_report_json(get())); }
    const attribution_report *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<attribution_report, attribution_report_free> handle_;
};

/* Models side by side. */
class Comparison {
public:
    /* Takes a handle over. */
    explicit Comparison(attribution_comparison *handle) noexcept : handle_(handle) {}

    /* Its text is valid for as long as the comparison is. */
    attribution_comparison_fields fields() const && = delete;
    attribution_comparison_fields fields() const & {
        attribution_comparison_fields fields = ATTRIBUTION_COMPARISON_FIELDS_INIT;
        detail::call([&](attribution_error *error) { return attribution_comparison_get(get(), &fields, error); });
        return fields;
    }
    std::size_t rows() const { return fields().rows; }
    /* Its texts are valid for as long as the comparison is. */
    attribution_comparison_row row(std::size_t index) const && = delete;
    attribution_comparison_row row(std::size_t index) const & {
        attribution_comparison_row row = ATTRIBUTION_COMPARISON_ROW_INIT;
        detail::call([&](attribution_error *error) {
            return attribution_comparison_row_get(get(), index, &row, error);
        });
        return row;
    }
    std::string json() const { return detail::text(attribution_comparison_json(get())); }
    const attribution_comparison *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<attribution_comparison, attribution_comparison_free> handle_;
};

/* What a dashboard shows. */
class Overview {
public:
    /* Takes a handle over. */
    explicit Overview(attribution_overview *handle) noexcept : handle_(handle) {}

    /* Its text is valid for as long as the overview is. */
    attribution_overview_fields fields() const && = delete;
    attribution_overview_fields fields() const & {
        attribution_overview_fields fields = ATTRIBUTION_OVERVIEW_FIELDS_INIT;
        detail::call([&](attribution_error *error) { return attribution_overview_get(get(), &fields, error); });
        return fields;
    }
    std::string json() const { return detail::text(attribution_overview_json(get())); }
    /* For attribution_overview_hours, _mix and _anomaly. */
    const attribution_overview *get() const noexcept { return handle_.get(); }

private:
    detail::Handle<attribution_overview, attribution_overview_free> handle_;
};

/* A job for several users of which some failed. The report says what came of each. */
class JobError : public Error {
public:
    JobError(const Error &error, Report report)
        : Error(error), report_(std::make_shared<Report>(std::move(report))) {}

    const Report &report() const noexcept { return *report_; }

private:
    /* Exceptions are copied. */
    std::shared_ptr<Report> report_;
};

/* What a check found. */
struct Finding {
    attribution_severity severity;
    std::string subject;
    std::string found;
    /* Empty where nothing is to be done. */
    std::string remedy;
};

class Store {
public:
    /* Is told how far a job has come; false ends it. */
    using Progress = std::function<bool(attribution_phase phase, std::uint64_t done, std::uint64_t total)>;

    explicit Store(const std::string &url) {
        detail::call([&](attribution_error *error) {
            return attribution_store_open(detail::text(url), nullptr, handle_.out(), error);
        });
    }
    Store(const std::string &url, const std::string &replica_url) {
        detail::call([&](attribution_error *error) {
            return attribution_store_open(detail::text(url), detail::text(replica_url), handle_.out(), error);
        });
    }

    void install() const {
        detail::call([&](attribution_error *error) { return attribution_store_install(get(), error); });
    }
    std::vector<Finding> check() const {
        detail::Handle<attribution_findings, attribution_findings_free> findings;
        detail::call([&](attribution_error *error) {
            return attribution_store_check(get(), findings.out(), error);
        });
        std::vector<Finding> found;
        for (std::size_t at = 0; at < attribution_findings_count(findings.get()); ++at) {
            attribution_finding finding = ATTRIBUTION_FINDING_INIT;
            detail::call([&](attribution_error *error) {
                return attribution_findings_get(findings.get(), at, &finding, error);
            });
            found.push_back({static_cast<attribution_severity>(finding.severity), detail::text(finding.subject),
                             detail::text(finding.found), detail::text(finding.remedy)});
        }
        return found;
    }
    /* Throws JobError where some of several users failed, and what `progress` throws. */
    Report backfill(const attribution_backfill_options &options, const Progress &progress = nullptr) const {
        return job(attribution_store_backfill, options, progress);
    }
    /* Throws JobError where some of several users failed, and what `progress` throws. */
    Report rebuild(const attribution_rebuild_options &options, const Progress &progress = nullptr) const {
        return job(attribution_store_rebuild, options, progress);
    }
    /* Throws JobError where some of several users failed, and what `progress` throws. */
    Report purge(const attribution_purge_options &options, const Progress &progress = nullptr) const {
        return job(attribution_store_purge, options, progress);
    }
    /* `models` takes the place of those in the options: slugs of stored ones, or texts as Model::from_spec
       takes them. Throws what `progress` throws. */
    Comparison compare(const std::vector<std::string> &models, attribution_compare_options options,
                       const Progress &progress = nullptr) const {
        std::vector<const char *> texts;
        texts.reserve(models.size());
        for (const std::string &model : models) {
            texts.push_back(detail::text(model));
        }
        options.models = texts.data();
        options.model_count = texts.size();
        Telling telling{progress, nullptr};
        detail::Handle<attribution_comparison, attribution_comparison_free> given;
        try {
            detail::call([&](attribution_error *error) {
                return attribution_store_compare(get(), &options, tell, &telling, given.out(), error);
            });
        } catch (const Error &) {
            if (telling.thrown) {
                std::rethrow_exception(telling.thrown);
            }
            throw;
        }
        return Comparison(given.release());
    }
    Overview overview(const attribution_overview_options &options) const {
        detail::Handle<attribution_overview, attribution_overview_free> given;
        detail::call([&](attribution_error *error) {
            return attribution_store_overview(get(), &options, given.out(), error);
        });
        return Overview(given.release());
    }
    const attribution_store *get() const noexcept { return handle_.get(); }

private:
    struct Telling {
        const Progress &progress;
        std::exception_ptr thrown;
    };
    /* An exception may not pass through the library: it waits on this side. */
    static std::int32_t tell(std::uint32_t phase, std::uint64_t done, std::uint64_t total,
                             void *context) noexcept {
        auto &telling = *static_cast<Telling *>(context);
        if (!telling.progress) {
            return 0;
        }
        try {
            return telling.progress(static_cast<attribution_phase>(phase), done, total) ? 0 : 1;
        } catch (...) {
            telling.thrown = std::current_exception();
            return 1;
        }
    }
    template <class Job, class Options>
    Report job(Job run, const Options &options, const Progress &progress) const {
        Telling telling{progress, nullptr};
        detail::Handle<attribution_report, attribution_report_free> given;
        try {
            detail::call([&](attribution_error *error) {
                return run(get(), &options, tell, &telling, given.out(), error);
            });
        } catch (const Error &error) {
            if (telling.thrown) {
                std::rethrow_exception(telling.thrown);
            }
            if (given.get() != nullptr) {
                throw JobError(error, Report(given.release()));
            }
            throw;
        }
        return Report(given.release());
    }
    detail::Handle<attribution_store, attribution_store_free> handle_;
};

} // namespace attribution

#endif // ATTRIBUTION_HPP
