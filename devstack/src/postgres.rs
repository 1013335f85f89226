//! PostgreSQL in a process of its own.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::account::{Account, private_folder, reachable};
use crate::error::{Error, Result, io};
use crate::home::Home;
use crate::ports::{HOST, with_fresh_port};
use crate::process::{Program, Server, last_lines};
use crate::progress::Progress;
use crate::provision::Tools;

const USER: &str = "postgres";
const DATABASE: &str = "oms";
/// Recovery after a crash reads the log of some minutes.
const START_DEADLINE: Duration = Duration::from_secs(60);
const GREETING_DEADLINE: Duration = Duration::from_secs(5);
/// Safe settings are for data that is wanted again; without them every commit is several times faster.
const EPHEMERAL_SETTINGS: [&str; 3] = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];
const SETTINGS: [&str; 7] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_min_messages=warning",
    // Details quote the values of rows.
    "log_error_verbosity=terse",
];

/// A running PostgreSQL 18 with an empty database `oms` on first start.
#[derive(Debug)]
pub struct Postgres {
    url: SecretString,
    port: u16,
    cluster: Cluster,
    server: Server,
    _home: Arc<Home>,
}

impl Postgres {
    /// Installs it if need be, makes its data folder if need be, and starts it on the port, or on any free one.
    ///
    /// # Errors
    /// When it cannot be had, or does not answer within 60 s.
    pub async fn start(home: &Arc<Home>, tools: &Tools, port: Option<u16>) -> Result<Self> {
        let account = Account::unprivileged()?;
        let binaries = tools.postgres().await?;
        let folder = place(home, tools.progress())?;
        private_folder(&folder, account)?;
        let cluster = Cluster { binaries, folder, account, kept: home.is_kept() };
        let password = cluster.password()?;
        let log = home.folder("logs")?.join("postgres.log");
        let _step = tools.progress().step("Starting PostgreSQL");
        cluster.initialize().await?;
        let (server, port) = with_fresh_port(port, async |port| cluster.serve(port, log.clone()).await).await?;
        let url = format!("postgres://{USER}:{}@{HOST}:{port}/{DATABASE}", password.expose_secret());
        Ok(Self { url: url.into(), port, cluster, server, _home: home.clone() })
    }

    /// Starts it again on the same data and the same port when it has ended by itself, and says how it had ended.
    ///
    /// # Errors
    /// When it cannot be started, or keeps ending.
    pub(crate) async fn start_again_if_ended(&mut self) -> Result<Option<ExitStatus>> {
        let ended = self.server.start_again_if_ended().await?;
        if ended.is_some() {
            self.cluster.wait_until_ready(&mut self.server, self.port).await?;
        }
        Ok(ended)
    }

    /// Kills it, as a crash of its machine would: nothing is written any more.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill(&mut self) -> Result<()> {
        self.server.kill_and_wait().await
    }

    /// Starts it after [`Postgres::kill`], on the same data and the same port.
    ///
    /// # Errors
    /// When it does not answer within 60 s.
    pub async fn start_again(&mut self) -> Result<()> {
        self.server.start_again().await?;
        self.cluster.wait_until_ready(&mut self.server, self.port).await
    }

    /// URL of the database `oms`, as a superuser who may create others.
    pub fn url(&self) -> &SecretString {
        &self.url
    }

    /// Stops it; open connections are closed.
    ///
    /// # Errors
    /// When it had to be killed.
    pub async fn stop(self) -> Result<()> {
        self.server.stop().await
    }
}

/// The folder for it: in the home, or elsewhere when its account cannot reach that. Then a note in the home says where.
fn place(home: &Home, progress: &Progress) -> Result<PathBuf> {
    let wanted = home.path().join("postgres");
    let place = reachable(wanted.clone(), Path::new("/var/lib"))?;
    if place == wanted || wanted.is_dir() {
        return Ok(wanted);
    }
    let what = || format!("keep PostgreSQL's data in {}", place.display());
    if !wanted.exists() {
        // A home of this name was deleted once: the rest of it goes too, or stores of different ages would meet.
        if place.exists() {
            std::fs::remove_dir_all(&place).map_err(io(what))?;
        }
        let note = format!("{}\nPostgreSQL's account cannot enter this folder, so its data is there.\n", place.display());
        std::fs::write(&wanted, note).map_err(io(what))?;
        progress.say(&format!("PostgreSQL's account cannot enter {}; its data is in {}", home.path().display(), place.display()));
    }
    Ok(place)
}

/// A data folder and the programs and account that serve it.
#[derive(Debug)]
struct Cluster {
    binaries: PathBuf,
    folder: PathBuf,
    account: Option<Account>,
    kept: bool,
}

impl Cluster {
    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn password_file(&self) -> PathBuf {
        self.folder.join("password")
    }

