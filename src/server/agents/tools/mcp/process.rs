//! A server as a process of its own, with a process group of its own: what it starts ends with it.

use std::{collections::BTreeMap, io, process::Stdio, sync::Arc, time::Duration};

use parking_lot::Mutex;
use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop, ProcessGroup};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{ChildStderr, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::{
    protocol::limits,
    server::config::{Secret, process_environment},
};

/// By its number on every system that has process groups.
const SIGTERM: i32 = 15;

pub(super) struct Process {
    child: Box<dyn ChildWrapper>,
    /// The last that it said on its standard error, for the log.
    pub last_words: Arc<Mutex<String>>,
}

impl Process {
    /// Its environment is `env` and what every process needs: no setting of ours, and none of our keys.
    pub(super) fn start(
        name: &str,
        command: &str,
        args: &[String],
        env: &BTreeMap<String, Secret>,
    ) -> io::Result<(Self, ChildStdout, ChildStdin)> {
        let mut started = Command::new(command);
        started.args(args).env_clear().envs(process_environment());
        for (variable, value) in env {
            started.env(variable, String::from_utf8_lossy(value.expose()).as_ref());
        }
        started.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = CommandWrap::from(started).wrap(ProcessGroup::leader()).wrap(KillOnDrop).spawn()?;
        let (stdout, stdin, stderr) = (child.stdout().take(), child.stdin().take(), child.stderr().take());
        let (Some(stdout), Some(stdin), Some(stderr)) = (stdout, stdin, stderr) else {
            return Err(io::Error::other("the process has no pipes"));
        };
        let last_words = Arc::default();
        tokio::spawn(listen(name.to_owned(), stderr, Arc::clone(&last_words)));
        Ok((Self { child, last_words }, stdout, stdin))
    }

    /// Returns when the process that was started is no more.
    pub(super) async fn ended(&mut self) {
        let _ = self.child.wait().await;
    }

    /// Its input was closed, which asks it to end; if it does not, it is told, then made to. What it started goes
    /// with it.
    pub(super) async fn end(mut self) {
        let patience = Duration::from_millis(limits::MCP_END_MS);
        if timeout(patience, self.child.wait()).await.is_err() {
            let _ = self.child.signal(SIGTERM);
            let _ = timeout(patience, self.child.wait()).await;
        }
        // The group, whether or not its leader is gone.
        let _ = self.child.start_kill();
        let _ = timeout(patience, self.child.wait()).await;
    }
}

/// Reads what it says, so that it never waits for somebody to read, and keeps the last line.
async fn listen(name: String, stderr: ChildStderr, last_words: Arc<Mutex<String>>) {
    let mut lines = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        let most = u64::try_from(limits::MCP_LOG_LINE_BYTES).unwrap_or(u64::MAX);
        match (&mut lines).take(most).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let line = String::from_utf8_lossy(&line).trim().to_owned();
        if !line.is_empty() {
            tracing::debug!(server = %name, %line, "an MCP server says");
            *last_words.lock() = line;
        }
    }
}
