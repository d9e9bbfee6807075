//! A fenced block of code, read line by line: it may be as long as it likes, and grow, and no line is read twice.

use super::{
    painter::Paper,
    writer::{bar, escape, language},
};
use crate::protocol::limits;

pub(super) const PART: &str = "<span class=\"part\">";
pub(super) const END: &str = "</code></pre>\n</div>\n";

pub(super) struct Code {
    indent: usize,
    fence: u8,
    length: usize,
    /// Up to here it is shown.
    at: usize,
    /// Bytes of the part that is being written, and whether it is not the first.
    part: usize,
    has_parts: bool,
}

impl Code {
    /// The block that begins with the line at `start`, with `info` behind its fence, and how it is opened.
    pub(super) fn open(text: &str, start: usize, info: &str) -> Option<(Self, String, String)> {
        let line = text[start..].split_inclusive('\n').next()?;
        let fence_at = line.find(|c| c != ' ')?;
        let fence = line.as_bytes()[fence_at];
        let length = line[fence_at..].bytes().take_while(|byte| *byte == fence).count();
        let language = language(info);
        let code = match language {
            "" => "\n<pre><code>".to_owned(),
            language => ["\n<pre><code class=\"language-", &escape(language), "\">"].concat(),
        };
        let this = Self { indent: fence_at, fence, length, at: start + line.len(), part: 0, has_parts: false };
        Some((this, bar(language), code))
    }

    /// Shows what came, about `budget` bytes of it. `Some`: where the block ends, if it does.
    pub(super) fn grow(
        &mut self,
        text: &str,
        is_whole: bool,
        budget: &mut usize,
        paper: &mut impl Paper,
    ) -> Option<usize> {
        while *budget > 0 && self.at < text.len() {
            let line_start = text[..self.at].rfind('\n').map_or(0, |at| at + 1);
            let line = text[line_start..].split_inclusive('\n').next().unwrap_or_default();
            let is_complete = is_whole || line.ends_with('\n');
            if self.is_end(line) {
                // Perhaps: more of it may come.
                return is_complete.then_some(line_start + line.len());
            }
            if !is_complete && self.may_become_end(line) {
                return None;
            }
            let indent = line.bytes().take(self.indent).take_while(|byte| *byte == b' ').count();
            // What may be the first half of a line's end waits for the other.
            let ready = if is_complete { line } else { line.trim_end_matches('\r') };
            let shown = text.get(self.at.max(line_start + indent)..line_start + ready.len()).unwrap_or_default();
            if shown.is_empty() || (line.len() <= 3 && line.trim_matches(' ').is_empty()) {
                return is_whole.then_some(text.len());
            }
            self.write(shown, self.at <= line_start + indent, paper);
            *budget = budget.saturating_sub(shown.len());
            self.at = line_start + ready.len();
        }
        (is_whole && self.at >= text.len()).then_some(text.len())
    }

    /// In parts, so that a browser lays out no more of it than is seen.
    fn write(&mut self, text: &str, begins_a_line: bool, paper: &mut impl Paper) {
        if begins_a_line && self.part >= limits::CODE_PART_BYTES {
            paper.code_part(!self.has_parts);
            self.part = 0;
            self.has_parts = true;
        }
        self.part += text.len();
        match text.strip_suffix("\r\n") {
            Some(line) => {
                paper.code_text(line);
                paper.code_text("\n");
            }
            None => paper.code_text(text),
        }
    }

    pub(super) fn close(&self, paper: &mut impl Paper) {
        paper.close_code(self.has_parts);
    }

    fn is_end(&self, line: &str) -> bool {
        let line = line.trim_end_matches(['\n', '\r']).trim_end_matches([' ', '\t']);
        let fence = line.trim_start_matches(' ');
        line.len() - fence.len() <= 3 && fence.len() >= self.length && fence.bytes().all(|byte| byte == self.fence)
    }

    fn may_become_end(&self, line: &str) -> bool {
        let rest = line.trim_start_matches(' ').trim_start_matches(char::from(self.fence));
        rest.trim_matches([' ', '\t', '\r']).is_empty()
    }
}
