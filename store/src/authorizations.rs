//! Authorizations that checkouts have made: each pays for one payment of one order.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use oms_domain::ids::{OrderId, PaymentId};

use crate::{error::StoreError, store::Store};

/// Who has an authorization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    Ours,
    /// Another payment had it before.
    ByAnother,
}

impl Store {
    /// Binds an authorization to a payment, unless another has it; again, it is bound as before. One that says nothing of its end is kept
    /// for longer than any gateway holds money.
    pub async fn take_authorization(
        &self,
        authorization_id: &str,
        order_id: &OrderId,
        payment_id: &PaymentId,
        expires_at: Option<Timestamp>,
    ) -> Result<Taken, StoreError> {
        let query = sqlx::query_scalar(
            "INSERT INTO taken_authorizations AS known (authorization_id, order_id, payment_id, expires_at)
            VALUES ($1, $2, $3, coalesce($4, now() + interval '400 days'))
            ON CONFLICT (authorization_id) DO UPDATE SET expires_at = greatest(known.expires_at, excluded.expires_at)
                WHERE known.order_id = excluded.order_id AND known.payment_id = excluded.payment_id
            RETURNING to_jsonb(true)",
        );
        let query = query.bind(authorization_id).bind(order_id.as_str()).bind(payment_id.as_str());
        let taken: Option<bool> = self.row(query.bind(expires_at.map(ToSqlx::to_sqlx))).await?;
        Ok(if taken.is_some() { Taken::Ours } else { Taken::ByAnother })
    }
}
