//! The host's tables in MySQL or MariaDB.

mod check;
mod compare;
mod connection;
#[cfg(feature = "exports")]
mod exports;
mod generations;
mod kept;
mod models;
mod overview;
mod purge;
mod reader;
mod run;
mod schema;
mod settings;
mod snapshots;
mod url;
mod values;
mod worker;

use std::thread;
use std::time::Duration;

pub use check::{Finding, Severity};
pub(crate) use kept::KeptConnections;
pub use models::{DeletedModel, ModelChange, StoredModel};
pub use snapshots::{CreditQuery, CreditRecord, SnapshotQuery};

use self::connection::{Connection, Fault, backoff, fault, now};
use self::run::{MOST_ATTEMPTS, MysqlRun, Servers, take_lock};
use self::values::Fields;
use crate::domain::model::Model;
use crate::ground::error::Error;
use crate::ground::scope::{Scope, ScopeSet, ScopeType};
use crate::ground::time::{SECONDS_PER_HOUR, Window};
use crate::job::all_users::{UserOutcome, for_all_users};
use crate::job::backfill::{self, BackfillOptions, BackfillReport};
use crate::job::progress::Progress;
use crate::job::rebuild::{self, RebuildOptions, RebuildReport};
use crate::job::settings::MultiTouch;
use crate::job::tables::{JobCoverage, RunKind, SnapshotRecord, Tables};

/// How far back journeys are assembled when multi-touch is switched on, in seconds.
const BACKFILLED: u32 = 30 * 24 * SECONDS_PER_HOUR;

/// The tables of a Prosper202 installation in MySQL (8.0 or newer) or MariaDB (10.6 or newer), and the
/// jobs on them. Each call connects anew; threads may share a store.
///
/// Whatever is read and written is bound to the account owner (`user_id`) that is named. A job holds the
/// owner's lock while it runs, writes in transactions of whole hours, and does a transaction again that
/// a deadlock, a lock wait or a lost connection undid.
///
/// ```no_run
/// use attribution_core::{MysqlStore, RebuildOptions, Window};
/// let store = MysqlStore::open("mysql://app:secret@127.0.0.1:3306/prosper202")?;
/// let window = Window::new(1_717_200_000, 1_717_286_400)?;
/// let report = store.rebuild(1, &RebuildOptions::new(window), &())?;
/// println!("{} rows written", report.rows_written);
/// # Ok::<(), attribution_core::Error>(())
/// ```
#[derive(Clone)]
pub struct MysqlStore {
    servers: Servers,
}

impl std::fmt::Debug for MysqlStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("MysqlStore").field(&url::shown(&self.servers.primary)).finish()
    }
}

impl MysqlStore {
    /// A store at `mysql://user:password@host:port/database`, with special characters of the parts as
    /// `%40`. After a `?` there may be `socket=PATH`, `tls=required`, `root_cert_path=PATH` (of the PEM
    /// file that the server's certificate is checked with) and the driver's other settings. Nothing is
    /// connected to yet.
    ///
    /// # Errors
    /// [`Error::Input`] for what is no such URL; it does not repeat the URL, which may hold a password.
    ///
    /// ```
    /// use attribution_core::MysqlStore;
    /// assert!(MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202").is_ok());
    /// assert!(MysqlStore::open("prosper202").is_err());
    /// ```
    pub fn open(url: &str) -> Result<Self, Error> {
        Ok(Self { servers: Servers { primary: url::read_url(url)?, replica: None } })
    }

    /// Reads clicks, conversions, journeys and settings from a replica of the same database. A replica
    /// that lags behind is read as it is.
    ///
    /// # Errors
    /// As [`MysqlStore::open`].
    ///
    /// ```
    /// use attribution_core::MysqlStore;
    /// let store = MysqlStore::open("mysql://app:secret@primary/prosper202")?;
    /// let store = store.with_replica("mysql://app:secret@replica/prosper202")?;
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn with_replica(mut self, url: &str) -> Result<Self, Error> {
        self.servers.replica = Some(url::read_url(url)?);
        Ok(self)
    }

    fn connect(&self) -> Result<Connection, Error> {
        Connection::open(&self.servers.primary)
    }

