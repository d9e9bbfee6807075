//! The documents tell the truth about what can be checked: settings, links, commands.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use clap::CommandFactory;
use magpie::server::config::Settings;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// The environment variables of the server, but for those that cargo-leptos sets and those of later versions.
fn settings() -> BTreeSet<String> {
    let command = Settings::command();
    let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let variables = shown.filter_map(|argument| argument.get_env());
    variables.map(|name| name.to_str().unwrap().to_owned()).filter(|name| name.starts_with("MAGPIE_")).collect()
}

#[test]
fn the_readme_lists_every_setting_and_no_other() {
    let readme = read("README.md");
    let listed = readme.lines().filter_map(|line| line.strip_prefix("| `MAGPIE_")?.split('`').next());
    assert_eq!(listed.map(|name| format!("MAGPIE_{name}")).collect::<BTreeSet<_>>(), settings());
}

#[test]
fn the_example_environment_lists_every_setting_and_no_other() {
    let example = read(".env.example");
    let names = example.lines().filter_map(|line| line.trim_start_matches('#').split_once('=')).map(|(name, _)| name);
    assert_eq!(names.map(str::to_owned).collect::<BTreeSet<_>>(), settings());
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let mut documents = vec![root().join("README.md"), root().join("CHANGELOG.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "md" => documents.push(path),
                _ => {}
            }
        }
    }
    let dead: Vec<_> = documents.iter().flat_map(dead_links).collect();
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

/// The links of this document to files that are not there.
fn dead_links(document: &PathBuf) -> Vec<String> {
    let text = fs::read_to_string(document).unwrap();
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    files
        .map(|target| target.split('#').next().unwrap_or(target))
        .filter(|target| !document.parent().unwrap().join(target).exists())
        .map(|target| format!("{}: {target}", document.display()))
        .collect()
}

#[test]
fn every_make_command_that_the_readme_names_is_there() {
    let makefile = read("Makefile");
    let readme = read("README.md");
    let named = readme.split(['`', '\n']).filter_map(|part| part.strip_prefix("make "));
    let targets: BTreeSet<_> = named.filter_map(|rest| rest.split_whitespace().next()).collect();
    assert!(targets.contains("run") && targets.contains("test"));
    for target in targets {
        assert!(makefile.contains(&format!("\n{target}:")), "make {target}");
    }
}
