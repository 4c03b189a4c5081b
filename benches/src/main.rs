//! Cost of Crowsfoot, compared with hand-written handlers.

#[path = "../../cli/src/example.rs"]
mod example;

mod check;
mod compare;
mod curves;
mod database;
mod dataset;
mod deployment;
mod floor;
mod growth;
mod instructions;
mod live;
mod load;
mod many;
mod memory;
mod plot;
mod postgraphile;
mod record;
mod rules;
mod scale;
mod server;
mod soak;
mod start;
mod subscribers;
mod workload;
mod writes;

use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use compare::Setup;
use database::Database;
use floor::Driver;

/// Allocator of the service, also for the floor: the floor must be as fast as possible.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Error that ends the program; printed unchanged.
type Failure = Box<dyn std::error::Error>;

/// Measures the service against the floor: hand-written handlers and SQL, as fast as we can.
#[derive(Debug, Parser)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure both servers on every workload
    Compare(compare::Options),
    /// Measure writes on both servers: rows that are committed for good
    Writes(writes::Options),
    /// Measure processes of PostGraphile 5 and the service on PostgreSQL, with reads and writes that both have
    Postgraphile(postgraphile::Options),
    /// Measure the fan-out of commits to subscribers of one live query on both servers
    Live(live::Options),
    /// Measure growth with rows, depth and clients on both databases, and plot it
    Curves(curves::Options),
    /// Measure the service's size, start time and schema build time
    Start(start::Options),
    /// Check that the service's memory does not grow under a load of everything that clients do; fail if it
    /// grows
    Soak(soak::Options),
    /// Measure one process with up to 1,000 connections and subscribers, and the fan-out of a commit
    Scale(scale::Options),
    /// Compare a model of a deployment, from the costs of one process, with several processes on PostgreSQL
    Deployment(deployment::Options),
    /// Measure the memory of one large response
    Memory(memory::Options),
    /// Count processor instructions with valgrind; fail if a bound is exceeded
    Instructions(instructions::Options),
    /// Repeat a step: the program that `instructions` measures
    #[command(hide = true)]
    Repeat(instructions::Repeat),
    /// Repeat a request with a long list: the program whose growth `instructions` checks
    #[command(hide = true)]
    Grow(growth::Grow),
    /// Count what rules of roles cost; fail if a bound is exceeded
    Rules(rules::Options),
    /// Repeat a request under a rule: the program that `rules` measures
    #[command(hide = true)]
    RepeatRule(rules::Repeat),
    /// Only compare the responses of both servers
    Check(Setup),
    /// Create the dataset anew
    Dataset(Database),
    /// Serve the floor
    Floor {
        #[command(flatten)]
        database: Database,
        /// Driver for PostgreSQL
        #[arg(long, value_enum, default_value_t = Driver::TokioPostgres)]
        driver: Driver,
        /// Worker threads
        #[arg(long, default_value_t = cores())]
        workers: NonZeroUsize,
    },
}

/// Returns the number of cores.
fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[actix_web::main]
async fn main() -> ExitCode {
    let done = match CommandLine::parse().command {
        Command::Compare(options) => compare::run(options).await,
        Command::Writes(options) => writes::run(options).await,
        Command::Postgraphile(options) => postgraphile::run(options).await,
        Command::Live(options) => live::run(options).await,
        Command::Curves(options) => curves::run(options).await,
        Command::Start(options) => start::run(options).await,
        Command::Soak(options) => soak::run(options).await,
        Command::Scale(options) => scale::run(options).await,
        Command::Deployment(options) => deployment::run(options).await,
        Command::Memory(options) => memory::run(options).await,
        Command::Instructions(options) => instructions::run(options).await,
        Command::Repeat(repeat) => instructions::repeat(repeat).await,
        Command::Grow(grow) => growth::grow(grow).await,
        Command::Rules(options) => rules::run(options).await,
        Command::RepeatRule(repeat) => rules::repeat(repeat).await,
        Command::Check(setup) => compare::check_only(&setup).await,
        Command::Dataset(database) => dataset::make(&database).await,
        Command::Floor { database, driver, workers } => floor::run(database, driver, workers).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("benches: {failure}");
            ExitCode::FAILURE
        }
    }
}
