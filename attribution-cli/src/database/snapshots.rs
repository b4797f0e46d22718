//! `attribution snapshots`

use std::io::{self, BufWriter, IsTerminal, Write};

use attribution_core::{
    CacheOptions, CacheServer, CachedSnapshots, Error, MysqlStore, SnapshotExporter, SnapshotQuery,
    SnapshotRecord,
};

use super::{open, window};
use crate::arguments::SnapshotsArguments;
use crate::{screen, terminal};

/// How many rows are shown where no limit is given.
const SHOWN: u64 = 100;

/// The reads of a store, by way of a cache server where one is given.
enum Reads {
    Plain(MysqlStore),
    Cached(Box<CachedSnapshots>),
}

impl Reads {
    fn new(store: MysqlStore, cache: Option<&str>) -> Result<Self, Error> {
        let Some(url) = cache else { return Ok(Self::Plain(store)) };
        // There is one read, and nobody to hold its rows for.
        let options = CacheOptions {
            server: Some(CacheServer::from_url(url)?),
            capacity: 0,
            ..CacheOptions::default()
        };
        Ok(Self::Cached(Box::new(CachedSnapshots::new(store, options)?)))
    }

    fn store(&self) -> &MysqlStore {
        match self {
            Self::Plain(store) => store,
            Self::Cached(cached) => cached.store(),
        }
    }

    fn read(
        &self,
        user_id: u64,
        query: &SnapshotQuery,
        take: &mut dyn FnMut(SnapshotRecord) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Self::Plain(store) => store.snapshots(user_id, query, take),
            Self::Cached(cached) => {
                cached.snapshots(user_id, query)?.iter().copied().try_for_each(take)
            }
        }
    }
}

pub(crate) fn snapshots(arguments: &SnapshotsArguments) -> Result<(), Error> {
    let cache = arguments.cache.as_deref().filter(|url| !url.is_empty());
    let reads = Reads::new(open(&arguments.user.database)?, cache)?;
    let user_id = arguments.user.user;
    let mut query = SnapshotQuery::new(&arguments.model, window(&arguments.window)?);
    query.scope_type = arguments.scope.map(|scope| scope.scope_type);
    query.scope_id = arguments.scope.and_then(|scope| scope.scope_id);
    query.offset = arguments.offset;

    if let Some(format) = arguments.export {
        if format == attribution_core::ExportFormat::Xlsx && io::stdout().is_terminal() {
            return Err(Error::Io {
                what: "a workbook".to_owned(),
                source: io::Error::other("it is not for the screen; send it to a file with >"),
            });
        }
        query.limit = arguments.limit.unwrap_or(query.limit);
        let name = reads.store().model(user_id, &arguments.model)?.name;
        let mut exporter = SnapshotExporter::new(format, BufWriter::new(io::stdout().lock()))?;
        reads.read(user_id, &query, &mut |row| exporter.write_record(&name, &row))?;
        return exporter.finish()?.flush().map_err(terminal);
    }

    let shown = arguments.limit.unwrap_or(SHOWN);
    // One more tells whether there are more.
    query.limit = shown.saturating_add(1);
    let (mut rows, mut more) = (Vec::new(), false);
    reads.read(user_id, &query, &mut |row| {
        more = rows.len() as u64 == shown;
        if !more {
            let hour = jiff::Timestamp::from_second(row.date_hour.into());
            rows.push(vec![
                hour.map_or_else(|_| row.date_hour.to_string(), |hour| hour.to_string()),
                row.scope.to_string(),
                screen::thousands(row.attributed_clicks),
                screen::thousands(row.attributed_conversions),
                screen::amount(row.revenue.units()),
                screen::amount(row.cost.units()),
            ]);
        }
        Ok(())
    })?;
    let titles = ["hour (UTC)", "scope", "clicks", "conversions", "revenue", "cost"];
    let mut text = screen::table(&titles, &rows, 2);
    if more {
        let offset = arguments.offset + shown;
        text.push_str("more with --offset ");
        text.push_str(&offset.to_string());
        text.push('\n');
    }
    screen::print(&text)
}
