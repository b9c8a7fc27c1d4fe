use access_token::SealingKey;
use oauth::Issuer;
use provider::{Environment, Settings};
use store::{Store, StoreLocation};

use super::*;

async fn provider() -> Provider {
    let settings = Settings::new(
        Issuer::parse("http://localhost:3000").expect("an issuer"),
        app::pages::link_pages(),
    );
    let store = Store::open(&StoreLocation::Memory).await.expect("a store");
    let key = SealingKey::from_bytes(&[7; 32]).expect("a key");
    Provider::open(settings, store, key, Environment::system())
        .await
        .expect("a provider")
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("there").permissions().mode() & 0o777
}

/// A new store has the active key and the one that signs next.
const KEYS: usize = 2;

async fn listed(folder: &Path) -> usize {
    match call(folder, &AdminCommand::ListKeys)
        .await
        .expect("reached")
        .expect("somebody listens")
    {
        Ok(AdminReply::Keys(keys)) => keys.len(),
        _ => panic!("another answer"),
    }
}

#[tokio::test]
async fn a_request_travels_and_the_socket_is_private() {
    let folder = tempfile::tempdir().expect("a folder");
    let socket = ControlSocket::bind(folder.path()).expect("bound");
    assert_eq!(mode(&folder.path().join(NAME)), 0o600);
    let server = tokio::spawn(socket.serve(provider().await));
    assert_eq!(listed(folder.path()).await, KEYS);
    let unknown = AdminCommand::RemoveClient {
        client_id: "nobody".into(),
    };
    let answer = call(folder.path(), &unknown)
        .await
        .expect("reached")
        .expect("somebody listens");
    assert!(matches!(
        answer,
        Err(ControlError::Administration(AdministrationError::NotFound(
            _
        )))
    ));

    server.abort();
    let _ = server.await;
    assert!(!folder.path().join(NAME).exists());
    assert!(
        call(folder.path(), &AdminCommand::ListKeys)
            .await
            .expect("no fault")
            .is_none()
    );
}

#[tokio::test]
async fn a_path_longer_than_the_kernel_takes_works() {
    let base = tempfile::tempdir().expect("a folder");
    let folder = base
        .path()
        .join("a-long-name-".repeat(10))
        .join("another-long-name-".repeat(10));
    std::fs::create_dir_all(&folder).expect("created");
    let server = tokio::spawn(
        ControlSocket::bind(&folder)
            .expect("bound")
            .serve(provider().await),
    );
    assert_eq!(mode(&folder.join(NAME)), 0o600);
    assert_eq!(listed(&folder).await, KEYS);
    server.abort();
}

#[tokio::test]
async fn a_socket_left_over_is_nobody_and_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(NAME)).expect("bound"));
    assert!(
        call(folder.path(), &AdminCommand::ListKeys)
            .await
            .expect("no fault")
            .is_none()
    );
    let server = tokio::spawn(
        ControlSocket::bind(folder.path())
            .expect("bound in its place")
            .serve(provider().await),
    );
    assert_eq!(listed(folder.path()).await, KEYS);
    server.abort();
}

#[tokio::test]
async fn nonsense_is_answered_and_harms_nobody() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = tokio::spawn(
        ControlSocket::bind(folder.path())
            .expect("bound")
            .serve(provider().await),
    );
    let mut stream = connect(folder.path()).expect("connected");
    stream
        .write_all(b"{\"request\":\"open_sesame\"}\n")
        .await
        .expect("sent");
    let answer = read_line(&mut stream, u64::MAX).await.expect("an answer");
    assert!(
        answer.starts_with(b"{\"Err\""),
        "{}",
        String::from_utf8_lossy(&answer)
    );
    drop(connect(folder.path()).expect("connected, and gone"));
    assert_eq!(listed(folder.path()).await, KEYS);
    server.abort();
}
