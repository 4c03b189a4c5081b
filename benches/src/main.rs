//! What Crowsfoot costs, beside handlers written by hand.

#[path = "../../cli/src/example.rs"]
mod example;

mod check;
mod compare;
mod curves;
mod database;
mod dataset;
mod floor;
mod instructions;
mod load;
mod many;
mod memory;
mod plot;
mod record;
mod server;
mod soak;
mod start;
mod workload;

use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use compare::Setup;
use database::Database;
use floor::Driver;

/// The service's own: the floor is to be as fast as it can be.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Whatever ends the program; printed as it is.
type Failure = Box<dyn std::error::Error>;

/// Measures the service beside the floor: handlers and SQL written by hand, as fast as we can.
#[derive(Debug, Parser)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure both on every workload
    Compare(compare::Options),
    /// Measure how both grow with rows, depth and clients, on both databases, and plot it
    Curves(curves::Options),
    /// Measure how large the service is, how soon it answers, and how long a schema takes
    Start(start::Options),
    /// See whether the service's memory grows under a load of everything that clients do, and fail where it does
    Soak(soak::Options),
    /// Measure the memory that one large answer takes
    Memory(memory::Options),
    /// Count the processor's instructions, with valgrind, and fail where they pass their bounds
    Instructions(instructions::Options),
    /// Do one thing many times over: what `instructions` counts
    #[command(hide = true)]
    Repeat(instructions::Repeat),
    /// Only see whether both answer the same
    Check(Setup),
    /// Make the dataset anew
    Dataset(Database),
    /// Serve the floor
    Floor {
        #[command(flatten)]
        database: Database,
        /// The driver for PostgreSQL
        #[arg(long, value_enum, default_value_t = Driver::TokioPostgres)]
        driver: Driver,
        /// Threads that answer
        #[arg(long, default_value_t = cores())]
        workers: NonZeroUsize,
    },
}

/// The machine's cores.
fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[actix_web::main]
async fn main() -> ExitCode {
    let done = match CommandLine::parse().command {
        Command::Compare(options) => compare::run(options).await,
        Command::Curves(options) => curves::run(options).await,
        Command::Start(options) => start::run(options).await,
        Command::Soak(options) => soak::run(options).await,
        Command::Memory(options) => memory::run(options).await,
        Command::Instructions(options) => instructions::run(options).await,
        Command::Repeat(repeat) => instructions::repeat(repeat).await,
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
