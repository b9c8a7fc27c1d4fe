//! What a signed-in person changes about their account.

use leptos::{prelude::*, server_fn::codec::Json};

#[cfg(feature = "ssr")]
use crate::{
    context::{Visit, answer_form, answer_script},
    device,
    model::Place,
    passkeys,
};
use crate::{model::Ceremony, words::Message};

/// Begins adding a passkey.
#[server(prefix = "/actions", endpoint = "start_adding_passkey", input = Json)]
pub async fn start_adding_passkey(form_token: String) -> Result<Ceremony, Message> {
    let attempt = async {
        let visit = Visit::trusted(&form_token)?;
        passkeys::sent(visit.provider.start_adding_passkey(&visit.visitor).await?)
    };
    answer_script(attempt.await)
}

/// Ends adding a passkey; answers the path to go on to.
#[server(prefix = "/actions", endpoint = "finish_adding_passkey", input = Json)]
pub async fn finish_adding_passkey(form_token: String, ceremony: String, credential: String) -> Result<String, Message> {
    let attempt = async {
        let visit = Visit::trusted(&form_token)?;
        let name = device::name(visit.header(http::header::USER_AGENT));
        let credential = passkeys::received(&credential)?;
        visit.provider.finish_adding_passkey(&visit.visitor, &ceremony, &credential, &name).await?;
        Ok(Place::Account.to_string())
    };
    answer_script(attempt.await)
}

/// Ends what the person had allowed an application, and forgets that they had.
#[server(prefix = "/actions", endpoint = "disconnect")]
pub async fn disconnect(#[server(default)] form_token: String, #[server(default)] connection: String) -> Result<(), Message> {
    let attempt = async {
        let visit = Visit::trusted(&form_token)?;
        visit.provider.disconnect(&visit.visitor, &connection).await?;
        Ok(Place::Account)
    };
    answer_form(attempt.await, &Place::Account, "");
    Ok(())
}
