//! Clients: how each became known, what ends it, and which hosts are blocked.

use std::time::Duration;

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::{ClientSummary, SortedPage};

use crate::{
    admin::{
        actions::{BlockHost, DisconnectClient, RemoveClient},
        applications::{
            forms::{Adding, Blocking},
            messages,
        },
        context::AdminContext,
        messages as admin_messages,
        pagination::{ListPlace, Onward, SortLinks},
        parts::{ActionForm, NoneFound, Search},
    },
    clean,
    components::{Ago, Disclosure, Unreadable, fill, sentence},
    messages::common,
    page::PageError,
    pages::AdminPage,
    time_format,
};

/// `/admin/applications?q=&sort=&after=`.
pub(crate) async fn load(admin: AdminContext) -> Result<AnyView, PageError> {
    let place = ListPlace::of(&admin.context);
    place.keep_in_forms();
    let administration = admin.administration.clients();
    let page = administration.page(&place.wanted()).await?;
    let blocked = administration.blocked_hosts().await?;
    let token = &admin.form_token;
    let viewed = Viewed {
        blocked: blocked.iter().map(|blocked| blocked.host.clone()).collect(),
        access_lifetime: admin.context.provider.settings().lifetimes.access_token,
        now: admin.now,
        form_token: token.clone(),
    };
    let view = view! {
        <Adding refused=admin.refused() form_token=token.clone()/>
        <Search section=AdminPage::Applications label=messages::FIND button=messages::FIND_IT query=place.query().to_owned() sort=place.sort()/>
        <SortLinks section=AdminPage::Applications place=&place name=admin_messages::BY_NAME/>
        <Known page place=&place viewed=&viewed/>
        <Blocking blocked refused=admin.refused() now=admin.now form_token=token.clone()/>
    };
    Ok(view.into_any())
}

/// A page of the list.
#[component]
pub(crate) fn Known<'a>(
    page: SortedPage<ClientSummary>,
    place: &'a ListPlace,
    viewed: &'a Viewed,
) -> impl IntoView + use<> {
    let SortedPage {
        rows,
        unreadable,
        next,
        is_being_built,
    } = page;
    let list = if rows.is_empty() {
        view! { <NoRows query=place.query() goes_on=next.is_some()/> }.into_any()
    } else {
        let rows = rows
            .into_iter()
            .map(|client| view! { <Row client viewed=viewed.clone()/> });
        view! { <ul class="rows">{rows.collect_view()}</ul> }.into_any()
    };
    view! {
        {is_being_built.then(|| view! { <p class="quiet">{admin_messages::BEING_BUILT}</p> })}
        {list}
        <Unreadable count=unreadable/>
        <Onward section=AdminPage::Applications place next/>
    }
}

/// Why the list is empty.
#[component]
fn NoRows<'a>(query: &'a str, goes_on: bool) -> impl IntoView + use<> {
    if goes_on {
        return view! { <p class="quiet">{messages::GOES_ON}</p> }.into_any();
    }
    if query.is_empty() {
        return view! { <p class="quiet">{messages::NONE}</p> }.into_any();
    }
    let query = view! { <bdi class="strong">{clean::sentence(query)}</bdi> };
    let sentence = sentence!(messages::NONE_FOUND, query = query).into_any();
    view! { <NoneFound section=AdminPage::Applications sentence show_all=messages::SHOW_ALL/> }
        .into_any()
}

/// What every row needs besides its client.
#[derive(Clone)]
pub(crate) struct Viewed {
    pub(crate) blocked: Vec<String>,
    pub(crate) access_lifetime: Duration,
    pub(crate) now: Timestamp,
    pub(crate) form_token: String,
}

#[component]
pub(crate) fn Row(client: ClientSummary, viewed: Viewed) -> impl IntoView {
    let name = called(&client);
    let now = viewed.now;
    let id = clean::sentence(&client.client_id);
    let since = fill(
        messages::since(client.kind),
        [(
            "when",
            view! { <Ago then=client.created_at now/> }.into_any(),
        )],
    );
    let used = client.last_used_at.map(|then| {
        let when = view! { <Ago then now/> };
        view! { {common::DOT}{sentence!(messages::LAST_USED, when = when)} }
    });
    let blocked = client
        .blocked
        .then(|| view! { " "<span class="badge grave">{messages::BLOCKED}</span> });
    let source = view! { <ClientSource client=client.clone()/> };
    let content = view! {
        <Facts client=client.clone()/>
        <Changes client name=name.clone() viewed/>
    };
    view! {
        <li class="row">
            <div>
                <p>{source}{blocked}<span class="quiet">{common::DOT}{since}{used}</span></p>
                <p class="quiet"><bdi class="address">{id}</bdi></p>
            </div>
            <Disclosure summary=admin_messages::CHANGE object=name>{content}</Disclosure>
        </li>
    }
}

