//! The server under measurement, with an account, a client and a signed-in user.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use store::StoreLocation;
use tempfile::TempDir;
use testkit::{RedisServer, cookies::CookieJar, native_metadata};

use crate::{
    Outcome, clock, context,
    load::{Meter, Scenario as _},
    process::{self, Memory, Process},
    scenario::{Repeat, VirtualUser},
    wire::{Answer, Wire, between},
};

pub(crate) const EMAIL: &str = "bench@example.com";
pub(crate) const PASSWORD: &str = "a password for nobody in particular";
/// The callback of a web client: an application on the own machine would be asked for each time.
pub(crate) const WEB_CALLBACK: &str = "https://app.example/callback";
/// The time until the idle memory is read.
const SETTLE: Duration = Duration::from_secs(2);

/// The store engine of the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    File,
    Redis,
}

/// Where the data of a server are: a folder, and a Redis if they are there.
pub(crate) struct Place {
    // Dropped in this order.
    redis: Option<RedisServer>,
    folder: TempDir,
}

impl Place {
    /// An empty one, with persistence.
    pub(crate) fn open(engine: Engine) -> Outcome<Self> {
        let folder = tempfile::tempdir().map_err(context("a folder"))?;
        let redis = (engine == Engine::Redis).then(RedisServer::start);
        Ok(Self { redis, folder })
    }

    /// An empty one whose Redis writes nothing to the disk.
    pub(crate) fn open_in_memory(engine: Engine) -> Outcome<Self> {
        let folder = tempfile::tempdir().map_err(context("a folder"))?;
        let options = ["--save", "", "--appendonly", "no"];
        let redis = (engine == Engine::Redis).then(|| RedisServer::start_with(&options));
        Ok(Self { redis, folder })
    }

    /// The location of the store.
    pub(crate) fn location(&self) -> StoreLocation {
        match &self.redis {
            None => StoreLocation::File(self.data()),
            Some(redis) => StoreLocation::Redis(redis.url()),
        }
    }

    /// The size of the file of the store in bytes; 0 without one.
    pub(crate) fn size(&self) -> u64 {
        std::fs::metadata(self.data().join(store::FILE)).map_or(0, |file| file.len())
    }

