//! `Leptos.toml` is what a deployed server reads; `[package.metadata.leptos]` is what cargo-leptos builds by.

use std::{fs, path::Path};

fn leptos_section(file: &str) -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let whole: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
    whole["package"]["metadata"]["leptos"].as_table().unwrap().clone()
}

#[test]
fn a_deployed_server_reads_what_the_build_was_made_by() {
    assert_eq!(leptos_section("Leptos.toml"), leptos_section("Cargo.toml"));
}