    /// Creates the tables of attribution that are missing; changes none that is there. Gives the names
    /// of those it created.
    ///
    /// # Errors
    /// [`Error::Database`] where the server refuses or cannot be reached.
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// for table in store.install()? {
    ///     println!("created {table}");
    /// }
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn install(&self) -> Result<Vec<&'static str>, Error> {
        schema::install(&mut self.connect()?)
    }

    /// Looks at the server, its settings, the schema and the data, and tells what is wrong or could be
    /// better, each with its remedy. Changes nothing.
    ///
    /// # Errors
    /// [`Error::Database`] where the server cannot be reached or asked.
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// for finding in store.check()? {
    ///     println!("{}: {}", finding.subject, finding.found);
    /// }
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn check(&self) -> Result<Vec<Finding>, Error> {
        check::check(&mut self.connect()?)
    }

    /// Assembles and stores the journeys of a user's conversions in a window. Where multi-touch is off
    /// and for deleted conversions, stored journeys are removed and none is written.
    ///
    /// # Errors
    /// [`Error::Input`] for a user, options, tables or conversions that are not as they have to be, with
    /// nothing written, or for clicks that are not (a negative cost, say), with what was done before
    /// still right; [`Error::Locked`] where another run holds the user's lock for longer than is waited, or
    /// took it over; [`Error::Database`]; [`Error::Cancelled`] when `progress` asks to stop. After these
    /// each conversion has its old journey or its new one.
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{BackfillOptions, Window};
    /// let window = Window::new(1_717_200_000, 1_717_286_400)?;
    /// let report = store.backfill(1, &BackfillOptions::new(window), &())?;
    /// println!("{} touches", report.touches);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn backfill(
        &self,
        user_id: u64,
        options: &BackfillOptions,
        progress: &dyn Progress,
    ) -> Result<BackfillReport, Error> {
        backfill::backfill(self, user_id, options, &|| Ok(()), progress)
    }

    /// As [`MysqlStore::backfill`] for every user that is not deleted; one's failure does not stop the
    /// others.
    ///
    /// # Errors
    /// [`Error::Input`] for options that no user's run could have, [`Error::Database`] where the users
    /// cannot be read, and [`Error::Cancelled`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{BackfillOptions, Window};
    /// let window = Window::new(1_717_200_000, 1_717_286_400)?;
    /// let outcomes = store.backfill_all(&BackfillOptions::new(window), &())?;
    /// assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn backfill_all(
        &self,
        options: &BackfillOptions,
        progress: &dyn Progress,
    ) -> Result<Vec<UserOutcome<BackfillReport>>, Error> {
        backfill::check_options(options)?;
        for_all_users(self, |user_id| {
            backfill::backfill(self, user_id, options, &|| Ok(()), progress)
        })
    }

    /// Makes the snapshots and credits of a user's active models right for a window of hours, and notes
    /// the success for the host. Rows that are right are not written. Models that are not valid are
    /// reported and left alone.
    ///
    /// # Errors
    /// As [`MysqlStore::backfill`]; [`Error::Limit`] for a total that does not fit its column, with
    /// nothing written. After an error each model and hour has its old rows or its new ones.
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{RebuildOptions, Window};
    /// let window = Window::new(1_717_200_000, 1_717_286_400)?;
    /// let report = store.rebuild(1, &RebuildOptions::new(window), &())?;
    /// assert!(report.invalid_models.is_empty());
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn rebuild(
        &self,
        user_id: u64,
        options: &RebuildOptions,
        progress: &dyn Progress,
    ) -> Result<RebuildReport, Error> {
        rebuild::rebuild(self, user_id, options, JobCoverage::All, progress)
    }

    /// As [`MysqlStore::rebuild`] for every user that is not deleted; one's failure does not stop the
    /// others. The success is noted when all have succeeded.
    ///
    /// # Errors
    /// [`Error::Input`] for options that no user's run could have, [`Error::Database`] where the users
    /// cannot be read, and [`Error::Cancelled`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{RebuildOptions, Window};
    /// let window = Window::new(1_717_200_000, 1_717_286_400)?;
    /// for outcome in store.rebuild_all(&RebuildOptions::new(window), &())? {
    ///     if let Err(error) = outcome.result {
    ///         eprintln!("user {}: {error}", outcome.user_id);
    ///     }
    /// }
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn rebuild_all(
        &self,
        options: &RebuildOptions,
        progress: &dyn Progress,
    ) -> Result<Vec<UserOutcome<RebuildReport>>, Error> {
        rebuild::check_options::<Self>(options)?;
        let outcomes = for_all_users(self, |user_id| {
            rebuild::rebuild(self, user_id, options, JobCoverage::Part, progress)
        })?;
        if outcomes.iter().all(|outcome| outcome.result.is_ok()) {
            self.note_success()?;
        }
        Ok(outcomes)
    }

    /// Whether multi-touch is on for a campaign of a user: a campaign's setting beats its advertiser's,
    /// that beats the user's, and it is on where nothing is set.
    ///
    /// # Errors
    /// [`Error::Input`] for tables that are not as they have to be; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// assert!(store.multi_touch_is_on(1, 42)?);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn multi_touch_is_on(&self, user_id: u64, campaign_id: u64) -> Result<bool, Error> {
        let mut connection = self.connect()?;
        schema::require(&mut connection, schema::FOR_SETTINGS)?;
        let mut advertiser_id = None;
        connection.each(
            "reading campaigns",
            "SELECT aff_network_id FROM 202_aff_campaigns \
             WHERE aff_campaign_id = ? AND user_id = ?",
            (campaign_id, user_id),
            &mut |row| {
                advertiser_id = Fields::new(row, "202_aff_campaigns").number_or_null(0)?;
                Ok(())
            },
        )?;
        let settings = MultiTouch::new(settings::read_settings(&mut connection, user_id)?);
        Ok(settings.is_on(campaign_id, advertiser_id))
    }

    /// Switches multi-touch on or off for a user ([`Scope::GLOBAL`]), an advertiser or a campaign. On
    /// stores the journeys of the last 30 days of that scope, off removes all of that scope's, but where
    /// a nearer setting says otherwise.
    ///
    /// # Errors
    /// As [`MysqlStore::backfill`]; [`Error::Input`] for another scope. The setting is made first, under the
    /// user's lock, and a rebuild heeds it at once.
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use std::time::Duration;
    /// use attribution_core::{Scope, ScopeType};
    /// let campaign = Scope::new(ScopeType::Campaign, Some(42))?;
    /// store.set_multi_touch(1, campaign, false, Duration::ZERO, &())?;
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn set_multi_touch(
        &self,
        user_id: u64,
        scope: Scope,
        on: bool,
        wait: Duration,
        progress: &dyn Progress,
    ) -> Result<BackfillReport, Error> {
        let scope_type = scope.scope_type();
        if !matches!(scope_type, ScopeType::Global | ScopeType::Advertiser | ScopeType::Campaign) {
            let found = format!("found {scope_type}");
            return Err(Error::input("scope", found, "global, advertiser or campaign"));
        }
        let mut connection = self.connect()?;
        schema::require(&mut connection, schema::FOR_SETTINGS)?;
        schema::require(&mut connection, schema::FOR_BACKFILL)?;
        check_user(&mut connection, user_id)?;
        check_owns(&mut connection, user_id, scope)?;
        drop(connection);
        // Under the lock, so that no other run goes on with the setting as it was.
        let set = || {
            again(&mut self.connect()?, |connection| {
                settings::write_setting(connection, user_id, scope, on)
            })
        };
        if !on {
            return backfill::purge(self, user_id, scope, wait, &set, progress);
        }
        let time = u32::try_from(now()).unwrap_or(u32::MAX);
        let window = Window::new(time.saturating_sub(BACKFILLED), time)?;
        let options = BackfillOptions { scope, wait, ..BackfillOptions::new(window) };
        backfill::backfill(self, user_id, &options, &set, progress)
    }

    /// A user's models in the order of their ids.
    ///
    /// # Errors
    /// [`Error::Input`] for tables that are not as they have to be; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// for model in store.models(1)? {
    ///     println!("{} ({})", model.name, model.slug);
    /// }
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn models(&self, user_id: u64) -> Result<Vec<StoredModel>, Error> {
        let mut connection = self.connect_for_models(user_id)?;
        let rows = models::read_models(&mut connection, user_id)?;
        Ok(rows.into_iter().map(StoredModel::from).collect())
    }

    /// One of a user's models by its slug.
    ///
    /// # Errors
    /// [`Error::Input`] where the user has no such model; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// assert_eq!(store.model(1, "linear")?.kind, "linear");
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn model(&self, user_id: u64, slug: &str) -> Result<StoredModel, Error> {
        let mut connection = self.connect_for_models(user_id)?;
        models::find(&mut connection, user_id, slug).map(StoredModel::from)
    }

    /// Makes a model for a user. Where its slug is taken, it gets a number (`linear-2`).
    ///
    /// # Errors
    /// [`Error::Input`] for an unknown user; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::Model;
    /// let model = Model::from_spec("Two days=time_decay:half_life_hours=48")?;
    /// let stored = store.create_model(1, &model, true, false)?;
    /// assert_eq!(stored.slug, "two-days");
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn create_model(
        &self,
        user_id: u64,
        model: &Model,
        active: bool,
        default: bool,
    ) -> Result<StoredModel, Error> {
        let mut connection = self.connect_for_models(user_id)?;
        models::create(&mut connection, user_id, model, active, default)
    }

    /// Changes one of a user's models. Its snapshots stay as they are until the next rebuild.
    ///
    /// # Errors
    /// [`Error::Input`] where the user has no such model or another has the new slug;
    /// [`Error::Model`] for a name or slug that is not allowed; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::ModelChange;
    /// let change = ModelChange { active: Some(false), ..ModelChange::default() };
    /// assert!(!store.update_model(1, "two-days", &change)?.is_active);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn update_model(
        &self,
        user_id: u64,
        slug: &str,
        change: &ModelChange,
    ) -> Result<StoredModel, Error> {
        models::update(&mut self.connect_for_models(user_id)?, user_id, slug, change)
    }

    /// Makes one of a user's models the default, and no other.
    ///
    /// # Errors
    /// [`Error::Input`] where the user has no such model; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// assert!(store.set_default_model(1, "two-days")?.is_default);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn set_default_model(&self, user_id: u64, slug: &str) -> Result<StoredModel, Error> {
        models::set_default(&mut self.connect_for_models(user_id)?, user_id, slug)
    }

    /// Deletes one of a user's models with its snapshots, credits and exports, all or nothing. Waits so
    /// long for a run of the user to end.
    ///
    /// # Errors
    /// [`Error::Input`] where the user has no such model; [`Error::Locked`]; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// let deleted = store.delete_model(1, "two-days", std::time::Duration::from_secs(60))?;
    /// println!("{} snapshots", deleted.snapshots);
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn delete_model(
        &self,
        user_id: u64,
        slug: &str,
        wait: Duration,
    ) -> Result<DeletedModel, Error> {
        let mut connection = self.connect_for_models(user_id)?;
        models::find(&mut connection, user_id, slug)?;
        // Held by a connection of its own, which outlives a lost one.
        let mut lock = self.connect()?;
        take_lock(&mut lock, user_id, wait, &|| Ok(()))?;
        models::delete(&mut connection, user_id, slug)
    }

    fn connect_for_models(&self, user_id: u64) -> Result<Connection, Error> {
        let mut connection = self.connect()?;
        schema::require(&mut connection, schema::FOR_MODELS)?;
        check_user(&mut connection, user_id)?;
        Ok(connection)
    }

    /// Gives the stored snapshots of a user's model to `take`, ordered by scope type, scope id and hour.
    ///
    /// # Errors
    /// [`Error::Input`] where the user has no such model; [`Error::Database`]; and those of `take`.
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::{SnapshotQuery, Window};
    /// let query = SnapshotQuery::new("linear", Window::new(1_717_200_000, 1_717_286_400)?);
    /// store.snapshots(1, &query, &mut |snapshot| {
    ///     println!("{} {}", snapshot.date_hour, snapshot.revenue);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn snapshots(
        &self,
        user_id: u64,
        query: &SnapshotQuery,
        take: &mut dyn FnMut(SnapshotRecord) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut connection = self.connect_for_models(user_id)?;
        let model = models::find(&mut connection, user_id, &query.model)?;
        snapshots::read(&mut connection, user_id, model.model_id, query, take)
    }

    /// The stored credits of a conversion or a snapshot of a user.
    ///
    /// # Errors
    /// [`Error::Input`] for an unknown user; [`Error::Database`].
    ///
    /// ```no_run
    /// # let store = attribution_core::MysqlStore::open("mysql://app:secret@127.0.0.1/prosper202")?;
    /// use attribution_core::CreditQuery;
    /// for credit in store.credits(1, CreditQuery::Conversion(1_000))? {
    ///     println!("click {}: {}", credit.click_id, credit.credit);
    /// }
    /// # Ok::<(), attribution_core::Error>(())
    /// ```
    pub fn credits(&self, user_id: u64, query: CreditQuery) -> Result<Vec<CreditRecord>, Error> {
        let mut connection = self.connect()?;
        schema::require(&mut connection, schema::FOR_REBUILD)?;
        check_user(&mut connection, user_id)?;
        snapshots::read_credits(&mut connection, user_id, query)
    }
}

