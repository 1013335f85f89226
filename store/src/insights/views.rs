//! What analysts read by SQL: schema `insights`, with a view for each figure and for each table of facts, and role `oms_analyst`, which may read that
//! and nothing else. Made from the table of figures, and made again when that has changed.

use std::fmt::Write as _;

use oms_insights::{FIGURES, Figure, How, Part, RELATIVE_ERROR, value_of};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, PgPool};

use crate::error::StoreError;

const FACTS: [&str; 3] = ["fact_orders", "fact_fulfillments", "fact_lines"];

/// The role has a bound of its own on how long it may take, wherever it logs in. Whoever may not make roles is told so by the database's log, and
/// does without.
const ROLE: &str = "DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'oms_analyst') THEN
        CREATE ROLE oms_analyst NOLOGIN;
    END IF;
    ALTER ROLE oms_analyst SET statement_timeout = '30s';
    ALTER ROLE oms_analyst SET default_transaction_read_only = on;
    ALTER ROLE oms_analyst SET idle_in_transaction_session_timeout = '60s';
EXCEPTION
    WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
        RAISE WARNING 'role oms_analyst was not made: %', SQLERRM;
END $$;
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'oms_analyst') THEN
        GRANT USAGE ON SCHEMA insights TO oms_analyst;
        GRANT SELECT ON ALL TABLES IN SCHEMA insights TO oms_analyst;
    END IF;
END $$;";

/// Makes schema, views and role, unless they stand as this build has them.
pub(crate) async fn apply(pool: &PgPool) -> Result<(), StoreError> {
    let text = statements();
    let digest: String = Sha256::digest(&text).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let mut transaction = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock(20254)").execute(&mut *transaction).await?;
    let stand: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM insight_views WHERE digest = $1)")
        .bind(&digest)
        .fetch_one(&mut *transaction)
        .await?;
    if stand {
        return Ok(());
    }
    // Made of the house's own tables of names alone.
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *transaction).await?;
    let note = "INSERT INTO insight_views (digest) VALUES ($1) ON CONFLICT (one) DO UPDATE SET digest = excluded.digest";
    sqlx::query(note).bind(&digest).execute(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

fn statements() -> String {
    let mut text = "CREATE SCHEMA IF NOT EXISTS insights;\n".to_owned();
    for table in FACTS {
        let _ = writeln!(text, "DROP VIEW IF EXISTS insights.{table};");
        let _ = writeln!(text, "CREATE VIEW insights.{table} AS SELECT * FROM {table} WHERE generation = {LIVE};");
    }
    for figure in FIGURES {
        let _ = writeln!(text, "DROP VIEW IF EXISTS insights.{};\n{};", figure.id, view(figure));
        let _ = writeln!(text, "COMMENT ON VIEW insights.{} IS '{}';", figure.id, figure.text.replace('\'', "''"));
    }
    text.push_str(ROLE);
    text
}

const LIVE: &str = "(SELECT g.generation FROM insight_generations g WHERE g.is_live)";

/// By quarters of an hour, so that whoever reads can cut the days of any zone.
fn view(figure: &Figure) -> String {
    let mut columns = vec!["cell AS occurred_at", "channel"];
    let mut groups = vec!["cell", "channel"];
    if figure.is_by_facility() {
        columns.push("facility_id");
        groups.push("facility_id");
    }
    if figure.is_money() {
        columns.push("currency");
        groups.push("currency");
    }
    if figure.has_reason() {
        columns.push("nullif(reason, '') AS reason");
        groups.push("reason");
    }
    let values = match figure.how {
        How::Total(of) => format!("{} AS value", part(of)),
        How::Quotient { of, by } => format!("{} AS numerator, {} AS denominator", part(of), part(by)),
        How::Times(_) => {
            groups.push("bucket");
            format!("{} AS ms, sum(n)::bigint AS n, sum(sum)::bigint AS total_ms", bucket_ms())
        }
    };
    let left_out = figure.left_out.map(|measure| format!(", {} AS left_out", part(Part::Number(measure)))).unwrap_or_default();
    let measures: Vec<String> = figure.measures().map(|measure| format!("'{}'", measure.name())).collect();
    format!(
        "CREATE VIEW insights.{} AS SELECT {}, {values}{left_out} FROM insight_cells WHERE generation = {LIVE} AND measure IN ({}) GROUP BY {}",
        figure.id,
        columns.join(", "),
        measures.join(", "),
        groups.join(", ")
    )
}

fn part(part: Part) -> String {
    let (column, measure) = match part {
        Part::Number(measure) => ("n", measure),
        Part::Sum(measure) => ("sum", measure),
    };
    format!("coalesce(sum({column}) FILTER (WHERE measure = '{}'), 0)::bigint", measure.name())
}

/// The duration that stands for a bucket, as [`value_of`] has it.
fn bucket_ms() -> String {
    let (gamma, first) = ((1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR), value_of(1));
    format!("CASE WHEN bucket < 1 THEN 0 ELSE {first} * power({gamma}::double precision, bucket - 1) END")
}
