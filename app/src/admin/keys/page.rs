//! Signing keys.

use access_token::{JWKS_PATH, KEYS_PATH};
use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::{KeySummary, SigningKeyState};

use crate::{
    admin::{
        actions::{RevokeKey, RotateKeys},
        context::AdminContext,
        keys::messages,
        parts::ActionForm,
    },
    components::{Ago, Disclosure, sentence},
    page::PageError,
    time_format,
};

/// `/admin/keys`.
pub(crate) async fn load(admin: AdminContext) -> Result<AnyView, PageError> {
    let keys = admin.administration.keys().await?;
    let now = admin.now;
    let settings = admin.context.provider.settings();
    let lifetimes = &settings.lifetimes;
    let span = time_format::at_most(lifetimes.key_overlap.max(lifetimes.access_token));
    let token = &admin.form_token;
    let has_jwt_keys = keys.iter().any(|key| key.algorithm.is_some());
    let jwks = has_jwt_keys.then(|| {
        let address = view! { <bdi class="host">{settings.issuer.url(JWKS_PATH)}</bdi> };
        view! { <p class="quiet">{sentence!(messages::JWT_KEYS_PUBLISHED, address = address)}</p> }
    });
    let rows = keys
        .into_iter()
        .map(|key| view! { <Row key now form_token=token.clone()/> })
        .collect_view();
    let address = view! { <bdi class="host">{settings.issuer.url(KEYS_PATH)}</bdi> };
    let view = view! {
        <ul class="rows">{rows}</ul>
        <p class="quiet">{sentence!(messages::PUBLISHED, address = address)}</p>
        {jwks}
        <Disclosure summary=messages::ROTATE>
            <ActionForm
                action=RotateKeys::url() form_token=&admin.form_token fields=Vec::new()
                consequence=sentence!(messages::ROTATE_EXPLAINED, span = span).into_any() button=messages::ROTATE_IT.into_any()
            />
        </Disclosure>
    };
    Ok(view.into_any())
}

#[component]
fn Row(key: KeySummary, now: Timestamp, form_token: String) -> impl IntoView {
    let kid = key.kid.clone();
    let format = key.algorithm.unwrap_or_else(|| messages::PASETO.to_owned());
    let shown = view! { <bdi class="host">{key.kid}</bdi> };
    let sentence = match (key.state, key.since, key.until) {
        (SigningKeyState::Active, Some(then), _) => sentence!(
            messages::ACTIVE_SINCE,
            key = shown,
            when = view! { <Ago then now/> }
        )
        .into_any(),
        (SigningKeyState::Active, None, _) => sentence!(messages::ACTIVE, key = shown).into_any(),
        (SigningKeyState::Standby, ..) => sentence!(messages::STANDBY, key = shown).into_any(),
        (SigningKeyState::Retiring, _, Some(until)) => {
            let when = view! { <time datetime=time_format::machine_readable(until)>{time_format::exactly(until)}</time> };
            sentence!(messages::RETIRING_UNTIL, key = shown, when = when).into_any()
        }
        (SigningKeyState::Retiring, _, None) => {
            sentence!(messages::RETIRING, key = shown).into_any()
        }
    };
    let button = sentence!(
        messages::REVOKE_IT,
        key = view! { <bdi class="host">{kid.clone()}</bdi> }
    );
    view! {
        <li class="row">
            <p><span class="mark">{format}</span>" "{sentence}</p>
            <Disclosure summary=messages::REVOKE object=kid.clone()>
                <ActionForm
                    action=RevokeKey::url() form_token=&form_token fields=vec![("kid", kid)] grave=true
                    consequence=messages::REVOKE_EXPLAINED.into_any() button=button.into_any()
                />
            </Disclosure>
        </li>
    }
}
