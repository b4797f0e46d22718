<?php

declare(strict_types=1);

namespace Attribution\Benches;

use mysqli;

/**
 * A rebuild in plain PHP, the way the host does it: hour by hour, old rows deleted first, new ones inserted
 * one by one through prepared statements, outside of any transaction. Where the host could do better without
 * changing that way, this does: all is read once and not hour by hour. It can be told to make each hour one
 * transaction, which the host does not.
 */
final class PhpRebuild
{
    public function __construct(private readonly mysqli $database, private readonly bool $inTransactions)
    {
    }

    /** Rebuilds the hours of a window, which starts and ends on whole hours. */
    public function run(int $userId, int $start, int $end): void
    {
        $hours = $this->conversionsByHour($userId, $start, $end);
        foreach ($this->models($userId) as $modelId => $model) {
            $this->rebuildModel($userId, $modelId, new PhpAttribution($model), $hours, $start, $end);
        }
    }

    /** @return array<int, array<string, mixed>> */
    private function models(int $userId): array
    {
        $result = $this->database->execute_query(
            'SELECT model_id, model_type, weighting_config FROM 202_attribution_models
             WHERE user_id = ? AND is_active = 1 ORDER BY model_id',
            [$userId],
        );
        $models = [];
        foreach ($result as $row) {
            $models[(int) $row['model_id']] = [
                'type' => $row['model_type'],
                'weighting_config' => json_decode($row['weighting_config'] ?? 'null', true) ?? [],
            ];
        }
        return $models;
    }

    /** @return array<int, list<array<string, mixed>>> */
    private function conversionsByHour(int $userId, int $start, int $end): array
    {
        $conversions = [];
        $result = $this->database->execute_query(
            'SELECT l.conv_id, l.click_id, l.conv_time, l.click_time, l.click_payout, MIN(c.click_cpc) AS cost
             FROM 202_conversion_logs l
             LEFT JOIN 202_clicks c ON c.click_id = l.click_id AND c.user_id = l.user_id
             WHERE l.user_id = ? AND l.conv_time >= ? AND l.conv_time < ? AND l.deleted = 0
             GROUP BY l.conv_id ORDER BY l.conv_time, l.conv_id',
            [$userId, $start, $end],
        );
        foreach ($result as $row) {
            $conversions[(int) $row['conv_id']] = [
                'conv_id' => (int) $row['conv_id'],
                'click_id' => (int) $row['click_id'],
                'conv_time' => (int) $row['conv_time'],
                'click_time' => (int) $row['click_time'],
                'payout' => $row['click_payout'],
                'cost' => $row['cost'] ?? '0',
                'journey' => [],
            ];
        }
        $result = $this->database->execute_query(
            'SELECT t.conv_id, t.click_id, t.click_time
             FROM 202_conversion_touchpoints t JOIN 202_conversion_logs l ON l.conv_id = t.conv_id
             WHERE l.user_id = ? AND l.conv_time >= ? AND l.conv_time < ? AND l.deleted = 0
             ORDER BY t.conv_id, t.position',
            [$userId, $start, $end],
        );
        foreach ($result as $row) {
            $conversions[(int) $row['conv_id']]['journey'][] = [
                'click_id' => (int) $row['click_id'],
                'click_time' => (int) $row['click_time'],
            ];
        }
        $hours = [];
        foreach ($conversions as $conversion) {
            if ($conversion['journey'] === []) {
                $conversion['journey'][] = [
                    'click_id' => $conversion['click_id'],
                    'click_time' => $conversion['click_time'],
                ];
            }
            $hours[$conversion['conv_time'] - $conversion['conv_time'] % 3600][] = $conversion;
        }
        return $hours;
    }

    /** @param array<int, list<array<string, mixed>>> $hours */
    private function rebuildModel(
        int $userId,
        int $modelId,
        PhpAttribution $attribution,
        array $hours,
        int $start,
        int $end,
    ): void {
        $hour = $now = $snapshotId = $conversionId = $clickId = $position = $clicks = $conversions = 0;
        $revenue = $cost = $credit = '0';
        $deleteCredits = $this->database->prepare(
            "DELETE t FROM 202_attribution_touchpoints t JOIN 202_attribution_snapshots s USING (snapshot_id)
             WHERE s.model_id = ? AND s.date_hour = ? AND s.scope_type = 'global'",
        );
        $deleteCredits->bind_param('ii', $modelId, $hour);
        $deleteSnapshots = $this->database->prepare(
            "DELETE FROM 202_attribution_snapshots WHERE model_id = ? AND date_hour = ? AND scope_type = 'global'",
        );
        $deleteSnapshots->bind_param('ii', $modelId, $hour);
        $insertSnapshot = $this->database->prepare(
            "INSERT INTO 202_attribution_snapshots (model_id, user_id, scope_type, scope_id, date_hour,
             lookback_start, lookback_end, attributed_clicks, attributed_conversions, attributed_revenue,
             attributed_cost, created_at) VALUES (?, ?, 'global', NULL, ?, ?, ?, ?, ?, ?, ?, ?)",
        );
        $insertSnapshot->bind_param(
            'iiiiiiissi',
            $modelId,
            $userId,
            $hour,
            $start,
            $end,
            $clicks,
            $conversions,
            $revenue,
            $cost,
            $now,
        );
        $insertCredit = $this->database->prepare(
            'INSERT INTO 202_attribution_touchpoints (snapshot_id, conv_id, click_id, position, credit, weight,
             created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
        );
        $insertCredit->bind_param(
            'iiiissi',
            $snapshotId,
            $conversionId,
            $clickId,
            $position,
            $credit,
            $credit,
            $now,
        );
        for ($hour = $start; $hour < $end; $hour += 3600) {
            $now = time();
            if ($this->inTransactions) {
                $this->database->begin_transaction();
            }
            $deleteCredits->execute();
            $deleteSnapshots->execute();
            if (isset($hours[$hour])) {
                ['snapshots' => [$snapshot], 'touchpoints' => $touchpoints] =
                    $attribution->calculate($hours[$hour], false);
                $clicks = $snapshot['attributed_clicks'];
                $conversions = $snapshot['attributed_conversions'];
                $revenue = $snapshot['attributed_revenue'];
                $cost = $snapshot['attributed_cost'];
                $insertSnapshot->execute();
                $snapshotId = $this->database->insert_id;
                foreach ($touchpoints as $touchpoint) {
                    $conversionId = $touchpoint['conv_id'];
                    $clickId = $touchpoint['click_id'];
                    $position = $touchpoint['position'];
                    $credit = $touchpoint['stored_credit'];
                    $insertCredit->execute();
                }
            }
            if ($this->inTransactions) {
                $this->database->commit();
            }
        }
    }
}
