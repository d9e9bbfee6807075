//! Arithmetic, exact as long as it can be.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Class, Tool, ToolContext, ToolError, ToolOutput, read, schema_of};

pub mod expression;
pub mod number;

pub struct Calculate;

pub const NAME: &str = "calculate";

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    /// Such as `(17 * 23 + 4) / 2`, `15% of 80`, `2^10`, `sqrt(2)`.
    expression: String,
}

#[async_trait]
impl Tool for Calculate {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Works out an arithmetic expression: + - * / ^ % mod ! parentheses, sqrt abs round floor ceil sin cos tan \
         (radians) ln log exp, pi and e. Whole numbers and fractions are exact."
    }

    fn parameters(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn class(&self) -> Class {
        Class::Read
    }

    fn activity(&self, arguments: &Value) -> String {
        let expression = arguments["expression"].as_str().unwrap_or("an expression");
        format!("Calculating {}", super::short(&pretty(expression)))
    }

    async fn call(&self, _: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError> {
        let Arguments { expression } = read(arguments)?;
        let number = expression::evaluate(&expression).map_err(|error| ToolError(error.to_string()))?;
        let sign = if number.is_exact() { '=' } else { '≈' };
        Ok(format!("{} {sign} {number}", pretty(&expression)).into())
    }
}

/// An expression as people write it: × and ÷ for the signs of a keyboard.
pub fn pretty(expression: &str) -> String {
    let spaced = expression.replace("**", "^").replace('*', " × ").replace('/', " ÷ ");
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}
