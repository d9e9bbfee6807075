//! Markdown as HTML: one renderer, the same text on the server and in the browser, at once or as it is written.
//!
//! A text is cut into pieces, each a top-level block or so (`cutter`, `code`), and each piece is rendered by itself
//! (`writer`). Where the pieces end depends on nothing behind them, so that a text that grows is rendered like one
//! that is there at once, and what is finished is never looked at again (`painter`).
//!
//! Nothing that a person writes becomes markup of its own: raw HTML is shown as text, links go to the web,
//! to mail and to this server's charts and documents alone, pictures become links (a picture would tell its host
//! who reads the conversation).

mod code;
mod cutter;
mod definitions;
mod painter;
mod writer;

pub use painter::{Mark, Painter, Paper};

/// In a browser, text is put on the page as it comes; the code that renders it at once is not even loaded.
pub const IN_BROWSER: bool = cfg!(target_arch = "wasm32");

/// The HTML of a message's text.
pub fn to_html(text: &str) -> String {
    let mut painter = Painter::new(Sheet::default());
    while painter.paint(text, 0, true) {}
    painter.into_paper().into_html()
}

/// A paper that is one string.
#[derive(Default)]
struct Sheet {
    html: String,
    is_chunk_open: bool,
}

impl Sheet {
    fn into_html(mut self) -> String {
        self.close_chunk();
        self.html
    }

    fn close_chunk(&mut self) {
        if std::mem::take(&mut self.is_chunk_open) {
            self.html.push_str("</div>");
        }
    }
}

impl Paper for Sheet {
    fn end(&self) -> Mark {
        Mark { at: self.html.len(), in_chunk: self.is_chunk_open.then_some(0) }
    }

    fn cut(&mut self, mark: Mark) {
        self.html.truncate(mark.at);
        self.is_chunk_open = mark.in_chunk.is_some();
    }

    fn begin_chunk(&mut self, class: &str) {
        self.close_chunk();
        self.html.push_str("<div class=\"");
        self.html.push_str(class);
        self.html.push_str("\">");
        self.is_chunk_open = true;
    }

    fn put(&mut self, html: &str) {
        self.html.push_str(html);
    }

    fn open_code(&mut self, head: &str, code: &str) {
        self.html.push_str(head);
        self.html.push_str(code);
    }

    fn code_part(&mut self, is_first: bool) {
        self.html.push_str(if is_first { code::PART } else { "</span><span class=\"part\">" });
    }

    fn code_text(&mut self, text: &str) {
        writer::escape_body(text, &mut self.html);
    }

    fn close_code(&mut self, has_parts: bool) {
        self.html.push_str(if has_parts { "</span>" } else { "" });
        self.html.push_str(code::END);
    }
}

#[cfg(test)]
mod tests;