    /// The superuser's password, made up on first start.
    fn password(&self) -> Result<SecretString> {
        let path = self.password_file();
        let what = || format!("keep the password in {}", path.display());
        let mut options = OpenOptions::new();
        options.create_new(true).write(true).mode(0o600);
        let mut password = String::new();
        match options.open(&path) {
            Ok(mut file) => {
                password = uuid::Uuid::new_v4().simple().to_string();
                file.write_all(password.as_bytes()).map_err(io(what))?;
                if let Some(account) = self.account {
                    fchown(&file, Some(account.uid), Some(account.gid)).map_err(io(what))?;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let read = std::fs::File::open(&path).and_then(|mut file| file.read_to_string(&mut password));
                read.map_err(io(what))?;
            }
            Err(error) => return Err(io(what)(error)),
        }
        Ok(password.into())
    }

    /// Makes the data folder under another name first: one that is there is whole.
    async fn initialize(&self) -> Result<()> {
        if self.data().exists() {
            return Ok(());
        }
        let fresh = self.folder.join("data.new");
        if fresh.exists() {
            std::fs::remove_dir_all(&fresh).map_err(io(|| format!("remove {}", fresh.display())))?;
        }
        let mut initdb = self.command("initdb");
        initdb
            .args(["--username", USER, "--auth", "scram-sha-256", "--encoding", "UTF8"])
            .args(["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"])
            .arg("--pwfile")
            .arg(self.password_file())
            .arg("--pgdata")
            .arg(&fresh);
        if !self.kept {
            initdb.arg("--no-sync");
        }
        self.prepare(initdb, "").await?;
        let mut single = self.command("postgres");
        single.arg("--single").arg("-D").arg(&fresh);
        if !self.kept {
            single.args(["-c", "fsync=off"]);
        }
        single.arg("postgres");
        self.prepare(single, &format!("CREATE DATABASE {DATABASE};\n")).await?;
        std::fs::rename(&fresh, self.data()).map_err(io(|| format!("move {} into place", fresh.display())))
    }

    async fn serve(&self, port: u16, log: PathBuf) -> Result<(Server, u16)> {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &port.to_string()]);
        let fast: &[&str] = if self.kept { &[] } else { &EPHEMERAL_SETTINGS };
        for setting in SETTINGS.iter().chain(fast) {
            command.args(["-c", setting]);
        }
        // INT is its fast shutdown: TERM would wait for the clients to leave.
        let program = Program { name: "PostgreSQL", command, stop_signal: Signal::SIGINT, account: self.account, log };
        let mut server = Server::spawn(program).await?;
        self.wait_until_ready(&mut server, port).await?;
        Ok((server, port))
    }

    async fn wait_until_ready(&self, server: &mut Server, port: u16) -> Result<()> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let ready = async || {
            asks_for_password(address).await?;
            self.is_ours()
        };
        server.wait_until_ready(START_DEADLINE, ready).await
    }

    /// Whether it is this cluster's server that answers: another one may have been quicker to take the port. The last line of its lock
    /// file says how far it is.
    fn is_ours(&self) -> Result<(), String> {
        let lock = std::fs::read_to_string(self.data().join("postmaster.pid")).map_err(|error| format!("its lock file: {error}"))?;
        if lock.lines().last().is_some_and(|line| line.trim() == "ready") { Ok(()) } else { Err("it is still starting up".into()) }
    }

    /// Runs one of the preparing programs to its end, with `input` on its standard input.
    async fn prepare(&self, command: Command, input: &str) -> Result<()> {
        let program = command.get_program().to_string_lossy().into_owned();
        let output = self.output(command, input).await.map_err(|error| Error::failed(program.clone(), error))?;
        if output.status.success() {
            return Ok(());
        }
        let printed = String::from_utf8_lossy(&output.stderr);
        let why = format!("{}\n{}", output.status, last_lines(&printed));
        Err(Error::failed(program, why))
    }

    async fn output(&self, command: Command, input: &str) -> std::io::Result<Output> {
        let mut command = tokio::process::Command::from(command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        if let Some(account) = self.account {
            command.uid(account.uid).gid(account.gid);
        }
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        tokio::time::timeout(START_DEADLINE, child.wait_with_output())
            .await
            .map_err(|_| std::io::Error::other("not done within its deadline"))?
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join("bin").join(program));
        command.current_dir(&self.folder);
        command
    }
}

/// Whether the server takes connections: while it starts or recovers it answers a greeting with an error, later it asks
/// for the password.
async fn asks_for_password(address: SocketAddr) -> Result<(), String> {
    /// The protocol's version 3.0.
    const PROTOCOL: [u8; 4] = [0, 3, 0, 0];
    let fields = format!("user\0{USER}\0database\0{DATABASE}\0\0");
    let length = (4 + PROTOCOL.len() + fields.len()) as u32;
    let greeting = [&length.to_be_bytes()[..], &PROTOCOL, fields.as_bytes()].concat();
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(&greeting).await?;
        stream.read_u8().await
    };
    match tokio::time::timeout(GREETING_DEADLINE, exchange).await {
        Ok(Ok(b'R')) => Ok(()),
        Ok(Ok(_)) => Err("it is still starting up".into()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("no answer to a greeting".into()),
    }
}
