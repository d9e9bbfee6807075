//! Pure text: times, who types, what the connection does. The same on the server and in the browser.

use crate::protocol::{Timestamp, UserId, agent::Usage};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `07:39`, shifted by the reader's offset from UTC.
pub fn clock(at: Timestamp, offset_ms: i64) -> String {
    let civil = Timestamp(at.as_ms() + offset_ms).civil();
    format!("{:02}:{:02}", civil.hour, civil.minute)
}

/// `20 November 2026`.
pub fn day(at: Timestamp, offset_ms: i64) -> String {
    let civil = Timestamp(at.as_ms() + offset_ms).civil();
    format!("{} {} {}", civil.day, MONTHS[civil.month as usize - 1], civil.year)
}

/// When something was, for a narrow place: the clock where it is of the same day as `now` or nobody knows the time,
/// else `20 Nov`, or `Nov 2025` in another year.
pub fn when(at: Timestamp, now: Option<Timestamp>, offset_ms: i64) -> String {
    let local = |at: Timestamp| Timestamp(at.as_ms() + offset_ms).civil();
    let is_of_today = now.is_none_or(|now| day_number(at, offset_ms) == day_number(now, offset_ms));
    let civil = local(at);
    let month = &MONTHS[civil.month as usize - 1][..3];
    match now.map(local) {
        Some(now) if !is_of_today && now.year == civil.year => format!("{} {month}", civil.day),
        Some(_) if !is_of_today => format!("{month} {}", civil.year),
        _ => clock(at, offset_ms),
    }
}

/// Days since 1970 in the reader's zone: two messages of one day have the same.
pub fn day_number(at: Timestamp, offset_ms: i64) -> i64 {
    Timestamp(at.as_ms() + offset_ms).days()
}

/// "Anna and Ben are typing…"; nothing where nobody does.
pub fn typing(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => format!("{one} is typing…"),
        [one, two] => format!("{one} and {two} are typing…"),
        [one, two, three] => format!("{one}, {two} and {three} are typing…"),
        [one, two, others @ ..] => format!("{one}, {two} and {} others are typing…", others.len()),
    }
}

/// `1.4 s`, `230 ms`.
pub fn duration(ms: u64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1_000, ms % 1_000 / 100) }
}

/// `Turn 2 of 8`.
pub fn turns(current: u32, max: u32) -> String {
    ["Turn ", &current.to_string(), " of ", &max.to_string()].concat()
}

/// `1,204 tokens read, 310 written, cost 0.0042 EUR`.
pub fn usage(usage: &Usage) -> String {
    let mut text = [&count(usage.input_tokens), " tokens read, ", &count(usage.output_tokens), " written"].concat();
    if let Some(micros) = usage.cost_micros {
        text.extend([", cost ", &money(micros)]);
    }
    if let Some(currency) = &usage.currency {
        text.extend([" ", currency.as_str()]);
    }
    text
}

/// `gpt-x · 1.4 s, first word after 320 ms · 1,204 tokens read, 310 written`.
pub fn model_call(model: Option<&str>, used: Option<&Usage>, first_ms: Option<u64>, ms: Option<u64>) -> String {
    let first = first_ms.map(|ms| ["first word after ", &duration(ms)].concat());
    let times: Vec<_> = ms.map(duration).into_iter().chain(first).collect();
    let times = Some(times.join(", ")).filter(|times| !times.is_empty());
    let parts: Vec<_> = model.map(str::to_owned).into_iter().chain(times).chain(used.map(usage)).collect();
    parts.join(" · ")
}

/// `1,204`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Millionths as an amount: `12.50`, `0.0042`.
pub fn money(micros: u64) -> String {
    let whole = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let shortest = whole.find('.').map_or(0, |at| at + 3);
    let short = whole.trim_end_matches('0').len().max(shortest);
    whole[..short].to_owned()
}

/// `4 min left`, `12 s left`.
pub fn time_left(ms: i64) -> String {
    let s = ms.max(0) / 1_000;
    let (number, unit) = if s < 100 { (s, " s left") } else { (s / 60, " min left") };
    [&number.to_string(), unit].concat()
}

/// How long somebody waits: `12 s`, `4 min`, `2 h 5 min`, `3 days`.
pub fn waiting(ms: i64) -> String {
    let s = ms.max(0) / 1_000;
    match (s / 86_400, s / 3_600, s / 60) {
        (0, 0, 0) => format!("{s} s"),
        (0, 0, min) => format!("{min} min"),
        (0, h, min) => format!("{h} h {} min", min % 60),
        (1, ..) => "1 day".to_owned(),
        (days, ..) => format!("{days} days"),
    }
}

