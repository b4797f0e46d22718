//! What can be said to `attribution export`.

use std::path::PathBuf;

use attribution_core::{ExportStatus, Scope};
use clap::{Args, Subcommand};
use ipnet::IpNet;

use super::{DatabaseArguments, ScopeFilter, UserArguments, WindowArguments, parse_scope};

/// The environment variable that has a webhook's secret.
pub(crate) const SECRET_VARIABLE: &str = "ATTRIBUTION_WEBHOOK_SECRET";

#[derive(Debug, Subcommand)]
pub(crate) enum ExportAction {
    /// Put an export of a model's snapshots into the queue
    Schedule(ScheduleArguments),
    /// Make the files of the queue and send their webhooks
    Run(ExportRunArguments),
    /// The user's exports, the newest first
    List(ExportListArguments),
}

fn parse_whole_scope(text: &str) -> Result<Scope, attribution_core::Error> {
    let ScopeFilter { scope_type, scope_id } = parse_scope(text)?;
    Scope::new(scope_type, scope_id)
}

#[derive(Debug, Args)]
#[command(after_help = "\
A webhook's secret is read from a file or from ATTRIBUTION_WEBHOOK_SECRET, so
that the list of processes does not show it. Headers with a secret in them can be
given in a file too, a line for each.

Example:
  attribution export schedule --user 1 --model linear --scope campaign:42 \\
      --start 2024-06-01T00:00:00Z --end 2024-07-01T00:00:00Z --format xlsx \\
      --webhook https://example.com/hook --webhook-secret-file secret.txt")]
pub(crate) struct ScheduleArguments {
    #[command(flatten)]
    pub(crate) user: UserArguments,
    /// The model's slug
    #[arg(long, value_name = "SLUG")]
    pub(crate) model: String,
    /// The scope: global, campaign:42, ...
    #[arg(long, value_name = "TYPE[:ID]", default_value = "global", value_parser = parse_whole_scope)]
    pub(crate) scope: Scope,
    #[command(flatten)]
    pub(crate) window: WindowArguments,
    /// csv, or xls or xlsx for a workbook
    #[arg(long, default_value = "csv")]
    pub(crate) format: String,
    /// The URL that the finished file is posted to
    #[arg(long, value_name = "URL")]
    pub(crate) webhook: Option<String>,
    /// The file that has the secret which the webhook is signed with
    #[arg(long, value_name = "FILE", requires = "webhook")]
    pub(crate) webhook_secret_file: Option<PathBuf>,
    /// A header of the webhook, as 'Name: value'; may be given again
    #[arg(long = "webhook-header", value_name = "HEADER", requires = "webhook")]
    pub(crate) webhook_headers: Vec<String>,
    /// A file with headers of the webhook, each on a line
    #[arg(long, value_name = "FILE", requires = "webhook")]
    pub(crate) webhook_header_file: Option<PathBuf>,
    /// A network that webhooks may reach although it is not public; may be given again
    #[arg(long = "allow-network", value_name = "CIDR")]
    pub(crate) allowed_networks: Vec<IpNet>,
    /// Print the job as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Any number of workers may run at once. What a worker that was killed had begun is
done by the next. Webhooks that were not taken are sent again by later runs.

Exit status: 0 done, 1 an export failed or a webhook was given up, 2 bad usage.

Example, for the crontab (the URL is in the environment):
  * * * * * attribution export run --directory /var/lib/prosper202/exports")]
pub(crate) struct ExportRunArguments {
    #[command(flatten)]
    pub(crate) database: DatabaseArguments,
    /// The folder that gets the files
    #[arg(long, value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// How many files to make at most
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) jobs: u32,
    /// A network that webhooks may reach although it is not public; may be given again
    #[arg(long = "allow-network", value_name = "CIDR")]
    pub(crate) allowed_networks: Vec<IpNet>,
    /// The URL under which the folder's files can be fetched, for the webhooks' download_url
    #[arg(long, value_name = "URL")]
    pub(crate) download_base: Option<String>,
    /// Root certificates, as PEM, that webhooks' servers have to have, in place of the public ones
    #[arg(long, value_name = "FILE")]
    pub(crate) root_certificates: Option<PathBuf>,
    /// Print the report of the run as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExportListArguments {
    #[command(flatten)]
    pub(crate) user: UserArguments,
    /// Of this status only: pending, processing, completed or failed
    #[arg(long)]
    pub(crate) status: Option<ExportStatus>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: u64,
    /// After so many
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) offset: u64,
    /// Print them as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
