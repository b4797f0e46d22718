<?php

declare(strict_types=1);

$result = attribution_calculate(
    ['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 48]],
    [[
        'conv_id' => 1,
        'click_id' => 12,
        'conv_time' => 1717232400,
        'click_time' => 1717232400,
        'payout' => '35.00',
        'cost' => 0,
        'journey' => [
            ['click_id' => 10, 'click_time' => 1717059600],
            ['click_id' => 11, 'click_time' => 1717146000],
        ],
    ]],
    ['scopes' => 'global'],
);
foreach ($result['touchpoints'] as $touch) {
    echo "click {$touch['click_id']}: {$touch['stored_credit']} of it, {$touch['revenue']}\n";
}
try {
    attribution_validate_model(['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 0]]);
} catch (Attribution\Exception $exception) {
    echo "{$exception->field} [{$exception->errorCode}]\n";
}
