//! What can be said of a purge.

use std::path::PathBuf;

use attribution_core::{JourneyKey, parse_duration};
use clap::{Args, Subcommand};

use super::{DatabaseArguments, UserArguments};

#[derive(Debug, Subcommand)]
pub(crate) enum PurgeAction {
    /// All that a user has, but for the user's own row, campaigns and accounts
    #[command(after_help = "Example:\n  \
        attribution purge owner --user 7 --confirm 7 --export-directory /srv/exports")]
    Owner {
        #[command(flatten)]
        user: UserArguments,
        /// The user's id once more; on a terminal it is asked for
        #[arg(long, value_name = "ID")]
        confirm: Option<u64>,
        #[command(flatten)]
        how: PurgeArguments,
    },
    /// Some clicks, with their conversions, touches and credits
    #[command(after_help = "Example:\n  attribution purge clicks --user 7 --ids 1001,1002")]
    Clicks {
        #[command(flatten)]
        user: UserArguments,
        #[command(flatten)]
        ids: IdArguments,
        #[command(flatten)]
        journeys: JourneyArguments,
        #[command(flatten)]
        how: PurgeArguments,
    },
    /// Some conversions, with their journeys and credits; their clicks stay
    #[command(after_help = "Example:\n  attribution purge conversions --user 7 --ids-from ids.txt")]
    Conversions {
        #[command(flatten)]
        user: UserArguments,
        #[command(flatten)]
        ids: IdArguments,
        #[command(flatten)]
        journeys: JourneyArguments,
        #[command(flatten)]
        how: PurgeArguments,
    },
    /// All clicks of a visitor, as with clicks
    #[command(
        after_help = "Example:\n  attribution purge visitor --user 7 --visitor 9001 --dry-run"
    )]
    Visitor {
        #[command(flatten)]
        user: UserArguments,
        /// The visitor, an ip_id
        #[arg(long, value_name = "IP_ID", value_parser = clap::value_parser!(u64).range(1..))]
        visitor: u64,
        #[command(flatten)]
        journeys: JourneyArguments,
        #[command(flatten)]
        how: PurgeArguments,
    },
    /// What is older than its table's limit
    #[command(after_help = "\
Limits are numbers with s, m, h, d or w. Tables without one are left alone. A
rebuild of purged hours brings their rows back, with conversions whose journeys
were purged as single touches: rebuild no window that is older than the limits.

Example, for the crontab (the URL is in the environment):
  30 3 * * * attribution purge age --journeys 90d --credits 90d --snapshots 104w")]
    Age {
        #[command(flatten)]
        database: DatabaseArguments,
        /// One user only [default: all who are not deleted]
        #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u64).range(1..))]
        user: Option<u64>,
        #[command(flatten)]
        limits: LimitArguments,
        #[command(flatten)]
        how: PurgeArguments,
    },
}

#[derive(Debug, Args)]
pub(crate) struct PurgeArguments {
    /// Count what would go, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The folder of the export files; no file outside it is removed
    #[arg(long, value_name = "DIR")]
    pub(crate) export_directory: Option<PathBuf>,
    /// How long to wait for another run of the user to end
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub(crate) wait: u64,
    /// Print the report as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct IdArguments {
    /// The ids, with commas between them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) ids: Vec<u64>,
    /// A file of ids, one a line
    #[arg(long, value_name = "FILE")]
    pub(crate) ids_from: Option<PathBuf>,
}

/// How journeys that lose a click are made anew: as the backfills of this user make them.
#[derive(Debug, Args)]
pub(crate) struct JourneyArguments {
    /// What a journey's touches share, as in the user's backfills
    #[arg(long, value_name = "KEY", default_value_t)]
    pub(crate) journey: JourneyKey,
    /// How far back touches count, as in the user's backfills
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = parse_duration)]
    pub(crate) lookback: u32,
    /// How many of the newest touches count, as in the user's backfills
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=65535))]
    pub(crate) max_touches: u32,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct LimitArguments {
    /// How long journeys are kept, by their conversion's time
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) journeys: Option<u32>,
    /// How long credits are kept; at most as long as snapshots
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) credits: Option<u32>,
    /// How long snapshots are kept; their credits go with them
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) snapshots: Option<u32>,
    /// How long exports are kept, with their files
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) exports: Option<u32>,
    /// How long the audit is kept, but for the proofs of purges
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) audit: Option<u32>,
}
