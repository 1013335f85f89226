//! What guards the order store against loss: point-in-time recovery, deletion protection and a key of the key service. Only the cloud has
//! them; an endpoint that stands in for it says so.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    types::{PointInTimeRecoverySpecification, PointInTimeRecoveryStatus, SseSpecification, SseStatus, SseType, TableStatus},
};
use serde::{Deserialize, Serialize};

use crate::{
    error::{DYNAMODB, StoreError},
    store::Store,
    table::{Table, unbuilt},
};

/// Whether a guard is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    On,
    Off,
    /// This endpoint has no such thing.
    NotOffered,
}

/// The guards of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    pub point_in_time_recovery: Guard,
    pub deletion_protection: Guard,
    /// A key of the cloud's key service, in place of the cloud's own.
    pub kms_encryption: Guard,
}

impl Protection {
    const NOT_OFFERED: Self =
        Self { point_in_time_recovery: Guard::NotOffered, deletion_protection: Guard::NotOffered, kms_encryption: Guard::NotOffered };

    /// Each by its name.
    pub fn guards(&self) -> [(&'static str, Guard); 3] {
        [
            ("point-in-time recovery", self.point_in_time_recovery),
            ("deletion protection", self.deletion_protection),
            ("KMS encryption", self.kms_encryption),
        ]
    }
}

fn guard(on: bool) -> Guard {
    if on { Guard::On } else { Guard::Off }
}

/// Codes of an endpoint that does not know what was asked for.
fn is_not_offered<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    matches!(code, "UnknownOperationException" | "UnrecognizedClientException" | "InvalidAction" | "NotImplemented")
}

impl Store {
    /// What guards the table now.
    pub async fn protection(&self) -> Result<Protection, StoreError> {
        self.table.protection().await
    }

    /// Turns on each guard that is off, where there are any. What guards the table then; the cloud may take minutes.
    ///
    /// # Errors
    /// When the cloud refuses: its code says why, and the table can be used all the same.
    pub async fn protect(&self) -> Result<Protection, StoreError> {
        let found = self.table.protection().await?;
        if found.point_in_time_recovery == Guard::Off {
            self.table.keep_backups().await?;
        }
        if found.deletion_protection == Guard::Off {
            self.table.usable().await?;
            self.table.client.update_table().table_name(&*self.table.name).deletion_protection_enabled(true).send().await?;
        }
        if found.kms_encryption == Guard::Off {
            self.table.usable().await?;
            let key = SseSpecification::builder().enabled(true).sse_type(SseType::Kms).build();
            self.table.client.update_table().table_name(&*self.table.name).sse_specification(key).send().await?;
        }
        self.table.usable().await?;
        self.table.protection().await
    }
}

impl Table {
    async fn protection(&self) -> Result<Protection, StoreError> {
        let backups = match self.client.describe_continuous_backups().table_name(&*self.name).send().await {
            Ok(backups) => backups,
            Err(error) if is_not_offered(&error) => return Ok(Protection::NOT_OFFERED),
            Err(error) => return Err(error.into()),
        };
        let recovery = backups.continuous_backups_description().and_then(|found| found.point_in_time_recovery_description());
        let recovery = recovery.and_then(|found| found.point_in_time_recovery_status());
        let answer = self.client.describe_table().table_name(&*self.name).send().await?;
        let table = answer.table().ok_or(StoreError::Corrupt { what: "the description of the table" })?;
        let key = table.sse_description().and_then(|found| found.status());
        Ok(Protection {
            point_in_time_recovery: guard(recovery == Some(&PointInTimeRecoveryStatus::Enabled)),
            deletion_protection: guard(table.deletion_protection_enabled() == Some(true)),
            kms_encryption: guard(matches!(key, Some(SseStatus::Enabled | SseStatus::Enabling | SseStatus::Updating))),
        })
    }

    async fn keep_backups(&self) -> Result<(), StoreError> {
        let on = PointInTimeRecoverySpecification::builder().point_in_time_recovery_enabled(true).build().map_err(|_| unbuilt())?;
        self.client.update_continuous_backups().table_name(&*self.name).point_in_time_recovery_specification(on).send().await?;
        Ok(())
    }

    /// A table takes one change after the other.
    async fn usable(&self) -> Result<(), StoreError> {
        for _ in 0..TABLE_LOOKS {
            let answer = self.client.describe_table().table_name(&*self.name).send().await?;
            if answer.table().and_then(|table| table.table_status()) == Some(&TableStatus::Active) {
                return Ok(());
            }
            tokio::time::sleep(TABLE_LOOK_EVERY).await;
        }
        Err(StoreError::TimedOut { system: DYNAMODB })
    }
}

/// A change of a table's key takes minutes, but the table can be changed again long before.
const TABLE_LOOKS: u32 = 300;
const TABLE_LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(200);
