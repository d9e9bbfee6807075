//! The load generator of `make bench`: starts one server after the other, puts the same load on each from one
//! other core, and prints what came of it as a table of ratios.
//!
//!     load --bin target/release --data target --only acks,lone-ack --servers bare,magpie --rounds 1
//!
//! It must not be what is measured: one thread, frames found without parsing, one read buffer for all clients.

use std::{collections::HashMap, path::PathBuf};

use clap::Parser;

use self::{
    report::Report,
    scenario::{Scenario, Size},
    server::{Kind, Places, Server},
};

mod crowd;
mod figures;
mod frames;
mod house;
mod report;
mod scenario;
mod server;
mod shape;
mod socket;

pub type Error = Box<dyn std::error::Error + Send + Sync>;
pub type Result<T> = std::result::Result<T, Error>;

#[derive(Parser)]
struct Options {
    #[command(flatten)]
    places: Places,
    /// These scenarios alone.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Scenario>,
    /// These servers alone.
    #[arg(long, value_delimiter = ',')]
    servers: Vec<Kind>,
    /// How often everything is measured, the servers in turn; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Fewer clients, less time.
    #[arg(long)]
    quick: bool,
    /// Where the table goes, beside the terminal.
    #[arg(long)]
    write: Option<PathBuf>,
    /// What the document says that it was made by.
    #[arg(long, default_value = "make bench")]
    command: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let scenarios = if options.only.is_empty() { Scenario::ALL.to_vec() } else { options.only.clone() };
    let mut kinds = if options.servers.is_empty() { Kind::ALL.to_vec() } else { options.servers.clone() };
    if options.places.uvicorn.is_none() {
        kinds.retain(|kind| *kind != Kind::Fastapi);
    }
    let size = if options.quick { Size::Quick } else { Size::Full };
    let mut measured: HashMap<_, Vec<f64>> = HashMap::new();
    for round in 1..=options.rounds {
        for scenario in &scenarios {
            for kind in &kinds {
                let mut server = Server::start(*kind, &options.places)?;
                match scenario.run(&mut server, size).await {
                    Ok(figures) => {
                        let text: Vec<_> = figures.iter().map(|(figure, value)| figure.show(*value)).collect();
                        eprintln!("{round} {scenario:?}, {}: {}", kind.name(), text.join(", "));
                        for (figure, value) in figures {
                            measured.entry((figure, *kind)).or_default().push(value);
                        }
                    }
                    Err(error) => eprintln!("{round} {scenario:?}, {}: failed: {error}", kind.name()),
                }
            }
        }
    }
    let report = Report { measured, kinds, command: options.command, rounds: options.rounds, size };
    println!("{}", report.table());
    if let Some(path) = options.write {
        std::fs::write(path, report.document()?)?;
    }
    Ok(())
}
