//! The host application's own tables, which the engine reads and does not create.

use mysql::Conn;
use mysql::prelude::Queryable;

const SCHEMA: &str = include_str!("host_schema.sql");

/// A collation that hosts have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Collation {
    /// `utf8mb4_general_ci`.
    #[default]
    GeneralCi,
    /// `utf8mb4_unicode_ci`.
    UnicodeCi,
    /// `utf8mb4_bin`.
    Bin,
}

impl Collation {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::GeneralCi, Self::UnicodeCi, Self::Bin];

    /// The collation's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GeneralCi => "utf8mb4_general_ci",
            Self::UnicodeCi => "utf8mb4_unicode_ci",
            Self::Bin => "utf8mb4_bin",
        }
    }
}

/// Creates a database of that collation with the host's tables, and leaves the connection in it.
pub fn create(connection: &mut Conn, database: &str, collation: Collation) {
    let collation = collation.name();
    connection
        .query_drop(format!("CREATE DATABASE {database} CHARACTER SET utf8mb4 COLLATE {collation}"))
        .unwrap();
    connection.query_drop(format!("USE {database}")).unwrap();
    for statement in SCHEMA.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
        connection
            .query_drop(format!("{statement} DEFAULT CHARSET=utf8mb4 COLLATE={collation}"))
            .unwrap();
    }
}

/// The tables of the host that no command may ever change, but for the purge.
pub const READ_ONLY: [&str; 7] = [
    "202_clicks",
    "202_clicks_advance",
    "202_conversion_logs",
    "202_aff_campaigns",
    "202_ppc_accounts",
    "202_users",
    "202_cronjobs",
];
