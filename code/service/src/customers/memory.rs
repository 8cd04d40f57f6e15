//! Accounts and sessions in memory.

use super::repository::Repository;
use crate::storage::memory::Memory;

/// The accounts and sessions.
#[derive(Default)]
pub(crate) struct Accounts {}

impl Repository for Memory {}
