//! The arguments of `attribution compare`.

use std::path::PathBuf;

use attribution_core::{JourneyKey, parse_duration, parse_time};
use clap::{Args, ValueEnum};

use super::{DATABASE_VARIABLE, REPLICA_VARIABLE, ScopeFilter, parse_scope};

/// How a comparison is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ComparisonFormat {
    /// For people
    Table,
    /// All figures, for machines
    Json,
    /// All figures, a row for each model and scope id
    Csv,
}

#[derive(Debug, Args)]
#[command(override_usage = "\
attribution compare --clicks FILE --conversions FILE --model SPEC ... [options]
       attribution compare --user ID --model SLUG|SPEC ... [options]")]
#[command(after_help = "\
Nothing is written. The intervals are of a Poisson bootstrap over conversions: the
same data gives the same ones. SPEC and the files are as in `attribution run`; a
model of a database may be the slug of one of the user's, active or not.

Examples:
  attribution compare --clicks clicks.csv --conversions conversions.csv \\
      --model last_touch --model linear --scope campaign
  attribution compare --user 1 --model two-days --model linear \\
      --start 2024-06-01T00:00:00Z --end 2024-07-01T00:00:00Z --format csv")]
pub(crate) struct CompareArguments {
    /// The clicks, a CSV file
    #[arg(long, value_name = "FILE", requires = "conversions")]
    pub(crate) clicks: Option<PathBuf>,
    /// The conversions, a CSV file
    #[arg(long, value_name = "FILE", requires = "clicks")]
    pub(crate) conversions: Option<PathBuf>,
    /// The database, as mysql://user:password@host:port/db?socket=PATH&tls=required
    #[arg(long, value_name = "URL", env = DATABASE_VARIABLE, hide_env_values = true)]
    pub(crate) database: Option<String>,
    /// A replica to read clicks, conversions and journeys from
    #[arg(long, value_name = "URL", env = REPLICA_VARIABLE, hide_env_values = true)]
    pub(crate) replica: Option<String>,
    /// The user, of a database
    #[arg(long, value_name = "ID", conflicts_with = "clicks", required_unless_present = "clicks",
        value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) user: Option<u64>,
    /// A model; give two or more
    #[arg(long = "model", value_name = "SLUG|SPEC", required = true)]
    pub(crate) models: Vec<String>,
    /// The model that the others are compared to, by its name [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline: Option<String>,
    /// The scope: global, campaign (each), campaign:42 (that one), ...
    #[arg(long, value_name = "TYPE[:ID]", default_value = "global", value_parser = parse_scope)]
    pub(crate) scope: ScopeFilter,
    /// From this time on, unix seconds or RFC 3339 [default: all there is in files, 24 hours before
    /// the end in a database]
    #[arg(long, value_name = "T", value_parser = parse_time)]
    pub(crate) start: Option<u32>,
    /// Before this time [default: all there is in files, now in a database]
    #[arg(long, value_name = "T", value_parser = parse_time)]
    pub(crate) end: Option<u32>,
    /// How many resamples the intervals are taken from, 40 to 10000; 0 for no intervals
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub(crate) resamples: u32,
    /// On how many threads; the results are the same for any number [default: one per processor, 2 on
    /// a database]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = ComparisonFormat::Table)]
    pub(crate) format: ComparisonFormat,
    /// What a journey's touches share, in files: visitor_campaign, visitor, campaign or none
    #[arg(long, value_name = "KEY", default_value_t, conflicts_with = "user")]
    pub(crate) journey: JourneyKey,
    /// How far back touches count, in files: a number with s, m, h, d or w
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = parse_duration, conflicts_with = "user")]
    pub(crate) lookback: u32,
    /// How many of the newest touches count, in files
    #[arg(long, value_name = "N", default_value_t = 25, conflicts_with = "user", value_parser = clap::value_parser!(u32).range(1..=65535))]
    pub(crate) max_touches: u32,
}
