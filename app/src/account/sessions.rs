//! The section "Where you're signed in".

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::SessionView;

use crate::{
    account::{
        connection_actions::{EndOtherSessions, EndSession},
        messages::sessions,
        page::Frame,
    },
    clean,
    components::{Ago, Disclosure, PageSection, PostForm, sentence},
    messages::common,
};

#[component]
pub(crate) fn Sessions(sessions: Vec<SessionView>, frame: Frame) -> impl IntoView {
    let has_others = sessions.iter().any(|session| !session.is_this);
    let rows = sessions
        .into_iter()
        .map(|session| view! { <Row session frame=frame.clone()/> })
        .collect_view();
    view! {
        <PageSection id="sessions" title=sessions::TITLE>
            <ul class="rows">{rows}</ul>
            {has_others.then(|| view! { <EndOthers form_token=frame.form_token/> })}
        </PageSection>
    }
}

#[component]
fn EndOthers(form_token: String) -> impl IntoView {
    view! {
        <Disclosure summary=sessions::END_OTHERS>
            <PostForm action=EndOtherSessions::url() form_token>
                <div class="field">
                    <button class="button grave" type="submit">{sessions::END_OTHERS}</button>
                    <p class="hint">{sessions::ENDING_OTHERS_EXPLAINED}</p>
                </div>
            </PostForm>
        </Disclosure>
    }
}

#[component]
fn Row(session: SessionView, frame: Frame) -> impl IntoView {
    let Frame {
        form_token, now, ..
    } = frame;
    let SessionView {
        id,
        device,
        address,
        created_at,
        last_used_at,
        is_this,
    } = session;
    let device = clean::name(&device, sessions::NAMELESS);
    view! {
        <li class="row">
            <p>
                <bdi class="strong">{device.clone()}</bdi>
                {is_this.then(|| view! { " "<span class="mark">{sessions::THIS_BROWSER}</span> })}
                <Use address created_at last_used_at now/>
            </p>
            {(!is_this).then(|| view! { <End id device form_token/> })}
        </li>
    }
}

/// From where it is used, and since when.
#[component]
fn Use(
    address: String,
    created_at: Timestamp,
    last_used_at: Timestamp,
    now: Timestamp,
) -> impl IntoView {
    let since = sentence!(sessions::SINCE, when = view! { <Ago then=created_at now/> });
    let used = sentence!(
        sessions::LAST_USED,
        when = view! { <Ago then=last_used_at now/> }
    );
    // Sessions of earlier releases have no address.
    let address =
        (!address.is_empty()).then(|| view! { {common::DOT}<bdi class="address">{address}</bdi> });
    view! { <span class="quiet">{address}{common::DOT}{since}{common::DOT}{used}</span> }
}

#[component]
fn End(id: String, device: String, form_token: String) -> impl IntoView {
    view! {
        <Disclosure summary=sessions::END object=device.clone()>
            <PostForm action=EndSession::url() form_token>
                <input type="hidden" name="session" value=id/>
                <div class="field">
                    <button class="button grave" type="submit">
                        <span>{sentence!(sessions::END_IT, device = view! { <bdi>{device}</bdi> })}</span>
                    </button>
                    <p class="hint">{sessions::ENDING_EXPLAINED}</p>
                </div>
            </PostForm>
        </Disclosure>
    }
}
