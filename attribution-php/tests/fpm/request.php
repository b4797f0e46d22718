<?php

declare(strict_types=1);

/*
 * What the load test asks a worker for: `case` says what, `user` whose rows. The answer is JSON.
 */

const MODEL = ['type' => 'time_decay', 'weighting_config' => ['half_life_hours' => 48]];
const MODELS = [
    MODEL,
    ['type' => 'position_based', 'weighting_config' => ['first_touch_weight' => '0.4', 'last_touch_weight' => 0.4]],
    ['type' => 'linear'],
];

// An error that no one can catch still ends in here.
register_shutdown_function(function (): void {
    if ($_GET['case'] === 'abort') {
        $ended = ['pid' => getmypid(), 'aborted' => connection_aborted() === 1, 'returned' => $GLOBALS['returned'] ?? false];
        file_put_contents($_SERVER['ATTRIBUTION_MARK'] . '.new', json_encode($ended));
        rename($_SERVER['ATTRIBUTION_MARK'] . '.new', $_SERVER['ATTRIBUTION_MARK']);
        return;
    }
    $error = error_get_last();
    if ($error !== null) {
        echo json_encode(['pid' => getmypid(), 'case' => $_GET['case'], 'fatal' => $error['message']]);
    }
});

header('Content-Type: application/json');
try {
    $answer = answer((string) $_GET['case']);
} catch (Attribution\Exception $exception) {
    $answer = [
        'exception' => get_class($exception),
        'code' => $exception->errorCode,
        'message' => $exception->getMessage(),
    ];
}
echo json_encode(['pid' => getmypid(), 'case' => $_GET['case']] + $answer, JSON_THROW_ON_ERROR);

/** @return array<string, mixed> */
function answer(string $case): array
{
    return match ($case) {
        'calculate' => calculate(),
        'columns' => columns(),
        'rebuild' => rebuild(null),
        'snapshots' => snapshots(),
        'cancel' => rebuild(fn (string $phase, int $done, int $total): bool => false),
        'throw' => throwInProgress(),
        'abort' => untilTheClientLeaves(),
        'invalid' => attribution_calculate(['type' => 'no_such_model'], conversions(10)),
        'timeout_php' => timeOut(function (): never {
            while (true) {
                attribution_calculate(MODEL, conversions(50));
            }
        }),
        'timeout_native' => timeOut(longCalculation(...)),
        'timeout_progress' => timeOut(fn (): array => rebuild(function (): void {
            while (true) {
                hash('sha256', 'busy');
            }
        })),
    };
}

/** @return list<array<string, mixed>> */
function conversions(int $count): array
{
    $conversions = [];
    for ($number = 1; $number <= $count; $number++) {
        $time = 1_717_200_000 + ($number * 977) % 86_400;
        $journey = [];
        for ($touch = 0; $touch < 1 + $number % 9; $touch++) {
            $journey[] = ['click_id' => $number * 10 + $touch, 'click_time' => $time - ($touch + 1) * 7_919];
        }
        $conversions[] = [
            'conv_id' => $number,
            'click_id' => $number * 10,
            'conv_time' => $time,
            'payout' => sprintf('%d.%05d', $number % 90, ($number * 12_347) % 100_000),
            'cost' => '0.12345',
            'journey' => $journey,
        ];
    }
    return $conversions;
}

/** A decimal with 5 places as a count of 0.00001. */
function units(string $decimal): int
{
    return (int) str_replace('.', '', $decimal);
}

/** @return array<string, mixed> */
function calculate(): array
{
    $conversions = conversions(400);
    $payouts = array_sum(array_map(units(...), array_column($conversions, 'payout')));
    $hash = hash_init('sha256');
    $exact = true;
    foreach (MODELS as $model) {
        $result = attribution_calculate($model, $conversions);
        foreach (['snapshots' => 'attributed_revenue', 'touchpoints' => 'revenue'] as $rows => $column) {
            $sum = array_sum(array_map(units(...), array_column($result[$rows], $column)));
            $exact = $exact && $sum === $payouts;
        }
        hash_update($hash, json_encode($result, JSON_THROW_ON_ERROR));
    }
    return ['sha256' => hash_final($hash), 'exact' => $exact];
}

