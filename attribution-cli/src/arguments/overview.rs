//! The arguments of `attribution overview`.

use clap::Args;

use super::{ScopeFilter, UserArguments, WindowArguments, parse_scope};

#[derive(Debug, Args)]
#[command(after_help = "\
Totals and mix are of the whole window. The page has the newest hours that have a
snapshot; its latest hour is compared to the mean of the others: a change of 25 %
is a warning, of 50 % critical.

Example:
  attribution overview --user 1 --model two-days --scope campaign:42 \\
      --start 2024-06-01T00:00:00Z --end 2024-07-01T00:00:00Z --limit 48")]
pub(crate) struct OverviewArguments {
    #[command(flatten)]
    pub(crate) user: UserArguments,
    /// The model's slug
    #[arg(long, value_name = "SLUG")]
    pub(crate) model: String,
    /// The scope: global, campaign:42, ...
    #[arg(long, value_name = "TYPE[:ID]", default_value = "global", value_parser = parse_scope)]
    pub(crate) scope: ScopeFilter,
    #[command(flatten)]
    pub(crate) window: WindowArguments,
    /// How many hours the page has, at most 10000
    #[arg(long, value_name = "N", default_value_t = 24)]
    pub(crate) limit: u64,
    /// After so many of the newest hours
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) offset: u64,
    /// Print it as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
