//! A visitor, the agents and operators in one dialog: what each of them sees, and who may speak.

mod audience;
mod endpoints;
mod handoff;
mod races;
mod silent;
mod widget;
