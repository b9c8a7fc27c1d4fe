//! The parts these pages are made of.

use std::time::Duration;

use leptos::prelude::*;

use crate::{
    admin::{
        flash::{Attempt, FlashMessage},
        messages,
    },
    clean,
    components::{PostForm, described_by, sentence},
    flash::{Flash, OneTimeSecret},
    pages::{AdminPage, PagePath},
    time_format,
};

/// Links to the other pages.
#[component]
pub(crate) fn Navigation(current: AdminPage) -> impl IntoView {
    let links = AdminPage::ALL.iter().map(|&section| {
        let here = (section == current).then_some("page");
        view! { <li><a href=PagePath::Admin(section).to_string() aria-current=here>{section.title()}</a></li> }
    });
    view! {
        <nav class="sections" aria-label=messages::NAVIGATION>
            <ul>
                {links.collect_view()}
                <li><a href=PagePath::Account.to_string()>{messages::YOUR_ACCOUNT}</a></li>
            </ul>
        </nav>
    }
}

/// The result of the last post, and what it created; `lifetime` is that of a one-time link. The
/// error of a form is shown beside that form.
#[component]
pub(crate) fn ResultMessage(
    flash: Option<Flash<FlashMessage>>,
    lifetime: Duration,
) -> impl IntoView {
    let Flash {
        message, secret, ..
    } = flash?;
    let text = message.text();
    match message {
        FlashMessage::Refused {
            attempt: Attempt::Button,
            ..
        } => Some(view! { <p class="alert" role="alert">{text}</p> }.into_any()),
        // These are shown beside their forms.
        FlashMessage::Refused {
            attempt: Attempt::Invite { .. } | Attempt::AddClient { .. } | Attempt::BlockHost { .. },
            ..
        } => None,
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
fn Made(message: FlashMessage, secret: Option<OneTimeSecret>, lifetime: Duration) -> impl IntoView {
    match (message, secret) {
        (FlashMessage::LinkMade { email, .. }, Some(link)) => {
            view! { <MadeLink email link lifetime/> }.into_any()
        }
        (FlashMessage::ClientAdded { client_id, .. }, secret) => {
            view! { <MadeClient client_id secret/> }.into_any()
        }
        (FlashMessage::LinkMade { .. }, None)
        | (FlashMessage::Done(_) | FlashMessage::Refused { .. }, _) => ().into_any(),
    }
}

/// A one-time link, and its user.
#[component]
fn MadeLink(email: String, link: OneTimeSecret, lifetime: Duration) -> impl IntoView {
    let explained = sentence!(
        messages::LINK_EXPLAINED,
        user = view! { <bdi class="strong">{clean::sentence(&email)}</bdi> },
        span = time_format::at_most(lifetime)
    );
    view! {
        <Copied id="one-time-link" label=messages::ONE_TIME_LINK value=link.0/>
        <p class="hint">{explained}</p>
    }
}

/// The id of a client that was added, and its secret, if it has one.
#[component]
fn MadeClient(client_id: String, secret: Option<OneTimeSecret>) -> impl IntoView {
    view! {
        <Copied id="added-client-id" label=messages::CLIENT_ID value=client_id/>
        {secret.map(|secret| view! {
            <Copied id="added-client-secret" label=messages::CLIENT_SECRET value=secret.0/>
            <p class="hint">{messages::SECRET_EXPLAINED}</p>
        })}
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

/// A field for one line.
#[component]
pub(crate) fn TextField(
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
    let hint_id = format!("{id}-hint");
    let fault_id = format!("{id}-alert");
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

/// A search in the list of a page.
#[component]
pub(crate) fn Search(
    section: AdminPage,
    label: &'static str,
    button: &'static str,
    query: String,
    /// The order of the list, for when nothing is sought any more.
    #[prop(optional_no_strip)]
    sort: Option<&'static str>,
) -> impl IntoView {
    view! {
        <form class="search" method="get" action=PagePath::Admin(section).to_string() role="search">
            {sort.map(|sort| view! { <input type="hidden" name="sort" value=sort/> })}
            <TextField id="find" name="q" label kind="search" value=query required=false/>
            <button class="button" type="submit">{button}</button>
        </form>
    }
}

/// A search that found nothing, and a link to the whole list.
#[component]
pub(crate) fn NoneFound(
    section: AdminPage,
    sentence: AnyView,
    show_all: &'static str,
) -> impl IntoView {
    view! {
        <p class="quiet">{sentence}</p>
        <p><a class="link" href=PagePath::Admin(section).to_string()>{show_all}</a></p>
    }
}

/// A form of one button, and below it what pressing it does.
#[component]
pub(crate) fn ActionForm<'a>(
    action: &'static str,
    form_token: &'a str,
    fields: Vec<(&'static str, String)>,
    /// The name of the button for screen readers, where other buttons on the page have the same text.
    #[prop(optional)]
    spoken: String,
    /// Whether something ends by it.
    #[prop(optional)]
    grave: bool,
    /// What pressing the button does.
    consequence: AnyView,
    /// The text of the button.
    button: AnyView,
) -> impl IntoView + use<> {
    let fields = fields
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    view! {
        <PostForm action=action form_token=form_token.to_owned()>
            {fields.collect_view()}
            <div class="field">
                <button class="button" class:grave=grave type="submit" aria-label=(!spoken.is_empty()).then_some(spoken)>
                    <span>{button}</span>
                </button>
                <p class="hint">{consequence}</p>
            </div>
        </PostForm>
    }
}
