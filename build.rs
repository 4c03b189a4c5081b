//! Bundles the GraphiQL page of `ui/` into the crate.
//!
//! Writes `graphiql_assets.rs` into `OUT_DIR`: a table of the page's files, gzipped. The table is empty without the feature
//! `bundled-graphiql`, with `CROWSFOOT_WITHOUT_UI=1`, and if the page could not be bundled (no npm, or no registry in reach).
//! The crate builds either way.

use std::{
    env,
    ffi::OsStr,
    fmt::Write as _,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Sources of the bundle, relative to `ui/`. Everything else there (the browser test, a developer's own
/// `node_modules` and `dist`) may change without a new bundle.
const SOURCES: &[&str] = &[".npmrc", "build.mjs", "index.html", "package-lock.json", "package.json", "src"];

const OFF_SWITCH: &str = "CROWSFOOT_WITHOUT_UI";

/// Time limits of npm, whatever the network does.
const INSTALL_LIMIT: Duration = Duration::from_secs(180);
const BUNDLE_LIMIT: Duration = Duration::from_secs(60);

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-env-changed={OFF_SWITCH}");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?);
    let bundles = env::var_os("CARGO_FEATURE_BUNDLED_GRAPHIQL").is_some();
    let files = if bundles { bundled_files(&out) } else { Vec::new() };
    fs::write(out.join("graphiql_assets.rs"), table(&files))
}

/// Returns the bundled files, gzipped. Returns none, with a warning, if the page is switched off or cannot be bundled.
fn bundled_files(out: &Path) -> Vec<PathBuf> {
    for source in SOURCES {
        println!("cargo:rerun-if-changed=ui/{source}");
    }
    let bundled = match off_switch() {
        Some(name) => Err(format!("{name} is set")),
        // Cargo reruns the build script when a source changes, not when the network is back.
        None => bundle(out).map_err(|reason| format!("{reason}; `touch build.rs` to try again")),
    };
    bundled.unwrap_or_else(|reason| {
        println!(
            "cargo:warning=GraphiQL is not in this build: {reason}. \
             The page at / will load its scripts from a public host."
        );
        Vec::new()
    })
}

/// Returns the environment variable that switches the page off, if any.
fn off_switch() -> Option<&'static str> {
    // The builders of docs.rs have no network, and documentation needs no page.
    [OFF_SWITCH, "DOCS_RS"]
        .into_iter()
        .find(|name| env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0"))
}

/// Installs and builds in `OUT_DIR`, so that the source tree stays unchanged; returns the gzipped files.
fn bundle(out: &Path) -> Result<Vec<PathBuf>, String> {
    let work = out.join("ui");
    clear(&work).map_err(|error| format!("{} cannot be cleared ({error})", work.display()))?;
    for source in SOURCES {
        copy(&Path::new("ui").join(source), &work.join(source))
            .map_err(|error| format!("ui/{source} cannot be copied ({error})"))?;
    }

    // On Windows npm is a script, whose extension must be given.
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let install = [
        "ci",
        "--omit=dev",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-update-notifier",
        "--prefer-offline",
        "--loglevel=error",
        // A network that drops requests costs a few rounds of this timeout instead of one per package.
        "--maxsockets=50",
        "--fetch-timeout=30000",
        "--fetch-retries=1",
        "--fetch-retry-mintimeout=1000",
        "--fetch-retry-maxtimeout=5000",
    ];
    let built = run(npm, &install, &work, INSTALL_LIMIT)
        .and_then(|()| run("node", &["build.mjs"], &work, BUNDLE_LIMIT));
    // Some 200 MB that are not needed any more. Failure to remove them is not an error.
    let _ = clear(&work.join("node_modules"));
    built?;

    gzipped(&work.join("dist")).map_err(|error| format!("the bundle cannot be read ({error})"))
}

/// Runs a program to its end or to its time limit.
fn run(program: &str, arguments: &[&str], folder: &Path, limit: Duration) -> Result<(), String> {
    let name = format!("`{program} {}`", arguments.first().unwrap_or(&""));
    // A file instead of a pipe: a full pipe would block the program, because no thread reads it.
    let log = folder.join("log.txt");
    let failed = |error: io::Error| format!("{name} cannot be run ({error})");

    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log).map_err(failed)?)
        .spawn()
        .map_err(failed)?;
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait().map_err(failed)? {
            Some(status) if status.success() => return Ok(()),
            Some(_) => {
                let text = fs::read_to_string(&log).unwrap_or_default();
                // Single line: cargo takes each line of output for a separate message.
                let first: Vec<_> = text.split_whitespace().take(40).collect();
                return Err(format!("{name} failed: {} ({})", first.join(" "), log.display()));
            }
            None if Instant::now() >= deadline => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{name} took more than {} s", limit.as_secs()));
            }
            None => thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Removes a folder and its content; succeeds if the folder does not exist.
fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Copies a file, or a folder and its content.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::copy(from, to).map(|_| ())
}

/// Returns the `.gz` files of a folder, by name.
fn gzipped(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    files.retain(|file| file.extension() == Some(OsStr::new("gz")));
    files.sort();
    Ok(files)
}

/// Returns the Rust source of the table.
fn table(files: &[PathBuf]) -> String {
    let mut source = String::from(
        "/// The files of the page: name, content type, gzipped content. Empty where the page is not bundled.\n\
         static ASSETS: &[(&str, &str, &[u8])] = &[\n",
    );
    for file in files {
        // The name without `.gz`.
        let name = file.file_stem().map(OsStr::to_string_lossy).unwrap_or_default();
        let kind = match name.rsplit('.').next() {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("html") => "text/html; charset=utf-8",
            Some("txt") => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(source, "    ({name:?}, {kind:?}, include_bytes!({file:?})),");
    }
    source.push_str("];\n");
    source
}
