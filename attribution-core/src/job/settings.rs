//! Where multi-touch is on and where it is off.

use hashbrown::HashMap;

use crate::ground::scope::ScopeType;

/// A row of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredSetting {
    pub(crate) setting_id: u64,
    pub(crate) updated_at: u64,
    /// None where it is no scope type that is known.
    pub(crate) scope_type: Option<ScopeType>,
    pub(crate) scope_id: u64,
    pub(crate) enabled: bool,
}

/// An owner's settings: a campaign's beats its advertiser's, that beats the owner's, and multi-touch
/// is on where nothing is set.
#[derive(Debug, Clone, Default)]
pub(crate) struct MultiTouch {
    owner: Option<bool>,
    advertisers: HashMap<u64, bool>,
    campaigns: HashMap<u64, bool>,
}

impl MultiTouch {
    /// Of several rows for one thing, which the table's unique keys do not keep out where the id is
    /// NULL, the one that was changed last counts.
    pub(crate) fn new(mut rows: Vec<StoredSetting>) -> Self {
        rows.sort_unstable_by_key(|row| (row.updated_at, row.setting_id));
        let mut settings = Self::default();
        for row in rows {
            match row.scope_type {
                Some(ScopeType::Global) => settings.owner = Some(row.enabled),
                Some(ScopeType::Advertiser) => {
                    settings.advertisers.insert(row.scope_id, row.enabled);
                }
                Some(ScopeType::Campaign) => {
                    settings.campaigns.insert(row.scope_id, row.enabled);
                }
                _ => {}
            }
        }
        settings
    }

    /// Whether it is on for a campaign of an advertiser, where it has one.
    pub(crate) fn is_on(&self, campaign_id: u64, advertiser_id: Option<u64>) -> bool {
        let of_advertiser = || self.advertisers.get(&advertiser_id?).copied();
        let of_campaign = self.campaigns.get(&campaign_id).copied();
        of_campaign.or_else(of_advertiser).or(self.owner).unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_setting_and_of_twins_the_newest_counts() {
        let row = |setting_id, updated_at, scope_type, scope_id, enabled| StoredSetting {
            setting_id,
            updated_at,
            scope_type: Some(scope_type),
            scope_id,
            enabled,
        };
        assert!(MultiTouch::new(Vec::new()).is_on(1, Some(1)));
        let settings = MultiTouch::new(vec![
            row(1, 20, ScopeType::Global, 0, false),
            row(2, 10, ScopeType::Global, 0, true),
            row(3, 10, ScopeType::Advertiser, 7, true),
            row(4, 10, ScopeType::Campaign, 5, false),
            row(5, 10, ScopeType::Account, 5, true),
            row(7, 10, ScopeType::Campaign, 6, true),
            row(6, 10, ScopeType::Campaign, 6, false),
        ]);
        assert!(!settings.is_on(1, None));
        assert!(settings.is_on(1, Some(7)));
        assert!(!settings.is_on(5, Some(7)));
        assert!(settings.is_on(6, None));
    }
}
