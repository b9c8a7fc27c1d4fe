//! The server under measurement, set up as a newcomer would: an account, a client, a person who is
//! signed in.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use testkit::{
    CALLBACK, RedisServer,
    cookies::{self, CookieJar},
    native_metadata,
};

use crate::{
    Outcome, context,
    load::{Meter, Scenario as _},
    process::{self, Memory, Process},
    scenario::{Repeat, VirtualUser},
    wire::{Answer, Wire, between},
};

pub(crate) const EMAIL: &str = "bench@example.com";
pub(crate) const PASSWORD: &str = "a password for nobody in particular";
/// The server settles down until its idle memory is read.
const SETTLE: Duration = Duration::from_secs(2);

/// Which engine the server runs on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    File,
    Redis,
}

/// A running server with everything around it.
pub(crate) struct Deployment {
    // In this order they end.
    server: Process,
    redis: Option<RedisServer>,
    environment: Vec<(&'static str, String)>,
    store: String,
    issuer: String,
    pub(crate) idle: Memory,
    folder: TempDir,
}

impl Deployment {
    /// Starts Redis if need be, and the server `binary`.
    pub(crate) fn open(engine: Engine, binary: &Path) -> Outcome<Self> {
        Self::open_with(engine, binary, &[])
    }

    /// The same, with settings that differ.
    pub(crate) fn open_with(
        engine: Engine,
        binary: &Path,
        settings: &[(&'static str, &str)],
    ) -> Outcome<Self> {
        let folder = tempfile::tempdir().map_err(context("a folder"))?;
        let redis = (engine == Engine::Redis).then(RedisServer::start);
        let store = match &redis {
            None => format!("file:{}", folder.path().join("data").display()),
            Some(redis) => redis.url(),
        };
        let port = process::free_port()?;
        let issuer = format!("http://localhost:{port}");
        let mut environment = vec![
            ("VESTIBULE_ISSUER", issuer.clone()),
            ("VESTIBULE_LISTEN", format!("127.0.0.1:{port}")),
            ("VESTIBULE_STORE", store.clone()),
            ("VESTIBULE_RATE_LIMITS", "off".to_owned()),
            // Codes are made before they are measured, and may live no longer than this.
            ("VESTIBULE_CODE_LIFETIME", "10m".to_owned()),
            // A grant is refreshed every second here instead of every hour: its record is not to
            // remember more than then.
            ("VESTIBULE_REFRESH_REPLAY_WINDOW", "1s".to_owned()),
        ];
        environment.extend(
            settings
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        if redis.is_some() {
            environment.push(("VESTIBULE_SEALING_KEY", sealing_key(binary)?));
        }
        let server = Process::start(
            vestibule(binary, &environment, &["serve"]),
            port,
            &folder.path().join("server.log"),
        )?;
        std::thread::sleep(SETTLE);
        let idle = process::memory(server.id());
        Ok(Self {
            server,
            redis,
            environment,
            store,
            issuer,
            idle,
            folder,
        })
    }

    /// The process of the server.
    pub(crate) fn server(&self) -> &Process {
        &self.server
    }

    /// What is to be read while the server works.
    pub(crate) fn meter(&self) -> Meter {
        Meter {
            server: self.server.id(),
            redis: self.redis_id(),
        }
    }

    /// The process of Redis.
    pub(crate) fn redis_id(&self) -> Option<u32> {
        self.redis.as_ref().map(RedisServer::id)
    }

    /// A fault, with what the server and Redis had to complain about.
    pub(crate) fn explain(&self, fault: &str) -> String {
        let server = std::fs::read_to_string(self.folder.path().join("server.log"));
        let redis = self.redis.as_ref().map(RedisServer::log);
        let logs = [
            ("server", server.unwrap_or_default()),
            ("redis", redis.unwrap_or_default()),
        ];
        let complaints = logs.into_iter().flat_map(|(log, text)| {
            let grave = |line: &&str| {
                line.contains("ERROR") || line.contains("WARN") || line.contains(" # ")
            };
            text.lines()
                .filter(grave)
                .map(|line| format!("\n{log}: {line}"))
                .take(20)
                .collect::<Vec<_>>()
        });
        format!("{fault}{}", complaints.collect::<String>())
    }

    /// A store like the server's for the floors: a file of its own on the same disk, or the same
    /// Redis.
    pub(crate) fn floor_store(&self) -> String {
        if self.redis.is_some() {
            self.store.clone()
        } else {
            format!("file:{}", self.folder.path().join("floor").display())
        }
    }

    /// A registration, as a request.
    pub(crate) fn registration(user: &VirtualUser) -> Repeat {
        Repeat {
            request: user.json("/register", &native_metadata().to_string()),
            status: 201,
        }
    }

    /// Makes an account, registers a client, signs in; returns who asks from now on, and the token
    /// of consent forms.
    pub(crate) async fn furnish(&self, binary: &Path) -> Outcome<(VirtualUser, String)> {
        self.add_account(binary, EMAIL)?;
        let issuer = self.issuer.clone();
        let mut user = VirtualUser {
            issuer,
            client: String::new(),
            callback: CALLBACK,
            cookies: CookieJar::new(),
        };
        let mut wire = Wire::connect(self.server.address()).await?;

        let mut registration = Vec::new();
        Self::registration(&user).ask(&mut registration);
        user.client = wire
            .send(&registration)
            .await?
            .member("client_id")?
            .to_owned();

        let page = wire.send(&user.get("/login")).await?;
        store_cookies(&mut user, &page);
        let form_token = form_token(&page)?;
        let fields = [
            ("form_token", form_token.as_str()),
            ("email", EMAIL),
            ("password", PASSWORD),
            ("request", ""),
        ];
        let signed_in = wire
            .send(&user.browser_form("/actions/sign_in", &fields))
            .await?;
        signed_in.location()?;
        store_cookies(&mut user, &signed_in);

        let consent = wire.send(&user.authorize()).await?.location()?.to_owned();
        let token = self::form_token(&wire.send(&user.get(&consent)).await?)?;
        Ok((user, token))
    }

    /// A browser that has opened the sign-in page, and the token of its forms. A browser that has
    /// been here before comes with its cookies.
    pub(crate) async fn visitor(&self, cookies: &CookieJar) -> Outcome<(VirtualUser, String)> {
        let (issuer, client) = (self.issuer.clone(), String::new());
        let mut user = VirtualUser {
            issuer,
            client,
            callback: CALLBACK,
            cookies: cookies.clone(),
        };
        let mut wire = Wire::connect(self.server.address()).await?;
        let page = wire.send(&user.get("/login")).await?;
        store_cookies(&mut user, &page);
        let token = form_token(&page)?;
        Ok((user, token))
    }

    /// Adds an account with [`PASSWORD`].
    pub(crate) fn add_account(&self, binary: &Path, email: &str) -> Outcome<()> {
        let mut command = vestibule(
            binary,
            &self.environment,
            &["account", "add", email, "--password-stdin"],
        );
        let mut adding = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(context("account add"))?;
        if let Some(mut input) = adding.stdin.take() {
            writeln!(input, "{PASSWORD}").map_err(context("account add"))?;
        }
        let status = adding.wait().map_err(context("account add"))?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("account add ended with {status}"))
        }
    }
}

/// The command `vestibule`, with these settings and none of the caller's.
pub(crate) fn vestibule(
    binary: &Path,
    environment: &[(&str, String)],
    arguments: &[&str],
) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VESTIBULE_"))
    {
        command.env_remove(name);
    }
    command
        .env_remove("RUST_LOG")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .args(arguments);
    command
}

fn sealing_key(binary: &Path) -> Outcome<String> {
    let made = vestibule(binary, &[], &["key", "seal"])
        .output()
        .map_err(context("key seal"))?;
    String::from_utf8(made.stdout)
        .map(|key| key.trim().to_owned())
        .map_err(context("key seal"))
}

/// Stores the cookies of an answer.
fn store_cookies(user: &mut VirtualUser, answer: &Answer<'_>) {
    for cookie in answer.headers("set-cookie") {
        cookies::store(&mut user.cookies, cookie);
    }
}

fn form_token(page: &Answer<'_>) -> Outcome<String> {
    let tag = between(page.text(), "name=\"form_token\"", ">").ok_or_else(|| page.unexpected())?;
    between(tag, "value=\"", "\"")
        .map(str::to_owned)
        .ok_or_else(|| page.unexpected())
}
