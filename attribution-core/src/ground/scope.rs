//! The slices of totals: scope types, their id rule, and sets of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::{Error, quoted};

/// What a snapshot covers. Their order is that of their names as bytes.
///
/// ```
/// use attribution_core::ScopeType;
/// assert_eq!("traffic_source".parse::<ScopeType>()?, ScopeType::TrafficSource);
/// assert_eq!(ScopeType::LandingPage.name(), "landing_page");
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeType {
    /// The traffic-source account that was paid for the click.
    Account,
    /// The ad group.
    Adgroup,
    /// The advertiser: the network that the campaign belongs to.
    Advertiser,
    /// The campaign.
    Campaign,
    /// Everything.
    Global,
    /// The landing page.
    LandingPage,
    /// The traffic source that the account belongs to.
    TrafficSource,
}

impl ScopeType {
    /// Every scope type, in order.
    ///
    /// ```
    /// use attribution_core::ScopeType;
    /// let names = ScopeType::ALL.map(ScopeType::name);
    /// assert!(names.is_sorted());
    /// ```
    pub const ALL: [Self; 7] = [
        Self::Account,
        Self::Adgroup,
        Self::Advertiser,
        Self::Campaign,
        Self::Global,
        Self::LandingPage,
        Self::TrafficSource,
    ];

    /// The scope types that have an id: all but global.
    ///
    /// ```
    /// use attribution_core::ScopeType;
    /// assert!(!ScopeType::DIMENSIONS.contains(&ScopeType::Global));
    /// ```
    pub const DIMENSIONS: [Self; 6] = [
        Self::Account,
        Self::Adgroup,
        Self::Advertiser,
        Self::Campaign,
        Self::LandingPage,
        Self::TrafficSource,
    ];

    /// The name, as the host stores it.
    ///
    /// ```
    /// assert_eq!(attribution_core::ScopeType::Adgroup.name(), "adgroup");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Adgroup => "adgroup",
            Self::Advertiser => "advertiser",
            Self::Campaign => "campaign",
            Self::Global => "global",
            Self::LandingPage => "landing_page",
            Self::TrafficSource => "traffic_source",
        }
    }

    /// The place among [`ScopeType::DIMENSIONS`]; none for global.
    pub(crate) const fn dimension(self) -> Option<usize> {
        match self {
            Self::Account => Some(0),
            Self::Adgroup => Some(1),
            Self::Advertiser => Some(2),
            Self::Campaign => Some(3),
            Self::LandingPage => Some(4),
            Self::TrafficSource => Some(5),
            Self::Global => None,
        }
    }
}

impl fmt::Display for ScopeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ScopeType {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or_else(|| {
            Error::input(
                "scope",
                format!("found {}", quoted(text)),
                "one of account, adgroup, advertiser, campaign, global, landing_page, traffic_source",
            )
        })
    }
}

/// A scope type with its id: global has none, every other a positive one.
///
/// ```
/// use attribution_core::{Scope, ScopeType};
/// let scope = Scope::new(ScopeType::Campaign, Some(7))?;
/// assert_eq!(scope.to_string(), "campaign:7");
/// assert!(Scope::new(ScopeType::Campaign, None).is_err());
/// assert!(Scope::new(ScopeType::Campaign, Some(0)).is_err());
/// assert!(Scope::new(ScopeType::Global, Some(1)).is_err());
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    scope_type: ScopeType,
    id: Option<u64>,
}

impl Scope {
    /// Everything.
    ///
    /// ```
    /// assert_eq!(attribution_core::Scope::GLOBAL.to_string(), "global");
    /// ```
    pub const GLOBAL: Self = Self { scope_type: ScopeType::Global, id: None };

