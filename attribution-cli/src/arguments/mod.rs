//! What can be said on the command line.
//!
//! The doc comments are the command's help, which has no backticks.
#![allow(clippy::doc_markdown)]

mod compare;
pub(crate) mod exports;
mod overview;
mod purge;

use std::path::PathBuf;

use attribution_core::{
    ExportFormat, JourneyKey, Model, Scope, ScopeSet, ScopeType, parse_duration, parse_time,
};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use self::purge::{
    IdArguments, JourneyArguments, LimitArguments, PurgeAction, PurgeArguments,
};
pub(crate) use compare::{CompareArguments, ComparisonFormat};
pub(crate) use overview::OverviewArguments;

/// Exact multi-touch attribution of clicks and conversions.
#[derive(Debug, Parser)]
#[command(
    name = "attribution",
    version,
    about = "Exact multi-touch attribution of clicks and conversions",
    after_help = "Examples:\n  \
        attribution demo\n  \
        attribution sample --visitors 10000 --seed 1 --out data\n  \
        attribution run --clicks data/clicks.csv --conversions data/conversions.csv \\\n      \
        --model linear --model time_decay:half_life_hours=48 --out results\n\n\
        --database may be left out where ATTRIBUTION_DATABASE_URL has the URL.\n\
        Exit status: 0 done, 1 failed, 2 bad usage or bad input.",
    disable_help_subcommand = true,
    max_term_width = 80
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Give credit for the conversions of a file to the clicks of another
    Run(RunArguments),
    /// Make up clicks.csv and conversions.csv, the same for the same seed
    Sample(SampleArguments),
    /// Make up data, run all models on it, and compare them here
    Demo,
    /// The kinds of model, their config, and an example SPEC of each
    Models,
    /// Store the journeys of a database's conversions
    Backfill(BackfillArguments),
    /// Make a database's snapshots and credits right
    Rebuild(RebuildArguments),
    /// Switch multi-touch on or off for a user, an advertiser or a campaign
    MultiTouch(MultiTouchArguments),
    /// List, create, update or delete a user's models, or choose the default
    Model {
        #[command(subcommand)]
        action: ModelAction,
    },
    /// Show or export a model's stored snapshots
    Snapshots(SnapshotsArguments),
    /// Schedule exports, make their files, send their webhooks, and list them
    Export {
        #[command(subcommand)]
        action: exports::ExportAction,
    },
    /// Compare models on the same conversions, of files or of a database, writing nothing
    Compare(CompareArguments),
    /// Show totals, hours, the mix of touches and what is out of the ordinary
    Overview(OverviewArguments),
    /// Erase a user, a data subject or what is old, and show that nothing is left
    Purge {
        #[command(subcommand)]
        action: PurgeAction,
    },
    /// Create the tables of attribution that are missing from a database
    Install(InstallArguments),
    /// Look for what is wrong with a database, and what helps
    Check(CheckArguments),
    /// Print the completion script of a shell
    #[command(after_help = "Example:\n  \
        attribution completions bash \\\n      \
        > ~/.local/share/bash-completion/completions/attribution")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
#[command(override_usage = "\
attribution run --clicks FILE --conversions FILE --model SPEC --out DIR
                       [--model SPEC ...] [options]")]
#[command(after_help = "\
SPEC is kind or kind:key=value,key=value, optionally name=kind:...; the name
defaults to the kind. `attribution models` lists the kinds.

Clicks have the columns click_id, click_time, visitor_id, campaign_id,
ppc_account_id, landing_page_id and cost, and may have filtered, advertiser_id,
traffic_source_id and adgroup_id. Conversions have conv_id, click_id, conv_time
and payout, and may have campaign_id and cost. The order does not matter; times
are unix seconds or RFC 3339; both files may be gzip.

Examples:
  attribution run --clicks clicks.csv --conversions conversions.csv \\
      --model last_touch --model linear --out results
  attribution run --clicks clicks.csv.gz --conversions conversions.csv.gz \\
      --model 'two days=time_decay:half_life_hours=48' --lookback 7d \\
      --journey visitor --scopes global,campaign --export xlsx --out results")]
