//! Exact multi-touch attribution.
//!
//! A *conversion* is a payout posted back for one click; its *journey* is the ordered list of
//! touches that led to it. A [`Model`] turns each journey into integer weights, and the engine
//! splits the conversion, its payout and its cost over the touches by those weights so that every
//! split adds up exactly. Totals by hour and scope are [`Snapshot`]s.
//!
//! ```
//! use attribution_core::{BatchBuilder, Conversion, Engine, Model, Money, Touch};
//!
//! let mut batch = BatchBuilder::new();
//! batch.push(
//!     &Conversion {
//!         conversion_id: 1,
//!         conversion_time: 1_717_232_400,
//!         payout: "10".parse()?,
//!         cost: Money::ZERO,
//!         click: Touch { click_id: 12, click_time: 1_717_232_400, ..Touch::default() },
//!     },
//!     &[
//!         Touch { click_id: 10, click_time: 1_717_059_600, ..Touch::default() },
//!         Touch { click_id: 11, click_time: 1_717_146_000, ..Touch::default() },
//!     ],
//! )?;
//! let linear = Model::from_spec("linear")?;
//! let result = Engine::new().touchpoints(true).calculate(&[linear], &batch.batch())?;
//! let touchpoints = &result[0].touchpoints;
//! assert_eq!(touchpoints.revenues, [333_334, 333_333, 333_333]);
//! assert_eq!(result[0].snapshots[0].revenue, "10".parse::<Money>()?);
//! # Ok::<(), attribution_core::Error>(())
//! ```
//!
//! The modules stack in floors, each importing only from those before it: the ground (numbers,
//! times, scopes, errors), the domain (models, journeys, the columnar batch), one strategy per
//! model kind, the engine, the jobs, and the stores and exporters.
#![forbid(unsafe_code)]

#[cfg(feature = "mysql")]
mod cache;
mod domain;
mod engine;
mod export;
mod ground;
mod job;
mod store;
mod strategy;
#[cfg(feature = "exports")]
mod webhook;

#[cfg(feature = "mysql")]
pub use cache::{CacheOptions, CacheServer, CacheStatistics, CachedSnapshots};
pub use domain::{
    batch::{Batch, BatchBuilder, BatchColumns, Conversion, MAX_TOUCHES, Touch},
    clicks::{Clicks, Conversions, MISSING_CLICK},
    config::ConfigValue,
    dimensions::Dimensions,
    journey::{JourneyKey, JourneyOptions, Journeys, order_touches},
    model::{Model, ModelKind, Weighting, slugify},
};
pub use engine::{
    apportion::apportion,
    calculate::{Engine, ModelResult},
    group::{ConversionColumns, TouchColumns},
    snapshot::Snapshot,
    touchpoints::Touchpoints,
};
pub use export::{ExportFormat, SnapshotExporter, SnapshotRow, file::ExportFile};
pub use ground::{
    error::{Defect, Defects, Error, ErrorCode, ModelError},
    money::{Credit, Money},
    percent::{CreditDifference, Percent},
    scope::{Scope, ScopeSet, ScopeType},
    time::{SECONDS_PER_HOUR, Window, hour_of, parse_duration, parse_time},
};
#[cfg(feature = "exports")]
pub use job::exports::{
    ExportJob, ExportOutcome, ExportQuery, ExportRequest, ExportRunOptions, ExportRunReport,
    ExportStatus, WebhookState,
};
#[cfg(feature = "mysql")]
pub use job::{
    all_users::{JobReport, UserOutcome},
    backfill::{BackfillOptions, BackfillReport},
    overview::{
        Anomaly, AnomalyDirection, AnomalyMetric, AnomalySeverity, Overview, OverviewHour,
        OverviewOptions, OverviewTotals, TouchPlace, TouchpointShare,
    },
    purge::{LeftFile, PurgeOptions, PurgeReport, PurgeTarget, PurgedTable, RetentionLimits},
    rebuild::{InvalidModel, RebuildOptions, RebuildReport, RebuiltModel},
    tables::SnapshotRecord,
};
pub use job::{
    compare::{
        CompareOptions, Comparison, ComparisonRow, Difference, DifferenceIntervals,
        FigureIntervals, Interval, compare,
    },
    progress::{Phase, Progress},
    run::{ModelReport, RunOptions, RunReport, run},
    store::{Dataset, ResultSink, RowEncoder, Source},
};
#[cfg(feature = "mysql")]
pub use store::mysql::{
    CreditQuery, CreditRecord, DeletedModel, Finding, ModelChange, MysqlStore, Severity,
    SnapshotQuery, StoredModel,
};
pub use store::{
    csv::{CsvSink, CsvSource, TouchpointLines},
    memory::{AsColumns, MemoryStore},
};
#[cfg(feature = "exports")]
pub use webhook::{Resolve, WebhookDelivery, WebhookNotice, WebhookPolicy, WebhookRequest};
