//! Growth of both servers' cost with the rows of a response, its depth, and the number of clients.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::Failure;
use crate::compare::{Bench, Comparison, Conditions, Pace, Setup};
use crate::database::Kind;
use crate::plot::{self, Line, Panel};
use crate::record::Record;
use crate::workload::{self, Workload};

/// Options of `curves`.
#[derive(Debug, Args)]
pub struct Options {
    #[command(flatten)]
    setup: Setup,
    #[command(flatten)]
    pace: Pace,
    /// Folder for the plot and its figures
    #[arg(long, value_name = "FOLDER", default_value = "docs/speed")]
    out: PathBuf,
}

/// Unit of [`time`].
const EACH: &str = "ms from one answer to the next";

/// Point of a curve.
#[derive(Debug, Serialize)]
struct Point {
    database: &'static str,
    curve: &'static str,
    at: usize,
    #[serde(flatten)]
    comparison: Comparison,
}

/// Measures all curves on both databases and plots them.
///
/// # Errors
/// If a measurement fails.
pub async fn run(options: Options) -> Result<(), Failure> {
    let Options { mut setup, pace, out } = options;
    let (mut points, mut releases) = (Vec::new(), Vec::new());
    for (kind, database) in [(Kind::Sqlite, "SQLite"), (Kind::Postgres, "PostgreSQL")] {
        setup.service.database.kind = kind;
        let (measured, release) = measure(&setup, &pace, database).await?;
        points.extend(measured);
        releases.push(release);
    }
    let panels = [
        panel(&points, "rows", "rows of the answer (authors with their posts)", EACH, time),
        panel(&points, "depth", "levels of the query (users, profiles, users …)", EACH, time),
        panel(&points, "clients", "clients (one user with profile)", "answers/s", |per_second| per_second),
    ];
    std::fs::create_dir_all(&out)?;
    let record = Record::new(releases.join(" and "), Conditions::new(&setup, pace), points);
    std::fs::write(out.join("curves.svg"), plot::svg(&panels, &record.heading()))?;
    record.write(&out.join("curves.json"))
}

/// Returns the points, and the release of the database.
async fn measure(
    setup: &Setup,
    pace: &Pace,
    database: &'static str,
) -> Result<(Vec<Point>, String), Failure> {
    let growing: Vec<(&str, usize, Workload)> = [5, 50, 500]
        .map(workload::fk)
        .into_iter()
        .map(|workload| ("rows", workload.questions.iter().map(|question| question.objects).sum(), workload))
        .chain((1..=6).map(|depth| ("depth", depth, workload::chain(depth))))
        .collect();
    let workloads: Vec<Workload> = growing.iter().map(|(.., workload)| workload.clone()).collect();
    let bench = Bench::start(setup, &workloads).await?;
    let mut points: Vec<Point> = bench
        .compare(&workloads, pace)
        .await?
        .into_iter()
        .zip(growing)
        .map(|(comparison, (curve, at, _))| Point { database, curve, at, comparison })
        .collect();
    for clients in [1, 2, 4, 8, 16, 32, 64].into_iter().filter_map(NonZeroUsize::new) {
        let pace = Pace { clients, ..pace.clone() };
        let compared = bench.compare(&[workload::point()], &pace).await?;
        points.extend(compared.into_iter().map(|comparison| Point {
            database,
            curve: "clients",
            at: clients.get(),
            comparison,
        }));
    }
    Ok((points, bench.database().await?))
}

/// Returns the time between two responses on an otherwise idle machine.
fn time(per_second: f64) -> f64 {
    1_000.0 / per_second
}

fn panel(
    points: &[Point],
    curve: &str,
    title: &'static str,
    unit: &'static str,
    value: fn(f64) -> f64,
) -> Panel {
    let mut lines = Vec::new();
    for (database, colour) in [("SQLite", "#0072b2"), ("PostgreSQL", "#d55e00")] {
        for is_floor in [true, false] {
            let here = points.iter().filter(|point| point.database == database && point.curve == curve);
            let points = here.map(|point| {
                let Comparison { floor, service, .. } = &point.comparison;
                let cost = if is_floor { floor } else { service };
                (point.at, value(cost.per_second))
            });
            let server = if is_floor { "floor" } else { "service" };
            lines.push(Line {
                name: format!("{server}, {database}"),
                colour,
                dashed: is_floor,
                points: points.collect(),
            });
        }
    }
    Panel { title, unit, lines }
}
