//! What the engine says that the tables should hold.

use std::collections::{BTreeMap, BTreeSet};

use attribution_core::{
    BatchBuilder, Clicks, Conversion, Conversions, Credit, Dataset, Dimensions, Engine, JourneyKey,
    JourneyOptions, Journeys, MISSING_CLICK, MemoryStore, Model, Money, RunOptions, Scope,
    ScopeSet, ScopeType, Touch, run,
};

use crate::account::{Accounts, ClickRow, ConversionRow};
use crate::tables::{CreditRow, JourneyRow, Results, SnapshotRow};

const HOUR: u32 = 3_600;

/// The scopes that the host's tables have ids for.
pub const FEEDABLE: [ScopeType; 6] = [
    ScopeType::Global,
    ScopeType::Campaign,
    ScopeType::Account,
    ScopeType::Advertiser,
    ScopeType::TrafficSource,
    ScopeType::LandingPage,
];

/// What runs are asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The journey key.
    pub key: JourneyKey,
    /// The lookback.
    pub lookback_seconds: u32,
    /// The most touches.
    pub max_touches: u32,
    /// The window as it is given.
    pub window: (u32, u32),
    /// The scopes; none for all.
    pub scopes: Option<Vec<ScopeType>>,
    /// Whether credits are stored.
    pub credits: bool,
    /// The users; none for all that are not deleted.
    pub users: Option<Vec<u64>>,
}

impl Asked {
    /// The commands' defaults, for a window.
    pub const fn of(window: (u32, u32)) -> Self {
        Self {
            key: JourneyKey::VisitorCampaign,
            lookback_seconds: 30 * 86_400,
            max_touches: 25,
            window,
            scopes: None,
            credits: true,
            users: None,
        }
    }

    /// The window's whole hours.
    const fn hours(&self) -> (u32, u32) {
        let (start, end) = self.window;
        (start - start % HOUR, end.div_ceil(HOUR) * HOUR)
    }

    fn contains(&self, time: u32) -> bool {
        let (start, end) = self.hours();
        (start..end).contains(&time)
    }

    fn has_user(&self, accounts: &Accounts, user_id: u64) -> bool {
        match &self.users {
            Some(users) => users.contains(&user_id),
            None => accounts.users.contains(&(user_id, false)),
        }
    }
}

/// A decimal of five places as one of four, half to even.
pub fn rounded(units: i64) -> i64 {
    let (whole, rest) = (units.div_euclid(10), units.rem_euclid(10));
    whole + i64::from(rest > 5 || (rest == 5 && whole % 2 != 0))
}

/// One owner as the engine is given it.
struct Owner<'a> {
    accounts: &'a Accounts,
    user_id: u64,
    clicks: Clicks,
    campaigns: BTreeMap<u64, u64>,
    multi_touch: BTreeMap<(&'static str, Option<u64>), (u32, bool)>,
}

impl<'a> Owner<'a> {
    fn new(accounts: &'a Accounts, user_id: u64) -> Self {
        let own = |rows: &[(u64, u64, u64)]| -> BTreeMap<u64, u64> {
            let own = rows.iter().filter(|row| row.1 == user_id);
            own.map(|row| (row.0, row.2)).collect()
        };
        let campaigns = own(&accounts.campaigns);
        let ppc_accounts = own(&accounts.ppc_accounts);
        let visitors: BTreeMap<u64, u64> =
            accounts.visitors.iter().map(|row| (row.click_id, row.ip_id)).collect();

        // Of the rows of a click, the earliest, then the smallest cost, campaign, account and page.
        let order = |row: &ClickRow| {
            let filtered = row.filtered || row.bot;
            let ids = (row.campaign_id, row.account_id, row.landing_page_id);
            (row.click_id, row.time, row.cost, ids, filtered)
        };
        let mut rows: Vec<ClickRow> =
            accounts.clicks.iter().copied().filter(|row| row.user_id == user_id).collect();
        rows.sort_unstable_by_key(order);
        rows.dedup_by_key(|row| row.click_id);

        let column =
            |value: &dyn Fn(&ClickRow) -> u64| rows.iter().map(value).collect::<Vec<u64>>();
        let parent = |of: &BTreeMap<u64, u64>, id| of.get(&id).copied().unwrap_or(0);
        let dimensions = Dimensions::default()
            .with(ScopeType::Campaign, column(&|row| row.campaign_id))
            .with(ScopeType::Account, column(&|row| row.account_id))
            .with(ScopeType::LandingPage, column(&|row| row.landing_page_id))
            .with(ScopeType::Advertiser, column(&|row| parent(&campaigns, row.campaign_id)))
            .with(ScopeType::TrafficSource, column(&|row| parent(&ppc_accounts, row.account_id)))
            .with(ScopeType::Adgroup, column(&|_| 0));
        let visitor = |row: &ClickRow| visitors.get(&row.click_id).copied().unwrap_or(0).into();
        let clicks = Clicks {
            click_ids: column(&|row| row.click_id),
            click_times: rows.iter().map(|row| row.time).collect(),
            visitors: rows.iter().map(visitor).collect(),
            costs: rows.iter().map(|row| row.cost).collect(),
            filtered: rows.iter().map(|row| row.filtered || row.bot).collect(),
            dimensions,
        };

        let mut multi_touch = BTreeMap::new();
        for row in accounts.settings.iter().filter(|row| row.user_id == user_id) {
            let newest = multi_touch.entry((row.scope_type, row.scope_id)).or_insert((0, true));
            if row.updated_at >= newest.0 {
                *newest = (row.updated_at, row.enabled);
            }
        }
        Self { accounts, user_id, clicks, campaigns, multi_touch }
    }

