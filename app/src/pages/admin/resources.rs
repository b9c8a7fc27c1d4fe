//! Resources, and what is handed to whoever develops their servers.

#![expect(
    unreachable_pub,
    reason = "the component macro makes public what is public to this crate alone"
)]

use leptos::prelude::*;
use oauth::resource::{Resource, ScopeDescription};

use super::{Desk, section};
use crate::{
    clean,
    components::Step,
    handover::{self, Handover},
    model::Section,
    pages::Halt,
    words::{admin::resources as words, sentence},
};

/// `/admin/resources`.
#[component]
pub(crate) fn Resources() -> impl IntoView {
    section(Section::Resources, load)
}

async fn load(desk: Desk) -> Result<AnyView, Halt> {
    let settings = desk.context.provider.settings();
    if settings.resources.is_empty() {
        return Ok(view! { <p class="quiet">{words::NONE}</p> }.into_any());
    }
    let sections = settings
        .resources
        .iter()
        .enumerate()
        .map(|(index, resource)| {
            let handover = Handover::of(resource, &settings.issuer, &settings.resources);
            let issuer = settings.issuer.to_string();
            view! { <OneResource index resource=resource.clone() handover issuer/> }
        });
    Ok(sections.collect_view().into_any())
}

#[component]
fn OneResource(
    index: usize,
    resource: Resource,
    handover: Handover,
    issuer: String,
) -> impl IntoView {
    let id = format!("resource-{index}");
    let name = clean::name(&resource.name, resource.identifier.host());
    let scopes = if resource.scopes.is_empty() {
        view! { <p class="quiet">{words::NO_SCOPES}</p> }.into_any()
    } else {
        view! { <Scopes scopes=resource.scopes.clone()/> }.into_any()
    };
    let identifier = resource.identifier.to_string();
    let content = view! {
        <Description handover=handover.clone()/>
        <Refusal challenge=handover.challenge.clone()/>
        <Program program=handover.program.clone()/>
        <Others resource handover issuer/>
    };
    view! {
        <section aria-labelledby=id>
            <h2 id=id.clone()><bdi>{name.clone()}</bdi></h2>
            <p><bdi class="host">{identifier}</bdi></p>
            {scopes}
            <Step summary=words::NEEDS object=name>{content}</Step>
        </section>
    }
}

#[component]
fn Scopes(scopes: Vec<ScopeDescription>) -> impl IntoView {
    let marked = scopes.iter().any(|scope| !scope.default);
    let rows = scopes.into_iter().map(|scope| {
        let mark = (marked && scope.default)
            .then(|| view! { " "<span class="mark">{words::AT_FIRST}</span> });
        view! {
            <tr>
                <th scope="row"><span class="host">{scope.name}</span>{mark}</th>
                <td>{clean::sentence(&scope.sentence)}</td>
            </tr>
        }
    });
    view! {
        <table class="scopes">
            <caption class="unseen">{words::SCOPES}</caption>
            <thead><tr><th scope="col">{words::SCOPE}</th><th scope="col">{words::SENTENCE}</th></tr></thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
        {marked.then(|| view! { <p class="hint">{words::AT_FIRST_EXPLAINED}</p> })}
    }
}

#[component]
fn Description(handover: Handover) -> impl IntoView {
    let address = view! { <bdi class="host">{handover.document_address}</bdi> };
    let explained = if handover.is_served_here {
        sentence!(words::DOCUMENT_SERVED, address = address).into_any()
    } else {
        sentence!(
            words::DOCUMENT_EXPLAINED,
            address = address,
            kind = code(handover::JSON),
            header = code(handover::CORS)
        )
        .into_any()
    };
    view! {
        <div class="part">
            <h3>{words::DOCUMENT}</h3>
            <p>{explained}</p>
            <pre><code>{handover.document}</code></pre>
        </div>
    }
}

#[component]
fn Refusal(challenge: String) -> impl IntoView {
    let explained = sentence!(
        words::CHALLENGE_EXPLAINED,
        error = code(handover::INVALID_TOKEN),
        scope = code(handover::INSUFFICIENT_SCOPE)
    );
    view! {
        <div class="part">
            <h3>{words::CHALLENGE}</h3>
            <p>{explained}</p>
            <pre><code>{challenge}</code></pre>
        </div>
    }
}

#[component]
fn Program(program: String) -> impl IntoView {
    let (axum, remote) = (code("axum"), code("remote"));
    let explained = sentence!(
        words::PROGRAM_EXPLAINED,
        name = code(handover::CRATE),
        axum = axum,
        remote = remote,
        file = code(handover::FILE)
    );
    view! {
        <div class="part">
            <h3>{words::PROGRAM}</h3>
            <p>{explained}</p>
            <pre><code>{program}</code></pre>
        </div>
    }
}

/// What a program in another language checks, and how it asks.
#[component]
fn Others(resource: Resource, handover: Handover, issuer: String) -> impl IntoView {
    let shown = |text: String| view! { <bdi class="host">{text}</bdi> };
    let explained = sentence!(
        words::OTHERS_EXPLAINED,
        address = shown(handover.keys_address),
        kid = code("kid"),
        iss = code("iss"),
        issuer = shown(issuer),
        aud = code("aud"),
        resource = shown(resource.identifier.to_string()),
        exp = code("exp"),
        scope = code("scope"),
    );
    let may_ask = match resource.introspection_secret {
        Some(_) => words::MAY_ASK.into_any(),
        None => sentence!(words::MAY_NOT_ASK, command = code(handover::SECRET_COMMAND)).into_any(),
    };
    view! {
        <div class="part">
            <h3>{words::OTHERS}</h3>
            <p>{explained}</p>
        </div>
        <div class="part">
            <h3>{words::INTROSPECTION}</h3>
            <p>{sentence!(words::INTROSPECTION_EXPLAINED, address = shown(handover.introspection_address))}</p>
            <p>{may_ask}</p>
        </div>
    }
}

fn code(text: &'static str) -> impl IntoView {
    view! { <code>{text}</code> }
}
