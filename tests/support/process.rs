//! The server as its own process, which can be killed.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

pub struct Process {
    child: Child,
    pub addr: SocketAddr,
}

impl Process {
    /// Starts the binary on a free port; returns when it listens.
    pub fn start(data: &Path) -> Self {
        Self::spawn(command(data))
    }

    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary starts");
        let stdout = child.stdout.take().expect("its output");
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let addr = lines.find_map(|line| line.strip_prefix("Magpie is at http://")?.parse().ok());
        Self { child, addr: addr.expect("the address that it prints") }
    }

    /// SIGKILL: nothing is flushed, nobody is asked.
    pub fn kill(mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("its end");
    }

    /// SIGTERM; the exit code.
    pub fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        self.child.wait().expect("its end").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary with settings of its own, whatever the environment of the tests says.
pub fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_magpie"));
    command.env_clear().env("MAGPIE_DATA_DIR", data).env("MAGPIE_ADDR", "127.0.0.1:0");
    command.env("MAGPIE_RATE_LIMIT", "off").env("MAGPIE_LOG", "warn");
    command
}
