//! Reads and works out an expression in one pass: precedence by descent, bounded in length and depth.

use super::number::Number;
use crate::protocol::limits;

/// Why an expression has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("division by zero has no answer")]
    DivisionByZero,
    #[error("the result is too large to write down")]
    TooLarge,
    #[error("this has no answer among the real numbers")]
    NotReal,
    #[error("the expression is longer than {} characters", limits::EXPRESSION_BYTES)]
    TooLong,
    #[error("the expression is nested more than {} levels deep", limits::EXPRESSION_DEPTH)]
    TooDeep,
    #[error("a parenthesis is never closed")]
    Unclosed,
    #[error("the expression ends too early")]
    Incomplete,
    #[error("`{0}` cannot be read here")]
    Unexpected(String),
}

type Result<T> = std::result::Result<T, Trouble>;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(Number),
    Word(String),
    Sign(char),
}

/// The value of an expression.
pub fn evaluate(text: &str) -> Result<Number> {
    if text.len() > limits::EXPRESSION_BYTES {
        return Err(Trouble::TooLong);
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let value = parser.sum()?.number;
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.unexpected()),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>> {
    let chars: Vec<char> = text.replace("**", "^").chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        match c {
            _ if c.is_whitespace() => at += 1,
            '0'..='9' | '.' => {
                let (number, length) = number(&chars[at..])?;
                tokens.push(Token::Number(number));
                at += length;
            }
            _ if c.is_alphabetic() || c == 'π' => {
                let length = chars[at..].iter().take_while(|c| c.is_alphabetic()).count().max(1);
                let word: String = chars[at..at + length].iter().collect();
                tokens.push(Token::Word(word.to_lowercase()));
                at += length;
            }
            _ => {
                tokens.push(Token::Sign(match c {
                    '×' | '·' | '⋅' | '∙' => '*',
                    '÷' | '∕' => '/',
                    '−' | '–' => '-',
                    '[' => '(',
                    ']' => ')',
                    other => other,
                }));
                at += 1;
            }
        }
    }
    Ok(tokens)
}

/// `1,000.5`, `.5`, `3,5` (a decimal comma), `2e-3`; its value and length.
fn number(chars: &[char]) -> Result<(Number, usize)> {
    let digit = |at: usize| chars.get(at).filter(|c| c.is_ascii_digit()).is_some();
    let (mut digits, mut decimals, mut at) = (String::new(), None::<u32>, 0);
    while let Some(&c) = chars.get(at) {
        match c {
            '0'..='9' => {
                digits.push(c);
                decimals = decimals.map(|count| count + 1);
            }
            '.' if decimals.is_none() => decimals = Some(0),
            ',' if decimals.is_none() && (1..=3).all(|i| digit(at + i)) && !digit(at + 4) => {}
            ',' if decimals.is_none() && digit(at + 1) => decimals = Some(0),
            _ => break,
        }
        at += 1;
    }
    let mut power = -i64::from(decimals.unwrap_or(0));
    let signed = usize::from(matches!(chars.get(at + 1), Some('+' | '-')));
    if matches!(chars.get(at), Some('e' | 'E')) && digit(at + 1 + signed) {
        let length = chars[at + 1 + signed..].iter().take_while(|c| c.is_ascii_digit()).count();
        let exponent: String = chars[at + 1..at + 1 + signed + length].iter().filter(|c| **c != '+').collect();
        power = power.saturating_add(exponent.parse().map_err(|_| Trouble::TooLarge)?);
        at += 1 + signed + length;
    }
    let value = match digits.parse::<i128>() {
        Ok(whole) => {
            let ten = Number::whole(10).pow(Number::whole(power.into()));
            Number::whole(whole).times(ten?)?
        }
        Err(_) if digits.is_empty() => return Err(Trouble::Unexpected(".".into())),
        Err(_) => Number::approx(format!("{digits}e{power}").parse().map_err(|_| Trouble::TooLarge)?)?,
    };
    Ok((value, at))
}

