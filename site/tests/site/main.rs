//! The tool, run as a reader runs it.

mod doors;
mod publish;
mod replay;
mod serve;
mod stock;
mod support;
