//! What people write is kept first, beside their order's intake; the order, or the return, is told what stands for it.

use std::collections::BTreeMap;

use oms_domain::{
    free_text::TextReference,
    ids::{OrderId, ReturnId},
    returns::AnnouncedLine,
};
use oms_workflows::messages::{CommandRequest, ReturnRequest};

use crate::{Starter, StarterError};

impl Starter {
    /// The request with what stands for its text.
    pub(crate) async fn keep_text_of(&self, order_id: &OrderId, mut request: CommandRequest) -> Result<CommandRequest, StarterError> {
        self.keep_texts(order_id, request.request.free_text_mut()).await?;
        Ok(request)
    }

    /// The same of what is asked of a return.
    pub(crate) async fn keep_text_of_return(&self, id: &ReturnId, mut request: ReturnRequest) -> Result<ReturnRequest, StarterError> {
        let order_id = id.order_id().ok_or(StarterError::NotFound)?;
        self.keep_texts(&order_id, request.request.free_text_mut()).await?;
        Ok(request)
    }

    /// The same of why goods come back.
    pub(crate) async fn keep_reasons_of(
        &self,
        order_id: &OrderId,
        mut lines: Vec<AnnouncedLine>,
    ) -> Result<Vec<AnnouncedLine>, StarterError> {
        self.keep_texts(order_id, lines.iter_mut().map(|line| &mut line.reason)).await?;
        Ok(lines)
    }

    /// Nothing is kept for an order that was never taken in.
    async fn keep_texts(&self, order_id: &OrderId, texts: impl IntoIterator<Item = &mut String>) -> Result<(), StarterError> {
        let mut new: BTreeMap<TextReference, String> = BTreeMap::new();
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            let reference = self.store.text_reference(order_id, text);
            let written = std::mem::replace(text, reference.to_string());
            if written != *text {
                new.insert(reference, written);
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        if !self.store.is_taken_in(order_id).await? {
            return Err(StarterError::NotFound);
        }
        Ok(self.store.keep_texts(&new).await?)
    }
}
