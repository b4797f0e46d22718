//! Bytes as the two input files: refused, or split exactly, the same on any number of threads.
//!
//! The first byte says how to run; the rest is clicks.csv, the byte 0x1c, and conversions.csv.
#![no_main]

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::LazyLock;

use attribution_core::{
    CsvSource, Dataset, Error, JourneyKey, JourneyOptions, MemoryStore, Model, ModelResult,
    Progress, RunOptions, ScopeSet, ScopeType, Source, run,
};
use attribution_fuzz::abi::SPECS;
use attribution_fuzz::outcome::{Outcome, assert_exact};
use libfuzzer_sys::fuzz_target;

const FILE_SEPARATOR: u8 = 0x1c;

static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
    SPECS.into_iter().map(|spec| Model::from_spec(spec).expect("a good spec")).collect()
});

/// Two files without a name, so that nothing is left behind whichever way the process ends.
static FILES: LazyLock<[File; 2]> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    [(); 2].map(|()| {
        let file =
            if memory.is_dir() { tempfile::tempfile_in(memory) } else { tempfile::tempfile() };
        file.expect("a temporary file")
    })
});

fn path_of(file: &File, bytes: &[u8]) -> String {
    file.set_len(0).expect("an empty file");
    file.write_all_at(bytes, 0).expect("a file of the input");
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// A source of two files that keeps what it read.
struct Kept {
    source: CsvSource,
    data: Dataset,
}

impl Source for Kept {
    fn read(&mut self, progress: &dyn Progress) -> Result<Dataset, Error> {
        self.data = self.source.read(progress)?;
        Ok(self.data.clone())
    }
}

/// Each conversion's payout and cost, in the order of their ids.
fn amounts(mut data: Dataset) -> (Vec<i64>, Vec<i64>) {
    data.conversions.sort_by_id().expect("columns of one length");
    let clicks = data.clicks.click_ids.iter().zip(&data.clicks.costs);
    let click_costs: HashMap<u64, i64> = clicks.map(|(id, cost)| (*id, *cost)).collect();
    let costs = data.conversions.costs.iter().zip(&data.conversions.click_ids);
    let costs = costs.map(|(cost, click)| cost.unwrap_or_else(|| click_costs[click])).collect();
    (data.conversions.payouts, costs)
}

fuzz_target!(|input: &[u8]| {
    let Some((&how, rest)) = input.split_first() else { return };
    let mut files = rest.splitn(2, |byte| *byte == FILE_SEPARATOR);
    let clicks = path_of(&FILES[0], files.next().unwrap_or_default());
    let conversions = path_of(&FILES[1], files.next().unwrap_or_default());
    let scopes = if how & 2 == 0 { ScopeSet::GLOBAL } else { ScopeType::ALL.into_iter().collect() };
    let journeys = JourneyOptions {
        key: if how & 4 == 0 { JourneyKey::Visitor } else { JourneyKey::Campaign },
        max_touches: if how & 8 == 0 { 0 } else { 3 },
        ..JourneyOptions::default()
    };
    let run_on = |threads| {
        let source = CsvSource::new(&clicks, &conversions).scopes(scopes).threads(threads);
        let mut source = Kept { source, data: Dataset::default() };
        let mut sink = MemoryStore::default();
        let options = RunOptions { journeys, scopes, threads };
        let report = run(&mut source, &mut sink, &MODELS, &options, &());
        let results: Vec<ModelResult> =
            sink.results().iter().map(|(_, result)| result.clone()).collect();
        (report, results, source.data)
    };
    let (report, results, data) = run_on(1);
    if let Err(error) = &report {
        assert!(results.is_empty() && !error.to_string().is_empty());
        assert!(!matches!(error, Error::Internal(_)), "{error}");
    } else {
        assert_eq!(results.len(), MODELS.len());
        let (payouts, costs) = amounts(data);
        for result in &results {
            assert_exact(&Outcome::from(result), &payouts, &costs);
        }
    }
    if how & 1 == 1 {
        let (again, results_again, _) = run_on(2);
        let text = |report: &Result<_, Error>| match report {
            Ok(report) => format!("{report:?}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(text(&again), text(&report));
        assert_eq!(results_again, results);
    }
});