/// `3 ms`, `under 1 ms`.
pub fn latency(ms: u32) -> String {
    if ms == 0 { "under 1 ms".to_owned() } else { duration(ms.into()) }
}

/// Up to two letters for an avatar.
pub fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|c| c.is_alphanumeric()));
    let first = words.next().unwrap_or('?');
    first.to_uppercase().chain(words.next_back().into_iter().flat_map(char::to_uppercase)).take(2).collect()
}

/// Which of the avatar colours a person has: always the same one.
pub fn tint(id: UserId) -> u8 {
    id.to_bytes().iter().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(*byte)) % 8
}

/// `99+` beyond two digits.
pub fn badge(count: u64) -> String {
    if count > 99 { "99+".to_owned() } else { count.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::agent::Currency;

    const AT: Timestamp = Timestamp(1_795_160_350_042); // 2026-11-20T07:39:10.042Z

    #[test]
    fn in_a_narrow_place_a_day_stands_for_a_clock_that_is_not_of_today() {
        let in_days = |days: i64| Some(Timestamp(AT.as_ms() + days * 86_400_000));
        assert_eq!(when(AT, None, 0), "07:39");
        assert_eq!(when(AT, in_days(0), 0), "07:39");
        assert_eq!(when(AT, in_days(1), 0), "20 Nov");
        assert_eq!(when(AT, in_days(60), 0), "Nov 2026");
        // The reader's day, not the server's.
        assert_eq!(when(AT, Some(Timestamp(AT.as_ms() + 17 * 3_600_000)), 0), "20 Nov");
        assert_eq!(when(AT, Some(Timestamp(AT.as_ms() + 17 * 3_600_000)), -60_000 * 60 * 5), "02:39");
    }

    #[test]
    fn what_a_run_cost_is_said_in_a_line() {
        let used = Usage {
            input_tokens: 1_234_567,
            output_tokens: 310,
            cost_micros: Some(4_200),
            currency: Currency::of("EUR"),
        };
        assert_eq!(usage(&used), "1,234,567 tokens read, 310 written, cost 0.0042 EUR");
        // As a run of before has it.
        assert_eq!(usage(&Usage { currency: None, ..used }), "1,234,567 tokens read, 310 written, cost 0.0042");
        let free = Usage { cost_micros: None, currency: None, ..used };
        let call = model_call(Some("small"), Some(&free), Some(320), Some(1_400));
        assert_eq!(call, "small · 1.4 s, first word after 320 ms · 1,234,567 tokens read, 310 written");
        assert_eq!(model_call(None, None, None, None), "");
        assert_eq!([money(12_500_000), money(0), money(1_000_001)], ["12.50", "0.00", "1.000001"]);
        assert_eq!([count(999), count(1_000)], ["999", "1,000"]);
    }

    #[test]
    fn what_is_left_of_a_time_is_told_in_seconds_at_the_end() {
        assert_eq!([time_left(-5), time_left(99_999), time_left(600_000)], ["0 s left", "99 s left", "10 min left"]);
    }

    #[test]
    fn how_long_somebody_waits_is_told_roughly() {
        let told = [-5, 59_999, 60_000, 7_500_000, 86_400_000, 260_000_000].map(waiting);
        assert_eq!(told, ["0 s", "59 s", "1 min", "2 h 5 min", "1 day", "3 days"]);
    }

    #[test]
    fn a_time_is_shown_in_the_readers_zone() {
        assert_eq!(clock(AT, 0), "07:39");
        assert_eq!(clock(AT, -8 * 3_600_000), "23:39");
        assert_eq!(day(AT, 0), "20 November 2026");
        assert_eq!(day(AT, -8 * 3_600_000), "19 November 2026");
        assert_eq!(day_number(AT, 0) - day_number(AT, -8 * 3_600_000), 1);
    }

    #[test]
    fn who_types_is_told_in_one_sentence() {
        let names: Vec<String> = ["Anna", "Ben", "Carla", "Dan"].map(String::from).to_vec();
        assert_eq!(typing(&names[..0]), "");
        assert_eq!(typing(&names[..1]), "Anna is typing…");
        assert_eq!(typing(&names[..2]), "Anna and Ben are typing…");
        assert_eq!(typing(&names[..3]), "Anna, Ben and Carla are typing…");
        assert_eq!(typing(&names), "Anna, Ben and 2 others are typing…");
    }

    #[test]
    fn small_texts() {
        assert_eq!(initials("anna maria bell"), "AB");
        assert_eq!(initials("  "), "?");
        assert_eq!(duration(230), "230 ms");
        assert_eq!(duration(1_449), "1.4 s");
        assert_eq!(latency(0), "under 1 ms");
        assert_eq!(latency(12), "12 ms");
        assert_eq!(badge(99), "99");
        assert_eq!(badge(100), "99+");
    }
}