impl Tables for MysqlStore {
    type Run = MysqlRun;

    const SCOPES: ScopeSet = ScopeSet::GLOBAL
        .with(ScopeType::Campaign)
        .with(ScopeType::Account)
        .with(ScopeType::Advertiser)
        .with(ScopeType::TrafficSource)
        .with(ScopeType::LandingPage);

    fn owners(&self) -> Result<Vec<u64>, Error> {
        let mut owners = Vec::new();
        self.connect()?.each(
            "reading users",
            "SELECT user_id FROM 202_users WHERE COALESCE(user_deleted, 0) = 0 ORDER BY user_id",
            (),
            &mut |row| {
                owners.push(Fields::new(row, "202_users").number(0)?);
                Ok(())
            },
        )?;
        Ok(owners)
    }

    fn begin(
        &self,
        owner: u64,
        kind: RunKind,
        window: Window,
        wait: Duration,
        go_on: &dyn Fn() -> Result<(), Error>,
    ) -> Result<MysqlRun, Error> {
        let mut connection = self.connect()?;
        let needed = match kind {
            RunKind::Backfill => schema::FOR_BACKFILL,
            RunKind::Rebuild => schema::FOR_REBUILD,
            RunKind::Purge => schema::FOR_PURGE,
        };
        schema::require(&mut connection, needed)?;
        // What a deleted user has left can still be purged.
        if kind != RunKind::Purge {
            check_user(&mut connection, owner)?;
        }
        MysqlRun::begin(&self.servers, connection, owner, kind, window, wait, go_on)
    }

