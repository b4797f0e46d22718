//! What can be said on the command line.
//!
//! The doc comments are the command's help, which has no backticks.
#![allow(clippy::doc_markdown)]

use std::path::PathBuf;

use attribution_core::{ExportFormat, JourneyKey, Model, ScopeSet, parse_duration};
use clap::{Args, Parser, Subcommand};

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
