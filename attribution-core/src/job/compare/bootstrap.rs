//! The Poisson bootstrap: how often a conversion counts in each resample, and percentiles of the sums.
//!
//! In resample `b` conversion `i` counts as often as a draw from Poisson(1) says (Chamandy et al.,
//! "Estimating Uncertainty for Massive Data Streams", 2012). Unlike a draw of a fixed number with
//! replacement, this needs neither the number of conversions nor the others' draws, and lets the number of
//! conversions vary as it does from day to day.
//!
//! The draws are counter-based: with `mix` the finalizer of `SplitMix64` (Steele, Lea and Flood, "Fast
//! splittable pseudorandom number generators", 2014; Stafford's variant 13) and `G` = 2^64 over the
//! golden ratio, the word of resamples `2j` and `2j + 1` is
//! `mix(mix(conv_id + G) + (j + 1) * G)`, sums and products modulo 2^64, its low 32 bits for the first of them.

use super::report::Interval;

/// 2^64 over the golden ratio, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// `THRESHOLDS[k]` is 2^32 times the probability that a draw from Poisson(1) is at most `k`, rounded
/// down. A draw is the number of thresholds that 32 random bits reach; those after these would be reached
/// less than once in 2^32 draws.
const THRESHOLDS: [u32; 12] = [
    1_580_030_168,
    3_160_060_337,
    3_950_075_421,
    4_213_413_783,
    4_279_248_373,
    4_292_415_291,
    4_294_609_777,
    4_294_923_276,
    4_294_962_463,
    4_294_966_817,
    4_294_967_252,
    4_294_967_292,
];

/// The highest draw.
pub(super) const MOST_DRAWN: i64 = THRESHOLDS.len() as i64;

/// The fewest values that have a 2.5th percentile.
pub(super) const FEWEST_VALUES: usize = 40;

#[inline(always)]
const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// How often a conversion counts in each resample.
#[inline(always)]
pub(super) fn draw(conversion_id: u64, draws: &mut [i32]) {
    let stream = mix(conversion_id.wrapping_add(GOLDEN));
    let mut at = stream;
    for pair in draws.chunks_mut(2) {
        at = at.wrapping_add(GOLDEN);
        let word = mix(at);
        pair[0] = word as u32 as i32;
        if let Some(second) = pair.get_mut(1) {
            *second = (word >> 32) as u32 as i32;
        }
    }
    for draw in draws {
        let bits = *draw as u32;
        let mut count = 0;
        for threshold in THRESHOLDS {
            count += i32::from(bits >= threshold);
        }
        *draw = count;
    }
}

/// Adds an amount to each resample's sum as often as the resample has it. The sums have room for it.
#[inline(always)]
pub(super) fn add_drawn(sums: &mut [i64], draws: &[i32], amount: i64) {
    if let Ok(amount) = i32::try_from(amount) {
        // Products of 32 bits, which processors have lanes for.
        for (sum, draw) in sums.iter_mut().zip(draws) {
            *sum += i64::from(*draw) * i64::from(amount);
        }
    } else {
        for (sum, draw) in sums.iter_mut().zip(draws) {
            *sum += i64::from(*draw) * amount;
        }
    }
}

/// The 95 % interval of values in any order; none for fewer than [`FEWEST_VALUES`].
pub(super) fn interval<T: Ord + Copy>(values: &mut [T]) -> Option<Interval<T>> {
    if values.len() < FEWEST_VALUES {
        return None;
    }
    values.sort_unstable();
    let place = (values.len() + 1) / FEWEST_VALUES;
    Some(Interval { low: values[place - 1], high: values[values.len() - place] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_pinned() {
        let mut draws = [0; 12];
        draw(1, &mut draws);
        let mut odd = [0; 5];
        draw(1, &mut odd);
        assert_eq!(odd, draws[..5]);
        let mut other = [0; 12];
        draw(2, &mut other);
        // Whoever changes these changes every interval that was ever shown.
        assert_eq!(draws, [1, 1, 0, 3, 0, 0, 1, 2, 3, 0, 0, 2]);
        assert_eq!(other, [0, 1, 1, 0, 2, 2, 0, 1, 0, 3, 0, 2]);
    }

    #[test]
    fn draws_are_those_of_poisson() {
        // By chi-square over 0, 1, ..., 5 and more, of 4,000,000 draws; the 0.1 % point of 6 degrees of
        // freedom is 22.5. Ids in a row are what draws have to be independent for.
        let mut counts = [0_u64; 7];
        let (mut sum, mut products) = (0_i64, 0_i64);
        let mut before = [0; 200];
        for id in 0..20_000 {
            let mut draws = [0; 200];
            draw(id, &mut draws);
            for (at, count) in draws.iter().enumerate() {
                counts[(*count as usize).min(6)] += 1;
                sum += i64::from(*count);
                products += i64::from((count - 1) * (before[at] - 1));
                products += i64::from((count - 1) * (draws[(at + 1) % 200] - 1));
            }
            before = draws;
        }
        let probabilities = [
            0.367_879_441_17,
            0.367_879_441_17,
            0.183_939_720_59,
            0.061_313_240_20,
            0.015_328_310_05,
            0.003_065_662_01,
            0.000_594_184_81,
        ];
        let total = 4_000_000.0;
        let chi_square: f64 = counts
            .iter()
            .zip(probabilities)
            .map(|(count, probability)| {
                let expected = total * probability;
                (*count as f64 - expected).powi(2) / expected
            })
            .sum();
        assert!(chi_square < 22.5, "{chi_square} {counts:?}");
        // The standard deviations are 2,000 of the sum and 2,828 of the products.
        assert!((sum - 4_000_000).abs() < 8_000, "{sum}");
        assert!(products.abs() < 12_000, "{products}");
    }

    #[test]
    fn amounts_of_any_size_are_added() {
        for amount in
            [0, 1, -1, i64::from(i32::MAX), i64::from(i32::MIN), 3_000_000_000, -(1 << 58)]
        {
            let mut sums = [5; 4];
            add_drawn(&mut sums, &[0, 1, 2, 12], amount);
            assert_eq!(sums, [5, 5 + amount, 5 + 2 * amount, 5 + 12 * amount]);
        }
    }

    #[test]
    fn intervals_leave_out_a_fortieth_at_either_end() {
        let of = |count: i64| interval(&mut (0..count).rev().collect::<Vec<_>>());
        assert_eq!(of(39), None);
        assert_eq!(of(40), Some(Interval { low: 0, high: 39 }));
        assert_eq!(of(200), Some(Interval { low: 4, high: 195 }));
        assert_eq!(of(999), Some(Interval { low: 24, high: 974 }));
    }
}
