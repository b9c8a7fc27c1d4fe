//! The parts these pages are made of.

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

use std::time::Duration;

use leptos::prelude::*;

use crate::{
    clean,
    components::{HiddenFields, described_by},
    model::{Place, Section},
    moment,
    notice::{Notice, ShownOnce},
    words::{
        admin::{self as words, Attempt, News},
        sentence,
    },
};

/// The ways to the other pages.
#[component]
pub(super) fn Navigation(current: Section) -> impl IntoView {
    let links = Section::ALL.map(|section| {
        let here = (section == current).then_some("page");
        view! { <li><a href=Place::Admin(section).to_string() aria-current=here>{words::title(section)}</a></li> }
    });
    view! {
        <nav class="sections" aria-label=words::NAVIGATION>
            <ul>
                {links.collect_view()}
                <li><a href=Place::Account.to_string()>{words::YOUR_ACCOUNT}</a></li>
            </ul>
        </nav>
    }
}

/// What came of the last post, and what it made; `lifetime` is that of a one-time link. What a form
/// was refused for stands beside that form.
#[component]
pub(super) fn Outcome(notice: Option<Notice<News>>, lifetime: Duration) -> impl IntoView {
    let Notice {
        message, secret, ..
    } = notice?;
    let text = message.text();
    match message {
        News::Refused {
            attempt: Attempt::Button,
            ..
        } => Some(view! { <p class="alert" role="alert">{text}</p> }.into_any()),
        News::Refused { .. } => None,
        message => Some(
            view! {
                <div class="alert calm stack" role="status">
                    <p>{text}</p>
                    <Made message secret lifetime/>
                </div>
            }
            .into_any(),
        ),
    }
}

/// What was made, to be copied now.
#[component]
fn Made(message: News, secret: Option<ShownOnce>, lifetime: Duration) -> impl IntoView {
    match (message, secret) {
        (News::Invited { email } | News::ResetLinkMade { email }, Some(link)) => {
            let person = view! { <bdi class="strong">{clean::sentence(&email)}</bdi> };
            let explained = sentence!(
                words::LINK_EXPLAINED,
                person = person,
                span = moment::at_most(lifetime)
            );
            view! {
                <Copied id="one-time-link" label=words::ONE_TIME_LINK value=link.0/>
                <p class="hint">{explained}</p>
            }
            .into_any()
        }
        (News::ClientAdded { client_id }, secret) => view! {
            <Copied id="added-client-id" label=words::CLIENT_ID value=client_id/>
            {secret.map(|secret| view! {
                <Copied id="added-client-secret" label=words::CLIENT_SECRET value=secret.0/>
                <p class="hint">{words::SECRET_EXPLAINED}</p>
            })}
        }
        .into_any(),
        _ => ().into_any(),
    }
}

/// A text to be copied.
#[component]
fn Copied(id: &'static str, label: &'static str, value: String) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input type="text" class="host" id=id value=value readonly autocomplete="off" spellcheck="false"/>
        </div>
    }
}

/// A box for one line.
#[component]
pub(super) fn Line(
    id: &'static str,
    name: &'static str,
    label: &'static str,
    value: String,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional)] hint: &'static str,
    /// Why what was typed is not accepted.
    #[prop(optional_no_strip)]
    fault: Option<String>,
    #[prop(default = true)] required: bool,
) -> impl IntoView {
    let (hint_id, fault_id) = (format!("{id}-hint"), format!("{id}-alert"));
    let described_by = described_by([(&hint_id, !hint.is_empty()), (&fault_id, fault.is_some())]);
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input
                type=kind id=id name=name value=value required=required maxlength="254"
                autocomplete="off" autocapitalize="none" spellcheck="false"
                aria-invalid=fault.is_some().then_some("true")
                aria-describedby=described_by
            />
            {(!hint.is_empty()).then(|| view! { <p class="hint" id=hint_id>{hint}</p> })}
            {fault.map(|fault| view! { <p class="alert" role="alert" id=fault_id>{fault}</p> })}
        </div>
    }
}

/// A form of one button, and above it what follows from pressing it.
#[component]
pub(super) fn Act<'a>(
    action: &'static str,
    form_token: &'a str,
    fields: Vec<(&'static str, String)>,
    /// The name of the button for those who hear it, where others on the page say the same.
    #[prop(optional)]
    spoken: String,
    /// Whether something ends by it.
    #[prop(optional)]
    grave: bool,
    /// What follows.
    consequence: AnyView,
    /// What the button says.
    button: AnyView,
) -> impl IntoView + use<> {
    let fields = fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    view! {
        <form class="stack" method="post" action=action>
            <HiddenFields form_token=form_token.to_owned()/>
            {fields.collect_view()}
            <p>{consequence}</p>
            <button class="button" class:grave=grave type="submit" aria-label=(!spoken.is_empty()).then_some(spoken)>
                <span>{button}</span>
            </button>
        </form>
    }
}
