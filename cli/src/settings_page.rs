//! Table of all settings in the guide, generated from the definition of the command line.
//!
//! After a change of the settings:
//!
//! ```sh
//! UPDATE_GOLDEN=1 cargo test --workspace --bin crowsfoot settings
//! ```

use clap::{Arg, CommandFactory};

use crate::config::CommandLine;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/src/settings.md");

/// First line of the table; the rest of the page is the table.
const HEAD: &str = "| option | variable | default | meaning |\n";

fn table() -> String {
    let program = CommandLine::command();
    let serve = program.find_subcommand("serve").unwrap();
    let settings = serve.get_arguments().filter(|setting| setting.get_long() != Some("help"));
    let rows: Vec<String> = settings.map(row).collect();
    format!("{HEAD}| --- | --- | --- | --- |\n{}", rows.concat())
}

fn row(setting: &Arg) -> String {
    let is_flag = !setting.get_action().takes_values();
    let value = setting.get_value_names().and_then(|names| names.first()).filter(|_| !is_flag);
    let value = value.map_or_else(String::new, |name| format!(" {}", name.as_str().replace('|', "\\|")));
    let option = format!("`--{}{value}`", setting.get_long().unwrap());
    let variable = setting.get_env().map_or("–".to_owned(), |name| format!("`{}`", name.to_string_lossy()));
    let defaults = setting.get_default_values().iter().map(|value| value.to_string_lossy());
    let default = defaults.collect::<Vec<_>>().join(",");
    let default = if default.is_empty() || is_flag { "–".to_owned() } else { format!("`{default}`") };
    let help = setting.get_help().unwrap().to_string().replace('|', "\\|");
    let choices: Vec<String> = setting
        .get_possible_values()
        .iter()
        .filter(|_| !is_flag)
        .map(|choice| {
            let meaning = choice.get_help().unwrap().to_string();
            format!(" `{}`: {meaning}.", choice.get_name())
        })
        .collect();
    format!("| {option} | {variable} | {default} | {help}.{} |\n", choices.concat())
}

#[test]
fn the_settings_of_the_guide_are_those_of_the_program() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let text = page.split(HEAD).next().unwrap();
    let current = format!("{text}{}", table());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(PAGE, &current).unwrap();
    }
    assert_eq!(std::fs::read_to_string(PAGE).unwrap(), current);
}

#[test]
fn the_unit_files_set_settings_of_the_program() {
    let program = CommandLine::command();
    let serve = program.find_subcommand("serve").unwrap();
    let known: Vec<String> = serve
        .get_arguments()
        .filter_map(|setting| Some(setting.get_env()?.to_string_lossy().into_owned()))
        .collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/cluster");
    let mut count = 0;
    for file in ["crowsfoot.env", "crowsfoot@.service"] {
        let text = std::fs::read_to_string(format!("{folder}/{file}")).unwrap();
        let lines = text.lines().map(|line| line.strip_prefix("Environment=").unwrap_or(line));
        let names = lines.filter_map(|line| line.split_once('=')).map(|(name, _)| name);
        for name in names.filter(|name| name.starts_with("CROWSFOOT_") || *name == "DATABASE_URL") {
            assert!(known.iter().any(|known| known == name), "{file} sets {name}, which is no setting");
            count += 1;
        }
    }
    assert!(count > 5, "no setting was found");
}
