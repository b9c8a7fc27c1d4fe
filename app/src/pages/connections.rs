//! What the person has allowed, on the account page: each application a row, with its end behind a second step.

#![expect(unreachable_pub, reason = "the component macro makes public what is public to this crate alone")]

use std::time::Duration;

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::Connection;

use crate::{
    actions::account::Disconnect,
    clean,
    components::{Ago, HiddenFields},
    moment,
};

/// The section "Connected applications". What an application holds already lasts for `afterlife` at most.
#[component]
pub(crate) fn Connections<'a>(
    connections: Vec<Connection>,
    afterlife: Duration,
    now: Timestamp,
    form_token: &'a str,
) -> impl IntoView + use<> {
    view! {
        <section aria-labelledby="connections">
            <h2 id="connections">"Connected applications"</h2>
            {if connections.is_empty() {
                let words = "None yet. When an application asks to use something in your name and you allow it, it stands here.";
                view! { <p class="quiet">{words}</p> }.into_any()
            } else {
                let rows = connections.into_iter().map(|connection| {
                    view! { <Row connection afterlife now form_token=form_token.to_owned()/> }
                });
                view! { <ul class="rows">{rows.collect_view()}</ul> }.into_any()
            }}
        </section>
    }
}

#[component]
fn Row(connection: Connection, afterlife: Duration, now: Timestamp, form_token: String) -> impl IntoView {
    let client = clean::name(&connection.client_name, "An application");
    let resource = clean::name(&connection.resource_name, "this server");
    let lines = connection.scopes.iter().map(|sentence| view! { <li>{clean::sentence(sentence)}</li> }).collect_view();
    view! {
        <li class="connection">
            <p>
                <bdi class="strong">{client.clone()}</bdi>
                {connection.host.map(|host| view! { " ("<bdi class="host">{host}</bdi>")" })}
                {connection.on_this_computer.then_some(" on this computer")}
                " may use "<bdi class="strong">{resource.clone()}</bdi>
                <span class="quiet">" · allowed "<Ago then=connection.since now/></span>
            </p>
            {(!connection.scopes.is_empty()).then(|| view! { <ul class="permissions">{lines}</ul> })}
            <End client resource afterlife grant=connection.grant form_token/>
        </li>
    }
}

/// The second step: it says what stops, and that what is out already runs out by itself.
#[component]
fn End(client: String, resource: String, afterlife: Duration, grant: String, form_token: String) -> impl IntoView {
    view! {
        <details class="fold">
            <summary>"Disconnect"</summary>
            <form class="stack" method="post" action=Disconnect::url()>
                <HiddenFields form_token request=String::new()/>
                <input type="hidden" name="grant" value=grant/>
                <p>
                    <bdi>{client.clone()}</bdi>" will have to ask you again before it can use "<bdi>{resource}</bdi>
                    "; access it holds right now ends within "{moment::at_most(afterlife)}"."
                </p>
                <button class="button" type="submit">
                    <span>"Disconnect "<bdi>{client}</bdi></span>
                </button>
            </form>
        </details>
    }
}
