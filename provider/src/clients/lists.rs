//! The clients in the order of their names, of their use, and of their age.

use identity::{deceptive::is_deceptive_char, email::nfkc};
use oauth::Timestamp;
use oauth_clients::client::{Client, ClientSource};

use crate::{
    clients::ClientRegistry,
    records::{self, Batch, List, Members, PageRequest, SortOrder, SortedPage, Sorting, keys},
    unavailable::Unavailable,
};

/// The longest beginning by which names are sorted and found, in characters.
const LONGEST: usize = 200;

/// What clients are sorted by.
pub(crate) struct ClientLists;

impl Sorting for ClientLists {
    type Record = Client;

    fn records() -> List<Client> {
        keys::clients()
    }

    fn sorted(order: SortOrder) -> List<Client> {
        keys::sorted_clients(order)
    }

    fn listed(sorted_by: &str, name: &str) -> String {
        keys::listed_client(sorted_by, name)
    }

    fn name(client: &Client) -> String {
        client.id.to_string()
    }

    /// A client without a name is under its first host, if it has one.
    fn called(client: &Client) -> String {
        let name = folded(client.name.as_deref().unwrap_or_default());
        if name.is_empty() {
            client.hosts().into_iter().next().unwrap_or_default()
        } else {
            name
        }
    }

    fn created_at(client: &Client) -> Timestamp {
        client.created_at
    }

    fn last_use(client: &Client) -> Option<Timestamp> {
        client.used_at
    }

    /// A document client is listed once a user has allowed it something.
    fn is_listed(client: &Client) -> bool {
        !matches!(client.source, ClientSource::Document { allowed: false, .. })
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
    Members::<ClientLists>::of(client).list(batch);
}

/// The reverse.
pub(super) fn unlist_client(batch: &mut Batch, client: &Client) {
    batch.unlist_name(&keys::clients(), &client.id);
    Members::<ClientLists>::of(client).unlist(batch);
}

impl ClientRegistry {
    /// A page of the clients; `prefix` is the beginning of a name.
    pub(crate) async fn sorted_clients(
        &self,
        request: &PageRequest,
    ) -> Result<SortedPage<Client>, Unavailable> {
        let request = PageRequest {
            prefix: folded(&request.prefix),
            ..request.clone()
        };
        records::page::<ClientLists>(&self.context, &request).await
    }

    /// Builds a part of the lists, or all of them for a few clients.
    pub(crate) async fn begin_sorting(&self) -> Result<(), Unavailable> {
        for order in SortOrder::ALL {
            records::build_some::<ClientLists>(self.context.store(), order).await?;
        }
        Ok(())
    }

    /// Builds the list of an order from the clients of earlier releases, unless it is complete.
    pub(crate) async fn sort_clients(&self, order: SortOrder) -> Result<(), Unavailable> {
        records::build::<ClientLists>(self.context.store(), order).await
    }

    /// After the addition of a client, looks for others that have expired, in every list.
    pub(super) async fn sweep_clients(&self, added: &Client) {
        let by_id = self.all_clients().sweep_sometimes(&added.id);
        let sorted = records::sweep_sorted_sometimes::<ClientLists>(
            self.context.store(),
            &self.sweep_places,
            added,
            self.context.now(),
        );
        let sweeps = async move {
            by_id.await;
            sorted.await;
        };
        self.context.background().spawn(sweeps).await;
    }
}
