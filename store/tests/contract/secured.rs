//! Redis with a password, with TLS and a private certificate authority, and with a restricted user.

use std::{net::TcpListener, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use store::{CasResult, Error, RedisOptions, Store, StoreLocation, Ttl};
use testkit::RedisServer;

use crate::MINUTE;

fn pem(label: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        BASE64.encode(der)
    )
}

/// A Redis server with TLS on another port, with a certificate of the authority in `ca.pem`.
fn with_tls(folder: &Path) -> (RedisServer, u16) {
    with_tls_and(folder, &["--tls-auth-clients", "no"])
}

/// The same with other options. `redis.pem` and `redis.key` can be shown by a client too.
fn with_tls_and(folder: &Path, more: &[&str]) -> (RedisServer, u16) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let name = &mut params.distinguished_name;
    name.push(DnType::CommonName, "the authority");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key"))
        .expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &authority).expect("a certificate");
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let ca = write("ca.pem", pem("CERTIFICATE", authority.der()));
    let certificate = write("redis.pem", pem("CERTIFICATE", certificate.der()));
    let key = write("redis.key", pem("PRIVATE KEY", &key.serialize_der()));
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a free port")
        .port();
    let options = [
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
    ];
    let rest = ["--tls-ca-cert-file", &ca, "--save", ""];
    (
        RedisServer::start_with(&[&options[..], &rest[..], more].concat()),
        port,
    )
}

async fn refused(url: String) -> String {
    match Store::open(&StoreLocation::Redis(url)).await {
        Ok(_) => panic!("opened"),
        Err(fault) => fault.to_string(),
    }
}

#[tokio::test]
async fn a_private_certificate_authority_is_named_in_the_url() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_server, port) = with_tls(folder.path());
    let ca = folder.path().join("ca.pem");
    let store = Store::open(&StoreLocation::Redis(format!(
        "rediss://localhost:{port}?ca={}",
        ca.display()
    )))
    .await
    .expect("opened");
    assert!(store.insert("k", b"v", MINUTE).await.expect("inserted"));
    let unknown = refused(format!("rediss://localhost:{port}")).await;
    assert!(unknown.contains("?ca=FILE"), "{unknown}");
    for (path, why) in [
        ("redis.key", "no certificate"),
        ("nowhere.pem", "No such file"),
    ] {
        let fault = refused(format!(
            "rediss://localhost:{port}?ca={}",
            folder.path().join(path).display()
        ))
        .await;
        assert!(fault.contains(path) && fault.contains(why), "{fault}");
    }
}

#[tokio::test]
async fn redis_can_demand_a_certificate_and_have_another_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_server, port) = with_tls_and(folder.path(), &["--tls-auth-clients", "yes"]);
    let file = |name: &str| Some(folder.path().join(name));
    let location = StoreLocation::Redis(format!("rediss://127.0.0.1:{port}"));
    let options = RedisOptions {
        tls_ca: file("ca.pem"),
        tls_certificate: file("redis.pem"),
        tls_key: file("redis.key"),
        server_name: Some("localhost".to_owned()),
        ..RedisOptions::default()
    };
    let store = Store::open_with(&location, &options).await.expect("opened");
    store.probe().await.expect("it works");
    let without = |change: fn(&mut RedisOptions)| {
        let mut options = options.clone();
        change(&mut options);
        options
    };
    for (faulty, why) in [
        (without(|options| options.server_name = None), "name"),
        (
            without(|options| {
                options.tls_certificate = None;
                options.tls_key = None;
            }),
            "ertificate",
        ),
        (
            without(|options| options.tls_key = None),
            "must be set together",
        ),
        (
            without(|options| options.tls_key.clone_from(&options.tls_certificate)),
            "no private key",
        ),
        (
            without(|options| options.tls_ca = Some("/nowhere.pem".into())),
            "/nowhere.pem",
        ),
    ] {
        let fault = Store::open_with(&location, &faulty).await;
        let fault = fault.expect_err(why).to_string();
        assert!(fault.contains(why), "{why}: {fault}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_can_have_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = ["--cluster-enabled", "yes", "--tls-cluster", "yes"];
    let open = ["--tls-auth-clients", "no"];
    let (server, port) = with_tls_and(folder.path(), &[&cluster[..], &open].concat());
    assert_eq!(server.command("CLUSTER ADDSLOTSRANGE 0 16383"), "+OK");
    crate::until("the cluster", async || {
        server.command("CLUSTER INFO").contains("cluster_state:ok")
    })
    .await;
    let ca = folder.path().join("ca.pem");
    let url = format!("rediss+cluster://127.0.0.1:{port}?ca={}", ca.display());
    let options = RedisOptions {
        server_name: Some("localhost".to_owned()),
        ..RedisOptions::default()
    };
    let store = Store::open_with(&StoreLocation::Redis(url), &options).await;
    store.expect("opened").probe().await.expect("it works");
}

#[tokio::test]
async fn what_is_given_twice_is_an_error() {
    let options = RedisOptions {
        username: Some("me".to_owned()),
        password_file: Some("/run/password".into()),
        database: Some(2),
        tls_ca: Some("/etc/ca.pem".into()),
        ..RedisOptions::default()
    };
    for (url, what) in [
        ("redis://you:hush@h", "the user name"),
        ("redis://:hush@h", "the password"),
        ("redis://h/1", "the database"),
        ("rediss://h?ca=/etc/ca.pem", "certificate authorities"),
    ] {
        let location = StoreLocation::Redis(url.to_owned());
        let fault = Store::open_with(&location, &options).await;
        let fault = fault.expect_err(url).to_string();
        assert!(fault.contains(what) && fault.contains("[redis]"), "{fault}");
        assert!(!fault.contains("hush"), "{fault}");
    }
    let plain = StoreLocation::Redis("redis://h".to_owned());
    let options = RedisOptions {
        tls_ca: Some("/etc/ca.pem".into()),
        ..RedisOptions::default()
    };
    let fault = Store::open_with(&plain, &options).await;
    let fault = fault.expect_err("no TLS").to_string();
    assert!(fault.contains("rediss"), "{fault}");
}

#[tokio::test]
async fn a_password_of_any_characters_works_when_it_is_percent_encoded() {
    let server = RedisServer::start_with(&["--save", "", "--requirepass", "p/a?s#s%40:@"]);
    let host = server.url().trim_start_matches("redis://").to_owned();
    let url = format!("redis://:p%2Fa%3Fs%23s%2540%3A%40@{host}");
    assert!(url.parse::<StoreLocation>().is_ok());
    Store::open(&StoreLocation::Redis(url))
        .await
        .expect("opened");
    for wrong in [format!("redis://:wrong@{host}"), format!("redis://{host}")] {
        let fault = refused(wrong).await;
        assert!(
            fault.contains("percent-encoded") && !fault.contains("wrong@"),
            "{fault}"
        );
    }
}

/// The permissions of the Redis user in docs/STORAGE.md.
fn rights() -> String {
    let text = include_str!("../../../docs/STORAGE.md");
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("ACL SETUSER vestibule "))
        .expect("the line of the document");
    line.replace("PASSWORD", "hush")
}

