//! The binary on the terminal.

use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use testkit::Running;

/// The binary in a separate folder, without the settings of this process's environment.
pub(crate) fn vestibule(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("VESTIBULE_") || name == "RUST_LOG" {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).args(arguments);
    command
}

/// The result of "check --json": errors and warnings.
fn check(command: &mut Command) -> (bool, Vec<String>, Vec<String>) {
    let Output { status, stdout, .. } = command.output().expect("it runs");
    let report: Value = serde_json::from_slice(&stdout).expect("JSON");
    let list = |name: &str| {
        let items = report[name].as_array().expect("a list").iter();
        items
            .map(|item| item.as_str().expect("a text").to_owned())
            .collect::<Vec<_>>()
    };
    (status.success(), list("faults"), list("warnings"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a free port")
        .port()
}

#[test]
fn check_reports_all_errors_of_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "isuer = \"x\"\nlisten = [\"localhost:1\", \"proxy\", \"0.0.0.0:99999\"]\n\
                [[resource]]\nidentifier = \"https://a.example\"\nname = \"A\"\n[[resource.scope]]\nname = \"read\"\n";
    std::fs::write(folder.path().join("v.toml"), text).expect("written");
    let issuer = format!("http://localhost:{}", free_port());
    let (sound, faults, _) = check(&mut vestibule(
        folder.path(),
        &["check", "--json", "--config", "v.toml", "--issuer", &issuer],
    ));
    assert!(!sound);
    for part in [
        "isuer in v.toml, line 1: unknown setting; did you mean issuer",
        "listen in v.toml, line 2: \"proxy\"",
        "listen in v.toml, line 2: \"0.0.0.0:99999\"",
        "[[resource]] 1 \"https://a.example\" in v.toml, line 3: scope 1 \"read\", line 6: sentence is missing",
    ] {
        assert_eq!(
            faults.iter().filter(|fault| fault.contains(part)).count(),
            1,
            "{part}: {faults:#?}"
        );
    }
    let plain = vestibule(
        folder.path(),
        &["check", "--config", "v.toml", "--issuer", &issuer],
    )
    .output()
    .expect("it runs");
    let text = String::from_utf8_lossy(&plain.stdout).into_owned();
    assert!(faults.iter().all(|fault| text.contains(fault)), "{text}");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1,
        "it creates no files"
    );
}

#[test]
fn a_misspelt_variable_is_reported_by_check_and_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let issuer = format!("http://localhost:{port}");
    let expected = "VESTIBULE_ISSUR";
    let mut command = vestibule(folder.path(), &["check", "--json", "--issuer", &issuer]);
    let (sound, faults, warnings) = check(command.env(expected, "https://auth.example.com"));
    assert!(sound && faults.is_empty(), "{faults:?}");
    let named =
        |text: &str| text.contains(expected) && text.contains("did you mean VESTIBULE_ISSUER");
    assert_eq!(
        warnings.iter().filter(|warning| named(warning)).count(),
        1,
        "{warnings:#?}"
    );

    let server = Running::start(
        vestibule(folder.path(), &["--issuer", &issuer, "--store", "memory:"]).env(expected, "x"),
    );
    server.until(named);
}

#[test]
fn check_finds_a_taken_port_unless_the_server_of_this_issuer_has_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let issuer = format!(
        "http://127.0.0.1:{}",
        socket.local_addr().expect("bound").port()
    );
    let (sound, faults, _) = check(&mut vestibule(
        folder.path(),
        &["check", "--json", "--issuer", &issuer],
    ));
    assert!(
        !sound
            && faults.len() == 1
            && faults[0].starts_with("listen: ")
            && faults[0].contains("in use"),
        "{faults:?}"
    );

    drop(socket);
    let server = Running::start(&mut vestibule(
        folder.path(),
        &["--issuer", &issuer, "--store", "memory:"],
    ));
    server.until(|line| line.contains("Listening on"));
    let (sound, faults, _) = check(&mut vestibule(
        folder.path(),
        &["check", "--json", "--issuer", &issuer],
    ));
    assert!(sound, "{faults:?}");
    let listen = format!("127.0.0.1:{}", issuer.rsplit_once(':').expect("a port").1);
    let other = [
        "check",
        "--json",
        "--issuer",
        "https://another.example",
        "--listen",
        &listen,
    ];
    let (sound, faults, _) = check(&mut vestibule(folder.path(), &other));
    assert!(
        !sound && faults.iter().any(|fault| fault.contains("in use")),
        "{faults:?}"
    );
}

