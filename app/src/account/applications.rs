//! What the user has allowed, on the account page: each client a row under the host that it
//! answers at, with its end behind a second step; and what ended because somebody came with an old
//! copy of a key.

use std::time::Duration;

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::{Application, Connection, Connections, LastUseView, Replayed};

use crate::{
    account::{
        connection_actions::{Disconnect, DisconnectAll},
        messages::connections,
        page::Frame,
    },
    clean,
    components::{Ago, PostForm, Section, Step, sentence},
    messages::common,
    time_format,
};

/// The section "Connected applications". What a client holds already lasts for `access_lifetime` at
/// most.
#[component]
pub(crate) fn ConnectedApplications(
    connections: Connections,
    access_lifetime: Duration,
    frame: Frame,
) -> impl IntoView {
    let is_empty = connections.standing.is_empty();
    let replayed = connections.replayed;
    let now = frame.now;
    let groups = by_host(connections.standing)
        .into_iter()
        .map(
            |(host, standing)| view! { <Group host standing access_lifetime frame=frame.clone()/> },
        )
        .collect_view();
    view! {
        <Section id="connections" title=connections::TITLE>
            {is_empty.then(|| view! { <p class="quiet">{connections::NONE}</p> })}
            {groups}
            {(!replayed.is_empty()).then(|| view! { <AllEnded replayed now/> })}
            {(!is_empty).then(|| view! { <EndAll access_lifetime form_token=frame.form_token/> })}
        </Section>
    }
}

/// Clients by where they answer, the latest first; none is the user's own computers.
fn by_host(standing: Vec<Connection>) -> Vec<(Option<String>, Vec<Connection>)> {
    let mut groups: Vec<(Option<String>, Vec<Connection>)> = Vec::new();
    for connection in standing {
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
    standing: Vec<Connection>,
    access_lifetime: Duration,
    frame: Frame,
) -> impl IntoView {
    let rows = standing
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
                    <Standing client=client.clone() connected/>
                    <span class="quiet">
                        {common::DOT}{sentence!(connections::ALLOWED, when = view! { <Ago then=since now/> })}
                        {(times > 1).then(|| view! { {common::DOT}{connections::connected_times(times)} })}
                        {last_used.map(|used| view! { <Used used now/> })}
                    </span>
                </p>
                {(!scopes.is_empty()).then(|| view! { <ul class="permissions">{lines}</ul> })}
            </div>
            <End client access_lifetime=connected.then_some(access_lifetime) name form_token/>
        </li>
    }
}

#[component]
fn Used(used: LastUseView, now: Timestamp) -> impl IntoView {
    let address = view! { <bdi class="address">{used.address}</bdi> };
    view! { {common::DOT}{sentence!(connections::LAST_USED, when = view! { <Ago then=used.at now/> }, address = address)} }
}

/// What the client may do now, or how it would come back.
#[component]
fn Standing(client: Application, connected: bool) -> impl IntoView {
    let on_this_computer = client.on_this_computer;
    let resource = view! { <bdi class="strong">{used(&client)}</bdi> };
    let client = view! { <bdi class="strong">{called(&client)}</bdi> };
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
fn Named(client: Application) -> impl IntoView {
    let name = view! { <bdi class="strong">{called(&client)}</bdi> };
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

/// The second step: it says what stops, and that what is out already runs out by itself. Without an
/// `access_lifetime`, nothing is connected, and there is only a consent to forget.
#[component]
fn End(
    client: Application,
    access_lifetime: Option<Duration>,
    name: String,
    form_token: String,
) -> impl IntoView {
    let named = view! { <bdi>{called(&client)}</bdi> };
    let (summary, button) = if access_lifetime.is_some() {
        let button = sentence!(connections::DISCONNECT_IT, client = named);
        (connections::DISCONNECT, button.into_any())
    } else {
        let button = sentence!(connections::FORGET_IT, client = named);
        (connections::FORGET, button.into_any())
    };
    view! {
        <Step summary object=called(&client)>
            <PostForm action=Disconnect::url() form_token>
                <input type="hidden" name="connection" value=name/>
                <p><Ending client access_lifetime/></p>
                <button class="button grave" type="submit"><span>{button}</span></button>
            </PostForm>
        </Step>
    }
}

#[component]
fn EndAll(access_lifetime: Duration, form_token: String) -> impl IntoView {
    view! {
        <Step summary=connections::DISCONNECT_ALL>
            <PostForm action=DisconnectAll::url() form_token>
                <p>{connections::disconnecting_all_explained(&time_format::at_most(access_lifetime))}</p>
                <button class="button grave" type="submit">{connections::DISCONNECT_ALL}</button>
            </PostForm>
        </Step>
    }
}

#[component]
fn Ending(client: Application, access_lifetime: Option<Duration>) -> impl IntoView {
    let named = view! { <bdi>{called(&client)}</bdi> };
    let resource = view! { <bdi>{used(&client)}</bdi> };
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
fn AllEnded(replayed: Vec<Replayed>, now: Timestamp) -> impl IntoView {
    let rows = replayed
        .into_iter()
        .map(|replayed| view! { <Ended replayed now/> });
    view! { <ul class="rows">{rows.collect_view()}</ul> }
}

/// A connection that a replay ended: the user alone can tell whether the copy was their own.
#[component]
fn Ended(replayed: Replayed, now: Timestamp) -> impl IntoView {
    let Replayed { client, at } = replayed;
    let resource = view! { <bdi class="strong">{used(&client)}</bdi> };
    let client = view! { <Named client/> };
    let when = view! { <Ago then=at now/> };
    view! {
        <li class="caution">
            <p>{sentence!(connections::REPLAYED, client = client, resource = resource, when = when)}</p>
            <p class="quiet">{connections::REPLAYED_ADVICE}</p>
        </li>
    }
}

fn called(client: &Application) -> String {
    clean::name(&client.name, common::NAMELESS_APPLICATION)
}

fn used(client: &Application) -> String {
    clean::name(&client.resource_name, common::THIS_SERVER)
}
