//! What people who call say of an order, as hashes that need a key.

use oms_domain::{
    ids::OrderId,
    lookup,
    placed::{Address, PlacedOrder},
};

use crate::{error::StoreError, keyed, store::Store};

/// What a text may mean: one that is a phone number or a postal code, or all of the words of a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Meant {
    pub(crate) any: Vec<String>,
    pub(crate) words: Vec<String>,
}

impl Store {
    /// Of everything that an order is found by.
    pub(crate) fn lookups_of(&self, order: &PlacedOrder) -> Vec<String> {
        let addresses = order.delivery_groups.iter().filter_map(|group| group.destination.address());
        let mut all: Vec<String> = addresses.flat_map(|address| self.lookups_of_address(address)).collect();
        all.extend(self.hashes("name", lookup::words(&order.customer.name)));
        all.sort();
        all.dedup();
        all
    }

    fn lookups_of_address(&self, address: &Address) -> Vec<String> {
        let phone = address.phone.as_deref().and_then(lookup::phone);
        let postal_code = address.postal_code.as_deref().and_then(lookup::postal_code);
        let words = self.hashes("name", lookup::words(&address.name));
        self.hashes("phone", phone).chain(self.hashes("postal_code", postal_code)).chain(words).collect()
    }

    fn hashes(&self, kind: &'static str, texts: impl IntoIterator<Item = String>) -> impl Iterator<Item = String> {
        texts.into_iter().map(move |text| keyed::lookup_hash(&self.email_key, kind, &text))
    }

    /// What somebody may mean who types this.
    pub(crate) fn meant_by(&self, text: &str) -> Meant {
        let any = self.hashes("phone", lookup::phone(text)).chain(self.hashes("postal_code", lookup::postal_code(text)));
        Meant { any: any.collect(), words: self.hashes("name", lookup::words(text)).collect() }
    }

    /// An address that an order is changed to is one that it is found by.
    pub(crate) async fn note_lookups(&self, order_id: &OrderId, addresses: impl Iterator<Item = &Address>) -> Result<(), StoreError> {
        let hashes: Vec<String> = addresses.flat_map(|address| self.lookups_of_address(address)).collect();
        if hashes.is_empty() {
            return Ok(());
        }
        let query = sqlx::query(
            "INSERT INTO order_lookups (hash, order_id) SELECT hash, $1 FROM unnest($2::text[]) AS hash ON CONFLICT DO NOTHING",
        );
        query.bind(order_id.as_str()).bind(hashes).execute(&self.pool).await?;
        Ok(())
    }
}
