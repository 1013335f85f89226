//! The description of the API against the API, by a tool that neither of them knows: requests that the schema allows are read, those that it
//! forbids are refused, and nothing makes the server fail.

use anyhow::{Context, Result};
use oms_domain::policy::Policy;

use super::{fixture, run};
use crate::support::{http, in_own_shop};

/// Cases of each operation in the phase that makes them up; those of the other phases are as many as there are.
const FUZZED: &str = "10";
/// The same ones each time.
const SEED: &str = "17";
/// Python before 3.11.8 counts the depth of its parser for all threads together (gh-106905): two of them that parse at once end one another.
const WORKERS: &str = "1";
/// Our own checks among them: see the file that has them.
const CHECKS: &str = "not_a_server_error,what_the_schema_allows_is_read,what_the_schema_forbids_is_refused,\
                      response_schema_conformance,content_type_conformance,unsupported_method,ignored_auth";

/// Text and files, which no schema describes; and scans, which are open objects, judged one by one in the answer.
const LEFT_OUT: &str = "^/(metrics|v1/feeds/[a-z]+|v1/carrier-events)$";

#[test]
fn the_api_and_its_description_agree() -> Result<()> {
    in_own_shop(Policy::default(), async |shop| {
        let folder = tempfile::tempdir()?;
        let (url, key) = (shop.url("/openapi.json"), format!("Authorization: Bearer {}", http::key()));
        let checks = fixture("checks.py").into_os_string().into_string().ok().context("a path in UTF-8")?;
        let arguments = [
            &["run", &url, "--header", &key, "--warnings", "off"][..],
            &["--phases", "examples,coverage,fuzzing", "--max-examples", FUZZED, "--seed", SEED, "--workers", WORKERS],
            &["--checks", CHECKS, "--exclude-path-regex", LEFT_OUT],
        ];
        run("bin/schemathesis", folder.path(), &arguments.concat(), &[("SCHEMATHESIS_HOOKS", &checks)]).await?;
        Ok(())
    })
}
