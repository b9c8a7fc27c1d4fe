//! Signing keys.

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::KeySummary;

use super::{Desk, parts::Act, section};
use crate::{
    actions::administration::{RevokeKey, RotateKeys},
    components::{Ago, Step},
    handover::KEYS,
    model::Section,
    moment,
    pages::Halt,
    words::{
        admin::{self, keys as words},
        sentence,
    },
};

/// `/admin/keys`.
#[component]
pub(crate) fn Keys() -> impl IntoView {
    section(Section::Keys, load)
}

async fn load(desk: Desk) -> Result<AnyView, Halt> {
    let (keys, now, settings) = (
        desk.administration.keys().await?,
        desk.now,
        desk.context.provider.settings(),
    );
    let lifetimes = &settings.lifetimes;
    let span = moment::at_most(lifetimes.key_overlap.max(lifetimes.access_token));
    let token = &desk.form_token;
    let rows = keys
        .into_iter()
        .map(|key| view! { <Row key now form_token=token.clone()/> })
        .collect_view();
    let address = view! { <bdi class="host">{settings.issuer.url(KEYS)}</bdi> };
    let view = view! {
        <ul class="rows">{rows}</ul>
        <p class="quiet">{sentence!(words::PUBLISHED, address = address)}</p>
        <Step summary=words::ROTATE>
            <Act
                action=RotateKeys::url() form_token=&desk.form_token fields=Vec::new()
                consequence=sentence!(words::ROTATE_EXPLAINED, span = span).into_any() button=words::ROTATE_IT.into_any()
            />
        </Step>
    };
    Ok(view.into_any())
}

#[component]
fn Row(key: KeySummary, now: Timestamp, form_token: String) -> impl IntoView {
    let kid = key.kid.clone();
    let shown = view! { <bdi class="host">{key.kid}</bdi> };
    let sentence = match (key.state, key.since, key.until) {
        ("active", Some(then), _) => sentence!(
            words::ACTIVE_SINCE,
            key = shown,
            when = view! { <Ago then now/> }
        )
        .into_any(),
        ("active", None, _) => sentence!(words::ACTIVE, key = shown).into_any(),
        ("standby", ..) => sentence!(words::STANDBY, key = shown).into_any(),
        (_, _, Some(until)) => {
            let when = view! { <time datetime=moment::machine_readable(until)>{moment::exactly(until)}</time> };
            sentence!(words::RETIRING_UNTIL, key = shown, when = when).into_any()
        }
        (_, _, None) => sentence!(words::RETIRING, key = shown).into_any(),
    };
    let button = sentence!(
        words::REVOKE_IT,
        key = view! { <bdi class="host">{kid.clone()}</bdi> }
    );
    view! {
        <li class="row">
            <p>{sentence}</p>
            <Step summary=admin::REMOVE object=words::revoke(&kid)>
                <Act
                    action=RevokeKey::url() form_token=&form_token fields=vec![("kid", kid)] grave=true
                    consequence=words::REVOKE_EXPLAINED.into_any() button=button.into_any()
                />
            </Step>
        </li>
    }
}
