//! A database server that is started for the tests, on a folder, a socket and a port of its own.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};
use tempfile::TempDir;

/// The user that the tests connect as.
pub const USER: &str = "attribution";
/// That user's password, with characters that a URL has to escape.
pub const PASSWORD: &str = "p@ss/w:rd #1%";
/// The password as it stands in a URL.
pub const PASSWORD_IN_URL: &str = "p%40ss%2Fw%3Ard%20%231%25";
/// The variable that names another server's `mysqld`, or the folder it was unpacked into.
pub const PROGRAM_VARIABLE: &str = "ATTRIBUTION_TEST_MYSQLD";

const STARTS_WITHIN: Duration = Duration::from_secs(90);

/// How to start a server.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// More arguments, such as `--sql-mode=`.
    pub arguments: Vec<String>,
    /// The folder that gets the data; none means one of the server's own.
    pub data_parent: Option<PathBuf>,
}

impl ServerOptions {
    /// A server with these arguments.
    pub fn with<const N: usize>(arguments: [&str; N]) -> Self {
        Self { arguments: arguments.map(str::to_owned).to_vec(), data_parent: None }
    }
}

/// The program of a server, and how it is prepared.
#[derive(Debug, Clone)]
struct Program {
    server: PathBuf,
    flavour: Flavour,
}

#[derive(Debug, Clone)]
enum Flavour {
    /// With its script that prepares a data folder.
    MariaDb { install: PathBuf },
    /// With the folder that it was unpacked into, where it is not installed.
    MySql { unpacked: Option<PathBuf> },
}

pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Debian has servers where the path of an ordinary user does not lead.
    let more = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(more).map(|dir| dir.join(name)).find(|file| file.is_file())
}

impl Program {
    fn find() -> Self {
        if let Some(given) = std::env::var_os(PROGRAM_VARIABLE).filter(|given| !given.is_empty()) {
            let given = PathBuf::from(given);
            if given.is_dir() {
                let server = ["usr/sbin/mysqld", "sbin/mysqld", "bin/mysqld", "mysqld"]
                    .map(|place| given.join(place))
                    .into_iter()
                    .find(|file| file.is_file())
                    .unwrap_or_else(|| panic!("no mysqld in {}", given.display()));
                return Self { server, flavour: Flavour::MySql { unpacked: Some(given) } };
            }
            assert!(given.is_file(), "{PROGRAM_VARIABLE}: {} is not there", given.display());
            return Self { server: given, flavour: Flavour::MySql { unpacked: None } };
        }
        let missing = "please install mariadb-server; the tests start their own";
        let server = on_path("mariadbd").expect(missing);
        let install = on_path("mariadb-install-db").expect(missing);
        Self { server, flavour: Flavour::MariaDb { install } }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.server);
        command.arg("--no-defaults");
        if let Flavour::MySql { unpacked: Some(folder) } = &self.flavour {
            let base =
                if folder.join("usr").is_dir() { folder.join("usr") } else { folder.clone() };
            let library = base.join("lib");
            let mut libraries = vec![library.clone()];
            if let Ok(entries) = fs::read_dir(&library) {
                libraries.extend(entries.flatten().map(|entry| entry.path()));
            }
            let given = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
            libraries.extend(std::env::split_paths(&given));
            libraries.retain(|folder| folder.is_dir());
            if let Ok(libraries) = std::env::join_paths(libraries) {
                command.env("LD_LIBRARY_PATH", libraries);
            }
            command.arg(format!("--basedir={}", base.display()));
            let messages = ["share/mysql", "share/mysql-8.0", "share"]
                .map(|place| base.join(place))
                .into_iter()
                .find(|share| share.join("english").is_dir() || share.join("charsets").is_dir());
            if let Some(messages) = messages {
                command.arg(format!("--lc-messages-dir={}", messages.display()));
            }
        }
        if is_root() {
            command.arg("--user=root");
        }
        command
    }

    /// What every start of this program is given.
    fn settings(&self) -> &[&str] {
        match self.flavour {
            Flavour::MariaDb { .. } => &["--innodb-log-file-size=16M"],
            Flavour::MySql { .. } => {
                &["--innodb-redo-log-capacity=16M", "--mysqlx=OFF", "--disable-log-bin"]
            }
        }
    }

    fn prepare(&self, data: &Path) {
        let mut command = match &self.flavour {
            Flavour::MariaDb { install } => {
                let mut command = Command::new(install);
                command.args([
                    "--no-defaults",
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                ]);
                if is_root() {
                    command.arg("--user=root");
                }
                command
            }
            Flavour::MySql { .. } => {
                let mut command = self.command();
                command.arg("--initialize-insecure");
                command
            }
        };
        command.args(self.settings()).arg(format!("--datadir={}", data.display()));
        let ended = command.stdin(Stdio::null()).output().unwrap();
        assert!(
            ended.status.success(),
            "preparing a data folder: {}\n{}{}",
            ended.status,
            String::from_utf8_lossy(&ended.stdout),
            String::from_utf8_lossy(&ended.stderr),
        );
    }

    /// A data folder with the tests' user, made once and copied from then on.
    fn template(&self) -> PathBuf {
        let executable = std::env::current_exe().unwrap();
        let build = executable.parent().and_then(Path::parent).unwrap();
        let folder = build.join("database-tests");
        fs::create_dir_all(&folder).unwrap();
        let lock = fs::File::create(folder.join("lock")).unwrap();
        lock.lock().unwrap();
        let version = self.command().arg("--version").output().unwrap().stdout;
        let version: String = String::from_utf8_lossy(&version)
            .chars()
            .map(|character| if character.is_ascii_alphanumeric() { character } else { '-' })
            .collect();
        let length = version.len().min(120);
        let template = folder.join(&version[version.len() - length..]);
        if !template.is_dir() {
            let making = tempfile::Builder::new().prefix("making-").tempdir_in(&folder).unwrap();
            let data = making.path().join("data");
            self.prepare(&data);
            let script = making.path().join("user.sql");
            let statements = format!(
                "CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n\
                 GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
            );
            fs::write(&script, statements).unwrap();
            let server = Server::launch(
                self.clone(),
                TempDir::new().unwrap(),
                data.clone(),
                vec![format!("--init-file={}", script.display())],
            );
            server.stop();
            drop(server);
            fs::rename(&data, &template).unwrap();
        }
        template
    }
}

pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy_folder(&entry.path(), &target);
        } else if kind.is_file() {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A running server. It ends when this is dropped, and also when the process of the tests ends in any
/// other way.
#[derive(Debug)]
pub struct Server {
    program: Program,
    folder: TempDir,
    data: PathBuf,
    arguments: Vec<String>,
    port: u16,
    child: Mutex<Option<Child>>,
    /// While this is open, the tests' process is there.
    _watched: ChildStdin,
    watcher: Child,
}

impl Server {
    /// Starts a server.
    pub fn start(options: &ServerOptions) -> Self {
        let program = Program::find();
        let template = program.template();
        let folder = tempfile::Builder::new().prefix("database-").tempdir().unwrap();
        let data = options.data_parent.as_deref().unwrap_or(folder.path()).join("data");
        copy_folder(&template, &data);
        Self::launch(program, folder, data, options.arguments.clone())
    }

    fn launch(program: Program, folder: TempDir, data: PathBuf, arguments: Vec<String>) -> Self {
        let (watcher, watched) = watch(folder.path(), &data);
        let mut server = Self {
            program,
            folder,
            data,
            arguments,
            port: 0,
            child: Mutex::new(None),
            _watched: watched,
            watcher,
        };
        for attempt in 1.. {
            // Another program may take the port before the server does.
            server.port = free_port();
            match server.spawn() {
                Ok(()) => break,
                Err(problem) if attempt == 3 => panic!("the server does not start: {problem}"),
                Err(_) => {}
            }
        }
        server
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log.err")
    }

    fn spawn(&self) -> Result<(), String> {
        let folder = self.folder.path();
        let mut command = self.program.command();
        command
            .arg(format!("--datadir={}", self.data.display()))
            .arg(format!("--socket={}", self.socket().display()))
            .arg(format!("--pid-file={}", folder.join("server.pid").display()))
            .arg(format!("--log-error={}", self.log().display()))
            .arg(format!("--tmpdir={}", folder.display()))
            .arg(format!("--port={}", self.port))
            .args(["--bind-address=127.0.0.1", "--skip-name-resolve", "--max-connections=100"])
            .args(["--character-set-server=utf8mb4", "--innodb-buffer-pool-size=64M"])
            .args(self.program.settings())
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command.spawn().map_err(|error| error.to_string())?;
        fs::write(folder.join("pid"), child.id().to_string()).unwrap();
        *self.child.lock().unwrap() = Some(child);
        let until = Instant::now() + STARTS_WITHIN;
        loop {
            let problem = match Conn::new(self.by_socket()) {
                Ok(_) => return Ok(()),
                Err(problem) => problem.to_string(),
            };
            let ended = match self.child.lock().unwrap().as_mut() {
                Some(child) => child.try_wait().unwrap().map(|status| status.to_string()),
                None => Some("was stopped".to_owned()),
            };
            if ended.is_some() || Instant::now() > until {
                self.kill();
                let log = fs::read_to_string(self.log()).unwrap_or_default();
                return Err(format!("{}{problem}\n{log}", ended.unwrap_or_default()));
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// The server's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// The server's port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What the server says it is.
    pub fn version(&self) -> String {
        self.connect(None)
            .query_first("SELECT CONCAT(@@version, ' ', @@version_comment)")
            .unwrap()
            .unwrap()
    }

    /// Whether it is `MariaDB`.
    pub const fn is_mariadb(&self) -> bool {
        matches!(self.program.flavour, Flavour::MariaDb { .. })
    }

    fn by_socket(&self) -> OptsBuilder {
        OptsBuilder::new()
            .user(Some(USER))
            .pass(Some(PASSWORD))
            .socket(self.socket().to_str())
            .tcp_connect_timeout(Some(Duration::from_secs(20)))
            .read_timeout(Some(Duration::from_secs(120)))
            .write_timeout(Some(Duration::from_secs(120)))
    }

    /// A connection to the server, in a database or in none.
    pub fn connect(&self, database: Option<&str>) -> Conn {
        Conn::new(self.by_socket().db_name(database)).unwrap()
    }

    /// A connection, where the server may be down.
    pub fn try_connect(&self, database: Option<&str>) -> Result<Conn, mysql::Error> {
        Conn::new(self.by_socket().db_name(database))
    }

    /// A database's address by TCP.
    pub fn url(&self, database: &str) -> String {
        self.url_at(self.port, database)
    }

    /// A database's address by another port of this machine, as a proxy's.
    pub fn url_at(&self, port: u16, database: &str) -> String {
        format!("mysql://{USER}:{PASSWORD_IN_URL}@127.0.0.1:{port}/{database}")
    }

    /// A database's address by the socket.
    pub fn socket_url(&self, database: &str) -> String {
        let socket = self.socket();
        format!(
            "mysql://{USER}:{PASSWORD_IN_URL}@localhost/{database}?socket={}",
            socket.to_str().unwrap()
        )
    }

    /// Ends the server as a loss of power would.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks the server to end, and waits.
    pub fn stop(&self) {
        if let Ok(mut connection) = self.try_connect(None) {
            let _ = connection.query_drop("SHUTDOWN");
        }
        let until = Instant::now() + Duration::from_secs(30);
        while Instant::now() < until {
            match self.child.lock().unwrap().as_mut().map(Child::try_wait) {
                Some(Ok(None)) => {}
                _ => break,
            }
            sleep(Duration::from_millis(20));
        }
        self.kill();
    }

    /// Whether it is there.
    pub fn is_up(&self) -> bool {
        self.try_connect(None).is_ok()
    }

    /// Starts the server again on its data, port and socket, once it was killed or stopped.
    pub fn restart(&self) {
        self.kill();
        self.spawn().unwrap_or_else(|problem| panic!("the server does not restart: {problem}"));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A process that outlives the tests' and then ends the server and removes its folder. It knows the
/// server by its number and the folder it works in.
pub(crate) fn watch(folder: &Path, data: &Path) -> (Child, ChildStdin) {
    let script = r#"
        read -r _
        pid=$(cat "$1/pid" 2>/dev/null) || exit 0
        if [ "$(readlink "/proc/$pid/cwd")" = "$(readlink -f "$2")" ]; then
            kill -KILL "$pid"
        fi
        rm -rf "$1"
    "#;
    let mut watcher = Command::new("sh")
        .args(["-c", script, "watch"])
        .args([folder, data])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let input = watcher.stdin.take().unwrap();
    (watcher, input)
}
