//! The section "Where you are signed in".

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

use leptos::{prelude::*, server_fn::ServerFn};
use provider::SessionView;

use super::Frame;
use crate::{
    actions::access::{EndOtherSessions, EndSession},
    clean,
    components::{Ago, HiddenFields, Step},
    words::{common, sentence, sessions as words},
};

#[component]
pub(super) fn Sessions(sessions: Vec<SessionView>, frame: Frame) -> impl IntoView {
    let has_others = sessions.iter().any(|session| !session.is_this);
    let rows = sessions
        .into_iter()
        .map(|session| view! { <Row session frame=frame.clone()/> })
        .collect_view();
    view! {
        <section aria-labelledby="sessions">
            <h2 id="sessions">{words::TITLE}</h2>
            <ul class="rows">{rows}</ul>
            {has_others.then(|| view! {
                <Step summary=words::END_OTHERS>
                    <form class="stack" method="post" action=EndOtherSessions::url()>
                        <HiddenFields form_token=frame.form_token/>
                        <p>{words::ENDING_OTHERS_EXPLAINED}</p>
                        <button class="button grave" type="submit">{words::END_OTHERS}</button>
                    </form>
                </Step>
            })}
        </section>
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
    let device = clean::name(&device, words::NAMELESS);
    let since = sentence!(words::SINCE, when = view! { <Ago then=created_at now/> });
    let used = sentence!(
        words::LAST_USED,
        when = view! { <Ago then=last_used_at now/> }
    );
    // Sessions from before addresses were noted have none.
    let address =
        (!address.is_empty()).then(|| view! { {common::DOT}<bdi class="address">{address}</bdi> });
    view! {
        <li class="row">
            <p>
                <bdi class="strong">{device.clone()}</bdi>
                {is_this.then(|| view! { " "<span class="mark">{words::THIS_BROWSER}</span> })}
                <span class="quiet">{address}{common::DOT}{since}{common::DOT}{used}</span>
            </p>
            {(!is_this).then(|| view! { <End id device form_token/> })}
        </li>
    }
}

#[component]
fn End(id: String, device: String, form_token: String) -> impl IntoView {
    view! {
        <Step summary=words::END object=device.clone()>
            <form class="stack" method="post" action=EndSession::url()>
                <HiddenFields form_token/>
                <input type="hidden" name="session" value=id/>
                <p>{words::ENDING_EXPLAINED}</p>
                <button class="button grave" type="submit">
                    <span>{sentence!(words::END_IT, device = view! { <bdi>{device}</bdi> })}</span>
                </button>
            </form>
        </Step>
    }
}