#[test]
fn check_warns_of_a_missing_site_and_of_a_key_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("sealing.key");
    let sealed = vestibule(folder.path(), &["key", "seal"])
        .output()
        .expect("it runs");
    std::fs::write(&key, sealed.stdout).expect("written");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("changed");
    let issuer = format!("http://localhost:{}", free_port());
    let arguments = [
        "check",
        "--json",
        "--issuer",
        &issuer,
        "--sealing-key",
        "sealing.key",
        "--site",
        "nowhere",
    ];
    let (_, _, warnings) = check(&mut vestibule(folder.path(), &arguments));
    for part in ["chmod 600 sealing.key", "missing in nowhere"] {
        assert_eq!(
            warnings
                .iter()
                .filter(|warning| warning.contains(part))
                .count(),
            1,
            "{part}: {warnings:#?}"
        );
    }
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("changed");
    let (_, _, warnings) = check(&mut vestibule(folder.path(), &arguments));
    assert!(
        !warnings.iter().any(|warning| warning.contains("chmod")),
        "{warnings:#?}"
    );
}

#[test]
fn an_unencoded_redis_password_is_reported_and_not_repeated() {
    let folder = tempfile::tempdir().expect("a folder");
    let issuer = format!("http://localhost:{}", free_port());
    let output = vestibule(
        folder.path(),
        &["check", "--issuer", &issuer, "--store", "redis://:hu/sh@h"],
    )
    .output()
    .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        !output.status.success() && text.contains("percent-encoded") && !text.contains("hu/sh"),
        "{text}"
    );
}

#[test]
fn a_public_server_without_trusted_proxies_causes_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let about_proxies = |listen: &str, more: &[&str]| {
        let port = free_port();
        let listen = listen.replace('P', &port.to_string());
        let arguments = [
            &[
                "check",
                "--json",
                "--issuer",
                "https://id.example",
                "--listen",
                &listen,
            ],
            more,
        ]
        .concat();
        let (sound, faults, warnings) = check(&mut vestibule(folder.path(), &arguments));
        assert!(sound, "{faults:?}");
        warnings
            .iter()
            .filter(|warning| warning.contains("trusted_proxies"))
            .count()
    };
    for listen in [
        "0.0.0.0:P",
        "[::]:P",
        "0.0.0.0:P,[::]:P",
        "127.0.0.1:P,0.0.0.0:P",
    ] {
        assert_eq!(about_proxies(listen, &[]), 1, "{listen}");
        assert_eq!(
            about_proxies(listen, &["--trusted-proxies", "10.0.0.0/8"]),
            0,
            "{listen}"
        );
    }
    assert_eq!(
        about_proxies("0.0.0.0:P", &["--trusted-proxies", "10.0.0.1,0.0.0.0/0"]),
        1,
        "every address is a proxy"
    );
    for listen in ["localhost:P", "127.0.0.1:P,[::1]:P"] {
        assert_eq!(
            about_proxies(listen, &[]),
            0,
            "{listen}: all clients are on this computer"
        );
    }
    let (_, _, warnings) = check(&mut vestibule(
        folder.path(),
        &["check", "--json", "--listen", "0.0.0.0:0"],
    ));
    assert!(
        !warnings
            .iter()
            .any(|warning| warning.contains("trusted_proxies")),
        "no proxy is needed: {warnings:?}"
    );
}

