//! oms-store
