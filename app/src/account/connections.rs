//! The connected clients on the account page, grouped by redirect host, each with a form that
//! disconnects it; and the connections that a replay ended.

use std::time::Duration;

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::{ConnectedClient, Connection, Connections, LastUseView, ReplayedConnection};

use crate::{
    account::{
        connection_actions::{Disconnect, DisconnectAll},
        messages::connections,
        page::Frame,
    },
    clean,
    components::{Ago, Disclosure, PageSection, PostForm, sentence},
    messages::common,
    pages::PagePath,
    time_format,
};

/// The section "Connected applications". Access that a client already has ends within
/// `access_lifetime`.
#[component]
pub(crate) fn ConnectedClients(
    connections: Connections,
    after: String,
    access_lifetime: Duration,
    frame: Frame,
) -> impl IntoView {
    let is_only = after.is_empty() && connections.next.is_none();
    let is_empty = is_only && connections.active.is_empty();
    let next = connections.next;
    let replayed = connections.replayed;
    let now = frame.now;
    let groups = by_host(connections.active)
        .into_iter()
        .map(|(host, active)| view! { <Group host active access_lifetime frame=frame.clone()/> })
        .collect_view();
    view! {
        <PageSection id="connections" title=connections::TITLE>
            {is_empty.then(|| view! { <p class="quiet">{connections::NONE}</p> })}
            {groups}
            {(!is_only).then(|| view! { <OtherConnections is_first=after.is_empty() next/> })}
            {(!replayed.is_empty()).then(|| view! { <ReplayedRows replayed now/> })}
            {(!is_empty).then(|| view! { <DisconnectAllForm access_lifetime form_token=frame.form_token/> })}
        </PageSection>
    }
}

/// Links to other connections: to the first ones, and to those that follow.
#[component]
fn OtherConnections(is_first: bool, next: Option<String>) -> impl IntoView {
    let to = |after: &str| format!("{}{after}#connections", PagePath::Account);
    let first = (!is_first).then(|| to(""));
    let next = next.map(|next| to(&format!("?after={next}")));
    view! {
        <nav class="turn" aria-label=connections::PAGES>
            {first.map(|address| view! { <a class="link" href=address rel="first">{connections::FIRST}</a> })}
            {next.map(|address| view! { <a class="link" href=address rel="next">{connections::MORE}</a> })}
        </nav>
    }
}

/// Clients by redirect host, the latest first; `None` is the user's own computers.
fn by_host(active: Vec<Connection>) -> Vec<(Option<String>, Vec<Connection>)> {
    let mut groups: Vec<(Option<String>, Vec<Connection>)> = Vec::new();
    for connection in active {
        let host = connection.client.host.clone();
        match groups.iter_mut().find(|(own, _)| *own == host) {
            Some((_, group)) => group.push(connection),
            None => groups.push((host, vec![connection])),
        }
    }
    groups
}

#[component]
fn Group(
    host: Option<String>,
    active: Vec<Connection>,
    access_lifetime: Duration,
    frame: Frame,
) -> impl IntoView {
    let rows = active
        .into_iter()
        .map(|connection| view! { <Row connection access_lifetime frame=frame.clone()/> });
    view! {
        <div class="group">
            <h3>
                {match host {
                    Some(host) => view! { <bdi class="host">{host}</bdi> }.into_any(),
                    None => connections::ON_YOUR_COMPUTERS.into_any(),
                }}
            </h3>
            <ul class="rows">{rows.collect_view()}</ul>
        </div>
    }
}

#[component]
fn Row(connection: Connection, access_lifetime: Duration, frame: Frame) -> impl IntoView {
    let Frame {
        form_token, now, ..
    } = frame;
    let Connection {
        name,
        client,
        scopes,
        since,
        times,
        has_more_grants,
        last_used,
    } = connection;
    let connected = times > 0;
    let lines = scopes
        .iter()
        .map(|sentence| view! { <li>{clean::sentence(sentence)}</li> })
        .collect_view();
    view! {
        <li class="row connection">
            <div class="said">
                <p>
                    <ConnectionState client=client.clone() connected/>
                    <span class="quiet">
                        {common::DOT}{sentence!(connections::ALLOWED, when = view! { <Ago then=since now/> })}
                        {(times > 1).then(|| view! { {common::DOT}{connections::connected_times(times, has_more_grants)} })}
                        {last_used.map(|used| view! { <LastUsed last_use=used now/> })}
                    </span>
                </p>
                {(!scopes.is_empty()).then(|| view! { <ul class="permissions">{lines}</ul> })}
            </div>
            <DisconnectForm client access_lifetime=connected.then_some(access_lifetime) name form_token/>
        </li>
    }
}

#[component]
fn LastUsed(last_use: LastUseView, now: Timestamp) -> impl IntoView {
    let address = view! { <bdi class="address">{last_use.address}</bdi> };
    view! { {common::DOT}{sentence!(connections::LAST_USED, when = view! { <Ago then=last_use.at now/> }, address = address)} }
}

