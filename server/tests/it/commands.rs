//! The command `vestibule`, with and without a running server.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;
use testkit::{RedisServer, routed::PASSWORD};

const BINARY: &str = env!("CARGO_BIN_EXE_vestibule");
const KEY: &str = "k4.local.BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";

/// Runs commands in a folder over a store.
struct CommandRunner {
    folder: TempDir,
    store: String,
    key: Option<&'static str>,
    user: Option<u32>,
    _redis: Option<RedisServer>,
}

/// The output of a command.
#[derive(Debug)]
struct CommandOutput {
    code: i32,
    out: String,
    err: String,
}

impl CommandOutput {
    #[track_caller]
    fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    #[track_caller]
    fn failed_with(self, why: &str) -> Self {
        assert!(
            self.code == 1 && self.err.contains(why),
            "not {why:?}: {self:?}"
        );
        self
    }

    #[track_caller]
    fn refused_by_the_command_line(self) {
        assert_eq!(self.code, 2, "{self:?}");
    }

    #[track_caller]
    fn json(self) -> Value {
        let printed = self.succeeded();
        serde_json::from_str(&printed.out).unwrap_or_else(|error| panic!("{error}: {printed:?}"))
    }
}

impl CommandRunner {
    fn embedded() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = format!("file:{}", folder.path().join("data").display());
        Self {
            folder,
            store,
            key: None,
            user: None,
            _redis: None,
        }
    }

    fn redis() -> Self {
        let server = RedisServer::start();
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            folder,
            store: server.url(),
            key: Some(KEY),
            user: None,
            _redis: Some(server),
        }
    }

    /// Both engines.
    fn each() -> [Self; 2] {
        [Self::embedded(), Self::redis()]
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("VESTIBULE_STORE", &self.store);
        command.envs(self.key.map(|key| ("VESTIBULE_SEALING_KEY", key)));
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> CommandOutput {
        self.run_with(arguments, b"")
    }

    fn run_with(&self, arguments: &[&str], input: &[u8]) -> CommandOutput {
        let mut child = self.command(arguments).spawn().expect("the command starts");
        // A command that does not read its input may have ended already.
        let _ = child.stdin.take().expect("a pipe").write_all(input);
        let output = child.wait_with_output().expect("the command ends");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        CommandOutput {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// Starts a server with an issuer, or with one on a free port.
    fn serve(&self, issuer: Option<&str>) -> Server {
        self.serve_with(issuer, &[])
    }

    fn serve_with(&self, issuer: Option<&str>, more: &[&str]) -> Server {
        let port = TcpListener::bind("127.0.0.1:0")
            .expect("a port")
            .local_addr()
            .expect("an address")
            .port();
        let own = format!("http://localhost:{port}");
        let listen = format!("127.0.0.1:{port}");
        let issuer = issuer.unwrap_or(&own).to_owned();
        let mut command =
            self.command(&[&["serve", "--issuer", &issuer, "--listen", &listen], more].concat());
        let mut child = command.spawn().expect("the server starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let banner = lines
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.contains("Metadata"));
        let server = Server { child, issuer };
        match banner {
            Some(_) => server,
            None => panic!("the server did not start: {}", server.stop()),
        }
    }
}

/// A running server.
struct Server {
    child: Child,
    issuer: String,
}

impl Server {
    /// Stops the server; returns its output on standard error.
    fn stop(mut self) -> String {
        let _ = Command::new("kill")
            .arg(self.child.id().to_string())
            .status();
        let output =
            std::mem::replace(&mut self.child, Command::new("true").spawn().expect("true"))
                .wait_with_output();
        String::from_utf8_lossy(&output.expect("the server ends").stderr).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort_unstable();
    names
}

const NO_STORE: &str = "No store at";

#[test]
fn commands_that_read_or_change_create_no_store() {
    let commands: &[&[&str]] = &[
        &["account", "list"],
        &["account", "list", "--json"],
        &["account", "disable", "a@example.com"],
        &["account", "enable", "a@example.com"],
        &["account", "remove", "a@example.com"],
        &["account", "reset", "a@example.com"],
        &["account", "role", "a@example.com", "person"],
        &["client", "list"],
        &["client", "set", "app", "--name", "App"],
        &["client", "secret", "app"],
        &["client", "remove", "app"],
        &["client", "unblock", "app.example"],
        &["key", "list"],
        &["key", "rotate"],
        &["audit", "list"],
        &["audit", "verify"],
        &["audit", "export"],
        &["issuer", "show"],
        &["issuer", "accept", "http://localhost:3000"],
        &["backup", "-"],
        &["backup", "b"],
        &["compact"],
    ];
    for terminal in CommandRunner::each() {
        for arguments in commands {
            let printed = terminal
                .run(arguments)
                .failed_with(NO_STORE)
                .failed_with("Give --store or --config.");
            assert_eq!(printed.out, "", "{arguments:?}");
            assert_eq!(names(terminal.folder.path()), [""; 0], "{arguments:?}");
        }
        terminal
            .run_with(
                &["account", "password", "a@example.com", "--password-stdin"],
                b"a good password\n",
            )
            .failed_with(NO_STORE);
        terminal.run(&["check"]);
        assert_eq!(
            names(terminal.folder.path()),
            [""; 0],
            "check leaves nothing behind"
        );
    }
}

#[test]
fn commands_that_prepare_a_server_create_a_store() {
    let first: &[&[&str]] = &[
        &["account", "add", "a@example.com"],
        &[
            "client",
            "add",
            "--id",
            "app",
            "--name",
            "App",
            "--redirect-uri",
            "https://app.example/cb",
        ],
        &["client", "block", "evil.example"],
    ];
    for arguments in first {
        for terminal in CommandRunner::each() {
            let printed = terminal.run(arguments).succeeded();
            assert!(
                printed.err.contains("Created a new store in")
                    && printed.err.contains(&terminal.store),
                "{printed:?}"
            );
            let again = terminal.run(&["account", "list"]).succeeded();
            assert!(!again.err.contains("created"), "{again:?}");
        }
    }
}

#[test]
fn accounts_are_listed_by_address_and_by_its_beginning() {
    for terminal in CommandRunner::each() {
        for running in [false, true] {
            let _server = running.then(|| terminal.serve(None));
            if !running {
                let none = terminal.run(&["account", "add", "ben@x.example"]);
                none.succeeded();
                for email in ["anna@x.example", "Ann@x.example", "cy@x.example"] {
                    terminal.run(&["account", "add", email]).succeeded();
                }
            }
            let emails = |more: &[&str]| {
                let listed = terminal.run(&[&["account", "list", "--json"], more].concat());
                let listed = listed.json();
                let rows = listed.as_array().expect("an array").iter();
                rows.map(|row| row["email"].as_str().expect("an address").to_owned())
                    .collect::<Vec<_>>()
            };
            let all = [
                "Ann@x.example",
                "anna@x.example",
                "ben@x.example",
                "cy@x.example",
            ];
            assert_eq!(emails(&[]), all);
            assert_eq!(emails(&["ANN"]), all[..2]);
            assert_eq!(emails(&["ann@"]), all[..1]);
            assert_eq!(emails(&["nna"]), [""; 0]);
            assert_eq!(emails(&["--limit", "3"]), all[..3]);
            for by_address in ["name", "address", "email"] {
                assert_eq!(emails(&["--sort", by_address]), all, "{by_address}");
            }
            for sort in ["used", "newest"] {
                let sorted = emails(&["--sort", sort]);
                assert_eq!(sorted.iter().collect::<BTreeSet<_>>().len(), all.len());
                assert_eq!(emails(&["--sort", sort, "ann"]), all[..2], "{sort}");
            }
            terminal
                .run(&["account", "list", "--sort", "size"])
                .refused_by_the_command_line();
            let text = terminal
                .run(&["account", "list", "--limit", "1"])
                .succeeded();
            assert_eq!(text.out.lines().count(), 2, "{text:?}");
            let none = terminal.run(&["account", "list", "zz"]).succeeded();
            assert_eq!(none.out, "No matching accounts.\n");
            terminal
                .run(&["account", "list", "--limit", "0"])
                .refused_by_the_command_line();
        }
    }
}

#[test]
fn clients_are_listed_by_name_and_by_its_beginning() {
    for terminal in CommandRunner::each() {
        for running in [false, true] {
            let _server = running.then(|| terminal.serve(None));
            if !running {
                let add = ["client", "add", "--redirect-uri", "https://a.example/cb"];
                for name in ["zed", "Claude Code", "claude"] {
                    let named = [&add[..], &["--name", name]].concat();
                    terminal.run(&named).succeeded();
                }
            }
            let names = |more: &[&str]| {
                let listed = terminal.run(&[&["client", "list", "--json"], more].concat());
                let listed = listed.json();
                let rows = listed.as_array().expect("an array").iter();
                rows.map(|row| row["name"].as_str().expect("a name").to_owned())
                    .collect::<Vec<_>>()
            };
            let all = ["claude", "Claude Code", "zed"];
            assert_eq!(names(&[]), all);
            assert_eq!(names(&["CLAUDE"]), all[..2]);
            assert_eq!(names(&["claude c"]), all[1..2]);
            assert_eq!(names(&["laude"]), [""; 0]);
            assert_eq!(names(&["--limit", "2"]), all[..2]);
            assert_eq!(names(&["--sort", "name"]), all);
            for sort in ["used", "newest"] {
                let sorted = names(&["--sort", sort]);
                assert_eq!(sorted.iter().collect::<BTreeSet<_>>().len(), all.len());
                assert_eq!(names(&["--sort", sort, "CLAUDE"]), all[..2], "{sort}");
            }
            terminal
                .run(&["client", "list", "--sort", "size"])
                .refused_by_the_command_line();
            let text = terminal
                .run(&["client", "list", "--limit", "1"])
                .succeeded();
            assert_eq!(text.out.lines().count(), 2, "{text:?}");
            assert!(text.out.starts_with("CLIENT ID"), "{text:?}");
            let none = terminal.run(&["client", "list", "zz"]).succeeded();
            assert_eq!(none.out, "No matching clients.\n");
            terminal
                .run(&["client", "list", "--limit", "0"])
                .refused_by_the_command_line();
        }
    }
}

#[test]
fn adding_an_account_never_changes_an_existing_one() {
    for terminal in CommandRunner::each() {
        for running in [false, true] {
            let server = running.then(|| terminal.serve(None));
            let email = format!("a{}@example.com", u8::from(running));
            let add = ["account", "add", &email, "--password-stdin"];
            terminal.run_with(&add, b"the first good one\n").succeeded();
            for again in [
                terminal.run_with(&add, b"the second good one\n"),
                terminal.run(&["account", "add", &email]),
            ] {
                again
                    .failed_with("already has an account")
                    .failed_with("account password")
                    .failed_with("account reset");
            }
            let trail = terminal
                .run(&["audit", "list", "--json"])
                .json()
                .to_string();
            assert!(
                !trail.contains("account_password_set") || running,
                "{trail}"
            );
            let password = ["account", "password", &email, "--password-stdin"];
            let done = terminal
                .run_with(&password, b"the second good one\n")
                .succeeded();
            assert!(
                done.out.contains("Password of") && done.out.contains("have ended"),
                "{done:?}"
            );
            assert_eq!(
                terminal
                    .run_with(
                        &[&password[..], &["--json"]].concat(),
                        b"the third good one\n"
                    )
                    .json()["done"],
                true
            );
            terminal
                .run_with(&password, b"\n")
                .failed_with("No password");
            terminal
                .run_with(
                    &["account", "password", "x@example.com", "--password-stdin"],
                    b"a good one, too\n",
                )
                .failed_with("no account");
            assert!(
                terminal
                    .run(&["audit", "list", "--json"])
                    .json()
                    .to_string()
                    .contains("account_password_set")
            );

            let waiting = format!("w{}@example.com", u8::from(running));
            let first = terminal.run(&["account", "add", &waiting]).succeeded();
            assert!(
                first.out.contains("was invited") && first.out.contains("once and expires at "),
                "{first:?}"
            );
            let again = terminal.run(&["account", "add", &waiting]).succeeded();
            assert!(
                again.out.contains(
                    "was already invited; here is a new link (the old one no longer works)"
                ),
                "{again:?}"
            );
            terminal
                .run(&["account", "add", &waiting, "--role", "administrator"])
                .failed_with("account role");
            let json = terminal.run(&["account", "add", &waiting, "--json"]).json();
            assert!(
                json["invited_again"] == true && json["link_expires_at"].is_u64(),
                "{json}"
            );
            assert_eq!(json["account"]["role"], "person");
            drop(server);
        }
    }
}

#[test]
fn an_account_has_the_name_that_it_was_given() {
    for terminal in CommandRunner::each() {
        for running in [false, true] {
            let _server = running.then(|| terminal.serve(None));
            let email = format!("n{}@example.com", u8::from(running));
            let name = || {
                let listed = terminal.run(&["account", "list", &email, "--json"]).json();
                listed[0]["name"].clone()
            };
            let add = [
                "account",
                "add",
                &email,
                "--name",
                " Ada  Lovelace",
                "--json",
            ];
            let added = terminal.run(&add).json();
            assert_eq!(added["account"]["name"], "Ada Lovelace");
            let text = terminal.run(&["account", "list", &email]).succeeded();
            assert!(
                text.out.contains("NAME") && text.out.contains("Ada Lovelace"),
                "{text:?}"
            );
            let set = terminal.run(&["account", "name", &email, "J\u{fc}rgen"]);
            let told = set.succeeded().out;
            assert!(told.contains("is now J\u{fc}rgen."), "{told}");
            assert_eq!(name(), "J\u{fc}rgen");
            let long = "a".repeat(65);
            for unfit in [&long, "a\u{202e}b", "a\nb"] {
                let refused = terminal.run(&["account", "name", &email, unfit]);
                refused.failed_with("a name can have at most 64 characters");
            }
            assert_eq!(name(), "J\u{fc}rgen");
            let removed = terminal.run(&["account", "name", &email]).succeeded();
            assert!(
                removed.out.contains("The name of") && removed.out.contains("was removed."),
                "{removed:?}"
            );
            assert_eq!(name(), Value::Null);
            let unknown = terminal.run(&["account", "name", "x@example.com", "X"]);
            unknown.failed_with("no account");
            let trail = terminal
                .run(&["audit", "list", "--json"])
                .json()
                .to_string();
            assert!(
                trail.contains("account_name_set") && trail.contains("account_name_removed"),
                "{trail}"
            );
        }
    }
}

#[test]
fn a_provisioning_script_can_be_repeated() {
    let uri = "https://app.example/cb";
    for terminal in CommandRunner::each() {
        for running in [false, true] {
            let server = running.then(|| terminal.serve(None));
            let id = format!("app-{running}");
            let add = [
                "client",
                "add",
                "--id",
                &id,
                "--name",
                "App",
                "--redirect-uri",
                uri,
                "--confidential",
                "--json",
            ];
            let first = terminal.run(&add).json();
            assert!(
                first["client_id"] == *id
                    && first["client_secret"].is_string()
                    && first["unchanged"] == false,
                "{first}"
            );
            let again = terminal.run(&add).json();
            assert!(
                again["client_secret"].is_null() && again["unchanged"] == true,
                "{again}"
            );
            let told = terminal.run(&add[..add.len() - 1]).succeeded();
            assert!(
                told.out.contains("Nothing was changed") && !told.out.contains("vcs_"),
                "{told:?}"
            );
            let other = [
                "client",
                "add",
                "--id",
                &id,
                "--name",
                "Other",
                "--redirect-uri",
                uri,
                "--confidential",
            ];
            terminal.run(&other).failed_with("client set");

            let set = terminal
                .run(&["client", "set", &id, "--name", "Other", "--json"])
                .json();
            assert_eq!(set["changed"], serde_json::json!(["name"]));
            assert_eq!(
                terminal.run(&other).succeeded().code,
                0,
                "now it is the same"
            );
            let secret = terminal.run(&["client", "secret", &id, "--json"]).json();
            assert!(
                secret["client_secret"] != first["client_secret"]
                    && secret["client_secret"].is_string()
            );
            assert!(
                terminal
                    .run(&["client", "set", &id, "--public"])
                    .succeeded()
                    .out
                    .contains("authentication")
            );
            terminal
                .run(&["client", "secret", &id])
                .failed_with("public");
            terminal
                .run(&["client", "set", &id])
                .failed_with("name at least one value to change");
            terminal
                .run(&["client", "set", "nobody", "--name", "X"])
                .failed_with("no client");
            for bad in ["vc_mine", "https://app.example/c.json", "a\tb"] {
                terminal
                    .run(&[
                        "client",
                        "add",
                        "--id",
                        bad,
                        "--name",
                        "X",
                        "--redirect-uri",
                        uri,
                    ])
                    .failed_with("cannot be a client ID");
            }
            let clients = terminal.run(&["client", "list", "--json"]).json();
            let ids: Vec<_> = clients
                .as_array()
                .expect("a list")
                .iter()
                .filter(|client| client["client_id"] == *id)
                .collect();
            assert_eq!(ids.len(), 1);
            drop(server);
        }
    }
}

#[test]
fn compact_makes_the_file_of_a_stopped_server_smaller() {
    let here = CommandRunner::embedded();
    let server = here.serve(None);
    here.run(&["compact"])
        .failed_with("in use by another process");
    drop(server);
    let compacted = here.run(&["compact", "--json"]).json();
    let after = compacted["after"].as_u64().expect("a size");
    let file = fs::metadata(here.data().join("store.redb")).expect("a file");
    assert_eq!(after, file.len());
    assert!(
        compacted["before"]
            .as_u64()
            .is_some_and(|before| after <= before)
    );
    let said = here.run(&["compact"]).succeeded();
    assert!(said.out.contains("MB instead of"), "{said:?}");
    here.run(&["account", "list"]).succeeded();

    let redis = CommandRunner::redis();
    redis.run(&["client", "block", "app.example"]).succeeded();
    redis.run(&["compact"]).failed_with("on Redis");
}

#[test]
fn a_backup_of_a_running_server_restores_on_the_other_engine() {
    let here = CommandRunner::embedded();
    let there = CommandRunner::redis();
    let back = CommandRunner::embedded();
    let server = here.serve(None);
    let issuer = server.issuer.clone();
    here.run_with(
        &["account", "add", "ada@example.com", "--password-stdin"],
        format!("{PASSWORD}\n").as_bytes(),
    )
    .succeeded();
    // Another client writes during the backup.
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| {
            for n in 0..8 {
                here.run(&[
                    "client",
                    "add",
                    "--name",
                    &format!("Client {n}"),
                    "--redirect-uri",
                    "https://app.example/cb",
                ])
                .succeeded();
            }
        });
        for n in 0..3 {
            here.run(&["backup", &format!("early-{n}")]).succeeded();
        }
        busy.join().expect("writes until the end");
    });
    let made = here.run(&["backup", "b", "--json"]).json();
    assert!(
        made["entries"].as_u64().is_some_and(|entries| entries > 10),
        "{made}"
    );
    assert_eq!(
        fs::metadata(here.path("b"))
            .expect("there")
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    let by_pipe = here.run(&["backup", "-"]).succeeded();
    assert!(
        by_pipe.out.starts_with("{\"vestibule_backup\":1,") && by_pipe.err.contains("sealing key"),
        "{}",
        by_pipe.err
    );
    drop(server);
    let clients = here.run(&["client", "list", "--json"]).json();
    assert_eq!(
        here.run(&["backup", "stopped", "--json"]).json()["entries"],
        made["entries"],
        "the same without the server"
    );

    let key = fs::read_to_string(here.data().join("sealing.key")).expect("a key");
    let key = key.trim();
    let path = |name| here.path(name).to_str().expect("text").to_owned();
    for early in ["early-0", "early-1", "early-2"] {
        let terminal = CommandRunner::redis();
        terminal
            .run(&["restore", &path(early), "--sealing-key", key])
            .succeeded();
    }
    let told = there
        .run(&["restore", &path("b"), "--sealing-key", key])
        .succeeded();
    assert!(told.out.contains("Restored "), "{told:?}");
    assert_eq!(
        there
            .run(&["client", "list", "--json", "--sealing-key", key])
            .json(),
        clients
    );
    let trail = there
        .run(&["audit", "verify", "--sealing-key", key])
        .succeeded();
    assert!(trail.out.contains("no problems found"), "{trail:?}");
    let trail = there
        .run(&["audit", "list", "--json", "--sealing-key", key])
        .json();
    assert_eq!(trail[0]["deed"], "store_restored");
    let again = there.run(&["restore", &path("b"), "--sealing-key", key]);
    again.failed_with("not empty");

    let away = there
        .run(&["backup", "-", "--sealing-key", key])
        .succeeded();
    fs::create_dir(back.data()).expect("a folder");
    fs::write(back.data().join("sealing.key"), key).expect("written");
    back.run_with(&["restore", "-"], away.out.as_bytes())
        .succeeded();
    assert_eq!(back.run(&["client", "list", "--json"]).json(), clients);
    let listed = back
        .run(&["account", "list", "--issuer", &issuer])
        .succeeded();
    assert!(
        listed.out.contains("ada@example.com") && listed.err.is_empty(),
        "{listed:?}"
    );
    back.serve(Some(&issuer));
}

#[test]
fn an_incomplete_backup_restores_nothing() {
    let here = CommandRunner::embedded();
    here.run(&["account", "add", "ada@example.com"]).succeeded();
    here.run(&["backup", "b"]).succeeded();
    here.run(&["backup", "b"]).failed_with("already exists");
    symlink(here.path("nowhere"), here.path("link")).expect("a link");
    here.run(&["backup", "link"]).failed_with("already exists");
    here.run(&["backup", "no/where"])
        .failed_with("Cannot write no/where");
    let whole = fs::read(here.path("b")).expect("a backup");
    assert_eq!(
        names(here.folder.path()),
        ["b", "data", "link"],
        "nothing else is left"
    );
    let mut damaged = whole.clone();
    damaged[whole.len() / 3] ^= 4;
    let key = fs::read_to_string(here.data().join("sealing.key")).expect("a key");
    for there in CommandRunner::each() {
        for (name, bytes) in [
            ("half", &whole[..whole.len() / 2]),
            ("damaged", &damaged),
            ("other", b"hello\n"),
            ("empty", b"" as &[u8]),
        ] {
            fs::write(there.path(name), bytes).expect("written");
            there
                .run(&["restore", name, "--sealing-key", key.trim()])
                .failed_with("Cannot restore the backup");
            there
                .run_with(&["restore", "-", "--sealing-key", key.trim()], bytes)
                .failed_with("Cannot restore the backup");
        }
        there
            .run(&["restore", "absent"])
            .failed_with("Cannot restore the backup");
        there.run(&["account", "list"]).failed_with(NO_STORE);
        assert!(!there.data().exists());
        // A restored store needs its sealing key.
        let b = here.path("b");
        let b = b.to_str().expect("text");
        there.run(&["restore", b]).failed_with("sealing key");
        there
            .run(&["restore", b, "--sealing-key", KEY])
            .failed_with("a different sealing key");
        there.run(&["account", "list"]).failed_with(NO_STORE);
        there
            .run(&["restore", b, "--sealing-key", key.trim()])
            .succeeded();
    }
}

#[test]
fn a_restore_needs_a_store_that_no_server_has_open() {
    let here = CommandRunner::embedded();
    here.run(&["account", "add", "ada@example.com"]).succeeded();
    here.run(&["backup", "b"]).succeeded();
    let key = fs::read_to_string(here.data().join("sealing.key")).expect("a key");
    let b = here.path("b");
    let restore = [
        "restore",
        b.to_str().expect("text"),
        "--sealing-key",
        key.trim(),
    ];
    let _server = here.serve(None);
    here.run(&restore).failed_with("in use by another process");
    let there = CommandRunner {
        key: None,
        ..CommandRunner::redis()
    };
    let _other = there.serve_with(None, &["--sealing-key", key.trim()]);
    there.run(&restore).failed_with("not empty");
}

#[test]
fn a_changed_issuer_is_reported_at_start_by_check_and_in_the_list() {
    const CHANGED: &str = "The issuer has changed";
    for terminal in CommandRunner::each() {
        let first = terminal.serve(None);
        let old = first.issuer.clone();
        terminal
            .run_with(
                &["account", "add", "ada@example.com", "--password-stdin"],
                b"a good password\n",
            )
            .succeeded();
        let new = "http://127.0.0.1:4567";
        let check = terminal.run(&["check", "--issuer", new, "--listen", "127.0.0.1:0"]);
        assert!(
            check.out.contains(CHANGED),
            "beside the server of before: {check:?}"
        );
        assert!(!first.stop().contains(CHANGED));

        for arguments in [
            &["account", "list"][..],
            &["account", "reset", "ada@example.com"],
        ] {
            let told = terminal
                .run(&[arguments, &["--issuer", new]].concat())
                .succeeded();
            assert!(
                told.err.contains(CHANGED)
                    && told.err.contains(&old)
                    && told.err.contains("passkey"),
                "{told:?}"
            );
            let same = terminal
                .run(&[arguments, &["--issuer", &old]].concat())
                .succeeded();
            assert!(!same.err.contains(CHANGED), "{same:?}");
        }
        let check = terminal.run(&[
            "check",
            "--issuer",
            new,
            "--listen",
            "127.0.0.1:0",
            "--json",
        ]);
        assert!(check.out.contains(CHANGED), "{check:?}");

        let second = terminal.serve(Some(new));
        if terminal.key.is_none() {
            let told = terminal.run(&["account", "list"]).succeeded();
            assert!(
                told.err.contains(CHANGED),
                "the running server compares: {told:?}"
            );
        }
        assert!(second.stop().contains(CHANGED));
        terminal
            .run(&[
                "issuer",
                "accept",
                "http://elsewhere.localhost:1",
                "--issuer",
                new,
            ])
            .failed_with("configured issuer is");
        assert!(
            terminal
                .run(&["issuer", "show", "--issuer", new])
                .succeeded()
                .out
                .contains(CHANGED)
        );
        let accepted = terminal
            .run(&["issuer", "accept", new, "--issuer", new])
            .succeeded();
        assert!(
            accepted.out.contains(new) && !accepted.out.contains(CHANGED),
            "{accepted:?}"
        );
        assert!(!terminal.serve(Some(new)).stop().contains(CHANGED));
        let trail = terminal
            .run(&["audit", "list", "--json", "--issuer", new])
            .json();
        assert!(trail.to_string().contains("issuer_accepted"), "{trail}");
    }
}

#[test]
fn files_that_others_can_read_cause_warnings() {
    let terminal = CommandRunner::embedded();
    terminal
        .run(&["account", "add", "ada@example.com"])
        .succeeded();
    let check = || terminal.run(&["check", "--listen", "127.0.0.1:0"]).out;
    assert!(
        !check().contains("data folder") && !check().contains("chmod"),
        "{}",
        check()
    );
    let set = |name: &str, mode| {
        fs::set_permissions(terminal.data().join(name), fs::Permissions::from_mode(mode))
            .expect("set");
    };
    for (mode, words) in [
        (0o777, "can write"),
        (0o770, "can write"),
        (0o755, "can read"),
    ] {
        set("", mode);
        assert!(check().contains(words), "{mode:o}");
    }
    set("", 0o777);
    assert!(terminal.serve(None).stop().contains("can write"));
    set("", 0o700);
    for name in ["sealing.key", "store.redb"] {
        set(name, 0o644);
        assert!(
            check().contains(&format!(
                "chmod 600 {}",
                terminal.data().join(name).display()
            )),
            "{name}"
        );
        set(name, 0o600);
    }
}

/// A user id without other files.
const SOMEBODY: u32 = 61_234;

#[test]
fn files_created_by_root_are_usable_and_unusable_files_are_named() {
    let mut terminal = CommandRunner::embedded();
    fs::create_dir(terminal.data()).expect("a folder");
    if chown(terminal.data(), Some(SOMEBODY), Some(SOMEBODY)).is_err() {
        // Only root can change users.
        return;
    }
    fs::set_permissions(terminal.folder.path(), fs::Permissions::from_mode(0o755)).expect("set");
    terminal
        .run(&["account", "add", "ada@example.com"])
        .succeeded();
    for name in ["store.redb", "sealing.key"] {
        let metadata = fs::metadata(terminal.data().join(name)).expect("there");
        assert_eq!(
            (metadata.uid(), metadata.gid(), metadata.mode() & 0o777),
            (SOMEBODY, SOMEBODY, 0o600),
            "{name}"
        );
    }
    terminal.user = Some(SOMEBODY);
    if terminal.command(&["--version"]).output().is_err() {
        // The binary is in a folder that only root can read.
        return;
    }
    assert!(
        terminal
            .run(&["account", "list"])
            .succeeded()
            .out
            .contains("ada@example.com")
    );
    let server = terminal.serve(None);
    let root = CommandRunner {
        user: None,
        store: terminal.store.clone(),
        ..CommandRunner::embedded()
    };
    assert!(
        root.run(&["account", "list"])
            .succeeded()
            .out
            .contains("ada@example.com"),
        "root speaks to the server"
    );
    drop(server);

    let settings = terminal.path("vestibule.toml");
    fs::write(&settings, "").expect("written");
    fs::set_permissions(&settings, fs::Permissions::from_mode(0o600)).expect("set");
    let shown = settings.display().to_string();
    let check = terminal.run(&["check", "--config", &shown]);
    assert!(
        check.out.contains(&shown) && check.out.contains("belongs to root"),
        "{check:?}"
    );
    for name in ["store.redb", "sealing.key"] {
        let path = terminal.data().join(name);
        chown(&path, Some(0), Some(0)).expect("given away");
        let printed = terminal.run(&["account", "list"]);
        printed
            .failed_with(&path.display().to_string())
            .failed_with("belongs to root")
            .failed_with(&SOMEBODY.to_string());
        chown(&path, Some(SOMEBODY), Some(SOMEBODY)).expect("given back");
    }
    chown(terminal.data(), Some(0), Some(0)).expect("given away");
    fs::set_permissions(terminal.data(), fs::Permissions::from_mode(0o700)).expect("set");
    terminal
        .run(&["account", "list"])
        .failed_with("belongs to root")
        .failed_with(&SOMEBODY.to_string());
}

#[test]
fn no_file_is_created_through_a_symbolic_link() {
    for name in ["store.redb", "sealing.key"] {
        let terminal = CommandRunner::embedded();
        fs::create_dir(terminal.data()).expect("a folder");
        let away = terminal.path("away");
        symlink(&away, terminal.data().join(name)).expect("a link");
        assert_ne!(
            terminal.run(&["account", "add", "ada@example.com"]).code,
            0,
            "{name}"
        );
        assert!(
            !away.exists()
                && fs::symlink_metadata(terminal.data().join(name))
                    .expect("there")
                    .is_symlink(),
            "{name}"
        );
    }
    let terminal = CommandRunner::embedded();
    fs::create_dir(terminal.data()).expect("a folder");
    let away = terminal.path("away");
    fs::write(&away, "kept").expect("written");
    for name in ["store.redb.new", "sealing.new", "control.sock"] {
        symlink(&away, terminal.data().join(name)).expect("a link");
    }
    let server = terminal.serve(None);
    terminal.run(&["account", "list"]).succeeded();
    drop(server);
    assert_eq!(fs::read_to_string(&away).expect("there"), "kept");
    assert_eq!(
        fs::metadata(&away).expect("there").permissions().mode() & 0o777,
        0o644 & !umask()
    );
}

/// The umask of this process.
fn umask() -> u32 {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("x"), "").expect("written");
    0o666
        & !fs::metadata(folder.path().join("x"))
            .expect("there")
            .permissions()
            .mode()
}