/** @return array<string, mixed> */
function columns(): array
{
    $columns = array_fill_keys(['conversion_ids', 'converting_click_ids', 'conversion_times'], []);
    $columns += ['payout_units' => [], 'cost_units' => []];
    $columns += ['offsets' => [0], 'click_ids' => [], 'click_times' => []];
    foreach (conversions(400) as $conversion) {
        $columns['conversion_ids'][] = $conversion['conv_id'];
        $columns['converting_click_ids'][] = $conversion['click_id'];
        $columns['conversion_times'][] = $conversion['conv_time'];
        $columns['payout_units'][] = units($conversion['payout']);
        $columns['cost_units'][] = units($conversion['cost']);
        // The oldest first, as columns have to have them.
        foreach (array_reverse($conversion['journey']) as $touch) {
            $columns['click_ids'][] = $touch['click_id'];
            $columns['click_times'][] = $touch['click_time'];
        }
        $columns['offsets'][] = count($columns['click_ids']);
    }
    $packed = attribution_calculate_columns(MODELS, $columns);
    $payouts = array_sum($columns['payout_units']);
    $exact = true;
    foreach ($packed as $result) {
        $exact = $exact && array_sum($result['snapshots']['revenue_units']) === $payouts;
        $exact = $exact && array_sum($result['touchpoints']['revenue_units']) === $payouts;
    }
    $formats = ['conversion_times' => 'L*', 'click_times' => 'L*', 'payout_units' => 'q*', 'cost_units' => 'q*'];
    foreach ($columns as $name => $numbers) {
        $columns[$name] = pack($formats[$name] ?? 'Q*', ...$numbers);
    }
    $binary = attribution_calculate_columns(MODELS, $columns);
    return [
        'sha256' => hash('sha256', json_encode($packed, JSON_THROW_ON_ERROR)),
        'exact' => $exact && $packed === $binary,
    ];
}

/**
 * @param ?callable(string, int, int): mixed $progress
 * @return array<string, mixed>
 */
function rebuild(?callable $progress): array
{
    $options = [
        'user' => (int) $_GET['user'],
        'start' => (int) $_SERVER['ATTRIBUTION_START'],
        'end' => (int) $_SERVER['ATTRIBUTION_END'],
        'wait' => 30,
    ];
    if ($progress !== null) {
        $options['progress'] = $progress;
    }
    $report = attribution_rebuild((string) $_SERVER['ATTRIBUTION_DATABASE'], $options)['users'][0]['report'];
    $models = [];
    foreach ($report['models'] as $model) {
        $sums = [$model['hours'], $model['clicks'], $model['conversions'], (string) $model['revenue']];
        $models[$model['slug']] = $sums;
    }
    return ['conversions' => $report['conversions'], 'touches' => $report['touches'], 'models' => $models];
}

/**
 * What a worker keeps from request to request, beside what is in the database before and afterwards.
 *
 * @return array<string, mixed>
 */
function snapshots(): array
{
    $url = (string) $_SERVER['ATTRIBUTION_DATABASE'];
    $query = [
        'user' => (int) $_GET['user'],
        'model' => 'decay',
        'start' => (int) $_SERVER['ATTRIBUTION_START'],
        'end' => (int) $_SERVER['ATTRIBUTION_END'],
    ];
    $read = fn (bool $cache): array => attribution_snapshots($url, $query + ['cache' => $cache]);
    [$before, $kept, $after] = [$read(false), $read(true), $read(false)];
    // Where a rebuild has come between, it may be of any hour.
    return ['same' => $before !== $after || $kept === $before];
}

/** @return array<string, mixed> */
function untilTheClientLeaves(): array
{
    // The client goes as soon as something comes, which PHP notices when it writes on.
    rebuild(function (): void {
        for ($times = 0; $times < 200; $times++) {
            echo str_repeat(' ', 8192);
            flush();
            usleep(10_000);
        }
    });
    $GLOBALS['returned'] = true;
    return [];
}

/** @return array<string, mixed> */
function throwInProgress(): array
{
    try {
        return rebuild(fn () => throw new DomainException('thrown in progress'));
    } catch (Throwable $exception) {
        // Whether it comes as it is or behind one of the extension's is not what is asked.
        for ($inner = $exception; $inner !== null; $inner = $inner->getPrevious()) {
            if ($inner instanceof DomainException) {
                return ['exception' => DomainException::class];
            }
        }
        throw $exception;
    }
}

/**
 * @param callable(): mixed $work
 * @return array<string, mixed>
 */
function timeOut(callable $work): array
{
    set_time_limit(1);
    $work();
    return ['fatal' => null];
}

/** Calls of seconds each, were it not for the limit. */
function longCalculation(): never
{
    $conversions = 2_000;
    $touches = 50;
    $clickIds = $clickTimes = '';
    for ($touch = 0; $touch < $touches; $touch++) {
        $clickIds .= pack('Q', $touch + 1);
        $clickTimes .= pack('L', 1_717_200_000 + $touch * 3_601);
    }
    $columns = [
        'conversion_ids' => pack('Q*', ...range(1, $conversions)),
        'converting_click_ids' => str_repeat(pack('Q', $touches), $conversions),
        'conversion_times' => str_repeat(pack('L', 1_717_400_000), $conversions),
        'payout_units' => str_repeat(pack('q', 1_234_567), $conversions),
        'cost_units' => str_repeat(pack('q', 5_000), $conversions),
        'offsets' => pack('Q*', ...range(0, $conversions * $touches, $touches)),
        'click_ids' => str_repeat($clickIds, $conversions),
        'click_times' => str_repeat($clickTimes, $conversions),
    ];
    $models = array_fill(0, 3_000, MODEL);
    while (true) {
        attribution_calculate_columns($models, $columns, ['touchpoints' => false]);
    }
}