    /// The setting of the location.
    fn setting(&self) -> String {
        match self.location() {
            StoreLocation::File(folder) => format!("file:{}", folder.display()),
            StoreLocation::Redis(url) => url,
            StoreLocation::Memory => "memory".to_owned(),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

/// A running server with its store and folders.
pub(crate) struct Deployment {
    // Dropped in this order.
    server: Process,
    environment: Vec<(&'static str, String)>,
    issuer: String,
    resource: String,
    pub(crate) idle: Memory,
    place: Place,
}

impl Deployment {
    /// Starts Redis if needed, and the server `binary`.
    pub(crate) fn open(engine: Engine, binary: &Path) -> Outcome<Self> {
        Self::open_with(engine, binary, &[])
    }

    /// Like [`Self::open`], with other settings.
    pub(crate) fn open_with(
        engine: Engine,
        binary: &Path,
        settings: &[(&'static str, &str)],
    ) -> Outcome<Self> {
        Self::at(Place::open(engine)?, binary, settings)
    }

    /// Starts the server `binary` over the data of a place, with these settings.
    pub(crate) fn at(
        place: Place,
        binary: &Path,
        settings: &[(&'static str, &str)],
    ) -> Outcome<Self> {
        let port = process::free_port()?;
        let issuer = format!("http://localhost:{port}");
        let mut environment = environment(port, &issuer, &place.setting());
        let settings = settings.iter();
        environment.extend(settings.map(|(name, value)| (*name, (*value).to_owned())));
        if place.redis.is_some() {
            environment.push(("VESTIBULE_SEALING_KEY", sealing_key(binary)?));
        }
        let server = started(binary, &environment, &place, port)?;
        std::thread::sleep(SETTLE);
        let idle = process::memory(server.id());
        Ok(Self {
            server,
            environment,
            resource: format!("{issuer}/mcp"),
            issuer,
            idle,
            place,
        })
    }

    /// Kills the server, and starts it again; returns how long it takes until it says that it is
    /// ready.
    pub(crate) async fn restart(self, binary: &Path) -> Outcome<Restarted> {
        let port = self.server.address().port();
        // Killed by SIGKILL.
        drop(self.server);
        let begun = clock::now();
        let server = started(binary, &self.environment, &self.place, port)?;
        let ready = format!("GET /health/ready HTTP/1.1\r\nhost: localhost:{port}\r\n\r\n");
        let mut wire = Wire::connect(server.address()).await?;
        while wire.send(ready.as_bytes()).await?.status != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let took = clock::now() - begun;
        Ok(Restarted {
            deployment: Self { server, ..self },
            took,
        })
    }

    /// Stops the server; what is left are its data.
    pub(crate) fn stop(self) -> Outcome<Place> {
        let stopped = self.server.terminate()?;
        stopped.ok_or("the server does not stop")?;
        Ok(self.place)
    }

    /// A user without cookies and a client.
    pub(crate) fn stranger(&self) -> VirtualUser {
        VirtualUser::new(&self.issuer, &self.resource)
    }

    /// The command `vestibule` with the settings of this server.
    pub(crate) fn command(&self, binary: &Path, arguments: &[&str]) -> Command {
        vestibule(binary, &self.environment, arguments)
    }

    /// The process of the server.
    pub(crate) fn server(&self) -> &Process {
        &self.server
    }

    /// The processes to measure.
    pub(crate) fn meter(&self) -> Meter {
        Meter {
            server: self.server.id(),
            redis: self.redis_id(),
        }
    }

    /// The process of Redis.
    pub(crate) fn redis_id(&self) -> Option<u32> {
        self.place.redis.as_ref().map(RedisServer::id)
    }

    /// An error, with the last log lines of the server and Redis.
    pub(crate) fn explain(&self, fault: &str) -> String {
        let server = std::fs::read_to_string(self.place.folder.path().join("server.log"));
        let redis = self.place.redis.as_ref().map(RedisServer::log);
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

    /// A store for the floors: a separate file on the same disk, or the same Redis.
    pub(crate) fn floor_store(&self) -> String {
        if self.place.redis.is_some() {
            self.place.setting()
        } else {
            format!("file:{}", self.place.folder.path().join("floor").display())
        }
    }

    /// A registration request.
    pub(crate) fn registration(user: &VirtualUser) -> Repeat {
        Repeat {
            request: user.register(&native_metadata().to_string()),
            status: 201,
        }
    }

    /// Creates an account, registers a client and signs in; returns the user and the form token of
    /// consent pages.
    pub(crate) async fn furnish(&self, binary: &Path) -> Outcome<(VirtualUser, String)> {
        self.add_account(binary, EMAIL)?;
        let mut user = self.stranger();
        let mut wire = Wire::connect(self.server.address()).await?;

        let mut registration = Vec::new();
        Self::registration(&user).next_request(&mut registration);
        let registered = wire.send(&registration).await?;
        registered.member("client_id")?.clone_into(&mut user.client);
        sign_in(&mut wire, &mut user, EMAIL).await?;
        let consent = wire.send(&user.authorize()).await?.location()?.to_owned();
        let token = self::form_token(&wire.send(&user.get(&consent)).await?)?;
        Ok((user, token))
    }

    /// The same user with a web client that was allowed once: it needs no page from then on.
    pub(crate) async fn allow_for_good(
        &self,
        user: &VirtualUser,
        form_token: &str,
    ) -> Outcome<VirtualUser> {
        let mut user = VirtualUser {
            callback: WEB_CALLBACK,
            ..user.clone()
        };
        let mut wire = Wire::connect(self.server.address()).await?;
        let registration = user.register(&web_metadata());
        let registered = wire.send(&registration).await?;
        registered.member("client_id")?.clone_into(&mut user.client);
        let pending = wire.send(&user.authorize()).await?.location()?.to_owned();
        let request = pending
            .split_once("request=")
            .ok_or("a pending request")?
            .1
            .to_owned();
        let allowed = wire.send(&user.consent(form_token, &request)).await?;
        user.code_of(&allowed)?;
        Ok(user)
    }

    /// The same with clients that ask for another resource than the demonstration.
    pub(crate) fn asking_for(mut self, resource: String) -> Self {
        self.resource = resource;
        self
    }

    /// A browser with these cookies that has opened the login page, and its form token.
    pub(crate) async fn visitor(&self, cookies: &CookieJar) -> Outcome<(VirtualUser, String)> {
        let mut user = VirtualUser {
            cookies: cookies.clone(),
            ..self.stranger()
        };
        let mut wire = Wire::connect(self.server.address()).await?;
        let page = wire.send(&user.get("/login")).await?;
        user.store_cookies(&page);
        let token = form_token(&page)?;
        Ok((user, token))
    }

    /// Adds an account with [`PASSWORD`].
    pub(crate) fn add_account(&self, binary: &Path, email: &str) -> Outcome<()> {
        add_account(binary, &self.environment, email)
    }
}

/// A server that was killed and started again.
pub(crate) struct Restarted {
    pub(crate) deployment: Deployment,
    /// From its start until it was ready.
    pub(crate) took: Duration,
}

fn started(
    binary: &Path,
    environment: &[(&str, String)],
    place: &Place,
    port: u16,
) -> Outcome<Process> {
    let command = vestibule(binary, environment, &["serve"]);
    Process::start(command, port, &place.folder.path().join("server.log"))
}

/// Adds an account with [`PASSWORD`] to the store of these settings.
pub(crate) fn add_account(
    binary: &Path,
    environment: &[(&str, String)],
    email: &str,
) -> Outcome<()> {
    let mut command = vestibule(
        binary,
        environment,
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

/// The settings of a measurement.
fn environment(port: u16, issuer: &str, store: &str) -> Vec<(&'static str, String)> {
    vec![
        ("VESTIBULE_ISSUER", issuer.to_owned()),
        ("VESTIBULE_LISTEN", format!("127.0.0.1:{port}")),
        ("VESTIBULE_STORE", store.to_owned()),
        ("VESTIBULE_RATE_LIMITS", "off".to_owned()),
        // Codes are created before the measurement, and must not expire before it.
        ("VESTIBULE_CODE_LIFETIME", "10m".to_owned()),
        // A grant is refreshed every second here instead of every hour. Its record must not have
        // more rotated tokens than then.
        ("VESTIBULE_REFRESH_REPLAY_WINDOW", "1s".to_owned()),
    ]
}

/// The command `vestibule` with these settings, without the caller's environment.
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

/// A sealing key that `binary` makes.
pub(crate) fn sealing_key(binary: &Path) -> Outcome<String> {
    let made = vestibule(binary, &[], &["key", "seal"])
        .output()
        .map_err(context("key seal"))?;
    String::from_utf8(made.stdout)
        .map(|key| key.trim().to_owned())
        .map_err(context("key seal"))
}

/// Signs in with [`PASSWORD`], and stores the cookies.
pub(crate) async fn sign_in(wire: &mut Wire, user: &mut VirtualUser, email: &str) -> Outcome<()> {
    let page = wire.send(&user.get("/login")).await?;
    user.store_cookies(&page);
    let form_token = form_token(&page)?;
    let fields = [
        ("form_token", form_token.as_str()),
        ("email", email),
        ("password", PASSWORD),
        ("request", ""),
    ];
    let form = user.browser_form("/actions/sign_in", &fields);
    let signed_in = wire.send(&form).await?;
    signed_in.location()?;
    user.store_cookies(&signed_in);
    Ok(())
}

/// The registration of a public web client that redirects to [`WEB_CALLBACK`].
pub(crate) fn web_metadata() -> String {
    let mut metadata = native_metadata();
    metadata["application_type"] = "web".into();
    metadata["redirect_uris"] = [WEB_CALLBACK].into();
    metadata.to_string()
}

pub(crate) fn form_token(page: &Answer<'_>) -> Outcome<String> {
    let tag = between(page.text(), "name=\"form_token\"", ">").ok_or_else(|| page.unexpected())?;
    between(tag, "value=\"", "\"")
        .map(str::to_owned)
        .ok_or_else(|| page.unexpected())
}