    fn is_on(&self, campaign_id: u64) -> bool {
        let set = |scope_type, scope_id| self.multi_touch.get(&(scope_type, scope_id));
        let advertiser = self.campaigns.get(&campaign_id);
        set("campaign", Some(campaign_id))
            .or_else(|| set("advertiser", Some(*advertiser?)))
            .or_else(|| set("global", None))
            .is_none_or(|setting| setting.1)
    }

    fn conversions(&self, asked: &Asked) -> impl Iterator<Item = &'a ConversionRow> {
        let (user_id, asked) = (self.user_id, asked.clone());
        let wanted = move |row: &&ConversionRow| row.user_id == user_id && asked.contains(row.time);
        self.accounts.conversions.iter().filter(wanted)
    }

    /// The conversions that count: those with multi-touch on, or those with it off.
    fn counted(&self, asked: &Asked, on: bool) -> Conversions {
        let rows: Vec<_> = self
            .conversions(asked)
            .filter(|row| !row.deleted && self.is_on(row.campaign_id) == on)
            .collect();
        Conversions {
            conversion_ids: rows.iter().map(|row| row.conversion_id).collect(),
            click_ids: rows.iter().map(|row| row.click_id).collect(),
            conversion_times: rows.iter().map(|row| row.time).collect(),
            payouts: rows.iter().map(|row| row.payout).collect(),
            costs: vec![None; rows.len()],
            campaign_ids: rows.iter().map(|row| Some(row.campaign_id)).collect(),
            click_times: rows.iter().map(|row| Some(row.click_time)).collect(),
        }
    }

    /// The models that run, named by their ids.
    fn models(&self) -> Vec<(u64, Model)> {
        let own = |row: &&crate::account::ModelRow| row.user_id == self.user_id && row.active;
        let models = self.accounts.models.iter().filter(own).filter_map(|row| {
            let model = Model::from_stored(&row.kind, row.config.as_deref()).ok()?;
            Some((row.model_id, model.with_name(&format!("{:020}", row.model_id)).unwrap()))
        });
        models.collect()
    }

    /// What a model gets snapshots of: what is asked for, and what it already has in the window.
    fn scopes(&self, asked: &Asked, model_id: u64) -> BTreeSet<ScopeType> {
        let mut scopes: BTreeSet<ScopeType> =
            asked.scopes.clone().unwrap_or(FEEDABLE.to_vec()).into_iter().collect();
        scopes.insert(ScopeType::Global);
        for row in &self.accounts.snapshots {
            if row.model_id == model_id && asked.contains(row.hour) {
                scopes.insert(row.scope_type.parse().unwrap());
            }
        }
        scopes
    }

    fn journeys(&self, asked: &Asked) -> Vec<JourneyRow> {
        let conversions = self.counted(asked, true);
        let options = JourneyOptions {
            key: asked.key,
            lookback_seconds: asked.lookback_seconds,
            max_touches: asked.max_touches,
        };
        let journeys = Journeys::assemble(&self.clicks, &conversions, &options).unwrap();
        let mut rows = Vec::new();
        for conversion in 0..conversions.len() {
            for (position, click) in journeys.rows(conversion).iter().enumerate() {
                let missing = *click == MISSING_CLICK;
                let click = *click as usize;
                let time = if missing {
                    conversions.click_times[conversion].unwrap()
                } else {
                    self.clicks.click_times[click]
                };
                rows.push(JourneyRow {
                    conversion_id: conversions.conversion_ids[conversion],
                    position: position as u64,
                    click_id: if missing {
                        conversions.click_ids[conversion]
                    } else {
                        self.clicks.click_ids[click]
                    },
                    click_time: time.into(),
                });
            }
        }
        rows
    }
}

