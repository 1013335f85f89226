//! How often an account may ask: a bucket of requests each, which fills again as time goes by. What is left of it goes with every answer.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::StateInformationMiddleware,
    state::keyed::HashMapStateStore,
};
use oms_api::problem::Problem;
use oms_domain::error::ErrorCode;

use crate::{caller::Caller, failure::Failure};

/// <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>
static RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
static RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The buckets of all accounts.
#[derive(Clone)]
pub(crate) struct Pace {
    buckets: Arc<RateLimiter<String, HashMapStateStore<String>, MonotonicClock, StateInformationMiddleware>>,
    per_second: NonZeroU32,
    burst: NonZeroU32,
}

impl Pace {
    /// So many requests a second, and so many at once after a pause.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let [per_second, burst] = [per_second, burst].map(|count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN));
        let quota = Quota::per_second(per_second).allow_burst(burst);
        let buckets = RateLimiter::new(quota, HashMapStateStore::default(), MonotonicClock);
        Self { buckets: Arc::new(buckets), per_second, burst }
    }

    /// Takes a request out of the account's bucket: what is left, or how long it takes until there is one again.
    fn take(&self, account: &str) -> Result<u32, Duration> {
        let taken = self.buckets.check_key(&account.to_owned());
        taken.map(|left| left.remaining_burst_capacity()).map_err(|empty| empty.wait_time_from(MonotonicClock.now()))
    }

    /// Says how the bucket stands: `left`, and the seconds until it is full.
    fn tell(&self, headers: &mut HeaderMap, left: u32) {
        let seconds = |requests: u32| requests.div_ceil(self.per_second.get());
        let policy = format!("\"account\";q={};w={}", self.burst, seconds(self.burst.get()));
        let limit = format!("\"account\";r={left};t={}", seconds(self.burst.get().saturating_sub(left)));
        for (name, value) in [(&RATE_LIMIT_POLICY, policy), (&RATE_LIMIT, limit)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name.clone(), value);
            }
        }
    }
}

/// Lets a request of an account through, or says when the next one will be.
pub(crate) async fn keep(State(pace): State<Pace>, request: Request, next: Next) -> Response {
    let Some(caller) = request.extensions().get::<Caller>().cloned() else { return next.run(request).await };
    match pace.take(caller.id.as_str()) {
        Ok(left) => {
            let mut response = next.run(request).await;
            pace.tell(response.headers_mut(), left);
            response
        }
        Err(wait) => {
            let wait_s = wait.as_secs_f64().ceil().max(1.0) as u64;
            let detail = format!("this account has used up its requests: the next one is let in after {wait_s} s");
            let mut refused = Failure::from(Problem::new(ErrorCode::TooManyRequests).detail(detail)).into_response();
            refused.headers_mut().insert(header::RETRY_AFTER, wait_s.into());
            pace.tell(refused.headers_mut(), 0);
            refused
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_has_a_bucket_of_its_own_that_fills_again() {
        let pace = Pace::new(20, 3);
        assert_eq!([pace.take("a"), pace.take("a"), pace.take("a")], [Ok(2), Ok(1), Ok(0)]);
        let wait = pace.take("a").unwrap_err();
        assert!(wait <= Duration::from_millis(50), "{wait:?}");
        assert_eq!(pace.take("b"), Ok(2));
        // Before that time it is refused, and after it is let in.
        while let Err(left) = pace.take("a") {
            assert!(left <= wait, "{left:?}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_is_left_is_told() {
        let mut headers = HeaderMap::new();
        Pace::new(10, 100).tell(&mut headers, 75);
        assert_eq!(
            (&headers["ratelimit-policy"], &headers["ratelimit"]),
            (&HeaderValue::from_static("\"account\";q=100;w=10"), &HeaderValue::from_static("\"account\";r=75;t=3"))
        );
    }
}
