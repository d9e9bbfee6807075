//! A number that stays a fraction while it fits in 128 bits, and is a float from there on.

use std::fmt;

use super::expression::Trouble;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// In lowest terms, `den` above zero.
    Exact {
        num: i128,
        den: i128,
    },
    Approx(f64),
}

use Number::{Approx, Exact};

/// Beyond this a power is not multiplied out.
const EXACT_EXPONENT: i128 = 1_000;
/// 33! is the last that fits.
const EXACT_FACTORIAL: i128 = 33;
const LARGEST_FACTORIAL: i128 = 170;
/// Digits of a number that is rounded.
const DIGITS: usize = 12;

impl Number {
    pub const fn whole(num: i128) -> Self {
        Exact { num, den: 1 }
    }

    pub fn ratio(num: i128, den: i128) -> Result<Self, Trouble> {
        if den == 0 {
            return Err(Trouble::DivisionByZero);
        }
        let common = i128::try_from(gcd(num.unsigned_abs(), den.unsigned_abs())).unwrap_or(1);
        let (num, den) = (num / common, den / common);
        match (num.checked_neg(), den.checked_neg()) {
            (Some(negative), Some(positive)) if den < 0 => Ok(Exact { num: negative, den: positive }),
            _ if den > 0 => Ok(Exact { num, den }),
            _ => Self::approx(num as f64 / den as f64),
        }
    }

    pub fn approx(value: f64) -> Result<Self, Trouble> {
        match value {
            _ if value.is_nan() => Err(Trouble::NotReal),
            _ if value.is_infinite() => Err(Trouble::TooLarge),
            _ => Ok(Approx(value)),
        }
    }

    pub fn as_f64(self) -> f64 {
        match self {
            Exact { num, den } => num as f64 / den as f64,
            Approx(value) => value,
        }
    }

    /// The whole number that this is.
    pub fn as_whole(self) -> Option<i128> {
        match self {
            Exact { num, den: 1 } => Some(num),
            _ => None,
        }
    }

    pub fn plus(self, other: Self) -> Result<Self, Trouble> {
        let exact = |a: i128, b: i128, c: i128, d: i128| {
            Some((a.checked_mul(d)?.checked_add(c.checked_mul(b)?)?, b.checked_mul(d)?))
        };
        self.with(other, exact, |a, b| a + b)
    }

    pub fn minus(self, other: Self) -> Result<Self, Trouble> {
        self.plus(other.negated()?)
    }

    pub fn times(self, other: Self) -> Result<Self, Trouble> {
        self.with(other, |a, b, c, d| Some((a.checked_mul(c)?, b.checked_mul(d)?)), |a, b| a * b)
    }

    pub fn over(self, other: Self) -> Result<Self, Trouble> {
        if other.as_f64() == 0.0 {
            return Err(Trouble::DivisionByZero);
        }
        self.with(other, |a, b, c, d| Some((a.checked_mul(d)?, b.checked_mul(c)?)), |a, b| a / b)
    }

    /// What is left of a division, with the divisor's sign.
    pub fn modulo(self, other: Self) -> Result<Self, Trouble> {
        let times = self.over(other)?.floor()?;
        self.minus(times.times(other)?)
    }

    pub fn negated(self) -> Result<Self, Trouble> {
        match self {
            Exact { num, den } if num != i128::MIN => Ok(Exact { num: -num, den }),
            other => Self::approx(-other.as_f64()),
        }
    }

    pub fn floor(self) -> Result<Self, Trouble> {
        match self {
            Exact { num, den } => Ok(Self::whole(num.div_euclid(den))),
            Approx(value) => Self::approx(value.floor()),
        }
    }