    fn note_success(&self) -> Result<(), Error> {
        let mut connection = self.connect()?;
        again(&mut connection, run::note_success)
    }
}

/// Does what may be done twice again where a deadlock, a lock wait or a lost connection undid it.
fn again<T>(
    connection: &mut Connection,
    mut work: impl FnMut(&mut Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut attempt = 0;
    loop {
        let error = match work(connection) {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let _ = connection.run_text("rolling back", "ROLLBACK");
        attempt += 1;
        match fault(&error) {
            Fault::Final => return Err(error),
            _ if attempt >= MOST_ATTEMPTS => return Err(error),
            Fault::Undone => thread::sleep(backoff(attempt)),
            Fault::Lost => connection.reopen()?,
        }
    }
}

fn check_user(connection: &mut Connection, user_id: u64) -> Result<(), Error> {
    let mut found = None;
    connection.each(
        "reading users",
        "SELECT user_id, COALESCE(user_deleted, 0) FROM 202_users WHERE user_id = ?",
        (user_id,),
        &mut |row| {
            found = Some(Fields::new(row, "202_users").number(1)?);
            Ok(())
        },
    )?;
    let found = match found {
        Some(0) => return Ok(()),
        Some(_) => format!("found user {user_id}, who is deleted"),
        None => format!("found no user {user_id}"),
    };
    Err(Error::input("user", found, "the id of a user who is not deleted"))
}

/// Refuses a user that there is not; a deleted one is known.
fn check_known(connection: &mut Connection, user_id: u64) -> Result<(), Error> {
    match check_user(connection, user_id) {
        Err(Error::Input(_)) if is_there(connection, user_id)? => Ok(()),
        outcome => outcome,
    }
}

fn is_there(connection: &mut Connection, user_id: u64) -> Result<bool, Error> {
    let mut there = false;
    connection.each(
        "reading users",
        "SELECT 1 FROM 202_users WHERE user_id = ?",
        (user_id,),
        &mut |_| {
            there = true;
            Ok(())
        },
    )?;
    Ok(there)
}

/// Refuses a campaign or an advertiser that is not the user's.
fn check_owns(connection: &mut Connection, user_id: u64, scope: Scope) -> Result<(), Error> {
    let (Some(id), scope_type) = (scope.id(), scope.scope_type()) else { return Ok(()) };
    let column = match scope_type {
        ScopeType::Campaign => "aff_campaign_id",
        _ => "aff_network_id",
    };
    let mut owned = false;
    connection.each(
        "reading campaigns",
        &format!("SELECT 1 FROM 202_aff_campaigns WHERE {column} = ? AND user_id = ? LIMIT 1"),
        (id, user_id),
        &mut |_| {
            owned = true;
            Ok(())
        },
    )?;
    if owned {
        return Ok(());
    }
    Err(Error::input(
        scope_type.name(),
        format!("found {id}, which is not of user {user_id}"),
        format!("the id of one of the user's {scope_type}s"),
    ))
}