/// The server with few file descriptors, while a client holds more connections than it has.
#[test]
fn a_server_with_few_file_descriptors_still_answers() {
    use std::io::{Read as _, Write as _};
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let issuer = format!("http://localhost:{port}");
    let listen = format!("0.0.0.0:{port},[::]:{port}");
    let mut limited = Command::new("sh");
    limited.args([
        "-c",
        "ulimit -n 256; exec \"$0\" \"$@\"",
        env!("CARGO_BIN_EXE_vestibule"),
        "serve",
    ]);
    limited
        .args(["--issuer", &issuer, "--listen", &listen])
        .current_dir(folder.path());
    let server = Running::start(&mut limited);
    server.until(|line| {
        line.contains("Listening on") && line.contains("0.0.0.0") && line.contains("[::]")
    });
    let send = |text: &str| {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connected");
        stream.write_all(text.as_bytes()).expect("sent");
        stream
    };
    let half = "GET /health/live HTTP/1.1\r\nhost: localhost\r\nx-half: ";
    let held: Vec<_> = (0..400).map(|_| send(half)).collect();
    for path in ["/health/live", "/health/ready", "/login"] {
        let mut stream = send(&format!(
            "GET {path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n\r\n"
        ));
        stream
            .set_read_timeout(Some(std::time::Duration::from_secs(20)))
            .expect("a timeout");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer in time");
        assert!(
            answer.starts_with(b"HTTP/1.1 200"),
            "{path}: {}",
            String::from_utf8_lossy(&answer)
        );
    }
    drop(held);
    let mut without_host = send("GET /health/live HTTP/1.1\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    without_host.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

/// A valid configuration is used from then on, an invalid one changes nothing, and neither closes a
/// connection or ends the process.
#[test]
fn sighup_reloads_the_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let issuer = format!("http://127.0.0.1:{port}");
    let file = folder.path().join("v.toml");
    let write = |text: &str| std::fs::write(&file, text).expect("written");
    write("registration = \"on\"\n");
    let mut server = Running::start(&mut vestibule(
        folder.path(),
        &["--config", "v.toml", "--issuer", &issuer],
    ));
    server.until(|line| line.contains("Listening on"));
    let mut connection = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connected");
    let mut registration = || register(&mut connection, port);
    assert_eq!(registration(), 201);

    write("registration = \"off\"\ncode_lifetime = \"10s\"\n");
    let before = server.lines().len();
    server.signal("HUP");
    server.after(before, |line| {
        line.contains("the configuration was reloaded")
    });
    assert_eq!(registration(), 403, "on the same connection");

    write("registration = \"on\"\ncolour = \"blue\"\nlisten = \"nowhere\"\n");
    let before = server.lines().len();
    server.signal("HUP");
    for fault in ["colour", "nowhere"] {
        server.after(before, |line| {
            line.contains("the configuration was not reloaded") && line.contains(fault)
        });
    }
    assert_eq!(registration(), 403, "a faulty one changes nothing");

    write(&format!("listen = \"127.0.0.1:{}\"\n", free_port()));
    let before = server.lines().len();
    server.signal("HUP");
    server.after(before, |line| {
        line.contains("need a restart") && line.contains("settings=listen")
    });
    server.after(before, |line| {
        line.contains("the configuration was reloaded")
    });
    assert_eq!(registration(), 201);
    assert!(server.is_alive());
    // The control socket uses the same server.
    let added = vestibule(folder.path(), &["--issuer", &issuer, "account", "list"])
        .output()
        .expect("it runs");
    assert!(
        added.status.success(),
        "{}",
        String::from_utf8_lossy(&added.stderr)
    );
}

/// The status of a registration, over a connection that stays open.
fn register(connection: &mut std::net::TcpStream, port: u16) -> u16 {
    use std::io::{Read as _, Write as _};
    let body =
        r#"{"redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none"}"#;
    let head = format!(
        "POST /register HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    );
    write!(
        connection,
        "{head}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    let mut answer = String::new();
    let mut piece = [0; 4096];
    loop {
        let read = connection.read(&mut piece).expect("answered");
        assert_ne!(read, 0, "the connection was closed: {answer}");
        answer.push_str(&String::from_utf8_lossy(&piece[..read]));
        let Some((head, body)) = answer.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head.lines().find_map(|line| {
            line.to_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        });
        if length.is_some_and(|length: usize| body.len() >= length) {
            return head
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok())
                .expect("a status");
        }
    }
}

#[test]
fn a_failed_sign_in_is_logged_without_forged_fields() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let issuer = format!("http://127.0.0.1:{port}");
    let server = Running::start(&mut vestibule(
        folder.path(),
        &["--issuer", &issuer, "--store", "memory:"],
    ));
    server.until(|line| line.contains("Listening on"));
    let forged =
        "client_id=x%20status%3Dok%0AERROR%20vestibule&redirect_uri=https%3A%2F%2Fa.example";
    let mut connection = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connected");
    let request = format!(
        "GET /authorize?{forged} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    );
    std::io::Write::write_all(&mut connection, request.as_bytes()).expect("sent");
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut connection, &mut answer).expect("answered");
    let number = answer
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "))
        .expect("a number")
        .to_owned();
    let line = server.until(|line| line.contains("authorization request refused"));
    assert!(
        line.contains(&format!("request{{id={number} address=127.0.0.1}}")),
        "{line}"
    );
    assert!(
        !line.contains(" status=ok") || line.contains("client=\""),
        "{line}"
    );
    assert!(
        server
            .lines()
            .iter()
            .all(|line| !line.starts_with("ERROR vestibule")),
        "no line is forged"
    );
}
