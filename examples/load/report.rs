//! From figures to the table of `docs/benchmarks.md`. Nothing is written there that was not measured.

use std::{collections::HashMap, fmt::Write as _, fs};

use magpie::server::clock;

use super::{
    Result,
    figures::{Figure, median},
    scenario::Size,
    server::Kind,
};

pub struct Report {
    pub measured: HashMap<(Figure, Kind), Vec<f64>>,
    pub kinds: Vec<Kind>,
    pub command: String,
    pub rounds: usize,
    pub size: Size,
}

/// What is asked of a figure of Magpie's.
enum Budget {
    /// So much of the bare server's, at most.
    AtMostTimes(f64),
    /// So much of the bare server's, at least.
    AtLeastTimes(f64),
    AtMost(f64),
    AtLeast(f64),
    /// Shown beside the others.
    None,
}

impl Figure {
    /// In the order of the table: what it is, its unit, its budget. The ratios are those of the figures in the
    /// design's table of budgets.
    const ROWS: [(Self, &'static str, Budget); 24] = [
        (Self::IdleServer, "idle server, MiB", Budget::AtMost(40.0)),
        (Self::PerConnection, "per idle connection, KiB", Budget::AtMostTimes(6.5 / 5.3)),
        (Self::ConnectRate, "connect + authenticate + subscribe, /s", Budget::AtLeastTimes(6.0 / 17.7)),
        (Self::FanOut, "fan-out to 1,000, saturated, deliveries/s", Budget::AtLeastTimes(1.5 / 2.2)),
        (Self::FanOutUnbatched, "the same, one message at a time", Budget::None),
        (Self::CpuPerDelivery, "CPU per delivery, 10/s to 1,000, µs", Budget::AtMostTimes(8.0 / 6.9)),
        (Self::LastP50, "publish → last of 1,000, p50, ms", Budget::None),
        (Self::LastP99, "publish → last of 1,000, p99, ms", Budget::AtMostTimes(10.0 / 9.5)),
        (Self::Acks, "durable acks, 64 senders in 64 rooms, /s", Budget::AtLeast(20_000.0)),
        (Self::AckCpu, "the same, CPU each, µs", Budget::None),
        (Self::AckP50, "the same, p50, ms", Budget::None),
        (Self::AckP99, "the same, p99, ms", Budget::AtMost(5.0)),
        (Self::RoomAcks, "durable acks, 64 senders in one room, /s", Budget::AtLeast(20_000.0)),
        (Self::RoomAckCpu, "the same, CPU each, µs", Budget::None),
        (Self::RoomAckP99, "the same, p99, ms", Budget::AtMost(5.0)),
        (Self::LoneAckP50, "durable ack, one sender, p50, ms", Budget::AtMost(0.5)),
        (Self::LoneAckP99, "durable ack, one sender, p99, ms", Budget::None),
        (Self::Fdatasync, "fdatasync on that disk, p50, ms", Budget::None),
        (Self::Storm, "resume storm: all current after, s", Budget::AtMostTimes(5.0)),
        (Self::StormMissing, "resume storm: messages missing", Budget::AtMost(0.0)),
        (Self::StormTwice, "resume storm: messages twice", Budget::AtMost(0.0)),
        (Self::DayCpu, "200 rooms × 20: CPU per frame, µs", Budget::AtMostTimes(10.0 / 7.3)),
        (Self::DayP50, "200 rooms × 20: delivery p50, ms", Budget::None),
        (Self::DayP99, "200 rooms × 20: delivery p99, ms", Budget::AtMostTimes(2.0 / 0.7)),
    ];

    pub fn show(self, value: f64) -> String {
        let name = Self::ROWS.iter().find(|row| row.0 == self).map_or("", |row| row.1);
        format!("{name} {}", number(value))
    }
}

impl Report {
    fn median(&self, figure: Figure, kind: Kind) -> Option<f64> {
        self.measured.get(&(figure, kind)).map(|values| median(values))
    }

    pub fn table(&self) -> String {
        let mut table = String::from("| |");
        for kind in &self.kinds {
            let _ = write!(table, " {} |", kind.name());
        }
        table.push_str(" Magpie : bare | budget | |\n|---|");
        table.push_str(&"---:|".repeat(self.kinds.len() + 1));
        table.push_str("---|---|\n");
        for (figure, name, budget) in &Figure::ROWS {
            if self.kinds.iter().any(|kind| self.median(*figure, *kind).is_some()) {
                self.row(&mut table, *figure, name, budget);
            }
        }
        table
    }

    fn row(&self, table: &mut String, figure: Figure, name: &str, budget: &Budget) {
        let _ = write!(table, "| {name} |");
        for kind in &self.kinds {
            let shown = self.median(figure, *kind).map_or("–".into(), number);
            let _ = write!(table, " {shown} |");
        }
        let ours = self.median(figure, Kind::Magpie);
        let ratio = ours.zip(self.median(figure, Kind::Bare)).map(|(ours, bare)| ours / bare);
        let shown = ratio.filter(|ratio| ratio.is_finite()).map_or("–".into(), |ratio| format!("{ratio:.2}"));
        let (asked, met) = match *budget {
            Budget::AtMostTimes(times) => (format!("≤ {times:.2} × bare"), ratio.map(|ratio| ratio <= times)),
            Budget::AtLeastTimes(times) => (format!("≥ {times:.2} × bare"), ratio.map(|ratio| ratio >= times)),
            Budget::AtMost(bound) => (format!("≤ {}", number(bound)), ours.map(|ours| ours <= bound)),
            Budget::AtLeast(bound) => (format!("≥ {}", number(bound)), ours.map(|ours| ours >= bound)),
            Budget::None => (String::new(), None),
        };
        let met = met.map_or("", |met| if met { "met" } else { "**missed**" });
        let _ = writeln!(table, " {shown} | {asked} | {met} |");
    }

    pub fn document(&self) -> Result<String> {
        let machine = machine()?;
        let date = clock::now().to_string();
        let date = date.split('T').next().unwrap_or_default();
        let size = if self.size == Size::Quick { " (the quick run: fewer clients, less time)" } else { "" };
        let left_out = match self.kinds.contains(&Kind::Fastapi) {
            true => "",
            false => "The FastAPI peer could not be installed for this run and was not measured.\n\n",
        };
        Ok(format!(
            "{INTRODUCTION}\n## Last run\n\n`{}`{size}, {date}, {machine}. The median of {} rounds, the servers in \
             turn.\n\n{left_out}{}\n{NOTES}",
            self.command,
            self.rounds,
            self.table()
        ))
    }
}

const INTRODUCTION: &str = include_str!("introduction.md");
const NOTES: &str = include_str!("notes.md");

/// Three digits that say something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => grouped(value.round() as i64),
        size if size >= 10.0 => format!("{value:.1}"),
        0.0 => "0".into(),
        _ if value.is_nan() => "–".into(),
        _ => format!("{value:.2}"),
    }
}

fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// Processor, cores, memory, kernel: nothing that names the machine.
fn machine() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let of = |key| cpus.lines().find_map(|line| line.strip_prefix(key)?.split_once(':')).map(|(_, value)| value.trim());
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let memory = fs::read_to_string("/proc/meminfo")?;
    let memory = memory.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let kernel: Vec<_> = kernel.trim().split('.').take(2).collect();
    let (model, gib) = (of("model name").unwrap_or("unknown"), memory / 1_048_576.0);
    Ok(format!("{cores} cores ({model}), {gib:.0} GiB, Linux {}", kernel.join(".")))
}