/// Totals as they grow.
#[derive(Default)]
struct Totals(BTreeMap<(u64, Scope, u32), Sums>);

/// Clicks, conversions, revenue, cost.
type Sums = (u64, u64, i64, i64);

impl Totals {
    fn add(&mut self, model_id: u64, snapshots: &[attribution_core::Snapshot]) {
        for row in snapshots {
            let sums = self.0.entry((model_id, row.scope, row.date_hour)).or_default();
            sums.0 += row.attributed_clicks;
            sums.1 += row.attributed_conversions;
            sums.2 += row.revenue.units();
            sums.3 += row.cost.units();
        }
    }

    fn into_rows(self, owner: &Owner<'_>, asked: &Asked, results: &mut Results) {
        for ((model_id, scope, hour), (clicks, conversions, revenue, cost)) in self.0 {
            if owner.scopes(asked, model_id).contains(&scope.scope_type()) {
                results.snapshots.push(SnapshotRow {
                    user_id: owner.user_id,
                    model_id,
                    hour: hour.into(),
                    scope_type: scope.scope_type().name().to_owned(),
                    scope_id: scope.id(),
                    clicks,
                    conversions,
                    revenue: rounded(revenue),
                    cost: rounded(cost),
                });
            }
        }
    }
}

fn all_scopes() -> ScopeSet {
    ScopeType::ALL.into_iter().collect()
}

fn credit_row(model_id: u64, hour: u32, conversion_id: u64, touch: (u32, u64, u32)) -> CreditRow {
    let (position, click_id, credit) = touch;
    CreditRow {
        model_id,
        hour: hour.into(),
        conversion_id,
        position: position.into(),
        click_id,
        credit: credit.into(),
        weight: credit.into(),
        scope_type: "global".to_owned(),
    }
}

/// What there was, but for what a run replaces.
fn remains(accounts: &Accounts, asked: &Asked, backfilled: bool, results: &mut Results) {
    let mut replaced = BTreeSet::new();
    for (user_id, _) in &accounts.users {
        if asked.has_user(accounts, *user_id) {
            let models = Owner::new(accounts, *user_id).models();
            replaced.extend(models.into_iter().map(|(model_id, _)| model_id));
        }
    }
    for row in &accounts.snapshots {
        if replaced.contains(&row.model_id) && asked.contains(row.hour) {
            continue;
        }
        results.snapshots.push(SnapshotRow {
            user_id: row.user_id,
            model_id: row.model_id,
            hour: row.hour.into(),
            scope_type: row.scope_type.to_owned(),
            scope_id: row.scope_id,
            clicks: row.credits.len() as u64,
            conversions: 1,
            revenue: 125_000,
            cost: 2_500,
        });
        for (conversion_id, click_id, position, credit) in &row.credits {
            results.credits.push(CreditRow {
                model_id: row.model_id,
                hour: row.hour.into(),
                conversion_id: *conversion_id,
                position: (*position).into(),
                click_id: *click_id,
                credit: *credit,
                weight: *credit,
                scope_type: row.scope_type.to_owned(),
            });
        }
    }
    let backfilled: BTreeSet<u64> = accounts
        .conversions
        .iter()
        .filter(|row| backfilled && asked.has_user(accounts, row.user_id))
        .filter(|row| asked.contains(row.time))
        .map(|row| row.conversion_id)
        .collect();
    for row in &accounts.touches {
        if !backfilled.contains(&row.conversion_id) {
            results.journeys.push(JourneyRow {
                conversion_id: row.conversion_id,
                position: row.position.into(),
                click_id: row.click_id,
                click_time: row.click_time.into(),
            });
        }
    }
}

