//! What pages load beside themselves: built in, named by its content, kept by browsers for ever.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

/// A file, and the name that it is served under.
struct Asset {
    name: &'static str,
    content_type: &'static str,
    body: &'static [u8],
    url: String,
}

/// Name without its hash, type, body.
type File = (&'static str, &'static str, &'static [u8]);

const SCRIPT: &str = "text/javascript; charset=utf-8";
/// htmx is as npm has it: `htmx.org` 4.0.1. The icons are lucide's, in one sprite.
const FILES: [File; 6] = [
    ("console.css", "text/css; charset=utf-8", include_bytes!("../assets/console.css")),
    ("console.js", SCRIPT, include_bytes!("../assets/console.js")),
    ("scan.js", SCRIPT, include_bytes!("../assets/scan.js")),
    ("live.js", SCRIPT, include_bytes!("../assets/live.js")),
    ("htmx.js", SCRIPT, include_bytes!("../assets/htmx-4.0.1.min.js")),
    ("icons.svg", "image/svg+xml", include_bytes!("../assets/icons.svg")),
];

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| FILES.iter().map(Asset::of).collect());

impl Asset {
    fn of((name, content_type, body): &File) -> Self {
        let hash: String = Sha256::digest(body).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        Self { name, content_type, body, url: format!("/console/assets/{stem}.{hash}.{extension}") }
    }
}

/// Where a page finds a file.
pub(crate) fn url(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.url.as_str())
}

pub(crate) async fn serve(Path(file): Path<String>) -> Response {
    match ASSETS.iter().find(|asset| asset.url.ends_with(&format!("/{file}"))) {
        Some(asset) => {
            let headers = [(header::CONTENT_TYPE, asset.content_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
            (headers, asset.body).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(name: &str) -> String {
        let (.., body) = FILES.iter().find(|(known, ..)| *known == name).unwrap();
        Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn what_others_wrote_is_as_they_published_it() {
        assert_eq!(digest("htmx.js"), "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130");
    }

    #[tokio::test]
    async fn a_file_is_found_under_the_name_that_pages_have_and_no_other() {
        let file = url("console.css").rsplit('/').next().unwrap().to_owned();
        assert_eq!(serve(Path(file)).await.status(), StatusCode::OK);
        assert_eq!(serve(Path("console.css".to_owned())).await.status(), StatusCode::NOT_FOUND);
    }
}