/// Its name, which is not verified, and its hosts.
#[component]
fn ClientSource(client: ClientSummary) -> impl IntoView {
    let name = view! { <bdi class="strong">{called(&client)}</bdi> };
    if client.hosts.is_empty() {
        return sentence!(messages::ON_USERS_COMPUTERS, name = name).into_any();
    }
    let hosts = client.hosts.iter().enumerate().map(|(index, host)| {
        view! { {(index > 0).then_some(", ")}<bdi class="host">{clean::name(host, "")}</bdi> }
    });
    sentence!(messages::AT, name = name, hosts = hosts.collect_view()).into_any()
}

#[component]
fn Facts(client: ClientSummary) -> impl IntoView {
    let uris = client
        .redirect_uris
        .iter()
        .map(|uri| view! { <dd><bdi>{clean::sentence(uri)}</bdi></dd> });
    view! {
        <dl class="facts">
            <dt>{messages::REDIRECT_URIS}</dt>
            {uris.collect_view()}
            <dt>{messages::AUTHENTICATION}</dt>
            <dd class="plain">{if client.confidential { messages::CONFIDENTIAL } else { messages::PUBLIC }}</dd>
        </dl>
    }
}

/// What ends it, and what keeps its hosts out.
#[component]
fn Changes(client: ClientSummary, name: String, viewed: Viewed) -> impl IntoView {
    let Viewed {
        blocked,
        access_lifetime,
        form_token,
        ..
    } = viewed;
    let span = time_format::at_most(access_lifetime);
    let hosts = client
        .hosts
        .into_iter()
        .filter(|host| !is_below(host, &blocked))
        .map(|host| {
            view! { <Block host span=span.clone() form_token=&form_token/> }
        });
    let hosts = hosts.collect_view();
    let consequence = fill(
        messages::removal(client.kind),
        [("span", span.clone().into_any())],
    );
    let spoken = admin_messages::spoken(&messages::remove(&name), &client.client_id);
    let button = sentence!(
        messages::REMOVE_IT,
        name = view! { <bdi>{name.clone()}</bdi> }
    );
    view! {
        <Disconnect client_id=client.client_id.clone() name span form_token=&form_token/>
        <ActionForm
            action=RemoveClient::url() form_token=&form_token fields=vec![("client_id", client.client_id)] spoken grave=true
            consequence=consequence.into_any() button=button.into_any()
        />
        {hosts}
    }
}

/// Ending everything that users allowed a client, which stays known.
#[component]
fn Disconnect<'a>(
    client_id: String,
    name: String,
    span: String,
    form_token: &'a str,
) -> impl IntoView + use<> {
    let spoken = admin_messages::spoken(&messages::disconnect(&name), &client_id);
    let button = sentence!(messages::DISCONNECT_IT, name = view! { <bdi>{name}</bdi> });
    view! {
        <ActionForm
            action=DisconnectClient::url() form_token fields=vec![("client_id", client_id)] spoken grave=true
            consequence=sentence!(messages::DISCONNECT_EXPLAINED, span = span).into_any() button=button.into_any()
        />
    }
}

/// Blocking a host of a client, and with it every other client there.
#[component]
fn Block<'a>(host: String, span: String, form_token: &'a str) -> impl IntoView + use<> {
    let shown = || view! { <bdi class="host">{clean::name(&host, "")}</bdi> };
    let consequence = sentence!(messages::BLOCK_EXPLAINED, host = shown(), span = span);
    let button = sentence!(messages::BLOCK_IT, host = shown());
    view! {
        <ActionForm
            action=BlockHost::url() form_token fields=vec![("host", host)] grave=true
            consequence=consequence.into_any() button=button.into_any()
        />
    }
}

/// Whether a host is blocked, by itself or by a name above it.
fn is_below(host: &str, blocked: &[String]) -> bool {
    let below = |name: &String| {
        host.strip_suffix(name.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    blocked.iter().any(below)
}

fn called(client: &ClientSummary) -> String {
    clean::name(&client.name, common::NAMELESS_APPLICATION)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t_e39_a_host_below_a_blocked_one_needs_no_block_of_its_own() {
        let blocked = ["evil.example".to_owned()];
        for host in ["evil.example", "app.evil.example"] {
            assert!(is_below(host, &blocked), "{host}");
        }
        for host in ["notevil.example", "example", "evil.example.com"] {
            assert!(!is_below(host, &blocked), "{host}");
        }
    }
}
