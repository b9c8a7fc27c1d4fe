//! `vestibule serve`.

use std::{fmt::Write as _, io::IsTerminal as _, time::Duration};

use provider::{DEMONSTRATION, IssuerChange, Provider};
use store::StoreLocation;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};

use super::{issuer, output, reload::Reloading, warnings};
use crate::{
    config::{Config, Flags},
    control::ControlSocket,
    endpoints::Endpoint,
    listen::{self, Bounds, Patience},
    open::{self, Opened},
    overload::Load,
    proxies::Proxies,
    reverse_proxy::StdioServers,
    router::{self, Options},
    site::{EmbeddedSite, PageFiles},
    swap::Current,
};

/// How soon a key that another process made is used here, and a host that it blocked is refused.
const REFRESH: Duration = Duration::from_secs(1);
/// Fewer connections than these are worth a warning.
const FEW_CONNECTIONS: usize = 1000;
/// How soon building the sorted lists is continued after a failure.
const SORTING_AGAIN: Duration = Duration::from_secs(10);
/// A command that holds the store is done sooner.
const STORE_PATIENCE: Duration = Duration::from_secs(5);

/// Runs the server until it is told to stop. The error is a sentence.
pub(super) async fn serve(
    config: Config,
    flags: &Flags,
    embedded: Option<EmbeddedSite>,
) -> Result<(), String> {
    // First of all: the signal ends a process that does not ask for it.
    let hangup = signal(SignalKind::hangup())
        .map_err(|error| format!("Cannot receive signals: {error}."))?;
    let listeners = listen::bind(&config.listen).await?;
    let opened = open::open_patiently(&config, STORE_PATIENCE)
        .await
        .map_err(open::StoreOpenError::into_sentence)?;
    let provider = opened.provider.clone();
    let site = warnings::site(&config, embedded);
    let stop = stop_signal()?;

    let current = Current::new(provider.clone());
    let control = control(&config, &current)?;
    let refreshing = tokio::spawn(follow(current.clone(), is_shared(&config)));
    let forgetting = tokio::spawn(forget_old_events(provider.clone()));
    let sorting = tokio::spawn(build_sorted_lists(provider.clone()));
    output::line(&banner(&config, &opened, &listeners).await?)?;
    for warning in warnings(&config, &opened, &site).await {
        warn(&warning);
    }

    let listening: Vec<_> = listeners
        .iter()
        .filter_map(|listener| listener.local_addr().ok())
        .collect();
    let proxies = Proxies::of_listeners(&config.trusted_proxies, &listening);
    let stdio = StdioServers::default();
    let load = Load::default();
    let measuring = tokio::spawn(load.clone().watch());
    let options = Options {
        proxies: proxies.clone(),
        site,
        upstreams: config.upstreams.clone(),
        guards: config.guards.clone(),
        stdio: stdio.clone(),
        load: load.clone(),
    };
    let router = Current::new(router::router(provider, options));
    let reloading = Reloading {
        provider: current.clone(),
        router: router.clone(),
        stdio,
        load,
        listening,
        config,
        flags: flags.clone(),
        embedded,
    };
    let reloading = tokio::spawn(reloading.follow(hangup));
    let bounds = Bounds::new(listen::connections_that_fit(), proxies);
    if bounds.connections < FEW_CONNECTIONS {
        let room = bounds.connections;
        warn(&format!(
            "The open file limit allows only {room} connections. Raise it (ulimit -n, LimitNOFILE)."
        ));
    }
    tokio::select! {
        () = listen::serve(listeners, router, bounds, Patience::default(), stop) => {}
        reason = opened.store.broken() => return Err(broken(&reason)),
    }

    measuring.abort();
    refreshing.abort();
    reloading.abort();
    let provider = current.get();
    forgetting.abort();
    sorting.abort();
    if provider.audit().add_last_events().await.is_err() {
        tracing::error!(
            events = provider.audit().late_events(),
            "audit log events were lost: the store is unavailable"
        );
    }
    if let Some(control) = control {
        control.abort();
        let _ = control.await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// Why the process ends by itself. Its supervisor starts another, which opens the store from
/// what is on disk.
fn broken(reason: &str) -> String {
    tracing::error!(reason, "the store can no longer be written; stopping");
    format!(
        "The store can no longer be written: {reason}. Start the server again. If it does not start, restore a backup."
    )
}

/// The control socket goes with the store it speaks for; a shared Redis needs none.
fn control(
    config: &Config,
    provider: &Current<Provider>,
) -> Result<Option<JoinHandle<()>>, String> {
    let Some(folder) = config.data_folder() else {
        return Ok(None);
    };
    let socket = ControlSocket::bind(folder).map_err(|error| {
        format!(
            "Cannot open the control socket in {}: {error}.",
            folder.display()
        )
    })?;
    Ok(Some(tokio::spawn(socket.serve(provider.clone()))))
}

/// There may be many, and nothing waits for it.
async fn forget_old_events(provider: Provider) {
    if let Err(error) = provider.terminal().forget_old_events().await {
        tracing::warn!(%error, "old audit log events could not be removed");
    }
}

/// A store of an earlier release, and a restored one, lacks lists that pages need.
async fn build_sorted_lists(provider: Provider) {
    while let Err(error) = provider.build_sorted_lists().await {
        tracing::warn!(%error, "a sorted list could not be completed yet; trying again");
        sleep(SORTING_AGAIN).await;
    }
}

/// Whether other servers may use the store.
fn is_shared(config: &Config) -> bool {
    config.data_folder().is_none() && config.store != StoreLocation::Memory
}

/// Follows what other servers of the store change, and adds the events that it did not take when
/// they came. A store that is shared is written to besides: so the server notices by itself, though
/// without writes by clients, that another has become the primary.
async fn follow(current: Current<Provider>, is_shared: bool) {
    let mut ticks = interval(REFRESH);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The start has told already how it was then.
    let mut recorded = current.get().issuer_record().issuer_change().await.ok();
    loop {
        ticks.tick().await;
        let provider = current.get();
        if let Ok(change) = provider.issuer_record().issuer_change().await
            && recorded
                .replace(change.clone())
                .is_some_and(|before| before != change)
        {
            note_issuer(change);
        }
        refresh(&provider, is_shared).await;
    }
}

/// Another server of the store was given another issuer, and that was accepted; or it was taken
/// back.
fn note_issuer(change: Option<IssuerChange>) {
    let Some(change) = change else {
        return tracing::info!("the issuer in the store matches the configured issuer again");
    };
    tracing::warn!("{}", issuer::explained(&change));
}

/// Turns true at the first SIGTERM or SIGINT.
fn stop_signal() -> Result<watch::Receiver<bool>, String> {
    let listen = |kind| signal(kind).map_err(|error| format!("Cannot receive signals: {error}."));
    let (mut terminate, mut interrupt) = (
        listen(SignalKind::terminate())?,
        listen(SignalKind::interrupt())?,
    );
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        sender.send_replace(true);
        // Kept, since a dropped sender would look like the signal.
        std::future::pending::<()>().await;
    });
    Ok(receiver)
}

