//! How often, as counted: the rates of [`crate::protocol::limits`] per person, connection, address, username.
//!
//! `MAGPIE_RATE_LIMIT=off` lets everything pass here; sizes and counts are checked elsewhere and never off.

use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter,
    clock::{Clock, QuantaInstant},
};

use super::config::{LimitsConfig, RateLimits};
use crate::protocol::{
    Problem, UserId,
    limits::{self, Rate},
};

/// All keyed rates of this node. Cheap to clone.
#[derive(Clone, Default)]
pub struct Rates {
    keyed: Option<Arc<Keyed>>,
}

struct Keyed {
    writes: Limiter<UserId>,
    sign_ins: Limiter<IpAddr>,
    sockets: Limiter<IpAddr>,
    usernames: Limiter<String>,
    timings: Limiter<UserId>,
    model_tests: Limiter<UserId>,
    widgets: Limiter<IpAddr>,
    dialogs: Limiter<UserId>,
}

impl Rates {
    pub fn new(config: &LimitsConfig) -> Self {
        let keyed = || Keyed {
            writes: Limiter::new(limits::WRITES_PER_USER),
            sign_ins: Limiter::new(limits::SIGN_INS_PER_ADDRESS),
            sockets: Limiter::new(limits::SOCKETS_PER_ADDRESS),
            usernames: Limiter::new(limits::SIGN_INS_PER_USERNAME),
            timings: Limiter::new(limits::TIMINGS_PER_USER),
            model_tests: Limiter::new(limits::MODEL_TESTS_PER_USER),
            widgets: Limiter::new(limits::WIDGETS_PER_ADDRESS),
            dialogs: Limiter::new(limits::DIALOGS_PER_VISITOR),
        };
        Self { keyed: (config.rates == RateLimits::On).then(|| Arc::new(keyed())) }
    }

    /// A message, an edit, a reaction, a change of members.
    pub fn write(&self, user: UserId) -> Result<(), Problem> {
        self.keyed.as_ref().map_or(Ok(()), |keyed| keyed.writes.check(&user))
    }

    /// A registration or a sign-in, whoever it is for.
    pub fn sign_in_from(&self, address: IpAddr) -> Result<(), Problem> {
        self.keyed.as_ref().map_or(Ok(()), |keyed| keyed.sign_ins.check(&network_of(address)))
    }

    /// An attempt to open a socket, whoever it is for.
    pub fn socket_from(&self, address: IpAddr) -> Result<(), Problem> {
        self.keyed.as_ref().map_or(Ok(()), |keyed| keyed.sockets.check(&network_of(address)))
    }

    /// A sign-in under this name, from wherever.
    pub fn sign_in_as(&self, username: &str) -> Result<(), Problem> {
        // Nobody is called what is longer than a name may be: all of those count as one, and cost no memory.
        let is_possible = username.len() <= *limits::USERNAME_CHARS.end();
        let key = if is_possible { username.to_ascii_lowercase() } else { String::new() };
        self.keyed.as_ref().map_or(Ok(()), |keyed| keyed.usernames.check(&key))
    }

    /// A report of what a page measured.
    pub fn timings(&self, user: UserId) -> Result<(), Problem> {
        self.keyed.as_ref().map_or(Ok(()), |keyed| keyed.timings.check(&user))
    }

    /// A question to a model that is only to see whether it answers.
    pub fn model_test(&self, user: UserId) -> Result<(), Problem> {
        self.keyed.as_ref().map_or(Ok(()), |keyed| keyed.model_tests.check(&user))
    }

    /// A widget that is opened, on whichever page.
    pub fn widget_from(&self, address: IpAddr) -> Result<(), Problem> {
        self.keyed.as_ref().map_or(Ok(()), |keyed| keyed.widgets.check(&network_of(address)))
    }

    /// A dialog that this visitor begins.
    pub fn dialog_of(&self, visitor: UserId) -> Result<(), Problem> {
        self.keyed.as_ref().map_or(Ok(()), |keyed| keyed.dialogs.check(&visitor))
    }

    /// One connection's own count of its frames, at [`limits::FRAMES_PER_CONNECTION`] or another rate of its own.
    pub fn frame_limiter(&self, rate: Rate) -> FrameLimiter {
        FrameLimiter(self.keyed.as_ref().map(|_| RateLimiter::direct(quota(rate))))
    }
}

/// Counts the frames of one connection.
pub struct FrameLimiter(Option<DefaultDirectRateLimiter>);

impl FrameLimiter {
    pub fn check(&self) -> Result<(), Problem> {
        let Some(limiter) = &self.0 else { return Ok(()) };
        limiter.check().map_err(|until| too_many(&until, limiter.clock().now()))
    }
}

/// A limiter that forgets who has been quiet, so that it holds no more keys than were used lately.
struct Limiter<K: Clone + Eq + Hash> {
    limiter: DefaultKeyedRateLimiter<K>,
    checks: AtomicU32,
}

