// The same journey under two models, with what each touch earns.
#include <attribution.hpp>

#include <iostream>

int main() try {
    std::vector<attribution::Model> models;
    models.push_back(attribution::Model::from_spec("linear"));
    models.push_back(attribution::Model::from_json(
        R"({"name": "Two days", "type": "time_decay", "weighting_config": {"half_life_hours": 48}})"));

    attribution_touch converting{};
    converting.click_id = 12;
    converting.click_time = 1717232400;
    std::vector<attribution_touch> touches(2, converting);
    touches[0].click_id = 10;
    touches[0].click_time = 1717059600;
    touches[1].click_id = 11;
    touches[1].click_time = 1717146000;
    attribution_conversion conversion{};
    conversion.conversion_id = 1;
    conversion.conversion_time = 1717232400;
    conversion.payout = 3500000; // 35.00, in 0.00001
    conversion.click = converting;

    attribution::Batch batch;
    batch.append(conversion, touches);
    attribution_engine_options options = ATTRIBUTION_ENGINE_OPTIONS_INIT;
    options.touchpoints = 1;
    const attribution::Result result = attribution::calculate(models, batch, options);
    for (std::size_t model = 0; model < result.models(); ++model) {
        const attribution_touchpoints rows = result.touchpoints(model);
        std::cout << models[model].name() << ':';
        for (const std::int64_t revenue : attribution::View(rows.revenues, rows.length)) {
            std::cout << ' ' << revenue;
        }
        std::cout << '\n';
    }
    result.export_to(ATTRIBUTION_FORMAT_CSV, std::cout);
    return 0;
} catch (const attribution::Error &error) {
    std::cerr << error.place() << ": " << error.what() << '\n';
    return 1;
}
