//! OAuth clients of two server processes over one store.

mod client;
mod truth;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use testkit::native_metadata;

use self::{client::Client, truth::Truth};
use super::{
    CLIENTS, Campaign,
    chaos::{Chaos, Writer},
    random::Random,
    servers::Servers,
};
use crate::{
    Outcome, clock, context,
    deployment::{add_account, form_token, sealing_key, sign_in, vestibule},
    failover::registers,
    process::{self, Process},
    scenario::VirtualUser,
    wire::Wire,
};

/// How many accounts the clients share. The first two are disabled half-way.
const ACCOUNTS: usize = 8;
const DISABLED: usize = 2;
/// How often a command is repeated that met an outage.
const TRIES: usize = 20;
/// Makes a process read its clock from a file (Debian's package `libfaketime`).
const FAKE_TIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// Two servers over one store.
struct Pair {
    _processes: Vec<Process>,
    environment: Vec<(&'static str, String)>,
    issuer: String,
    ports: [u16; 2],
    /// The clocks of both, if they can be set.
    clocks: Vec<PathBuf>,
    _folder: TempDir,
}

/// Gives a command a clock of its own, on time.
fn with_clock(command: &mut Command, file: &Path) -> Outcome<()> {
    std::fs::write(file, "+0").map_err(context("a clock"))?;
    command
        .env("LD_PRELOAD", FAKE_TIME)
        .env("FAKETIME_TIMESTAMP_FILE", file)
        .env("FAKETIME_CACHE_DURATION", "1")
        // Time-outs go by the monotonic clock, which no administrator can set.
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    Ok(())
}

impl Pair {
    fn start(campaign: &Campaign, store: String, binary: &Path) -> Outcome<Self> {
        let folder = tempfile::tempdir().map_err(context("a folder"))?;
        let ports = [process::free_port()?, process::free_port()?];
        let issuer = format!("http://localhost:{}", ports[0]);
        let wait = if campaign.waits { "1s" } else { "0s" };
        let environment = vec![
            ("VESTIBULE_ISSUER", issuer.clone()),
            ("VESTIBULE_STORE", store),
            ("VESTIBULE_SEALING_KEY", sealing_key(binary)?),
            ("VESTIBULE_RATE_LIMITS", "off".to_owned()),
            ("VESTIBULE_REGISTRATION_LIMIT", "0".to_owned()),
            ("VESTIBULE_REDIS_WAIT_FOR_REPLICA", wait.to_owned()),
            (
                "VESTIBULE_REDIS_WAIT_REPLICAS",
                campaign.replicas.to_string(),
            ),
        ];
        let mut processes = Vec::new();
        let mut clocks = Vec::new();
        for port in ports {
            let mut command = vestibule(binary, &environment, &["serve"]);
            if Path::new(FAKE_TIME).exists() {
                let clock = folder.path().join(format!("{port}.clock"));
                with_clock(&mut command, &clock)?;
                clocks.push(clock);
            }
            command.args(["--listen", &format!("127.0.0.1:{port}")]);
            let log = folder.path().join(format!("{port}.log"));
            processes.push(Process::start(command, port, &log)?);
        }
        Ok(Self {
            _processes: processes,
            environment,
            issuer,
            ports,
            clocks,
            _folder: folder,
        })
    }

    fn addresses(&self) -> [SocketAddr; 2] {
        self.ports.map(|port| ([127, 0, 0, 1], port).into())
    }

    /// A user who has signed in, and the form token of that session.
    async fn user(&self, binary: &Path, email: &str) -> Outcome<(VirtualUser, String)> {
        add_account(binary, &self.environment, email)?;
        let mut user = VirtualUser::new(&self.issuer, &format!("{}/mcp", self.issuer));
        let mut wire = Wire::connect(self.addresses()[0]).await?;
        sign_in(&mut wire, &mut user, email).await?;
        self.register(&mut user).await?;
        let consent = wire.send(&user.authorize()).await?.location()?.to_owned();
        let token = form_token(&wire.send(&user.get(&consent)).await?)?;
        Ok((user, token))
    }

    async fn register(&self, user: &mut VirtualUser) -> Outcome<()> {
        let mut wire = Wire::connect(self.addresses()[0]).await?;
        let request = user.register(&native_metadata().to_string());
        let registered = wire.send(&request).await?;
        registered.member("client_id")?.clone_into(&mut user.client);
        Ok(())
    }

    async fn clients(&self, binary: &Path, truth: &Arc<Truth>, seed: u64) -> Outcome<Vec<Client>> {
        let mut users = Vec::new();
        for number in 0..ACCOUNTS {
            users.push(self.user(binary, &email(number)).await?);
        }
        let mut clients = Vec::new();
        for number in 0..CLIENTS {
            let account = number % ACCOUNTS;
            let (mut user, form_token) = users[account].clone();
            self.register(&mut user).await?;
            clients.push(Client {
                user,
                form_token,
                account,
                addresses: self.addresses(),
                truth: Arc::clone(truth),
                random: Random::new(seed.wrapping_add(number as u64)),
            });
        }
        Ok(clients)
    }
}

fn email(number: usize) -> String {
    format!("faults-{number}@example.com")
}

/// Disables the first accounts with the command for the terminal, until it succeeds.
fn disable(binary: &Path, environment: &[(&'static str, String)], truth: &Truth) -> Outcome<()> {
    for number in 0..DISABLED {
        let arguments = ["account", "disable", &email(number)];
        let succeeds = || {
            let ended = vestibule(binary, environment, &arguments).output();
            ended.is_ok_and(|ended| ended.status.success())
        };
        if !(0..TRIES).any(|_| succeeds()) {
            return Err("an account cannot be disabled".to_owned());
        }
        truth.disabled(number);
    }
    Ok(())
}

/// Runs the campaign with server processes.
pub(super) async fn run(campaign: &Campaign, servers: Servers, binary: &Path) -> Outcome<bool> {
    let pair = Pair::start(campaign, servers.url(), binary)?;
    let truth = Arc::new(Truth::new(ACCOUNTS));
    let clients = pair.clients(binary, &truth, campaign.seed).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = clients
        .iter()
        .map(|client| {
            let (mut client, stop) = (client.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    client.round().await;
                }
            })
        })
        .collect();
    let half = clock::now() + campaign.length / 2;
    let disabling = {
        let (binary, truth) = (binary.to_owned(), Arc::clone(&truth));
        let environment = pair.environment.clone();
        tokio::task::spawn_blocking(move || {
            while clock::now() < half {
                std::thread::sleep(Duration::from_millis(100));
            }
            disable(&binary, &environment, &truth)
        })
    };
    let writers = pair
        .ports
        .map(|port| Box::new(move || registers(port) == 201) as Writer);
    let random = Random::new(campaign.seed);
    let chaos = Chaos::new(servers, writers, random, pair.clocks.clone(), campaign);
    let deadline = clock::now() + campaign.length;
    let chaos = tokio::task::spawn_blocking(move || chaos.until(deadline)).await;
    let (servers, seen) = chaos.map_err(context("the faults"))?;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.map_err(context("a client"))?;
    }
    disabling.await.map_err(context("disabling"))??;
    for client in &clients {
        client.check().await?;
    }
    drop(servers);
    println!("{}\n{}", seen.report(), truth.report());
    Ok(truth.is_clean() && seen.slowest() <= campaign.recovery())
}
