//! Splitting a total over weights so that the parts are whole and add up exactly.
//!
//! The largest-remainder method (Hamilton's): each part is floor(total * weight / sum), and the
//! units left over go to the largest remainders, the earlier position first on a tie.

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
        parts.iter_mut().for_each(|part| *part = part.wrapping_neg());
    }
    Ok(parts)
}

/// Below this total, a quotient taken in floats is off by less than 1/2: the total and each weight
/// are exact, and the three roundings (of the sum, the credit and the product) are off by 2^-53 of
/// it each. Below this sum of weights, remainders fit a signed integer with room to spare.
const NARROW_TOTAL: u64 = 1 << 50;
const NARROW_SUM: u64 = 1 << 62;

/// The scratch of repeated splits over the weights of one journey.
#[derive(Debug, Default)]
pub(crate) struct Remainders(Vec<u64>);

impl Remainders {
    /// As [`apportion`], for weights that are whole numbers up to 2^46 held in floats, their sum,
    /// and the credits, which are each weight over the sum as a float.
    #[inline]
    pub(crate) fn split(
        &mut self,
        total: i64,
        weights: &[f64],
        sum: u64,
        credits: &[f64],
        parts: &mut [i64],
    ) {
        let magnitude = total.unsigned_abs();
        if magnitude == 0 {
            parts.fill(0);
            return;
        }
        self.0.resize(weights.len(), 0);
        let remainders = &mut self.0[..weights.len()];
        let whole = if magnitude < NARROW_TOTAL && sum < NARROW_SUM {
            split_narrow(magnitude, weights, sum, credits, parts, remainders)
        } else {
            split_wide(magnitude, weights.iter().map(|w| *w as u64), sum, parts, remainders)
        };
        top_up(parts, remainders, magnitude - whole);
        if total < 0 {
            parts.iter_mut().for_each(|part| *part = part.wrapping_neg());
        }
    }
}

/// 2^52: a float at least this large holds a whole number in its low bits.
const WHOLE: f64 = 4_503_599_627_370_496.0;
const WHOLE_BITS: u64 = 0x000f_ffff_ffff_ffff;

/// A float in 0..2^52 that holds a whole number, as an integer; or the nearest one.
#[inline]
pub(crate) fn nearest(value: f64) -> u64 {
    (value + WHOLE).to_bits() & WHOLE_BITS
}

/// Quotients estimated in floats and corrected in integers. The exact quotient is less than 1/2
/// from the float, which is at most 1/2 from the nearest whole number, so that number is the floor
/// or one above it, and then the wrapped remainder is negative.
#[inline]
fn split_narrow(
    total: u64,
    weights: &[f64],
    sum: u64,
    credits: &[f64],
    parts: &mut [i64],
    remainders: &mut [u64],
) -> u64 {
    let (size, float_total) = (weights.len(), total as f64);
    let mut whole = 0;
    for ((weight, credit), (part, remainder)) in
        weights.iter().zip(&credits[..size]).zip(parts[..size].iter_mut().zip(remainders))
    {
        let estimate = nearest(float_total * credit);
        let rest =
            total.wrapping_mul(nearest(*weight)).wrapping_sub(estimate.wrapping_mul(sum)) as i64;
        let above = u64::from(rest < 0);
        let quotient = estimate - above;
        *part = quotient as i64;
        *remainder = (rest as u64).wrapping_add(above * sum);
        whole += quotient;
    }
    whole
}

/// Quotients in 128 bits, for whatever the narrow way cannot hold.
#[cold]
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
#[inline]
fn top_up(parts: &mut [i64], remainders: &[u64], left: u64) {
    /// Up to here, comparing each with each beats finding the place in a sorted order.
    const FEW: usize = 32;
    if left == 0 {
        return;
    }
    if remainders.len() > FEW {
        return top_up_many(parts, remainders, left as usize);
    }
    for (at, (part, own)) in parts.iter_mut().zip(remainders).enumerate() {
        let mut before = 0;
        for (other_at, other) in remainders.iter().enumerate() {
            before += u64::from((other > own) | ((other == own) & (other_at < at)));
        }
        *part += i64::from(before < left);
    }
}

#[cold]
fn top_up_many(parts: &mut [i64], remainders: &[u64], left: usize) {
    let mut order: Vec<u32> = (0..remainders.len() as u32).collect();
    let place = |at: &u32| (std::cmp::Reverse(remainders[*at as usize]), *at);
    if left < order.len() {
        order.select_nth_unstable_by_key(left, place);
    }
    for &at in order.iter().take(left) {
        parts[at as usize] += 1;
    }
}

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
        order.sort_by(|left, right| right.1.cmp(&left.1));
        let left = total_magnitude - parts.iter().sum::<u128>();
        for (at, _) in order.into_iter().take(left as usize) {
            parts[at] += 1;
        }
        let sign = if total < 0 { -1 } else { 1 };
        parts.into_iter().map(|part| (sign * part as i128) as i64).collect()
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
            Remainders::default().split(total, &floats, sum, &credits, &mut parts);
            prop_assert_eq!(&parts, &expected);
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
                Remainders::default().split(total, &floats, sum, &credits, &mut parts);
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
