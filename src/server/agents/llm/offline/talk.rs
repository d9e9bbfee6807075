//! What is said where no tool can help: honestly, and with a way on.

use super::{
    plan::{self, chart_is_wanted},
    visitor,
};
use crate::protocol::Side;

const ABILITIES: &str = "\
- **Calculate**: `What is 17 * 23?`, `15% of 80`, `sqrt(2) * (3 + 4)^2`
- **Convert units**: `How many km is 26.2 miles?`, `100 F in C`, `2 GiB in MB`
- **Tell dates and times** (UTC): `What day is 2026-12-24?`, `How many days until Christmas?`
- **Search the knowledge base**, where this server has one: `How do I restore a backup?`, `Search the docs for invoices`
- **Search this conversation**: `What did Anna say about the budget?`, `Search for invoice`
- **Summarize CSV**: a block of it with `summarize this by region`
- **Draw charts**: `Chart: Jan 3, Feb 5, Mar 2`, or a block of CSV with `plot this`";

const THANKS: &[&str] = &["thanks", "thank", "thx", "cheers"];

const NO_MODEL: &str = "\
No language model is configured on this server, so I do not write freely: I pick a tool by the words of your message \
and report what it returned. An admin chooses one under Settings; whoever runs the server does it with \
`MAGPIE_LLM_PROVIDER`, `MAGPIE_LLM_BASE_URL`, `MAGPIE_LLM_API_KEY` and `MAGPIE_LLM_MODEL`; Ollama, OpenAI and many \
others will do.";

/// The same in a sentence, where nobody asked for all of it.
const IN_SHORT: &str = "No language model is configured on this server, so I answer with tools alone: `help` lists what I \
    can do and says how to set a model.";

/// `None`: there is nothing to be said that is better than a search.
pub fn answer(side: Side, name: &str, question: &str) -> Option<String> {
    let words = plan::words(question);
    let starts = |with: &[&str]| words.iter().take(2).any(|word| with.contains(&word.as_str()));
    let has = |wanted: &[&str]| wanted.iter().any(|phrase| question.to_lowercase().contains(phrase));
    Some(match () {
        () if has(&["what can you do", "who are you", "what are you", "how do you work", "what do you do"])
            || words.first().is_some_and(|word| word == "help")
            || (words.len() <= 4 && words.iter().any(|word| word == "help")) =>
        {
            help(side)
        }
        () if chart_is_wanted(question) => chart_needs_numbers(side),
        () if side == Side::Visitor && words.len() <= 6 && starts(THANKS) => visitor::WELCOME.to_owned(),
        () if words.len() <= 6 && starts(THANKS) => {
            format!(
                "You're welcome, {name}. Ask me anything with numbers, dates or this conversation in it; `help` lists what I can do."
            )
        }
        () if words.len() <= 6 && starts(&["hi", "hello", "hey", "good", "moin", "hallo", "greetings"]) => {
            greeting(side, name)
        }
        () if has(&["how are you"]) && words.len() <= 6 => greeting(side, name),
        () => return None,
    })
}

pub fn help(side: Side) -> String {
    if side == Side::Visitor {
        return visitor::help();
    }
    format!(
        "I am the assistant built into Magpie, and I work without any network. Here is what I can do, with words that \
         I understand:\n\n{ABILITIES}\n\nYou can ask for several things in one message, and everyone in this \
         conversation sees each step in the timeline. Press Stop to end an answer, from any device. When several \
         people are here, start with `@assistant` so that I know you mean me.\n\n{NO_MODEL}"
    )
}

fn greeting(side: Side, name: &str) -> String {
    if side == Side::Visitor {
        return visitor::greeting();
    }
    format!(
        "Hello, {name}! I am the assistant built into Magpie: try `What is 17 * 23?` or `Chart: Jan 3, Feb 5, Mar 2`. \
         {IN_SHORT}"
    )
}

fn chart_needs_numbers(side: Side) -> String {
    if side == Side::Visitor {
        return visitor::CHART.to_owned();
    }
    "I can draw that once I have at least two numbers. Write them into the message, for example \
     `Bar chart of sales: Jan 3, Feb 5, Mar 2`, or paste a block of CSV between lines of three backticks and add \
     `plot this`. The first column names the points, each further column becomes a line or a group of bars."
        .to_owned()
}

pub fn unknown(side: Side) -> String {
    match side {
        Side::Visitor => visitor::unknown(),
        Side::House => format!("I have no tool for that, and I would rather say so than guess. {IN_SHORT}"),
    }
}
