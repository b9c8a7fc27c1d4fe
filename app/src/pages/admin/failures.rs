//! Requests of applications that failed: in plain words, with what helps.

#![expect(unreachable_pub, reason = "the component macro makes public what is public to this crate alone")]

use leptos::prelude::*;
use oauth::Timestamp;
use provider::{FailedStep, Failure};

use super::{Desk, section};
use crate::{
    clean,
    components::{Ago, Step, fill},
    model::Section,
    pages::Halt,
    words::{admin::failures as words, common, sentence},
};

/// `/admin/failures`.
#[component]
pub(crate) fn Failures() -> impl IntoView {
    section(Section::Failures, load)
}

async fn load(desk: Desk) -> Result<AnyView, Halt> {
    let (failures, now) = (desk.administration.failures().await?, desk.now);
    if failures.is_empty() {
        return Ok(view! { <p class="quiet">{words::NONE}</p> }.into_any());
    }
    let rows = failures.into_iter().map(|failure| view! { <Row failure now/> });
    Ok(view! { <ul class="rows">{rows.collect_view()}</ul> }.into_any())
}

#[component]
pub(super) fn Row(failure: Failure, now: Timestamp) -> impl IntoView {
    let client = view! { <bdi class="strong">{called(&failure)}</bdi> };
    let from = view! { <bdi class="address">{clean::sentence(&failure.last_from)}</bdi> };
    let (first, last) = (view! { <Ago then=failure.first_at now/> }, view! { <Ago then=failure.last_at now/> });
    view! {
        <li class="row">
            <div>
                <p>{fill(words::what(failure.kind), [("client", client.into_any())])}</p>
                <p>{words::fix(failure.kind)}</p>
                <p class="quiet">
                    {words::times(failure.times)}
                    {common::DOT}{sentence!(words::LAST, when = last)}
                    {(failure.times > 1).then(|| view! { {common::DOT}{sentence!(words::FIRST, when = first)} })}
                    {common::DOT}{sentence!(words::FROM, address = from)}
                    {common::DOT}{words::step(failure.step)}
                </p>
            </div>
            <Details failure/>
        </li>
    }
}

#[component]
fn Details(failure: Failure) -> impl IntoView {
    let id = clean::sentence(&failure.client_id);
    let id = if id.is_empty() { words::NO_CLIENT_ID.to_owned() } else { id };
    let rows = [
        (words::CODE, clean::sentence(&failure.code)),
        (words::DESCRIPTION, clean::sentence(&failure.description)),
        (words::CLIENT_ID, id),
    ];
    let content = view! {
        <dl class="facts">
            {rows.map(|(label, value)| view! { <dt>{label}</dt><dd><bdi>{value}</bdi></dd> }).collect_view()}
        </dl>
    };
    view! { <Step summary=words::DETAILS object=called(&failure)>{content}</Step> }
}

/// The name of the application, or whatever it called itself. One that registers has no id yet.
fn called(failure: &Failure) -> String {
    let own = if failure.step == FailedStep::Register { "" } else { failure.client_id.as_str() };
    clean::name(failure.client_name.as_deref().unwrap_or(own), common::NAMELESS_APPLICATION)
}
