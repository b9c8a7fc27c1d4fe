//! What the person has allowed, on the account page: each application a row, with its end behind a second step; and what
//! ended because somebody came with an old copy of a key.

#![expect(unreachable_pub, reason = "the component macro makes public what is public to this crate alone")]

use std::time::Duration;

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::{Application, Connection, Connections, Replayed};

use crate::{
    actions::account::Disconnect,
    clean,
    components::{Ago, HiddenFields},
    moment,
};

/// The section "Connected applications". What an application holds already lasts for `afterlife` at most.
#[component]
pub(crate) fn ConnectedApplications<'a>(
    connections: Connections,
    afterlife: Duration,
    now: Timestamp,
    form_token: &'a str,
) -> impl IntoView + use<> {
    let Connections { standing, replayed } = connections;
    view! {
        <section aria-labelledby="connections">
            <h2 id="connections">"Connected applications"</h2>
            {if standing.is_empty() {
                let words = "None yet. When an application asks to use something in your name and you allow it, it stands here.";
                view! { <p class="quiet">{words}</p> }.into_any()
            } else {
                let rows = standing.into_iter().map(|connection| {
                    view! { <Row connection afterlife now form_token=form_token.to_owned()/> }
                });
                view! { <ul class="rows">{rows.collect_view()}</ul> }.into_any()
            }}
            {(!replayed.is_empty()).then(|| {
                let rows = replayed.into_iter().map(|replayed| view! { <Ended replayed now/> });
                view! { <ul class="rows">{rows.collect_view()}</ul> }
            })}
        </section>
    }
}

#[component]
fn Row(connection: Connection, afterlife: Duration, now: Timestamp, form_token: String) -> impl IntoView {
    let Connection { name, client, scopes, since, times } = connection;
    let resource = clean::name(&client.resource_name, "this server");
    let lines = scopes.iter().map(|sentence| view! { <li>{clean::sentence(sentence)}</li> }).collect_view();
    let (before, after) = match (times, client.on_this_computer) {
        (0, false) => (" is not connected now, and may use ", " again without asking you"),
        (0, true) => (" is not connected now, and has to ask you before it can use ", " again"),
        _ => (" may use ", ""),
    };
    view! {
        <li class="connection">
            <p>
                <Named client=client.clone()/>
                {before}<bdi class="strong">{resource.clone()}</bdi>{after}
                <span class="quiet">
                    " · allowed "<Ago then=since now/>
                    {(times > 1).then(|| format!(" · connected {times} times"))}
                </span>
            </p>
            {(!scopes.is_empty()).then(|| view! { <ul class="permissions">{lines}</ul> })}
            <End client=called(&client) resource afterlife=(times > 0).then_some(afterlife) name form_token/>
        </li>
    }
}

/// The application, and where it answers: nobody has checked the name.
#[component]
fn Named(client: Application) -> impl IntoView {
    view! {
        <bdi class="strong">{called(&client)}</bdi>
        {client.host.map(|host| view! { " ("<bdi class="host">{host}</bdi>")" })}
        {client.on_this_computer.then_some(" on this computer")}
    }
}

/// The second step: it says what stops, and that what is out already runs out by itself. Without an `afterlife`, nothing is
/// connected, and there is only a consent to forget.
#[component]
fn End(client: String, resource: String, afterlife: Option<Duration>, name: String, form_token: String) -> impl IntoView {
    let verb = if afterlife.is_some() { "Disconnect" } else { "Forget" };
    view! {
        <details class="fold">
            <summary>{verb}</summary>
            <form class="stack" method="post" action=Disconnect::url()>
                <HiddenFields form_token request=String::new()/>
                <input type="hidden" name="connection" value=name/>
                <p>
                    <bdi>{client.clone()}</bdi>" will have to ask you again before it can use "<bdi>{resource}</bdi>
                    {afterlife.map(|span| format!("; access it holds right now ends within {}", moment::at_most(span)))}"."
                </p>
                <button class="button" type="submit">
                    <span>{verb}" "<bdi>{client}</bdi></span>
                </button>
            </form>
        </details>
    }
}

/// A connection that a replay ended: the person alone can tell whether the copy was their own.
#[component]
fn Ended(replayed: Replayed, now: Timestamp) -> impl IntoView {
    let Replayed { client, at } = replayed;
    let resource = clean::name(&client.resource_name, "this server");
    view! {
        <li class="ended caution">
            <p>
                <Named client/>" was using "<bdi class="strong">{resource}</bdi>". That ended "<Ago then=at now/>
                ", because an old copy of its key was used."
            </p>
            <p class="quiet">
                "If that was not you, somebody else may have had the copy. It opens nothing any more. Make sure of the computer \
                 that the application runs on before you connect it again."
            </p>
        </li>
    }
}

fn called(client: &Application) -> String {
    clean::name(&client.name, "An application")
}
