//! How one logs in: with a password that the server does not know yet, and by TLS.
//!
//! What only a MySQL server does is tested where `ATTRIBUTION_TEST_MYSQLD` names one, as
//! `tests/mysql_server` does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::process::{Command, Stdio};

use attribution_database_tests::command;
use attribution_database_tests::host::{self, Collation};
use attribution_database_tests::proxy::{Fault, Proxy};
use attribution_database_tests::server::{PROGRAM_VARIABLE, Server, ServerOptions};
use mysql::prelude::Queryable;

const DATABASE: &str = "login";
const USER: &str = "cold";
const PASSWORD: &str = "s3cret/with#signs";
const PASSWORD_IN_URL: &str = "s3cret%2Fwith%23signs";

fn with_mysql() -> bool {
    let named = std::env::var_os(PROGRAM_VARIABLE).is_some_and(|given| !given.is_empty());
    if !named {
        println!("skipped: {PROGRAM_VARIABLE} is not set");
    }
    named
}

/// A server with a database and a user who has never logged in.
fn server(arguments: &[&str], requirement: &str) -> Server {
    let mut options = ServerOptions::default();
    options.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
    let server = Server::start(&options);
    let kind = if server.is_mariadb() { "" } else { "MySQL " };
    println!("tested with {kind}{}", server.version());
    let mut connection = server.connect(None);
    host::create(&mut connection, DATABASE, Collation::default());
    let plugin = if server.is_mariadb() { "" } else { "WITH caching_sha2_password" };
    connection
        .query_drop(format!(
            "CREATE USER {USER}@'%' IDENTIFIED {plugin} BY '{PASSWORD}' {requirement}"
        ))
        .unwrap();
    connection.query_drop(format!("GRANT ALL ON {DATABASE}.* TO {USER}@'%'")).unwrap();
    server
}

fn url(port: u16, settings: &str) -> String {
    format!("mysql://{USER}:{PASSWORD_IN_URL}@127.0.0.1:{port}/{DATABASE}?{settings}")
}

/// Logs in and does something.
#[track_caller]
fn log_in(url: &str) {
    command::run(url, "install").expect(0);
}

/// Logs in by way of a proxy; gives how much the server has said.
fn bytes_said(server: &Server) -> u64 {
    let proxy = Proxy::start(server.port(), Fault::None, 1);
    log_in(&url(proxy.port(), ""));
    proxy.passed().from_server
}

#[track_caller]
fn refused(url: &str, parts: &[&str]) {
    let ended = command::run(url, "install").expect(1).says(parts);
    let message = ended.stderr;
    println!("refused: {message}");
    for secret in [PASSWORD, PASSWORD_IN_URL] {
        assert!(!message.contains(secret), "{message}");
    }
}

#[test]
fn first_logins_without_tls() {
    if !with_mysql() {
        return;
    }
    let server = server(&[], "");
    log_in(&url(server.port(), ""));
    let known = bytes_said(&server);

    // What the server knows of passwords is forgotten: it sends its public key, of some hundred bytes.
    let forget = || server.connect(None).query_drop("FLUSH PRIVILEGES").unwrap();
    forget();
    let unknown = bytes_said(&server);
    assert!(unknown > known + 300, "{unknown} bytes against {known}");
    assert_eq!(bytes_said(&server), known, "it is known again");

    server.stop();
    server.restart();
    let restarted = bytes_said(&server);
    assert!(restarted > known + 300, "{restarted} bytes against {known}");

    forget();
    let wrong = format!("mysql://{USER}:wrong@127.0.0.1:{}/{DATABASE}", server.port());
    refused(&wrong, &[USER, "denied"]);
    let wrong = format!("mysql://{USER}:wrong@127.0.0.1:{}/{DATABASE}?tls=off", server.port());
    refused(&wrong, &[USER, "denied"]);
    log_in(&url(server.port(), ""));
    refused(&wrong, &[USER, "denied"]);
}

#[test]
fn first_logins_by_the_socket() {
    let server = server(&[], "");
    let socket = server.socket();
    let socket = socket.to_str().unwrap();
    log_in(&url(1, &format!("socket={socket}")));
    server.connect(None).query_drop("FLUSH PRIVILEGES").unwrap();
    log_in(&url(1, &format!("socket={socket}&tls=required")));
}

/// MySQL makes a root certificate and its own beside its data when it starts. No name is in them, so
/// what they are for cannot be checked, but that the root has signed.
#[test]
fn first_logins_with_the_certificates_that_the_server_makes() {
    if !with_mysql() {
        return;
    }
    let server = server(&[], "REQUIRE SSL");
    let folder: Option<String> = server.connect(None).query_first("SELECT @@datadir").unwrap();
    let root = Path::new(&folder.unwrap()).join("ca.pem");
    let root = root.to_str().unwrap();
    let port = server.port();

    refused(&url(port, ""), &["denied"]);
    refused(&url(port, "tls=off"), &["denied"]);
    refused(&url(port, "tls=required"), &["UnknownIssuer"]);
    refused(&url(port, &format!("tls=required&root_cert_path={root}")), &["not valid for name"]);
    refused(&url(port, "tls=required&root_cert_path=/nowhere.pem"), &["No such file"]);

    let trusted = format!("root_cert_path={root}&danger_skip_domain_validation=true");
    for settings in [trusted.clone(), format!("tls=required&{trusted}")] {
        server.connect(None).query_drop("FLUSH PRIVILEGES").unwrap();
        log_in(&url(port, &settings));
        log_in(&url(port, &settings));
    }
    server.connect(None).query_drop("FLUSH PRIVILEGES").unwrap();
    log_in(&url(port, "tls=required&danger_accept_invalid_certs=true"));
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .current_dir(folder)
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .expect("please install openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn first_logins_with_a_certificate_for_the_address() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    openssl(
        folder.path(),
        "req -x509 -newkey rsa:2048 -nodes -days 2 -keyout root.key -out root.pem -subj /CN=root",
    );
    openssl(
        folder.path(),
        "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server",
    );
    std::fs::write(
        folder.path().join("names"),
        "basicConstraints=CA:FALSE\nsubjectAltName=IP:127.0.0.1,DNS:localhost\n",
    )
    .unwrap();
    openssl(
        folder.path(),
        "x509 -req -in server.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 \
         -extfile names -out server.pem",
    );
    let arguments = [
        format!("--ssl-ca={}", place("root.pem")),
        format!("--ssl-cert={}", place("server.pem")),
        format!("--ssl-key={}", place("server.key")),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let server = server(&arguments, "REQUIRE SSL");

    let port = server.port();
    refused(&url(port, "tls=required"), &["UnknownIssuer"]);
    let trusted = format!("tls=required&root_cert_path={}", place("root.pem"));
    log_in(&url(port, &trusted));
    server.connect(None).query_drop("FLUSH PRIVILEGES").unwrap();
    log_in(&url(port, &trusted).replace("127.0.0.1", "localhost"));
}
