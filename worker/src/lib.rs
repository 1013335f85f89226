//! oms-worker
