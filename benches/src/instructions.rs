//! Counts processor instructions per step of a response. Other programs on the machine do not affect this
//! figure, so it can have a bound.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use async_graphql::{Request, Variables};
use clap::{Args, ValueEnum};
use crowsfoot::Schema;
use serde_json::Value as Json;

use crate::database::Database;
use crate::workload::{self, Workload};
use crate::{Failure, dataset, example, growth, writes};

/// Bounds: for each step, the maximum number of instructions of each workload.
type Bounds = BTreeMap<String, BTreeMap<String, u64>>;

/// Margin of a new bound, in percent: hash maps are seeded anew in each process, and another machine's
/// processor has other instructions.
const ROOM: u64 = 5;

/// Repetitions of a step in both runs. The difference between the runs is the step alone, without the
/// program's start and one-time work.
const RUNS: [u64; 2] = [20, 120];

/// Below this number of instructions a step is repeated [`MORE_RUNS`] times as often. The start of a process varies by
/// some 100,000 instructions (the seeds of hash maps), which over few runs is more than a hundredth of a small step.
const SMALL: u64 = 100_000;
const MORE_RUNS: u64 = 10;
const COUNTS: usize = 7;

/// Options of `instructions`.
#[derive(Debug, Args)]
pub struct Options {
    /// Set the bounds anew, a little above the counts
    #[arg(long)]
    update: bool,
    /// File of the dataset [default: benches.db beside this program]
    #[arg(long, value_name = "FILE")]
    sqlite_file: Option<PathBuf>,
}

/// Options of `repeat`.
#[derive(Debug, Args)]
pub struct Repeat {
    step: Step,
    /// Name of a workload, or of a write
    workload: String,
    times: u64,
    /// File of the dataset
    #[arg(long, value_name = "FILE")]
    sqlite_file: Option<PathBuf>,
}

/// Measured step.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Step {
    /// From the text of the request to its plan
    Plan,
    /// The whole response from SQLite, without HTTP; document and plan are cached, as for all requests after
    /// the first
    Answer,
    /// The whole mutation of a SQLite file, without HTTP; document and statement are cached
    Write,
}

impl Step {
    /// Returns the names of what the step measures.
    fn workloads(self) -> &'static [&'static str] {
        match self {
            Self::Plan | Self::Answer => &workload::NAMES,
            Self::Write => &writes::SINGLE,
        }
    }
}

/// Repeats a step.
///
/// # Errors
/// If the step fails.
pub async fn repeat(Repeat { step, workload, times, sqlite_file }: Repeat) -> Result<(), Failure> {
    let schema = Schema::new(example::registry().model()?)?;
    let dataset = Database::sqlite(sqlite_file);
    let requests = requests(step, &workload, usize::try_from(times)?)?;
    match step {
        Step::Plan => {
            for request in requests {
                black_box(schema.plan(&black_box(request))?);
            }
            Ok(())
        }
        Step::Answer => answer(&schema, &dataset.url(), requests).await,
        Step::Write => {
            let file = std::env::temp_dir().join(format!("crowsfoot-writes-{}.db", std::process::id()));
            std::fs::copy(dataset.file(), &file)?;
            let written = answer(&schema, &Database::sqlite(Some(file.clone())).url(), requests).await;
            std::fs::remove_file(&file)?;
            written
        }
    }
}

/// Returns the requests of a workload, or of a write.
fn requests(step: Step, name: &str, times: usize) -> Result<Vec<Request>, Failure> {
    if let Step::Write = step {
        let writes: Option<Vec<_>> = (0..times as u64).map(|number| writes::single(name, number)).collect();
        let writes = writes.ok_or("no such write")?;
        return Ok(writes.into_iter().map(|(query, variables)| request(query, variables)).collect());
    }
    let known = workload::all().into_iter().find(|known| known.name == name);
    let Workload { questions, .. } = known.ok_or("no such workload")?;
    let questions = questions.iter().cycle().take(times);
    Ok(questions.map(|question| request(&question.query, question.variables.clone())).collect())
}

fn request(query: &str, variables: Json) -> Request {
    Request::new(query).variables(Variables::from_json(variables))
}

/// Answers requests over a SQLite database.
async fn answer(schema: &Schema, url: &str, requests: Vec<Request>) -> Result<(), Failure> {
    let database = crowsfoot::connect(url, 1).await?;
    for request in requests {
        let executed = schema.execute(black_box(request), &database).await;
        if let Some(error) = executed.errors.first() {
            return Err(error.error.to_string().into());
        }
        black_box(executed.to_json());
    }
    Ok(database.close().await?)
}

