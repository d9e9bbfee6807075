//! Draws [`Data`] as an SVG that says what it is, and that reads well in light and dark.
//!
//! The picture is shown as an image, so it cannot take the page's colours: it brings a light set, and a
//! dark one for readers whose system is dark.

use plotters::{coord::Shift, prelude::*};

use super::{Style, data::Data};

const SIZE: (u32, u32) = (720, 400);
const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
const INK: RGBColor = RGBColor(0x1f, 0x24, 0x30);
const RULE: RGBColor = RGBColor(0xd8, 0xdc, 0xe5);
/// Told apart by people who do not see all colours, dark enough on white (Okabe and Ito's set, darkened).
const SERIES: [RGBColor; 8] = [
    RGBColor(0x00, 0x5f, 0xa3),
    RGBColor(0xb8, 0x4a, 0x00),
    RGBColor(0x00, 0x7a, 0x5a),
    RGBColor(0x9c, 0x3d, 0x7d),
    RGBColor(0x6b, 0x5b, 0x00),
    RGBColor(0x2f, 0x7f, 0xb5),
    RGBColor(0x7a, 0x2e, 0x2e),
    RGBColor(0x4d, 0x4d, 0x4d),
];
const DARK: &str = "@media (prefers-color-scheme: dark){\
[fill=\"#FFFFFF\"]{fill:#171a21}[fill=\"#1F2430\"]{fill:#e7eaf0}[stroke=\"#1F2430\"]{stroke:#aab2c0}\
[stroke=\"#D8DCE5\"]{stroke:#363d4a}\
[fill=\"#005FA3\"]{fill:#6cb6ff}[stroke=\"#005FA3\"]{stroke:#6cb6ff}\
[fill=\"#B84A00\"]{fill:#ff9f5a}[stroke=\"#B84A00\"]{stroke:#ff9f5a}\
[fill=\"#007A5A\"]{fill:#4fd1ab}[stroke=\"#007A5A\"]{stroke:#4fd1ab}\
[fill=\"#9C3D7D\"]{fill:#e59ccb}[stroke=\"#9C3D7D\"]{stroke:#e59ccb}\
[fill=\"#6B5B00\"]{fill:#e0cc52}[stroke=\"#6B5B00\"]{stroke:#e0cc52}\
[fill=\"#2F7FB5\"]{fill:#8fd0f5}[stroke=\"#2F7FB5\"]{stroke:#8fd0f5}\
[fill=\"#7A2E2E\"]{fill:#f2a3a3}[stroke=\"#7A2E2E\"]{stroke:#f2a3a3}\
[fill=\"#4D4D4D\"]{fill:#c4c4c4}[stroke=\"#4D4D4D\"]{stroke:#c4c4c4}}";

/// The whole picture; an error says what the drawing library said.
pub fn svg(title: &str, style: Style, data: &Data) -> Result<String, String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        draw(&area, title, style, data).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())?;
    }
    let description: Vec<String> = data
        .series
        .iter()
        .filter_map(|series| Some(format!("{}: {}.", series.name, series.summary(&data.labels)?)))
        .collect();
    let head = format!(
        "<title>{}</title><desc>{}</desc><style>{DARK}</style>",
        escaped(title),
        escaped(&description.join(" "))
    );
    let svg = svg.trim_start().replacen("<svg ", "<svg role=\"img\" ", 1);
    match svg.find('>') {
        Some(at) if svg.starts_with("<svg") => Ok(format!("{}{head}{}", &svg[..=at], &svg[at + 1..])),
        _ => Err("no picture came out".into()),
    }
}

fn escaped(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn draw(area: &Area<'_>, title: &str, style: Style, data: &Data) -> Result<(), Box<dyn std::error::Error>> {
    area.fill(&PAPER)?;
    let count = data.labels.len();
    let mut chart = ChartBuilder::on(area)
        .caption(visible(title, 60), ("sans-serif", 22).into_font().color(&INK))
        .margin(16)
        .x_label_area_size(36)
        .y_label_area_size(64)
        .build_cartesian_2d(-0.5..count as f64 - 0.5, range(style, data))?;
    let longest = data.labels.iter().map(|label| label.chars().count()).max().unwrap_or(1).min(14);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RULE)
        .axis_style(INK)
        .label_style(("sans-serif", 15).into_font().color(&INK))
        .x_labels(count.min((620 / (longest * 8 + 12)).max(2)))
        .x_label_formatter(&|x| label_at(*x, &data.labels))
        .y_labels(6)
        .y_label_formatter(&|y| brief(*y))
        .draw()?;
    let lines = data.series.len();
    for (at, (series, color)) in data.series.iter().zip(SERIES.iter().cycle()).enumerate() {
        let points = series.values.iter().enumerate().filter_map(|(x, y)| y.map(|y| (x as f64, y)));
        let drawn = match style {
            Style::Bar => {
                let width = 0.8 / lines as f64;
                let left = -0.4 + width * at as f64;
                chart
                    .draw_series(points.map(|(x, y)| {
                        Rectangle::new([(x + left, 0.0), (x + left + width * 0.94, y)], color.filled())
                    }))?
            }
            Style::Line => {
                if count <= 60 {
                    chart.draw_series(points.clone().map(|point| Circle::new(point, 3, color.filled())))?;
                }
                chart.draw_series(LineSeries::new(points, color.stroke_width(2)))?
            }
        };
        if lines > 1 {
            drawn
                .label(visible(&series.name, 24))
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 14, y + 5)], color.filled()));
        }
    }
    if lines > 1 {
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(PAPER)
            .border_style(RULE)
            .label_font(("sans-serif", 15).into_font().color(&INK))
            .draw()?;
    }
    Ok(())
}

/// From a little below the lowest to a little above the highest, with room for the legend; bars stand on zero.
fn range(style: Style, data: &Data) -> std::ops::Range<f64> {
    let values = || data.series.iter().flat_map(|series| series.values.iter().flatten().copied());
    let (mut low, mut high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    if style == Style::Bar {
        (low, high) = (low.min(0.0), high.max(0.0));
    }
    let height = if high > low { high - low } else { high.abs().max(1.0) * 6.0 };
    let legend = if data.series.len() > 1 { 0.08 * data.series.len() as f64 } else { 0.0 };
    let below = if style == Style::Bar && low == 0.0 { 0.0 } else { 0.08 };
    low - height * below..high + height * (0.08 + legend)
}

/// A number beside an axis: `1.5M` for a million and a half.
fn brief(value: f64) -> String {
    let scales = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")];
    let (scale, letter) = scales.into_iter().find(|(from, _)| value.abs() >= *from).unwrap_or((1.0, ""));
    // From ten thousand on; below, the digits are as short.
    let scale = if letter == "k" { 1e3 } else { scale };
    format!("{}{letter}", crate::server::agents::tools::calculate::number::significant(value / scale, 4))
}

/// Only whole places have a label.
fn label_at(x: f64, labels: &[String]) -> String {
    let at = x.round();
    match labels.get(at.max(0.0) as usize) {
        Some(label) if (x - at).abs() < 0.01 && at >= 0.0 => visible(label, 14),
        _ => String::new(),
    }
}

fn visible(text: &str, chars: usize) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    crate::server::agents::tools::shortened(&plain, chars)
}
