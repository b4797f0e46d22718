//! A database of a test's own on a server that tests share.

use std::sync::atomic::{AtomicU32, Ordering};

use mysql::Conn;
use mysql::prelude::Queryable;

use crate::account::Accounts;
use crate::command::{self, Ended};
use crate::host::{self, Collation};
use crate::server::Server;
use crate::tables::{self, Contents};

/// A database with the host's tables.
#[derive(Debug)]
pub struct Database<'a> {
    server: &'a Server,
    name: String,
}

impl<'a> Database<'a> {
    /// A database with the host's tables and the engine's.
    pub fn new(server: &'a Server, collation: Collation) -> Self {
        let database = Self::without_install(server, collation);
        database.run("install").expect(0);
        database
    }

    /// A database with the host's tables alone.
    pub fn without_install(server: &'a Server, collation: Collation) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let name = format!("host_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        host::create(&mut server.connect(None), &name, collation);
        Self { server, name }
    }

    /// A database with accounts in it.
    pub fn with(server: &'a Server, collation: Collation, accounts: &Accounts) -> Self {
        let database = Self::new(server, collation);
        accounts.insert(&mut database.connect());
        database
    }

    /// The server it is on.
    pub const fn server(&self) -> &'a Server {
        self.server
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// A connection in it.
    pub fn connect(&self) -> Conn {
        self.server.connect(Some(&self.name))
    }

    /// Runs a statement.
    #[track_caller]
    pub fn execute(&self, statement: &str) {
        if let Err(error) = self.connect().query_drop(statement) {
            panic!("{statement}: {error}");
        }
    }

    /// The number that a query answers with.
    #[track_caller]
    pub fn number(&self, query: &str) -> i64 {
        match self.connect().query_first::<Option<i64>, _>(query) {
            Ok(answer) => answer.flatten().unwrap_or_else(|| panic!("{query}: no answer")),
            Err(error) => panic!("{query}: {error}"),
        }
    }

    /// The texts that a query answers with, one a row.
    #[track_caller]
    pub fn texts(&self, query: &str) -> Vec<String> {
        self.connect().query(query).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// Runs the command on it, arguments being words at their spaces.
    pub fn run(&self, arguments: &str) -> Ended {
        command::run(&self.url(), arguments)
    }

    /// Runs the command on it with these arguments.
    pub fn run_words(&self, arguments: &[&str]) -> Ended {
        command::run_words(&self.url(), arguments)
    }

    /// Every row of every table.
    pub fn contents(&self) -> Contents {
        tables::contents(&mut self.connect())
    }
}
