//! Redis and memcached, started for the tests on ports and sockets of their own.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::server::{free_port, is_root, on_path, watch};

/// What kind of server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Redis, which makes no room where it is full.
    Redis,
    /// Memcached, with the least memory that it takes.
    Memcached,
}

/// A running cache server. It ends when this is dropped, and also when the process of the tests ends in
/// any other way.
#[derive(Debug)]
pub struct CacheServer {
    kind: Kind,
    arguments: Vec<String>,
    folder: TempDir,
    port: u16,
    child: Mutex<Option<Child>>,
    /// While this is open, the tests' process is there.
    _watched: ChildStdin,
    watcher: Child,
}

impl CacheServer {
    /// Starts a server on a port of this machine.
    pub fn start(kind: Kind) -> Self {
        Self::start_with(kind, &[])
    }

    /// Starts a server with more arguments.
    pub fn start_with(kind: Kind, arguments: &[&str]) -> Self {
        let folder = tempfile::Builder::new().prefix("cache-").tempdir().unwrap();
        let (watcher, watched) = watch(folder.path(), folder.path());
        let mut server = Self {
            kind,
            arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
            folder,
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
                Err(problem) if attempt == 3 => panic!("the cache does not start: {problem}"),
                Err(_) => {}
            }
        }
        server
    }

    fn spawn(&self) -> Result<(), String> {
        let name = match self.kind {
            Kind::Redis => "redis-server",
            Kind::Memcached => "memcached",
        };
        let program = on_path(name).unwrap_or_else(|| {
            panic!("please install {name}; the tests start their own");
        });
        let mut command = Command::new(program);
        let port = self.port.to_string();
        match self.kind {
            Kind::Redis => {
                command.args(["--bind", "127.0.0.1", "--port", &port, "--save", ""]);
                command.args(["--appendonly", "no"]).arg("--dir");
                command.arg(self.folder.path());
                command.arg("--unixsocket").arg(self.socket());
            }
            Kind::Memcached => {
                command.args(["-l", "127.0.0.1", "-p", &port, "-U", "0", "-m", "2", "-t", "1"]);
                if is_root() {
                    command.args(["-u", "root"]);
                }
            }
        }
        let child = command
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| error.to_string())?;
        fs::write(self.folder.path().join("pid"), child.id().to_string()).unwrap();
        *self.child.lock().unwrap() = Some(child);
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.child.lock().unwrap().as_mut().map(|child| child.try_wait().unwrap());
            if ended.flatten().is_some() || Instant::now() > until {
                self.kill();
                return Err(format!("{name} on port {} is not there", self.port));
            }
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// What kind it is.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Redis's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// Its address.
    pub fn url(&self) -> String {
        match self.kind {
            Kind::Redis => format!("redis://127.0.0.1:{}", self.port),
            Kind::Memcached => format!("memcached://127.0.0.1:{}", self.port),
        }
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Ends it at once.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it again, empty, on its port.
    pub fn restart(&self) {
        self.kill();
        self.spawn().unwrap_or_else(|problem| panic!("the cache does not restart: {problem}"));
    }

    fn signal(&self, name: &str) {
        let child = self.child.lock().unwrap();
        let number = child.as_ref().unwrap().id().to_string();
        let status = Command::new("kill").args(["-s", name, &number]).status().unwrap();
        assert!(status.success());
    }

    /// Stops it where it is: it accepts and says nothing.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Sends it something and gives the beginning of its answer.
    pub fn say(&self, text: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(text).unwrap();
        let mut answer = [0; 4_096];
        let read = stream.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }

    /// Empties it, and gives it room again.
    pub fn flush(&self) {
        let answers = match self.kind {
            Kind::Redis => [self.say(b"CONFIG SET maxmemory 0\r\n"), self.say(b"FLUSHALL\r\n")],
            Kind::Memcached => [self.say(b"flush_all\r\n"), "OK".to_owned()],
        };
        assert!(answers.iter().all(|answer| answer.contains("OK")), "{answers:?}");
    }

    /// Fills it with other things: Redis refuses more from then on, memcached drops what is old.
    pub fn fill(&self) {
        if self.kind == Kind::Redis {
            // What it has in use goes up and down a little; so that it does not fit for certain:
            let answer = self.say(b"CONFIG SET maxmemory 1\r\n");
            assert!(answer.contains("OK"), "{answer}");
            return;
        }
        let value = "x".repeat(100_000);
        for number in 0..60 {
            let answer = self.say(format!("set fill{number} 0 0 100000\r\n{value}\r\n").as_bytes());
            assert!(answer.contains("STORED") || answer.contains("SERVER_ERROR"), "{answer}");
        }
    }
}

impl Drop for CacheServer {
    fn drop(&mut self) {
        self.kill();
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
    }
}
