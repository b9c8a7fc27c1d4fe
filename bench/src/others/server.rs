//! The servers that are measured side by side.

use std::{path::Path, process::Command};

use tempfile::TempDir;
use testkit::RedisServer;

use crate::{
    Outcome, context,
    deployment::{Deployment, Engine, WEB_CALLBACK, web_metadata},
    load::Meter,
    process::{self, PACKAGES, Process},
    scenario::{Endpoints, VirtualUser},
    wire::{METADATA, Wire},
};

/// The scope that the other servers know.
const SCOPE: &str = "mcp";
/// How many redirects lead through the first authorization of a user, at the most.
const REDIRECTS: usize = 10;

/// A server under measurement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    VestibuleRedis,
    VestibuleEmbedded,
    NodeOidcProvider,
    PythonSdk,
}

impl Name {
    pub(super) const ALL: [Self; 4] = [
        Self::VestibuleRedis,
        Self::VestibuleEmbedded,
        Self::NodeOidcProvider,
        Self::PythonSdk,
    ];

    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::VestibuleRedis => "Vestibule on Redis",
            Self::VestibuleEmbedded => "Vestibule, embedded store",
            Self::NodeOidcProvider => "node-oidc-provider on Redis",
            Self::PythonSdk => "Python `mcp`, in memory",
        }
    }

    pub(super) const fn uses_redis(self) -> bool {
        matches!(self, Self::VestibuleRedis | Self::NodeOidcProvider)
    }
}

/// A running server.
pub(super) struct Server {
    pub(super) name: Name,
    running: Running,
}

enum Running {
    Vestibule(Box<Deployment>),
    Other(Box<Other>),
}

/// A server of others, from a program in [`PACKAGES`].
struct Other {
    // Dropped in this order.
    process: Process,
    redis: Option<RedisServer>,
    issuer: String,
    _folder: TempDir,
}

impl Server {
    pub(super) fn start(name: Name, binary: &Path) -> Outcome<Self> {
        let vestibule = |engine| {
            let deployment = Deployment::open(engine, binary)?;
            Ok(Running::Vestibule(Box::new(deployment)))
        };
        let running = match name {
            Name::VestibuleRedis => vestibule(Engine::Redis),
            Name::VestibuleEmbedded => vestibule(Engine::File),
            Name::NodeOidcProvider => {
                let mut command = Command::new(process::node());
                command
                    .arg("compared/oidc-provider.mjs")
                    .env("NODE_ENV", "production");
                Other::start(command, Some(RedisServer::start()))
            }
            Name::PythonSdk => {
                let python = Path::new(PACKAGES).join(".venv/bin/python");
                let python = std::path::absolute(python).map_err(context("Python"))?;
                let mut command = Command::new(python);
                command.arg("compared/mcp_sdk.py");
                Other::start(command, None)
            }
        }?;
        Ok(Self { name, running })
    }

    pub(super) fn process(&self) -> &Process {
        match &self.running {
            Running::Vestibule(deployment) => deployment.server(),
            Running::Other(other) => &other.process,
        }
    }

    pub(super) fn meter(&self) -> Meter {
        match &self.running {
            Running::Vestibule(deployment) => deployment.meter(),
            Running::Other(other) => Meter {
                server: other.process.id(),
                redis: other.redis.as_ref().map(RedisServer::id),
            },
        }
    }

    /// A user with a web client that was allowed once.
    pub(super) async fn user(&self, binary: &Path) -> Outcome<VirtualUser> {
        match &self.running {
            Running::Vestibule(deployment) => {
                let (user, form_token) = deployment.furnish(binary).await?;
                let mut user = deployment.allow_for_good(&user, &form_token).await?;
                let mut wire = Wire::connect(deployment.server().address()).await?;
                user.endpoints = discovered(&mut wire, &user).await?;
                Ok(user)
            }
            Running::Other(other) => other.user().await,
        }
    }
}

impl Other {
    fn start(mut command: Command, redis: Option<RedisServer>) -> Outcome<Running> {
        let folder = tempfile::tempdir().map_err(context("a folder"))?;
        let port = process::free_port()?;
        command.arg(port.to_string()).current_dir(PACKAGES);
        command.args(redis.as_ref().map(RedisServer::url));
        let process = Process::start(command, port, &folder.path().join("server.log"));
        let process = process.map_err(context(
            "a server whose packages scripts/setup-libraries installs",
        ))?;
        Ok(Running::Other(Box::new(Self {
            process,
            redis,
            issuer: format!("http://localhost:{port}"),
            _folder: folder,
        })))
    }

    async fn user(&self) -> Outcome<VirtualUser> {
        let mut wire = Wire::connect(self.process.address()).await?;
        let mut user = VirtualUser {
            callback: WEB_CALLBACK,
            scope: Some(SCOPE),
            ..VirtualUser::new(&self.issuer, &format!("{}/mcp", self.issuer))
        };
        user.endpoints = discovered(&mut wire, &user).await?;
        let registered = wire.send(&user.register(&web_metadata())).await?;
        registered.member("client_id")?.clone_into(&mut user.client);
        allow(&mut wire, &mut user).await?;
        Ok(user)
    }
}

/// The endpoints that the metadata of the user's server (RFC 8414) name.
async fn discovered(wire: &mut Wire, user: &VirtualUser) -> Outcome<Endpoints> {
    let document = wire.send(&user.get(METADATA)).await?;
    let path = |member: &str| {
        let url = document.member(member)?;
        let path = url.strip_prefix(&user.issuer);
        path.map(str::to_owned).ok_or_else(|| document.unexpected())
    };
    Ok(Endpoints {
        authorization: path("authorization_endpoint")?,
        token: path("token_endpoint")?,
        registration: path("registration_endpoint")?,
    })
}

/// Follows the redirects of an authorization request to the client, which stores the user's session.
async fn allow(wire: &mut Wire, user: &mut VirtualUser) -> Outcome<()> {
    let mut request = user.authorize();
    for _ in 0..REDIRECTS {
        let answer = wire.send(&request).await?;
        user.store_cookies(&answer);
        let location = answer.location()?;
        if location.starts_with(user.callback) {
            return user.code_of(&answer).map(|_| ());
        }
        let path = location.strip_prefix(&user.issuer).unwrap_or(location);
        request = user.get(path);
    }
    Err("the authorization leads to no code".to_owned())
}
