//! The section "Recovery codes".

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::RecoveryCodes as Codes;

use crate::{
    actions::account::MakeRecoveryCodes,
    components::{Ago, HiddenFields, Step},
    words::{common, recovery as words, sentence},
};

/// How many are made at a time.
const ALL: usize = 10;

#[component]
pub(super) fn RecoveryCodes(
    codes: Option<Codes>,
    now: Timestamp,
    form_token: String,
) -> impl IntoView {
    let (summary, explained) = match codes {
        Some(_) => (words::MAKE_NEW, words::MAKING_NEW_EXPLAINED),
        None => (words::MAKE, words::MAKING_EXPLAINED),
    };
    view! {
        <section aria-labelledby="recovery-codes">
            <h2 id="recovery-codes">{words::SECTION}</h2>
            <p class="quiet">
                {match codes {
                    None => words::NONE.into_any(),
                    Some(Codes { left, made_at }) => {
                        let made = sentence!(words::MADE, when = view! { <Ago then=made_at now/> });
                        view! { {words::left(left, ALL)}{common::DOT}{made} }.into_any()
                    }
                }}
            </p>
            <Step summary>
                <form class="stack" method="post" action=MakeRecoveryCodes::url()>
                    <HiddenFields form_token/>
                    <p>{explained}</p>
                    <button class="button" type="submit">{summary}</button>
                </form>
            </Step>
        </section>
    }
}
