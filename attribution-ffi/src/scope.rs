//! Scopes as numbers and as sets of bits.

use attribution_core::{ScopeSet, ScopeType};

use crate::border::Failure;

/// The slice that a snapshot covers.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum attribution_scope {
    /// Everything; it has no id.
    ATTRIBUTION_SCOPE_GLOBAL = 0,
    /// A campaign.
    ATTRIBUTION_SCOPE_CAMPAIGN = 1,
    /// A traffic-source account.
    ATTRIBUTION_SCOPE_ACCOUNT = 2,
    /// An advertiser.
    ATTRIBUTION_SCOPE_ADVERTISER = 3,
    /// A traffic source.
    ATTRIBUTION_SCOPE_TRAFFIC_SOURCE = 4,
    /// A landing page.
    ATTRIBUTION_SCOPE_LANDING_PAGE = 5,
    /// An ad group.
    ATTRIBUTION_SCOPE_ADGROUP = 6,
    /// Not a scope: in a query, all of them.
    ATTRIBUTION_SCOPE_ANY = 255,
}

/// In a set of scopes: none, for credits without snapshots.
pub const ATTRIBUTION_SCOPES_NONE: u32 = 0;
/// In a set of scopes: global. Sets are joined by |.
pub const ATTRIBUTION_SCOPES_GLOBAL: u32 = 1;
/// In a set of scopes: campaigns.
pub const ATTRIBUTION_SCOPES_CAMPAIGN: u32 = 2;
/// In a set of scopes: accounts.
pub const ATTRIBUTION_SCOPES_ACCOUNT: u32 = 4;
/// In a set of scopes: advertisers.
pub const ATTRIBUTION_SCOPES_ADVERTISER: u32 = 8;
/// In a set of scopes: traffic sources.
pub const ATTRIBUTION_SCOPES_TRAFFIC_SOURCE: u32 = 16;
/// In a set of scopes: landing pages.
pub const ATTRIBUTION_SCOPES_LANDING_PAGE: u32 = 32;
/// In a set of scopes: ad groups.
pub const ATTRIBUTION_SCOPES_ADGROUP: u32 = 64;
/// For a rebuild: all scopes that the tables have ids for.
pub const ATTRIBUTION_SCOPES_ALL: u32 = 0x8000_0000;

/// Each scope type at the place of its number.
const SCOPES: [ScopeType; 7] = [
    ScopeType::Global,
    ScopeType::Campaign,
    ScopeType::Account,
    ScopeType::Advertiser,
    ScopeType::TrafficSource,
    ScopeType::LandingPage,
    ScopeType::Adgroup,
];

pub(crate) const fn number_of(scope_type: ScopeType) -> u32 {
    match scope_type {
        ScopeType::Global => 0,
        ScopeType::Campaign => 1,
        ScopeType::Account => 2,
        ScopeType::Advertiser => 3,
        ScopeType::TrafficSource => 4,
        ScopeType::LandingPage => 5,
        ScopeType::Adgroup => 6,
    }
}

/// The scope type of a number; none for any.
#[cfg(any(feature = "mysql", test))]
pub(crate) fn scope_type(number: u32, place: &str) -> Result<Option<ScopeType>, Failure> {
    if number == attribution_scope::ATTRIBUTION_SCOPE_ANY as u32 {
        return Ok(None);
    }
    let found = SCOPES.get(number as usize).copied();
    let allowed = "one of the ATTRIBUTION_SCOPE_ numbers";
    found.map(Some).ok_or_else(|| Failure::argument(place, format!("found {number}"), allowed))
}

/// The scope type of a number where any will not do.
#[cfg(feature = "mysql")]
pub(crate) fn one_scope_type(number: u32, place: &str) -> Result<ScopeType, Failure> {
    scope_type(number, place)?.ok_or_else(|| {
        let allowed = "one of the other ATTRIBUTION_SCOPE_ numbers";
        Failure::argument(place, "found ATTRIBUTION_SCOPE_ANY", allowed)
    })
}

/// The number of a scope type by its name; any for one that is not known.
#[cfg(feature = "mysql")]
pub(crate) fn number_of_name(name: &str) -> u32 {
    name.parse().map_or(attribution_scope::ATTRIBUTION_SCOPE_ANY as u32, number_of)
}

/// The scopes of a set of bits.
pub(crate) fn scope_set(bits: u32, place: &str) -> Result<ScopeSet, Failure> {
    if bits >> SCOPES.len() != 0 {
        let allowed = "ATTRIBUTION_SCOPES_ bits joined by |";
        return Err(Failure::argument(place, format!("found {bits:#x}"), allowed));
    }
    Ok((0_u32..)
        .zip(SCOPES)
        .filter(|(bit, _)| bits >> bit & 1 == 1)
        .map(|(_, scope)| scope)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_bits_name_the_same_scopes() {
        for scope in ScopeType::ALL {
            let number = number_of(scope);
            assert_eq!(scope_type(number, "scope").unwrap(), Some(scope));
            let set = scope_set(1 << number, "scopes").unwrap();
            assert_eq!(set.iter().collect::<Vec<_>>(), [scope]);
        }
        assert!(scope_set(128, "scopes").is_err() && scope_type(7, "scope").is_err());
        let bits = ATTRIBUTION_SCOPES_GLOBAL | ATTRIBUTION_SCOPES_ADGROUP;
        assert_eq!(scope_set(bits, "scopes").unwrap().iter().count(), 2);
    }
}
