//! Credited touches as columns.

/// The credited touches of one model, ordered by conversion as in the batch, then by position. A
/// touch with weight 0 is not among them.
///
/// ```
/// use attribution_core::{BatchBuilder, Conversion, Engine, Model};
/// let mut batch = BatchBuilder::new();
/// batch.push(&Conversion::default(), &[])?;
/// let engine = Engine::new().touchpoints(true);
/// let results = engine.calculate(&[Model::from_spec("linear")?], &batch.batch())?;
/// assert_eq!(results[0].touchpoints.stored_credits, [100_000]);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Touchpoints {
    /// The row of the conversion in the batch.
    pub conversions: Vec<u32>,
    /// The touch's click.
    pub click_ids: Vec<u64>,
    /// The place in the journey, from 0 for the oldest touch.
    pub positions: Vec<u32>,
    /// The credit as a float, weight over the sum of weights, in 0..=1.
    pub credits: Vec<f64>,
    /// The stored credit as a count of 0.00001; a conversion's add up to 100000.
    pub stored_credits: Vec<u32>,
    /// The share of the payout as a count of 0.00001; a conversion's add up to its payout.
    pub revenues: Vec<i64>,
    /// The share of the cost as a count of 0.00001; a conversion's add up to its cost.
    pub costs: Vec<i64>,
}

impl Touchpoints {
    /// The number of credited touches.
    ///
    /// ```
    /// assert_eq!(attribution_core::Touchpoints::default().len(), 0);
    /// ```
    pub const fn len(&self) -> usize {
        self.conversions.len()
    }

    /// Whether there are none.
    ///
    /// ```
    /// assert!(attribution_core::Touchpoints::default().is_empty());
    /// ```
    pub const fn is_empty(&self) -> bool {
        self.conversions.is_empty()
    }

    /// Adds what another part of the batch gave.
    pub(crate) fn append(&mut self, more: &Self) {
        self.conversions.extend_from_slice(&more.conversions);
        self.click_ids.extend_from_slice(&more.click_ids);
        self.positions.extend_from_slice(&more.positions);
        self.credits.extend_from_slice(&more.credits);
        self.stored_credits.extend_from_slice(&more.stored_credits);
        self.revenues.extend_from_slice(&more.revenues);
        self.costs.extend_from_slice(&more.costs);
    }
}
