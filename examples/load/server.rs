//! The servers that are measured: each started anew for each scenario, alone on its core, on a data dir that is
//! thrown away.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use clap::ValueEnum;

use super::{Result, house::House, shape::Shape};

/// Signs the tokens of every server that is measured.
pub const SECRET: &str = "a secret for load tests, and for nothing else";
const START: Duration = Duration::from_secs(20);
/// Ticks of `/proc/PID/stat` in a second.
const TICKS: u32 = 100;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, ValueEnum)]
pub enum Kind {
    Bare,
    Magpie,
    Naive,
    Fastapi,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Bare, Self::Magpie, Self::Naive, Self::Fastapi];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare axum",
            Self::Magpie => "Magpie",
            Self::Naive => "naive axum",
            Self::Fastapi => "FastAPI",
        }
    }
}

/// Where the servers are.
#[derive(clap::Args, Clone)]
pub struct Places {
    /// The directory with `magpie` and `examples/`: `target/release`.
    #[arg(long)]
    pub bin: PathBuf,
    /// uvicorn of the environment that the FastAPI peer was installed into; without it that peer is left out.
    #[arg(long)]
    pub uvicorn: Option<PathBuf>,
    /// The folder of the peers' sources.
    #[arg(long, default_value = "benches/peers")]
    pub peers: PathBuf,
    /// Data dirs are made in here: the disk that is measured.
    #[arg(long)]
    pub data: PathBuf,
    /// The core that servers are pinned to.
    #[arg(long)]
    pub server_core: Option<u32>,
}

pub struct Server {
    pub kind: Kind,
    pub addr: SocketAddr,
    child: Child,
    places: Places,
    data: PathBuf,
}

impl Server {
    pub fn start(kind: Kind, places: &Places) -> Result<Self> {
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let data = places.data.join(format!("load-{}", addr.port()));
        fs::create_dir_all(&data)?;
        let child = spawn(kind, places, addr, &data)?;
        let server = Self { kind, addr, child, places: places.clone(), data };
        server.wait_until_it_listens()?;
        Ok(server)
    }

    /// The people and rooms of this shape. Where accounts had to be made for it the server is started again,
    /// so that what is measured is its memory and not that of the password hashes.
    pub async fn house(&mut self, Shape { people, rooms, .. }: Shape) -> Result<House> {
        if self.kind != Kind::Magpie {
            return House::of_peer(self.addr, people, rooms);
        }
        let house = House::of_magpie(self.addr, people, rooms).await?;
        self.stop();
        self.child = spawn(self.kind, &self.places, self.addr, &self.data)?;
        self.wait_until_it_listens()?;
        Ok(house)
    }

    fn wait_until_it_listens(&self) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(self.addr).is_err() {
            if begun.elapsed() > START {
                return Err(format!("{} does not listen", self.kind.name()).into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// CPU time used so far, all threads.
    pub fn cpu(&self) -> Result<Duration> {
        cpu_of(&self.child.id().to_string())
    }

    /// Bytes in memory.
    pub fn resident(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|rest| rest.trim().split(' ').next()?.parse::<u64>().ok());
        Ok(kib.ok_or("no VmRSS")? * 1_024)
    }

    /// The median time of one fdatasync after a write like a small commit's, where the server keeps its data.
    pub fn fdatasync(&self) -> Result<Duration> {
        let path = self.data.join("probe");
        let mut file = fs::File::create(&path)?;
        let mut times = Vec::new();
        for _ in 0..300 {
            io::Write::write_all(&mut file, &[7; 8_192])?;
            let begun = Instant::now();
            file.sync_data()?;
            times.push(begun.elapsed());
        }
        fs::remove_file(path)?;
        times.sort();
        Ok(times[times.len() / 2])
    }

    fn stop(&mut self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").arg(pid).status().is_ok_and(|status| status.success());
        if !asked {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.data);
    }
}

pub fn cpu_of(process: &str) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // Behind the name, which may hold anything: state is the first field, utime and stime the 12th and 13th.
    let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace().skip(11).take(2));
    let ticks = fields.ok_or("no stat")?.map(|field| field.parse::<u32>()).sum::<std::result::Result<u32, _>>()?;
    Ok(Duration::from_secs(1) * ticks / TICKS)
}

fn spawn(kind: Kind, places: &Places, addr: SocketAddr, data: &Path) -> Result<Child> {
    let program = match kind {
        Kind::Magpie => places.bin.join("magpie"),
        Kind::Bare => places.bin.join("examples/bare"),
        Kind::Naive => places.bin.join("examples/naive"),
        Kind::Fastapi => places.uvicorn.clone().ok_or("FastAPI is not installed")?,
    };
    let mut command = match places.server_core {
        Some(core) => {
            let mut command = Command::new("taskset");
            command.args(["-c", &core.to_string()]).arg(program);
            command
        }
        None => Command::new(program),
    };
    match kind {
        Kind::Magpie => {
            command.env("MAGPIE_ADDR", addr.to_string()).env("MAGPIE_DATA_DIR", data);
            command.env("MAGPIE_JWT_SECRET", SECRET).env("MAGPIE_RATE_LIMIT", "off").env("MAGPIE_LOG", "warn");
        }
        Kind::Bare | Kind::Naive => {
            command.args(["--addr", &addr.to_string(), "--secret", SECRET]);
        }
        Kind::Fastapi => {
            let port = addr.port().to_string();
            command.args(["app:app", "--port", &port, "--log-level", "warning", "--loop", "uvloop"]).arg("--app-dir");
            command.arg(places.peers.join("fastapi")).env("PEER_SECRET", SECRET);
        }
    }
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?)
}
