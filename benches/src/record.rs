//! Figures with their machine, date and command.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde::Serialize;

use crate::Failure;

/// Figures and their origin.
#[derive(Debug, Serialize)]
pub struct Record<C, T> {
    machine: Machine,
    database: String,
    date: String,
    commit: String,
    command: String,
    /// Conditions of the measurement.
    #[serde(flatten)]
    conditions: C,
    /// Measured figures.
    pub figures: T,
}

/// Returns a duration in milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[derive(Debug, Serialize)]
struct Machine {
    processor: String,
    cores: usize,
    memory_gib: u64,
    system: String,
}

impl<C: Serialize, T: Serialize> Record<C, T> {
    /// Creates the record of figures measured now on this database.
    pub fn new(database: String, conditions: C, figures: T) -> Self {
        let commit = Command::new("git")
            .args(["describe", "--always", "--dirty"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output();
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        Self {
            machine: Machine::this(),
            database,
            date: chrono::Utc::now().date_naive().to_string(),
            commit: commit
                .map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
                .unwrap_or_default(),
            command: format!("cargo run --release -p benches -- {}", arguments.join(" ")),
            conditions,
            figures,
        }
    }

    /// Formats machine, date and command for readers.
    pub fn heading(&self) -> String {
        let Machine { processor, cores, memory_gib, system } = &self.machine;
        format!(
            "{}, {}; {cores} × {processor}, {memory_gib} GiB, {system}; commit {}\n`{}`\n",
            self.date, self.database, self.commit, self.command
        )
    }

    /// Writes the record as JSON.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), Failure> {
        Ok(std::fs::write(file, serde_json::to_string_pretty(self)? + "\n")?)
    }
}

/// Converts bytes to mebibytes.
pub fn mebibytes(bytes: f64) -> f64 {
    bytes / f64::from(1 << 20)
}

impl Machine {
    fn this() -> Self {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        let field = |file: &str, name: &str| {
            let text = read(file);
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let memory = field("/proc/meminfo", "MemTotal");
        let memory: u64 = memory.trim_end_matches(" kB").parse().unwrap_or(0);
        Self {
            processor: field("/proc/cpuinfo", "model name"),
            cores: crate::cores().get(),
            memory_gib: memory.div_ceil(1024 * 1024),
            system: format!("Linux {}", read("/proc/sys/kernel/osrelease").trim()),
        }
    }
}
