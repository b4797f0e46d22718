//! Splitting a total over weights so that the parts are whole and add up exactly.
//!
//! The largest-remainder method (Hamilton's): each part is floor(total * weight / sum), and the
//! units left over go to the largest remainders, the earlier position first on a tie.

use std::cmp::Reverse;

use crate::ground::error::Error;

/// Splits a total over weights: whole parts in the order of the weights, whose sum is the total.
/// A part is off its exact share by less than 1. A negative total splits as its magnitude does.
///
/// # Errors
/// [`Error::Input`] where the weights add up to 0, [`Error::Limit`] where they add up to more than
/// 2^64 - 1.
///
/// ```
/// use attribution_core::apportion;
/// assert_eq!(apportion(100_000, &[1, 1, 1])?, [33_334, 33_333, 33_333]);
/// assert_eq!(apportion(-5, &[3, 1])?, [-4, -1]);
/// # Ok::<(), attribution_core::Error>(())
/// ```
pub fn apportion(total: i64, weights: &[u64]) -> Result<Vec<i64>, Error> {
    let sum = weights.iter().try_fold(0_u64, |sum, weight| sum.checked_add(*weight));
    let Some(sum) = sum else {
        return Err(Error::limit("weights", "found a sum above 2^64 - 1", "a sum within 64 bits"));
    };
    if sum == 0 {
        return Err(Error::input("weights", "found a sum of 0", "at least one weight above 0"));
    }
    let mut parts = vec![0; weights.len()];
    let mut remainders = vec![0; weights.len()];
    let whole =
        split_wide(total.unsigned_abs(), weights.iter().copied(), sum, &mut parts, &mut remainders);
    top_up(&mut parts, &remainders, total.unsigned_abs() - whole);
    if total < 0 {
        negate(&mut parts);
    }
    Ok(parts)
}

/// The magnitude of the least i64 is its own negative, so wrapping makes it right too.
fn negate(parts: &mut [i64]) {
    for part in parts {
        *part = part.wrapping_neg();
    }
}

/// Below this total, a quotient taken in floats is off by less than 1/2: the total and each weight
/// are exact, and the three roundings (of the sum, the credit and the product) are off by 2^-53 of
/// it each. Below this sum of weights, remainders fit a signed integer with room to spare.
pub(crate) const NARROW_TOTAL: u64 = 1 << 50;
const NARROW_SUM: u64 = 1 << 62;

/// The weights of one journey, whole numbers up to 2^46 held in floats, with what every split over
/// them needs.
#[derive(Debug)]
pub(crate) struct Shares<'a> {
    pub(crate) weights: &'a [f64],
    pub(crate) sum: u64,
    /// Each weight over the sum.
    pub(crate) credits: &'a [f64],
}

impl Shares<'_> {
    /// As [`apportion`], into `parts`, one for each weight.
    pub(crate) fn split(&self, total: i64, parts: &mut [i64]) {
        let magnitude = total.unsigned_abs();
        let mut remainders = vec![0; self.weights.len()];
        let whole = if magnitude < NARROW_TOTAL && self.sum < NARROW_SUM {
            split_narrow(magnitude, self, parts, &mut remainders)
        } else {
            let weights = self.weights.iter().map(|weight| *weight as u64);
            split_wide(magnitude, weights, self.sum, parts, &mut remainders)
        };
        top_up(parts, &remainders, magnitude - whole);
        if total < 0 {
            negate(parts);
        }
    }
}

/// 2^52: a float at least this large holds a whole number in its low bits.
const WHOLE: f64 = 4_503_599_627_370_496.0;
const WHOLE_BITS: u64 = 0x000f_ffff_ffff_ffff;

/// A float in 0..2^52 that holds a whole number, as an integer; or the nearest one.
#[inline(always)]
pub(crate) fn nearest(value: f64) -> u64 {
    (value + WHOLE).to_bits() & WHOLE_BITS
}

