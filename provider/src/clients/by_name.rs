//! The clients in the order of their names.

use identity::{deceptive::is_deceptive_char, email::nfkc};
use oauth_clients::client::{Client, ClientSource};

use crate::{
    clients::ClientRegistry,
    records::{self, Batch, List, PageRequest, SortedPage, Sorting, keys},
    unavailable::Unavailable,
};

/// The longest beginning by which names are sorted and found, in characters.
const LONGEST: usize = 200;

/// By the form in which names are compared. A client without a name is under its first host, if it
/// has one.
pub(crate) struct ByName;

impl Sorting for ByName {
    type Record = Client;
    const NAME: &'static str = "clients-by-name";

    fn records() -> List<Client> {
        keys::clients()
    }

    fn sorted() -> List<Client> {
        keys::clients_by_name()
    }

    /// None for a document client that nobody has allowed anything yet.
    fn member(client: &Client) -> Option<String> {
        let is_listed = !matches!(client.source, ClientSource::Document { allowed: false, .. });
        is_listed.then(|| Self::member_of(client))
    }

    fn unreadable(name: &str) -> String {
        keys::listed_name("", name)
    }
}

impl ByName {
    fn member_of(client: &Client) -> String {
        let name = folded(client.name.as_deref().unwrap_or_default());
        let name = if name.is_empty() {
            client.hosts().into_iter().next().unwrap_or_default()
        } else {
            name
        };
        keys::listed_name(&name, &client.id)
    }
}

/// The form in which names are compared, also of the beginning of a name: one spelling for what
/// looks the same, in lower case, with single spaces, and without what is not seen. Letter by letter,
/// so that the form of a whole name begins with it.
fn folded(text: &str) -> String {
    let seen: String = text
        .chars()
        .filter(|letter| letter.is_whitespace() || !is_deceptive_char(*letter))
        .collect();
    let lowered: String = nfkc(&seen).chars().flat_map(char::to_lowercase).collect();
    let words: Vec<_> = lowered.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST).collect()
}

/// Lists a client, in a batch, after its record.
pub(super) fn list_client(batch: &mut Batch, client: &Client) {
    batch.list_name(&keys::clients(), &client.id);
    batch.list_name(&keys::clients_by_name(), &ByName::member_of(client));
}

/// The reverse.
pub(super) fn unlist_client(batch: &mut Batch, client: &Client) {
    batch.unlist_name(&keys::clients(), &client.id);
    batch.unlist_name(&keys::clients_by_name(), &ByName::member_of(client));
}

impl ClientRegistry {
    /// A page of the clients by name; `prefix` is the beginning of a name.
    pub(crate) async fn clients_by_name(
        &self,
        request: &PageRequest,
    ) -> Result<SortedPage<Client>, Unavailable> {
        let request = PageRequest {
            prefix: folded(&request.prefix),
            ..request.clone()
        };
        records::page::<ByName>(&self.context, &request).await
    }

    /// Builds a part of the list, or all of it for a few clients.
    pub(crate) async fn begin_sorting(&self) -> Result<(), Unavailable> {
        records::build_some::<ByName>(self.context.store())
            .await
            .map(drop)
    }

    /// Builds the list from the clients of earlier releases, unless it is complete.
    pub(crate) async fn sort_clients(&self) -> Result<(), Unavailable> {
        records::build::<ByName>(self.context.store()).await
    }

    /// After the addition of a client, looks for others that have expired, in both lists.
    pub(super) async fn sweep_clients(&self, added: &Client) {
        let by_id = self.all_clients().sweep_sometimes(&added.id);
        let by_name = records::sweep_sorted_sometimes::<ByName>(
            self.context.store(),
            &self.sweep_place,
            &added.id,
            &ByName::member_of(added),
            self.context.now(),
        );
        let sweeps = async move {
            by_id.await;
            by_name.await;
        };
        self.context.background().spawn(sweeps).await;
    }
}