/// Counts every step of every workload and compares the counts with the bounds. Also checks growth.
///
/// # Errors
/// If a bound is exceeded, or work grows too fast.
pub async fn run(options: Options) -> Result<(), Failure> {
    let database = Database::sqlite(options.sqlite_file);
    dataset::ensure(&database).await?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.toml");
    let mut bounds: Bounds = toml::from_str(&std::fs::read_to_string(&file).unwrap_or_default())?;
    let mut passed = Vec::new();
    println!("| step | workload | instructions | bound |\n|---|---|---:|---:|");
    let of =
        |step: &Step| step.to_possible_value().map(|value| (value.get_name().to_owned(), step.workloads()));
    let steps: Vec<(String, &str)> = Step::value_variants()
        .iter()
        .filter_map(of)
        .flat_map(|(step, workloads)| workloads.iter().map(move |workload| (step.clone(), *workload)))
        .collect();
    let counts = concurrently(&steps, |(step, workload)| count(step, workload, &database.file()))?;
    for ((step, workload), counted) in steps.into_iter().zip(counts) {
        let bound = bounds.entry(step.clone()).or_default().entry(workload.to_owned()).or_default();
        if options.update {
            *bound = counted + counted * ROOM / 100;
        }
        println!("| {step} | {workload} | {counted} | {bound} |");
        if counted > *bound {
            passed.push(format!("{step} {workload}"));
        }
    }
    if options.update {
        std::fs::write(&file, written(&bounds))?;
    }
    let growing = growth::check()?;
    if !growing.is_empty() {
        return Err(format!("faster than n log n: {}", growing.join(", ")).into());
    }
    if passed.is_empty() {
        return Ok(());
    }
    Err(format!(
        "more instructions than {} allows: {}; `instructions --update` sets the bounds anew",
        file.display(),
        passed.join(", ")
    )
    .into())
}

fn written(bounds: &Bounds) -> String {
    let mut text = String::from(
        "# The most instructions of each step of each workload.\n\
         # cargo run --release -p benches -- instructions --update\n",
    );
    for (step, bounds) in bounds {
        text += &format!("\n[{step}]\n");
        for (workload, bound) in bounds {
            text += &format!("{workload} = {bound}\n");
        }
    }
    text
}

/// Counts all items, on as many cores as there are: each count is a process of its own. The order of the results is that
/// of the items.
///
/// # Errors
/// If a count fails.
pub fn concurrently<T: Sync>(
    items: &[T],
    count: impl Fn(&T) -> Result<u64, Failure> + Sync,
) -> Result<Vec<u64>, Failure> {
    let cores = std::thread::available_parallelism()?.get();
    let mut counts = Vec::new();
    for items in items.chunks(cores) {
        let counted: Vec<Result<u64, String>> = std::thread::scope(|scope| {
            let count = &count;
            let running: Vec<_> = items
                .iter()
                .map(|item| scope.spawn(move || count(item).map_err(|error| error.to_string())))
                .collect();
            let failed = |_| Err("a count panicked".to_owned());
            running.into_iter().map(|count| count.join().unwrap_or_else(failed)).collect()
        });
        for count in counted {
            counts.push(count?);
        }
    }
    Ok(counts)
}

/// Returns the instructions of a single step.
fn count(step: &str, workload: &str, dataset: &Path) -> Result<u64, Failure> {
    let [short, long] = RUNS;
    let dataset = dataset.to_str().ok_or("the path of the dataset is not UTF-8")?;
    let total = |times: u64| total(&["repeat", step, workload, &times.to_string(), "--sqlite-file", dataset]);
    let start = total(short)?;
    let each = |long: u64| Ok::<_, Failure>(total(long)?.saturating_sub(start) / (long - short));
    match each(long)? {
        // Seeds of hash maps only add collisions: the least of several counts is nearest to the work itself.
        small if small < SMALL => (0..COUNTS)
            .map(|_| each(long * MORE_RUNS))
            .try_fold(u64::MAX, |least, count| Ok(least.min(count?))),
        large => Ok(large),
    }
}

/// Returns the instructions of a run of this program with these arguments.
///
/// # Errors
/// If valgrind or the run fails.
pub fn total(arguments: &[&str]) -> Result<u64, Failure> {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let file = format!("crowsfoot-instructions-{}-{number}", std::process::id());
    let file: PathBuf = std::env::temp_dir().join(file);
    let done = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("valgrind cannot be run: {error}"))?;
    if !done.success() {
        return Err(format!("{} failed", arguments.join(" ")).into());
    }
    let profile = std::fs::read_to_string(&file)?;
    std::fs::remove_file(&file)?;
    let summary = profile.lines().find_map(|line| line.strip_prefix("summary: ")).ok_or("no summary")?;
    Ok(summary.trim().parse()?)
}