pub(crate) struct RunArguments {
    /// The clicks, a CSV file
    #[arg(long, value_name = "FILE")]
    pub(crate) clicks: PathBuf,
    /// The conversions, a CSV file
    #[arg(long, value_name = "FILE")]
    pub(crate) conversions: PathBuf,
    /// A model to run; may be given again
    #[arg(long = "model", value_name = "SPEC", required = true, value_parser = Model::from_spec)]
    pub(crate) models: Vec<Model>,
    /// The folder that gets snapshots.csv, touchpoints.csv and the export
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// What a journey's touches share: visitor_campaign, visitor, campaign or none
    #[arg(long, value_name = "KEY", default_value_t)]
    pub(crate) journey: JourneyKey,
    /// How far back touches count: a number with s, m, h, d or w
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = parse_duration)]
    pub(crate) lookback: u32,
    /// How many of the newest touches count
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=65535))]
    pub(crate) max_touches: u32,
    /// The scopes of the snapshots: global, campaign, account, landing_page, advertiser,
    /// traffic_source, adgroup
    #[arg(long, value_name = "LIST", default_value = "global")]
    pub(crate) scopes: ScopeSet,
    /// Also write the snapshots as export.csv, export.xlsx or export.jsonl
    #[arg(long, value_name = "FORMAT")]
    pub(crate) export: Option<ExportFormat>,
    /// On how many threads; the results are the same for any number [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  attribution sample --visitors 10000 --seed 1 --out data")]
pub(crate) struct SampleArguments {
    /// How many visitors, at most 10,000,000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=10_000_000))]
    pub(crate) visitors: u64,
    /// The seed
    #[arg(long, value_name = "S")]
    pub(crate) seed: u64,
    /// The folder that gets the two files
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// The environment variable that stands in for `--database`.
pub(crate) const DATABASE_VARIABLE: &str = "ATTRIBUTION_DATABASE_URL";
/// The environment variable that stands in for `--replica`.
pub(crate) const REPLICA_VARIABLE: &str = "ATTRIBUTION_REPLICA_URL";
/// The environment variable that stands in for `--cache`.
pub(crate) const CACHE_VARIABLE: &str = "ATTRIBUTION_CACHE_URL";

#[derive(Debug, Args)]
pub(crate) struct DatabaseArguments {
    /// The database, as mysql://user:password@host:port/db?socket=PATH&tls=required
    #[arg(long, value_name = "URL", env = DATABASE_VARIABLE, hide_env_values = true)]
    pub(crate) database: String,
    /// A replica to read clicks, conversions and journeys from
    #[arg(long, value_name = "URL", env = REPLICA_VARIABLE, hide_env_values = true)]
    pub(crate) replica: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct JobArguments {
    #[command(flatten)]
    pub(crate) database: DatabaseArguments,
    /// One user only [default: all who are not deleted]
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) user: Option<u64>,
    #[command(flatten)]
    pub(crate) window: WindowArguments,
    /// How long to wait for another run of the user to end
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) wait: u64,
    /// On how many connections to write
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) connections: u16,
    /// Print the report of the run as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WindowArguments {
    /// From this time on, unix seconds or RFC 3339 [default: 24 hours before the end]
    #[arg(long, value_name = "T", value_parser = parse_time)]
    pub(crate) start: Option<u32>,
    /// Before this time [default: now]
    #[arg(long, value_name = "T", value_parser = parse_time)]
    pub(crate) end: Option<u32>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The hours that the window touches are done as a whole. What is right already is
not written again.

Example:
  attribution backfill --user 1 --start 2024-06-01T00:00:00Z \\
      --database mysql://user:password@127.0.0.1/prosper202")]
pub(crate) struct BackfillArguments {
    #[command(flatten)]
    pub(crate) job: JobArguments,
    /// What a journey's touches share: visitor_campaign, visitor, campaign or none
    #[arg(long, value_name = "KEY", default_value_t)]
    pub(crate) journey: JourneyKey,
    /// How far back touches count: a number with s, m, h, d or w
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = parse_duration)]
    pub(crate) lookback: u32,
    /// How many of the newest touches count
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=65535))]
    pub(crate) max_touches: u32,
}

/// Whether credits are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Credits {
    /// A row for each credited touch
    All,
    /// None, and those of the window are removed
    None,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The hours that the window touches are done as a whole. What is right already is
not written again.

Example, for the crontab (the URL is in the environment):
  0 * * * * attribution rebuild --wait 600")]
pub(crate) struct RebuildArguments {
    #[command(flatten)]
    pub(crate) job: JobArguments,
    /// The scopes of the snapshots, besides global and those that a model has already [default: all]
    #[arg(long, value_name = "LIST")]
    pub(crate) scopes: Option<ScopeSet>,
    /// Whether credits are stored
    #[arg(long, value_enum, default_value_t = Credits::All)]
    pub(crate) credits: Credits,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    /// Journeys are stored, those of the last 30 days now
    On,
    /// No journeys are stored, and those that are there are removed
    Off,
}

#[derive(Debug, Args)]
pub(crate) struct UserArguments {
    #[command(flatten)]
    pub(crate) database: DatabaseArguments,
    /// The user
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) user: u64,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A campaign's setting beats its advertiser's, that beats the user's.