impl<K: Clone + Eq + Hash> Limiter<K> {
    fn new(rate: Rate) -> Self {
        Self { limiter: RateLimiter::keyed(quota(rate)), checks: AtomicU32::new(0) }
    }

    fn check(&self, key: &K) -> Result<(), Problem> {
        if self.checks.fetch_add(1, Ordering::Relaxed).is_multiple_of(limits::RATE_CHECKS_PER_SWEEP) {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(key).map_err(|until| too_many(&until, self.limiter.clock().now()))
    }
}

fn quota(rate: Rate) -> Quota {
    let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
    // Only a period of zero is refused; then the burst per second is the rate.
    let paced = Quota::with_period(Duration::from_millis(rate.every_ms)).map(|quota| quota.allow_burst(burst));
    paced.unwrap_or(Quota::per_second(burst))
}

fn too_many(until: &NotUntil<QuantaInstant>, now: QuantaInstant) -> Problem {
    let wait_ms = until.wait_time_from(now).as_millis();
    Problem::rate_limited(u64::try_from(wait_ms).unwrap_or(u64::MAX).max(1))
}

/// An IPv6 host has at least a /64 of addresses to choose from: they count as one.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fresh_id, protocol::Code};

    fn on() -> Rates {
        Rates::new(&LimitsConfig { rates: RateLimits::On })
    }

    /// How many of `tries` pass; the first refusal says how long to wait.
    fn passing(tries: u32, mut check: impl FnMut() -> Result<(), Problem>) -> u32 {
        let mut passed = 0;
        for _ in 0..tries {
            match check() {
                Ok(()) => passed += 1,
                Err(problem) => {
                    assert_eq!(problem.code, Code::RateLimited);
                    assert!(problem.retry_after_ms.is_some_and(|ms| (1..=10_000).contains(&ms)), "{problem:?}");
                    break;
                }
            }
        }
        passed
    }

    #[test]
    fn a_burst_passes_and_then_one_waits() {
        let (rates, anna, ben) = (on(), fresh_id!(UserId), fresh_id!(UserId));
        let burst = limits::WRITES_PER_USER.burst;
        let passed = passing(burst * 2, || rates.write(anna));
        assert!((burst..burst * 2).contains(&passed), "{passed}");
        rates.write(ben).unwrap();
    }

    #[test]
    fn a_username_is_counted_however_it_is_written() {
        let rates = on();
        let burst = limits::SIGN_INS_PER_USERNAME.burst;
        assert_eq!(passing(burst, || rates.sign_in_as("anna")), burst);
        assert_eq!(rates.sign_in_as("ANNA").unwrap_err().code, Code::RateLimited);
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_as_one() {
        let rates = on();
        let mut host = 0u128;
        let burst = limits::SIGN_INS_PER_ADDRESS.burst;
        let passed = passing(burst * 2, || {
            host += 1;
            rates.sign_in_from(IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) | host)))
        });
        assert!((burst..burst * 2).contains(&passed), "{passed}");
        rates.sign_in_from("2001:db8:0:1::1".parse().unwrap()).unwrap();
    }

    #[test]
    fn a_connection_has_its_own_count() {
        let rates = on();
        let (one, other) =
            (rates.frame_limiter(limits::FRAMES_PER_CONNECTION), rates.frame_limiter(limits::FRAMES_PER_CONNECTION));
        let burst = limits::FRAMES_PER_CONNECTION.burst;
        assert!((burst..burst * 2).contains(&passing(burst * 2, || one.check())));
        other.check().unwrap();
    }

    #[test]
    fn rates_that_are_off_let_everything_pass() {
        let rates = Rates::new(&LimitsConfig { rates: RateLimits::Off });
        let (anna, frames) = (fresh_id!(UserId), rates.frame_limiter(limits::FRAMES_PER_CONNECTION));
        for _ in 0..1_000 {
            rates.write(anna).unwrap();
            rates.sign_in_as("anna").unwrap();
            rates.sign_in_from(IpAddr::from([127, 0, 0, 1])).unwrap();
            frames.check().unwrap();
        }
    }

    #[test]
    fn who_is_quiet_is_forgotten() {
        let limiter = Limiter::new(Rate { burst: 1, every_ms: 1 });
        for key in 0..limits::RATE_CHECKS_PER_SWEEP * 4 {
            limiter.check(&key).unwrap();
        }
        // Until the last of them has been quiet for many times its millisecond.
        let written = std::time::Instant::now();
        while written.elapsed() < Duration::from_millis(50) {
            std::thread::yield_now();
        }
        // The next checks, allowed or not, come by a sweep: whoever makes them is all that is left.
        for _ in 0..limits::RATE_CHECKS_PER_SWEEP {
            let _ = limiter.check(&0);
        }
        assert_eq!(limiter.limiter.len(), 1);
    }
}
