//! The project's own power of two.
//!
//! The system's math library differs in its last bit from one system to the next, and credits must
//! not. This one uses nothing but IEEE 754 additions, multiplications and a table, in one fixed
//! order, so its result is the same on every processor.

/// 2^(index / 32) as a high part and what is left of it, as the bits of two floats.
const POWERS: [[u64; 2]; 32] = [
    [0x3ff0_0000_0000_0000, 0x0000_0000_0000_0000],
    [0x3ff0_59b0_d315_8574, 0x3c8d_73e2_a475_b465],
    [0x3ff0_b558_6cf9_890f, 0x3c98_a62e_4adc_610b],
    [0x3ff1_1301_d012_5b51, 0xbc96_c510_3944_9b3a],
    [0x3ff1_72b8_3c7d_517b, 0xbc81_9041_b9d7_8a76],
    [0x3ff1_d487_3168_b9aa, 0x3c9e_016e_00a2_643c],
    [0x3ff2_387a_6e75_6238, 0x3c99_b07e_b6c7_0573],
    [0x3ff2_9e9d_f51f_dee1, 0x3c86_12e8_afad_1255],
    [0x3ff3_06fe_0a31_b715, 0x3c86_f46a_d231_82e4],
    [0x3ff3_71a7_373a_a9cb, 0xbc96_3aea_bf42_eae2],
    [0x3ff3_dea6_4c12_3422, 0x3c8a_da09_11f0_9ebc],
    [0x3ff4_4e08_6061_892d, 0x3c48_9b7a_04ef_80d0],
    [0x3ff4_bfda_d536_2a27, 0x3c7d_4397_afec_42e2],
    [0x3ff5_342b_569d_4f82, 0xbc80_7abe_1db1_3cad],
    [0x3ff5_ab07_dd48_5429, 0x3c96_324c_0546_47ad],
    [0x3ff6_247e_b03a_5585, 0xbc93_83c1_7e40_b497],
    [0x3ff6_a09e_667f_3bcd, 0xbc9b_dd34_13b2_6456],
    [0x3ff7_1f75_e8ec_5f74, 0xbc81_6e47_8688_7a99],
    [0x3ff7_a114_73eb_0187, 0xbc84_1577_ee04_992f],
    [0x3ff8_2589_994c_ce13, 0xbc9d_4c1d_d415_32d8],
    [0x3ff8_ace5_422a_a0db, 0x3c96_e9f1_5686_4b27],
    [0x3ff9_3737_b0cd_c5e5, 0xbc67_5fc7_81b5_7ebc],
    [0x3ff9_c491_82a3_f090, 0x3c7c_7c46_b071_f2be],
    [0x3ffa_5503_b23e_255d, 0xbc9d_2f6e_db8d_41e1],
    [0x3ffa_e89f_995a_d3ad, 0x3c97_a1cd_345d_cc81],
    [0x3ffb_7f76_f2fb_5e47, 0xbc75_584f_7e54_ac3b],
    [0x3ffc_199b_dd85_529c, 0x3c81_1065_8950_48dd],
    [0x3ffc_b720_dcef_9069, 0x3c75_03cb_d1e9_49db],
    [0x3ffd_5818_dcfb_a487, 0x3c82_ed02_d75b_3707],
    [0x3ffd_fc97_337b_9b5f, 0xbc91_a5cd_4f18_4b5c],
    [0x3ffe_a4af_a2a4_90da, 0xbc9e_9c23_179c_2893],
    [0x3fff_5076_5b6e_4540, 0x3c99_d3e1_2dd8_a18b],
];

/// ln(2)^n / n! for n from 1 to 6: the Taylor series of 2^r, whose next term is below 2^-58 for
/// |r| <= 1/64.
const SERIES: [f64; 6] = [
    std::f64::consts::LN_2,
    0.240_226_506_959_100_72,
    0.055_504_108_664_821_58,
    0.009_618_129_107_628_477,
    0.001_333_355_814_642_844_3,
    0.000_154_035_303_933_816_1,
];

