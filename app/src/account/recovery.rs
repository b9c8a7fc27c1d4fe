//! The section "Recovery codes".

use leptos::{prelude::*, server_fn::ServerFn};
use oauth::Timestamp;
use provider::RemainingCodes as Codes;

use crate::{
    account::actions::MakeRecoveryCodes,
    components::{Ago, Disclosure, PageSection, PostForm, sentence},
    messages::common,
    recovery::messages,
};

/// How many are made at a time.
const ALL: usize = 10;

#[component]
pub(crate) fn RecoveryCodes(
    codes: Option<Codes>,
    now: Timestamp,
    form_token: String,
) -> impl IntoView {
    let (summary, explained) = match codes {
        Some(_) => (messages::MAKE_NEW, messages::MAKING_NEW_EXPLAINED),
        None => (messages::MAKE, messages::MAKING_EXPLAINED),
    };
    view! {
        <PageSection id="recovery-codes" title=messages::SECTION>
            <p class="quiet">
                {codes.map_or(messages::NONE.into_any(), |codes| view! { <Remaining codes now/> }.into_any())}
            </p>
            <Disclosure summary>
                <PostForm action=MakeRecoveryCodes::url() form_token>
                    <div class="field">
                        <button class="button" type="submit">{summary}</button>
                        <p class="hint">{explained}</p>
                    </div>
                </PostForm>
            </Disclosure>
        </PageSection>
    }
}

#[component]
fn Remaining(codes: Codes, now: Timestamp) -> impl IntoView {
    let made = sentence!(
        messages::MADE,
        when = view! { <Ago then=codes.made_at now/> }
    );
    view! { {messages::left(codes.left, ALL)}{common::DOT}{made} }
}