    /// A scope, if its id fits its type.
    ///
    /// # Errors
    /// Refuses an id for global, and a missing or zero id for any other type.
    ///
    /// ```
    /// use attribution_core::{Scope, ScopeType};
    /// assert_eq!(Scope::new(ScopeType::Global, None)?, Scope::GLOBAL);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn new(scope_type: ScopeType, id: Option<u64>) -> Result<Self, Error> {
        match (scope_type, id) {
            (ScopeType::Global, None) => Ok(Self::GLOBAL),
            (ScopeType::Global, Some(id)) => {
                Err(Error::input("scope_id", format!("found {id} for global"), "no id"))
            }
            (_, None | Some(0)) => Err(Error::input(
                "scope_id",
                format!("found {} for {scope_type}", id.map_or("none".into(), |id| id.to_string())),
                "an id from 1 to 18446744073709551615",
            )),
            (_, Some(_)) => Ok(Self { scope_type, id }),
        }
    }

    /// For ids already known to be positive.
    pub(crate) const fn of_dimension(scope_type: ScopeType, id: u64) -> Self {
        Self { scope_type, id: Some(id) }
    }

    /// The scope's type.
    ///
    /// ```
    /// use attribution_core::{Scope, ScopeType};
    /// assert_eq!(Scope::GLOBAL.scope_type(), ScopeType::Global);
    /// ```
    pub const fn scope_type(self) -> ScopeType {
        self.scope_type
    }

    /// The scope's id; none for global.
    ///
    /// ```
    /// assert_eq!(attribution_core::Scope::GLOBAL.id(), None);
    /// ```
    pub const fn id(self) -> Option<u64> {
        self.id
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            None => self.scope_type.fmt(f),
            Some(id) => write!(f, "{}:{id}", self.scope_type),
        }
    }
}

/// A set of scope types, in order and without repetition.
///
/// ```
/// use attribution_core::{ScopeSet, ScopeType};
/// let scopes: ScopeSet = "global,campaign".parse()?;
/// assert!(scopes.contains(ScopeType::Campaign) && !scopes.contains(ScopeType::Account));
/// assert_eq!(scopes.iter().count(), 2);
/// assert!("".parse::<ScopeSet>().is_err());
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScopeSet(u8);

impl ScopeSet {
    /// No scope at all: credits alone.
    ///
    /// ```
    /// assert_eq!(attribution_core::ScopeSet::NONE.iter().count(), 0);
    /// ```
    pub const NONE: Self = Self(0);
    /// Global alone.
    ///
    /// ```
    /// assert_eq!("global".parse::<attribution_core::ScopeSet>()?, attribution_core::ScopeSet::GLOBAL);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub const GLOBAL: Self = Self::NONE.with(ScopeType::Global);

    /// The set with one scope type more.
    ///
    /// ```
    /// use attribution_core::{ScopeSet, ScopeType};
    /// assert!(ScopeSet::GLOBAL.with(ScopeType::Account).contains(ScopeType::Account));
    /// ```
    #[must_use]
    pub const fn with(self, scope_type: ScopeType) -> Self {
        Self(self.0 | 1 << scope_type as u8)
    }

    /// Whether the scope type is in the set.
    ///
    /// ```
    /// use attribution_core::{ScopeSet, ScopeType};
    /// assert!(!ScopeSet::NONE.contains(ScopeType::Global));
    /// ```
    pub const fn contains(self, scope_type: ScopeType) -> bool {
        self.0 & 1 << scope_type as u8 != 0
    }

    /// The scope types of the set, in order.
    ///
    /// ```
    /// use attribution_core::{ScopeSet, ScopeType};
    /// assert_eq!(ScopeSet::GLOBAL.iter().collect::<Vec<_>>(), [ScopeType::Global]);
    /// ```
    pub fn iter(self) -> impl Iterator<Item = ScopeType> {
        ScopeType::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<ScopeType> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = ScopeType>>(scopes: I) -> Self {
        scopes.into_iter().fold(Self::NONE, Self::with)
    }
}

impl FromStr for ScopeSet {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        text.split(',').map(|name| name.trim().parse()).collect()
    }
}
