//! One column for each dimension that touches can have.

use crate::ground::scope::ScopeType;

/// A column (or nothing) for each of [`ScopeType::DIMENSIONS`].
///
/// ```
/// use attribution_core::{Dimensions, ScopeType};
/// let campaign_ids = [7, 7, 8];
/// let dimensions = Dimensions::default().with(ScopeType::Campaign, &campaign_ids[..]);
/// assert_eq!(dimensions.get(ScopeType::Campaign), Some(&&campaign_ids[..]));
/// assert_eq!(dimensions.get(ScopeType::Account), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimensions<C>(pub(crate) [Option<C>; 6]);

impl<C> Default for Dimensions<C> {
    fn default() -> Self {
        Self([const { None }; 6])
    }
}

impl<C> Dimensions<C> {
    /// The columns with one more. Global has no column, so it changes nothing.
    ///
    /// ```
    /// use attribution_core::{Dimensions, ScopeType};
    /// let dimensions = Dimensions::default().with(ScopeType::Global, vec![1_u64]);
    /// assert_eq!(dimensions, Dimensions::default());
    /// ```
    #[must_use]
    pub fn with(mut self, scope_type: ScopeType, column: C) -> Self {
        if let Some(place) = scope_type.dimension() {
            self.0[place] = Some(column);
        }
        self
    }

    /// The column of a scope type; none for global.
    ///
    /// ```
    /// use attribution_core::{Dimensions, ScopeType};
    /// assert_eq!(Dimensions::<Vec<u64>>::default().get(ScopeType::Adgroup), None);
    /// ```
    pub fn get(&self, scope_type: ScopeType) -> Option<&C> {
        self.0[scope_type.dimension()?].as_ref()
    }

    /// The columns that there are.
    pub(crate) fn present(&self) -> impl Iterator<Item = (ScopeType, &C)> {
        ScopeType::DIMENSIONS
            .into_iter()
            .zip(&self.0)
            .filter_map(|(scope_type, column)| Some((scope_type, column.as_ref()?)))
    }
}
