//! Who is here and who listens: the hub only tracks and hands on.