Example:
  attribution multi-touch off --user 1 --campaign 42")]
pub(crate) struct MultiTouchArguments {
    /// On or off
    #[arg(value_enum)]
    pub(crate) switch: Switch,
    #[command(flatten)]
    pub(crate) user: UserArguments,
    /// For one of the user's advertisers only
    #[arg(long, value_name = "ID", conflicts_with = "campaign", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) advertiser: Option<u64>,
    /// For one of the user's campaigns only
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) campaign: Option<u64>,
    /// How long to wait for another run of the user to end
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) wait: u64,
    /// Print the report of the run as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelAction {
    /// The user's models
    List {
        #[command(flatten)]
        user: UserArguments,
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a model
    #[command(after_help = "Example:\n  \
        attribution model create --user 1 --name 'Two days' \\\n      \
        --spec time_decay:half_life_hours=48")]
    Create {
        #[command(flatten)]
        user: UserArguments,
        /// The name that people see [default: that of the SPEC]
        #[arg(long)]
        name: Option<String>,
        /// The kind and its config, as `attribution models` shows them
        #[arg(long, value_parser = Model::from_spec)]
        spec: Model,
        /// The slug; where another model has it, it gets a number [default: from the name]
        #[arg(long)]
        slug: Option<String>,
        /// Leave it out of rebuilds
        #[arg(long)]
        inactive: bool,
        /// Make it the default
        #[arg(long)]
        default: bool,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a model
    Update {
        #[command(flatten)]
        user: UserArguments,
        /// The model's slug
        #[arg(long, value_name = "SLUG")]
        model: String,
        /// A new name
        #[arg(long)]
        name: Option<String>,
        /// A new kind and config
        #[arg(long, value_parser = Model::from_spec)]
        spec: Option<Model>,
        /// A new slug
        #[arg(long)]
        slug: Option<String>,
        /// Whether rebuilds run it: true or false
        #[arg(long, value_name = "BOOL")]
        active: Option<bool>,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete a model with its snapshots, credits and exports
    Delete {
        #[command(flatten)]
        user: UserArguments,
        /// The model's slug
        #[arg(long, value_name = "SLUG")]
        model: String,
        /// How long to wait for a run of the user to end
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        wait: u64,
    },
    /// Make a model the default
    Default {
        #[command(flatten)]
        user: UserArguments,
        /// The model's slug
        #[arg(long, value_name = "SLUG")]
        model: String,
    },
}

/// A scope type, with an id or for all ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScopeFilter {
    pub(crate) scope_type: ScopeType,
    pub(crate) scope_id: Option<u64>,
}

fn parse_scope(text: &str) -> Result<ScopeFilter, attribution_core::Error> {
    let Some((scope_type, id)) = text.split_once(':') else {
        return Ok(ScopeFilter { scope_type: text.parse()?, scope_id: None });
    };
    let scope_type = scope_type.parse()?;
    let id = id.parse().map_err(|_| attribution_core::ModelError {
        field: "scope".to_owned(),
        given: format!("{id:?} was given as an id"),
        allowed: "a whole number from 1 on".to_owned(),
    })?;
    let scope = Scope::new(scope_type, Some(id))?;
    Ok(ScopeFilter { scope_type, scope_id: scope.id() })
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    attribution snapshots --user 1 --model linear --scope campaign:42 --export csv")]
pub(crate) struct SnapshotsArguments {
    #[command(flatten)]
    pub(crate) user: UserArguments,
    /// The model's slug
    #[arg(long, value_name = "SLUG")]
    pub(crate) model: String,
    /// Of this scope only: global, campaign, campaign:42, ...
    #[arg(long, value_name = "TYPE[:ID]", value_parser = parse_scope)]
    pub(crate) scope: Option<ScopeFilter>,
    #[command(flatten)]
    pub(crate) window: WindowArguments,
    /// At most so many rows [default: 100 on the screen, all in an export]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// After so many rows
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) offset: u64,
    /// Write csv, xlsx or jsonl to standard output
    #[arg(long, value_name = "FORMAT")]
    pub(crate) export: Option<ExportFormat>,
    /// A Redis or memcached server that keeps what was read, as redis://user:password@host:port/db
    #[arg(long, value_name = "URL", env = CACHE_VARIABLE, hide_env_values = true)]
    pub(crate) cache: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct InstallArguments {
    #[command(flatten)]
    pub(crate) database: DatabaseArguments,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 all is well or nearly so, 1 something wants looking after, 2 jobs
will fail.")]
pub(crate) struct CheckArguments {
    #[command(flatten)]
    pub(crate) database: DatabaseArguments,
    /// Print the findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
