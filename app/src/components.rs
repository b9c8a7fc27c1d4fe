//! The small parts pages are made of. None of them runs in the browser.

#![expect(unreachable_pub, reason = "the component macro makes public what is public to this crate alone")]

use leptos::prelude::*;
use oauth::Timestamp;

use crate::{
    moment,
    words::{Message, Subject},
};

/// The name of the server above the card.
#[component]
pub(crate) fn Masthead(name: String) -> impl IntoView {
    view! {
        <header class="masthead">
            <svg class="masthead-mark" viewBox="0 0 24 24" aria-hidden="true">
                <path d="M5 21V11a7 7 0 0 1 14 0v10"/>
                <path d="M9.5 21v-9.5a2.5 2.5 0 0 1 5 0V21"/>
                <path d="M3 21h18"/>
            </svg>
            <span>{name}</span>
        </header>
    }
}

/// A message about a form. Stands in the page only while there is something to say.
#[component]
pub(crate) fn Alert(message: Option<Message>, id: &'static str) -> impl IntoView {
    message.map(|message| view! { <p class="alert" role="alert" id=id>{message.text()}</p> })
}

/// The box "Email". `fixed` when a link decides the address.
#[component]
pub(crate) fn EmailField(
    value: String,
    #[prop(optional)] fixed: bool,
    #[prop(optional)] signs_in: bool,
    message: Option<Message>,
) -> impl IntoView {
    let message = message.filter(|message| message.subject() == Subject::Email);
    let faulty = message.is_some();
    view! {
        <div class="field">
            <label for="email">"Email"</label>
            <input
                type="email" id="email" name="email" value=value required readonly=fixed maxlength="254"
                autocomplete=if signs_in { "username webauthn" } else { "username" }
                inputmode="email" enterkeyhint="next" autocapitalize="none" spellcheck="false"
                aria-invalid=faulty.then_some("true")
                aria-describedby=faulty.then_some("email-alert")
            />
            <Alert message id="email-alert"/>
        </div>
    }
}

/// The box "Password", for a known password or a new one. It never holds what was typed before.
#[component]
pub(crate) fn PasswordField(#[prop(optional)] new: bool, message: Option<Message>) -> impl IntoView {
    let message = message.filter(|message| message.subject() == Subject::Password);
    let faulty = message.is_some();
    view! {
        <div class="field">
            <label for="password">"Password"</label>
            <input
                type="password" id="password" name="password" required
                autocomplete=if new { "new-password" } else { "current-password" }
                enterkeyhint=if new { "done" } else { "go" }
                aria-invalid=faulty.then_some("true")
                aria-describedby=faulty.then_some("password-alert")
            />
            <Alert message id="password-alert"/>
        </div>
    }
}

/// The fields every form of ours carries: proof that it is ours, and the request it goes on to.
#[component]
pub(crate) fn HiddenFields(form_token: String, request: String) -> impl IntoView {
    view! {
        <input type="hidden" name="form_token" value=form_token/>
        {(!request.is_empty()).then(|| view! { <input type="hidden" name="request" value=request/> })}
    }
}

/// "or", between two ways to do the same.
#[component]
pub(crate) fn Divider() -> impl IntoView {
    view! { <p class="divider"><span>"or with a password"</span></p> }
}

/// Why the passkey button above is missing, where script is off.
#[component]
pub(crate) fn WithoutScript() -> impl IntoView {
    view! {
        <noscript>
            <p class="hint">"Passkeys need JavaScript, which is switched off here. A password works without."</p>
        </noscript>
    }
}

/// Initials that stand for an application or a resource: logos of strangers are never loaded. The tint comes from
/// the host, so that the same name from elsewhere looks different.
#[component]
pub(crate) fn Monogram<'a>(name: &'a str, host: &'a str) -> impl IntoView + use<> {
    let class = format!("monogram tint-{}", tint(host));
    view! { <span class=class aria-hidden="true">{initials(name)}</span> }
}

/// A time in words, exact on hover.
#[component]
pub(crate) fn Ago(then: Timestamp, now: Timestamp) -> impl IntoView {
    view! {
        <time datetime=moment::machine_readable(then) title=moment::exactly(then)>{moment::ago(then, now)}</time>
    }
}

const TINTS: u32 = 8;

/// First letters of the first two words, or a dot when there are none.
fn initials(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let letters: String = words.take(2).filter_map(|word| word.chars().next()).flat_map(char::to_uppercase).take(2).collect();
    if letters.is_empty() { "·".to_owned() } else { letters }
}

/// FNV-1a of the host, folded onto the tints of the style sheet.
fn tint(host: &str) -> u32 {
    host.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)) % TINTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_of_any_name() {
        for (name, expected) in [
            ("Claude", "C"),
            ("MCP Inspector", "MI"),
            ("claude code (mcp)", "CC"),
            ("メモ帳", "メ"),
            ("ßharp", "SS"),
            ("…", "·"),
            ("", "·"),
        ] {
            assert_eq!(initials(name), expected);
        }
    }

    #[test]
    fn the_tint_belongs_to_the_host() {
        assert_eq!(tint("claude.ai"), tint("claude.ai"));
        assert!((0..100).all(|number| tint(&number.to_string()) < TINTS));
        assert_ne!(tint("claude.ai"), tint("claude.ai.evil.example"));
    }
}
