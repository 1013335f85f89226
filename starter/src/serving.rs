//! Serves those who wait for stock where no stock came in: a facility was switched on, a day has begun, an offer was not answered.

use jiff::Timestamp;

use crate::{Round, Starter, StarterError};

/// Orders whose offers are ended at a time.
const BATCH: u32 = 200;

impl Starter {
    /// Serves, piece by piece, what has become possible; in pieces. Who is served has a message then.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn serve_waiting(&self) -> Result<Round, StarterError> {
        let mut round = Round::default();
        while self.store.serve_due(self.config.clock.business(Timestamp::now())).await? {
            round.done += 1;
        }
        Ok(round)
    }

    /// Gives what was offered and not answered in time to whoever is next.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn expire_offers(&self) -> Result<Round, StarterError> {
        Ok(Round { done: self.store.expire_offers(BATCH).await? as usize, failed: 0 })
    }

    /// Looks for those who wait beside what they could have, and has them served: there should be none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sweep_waiting(&self) -> Result<Round, StarterError> {
        let found = self.store.sweep_waiting().await?.lines_beside_stock;
        if found > 0 {
            tracing::warn!(waiting.lines = found, "lines waited beside stock that they could have; they are served now");
        }
        Ok(Round { done: usize::try_from(found).unwrap_or_default(), failed: 0 })
    }
}