/// One quotient estimated in floats and corrected in integers, and its remainder. The exact
/// quotient is less than 1/2 from the float, which is at most 1/2 from the nearest whole number, so
/// that number is the floor or one above it, and then the wrapped remainder is negative.
#[inline(always)]
fn divide(total: u64, weight: f64, credit: f64, sum: u64) -> (u64, u64) {
    let estimate = nearest(total as f64 * credit);
    let rest = total.wrapping_mul(nearest(weight)).wrapping_sub(estimate.wrapping_mul(sum));
    let above = (rest as i64) < 0;
    (estimate - u64::from(above), rest.wrapping_add(if above { sum } else { 0 }))
}

fn split_narrow(total: u64, shares: &Shares<'_>, parts: &mut [i64], remainders: &mut [u64]) -> u64 {
    let mut whole = 0;
    let given = shares.weights.iter().zip(shares.credits);
    for ((weight, credit), (part, remainder)) in given.zip(parts.iter_mut().zip(remainders)) {
        let (quotient, rest) = divide(total, *weight, *credit, shares.sum);
        *part = quotient as i64;
        *remainder = rest;
        whole += quotient;
    }
    whole
}

/// Quotients in 128 bits, for whatever the narrow way cannot hold.
fn split_wide(
    total: u64,
    weights: impl Iterator<Item = u64>,
    sum: u64,
    parts: &mut [i64],
    remainders: &mut [u64],
) -> u64 {
    let mut whole = 0;
    for ((weight, part), remainder) in weights.zip(parts).zip(remainders) {
        let product = u128::from(total) * u128::from(weight);
        let quotient = (product / u128::from(sum)) as u64;
        *part = quotient as i64;
        *remainder = (product % u128::from(sum)) as u64;
        whole += quotient;
    }
    whole
}

/// Gives one unit more to each of the `left` largest remainders, the earlier first on a tie.
fn top_up(parts: &mut [i64], remainders: &[u64], left: u64) {
    let mut order: Vec<u32> = (0..remainders.len() as u32).collect();
    let place = |at: &u32| (Reverse(remainders[*at as usize]), *at);
    let left = left as usize;
    if left < order.len() {
        order.select_nth_unstable_by_key(left, place);
    }
    for &at in order.iter().take(left) {
        parts[at as usize] += 1;
    }
}

/// As [`Shares::split`], for at most `LANES` weights, the rest of the lanes 0, and a total below
/// [`NARROW_TOTAL`]: every step is the same for all lanes, and nothing branches on the numbers.
#[inline(always)]
pub(crate) fn split_lanes<const LANES: usize>(
    total: i64,
    weights: &[f64; LANES],
    sum: f64,
    credits: &[f64; LANES],
    parts: &mut [i64; LANES],
) {
    let (magnitude, whole_sum) = (total.unsigned_abs(), nearest(sum));
    let mut keys = [0.0; LANES];
    let mut whole = 0;
    for lane in 0..LANES {
        let (quotient, rest) = divide(magnitude, weights[lane], credits[lane], whole_sum);
        parts[lane] = quotient as i64;
        whole += quotient;
        // A remainder is below 2^46 * LANES, so it and the place below it stay under 2^62. With
        // that bit set, the bits are those of ordinary floats, whose order is the numbers' own and
        // which every processor can compare in lanes.
        keys[lane] = f64::from_bits(1 << 62 | rest << PLACE_BITS | (LANES - 1 - lane) as u64);
    }
    // How many keys come before each: for a few, quicker than any sorting. An empty lane has no
    // remainder, and fewer units are left over than there are remainders.
    let left = magnitude - whole;
    let mut before = [0_u64; LANES];
    for other in keys {
        for lane in 0..LANES {
            before[lane] += u64::from(other > keys[lane]);
        }
    }
    let sign = if total < 0 { -1 } else { 1 };
    for lane in 0..LANES {
        parts[lane] = (parts[lane] + i64::from(before[lane] < left)) * sign;
    }
}

