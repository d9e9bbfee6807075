//! A picture of numbers, as SVG.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Chart, Class, Tool, ToolContext, ToolError, ToolOutput, read, schema_of};
use crate::protocol::limits;

pub mod data;
pub mod draw;

use data::Data;

pub struct MakeChart;

pub const NAME: &str = "make_chart";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    Line,
    Bar,
}

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    /// CSV with a header, or pairs such as `Jan 3, Feb 5`, or bare numbers.
    data: String,
    #[serde(default)]
    title: Option<String>,
    /// Where left out: bars for a few named values, else a line.
    #[serde(default)]
    style: Option<Style>,
}

/// Named values up to which bars are drawn if nobody asks for a line.
const FEW: usize = 16;

#[async_trait]
impl Tool for MakeChart {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Draws a line or bar chart from numbers, label and number pairs, or CSV, and shows it in the conversation."
    }

    fn parameters(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn class(&self) -> Class {
        Class::Read
    }

    fn activity(&self, arguments: &Value) -> String {
        match arguments["title"].as_str() {
            Some(title) => super::short(&format!("Drawing a chart: {title}")),
            None => "Drawing a chart".to_owned(),
        }
    }

    async fn call(&self, _: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError> {
        let Arguments { data, title, style } = read(arguments)?;
        let data = data::parse(&data).map_err(ToolError)?;
        let style = style.unwrap_or(if data.named && data.labels.len() <= FEW { Style::Bar } else { Style::Line });
        let title = super::shortened(&title.unwrap_or_else(|| data.name()), limits::CHART_LABEL_CHARS);
        // Drawing a thousand points takes milliseconds of pure computing.
        let drawn = tokio::task::spawn_blocking(move || {
            let svg = draw::svg(&title, style, &data)?;
            Ok((svg, describe(&title, style, &data), title, data.table()))
        });
        let (svg, text, title, table) = drawn
            .await
            .map_err(|error| error.to_string())
            .and_then(|drawn: Result<_, String>| drawn)
            .map_err(|error| ToolError(format!("The chart could not be drawn: {error}")))?;
        Ok(ToolOutput { chart: Some(Chart { title, svg, symbol: None, table }), ..ToolOutput::from(text) })
    }
}

fn describe(title: &str, style: Style, data: &Data) -> String {
    let style = if style == Style::Bar { "bar" } else { "line" };
    let mut text = format!("Drew a {style} chart titled “{title}”.");
    for series in &data.series {
        let Some(summary) = series.summary(&data.labels) else { continue };
        text.push('\n');
        if data.series.len() > 1 || data.named_series {
            text.push_str(&format!("{}: ", series.name));
        }
        text.push_str(&summary);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_names_what_it_shows() {
        let data = data::parse("Jan 3, Feb 5, Mar 2").expect("data");
        let svg = draw::svg("Sales <2026> & more", Style::Bar, &data).expect("a picture");
        assert!(svg.contains("<title>Sales &lt;2026&gt; &amp; more</title>"), "{svg}");
        assert!(svg.contains("<desc>"));
        assert!(svg.contains("role=\"img\""));
        for label in ["Jan", "Feb", "Mar"] {
            assert!(svg.contains(label), "{label}");
        }
        assert!(describe("Sales", Style::Bar, &data).contains("highest 5 (Feb)"));
    }

    #[test]
    fn every_shape_of_numbers_can_be_drawn() {
        let most = (0..limits::CHART_POINTS).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
        for text in ["1, 1, 1", "0 0", "-5, 3", "1e14, -1e14", "0.000001, 0.000002", "a,b,c\nx,1,2\ny,3,4", &most] {
            let data = data::parse(text).unwrap_or_else(|error| panic!("{text:.40}: {error}"));
            for style in [Style::Line, Style::Bar] {
                let svg = draw::svg("Numbers", style, &data).unwrap_or_else(|error| panic!("{text:.40}: {error}"));
                assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
                assert!(!svg.contains("NaN"), "{text:.40}");
            }
        }
    }

    #[test]
    fn a_chart_carries_no_script_of_its_labels() {
        let data = data::parse("<script>alert(1)</script>: 3; \"onload=\": 4").expect("data");
        let svg = draw::svg("</title><script>", Style::Bar, &data).expect("a picture");
        assert!(!svg.contains("<script"), "{svg}");
    }
}
