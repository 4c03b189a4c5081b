//! The command `generate`: a Rust project with the entities of a live database, which serves the same schema.

mod column;
mod entity;
mod names;
mod project;
mod registration;

use std::fs;
use std::path::Path;

use crowsfoot::internals::model::Entity;
use crowsfoot::tables::TableKind;
use crowsfoot::{DatabaseDescription, Model};

use crate::Failure;

/// A file of the project: its path below the folder, and its text.
type GeneratedFile = (String, String);

/// Place of the project, and its sources.
pub struct Target<'a> {
    /// Folder of the project.
    pub folder: &'a Path,
    /// Folder of the library's source, if it is not the published one.
    pub library: Option<&'a Path>,
    /// Schemas whose tables are served; the connection's own if none is named.
    pub schemas: &'a [String],
}

/// Returns true if a SeaORM entity can stand for an entity of the model: a table with a primary key.
pub fn has_entity(entity: &Entity) -> bool {
    entity.kind == TableKind::Table && !entity.primary_key.is_empty()
}

/// Writes the project.
///
/// # Errors
/// If the folder exists and is not empty, or cannot be written. Nothing is then written.
pub fn write(model: &Model, described: &DatabaseDescription, target: &Target) -> Result<usize, Failure> {
    let folder = target.folder;
    let named = |error: std::io::Error| format!("{}: {error}", folder.display());
    match fs::read_dir(folder) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(format!("{} is not empty; name a new folder", folder.display()).into());
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(named(error).into()),
    }
    let files = files(model, described, target);
    // Beside the folder first, so that a full disk leaves no half of a project.
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(named)?;
    let unfinished = parent.join(format!(".crowsfoot-{}", std::process::id()));
    let written = write_files(&unfinished, &files).and_then(|()| fs::rename(&unfinished, folder));
    if let Err(error) = written {
        // The first error tells more than one of the clean-up.
        let _ = fs::remove_dir_all(&unfinished);
        return Err(named(error).into());
    }
    Ok(files.len())
}

fn write_files(folder: &Path, files: &[GeneratedFile]) -> std::io::Result<()> {
    for (path, text) in files {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, text)?;
    }
    Ok(())
}

fn files(model: &Model, described: &DatabaseDescription, target: &Target) -> Vec<GeneratedFile> {
    let names = names::ProjectNames::new(model);
    let mut files = vec![
        ("Cargo.toml".to_owned(), project::manifest(target)),
        ("src/main.rs".to_owned(), project::program(target.schemas)),
        ("src/entities/mod.rs".to_owned(), registration::module(model, described, &names)),
    ];
    if let Some(enums) = entity::enumerations(model, &names) {
        files.push(("src/entities/enums.rs".to_owned(), enums));
    }
    for id in 0..model.entities.len() {
        let module = names.module(id).trim_start_matches("r#");
        files.push((format!("src/entities/{module}.rs"), entity::file(model, described, &names, id)));
    }
    files
}

/// Returns a literal of Rust.
fn literal(text: &str) -> String {
    format!("{text:?}")
}