#[tokio::test]
async fn the_documented_permissions_suffice_for_every_operation() {
    let server = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
    assert_eq!(
        server.command(&format!("ACL SETUSER vestibule {}", rights())),
        "+OK"
    );
    let url = server.url().replace("redis://", "redis://vestibule:hush@");
    let store = Store::open(&StoreLocation::Redis(url))
        .await
        .expect("opened");
    store.ping().await.expect("ping");
    store.probe().await.expect("probe");
    assert!(store.insert("a", b"1", Ttl::Forever).await.expect("insert"));
    assert_eq!(
        store.get("a").await.expect("get").as_deref(),
        Some(&b"1"[..])
    );
    assert_eq!(
        store
            .compare_and_swap("a", b"1", b"2", MINUTE)
            .await
            .expect("swap"),
        CasResult::Done
    );
    assert_eq!(
        store.take("a").await.expect("take").as_deref(),
        Some(&b"2"[..])
    );
    assert!(!store.remove("a").await.expect("remove"));
    assert_eq!(
        store
            .count("c", std::time::Duration::from_mins(1))
            .await
            .expect("count"),
        1
    );
    assert!(store.set_add("l", "m").await.expect("set_add"));
    assert_eq!(store.set_range("l", None, 9).await.expect("members"), ["m"]);
    let mut export = store.export().await.expect("an export");
    let mut entries = Vec::new();
    while let Some(entry) = export.next().await {
        entries.push(entry.expect("an entry"));
    }
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert!(store.set_remove("l", "m").await.expect("set_remove"));
    let warnings = store.durability_warnings().await.expect("warnings");
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("KEEPS NOTHING ON DISK")),
        "its settings are readable: {warnings:?}"
    );
}

/// Opens a store as the documented user with these permissions more, and uses it.
async fn used_with(server: &RedisServer, scheme: &str, more: &str, options: RedisOptions) {
    let user = format!("ACL SETUSER vestibule {} {more}", rights());
    assert_eq!(server.command(&user), "+OK");
    let user = format!("{scheme}://vestibule:hush@");
    let location = StoreLocation::Redis(server.url().replace("redis://", &user));
    let store = Store::open_with(&location, &options).await.expect("opened");
    store.probe().await.expect("it works");
    assert!(store.insert("a", b"1", MINUTE).await.expect("insert"));
    store.settled("a").await.expect("settled");
    let mut export = store.export().await.expect("an export");
    assert!(export.next().await.expect("an entry").is_ok());
}

#[tokio::test]
async fn the_documented_permissions_suffice_for_a_cluster_and_for_waiting() {
    let node = RedisServer::start_with(&["--cluster-enabled", "yes"]);
    assert_eq!(node.command("CLUSTER ADDSLOTSRANGE 0 16383"), "+OK");
    crate::until("the cluster", async || {
        node.command("CLUSTER INFO").contains("cluster_state:ok")
    })
    .await;
    let more = "+cluster|slots +asking";
    used_with(&node, "redis+cluster", more, RedisOptions::default()).await;

    let (primary, replica) = (RedisServer::start(), RedisServer::start());
    let follow = format!("REPLICAOF 127.0.0.1 {}", primary.port());
    assert_eq!(replica.command(&follow), "+OK");
    crate::until("the replica", async || {
        let info = replica.command("INFO replication");
        info.contains("master_link_status:up")
    })
    .await;
    let options = RedisOptions {
        wait_for_replica: Some(std::time::Duration::from_secs(5)),
        ..RedisOptions::default()
    };
    used_with(&primary, "redis", "+wait", options).await;
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let server = RedisServer::start_with(&["--save", "", "--appendonly", "no"]);
    assert_eq!(
        server.command(&format!("ACL SETUSER vestibule {} -getdel", rights())),
        "+OK"
    );
    let url = server.url().replace("redis://", "redis://vestibule:hush@");
    let fault = match Store::open(&StoreLocation::Redis(url)).await {
        Err(fault) => fault,
        Ok(store) => store.take("a").await.expect_err("not allowed"),
    };
    assert!(
        matches!(&fault, Error::Unavailable(text) if text.contains("getdel") && text.contains("docs/STORAGE.md")),
        "{fault}"
    );
}
