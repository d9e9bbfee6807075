//! Pure text: times, who types, what the connection does. The same on the server and in the browser.

use crate::protocol::{Timestamp, UserId};

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

    const AT: Timestamp = Timestamp(1_795_160_350_042); // 2026-11-20T07:39:10.042Z

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