/// Enough for the places of 32 lanes.
const PLACE_BITS: u32 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rule as semantics.md words it, without a thought for speed.
    fn by_the_book(total: i64, weights: &[u64]) -> Vec<i64> {
        let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
        let total_magnitude = u128::from(total.unsigned_abs());
        let products = weights.iter().map(|weight| total_magnitude * u128::from(*weight));
        let mut parts: Vec<u128> = products.clone().map(|product| product / sum).collect();
        let mut order: Vec<_> = products.map(|product| product % sum).enumerate().collect();
        order.sort_by_key(|(_, rest)| Reverse(*rest));
        let left = total_magnitude - parts.iter().sum::<u128>();
        for (at, _) in order.into_iter().take(left as usize) {
            parts[at] += 1;
        }
        let sign = if total < 0 { -1 } else { 1 };
        parts.into_iter().map(|part| (sign * part as i128) as i64).collect()
    }

    fn in_lanes<const LANES: usize>(total: i64, weights: &[f64]) -> Option<Vec<i64>> {
        let mut lanes = [0.0; LANES];
        lanes.get_mut(..weights.len())?.copy_from_slice(weights);
        let sum: f64 = lanes.iter().sum();
        let mut parts = [7; LANES];
        split_lanes(total, &lanes, sum, &lanes.map(|weight| weight / sum), &mut parts);
        assert!(parts[weights.len()..].iter().all(|part| *part == 0));
        Some(parts[..weights.len()].to_vec())
    }

    fn weights() -> impl Strategy<Value = Vec<u64>> {
        let weight = prop_oneof![0..4_u64, 0..=1_u64 << 46, Just(1 << 46)];
        prop::collection::vec(weight, 1..70)
            .prop_filter("a sum above 0", |weights| weights.iter().any(|weight| *weight > 0))
    }

    fn total() -> impl Strategy<Value = i64> {
        prop_oneof![any::<i64>(), -1_000..1_000_i64, Just(100_000), -(1_i64 << 50)..1_i64 << 50]
    }

    proptest! {
        #[test]
        fn the_fast_way_gives_what_the_book_says(total in total(), weights in weights()) {
            let expected = by_the_book(total, &weights);
            prop_assert_eq!(&apportion(total, &weights).unwrap(), &expected);
            let sum: u64 = weights.iter().sum();
            let floats: Vec<f64> = weights.iter().map(|weight| *weight as f64).collect();
            let credits: Vec<f64> = floats.iter().map(|weight| weight / sum as f64).collect();
            let mut parts = vec![7; weights.len()];
            Shares { weights: &floats, sum, credits: &credits }.split(total, &mut parts);
            prop_assert_eq!(&parts, &expected);
            if total.unsigned_abs() < NARROW_TOTAL {
                for parts in [in_lanes::<8>(total, &floats), in_lanes::<16>(total, &floats), in_lanes::<32>(total, &floats)] {
                    prop_assert!(parts.is_none_or(|parts| parts == expected));
                }
            }
            prop_assert_eq!(parts.iter().map(|part| i128::from(*part)).sum::<i128>(), i128::from(total));
        }
    }

    #[test]
    fn the_limits_of_the_narrow_way_hold() {
        for total in [(1_i64 << 50) - 1, 1 << 50, i64::MAX, 99_999_999_999] {
            for weights in
                [vec![1_u64 << 46; 65_536], vec![(1 << 46) - 1; 65_535], vec![1, 1 << 46]]
            {
                let sum: u64 = weights.iter().sum();
                let floats: Vec<f64> = weights.iter().map(|weight| *weight as f64).collect();
                let credits: Vec<f64> = floats.iter().map(|weight| weight / sum as f64).collect();
                let mut parts = vec![0; weights.len()];
                Shares { weights: &floats, sum, credits: &credits }.split(total, &mut parts);
                assert_eq!(parts, by_the_book(total, &weights));
            }
        }
    }

    #[test]
    fn weights_that_cannot_be_split_are_refused() {
        assert!(apportion(1, &[]).is_err());
        assert!(apportion(1, &[0, 0]).is_err());
        assert!(apportion(1, &[u64::MAX, 1]).is_err());
        assert_eq!(apportion(i64::MIN + 1, &[u64::MAX]).unwrap(), [i64::MIN + 1]);
    }
}
