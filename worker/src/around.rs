//! What an installation puts around its activities.

use std::{fmt, sync::Arc};

use temporalio_sdk::interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next};

/// One interceptor around the activities of every queue that a process serves: a measure, or a test that makes steps fail.
#[derive(Clone)]
pub struct Around(Arc<dyn ActivityInboundInterceptor>);

impl Around {
    pub fn new(interceptor: impl ActivityInboundInterceptor) -> Self {
        Self(Arc::new(interceptor))
    }
}

impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Around")
    }
}

impl ActivityInboundInterceptor for Around {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        self.0.execute_activity(input, next)
    }
}
