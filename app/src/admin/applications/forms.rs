//! Adding clients, and blocking hosts.

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::BlockedHost;

use crate::{
    admin::{
        actions::{AddClient, BlockHost, UnblockHost},
        applications::messages,
        context::Refused,
        parts::TextField,
    },
    clean,
    components::{Ago, Disclosure, PageSection, PostForm, Rows, sentence},
};

/// Adding a client. Open, with what was typed, when it was refused.
#[component]
pub(crate) fn Adding(refused: Option<Refused>, form_token: String) -> impl IntoView {
    let (name, uris, confidential, fault) =
        refused
            .and_then(Refused::addition)
            .unwrap_or((String::new(), String::new(), true, None));
    let open = fault.is_some();
    view! {
        <Disclosure summary=messages::ADD open>
            <PostForm action=AddClient::url() form_token>
                {fault.map(|fault| view! { <p class="alert" role="alert">{fault}</p> })}
                <TextField id="client-name" name="name" label=messages::NAME value=name/>
                <RedirectUris uris/>
                <Confidential confidential/>
                <button class="button" type="submit">{messages::ADD_IT}</button>
                <p class="hint">{messages::ADD_EXPLAINED}</p>
            </PostForm>
        </Disclosure>
    }
}

#[component]
fn RedirectUris(uris: String) -> impl IntoView {
    view! {
        <div class="field">
            <label for="client-uris">{messages::REDIRECT_URIS}</label>
            <textarea
                class="host" id="client-uris" name="redirect_uris" rows="3" required
                autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="client-uris-hint"
            >{uris}</textarea>
            <p class="hint" id="client-uris-hint">{messages::REDIRECT_URIS_EXPLAINED}</p>
        </div>
    }
}

#[component]
fn Confidential(confidential: bool) -> impl IntoView {
    view! {
        <div class="field">
            <label class="tick">
                <input
                    type="checkbox" name="confidential" value="yes" checked=confidential
                    aria-describedby="client-confidential-hint"
                />
                <span>{messages::CONFIDENTIAL_CLIENT}</span>
            </label>
            <p class="hint" id="client-confidential-hint">{messages::CONFIDENTIAL_CLIENT_EXPLAINED}</p>
        </div>
    }
}

/// The blocked hosts, and the form to block another.
#[component]
pub(crate) fn Blocking(
    blocked: Vec<BlockedHost>,
    refused: Option<Refused>,
    now: Timestamp,
    form_token: String,
) -> impl IntoView {
    let (typed, fault) = refused.and_then(Refused::blocking).unwrap_or_default();
    let rows = blocked
        .into_iter()
        .map(|blocked| view! { <Blocked blocked now form_token=form_token.clone()/> })
        .collect_view();
    view! {
        <PageSection id="blocked-hosts" title=messages::BLOCKED_HOSTS>
            <Rows rows none=messages::NONE_BLOCKED/>
            <BlockForm typed fault form_token/>
        </PageSection>
    }
}

#[component]
fn BlockForm(typed: String, fault: Option<String>, form_token: String) -> impl IntoView {
    view! {
        <PostForm action=BlockHost::url() class="search" form_token>
            <TextField id="block-host" name="host" label=messages::HOST hint=messages::HOST_EXPLAINED value=typed fault/>
            <button class="button" type="submit">{messages::BLOCK}</button>
        </PostForm>
    }
}

#[component]
fn Blocked(blocked: BlockedHost, now: Timestamp, form_token: String) -> impl IntoView {
    let shown = || view! { <bdi class="host">{clean::sentence(&blocked.host)}</bdi> };
    let row = sentence!(
        messages::BLOCKED_SINCE,
        host = shown(),
        when = view! { <Ago then=blocked.since now/> }
    );
    let button = sentence!(messages::UNBLOCK_IT, host = shown());
    view! {
        <li class="row">
            <p>{row}</p>
            <PostForm action=UnblockHost::url() class="" form_token>
                <input type="hidden" name="host" value=blocked.host.clone()/>
                <button class="button" type="submit"><span>{button}</span></button>
            </PostForm>
        </li>
    }
}
