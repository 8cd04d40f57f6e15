//! Accounts and sessions in PostgreSQL.

use super::repository::Repository;
use crate::storage::postgres::Postgres;

impl Repository for Postgres {}