/// The state of the connection, and how the client can reconnect.
#[component]
fn ConnectionState(client: ConnectedClient, connected: bool) -> impl IntoView {
    let on_this_computer = client.on_this_computer;
    let resource = view! { <bdi class="strong">{resource_name(&client)}</bdi> };
    let client = view! { <bdi class="strong">{client_name(&client)}</bdi> };
    match (connected, on_this_computer) {
        (true, _) => {
            sentence!(connections::MAY_USE, client = client, resource = resource).into_any()
        }
        (false, false) => sentence!(
            connections::MAY_COME_BACK,
            client = client,
            resource = resource
        )
        .into_any(),
        (false, true) => sentence!(
            connections::HAS_TO_ASK,
            client = client,
            resource = resource
        )
        .into_any(),
    }
}

/// A client outside of its group: its name, which is not verified, and its host.
#[component]
fn ClientWithHost(client: ConnectedClient) -> impl IntoView {
    let name = view! { <bdi class="strong">{client_name(&client)}</bdi> };
    match client.host {
        Some(host) => sentence!(
            connections::NAMED_WITH_HOST,
            client = name,
            host = view! { <bdi class="host">{host}</bdi> }
        )
        .into_any(),
        None if client.on_this_computer => {
            sentence!(connections::NAMED_ON_THIS_COMPUTER, client = name).into_any()
        }
        None => name.into_any(),
    }
}

/// The second step, which says what ends and when. Without an `access_lifetime`, nothing is connected
/// and only the consent is stored.
#[component]
fn DisconnectForm(
    client: ConnectedClient,
    access_lifetime: Option<Duration>,
    name: String,
    form_token: String,
) -> impl IntoView {
    let named = view! { <bdi>{client_name(&client)}</bdi> };
    let (summary, button) = if access_lifetime.is_some() {
        let button = sentence!(connections::DISCONNECT_IT, client = named);
        (connections::DISCONNECT, button.into_any())
    } else {
        let button = sentence!(connections::FORGET_IT, client = named);
        (connections::FORGET, button.into_any())
    };
    view! {
        <Disclosure summary object=client_name(&client)>
            <PostForm action=Disconnect::url() form_token>
                <input type="hidden" name="connection" value=name/>
                <div class="field">
                    <button class="button grave" type="submit"><span>{button}</span></button>
                    <p class="hint"><DisconnectExplanation client access_lifetime/></p>
                </div>
            </PostForm>
        </Disclosure>
    }
}

#[component]
fn DisconnectAllForm(access_lifetime: Duration, form_token: String) -> impl IntoView {
    view! {
        <Disclosure summary=connections::DISCONNECT_ALL>
            <PostForm action=DisconnectAll::url() form_token>
                <div class="field">
                    <button class="button grave" type="submit">{connections::DISCONNECT_ALL}</button>
                    <p class="hint">{connections::disconnecting_all_explained(&time_format::at_most(access_lifetime))}</p>
                </div>
            </PostForm>
        </Disclosure>
    }
}

#[component]
fn DisconnectExplanation(
    client: ConnectedClient,
    access_lifetime: Option<Duration>,
) -> impl IntoView {
    let named = view! { <bdi>{client_name(&client)}</bdi> };
    let resource = view! { <bdi>{resource_name(&client)}</bdi> };
    match access_lifetime {
        Some(span) => {
            let span = time_format::at_most(span);
            sentence!(
                connections::DISCONNECTING_EXPLAINED,
                client = named,
                resource = resource,
                span = span
            )
            .into_any()
        }
        None => sentence!(
            connections::FORGETTING_EXPLAINED,
            client = named,
            resource = resource
        )
        .into_any(),
    }
}

#[component]
fn ReplayedRows(replayed: Vec<ReplayedConnection>, now: Timestamp) -> impl IntoView {
    let rows = replayed
        .into_iter()
        .map(|replayed| view! { <ReplayedRow replayed now/> });
    view! { <ul class="rows">{rows.collect_view()}</ul> }
}

/// A connection that a replay ended.
#[component]
fn ReplayedRow(replayed: ReplayedConnection, now: Timestamp) -> impl IntoView {
    let ReplayedConnection { client, at } = replayed;
    let resource = view! { <bdi class="strong">{resource_name(&client)}</bdi> };
    let client = view! { <ClientWithHost client/> };
    let when = view! { <Ago then=at now/> };
    view! {
        <li class="caution">
            <p>{sentence!(connections::REPLAYED, client = client, resource = resource, when = when)}</p>
            <p class="quiet">{connections::REPLAYED_ADVICE}</p>
        </li>
    }
}

fn client_name(client: &ConnectedClient) -> String {
    clean::name(&client.name, common::NAMELESS_APPLICATION)
}

fn resource_name(client: &ConnectedClient) -> String {
    clean::name(&client.resource_name, common::THIS_SERVER)
}