/// A value, and whether it is a bare percentage: `200 + 10%` means a tenth of 200.
#[derive(Clone, Copy)]
struct Value {
    number: Number,
    percent: bool,
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        Self { number, percent: false }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self) -> Trouble {
        match self.peek() {
            None => Trouble::Incomplete,
            Some(Token::Number(number)) => Trouble::Unexpected(number.to_string()),
            Some(Token::Word(word)) => Trouble::Unexpected(word.chars().take(40).collect()),
            Some(Token::Sign(sign)) => Trouble::Unexpected(sign.to_string()),
        }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= limits::EXPRESSION_DEPTH {
            return Err(Trouble::TooDeep);
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn sum(&mut self) -> Result<Value> {
        let mut left = self.product()?;
        loop {
            let minus = match () {
                () if self.take('+') => false,
                () if self.take('-') => true,
                () => return Ok(left),
            };
            let right = self.product()?;
            let amount = match right.percent && !left.percent {
                true => left.number.times(right.number)?,
                false => right.number,
            };
            left = if minus { left.number.minus(amount)? } else { left.number.plus(amount)? }.into();
        }
    }

    fn product(&mut self) -> Result<Value> {
        let mut left = self.signed()?;
        loop {
            let result = match () {
                () if self.take('*') || self.take_word("x") || self.take_word("of") => {
                    let right = self.signed()?;
                    left.number.times(right.number)
                }
                () if self.take('/') => {
                    let right = self.signed()?;
                    left.number.over(right.number)
                }
                () if self.take('%') || self.take_word("mod") => {
                    let right = self.signed()?;
                    left.number.modulo(right.number)
                }
                () if self.starts_operand(self.at) => {
                    let right = self.power()?;
                    left.number.times(right.number)
                }
                () => return Ok(left),
            };
            left = result?.into();
        }
    }

    fn starts_operand(&self, at: usize) -> bool {
        match self.tokens.get(at) {
            Some(Token::Number(_) | Token::Sign('(' | '√')) => true,
            Some(Token::Word(word)) => is_name(word),
            _ => false,
        }
    }

    fn signed(&mut self) -> Result<Value> {
        if self.take('-') {
            let value = self.deeper(Self::signed)?;
            return Ok(Value { number: value.number.negated()?, ..value });
        }
        if self.take('+') {
            return self.deeper(Self::signed);
        }
        self.power()
    }

    fn power(&mut self) -> Result<Value> {
        let base = self.postfix()?;
        if self.take('^') {
            let exponent = self.deeper(Self::signed)?;
            return Ok(base.number.pow(exponent.number)?.into());
        }
        Ok(base)
    }

    fn postfix(&mut self) -> Result<Value> {
        let mut value: Value = self.operand()?.into();
        loop {
            if self.take('!') {
                value = value.number.factorial()?.into();
            } else if self.peek() == Some(&Token::Sign('%')) && !self.starts_operand(self.at + 1) {
                self.at += 1;
                value = Value { number: value.number.over(Number::whole(100))?, percent: true };
            } else {
                return Ok(value);
            }
        }
    }

    fn operand(&mut self) -> Result<Number> {
        let token = self.peek().cloned().ok_or(Trouble::Incomplete)?;
        match token {
            Token::Number(number) => {
                self.at += 1;
                Ok(number)
            }
            Token::Sign('(') => {
                self.at += 1;
                let value = self.deeper(Self::sum)?.number;
                if self.take(')') {
                    return Ok(value);
                }
                Err(if self.peek().is_none() { Trouble::Unclosed } else { self.unexpected() })
            }
            Token::Sign('√') => {
                self.at += 1;
                self.deeper(Self::operand)?.sqrt()
            }
            Token::Word(word) => match word.as_str() {
                "pi" | "π" => {
                    self.at += 1;
                    Number::approx(std::f64::consts::PI)
                }
                "e" => {
                    self.at += 1;
                    Number::approx(std::f64::consts::E)
                }
                name if is_name(name) => {
                    self.at += 1;
                    apply(name, self.deeper(Self::operand)?)
                }
                _ => Err(self.unexpected()),
            },
            Token::Sign(_) => Err(self.unexpected()),
        }
    }
}

/// Words that stand for a function or a constant.
pub fn is_name(word: &str) -> bool {
    const NAMES: [&str; 15] =
        ["pi", "π", "e", "sqrt", "abs", "round", "floor", "ceil", "sin", "cos", "tan", "ln", "log", "exp", "factorial"];
    NAMES.contains(&word)
}

fn apply(name: &str, of: Number) -> Result<Number> {
    let float = |f: fn(f64) -> f64| Number::approx(f(of.as_f64()));
    match name {
        "sqrt" => of.sqrt(),
        "factorial" => of.factorial(),
        "abs" if of.as_f64() < 0.0 => of.negated(),
        "abs" => Ok(of),
        "floor" => of.floor(),
        "ceil" => of.negated()?.floor()?.negated(),
        "round" => of.plus(Number::ratio(1, 2)?)?.floor(),
        "sin" => float(f64::sin),
        "cos" => float(f64::cos),
        "tan" => float(f64::tan),
        "ln" | "log" if of.as_f64() <= 0.0 => Err(Trouble::NotReal),
        "ln" => float(f64::ln),
        "log" => float(f64::log10),
        _ => float(f64::exp),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> String {
        match evaluate(text) {
            Ok(number) => number.to_string(),
            Err(trouble) => format!("! {trouble}"),
        }
    }

    #[test]
    fn arithmetic_comes_out_right() {
        for (text, result) in [
            ("17 * 23", "391"),
            ("17x23", "391"),
            ("17 × 23", "391"),
            ("2 + 3 * 4", "14"),
            ("(2 + 3) * 4", "20"),
            ("2(3+4)", "14"),
            ("10 / 4", "2.5"),
            ("0.1 + 0.2", "0.3"),
            ("1/3", "0.333333333333"),
            ("1/3*3", "1"),
            ("-2^2", "-4"),
            ("2^-2", "0.25"),
            ("2^3^2", "512"),
            ("2**10", "1024"),
            ("2^100", "1267650600228229401496703205376"),
            ("2^200", "1.60693804426 × 10^60"),
            ("15% of 80", "12"),
            ("200 + 10%", "220"),
            ("200 - 10%", "180"),
            ("50%", "0.5"),
            ("17 % 5", "2"),
            ("-7 mod 3", "2"),
            ("5!", "120"),
            ("sqrt(16)", "4"),
            ("sqrt 2", "1.41421356237"),
            ("√9", "3"),
            ("1,000 + 1", "1001"),
            ("3,5 * 2", "7"),
            ("1.5e3 + 1", "1501"),
            ("cos(0)", "1"),
            ("round(2.5)", "3"),
            ("ceil(2.1)", "3"),
            ("-0.5", "-0.5"),
            ("2 pi", "6.28318530718"),
            ("0.000000001 / 3", "3.33333333333 × 10^-10"),
        ] {
            assert_eq!(said(text), result, "{text}");
        }
    }

    #[test]
    fn what_has_no_answer_says_why() {
        let deep = "(".repeat(500) + "1" + &")".repeat(500);
        let signs = "-".repeat(900) + "1";
        let long = "1+".repeat(5_000);
        for (text, trouble) in [
            ("1/0", "division by zero"),
            ("5 mod 0", "division by zero"),
            ("0^-1", "division by zero"),
            ("9^9^9^9", "too large"),
            ("10^999999999999", "too large"),
            ("1e99999999999999999999", "too large"),
            ("171!", "too large"),
            ("(-1)!", "real"),
            ("sqrt(-1)", "real"),
            ("log(0)", "real"),
            ("(1 + 2", "never closed"),
            ("1 + 2)", "`)`"),
            ("1 +", "ends too early"),
            ("", "ends too early"),
            ("two", "`two`"),
            ("1..2.3.", "`.`"),
            (&deep, "levels deep"),
            (&signs, "levels deep"),
            (&long, "longer than"),
        ] {
            assert!(said(text).starts_with("! ") && said(text).contains(trouble), "{text:.40}: {}", said(text));
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down(text in r"[-0-9.,eE+*/^%!()xπ√ a-z]{0,200}") {
            let _ = evaluate(&text).map(|number| number.to_string());
        }

        #[test]
        fn any_characters_are_survived(text in any::<String>()) {
            let _ = evaluate(&text).map(|number| number.to_string());
        }

        #[test]
        fn whole_numbers_are_exact(a in any::<i32>(), b in any::<i32>()) {
            let (sum, product) = (i64::from(a) + i64::from(b), i64::from(a) * i64::from(b));
            prop_assert_eq!(said(&format!("({a}) + ({b})")), sum.to_string());
            prop_assert_eq!(said(&format!("({a}) * ({b})")), product.to_string());
        }
    }
}
