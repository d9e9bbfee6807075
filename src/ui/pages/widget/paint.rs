//! The site's colour, as the frame wears it: as it is on what is large, and dark or light enough to be read as text.

use leptos::prelude::document;
use wasm_bindgen::JsCast;

/// Red, green and blue, 0 to 255.
type Rgb = [f64; 3];

const BLACK: f64 = 0.0;
const WHITE: f64 = 255.0;
/// `--surface` in style/tokens.css, by day and by night.
const PAPER: Rgb = [WHITE; 3];
const NIGHT: Rgb = [17.0, 24.0, 31.0];

/// What text in the site's colour keeps to the surface. WCAG 2.2 asks for 4.5; the rest is spent where the ground is
/// tinted.
const CONTRAST: f64 = 6.0;

/// Above this luminance black contrasts more than white (WCAG 2.2).
const LIGHT: f64 = 0.179;

/// Sets what style/widget.css builds on.
pub fn paint(color: &str) {
    let root = document().document_element().and_then(|root| root.dyn_into::<web_sys::HtmlElement>().ok());
    let Some(root) = root else { return };
    let site = rgb(color);
    let on_site = if luminance(site) > LIGHT { [BLACK; 3] } else { [WHITE; 3] };
    let style = root.style();
    for (name, color) in [
        ("--site", site),
        ("--on-site", on_site),
        ("--site-on-paper", readable(site, BLACK, PAPER)),
        ("--site-on-night", readable(site, WHITE, NIGHT)),
    ] {
        let _ = style.set_property(name, &css(color));
    }
}

/// The colour itself, or with as little black or white in it as makes it readable on this ground.
fn readable(color: Rgb, toward: f64, ground: Rgb) -> Rgb {
    let mixed = |step: i32| color.map(|part| part + (toward - part) * f64::from(step) / 20.0);
    (0..20).map(mixed).find(|&mixed| contrast(mixed, ground) >= CONTRAST).unwrap_or([toward; 3])
}

fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    if a > b { a / b } else { b / a }
}

/// Relative, 0 to 1, with the curve of sRGB as a plain power.
fn luminance(color: Rgb) -> f64 {
    let [red, green, blue] = color.map(|part| (part / 255.0).powf(2.2));
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/// Of `#rrggbb`; what cannot be read of it is 0.
fn rgb(color: &str) -> Rgb {
    [1, 3, 5].map(|at| {
        let part = color.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        f64::from(part.unwrap_or_default())
    })
}

fn css(color: Rgb) -> String {
    let [red, green, blue] = color.map(|part| (part.round() as u8).to_string());
    ["rgb(", &red, " ", &green, " ", &blue, ")"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLORS: [&str; 8] = ["#ffffff", "#000000", "#4f46e5", "#ffd400", "#0a6c74", "#e11d48", "#22c55e", "#00ffff"];

    #[test]
    fn text_on_a_sites_colour_is_black_or_white_as_it_is_read_better() {
        for (color, light) in
            [("#ffffff", true), ("#000000", false), ("#4f46e5", false), ("#ffd400", true), ("#0a6c74", false)]
        {
            assert_eq!(luminance(rgb(color)) > LIGHT, light, "{color}");
        }
    }

    #[test]
    fn a_sites_colour_is_read_as_text_by_day_and_by_night_on_tinted_ground_too() {
        // style/widget.css: `--accent-soft`.
        let tinted = |ground: Rgb, color: Rgb| [0, 1, 2].map(|at| ground[at] + (color[at] - ground[at]) * 0.12);
        for (toward, ground) in [(BLACK, PAPER), (WHITE, NIGHT)] {
            for color in COLORS {
                let text = readable(rgb(color), toward, ground);
                assert!(contrast(text, ground) >= CONTRAST, "{color}: {text:?}");
                assert!(contrast(text, tinted(ground, text)) >= 4.5, "{color}: {text:?} on its tint");
            }
        }
    }

    #[test]
    fn a_colour_that_can_be_read_stays_as_it_is() {
        assert_eq!(css(readable(rgb("#0a3c74"), BLACK, PAPER)), "rgb(10 60 116)");
        assert_eq!(css(readable(rgb("#ffd400"), WHITE, NIGHT)), "rgb(255 212 0)");
        assert_eq!(css(rgb("none")), "rgb(0 0 0)");
    }
}