/// The tables after a backfill and a rebuild of accounts, as the engine gives them for clicks and
/// conversions in memory. Conversions whose multi-touch is off are run on their own, with no touch
/// but their own click.
pub fn after_both(accounts: &Accounts, asked: &Asked) -> Results {
    let mut results = Results::default();
    remains(accounts, asked, true, &mut results);
    for (user_id, _) in &accounts.users {
        if !asked.has_user(accounts, *user_id) {
            continue;
        }
        let owner = Owner::new(accounts, *user_id);
        results.journeys.append(&mut owner.journeys(asked));
        let (ids, models): (Vec<u64>, Vec<Model>) = owner.models().into_iter().unzip();
        let mut totals = Totals::default();
        for on in [true, false] {
            let mut conversions = owner.counted(asked, on);
            conversions.sort_by_id().unwrap();
            let clicks = owner.clicks.clone();
            let dataset = Dataset { clicks, conversions: conversions.clone() };
            let options = RunOptions {
                journeys: JourneyOptions {
                    key: if on { asked.key } else { JourneyKey::None },
                    lookback_seconds: asked.lookback_seconds,
                    max_touches: asked.max_touches,
                },
                scopes: all_scopes(),
                threads: 1,
            };
            let mut sink = MemoryStore::default();
            run(&mut MemoryStore::new(dataset), &mut sink, &models, &options, &()).unwrap();
            for (model, result) in sink.results() {
                let model_id = ids[models.iter().position(|other| other == model).unwrap()];
                totals.add(model_id, &result.snapshots);
                let touchpoints = &result.touchpoints;
                for (row, conversion) in touchpoints.conversions.iter().enumerate() {
                    let conversion = *conversion as usize;
                    let time = conversions.conversion_times[conversion];
                    results.credits.push(credit_row(
                        model_id,
                        time - time % HOUR,
                        conversions.conversion_ids[conversion],
                        (
                            touchpoints.positions[row],
                            touchpoints.click_ids[row],
                            touchpoints.stored_credits[row],
                        ),
                    ));
                }
            }
        }
        totals.into_rows(&owner, asked, &mut results);
    }
    without_credits(accounts, asked, &mut results);
    results.sort();
    results
}

/// The tables after a rebuild alone, from the journeys that are stored.
pub fn after_rebuild(accounts: &Accounts, asked: &Asked) -> Results {
    let mut results = Results::default();
    remains(accounts, asked, false, &mut results);
    for (user_id, _) in &accounts.users {
        if !asked.has_user(accounts, *user_id) {
            continue;
        }
        let owner = Owner::new(accounts, *user_id);
        let (ids, models): (Vec<u64>, Vec<Model>) = owner.models().into_iter().unzip();
        let rows: Vec<_> = owner.conversions(asked).filter(|row| !row.deleted).collect();
        let batch = stored_batch(&owner, &rows);
        let engine = Engine::new().scopes(all_scopes()).touchpoints(true).threads(1);
        let mut totals = Totals::default();
        let calculated = engine.calculate(&models, &batch.batch()).unwrap();
        for (model_id, result) in ids.into_iter().zip(calculated) {
            totals.add(model_id, &result.snapshots);
            let touchpoints = &result.touchpoints;
            for (row, conversion) in touchpoints.conversions.iter().enumerate() {
                let conversion = rows[*conversion as usize];
                results.credits.push(credit_row(
                    model_id,
                    conversion.time - conversion.time % HOUR,
                    conversion.conversion_id,
                    (
                        touchpoints.positions[row],
                        touchpoints.click_ids[row],
                        touchpoints.stored_credits[row],
                    ),
                ));
            }
        }
        totals.into_rows(&owner, asked, &mut results);
    }
    without_credits(accounts, asked, &mut results);
    results.sort();
    results
}

/// How many touches, converting clicks among them, have a click that is not there, by the journeys
/// that are stored.
pub fn missing_touches(accounts: &Accounts, asked: &Asked) -> u64 {
    let mut missing = 0;
    for (user_id, _) in &accounts.users {
        if !asked.has_user(accounts, *user_id) {
            continue;
        }
        let owner = Owner::new(accounts, *user_id);
        let there: BTreeSet<u64> = owner.clicks.click_ids.iter().copied().collect();
        for row in owner.conversions(asked).filter(|row| !row.deleted) {
            let mut touches = BTreeSet::from([row.click_id]);
            if owner.is_on(row.campaign_id) {
                let stored = accounts.touches.iter();
                let own = stored.filter(|touch| touch.conversion_id == row.conversion_id);
                touches.extend(own.map(|touch| touch.click_id));
            }
            missing += touches.difference(&there).count() as u64;
        }
    }
    missing
}

