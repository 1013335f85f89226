//! oms-api
