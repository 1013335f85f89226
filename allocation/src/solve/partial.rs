//! A partial decision of the search: what is open, closed and free, in a network that shrinks as facilities close.

use std::borrow::Cow;

use super::amount::Amount;
use super::dual::{Dual, Status};
use super::network::Network;

/// Some facilities are open, some closed, the others free.
pub(super) struct Partial<'n, A: Amount> {
    pub(super) network: Cow<'n, Network<A>>,
    /// As the bound sees it; None: as it is.
    pub(super) divided: Option<Cow<'n, Network<A>>>,
    /// Of what the bound sees.
    pub(super) dual: Dual<A>,
    /// A facility was opened that has some of what is wanted of a SKU, and not all: the demands are to be divided anew.
    has_some: bool,
}

impl<'n, A: Amount> Partial<'n, A> {
    pub(super) fn new(network: &'n Network<A>, dual: Dual<A>) -> Self {
        Self { network: Cow::Borrowed(network), divided: None, dual, has_some: false }
    }

    /// No completion amounts to less.
    pub(super) fn bound(&self) -> A {
        self.dual.bound(self.divided.as_deref().unwrap_or(&self.network))
    }

    /// The same with a free facility open.
    pub(super) fn opening(&self, facility: usize) -> Partial<'_, A> {
        let mut child = self.child();
        child.dual.open(self.divided.as_deref().unwrap_or(&self.network), facility);
        let has_some = |sku: usize, source: usize| self.network.sources(sku)[source].units < self.network.demands[sku].units;
        child.has_some = self.network.held(facility).iter().any(|held| has_some(held.sku, held.source));
        child
    }

    /// The same with a free facility closed.
    pub(super) fn closing(&self, facility: usize) -> Partial<'_, A> {
        let mut child = self.child();
        child.dual.close(self.divided.as_deref().unwrap_or(&self.network), facility);
        child
    }

    fn child(&self) -> Partial<'_, A> {
        let divided = self.divided.as_deref().map(Cow::Borrowed);
        Partial { network: Cow::Borrowed(&*self.network), divided, dual: self.dual.clone(), has_some: false }
    }

    /// Drops the closed facilities if that is worth the copy, and may divide the demands if that would change them. Whether it did the latter, which can raise the
    /// bound.
    pub(super) fn narrow(&mut self, may_divide: bool) -> bool {
        let kept: Vec<usize> = (0..self.network.len()).filter(|&facility| self.dual.status[facility] != Status::Closed).collect();
        // Copying what is left costs about as much as one more look at it.
        if kept.len() * 4 <= self.network.len() * 3 {
            self.network = Cow::Owned(self.network.restrict(&kept));
            let divided = self.divided.take().map(|divided| divided.restrict(&kept));
            self.dual = self.dual.restrict(&kept, divided.as_ref().unwrap_or(&self.network));
            self.divided = divided.map(Cow::Owned);
        }
        let divides = may_divide && self.has_some;
        if divides {
            let divided = self.network.divided(|facility| self.dual.status[facility] == Status::Open);
            self.dual = self.dual.divide(self.divided.as_deref().unwrap_or(&self.network), &divided);
            self.divided = Some(Cow::Owned(divided));
        }
        divides
    }
}