fn without_credits(accounts: &Accounts, asked: &Asked, results: &mut Results) {
    if asked.credits {
        return;
    }
    let replaced: BTreeSet<u64> = accounts
        .users
        .iter()
        .filter(|user| asked.has_user(accounts, user.0))
        .flat_map(|user| Owner::new(accounts, user.0).models())
        .map(|(model_id, _)| model_id)
        .collect();
    let inside =
        |row: &CreditRow| replaced.contains(&row.model_id) && asked.contains(row.hour as u32);
    results.credits.retain(|row| !inside(row));
}

/// Conversions with the journeys that are stored.
fn stored_batch(owner: &Owner<'_>, rows: &[&ConversionRow]) -> BatchBuilder {
    let places: BTreeMap<u64, usize> =
        owner.clicks.click_ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
    let mut stored: BTreeMap<u64, Vec<(u64, u32)>> = BTreeMap::new();
    for row in &owner.accounts.touches {
        stored.entry(row.conversion_id).or_default().push((row.click_id, row.click_time));
    }
    let touch = |click_id: u64, click_time: u32| {
        let touch = Touch { click_id, click_time, ..Touch::default() };
        let Some(place) = places.get(&click_id) else { return touch };
        let id = |scope| owner.clicks.dimensions.get(scope).unwrap()[*place];
        Touch {
            campaign_id: id(ScopeType::Campaign),
            account_id: id(ScopeType::Account),
            advertiser_id: id(ScopeType::Advertiser),
            traffic_source_id: id(ScopeType::TrafficSource),
            landing_page_id: id(ScopeType::LandingPage),
            ..touch
        }
    };
    let mut batch = BatchBuilder::new();
    for row in rows {
        let place = places.get(&row.click_id);
        let journey = stored.get(&row.conversion_id).filter(|_| owner.is_on(row.campaign_id));
        let of_journey = journey.into_iter().flatten().filter(|touch| touch.0 == row.click_id);
        let own_time = of_journey.map(|touch| touch.1).min().unwrap_or_else(|| {
            place.map_or(row.click_time, |place| owner.clicks.click_times[*place])
        });
        let mut click = touch(row.click_id, own_time);
        if place.is_none() {
            click.campaign_id = row.campaign_id;
        }
        let touches: Vec<Touch> = journey
            .into_iter()
            .flatten()
            .filter(|touch| touch.0 != row.click_id)
            .map(|(click_id, click_time)| touch(*click_id, *click_time))
            .collect();
        let conversion = Conversion {
            conversion_id: row.conversion_id,
            conversion_time: row.time,
            payout: Money::from_units(row.payout),
            cost: Money::from_units(place.map_or(0, |place| owner.clicks.costs[*place])),
            click,
        };
        batch.push(&conversion, &touches).unwrap();
    }
    batch
}

/// That every conversion's credits add up to 1 for every model, and that snapshots of the global
/// scope count the credits under them, in these models' hours.
pub fn check_sums(results: &Results, within: impl Fn(u64, u64) -> bool) {
    let mut credits: BTreeMap<(u64, u64, u64), i64> = BTreeMap::new();
    let mut counts: BTreeMap<(u64, u64), u64> = BTreeMap::new();
    for row in results.credits.iter().filter(|row| within(row.model_id, row.hour)) {
        *credits.entry((row.model_id, row.hour, row.conversion_id)).or_default() += row.credit;
        *counts.entry((row.model_id, row.hour)).or_default() += 1;
    }
    for (of, sum) in credits {
        assert_eq!(sum, Credit::ONE.units() as i64, "credits of (model, hour, conversion) {of:?}");
    }
    for row in results.snapshots.iter().filter(|row| within(row.model_id, row.hour)) {
        if row.scope_type == "global" {
            assert_eq!(counts.get(&(row.model_id, row.hour)), Some(&row.clicks), "{row:?}");
        }
    }
}