/// Adding and taking away this rounds a float of magnitude below 2^51 to a whole number, half to
/// even, without the instruction that older processors lack; its low bits hold the number.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// 2^-x for x in 0..=1000, within 0.55 units in the last place and exact at whole x.
///
/// x is cut into -k/32 + r with |r| <= 1/64; then 2^-x = 2^(k div 32) * 2^((k mod 32)/32) * 2^r,
/// from exponent bits, [`POWERS`] and [`SERIES`] (the method of P. T. P. Tang, "Table-driven
/// implementation of the exponential function", ACM TOMS 15(2), 1989). The three steps stand apart
/// for those who take them over many numbers at a time: all but the look-up run in lanes.
#[inline(always)]
pub(crate) fn power_of_minus(x: f64) -> f64 {
    let (k, r) = cut(x);
    combine(k, r, look_up(k))
}

/// The bits of k, of which the low 5 and the bits above them count, and r.
#[inline(always)]
pub(crate) fn cut(x: f64) -> (u64, f64) {
    let shifted = ROUNDER - x * 32.0;
    (shifted.to_bits(), -x - (shifted - ROUNDER) * (1.0 / 32.0))
}

/// 2^((k mod 32)/32) as a high part and what is left of it.
#[inline(always)]
pub(crate) fn look_up(k: u64) -> [f64; 2] {
    POWERS[(k & 31) as usize].map(f64::from_bits)
}

/// 2^(k/32 + r).
#[inline(always)]
pub(crate) fn combine(k: u64, r: f64, [high, low]: [f64; 2]) -> f64 {
    let [c1, c2, c3, c4, c5, c6] = SERIES;
    let tail = r * (c1 + r * (c2 + r * (c3 + r * (c4 + r * (c5 + r * c6)))));
    let fraction = high + (low + high * tail);
    // The whole part of the exponent, moved to where a float has it.
    let scale = f64::from_bits((k >> 5).wrapping_add(1023) << 52);
    fraction * scale
}

/// A float in 0..2^51 rounded to a whole number, half to even.
#[inline(always)]
pub(crate) fn round_half_even(value: f64) -> f64 {
    (value + ROUNDER) - ROUNDER
}

#[cfg(test)]
// What is tested is that the bits are these and no others.
#[allow(clippy::float_cmp)]
mod tests {
    use super::*;

    #[test]
    fn whole_exponents_are_exact() {
        for whole in 0..=1000 {
            assert_eq!(power_of_minus(f64::from(whole)), 2.0_f64.powi(-whole), "{whole}");
        }
    }

    /// Reference values made by 60-digit decimal arithmetic; see the file's first line.
    #[test]
    fn within_the_stated_error_of_exact_values() {
        let mut worst = 0.0_f64;
        for line in include_str!("power_of_two_reference.txt").lines().skip(1) {
            let mut fields = line.split(' ');
            let mut bits =
                || f64::from_bits(u64::from_str_radix(fields.next().unwrap(), 16).unwrap());
            let (x, nearest, rest) = (bits(), bits(), bits());
            let unit = f64::from_bits(nearest.to_bits() + 1) - nearest;
            let error = ((power_of_minus(x) - nearest) - rest).abs() / unit;
            worst = worst.max(error);
        }
        assert!(worst < 0.55, "worst error {worst} units in the last place");
        assert!(worst > 0.40, "the reference has lost its hard cases: {worst}");
    }

    #[test]
    fn rounding_goes_half_to_even() {
        for (value, expected) in [(0.5, 0.0), (1.5, 2.0), (2.5, 2.0), (0.499_999, 0.0), (3.2, 3.0)]
        {
            assert_eq!(round_half_even(value), expected);
        }
        assert_eq!(round_half_even(70_368_744_177_664.0), 70_368_744_177_664.0);
    }
}