async fn banner(
    config: &Config,
    opened: &Opened,
    listeners: &[TcpListener],
) -> Result<String, String> {
    let issuer = &config.issuer;
    let addresses: Vec<_> = listeners
        .iter()
        .filter_map(|listener| listener.local_addr().ok())
        .map(|a| a.to_string())
        .collect();
    let link = opened
        .provider
        .enrolment()
        .first_account_link()
        .await
        .map_err(|error| open::unusable(config, error).into_sentence())?;
    let mut text = format!("\n  {} is running at {issuer}\n\n", config.server_name);
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<15} {value}");
    };
    row("Listening on", &addresses.join(", "));
    row(
        "Store",
        &format!(
            "{}{}",
            config.store,
            if opened.created { "   (new)" } else { "" }
        ),
    );
    row(
        "Metadata",
        &issuer.url(Endpoint::AuthorizationServer.path()),
    );
    for upstream in &config.upstreams {
        row(
            "Protects",
            &format!("{} at {}", upstream.server, upstream.resource),
        );
    }
    let mcp = issuer.url(DEMONSTRATION);
    let behind = config.upstreams.first();
    let connect = behind.map_or(mcp, |behind| behind.resource.to_string());
    let mcp = connect.as_str();
    if config
        .resources
        .iter()
        .any(|resource| resource.identifier.as_str() == mcp)
    {
        row(
            "Connect",
            &format!("claude mcp add --transport http notes {mcp}"),
        );
        row(
            "",
            &format!("npx @modelcontextprotocol/inspector   (then enter {mcp})"),
        );
    }
    if let Some(link) = link {
        row("First account", &format!("{link}   (works once)"));
    }
    Ok(text)
}

async fn warnings(config: &Config, opened: &Opened, site: &PageFiles) -> Vec<String> {
    let mut warnings = match opened.store.durability_warnings().await {
        Ok(warnings) => warnings,
        Err(error) => vec![format!(
            "Cannot check the durability of the store: {error}."
        )],
    };
    warnings.extend(issuer_warning(&opened.provider).await);
    if let Err(error) = opened.store.probe().await {
        warnings.push(format!("The server is not ready: {error}."));
    }
    warnings.extend(warnings::of(config, site));
    warnings
}

async fn issuer_warning(provider: &Provider) -> Option<String> {
    match provider.issuer_record().claim_issuer().await {
        Ok(change) => change.map(|change| issuer::explained(&change)),
        Err(error) => Some(format!("Cannot check the issuer of the store: {error}.")),
    }
}

fn warn(sentence: &str) {
    if std::io::stderr().is_terminal() {
        eprintln!("  \u{1b}[1;31mWARNING\u{1b}[0m  {sentence}");
    } else {
        eprintln!("  WARNING  {sentence}");
    }
}

/// Faults are in the log already, and the keys at hand stay good for a while.
async fn refresh(provider: &Provider, is_shared: bool) {
    if is_shared {
        let _ = provider.ready().await;
    }
    let _ = tokio::join!(
        provider.signing_keys().refresh_keys(),
        provider.blocked_hosts().refresh_blocked(),
        provider.audit().add_late_events()
    );
}
