//! Of what a page shows: long texts, and runs of many steps.

use super::MESSAGE_BYTES;

/// A top-level block of a text that is longer is shown as several: a text that grows is rendered from the last
/// finished block on, once for each frame. No person's message is so long.
pub const MARKDOWN_BLOCK_BYTES: usize = MESSAGE_BYTES;
/// A list or a table that is longer is shown as several: of one that grows, no more is rendered again than this.
pub const MARKDOWN_PART_BYTES: usize = 4 * 1024;
/// Finished blocks of a long text stand in boxes of so much of it: a browser that lays out what is in view alone
/// looks at each box, not at each block.
pub const MARKDOWN_CHUNK_BYTES: usize = 8 * 1024;
/// Code is laid out in parts of whole lines, from this length on.
pub const CODE_PART_BYTES: usize = 4 * 1024;
/// Text that a page renders at once; the rest comes in the next frames.
pub const PAINT_BYTES: usize = 32 * 1024;

/// Steps of one run that the timeline shows, the newest; the others on demand, so many more each time,
pub const STEPS_SHOWN: usize = 100;
/// up to so many at once: a page with ten thousand rows is slow however it is written.
pub const STEPS_IN_VIEW: usize = 300;
/// Pages of events that are read for the step that an address names.
pub const EARLIER_STEP_PAGES: usize = 40;
/// Events behind the place from which a run is to be known that are read with those before it: what became of a
/// call stands behind it.
pub const STEP_OVERLAP: u64 = 50;
/// Steps of one run that a browser keeps, the newest.
pub const SEEN_STEPS: usize = 200;
