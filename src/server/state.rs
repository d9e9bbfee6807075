//! The composition root: the one place that names the backends.
