//! Config → telemetry → state → serve until the signal to stop.

use std::{
    io::{Write, stdout},
    process::ExitCode,
};

use magpie::server::{
    config::Config,
    serve::{listen, serve},
    state::{AppState, StartError},
    telemetry,
};
use tokio::signal::unix;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("magpie: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load()?;
    telemetry::init(&config.log);
    let _alone = config.storage.data_dir.lock()?;
    let addr = config.server.addr;
    let state = AppState::open(config).await?;
    let listener = listen(addr).map_err(|source| StartError::Listen { addr, source })?;
    welcome(&state, &listener.local_addr()?.to_string()).await;
    serve(listener, state, stop_signal()?).await?;
    Ok(())
}

/// What a person at the terminal needs to know. Where nobody reads it, the server serves all the same.
async fn welcome(state: &AppState, addr: &str) {
    let is_new = state.storage.users().await.is_ok_and(|users| users.is_empty());
    let first_step = if is_new {
        "Open it in a browser and create the first account: it will be the admin's."
    } else {
        "Open it in a browser and sign in."
    };
    let agents = match state.settings.llm().model() {
        Some(model) => format!("The agents think with {model}."),
        None => "The agents answer without a model or a key.".to_owned(),
    };
    let _ = writeln!(stdout(), "Magpie is at http://{addr}\n{first_step}\n{agents} Stop with Ctrl+C.");
}

/// Ready at SIGTERM or Ctrl+C.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    let mut interrupt = unix::signal(unix::SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
