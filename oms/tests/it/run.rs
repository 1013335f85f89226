//! Running the binary: commands to their end, and services beside the test.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tempfile::TempDir;

/// The first start may have to install Temporal.
const READY_WITHIN: Duration = Duration::from_secs(600);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// How long something that is bound to happen may take on a machine at work.
const HAPPENS_WITHIN: Duration = Duration::from_secs(60);

/// The binary, without the settings of whoever runs the tests.
pub fn oms() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oms"));
    let ours = |name: &str| name.starts_with("OMS_") || name.starts_with("AWS_") || name.starts_with("TEMPORAL_") || name == "DATABASE_URL";
    for (name, _) in std::env::vars().filter(|(name, _)| ours(name) && name != "OMS_CACHE_DIR") {
        command.env_remove(name);
    }
    command.current_dir(std::env::temp_dir());
    command
}

/// What a command printed, and how it ended.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Its data, which must be there.
    pub fn json(&self) -> Value {
        self.ok();
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not JSON: {error}\n{}", self.stdout))
    }

    /// It must have succeeded.
    pub fn ok(&self) -> &Self {
        assert_eq!(self.code, 0, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// It must have ended with this code.
    pub fn exits(&self, code: i32) -> &Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Runs a command to its end.
pub fn run(args: &[&str]) -> Ran {
    run_in(&[], args, "")
}

/// Runs a command with more in its environment, and this on its standard input.
pub fn run_in(env: &[(String, String)], args: &[&str], input: &str) -> Ran {
    let mut command = oms();
    command.args(args).envs(env.iter().cloned()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A command that needs no input may have closed it.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().expect("an end").into()
}

/// Asks until it is so.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + HAPPENS_WITHIN;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < until, "{what} did not happen within {} s", HAPPENS_WITHIN.as_secs());
        thread::sleep(Duration::from_millis(50));
    }
}

/// A service at work; killed when the test is done with it.
pub struct Service {
    child: Child,
    lines: Mutex<mpsc::Receiver<String>>,
    log: PathBuf,
    /// Holds the log.
    _folder: TempDir,
}

impl Service {
    /// Starts it.
    pub fn start(env: &[(String, String)], args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("stderr.log");
        let mut command = oms();
        command.args(args).envs(env.iter().cloned()).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(File::create(&log).expect("a log"));
        let mut child = command.spawn().expect("the binary");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (tell, lines) = mpsc::channel();
        // Ends with the child, whose output it reads.
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { child, lines: Mutex::new(lines), log, _folder: folder }
    }

    /// The next line of its standard output.
    pub fn line(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.recv_timeout(READY_WITHIN).unwrap_or_else(|_| panic!("it said nothing; its log:\n{}", self.log()))
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends it a signal, and sees it end.
    pub fn end(&mut self, signal: Signal) -> ExitStatus {
        self.signal(signal);
        let until = Instant::now() + STOPPED_WITHIN;
        loop {
            match self.child.try_wait().expect("a status") {
                Some(status) => return status,
                None => assert!(Instant::now() < until, "it did not end; its log:\n{}", self.log()),
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).expect("a process id")), signal).expect("a signal");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::SIGTERM);
            drop(self.child.wait());
        }
        if thread::panicking() {
            eprintln!("its log:\n{}", self.log());
        }
    }
}

/// A development system, ready.
pub struct Dev {
    pub service: Service,
    /// What it printed once it was ready.
    pub ready: Value,
    /// For the environment of other commands.
    pub env: Vec<(String, String)>,
    /// How long it took to be ready.
    pub took: Duration,
    _folder: TempDir,
}

/// One starts at a time: two would want the same well-known port, and the one that loses it takes the other's server for its own.
static STARTS: Mutex<()> = Mutex::new(());

impl Dev {
    /// Starts `oms dev` with more arguments.
    pub fn start(args: &[&str]) -> Self {
        Self::start_in(&[], args)
    }

    /// As `start`, with more in its environment.
    pub fn start_in(env: &[(String, String)], args: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let env_file = folder.path().join("env");
        let mut all = vec!["dev", "-o", "json", "--env-file", env_file.to_str().expect("UTF-8")];
        if !args.contains(&"--http-addr") {
            all.extend(["--http-addr", "127.0.0.1:0"]);
        }
        all.extend(args);
        let alone = STARTS.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = Instant::now();
        let service = Service::start(env, &all);
        let ready = serde_json::from_str(&service.line()).expect("one line of JSON");
        drop(alone);
        Self { service, ready, env: read_env(&env_file), took: begun.elapsed(), _folder: folder }
    }

    /// Runs a client command.
    pub fn oms(&self, args: &[&str]) -> Ran {
        run_in(&self.env, args, "")
    }

    /// Runs a client command with this on its standard input.
    pub fn oms_with(&self, args: &[&str], input: &str) -> Ran {
        run_in(&self.env, args, input)
    }

    /// The order's status.
    pub fn status(&self, order_id: &str) -> String {
        self.oms(&["order", "get", order_id, "-o", "json"]).json()["status"].as_str().expect("a status").to_owned()
    }

    /// Waits until the order has a fulfillment order that can be shipped, and ships it.
    pub fn ship(&self, order_id: &str) -> String {
        let id = format!("{order_id}-F1");
        let found = eventually("release", || {
            let found = self.oms(&["fulfillment", "get", &id, "-o", "json"]);
            (found.code == 0 && found.stdout.contains("\"ship\"")).then_some(id.clone())
        });
        self.oms(&["fulfillment", "ship", &found, "-o", "json"]).ok();
        // At once, unless the carrier, or a worker that is being built anew, takes its time with the label.
        let has_shipped = || self.oms(&["fulfillment", "get", &found, "-o", "json"]).json()["status"] == "shipped";
        eventually("its label", || has_shipped().then_some(()));
        found
    }

    /// Ships and delivers the order's one fulfillment order, and waits for the order's end.
    pub fn complete(&self, order_id: &str) {
        let id = self.ship(order_id);
        self.oms(&["fulfillment", "deliver", &id]).ok();
        eventually("completion", || (self.status(order_id) == "completed").then_some(()));
    }
}

/// The variables of an environment file, whose values hold no quotes here.
fn read_env(path: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(path).expect("an environment file");
    let variable = |line: &str| {
        let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
        Some((name.to_owned(), value.trim_matches('\'').to_owned()))
    };
    text.lines().filter_map(variable).collect()
}

/// Command lines of living processes that name this folder.
pub fn processes_in(folder: &Path) -> Vec<String> {
    let folder = folder.to_str().expect("UTF-8");
    let ids = std::fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
    let lines = ids.filter_map(|process| std::fs::read(process.join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).filter(|line| line.contains(folder)).collect()
}

/// The ids of living processes that name this folder and run a program with this in its path.
pub fn pids_in(folder: &Path, program: &str) -> Vec<i32> {
    let folder = folder.to_str().expect("UTF-8");
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
    let ours = |process: &PathBuf| {
        let line = std::fs::read(process.join("cmdline")).unwrap_or_default();
        let runs = std::fs::read_link(process.join("exe")).is_ok_and(|exe| exe.to_string_lossy().contains(program));
        runs && String::from_utf8_lossy(&line).contains(folder)
    };
    processes.filter(ours).filter_map(|process| process.file_name()?.to_str()?.parse().ok()).collect()
}