    pub fn pow(self, exponent: Self) -> Result<Self, Trouble> {
        let zero = self.as_f64() == 0.0;
        if zero && exponent.as_f64() < 0.0 {
            return Err(Trouble::DivisionByZero);
        }
        if let (Exact { num, den }, Some(times)) = (self, exponent.as_whole())
            && times.abs() <= EXACT_EXPONENT
        {
            let by = u32::try_from(times.unsigned_abs()).unwrap_or(u32::MAX);
            if let (Some(num), Some(den)) = (num.checked_pow(by), den.checked_pow(by)) {
                return if times < 0 { Self::ratio(den, num) } else { Self::ratio(num, den) };
            }
        }
        Self::approx(self.as_f64().powf(exponent.as_f64()))
    }

    pub fn sqrt(self) -> Result<Self, Trouble> {
        if let Exact { num, den } = self
            && num >= 0
        {
            let (n, d) = (num.isqrt(), den.isqrt());
            if n * n == num && d * d == den {
                return Ok(Exact { num: n, den: d });
            }
        }
        Self::approx(self.as_f64().sqrt())
    }

    pub fn factorial(self) -> Result<Self, Trouble> {
        match self.as_whole() {
            Some(n) if n < 0 => Err(Trouble::NotReal),
            Some(n) if n <= EXACT_FACTORIAL => Ok(Self::whole((1..=n).product())),
            Some(n) if n <= LARGEST_FACTORIAL => Self::approx((1..=n).map(|i| i as f64).product()),
            Some(_) => Err(Trouble::TooLarge),
            None => Err(Trouble::NotReal),
        }
    }

    /// Whether what is written is the number itself, not rounded.
    pub fn is_exact(self) -> bool {
        match self {
            Exact { den, .. } => decimals(den).is_some(),
            Approx(value) => value.fract() == 0.0 && value.abs() < 1e15,
        }
    }

    fn with(
        self,
        other: Self,
        exact: impl Fn(i128, i128, i128, i128) -> Option<(i128, i128)>,
        float: impl Fn(f64, f64) -> f64,
    ) -> Result<Self, Trouble> {
        if let (Exact { num: a, den: b }, Exact { num: c, den: d }) = (self, other)
            && let Some((num, den)) = exact(a, b, c, d)
        {
            return Self::ratio(num, den);
        }
        Self::approx(float(self.as_f64(), other.as_f64()))
    }
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// How many decimals a fraction with this denominator has, if it ends and is short.
fn decimals(den: i128) -> Option<usize> {
    let (mut rest, mut twos, mut fives) = (den, 0, 0);
    while rest % 2 == 0 {
        (rest, twos) = (rest / 2, twos + 1);
    }
    while rest % 5 == 0 {
        (rest, fives) = (rest / 5, fives + 1);
    }
    let count: usize = std::cmp::max(twos, fives);
    (rest == 1 && count <= DIGITS).then_some(count)
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Exact { num, den: 1 } => num.fmt(f),
            Exact { num, den } => match decimals(den) {
                Some(count) => {
                    let scale = 10_u128.pow(count as u32);
                    let (size, den) = (num.unsigned_abs(), den.unsigned_abs());
                    let sign = if num < 0 { "-" } else { "" };
                    // The remainder is below `den`, which divides `scale`: this never overflows.
                    let fraction = size % den * (scale / den);
                    write!(f, "{sign}{}.{fraction:0count$}", size / den)
                }
                None => f.write_str(&significant(self.as_f64(), DIGITS)),
            },
            Approx(value) => f.write_str(&significant(value, DIGITS)),
        }
    }
}

/// A float with this many digits that count, without zeros at its end.
pub fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let scientific = format!("{value:.*e}", digits.saturating_sub(1));
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    if (-6..15).contains(&power) {
        let decimals = usize::try_from(digits as i32 - 1 - power).unwrap_or(0);
        return trimmed(&format!("{value:.decimals$}"));
    }
    format!("{} × 10^{power}", trimmed(mantissa))
}

fn trimmed(number: &str) -> String {
    match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => number.to_owned(),
    }
}
