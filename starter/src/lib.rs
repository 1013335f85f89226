//! oms-starter
